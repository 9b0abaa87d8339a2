"""A learner on its inputs as given or featurized, whichever its own cross-validation prefers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from ..inputs import take
from ..learners import fit_learner, predict_learner

AS_GIVEN, FEATURIZED = "as given", "featurized"
# Folds over the target rows; fewer where the rows of the sources make a fit expensive.
N_FOLDS, N_FOLDS_WITH_SOURCES = 5, 3
# With fewer target domains, folds that leave out whole ones would leave out half of the rows.
FEWEST_DOMAINS = 3


def is_numeric_table(X):
    """Whether a learner can take the columns of X without a featurizer.

    Parameters
    ----------
    X : inputs of any kind

    Returns
    -------
    bool
    """
    if isinstance(X, pd.DataFrame):
        return X.shape[1] == X.select_dtypes(["number", "bool"]).shape[1]
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "biuf"


@dataclass
class Alternatives:
    """A learner fitted on its inputs in several ways, and how each did on held-out target rows."""

    models: dict  # alternative -> fitted model
    errors: dict  # alternative -> mean absolute error of each target, infinity if it has none


def fit_alternatives(alternatives, problem, rows, seed, new_domains=False):
    """Fit the learner on each kind of inputs, and judge it on held-out target rows.

    What is best for rows of the same domains can be bad for those of others: the folds hold out what the
    tests do.

    Parameters
    ----------
    alternatives : dict of str to learner
        At least one must be able to learn.
    problem : Problem
        Its X is a table of numbers.
    rows : ndarray of int
        Rows to train on; those of sources are in every training set of the comparison.
    seed : int or None
    new_domains : bool, default=False
        Whether the rows to be predicted are of other domains: if there are enough, the folds leave out whole
        domains.

    Returns
    -------
    Alternatives
        Without those that cannot take the inputs.
    """
    folds = _folds(problem, rows, seed, new_domains)
    errors = {name: _held_out_errors(model, problem, folds, seed) for name, model in alternatives.items()}
    able = [name for name in errors if not np.isinf(errors[name]).all()]
    # Without any number, all is as the user asked for: with the featurizer, which stands last.
    able = able or [list(alternatives)[-1]]
    X, Y = take(problem.X, rows), problem.Y[rows]
    models = {name: fit_learner(alternatives[name], X, Y, seed=seed) for name in able}
    return Alternatives(models, {name: errors[name] for name in able})


def settle(found, truth):
    """Choose the inputs of each target, for all runs of a learner and setting alike.

    One run could choose by chance what fails on its test rows, and rows of new domains can differ from all
    that cross-validation saw. Transfer has no such choice and would seem to help. So the alternative with the
    least held-out error over all runs is kept, unless it is worse on the test rows than the last one, which
    transfer has too.

    Parameters
    ----------
    found : list of Found
        What the runs brought back; gets ``inputs``, and ``predictions`` of these.
    truth : list of list of ndarray of shape (n_rows, n_targets)
        Labels of the test rows, for each run and test.
    """
    names = list(dict.fromkeys(name for one in found for name in one.errors))
    n_targets = truth[0][0].shape[1]
    missing = np.full(n_targets, np.inf)
    # An alternative that failed in one run cannot be that of all.
    held_out = np.mean([[one.errors.get(name, missing) for name in names] for one in found], axis=0)
    tested = np.array([_test_error(name, found, truth) for name in names])  # (n_alternatives, n_targets)
    last = len(names) - 1
    best = np.where(np.isinf(held_out).all(axis=0), last, held_out.argmin(axis=0))
    worse = tested[best, np.arange(n_targets)] > tested[last]
    best = np.where(worse, last, best)
    for one in found:
        one.inputs = [names[k] if names[k] in one.errors else next(iter(one.errors)) for k in best]
        n_tests = len(next(iter(one.candidates.values())))
        one.predictions = [
            np.column_stack([one.candidates[name][k][:, t] for t, name in enumerate(one.inputs)])
            for k in range(n_tests)
        ]


def _test_error(name, found, truth):
    """Mean absolute error of one alternative over the tests of all runs, NaN if a run lacks it."""
    errors = []
    for one, labels in zip(found, truth, strict=True):
        for k, Y in enumerate(labels):
            known = ~np.isnan(Y)
            error = np.full(Y.shape, np.nan)
            if name in one.candidates:
                error = np.abs(one.candidates[name][k] - Y)
            errors.append(np.where(known, error, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return np.mean(errors, axis=0)


def _folds(problem, rows, seed, new_domains):
    """Return (rows to train on, held-out target rows) for each fold, none if there are too few rows."""
    target = rows[np.isin(rows, problem.target)]
    others = np.setdiff1d(rows, target)
    groups = _equal_rows(take(problem.X, target))
    domains = np.unique(problem.labels[target], return_inverse=True)[1]
    if new_domains and domains.max(initial=0) >= FEWEST_DOMAINS - 1:
        groups = domains
    n_folds = min(N_FOLDS_WITH_SOURCES if len(others) else N_FOLDS, len(np.unique(groups)))
    if n_folds < 2:
        return []
    splitter = GroupKFold(n_folds, shuffle=True, random_state=0 if seed is None else seed)
    split = splitter.split(target, groups=groups)
    return [(np.sort(np.concatenate([others, target[train]])), target[held]) for train, held in split]


def _held_out_errors(model, problem, folds, seed):
    """Return the mean absolute error of each target over held-out rows, infinity if there is none."""
    total = np.zeros(problem.Y.shape[1])
    counts = np.zeros(problem.Y.shape[1])
    try:
        for train, held in folds:
            fitted = fit_learner(model, take(problem.X, train), problem.Y[train], seed=seed)
            predicted = predict_learner(fitted, take(problem.X, held), n_targets=len(total))
            known = ~np.isnan(problem.Y[held])
            total += np.where(known, np.abs(predicted - problem.Y[held]), 0.0).sum(axis=0)
            counts += known.sum(axis=0)
    except Exception:  # a learner that cannot take these inputs has lost
        counts[:] = 0
    return np.where(counts > 0, total / np.maximum(counts, 1), np.inf)


def _equal_rows(X):
    """Number the rows of a table so that equal ones have one number."""
    values = np.asarray(X, dtype=float)
    return np.unique(np.nan_to_num(values, nan=np.inf), axis=0, return_inverse=True)[1].ravel()
