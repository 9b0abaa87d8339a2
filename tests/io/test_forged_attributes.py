"""Attributes, parameters and parts in a file that would act or lead outside are refused."""

import json
import random
import zipfile
from collections import Counter
from pathlib import Path

import forgery
import joblib
import numpy as np
import pytest
from forgery import add_name, attributes, read, rewrite, write
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skxfer
from skxfer import io

pytestmark = pytest.mark.usefixtures("canary")
X = np.random.default_rng(0).normal(size=(20, 3))


# Attributes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("memory", "trap", "must not read a folder"),
        ("memory", {"bytes": [b"trap".hex()]}, "must not read a folder"),
        ("pretrained", "/tmp/net.skxfer", "must not read a file"),
        ("_skl_callbacks", {"list": ["x"]}, "callbacks act"),
        ("predict", {"name": 0}, "would hide"),
        ("fit", "x", "would hide"),
        ("transform", None, "would hide"),
        ("set_output", None, "would hide"),
        ("__class__", {"name": 0}, "would hide"),
        ("__dict__", {"dict": {}}, "would hide"),
        ("__sklearn_tags__", {"name": 0}, "would hide"),
        ("_doc_link_url_param_generator", {"name": 0}, "would hide"),
        ("_repr_html_", {"name": 0}, "would hide"),
        ("not a name", 1, "would hide"),
    ],
)
def test_an_attribute_that_would_act_is_refused(key, value, message, path):
    io.save(make_pipeline(StandardScaler(), Ridge()).fit(X, X[:, 0]), path)
    rewrite(path, lambda tree: attributes(tree, "Pipeline").update({key: value}))
    with pytest.raises(ValueError, match=message):
        io.load(path)


@pytest.mark.parametrize(
    ("name", "model"), [("FeatureTransfer", skxfer.FeatureTransfer()), ("Pipeline", make_pipeline(Ridge()))]
)
def test_a_cache_full_of_pickles_is_not_read(name, model, path, tmp_path):
    cache = joblib.Memory(tmp_path / "trap", verbose=0)
    forgery.trap(tmp_path)
    io.save(model, path)
    rewrite(path, lambda tree: attributes(tree, name).update(memory=str(cache.location)))
    with pytest.raises(ValueError, match=f"{name} has memory="):
        io.load(path)


@pytest.mark.parametrize(
    "value", [{"frame": {"ref": 0}}, {"list": []}, {"dict": {}}, {"range": [0, 1, 1]}, 3, {"name": 0}]
)
@pytest.mark.parametrize("place", ["steps", "estimator"])
def test_only_estimators_stand_where_estimators_are_called(value, place, path):
    """``DataFrame.transform`` calls methods by name."""
    from sklearn.multioutput import MultiOutputRegressor

    io.save(make_pipeline(Ridge()) if place == "steps" else MultiOutputRegressor(Ridge()), path)
    frame = {"list": [{"range": [0, 0, 1]}, {"range": [0, 0, 1]}, {"list": []}]}

    def change(tree):
        held = value
        if "frame" in str(value):
            tree["objects"].insert(0, {"frame": frame})
            shift(tree, 1)
            held = {"ref": 0}
        if place == "steps":
            attributes(tree, "Pipeline")["steps"] = {"list": [{"tuple": ["a", held]}]}
        else:
            attributes(tree, "MultiOutputRegressor")["estimator"] = held

    rewrite(path, change)
    with pytest.raises(ValueError, match="for an estimator in"):
        io.load(path)


def shift(tree, by):
    """References again after objects were put before the others."""
    text = json.dumps([tree["objects"][by:], tree["root"]])
    for i in range(len(tree["objects"]), -1, -1):
        text = text.replace(f'{{"ref": {i}}}', f'{{"ref": {i + by}}}')
    later, tree["root"] = json.loads(text)
    tree["objects"][by:] = later


def test_a_scorer_calls_only_what_predicts(path):
    from sklearn.metrics import make_scorer, r2_score
    from sklearn.model_selection import GridSearchCV

    io.save(GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=make_scorer(r2_score)), path)
    rewrite(path, lambda tree: attributes(tree, "_Scorer").update(_response_method="load_params"))
    with pytest.raises(ValueError, match="load_params.*not a method that predicts"):
        io.load(path)


