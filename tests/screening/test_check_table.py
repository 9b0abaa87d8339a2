"""Each check of a table finds what was put there, and nothing in a sound table."""

import numpy as np
import pandas as pd
import pytest

from skxfer import read_table
from skxfer.screening import check_table

rng = np.random.default_rng(0)
N_SOURCE, N_TARGET = 60, 30


@pytest.fixture
def table():
    """A sound table: 60 rows of a source, 30 of the target, two features, a category."""
    n = N_SOURCE + N_TARGET
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    frame["phase"] = np.tile(["fcc", "bcc", "hcp"], n // 3)
    frame["y"] = frame["a"] - frame["b"] + 0.1 * rng.normal(size=n)
    frame["domain"] = np.repeat(["gas", "water"], [N_SOURCE, N_TARGET])
    return frame


def report_of(table, **options):
    return check_table(table, "y", "domain", **({"source_domains": ["gas"]} | options))


def found(table, check, **options):
    """Return the one finding of a check, and make sure that no other check found anything grave."""
    (finding,) = report_of(table, **options)[check]
    return finding


def test_a_sound_table_has_no_finding(table):
    assert report_of(table).findings == []
    assert str(report_of(table)) == "No finding."


# leaks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, level, words",
    [
        (lambda y: 1.05 * y, "stop", "determines the target 'y' (y = 0.9524 × leak)"),
        (lambda y: 2 * y - 3, "stop", "y = 0.5 × leak +1.5"),
        (lambda y: np.exp(y), "warning", "determines the target 'y' (correlation 1)"),
        (lambda y: y + 0.05 * np.random.default_rng(1).normal(size=len(y)), "warning", "nearly determines"),
    ],
)
def test_a_feature_that_determines_the_target(make, level, words, table):
    finding = found(table.assign(leak=make(table["y"])), "determines_target")
    assert finding.level == level and words in finding.message
    assert finding.columns == ("leak",)


def test_a_leak_that_the_owner_has_chosen_is_a_warning(table):
    table["leak"] = 2 * table["y"]
    assert found(table, "determines_target", kinds={"leak": "number"}).level == "warning"


def test_a_leak_in_the_source_alone(table):
    table["leak"] = np.where(table["domain"] == "gas", table["y"], rng.normal(size=len(table)))
    assert "in the source rows" in found(table, "determines_target").message


def test_a_correlated_feature_is_no_leak(table):
    table["cheap"] = table["y"] + 0.3 * rng.normal(size=len(table))
    assert report_of(table)["determines_target"] == []


def test_a_category_that_determines_the_target(table):
    table["y"] = table["y"].round()
    table["class"] = table["y"].map(lambda value: f"class {value:g}")
    assert "explain 100.0% of 'y'" in found(table, "determines_target").message


@pytest.mark.parametrize(
    "values, words",
    [
        (lambda n, water: np.where(water, 2020, 2010), "has one value in each domain"),
        (lambda n, water: np.arange(n) ** 1.5 + 1000 * water, "has no value in common"),
        (lambda n, water: np.where(water, "new", "old"), "has one value in each domain"),
        (lambda n, water: [f"{w}{i % 3}" for i, w in enumerate(water)], "has no value in common"),
    ],
)
def test_a_feature_that_tells_source_and_target_apart(values, words, table):
    table["batch"] = values(len(table), (table["domain"] == "water").to_numpy())
    finding = found(table, "tells_domain")
    assert words in finding.message and finding.columns == ("batch",) and finding.level == "warning"


def test_row_numbers_that_are_used(table):
    table["count"] = np.arange(len(table)) + 7
    assert found(table, "row_numbers").columns == ("count",)
    ignored = table.drop(columns="count").assign(run=range(len(table)))
    assert report_of(ignored)["row_numbers"] == []


# rows -------------------------------------------------------------------------------------------------


def copied(table, to, of, **changes):
    table.loc[to, ["a", "b", "phase"]] = table.loc[of, ["a", "b", "phase"]].to_numpy()
    for name, value in changes.items():
        table.loc[to, name] = value


