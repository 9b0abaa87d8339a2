"""What the study reports, against the same fits by hand; and that nothing finished is lost."""

import importlib.util
import os
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains
from skxfer.learners import LEARNERS, default_learners
from skxfer.metrics import transfer_gain
from skxfer.model_selection import (
    LeaveOneTargetDomainOut,
    LeaveTargetClusterOut,
    TargetKFold,
    portability_study,
)
from skxfer.model_selection._portability import COLUMNS


@pytest.fixture(scope="module")
def table():
    """Two sources of 60 rows, 24 target rows in three solvents, 20 test rows; two targets."""
    problem = make_domains(60, 24, 20, 3, 2, n_sources=2, random_state=0)
    domain = problem.domain.astype("U10")
    domain[domain == "target"] = np.tile(["hexane", "ether", "ethanol"], 8)
    return problem.data, problem.target, domain


SOURCES = ["source_0", "source_1"]


def study(table, learners=None, **params):
    params = {"source_domains": SOURCES, "test_domains": ["test"]} | params
    return portability_study(learners or {"ridge": Ridge()}, *table, **params)


def without_times(results):
    return results.drop(columns="fit_seconds")


class Remembers(RegressorMixin, BaseEstimator):
    """Predicts 1 for a row that it was fitted on, 0 for any other."""

    def fit(self, X, y):
        self.seen_ = set(X[:, 0])
        return self

    def predict(self, X):
        return np.array([float(value in self.seen_) for value in X[:, 0]])


class Fails(Ridge):
    """Fails where it is given many rows: on sources and on merged data, not on the target."""

    def fit(self, X, y):
        if len(X) > 30:
            raise RuntimeError("out of\n   luck")
        return super().fit(X, y)


class Interrupts(Ridge):
    """Presses Ctrl-C at its first fit."""

    def fit(self, X, y):
        raise KeyboardInterrupt


class Dies(Ridge):
    """Takes its process with it."""

    def fit(self, X, y):
        os._exit(1)


# the numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting, trained_on",
    [
        ("source_only: source_0", ["source_0"]),
        ("source_only: source_1", ["source_1"]),
        ("target_only", ["hexane", "ether", "ethanol"]),
        ("merge", ["source_0", "source_1", "hexane", "ether", "ethanol"]),
    ],
)
def test_errors_are_those_of_the_learner_fitted_on_these_domains(table, setting, trained_on):
    X, y, domain = table
    train, test = np.isin(domain, trained_on), domain == "test"
    prediction = Ridge().fit(X[train], y[train]).predict(X[test])
    rows = study(table).query("setting == @setting")
    assert list(rows["target"]) == ["y0", "y1"]
    assert (rows["n_train"] == train.sum()).all() and (rows["n_test"] == 20).all()
    for score, column in ((mean_absolute_error, "mae"), (root_mean_squared_error, "rmse"), (r2_score, "r2")):
        expected = score(y[test], prediction, multioutput="raw_values")
        np.testing.assert_allclose(rows[column], expected, rtol=1e-12)
    expected = [f"source_only: {name}" for name in SOURCES] + ["target_only", "merge", "auto"]
    assert list(study(table)["setting"].unique()) == expected


def test_transfer_is_the_guarded_meta_estimator_with_the_seed_of_the_run(table):
    X, y, domain = table
    train = domain != "test"
    model = HierarchicalTransfer(Ridge(), source_domains=SOURCES, random_state=7)
    model.fit(X[train], y[train], sample_domain=domain[train])
    error = np.abs(model.predict(X[~train]) - y[~train]).mean(axis=0)
    rows = study(table, seeds=[7]).query("setting == 'auto'")
    np.testing.assert_allclose(rows["mae"], error, rtol=1e-12)
    np.testing.assert_allclose(rows["transfer_gain"], model.transfer_gain_, rtol=1e-12)
    assert list(rows["strategy"]) == model.strategy_


def test_gain_is_over_target_only_and_its_standard_error_agrees_with_the_bootstrap():
    problem = make_domains(60, 24, 400, 3, random_state=0)
    X, y, domain = problem.data, problem.target, problem.domain
    test = domain == "test"
    alone, merged = (
        KNeighborsRegressor().fit(X[rows], y[rows]).predict(X[test]) for rows in (domain == "target", ~test)
    )
    results = study((X, y, domain), {"knn": KNeighborsRegressor()}, source_domains=["source_0"])
    row = results.set_index("setting").loc["merge"]
    assert row["gain"] == pytest.approx(transfer_gain(y[test], merged, alone))
    rng = np.random.default_rng(0)
    draws = rng.integers(test.sum(), size=(2000, test.sum()))
    gains = [transfer_gain(y[test][d], merged[d], alone[d]) for d in draws]
    assert row["gain_se"] == pytest.approx(np.std(gains), rel=0.1)
    assert results.set_index("setting").loc["target_only", "gain"] == 0


