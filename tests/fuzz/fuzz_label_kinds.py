"""Odd labels, domains, groups and weights of rows."""

from decimal import Decimal

import numpy as np
import pandas as pd
from fuzz_cases import Kind, SkipError
from scipy import sparse


def _changed(values, row, value, dtype=None):
    values = np.array(values, dtype=dtype)
    values[min(row, len(values) - 1)] = value
    return values


def _read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def _torch(values):
    import torch

    return torch.tensor(values)


def _polars(values):
    import polars

    return polars.Series("y", values)


def _flat(y):
    if y.ndim != 1:
        raise SkipError("labels of one axis")
    return y


def _objects(values, row, value):
    return _changed(values, row, value, object)


# Labels -----------------------------------------------------------------------------------------------

LABELS_SAME = {
    "list": lambda y: y.tolist(),
    "tuple": lambda y: tuple(y.tolist()),
    "list of numpy numbers": lambda y: list(y),
    "series": lambda y: pd.Series(_flat(y)),
    "series, rows numbered otherwise": lambda y: pd.Series(_flat(y), index=np.arange(len(y))[::-1] * 3),
    "series with a name": lambda y: pd.Series(_flat(y), name="gap"),
    "float16": lambda y: y.astype(np.float16),
    "float32": lambda y: y.astype(np.float32),
    "big-endian": lambda y: y.astype(">f8"),
    "long double": lambda y: y.astype(np.longdouble),
    "read-only": _read_only,
    "every second number of a larger array": lambda y: np.repeat(y, 2, axis=0)[::2],
    "reversed strides": lambda y: y[::-1].copy()[::-1],
    "object array": lambda y: y.astype(object),
    "nullable floats": lambda y: pd.Series(_flat(y), dtype="Float64"),
    "masked array without hidden values": lambda y: np.ma.array(y, mask=False),
    "torch tensor": _torch,
}
LABELS_PERHAPS = {
    "polars series": _polars,
    "numbers as text": lambda y: y.astype(str),
    "numbers as text, list": lambda y: y.astype(str).tolist(),
    "numbers as text, StringDType": lambda y: np.array(y.astype(str).tolist(), dtype=np.dtypes.StringDType()),
    "numbers as text, nullable": lambda y: pd.Series(_flat(y).astype(str), dtype="string"),
    "numbers as bytes": lambda y: y.astype("S8"),
    "array of decimals": lambda y: np.vectorize(Decimal, otypes=[object])(y),
    "complex without imaginary part": lambda y: y.astype(complex),
    "categories of numbers": lambda y: pd.Series(_flat(y)).astype("category"),
    "index": lambda y: pd.Index(_flat(y)),
    "sparse series": lambda y: pd.Series(_flat(y)).astype(pd.SparseDtype(float, 0.0)),
}
LABELS_REFUSED = {
    "text": lambda y: "gap",
    "number": lambda y: 3.0,
    "dict": lambda y: dict(enumerate(y.tolist())),
    "set": lambda y: set(y.ravel().tolist()),
    "generator": lambda y: (value for value in y),
    "function": lambda y: np.mean,
    "one label fewer": lambda y: y[:-1],
    "one label more": lambda y: np.append(y, y[:1], axis=0),
    "no labels": lambda y: y[:0],
    "transposed": lambda y: y.reshape(1, -1),
    "three axes": lambda y: y.reshape(-1, 1, 1),
    "infinity": lambda y: _changed(y, 3, np.inf),
    "minus infinity": lambda y: _changed(y, 25, -np.inf),
    "complex": lambda y: _changed(y, 3, 1j, complex),
    "complex among objects": lambda y: _objects(y, 3, 1 + 2j),
    "dates": lambda y: y.astype("M8[s]"),
    "spans of time": lambda y: y.astype("m8[s]"),
    "series of dates": lambda y: pd.Series(_flat(y)).astype("datetime64[s]"),
    "date among objects": lambda y: _objects(y, 3, pd.Timestamp("2024-01-01")),
    "text among objects": lambda y: _objects(y, 3, "high"),
    "number with a decimal comma": lambda y: _objects(y, 3, "1,5"),
    "numbers with decimal commas": lambda y: np.char.replace(y.astype(str), ".", ","),
    "empty text": lambda y: _objects(y, 3, ""),
    "bytes that are no number": lambda y: _objects(y, 3, b"high"),
    "list among objects": lambda y: [*y[:3], [1.0, 2.0], *y[4:]],
    "dict among objects": lambda y: _objects(y, 3, {"a": 1.0}),
    "number too large for a float": lambda y: _objects(y, 3, 10**400),
    "sparse": lambda y: sparse.csr_array(y.reshape(len(y), -1)),
    "only NaN": lambda y: np.full(y.shape, np.nan),
    "only None": lambda y: np.full(y.shape, None),
}
LABELS_EDGES = {
    "None": lambda y: None,
    "column": lambda y: y.reshape(len(y), -1),
    "data frame": lambda y: pd.DataFrame(y.reshape(len(y), -1), columns=["gap"]),
    "two targets": lambda y: np.c_[y, y],
    "two equal names": lambda y: pd.DataFrame(np.c_[y, y], columns=["gap", "gap"]),
    "NaN": lambda y: _changed(y, 3, np.nan),
    "NaN in a target row": lambda y: _changed(y, 25, np.nan),
    "None among objects": lambda y: _objects(y, 3, None),
    "pandas NA among objects": lambda y: _objects(y, 25, pd.NA),
    "missing value of nullable floats": lambda y: pd.Series(_changed(_flat(y), 25, np.nan), dtype="Float64"),
    "1e200": lambda y: _changed(y, 25, 1e200),
    "1e308 throughout": lambda y: np.full(y.shape, 1e308),
    "tiny numbers": lambda y: y * 1e-300,
    "huge numbers": lambda y: y * 1e150,
    "whole number of 30 digits": lambda y: _objects(y, 25, 10**30),
    "constant": lambda y: np.full(y.shape, 3.0),
    "all zero": lambda y: np.zeros(y.shape),
    "truth values": lambda y: y > 0,
    "whole numbers": lambda y: y.astype(int),
    "one label": lambda y: np.where(
        np.arange(len(y)).reshape(y.shape[:1] + (1,) * (y.ndim - 1)) == 25, y, np.nan
    ),
}


