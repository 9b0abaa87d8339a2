"""Estimators of many sorts, and how they are saved and changed, for the tests of saving."""

import functools
import hashlib
import json
import re
import zipfile

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVR

import skxfer
from skxfer import io

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X[:, 0] + np.sin(X[:, 1])
Y = np.c_[y, X[:, 2] ** 2]


def shift(values):
    return values + 1.0


class Mean(RegressorMixin, BaseEstimator):
    """An estimator that is not skxfer's."""

    def __init__(self, offset=0.0):
        self.offset = offset

    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_ + self.offset)


@functools.cache
def layers():
    """The torch module of the tests; not at the top, so that the rest runs without torch."""
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")

    class Layers(torch.nn.Module):
        def __init__(self, n_hidden=4):
            super().__init__()
            self.hidden, self.out = torch.nn.Linear(3, n_hidden), torch.nn.Linear(n_hidden, 1)

        def forward(self, X):
            return self.out(torch.relu(self.hidden(X)))

    Layers.__qualname__ = "Layers"
    return Layers


def net(module=None, **params):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    skorch = pytest.importorskip("skorch", reason="a skorch net needs skorch")
    torch.manual_seed(0)
    params = {"max_epochs": 3, "optimizer": torch.optim.Adam, "verbose": 0, **params}
    return skorch.NeuralNetRegressor(layers() if module is None else module, **params)


def fitted_net(**params):
    return net(**params).fit(X.astype(np.float32), y[:, None].astype(np.float32))


def xgb(**params):
    xgboost = pytest.importorskip("xgboost", reason="XGBRegressor needs xgboost")
    return xgboost.XGBRegressor(n_estimators=5, max_depth=2, n_jobs=1, **params)


LEARNERS = {
    "forest": lambda: RandomForestRegressor(8, random_state=0),
    "extra trees": lambda: ExtraTreesRegressor(8, random_state=np.random.RandomState(0)),
    "boosting": lambda: HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5, random_state=0),
    "xgboost": xgb,
    "SVR": lambda: make_pipeline(StandardScaler(), SVR(C=3.0)),
    "KNN": lambda: KNeighborsRegressor(3, weights="distance", algorithm="kd_tree"),
    "KNN with a metric": lambda: KNeighborsRegressor(3, algorithm="ball_tree", metric="minkowski", p=3),
    "ridge": Ridge,
    "ridge CV": lambda: RidgeCV(alphas=np.logspace(-3, 3, 5)),
    "kernel ridge": lambda: KernelRidge(kernel="rbf"),
    "Gaussian process": lambda: GaussianProcessRegressor(
        ConstantKernel() * RBF() + WhiteKernel(), random_state=0
    ),
    "MLP": lambda: MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0),
    "splines": lambda: make_pipeline(SplineTransformer(), Ridge()),
}
NESTED = {
    "scaled target": lambda: TransformedTargetRegressor(xgb(), transformer=StandardScaler()),
    "multi-output": lambda: MultiOutputRegressor(xgb()),
    "stack": lambda: StackingRegressor([("svr", SVR()), ("xgb", xgb())], RidgeCV()),
    "stack of frozen": lambda: StackingRegressor(
        [("a", FrozenEstimator(xgb().fit(X, y)))], Ridge(), cv="prefit"
    ),
    "search": lambda: GridSearchCV(xgb(), {"learning_rate": [0.1, 0.3]}, cv=KFold(3)),
    "scored search": lambda: GridSearchCV(
        make_pipeline(StandardScaler(), SVR()),
        {"svr__C": [1, 2.0]},
        scoring="neg_mean_absolute_error",
        cv=3,
    ),
    "ufunc": lambda: make_pipeline(FunctionTransformer(np.exp), Ridge()),
}


def roundtrip(estimator, path, **kwargs):
    io.save(estimator, path)
    return io.load(path, **kwargs)


def plain_params(estimator):
    """Parameters as text, without addresses: nested estimators and kernels have no equality."""
    return {key: re.sub(" at 0x[0-9A-F]+", "", repr(value)) for key, value in estimator.get_params().items()}


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


def rewrite(path, change=lambda tree: None, **members):
    """The file again after `change` to its JSON and other members, with every digest right."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(content.pop("skxfer.json"))
    content.update({name.replace("__", "."): data for name, data in members.items()})
    tree["members"] = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    tree = change(tree) or tree
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"skxfer.json": json.dumps(tree), **content}.items():
            archive.writestr(name, data)


def net_spec(tree):
    return next(spec["net"] for spec in tree["objects"] if "net" in spec)


DOMAIN = np.repeat(["gas", "water", "target"], [14, 13, 13])


def transfer(learner, **params):
    params = {"source_domains": ["gas", "water"], "cv": 2, "random_state": 0, **params}
    return skxfer.HierarchicalTransfer(learner, **params)
