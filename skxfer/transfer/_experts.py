"""What each kind of learner needs: to be fitted on these labels, seeded, frozen, continued."""

import copy
from contextlib import contextmanager

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..inputs import take

# Learners that grow by more rounds or trees, and the parameter that counts them.
# (HistGradientBoosting bins each data set anew, so its old trees mean nothing on other rows.)
_GROWING = {
    RandomForestRegressor: "n_estimators",
    ExtraTreesRegressor: "n_estimators",
    GradientBoostingRegressor: "n_estimators",
}
# Learners whose fit goes on from their weights under ``warm_start``.
_ITERATIVE = (MLPRegressor, SGDRegressor)


def fit_learner(estimator, X, Y, *, sample_weight=None, seed=None):
    """Fit a clone of any learner on labels that may be several and may be missing.

    Parameters
    ----------
    estimator : estimator
        Never changed.
    X : array-like or sequence of length n_samples
    Y : ndarray of shape (n_samples, n_targets)
        NaN marks a missing label.
    sample_weight : ndarray of shape (n_samples,), optional
    seed : int, optional
        Sets every ``random_state`` in the learner, and torch's generator for the duration.

    Returns
    -------
    fitted estimator
        One :class:`PerTarget` where the learner takes one target only, or no missing labels and some are.
    """
    model = clone(estimator)
    if seed is not None:
        _set_seed(model, seed)
    missing = np.isnan(Y).any() and not takes_missing_labels(model, Y)
    if missing or (Y.shape[1] > 1 and not supports_multi_output(model)):
        model = PerTarget(model)
    with _torch_seed(model, seed):
        return _fit(model, X, Y, sample_weight)


def predict_learner(model, X):
    """Predict with any fitted learner.

    Parameters
    ----------
    model : fitted estimator
    X : array-like or sequence of length n_samples

    Returns
    -------
    ndarray of float64, shape (n_samples, n_targets)
    """
    with _torch_kept(model):
        prediction = np.asarray(model.predict(_cast_inputs(model, X)), dtype=np.float64)
    return prediction[:, None] if prediction.ndim == 1 else prediction


def can_continue(estimator):
    """Whether :func:`continue_learner` can carry this learner's state to more data.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    if isinstance(estimator, Pipeline):
        return can_continue(estimator.steps[-1][1])
    if isinstance(estimator, TransformedTargetRegressor):
        return estimator.regressor is not None and can_continue(estimator.regressor)
    if isinstance(estimator, MultiOutputRegressor):
        return can_continue(estimator.estimator)
    return _goes_on(estimator) or starts_from_fitted(estimator)


def starts_from_fitted(estimator):
    """Whether a learner has a parameter `init` that takes a fitted one of its own class to start from.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    init = estimator.get_params(deep=False).get("init", "none")
    return init is None or hasattr(init, "fit")


def _goes_on(estimator):
    """Whether a second fit of the same object can go on from the first."""
    return _package(estimator) in ("skorch", "xgboost") or isinstance(estimator, (*_GROWING, *_ITERATIVE))


