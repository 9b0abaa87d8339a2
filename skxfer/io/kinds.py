"""How each kind of object becomes JSON and how it comes back: the table at the end lists them all."""

import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from . import nets
from .names import SKLEARN_LEAVES, RefusedError, is_torch_dtype


def _named(*names):
    return lambda obj: f"{type(obj).__module__}.{type(obj).__qualname__}" in names


def _inherits(base):
    return lambda obj: any(f"{c.__module__}.{c.__qualname__}" == base for c in type(obj).__mro__)


def _encode_dict(writer, values, where):
    return writer.mapping(values, where)


def _decode_dict(reader, specs):
    return reader.mapping(specs)


def _is_name(obj):
    """Classes and functions that another process can find by name."""
    is_function = inspect.isfunction(obj) and "<lambda>" not in obj.__qualname__
    is_print = obj is print  # skorch's callbacks report to it
    return is_function or isinstance(obj, type) or is_print or is_torch_dtype(obj)


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


def _encode_frame(writer, frame, where):
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise TypeError(f"Cannot save {where}: a DataFrame with several levels. Flatten its index first.")
    columns = [frame.iloc[:, column].to_numpy() for column in range(frame.shape[1])]
    return writer([list(frame.index), list(frame.columns), columns], where)


def _decode_frame(reader, spec):
    index, names, columns = reader(spec)
    frame = pd.DataFrame(dict(enumerate(columns)), index=index)
    return frame.set_axis(names, axis=1)


def _is_object_array(obj):
    return type(obj) is np.ndarray and obj.dtype == object


def _encode_objects(writer, array, where):
    return {"shape": list(array.shape), "items": writer.items(array.ravel(), where)}


def _decode_objects(reader, spec):
    flat = np.empty(len(spec["items"]), dtype=object)
    for i, item in enumerate(reader.items(spec["items"])):
        flat[i] = item
    return flat.reshape(spec["shape"])


def _encode_masked(writer, array, where):
    return [writer(np.asarray(array.data), where), writer(np.ma.getmaskarray(array), where)]


def _decode_masked(reader, spec):
    data, mask = (reader(part) for part in spec)
    return np.ma.MaskedArray(data, mask=mask)


def _is_plain(obj):
    """Objects that are their attributes and no more."""
    cls = type(obj)
    if cls.__reduce__ is not object.__reduce__ or hasattr(obj, "__array__"):
        return False
    root = cls.__module__.partition(".")[0]
    is_leaf = root == "sklearn" and cls.__name__ in SKLEARN_LEAVES
    foreign = root not in ("numpy", "scipy", "sklearn", *sys.stdlib_module_names)
    return isinstance(obj, BaseEstimator) or is_leaf or foreign


def _encode_object(writer, obj, where):
    state = obj.__getstate__()
    if _inherits("skorch.callbacks.base.Callback")(obj):
        state = {key: value for key, value in state.items() if not key.endswith("_")}
    return [writer.name(type(obj), where), writer(state, where)]


def _decode_object(reader, spec):
    cls, state = reader.names[spec[0]], reader(spec[1])
    obj = cls.__new__(cls)
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
    else:
        vars(obj).update(state or {})
    if _named(_TREE_CLASS)(getattr(obj, "tree_", None)) and obj.tree_.n_features > obj.n_features_in_:
        raise RefusedError(f"a {cls.__name__} splits on a feature that does not exist.")
    for predictor in sum(getattr(obj, "_predictors", None) or [], []):
        nodes = predictor.nodes
        inner = nodes["is_leaf"] == 0
        _check_nodes(inner, nodes["left"], nodes["right"], nodes["feature_idx"], obj.n_features_in_)
    return obj


def _is_part(obj):
    return type(obj).__module__.partition(".")[0] in ("numpy", "scipy", "sklearn")


def _encode_part(writer, part, where):
    writer.parts.append(part)
    return len(writer.parts) - 1


