"""Energies held against those of other units, and of their own composition."""

import numpy as np

from ..energy_units import (
    ENERGY_UNITS,
    HARTREE,
    ROUNDING,
    all_electron_energies,
    in_all_electron_range,
    unit_factor,
)

# Labels per atom and of whole structures are told apart by all rows together: this share must agree.
AGREEMENT = 0.9
# The spread of labels is that of a composition from so many rows on.
FEWEST = 10
# A spread below this, in eV/atom, is none.
SMALLEST_SPREAD = 1e-6


def suspected_units(structures, y, energy_unit):
    """Name the unit in which each energy is near that of all electrons, if it is not the stated one.

    Parameters
    ----------
    structures : Structures
    y : ndarray of shape (n_structures,)
        As given, in `energy_unit`.
    energy_unit : str

    Returns
    -------
    ndarray of str of shape (n_structures,)
        Empty where nothing is suspected.
    """
    suspected = np.full(len(y), "", dtype=object)
    expected = all_electron_energies(structures) * HARTREE
    near = {
        unit: in_all_electron_range(y * unit_factor(unit, structures.n_atoms) / expected)
        for unit in ENERGY_UNITS
    }
    stated = near.pop(energy_unit)
    several = (structures.n_atoms > 1) & np.isfinite(y)
    for unit, rows in near.items():
        if _per_atom(unit) == _per_atom(energy_unit):
            suspected[rows] = unit
    for unit, rows in near.items():
        rows = rows & several & ~stated
        if _per_atom(unit) != _per_atom(energy_unit) and rows.sum() >= max(AGREEMENT * several.sum(), 1):
            suspected[rows] = unit
    return suspected


def _per_atom(unit):
    return unit.endswith("/atom")


def label_deviation(structures, y, right):
    """Distance of each label from the median of its composition, in robust standard deviations.

    Parameters
    ----------
    structures : Structures
    y : ndarray of shape (n_structures,)
        Of whole structures, in eV.
    right : ndarray of bool of shape (n_structures,)
        Labels that tell what is usual.

    Returns
    -------
    ndarray of shape (n_structures,)
        NaN where too few labels are comparable.
    """
    counts = structures.counts()
    deviation = np.full(len(y), np.nan)
    if right.sum() < FEWEST:
        return deviation
    table = counts[:, counts.any(axis=0)].astype(float)
    left = (y - table @ _element_energies(table[right], y[right])) / structures.n_atoms
    _, kind = np.unique(counts, axis=0, return_inverse=True)
    kind = kind.ravel()
    rare = np.bincount(kind[right], minlength=kind.max() + 1) < FEWEST
    kind = np.where(rare[kind], -1, kind)
    for one in np.unique(kind):
        rows, known = kind == one, (kind == one) & right
        if known.sum() >= FEWEST:
            centre = np.median(left[known])
            spread = 1.4826 * np.median(np.abs(left[known] - centre))
            deviation[rows] = (left[rows] - centre) / max(spread, SMALLEST_SPREAD)
    deviation[~np.isfinite(y)] = np.nan
    return deviation


def _element_energies(counts, y):
    """Fit the energy of each element by least absolute deviations, (n_elements,)."""
    weight = np.ones(len(y))
    for _ in range(20):
        energies = np.linalg.lstsq(counts * weight[:, None], y * weight, rcond=None)[0]
        error = np.abs(y - counts @ energies) / counts.sum(axis=1)
        weight = 1 / np.sqrt(np.maximum(error, max(SMALLEST_SPREAD, ROUNDING * np.abs(y).max())))
    return energies
