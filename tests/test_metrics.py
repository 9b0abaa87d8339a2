import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multioutput import MultiOutputRegressor

from skxfer import HierarchicalTransfer
from skxfer.metrics import (
    masked_mean_absolute_error,
    masked_r2_score,
    masked_root_mean_squared_error,
    masked_scorer,
    transfer_gain,
)

PAIRS = [
    (masked_mean_absolute_error, mean_absolute_error),
    (masked_root_mean_squared_error, root_mean_squared_error),
    (masked_r2_score, r2_score),
]
rng = np.random.default_rng(0)
TRUTH = rng.normal(size=(30, 3))
PREDICTION = TRUTH + rng.normal(size=(30, 3)) * [0.1, 1.0, 3.0] + [0, 0, 5.0]
HOLES = np.where(rng.random((30, 3)) < 0.4, np.nan, TRUTH)
WEIGHT = rng.random(30)


@pytest.mark.parametrize(("masked", "full"), PAIRS)
@pytest.mark.parametrize("multioutput", ["uniform_average", "raw_values", [0.2, 0.5, 0.3]])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_error_of_complete_labels_is_that_of_scikit_learn(masked, full, multioutput, weight):
    got = masked(TRUTH, PREDICTION, sample_weight=weight, multioutput=multioutput)
    np.testing.assert_allclose(
        got, full(TRUTH, PREDICTION, sample_weight=weight, multioutput=multioutput), rtol=1e-12
    )


