"""Do clustering vectors of chemical environments tell which network is better? Five variants, three seeds."""

import pandas as pd
from _common import save_table, spread
from joblib import Parallel, delayed
from scipy.stats import spearmanr

from skxfer import LGDCNNRegressor
from skxfer.datasets import fetch_composition_benchmark
from skxfer.model_selection import cecv_study

NAME, VARIANTS, SEEDS = "aflow_bulk_modulus", ("lgdcnn", "v1", "v2", "ldcnn", "dcnn"), range(3)


def run(seed):
    """Table of distances and errors, and their rank correlation."""
    data = fetch_composition_benchmark(NAME)
    candidates = {
        name: LGDCNNRegressor(variant=name, calibration=None, random_state=seed) for name in VARIANTS
    }
    study = cecv_study(
        candidates,
        data.train.data,
        data.train.target,
        X_val=data.val.data,
        y_val=data.val.target,
        random_state=seed,
    )
    return study.table.assign(seed=seed), study.correlation


def main():
    tables, correlations = zip(*Parallel(n_jobs=2)(delayed(run)(seed) for seed in SEEDS), strict=True)
    runs = pd.concat(tables)
    runs = runs[runs["role"] != "random"]
    found = runs.groupby(["role", "name"], sort=False).agg(
        distance=("distance", spread), mae=("mae", lambda values: spread(values, 2))
    )
    candidates = runs[runs["role"] == "candidate"].groupby("name")[["distance", "mae"]].mean()
    of_means = spearmanr(candidates["distance"], candidates["mae"])[0]
    save_table(
        "cecv_guides",
        found.reset_index(),
        f"{NAME}: trained on train, validation error in GPa; clustering vectors of the validation compounds "
        "of three elements and more; distance from the region between the references, in decades. Mean ± "
        "standard deviation over three seeds. Rank correlation of distance and error over the candidates: "
        f"{', '.join(f'{value:.2f}' for value in correlations)} by seed, {of_means:.2f} of the means.",
    )
    print(correlations, of_means)


if __name__ == "__main__":
    main()
