"""Tables of all kinds through the command: what is said of them, what stops, what the study makes of them."""

import numpy as np
import pandas as pd
import pytest

from skxfer.cli import main as cli

pytest.importorskip("matplotlib")


@pytest.fixture
def frame():
    """Gaps by PBE (60 rows, the source) and by HSE (20 rows)."""
    rng = np.random.default_rng(0)
    n = 80
    table = pd.DataFrame({"radius": rng.normal(size=n), "charge": rng.normal(size=n)})
    table["functional"] = np.repeat(["PBE", "HSE"], [60, 20])
    table["gap"] = table["radius"] - table["charge"] ** 2 + 0.3 * (table["functional"] == "HSE")
    return table.round(4)


ROLES = ("--target", "gap", "--domain", "functional", "--source", "PBE")


def run(*arguments, out, command="study", learners="ridge"):
    options = ["--learners", learners, "--n-jobs", "1", "--seeds", "1", "--quick", "--out", str(out)]
    options = options if command == "study" else []
    return cli.main([command, *map(str, arguments), *options])


def study(frame, tmp_path, *options, roles=ROLES, **keywords):
    frame.to_csv(tmp_path / "t.csv", index=False)
    code = run(tmp_path / "t.csv", *roles, *options, out=tmp_path / "out", **keywords)
    results = tmp_path / "out" / "portability.csv"
    return code, pd.read_csv(results) if results.exists() else None


# how tables are read ----------------------------------------------------------------------------------


