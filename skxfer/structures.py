"""Structures of any kind as packed arrays: the reader that every model and featurizer of atoms shares."""

import os
from numbers import Real
from typing import NamedTuple

import numpy as np

from ._optional import require
from .energy_units import HARTREE, looks_like_hartree
from .formulas import ELEMENTS

__all__ = ["HARTREE", "Pairs", "Structures", "looks_like_hartree", "neighbour_pairs", "read_structures"]

SYMBOLS = np.array(["X", *ELEMENTS], dtype=object)
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}
# Atoms closer than this, in Å, are two entries of one atom.
TOO_CLOSE = 0.1
# Of unit vectors of a cell, the least singular value of a volume.
FLAT = 1e-6
# Molecules and clusters up to this size are compared atom by atom, many at a time; larger ones, and crystals,
# one by one through matscipy's cell lists.
SMALL, CHUNK = 100, 2_000_000


class TakesStructures:
    """Mixin of estimators whose X is a sequence of structures."""

    def __sklearn_tags__(self):
        """Objects in, and numbers of one kind out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_elements(self, structures):
        """Raise a ValueError for elements that are not in ``elements_``."""
        known = np.zeros(len(SYMBOLS), dtype=bool)
        known[[NUMBERS[symbol] for symbol in self.elements_]] = True
        unknown = ~known[structures.numbers]
        if unknown.any():
            atom = np.flatnonzero(unknown)[0]
            raise ValueError(
                f"Structure {structures.row[atom]} has the element {SYMBOLS[structures.numbers[atom]]}, "
                f"which was not in training ({', '.join(self.elements_)}): drop it "
                f"({len(np.unique(structures.row[unknown]))} such structures), or train with some of it."
            )


class Structures(NamedTuple):
    """Atoms of all structures in one list."""

    numbers: np.ndarray  # (n_atoms,) atomic numbers
    positions: np.ndarray  # (n_atoms, 3) in Å
    first: np.ndarray  # (n_structures + 1,) where the atoms of each structure begin
    cell: np.ndarray  # (n_structures, 3, 3) in Å, a row for each vector
    pbc: np.ndarray  # (n_structures, 3) whether it is periodic along each vector

    def __len__(self):
        return len(self.first) - 1

    @property
    def n_atoms(self):
        """Atoms of each structure, ndarray of shape (n_structures,)."""
        return np.diff(self.first)

    @property
    def row(self):
        """Structure of each atom, ndarray of shape (n_atoms,)."""
        return np.repeat(np.arange(len(self)), self.n_atoms)

    def counts(self):
        """Count the atoms of each element.

        Returns
        -------
        ndarray of int, shape (n_structures, 119)
            By atomic number.
        """
        table = np.zeros((len(self), len(SYMBOLS)), dtype=int)
        np.add.at(table, (self.row, self.numbers), 1)
        return table

    def take(self, rows):
        """Return some of the structures.

        Parameters
        ----------
        rows : ndarray of int or of bool

        Returns
        -------
        Structures
        """
        rows = np.arange(len(self))[rows]
        sizes = self.n_atoms[rows]
        first = np.r_[0, sizes.cumsum()]
        atoms = np.arange(first[-1]) + np.repeat(self.first[rows] - first[:-1], sizes)
        return Structures(self.numbers[atoms], self.positions[atoms], first, self.cell[rows], self.pbc[rows])


def read_structures(X):
    """Read structures of any kind.

    Parameters
    ----------
    X : sequence of length n_structures
        Each an :class:`ase.Atoms`; or a pair (Z, R) of atomic numbers or chemical symbols, shape
        (n_atoms,), and positions in Å, shape (n_atoms, 3); or the path of a file that ASE reads
        and that holds one structure (.xyz, .extxyz, .cif, POSCAR, ...).

    Returns
    -------
    Structures
        Charges, spins and constraints are ignored.

    Raises
    ------
    TypeError
        X is no sequence, a single structure, or a table of several columns; or an entry is no
        structure.
    ValueError
        A structure without atoms, an unknown or ghost element, NaN or infinite positions, a
        periodic direction without a cell vector, or with one that lies in a plane or on a line with
        others; a file that holds no structure or several (all naming the structure).
    ImportError
        A path was given, and ASE is not installed.

    Examples
    --------
    >>> from skxfer.structures import read_structures
    >>> structures = read_structures([([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])])
    >>> structures.n_atoms
    array([3])
    """
    if isinstance(X, Structures):
        return X
    parts = [_read(entry, row) for row, entry in enumerate(_entries(X))]
    numbers, positions, cells, pbc = zip(*parts, strict=True)
    first = np.r_[0, np.cumsum([len(part) for part in numbers])]
    found = Structures(
        np.concatenate(numbers), np.concatenate(positions), first, np.stack(cells), np.stack(pbc)
    )
    _check(found)
    return found


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
        Two atoms closer than 0.1 Å (naming structure and atoms), but for ``allow_overlap``.
    ImportError
        matscipy is not installed, and a structure is periodic or has more than 100 atoms.
    """
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
    i, j, images = neighbour_list(
        "ijS", cutoff=float(cutoff), positions=positions, cell=cell, cell_origin=origin, pbc=pbc
    )
    # Of a pair and its mirror image one is kept; of an atom and its own image, the one shifted forwards.
    forwards = np.sign(images) @ [9, 3, 1] > 0
    kept = (i < j) | ((i == j) & forwards)
    i, j, shift = i[kept], j[kept], images[kept] @ cell
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


