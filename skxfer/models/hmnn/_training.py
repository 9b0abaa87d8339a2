"""How each strategy of HMNNRegressor is trained: all members at once, each on the rows that it may see."""

import time
import warnings

import numpy as np

from ...domains import relevant_rows

# From the target rows alone to the sources.
STRATEGIES = ("target_only", "frozen_experts", "fine_tuned", "merge_relevant", "merge")
# Plain merging takes longest, and where labels overlap it sees the same rows as merging relevant ones.
AUTO = STRATEGIES[:-1]
# Strategies that need no rows of a source that is trained already.
FROM_TRAINED = ("frozen_experts",)
# Merged training keeps source rows whose labels lie in the range of the target rows' labels, widened by this
# share of it on both sides. Held-out structures of the HMNN data prefer 0.2 on two targets of three
# (benchmarks/hmnn_settings.py), but new structures reach beyond the range of the labels.
RELEVANCE_MARGIN = 0.5
# Continued training on the target rows: gentle, so that it moves what the sources taught only a little.
TUNE_RATE, TUNE_EPOCHS = 0.1, 30


def seen_by_members(sets, n_target, n_members):
    """Say which target rows each member sees: the first ones all, one more for each fold its training rows.

    Parameters
    ----------
    sets : list of list of (train, held out)
        Sets of folds of the target rows.
    n_target, n_members : int

    Returns
    -------
    ndarray of shape (n_target, n_members + n_folds)
        One where a member sees a row, zero where not.
    """
    trains = [train for folds in sets for train, _ in folds]
    seen = np.zeros((n_target, n_members + len(trains)))
    seen[:, :n_members] = 1.0
    for member, train in enumerate(trains, start=n_members):
        seen[train, member] = 1.0
    return seen


def train_sources(recipe, rows, n_members):
    """Train a network on each source: tier I of the paper.

    Parameters
    ----------
    recipe : Recipe
    rows : Rows
    n_members : int

    Returns
    -------
    list of (str, Network)
    """
    networks = []
    for name, of_source in rows.sources.items():
        weight = np.repeat(rows.weight[of_source, None], n_members, axis=1)
        network = recipe.train(rows.X[of_source], rows.Y[of_source], weight).first_members(n_members)
        networks.append((str(name), network))
    return networks


def train_strategies(names, recipe, rows, seen, sources):
    """Train a network for each strategy.

    Parameters
    ----------
    names : list of str
    recipe : Recipe
    rows : Rows
    seen : ndarray of shape (n_target, n_members)
        One where a member may see a target row.
    sources : list of Network
        Networks whose experts are frozen for ``"frozen_experts"``.

    Returns
    -------
    networks : dict of str to Network
    seconds : dict of str to float
        Time of training for each member.
    """
    target = rows.target
    labels = (rows.X[target], rows.Y[target], seen * rows.weight[target, None])
    needed = {*names, "merge_relevant"} if "fine_tuned" in names else {*names}
    networks, seconds = {}, {}
    for name in (name for name in STRATEGIES[::-1] if name in needed):
        start = time.perf_counter()
        if name == "target_only":
            networks[name] = recipe.train(*labels)
        elif name == "frozen_experts":
            networks[name] = recipe.train(*labels, sources=sources)
        elif name == "fine_tuned":
            options = {"learning_rate": TUNE_RATE, "max_epochs": TUNE_EPOCHS}
            networks[name] = recipe.train(*labels, start=networks["merge_relevant"], **options)
        else:
            margin = RELEVANCE_MARGIN if name == "merge_relevant" else None
            networks[name] = recipe.train(*_merged(rows, seen, margin))
        seconds[name] = (time.perf_counter() - start) / seen.shape[1]
    if "fine_tuned" in names:
        seconds["fine_tuned"] += seconds["merge_relevant"]
    return {name: networks[name] for name in names}, seconds


def _merged(rows, seen, margin):
    """Inputs, labels and what members see of source and target rows together."""
    of_sources = np.concatenate(list(rows.sources.values()))
    kept = relevant_for_members(rows.Y[of_sources], rows.Y[rows.target], seen, margin)
    if not kept[:, 0].any():
        warnings.warn(
            f"None of the {len(of_sources)} source rows has labels near those of the target rows, so that "
            "merge_relevant sees the target rows alone. Are the labels in the same unit?",
            stacklevel=5,
        )
    both = np.concatenate([of_sources, rows.target])
    members = np.vstack([kept, seen]) * rows.weight[both, None]
    used = members.any(axis=1)
    return rows.X[both[used]], rows.Y[both[used]], members[used]


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
