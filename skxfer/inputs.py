"""What estimators accept as X, y and sample_domain, and the errors they give for anything else."""

import numbers

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_array, validate_data

from ._bad_entries import (
    check_finite,
    check_finite_table,
    find_bad_entry,
    find_missing_value,
    naming_missing_values,
)
from ._read_once import ReadOnce, as_objects
from ._real_numbers import as_array, as_numbers, check_container, check_size, plain, real_table

__all__ = [
    "as_numbers",
    "as_object_array",
    "check_choice",
    "check_finite",
    "check_groups",
    "check_inputs",
    "check_names",
    "check_sample_domain",
    "check_targets",
    "check_weights",
    "find_bad_entry",
    "find_missing_value",
    "n_rows",
    "name_targets",
    "naming_missing_values",
    "take",
    "validate_numbers",
    "weighted_rows",
]

take = _safe_indexing  # rows of an array, DataFrame, sparse matrix or list


def as_object_array(items):
    """Put any sequence of objects into a 1-D object array.

    ``np.array(list_of_atoms, dtype=object)`` would turn a list of sequences
    into a 2-D table; this never does.

    Parameters
    ----------
    items : sequence of length n_samples
        Formulas, `ase.Atoms`, paths, ...

    Returns
    -------
    ndarray of shape (n_samples,), dtype object

    Examples
    --------
    >>> from skxfer.inputs import as_object_array
    >>> as_object_array([(1, 2), (3, 4)]).shape
    (2,)
    """
    return as_objects(list(items))


def _is_objects(X):
    """Whether X is a sequence of chemistry objects, perhaps in a column, and not a table of numbers."""
    if sparse.issparse(X) or isinstance(X, (str, pd.DataFrame)) or not hasattr(X, "__len__") or len(X) == 0:
        return False
    shape = getattr(X, "shape", (len(X),))
    if len(shape) != 1:
        in_a_column = isinstance(X, np.ndarray) and shape[1:] == (1,) and X.dtype.kind in "OUS"
        return in_a_column and not all(map(_is_number, X.ravel()))
    first = X.iloc[0] if isinstance(X, pd.Series) else X[0]
    if isinstance(first, (numbers.Number, np.generic)) and not isinstance(first, (str, bytes)):
        if getattr(X, "dtype", np.dtype(object)).kind in "biufc":
            return False
        return not all(map(_is_number, X))
    if not isinstance(first, (list, tuple, np.ndarray)):
        return True
    try:
        return np.asarray(first).dtype.kind not in "biufc"
    except ValueError:  # no row of a table, such as a pair of atomic numbers and positions
        return True


def _is_number(value):
    """Whether scikit-learn would read this entry of an array as a number; "NaN" is sodium nitride."""
    try:
        float(value)
    except (TypeError, ValueError):
        return value is None or value is pd.NA
    return not (isinstance(value, str) and value == "NaN")


def _check_present(objects):
    """Refuse missing ones among objects, naming the first row."""
    for row, value in enumerate(objects):
        if value is None or value is pd.NA or (isinstance(value, numbers.Real) and np.isnan(value)):
            raise ValueError(
                f"Input X contains {value!r} in row {row} in place of an object. Drop this row; or, if it "
                "should be sodium nitride (NaN), read the file with "
                "pandas.read_csv(..., converters={'formula': str})."
            )


