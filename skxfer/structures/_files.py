"""Structures in files, whose names are taken literally."""

import io
import os
import re
from pathlib import Path

import numpy as np

from .._optional import require
from .._paths import open_path
from ._checks import check_structures
from ._disorder import SAME_SITE, check_ordered_atoms, check_ordered_sites
from ._neighbours import neighbour_pairs
from ._packed import SYMBOLS, Structures, number_of

_XYZ = {".xyz", ".extxyz"}


def read_file(path, row):
    """Read the one structure of a file.

    Parameters
    ----------
    path : str or path-like
    row : int
        Structure, for the messages.

    Returns
    -------
    ase.Atoms

    Raises
    ------
    ValueError
        There is no such file, ASE cannot read it, or it holds no structure or several.
    """
    try:
        frames = read_frames(path)
    except FileNotFoundError as error:
        hint = "" if Path(os.fspath(path)).suffix else " (If it is a SMILES, put SmilesToAtoms in front.)"
        raise ValueError(f"Structure {row}: {error}{hint}") from None
    except ValueError as error:
        raise ValueError(f"Structure {row}: {error}") from error
    if len(frames) != 1:
        raise ValueError(
            f"Structure {row}: {os.fspath(path)!r} holds {len(frames)} structures, and one is needed. Read "
            "them with skxfer.datasets.read_structure_file(path) and pass its data."
        )
    try:
        check_ordered_atoms(frames[0], row)
        _check_sites(frames[0], row)
    except ValueError as error:
        raise ValueError(f"{error} (File {os.fspath(path)!r}.)") from None
    return frames[0]


def read_frames(path):
    """Read all structures of a file.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    list of ase.Atoms

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Neither ASE nor the reader of xyz files here can read it.
    """
    ase_io = require("ase.io")
    found = open_path(path)
    try:
        return ase_io.read(found, index=":", do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise whatever comes up
        # ASE tells files apart by their endings, of which "a.xyz@1" has none that it knows.
        if Path(found).suffix.lower() in _XYZ or type(error).__name__ == "UnknownFileTypeError":
            return _read_odd_xyz(found)
        raise ValueError(f"ASE cannot read {os.fspath(path)!r} ({type(error).__name__}: {error}).") from error


def _read_odd_xyz(path):
    """Read xyz files with what ASE refuses: numbers and isotopes as symbols, ``*^`` and lines of QM9."""
    try:
        frames = _split_xyz(Path(path).read_text(encoding="utf-8-sig").splitlines())
        text = "".join(f"{len(rows)}\n{comment}\n" + "".join(rows) for comment, rows in frames)
        found = require("ase.io.extxyz").read_xyz(io.StringIO(text), index=slice(None))
        found = list(found)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path!r} is no text file, as an xyz file must be.") from error
    except Exception as error:
        raise ValueError(f"ASE cannot read {path!r} ({type(error).__name__}: {error}).") from error
    for atoms, (comment, _) in zip(found, frames, strict=True):
        if _is_qm9(comment):
            atoms.info = {"comment": comment}
    return found


def _is_qm9(comment):
    return re.match(r"gdb\s+[0-9]+\s", comment) is not None


def _split_xyz(lines):
    """Comment, and lines of atoms as ASE understands them, of each frame."""
    frames, at = [], 0
    while at < len(lines) and any(line.strip() for line in lines[at:]):
        if frames and _is_qm9(frames[-1][0]):
            break  # frequencies, SMILES and InChI follow
        try:
            n_atoms = int(lines[at])
        except ValueError:
            raise ValueError(f"line {at + 1} is {lines[at]!r:.40}, not a number of atoms") from None
        comment, rows = lines[at + 1], lines[at + 2 : at + 2 + n_atoms]
        if len(rows) < n_atoms:
            raise ValueError(f"it ends after {len(rows)} of {n_atoms} atoms")
        column = _column_of_symbols(comment)
        frames.append((comment, [_plain_row(row, column) for row in rows]))
        at += 2 + n_atoms
    return frames


def _column_of_symbols(comment):
    properties = re.search(r'Properties="?([^\s"]+)', comment)
    column = 0
    for name, _, width in re.findall(r"([^:]+):([^:]):([0-9]+)", properties[1] if properties else ""):
        if name == "species":
            return column
        column += int(width)
    return 0


def _plain_row(row, column):
    values = row.replace("*^", "e").split()
    if column == 0:
        for value in values[1:4]:
            try:
                float(value)
            except ValueError:
                raise ValueError(f"{value!r} in the line {row.strip()!r:.60} is not a coordinate") from None
    try:
        values[column] = str(SYMBOLS[number_of(values[column])])
    except KeyError:
        raise ValueError(f"{values[column]!r} is no element") from None
    return " ".join(values) + "\n"


def _check_sites(atoms, row):
    """Refuse sites with atoms of several elements, as in files that write mixed crystals that way."""
    packed = Structures(
        atoms.numbers,
        atoms.positions,
        np.array([0, len(atoms)]),
        np.asarray(atoms.cell, dtype=float)[None],
        atoms.pbc[None],
    )
    try:
        check_structures(packed)
    except ValueError:
        return  # refused for another reason, once all structures are read
    pairs = neighbour_pairs(packed, SAME_SITE, allow_overlap=True)
    for i, j in zip(pairs.i, pairs.j, strict=True):
        if atoms.numbers[i] != atoms.numbers[j]:
            check_ordered_sites([{atoms.symbols[i]: 1, atoms.symbols[j]: 1}], row)
