"""Objects that are their attributes: estimators, kernels, splitters, callbacks; and attributes that may act.

No method of a class is called to rebuild an object, except of classes that the user trusts: its attributes
are put in place. An attribute can still make an object act later, when it predicts or is fitted again: a
folder to unpickle from, a callback, a name that hides a method. Such attributes are dropped or refused at
save, and refused in a file.
"""

import inspect
import os
import re
import sys
import warnings

import numpy as np
from sklearn.base import BaseEstimator

from .compiled import check_nodes, is_tree
from .names import RefusedError, role_of
from .upgrade import upgrade


class _Empty:
    """What the memory of an object looks like that is its attributes and no more."""


def is_plain(obj):
    """Objects that are their attributes and no more."""
    cls = type(obj)
    if cls.__reduce__ is not object.__reduce__ or cls.__reduce_ex__ is not object.__reduce_ex__:
        return False
    layout = ("__basicsize__", "__itemsize__", "__dictoffset__", "__weakrefoffset__")
    if any(getattr(cls, part) != getattr(_Empty, part) for part in layout) or hasattr(obj, "__array__"):
        return False
    if any(hasattr(cls, name) for name in ("__getnewargs__", "__getnewargs_ex__")):
        return False
    root = cls.__module__.partition(".")[0]
    if root in ("numpy", "scipy", "sklearn", *sys.stdlib_module_names):
        return root == "sklearn" and (role_of(cls) == "object" or isinstance(obj, BaseEstimator))
    return True


def encode_object(writer, obj, where):
    """Store an object by its attributes."""
    cls = type(obj)
    root = cls.__module__.partition(".")[0]
    if root == "catboost" or (root == "lightgbm" and getattr(obj, "fitted_", True)):
        raise TypeError(
            f"Cannot save {where}: a fitted {cls.__qualname__} keeps its trees in a format of its own, which "
            f"is not read here. Save it with {root}'s own save_model, or use XGBRegressor or "
            "HistGradientBoostingRegressor."
        )
    state = obj.__getstate__()
    if state is not None and not (type(state) is dict and all(type(key) is str for key in state)):
        if not hasattr(cls, "__setstate__"):
            raise TypeError(
                f"Cannot save {where}: the state of a {cls.__qualname__} is not a dict of attributes."
            )
    elif state is not None:
        if is_callback(cls):
            state = {key: value for key, value in state.items() if not key.endswith("_")}
        state = _without_actions(writer, cls, state, where)
    return [writer.name(cls, where), writer(state, where)]


def decode_object(reader, spec):
    """Rebuild an object from its attributes."""
    cls, state = reader.names[spec[0]], reader(spec[1])
    trusted = any(cls is t for t in reader.trusted)
    if not isinstance(cls, type) or not (trusted or role_of(cls) in ("object", "callback", "own")):
        raise RefusedError(f"{getattr(cls, '__name__', cls)} is not the class of an object in a file.")
    if any(inherits(cls, base) for base in _READ_OTHERWISE):
        raise RefusedError(f"a {cls.__name__} is not rebuilt from its attributes.")
    if trusted and _restores_itself(cls, reader.trusted):
        obj = cls.__new__(cls)
        obj.__setstate__(state)
        return obj
    obj = cls.__new__(cls) if trusted else object.__new__(cls)
    state = {} if state is None else state
    if not isinstance(state, dict) or not all(type(key) is str for key in state):
        raise RefusedError(f"the attributes of a {cls.__name__} are not a dict.")
    state.pop("_sklearn_version", None)
    if role_of(cls) == "own":
        state = upgrade(cls.__name__, state)
    check_actions(cls, state, trusted)
    vars(obj).update(state)
    _finish(obj)
    return obj


def _restores_itself(cls, trusted):
    """Whether a class that the user trusts has a ``__setstate__`` that is the user's as well."""
    home = next((c for c in cls.__mro__ if "__setstate__" in vars(c)), None)
    # scikit-learn's own compare versions, or do what is done in _finish.
    if home is None or home.__module__.partition(".")[0] == "sklearn":
        return False
    if home in trusted or home.__module__.partition(".")[0] == cls.__module__.partition(".")[0]:
        return True
    raise RefusedError(
        f"a {cls.__name__} is restored by {home.__module__}.{home.__qualname__}: trust this too."
    )


