"""The rows of all domains, read and checked once, and what strategies ask of them."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils.parallel import Parallel, delayed

from ..inputs import n_rows, take
from ..learners import fit_learner, predict_learner
from ._ranking import best_sources


@dataclass
class Problem:
    """What is to be learned, and from what.

    Parameters
    ----------
    X : inputs of any kind, of n_samples rows
        As :func:`skxfer.inputs.check_inputs` returns them.
    Y : ndarray of shape (n_samples, n_targets)
        NaN marks a missing label.
    target : ndarray of int
        Rows of the target domain.
    learner : regressor or None
        What every strategy trains; None where only candidates of their own compete.
    sample_weight : ndarray of shape (n_samples,) or None
    source_rows : dict of label to ndarray of int
        Rows of each source.
    trained : list of (str, fitted estimator)
        Sources that are trained already.
    domain : ndarray of shape (n_target,) or None
        The domain of each target row.
    groups : ndarray of shape (n_target,) or None
        Target rows that no fold may separate.
    kind : {"table", "formulas", "other"}
        What the rows of X are.
    equal : ndarray of shape (n_target,) or None
        Number of each different input of the target rows.
    X_deploy : inputs that will be predicted, or None
    metadata : dict of str to ndarray of shape (n_samples,)
        More arguments of the learner's ``fit``.
    low_fidelity : ndarray of shape (n_samples, n_values * n_targets) or None
        Cheap values of the targets, known for every row that is predicted; not in `X`.
    final_estimator, residual_estimator : regressor or None
        Combine the predictions of experts, and learn what the combination leaves.
    residual_routed : bool
        Whether `residual_estimator` gets the metadata, as it is the learner.
    source_filter : float
        Margin of relevant source labels, see :func:`skxfer.domains.relevant_rows`.
    max_sources : int
        Of more sources, only the best compete.
    seed : int or None
    n_jobs : int or None

    Attributes
    ----------
    experts : list of (str, fitted regressor) or None
        What predicts the targets from one source each: trained sources, then one for each of `source_rows`.
    expert_names : list of str
    outputs : ndarray of shape (n_samples, n_experts * n_targets) or None
        Their predictions for the target rows; NaN elsewhere.
    view : NumericView or None
        Turns inputs into numbers as the learner sees them, once a strategy asked for that.
    numbers, numbers_deploy : ndarray of shape (n_samples, n_columns) or None
        `X` and `X_deploy` through this view.
    """

    X: object
    Y: np.ndarray
    target: np.ndarray
    learner: BaseEstimator | None = None
    sample_weight: np.ndarray | None = None
    source_rows: dict = field(default_factory=dict)
    trained: list = field(default_factory=list)
    domain: np.ndarray | None = None
    groups: np.ndarray | None = None
    kind: str = "table"
    equal: np.ndarray | None = None
    X_deploy: object = None
    metadata: dict = field(default_factory=dict)
    low_fidelity: np.ndarray | None = None
    final_estimator: BaseEstimator | None = None
    residual_estimator: BaseEstimator | None = None
    residual_routed: bool = False
    source_filter: float = 0.2
    max_sources: int = 10
    seed: int | None = None
    n_jobs: int | None = None
    experts: list | None = field(default=None, init=False)
    expert_names: list = field(default_factory=list, init=False)
    outputs: np.ndarray | None = field(default=None, init=False)
    view: object = field(default=None, init=False)
    numbers: np.ndarray | None = field(default=None, init=False)
    numbers_deploy: np.ndarray | None = field(default=None, init=False)

    def __getstate__(self):
        """Leave fitted sources behind: a job in another process needs their predictions alone."""
        state = self.__dict__ | {"experts": None, "trained": [(name, None) for name, _ in self.trained]}
        state.pop("predicting_sources", None)
        return state

    @property
    def n_targets(self):
        """Number of targets."""
        return self.Y.shape[1]

    @property
    def unlabelled(self):
        """Whether no target row has any label."""
        return bool(np.isnan(self.Y[self.target]).all())

    @property
    def source_row_numbers(self):
        """Rows of all sources, in their order."""
        return np.concatenate([*self.source_rows.values(), np.empty(0, dtype=int)])

    @cached_property
    def has_many_sources(self):
        """Whether sources are ranked and only the best of them compete."""
        return len(self.predicting_sources) + len(self.source_rows) > self.max_sources and not self.unlabelled

    def best_sources(self, rows, among=None, n_best=None):
        """Return the sources that best predict some target rows, all of them if they are few.

        Parameters
        ----------
        rows : ndarray of int
            Target rows with labels that may be seen: those of training, so that the choice of sources, too,
            is judged on rows that had no part in it.
        among : list of int, optional
            Numbers of the experts to choose from. Default: all.
        n_best : int, optional
            How many. Default: `max_sources`.

        Returns
        -------
        ndarray of int
            Numbers of experts.
        """
        among = np.arange(len(self.expert_names)) if among is None else np.asarray(among, dtype=int)
        if not self.has_many_sources or not len(among):
            return among
        if np.isnan(self.Y[rows]).all():
            return among[: n_best or self.max_sources]
        F = self.outputs[rows].reshape(len(rows), -1, self.n_targets)[:, among].reshape(len(rows), -1)
        return among[best_sources(F, self.Y[rows], self.weight(rows), n_best or self.max_sources)]

    def best_source_rows(self, rows):
        """Return the rows of source domains that are among the best for some target rows; at least one."""
        if not self.has_many_sources or not self.source_rows:
            return self.source_rows
        names = list(self.source_rows)
        first = len(self.expert_names) - len(names)
        best = [e for e in self.best_sources(rows) if e >= first]
        best = best or self.best_sources(rows, range(first, len(self.expert_names)), 1)
        return {names[e - first]: self.source_rows[names[e - first]] for e in best}

    def weight(self, rows):
        """Return the sample weights of some rows, None if there are none."""
        return None if self.sample_weight is None else self.sample_weight[rows]

    def metadata_of(self, rows):
        """Return the learner's other arguments of ``fit`` for some rows."""
        return {name: value[rows] for name, value in self.metadata.items()}

    def fit_on(self, rows, learner=None, *, routed=True):
        """Fit a learner, by default that of the problem, on some rows; `routed`: with its metadata."""
        learner = self.learner if learner is None else learner
        return fit_learner(
            learner,
            take(self.X, rows),
            self.Y[rows],
            sample_weight=self.weight(rows),
            seed=self.seed,
            metadata=self.metadata_of(rows) if routed else None,
        )

    @cached_property
    def predicting_sources(self):
        """Trained regressors that predict as many targets as there are; each is asked once."""
        first = take(self.X, [0])
        return [
            (name, model)
            for name, model in self.trained
            if predicts_numbers(model) and predict_learner(model, first).shape[1] == self.n_targets
        ]

    def fit_experts(self):
        """Fit an expert on each source and predict the target rows with all experts, unless that is done."""
        if self.experts is not None:
            return
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(self.fit_on)(rows) for rows in self.source_rows.values()
        )
        names = map(str, self.source_rows)
        self.experts = [*self.predicting_sources, *zip(names, fitted, strict=True)]
        self.expert_names = [name for name, _ in self.experts]
        self.outputs = np.full((n_rows(self.X), len(self.experts) * self.n_targets), np.nan)
        self.outputs[self.target] = expert_outputs(self.experts, take(self.X, self.target))


def predicts_numbers(model):
    """Whether a trained source predicts a property: what has ``transform`` too may be no regressor."""
    return hasattr(model, "predict") and (is_regressor(model) or not hasattr(model, "transform"))


def expert_outputs(experts, X):
    """Predict with all experts.

    Parameters
    ----------
    experts : list of (str, fitted regressor)
    X : inputs of any kind

    Returns
    -------
    ndarray of shape (n_samples, n_experts * n_targets)
    """
    return np.hstack([np.empty((n_rows(X), 0)), *(predict_learner(model, X) for _, model in experts)])
