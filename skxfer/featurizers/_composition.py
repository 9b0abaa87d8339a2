"""Chemical formulas as statistics of the properties of their elements."""

import contextlib
import warnings
from functools import cache

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from ..formulas import ELEMENTS, TakesFormulas, parse_formulas, read_formulas
from ._element_statistics import STATISTICS, element_statistics

# Our name and matminer's.
_MATMINER = {
    "magpie": "magpie",
    "deml": "deml",
    "matminer": "matminer",
    "matscholar": "matscholar_el",
    "megnet": "megnet_el",
}
_FETCHED = {
    "oliynyk": ["minimum", "maximum", "range", "mean", "avg_dev", "mode"],
    "jarvis": ["minimum", "maximum", "range", "mean", "std_dev"],
    "mat2vec": ["minimum", "maximum", "range", "mean", "std_dev"],
}
_IDENTITY = {"fractions": ["mean"], "onehot": ["maximum"]}
_OF_A_TABLE = ["minimum", "maximum", "range", "mean", "std_dev"]


class CompositionFeaturizer(TakesFormulas, TransformerMixin, BaseEstimator):
    r"""Turn formulas into statistics of the properties of their elements.

    Same numbers, names and order as ``ElementProperty`` of matminer [1]_, computed for all formulas at once.
    Formulas are read by :func:`~skxfer.formulas.parse_formulas`; equal compositions written differently get
    equal features.

    Parameters
    ----------
    preset : str or DataFrame, default="magpie"
        Where the properties of the elements come from.

        ==================  ==========  =====================================================================
        preset              properties  source
        ==================  ==========  =====================================================================
        ``"magpie"``        22          matminer: Magpie [2]_
        ``"deml"``          16          matminer: Deml et al. [3]_
        ``"matminer"``      13          matminer: pymatgen's periodic table
        ``"matscholar"``    200         matminer: word vectors of abstracts
        ``"megnet"``        16          matminer: embedding of the MEGNet network
        ``"oliynyk"``       44          :func:`~skxfer.datasets.fetch_element_embedding`
        ``"jarvis"``        438         the same
        ``"mat2vec"``       200         the same: word vectors
        ``"fractions"``     118         atomic fraction of each element (mean of one-hot elements)
        ``"onehot"``        118         1 where the element is present, else 0 (maximum of one-hot elements)
        ==================  ==========  =====================================================================

        ``"fractions"`` and ``"onehot"`` have a column for each of the 118 elements, seen in ``fit`` or not,
        and need no matminer. A DataFrame of numbers with symbols of elements as index is a table of your own.
    statistics : list of str or None, default=None
        Which of ``"minimum"``, ``"maximum"``, ``"range"``, ``"mean"``, ``"avg_dev"``, ``"std_dev"`` and
        ``"mode"`` over the elements of a compound. ``"mean"``, ``"avg_dev"`` (mean absolute deviation) and
        ``"std_dev"`` (corrected for reliability weights; 0 for an element) weigh by atomic fraction;
        ``"mode"`` is the value of the most abundant element, the smallest one of several. None: those of
        matminer's preset; for ``"oliynyk"`` those of ``"magpie"``; for ``"jarvis"``, ``"mat2vec"`` and a
        DataFrame minimum, maximum, range, mean and std_dev, as matminer does for embeddings.
    impute_nan : bool, default=True
        Replace a property that an element lacks, and all properties of an element that the source lacks, by
        the mean over the elements that have it (``"deml"`` takes number, mass and row from the periodic
        table), as matminer's presets do. If False such properties make NaN, for learners that accept it, such
        as :class:`~sklearn.ensemble.HistGradientBoostingRegressor`; ``"megnet"`` has a vector for unknown
        elements and never gives NaN.

    Attributes
    ----------
    element_table_ : ndarray of shape (118, n_properties)
        Properties of the elements in order of atomic number.
    property_names_ : list of str
    statistics_ : list of str
    n_features_in_ : int
        1: the column of formulas.

    Raises
    ------
    TypeError, ValueError
        For X that is no sequence of formulas, or a formula that cannot be read: see
        :func:`~skxfer.formulas.parse_formulas`.
    ImportError
        If a preset needs matminer and it is absent.

    See Also
    --------
    MatminerFeaturizer : Any featurizer of matminer.

    References
    ----------
    .. [1] Ward, L. et al., Comput. Mater. Sci. 2018, 152, 60, doi:10.1016/j.commatsci.2018.05.018.
    .. [2] Ward, L. et al., npj Comput. Mater. 2016, 2, 16028, doi:10.1038/npjcompumats.2016.28.
    .. [3] Deml, A. M. et al., Phys. Rev. B 2016, 93, 085142, doi:10.1103/PhysRevB.93.085142.

    Examples
    --------
    >>> from skxfer.featurizers import CompositionFeaturizer
    >>> featurizer = CompositionFeaturizer("fractions").fit(["Fe2O3", "CuO"])
    >>> print(featurizer.transform(["Fe2O3"])[0, [7, 25]])
    [0.6 0.4]
    >>> print(featurizer.get_feature_names_out()[7])
    fractions mean O
    >>> CompositionFeaturizer("magpie").fit_transform(["Fe2O3", "CuO"]).shape  # doctest: +SKIP
    (2, 132)
    """

    _parameter_constraints: dict = {
        "preset": [StrOptions({*_MATMINER, *_FETCHED, *_IDENTITY}), pd.DataFrame],
        "statistics": ["array-like", None],
        "impute_nan": ["boolean"],
    }

    def __init__(self, preset="magpie", *, statistics=None, impute_nan=True):
        self.preset = preset
        self.statistics = statistics
        self.impute_nan = impute_nan

    def fit(self, X, y=None):
        """Look up the properties of the elements; nothing is learned from X, but it is checked.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas: see :func:`~skxfer.formulas.parse_formulas`.
        y : None

        Returns
        -------
        self : CompositionFeaturizer
        """
        self._validate_params()
        n_samples = parse_formulas(X).shape[0]
        if not n_samples:
            raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required: give formulas.")
        label, names, table, statistics = load_elements(self.preset, self.impute_nan)
        if self.statistics is not None:
            statistics = list(self.statistics)
            unknown = [name for name in statistics if name not in STATISTICS]
            if unknown or not statistics or len({*statistics}) < len(statistics):
                raise ValueError(
                    f"statistics={statistics!r} must be different names out of {', '.join(STATISTICS)}."
                )
        self.property_names_, self.element_table_, self.statistics_ = names, table, statistics
        self._label = label
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples, n_properties * n_statistics)
            All statistics of the first property, then those of the second one, and so on. In units of the
            source.
        """
        check_is_fitted(self)
        return self._features(parse_formulas(X))

    def fit_transform(self, X, y=None):
        """Fit and compute the features, reading the formulas once.

        Parameters
        ----------
        X : sequence of length n_samples
        y : None

        Returns
        -------
        ndarray of shape (n_samples, n_properties * n_statistics)
        """
        formulas = read_formulas(X)
        return self.fit(formulas)._features(formulas.fractions)

    def _features(self, fractions):
        features = element_statistics(fractions, self.element_table_, self.statistics_)
        return features.reshape(len(features), self._n_features_out)

    @property
    def _n_features_out(self):
        return len(self.property_names_) * len(self.statistics_)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, such as ``MagpieData mean Number``.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = [
            f"{self._label} {statistic} {name}".lstrip()
            for name in self.property_names_
            for statistic in self.statistics_
        ]
        return np.array(names, dtype=object)


def load_elements(preset, impute_nan):
    """Look up the properties of the elements.

    Parameters
    ----------
    preset : str or DataFrame
        As of :class:`CompositionFeaturizer`.
    impute_nan : bool

    Returns
    -------
    label : str
        Of the source.
    names : list of str
        Of the properties.
    table : ndarray of shape (118, n_properties)
    statistics : list of str
        The source's own.
    """
    if isinstance(preset, pd.DataFrame):
        return "", *_complete(preset, impute_nan), _OF_A_TABLE
    if preset in _IDENTITY:
        return preset, list(ELEMENTS), np.eye(len(ELEMENTS)), _IDENTITY[preset]
    if preset in _FETCHED:
        from ..datasets import fetch_element_embedding

        return preset, *_complete(fetch_element_embedding(preset), impute_nan), _FETCHED[preset]
    label, names, table, statistics = _matminer_table(_MATMINER[preset], impute_nan)
    return label, list(names), table.copy(), list(statistics)


@cache
def _matminer_table(preset, impute_nan):
    """Label, names of the properties, their table, and the statistics of a preset of matminer."""
    composite = require("matminer.featurizers.composition")
    element = require("pymatgen.core").Element
    found = composite.ElementProperty.from_preset(preset, impute_nan=impute_nan)
    table = np.full((len(ELEMENTS), len(found.features)), np.nan)
    with warnings.catch_warnings():
        # Hundreds, one for each property that an element lacks: impute_nan says what becomes of these.
        warnings.filterwarnings("ignore", "No data available", UserWarning)
        for row, symbol in enumerate(ELEMENTS):
            for column, name in enumerate(found.features):
                # Some sources have no entry for an element where others have NaN.
                with contextlib.suppress(KeyError):
                    table[row, column] = found.data_source.get_elemental_property(element(symbol), name)
    return type(found.data_source).__name__, tuple(found.features), table, tuple(found.stats)


def _complete(frame, impute_nan):
    """Names of the columns of a table of some elements, and the table for all 118."""
    unknown = [symbol for symbol in frame.index if symbol not in ELEMENTS]
    if unknown or not frame.index.is_unique or not frame.size:
        what = f"{unknown[0]!r} is no element" if unknown else "it is empty or has an element twice"
        raise ValueError(f"The index of the table in preset must hold symbols such as 'Fe': {what}.")
    for name, dtype in frame.dtypes.items():
        if dtype.kind not in "biuf":
            raise ValueError(f"Column {name!r} of the table in preset has the type {dtype}, not numbers.")
    table = frame.reindex(list(ELEMENTS)).to_numpy(dtype=float, na_value=np.nan)
    for j, name in enumerate(frame.columns):
        missing = np.isnan(table[:, j])
        if np.isinf(table[:, j]).any() or missing.all():
            raise ValueError(f"Column {name!r} of the table in preset holds infinity, or no number at all.")
        if impute_nan:
            table[missing, j] = table[~missing, j].mean()
    return [str(name) for name in frame.columns], table
