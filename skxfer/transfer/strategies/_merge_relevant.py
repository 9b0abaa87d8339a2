"""The learner on the target rows and the source rows whose labels lie near theirs."""

from ...domains import relevant_rows
from ._merge import Merge


class MergeRelevant(Merge):
    """Train on the target rows and the source rows whose labels lie in the target's label range.

    The range is widened on both sides by a share of it. This wins where sources reach values that the target
    never has, as with strained structures; it equals ``merge`` where all source labels are in the range.
    """

    name = "merge_relevant"
    needs_labels = True

    def source_rows(self, problem, rows):
        """Return the source rows with relevant labels."""
        sources = super().source_rows(problem, rows)
        return sources[relevant_rows(problem.Y[sources], problem.Y[rows], problem.source_filter)]
