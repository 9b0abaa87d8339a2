"""Any featurizer of matminer as a transformer that follows scikit-learn's rules."""

import warnings
from copy import deepcopy

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_even_slices
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from ..formulas import ELEMENTS, TakesFormulas, as_list, parse_entry


class MatminerFeaturizer(TakesFormulas, TransformerMixin, BaseEstimator):
    """Adapt a featurizer of matminer, of compositions or structures, to pipelines.

    matminer's own ``transform`` returns lists, replaces every error by NaN without a word, and starts a pool
    of processes of its own. Here the features are an array with names, errors say which row they come from,
    parallel work goes through joblib, and clones are exact whatever the constructor of the featurizer does.

    Parameters
    ----------
    featurizer : matminer featurizer
        For instance ``matminer.featurizers.composition.ValenceOrbital()``, or several in
        ``matminer.featurizers.base.MultipleFeaturizer``. It is copied before it is fitted. For
        ``ElementProperty`` use :class:`CompositionFeaturizer`, which is two orders of magnitude faster.
    on_error : {"raise", "nan"}, default="raise"
        When the featurizer fails on a row: raise an error that names it, or make its features NaN and warn
        of the number of such rows.
    n_jobs : int or None, default=None
        Number of joblib jobs. None: 1, or that of the enclosing ``joblib.parallel_config``.

    Attributes
    ----------
    featurizer_ : matminer featurizer
        The fitted copy.
    n_features_in_ : int
        1: the column of formulas or structures.

    Raises
    ------
    TypeError, ValueError
        For a featurizer that is a class or none at all, X that is no sequence, or a formula that cannot be
        read: see :func:`~skxfer.formulas.parse_formulas`.
    RuntimeError
        The featurizer fails on a row, if ``on_error="raise"``.

    See Also
    --------
    CompositionFeaturizer : Statistics of element properties, as ``ElementProperty`` of matminer.

    Notes
    -----
    A file of :func:`skxfer.io.save` names classes of matminer, which :func:`skxfer.io.load` only takes from
    those who ask for them: ``load(path, trusted=[Stoichiometry])``. If there are others, such as tables that
    the featurizer holds, its error lists them.

    Examples
    --------
    >>> from matminer.featurizers.composition import Stoichiometry  # doctest: +SKIP
    >>> from skxfer.featurizers import MatminerFeaturizer
    >>> featurizer = MatminerFeaturizer(Stoichiometry(p_list=[0, 2]))  # doctest: +SKIP
    >>> featurizer.fit_transform(["Fe2O3", "CuSO4·5H2O"]).round(3)  # doctest: +SKIP
    array([[2.   , 0.721],
           [4.   , 0.645]])
    >>> list(featurizer.get_feature_names_out())  # doctest: +SKIP
    ['0-norm', '2-norm']
    """

    _parameter_constraints: dict = {
        "featurizer": [HasMethods(["featurize", "feature_labels"])],
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [int, None],
    }

    def __init__(self, featurizer, *, on_error="raise", n_jobs=None):
        self.featurizer = featurizer
        self.on_error = on_error
        self.n_jobs = n_jobs

    def __sklearn_clone__(self):
        # Some constructors of matminer change what they are given, which scikit-learn's clone refuses.
        params = self.get_params(deep=False) | {"featurizer": deepcopy(self.featurizer)}
        copy = type(self)(**params)
        if hasattr(self, "_sklearn_output_config"):
            copy._sklearn_output_config = dict(self._sklearn_output_config)
        return copy

    def fit(self, X, y=None):
        """Fit a copy of the featurizer; most have nothing to learn.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas as str, pymatgen Composition or dict; or pymatgen Structures: what the featurizer takes.
        y : array-like of shape (n_samples,) or None
            Handed on to the featurizer.

        Returns
        -------
        self : MatminerFeaturizer
        """
        if isinstance(self.featurizer, type):
            name = self.featurizer.__name__
            raise TypeError(f"featurizer is the class {name}, not an instance of it: pass {name}(...).")
        self._validate_params()
        inputs = self._read(X)
        if not inputs:
            raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required.")
        self.featurizer_ = deepcopy(self.featurizer)
        self.featurizer_.fit(inputs, y)
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Of dtype object if the featurizer makes text.
        """
        check_is_fitted(self)
        inputs = self._read(X)
        labels = self.featurizer_.feature_labels()
        n_jobs = effective_n_jobs(self.n_jobs)
        n_parts = min(len(inputs), 4 * n_jobs if n_jobs > 1 else 1)
        slices = gen_even_slices(len(inputs), n_parts) if inputs else []
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(_featurize)(
                self.featurizer_, inputs[part], part.start, len(labels), self.on_error == "raise"
            )
            for part in slices
        )
        failures = [failure for _, failed in parts for failure in failed]
        if failures:
            row, error = failures[0]
            name = f"{entry!r}" if isinstance(entry := as_list(X)[row], str) else inputs[row].formula
            first = f"Row {row}, {name}: {type(self.featurizer_).__name__} failed with {error}"
            if self.on_error == "raise":
                raise RuntimeError(f"{first}. Drop this row, or set on_error='nan' to get NaN for such rows.")
            warnings.warn(
                f"{len(failures)} of {len(inputs)} rows have features of NaN. The first: {first}",
                stacklevel=2,
            )
        rows = [row for part, _ in parts for row in part]
        try:
            return np.array(rows, dtype=float).reshape(len(inputs), len(labels))
        except (TypeError, ValueError):
            return np.array(rows, dtype=object).reshape(len(inputs), len(labels))

    def get_feature_names_out(self, input_features=None):
        """Return the featurizer's labels.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array([str(label) for label in self.featurizer_.feature_labels()], dtype=object)

    def _read(self, X):
        """X as a list, formulas as pymatgen Compositions."""
        if hasattr(X, "composition"):
            raise TypeError(f"X is a single {type(X).__name__}: put it in a list.")
        return [self._read_entry(row, entry) for row, entry in enumerate(as_list(X))]

    @staticmethod
    def _read_entry(row, entry):
        if hasattr(entry, "composition") or hasattr(entry, "get_el_amt_dict"):
            return entry
        columns, amounts = parse_entry(row, entry)
        total = dict.fromkeys(columns, 0.0)
        for column, amount in zip(columns, amounts, strict=True):
            total[column] += amount
        # Amounts, not fractions: some featurizers count atoms or balance charges.
        return require("pymatgen.core").Composition({ELEMENTS[column]: n for column, n in total.items()})


def _featurize(featurizer, inputs, start, n_features, stop):
    """Features of some rows, and (row, error) of each failure, or of the first if `stop`."""
    rows, failures = [], []
    for i, entry in enumerate(inputs):
        try:
            row = list(featurizer.featurize(entry))
            if len(row) != n_features:
                raise ValueError(f"it returned {len(row)} features for {n_features} labels")
        except Exception as error:
            failures.append((start + i, f"{type(error).__name__}: {error}"))
            if stop:
                break
            row = [np.nan] * n_features
        rows.append(row)
    return rows, failures
