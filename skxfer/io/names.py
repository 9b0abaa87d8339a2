"""What a file may name: the classes and functions that :func:`skxfer.load` takes from it, and no others."""

import importlib
import inspect
import re
import sys

import numpy as np

from .._optional import require
from .registry import FORMER, OWN, own, own_name

# The only modules that a file can make us import.
_MODULES = re.compile(
    r"numpy|torch|xgboost\.(sklearn|callback)|"
    r"(sklearn|skorch|torch\.nn|torch\.optim|torch\.utils\.data)(\.\w+)+"
)
# Of scikit-learn estimators, and these, which are none but may hold one.
SKLEARN_LEAVES = {
    *("_BisectingTree", "_CalibratedClassifier", "_CurveScorer", "_MultimetricScorer", "_PassthroughScorer"),
    *("_Scorer", "TreePredictor"),
}
# Functions that are only ever called with data.
_SKLEARN_FUNCTIONS = ("sklearn.metrics", "sklearn.feature_selection", "sklearn.cluster._kmeans")
_SKORCH_NETS = ("skorch.net", "skorch.regressor", "skorch.classifier")
# Callbacks that act on files or services as soon as a net is initialised are left out on purpose.
SKORCH_NAMES = {
    *("BatchScoring", "EarlyStopping", "EpochScoring", "EpochTimer", "Freezer", "GradientNormClipping"),
    *("LRScheduler", "ParamMapper", "PassthroughScoring", "PrintLog", "Unfreezer", "WarmRestartLR"),
    *("Dataset", "ValidSplit", "freeze_parameter", "noop", "unfreeze_parameter"),
}
_TORCH_BASES = {
    *("torch.nn.modules.module.Module", "torch.optim.optimizer.Optimizer"),
    *("torch.optim.lr_scheduler.LRScheduler", "torch.utils.data.dataloader.DataLoader"),
    "torch.utils.data.dataset.Dataset",
}
_BUILTINS = {
    obj.__name__: obj
    for obj in (bool, bytes, complex, dict, float, int, list, object, print, set, str, tuple)
}


class RefusedError(ValueError):
    """The file asks for what it must not have."""


def untrusted(names):
    """The error for names that a file may not use."""
    return RefusedError(
        f"the file names what is not trusted: {', '.join(names)}. If these are yours, import them and pass "
        "them: skxfer.load(path, trusted=[...]). If not, do not load this file."
    )


def is_torch_dtype(obj):
    """Dtypes of torch have a name like classes but no ``__name__``."""
    return f"{type(obj).__module__}.{type(obj).__qualname__}" == "torch.dtype"


def name_of(obj):
    """The entry for a class or function in a file's table of names.

    Parameters
    ----------
    obj : class or function

    Returns
    -------
    [module, name] or None
        For scikit-learn the public module, which moves less. For what is skxfer's own ["skxfer", name], with
        a name that says nothing of where it lives; None if the registry has none.
    """
    if is_torch_dtype(obj):
        return str(obj).split(".")
    if obj.__module__.partition(".")[0] == "skxfer":
        name = own_name(obj)
        return None if name is None else ["skxfer", name]
    return [_public_module(obj), obj.__qualname__]


def _public_module(obj):
    public = obj.__module__.partition("._")[0]
    is_there = getattr(sys.modules.get(public), obj.__qualname__, None) is obj
    return public if is_there else obj.__module__


def resolve_names(names, trusted):
    """The classes and functions of the file's name table, or an error that lists all that are not trusted."""
    found = [_resolve(module, name, trusted) for module, name in names]
    refused = sorted(".".join(name) for name, obj in zip(names, found, strict=True) if obj is None)
    if refused:
        raise untrusted(refused)
    return found


def _resolve(module, name, trusted):
    """One class or function, or None if it is not trusted. Nothing is called here, whatever the file says."""
    named = [obj for obj in trusted if obj.__qualname__ == name]
    exact = [obj for obj in named if module in (obj.__module__, _public_module(obj))]
    if exact:
        return exact[0]
    allowed = _allowed(module, name)
    return named[0] if allowed is None and len(named) == 1 else allowed


def _allowed(module, name):
    """The same, without the user's own."""
    if module.partition(".")[0] == "skxfer":
        name = FORMER.get((module, name), name if module == "skxfer" else "")
        if name not in OWN:
            raise RefusedError(f"there is no {module}:{name} in this skxfer.")
        return own(name)
    if module == "builtins":
        return _BUILTINS.get(name)
    if not _MODULES.fullmatch(module) or "__" in module or ".test" in module or not name.isidentifier():
        return None
    root = module.partition(".")[0]
    version = require(root).__version__
    try:
        obj = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError):
        raise RefusedError(f"there is no {module}.{name} in the installed {root} {version}.") from None
    is_class, home = isinstance(obj, type), getattr(obj, "__module__", None) or ""
    if root == "torch" and not is_class:
        return obj if is_torch_dtype(obj) or home == "torch.nn.functional" else None
    # It must be defined in an allowed module, not merely imported there (sklearn.utils.os, say).
    in_place = home.partition(".")[0] == root and _MODULES.fullmatch(home)
    if not in_place or not (is_class or inspect.isfunction(obj)):
        return None
    bases = {f"{c.__module__}.{c.__name__}" for c in obj.__mro__} if is_class else set()
    estimator = "sklearn.base.BaseEstimator" in bases
    ok = {
        "numpy": "numpy.generic" in bases,
        "sklearn": estimator or name in SKLEARN_LEAVES if is_class else home.startswith(_SKLEARN_FUNCTIONS),
        "skorch": name in SKORCH_NAMES or home in _SKORCH_NETS,
        "torch": not bases.isdisjoint(_TORCH_BASES),
        "xgboost": estimator or name == "EarlyStopping",
    }
    return obj if ok[root] else None


def skops_trusted(trusted):
    """Names that parts.skops may hold beside what skops trusts itself."""
    from scipy import sparse
    from sklearn import model_selection
    from sklearn._loss import link, loss
    from sklearn.gaussian_process import kernels
    from sklearn.metrics import _dist_metrics
    from sklearn.neural_network import _stochastic_optimizers

    modules = (sparse, model_selection, link, loss, kernels, _dist_metrics, _stochastic_optimizers)
    classes = [c for module in modules for c in vars(module).values() if isinstance(c, type)]
    reducers = [getattr(np, name) for name in ("mean", "median", "min", "max", "sum")]
    names = [f"{obj.__module__}.{obj.__qualname__}" for obj in (*classes, *reducers)]
    own = [f"{obj.__module__}.{obj.__qualname__}" for obj in trusted]
    return [*(name for name in names if name.startswith(("numpy.", "scipy.sparse.", "sklearn."))), *own]


def skops_unknown(data, trusted):
    """Names in a member of skops that are neither trusted by us nor by the user."""
    unknown = require("skops.io").get_untrusted_types(data=data)
    return sorted(set(unknown).difference(skops_trusted(trusted)))
