"""Odd tables: containers, types and values that X may come as."""

import tempfile
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pandas as pd
from fuzz_cases import Kind, SkipError
from scipy import sparse


def _frame(X, columns=None):
    return pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])] if columns is None else columns)


# Row, a target row where there are so many, and column of what is odd.
ODD = (30, 1)


def _changed(X, place, value):
    X = np.array(X)
    X[(min(place[0], len(X) - 1), place[1]) if place is ODD else place] = value
    return X


def _objects(X, place, value):
    X = np.array(X, dtype=object)
    X[min(place[0], len(X) - 1), place[1]] = value
    return X


def _memory_map(X, given=None):
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    return mapped


def _read_only(X, given=None):
    X = X.copy()
    X.flags.writeable = False
    return X


def _torch(X, given=None):
    import torch

    return torch.tensor(X)


def _tracked(X, given=None):
    import torch

    return torch.tensor(X, requires_grad=True)


def _polars(X, given=None):
    import polars

    return polars.DataFrame({f"c{j}": column for j, column in enumerate(X.T)})


def _arrow(X, given=None):
    import pyarrow

    return pyarrow.table({f"c{j}": column for j, column in enumerate(X.T)})


def _strings(X, given=None):
    return np.array(X.astype(str).tolist(), dtype=np.dtypes.StringDType())


def _structured(X, given=None):
    return np.array([tuple(row) for row in X], dtype=[(f"c{j}", float) for j in range(X.shape[1])])


def _whole(X, given=None):
    if (np.round(X) != X).any():
        raise SkipError("not of whole numbers")
    return X.astype(int)


