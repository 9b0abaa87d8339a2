"""The head that FeatureTransfer uses by default: kernel ridge that does not lose to the mean."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.kernel_approximation import Nystroem
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from ..choice import gain_and_error
from ..featurizers import ClippedScaler
from ..inputs import check_targets, check_weights, validate_numbers

# Penalties, relative to the sum of the squared singular values: from next to nothing to next to the mean.
PENALTIES = np.logspace(-8, 2, 41)
# Widths of the kernel: what a typical squared distance between rows is multiplied with.
WIDTHS = (0.1, 0.5)
# A kernel is expanded in this many rows; with fewer it is exact.
MAX_LANDMARKS = 500
# By how many standard errors the head must beat the mean, left one out, to be used at all: this many and
# FEW_ROWS / n more. It is the best of many on few rows, so less than that is often luck (on noise with ten
# rows it is not in one of twenty draws).
CLEAR_GAIN, FEW_ROWS = 2.0, 5.0
# Features and predictions leave the range of what was seen by this share of it at most.
MARGIN = 0.2
# Where limits move more than this share of the predictions, by more than that share of the range that they
# leave, whoever predicts is told.
MANY, FAR = 0.1, 0.05


class SafeHead(RegressorMixin, BaseEstimator):
    """Ridge and kernel ridge, picked by leaving one out, with the mean as the fallback.

    For features of any origin and number and few rows. Four kernel and two
    linear views of the features, each with 41 penalties, are compared by their
    leave-one-out errors, in closed form; unless the best beats the mean of the
    labels by two standard errors (and more with few rows), the mean is predicted. Features and predictions
    are limited to what was seen, and a fifth of its range on both sides. Rows with equal features count as
    one, with their mean label, so that none is predicted from its own copy.

    Warns
    -----
    UserWarning
        At predict: more than a tenth of the predictions are limited.

    Attributes
    ----------
    views_ : list of fitted transformers
    choices_ : list of dict
        For each target: ``view`` (None: the mean), ``penalty``, ``gain`` and
        ``gain_error`` of the leave-one-out mean absolute error over the mean's,
        and the coefficients.
    n_features_in_ : int
    """

    def fit(self, X, y, sample_weight=None):
        """Pick view and penalty for each target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : SafeHead
        """
        X = validate_numbers(self, X)
        Y = check_targets(y, len(X))
        self._single_target = np.asarray(y).ndim == 1
        weight = np.ones(len(X)) if sample_weight is None else check_weights(sample_weight, X)
        counted = weight > 0
        X, Y, weight = X[counted], Y[counted], weight[counted]
        X, row = np.unique(X, axis=0, return_inverse=True)
        row = row.ravel()
        self.low_, self.high_ = X.min(axis=0), X.max(axis=0)
        margin = MARGIN * (self.high_ - self.low_)
        self.low_, self.high_ = self.low_ - margin, self.high_ + margin
        self.views_ = [view.fit(X) for view in _views(X)]
        maps = [view.transform(X) for view in self.views_]
        self.choices_ = []
        for y_t in Y.T:
            known = ~np.isnan(y_t)
            w = np.bincount(row[known], weights=weight[known], minlength=len(X))
            total = np.bincount(row[known], weights=weight[known] * y_t[known], minlength=len(X))
            there = w > 0
            labels = total[there] / w[there]
            self.choices_.append(_choose([Z[there] for Z in maps], labels, w[there]))
        return self

    def predict(self, X):
        """Predict all targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = validate_numbers(self, X, reset=False)
        prediction = self._predict(np.clip(X, self.low_, self.high_))
        limits = np.array([choice["limits"] for choice in self.choices_]).T
        limited = np.clip(prediction, *limits)
        # What it would be without limits, of features too.
        far = FAR * np.ptp(limits, axis=0) + 1e-9 * np.abs(limits).max(axis=0)
        moved = np.abs(limited - self._predict(X)) > far
        n_moved = int(moved.any(axis=1).sum())
        if n_moved > MANY * len(X):
            warnings.warn(
                f"{n_moved} of {len(X)} predictions are kept near what was seen in the fit, of which their "
                "inputs are unlike. Where a trend should go on (from small molecules to large ones), give "
                "FeatureTransfer an estimator, as RidgeCV.",
                stacklevel=2,
            )
        return limited.ravel() if self._single_target else limited

    def _predict(self, X):
        """Predict without limits: ndarray of shape (n_samples, n_targets)."""
        used = {choice["view"] for choice in self.choices_} - {None}
        maps = {view: self.views_[view].transform(X) for view in used}
        prediction = np.empty((len(X), len(self.choices_)))
        for t, choice in enumerate(self.choices_):
            prediction[:, t] = choice["mean"]
            if choice["view"] is not None:
                prediction[:, t] += (maps[choice["view"]] - choice["centre"]) @ choice["coef"]
        return prediction

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class GlobalScaler(TransformerMixin, BaseEstimator):
    """Centre columns and divide all of them by one number, so that they keep their relative scales.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
    scale_ : float
        Root mean square deviation over all entries; 1 if nothing varies.
    """

    def fit(self, X, y=None, sample_weight=None):
        """Learn means and scale of X, shape (n_samples, n_features)."""
        if not X.shape[1]:
            self.mean_, self.scale_ = np.zeros(0), 1.0
            return self
        self.mean_ = np.average(X, axis=0, weights=sample_weight)
        counted = slice(None) if sample_weight is None else sample_weight > 0
        deviation = np.abs(X[counted] - self.mean_)
        largest = deviation.max()
        self.scale_ = 1.0
        if largest > 1e-12 * np.abs(self.mean_).max():
            # Large deviations are not squared as they are: that may overflow.
            weights = None if sample_weight is None else sample_weight[counted]
            self.scale_ = largest * np.sqrt(
                np.average((deviation / largest) ** 2, axis=0, weights=weights).mean()
            )
        return self

    def transform(self, X):
        """Scale X, shape (n_samples, n_features)."""
        return (X - self.mean_) / self.scale_


