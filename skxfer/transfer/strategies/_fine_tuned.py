"""Training goes on from the source's weights."""

import numpy as np

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
        Name of the source. None: of many sources, the one that best predicts the rows to learn from.
    """

    ranks_sources = True

    def __init__(self, name="fine_tuned", source=None):
        self.name = name
        self.source = source

    @classmethod
    def for_problem(cls, problem):
        """Return a strategy for each source, one for all if they are many."""
        sources = _names(problem)
        if len(sources) < 2 or problem.has_many_sources:
            return [cls(source=sources[0] if len(sources) == 1 else None)]
        return [cls(f"fine_tuned: {source}", source) for source in sources]

    def missing(self, problem):
        """Say whether the learner can go on from the source."""
        if not _names(problem):
            return "there is no source: set sources or source_domains"
        learner = problem.learner
        if learner is None or not can_continue(learner):
            return f"{type(inner_learner(learner)).__name__} cannot continue from a fit"
        if problem.metadata:
            return f"{sorted(problem.metadata)} cannot be handed to a fit that goes on"
        if not self._of_this_kind(problem):
            name, trained = next(s for s in problem.trained if self.source in (None, s[0]))
            return f"source {name!r} is a {type(trained).__name__}, not a {type(learner).__name__}"
        return None

    def prepare(self, problem):
        """Fit the sources' experts, where they are not trained already."""
        super().prepare(problem)
        names = self._of_this_kind(problem)
        if not set(names) <= set(dict(problem.trained)):
            problem.fit_experts()
        known = dict(problem.trained) | dict(problem.experts or [])
        self.starts = {name: known[name] for name in names}

    def fit(self, problem, rows):
        """Continue training on the target rows with a label."""
        rows = rows[~np.isnan(problem.Y[rows]).all(axis=1)]
        return continue_learner(
            self.starts[self._best(problem, rows)],
            problem.learner,
            take(problem.X, rows),
            problem.Y[rows],
            sample_weight=problem.weight(rows),
            seed=problem.seed,
        )

    def _of_this_kind(self, problem):
        """Names of the sources that the learner can go on from."""
        trained, kind = dict(problem.trained), type(problem.learner)
        wanted = _names(problem) if self.source is None else [self.source]
        return [name for name in wanted if isinstance(trained.get(name, problem.learner), kind)]

    def _best(self, problem, rows):
        """Name of the source that predicts these rows best."""
        if len(self.starts) == 1:
            return next(iter(self.starts))
        ranked = [e for e, name in enumerate(problem.expert_names) if name in self.starts]
        if not ranked:
            return next(iter(self.starts))
        return problem.expert_names[problem.best_sources(rows, ranked, 1)[0]]


def _names(problem):
    return [*dict(problem.trained), *map(str, problem.source_rows)]
