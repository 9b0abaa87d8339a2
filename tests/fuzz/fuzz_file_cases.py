"""Odd files: tables, structures and saved models that cannot be read as they are."""

import os
import tempfile
from pathlib import Path

import numpy as np
from fuzz_cases import Kind, Subject
from sklearn.linear_model import Ridge

import skxfer
from skxfer.datasets import read_structure_file
from skxfer.structures import read_structures
from skxfer.tables import read_table

TABLE = "formula,gap,solvent\nMgO,1.5,gas\nNaCl,2.25,water\nCuO,-3.0,gas\n"
XYZ = "3\nwater\nO 0.0 0.0 0.0\nH 0.0 0.76 0.59\nH 0.0 -0.76 0.59\n"
FOLDER = Path(tempfile.mkdtemp(prefix="skxfer-fuzz-"))


def _saved():
    skxfer.save(Ridge().fit(np.eye(3), [1.0, 2.0, 3.0]), FOLDER / "ridge.skxfer")
    return (FOLDER / "ridge.skxfer").read_bytes()


def _written(data, suffix):
    """Path of a file with this text or these bytes; what is a path already stays so."""
    if not isinstance(data, (str, bytes)) or (isinstance(data, str) and data.startswith("path:")):
        return data[5:] if isinstance(data, str) else data
    handle, path = tempfile.mkstemp(suffix=suffix, dir=FOLDER)
    with os.fdopen(handle, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
    return path


def _numbers(table):
    """Column of numbers of a table that was read."""
    table = table[0] if isinstance(table, tuple) else table
    return table["gap"].to_numpy(dtype=float)


FILES = [
    Subject("read_table", {"table": TABLE}, lambda table: _numbers(read_table(_written(table, ".csv")))),
    Subject(
        "read_structures(path)", {"xyz": XYZ}, lambda xyz: read_structures([_written(xyz, ".xyz")]).positions
    ),
    Subject("read_structure_file", {"xyz": XYZ}, lambda xyz: _frames(_written(xyz, ".xyz"))),
    Subject("load", {"model": _saved()}, lambda model: skxfer.load(_written(model, ".skxfer")).coef_),
    Subject("save", {"path": "path:" + str(FOLDER / "x.skxfer")}, lambda path: _save(path)),
]


def _frames(path):
    return np.concatenate([atoms.positions for atoms in read_structure_file(path).data])


def _save(path):
    model = Ridge().fit(np.eye(3), [1.0, 2.0, 3.0])
    path = path[5:] if isinstance(path, str) else path
    skxfer.save(model, path)
    return skxfer.load(path).coef_


def _changed(data, start, new):
    return data[:start] + new + data[start + len(new) :]


def _of(argument, kinds, expect):
    return [Kind(name, argument, lambda x, given, f=make: f(x), expect) for name, make in kinds.items()]


TABLES_SAME = {
    "byte order mark": lambda t: "\ufeff" + t,
    "line ends of Windows": lambda t: t.replace("\n", "\r\n"),
    "semicolons": lambda t: t.replace(",", ";"),
    "tabs": lambda t: t.replace(",", "\t"),
    "decimal commas": lambda t: t.replace(",", ";").replace(".", ","),
    "UTF-16": lambda t: t.encode("utf-16"),
    "empty lines at the end": lambda t: t + "\n\n",
    "no line end": str.rstrip,
    "blanks around cells": lambda t: t.replace(",", " , "),
    "quotes": lambda t: t.replace("MgO", '"MgO"'),
}
TABLES_REFUSED = {
    "empty": lambda t: "",
    "header alone": lambda t: t.partition("\n")[0] + "\n",
    "missing file": lambda t: "path:" + str(FOLDER / "nowhere.csv"),
    "folder": lambda t: "path:" + str(FOLDER),
    "None": lambda t: None,
    "number": lambda t: 3,
    "list": lambda t: ["table.csv"],
    "null bytes": lambda t: b"\0" * 100,
    "picture": lambda t: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "more cells in a row": lambda t: t.replace("2.25", "2.25,9,9"),
    "open quote": lambda t: t.replace("MgO", '"MgO'),
}
TABLES_EDGES = {
    "missing cell": lambda t: t.replace("gas", ""),
    "one row": lambda t: "\n".join(t.split("\n")[:2]),
}
XYZ_SAME = {
    "line ends of Windows": lambda x: x.replace("\n", "\r\n"),
    "tabs": lambda x: x.replace(" ", "\t"),
    "no line end": str.rstrip,
    "atomic numbers": lambda x: x.replace("O 0", "8 0").replace("H 0", "1 0"),
    "exponents": lambda x: x.replace("0.76", "7.6e-1"),
    "empty comment": lambda x: x.replace("water", ""),
    "byte order mark": lambda x: "\ufeff" + x,
}
XYZ_REFUSED = {
    "empty": lambda x: "",
    "missing file": lambda x: "path:" + str(FOLDER / "nowhere.xyz"),
    "folder": lambda x: "path:" + str(FOLDER),
    "None": lambda x: None,
    "null bytes": lambda x: b"\0" * 100,
    "picture": lambda x: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "an atom missing": lambda x: "\n".join(x.split("\n")[:4]) + "\n",
    "a coordinate missing": lambda x: x.replace(" 0.59", "", 1),
    "text as a coordinate": lambda x: x.replace("0.76", "left", 1),
    "unknown symbol": lambda x: x.replace("O ", "Xx "),
    "no atoms": lambda x: "0\nnothing\n",
    "negative number of atoms": lambda x: x.replace("3", "-3", 1),
    "NaN as a coordinate": lambda x: x.replace("0.76", "nan", 1),
    "coordinates with decimal commas": lambda x: x.replace(".", ","),
}
MODELS_REFUSED = {
    "empty": lambda m: b"",
    "cut off": lambda m: m[: len(m) // 2],
    "text": lambda m: b"a model",
    "pickle": lambda m: b"\x80\x04]\x94.",
    "missing file": lambda m: "path:" + str(FOLDER / "nowhere.skxfer"),
    "folder": lambda m: "path:" + str(FOLDER),
    "None": lambda m: None,
    "number": lambda m: 3,
    "list": lambda m: ["a.skxfer"],
    "picture": lambda m: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    **{
        f"byte changed at {k} tenths": lambda m, k=k: _changed(m, len(m) * k // 10, b"\xff\x00\xff")
        for k in range(10)
    },
}
PATHS_REFUSED = {
    "folder": lambda p: "path:" + str(FOLDER),
    "folder that is not there": lambda p: "path:" + str(FOLDER / "nowhere" / "x.skxfer"),
    "None": lambda p: None,
    "number": lambda p: 3,
    "empty": lambda p: "path:",
    "null character": lambda p: "path:x\0.skxfer",
    "name of 300 characters": lambda p: "path:" + str(FOLDER / ("x" * 300)),
}
FILE_KINDS = [
    *_of("table", TABLES_SAME, "right"),
    *_of("table", TABLES_REFUSED, "error"),
    *_of("table", TABLES_EDGES, "finite"),
    *_of("xyz", XYZ_SAME, "right"),
    *_of("xyz", XYZ_REFUSED, "error"),
    *_of("model", MODELS_REFUSED, "error"),
    *_of("path", PATHS_REFUSED, "error"),
]
