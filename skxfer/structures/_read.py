"""Structures of any kind, read into packed arrays."""

import os
from collections.abc import Mapping, Set
from numbers import Real

import numpy as np

from .._read_once import as_objects
from ._checks import check_structures
from ._disorder import check_ordered_atoms, check_ordered_sites
from ._files import read_file
from ._packed import Structures, number_of


def read_structures(X):
    """Read structures of any kind.

    Parameters
    ----------
    X : sequence of length n_structures
        Each one of

        - an :class:`ase.Atoms`;
        - a pair (Z, R) of atomic numbers or chemical symbols, shape (n_atoms,), and positions in Å, shape
          (n_atoms, 3). ``"D"`` and ``"T"`` are hydrogen, and ``"6"`` is carbon;
        - the path of a file that ASE reads and that holds one structure (.xyz, .extxyz, .cif, POSCAR, ...),
          taken literally: ``"a@b.xyz"`` and ``"~x.xyz"`` are names of files;
        - a Structure or Molecule of pymatgen;
        - an RDKit Mol with all its hydrogen atoms and one conformer in three dimensions.

    Returns
    -------
    Structures
        X itself if it is that already, so that what was read once is not read again. Charges, spins,
        isotopes and constraints are ignored.

    Raises
    ------
    TypeError
        X is no sequence, a single structure, or a table of several columns; or an entry is no
        structure.
    ValueError
        A structure without atoms, an unknown or ghost element; positions that are NaN, infinite, complex,
        masked, or more than 1e6 Å from the origin; atoms spread over more than 1000 Å; a cell that is not
        finite, lacks a periodic vector, has one longer than 1000 Å, or lies in a plane or on a line; sites
        that are partly occupied or shared by several elements; a file that holds no structure or several
        (all naming the structure).
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
        if not len(X):
            raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required: give structures.")
        return X
    entries = _entries(X)
    parts = [_read(entry, row) for row, entry in enumerate(entries)]
    numbers, positions, cells, pbc = zip(*parts, strict=True)
    first = np.r_[0, np.cumsum([len(part) for part in numbers])]
    found = Structures(
        np.concatenate(numbers),
        np.concatenate(positions),
        first,
        np.stack(cells),
        np.stack(pbc),
        as_objects(entries),
    )
    check_structures(found)
    return found


def _entries(X):
    """List of what should be structures."""
    if isinstance(X, (Mapping, Set)):
        raise TypeError(
            f"X is a {type(X).__name__}: give a sequence of structures, such as a list, in the order of the "
            "rows."
        )
    if hasattr(X, "__iter__") and not hasattr(X, "__len__"):
        raise TypeError(f"X must be a sequence of structures, it is a {type(X).__name__}: give list(X).")
    single = isinstance(X, (str, os.PathLike)) or hasattr(X, "positions") or not hasattr(X, "__len__")
    if single or _is_pair(X) or _is_pymatgen(X):
        kind = "one pair (numbers, positions)" if _is_pair(X) else type(X).__name__
        raise TypeError(
            f"X must be a sequence of structures, it is {kind}: put a single one in a list, and read a file "
            "of many with skxfer.datasets.read_structure_file(path)."
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


def _is_pymatgen(entry):
    return hasattr(entry, "species_and_occu") and hasattr(entry, "cart_coords")


def _read(entry, row):
    """Numbers, positions, cell and periodicity of one entry."""
    if isinstance(entry, (str, os.PathLike)):
        entry = read_file(entry, row)
    if hasattr(entry, "positions") and hasattr(entry, "numbers"):
        check_ordered_atoms(entry, row)
        return (
            np.asarray(entry.numbers, dtype=int),
            _real(entry.positions, row),
            _real(getattr(entry.cell, "array", entry.cell), row, "cell"),
            np.asarray(entry.pbc, dtype=bool),
        )
    if _is_pymatgen(entry):
        return _read_pymatgen(entry, row)
    if hasattr(entry, "GetConformers"):
        return _read_rdkit(entry, row)
    if not isinstance(entry, (tuple, list)) or len(entry) != 2:
        raise TypeError(
            f"Structure {row} is {_shown(entry)}, of type {type(entry).__name__}: give an ase.Atoms, a pair "
            "(atomic numbers or symbols, positions), a path, or a structure of pymatgen or RDKit."
        )
    return _read_pair(*entry, row)


def _read_pair(numbers, positions, row):
    try:
        shown, numbers = numbers, np.asarray(numbers)
        positions = _real(positions, row)
    except (TypeError, ValueError) as error:
        if str(error).startswith("Structure"):
            raise
        raise TypeError(
            f"Structure {row} is a pair, but not of numbers: {_shown((shown, positions))}. Give atomic "
            "numbers or symbols, and positions in Å."
        ) from None
    if np.ma.isMaskedArray(shown) and np.ma.getmaskarray(shown).any():
        raise ValueError(f"Structure {row} has masked atomic numbers: give it without the masked atoms.")
    if numbers.ndim == 1 and all(isinstance(symbol, str) for symbol in numbers):
        numbers = _numbers_of(numbers, row)
    whole = numbers.dtype.kind in "iu" or (numbers.dtype.kind == "f" and np.all(numbers == np.round(numbers)))
    if numbers.ndim != 1 or positions.shape != (len(numbers), 3) or not (whole or not len(numbers)):
        raise ValueError(
            f"Structure {row} must be atomic numbers of shape (n_atoms,) and positions of shape (n_atoms, "
            f"3): the shapes are {numbers.shape} and {positions.shape}, the first is of {numbers.dtype}."
        )
    return numbers.astype(int), positions, np.zeros((3, 3)), np.zeros(3, dtype=bool)


def _real(values, row, what="positions"):
    """Array of real numbers; what casting would hide is refused."""
    if type(values) is np.ndarray and values.dtype == float:
        return values
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise ValueError(f"Structure {row} has masked {what}: give it without the masked atoms.")
    values = np.asarray(values)
    kinds = {type(value) for value in values.flat} if values.dtype == object else {values.dtype.type}
    if any(issubclass(kind, (complex, np.complexfloating, np.datetime64, np.timedelta64)) for kind in kinds):
        raise ValueError(f"Structure {row} has {what} of {values.dtype}: they must be real numbers, in Å.")
    return values.astype(float)


def _numbers_of(symbols, row):
    try:
        return np.array([number_of(symbol) for symbol in symbols], dtype=int)
    except KeyError as error:
        raise ValueError(
            f"Structure {row} has the symbol {error.args[0]!r}, which is no element: correct it."
        ) from None


def _read_pymatgen(entry, row):
    check_ordered_sites([dict(site.items()) for site in entry.species_and_occu], row)
    species = [next(iter(site)) for site in entry.species_and_occu]
    numbers = _numbers_of([str(getattr(one, "symbol", one)) for one in species], row)
    lattice = getattr(entry, "lattice", None)
    cell = np.zeros((3, 3)) if lattice is None else np.array(lattice.matrix, dtype=float)
    pbc = np.zeros(3, dtype=bool) if lattice is None else np.array(lattice.pbc, dtype=bool)
    return numbers, np.array(entry.cart_coords, dtype=float).reshape(-1, 3), cell, pbc


def _read_rdkit(entry, row):
    conformers = list(entry.GetConformers())
    if len(conformers) != 1 or not conformers[0].Is3D():
        what = "in two dimensions" if len(conformers) == 1 else f"{len(conformers)} of them"
        raise ValueError(
            f"Structure {row} is an RDKit molecule, which needs one conformer in three dimensions (it has "
            f"{what}): embed it, or use SmilesToAtoms."
        )
    hidden = sum(atom.GetTotalNumHs() for atom in entry.GetAtoms())
    if hidden:
        raise ValueError(
            f"Structure {row} is an RDKit molecule without {hidden} of its hydrogen atoms: add them with "
            "Chem.AddHs(mol, addCoords=True)."
        )
    numbers = np.array([atom.GetAtomicNum() for atom in entry.GetAtoms()], dtype=int)
    positions = np.array(conformers[0].GetPositions(), dtype=float)
    return numbers, positions.reshape(-1, 3), np.zeros((3, 3)), np.zeros(3, dtype=bool)


def _shown(value):
    text = repr(value)
    is_number = isinstance(value, Real)
    return text if is_number or len(text) < 60 else text[:57] + "..."
