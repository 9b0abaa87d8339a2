"""A cheap approximation of the target, known for every row that will be predicted."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import RidgeCV

from ...featurizers import ClippedScaler
from ...inputs import take
from ...learners import fit_learner, predict_learner
from ._base import OnLowFidelity, Strategy
from ._numbers import WithColumns, no_further_columns
from ._source_only import best_expert

FORMS = ("value", "scaled", "feature", "delta", "delta_feature")


class LowFidelity(Strategy):
    """Start from a cheap value of the target, such as a force field's where an experiment is wanted.

    Five forms compete, as strategies of their own:

    - ``"low_fidelity: value"``: the cheap value as it is; of several, the one with the least error;
    - ``"low_fidelity: scaled"``: a linear function of all cheap values, drawn to the best of them as it is,
      so that few rows do not spoil it;
    - ``"low_fidelity: feature"``: the learner, with the cheap values as further columns [1]_;
    - ``"low_fidelity: delta"``: the cheap value, plus the learner on the difference (Δ-learning [2]_);
    - ``"low_fidelity: delta_feature"``: the same, with the cheap values as further columns.

    No other strategy sees the cheap value: ``"target_only"`` says what the target rows teach without it.
    These forms win where the cheap value ranks the rows as the target does; they lose where it is noise,
    which the difference adds to what is to be learned.

    Parameters
    ----------
    form : {"value", "scaled", "feature", "delta", "delta_feature"} or None
        None: there is no cheap value.

    References
    ----------
    .. [1] Kennedy, M. C. & O'Hagan, A., "Predicting the output from a complex computer code when fast
       approximations are available", Biometrika 87, 1 (2000). https://doi.org/10.1093/biomet/87.1.1
    .. [2] Ramakrishnan, R., Dral, P. O., Rupp, M. & von Lilienfeld, O. A., "Big data meets quantum chemistry
       approximations: the Δ-machine learning approach", J. Chem. Theory Comput. 11, 2087 (2015).
       https://doi.org/10.1021/acs.jctc.5b00099
    """

    def __init__(self, form=None):
        self.form = form
        self.name = "low_fidelity" if form is None else f"low_fidelity: {form}"
        self.cost = 0 if form in (None, "value", "scaled") else 1

    @classmethod
    def for_problem(cls, problem):
        """Return a strategy for each form."""
        return [cls()] if problem.low_fidelity is None else [cls(form) for form in FORMS]

    def missing(self, problem):
        """Say whether there is a cheap value, and a learner that can use it."""
        if self.form is None:
            return "there is no cheap value of the target: set low_fidelity"
        if self.cost and problem.learner is None:
            return "there is no learner: set estimator"
        return no_further_columns(problem) if "feature" in self.form else None

    def fit(self, problem, rows):
        """Fit what the form leaves to learn."""
        model = FromLowFidelity(self.form, problem.learner, problem.final_estimator)
        return model.fit(
            problem.low_fidelity[rows],
            take(problem.X, rows),
            problem.Y[rows],
            problem.weight(rows),
            problem.seed,
            problem.metadata_of(rows),
        )

    def predict_rows(self, model, problem, rows):
        """Predict from the cheap values of these rows."""
        return model.predict(problem.low_fidelity[rows], take(problem.X, rows))


class FromLowFidelity(OnLowFidelity):
    """A model on cheap values V of shape (n_samples, n_values * n_targets) and inputs X without them.

    Parameters
    ----------
    form : {"value", "scaled", "feature", "delta", "delta_feature"}
    learner : regressor
    final_estimator : regressor or None
        The linear function of ``"scaled"``, of what the best value leaves. None: RidgeCV, whose penalty also
        holds the offset.
    """

    def __init__(self, form, learner, final_estimator):
        self.form = form
        self.learner = learner
        self.final_estimator = final_estimator

    def fit(self, V, X, Y, sample_weight, seed, metadata=None):
        """Fit on rows of the target."""
        self.base_ = self.rest_ = None
        if self.form != "feature":
            self.base_ = best_expert(V, Y, sample_weight)
        left = Y if self.base_ is None else Y - self.base_.predict(V, X)
        if self.form == "delta":
            self.rest_ = fit_learner(
                self.learner, X, left, sample_weight=sample_weight, seed=seed, metadata=metadata
            )
        elif self.form == "scaled":
            self.rest_ = Line(self.final_estimator).fit(V, X, left, sample_weight, seed)
        elif "feature" in self.form:
            self.rest_ = WithValues(self.learner).fit(V, X, left, sample_weight, seed, metadata)
        return self

    def predict(self, V, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        parts = [] if self.base_ is None else [self.base_.predict(V, X)]
        if self.form == "delta":
            parts.append(predict_learner(self.rest_, X))
        elif self.rest_ is not None:
            parts.append(self.rest_.predict(V, X))
        return sum(parts)


class Line(BaseEstimator):
    """A linear function of cheap values, with an offset that is penalised like a slope.

    Parameters
    ----------
    final_estimator : regressor or None
        None: RidgeCV.
    """

    def __init__(self, final_estimator):
        self.final_estimator = final_estimator

    def fit(self, V, X, Y, sample_weight, seed):
        """Fit on values V and labels Y."""
        head = self.final_estimator
        if head is None:
            head = RidgeCV(alphas=np.logspace(-4, 3, 15), fit_intercept=False, alpha_per_target=True)
        self.scaler_ = ClippedScaler(clip=None).fit(V)
        with np.errstate(invalid="ignore"):  # RidgeCV leaves one row out, of one perhaps
            self.head_ = fit_learner(head, self._columns(V), Y, sample_weight=sample_weight, seed=seed)
        return self

    def predict(self, V, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        return predict_learner(self.head_, self._columns(V))

    def _columns(self, V):
        return np.column_stack([self.scaler_.transform(V), np.ones(len(V))])


class WithValues(BaseEstimator):
    """A learner that sees scaled values next to its inputs.

    Parameters
    ----------
    learner : regressor
    """

    def __init__(self, learner):
        self.learner = learner

    def fit(self, V, X, Y, sample_weight, seed, metadata=None):
        """Fit on values V, inputs X and labels Y."""
        self.scaler_ = ClippedScaler().fit(V)
        self.model_ = WithColumns(self.learner)
        self.model_.fit(X, self.scaler_.transform(V), Y, sample_weight, seed, metadata)
        return self

    def predict(self, V, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        return self.model_.predict(X, self.scaler_.transform(V))