def test_a_grid_does_not_smuggle_in_a_cache(path):
    from sklearn.model_selection import GridSearchCV

    io.save(GridSearchCV(make_pipeline(Ridge()), {"ridge__alpha": [1.0]}), path)
    grid = {"dict": {"memory": {"list": ["trap"]}}}
    for forged in (grid, {"list": [grid]}):
        rewrite(path, lambda tree, forged=forged: attributes(tree, "GridSearchCV").update(param_grid=forged))
        with pytest.raises(ValueError, match="read files when it is fitted again"):
            io.load(path)


def test_no_file_starts_a_million_processes(path):
    io.save(StandardScaler(), path)
    io.save(make_pipeline(Ridge()), path)
    rewrite(path, lambda tree: attributes(tree, "Ridge").update(n_jobs=10**6))
    with pytest.raises(ValueError, match="as many processes"):
        io.load(path)


@pytest.mark.parametrize("kind", ["set", "frozenset", "ordered", "dict"])
def test_keys_that_were_made_to_clash_are_refused(kind, path):
    """Whole numbers have themselves for hashes, but for a prime."""
    io.save(Ridge(), path)
    keys = [i * (2**61 - 1) for i in range(20_000)]
    spec = {
        "ordered": {"ordered": [{"tuple": [key, 0]} for key in keys]},
        "dict": {"dict": [[key, 0] for key in keys]},
    }.get(kind, {kind: keys})
    rewrite(path, lambda tree: attributes(tree, "Ridge").update(alpha=spec))
    with pytest.raises(ValueError, match="made to clash"):
        io.load(path)


def test_a_vectorizer_does_not_read_files(path):
    from sklearn.feature_extraction.text import CountVectorizer

    io.save(CountVectorizer(), path)
    rewrite(path, lambda tree: attributes(tree, "CountVectorizer").update(input="filename"))
    with pytest.raises(ValueError, match="read the files that its inputs name"):
        io.load(path)


@pytest.mark.parametrize("device", ["cuda:999", "cuda", "mps"])
def test_a_device_that_is_not_there_becomes_the_cpu(device, path):
    torch = pytest.importorskip("torch", reason="devices")
    if device != "cuda:999" and getattr(torch, device).is_available():
        pytest.skip("it is there")
    io.save(skxfer.HMNNRegressor(), path)
    rewrite(path, lambda tree: attributes(tree, "HMNNRegressor").update(device=device))
    with pytest.warns(UserWarning, match="put on the CPU"):
        assert io.load(path).device == "cpu"


@pytest.mark.parametrize("device", ["meta", "privateuseone", "cuda:0;x", "/dev/nvidia0"])
def test_a_device_of_another_kind_is_refused(device, path):
    pytest.importorskip("torch", reason="devices")
    io.save(skxfer.HMNNRegressor(), path)
    rewrite(path, lambda tree: attributes(tree, "HMNNRegressor").update(device=device))
    with pytest.raises(ValueError, match="not a device"):
        io.load(path)


# Nets and modules -----------------------------------------------------------------------------------------


def net(**params):
    torch = pytest.importorskip("torch", reason="a net")
    skorch = pytest.importorskip("skorch", reason="a net")
    given = {"module__in_features": 3, "module__out_features": 1, "max_epochs": 1, "verbose": 0} | params
    module = given.pop("module", torch.nn.Linear)
    if not isinstance(module, type):
        given = {key: value for key, value in given.items() if not key.startswith("module__")}
    return skorch.NeuralNetRegressor(module, **given).fit(X.astype("f4"), X[:, :1].astype("f4"))


