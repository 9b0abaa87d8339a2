"""boosted: two-stage TrAdaBoost.R2 after Pardoe and Stone."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skxfer import HierarchicalTransfer, load, save
from skxfer.transfer._problem import Problem
from skxfer.transfer.strategies import STRATEGIES
from skxfer.transfer.strategies._boosted import WeightedMedian, _boost, _shrink_sources


def partly_wrong(wrong=0.5, n_target=12, seed=0):
    """A plane. The target has few noisy rows; of the source rows a share has labels that are 30 too high."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(160 + n_target, 6))
    true = X @ np.arange(1, 7)
    y = true + 0.5 * rng.normal(size=len(X))
    domain = np.repeat(["source", "target"], [160, n_target])
    y[: int(160 * wrong)] = 30 - y[: int(160 * wrong)]
    X_test = rng.normal(size=(200, 6))
    return X, y, domain, X_test, X_test @ np.arange(1, 7)


def model(strategy, learner, **params):
    params = {"source_domains": ["source"], "random_state": 0, "strategy": strategy} | params
    return HierarchicalTransfer(learner, **params)


def error(strategy, problem, learner):
    X, y, domain, X_test, y_test = problem
    found = model(strategy, learner, guard=False).fit(X, y, sample_domain=domain)
    return np.abs(found.predict(X_test) - y_test).mean()


def test_it_wins_where_a_part_of_the_source_is_wrong():
    errors = {
        name: np.mean([error(name, partly_wrong(0.4, seed=seed), LinearRegression()) for seed in range(4)])
        for name in ("boosted", "merge", "target_only")
    }
    assert errors["boosted"] < 0.8 * errors["target_only"]
    assert errors["boosted"] < 0.2 * errors["merge"]


def test_it_is_not_chosen_where_all_of_the_source_is_wrong():
    X, y, domain, _, _ = partly_wrong(1.0, n_target=20)
    found = model(["boosted"], LinearRegression(), predict_on="similar").fit(X, y, sample_domain=domain)
    assert found.strategy_ == ["target_only"]
    assert found.weights_[0, found.strategies_.index("boosted")] == 0


def test_a_learner_without_weights_is_boosted_on_drawn_rows():
    errors = {
        name: np.mean(
            [error(name, partly_wrong(0.5, seed=seed), KNeighborsRegressor(3)) for seed in range(4)]
        )
        for name in ("boosted", "merge")
    }
    assert errors["boosted"] < 0.85 * errors["merge"]


# the steps of the paper -----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_target_rows_get_their_share_of_the_weight(share):
    rng = np.random.default_rng(0)
    wrong = rng.uniform(0.05, 1, 50)
    weight = _shrink_sources(np.full(50, 1 / 50), wrong, 40, share)
    assert weight.sum() == pytest.approx(1)
    assert weight[40:].sum() == pytest.approx(share)
    np.testing.assert_allclose(weight[40:], share / 10)  # target rows lose nothing to each other
    slope = np.diff(np.log(weight[:40])) / np.diff(wrong[:40])
    np.testing.assert_allclose(slope, slope[0])  # w · β^error
    assert slope[0] < 0


def test_source_rows_without_error_keep_their_weight():
    weight = _shrink_sources(np.full(10, 0.1), np.zeros(10), 8, 0.9)
    np.testing.assert_allclose(weight, 0.1)


def test_weighted_median_by_hand():
    class Constant:
        def __init__(self, value):
            self.value = value

        def predict(self, X):
            return np.full(len(X), self.value)

    models = [Constant(3.0), Constant(1.0), Constant(2.0)]
    found = [
        WeightedMedian(models, np.array(w)).predict(np.zeros((1, 1)))[0, 0]
        for w in ([1.0, 1.0, 1.0], [5.0, 1.0, 1.0], [1.0, 1.9, 1.0], [1.0, 5.0, 1.0])
    ]
    assert found == [2.0, 3.0, 2.0, 1.0]


def test_boosting_changes_the_weights_of_target_rows_alone(monkeypatch):
    X, y, _, _, _ = partly_wrong()
    problem = Problem(X, y[:, None], np.arange(160, 172), Ridge())
    seen = []

    def fit_weighted(problem, rows, weight):
        seen.append(weight)
        return Ridge().fit(X[rows], y[rows], sample_weight=weight)

    monkeypatch.setattr("skxfer.transfer.strategies._boosted.fit_weighted", fit_weighted)
    _boost(problem, np.arange(172), np.full(172, 1 / 172), 160)
    assert len(seen) > 2
    for weight in seen:
        np.testing.assert_allclose(weight[:160], 1)
        np.testing.assert_allclose(weight[160:].mean(), 1)
    assert np.ptp(seen[1][160:]) > 0.1


def test_a_call_takes_at_most_as_many_fits_as_it_says():
    fits = []

    class Counting(Ridge):
        def fit(self, X, y, sample_weight=None):
            fits.append(len(y))
            return super().fit(X, y, sample_weight)

    X, y, domain, _, _ = partly_wrong()
    model("boosted", Counting(), guard=False).fit(X, y, sample_domain=domain)
    assert 20 < len(fits) <= STRATEGIES["boosted"].cost <= 40


# how it fits in -------------------------------------------------------------------------------------


def test_it_must_be_named_since_it_is_expensive():
    X, y, domain, _, _ = partly_wrong()
    found = model("auto", Ridge(), predict_on="similar").fit(X, y, sample_domain=domain)
    assert "name it in strategy" in found.skipped_["boosted"]


@pytest.mark.parametrize("n_target", [1, 2])
def test_one_or_two_target_rows_are_enough(n_target):
    X, y, domain, X_test, _ = partly_wrong(n_target=n_target)
    found = model("boosted", Ridge(), guard=False).fit(X, y, sample_domain=domain)
    assert np.isfinite(found.predict(X_test)).all()


def test_several_targets_with_missing_labels():
    X, y, domain, X_test, _ = partly_wrong()
    Y = np.column_stack([y, -y])
    Y[::5, 1] = np.nan
    found = model("boosted", DecisionTreeRegressor(max_depth=4), guard=False).fit(X, Y, sample_domain=domain)
    assert np.isfinite(found.predict(X_test)).all()
    assert found.predict(X_test).shape == (200, 2)


def test_what_was_boosted_can_be_saved(tmp_path):
    X, y, domain, X_test, _ = partly_wrong()
    found = model("boosted", Ridge(), guard=False).fit(X, y, sample_domain=domain)
    save(found, tmp_path / "model.skxfer")
    np.testing.assert_array_equal(load(tmp_path / "model.skxfer").predict(X_test), found.predict(X_test))
