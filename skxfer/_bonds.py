"""Which atoms are bonded, by their covalent radii, and the pieces that bonds connect."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

# Two atoms are bonded up to this multiple of the sum of their covalent radii.
BOND_FACTOR = 1.25
# fmt: off
# In Å, by atomic number from 1 (H) to 96 (Cm): Cordero, B. et al., Dalton Trans. 2008, 2832.
COVALENT_RADII = np.array([
    0.31, 0.28,
    1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58,
    1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02, 1.06,
    2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32,
    1.26, 1.24, 1.32, 1.22, 1.22, 1.20, 1.19, 1.20, 1.20, 1.16,
    2.20, 1.95, 1.90, 1.75, 1.64, 1.54, 1.47, 1.46,
    1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.40,
    2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.90, 1.87, 1.87,
    1.75, 1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.40, 1.50, 1.50,
    2.60, 2.21, 2.15, 2.06, 2.00, 1.96, 1.90, 1.87, 1.80, 1.69,
])
# fmt: on


def covalent_radii(numbers):
    """Return the covalent radii of elements, that of curium for those beyond it.

    Parameters
    ----------
    numbers : ndarray of int
        Atomic numbers.

    Returns
    -------
    ndarray of the same shape
        In Å.
    """
    return COVALENT_RADII[np.minimum(numbers, len(COVALENT_RADII)) - 1]


def fragments(n_atoms, i, j):
    """Tell which atoms bonds connect, directly or through others.

    Parameters
    ----------
    n_atoms : int
    i, j : ndarray of int, shape (n_bonds,)
        Atoms that are bonded.

    Returns
    -------
    ndarray of int, shape (n_atoms,)
        The same number, from 0 on, for the atoms of one piece.
    """
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(n_atoms, n_atoms))
    return connected_components(graph, directed=False)[1]
