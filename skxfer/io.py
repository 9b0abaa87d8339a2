"""Save an estimator to one file, and load it without ever running code from that file.

The file is a zip. ``skxfer.json`` holds versions, a SHA-256 of every other member, the table of every class
and function that the file names, and the tree of parameters and fitted attributes. Beside it lie
``arrays.npy`` (arrays, one after the other), ``tensors.safetensors`` (torch), ``boosters/*.ubj`` (XGBoost)
and ``parts.skops`` (scikit-learn objects other than estimators: kernels, losses, splitters, random states).

Each :class:`_Kind` in ``_KINDS``, at the end, says how one kind of object becomes JSON and how it comes back.
"""

import hashlib
import importlib
import inspect
import io
import json
import math
import os
import platform
import re
import secrets
import shutil
import sys
import warnings
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils import Bunch

from ._version import __version__

__all__ = ["load", "save"]

FORMAT_VERSION = 1
_TREE = "skxfer.json"
_MEMBERS = re.compile(r"arrays\.npy|parts\.skops|tensors\.safetensors|boosters/\d+\.ubj")


def save(estimator, path):
    """Save a fitted or unfitted estimator to one file.

    The file is first written beside `path` and then moved over it, so an older file stays whole if anything
    fails on the way.

    Parameters
    ----------
    estimator : estimator
        Any estimator of skxfer, scikit-learn, XGBoost or skorch, alone or nested (pipelines, ensembles,
        searches, frozen experts), or one of your own that keeps its state in plain attributes. Of a skorch
        net the weights, parameters, history and those callbacks are kept that touch no files or services; the
        optimizer's state is not.
    path : str or path-like
        Where to write. Any extension will do; `.skxfer` is customary.

    Raises
    ------
    TypeError
        If `estimator` is not an estimator, or holds something that cannot be stored without running code on
        loading (a lambda, a DataFrame, an open file). The message says where it was found.
    ValueError
        If `estimator` contains itself.
    ImportError
        If an optional package is needed and missing; the message names the extra to install.

    See Also
    --------
    load : The way back.

    Examples
    --------
    >>> import skxfer, tempfile
    >>> from pathlib import Path
    >>> from sklearn.linear_model import Ridge
    >>> model = Ridge().fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skxfer.save(model, Path(folder) / "model.skxfer")
    ...     loaded = skxfer.load(Path(folder) / "model.skxfer")
    >>> bool(loaded.predict([[3.0]]) == model.predict([[3.0]]))
    True
    """
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise TypeError(f"save takes an estimator instance, got {estimator!r}.")
    writer = _Writer()
    try:
        root = writer(estimator, type(estimator).__name__)
        members = writer.members()
    except RecursionError as error:
        raise ValueError(f"{type(estimator).__name__} contains itself, or is nested too deeply.") from error
    tree = {
        "format": "skxfer",
        "format_version": FORMAT_VERSION,
        "versions": {
            "skxfer": __version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        "names": writer.names,
        "objects": writer.objects,
        "root": root,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {_TREE: json.dumps(tree, allow_nan=False).encode(), **members}.items():
            # ZipInfo has a fixed date, so the same content gives the same file.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    _replace_file(path, buffer.getvalue())


def load(path, *, trusted=()):
    """Load an estimator saved by :func:`save`.

    Nothing in the file is run. It can only name classes of skxfer, estimators of scikit-learn, XGBoost and
    skorch, layers, losses and optimizers of torch, and what you list in `trusted`.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : iterable of classes and functions, default=()
        Your own classes and functions that the file may use: a torch module inside a skorch net, an
        estimator, the function of a ``FunctionTransformer``. One that has moved to another module since is
        found by its name.

    Returns
    -------
    estimator : estimator
        Its predictions are those of the estimator that was saved. A net that was saved on a GPU is put on
        the CPU where there is none.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by :func:`save`, has a newer format, or names something that
        is not trusted. The message says what was found and what to do.
    ImportError
        If an optional package is needed and missing; the message names the extra to install.

    Warns
    -----
    InconsistentVersionWarning
        If the file was saved with another version of scikit-learn.

    Notes
    -----
    A file cannot run code, but compiled learners trust their own numbers: a file forged with care may still
    crash the process when the model predicts. Load files from strangers in a process of their own.

    See Also
    --------
    save : The way there, with an example of both.

    Examples
    --------
    >>> import skxfer, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.pkl"
    ...     _ = path.write_bytes(bytes([0x80, 4]) + b"some pickle")
    ...     skxfer.load(path)
    Traceback (most recent call last):
    ...
    ValueError: ...model.pkl is a pickle, not a file written by skxfer.save...
    """
    trusted = [trusted] if isinstance(trusted, str) else list(trusted)
    if not all(hasattr(t, "__qualname__") for t in trusted):
        raise TypeError(f"trusted takes classes and functions themselves, got {trusted!r}.")
    tree, members = _read_members(Path(path))
    try:
        versions = tree["versions"]
        names = _resolve_names(tree["names"], trusted)
        with warnings.catch_warnings():
            # One warning for the file, below, in place of one for each estimator in it.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            reader = _Reader(names, members, trusted)
            for spec in tree["objects"]:
                reader.objects.append(reader(spec))
            estimator = reader(tree["root"])
    except (_RefusedError, ImportError) as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:
        raise ValueError(
            f"{path} cannot be rebuilt ({type(error).__name__}: {error}). It was saved with "
            f"{tree.get('versions')}; this is skxfer {__version__} with scikit-learn {sklearn.__version__}. "
            "Load it with those versions, or fit and save the model again."
        ) from error
    if versions["scikit-learn"] != sklearn.__version__:
        warning = InconsistentVersionWarning(
            estimator_name=type(estimator).__name__,
            current_sklearn_version=sklearn.__version__,
            original_sklearn_version=versions["scikit-learn"],
        )
        warnings.warn(warning, stacklevel=2)
    return estimator


# The container ------------------------------------------------------------------------------------------


def _replace_file(path, data):
    """Write `data` to `path`, whole or not at all."""
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_members(path):
    """The JSON tree and the other members of a file, each checked against its SHA-256."""
    data = path.read_bytes()
    remedy = "Copy the file again from where it came, or save the model again with skxfer.save."
    if not data.startswith(b"PK\x03\x04"):
        found = "empty" if not data else "a pickle" if data[0] == 0x80 else "damaged, or of another kind"
        raise ValueError(f"{path} is {found}, not a file written by skxfer.save. {remedy}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = archive.namelist()
            members = {name: archive.read(name) for name in found}
        tree = json.loads(members.pop(_TREE)) if _TREE in members else None
    except Exception as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}). {remedy}") from error
    if not isinstance(tree, dict) or tree.get("format") != "skxfer":
        raise ValueError(
            f"{path} is a zip of another kind, with {', '.join(found[:5])}: skxfer.save did not write it."
        )
    version = tree.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {version}; this skxfer {__version__} reads up to format {FORMAT_VERSION}. "
            "Upgrade it: pip install -U skxfer."
        )
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    known = len(found) == len(members) + 1 and all(_MEMBERS.fullmatch(name) for name in members)
    if version != FORMAT_VERSION or not known or tree.get("members") != digests:
        raise ValueError(f"{path} is damaged: its members are not those that were saved. {remedy}")
    return tree, members