def test_target_rows_with_the_same_input(table):
    copied(table, 61, 60, y=table.loc[60, "y"])
    copied(table, 89, 60, y=table.loc[60, "y"])
    report = report_of(table)
    (finding,) = report["duplicates"]
    assert finding.rows == (60, 61, 89) and finding.level == "warning"
    assert report["conflicting_labels"] == []
    assert report.groups[60] == report.groups[61] == report.groups[89] != report.groups[62]


def test_target_rows_with_the_input_of_a_source_row(table):
    copied(table, 65, 3)
    finding = found(table, "duplicates")
    assert finding.rows == (65,) and finding.level == "note"


def test_test_rows_with_the_input_of_a_row_to_train_on(table):
    table.loc[75:, "domain"] = "oil"
    copied(table, 80, 62)
    copied(table, 81, 4)
    finding = found(table, "duplicates", test_domains=["oil"])
    assert finding.rows == (80, 81) and "(1 as a source row)" in finding.message


def test_the_same_input_with_other_labels(table):
    copied(table, 61, 60, y=table.loc[60, "y"] + 5)
    finding = found(table, "conflicting_labels")
    assert finding.rows[:2] == (60, 61) and "up to 5 apart" in finding.message and finding.level == "warning"


def test_equal_formulas_and_molecules_are_the_same_input():
    pytest.importorskip("rdkit")
    frame = pd.DataFrame({"compound": [f"Ti{i}O2" for i in range(1, 41)], "y": rng.normal(size=40)})
    frame.loc[7, "compound"] = "O4Ti6"  # row 2 is Ti3O2
    assert check_table(frame, "y")["duplicates"][0].rows == (2, 7)
    frame = pd.DataFrame({"SMILES": ["C" * i + "O" for i in range(1, 41)], "y": rng.normal(size=40)})
    frame.loc[7, "SMILES"] = "OCC"
    assert check_table(frame, "y")["duplicates"][0].rows == (1, 7)


@pytest.mark.parametrize("n, level", [(9, "warning"), (10, None)])
def test_fewer_than_ten_target_rows(n, level, table):
    findings = report_of(table.iloc[: N_SOURCE + n])["few_rows"]
    assert [finding.level for finding in findings] == ([level] if level else [])


def test_a_test_domain_with_hardly_a_row(table):
    table.loc[88:, "domain"] = "oil"
    assert "'oil' has 2 labelled rows" in found(table, "few_rows", test_domains=["oil"]).message


# domains ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["Water", "water ", "WATER", "wa-ter", "w ater", "ｗater"])
def test_domains_that_differ_in_spelling_only(other, table):
    table.loc[85:, "domain"] = other
    finding = found(table, "domain_spelling")
    assert finding.level == "stop" and finding.rows == (85, 86, 87, 88, 89)


@pytest.mark.parametrize(
    "names", [("1", "-1"), ("1.0", "10"), ("PBE", "PBE0"), ("1,2-DCE", "1,3-DCE"), ("α", "a")]
)
def test_domains_that_are_different(names, table):
    table["domain"] = np.repeat(names, [N_SOURCE, N_TARGET])
    assert report_of(table, source_domains=[names[0]])["domain_spelling"] == []


