"""suggest_table: which rows of a table of candidates to label next, and why."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...acquisition import best_label, check_goal
from ...tables import spreadsheet_safe
from .._suggest import check_numbers, choose_rows, find_target
from ._predict import predict_table, prediction_columns

NEW = ("rank", "row", "value", "std", "score", "reason", "why_outside")


@dataclass
class Suggested:
    """What came of a table of candidates.

    Attributes
    ----------
    table : DataFrame
        The suggestions, see :func:`suggest_table`.
    target : str
        The column that is meant.
    best : float or None
        The best label that they are compared with; None with ``goal="explore"``.
    best_is : str
        Where it comes from.
    n_rows, n_unreadable, n_labelled : int
        Candidates, those that could not be read, and those that have a label already.
    errors : list of (row, text)
        The first rows that could not be read, counted from 1.
    """

    table: pd.DataFrame
    target: str
    best: float | None
    best_is: str
    n_rows: int
    n_unreadable: int
    n_labelled: int
    errors: list

    def save(self, path):
        """Write the suggestions as CSV; texts that a spreadsheet would run as formulas get an apostrophe."""
        spreadsheet_safe(self.table).to_csv(path, index=False)


def suggest_table(
    model, table, n=10, *, goal="explore", target=None, best=None, diversity=0.5, verbose=False, **reading
):
    """Suggest which rows of a table to label next, with a model that predicts whole tables.

    Rows that cannot be read, that have a value of the target already, or that equal a target row of
    the fit are left out.

    Parameters
    ----------
    model : TableTransfer
        Fitted.
    table : DataFrame, str or path-like
        The candidates, or the file that holds them.
    n : int, default=10
        Number of rows wanted.
    goal : {"explore", "maximize", "minimize"} or float, default="explore"
        See :func:`suggest_rows`.
    target : str, optional
        Which of several targets is meant.
    best : float, optional
        The best label so far, in the unit of y. Default: the best of the target rows of the fit and of the
        labels in the table; for a number, the best value predicted for the candidates.
    diversity : float, default=0.5
        See :func:`suggest_rows`.
    verbose : bool, default=False
        Whether to show a progress bar.
    **reading
        How the file is read, as of :func:`~skxfer.tables.read_table`.

    Returns
    -------
    Suggested
        ``table`` has a row for each suggestion, best first: ``rank``, ``row`` (its number in the
        table, from 1), the columns of the candidates, ``value``, ``std``, ``score``, ``reason``, as
        :func:`suggest_rows` returns them, and ``why_outside``: why its prediction should not be trusted,
        empty for rows like the target rows of the fit.

    Raises
    ------
    ValueError
        No candidate can be read, or none is without a label.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.datasets import load_miedema
    >>> from skxfer.transfer import TableTransfer, suggest_table
    >>> data = load_miedema(as_frame=True)
    >>> known, candidates = data.data.iloc[:60], data.data.iloc[60:90]
    >>> model = TableTransfer(["ridge"], cv=3, random_state=0).fit(known, data.target.iloc[:60])
    >>> found = suggest_table(model, candidates, n=2, goal="minimize")
    >>> found.table["rank"].tolist()
    [1, 2]
    """
    check_goal(goal)
    check_numbers(n, diversity)
    column = _column(model, target)
    name = model.target_names_[column]
    found = predict_table(model, table, verbose=verbose, **reading).reset_index(drop=True)
    errors = found["error"]
    readable = (errors == "").to_numpy()
    if not readable.any():
        raise ValueError(f"None of the {len(found)} candidates can be read. Row 1: {errors[0]}.")
    labels = np.full(len(found), np.nan)
    if name in found and name not in model.view_.used_:
        labels = pd.to_numeric(found[name], errors="coerce").to_numpy(dtype=float)
    rows = np.flatnonzero(readable & np.isnan(labels))
    if not rows.size:
        raise ValueError(
            f"Each of the {len(found)} candidates that can be read has a value of {name!r} already."
        )
    value, std = (found[f"{name} {what}"].to_numpy()[rows] for what in ("predicted", "std"))
    best_is = "given"
    if goal != "explore" and best is None:
        best, best_is = _best(model, column, goal, labels, value)

    def numbers(some):
        surroundings = model.surroundings_
        features, _ = model.view_.transform(found.iloc[rows[some]])
        Z = surroundings.scaler_.transform(np.where(np.isfinite(features), features, surroundings.fill_))
        return np.vstack([Z, surroundings.references_])

    chosen = choose_rows(value, std, numbers, n, goal=goal, best=best, diversity=diversity)
    place = rows[chosen.pop("position")]
    before = found.drop(columns=prediction_columns(model)).iloc[place].reset_index(drop=True)
    before = before.drop(columns=[one for one in NEW if one in before])
    table = pd.concat([pd.Series(place + 1, name="row"), before, chosen], axis=1)
    table["why_outside"] = found["why_outside"].to_numpy()[place]
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    bad = np.flatnonzero(~readable)
    return Suggested(
        table=table,
        target=name,
        best=None if goal == "explore" else best,
        best_is=best_is,
        n_rows=len(found),
        n_unreadable=len(bad),
        n_labelled=int((readable & ~np.isnan(labels)).sum()),
        errors=[(int(row) + 1, errors[row]) for row in bad[:5]],
    )


def _column(model, target):
    column = find_target(model, target)
    if column is None and model.n_targets_ > 1:
        names = ", ".join(map(str, model.target_names_))
        raise ValueError(f"The model predicts {names}: say which of them is meant.")
    return column or 0


def _best(model, column, goal, labels, value):
    """Return the best label that is known, and where it comes from."""
    if goal in ("maximize", "minimize"):
        fitted = model.card_["data"]["targets"][column]["highest" if goal == "maximize" else "lowest"]
        best = best_label(np.append(labels, fitted), goal)
        return best, "a target row of the fit" if best == fitted else "a label in the table"
    if np.isfinite(labels).any():
        return best_label(labels, goal), "a label in the table"
    return best_label(value, goal), "the best prediction"