# What a file may name -----------------------------------------------------------------------------------

# The only modules that a file can make us import.
_MODULES = re.compile(
    r"numpy|torch|xgboost\.(sklearn|callback)|"
    r"(sklearn|skxfer|skorch|torch\.nn|torch\.optim|torch\.utils\.data)(\.\w+)+"
)
# Of scikit-learn estimators, and these, which are none but may hold one.
_SKLEARN_LEAVES = {
    *("_BisectingTree", "_CalibratedClassifier", "_CurveScorer", "_MultimetricScorer", "_PassthroughScorer"),
    *("_Scorer", "TreePredictor"),
}
# Functions that are only ever called with data.
_SKLEARN_FUNCTIONS = ("sklearn.metrics", "sklearn.feature_selection", "sklearn.cluster._kmeans")
_SKORCH_NETS = ("skorch.net", "skorch.regressor", "skorch.classifier")
# Callbacks that act on files or services as soon as a net is initialised are left out on purpose.
_SKORCH_NAMES = {
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
_EXTRAS = {"skops": "persistence", "safetensors": "torch", "skorch": "torch"}


def _require(module):
    """Import an optional package, or say which extra brings it."""
    root = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != root:
            raise
        extra = _EXTRAS.get(root, root)
        raise ImportError(f"this needs {root}. Install it: pip install 'skxfer[{extra}]'.") from error


class _RefusedError(ValueError):
    """The file asks for what it must not have."""


def _untrusted(names):
    return _RefusedError(
        f"the file names what is not trusted: {', '.join(names)}. If these are yours, import them and pass "
        "them: skxfer.load(path, trusted=[...]). If not, do not load this file."
    )


def _name_of(obj):
    """Module and qualified name; for scikit-learn and skxfer the public module, which moves less."""
    public = obj.__module__.partition("._")[0]
    is_there = getattr(sys.modules.get(public), obj.__qualname__, None) is obj
    return [public if is_there else obj.__module__, obj.__qualname__]


def _resolve_names(names, trusted):
    """The classes and functions of the file's name table, or an error that lists all that are not trusted."""
    found = [_resolve(module, name, trusted) for module, name in names]
    refused = sorted(".".join(name) for name, obj in zip(names, found, strict=True) if obj is None)
    if refused:
        raise _untrusted(refused)
    return found


def _resolve(module, name, trusted):
    """One class or function, or None if it is not trusted. Nothing is called here, whatever the file says."""
    named = [obj for obj in trusted if obj.__qualname__ == name]
    exact = [obj for obj in named if module in (obj.__module__, _name_of(obj)[0])]
    if exact:
        return exact[0]
    allowed = _allowed(module, name)
    return named[0] if allowed is None and len(named) == 1 else allowed


def _allowed(module, name):
    """The same, without the user's own."""
    if module == "builtins":
        return _BUILTINS.get(name)
    if not _MODULES.fullmatch(module) or "__" in module or ".test" in module or not name.isidentifier():
        return None
    root = module.partition(".")[0]
    version = _require(root).__version__
    try:
        obj = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError):
        raise _RefusedError(f"there is no {module}.{name} in the installed {root} {version}.") from None
    is_class, home = isinstance(obj, type), getattr(obj, "__module__", None) or ""
    if root == "torch" and not is_class:
        return obj if _is_torch_dtype(obj) or home == "torch.nn.functional" else None
    # It must be defined in an allowed module, not merely imported there (sklearn.utils.os, say).
    in_place = home.partition(".")[0] == root and _MODULES.fullmatch(home)
    if not in_place or not (is_class or inspect.isfunction(obj)):
        return None
    bases = {f"{c.__module__}.{c.__name__}" for c in obj.__mro__} if is_class else set()
    estimator = "sklearn.base.BaseEstimator" in bases
    ok = {
        "numpy": "numpy.generic" in bases,
        "sklearn": estimator or name in _SKLEARN_LEAVES if is_class else home.startswith(_SKLEARN_FUNCTIONS),
        "skxfer": is_class or home == "skxfer.metrics",
        "skorch": name in _SKORCH_NAMES or home in _SKORCH_NETS,
        "torch": not bases.isdisjoint(_TORCH_BASES),
        "xgboost": estimator or name == "EarlyStopping",
    }
    return obj if ok[root] else None


