"""The learner on all rows, with columns that say which domain a row is of."""

import numpy as np
from sklearn.base import BaseEstimator

from ...inputs import n_rows, take
from ._merge import Merge
from ._numbers import WithColumns, no_further_columns


class MergeIndicator(Merge):
    """Train on the rows of all domains, with one further column for each source and one for the target.

    The columns are joined to what the steps before the learner in its Pipeline give, and are all 0 except for
    the row's own domain; predictions have the target's. So the learner can tell domains apart, and share what
    they have in common [1]_. This wins where a source differs by an offset, or in a few of many respects; it
    loses where there are too few target rows to learn by how much.

    References
    ----------
    .. [1] Caruana, R., "Multitask learning", Mach. Learn. 28, 41 (1997).
       https://doi.org/10.1023/A:1007379606734
    """

    name = "merge_indicator"
    in_auto = False
    needs_labels = True

    def missing(self, problem):
        """Say whether columns can be joined to what the learner sees."""
        return super().missing(problem) or no_further_columns(problem)

    def fit(self, problem, rows):
        """Fit the learner on source rows and target rows."""
        both = np.concatenate([self.source_rows(problem, rows), rows])
        n_sources = len(problem.source_rows)
        code = np.full(len(problem.Y), n_sources)
        for k, source in enumerate(problem.source_rows.values()):
            code[source] = k
        return WithIndicator(problem.learner, n_sources).fit(
            take(problem.X, both),
            code[both],
            problem.Y[both],
            problem.weight(both),
            problem.seed,
            problem.metadata_of(both),
        )


class WithIndicator(BaseEstimator):
    """A learner that sees the domain of each row.

    Parameters
    ----------
    learner : regressor
    n_sources : int
    """

    def __init__(self, learner, n_sources):
        self.learner = learner
        self.n_sources = n_sources

    def fit(self, X, code, Y, sample_weight, seed, metadata=None):
        """Fit on rows of domains with these numbers; that of the target is the last."""
        columns = self._columns(code)
        self.model_ = WithColumns(self.learner).fit(X, columns, Y, sample_weight, seed, metadata)
        return self

    def predict(self, X):
        """Predict all targets for rows of the target, shape (n_samples, n_targets)."""
        return self.model_.predict(X, self._columns(np.full(n_rows(X), self.n_sources)))

    def _columns(self, code):
        return np.eye(self.n_sources + 1)[code]
