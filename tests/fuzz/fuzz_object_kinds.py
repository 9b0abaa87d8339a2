"""Odd formulas, SMILES and structures."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from fuzz_cases import Kind

from skxfer.inputs import as_object_array

ODD = 2  # the row that is odd


def _with(entries, value):
    return [*entries[:ODD], value, *entries[ODD + 1 :]]


def _entry(value):
    return lambda entries, given: _with(entries, value)


# Text of any kind -------------------------------------------------------------------------------------

TEXT_SAME = {
    "tuple": tuple,
    "array of text": np.array,
    "array of objects": as_object_array,
    "column of text": lambda x: np.array(x)[:, None],
    "series": pd.Series,
    "series, rows numbered otherwise": lambda x: pd.Series(x, index=range(len(x), 0, -1)),
    "nullable text": lambda x: pd.Series(x, dtype="string"),
    "StringDType": lambda x: np.array(x, dtype=np.dtypes.StringDType()),
    "categories": lambda x: pd.Series(x, dtype="category"),
    "index": pd.Index,
    "numpy text": lambda x: [np.str_(one) for one in x],
    "blanks around": lambda x: [f" {one} " for one in x],
}
TEXT_REFUSED = {
    "None": lambda x: None,
    "one text": lambda x: x[0],
    "number": lambda x: 3.0,
    "set": set,
    "dict": lambda x: dict.fromkeys(x),
    "generator": lambda x: (one for one in x),
    "no rows": lambda x: [],
    "no rows, array": lambda x: np.array([], dtype=object),
    "table of numbers": lambda x: np.ones((len(x), 3)),
    "two columns": lambda x: np.array([x, x]).T,
    "bytes": lambda x: [one.encode() for one in x],
    "None in a row": lambda x: _with(x, None),
    "NaN in a row": lambda x: _with(x, np.nan),
    "NA in a row": lambda x: pd.Series(_with(x, pd.NA), dtype="string"),
    "number in a row": lambda x: _with(x, 3.0),
    "list in a row": lambda x: _with(x, [x[ODD]]),
    "function in a row": lambda x: _with(x, np.mean),
    "empty text": lambda x: _with(x, ""),
    "blanks": lambda x: _with(x, "   "),
    "line break": lambda x: _with(x, "\n"),
    "null character": lambda x: _with(x, "\0"),
    "emoji": lambda x: _with(x, "\U0001f600"),
    "ten thousand brackets": lambda x: _with(x, "(" * 10_000),
    "text of a number": lambda x: _with(x, "1.5"),
    "text nan": lambda x: _with(x, "nan"),
    "masked": lambda x: np.ma.array(x, mask=np.arange(len(x)) == ODD),
}
# Formulas ---------------------------------------------------------------------------------------------

# Replacements of MgO that mean the same.
FORMULAS_SAME = [
    *("OMg", "Mg1O1", "Mg2O2", "MgO1.0", "(MgO)", "[MgO]", "{MgO}", "Mg₁O₁", "Mg O", "(MgO)2", "Mg0.5O0.5"),
    *("2MgO", "MgO·MgO", "MgO*MgO", "[24Mg]O", "[16O]Mg", "Mg1e0O1e0", "Mg1/2O1/2", "Mg½O½", "Mg3.0O3.0"),
]
FORMULAS_REFUSED = [
    *("mgo", "MGO", "Mg-O", "MgO+", "Mg(O", "MgO)", "Mg[O)", "Mg0O0", "Mg-1O", "MgO1e400", "Xx2O3", "Mg2O3x"),
    *(
        "MgO1/0",
        "MgO1/",
        "MgO.",
        "MgO..5",
        "Mg1,5O",
        "()",
        "()2",
        "MgO2e",
        "Mg²⁺",
        "magnesium oxide",
        "MgO;",
        "??",
    ),
    *("12-7439-95-4", "MgO1e-20Cl1e500", "[13C", "O=[Mg]", "MgOⅣ", "ΜgO", "Mg⁰O", "MgO--", "Mg_xO_y"),
    *("Mg1-xO1+x", "MgOδ", "e", "n", "MgO inf", "MgOnan"),
]
# SMILES -----------------------------------------------------------------------------------------------

# Replacements of acetic acid that are the same molecule.
SMILES_SAME = ["OC(C)=O", "C(C)(=O)O", "O=C(O)C", "CC(=O)[OH]", "[CH3]C(=O)O", "[CH3:1]C(=O)O"]
SMILES_REFUSED = [
    *(
        "C(",
        "C)",
        "c1ccc",
        "C1CC",
        "CC(C)(C)(C)(C)C",
        "[Xx]",
        "C#C#C",
        "n1ccccc1C(",
        "C=",
        "(C)",
        "C..C",
        "C%C",
    ),
    *("acetic acid", "Fe2O3", "[C", "C]", "C:::C", "??", "CC(=O)Ô", "=C", "64-19-7", "[#0]x"),
    *("F(F)(F)(F)(F)(F)(F)F", "cc", "[CH9]"),
]
SMILES_EDGES = [
    *(
        "[Na+].[Cl-]",
        "CC(=O)O.O",
        "[13CH4]",
        "[2H]O[2H]",
        "[H][H]",
        "[He]",
        "*C",
        "C[*]",
        "[U]",
        "[Og]",
        "[CH3]",
    ),
    *(
        "[O-][N+](=O)c1ccccc1",
        "C" * 60,
        "[NH4+]",
        "[Fe+2]",
        "C/C=C\\C",
        "C[C@H](O)N",
        "O=O",
        "N#N",
        "[C-]#[O+]",
    ),
    *(
        "CC(=O)O |$;;;$|",
        "CC(=O)O acetic",
        "[H+]",
        "[0CH4]",
        "[Au]",
        "[Cu]Cl",
        "B",
        "[SiH4]",
        "P",
        "S(=O)(=O)(O)O",
    ),
]
# Structures -------------------------------------------------------------------------------------------


def _plain(i=ODD):
    numbers, positions = np.array([8, 1, 1]), np.array([[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    return numbers, np.round(64 * (1 + 0.01 * i) * positions) / 64


def _atoms(entry, **params):
    from ase import Atoms

    return Atoms(numbers=entry[0], positions=entry[1], **params)


def _molecule(entry):
    from pymatgen.core import Molecule

    symbols = {8: "O", 1: "H"}
    return Molecule([symbols[int(z)] for z in entry[0]], entry[1])


def _positions(change):
    def make(entries, given):
        numbers, positions = _plain()
        return _with(entries, (numbers, change(positions)))

    return make


def _numbers(change):
    def make(entries, given):
        numbers, positions = _plain()
        return _with(entries, (change(numbers), positions))

    return make


def _set(place, value):
    def change(positions):
        positions = positions.copy()
        positions[place] = value
        return positions

    return change


def _in_cell(cell, pbc=True):
    return lambda entries, given: _with(entries, _atoms(_plain(), cell=cell, pbc=pbc))


def _each(make):
    return lambda entries, given: [make(entry) for entry in entries]


def _read_only(entry):
    for part in entry:
        part.flags.writeable = False
    return entry


def _occupied(amounts):
    def make(entries, given):
        from pymatgen.core import Lattice, Structure

        return _with(entries, Structure(Lattice.cubic(4.0), [amounts], [[0, 0, 0]]))

    return make


STRUCTURES_SAME = {
    "ASE atoms": _each(_atoms),
    "pymatgen molecules": _each(_molecule),
    "lists": _each(lambda entry: (entry[0].tolist(), entry[1].tolist())),
    "lists in a list": _each(lambda entry: [entry[0].tolist(), entry[1].tolist()]),
    "symbols": _each(lambda entry: (["O", "H", "H"], entry[1])),
    "single precision": _each(lambda entry: (entry[0], entry[1].astype(np.float32))),
    "half precision": _each(lambda entry: (entry[0], entry[1].astype(np.float32).astype(">f4"))),
    "Fortran order": _each(lambda entry: (entry[0], np.asfortranarray(entry[1]))),
    "big-endian": _each(lambda entry: (entry[0].astype(">i8"), entry[1].astype(">f8"))),
    "bytes as numbers": _each(lambda entry: (entry[0].astype(np.uint8), entry[1])),
    "floats as numbers": _each(lambda entry: (entry[0].astype(float), entry[1])),
    "read-only": _each(_read_only),
    "tuple": lambda entries, given: tuple(entries),
    "array of objects": lambda entries, given: as_object_array(entries),
    "series": lambda entries, given: pd.Series(entries, index=range(len(entries), 0, -1)),
    "column of objects": lambda entries, given: as_object_array(entries)[:, None],
    "masked positions, none hidden": _each(lambda entry: (entry[0], np.ma.array(entry[1], mask=False))),
    "constraints and charges": _each(lambda entry: _atoms(entry, charges=[-1, 0.5, 0.5], magmoms=[1, 0, 0])),
}
STRUCTURES_REFUSED = {
    "one structure": lambda entries, given: entries[0],
    "one ASE atoms": lambda entries, given: _atoms(entries[0]),
    "no structures": lambda entries, given: [],
    "None": lambda entries, given: None,
    "text": lambda entries, given: "water.xyz",
    "set": lambda entries, given: {"water.xyz"},
    "dict": lambda entries, given: dict(enumerate(entries)),
    "generator": lambda entries, given: (entry for entry in entries),
    "table of numbers": lambda entries, given: np.ones((len(entries), 3)),
    "None in a row": _entry(None),
    "NaN in a row": _entry(np.nan),
    "number in a row": _entry(3.0),
    "formula in a row": _entry("Fe2O3"),
    "missing file": _entry("nowhere/water.xyz"),
    "name of another class": _entry(SimpleNamespace(positions=None)),
    "dict in a row": _entry({"numbers": [1], "positions": [[0, 0, 0]]}),
    "no atoms": _entry(([], np.empty((0, 3)))),
    "NaN position": _positions(_set((1, 1), np.nan)),
    "infinite position": _positions(_set((1, 1), np.inf)),
    "atom at 1e20 Å": _positions(_set((1, 1), 1e20)),
    "atom at 1e300 Å": _positions(_set((1, 1), -1e300)),
    "atom 5000 Å away": _positions(_set((1, 1), 5e3)),
    "complex positions": _positions(lambda positions: positions + 1j),
    "text as positions": _positions(lambda positions: positions.astype(str).astype(object) + "x"),
    "dates as positions": _positions(lambda positions: positions.astype("M8[s]")),
    "hidden position": _positions(lambda positions: np.ma.array(positions, mask=positions > 0.7)),
    "two coordinates": _positions(lambda positions: positions[:, :2]),
    "one row of positions": _positions(lambda positions: positions[0]),
    "fewer positions": _positions(lambda positions: positions[:2]),
    "ghost atom": _numbers(_set(1, 0)),
    "negative number": _numbers(_set(1, -1)),
    "element 119": _numbers(_set(1, 119)),
    "number of 12 digits": _numbers(_set(1, 10**12)),
    "half a number": _numbers(lambda numbers: numbers + 0.5),
    "NaN as number": _numbers(lambda numbers: numbers * np.nan),
    "unknown symbol": _numbers(lambda numbers: ["O", "Xx", "H"]),
    "empty symbol": _numbers(lambda numbers: ["O", "", "H"]),
    "numbers of two axes": _numbers(lambda numbers: numbers[:, None]),
    "periodic without a cell": _in_cell(None),
    "cell without a volume": _in_cell([4, 4, 0]),
    "flat cell": _in_cell([[4, 0, 0], [8, 0, 0], [0, 0, 4]]),
    "nearly flat cell": _in_cell([[4, 0, 0], [4, 1e-5, 0], [0, 0, 4]]),
    "cell of NaN": _in_cell([[np.nan, 0, 0], [0, 4, 0], [0, 0, 4]]),
    "cell 1e20 Å long": _in_cell([1e20, 4, 4]),
    "cell of 0.01 Å": _in_cell([0.01, 0.01, 0.01]),
    "half occupied site": _occupied({"Fe": 0.5}),
    "shared site": _occupied({"Fe": 0.5, "Ni": 0.5}),
}
STRUCTURES_EDGES = {
    "overlapping atoms": _positions(_set(1, [0, 0, 0])),
    "atoms 1e-9 Å apart": _positions(_set(1, [0, 0, 1e-9])),
    "atoms 0.1 Å apart": _positions(_set(1, [0, 0, 0.1])),
    "one atom": _entry(([8], [[0.0, 0.0, 0.0]])),
    "two atoms 400 Å apart": _entry(([8, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 400.0]])),
    "far from the origin": _positions(lambda positions: positions + 5e5),
    "all on one line": _entry(([8, 1, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])),
    "heavy atoms": _entry(([118, 92], [[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])),
    "deuterium": _numbers(lambda numbers: ["O", "D", "T"]),
    "periodic": _in_cell([6.0, 6.0, 6.0]),
    "periodic along one axis": _in_cell([6.0, 0.0, 0.0], [True, False, False]),
    "skewed cell": _in_cell([[6, 0, 0], [600, 6, 0], [0, 0, 6]]),
    "left-handed cell": _in_cell([[6, 0, 0], [0, -6, 0], [0, 0, 6]]),
    "long thin cell": _in_cell([3.0, 3.0, 900.0]),
    "small cell": _in_cell([1.2, 1.2, 1.2]),
}


# What one row lacks, a table imputes; and a function may have nothing to do.
MISSING = {"None in a row", "NaN in a row", "NA in a row", "masked"}
NOTHING = {"no rows", "no rows, array"}


def _refuses(name):
    """Whether a subject refuses a kind of text."""

    def where(subject):
        if name in MISSING:
            return not subject.name.startswith("TableFeaturizer")
        return name not in NOTHING or subject.name not in ("parse_formulas", "composition_groups")

    return where


def _of(argument, kinds, expect):
    return [
        Kind(name, argument, lambda x, given, f=make: f(x), expect, where=_refuses(name))
        for name, make in kinds.items()
    ]


OBJECT_KINDS = [
    *(
        kind
        for argument in ("formulas", "smiles")
        for kind in [*_of(argument, TEXT_SAME, "right"), *_of(argument, TEXT_REFUSED, "error")]
    ),
    *(Kind(repr(text), "formulas", _entry(text), "right") for text in FORMULAS_SAME),
    *(
        Kind(repr(text), "formulas", _entry(text), "error", r"(?i)row \d+|formula")
        for text in FORMULAS_REFUSED
    ),
    *(Kind(repr(text), "smiles", _entry(text), "right") for text in SMILES_SAME),
    *(Kind(repr(text), "smiles", _entry(text), "error", r"(?i)row \d+|SMILES") for text in SMILES_REFUSED),
    *(Kind(repr(text), "smiles", _entry(text), "finite") for text in SMILES_EDGES),
    *(Kind(name, "structures", make, "right") for name, make in STRUCTURES_SAME.items()),
    *(
        Kind(name, "structures", make, "error", where=_refuses(name))
        for name, make in STRUCTURES_REFUSED.items()
    ),
    *(Kind(name, "structures", make, "finite") for name, make in STRUCTURES_EDGES.items()),
]
