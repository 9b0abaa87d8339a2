"""predict_table and predict_file: row by row, whatever the length, and what is wrong with rows."""

import re
import weakref

import numpy as np
import pandas as pd
import pytest

from skxfer import TableTransfer
from skxfer.transfer import predict_file, predict_table, prediction_columns
from skxfer.transfer.table import _predict

OXIDES = ["TiO2", "ZrO2", "HfO2", "V2O5", "Nb2O5", "Ta2O5", "CrO3", "MoO3", "WO3", "MnO2"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "oxide": [OXIDES[i % 10] for i in range(60)],
            "form": [("film", "bulk")[i % 2] for i in range(60)],
            "T": rng.uniform(300, 400, 60).round(2),
            "note": [f"row {i}" for i in range(60)],
        }
    )
    table["gap"] = (0.01 * table["T"] + rng.normal(size=60)).round(3)
    return table


@pytest.fixture(scope="module")
def model(table):
    return TableTransfer(["ridge"], random_state=0).fit(table.drop(columns="gap"), table["gap"])


@pytest.fixture
def odd(table):
    """Five rows, of which four cannot be read."""
    rows = table.drop(columns="gap").head(5).astype({"T": object})
    rows.loc[1, "oxide"] = "TiQ2"
    rows.loc[2, "T"] = "warm"
    rows.loc[3, "form"] = None
    rows.loc[4, "T"] = np.nan
    return rows


ERRORS = [
    "",
    "oxide: 'TiQ2' is not a formula that can be read",
    "T: 'warm' is not a number",
    "form is empty",
    "T is empty",
]


def test_rows_that_cannot_be_read_are_told_and_the_others_predicted(model, odd):
    found = predict_table(model, odd)
    assert found["error"].tolist() == ERRORS
    assert found["gap predicted"].notna().tolist() == [True] + [False] * 4
    assert found["gap predicted"][0] == model.predict(odd.head(1).astype({"T": float}))[0]
    assert not found["is_outside"][1:].any() and found["outside"][1:].isna().all()


def test_a_descriptor_that_fails_costs_its_row_alone(model, odd, monkeypatch):
    transform = model.view_.featurizer_.transformers_["oxide"].transform

    def moody(values):
        if "HfO2" in list(values):
            raise ValueError("Row 0: too heavy")
        return transform(values)

    monkeypatch.setattr(model.view_.featurizer_.transformers_["oxide"], "transform", moody)
    rows = pd.DataFrame({"oxide": OXIDES, "form": "film", "T": 350.0})
    found = predict_table(model, rows)
    assert found["error"].tolist() == ["", "", "oxide: too heavy", *[""] * 7]
    assert found["gap predicted"].notna().sum() == 9


def test_values_are_those_of_the_estimator(model, table):
    found = predict_table(model, table, level=0.9)
    assert list(found) == [*table, *prediction_columns(model)]
    mean, std = model.predict(table, return_std=True)
    np.testing.assert_array_equal(found["gap predicted"], mean)
    np.testing.assert_array_equal(found["gap std"], std)
    np.testing.assert_allclose(found[["gap low", "gap high"]], model.predict_interval(table, 0.9))
    pd.testing.assert_frame_equal(found[["outside", "is_outside", "why_outside"]], model.outside(table))


def test_parts_do_not_change_a_prediction(model, table, tmp_path, monkeypatch):
    table.to_csv(tmp_path / "t.csv", index=False)
    whole = predict_table(model, tmp_path / "t.csv")
    monkeypatch.setattr(_predict, "ROWS", 7)
    # The distance of a row from itself is 0 but for rounding.
    pd.testing.assert_frame_equal(predict_table(model, tmp_path / "t.csv"), whole, atol=1e-6)
    predict_file(model, tmp_path / "t.csv", tmp_path / "out.csv")
    written = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    np.testing.assert_allclose(written["gap predicted"], whole["gap predicted"])
    assert list(written) == list(whole)


def test_a_file_is_never_in_memory_as_a_whole(model, table, tmp_path, monkeypatch):
    """The last two parts, and their predictions, are all that is kept of a file."""
    pd.concat([table] * 20).to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(_predict, "ROWS", 50)
    made, most = [], []

    def watched(*args, predict=_predict._predict_part, **kwargs):
        found = predict(*args, **kwargs)
        made.extend([weakref.ref(args[1]), weakref.ref(found)])
        most.append(sum(part() is not None for part in made))
        return found

    monkeypatch.setattr(_predict, "_predict_part", watched)
    assert predict_file(model, tmp_path / "t.csv", tmp_path / "out.csv").n_rows == 1200
    assert len(most) == 24 and max(most) <= 4


def test_one_bad_row_does_not_change_its_part(model, table, odd, tmp_path):
    rows = pd.concat([odd, table.drop(columns="gap")])
    rows.to_csv(tmp_path / "t.csv", index=False)
    found = predict_table(model, tmp_path / "t.csv").reset_index(drop=True)
    assert found["error"].tolist() == ERRORS + [""] * 60
    np.testing.assert_allclose(found["gap predicted"][5:], model.predict(table))