def _skops_trusted(trusted):
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


def _skops_unknown(data, trusted):
    unknown = _require("skops.io").get_untrusted_types(data=data)
    return sorted(set(unknown).difference(_skops_trusted(trusted)))


# There and back -----------------------------------------------------------------------------------------


class _Writer:
    """Turns objects into JSON; what is large or may be shared is stored once and referred to by number."""

    def __init__(self):
        self.names, self.objects = [], []
        self.arrays, self.parts, self.tensors, self.boosters = io.BytesIO(), [], {}, []
        self._seen, self._open, self._keep = {}, set(), []

    def __call__(self, obj, where):
        """JSON for `obj`, which was found at `where`."""
        if obj is None or type(obj) in (bool, int, str) or (type(obj) is float and math.isfinite(obj)):
            return obj
        kind = next((kind for kind in _KINDS if kind.matches(obj)), None)
        if kind is None:
            raise TypeError(
                f"Cannot save {where}: a {type(obj).__module__}.{type(obj).__qualname__} ({str(obj)[:80]}) "
                "cannot be stored without running code on loading. Replace it by something plain first."
            )
        key = _identity(obj)
        if kind.shared and key in self._seen:
            return {"ref": self._seen[key]}
        if id(obj) in self._open:
            raise ValueError(f"Cannot save {where}: it contains itself.")
        self._open.add(id(obj))
        spec = {kind.tag: kind.encode(self, obj, where)}
        self._open.discard(id(obj))
        if not kind.shared:
            return spec
        self._keep.append(obj)  # or another object could be given its id
        self._seen[key] = len(self.objects)
        self.objects.append(spec)
        return {"ref": self._seen[key]}

    def items(self, values, where):
        return [self(value, f"{where}[{i}]") for i, value in enumerate(values)]

    def mapping(self, values, where):
        if all(type(key) is str for key in values):
            return {key: self(value, f"{where}.{key}") for key, value in values.items()}
        return [[self(key, where), self(value, f"{where}[{key!r}]")] for key, value in values.items()]

    def name(self, module, name):
        if [module, name] not in self.names:
            self.names.append([module, name])
        return self.names.index([module, name])

    def members(self):
        """The members beside the JSON."""
        members = {f"boosters/{i}.ubj": raw for i, raw in enumerate(self.boosters)}
        if self.arrays.tell():
            members["arrays.npy"] = self.arrays.getvalue()
        if self.tensors:
            members["tensors.safetensors"] = _require("safetensors.torch").save(self.tensors)
        if self.parts:
            members["parts.skops"] = _require("skops.io").dumps(self.parts)
            unknown = ", ".join(_skops_unknown(members["parts.skops"], ()))
            if unknown:
                warnings.warn(f"Loading this file will ask for trusted=[...] with {unknown}.", stacklevel=3)
        return members