def _hidden(y, given):
    return np.ma.array(np.where(np.arange(len(y)) == 3, 1e6, _flat(y)), mask=np.arange(len(y)) == 3)


def _scaled(factor, shift=0.0):
    """Labels in another unit: the predictions, and errors, in that unit."""

    def make(y, given):
        return y * factor + shift

    return make


def _of_all(make):
    return lambda value, given: make(value)


def names_sources(subject):
    """Whether some domains must be there."""
    return not subject.name.startswith(("TransferCV", "y_scrambling"))


def learns(subject):
    """Whether results are predictions, and not errors."""
    return "errors" not in subject.traits


def predicts(subject):
    """Whether results are predictions of all that is fitted in the unit of y."""
    return not subject.traits & {"errors", "network", "trained source"}


LABEL_KINDS = [
    *(Kind(name, "y", _of_all(make), "right") for name, make in LABELS_SAME.items()),
    *(Kind(name, "y", _of_all(make)) for name, make in LABELS_PERHAPS.items()),
    *(Kind(name, "y", _of_all(make), "error") for name, make in LABELS_REFUSED.items()),
    *(
        Kind(name, "y", _of_all(make), "finite", where=learns if name == "one label" else None)
        for name, make in LABELS_EDGES.items()
    ),
    Kind("hidden value of a masked array", "y", _hidden, "finite"),
    *(
        Kind(f"unit times {factor:g}", "y", _scaled(factor), "right", "", lambda p, f=factor: p * f, predicts)
        for factor in (1e-8, 1e-5, 1e5, 1e8, -1.0)
    ),
    Kind("1e6 added", "y", _scaled(1.0, 1e6), "right", "", lambda p: p + 1e6, predicts),
]

