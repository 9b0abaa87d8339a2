"""No file runs code, whatever it names and whatever it holds."""

import os
import pickle
import random
import sys
from collections import Counter

import bombs
import forgery
import numpy as np
import pytest
from forgery import add_name, attributes, rewrite, write
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skxfer import io
from skxfer.io import allowed, names, registry

N_FORGED = int(os.environ.get("SKXFER_FORGED", "60"))
pytestmark = pytest.mark.usefixtures("canary")
X = np.random.default_rng(0).normal(size=(20, 3))


# All at random ------------------------------------------------------------------------------------------


def test_forged_files_load_or_are_refused_and_nothing_runs(tmp_path):
    """SKXFER_FORGED=1000 in the environment forges as many."""
    table, wrong = forgery.campaign(tmp_path, N_FORGED, seed=random.Random(N_FORGED).randrange(1000))
    assert wrong == []
    assert sum(table.values()) == N_FORGED
    outcomes = Counter(outcome for _, outcome in table.elements())
    assert outcomes["loaded"]
    assert outcomes["ValueError"]


@pytest.mark.parametrize(
    "name", ["zeros, 1 GB", "brackets, 20 million", "one column, 100 000 times", "tuples that double"]
)
def test_bombs_are_refused_in_little_memory(name, tmp_path):
    size, outcome, memory, seconds = bombs.measure(name, tmp_path)
    assert size < 12 * bombs.MiB
    assert "Error" in outcome
    assert memory < 400
    assert seconds < 20


def test_what_is_just_allowed_takes_little_memory(tmp_path):
    _, outcome, memory, _ = bombs.measure("objects, as many as allowed", tmp_path)
    assert outcome == "loaded"
    assert memory < 400


# Names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", forgery.NAMES)
@pytest.mark.parametrize("role", ["named", "class", "module", "net", "value", "root"])
def test_a_name_that_is_not_listed_is_refused_wherever_it_stands(name, role, path):
    io.save(make_pipeline(FunctionTransformer(np.exp), Ridge()), path)

    def change(tree):
        spec = add_name(tree, *name.rsplit(".", 1))
        number = spec["name"]
        if role == "class":
            # torch's wrappers of datasets unpickle the first of two.
            state = {"tuple": [{"bytes": [pickle.dumps(forgery.Trace()).hex()]}, False]}
            tree["objects"].insert(0, {"object": [number, state]})
        elif role == "module":
            tree["objects"].insert(0, {"module": [number, {}]})
        elif role == "net":
            tree["objects"].insert(0, {"net": {"class": number, "params": {}}})
        elif role == "value":
            attributes(tree, "FunctionTransformer").update(func=spec)
        elif role == "root":
            tree["root"] = spec

    rewrite(path, change)
    with pytest.raises((ValueError, ImportError), match="not trusted|there is no|needs "):
        io.load(path)


def test_what_is_allowed_is_listed_by_name_and_exists():
    missing = {
        # Of other versions of scikit-learn than this one.
        *("_TemperatureScaling", "ClassicalMDS", "d2_brier_score", "PolynomialLR", "bool", "RMSNorm"),
    }
    for module, name in allowed.table():
        root = module.partition(".")[0]
        if root in ("torch", "skorch", "xgboost"):
            pytest.importorskip(root, reason=f"{module}.{name}")
        try:
            obj = names._allowed(module, name)
        except ValueError:
            assert name in missing
            continue
        assert isinstance(obj, type) or callable(obj) or names.is_torch_dtype(obj)


def test_no_listed_function_opens_imports_or_calls_by_name():
    """Their code names none of the functions that lead out of Python."""
    leads_out = {
        "open",
        "eval",
        "exec",
        "compile",
        "__import__",
        "import_module",
        "load",
        "loads",
        "system",
        "Popen",
    }
    for (module, name), role in allowed.table().items():
        if role == "function" and not module.startswith(("torch", "skorch", "numpy")):
            code = getattr(names._allowed(module, name), "__wrapped__", names._allowed(module, name)).__code__
            assert not leads_out & {*code.co_names}, name


@pytest.mark.parametrize(
    "root", [3, "text", None, [1], {"list": []}, {"dict": {}}, {"name": 0}, {"array": ""}]
)
def test_the_root_is_an_estimator(root, path):
    io.save(Ridge(), path)
    rewrite(path, lambda tree: tree.update(root=root))
    with pytest.raises(ValueError, match="not an estimator|cannot be rebuilt"):
        io.load(path)


# Classes --------------------------------------------------------------------------------------------------

