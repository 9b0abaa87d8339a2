"""Does it pay to choose which rows to label, and does transfer help while choosing?

    python benchmarks/active.py collect [--what committee] [--seeds 10] [--cases ...] [--smoke]
    python benchmarks/active.py report

`collect` repeats the loop of ActiveTransfer on labelled rows: best yields of a coupling, alloys that bind
their adsorbate with 0 eV, the most stable solid solutions; and, with goal="explore", a better model of two of
them. Each run is kept in benchmarks/cache/active, and the script goes on where it was stopped. `report`
writes the table. `--smoke`: one seed and two rounds, and nothing is kept.

Learner and single strategy of a case are those with the least cross-validated error in three draws of
start rows, which no loop starts from.
"""

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _cases import CASES
from _common import save_table
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer
from skxfer.learners import default_learners
from skxfer.model_selection import active_curve, active_curve_summary

CACHE = Path(__file__).parent / "cache" / "active"
LEARNERS = ("ridge", "svr", "krr")
STRATEGIES = ["merge", "merge_indicator", "frozen_experts"]
# The seeds of the loops are 0, 1, ...
DRAWS_OF_CHOICE = (100, 101, 102)


@dataclass(frozen=True)
class Search:
    """A search among the target rows of a case.

    Parameters
    ----------
    case : str
    goal : "maximize", "minimize", "explore" or float
    n_start, n_per_round, n_rounds : int
    max_source_rows : int
        At most so many rows of each source are used, for the time that it takes.
    """

    case: str
    goal: object
    n_start: int
    n_per_round: int
    n_rounds: int
    max_source_rows: int = 400

    @property
    def slug(self):
        """Name of the files of this search."""
        return f"{self.case}_explore" if self.goal == "explore" else self.case


SEARCHES = {
    "coupling yields, highest": Search("yields_onehot", "maximize", 10, 5, 10),
    "single-atom alloys, nearest to 0 eV": Search("single_atom_alloys", 0.0, 8, 4, 8),
    "solid solutions, most stable": Search("miedema", "minimize", 10, 5, 8),
    "coupling yields, everywhere": Search("yields_onehot", "explore", 10, 5, 8),
    "single-atom alloys, everywhere": Search("single_atom_alloys", "explore", 8, 4, 8),
}


def rows_of(search, seed):
    """Return the case, X, y and domains of the target rows and of some rows of each source."""
    case = CASES[search.case]()
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(np.isin(case.domain, case.target_domains))]
    for name in case.source_domains:
        rows.append(rng.permutation(np.flatnonzero(case.domain == name))[: search.max_source_rows])
    rows = np.concatenate(rows)
    X = case.X.iloc[rows].reset_index(drop=True) if isinstance(case.X, pd.DataFrame) else case.X[rows]
    return case, X, case.y[rows], case.domain[rows]


def transfer(case, learner, **options):
    """Return the unfitted transfer estimator."""
    model = make_pipeline(case.featurizer, default_learners([learner], random_state=0)[learner])
    options = {"strategy": STRATEGIES, "cv": 3, "predict_on": "similar"} | options
    return HierarchicalTransfer(model, source_domains=list(case.source_domains), **options)


def choose(name, search):
    """Return learner and strategy with the least cross-validated error on start rows."""
    path = CACHE / f"{search.case}-choice.json"
    if path.exists():
        return json.loads(path.read_text())
    errors = []
    for seed in DRAWS_OF_CHOICE:
        case, X, y, domain = rows_of(search, seed)
        target = np.flatnonzero(np.isin(domain, case.target_domains))
        few = np.random.default_rng(seed).permutation(target)[: search.n_start]
        rows = np.concatenate([np.flatnonzero(~np.isin(domain, case.target_domains)), few])
        X = X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]
        for learner in LEARNERS:
            model = transfer(case, learner, random_state=seed)
            found = model.fit(X, y[rows], sample_domain=domain[rows]).cv_results_
            errors.append(pd.DataFrame(found).assign(learner=learner))
    errors = pd.concat(errors)
    mean = errors[errors["transfer"].astype(bool)].groupby(["learner", "strategy"])["mae"].mean()
    learner, strategy = mean.idxmin()
    print(f"{name}: {learner}, {strategy}\n{mean.round(4).to_string()}", flush=True)
    path.write_text(json.dumps({"learner": learner, "strategy": strategy}))
    return {"learner": learner, "strategy": strategy}


