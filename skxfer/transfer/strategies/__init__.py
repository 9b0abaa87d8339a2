"""Every way to transfer, one file each.

A new strategy is a subclass of ``Strategy`` in a file of its own, and a line here.
"""

from ._aligned import Aligned, OnView
from ._base import OnExperts, Strategy, predict_model
from ._boosted import Boosted, WeightedMedian
from ._candidate import Candidate
from ._fine_tuned import FineTuned
from ._frozen_experts import FrozenExperts, FrozenStack
from ._frozen_features import FrozenFeatures
from ._low_fidelity import FromLowFidelity, Line, LowFidelity, WithValues
from ._merge import Merge
from ._merge_indicator import MergeIndicator, WithIndicator
from ._merge_relevant import MergeRelevant
from ._merge_weighted import MergeWeighted
from ._numbers import WithColumns
from ._source_only import BestExpert, SourceOnly
from ._target_only import TargetOnly

__all__ = [
    "STRATEGIES",
    "BestExpert",
    "Candidate",
    "FromLowFidelity",
    "FrozenStack",
    "Line",
    "OnExperts",
    "OnView",
    "Strategy",
    "WeightedMedian",
    "WithColumns",
    "WithIndicator",
    "WithValues",
    "predict_model",
]

STRATEGIES = {
    "target_only": TargetOnly,
    "source_only": SourceOnly,
    "merge": Merge,
    "merge_relevant": MergeRelevant,
    "merge_weighted": MergeWeighted,
    "merge_indicator": MergeIndicator,
    "aligned": Aligned,
    "low_fidelity": LowFidelity,
    "boosted": Boosted,
    "frozen_experts": FrozenExperts,
    "frozen_features": FrozenFeatures,
    "fine_tuned": FineTuned,
}