def _views(X):
    """Unfitted views of features X: two scalings, and kernels of two widths on each."""
    views = []
    some = X[:: max(1, len(X) // MAX_LANDMARKS)]
    for scaler in (GlobalScaler(), ClippedScaler()):
        views.append(make_pipeline(clone(scaler)))
        pairs = np.triu_indices(len(some), 1)
        distances = euclidean_distances(scaler.fit_transform(some), squared=True)[pairs]
        typical = np.median(distances) if distances.size else 0.0
        for width in WIDTHS:
            gamma = width / typical if typical > 0 else 1.0
            kernel = Nystroem(gamma=gamma, n_components=min(len(X), MAX_LANDMARKS), random_state=0)
            views.append(make_pipeline(clone(scaler), kernel))
    return views


def _choose(maps, y, weight):
    """Pick view and penalty by leaving one out, or the mean.

    Parameters
    ----------
    maps : list of ndarray of shape (n_samples, n_columns)
        The features in each view.
    y, weight : ndarray of shape (n_samples,)

    Returns
    -------
    dict
        As in :attr:`SafeHead.choices_`.
    """
    mean, span = np.average(y, weights=weight), np.ptp(y)
    limits = (y.min() - MARGIN * span, y.max() + MARGIN * span)
    choice = {"view": None, "penalty": np.inf, "gain": 0.0, "gain_error": 0.0, "mean": mean, "limits": limits}
    if len(y) < 3 or not span:
        return choice
    share = weight / weight.sum()
    alone = np.abs(y - mean) / (1 - share)
    paths = [_ridge_path(Z, (y - mean) / span, share) for Z in maps]
    squared = [share @ (left_out * span) ** 2 for left_out, _ in paths]
    view = int(np.argmin([errors.min() for errors in squared]))
    best = int(squared[view].argmin())
    errors = np.abs(paths[view][0][:, best]) * span
    relative = share * len(y)
    gain, error = gain_and_error(relative * alone, relative * errors, np.arange(len(y)))
    choice |= {"gain": gain, "gain_error": error}
    if gain > (CLEAR_GAIN + FEW_ROWS / len(y)) * error:
        centre = share @ maps[view]
        coef = span * paths[view][1](best)
        choice |= {"view": view, "penalty": PENALTIES[best], "centre": centre, "coef": coef}
    return choice


def _ridge_path(Z, y, share):
    """Leave-one-out residuals of ridge regression for all penalties.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_columns)
    y : ndarray of shape (n_samples,)
        With weighted mean 0.
    share : ndarray of shape (n_samples,)
        Weights with sum 1.

    Returns
    -------
    residuals : ndarray of shape (n_samples, n_penalties)
    coefficients : callable
        From the position of a penalty to an ndarray of shape (n_columns,).
    """
    root = np.sqrt(share)[:, None]
    U, s, Vt = np.linalg.svd(root * (Z - share @ Z), full_matrices=False)
    variance = (s**2).sum()
    if not variance > 0:
        return np.tile(y[:, None] / (1 - share[:, None]), len(PENALTIES)), lambda best: np.zeros(Z.shape[1])
    shrinkage = s[:, None] ** 2 / (s[:, None] ** 2 + PENALTIES * variance)  # (n_values, n_penalties)
    along = U.T @ (root[:, 0] * y)
    fit = (U @ (shrinkage * along[:, None])) / root
    leverage = share[:, None] + U**2 @ shrinkage
    residuals = (y[:, None] - fit) / np.maximum(1 - leverage, 1e-10)
    return residuals, lambda best: Vt.T @ (s / (s**2 + PENALTIES[best] * variance) * along)
