"""Energies of SeBn clusters: a network for each size, and a chain of them, beside plain learners."""

import sys
from time import process_time

import numpy as np
import pandas as pd
from _clusters import SPLITS, baselines, clusters, error, split
from _common import RESULTS, save_table, spread
from joblib import Parallel, delayed

from skxfer import SchNetIIARegressor, SequentialTransfer
from skxfer.structures import HARTREE

CHAIN = range(16, 24)
# Sizes, and whether those above the energy of the free atoms are left out.
SETS = [(20, False), *((size, True) for size in CHAIN)]
SCRATCH, CARRIED = "network", "chain"
# Of these sizes there is a network without transfer as well.
SIZES_FROM_SCRATCH = (16, 18, 20)
PROTOCOL = (
    "Mean absolute test error in Ha/atom, mean ± standard deviation over three splits: of the rows in "
    "the order of RandomState(s).permutation a tenth for test, a tenth for validation (unused), the rest "
    "for training; s = 0, 1, 2. Screened, unless 'all': only energies below that of the free atoms. "
    "network: SchNetIIARegressor with default settings, one fit. chain: the same, started from the "
    "network of the size before, which saw training rows only; 'last network': the chain where there is "
    "one. boosting: HistGradientBoostingRegressor (absolute error), ClusterFeaturizer. CPU seconds of a "
    "fit of the network, two at a time on two shared cores."
)


def network(seed):
    return SchNetIIARegressor(energy_unit="eV/atom", random_state=seed)


def run(size, screened, name, seed):
    """Test error in Ha/atom, and CPU seconds of the fit."""
    X, y = clusters(size, screened)
    train, test = split(len(y), seed)
    model = network(seed) if name == SCRATCH else baselines(seed)[name]
    start = process_time()
    model.fit(X[train], y[train])
    return error(model, X[test], y[test]), process_time() - start


def run_chain(seed):
    """The same for each size, every one started from the one before."""
    parts = {size: clusters(size) for size in CHAIN}
    trains = {size: split(len(y), seed)[0] for size, (_, y) in parts.items()}
    X = np.concatenate([parts[size][0][rows] for size, rows in trains.items()])
    y = np.concatenate([parts[size][1][rows] for size, rows in trains.items()])
    domain = np.repeat(list(trains), [len(rows) for rows in trains.values()])
    start = process_time()
    model = SequentialTransfer(network(seed), order=list(CHAIN), random_state=seed)
    model.fit(X, y, sample_domain=domain)
    seconds = (process_time() - start) / len(CHAIN)
    outcomes = {}
    for size, (X, y) in parts.items():
        test = split(len(y), seed)[1]
        outcomes[size] = error(model.stages_[size], X[test], y[test]), seconds
    return outcomes


def in_ev(errors, size):
    """What the table says of the last network beside Ha/atom."""
    last = np.mean(errors) * HARTREE
    return {"last network, eV/atom": f"{last:.3f}", "last network, eV": f"{last * (size + 1):.2f}"}


def chain_alone():
    """Measure the chain anew; the rest of the tables stays."""
    chains = Parallel(n_jobs=2, verbose=20)(delayed(run_chain)(seed) for seed in SPLITS)
    table, splits = (
        pd.read_csv(RESULTS / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("cluster_energies", "cluster_splits")
    )
    for size in CHAIN:
        errors = [chain[size][0] for chain in chains]
        for column, entry in ({CARRIED: spread(errors)} | in_ev(errors, size)).items():
            table.loc[table["set"] == f"SeB{size}", column] = entry
        row = (splits["set"] == f"SeB{size}") & (splits["model"] == CARRIED)
        splits.loc[row, [f"split {s}" for s in SPLITS]] = [f"{found:.4f}" for found in errors]
    save_table("cluster_energies", table, PROTOCOL)
    save_table("cluster_splits", splits, PROTOCOL + " Per split.")
    print("CPU seconds of a stage:", np.mean([seconds for chain in chains for _, seconds in chain.values()]))


def main():
    chosen = [f"{size}" for size in sys.argv[1:]]
    sets = [(size, screened) for size, screened in SETS if not chosen or str(size) in chosen]
    names = [SCRATCH, *baselines(0)]
    jobs = [
        (size, screened, name, seed)
        for size, screened in sets
        for name in names
        for seed in SPLITS
        if name != SCRATCH or size in SIZES_FROM_SCRATCH
    ]
    calls = [delayed(run_chain)(seed) for seed in SPLITS if not chosen]
    calls += [delayed(run)(*job) for job in jobs]
    outcomes = Parallel(n_jobs=2, verbose=20)(calls)
    chains, done = outcomes[: -len(jobs)], dict(zip(jobs, outcomes[-len(jobs) :], strict=True))
    rows, splits = [], []
    for size, screened in sets:
        n = len(clusters(size, screened)[1])
        of_names = [name for name in names if (size, screened, name, 0) in done]
        errors = {name: [done[size, screened, name, seed][0] for seed in SPLITS] for name in of_names}
        if screened and chains:
            errors[CARRIED] = [chain[size][0] for chain in chains]
        row = {"set": f"SeB{size}{'' if screened else ', all'}", "n_train": n - 2 * (n // 10)}
        row |= {
            name: spread(errors[name]) if name in errors else "" for name in (SCRATCH, CARRIED, *names[1:])
        }
        row |= in_ev(errors[CARRIED if CARRIED in errors else SCRATCH], size)
        if SCRATCH in errors:
            row["cpu_s"] = round(np.mean([done[size, screened, SCRATCH, seed][1] for seed in SPLITS]))
        rows.append(row)
        shown = [name for name in (SCRATCH, CARRIED, "boosting") if name in errors]
        splits += [
            {"set": row["set"], "model": name} | {f"split {s}": f"{errors[name][s]:.4f}" for s in SPLITS}
            for name in shown
        ]
    save_table("cluster_energies", pd.DataFrame(rows), PROTOCOL, update="set")
    save_table("cluster_splits", pd.DataFrame(splits), PROTOCOL + " Per split.", update="set")


if __name__ == "__main__":
    chain_alone() if sys.argv[1:] == ["chain"] else main()
