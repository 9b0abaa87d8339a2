"""Elements of formulas: the table that describes them, absent ones, and formulas with several labels."""

import warnings

import numpy as np
import pandas as pd

from ...featurizers import load_elements
from ...formulas import ELEMENTS

# Deviation of mat2vec's vectors, to which others are scaled.
MAT2VEC_DEVIATION = 0.306
SYMBOLS = np.array(["", *ELEMENTS], dtype=object)


def element_table(embedding):
    """Return properties of the elements by atomic number.

    Parameters
    ----------
    embedding : "matscholar" or DataFrame indexed by symbol

    Returns
    -------
    ndarray of shape (119, n_properties)
        NaN where an element is absent. The row 0 stands for none.
    """
    table = load_elements(embedding, impute_nan=False)[2]
    if isinstance(embedding, str):
        table = table - np.nanmean(table, axis=0)
        table *= MAT2VEC_DEVIATION / np.nanstd(table)
    return np.vstack([np.full(table.shape[1], np.nan), table])


def check_elements(fractions, table, rows):
    """Raise an error for an element that the embedding does not have.

    Parameters
    ----------
    fractions : sparse array of shape (n_formulas, 118)
    table : ndarray of shape (119, n_properties)
        From :func:`element_table`.
    rows : ndarray of int, shape (n_formulas,)
        Row numbers, for the message.

    Raises
    ------
    ValueError
        Naming the first row, and the element.
    """
    absent = np.isnan(table[1:]).any(axis=1)
    bad = absent[fractions.indices]
    if bad.any():
        places = np.repeat(np.arange(fractions.shape[0]), np.diff(fractions.indptr))[bad]
        symbol = ELEMENTS[fractions.indices[bad][0]]
        raise ValueError(
            f"Row {rows[places[0]]} has the element {symbol}, which the embedding does not have "
            f"({len(np.unique(places))} such rows). Drop them, or give an embedding that has it."
        )


def warn_of_conflicts(composition, labels, scale):
    """Warn of compositions that occur more than once with different labels.

    Parameters
    ----------
    composition : ndarray of int, shape (n_rows,)
        The number of each row's composition.
    labels : Labels
    scale : ndarray of shape (n_targets,)
        Labels are compared in this unit.
    """
    if composition.max() + 1 == len(labels):
        return
    of_formula = pd.DataFrame(labels.Y / scale).groupby(composition)
    spread = of_formula.max() - of_formula.min()
    differ = (spread > 0).any(axis=1)
    if differ.any():
        widest = spread.max(axis=1).idxmax()
        row = labels.rows[composition == widest][0]
        target = spread.loc[widest].idxmax()
        warnings.warn(
            f"{differ.sum()} composition(s) have several rows with different labels "
            f"({differ.to_numpy()[composition].sum()} rows; widest apart: the one of row {row}, by "
            f"{spread.loc[widest, target] * scale[target]:.4g}). A formula alone cannot tell them "
            "apart: keep the phase that matters, or their mean.",
            stacklevel=4,
        )