class _Reader:
    """Turns JSON back into objects, given what its names stand for."""

    def __init__(self, names, members, trusted):
        self.names, self.members, self.trusted, self.objects = names, members, trusted, []
        self.arrays, self.parts, self.tensors = io.BytesIO(members.get("arrays.npy", b"")), [], {}
        if "parts.skops" in members:
            unknown = _skops_unknown(members["parts.skops"], trusted)
            if unknown:
                raise _untrusted(unknown)
            self.parts = _require("skops.io").loads(members["parts.skops"], trusted=_skops_trusted(trusted))
        if "tensors.safetensors" in members:
            self.tensors = _require("safetensors.torch").load(members["tensors.safetensors"])

    def __call__(self, spec):
        if not isinstance(spec, dict):
            return spec
        ((tag, payload),) = spec.items()
        return self.objects[payload] if tag == "ref" else _BY_TAG[tag].decode(self, payload)

    def items(self, specs):
        return [self(spec) for spec in specs]

    def mapping(self, specs):
        if isinstance(specs, dict):
            return {key: self(value) for key, value in specs.items()}
        return {self(key): self(value) for key, value in specs}


def _identity(obj):
    """What makes two references the same thing: for arrays the memory, for the rest the object."""
    if type(obj) is np.ndarray and obj.size:
        return obj.__array_interface__["data"][0], obj.shape, obj.strides, str(obj.dtype)
    return id(obj)


