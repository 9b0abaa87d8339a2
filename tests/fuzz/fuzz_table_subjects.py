"""Public estimators and functions that take tables of numbers, with plain arguments."""

import functools

import numpy as np
from fuzz_cases import Subject
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from skxfer import FeatureTransfer, HierarchicalTransfer, SequentialTransfer, TableTransfer, TransferCV
from skxfer.density_ratio import logistic_ratio, ulsif_ratio
from skxfer.featurizers import ClippedScaler, SpectrumFeaturizer, TableFeaturizer
from skxfer.metrics import (
    masked_mean_absolute_error,
    masked_r2_score,
    masked_root_mean_squared_error,
    transfer_gain,
)
from skxfer.model_selection import (
    LeaveOneTargetDomainOut,
    LeaveTargetClusterOut,
    RepeatedLeaveTargetClusterOut,
    RepeatedTargetKFold,
    TargetKFold,
    learning_curve_transfer,
    portability_study,
    transfer_analysis,
    y_scrambling,
)
from skxfer.transfer import ActiveTransfer

rng = np.random.default_rng(0)
# Multiples of 1/8, which half precision holds as they are.
X = np.round(8 * rng.uniform(1.0, 6.0, size=(40, 4))) / 8
X_NEW = np.round(8 * rng.uniform(1.0, 6.0, size=(6, 4))) / 8
Y = np.round(8 * (X @ [1.0, -2.0, 0.5, 3.0] + rng.normal(size=40))) / 8
DOMAIN = np.repeat(["gas", "hexane", "water"], [20, 8, 12])
GROUPS = np.r_[np.arange(20), np.repeat(np.arange(100, 110), 2)]
SOURCE, TARGET = DOMAIN == "gas", DOMAIN != "gas"
GIVEN = {"X": X, "X_new": X_NEW, "y": Y}
OF_DOMAINS = GIVEN | {"sample_domain": DOMAIN, "sample_weight": np.ones(40)}


@functools.cache
def expert():
    return Ridge().fit(X[SOURCE], Y[SOURCE])


def _predict(model, X, y, X_new, **given):
    """Predictions of training rows and new rows, or features of both."""
    model.fit(X, y, **given)
    method = model.predict if hasattr(model, "predict") else model.transform
    return np.asarray(method(X_new), dtype=float)


def estimator(name, make, given=GIVEN, tolerance=1e-6, *traits):
    return Subject(name, given, lambda **g: _predict(make(), **g), tolerance, frozenset(traits))


def hierarchical(**params):
    return HierarchicalTransfer(Ridge(), source_domains=["gas"], cv=2, random_state=0, **params)


def whole_table():
    params = {"source_domains": ["gas"], "strategy": ["target_only", "merge"], "cv": 2, "random_state": 0}
    return TableTransfer({"ridge": Ridge()}, **params)


def transfer_cv():
    strategies = ["target_only", "source_only", "frozen_experts"]
    return TransferCV(expert(), Ridge(), strategy=strategies, cv=2, random_state=0)


def active():
    return ActiveTransfer(hierarchical(strategy="merge", guard=False), committee=3, random_state=0)


def network():
    from skxfer import HMNNRegressor

    size = {"expert_dim": 8, "hidden_dim": 8, "n_experts": 2, "n_members": 1, "max_epochs": 2}
    return HMNNRegressor(source_domains=["gas"], cv=2, random_state=0, **size)


FROZEN = HierarchicalTransfer(strategy="frozen_experts", guard=False)


def _features(make):
    """A transformer without labels."""
    return lambda X, X_new: np.asarray(make().fit(X).transform(X_new), dtype=float)


def _folds(make):
    """Rows that are tested, in the order of the folds."""

    def run(X, sample_domain):
        return np.concatenate([test for _, test in make().split(X, sample_domain=sample_domain)])

    return run


def _errors(study, **params):
    def run(X, y, sample_domain):
        table = study(Ridge(), X, y, sample_domain=sample_domain, **params)
        failed = table["error"][table["error"].astype(str) != ""] if "error" in table else []
        if len(failed):
            raise ValueError(failed.iloc[0].partition(": ")[2])
        return table["mae"].to_numpy()

    return run


def _analysis(X, y):
    sources = {"gas": (X[:20], y[:20])}
    table = transfer_analysis(Ridge(), sources, (X[20:], y[20:]), n_splits=2)
    failed = table["failure"][table["failure"] != ""]
    if len(failed):
        raise ValueError(failed.iloc[0].partition(": ")[2])
    return table["error"].to_numpy()


def _analysis_of_target(X_target, y_target):
    table = transfer_analysis(Ridge(), {"gas": (X[:20], Y[:20])}, (X_target, y_target), n_splits=2)
    failed = table["failure"][table["failure"] != ""]
    if len(failed):
        raise ValueError(failed.iloc[0].partition(": ")[2])
    return table["error"].to_numpy()


