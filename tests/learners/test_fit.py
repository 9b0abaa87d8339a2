import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer.learners import (
    PerTarget,
    fit_learner,
    inner_learner,
    inner_pipeline,
    predict_learner,
    supports_multi_output,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = np.c_[X @ [1.0, 2.0, 3.0], np.sin(X[:, 0])] + 0.1 * rng.normal(size=(40, 2))
HOLES = np.where(rng.random((40, 2)) < 0.3, np.nan, Y)
NEW = rng.normal(size=(40, 3))
KEPT = rng.random(40) < 0.7


# fitting and predicting -------------------------------------------------------------------------------


def test_learner_of_several_targets_is_fitted_once():
    model = fit_learner(Ridge(), X, Y)
    assert isinstance(model, Ridge)
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, Y).predict(X))


def test_learner_of_one_target_is_fitted_once_per_target():
    got = predict_learner(fit_learner(SVR(), X, Y), X)
    np.testing.assert_array_equal(
        got, np.c_[SVR().fit(X, Y[:, 0]).predict(X), SVR().fit(X, Y[:, 1]).predict(X)]
    )


@pytest.mark.parametrize(
    "learner", [Ridge(), SVR(), MultiOutputRegressor(SVR()), make_pipeline(StandardScaler(), Ridge())]
)
def test_each_target_is_fitted_on_the_rows_that_have_its_label(learner):
    got = predict_learner(fit_learner(learner, X, HOLES), X)
    learner = learner.estimator if isinstance(learner, MultiOutputRegressor) else learner
    for t in range(2):
        rows = ~np.isnan(HOLES[:, t])
        np.testing.assert_allclose(got[:, t], learner.fit(X[rows], HOLES[rows, t]).predict(X), atol=1e-12)


def test_rows_of_each_target_are_chosen_in_lists_of_objects_too():
    formulas = ["H" * i for i in range(1, 5)]
    model = fit_learner(
        Longest(), formulas, np.array([[1.0, np.nan], [np.nan, 1.0], [1.0, np.nan], [np.nan, 1.0]])
    )
    np.testing.assert_array_equal(predict_learner(model, formulas), [[3.0, 4.0]] * 4)


class Longest(RegressorMixin, BaseEstimator):
    """Predicts the length of the longest formula seen."""

    def fit(self, X, y):
        self.longest_ = max(map(len, X))
        return self

    def predict(self, X):
        return np.full(len(X), float(self.longest_))


def test_target_without_labels_is_predicted_as_zero():
    nothing = np.c_[Y[:, 0], np.full(40, np.nan)]
    np.testing.assert_array_equal(predict_learner(fit_learner(Ridge(), X, nothing), X)[:, 1], np.zeros(40))


def test_learner_is_cloned():
    learner = Ridge()
    fit_learner(learner, X, Y)
    assert not hasattr(learner, "coef_")


@pytest.mark.parametrize("learner", [Ridge(), SVR(), MultiOutputRegressor(Ridge())])
def test_predictions_are_a_table_of_one_column_per_target(learner):
    assert predict_learner(fit_learner(learner, X, Y[:, :1]), X).shape == (40, 1)


def test_predictions_are_of_double_precision():
    model = DummyRegressor().fit(X, Y[:, 0].astype(np.float32))
    assert predict_learner(model, X).dtype == np.float64


# weights ----------------------------------------------------------------------------------------------


def scaled_ridge():
    """Weights reach the ridge and not the scaler, so the scaler must not depend on the rows."""
    return make_pipeline(ColumnTransformer([("same", "passthrough", [0, 1, 2])]), Ridge())


