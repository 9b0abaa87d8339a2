import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from skxfer.choice import choose, convex_weights, gain_and_error, preferred


def test_convex_weights_have_the_least_error_of_all_blends():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    P = y[:, None] + rng.normal(scale=[0.5, 0.7, 2.0], size=(40, 3)) + [0.3, -0.4, 0.0]
    weights = convex_weights(P, y)
    grid = [w for w in itertools.product(np.linspace(0, 1, 101), repeat=3) if abs(sum(w) - 1) < 1e-9]
    best = min(((P @ w - y) ** 2).mean() for w in grid)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert ((P @ weights - y) ** 2).mean() <= best + 1e-9


def test_a_perfect_model_gets_all_weight():
    y = np.random.default_rng(0).normal(size=20)
    np.testing.assert_allclose(convex_weights(np.c_[y + 1, y, -y], y), [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_convex_weights_do_not_depend_on_the_unit(scale):
    rng = np.random.default_rng(0)
    y = rng.normal(size=20)
    P = y[:, None] + rng.normal(size=(20, 2))
    np.testing.assert_allclose(convex_weights(scale * P, scale * y), convex_weights(P, y), atol=1e-6)


def test_equal_models_that_are_right_still_have_weights_of_sum_one():
    y = np.arange(5.0)
    assert convex_weights(np.c_[y, y], y).sum() == pytest.approx(1)


FIVE_FOLDS = np.repeat(np.arange(5), 4)


def test_error_of_a_gain_that_is_the_same_in_all_folds_is_zero():
    gain, error = gain_and_error(np.full(20, 1.0), np.full(20, 0.9), FIVE_FOLDS)
    assert gain == pytest.approx(0.1)
    assert error == pytest.approx(0)


@pytest.mark.parametrize("n_better", [1, 2, 3])
def test_error_of_the_gain_is_that_of_the_mean_of_equal_folds(n_better):
    transfer = np.where(n_better > FIVE_FOLDS, 0.5, 1.0)
    gain, error = gain_and_error(np.ones(20), transfer, FIVE_FOLDS)
    by_fold = np.repeat([0.5, 0.0], [n_better, 5 - n_better])
    assert gain == pytest.approx(by_fold.mean())
    assert error == pytest.approx(by_fold.std(ddof=1) / np.sqrt(5))


def test_gain_in_one_large_fold_of_five_is_uncertain():
    fold = np.repeat(np.arange(5), [90, 2, 2, 2, 2])
    gain, error = gain_and_error(1 + np.where(fold == 0, 1.0, -0.5), np.ones(98), fold)
    assert gain > 0.8
    assert error > 0.1  # the plain mean of the folds is -0.2: four of five get worse


@pytest.mark.filterwarnings("error")
def test_gain_in_the_only_fold_is_of_unknown_error():
    assert gain_and_error(np.ones(4), np.zeros(4), np.zeros(4)) == (1.0, np.inf)


def test_loss_is_negative_gain():
    gain, _ = gain_and_error(np.ones(20), np.full(20, 1.1), FIVE_FOLDS)
    assert gain == pytest.approx(-0.1)


def predictions(*errors):
    """Predictions of several models with errors of this size, alternating in sign, in 6 folds of 10 rows."""
    sign = np.where(np.arange(60) % 2, 1.0, -1.0)
    return np.column_stack([np.asarray(error) * sign for error in errors]), np.zeros(60), np.arange(60) // 10


def test_the_first_in_order_is_kept_where_none_clearly_beats_it():
    noise = np.random.default_rng(0).normal(0, 0.3, 60)
    data = predictions(np.full(60, 1.0), 1.0 + noise - noise.mean())
    assert preferred([data], order=[0, 1]).tolist() == [1, 0]
    assert preferred([data], order=[1, 0]).tolist() == [0, 1]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 2, 1]])
def test_one_that_is_clearly_beaten_is_not_kept(order):
    data = predictions(np.full(60, 1.0), np.full(60, 0.5), np.full(60, 2.0))
    assert preferred([data], order=order).tolist() == [0, 1, 0]