def check_inputs(estimator, X, *, reset, allow_nan=False):
    """Validate X of any kind for a meta-estimator, keeping its kind.

    Tables of numbers are checked for finite values and a consistent number of
    columns. DataFrames stay DataFrames, so that a learner can select columns.
    Sequences of objects (formulas, structures), also in an array of one column,
    become 1-D object arrays; what was read once stays so.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_`` and ``feature_names_in_`` when `reset`.
    X : array-like, sparse matrix, DataFrame or sequence of objects
    reset : bool
        True in ``fit``, False in ``predict``.
    allow_nan : bool
        Whether the learner accepts NaN.

    Returns
    -------
    X : ndarray, sparse matrix, DataFrame or 1-D object array

    Raises
    ------
    ValueError
        NaN or inf (naming row and column), a wrong number of columns, no rows, a
        missing object (naming the row).
    """
    if X is not None:
        check_container(X, "X")
        if hasattr(X, "get_atomic_numbers") or hasattr(X, "cart_coords"):  # of ASE, of pymatgen
            raise TypeError(f"X is one structure, of type {type(X).__name__}: put it in a list, [X].")
    if isinstance(X, ReadOnce):
        if not len(X):
            raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required.")
        return X
    if _is_objects(X):
        objects = as_object_array(X.ravel() if getattr(X, "ndim", 1) == 2 else X)
        _check_present(objects)
        return objects
    X = real_table(X, mixed=True)
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not len(X):
            raise ValueError("Found a DataFrame with 0 sample(s) while a minimum of 1 is required.")
        check_finite_table(X, allow_nan)
        return X
    X = validate_data(
        estimator, X, reset=reset, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False
    )
    check_finite_table(X, allow_nan)
    return X


def validate_numbers(estimator, X, *, reset=True, dtype=np.float64, allow_nan=False):
    """Validate a table in which every column must hold numbers.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_`` and ``feature_names_in_`` when `reset`.
    X : array-like of shape (n_samples, n_features)
    reset : bool, default=True
        True in ``fit``, False in ``predict`` and ``transform``.
    dtype : type or tuple of types, default=float64
        Of the result; of several, the first stands in for any other type.
    allow_nan : bool, default=False
        Whether NaN is let through.

    Returns
    -------
    ndarray of shape (n_samples, n_features)

    Raises
    ------
    TypeError, ValueError
        Naming the first row and column that hold no number, or one that is not finite or above 1e150.
    """
    names = list(X.columns) if isinstance(X, pd.DataFrame) else None
    X = validate_data(estimator, real_table(X), reset=reset, dtype=dtype, ensure_all_finite=False)
    check_finite(X, names, allow_nan)
    check_size(X, "X")
    return X


def check_targets(y, n_samples):
    """Validate labels, of which some may be missing.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    n_samples : int

    Returns
    -------
    Y : ndarray of shape (n_samples, n_targets)

    Raises
    ------
    ValueError
        Text (naming the row), wrong length, infinite labels, or a target with no label at all.
    """
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    names = list(y.columns) if isinstance(y, pd.DataFrame) else None
    Y = as_numbers(y, "y")
    if Y.ndim > 2 or Y.shape[1:] == (0,):
        raise ValueError(f"y must have shape (n_samples,) or (n_samples, n_targets), got {Y.shape}.")
    Y = check_array(Y, ensure_2d=False, ensure_min_samples=0, ensure_all_finite="allow-nan", input_name="y")
    check_size(Y, "y")
    if Y.ndim == 1:
        Y = Y[:, None]
    if len(Y) != n_samples:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {n_samples} rows, y has {len(Y)}."
        )
    empty = np.isnan(Y).all(axis=0)
    if empty.any():
        column = np.flatnonzero(empty)[0]
        raise ValueError(
            f"Input y contains NaN only in target {names[column] if names else column}: "
            "every target needs at least one label."
        )
    return Y


def _check_labels(given, n_samples, what, remedy):
    check_container(given, what)
    given = plain(given)
    labels = as_array(given, what)
    if labels.dtype.kind in "US" and not isinstance(given, np.ndarray):
        # numpy would have written a missing label, or a number, as text.
        labels = np.asarray(given, dtype=object)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (n_samples,):
        raise ValueError(
            f"{what} must have one label per row: X has {n_samples} rows, {what} has shape {labels.shape}."
        )
    missing = pd.isna(pd.Series(labels, dtype=object)).to_numpy()
    if missing.any():
        raise ValueError(
            f"{what} has no label in row {np.flatnonzero(missing)[0]} ({missing.sum()} rows in all). "
            f"{remedy}, or drop the rows."
        )
    return labels


