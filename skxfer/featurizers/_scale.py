"""Scaling that stays safe on columns that hardly vary."""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from ..inputs import validate_numbers


class ClippedScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise columns, with a floor on the deviation and a limit on the result.

    A column that is nearly constant in a small training set gets a huge weight
    from a plain standard scaler, and one unusual row then ruins a linear model.
    Here a column whose deviation is not above `floor` times its magnitude counts
    as constant and is divided by its magnitude, so that the dielectric constant
    of a single solvent does not put every other solvent at the limit, and scaled
    values are limited to ``[-clip, clip]``.

    Parameters
    ----------
    clip : float or None, default=8.0
        Limit of the scaled values, in standard deviations. None: no limit.
    floor : float, default=1e-6
        Smallest standard deviation, relative to the largest magnitude in the column.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Neither floor nor limit.

    Examples
    --------
    >>> from skxfer.featurizers import ClippedScaler
    >>> scaler = ClippedScaler(clip=3).fit([[0.0], [1.0], [2.0]])
    >>> scaler.transform([[1.0], [1e9]])
    array([[0.],
           [3.]])
    """

    _parameter_constraints: dict = {
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "floor": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, clip=8.0, floor=1e-6):
        self.clip = clip
        self.floor = floor

    def fit(self, X, y=None):
        """Learn mean and deviation of each column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None

        Returns
        -------
        self : ClippedScaler
        """
        self._validate_params()
        X = validate_numbers(self, X)
        self.mean_ = X.mean(axis=0)
        deviation, magnitude = X.std(axis=0), np.abs(X).max(axis=0)
        scale = np.where(deviation > self.floor * magnitude, deviation, magnitude)
        self.scale_ = np.where(scale > 0, scale, 1.0)
        return self

    def transform(self, X):
        """Scale and limit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            In single precision if X is, for networks.
        """
        check_is_fitted(self)
        X = validate_numbers(self, X, dtype=(np.float64, np.float32), reset=False)
        Z = (X - self.mean_) / self.scale_
        return (Z if self.clip is None else np.clip(Z, -self.clip, self.clip)).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        """Keep single precision."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
