"""What HierarchicalTransfer costs beyond the learners it is made of: time, memory, two cores."""

import time
import tracemalloc

import numpy as np
import pandas as pd
from _common import save_table
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains

REPEATS = 7


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def table_of(n_source, n_target, n_features=20, seed=0):
    data = make_domains(
        n_source=n_source, n_target=n_target, n_test=0, n_features=n_features, n_sources=2, random_state=seed
    )
    return data.data, data.target, data.domain, list(data.source_domains)


def overhead(name, learner, n_source=2000, n_target=2000):
    """Fit and predict of 'frozen_experts' without guard against the same learners one by one, interleaved."""
    X, y, domain, sources = table_of(n_source, n_target)
    rows = [domain == source for source in sources] + [domain == "target"]
    model = HierarchicalTransfer(learner, source_domains=sources, strategy="frozen_experts", guard=False)
    stack = model.fit(X, y, sample_domain=domain).estimators_["frozen_experts"]
    F = model.transform(X[rows[2]])
    left = y[rows[2]] - stack.head_.predict(stack.scaler_.transform(F))  # what the third learner is fitted on
    labels = [y[rows[0]], y[rows[1]], left]

    def by_hand():
        parts = [clone(learner).fit(X[r], label) for r, label in zip(rows, labels, strict=True)]
        for part in parts[:2]:  # the experts must be asked about the target rows, by whatever name
            part.predict(X[rows[2]])
        return parts

    fit, parts_fit, predict, parts_predict = [], [], [], []
    for _ in range(REPEATS):
        fit.append(timed(lambda: model.fit(X, y, sample_domain=domain))[0])
        seconds, parts = timed(by_hand)
        parts_fit.append(seconds)
        predict.append(timed(lambda: model.predict(X))[0])
        parts_predict.append(timed(lambda p=parts: [part.predict(X) for part in p])[0])
    return {
        "learner": name,
        "fit_ratio": np.median(np.array(fit) / parts_fit),
        "predict_ratio": np.median(np.array(predict) / parts_predict),
        "fit_seconds": np.median(fit),
    }


def two_jobs(n_source=6000):
    """Speed-up of n_jobs=2 over n_jobs=1 for two random-forest sources, interleaved."""
    X, y, domain, sources = table_of(n_source, 50)
    learner = RandomForestRegressor(100, random_state=0)
    seconds = {1: [], 2: []}
    for _ in range(3):
        for n_jobs in (1, 2):
            model = HierarchicalTransfer(
                learner, source_domains=sources, strategy="frozen_experts", guard=False, n_jobs=n_jobs
            )
            seconds[n_jobs].append(timed(lambda m=model: m.fit(X, y, sample_domain=domain))[0])
    return float(np.median(seconds[1]) / np.median(seconds[2]))


def scaling(n_rows):
    """Seconds and peak memory of a guarded fit and of one fit of the learner, by target rows."""
    X, y, domain, sources = table_of(1000, n_rows)
    target = domain == "target"
    learner = Ridge()
    out = {"n_target": n_rows}
    for name, fit in {
        "learner": lambda: clone(learner).fit(X[target], y[target]),
        "guarded": lambda: HierarchicalTransfer(learner, source_domains=sources, random_state=0).fit(
            X, y, sample_domain=domain
        ),
    }.items():
        out[f"{name}_seconds"] = timed(fit)[0]
        tracemalloc.start()
        fit()
        out[f"{name}_peak_MB"] = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    return out


if __name__ == "__main__":
    learners = {
        "random forest": RandomForestRegressor(50, random_state=0),
        "SVR": SVR(C=10),
        "decision tree": DecisionTreeRegressor(random_state=0),
        "KNN": KNeighborsRegressor(),
    }
    save_table(
        "cost",
        pd.DataFrame([overhead(*item) for item in learners.items()]).round(3),
        f"make_domains, two sources of 2000 rows, 2000 target rows, 20 features; guard=False, "
        f"strategy='frozen_experts' against the same three fits (and the experts' predictions of the target "
        f"rows) by hand, interleaved in one process; median of {REPEATS} ratios.",
    )
    save_table(
        "cost_n_jobs",
        pd.DataFrame([{"sources": "2 random forests, 6000 rows", "speed_up_n_jobs_2": round(two_jobs(), 2)}]),
        "Median fit time with n_jobs=1 over that with n_jobs=2, two cores, interleaved, 3 repeats.",
    )
    save_table(
        "cost_scaling",
        pd.DataFrame([scaling(n) for n in (1_000, 10_000, 100_000, 1_000_000)]).round(3),
        "Guarded fit (strategy='auto', cv=5, two sources of 1000 rows, 20 features, Ridge) against one "
        "fit of Ridge on the target rows; peak memory by tracemalloc.",
    )
