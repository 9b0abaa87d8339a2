"""On a real Dask cluster, started here: the same results, also when a worker dies."""

import os
import signal
import threading
import time

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
from skxfer.model_selection import TargetKFold, learning_curve_transfer, portability_study

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


class Patient(Ridge):
    """A learner that takes its time."""

    def fit(self, X, y):
        time.sleep(0.05)
        return super().fit(X, y)


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
        {"estimator__C": [1, 10], "source_filter": ["relevance", None]},
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


def test_the_study_survives_the_death_of_a_worker(cluster, problem):
    learners = {"patient": Patient(), "ridge": Ridge()}
    before = {worker.pid for worker in cluster.workers.values()}
    victim = min(before)

    def kill():
        # Once it works on a fit, of which the first takes a second.
        (address,) = [worker.worker_address for worker in cluster.workers.values() if worker.pid == victim]
        state = cluster.scheduler.workers[address]
        while not any("_run_job" in str(task) for task in list(state.processing)):
            time.sleep(0.02)
        time.sleep(0.5)
        os.kill(victim, getattr(signal, "SIGKILL", signal.SIGTERM))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with joblib.parallel_config("dask"):
        results = study(problem, learners, settings=["target_only", "source", "transfer"])
    killer.join(timeout=10)
    assert not killer.is_alive()
    assert {worker.pid for worker in cluster.workers.values()} != before
    assert (results["error"] == "").all()
    assert_same(results, study(problem, learners, settings=["target_only", "source", "transfer"]))


def test_a_learner_that_kills_every_worker_is_recorded_and_the_rest_goes_on(cluster, problem):
    with joblib.parallel_config("dask"):
        results = study(problem, {"dies": Dies(), "ridge": Ridge()}, settings=["target_only"], seeds=1)
    errors = results.set_index("learner")["error"]
    assert errors["dies"].str.startswith("KilledWorker").all()
    assert (errors["ridge"] == "").all()
