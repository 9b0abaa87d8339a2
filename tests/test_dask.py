"""On a real Dask cluster, started here: the same results, also when a worker dies."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains
from skxfer.metrics import masked_scorer
from skxfer.model_selection import TargetKFold, _workers, learning_curve_transfer, portability_study

distributed = pytest.importorskip("dask.distributed", reason="needs skxfer[dask]")


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes of one thread each, on the loopback interface, without a dashboard."""
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    with cluster, distributed.Client(cluster):
        yield cluster


@pytest.fixture(scope="module")
def problem():
    return make_domains(150, 30, 40, 3, 2, random_state=0)


def study(problem, learners=None, **params):
    params = {"source_domains": ["source_0"], "test_domains": ["test"], "seeds": 2} | params
    learners = learners or {"forest": RandomForestRegressor(30), "svr": SVR(), "ridge": Ridge()}
    return portability_study(learners, problem.data, problem.target, problem.domain, **params)


def assert_same(results, expected):
    pd.testing.assert_frame_equal(results.drop(columns="fit_seconds"), expected.drop(columns="fit_seconds"))


class DiesOnce(Ridge):
    """Takes its process with it in the first fit that finds no `marker`."""

    def __init__(self, marker=None):
        super().__init__()
        self.marker = marker

    def fit(self, X, y):
        try:
            os.mkdir(self.marker)
        except FileExistsError:
            return super().fit(X, y)
        os._exit(1)


class Dies(RegressorMixin, BaseEstimator):
    """Takes its process with it."""

    def fit(self, X, y):
        os._exit(1)


def test_the_study_gives_the_same_results(cluster, problem):
    with joblib.parallel_config("dask"):
        results = study(problem)
    assert (results["error"] == "").all()
    assert_same(results, study(problem))


def test_the_learning_curve_gives_the_same_results(cluster, problem):
    arguments = (SVR(), problem.data, problem.target, problem.domain)
    params = {"source_domains": ["source_0"], "test_domains": ["test"], "train_sizes": [10, 30]}
    with joblib.parallel_config("dask"):
        results = learning_curve_transfer(*arguments, **params)
    assert_same(results, learning_curve_transfer(*arguments, **params))


def test_a_grid_search_gives_the_same_results(cluster, problem):
    train = problem.domain != "test"
    X, y, domain = problem.data[train], problem.target[train], problem.domain[train]
    search = GridSearchCV(
        HierarchicalTransfer(SVR(), source_domains=["source_0"], random_state=0),
        {"estimator__C": [1, 10], "source_filter": [0.0, 0.2]},
        cv=TargetKFold(3, source_domains=["source_0"], random_state=0),
        scoring=masked_scorer(),
    )
    scores = []
    for backend in ("dask", "sequential"):
        with joblib.parallel_config(backend):
            search.fit(X, y, groups=domain, sample_domain=domain)
        scores.append(search.cv_results_["split0_test_score"])
        predictions = search.predict(problem.data[~train])
        scores.append(predictions.ravel())
    np.testing.assert_array_equal(scores[0], scores[2])
    np.testing.assert_array_equal(scores[1], scores[3])


def test_the_study_survives_the_death_of_a_worker(cluster, problem, tmp_path):
    marker = tmp_path / "died"
    learners = {"dies once": DiesOnce(str(marker)), "ridge": Ridge()}
    settings = ["target_only", "source_only", "auto"]
    with joblib.parallel_config("dask"):
        results = study(problem, learners, settings=settings)
    assert marker.exists()
    assert (results["error"] == "").all()
    assert_same(results, study(problem, learners, settings=settings))


def test_a_learner_that_kills_every_worker_is_recorded_and_the_rest_goes_on(cluster, problem):
    with joblib.parallel_config("dask"):
        results = study(problem, {"dies": Dies(), "ridge": Ridge()}, settings=["target_only"], seeds=1)
    errors = results.set_index("learner")["error"]
    assert errors["dies"].str.startswith("KilledWorker").all()
    assert (errors["ridge"] == "").all()


@pytest.mark.parametrize("n_workers", [0, 1])
def test_jobs_are_given_up_when_no_worker_comes(n_workers, problem, monkeypatch):
    monkeypatch.setattr(_workers, "NO_WORKER_SECONDS", 3.0)
    workers = []
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        try:
            for _ in range(n_workers):  # as many jobs in a queue are: without a nanny that starts them again
                command = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
                env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
                command += ["--no-nanny", "--no-dashboard", "--nthreads", "1"]
                workers.append(subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL))
            if workers:
                client.wait_for_workers(n_workers, timeout=60)
            results = study(problem, {"dies": Dies(), "ridge": Ridge()}, settings=["target_only"], seeds=1)
            exits = [worker.wait(timeout=60) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
    errors = results.groupby("learner")["error"]
    reason = "NoWorkerError: the Dask cluster had no worker for 3 s"
    assert exits == n_workers * [1]
    assert set(errors.get_group("dies")) == {reason}
    assert set(errors.get_group("ridge")) <= {"", reason}
    assert n_workers or set(errors.get_group("ridge")) == {reason}
