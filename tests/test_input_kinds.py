"""What a column is taken for, and when two of its values are the same."""

import numpy as np
import pandas as pd
import pytest

from skxfer.input_kinds import KINDS, in_words, keys_of, recognise_columns

N = 40
rng = np.random.default_rng(0)
CYCLE = range(N)


def repeated(*values):
    return [values[i % len(values)] for i in CYCLE]


def kind_of(values, name="column", **options):
    column = recognise_columns(pd.DataFrame({name: values}), **options)[name]
    return column.kind, column.why


@pytest.mark.parametrize(
    "name, values, kind",
    [
        ("T", rng.normal(size=N), "number"),
        ("T", [300, 310] * 20, "number"),
        ("T", [None, 310.0] * 20, "number"),
        ("solvent", repeated("water", "hexane", "oil"), "category"),
        ("phase", repeated("fcc", "bcc"), "category"),
        ("functional", repeated("PBE", "HSE06", "SCAN"), "category"),
        ("answer", repeated("yes", "no"), "category"),
        ("compound", repeated("TiO2", "ZnO", "BaTiO3"), "formula"),
        ("x", repeated("TiO2", "ZnO", "BaTiO3"), "formula"),
        ("x", [f"Ti{i + 1}O2" for i in CYCLE], "formula"),
        ("metal", repeated("Pt", "Pd", "Ni"), "formula"),
        ("x", repeated("CO", "CH3", "OH"), "formula"),
        ("site", repeated("A", "B", "C"), "category"),
        ("SMILES", repeated("CCO", "CO", "c1ccccc1"), "smiles"),
        ("x", repeated("CCO", "CCCC", "C=O"), "smiles"),
        ("x", repeated("[Na+].[Cl-]", "O=C=O"), "smiles"),
        ("unit", repeated("*CC*", "[*]CC(C)[*]"), "smiles"),
        ("x", repeated("InChI=1S/CH4/h1H4", "InChI=1S/H2O/h1H2"), "smiles"),
    ],
)
def test_a_column_is_recognised(name, values, kind):
    if kind == "smiles":
        pytest.importorskip("rdkit")
    assert kind_of(values, name)[0] == kind


@pytest.mark.parametrize(
    "name, values, why",
    [
        ("Unnamed: 0", list(CYCLE), "row numbers"),
        ("run", [i + 1 for i in CYCLE], "row numbers"),
        ("oqmd_id", [1000 + 7 * i for i in CYCLE], "identifiers: whole numbers"),
        ("ID", [f"A-{i}" for i in CYCLE], "identifiers, such as A-0"),
        ("date", [f"2024-01-{i % 28 + 1:02}" for i in CYCLE], "dates"),
        ("note", [f"A sample that was made by hand on day number {i % 15}" for i in CYCLE], "text, 15"),
        ("same", ["by hand"] * N, "the same in every row: by hand"),
        ("same", [3.5] * N, "the same in every row: 3.5"),
        ("empty", [None] * N, "empty"),
        ("file", [f"s{i}.cif" for i in CYCLE], "names of structure files that are not there"),
    ],
)  # fmt: skip
def test_a_column_without_use_is_ignored_with_the_reason(name, values, why):
    kind, reason = kind_of(values, name)
    assert kind == "ignored" and reason.startswith(why)


@pytest.mark.parametrize("name", ["atomic number", "n_atoms", "year", "index of refraction", "ring index 3"])
def test_whole_numbers_that_count_something_are_numbers(name):
    assert kind_of([i * i % 17 for i in CYCLE], name)[0] == "number"


@pytest.mark.parametrize("name", ["s0.cif", "s0.xyz", "POSCAR_0", "sub/CONTCAR.0", "s0.extxyz"])
def test_names_of_structure_files_are_relative_to_the_table(name, tmp_path):
    paths = [name.replace("0", str(i)) for i in CYCLE]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for path in paths:
        (tmp_path / path).write_text("")
    assert kind_of(paths, "geometry", folder=tmp_path)[0] == "structure"