def _check_apart(structures, pairs, row):
    apart = pairs.vectors(structures)
    distance = np.linalg.norm(apart, axis=1)
    if (distance < TOO_CLOSE).any():
        k = np.argmin(distance)
        start = structures.first[row[k]]
        raise ValueError(
            f"Atoms {pairs.i[k] - start} and {pairs.j[k] - start} of structure {row[k]} are "
            f"{distance[k]:.3g} Å "
            "apart: is one of them there twice? Remove it, or drop this structure."
        )


def _entries(X):
    """List of what should be structures."""
    if hasattr(X, "__iter__") and not hasattr(X, "__len__"):
        raise TypeError(f"X must be a sequence of structures, it is a {type(X).__name__}: give list(X).")
    single = isinstance(X, (str, os.PathLike)) or hasattr(X, "positions") or not hasattr(X, "__len__")
    if single or _is_pair(X):
        kind = "one pair (numbers, positions)" if _is_pair(X) else type(X).__name__
        raise TypeError(
            f"X must be a sequence of structures, it is {kind}: put a single one in a list, and read a file "
            "of many with ase.io.read(path, ':')."
        )
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    if isinstance(X, np.ndarray):
        if X.dtype.kind in "biufc":
            raise TypeError(
                "X must be a sequence of structures (ase.Atoms, pairs of atomic numbers and positions, or "
                f"paths), it is a table of numbers of shape {X.shape}."
            )
        if X.ndim > 1 and X.shape[1:] != (1,):
            raise TypeError(
                f"X must be one column of structures, its shape is {X.shape}: select the column that holds "
                "them, as X[['structure']]; of a list give the list, as np.array takes structures apart."
            )
        X = X.ravel()
    if not len(X):
        raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required: give structures.")
    return list(X)


def _is_pair(X):
    """Whether this is one structure, of numbers or symbols and positions."""
    if not isinstance(X, (tuple, list)) or len(X) != 2:
        return False
    try:
        numbers, positions = np.asarray(X[0]), np.asarray(X[1], dtype=float)
    except (TypeError, ValueError):
        return False
    return numbers.ndim == 1 and numbers.dtype.kind in "iufU" and positions.shape == (len(numbers), 3)


