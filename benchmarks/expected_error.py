"""Does a table's model keep what its card promises: expected error, intervals, rows that are outside?"""

import sys
import warnings

import numpy as np
import pandas as pd
from _common import save_table

from skxfer import TableTransfer
from skxfer.datasets import make_domains

LEARNERS = ["ridge", "knn"]
SEEDS = 40
SMOKE = "--smoke" in sys.argv


def problem(kind, n_target, seed):
    """Rows to learn from, their domains and sources, and 1000 test rows drawn like the target rows."""
    if kind == "related source":
        data = make_domains(relation="related", n_target=n_target, n_test=1000, random_state=seed)
        test = data.domain == "test"
        new = (data.data[test], data.target[test])
        return data.data[~test], data.target[~test], data.domain[~test], data.source_domains, new
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_target + 1000, 3))
    noise = rng.standard_t(4, size=len(X)) if kind == "noise with outliers" else rng.normal(size=len(X))
    y = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * noise
    return X[:n_target], y[:n_target], None, None, (X[n_target:], y[n_target:])


def promises(kind, n_target, seed):
    """What one model promised, and what came of it."""
    X, y, domain, sources, (X_new, y_new) = problem(kind, n_target, seed)
    model = TableTransfer(LEARNERS, source_domains=sources, random_state=seed)
    model.fit(X, y, sample_domain=domain)
    error = np.abs(model.predict(X_new) - y_new)
    expected = model.expected_error_[0][0]
    low, high = model.predict_interval(X_new).T
    inside = (low <= y_new) & (y_new <= high)
    outside = model.outside(X_new)["is_outside"].to_numpy()
    return {
        "error_over_expected": error.mean() / expected["mae"],
        "error_in_bounds": expected["low"] <= error.mean() <= expected["high"],
        "values_in_interval": inside[~outside].mean(),
        "values_in_interval_outside": inside[outside].mean() if outside.any() else np.nan,
        "outside": outside.mean(),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    rows = []
    for kind in ("no source", "noise with outliers", "related source"):
        for n_target in (20, 60):
            found = pd.DataFrame(promises(kind, n_target, seed) for seed in range(2 if SMOKE else SEEDS))
            mean = found.mean().round(3).to_dict()
            ratio = found["error_over_expected"].quantile([0.1, 0.5, 0.9]).round(2)
            mean["error_over_expected"] = " / ".join(f"{value:.2f}" for value in ratio)
            rows.append({"problem": kind, "target_rows": n_target} | mean)
            print(rows[-1], flush=True)
    if not SMOKE:
        save_table(
            "expected_error",
            pd.DataFrame(rows),
            f"TableTransfer({LEARNERS}), {SEEDS} seeds, 1000 test rows drawn like the target rows. Error on "
            "the test rows over the error that is expected of similar rows, 10th, 50th and 90th percentile; "
            "share of models whose test error lies in the bounds for 80 of 100 cases; share of test labels "
            "in the 80 % intervals, of rows that are not outside and that are; share of rows outside.",
        )
