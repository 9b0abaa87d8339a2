"""Two-stage boosting: source rows that contradict the target lose weight."""

import numpy as np
from scipy.optimize import brentq
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold

from ...inputs import take
from ...learners import predict_learner
from ._merge import Merge
from ._weighted import fit_weighted

# A call takes N_STEPS · N_FOLDS + (N_STEPS - 1) + N_ROUNDS fits at most.
N_STEPS = 5
N_FOLDS = 3
N_ROUNDS = 10
MAX_EXPONENT = 500.0


class Boosted(Merge):
    """Two-stage TrAdaBoost.R2: source rows lose weight step by step, those first that the learner gets wrong.

    In each step the learner is fitted on all rows, and source rows lose weight by their errors, so that the
    share of the target rows rises evenly from that of equal weights to one [1]_. The step whose weights
    predict held-out target rows best is kept. With its weights the learner is boosted by AdaBoost.R2 [2]_,
    where the weights of target rows alone change, and the weighted median of all rounds predicts.

    This wins where a part of the source rows is right for the target and a part is not, as with outliers, or
    another phase; it loses, in time and error, where all source rows are equally off.

    Unlike the paper, a step is judged by a single weighted fit per fold and not by all rounds of boosting,
    which would cost ten times as much. With several targets, one weight serves all: errors are means over the
    targets.

    References
    ----------
    .. [1] Pardoe, D. & Stone, P., "Boosting for regression transfer", ICML 2010, 863, algorithms 3 and 4.
    .. [2] Drucker, H., "Improving regressors using boosting techniques", ICML 1997, 107.
    """

    name = "boosted"
    needs_labels = True
    cost = N_STEPS * N_FOLDS + N_STEPS - 1 + N_ROUNDS

    def fit(self, problem, rows):
        """Find the weights of the source rows, and boost."""
        rows = rows[~np.isnan(problem.Y[rows]).all(axis=1)]
        sources = self.source_rows(problem, rows)
        both, n = np.concatenate([sources, rows]), len(sources)
        weight = np.full(len(both), 1 / len(both))
        best, kept = np.inf, weight
        for step in range(N_STEPS):
            error = _error_on_target(problem, both, weight, n)
            if error < best:
                best, kept = error, weight
            if step < N_STEPS - 1:
                share = (len(rows) + (step + 1) / (N_STEPS - 1) * n) / len(both)
                wrong = _adjusted_errors(problem, both, _fit(problem, both, weight, n))
                weight = _shrink_sources(weight, wrong, n, share)
        return _boost(problem, both, kept, n)


class WeightedMedian(BaseEstimator):
    """Predicts the weighted median of several models.

    Parameters
    ----------
    models : list of fitted regressors
    weights : ndarray of shape (n_models,)
    """

    def __init__(self, models, weights):
        self.models = models
        self.weights = weights

    def predict(self, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        P = np.array([predict_learner(model, X) for model in self.models])  # (n_models, n_samples, n_targets)
        order = P.argsort(axis=0)
        heavy = self.weights[order].cumsum(axis=0) >= self.weights.sum() / 2 - 1e-12
        return np.take_along_axis(P, np.take_along_axis(order, heavy.argmax(axis=0)[None], 0), 0)[0]


def _fit(problem, rows, weight, n_source):
    """Fit the learner; target rows have the mean weight one, as a penalty of the learner expects."""
    target = weight[n_source:]
    return fit_weighted(problem, rows, weight * len(target) / target.sum())


def _adjusted_errors(problem, rows, model):
    """Absolute errors relative to the largest, means over targets: in [0, 1], 0 without any label."""
    error = np.abs(predict_learner(model, take(problem.X, rows)) - problem.Y[rows])
    largest = np.nanmax(error, axis=0)
    error = error / np.where(largest > 0, largest, 1.0)
    known = ~np.isnan(error)
    return np.nan_to_num(error).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _shrink_sources(weight, wrong, n_source, share):
    """Multiply source weights by β^error, with the β that gives the target rows this share of all weight.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,)
        Sources first.
    wrong : ndarray of shape (n_rows,)
        Adjusted errors.
    n_source : int
    share : float

    Returns
    -------
    ndarray of shape (n_rows,)
        With sum one.
    """
    source, wrong = weight[:n_source], wrong[:n_source]
    target = weight[n_source:].sum()

    def surplus(exponent):
        return target - share * (target + source @ np.exp(-exponent * wrong))

    # Source rows without any error keep their weight, so that the share may be out of reach.
    reached = surplus(MAX_EXPONENT) > 0
    exponent = brentq(surplus, 0, MAX_EXPONENT) if reached else MAX_EXPONENT
    weight = np.concatenate([source * np.exp(-exponent * wrong), weight[n_source:]])
    return weight / weight.sum()


def _error_on_target(problem, rows, weight, n_source):
    """Mean absolute error, relative to the spread of the labels, on target rows that are held out in turn."""
    n_target = len(rows) - n_source
    if n_target < 2:
        return 0.0
    Y = problem.Y[rows[n_source:]]
    error = np.empty(Y.shape)
    folds = KFold(min(N_FOLDS, n_target), shuffle=True, random_state=problem.seed or 0)
    for train, held in folds.split(Y):
        kept = np.concatenate([np.arange(n_source), n_source + train])
        model = _fit(problem, rows[kept], weight[kept], n_source)
        error[held] = predict_learner(model, take(problem.X, rows[n_source + held])) - Y[held]
    spread = np.nanstd(Y, axis=0)
    return np.nanmean(np.abs(error) / np.where(spread > 0, spread, 1.0))


def _boost(problem, rows, weight, n_source):
    """AdaBoost.R2 in which the weights of target rows alone change, and their sum is kept."""
    models, confidence = [], []
    for _ in range(N_ROUNDS):
        model = _fit(problem, rows, weight, n_source)
        wrong = _adjusted_errors(problem, rows, model)[n_source:]
        target = weight[n_source:]
        loss = wrong @ target / target.sum()
        if loss >= 0.5 and models:
            break
        beta = max(loss / (1 - loss), 1e-10) if loss < 0.5 else 1.0
        models.append(model)
        confidence.append(-np.log(beta) if beta < 1 else 1.0)
        if loss >= 0.5 or loss <= 1e-10:
            break
        new = target * beta ** (1 - wrong)
        weight = np.concatenate([weight[:n_source], new * target.sum() / new.sum()])
    return WeightedMedian(models, np.array(confidence))
