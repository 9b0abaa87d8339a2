"""``skxfer fit``, ``show`` and ``predict``: from a table to a model in a file, and to predictions."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import skxfer
from skxfer.cli import main as cli
from skxfer.datasets import load_co_ag_emt, load_miedema
from skxfer.transfer import HierarchicalTransfer, TableTransfer

ROLES = ("--target", "gap", "--domain", "functional", "--source", "PBE")


def frame(n=80, seed=0):
    """Gaps by PBE (three quarters, the source) and by HSE."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"radius": rng.normal(size=n), "charge": rng.normal(size=n)})
    table["form"] = np.where(np.arange(n) % 2, "bulk", "film")
    table["functional"] = np.repeat(["PBE", "HSE"], [3 * n // 4, n - 3 * n // 4])
    table["gap"] = table["radius"] - table["charge"] ** 2 + 0.3 * (table["functional"] == "HSE")
    table["gap"] += 0.05 * rng.normal(size=n)
    return table.round(4)


def run(*arguments):
    return cli.main([*map(str, arguments)])


def fit(folder, *options, table=None, roles=ROLES, learners="ridge,svr"):
    (frame() if table is None else table).to_csv(folder / "t.csv", index=False)
    out = ("--learners", learners, "--n-jobs", 1, "--out", folder / "model.skxfer")
    return run("fit", folder / "t.csv", *roles, *out, *options)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    assert fit(folder, "--unit", "eV", "--licence", "CC0") == 0
    return folder


# fit ---------------------------------------------------------------------------------------------------


def test_fit_says_what_it_chose_and_what_to_expect(tmp_path, capsys):
    assert fit(tmp_path, "--unit", "eV") == 0
    printed = capsys.readouterr().out
    for part in (
        "t.csv: 80 rows, 20 of them target rows; learners ridge, svr\n",
        "- categories: form (2 different texts: film, bulk)\n",
        "gap: svr (svr 0.",
        "expected error of gap, new rows like the target rows: 0.",
        "eV (0.",
        "transfer lowers the error of gap by ",
        f"To predict: skxfer predict {tmp_path / 'model.skxfer'} new.csv --out predictions.csv\n",
    ):
        assert part in printed


def test_the_model_is_that_of_python(fitted):
    table = frame()
    model = skxfer.load(fitted / "model.skxfer")
    inputs = table[["radius", "charge", "form"]]
    same = TableTransfer(["ridge", "svr"], source_domains=["PBE"], random_state=0)
    same.fit(inputs, table["gap"], sample_domain=table["functional"])
    new = frame(seed=1)
    np.testing.assert_array_equal(model.predict(new)[:, 0], same.predict(new))


def test_folds_seed_and_use_are_chosen(tmp_path):
    assert fit(tmp_path, "--folds", 3, "--seed", 7, "--predict-on", "similar", learners="ridge") == 0
    model = skxfer.load(tmp_path / "model.skxfer")
    assert (model.cv, model.random_state, model.predict_on) == (3, 7, "similar")
    assert [len(folds) for folds in model.models_["ridge"].cv.sets] == [3, 3]


def test_columns_are_overruled_and_groups_kept(tmp_path):
    table = frame().assign(batch=np.arange(80) // 4)
    assert fit(tmp_path, "--category", "charge", "--ignore", "form", "--group", "batch", table=table) == 0
    model = skxfer.load(tmp_path / "model.skxfer")
    kinds = {name: column.kind for name, column in model.columns_.items()}
    assert kinds == {"radius": "number", "charge": "category", "form": "ignored"}
    for folds in next(iter(model.models_.values())).cv.sets:
        for _, held in folds:
            assert set(np.bincount(held // 4, minlength=5)) <= {0, 4}


def test_a_cheap_column_is_used_as_such(tmp_path, capsys):
    table = frame().assign(cheap=lambda t: (t["gap"] + 3 + 0.01 * t["radius"] + 0.02 * t["charge"]).round(2))
    assert fit(tmp_path, "--low-fidelity", "cheap", table=table, learners="ridge") == 0
    assert "low_fidelity" in capsys.readouterr().out
    assert fit(tmp_path, "--low-fidelity", "cheap,radius", table=table) == 0
    assert fit(tmp_path, "--low-fidelity", "dear", table=table) == 2
    assert "no column is called 'dear'" in capsys.readouterr().err


def test_a_table_without_domains_is_learned_from_alone(tmp_path, capsys):
    table = frame().drop(columns="functional")
    assert fit(tmp_path, table=table, roles=("--target", "gap"), learners="ridge") == 0
    assert "t.csv: 80 rows, 80 of them target rows" in capsys.readouterr().out
    model = skxfer.load(tmp_path / "model.skxfer")
    assert model.strategy_ == ["target_only"] and model.card_["choice"]["gap"]["transfer_gain"] is None
    assert model.card_["data"]["rows"][0]["domain"] == "(no domain)"
    capsys.readouterr()
    assert fit(tmp_path, table=frame(), roles=("--target", "gap", "--domain", "functional")) == 2
    assert "--source is needed" in capsys.readouterr().err


def test_target_rows_without_the_cheap_value_are_left_out(tmp_path, capsys):
    table = frame().assign(cheap=lambda t: (t["gap"] + 3 + 0.02 * t["charge"]).round(2))
    table.loc[[62, 70, 71], "cheap"] = np.nan
    assert fit(tmp_path, "--low-fidelity", "cheap", table=table, learners="ridge") == 0
    assert "3 target rows without cheap: left out\n" in capsys.readouterr().out
    assert skxfer.load(tmp_path / "model.skxfer").card_["data"]["rows"][1]["rows"] == 17
    table.loc[61:, "cheap"] = np.nan
    assert fit(tmp_path, "--low-fidelity", "cheap", table=table, learners="ridge") == 2
    assert "no two target rows have a label and cheap" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, message",
    [
        (("--learners", "magic"), "no learner 'magic'"),
        (("--source", "LDA"), "'LDA'"),
        (("--target", "nothing"), "no column is called 'nothing'"),
        (("--out", "{folder}/no/model.skxfer"), "there is no folder"),
        (("--out", "{folder}"), "is a folder: name a file"),
        (("--smiles", "radius"), "radius"),
    ],
)
def test_mistakes_are_told_in_one_line(options, message, tmp_path, capsys):
    options = [option.format(folder=tmp_path) for option in options]
    given = list(ROLES)
    if options[0] in given:
        at = given.index(options[0])
        given[at : at + 2] = options
        options = []
    assert fit(tmp_path, *options, roles=given) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and error.startswith("skxfer: error:")


def test_a_leak_stops_the_fit(tmp_path, capsys):
    assert fit(tmp_path, table=frame().assign(leak=lambda t: 2 * t["gap"])) == 2
    assert "'leak' determines the target" in capsys.readouterr().err
    assert fit(tmp_path, "--ignore", "leak", table=frame().assign(leak=lambda t: 2 * t["gap"])) == 0


# taking over from a study ------------------------------------------------------------------------------


def study_folder(folder, argv, answers=("svr",), **more):
    """A folder as `skxfer study` leaves it."""
    (folder / "report").mkdir(exist_ok=True)
    record = {"argv": [*map(str, argv)], "cwd": str(folder)}
    record["answers"] = [{"target": "gap", "learner": learner} for learner in answers]
    (folder / "report" / "study.json").write_text(json.dumps(record | more))
    return folder / "report"


def test_fit_goes_on_from_a_study(tmp_path, capsys, monkeypatch):
    table = frame().rename(columns={"gap": "gap in eV"})
    table.loc[70:, "functional"] = "SCAN"
    table.to_csv(tmp_path / "t.csv", index=False, sep=";", decimal=",")
    argv = ("study", "t.csv", "--target", "gap in eV", "--domain", "functional", "--source", "PBE")
    argv += ("--test", "SCAN", "--ignore", "form", "--folds", "3")
    report = study_folder(tmp_path, argv)
    monkeypatch.chdir(tmp_path.parent)  # the table is found where the study found it
    out = tmp_path / "model.skxfer"
    assert run("fit", "--from", report, "--n-jobs", 1, "--out", out, "--licence", "CC0") == 0
    printed = capsys.readouterr().out
    assert "Best in the study: svr.\n" in printed
    assert "Rows of SCAN, on which the study was tested, are learned from as well.\n" in printed
    model = skxfer.load(out)
    assert model.learner_ == ["svr"] and model.cv == 3 and model.columns_["form"].kind == "ignored"
    rows = {part["domain"]: (part["role"], part["rows"]) for part in model.card_["data"]["rows"]}
    assert rows == {"PBE": ("source", 60), "HSE": ("target", 10), "SCAN": ("target", 10)}
    assert model.card_["licence"]["data"] == "CC0" and model.card_["data"]["files"][0]["name"] == "t.csv"
    assert run("fit", "--from", report, "--learners", "ridge", "--n-jobs", 1, "--out", out) == 0
    assert skxfer.load(out).learner_ == ["ridge"]
    assert run("fit", "--from", report, "--domain", "form", "--out", out) == 2
    assert "--domain goes with a table: with --from it is that of the study" in capsys.readouterr().err


def test_fit_may_take_some_targets_of_a_study(tmp_path):
    report = study_folder(tmp_path, ("study", "--out", "report"), answers=("ridge",), options={"folds": 2})
    out = tmp_path / "model.skxfer"
    assert run("fit", "--from", report, "--target", "d_band", "--n-jobs", 1, "--out", out) == 0
    assert [part["name"] for part in skxfer.load(out).card_["data"]["targets"]] == ["d_band"]


def test_what_a_study_writes_is_what_fit_reads(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    frame().to_csv(tmp_path / "t.csv", index=False)
    report, out = tmp_path / "report", tmp_path / "model.skxfer"
    options = ("--learners", "ridge", "--seeds", 1, "--folds", 2, "--n-jobs", 1, "--out", report)
    assert run("study", tmp_path / "t.csv", *ROLES, *options) == 0
    assert f"skxfer fit --from {report} --out model.skxfer" in capsys.readouterr().out
    assert run("fit", "--from", report, "--n-jobs", 1, "--out", out) == 0
    assert "Best in the study: ridge.\n" in capsys.readouterr().out
    model = skxfer.load(out)
    assert model.learner_ == ["ridge"] and model.cv == 2 and model.source_domains == ["PBE"]


def test_fit_goes_on_from_a_study_of_data_that_come_with_skxfer(tmp_path, capsys):
    argv = ("study", "--target", "Eads", "--out", "report")
    report = study_folder(tmp_path, argv, answers=("ridge",), options={"folds": 2})
    assert run("fit", "--from", report, "--n-jobs", 1, "--out", tmp_path / "model.skxfer") == 0
    assert "Simulated CO on Ag in solvents (co_ag_emt): 3045 rows" in capsys.readouterr().out
    model = skxfer.load(tmp_path / "model.skxfer")
    assert model.cv == 2 and model.card_["data"]["targets"][0]["unit"] == "eV"
    roles = {part["domain"]: part["role"] for part in model.card_["data"]["rows"]}
    assert {name for name, role in roles.items() if role == "source"} == {"gas", "water"}
    assert all(roles[name] == "target" for name in load_co_ag_emt().test_domains)


def test_learners_that_fit_does_not_know_are_said(tmp_path, capsys):
    frame().to_csv(tmp_path / "t.csv", index=False)
    report = study_folder(tmp_path, ("study", "t.csv", *ROLES), answers=("lgdcnn", None))
    command = ("fit", "--from", report, "--n-jobs", 1, "--folds", 2, "--out", tmp_path / "model.skxfer")
    assert run(*command) == 0
    assert "found lgdcnn best, which fit does not train" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv, message",
    [
        (None, "there is no study.json in"),
        (("study", "gone.csv", *ROLES), "the table of the study is gone: there is no file"),
        (("check", "t.csv"), "tells of another command: check t.csv"),
        (("study", "t.csv", "--magic"), "unrecognized arguments|not known"),
        ("text", "was not written by skxfer study"),
    ],
)
def test_a_folder_without_a_study_is_refused(argv, message, tmp_path, capsys):
    frame().to_csv(tmp_path / "t.csv", index=False)
    if argv == "text":
        study_folder(tmp_path, ())
        (tmp_path / "report" / "study.json").write_text("[1]")
    elif argv is not None:
        study_folder(tmp_path, argv)
    assert run("fit", "--from", tmp_path / "report", "--out", tmp_path / "model.skxfer") == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_table_or_a_study_is_needed_and_not_both(tmp_path, capsys):
    frame().to_csv(tmp_path / "t.csv", index=False)
    assert run("fit", "--out", tmp_path / "m.skxfer") == 2
    assert "name a table, or the folder of a study with --from" in capsys.readouterr().err
    assert run("fit", tmp_path / "t.csv", "--from", tmp_path, "--out", tmp_path / "m.skxfer") == 2
    assert "not both" in capsys.readouterr().err


# show --------------------------------------------------------------------------------------------------


def test_show_prints_the_card(fitted, capsys):
    assert run("show", fitted / "model.skxfer") == 0
    printed = capsys.readouterr().out
    digest = hashlib.sha256((fitted / "t.csv").read_bytes()).hexdigest()
    for part in (digest, "source PBE: 60 rows; labels: gap 60", "licence of the data: CC0", "skxfer fit "):
        assert part in printed
    assert run("show", fitted / "model.skxfer", "--json") == 0
    card = json.loads(capsys.readouterr().out)
    assert card == skxfer.load(fitted / "model.skxfer").card_
    assert card["data"]["targets"][0]["unit"] == "eV"


def test_other_files_are_refused(tmp_path, fitted, capsys):
    skxfer.save(Ridge(), tmp_path / "ridge.skxfer")
    skxfer.save(HierarchicalTransfer(), tmp_path / "transfer.skxfer")
    skxfer.save(TableTransfer(), tmp_path / "unfitted.skxfer")
    for name, message in {
        "ridge.skxfer": "holds a Ridge, not a model that skxfer fit has made",
        "transfer.skxfer": "holds a HierarchicalTransfer",
        "unfitted.skxfer": "holds a TableTransfer that is not fitted",
        "none.skxfer": "there is no file",
        "t.csv": "",
    }.items():
        path = (fitted if name == "t.csv" else tmp_path) / name
        for command in (("show", path), ("predict", path, fitted / "t.csv")):
            assert run(*command) == 2
            error = capsys.readouterr().err
            assert message in error and error.count("\n") == 1


# predict -----------------------------------------------------------------------------------------------


def test_predictions_are_written_next_to_the_table(fitted, tmp_path, capsys):
    new = frame(seed=1).drop(columns="functional").assign(sample=lambda t: [f"s{i}" for i in t.index])
    new.to_csv(tmp_path / "new.csv", index=False)
    assert run("predict", fitted / "model.skxfer", tmp_path / "new.csv", "--out", tmp_path / "out.csv") == 0
    printed = capsys.readouterr().out
    found = pd.read_csv(tmp_path / "out.csv")
    model = skxfer.load(fitted / "model.skxfer")
    np.testing.assert_allclose(found["gap predicted"], model.predict(new)[:, 0])
    mae = np.abs(found["gap predicted"] - new["gap"]).mean()
    assert f"The table has 80 values of gap: mean absolute error {mae:.3g} eV\n" in printed
    assert "80 rows: 80 predicted" in printed and "does not use: sample\n" in printed
    assert "bounds of a 80 % interval" in printed


def test_rows_that_cannot_be_read_are_told(fitted, tmp_path, capsys):
    new = frame(seed=1).head(6).astype({"radius": object})
    new["radius"] = [str(value).replace(".", ",") for value in new["radius"]]
    new.loc[1, "radius"], new.loc[2, "charge"] = "big", np.nan
    new.to_csv(tmp_path / "new.csv", index=False, sep=";", decimal=",")
    command = ("predict", fitted / "model.skxfer", tmp_path / "new.csv", "--out", tmp_path / "out.csv.gz")
    assert run(*command) == 0
    printed = capsys.readouterr().out
    assert "4 predicted" in printed and "2 not readable" in printed
    assert "- row 2: radius: 'big' is not a number\n- row 3: charge is empty\n" in printed
    found = pd.read_csv(tmp_path / "out.csv.gz")
    assert found["error"].isna().tolist() == [True, False, False, True, True, True]
    new[["radius", "charge"]] = np.nan
    new.to_csv(tmp_path / "new.csv", index=False)
    assert run(*command) == 1


def test_without_a_file_a_table_is_printed(fitted, tmp_path, capsys):
    new = frame(seed=1)
    new.loc[3, "radius"] = 50
    new.to_csv(tmp_path / "new.csv", index=False)
    command = ("predict", fitted / "model.skxfer", tmp_path / "new.csv", "--keep", "form", "--level", 90)
    assert run(*command) == 0
    printed = capsys.readouterr().out
    assert "radius = 50, target rows: " in printed and "gap predicted" in printed and " film " in printed
    assert "… and 40 more rows" in printed and "90 % interval" in printed


@pytest.mark.parametrize(
    "options, message",
    [
        (("--out", "x.xlsx"), "ends with .csv, .csv.gz or .parquet"),
        (("--sep", "|"), "needs the columns 'radius', 'charge', 'form'"),
        (("--keep", "colour"), "no column 'colour'"),
        (("--level", "0"), "invalid percentage value"),
        (("--no-header",), "needs the columns"),
    ],
)
def test_mistakes_in_predict_are_told_in_one_line(options, message, fitted, tmp_path, capsys):
    frame().to_csv(tmp_path / "new.csv", index=False)
    assert run("predict", fitted / "model.skxfer", tmp_path / "new.csv", *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_ctrl_c_leaves_what_is_done(fitted, tmp_path, capsys, monkeypatch):
    from skxfer.transfer.table import _predict

    frame().to_csv(tmp_path / "new.csv", index=False)
    monkeypatch.setattr(_predict, "ROWS", 30)
    original, calls = _predict._predict_part, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(_predict, "_predict_part", interrupted)
    command = ("predict", fitted / "model.skxfer", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert run(*command) == 130
    assert "out.csv.part" in capsys.readouterr().err
    assert len(pd.read_csv(tmp_path / "out.csv.part")) == 60 and not (tmp_path / "out.csv").exists()


# data of chemistry -------------------------------------------------------------------------------------


def test_spectra_from_the_command_alone(tmp_path, capsys):
    data = load_co_ag_emt(as_frame=True)
    table = data.data.assign(solvent=data.domain, Eads=data.target["Eads"])
    rows = table[~data.domain.isin(data.test_domains)].groupby("solvent").head(60)
    test = table[data.domain.isin(data.test_domains)]
    test.to_csv(tmp_path / "new.csv", index=False)
    roles = ("--target", "Eads", "--domain", "solvent", "--source", "gas,water")
    assert fit(tmp_path, "--folds", 3, table=rows, roles=roles, learners="ridge,svr") == 0
    assert "spectra" in capsys.readouterr().out
    command = ("predict", tmp_path / "model.skxfer", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert run(*command) == 0
    found = pd.read_csv(tmp_path / "out.csv")
    error = np.abs(found["Eads predicted"] - found["Eads"]).mean()
    assert error < 0.6 * np.abs(found["Eads"] - found["Eads"].median()).mean()


def test_formulas_from_the_command_alone(tmp_path, capsys):
    pytest.importorskip("matminer")
    data = load_miedema(as_frame=True)
    table = pd.DataFrame(
        {"formula": data.data["formula"], "enthalpy": data.target, "system": data.domain.astype(str)}
    )
    table = table.iloc[::4]
    roles = ("--target", "enthalpy", "--domain", "system", "--source", data.source_domains[0])
    assert fit(tmp_path, "--folds", 2, table=table, roles=roles, learners="ridge") == 0
    new = pd.DataFrame({"formula": ["TiNi", "TiQ", "XeTi"]})
    new.to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert run("predict", tmp_path / "model.skxfer", tmp_path / "new.csv") == 0
    printed = capsys.readouterr().out
    assert "'TiQ' is not a formula" in printed and "element Xe of formula: in no training row" in printed


DATA = Path(os.environ.get("SKXFER_DATA", "none"))


@pytest.mark.skipif(not (DATA / "adsorption").is_dir(), reason="the public data are not here")
def test_sheets_as_domains_from_the_command_alone(tmp_path, capsys):
    pytest.importorskip("openpyxl")
    book = DATA / "adsorption" / "transition_metals.xlsx"
    options = (
        "--sheet",
        "SAA,Bimetallics",
        "--target",
        "Ead",
        "--source",
        "SAA",
        "--ignore",
        "Site,Metal,Ads",
    )
    out = tmp_path / "model.skxfer"
    command = ("fit", book, *options, "--learners", "ridge,knn", "--folds", 2, "--n-jobs", 1, "--out", out)
    assert run(*command) == 0
    assert "540 rows, 259 of them target rows" in capsys.readouterr().out
    assert run("predict", out, book, "--sheet", "TM_Reduced", "--out", tmp_path / "out.csv") == 0
    assert "Column 'EA_ev' is taken for 'EA_eV'" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "out.csv")) == 423


def test_the_help_of_each_command_is_light():
    code = (
        "import sys; from skxfer.cli.main import main; "
        "[main([*c, '--help']) for c in ([], ['fit'], ['predict'], ['show'])]; "
        "print({'numpy', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip().endswith("set()")


def test_networks_that_stop_early_fill_no_screen(tmp_path):
    """A process of its own prints what its warnings say."""
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "y"])
    table["domain"] = np.repeat(["source", "target"], 30)
    table.to_csv(tmp_path / "table.csv", index=False)
    command = [
        "fit",
        str(tmp_path / "table.csv"),
        "--target",
        "y",
        "--domain",
        "domain",
        "--source",
        "source",
    ]
    command += ["--learners", "mlp", "--folds", "2", "--n-jobs", "2", "--out", str(tmp_path / "model.skxfer")]
    done = subprocess.run(
        [sys.executable, "-m", "skxfer", *command], capture_output=True, text=True, check=True, timeout=100
    )
    assert "ConvergenceWarning" not in done.stdout + done.stderr
