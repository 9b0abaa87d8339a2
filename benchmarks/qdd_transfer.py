"""Energies of molecules from few labels: the quantum deep descriptor beside those that are not learned."""

import copy
import functools
import os
import sys
from time import process_time

import numpy as np
import pandas as pd
import torch
from _common import save_table, spread
from joblib import Memory
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, RidgeCV

from skxfer import FeatureTransfer, QDDTransformer
from skxfer.datasets import fetch_qm7, fetch_qm9_subset, load_g2
from skxfer.featurizers import CoulombMatrixFeaturizer, MBTRFeaturizer, SOAPFeaturizer
from skxfer.structures import read_structures

PRETRAINED = "qdf-qm9under14-atomization"
# Networks that have learned nothing: split s uses one of them.
RANDOM_SEEDS = range(5)
# What the head sees. SOAP is a mean over atoms; energies are sums, so that it is tried as one as well.
BLOCKS = {
    "composition": ["counts"],
    "Coulomb matrix": ["Coulomb matrix"],
    "SOAP": ["SOAP"],
    "SOAP, summed": ["SOAP, summed"],
    "MBTR": ["MBTR"],
    "random QDD": ["random QDD"],
    "QDD": ["QDD"],
    "random QDD + MBTR": ["random QDD", "MBTR"],
    "QDD + SOAP, summed": ["QDD", "SOAP, summed"],
    "QDD + MBTR": ["QDD", "MBTR"],
}
SUMMED = ", summed"
OWN, CORRECTED = "QDD, its own head", "QDD, its own head, elements corrected"
HEADS = {"default": None, "RidgeCV": RidgeCV(np.logspace(-4, 4, 17))}
# A folder in which descriptors are kept from one run to the next.
keep = Memory(os.environ.get("SKXFER_BENCHMARK_CACHE"), verbose=0).cache


@functools.cache
def molecules(name):
    """List of Atoms, energies in eV, and which are small molecules of G2."""
    if name == "qm7":
        data = fetch_qm7()
        kept = [len(atoms) >= 15 and set(atoms.symbols) <= set("HCNO") for atoms in data.data]
        kept = np.flatnonzero(kept & ~data.duplicate)
        return [data.data[row] for row in kept], data.target[kept], None
    if name == "qm9":
        data = fetch_qm9_subset("under14", split="test")
        return data.data, data.target, None
    data = load_g2(elements=list("HCNOF"))
    return data.data, data.target + data.zero_point_energy, data.domain == "small"


def qdd(seed=None):
    """The authors' network, or one of the same architecture with random weights."""
    model = QDDTransformer.from_pretrained(PRETRAINED)
    if seed is not None:
        torch.manual_seed(seed)
        model.net_ = copy.deepcopy(model.net_).initialize()
        model.net_.module_.eval().requires_grad_(False)
    return model


@functools.cache
@keep
def describe(name, kind, seed=None):
    """Descriptors of all molecules of a set, and how many are computed in a CPU second."""
    X = molecules(name)[0]
    if kind == "counts":
        counts = read_structures(X).counts()
        return counts[:, counts.any(axis=0)].astype(float), None
    if kind == OWN:
        return qdd().predict(X)[:, None], None
    describer = {
        "QDD": lambda: qdd(seed),
        "random QDD": lambda: qdd(seed),
        "Coulomb matrix": lambda: CoulombMatrixFeaturizer("eigenspectrum").fit(X),
        "SOAP": lambda: SOAPFeaturizer().fit(X),
        "MBTR": lambda: MBTRFeaturizer().fit(X),
    }[kind]()
    describer.transform(X[:10])  # imports, and what is made once
    start = process_time()
    table = describer.transform(X)
    return table, len(X) / (process_time() - start)


def tables(name, row, split):
    """What the head sees of a set, as list of ndarray."""
    found = []
    for kind in BLOCKS[row]:
        table = describe(name, kind.removesuffix(SUMMED), *_seed(kind, split))[0]
        if kind.endswith(SUMMED):
            table = table * np.array([[len(atoms)] for atoms in molecules(name)[0]])
        found.append(table)
    return found


def _seed(kind, split):
    return [split % len(RANDOM_SEEDS)] if kind == "random QDD" else []


def head(parts, estimator):
    """FeatureTransfer for tables that stand side by side."""
    ends = np.cumsum([0, *(part.shape[1] for part in parts)])
    blocks = [
        (f"block{k}", ColumnTransformer([("columns", "passthrough", slice(*ends[k : k + 2]))]))
        for k in range(len(parts))
    ]
    return FeatureTransfer(estimator=estimator, passthrough=blocks)


