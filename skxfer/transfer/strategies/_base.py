"""Base class of the strategies."""

from sklearn.base import BaseEstimator

from ...inputs import take
from ...learners import predict_learner

# A strategy that takes more fits per call competes only where it is named: it would take most of the time.
COST_OF_AUTO = 5


class Strategy:
    """One way to transfer, fitted on any subset of the target rows.

    A strategy lives as long as one fit of an estimator. `prepare` is called once, and may keep what no fold
    changes; then `fit` is called for each fold, and once for all target rows.

    Attributes
    ----------
    name : str
        The one name in parameters, tables, plots and docs.
    uses_source : bool
        Whether it knows more than the target rows: such a strategy must beat the best one without.
    may_fail : bool
        Whether it competes unasked, so that it is left out where it fails.
    in_auto : bool
        Whether it competes in ``strategy="auto"``. One that the benchmarks hardly saw win has to be named.
    needs_experts : bool
        Whether it uses the experts' predictions.
    ranks_sources : bool
        Whether it uses the best of many sources only, which the experts' predictions tell.
    needs_labels : bool
        Whether it needs labels of target rows.
    cost : int
        About how many fits of the learner one call of `fit` takes.
    """

    name: str
    uses_source = True
    may_fail = True
    in_auto = True
    needs_experts = False
    ranks_sources = False
    needs_labels = True
    cost = 1

    @classmethod
    def for_problem(cls, problem):
        """Return the strategies of this kind for a problem: one, or one for each source."""
        return [cls()]

    def missing(self, problem):
        """Return why this strategy cannot run here, None if it can.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        str or None
        """

    def needless(self, problem):
        """Return why this strategy need not compete here unasked, None if it should.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        str or None
        """
        if self.cost > COST_OF_AUTO:
            return f"it takes about {self.cost} fits where others take one: name it in strategy"
        if not (self.in_auto or problem.unlabelled):
            return "it rarely wins: name it in strategy"
        return None

    def work(self, problem):
        """Return about how much one call of `fit` costs, in fits of the learner on all target rows.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        float
        """
        return self.cost

    def prepare(self, problem):
        """Compute once what no fold changes.

        Parameters
        ----------
        problem : Problem
        """
        if self.needs_experts or self.ranks_sources and problem.has_many_sources:
            problem.fit_experts()

    def fit(self, problem, rows):
        """Learn from some target rows, and from the sources.

        Parameters
        ----------
        problem : Problem
        rows : ndarray of int
            Target rows.

        Returns
        -------
        fitted model
        """
        raise NotImplementedError

    def predict_rows(self, model, problem, rows):
        """Predict rows of the target domain, of which the experts' predictions are known.

        Parameters
        ----------
        model : fitted model
        problem : Problem
        rows : ndarray of int

        Returns
        -------
        ndarray of shape (n_rows, n_targets)
        """
        F = problem.outputs[rows] if self.needs_experts else None
        return predict_model(model, take(problem.X, rows), F)


class OnExperts(BaseEstimator):
    """A fitted model that predicts from the experts' predictions F and from X: ``predict(F, X)``."""


class OnLowFidelity(BaseEstimator):
    """A fitted model that predicts from cheap values V and from X without them: ``predict(V, X)``."""


def predict_model(model, X, F, V=None):
    """Predict with what a strategy fitted.

    Parameters
    ----------
    model : fitted model
    X : inputs of any kind, of n_samples rows
    F : ndarray of shape (n_samples, n_experts * n_targets) or None
        The experts' predictions for X, if the model is one :class:`OnExperts`.
    V : ndarray of shape (n_samples, n_values * n_targets) or None
        Cheap values of the targets, if the model is one :class:`OnLowFidelity`.

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
    """
    if isinstance(model, OnLowFidelity):
        return model.predict(V, X)
    return model.predict(F, X) if isinstance(model, OnExperts) else predict_learner(model, X)
