"""Numbers from any container, and errors that name the first entry that is none."""

import numbers
from collections.abc import Mapping, Set
from decimal import Decimal
from inspect import isroutine

import numpy as np
import pandas as pd
from scipy import sparse

# The square of a larger number, times a few rows, has no place in double precision.
LARGEST = 1e150
# Characters of an entry that are shown in an error.
SHOWN = 60


def check_container(values, name):
    """Refuse what holds no rows in an order, naming its type.

    Parameters
    ----------
    values : object
    name : str
        Name of the argument, for the error.

    Raises
    ------
    TypeError
    """
    kind = type(values).__name__
    if values is None:
        raise TypeError(f"{name} is None: give an array-like with one entry per row.")
    if getattr(getattr(values, "dtype", None), "kind", "") == "V" and values.dtype.names:
        check_kind(values, name)
    if isinstance(values, (Mapping, Set)) and not sparse.issparse(values):  # scipy's dok arrays are dicts
        order = "has no order of rows" if isinstance(values, Set) else "maps names to values"
        raise TypeError(f"{name} is a {kind}, which {order}: give a list, an array or a DataFrame.")
    if hasattr(values, "__next__") or (hasattr(values, "__iter__") and not hasattr(values, "__len__")):
        raise TypeError(f"{name} is a {kind}, which can be read only once: give list({name}).")
    if isinstance(values, (str, bytes, type)) or isroutine(values):
        raise TypeError(f"{name} is {_shown(values)} ({kind}): give an array-like with one entry per row.")
    if isinstance(values, numbers.Number) or getattr(values, "shape", None) == ():
        raise TypeError(
            f"{name} is the single value {_shown(values)}: give an array-like with one entry per row."
        )


def plain(values):
    """Unwrap containers that numpy would misread: hidden entries of masked arrays become NaN.

    Parameters
    ----------
    values : array-like

    Returns
    -------
    array-like
    """
    if isinstance(values, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(values)
        if not hidden.any():
            return np.asarray(values)
        is_number = values.dtype.kind in "biuf"
        shown = np.asarray(values.data).astype(float if is_number else object)
        shown[hidden] = np.nan if is_number else None
        return shown
    if isinstance(values, np.matrix):
        return np.asarray(values)
    if hasattr(values, "detach") and hasattr(values, "requires_grad"):  # a tensor of torch
        return values.detach().cpu().numpy()
    return values


def as_numbers(values, name):
    """Read numbers from any container.

    Parameters
    ----------
    values : array-like of one or two dimensions
        None, NA and masked entries are missing. Text is read as a number.
    name : str
        Name of the argument, for errors.

    Returns
    -------
    ndarray of float64
        Missing entries are NaN.

    Raises
    ------
    TypeError, ValueError
        No array-like, rows of several lengths, complex numbers, dates, or an entry that is no number (naming
        its row).
    """
    check_container(values, name)
    if sparse.issparse(values):
        raise TypeError(f"{name} is a sparse {type(values).__name__}: give {name}.toarray().")
    if isinstance(values, pd.DataFrame):
        columns = [_column(values.iloc[:, j], name, j) for j in range(values.shape[1])]
        return np.column_stack(columns) if columns else np.empty(values.shape)
    array = as_array(values, name)
    check_axes(array, name)
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    check_kind(array, name)
    return _from_objects(array.astype(object), name)


def real_table(X, name="X", *, mixed=False):
    """Bring a table into a form that scikit-learn reads as what it is.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame
    name : str, default="X"
        Name of the argument, for errors.
    mixed : bool, default=False
        Whether columns of a DataFrame may hold text and dates, of which the learner makes what it can.

    Returns
    -------
    array-like, sparse matrix or DataFrame
        A DataFrame stays one, with its columns of objects that are numbers as numbers.

    Raises
    ------
    TypeError, ValueError
        As in `as_numbers`.
    """
    if X is None:
        return X  # scikit-learn says what is wrong
    check_container(X, name)
    if sparse.issparse(X):
        check_kind(X, name)
        return X
    if isinstance(X, pd.DataFrame):
        return _real_frame(X, name, mixed)
    X = plain(X)
    array = as_array(X, name)
    check_axes(array, name)
    if array.dtype.kind in "biuf":
        return array if isinstance(X, (np.ndarray, list, tuple)) else X
    check_kind(array, name)
    return _from_objects(array.astype(object), name)


def _real_frame(X, name, mixed):
    if not X.shape[1]:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required: {name} is a "
            "DataFrame without columns."
        )
    kinds = [np.dtype(t).kind if isinstance(t, np.dtype) else "" for t in X.dtypes]
    if "c" in kinds:
        _column(X.iloc[:, kinds.index("c")], name, kinds.index("c"))
    dates = [getattr(t, "kind", "") in "mM" for t in X.dtypes]
    if mixed and not all(dates):
        odd = [j for j, kind in enumerate(kinds) if kind == "O" and _only_numbers(X.iloc[:, j])]
    else:
        odd = [j for j, t in enumerate(X.dtypes) if not pd.api.types.is_numeric_dtype(t)]
    if not odd:
        return X
    columns = [
        pd.Series(_column(X.iloc[:, j], name, j), index=X.index) if j in odd else X.iloc[:, j]
        for j in range(X.shape[1])
    ]
    found = pd.concat(columns, axis=1)
    found.columns = X.columns
    return found


