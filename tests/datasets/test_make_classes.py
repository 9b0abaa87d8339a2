"""make_domains(task="classification"): classes cut from the functions of the regression problem."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss

from skxfer.datasets import make_domains

RELATIONS = ["identical", "scaled", "related", "unrelated", "adversarial", 0.5]


def _classes(**params):
    return make_domains(**({"task": "classification", "random_state": 0} | params))


def _cut(values, thresholds):
    """Class of each value, one by one."""
    return np.array([sum(value > cut for cut in thresholds) for value in values])


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes_are_cut_from_the_labels_of_the_regression_problem(relation, n_classes):
    classes = _classes(relation=relation, n_classes=n_classes, noise=0.2)
    numbers = make_domains(relation=relation, noise=0.2, random_state=0)
    np.testing.assert_array_equal(classes.data, numbers.data)
    np.testing.assert_array_equal(classes.target_function, numbers.target_function)
    np.testing.assert_array_equal(classes.own_function, numbers.own_function)
    np.testing.assert_array_equal(classes.similarity, numbers.similarity)
    assert classes.thresholds.shape == (1, n_classes - 1)
    np.testing.assert_array_equal(classes.target, _cut(numbers.target, classes.thresholds[0]))
    assert classes.target.dtype.kind == "i" and set(classes.target) <= set(range(n_classes))


def test_regression_has_no_classes():
    problem = make_domains(random_state=0)
    assert problem.thresholds is None and problem.target_probability is None


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_classes_of_the_target_are_about_equally_frequent(n_classes):
    for seed in range(5):
        target = _classes(n_test=4000, n_classes=n_classes, random_state=seed).target[-4000:]
        share = np.bincount(target, minlength=n_classes) / 4000
        assert share.min() > 0.7 / n_classes and share.max() < 1.3 / n_classes


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_adversarial_source_turns_the_order_of_classes_round(n_classes):
    problem = _classes(relation="adversarial", n_classes=n_classes, noise=0)
    rows = problem.domain == "source_0"
    true = _cut(problem.target_function[rows], problem.thresholds[0])
    right = problem.data[rows, 0] > 0.2
    np.testing.assert_array_equal(problem.target[rows][right], true[right])
    np.testing.assert_array_equal(problem.target[rows][~right], n_classes - 1 - true[~right])


def test_sources_agree_with_the_target_as_their_relation_says():
    agreement = {}
    for relation in ("identical", "related", "unrelated"):
        problem = _classes(relation=relation, n_source=5000, noise=0)
        rows = problem.domain == "source_0"
        true = _cut(problem.target_function[rows], problem.thresholds[0])
        agreement[relation] = np.mean(true == problem.target[rows])
    assert agreement["identical"] == 1
    # Two normal variables with correlation .98 have one sign with probability 1 - arccos(.98) / pi = .936.
    assert agreement["related"] == pytest.approx(1 - np.arccos(0.98) / np.pi, abs=0.03)
    assert agreement["unrelated"] == pytest.approx(0.5, abs=0.06)


def test_scaled_source_ranks_alike_and_cuts_elsewhere():
    problem = _classes(relation="scaled", n_sources=3, n_classes=3, noise=0)
    for k, name in enumerate(problem.source_domains):
        rows = problem.domain == name
        cuts = problem.scale[k] * problem.thresholds[0] + problem.offset[k]
        np.testing.assert_array_equal(problem.target[rows], _cut(problem.target_function[rows], cuts))
    shares = [problem.target[problem.domain == name].mean() for name in problem.source_domains]
    assert max(shares) - min(shares) > 0.3


def test_probabilities_are_those_of_the_noise():
    problem = _classes(n_classes=3, noise=0.4)
    low, high = problem.thresholds[0]
    expected = np.column_stack(
        [
            norm.cdf(low, problem.target_function, 0.4),
            norm.cdf(high, problem.target_function, 0.4) - norm.cdf(low, problem.target_function, 0.4),
            norm.sf(high, problem.target_function, 0.4),
        ]
    )
    np.testing.assert_allclose(problem.target_probability, expected, atol=1e-12)


def test_frequencies_of_classes_follow_the_probabilities():
    problem = _classes(n_test=20000, noise=0.5)
    rows = problem.domain == "test"
    probability, target = problem.target_probability[rows, 1], problem.target[rows]
    for low in np.arange(0, 1, 0.2):
        bin_ = (probability >= low) & (probability < low + 0.2)
        # Four standard errors of the least frequent bin.
        assert target[bin_].mean() == pytest.approx(probability[bin_].mean(), abs=2 / np.sqrt(bin_.sum()))


def test_without_noise_the_probabilities_are_the_classes():
    problem = _classes(n_classes=3, noise=0)
    rows = problem.domain != "source_0"
    np.testing.assert_array_equal(problem.target_probability[rows].argmax(axis=1), problem.target[rows])
    assert set(np.unique(problem.target_probability)) == {0.0, 1.0}


def test_several_targets_have_thresholds_of_their_own():
    problem = _classes(n_targets=2, n_classes=3)
    n = len(problem.data)
    assert problem.target.shape == (n, 2) and problem.thresholds.shape == (2, 2)
    assert problem.target_probability.shape == (n, 2, 3)
    np.testing.assert_allclose(problem.target_probability.sum(axis=2), 1)
    assert not np.allclose(problem.thresholds[0], problem.thresholds[1])
    np.testing.assert_allclose(problem.thresholds, -problem.thresholds[:, ::-1])


def _loss(problem, rows):
    test = problem.domain == "test"
    model = ExtraTreesClassifier(200, min_samples_leaf=2, random_state=0)
    model.fit(problem.data[rows], problem.target[rows])
    return log_loss(problem.target[test], model.predict_proba(problem.data[test]), labels=[0, 1])


def test_identical_source_helps_and_adversarial_source_hurts():
    for relation, helps in {"identical": True, "adversarial": False, "unrelated": False}.items():
        problem = _classes(relation=relation, n_test=500)
        merged, alone = _loss(problem, problem.domain != "test"), _loss(problem, problem.domain == "target")
        assert (merged < 0.85 * alone) if helps else (merged > 1.1 * alone)
