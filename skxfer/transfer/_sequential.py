"""SequentialTransfer: a chain of domains, each started from the last."""

from time import perf_counter

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._scored_rows import check_scored_rows
from ..domains import ScoresTarget, shown_list
from ..inputs import (
    check_groups,
    check_sample_domain,
    check_targets,
    check_weights,
    n_rows,
    naming_missing_values,
    take,
    weighted_rows,
)
from ..learners import (
    can_continue,
    check_regressor,
    continue_learner,
    default_learner,
    fit_learner,
    input_tags,
    predict_learner,
)
from ._hierarchical import HierarchicalTransfer
from ._routing import RoutesMetadata
from ._rows import read_inputs


class SequentialTransfer(RoutesMetadata, ScoresTarget, RegressorMixin, BaseEstimator):
    """Train a learner along a chain of domains, each stage started from the last.

    For domains with a natural order, such as clusters of growing size: what was
    learned on n atoms is carried to n + 1, and so on to the last domain, which
    is the one predicted.

    Parameters
    ----------
    estimator : regressor, optional
        Any learner. Default: extra trees, on labels scaled to unit variance.
    order : list of labels, optional
        The domains, first to last. Default: sorted labels. Rows of other
        domains are an error.
    strategy : {"auto", "fine_tuned", "frozen_experts"}, default="auto"
        What a stage takes over from the one before. ``"fine_tuned"``: the
        learner's own state: forests get more trees, boosting more rounds,
        networks start from their weights, and any learner with a parameter ``init`` for
        a fitted one of its class, such as :class:`skxfer.models.SchNetIIARegressor`, starts from the
        last stage; its own ``carry`` says which parts of a network go along. ``"frozen_experts"``: the
        previous model is frozen as the one source of a :class:`HierarchicalTransfer`, which works
        for every learner. ``"auto"``: fine-tuned where the learner can go on.
    guard : bool, default=False
        With ``strategy="frozen_experts"``, start afresh at a stage where the one before
        does not help by cross-validation.
    random_state : int, RandomState or None, default=None
        Seeds every learner. None leaves the learners' own seeds.

    Attributes
    ----------
    stages_ : dict of label to fitted regressor
        The model after each domain, in order.
    stage_seconds_ : dict of label to float
        Wall time that each stage took: what the chain costs beside its last stage alone.
    order_ : list of labels
    strategy_ : {"fine_tuned", "frozen_experts"}
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    ValueError
        A domain in `order` without rows, rows outside `order`, a domain named twice.
    TypeError
        ``strategy="fine_tuned"`` with a learner that has no state to continue from.

    See Also
    --------
    HierarchicalTransfer : Several sources side by side.

    References
    ----------
    .. [1] Jiang, Z. et al., J. Chem. Inf. Model. 2025, 65, 92, doi:10.1021/acs.jcim.4c01473: energies of
       boron clusters, carried from size to size.

    Examples
    --------
    >>> from sklearn.linear_model import SGDRegressor
    >>> from skxfer import SequentialTransfer
    >>> X = [[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]]
    >>> y = [0.0, 1.0, 0.1, 1.1, 0.2, 1.2]
    >>> size = [16, 16, 17, 17, 18, 18]
    >>> model = SequentialTransfer(SGDRegressor(random_state=0)).fit(X, y, sample_domain=size)
    >>> list(map(int, model.stages_))
    [16, 17, 18]
    """

    __metadata_request__fit = {"sample_domain": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit"), None],
        "order": ["array-like", None],
        "strategy": [StrOptions({"auto", "fine_tuned", "frozen_experts"})],
        "guard": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator=None, *, order=None, strategy="auto", guard=False, random_state=None):
        self.estimator = estimator
        self.order = order
        self.strategy = strategy
        self.guard = guard
        self.random_state = random_state

    def fit(self, X, y, *, sample_domain=None, sample_weight=None, **metadata):
        """Train domain after domain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row. Default: all rows are one domain.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the learner.
        **metadata : array-like of shape (n_samples,)
            With metadata routing enabled: passed to the learner's ``fit``, if it requests them.

        Returns
        -------
        self : SequentialTransfer
        """
        self._validate_params()
        check_regressor(self.estimator, "estimator")
        X, _ = read_inputs(self, X, reset=True)
        Y = check_targets(y, n_rows(X))
        self._single_target = np.asarray(y).ndim == 1
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        labels = np.zeros(len(Y), dtype=int) if sample_domain is None else sample_domain
        labels = check_sample_domain(labels, len(Y))
        routed = self._route(len(Y), metadata, sample_domain=sample_domain)
        metadata = {name: check_groups(value, len(Y), name) for name, value in metadata.items()}
        self.order_ = self._check_order(labels)
        check_scored_rows(self._other_domains())
        self.strategy_ = self.strategy
        if self.strategy == "auto":
            self.strategy_ = "fine_tuned" if can_continue(self._learner()) else "frozen_experts"
        seed = None
        if self.random_state is not None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        if routed and self.strategy_ == "fine_tuned":
            raise ValueError(
                f"{sorted(routed)} cannot be handed to a fit that goes on: set strategy='frozen_experts', or "
                "leave them out."
            )
        self.stages_, self.stage_seconds_ = {}, {}
        model = None
        with naming_missing_values(X):
            for name in self.order_:
                start = perf_counter()
                rows = weighted_rows(np.flatnonzero(labels == name), sample_weight, f"domain {name!r}")
                weight = None if sample_weight is None else sample_weight[rows]
                # The first stage is the learner itself, further ones route once more.
                here = routed if model is None else metadata
                here = {key: value[rows] for key, value in here.items()}
                model = self._fit_stage(name, model, take(X, rows), Y[rows], weight, here, seed)
                self.stages_[name] = model
                self.stage_seconds_[name] = perf_counter() - start
        return self

    def _fit_stage(self, name, previous, X, Y, weight, metadata, seed):
        """Train on one domain, from what the domain before left."""
        learner, given = self._learner(), {"sample_weight": weight, "seed": seed}
        if previous is None:
            return fit_learner(learner, X, Y, metadata=metadata, **given)
        if self.strategy_ == "fine_tuned":
            return continue_learner(previous, learner, X, Y, **given)
        model = HierarchicalTransfer(
            learner,
            sources=[("previous", previous)],
            strategy=["target_only", "frozen_experts"] if self.guard else "frozen_experts",
            guard=self.guard,
            random_state=seed,
        )
        try:
            return model.fit(X, Y.ravel() if self._single_target else Y, sample_weight=weight, **metadata)
        except ValueError as error:
            raise ValueError(f"At domain {name!r} of the chain: {error}") from error

    def predict(self, X):
        """Predict the last domain.

        Parameters
        ----------
        X : like X in `fit`

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X, _ = read_inputs(self, X, reset=False)
        with naming_missing_values(X):
            prediction = predict_learner(self.stages_[self.order_[-1]], X)
        return prediction.ravel() if self._single_target else prediction

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; the learner decides about NaN and sparse input."""
        tags = super().__sklearn_tags__()
        inner = input_tags(self._learner())
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.target_tags.multi_output = True
        return tags

    def _learner(self):
        return default_learner() if self.estimator is None else self.estimator

    def _other_domains(self):
        return self.order_[:-1]

    def _check_order(self, labels):
        present = np.unique(labels).tolist()
        if self.order is None:
            return present
        order = list(self.order)
        if len(set(order)) < len(order):
            raise ValueError(f"order names a domain twice: {order}.")
        for name in order:
            if name not in present:
                raise ValueError(
                    f"No row has the domain {name!r} of order; the domains present are "
                    f"{shown_list(present)}. Correct order or the labels of the rows."
                )
        for name in present:
            if name not in order:
                raise ValueError(
                    f"Domain {name!r} is not in order={order}: name its place in the chain or drop its rows."
                )
        return order
