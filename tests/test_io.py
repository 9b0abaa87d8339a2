"""What saving and loading promise: the same estimator back, no code run, no file half-written."""

import copy
import functools
import hashlib
import io as stdlib_io
import json
import os
import pickle
import re
import subprocess
import sys
import textwrap
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.fixes import parse_version

import skxfer
from skxfer import io
from skxfer.io import container
from skxfer.io.kinds import BY_TAG

ARCHIVE = Path(__file__).parent / "archive"
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X[:, 0] + np.sin(X[:, 1])
Y = np.c_[y, X[:, 2] ** 2]


def shift(values):
    return values + 1.0


class Mean(RegressorMixin, BaseEstimator):
    """An estimator that is not skxfer's."""

    def __init__(self, offset=0.0):
        self.offset = offset

    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_ + self.offset)


@functools.cache
def layers():
    """The torch module of the tests; not at the top, so that the rest runs without torch."""
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")

    class Layers(torch.nn.Module):
        def __init__(self, n_hidden=4):
            super().__init__()
            self.hidden, self.out = torch.nn.Linear(3, n_hidden), torch.nn.Linear(n_hidden, 1)

        def forward(self, X):
            return self.out(torch.relu(self.hidden(X)))

    Layers.__qualname__ = "Layers"
    return Layers


def net(module=None, **params):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    skorch = pytest.importorskip("skorch", reason="a skorch net needs skorch")
    torch.manual_seed(0)
    params = {"max_epochs": 3, "optimizer": torch.optim.Adam, "verbose": 0, **params}
    return skorch.NeuralNetRegressor(layers() if module is None else module, **params)


def fitted_net(**params):
    return net(**params).fit(X.astype(np.float32), y[:, None].astype(np.float32))


def skops_io():
    return pytest.importorskip("skops.io", reason="skops stores what of scikit-learn is no estimator")


def with_parts(estimator):
    """An estimator that holds kernels, losses, splitters or random states."""
    skops_io()
    return estimator


def xgb(**params):
    xgboost = pytest.importorskip("xgboost", reason="XGBRegressor needs xgboost")
    return xgboost.XGBRegressor(n_estimators=5, max_depth=2, n_jobs=1, **params)


LEARNERS = {
    "forest": lambda: RandomForestRegressor(8, random_state=0),
    "extra trees": lambda: with_parts(ExtraTreesRegressor(8, random_state=np.random.RandomState(0))),
    "boosting": lambda: with_parts(
        HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5, random_state=0)
    ),
    "xgboost": xgb,
    "SVR": lambda: make_pipeline(StandardScaler(), SVR(C=3.0)),
    "KNN": lambda: with_parts(KNeighborsRegressor(3, weights="distance", algorithm="kd_tree")),
    "KNN with a metric": lambda: with_parts(
        KNeighborsRegressor(3, algorithm="ball_tree", metric="minkowski", p=3)
    ),
    "ridge": Ridge,
    "ridge CV": lambda: RidgeCV(alphas=np.logspace(-3, 3, 5)),
    "kernel ridge": lambda: KernelRidge(kernel="rbf"),
    "Gaussian process": lambda: with_parts(
        GaussianProcessRegressor(ConstantKernel() * RBF() + WhiteKernel(), random_state=0)
    ),
    "MLP": lambda: with_parts(MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0)),
    "splines": lambda: make_pipeline(SplineTransformer(), Ridge()),
}
NESTED = {
    "scaled target": lambda: TransformedTargetRegressor(xgb(), transformer=StandardScaler()),
    "multi-output": lambda: MultiOutputRegressor(xgb()),
    "stack": lambda: StackingRegressor([("svr", SVR()), ("xgb", xgb())], RidgeCV()),
    "stack of frozen": lambda: StackingRegressor(
        [("a", FrozenEstimator(xgb().fit(X, y)))], Ridge(), cv="prefit"
    ),
    "search": lambda: with_parts(GridSearchCV(xgb(), {"learning_rate": [0.1, 0.3]}, cv=KFold(3))),
    "scored search": lambda: with_parts(
        GridSearchCV(
            make_pipeline(StandardScaler(), SVR()),
            {"svr__C": [1, 2.0]},
            scoring="neg_mean_absolute_error",
            cv=3,
        )
    ),
    "ufunc": lambda: with_parts(make_pipeline(FunctionTransformer(np.exp), Ridge())),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skxfer"


def roundtrip(estimator, path, **kwargs):
    io.save(estimator, path)
    return io.load(path, **kwargs)


def plain_params(estimator):
    """Parameters as text, without addresses: nested estimators and kernels have no equality."""
    return {key: re.sub(" at 0x[0-9A-F]+", "", repr(value)) for key, value in estimator.get_params().items()}


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b)