def error(name, row, train, test, split, estimator=None):
    """Mean absolute error in eV on the test rows."""
    y = molecules(name)[1]
    known, counts = describe(name, OWN)[0].ravel(), describe(name, "counts")[0]
    if row == "mean":
        predicted = DummyRegressor().fit(counts[train], y[train]).predict(counts[test])
    elif row == OWN:
        predicted = known[test]
    elif row == CORRECTED:
        correction = LinearRegression().fit(counts[train], (y - known)[train])
        predicted = known[test] + correction.predict(counts[test])
    else:
        parts = tables(name, row, split)
        X = np.hstack(parts)
        predicted = head(parts, estimator).fit(X[train], y[train]).predict(X[test])
    return np.abs(predicted - y[test]).mean()


def random_splits(name, sizes, n_splits, n_test=None):
    """For each size: training and test rows of each split. Test rows: the last n_test, or all others."""
    n = len(molecules(name)[1])
    orders = [np.random.RandomState(split).permutation(n) for split in range(n_splits)]
    return {
        f"n = {size}": [(order[:size], order[-(n_test or n - size) :]) for order in orders] for size in sizes
    }


def measure(name, splits):
    """One row for each descriptor, one column for each kind of split and head."""
    rows = []
    for row in ("mean", OWN, CORRECTED, *BLOCKS):
        found = {"descriptor": row, "features": "", "molecules/s": ""}
        if row in BLOCKS:
            found["features"] = sum(part.shape[1] for part in tables(name, row, 0))
        if row in BLOCKS and len(BLOCKS[row]) == 1:
            rate = describe(name, BLOCKS[row][0].removesuffix(SUMMED), *_seed(row, 0))[1]
            found["molecules/s"] = f"{rate:.0f}" if rate else ""
        for column, pairs in splits.items():
            for label, estimator in HEADS.items():
                learned = row in BLOCKS
                if not learned and label != "default":
                    found[f"{label}, {column}"] = ""
                    continue
                # The same rows again make sense where the descriptor has a seed of its own.
                again = RANDOM_SEEDS if len(pairs) == 1 and "random" in row else range(len(pairs))
                errors = [error(name, row, *pairs[s % len(pairs)], s, estimator) for s in again]
                found[column if label == "default" else f"{label}, {column}"] = (
                    spread(errors, 3) if len(errors) > 1 else f"{errors[0]:.3f}"
                )
        rows.append(found)
        print(*found.values(), sep=" | ", flush=True)
    table = pd.DataFrame(rows)
    return table[[*table.columns[:3], *splits, *(f"RidgeCV, {column}" for column in splits)]]


PROTOCOL = (
    "Mean absolute error in eV, mean ± standard deviation over splits. First FeatureTransfer with its "
    "default head; then, RidgeCV, with RidgeCV(logspace(-4, 4, 17)) in its place on the same scaled "
    "features. QDD: QDDTransformer.from_pretrained('qdf-qm9under14-atomization'), frozen. random QDD: the "
    "same architecture with random weights, split s with the seed s modulo 5. Its own head: predict, which "
    "needs no label; elements corrected: plus a linear function of the numbers of atoms, fitted on the "
    "training rows. composition: these numbers alone. MBTR, SOAP and the eigenvalues of the Coulomb matrix "
    "with default settings; summed: SOAP times the number of atoms. Molecules in a CPU second, from "
    "coordinates to descriptor, on one thread of a shared machine. "
)


def main():
    torch.set_num_threads(1)
    chosen = sys.argv[1:] or ["qm7", "qm9", "g2"]
    if "qm7" in chosen:
        splits = random_splits("qm7", (50, 100, 300), 20)
        protocol = PROTOCOL + (
            "QM7, 15 to 23 atoms of H, C, N and O, duplicates left out: 4555 molecules, n random ones for "
            "training, all others for test, 20 splits."
        )
        save_table("qdd_qm7", measure("qm7", splits), protocol)
    if "qm9" in chosen:
        splits = random_splits("qm9", (100, 200, 500, 1000), 5, n_test=480)
        protocol = PROTOCOL + (
            "QM9 up to 14 atoms, the authors' test file, 1480 molecules: n for training, the same 480 of a "
            "split for test, 5 splits. The network has learned from other molecules of this kind."
        )
        save_table("qdd_qm9", measure("qm9", splits), protocol)
    if "g2" in chosen:
        small = molecules("g2")[2]
        splits = {"small to large": [(np.flatnonzero(small), np.flatnonzero(~small))]}
        splits |= random_splits("g2", (60,), 20)
        protocol = PROTOCOL + (
            "G2 molecules of H, C, N, O and F, experimental energies at 0 K (with zero-point energy). Small "
            "to large: 33 with up to two atoms other than hydrogen for training, the 60 others for test; "
            "random QDD over five seeds. n = 60: random rows for training, 33 for test, 20 splits."
        )
        save_table("qdd_g2", measure("g2", splits), protocol)


if __name__ == "__main__":
    main()
