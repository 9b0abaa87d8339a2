"""The fits of a transfer analysis: of sources, from scratch, and from a source."""

import time
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPRegressor

from ..inputs import take
from ..learners import can_continue, continue_learner, fit_learner, inner_learner, predict_learner
from ..metrics import masked_mean_absolute_error
from ..transfer import HierarchicalTransfer
from ._runs import _silence, one_line


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
class Done:
    """What a fit brings back."""

    error: float = np.nan
    seconds: float = 0.0
    model: object = None
    failure: str = ""

    @classmethod
    def of(cls, outcome):
        """Return the outcome, also that of a job whose worker died."""
        return outcome if isinstance(outcome, cls) else cls(seconds=np.nan, failure=outcome.error)


@dataclass
class _Fit:
    """One fit; an exception becomes a text."""

    learner: str
    setting: str
    model: BaseEstimator
    seed: int

    def run(self, data, config, sequential):
        """Fit, and measure how long that takes."""
        done = Done(seconds=np.nan)
        alone = parallel_config(backend="sequential") if sequential else nullcontext()
        quiet = isinstance(inner_learner(self.model), MLPRegressor)
        try:
            with alone, config_context(**config), _silence(quiet):
                start = time.perf_counter()
                model = self.fit(data)
                done.seconds = time.perf_counter() - start
                self.use(model, data, done)
        except Exception as error:
            done.failure = one_line(error)
        return done


@dataclass
class SourceFit(_Fit):
    def fit(self, data):
        X, Y = data.sources[self.learner]
        rows = np.flatnonzero(~np.isnan(Y).all(axis=1))
        return fit_learner(self.model, take(X, rows), Y[rows], seed=self.seed)

    def use(self, model, data, done):
        done.model = model


@dataclass
class Run(_Fit):
    kind: str
    split: int
    train: np.ndarray
    test: np.ndarray
    start: Done | None = None

    def run(self, data, config, sequential):
        if self.start is not None and self.start.failure:
            return Done(seconds=np.nan, failure=f"source: {self.start.failure}")
        return super().run(data, config, sequential)

    def fit(self, data):
        rows = data.labelled(self.train)
        X, Y = take(data.X, rows), data.Y[rows]
        if self.start is None:
            return fit_learner(self.model, X, Y, seed=self.seed)
        if can_continue(self.model):
            return continue_learner(self.start.model, self.model, X, Y, seed=self.seed)
        source = [("source", FrozenEstimator(self.start.model))]
        model = HierarchicalTransfer(
            self.model, sources=source, strategy="frozen", guard=False, random_state=self.seed
        )
        return model.fit(X, Y.ravel() if Y.shape[1] == 1 else Y)

    def use(self, model, data, done):
        rows = data.labelled(self.test)
        X, Y = take(data.X, rows), data.Y[rows]
        if data.scorer is not None:
            error = -data.scorer(model, X, Y.ravel() if Y.shape[1] == 1 else Y)
        else:
            error = masked_mean_absolute_error(Y, predict_learner(model, X))
        if not np.isfinite(error):
            raise ValueError(f"the error on the test rows is {error}")
        done.error = float(error)
