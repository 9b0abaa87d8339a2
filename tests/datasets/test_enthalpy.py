import os
import re

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import fetch_formation_enthalpy

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

FILE = "enthalpy/formation_enthalpy.xlsx"
ROWS = [
    # formula, Materials Project, OQMD, experiment
    ("HoPt", "-", -1.3, -1.25),
    ("Al0.5Ni0.5", -0.6, "-", -0.55),
    ("AlNi", -0.6, -0.7, -0.5),
    ("Ir0.66Nd0.33", "-", "-", -0.7),
    ("Ir0.67Nd0.33", "-", -0.8, -0.7),
    ("Ir0.7Nd0.3", "-", "-", -0.6),
]


@pytest.fixture
def table():
    pytest.importorskip("openpyxl")
    columns = ["composition", "form_eng_mp", "form_eng_oqmd", "form_eng_exp"]
    return pd.DataFrame(ROWS, columns=columns).assign(mp_id="mp1", oqmd_id="-")


def test_hyphen_is_a_missing_value_of_a_computed_column(shelf, table):
    shelf.put(FILE, {"ent_fe": table})
    found = fetch_formation_enthalpy(data_home=shelf.home)
    assert found.feature_names == ["formula", "materials_project", "oqmd"]
    assert found.low_fidelity == ["materials_project", "oqmd"]
    assert found.data["formula"].tolist() == [row[0] for row in ROWS]
    nan = np.nan
    np.testing.assert_array_equal(found.data["materials_project"], [nan, -0.6, -0.6, nan, nan, nan])
    np.testing.assert_array_equal(found.data["oqmd"], [-1.3, nan, -0.7, nan, -0.8, nan])
    assert found.target.tolist() == [row[3] for row in ROWS]
    assert set(found.domain) == {"experiment"} == set(found.target_domains)


def test_one_compound_written_and_rounded_differently_is_one_group(shelf, table):
    shelf.put(FILE, {"ent_fe": table})
    a, b, c, d, e, f = fetch_formation_enthalpy(data_home=shelf.home).composition_group
    assert b == c and d == e
    assert len({a, b, d, f}) == 4


def test_fidelities_as_domains_have_rows_of_their_own(shelf, table):
    shelf.put(FILE, {"ent_fe": table})
    found = fetch_formation_enthalpy(fidelity="domain", data_home=shelf.home)
    rows = list(zip(found.domain.tolist(), found.data.tolist(), found.target.tolist(), strict=True))
    assert rows[:4] == [
        # The value of Al0.5Ni0.5 and of AlNi is one of one compound.
        ("materials_project", "Al0.5Ni0.5", -0.6),
        ("oqmd", "HoPt", -1.3),
        ("oqmd", "AlNi", -0.7),
        ("oqmd", "Ir0.67Nd0.33", -0.8),
    ]
    assert rows[4:] == [("experiment", formula, y) for formula, _, _, y in ROWS]
    assert (found.source_domains, found.target_domains) == (("materials_project", "oqmd"), ("experiment",))
    assert found.composition_group[0] == found.composition_group[2]


@pytest.mark.parametrize(("column", "value"), [("form_eng_exp", "-"), ("form_eng_mp", "n/k")])
def test_value_that_is_no_number_names_row_and_formula(shelf, table, column, value):
    table[column] = table[column].astype(object)
    table.loc[1, column] = value
    shelf.put(FILE, {"ent_fe": table})
    with pytest.raises(ValueError, match=rf"row 3 \(Al0.5Ni0.5\): .*'{value}' is not a finite number"):
        fetch_formation_enthalpy(data_home=shelf.home)


def test_missing_column_is_an_error(shelf, table):
    shelf.put(FILE, {"ent_fe": table.drop(columns="form_eng_oqmd")})
    with pytest.raises(ValueError, match=r"no column \['form_eng_oqmd'\]"):
        fetch_formation_enthalpy(data_home=shelf.home)


@real
@pytest.mark.parametrize(
    ("column", "rows", "difference"), [("materials_project", 643, 0.075), ("oqmd", 685, 0.084)]
)
def test_computed_values_of_the_real_file(fetch_or_skip, column, rows, difference):
    found = fetch_or_skip(fetch_formation_enthalpy)
    assert len(found.target) == 1196
    error = (found.data[column] - found.target).abs()
    assert error.notna().sum() == rows
    assert error.mean() == pytest.approx(difference, abs=0.0005)


@real
def test_both_layouts_hold_the_same_values(fetch_or_skip):
    wide = fetch_or_skip(fetch_formation_enthalpy)
    long = fetch_formation_enthalpy(fidelity="domain")
    np.testing.assert_array_equal(long.target[long.domain == "experiment"], wide.target)
    for name in wide.low_fidelity:
        assert set(long.target[long.domain == name]) == set(wide.data[name].dropna())


@real
def test_compounds_of_a_group_have_the_same_elements(fetch_or_skip):
    found = fetch_or_skip(fetch_formation_enthalpy)
    elements = found.data["formula"].map(lambda formula: frozenset(re.findall("[A-Z][a-z]?", formula)))
    assert (elements.groupby(found.composition_group).nunique() == 1).all()
