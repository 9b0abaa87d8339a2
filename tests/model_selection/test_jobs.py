"""How the jobs of a study are run: past fits that end their process, exit, or swallow Ctrl-C."""

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from joblib.externals.loky import get_reusable_executor
from sklearn.linear_model import Ridge
from sklearn.svm import SVR

from skxfer.datasets import make_domains
from skxfer.model_selection import portability_study, y_scrambling
from skxfer.model_selection._jobs import CtrlC
from skxfer.model_selection._workers import MAX_DEATHS

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@pytest.fixture(scope="module")
def problem():
    return make_domains(40, 24, 1, 3, random_state=0)


def study(problem, learners, **params):
    """Target rows alone: a fit, and a row, for each learner, fold and seed."""
    rows = problem.domain != "test"
    params = {"source_domains": ["source_0"], "settings": ["target_only"], "cv": 4} | params
    return portability_study(
        learners, problem.data[rows], problem.target[rows], problem.domain[rows], **params
    )


class Exits(Ridge):
    def fit(self, X, y):
        raise SystemExit(3)


class Dies(Ridge):
    """Leaves a file in `folder` and takes its process with it."""

    def __init__(self, folder=None):
        super().__init__()
        self.folder = folder

    def fit(self, X, y):
        with open(os.path.join(self.folder, f"{os.getpid()} {time.monotonic_ns()}"), "w"):
            os._exit(1)


class PressesCtrlC(Ridge):
    """Sends SIGINT to the process of the study, or to its own."""

    def __init__(self, pid=None, swallow=False, seconds=0.0):
        super().__init__()
        self.pid = pid
        self.swallow = swallow
        self.seconds = seconds

    def fit(self, X, y):
        try:
            os.kill(self.pid or os.getpid(), signal.SIGINT)
            time.sleep(self.seconds)
        except KeyboardInterrupt:
            if not self.swallow:
                raise
        return super().fit(X, y)


class Locked(Ridge):
    """Cannot be sent to a process."""

    def __getstate__(self):
        raise TypeError("there is a lock in it")


# failures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exit_of_the_interpreter_is_recorded(problem, n_jobs):
    errors = study(problem, {"exits": Exits(), "ridge": Ridge()}, n_jobs=n_jobs).groupby("learner")["error"]
    assert set(errors.get_group("exits")) == {"SystemExit: 3"}
    assert set(errors.get_group("ridge")) == {""}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exit_of_the_interpreter_is_an_error_of_y_scrambling(problem, n_jobs):
    with pytest.raises(RuntimeError, match=r"true labels, fold [01]: the estimator called sys.exit\(3\)"):
        y_scrambling(Exits(), problem.data, problem.target, n_jobs=n_jobs)


def test_a_learner_that_kills_its_workers_is_not_tried_without_end(problem, tmp_path):
    """Each try costs a new pool of processes."""
    learners = {"dies": Dies(str(tmp_path)), "ridge": Ridge()}
    results = study(problem, learners, cv=5, seeds=4, n_jobs=2)
    errors = results.groupby("learner")["error"]
    dies = errors.get_group("dies")
    assert len(dies) == 20
    assert dies.str.match("TerminatedWorkerError|BrokenProcessPool").sum() == MAX_DEATHS
    assert dies.str.startswith(f"not run: {MAX_DEATHS} jobs like it failed before").sum() == 20 - MAX_DEATHS
    assert set(errors.get_group("ridge")) == {""}
    # Each that dies alone, and before that one or two in the pool where they ran together.
    assert len(list(tmp_path.iterdir())) <= 2 * MAX_DEATHS + 2


def test_a_learner_that_cannot_be_sent_to_a_process_is_recorded(problem):
    errors = study(problem, {"locked": Locked(), "ridge": Ridge()}, n_jobs=2).groupby("learner")["error"]
    assert errors.get_group("locked").str.contains("Could not pickle|not run").all()
    assert set(errors.get_group("ridge")) == {""}


