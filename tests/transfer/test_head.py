"""The default head of FeatureTransfer: exact leave-one-out errors, and never much worse than the mean."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from skxfer.transfer._head import PENALTIES, GlobalScaler, SafeHead, _ridge_path


@parametrize_with_checks([SafeHead()])
def test_scikit_learn_check(estimator, check):
    check(estimator)


def problem(rng, kind, n, p):
    X = rng.standard_normal((n + 100, p))
    y = rng.standard_normal(n + 100)
    if kind == "heavy tails":
        X, y = rng.standard_cauchy(X.shape), rng.standard_t(2, len(y))
    elif kind == "constant columns":
        X[:, ::2] = 1e6
    elif kind == "scales":
        X *= 10.0 ** rng.uniform(-6, 6, p)
    elif kind == "rare columns":
        X = (rng.uniform(size=X.shape) < 0.05).astype(float)
    return X[:n], y[:n], X[n:], y[n:]


def ratio_to_the_mean(X, y, X_new, y_new):
    error = np.abs(SafeHead().fit(X, y).predict(X_new) - y_new).mean()
    return error / np.abs(y.mean() - y_new).mean()


@pytest.mark.parametrize("n", [10, 30, 100])
@pytest.mark.parametrize("kind", ["noise", "heavy tails", "constant columns", "scales", "rare columns"])
def test_features_without_any_signal_cost_a_few_percent_at_most(kind, n):
    rng = np.random.default_rng(0)
    ratios = [ratio_to_the_mean(*problem(rng, kind, n, p)) for p in (3, 30, 200) for _ in range(5)]
    assert np.mean(ratios) < 1.05
    assert np.median(ratios) == pytest.approx(1.0, abs=0.02)


def test_a_linear_law_is_learned_with_more_features_than_rows():
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((130, 3))
    X, y = hidden @ rng.standard_normal((3, 200)), hidden @ [1.0, -2.0, 0.5]
    assert ratio_to_the_mean(X[:30], y[:30], X[30:], y[30:]) < 0.1


def test_a_curved_law_is_learned():
    X = np.random.default_rng(0).uniform(-1, 1, (140, 2))
    y = X[:, 0] ** 2 + np.cos(3 * X[:, 1])
    assert ratio_to_the_mean(X[:40], y[:40], X[40:], y[40:]) < 0.2


def test_rows_far_outside_are_predicted_near_the_labels_seen():
    X = np.random.default_rng(0).standard_normal((30, 5))
    y = X @ np.ones(5)
    far = SafeHead().fit(X, y).predict(1e9 * X)
    margin = 0.2 * np.ptp(y) + 1e-12
    assert far.min() >= y.min() - margin
    assert far.max() <= y.max() + margin


def test_residuals_are_those_of_leaving_each_row_out():
    rng = np.random.default_rng(0)
    Z, y, weight = rng.standard_normal((12, 4)), rng.standard_normal(12), rng.uniform(0.5, 2, 12)
    share = weight / weight.sum()
    residuals, _ = _ridge_path(Z, y - share @ y, share)
    variance = share @ ((Z - share @ Z) ** 2).sum(axis=1)
    for k in (15, 30):
        for i in range(12):
            rest = np.arange(12) != i
            model = Ridge(alpha=PENALTIES[k] * variance).fit(Z[rest], y[rest], sample_weight=share[rest])
            assert residuals[i, k] == pytest.approx(y[i] - model.predict(Z[[i]])[0], rel=1e-6)


def test_coefficients_are_those_of_ridge_regression():
    rng = np.random.default_rng(0)
    Z, y, share = rng.standard_normal((12, 4)), rng.standard_normal(12), np.full(12, 1 / 12)
    y -= y.mean()
    variance = share @ ((Z - share @ Z) ** 2).sum(axis=1)
    _, coefficients = _ridge_path(Z, y, share)
    expected = Ridge(alpha=PENALTIES[20] * variance).fit(Z, y, sample_weight=share).coef_
    np.testing.assert_allclose(coefficients(20), expected)


def test_a_missing_label_leaves_the_other_targets_alone():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    Y = np.column_stack([X[:, 0], X[:, 1] ** 2])
    gaps = Y.copy()
    gaps[:15, 1] = np.nan
    got = SafeHead().fit(X, gaps).predict(X)
    np.testing.assert_allclose(got[:, 0], SafeHead().fit(X, Y).predict(X)[:, 0])
    assert np.abs(got[:15, 1] - Y[:15, 1]).mean() < 0.3 * np.abs(Y[:, 1] - Y[:, 1].mean()).mean()


def test_rows_with_equal_features_are_no_evidence_for_each_other():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((10, 20)), rng.standard_normal(10)
    model = SafeHead().fit(np.repeat(X, 5, axis=0), np.repeat(y, 5))
    assert model.choices_[0]["view"] == SafeHead().fit(X, y).choices_[0]["view"]
    np.testing.assert_allclose(model.predict(X), SafeHead().fit(X, y).predict(X))


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_rows_give_their_mean(n):
    X, y = np.arange(2 * n, dtype=float).reshape(n, 2), np.arange(n, dtype=float)
    np.testing.assert_allclose(SafeHead().fit(X, y).predict(X), y.mean())


def test_equal_labels_are_predicted_exactly():
    X = np.random.default_rng(0).standard_normal((20, 3))
    np.testing.assert_array_equal(SafeHead().fit(X, np.full(20, 0.1)).predict(X), 0.1)


def test_the_global_scale_keeps_the_scales_of_columns():
    X = np.random.default_rng(0).standard_normal((50, 2)) * [1.0, 100.0] + 7
    Z = GlobalScaler().fit(X).transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    assert (Z**2).mean() == pytest.approx(1)
    assert Z[:, 1].std() / Z[:, 0].std() == pytest.approx(X[:, 1].std() / X[:, 0].std())


def test_the_global_scale_survives_the_largest_numbers():
    Z = GlobalScaler().fit(np.array([[-1e300], [1e300]])).transform(np.array([[1e300]]))
    np.testing.assert_allclose(Z, 1.0)


def test_predictions_far_from_the_fit_are_told():
    x = np.linspace(0, 1, 60)[:, None]
    head = SafeHead().fit(x, 3 * x.ravel() - 7)
    with pytest.warns(UserWarning, match="2 of 3 predictions are kept near"):
        assert head.predict([[0.5], [1.6], [5.0]]).max() < -3.3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        head.predict(x)