def rewrite(path, change=lambda tree: None, **members):
    """The file again after `change` to its JSON and other members, with every digest right."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    tree = json.loads(content.pop("skxfer.json"))
    content.update({name.replace("__", "."): data for name, data in members.items()})
    tree["members"] = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    tree = change(tree) or tree
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"skxfer.json": json.dumps(tree), **content}.items():
            archive.writestr(name, data)


# there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LEARNERS, *NESTED])
def test_a_loaded_estimator_predicts_bit_for_bit_what_the_saved_one_does(name, path):
    model = {**LEARNERS, **NESTED}[name]()
    model.fit(X, Y if name == "multi-output" else y)
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    assert plain_params(loaded) == plain_params(model)


@pytest.mark.parametrize("name", [*LEARNERS, *NESTED])
def test_an_unfitted_estimator_comes_back_with_its_parameters(name, path):
    model = {**LEARNERS, **NESTED}[name]()
    loaded = roundtrip(model, path)
    assert type(loaded) is type(model)
    assert plain_params(loaded) == plain_params(model)
    assert not [key for key in vars(loaded) if key.endswith("_")]


@pytest.mark.parametrize("name", sorted({*LEARNERS} - {"extra trees"}))  # whose random state moves on
def test_a_clone_of_the_loaded_estimator_learns_the_same(name, path):
    model = LEARNERS[name]().fit(X, y)
    loaded = clone(roundtrip(model, path))
    assert same(loaded.fit(X, y).predict(X.copy()), clone(model).fit(X, y).predict(X.copy()))


def test_a_gaussian_process_still_knows_how_sure_it_is(path):
    model = LEARNERS["Gaussian process"]().fit(X, y)
    for got, expected in zip(
        roundtrip(model, path).predict(X + 0.1, return_std=True),
        model.predict(X + 0.1, return_std=True),
        strict=True,
    ):
        assert same(got, expected)


def test_a_warm_start_forest_goes_on_growing_after_loading(path):
    model = RandomForestRegressor(4, warm_start=True, random_state=0).fit(X, y)
    loaded = roundtrip(model, path).set_params(n_estimators=8).fit(X, y)
    assert same(loaded.predict(X), model.set_params(n_estimators=8).fit(X, y).predict(X))


def test_xgboost_goes_on_boosting_from_a_loaded_model(path):
    model = xgb().fit(X, y)
    more, expected = (xgb().fit(X, y, xgb_model=m.get_booster()) for m in (roundtrip(model, path), model))
    assert same(more.predict(X), expected.predict(X))


def test_a_fresh_process_predicts_the_same(tmp_path):
    names = ["forest", "xgboost", "SVR", "Gaussian process", "stack"]
    models = [{**LEARNERS, **NESTED}[name]().fit(X, y) for name in names]
    np.save(tmp_path / "X.npy", X)
    for i, model in enumerate(models):
        io.save(model, tmp_path / f"{i}.skxfer")
    code = """
        import sys
        import numpy as np
        import skxfer
        X = np.load("X.npy")
        np.save("got.npy", [skxfer.load(f"{i}.skxfer").predict(X) for i in range(int(sys.argv[1]))])
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(len(models))]
    env = {**os.environ, "PYTHONPATH": str(Path(skxfer.__file__).parents[1])}
    subprocess.run(command, cwd=tmp_path, env=env, check=True)
    assert same(np.load(tmp_path / "got.npy"), np.array([model.predict(X.copy()) for model in models]))


