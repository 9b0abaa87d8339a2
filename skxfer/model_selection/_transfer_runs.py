"""The fits of a transfer analysis: of sources, of the target rows alone, and from a source."""

from dataclasses import dataclass

import numpy as np
from sklearn.frozen import FrozenEstimator

from ..inputs import take
from ..learners import can_continue, continue_learner, fit_learner, predict_learner
from ..metrics import masked_mean_absolute_error
from ..transfer import HierarchicalTransfer
from ._jobs import Job, Outcome


@dataclass
class Data:
    X: object  # target rows of any kind
    Y: np.ndarray  # (n_samples, n_targets), NaN where a label is missing
    sources: dict  # name -> (X, Y)
    scorer: object = None

    def labelled(self, rows):
        """Leave out rows without any label."""
        return rows[~np.isnan(self.Y[rows]).all(axis=1)]


@dataclass
class SourceFit(Job):
    """A fit on a source; its outcome is the model."""

    seed: int

    def fit(self, data):
        X, Y = data.sources[self.learner]
        rows = np.flatnonzero(~np.isnan(Y).all(axis=1))
        return fit_learner(self.model, take(X, rows), Y[rows], seed=self.seed)

    def use(self, model, data):
        return model

    def inputs(self, data):
        """Rows of the source."""
        return data.sources[self.learner][0]


@dataclass
class Run(Job):
    """A fit on target rows, alone or from a source; its outcome is the error on the test rows."""

    seed: int
    kind: str
    split: int
    train: np.ndarray
    test: np.ndarray
    start: Outcome | None = None

    def run(self, data, config, sequential):
        if self.start is not None and self.start.error:
            return Outcome(error=f"source: {self.start.error}")
        return super().run(data, config, sequential)

    def fit(self, data):
        rows = data.labelled(self.train)
        X, Y = take(data.X, rows), data.Y[rows]
        if self.start is None:
            return fit_learner(self.model, X, Y, seed=self.seed)
        if can_continue(self.model):
            return continue_learner(self.start.value, self.model, X, Y, seed=self.seed)
        source = [("source", FrozenEstimator(self.start.value))]
        model = HierarchicalTransfer(
            self.model, sources=source, strategy="frozen_experts", guard=False, random_state=self.seed
        )
        return model.fit(X, Y.ravel() if Y.shape[1] == 1 else Y)

    def use(self, model, data):
        rows = data.labelled(self.test)
        X, Y = take(data.X, rows), data.Y[rows]
        if data.scorer is not None:
            error = -data.scorer(model, X, Y.ravel() if Y.shape[1] == 1 else Y)
        else:
            error = masked_mean_absolute_error(Y, predict_learner(model, X, n_targets=Y.shape[1]))
        if not np.isfinite(error):
            raise ValueError(f"the error on the test rows is {error}")
        return float(error)