# The same numbers, in another container: the same result.
SAME = {
    "list of lists": lambda X, g: X.tolist(),
    "tuple of tuples": lambda X, g: tuple(map(tuple, X.tolist())),
    "list of arrays": lambda X, g: list(X),
    "Fortran order": lambda X, g: np.asfortranarray(X),
    "every second row of a larger array": lambda X, g: np.repeat(X, 2, axis=0)[::2],
    "transposed view": lambda X, g: np.ascontiguousarray(X.T).T,
    "reversed strides": lambda X, g: np.ascontiguousarray(X[::-1])[::-1],
    "read-only": _read_only,
    "memory-mapped": _memory_map,
    "float16": lambda X, g: X.astype(np.float16),
    "float32": lambda X, g: X.astype(np.float32),
    "long double": lambda X, g: X.astype(np.longdouble),
    "big-endian": lambda X, g: X.astype(">f8"),
    "big-endian float32": lambda X, g: X.astype(">f4"),
    "object array of floats": lambda X, g: X.astype(object),
    "masked array without hidden values": lambda X, g: np.ma.array(X, mask=False),
    "torch tensor": _torch,
    "data frame": lambda X, g: _frame(X),
    "data frame, columns without names": lambda X, g: pd.DataFrame(X),
    "data frame, rows numbered otherwise": lambda X, g: _frame(X).set_axis(np.arange(len(X))[::-1] * 7),
    "data frame, equal row names": lambda X, g: _frame(X).set_axis(["a"] * len(X)),
    "data frame of nullable floats": lambda X, g: _frame(X).astype("Float64"),
    "data frame of object columns of floats": lambda X, g: _frame(X).astype(object),
    "data frame of mixed precisions": lambda X, g: _frame(X).astype({"c0": "float32", "c1": "Float32"}),
    "data frame with a sparse column": lambda X, g: _frame(X).astype({"c1": pd.SparseDtype(float, 0.0)}),
}
# The same numbers, in a form that may be refused: the same result or a clear error.
PERHAPS = {
    "numpy matrix": lambda X, g: np.asmatrix(X),
    "tensor that tracks gradients": _tracked,
    "polars frame": _polars,
    "arrow table": _arrow,
    "array of fractions": lambda X, g: np.vectorize(Fraction, otypes=[object])(X),
    "array of decimals": lambda X, g: np.vectorize(Decimal, otypes=[object])(X),
    "numbers as text": lambda X, g: X.astype(str),
    "numbers as text, StringDType": _strings,
    "numbers as text, data frame": lambda X, g: _frame(X).astype(str),
    "numbers as bytes": lambda X, g: X.astype("S8"),
    "numbers as text with blanks": lambda X, g: np.char.add(" ", X.astype(str)),
    "complex without imaginary part": lambda X, g: X.astype(complex),
    "sparse rows": lambda X, g: sparse.csr_array(X),
    "sparse coordinates": lambda X, g: sparse.coo_array(X),
    "sparse dictionary": lambda X, g: sparse.dok_array(X),
    "sparse matrix of columns": lambda X, g: sparse.csc_matrix(X),
    "structured array": _structured,
    "three axes": lambda X, g: X[:, :, None],
    "categories of numbers": lambda X, g: _frame(X).astype("category"),
    "columns of two levels": lambda X, g: _frame(X, pd.MultiIndex.from_product([["a"], range(X.shape[1])])),
    "data frame, two names alike": lambda X, g: _frame(X, ["a", "a", *range(2, X.shape[1])]).rename(
        columns=str
    ),
    "data frame, names of two types": lambda X, g: _frame(X, ["a", *range(1, X.shape[1])]),
}
# Not a table of numbers, or with what no learner takes: a clear error.
REFUSED = {
    "None": lambda X, g: None,
    "text": lambda X, g: "table.csv",
    "number": lambda X, g: 3.0,
    "array without axes": lambda X, g: np.array(3.0),
    "dict of columns": lambda X, g: {f"c{j}": column for j, column in enumerate(X.T)},
    "mapping proxy": lambda X, g: MappingProxyType({"c": X}),
    "set": lambda X, g: set(map(tuple, X.tolist())),
    "generator": lambda X, g: (row for row in X),
    "map": lambda X, g: map(list, X),
    "function": lambda X, g: np.mean,
    "class": lambda X, g: np.ndarray,
    "one axis": lambda X, g: X[:, 0],
    "one axis, list": lambda X, g: X[:, 0].tolist(),
    "no rows": lambda X, g: X[:0],
    "no rows, list": lambda X, g: [],
    "no rows, data frame": lambda X, g: _frame(X[:0]),
    "no columns": lambda X, g: X[:, :0],
    "no columns, data frame": lambda X, g: _frame(X[:, :0]),
    "infinity": lambda X, g: _changed(X, ODD, np.inf),
    "minus infinity in a data frame": lambda X, g: _frame(_changed(X, ODD, -np.inf)),
    "infinity in nullable floats": lambda X, g: _frame(_changed(X, ODD, np.inf)).astype("Float64"),
    "infinity in a sparse table": lambda X, g: sparse.csr_array(_changed(X, ODD, np.inf)),
    "complex": lambda X, g: _changed(X.astype(complex), ODD, 1j),
    "complex in a data frame": lambda X, g: _frame(_changed(X.astype(complex), ODD, 1j)),
    "complex among objects": lambda X, g: _objects(X, ODD, 1 + 2j),
    "dates": lambda X, g: X.astype("M8[s]"),
    "spans of time": lambda X, g: X.astype("m8[s]"),
    "dates in a data frame": lambda X, g: _frame(X).astype("datetime64[s]"),
    "date among objects": lambda X, g: _objects(X, ODD, pd.Timestamp("2024-01-01")),
    "text among objects": lambda X, g: _objects(X, ODD, "high"),
    "text among objects of a data frame": lambda X, g: _frame(_objects(X, ODD, "high")),
    "number with a decimal comma": lambda X, g: _objects(X, ODD, "1,5"),
    "numbers with decimal commas": lambda X, g: np.char.replace(X.astype(str), ".", ","),
    "list among objects": lambda X, g: _objects(X, ODD, [1.0, 2.0]),
    "dict among objects": lambda X, g: _objects(X, ODD, {"a": 1.0}),
    "array among objects": lambda X, g: _objects(X, ODD, np.ones(2)),
    "rows of several lengths": lambda X, g: [row[: 4 - i % 2] for i, row in enumerate(X.tolist())],
    "number too large for a float": lambda X, g: _objects(X, ODD, 10**400),
}
# Values at the edge of what can be computed: finite or a clear error.
EDGES = {
    "NaN": lambda X, g: _changed(X, ODD, np.nan),
    "None among objects": lambda X, g: _objects(X, ODD, None),
    "pandas NA among objects": lambda X, g: _objects(X, ODD, pd.NA),
    "hidden value of a masked array": lambda X, g: np.ma.array(
        X, mask=_changed(np.zeros(X.shape, bool), ODD, True)
    ),
    "missing value of nullable floats": lambda X, g: _frame(_changed(X, ODD, np.nan)).astype("Float64"),
    "NaN in a sparse table": lambda X, g: sparse.csr_array(_changed(X, ODD, np.nan)),
    "1e200": lambda X, g: _changed(X, ODD, 1e200),
    "1e308 throughout": lambda X, g: np.full(X.shape, 1e308),
    "tiny numbers": lambda X, g: X * 1e-300,
    "subnormal numbers": lambda X, g: X * 5e-324,
    "huge numbers": lambda X, g: X * 1e150,
    "whole number of 30 digits": lambda X, g: _objects(X, ODD, 10**30),
    "all zero": lambda X, g: np.zeros(X.shape),
    "constant columns": lambda X, g: np.full(X.shape, 3.0),
    "one constant column": lambda X, g: _changed(X, (slice(None), 1), 3.0),
    "equal columns": lambda X, g: np.repeat(X[:, :1], X.shape[1], axis=1),
    "equal rows": lambda X, g: np.repeat(X[:1], len(X), axis=0),
    "truth values": lambda X, g: X > 3,
    "unsigned bytes": lambda X, g: X.astype(np.uint8),
    "one row": lambda X, g: X[:1],
    "one row fewer": lambda X, g: X[:-1],
    "negative numbers": lambda X, g: -X,
}


