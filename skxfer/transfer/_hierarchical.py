"""HierarchicalTransfer: freeze what other domains taught, tune on few target rows, keep what helps."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ..choice import CLEAR_GAIN, blend, choose
from ..domains import check_source_is_fitted, check_source_names, find_rows
from ..folds import SPLITS_OF_USE, NumericView, target_folds
from ..inputs import (
    check_inputs,
    check_sample_domain,
    check_targets,
    check_weights,
    n_rows,
    take,
)
from ..learners import fit_learner, input_tags, predict_learner
from ._strategies import Task, fit_strategy, held_out_predictions, predict_strategy

# Merged training keeps source rows whose labels lie in the target's label range, widened by this share.
RELEVANCE_MARGIN = 0.2


class HierarchicalTransfer(TransformerMixin, RegressorMixin, BaseEstimator):
    """Transfer from source domains to a target with few rows, for any regressor.

    Tier I trains one expert per source domain (or takes experts that are
    trained already) and freezes it. Tier II tunes on the target rows. Three
    strategies compete for each target column:

    - ``"frozen"``: the experts' predictions, a linear `final_estimator` on
      them, and the same learner again on what that leaves, seeing X.
    - ``"merge"``: the learner trained on target rows and relevant source rows
      together.
    - ``"target_only"``: the learner trained on target rows alone, no transfer.

    None wins everywhere, so they are cross-validated on the target rows, with
    folds that look like the use, and blended; where the blend is not better than
    the target alone by half a standard error, `guard` keeps the target
    alone. ``transfer_gain_`` says what was gained.

    Parameters
    ----------
    estimator : regressor, default=ExtraTreesRegressor()
        Any learner: forests, boosting, SVR, a network, a Pipeline. One that
        takes a single target is cloned per target.
    sources : list of (str, fitted regressor), optional
        Experts that are trained already, each wrapped in
        :class:`sklearn.frozen.FrozenEstimator`, which keeps it fitted when
        GridSearchCV clones this estimator. Their rows are not needed.
    source_domains : list of labels, optional
        Labels in `sample_domain` that are sources; all other rows are target
        rows. With neither this nor `sources`, the estimator is the plain learner.
    final_estimator : regressor, optional
        Combines the scaled predictions of the experts. Default: RidgeCV.
    residual_estimator : regressor, "same" or None, default="same"
        Learns what the combination leaves, from X. ``"same"``: a clone of
        `estimator`. None: nothing does.
    strategy : {"auto", "frozen", "merge", "target_only"}, default="auto"
        ``"auto"`` blends the three by cross-validation, for each target.
    source_filter : {"relevance"}, float or None, default="relevance"
        Which source rows merged training sees: those whose labels lie in the
        target's label range, widened on both sides by this share of it
        (``"relevance"``: 0.2). None: all. Experts see all source rows, since
        tier II can rescale or ignore an expert.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}, default="auto"
        What will be predicted: rows like the target rows, new domains (a new
        solvent), or new inputs (new structures). Decides what the folds hold
        out. ``"auto"``: what `X_deploy` looks like, and without it
        ``"new_inputs"``, the cautious choice.
    guard : bool, default=True
        Fall back to ``"target_only"`` where transfer shows no clear gain.
        ``guard=False`` with a fixed strategy needs no cross-validation.
    cv : int, cross-validation generator or iterable, default=5
        Folds over the target rows. A generator or iterable is used as it is,
        in place of `predict_on`.
    n_jobs : int, optional
        Jobs for experts, folds and strategies, through joblib.
    random_state : int, RandomState or None, default=None
        Seeds folds and every learner. None leaves the learners' own seeds.

    Attributes
    ----------
    experts_ : list of (str, fitted regressor)
        The frozen experts: `sources`, then, unless `strategy` is ``"merge"`` or
        ``"target_only"``, one for each of `source_domains`.
    strategies_ : list of str
        The strategies that competed.
    strategy_weights_ : ndarray of shape (n_targets, n_strategies)
        Their shares in the prediction.
    strategy_ : list of str, length n_targets
        The strategy with the largest share, for each target.
    cv_errors_ : ndarray of shape (n_targets, n_strategies)
        Cross-validated mean absolute errors; NaN without cross-validation.
    transfer_gain_ : ndarray of shape (n_targets,)
        By what share the cross-validated error is below that of the target
        alone: 0 where the guard refused, NaN without cross-validation.
    source_weights_ : ndarray of shape (n_targets, n_experts)
        Share of each expert in the linear combination; NaN without ``"frozen"``.
    models_ : dict of str to fitted model
        The fitted strategies with a share.
    target_only_ : fitted regressor
        The learner trained on target rows alone; None where nothing needed it.
    variance_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times
        the variance over strategies.
    n_targets_ : int
    predict_on_ : str or None
        The use that the folds imitated.
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    ValueError
        An unknown source domain, no target row, a source with another number of
        features or targets, too few target rows for `cv`, NaN or inf in X.
    NotFittedError
        A source that is not fitted.

    See Also
    --------
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

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "sources": [list, tuple, None],
        "source_domains": ["array-like", str, None],
        "final_estimator": [HasMethods(["fit", "predict"]), None],
        "residual_estimator": [HasMethods(["fit", "predict"]), StrOptions({"same"}), None],
        "strategy": [StrOptions({"auto", "frozen", "merge", "target_only"})],
        "source_filter": [StrOptions({"relevance"}), Interval(Real, 0, None, closed="left"), None],
        "predict_on": [StrOptions({"auto", *SPLITS_OF_USE})],
        "guard": ["boolean"],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        sources=None,
        source_domains=None,
        final_estimator=None,
        residual_estimator="same",
        strategy="auto",
        source_filter="relevance",
        predict_on="auto",
        guard=True,
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.estimator = estimator
        self.sources = sources
        self.source_domains = source_domains
        self.final_estimator = final_estimator
        self.residual_estimator = residual_estimator
        self.strategy = strategy
        self.source_filter = source_filter
        self.predict_on = predict_on
        self.guard = guard
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, sample_domain=None, sample_weight=None, X_deploy=None):
        """Train experts on the sources and tune on the target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
            Source and target rows, or target rows alone with `sources`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the learners.
        X_deploy : like X, optional
            Unlabelled inputs that will be predicted: with ``predict_on="auto"``
            the folds are chosen to look like them.

        Returns
        -------
        self : HierarchicalTransfer
        """
        self._validate_params()
        X = check_inputs(self, X, reset=True, allow_nan=get_tags(self).input_tags.allow_nan)
        Y = check_targets(y, n_rows(X))
        self._single_target = np.asarray(y).ndim == 1
        self.n_targets_ = Y.shape[1]
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        if sample_domain is not None:
            sample_domain = check_sample_domain(sample_domain, len(Y))
        source_rows, target = find_rows(
            sample_domain, self.source_domains, self.sources, sample_weight, len(Y)
        )
        self._seed = None
        if self.random_state is not None:
            self._seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        task = Task(
            learner=self._learner(),
            X=X,
            Y=Y,
            sample_weight=sample_weight,
            source_rows=source_rows,
            margin=RELEVANCE_MARGIN if self.source_filter == "relevance" else self.source_filter,
            final_estimator=self.final_estimator,
            residual_estimator=self.residual_estimator,
            seed=self._seed,
        )
        bare = np.isnan(Y[target]).all(axis=0)
        if bare.any():
            raise ValueError(
                f"Target {np.flatnonzero(bare)[0]} has no label among the {len(target)} target rows: "
                "tier II needs at least one."
            )

        labels = None if sample_domain is None else sample_domain[target]
        self.experts_ = self._fit_experts(task, labels)
        self.strategies_ = self._competitors(source_rows)
        F = self._expert_outputs(take(X, target)) if "frozen" in self.strategies_ else None
        if len(self.strategies_) > 1 or self.guard and self.strategies_ != ["target_only"]:
            self._cross_validate(task, target, F, labels, X_deploy)
        else:
            self.predict_on_ = None
            self.strategy_weights_ = np.ones((self.n_targets_, 1))
            self.cv_errors_ = np.full((self.n_targets_, 1), np.nan)
            self.transfer_gain_ = np.full(self.n_targets_, np.nan)
            self.variance_ = None
        self.strategy_ = [self.strategies_[j] for j in self.strategy_weights_.argmax(axis=1)]

        used = [
            name
            for name, share in zip(self.strategies_, self.strategy_weights_.T, strict=True)
            if share.any() or name == "target_only" and self.guard
        ]
        fitted = Parallel(n_jobs=self.n_jobs)(delayed(fit_strategy)(name, task, target, F) for name in used)
        self.models_ = dict(zip(used, fitted, strict=True))
        self.target_only_ = self.models_.get("target_only")
        self.source_weights_ = self._shares_of_experts()
        return self

    def predict(self, X, return_std=False):
        """Predict the target domain.

        Parameters
        ----------
        X : like X in `fit`
        return_std : bool, default=False
            Also return a standard deviation, calibrated on the out-of-fold
            errors of the target rows: it grows where the strategies disagree.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.

        Raises
        ------
        ValueError
            `return_std` after a fit without cross-validation.
        """
        check_is_fitted(self)
        if return_std and self.variance_ is None:
            raise ValueError(
                "return_std needs the cross-validation that comes with guard=True or strategy='auto' "
                "and at least one source."
            )
        X = check_inputs(self, X, reset=False, allow_nan=get_tags(self).input_tags.allow_nan)
        F = self._expert_outputs(X) if "frozen" in self.models_ else None
        predictions = np.zeros((n_rows(X), self.n_targets_, len(self.strategies_)))
        for j, name in enumerate(self.strategies_):
            if self.strategy_weights_[:, j].any():
                predictions[:, :, j] = predict_strategy(self.models_[name], X, F)
        mean, spread = blend(predictions, self.strategy_weights_)
        if not return_std:
            return mean.ravel() if self._single_target else mean
        std = np.sqrt(self.variance_[:, 0] + self.variance_[:, 1] * spread)
        return (mean.ravel(), std.ravel()) if self._single_target else (mean, std)

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
        X = check_inputs(self, X, reset=False, allow_nan=get_tags(self).input_tags.allow_nan)
        return self._expert_outputs(X)

    def fit_transform(self, X, y, sample_domain=None, sample_weight=None, X_deploy=None):
        """Fit, and return the experts' predictions, out-of-fold on rows they were trained on.

        Parameters
        ----------
        X, y, sample_domain, sample_weight, X_deploy : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_experts * n_targets)
        """
        self.fit(X, y, sample_domain=sample_domain, sample_weight=sample_weight, X_deploy=X_deploy)
        X = check_inputs(self, X, reset=False, allow_nan=get_tags(self).input_tags.allow_nan)
        Y = check_targets(y, n_rows(X))
        outputs = self._expert_outputs(X)
        sample_weight = None if sample_weight is None else check_weights(sample_weight, X)
        source_rows, _ = find_rows(sample_domain, self.source_domains, self.sources, sample_weight, len(Y))
        if self.strategy in ("merge", "target_only"):  # no expert was trained on these rows
            return outputs
        first = len(self.experts_) - len(source_rows)
        for e, rows in enumerate(source_rows.values(), start=first):
            if len(rows) < 2:
                raise ValueError(
                    f"Source {self.experts_[e][0]!r} has one row, for which there is no out-of-fold "
                    "prediction: drop this source, or use fit(...).transform(X)."
                )
            columns = slice(e * self.n_targets_, (e + 1) * self.n_targets_)
            n_folds = min(len(rows), self.cv if isinstance(self.cv, Integral) else 5)
            for train, held in KFold(n_folds, shuffle=True, random_state=self._seed).split(rows):
                weight = None if sample_weight is None else sample_weight[rows[train]]
                expert = fit_learner(
                    self._learner(),
                    take(X, rows[train]),
                    Y[rows[train]],
                    sample_weight=weight,
                    seed=self._seed,
                )
                outputs[rows[held], columns] = predict_learner(expert, take(X, rows[held]))
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

    def __sklearn_tags__(self):
        """Take NaN and sparse input if the learner does; missing labels always."""
        tags = super().__sklearn_tags__()
        inner = input_tags(self._learner())
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.target_tags.multi_output = True
        return tags

    def _learner(self):
        return ExtraTreesRegressor() if self.estimator is None else self.estimator

    def _fit_experts(self, task, labels):
        for entry in self.sources or ():
            if not (isinstance(entry, tuple) and len(entry) == 2 and hasattr(entry[1], "predict")):
                raise TypeError(
                    f"sources must be a list of (name, FrozenEstimator(model)), an entry is {entry!r}."
                )
        experts = [(name, self._check_source(name, source, task)) for name, source in self.sources or ()]
        check_source_names([name for name, _ in experts], task.source_rows, labels)
        if self.strategy in ("merge", "target_only"):
            return experts
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(task.fit_on)(rows) for rows in task.source_rows.values()
        )
        return experts + [(str(name), model) for name, model in zip(task.source_rows, fitted, strict=True)]

    def _check_source(self, name, source, task):
        check_source_is_fitted(name, source)
        n_features, here = getattr(source, "n_features_in_", None), getattr(self, "n_features_in_", None)
        if n_features is not None and here is not None and n_features != here:
            raise ValueError(f"Source {name!r} was trained on {n_features} features, X has {here}.")
        n_targets = predict_learner(source, take(task.X, [0])).shape[1]
        if n_targets != self.n_targets_:
            raise ValueError(
                f"Source {name!r} predicts {n_targets} target(s), y has {self.n_targets_}: "
                "train it on the targets of y, in their order."
            )
        return source

    def _competitors(self, source_rows):
        if not self.experts_ and not source_rows:
            if self.strategy in ("frozen", "merge"):
                raise ValueError(
                    f"strategy={self.strategy!r} needs a source: set sources or source_domains, "
                    "or use strategy='auto'."
                )
            return ["target_only"]
        if self.strategy == "merge" and not source_rows:
            raise ValueError(
                "strategy='merge' needs the rows of the sources: name them in source_domains and pass "
                "sample_domain. Trained sources alone allow strategy='frozen'."
            )
        if self.strategy == "auto":
            return ["target_only", "frozen"] + (["merge"] if source_rows else [])
        return (
            ["target_only", self.strategy]
            if self.guard and self.strategy != "target_only"
            else [self.strategy]
        )

    def _expert_outputs(self, X):
        if not self.experts_:
            return np.empty((n_rows(X), 0))
        return np.hstack([predict_learner(model, X) for _, model in self.experts_])

    def _cross_validate(self, task, target, F, labels, X_deploy):
        """Set the shares of the strategies from out-of-fold predictions of the target rows."""
        X_target, Y_target = take(task.X, target), task.Y[target]
        view = NumericView(task.learner, self._expert_outputs).fit(X_target, Y_target)
        if X_deploy is not None:
            X_deploy = check_inputs(self, X_deploy, reset=False, allow_nan=True)
        self.predict_on_, splits = target_folds(
            X_target, Y_target, labels, self.cv, self.predict_on, view, X_deploy, self._seed
        )
        F = np.empty((len(target), 0)) if F is None else F
        jobs = [
            (name, task, target[train], target[held], F[train], F[held])
            for folds in splits
            for train, held in folds
            for name in self.strategies_
        ]
        held_out = iter(Parallel(n_jobs=self.n_jobs)(delayed(held_out_predictions)(*job) for job in jobs))
        sets = []
        for folds in splits:
            P = np.concatenate([np.stack([next(held_out) for _ in self.strategies_], -1) for _ in folds])
            Y = task.Y[target[np.concatenate([held for _, held in folds])]]
            fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
            sets.append((P, Y, fold))
        rule = "blend" if self.strategy == "auto" else self.strategies_.index(self.strategy)
        chosen = []
        for t in range(self.n_targets_):
            evidence = [(P[:, t], Y[:, t], fold) for P, Y, fold in sets]
            try:
                chosen.append(choose(evidence, rule, guard=CLEAR_GAIN if self.guard else None))
            except ValueError as error:
                raise ValueError(f"Target {t}: {error}") from error
        self.strategy_weights_, self.cv_errors_, self.transfer_gain_, self.variance_ = (
            np.array([getattr(choice, name) for choice in chosen])
            for name in ("weights", "errors", "gain", "variance")
        )

    def _shares_of_experts(self):
        shares = np.full((self.n_targets_, len(self.experts_)), np.nan)
        stack = self.models_.get("frozen")
        coefficients = None if stack is None else stack.coefficients()
        if coefficients is None or not self.experts_:
            return shares
        size = np.abs(coefficients).reshape(self.n_targets_, len(self.experts_), self.n_targets_).sum(axis=2)
        return size / np.maximum(size.sum(axis=1, keepdims=True), np.finfo(float).tiny)