def params_of(tree):
    return next(spec["net"]["params"] for spec in tree["objects"] if "net" in spec)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("module", key) for key in ("x", 3, None)),
        *((role, "name") for role in ("module", "criterion", "optimizer", "dataset", "iterator_valid")),
        *(
            ("callbacks", value)
            for value in ({"list": ["name"]}, {"list": [{"tuple": ["a", "name"]}]}, "x", 3)
        ),
        *(("train_split", value) for value in ("name", 3, "x")),
        *(("predict_nonlinearity", value) for value in ("name", {"list": []})),
        *(("iterator_valid__collate_fn", value) for value in ("name", {"list": []})),
        *(
            (f"iterator_train__{key}", "name")
            for key in ("worker_init_fn", "sampler", "multiprocessing_context")
        ),
        *(("callbacks__print_log__sink", value) for value in ("name", {"dict": {}})),
        *(("compile", value) for value in (True, "x")),
        *(("torch_load_kwargs", value) for value in ({"dict": {"weights_only": False}}, "x")),
        *(("device", value) for value in ("meta", 3, "/dev/null")),
        *((key, 1) for key in ("__class__", "not a name", "_kwargs", "")),
        *(("iterator_valid__num_workers", value) for value in (10**6, -1, "x")),
        ("module__out_features", 10**5),
        ("module__out_features", 2),
    ],
)
def test_a_parameter_of_a_net_that_would_act_is_refused(key, value, path):
    io.save(net(), path)

    def change(tree):
        spec = json.loads(
            json.dumps(value).replace('"name"', json.dumps(add_name(tree, "sklearn.svm", "SVR")))
        )
        params_of(tree)[key] = spec

    rewrite(path, change)
    with pytest.raises(ValueError, match="net|module|criterion|cannot be rebuilt"):
        io.load(path)


@pytest.mark.parametrize(
    "key", ["forward", "_forward_hooks", "_compiled_call_impl", "_call_impl", "__call__", "half", "_apply"]
)
def test_an_attribute_of_a_module_that_would_act_is_refused(key, path):
    torch = pytest.importorskip("torch", reason="modules")
    io.save(net(module=torch.nn.Sequential(torch.nn.Linear(3, 1))), path)

    def change(tree):
        module = next(spec["module"][1] for spec in tree["objects"] if "module" in spec)
        module[key] = add_name(tree, "torch.nn.functional", "relu")

    rewrite(path, change)
    with pytest.raises(ValueError, match="would act|an attribute"):
        io.load(path)


@pytest.mark.parametrize("key", ["_modules", "_parameters", "_buffers"])
@pytest.mark.parametrize("value", [{"dict": {"0": "name"}}, "name", {"dict": {"0": 3}}, {"list": []}])
def test_a_module_holds_modules_and_tensors_alone(key, value, path):
    torch = pytest.importorskip("torch", reason="modules")
    io.save(net(module=torch.nn.Sequential(torch.nn.Linear(3, 1))), path)

    def change(tree):
        module = next(spec["module"][1] for spec in tree["objects"] if "module" in spec)
        name = add_name(tree, "torch.nn.functional", "relu")
        module[key] = json.loads(json.dumps(value).replace('"name"', json.dumps(name)))

    rewrite(path, change)
    with pytest.raises(ValueError, match="hold something else"):
        io.load(path)


@pytest.mark.parametrize(
    "layer", ["LSTM", "GRU", "RNN", "MultiheadAttention", "TransformerEncoderLayer", "BatchNorm1d"]
)
def test_modules_that_are_instances_come_back_and_compute_the_same(layer, path):
    torch = pytest.importorskip("torch", reason="modules")
    skorch = pytest.importorskip("skorch", reason="a net")
    made = {
        "MultiheadAttention": lambda: torch.nn.MultiheadAttention(4, 2),
        "TransformerEncoderLayer": lambda: torch.nn.TransformerEncoderLayer(4, 2, 8),
        "BatchNorm1d": lambda: torch.nn.BatchNorm1d(4),
    }.get(layer, lambda: getattr(torch.nn, layer)(4, 3, num_layers=2))()
    made.eval()
    io.save(skorch.NeuralNetRegressor(made), path)
    got = io.load(path).module.eval()
    inputs = torch.randn(5, 4) if layer == "BatchNorm1d" else torch.randn(6, 5, 4)
    given = (inputs, inputs, inputs) if layer == "MultiheadAttention" else (inputs,)
    first, second = (module(*given) for module in (made, got))
    first, second = (out[0] if isinstance(out, tuple) else out for out in (first, second))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert set(got.state_dict()) == set(made.state_dict())


def test_a_net_does_not_copy_a_layer_as_often_as_the_file_says(path):
    torch = pytest.importorskip("torch", reason="modules")
    skorch = pytest.importorskip("skorch", reason="a net")
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8)
    model = skorch.NeuralNetRegressor(
        torch.nn.TransformerEncoder, module__encoder_layer=layer, module__num_layers=2
    )
    with pytest.raises(TypeError, match="module__encoder_layer: give the module as an instance"):
        io.save(model, path)


