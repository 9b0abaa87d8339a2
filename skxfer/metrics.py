"""Errors that ignore missing labels, scorers made of them, and the gain of transfer."""

from numbers import Integral

import numpy as np
from sklearn.metrics import make_scorer
from sklearn.utils.validation import check_array

from ._real_numbers import as_numbers, check_size
from .inputs import check_weights


def _as_2d(values, name):
    values = as_numbers(values, name)
    values = check_array(values, ensure_2d=False, ensure_all_finite="allow-nan", input_name=name)
    check_size(values, name)
    return values[:, None] if values.ndim == 1 else values


def _check_same_shape(y_true, y_other, name):
    if y_true.shape != y_other.shape:
        raise ValueError(
            f"y_true has {y_true.shape[0]} rows and {y_true.shape[1]} targets, {name} has {y_other.shape[0]} "
            f"and {y_other.shape[1]}: give one row per sample and one column per target in both."
        )


def _masked_means(y_true, y_pred, terms, sample_weight):
    """Mean of each term over the labelled rows of each target: list of (n_targets,)."""
    y_true, y_pred = _as_2d(y_true, "y_true"), _as_2d(y_pred, "y_pred")
    _check_same_shape(y_true, y_pred, "y_pred")
    weight = np.ones(len(y_true)) if sample_weight is None else check_weights(sample_weight, y_true)
    weight = np.where(np.isnan(y_true), 0.0, weight[:, None])
    bare = np.flatnonzero(weight.sum(axis=0) == 0)
    if bare.size:
        raise ValueError(
            f"Target {bare[0]} has no labelled row, so its error is undefined: leave this column out of "
            "y_true and y_pred."
        )
    known = np.where(np.isnan(y_true), 0.0, y_true)
    missing = np.isnan(y_true)
    means = []
    for term in terms(known, np.where(missing, 0.0, y_pred), weight):
        means.append((weight * np.where(missing, 0.0, term)).sum(axis=0) / weight.sum(axis=0))
    return means


def _aggregate(values, multioutput):
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return values
        if multioutput != "uniform_average":
            raise ValueError(
                f"multioutput must be 'raw_values', 'uniform_average' or weights, got {multioutput!r}."
            )
        return float(values.mean())
    return float(np.average(values, weights=multioutput))


def masked_mean_absolute_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Mean absolute error over the labels that are there.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    y_pred : array-like of the same shape
    sample_weight : array-like of shape (n_samples,), optional
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_targets,)

    Returns
    -------
    float or ndarray of shape (n_targets,)
        In the unit of y.

    Raises
    ------
    ValueError
        A target without any label.

    Examples
    --------
    >>> from skxfer.metrics import masked_mean_absolute_error
    >>> masked_mean_absolute_error([1.0, float("nan"), 3.0], [2.0, 7.0, 3.0])
    0.5
    """
    (mae,) = _masked_means(y_true, y_pred, lambda t, p, w: [np.abs(t - p)], sample_weight)
    return _aggregate(mae, multioutput)


def masked_root_mean_squared_error(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Root mean squared error over the labels that are there.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    y_pred : array-like of the same shape
    sample_weight : array-like of shape (n_samples,), optional
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_targets,)

    Returns
    -------
    float or ndarray of shape (n_targets,)
        In the unit of y.

    Raises
    ------
    ValueError
        A target without any label.

    Examples
    --------
    >>> from skxfer.metrics import masked_root_mean_squared_error
    >>> masked_root_mean_squared_error([1.0, float("nan")], [3.0, 0.0])
    2.0
    """
    (mse,) = _masked_means(y_true, y_pred, lambda t, p, w: [(t - p) ** 2], sample_weight)
    return _aggregate(np.sqrt(mse), multioutput)


