"""What kind of learner this is: what it wraps, what it takes, which package it comes from."""

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter


def is_a(estimator, *names):
    """Whether an estimator is of a class, without importing its module.

    Parameters
    ----------
    estimator : estimator
    *names : str
        Package and class, such as ``"sklearn.RandomForestRegressor"``; subclasses count.

    Returns
    -------
    bool
    """
    return any(
        f"{base.__module__.partition('.')[0]}.{base.__name__}" in names for base in type(estimator).__mro__
    )


def layers(estimator):
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
        elif isinstance(estimator, FrozenEstimator) or is_a(estimator, "skxfer.PerTarget"):
            estimator = estimator.estimator
        else:
            estimator = None


def inner_learner(estimator):
    """Return the learner at the end of pipelines and inside target transforms.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    estimator
    """
    return list(layers(estimator))[-1]


def inner_pipeline(estimator):
    """Return the pipeline that prepares the inputs of a learner, if there is one.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    Pipeline or None
    """
    pipelines = (layer for layer in layers(estimator) if isinstance(layer, Pipeline))
    return next((pipeline for pipeline in pipelines if len(pipeline.steps) > 1), None)


def innermost(estimator):
    """The learner inside pipelines, target transforms and MultiOutputRegressor."""
    inner = inner_learner(estimator)
    while isinstance(inner, MultiOutputRegressor):
        inner = inner_learner(inner.estimator)
    return inner


def check_regressor(estimator, name):
    """Refuse a classifier where a regressor is needed.

    Parameters
    ----------
    estimator : estimator or None
    name : str
        The parameter, for the error.

    Raises
    ------
    TypeError
    """
    if estimator is None or not hasattr(estimator, "fit"):
        return
    for part in (*layers(estimator), innermost(estimator)):
        if is_classifier(part):
            raise TypeError(
                f"{name} must be a regressor, {type(part).__name__} is a classifier: y holds numbers. Use a "
                "regressor; for two classes it may learn the labels 0 and 1."
            )


def package_of(estimator):
    """Name of the package a learner comes from, without importing any."""
    roots = {base.__module__.partition(".")[0] for base in type(estimator).__mro__}
    return next((root for root in ("skorch", "xgboost") if root in roots), "sklearn")


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
    return get_tags(next(layer for layer in layers(estimator) if not isinstance(layer, wrappers))).input_tags


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
    return package_of(inner) == "skorch" or get_tags(inner).target_tags.multi_output


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


def weight_name(model):
    """Return the name under which ``fit`` of this learner takes sample weights.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    str

    Raises
    ------
    TypeError
        It takes none.
    """
    inner = inner_learner(model)
    if not has_fit_parameter(inner, "sample_weight"):
        raise TypeError(
            f"{type(inner).__name__} does not take sample_weight: leave it out or choose another learner."
        )
    if is_a(model, "skxfer.PerTarget") or sklearn.get_config()["enable_metadata_routing"]:
        return "sample_weight"
    if isinstance(model, TransformedTargetRegressor) and model.regressor is not None:
        return weight_name(model.regressor)
    if isinstance(model, (GridSearchCV, RandomizedSearchCV)):
        return weight_name(model.estimator)
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        return f"{name}__{weight_name(last)}"
    return "sample_weight"


def cast_inputs(model, X):
    """Give networks single precision, everything else X as it is."""
    if package_of(inner_learner(model)) != "skorch":
        return X
    if isinstance(X, pd.DataFrame):
        if inner_pipeline(model) is None:
            return X.to_numpy(dtype=np.float32)
        return X.astype(dict.fromkeys(X.select_dtypes("float64").columns, np.float32))
    return X.astype(np.float32) if getattr(X, "dtype", None) == np.float64 else X
