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
    # A row that alone decides on the line is not predicted by the others.
    told = 1 - leverage > 1e-6
    return np.where(told, residual / np.where(told, 1 - leverage, 1.0), np.inf)


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
    best, mean = np.minimum(as_is, on_a_line)[:, labelled], mean[labelled]
    mean = np.where(np.isinf(mean), best.max(axis=0), mean)  # of one row
    score = (best / np.maximum(mean, np.finfo(float).tiny)).mean(axis=1)
    return np.argsort(score, kind="stable"), score


def best_sources(F, Y, sample_weight, n_best):
    """Return the numbers of the best sources.

    Where the best source is clearly better than the mean of the labels, sources are dropped whose error is
    nearer to that of the mean than to that of the best source.

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


def ranking(problem, target_names):
    """Say how well each source predicts the target rows, best first.

    Parameters
    ----------
    problem : Problem
        With experts.
    target_names : list

    Returns
    -------
    dict of str to list
        Ready for a DataFrame: ``source``, ``target``, ``mae`` and ``mae_rescaled`` in the unit
        of y, ``mae_of_mean`` (without any source), ``score`` and ``used`` (whether it takes part).
    """
    F, Y = problem.outputs[problem.target], problem.Y[problem.target]
    weight = problem.weight(problem.target)
    as_is, on_a_line, mean = source_errors(F, Y, weight)
    order, score = rank_sources(F, Y, weight)
    used = {problem.expert_names[e] for e in problem.best_sources(problem.target)}
    used |= {str(name) for name in problem.best_source_rows(problem.target)}
    rows = [(e, t) for e in order for t in range(Y.shape[1])]
    return {
        "source": [problem.expert_names[e] for e, _ in rows],
        "target": [target_names[t] for _, t in rows],
        "mae": [float(as_is[row]) for row in rows],
        "mae_rescaled": [float(on_a_line[row]) for row in rows],
        "mae_of_mean": [float(mean[t]) for _, t in rows],
        "score": [float(score[e]) for e, _ in rows],
        "used": [problem.expert_names[e] in used for e, _ in rows],
    }
