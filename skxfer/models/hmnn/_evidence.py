"""What members that did not see a row say of the strategies, as evidence for the choice among them."""

import numpy as np
import pandas as pd

from ...choice import choose, compare_errors, residual_variance
from ._training import STRATEGIES

# Columns of `cv_results_` about errors.
ERRORS = ("mae", "mae_error", "gain", "gain_error")


class Evidence:
    """Held-out predictions of the target rows.

    Parameters
    ----------
    strategies : list of str
    sets : list of list of (train, held out)
        Sets of folds of the target rows.
    Y : ndarray of shape (n_target, n_targets)
    predictions : list of ndarray of shape (n_target, n_members + n_folds, n_targets)
        Predictions of each strategy for the target rows. After the members that saw all rows there is one
        member for each fold.
    n_members : int
        Members that saw all rows.
    """

    def __init__(self, strategies, sets, Y, predictions, n_members):
        P = np.stack(predictions, axis=-1)
        self.strategies, self.Y, self.n_members = strategies, Y, n_members
        self.parts, held_out, first = [], [], n_members
        for folds in sets:
            rows = np.concatenate([held for _, held in folds])
            fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
            predicted = P[rows, first + fold]
            self.parts.append((predicted, Y[rows], fold))
            held_out.append(np.full((len(Y), *predicted.shape[1:]), np.nan))
            held_out[-1][rows] = predicted
            first += len(folds)
        self.held_out = np.stack(held_out, axis=1)  # (n_target, n_sets, n_targets, n_strategies)

    def of_target(self, t, name):
        """Return (P, y, fold) of the labelled rows for one target, for each set of folds."""
        known = [~np.isnan(Y[:, t]) for _, Y, _ in self.parts]
        if not all(rows.any() for rows in known):
            raise ValueError(f"No row that cv holds out has a label of target {name!r}.")
        return [(P[k, t], Y[k, t], fold[k]) for (P, Y, fold), k in zip(self.parts, known, strict=True)]

    def variance(self, t, weights):
        """Fit the squared error of a blend as a constant plus a multiple of the variance over members.

        The mean over sets of folds is judged, and its variance is that over sets; with one member there is
        none when it predicts.
        """
        P, y = (self.held_out[:, :, t] * weights).sum(axis=-1), self.Y[:, t]
        known = ~np.isnan(y) & ~np.isnan(P).any(axis=1)
        P, y = P[known], y[known]
        return residual_variance(P.mean(axis=1) - y, variance_over_members(P) * (self.n_members > 1))


def variance_over_members(members):
    """Return the unbiased variance over axis 1; 0 with one member."""
    return members.var(axis=1, ddof=1) if members.shape[1] > 1 else np.zeros_like(members[:, 0])


def order_of_preference(strategies, use):
    """Number the strategies, the one that wins ties first.

    Held-out target rows are less new than new inputs, and a network that saw such inputs in the sources does
    better there than folds can show. For rows like the target rows, and new domains, nothing but the folds
    speaks for the sources.

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


def unjudged(model):
    """Use the only strategy without cross-validation.

    Parameters
    ----------
    model : HMNNRegressor
        Gets the attributes that :func:`judge` sets.
    """
    (name,) = model.strategies_
    targets = _names(model)
    model.weights_, model.variance_ = np.ones((len(targets), 1)), None
    model.transfer_gain_ = np.full(len(targets), np.nan)
    model.cv_results_ = {"target": targets, "strategy": [name] * len(targets)}
    model.reason_ = f"{name}: nothing was cross-validated, so nothing was compared."


def judge(model, evidence, seconds):
    """Choose a strategy for each target: the first in order of preference that no other clearly beats.

    Parameters
    ----------
    model : HMNNRegressor
        Gets ``weights_``, ``cv_results_``, ``transfer_gain_``, ``variance_`` and ``reason_``.
    evidence : Evidence
    seconds : dict of str to float
        Time of training for each member.
    """
    names, targets = model.strategies_, _names(model)
    order = order_of_preference(names, model.predict_on_)
    alone = names.index("target_only") if "target_only" in names else None
    choices, variances, rows, reasons = [], [], [], []
    for t, target in enumerate(targets):
        sets = evidence.of_target(t, target)
        errors = np.concatenate([np.abs(P - y[:, None]) for P, y, _ in sets]).mean(axis=0)
        baseline = errors.argmin() if alone is None else alone
        # The networks of the folds are those that predict in the end: none of them learns from more rows.
        training = [np.ones(len(y)) for _, y, _ in sets]
        choice = choose(sets, "first_unbeaten", baseline=baseline, order=order, guard=None, training=training)
        here = [
            {"target": target, "strategy": name, "transfer": name != "target_only"}
            | {key: compared[key] for key in ERRORS}
            | {"weight": weight, "fit_time": seconds[name]}
            | {key: compared[key] for key in compared if key not in ERRORS}
            for name, weight, compared in zip(
                names, choice.weights, compare_errors(sets, baseline), strict=True
            )
        ]
        sentence = _reason(here, baseline, sum(len(np.unique(fold)) for *_, fold in sets))
        reasons.append(sentence if len(targets) == 1 else f"{target}: {sentence}")
        rows += here
        choices.append(choice)
        variances.append(evidence.variance(t, choice.weights))
    model.weights_ = np.array([choice.weights for choice in choices])
    gains = [np.nan if alone is None else choice.gain for choice in choices]
    model.transfer_gain_, model.variance_ = np.array(gains), np.array(variances)
    model.cv_results_, model.reason_ = pd.DataFrame(rows).to_dict("list"), "\n".join(reasons)


def _names(model):
    return list(range(model.n_targets_)) if model.target_names_ is None else list(model.target_names_)


def _reason(rows, baseline, n_folds):
    """Say for one target why this strategy was chosen."""

    def error_of(row):
        return f"{row['mae']:.3g} ± {row['mae_error']:.2g}"

    (kept,) = (row for row in rows if row["weight"])
    sentence = f"{kept['strategy']}: mean absolute error {error_of(kept)} over {n_folds} folds"
    if len(rows) == 1:
        return f"{sentence}; there was no other strategy."
    alone = rows[baseline]
    if not alone["transfer"] and kept is not alone:
        sentence += f", against {error_of(alone)} of target_only"
    lowest = min(rows, key=lambda row: row["mae"])
    if lowest is kept:
        return f"{sentence}, the lowest of {len(rows)} strategies."
    return (
        f"{sentence}; {lowest['strategy']} has {error_of(lowest)}, and no strategy is better by more than a "
        "standard error of the gain, so the order of preference decides."
    )