# the judge --------------------------------------------------------------------------------------------


def copies(P, y, n_folds=5):
    """The same rows in every fold, so that each draw of folds is the same."""
    return np.tile(P, (n_folds, 1)), np.tile(y, n_folds), np.repeat(np.arange(n_folds), len(y))


def test_a_blend_is_half_the_least_squares_one_and_half_the_best_strategy():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    P = y[:, None] + rng.normal(size=(40, 3)) * [1.0, 0.9, 0.8]
    found = choose([copies(P, y)], "blend", guard=None)
    convex = minimize(
        lambda w: ((P @ w - y) ** 2).mean(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    ).x
    best = np.eye(3)[np.abs(P - y[:, None]).mean(axis=0).argmin()]
    np.testing.assert_allclose(found.weights, convex / 2 + best / 2, atol=1e-4)


def test_a_share_too_small_to_matter_is_left_out():
    rng = np.random.default_rng(1)
    y = rng.normal(size=200)
    P = y[:, None] + rng.normal(size=(200, 3)) * [0.1, 0.1, 1.0]
    weights = choose([copies(P, y)], "blend", guard=None).weights
    assert weights[2] == 0
    assert weights.sum() == pytest.approx(1)


def test_both_sets_of_folds_have_a_say():
    y = np.arange(20.0) % 4
    first, second = np.column_stack([y + 1, y, y + 1]), np.column_stack([y + 1, y + 1, y])
    weights = choose([copies(first, y), copies(second, y)], "blend", guard=None).weights
    assert weights[0] == 0
    assert min(weights[1:]) > 0.2


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_the_choice_does_not_depend_on_the_unit(unit):
    rng = np.random.default_rng(2)
    y, fold = rng.normal(size=30), np.arange(30) % 5
    P = y[:, None] + rng.normal(size=(30, 3)) * [1.0, 0.5, 0.4]
    expected, found = (choose([(u * P, u * y, fold)], "blend") for u in (1.0, unit))
    np.testing.assert_allclose(found.weights, expected.weights, atol=1e-6)
    np.testing.assert_allclose(found.gain_interval, expected.gain_interval, atol=1e-6)


def test_the_interval_of_the_gain_holds_the_gain_and_narrows_with_rows():
    rng = np.random.default_rng(3)
    widths = []
    for n in (10, 1000):
        y, fold = rng.normal(size=n), np.arange(n) % 5
        found = choose([(np.column_stack([y + rng.normal(size=n), y + rng.normal(size=n) / 3]), y, fold)], 1)
        low, high = found.gain_interval
        assert low < found.gain < high <= 1
        widths.append(high - low)
    assert widths[1] < widths[0] / 1.5


def test_a_gain_counts_what_the_baseline_will_learn_from_the_rows_of_a_fold():
    y, fold = np.arange(20.0), np.arange(20) % 5
    found = choose([(np.column_stack([y + 1, y + 0.5]), y, fold)], 1)
    assert found.gain == pytest.approx(1 - 0.5 / np.sqrt(4 / 5))


@pytest.mark.parametrize("rule", [0, "best", "blend"])
def test_the_baseline_alone_gains_nothing(rule):
    y, fold = np.arange(20.0), np.arange(20) % 5
    found = choose([(np.column_stack([y + 0.5, y + 1]), y, fold)], rule, guard=None)
    assert found.gain == 0
    np.testing.assert_array_equal(found.gain_interval, [0, 0])


def test_where_the_guard_refuses_there_is_no_gain_to_promise():
    rng = np.random.default_rng(4)
    y, fold = rng.normal(size=30), np.arange(30) % 5
    found = choose([(np.column_stack([y + 0.1, y + rng.normal(size=30)]), y, fold)], 1)
    np.testing.assert_array_equal(found.weights, [1, 0])
    assert found.gain == 0
    np.testing.assert_array_equal(found.gain_interval, [0, 0])
