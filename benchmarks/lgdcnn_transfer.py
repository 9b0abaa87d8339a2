"""Bulk moduli of AFLOW, with those of the Materials Project as source: strategies compared."""

import sys
from time import process_time

import numpy as np
import pandas as pd
from _common import save_table
from _composition import competitors, rows_of
from joblib import Parallel, delayed

from skxfer import CompositionFeaturizer, FeatureTransfer, LGDCNNRegressor, TransferCV
from skxfer.datasets import fetch_composition_benchmark
from skxfer.formulas import combine_properties

DRAWS, N_FEW = range(5), 200
STAGED = {"embedding": 20, "global": 10, "local": 5}


def source_model():
    """Trained on all bulk moduli of the Materials Project whose composition is in no test row of AFLOW."""
    source = fetch_composition_benchmark("mp_bulk_modulus")
    rows = rows_of([source.train, source.val, source.test])
    test = fetch_composition_benchmark("aflow_bulk_modulus").test.data
    formulas, values = combine_properties({"bulk": rows}, exclude=test)
    return LGDCNNRegressor(calibration=None, random_state=0).fit(formulas, values["bulk"])


def ways(source, seed):
    """Everything that is compared, unfitted."""
    net = LGDCNNRegressor(calibration=None, random_state=seed)
    tuned = LGDCNNRegressor(init=source, calibration=None, random_state=seed)
    forest, boosting = (competitors(seed)[name] for name in ("RF", "XGBoost"))
    magpie = CompositionFeaturizer("magpie")
    return {
        "target_only": net,
        "fine_tuned": tuned,
        # The rate was picked among three on validation rows, for all training rows.
        "fine_tuned, rate 0.002": LGDCNNRegressor(**tuned.get_params(deep=False) | {"learning_rate": 2e-3}),
        "fine_tuned in stages": LGDCNNRegressor(**tuned.get_params(deep=False) | {"freeze": STAGED}),
        "frozen_features, default head": FeatureTransfer(source),
        "frozen_features, XGBoost": FeatureTransfer(source, boosting[-1]),
        "frozen_features + Magpie, XGBoost": FeatureTransfer(source, boosting[-1], passthrough=magpie),
        "Magpie, RF": forest,
        "Magpie, XGBoost": boosting,
        "TransferCV": TransferCV(source, net, cv=3, random_state=seed),
    }


def run(source, name, draw, n_rows):
    """Predictions of the test rows, CPU seconds of the fit, and what TransferCV chose."""
    data = fetch_composition_benchmark("aflow_bulk_modulus")
    rows = np.random.default_rng(draw).permutation(len(data.train.data))[:n_rows]
    model = ways(source, draw)[name]
    start = process_time()
    model.fit(data.train.data[rows], data.train.target[rows])
    seconds = process_time() - start
    chosen = model.strategy_[0] if name == "TransferCV" else ""
    return model.predict(data.test.data), seconds, chosen


def main():
    source = source_model()
    data = fetch_composition_benchmark("aflow_bulk_modulus")
    y = data.test.target
    direct = np.abs(source.predict(data.test.data) - y).mean()
    names = sys.argv[1:] or list(ways(source, 0))
    everything = len(data.train.data)
    for n_rows, compared in ((N_FEW, names), (everything, [n for n in names if n != "TransferCV"])):
        jobs = [(name, draw) for name in compared for draw in DRAWS]
        outcomes = Parallel(n_jobs=2, verbose=5)(delayed(run)(source, *job, n_rows) for job in jobs)
        done = dict(zip(jobs, outcomes, strict=True))
        rows = []
        for name in compared:
            predictions = np.array([done[name, draw][0] for draw in DRAWS])
            errors = np.abs(predictions - y).mean(axis=1)
            row = {"model": name, "MAE": f"{errors.mean():.2f} ± {errors.std(ddof=1):.2f}"}
            if n_rows == everything:
                row["mean of 5"] = f"{np.abs(predictions.mean(axis=0) - y).mean():.2f}"
            row["cpu_s"] = round(np.mean([done[name, draw][1] for draw in DRAWS]), 1)
            row["chosen"] = ", ".join(done[name, draw][2] for draw in DRAWS).strip(", ")
            rows.append(row)
        rows.append({"model": "source_only", "MAE": f"{direct:.2f}"})
        few = n_rows == N_FEW
        save_table(
            "lgdcnn_transfer_few" if few else "lgdcnn_transfer_all",
            pd.DataFrame(rows).dropna(axis=1, how="all").fillna(""),
            f"aflow_bulk_modulus, test MAE in GPa. Source: LGDCNNRegressor on mp_bulk_modulus (all splits, "
            f"compositions of the test rows removed). {n_rows} training rows"
            + (", five random draws, seeds 0 to 4" if few else ", seeds 0 to 4, and the mean of the five")
            + ": mean ± standard deviation. CPU seconds of a fit, two at a time on two shared cores.",
            update="model",
        )


if __name__ == "__main__":
    main()
