"""Every public estimator through scikit-learn's checks and ours. A new model adds a line to each registry."""

import functools
import importlib
import inspect
import pickle
import pkgutil
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

import skxfer
from skxfer import (
    ActiveTransfer,
    FeatureTransfer,
    HierarchicalTransfer,
    SequentialTransfer,
    SpectrumFeaturizer,
    TableTransfer,
    TransferCV,
)
from skxfer.featurizers import (
    ClippedScaler,
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
from skxfer.inputs import as_object_array
from skxfer.learners import PerTarget
from skxfer.model_selection import TargetKFold
from skxfer.models import HMNNRegressor, LGDCNNRegressor, QDDTransformer, SchNetIIARegressor
from skxfer.structures import TakesStructures


class Composition(TransformerMixin, BaseEstimator):
    """Counts of C, H and O in formulas such as C2H6O: objects in, numbers out."""

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def transform(self, X):
        counts = [[re.search(f"{element}(\\d+)", formula) for element in "CHO"] for formula in X]
        return np.array([[float(count[1]) if count else 0.0 for count in row] for row in counts])


# Estimators that take a table: all of scikit-learn's checks, none of them expected to fail.
TABLE = [
    ClippedScaler(),
    SpectrumFeaturizer(),
    TableFeaturizer(),
    ActiveTransfer(Ridge(), committee=3),
    FeatureTransfer(),
    FeatureTransfer(estimator=Ridge()),
    HierarchicalTransfer(),
    HierarchicalTransfer(Ridge()),
    SequentialTransfer(),
    SequentialTransfer(Ridge()),
    TableTransfer(["ridge"], cv=2, random_state=0),
    TransferCV(estimator=Ridge(), candidates=[("baseline", RandomForestRegressor(3))], cv=2),
    TransferCV(estimator=Ridge(), candidates=[("baseline", Ridge(10.0))], combine="blend", cv=4),
    HMNNRegressor(max_epochs=30, n_members=2, hidden_dim=32, expert_dim=16),
]
# Estimators that learn from objects (formulas here, structures elsewhere) and their domains.
DOMAINS = {
    "guarded": HierarchicalTransfer(
        make_pipeline(Composition(), Ridge()), source_domains=["gas"], cv=2, random_state=0
    ),
    "frozen": HierarchicalTransfer(
        make_pipeline(Composition(), Ridge()), source_domains=["gas"], strategy="frozen_experts", guard=False
    ),
    "merged forest": HierarchicalTransfer(
        make_pipeline(Composition(), RandomForestRegressor(3)),
        source_domains=["gas"],
        strategy="merge",
        guard=False,
        random_state=0,
    ),
    "chain": SequentialTransfer(make_pipeline(Composition(), Ridge()), order=["gas", "water"]),
    "chain of forests": SequentialTransfer(
        make_pipeline(Composition(), RandomForestRegressor(3)), order=["gas", "water"], random_state=0
    ),
}


def _valence():
    return importlib.import_module("matminer.featurizers.composition").ValenceOrbital()


def _smiles_to_numbers():
    return make_pipeline(SmilesToAtoms(n_conformers=1, optimize=False), ClusterFeaturizer())


@functools.cache
def _folder_of_orbitals():
    """A folder with a fitted network of orbitals, kept for the session."""
    folder = tempfile.TemporaryDirectory()
    skxfer.save(fitted(OBJECTS["network of orbitals"]), Path(folder.name, "orbitals.skxfer"))
    return folder


def _pretrained():
    return QDDTransformer(pretrained=str(Path(_folder_of_orbitals().name, "orbitals.skxfer")))


# Transformers of objects: their class, what makes one, and the optional package it needs. What gives objects
# is followed by what makes numbers of them.
FEATURIZERS = {
    "fractions": (CompositionFeaturizer, lambda: CompositionFeaturizer("fractions"), None),
    "magpie": (CompositionFeaturizer, lambda: CompositionFeaturizer("magpie"), "matminer"),
    "valence": (MatminerFeaturizer, lambda: MatminerFeaturizer(_valence()), "matminer"),
    "clusters": (ClusterFeaturizer, ClusterFeaturizer, None),
    "soap": (SOAPFeaturizer, lambda: SOAPFeaturizer(n_max=2, l_max=1), "dscribe"),
    "mbtr": (MBTRFeaturizer, lambda: MBTRFeaturizer(n_grid=10), "dscribe"),
    "coulomb": (CoulombMatrixFeaturizer, lambda: CoulombMatrixFeaturizer(n_atoms_max=24), "dscribe"),
    "fingerprints": (
        FingerprintFeaturizer,
        lambda: FingerprintFeaturizer(["descriptors", "ecfp"], n_bits=64),
        "rdkit",
    ),
    "smiles": (SmilesToAtoms, _smiles_to_numbers, "rdkit"),
    "orbitals": (QDDTransformer, _pretrained, "torch"),
}
# And those that learn from objects alone.
LETTERS = pd.DataFrame(np.eye(3), index=list("CHO"))  # an embedding of elements, in place of matminer's
OBJECTS = DOMAINS | {
    "active": ActiveTransfer(
        HierarchicalTransfer(
            make_pipeline(Composition(), Ridge()), source_domains=["gas"], strategy="merge", guard=False
        ),
        goal="maximize",
        committee=3,
        random_state=0,
    ),
    "network": LGDCNNRegressor(
        embedding=LETTERS,
        calibration=None,
        hidden_dim=16,
        n_blocks=1,
        batch_size=16,
        max_epochs=40,
        random_state=0,
    ),
    "network of atoms": SchNetIIARegressor(
        hidden_dim=8, n_interactions=1, n_rbf=8, cutoff=3.0, max_epochs=20, random_state=0
    ),
    "network of orbitals": QDDTransformer(
        hidden_dim=8, n_layers=1, radius=0.5, spacing=0.5, max_epochs=2, random_state=0
    ),
}


# Formulas with the same fractions have different energies here, which networks of fractions warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*have several rows with different labels:UserWarning")


def over(models):
    return pytest.mark.parametrize("model", [clone(model) for model in models.values()], ids=[*models])


CONTAINERS = {
    "tuple": tuple,
    "str array": np.array,
    "object array": as_object_array,
    "Series": pd.Series,
    "column of str": lambda x: np.array(x)[:, None],
    "column of objects": lambda x: pd.DataFrame({"formula": x}).to_numpy(),
}

every_model, every_model_of_domains = over(OBJECTS), over(DOMAINS)

rng = np.random.default_rng(0)
COUNTS = rng.integers(1, 9, size=(46, 3))
FORMULAS = [f"C{c}H{h}O{o}" for c, h, o in COUNTS]
DOMAIN = np.repeat(["gas", "water"], [30, 16])
ENERGY = COUNTS @ [-1.0, 0.5, 2.0] + 0.1 * COUNTS[:, 0] ** 2 + (DOMAIN == "water")
NEW = ["C3H8O1", "C2H2O2", "C5H4O4", "C8H8O8", "C1H4O1"]


class Objects(NamedTuple):
    """What a transformer of objects takes."""

    train: list
    new: list
    invalid: list
    message: str  # of the error that what is invalid raises


def molecule_like(formula):
    """Atomic numbers and positions of the atoms of a formula, near the sites of a cubic lattice of 1.5 Å."""
    counts = [int(count) for count in re.findall(r"\d+", formula)]
    numbers = np.repeat([6, 1, 8], counts)
    sites = np.argwhere(np.ones((3, 3, 3)))[: len(numbers)]
    return numbers, 1.5 * sites + np.random.default_rng(counts).uniform(-0.3, 0.3, size=sites.shape)


OBJECTS_OF_FORMULAS = Objects(
    FORMULAS,
    NEW,
    ["C2H6O1", None, [[1.0, 2.0]], np.eye(3), ["C1O1", None], ["C1O1", 3.0]],
    r"formula|X is",
)
STRUCTURES = [molecule_like(formula) for formula in FORMULAS]
OBJECTS_OF_STRUCTURES = Objects(
    STRUCTURES,
    [molecule_like(formula) for formula in NEW],
    ["water.xyz", None, [[1.0, 2.0, 3.0]], np.eye(3), [STRUCTURES[0], None], [STRUCTURES[0], 3.0]],
    r"[Ss]tructure",
)

# Ethers, peroxides and the like.
SMILES = ["C" * c + "O" * min(o, 2) + "C" * (h // 2) for c, h, o in COUNTS % 4 + 1]
OBJECTS_OF_SMILES = Objects(
    SMILES,
    ["CCOC", "COO", "CCCC", "C=O", "OCO"],
    ["CCO", None, [[1.0, 2.0]], np.eye(3), ["CCO", None], ["CCO", 3.0]],
    "SMILES",
)


def objects_of(model):
    if isinstance(model, (Pipeline, FingerprintFeaturizer)):
        return OBJECTS_OF_SMILES
    return OBJECTS_OF_STRUCTURES if isinstance(model, TakesStructures) else OBJECTS_OF_FORMULAS


def labels(model, rows=slice(None)):
    alone = isinstance(model, (LGDCNNRegressor, QDDTransformer, SchNetIIARegressor))
    return {} if alone else {"sample_domain": DOMAIN[rows]}


def fitted(model, rows=slice(None)):
    return clone(model).fit(objects_of(model).train[rows], ENERGY[rows], **labels(model, rows))


def parameters(model):
    return {name: repr(value) for name, value in model.get_params().items()}


# the registry -----------------------------------------------------------------------------------------


def public_estimators():
    for module in pkgutil.iter_modules(skxfer.__path__):
        if module.name.startswith("_"):
            continue
        package = importlib.import_module(f"skxfer.{module.name}")
        for name in getattr(package, "__all__", []):
            value = getattr(package, name)
            if inspect.isclass(value) and issubclass(value, BaseEstimator) and hasattr(value, "fit"):
                yield value


def test_every_public_estimator_is_in_a_registry():
    registered = {type(model) for model in [*TABLE, *OBJECTS.values()]}
    registered |= {cls for cls, *_ in FEATURIZERS.values()}
    registered.add(PerTarget)  # made by `fit_learner` alone, for labels of shape (n_samples, n_targets)
    assert set(public_estimators()) == registered


# tables -----------------------------------------------------------------------------------------------


# A row with the weight two is not in two batches.
WEIGHTS_ARE_NOT_COPIES = "check_sample_weight_equivalence_on_dense_data"


def expected_failures(model):
    if isinstance(model, TableTransfer):
        return {WEIGHTS_ARE_NOT_COPIES: "it cross-validates over the rows that have a weight"}
    is_network = isinstance(model, HMNNRegressor)
    if isinstance(model, TransferCV):
        expected = dict.fromkeys(
            (WEIGHTS_ARE_NOT_COPIES, WEIGHTS_ARE_NOT_COPIES.replace("dense", "sparse")),
            "it cross-validates: copies of a row are as many held-out rows, a row with a weight is one",
        )
        if isinstance(model.candidates[0][1], RandomForestRegressor):
            expected["check_estimators_nan_inf"] = "the forest takes NaN, and may be what predicts"
        return expected
    return {WEIGHTS_ARE_NOT_COPIES: "it is trained in batches of rows"} if is_network else {}


@parametrize_with_checks(TABLE, expected_failed_checks=expected_failures)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "model",
    [
        ActiveTransfer(Ridge(), committee=3),
        FeatureTransfer(),
        HierarchicalTransfer(Ridge()),
        SequentialTransfer(Ridge()),
        TableTransfer(["ridge"], cv=2, random_state=0),
        *TABLE[-2:],
    ],
    ids=lambda m: type(m).__name__,
)
def test_scikit_learn_checks_pass_with_routing(model):
    with config_context(enable_metadata_routing=True):
        results = check_estimator(model, on_skip=None, expected_failed_checks=expected_failures(model))
    failed = {result["check_name"] for result in results if result["status"] not in ("passed", "skipped")}
    assert failed == set(expected_failures(model))


# objects ----------------------------------------------------------------------------------------------


@every_model_of_domains
def test_objects_are_learned_from(model):
    error = np.abs(fitted(model).predict(FORMULAS)[30:] - ENERGY[30:]).mean()
    assert error < 0.5 * np.abs(ENERGY[30:] - ENERGY[30:].mean()).mean()


@every_model
@pytest.mark.parametrize("kind", CONTAINERS)
def test_objects_come_in_any_container(model, kind):
    objects = objects_of(model)
    if "str" in kind and objects is OBJECTS_OF_STRUCTURES:
        pytest.skip("structures are no text")
    kind = CONTAINERS[kind]
    got = clone(model).fit(kind(objects.train), ENERGY, **labels(model)).predict(kind(objects.new))
    np.testing.assert_array_equal(got, fitted(model).predict(objects.new))


@pytest.mark.parametrize("kind", [lambda x: pd.DataFrame({"formula": x}), *CONTAINERS.values()])
@pytest.mark.parametrize("name", ["network", "hierarchical", "sequential", "features", "choice"])
def test_formulas_come_in_any_container_and_in_a_frame(name, kind):
    learner = make_pipeline(CompositionFeaturizer("fractions"), Ridge())
    model = {
        "network": OBJECTS["network"],
        "hierarchical": HierarchicalTransfer(learner),
        "sequential": SequentialTransfer(learner),
        "features": FeatureTransfer(CompositionFeaturizer("fractions").fit(FORMULAS), Ridge()),
        "choice": TransferCV(estimator=learner, candidates=[("baseline", "drop")], random_state=0),
    }[name]
    got = clone(model).fit(kind(FORMULAS), ENERGY).predict(kind(NEW))
    np.testing.assert_array_equal(got, clone(model).fit(FORMULAS, ENERGY).predict(NEW))


@every_model
def test_clone_has_the_same_parameters_and_no_fit(model):
    copy = clone(fitted(model))
    assert parameters(copy) == parameters(model)
    with pytest.raises(NotFittedError):
        copy.predict(objects_of(model).new)


@every_model_of_domains
def test_parameters_can_be_read_and_set_at_every_depth(model):
    learner = clone(model).estimator.steps[-1][0]
    nested = next(
        name for name in ("alpha", "n_estimators") if f"estimator__{learner}__{name}" in parameters(model)
    )
    changed = {"guard": not model.guard, f"estimator__{learner}__{nested}": 17}
    other = clone(model).set_params(**changed)
    expected = parameters(model) | {name: repr(value) for name, value in changed.items()}
    direct = {name: value for name, value in parameters(other).items() if not name.startswith("estimator")}
    assert direct == {name: expected[name] for name in direct}
    assert getattr(other.estimator.steps[-1][1], nested) == 17
    assert getattr(model.estimator.steps[-1][1], nested) != 17


@every_model
def test_fitting_twice_gives_the_same_model(model):
    model = fitted(model)
    first = model.predict(objects_of(model).new)
    second = model.fit(objects_of(model).train, ENERGY, **labels(model)).predict(objects_of(model).new)
    np.testing.assert_array_equal(first, second)


@every_model
def test_fit_changes_neither_parameters_nor_data(model):
    model = clone(model)
    before = parameters(model)
    objects = objects_of(model).train
    given, energy, domain = list(objects), ENERGY.copy(), DOMAIN.copy()
    model.fit(given, energy, **(labels(model) and {"sample_domain": domain}))
    assert parameters(model) == before
    assert all(one is other for one, other in zip(given, objects, strict=True))
    np.testing.assert_array_equal(energy, ENERGY)
    np.testing.assert_array_equal(domain, DOMAIN)


@every_model
def test_predict_changes_nothing(model):
    model = fitted(model)
    before = pickle.dumps(model)
    model.predict(objects_of(model).new)
    assert pickle.dumps(model) == before


@every_model
def test_predicting_before_fitting_is_an_error(model):
    with pytest.raises(NotFittedError):
        clone(model).predict(objects_of(model).new)


@every_model
def test_pickle_round_trip(model):
    model = fitted(model)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict(objects_of(model).new), model.predict(objects_of(model).new)
    )


@every_model
def test_save_and_load_round_trip(model, tmp_path):
    model = fitted(model)
    skxfer.save(model, tmp_path / "model.skxfer")
    loaded = skxfer.load(tmp_path / "model.skxfer", trusted=[Composition])
    assert type(loaded) is type(model)
    assert parameters(loaded) == parameters(model)
    np.testing.assert_array_equal(loaded.predict(objects_of(model).new), model.predict(objects_of(model).new))


@every_model
def test_prediction_does_not_depend_on_batch_mates(model):
    model = fitted(model)
    alone = [model.predict([one])[0] for one in objects_of(model).new]
    np.testing.assert_allclose(model.predict(objects_of(model).new), alone, rtol=1e-12)


@every_model
def test_predictions_follow_the_order_of_rows(model):
    model = fitted(model)
    np.testing.assert_allclose(
        model.predict(objects_of(model).new[::-1]), model.predict(objects_of(model).new)[::-1], rtol=1e-12
    )


@pytest.mark.parametrize("name", ["frozen", "chain"])
def test_order_of_training_rows_does_not_matter(name):
    order = np.random.default_rng(0).permutation(len(FORMULAS))
    shuffled = clone(OBJECTS[name]).fit(
        [FORMULAS[i] for i in order], ENERGY[order], sample_domain=DOMAIN[order]
    )
    np.testing.assert_allclose(shuffled.predict(NEW), fitted(OBJECTS[name]).predict(NEW), rtol=1e-9)


@every_model_of_domains
@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_cross_val_score_on_two_jobs_is_that_of_one(model, routing):
    cv = TargetKFold(2, source_domains=["gas"], random_state=0)
    labels = {"params": {"sample_domain": DOMAIN}} | ({} if routing else {"groups": DOMAIN})
    with config_context(enable_metadata_routing=routing):
        one, two = (
            cross_val_score(
                model, FORMULAS, ENERGY, cv=cv, scoring="r2", n_jobs=n, error_score="raise", **labels
            )
            for n in (1, 2)
        )
    np.testing.assert_array_equal(one, two)
    assert (one > 0).all()


@every_model_of_domains
@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_grid_search_on_two_jobs_refits_the_best(model, routing):
    last = clone(model).estimator.steps[-1][0]
    grid = {f"estimator__{last}": [Ridge(1e6), Ridge(1e-3)]}
    cv = TargetKFold(2, source_domains=["gas"], random_state=0)
    labels = {"sample_domain": DOMAIN} | ({} if routing else {"groups": DOMAIN})
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(clone(model), grid, cv=cv, scoring="r2", n_jobs=2, error_score="raise")
        search.fit(FORMULAS, ENERGY, **labels)
    best = clone(model).set_params(**{f"estimator__{last}": Ridge(1e-3)})
    np.testing.assert_allclose(search.predict(NEW), fitted(best).predict(NEW))


# transformers of objects ------------------------------------------------------------------------------


@pytest.fixture(params=[*FEATURIZERS])
def featurizer(request):
    _, make, package = FEATURIZERS[request.param]
    if package:
        pytest.importorskip(package, reason=f"{request.param} needs {package}")
    return make()


@pytest.fixture
def objects(featurizer):
    return objects_of(featurizer)


def test_featurizer_takes_any_container(featurizer, objects):
    expected = featurizer.fit_transform(objects.train)
    table = pd.DataFrame({"object": objects.train})
    containers = [tuple(objects.train), as_object_array(objects.train), table["object"], table]
    if isinstance(objects.train[0], str):
        containers.append(np.array(objects.train))
    for X in containers:
        np.testing.assert_array_equal(clone(featurizer).fit(X).transform(X), expected)


def test_clone_of_a_featurizer_has_the_same_parameters_and_no_fit(featurizer, objects):
    copy = clone(featurizer.fit(objects.train))
    assert [*copy.get_params()] == [*featurizer.get_params()]
    assert repr(copy) == repr(featurizer)
    with pytest.raises(NotFittedError):
        copy.transform(objects.new)
    with pytest.raises(NotFittedError):
        copy.get_feature_names_out()


def test_clone_of_a_featurizer_keeps_the_kind_of_output(featurizer, objects):
    copy = clone(featurizer.set_output(transform="pandas"))
    assert isinstance(copy.fit_transform(objects.new), pd.DataFrame)


def test_fitting_a_featurizer_twice_changes_nothing(featurizer, objects):
    first = featurizer.fit(objects.train).transform(objects.new)
    np.testing.assert_array_equal(featurizer.fit(objects.train).transform(objects.new), first)
    np.testing.assert_array_equal(clone(featurizer).fit_transform(objects.new), first)


def test_featurizer_changes_neither_parameters_nor_data(featurizer, objects):
    before, data = repr(featurizer), pickle.dumps(objects.train)
    featurizer.fit(objects.train)
    state = pickle.dumps(featurizer)
    featurizer.transform(objects.train)
    assert (repr(featurizer), pickle.dumps(objects.train)) == (before, data)
    assert pickle.dumps(featurizer) == state


def test_featurizer_survives_pickle(featurizer, objects):
    copy = pickle.loads(pickle.dumps(featurizer.fit(objects.train)))
    np.testing.assert_array_equal(copy.transform(objects.new), featurizer.transform(objects.new))


def test_featurizer_survives_saving(featurizer, objects, tmp_path):
    skxfer.save(featurizer.fit(objects.train), tmp_path / "featurizer.skxfer")
    inner = getattr(featurizer, "featurizer", None)
    trusted = [type(inner), type(inner.data_source)] if inner else []
    copy = skxfer.load(tmp_path / "featurizer.skxfer", trusted=trusted)
    np.testing.assert_array_equal(copy.transform(objects.new), featurizer.transform(objects.new))


def test_features_depend_neither_on_batch_mates_nor_on_order(featurizer, objects):
    together = featurizer.fit(objects.train).transform(objects.new)
    alone = np.concatenate([featurizer.transform([one]) for one in objects.new])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    np.testing.assert_allclose(featurizer.transform(objects.new[::-1]), together[::-1], rtol=1e-12)


def test_features_have_names_and_come_as_a_table(featurizer, objects):
    table = (
        featurizer.set_output(transform="pandas")
        .fit(objects.train)
        .transform(pd.DataFrame({"object": objects.new}))
    )
    names = featurizer.get_feature_names_out()
    assert list(table.columns) == list(names)
    assert len({*names}) == len(names)
    np.testing.assert_array_equal(
        table.to_numpy(), featurizer.set_output(transform="default").transform(objects.new)
    )


def test_featurizer_cross_validates_on_two_jobs(featurizer, objects):
    model = make_pipeline(featurizer, RandomForestRegressor(5, random_state=0))
    one, two = (
        cross_val_score(model, objects.train, ENERGY, cv=3, n_jobs=n, error_score="raise") for n in (1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert np.isfinite(one).all()


def test_featurizer_works_within_a_grid_search_of_transfer(featurizer, objects):
    # Each fold and strategy computes the descriptors: few of both.
    options = {"strategy": ["target_only", "merge"], "predict_on": "similar", "cv": 2, "guard": False}
    model = HierarchicalTransfer(make_pipeline(featurizer, Ridge()), source_domains=["gas"], **options)
    search = GridSearchCV(
        model, {"estimator__ridge__alpha": [0.1, 1.0]}, cv=TargetKFold(2, source_domains=["gas"])
    )
    search.fit(objects.train, ENERGY, sample_domain=DOMAIN, groups=DOMAIN)
    assert np.isfinite(search.predict(objects.new)).all()


@pytest.mark.parametrize("i", range(6))
def test_featurizer_refuses_other_objects(featurizer, objects, i):
    X = objects.invalid[i]
    with pytest.raises(TypeError, match=objects.message):
        clone(featurizer).fit(X)
    with pytest.raises(TypeError, match=objects.message):
        featurizer.fit(objects.train).transform(X)


def test_featurizer_refuses_to_fit_nothing(featurizer):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        featurizer.fit([])
