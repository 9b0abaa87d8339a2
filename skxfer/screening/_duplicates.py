"""Geometries that occur twice, whatever their place, orientation, mirror image and order of atoms."""

import numpy as np
from scipy.spatial import KDTree

# Of so many sorted distances of one kind evenly spaced ones are compared: more tell nothing new.
MOST_DISTANCES = 256
CHUNK = 2_000_000


def find_duplicates(structures, tolerance):
    """Find structures whose geometry an earlier one has.

    Sorted distances between atoms, by pairs of elements, and from the centre of the atoms, by element, are
    compared: all of a kind, or 256 evenly spaced ones if there are more. None of these may differ by more
    than a tolerance.

    Parameters
    ----------
    structures : Structures
        Periodic ones are passed over.
    tolerance : float
        In Å.

    Returns
    -------
    ndarray of int of shape (n_structures,)
        The first structure with this geometry, which is the row itself for all that occur once.
    """
    first = np.arange(len(structures))
    rows = np.flatnonzero(~structures.pbc.any(axis=1))
    if not rows.size:
        return first
    _, kind = np.unique(structures.counts()[rows], axis=0, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    for same in np.split(rows[order], np.cumsum(np.bincount(kind.ravel()))[:-1]):
        if len(same) > 1:
            first[same] = same[_first_within(_fingerprints(structures, same), tolerance)]
    return first


def _first_within(points, tolerance):
    """Return for each point the first one within the tolerance that has none before itself."""
    tree = KDTree(points)
    near = {"r": tolerance, "p": np.inf}
    first = np.arange(len(points))
    taken = tree.query_ball_point(points, **near, return_length=True) == 1
    for row in range(len(points)):
        if not taken[row]:
            members = np.array(tree.query_ball_point(points[row], **near))
            members = members[~taken[members]]
            first[members], taken[members] = row, True
    return first


def _fingerprints(structures, rows):
    """Sorted distances of structures that have the same composition, (n_rows, n_distances)."""
    size = structures.n_atoms[rows[0]]
    atoms = structures.first[rows][:, None] + np.arange(size)
    order = np.argsort(structures.numbers[atoms], axis=1, kind="stable")
    atoms = np.take_along_axis(atoms, order, axis=1)
    numbers = structures.numbers[atoms[0]]
    a, b = np.triu_indices(size, 1)
    # By atomic number the pairs of elements are in the same columns for all structures.
    pairs = np.unique(numbers[a] * 1000 + numbers[b], return_inverse=True)[1]
    elements = np.unique(numbers, return_inverse=True)[1]
    n_parts = -(-len(rows) * len(a) // CHUNK) or 1
    parts = []
    for part in np.array_split(atoms, n_parts):
        positions = structures.positions[part]
        between = np.linalg.norm(positions[:, a] - positions[:, b], axis=2)
        outwards = np.linalg.norm(positions - positions.mean(axis=1, keepdims=True), axis=2)
        parts.append(np.hstack([*_sorted(between, pairs), *_sorted(outwards, elements)]))
    return np.vstack(parts)


def _sorted(values, kinds):
    for kind in range(kinds.max(initial=-1) + 1):
        part = np.sort(values[:, kinds == kind], axis=1)
        n = part.shape[1]
        if n > MOST_DISTANCES:
            part = part[:, np.linspace(0, n - 1, MOST_DISTANCES).round().astype(int)]
        yield part