@pytest.mark.parametrize(("masked", "full"), PAIRS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_error_with_missing_labels_is_that_of_each_target_on_its_labelled_rows(masked, full, weight):
    expected = []
    for t in range(3):
        rows = ~np.isnan(HOLES[:, t])
        expected.append(
            full(HOLES[rows, t], PREDICTION[rows, t], sample_weight=None if weight is None else weight[rows])
        )
    got = masked(HOLES, PREDICTION, sample_weight=weight, multioutput="raw_values")
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert masked(HOLES, PREDICTION, sample_weight=weight) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(("masked", "full"), PAIRS)
def test_prediction_of_an_unlabelled_row_does_not_matter(masked, full):
    wild = np.where(np.isnan(HOLES), np.nan, PREDICTION)
    assert masked(HOLES, wild) == masked(HOLES, PREDICTION)


@pytest.mark.parametrize(("masked", "full"), PAIRS)
def test_single_target_may_be_flat_or_a_column(masked, full):
    flat = masked(HOLES[:, 0], PREDICTION[:, 0])
    assert flat == masked(HOLES[:, :1], PREDICTION[:, :1]) == masked(HOLES[:, 0], PREDICTION[:, :1])
    assert isinstance(flat, float)


@pytest.mark.parametrize(("masked", "full"), PAIRS)
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_constant_labels_score_as_in_scikit_learn(masked, full, shift):
    assert masked([2.0, 2.0, 2.0], [2.0, 2.0, 2.0 + shift]) == full([2.0, 2.0, 2.0], [2.0, 2.0, 2.0 + shift])


def test_frames_are_accepted():
    frame = pd.DataFrame(HOLES)
    assert masked_mean_absolute_error(frame, pd.DataFrame(PREDICTION)) == masked_mean_absolute_error(
        HOLES, PREDICTION
    )


@pytest.mark.parametrize(("masked", "full"), PAIRS)
def test_target_without_a_label_is_an_error_that_names_it(masked, full):
    with pytest.raises(ValueError, match="Target 1 has no labelled row"):
        masked([[1.0, np.nan], [2.0, np.nan]], [[1.0, 1.0], [1.0, 1.0]])


def test_target_whose_labels_have_no_weight_is_an_error():
    with pytest.raises(ValueError, match="Target 0 has no labelled row"):
        masked_mean_absolute_error([1.0, np.nan], [1.0, 1.0], sample_weight=[0.0, 1.0])


def test_another_number_of_targets_is_an_error():
    with pytest.raises(ValueError, match="y_true has .* 3 targets, y_pred has .* and 2:"):
        masked_mean_absolute_error(TRUTH, PREDICTION[:, :2])


def test_another_number_of_rows_is_an_error():
    with pytest.raises(ValueError, match="y_true has .* rows and .* targets, y_pred has"):
        masked_mean_absolute_error(TRUTH, PREDICTION[1:])


def test_unknown_multioutput_is_an_error():
    with pytest.raises(ValueError, match="multioutput must be"):
        masked_r2_score(TRUTH, PREDICTION, multioutput="variance_weighted")


# the gain of transfer -----------------------------------------------------------------------------


def test_gain_is_the_share_by_which_the_error_fell():
    alone = TRUTH + [1.0, 2.0, 4.0]
    transfer = TRUTH + [0.5, 2.0, 6.0]
    gain = transfer_gain(TRUTH, transfer, alone, multioutput="raw_values")
    np.testing.assert_allclose(gain, [0.5, 0, -0.5], atol=1e-12)


def test_gain_is_measured_on_labelled_rows():
    assert transfer_gain([0.0, np.nan], [1.0, 100.0], [4.0, 0.0]) == 0.75


def test_gain_over_targets_is_their_mean_or_weighted_mean():
    alone, transfer = TRUTH + 1.0, TRUTH + [0.0, 0.5, 1.0]
    assert transfer_gain(TRUTH, transfer, alone) == pytest.approx(0.5)
    assert transfer_gain(TRUTH, transfer, alone, multioutput=[1, 0, 0]) == pytest.approx(1.0)


def test_two_perfect_models_have_no_gain():
    assert transfer_gain([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]) == 0.0


def test_error_where_the_target_alone_was_perfect_is_negative_transfer():
    assert transfer_gain([1.0, 2.0], [1.0, 2.1], [1.0, 2.0]) < -1


# scorers ------------------------------------------------------------------------------------------

X = rng.normal(size=(30, 4))


@pytest.mark.parametrize(
    ("scoring", "sign", "function"),
    [
        ("neg_mean_absolute_error", -1, mean_absolute_error),
        ("neg_root_mean_squared_error", -1, root_mean_squared_error),
        ("r2", 1, r2_score),
    ],
)
def test_scorer_on_complete_labels_is_that_of_scikit_learn(scoring, sign, function):
    model = LinearRegression().fit(X, TRUTH)
    assert masked_scorer(scoring)(model, X, TRUTH) == pytest.approx(sign * function(TRUTH, model.predict(X)))


def test_scorer_of_one_target_scores_that_column():
    model = LinearRegression().fit(X, TRUTH)
    expected = -mean_absolute_error(TRUTH[:, 2], model.predict(X)[:, 2])
    assert masked_scorer(target=2)(model, X, TRUTH) == pytest.approx(expected)


def test_cross_val_score_with_missing_labels_is_that_of_a_loop():
    model = HierarchicalTransfer(MultiOutputRegressor(Ridge()))
    cv = KFold(3)
    expected = []
    for train, test in cv.split(X):
        errors = []
        for t in range(3):
            known, asked = train[~np.isnan(HOLES[train, t])], test[~np.isnan(HOLES[test, t])]
            prediction = Ridge().fit(X[known], HOLES[known, t]).predict(X[asked])
            errors.append(np.abs(prediction - HOLES[asked, t]).mean())
        expected.append(-np.mean(errors))
    np.testing.assert_allclose(cross_val_score(model, X, HOLES, cv=cv, scoring=masked_scorer()), expected)


def test_grid_search_chooses_by_a_masked_scorer():
    y = np.where(np.arange(30) % 3 == 0, np.nan, X @ [1.0, 2.0, 0.0, -1.0])
    search = GridSearchCV(
        HierarchicalTransfer(Ridge()), {"estimator__alpha": [1e-6, 1e6]}, scoring=masked_scorer("r2"), cv=3
    ).fit(X, y)
    assert search.best_params_ == {"estimator__alpha": 1e-6}
    assert search.best_score_ == pytest.approx(1.0)


def test_unknown_scoring_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="neg_mean_absolute_error.*'r2'.*got 'accuracy'"):
        masked_scorer("accuracy")


def test_a_target_is_scored_by_number():
    with pytest.raises(TypeError, match="number of a column"):
        masked_scorer("r2", target="Eads")
