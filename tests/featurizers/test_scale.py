import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from skxfer.featurizers import ClippedScaler

X = np.random.default_rng(0).normal(loc=[0, 5, -300], scale=[1, 0.1, 40], size=(50, 3))


def test_it_is_the_standard_scaler_where_neither_floor_nor_limit_acts():
    np.testing.assert_allclose(
        ClippedScaler(clip=None).fit_transform(X), StandardScaler().fit_transform(X), atol=1e-12
    )


def test_values_beyond_the_limit_are_the_limit():
    scaler = ClippedScaler(clip=2.0).fit(X)
    expected = np.clip(StandardScaler().fit(X).transform(10 * X), -2, 2)
    assert np.abs(expected).max() == 2
    np.testing.assert_allclose(scaler.transform(10 * X), expected, atol=1e-12)


def test_column_with_a_deviation_below_the_floor_is_scaled_by_its_magnitude():
    column = np.array([[1000.0], [1000.0 + 1e-6]])  # deviation 5e-7, floor 1e-6 * 1000
    assert ClippedScaler().fit(column).scale_ == pytest.approx([1000.0])


def test_another_value_of_a_constant_column_stays_away_from_the_limit():
    """An expert trained on water alone sees one dielectric constant; other solvents are no outliers."""
    water, ether = 1 - 1 / 78.4, 1 - 1 / 4.24
    assert ClippedScaler().fit([[water], [water]]).transform([[ether]]) == pytest.approx(
        (ether - water) / water
    )


def test_constant_columns_become_zero():
    Z = ClippedScaler().fit_transform(np.c_[np.zeros(4), np.full(4, 7.0)])
    np.testing.assert_array_equal(Z, np.zeros((4, 2)))


def test_a_column_that_hardly_varied_in_training_cannot_explode():
    scaler = ClippedScaler(clip=8.0).fit([[1.0], [1.0 + 1e-9]])
    assert np.abs(scaler.transform([[2.0], [-1e9]])).max() == 8.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    Z = ClippedScaler().fit(X).transform(X.astype(dtype))
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z, StandardScaler().fit_transform(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("params", [{"clip": 0.0}, {"clip": -1.0}, {"floor": -1e-3}])
def test_impossible_parameters_are_refused(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        ClippedScaler(**params).fit(X)
