"""Energies held against those of free atoms, of other units, and of their own composition."""

import numpy as np

from ..structures import HARTREE, SYMBOLS, all_electron_energies, in_all_electron_range

# Of one Hartree.
UNITS = {"eV": HARTREE, "Hartree": 1.0, "kcal/mol": 627.509474, "kJ/mol": 2625.499639}
# Labels per atom are told from totals by all rows together: this share must agree.
AGREEMENT = 0.9
# The spread of labels is that of a composition from so many rows on.
FEWEST = 10
# A spread below this, in eV/atom, is none.
SMALLEST_SPREAD = 1e-6
ROUNDING = 1e-9


def suspected_units(structures, y, energy_unit):
    """Name the unit in which each energy is near that of all electrons, if it is not the stated one.

    Returns
    -------
    ndarray of str of shape (n_structures,)
        Empty where nothing is suspected.
    """
    ratio = y / all_electron_energies(structures)
    suspected = np.full(len(y), "", dtype=object)
    if not np.isfinite(ratio).any():
        return suspected
    stated = in_all_electron_range(ratio / UNITS[energy_unit])
    for unit in UNITS.keys() - {energy_unit}:
        suspected[in_all_electron_range(ratio / UNITS[unit])] = unit
    several = (structures.n_atoms > 1) & np.isfinite(ratio)
    for unit, size in UNITS.items():
        per_atom = several & ~stated & in_all_electron_range(ratio * structures.n_atoms / size)
        if per_atom.any() and per_atom.sum() >= AGREEMENT * several.sum():
            suspected[per_atom] = f"{unit}/atom"
    return suspected


def free_atoms(structures, reference_energies):
    """Sum the energies of the free atoms of each structure."""
    reference_energies = dict(reference_energies)
    counts = structures.counts()
    energies = np.zeros(len(SYMBOLS))
    for z in np.flatnonzero(counts.any(axis=0)):
        energies[z] = reference_energies.get(SYMBOLS[z], np.nan)
        if not np.isfinite(energies[z]):
            row = np.flatnonzero(counts[:, z])[0]
            raise ValueError(
                f"reference_energies has no number for {SYMBOLS[z]}, which structure {row} has: they are for "
                f"{list(reference_energies)}."
            )
    return counts @ energies


def label_deviation(structures, y, right, per_ev):
    """Distance of each label from the median of its composition, in robust standard deviations.

    Parameters
    ----------
    structures : Structures
    y : ndarray of shape (n_structures,)
    right : ndarray of bool of shape (n_structures,)
        Labels that tell what is usual.
    per_ev : float
        One eV in the unit of `y`.

    Returns
    -------
    ndarray of shape (n_structures,)
        NaN where too few labels are comparable.
    """
    smallest = SMALLEST_SPREAD * per_ev
    counts = structures.counts()
    deviation = np.full(len(y), np.nan)
    if right.sum() < FEWEST:
        return deviation
    table = counts[:, counts.any(axis=0)].astype(float)
    left = (y - table @ _element_energies(table[right], y[right], smallest)) / structures.n_atoms
    _, kind = np.unique(counts, axis=0, return_inverse=True)
    kind = kind.ravel()
    rare = np.bincount(kind[right], minlength=kind.max() + 1) < FEWEST
    kind = np.where(rare[kind], -1, kind)
    for one in np.unique(kind):
        rows, known = kind == one, (kind == one) & right
        if known.sum() >= FEWEST:
            centre = np.median(left[known])
            spread = 1.4826 * np.median(np.abs(left[known] - centre))
            deviation[rows] = (left[rows] - centre) / max(spread, smallest)
    deviation[~np.isfinite(y)] = np.nan
    return deviation


def _element_energies(counts, y, smallest):
    """Fit the energy of each element by least absolute deviations, (n_elements,)."""
    weight = np.ones(len(y))
    for _ in range(20):
        energies = np.linalg.lstsq(counts * weight[:, None], y * weight, rcond=None)[0]
        error = np.abs(y - counts @ energies) / counts.sum(axis=1)
        weight = 1 / np.sqrt(np.maximum(error, max(smallest, ROUNDING * np.abs(y).max())))
    return energies
