"""Pairs of atoms, and of their periodic images, within a distance."""

from typing import NamedTuple

import numpy as np

from .._optional import require
from ._checks import check_images, compact_cells

# Atoms closer than this, in Å, are two entries of one atom.
TOO_CLOSE = 0.1
# Molecules and clusters up to this size are compared atom by atom, many at a time; larger ones, and crystals,
# one by one through matscipy's cell lists.
SMALL, CHUNK = 100, 2_000_000
# Cutoffs that fit into a cell vector, at most: shorter ones are applied afterwards. Those below 1 Å, which
# find no bonds, are better searched in larger boxes.
MOST_BOXES, FEWER_BOXES = 200, 30


class Pairs(NamedTuple):
    """Atoms within a distance of each other, each pair once."""

    i: np.ndarray  # (n_pairs,) place of an atom in the list of all atoms
    j: np.ndarray  # (n_pairs,)
    shift: np.ndarray  # (n_pairs, 3) in Å, of the second atom's image
    first: np.ndarray  # (n_structures + 1,) where the pairs of each structure begin

    def vectors(self, structures):
        """Return how the second atom of each pair lies from the first, ndarray of shape (n_pairs, 3) in Å."""
        return structures.positions[self.j] - structures.positions[self.i] + self.shift


def neighbour_pairs(structures, cutoff, *, allow_overlap=False):
    """Find all pairs of atoms, and of their periodic images, within a distance.

    Parameters
    ----------
    structures : Structures
    cutoff : float
        In Å.
    allow_overlap : bool, default=False
        Return pairs however close they are, for a check of the data.

    Returns
    -------
    Pairs
        Ordered by structure.

    Raises
    ------
    ValueError
        Two atoms closer than 0.1 Å (naming structure and atoms), but for ``allow_overlap``; a cell that
        repeats too often within the distance.
    ImportError
        matscipy is not installed, and a structure is periodic or has more than 100 atoms.
    """
    check_images(structures, cutoff)
    structures = compact_cells(structures, cutoff)
    sizes = structures.n_atoms
    small = (sizes <= SMALL) & ~structures.pbc.any(axis=1)
    found = []
    for size in np.unique(sizes[small]):
        rows = np.flatnonzero(small & (sizes == size))
        for part in np.array_split(rows, -(-len(rows) * size**2 // CHUNK)):
            found.append(_pairs_of_clusters(structures, part, size, cutoff))
    found += [_pairs_of_one(structures, row, cutoff) for row in np.flatnonzero(~small)]
    row, i, j, shift = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(row, kind="stable")
    first = np.r_[0, np.bincount(row, minlength=len(structures)).cumsum()]
    pairs = Pairs(i[order], j[order], shift[order], first)
    if not allow_overlap:
        _check_apart(structures, pairs, row[order])
    return pairs


def _pairs_of_clusters(structures, rows, size, cutoff):
    """Structure, atoms and shift of the pairs of clusters that have the same size."""
    atoms = structures.first[rows][:, None] + np.arange(size)
    a, b = np.triu_indices(size, 1)
    positions = structures.positions[atoms]
    apart = positions[:, b] - positions[:, a]
    which, pair = np.nonzero(np.einsum("npx,npx->np", apart, apart) < cutoff**2)
    i, j = atoms[which, a[pair]], atoms[which, b[pair]]
    return rows[which], i, j, np.zeros((len(i), 3))


def _pairs_of_one(structures, row, cutoff):
    """Structure, atoms and shift of the pairs of one structure of any size, periodic or not."""
    neighbour_list = require("matscipy.neighbours").neighbour_list
    place = slice(structures.first[row], structures.first[row + 1])
    positions, pbc = structures.positions[place], structures.pbc[row]
    cell, origin = _box(structures.cell[row], pbc, positions)
    # Time and memory grow with the number of boxes of the size of the cutoff.
    most = MOST_BOXES if cutoff >= 1 else FEWER_BOXES
    reach = max(float(cutoff), np.linalg.norm(cell, axis=1).max() / most)
    i, j, images = neighbour_list(
        "ijS", cutoff=reach, positions=positions, cell=cell, cell_origin=origin, pbc=pbc
    )
    # Of a pair and its mirror image one is kept; of an atom and its own image, the one shifted forwards.
    forwards = np.sign(images) @ [9, 3, 1] > 0
    kept = (i < j) | ((i == j) & forwards)
    i, j, shift = i[kept], j[kept], images[kept] @ cell
    if reach > cutoff:
        near = np.linalg.norm(positions[j] - positions[i] + shift, axis=1) < cutoff
        i, j, shift = i[near], j[near], shift[near]
    return np.full(len(i), row), place.start + i, place.start + j, shift


def _box(cell, pbc, positions):
    """Cell and its origin, with the directions that are not periodic wrapped around the atoms."""
    cell = np.where(pbc[:, None], cell, 0.0)
    if not pbc.all():
        # The last right singular vectors are orthogonal to the periodic directions.
        cell[~pbc] = np.linalg.svd(cell)[2][pbc.sum() :]
    inside = positions @ np.linalg.inv(cell)
    low = np.where(pbc, 0.0, inside.min(axis=0) - 1.0)
    cell = cell * np.where(pbc, 1.0, np.ptp(inside, axis=0) + 2.0)[:, None]
    return cell, low @ np.where(pbc[:, None], 0.0, cell / np.linalg.norm(cell, axis=1, keepdims=True))


def check_apart(structures):
    """Raise a ValueError for two atoms, or an atom and its own periodic image, in one place.

    What passes is not looked at again, nor are parts of it.

    Parameters
    ----------
    structures : Structures
    """
    if not structures.apart:
        neighbour_pairs(structures, TOO_CLOSE)
        structures.apart = True


def _check_apart(structures, pairs, row):
    distance = np.linalg.norm(pairs.vectors(structures), axis=1)
    if (distance < TOO_CLOSE).any():
        k = np.argmin(distance)
        i, j = np.array([pairs.i[k], pairs.j[k]]) - structures.first[row[k]]
        which = f"Atoms {i} and {j}" if i != j else f"Atom {i} and its periodic image"
        what = "is one of them there twice? Remove it" if i != j else "correct the cell"
        raise ValueError(
            f"{which} of structure {row[k]} are {distance[k]:.3g} Å apart: {what}, or drop this structure."
        )