def test_importing_the_module_imports_no_optional_package():
    optional = {"safetensors", "skops", "skorch", "torch", "xgboost"}
    code = f"import sys, skxfer.io; print({optional} & {{*sys.modules}})"
    env = {**os.environ, "PYTHONPATH": str(Path(skxfer.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 7, -1.5, "Å → 한", 3 + 4j, b"\x00\xff", np.inf, -0.0, 10**30),
        *([1, (2, [3])], {1: "a", (2, "b"): None}, {"$": {"ref": 0}}, {1, 2}, frozenset("a"), slice(1, None)),
        *(np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("ab"), np.datetime64("2024-01-01"), range(3)),
        *(
            np.arange(6).reshape(2, 3).T,
            np.array(["a", "bcd"]),
            np.array(["a", None, (1, [2])], dtype=object),
        ),
        *(np.zeros((0, 3)), np.array(5.0), np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")])),
        *(np.arange(4).view(">i8"), float, np.float32, np.dtype("f4"), RidgeCV),
    ],
    ids=repr,
)
def test_a_parameter_comes_back_as_what_it_was(value, path):
    got = roundtrip(Ridge(alpha=value), path).alpha
    assert type(got) is type(value)
    assert repr(got) == repr(value)
    if isinstance(value, np.ndarray):
        assert (got.dtype, got.flags.f_contiguous) == (value.dtype, value.flags.f_contiguous)


def test_not_a_number_comes_back(path):
    assert np.isnan(roundtrip(Ridge(alpha=float("nan")), path).alpha)


def test_a_masked_array_comes_back(path):
    values = np.ma.array([1, 2], mask=[0, 1])
    got = roundtrip(with_parts(Ridge(alpha=values)), path).alpha
    assert repr(got) == repr(values)


def test_a_random_state_goes_on_where_it_was(path):
    state = np.random.RandomState(3)
    state.normal(size=5)
    loaded = roundtrip(with_parts(Ridge(random_state=copy.deepcopy(state))), path)
    assert same(loaded.random_state.normal(size=4), state.normal(size=4))


def test_metadata_requests_come_back(path):
    with sklearn.config_context(enable_metadata_routing=True):
        loaded = roundtrip(Ridge().set_fit_request(sample_weight=True), path)
        assert loaded.get_metadata_routing().fit.requests == {"sample_weight": True}
        assert clone(loaded).get_metadata_routing().fit.requests == {"sample_weight": True}


def test_an_expert_referred_to_many_times_is_stored_once(tmp_path):
    once, often = tmp_path / "once", tmp_path / "often"
    expert = FrozenEstimator(RandomForestRegressor(30, random_state=0).fit(X, y))
    io.save(StackingRegressor([("0", expert)]), once)
    io.save(StackingRegressor([(str(i), expert) for i in range(20)]), often)
    assert often.stat().st_size < 1.1 * once.stat().st_size
    loaded = io.load(often)
    assert loaded.estimators[0][1] is loaded.estimators[19][1]


def test_saving_changes_nothing_in_the_estimator(path):
    model = with_parts(GridSearchCV(SVR(), {"C": [1, 2]}, cv=3)).fit(X, y)
    before = pickle.dumps(model)
    io.save(model, path)
    assert pickle.dumps(model) == before


def test_an_estimator_of_the_user_needs_trust_and_then_works(path):
    model = make_pipeline(StandardScaler(), Mean(0.5)).fit(X, y)
    io.save(model, path)
    with pytest.raises(ValueError, match=r"not trusted: .*Mean.*trusted=\["):
        io.load(path)
    assert same(io.load(path, trusted=[Mean]).predict(X), model.predict(X))


def test_a_function_of_the_user_needs_trust_and_then_works(path):
    io.save(make_pipeline(FunctionTransformer(shift), Ridge()), path)
    with pytest.raises(ValueError, match="not trusted: .*shift"):
        io.load(path)
    assert io.load(path, trusted=[shift])[0].func is shift


def test_a_trusted_class_is_found_after_it_moved_to_another_module(path):
    io.save(Mean(2.0), path)
    rewrite(path, lambda tree: tree["names"].__setitem__(0, ["old_place", "Mean"]))
    assert io.load(path, trusted=[Mean]).offset == 2.0


# HierarchicalTransfer ----------------------------------------------------------------------------------

DOMAIN = np.repeat(["gas", "water", "target"], [14, 13, 13])


def transfer(learner, **params):
    params = {"source_domains": ["gas", "water"], "cv": 2, "random_state": 0, **params}
    return skxfer.HierarchicalTransfer(learner, **params)


@pytest.mark.parametrize("name", sorted({*LEARNERS, *NESTED} - {"multi-output"}))
def test_transfer_with_any_learner_comes_back(name, path):
    learner = {**LEARNERS, **NESTED}[name]()
    model = transfer(learner, strategy="frozen", guard=False).fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    assert same(loaded.transform(X.copy()), model.transform(X.copy()))
    assert plain_params(loaded) == plain_params(model)


@pytest.mark.parametrize("name", ["xgboost", "SVR"])
def test_transfer_that_weighed_all_strategies_comes_back(name, path):
    model = transfer(LEARNERS[name]()).fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    for got, expected in zip(
        loaded.predict(X.copy(), return_std=True), model.predict(X.copy(), return_std=True), strict=True
    ):
        assert same(got, expected)
    assert same(loaded.transfer_gain_, model.transfer_gain_)
    assert loaded.strategy_ == model.strategy_


def test_transfer_with_a_net_comes_back(path):
    learner = make_pipeline(StandardScaler(), net())
    model = transfer(learner, strategy="frozen", guard=False)
    model.fit(X.astype(np.float32), y.astype(np.float32), sample_domain=DOMAIN)
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


@pytest.mark.parametrize("name", ["forest", "xgboost", "SVR"])
def test_transfer_to_several_targets_with_missing_labels_comes_back(name, path):
    missing = Y.copy()
    missing[::7, 1] = np.nan
    model = transfer(LEARNERS[name]()).fit(X, missing, sample_domain=DOMAIN)
    assert same(roundtrip(model, path).predict(X.copy()), model.predict(X.copy()))


def test_transfer_from_trained_sources_comes_back(path):
    sources = [(name, FrozenEstimator(LEARNERS[name]().fit(X, y))) for name in ("forest", "xgboost", "SVR")]
    model = transfer(Ridge(), source_domains=None, sources=sources).fit(X[::2], y[::2])
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    assert same(clone(loaded).fit(X[::2], y[::2]).predict(X.copy()), model.predict(X.copy()))


def test_an_unfitted_transfer_keeps_its_trained_sources(path):
    expert = LEARNERS["forest"]().fit(X, y)
    loaded = roundtrip(transfer(SVR(), sources=[("gas", FrozenEstimator(expert))]), path)
    assert same(loaded.sources[0][1].predict(X.copy()), expert.predict(X.copy()))


@pytest.mark.parametrize("name", ["forest", "SVR"])  # the one continues, the other is frozen
def test_transfer_along_a_chain_comes_back(name, path):
    model = skxfer.SequentialTransfer(
        LEARNERS[name](), order=["gas", "water", "target"], carry="auto", random_state=0
    )
    model.fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    for label, stage in model.stages_.items():
        assert same(loaded.stages_[label].predict(X.copy()), stage.predict(X.copy()))


# skorch nets -------------------------------------------------------------------------------


def test_a_loaded_net_predicts_the_same_and_keeps_its_history(path):
    model = fitted_net(module__n_hidden=6)
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))
    assert loaded.history[:, "train_loss"] == model.history[:, "train_loss"]
    assert plain_params(loaded).keys() == plain_params(model).keys()
    assert loaded.get_params()["module__n_hidden"] == 6


