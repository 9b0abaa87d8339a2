"""What is taken off energies before a network sees them: energies of the elements, a robust scale."""

import numpy as np

from ...structures import NUMBERS


def element_counts(structures, elements):
    """Count the atoms of some elements.

    Parameters
    ----------
    structures : Structures
    elements : list of str
        Symbols.

    Returns
    -------
    ndarray of int, shape (n_structures, n_elements)
    """
    return structures.counts()[:, [NUMBERS[symbol] for symbol in elements]]


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
    """Return the deviation of values from their quartiles, that of a normal distribution.

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