def _both(make):
    """Make training and new rows odd alike."""

    def change(X, given):
        changed = {"X": make(X, given), "__also__": True}
        if "X_new" in given:
            changed["X_new"] = make(given["X_new"], given)
        return changed

    return change


# Text and categories of a DataFrame are the learner's to encode.
ENCODED = {"numbers as text, data frame", "categories of numbers"}


def reads(subject):
    """Whether it looks at X."""
    return "ignores X" not in subject.traits


def by_position(subject):
    """Whether columns are found by their place."""
    return "by name" not in subject.traits


def numbers_only(subject):
    """Whether what is no number is refused."""
    return not subject.traits & {"ignores X", "takes anything"}


TABLE_KINDS = [
    *(Kind(name, "X", _both(make), "right") for name, make in SAME.items()),
    *(
        Kind(name, "X", _both(make), "finite" if name in ENCODED else "either", where=reads)
        for name, make in PERHAPS.items()
    ),
    *(Kind(name, "X", make, "error", where=numbers_only) for name, make in REFUSED.items()),
    *(Kind(name, "X", make, "finite") for name, make in EDGES.items()),
]


def _reordered(X, given):
    return {"X": _frame(given["X"]), "X_new": _frame(X)[["c2", "c0", "c3", "c1"]], "__also__": True}


def _lacking(X, given):
    return {"X": _frame(given["X"]), "X_new": _frame(X).drop(columns="c1"), "__also__": True}


def _renamed(X, given):
    return {"X": _frame(given["X"]), "X_new": _frame(X).rename(columns={"c1": "d1"}), "__also__": True}


def _unnamed(X, given):
    return {"X": _frame(given["X"]), "X_new": X, "__also__": True}


NEW_KINDS = [
    *(
        Kind(name, "X_new", make, "right", where=by_position if "frame" in name else None)
        for name, make in SAME.items()
    ),
    *(Kind(name, "X_new", make, "finite" if name in ENCODED else "either") for name, make in PERHAPS.items()),
    *(Kind(name, "X_new", make, "error", where=numbers_only) for name, make in REFUSED.items()),
    *(Kind(name, "X_new", make, "finite") for name, make in EDGES.items()),
    Kind("columns in another order", "X_new", _reordered),
    Kind("column missing", "X_new", _lacking, "error"),
    Kind("column renamed", "X_new", _renamed, "error"),
    Kind("names lost", "X_new", _unnamed),
    Kind("one column fewer", "X_new", lambda X, g: X[:, :-1], "error"),
    Kind("one column more", "X_new", lambda X, g: np.c_[X, X[:, 0]], "error"),
]
