"""Which strategy predicts a target best: shares from out-of-fold predictions, and the guard."""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import nnls
from sklearn.base import clone

from ..domains import convex_weights, gain_and_error
from ._experts import inner_pipeline

# The guard lets transfer in from this many standard errors of the gain on. To refuse a source that helps
# costs more than to blend in one that does nothing, so it is not asked for proof, only for a clear sign.
CLEAR_GAIN = 0.5


def choose(t, sets, strategies, strategy, guard):
    """Weigh the strategies for one target.

    Parameters
    ----------
    t : int
        The target.
    sets : list of (P, Y, fold)
        For each set of folds: out-of-fold predictions of shape (n_rows, n_targets,
        n_strategies), labels of shape (n_rows, n_targets), the fold of each row.
    strategies : list of str
        The first is the target alone if `guard`.
    strategy : str
        ``"auto"`` blends them, any other name stands for itself.
    guard : bool
        Fall back to the first where the gain is not clear.

    Returns
    -------
    weights : ndarray of shape (n_strategies,)
    errors : ndarray of shape (n_strategies,)
        Mean absolute out-of-fold errors.
    gain : float
        By what share the error is below that of the first strategy.
    variance : ndarray of shape (2,)
        Squared error = variance[0] + variance[1] * disagreement of the strategies.

    Raises
    ------
    ValueError
        No row held out has a label of this target.
    """
    labelled = [(P[:, t], Y[:, t], fold) for P, Y, fold in sets]
    labelled = [tuple(a[~np.isnan(y)] for a in (P, y, fold)) for P, y, fold in labelled]
    if not all(len(y) for _, y, _ in labelled):
        raise ValueError(f"No row that cv holds out has a label of target {t}.")
    fixed = None if strategy == "auto" else np.array([float(name == strategy) for name in strategies])
    weights = np.mean([convex_weights(P, y) for P, y, _ in labelled], axis=0) if fixed is None else fixed
    sets = [(P, y, fold, _honest_weights(P, y, fold, fixed)) for P, y, fold in labelled]
    gains = [
        gain_and_error(np.abs(P[:, 0] - y), np.abs((P * shares).sum(axis=1) - y), fold)
        for P, y, fold, shares in sets
    ]
    # Sets of folds repeat the same rows: the second is no further evidence, so errors are averaged.
    gain, error = np.mean(gains, axis=0)
    if guard and gain <= CLEAR_GAIN * error:
        weights = np.eye(len(weights))[0]
        sets = [(P, y, fold, np.broadcast_to(weights, P.shape)) for P, y, fold, _ in sets]
    P, y, _, shares = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    errors = np.abs(P - y[:, None])
    mean = (P * shares).sum(axis=1)
    gain = 1 - np.abs(mean - y).mean() / errors[:, 0].mean() if errors[:, 0].any() else 0.0
    spread = (shares * (P - mean[:, None]) ** 2).sum(axis=1)
    variance, _ = nnls(np.column_stack([np.ones(len(y)), spread]), (mean - y) ** 2)
    return weights, errors.mean(axis=0), gain, variance


def _honest_weights(P, y, fold, fixed):
    """Weights for each row from the other folds, so that no blend is judged by rows that made it."""
    if fixed is not None:
        return np.broadcast_to(fixed, P.shape)
    shares = np.empty(P.shape)
    for k in np.unique(fold):
        others = fold != k
        shares[~others] = convex_weights(P[others], y[others]) if others.any() else np.eye(P.shape[1])[0]
    return shares


def blend(predictions, weights):
    """Mean and variance over strategies.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_targets, n_strategies)
    weights : ndarray of shape (n_targets, n_strategies)

    Returns
    -------
    mean, variance : ndarray of shape (n_samples, n_targets)
    """
    mean = (predictions * weights).sum(axis=2)
    return mean, (weights * (predictions - mean[:, :, None]) ** 2).sum(axis=2)


class NumericView:
    """Inputs as numbers, the way a learner sees them: distances and clusters are found in these.

    Parameters
    ----------
    learner : estimator
        The steps of its pipeline before the last, if it has any, are fitted and applied.
    fallback : callable
        Turns inputs that are still no dense table of numbers into one.
    """

    def __init__(self, learner, fallback):
        self.learner = learner
        self.fallback = fallback

    def fit(self, X, Y):
        """Learn from inputs X of any kind and labels Y of shape (n_samples, n_targets)."""
        self.head, self.columns, self.use_fallback = None, None, False
        pipeline = inner_pipeline(self.learner)
        if pipeline is not None:
            y = np.where(np.isnan(Y), np.nanmean(Y, axis=0), Y)[:, 0]
            self.head = clone(pipeline[:-1]).fit(X, y)
        prepared = self._prepare(X)
        if isinstance(prepared, pd.DataFrame):
            self.columns = prepared.select_dtypes("number").columns
        Z = self._table(prepared)
        self.use_fallback = Z.ndim != 2 or not Z.shape[1] or Z.dtype.kind not in "biuf"
        if self.use_fallback:
            Z = self.fallback(X)
        self.fill = np.nan_to_num(np.nanmean(np.where(np.isfinite(Z), Z, np.nan), axis=0))
        return self

    def __call__(self, X):
        """Return a finite array of shape (n_samples, n_columns)."""
        Z = self.fallback(X) if self.use_fallback else self._table(self._prepare(X))
        return np.where(np.isfinite(Z), Z, self.fill).astype(float)

    def _prepare(self, X):
        return X if self.head is None else self.head.transform(X)

    def _table(self, prepared):
        if sparse.issparse(prepared):
            return prepared.toarray()
        return np.asarray(prepared if self.columns is None else prepared[self.columns].to_numpy(dtype=float))
