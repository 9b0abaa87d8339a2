"""Entries of X that a learner cannot take: found, and named by row and column."""

import re
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy import sparse

from ._real_numbers import as_numbers, check_size, real_table

# How learners of all packages say that a missing value stopped them.
_ABOUT_NAN = re.compile(r"\bnans?\b|missing value|non-finite|infinit|not finite", re.IGNORECASE)
# How they say that a number was too large for them, and that an entry is no number.
_ABOUT_SIZE = re.compile(r"\binfs?\b|infinit|too large|overflow|not finite|did not converge", re.IGNORECASE)
_ABOUT_TEXT = re.compile(
    r"could not convert|a real number, not|did not contain a loop|setting an array el|promoted"
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


def check_finite_table(X, allow_nan):
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
    """Name the first entry of X on which a learner fails: meta-estimators let it decide what it takes.

    Parameters
    ----------
    X : inputs of any kind, validated

    Raises
    ------
    ValueError, TypeError
        From a learner's error about NaN, text or a number that is too large. Other errors get a note on the
        NaN in X.
    """
    try:
        yield
    except Exception as error:
        named = find_bad_entry(X, error)
        if named is not None:
            raise named from error
        missing = find_missing_value(X)
        if missing is not None:
            error.add_note(str(missing))
        raise


def find_bad_entry(X, error):
    """Return the error that names the entry of X that a learner's error is about, None if there is none.

    Parameters
    ----------
    X : inputs of any kind, validated
    error : Exception
        Raised by the learner.

    Returns
    -------
    ValueError, TypeError or None
    """
    try:
        if is_about_missing_values(error):
            check_finite_table(X, allow_nan=False)
        if _ABOUT_TEXT.search(str(error)) and isinstance(X, pd.DataFrame):
            real_table(X)
        if _ABOUT_SIZE.search(str(error)) and getattr(X, "ndim", 1) == 2 and not sparse.issparse(X):
            check_size(as_numbers(X, "X"), "X")
    except (TypeError, ValueError) as named:
        return named
    return None


def find_missing_value(X):
    """Return the error that names the first row and column of X that hold NaN, None without NaN."""
    try:
        check_finite_table(X, allow_nan=False)
    except ValueError as named:
        return named
    return None


def is_about_missing_values(error):
    """Whether a learner's error says that it cannot handle a missing value."""
    return bool(_ABOUT_NAN.search(str(error)))
