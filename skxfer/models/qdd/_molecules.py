"""Molecules for a quantum deep field: read, turned into their axes, put into graphs."""

import warnings

import numpy as np

from ...structures import SYMBOLS, neighbour_pairs, read_structures
from ..base.training import to_tensor

# Atoms closer than this, in Å, are in the same place.
OVERLAP = 0.2


def read_molecules(X):
    """Read molecules, none of whose atoms overlap.

    Parameters
    ----------
    X : sequence of length n_samples
        Structures: see :func:`skxfer.structures.read_structures`.

    Returns
    -------
    Structures

    Warns
    -----
    UserWarning
        A structure is periodic.
    """
    structures = read_structures(X)
    periodic = structures.pbc.any(axis=1)
    if periodic.any():
        warnings.warn(
            f"Structure {np.flatnonzero(periodic)[0]} is periodic ({periodic.sum()} such structures): the "
            "atoms in its cell are taken as a molecule.",
            stacklevel=4,
        )
        structures = structures.as_molecules()
    neighbour_pairs(structures, OVERLAP)
    return structures


def check_basis(structures):
    """Raise a ValueError for the first atom whose element the basis of orbitals does not have."""
    from ...nn.qdf import LAST_ELEMENT

    heavy = np.flatnonzero(structures.numbers > LAST_ELEMENT)
    if heavy.size:
        atom = heavy[0]
        raise ValueError(
            f"Structure {structures.row[atom]} has the element {SYMBOLS[structures.numbers[atom]]}: the "
            f"basis ends at {SYMBOLS[LAST_ELEMENT]}. Drop it, or use MBTRFeaturizer or SOAPFeaturizer."
        )


def principal_axes(structures):
    """Find the principal axes of the nuclear charges of each molecule.

    Parameters
    ----------
    structures : Structures

    Returns
    -------
    ndarray of shape (n_samples, 3, 3)
        Axes in columns. The grid is the same along each axis and its opposite: neither order nor sign of
        the axes matters.
    """
    first = structures.first[:-1]
    charge = structures.numbers[:, None].astype(float)
    center = np.add.reduceat(charge * structures.positions, first) / np.add.reduceat(charge, first)
    apart = structures.positions - center[structures.row]
    return np.linalg.eigh(np.add.reduceat(charge[:, :, None] * apart[:, :, None] * apart[:, None], first))[1]


def make_graph(structures, axes, device):
    """Put molecules, turned into their axes, into one graph without pairs.

    Parameters
    ----------
    structures : Structures
    axes : ndarray of shape (n_samples, 3, 3)
    device : str

    Returns
    -------
    skxfer.nn.graph.Graph
    """
    from ...nn.graph import Graph

    positions = np.einsum("nx,nxy->ny", structures.positions, axes[structures.row])
    arrays = structures.numbers, positions, structures.n_atoms
    return Graph.without_pairs(*(to_tensor(array, device) for array in arrays))