def test_missing_labels_count_neither_in_training_nor_in_testing(table):
    X, y, domain = table
    y = y.copy()
    y[::3, 0] = np.nan
    train, test = np.isin(domain, ["hexane", "ether", "ethanol"]), domain == "test"
    known = ~np.isnan(y[:, 0])
    model = Ridge().fit(X[train & known], y[train & known, 0])
    row = study((X, y, domain)).query("setting == 'target_only' and target == 'y0'").iloc[0]
    expected = mean_absolute_error(y[test & known, 0], model.predict(X[test & known]))
    assert row["mae"] == pytest.approx(expected)
    assert (row["n_train"], row["n_test"]) == ((train & known).sum(), (test & known).sum())


def test_a_featurizer_is_fitted_with_the_learner_on_its_training_rows(table):
    X, y, domain = table
    train = domain == "source_0"
    model = make_pipeline(StandardScaler(), KNeighborsRegressor()).fit(X[train], y[train])
    expected = np.abs(model.predict(X[domain == "test"]) - y[domain == "test"]).mean(axis=0)
    results = study(
        table, {"knn": KNeighborsRegressor()}, featurizer=StandardScaler(), settings=["source_only"]
    )
    results = results[results["setting"] == "source_only: source_0"]
    np.testing.assert_allclose(results["mae"], expected)
    assert set(results["inputs"]) == {""}


def test_frames_give_the_same_numbers_and_name_the_targets(table):
    X, y, domain = table
    frames = (
        pd.DataFrame(X, columns=["a", "b", "c"]),
        pd.DataFrame(y, columns=["Eads", "Eb"]),
        pd.Series(domain, index=range(5, 5 + len(domain))),
    )
    named = study(frames)
    assert list(named["target"].unique()) == ["Eads", "Eb"]
    plain = study(table, target_names=["Eads", "Eb"])
    pd.testing.assert_frame_equal(without_times(named), without_times(plain))


def test_a_single_target_may_come_as_one_column(table):
    X, y, domain = table
    results = study((X, y[:, 0], domain))
    assert list(results["target"].unique()) == ["y"]
    both = study(table).query("target == 'y0' and setting != 'auto'")
    np.testing.assert_allclose(results.query("setting != 'auto'")["mae"], both["mae"])


# what is tested, and what is trained on -------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 3, LeaveTargetClusterOut(3, source_domains=SOURCES, random_state=0)])
@pytest.mark.parametrize("test_domains", [None, ["hexane", "test"]])
def test_no_fit_sees_a_test_row(table, cv, test_domains):
    X, y, domain = table
    if test_domains and cv is not None:
        pytest.skip("either folds or test domains")
    X = np.column_stack([np.arange(len(X)), X])
    # Whatever combines predictions of 0 for labels of 0 gives 0; a remembered row would give 1.
    learners = {"remembers": Remembers()}
    results = study((X, 0 * y, domain), learners, test_domains=test_domains, cv=cv)
    assert (results["error"] == "").all()
    assert (results["mae"] == 0).all()


def test_without_test_domains_each_target_domain_is_left_out_in_turn(table):
    X, y, domain = table
    rows = study(table, test_domains=None).query("setting == 'target_only' and target == 'y0'")
    assert list(rows["test_domain"]) == ["ethanol", "ether", "hexane", "test"]
    for row in rows.itertuples():
        train = ~np.isin(domain, [*SOURCES, row.test_domain])
        test = domain == row.test_domain
        prediction = Ridge().fit(X[train], y[train]).predict(X[test])
        assert row.mae == pytest.approx(np.abs(prediction - y[test])[:, 0].mean())


def test_one_target_domain_is_split_into_folds_that_depend_on_the_seed(table):
    X, y, domain = table
    keep = np.isin(domain, ["source_0", "test"])
    results = portability_study(
        {"ridge": Ridge()}, X[keep], y[keep], domain[keep], source_domains=["source_0"], seeds=2
    )
    alone = results.query("setting == 'target_only' and target == 'y0'").set_index(["seed", "fold"])["mae"]
    cv = TargetKFold(5, source_domains=["source_0"], random_state=1)
    folds = cv.split(X[keep], groups=domain[keep])
    for fold, (train, test) in enumerate(folds):
        train = train[domain[keep][train] == "test"]
        prediction = Ridge().fit(X[keep][train], y[keep][train]).predict(X[keep][test])
        assert alone[1, fold] == pytest.approx(np.abs(prediction - y[keep][test])[:, 0].mean())
    assert not np.allclose(alone[0], alone[1])


