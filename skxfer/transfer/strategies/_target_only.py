"""The learner on the target rows."""

from ...learners import without_start
from ._base import Strategy


class TargetOnly(Strategy):
    """Train on the target rows alone: no transfer."""

    name = "target_only"
    uses_source = False

    def missing(self, problem):
        """Say whether there is a learner."""
        return None if problem.learner is not None else "there is no learner: set estimator"

    def fit(self, problem, rows):
        """Fit the learner on the target rows."""
        return problem.fit_on(rows, without_start(problem.learner))
