"""How long to train from a fitted network: errors on validation rows, for one step of transfer and two."""

from itertools import pairwise

import numpy as np
import pandas as pd
from _clusters import clusters
from _common import save_table
from joblib import Parallel, delayed

from skxfer import SchNetIIARegressor
from skxfer.structures import HARTREE

CHAIN = (18, 19, 20)
EPOCHS, RATES = (40, 20, 10, 5), (1e-3, 3e-4)
SPLITS = (0,)


def split(n, seed):
    """Rows to train on and rows for validation; a tenth is for test and in neither."""
    order = np.random.RandomState(seed).permutation(n)
    tenth = n // 10
    return order[2 * tenth :], order[tenth : 2 * tenth]


def run(s):
    """Validation errors of one split in Ha/atom, by start, epochs and rate."""
    parts = {size: (*clusters(size), *split(len(clusters(size)[1]), s)) for size in CHAIN}

    def fit(size, epochs, start=None, rate=1e-3):
        X, y, train, _ = parts[size]
        model = SchNetIIARegressor(energy_unit="eV/atom", max_epochs=epochs, learning_rate=rate, init=start)
        return model.set_params(random_state=s).fit(X[train], y[train])

    def error(model):
        X, y, _, validation = parts[CHAIN[-1]]
        found = np.abs(model.predict(X[validation]) - y[validation]).mean() / HARTREE
        print(s, f"{found:.5f}", model.max_epochs, model.learning_rate, model.init is not None, flush=True)
        return found

    last, before = CHAIN[-1], CHAIN[-2]
    errors = {("target_only", epochs, 1e-3): error(fit(last, epochs)) for epochs in EPOCHS[:2]}
    source = fit(before, EPOCHS[0])
    for rate in RATES:
        for epochs in EPOCHS if rate == 1e-3 else (10,):
            errors["one step", epochs, rate] = error(fit(last, epochs, source, rate))
    first = fit(CHAIN[0], EPOCHS[0])
    for epochs in EPOCHS:
        model = first
        for _, size in pairwise(CHAIN):
            model = fit(size, epochs, model)
        errors["two steps", epochs, 1e-3] = error(model)
    return errors


def main():
    outcomes = Parallel(n_jobs=2)(delayed(run)(s) for s in SPLITS)
    rows = [
        {"start": start, "epochs": epochs, "learning_rate": rate}
        | {
            f"split {s}": f"{found[start, epochs, rate]:.5f}"
            for s, found in zip(SPLITS, outcomes, strict=True)
        }
        for start, epochs, rate in outcomes[0]
    ]
    save_table(
        "cluster_epochs",
        pd.DataFrame(rows),
        f"Mean absolute error in Ha/atom on validation rows of SeB{CHAIN[-1]}, screened: of the rows in the "
        "order of RandomState(s).permutation the second tenth; trained on all but the first two. one step: "
        f"from a network of SeB{CHAIN[-2]}, two steps: from SeB{CHAIN[0]} through SeB{CHAIN[1]}, training "
        f"rows only; the first is trained for {EPOCHS[0]} epochs, each after it for those of the row.",
    )


if __name__ == "__main__":
    main()