def continue_learner(fitted, estimator, X, Y, *, sample_weight=None, seed=None):
    """Continue training a copy of a fitted learner on other data.

    Forests add trees, boosting adds rounds, networks start from their weights, and
    any learner with a parameter `init` starts from the fitted one.
    What comes before the learner in a pipeline stays as it was fitted.

    Parameters
    ----------
    fitted : fitted estimator
        From :func:`fit_learner`; never changed.
    estimator : estimator
        The unfitted learner: says how many trees or rounds to add, and with `init` how to train.
    X : array-like or sequence of length n_samples
    Y : ndarray of shape (n_samples, n_targets)
        NaN marks a missing label.
    sample_weight : ndarray of shape (n_samples,), optional
    seed : int, optional

    Returns
    -------
    fitted estimator

    Raises
    ------
    TypeError
        The learner has no state to continue from (:func:`can_continue` is False).
    """
    model = copy.deepcopy(fitted)
    if isinstance(model, (PerTarget, MultiOutputRegressor)):
        for j, part in enumerate(model.estimators_):
            rows = np.flatnonzero(~np.isnan(Y[:, j]))
            if not rows.size:
                continue
            data = (take(X, rows), Y[rows][:, [j]])
            weight = None if sample_weight is None else sample_weight[rows]
            if isinstance(part, DummyRegressor):  # no label so far: there is nothing to continue from
                part = fit_learner(estimator, *data, sample_weight=weight, seed=seed)
            else:
                part = continue_learner(part, estimator, *data, sample_weight=weight, seed=seed)
            model.estimators_[j] = part
        return model
    if np.isnan(Y).any() and not takes_missing_labels(model, Y):
        raise ValueError(
            f"Labels are missing in this domain but not in the one before, where one {type(model).__name__} "
            "was fitted for all targets. Wrap the learner in MultiOutputRegressor."
        )
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        X = model[:-1].transform(X) if len(model.steps) > 1 else X
        model.steps[-1] = (
            name,
            continue_learner(last, estimator, X, Y, sample_weight=sample_weight, seed=seed),
        )
        return model
    if isinstance(model, TransformedTargetRegressor):
        Y = model.transformer_.transform(Y)
        model.regressor_ = continue_learner(
            model.regressor_, estimator, X, Y, sample_weight=sample_weight, seed=seed
        )
        return model
    if not can_continue(model):
        raise TypeError(
            f"{type(model).__name__} cannot continue from a fit: use carry='frozen', "
            "which corrects the frozen model on the new domain."
        )
    learner = _innermost(estimator)
    if not _goes_on(model):
        model = clone(learner).set_params(init=FrozenEstimator(fitted))
        if seed is not None:
            _set_seed(model, seed)
        return _fit(model, X, Y, sample_weight)
    if _package(model) == "skorch":
        with _torch_seed(model, seed):
            return model.partial_fit(_cast_inputs(model, X), Y.astype(np.float32))
    if _package(model) == "xgboost":
        return _fit(model, X, Y, sample_weight, xgb_model=fitted.get_booster())
    for kind, counter in _GROWING.items():
        if isinstance(model, kind):
            model.set_params(**{counter: getattr(model, counter) + getattr(learner, counter)})
    return _fit(model.set_params(warm_start=True), X, Y, sample_weight)


class PerTarget(RegressorMixin, BaseEstimator):
    """One clone of a learner per target, each fitted on the rows that have its label.

    A target without any label in these rows is predicted as 0: the learner
    knows nothing of it, and a linear model on top ignores the constant.

    Parameters
    ----------
    estimator : estimator

    Attributes
    ----------
    estimators_ : list of fitted estimators
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, Y, sample_weight=None):
        """Fit one learner per column of Y, shape (n_samples, n_targets)."""
        self.estimators_ = []
        for y in Y.T:
            rows = np.flatnonzero(~np.isnan(y))
            if not rows.size:
                model = DummyRegressor(strategy="constant", constant=0.0).fit(np.zeros((1, 1)), [0.0])
            else:
                weight = None if sample_weight is None else sample_weight[rows]
                model = _fit(clone(self.estimator), take(X, rows), y[rows][:, None], weight)
            self.estimators_.append(model)
        return self

    def predict(self, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        check_is_fitted(self)
        return np.hstack([predict_learner(model, X) for model in self.estimators_])


def inner_learner(estimator):
    """Return the learner at the end of pipelines and inside target transforms.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    estimator
    """
    return list(_layers(estimator))[-1]


def inner_pipeline(estimator):
    """Return the pipeline that prepares the inputs of a learner, if there is one.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    Pipeline or None
    """
    pipelines = (layer for layer in _layers(estimator) if isinstance(layer, Pipeline))
    return next((pipeline for pipeline in pipelines if len(pipeline.steps) > 1), None)


def _layers(estimator):
    """Yield an estimator and what it wraps, from the outside to the learner."""
    while estimator is not None:
        yield estimator
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, TransformedTargetRegressor):
            estimator = getattr(estimator, "regressor_", estimator.regressor)
            estimator = LinearRegression() if estimator is None else estimator
        elif isinstance(estimator, (GridSearchCV, RandomizedSearchCV)):
            estimator = getattr(estimator, "best_estimator_", estimator.estimator)
        elif isinstance(estimator, (FrozenEstimator, PerTarget)):
            estimator = estimator.estimator
        else:
            estimator = None


def supports_multi_output(estimator):
    """Whether one fit of this learner serves several targets.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    inner = inner_learner(estimator)
    return _package(inner) == "skorch" or get_tags(inner).target_tags.multi_output


