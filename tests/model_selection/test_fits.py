"""Finished fits on disk: a study goes on where it was, and never mixes what does not belong together."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import SVR

from skxfer.datasets import make_domains
from skxfer.model_selection import learning_curve_transfer, portability_study
from skxfer.model_selection._fits import FinishedFits, digest, from_text, to_text


@pytest.fixture(scope="module")
def problem():
    return make_domains(40, 24, 12, 3, random_state=0)


class Counts(Ridge):
    """Leaves a file in `folder` at each fit, and fails while there is a file `fails`."""

    def __init__(self, folder=None, alpha=1.0, seconds=0.0):
        super().__init__(alpha=alpha)
        self.folder = folder
        self.seconds = seconds

    def fit(self, X, y):
        (self.folder / f"fit {time.monotonic_ns()}").touch()
        time.sleep(self.seconds)
        if (self.folder / "fails").exists():
            raise ValueError("it fails")
        return super().fit(X, y)


def n_fits(folder):
    return len(list(folder.glob("fit *")))


def study(problem, learners, **params):
    params = {"source_domains": ["source_0"], "test_domains": ["test"]} | params
    params = {"settings": ["source_only", "target_only", "merge"]} | params
    return portability_study(learners, problem.data, problem.target, problem.domain, **params)


def test_a_study_is_read_back_to_the_last_bit(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    learners = {"svr": SVR(), "counts": Counts(tmp_path)}
    settings = ["source_only", "target_only", "merge", "auto"]
    first = study(problem, learners, settings=settings, path=path)
    n = n_fits(tmp_path)
    again = study(problem, learners, settings=settings, path=path)
    assert n_fits(tmp_path) == n > 0
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_only_new_learners_and_settings_are_fitted(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    study(problem, {"a": Counts(tmp_path)}, path=path)
    assert n_fits(tmp_path) == 3
    both = study(problem, {"a": Counts(tmp_path), "b": Counts(tmp_path, alpha=2.0)}, path=path)
    assert n_fits(tmp_path) == 6
    # The same name with other parameters is another learner.
    other = study(problem, {"a": Counts(tmp_path, alpha=2.0)}, path=path)
    assert n_fits(tmp_path) == 9
    columns = ["setting", "mae"]
    np.testing.assert_array_equal(
        other[columns], both.loc[both["learner"] == "b", columns].reset_index(drop=True)
    )


def test_a_learning_curve_and_a_study_share_their_fits(problem, tmp_path):
    path, roles = tmp_path / "fits.jsonl", {"source_domains": ["source_0"], "test_domains": ["test"]}
    table = problem.data, problem.target, problem.domain
    learner = {"counts": Counts(tmp_path)}
    portability_study(learner, *table, **roles, settings=["target_only"], path=path)
    before = n_fits(tmp_path)
    study_once = learning_curve_transfer(Counts(tmp_path), *table, **roles, train_sizes=[12, 24], path=path)
    n = n_fits(tmp_path) - before
    again = learning_curve_transfer(Counts(tmp_path), *table, **roles, train_sizes=[12, 24], path=path)
    assert n_fits(tmp_path) == before + n
    pd.testing.assert_frame_equal(study_once, again, check_exact=True)


def test_what_failed_is_tried_again(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    (tmp_path / "fails").touch()
    failed = study(problem, {"a": Counts(tmp_path)}, path=path)
    assert set(failed["error"]) == {"ValueError: it fails"}
    (tmp_path / "fails").unlink()
    assert set(study(problem, {"a": Counts(tmp_path)}, path=path)["error"]) == {""}


def test_what_was_too_slow_is_tried_again_with_another_limit_only(problem, tmp_path):
    params = {"path": tmp_path / "fits.jsonl", "settings": ["target_only"]}
    learners = {"slow": Counts(tmp_path, seconds=4.0)}
    tries = [0]
    for limit in (1.0, 1.0, 60.0):
        results = study(problem, learners, fit_timeout=limit, **params)
        tries.append(n_fits(tmp_path))
        assert (results["error"].item() == "") == (limit > 4)
    assert 0 < tries[1] == tries[2] < tries[3]


def test_half_a_line_is_dropped(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    whole = study(problem, {"a": Counts(tmp_path)}, path=path)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    results = study(problem, {"a": Counts(tmp_path)}, path=path)
    assert n_fits(tmp_path) == 3 + 1
    pd.testing.assert_frame_equal(
        results.drop(columns="fit_seconds"), whole.drop(columns="fit_seconds"), check_exact=True
    )
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())


def test_a_line_that_a_full_disk_spoilt_costs_one_fit(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    study(problem, {"a": Counts(tmp_path)}, path=path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"job": "ab\n', *lines[3:]]))
    study(problem, {"a": Counts(tmp_path)}, path=path)
    assert n_fits(tmp_path) == 3 + 1


def test_fits_of_other_data_are_refused_or_dropped(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    study(problem, {"a": Counts(tmp_path)}, path=path)
    other = make_domains(40, 24, 12, 3, random_state=1)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="fits of other data or roles: start afresh"):
        study(other, {"a": Counts(tmp_path)}, path=path)
    with pytest.raises(ValueError, match="fits of other data or roles"):
        study(problem, {"a": Counts(tmp_path)}, path=path, target_names=["z"])
    assert path.read_bytes() == before
    fresh = study(other, {"a": Counts(tmp_path)}, path=path, resume=False)
    expected = study(other, {"a": Counts(tmp_path)})
    pd.testing.assert_frame_equal(fresh.drop(columns="fit_seconds"), expected.drop(columns="fit_seconds"))
    assert len(path.read_bytes()) < 2 * len(before)


def test_fits_of_another_version_are_refused(problem, tmp_path):
    path = tmp_path / "fits.jsonl"
    study(problem, {"a": Counts(tmp_path)}, path=path)
    head, *lines = path.read_text().splitlines(keepends=True)
    path.write_text(json.dumps(json.loads(head) | {"code": "0"}) + "\n" + "".join(lines))
    with pytest.raises(ValueError, match="another version of skxfer or its packages"):
        study(problem, {"a": Counts(tmp_path)}, path=path)


def test_a_file_that_holds_something_else_is_kept(problem, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="mine.csv is not a file of finished fits"):
        study(problem, {"a": Counts(tmp_path)}, path=path)
    assert path.read_text() == "a,b\n1,2\n"


@pytest.mark.skipif(os.name == "nt", reason="there are no locks of this kind")
def test_two_studies_do_not_write_to_one_file(problem, tmp_path):
    class Table:
        def digest(self):
            return ""

    first = FinishedFits(tmp_path / "fits.jsonl", Table(), True)
    with pytest.raises(ValueError, match="Another study is writing to .*fits.jsonl"):
        FinishedFits(tmp_path / "fits.jsonl", Table(), True)
    first.close()
    FinishedFits(tmp_path / "fits.jsonl", Table(), True).close()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.assign(a=t["a"] + 1e-15),
        lambda t: t.rename(columns={"a": "c"}),
        lambda t: t[["b", "a"]],
        lambda t: t.iloc[::-1],
        lambda t: t.astype({"a": str}),
        lambda t: t.assign(b=t["b"].where(t.index > 0)),
    ],
)
def test_the_digest_of_a_table_tells_any_change(change):
    table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert digest(table) == digest(table.copy()) != digest(change(table))


def test_the_digest_does_not_depend_on_the_layout_in_memory():
    array = np.arange(6.0).reshape(2, 3)
    assert digest(array) == digest(np.asfortranarray(array)) != digest(array.reshape(3, 2))


def test_floats_are_kept_to_the_last_bit():
    values = np.array([[0.1, -0.0], [np.nan, np.inf], [5e-324, 1 / 3]])
    back = from_text(json.loads(json.dumps(to_text(values))))
    np.testing.assert_array_equal(back.view(np.int64), values.view(np.int64))


def test_a_budget_ends_the_study_and_more_of_it_goes_on(problem, tmp_path):
    learners = {"quick": Ridge(), "slow": Counts(tmp_path, seconds=30.0)}
    start = time.monotonic()
    results = study(problem, learners, path=tmp_path / "fits.jsonl", time_budget=10.0, n_jobs=2)
    assert time.monotonic() - start < 25
    errors = results.groupby("learner")["error"]
    spent = "not run: the time budget was spent"
    assert set(errors.get_group("slow")) == {spent}
    finished = (errors.get_group("quick") == "").sum()
    assert finished >= 2 and set(errors.get_group("quick")) <= {"", spent}
    lines = (tmp_path / "fits.jsonl").read_text().splitlines()
    assert [json.loads(line)["learner"] for line in lines[1:]] == finished * ["quick"]


STUDY = """
import sys
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.svm import SVR
from skxfer.datasets import make_domains
from skxfer.model_selection import portability_study

