"""What the rows are, a table, formulas or other objects, and which of them say the same."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse

from ..formulas import composition_groups, parse_formulas


def read_rows(X):
    """Say what the rows are, and number those that are different.

    Parameters
    ----------
    X : inputs of any kind, as :func:`skxfer.inputs.check_inputs` returns them

    Returns
    -------
    kind : {"table", "formulas", "other"}
        ``"table"`` of numbers; ``"formulas"`` in any form that
        :func:`skxfer.formulas.parse_formulas` reads, if it reads all of them.
    number : ndarray of int, shape (n_samples,), or None
        Equal rows of a table have one number, and formulas of one composition. None
        for sparse tables and other objects: which of them are the same is not known.
    """
    if sparse.issparse(X):
        return "table", None
    if isinstance(X, pd.DataFrame):
        if X.shape[1] == len(X.select_dtypes(["number", "bool"]).columns):
            return "table", _different(X.to_numpy(dtype=float))
        formulas = _parsed(X) if X.shape[1] == 1 else None
    elif X.ndim == 2:
        return ("table", _different(X)) if X.dtype.kind in "biuf" else ("other", None)
    else:
        formulas = _parsed(X)
    return ("other", None) if formulas is None else ("formulas", composition_groups(formulas))


def _parsed(X):
    """Atomic fractions, None if any row is no formula."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a learner that reads them warns again
            return parse_formulas(X)
    except (TypeError, ValueError):
        return None


def _different(table):
    # Two NaN are the same here; there is no infinity in X.
    return np.unique(np.nan_to_num(table, nan=np.inf), axis=0, return_inverse=True)[1].ravel()
