"""Read ``parts.skops``, in which earlier versions kept kernels, distances, optimizers and random states.

It is a zip of its own, in the format of skops. Only what those versions wrote is read from it: plain
containers, numbers, arrays, and objects of a few classes by name.
"""

import io
import json
import re
import zipfile

from . import compiled
from .names import RefusedError, untrusted
from .objects import check_actions
from .values import next_array
from .zips import check_json

_MEMBERS = re.compile(r"schema\.json|\d{1,20}\.npy")
_OBJECTS = {
    *(
        "CompoundKernel",
        "ConstantKernel",
        "DotProduct",
        "ExpSineSquared",
        "Exponentiation",
        "Matern",
        "Product",
    ),
    *("RBF", "RationalQuadratic", "Sum", "WhiteKernel", "AdamOptimizer", "SGDOptimizer"),
}
_MODULES = ("sklearn.gaussian_process.kernels", "sklearn.neural_network._stochastic_optimizers")


def read_parts(reader, data):
    """Read the objects.

    Parameters
    ----------
    reader : Reader
    data : bytes

    Returns
    -------
    list
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if not all(_MEMBERS.fullmatch(info.filename) and info.compress_type in (0, 8) for info in infos):
            raise RefusedError("parts.skops holds members that skops does not write.")
        reader.charge(sum(info.file_size for info in infos))
        members = {}
        for info in infos:
            with archive.open(info) as member:
                members[info.filename] = member.read(info.file_size + 1)
    text = members["schema.json"]
    check_json(text, len(data))
    parts = _Parts(reader, members).read(json.loads(text))
    if not isinstance(parts, list) or any(type(part) in (dict, list, tuple) for part in parts):
        raise RefusedError("parts.skops is not a list of objects.")
    return parts


class _Parts:
    """Reads the tree of ``schema.json``."""

    def __init__(self, reader, members):
        self.reader, self.members, self.known = reader, members, {}

    def read(self, node):
        """The object that a node stands for; nodes with the same number are the same object."""
        if "__loader__" not in node and node.get("__id__") in self.known:
            return self.known[node["__id__"]]
        loader = node["__loader__"]
        if loader not in self.LOADERS:
            raise untrusted([f"{node['__module__']}.{node['__class__']}"])
        obj = self.LOADERS[loader](self, node)
        self.known[node.get("__id__")] = obj
        return obj

    def _json(self, node):
        return json.loads(node["content"])

    def _list(self, node):
        return [self.read(item) for item in node["content"]]

    def _dict(self, node):
        return {key: self.read(value) for key, value in node["content"].items()}

    def _tuple(self, node):
        return tuple(self._list(node))

    def _array(self, node):
        if node["type"] != "numpy":
            raise untrusted([f"{node['__module__']}.{node['__class__']}"])
        array = next_array(self.reader, io.BytesIO(self.members[node["file"]]))
        return array if node["__class__"] == "ndarray" else array[()]

    def _random_state(self, node):
        return compiled.random_state(self.read(node["content"]))

    def _cached(self, node):
        return self.known[node["__id__"]]

    def _object(self, node):
        module, name = node["__module__"], node["__class__"]
        if module == "sklearn.metrics._dist_metrics":
            return compiled.distance(name, *self.read(node["content"]))
        if module not in _MODULES or name not in _OBJECTS:
            raise untrusted([f"{module}.{name}"])
        obj = compiled.kernel_or_optimizer(name, self.read(node["content"]))
        check_actions(type(obj), vars(obj))
        return obj

    LOADERS = {
        "CachedNode": _cached,
        "DictNode": _dict,
        "JsonNode": _json,
        "ListNode": _list,
        "NdArrayNode": _array,
        "ObjectNode": _object,
        "RandomStateNode": _random_state,
        "TupleNode": _tuple,
    }
