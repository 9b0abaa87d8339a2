"""The strategies that HierarchicalTransfer lets compete, fitted on any subset of the target rows."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import RidgeCV

from ..domains import relevant_rows
from ..featurizers import ClippedScaler
from ..inputs import take
from ..learners import PerTarget, fit_learner, predict_learner


@dataclass
class Task:
    """What a strategy is fitted on: a learner and the rows of all domains."""

    learner: BaseEstimator
    X: object  # n_samples rows of any kind
    Y: np.ndarray  # (n_samples, n_targets), NaN where a label is missing
    sample_weight: np.ndarray | None  # (n_samples,)
    source_rows: dict  # domain -> row numbers
    margin: float | None  # of the relevance filter
    final_estimator: BaseEstimator | None
    residual_estimator: BaseEstimator | str | None
    seed: int | None

    def weight(self, rows):
        """Return the sample weights of some rows, None if there are none."""
        return None if self.sample_weight is None else self.sample_weight[rows]

    def fit_on(self, rows):
        """Fit the learner on some rows."""
        return fit_learner(
            self.learner,
            take(self.X, rows),
            self.Y[rows],
            sample_weight=self.weight(rows),
            seed=self.seed,
        )


def fit_strategy(name, task, rows, F):
    """Fit one strategy.

    Parameters
    ----------
    name : {"target_only", "merge", "frozen"}
    task : Task
    rows : ndarray of int
        Target rows to learn from.
    F : ndarray of shape (n_rows, n_experts * n_targets)
        The experts' predictions for these rows; used by ``"frozen"``.

    Returns
    -------
    fitted model
    """
    if name == "target_only":
        return task.fit_on(rows)
    if name == "merge":
        sources = np.concatenate(list(task.source_rows.values()))
        if task.margin is not None:
            sources = sources[relevant_rows(task.Y[sources], task.Y[rows], task.margin)]
        return task.fit_on(np.concatenate([sources, rows]))
    residual = task.learner if isinstance(task.residual_estimator, str) else task.residual_estimator
    stack = FrozenStack(task.final_estimator, residual)
    return stack.fit(F, take(task.X, rows), task.Y[rows], task.weight(rows), task.seed)


def predict_strategy(model, X, F):
    """Predict with a fitted strategy: ndarray of shape (n_samples, n_targets)."""
    return model.predict(F, X) if isinstance(model, FrozenStack) else predict_learner(model, X)


def held_out_predictions(name, task, train, held, F_train, F_held):
    """Fit a strategy on some target rows and predict others."""
    return predict_strategy(fit_strategy(name, task, train, F_train), take(task.X, held), F_held)


class FrozenStack(BaseEstimator):
    """A linear model on the experts' predictions, then a learner on what it leaves.

    Parameters
    ----------
    final_estimator : regressor or None
        None: RidgeCV.
    residual_estimator : regressor or None
        None: nothing learns the rest.
    """

    def __init__(self, final_estimator, residual_estimator):
        self.final_estimator = final_estimator
        self.residual_estimator = residual_estimator

    def fit(self, F, X, Y, sample_weight, seed):
        """Fit on experts' outputs F, inputs X and labels Y of the same rows."""
        head = self.final_estimator
        if head is None:
            head = RidgeCV(alphas=np.logspace(-4, 3, 15), alpha_per_target=True)
        self.scaler_ = ClippedScaler().fit(F)
        Z = self.scaler_.transform(F)
        with np.errstate(invalid="ignore"):  # RidgeCV leaves one row out, of one perhaps
            self.head_ = fit_learner(head, Z, Y, sample_weight=sample_weight, seed=seed)
        self.residual_ = None
        if self.residual_estimator is not None:
            rest = Y - predict_learner(self.head_, Z)
            self.residual_ = fit_learner(
                self.residual_estimator, X, rest, sample_weight=sample_weight, seed=seed
            )
        return self

    def predict(self, F, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        prediction = predict_learner(self.head_, self.scaler_.transform(F))
        return prediction if self.residual_ is None else prediction + predict_learner(self.residual_, X)

    def coefficients(self):
        """Return the head's coefficients, shape (n_targets, n_columns of F), None if it has none."""
        heads = self.head_.estimators_ if isinstance(self.head_, PerTarget) else [self.head_]
        if not all(hasattr(head, "coef_") for head in heads):
            return None
        return np.vstack([np.atleast_2d(head.coef_) for head in heads])
