"""Which of many sources are worth a competition: ranked by their predictions of the target rows."""

import numpy as np

# Where the best source has this share of the error of the mean of the labels, or more, predictions do not
# tell which sources are hopeless.
UNCLEAR = 0.8


def source_errors(F, Y, sample_weight=None):
    """Errors of sources on rows of the target.

    Parameters
    ----------
    F : ndarray of shape (n_rows, n_sources * n_targets)
        Predictions of each source.
    Y : ndarray of shape (n_rows, n_targets)
        NaN marks a missing label.
    sample_weight : ndarray of shape (n_rows,) or None

    Returns
    -------
    as_is, on_a_line : ndarray of shape (n_sources, n_targets)
        Mean absolute error of the predictions, and of the line through them and the labels: each row from the
        line through the others, so that a source that is right by chance in a few rows does not look good.
    mean : ndarray of shape (n_targets,)
        The same error of the mean of the other labels, which needs no source.
    """
    n_targets = Y.shape[1]
    n_sources = F.shape[1] // n_targets
    as_is, on_a_line = np.full((2, n_sources, n_targets), np.nan)
    mean = np.full(n_targets, np.nan)
    weight = np.ones(len(Y)) if sample_weight is None else sample_weight
    for t in range(n_targets):
        known = ~np.isnan(Y[:, t]) & (weight > 0)
        if not known.any():
            continue
        y, w = Y[known, t], weight[known] / weight[known].sum()
        f = F[known, t::n_targets]
        as_is[:, t] = w @ np.abs(f - y[:, None])
        mean[t] = w @ np.abs(_left_out_residuals(np.zeros((len(y), 1)), y, w)[:, 0])
        on_a_line[:, t] = w @ np.abs(_left_out_residuals(f, y, w))
    return as_is, on_a_line, mean


def _left_out_residuals(f, y, w):
    """Residual of each row from the least-squares line of the other rows, for each column of f."""
    centred = f - w @ f
    variance = w @ centred**2
    # A source that says the same for all rows has no slope.
    varies = variance > 1e-24 * np.maximum(w @ f**2, np.finfo(float).tiny)
    slope = np.where(varies, (w * (y - w @ y)) @ centred / np.where(varies, variance, 1.0), 0.0)
    residual = (y - w @ y)[:, None] - centred * slope
    leverage = w[:, None] * (1 + np.where(varies, centred**2 / np.where(varies, variance, 1.0), 0.0))
    return residual / np.maximum(1 - leverage, 1e-9)


def rank_sources(F, Y, sample_weight=None):
    """Order sources by how well they predict rows of the target.

    A source counts by its error as it is, or on a line if that is less, divided by the error of the mean of
    the labels. Several targets count alike.

    Parameters
    ----------
    F, Y, sample_weight
        As in :func:`source_errors`.

    Returns
    -------
    order : ndarray of int
        Numbers of the sources, the best first.
    score : ndarray of shape (n_sources,)
        By number; a source with 1 or more is no better than the mean.
    """
    as_is, on_a_line, mean = source_errors(F, Y, sample_weight)
    labelled = ~np.isnan(mean)
    best = np.minimum(as_is, on_a_line)[:, labelled]
    score = (best / np.maximum(mean[labelled], np.finfo(float).tiny)).mean(axis=1)
    return np.argsort(score, kind="stable"), score


def best_sources(F, Y, sample_weight, n_best):
    """Return the numbers of the best sources, without hopeless ones.

    Hopeless is an error nearer to that of the mean of the labels than to that of the best source, where the
    best source is clearly better than the mean.

    Parameters
    ----------
    F, Y, sample_weight
        As in :func:`source_errors`.
    n_best : int

    Returns
    -------
    ndarray of int
        Ascending.
    """
    order, score = rank_sources(F, Y, sample_weight)
    if score.min() < UNCLEAR:
        n_best = min(n_best, int((score < (score.min() + 1) / 2).sum()))
    return np.sort(order[:n_best])


def ranking(problem):
    """Say how well each source predicts the target rows, best first.

    Parameters
    ----------
    problem : Problem
        With experts.

    Returns
    -------
    dict of str to list
        Ready for a DataFrame: ``source``, ``target`` (its number), ``mae`` and ``mae_on_a_line`` in the unit
        of y, ``mae_of_mean`` (without any source), ``score`` and ``used`` (whether it takes part).
    """
    F, Y = problem.outputs[problem.target], problem.Y[problem.target]
    weight = problem.weight(problem.target)
    as_is, on_a_line, mean = source_errors(F, Y, weight)
    order, score = rank_sources(F, Y, weight)
    used = set(problem.best_sources(problem.target))
    rows = [(e, t) for e in order for t in range(Y.shape[1])]
    return {
        "source": [problem.expert_names[e] for e, _ in rows],
        "target": [t for _, t in rows],
        "mae": [float(as_is[row]) for row in rows],
        "mae_on_a_line": [float(on_a_line[row]) for row in rows],
        "mae_of_mean": [float(mean[t]) for _, t in rows],
        "score": [float(score[e]) for e, _ in rows],
        "used": [e in used for e, _ in rows],
    }