def test_a_loaded_net_goes_on_training(path):
    loaded = roundtrip(fitted_net(), path, trusted=[layers()])
    loss = loaded.history[-1, "train_loss"]
    loaded.partial_fit(X.astype(np.float32), y[:, None].astype(np.float32))
    assert len(loaded.history) == 6
    assert loaded.history[-1, "train_loss"] < loss


def test_an_unfitted_net_stays_unfitted(path):
    loaded = roundtrip(net(), path, trusted=[layers()])
    assert not loaded.initialized_
    assert loaded.module is layers()


def test_loading_a_net_leaves_the_random_numbers_of_torch_alone(path):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    io.save(fitted_net(), path)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    io.load(path, trusted=[layers()])
    assert torch.equal(torch.rand(3), expected)


def test_frozen_layers_stay_frozen(path):
    model = fitted_net()
    model.module_.hidden.weight.requires_grad_(False)
    module = roundtrip(model, path, trusted=[layers()]).module_
    assert not module.hidden.weight.requires_grad
    assert module.out.weight.requires_grad


def test_a_module_given_as_an_instance_comes_back_with_its_weights(path):
    torch = pytest.importorskip("torch", reason="a skorch net needs torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    model = fitted_net(module=module)
    assert same(roundtrip(model, path).predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


def test_a_net_inside_a_pipeline_predicts_the_same(path):
    model = make_pipeline(StandardScaler(), net())
    model.fit(X.astype(np.float32), y[:, None].astype(np.float32))
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


def test_harmless_callbacks_are_kept_and_those_that_write_files_dropped(path, tmp_path):
    callbacks = pytest.importorskip("skorch.callbacks", reason="a skorch net needs skorch")
    early = callbacks.EarlyStopping(patience=7)
    model = fitted_net(callbacks=[early, ("save", callbacks.Checkpoint(dirname=tmp_path / "run"))])
    with pytest.warns(UserWarning, match="Checkpoint is not saved"):
        io.save(model, path)
    loaded = io.load(path, trusted=[layers()])
    assert [type(callback).__name__ for callback in loaded.callbacks] == ["EarlyStopping"]
    assert loaded.callbacks[0].patience == 7


def test_a_net_from_a_gpu_lands_on_the_cpu_where_there_is_none(path, monkeypatch):
    model = fitted_net()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    io.save(model, path)
    rewrite(path, lambda tree: net_spec(tree)["params"].update(device="cuda"))
    with pytest.warns(UserWarning, match="put on the CPU"):
        loaded = io.load(path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


def net_spec(tree):
    return next(spec["net"] for spec in tree["objects"] if "net" in spec)


# what cannot be saved ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [lambda X: X, open, functools.partial(shift), (i for i in "ab"), sys],
    ids=["lambda", "built-in", "partial", "generator", "module"],
)
def test_what_would_need_code_to_load_is_refused_with_its_place(value, path):
    with pytest.raises(TypeError, match=r"Cannot save Pipeline\.steps\[0\]\[1\]\.func: "):
        io.save(make_pipeline(FunctionTransformer(value), Ridge()), path)
    assert not path.exists()


def test_a_circle_is_refused_by_name(path):
    ring = [1]
    ring.append({"again": ring})
    with pytest.raises(ValueError, match=r"Ridge\.alpha\[1\]\.again: it contains itself"):
        io.save(Ridge(alpha=ring), path)
    stack = StackingRegressor([])
    stack.estimators = [("me", stack)]
    with pytest.raises(ValueError, match="contains itself"):
        io.save(stack, path)


def test_endless_nesting_is_refused(path):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ValueError, match="nested too deeply"):
        io.save(Ridge(alpha=nested), path)


@pytest.mark.parametrize("thing", [Ridge, 3, None, [Ridge()]], ids=repr)
def test_only_estimators_are_saved(thing, path):
    with pytest.raises(TypeError, match="takes an estimator instance"):
        io.save(thing, path)


@pytest.mark.parametrize(("package", "extra"), [("skops", "persistence"), ("xgboost", "xgboost")])
def test_a_missing_package_is_named_with_its_extra(package, extra, path, monkeypatch):
    io.save((xgb() if package == "xgboost" else LEARNERS["Gaussian process"]()).fit(X, y), path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(package), *sys.meta_path])
    with pytest.raises(ImportError, match=rf"needs {package}.*skxfer\[{extra}\]"):
        io.load(path)