@pytest.mark.parametrize(
    "cv, use",
    [
        (TargetKFold(3, source_domains=SOURCES), "similar"),
        (3, "similar"),
        (LeaveTargetClusterOut(3, source_domains=SOURCES), "new_inputs"),
        (LeaveOneTargetDomainOut(source_domains=SOURCES), "new_domains"),
        (None, "new_domains"),
    ],
)
def test_the_guard_judges_on_folds_like_those_of_the_study(table, cv, use, monkeypatch):
    seen = []
    fit = HierarchicalTransfer.fit

    def spy(self, *args, **kwargs):
        seen.append(self.predict_on)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(HierarchicalTransfer, "fit", spy)
    study(table, test_domains=None, cv=cv, settings=["auto"])
    assert set(seen) == {use}


def test_a_given_meta_estimator_is_used_with_its_own_settings(table):
    given = HierarchicalTransfer(strategy="merge", guard=False, predict_on="similar")
    results = study(table, transfer=given, settings=["merge", "auto"])
    merged, transfer = (results.query("setting == @name")["mae"] for name in ("merge", "auto"))
    np.testing.assert_allclose(merged, transfer)
    assert given.estimator is None


# fits -------------------------------------------------------------------------------------------------


def test_no_fit_is_done_twice(table, monkeypatch):
    fits = []
    fit = LinearRegression.fit

    def count(self, X, y, **kwargs):
        fits.append(len(X))
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(LinearRegression, "fit", count)
    arguments = {"test_domains": None, "seeds": 3, "settings": ["source_only", "target_only"]}
    results = study(table, {"linear": LinearRegression()}, **arguments)
    # Four folds, three seeds: one fit per source and, without a seed in the learner, one per fold.
    assert sorted(fits) == sorted([60, 60] + [44 - 8] * 3 + [44 - 20])
    assert len(results) == 3 * 4 * 3 * 2  # settings, folds, seeds, targets


def test_a_learner_with_a_seed_is_fitted_for_each_seed(table):
    results = study(table, {"tree": DecisionTreeRegressor(max_features=1)}, seeds=3, settings=["target_only"])
    assert results.query("target == 'y0'")["mae"].nunique() == 3
    again = study(table, {"tree": DecisionTreeRegressor(max_features=1)}, seeds=3, settings=["target_only"])
    pd.testing.assert_frame_equal(without_times(results), without_times(again))