def takes_missing_labels(estimator, Y):
    """Whether one fit of this learner serves several targets with these missing labels.

    Estimators of this package do, unless a target has no label at all.

    Parameters
    ----------
    estimator : estimator
    Y : ndarray of shape (n_samples, n_targets)

    Returns
    -------
    bool
    """
    ours = any(base.__module__.partition(".")[0] == "skxfer" for base in type(estimator).__mro__)
    some = not np.isnan(Y).all(axis=0).any()
    return ours and some and Y.shape[1] > 1 and get_tags(estimator).target_tags.multi_output


def input_tags(estimator):
    """Return what inputs a learner takes, through wrappers that do not pass its tags on.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    sklearn.utils.InputTags
    """
    wrappers = (TransformedTargetRegressor, GridSearchCV, RandomizedSearchCV)
    return get_tags(next(layer for layer in _layers(estimator) if not isinstance(layer, wrappers))).input_tags


def _innermost(estimator):
    """The learner inside pipelines, target transforms and MultiOutputRegressor."""
    inner = inner_learner(estimator)
    while isinstance(inner, MultiOutputRegressor):
        inner = inner_learner(inner.estimator)
    return inner


def _package(estimator):
    """Name of the package a learner comes from, without importing any."""
    roots = {base.__module__.partition(".")[0] for base in type(estimator).__mro__}
    return next((root for root in ("skorch", "xgboost") if root in roots), "sklearn")


def _fit(model, X, Y, sample_weight, **fit_params):
    """Fit in place, with X and y in the form that the learner takes."""
    if sample_weight is not None:
        fit_params |= {_weight_name(model): sample_weight}
    if isinstance(model, PerTarget):
        return model.fit(X, Y, **fit_params)
    inner = inner_learner(model)
    if _package(inner) == "skorch":
        transformed = any(isinstance(layer, TransformedTargetRegressor) for layer in _layers(model))
        if transformed and Y.shape[1] == 1 and parse_version(sklearn.__version__) < parse_version("1.7.2"):
            raise RuntimeError(
                "A network in a TransformedTargetRegressor needs scikit-learn >= 1.7.2: earlier ones hand it "
                "y without its second axis, and torch then learns the wrong thing in silence."
            )
        model.fit(_cast_inputs(model, X), Y.astype(np.float32), **fit_params)
        width = predict_learner(model, take(X, [0])).shape[1]
        if width != Y.shape[1]:
            raise ValueError(
                f"The network predicts {width} value(s) and is trained on {Y.shape[1]} target(s): give its "
                "module as many outputs as there are targets, but one where labels are missing, since then "
                "each target has its own network."
            )
        return model
    if Y.shape[1] == 1 and not isinstance(inner, MultiOutputRegressor):
        Y = Y.ravel()
    return model.fit(X, Y, **fit_params)


def _weight_name(model):
    """Name under which ``fit`` of this learner takes sample weights."""
    inner = inner_learner(model)
    if not has_fit_parameter(inner, "sample_weight"):
        raise TypeError(
            f"{type(inner).__name__} does not take sample_weight: leave it out or choose another learner."
        )
    if isinstance(model, PerTarget) or sklearn.get_config()["enable_metadata_routing"]:
        return "sample_weight"
    if isinstance(model, TransformedTargetRegressor) and model.regressor is not None:
        return _weight_name(model.regressor)
    if isinstance(model, (GridSearchCV, RandomizedSearchCV)):
        return _weight_name(model.estimator)
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{_weight_name(last)}"
    return "sample_weight"


def _cast_inputs(model, X):
    """Give networks single precision, everything else X as it is."""
    if _package(inner_learner(model)) != "skorch":
        return X
    if isinstance(X, pd.DataFrame):
        if inner_pipeline(model) is None:
            return X.to_numpy(dtype=np.float32)
        return X.astype(dict.fromkeys(X.select_dtypes("float64").columns, np.float32))
    return X.astype(np.float32) if getattr(X, "dtype", None) == np.float64 else X


def _set_seed(model, seed):
    rng = check_random_state(seed)
    for name in sorted(model.get_params(deep=True)):
        *path, last = name.split("__")
        if last == "random_state" and "init" not in path:  # what training starts from is the caller's
            model.set_params(**{name: rng.randint(np.iinfo(np.int32).max)})


@contextmanager
def _torch_seed(model, seed):
    """Seed torch for a network and give the caller its generator back."""
    if seed is None or _package(inner_learner(model)) != "skorch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def _torch_kept(model):
    """Give the caller torch's generator back, of which a data loader takes a number even to predict."""
    if _package(inner_learner(model)) != "skorch":
        yield
        return
    import torch

    with torch.random.fork_rng(devices=[]):
        yield
