"""How the boosters of XGBoost are stored: in XGBoost's own format, checked before XGBoost reads it.

XGBoost follows the lengths, children and features in a file unchecked: a wrong one crashes the process.
"""

import json
import struct

import numpy as np

from .._optional import require
from .names import RefusedError


def encode_booster(writer, booster, where):
    """Store a booster of XGBoost in its own format."""
    threads = json.loads(booster.save_config())["learner"]["generic_param"]["nthread"]
    writer.boosters.append(bytes(booster.save_raw("ubj")))
    return [len(writer.boosters) - 1, int(threads)]


def decode_booster(reader, spec):
    """Read a booster of XGBoost."""
    number, threads = spec
    raw = reader.members[f"boosters/{int(number)}.ubj"]
    if not isinstance(threads, int) or not -1 <= threads <= 1024:
        raise RefusedError(f"a booster asks for {threads!r} threads."[:80])
    reader.charge(4 * len(raw))
    check_booster(raw)
    booster = require("xgboost").Booster({"nthread": threads})
    booster.load_model(bytearray(raw))
    return booster


# The format -----------------------------------------------------------------------------------------------

_NUMBERS = {"i": "b", "U": "B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
_ARRAYS = {"i": "i1", "U": "u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_MAX_DEPTH = 20


class _Parser:
    """Reads Universal Binary JSON: the part of it that XGBoost writes."""

    def __init__(self, raw):
        self.raw, self.place = raw, 0

    def whole(self):
        """The one value that makes up the text."""
        value = self.value(0)
        if self.place != len(self.raw):
            raise RefusedError("a booster has bytes that nothing reads.")
        return value

    def value(self, depth):
        """The next value."""
        if depth > _MAX_DEPTH:
            raise RefusedError("a booster is nested too deeply.")
        marker = self.take(1).decode("ascii")
        if marker in _NUMBERS:
            return self.number(marker)
        if marker == "S":
            return self.text()
        if marker == "{":
            return self.object(depth)
        if marker == "[":
            return self.array(depth)
        return {"Z": None, "T": True, "F": False}[marker]

    def take(self, n):
        """The next n bytes."""
        if not 0 <= n <= len(self.raw) - self.place:
            raise RefusedError("a booster is shorter than it says.")
        self.place += n
        return self.raw[self.place - n : self.place]

    def peek(self):
        """The next byte."""
        return self.raw[self.place : self.place + 1]

    def number(self, marker):
        """A number, of the kind that its marker says."""
        code = _NUMBERS[marker]
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def length(self):
        """The length of a text or array, which XGBoost writes as a whole number of eight bytes."""
        if self.take(1) != b"L":
            raise RefusedError("a booster has a length that XGBoost does not write.")
        return self.number("L")

    def text(self):
        """A text."""
        return self.take(self.length()).decode()

    def object(self, depth):
        """An object, the keys of which differ."""
        found = {}
        while self.peek() != b"}":
            key = self.text()
            if key in found:
                raise RefusedError(f"a booster has two entries {key!r}.")
            found[key] = self.value(depth + 1)
        self.take(1)
        return found

    def array(self, depth):
        """A list, or an array where all its numbers are of one kind."""
        if self.peek() == b"$":
            _, kind, _ = self.take(1), self.take(1).decode("ascii"), self.take(1)
            n, dtype = self.length(), np.dtype(_ARRAYS[kind])
            return np.frombuffer(self.take(n * dtype.itemsize), dtype)
        if self.take(1) != b"#":
            raise RefusedError("a booster has a list without a length.")
        n = self.length()
        if n > len(self.raw):
            raise RefusedError("a booster is shorter than it says.")
        return [self.value(depth + 1) for _ in range(n)]


# What XGBoost expects -------------------------------------------------------------------------------------


def check_booster(raw):
    """Refuse a booster that XGBoost could not read or follow.

    Parameters
    ----------
    raw : bytes
        As ``Booster.save_raw("ubj")`` gives them.

    Raises
    ------
    RefusedError
    """
    try:
        model = _Parser(raw).whole()["learner"]
        shape = _whole_numbers(model["learner_model_param"])
        booster = model["gradient_booster"]
        name = booster["name"]
        if name == "gblinear":
            groups = max(shape["num_class"], 1, shape.get("num_target", 1))
            _require(len(booster["model"]["weights"]) == (shape["num_feature"] + 1) * groups, "weights")
        elif name == "dart":
            n_trees = _check_trees(booster["gbtree"]["model"], shape)
            _require(len(booster["weight_drop"]) == n_trees, "weights of trees")
        elif name == "gbtree":
            _check_trees(booster["model"], shape)
        else:
            raise RefusedError(f"a booster is of an unknown kind {name!r}.")
    except RefusedError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, UnicodeError, ValueError, struct.error) as error:
        raise RefusedError(f"a booster is not one of XGBoost ({type(error).__name__}: {error}).") from None


def _require(holds, what):
    if not holds:
        raise RefusedError(f"a booster has other {what} than it says.")


def _whole_numbers(params):
    """Sizes, which XGBoost writes as text."""
    sizes = {key: int(text) for key, text in params.items() if key.startswith(("num_", "size_"))}
    # What is as large as the number of features or classes is made when it predicts.
    _require(all(0 <= n < 10_000_000 for n in sizes.values()), "sizes")
    return sizes


def _check_trees(model, shape):
    trees, groups = model["trees"], max(shape["num_class"], shape.get("num_target", 1), 1)
    sizes = _whole_numbers(model["gbtree_model_param"])
    _require(isinstance(trees, list) and len(trees) == sizes["num_trees"], "trees")
    info = np.asarray(model["tree_info"])
    _require(len(info) == len(trees) and np.all((info >= 0) & (info < groups)), "groups of trees")
    if "iteration_indptr" in model:  # not before XGBoost 2.0
        rounds = np.asarray(model["iteration_indptr"])
        ends = rounds[0] == 0 and rounds[-1] == len(trees) if len(rounds) else not trees
        _require(ends and np.all(np.diff(rounds.astype(np.int64)) >= 0), "rounds")
    _require(groups <= max(1000, 10 * len(trees)), "classes")
    for i, tree in enumerate(trees):
        _require(tree["id"] == i, "trees")
        _check_tree(tree, shape["num_feature"])
    return len(trees)


def _check_tree(tree, n_features):
    params = _whole_numbers(tree["tree_param"])
    n, width = params["num_nodes"], max(params.get("size_leaf_vector", 1), 1)
    left, right, parents = (
        np.asarray(tree[key], np.int64) for key in ("left_children", "right_children", "parents")
    )
    nodes = (left, right, parents, tree["split_indices"], tree["split_conditions"], tree["default_left"])
    _require(n > 0 and all(len(values) == n for values in nodes), "nodes of a tree")
    _require(
        all(len(tree[key]) == n for key in ("loss_changes", "sum_hessian", "split_type")), "nodes of a tree"
    )
    _require(len(tree["base_weights"]) == n * width or width > 1, "weights of a tree")
    inner = left != -1
    # With several outputs, a leaf says in place of its right child where its weights are.
    n_leaves = len(tree.get("leaf_weights", ())) // width if width > 1 else 0
    _require(np.all(right[~inner] < max(n_leaves, 0)) and np.all(right[~inner] >= -1), "leaves")
    children = np.concatenate([left[inner], right[inner]])
    _require(np.all((children > 0) & (children < n)), "children")
    # Each node has one parent and no child stands above it, or a row would go round for ever.
    _require(len(np.unique(children)) == len(children), "children")
    _require(np.array_equal(parents[left[inner]], np.flatnonzero(inner)), "parents")
    _require(np.array_equal(parents[right[inner]], np.flatnonzero(inner)), "parents")
    reached, front = 1, np.array([0])
    while len(front := np.concatenate([left[front], right[front]])[np.tile(inner[front], 2)]):
        reached += len(front)
    _require(reached == 1 + len(children), "children")
    features = np.asarray(tree["split_indices"], np.int64)[inner]
    _require(np.all((features >= 0) & (features < n_features)), "features")
    _check_categories(tree, inner)


def _check_categories(tree, inner):
    nodes, starts, sizes = (
        np.asarray(tree[f"categories_{key}"], np.int64) for key in ("nodes", "segments", "sizes")
    )
    total = len(tree["categories"])
    _require(len(nodes) == len(starts) == len(sizes), "categories")
    _require(np.all((nodes >= 0) & (nodes < len(inner))) and np.all(np.diff(nodes) > 0), "categories")
    _require(np.all((starts >= 0) & (sizes >= 0) & (starts + sizes <= total)), "categories")
    categorical = np.flatnonzero(np.asarray(tree["split_type"])[: len(inner)] == 1)
    _require(np.array_equal(categorical, nodes), "categories")
    values = np.asarray(tree["categories"], np.int64)
    _require(np.all((values >= 0) & (values < 2**24)), "categories")