class Missing:
    """Makes a package look as if it were not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, *_):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


# damaged and foreign -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a file with every kind of member but torch's."""
    path = tmp_path_factory.mktemp("good") / "model.skxfer"
    model = StackingRegressor(
        [("gp", LEARNERS["Gaussian process"]()), ("tree", DecisionTreeRegressor(max_depth=2))]
    )
    io.save(model.fit(X, y), path)
    return path.read_bytes(), model.predict(X.copy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (pickle.dumps(Ridge()), "is a pickle"),
        (b"alpha,beta\n1,2\n", "damaged, or of another kind"),
        (b"PK\x03\x04 and then nothing", "is damaged"),
    ],
)
def test_what_is_no_skxfer_file_is_refused_with_its_kind(content, message, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        io.load(path)


def test_a_zip_of_another_kind_is_refused_with_what_it_holds(tmp_path):
    np.savez(tmp_path / "X.npz", X=X)
    with pytest.raises(ValueError, match=r"zip of another kind, with X\.npy"):
        io.load(tmp_path / "X.npz")


def test_a_file_of_skops_is_refused_with_what_it_holds(path):
    skops_io().dump(Ridge(), path)
    with pytest.raises(ValueError, match=r"zip of another kind, with .*schema\.json"):
        io.load(path)


def test_a_missing_file_is_missing(path):
    with pytest.raises(FileNotFoundError):
        io.load(path)


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(keep, good, path):
    path.write_bytes(good[0][: int(keep * len(good[0]))])
    with pytest.raises(ValueError, match="damaged"):
        io.load(path)


def test_an_exchanged_member_is_refused(good, path):
    path.write_bytes(good[0])
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["arrays.npy"] = content["arrays.npy"][:-8] + bytes(8)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="not those that were saved"):
        io.load(path)


