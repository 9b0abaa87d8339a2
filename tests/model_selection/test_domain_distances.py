"""Distances between domains against closed forms and scipy."""

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.preprocessing import FunctionTransformer

from skxfer.model_selection._distances import distances, energy_coefficient, label_distances

rng = np.random.default_rng(0)


def test_one_feature_has_the_energy_distance_of_scipy():
    a, b = rng.normal(size=700), 1.0 + 2.0 * rng.normal(size=900)
    scale = np.sqrt((a.var() + b.var()) / 2 + (a.mean() - b.mean()) ** 2 / 4)
    # Of scipy's mean over all pairs those of a row with itself are part: here they hardly count.
    expected = stats.energy_distance(a / scale, b / scale) ** 2
    between = np.abs(np.subtract.outer(a, b)).mean() / scale
    assert energy_coefficient(a[:, None], b[:, None]) == pytest.approx(expected / (2 * between), abs=2e-3)


def test_two_points_are_as_far_as_can_be_and_a_sample_is_not_far_from_itself():
    Z = rng.normal(size=(30, 4))
    assert energy_coefficient(np.zeros((5, 1)), np.ones((7, 1))) == 1.0
    assert energy_coefficient(Z, Z) == 0.0
    assert energy_coefficient(np.ones((3, 2)), np.ones((4, 2))) == 0.0


def test_samples_of_one_distribution_are_near_and_grow_apart_as_they_are_shifted():
    Z, other = rng.normal(size=(2, 200, 3))
    far = [energy_coefficient(Z, other + shift) for shift in (0.0, 0.5, 1.0, 4.0)]
    assert far[0] < 0.01
    assert far == sorted(far)


def test_units_and_the_number_of_rows_do_not_matter():
    Z, other = rng.normal(size=(2, 200, 3))
    other += 1.0
    units = np.array([1e-6, 1.0, 1e6])
    assert energy_coefficient(Z * units, other * units) == pytest.approx(energy_coefficient(Z, other))
    assert energy_coefficient(Z[:60], other) == pytest.approx(energy_coefficient(Z, other), abs=0.06)


def test_features_without_a_number_do_not_count():
    Z, other = rng.normal(size=(2, 50, 2))
    empty = np.full((50, 1), np.nan)
    assert energy_coefficient(np.hstack([Z, empty]), np.hstack([other, empty])) == pytest.approx(
        energy_coefficient(Z, other)
    )


def test_labels_that_are_shifted_and_stretched_have_the_same_shape():
    y = rng.normal(size=100)
    distance, shift = label_distances(3 * y[:, None] + 5, y[:, None])
    assert distance == pytest.approx(0.0, abs=1e-9)
    assert shift == pytest.approx(abs(2 * y.mean() + 5) / y.std())


def test_label_shapes_are_compared_as_scipy_does():
    y, z = rng.normal(size=100), rng.exponential(size=120)
    expected = stats.wasserstein_distance(stats.zscore(y), stats.zscore(z))
    gaps = np.append(y, np.nan)[:, None]
    assert label_distances(gaps, z[:, None])[0] == pytest.approx(expected)


def test_other_targets_cannot_be_compared():
    assert np.isnan(label_distances(np.ones((3, 2)), np.ones((3, 1)))).all()


def test_sparse_tables_are_compared_like_dense_ones():
    Z, other = rng.normal(size=(2, 20, 3))
    y = np.ones((20, 1))
    dense = distances((Z, y), (other, y))
    assert distances((sparse.csr_array(Z), y), (sparse.csr_array(other), y)) == dense


def test_a_featurizer_of_the_user_that_fails_is_an_error():
    def fail(X):
        raise RuntimeError("no such table")

    X, y = np.ones((3, 1)), np.ones((3, 1))
    with pytest.raises(RuntimeError, match="no such table"):
        distances((X, y), (X, y), FunctionTransformer(fail))


def test_formulas_have_a_distance_of_their_own():
    pytest.importorskip("matminer")
    y = np.ones((4, 1))
    oxides = np.array(["MgO", "CaO", "BaO", "SrO"], dtype=object)
    halides = np.array(["NaCl", "KCl", "CsI", "RbBr"], dtype=object)
    assert distances((oxides, y), (oxides, y))["domain_distance"] == 0.0
    assert distances((halides, y), (oxides, y))["domain_distance"] > 0.1
