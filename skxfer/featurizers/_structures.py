"""What all transformers of structures share: elements learned in fit, and errors that name the structure."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..structures import NUMBERS, SYMBOLS, TakesStructures, check_apart, read_structures


class StructureFeaturizer(TakesStructures, TransformerMixin, BaseEstimator):
    """Base of transformers of structures: subclasses have ``_learn``, ``_features`` and ``_names``."""

    def fit(self, X, y=None):
        """Learn which elements there are.

        Parameters
        ----------
        X : sequence of length n_structures
            Structures: see :func:`~skxfer.structures.read_structures`.
        y : None

        Returns
        -------
        self : object
        """
        self._validate_params()
        structures = read_structures(X)
        check_apart(structures)
        self.elements_ = SYMBOLS[np.unique(structures.numbers)]
        self.n_features_in_ = 1
        self._learn(structures)
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : sequence of length n_structures

        Returns
        -------
        ndarray of shape (n_structures, n_features_out)
        """
        return self._features(self._read(X))

    def fit_transform(self, X, y=None):
        """Fit and compute the features, reading the structures once.

        Parameters
        ----------
        X : sequence of length n_structures
        y : None

        Returns
        -------
        ndarray of shape (n_structures, n_features_out)
        """
        structures = read_structures(X)
        return self.fit(structures)._features(self._read(structures))

    def _learn(self, structures):
        """What else is learned in fit."""

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(self._names(), dtype=object)

    def _read(self, X):
        """Structures for a fitted transformer, all of known elements, without overlapping atoms."""
        check_is_fitted(self)
        structures = read_structures(X)
        self._check_elements(structures)
        check_apart(structures)
        return structures

    @property
    def _numbers(self):
        """Atomic numbers of the elements, in order."""
        return np.array([NUMBERS[symbol] for symbol in self.elements_])
