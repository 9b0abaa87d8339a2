"""No target row has a label: what works, and how it is chosen."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, load, save

SOURCES = ["a", "b", "c"]
pytestmark = pytest.mark.filterwarnings("ignore:None of the")


def problem(units=False, n_target=40, seed=0):
    """Three sources and a target with one function; with `units`, each domain has units of its own for x."""
    rng = np.random.default_rng(seed)
    domain = np.repeat([*SOURCES, "target"], [80, 80, 80, n_target])
    U = rng.normal(size=(len(domain), 3))
    y = np.sin(2 * U[:, 0]) + U[:, 1] * U[:, 2]
    X = U.copy()
    if units:
        for k, name in enumerate([*SOURCES, "target"]):
            X[domain == name] = U[domain == name] * [3.0**k, 2.0**-k, 1] + [5 * k, -4 * k, 0]
    hidden = np.where(domain == "target", np.nan, y)
    return X, hidden, domain, domain == "target", y


def model(strategy="auto", learner=None, **params):
    params = {"source_domains": SOURCES, "random_state": 0} | params
    return HierarchicalTransfer(
        KNeighborsRegressor(4) if learner is None else learner, strategy=strategy, **params
    )


def test_strategies_without_labels_compete_and_the_others_say_why():
    X, y, domain, _, _ = problem()
    found = model().fit(X, y, sample_domain=domain)
    assert found.strategies_ == ["source_only", "merge", "merge_weighted"]
    assert "like means and deviations" in found.skipped_["aligned"]
    for name in ("target_only", "merge_relevant", "merge_indicator", "frozen_experts"):
        assert found.skipped_[name] == "it needs labels of target rows, and there are none"
    assert np.isnan(found.transfer_gain_).all()
    assert "sources were left out in turn" in found.reason_


def test_there_is_a_warning_that_nothing_could_check_it():
    X, y, domain, _, _ = problem()
    with pytest.warns(UserWarning, match="None of the 40 target rows has a label.*each of 3 sources in turn"):
        model().fit(X, y, sample_domain=domain)


def test_alignment_is_chosen_where_every_domain_has_its_own_units():
    X, y, domain, target, true = problem(units=True)
    learner = make_pipeline(StandardScaler(), SVR(C=10))
    found = model(learner=learner).fit(X, y, sample_domain=domain)
    assert found.strategy_ == ["aligned"]
    error = np.abs(found.predict(X[target]) - true[target]).mean()
    assert error < 0.5 * np.abs(true[target] - true[target].mean()).mean()


def test_merging_is_better_than_single_sources_where_all_agree():
    X, y, domain, target, true = problem()
    found = model(combine="best").fit(X, y, sample_domain=domain)
    table = dict(zip(found.cv_results_["strategy"], found.cv_results_["mae"], strict=True))
    assert table["merge"] < table["source_only"]
    assert found.strategy_ != ["source_only"]
    alone = model("source_only").fit(X, y, sample_domain=domain)
    errors = [np.abs(m.predict(X[target]) - true[target]).mean() for m in (found, alone)]
    assert errors[0] < errors[1]


def test_errors_are_those_of_a_loop_over_sources():
    X, y, domain, _, _ = problem()
    found = model(["source_only", "merge"], Ridge()).fit(X, y, sample_domain=domain)
    mae = []
    for name in SOURCES:
        held, others = domain == name, [other for other in SOURCES if other != name]
        rest = np.isin(domain, others)
        merged = Ridge().fit(X[rest], y[rest]).predict(X[held])
        single = np.mean(
            [Ridge().fit(X[domain == other], y[domain == other]).predict(X[held]) for other in others], axis=0
        )
        mae.append([np.abs(single - y[held]).mean(), np.abs(merged - y[held]).mean()])
    np.testing.assert_allclose(found.cv_results_["mae"], np.mean(mae, axis=0))


def test_source_only_is_the_mean_of_the_sources():
    X, y, domain, target, _ = problem()
    found = model("source_only", Ridge()).fit(X, y, sample_domain=domain)
    single = [Ridge().fit(X[domain == name], y[domain == name]).predict(X[target]) for name in SOURCES]
    np.testing.assert_allclose(found.predict(X[target]), np.mean(single, axis=0))


def test_merge_is_the_learner_on_all_sources():
    X, y, domain, target, _ = problem()
    found = model("merge", Ridge()).fit(X, y, sample_domain=domain)
    expected = Ridge().fit(X[~target], y[~target]).predict(X)
    np.testing.assert_allclose(found.predict(X), expected)


def test_weights_follow_the_inputs_of_the_target():
    """A straight line must fit the part of a parabola where the target is."""
    rng = np.random.default_rng(0)
    X = np.r_[rng.uniform(-4, 4, 300), rng.normal(2, 0.3, 30)][:, None]
    domain = np.repeat([*SOURCES, "target"], [100, 100, 100, 30])
    y = np.where(domain == "target", np.nan, X[:, 0] ** 2)
    errors = {
        name: np.abs(
            model(name, LinearRegression()).fit(X, y, sample_domain=domain).predict(X[300:]) - X[300:, 0] ** 2
        ).mean()
        for name in ("merge", "merge_weighted")
    }
    assert errors["merge_weighted"] < 0.3 * errors["merge"]


def test_one_source_leaves_nothing_to_compare():
    X, y, domain, target, _ = problem()
    domain = np.where(target, domain, "a")
    with pytest.warns(UserWarning, match="without any comparison"):
        found = model(source_domains=["a"]).fit(X, y, sample_domain=domain)
    assert found.strategies_ == ["merge"]
    assert "nothing was compared" in found.reason_
    with pytest.raises(ValueError, match="return_std"):
        found.predict(X, return_std=True)


def test_trained_sources_take_part():
    X, y, domain, target, _ = problem()
    trained = [("gas", Ridge().fit(X[:80], y[:80]))]
    rows = domain != "a"
    found = model(["source_only", "merge"], Ridge(), source_domains=["b", "c"], sources=trained)
    found.fit(X[rows], y[rows], sample_domain=domain[rows])
    assert [name for name, _ in found.experts_] == ["gas", "b", "c"]
    assert np.isfinite(found.predict(X[target])).all()


def test_several_targets():
    X, y, domain, target, _ = problem()
    Y = np.column_stack([y, 2 * y])
    found = model().fit(X, Y, sample_domain=domain)
    assert found.predict(X[target]).shape == (40, 2)
    assert found.weights_.shape[0] == 2
    assert len(found.reason_.split("\n")) == 2


def test_one_of_several_targets_without_labels_is_still_an_error():
    X, y, domain, _, true = problem()
    with pytest.raises(ValueError, match="Target 0 has no label in the 40 rows"):
        model().fit(X, np.column_stack([y, true]), sample_domain=domain)


def test_a_strategy_that_needs_labels_says_so():
    X, y, domain, _, _ = problem()
    with pytest.raises(ValueError, match="needs labels of target rows"):
        model("frozen_experts").fit(X, y, sample_domain=domain)


def test_deviations_are_those_on_left_out_sources():
    X, y, domain, target, true = problem(units=True)
    found = model(learner=make_pipeline(StandardScaler(), SVR(C=10))).fit(X, y, sample_domain=domain)
    mean, std = found.predict(X[target], return_std=True)
    ratio = np.sqrt(((mean - true[target]) ** 2 / std**2).mean())
    assert 0.5 < ratio < 2


def test_what_was_fitted_can_be_saved(tmp_path):
    pytest.importorskip("skops")
    X, y, domain, target, _ = problem()
    found = model("source_only").fit(X, y, sample_domain=domain)
    save(found, tmp_path / "model.skxfer")
    np.testing.assert_array_equal(load(tmp_path / "model.skxfer").predict(X), found.predict(X))