def test_a_newer_format_asks_for_an_upgrade(good, path):
    path.write_bytes(good[0])
    rewrite(path, lambda tree: tree.update(format_version=container.FORMAT_VERSION + 1, new_key="unheard of"))
    with pytest.raises(ValueError, match="format 2.*Upgrade"):
        io.load(path)


def test_another_version_of_scikit_learn_warns_once(path):
    io.save(make_pipeline(StandardScaler(), RandomForestRegressor(3)).fit(X, y), path)
    text = sklearn.__version__
    rewrite(path, lambda tree: json.loads(json.dumps(tree).replace(f'"{text}"', '"1.0.2"')))
    with pytest.warns(InconsistentVersionWarning, match="1.0.2") as record:
        io.load(path)
    assert len(record) == 1


def test_bit_flips_and_cuts_give_the_right_model_or_a_value_error(good, tmp_path_factory):
    hypothesis = pytest.importorskip("hypothesis", reason="random damage is drawn by hypothesis")
    st = hypothesis.strategies
    content, expected = good
    path = tmp_path_factory.mktemp("fuzz") / "model.skxfer"
    place = st.integers(0, len(content) - 1)

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(st.lists(st.tuples(place, st.integers(0, 7)), max_size=3), place, st.booleans())
    def check(flips, cut, whole):
        damaged = bytearray(content)
        for where, bit in flips:
            damaged[where] ^= 1 << bit
        path.write_bytes(damaged if whole else damaged[:cut])
        try:
            model = io.load(path)
        except ValueError:
            return
        assert same(model.predict(X.copy()), expected)

    check()


# malicious ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("os.system", "posix.system", "builtins.eval", "builtins.exec", "builtins.getattr"),
        *("subprocess.Popen", "skxfer.io.names.importlib", "skxfer._optional.require"),
        *("numpy.load", "numpy.f2py.__main__.main", "torch.load", "torch.hub.load", "torch.nn.__builtins__"),
        *("sklearn.datasets._base.shutil", "sklearn.datasets.fetch_openml", "sklearn.utils.Bunch"),
        *("sklearn.base.BaseEstimator.__init__", "sklearn.datasets._base.os", "skxfer.io.container.Path"),
        *(
            "skxfer.io.container.save",
            "skxfer.io.container.zipfile",
            "skorch.callbacks.training.Checkpoint",
            "skorch.utils.params_for",
        ),
        *("xgboost.sklearn.json", "sklearn.metrics._scorer.copy", "..os.system", "sklearn..os.system", ".x"),
    ],
)
def test_a_file_can_name_nothing_but_what_is_allowed(name, path):
    root = name.partition(".")[0]
    if root in ("torch", "xgboost", "skorch"):
        pytest.importorskip(root, reason=f"{name} is asked of {root}")
    io.save(Ridge(), path)
    rewrite(path, lambda tree: tree["names"].append(name.rsplit(".", 1)))
    with pytest.raises(ValueError, match="not trusted|there is no"):
        io.load(path)


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A place that any code in a file would touch."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "touched"
    assert not (tmp_path / "touched").exists()


class Touch:
    def __reduce__(self):
        return os.system, ("touch touched",)


