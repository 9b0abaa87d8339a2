"""Each kind of learner goes on from its fit on other data, and the fit it goes on from stays."""

import copy
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer.learners import can_continue, continue_learner, fit_learner, predict_learner

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning"),
]

rng = np.random.default_rng(0)
X, X_2 = rng.normal(size=(2, 40, 3))
Y = np.c_[X @ [1.0, 2.0, 3.0], np.sin(X[:, 0])]
Y_2 = np.c_[X_2 @ [1.0, 2.0, 3.0], np.sin(X_2[:, 0])] + 1.0
y, y_2 = Y[:, :1], Y_2[:, :1]

if find_spec("torch"):
    import torch

    class Line(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.line = torch.nn.Linear(3, 1)

        def forward(self, X):
            return self.line(X)


class Towards(RegressorMixin, BaseEstimator):
    """Ridge regression towards the coefficients of `init`, a fitted one of these."""

    def __init__(self, alpha=1.0, init=None, random_state=None):
        self.alpha = alpha
        self.init = init
        self.random_state = random_state

    def fit(self, X, y):
        init = self.init.estimator if isinstance(self.init, FrozenEstimator) else self.init
        start = init.coef_ if hasattr(init, "coef_") else np.zeros(X.shape[1:] + y.shape[1:])
        A = X.T @ X + self.alpha * np.eye(X.shape[1])
        self.coef_ = start + np.linalg.solve(A, X.T @ (y - X @ start))
        return self

    def predict(self, X):
        return X @ self.coef_


def net(**params):
    pytest.importorskip("torch", reason="a skorch net needs torch")
    skorch = pytest.importorskip("skorch", reason="a skorch net needs skorch")
    return skorch.NeuralNetRegressor(Line, **{"max_epochs": 2, "lr": 0.01, "verbose": 0, **params})


def xgb():
    xgboost = pytest.importorskip("xgboost", reason="XGBRegressor needs xgboost")
    return xgboost.XGBRegressor(n_estimators=4, max_depth=2, n_jobs=1)


def mlp(**params):
    return MLPRegressor(hidden_layer_sizes=(8,), **{"max_iter": 50, "random_state": 0, **params})


CONTINUING = {
    "forest": lambda: RandomForestRegressor(4, random_state=0),
    "extra trees": lambda: ExtraTreesRegressor(4, random_state=0),
    "boosting": lambda: GradientBoostingRegressor(n_estimators=4, random_state=0),
    "xgboost": xgb,
    "MLP": mlp,
    "SGD": lambda: SGDRegressor(random_state=0),
    "net": net,
    "init": Towards,
    "pipeline of init": lambda: make_pipeline(StandardScaler(), Towards()),
    "several init": lambda: MultiOutputRegressor(Towards()),
    "pipeline": lambda: make_pipeline(StandardScaler(), mlp()),
    "transformed target": lambda: TransformedTargetRegressor(mlp(), transformer=StandardScaler()),
    "multi-output": lambda: MultiOutputRegressor(GradientBoostingRegressor(n_estimators=4, random_state=0)),
    "pipeline of several targets": lambda: make_pipeline(StandardScaler(), MultiOutputRegressor(mlp())),
    "several pipelines": lambda: MultiOutputRegressor(make_pipeline(StandardScaler(), mlp())),
}
NOT_CONTINUING = [
    SVR(),
    KNeighborsRegressor(),
    Ridge(),
    GaussianProcessRegressor(),
    HistGradientBoostingRegressor(),
    make_pipeline(StandardScaler(), SVR()),
    TransformedTargetRegressor(SVR()),
    TransformedTargetRegressor(),
    MultiOutputRegressor(SVR()),
    GridSearchCV(RandomForestRegressor(), {"max_depth": [2]}),
    Towards(init="zero"),  # a parameter of that name that takes no estimator
]


def state(model, X=X_2):
    """What a fit knows: its predictions to the last bit, and its parameters."""
    return predict_learner(model, X).tobytes() + repr(model).encode()


@pytest.mark.parametrize("name", CONTINUING)
def test_learners_that_continue_are_known(name):
    assert can_continue(CONTINUING[name]())


@pytest.mark.parametrize("learner", NOT_CONTINUING, ids=repr)
def test_learners_that_cannot_continue_are_known_and_refused(learner):
    assert not can_continue(learner)
    fitted = fit_learner(learner, X, y)
    with pytest.raises(TypeError, match=r"cannot continue from a fit: use the strategy 'frozen_experts'"):
        continue_learner(fitted, learner, X_2, y_2)


@pytest.mark.parametrize("name", CONTINUING)
def test_the_first_fit_stays_as_it_was(name):
    learner = CONTINUING[name]()
    first = fit_learner(learner, X, y)
    before = state(first)
    continue_learner(first, learner, X_2, y_2)
    assert state(first) == before


@pytest.mark.parametrize("name", CONTINUING)
def test_continuing_learns_from_the_second_data_and_remembers_the_first(name):
    """It is neither the first fit nor a fresh one on the second data."""
    learner = CONTINUING[name]()
    first = fit_learner(learner, X, y, seed=0)
    going_on = predict_learner(continue_learner(first, learner, X_2, y_2, seed=0), X)
    fresh = predict_learner(fit_learner(learner, X_2, y_2, seed=0), X)
    assert not np.allclose(going_on, predict_learner(first, X), atol=1e-6)
    assert not np.allclose(going_on, fresh, atol=1e-6)


@pytest.mark.parametrize("name", CONTINUING)
def test_a_seed_makes_continuing_repeatable(name):
    learner = CONTINUING[name]()
    first = fit_learner(learner, X, y, seed=0)
    one, two = (predict_learner(continue_learner(first, learner, X_2, y_2, seed=1), X) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["forest", "extra trees"])
def test_a_forest_keeps_its_trees_and_grows_as_many_again(name):
    learner = CONTINUING[name]()
    first = fit_learner(learner, X, y)
    second = continue_learner(first, learner, X_2, y_2)
    assert [len(m.estimators_) for m in (first, second)] == [4, 8]
    for old, kept in zip(first.estimators_, second.estimators_[:4], strict=True):
        np.testing.assert_array_equal(old.predict(X), kept.predict(X))
    # The prediction is the mean of the old forest's and of trees grown on the second data alone.
    new = np.mean([tree.predict(X_2) for tree in second.estimators_[4:]], axis=0)
    np.testing.assert_allclose(second.predict(X_2), (first.predict(X_2) + new) / 2)


def test_a_third_stage_grows_the_forest_again():
    learner = RandomForestRegressor(3, random_state=0)
    model = fit_learner(learner, X, y)
    for _ in range(2):
        model = continue_learner(model, learner, X_2, y_2)
    assert len(model.estimators_) == 9


def test_boosting_goes_on_from_its_rounds():
    learner = GradientBoostingRegressor(n_estimators=4, random_state=0)
    first = fit_learner(learner, X, y)
    second = continue_learner(first, learner, X_2, y_2)
    assert second.n_estimators_ == 8
    np.testing.assert_allclose(list(second.staged_predict(X))[3], first.predict(X))
    start = ((first.predict(X_2) - y_2.ravel()) ** 2).mean()
    assert ((second.predict(X_2) - y_2.ravel()) ** 2).mean() < start


def test_xgboost_goes_on_from_its_rounds():
    learner = xgb()
    first = fit_learner(learner, X, y)
    second = continue_learner(first, learner, X_2, y_2)
    assert second.get_booster().num_boosted_rounds() == 8
    kept = second.predict(X, iteration_range=(0, 4))
    np.testing.assert_allclose(kept, first.predict(X), rtol=1e-6)


def test_a_perceptron_starts_from_its_weights():
    """One step from the first fit stays near it, one step of a fresh one does not."""
    learner = mlp(max_iter=1)
    first = fit_learner(mlp(max_iter=500), X, y)
    second = continue_learner(first.set_params(max_iter=1), learner, X_2, y_2)
    fresh = fit_learner(learner, X_2, y_2)

    def distance(model):
        return sum(np.abs(a - b).sum() for a, b in zip(model.coefs_, first.coefs_, strict=True))

    assert 0 < distance(second) < 0.1 * distance(fresh)


def test_a_net_starts_from_its_weights():
    learner = net(max_epochs=300, lr=0.1)
    first = fit_learner(learner, X, y, seed=0)
    # With a learning rate of almost nothing, going on is standing still.
    second = continue_learner(
        copy.deepcopy(first).set_params(lr=1e-9, max_epochs=1), learner, X_2, y_2, seed=0
    )
    np.testing.assert_allclose(predict_learner(second, X), predict_learner(first, X), atol=1e-5)
    np.testing.assert_allclose(first.module_.line.weight.detach().ravel(), [1.0, 2.0, 3.0], atol=0.3)


def test_a_learner_with_init_starts_from_the_fitted_one_with_its_own_parameters():
    first = Towards().fit(X, y.ravel())
    second = continue_learner(first, Towards(alpha=7.0), X_2, y_2)
    assert second.init.estimator is first
    np.testing.assert_allclose(second.coef_, Towards(7.0, init=first).fit(X_2, y_2.ravel()).coef_)
    frozen = continue_learner(first, Towards(alpha=1e12), X_2, y_2)
    np.testing.assert_allclose(frozen.coef_, first.coef_, atol=1e-6)


def test_what_comes_before_the_learner_stays_as_fitted():
    learner = make_pipeline(StandardScaler(), mlp())
    first = fit_learner(learner, X, y)
    second = continue_learner(first, learner, X_2 + 100, y_2)
    np.testing.assert_array_equal(second[0].mean_, X.mean(axis=0))


def test_the_transform_of_the_target_stays_as_fitted():
    learner = TransformedTargetRegressor(mlp(), transformer=StandardScaler())
    second = continue_learner(fit_learner(learner, X, y), learner, X_2, y_2 + 100)
    np.testing.assert_allclose(second.transformer_.mean_, y.mean(axis=0))


# several targets and missing labels -------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in CONTINUING if name != "net"])
def test_several_targets_continue(name):
    learner = CONTINUING[name]()
    model = continue_learner(fit_learner(learner, X, Y), learner, X_2, Y_2)
    assert predict_learner(model, X).shape == (40, 2)


def test_each_target_continues_on_the_rows_that_have_its_label():
    learner = GradientBoostingRegressor(n_estimators=4, random_state=0)
    holes = Y_2.copy()
    holes[:10, 0] = holes[30:, 1] = np.nan
    got = predict_learner(continue_learner(fit_learner(learner, X, Y), learner, X_2, holes), X)
    for t, rows in enumerate([slice(10, None), slice(0, 30)]):
        model = GradientBoostingRegressor(n_estimators=4, random_state=0, warm_start=True).fit(X, Y[:, t])
        model.set_params(n_estimators=8).fit(X_2[rows], Y_2[rows, t])
        np.testing.assert_allclose(got[:, t], model.predict(X))


def test_target_without_labels_in_the_second_data_stays():
    learner = SGDRegressor(random_state=0)
    first = fit_learner(learner, X, Y)
    second = continue_learner(first, learner, X_2, np.c_[y_2, np.full(40, np.nan)])
    before, after = predict_learner(first, X), predict_learner(second, X)
    assert not np.allclose(before[:, 0], after[:, 0])
    np.testing.assert_array_equal(before[:, 1], after[:, 1])


def test_target_that_is_labelled_for_the_first_time_is_learned_from_scratch():
    learner = SGDRegressor(random_state=0)
    first = fit_learner(learner, X, np.c_[y, np.full(40, np.nan)])
    second = continue_learner(first, learner, X_2, Y_2)
    expected = SGDRegressor(random_state=0).fit(X_2, Y_2[:, 1]).predict(X)
    np.testing.assert_array_equal(predict_learner(second, X)[:, 1], expected)


def test_labels_that_go_missing_under_one_model_for_all_targets_are_an_error_with_a_remedy():
    learner = RandomForestRegressor(4)
    holes = Y_2.copy()
    holes[0, 0] = np.nan
    with pytest.raises(ValueError, match="Labels are missing.*Wrap the learner in MultiOutputRegressor"):
        continue_learner(fit_learner(learner, X, Y), learner, X_2, holes)
    learner = MultiOutputRegressor(learner)
    model = continue_learner(fit_learner(learner, X, Y), learner, X_2, holes)
    assert np.isfinite(predict_learner(model, X)).all()


def test_weights_reach_the_learner_that_continues():
    learner = SGDRegressor(random_state=0, shuffle=False)
    first = fit_learner(learner, X, y)
    weight = np.r_[np.ones(30), np.zeros(10)]
    weighted = continue_learner(first, learner, X_2, y_2, sample_weight=weight)
    plain = continue_learner(first, learner, X_2, y_2)
    by_hand = copy.deepcopy(first).set_params(warm_start=True).fit(X_2, y_2.ravel(), sample_weight=weight)
    np.testing.assert_array_equal(weighted.coef_, by_hand.coef_)
    assert not np.allclose(weighted.coef_, plain.coef_)


def test_no_state_is_shared_with_the_first_fit():
    learner = MultiOutputRegressor(RandomForestRegressor(3, random_state=0))
    first = fit_learner(learner, X, Y)
    bits = pickle.dumps(first)
    continue_learner(first, learner, X_2, Y_2)
    assert pickle.dumps(first) == bits