@pytest.mark.parametrize(
    "convert, unit",
    [
        (lambda y: 1000 * y, "meV and eV"),
        (lambda y: y / 27.211386, "eV and Hartree"),
        (lambda y: y * 96.485, "kJ/mol and eV"),
        (lambda y: y * 23.0605, "kcal/mol and eV"),
        (lambda y: y * 4.184, "kJ/mol and kcal/mol"),
        (lambda y: y - 273.15, "K and °C"),
    ],
)
def test_domains_in_different_units(convert, unit, table):
    table = pd.concat([table, table], ignore_index=True)
    table["domain"] = np.repeat(["gas", "water"], len(table) // 2)
    table["y"] = 300 + 10 * table["y"]
    table["y"] = table["y"].where(table["domain"] == "gas", convert(table["y"]))
    (finding,) = report_of(table)["units"]
    assert unit in finding.message and finding.columns == ("y",)


def test_a_source_that_is_far_from_the_target(table):
    water = table["domain"] == "water"
    table.loc[water, ["a", "b"]] += 100
    report = report_of(table)
    assert "100% of the numbers in target rows lie outside the range of those in the source 'gas'" in (
        report["far_sources"][0].message
    )
    table.loc[water, "y"] += 100
    assert "do not overlap" in report_of(table)["far_sources"][1].message


# columns ----------------------------------------------------------------------------------------------


def test_an_outlying_label_and_an_outlying_feature(table):
    table.loc[70, "y"] = 1000.0
    table.loc[3, "a"] = -500.0
    first, second = report_of(table)["outliers"]
    assert (first.columns, first.rows) == (("y",), (70,))
    assert (second.columns, second.rows) == (("a",), (3,))


def test_an_outlier_by_a_factor_hints_at_the_unit(table):
    table["y"] = 5 + 0.1 * table["y"]
    table.loc[70, "y"] = 5000.0
    assert "about 1000 times the usual" in found(table, "outliers").message


def test_heavy_tails_have_no_outliers(table):
    table["b"] = np.exp(3 * np.random.default_rng(0).normal(size=len(table)))
    assert report_of(table)["outliers"] == []


def test_constant_columns_are_named(table):
    finding = found(table.assign(p=1.0, who="me"), "constant")
    assert finding.columns == ("p", "who") and finding.level == "note"


def test_missing_labels_and_features_are_counted(table):
    table.loc[[3, 70], "y"] = np.nan
    table.loc[5, "a"] = np.nan
    labels, features = report_of(table)["missing"]
    assert labels.rows == (3, 70) and features.rows == (5,)


def test_cells_that_are_not_numbers(table, tmp_path):
    table.astype({"y": object}).assign(y=table["y"].where(table.index != 4, "-")).to_csv(tmp_path / "t.csv")
    report = report_of(read_table(tmp_path / "t.csv", on_bad_cell="text"))
    assert report["bad_cells"][0].rows == (4,) and report["bad_cells"][0].level == "stop"


# the report -------------------------------------------------------------------------------------------


def test_the_gravest_come_first_and_rows_are_counted_as_asked(table):
    table.loc[85:, "domain"] = "Water"
    table.loc[70, "y"] = 1000.0
    report = report_of(table.assign(p=1.0))
    assert [finding.level for finding in report.findings] == ["stop", "warning", "note"]
    assert report.stops == report.findings[:1]
    assert list(report.to_frame()["check"]) == ["domain_spelling", "outliers", "constant"]
    assert "Row 70." in str(report)
    assert "Row 71." in "\n".join(report.in_words(first_row=1))
    assert all(len(line) <= 60 for line in report.in_words(width=60))


def test_a_table_without_target_or_domain_can_be_checked(table):
    assert check_table(table).findings == []
    assert check_table(table, domain="domain").findings == []


def test_a_name_that_does_not_exist_is_an_error(table):
    with pytest.raises(ValueError, match="no column 'z'; there are a, b"):
        check_table(table, "z")


def test_rows_of_one_substance_belong_together_whatever_the_conditions():
    pytest.importorskip("rdkit")
    frame = pd.DataFrame(
        {"SMILES": ["C" * i + "O" for i in range(1, 41)], "T": 300.0, "y": rng.normal(size=40)}
    )
    frame["T"] += np.arange(40) % 7
    frame.loc[7, "SMILES"] = "OCC"
    report = check_table(frame, "y")
    (finding,) = report["duplicates"]
    assert finding.rows == (1, 7) and "a 'SMILES' that occurs several times" in finding.message
    assert report.groups[1] == report.groups[7]
    assert report["conflicting_labels"] == []  # the temperatures differ


def test_a_column_with_few_substances_is_like_a_category():
    frame = pd.DataFrame({"oxide": ["TiO2", "ZnO"] * 20, "T": rng.normal(size=40), "y": rng.normal(size=40)})
    report = check_table(frame, "y")
    assert report["duplicates"] == [] and len(np.unique(report.groups)) == 40


@pytest.mark.parametrize("draw", ["normal", "standard_t", "exponential", "lognormal"])
def test_the_tail_of_a_broad_distribution_is_no_outlier(draw):
    found = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        values = rng.standard_t(4, size=100) if draw == "standard_t" else getattr(rng, draw)(size=100)
        frame = pd.DataFrame({"a": values, "y": rng.normal(size=100)})
        found += len(check_table(frame, "y")["outliers"])
    assert found <= 2