def test_a_pickle_in_place_of_arrays_is_not_loaded(path, canary):
    objects = stdlib_io.BytesIO()
    np.save(objects, np.array([Touch()], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(Touch()), objects.getvalue()):
        io.save(Ridge().fit(X, y), path)
        rewrite(path, arrays__npy=content)
        with pytest.raises(ValueError, match="cannot be rebuilt"):
            io.load(path)


@pytest.mark.parametrize(
    "part",
    [functools.partial(os.system, "touch touched"), os.system, "".join, {"f": print}],
    ids=["partial", "built-in", "method", "nested"],
)
def test_a_part_for_skops_that_names_more_than_allowed_is_not_loaded(part, path, canary):
    io.save(LEARNERS["Gaussian process"]().fit(X, y), path)
    rewrite(path, parts__skops=skops_io().dumps([part, part]))
    with pytest.raises(ValueError, match="not trusted"):
        io.load(path)


def test_a_random_generator_for_skops_that_is_another_function_of_numpy_is_not_loaded(path, canary):
    with zipfile.ZipFile(stdlib_io.BytesIO(skops_io().dumps([np.random.default_rng(0)]))) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    forged = stdlib_io.BytesIO()
    with zipfile.ZipFile(forged, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(b"PCG64", b"test"))  # numpy.random.test runs what it finds
    io.save(Ridge(), path)
    rewrite(path, parts__skops=forged.getvalue())
    with pytest.raises(ValueError, match=r"not trusted: numpy\.random\.test"):
        io.load(path)


def test_a_tree_cannot_evade_its_checks_by_way_of_skops(path):
    tree = DecisionTreeRegressor(max_depth=2).fit(X, y).tree_
    io.save(Ridge(), path)
    rewrite(path, parts__skops=skops_io().dumps([tree]))
    with pytest.raises(ValueError, match=r"not trusted: sklearn\.tree\._tree\.Tree"):
        io.load(path)


@pytest.mark.parametrize("name", ["../touched", "/tmp/touched", "model.pkl", "boosters/../../touched.ubj"])
def test_members_that_do_not_belong_are_refused(name, path, canary):
    io.save(Ridge(), path)
    rewrite(path, **{name.replace(".", "__"): pickle.dumps(Touch())})
    with pytest.raises(ValueError, match="damaged"):
        io.load(path)


def test_a_net_whose_module_is_no_module_is_refused(path, canary):
    io.save(fitted_net(), path)
    for role in ("module", "criterion", "optimizer"):
        rewrite(path, lambda tree, role=role: net_spec(tree)["params"].update({role: "shift"}))
        with pytest.raises(ValueError, match=f"cannot be the {role}|cannot be the module"):
            io.load(path, trusted=[layers()])


def test_a_net_of_another_class_is_refused(path):
    io.save(make_pipeline(Mean(), fitted_net()), path)
    rewrite(path, lambda tree: net_spec(tree).update({"class": tree["names"].index([__name__, "Mean"])}))
    with pytest.raises(ValueError, match="Mean is no net"):
        io.load(path, trusted=[layers(), Mean])


def test_a_distance_that_is_a_function_is_refused(path):
    io.save(LEARNERS["KNN"]().fit(X, y), path)

    def forge(tree):
        tree["names"].append(["sklearn.metrics", "mean_absolute_error"])
        neighbors = next(spec["neighbors"] for spec in tree["objects"] if "neighbors" in spec)
        neighbors[3] = {"name": len(tree["names"]) - 1}

    rewrite(path, forge)
    with pytest.raises(ValueError, match="is no distance"):
        io.load(path)


@pytest.mark.parametrize(("field", "value"), [("left_child", 10**6), ("right_child", 0), ("feature", 99)])
def test_a_tree_that_points_outside_itself_is_refused(field, value, path):
    io.save(DecisionTreeRegressor(max_depth=2).fit(X, y), path)
    with zipfile.ZipFile(path) as archive:
        stream = stdlib_io.BytesIO(archive.read("arrays.npy"))
    forged = stdlib_io.BytesIO()
    while stream.tell() < len(stream.getvalue()):
        array = np.lib.format.read_array(stream)
        if array.dtype.names:
            array[field][0] = value
        np.lib.format.write_array(forged, array)
    rewrite(path, arrays__npy=forged.getvalue())
    with pytest.raises(ValueError, match="does not exist"):
        io.load(path)


def test_a_cycle_of_references_is_refused(path):
    io.save(Ridge(), path)
    rewrite(path, lambda tree: tree["objects"].insert(0, {"list": [{"ref": 1}, {"ref": 0}]}))
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        io.load(path)


@pytest.mark.parametrize("names", ["sklearn", [1], ["os.system"]])
def test_trust_takes_classes_and_not_their_names(names, path):
    io.save(Ridge(), path)
    with pytest.raises(TypeError, match="classes and functions themselves"):
        io.load(path, trusted=names)


def test_any_change_to_the_tree_of_a_forged_file_gives_an_estimator_or_a_value_error(good, tmp_path_factory):
    hypothesis = pytest.importorskip("hypothesis", reason="random forgeries are drawn by hypothesis")
    st = hypothesis.strategies
    path = tmp_path_factory.mktemp("forged") / "model.skxfer"
    tags = st.sampled_from([*BY_TAG, "ref"])
    spec = st.recursive(
        st.none() | st.integers(-3, 40) | st.text(max_size=3) | st.just("<f8"),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(tags, inner, max_size=2),
        max_leaves=6,
    )

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(st.integers(0, 200), spec)
    def check(where, value):
        path.write_bytes(good[0])
        rewrite(path, lambda tree: tree["objects"].__setitem__(where % len(tree["objects"]), value))
        try:
            io.load(path)
        except ValueError:
            return

    check()


# written atomically ------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=repr)
def test_a_failure_half_way_leaves_the_old_file_and_no_rubbish(step, error, path, monkeypatch):
    io.save(Ridge(alpha=1.0), path)

    def fail(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(container.os, step, fail)
        with pytest.raises(type(error)):
            io.save(Ridge(alpha=2.0), path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert io.load(path).alpha == 1.0


def test_saving_over_a_file_keeps_its_permissions_and_its_link(path):
    io.save(Ridge(), path)
    path.chmod(0o640)
    link = path.with_name("link")
    link.symlink_to(path)
    io.save(Ridge(alpha=2.0), link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert io.load(path).alpha == 2.0


def test_the_same_model_gives_the_same_file(tmp_path):
    model = RandomForestRegressor(3, random_state=0).fit(X, y)
    io.save(model, tmp_path / "a")
    io.save(copy.deepcopy(model), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# the archive -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record", json.loads((ARCHIVE / "expected.json").read_text()), ids=lambda record: record["file"]
)
def test_files_of_earlier_versions_still_load_and_predict_the_same(record):
    for package in record["needs"]:
        pytest.importorskip(package, reason=f"{record['file']} holds a model of {package}")
    trusted = [layers()] if "torch" in record["needs"] else []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = io.load(ARCHIVE / record["file"], trusted=trusted)
            got = model.predict(np.array(record["X"], dtype=record["dtype"]))
    except (ValueError, AttributeError) as error:
        if parse_version(sklearn.__version__) < parse_version(record["scikit-learn"]):
            pytest.skip(
                f"scikit-learn {sklearn.__version__} cannot read what {record['scikit-learn']} wrote: {error}"
            )
        raise
    np.testing.assert_allclose(got, record["expected"], rtol=1e-5 if record["dtype"] == "float32" else 1e-9)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.5, np.nan], "b": [1, 2]}, index=["Fe", "O"]),
        pd.DataFrame({0: ["x", "y"], 1: [True, False]}),
    ],
)
def test_tables_come_back(frame, tmp_path):
    model = FunctionTransformer(kw_args={"table": frame})
    io.save(model, tmp_path / "model.skxfer")
    loaded = io.load(tmp_path / "model.skxfer")
    pd.testing.assert_frame_equal(loaded.kw_args["table"], frame)


