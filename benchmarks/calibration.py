"""Do the error bars of predict(return_std=True) hold? Coverage of 68 % and 95 % intervals."""

import os

import numpy as np
import pandas as pd
from _common import save_table
from scipy.stats import norm
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, SpectrumFeaturizer
from skxfer.datasets import fetch_co_ag, load_co_ag_emt, make_domains


def coverage(model, X, y):
    mean, std = model.predict(X, return_std=True)
    z = np.abs(mean - y) / std
    return (z < norm.ppf(0.84)).mean(axis=0), (z < norm.ppf(0.975)).mean(axis=0)


def synthetic(learner, relation):
    both = []
    for seed in range(20):
        data = make_domains(relation=relation, n_target=50, n_test=500, random_state=seed)
        train, test = data.domain != "test", data.domain == "test"
        model = HierarchicalTransfer(
            learner, source_domains=data.source_domains, predict_on="similar", random_state=seed
        )
        model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
        both.append(coverage(model, data.data[test], data.target[test]))
    return np.mean(both, axis=0)


def spectra(learner, data, test):
    learner = TransformedTargetRegressor(
        make_pipeline(SpectrumFeaturizer(), MultiOutputRegressor(learner)), transformer=StandardScaler()
    )
    model = HierarchicalTransfer(learner, source_domains=["gas", "water"], random_state=0, n_jobs=2)
    X, y, domain = data
    model.fit(X, y, sample_domain=domain)
    return model, coverage(model, *test)


if __name__ == "__main__":
    rows = []
    for name, learner in {"SVR": SVR(C=10), "extra trees": ExtraTreesRegressor(100)}.items():
        for relation in ("related", "unrelated"):
            inner, outer = synthetic(learner, relation)
            rows.append([f"make_domains, {relation}", name, "y", inner, outer])
        sets = {}
        emt = load_co_ag_emt()
        held = np.isin(emt.domain, emt.test_domains)
        sets["CO@Ag (EMT), held-out solvents"] = (
            (emt.data[~held], emt.target[~held], emt.domain[~held]),
            (emt.data[held], emt.target[held]),
            emt.target_names,
        )
        if "SKXFER_DATA" in os.environ:
            train = fetch_co_ag(subset=["gas", "water", "multisolvent"])
            test = fetch_co_ag(subset=["cyclohexane", "diethyl_ether"])
            sets["CO@Ag (DFT), cyclohexane + diethyl ether"] = (
                (train.data, train.target, train.domain),
                (test.data, test.target),
                train.target_names,
            )
        for label, (data, test, names) in sets.items():
            _, (inner, outer) = spectra(learner, data, test)
            rows += [[label, name, *row] for row in zip(names, inner, outer, strict=True)]
    table = pd.DataFrame(rows, columns=["data", "learner", "target", "within_68", "within_95"])
    save_table(
        "calibration",
        table.round(3),
        "Share of test labels within the central 68 % and 95 % interval of a normal distribution with the "
        "predicted mean and standard deviation. make_domains: 50 target rows, 20 seeds, "
        "predict_on='similar'.",
    )
