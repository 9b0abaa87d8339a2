"""How each kind of object becomes JSON and how it comes back: the table lists them all."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.utils import Bunch

from . import boosters, compiled, nets, objects, values
from .compiled import named


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


def _in_order(items):
    """Items of a set in an order that does not change from run to run."""
    return sorted(items, key=lambda item: (type(item).__name__, repr(item)))


def _ordered(items):
    values.check_hashes([key for key, _ in items])
    return OrderedDict(items)


def _flat(tag, matches, module, stem):
    """A kind whose functions in a module are called after it, and which is stored where it is met."""
    return Kind(
        tag, matches, getattr(module, f"encode_{stem}"), getattr(module, f"decode_{stem}"), shared=False
    )


def _kind(tag, matches, module, stem=None):
    """A kind whose functions in a module are called after it."""
    stem = stem or tag
    return Kind(tag, matches, getattr(module, f"encode_{stem}"), getattr(module, f"decode_{stem}"))


def _encode_dict(writer, obj, where):
    return writer.mapping(obj, where)


# The first that matches is taken.
KINDS = [
    _value("list", list, list, list),
    _value("tuple", tuple, tuple, tuple),
    _value("set", set, _in_order, lambda s: set(values.check_hashes(s))),
    _value("frozenset", frozenset, _in_order, lambda s: frozenset(values.check_hashes(s))),
    _value("slice", slice, lambda o: (o.start, o.stop, o.step), lambda s: slice(*s)),
    _value("range", range, lambda o: (o.start, o.stop, o.step), lambda s: range(*s)),
    _value("float", float, lambda o: [repr(o)], lambda s: float(*s)),
    _value("complex", complex, lambda o: [o.real, o.imag], lambda s: complex(*s)),
    _value("bytes", bytes, lambda o: [o.hex()], lambda s: bytes.fromhex(*s)),
    _value("ordered", OrderedDict, lambda o: o.items(), _ordered),
    _flat("bunch", lambda o: type(o) is Bunch, values, "bunch"),
    Kind("dict", lambda o: type(o) is dict, _encode_dict, lambda r, s: r.mapping(s), shared=False),
    _flat("scalar", values.is_scalar, values, "scalar"),
    Kind("dtype", values.is_dtype, lambda w, o, at: o.str, values.decode_dtype, shared=False),
    Kind("name", values.is_name, lambda w, o, at: w.name(o, at), lambda r, s: r.names[s], shared=False),
    _flat("ufunc", compiled.is_ufunc, compiled, "ufunc"),
    _kind("array", values.is_array, values),
    _kind("frame", named("pandas.core.frame.DataFrame", "pandas.DataFrame"), values),
    _kind("masked", lambda o: type(o) is np.ma.MaskedArray, values),
    _kind("objects", values.is_object_array, values),
    _kind("tree", compiled.is_tree, compiled),
    _kind("neighbors", compiled.is_neighbors, compiled),
    _kind("distance", compiled.is_distance, compiled),
    _kind("loss", compiled.is_loss, compiled),
    _kind("random_state", compiled.is_random_state, compiled),
    _kind("generator", compiled.is_generator, compiled),
    _kind("spline", compiled.is_spline, compiled),
    _kind("sparse", compiled.is_sparse, compiled),
    _kind("distribution", compiled.is_distribution, compiled),
    _kind("routing", compiled.is_routing, compiled),
    _kind("booster", named("xgboost.core.Booster"), boosters),
    _kind("tensor", nets.is_tensor, nets),
    _kind("net", nets.is_net, nets),
    _kind("module", nets.is_module, nets),
    _kind("object", objects.is_plain, objects),
]
# Only in files of earlier versions.
_PARTS = Kind("part", lambda o: False, lambda w, o, at: None, lambda r, s: r.parts[s])
BY_TAG = {kind.tag: kind for kind in (*KINDS, _PARTS)}
