"""Which of many sources is a good one, and does the ranking find it?

    python benchmarks/many_sources.py [--seeds 3] [--smoke]

Sources are ranked on a few target rows, as HierarchicalTransfer does where they are many. Then each source
alone takes part in a competition with the same rows, and is judged on test rows. The table holds both, and
how well the two orders agree (Spearman's rank correlation); next to it, the competition with all sources and
with the best three.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from _cases import CASES
from _common import save_table
from scipy.stats import spearmanr
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer
from skxfer.datasets import fetch_co_ag
from skxfer.learners import default_learners

SOLVENT = "cyclohexane"
STRATEGIES = ["target_only", "source_only", "merge", "merge_weighted", "frozen_experts"]


def solvents(seed, n=20):
    """CO on Ag: gas, water and the solvents with few rows as sources of one solvent that they do not hold."""
    case = CASES["co_ag_Eads"]()
    data = fetch_co_ag(subset=["gas", "water", "multisolvent", SOLVENT])
    ok = np.flatnonzero(data.feature_ok & data.label_ok[:, data.target_names.index("Eads")])
    rng = np.random.default_rng(seed)
    pool = rng.permutation(ok[data.domain[ok] == SOLVENT])
    X, y = data.data.iloc[ok], data.target[ok, data.target_names.index("Eads")]
    few, test = np.isin(ok, pool[:n]), np.isin(ok, pool[n:])
    return X, y, data.domain[ok], few, test, SOLVENT, case.featurizer


def of_case(name, n):
    """One of the cases, with its sources apart."""

    def draw(seed):
        case = CASES[name]()
        rows, test_rows = case.draw(n, seed)
        both = np.concatenate([rows, test_rows])
        X = case.X.iloc[both] if isinstance(case.X, pd.DataFrame) else case.X[both]
        test = np.arange(len(both)) >= len(rows)
        (target,) = case.target_domains
        few = ~test & (case.domain[both] == target)
        return X, case.y[both], case.domain[both], few, test, target, case.featurizer

    return draw


PROBLEMS = {
    "CO on Ag in cyclohexane, 20 rows": (solvents, "svr"),
    "solubility G, 20 molecules": (of_case("solubility_G", 20), "et"),
    "yields of product c, 20 reactions": (of_case("yields_onehot", 20), "et"),
}


def compare(name, seed):
    """Rank the sources and use each alone; one row for each source."""
    draw, learner = PROBLEMS[name]
    X, y, domain, few, test, target, featurizer = draw(seed)
    sources = [source for source in pd.unique(domain) if source != target]
    model = make_pipeline(featurizer, default_learners([learner], random_state=0)[learner])
    X_test = X[test]

    def error(names, **params):
        rows = few | np.isin(domain, names)
        transfer = HierarchicalTransfer(
            model, source_domains=list(names), strategy=STRATEGIES, random_state=seed, **params
        ).fit(X[rows], y[rows], sample_domain=domain[rows])
        return float(np.abs(transfer.predict(X_test) - y[test]).mean()), transfer

    together, fitted = error(sources, max_sources=len(sources))
    best_three, _ = error(sources, max_sources=3)
    ranking = pd.DataFrame(fitted.source_ranking_)
    alone = fitted.estimators_["target_only"].predict(X_test)
    return pd.DataFrame(
        {
            "problem": name,
            "seed": seed,
            "source": ranking["source"],
            "rows": [int((domain == source).sum()) for source in ranking["source"]],
            "score": ranking["score"],
            "test_error": [error([source])[0] for source in ranking["source"]],
            "target_only": float(np.abs(alone - y[test]).mean()),
            "all_sources": together,
            "best_three": best_three,
        }
    )


def main():
    """Run all problems and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--smoke", action="store_true", help="the quickest problem, one seed; nothing is kept"
    )
    args = parser.parse_args()
    names = list(PROBLEMS)[-1:] if args.smoke else list(PROBLEMS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = [compare(name, seed) for name in names for seed in range(1 if args.smoke else args.seeds)]
    runs = pd.concat(parts)
    numbers = ["rows", "score", "test_error", "target_only", "all_sources", "best_three"]
    table = runs.groupby(["problem", "source"], sort=False)[numbers].mean().reset_index()
    words = []
    for name, part in runs.groupby("problem", sort=False):
        agree = [spearmanr(run["score"], run["test_error"])[0] for _, run in part.groupby("seed")]
        first = [run["test_error"].iloc[0] for _, run in part.groupby("seed")]
        best = [run["test_error"].min() for _, run in part.groupby("seed")]
        mean = part[["target_only", "all_sources", "best_three", "test_error"]].mean()
        words.append(
            f"{name}: rank correlation {np.mean(agree):.2f} of {part.source.nunique()} sources; error "
            f"without sources {mean.target_only:.3g}, a source at random {mean.test_error:.3g}, the one "
            f"ranked first {np.mean(first):.3g}, the best one {np.mean(best):.3g}, all "
            f"{mean.all_sources:.3g}, the best three {mean.best_three:.3g}."
        )
    print(table.round(4).to_string())
    print("\n".join(words))
    if not args.smoke:
        save_table("many_sources", table.round(4), " ".join(words))


if __name__ == "__main__":
    main()
