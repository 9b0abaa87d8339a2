"""Seconds of a fit of LGDCNNRegressor, formulas predicted per second, and the memory of a million."""

import resource
from time import process_time

import numpy as np
import pandas as pd
from _common import save_table

from skxfer import LGDCNNRegressor
from skxfer.datasets import fetch_composition_benchmark

REPEATS, N_MANY = 5, 1_000_000


def main():
    data = fetch_composition_benchmark("aflow_bulk_modulus")
    rows = []
    for what, params in (
        ("fit, no error bars", {"calibration": None}),
        ("fit with error bars", {}),
    ):
        start = process_time()
        model = LGDCNNRegressor(**params, random_state=0).fit(data.train.data, data.train.target)
        rows.append({"task": f"{what}, 3428 formulas", "cpu_s": round(process_time() - start, 1)})
    formulas = np.resize(data.train.data, 20_000)
    seconds = []
    for _ in range(REPEATS):
        start = process_time()
        model.predict(formulas)
        seconds.append(process_time() - start)
    rate = len(formulas) / np.median(seconds)
    rows.append(
        {"task": "predict, 20 000 formulas", "cpu_s": round(np.median(seconds), 2), "per_s": round(rate)}
    )
    many = np.resize(data.train.data, N_MANY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = process_time()
    model.set_params(verbose=1).predict(many)
    seconds = process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows.append(
        {
            "task": "predict, 1 000 000 formulas",
            "cpu_s": round(seconds),
            "per_s": round(N_MANY / seconds),
            "more_mb": round(more),
        }
    )
    save_table(
        "lgdcnn_speed",
        pd.DataFrame(rows).fillna(""),
        "LGDCNNRegressor with default settings, aflow_bulk_modulus (3428 training formulas; repeated to "
        "20 000 and a million for predictions, median of five for the former), one thread, CPU seconds. "
        "more_mb: growth of the peak memory in MiB while a million are predicted.",
    )


if __name__ == "__main__":
    main()