WEIGHTED = {
    "learner": Ridge(),
    "one target only": SVR(gamma=1.0),  # "scale" would look at all rows
    "pipeline": scaled_ridge(),
    "transformed target": TransformedTargetRegressor(Ridge(), func=np.sinh, inverse_func=np.arcsinh),
    "transformed target, default learner": TransformedTargetRegressor(func=np.sinh, inverse_func=np.arcsinh),
    "pipeline in transformed target": TransformedTargetRegressor(
        scaled_ridge(), func=np.sinh, inverse_func=np.arcsinh
    ),
    "search": GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=KFold(2)),
    "pipeline in a search": GridSearchCV(scaled_ridge(), {"ridge__alpha": [1.0]}, cv=KFold(2)),
    "per target": MultiOutputRegressor(Ridge()),
    "pipeline in a pipeline": make_pipeline(scaled_ridge()),
}


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("labels", [Y[:, :1], Y, HOLES], ids=["one target", "two", "missing"])
def test_rows_without_weight_count_as_dropped(name, labels):
    weighted = fit_learner(WEIGHTED[name], X, labels, sample_weight=KEPT.astype(float))
    dropped = fit_learner(WEIGHTED[name], X[KEPT], labels[KEPT])
    np.testing.assert_allclose(predict_learner(weighted, X), predict_learner(dropped, X), atol=1e-3)
    assert not np.allclose(
        predict_learner(weighted, X), predict_learner(fit_learner(WEIGHTED[name], X, labels), X), atol=1e-3
    )


def test_weights_reach_a_pipeline_that_asks_for_them_with_routing():
    with config_context(enable_metadata_routing=True):
        learner = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True), Ridge().set_fit_request(sample_weight=True)
        )
        weighted = fit_learner(learner, X, Y, sample_weight=KEPT.astype(float))
        dropped = fit_learner(learner, X[KEPT], Y[KEPT])
    np.testing.assert_allclose(predict_learner(weighted, X), predict_learner(dropped, X), atol=1e-12)


@pytest.mark.parametrize(
    "learner", [KNeighborsRegressor(), make_pipeline(StandardScaler(), KNeighborsRegressor())]
)
def test_learner_without_weights_is_named(learner):
    with pytest.raises(TypeError, match="KNeighborsRegressor does not take sample_weight: leave it out"):
        fit_learner(learner, X, Y, sample_weight=np.ones(40))


# seeds ------------------------------------------------------------------------------------------------

SEEDED = [
    ExtraTreesRegressor(3),
    make_pipeline(StandardScaler(), ExtraTreesRegressor(3)),
    TransformedTargetRegressor(ExtraTreesRegressor(3)),
    GridSearchCV(ExtraTreesRegressor(3), {"max_depth": [2]}, cv=2),
    MultiOutputRegressor(ExtraTreesRegressor(3)),
    GradientBoostingRegressor(n_estimators=3, subsample=0.5),
]


@pytest.mark.parametrize("learner", SEEDED, ids=lambda learner: type(learner).__name__)
def test_seed_reaches_the_learner_however_deep(learner):
    first, again, other = (predict_learner(fit_learner(learner, X, Y, seed=s), NEW) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_a_seed_the_learner_keeps_its_own():
    got = fit_learner(ExtraTreesRegressor(3, random_state=7), X, Y).predict(NEW)
    np.testing.assert_array_equal(got, ExtraTreesRegressor(3, random_state=7).fit(X, Y).predict(NEW))


@pytest.mark.parametrize("learner", SEEDED, ids=lambda learner: type(learner).__name__)
def test_a_seeded_fit_leaves_the_global_generator_of_numpy_alone(learner):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit_learner(learner, X, Y, seed=0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


# what is inside ---------------------------------------------------------------------------------------

NESTED = [
    make_pipeline(StandardScaler(), SVR()),
    TransformedTargetRegressor(SVR()),
    GridSearchCV(SVR(), {}),
    TransformedTargetRegressor(make_pipeline(StandardScaler(), SVR())),
    GridSearchCV(make_pipeline(StandardScaler(), TransformedTargetRegressor(SVR())), {}),
    PerTarget(SVR()),
    FrozenEstimator(SVR()),
    SVR(),
]


@pytest.mark.parametrize("estimator", NESTED, ids=repr)
def test_learner_is_found_inside_what_wraps_it(estimator):
    assert isinstance(inner_learner(estimator), SVR)


def test_learner_of_a_fitted_search_is_the_best():
    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 1e9]}).fit(X, Y)
    assert inner_learner(search).alpha == 1e-3


def test_default_learner_of_a_transformed_target_is_linear():
    assert isinstance(inner_learner(TransformedTargetRegressor()), LinearRegression)


