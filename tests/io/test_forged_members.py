"""Members of a file that were exchanged for others are refused."""

import functools
import io as stdlib_io
import os
import pickle
import zipfile

import numpy as np
import pytest
from saved_models import LEARNERS, Mean, X, fitted_net, layers, net_spec, rewrite, y
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from skxfer import io
from skxfer.io.kinds import BY_TAG

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def skops_io():
    return pytest.importorskip("skops.io", reason="in files of earlier versions")


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


class Touch:
    def __reduce__(self):
        return os.system, ("touch touched",)


def test_a_pickle_in_place_of_arrays_is_not_loaded(path, canary):
    objects = stdlib_io.BytesIO()
    np.save(objects, np.array([Touch()], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(Touch()), objects.getvalue()):
        io.save(Ridge().fit(X, y), path)
        rewrite(path, arrays__npy=content)
        with pytest.raises(ValueError, match="cannot be rebuilt|not in the file"):
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
    with pytest.raises(ValueError, match=r"not trusted: numpy\.random\._generator\.Generator"):
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
    rewrite(
        path, lambda tree: net_spec(tree).update({"class": tree["names"].index([Mean.__module__, "Mean"])})
    )
    with pytest.raises(ValueError, match="Mean is not a net"):
        io.load(path, trusted=[layers(), Mean])


def test_a_distance_that_is_a_function_is_refused(path):
    io.save(LEARNERS["KNN"]().fit(X, y), path)

    def forge(tree):
        tree["names"].append(["sklearn.metrics", "mean_absolute_error"])
        neighbors = next(spec["neighbors"] for spec in tree["objects"] if "neighbors" in spec)
        neighbors[3] = {"name": len(tree["names"]) - 1}

    rewrite(path, forge)
    with pytest.raises(ValueError, match="is not a distance"):
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
    with pytest.raises(ValueError, match="a list is referred to"):
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
