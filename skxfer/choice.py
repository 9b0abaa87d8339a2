"""Which strategy predicts a target best: shares from out-of-fold predictions, and the guard."""

import numpy as np
from scipy.optimize import nnls

# The guard lets transfer in from this many standard errors of the gain on. To refuse a source that helps
# costs more than to blend in one that does nothing, so it is not asked for proof, only for a clear sign.
CLEAR_GAIN = 0.5


def choose(t, sets, strategies, strategy, guard):
    """Weigh the strategies for one target.

    Parameters
    ----------
    t : int
        The target.
    sets : list of (P, Y, fold)
        For each set of folds: out-of-fold predictions of shape (n_rows, n_targets,
        n_strategies), labels of shape (n_rows, n_targets), the fold of each row.
    strategies : list of str
        The first is the target alone if `guard`.
    strategy : str
        ``"auto"`` blends them, any other name stands for itself.
    guard : bool
        Fall back to the first where the gain is not clear.

    Returns
    -------
    weights : ndarray of shape (n_strategies,)
    errors : ndarray of shape (n_strategies,)
        Mean absolute out-of-fold errors.
    gain : float
        By what share the error is below that of the first strategy.
    variance : ndarray of shape (2,)
        Squared error = variance[0] + variance[1] * disagreement of the strategies.

    Raises
    ------
    ValueError
        No row held out has a label of this target.
    """
    labelled = [(P[:, t], Y[:, t], fold) for P, Y, fold in sets]
    labelled = [tuple(a[~np.isnan(y)] for a in (P, y, fold)) for P, y, fold in labelled]
    if not all(len(y) for _, y, _ in labelled):
        raise ValueError(f"No row that cv holds out has a label of target {t}.")
    fixed = None if strategy == "auto" else np.array([float(name == strategy) for name in strategies])
    weights = np.mean([convex_weights(P, y) for P, y, _ in labelled], axis=0) if fixed is None else fixed
    sets = [(P, y, fold, _honest_weights(P, y, fold, fixed)) for P, y, fold in labelled]
    gains = [
        gain_and_error(np.abs(P[:, 0] - y), np.abs((P * shares).sum(axis=1) - y), fold)
        for P, y, fold, shares in sets
    ]
    # Sets of folds repeat the same rows: the second is no further evidence, so errors are averaged.
    gain, error = np.mean(gains, axis=0)
    if guard and gain <= CLEAR_GAIN * error:
        weights = np.eye(len(weights))[0]
        sets = [(P, y, fold, np.broadcast_to(weights, P.shape)) for P, y, fold, _ in sets]
    P, y, _, shares = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    errors = np.abs(P - y[:, None])
    mean = (P * shares).sum(axis=1)
    gain = 1 - np.abs(mean - y).mean() / errors[:, 0].mean() if errors[:, 0].any() else 0.0
    spread = (shares * (P - mean[:, None]) ** 2).sum(axis=1)
    variance, _ = nnls(np.column_stack([np.ones(len(y)), spread]), (mean - y) ** 2)
    return weights, errors.mean(axis=0), gain, variance


def _honest_weights(P, y, fold, fixed):
    """Weights for each row from the other folds, so that no blend is judged by rows that made it."""
    if fixed is not None:
        return np.broadcast_to(fixed, P.shape)
    shares = np.empty(P.shape)
    for k in np.unique(fold):
        others = fold != k
        shares[~others] = convex_weights(P[others], y[others]) if others.any() else np.eye(P.shape[1])[0]
    return shares


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


def convex_weights(P, y):
    """Weights ≥ 0 with sum 1 that blend predictions with the least squared error.

    Parameters
    ----------
    P : ndarray of shape (n_samples, n_models)
        Out-of-fold predictions.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_models,)
    """
    residual = P - y[:, None]
    scale = np.abs(residual).max() or 1.0
    # The weights sum to one, so the blend's error is residual @ w; a heavy row enforces the sum.
    heavy = 1e3 * np.sqrt(len(y))
    A = np.vstack([residual / scale, np.full((1, P.shape[1]), heavy)])
    weights, _ = nnls(A, np.append(np.zeros(len(y)), heavy))
    return weights / weights.sum()


def gain_and_error(error_alone, error_transfer, folds):
    """Mean gain over rows, and its standard error where the rows of a fold err together.

    Parameters
    ----------
    error_alone, error_transfer : ndarray of shape (n_rows,)
        Absolute out-of-fold errors.
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


def preferred(sets, order):
    """Weight 1 for the first model, in an order of preference, that no other one clearly beats.

    The one-standard-error rule: clear is a gain above its standard error.

    Parameters
    ----------
    sets : list of (P, y, fold)
        Out-of-fold predictions of shape (n_rows, n_models), labels and folds of shape (n_rows,).
    order : list of int
        Models, the one to keep in doubt first.

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
            beaten |= gain > error
        if not beaten:
            break
    return np.eye(n_models)[model]
