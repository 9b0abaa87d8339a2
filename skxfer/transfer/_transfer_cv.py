"""TransferCV: which way to use a trained source? Cross-validated on the target rows, with the reason."""

import os

import numpy as np
from sklearn.utils._param_validation import HasMethods

from .._remember import remembering
from ..inputs import check_sample_domain, n_rows, naming_missing_values, take, weighted_rows
from ._asked import check_strategies
from ._candidates import check_candidates, plain_baseline, residual_learner, target_learner, with_candidates
from ._competition import Competition
from ._problem import Problem
from ._rows import equal_rows
from ._sources import check_sources, check_sources_fit_problem, is_folder
from .strategies import Candidate


class TransferCV(Competition):
    """Cross-validate ways to use a trained source on the target rows, and keep the best, saying why.

    Fine-tuning beats frozen features here and loses there, and an unrelated source loses to training from
    scratch. So all of them compete on the same folds of the target rows, for each target, together with a
    plain baseline. Transfer must beat the best strategy without it by half a standard error of the gain;
    otherwise that one is kept. The strategies:

    - ``"target_only"``: `estimator` trained from scratch;
    - ``"baseline"``: gradient boosting, for formulas on Magpie descriptors. Rows are formulas if
      :func:`skxfer.formulas.parse_formulas` reads all of them (SMILES such as ``"CCO"`` do pass: drop the
      baseline); for other objects there is none;
    - ``"source_only"``: the source as it is;
    - ``"frozen_experts"``: predictions of all sources that predict as many targets as y has, rescaled; what
      these leave is learned by the baseline if X holds formulas and by `estimator` otherwise;
    - ``"frozen_features"``: :class:`FeatureTransfer` with the default head on all sources that have
      ``transform``;
    - ``"fine_tuned"``, or ``"fine_tuned: <name>"`` with several sources: `estimator` goes on from the source,
      where it can.

    Parameters
    ----------
    sources : fitted estimator, list of (str, fitted estimator) or path, optional
        What was trained elsewhere. It is never changed, and cloning (as in GridSearchCV) hands it on. Without
        any, this is a choice between `estimator` and the baseline. A path is a folder of models that
        :func:`skxfer.save` wrote (``*.skxfer``), named like their files; those that do not fit X and y are
        left out, see ``skipped_``.
    estimator : regressor, optional
        Trained on the target rows. Default: the parameters of the (first) source except those about its one
        fit: ``learning_rate`` and ``calibration`` are None (the learner's own choice, and no error bars,
        which would cost one fit per fold), where the source has such a parameter that takes this value.
        Without sources, for a table, extra trees on labels scaled to unit variance.
    candidates : list of (str, regressor), optional
        More regressors that compete. One named like a strategy above replaces it, and ``(name, "drop")``
        leaves that strategy out. A :class:`sklearn.frozen.FrozenEstimator` is used as it is.
    strategy : str or list of str, default="auto"
        The strategies that compete. ``"auto"``: all that can run. One name alone is used as it is, next to
        ``"target_only"`` if `guard`.
    combine : {"best", "blend"}, default="best"
        Keep the strategy with the least error, or blend all with weights fitted to the held-out rows.
    max_sources : int, default=10
        Of more sources, only the best take part in the strategies, see :class:`HierarchicalTransfer`.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}, default="similar"
        What will be predicted: rows like the target rows, new domains, or new inputs. Decides what the folds
        hold out. ``"auto"``: what `X_deploy` looks like, and without it both similar rows and new inputs.
    guard : bool, default=True
        Fall back to the best strategy without transfer where transfer shows no clear gain.
    cv : int, cross-validation generator or iterable, default=5
        Folds over the target rows. An int shuffles and keeps together what `groups` says; by default, rows of
        one composition (polymorphs, say) or equal rows of a table, which in both training and held-out rows
        make a test of memory. All else is used as it is; a single split (``PredefinedSplit``) is judged by
        its held-out rows in five parts.
    budget : float, optional
        How much all strategies and folds together may cost, in fits of the learner on all target rows; a fit
        on k times as many rows counts k. Of the strategies of ``"auto"`` that transfer, those that cost most
        are left out until the rest fits in; ``skipped_`` names them. One fit for each source domain and the
        final fits come on top. Default: no limit.
    n_jobs : int, optional
        Jobs for strategies and folds, through joblib.
    random_state : int, RandomState or None, default=None
        Seeds folds and every strategy. None leaves the learners' own seeds.
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
        A row for each target and strategy, as in :class:`HierarchicalTransfer`.
    transfer_gain_ : ndarray of shape (n_targets,)
        Share by which the error is expected to be below that of the best strategy without transfer. Held-out
        errors of the latter, which has fewer rows to learn from in a fold than in the end, are lowered: they
        are taken to fall with the root of the number of rows. 0 where that one is kept, NaN if there was
        none.
    transfer_gain_interval_ : ndarray of shape (n_targets, 2)
        Between which bounds the gain on new rows lies in about 80 of 100 cases, where these are as similar to
        the target rows as the folds imitated.
    reason_ : str
        A sentence for each target.
    predict_on_ : str or None
        The use that the folds imitated: one of those of `predict_on`, or ``"similar or new_inputs"``.
    estimators_ : dict of str to fitted model
        The strategies with a share, fitted on all target rows.
    experts_ : list of (str, fitted regressor)
        The sources that predict the targets.
    source_ranking_ : dict of str to list or None
        A row for each source and target, best source first, ready for a DataFrame: ``source``, ``target``,
        ``mae`` and ``mae_rescaled`` (mean absolute errors on the target rows, of the source as it is, and
        with each row predicted by the line that fits it to the labels of the others), ``mae_of_mean`` (the
        mean of the other labels), ``score`` (the lower of the two divided by that of the mean) and ``used``
        (whether it takes part). None where no strategy needed the predictions of the sources.
    variance_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times the variance over the
        strategies.
    target_names_ : list
        Columns of y if it is a DataFrame, else numbers.
    n_targets_ : int
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    NotFittedError
        A source that is not fitted.
    ValueError
        Too few rows for `cv`, no held-out label of a target, no strategy left.

    See Also
    --------
    FeatureTransfer : Frozen features alone.
    HierarchicalTransfer : The same competition where the rows of the sources are at hand.

    Notes
    -----
    The winner's error in ``cv_results_`` is that of the lowest of several, so it is a little too low. Where
    the error itself matters, cross-validate TransferCV.

    A source that was trained on compositions (or other inputs) of the target rows knows the answers that the
    folds hold out: whatever uses it wins, and the comparison is worthless, which nothing here can notice.
    Take them, and those of your test rows, out of what the source learns from, as
    :func:`skxfer.formulas.combine_properties` does with `exclude`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxfer import TransferCV
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=30, random_state=0)
    >>> rows = {name: data.domain == name for name in ("source_0", "target", "test")}
    >>> source = make_pipeline(PolynomialFeatures(3), Ridge())
    >>> source = source.fit(data.data[rows["source_0"]], data.target[rows["source_0"]])
    >>> model = TransferCV(source, random_state=0).fit(data.data[rows["target"]], data.target[rows["target"]])
    >>> model.strategy_
    ['source_only']
    """

    __metadata_request__fit = {"sample_domain": True}

    _parameter_constraints: dict = {
        "sources": [HasMethods("get_params"), list, tuple, str, os.PathLike, None],
        "estimator": [HasMethods("fit"), None],
        "candidates": [list, tuple, None],
        **Competition._parameter_constraints,
    }

    def __init__(
        self,
        sources=None,
        estimator=None,
        *,
        candidates=None,
        strategy="auto",
        combine="best",
        max_sources=10,
        predict_on="similar",
        guard=True,
        cv=5,
        budget=None,
        n_jobs=None,
        random_state=None,
        verbose=False,
    ):
        self.sources = sources
        self.estimator = estimator
        self.candidates = candidates
        self.strategy = strategy
        self.combine = combine
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
        X : array-like of shape (n_samples, n_features), sparse matrix, DataFrame or sequence of objects
            Target rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row, for folds that leave out domains.
        groups : array-like of shape (n_samples,), optional
            Rows that no fold may separate. A `cv` that is not an int must heed them itself.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the learners.
        X_deploy : like X, optional
            Unlabelled inputs that will be predicted: with ``predict_on="auto"`` the folds are chosen to look
            like them.
        **metadata : array-like of shape (n_samples,)
            With metadata routing enabled: passed to the learner's ``fit``, if it requests them.

        Returns
        -------
        self : TransferCV
        """
        self._validate_params()
        self.skipped_ = {}
        given = self._check_rows(X, y, groups, sample_weight, X_deploy)
        target = weighted_rows(np.arange(n_rows(given["X"])), given["sample_weight"], "X")
        kind = given["kind"]
        extra = check_candidates(self.candidates)
        labels = sample_domain
        if sample_domain is not None:
            sample_domain = check_sample_domain(sample_domain, len(given["Y"]))[target]
        problem = Problem(
            **given | {"groups": None if given["groups"] is None else given["groups"][target]},
            target=target,
            trained=check_sources(self.sources, self.skipped_),
            max_sources=self.max_sources,
            domain=sample_domain,
            equal=equal_rows(take(given["X"], target), kind),
            n_jobs=self.n_jobs,
            metadata=self._route(len(given["Y"]), metadata, sample_domain=labels, groups=groups),
        )
        with naming_missing_values(problem.X), remembering():
            check_sources_fit_problem(problem, self.skipped_, may_leave_out=is_folder(self.sources))
            plain = plain_baseline(given["X"], kind)
            self._set_learners(problem, extra.get("baseline", plain))
            named = {} if plain is None else {"baseline": Candidate("baseline", plain)}
            strategies = check_strategies(self.strategy, problem, self.skipped_, self.guard, named)
            if self.strategy == "auto":
                strategies[1:1] = named.values()
            self._compete(problem, with_candidates(strategies, extra))
        return self

    def _set_learners(self, problem, baseline):
        """Set what learns the target rows, and what learns the rest that frozen experts leave."""
        problem.learner = target_learner(self.estimator, problem.trained, problem.kind)
        problem.residual_estimator = residual_learner(problem.learner, baseline, problem.kind)
        problem.residual_routed = problem.residual_estimator is not baseline
