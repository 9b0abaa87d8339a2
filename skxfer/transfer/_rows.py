"""What the rows are (table, formulas, structures, other objects), read once, and which of them are equal."""

import os
import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from .._real_numbers import as_numbers
from ..formulas import composition_groups, read_formulas
from ..inputs import as_object_array, check_inputs
from ..structures import read_structures

# Endings of files that hold one structure.
STRUCTURE_FILES = (".cif", ".xyz", ".extxyz", ".vasp", ".poscar", ".contcar")


def read_inputs(estimator, X, *, reset):
    """Validate X and read its objects, so that no strategy, fold or member reads them again.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_`` and ``feature_names_in_`` when `reset`.
    X : inputs of any kind
    reset : bool
        True in ``fit``, False in ``predict``.

    Returns
    -------
    X : ndarray, sparse matrix, DataFrame, Formulas, Structures or 1-D object array
        NaN in a table is let through: the learner decides.
    kind : {"table", "formulas", "structures", "other"}
        ``"formulas"`` if :func:`skxfer.formulas.parse_formulas` reads all rows; ``"table"`` of numbers.
    """
    X = check_inputs(estimator, X, reset=reset, allow_nan=True)
    if sparse.issparse(X):
        return X, "table"
    if isinstance(X, pd.DataFrame):
        return X, kind_of_columns(X)
    if X.ndim == 2:
        return X, "table" if X.dtype.kind in "biuf" else "other"
    formulas = _read(read_formulas, X)
    if formulas is not None:
        return formulas, "formulas"
    structures = _read(read_structures, X) if _may_be_structure(X[0]) else None
    return (X, "other") if structures is None else (structures, "structures")


def kind_of_columns(X):
    """Return what the columns of a DataFrame hold.

    Parameters
    ----------
    X : DataFrame

    Returns
    -------
    {"table", "formulas", "other"}
    """
    if X.shape[1] == len(X.select_dtypes(["number", "bool"]).columns):
        return "table"
    # A single column of formulas stays a column, which a learner may select by its name.
    return "formulas" if X.shape[1] == 1 and _read(read_formulas, X) is not None else "other"


def in_the_same_form(X, other):
    """Make a table a DataFrame or an array, as another one is, so that one transformer reads both.

    Parameters
    ----------
    X, other : inputs as :func:`read_inputs` returns them

    Returns
    -------
    inputs of any kind
    """
    if isinstance(other, pd.DataFrame) and isinstance(X, np.ndarray) and X.shape[1:] == other.shape[1:]:
        return pd.DataFrame(X, columns=other.columns)
    if not isinstance(other, np.ndarray) or other.ndim != 2:
        return X
    if sparse.issparse(X):
        return X.toarray()
    if isinstance(X, pd.DataFrame):
        return as_numbers(X, "X_deploy")
    return X


def equal_rows(X, kind):
    """Number the rows that are different.

    Parameters
    ----------
    X : inputs as :func:`read_inputs` returns them
    kind : str

    Returns
    -------
    ndarray of int, shape (n_samples,), or None
        Equal rows of a table have one number, and formulas of one composition. None for sparse tables and
        other objects: which of them are the same is not known.
    """
    if kind == "formulas":
        return composition_groups(X)
    if kind != "table" or sparse.issparse(X):
        return None
    table = X.to_numpy(dtype=float) if isinstance(X, pd.DataFrame) else X
    # Two NaN are the same here; there is no infinity in X.
    return np.unique(np.nan_to_num(table, nan=np.inf), axis=0, return_inverse=True)[1].ravel()


def join_rows(X, more):
    """Put the rows of two inputs of one kind into one.

    Parameters
    ----------
    X, more : ndarray, sparse matrix, DataFrame or sequence of objects

    Returns
    -------
    ndarray, sparse matrix, DataFrame or 1-D object array

    Raises
    ------
    ValueError
        Tables with different columns.
    """
    if sparse.issparse(X):
        return sparse.vstack([X, more], format="csr")
    if isinstance(X, pd.DataFrame):
        missing = [name for name in X if name not in more]
        if missing:
            raise ValueError(f"The new rows lack the columns {missing}: name the columns of all rows alike.")
        return pd.concat([X, more[X.columns]], ignore_index=True)
    if getattr(X, "ndim", 1) == 2:
        return np.concatenate([X, np.asarray(more)])
    return as_object_array([*X, *more])


def _may_be_structure(entry):
    if isinstance(entry, (str, os.PathLike)):
        return os.fspath(entry).lower().endswith(STRUCTURE_FILES)
    return True


def _read(reader, X):
    """Read all rows, None if any cannot be read so."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a learner that reads them warns again
            return reader(X)
    except (TypeError, ValueError, ImportError):
        return None
