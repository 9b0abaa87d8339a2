"""`skxfer study` interrupted, killed, limited in time, on a cluster; and what its page answers."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from skxfer.cli import answers, cost, plan, sentences
from skxfer.cli import main as cli
from skxfer.datasets import make_domains

pytest.importorskip("matplotlib")
ROLES = ["--target", "y", "--domain", "place", "--source", "source_0"]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


def write_table(path, n_source=40, n_target=24, n_test=12, **columns):
    problem = make_domains(n_source, n_target, n_test, 3, random_state=0)
    table = pd.DataFrame(problem.data, columns=list("abc")).assign(y=problem.target, place=problem.domain)
    table.assign(**columns).to_csv(path, index=False)
    return table


def study(path, *options, out, learners="ridge"):
    arguments = [str(path), *ROLES, *options, "--learners", learners, "--out", str(out), "--n-jobs", "1"]
    return cli.main(["study", *arguments])


def start(folder, *options, out="report"):
    """Start the command in a process group of its own."""
    command = [sys.executable, "-m", "skxfer", "study", "t.csv", *ROLES, *options, "--out", out]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=env, start_new_session=True, text=True, **streams)


def results_of(folder):
    return pd.read_csv(folder / "portability.csv").drop(columns="fit_seconds")


# going on ---------------------------------------------------------------------------------------------


def test_a_finished_study_is_not_fitted_again_unless_fresh(tmp_path, capsys):
    write_table(tmp_path / "t.csv")
    out = tmp_path / "out"
    for options in ([], [], ["--fresh"]):
        assert study(tmp_path / "t.csv", "--test", "test", *options, out=out) == 0
    lines = [len((out / "fits.jsonl").read_text().splitlines())]
    assert study(tmp_path / "t.csv", "--test", "test", out=out, learners="ridge,knn") == 0
    lines.append(len((out / "fits.jsonl").read_text().splitlines()))
    assert lines[0] < lines[1]
    assert set(results_of(out)["learner"]) == {"ridge", "knn"}


def test_fits_of_another_table_are_put_aside_and_it_is_said(tmp_path, capsys):
    table = write_table(tmp_path / "t.csv")
    out = tmp_path / "out"
    study(tmp_path / "t.csv", "--test", "test", out=out)
    before = (out / "fits.jsonl").read_bytes()
    table.assign(y=table["y"] + 1).to_csv(tmp_path / "t.csv", index=False)
    capsys.readouterr()
    assert study(tmp_path / "t.csv", "--test", "test", out=out) == 0
    assert "of another table, other roles or another version: they are put aside" in capsys.readouterr().out
    assert (out / "fits.former.jsonl").read_bytes() == before


@posix
def test_a_study_that_is_killed_ends_with_the_same_table(tmp_path):
    """Benchmarks kill it more often: see tests/model_selection/test_fits.py."""
    write_table(tmp_path / "t.csv")
    options = ["--test", "test", "--learners", "ridge,knn", "--seeds", "2", "--n-jobs", "2"]
    process = start(tmp_path, *options, out="killed")
    fits = tmp_path / "killed" / "fits.jsonl"
    deadline = time.monotonic() + 90
    while (not fits.exists() or fits.read_bytes().count(b"\n") < 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "index.html").exists()
    finished = fits.read_bytes()
    finished = finished[: finished.rindex(b"\n") + 1]
    for out in ("killed", "whole"):
        process = start(tmp_path, *options, out=out)
        printed, _ = process.communicate(timeout=110)
        assert process.returncode == 0, printed
    assert fits.read_bytes().startswith(finished)
    pd.testing.assert_frame_equal(results_of(tmp_path / "killed"), results_of(tmp_path / "whole"))


@posix
@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_sigterm_ends_it_in_the_midst_of_a_fit_that_hears_no_signal(n_jobs, tmp_path):
    """Support vectors on 8000 rows compute for minutes without looking at signals."""
    write_table(tmp_path / "t.csv", 7000, 30, 20)
    process = start(tmp_path, "--test", "test", "--learners", "svr", "--seeds", "1", "--n-jobs", n_jobs)
    fits = tmp_path / "report" / "fits.jsonl"
    deadline = time.monotonic() + 90
    while (not fits.exists() or fits.read_bytes().count(b"\n") < 2) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1.0)
    assert process.poll() is None
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "the finished fits are written, and the same command goes on" in printed
    assert "Traceback" not in printed
    # Five seconds on an idle machine, of which two are for the figures.
    assert time.monotonic() - begin < 20


# time -------------------------------------------------------------------------------------------------


def test_a_limit_for_each_fit_costs_the_slow_ones_alone(tmp_path, capsys):
    write_table(tmp_path / "t.csv", 1500, 20, 12)
    options = ["--test", "test", "--timeout", "3", "--seeds", "1"]
    study(tmp_path / "t.csv", *options, out=tmp_path / "out", learners="gp")
    assert "! gp: TimeoutError: the fit took longer than 3 s" in capsys.readouterr().out
    results = results_of(tmp_path / "out").set_index("setting")
    late = results["error"] == "TimeoutError: the fit took longer than 3 s"
    assert late["merge"] and late["source_only: source_0"] and late["auto"]
    assert len(results) == 4  # what was quick enough, and what was not


def test_a_budget_leaves_the_most_expensive_out_and_says_so(tmp_path, capsys):
    write_table(tmp_path / "t.csv", 3000, 60, 12)
    options = ["--test", "test", "--budget", "5"]
    assert study(tmp_path / "t.csv", *options, out=tmp_path / "out", learners="ridge,gp") == 0
    printed = capsys.readouterr().out
    assert re.search(r"Left out, to keep to --budget: gp \(about .*\)", printed)
    assert set(results_of(tmp_path / "out")["learner"]) == {"ridge"}
    assert "Left out, to keep to --budget" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_the_time_is_estimated_before_anything_is_fitted(tmp_path, capsys):
    write_table(tmp_path / "t.csv")
    study(tmp_path / "t.csv", "--test", "test", out=tmp_path / "out")
    assert re.search(r"This takes about \d+ s on 1 core\.", capsys.readouterr().out)


@pytest.mark.parametrize(
    "seconds, text",
    [(0.1, "10 s"), (44, "40 s"), (120, "2 min"), (2400, "40 min"), (7200, "2.0 h"), (90_000, "25 h")],
)
def test_times_are_said_as_people_say_them(seconds, text):
    assert cost.in_words(seconds) == text


@pytest.mark.parametrize("learner", sorted(plan.MOST_SOURCE_ROWS) + ["xgb", "knn", "ridge"])
def test_more_rows_never_take_less_time(learner):
    seconds = [
        cost.study_seconds(learner, n, n, 20, 1, n_folds=5, n_tests=1) for n in (10, 100, 1000, 10_000)
    ]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_slow_learners_see_fewer_rows_of_a_big_source_and_it_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plan, "MOST_SOURCE_ROWS", {"gp": 50})
    write_table(tmp_path / "t.csv", 200)
    options = ["--test", "test", "--seeds", "1"]
    assert study(tmp_path / "t.csv", *options, out=tmp_path / "out", learners="ridge,gp") == 0
    said = "Of 200 source rows, gp are trained on 50 drawn at random, to save time."
    assert said in capsys.readouterr().out
    n_train = results_of(tmp_path / "out").query("setting == 'merge'").set_index("learner")["n_train"]
    assert dict(n_train) == {"ridge": 224, "gp": 74}
    assert said in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_several_seeds_are_the_default_where_they_are_cheap(tmp_path):
    write_table(tmp_path / "t.csv")
    study(tmp_path / "t.csv", "--test", "test", out=tmp_path / "out", learners="knn")
    assert set(results_of(tmp_path / "out")["seed"]) == {0, 1, 2}


def test_quick_takes_few_learners_and_part_of_the_sources(tmp_path, capsys):
    write_table(tmp_path / "t.csv", 900)
    arguments = ["study", str(tmp_path / "t.csv"), *ROLES, "--test", "test", "--quick", "--n-jobs", "1"]
    assert cli.main([*arguments, "--out", str(tmp_path / "out")]) == 0
    results = results_of(tmp_path / "out")
    assert set(results["learner"]) == set(plan.QUICK_LEARNERS) and set(results["seed"]) == {0}
    assert results["n_train"].max() == 24 + plan.QUICK_SOURCE_ROWS


def test_a_cluster_gives_the_same_results(tmp_path, capsys):
    distributed = pytest.importorskip("dask.distributed", reason="needs skxfer[dask]")
    write_table(tmp_path / "t.csv")
    options = ["--test", "test", "--seeds", "1"]
    assert study(tmp_path / "t.csv", *options, out=tmp_path / "here") == 0
    params = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**params) as cluster:
        options += ["--dask", cluster.scheduler_address]
        assert study(tmp_path / "t.csv", *options, out=tmp_path / "there") == 0
    assert "Dask cluster at tcp://127.0.0.1" in capsys.readouterr().out
    pd.testing.assert_frame_equal(results_of(tmp_path / "here"), results_of(tmp_path / "there"))


# networks ---------------------------------------------------------------------------------------------


def write_formulas(path):
    """Two sets of binary compounds; the target is a sum of what elements add."""
    rng, elements = np.random.default_rng(0), ["Na", "K", "Mg", "Ca", "Fe", "Ni", "O", "S", "Cl", "F"]
    level = dict(zip(elements, rng.normal(size=len(elements)), strict=True))
    pairs = [(a, b) for i, a in enumerate(elements) for b in elements[i + 1 :]]
    table = pd.DataFrame({"formula": [f"{a}{b}2" for a, b in pairs]})
    table["y"] = [level[a] + 2 * level[b] for a, b in pairs]
    table["place"] = np.where(rng.random(len(pairs)) < 0.6, "source_0", "target")
    table["temperature"] = rng.integers(280, 320, len(pairs))
    table.to_csv(path, index=False)


def test_a_network_competes_where_there_is_a_single_column_of_formulas(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    from skxfer import LGDCNNRegressor
    from skxfer.cli import fits

    small = LGDCNNRegressor(hidden_dim=8, max_epochs=2, calibration=None, random_state=0)
    monkeypatch.setattr(fits, "_network", lambda name: small)
    write_formulas(tmp_path / "t.csv")
    monkeypatch.setattr(plan, "LEARNERS", ("knn",))
    assert study(tmp_path / "t.csv", "--seeds", "1", out=tmp_path / "out", learners="auto,ridge") == 0
    printed = capsys.readouterr().out
    assert "A network (lgdcnn) competes; it sees the column 'formula' alone." in printed
    results = results_of(tmp_path / "out")
    assert set(results["learner"]) == {"knn", "ridge", "lgdcnn"}
    network = results[results["learner"] == "lgdcnn"]
    assert set(network["setting"]) == {"source_only: source_0", "target_only", "merge", "auto"}
    assert network["error"].isna().all()
    pairs = results[results["setting"] == "auto"].groupby("fold")["n_test"].nunique()
    assert (pairs == 1).all()  # all learners are tested on the same rows


def test_no_network_competes_without_a_column_for_it(tmp_path, capsys):
    write_table(tmp_path / "t.csv")
    options = ["--test", "test", "--seeds", "1", "--quick"]
    assert study(tmp_path / "t.csv", *options, out=tmp_path / "out", learners="auto") == 0
    assert "No network competes: there is no single column of formulas" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, message",
    [
        (["--timeout", "0"], "argument --timeout: invalid time above 0 value: '0'"),
        (["--budget", "-1"], "argument --budget"),
        (["--n-jobs", "0"], "argument --n-jobs"),
        (["--dask", "tcp://127.0.0.1:9", "--timeout", "5"], "--timeout needs processes on this machine"),
        (["--learners", "auto,rff"], "no learner 'rff'"),
    ],
)
def test_mistakes_are_named(options, message, tmp_path, capsys):
    write_table(tmp_path / "t.csv")
    arguments = ["study", str(tmp_path / "t.csv"), *ROLES, *options, "--out", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err


# what is left behind ----------------------------------------------------------------------------------


def test_study_json_repeats_the_study(tmp_path):
    write_table(tmp_path / "t.csv")
    assert study(tmp_path / "t.csv", "--test", "test", out=tmp_path / "out") == 0
    found = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    assert found["argv"][:2] == ["study", str(tmp_path / "t.csv")] and found["cwd"] == os.getcwd()
    assert found["options"]["sources"] == ["source_0"] and found["options"]["learners"] == ["ridge"]
    assert found["answers"][0]["target"] == "y" and found["summary"][0]["learner"] == "ridge"
    before = results_of(tmp_path / "out")
    assert cli.main([*found["argv"], "--fresh"]) == 0
    pd.testing.assert_frame_equal(results_of(tmp_path / "out"), before)


def test_names_that_are_formulas_are_neutralised_in_the_files(tmp_path):
    table = write_table(tmp_path / "t.csv")
    table["place"] = table["place"].replace("test", "=cmd|' /C calc'!A0")
    table.to_csv(tmp_path / "t.csv", index=False)
    assert (
        study(tmp_path / "t.csv", "--test", "=cmd|' /C calc'!A0", "--seeds", "1", out=tmp_path / "out") == 0
    )
    assert not re.search(r"(^|,)\"?=", (tmp_path / "out" / "portability.csv").read_text(), re.MULTILINE)


# what the page answers --------------------------------------------------------------------------------


def page_text(folder):
    text = (folder / "index.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL))


def test_the_page_answers_in_the_order_of_the_questions(tmp_path):
    write_table(tmp_path / "t.csv", 80, 40, 20)
    assert study(tmp_path / "t.csv", "--test", "test", out=tmp_path / "out", learners="svr") == 0
    text = page_text(tmp_path / "out")
    questions = ["What to use", "What error to expect on new rows", "How much of it transfer brings"]
    questions += ["What else came close", "How many more rows you would need", "Best without transfer"]
    questions += ["Best merged", "Best with transfer", "What to beware of", "Use this model"]
    questions += ["Which source helped", "Checks of the data"]
    places = [text.index(question) for question in questions]
    assert places == sorted(places)
    assert "support vector regression" in text
    assert f"skxfer fit --from {tmp_path / 'out'} --out model.skxfer" in text
    assert text.count("learner = default_learners") == 1


def test_fewer_than_ten_target_rows_are_never_a_yes(tmp_path, capsys):
    write_table(tmp_path / "t.csv", 80, 8, 20)
    study(tmp_path / "t.csv", "--test", "test", out=tmp_path / "out", learners="svr")
    printed, text = capsys.readouterr().out, page_text(tmp_path / "out")
    assert "8 target rows are too few to tell" in printed and "8 target rows are too few to tell" in text
    assert "Yes" not in printed and "Yes" not in text


def predictions_of(errors, y=None):
    """Predictions with given errors: dict of (learner, setting) to errors of each row."""
    parts = []
    for (learner, setting), values in errors.items():
        values = np.asarray(values, dtype=float)
        truth = np.zeros(len(values))
        which = {
            "learner": learner,
            "setting": setting,
            "target": "y",
            "test_domain": "t",
            "fold": 0,
            "seed": 0,
        }
        numbers = {"row": np.arange(len(values)), "y": truth, "prediction": values, "std": np.nan}
        parts.append(pd.DataFrame(which | numbers))
    return pd.concat(parts, ignore_index=True)


class Table:
    """The part of Data that the answers look at."""

    def __init__(self, n_target=50):
        self.Y = pd.DataFrame({"y": np.zeros(n_target)})
        self.is_training_target = np.ones(n_target, dtype=bool)
        self.units, self.sources = {"y": "eV"}, ["gas"]


def answer(errors, n_target=50):
    predictions = predictions_of(errors)
    rows = [
        {"learner": learner, "setting": setting, "target": "y", "strategy": "", "inputs": ""}
        for learner, setting in errors
    ]
    (found,) = answers.find_answers(pd.DataFrame(rows), predictions, Table(n_target))
    return found


NOISE = np.abs(np.random.default_rng(0).normal(size=200))


def test_the_best_model_and_its_families_are_found():
    found = answer(
        {("a", "target_only"): NOISE, ("b", "target_only"): 2 * NOISE, ("b", "merge"): 0.5 * NOISE},
    )
    assert found.best.key == ("b", "merge") and found.verdict == "helps"
    assert found.families["target_only"].learner == "a"
    assert found.gains["merge"][0] == pytest.approx(0.5)
    assert found.low < 0.5 * NOISE.mean() < found.high
    assert sentences.overall([found], ["gas"]).startswith("Merging wins: train on the rows of all domains")
    assert "Merging wins here" in sentences.use(found)


def test_the_best_of_many_equal_models_is_not_promised():
    """The lowest of 100 equal models lies below their error; the error to expect does not."""
    rng, truth = np.random.default_rng(1), np.sqrt(2 / np.pi)
    found = [
        answer({(f"m{i}", "target_only"): np.abs(rng.normal(size=40)) for i in range(100)}) for _ in range(8)
    ]
    assert max(one.best.mae for one in found) < 0.85 * truth
    assert np.mean([one.error for one in found]) == pytest.approx(truth, rel=0.04)


def test_a_gain_within_the_scatter_is_not_clear():
    rng = np.random.default_rng(2)
    errors = {("a", "target_only"): NOISE, ("a", "auto"): np.abs(NOISE + 0.5 * rng.normal(size=200))}
    found = answer(errors | {("a", "merge"): np.abs(rng.normal(size=200))})
    assert found.verdict == "even"
    assert sentences.overall([found], ["gas"]).startswith("No clear gain")


def test_a_clear_loss_is_no():
    found = answer({("a", "target_only"): NOISE, ("a", "auto"): 2 * NOISE, ("a", "merge"): 3 * NOISE})
    assert found.verdict == "hurts" and found.best.setting == "target_only"
    assert sentences.overall([found], ["gas"]).startswith("No: data from gas do not help")


def test_a_source_model_must_be_clearly_better_to_be_recommended():
    close = {("a", "merge"): NOISE, ("a", "source_only: gas"): NOISE * np.linspace(0.5, 1.49, 200)}
    assert answer({("a", "target_only"): 2 * NOISE} | close).best.setting == "merge"
    better = {("a", "merge"): NOISE, ("a", "source_only: gas"): 0.5 * NOISE}
    assert answer(better).best.setting == "source_only: gas"


def test_a_model_without_all_predictions_is_not_recommended():
    found = answer({("a", "target_only"): NOISE, ("b", "auto"): np.where(np.arange(200) == 3, np.nan, 0.0)})
    assert found.best.key == ("a", "target_only") and found.verdict == "unknown"


def test_the_rows_needed_follow_the_power_law():
    """Both curves fall as n^-1/2: twice as good without transfer needs four times the rows."""
    sizes = [20, 45, 100]
    rows = [
        {"target": "y", "setting": setting, "n_target": n, "mae": factor / np.sqrt(n)}
        for n in sizes
        for setting, factor in {"target_only": 2.0, "auto": 1.0}.items()
    ]
    found = answer({("a", "target_only"): NOISE, ("a", "auto"): NOISE})
    text = sentences.needed(pd.DataFrame(rows), found)
    assert "would need about 400 target rows, in place of 100" in text
    assert "To halve the error with transfer, about 300 more target rows are needed" in text
