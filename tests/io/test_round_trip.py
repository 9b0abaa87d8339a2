"""What is loaded is what was saved."""

import copy
import functools
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import sklearn
from saved_models import (
    LEARNERS,
    NESTED,
    Mean,
    X,
    Y,
    fitted_net,
    layers,
    plain_params,
    rewrite,
    roundtrip,
    same,
    shift,
    xgb,
    y,
)
from sklearn.base import clone
from sklearn.ensemble import (
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

import skxfer
from skxfer import io

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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
    got = roundtrip(Ridge(alpha=values), path).alpha
    assert repr(got) == repr(values)


def test_a_random_state_goes_on_where_it_was(path):
    state = np.random.RandomState(3)
    state.normal(size=5)
    loaded = roundtrip(Ridge(random_state=copy.deepcopy(state)), path)
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
    model = GridSearchCV(SVR(), {"C": [1, 2]}, cv=3).fit(X, y)
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


@pytest.mark.parametrize(("package", "extra"), [("safetensors", "networks"), ("xgboost", "xgboost")])
def test_a_missing_package_is_named_with_its_extra(package, extra, path, monkeypatch):
    io.save(xgb().fit(X, y) if package == "xgboost" else fitted_net(), path)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(package), *sys.meta_path])
    trusted = [] if package == "xgboost" else [layers()]
    with pytest.raises(ImportError, match=rf"needs {package}.*skxfer\[{extra}\]"):
        io.load(path, trusted=trusted)


class Missing:
    """Makes a package look as if it were not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, *_):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
