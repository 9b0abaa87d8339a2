"""What a study will do: learners, seeds and folds, how long that takes, and what is left out to save time."""

import importlib.util
from dataclasses import dataclass, field

import numpy as np
from joblib import cpu_count

from .._optional import install_hint
from . import cost
from .names import InputError, counted, listed, split_list

LEARNERS = ("rf", "svr", "xgb", "knn", "mlp")
QUICK_LEARNERS = ("svr", "xgb", "ridge")  # of the default ones, forests take longest
QUICK_FOLDS, QUICK_SOURCE_ROWS = 3, 500
DEFAULT_FOLDS = 5
# Folds of the guard in a demonstration, so that it takes less than two minutes on two cores.
DEMO_FOLDS = 3
# Rows of all sources together that a learner is trained on at most: beyond it, a fit takes half a minute.
MOST_SOURCE_ROWS = {"gp": 1500, "krr": 5000, "svr": 8000, "mlp": 50_000, "rf": 50_000, "et": 50_000}
MOST_SOURCE_ROWS |= {"lgdcnn": 2000, "schnet": 500}
# Several seeds are cheap if all of them together take no more than this many seconds of one core.
CHEAP, CHEAP_SEEDS = 120.0, 3
# Networks that compete where the table has a single column of this kind, and the package they need.
NETWORKS = {"formula": ("lgdcnn", "torch"), "structure": ("schnet", "torch")}


@dataclass
class Plan:
    """What a study will do."""

    learners: list  # short names
    network: tuple | None  # short name and column of a network that competes
    seeds: int
    folds: int | None  # folds in which transfer judges itself; None for its default
    most_rows: dict  # learner -> source rows at most, only where that leaves some out
    n_processes: int
    budget: float | None  # seconds
    quick: bool
    seconds: dict = field(default_factory=dict)  # learner -> estimate for one seed on one core
    notes: list = field(default_factory=list)

    @property
    def total(self):
        """Estimated seconds of the whole study."""
        # A learner's longest fit cannot be shared out.
        return self.seeds * sum(self.seconds.values()) / self.n_processes

    def in_words(self):
        """Return lines that say how long it takes, and what is left out."""
        return [
            *self.notes,
            f"This takes about {cost.in_words(self.total)} on {self._where()}{self._quicker()}.",
        ]

    def _where(self):
        return counted(self.n_processes, "core")

    def _quicker(self):
        if self.quick or self.total < 60:
            return ""
        return "; --quick takes a fraction of it, --budget MIN sets a limit"


def make_plan(args, data, spectrum, n_tests):
    """Decide what a study does.

    Parameters
    ----------
    args : argparse.Namespace
    data : Data
    spectrum : bool
        Whether the columns are featurized as spectra.
    n_tests : int
        Different sets of training rows with one seed.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        More folds than target rows.
    """
    names, network, notes = _learners(args, data)
    folds = args.folds or (QUICK_FOLDS if args.quick else None)
    if folds is None and not args.tables and args.dataset != "co_ag":
        folds = DEMO_FOLDS
    n_target = int(data.is_training_target.sum())
    if args.folds and args.folds > n_target:
        raise InputError(f"--folds {folds} needs as many target rows for training, there are {n_target}")
    folds = None if folds is None else max(2, min(folds, n_target))
    plan = Plan(
        learners=names,
        network=network,
        seeds=args.seeds or 1,
        folds=folds,
        most_rows=_most_rows(args, data, names, network, notes),
        n_processes=cpu_count() if args.n_jobs == -1 else args.n_jobs,
        budget=None if args.budget is None else 60 * args.budget,
        quick=args.quick,
        notes=notes,
    )
    _estimate(plan, data, spectrum, n_tests)
    if args.seeds is None and not args.quick and CHEAP_SEEDS * sum(plan.seconds.values()) <= CHEAP:
        plan.seeds = CHEAP_SEEDS
    _keep_to_budget(plan)
    return plan


def _learners(args, data):
    """Return the short names of the learners, a network that competes, and notes on it."""
    asked = split_list(args.learners)
    names = [name for name in asked if name != "auto"]
    if not names or "auto" in asked:
        names = list(dict.fromkeys([*(QUICK_LEARNERS if args.quick else LEARNERS), *names]))
    if "auto" not in asked:
        return names, None, []
    kinds = {kind: [n for n, column in data.columns.items() if column.kind == kind] for kind in NETWORKS}
    single = [(kind, columns[0]) for kind, columns in kinds.items() if len(columns) == 1]
    if len(single) != 1:
        why = "there is no single column of formulas or structures"
        return names, None, [f"No network competes: {why}."]
    kind, column = single[0]
    network, package = NETWORKS[kind]
    if importlib.util.find_spec(package) is None:
        why = f"{package} is not installed ({install_hint('networks')})"
        return names, None, [f"No network competes: {why}."]
    return names, (network, column), [f"A network ({network}) competes; it sees the column {column!r} alone."]


def _most_rows(args, data, names, network, notes):
    """Return how many source rows slow learners see, and note it where some are left out."""
    n_source = int(data.domain.isin(data.sources).sum())
    limits = dict(MOST_SOURCE_ROWS)
    names = [*names, *([network[0]] if network else [])]
    if args.quick:
        limits = {name: min(QUICK_SOURCE_ROWS, limits.get(name, n_source)) for name in names}
    found = {name: limits[name] for name in names if limits.get(name, n_source) < n_source}
    for limit in sorted(set(found.values())):
        who = listed([name for name, most in found.items() if most == limit])
        notes.append(
            f"Of {n_source} source rows, {who} are trained on {limit} drawn at random, to save time."
        )
    return found


def _estimate(plan, data, spectrum, n_tests):
    n_source, n_target = int(data.domain.isin(data.sources).sum()), int(data.is_training_target.sum())
    for name in [*plan.learners, *([plan.network[0]] if plan.network else [])]:
        plan.seconds[name] = cost.study_seconds(
            name,
            min(n_source, plan.most_rows.get(name, n_source)),
            n_target,
            data.X.shape[1],
            data.Y.shape[1],
            n_folds=plan.folds or DEFAULT_FOLDS,
            n_tests=n_tests,
            n_choices=6 if spectrum else 0,
        )


def _keep_to_budget(plan):
    """Leave out what does not fit into the budget: seeds first, then learners, the most expensive first."""
    if plan.budget is None:
        return
    if plan.seeds > 1 and plan.total > plan.budget:
        plan.notes.append(f"One seed in place of {plan.seeds}, to keep to --budget.")
        plan.seeds = 1
    dropped = []
    while plan.total > plan.budget and len(plan.seconds) > 1:
        name = max(plan.seconds, key=plan.seconds.get)
        dropped.append(f"{name} (about {cost.in_words(plan.seconds.pop(name) / plan.n_processes)})")
        plan.learners = [other for other in plan.learners if other != name]
        if plan.network and plan.network[0] == name:
            plan.network = None
    if dropped:
        plan.notes.append(f"Left out, to keep to --budget: {', '.join(dropped)}.")


def n_training_sets(data, cv, n_folds):
    """Count the different sets of training rows of a study with one seed.

    Parameters
    ----------
    data : Data
    cv : list of (train, test) or None
    n_folds : int
        Folds without test domains or `cv`.

    Returns
    -------
    int
    """
    if data.tests:
        return 1
    if cv is not None:
        return len(cv)
    domains = np.unique(data.domain.to_numpy()[data.is_training_target])
    return len(domains) if len(domains) > 1 else min(n_folds, int(data.is_training_target.sum()))
