"""Values that no parameter can have, for every parameter of every public estimator."""

import numpy as np
from fuzz_cases import SkipError, Subject
from fuzz_object_subjects import FORMULAS, SMILES, STRUCTURES
from fuzz_table_subjects import TARGET, X, Y

from skxfer import FeatureTransfer, HierarchicalTransfer, SequentialTransfer, TransferCV
from skxfer.featurizers import (
    ClippedScaler,
    ClusterFeaturizer,
    CompositionFeaturizer,
    CoulombMatrixFeaturizer,
    FingerprintFeaturizer,
    MBTRFeaturizer,
    SmilesToAtoms,
    SOAPFeaturizer,
    SpectrumFeaturizer,
    TableFeaturizer,
)
from skxfer.model_selection import LeaveTargetClusterOut, RepeatedTargetKFold, TargetKFold


class Foreign:
    """Nothing that any parameter could be."""

    def __repr__(self):
        return "<foreign>"


def estimators():
    """Public estimators, each with inputs to fit it to."""
    from skxfer import HMNNRegressor, LGDCNNRegressor, QDDTransformer, SchNetIIARegressor

    table, energy = (X[TARGET], Y[TARGET]), Y[:12]
    return {
        **{model: table for model in (HierarchicalTransfer, TransferCV, SequentialTransfer, FeatureTransfer)},
        **{model: table for model in (ClippedScaler, SpectrumFeaturizer, TableFeaturizer, HMNNRegressor)},
        CompositionFeaturizer: (FORMULAS, energy),
        LGDCNNRegressor: (FORMULAS, energy),
        FingerprintFeaturizer: (SMILES, energy),
        SmilesToAtoms: (SMILES, energy),
        **{
            model: (STRUCTURES, energy)
            for model in (
                *(ClusterFeaturizer, SOAPFeaturizer, MBTRFeaturizer, CoulombMatrixFeaturizer),
                *(SchNetIIARegressor, QDDTransformer),
            )
        },
    }


# Values that are of no use anywhere; what a parameter may be after all is skipped.
VALUES = {"foreign": Foreign(), "complex": 1j, "NaN": float("nan"), "text": "no such value", "bytes": b"x"}


def parameter_subjects():
    """One subject for each parameter of each estimator: it is set and the estimator fitted."""
    found = []
    for model, given in estimators().items():
        allowed = model._parameter_constraints
        for name in model().get_params(deep=False):
            found.append(
                Subject(
                    f"{model.__name__}({name}=)",
                    {"parameter": None},
                    lambda parameter, m=model, n=name, g=given: _fitted(m, n, parameter, g),
                    traits=frozenset({name, *map(str, allowed.get(name, ["any"]))}),
                )
            )
    for splitter in (TargetKFold, LeaveTargetClusterOut, RepeatedTargetKFold):
        for name in splitter().get_params(deep=False):
            found.append(
                Subject(
                    f"{splitter.__name__}({name}=)",
                    {"parameter": None},
                    lambda parameter, s=splitter, n=name: _split(s, n, parameter),
                    traits=frozenset({name}),
                )
            )
    return found


def _fitted(model, name, value, given):
    if value is None:
        return np.zeros(1)  # the plain call, with which nothing is compared
    model(**{name: value}).fit(*given)
    raise SkipError("it is a value of this parameter")


def _split(splitter, name, value):
    if value is None:
        return np.zeros(1)
    list(splitter(**{name: value}).split(X, groups=np.where(TARGET, "water", "gas")))
    raise SkipError("it is a value of this parameter")
