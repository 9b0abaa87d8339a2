"""What the benchmarks of clusters share: the sets, the splits, and the learners beside the network."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from skxfer.datasets import fetch_boron_clusters
from skxfer.featurizers import ClusterFeaturizer, SOAPFeaturizer
from skxfer.inputs import as_object_array
from skxfer.structures import HARTREE

SPLITS = range(3)


def clusters(size, screened=True, system="SeBn"):
    """Structures and their energies in eV/atom; screened: those below the energy of the free atoms."""
    data = fetch_boron_clusters(system, size)
    kept = data.bound if screened else np.ones(len(data.data), dtype=bool)
    atoms = as_object_array(data.data)[kept]
    return atoms, data.target[kept] / len(atoms[0])


def split(n, seed):
    """Rows to train on and rows to test on; a tenth is for validation and in neither."""
    order = np.random.RandomState(seed).permutation(n)
    tenth = n // 10
    return order[2 * tenth :], order[:tenth]


def baselines(seed):
    """Learners that see the training rows of the target alone, by name."""
    ridge = GridSearchCV(
        KernelRidge(kernel="polynomial", degree=2, coef0=0.0, gamma=1.0),
        {"alpha": 10.0 ** np.arange(-6, 1)},
        scoring="neg_mean_absolute_error",
        cv=3,
    )
    boosting = HistGradientBoostingRegressor(loss="absolute_error", random_state=seed)
    return {
        "median": DummyRegressor(strategy="median"),
        "boosting": make_pipeline(ClusterFeaturizer(), boosting),
        "SOAP + kernel ridge": make_pipeline(
            SOAPFeaturizer(), Normalizer(), TransformedTargetRegressor(ridge, transformer=StandardScaler())
        ),
    }


def error(model, X, y):
    """Mean absolute error in Ha/atom, the unit of the labels as published."""
    return np.abs(model.predict(X) - y).mean() / HARTREE