def check_sample_domain(sample_domain, n_samples):
    """Validate domain labels.

    Parameters
    ----------
    sample_domain : array-like of shape (n_samples,)
        Any labels that compare equal: strings or integers.
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        Wrong length or shape, or missing labels (naming the first row).
    """
    labels = _check_labels(sample_domain, n_samples, "sample_domain", "Name the domain of each row")
    if labels.dtype != object:
        return labels
    return labels.astype(str) if _are_text(labels, "sample_domain") else labels


def _are_text(labels, what):
    """Whether labels in an object array are text; all or none must be."""
    strings = np.array([isinstance(label, str) for label in labels])
    if strings.any() and not strings.all():
        row = np.flatnonzero(strings != strings[0])[0]
        raise ValueError(
            f"{what} mixes text and other labels: row 0 has {labels[0]!r}, row {row} has {labels[row]!r}. "
            "Convert all to text."
        )
    return strings.all()


def check_groups(groups, n_samples, what="groups"):
    """Validate group labels of rows.

    Parameters
    ----------
    groups : array-like of shape (n_samples,)
    n_samples : int
    what : str
        Its name, for the error.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        Wrong length or shape, or a missing label (naming the first row).
    """
    labels = _check_labels(groups, n_samples, what, "Give a value for each row")
    if labels.dtype == object and what == "groups":
        _are_text(labels, what)
    return labels


def check_names(names, what):
    """Check that every part of an estimator has a name of its own.

    Parameters
    ----------
    names : list of str
    what : str
        The parts, for the error.

    Raises
    ------
    ValueError
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Two {what} have the same name: {twice}.")


def check_weights(sample_weight, X):
    """Validate sample weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,)
    X : array-like or sequence of length n_samples

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        Wrong length, NaN, or a negative weight (naming the row).
    """
    if not isinstance(sample_weight, numbers.Real):
        weight = as_numbers(sample_weight, "sample_weight")
        sample_weight = weight.ravel() if weight.shape[1:] == (1,) else weight
        if np.isnan(weight).any():
            row = np.argwhere(np.isnan(weight))[0][0]
            raise ValueError(f"Input sample_weight contains NaN in row {row}: give 0 to leave a row out.")
        if not weight.any():
            raise ValueError("Every sample_weight is zero: at least one row must have a weight above 0.")
    weight = _check_sample_weight(sample_weight, X)
    if (weight < 0).any():
        row = np.flatnonzero(weight < 0)[0]
        raise ValueError(
            f"sample_weight is negative in row {row}: {weight[row]:g}. Weights must be 0 or more."
        )
    return weight


def weighted_rows(rows, weight, name):
    """Return the rows that have a weight: the others count as dropped.

    Parameters
    ----------
    rows : ndarray of int
    weight : ndarray of shape (n_samples,) or None
    name : str
        Of the domain, for the error.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        All these rows have the weight 0.
    """
    if weight is None:
        return rows
    kept = rows[weight[rows] > 0]
    if not kept.size:
        raise ValueError(f"Every row of {name} has the sample_weight 0, so there is nothing to learn from.")
    return kept


def n_rows(X):
    """Return the number of rows of X, whatever its kind."""
    return _num_samples(X)


def name_targets(y, n_targets, target_names):
    """Return the names of the targets: those given, else the columns of y, else numbers."""
    if target_names is None:
        target_names = getattr(y, "columns", [getattr(y, "name", None)])
        if len(target_names) != n_targets or target_names[0] is None:
            target_names = [f"y{t}" for t in range(n_targets)] if n_targets > 1 else ["y"]
    if len(target_names) != n_targets:
        raise ValueError(f"There are {len(target_names)} target_names for {n_targets} targets.")
    return [str(name) for name in target_names]


def check_choice(value, allowed, name="metric"):
    """Raise an error that lists what is allowed."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, got {value!r}.")
