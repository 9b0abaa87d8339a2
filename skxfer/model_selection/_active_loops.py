"""The simulated loops of an active curve: rows chosen by ActiveTransfer or at random, with hidden labels."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from ..acquisition import distance_to_goal
from ..inputs import take
from ..learners import fit_learner, predict_learner
from ..transfer import NothingLeftError
from ._jobs import Job


@dataclass
class Data:
    """A table, and which rows are whose."""

    X: object
    Y: np.ndarray  # (n_samples, n_targets)
    labels: np.ndarray | None  # domain of each row
    sources: list  # domains
    target: np.ndarray  # labelled target rows
    column: int
    name: str


@dataclass
class Draw:
    """Target rows in the parts they play in all loops of a seed."""

    pool: np.ndarray  # start rows first
    test: np.ndarray
    n_start: int

    @classmethod
    def of(cls, data, seed, n_start, test_size):
        order = check_random_state(seed).permutation(data.target)
        n_test = round(test_size * len(order))
        return cls(order[n_test:], order[:n_test], n_start)


@dataclass
class Loop(Job):
    """A whole loop with one seed; its outcome are the rows of the table."""

    seed: int
    draw: Draw
    n_rounds: int
    top: float
    at_random: bool
    alone: bool

    def fit(self, data):
        pool, records = self.draw.pool, []
        labels = data.Y[pool, data.column]
        best_ones = _best_ones(labels, self.model.goal, self.top)
        known = np.arange(len(pool)) < self.draw.n_start
        chooser = (_AtRandom if self.at_random else _Active)(self, data)
        chosen = np.flatnonzero(known)
        for n_round in range(self.n_rounds + 1):
            start = time.perf_counter()
            model = chooser.learn(pool[chosen])
            left = np.flatnonzero(~known)
            chosen, seen = chooser.choose(pool, left, min(self.model.n_per_round, len(left)))
            record = {"round": n_round, "n_labelled": int(known.sum())}
            record |= _standing(labels, known, best_ones, self.model.goal) | seen
            record |= {"mae": self._error(model, data), "fit_seconds": time.perf_counter() - start}
            records.append(record)
            if not len(chosen):
                break
            known[chosen] = True
        return records

    def rows_of(self, data, rows):
        """Return (X, y, more arguments of ``fit``) of some rows."""
        Y = data.Y[rows]
        domain = {} if self.alone or data.labels is None else {"sample_domain": data.labels[rows]}
        return take(data.X, rows), Y.ravel() if Y.shape[1] == 1 else Y, domain

    def with_sources(self, data, rows):
        """Return the rows, and those of all sources unless the learner is on its own."""
        if self.alone or not data.sources:
            return rows
        return np.concatenate([np.flatnonzero(np.isin(data.labels, data.sources)), rows])

    def use(self, records, data):
        return records

    def _error(self, model, data):
        if model is None or not len(self.draw.test):
            return np.nan
        predicted = predict_learner(model, take(data.X, self.draw.test))[:, data.column]
        return float(np.abs(predicted - data.Y[self.draw.test, data.column]).mean())


class _Active:
    """Chooses as ActiveTransfer suggests."""

    def __init__(self, loop, data):
        self.loop, self.data = loop, data
        self.model = None

    def learn(self, rows):
        if self.model is None:
            X, y, domain = self.loop.rows_of(self.data, self.loop.with_sources(self.data, rows))
            self.model = clone(self.loop.model).fit(X, y, **domain)
        else:
            X, y, domain = self.loop.rows_of(self.data, rows)
            self.model.tell(X, y, **domain)
        return self.model

    def choose(self, pool, left, n):
        chosen, stop = left[:0], None
        if n:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*different candidates have no label yet")
                try:
                    chosen = left[self.model.suggest(take(self.data.X, pool[left]), n)["position"]]
                    stop = self.model.stop_
                except NothingLeftError:  # those left equal labelled ones
                    pass
        last = {name: self.model.history_[name][-1] for name in ("noise", "max_score")}
        return chosen, last | {"stop": stop}


class _AtRandom:
    """Chooses at random; the learner is fitted for its error alone."""

    def __init__(self, loop, data):
        self.loop, self.data = loop, data
        self.known = np.array([], dtype=int)
        self.rng = np.random.default_rng([loop.seed, 1])

    def learn(self, rows):
        self.known = np.concatenate([self.known, rows])
        if not len(self.loop.draw.test):
            return None
        X, y, domain = self.loop.rows_of(self.data, self.loop.with_sources(self.data, self.known))
        Y = y.reshape(len(y), -1)
        return fit_learner(self.loop.model.estimator, X, Y, seed=self.loop.seed, metadata=domain)

    def choose(self, pool, left, n):
        return self.rng.permutation(left)[:n], {}


def _best_ones(labels, goal, top):
    """Return which labels are the best ones, at least one; None where there are no better and worse."""
    if goal == "explore":
        return None
    far = distance_to_goal(labels, goal)
    n_best = max(1, round(top * len(labels)))
    return far <= np.partition(far, n_best - 1)[n_best - 1]


def _standing(labels, known, best_ones, goal):
    if best_ones is None:
        return dict.fromkeys(("best", "gap", "rank", "found"), np.nan)
    far = distance_to_goal(labels, goal)
    best = np.flatnonzero(known)[far[known].argmin()]
    return {
        "best": float(labels[best]),
        "gap": float(far[best] - far.min()),
        "rank": float((far < far[best]).mean()),
        "found": float(known[best_ones].mean()),
    }