META = [
    estimator("HierarchicalTransfer", hierarchical, OF_DOMAINS | {"groups": GROUPS, "X_deploy": X_NEW}),
    estimator(
        "HierarchicalTransfer(frozen_experts)",
        lambda: hierarchical(strategy="frozen_experts", guard=False),
        OF_DOMAINS,
    ),
    estimator("HierarchicalTransfer(merge)", lambda: hierarchical(strategy="merge", guard=False), OF_DOMAINS),
    estimator(
        "HierarchicalTransfer(sources)",
        lambda: HierarchicalTransfer(Ridge(), sources=expert(), cv=2, random_state=0),
        GIVEN,
        1e-6,
        "trained source",
    ),
    estimator("TableTransfer", whole_table, OF_DOMAINS | {"groups": GROUPS, "X_deploy": X_NEW}),
    estimator("TransferCV", transfer_cv, OF_DOMAINS, 1e-6, "trained source"),
    estimator(
        "SequentialTransfer",
        lambda: SequentialTransfer(Ridge(), order=["gas", "hexane", "water"]),
        OF_DOMAINS,
    ),
    estimator("FeatureTransfer", lambda: FeatureTransfer(PCA(2).fit(X), Ridge())),
    estimator("FeatureTransfer(SafeHead)", FeatureTransfer, GIVEN | {"sample_weight": np.ones(40)}, 1e-5),
    estimator("HMNNRegressor", network, OF_DOMAINS | {"groups": GROUPS, "X_deploy": X_NEW}, 1e-3, "network"),
]
META += [
    estimator("ActiveTransfer", active, GIVEN | {"sample_domain": DOMAIN}),
]
TRANSFORMERS = [
    Subject("ClippedScaler", {"X": X, "X_new": X_NEW}, _features(ClippedScaler), 1e-5),
    Subject(
        "SpectrumFeaturizer",
        {"X": X, "X_new": X_NEW},
        _features(lambda: SpectrumFeaturizer(frequencies=[0], infrared=[1], raman=[2], dielectric=3)),
        1e-5,
    ),
    Subject(
        "TableFeaturizer",
        {"X": X, "X_new": X_NEW},
        _features(TableFeaturizer),
        1e-6,
        frozenset({"takes anything", "by name"}),
    ),
]
SPLITTERS = [
    Subject(
        f"{type(make()).__name__}.split",
        {"X": X, "sample_domain": DOMAIN},
        _folds(make),
        0.0,
        frozenset(() if "Cluster" in type(make()).__name__ else {"ignores X"}),
    )
    for make in (
        lambda: TargetKFold(3, source_domains=["gas"], random_state=0),
        lambda: LeaveOneTargetDomainOut(source_domains=["gas"]),
        lambda: LeaveTargetClusterOut(3, source_domains=["gas"], random_state=0),
        lambda: RepeatedTargetKFold(3, n_repeats=2, source_domains=["gas"], random_state=0),
        lambda: RepeatedLeaveTargetClusterOut(3, n_repeats=2, source_domains=["gas"], random_state=0),
    )
]
STUDIES = [
    Subject(
        "portability_study",
        {"X": X, "y": Y, "sample_domain": DOMAIN},
        _errors(
            lambda model, *a, **k: portability_study({"ridge": model}, *a, **k),
            source_domains=["gas"],
            cv=2,
            transfer=FROZEN,
        ),
        1e-6,
        frozenset({"errors"}),
    ),
    Subject(
        "learning_curve_transfer",
        {"X": X, "y": Y, "sample_domain": DOMAIN},
        _errors(learning_curve_transfer, source_domains=["gas"], cv=2, train_sizes=(1.0,), transfer=FROZEN),
        1e-6,
        frozenset({"errors"}),
    ),
    Subject(
        "y_scrambling",
        {"X": X, "y": Y, "sample_domain": DOMAIN},
        _errors(y_scrambling, n_permutations=2, cv=2, random_state=0),
        1e-6,
        frozenset({"errors"}),
    ),
    Subject(
        "transfer_analysis",
        {"X": X[20:], "y": Y[20:]},
        lambda X, y: _analysis_of_target(X, y),
        1e-6,
        frozenset({"errors"}),
    ),
]
FUNCTIONS = [
    Subject(
        "logistic_ratio", {"X": X, "X_new": X_NEW}, lambda X, X_new: logistic_ratio(X, X_new, random_state=0)
    ),
    Subject("ulsif_ratio", {"X": X, "X_new": X_NEW}, lambda X, X_new: ulsif_ratio(X, X_new, random_state=0)),
    *(
        Subject(
            score.__name__,
            {"y": Y, "sample_weight": np.ones(40)},
            lambda y, sample_weight, score=score: score(y, Y + 0.5, sample_weight=sample_weight),
            1e-6,
            frozenset({"errors"}),
        )
        for score in (masked_mean_absolute_error, masked_root_mean_squared_error, masked_r2_score)
    ),
    Subject(
        "transfer_gain", {"y": Y}, lambda y: transfer_gain(y, Y + 0.5, Y + 1.0), 1e-6, frozenset({"errors"})
    ),
]
TABLES = [*META, *TRANSFORMERS, *SPLITTERS, *STUDIES, *FUNCTIONS]