def _finish(obj):
    """What follows from the attributes: checks of trees, and a function that is not stored."""
    state = vars(obj)
    tree = state.get("tree_")
    if is_tree(tree) and tree.n_features > state["n_features_in_"]:
        raise RefusedError(f"a {type(obj).__name__} splits on a feature that does not exist.")
    for predictor in sum(state.get("_predictors") or [], []):
        nodes = predictor.nodes
        inner = nodes["is_leaf"] == 0
        check_nodes(inner, nodes["left"], nodes["right"], nodes["feature_idx"], state["n_features_in_"])
    if inherits(type(obj), "sklearn.isotonic.IsotonicRegression") and "X_thresholds_" in state:
        obj._build_f(obj.X_thresholds_, obj.y_thresholds_)


def is_callback(cls):
    """Whether a class is a callback of skorch."""
    return inherits(cls, "skorch.callbacks.base.Callback")


def inherits(cls, base):
    """Whether a class has a base of this full name, the package of which need not be installed.

    Parameters
    ----------
    cls : type
    base : str

    Returns
    -------
    bool
    """
    return any(f"{c.__module__}.{c.__qualname__}" == base for c in cls.__mro__)


# What has a kind of its own, or is none that a file holds: their ``__setstate__`` may unpickle, or hooks act.
_READ_OTHERWISE = (
    *("skorch.net.NeuralNet", "torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer"),
    *("torch.utils.data.dataset.Dataset", "torch.utils.data.dataloader.DataLoader"),
)

# Attributes that act ------------------------------------------------------------------------------------

_METHODS = {"predict", "predict_proba", "predict_log_proba", "decision_function", "default"}
# What holds one estimator: anything else with a method of the same name could be called in its place.
_HOLDERS = {
    *("base_estimator", "base_estimator_", "best_estimator_", "classifier", "estimator", "estimator_"),
    *("final_estimator", "final_estimator_", "regressor", "regressor_", "transformer", "transformer_"),
}
_GRIDS = ("param_grid", "param_distributions", "param_list")
_VECTORIZER = "sklearn.feature_extraction.text._VectorizerMixin"
_HOLDERS_OF_MANY = ("estimators", "estimators_", "steps", "transformer_list", "transformers", "transformers_")
# Values of a class that its objects may replace, unlike methods and what leads to code.
_VALUES = (bool, int, float, str, tuple, list, dict, type(None))
_PREFIXES = ("__", "_doc_link", "_repr", "_parameter_constraints")
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu)(:\d{1,3})?")


def _is_path(value):
    return isinstance(value, str | bytes | os.PathLike) or hasattr(value, "cache")


def _reads_file(value):
    """A path, unlike the bare name of something published."""
    return isinstance(value, bytes | os.PathLike) or (isinstance(value, str) and re.search(r"[^\w-]", value))


def _kept_callbacks(callbacks):
    """Of the callbacks of XGBoost, those that act on the training alone."""
    return [c for c in callbacks if role_of(type(c)) == "object"]


def _acting(cls, state):
    """Attributes that are dropped: (name, what to put there, why)."""
    estimator = issubclass(cls, BaseEstimator)
    if estimator and _is_path(state.get("memory")):
        yield "memory", None, "a loaded model must not read a folder that its file names"
    if estimator and _reads_file(state.get("pretrained")):
        yield "pretrained", None, "a loaded model must not read a file that its file names"
    if estimator and isinstance(state.get("sources"), str | bytes | os.PathLike):
        yield "sources", None, "a loaded model must not read a folder that its file names"
    if state.get("_skl_callbacks"):
        yield "_skl_callbacks", [], "callbacks act when the model is fitted"
    callbacks = state.get("callbacks") if inherits(cls, "xgboost.sklearn.XGBModel") else None
    if callbacks and len(kept := _kept_callbacks(callbacks)) < len(callbacks):
        yield (
            "callbacks",
            kept or None,
            "only EarlyStopping is saved, other callbacks act on files or services",
        )


