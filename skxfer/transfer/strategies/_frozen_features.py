"""A frozen encoder's features, and a new head."""

import copy

from sklearn.frozen import FrozenEstimator

from ...inputs import check_inputs, take
from .._feature import FeatureTransfer
from ._base import Strategy


class FrozenFeatures(Strategy):
    """Train a new head on the features that trained sources make.

    The features of all sources with ``transform`` stand side by side, see :class:`skxfer.FeatureTransfer`. Of
    many, those that best predict the rows to learn from are used, and those that only transform. This wins
    where another property depends on the same features; it loses where features of the source ignore what
    matters for the target.
    """

    name = "frozen_features"
    ranks_sources = True

    def missing(self, problem):
        """Say whether a source makes features."""
        if self._encoders(problem):
            return None
        return "no trained source has transform" if problem.trained else "there is no trained source"

    def prepare(self, problem):
        """Compute the features of the target rows."""
        super().prepare(problem)
        encoders = [(name, FrozenEstimator(model)) for name, model in self._encoders(problem)]
        X, Y = take(problem.X, problem.target), problem.Y[problem.target]
        self.model = FeatureTransfer(encoders)
        self.model.open(check_inputs(self.model, X, reset=True, allow_nan=True), Y)
        self.blocks = self.model.encode_blocks(X)
        self.position = {row: i for i, row in enumerate(problem.target)}

    def fit(self, problem, rows):
        """Train the head on the features of these rows."""
        encoders = [name for name, *_ in self.model.encoders_]
        ranked = [e for e, name in enumerate(problem.expert_names) if name in encoders]
        best = {problem.expert_names[e] for e in problem.best_sources(rows, ranked)}
        ranked = {problem.expert_names[e] for e in ranked}
        kept = [name for name, *_ in self.model.encoders_ if name in best or name not in ranked]
        model = copy.copy(self.model).keep_encoders(kept)
        return model.fit_blocks(self._of(rows, model), problem.Y[rows], problem.weight(rows))

    def predict_rows(self, model, problem, rows):
        """Predict from the features that are known."""
        return model.predict_blocks(self._of(rows, model))

    def _of(self, rows, model):
        at = [self.position[row] for row in rows]
        blocks = dict(zip((name for name, *_ in self.model.encoders_), self.blocks, strict=True))
        return [blocks[name][at] for name, *_ in model.encoders_]

    @staticmethod
    def _encoders(problem):
        return [(name, model) for name, model in problem.trained if hasattr(model, "transform")]
