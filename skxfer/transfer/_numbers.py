"""Inputs of any kind as numbers, for distances and clusters."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone

from ._experts import inner_pipeline


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
