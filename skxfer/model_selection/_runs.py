"""The runs of a study: who is trained on which rows, none of it twice, and the table that comes of it."""

from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone

from ..domains import split_domains
from ..inputs import check_inputs, check_sample_domain, check_targets, n_rows, name_targets, take
from ..learners import fit_learner, predict_learner
from . import _split
from ._alternatives import Alternatives, fit_alternatives, settle
from ._fits import FinishedFits, digest, from_text, identity, to_text
from ._jobs import Job, run_jobs
from ._run_tables import predictions_table, results_table


def check_seeds(seeds):
    """Return the seeds as a list."""
    seeds = list(range(seeds)) if isinstance(seeds, Integral) else [int(seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be a number of runs above 0 or different integers, got {seeds}.")
    return seeds


@dataclass
class Test:
    """Rows that are predicted, and which run they belong to."""

    __test__ = False  # not for pytest
    seed: int
    fold: int
    domain: object
    rows: np.ndarray
    n_target: int | None = None

    @property
    def key(self):
        """What identifies the test within a learner and setting."""
        return self.domain, self.fold, self.seed, self.n_target

    def with_size(self, n_target):
        """Return the same test, after training on this number of target rows."""
        return replace(self, n_target=n_target)


@dataclass
class Problem:
    """A table, and the part that each row plays."""

    X: object  # n_samples rows of any kind
    Y: np.ndarray  # (n_samples, n_targets), NaN where a label is missing
    labels: np.ndarray  # (n_samples,)
    sources: dict  # domain -> rows
    target: np.ndarray  # rows of target domains, test rows included
    test_domains: list | None
    target_names: list

    @classmethod
    def check(cls, X, y, sample_domain, source_domains, test_domains, target_names):
        """Validate the arguments that all studies share."""
        X = check_inputs(BaseEstimator(), X, reset=True, allow_nan=True)
        Y = check_targets(y, n_rows(X))
        target_names = name_targets(y, Y.shape[1], target_names)
        labels = check_sample_domain(sample_domain, len(Y))
        if source_domains is None or not len(source_domains):
            raise ValueError("source_domains is empty: name the domains to transfer from.")
        sources, target = split_domains(labels, source_domains)
        if test_domains is not None:
            test_domains = [test_domains] if isinstance(test_domains, str) else list(test_domains)
            present = list(np.unique(labels[target]))
            for name in test_domains:
                if name in sources:
                    raise ValueError(f"Test domain {name!r} is a source too: it must be in no training set.")
                if name not in present:
                    raise ValueError(f"No row has the test domain {name!r}; target domains are {present}.")
            if not test_domains:
                test_domains = None
            elif np.isin(labels[target], test_domains).all():
                raise ValueError(
                    f"No target row is left for training: every target domain is tested ({present}). "
                    "Leave test_domains out to cross-validate over the target rows."
                )
        return cls(X, Y, labels, sources, target, test_domains, target_names)

    def digest(self):
        """Return what tells this table and its roles from any other."""
        roles = [
            str(name) for name in (*self.sources, None, *(self.test_domains or ()), None, *self.target_names)
        ]
        return digest(self.X, self.Y, self.labels.astype(str).tolist(), roles)

    def with_sources(self, rows, most=None):
        """Return these rows and those of all sources, or `most` of these."""
        return np.sort(np.concatenate([*self.source_rows(most).values(), rows]))

    def source_rows(self, most=None):
        """Return the rows of each source, drawn at random if there are more than `most` of all sources.

        Small sources are kept whole: only what exceeds the same limit for each is left out.
        """
        if most is None or sum(map(len, self.sources.values())) <= most:
            return self.sources
        left, limit = most, {}
        for n, name in enumerate(sorted(self.sources, key=lambda name: len(self.sources[name]))):
            limit[name] = min(len(self.sources[name]), max(1, left // (len(self.sources) - n)))
            left -= limit[name]
        rng = np.random.default_rng(0)
        return {name: np.sort(rng.permutation(rows)[: limit[name]]) for name, rows in self.sources.items()}

    def folds(self, cv, seeds):
        """Return (Test, target rows to train on) for all runs, and which use the folds stand for."""
        if self.test_domains is not None:
            if cv is not None:
                raise ValueError("Pass either test_domains or cv, not both.")
            train = self.target[~np.isin(self.labels[self.target], self.test_domains)]
            tests = [
                Test(seed, 0, name, np.flatnonzero(self.labels == name))
                for seed in seeds
                for name in self.test_domains
            ]
            return [(test, train) for test in tests], "auto"
        several = len(np.unique(self.labels[self.target])) > 1
        if cv is None and several:
            cv = _split.LeaveOneTargetDomainOut(source_domains=list(self.sources))
        n_splits = min(5, len(self.target)) if cv is None else cv
        if isinstance(n_splits, Integral):
            if len(self.target) < max(2, n_splits):
                raise ValueError(
                    f"{n_splits} folds need as many target rows, there are {len(self.target)}. "
                    "Name test_domains, or give more target rows."
                )
            split = {
                seed: self._split(
                    _split.TargetKFold(n_splits, source_domains=list(self.sources), random_state=seed)
                )
                for seed in seeds
            }
            use = "similar"
        else:
            split = dict.fromkeys(seeds, self._split(cv))
            use = self._use(cv)
        return [
            (Test(seed, fold, name, test[self.labels[test] == name]), train)
            for seed in seeds
            for fold, (train, test) in enumerate(split[seed])
            for name in np.unique(self.labels[test])
        ], use

    def _split(self, cv):
        folds = []
        splits = cv.split(self.X, self.Y, groups=self.labels) if hasattr(cv, "split") else cv
        for train, test in splits:
            train, test = np.asarray(train), np.asarray(test)
            if not np.isin(test, self.target).all() or np.isin(test, train).any():
                raise ValueError(
                    "cv must test target rows only, and none that it trains on: use TargetKFold, "
                    "LeaveOneTargetDomainOut or LeaveTargetClusterOut with source_domains set."
                )
            folds.append((np.intersect1d(train, self.target), test))
        return folds

    def _use(self, cv):
        if isinstance(cv, (_split.TargetKFold, _split.RepeatedTargetKFold)):
            return "similar"
        if isinstance(cv, (_split.LeaveTargetClusterOut, _split.RepeatedLeaveTargetClusterOut)):
            return "new_inputs"
        # The guard leaves domains out as well, of those that are left when one is tested.
        enough = len(np.unique(self.labels[self.target])) > 2
        return "new_domains" if isinstance(cv, _split.LeaveOneTargetDomainOut) and enough else "auto"


@dataclass
class Run(Job):
    """One fit of a study, and all that it predicts."""

    train: np.ndarray
    seed: int | None
    alternatives: dict = field(default_factory=dict)  # the same learner with other inputs
    tests: list = field(default_factory=list)

    @cached_property
    def identity(self):
        """What the outcome is known by on disk."""
        rows = [test.rows for test in self.tests]
        models = self.alternatives or self.model
        return identity(self.learner, self.setting, models, self.train, self.seed, rows)

    def record(self, found):
        """Write what it brings back in types that JSON has."""
        arrays = {name: [to_text(values) for values in getattr(found, name)] for name in ARRAYS}
        candidates = {name: list(map(to_text, values)) for name, values in found.candidates.items()}
        errors = {name: to_text(values) for name, values in found.errors.items()}  # JSON has no infinity
        return vars(found) | arrays | {"candidates": candidates, "errors": errors}

    def restore(self, record):
        """Read what `record` wrote."""
        arrays = {name: [from_text(values) for values in record[name]] for name in ARRAYS}
        candidates = {name: list(map(from_text, values)) for name, values in record["candidates"].items()}
        errors = {name: from_text(values).tolist() for name, values in record["errors"].items()}
        return Found(**record | arrays | {"candidates": candidates, "errors": errors})

    def fit(self, problem):
        if len(self.alternatives) > 1:
            known = np.unique(problem.labels[np.intersect1d(self.train, problem.target)])
            new = not any(test.domain in known for test in self.tests)
            return fit_alternatives(self.alternatives, problem, self.train, self.seed, new)
        X, Y = take(problem.X, self.train), problem.Y[self.train]
        if self.setting.partition(": ")[0] == "auto":
            return clone(self.model).fit(X, Y, sample_domain=problem.labels[self.train])
        return fit_learner(self.model, X, Y, seed=self.seed)

    def use(self, model, problem):
        options = {"n_targets": problem.Y.shape[1], "finite": False}  # each target is judged by itself
        inputs = [take(problem.X, test.rows) for test in self.tests]
        if isinstance(model, Alternatives):
            candidates = {
                name: [predict_learner(fitted, X, **options) for X in inputs]
                for name, fitted in model.models.items()
            }
            errors = {name: list(map(float, error)) for name, error in model.errors.items()}
            nothing = [np.empty((0, problem.Y.shape[1])) for _ in inputs]
            return Found(nothing, nothing, candidates=candidates, errors=errors)
        return Found(
            [predict_learner(model, X, **options) for X in inputs],
            [np.reshape(_std(model, X), (-1, problem.Y.shape[1])) for X in inputs],
            [str(name) for name in getattr(model, "strategy_", [])],
            np.atleast_1d(getattr(model, "transfer_gain_", [])).tolist(),
        )


def _std(model, X):
    """Return the standard deviations of a transfer model, none if it has no calibrated ones."""
    if getattr(model, "variance_", None) is None or not hasattr(model, "strategy_"):
        return []
    return model.predict(X, return_std=True)[1]


ARRAYS = ("predictions", "std")


@dataclass
class Found:
    """What a run brings back."""

    predictions: list  # one (n_rows, n_targets) per test
    std: list  # the same, or (0, n_targets) where there is none
    strategy: list = field(default_factory=list)
    transfer_gain: list = field(default_factory=list)
    inputs: list = field(default_factory=list)  # the inputs that were chosen for each target
    candidates: dict = field(default_factory=dict)  # kind of inputs -> predictions, before one is chosen
    errors: dict = field(default_factory=dict)  # kind of inputs -> held-out error of each target


class Plan:
    """The fits of a study, none of them twice."""

    def __init__(self, problem):
        self.problem = problem
        self.jobs = {}

    def add(self, learner, setting, model, train, test, *, random=None):
        """Ask for the predictions of a test by a model, or the best of several, trained on some rows."""
        models = model if isinstance(model, dict) else {"": model}
        random = any(map(_is_random, models.values())) if random is None else random
        seed = test.seed if random else None
        key = learner, setting, seed, train.tobytes()
        if key not in self.jobs:
            alternatives = models if len(models) > 1 else {}
            self.jobs[key] = Run(learner, setting, list(models.values())[-1], train, seed, alternatives)
        self.jobs[key].tests.append(test)

    def run(
        self, learners, settings, columns, *, path=None, resume=True, return_predictions=False, **options
    ):
        """Run all jobs and return the rows, in an order that does not depend on theirs."""
        jobs = list(self.jobs.values())
        with nullcontext() if path is None else closing(FinishedFits(path, self.problem, resume)) as fits:
            outcomes, interrupted = run_jobs(jobs, self.problem, fits=fits, **options)
        finished = [(jobs[i], outcomes[i]) for i in sorted(outcomes)]
        _settle_inputs(finished, self.problem.Y)
        rank = {
            "learner": learners,
            "setting": settings,
            "target": self.problem.target_names,
            "test_domain": list(dict.fromkeys(t.domain for job in jobs for t in job.tests)),
        }
        table = results_table(finished, self.problem, rank, columns)
        table.attrs = {
            "interrupted": interrupted,
            "source_domains": [str(name) for name in self.problem.sources],
            "test_domains": [str(name) for name in self.problem.test_domains or ()],
        }
        return (table, predictions_table(finished, self.problem)) if return_predictions else table


def _settle_inputs(finished, Y):
    """Choose the inputs of learners that have several, for all runs with as many target rows alike."""
    alike = {}
    for job, outcome in finished:
        if not outcome.error and outcome.value.candidates:
            key = job.learner, job.setting, job.tests[0].n_target
            truth = [Y[test.rows] for test in job.tests]
            alike.setdefault(key, []).append((outcome.value, truth))
    for pairs in alike.values():
        settle(*map(list, zip(*pairs, strict=True)))


def _is_random(model):
    """Whether two fits on the same rows can differ: unknown learners are taken to be random."""
    params = model.get_params()
    if any(name.rpartition("__")[2] == "random_state" for name in params):
        return True
    parts = [model, *(value for value in params.values() if hasattr(value, "fit"))]
    return not all(type(part).__module__.partition(".")[0] in ("sklearn", "skxfer") for part in parts)