def _named(*names):
    return lambda obj: f"{type(obj).__module__}.{type(obj).__qualname__}" in names


def _inherits(base):
    return lambda obj: any(f"{c.__module__}.{c.__qualname__}" == base for c in type(obj).__mro__)


def _append(items, item):
    items.append(item)
    return len(items) - 1


# Names and numbers.


def _is_name(obj):
    """Classes and functions that another process can find by name."""
    is_function = inspect.isfunction(obj) and "<lambda>" not in obj.__qualname__
    return is_function or isinstance(obj, type) or obj is print  # skorch's callbacks report to print


_is_torch_dtype = _named("torch.dtype")


def _is_scalar(obj):
    return isinstance(obj, np.generic) and obj.dtype.kind not in "OV"


def _encode_scalar(writer, scalar, where):
    return [scalar.dtype.str, scalar.tobytes().hex()]


def _decode_scalar(reader, spec):
    return np.frombuffer(bytes.fromhex(spec[1]), spec[0])[0]


def _is_dtype(obj):
    return isinstance(obj, np.dtype) and obj.fields is None


def _is_array(obj):
    return type(obj) in (np.ndarray, np.memmap) and not obj.dtype.hasobject


def _encode_array(writer, array, where):
    array = np.asarray(array)
    if array.dtype.names:
        # The padding between fields is whatever the memory held before; it must not end up in a file.
        clean = np.zeros(array.shape, array.dtype)  # zeros_like leaves the padding
        for field in array.dtype.names:
            clean[field] = array[field]
        array = clean
    np.lib.format.write_array(writer.arrays, array, allow_pickle=False)
    return f"{array.dtype} {array.shape}"  # for whoever reads the JSON; arrays come back in order


def _decode_array(reader, _):
    return np.lib.format.read_array(reader.arrays, allow_pickle=False)


def _is_object_array(obj):
    return type(obj) is np.ndarray and obj.dtype == object


def _encode_objects(writer, array, where):
    return {"shape": list(array.shape), "items": writer.items(array.ravel(), where)}


def _decode_objects(reader, spec):
    flat = np.empty(len(spec["items"]), dtype=object)
    for i, item in enumerate(reader.items(spec["items"])):
        flat[i] = item
    return flat.reshape(spec["shape"])


# Plain objects: estimators above all.


def _is_plain(obj):
    """Objects that are their attributes and no more."""
    cls = type(obj)
    if cls.__reduce__ is not object.__reduce__ or hasattr(obj, "__array__"):
        return False
    root = cls.__module__.partition(".")[0]
    is_leaf = root == "sklearn" and cls.__name__ in _SKLEARN_LEAVES
    foreign = root not in ("numpy", "scipy", "sklearn", *sys.stdlib_module_names)
    return isinstance(obj, BaseEstimator) or is_leaf or foreign


def _encode_object(writer, obj, where):
    state = obj.__getstate__()
    if _inherits("skorch.callbacks.base.Callback")(obj):
        state = {key: value for key, value in state.items() if not key.endswith("_")}
    return [writer.name(*_name_of(type(obj))), writer(state, where)]


def _decode_object(reader, spec):
    cls, state = reader.names[spec[0]], reader(spec[1])
    obj = cls.__new__(cls)
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
    else:
        vars(obj).update(state or {})
    if _named(_TREE_CLASS)(getattr(obj, "tree_", None)) and obj.tree_.n_features > obj.n_features_in_:
        raise _RefusedError(f"a {cls.__name__} splits on a feature that does not exist.")
    for predictor in sum(getattr(obj, "_predictors", None) or [], []):
        nodes = predictor.nodes
        inner = nodes["is_leaf"] == 0
        _check_nodes(inner, nodes["left"], nodes["right"], nodes["feature_idx"], obj.n_features_in_)
    return obj