def test_the_result_does_not_depend_on_the_number_of_jobs(table):
    learners = {"tree": DecisionTreeRegressor(), "ridge": Ridge(), "knn": KNeighborsRegressor()}
    one, two = (study(table, learners, seeds=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(without_times(one), without_times(two))
    assert list(one.columns) == list(COLUMNS)
    assert list(one["learner"].unique()) == list(learners)


def test_metadata_routing_makes_no_difference(table):
    off = study(table)
    with sklearn.config_context(enable_metadata_routing=True):
        pd.testing.assert_frame_equal(without_times(off), without_times(study(table)))
        pd.testing.assert_frame_equal(without_times(off), without_times(study(table, n_jobs=2)))


def test_inputs_are_not_changed(table):
    X, y, domain = (values.copy() for values in table)
    learner = Ridge()
    study((X, y, domain), {"ridge": learner})
    for before, after in zip(table, (X, y, domain), strict=True):
        np.testing.assert_array_equal(before, after)
    assert not hasattr(learner, "coef_")


# nothing lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_learner_that_raises_is_recorded_and_the_rest_goes_on(table, n_jobs):
    results = study(table, {"fails": Fails(), "ridge": Ridge()}, n_jobs=n_jobs)
    failed = results[results["error"] != ""]
    assert set(failed["learner"]) == {"fails"}
    assert set(failed["setting"]) == {"source_only: source_0", "source_only: source_1", "merge"}
    assert (failed["error"] == "RuntimeError: out of luck").all()
    # Strategies that fail leave the choice to those that do not.
    assert results.query("learner == 'fails' and setting == 'auto'")["mae"].notna().all()
    assert failed[["mae", "rmse", "r2", "gain"]].isna().all(axis=None)
    alone = results.query("setting == 'target_only'")
    assert alone["mae"].notna().all() and (alone["error"] == "").all()


def test_ctrl_c_returns_the_finished_rows(table):
    results = study(
        table, {"ridge": Ridge(), "interrupts": Interrupts()}, settings=["target_only", "source_only"]
    )
    assert results.attrs["interrupted"]
    assert set(results["learner"]) == {"ridge"}
    assert (results["setting"] == "target_only").all() and results["mae"].notna().all()
    assert not study(table).attrs["interrupted"]


def test_ctrl_c_before_the_first_fit_returns_an_empty_table(table):
    results = study(table, {"interrupts": Interrupts()})
    assert results.attrs["interrupted"] and results.empty
    assert list(results.columns) == list(COLUMNS)


def test_a_learner_that_kills_its_process_takes_no_other_with_it(table):
    results = study(table, {"dies": Dies(), "ridge": Ridge()}, settings=["target_only", "merge"], n_jobs=2)
    dead = results[results["learner"] == "dies"]
    assert len(dead) == 4 and dead["error"].str.startswith("TerminatedWorkerError").all()
    assert results[results["learner"] == "ridge"]["mae"].notna().all()


def test_a_target_without_labels_in_a_domain_is_said_not_scored(table):
    X, y, domain = table
    y = y.copy()
    y[domain == "source_0", 0] = np.nan
    y[domain == "test", 1] = np.nan
    results = study((X, y, domain)).set_index(["setting", "target"])["error"]
    assert results["source_only: source_0", "y0"] == "no training row has a label of this target"
    assert results["target_only", "y1"] == "no test row has a label of this target"
    assert results["target_only", "y0"] == results["source_only: source_1", "y0"] == ""


def test_too_few_target_rows_for_the_guard_are_recorded_in_the_rows_of_transfer(table):
    X, y, domain = table
    keep = ~np.isin(domain, ["hexane", "ether", "ethanol"])
    keep[np.flatnonzero(domain == "ether")[:1]] = True
    results = study((X[keep], y[keep], domain[keep]))
    transfer = results["setting"] == "auto"
    assert results[transfer]["error"].str.startswith("ValueError").all()
    assert results[~transfer]["mae"].notna().all()


# errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"settings": ["frozen"]}, "no setting 'frozen'; choose from source_only, target_only"),
        ({"learners": ["rff"]}, "no learner 'rff'.*Did you mean 'rf'"),
        ({"learners": [Ridge()]}, "dict of name to regressor"),
        ({"learners": {}}, "estimators is empty"),
        ({"source_domains": ["vacuum"]}, "No row has the source domain 'vacuum'"),
        ({"source_domains": []}, "name the domains to transfer from"),
        ({"test_domains": ["source_0"]}, "'source_0' is a source too"),
        ({"test_domains": ["benzene"]}, "No row has the test domain 'benzene'"),
        ({"test_domains": ["hexane", "ether", "ethanol", "test"]}, "No target row is left for training"),
        ({"cv": 3}, "either test_domains or cv"),
        ({"cv": KFold(3), "test_domains": None}, "cv must test target rows only"),
        ({"cv": 60, "test_domains": None}, "60 folds need as many target rows, there are 44"),
        ({"seeds": 0}, "seeds must be"),
        ({"seeds": [1, 1]}, "seeds must be"),
        ({"target_names": ["Eads"]}, "1 target_names for 2 targets"),
    ],
)
def test_wrong_arguments_are_named(table, params, message):
    learners = params.pop("learners", {"ridge": Ridge()})
    settings = {"source_domains": SOURCES, "test_domains": ["test"]} | params
    with pytest.raises((ValueError, TypeError), match=message):
        portability_study(learners, *table, **settings)


# default learners -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", LEARNERS)
def test_each_default_learner_beats_the_mean_and_repeats_itself(name):
    if name == "xgb":
        pytest.importorskip("xgboost")
    problem = make_domains(1, 120, 60, 3, 2, random_state=0)
    train, test = problem.domain == "target", problem.domain == "test"
    prediction = [
        default_learners([name], random_state=0)[name]
        .fit(problem.data[train], problem.target[train][:, 0])
        .predict(problem.data[test])
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*prediction)
    truth = problem.target[test][:, 0]
    mean_error = np.abs(truth - problem.target[train][:, 0].mean()).mean()
    assert np.abs(prediction[0] - truth).mean() < 0.85 * mean_error


def test_a_missing_package_is_recorded_with_what_to_install(table, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "xgboost" else find(name))
    results = study(table, ["xgb", "knn"], settings=["target_only"])
    errors = results.groupby("learner")["error"].first()
    assert errors["xgb"].startswith("ImportError: xgb needs xgboost: pip install 'skxfer[xgboost]'")
    assert errors["knn"] == ""


def test_only_the_networks_word_about_max_iter_is_hidden(table):
    class Warns(Ridge):
        def fit(self, X, y):
            warnings.warn("look here", ConvergenceWarning, stacklevel=1)
            return super().fit(X, y)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        results = study(table, ["mlp"], settings=["target_only", "auto"])
    assert (results["error"] == "").all()
    with pytest.warns(ConvergenceWarning, match="look here"):
        study(table, {"warns": Warns()}, settings=["target_only"])
