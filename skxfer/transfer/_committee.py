"""Error bars for any learner: a committee of models, each of which missed a third of the target rows."""

import numpy as np

from ..choice import residual_variance
from ..inputs import take
from ..learners import fit_learner, predict_learner

# Each member misses one of this many parts of the target rows.
N_PARTS = 3


def fit_with(estimator, X, Y, metadata, seed):
    """Fit a clone of a learner, with sample weights if they are among the arguments of ``fit``."""
    rest = {name: values for name, values in metadata.items() if name != "sample_weight"}
    weight = metadata.get("sample_weight")
    return fit_learner(estimator, X, Y, sample_weight=weight, seed=seed, metadata=rest)


class Committee:
    """A model of all rows, and members that say how much its predictions depend on the rows it has.

    Parameters
    ----------
    estimator : regressor
    n_members : int
        With fewer than six, the error bars rest on less than two held-out predictions of each row.
    seed : int or None
        Seeds the parts and every learner.

    Attributes
    ----------
    model : fitted regressor
    members : list of fitted regressors
    variance : ndarray of shape (n_targets, 2)
        The squared error is the first plus the second times the variance over the members, as on held-out
        target rows.
    """

    def __init__(self, estimator, n_members, seed=None):
        self.estimator = estimator
        self.n_members = n_members
        self.seed = seed

    def fit(self, X, Y, target, metadata, model=None):
        """Fit the model and its members.

        Parameters
        ----------
        X : inputs of any kind
        Y : ndarray of shape (n_samples, n_targets)
            NaN marks a missing label.
        target : ndarray of int
            Rows of the target domain with any label.
        metadata : dict of str to ndarray of shape (n_samples,)
            More arguments of the learner's ``fit``.
        model : fitted regressor, optional
            The model of all rows, if it is there already.

        Returns
        -------
        self : Committee
        """
        self.model = self._fit_one(X, Y, np.arange(len(Y)), metadata) if model is None else model
        self.members, held_out = [], np.full((self.n_members, *Y[target].shape), np.nan)
        for k, missed in enumerate(self._parts(len(target))):
            member = self._fit_one(X, Y, np.setdiff1d(np.arange(len(Y)), target[missed]), metadata)
            self.members.append(member)
            held_out[k, missed] = predict_learner(member, take(X, target[missed]))
        self.variance = np.array([_calibrated(P, y) for P, y in zip(held_out.T, Y[target].T, strict=True)])
        return self

    def _fit_one(self, X, Y, rows, metadata):
        here = {name: values[rows] for name, values in metadata.items()}
        return fit_with(self.estimator, take(X, rows), Y[rows], here, self.seed)

    def _parts(self, n_rows):
        """Yield the rows that each member misses: every row is missed about equally often."""
        rng = np.random.default_rng(self.seed)
        for k in range(self.n_members):
            if k % N_PARTS == 0:
                parts = np.array_split(rng.permutation(n_rows), N_PARTS)
            yield parts[k % N_PARTS]

    def predict(self, X, return_std=False):
        """Predict, as the model of all rows does.

        Parameters
        ----------
        X : inputs of any kind
        return_std : bool, default=False

        Returns
        -------
        value : ndarray of shape (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`.
        """
        value = predict_learner(self.model, X)
        if not return_std:
            return value
        spread = np.var([predict_learner(member, X) for member in self.members], axis=0, ddof=1)
        return value, np.sqrt(self.variance[:, 0] + self.variance[:, 1] * spread)


def _calibrated(held_out, y):
    """Relate the squared errors of held-out rows to the variance over the members that missed them.

    Parameters
    ----------
    held_out : ndarray of shape (n_rows, n_members)
        NaN where a member had the row.
    y : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of shape (2,)
    """
    n_votes = (~np.isnan(held_out)).sum(axis=1)
    known = (n_votes > 0) & ~np.isnan(y)
    if not known.any():
        return np.array([0.0, 1.0])
    error = np.nanmean(held_out[known], axis=1) - y[known]
    if (n_votes[known] < 2).any():
        return np.array([np.mean(error**2), 1.0])
    return residual_variance(error, np.nanvar(held_out[known], axis=1, ddof=1))