@pytest.mark.parametrize("estimator", [SVR(), make_pipeline(SVR()), TransformedTargetRegressor(SVR())])
def test_without_preparation_of_inputs_there_is_no_pipeline(estimator):
    assert inner_pipeline(estimator) is None


@pytest.mark.parametrize("wrap", [lambda p: p, TransformedTargetRegressor, lambda p: GridSearchCV(p, {})])
def test_pipeline_that_prepares_inputs_is_found(wrap):
    pipeline = make_pipeline(StandardScaler(), SVR())
    assert inner_pipeline(wrap(pipeline)) is pipeline


@pytest.mark.parametrize(
    ("estimator", "several"),
    [
        (Ridge(), True),
        (RandomForestRegressor(), True),
        (KNeighborsRegressor(), True),
        (MultiOutputRegressor(SVR()), True),
        (make_pipeline(StandardScaler(), Ridge()), True),
        (TransformedTargetRegressor(), True),
        (SVR(), False),
        (GradientBoostingRegressor(), False),
        (make_pipeline(StandardScaler(), SVR()), False),
        (TransformedTargetRegressor(SVR()), False),
        (GridSearchCV(SVR(), {}), False),
    ],
    ids=repr,
)
def test_learners_of_several_targets_are_known(estimator, several):
    assert supports_multi_output(estimator) is several


def test_frame_reaches_the_learner_as_a_frame():
    frame = pd.DataFrame(X, columns=list("abc"))
    learner = make_pipeline(ColumnTransformer([("b", "passthrough", ["b"])]), LinearRegression())
    got = predict_learner(fit_learner(learner, frame, HOLES), frame)
    rows = ~np.isnan(HOLES[:, 0])
    expected = LinearRegression().fit(X[rows, 1:2], HOLES[rows, 0]).predict(X[:, 1:2])
    np.testing.assert_allclose(got[:, 0], expected)


# what a learner returns -------------------------------------------------------------------------------


class Returns(RegressorMixin, BaseEstimator):
    """Predicts the array given."""

    def __init__(self, prediction=None):
        self.prediction = prediction

    def fit(self, X, y):
        pass  # and it does not return itself

    def predict(self, X):
        return self.prediction[: len(X)] if np.ndim(self.prediction) else self.prediction


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (np.zeros((40, 1, 2)), r"The predictions of Returns have the shape \(40, 1, 2\), expected"),
        (np.zeros(39), r"have the shape \(39,\), expected \(40, n_targets\) or \(40,\)"),
        (np.zeros((40, 3)), r"have the shape \(40, 3\), expected \(40, 2\)\."),
        (0.5, r"have the shape \(\), expected"),
        (None, r"\(NoneType\) are not real numbers"),
        (np.full(40, "high"), r"\(ndarray\) are not real numbers"),
        (np.full(40, 1j), "are not real numbers: they are complex"),
        (np.where(np.arange(80) == 7, np.nan, 0.0).reshape(40, 2), "predicts nan for row 3 of 40, target 1"),
        (np.full(40, -np.inf), "predicts -inf for row 0 of 40, target 0"),
    ],
    ids=str,
)
def test_what_a_learner_returns_is_checked(prediction, message):
    n_targets = 2 if np.shape(prediction) == (40, 3) else None
    with pytest.raises(ValueError, match=message):
        predict_learner(Returns(prediction), X, n_targets=n_targets)


@pytest.mark.parametrize("y", [Y, HOLES, Y[:, [0]]], ids=["two targets", "missing labels", "one target"])
def test_a_wrong_number_of_columns_is_found_by_the_fit_or_the_prediction(y):
    with pytest.raises(ValueError, match=r"The predictions of Returns have the shape \(\d+, 3\), expected"):
        predict_learner(fit_learner(Returns(np.zeros((40, 3))), X, y), X)


def test_a_learner_whose_fit_returns_nothing_is_fitted():
    prediction = predict_learner(fit_learner(Returns(np.arange(40.0)), X, Y[:, [0]]), X)
    np.testing.assert_array_equal(prediction, np.arange(40.0)[:, None])
