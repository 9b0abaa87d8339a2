"""From objects to JSON and back: what is large or may be shared is stored once and referred to by number."""

import io
import math
from enum import Enum

import numpy as np

from .._optional import require
from . import former
from .kinds import BY_TAG, KINDS
from .names import RefusedError, name_of
from .values import check_hashes
from .zips import FLOOR

# How deep objects may hold objects: Python itself allows a thousand calls within calls, four for each.
_MAX_DEPTH = 120
# Python reads whole numbers of up to 4300 digits.
_MAX_BITS = 14_000
# What is rebuilt may take this many times as much memory as the members of the file.
_COPIES = 4


class Writer:
    """Turns objects into JSON; what is large or may be shared is stored once and referred to by number."""

    def __init__(self):
        self.names, self.objects = [], []
        self.left_out = []  # messages for the user
        self.arrays, self.tensors, self.boosters = io.BytesIO(), {}, []
        self._seen, self._open, self._keep = {}, set(), []

    def __call__(self, obj, where):
        """JSON for `obj`, which was found at `where`."""
        if obj is None or type(obj) in (bool, str) or (type(obj) is float and math.isfinite(obj)):
            return obj
        if type(obj) is int and obj.bit_length() <= _MAX_BITS:
            return obj
        kind = next((kind for kind in KINDS if kind.matches(obj)), None)
        if kind is None:
            raise TypeError(f"Cannot save {where}: {_why_not(obj)}")
        key = _identity(obj)
        if kind.shared and key in self._seen:
            return {"ref": self._seen[key]}
        if id(obj) in self._open:
            raise ValueError(f"Cannot save {where}: it contains itself.")
        if len(self._open) > _MAX_DEPTH:
            raise ValueError(f"Cannot save {where[:200]}: it is nested too deeply.")
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
                f"Cannot save {where}: {obj.__module__}.{obj.__qualname__} has no name in files: give it a "
                "line in skxfer/io/registry.py."
            )
        if entry not in self.names:
            self.names.append(entry)
        return self.names.index(entry)

    def members(self):
        """The members of the zip next to the JSON."""
        members = {f"boosters/{i}.ubj": raw for i, raw in enumerate(self.boosters)}
        if self.arrays.tell():
            members["arrays.npy"] = self.arrays.getvalue()
        if self.tensors:
            members["tensors.safetensors"] = require("safetensors.torch").save(self.tensors)
        return members


class Reader:
    """Turns JSON back into objects, given what its names stand for."""

    def __init__(self, names, members, trusted):
        self.names, self.members, self.trusted, self.objects = names, members, trusted, []
        self.arrays, self.tensors = io.BytesIO(members.get("arrays.npy", b"")), {}
        self._left = _COPIES * max(FLOOR, sum(map(len, members.values())))
        self.parts = former.read_parts(self, members["parts.skops"]) if "parts.skops" in members else []
        if "tensors.safetensors" in members:
            self.tensors = require("safetensors.torch").load(members["tensors.safetensors"])

    def __call__(self, spec):
        """The object that some JSON stands for."""
        if not isinstance(spec, dict):
            return spec
        ((tag, payload),) = spec.items()
        return self.objects[payload] if tag == "ref" else BY_TAG[tag].decode(self, payload)

    def add(self, spec):
        """Read the next of the objects that others refer to."""
        # A tuple or dict among them could hold itself many times over, and take for ever to hash.
        ((tag, _),) = spec.items()
        if not BY_TAG[tag].shared:
            raise RefusedError(f"a {tag} is referred to, which skxfer.save does not do.")
        self.objects.append(self(spec))

    def items(self, specs):
        """The objects that a list of JSON stands for."""
        if not isinstance(specs, list):
            raise RefusedError("a list was expected.")
        return [self(spec) for spec in specs]

    def mapping(self, specs):
        """The dict that :meth:`Writer.mapping` wrote."""
        if isinstance(specs, dict):
            return {key: self(value) for key, value in specs.items()}
        keys = check_hashes([self(key) for key, _ in specs])
        return dict(zip(keys, (self(value) for _, value in specs), strict=True))

    def charge(self, n_bytes):
        """Count memory that is about to be taken, and refuse a file that would take too much."""
        self._left -= int(n_bytes)
        if self._left < 0:
            raise RefusedError("it would take much more memory than its members.")


def _identity(obj):
    """What makes two references the same thing: for arrays the memory, for the rest the object."""
    if type(obj) is np.ndarray and obj.size:
        return obj.__array_interface__["data"][0], obj.shape, obj.strides, str(obj.dtype)
    return id(obj)


_BUILTINS = (Enum, dict, list, tuple, set, frozenset, str, bytes, int, float, complex, np.ndarray, np.generic)


def _why_not(obj):
    """Why an object cannot be saved, and what to do."""
    cls = type(obj)
    name = f"{cls.__module__}.{cls.__qualname__}"
    text = f"a {name}" if cls is int else f"a {name} ({str(obj)[:80]})"
    base = next((base for base in _BUILTINS if isinstance(obj, base)), None)
    if cls is int:
        return f"{text} has more digits than Python reads again."
    if base is not None and cls is not base:
        plain = "its value or name" if base is Enum else f"a plain {base.__name__}"
        return f"{text}, a kind of {base.__name__}, would not come back as what it is. Replace it by {plain}."
    if any("__slots__" in vars(c) and vars(c)["__slots__"] for c in cls.__mro__):
        return f"{text} has __slots__ in place of attributes. Replace it by something plain, such as a dict."
    return f"{text} cannot be stored without running code on loading. Replace it by something plain first."
