"""The learner on all rows, source rows weighted by how much their inputs look like the target's."""

import numpy as np
from sklearn.decomposition import PCA

from ...density_ratio import logistic_ratio, ulsif_ratio
from ...featurizers import ClippedScaler
from ._merge import Merge
from ._numbers import fit_numbers, no_numbers, target_numbers
from ._weighted import fit_weighted

# Densities of more columns cannot be told from few rows: the first principal components stand for them.
MAX_COLUMNS = 20
RATIOS = {"logistic": logistic_ratio, "ulsif": ulsif_ratio}


class MergeWeighted(Merge):
    """Train on the rows of all domains, source rows weighted towards the inputs of the target.

    The weight of a source row is the density of the target's inputs divided by the density of the sources'
    inputs, both at that row [1]_. The target's inputs are those of the target rows and of `X_deploy`. A
    target row has the weight one. The weights of all source rows add up to at most √(n_source · n_target), so
    that many of them do not drown the target rows, and to at most their effective number, (Σw)² / Σw², which
    is small where few of them look like the target.

    This wins where one function holds in all domains and the learner cannot follow it over all source inputs;
    it loses where a source has other labels for the same inputs.

    Parameters
    ----------
    ratio : {"ulsif", "logistic"}, default="ulsif"
        How the ratio of the densities is estimated, see :mod:`skxfer.density_ratio`. The default follows
        ratios of more shapes, takes less time, and is the better one on adsorption energies.

    References
    ----------
    .. [1] Shimodaira, H., "Improving predictive inference under covariate shift by weighting the
       log-likelihood function", J. Stat. Plan. Inference 90, 227 (2000).
       https://doi.org/10.1016/S0378-3758(00)00115-4
    .. [2] Sugiyama, M. et al., "Direct importance estimation for covariate shift adaptation", Ann. Inst.
       Stat. Math. 60, 699 (2008). https://doi.org/10.1007/s10463-008-0197-x
    """

    name = "merge_weighted"

    def __init__(self, ratio="ulsif"):
        self.ratio = ratio

    def missing(self, problem):
        """Say whether source rows are at hand and their inputs can be compared with the target's."""
        return super().missing(problem) or no_numbers(problem)

    def prepare(self, problem):
        """Turn all inputs into numbers."""
        super().prepare(problem)
        fit_numbers(problem)

    def fit(self, problem, rows):
        """Fit the learner on weighted source rows and on target rows."""
        sources = self.source_rows(problem, rows)
        labelled = rows[~np.isnan(problem.Y[rows]).all(axis=1)]
        weight = source_weights(self._ratio_of(problem, sources, rows), len(labelled))
        return fit_weighted(
            problem, np.concatenate([sources, labelled]), np.concatenate([weight, np.ones(len(labelled))])
        )

    def _ratio_of(self, problem, sources, rows):
        X_from, X_to = problem.numbers[sources], target_numbers(problem, rows)
        both = ClippedScaler().fit_transform(np.concatenate([X_from, X_to]))
        if both.shape[1] > MAX_COLUMNS:
            n_components = min(MAX_COLUMNS, len(both) - 1)
            both = PCA(n_components, svd_solver="covariance_eigh").fit_transform(both)
            both /= both.std() or 1.0
        ratio = RATIOS[self.ratio]
        return ratio(both[: len(X_from)], both[len(X_from) :], random_state=problem.seed or 0)


def source_weights(ratio, n_target):
    """Scale ratios of densities to weights of source rows, next to target rows of weight one.

    Parameters
    ----------
    ratio : ndarray of shape (n_source,)
    n_target : int
        Number of target rows with a label. Without any, the weights have the mean one.

    Returns
    -------
    ndarray of shape (n_source,)
    """
    if not ratio.any():
        ratio = np.ones(len(ratio))
    n_source = len(ratio)
    if not n_target:
        return ratio * n_source / ratio.sum()
    effective = ratio.sum() ** 2 / (ratio**2).sum()
    return ratio * min(np.sqrt(n_source * n_target), effective) / ratio.sum()
