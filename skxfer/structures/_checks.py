"""What no model or library could take: checked once for all of them, before any is called."""

import numpy as np

from .._optional import require
from ._packed import SYMBOLS

# Of unit vectors of a cell, the least singular value of a volume.
FLAT = 1e-6
# Lattice planes closer than this, in Å, belong to no crystal.
THIN = 0.1
# Largest extent of a structure or cell vector, in Å: cell lists take memory in proportion to its cube.
LARGEST = 1000.0
# Largest coordinate in Å: beyond it, distances of atoms lose the digits that matter.
FARTHEST = 1e6
# Of fractional coordinates.
ROUNDING = 1e-6
# Copies of a cell from which on it is worth reducing: primitive cells of metals have fewer within 8 Å.
MANY_COPIES = 1000
# Atoms, with their periodic images, among which neighbours are looked for at once; pairs that fit in memory.
MOST_IMAGES, MOST_PAIRS = 1e8, 2e8


def check_structures(found):
    """Raise a ValueError that names the structure for atoms and cells that cannot be.

    Parameters
    ----------
    found : Structures
    """
    _check_atoms(found)
    _check_cells(found)
    _check_extents(found)


def _check_atoms(found):
    empty = np.flatnonzero(found.n_atoms == 0)
    if empty.size:
        raise ValueError(f"Structure {empty[0]} has no atoms: drop this row.")
    odd = (found.numbers < 1) | (found.numbers >= len(SYMBOLS))
    if odd.any():
        atom = np.flatnonzero(odd)[0]
        row = found.row[atom]
        raise ValueError(
            f"Atom {atom - found.first[row]} of structure {row} has the atomic number {found.numbers[atom]}, "
            "which is no element (a ghost atom?): remove it."
        )
    # Not |x| > FARTHEST, which NaN would pass.
    far = ~(np.abs(found.positions) <= FARTHEST).all(axis=1)
    if far.any():
        atom = np.flatnonzero(far)[0]
        row = found.row[atom]
        raise ValueError(
            f"Atom {atom - found.first[row]} of structure {row} is at {found.positions[atom].tolist()} Å: "
            f"positions must be finite, and at most {FARTHEST:.0e} Å from the origin. Drop this structure, "
            "or move it to the origin."
        )


def _check_cells(found):
    if not np.isfinite(found.cell).all():
        row = np.flatnonzero(~np.isfinite(found.cell).all(axis=(1, 2)))[0]
        raise ValueError(
            f"The cell of structure {row} is {found.cell[row].tolist()}: its vectors must be finite. Set the "
            "cell, to zeros if the structure is not periodic."
        )
    missing = found.pbc & ~found.cell.any(axis=2)
    if missing.any():
        row, axis = np.argwhere(missing)[0]
        raise ValueError(
            f"Structure {row} is periodic along its cell vector {axis}, which is "
            f"{found.cell[row, axis].tolist()}: set the cell, or pbc to False."
        )
    rows = np.flatnonzero(found.pbc.any(axis=1))
    pbc, lengths = found.pbc[rows], np.linalg.norm(found.cell[rows], axis=2)
    long = pbc & (lengths > LARGEST)
    if long.any():
        which, axis = np.argwhere(long)[0]
        raise ValueError(
            f"The cell vector {axis} of structure {rows[which]} is {lengths[which, axis]:.4g} Å long, and at "
            f"most {LARGEST:.0f} Å are possible: is its unit Å? If it should not repeat there, set pbc to "
            "False."
        )
    vectors = np.where(pbc[:, :, None], found.cell[rows], 0.0)
    vectors /= np.where(pbc, lengths, 1.0)[:, :, None]
    flat = np.linalg.matrix_rank(vectors, tol=FLAT) < pbc.sum(axis=1)
    if flat.any():
        row = rows[flat][0]
        raise ValueError(
            f"Structure {row} is periodic along the cell vectors {found.cell[row][found.pbc[row]].tolist()}, "
            "which lie in one plane or on one line: correct the cell, or set pbc to False where it does not "
            "repeat."
        )
    heights = cell_heights(found)
    if (heights < THIN).any():
        row, axis = np.argwhere(heights < THIN)[0]
        raise ValueError(
            f"The cell of structure {row} is nearly flat: it is {heights[row, axis]:.3g} Å high along its "
            f"vector {axis}, with vectors {found.cell[row].tolist()}. Reduce it "
            "(ase.geometry.minkowski_reduce), or set pbc to False where it does not repeat."
        )


def _check_extents(found):
    """Extents of all atoms along the directions that do not repeat."""
    inside = found.positions
    if found.pbc.any():
        inside = wrapped_positions(found)
    low = np.minimum.reduceat(inside, found.first[:-1])
    extent = np.maximum.reduceat(inside, found.first[:-1]) - low
    # Wrapped atoms are in a cell whose vectors have been checked, but not all of it is along the axes.
    wide = extent.max(axis=1) > LARGEST * np.where(found.pbc.any(axis=1), 3.0, 1.0)
    if wide.any():
        row = np.flatnonzero(wide)[0]
        raise ValueError(
            f"The atoms of structure {row} are spread over {extent[row].max():.4g} Å, and at most "
            f"{LARGEST:.0f} Å are possible: are positions in Å, and is it one structure? Correct or drop it."
        )