def _refused(cls, state, trusted=False):
    """Attributes that are never let through: (name, why)."""
    if inherits(cls, _VECTORIZER) and state.get("input", "content") != "content":
        yield "input", "the model would read the files that its inputs name; use input='content'"
    if trusted or role_of(cls) is None:
        return
    for key in state:
        hidden = inspect.getattr_static(cls, key, None)
        if not key.isidentifier() or key.startswith(_PREFIXES) or not isinstance(hidden, _VALUES):
            yield key, f"it would hide what a {cls.__name__} has of its own"
    for grid in _GRIDS:
        for key in _keys(state.get(grid)):
            if key.rpartition("__")[2] in ("memory", "callbacks", "pretrained"):
                yield grid, f"{key} would make the model read files when it is fitted again"
    n_jobs = state.get("n_jobs")
    if isinstance(n_jobs, int) and abs(n_jobs) > 1024:
        yield "n_jobs", "it would start as many processes or threads"
    method = state.get("_response_method", "predict")
    if not {method} <= _METHODS if isinstance(method, str) else not _METHODS.issuperset(method):
        yield "_response_method", f"{method!r} is not a method that predicts"


def _keys(grid):
    for part in grid if isinstance(grid, list | tuple) else [grid]:
        if isinstance(part, dict):
            yield from (str(key) for key in part)


def _without_actions(writer, cls, state, where):
    """The attributes without those that would act; the user is told."""
    for key, why in _refused(cls, state):
        raise TypeError(f"Cannot save {where}.{key}: {why}.")
    dropped = {}
    for key, value, why in _acting(cls, state):
        writer.left_out.append(f"{where}.{key} is not saved: {why}. Set it again after loading.")
        dropped[key] = value
    return state | dropped


def check_actions(cls, state, trusted=False):
    """Refuse attributes that act, which :func:`encode_object` would not have stored.

    Parameters
    ----------
    cls : type
    state : dict
        Changed in place: a device that is not there becomes the CPU.
    trusted : bool, default=False
        The user trusts the class.
    """
    for key, _, why in _acting(cls, state):
        raise RefusedError(f"a {cls.__name__} has {key}={_short(state[key])}: {why}.")
    for key, why in _refused(cls, state, trusted):
        raise RefusedError(f"a {cls.__name__} has {key}={_short(state[key])}: {why}.")
    if trusted:
        return
    many = role_of(cls) == "object"
    for key in state:
        for held in _held(key, state[key], many):
            if not (held is None or isinstance(held, str) or hasattr(type(held), "get_params")):
                raise RefusedError(f"a {cls.__name__} has a {type(held).__name__} for an estimator in {key}.")
    if role_of(cls) == "own" and isinstance(state.get("device"), str):
        state["device"] = device_here(state["device"], cls.__name__)


def _held(key, value, many):
    """What stands where one estimator is expected, or several."""
    if key in _HOLDERS:
        yield value
    elif many and key in _HOLDERS_OF_MANY:
        several = value.ravel() if isinstance(value, np.ndarray) else value
        for one in several if isinstance(several, list | tuple | np.ndarray) else [several]:
            yield one[1] if isinstance(one, tuple) and len(one) > 1 else one


def device_here(device, owner):
    """A device that this computer has.

    Parameters
    ----------
    device : str
        As in the file.
    owner : str
        What is on the device, for messages.

    Returns
    -------
    str
        "cpu" in place of a device that is not there; the user is told.
    """
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise RefusedError(f"{_short(device)} is not a device that a {owner} can be put on.")
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return device
    from .._optional import require

    torch = require("torch")
    backend = getattr(torch, kind, None)
    if backend is not None and backend.is_available() and int(number or 0) < backend.device_count():
        return device
    what = "a GPU" if kind == "cuda" else device
    warnings.warn(f"The {owner} was on {what} and there is none here: it is put on the CPU.", stacklevel=2)
    return "cpu"


def _short(value):
    """Text for a message, without calling what a file may have made."""
    text = (
        repr(value)
        if isinstance(value, str | bytes | int | float | np.generic)
        else f"a {type(value).__name__}"
    )
    return text[:80]
