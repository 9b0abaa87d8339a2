"""The learner on target rows and on source rows that were mapped to them."""

import copy
import importlib.util

import numpy as np
from sklearn.base import BaseEstimator

from ..._optional import install_hint
from ...inputs import n_rows
from ...learners import fit_learner, predict_learner
from ._alignments import ALIGNMENTS, Alignment
from ._merge import Merge
from ._numbers import fit_numbers, no_numbers, target_numbers, without_head

# Fewer rows have no variance to speak of.
MIN_TARGET_ROWS = 4
# Inputs are alike where means differ by this share of a deviation at most, and deviations by this factor: as
# two samples of 20 rows of one distribution do.
ALIKE_MEANS, ALIKE_DEVIATIONS = 0.75, 1.75
# Sources with fewer rows are mapped together.
MIN_SOURCE_ROWS = 10


class Aligned(Merge):
    """Train on target rows and on source rows whose inputs were mapped to those of the target.

    Each source has a map of its own, which knows no labels: target inputs are those of the target rows and of
    `X_deploy`. It acts on inputs as the learner sees them, after the steps before it in its Pipeline. This
    wins where the same things are measured differently, as by another instrument or unit; it loses where the
    domains hold different things, since it then moves rows to places where their labels are wrong.

    Parameters
    ----------
    method : {"coral", "subspace", "transport"}, default="coral"
        CORAL [1]_ matches means, variances and correlations. Subspace alignment [2]_ turns principal
        components. Optimal transport [3]_ moves single rows; it needs skada and POT (extra ``adaptation``).
        The default is the one that the fewest target rows suffice for.

    References
    ----------
    .. [1] Sun, B., Feng, J. & Saenko, K., AAAI 2016, 2058, https://doi.org/10.1609/aaai.v30i1.10306
    .. [2] Fernando, B. et al., ICCV 2013, 2960, https://doi.org/10.1109/ICCV.2013.368
    .. [3] Courty, N. et al., IEEE Trans. Pattern Anal. Mach. Intell. 39, 1853 (2017),
       https://doi.org/10.1109/TPAMI.2016.2615921
    """

    name = "aligned"

    def __init__(self, method="coral"):
        self.method = method

    def missing(self, problem):
        """Say whether there are inputs of both sides to compare, and what maps them."""
        why = super().missing(problem) or no_numbers(problem, whole=True)
        if why is not None:
            return why
        if self.method == "transport" and not all(map(importlib.util.find_spec, ("skada", "ot"))):
            return f"optimal transport needs skada and POT: {install_hint('adaptation')}"
        n_deploy = 0 if problem.X_deploy is None else n_rows(problem.X_deploy)
        if len(problem.target) + n_deploy < MIN_TARGET_ROWS:
            return f"a map to the target needs at least {MIN_TARGET_ROWS} rows of it"
        return None

    def needless(self, problem):
        """Say whether sources and target have like inputs already."""
        T = target_numbers(problem, problem.target)
        if all(_are_alike(problem.numbers[group], T) for group in _sources_to_map(problem.source_rows)):
            return "the inputs of all domains have like means and deviations, so that a map changes little"
        return super().needless(problem)

    def prepare(self, problem):
        """Turn all inputs into numbers."""
        super().prepare(problem)
        fit_numbers(problem)

    def fit(self, problem, rows):
        """Map the source rows, and fit the learner on them and on target rows."""
        groups = _sources_to_map(problem.best_source_rows(rows))
        sources, T = np.concatenate(groups), target_numbers(problem, rows)
        parts = [ALIGNMENTS[self.method](problem.numbers[group], T) for group in groups]
        found = together(parts)
        if found.basis is None:
            found = as_wide_as_before(found, problem.numbers[sources], T)
        labelled = rows[~np.isnan(problem.Y[rows]).all(axis=1)]
        both = np.concatenate([sources, labelled])
        model = OnView(problem.view, found.mean, found.basis)
        return model.fit(found.sources, labelled, both, problem)


def _are_alike(S, T):
    """Whether means differ by less than deviations, and these by less than a factor, in all columns."""
    wide, narrow = np.maximum(S.std(axis=0), T.std(axis=0)), np.minimum(S.std(axis=0), T.std(axis=0))
    return bool(
        (np.abs(S.mean(axis=0) - T.mean(axis=0)) <= ALIKE_MEANS * wide).all()
        and (wide <= ALIKE_DEVIATIONS * narrow).all()
    )


def _sources_to_map(source_rows):
    """Rows of each source, and those of all small ones together: each source may have units of its own."""
    rows = list(source_rows.values())
    small = [of for of in rows if len(of) < MIN_SOURCE_ROWS]
    groups = [of for of in rows if len(of) >= MIN_SOURCE_ROWS]
    return [*groups, np.concatenate(small)] if small else groups


def together(parts):
    """Join the maps of several sources to one target; the smallest subspace serves all.

    Parameters
    ----------
    parts : list of Alignment

    Returns
    -------
    Alignment
    """
    k = min(part.sources.shape[1] for part in parts)
    basis = parts[0].basis
    return Alignment(
        np.concatenate([part.sources[:, :k] for part in parts]),
        parts[0].mean,
        None if basis is None else basis[:, :k],
    )


def as_wide_as_before(found, S, T):
    """Give each column of the mapped rows and target rows the mean and deviation that all had before.

    The learner, or the steps before it, chose how much each column counts next to the others; a map to target
    rows that are wide in one column and narrow in another would undo that.

    Parameters
    ----------
    found : Alignment
        One that leaves target rows where they are.
    S, T : ndarray of shape (n_source, n_features) and (n_target, n_features)

    Returns
    -------
    Alignment
    """
    old, new = (np.concatenate([rows, T]) for rows in (S, found.sources))
    before, after = old.std(axis=0), new.std(axis=0)
    varies = (after > 1e-9 * before) & (before > 0)
    factor = np.where(varies, before / np.where(varies, after, 1.0), 1.0)
    mean = new.mean(axis=0) - old.mean(axis=0) / factor
    return Alignment((found.sources - mean) * factor, mean, np.diag(factor))


class OnView(BaseEstimator):
    """A learner without the steps before it, on numbers that stand for X.

    Parameters
    ----------
    view : NumericView
    mean, basis : ndarray or None
        What takes these numbers to a subspace, see :class:`Alignment`.
    """

    def __init__(self, view, mean, basis):
        self.view = view
        self.mean = mean
        self.basis = basis

    def fit(self, mapped, labelled, rows, problem):
        """Fit on mapped source rows and on target rows with a label; `rows` are the numbers of both."""
        Z = np.concatenate([mapped, self._project(problem.numbers[labelled])])
        learner = without_head(problem.learner)
        self.model_ = fit_learner(
            learner,
            Z,
            problem.Y[rows],
            sample_weight=problem.weight(rows),
            seed=problem.seed,
            metadata=problem.metadata_of(rows),
        )
        self.view = copy.copy(self.view)
        self.view.fallback = None  # never called where the learner itself is trained on these numbers
        return self

    def predict(self, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        return predict_learner(self.model_, self._project(self.view(X)))

    def _project(self, Z):
        return Z if self.basis is None else (Z - self.mean) @ self.basis
