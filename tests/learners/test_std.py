import numpy as np
import pytest
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer.learners import NoStdError, default_learners, predict_with_std

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 2))
y = 100 + 30 * X[:, 0] + rng.normal(size=20)
NEW = rng.normal(size=(5, 2))


def process():
    return GaussianProcessRegressor(RBF(1.0, "fixed"), alpha=0.1)


@pytest.mark.parametrize("routing", [False, True])
def test_pipelines_searches_and_frozen_models_pass_it_on(routing):
    direct = process().fit(StandardScaler().fit_transform(X), y)
    expected = direct.predict(StandardScaler().fit(X).transform(NEW), return_std=True)
    pipeline = make_pipeline(StandardScaler(), process())
    models = [pipeline, GridSearchCV(pipeline, {"gaussianprocessregressor__alpha": [0.1]}, cv=2)]
    with config_context(enable_metadata_routing=routing):
        for model in models:
            for fitted in (model.fit(X, y), FrozenEstimator(model.fit(X, y))):
                got = predict_with_std(fitted, NEW)
                assert [part.shape for part in got] == [(5, 1), (5, 1)]
                np.testing.assert_allclose(np.hstack(got), np.transpose(expected))


def test_a_scaled_target_scales_the_deviation():
    model = TransformedTargetRegressor(process(), transformer=StandardScaler()).fit(X, y)
    value, std = predict_with_std(model, NEW)
    inner = process().fit(X, (y - y.mean()) / y.std())
    inner_value, inner_std = inner.predict(NEW, return_std=True)
    np.testing.assert_allclose(value.ravel(), y.mean() + y.std() * inner_value)
    np.testing.assert_allclose(std.ravel(), y.std() * inner_std)


def test_the_default_gaussian_process_gives_one():
    value, std = predict_with_std(default_learners(["gp"])["gp"].fit(X, y), NEW)
    assert (std > 0).all()


def test_it_is_that_of_the_model_alone():
    model = BayesianRidge().fit(X, y)
    np.testing.assert_array_equal(
        np.hstack(predict_with_std(model, NEW)), np.transpose(model.predict(NEW, return_std=True))
    )


@pytest.mark.parametrize("model", [Ridge(), make_pipeline(StandardScaler(), Ridge())])
def test_a_model_without_one_is_an_error_that_names_the_remedy(model):
    with pytest.raises(NoStdError, match="Ridge predicts values without .* ActiveTransfer"):
        predict_with_std(model.fit(X, y), NEW)


def test_what_is_not_finite_is_named():
    class Broken(BayesianRidge):
        def predict(self, X, return_std=False):
            return np.zeros(len(X)), np.where(np.arange(len(X)) == 3, np.nan, 1.0)

    with pytest.raises(ValueError, match="standard deviation nan for row 3, target 0"):
        predict_with_std(Broken().fit(X, y), NEW)