# Compiled parts -------------------------------------------------------------------------------------------


def test_a_booster_that_points_outside_itself_is_refused(path):
    xgboost = pytest.importorskip("xgboost", reason="boosters")
    model = xgboost.XGBRegressor(n_estimators=2, max_depth=2, n_jobs=1).fit(X, X[:, 0])
    io.save(model, path)
    tree, members = read(path)
    raw = members["boosters/0.ubj"]
    rng = random.Random(0)
    outcomes = Counter()
    for _ in range(100):
        data = bytearray(raw)
        data[rng.randrange(len(data))] = rng.randrange(256)
        write(path, tree, {"boosters/0.ubj": bytes(data)})
        try:
            io.load(path).predict(X)
            outcomes["predicts"] += 1
        except ValueError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 50
    assert outcomes["predicts"]


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("ufunc", ["numpy", "load"], "not a function of each number"),
        ("ufunc", ["numpy", "frompyfunc"], "not a function of each number"),
        ("ufunc", ["os", "system"], "cannot be rebuilt"),
        ("loss", ["os", "system", []], "cannot be rebuilt"),
        ("loss", ["sklearn._loss._loss", "__builtins__", []], "not a loss"),
        ("distance", ["PyFuncDistance64", 1.0, 0, 0], "not a distance"),
        ("distance", ["DistanceMetric64", 1.0, 0, 0], "not a distance"),
        ("distribution", ["rv_histogram", {"list": []}, {"dict": {}}], "not a distribution"),
        ("distribution", ["norm", {"list": ["x"]}, {"dict": {}}], "not numbers"),
        ("distribution", ["test", {"list": []}, {"dict": {}}], "not a distribution"),
        (
            "random_state",
            {"dict": {"bit_generator": "test", "state": {"dict": {}}}},
            "not a random generator",
        ),
        (
            "random_state",
            {"dict": {"bit_generator": "MT19937", "state": {"dict": {"key": {"list": [1]}, "pos": 10**6}}}},
            "numpy does not make",
        ),
        ("sparse", ["dok_matrix", [1, 1]], "not a sparse matrix"),
        ("routing", ["x", {"__class__": {"dict": {}}}], "not a method"),
        ("dtype", "O,O", "not the dtype"),
        ("scalar", ["|O", "00" * 8], "not the dtype"),
        ("scalar", ["<f8", ""], "cannot be rebuilt"),
        ("frame", {"list": [{"range": [0, 3, 1]}, {"range": [0, 1, 1]}, {"list": [3]}]}, "different lengths"),
        ("object", [0, {"list": []}], "are not a dict"),
        ("unheard of", [], "cannot be rebuilt"),
    ],
)
def test_a_part_that_is_not_what_it_says_is_refused(kind, spec, message, path):
    io.save(Ridge(), path)

    def change(tree):
        attributes(tree, "Ridge")["alpha"] = {kind: spec}

    rewrite(path, change)
    with pytest.raises(ValueError, match=message):
        io.load(path)


def test_sparse_indices_outside_the_matrix_are_refused(path):
    from scipy import sparse

    io.save(Ridge(alpha=sparse.csr_matrix(np.eye(3))), path)
    tree, members = read(path)
    arrays = members["arrays.npy"]
    bad = arrays.replace(np.arange(3, dtype="<i4").tobytes(), np.array([0, 1, 10**6], "<i4").tobytes(), 1)
    assert bad != arrays
    write(path, tree, {"arrays.npy": bad})
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        io.load(path)


def test_a_member_of_earlier_versions_is_read_only_as_they_wrote_it(path):
    with zipfile.ZipFile(Path(__file__).parents[1] / "archive" / "knn.skxfer") as archive:
        parts = archive.read("parts.skops")
    assert b"EuclideanDistance64" in parts
    rng = random.Random(0)
    for _ in range(40):
        io.save(Ridge(), path)
        tree, _ = read(path)
        write(path, tree, {"parts.skops": forgery.skops_file(rng)})
        with pytest.raises(ValueError, match="not trusted"):
            io.load(path)
