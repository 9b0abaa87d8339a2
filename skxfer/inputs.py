"""What estimators accept as X, y and sample_domain, and the errors they give for anything else."""

import numbers
import re
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_array, validate_data

from ._read_once import ReadOnce

# How learners of all packages say that a missing value stopped them.
_ABOUT_NAN = re.compile(r"\bnans?\b|missing value|non-finite|infinit|not finite", re.IGNORECASE)

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
    items = list(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


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


def check_finite(values, names, allow_nan, entries=None):
    """Raise an error that names the first row and column that is not finite.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
    names : list of str or None
        Of the columns.
    allow_nan : bool
    entries : sparse matrix in coordinates, optional
        That the values, one in a row, come from.

    Raises
    ------
    ValueError
    """
    bad = np.isinf(values) if allow_nan else ~np.isfinite(values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    what = "NaN" if np.isnan(values[row, column]) else "infinity"
    if entries is not None:
        row, column = entries.row[row], entries.col[row]
    name = repr(names[column]) if names is not None else column
    raise ValueError(
        f"Input X contains {what}: row {row}, column {name} ({bad.sum()} such values in "
        f"{bad.any(axis=1).sum()} rows). Drop or impute these rows, or use a learner that accepts NaN "
        f"(such as HistGradientBoostingRegressor); inf is never accepted."
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
    if isinstance(X, ReadOnce):
        if not len(X):
            raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required.")
        return X
    if _is_objects(X):
        objects = as_object_array(X.ravel() if getattr(X, "ndim", 1) == 2 else X)
        _check_present(objects)
        return objects
    if isinstance(X, pd.DataFrame):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if not len(X):
            raise ValueError("Found a DataFrame with 0 sample(s) while a minimum of 1 is required.")
        _check_finite_table(X, allow_nan)
        return X
    X = validate_data(
        estimator, X, reset=reset, accept_sparse=("csr", "csc"), dtype="numeric", ensure_all_finite=False
    )
    _check_finite_table(X, allow_nan)
    return X


def _check_finite_table(X, allow_nan):
    """Check the numbers of a DataFrame, sparse matrix or array of two dimensions."""
    if isinstance(X, pd.DataFrame):
        table = X.select_dtypes("number")
        check_finite(table.to_numpy(dtype=float), list(table.columns), allow_nan)
    elif sparse.issparse(X):
        entries = X.tocoo()
        check_finite(entries.data[:, None], None, allow_nan, entries)
    elif getattr(X, "ndim", 1) == 2 and X.dtype.kind in "biuf":
        check_finite(X, None, allow_nan)


@contextmanager
def naming_missing_values(X):
    """Name the first NaN of X where a learner fails on it: meta-estimators let it through to be imputed.

    Parameters
    ----------
    X : inputs of any kind, validated

    Raises
    ------
    ValueError
        From a learner's error about NaN. Other errors get a note on the NaN in X.
    """
    try:
        yield
    except Exception as error:
        named = find_missing_value(X)
        if named is not None and is_about_missing_values(error):
            raise named from error
        if named is not None:
            error.add_note(str(named))
        raise


def find_missing_value(X):
    """Return the error that names the first row and column of X that hold NaN, None without NaN."""
    try:
        _check_finite_table(X, allow_nan=False)
    except ValueError as named:
        return named
    return None


def is_about_missing_values(error):
    """Whether a learner's error says that it cannot handle a missing value."""
    return bool(_ABOUT_NAN.search(str(error)))


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
    check_numbers(y)
    Y = check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y")
    if Y.ndim == 1:
        Y = Y[:, None]
    if Y.ndim != 2:
        raise ValueError(f"y must have shape (n_samples,) or (n_samples, n_targets), got {Y.shape}.")
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


def check_numbers(y):
    """Refuse text among labels, naming the first row that holds what is no number.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_targets)

    Raises
    ------
    ValueError
    """
    values = np.asarray(y)
    if values.dtype.kind in "biufc" or values.ndim not in (1, 2):
        return
    for place, value in np.ndenumerate(values):
        if not isinstance(value, str):
            continue
        try:
            float(value)
        except ValueError:
            raise ValueError(
                f"Row {place[0]} of y is {str(value)!r}, which is no number. Correct or drop it; a missing "
                "label is NaN. (With keep_default_na=False pandas.read_csv reads empty cells as text; "
                "converters={'formula': str} does so for the formulas alone.)"
            ) from None


def _check_labels(given, n_samples, what, remedy):
    labels = np.asarray(given)
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
    strings = np.array([isinstance(label, str) for label in labels])
    if strings.any() and not strings.all():
        row = np.flatnonzero(strings != strings[0])[0]
        raise ValueError(
            f"sample_domain mixes text and other labels: row 0 has {labels[0]!r}, "
            f"row {row} has {labels[row]!r}. Convert all to text."
        )
    return labels.astype(str) if strings.all() else labels


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
    return _check_labels(groups, n_samples, what, "Give a value for each row")


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
    weight = _check_sample_weight(sample_weight, X)
    if (weight < 0).any():
        row = np.flatnonzero(weight < 0)[0]
        raise ValueError(f"sample_weight is negative in row {row}: {weight[row]:g}.")
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
