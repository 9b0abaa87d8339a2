"""Energies by their magnitude: units, free atoms, and totals of all electrons."""

import numpy as np

from .formulas import ELEMENTS

# CODATA 2018.
HARTREE = 27.211386245988
_KJ_PER_MOL = 0.010364269656
# In eV.
UNITS = {
    "eV": 1.0,
    "meV": 1e-3,
    "Hartree": HARTREE,
    "kcal/mol": 4.184 * _KJ_PER_MOL,
    "kJ/mol": _KJ_PER_MOL,
}
# All that an energy can be given in.
ENERGY_UNITS = (*UNITS, *(f"{unit}/atom" for unit in UNITS))
# Of sums of many terms, relative.
ROUNDING = 1e-9
# A total energy is taken for one of all electrons if its ratio to that of the free atoms is in between. The
# formula for atoms is right to 7 %; bonds add up to 9 % (H2), relativity 10 % (U). Valence energies of
# hydrides in eV come to 0.8.
ALL_ELECTRON = (0.9, 1.2)


def unit_factor(energy_unit, n_atoms=None):
    """Return what turns energies of a unit into eV.

    Parameters
    ----------
    energy_unit : str
        One of `UNITS`, or per atom, as in ``"eV/atom"``.
    n_atoms : ndarray of shape (n_structures,), optional
        Of whole structures, if the unit is per atom. Default: of what is never per atom.

    Returns
    -------
    float or ndarray of shape (n_structures,)
    """
    factor = UNITS[energy_unit.removesuffix("/atom")]
    return factor if n_atoms is None or not energy_unit.endswith("/atom") else factor * n_atoms


def free_atoms(structures, reference_energies):
    """Sum the energies of the free atoms of each structure.

    Parameters
    ----------
    structures : Structures
    reference_energies : mapping of str to float
        By symbol.

    Returns
    -------
    ndarray of shape (n_structures,)
        In the unit of `reference_energies`.

    Raises
    ------
    ValueError
        An element without a number (naming the first structure that has it).
    """
    reference_energies = dict(reference_energies)
    counts = structures.counts()
    energies = np.zeros(counts.shape[1])
    for z in np.flatnonzero(counts.any(axis=0)):
        symbol = ELEMENTS[z - 1]
        energies[z] = reference_energies.get(symbol, np.nan)
        if not np.isfinite(energies[z]):
            row = np.flatnonzero(counts[:, z])[0]
            raise ValueError(
                f"reference_energies has no number for {symbol}, which structure {row} has: they are for "
                f"{list(reference_energies)}."
            )
    return counts @ energies


def is_bound(energy, limit):
    """Tell which energies do not lie above those of the free atoms.

    Parameters
    ----------
    energy, limit : ndarray of shape (n_structures,)
        `limit` is what :func:`free_atoms` returns.

    Returns
    -------
    ndarray of bool of shape (n_structures,)
        True for free atoms themselves, whatever the rounding of a sum; False for NaN.
    """
    return energy <= limit + ROUNDING * np.abs(limit)


def all_electron_energies(structures):
    """Estimate total energies of all electrons from free atoms, whatever the bonds: right to about 10 %.

    Parameters
    ----------
    structures : Structures

    Returns
    -------
    ndarray of shape (n_structures,)
        In Hartree, negative. Of atoms by Schwinger's formula, Phys. Rev. A 24, 2353 (1981).
    """
    counts = structures.counts()
    z = np.arange(counts.shape[1])
    return counts @ -(0.768745 * z ** (7 / 3) - z**2 / 2 + 0.2699 * z ** (5 / 3))


def looks_like_hartree(structures, y):
    """Tell whether energies are total ones of all electrons in Hartree, by their magnitude alone.

    Energies of valence electrons (pseudopotentials, tight binding), of formation or of atomisation are told
    from none of that: for them the answer is False in any unit.

    Parameters
    ----------
    structures : Structures
    y : array-like of shape (n_structures,)
        Total energies. NaN is passed over.

    Returns
    -------
    bool
        Whether more than half of the energies do.

    Examples
    --------
    >>> from skxfer.structures import looks_like_hartree, read_structures
    >>> water = read_structures([([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])])
    >>> looks_like_hartree(water, [-76.4]), looks_like_hartree(water, [-76.4 * 27.2114])
    (True, False)
    """
    ratio = np.asarray(y, dtype=float).ravel() / all_electron_energies(structures)
    ratio = ratio[np.isfinite(ratio)]
    return bool(ratio.size and np.mean(in_all_electron_range(ratio)) > 0.5)


def in_all_electron_range(ratio):
    """Tell which ratios of an energy to the estimate of all electrons are near 1."""
    return (ratio > ALL_ELECTRON[0]) & (ratio < ALL_ELECTRON[1])