# Domains ----------------------------------------------------------------------------------------------

DOMAINS_SAME = {
    "list": lambda d: d.tolist(),
    "tuple": lambda d: tuple(d.tolist()),
    "object array": lambda d: d.astype(object),
    "series": lambda d: pd.Series(d),
    "series, rows numbered otherwise": lambda d: pd.Series(d, index=np.arange(len(d))[::-1] * 3),
    "categories": lambda d: pd.Categorical(d),
    "series of categories": lambda d: pd.Series(d).astype("category"),
    "nullable text": lambda d: pd.Series(d, dtype="string"),
    "StringDType": lambda d: np.array(d.tolist(), dtype=np.dtypes.StringDType()),
    "index": lambda d: pd.Index(d),
    "column": lambda d: d[:, None],
    "data frame of one column": lambda d: pd.DataFrame({"solvent": d}),
    "read-only": _read_only,
    "longer text type": lambda d: d.astype("U50"),
    "masked array without hidden values": lambda d: np.ma.array(d, mask=False),
}
DOMAINS_REFUSED = {
    "text": lambda d: "gas",
    "number": lambda d: 3,
    "set": lambda d: set(d.tolist()),
    "dict": lambda d: dict(enumerate(d.tolist())),
    "generator": lambda d: (value for value in d),
    "function": lambda d: np.mean,
    "one label fewer": lambda d: d[:-1],
    "no labels": lambda d: d[:0],
    "two columns": lambda d: np.c_[d, d],
    "three axes": lambda d: d[:, None, None],
    "NaN": lambda d: _objects(d, 3, np.nan),
    "None": lambda d: _objects(d, 3, None),
    "pandas NA": lambda d: pd.Series(_objects(d, 3, pd.NA), dtype="string"),
    "NaT": lambda d: _objects(d, 3, pd.NaT),
    "number among text": lambda d: _objects(d, 3, 17),
    "list among text": lambda d: [*d[:3].tolist(), ["gas"], *d[4:].tolist()],
    "hidden label": lambda d: np.ma.array(d, mask=np.arange(len(d)) == 3),
}
OTHER_DOMAINS = {
    "dates": lambda d: np.arange(len(d)).astype("M8[D]"),
    "complex": lambda d: np.arange(len(d)) * 1j,
    "no source row": lambda d: np.where(d == "gas", "water", d),
    "only source rows": lambda d: np.full(len(d), "gas"),
}
DOMAINS_EDGES = {
    "bytes": lambda d: d.astype("S8"),
    "numbers": lambda d: np.unique(d, return_inverse=True)[1],
    "floats": lambda d: np.unique(d, return_inverse=True)[1].astype(float),
    "pairs": lambda d: [(label, 1) for label in d.tolist()],
    "blanks around": lambda d: np.char.add(d, " "),
    "capitals": lambda d: np.char.upper(d),
    "a domain for each target row": lambda d: np.where(d == "gas", d, np.arange(len(d)).astype(str)),
    "one target row": lambda d: np.where(np.arange(len(d)) < len(d) - 1, "gas", "water"),
}
DOMAIN_KINDS = [
    *(Kind(name, "sample_domain", _of_all(make), "right") for name, make in DOMAINS_SAME.items()),
    *(Kind(name, "sample_domain", _of_all(make), "error") for name, make in DOMAINS_REFUSED.items()),
    *(
        Kind(name, "sample_domain", _of_all(make), "error", where=names_sources)
        for name, make in OTHER_DOMAINS.items()
    ),
    *(Kind(name, "sample_domain", _of_all(make), "finite") for name, make in DOMAINS_EDGES.items()),
]

# Groups -----------------------------------------------------------------------------------------------

