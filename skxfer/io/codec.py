"""From objects to JSON and back: what is large or may be shared is stored once and referred to by number."""

import io
import math
import warnings

import numpy as np

from .._optional import require
from .kinds import BY_TAG, KINDS
from .names import name_of, skops_trusted, skops_unknown, untrusted


class Writer:
    """Turns objects into JSON; what is large or may be shared is stored once and referred to by number."""

    def __init__(self):
        self.names, self.objects = [], []
        self.arrays, self.parts, self.tensors, self.boosters = io.BytesIO(), [], {}, []
        self._seen, self._open, self._keep = {}, set(), []

    def __call__(self, obj, where):
        """JSON for `obj`, which was found at `where`."""
        if obj is None or type(obj) in (bool, int, str) or (type(obj) is float and math.isfinite(obj)):
            return obj
        kind = next((kind for kind in KINDS if kind.matches(obj)), None)
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
        """A list of the JSON of each value."""
        return [self(value, f"{where}[{i}]") for i, value in enumerate(values)]

    def mapping(self, values, where):
        """JSON of a dict: an object if all its keys are text, else a list of pairs."""
        if all(type(key) is str for key in values):
            return {key: self(value, f"{where}.{key}") for key, value in values.items()}
        return [[self(key, where), self(value, f"{where}[{key!r}]")] for key, value in values.items()]

    def name(self, obj, where):
        """Place of a class or function in the table of names."""
        entry = name_of(obj)
        if entry is None:
            raise TypeError(
                f"Cannot save {where}: {obj.__module__}.{obj.__qualname__} cannot be saved: it has no "
                "name in skxfer/io/registry.py."
            )
        if entry not in self.names:
            self.names.append(entry)
        return self.names.index(entry)

    def members(self):
        """The members beside the JSON."""
        members = {f"boosters/{i}.ubj": raw for i, raw in enumerate(self.boosters)}
        if self.arrays.tell():
            members["arrays.npy"] = self.arrays.getvalue()
        if self.tensors:
            members["tensors.safetensors"] = require("safetensors.torch").save(self.tensors)
        if self.parts:
            members["parts.skops"] = require("skops.io").dumps(self.parts)
            unknown = ", ".join(skops_unknown(members["parts.skops"], ()))
            if unknown:
                warnings.warn(f"Loading this file will ask for trusted=[...] with {unknown}.", stacklevel=3)
        return members


class Reader:
    """Turns JSON back into objects, given what its names stand for."""

    def __init__(self, names, members, trusted):
        self.names, self.members, self.trusted, self.objects = names, members, trusted, []
        self.arrays, self.parts, self.tensors = io.BytesIO(members.get("arrays.npy", b"")), [], {}
        if "parts.skops" in members:
            unknown = skops_unknown(members["parts.skops"], trusted)
            if unknown:
                raise untrusted(unknown)
            self.parts = require("skops.io").loads(members["parts.skops"], trusted=skops_trusted(trusted))
        if "tensors.safetensors" in members:
            self.tensors = require("safetensors.torch").load(members["tensors.safetensors"])

    def __call__(self, spec):
        """The object that some JSON stands for."""
        if not isinstance(spec, dict):
            return spec
        ((tag, payload),) = spec.items()
        return self.objects[payload] if tag == "ref" else BY_TAG[tag].decode(self, payload)

    def items(self, specs):
        """The objects that a list of JSON stands for."""
        return [self(spec) for spec in specs]

    def mapping(self, specs):
        """The dict that :meth:`Writer.mapping` wrote."""
        if isinstance(specs, dict):
            return {key: self(value) for key, value in specs.items()}
        return {self(key): self(value) for key, value in specs}


def _identity(obj):
    """What makes two references the same thing: for arrays the memory, for the rest the object."""
    if type(obj) is np.ndarray and obj.size:
        return obj.__array_interface__["data"][0], obj.shape, obj.strides, str(obj.dtype)
    return id(obj)
