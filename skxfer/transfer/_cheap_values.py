"""The parameter `low_fidelity`: takes cheap values of the target out of X, or predicts them."""

from numbers import Integral

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from ..inputs import n_rows
from ..learners import is_fitted, predict_learner


class CheapValues(BaseEstimator):
    """Splits X into inputs and cheap values of the target.

    Parameters
    ----------
    low_fidelity : str, int, list of these, or fitted regressor
        Names of columns of a DataFrame, positions of columns of an array, or what predicts the values from X.
    n_targets : int
    """

    def __init__(self, low_fidelity, n_targets):
        self.low_fidelity = low_fidelity
        self.n_targets = n_targets

    def fit(self, X):
        """Check the parameter against inputs X, as :func:`skxfer.inputs.check_inputs` returns them."""
        self.columns_ = None
        if hasattr(self.low_fidelity, "predict"):
            if not is_fitted(self.low_fidelity):
                raise NotFittedError(
                    f"low_fidelity, a {type(self.low_fidelity).__name__}, is not fitted. If it was, `clone` "
                    "reset it: wrap it in sklearn.frozen.FrozenEstimator."
                )
        else:
            given = self.low_fidelity
            given = list(given) if isinstance(given, (list, tuple)) else [given]
            self.columns_ = [_column(name, X) for name in given]
            if not given or len(set(self.columns_)) < len(given):
                raise ValueError(f"low_fidelity must name at least one column and none twice, got {given}.")
            if len(given) == X.shape[1]:
                raise ValueError("low_fidelity names all columns of X: at least one other one is needed.")
        n_values = self.split(X)[1].shape[1]
        if n_values % self.n_targets:
            raise ValueError(
                f"low_fidelity gives {n_values} value(s) for each row and y has {self.n_targets} targets: "
                "give one value for each target, in their order, or a multiple of that."
            )
        return self

    def split(self, X, needed=()):
        """Return inputs without the cheap values, and these.

        Parameters
        ----------
        X : inputs of any kind
        needed : ndarray of int
            Rows that must have all values.

        Returns
        -------
        X : inputs of the same kind
        values : ndarray of shape (n_samples, n_values * n_targets)

        Raises
        ------
        ValueError
            A value is missing in a row that needs it, or is no number (naming the row).
        """
        if self.columns_ is None:
            return X, predict_learner(self.low_fidelity, X)
        rest = np.setdiff1d(np.arange(X.shape[1]), self.columns_)
        if isinstance(X, pd.DataFrame):
            chosen = X.iloc[:, self.columns_]
            try:
                values = chosen.to_numpy(dtype=float, na_value=np.nan)
            except (TypeError, ValueError) as error:
                raise ValueError(f"low_fidelity={list(chosen)} must name numbers: {error}") from error
            X = X.iloc[:, rest]
        else:
            X = X.tocsc() if sparse.issparse(X) else X
            chosen, X = X[:, self.columns_], X[:, rest]
            values = np.asarray(chosen.toarray() if sparse.issparse(chosen) else chosen, dtype=float)
            X = X.tocsr() if sparse.issparse(X) else X
        needed = np.asarray(needed, dtype=int)
        missing = np.argwhere(np.isnan(values[needed]))
        if len(missing):
            row, column = needed[missing[0][0]], missing[0][1]
            given = self.low_fidelity
            name = given[column] if isinstance(given, (list, tuple)) else given
            raise ValueError(
                f"The value {name!r} of low_fidelity is missing in row {row} ({len(missing)} values in all). "
                "Drop these rows, fill the column, or let a model predict it."
            )
        return X, values

    def split_new(self, X):
        """Return inputs without the cheap values, and these, which no row may lack."""
        return self.split(X, np.arange(n_rows(X)))


def _column(name, X):
    """Position of a column."""
    if isinstance(X, pd.DataFrame):
        if name not in X.columns:
            raise ValueError(f"low_fidelity={name!r} is not among the columns of X: {list(X.columns)[:10]}.")
        return int(np.flatnonzero(X.columns == name)[0])
    if getattr(X, "ndim", 1) != 2 or not isinstance(name, Integral) or isinstance(name, bool):
        raise ValueError(
            f"low_fidelity={name!r} is not a column of X: name columns of a DataFrame, number those of an "
            "array, and for objects give a fitted model that predicts the value."
        )
    if not -X.shape[1] <= name < X.shape[1]:
        raise ValueError(f"low_fidelity={name!r}: X has {X.shape[1]} columns, numbered from 0.")
    return int(name) % X.shape[1]