def test_numbers_that_are_categories_are_the_same_next_to_a_missing_cell(tmp_path):
    table = pd.DataFrame({"surface": [111, 110, 100, 211] * 6, "x": np.linspace(0, 1, 24)})
    y = table["surface"].map({111: 1.0, 110: 5.0, 100: 2.0, 211: 9.0}) + table["x"]
    model = TableTransfer(["ridge"], kinds={"surface": "category"}, random_state=0).fit(table, y)
    (tmp_path / "t.csv").write_text("surface,x\n110,0.5\n,0.5\n211,0.5\n100.0,0.5\n")
    found = predict_table(model, tmp_path / "t.csv")
    assert found["error"].tolist() == ["", "surface is empty", "", ""]
    assert not found["is_outside"].any()
    np.testing.assert_allclose(found["y predicted"].dropna(), [5.5, 9.5, 2.5], atol=0.2)


def test_a_file_in_another_notation_gives_the_same(model, table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", encoding="utf-16")
    np.testing.assert_array_equal(
        predict_table(model, tmp_path / "t.csv")["gap predicted"], model.predict(table)
    )


def test_what_was_done_is_counted(model, table, odd, tmp_path):
    rows = pd.concat([table, odd], ignore_index=True).assign(extra=1)
    rows.loc[0, "T"] = 1000
    rows = rows.rename(columns={"T": "t "})
    rows.to_csv(tmp_path / "t.csv", index=False)
    done = predict_file(model, tmp_path / "t.csv", tmp_path / "out.csv.gz")
    assert (done.n_rows, done.n_outside, done.n_unreadable) == (65, 1, 4)
    assert done.errors == [(62 + i, text) for i, text in enumerate(ERRORS[1:])]
    assert done.unused == ["note", "extra"] and done.renamed == {"t": "T"}
    n, mae = done.known["gap"]
    expected = predict_table(model, rows.head(60).rename(columns={"t ": "T"}).astype({"T": float}))
    assert n == 60 and mae == pytest.approx(np.abs(expected["gap predicted"] - rows["gap"][:60]).mean())
    written = pd.read_csv(tmp_path / "out.csv.gz")
    assert re.fullmatch("T = 1000, target rows: 30.* to 39.*", written["why_outside"][0].partition(";")[0])


def test_columns_to_keep_are_chosen(model, table, tmp_path):
    found = predict_table(model, table, keep=["note"])
    assert list(found) == ["note", *prediction_columns(model)]
    with pytest.raises(ValueError, match="no column 'nothing'; there are oxide, form"):
        predict_table(model, table, keep=["nothing"])


def test_predictions_are_made_anew_in_a_file_of_predictions(model, table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    predict_file(model, tmp_path / "t.csv", tmp_path / "a.csv")
    predict_file(model, tmp_path / "a.csv", tmp_path / "b.csv")
    pd.testing.assert_frame_equal(*(pd.read_csv(tmp_path / name) for name in ("a.csv", "b.csv")))


def test_formulas_of_spreadsheets_do_not_come_through(model, table, tmp_path):
    table.head(2).assign(note=["=HYPERLINK(1)", "-5"]).to_csv(tmp_path / "t.csv", index=False)
    predict_file(model, tmp_path / "t.csv", tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv")["note"].tolist() == ["'=HYPERLINK(1)", "-5"]


def test_a_missing_column_and_the_table_itself_as_output_are_refused(model, table, tmp_path):
    table.drop(columns=["T", "form"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match="needs the columns 'form', 'T', which the table does not have"):
        predict_file(model, tmp_path / "t.csv", tmp_path / "out.csv")
    with pytest.raises(ValueError, match="is the table itself"):
        predict_file(model, tmp_path / "t.csv", tmp_path / "t.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_structures_are_found_next_to_the_table_that_names_them(tmp_path):
    ase_io = pytest.importorskip("ase.io")
    from ase.build import molecule

    energy = {"H2O": 1.0, "CH4": 2.0, "NH3": 3.0, "C2H6": 4.0, "CO2": 5.0, "C2H4": 6.0}
    for folder, names in (("train", list(energy)), ("new", ["H2O", "C2H6", "O3"])):
        (tmp_path / folder).mkdir()
        for name in names:
            ase_io.write(tmp_path / folder / f"{name}.xyz", molecule(name))
        rows = pd.DataFrame({"file": [f"{name}.xyz" for name in names]})
        rows.to_csv(tmp_path / folder / "t.csv", index=False)
    from skxfer.featurizers import TableFeaturizer

    model = TableTransfer(["ridge"], featurizer=TableFeaturizer(folder=str(tmp_path / "train")), cv=2)
    rows = pd.DataFrame({"file": [f"{name}.xyz" for name in energy]})
    model.fit(rows, list(energy.values()))
    found = predict_table(model, tmp_path / "new" / "t.csv")
    assert found["error"].tolist() == ["", "", ""] and found["y predicted"].notna().all()
    assert not found["is_outside"][0]
    gone = pd.DataFrame({"file": ["none.xyz"]})
    assert predict_table(model, gone)["error"][0] == "file: 'none.xyz' is not there"
