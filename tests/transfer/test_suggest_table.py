"""suggest_table and ``skxfer suggest``: which rows of a table of candidates to label next."""

import numpy as np
import pandas as pd
import pytest

import skxfer
from skxfer import TableTransfer, suggest_rows
from skxfer.cli import main as cli
from skxfer.transfer import add_provenance, suggest_table

OXIDES = ["CuO", "NiO", "PdO", "CoO", "FeO", "MnO"]


def rows(n, seed, first=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sample": [f"run-{first + i:03d}" for i in range(n)],
            "oxide": [OXIDES[i % 6] for i in range(n)],
            "T": rng.uniform(300, 400, n).round(1),
        }
    )


def gap(table):
    return 0.01 * (table["T"] - 350) + 0.3 * table["oxide"].map(OXIDES.index)


@pytest.fixture(scope="module")
def model():
    table = rows(36, 0)
    noise = np.random.default_rng(1).normal(scale=0.05, size=36)
    model = TableTransfer(["ridge"], cv=3, random_state=0).fit(table, (gap(table) + noise).rename("gap"))
    return add_provenance(model, units={"gap": "eV"})


@pytest.fixture
def candidates():
    return rows(24, 2, first=100)


# in Python --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
def test_the_best_candidate_comes_first(model, candidates, goal, sign):
    found = suggest_table(model, candidates, n=3, goal=goal)
    best = (sign * gap(candidates)).argsort().iloc[::-1][:2]
    assert found.table["row"][0] - 1 in best.to_numpy()
    np.testing.assert_allclose(
        found.table["value"], model.predict(candidates)[found.table["row"] - 1], rtol=1e-9
    )
    names = ["rank", "row", "sample", "oxide", "T", "value", "std", "score", "reason", "why_outside"]
    assert list(found.table) == names
    assert found.table["sample"].tolist() == [f"run-{100 + row - 1}" for row in found.table["row"]]


def test_the_best_so_far_is_that_of_the_fit_or_of_the_table(model, candidates):
    fitted = model.card_["data"]["targets"][0]["highest"]
    found = suggest_table(model, candidates, n=1, goal="maximize")
    assert (found.best, found.best_is) == (fitted, "a target row of the fit")
    labelled = candidates.assign(gap=np.where(np.arange(24) == 5, 9.0, np.nan))
    found = suggest_table(model, labelled, n=1, goal="maximize")
    assert (found.best, found.best_is, found.n_labelled) == (9.0, "a label in the table", 1)
    assert suggest_table(model, candidates, n=1, goal="maximize", best=1.0).best == 1.0
    assert suggest_table(model, candidates, n=1).best is None


def test_rows_that_have_a_label_or_cannot_be_read_are_left_out(model, candidates):
    odd = candidates.assign(gap=np.where(np.arange(24) < 5, 1.0, np.nan))
    odd.loc[7, "oxide"] = "Qq2"
    with pytest.warns(UserWarning, match="only 18 different candidates"):
        found = suggest_table(model, odd, n=24)
    assert sorted(found.table["row"]) == [6, 7, *range(9, 25)]
    assert found.errors == [(8, "oxide: 'Qq2' is not a formula that can be read")]
    assert (found.n_rows, found.n_unreadable, found.n_labelled) == (24, 1, 5)


def test_target_rows_of_the_fit_are_left_out(model, candidates):
    both = pd.concat([rows(36, 0), candidates], ignore_index=True)
    with pytest.warns(UserWarning, match="only 24 different"):
        found = suggest_table(model, both, n=60)
    assert sorted(found.table["row"]) == list(range(37, 61))


def test_a_row_outside_is_marked(model, candidates):
    candidates.loc[3, "T"] = 900.0
    table = suggest_table(model, candidates, n=4, goal="maximize").table.set_index("row")
    assert table.loc[4, "why_outside"].startswith("T = 900, target rows:")
    assert table.loc[4, "rank"] == 1
    assert (table["score"] > 0).all()