GROUP_KINDS = [
    *(
        Kind(name, "groups", _of_all(make), "right")
        for name, make in {
            "list": lambda g: g.tolist(),
            "series": lambda g: pd.Series(g, index=g[::-1]),
            "floats": lambda g: g.astype(float),
            "text": lambda g: (g + 1000).astype(str),
            "column": lambda g: g[:, None],
            "nullable numbers": lambda g: pd.Series(g, dtype="Int64"),
        }.items()
    ),
    *(
        Kind(name, "groups", _of_all(make), "error")
        for name, make in {
            "one fewer": lambda g: g[:-1],
            "two columns": lambda g: np.c_[g, g],
            "NaN": lambda g: _changed(g, 3, np.nan, float),
            "None": lambda g: _objects(g, 3, None),
            "generator": lambda g: (value for value in g),
            "set": lambda g: set(g.tolist()),
            "dict": lambda g: dict(enumerate(g)),
            "text alone": lambda g: "molecule",
            "number alone": lambda g: 3,
            "one group": lambda g: np.zeros(len(g), dtype=int),
            "text and numbers": lambda g: _objects(g, 30, "a"),
            "list among numbers": lambda g: [*g[:30].tolist(), [1], *g[31:].tolist()],
        }.items()
    ),
]

# Weights ----------------------------------------------------------------------------------------------

WEIGHTS_SAME = {
    "list": lambda w: w.tolist(),
    "series, rows numbered otherwise": lambda w: pd.Series(w, index=np.arange(len(w))[::-1]),
    "whole numbers": lambda w: w.astype(int),
    "truth values": lambda w: w > 0,
    "float16": lambda w: w.astype(np.float16),
    "big-endian": lambda w: w.astype(">f8"),
    "object array": lambda w: w.astype(object),
    "nullable floats": lambda w: pd.Series(w, dtype="Float64"),
    "read-only": _read_only,
    "torch tensor": _torch,
}
WEIGHTS_REFUSED = {
    "text": lambda w: "weight",
    "dict": lambda w: dict(enumerate(w)),
    "set": lambda w: set(w.tolist()),
    "generator": lambda w: (value for value in w),
    "one fewer": lambda w: w[:-1],
    "two columns": lambda w: np.c_[w, w],
    "negative": lambda w: _changed(w, 3, -1.0),
    "NaN": lambda w: _changed(w, 3, np.nan),
    "infinity": lambda w: _changed(w, 3, np.inf),
    "None among objects": lambda w: _objects(w, 3, None),
    "text among objects": lambda w: _objects(w, 3, "heavy"),
    "missing value of nullable floats": lambda w: pd.Series(_changed(w, 3, np.nan), dtype="Float64"),
    "complex": lambda w: w.astype(complex) + 1j,
    "dates": lambda w: w.astype("M8[s]"),
    "all zero": lambda w: np.zeros(len(w)),
    "hidden weight": lambda w: np.ma.array(w, mask=np.arange(len(w)) == 3),
}
WEIGHTS_EDGES = {
    "column": lambda w: w[:, None],
    "number": lambda w: 2.0,
    "huge": lambda w: w * 1e300,
    "tiny": lambda w: w * 1e-300,
    "of many magnitudes": lambda w: 10.0 ** np.linspace(-12, 12, len(w)),
    "zero in half of the rows": lambda w: np.resize([0.0, 1.0], len(w)),
    "complex without imaginary part": lambda w: w.astype(complex),
    "numbers as text": lambda w: w.astype(str),
}
WEIGHT_KINDS = [
    *(Kind(name, "sample_weight", _of_all(make), "right") for name, make in WEIGHTS_SAME.items()),
    *(Kind(name, "sample_weight", _of_all(make), "error") for name, make in WEIGHTS_REFUSED.items()),
    *(Kind(name, "sample_weight", _of_all(make), "finite") for name, make in WEIGHTS_EDGES.items()),
]
