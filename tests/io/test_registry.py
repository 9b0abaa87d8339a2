"""Names in files are stable: they say nothing of where the code of skxfer lives."""

import contextlib
import importlib
import inspect
import json
import pkgutil
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVR

import skxfer
from skxfer import featurizers, io, model_selection, models, transfer
from skxfer.io import registry
from skxfer.metrics import masked_scorer

ARCHIVE = Path(__file__).parents[1] / "archive"
rng = np.random.default_rng(0)
X = rng.normal(size=(36, 3))
y = X[:, 0] + X[:, 1] ** 2
Y = np.c_[y, X[:, 2]]
DOMAIN = np.repeat(["gas", "target"], 18)
COUNTS = rng.integers(1, 6, size=(36, 3))
FORMULAS = [f"C{c}H{h}O{o}" for c, h, o in COUNTS]
MOLECULES = [([6, 1, 8], np.diag([1.1, 1.2, 1.3 + 0.01 * i])) for i in range(36)]

# Bases that others inherit from, and helpers that no fitted estimator keeps.
NOT_SAVED = {
    "Competition",
    "DscribeFeaturizer",
    "OnExperts",
    "OnLowFidelity",
    "StructureFeaturizer",
    "_TargetSplitter",
    "_Repeated",
    "_Columns",
}
SAVED_BASES = {
    *("sklearn.base.BaseEstimator", "torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer"),
    *("torch.utils.data.dataset.Dataset", "skorch.callbacks.base.Callback"),
}


def own_classes():
    """Every class of skxfer that inherits from something a file may hold."""
    for module in pkgutil.walk_packages(skxfer.__path__, "skxfer."):
        with contextlib.suppress(ImportError):
            for cls in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(cls) and cls.__module__ == module.name:
                    bases = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
                    if bases & SAVED_BASES and cls.__name__ not in NOT_SAVED:
                        yield cls


def test_every_class_that_a_file_may_hold_has_one_name():
    classes = list(own_classes())
    assert len(classes) > 20
    assert [cls.__name__ for cls in classes if registry.own_name(cls) is None] == []


@pytest.mark.parametrize("name", sorted(registry.OWN))
def test_every_name_leads_to_a_class_or_function_and_back(name):
    try:
        obj = registry.own(name)
    except ImportError as error:
        pytest.skip(f"{name} needs an optional package: {error}")
    assert inspect.isclass(obj) or inspect.isfunction(obj)
    assert registry.own_name(obj) == name


def test_names_of_earlier_versions_lead_to_names_of_today():
    assert set(registry.FORMER.values()) <= set(registry.OWN)


def lgdcnn():
    letters = pd.DataFrame(np.eye(3), index=list("CHO"))
    return models.LGDCNNRegressor(
        embedding=letters, calibration=None, hidden_dim=8, n_blocks=1, max_epochs=2
    ).fit(FORMULAS, y)


def hmnn():
    params = {
        "max_epochs": 2,
        "n_members": 2,
        "hidden_dim": 8,
        "expert_dim": 4,
        "source_domains": ["gas"],
    }
    return models.HMNNRegressor(**params).fit(X, y, sample_domain=DOMAIN)


def schnet():
    return models.SchNetIIARegressor(hidden_dim=8, n_interactions=1, n_rbf=4, cutoff=3.0, max_epochs=2).fit(
        MOLECULES, y
    )


def qdd():
    return models.QDDTransformer(hidden_dim=4, n_layers=1, radius=0.5, spacing=0.5, max_epochs=1).fit(
        MOLECULES, y
    )


def chain(learner):
    return transfer.SequentialTransfer(learner, order=["gas", "target"]).fit(X, y, sample_domain=DOMAIN)


def hierarchical(labels):
    model = transfer.HierarchicalTransfer(SVR(), source_domains=["gas"], cv=2, random_state=0)
    return model.fit(X, labels, sample_domain=DOMAIN)