LOUD = {
    *(
        "__setstate__",
        "__setattr__",
        "__reduce__",
        "__reduce_ex__",
        "__init__",
        "__new__",
        "__getattr__",
        "__call__",
    ),
    *(
        "__getstate__",
        "__del__",
        "__array__",
        "__getnewargs__",
        "set_params",
        "fit",
        "load_state_dict",
        "apply",
    ),
}


class Watch:
    """Records calls of functions with the names above in the code of other packages."""

    def __init__(self):
        self.calls = []

    def __call__(self, frame, event, arg):
        code = frame.f_code
        if event == "call" and code.co_name in LOUD and "." in code.co_qualname:
            home = frame.f_globals.get("__name__", "")
            if home.partition(".")[0] in ("sklearn", "torch", "skorch", "xgboost") or (
                home.startswith("skxfer.") and not home.startswith("skxfer.io")
            ):
                self.calls.append((home, code.co_qualname))

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)


CLASSES = sorted(
    {known for known, role in allowed.table().items() if role not in ("function", "type")}
    | {("skxfer", name) for name in registry.OWN}
)
STATES = [
    {"dict": {key: "trap" for key in forgery.KEYS if key.isidentifier()}},
    {"dict": {"estimator": "trap", "cache": "trap"}},
    {"dict": {}},
    None,
    {"bytes": [pickle.dumps(forgery.Trace()).hex()]},
    {"tuple": [{"bytes": [pickle.dumps(forgery.Trace()).hex()]}, None, {"list": []}]},
]


@pytest.mark.parametrize(
    ("kind", "state"),
    [*(("object", i) for i in range(6)), *(("module", i) for i in (0, 2, 4)), ("net", 0), ("net", 2)],
)
def test_no_method_of_a_listed_class_is_called_to_rebuild_it(kind, state, path):
    """Whatever its state: no ``__setstate__``, ``__setattr__``, ``__reduce__`` or ``__init__``."""
    for module, name in CLASSES:
        root = module.partition(".")[0]
        if root in ("torch", "skorch", "xgboost"):
            pytest.importorskip(root, reason=f"{module}.{name}")
        value = STATES[state]
        spec = {"object": [1, value], "module": [1, (value or {}).get("dict", value)]}.get(kind)
        spec = spec or {"class": 1, "params": (value or {}).get("dict", value)}
        spec = spec if kind == "net" else spec
        tree = {
            **bombs.tree([{kind: spec}, {"object": [0, {"dict": {"alpha": {"ref": 0}}}]}], {"ref": 1}),
            "names": [["sklearn.linear_model", "Ridge"], [module, name]],
        }
        write(path, tree, {})
        with Watch() as watch:
            try:
                io.load(path)
            except (ValueError, ImportError):
                continue
        # torch.nn.Module's own __init__ lays out an empty module.
        assert {home for home, _ in watch.calls} <= {"torch.nn.modules.module"}, (module, name, watch.calls)


def test_the_bases_that_unpickle_are_refused_even_from_trusted_classes(path):
    """``skorch.NeuralNet.__setstate__`` unpickles what it is given."""
    skorch = pytest.importorskip("skorch", reason="nets")
    torch = pytest.importorskip("torch", reason="nets")
    made = [
        type("Own", (base,), {"__module__": __name__})
        for base in (skorch.NeuralNetRegressor, torch.nn.Linear, torch.optim.SGD, torch.utils.data.Dataset)
    ]
    for cls in made:
        io.save(Ridge(alpha=1.0), path)

        def change(tree):
            number = add_name(tree, __name__, "Own")["name"]
            state = {
                "dict": {"__cuda_dependent_attributes__": {"bytes": [pickle.dumps(forgery.Trace()).hex()]}}
            }
            tree["objects"].insert(0, {"object": [number, state]})

        rewrite(path, change)
        with pytest.raises(ValueError, match="not rebuilt from its attributes"):
            io.load(path, trusted=[cls])


class Restores(BaseEstimator):
    """A class of the user with a ``__setstate__`` of its own."""

    def __init__(self, number=1):
        self.number = number

    def __setstate__(self, state):
        vars(self).update(state, restored=True)


class Inherits(Restores):
    pass


@pytest.mark.parametrize("cls", [Restores, Inherits])
def test_a_class_that_the_user_trusts_restores_itself(cls, path):
    io.save(cls(3), path)
    with pytest.raises(ValueError, match=f"not trusted: .*{cls.__name__}"):
        io.load(path)
    model = io.load(path, trusted=[cls])
    assert (model.number, model.restored) == (3, True)
