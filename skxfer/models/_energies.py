"""What energies are made of before a network sees them: units, energies of the elements, a robust scale."""

import numpy as np

from ..structures import HARTREE

# Of y, in eV.
UNITS = {
    "eV": 1.0,
    "meV": 1e-3,
    "Hartree": HARTREE,
    "kcal/mol": 4.184 * 0.010364269656,
    "kJ/mol": 0.010364269656,
}


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


def fit_references(counts, energy):
    """Fit energies of the elements to those of structures, by least squares over the compositions.

    Each composition counts by its median, which structures that went wrong do
    not move. Where the compositions do not tell, the smallest energies are taken.

    Parameters
    ----------
    counts : ndarray of int, shape (n_structures, n_elements)
    energy : ndarray of shape (n_structures,)

    Returns
    -------
    ndarray of shape (n_elements,)
    """
    compositions, which, size = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    medians = np.array([np.median(energy[which.ravel() == k]) for k in range(len(size))])
    # Per atom, and as many times as there are structures.
    scale = np.sqrt(size) / compositions.sum(axis=1)
    return np.linalg.lstsq(compositions * scale[:, None], medians * scale, rcond=1e-9)[0]


def robust_scale(values):
    """Return the deviation of values by their quartiles, as of a normal distribution.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    float
        Where half of the values are the same: their standard deviation, or one.
    """
    low, high = np.quantile(values, [0.25, 0.75])
    floor = 1e-9 * max(np.abs(values).max(), 1e-30)
    for scale in ((high - low) / 1.349, values.std()):
        if scale > floor:
            return float(scale)
    return 1.0
