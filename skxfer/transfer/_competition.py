"""The competition of strategies: folds, held-out predictions, choice, refit, prediction."""

import time
import warnings
from dataclasses import dataclass
from functools import partial
from itertools import product
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ..choice import CLEAR_GAIN, blend, choose, gain_and_error
from ..folds import SPLITS_OF_USE, NumericView, target_folds
from ..inputs import check_groups, check_inputs, check_targets, check_weights, n_rows, take
from ..learners import KeepsFitted, input_tags
from ..progress import progress
from ._problem import expert_outputs
from ._reason import reason
from ._unlabelled import in_doubt, problems_without, warn_unlabelled
from .strategies import STRATEGIES, OnExperts, predict_model

# One split, such as published validation rows, is judged by its rows in this many parts.
PARTS_OF_ONE_FOLD = 5
MAX_SEED = np.iinfo(np.int32).max


class Competition(KeepsFitted, RegressorMixin, BaseEstimator):
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
        X, values = self._split(check_inputs(self, X, reset=False, allow_nan=True))
        used = {name: self.estimators_[name] for name in self._used()}
        F = None
        if any(isinstance(model, OnExperts) for model in used.values()):
            F = expert_outputs(self.experts_, X)
        predictions = np.zeros((n_rows(X), self.n_targets_, len(self.strategies_)))
        for name, model in used.items():
            predictions[:, :, self.strategies_.index(name)] = predict_model(model, X, F, values)
        mean, spread = blend(predictions, self.weights_)
        if not return_std:
            return mean.ravel() if self._single_target else mean
        std = np.sqrt(self.variance_[:, 0] + self.variance_[:, 1] * spread)
        return (mean.ravel(), std.ravel()) if self._single_target else (mean, std)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; NaN and sparse input if the learner takes them."""
        tags = super().__sklearn_tags__()
        inner = input_tags(self._learner())
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.target_tags.multi_output = True
        return tags

    def _learner(self):
        """Return the learner of the parameters."""
        if self.estimator is not None:
            return self.estimator
        from sklearn.ensemble import ExtraTreesRegressor

        return ExtraTreesRegressor()

    def _split(self, X):
        """Return inputs to be predicted, and cheap values of the targets, None without any."""
        return X, None

    def _check_rows(self, X, y, groups, sample_weight, X_deploy):
        """Validate what `fit` takes, and set the attributes that say what it was.

        Returns
        -------
        dict
            ``X``, ``Y``, ``groups``, ``sample_weight``, ``X_deploy`` and ``seed`` of a Problem, for all rows.
        """
        X = check_inputs(self, X, reset=True, allow_nan=True)
        Y = check_targets(y, n_rows(X))
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        self.target_names_ = list(y.columns if isinstance(y, pd.DataFrame) else range(Y.shape[1]))
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        if X_deploy is not None:
            X_deploy = check_inputs(self, X_deploy, reset=False, allow_nan=True)
        seed = None
        if self.random_state is not None:
            seed = check_random_state(self.random_state).randint(MAX_SEED)
        return {
            "X": X,
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
        for strategy in strategies:
            strategy.prepare(problem)
        self.experts_ = problem.experts or []
        if problem.unlabelled:
            strategies = self._compete_unlabelled(problem, strategies)
        elif len(strategies) == 1 and not (self.guard and strategies[0].uses_source):
            self._keep_only(strategies[0])
        else:
            strategies, evidence = self._hold_out(problem, strategies)
            self._choose(problem, strategies, evidence)
        self.strategy_ = [self.strategies_[j] for j in self.weights_.argmax(axis=1)]
        kept = [s for s in strategies if s.name in (*self._used(), *self._always_fitted)]
        fitted = Parallel(n_jobs=self.n_jobs)(delayed(s.fit)(problem, problem.target) for s in kept)
        self.estimators_ = {s.name: model for s, model in zip(kept, fitted, strict=True)}

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
        outcomes = Parallel(n_jobs=self.n_jobs)(delayed(_held_out)(*job) for job in jobs)
        self._note_failures(jobs, outcomes)
        kept = [s for s in strategies if s.name not in self.skipped_]
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
        jobs = [(s, train, held) for folds in sets for train, held in folds for s in strategies]
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        found = parallel(
            delayed(_held_out)(s, problem, problem.target[train], problem.target[held], self._optional(s))
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
        seconds, evidence = [], []
        for folds in sets:
            of_fold = [[next(outcomes) for _ in kept] for _ in folds]
            seconds += [[outcome.seconds for outcome in fold] for fold in of_fold]
            P = np.concatenate([np.stack([outcome.predicted for outcome in fold], -1) for fold in of_fold])
            rows = problem.target[np.concatenate([held for _, held in folds])]
            fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
            if len(sets) == len(folds) == 1:
                fold = np.random.default_rng(problem.seed).permutation(len(fold)) % PARTS_OF_ONE_FOLD
            evidence.append((P, problem.Y[rows], fold))
        parts = len(sets) == len(sets[0]) == 1
        return kept, Evidence(evidence, np.mean(seconds, axis=0), parts)

    def _folds(self, problem):
        """Return which use the folds imitate, and sets of folds over the target rows."""
        X, Y = take(problem.X, problem.target), problem.Y[problem.target]
        numbers = None
        if isinstance(self.cv, Integral) and self.predict_on in ("auto", "new_inputs"):
            numbers = NumericView(problem.learner, partial(expert_outputs, problem.experts or [])).fit(X, Y)
        return target_folds(
            X,
            Y,
            problem.domain,
            self.cv,
            self.predict_on,
            numbers,
            problem.X_deploy,
            problem.seed,
            groups=problem.groups,
            equal=problem.equal,
        )

    def _optional(self, strategy):
        """Whether a strategy that fails is left out, and no error."""
        return strategy.uses_source and self.strategy == "auto" and strategy.is_default

    def _note_failures(self, jobs, outcomes):
        """Warn of strategies that failed, and keep the reason."""
        for (strategy, *_), outcome in zip(jobs, outcomes, strict=True):
            if outcome.error and strategy.name not in self.skipped_:
                self.skipped_[strategy.name] = outcome.error
                warnings.warn(
                    f"The strategy {strategy.name} was left out, as it failed: {outcome.error}", stacklevel=4
                )

    def _choose(self, problem, strategies, evidence):
        """Weigh the strategies for each target."""
        names = [s.name for s in strategies]
        uses_source = np.array([s.uses_source for s in strategies])
        alone = np.flatnonzero(~uses_source)
        rule = names.index(self.strategy) if self.strategy in names else self.combine
        choices, reasons, rows = [], [], []
        for t, target in enumerate(self.target_names_):
            sets = evidence.of_target(t, target)
            errors = [np.abs(P - y[:, None]) for P, y, _ in sets]
            mae = np.concatenate(errors).mean(axis=0)
            candidates = alone if len(alone) else np.arange(len(names))
            first = candidates[mae[candidates].argmin()]
            guard = CLEAR_GAIN if self.guard and len(alone) else None
            choice = choose(sets, rule, baseline=first, guard=guard)
            choices.append(choice)
            here = [
                {"target": target, "strategy": name, "transfer": bool(uses_source[j])}
                | _errors_of(j, first, errors, [fold for *_, fold in sets])
                | {"weight": choice.weights[j], "fit_time": evidence.seconds[j]}
                | _errors_by_fold(j, errors, [fold for *_, fold in sets])
                for j, name in enumerate(names)
            ]
            rows += here
            sentence = reason(here, first, evidence.in_words(sets), choice.gain)
            reasons.append(sentence if self.n_targets_ == 1 else f"{target}: {sentence}")
        self.strategies_ = names
        self.weights_ = np.array([choice.weights for choice in choices])
        self.variance_ = np.array([choice.variance for choice in choices])
        self.transfer_gain_ = np.array([choice.gain if len(alone) else np.nan for choice in choices])
        self.reason_ = "\n".join(reasons)
        self.cv_results_ = pd.DataFrame(rows).to_dict("list")


@dataclass
class Evidence:
    """Held-out predictions of the target rows.

    Parameters
    ----------
    sets : list of (P, Y, fold)
        For each set of folds: predictions of shape (n_rows, n_targets, n_strategies), labels of shape
        (n_rows, n_targets), the fold of each row.
    seconds : ndarray of shape (n_strategies,)
        Mean time of a fit.
    parts : bool
        Whether what is numbered are parts of the rows of a single fold.
    """

    sets: list
    seconds: np.ndarray
    parts: bool

    def of_target(self, t, name):
        """Return (P, y, fold) of the labelled rows for one target, for each set of folds."""
        known = [~np.isnan(Y[:, t]) for _, Y, _ in self.sets]
        if not all(rows.any() for rows in known):
            raise ValueError(f"No row that cv holds out has a label of target {name!r}.")
        return [
            (P[rows, t], Y[rows, t], fold[rows]) for (P, Y, fold), rows in zip(self.sets, known, strict=True)
        ]

    def in_words(self, sets):
        """Say over what the errors are means."""
        n_folds = sum(len(np.unique(fold)) for *_, fold in sets)
        return f"one fold in {n_folds} parts" if self.parts else f"{n_folds} folds"


@dataclass
class Outcome:
    """What one fit brings back."""

    predicted: np.ndarray | None = None
    seconds: float = np.nan
    error: str = ""


def _held_out(strategy, problem, train, held, optional):
    """Fit a strategy on some target rows and predict others."""
    start = time.perf_counter()
    try:
        model = strategy.fit(problem, train)
        seconds = time.perf_counter() - start
        predicted = strategy.predict_rows(model, problem, held)
        if predicted.shape != (len(held), problem.n_targets):
            raise ValueError(f"It predicts {predicted.shape[1]} target(s), y has {problem.n_targets}.")
        return Outcome(predicted, seconds)
    except Exception as error:
        if optional:
            return Outcome(error=f"{type(error).__name__}: {error}")
        error.add_note(f"This was raised while the strategy {strategy.name!r} was cross-validated.")
        raise


def _errors_of(j, first, errors, folds):
    """Error and gain of a strategy, with standard errors over folds; means over the sets of folds."""
    of_error = [
        gain_and_error(e[:, j], np.zeros(len(e)), fold) for e, fold in zip(errors, folds, strict=True)
    ]
    of_gain = [gain_and_error(e[:, first], e[:, j], fold) for e, fold in zip(errors, folds, strict=True)]
    return dict(
        zip(
            ("mae", "mae_error", "gain", "gain_error"),
            (*np.mean(of_error, 0), *np.mean(of_gain, 0)),
            strict=True,
        )
    )


def _errors_by_fold(j, errors, folds):
    means = [e[fold == k, j].mean() for e, fold in zip(errors, folds, strict=True) for k in np.unique(fold)]
    return {f"fold{k}_mae": mean for k, mean in enumerate(means)}


def check_strategies(given, problem, skipped, guard):
    """Make the strategies that are asked for.

    Parameters
    ----------
    given : str or list of str
        ``"auto"``: all that can run.
    problem : Problem
    skipped : dict of str to str
        Gets the reason for each that cannot run.
    guard : bool
        Whether ``"target_only"`` competes in any case.

    Returns
    -------
    list of Strategy

    Raises
    ------
    ValueError
        An unknown name, or a strategy that was named and cannot run.
    """
    wanted = list(STRATEGIES) if given == "auto" else [given] if isinstance(given, str) else list(given)
    unknown = [name for name in wanted if str(name).partition(":")[0] not in STRATEGIES]
    if unknown or not wanted:
        raise ValueError(f"strategy must be 'auto' or one or more of {', '.join(STRATEGIES)}, got {given!r}.")
    if guard and "target_only" not in wanted and not problem.unlabelled:
        wanted.insert(0, "target_only")
    found = []
    for name in wanted:
        kind = str(name).partition(":")[0]
        forms = STRATEGIES[kind].for_problem(problem)
        named = [s for s in forms if s.name == name] if name != kind and len(forms) > 1 else forms
        if not named:
            raise ValueError(f"There is no strategy {name!r}, only {[s.name for s in forms]}.")
        for strategy in named:
            why = strategy.missing(problem)
            if why is None and problem.unlabelled and strategy.needs_labels:
                why = "it needs labels of target rows, and there are none"
            if why is None and given == "auto":
                why = strategy.needless(problem)
            if why is None:
                found.append(strategy)
            elif given == "auto":
                skipped[strategy.name] = why
            else:
                raise ValueError(f"The strategy {name!r} cannot run: {why}.")
    return found