@pytest.mark.parametrize(
    "names, kind",
    [
        ([f"{400 + 5 * i}" for i in range(20)], "spectrum"),
        ([f"wl_{1000 - 2.5 * i:g} nm" for i in range(20)], "spectrum"),
        (
            [f"f{i}" for i in range(6)] + [f"iz{i}" for i in range(6)] + [f"izz{i}" for i in range(6)],
            "spectrum",
        ),
        ([f"x{i}" for i in range(20)], "number"),
        ([f"x{i}" for i in range(200)], "spectrum"),
        (["T1", "T2", "T3"], "number"),
    ],
)
def test_columns_on_a_grid_are_a_spectrum(names, kind):
    table = pd.DataFrame(rng.normal(size=(5, len(names))), columns=names)
    assert {column.kind for column in recognise_columns(table).values()} == {kind}


def test_guesses_are_overruled():
    table = pd.DataFrame(
        {
            "metal": repeated("Pt", "Pd", "Ni"),
            "T": repeated(300, 310),
            "run": list(CYCLE),
            "y": rng.normal(size=N),
        }
    )
    columns = recognise_columns(table, given={"metal": "category", "T": "category"}, ignore=["y"])
    assert [column.kind for column in columns.values()] == ["category", "category", "ignored", "ignored"]
    columns = recognise_columns(table, features=["run", "T"])
    assert [column.kind for column in columns.values()] == ["ignored", "number", "number", "ignored"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"given": {"b": "number"}}, "no column 'b'; there are a"),
        ({"ignore": ["b"]}, "no column 'b'"),
        ({"features": ["b"]}, "no column 'b'"),
        ({"given": {"a": "numbers"}}, "no kind of input 'numbers'; there are number"),
    ],
)
def test_names_that_do_not_exist_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        recognise_columns(pd.DataFrame({"a": [1.0, 2.5]}), **options)


def test_inchi_is_left_out_where_there_are_smiles():
    pytest.importorskip("rdkit")
    table = pd.DataFrame(
        {"SMILES": repeated("C", "O"), "InChI": repeated("InChI=1S/CH4/h1H4", "InChI=1S/H2O/h1H2")}
    )
    assert [column.kind for column in recognise_columns(table).values()] == ["smiles", "ignored"]
    only = recognise_columns(table, given={"InChI": "smiles"})
    assert only["InChI"].kind == "smiles"


def test_what_was_recognised_is_said_in_a_line_for_each_kind():
    table = pd.DataFrame(
        {f"x{i}": rng.normal(size=N) for i in range(10)} | {"solvent": repeated("water", "oil")}
    )
    assert in_words(recognise_columns(table)) == [
        "numbers: x0, x1, x2, x3, x4, x5, x6, x7 and 2 more",
        "categories: solvent (2 different texts: water, oil)",
    ]


@pytest.mark.parametrize(
    "kind, values, same",
    [
        ("number", [0.1 + 0.2, 0.3, 0.30001, np.nan, np.nan], [0, 0, 1, 2, 2]),
        ("number", [1e-12, 1.0000000001e-12, 2e-12], [0, 0, 1]),
        ("category", ["Water", " water ", "wa ter", "oil"], [0, 0, 1, 2]),
        ("formula", ["TiO2", "O4Ti2", "Ti2O3"], [0, 0, 1]),
        ("smiles", ["CCO", "OCC", "C(O)C", "CCC"], [0, 0, 0, 1]),
        ("smiles", ["InChI=1S/CH4/h1H4", "C", "O"], [0, 0, 1]),
        ("structure", ["a/../s.cif", "s.cif", "t.cif"], [0, 0, 1]),
    ],
)
def test_values_that_mean_the_same_have_one_key(kind, values, same):
    if kind == "smiles":
        pytest.importorskip("rdkit")
    keys = keys_of(kind, values)
    assert [list(keys).index(key) for key in keys] == [same.index(group) for group in same]


def test_each_kind_of_object_has_a_transformer():
    for name, kind in KINDS.items():
        if kind.transformer:
            model = kind.make_transformer()
            assert hasattr(model, "fit") and hasattr(model, "get_feature_names_out"), name
