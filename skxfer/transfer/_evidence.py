"""Held-out predictions: how a strategy comes to them, and what they tell of one target."""

import time
from dataclasses import dataclass

import numpy as np

from ..inputs import find_bad_entry


@dataclass
class Evidence:
    """Held-out predictions of the target rows.

    Parameters
    ----------
    sets : list of (P, Y, fold)
        For each set of folds: predictions of shape (n_rows, n_targets, n_strategies), labels of shape
        (n_rows, n_targets), the fold of each row.
    seconds : ndarray of shape (n_strategies,)
        Mean time of a fit.
    parts : bool
        Whether what is numbered are parts of the rows of a single fold.
    training : list of ndarray of shape (n_rows,), or None
        For each set of folds, and each row: the share of the labelled rows that its models learned from.
    """

    sets: list
    seconds: np.ndarray
    parts: bool
    training: list | None = None

    def training_of(self, t):
        """Return the share of rows for training, for each row with a label of one target."""
        if self.training is None:
            return None
        return [share[~np.isnan(Y[:, t])] for share, (_, Y, _) in zip(self.training, self.sets, strict=True)]

    def of_target(self, t, name):
        """Return (P, y, fold) of the labelled rows for one target, for each set of folds."""
        known = [~np.isnan(Y[:, t]) for _, Y, _ in self.sets]
        if not all(rows.any() for rows in known):
            raise ValueError(f"No row that cv holds out has a label of target {name!r}.")
        return [
            (P[rows, t], Y[rows, t], fold[rows]) for (P, Y, fold), rows in zip(self.sets, known, strict=True)
        ]

    def in_words(self, sets):
        """Say over what the errors are means."""
        n_folds = sum(len(np.unique(fold)) for *_, fold in sets)
        return f"one fold in {n_folds} parts" if self.parts else f"{n_folds} folds"


@dataclass
class Outcome:
    """What one fit brings back."""

    predicted: np.ndarray | None = None
    seconds: float = np.nan
    error: str = ""


def held_out(strategy, problem, train, held, optional):
    """Fit a strategy on some target rows and predict others.

    Parameters
    ----------
    strategy : Strategy
    problem : Problem
    train, held : ndarray of int
        Rows to learn from, and rows to predict.
    optional : bool
        Whether a failure is told in the outcome, and not raised.

    Returns
    -------
    Outcome
    """
    start = time.perf_counter()
    try:
        model = strategy.fit(problem, train)
        seconds = time.perf_counter() - start
        predicted = strategy.predict_rows(model, problem, held)
        if predicted.shape != (len(held), problem.n_targets):
            raise ValueError(f"It predicts {predicted.shape[1]} target(s), y has {problem.n_targets}.")
        return Outcome(predicted, seconds)
    except Exception as error:
        if optional and may_be_left_out(error, problem):
            return Outcome(error=f"{type(error).__name__}: {error}")
        error.add_note(f"This was raised while the strategy {strategy.name!r} was cross-validated.")
        raise


def may_be_left_out(error, problem):
    """Whether a strategy that failed is left out: not where the user must mend an entry of X.

    A trained source may refuse NaN that the learner takes.
    """
    return bool(problem.trained) or find_bad_entry(problem.X, error) is None
