"""The competition of strategies: folds, held-out predictions, choice, refit, prediction."""

import copy
import warnings
from functools import partial
from itertools import product
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._remember import remembering
from ..choice import CLEAR_GAIN, blend, choose, compare_errors
from ..folds import SPLITS_OF_USE, FoldSets, NumericView, target_folds
from ..inputs import (
    check_groups,
    check_targets,
    check_weights,
    n_rows,
    naming_missing_values,
    take,
)
from ..learners import KeepsFitted, check_regressor, default_learner, input_tags, weight_name
from ..progress import progress
from ._evidence import Evidence, held_out, may_be_left_out
from ._problem import expert_outputs
from ._ranking import ranking
from ._reason import reason
from ._routing import RoutesMetadata
from ._rows import in_the_same_form, read_inputs
from ._unlabelled import in_doubt, problems_without, warn_unlabelled
from .strategies import OnExperts, predict_model

# One split, such as published validation rows, is judged by its rows in this many parts.
PARTS_OF_ONE_FOLD = 5
ERRORS = ("mae", "mae_error", "gain", "gain_error")
MAX_SEED = np.iinfo(np.int32).max


class Competition(RoutesMetadata, KeepsFitted, RegressorMixin, BaseEstimator):
    """What HierarchicalTransfer and TransferCV share: strategies compete on the target rows.

    A subclass has the parameters below, sets ``n_targets_``, ``target_names_``, ``_single_target`` and calls
    `_compete` in ``fit``.
    """

    _kept = "sources"
    # Fitted on all target rows even without a share in the prediction.
    _always_fitted = ()

    _parameter_constraints: dict = {
        "strategy": [str, list, tuple],
        "combine": [StrOptions({"best", "blend"})],
        "predict_on": [StrOptions({"auto", *SPLITS_OF_USE})],
        "max_sources": [Interval(Integral, 1, None, closed="left")],
        "budget": [Interval(Real, 0, None, closed="neither"), None],
        "guard": ["boolean"],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def predict(self, X, return_std=False):
        """Predict the target domain.

        Parameters
        ----------
        X : like X in `fit`
        return_std : bool, default=False
            Also return a standard deviation, calibrated on the held-out errors of the target rows: it holds
            for rows like those, and grows where the blended strategies disagree.

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
                "return_std needs a fit with cross-validation: guard=True or more than one strategy, and at "
                "least one source."
            )
        X, values = self._split(read_inputs(self, X, reset=False)[0])
        used = {name: self.estimators_[name] for name in self._used()}
        F = None
        predictions = np.zeros((n_rows(X), self.n_targets_, len(self.strategies_)))
        with naming_missing_values(X), remembering():
            if any(isinstance(model, OnExperts) for model in used.values()):
                F = expert_outputs(self.experts_, X)
            for name, model in used.items():
                predictions[:, :, self.strategies_.index(name)] = predict_model(model, X, F, values)
        mean, spread = blend(predictions, self.weights_)
        if not return_std:
            return mean.ravel() if self._single_target else mean
        std = np.sqrt(self.variance_[:, 0] + self.variance_[:, 1] * spread)
        return (mean.ravel(), std.ravel()) if self._single_target else (mean, std)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; the learner decides about NaN and sparse input."""
        tags = super().__sklearn_tags__()
        inner = input_tags(self._learner())
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.target_tags.multi_output = True
        return tags

    def _learner(self):
        """Return the learner of the parameters."""
        return default_learner() if self.estimator is None else self.estimator

    def _split(self, X):
        """Return inputs to be predicted, and cheap values of the targets, None without any."""
        return X, None

    def _check_rows(self, X, y, groups, sample_weight, X_deploy):
        """Validate what `fit` takes, and set the attributes that say what it was.

        Returns
        -------
        dict
            ``X``, ``kind``, ``Y``, ``groups``, ``sample_weight``, ``X_deploy`` and ``seed`` of a Problem, for
            all rows.
        """
        for name in ("estimator", "final_estimator", "residual_estimator"):
            learner = getattr(self, name, None)
            check_regressor(learner, name)
            if sample_weight is not None and hasattr(learner, "fit"):
                weight_name(learner)
        X, kind = read_inputs(self, X, reset=True)
        Y = check_targets(y, n_rows(X))
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        self.target_names_ = list(y.columns if isinstance(y, pd.DataFrame) else range(Y.shape[1]))
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        if X_deploy is not None:
            X_deploy = in_the_same_form(read_inputs(self, X_deploy, reset=False)[0], X)
        seed = None
        if self.random_state is not None:
            seed = check_random_state(self.random_state).randint(MAX_SEED)
        return {
            "X": X,
            "kind": kind,
            "Y": Y,
            "groups": None if groups is None else check_groups(groups, len(Y)),
            "sample_weight": sample_weight,
            "X_deploy": X_deploy,
            "seed": seed,
        }

    def _used(self):
        """Names of the strategies with a share in any prediction."""
        return [name for name, share in zip(self.strategies_, self.weights_.T, strict=True) if share.any()]

    def _compete(self, problem, strategies):
        """Let strategies compete and refit those with a share in the prediction.

        Parameters
        ----------
        problem : Problem
        strategies : list of Strategy
            All that can run.
        """
        strategies = [strategy for strategy in strategies if self._prepared(strategy, problem)]
        self.experts_ = problem.predicting_sources if problem.experts is None else problem.experts
        ranked = problem.experts and not problem.unlabelled
        self.source_ranking_ = ranking(problem, self.target_names_) if ranked else None
        if problem.unlabelled:
            strategies = self._compete_unlabelled(problem, strategies)
        elif len(strategies) == 1 and not (self.guard and strategies[0].uses_source or self._is_compared):
            self._keep_only(strategies[0])
        else:
            strategies, evidence = self._hold_out(problem, strategies)
            self._choose(problem, strategies, evidence)
        self.strategy_ = [self.strategies_[j] for j in self.weights_.argmax(axis=1)]
        kept = [s for s in strategies if s.name in (*self._used(), *self._always_fitted)]
        fitted = Parallel(n_jobs=self.n_jobs)(delayed(s.fit)(problem, problem.target) for s in kept)
        self.estimators_ = {s.name: model for s, model in zip(kept, fitted, strict=True)}

    @property
    def _is_compared(self):
        """Whether held-out predictions are wanted in any case, to compare them with those of another fit."""
        return isinstance(self.cv, FoldSets)

    def _prepared(self, strategy, problem):
        """Prepare a strategy; return whether it can compete."""
        try:
            strategy.prepare(problem)
        except Exception as error:
            if not (self._optional(strategy) and may_be_left_out(error, problem)):
                raise
            self._leave_out(strategy, f"{type(error).__name__}: {error}")
        why = None
        if self.strategy == "auto" and strategy.name not in self.skipped_:
            why = strategy.needless(problem)
        if why is not None:
            self.skipped_[strategy.name] = why
        return strategy.name not in self.skipped_

    def _compete_unlabelled(self, problem, strategies):
        """Let strategies compete on sources that are left out, and return those that could run."""
        n_sources = len(problem.source_rows)
        warn_unlabelled(len(problem.target), n_sources)
        why = "no target row has a label, and sources were left out in turn"
        if len(strategies) == 1 or n_sources < 2:
            kept = in_doubt(strategies)
            self._keep_only(kept)
            self.reason_ = f"{kept.name}: no target row has a label, so nothing was compared."
            return [kept]
        left = problems_without(problem)
        for strategy, (part, _) in product(strategies, left):
            strategy.prepare(part)
        jobs = [(s, part, part.target, rows, self._optional(s)) for part, rows in left for s in strategies]
        outcomes = Parallel(n_jobs=self.n_jobs)(delayed(held_out)(*job) for job in jobs)
        self._note_failures(jobs, outcomes)
        kept = [s for s in strategies if s.name not in self.skipped_]
        if not kept:
            raise ValueError(f"No strategy could be fitted without labels of the target: {self.skipped_}.")
        found = {(job[0].name, id(job[1])): outcome for job, outcome in zip(jobs, outcomes, strict=True)}
        P = [np.stack([found[s.name, id(part)].predicted for s in kept], -1) for part, _ in left]
        fold = np.repeat(np.arange(n_sources), [len(rows) for _, rows in left])
        Y = problem.Y[np.concatenate([rows for _, rows in left])]
        seconds = np.mean([[found[s.name, id(part)].seconds for s in kept] for part, _ in left], axis=0)
        self.predict_on_ = None
        self._choose(problem, kept, Evidence([(np.concatenate(P), Y, fold)], seconds, False))
        self.reason_ = "\n".join(f"{line} ({why})" for line in self.reason_.split("\n"))
        return kept

    def _keep_only(self, strategy):
        """Use a strategy that has no rival, unjudged."""
        self.strategies_, self.weights_ = [strategy.name], np.ones((self.n_targets_, 1))
        self.predict_on_, self.variance_ = None, None
        self.transfer_gain_ = np.full(self.n_targets_, np.nan)
        self.transfer_gain_interval_ = np.full((self.n_targets_, 2), np.nan)
        self.cv_results_ = {"target": list(self.target_names_), "strategy": [strategy.name] * self.n_targets_}
        self.reason_ = f"{strategy.name}: there was no other strategy, so nothing was compared."

    def _hold_out(self, problem, strategies):
        """Predict held-out target rows.

        Returns
        -------
        strategies : list of Strategy
            Those that could run.
        evidence : Evidence
        """
        self.predict_on_, sets = self._folds(problem)
        strategies = self._within_budget(problem, strategies, sum(map(len, sets)))
        jobs = [(s, train, held) for folds in sets for train, held in folds for s in strategies]
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        found = parallel(
            delayed(held_out)(s, problem, problem.target[train], problem.target[held], self._optional(s))
            for s, train, held in jobs
        )
        outcomes = []
        with progress(len(jobs), self.verbose) as advance:
            for (strategy, *_), outcome in zip(jobs, found, strict=True):
                outcomes.append(outcome)
                advance(strategy.name)
        self._note_failures(jobs, outcomes)
        kept = [s for s in strategies if s.name not in self.skipped_]
        outcomes = iter(o for (s, *_), o in zip(jobs, outcomes, strict=True) if s.name not in self.skipped_)
        seconds, evidence, shares = [], [], []
        labelled = ~np.isnan(problem.Y[problem.target]).all(axis=1)
        for folds in sets:
            of_fold = [[next(outcomes) for _ in kept] for _ in folds]
            seconds += [[outcome.seconds for outcome in fold] for fold in of_fold]
            P = np.concatenate([np.stack([outcome.predicted for outcome in fold], -1) for fold in of_fold])
            rows = problem.target[np.concatenate([held for _, held in folds])]
            fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
            if len(sets) == len(folds) == 1:
                fold = np.random.default_rng(problem.seed).permutation(len(fold)) % PARTS_OF_ONE_FOLD
            evidence.append((P, problem.Y[rows], fold))
            share = [labelled[train].sum() / labelled.sum() for train, _ in folds]
            shares.append(np.repeat(share, [len(held) for _, held in folds]))
        parts = len(sets) == len(sets[0]) == 1
        return kept, Evidence(evidence, np.mean(seconds, axis=0), parts, shares)

    def _folds(self, problem):
        """Return which use the folds imitate, and sets of folds over the target rows.

        Where the use is unknown, folds of similar rows and of new inputs count alike: the former alone would
        choose what fails outside, the latter what only memory of the sources is good for.
        """
        if isinstance(self.cv, FoldSets):
            return self.cv.use, self.cv.sets
        Y = problem.Y[problem.target]
        labelled = ~np.isnan(Y).all(axis=1)
        if isinstance(self.cv, Integral) and not labelled.all():
            return self._folds_of_labelled(problem, labelled)
        X = take(problem.X, problem.target)
        numbers = None
        if isinstance(self.cv, Integral) and self.predict_on in ("auto", "new_inputs"):
            numbers = NumericView(problem.learner, partial(expert_outputs, problem.experts or [])).fit(X, Y)

        def folds(use, seed):
            return target_folds(
                X,
                Y,
                problem.domain,
                self.cv,
                use,
                numbers,
                problem.X_deploy,
                seed,
                groups=problem.groups,
                equal=problem.equal,
            )

        use, sets = folds(self.predict_on, problem.seed)
        again = None if problem.seed is None else problem.seed // 2
        if use == "similar":
            sets = sets + folds("similar", again)[1]
        elif use == "new_inputs" and self.predict_on == "auto" and problem.X_deploy is None:
            use, sets = "similar or new_inputs", folds("similar", again)[1] + sets
        return use, sets

    def _folds_of_labelled(self, problem, labelled):
        """Folds over the target rows that have a label; all others are at hand in each fold."""
        known, others = np.flatnonzero(labelled), np.flatnonzero(~labelled)
        part = copy.copy(problem)
        part.target = problem.target[known]
        for name in ("domain", "groups", "equal"):
            value = getattr(problem, name)
            setattr(part, name, None if value is None else value[known])
        use, sets = self._folds(part)
        sets = [
            [(np.sort(np.concatenate([known[train], others])), known[held]) for train, held in folds]
            for folds in sets
        ]
        return use, sets

    def _within_budget(self, problem, strategies, n_folds):
        """Leave out the strategies that cost most until the budget suffices."""
        if self.budget is None:
            return strategies
        work = {s.name: s.work(problem) * n_folds for s in strategies}
        may_go = [s for s in strategies if self._optional(s) and work[s.name]]
        may_go.sort(key=lambda s: work[s.name])
        kept = list(strategies)
        while may_go and sum(work[s.name] for s in kept) > self.budget:
            most = may_go.pop()
            kept.remove(most)
            self.skipped_[most.name] = (
                f"it would cost about {work[most.name]:.0f} fits on the target rows, which the budget of "
                f"{self.budget:g} for all strategies does not allow"
            )
        total = sum(work[s.name] for s in kept)
        if total > self.budget:
            warnings.warn(
                f"The budget of {self.budget:g} fits on the target rows does not suffice: {n_folds} folds of "
                f"{', '.join(s.name for s in kept)} cost about {total:.0f}. Raise budget, or lower cv.",
                stacklevel=5,
            )
        return kept

    def _optional(self, strategy):
        """Whether a strategy that fails is left out, and no error."""
        return strategy.uses_source and self.strategy == "auto" and strategy.may_fail

    def _note_failures(self, jobs, outcomes):
        """Warn of strategies that failed, and keep the reason."""
        for (strategy, *_), outcome in zip(jobs, outcomes, strict=True):
            if outcome.error and strategy.name not in self.skipped_:
                self._leave_out(strategy, outcome.error)

    def _leave_out(self, strategy, why):
        """Keep the reason why a strategy failed, and warn of it."""
        self.skipped_[strategy.name] = f"it failed: {why}"
        warnings.warn(f"The strategy {strategy.name} was left out, as it failed: {why}", stacklevel=5)

    def _choose(self, problem, strategies, evidence):
        """Weigh the strategies for each target."""
        names = [s.name for s in strategies]
        uses_source = np.array([s.uses_source for s in strategies])
        alone = np.flatnonzero(~uses_source)
        rule = names.index(self.strategy) if self.strategy in names else self.combine
        choices, reasons, rows, held_out = [], [], [], []
        for t, target in enumerate(self.target_names_):
            sets = evidence.of_target(t, target)
            mae = np.concatenate([np.abs(P - y[:, None]) for P, y, _ in sets]).mean(axis=0)
            candidates = alone if len(alone) else np.arange(len(names))
            first = candidates[mae[candidates].argmin()]
            guard = CLEAR_GAIN if self.guard and len(alone) else None
            choice = choose(sets, rule, baseline=first, guard=guard, training=evidence.training_of(t))
            choices.append(choice)
            held_out.append([(of, y, fold) for of, (_, y, fold) in zip(choice.held_out, sets, strict=True)])
            here = [
                {"target": target, "strategy": name, "transfer": bool(uses_source[j])}
                | dict.fromkeys(ERRORS)
                | {"weight": choice.weights[j], "fit_time": evidence.seconds[j]}
                | errors
                for j, (name, errors) in enumerate(zip(names, compare_errors(sets, first), strict=True))
            ]
            rows += here
            n_rows = int((~np.isnan(problem.Y[problem.target, t])).sum())
            sentence = reason(here, first, evidence.in_words(sets), choice.gain, n_rows)
            reasons.append(sentence if self.n_targets_ == 1 else f"{target}: {sentence}")
        if self._is_compared:
            self._held_out = held_out
        self.strategies_ = names
        self.weights_ = np.array([choice.weights for choice in choices])
        self.variance_ = np.array([choice.variance for choice in choices])
        self.transfer_gain_ = np.array([choice.gain if len(alone) else np.nan for choice in choices])
        self.transfer_gain_interval_ = np.array(
            [choice.gain_interval if len(alone) else [np.nan, np.nan] for choice in choices]
        )
        self.reason_ = "\n".join(reasons)
        self.cv_results_ = pd.DataFrame(rows).to_dict("list")