def test_no_candidate_is_an_error(model, candidates):
    with pytest.raises(ValueError, match="None of the 24 candidates can be read. Row 1: oxide"):
        suggest_table(model, candidates.assign(oxide="Qq"))
    with pytest.raises(ValueError, match="has a value of 'gap' already"):
        suggest_table(model, candidates.assign(gap=1.0))


def test_suggest_rows_takes_such_a_model_too(model, candidates):
    inputs = candidates[["sample", "oxide", "T"]]
    direct = suggest_rows(model, inputs, n=3, goal="maximize", best=1.0)
    whole = suggest_table(model, candidates, n=3, goal="maximize", best=1.0).table
    assert direct["position"][0] == whole["row"][0] - 1


# in the shell -----------------------------------------------------------------------------------------


@pytest.fixture
def files(model, candidates, tmp_path):
    skxfer.save(model, tmp_path / "m.skxfer")
    candidates.to_csv(tmp_path / "c.csv", index=False)
    return tmp_path


def run(folder, *arguments):
    return cli.main(["suggest", str(folder / "m.skxfer"), str(folder / "c.csv"), *arguments])


def test_the_command_prints_rows_with_their_names_and_reasons(model, candidates, files, capsys):
    assert run(files, "-n", "3", "--maximize") == 0
    printed = capsys.readouterr().out
    table = suggest_table(model, candidates, n=3, goal="maximize").table
    assert printed.startswith("24 candidates; 3 rows to label next, for the largest gap\nBest so far: ")
    for row in table.itertuples():
        assert f"row {row.row}: Expected improvement" in printed
        assert f"{row.rank:>5} {row.row:>4} {row.sample}" in printed
    assert "value, std and score are in eV." in printed


def test_the_command_writes_all_columns(model, candidates, files):
    assert run(files, "-n", "2", "--goal", "0.5", "--out", str(files / "next.csv")) == 0
    written = pd.read_csv(files / "next.csv", keep_default_na=False)
    table = suggest_table(model, candidates, n=2, goal=0.5).table
    assert list(written) == list(table)
    assert written["row"].tolist() == table["row"].tolist()
    np.testing.assert_allclose(written["score"], table["score"])
    assert written["reason"].tolist() == table["reason"].tolist()


def test_cells_that_a_spreadsheet_would_run_are_neutralised(candidates, files):
    candidates.assign(sample="=cmd|' /C calc'!A0").to_csv(files / "c.csv", index=False)
    assert run(files, "--out", str(files / "next.csv")) == 0
    assert pd.read_csv(files / "next.csv")["sample"].str.startswith("'=").all()


def test_the_default_is_to_explore_and_minimize_is_the_smallest(files, capsys):
    assert run(files, "-n", "1") == 0
    assert "1 row to label next, to know gap better everywhere" in capsys.readouterr().out
    assert run(files, "-n", "1", "--minimize") == 0
    assert "1 row to label next, for the smallest gap" in capsys.readouterr().out


def test_more_rows_than_candidates_are_said(files, capsys):
    assert run(files, "-n", "50") == 0
    assert "! n is 50, but only 24 different candidates" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-n", "0"], "argument -n: invalid number above 0 value: '0'"),
        (["--goal", "high"], "argument --goal: invalid number value: 'high'"),
        (["--maximize", "--minimize"], "not allowed with argument --maximize"),
        (["--target", "mass"], "There is no target 'mass'"),
        (["--keep", "name"], "no column is called 'name'"),
        (["--out", "next.txt"], "name a file that ends in .csv"),
        (["--out", "nowhere/next.csv"], "there is no folder nowhere"),
        (["--diversity", "-1"], "number from 0 on"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(files, arguments, message, capsys):
    assert run(files, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_table_itself_is_not_overwritten(files, capsys):
    assert run(files, "--out", str(files / "c.csv")) == 2
    assert "is the table itself" in capsys.readouterr().err
