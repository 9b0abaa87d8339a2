"""One frozen expert per source, combined and corrected on the target rows."""

import numpy as np
from sklearn.linear_model import RidgeCV

from ...featurizers import ClippedScaler
from ...inputs import take
from ...learners import PerTarget, fit_learner, predict_learner
from ._base import OnExperts, Strategy

# An expert counts as constant if it varies by less than this share of its distance from the labels.
CONSTANT = 1e-6


class FrozenExperts(Strategy):
    """Combine the predictions of frozen experts by a linear model, and learn what it leaves from X.

    The experts see all their source rows. This wins where the target is a scaled or shifted source; it loses
    where the sources say nothing of the target, since the rows left then carry two fits.

    References
    ----------
    .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921.
    """

    name = "frozen_experts"
    needs_experts = True

    def missing(self, problem):
        """Say whether a source predicts the targets."""
        return no_expert(problem)

    def fit(self, problem, rows):
        """Fit the combination and its correction."""
        columns = None
        if problem.has_many_sources:
            best, n_targets = problem.best_sources(rows), problem.n_targets
            columns = (best[:, None] * n_targets + np.arange(n_targets)).ravel()
        stack = FrozenStack(problem.final_estimator, problem.residual_estimator, columns)
        return stack.fit(
            problem.outputs[rows],
            take(problem.X, rows),
            problem.Y[rows],
            problem.weight(rows),
            problem.seed,
            problem.metadata_of(rows) if problem.residual_routed else None,
        )


def no_expert(problem):
    """Return why no source predicts the targets, None if one does.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    str or None
    """
    if problem.source_rows or problem.predicting_sources:
        return None
    if not problem.trained:
        return "there is no source: set sources or source_domains"
    return f"no source predicts {problem.n_targets} target(s), as y has"


class FrozenStack(OnExperts):
    """A linear model on the experts' predictions, then a learner on what it leaves.

    Parameters
    ----------
    final_estimator : regressor or None
        None: RidgeCV.
    residual_estimator : regressor or None
        None: nothing learns the rest.
    columns : ndarray of int or None
        Columns of F that are combined, those of the best of many experts. None: all.
    """

    columns = None  # files of former versions do not have it

    def __init__(self, final_estimator, residual_estimator, columns=None):
        self.final_estimator = final_estimator
        self.residual_estimator = residual_estimator
        self.columns = columns

    def fit(self, F, X, Y, sample_weight, seed, metadata=None):
        """Fit on experts' outputs F, inputs X and labels Y of the same rows."""
        head = self.final_estimator
        if head is None:
            head = RidgeCV(alphas=np.logspace(-4, 3, 15), alpha_per_target=True)
        # Which experts are constant must not depend on where the scale of y has its zero.
        F = self._combined(F)
        labelled = ~np.isnan(Y)
        centre = np.where(labelled, Y, 0).sum(axis=0) / np.maximum(labelled.sum(axis=0), 1)
        centre = np.tile(centre, F.shape[1] // Y.shape[1])
        width = np.abs(F - centre).max(axis=0)
        self.scaler_ = ClippedScaler(floor=0.0).fit(F)
        self.scaler_.scale_ = np.where(self.scaler_.scale_ > CONSTANT * width, self.scaler_.scale_, width)
        Z = self.scaler_.transform(F)
        with np.errstate(invalid="ignore"):  # RidgeCV leaves one row out, of one perhaps
            self.head_ = fit_learner(head, Z, Y, sample_weight=sample_weight, seed=seed)
        self.residual_ = None
        if self.residual_estimator is not None:
            rest = Y - predict_learner(self.head_, Z)
            self.residual_ = fit_learner(
                self.residual_estimator, X, rest, sample_weight=sample_weight, seed=seed, metadata=metadata
            )
        return self

    def predict(self, F, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        prediction = predict_learner(self.head_, self.scaler_.transform(self._combined(F)))
        return prediction if self.residual_ is None else prediction + predict_learner(self.residual_, X)

    def _combined(self, F):
        return F if self.columns is None else F[:, self.columns]

    def coefficients(self, n_columns):
        """Return the head's coefficients, shape (n_targets, n_columns), None if it has none.

        Parameters
        ----------
        n_columns : int
            Number of columns of F.
        """
        heads = self.head_.estimators_ if isinstance(self.head_, PerTarget) else [self.head_]
        if not all(hasattr(head, "coef_") for head in heads):
            return None
        found = np.vstack([np.atleast_2d(head.coef_) for head in heads])
        coefficients = np.zeros((len(found), n_columns))
        coefficients[:, slice(None) if self.columns is None else self.columns] = found
        return coefficients