def cell_heights(found):
    """Distances between the planes of a lattice, along each periodic cell vector.

    Parameters
    ----------
    found : Structures

    Returns
    -------
    ndarray of shape (n_structures, 3)
        In Å, from the plane or line of the other periodic vectors; infinite where it is not periodic.
    """
    heights = np.full(found.pbc.shape, np.inf)
    for pbc in np.unique(found.pbc, axis=0):
        rows = np.flatnonzero((found.pbc == pbc).all(axis=1))
        if pbc.any():
            inverse = np.linalg.pinv(found.cell[rows][:, pbc])  # (n_rows, 3, n_periodic)
            heights[np.ix_(rows, pbc)] = 1.0 / np.linalg.norm(inverse, axis=1)
    return heights


def wrapped_positions(found):
    """Positions, moved into the cell in structures that reach beyond one cell, along periodic directions.

    Parameters
    ----------
    found : Structures

    Returns
    -------
    ndarray of shape (n_atoms, 3)
        In Å. Where all atoms are within one cell, wherever it begins, they keep every digit.
    """
    positions = found.positions.copy()
    row = found.row
    for pbc in np.unique(found.pbc, axis=0):
        if not pbc.any():
            continue
        rows = np.flatnonzero((found.pbc == pbc).all(axis=1))
        inverse = np.zeros((len(found), 3, pbc.sum()))
        inverse[rows] = np.linalg.pinv(found.cell[rows][:, pbc])
        fraction = np.einsum("ax,axp->ap", positions, inverse[row])
        first = found.first[:-1]
        spread = np.maximum.reduceat(fraction, first) - np.minimum.reduceat(fraction, first)
        # Coordinates that rounding has put on the other side of a face are as good as inside.
        shift = np.where(np.abs(fraction - 0.5) < 0.5 + ROUNDING, 0.0, -np.floor(fraction + ROUNDING))
        moved = (spread >= 1).any(axis=1)[row] & shift.any(axis=1)
        vectors = found.cell[row[moved]][:, pbc]
        positions[moved] += np.einsum("ap,apx->ax", shift[moved], vectors)
    return positions


def compact_cells(structures, reach):
    """Reduce cells that are so skewed that they repeat often within a distance.

    Parameters
    ----------
    structures : Structures
    reach : float
        Distance up to which atoms are seen, in Å.

    Returns
    -------
    Structures
        The same crystals; the same object if no cell is reduced. Positions are those given.
    """
    rows = np.flatnonzero(_n_copies(structures, reach) > MANY_COPIES)
    if not rows.size:
        return structures
    minkowski_reduce = require("ase.geometry").minkowski_reduce
    cell = structures.cell.copy()
    for row in rows:
        reduced, operation = minkowski_reduce(cell[row], structures.pbc[row])
        if (operation != np.eye(3)).any():
            cell[row] = reduced
    found = structures.without_entries()
    found.cell = cell
    return found


def _n_copies(structures, reach):
    """Copies of each cell, itself included, that a library looks at within a distance."""
    return np.prod(2 * np.ceil(reach / cell_heights(structures)) + 1, axis=1)


def check_images(structures, reach, most=MOST_IMAGES, most_pairs=MOST_PAIRS):
    """Raise a ValueError for cells that repeat too often within a distance.

    Parameters
    ----------
    structures : Structures
    reach : float
        Distance up to which atoms are seen, in Å.
    most : float, default=1e8
        Largest number of atoms and images.
    most_pairs : float, default=2e8
        Largest number of pairs.
    """
    structures = compact_cells(structures, reach)
    n_atoms = structures.n_atoms
    copies = _n_copies(structures, reach)
    volume = np.abs(np.linalg.det(structures.cell))
    sphere = 4 / 3 * np.pi * reach**3
    # Atoms around each atom; a cell with one long vector has many copies, most of which are out of reach.
    around = np.full(len(n_atoms), np.inf)
    whole = structures.pbc.all(axis=1)
    around[whole] = 1 + n_atoms[whole] * sphere / volume[whole]
    around = np.minimum(around, n_atoms * copies)
    images = n_atoms * np.minimum(copies, around)
    pairs = np.where(structures.pbc.any(axis=1), n_atoms * around / 2, 0)
    wrong = np.flatnonzero((images > most) | (pairs > most_pairs))
    if wrong.size:
        row = wrong[0]
        if not structures.pbc[row].any():
            raise ValueError(
                f"Structure {row} has {n_atoms[row]} atoms, and at most {most:.0f} fit in memory: drop it or "
                "use another featurizer."
            )
        raise ValueError(
            f"Structure {row} has {n_atoms[row]} atoms, and within {reach:.3g} Å about {images[row]:.2g} "
            f"periodic images of them and {pairs[row]:.2g} pairs, which are too many. Reduce the cutoff, or "
            "drop this structure."
        )
