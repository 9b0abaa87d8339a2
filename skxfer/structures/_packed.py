"""Structures packed into arrays, with the entries that they were read from."""

import hashlib
from dataclasses import dataclass

import numpy as np

from .._read_once import ReadOnce
from ..formulas import ELEMENTS

SYMBOLS = np.array(["X", *ELEMENTS], dtype=object)
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}


def number_of(symbol):
    """Return the atomic number of a symbol, of an isotope of hydrogen, or of a number written as text.

    Parameters
    ----------
    symbol : str

    Returns
    -------
    int
        0 for the ghost atom "X".

    Raises
    ------
    KeyError
        It is no element.
    """
    symbol = str(symbol)
    if symbol.isdecimal() and int(symbol) < len(SYMBOLS):
        return int(symbol)
    return NUMBERS[{"D": "H", "T": "H"}.get(symbol, symbol)]


@dataclass(frozen=True, eq=False)
class Structure:
    """One structure, for sequences that were not read from other objects."""

    numbers: np.ndarray  # (n_atoms,) atomic numbers
    positions: np.ndarray  # (n_atoms, 3) in Å
    cell: np.ndarray  # (3, 3) in Å, a row for each vector
    pbc: np.ndarray  # (3,) whether it is periodic along each vector

    def __len__(self):
        return len(self.numbers)


class Structures(ReadOnce):
    """Structures that have been read and checked: all atoms in one list.

    It can be given wherever X is a sequence of structures, and is then not read again. It has the entries
    that it was read from: ``structures[3]`` and iteration return them. ``structures[2:5]``, a mask or an
    array of indices return Structures.

    Parameters
    ----------
    numbers : ndarray of int, shape (n_atoms,)
        Atomic numbers of the atoms of all structures.
    positions : ndarray of shape (n_atoms, 3)
        In Å.
    first : ndarray of int, shape (n_structures + 1,)
        Place of the first atom of each structure, and the number of all atoms.
    cell : ndarray of shape (n_structures, 3, 3)
        In Å, a row for each vector.
    pbc : ndarray of bool, shape (n_structures, 3)
        Whether it is periodic along each vector.
    entries : ndarray of object, shape (n_structures,), or None, default=None
        What each structure was read from. None: entries are :class:`Structure`.

    Examples
    --------
    >>> from skxfer.structures import read_structures
    >>> water = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    >>> structures = read_structures([water, ([2], [[0, 0, 0]]), water])
    >>> len(structures), len(list(structures)), structures[1:].n_atoms.tolist()
    (3, 3, [1, 3])
    >>> read_structures(structures) is structures
    True
    """

    def __init__(self, numbers, positions, first, cell, pbc, entries=None):
        self.numbers = numbers
        self.positions = positions
        self.first = first
        self.cell = cell
        self.pbc = pbc
        self.entries = entries
        # Whether check_apart has passed.
        self.apart = False

    def __len__(self):
        return len(self.first) - 1

    def __repr__(self):
        return f"<Structures: {len(self)} with {len(self.numbers)} atoms>"

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
        rows : slice, or ndarray of int or of bool

        Returns
        -------
        Structures
        """
        rows = self._rows(rows)
        sizes = self.n_atoms[rows]
        first = np.r_[0, sizes.cumsum()]
        atoms = np.arange(first[-1]) + np.repeat(self.first[rows] - first[:-1], sizes)
        found = Structures(
            self.numbers[atoms],
            self.positions[atoms],
            first,
            self.cell[rows],
            self.pbc[rows],
            self._entries_at(rows),
        )
        found.apart = self.apart
        return found

    def without_entries(self):
        """Return the same structures without what they were read from, to be sent to other processes.

        Returns
        -------
        Structures
        """
        found = Structures(self.numbers, self.positions, self.first, self.cell, self.pbc)
        found.apart = self.apart
        return found

    def digests(self):
        """Return what tells structures apart, equal for equal ones: atoms in the same order, same cell.

        Returns
        -------
        list of bytes
        """
        found = []
        for start, stop, cell, pbc in zip(self.first[:-1], self.first[1:], self.cell, self.pbc, strict=True):
            digest = hashlib.blake2b(digest_size=16)
            for part in (self.numbers[start:stop], self.positions[start:stop], cell, pbc):
                digest.update(np.ascontiguousarray(part).tobytes())
            found.append(digest.digest())
        return found

    def as_molecules(self):
        """Return the atoms of each cell as a molecule that is not periodic.

        Returns
        -------
        Structures
        """
        pbc = np.zeros_like(self.pbc)
        return Structures(self.numbers, self.positions, self.first, self.cell, pbc, self.entries)

    def _entry(self, row):
        place = slice(self.first[row], self.first[row + 1])
        return Structure(self.numbers[place], self.positions[place], self.cell[row], self.pbc[row])


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