p = make_domains(60, 24, 12, 3, random_state=0)
learners = {"forest": RandomForestRegressor(20, random_state=0), "svr": SVR(), "ridge": Ridge()}
results = portability_study(
    learners, p.data, p.target, p.domain, source_domains=["source_0"], test_domains=["test"], seeds=2,
    path=sys.argv[1], n_jobs=int(sys.argv[2]),
)
results.drop(columns="fit_seconds").to_json(sys.argv[3], double_precision=15)
"""
N_KILLS = int(os.environ.get("SKXFER_KILLS", 2))


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_study_that_is_killed_at_random_moments_ends_with_the_same_table(n_jobs, tmp_path):
    def start(path, table):
        command = [sys.executable, "-c", STUDY, str(path), str(n_jobs), str(table)]
        return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)

    begin = time.monotonic()
    assert start(tmp_path / "whole.jsonl", tmp_path / "whole.json").wait(timeout=100) == 0
    whole, rng = time.monotonic() - begin, np.random.default_rng(n_jobs)
    path, finished = tmp_path / "fits.jsonl", []
    for _ in range(N_KILLS):
        process = start(path, tmp_path / "none.json")
        time.sleep(whole * rng.uniform(0.3, 0.8))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        finished.append(path.read_bytes().count(b"\n") if path.exists() else 0)
    assert finished == sorted(finished)  # nothing is lost
    assert start(path, tmp_path / "killed.json").wait(timeout=100) == 0
    assert (tmp_path / "killed.json").read_text() == (tmp_path / "whole.json").read_text()