def run(search, choice, seed, n_rounds, what):
    """Return the curves of one seed.

    Parameters
    ----------
    search : Search
    choice : dict
        Learner and strategy.
    seed, n_rounds : int
    what : {"committee", "blend"}
        All arms with one strategy and a committee; or the loop with several strategies and their own error
        bars.
    """
    case, X, y, domain = rows_of(search, seed)
    options = {
        "goal": search.goal,
        "n_start": search.n_start,
        "n_per_round": search.n_per_round,
        "n_rounds": n_rounds,
        "seeds": [seed],
        "test_size": 0.2,
    }
    if what == "blend":
        model = transfer(case, choice["learner"])
        return active_curve(model, X, y, domain, baselines=[], **options).assign(arm="active, blend")
    model = transfer(case, choice["learner"], strategy=choice["strategy"], guard=False)
    baselines = ["random", "target_only", "random, target_only"]
    return active_curve(model, X, y, domain, baselines=baselines, committee=6, **options)


def collect(names, seeds, what, smoke):
    """Record the runs that are not on disk."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for seed in range(1 if smoke else seeds):
        for name in names:
            search = SEARCHES[name]
            path = CACHE / f"{search.slug}-{what}-{seed}.csv"
            if path.exists() and not smoke:
                continue
            start = time.process_time()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                choice = {"learner": "ridge", "strategy": "merge"} if smoke else choose(name, search)
                curve = run(search, choice, seed, 2 if smoke else search.n_rounds, what)
            failed = curve["error"][curve["error"] != ""]
            if len(failed):
                raise RuntimeError(f"{name}, seed {seed}: {failed.iloc[0]}")
            print(f"{name}, {what}, seed {seed}: {time.process_time() - start:.0f} s", flush=True)
            if smoke:
                print(curve.to_string())
            else:
                curve.assign(search=name).to_csv(path, index=False)


def report():
    """Write the table of all searches."""
    curves = pd.concat(
        [pd.read_csv(path, keep_default_na=True) for path in sorted(CACHE.glob("*.csv"))], ignore_index=True
    )
    curves["error"] = curves["error"].fillna("")
    curves["stop"] = curves["stop"].map({True: True, False: False, "True": True, "False": False})
    tables = []
    for name, search in SEARCHES.items():
        part = curves[curves["search"] == name]
        if not len(part):
            continue
        table = active_curve_summary(part, reach=0.05)
        best = active_curve_summary(part, reach=0.01)
        table.insert(5, "labels_to_best_1_percent", best["labels_to_reach"])
        table.insert(0, "search", name)
        table.insert(2, "labels_at_end", search.n_start + search.n_per_round * search.n_rounds)
        tables.append(table)
    table = pd.concat(tables).drop(columns=["labels_low", "labels_high"])
    choices = {s.case: json.loads((CACHE / f"{s.case}-choice.json").read_text()) for s in SEARCHES.values()}
    save_table(
        "active",
        table.round(3),
        "Loops of ActiveTransfer on labelled rows (skxfer.model_selection.active_curve), 20 % of the target "
        "rows held out for mae. labels_to_reach: median number of labelled target rows, start rows "
        "included, until one of the best 5 % was among them; found: share of the best 5 % found at the end; "
        "wins: share of seeds that found more of them than random choice, on average over the rounds. "
        "active: HierarchicalTransfer with one strategy, and a committee of six for the error bars; "
        f"active, blend: with the strategies {', '.join(STRATEGIES)} and its own error bars; target_only: "
        "the loop without sources, with a committee. Learner and single strategy, chosen on start rows of "
        f"other draws: {choices}.",
    )


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["collect", "report"])
    parser.add_argument("--what", choices=["committee", "blend"], default="committee")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cases", nargs="*", default=list(SEARCHES))
    args = parser.parse_args()
    if args.what == "collect":
        collect(args.cases, args.seeds, args.what, args.smoke)
    else:
        report()


if __name__ == "__main__":
    main()
