"""The source model as it is."""

import numpy as np

from ._base import OnExperts, Strategy
from ._frozen_experts import no_expert


class SourceOnly(Strategy):
    """Predict with the source model as it is.

    Of several, the one with the least error on the target rows predicts, for each target. This wins where the
    target domain differs little from a source and few target rows are known; it loses by any shift or scale
    between the two.
    """

    name = "source_only"
    needs_experts = True
    cost = 0

    def missing(self, problem):
        """Say whether a source predicts the targets."""
        return no_expert(problem)

    def fit(self, problem, rows):
        """Find the expert with the least error, for each target."""
        F = problem.outputs[rows].reshape(len(rows), -1, problem.n_targets)  # (n_rows, n_experts, n_targets)
        error = np.abs(F - problem.Y[rows][:, None])
        weight = np.ones(len(rows)) if problem.sample_weight is None else problem.weight(rows)
        weight = weight[:, None, None] * ~np.isnan(error)
        total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
        return BestExpert(((np.nan_to_num(error) * weight).sum(axis=0) / total).argmin(axis=0))


class BestExpert(OnExperts):
    """One expert for each target.

    Parameters
    ----------
    expert : ndarray of int, shape (n_targets,)
        Its number.
    """

    def __init__(self, expert):
        self.expert = expert

    def predict(self, F, X=None):
        """Pick predictions, shape (n_samples, n_targets), from those of all experts."""
        n_targets = len(self.expert)
        return F.reshape(len(F), -1, n_targets)[:, self.expert, np.arange(n_targets)]