# Compiled parts of scikit-learn, and two objects that would lead skops in a circle.
_TREE_CLASS = "sklearn.tree._tree.Tree"
_NEIGHBORS = ("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree")
_SPLINE = "scipy.interpolate._bsplines.BSpline"
_TENSORS = ("torch.Tensor", "torch.nn.parameter.Parameter")
_ROUTING = "sklearn.utils._metadata_requests.MetadataRequest"


def _encode_tree(writer, tree, where):
    _, args, state = tree.__reduce__()
    return {"args": writer.items(args, where), "state": writer.mapping(state, where)}


def _decode_tree(reader, spec):
    from sklearn.tree._tree import Tree

    args, state = reader.items(spec["args"]), reader.mapping(spec["state"])
    nodes = state["nodes"]
    if state["node_count"] != len(nodes):
        raise RefusedError("a tree has another number of nodes than it says.")
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
            raise RefusedError("a tree has a node whose child does not exist.")
    if np.any(feature[rows] < 0) or np.any(feature[rows] >= n_features):
        raise RefusedError("a tree splits on a feature that does not exist.")


def _encode_neighbors(writer, tree, where):
    state = tree.__getstate__()
    return [type(tree).__name__, *writer.items((state[0], state[4], state[-2], state[-1]), where)]


def _decode_neighbors(reader, spec):
    # Built anew from its data, which gives the same tree: stored indices would be followed unchecked.
    from sklearn.metrics import DistanceMetric
    from sklearn.neighbors import BallTree, KDTree

    data, leaf_size, metric, weight = reader.items(spec[1:])
    if not isinstance(metric, DistanceMetric):
        raise RefusedError(f"{metric!r} is no distance.")
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


@dataclass(frozen=True)
class Kind:
    """How one kind of object is written and read. A shared one is stored once however often it is met."""

    tag: str
    matches: Callable  # of an object
    encode: Callable  # of the writer, an object and its place
    decode: Callable  # of the reader and what encode gave
    shared: bool = True


def _value(tag, type_, apart, together):
    """A kind that is taken apart into a few simpler values."""
    return Kind(
        tag,
        lambda obj: type(obj) is type_,
        lambda writer, obj, where: writer.items(apart(obj), where),
        lambda reader, specs: together(reader.items(specs)),
        shared=False,
    )


# The first that matches is taken.
KINDS = [
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
    Kind("dict", lambda o: type(o) is dict, _encode_dict, _decode_dict, shared=False),
    Kind("scalar", _is_scalar, _encode_scalar, _decode_scalar, shared=False),
    Kind("dtype", _is_dtype, lambda w, o, at: o.str, lambda r, s: np.dtype(s), shared=False),
    Kind("name", _is_name, lambda w, o, at: w.name(o, at), lambda r, s: r.names[s], shared=False),
    Kind("array", _is_array, _encode_array, _decode_array),
    Kind("frame", _named("pandas.core.frame.DataFrame", "pandas.DataFrame"), _encode_frame, _decode_frame),
    Kind(
        "masked", _named("numpy.ma.core.MaskedArray", "numpy.ma.MaskedArray"), _encode_masked, _decode_masked
    ),
    Kind("objects", _is_object_array, _encode_objects, _decode_objects),
    Kind("tree", _named(_TREE_CLASS), _encode_tree, _decode_tree),
    Kind("neighbors", _named(*_NEIGHBORS), _encode_neighbors, _decode_neighbors),
    Kind("spline", _named(_SPLINE), _encode_spline, _decode_spline),
    Kind("routing", _named(_ROUTING), _encode_routing, _decode_routing),
    Kind("booster", _named("xgboost.core.Booster"), nets.encode_booster, nets.decode_booster),
    Kind("tensor", _named(*_TENSORS), nets.encode_tensor, nets.decode_tensor),
    Kind("net", _inherits("skorch.net.NeuralNet"), nets.encode_net, nets.decode_net),
    Kind("module", _inherits("torch.nn.modules.module.Module"), nets.encode_module, nets.decode_module),
    Kind("object", _is_plain, _encode_object, _decode_object),
    Kind("part", _is_part, _encode_part, lambda r, s: r.parts[s]),
]
BY_TAG = {kind.tag: kind for kind in KINDS}