def test_a_german_table_gives_the_results_of_the_same_table_in_english(frame, tmp_path, capsys):
    _, expected = study(frame, tmp_path / "a" if (tmp_path / "a").mkdir() is None else None)
    german = frame.rename(columns={"gap": "Bandlücke"})
    german.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",", encoding="latin-1")
    roles = ("--target", "Bandlücke", *ROLES[2:])
    assert run(tmp_path / "t.csv", *roles, out=tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "t.csv: encoding Windows-1252 (Latin-1), separator semicolon, decimal comma\n" in printed
    results = pd.read_csv(tmp_path / "out" / "portability.csv")
    pd.testing.assert_series_equal(results["mae"], expected["mae"])


def test_reading_can_be_overruled(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False, header=False, sep="|", encoding="utf-16")
    options = ("--sep", "|", "--encoding", "utf-16", "--decimal", ".", "--no-header")
    roles = ("--target", "column_4", "--domain", "column_3", "--source", "PBE")
    assert run(tmp_path / "t.csv", *options, *roles, out=tmp_path / "out") == 0


def test_a_file_without_header_names_the_option(frame, tmp_path, capsys):
    frame.to_csv(tmp_path / "t.csv", index=False, header=False)
    assert run(tmp_path / "t.csv", *ROLES, out=tmp_path / "out") == 2
    assert "use --no-header" in capsys.readouterr().err


def test_several_files_are_the_domains(frame, tmp_path, capsys):
    for name, part in frame.groupby("functional"):
        part.drop(columns="functional").to_csv(tmp_path / f"{name}.csv", index=False)
    tables = tmp_path / "PBE.csv", tmp_path / "HSE.csv"
    assert run(*tables, "--target", "gap", "--source", "PBE", out=tmp_path / "out") == 0
    assert "80 rows, 2 features; sources PBE" in capsys.readouterr().out


def test_sheets_are_the_domains(frame, tmp_path, capsys):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        for name, part in frame.groupby("functional"):
            part.drop(columns="functional").to_excel(book, sheet_name=name, index=False)
    options = ("--target", "gap", "--source", "PBE")
    for choice in (("--domain", "sheet"), ("--sheet", "PBE,HSE"), ("--sheet", "*", "--domain", "sheet")):
        assert run(tmp_path / "t.xlsx", *options, *choice, out=tmp_path / "out") == 0
        assert "80 rows, 2 features; sources PBE" in capsys.readouterr().out
    assert run(tmp_path / "t.xlsx", *options, "--sheet", "LDA", out=tmp_path / "out") == 2
    assert "no sheet 'LDA': there are HSE, PBE" in capsys.readouterr().err


@pytest.mark.parametrize(
    "column, cell, options",
    [("gap", "-", "--missing -"), ("charge", "n/a", "--missing n/a"), ("gap", "--", "--missing -")],
)
def test_a_cell_that_is_not_a_number_is_named_and_can_be_declared_missing(
    column, cell, options, frame, tmp_path, capsys
):
    frame[column] = frame[column].astype(object)
    frame.loc[6, column] = cell
    assert study(frame, tmp_path)[0] == 2
    error = capsys.readouterr().err
    assert f"Column {column!r} holds numbers, but the cell in row 7 is {cell!r}" in error
    assert f"stands for a missing value: {options}\n" in error
    assert study(frame, tmp_path, *options.replace("'", "").split())[0] == 0
    assert study(frame, tmp_path, "--ignore", "charge")[0] == (2 if column == "gap" else 0)


def test_the_unit_of_all_cells_becomes_that_of_the_target(frame, tmp_path, capsys):
    assert study(frame.assign(gap=frame["gap"].astype(str) + " eV"), tmp_path)[0] == 0
    assert "gap (eV) ---" in capsys.readouterr().out


# what columns hold ------------------------------------------------------------------------------------


@pytest.fixture
def mixed(frame):
    oxides = ["TiO2", "ZnO", "Fe2O3", "NaCl", "MgO", "CaO", "BaTiO3"]
    solvents = ["CCO", "CCCCCC", "c1ccccc1", "CC(=O)C", "CS(C)=O"]
    return frame.assign(
        oxide=[oxides[i % 7] for i in range(80)],
        solvent=[solvents[i % 5] for i in range(80)],
        phase=[("rutile", "anatase")[i % 2] for i in range(80)],
        run=range(80),
    )


def test_a_mixed_table_is_described_and_studied_with_every_learner(mixed, tmp_path, capsys):
    pytest.importorskip("rdkit")
    pytest.importorskip("matminer")
    mixed.loc[[4, 70], "charge"] = np.nan
    mixed.loc[5, "phase"] = None
    learners = "rf,et,svr,knn,mlp,ridge,krr,gp"
    code, results = study(mixed, tmp_path, "--test", "HSE", roles=ROLES, learners=learners)
    assert code == 2  # nothing is left to train on
    capsys.readouterr()
    mixed.loc[70:, "functional"] = "SCAN"
    code, results = study(mixed, tmp_path, "--test", "SCAN", "--folds", "5", learners=learners)
    printed = capsys.readouterr().out
    assert code == 0
    for line in (
        "- numbers: radius\n",
        "- numbers: charge (2 missing)\n",
        "- SMILES: solvent (SMILES of molecules, such as CCO)\n",
        "- formulas: oxide (chemical formulas, such as TiO2)\n",
        "- categories: phase (2 different texts: rutile, anatase)\n",
        "- ignored: run (row numbers)\n",
    ):
        assert line in printed
    assert set(results["learner"]) == set(learners.split(","))
    assert results["error"].dropna().to_list() == [] and np.isfinite(results["mae"]).all()


def test_guesses_are_overruled(mixed, tmp_path, capsys):
    options = ("--category", "oxide,solvent", "--ignore", "run", "--features", "oxide,solvent,radius")
    assert study(mixed, tmp_path, *options)[0] == 0
    printed = capsys.readouterr().out
    assert "- categories: oxide, solvent (by choice)\n" in printed
    assert "80 rows, 13 features" in printed


def test_a_formula_that_cannot_be_read_names_row_and_option(mixed, tmp_path, capsys):
    pytest.importorskip("matminer")
    mixed.loc[8, "oxide"] = "Xy2O3"
    assert study(mixed, tmp_path, "--formula", "oxide", "--ignore", "solvent")[0] == 2
    error = capsys.readouterr().err
    assert "Column 'oxide' holds formulas, but there is no such formula as 'Xy2O3'. Row 9." in error
    assert "(--ignore oxide)" in error


def test_structure_files_are_found_next_to_the_table(frame, tmp_path, capsys):
    build = pytest.importorskip("ase.build")
    write = pytest.importorskip("ase.io").write
    for i in range(80):
        atoms = build.molecule(["H2O", "NH3", "CH4"][i % 3])
        atoms.rattle(0.05, seed=i)
        write(tmp_path / f"m{i}.xyz", atoms)
    frame["geometry"] = [f"m{i}.xyz" for i in range(80)]
    assert study(frame, tmp_path)[0] == 0
    assert "- structures: geometry (names of structure files, such as m0.xyz)\n" in capsys.readouterr().out
    (tmp_path / "m7.xyz").unlink()
    assert study(frame, tmp_path)[0] == 2
    error = capsys.readouterr().err
    assert "there is no such file as 'm7.xyz'. Row 8." in error


# checks -----------------------------------------------------------------------------------------------


def test_a_leak_stops_the_study_until_it_is_ignored_or_chosen(frame, tmp_path, capsys):
    frame["gap_PBE0"] = 1.05 * frame["gap"]
    assert study(frame, tmp_path)[0] == 2
    error = capsys.readouterr().err
    assert "'gap_PBE0' determines the target 'gap' (gap = 0.9524 × gap_PBE0)" in error
    assert "(--ignore gap_PBE0)" in error and not (tmp_path / "out" / "portability.csv").exists()
    assert study(frame, tmp_path, "--ignore", "gap_PBE0")[0] == 0
    assert study(frame, tmp_path, "--features", "radius,gap_PBE0")[0] == 0
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "What to beware of" in page and "gap_PBE0&#x27; determines the target" in page


def test_domains_spelt_in_two_ways_are_asked_about(frame, tmp_path, capsys):
    frame.loc[75:, "functional"] = "hse"
    assert study(frame, tmp_path)[0] == 2
    assert "'HSE' (15 rows), 'hse' (5 rows)" in capsys.readouterr().err
    assert study(frame, tmp_path, "--spelling", "join")[0] == 0
    assert "Domains are joined: 'hse' as 'HSE'." in capsys.readouterr().out
    code, results = study(frame, tmp_path, "--spelling", "keep")
    assert code == 0 and set(results["test_domain"]) == {"HSE", "hse"}


def test_rows_with_the_same_input_stay_in_one_fold(frame, tmp_path, capsys):
    target = frame[frame["functional"] == "HSE"]
    frame = pd.concat([frame, target, target], ignore_index=True)
    code, results = study(frame, tmp_path, learners="knn")
    assert code == 0
    printed = capsys.readouterr().out
    assert "60 target rows have an input that occurs several times (20 different ones)" in printed
    assert "keeps equal rows together" in printed
    alone = results[results["setting"] == "target_only"]
    assert set(alone["n_test"]) == {12} and set(alone["n_train"]) == {48}
    assert alone["mae"].mean() > 0.1  # a neighbour with the same input would give 0


def test_groups_stay_in_one_fold(frame, tmp_path):
    frame["batch"] = [f"batch {i % 4}" for i in range(80)]
    code, results = study(frame, tmp_path, "--group", "batch")
    alone = results[results["setting"] == "target_only"]
    assert code == 0 and list(alone["n_test"]) == [5, 5, 5, 5]
    frame.loc[70:, "functional"] = "SCAN"
    code, results = study(frame, tmp_path, "--group", "batch", "--ignore", "radius")
    assert code == 2  # each batch has rows of both target domains: none is left


def test_few_target_rows_get_no_yes(frame, tmp_path, capsys):
    assert study(frame.iloc[:68], tmp_path, learners="knn,rf")[0] == 0
    printed = capsys.readouterr().out
    assert "There are only 8 labelled target rows to train on" in printed
    assert "8 target rows are too few to tell" in printed and "Yes" not in printed


@pytest.mark.parametrize("names, code", [(("1", "0"), 0), (("PBE", "pbe"), 1)])
def test_check_says_what_it_finds_and_whether_a_study_makes_sense(names, code, frame, tmp_path, capsys):
    frame["functional"] = np.repeat(names, [60, 20])
    frame.to_csv(tmp_path / "t.csv", index=False)
    roles = (*ROLES[:4], "--source", names[0])
    assert run(tmp_path / "t.csv", *roles, out=None, command="check") == code
    printed = capsys.readouterr().out
    assert "- numbers: radius, charge\n" in printed
    assert ("STOP    Domains differ in spelling only" in printed) == bool(code)


def test_check_needs_no_roles_and_names_those_that_tell_more(frame, tmp_path, capsys):
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert run(tmp_path / "t.csv", out=None, command="check") == 0
    assert "Name --target and --domain to check more." in capsys.readouterr().out
    assert run(tmp_path / "t.csv", *ROLES[:4], out=None, command="check") == 0
    assert "Name --source to compare" in capsys.readouterr().out


def test_check_lists_bad_cells_and_goes_on(frame, tmp_path, capsys):
    frame["charge"] = frame["charge"].astype(object)
    frame.loc[6, "charge"] = "-"
    frame.assign(leak=2 * frame["gap"]).to_csv(tmp_path / "t.csv", index=False)
    assert run(tmp_path / "t.csv", *ROLES, out=None, command="check") == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "the cell in row 7 is '-'" in printed and "(--missing -)" in printed
    assert "'leak' determines the target" in printed


# words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        (("--test", "HSE"), "each target domain (HSE) is tested: leave out --test"),
        (("--source", "HSE"), "every domain in 'functional' is a source"),
        (("--test", "PBE"), "domain 'PBE' is a source and tested"),
        (("--folds", "50"), "--folds 50 needs as many target rows for training, there are 20"),
        (("--features", "functional"), "'functional' cannot be a feature"),
        (
            ("--ignore", "radius,charge"),
            "no column is left for features: ignored: radius, charge (by choice)",
        ),
        (("--smiles", "radiuss"), "no column is called 'radiuss'; did you mean radius?"),
        (("--sep", ";;"), "separator must be one character"),
        (("--encoding", "utf-9"), "encoding 'utf-9'"),
    ],
)
def test_errors_speak_of_the_command_and_not_of_python(options, message, frame, tmp_path, capsys):
    assert study(frame, tmp_path, *options)[0] == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    for word in ("np.str_", "source_domains", "test_domains", "sample_domain", "predict_on", "cv="):
        assert word not in error


def test_a_target_without_labels_where_they_are_needed_is_named(frame, tmp_path, capsys):
    frame.loc[frame["functional"] == "HSE", "gap"] = np.nan
    assert study(frame, tmp_path)[0] == 2
    assert "'gap' has no label in the rows of the target" in capsys.readouterr().err


def test_two_target_rows_are_too_few_and_said_so_without_parameters(frame, tmp_path, capsys):
    study(frame.iloc[:62], tmp_path, learners="ridge,knn")
    printed = capsys.readouterr()
    assert "2 target rows are too few to tell" in printed.out
    assert "2 folds need at least as many target rows, there are 1. Give more target rows" in printed.out
    assert "5 neighbours need as many training rows, there are 1." in printed.out
    for word in ("cv=", "guard=", "n_neighbors", "n_samples"):
        assert word not in printed.out + printed.err
