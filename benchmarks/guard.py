"""Does the guard hold? Guarded transfer against target_only, from identical to adversarial sources."""

import numpy as np
import pandas as pd
from _common import save_table
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains

LEARNERS = {
    "SVR": SVR(C=10),
    "random forest": RandomForestRegressor(30),
    "KNN": KNeighborsRegressor(3),
}
RELATIONS = ["identical", "scaled", "related", 0.9, 0.5, "unrelated", "adversarial"]
N_SEEDS = 20


def one(learner, relation, n_target, seed):
    data = make_domains(relation=relation, n_target=n_target, n_test=1000, random_state=seed)
    train, test = data.domain != "test", data.domain == "test"
    model = HierarchicalTransfer(LEARNERS[learner], source_domains=data.source_domains, random_state=seed)
    model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    truth = data.target_function[test]
    transfer = np.abs(model.predict(data.data[test]) - truth).mean()
    alone = np.abs(model.estimators_["target_only"].predict(data.data[test]) - truth).mean()
    return {
        "learner": learner,
        "relation": str(relation),
        "n_target": n_target,
        "ratio": transfer / alone,
        "refused": model.weights_[0, model.strategies_.index("target_only")] == 1,
    }


if __name__ == "__main__":
    jobs = [
        (learner, relation, n_target, seed)
        for learner in LEARNERS
        for relation in RELATIONS
        for n_target in (20, 50)
        for seed in range(N_SEEDS)
    ]
    runs = pd.DataFrame(Parallel(n_jobs=2, verbose=1)(delayed(one)(*job) for job in jobs))
    table = (
        runs.groupby(["relation", "n_target", "learner"], sort=False)
        .agg(
            median=("ratio", "median"),
            p10=("ratio", lambda r: r.quantile(0.1)),
            p90=("ratio", lambda r: r.quantile(0.9)),
            refused=("refused", "mean"),
        )
        .round(3)
        .reset_index()
    )
    save_table(
        "guard",
        table,
        "make_domains, 500 source rows, one source; test error (MAE, 1000 rows, noise-free truth) of "
        "guarded HierarchicalTransfer divided by that of the learner on target rows alone; "
        f"{N_SEEDS} seeds: median, 10th and 90th percentile; "
        "'refused': share of seeds in which the guard kept target_only.",
    )
