"""Does `auto` choose right, and is the gain that it promises real?

    python benchmarks/regret.py collect [--seeds 6] [--cases ...] [--learners ...]
    python benchmarks/regret.py report

`collect` makes a default fit of HierarchicalTransfer on each draw of target rows, and fits every strategy
that competed on all target rows; it keeps errors on the test rows in benchmarks/cache/regret, and goes on
where it was stopped. `report` writes the table. Regret is the error of `auto` divided by that of the single
strategy with the least error, minus one, both means over the draws of a (data, learner, number of target
rows).
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _cases import CASES
from _common import save_table
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer
from skxfer.learners import default_learners
from skxfer.transfer._problem import expert_outputs
from skxfer.transfer._rows import read_inputs
from skxfer.transfer.strategies import predict_model

CACHE = Path(__file__).parent / "cache" / "regret"
LEARNERS = ("ridge", "krr", "svr", "et", "xgb")
SETTING = ["case", "learner", "n"]


class AllStrategies(HierarchicalTransfer):
    """HierarchicalTransfer that also fits the strategies without a share."""

    def _choose(self, problem, strategies, evidence):
        super()._choose(problem, strategies, evidence)
        self.all_models = {s.name: s.fit(problem, problem.target) for s in strategies}


def record(case, learner, n, seed):
    """Errors on the test rows of `auto` and of each strategy, for one draw."""
    rows, test = case.draw(n, seed)
    table = isinstance(case.X, pd.DataFrame)
    X, X_test = (case.X.iloc[r] if table else case.X[r] for r in (rows, test))
    model = make_pipeline(case.featurizer, default_learners([learner], random_state=0)[learner])
    start = time.process_time()
    fitted = AllStrategies(
        model,
        source_domains=list(case.source_domains),
        low_fidelity=list(case.low_fidelity) or None,
        random_state=seed,
    )
    fitted.fit(X, case.y[rows], sample_domain=case.domain[rows])
    seconds = time.process_time() - start
    inputs, values = fitted._split(read_inputs(fitted, X_test, reset=False)[0])
    F = expert_outputs(fitted.experts_, inputs)

    def error(predicted):
        return float(np.abs(predicted - case.y[test]).mean())

    low, high = fitted.transfer_gain_interval_[0]
    return {
        "auto": error(fitted.predict(X_test)),
        "errors": {k: error(predict_model(m, inputs, F, values)[:, 0]) for k, m in fitted.all_models.items()},
        "promise": float(fitted.transfer_gain_[0]),
        "low": float(low),
        "high": float(high),
        "seconds": seconds,
    }


def collect(cases, learners, seeds):
    """Record all draws that are not on disk."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for name in cases:
            case = CASES[name]()
            for learner, n in ((learner, n) for learner in learners for n in case.sizes):
                path = CACHE / f"{name}-{learner}-{n}-{seed}.json"
                if path.exists():
                    continue
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = record(case, learner, n, seed)
                found |= {"case": name, "learner": learner, "n": "all" if n is None else n, "seed": seed}
                path.write_text(json.dumps(found))
                print(path.stem, f"{found['seconds']:.1f} s", flush=True)


def report():
    """Write the table of regret and promises."""
    draws = pd.DataFrame([json.loads(path.read_text()) for path in sorted(CACHE.glob("*.json"))])
    singles = pd.DataFrame(draws.pop("errors").tolist())
    draws["gain"] = 1 - draws["auto"] / singles["target_only"]
    rounding = 1e-9  # a gain of zero has bounds of zero
    draws["held"] = draws["gain"].between(draws["low"] - rounding, draws["high"] + rounding)
    mean = pd.concat([draws[SETTING], singles], axis=1).groupby(SETTING).mean()
    table = draws.groupby(SETTING).agg(
        draws=("seed", "size"), auto=("auto", "mean"), promise=("promise", "mean"), gain=("gain", "mean")
    )
    table["target_only"], table["merge"] = mean["target_only"], mean["merge"]
    table["best"], table["best_strategy"] = mean.min(axis=1), mean.idxmin(axis=1)
    table["regret"] = table["auto"] / table["best"] - 1
    table["to_target_only"] = table["auto"] / table["target_only"] - 1
    print(table.round(4).to_string())
    words = (
        f"Default fits over {len(table)} settings, {len(draws)} draws: regret median "
        f"{table.regret.median():.1%}, 90th percentile {table.regret.quantile(0.9):.1%}; worst "
        f"against target_only {table.to_target_only.max():+.1%}; median promise "
        f"{draws.promise.median():.0%}, median gain {draws.gain.median():.0%}; the 80 % interval "
        f"held {draws.held.mean():.0%} of the gains."
    )
    print(words)
    save_table("regret", table.reset_index().round(4), words)


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["collect", "report"])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--learners", nargs="*", default=LEARNERS)
    args = parser.parse_args()
    if args.what == "collect":
        collect(args.cases, args.learners, range(args.seeds))
    else:
        report()


if __name__ == "__main__":
    main()
