"""The strategies that compete in HMNNRegressor: how each is trained, which one is kept, how sure it is."""

import warnings

import numpy as np
from scipy.optimize import nnls

from ...choice import preferred
from ...domains import relevant_rows

# From the target alone to the sources.
STRATEGIES = ("target_only", "tiers", "merge+tune", "merge")
# Continued training on the target: gentle, so that it moves what the sources taught only a little.
TUNE_RATE, TUNE_EPOCHS = 0.1, 30


def train_strategies(names, recipe, X, Y, source_rows, target, seen, sources, margin):
    """Train a network for each strategy.

    Parameters
    ----------
    names : list of str
        Of the strategies.
    recipe : Recipe
    X : ndarray of shape (n_samples, n_features)
    Y : ndarray of shape (n_samples, n_targets)
        NaN marks a missing label.
    source_rows : dict of label to ndarray of int
    target : ndarray of int
    seen : ndarray of shape (n_target, n_members)
        One where a member may see a target row.
    sources : list of Network
        Whose experts tier II uses.
    margin : float or None
        Of the relevance filter.

    Returns
    -------
    dict of str to Network
    """
    labels = (X[target], Y[target], seen)
    networks = {}
    if "target_only" in names:
        networks["target_only"] = recipe.train(*labels)
    if "tiers" in names:
        networks["tiers"] = recipe.train(*labels, sources=sources)
    if {"merge", "merge+tune"} & set(names):
        rows = np.concatenate(list(source_rows.values()))
        kept = relevant_for_members(Y[rows], Y[target], seen, margin)
        if not kept[:, 0].any():
            warnings.warn(
                f"None of the {len(rows)} source rows has labels near those of the target (source_filter), "
                "so that merged training sees the target alone. Are the labels in the same unit?",
                stacklevel=4,
            )
        members = np.vstack([kept, seen])
        rows = np.concatenate([rows, target])
        used = members.any(axis=1)
        networks["merge"] = recipe.train(X[rows[used]], Y[rows[used]], members[used])
    if "merge+tune" in names:
        networks["merge+tune"] = recipe.train(
            *labels, start=networks["merge"], learning_rate=TUNE_RATE, max_epochs=TUNE_EPOCHS
        )
    return networks


def relevant_for_members(Y_source, Y_target, seen, margin):
    """Say which source rows each member sees, judged by the target rows that it sees.

    Parameters
    ----------
    Y_source : ndarray of shape (n_source, n_targets)
    Y_target : ndarray of shape (n_target, n_targets)
    seen : ndarray of shape (n_target, n_members)
    margin : float or None
        None: all rows.

    Returns
    -------
    ndarray of shape (n_source, n_members)
    """
    if margin is None:
        return np.ones((len(Y_source), seen.shape[1]))
    patterns, which = np.unique(seen, axis=1, return_inverse=True)
    kept = [relevant_rows(Y_source, Y_target[pattern > 0], margin) for pattern in patterns.T]
    return np.stack(kept, axis=1)[:, which.ravel()].astype(float)


def order_of_preference(strategies, use):
    """Number the strategies, the one to keep in doubt first.

    Held-out target rows are less new than new inputs, and a network that saw such inputs in the sources
    does better there than folds can show. For rows like those at hand, and new domains, nothing speaks
    for the sources but the folds.

    Parameters
    ----------
    strategies : list of str
    use : {"similar", "new_domains", "new_inputs"} or None

    Returns
    -------
    list of int
    """
    order = [name for name in STRATEGIES if name in strategies]
    return [strategies.index(name) for name in (order[::-1] if use == "new_inputs" else order)]


def weigh_strategies(strategies, order, sets, Y, predictions, n_members):
    """Judge the strategies by members that did not see a row.

    Parameters
    ----------
    strategies : list of str
    order : list of int
        Of preference.
    sets : list of list of (train, held out)
        Sets of folds of the target rows.
    Y : ndarray of shape (n_target, n_targets)
    predictions : list of ndarray of shape (n_target, n_members, n_targets)
        Of each strategy for the target rows.
    n_members : int
        That saw all rows; those that did not see a fold follow.

    Returns
    -------
    weights, errors : ndarray of shape (n_targets, n_strategies)
        Shares in the prediction, mean absolute errors.
    gain : ndarray of shape (n_targets,)
        By what share the error is below that of the first strategy.
    variance : ndarray of shape (n_targets, 2)
        Squared error = variance[0] + variance[1] * variance over members.
    """
    P = np.stack(predictions, axis=-1)
    n_targets = Y.shape[1]
    held_out, parts, first = [], [], n_members
    for folds in sets:
        rows = np.concatenate([held for _, held in folds])
        fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
        seen_not = P[rows, first + fold]
        parts.append((seen_not, Y[rows], fold))
        held_out.append(np.full((len(Y), n_targets, len(strategies)), np.nan))
        held_out[-1][rows] = seen_not
        first += len(folds)
    weights, errors = np.empty((2, n_targets, len(strategies)))
    for t in range(n_targets):
        known = [~np.isnan(labels[:, t]) for _, labels, _ in parts]
        if not all(rows.any() for rows in known):
            raise ValueError(f"No row that cv holds out has a label of target {t}.")
        labelled = [(p[k, t], y[k, t], fold[k]) for (p, y, fold), k in zip(parts, known, strict=True)]
        weights[t] = preferred(labelled, order)
        errors[t] = np.concatenate([np.abs(p - y[:, None]) for p, y, _ in labelled]).mean(axis=0)
    alone = np.where(errors[:, 0] > 0, errors[:, 0], 1.0)
    gain = (errors[:, 0] - (weights * errors).sum(axis=1)) / alone
    blended = (np.stack(held_out, axis=1) * weights).sum(axis=-1)  # (n_target, n_sets, n_targets)
    variance = np.array([_calibrate(blended[:, :, t], Y[:, t], n_members > 1) for t in range(n_targets)])
    return weights, errors, gain, variance


def variance_over_members(members):
    """Return the unbiased variance over axis 1; 0 with one member."""
    return members.var(axis=1, ddof=1) if members.shape[1] > 1 else np.zeros_like(members[:, 0])


def _calibrate(P, y, has_variance):
    """Squared error as a constant plus a factor times the variance, from out-of-fold predictions.

    `P` has shape (n_rows, n_sets); the mean over sets is judged. A single member has no variance.
    """
    known = ~np.isnan(y) & ~np.isnan(P).any(axis=1)
    P, y = P[known], y[known]
    A = np.column_stack([np.ones(len(y)), variance_over_members(P) * has_variance])
    return nnls(A, (P.mean(axis=1) - y) ** 2)[0]