def _is_part(obj):
    return type(obj).__module__.partition(".")[0] in ("numpy", "scipy", "sklearn")


# Compiled parts of scikit-learn, and two that would lead skops in a circle.

_TREE_CLASS = "sklearn.tree._tree.Tree"
_NEIGHBORS = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree")
_SPLINE = "scipy.interpolate._bsplines.BSpline"
_ROUTING = "sklearn.utils._metadata_requests.MetadataRequest"


def _encode_tree(writer, tree, where):
    _, args, state = tree.__reduce__()
    return {"args": writer.items(args, where), "state": writer.mapping(state, where)}


def _decode_tree(reader, spec):
    from sklearn.tree._tree import Tree

    args, state = reader.items(spec["args"]), reader.mapping(spec["state"])
    nodes = state["nodes"]
    if state["node_count"] != len(nodes):
        raise _RefusedError("a tree has another number of nodes than it says.")
    left, right = nodes["left_child"], nodes["right_child"]
    _check_nodes(left != -1, left, right, nodes["feature"], n_features=args[0])
    tree = Tree(*args)
    tree.__setstate__(state)
    return tree


def _check_nodes(inner, left, right, feature, n_features):
    """Refuse trees that point outside themselves: scikit-learn follows the pointers unchecked."""
    rows = np.flatnonzero(inner)
    for child in (left[rows], right[rows]):
        if np.any(child <= rows) or np.any(child >= len(inner)):
            raise _RefusedError("a tree has a node whose child does not exist.")
    if np.any(feature[rows] < 0) or np.any(feature[rows] >= n_features):
        raise _RefusedError("a tree splits on a feature that does not exist.")


def _encode_neighbors(writer, tree, where):
    state = tree.__getstate__()
    return [type(tree).__name__, *writer.items((state[0], state[4], state[-2], state[-1]), where)]


def _decode_neighbors(reader, spec):
    # Built anew from its data, which gives the same tree: stored indices would be followed unchecked.
    from sklearn.metrics import DistanceMetric
    from sklearn.neighbors import BallTree, KDTree

    data, leaf_size, metric, weight = reader.items(spec[1:])
    if not isinstance(metric, DistanceMetric):
        raise _RefusedError(f"{metric!r} is no distance.")
    build = {"BallTree": BallTree, "KDTree": KDTree}[spec[0]]
    return build(data, leaf_size=leaf_size, metric=metric, sample_weight=weight)


def _encode_spline(writer, spline, where):
    return writer.items((spline.t, spline.c, spline.k, spline.extrapolate, spline.axis), where)


def _decode_spline(reader, spec):
    from scipy.interpolate import BSpline

    return BSpline(*reader.items(spec))


def _encode_routing(writer, routing, where):
    # Its owner is the estimator that holds it; the name will do.
    owner = routing.owner if isinstance(routing.owner, str) else type(routing.owner).__name__
    requests = {key: value.requests for key, value in vars(routing).items() if hasattr(value, "requests")}
    return [owner, writer.mapping(requests, where)]


def _decode_routing(reader, spec):
    from sklearn.utils.metadata_routing import MetadataRequest

    routing = MetadataRequest(owner=spec[0])
    for method, requests in reader.mapping(spec[1]).items():
        for param, alias in requests.items():
            getattr(routing, method).add_request(param=param, alias=alias)
    return routing


# XGBoost, torch and skorch.


def _encode_booster(writer, booster, where):
    threads = json.loads(booster.save_config())["learner"]["generic_param"]["nthread"]
    return [_append(writer.boosters, bytes(booster.save_raw("ubj"))), int(threads)]