def _only_numbers(column):
    present = column[column.notna()]
    return len(present) > 0 and all(isinstance(value, (numbers.Real, Decimal)) for value in present)


def _column(column, name, j):
    """One column of a DataFrame as floats."""
    label = column.name if isinstance(column.name, (str, int)) else j
    where = f"column {label!r} of {name}"
    if getattr(column.dtype, "kind", "O") in "biuf" and not isinstance(column.dtype, pd.CategoricalDtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = column.to_numpy(dtype=None if isinstance(column.dtype, np.dtype) else object)
    check_kind(values, where)
    return _from_objects(values.astype(object), where)


def as_array(values, name):
    """Return an array, naming the first row that is not like the others where there is none.

    Parameters
    ----------
    values : array-like
    name : str
        Name of the argument, for the error.

    Returns
    -------
    ndarray
    """
    values = plain(values)
    try:
        return np.asarray(values)
    except ValueError as error:
        shapes = [np.shape(row) if _is_regular(row) else None for row in values]
        odd = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), 0)
        raise ValueError(
            f"Row {odd} of {name} is {_shown(values[odd])}, which has another length than row 0: give every "
            "row the same number of entries."
        ) from error


def check_axes(array, name):
    """Refuse more than two axes.

    Parameters
    ----------
    array : ndarray
    name : str
        Name of the argument, for the error.

    Raises
    ------
    ValueError
    """
    if array.ndim > 2:
        raise ValueError(
            f"Found array with dim {array.ndim}: {name} has the shape {array.shape}, it must have one or two "
            "axes, one row per sample. Reshape your data."
        )


def _is_regular(row):
    try:
        np.shape(row)
    except ValueError:
        return False
    return True


def check_kind(array, name):
    """Refuse complex numbers, dates and records.

    Parameters
    ----------
    array : ndarray or sparse matrix
    name : str
        Name of the argument, for errors.

    Raises
    ------
    TypeError, ValueError
    """
    kind = array.dtype.kind
    if kind == "c":
        where = ""
        if not sparse.issparse(array):
            imaginary = np.argwhere(np.imag(array) != 0)
            place = imaginary[0] if len(imaginary) else np.zeros(array.ndim, dtype=int)
            where = f", {_shown(array[tuple(place)])} in {_place(place)}"
        raise ValueError(
            f"Complex data not supported: {name} holds complex numbers{where}. Give real numbers; real "
            "and imaginary parts can be two columns."
        )
    if kind in "mM":
        raise TypeError(
            f"{name} holds dates or spans of time ({array.dtype}), not numbers: convert it, for example to "
            "days since a first date."
        )
    if kind == "V":
        raise TypeError(
            f"{name} is an array of records with the fields {array.dtype.names}: give a DataFrame, "
            f"pandas.DataFrame({name})."
        )


def _place(place):
    return f"row {place[0]}" + (f", column {place[1]}" if len(place) > 1 else "")


def _shown(value):
    text = (
        str(value) if isinstance(value, np.generic) and not isinstance(value, (str, bytes)) else repr(value)
    )
    if isinstance(value, np.str_):
        text = repr(str(value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _from_objects(array, name):
    """Floats from an array of objects."""
    found = np.empty(array.shape)
    for place, value in np.ndenumerate(array):
        found[place] = _number(value, place, name)
    return found


def _number(value, place, name):
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    try:
        if isinstance(value, (complex, np.complexfloating)):
            raise TypeError("complex")
        return float(value)
    except OverflowError:
        problem, remedy = "is too large for double precision", "Give it in another unit."
    except (TypeError, ValueError):
        problem, remedy = "is no number", "Correct or drop it; a missing number is NaN."
    kind = type(value).__name__
    where = _place(place)
    text = f"{where[0].upper()}{where[1:]} of {name} is {_shown(value)}, which {problem}. {remedy}"
    if isinstance(value, (str, bytes)):
        if name == "y":
            text += (
                " (With keep_default_na=False pandas.read_csv reads empty cells as text; "
                "converters={'formula': str} does so for the formulas alone.)"
            )
        raise ValueError(text)
    if problem.startswith("is too"):
        raise ValueError(text)
    raise TypeError(
        f"{text} It is a {kind}: the argument must be a table of numbers, or of strings, each a number."
    )


def check_size(values, name):
    """Refuse numbers whose squares have no place in double precision, naming the first row.

    Parameters
    ----------
    values : ndarray of float
    name : str

    Raises
    ------
    ValueError
    """
    if values.dtype.itemsize < 8:
        return  # it holds no number as large
    huge = np.isfinite(values) & (np.abs(values) > LARGEST)
    if huge.any():
        place = np.argwhere(huge)[0]
        raise ValueError(
            f"{name} is {values[tuple(place)]:g} in {_place(place)}: at most {LARGEST:g} is "
            "possible. Give it in another unit, or drop the row."
        )
