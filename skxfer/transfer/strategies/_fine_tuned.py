"""Training goes on from the source's weights."""

from ...inputs import take
from ...learners import can_continue, continue_learner, inner_learner
from ._base import Strategy


class FineTuned(Strategy):
    """Continue training from a source on the target rows.

    Networks start from the source's weights, forests and boosting grow on, and any learner with a parameter
    ``init`` starts from the source. This wins where source and target share most of what is to be learned; it
    loses by many steps on few rows.

    Parameters
    ----------
    name : str
    source : str or None
        Name of the source.
    """

    def __init__(self, name="fine_tuned", source=None):
        self.name = name
        self.source = source

    @classmethod
    def for_problem(cls, problem):
        """Return a strategy for each source."""
        sources = [*dict(problem.trained), *map(str, problem.source_rows)]
        if len(sources) < 2:
            return [cls(source=source) for source in sources] or [cls()]
        return [cls(f"fine_tuned {source}", source) for source in sources]

    def missing(self, problem):
        """Say whether the learner can go on from the source."""
        if self.source is None:
            return "there is no source: set sources or source_domains"
        learner, trained = problem.learner, dict(problem.trained).get(self.source)
        if learner is None or not can_continue(learner):
            return f"{type(inner_learner(learner)).__name__} cannot continue from a fit"
        if problem.metadata:
            return f"{sorted(problem.metadata)} cannot be handed to a fit that goes on"
        if trained is not None and not isinstance(trained, type(learner)):
            return f"source {self.source!r} is a {type(trained).__name__}, not a {type(learner).__name__}"
        return None

    def prepare(self, problem):
        """Fit the source's expert, where it is not trained already."""
        self.start = dict(problem.trained).get(self.source)
        if self.start is None:
            problem.fit_experts()
            self.start = dict(problem.experts)[self.source]

    def fit(self, problem, rows):
        """Continue training on the target rows."""
        return continue_learner(
            self.start,
            problem.learner,
            take(problem.X, rows),
            problem.Y[rows],
            sample_weight=problem.weight(rows),
            seed=problem.seed,
        )
