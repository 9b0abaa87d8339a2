"""Expected improvement and batches against numerical integrals and Gaussian processes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from skxfer.acquisition import (
    NOISE,
    Correlation,
    best_label,
    choose_batch,
    distance_to_goal,
    expected_improvement,
)

GOALS = ["maximize", "minimize", 0.7, -3.0]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(("value", "std", "best"), [(1.0, 0.5, 1.2), (-0.4, 2.0, 0.3), (2.0, 0.1, 2.5)])
def test_expected_improvement_is_the_integral_over_the_normal_distribution(goal, value, std, best):
    now = distance_to_goal(best, goal)

    def improvement(y):
        return max(now - distance_to_goal(y, goal), 0.0)

    edges = [goal, goal - abs(best - goal), goal + abs(best - goal)] if not isinstance(goal, str) else [best]
    span = value - 12 * std, value + 12 * std
    points = [edge for edge in edges if span[0] < edge < span[1]]
    mean = quad(lambda y: improvement(y) * norm.pdf(y, value, std), *span, points=points)[0]
    chance = quad(lambda y: (improvement(y) > 0) * norm.pdf(y, value, std), *span, points=points)[0]
    got = expected_improvement(np.array([value]), np.array([std]), best, goal)
    np.testing.assert_allclose(np.ravel(got), [mean, chance], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("goal", "expected"), [("maximize", [0, 1.5]), ("minimize", [0.5, 0]), (2.0, [0, 0.5])]
)
def test_without_uncertainty_the_improvement_is_that_of_the_value(goal, expected):
    improvement, chance = expected_improvement(np.array([0.5, 2.5]), np.zeros(2), 1.0, goal)
    np.testing.assert_allclose(improvement, expected)
    np.testing.assert_array_equal(chance, np.array(expected) > 0)


def test_nothing_improves_on_the_goal_itself():
    improvement, chance = expected_improvement(np.array([1.0, 2.0]), np.ones(2), 2.0, 2.0)
    np.testing.assert_allclose([improvement, chance], 0.0, atol=1e-15)


def test_what_is_left_and_the_rise_are_those_of_a_gaussian_process():
    Z = np.random.default_rng(0).normal(size=(30, 2))
    correlation = Correlation(Z, 0.8)
    distance = np.linalg.norm(Z[:, None] - Z, axis=2)
    K = np.exp(-0.5 * (distance / correlation.scale) ** 2)
    known, std = [3, 17, 8, 25], np.linspace(1, 2, 30)
    prior, labels = np.sin(Z[:, 0]), [0.4, -2.0, 1.0, 0.3]
    value = prior.copy()
    for row, label in zip(known, labels, strict=True):
        value += std * correlation.condition(row) * (label - value[row]) / std[row]
    noisy = K[np.ix_(known, known)] + NOISE * np.eye(4)
    left = 1 - np.diag(K[:, known] @ np.linalg.solve(noisy, K[known]))
    np.testing.assert_allclose(correlation.left, left, atol=1e-9)
    surprise = (labels - prior[known]) / std[known]
    np.testing.assert_allclose(value, prior + std * (K[:, known] @ np.linalg.solve(noisy, surprise)))


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_equal_rows_are_chosen_once(diversity):
    Z = np.array([[0.0], [1.0], [1.0], [1.0 + 1e-13], [2.0]])
    chosen = choose_batch(
        np.zeros(5), np.ones(5), Correlation(Z, diversity), 5, "explore", None, np.ones(5, dtype=bool)
    )
    assert sorted(choice["row"] for choice in chosen) == [0, 1, 4]


def test_the_batch_of_a_model_that_knows_no_uncertainty_spreads_out():
    Z = np.linspace(0, 1, 11)[:, None]
    chosen = choose_batch(
        np.zeros(11), np.ones(11), Correlation(Z, 0.5), 3, "explore", None, np.ones(11, dtype=bool)
    )
    assert [choice["row"] for choice in chosen] == [0, 10, 5]


def test_a_prediction_that_is_too_good_leaves_the_others_their_scores():
    Z = np.array([[0.0], [50.0], [100.0]])
    value, std = np.array([1e3, 2.0, 1.0]), np.full(3, 0.5)
    chosen = choose_batch(value, std, Correlation(Z, 0.1), 3, "maximize", 1.5, np.ones(3, bool))
    alone, _ = expected_improvement(value, std, 1.5, "maximize")
    assert [choice["row"] for choice in chosen] == [0, 1, 2]
    np.testing.assert_allclose([choice["score"] for choice in chosen], alone)


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1), (5.0, 1)])
def test_what_is_like_a_chosen_row_is_believed_to_be_no_better_than_the_best(goal, sign):
    Z = np.array([[0.0], [1e-3], [10.0]])
    value = sign * np.array([4.0, 3.9, 3.0])
    chosen = choose_batch(
        value, np.full(3, 0.1), Correlation(Z, 0.05), 3, goal, sign * 2.0, np.ones(3, dtype=bool)
    )
    assert [choice["row"] for choice in chosen] == [0, 2, 1]
    # A noisy label of 2 where 4 was predicted.
    assert sign * chosen[2]["value"] == pytest.approx(3.9 - 2 / (1 + NOISE), abs=1e-3)


def test_far_from_the_best_the_nearest_value_comes_first():
    value = np.array([1.0, 3.0, 2.0])  # all improvements underflow to 0
    chosen = choose_batch(
        value, np.full(3, 1e-3), Correlation(np.eye(3), 0.5), 3, "maximize", 1e3, np.ones(3, bool)
    )
    assert [choice["row"] for choice in chosen] == [1, 2, 0]


@pytest.mark.parametrize(("goal", "best"), [("maximize", 4.0), ("minimize", -1.0), (1.4, 2.0)])
def test_the_best_label_is_the_one_nearest_to_the_goal(goal, best):
    assert best_label(np.array([np.nan, 2.0, -1.0, 4.0]), goal) == best
