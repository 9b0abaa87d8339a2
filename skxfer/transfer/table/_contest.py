"""Which learner predicts the target rows best: all are judged by the same held-out rows."""

import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from ...choice import CLEAR_GAIN, UNSEEN_DEVIATION, compare_errors, gain_and_error, preferred
from ...learners import innermost, input_tags, is_a

# Learners whose time grows with the square of the rows or faster see at most so many source rows.
SLOW = ("sklearn.SVR", "sklearn.NuSVR", "sklearn.KernelRidge", "sklearn.GaussianProcessRegressor")
MOST_SOURCE_ROWS = 2000
FEWEST_OF_SOURCE = 50
# Half-width of the 80 % interval of an expected error, in its standard deviations: measured on problems with
# 20 and 60 target rows (benchmarks/expected_error.py).
WIDTH = 2.0


@dataclass
class Entrant:
    """A learner that was fitted, and what it made of the held-out target rows.

    Attributes
    ----------
    name : str
    model : fitted HierarchicalTransfer
    held_out : list of list of (prediction and deviation, label, fold)
        For each target and set of folds.
    seconds : float
    notes : list of str
    """

    name: str
    model: object
    held_out: list
    seconds: float
    notes: list = field(default_factory=list)


def behind_imputer(learner, features):
    """Put an imputer before a learner that does not take missing numbers, if there are any.

    Parameters
    ----------
    learner : regressor
    features : ndarray of shape (n_samples, n_features)

    Returns
    -------
    regressor
    """
    if input_tags(learner).allow_nan or np.isfinite(features).all():
        return learner
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), learner)


def rows_for(learner, target, domain, rng):
    """Return the rows that a learner is fitted on: all, or fewer source rows for a slow one.

    Parameters
    ----------
    learner : regressor
    target : ndarray of int
        Target rows, all of which are kept.
    domain : ndarray of shape (n_rows,)
        The domain of each row; some rows of each source are kept.
    rng : Generator

    Returns
    -------
    rows : ndarray of int
    note : str or None
        What was left out.
    """
    source = np.setdiff1d(np.arange(len(domain)), target)
    if len(source) <= MOST_SOURCE_ROWS or not is_a(innermost(learner), *SLOW):
        return np.arange(len(domain)), None
    kept = [target]
    for name in np.unique(domain[source]):
        rows = source[domain[source] == name]
        n = max(FEWEST_OF_SOURCE, round(MOST_SOURCE_ROWS * len(rows) / len(source)))
        kept.append(rng.permutation(rows)[:n])
    n_kept = sum(map(len, kept)) - len(target)
    note = f"saw {n_kept} of {len(source)} source rows, drawn at random, as it is slow on many rows"
    return np.sort(np.concatenate(kept)), note


def enter(name, model, fit):
    """Fit a model with held-out predictions.

    Parameters
    ----------
    name : str
    model : HierarchicalTransfer
        With :class:`~skxfer.folds.FoldSets` as `cv`.
    fit : callable
        Called with the model, fits it.

    Returns
    -------
    Entrant
    """
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)  # to stop at max_iter is meant
        fit(model)
    told = [one.message for one in caught if issubclass(one.category, UserWarning)]
    notes = list(dict.fromkeys(" ".join(str(message).split()) for message in told))
    held_out = vars(model).pop("_held_out")
    return Entrant(name, model, held_out, time.perf_counter() - start, notes)


@dataclass
class Verdict:
    """The learner for one target.

    Attributes
    ----------
    chosen : int
    rows : list of dict
        For each learner its error, as :func:`~skxfer.choice.compare_errors` tells it.
    expected : list of dict
        For each use that the folds imitate: ``use``, ``mae``, ``low`` and ``high``, the error on new rows and
        bounds for it.
    ratios : ndarray
        Held-out errors of the chosen one, in its standard deviations, sorted.
    """

    chosen: int
    rows: list
    expected: list
    ratios: np.ndarray


def judge(entrants, t, folds, known):
    """Choose a learner for one target.

    The first in the list that no other one beats by more than half a standard error of the difference.

    Parameters
    ----------
    entrants : list of Entrant
        The one to keep in doubt first.
    t : int
        Number of the target.
    folds : FoldSets
    known : ndarray of bool, shape (n_target,)
        Which target rows have a label.

    Returns
    -------
    Verdict
    """
    sets = [
        (np.column_stack([entrant.held_out[t][k][0][:, 0] for entrant in entrants]), y, fold)
        for k, (_, y, fold) in enumerate(entrants[0].held_out[t])
    ]
    chosen = _first_unbeaten(sets)
    ratios = [_in_deviations(held, y) for held, y, _ in entrants[chosen].held_out[t]]
    return Verdict(
        chosen,
        compare_errors(sets, chosen),
        _expected(sets, _rows_of_sets(folds, known), folds.uses),
        np.sort(np.concatenate(ratios)),
    )


def _first_unbeaten(sets):
    order = range(sets[0][0].shape[1])
    return int(preferred(sets, order, CLEAR_GAIN).argmax())


def _chosen_without(left_out, sets, rows):
    """Return the learner that is chosen without some rows."""
    rest = []
    for (P, y, fold), of_set in zip(sets, rows, strict=True):
        kept = ~np.isin(of_set, left_out)
        if kept.any():
            rest.append((P[kept], y[kept], fold[kept]))
    return _first_unbeaten(rest) if rest else 0


def _in_deviations(held, y):
    error = np.abs(held[:, 0] - y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, error / held[:, 1], 0.0)


def _rows_of_sets(folds, known):
    """Return the labelled target rows in the order in which each set of folds holds them out."""
    held = [np.concatenate([out for _, out in of_set]) for of_set in folds.sets]
    return [rows[known[rows]] for rows in held]


def _expected(sets, rows, uses):
    """Errors on held-out rows, each by the learner that would be chosen without them."""
    found = {}
    for (P, y, fold), of_set, use in zip(sets, rows, uses, strict=True):
        predicted = np.empty(len(y))
        for k in np.unique(fold):
            held = fold == k
            predicted[held] = P[held, _chosen_without(of_set[held], sets, rows)]
        error = np.abs(predicted - y)
        mean, deviation = gain_and_error(error, np.zeros(len(y)), fold)
        # A few folds may agree by chance.
        deviation = max(deviation, error.std(ddof=1) / np.sqrt(len(y))) if len(y) > 1 else np.nan
        found.setdefault(use, []).append((mean, deviation))
    expected = []
    for use, pairs in found.items():
        mae, deviation = np.mean(pairs, axis=0)
        between = np.var([one for one, _ in pairs], ddof=1) if len(pairs) > 1 else 0.0
        width = WIDTH * np.sqrt(deviation**2 + between + (UNSEEN_DEVIATION * mae) ** 2)
        factor = 1 + width / mae if mae > 0 and np.isfinite(width) else np.nan
        low, high = mae / factor, mae * factor
        expected.append({"use": use, "mae": float(mae), "low": float(low), "high": float(high)})
    return expected


def shared(verdicts, entrants):
    """Return the entrants that any target needs, in order of the list.

    Parameters
    ----------
    verdicts : list of Verdict
    entrants : list of Entrant

    Returns
    -------
    dict of str to fitted HierarchicalTransfer
    """
    chosen = {verdict.chosen for verdict in verdicts}
    return {entrant.name: entrant.model for i, entrant in enumerate(entrants) if i in chosen}