def _read(entry, row):
    """Numbers, positions, cell and periodicity of one entry."""
    if isinstance(entry, (str, os.PathLike)):
        entry = _read_file(entry, row)
    if hasattr(entry, "positions") and hasattr(entry, "numbers"):
        return (
            np.asarray(entry.numbers, dtype=int),
            np.asarray(entry.positions, dtype=float),
            np.asarray(entry.cell, dtype=float),
            np.asarray(entry.pbc, dtype=bool),
        )
    if not isinstance(entry, (tuple, list)) or len(entry) != 2:
        raise TypeError(
            f"Structure {row} is {_shown(entry)}, of type {type(entry).__name__}: give an ase.Atoms, a pair "
            "(atomic numbers or symbols, positions), or a path."
        )
    try:
        numbers, positions = np.asarray(entry[0]), np.asarray(entry[1], dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"Structure {row} is a pair, but not of numbers: {_shown(entry)}.") from None
    if numbers.ndim == 1 and all(isinstance(symbol, str) for symbol in numbers):
        numbers = _numbers_of(numbers, row)
    whole = numbers.dtype.kind in "iu" or (numbers.dtype.kind == "f" and np.all(numbers == np.round(numbers)))
    if numbers.ndim != 1 or positions.shape != (len(numbers), 3) or not (whole or not len(numbers)):
        raise ValueError(
            f"Structure {row} must be atomic numbers of shape (n_atoms,) and positions of shape (n_atoms, "
            f"3): the shapes are {numbers.shape} and {positions.shape}, the first is of {numbers.dtype}."
        )
    return numbers.astype(int), positions, np.zeros((3, 3)), np.zeros(3, dtype=bool)


def _numbers_of(symbols, row):
    unknown = [str(symbol) for symbol in symbols if symbol not in NUMBERS]
    if unknown:
        raise ValueError(f"Structure {row} has the symbol {unknown[0]!r}, which is no element.")
    return np.array([NUMBERS[symbol] for symbol in symbols], dtype=int)


def _read_file(path, row):
    read = require("ase.io").read
    try:
        frames = read(os.fspath(path), index=":")
    except FileNotFoundError:
        raise ValueError(f"Structure {row}: there is no file {os.fspath(path)!r}.") from None
    except Exception as error:  # ASE's readers raise whatever comes up
        raise ValueError(
            f"Structure {row}: ASE cannot read {os.fspath(path)!r} ({type(error).__name__}: {error})."
        ) from error
    if len(frames) != 1:
        raise ValueError(
            f"Structure {row}: {os.fspath(path)!r} holds {len(frames)} structures, and one is needed. Read "
            "them with ase.io.read(path, ':') and pass the list."
        )
    return frames[0]


def _check(found):
    empty = np.flatnonzero(found.n_atoms == 0)
    if empty.size:
        raise ValueError(f"Structure {empty[0]} has no atoms.")
    odd = (found.numbers < 1) | (found.numbers >= len(SYMBOLS))
    if odd.any():
        atom = np.flatnonzero(odd)[0]
        row = found.row[atom]
        raise ValueError(
            f"Atom {atom - found.first[row]} of structure {row} has the atomic number {found.numbers[atom]}, "
            "which is no element (a ghost atom?): remove it."
        )
    if not np.isfinite(found.positions).all():
        atom = np.flatnonzero(~np.isfinite(found.positions).all(axis=1))[0]
        row = found.row[atom]
        raise ValueError(
            f"Atom {atom - found.first[row]} of structure {row} is at {found.positions[atom].tolist()}: "
            "positions must be finite. Drop this structure."
        )
    flat = found.pbc & ~(np.isfinite(found.cell).all(axis=2) & found.cell.any(axis=2))
    if flat.any():
        row, axis = np.argwhere(flat)[0]
        raise ValueError(
            f"Structure {row} is periodic along its cell vector {axis}, which is "
            f"{found.cell[row, axis].tolist()}: set the cell, or pbc to False."
        )
    rows = np.flatnonzero(found.pbc.any(axis=1))
    pbc = found.pbc[rows]
    vectors = np.where(pbc[:, :, None], found.cell[rows], 0.0)
    vectors /= np.where(pbc, np.linalg.norm(vectors, axis=2), 1.0)[:, :, None]
    flat = np.linalg.matrix_rank(vectors, tol=FLAT) < pbc.sum(axis=1)
    if flat.any():
        row = rows[flat][0]
        raise ValueError(
            f"Structure {row} is periodic along the cell vectors {found.cell[row][found.pbc[row]].tolist()}, "
            "which lie in one plane or on one line: correct the cell, or set pbc to False where it does not "
            "repeat."
        )


def _shown(value):
    text = repr(value)
    is_number = isinstance(value, Real)
    return text if is_number or len(text) < 60 else text[:57] + "..."
