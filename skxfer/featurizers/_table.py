"""A whole table as numbers: descriptors for each kind of column, side by side."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted, validate_data

from .._real_numbers import as_array, check_axes, check_container, check_kind, plain, real_table
from ..input_kinds import KINDS, OBJECTS, recognise_columns
from ..inputs import as_object_array


class TableFeaturizer(TransformerMixin, BaseEstimator):
    """Turn a table of numbers, categories, formulas, SMILES, structures and spectra into numbers.

    Each column is recognised by its cells and its name, and gets the descriptors of its kind: put this first
    in a pipeline, and any learner takes the table.

    Parameters
    ----------
    kinds : dict of str to str, optional
        Kinds of columns by name, where they are known: ``"number"``, ``"category"``, ``"formula"``,
        ``"smiles"``, ``"structure"``, ``"spectrum"``, or ``"ignored"``. The other columns are recognised.
    formula : transformer, optional
        Descriptors of chemical formulas. Default: :class:`CompositionFeaturizer`.
    smiles : transformer, optional
        Descriptors of molecules. Default: :class:`FingerprintFeaturizer`.
    structure : transformer, optional
        Descriptors of structures. Default: :class:`ClusterFeaturizer`.
    impute : bool, default=True
        Replace missing numbers, and descriptors of missing formulas, SMILES and structures, by the median of
        the column in ``fit``. False: leave them NaN, for learners that take it. A missing category is none of
        the known ones, either way.
    drop_constant : bool, default=True
        Leave out descriptors of formulas, SMILES and structures that are the same for all rows of ``fit``.
    folder : str or path-like, default="."
        Where the paths of structures start.

    Attributes
    ----------
    columns_ : dict of str to :class:`~skxfer.input_kinds.Column`
        What each column was taken for, and why.
    transformers_ : dict of str to fitted transformer
        For columns of categories, formulas, SMILES and structures.
    medians_ : ndarray of shape (n_features_out,)
    feature_names_in_ : ndarray of str
    n_features_in_ : int

    Raises
    ------
    ValueError
        No column holds something of use; a cell cannot be read (naming column and row); in ``transform``, a
        column is missing.
    ImportError
        The package for a kind of column is not installed: RDKit for SMILES, matminer for formulas, ASE for
        files of structures.

    See Also
    --------
    skxfer.tables.read_table : Reads files of tables.
    skxfer.input_kinds.recognise_columns : How columns are recognised.

    Notes
    -----
    Equal formulas, SMILES and structures are described once. A category that was not in ``fit`` is none of
    the known ones. In ``transform`` columns are matched by name; those that are not used may be absent.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.featurizers import CompositionFeaturizer, TableFeaturizer
    >>> table = pd.DataFrame(
    ...     {"oxide": ["TiO2", "ZnO", "TiO2"], "form": ["film", "bulk", "film"], "T": [300, None, 500]}
    ... )
    >>> featurizer = TableFeaturizer(formula=CompositionFeaturizer("fractions"))
    >>> featurizer.set_output(transform="pandas").fit_transform(table).iloc[:, -4:].round(2)
       oxide: fractions mean Zn  form=bulk  form=film      T
    0                       0.0        0.0        1.0  300.0
    1                       0.5        1.0        0.0  400.0
    2                       0.0        0.0        1.0  500.0
    """

    _parameter_constraints: dict = {
        "kinds": [dict, None],
        "formula": [HasMethods(["fit", "transform"]), None],
        "smiles": [HasMethods(["fit", "transform"]), None],
        "structure": [HasMethods(["fit", "transform"]), None],
        "impute": ["boolean"],
        "drop_constant": ["boolean"],
        "folder": [str, Path],
    }

    def __init__(
        self,
        kinds=None,
        *,
        formula=None,
        smiles=None,
        structure=None,
        impute=True,
        drop_constant=True,
        folder=".",
    ):
        self.kinds = kinds
        self.formula = formula
        self.smiles = smiles
        self.structure = structure
        self.impute = impute
        self.drop_constant = drop_constant
        self.folder = folder

    def __sklearn_tags__(self):
        """Any table in, numbers out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X, y=None):
        """Recognise the columns, and learn categories, medians, and what the descriptors learn.

        Parameters
        ----------
        X : DataFrame of n_samples rows, or array-like of shape (n_samples, n_columns)
        y : None

        Returns
        -------
        self : TableFeaturizer
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and turn the same table into numbers.

        Parameters
        ----------
        X : DataFrame of n_samples rows, or array-like of shape (n_samples, n_columns)
        y : None

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        self._validate_params()
        table = self._table(X, reset=True)
        kinds = dict(self.kinds or {})
        ignored = [name for name, kind in kinds.items() if kind == "ignored"]
        given = {name: kind for name, kind in kinds.items() if kind != "ignored"}
        self.columns_ = recognise_columns(table, given=given, ignore=ignored, folder=self.folder)
        if all(column.kind == "ignored" for column in self.columns_.values()):
            reasons = "; ".join(f"{column.name}: {column.why}" for column in self.columns_.values())
            raise ValueError(f"No column can be used ({reasons}). Name the kinds of columns that should be.")
        self.transformers_, self._kept, self._sizes = {}, {}, {}
        blocks = [self._fit_column(table[name], self.columns_[name].kind) for name in self._used()]
        features = np.concatenate(blocks, axis=1)
        known = np.isfinite(features).any(axis=0)
        self.medians_ = np.zeros(features.shape[1])
        self.medians_[known] = np.nanmedian(features[:, known], axis=0)
        return self._imputed(features)

    def transform(self, X):
        """Turn a table into numbers.

        Parameters
        ----------
        X : DataFrame of n_samples rows, or array-like of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        table = self._table(X, reset=False)
        blocks = [self._of_column(table[name], self.columns_[name].kind) for name in self._used()]
        return self._imputed(np.concatenate(blocks, axis=1))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
            The name of a column of numbers, ``column=value`` of a category, and ``column: descriptor`` else.
        """
        check_is_fitted(self)
        names = []
        for name in self._used():
            kind = self.columns_[name].kind
            if kind == "category":
                names += [f"{name}={value}" for value in self.transformers_[name].categories_[0]]
            elif kind in OBJECTS:
                inner = _names_of(self.transformers_[name], self._sizes[name])
                names += [f"{name}: {descriptor}" for descriptor in inner[self._kept[name]]]
            else:
                names.append(str(name))
        return np.array(names, dtype=object)

    def _used(self):
        return [name for name, column in self.columns_.items() if column.kind != "ignored"]

    def _table(self, X, reset):
        """Check the input, and return it as a DataFrame with rows numbered from 0."""
        if isinstance(X, pd.DataFrame):
            if reset:
                validate_data(self, X, reset=True, skip_check_array=True)
            elif missing := [name for name in self._used() if name not in X]:
                raise ValueError(
                    f"Column {missing[0]!r} is missing"
                    + (f", and {len(missing) - 1} more columns" if len(missing) > 1 else "")
                    + f"; the table has {', '.join(map(str, X.columns[:10]))}."
                )
            if not len(X):
                raise ValueError("Found a DataFrame with 0 sample(s) while a minimum of 1 is required.")
            return real_table(X.reset_index(drop=True), mixed=True)
        check_container(X, "X")
        array = as_array(X, "X")
        check_kind(array, "X")
        check_axes(array, "X")
        X = validate_data(self, plain(X), reset=reset, dtype=None, ensure_all_finite=False)
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])
        table = pd.DataFrame(np.asarray(X), columns=names)
        return real_table(table.infer_objects().apply(_without_text), mixed=True)

    def _fit_column(self, column, kind):
        """Fit what makes numbers of a column, and return them."""
        name = column.name
        if kind == "category":
            self.transformers_[name] = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            self.transformers_[name].fit(_categories(column[column.notna()]))
            return self._of_column(column, kind)
        if kind not in OBJECTS:
            return _numbers(column)
        given = getattr(self, kind)
        model = KINDS[kind].make_transformer() if given is None else clone(given)
        values, inverse = _distinct(column[column.notna()], kind, self.folder)
        with _CellsNamed(column, values, inverse, lambda one: clone(model).fit(one)):
            features = np.asarray(model.set_output(transform="default").fit_transform(values), dtype=float)
        changes = np.ptp(np.nan_to_num(features, nan=1e300), axis=0) > 0
        constant = self.drop_constant and changes.any()
        self._kept[name] = np.flatnonzero(changes if constant else np.ones(len(changes), dtype=bool))
        self._sizes[name] = len(changes)
        self.transformers_[name] = model
        return _spread(features[inverse][:, self._kept[name]], column)

    def _of_column(self, column, kind):
        """Numbers of a column, ndarray of shape (n_samples, n_features)."""
        if kind not in KINDS or kind in ("number", "spectrum"):
            return _numbers(column)
        model, present = self.transformers_[column.name], column[column.notna()]
        if kind == "category":
            features = model.transform(_categories(present)) if len(present) else np.zeros((0, 0))
            if not len(present):
                features = np.zeros((0, len(model.categories_[0])))
            return np.nan_to_num(_spread(features, column))
        kept = self._kept[column.name]
        if not len(present):
            return np.full((len(column), len(kept)), np.nan)
        values, inverse = _distinct(present, kind, self.folder)
        with _CellsNamed(column, values, inverse, model.transform):
            features = np.asarray(model.transform(values), dtype=float)
        return _spread(features[inverse][:, kept], column)

    def _imputed(self, features):
        if self.impute:
            features = np.where(np.isfinite(features), features, self.medians_)
        return np.asfortranarray(features)  # by column, as in a DataFrame that was read from a file


def _names_of(model, n_features):
    """Names of the features of a transformer; numbers if it has none."""
    try:
        return np.asarray(model.get_feature_names_out(), dtype=object)
    except AttributeError:
        return np.array([str(i) for i in range(n_features)], dtype=object)


def _without_text(column):
    """Numbers of a column of an array that holds them as text, as numpy writes them next to other text."""
    if (
        getattr(column.dtype, "kind", "") not in "OS"
        or not column.map(lambda value: isinstance(value, (str, bytes))).all()
    ):
        return column
    text = column.map(
        lambda value: value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    )
    found = pd.to_numeric(text.str.strip(), errors="coerce")
    return column if found.isna().any() else found


def _numbers(column):
    """A column of numbers, ndarray of shape (n_samples, 1); infinity counts as missing."""
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        as_numbers = pd.to_numeric(column, errors="coerce")
        row = np.flatnonzero((as_numbers.isna() & column.notna()).to_numpy())
        if not row.size:
            values = as_numbers.to_numpy(dtype=float)
        else:
            raise ValueError(
                f"Column {column.name!r} must hold numbers, but row {row[0]} has {column.iloc[row[0]]!r}."
            ) from None
    return np.where(np.isfinite(values), values, np.nan)[:, None]


def _categories(present):
    return present.astype(str).str.strip().to_numpy(dtype=object)[:, None]


def _distinct(present, kind, folder):
    """Different values in order of appearance, and which of them each row has."""
    if not all(isinstance(value, str) for value in present):  # structures and compositions as objects
        return as_object_array(present), np.arange(len(present))
    inverse, values = pd.factorize(present.str.strip())
    if kind == "structure":
        values = [str(Path(folder, value)) for value in values]
    return as_object_array(values), inverse


def _spread(features, column):
    """Features of the rows that have a value, and NaN for those that do not."""
    present = column.notna().to_numpy()
    if present.all():
        return features
    spread = np.full((len(column), features.shape[1]), np.nan)
    spread[present] = features
    return spread


class _CellsNamed:
    """Context in which an error of a transformer names the column and row of the table."""

    def __init__(self, column, values, inverse, attempt):
        self.column, self.values, self.inverse, self.attempt = column, values, inverse, attempt

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if not isinstance(error, (TypeError, ValueError)):
            return False
        present = self.column[self.column.notna()]
        for number in range(self.inverse.max(initial=-1) + 1):
            at = int(np.flatnonzero(self.inverse == number)[0])
            try:
                self.attempt(as_object_array([self.values[number]]))
            except (TypeError, ValueError) as reason:
                text = re.sub(r"^(Row|Structure) 0[,:]? ?", "", str(reason))
                raise ValueError(f"Column {self.column.name!r}, row {present.index[at]}: {text}") from reason
        return False
