"""Public estimators and functions that take formulas, SMILES and structures, with plain arguments."""

import numpy as np
import pandas as pd
from fuzz_cases import SkipError, Subject
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skxfer import FeatureTransfer, HierarchicalTransfer, TransferCV
from skxfer.featurizers import (
    ClusterFeaturizer,
    CompositionFeaturizer,
    CoulombMatrixFeaturizer,
    FingerprintFeaturizer,
    MatminerFeaturizer,
    MBTRFeaturizer,
    SmilesToAtoms,
    SOAPFeaturizer,
    TableFeaturizer,
)
from skxfer.formulas import ELEMENTS, combine_properties, composition_groups, parse_formulas
from skxfer.screening import screen_unbound
from skxfer.structures import neighbour_pairs, read_structures

FORMULAS = ["Fe2O3", "NaCl", "MgO", "TiO2", "CuO", "Al2O3", "SiO2", "ZnS", "GaAs", "Cu", "Ag", "BaTiO3"]
SMILES = ["CCO", "c1ccccc1", "CC(=O)O", "CCN", "C", "O", "CC#N", "CCCl", "C=C", "CO", "C1CC1", "CCC"]
ENERGY = np.round(8 * np.random.default_rng(0).normal(size=12)) / 8
DOMAIN = np.repeat(["gas", "water"], [6, 6])
WATER = np.array([[0.0, 0.0, 0.0], [0.0, 0.76, 0.59], [0.0, -0.76, 0.59]])
# Water molecules of twelve sizes: a lone structure, (numbers, positions).
STRUCTURES = [(np.array([8, 1, 1]), np.round(64 * (1 + 0.01 * i) * WATER) / 64) for i in range(12)]


ONE_HOT = pd.DataFrame(np.eye(118)[:, :30], index=ELEMENTS)


def _labels(X):
    """As many labels as there are rows, where these can be counted."""
    return ENERGY[: len(X)] if hasattr(X, "__len__") else ENERGY


def _features(make):
    return lambda X: np.asarray(make().fit(X).transform(X), dtype=float)


def _transferred(make, **params):
    """Predictions of a meta-estimator around a learner that reads objects."""

    def run(X):
        model = HierarchicalTransfer(
            make_pipeline(make(), Ridge()), source_domains=["gas"], strategy="merge", guard=False
        )
        return model.fit(X, _labels(X), sample_domain=DOMAIN[: len(_labels(X))]).predict(X)

    return run


def _chosen(make):
    def run(X):
        learner = make_pipeline(make(), Ridge())
        model = TransferCV(estimator=learner, strategy="target_only", cv=2, random_state=0)
        return model.fit(X, _labels(X)).predict(X)

    return run


def _encoded(make, plain):
    return lambda X: FeatureTransfer(make().fit(plain), Ridge()).fit(X, _labels(X)).predict(X)


def _network_of_formulas(X):
    from skxfer import LGDCNNRegressor

    size = {"hidden_dim": 8, "n_blocks": 1, "max_epochs": 2, "batch_size": 4, "random_state": 0}
    model = LGDCNNRegressor(embedding=ONE_HOT, calibration=None, **size)
    return model.fit(X, _labels(X)).predict(X)


def _network_of_atoms(X):
    from skxfer import SchNetIIARegressor

    size = {"hidden_dim": 8, "n_interactions": 1, "n_rbf": 8, "cutoff": 3.0, "max_epochs": 2}
    return SchNetIIARegressor(random_state=0, **size).fit(X, _labels(X)).predict(X)


def _network_of_orbitals(X):
    from skxfer import QDDTransformer

    size = {"hidden_dim": 8, "n_layers": 1, "radius": 0.5, "spacing": 0.5, "max_epochs": 1}
    return QDDTransformer(random_state=0, **size).fit(X, _labels(X)).transform(X)


def _fractions(X):
    return parse_formulas(X).toarray()


def _combined(X):
    return combine_properties({"gap": (X, _labels(X))})[1].to_numpy()


def _positions(X):
    return read_structures(X).positions


def _pairs(X):
    pairs = neighbour_pairs(read_structures(X), 3.0)
    return np.c_[pairs.i, pairs.j]


def _screened(X):
    return screen_unbound(X).keep.astype(float)


def _table(name, kind):
    """A column of a table, and one of numbers."""

    def run(X):
        if not isinstance(X, (list, tuple, pd.Series)) or len(X) != len(ENERGY):
            raise SkipError("a column of a table")
        table = pd.DataFrame({name: X, "gap": ENERGY})
        return TableFeaturizer({name: kind}).fit_transform(table)

    return run


def _molecules(X):
    return _features(ClusterFeaturizer)(SmilesToAtoms(n_conformers=1, optimize=False).fit_transform(X))


def _valence():
    from matminer.featurizers.composition import ValenceOrbital

    return MatminerFeaturizer(ValenceOrbital())


def fractions():
    return CompositionFeaturizer("fractions")


def fingerprints():
    return FingerprintFeaturizer("ecfp", n_bits=64)


def _of(argument, value, functions, tolerance=1e-6):
    return [
        Subject(name, {argument: value}, lambda f=run, **given: f(given[argument]), tolerance)
        for name, run in functions.items()
    ]


OBJECTS = [
    *_of(
        "formulas",
        FORMULAS,
        {
            "parse_formulas": _fractions,
            "composition_groups": composition_groups,
            "combine_properties": _combined,
            "CompositionFeaturizer(fractions)": _features(fractions),
            "CompositionFeaturizer(magpie)": _features(CompositionFeaturizer),
            "MatminerFeaturizer": _features(_valence),
            "TableFeaturizer(formula)": _table("formula", "formula"),
            "HierarchicalTransfer(formulas)": _transferred(fractions),
            "TransferCV(formulas)": _chosen(fractions),
            "FeatureTransfer(formulas)": _encoded(fractions, FORMULAS),
            "LGDCNNRegressor": _network_of_formulas,
        },
        1e-4,
    ),
    *_of(
        "smiles",
        SMILES,
        {
            "FingerprintFeaturizer": _features(fingerprints),
            "FingerprintFeaturizer(descriptors)": _features(FingerprintFeaturizer),
            "SmilesToAtoms": _molecules,
            "TableFeaturizer(smiles)": _table("smiles", "smiles"),
            "HierarchicalTransfer(smiles)": _transferred(fingerprints),
            "FeatureTransfer(smiles)": _encoded(fingerprints, SMILES),
        },
    ),
    *_of(
        "structures",
        STRUCTURES,
        {
            "read_structures": _positions,
            "neighbour_pairs": _pairs,
            "screen_unbound": _screened,
            "ClusterFeaturizer": _features(ClusterFeaturizer),
            "SOAPFeaturizer": _features(lambda: SOAPFeaturizer(r_cut=4.0, n_max=2, l_max=1)),
            "MBTRFeaturizer": _features(lambda: MBTRFeaturizer(n_grid=5)),
            "CoulombMatrixFeaturizer": _features(CoulombMatrixFeaturizer),
            "TableFeaturizer(structure)": _table("structure", "structure"),
            "HierarchicalTransfer(structures)": _transferred(ClusterFeaturizer),
            "FeatureTransfer(structures)": _encoded(ClusterFeaturizer, STRUCTURES),
            "SchNetIIARegressor": _network_of_atoms,
            "QDDTransformer": _network_of_orbitals,
        },
        1e-4,
    ),
]
