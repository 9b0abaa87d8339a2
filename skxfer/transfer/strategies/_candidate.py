"""A regressor of the user's own, which competes with the strategies."""

from sklearn.frozen import FrozenEstimator

from ...learners import uses_source
from ._base import Strategy


class Candidate(Strategy):
    """Fit a regressor on the target rows; a frozen one is used as it is.

    Parameters
    ----------
    name : str
    estimator : regressor
    """

    may_fail = False

    def __init__(self, name, estimator):
        self.name = name
        self.estimator = estimator
        self.uses_source = uses_source(estimator)

    def fit(self, problem, rows):
        """Fit the regressor."""
        return (
            self.estimator
            if isinstance(self.estimator, FrozenEstimator)
            else problem.fit_on(rows, self.estimator, routed=False)  # it has requested nothing
        )
