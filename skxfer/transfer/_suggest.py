"""suggest_rows: which candidates to label next, and why."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from ..acquisition import (
    Correlation,
    best_label,
    check_goal,
    choose_batch,
    distance_to_goal,
    expected_improvement,
)
from ..featurizers import ClippedScaler, ClusterFeaturizer, CompositionFeaturizer, TableFeaturizer
from ..inputs import check_inputs, n_rows, take
from ..learners import inner_pipeline, predict_with_std
from ._rows import join_rows, read_inputs

# Rows that are predicted at once, and candidates among which distances are computed.
CHUNK, SHORTLIST = 50_000, 5_000
# Labelled rows that make the rows near them less uncertain; more of them are sampled.
MOST_LABELLED = 500


class NothingLeftError(ValueError):
    """Every candidate has a label already."""


def suggest_rows(
    model,
    candidates,
    n=10,
    *,
    goal="explore",
    target=None,
    best=None,
    labelled=None,
    features=None,
    diversity=0.5,
):
    """Suggest which candidates to label next: the most useful ones that do not repeat each other.

    Rows are chosen one after the other. Each has the largest score among those left: for
    ``goal="explore"`` the standard deviation of its prediction, else the expected improvement [1]_ over the
    best label so far. After each choice the row counts as labelled with the predicted value or, where that
    is better, with the best label so far (Kriging believer and constant liar [2]_), so that what is like it
    becomes less useful.

    Parameters
    ----------
    model : fitted estimator
        One that predicts with ``return_std``, such as :class:`HierarchicalTransfer`, :class:`TransferCV`,
        :class:`ActiveTransfer`, :class:`~skxfer.models.HMNNRegressor` or a pipeline that ends in a Gaussian
        process.
    candidates : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
        Rows that could be labelled, of the kind that `model` was fitted on.
    n : int, default=10
        Number of rows wanted.
    goal : {"explore", "maximize", "minimize"} or float, default="explore"
        What the labels are for: a better model everywhere, the largest value, the smallest value, or the
        value nearest to a number, in the unit of y.
    target : int or str, optional
        Which of several targets is meant: its number, or its name if the model has ``target_names_``.
    best : float, optional
        The best label so far, in the unit of y. Default: the best value predicted for `labelled`, or, without
        them, for the candidates.
    labelled : inputs like `candidates`, optional
        Rows that have a label already. Candidates equal to them are left out, and for ``goal="explore"``
        what is near them counts as less uncertain.
    features : array-like of shape (n_samples, n_features), or transformer, optional
        Numbers in which candidates are near or far from each other, or what makes them. Default: what the
        pipeline of the model turns inputs into; else the numbers of a table, or
        descriptors of formulas and structures.
    diversity : float, default=0.5
        Distance, as a share of the median distance between candidates, up to which two candidates tell about
        each other. 0: only equal rows do, so that rows are ranked by their score alone.

    Returns
    -------
    DataFrame
        The suggestions, best first:

        ``position``
            Row number in `candidates`, from 0.
        ``value``, ``std``
            The prediction and its standard deviation, in the unit of y.
        ``score``
            Standard deviation (``"explore"``) or expected improvement, given the rows above; unit of y.
        ``reason``
            A sentence.

    Raises
    ------
    TypeError
        The model predicts no standard deviation.
    ValueError
        An unknown goal or target, or (``NothingLeftError``) no candidate that differs from `labelled`.

    Warns
    -----
    UserWarning
        Fewer different candidates than `n`.

    See Also
    --------
    ActiveTransfer : The loop: suggest, label, fit again, stop.
    skxfer.model_selection.active_curve : What the loop would have gained, on labelled data.

    Notes
    -----
    With more than 5000 candidates, the batch is chosen among the 2500 with the largest scores and as many
    others at random. Of more than 500 `labelled` rows, ``goal="explore"`` uses a random 500.

    References
    ----------
    .. [1] Jones, D. R. et al., J. Global Optim. 1998, 13, 455.
    .. [2] Ginsbourger, D. et al., in Computational Intelligence in Expensive Optimization Problems,
       Springer 2010, 131, doi:10.1007/978-3-642-10701-6_6.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from skxfer.transfer import suggest_rows
    >>> X = np.array([[0.0], [1.0], [5.0]])
    >>> model = GaussianProcessRegressor().fit(X, np.sin(X[:, 0]))
    >>> candidates = np.array([[0.1], [1.6], [1.6], [4.9]])
    >>> table = suggest_rows(model, candidates, n=2, goal="maximize", best=0.84)
    >>> table["position"].tolist()
    [1, 0]
    """
    check_goal(goal)
    check_numbers(n, diversity)
    column = find_target(model, target)
    value, std = predict_in_chunks(model, candidates, column)
    if goal != "explore":
        best = _check_best(best, goal, value, model, labelled, column)

    def numbers(rows):
        given = _of_rows(features, rows, len(value))
        return _numbers(model, take(candidates, rows), value[rows], labelled, given)

    return choose_rows(value, std, numbers, n, goal=goal, best=best, diversity=diversity)


def choose_rows(value, std, numbers, n, *, goal, best, diversity):
    """Suggest rows whose predictions are known, see :func:`suggest_rows`.

    Parameters
    ----------
    value, std : ndarray of shape (n_samples,)
    numbers : callable
        Takes row numbers; returns scaled numbers of these rows, and below them those of rows that have a
        label already.
    n : int
    goal : {"explore", "maximize", "minimize"} or float
    best : float or None
        The best label so far; None for ``"explore"``.
    diversity : float

    Returns
    -------
    DataFrame
        As :func:`suggest_rows` returns it.
    """
    short = _shortlist(value, std, goal, best)
    value, std, Z = value[short], std[short], numbers(short)
    correlation, free = Correlation(Z, diversity), np.ones(len(short), dtype=bool)
    labelled = np.arange(len(short), len(Z))
    for row in labelled:
        free &= ~correlation.equal(row)[: len(short)]
    if goal == "explore":
        for row in np.random.default_rng(0).permutation(labelled)[:MOST_LABELLED]:
            correlation.condition(row)
    if not free.any():
        raise NothingLeftError("Every candidate equals a row that has a label: nothing is left to suggest.")
    first = std * np.sqrt(correlation.left[: len(short)])
    chosen = choose_batch(value, std, correlation, n, goal, best, free)
    if len(chosen) < n:
        warnings.warn(
            f"n is {n}, but only {len(chosen)} different candidates have no label yet: all of them are "
            "suggested.",
            stacklevel=3,
        )
    rows = [
        {
            "position": int(short[choice["row"]]),
            "value": value[choice["row"]],
            "std": std[choice["row"]],
            "score": choice["score"],
            "reason": _reason(choice, value[choice["row"]], first[choice["row"]], goal, best, place),
        }
        for place, choice in enumerate(chosen)
    ]
    return pd.DataFrame(rows)


def check_numbers(n, diversity):
    """Refuse a number of rows or a diversity that makes no sense."""
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n must be a whole number of rows above 0, got {n!r}.")
    if not isinstance(diversity, Real) or not 0 <= diversity < np.inf:
        raise ValueError(f"diversity must be a number from 0 on, got {diversity!r}.")


def find_target(model, target):
    """Return the number of the target that is meant, None if the model has one alone.

    Parameters
    ----------
    model : fitted estimator
    target : int, str or None

    Returns
    -------
    int or None
    """
    names = getattr(model, "target_names_", None)
    names = [] if names is None else [str(name) for name in names]
    if target is None or isinstance(target, Integral):
        return target
    if target not in names:
        raise ValueError(
            f"There is no target {target!r}; the model predicts {names or 'targets without names'}."
        )
    return names.index(target)


def predict_in_chunks(model, X, column):
    """Predict one target of many rows in bounded memory.

    Parameters
    ----------
    model : fitted estimator
    X : inputs of any kind
    column : int or None

    Returns
    -------
    value, std : ndarray of shape (n_samples,)
    """
    n_samples = n_rows(X)
    if not n_samples:
        raise ValueError("There are 0 candidates: pass at least one row.")
    values, stds = [], []
    for start in range(0, n_samples, CHUNK):
        whole = n_samples <= CHUNK
        part = X if whole else take(X, np.arange(start, min(start + CHUNK, n_samples)))
        value, std = predict_with_std(model, part)
        n_targets = value.shape[1]
        if column is None and n_targets > 1:
            raise ValueError(
                f"The model predicts {n_targets} targets: say which one is meant, target=0 for one."
            )
        if column is not None and not 0 <= column < n_targets:
            raise ValueError(f"There is no target {column}: the model predicts {n_targets}, numbered from 0.")
        values.append(value[:, column or 0])
        stds.append(std[:, column or 0])
    return np.concatenate(values), np.concatenate(stds)


def _check_best(best, goal, value, model, labelled, column):
    if best is not None:
        if not isinstance(best, Real) or not np.isfinite(best):
            raise ValueError(f"best must be a finite number in the unit of y, got {best!r}.")
        return float(best)
    known = value if labelled is None else predict_in_chunks(model, labelled, column)[0]
    return best_label(known, goal)


def _shortlist(value, std, goal, best):
    """Return the rows among which the batch is chosen: those with large scores, and others for variety."""
    if len(value) <= SHORTLIST:
        return np.arange(len(value))
    score = std if goal == "explore" else expected_improvement(value, std, best, goal)[0]
    tie = std if goal == "explore" else -distance_to_goal(value, goal)
    order = np.random.default_rng(0).permutation(len(value))
    order = order[np.lexsort([tie[order], score[order]])][::-1]
    half = SHORTLIST // 2
    others = np.random.default_rng(1).choice(order[half:], SHORTLIST - half, replace=False)
    return np.sort(np.concatenate([order[:half], others]))


def _of_rows(features, rows, n_candidates):
    """Return the features of some rows, if they are no transformer."""
    if features is None or hasattr(features, "transform"):
        return features
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or len(features) != n_candidates:
        raise ValueError(
            f"features must have one row for each of the {n_candidates} candidates, got {features.shape}."
        )
    return features[rows]


def _numbers(model, X, y, labelled, features):
    """Return scaled numbers of the candidates, then of the labelled rows."""
    if isinstance(features, np.ndarray):
        if labelled is not None:
            raise ValueError("features as an array say nothing of labelled rows: pass a transformer instead.")
        return ClippedScaler().fit_transform(_filled(features))
    if labelled is not None:
        X = join_rows(_as_rows(X), _as_rows(labelled))
    known = np.append(y, np.full(n_rows(X) - len(y), y.mean()))
    if features is None:
        features = preparation(model)
    if features is None:
        features, X = _default_featurizer(X)
    Z = X if features is None else clone(features).fit(X, known).transform(X)
    Z = Z.toarray() if sparse.issparse(Z) else np.asarray(Z)
    if Z.ndim != 2 or Z.dtype.kind not in "biufO":
        raise ValueError(
            "The candidates could not be turned into numbers: pass features=, a transformer that does."
        )
    return ClippedScaler().fit_transform(_filled(Z.astype(float)))


def _as_rows(X):
    """Return inputs in a container that has rows."""
    if sparse.issparse(X) or isinstance(X, pd.DataFrame) or getattr(X, "ndim", 1) == 2:
        return X
    return check_inputs(BaseEstimator(), X, reset=True, allow_nan=True)


def preparation(model):
    """Return what prepares the inputs of the learner inside a model, None if nothing does."""
    while model is not None:
        pipeline = inner_pipeline(model)
        if pipeline is not None:
            return pipeline[:-1]
        model = getattr(model, "estimator", None)
    return None


def _default_featurizer(X):
    """Return what turns inputs into numbers, None if they are, and the inputs in the form that it takes."""
    read, kind = read_inputs(BaseEstimator(), X, reset=True)
    if kind == "table":
        return None, read
    if kind == "structures":
        return ClusterFeaturizer(), read
    fractions = CompositionFeaturizer("fractions")
    if kind == "formulas" and not isinstance(read, pd.DataFrame):
        return fractions, read
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame({"input": list(X)})
    return TableFeaturizer(formula=fractions), table


def _filled(Z):
    """Put the mean of a column where a number is missing."""
    ok = np.isfinite(Z)
    count = np.maximum(ok.sum(axis=0), 1)
    return np.where(ok, Z, np.where(ok, Z, 0.0).sum(axis=0) / count)


def _reason(choice, value, first, goal, best, place):
    """Say why a row was chosen.

    `value` and `first` are its prediction and standard deviation before the rows above it were chosen.
    """
    std, change = choice["std"], ""
    if std < 0.9 * first or abs(choice["value"] - value) > 0.1 * first:
        change = f" ({choice['value']:.3g} ± {std:.3g} given the rows above)"
    if goal == "explore":
        change = f", {std:.3g} given the rows above" if std < 0.9 * first else ""
        most = "the largest" if place == 0 else "the largest left"
        return f"Most uncertain: its standard deviation, {first:.3g}{change}, is {most}."
    what = {"maximize": "above", "minimize": "below"}.get(goal, "nearer to the goal than")
    score = f"{choice['score']:.3g}" if choice["score"] >= 1e-3 * first else f"below {1e-3 * first:.1g}"
    chance = f"{100 * choice['chance']:.0f} %" if choice["chance"] >= 0.005 else "under 1 %"
    return (
        f"Expected improvement {score}: predicted {value:.3g} ± {first:.3g}{change}, "
        f"with a chance of {chance} to be {what} {best:.3g}."
    )