def _decode_booster(reader, spec):
    booster = _require("xgboost").Booster({"nthread": spec[1]})
    booster.load_model(bytearray(reader.members[f"boosters/{spec[0]}.ubj"]))
    return booster


def _encode_tensor(writer, tensor, where):
    key = f"{len(writer.tensors)}"
    writer.tensors[key] = tensor.detach().cpu().contiguous().clone()
    return [key, type(tensor).__name__ == "Parameter", tensor.requires_grad]


def _decode_tensor(reader, spec):
    key, is_parameter, requires_grad = spec
    tensor = reader.tensors[key].requires_grad_(requires_grad)
    return _require("torch").nn.Parameter(tensor, requires_grad) if is_parameter else tensor


# Of the attributes that every torch module has, those that are not hooks.
_MODULE_STATE = {"training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"}


def _encode_module(writer, module, where):
    hooks = vars(_require("torch").nn.Module()).keys() - _MODULE_STATE
    state = {key: value for key, value in module.__getstate__().items() if key not in hooks}
    return [writer.name(*_name_of(type(module))), writer.mapping(state, where)]


def _decode_module(reader, spec):
    cls, base = reader.names[spec[0]], _require("torch").nn.Module
    if not issubclass(cls, base):
        raise _RefusedError(f"{cls.__name__} is no torch module.")
    module = cls.__new__(cls)
    base.__init__(module)
    module.__setstate__(reader.mapping(spec[1]))
    return module


# What initialising a net makes anew, beside its modules, criteria and optimizers.
_NET_MACHINERY = {
    *("callbacks_", "cuda_dependent_attributes_", "history_", "init_context_", "initialized_"),
    *("prefixes_", "virtual_params_"),
}


def _encode_net(writer, net, where):
    params = {key: value for key, value in net.get_params(deep=False).items() if not key.startswith("_")}
    if isinstance(params["callbacks"], list):
        params["callbacks"] = [callback for callback in params["callbacks"] if _keeps_callback(callback)]
    spec = {"class": writer.name(*_name_of(type(net))), "params": writer.mapping(params, where)}
    if not net.initialized_:
        return spec
    modules = [f"{name}_" for name in (*net._modules, *net._criteria)]
    anew = {*modules, *(f"{name}_" for name in net._optimizers), *_NET_MACHINERY}
    weights = {name: dict(getattr(net, name).state_dict(keep_vars=True)) for name in modules}
    fitted = {key: value for key, value in vars(net).items() if key.endswith("_") and key not in anew}
    spec["weights"] = {name: writer.mapping(state, f"{where}.{name}") for name, state in weights.items()}
    spec["history"] = writer(list(net.history_), f"{where}.history_")
    spec["fitted"] = writer.mapping(fitted, where)
    return spec


def _decode_net(reader, spec):
    torch, skorch = _require("torch"), _require("skorch")
    cls, params = reader.names[spec["class"]], reader.mapping(spec["params"])
    if not issubclass(cls, skorch.NeuralNet):
        raise _RefusedError(f"{cls.__name__} is no net.")
    module, optimizer = torch.nn.Module, torch.optim.Optimizer
    for role, base in {"module": module, "criterion": module, "optimizer": optimizer}.items():
        given = params[role]
        made = given if isinstance(given, type) else type(given)
        if not issubclass(made, base) and not any(given is t for t in reader.trusted):
            raise _RefusedError(f"{given!r} cannot be the {role} of a net.")
    if str(params["device"]).startswith("cuda") and not torch.cuda.is_available():
        warnings.warn("The net was on a GPU and there is none here: it is put on the CPU.", stacklevel=2)
        params["device"] = "cpu"
    net = cls(**params)
    if "weights" not in spec:
        return net
    with torch.random.fork_rng(devices=[]):
        net.initialize()
    for name, specs in spec["weights"].items():
        module, weights = getattr(net, name), reader.mapping(specs)
        module.load_state_dict(weights)
        for key, parameter in module.named_parameters():
            parameter.requires_grad_(weights[key].requires_grad)
    net.history_ = skorch.history.History(reader(spec["history"]))
    vars(net).update(reader.mapping(spec["fitted"]))
    return net