def masked_r2_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average"):
    """Coefficient of determination over the labels that are there.

    A target whose labels are all equal scores 1 if predicted exactly, else 0,
    as :func:`sklearn.metrics.r2_score` does.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    y_pred : array-like of the same shape
    sample_weight : array-like of shape (n_samples,), optional
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_targets,)

    Returns
    -------
    float or ndarray of shape (n_targets,)

    Raises
    ------
    ValueError
        A target without any label.

    Examples
    --------
    >>> from skxfer.metrics import masked_r2_score
    >>> masked_r2_score([1.0, 2.0, 3.0, float("nan")], [1.0, 2.0, 3.0, 9.0])
    1.0
    """

    def terms(truth, pred, weight):
        mean = (weight * truth).sum(axis=0) / weight.sum(axis=0)
        return [(truth - pred) ** 2, (truth - mean) ** 2]

    residual, total = _masked_means(y_true, y_pred, terms, sample_weight)
    constant = total == 0
    r2 = 1 - residual / np.where(constant, 1.0, total)
    return _aggregate(np.where(constant, np.where(residual == 0, 1.0, 0.0), r2), multioutput)


def transfer_gain(y_true, y_pred, y_pred_target_only, *, multioutput="uniform_average"):
    """By what share transfer lowers the mean absolute error of training on the target alone.

    1 - MAE(transfer) / MAE(target only): 0.3 is a 30 % lower error, a negative
    value is negative transfer.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    y_pred : array-like of the same shape
        Predictions of the transfer model.
    y_pred_target_only : array-like of the same shape
        Predictions of the same learner trained on target rows alone.
    multioutput : {"uniform_average", "raw_values"} or array-like of shape (n_targets,)

    Returns
    -------
    float or ndarray of shape (n_targets,)

    Raises
    ------
    ValueError
        A target without any label.

    Examples
    --------
    >>> from skxfer.metrics import transfer_gain
    >>> transfer_gain([0.0, 0.0], [0.5, 0.5], [1.0, 1.0])
    0.5
    """
    transfer = masked_mean_absolute_error(y_true, y_pred, multioutput="raw_values")
    alone = masked_mean_absolute_error(y_true, y_pred_target_only, multioutput="raw_values")
    same = transfer == alone
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = 1 - transfer / alone
    return _aggregate(np.where(same, 0.0, gain), multioutput)


_SCORES = {
    "neg_mean_absolute_error": (masked_mean_absolute_error, False),
    "neg_root_mean_squared_error": (masked_root_mean_squared_error, False),
    "r2": (masked_r2_score, True),
}


def masked_scorer(scoring="neg_mean_absolute_error", *, target=None):
    """Make a scorer that accepts NaN in y, for GridSearchCV and cross_val_score.

    Parameters
    ----------
    scoring : {"neg_mean_absolute_error", "neg_root_mean_squared_error", "r2"}
    target : int, optional
        Score this column of y alone. Default: the mean over targets.

    Returns
    -------
    callable ``scorer(estimator, X, y)``

    Raises
    ------
    ValueError
        An unknown name.
    TypeError
        `target` is no whole number.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skxfer.metrics import masked_scorer
    >>> X = np.arange(4.0)[:, None]
    >>> model = LinearRegression().fit(X, X[:, 0])
    >>> round(masked_scorer("r2")(model, X, [0.0, 1.0, np.nan, 3.0]), 6)
    1.0
    """
    if scoring not in _SCORES:
        raise ValueError(f"scoring must be one of {sorted(_SCORES)}, got {scoring!r}.")
    if target is not None and not isinstance(target, Integral):
        raise TypeError(f"target must be the number of a column of y, got {target!r}.")
    function, greater_is_better = _SCORES[scoring]
    if target is None:
        return make_scorer(function, greater_is_better=greater_is_better)
    return make_scorer(_one_target, greater_is_better=greater_is_better, function=function, target=target)


def _one_target(y_true, y_pred, *, function, target, sample_weight=None):
    y_true, y_pred = _as_2d(y_true, "y_true"), _as_2d(y_pred, "y_pred")
    return function(y_true[:, [target]], y_pred[:, [target]], sample_weight=sample_weight)
