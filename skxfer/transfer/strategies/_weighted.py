"""Fit any learner on weighted rows."""

import numpy as np
import sklearn
from sklearn.utils.validation import has_fit_parameter

from ...inputs import take
from ...learners import fit_learner, inner_learner, innermost

# Rows with less than this share of the largest weight are left out.
NEGLIGIBLE = 1e-6


def fit_weighted(problem, rows, weight):
    """Fit the learner on weighted rows: by its ``sample_weight``, else on rows drawn by their weight.

    Parameters
    ----------
    problem : Problem
        The user's sample weights, if there are any, multiply these.
    rows : ndarray of int
    weight : ndarray of shape (n_rows,)
        A row of weight w counts as w rows. Where rows are drawn, they are as many as before.

    Returns
    -------
    fitted regressor
    """
    if problem.sample_weight is not None:
        weight = weight * problem.weight(rows)
    kept = weight > NEGLIGIBLE * weight.max()
    rows, weight = rows[kept], weight[kept]
    if not takes_weights(problem.learner):
        rows, weight = rows[resample(weight * len(rows) / weight.sum(), problem.seed)], None
    return fit_learner(
        problem.learner,
        take(problem.X, rows),
        problem.Y[rows],
        sample_weight=weight,
        seed=problem.seed,
        metadata=problem.metadata_of(rows),
    )


def takes_weights(learner):
    """Whether ``fit`` of this learner takes sample weights as it stands.

    Parameters
    ----------
    learner : regressor

    Returns
    -------
    bool
    """
    if not has_fit_parameter(innermost(learner), "sample_weight"):
        return False
    # With routing on, what wraps a learner passes weights on only where the user asked for that.
    return not sklearn.get_config()["enable_metadata_routing"] or inner_learner(learner) is learner


def resample(weight, seed):
    """Draw rows so that each is drawn about as often as its weight says.

    The draw is systematic: a comb of equal spacing is laid over the weights in random order, so that a row of
    weight w is drawn ⌊w⌋ or ⌈w⌉ times.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,)
    seed : int or None
        None stands for 0: equal weights give equal rows.

    Returns
    -------
    ndarray of int, shape (about the sum of the weights,)
        Positions, sorted; at least one.
    """
    order = np.random.default_rng(seed or 0).permutation(len(weight))
    total = weight.sum()
    n_draws = max(1, round(total))
    comb = (np.arange(n_draws) + 0.5) * total / n_draws
    drawn = np.searchsorted(np.cumsum(weight[order]), comb)
    return np.sort(order[np.minimum(drawn, len(order) - 1)])
