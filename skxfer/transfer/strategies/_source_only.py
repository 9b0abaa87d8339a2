"""The source model as it is."""

import numpy as np

from ._base import OnExperts, Strategy
from ._frozen_experts import no_expert

MEAN_OF_ALL = -1


class SourceOnly(Strategy):
    """Predict with the source model as it is.

    With several sources, the one with the least error on the target rows predicts each target; where no
    target row has a label, their mean does. This wins where the target domain differs little from a source
    and few target rows are known; it loses by any shift or scale between the two.
    """

    name = "source_only"
    needs_experts = True
    needs_labels = False
    cost = 0

    def missing(self, problem):
        """Say whether a source predicts the targets."""
        return no_expert(problem)

    def fit(self, problem, rows):
        """Find the expert with the least error, for each target."""
        return best_expert(
            problem.outputs[rows], problem.Y[rows], problem.weight(rows), problem.best_sources(rows)
        )


def best_expert(F, Y, sample_weight, among=None):
    """Find the expert with the least error on some rows, for each target.

    Parameters
    ----------
    F : ndarray of shape (n_rows, n_experts * n_targets)
        The experts' predictions.
    Y : ndarray of shape (n_rows, n_targets)
    sample_weight : ndarray of shape (n_rows,) or None
    among : ndarray of int, optional
        Numbers of the experts to choose from. Default: all.

    Returns
    -------
    BestExpert
    """
    error = np.abs(F.reshape(len(F), -1, Y.shape[1]) - Y[:, None])  # (n_rows, n_experts, n_targets)
    weight = np.ones(len(F)) if sample_weight is None else sample_weight
    weight = weight[:, None, None] * ~np.isnan(error)
    total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    mean = (np.nan_to_num(error) * weight).sum(axis=0) / total
    best = mean.argmin(axis=0) if among is None else among[mean[among].argmin(axis=0)]
    return BestExpert(np.where(weight.any(axis=(0, 1)), best, MEAN_OF_ALL))


class BestExpert(OnExperts):
    """One expert for each target.

    Parameters
    ----------
    expert : ndarray of int, shape (n_targets,)
        Its number; -1: the mean of all.
    """

    def __init__(self, expert):
        self.expert = expert

    def predict(self, F, X=None):
        """Pick predictions, shape (n_samples, n_targets), from those of all experts."""
        n_targets = len(self.expert)
        F = F.reshape(len(F), -1, n_targets)
        return np.where(
            np.asarray(self.expert) == MEAN_OF_ALL,
            F.mean(axis=1),
            F[:, self.expert, np.arange(n_targets)],
        )
