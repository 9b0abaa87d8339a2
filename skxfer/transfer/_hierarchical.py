"""HierarchicalTransfer: carry over what other domains taught, in the way that the target rows prove best."""

import os
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.model_selection import KFold
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._remember import remembering
from .._scored_rows import check_scored_rows
from ..domains import ScoresTarget, find_rows
from ..inputs import check_sample_domain, find_missing_value, naming_missing_values, take
from ..learners import predict_learner
from ._asked import check_strategies
from ._cheap_values import CheapValues
from ._competition import Competition
from ._problem import Problem, expert_outputs
from ._rows import equal_rows, kind_of_columns, read_inputs
from ._sources import check_sources, check_sources_fit_problem, is_folder


class HierarchicalTransfer(ScoresTarget, TransformerMixin, Competition):
    """Transfer from source domains to a target domain with few rows, for any regressor.

    Several ways to transfer, called strategies, compete for each target:

    - ``"target_only"``: the learner on the target rows, no transfer;
    - ``"source_only"``: the source model as it is;
    - ``"merge"``: the learner on the rows of all domains;
    - ``"merge_relevant"``: the same, with source rows whose labels lie near the target's;
    - ``"merge_weighted"``: the same, with source rows weighted by how much their inputs look like those of
      the target;
    - ``"merge_indicator"``: the same, with columns that say which domain a row is of;
    - ``"aligned"``: the same, with source inputs mapped to those of the target;
    - ``"boosted"``: the same, boosted, where source rows that contradict the target lose weight; it takes
      about 30 fits, so it must be named;
    - ``"low_fidelity"``: five ways to start from a cheap value of the target, see the parameter;
    - ``"frozen_experts"``: one frozen expert per source, a linear `final_estimator` on their predictions, and
      the learner again on what that leaves;
    - ``"frozen_features"``: features of trained sources that have ``transform``, and a new head;
    - ``"fine_tuned"``: the learner goes on from what it learned on a source, where it can.

    None wins everywhere, so they are cross-validated on the target rows, with folds that look like the use,
    and blended; where the blend is not better than ``"target_only"`` by half a standard error, `guard` keeps
    the latter. ``reason_`` says what was chosen and why, ``transfer_gain_`` what was gained, ``skipped_``
    which strategies could not run.

    Parameters
    ----------
    estimator : regressor, optional
        Any learner: forests, boosting, SVR, a network, a Pipeline. One that takes a single target is cloned
        per target. Default: extra trees, on labels scaled to unit variance.
    sources : fitted regressor, list of (str, fitted regressor) or path, optional
        Sources that are trained already. They are never changed, and cloning (as in GridSearchCV) hands them
        on. Their rows are not needed. A path is a folder of models that :func:`skxfer.save` wrote
        (``*.skxfer``), named like their files; those that do not fit X and y are left out, see ``skipped_``.
    source_domains : list of labels, optional
        Labels in `sample_domain` that are sources; all other rows are target rows. With neither this nor
        `sources`, the estimator is the plain learner.
    final_estimator : regressor, optional
        Combines the scaled predictions of the experts. Default: RidgeCV.
    residual_estimator : regressor, "same" or None, default="same"
        Learns what the combination leaves, from X. ``"same"``: a clone of `estimator`. None: nothing does.
    low_fidelity : str, int, list of these, or fitted regressor, optional
        A cheap approximation of y that is known for every row to be predicted, such as a computed value where
        an experiment is wanted: names of columns of a DataFrame, positions of columns of an array, or a
        fitted model that predicts it from X. With several targets, as many values as targets, in their order.
        Columns are taken out of X: only ``"low_fidelity"`` sees them, so that ``"target_only"`` says what
        could be had without. Wrap a model in :class:`~sklearn.frozen.FrozenEstimator`, or cloning resets it.
    strategy : str or list of str, default="auto"
        The strategies that compete. ``"auto"``: all that can run. One name alone is used as it is, next to
        ``"target_only"`` if `guard`.
    combine : {"blend", "best"}, default="blend"
        Blend the strategies with weights fitted to the held-out rows, or keep the one with the least error.
    source_filter : float, default=0.2
        Which source rows ``"merge_relevant"`` sees: those whose labels lie in the target's label range,
        widened on both sides by this share of it.
    max_sources : int, default=10
        Of more sources, only the best take part in the strategies: those that best predict the target rows,
        as they are or rescaled. Where the best is clearly better than the mean of the labels, sources whose
        error is nearer to that of the mean than to that of the best are dropped too. Each fold ranks them by
        its own training rows. See ``source_ranking_``.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}, default="auto"
        What will be predicted: rows like the target rows, new domains (a new solvent), or new inputs (new
        structures). Decides what the folds hold out. ``"auto"``: what `X_deploy` looks like, and without it
        folds of similar rows and of new inputs, which count alike.
    guard : bool, default=True
        Fall back to ``"target_only"`` where transfer shows no clear gain. ``guard=False`` with one strategy
        needs no cross-validation.
    cv : int, cross-validation generator or iterable, default=5
        Folds over the target rows. A generator or iterable is used as it is, in place of `predict_on`.
    budget : float, optional
        How much all strategies and folds together may cost, in fits of the learner on all target rows; a fit
        on k times as many rows counts k. Of the strategies of ``"auto"`` that transfer, those that cost most
        are left out until the rest fits in; ``skipped_`` names them. One fit for each source domain and the
        final fits come on top. Default: no limit.
    n_jobs : int, optional
        Jobs for experts, folds and strategies, through joblib.
    random_state : int, RandomState or None, default=None
        Seeds folds and every learner. None leaves the learners' own seeds.
    verbose : bool or int, default=False
        Whether to show a progress bar with the time left.

    Attributes
    ----------
    strategies_ : list of str
        The strategies that competed.
    skipped_ : dict of str to str
        Why each of the others could not run.
    weights_ : ndarray of shape (n_targets, n_strategies)
        Shares of the strategies in the prediction.
    strategy_ : list of str, length n_targets
        The strategy with the largest share, for each target.
    cv_results_ : dict of str to list
        A row for each target and strategy, ready for a DataFrame: ``target``, ``strategy``, ``transfer``
        (whether it uses a source), ``mae`` and ``mae_error`` (mean absolute error over held-out rows and its
        standard error over folds, in the unit of y), ``gain`` and ``gain_error`` (how much lower than the
        best strategy without transfer, on the same rows), ``weight``, ``fit_time`` (mean seconds per fold)
        and ``fold0_mae``, ... Errors are missing where nothing was cross-validated.
    transfer_gain_ : ndarray of shape (n_targets,)
        Share by which the error is expected to be below that of the best strategy without transfer. Held-out
        errors of the latter, which has fewer rows to learn from in a fold than in the end, are lowered: they
        are taken to fall with the root of the number of rows. 0 where the guard refused, NaN without
        cross-validation.
    transfer_gain_interval_ : ndarray of shape (n_targets, 2)
        Between which bounds the gain on new rows lies in about 80 of 100 cases, where these are as similar to
        the target rows as the folds imitated.
    reason_ : str
        A sentence for each target.
    predict_on_ : str or None
        The use that the folds imitated: one of those of `predict_on`, or ``"similar or new_inputs"``.
    estimators_ : dict of str to fitted model
        The strategies with a share, and ``"target_only"`` wherever it competed.
    experts_ : list of (str, fitted regressor)
        The frozen experts: trained sources, then one for each of `source_domains` if a strategy needed them.
    source_weights_ : ndarray of shape (n_targets, n_experts)
        Share of each expert in the linear combination; NaN without ``"frozen_experts"``.
    source_ranking_ : dict of str to list or None
        A row for each source and target, best source first, ready for a DataFrame: ``source``, ``target``,
        ``mae`` and ``mae_rescaled`` (mean absolute errors on the target rows, of the source as it is, and
        with each row predicted by the line that fits it to the labels of the others), ``mae_of_mean`` (the
        mean of the other labels), ``score`` (the lower of the two divided by that of the mean) and ``used``
        (whether it takes part). None where no strategy needed the predictions of the sources.
    variance_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times the variance over strategies.
    target_names_ : list
        Columns of y if it is a DataFrame, else numbers.
    n_targets_ : int
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    ValueError
        An unknown source domain, no target row, a source with another number of features or targets, too few
        target rows for `cv`, infinity in X, a named strategy that cannot run.

    See Also
    --------
    TransferCV : The same competition from a trained source.
    skxfer.model_selection.TargetKFold : Folds that hold out target rows, to cross-validate this estimator.
    SequentialTransfer : Domains in an order, each starting from the last.
    skxfer.model_selection.portability_study : Does transfer help, for which learner?

    References
    ----------
    .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921: experts per solvent,
       frozen, ensembled and tuned on many solvents with few rows each (Fig. 7 for any learner).

    Examples
    --------
    >>> from sklearn.svm import SVR
    >>> from skxfer import HierarchicalTransfer
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=20, random_state=0)
    >>> train = data.domain != "test"
    >>> model = HierarchicalTransfer(SVR(C=10), source_domains=data.source_domains, random_state=0)
    >>> model = model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    >>> bool(model.transfer_gain_[0] > 0.3)
    True
    """

    __metadata_request__fit = {"sample_domain": True}
    _always_fitted = ("target_only",)

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit"), None],
        "sources": [HasMethods("predict"), list, tuple, str, os.PathLike, None],
        "source_domains": ["array-like", str, None],
        "final_estimator": [HasMethods("fit"), None],
        "residual_estimator": [HasMethods("fit"), StrOptions({"same"}), None],
        "low_fidelity": [HasMethods("predict"), str, Integral, list, tuple, None],
        "source_filter": [Interval(Real, 0, None, closed="left")],
        **Competition._parameter_constraints,
    }

    def __init__(
        self,
        estimator=None,
        *,
        sources=None,
        source_domains=None,
        final_estimator=None,
        residual_estimator="same",
        low_fidelity=None,
        strategy="auto",
        combine="blend",
        source_filter=0.2,
        max_sources=10,
        predict_on="auto",
        guard=True,
        cv=5,
        budget=None,
        n_jobs=None,
        random_state=None,
        verbose=False,
    ):
        self.estimator = estimator
        self.sources = sources
        self.source_domains = source_domains
        self.final_estimator = final_estimator
        self.residual_estimator = residual_estimator
        self.low_fidelity = low_fidelity
        self.strategy = strategy
        self.combine = combine
        self.source_filter = source_filter
        self.max_sources = max_sources
        self.predict_on = predict_on
        self.guard = guard
        self.cv = cv
        self.budget = budget
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, *, sample_domain=None, groups=None, sample_weight=None, X_deploy=None, **metadata):
        """Let the strategies compete on the target rows and refit what is kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
            Source and target rows, or target rows alone with `sources`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label. Where no target row has any, strategies that need none are judged by
            leaving out sources, with a warning.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row.
        groups : array-like of shape (n_samples,), optional
            Rows that no fold may separate, such as the same compound. A `cv` that is not an int must heed
            them itself.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the learners.
        X_deploy : like X, optional
            Unlabelled inputs that will be predicted: with ``predict_on="auto"`` the folds are chosen to look
            like them.
        **metadata : array-like of shape (n_samples,)
            With metadata routing enabled: passed to the learner's ``fit``, if it requests them.

        Returns
        -------
        self : HierarchicalTransfer
        """
        self._fit(self._read(X, y, sample_domain, groups, sample_weight, X_deploy, metadata))
        return self

    def transform(self, X):
        """Return the predictions of the frozen experts.

        Parameters
        ----------
        X : like X in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_experts * n_targets)
        """
        check_is_fitted(self)
        X, _ = self._split(read_inputs(self, X, reset=False)[0])
        missing = find_missing_value(X)
        if missing is not None and not (self.experts_ or get_tags(self).input_tags.allow_nan):
            raise missing  # without an expert nothing else would look at X
        with naming_missing_values(X):
            return expert_outputs(self.experts_, X)

    def fit_transform(
        self, X, y, *, sample_domain=None, groups=None, sample_weight=None, X_deploy=None, **metadata
    ):
        """Fit, and return the experts' predictions, out-of-fold on rows they were trained on.

        Parameters
        ----------
        X, y, sample_domain, groups, sample_weight, X_deploy, **metadata : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_experts * n_targets)
        """
        problem = self._read(X, y, sample_domain, groups, sample_weight, X_deploy, metadata)
        self._fit(problem)
        outputs = expert_outputs(self.experts_, problem.X)
        n_trained = len(self.experts_) - len(problem.source_rows)
        if problem.experts is None:  # no strategy needed those of the source rows
            return outputs
        for e, rows in enumerate(problem.source_rows.values(), start=n_trained):
            if len(rows) < 2:
                raise ValueError(
                    f"Source {self.experts_[e][0]!r} has one row, for which there is no out-of-fold "
                    "prediction: drop this source, or use fit(...).transform(X)."
                )
            columns = slice(e * self.n_targets_, (e + 1) * self.n_targets_)
            n_folds = min(len(rows), self.cv if isinstance(self.cv, Integral) else 5)
            for train, held in KFold(n_folds, shuffle=True, random_state=problem.seed).split(rows):
                expert = problem.fit_on(rows[train])
                outputs[rows[held], columns] = predict_learner(expert, take(problem.X, rows[held]))
        return outputs

    def get_feature_names_out(self, input_features=None):
        """Return a name for each output of `transform`: expert, target.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.array(
            [f"{name}_target{t}" for name, _ in self.experts_ for t in range(self.n_targets_)], dtype=object
        )

    def _read(self, X, y, sample_domain, groups, sample_weight, X_deploy, metadata):
        """Check what is given and put it into one object."""
        self._validate_params()
        self.skipped_ = {}
        given = self._check_rows(X, y, groups, sample_weight, X_deploy)
        n_samples = len(given["Y"])
        if sample_domain is not None:
            sample_domain = check_sample_domain(sample_domain, n_samples)
            check_scored_rows(self._other_domains())
        source_rows, target = find_rows(
            sample_domain, self.source_domains, self.sources, given["sample_weight"], n_samples
        )
        self._take_cheap_values(given, target)
        learner = self._learner()
        same = isinstance(self.residual_estimator, str)
        problem = Problem(
            **given | {"groups": None if given["groups"] is None else given["groups"][target]},
            target=target,
            learner=learner,
            source_rows=source_rows,
            trained=check_sources(self.sources, self.skipped_),
            max_sources=self.max_sources,
            domain=None if sample_domain is None else sample_domain[target],
            equal=equal_rows(take(given["X"], target), given["kind"]),
            final_estimator=self.final_estimator,
            residual_estimator=learner if same else self.residual_estimator,
            residual_routed=same,
            source_filter=self.source_filter,
            n_jobs=self.n_jobs,
            metadata=self._route(n_samples, metadata, sample_domain=sample_domain, groups=groups),
        )
        empty = np.isnan(problem.Y[target]).all(axis=0)
        if empty.any() and not (empty.all() and source_rows):
            raise ValueError(
                f"Target {self.target_names_[empty.argmax()]!r} has no label in the {len(target)} rows of "
                "the target domain: it needs at least one."
            )
        return problem

    def _take_cheap_values(self, given, target):
        """Split the inputs of all rows, if there are cheap values of the targets among them."""
        self._cheap = None
        if self.low_fidelity is None:
            return
        self._cheap = CheapValues(self.low_fidelity, self.n_targets_).fit(given["X"])
        given["X"], given["low_fidelity"] = self._cheap.split(given["X"], target)
        if isinstance(given["X"], pd.DataFrame):  # without the values, formulas may be all that is left
            given["kind"] = kind_of_columns(given["X"])
        if given["X_deploy"] is not None:
            given["X_deploy"], _ = self._cheap.split(given["X_deploy"])

    def _split(self, X):
        """Return inputs to be predicted, and cheap values of the targets, None without any."""
        return (X, None) if getattr(self, "_cheap", None) is None else self._cheap.split_new(X)

    def _fit(self, problem):
        with naming_missing_values(problem.X), remembering():
            check_sources_fit_problem(problem, self.skipped_, may_leave_out=is_folder(self.sources))
            strategies = check_strategies(self.strategy, problem, self.skipped_, guard=self.guard)
            self._compete(problem, strategies)
        self.source_weights_ = self._shares_of_experts()

    def _shares_of_experts(self):
        shares = np.full((self.n_targets_, len(self.experts_)), np.nan)
        stack = self.estimators_.get("frozen_experts")
        coefficients = None if stack is None else stack.coefficients(shares.size)
        if coefficients is None:
            return shares
        size = np.abs(coefficients).reshape(self.n_targets_, len(self.experts_), self.n_targets_).sum(axis=2)
        return size / np.maximum(size.sum(axis=1, keepdims=True), np.finfo(float).tiny)
