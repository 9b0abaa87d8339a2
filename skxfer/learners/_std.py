"""Standard deviations of predictions, from any fitted model that gives them."""

from inspect import signature

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from ..inputs import n_rows
from ._fit import torch_kept
from ._kinds import cast_inputs


class NoStdError(TypeError):
    """The model predicts values without a standard deviation."""


def predict_with_std(model, X):
    """Predict with a standard deviation, through pipelines, searches and scaled targets.

    Parameters
    ----------
    model : fitted estimator
        One whose ``predict`` has the parameter `return_std`, alone or inside a Pipeline, a search, a
        FrozenEstimator or a TransformedTargetRegressor.
    X : array-like or sequence of length n_samples

    Returns
    -------
    value, std : ndarray of shape (n_samples, n_targets)

    Raises
    ------
    NoStdError
        ``predict`` has no `return_std`.
    ValueError
        The model says itself that it has no standard deviation, or returns values that are not finite.

    Examples
    --------
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skxfer.learners import predict_with_std
    >>> learner = GaussianProcessRegressor(optimizer=None)
    >>> model = make_pipeline(StandardScaler(), learner).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> value, std = predict_with_std(model, [[1.0], [9.0]])
    >>> std.round(2).ravel().tolist()
    [0.0, 1.0]
    """
    value, std = _predict(model, X)
    for what, part in (("value", value), ("standard deviation", std)):
        bad = np.argwhere(~np.isfinite(part))
        if len(bad):
            row, column = bad[0]
            raise ValueError(
                f"{type(model).__name__} predicts the {what} {part[row, column]} for row {row}, target "
                f"{column}. Check the inputs of this row, or choose another learner."
            )
    return value, std


def _predict(model, X):
    if hasattr(model, "best_estimator_"):
        return _predict(model.best_estimator_, X)
    if isinstance(model, FrozenEstimator):
        return _predict(model.estimator, X)
    if isinstance(model, Pipeline):
        # Not Pipeline.predict(X, return_std=True): with metadata routing that needs a request.
        return _predict(model[-1], model[:-1].transform(X) if len(model) > 1 else X)
    if isinstance(model, TransformedTargetRegressor):
        return _unscaled(model, *_predict(model.regressor_, X))
    predict = getattr(model, "predict", None)
    if predict is None:
        raise TypeError(f"{type(model).__name__} has no predict: pass a fitted regressor.")
    if "return_std" not in signature(predict).parameters:
        raise NoStdError(
            f"{type(model).__name__} predicts values without a standard deviation: its predict has no "
            "return_std. Use HierarchicalTransfer with sources, HMNNRegressor or a Gaussian process; or "
            "ActiveTransfer, which gives any learner one."
        )
    with torch_kept(model):
        both = predict(cast_inputs(model, X), return_std=True)
    value, std = (np.asarray(part, dtype=np.float64).reshape(n_rows(X), -1) for part in both)
    return value, std


def _unscaled(model, value, std):
    """Undo the transform of the targets; the deviation by half the distance between value ± std."""

    def inverse(values):
        back = model.inverse_func if model.transformer_ is None else model.transformer_.inverse_transform
        return np.asarray(back(values), dtype=np.float64).reshape(values.shape)

    return inverse(value), np.abs(inverse(value + std) - inverse(value - std)) / 2
