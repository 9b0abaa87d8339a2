"""Density ratios against those of Gaussians, and the closed form of leaving out against a loop."""

import numpy as np
import pytest
from scipy.stats import norm

from skxfer.density_ratio import _fit_ulsif, leave_one_out_error, logistic_ratio, ulsif_ratio

GRID = np.linspace(-1.5, 2.0, 15)[:, None]


def gaussians(n, mean, deviation, seed=0):
    rng = np.random.default_rng(seed)
    true = norm.pdf(GRID[:, 0], mean, deviation) / norm.pdf(GRID[:, 0])
    return rng.normal(size=(n, 1)), mean + deviation * rng.normal(size=(n, 1)), true


def test_logistic_ratio_of_shifted_gaussians_is_exponential():
    X_from, X_to, true = gaussians(4000, 0.8, 1.0)
    np.testing.assert_allclose(np.log(logistic_ratio(X_from, X_to, GRID)), np.log(true), atol=0.12)


def test_logistic_ratio_does_not_depend_on_the_sizes_of_the_samples():
    X_from, X_to, true = gaussians(4000, 0.8, 1.0)
    found = logistic_ratio(X_from, X_to[:400], GRID, random_state=0)
    np.testing.assert_allclose(np.log(found), np.log(true), atol=0.3)


@pytest.mark.parametrize(("mean", "deviation"), [(0.8, 1.0), (0.0, 0.5), (0.5, 0.7)])
def test_ulsif_ratio_of_gaussians(mean, deviation):
    X_from, X_to, true = gaussians(3000, mean, deviation)
    found = ulsif_ratio(X_from, X_to, GRID, random_state=0)
    assert (found >= 0).all()
    assert np.abs(found - true).mean() < 0.12 * true.mean()


@pytest.mark.parametrize("ratio", [logistic_ratio, ulsif_ratio])
def test_mean_of_the_ratio_over_the_denominator_is_about_one(ratio):
    """As far as the true ratio, exp(x / 2 - 1 / 8), has the mean one over this sample."""
    X_from, X_to, _ = gaussians(2000, 0.5, 1.0)
    true = np.exp(X_from / 2 - 1 / 8).mean()
    assert true == pytest.approx(1, abs=0.05)
    assert ratio(X_from, X_to, random_state=0).mean() == pytest.approx(true, abs=0.15)


@pytest.mark.parametrize("ratio", [logistic_ratio, ulsif_ratio])
def test_equal_distributions_have_a_flat_ratio(ratio):
    rng = np.random.default_rng(0)
    found = ratio(rng.normal(size=(500, 10)), rng.normal(size=(40, 10)), random_state=0)
    effective = found.sum() ** 2 / (found**2).sum()
    assert effective > 350


@pytest.mark.parametrize("ratio", [logistic_ratio, ulsif_ratio])
@pytest.mark.parametrize("n_to", [1, 2])
def test_one_or_two_rows_give_finite_ratios(ratio, n_to):
    rng = np.random.default_rng(0)
    found = ratio(rng.normal(size=(30, 3)), rng.normal(size=(n_to, 3)), random_state=0)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_equal_seeds_give_equal_ratios():
    rng = np.random.default_rng(0)
    X_from, X_to = rng.normal(size=(100, 2)), rng.normal(size=(150, 2))
    for ratio in (logistic_ratio, ulsif_ratio):
        np.testing.assert_array_equal(
            ratio(X_from, X_to, random_state=1), ratio(X_from, X_to, random_state=1)
        )


@pytest.mark.parametrize(("n_from", "n_to"), [(12, 9), (7, 11)])
def test_leaving_out_has_a_closed_form(n_from, n_to):
    rng = np.random.default_rng(0)
    K_from, K_to = rng.uniform(size=(n_from, 4)), rng.uniform(size=(n_to, 4))
    n, penalty, error = min(n_from, n_to), 0.1, 0.0
    for i in range(n):
        weights = _fit_ulsif(np.delete(K_from, i, axis=0), np.delete(K_to, i, axis=0), penalty)
        error += (K_from[i] @ weights) ** 2 / (2 * n) - K_to[i] @ weights / n
    assert leave_one_out_error(K_from, K_to, penalty) == pytest.approx(error, rel=1e-9)
