"""The learner on all rows of all domains."""

import numpy as np

from ._base import Strategy


class Merge(Strategy):
    """Train on the rows of all domains together.

    This wins where domains agree, or the learner can tell them apart by its features; it loses where the
    same inputs have other labels in a source.
    """

    name = "merge"
    ranks_sources = True
    needs_labels = False

    def missing(self, problem):
        """Say whether the rows of a source are at hand."""
        if problem.source_rows:
            return None
        return "it needs the rows of the sources: set source_domains and pass sample_domain"

    def work(self, problem):
        """Return the cost of fits on source rows and target rows."""
        n_target = len(problem.target)
        return self.cost * (1 + len(self.source_rows(problem, problem.target)) / n_target)

    def fit(self, problem, rows):
        """Fit the learner on source rows and target rows."""
        sources = self.source_rows(problem, rows)
        return problem.fit_on(sources if problem.unlabelled else np.concatenate([sources, rows]))

    def source_rows(self, problem, rows):
        """Return the source rows to learn from, next to these target rows."""
        return np.concatenate([*problem.best_source_rows(rows).values(), np.empty(0, dtype=int)])
