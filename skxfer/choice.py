"""Which strategies predict a target best, and how sure that is: one judge for all estimators."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

# How often the folds are drawn anew, with replacement, for a blend: its weights are means over these draws.
N_BAGS = 20
# A blend is judged by leaving out folds in so many groups at most.
MAX_LEFT_OUT = 20
# Shares below this are left out of a blend: they cost a model each and change next to nothing.
SMALLEST_SHARE = 0.1
# Half-width of the 80 % interval of the gain in its standard deviations, and a part of the latter that no
# held-out row shows: measured against gains on test rows (benchmarks/regret.py).
INTERVAL = 1.2
UNSEEN_DEVIATION = 0.05
# The guard lets transfer in from this many standard errors of the gain on. To refuse a source that helps
# costs more than to blend in one that does nothing, so it asks for a clear sign only, not for proof.
CLEAR_GAIN = 0.5


@dataclass
class Choice:
    """What was chosen for one target.

    Parameters
    ----------
    weights : ndarray of shape (n_strategies,)
        Shares in the prediction: non-negative, with sum one.
    errors : ndarray of shape (n_strategies,)
        Mean absolute held-out errors, in the unit of y.
    gain : float
        Share by which the error is expected to be below that of the baseline, once both have learned from all
        rows.
    gain_interval : ndarray of shape (2,)
        Bounds between which the gain on new rows lies in about 80 of 100 cases.
    variance : ndarray of shape (2,)
        Squared error = variance[0] + variance[1] * (weighted) variance over the strategies.
    held_out : list of ndarray of shape (n_rows, 2)
        For each set of folds: the prediction of each labelled row by weights from the other folds, and its
        standard deviation.
    """

    weights: np.ndarray
    errors: np.ndarray
    gain: float
    gain_interval: np.ndarray
    variance: np.ndarray
    held_out: list


def choose(sets, rule, *, baseline=0, order=None, guard=CLEAR_GAIN, training=None):
    """Weigh strategies for one target by their held-out predictions.

    Parameters
    ----------
    sets : list of (P, y, fold)
        Evidence of each set of folds: predictions of held-out rows, of shape (n_rows, n_strategies), labels
        and the fold of each row, of shape (n_rows,). Rows without a label (NaN) are left out.
    rule : {"blend", "best", "first_unbeaten"} or int
        ``"blend"``: half the convex combination with the least squared error, half the best strategy,
        averaged over draws of the folds with replacement, so that what is best by chance in a few folds gets
        only a share. ``"best"``: the strategy with the least mean absolute error. ``"first_unbeaten"``: the
        first in `order` that no other one beats by more than a standard error. A number: this strategy.
    baseline : int
        The strategy that is compared with, and that the guard falls back to.
    order : list of int, optional
        Order of preference for ``"first_unbeaten"``. Default: as numbered.
    guard : float or None
        Fall back to the baseline unless the gain exceeds this many standard errors. None: never.
    training : list of ndarray of shape (n_rows,), optional
        For each set of folds, the share of all rows that the models which predicted a row learned from.
        Default: all rows but those of its fold.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        A set of folds holds out no row that has a label.
    """
    if training is None:
        training = [_share_of_training(fold) for _, _, fold in sets]
    training = [share[~np.isnan(y)] for share, (_, y, _) in zip(training, sets, strict=True)]
    sets = [tuple(a[~np.isnan(y)] for a in (P, y, fold)) for P, y, fold in sets]
    if not all(len(y) for _, y, _ in sets):
        raise ValueError("No row that cv holds out has a label.")
    if rule == "blend":
        weights = _blend_weights(sets, baseline)
        shares = [_honest_weights(*evidence, baseline) for evidence in sets]
    else:
        weights = _fixed_weights(sets, rule, order)
        shares = [np.broadcast_to(weights, P.shape) for P, _, _ in sets]
    gain, interval = _gain_and_interval(sets, shares, baseline, training)
    if guard is not None and gain < 0:  # clear by the errors of the folds, but of no account in the end
        gain, interval = 0.0, interval - gain
    refused = guard is not None and not _is_clear(sets, shares, baseline, guard)
    if refused or weights[baseline] == 1:
        gain, interval = 0.0, np.zeros(2)
        weights = np.eye(len(weights))[baseline]
        shares = [np.broadcast_to(weights, P.shape) for P, _, _ in sets]
    errors = np.concatenate([np.abs(P - y[:, None]) for P, y, _ in sets]).mean(axis=0)
    y = np.concatenate([y for _, y, _ in sets])
    means = [(P * share).sum(axis=1) for (P, *_), share in zip(sets, shares, strict=True)]
    spreads = [
        (share * (P - mean[:, None]) ** 2).sum(axis=1)
        for (P, *_), share, mean in zip(sets, shares, means, strict=True)
    ]
    variance = residual_variance(np.concatenate(means) - y, np.concatenate(spreads))
    held_out = [
        np.column_stack([mean, np.sqrt(variance[0] + variance[1] * spread)])
        for mean, spread in zip(means, spreads, strict=True)
    ]
    return Choice(weights, errors, gain, interval, variance, held_out)


def _fixed_weights(sets, rule, order):
    """Weight one for a single strategy."""
    n_strategies = sets[0][0].shape[1]
    if rule == "best":
        errors = np.concatenate([np.abs(P - y[:, None]) for P, y, _ in sets])
        return np.eye(n_strategies)[errors.mean(axis=0).argmin()]
    if rule == "first_unbeaten":
        return preferred(sets, range(n_strategies) if order is None else order)
    return np.eye(n_strategies)[rule]


def _blend_weights(sets, baseline):
    """Weights of a blend: means over draws of the folds, without small shares."""
    rng = np.random.default_rng(0)
    total = np.zeros(sets[0][0].shape[1])
    for _ in range(N_BAGS):
        drawn = [_draw_folds(*evidence, rng) for evidence in sets]
        convex = np.mean([convex_weights(P, y, baseline) for P, y in drawn], axis=0)
        errors = np.concatenate([np.abs(P - y[:, None]) for P, y in drawn]).mean(axis=0)
        total += 0.5 * convex + 0.5 * np.eye(len(total))[errors.argmin()]
    shares = total / total.sum()
    shares[shares < min(SMALLEST_SHARE, shares.max())] = 0
    return shares / shares.sum()


def _draw_folds(P, y, fold, rng):
    """Draw as many folds as there are, with replacement."""
    numbers = np.unique(fold)
    rows = np.concatenate([np.flatnonzero(fold == k) for k in rng.choice(numbers, len(numbers))])
    return P[rows], y[rows]


def _honest_weights(P, y, fold, baseline):
    """Weights for each row from the other folds, so that no blend is judged by rows that made it.

    Many folds are left out in groups.
    """
    shares = np.empty(P.shape)
    fold = np.unique(fold, return_inverse=True)[1] % MAX_LEFT_OUT
    for k in np.unique(fold):
        others = fold != k
        alone = np.eye(P.shape[1])[baseline]
        rest = [(P[others], y[others], fold[others])]
        shares[~others] = _blend_weights(rest, baseline) if others.any() else alone
    return shares


def _gain_and_interval(sets, shares, baseline, training):
    """Share of the baseline's error that is saved, and bounds for it on new rows.

    In a fold the baseline learns from fewer rows than it will in the end, which lets transfer look better
    than it is: its error is taken to fall with the root of the number of rows. The deviation is that of the
    ratio of two mean errors over the rows, and over the sets of folds.
    """
    gains, variances, alone, transfer = [], [], [], []
    for (P, y, _), share, learned_from in zip(sets, shares, training, strict=True):
        without = np.abs(P[:, baseline] - y) * np.sqrt(learned_from)
        blended = np.abs((P * share).sum(axis=1) - y)
        if not without.any():
            return 0.0, np.zeros(2)
        ratio = blended.mean() / without.mean()
        gains.append(1 - ratio)
        variances.append(np.mean((blended - ratio * without) ** 2) / (len(y) * without.mean() ** 2))
        alone.append(without)
        transfer.append(blended)
    gain = 1 - np.concatenate(transfer).mean() / np.concatenate(alone).mean()
    between = np.var(gains, ddof=1) if len(gains) > 1 else 0.0
    width = INTERVAL * np.sqrt(np.mean(variances) + between + UNSEEN_DEVIATION**2)
    return gain, np.array([gain - width, min(gain + width, 1.0)])


def _share_of_training(fold):
    """Share of the rows that the models which predicted each row learned from."""
    _, number, size = np.unique(fold, return_inverse=True, return_counts=True)
    return (1 - size / len(fold))[number] if len(size) > 1 else np.ones(len(fold))


def _is_clear(sets, shares, baseline, guard):
    """Whether a blend beats the baseline by more than so many standard errors."""
    gains = [
        gain_and_error(np.abs(P[:, baseline] - y), np.abs((P * share).sum(axis=1) - y), fold)
        for (P, y, fold), share in zip(sets, shares, strict=True)
    ]
    # Sets of folds repeat the same rows: the second is no further evidence, so errors are averaged.
    gain, error = np.mean(gains, axis=0)
    return gain > guard * error


def residual_variance(error, spread):
    """Fit squared errors as a constant plus a multiple of a spread, both non-negative.

    Parameters
    ----------
    error : ndarray of shape (n_rows,)
        Held-out errors.
    spread : ndarray of shape (n_rows,)
        Variance over strategies, or over members of a network.

    Returns
    -------
    ndarray of shape (2,)
        The constant and the multiple.
    """
    unit = (error**2).max() or 1.0  # below about 1e-13 nnls takes numbers for 0
    return nnls(np.column_stack([np.ones(len(error)), spread / unit]), error**2 / unit)[0] * [unit, 1.0]


def blend(predictions, weights):
    """Mean and variance over strategies.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_targets, n_strategies)
    weights : ndarray of shape (n_targets, n_strategies)

    Returns
    -------
    mean, variance : ndarray of shape (n_samples, n_targets)
    """
    mean = (predictions * weights).sum(axis=2)
    return mean, (weights * (predictions - mean[:, :, None]) ** 2).sum(axis=2)


def convex_weights(P, y, baseline=0):
    """Weights ≥ 0 with sum 1 that blend predictions with the least squared error.

    Parameters
    ----------
    P : ndarray of shape (n_samples, n_models)
        Held-out predictions.
    y : ndarray of shape (n_samples,)
    baseline : int
        Model that is preferred among equal ones.

    Returns
    -------
    ndarray of shape (n_models,)
    """
    order = [baseline, *(j for j in range(P.shape[1]) if j != baseline)]
    residual = P[:, order] - y[:, None]
    scale = np.abs(residual).max() or 1.0
    # The weights sum to one, so the blend's error is residual @ w; a heavy row enforces the sum.
    heavy = 1e3 * np.sqrt(len(y))
    A = np.vstack([residual / scale, np.full((1, P.shape[1]), heavy)])
    found, _ = nnls(A, np.append(np.zeros(len(y)), heavy))
    weights = np.empty(P.shape[1])
    weights[order] = found / found.sum()
    return weights


def gain_and_error(error_alone, error_transfer, folds):
    """Mean gain over rows, and its standard error where the rows of a fold err together.

    Parameters
    ----------
    error_alone, error_transfer : ndarray of shape (n_rows,)
        Absolute held-out errors.
    folds : ndarray of int, shape (n_rows,)

    Returns
    -------
    gain, standard_error : float
        In the unit of the errors. The error is infinite with one fold only.
    """
    gain = error_alone - error_transfer
    _, folds = np.unique(folds, return_inverse=True)
    n_folds = folds.max() + 1
    if n_folds < 2:
        return gain.mean(), np.inf
    deviation = np.bincount(folds, weights=gain - gain.mean())
    return gain.mean(), np.sqrt(n_folds / (n_folds - 1) * (deviation**2).sum()) / len(gain)


def preferred(sets, order, margin=1.0):
    """Weight 1 for the first model, in an order of preference, that no other one clearly beats.

    By default the one-standard-error rule: clear is a gain above its standard error.

    Parameters
    ----------
    sets : list of (P, y, fold)
        Held-out predictions of shape (n_rows, n_models), labels and folds of shape (n_rows,).
    order : list of int
        Models, the one to keep in doubt first.
    margin : float, default=1.0
        A gain is clear above this many standard errors.

    Returns
    -------
    ndarray of shape (n_models,)
    """
    n_models = sets[0][0].shape[1]
    errors = [(np.abs(P - y[:, None]), fold) for P, y, fold in sets]
    for model in order:
        beaten = False
        for other in range(n_models):
            gains = [gain_and_error(error[:, model], error[:, other], fold) for error, fold in errors]
            gain, error = np.mean(gains, axis=0)
            beaten |= gain > margin * error
        if not beaten:
            break
    return np.eye(n_models)[model]


def compare_errors(sets, baseline):
    """Compare the held-out errors of all strategies for one target with those of one of them.

    Parameters
    ----------
    sets : list of (P, y, fold)
        As in :func:`choose`, without missing labels.
    baseline : int

    Returns
    -------
    list of dict
        For each strategy ``mae`` and ``mae_error``, the mean absolute error and its standard error over
        folds; ``gain`` and ``gain_error``, how much lower it is than that of the baseline on the same rows;
        and the error of each fold, ``fold0_mae``, ... The first four are means over the sets of folds.
    """
    errors = [np.abs(P - y[:, None]) for P, y, _ in sets]
    folds = [fold for *_, fold in sets]
    table = []
    for j in range(errors[0].shape[1]):
        pairs = list(zip(errors, folds, strict=True))
        mae = np.mean([gain_and_error(e[:, j], np.zeros(len(e)), fold) for e, fold in pairs], axis=0)
        gain = np.mean([gain_and_error(e[:, baseline], e[:, j], fold) for e, fold in pairs], axis=0)
        by_fold = [e[fold == k, j].mean() for e, fold in pairs for k in np.unique(fold)]
        row = dict(zip(("mae", "mae_error", "gain", "gain_error"), (*mae, *gain), strict=True))
        table.append(row | {f"fold{k}_mae": mean for k, mean in enumerate(by_fold)})
    return table