class Hangs(Ridge):
    """Waits in C, where no exception reaches it, if it has this many rows."""

    def __init__(self, n_rows=None):
        super().__init__()
        self.n_rows = n_rows

    def fit(self, X, y):
        if len(X) == self.n_rows:
            if hasattr(signal, "pthread_sigmask"):
                signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
            time.sleep(100.0)
        return super().fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_fit_that_takes_too_long_is_ended_and_recorded(problem, n_jobs):
    """Of 21 rows in four folds, one trains on 15 and three on 16."""
    keep = np.flatnonzero(problem.domain != "test")[:-3]
    arguments = (
        {"Ridge": Ridge(), "Hangs": Hangs(15)},
        *(values[keep] for values in (problem.data, problem.target, problem.domain)),
    )
    params = {"source_domains": ["source_0"], "settings": ["target_only"], "cv": 4}
    results = portability_study(*arguments, **params, n_jobs=n_jobs, fit_timeout=3.0)
    assert len(results) == 8
    late = (results["learner"] == "Hangs") & (results["n_train"] == 15)
    assert set(results["error"][late]) == {"TimeoutError: the fit took longer than 3 s"}
    assert set(results["error"][~late]) == {""}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_time_limit_that_is_kept_changes_nothing(problem, n_jobs):
    one, two = (
        study(problem, {"svr": SVR()}, n_jobs=n_jobs, fit_timeout=seconds).drop(columns="fit_seconds")
        for seconds in (None, 60.0)
    )
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_time_limit_that_cannot_be_kept_is_refused(problem):
    with pytest.raises(ValueError, match="fit_timeout must be a number of seconds above 0 or None, got 0"):
        study(problem, {"ridge": Ridge()}, fit_timeout=0)
    with (
        parallel_config("threading"),
        pytest.raises(ValueError, match="fit_timeout needs joblib's default backend, .*ThreadingBackend"),
    ):
        study(problem, {"ridge": Ridge()}, fit_timeout=1.0)


# Ctrl-C -----------------------------------------------------------------------------------------------


@posix
def test_a_fit_that_swallowed_ctrl_c_is_not_finished(problem):
    results = study(problem, {"ridge": Ridge(), "swallows": PressesCtrlC(swallow=True, seconds=5.0)})
    assert results.attrs["interrupted"]
    assert list(results["learner"]) == 4 * ["ridge"]


@posix
def test_workers_leave_ctrl_c_to_the_process_of_the_study(problem):
    results = study(problem, {"presses": PressesCtrlC(), "ridge": Ridge()}, n_jobs=2)
    assert not results.attrs["interrupted"] and set(results["error"]) == {""}


class TellsWhetherCtrlCIsBlocked(Ridge):
    def fit(self, X, y):
        raise RuntimeError(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))


@posix
def test_workers_are_safe_from_ctrl_c_from_their_first_moment(problem):
    """While they import modules they would die of it, with a traceback on the terminal."""
    get_reusable_executor().shutdown(wait=True)
    results = study(problem, {"tells": TellsWhetherCtrlCIsBlocked()}, n_jobs=2)
    assert set(results["error"]) == {"RuntimeError: True"}


@posix
def test_ctrl_c_ends_a_study_in_processes(problem):
    learners = {"ridge": Ridge(), "waits": PressesCtrlC(os.getpid(), seconds=100.0)}
    start = time.monotonic()
    results = study(problem, learners, n_jobs=2)
    assert results.attrs["interrupted"] and set(results["learner"]) <= {"ridge"}
    assert time.monotonic() - start < 90


@posix
def test_ctrl_c_waits_until_an_outcome_is_stored():
    stored = []
    with CtrlC() as ctrl_c:
        with pytest.raises(KeyboardInterrupt), ctrl_c.held():
            with ctrl_c.held():
                os.kill(os.getpid(), signal.SIGINT)
                stored.append(1)
            stored.append(2)
        assert ctrl_c.struck
    assert stored == [1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_results_do_not_depend_on_the_number_of_processes(problem):
    one, two = (study(problem, {"svr": SVR()}, n_jobs=n).drop(columns="fit_seconds") for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