def _keeps_callback(callback):
    callback = callback[1] if isinstance(callback, tuple) else callback
    cls = callback if isinstance(callback, type) else type(callback)
    keeps = not cls.__module__.startswith("skorch.") or cls.__name__ in _SKORCH_NAMES
    if not keeps:
        warnings.warn(f"{cls.__name__} is not saved: this callback acts on files or services.", stacklevel=2)
    return keeps


@dataclass(frozen=True)
class _Kind:
    """How one kind of object is written and read. A shared one is stored once however often it is met."""

    tag: str
    matches: object
    encode: object
    decode: object
    shared: bool = True


def _value(tag, type_, apart, together):
    """A kind that is taken apart into a few simpler values."""
    return _Kind(
        tag,
        lambda obj: type(obj) is type_,
        lambda writer, obj, where: writer.items(apart(obj), where),
        lambda reader, specs: together(reader.items(specs)),
        shared=False,
    )


# The first that matches is taken.
_KINDS = [
    _value("list", list, list, list),
    _value("tuple", tuple, tuple, tuple),
    _value("set", set, list, set),
    _value("frozenset", frozenset, list, frozenset),
    _value("slice", slice, lambda o: (o.start, o.stop, o.step), lambda s: slice(*s)),
    _value("range", range, lambda o: (o.start, o.stop, o.step), lambda s: range(*s)),
    _value("float", float, lambda o: [repr(o)], lambda s: float(*s)),
    _value("complex", complex, lambda o: [o.real, o.imag], lambda s: complex(*s)),
    _value("bytes", bytes, lambda o: [o.hex()], lambda s: bytes.fromhex(*s)),
    _value("ordered", OrderedDict, lambda o: o.items(), OrderedDict),
    _value("bunch", Bunch, lambda o: [dict(o)], lambda s: Bunch(**s[0])),
    _Kind("dict", lambda o: type(o) is dict, _Writer.mapping, _Reader.mapping, shared=False),
    _Kind("scalar", _is_scalar, _encode_scalar, _decode_scalar, shared=False),
    _Kind("dtype", _is_dtype, lambda w, o, at: o.str, lambda r, s: np.dtype(s), shared=False),
    _Kind("name", _is_name, lambda w, o, at: w.name(*_name_of(o)), lambda r, s: r.names[s], shared=False),
    _Kind("name", _is_torch_dtype, lambda w, o, at: w.name(*str(o).split(".")), None, shared=False),
    _Kind("array", _is_array, _encode_array, _decode_array),
    _Kind("objects", _is_object_array, _encode_objects, _decode_objects),
    _Kind("tree", _named(_TREE_CLASS), _encode_tree, _decode_tree),
    _Kind("neighbors", _named(*_NEIGHBORS), _encode_neighbors, _decode_neighbors),
    _Kind("spline", _named(_SPLINE), _encode_spline, _decode_spline),
    _Kind("routing", _named(_ROUTING), _encode_routing, _decode_routing),
    _Kind("booster", _named("xgboost.core.Booster"), _encode_booster, _decode_booster),
    _Kind("tensor", _named("torch.Tensor", "torch.nn.parameter.Parameter"), _encode_tensor, _decode_tensor),
    _Kind("net", _inherits("skorch.net.NeuralNet"), _encode_net, _decode_net),
    _Kind("module", _inherits("torch.nn.modules.module.Module"), _encode_module, _decode_module),
    _Kind("object", _is_plain, _encode_object, _decode_object),
    _Kind("part", _is_part, lambda w, o, at: _append(w.parts, o), lambda r, s: r.parts[s]),
]
_BY_TAG = {kind.tag: kind for kind in reversed(_KINDS)}
