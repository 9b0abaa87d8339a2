"""Continue training a fitted learner on other data."""

import copy

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline

from ..inputs import take
from ._fit import PerTarget, fit_in_place, fit_learner, seeded_torch, set_seed
from ._kinds import cast_inputs, innermost, is_a, package_of, takes_missing_labels

# Learners that grow by more rounds or trees, and the parameter that counts them.
# (HistGradientBoosting bins each data set anew, so its old trees mean nothing on other rows.)
_GROWING = {
    "sklearn.RandomForestRegressor": "n_estimators",
    "sklearn.ExtraTreesRegressor": "n_estimators",
    "sklearn.GradientBoostingRegressor": "n_estimators",
}
# Learners whose fit goes on from their weights under ``warm_start``.
_ITERATIVE = ("sklearn.MLPRegressor", "sklearn.SGDRegressor")


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
    return goes_on(estimator) or starts_from_fitted(estimator)


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


def goes_on(estimator):
    """Whether a second fit of the same object can go on from the first."""
    return package_of(estimator) in ("skorch", "xgboost") or is_a(estimator, *_GROWING, *_ITERATIVE)


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
            if is_a(part, "sklearn.DummyRegressor"):  # no label so far: there is nothing to continue from
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
            f"{type(model).__name__} cannot continue from a fit: use the strategy 'frozen_experts', "
            "which corrects the frozen model on the new domain."
        )
    learner = innermost(estimator)
    if not goes_on(model):
        model = clone(learner).set_params(init=FrozenEstimator(fitted))
        if seed is not None:
            set_seed(model, seed)
        return fit_in_place(model, X, Y, sample_weight)
    if package_of(model) == "skorch":
        with seeded_torch(model, seed):
            return model.partial_fit(cast_inputs(model, X), Y.astype(np.float32))
    if package_of(model) == "xgboost":
        return fit_in_place(model, X, Y, sample_weight, xgb_model=fitted.get_booster())
    for kind, counter in _GROWING.items():
        if is_a(model, kind):
            model.set_params(**{counter: getattr(model, counter) + getattr(learner, counter)})
    return fit_in_place(model.set_params(warm_start=True), X, Y, sample_weight)