def missing(labels):
    labels = labels.copy()
    labels[::5, 1] = np.nan
    return labels


def search():
    splitters = [model_selection.TargetKFold(2, source_domains=["gas"])]
    grid = {"alpha": [0.1, 1.0]}
    model = GridSearchCV(Ridge(), grid, scoring=masked_scorer("r2", target=0), cv=3).fit(X, Y)
    model.splitters = splitters
    return model


SAVED = {
    "blend": lambda: hierarchical(y),
    "two targets": lambda: hierarchical(missing(Y)),
    "transfer cv": lambda: transfer.TransferCV(
        estimator=Ridge(), candidates=[("baseline", RandomForestRegressor(3))], cv=2
    ).fit(X, y),
    "features": lambda: transfer.FeatureTransfer(estimator=Ridge()).fit(X, y),
    "chain": lambda: chain(Ridge()),
    "hmnn": hmnn,
    "lgdcnn": lgdcnn,
    "schnet": schnet,
    "qdd": qdd,
    "search": search,
    **{
        name: (lambda name=name: getattr(featurizers, name)())
        for name in (
            *("ClippedScaler", "ClusterFeaturizer", "CompositionFeaturizer", "CoulombMatrixFeaturizer"),
            *("MBTRFeaturizer", "SOAPFeaturizer", "SmilesToAtoms", "SpectrumFeaturizer"),
        )
    },
}


@pytest.mark.parametrize("name", SAVED)
def test_no_file_says_where_the_code_of_skxfer_lives(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = SAVED[name]()
        except ImportError as error:
            pytest.skip(str(error))
    io.save(model, tmp_path / "model.skxfer")
    with zipfile.ZipFile(tmp_path / "model.skxfer") as archive:
        text = b"\n".join(archive.read(member) for member in archive.namelist())
        names = json.loads(archive.read("skxfer.json"))["names"]
    assert re.findall(rb"skxfer\.(?!json)\w+", text) == []
    own = [name for module, name in names if module == "skxfer"]
    assert own or name == "features"
    assert set(own) <= set(registry.OWN)
    assert type(io.load(tmp_path / "model.skxfer")) is type(model)


@pytest.fixture
def changed(monkeypatch):
    """Changes the registry for one test."""

    def change(name, place):
        monkeypatch.setitem(registry.OWN, name, place)
        registry._names_by_attribute.cache_clear()

    yield change
    monkeypatch.undo()
    registry._names_by_attribute.cache_clear()


def test_a_class_that_moves_and_is_renamed_costs_one_line(tmp_path, monkeypatch, changed):
    io.save(featurizers.ClippedScaler(clip=2.0), tmp_path / "model.skxfer")
    moved = type("Renamed", (featurizers.ClippedScaler,), {"__module__": "skxfer.transfer"})
    monkeypatch.setattr(transfer, "Renamed", moved, raising=False)
    changed("ClippedScaler", "skxfer.transfer:Renamed")
    loaded = io.load(tmp_path / "model.skxfer")
    assert type(loaded) is moved
    assert loaded.clip == 2.0


def test_a_class_without_a_name_is_refused_at_save(tmp_path, changed):
    changed("ClippedScaler", "skxfer.transfer:SequentialTransfer")
    with pytest.raises(TypeError, match=r"Ridge\.alpha: skxfer.*ClippedScaler has no name in files"):
        io.save(Ridge(alpha=featurizers.ClippedScaler()), tmp_path / "model.skxfer")


def test_a_name_of_a_later_version_is_refused_by_name(tmp_path):
    path = tmp_path / "model.skxfer"
    io.save(featurizers.ClippedScaler(), path)
    with zipfile.ZipFile(path) as archive:
        tree = json.loads(archive.read("skxfer.json"))
    tree["names"] = [["skxfer", "FromTheFuture"]]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("skxfer.json", json.dumps(tree))
    with pytest.raises(ValueError, match="skxfer:FromTheFuture"):
        io.load(path)