def test_tables_with_several_levels_are_refused(tmp_path):
    frame = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(TypeError, match="several levels"):
        io.save(FunctionTransformer(kw_args={"table": frame}), tmp_path / "model.skxfer")


def test_search_over_our_own_estimators_comes_back(tmp_path):
    model = make_pipeline(skxfer.CompositionFeaturizer("fractions"), Ridge())
    search = GridSearchCV(make_pipeline(Ridge()), {"ridge": [model, clone(model)]}, cv=2)
    search.fit(["FeO", "NaCl", "MgO", "Fe"], [1.0, 2.0, 3.0, 4.0])
    io.save(search, tmp_path / "search.skxfer")
    loaded = io.load(tmp_path / "search.skxfer")
    np.testing.assert_array_equal(loaded.predict(["FeO"]), search.predict(["FeO"]))
    assert type(loaded.cv_results_["param_ridge"]) is type(search.cv_results_["param_ridge"])


def test_masked_arrays_come_back(tmp_path):
    array = np.ma.MaskedArray(np.array([1, None, "x"], dtype=object), mask=[False, True, False])
    io.save(FunctionTransformer(kw_args={"a": array}), tmp_path / "model.skxfer")
    loaded = io.load(tmp_path / "model.skxfer").kw_args["a"]
    assert loaded.mask.tolist() == [False, True, False]
    assert loaded.data[[0, 2]].tolist() == [1, "x"]
