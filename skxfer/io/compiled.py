"""Objects of numpy, scipy and scikit-learn that are compiled: taken apart into numbers, and built from them.

scikit-learn and scipy follow the pointers within their trees and matrices unchecked, so that they are checked
here, or the object is built again from its data.
"""

import functools

import numpy as np

from .names import RefusedError


def named(*names):
    """A test for objects of the classes of these full names.

    Parameters
    ----------
    *names : str

    Returns
    -------
    callable
    """
    return lambda obj: f"{type(obj).__module__}.{type(obj).__qualname__}" in names


def _in_module(module, names):
    known = frozenset(f"{module}.{name}" for name in names.split())
    return named(*known)


# Trees --------------------------------------------------------------------------------------------------

is_tree = named("sklearn.tree._tree.Tree")


def encode_tree(writer, tree, where):
    """Store the nodes and values of a decision tree."""
    _, args, state = tree.__reduce__()
    return {"args": writer.items(args, where), "state": writer.mapping(state, where)}


def decode_tree(reader, spec):
    """Build a decision tree whose nodes exist."""
    from sklearn.tree._tree import Tree

    (n_features, n_classes, n_outputs), state = reader.items(spec["args"]), reader.mapping(spec["state"])
    nodes, values = state["nodes"], state["values"]
    if not all(isinstance(array, np.ndarray) for array in (n_classes, nodes, values)):
        raise RefusedError("a tree has no nodes.")
    if n_classes.shape != (n_outputs,) or n_classes.dtype != np.intp or not 0 < n_outputs <= values.size:
        raise RefusedError("a tree has another number of outputs than it says.")
    if values.ndim != 3 or values.shape[1:] != (n_outputs, n_classes.max()) or n_classes.min() < 1:
        raise RefusedError("a tree has another number of classes than it says.")
    if state["node_count"] != len(nodes) or len(values) != len(nodes):
        raise RefusedError("a tree has another number of nodes than it says.")
    left, right = nodes["left_child"], nodes["right_child"]
    check_nodes(left != -1, left, right, nodes["feature"], n_features)
    reader.charge(nodes.nbytes + values.nbytes)
    tree = Tree(n_features, n_classes, n_outputs)
    tree.__setstate__(state)
    return tree


def check_nodes(inner, left, right, feature, n_features):
    """Refuse trees that point outside themselves.

    Parameters
    ----------
    inner : ndarray of bool
        Nodes that are split.
    left, right, feature : ndarray of int
        Children of each node, and the feature that it is split on.
    n_features : int
    """
    rows = np.flatnonzero(inner)
    for child in (left[rows], right[rows]):
        if np.any(child <= rows) or np.any(child >= len(inner)):
            raise RefusedError("a tree has a node whose child does not exist.")
    if np.any(feature[rows] < 0) or np.any(feature[rows] >= n_features):
        raise RefusedError("a tree splits on a feature that does not exist.")


# Neighbors and distances --------------------------------------------------------------------------------

is_neighbors = named("sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree")


def encode_neighbors(writer, tree, where):
    """Store the data that a KDTree or BallTree was built from."""
    state = tree.__getstate__()
    return [type(tree).__name__, *writer.items((state[0], state[4], state[-2], state[-1]), where)]


def decode_neighbors(reader, spec):
    """Build the tree again, which gives the same tree."""
    from sklearn.metrics import DistanceMetric
    from sklearn.neighbors import BallTree, KDTree

    data, leaf_size, metric, weight = reader.items(spec[1:])
    if not isinstance(metric, DistanceMetric):
        raise RefusedError(f"{metric!r} is not a distance.")
    data = np.asarray(data)
    reader.charge(6 * data.nbytes)
    build = {"BallTree": BallTree, "KDTree": KDTree}[spec[0]]
    return build(data, leaf_size=leaf_size, metric=metric, sample_weight=weight)


# Which of the numbers of a distance its constructor takes, and as what.
_DISTANCES = {
    "MinkowskiDistance": lambda p, vec, mat: {"p": p, **({"w": vec} if vec.size else {})},
    "SEuclideanDistance": lambda p, vec, mat: {"V": vec},
    "MahalanobisDistance": lambda p, vec, mat: {"VI": mat},
    **dict.fromkeys(
        (
            *("BrayCurtisDistance", "CanberraDistance", "ChebyshevDistance", "DiceDistance"),
            *("EuclideanDistance", "HammingDistance", "HaversineDistance", "JaccardDistance"),
            *("KulsinskiDistance", "ManhattanDistance", "MatchingDistance", "RogersTanimotoDistance"),
            *("RussellRaoDistance", "SokalMichenerDistance", "SokalSneathDistance"),
        ),
        lambda p, vec, mat: {},
    ),
}
_WIDTHS = ("64", "32")
is_distance = named(
    *(f"sklearn.metrics._dist_metrics.{name}{width}" for name in _DISTANCES for width in _WIDTHS)
)


def encode_distance(writer, metric, where):
    """Store the name and the numbers of a distance."""
    return [type(metric).__name__, *writer.items(metric.__getstate__(), where)]


def decode_distance(reader, spec):
    """Build a distance."""
    return distance(spec[0], *reader.items(spec[1:]))


def distance(name, p, vec, mat):
    """A distance of scikit-learn.

    Parameters
    ----------
    name : str
        Name of the class, such as "MinkowskiDistance64".
    p : float
    vec, mat : ndarray
        Only some distances have a power, weights or variances, or a matrix.

    Returns
    -------
    DistanceMetric
    """
    from sklearn.metrics import _dist_metrics

    if name[:-2] not in _DISTANCES or name[-2:] not in _WIDTHS:
        raise RefusedError(f"{name!r} is not a distance.")
    cls = getattr(_dist_metrics, name)
    return cls(**_DISTANCES[name[:-2]](float(p), np.asarray(vec, float), np.asarray(mat, float)))


# Losses -------------------------------------------------------------------------------------------------

_LOSSES = {
    "sklearn._loss._loss": """CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss
        CyHalfMultinomialLoss CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity
        CyHuberLoss CyPinballLoss""",
    "sklearn.linear_model._sgd_fast": """EpsilonInsensitive Hinge Huber Log ModifiedHuber
        SquaredEpsilonInsensitive SquaredHinge SquaredLoss""",
}


def is_loss(obj):
    """Compiled losses."""
    return any(_in_module(module, names)(obj) for module, names in _LOSSES.items())


def encode_loss(writer, loss, where):
    """Store the name and the numbers that a loss was made with."""
    make, args, *_ = loss.__reduce__()
    return [
        type(loss).__module__,
        type(loss).__name__,
        [float(a) for a in args] if make is type(loss) else [],
    ]


def decode_loss(reader, spec):
    """Build a loss."""
    module, name, args = spec
    if name not in _LOSSES[module].split():
        raise RefusedError(f"{name!r} is not a loss.")
    return getattr(_import(module), name)(*map(float, args))


@functools.cache
def _import(module):
    import importlib

    return importlib.import_module(module)


def kernel_or_optimizer(name, state):
    """A kernel of Gaussian processes or an optimizer of neural networks, from its attributes.

    Parameters
    ----------
    name : str
        Name of the class.
    state : dict

    Returns
    -------
    object
    """
    from sklearn.gaussian_process import kernels
    from sklearn.neural_network import _stochastic_optimizers

    obj = object.__new__(getattr(kernels, name, None) or getattr(_stochastic_optimizers, name))
    vars(obj).update(state)
    return obj


# Random numbers -----------------------------------------------------------------------------------------

is_random_state = named("numpy.random.mtrand.RandomState")
is_generator = named("numpy.random._generator.Generator")
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def encode_random_state(writer, state, where):
    """Store where a RandomState is in its sequence."""
    return writer(state.get_state(legacy=False), where)


def decode_random_state(reader, spec):
    """Build a RandomState that goes on from there."""
    return random_state(reader(spec))


def random_state(state):
    """A RandomState.

    Parameters
    ----------
    state : dict
        As ``RandomState.get_state(legacy=False)`` gives it.

    Returns
    -------
    RandomState
    """
    made = np.random.RandomState(_bit_generator(state)(0))
    made.set_state(state)
    return made


def encode_generator(writer, generator, where):
    """Store where a Generator is in its sequence, and what it spawns others from."""
    seed = generator.bit_generator.seed_seq
    parts = ("entropy", "spawn_key", "pool_size", "n_children_spawned")
    known = (
        {part: getattr(seed, part) for part in parts} if isinstance(seed, np.random.SeedSequence) else None
    )
    return writer.items([generator.bit_generator.state, known], where)


def decode_generator(reader, spec):
    """Build a Generator that goes on from there."""
    state, seed = reader.items(spec)
    if seed is not None and not 4 <= seed["pool_size"] <= 64:
        raise RefusedError("a random generator has a seed that numpy does not make.")
    bits = _bit_generator(state)(None if seed is None else np.random.SeedSequence(**seed))
    bits.state = state
    return np.random.Generator(bits)


def _bit_generator(state):
    """The class, if the numbers in the state are those of a generator: numpy does not check them all."""
    name, inner = state["bit_generator"], state["state"]
    if name not in _BIT_GENERATORS:
        raise RefusedError(f"{name!r} is not a random generator.")
    if name == "MT19937" and not (np.shape(inner["key"]) == (624,) and 0 <= inner["pos"] <= 624):
        raise RefusedError("a random generator has a state that numpy does not make.")
    if name == "Philox" and not (np.shape(state["buffer"]) == (4,) and 0 <= state["buffer_pos"] <= 4):
        raise RefusedError("a random generator has a state that numpy does not make.")
    return getattr(np.random, name)


# scipy --------------------------------------------------------------------------------------------------

is_spline = named("scipy.interpolate._bsplines.BSpline")


def encode_spline(writer, spline, where):
    """Store the knots and coefficients of a spline."""
    return writer.items((spline.t, spline.c, spline.k, spline.extrapolate, spline.axis), where)


def decode_spline(reader, spec):
    """Build a spline; those of SplineTransformer for a constant column have all their knots in one place."""
    from scipy.interpolate import BSpline

    t, c, k, extrapolate, axis = reader.items(spec)
    ok = isinstance(t, np.ndarray) and isinstance(c, np.ndarray) and isinstance(k, int)
    ok = ok and t.dtype == float and c.dtype == float and t.ndim == 1 and 0 <= axis < c.ndim
    if not ok or not 0 <= k < len(t) or c.shape[axis] < max(len(t) - k - 1, k + 1):
        raise RefusedError("a spline has other numbers of knots and coefficients than its degree needs.")
    if len(t) < 2 * k + 2 or not np.isfinite(t).all() or np.any(np.diff(t) < 0):
        raise RefusedError("the knots of a spline are not in order.")
    return BSpline.construct_fast(t, c, k, extrapolate, axis)


_SPARSE = tuple(
    f"{name}_{kind}" for name in ("csr", "csc", "bsr", "coo", "dia") for kind in ("matrix", "array")
)
_SPARSE_PARTS = {
    **dict.fromkeys(("csr", "csc", "bsr"), ("data", "indices", "indptr")),
    "dia": ("data", "offsets"),
    "coo": ("data", "row", "col"),
}
is_sparse = named(*(f"scipy.sparse._{name[:3]}.{name}" for name in _SPARSE))


def encode_sparse(writer, matrix, where):
    """Store the arrays of a sparse matrix."""
    name = type(matrix).__name__
    if matrix.ndim != 2:
        raise TypeError(f"Cannot save {where}: a sparse array with {matrix.ndim} dimensions. Make it 2-D.")
    parts = [getattr(matrix, part) for part in _SPARSE_PARTS[name[:3]]]
    return [name, [int(n) for n in matrix.shape], *writer.items(parts, where)]


def decode_sparse(reader, spec):
    """Build a sparse matrix whose indices lie within it."""
    from scipy import sparse

    name, shape, parts = spec[0], tuple(spec[1]), reader.items(spec[2:])
    if name not in _SPARSE or not all(isinstance(part, np.ndarray) for part in parts):
        raise RefusedError(f"{name!r} is not a sparse matrix.")
    reader.charge(2 * sum(part.nbytes for part in parts))
    content = (parts[0], (parts[1], parts[2])) if name[:3] == "coo" else tuple(parts)
    matrix = getattr(sparse, name)(content, shape=shape)
    if name[:3] in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)
    return matrix


is_ufunc = named("numpy.ufunc")
_UFUNC_HOMES = {"numpy": "numpy", "scipy.special": "scipy.special"}


def encode_ufunc(writer, ufunc, where):
    """Store the name of a ufunc of numpy or scipy."""
    for home in _UFUNC_HOMES:
        if getattr(_import(home), ufunc.__name__, None) is ufunc:
            return [home, ufunc.__name__]
    raise TypeError(f"Cannot save {where}: {ufunc!r} is not a function of numpy or scipy.special.")


def decode_ufunc(reader, spec):
    """Find a ufunc: a function that is applied to each number."""
    home, name = spec
    found = getattr(_import(_UFUNC_HOMES[home]), str(name), None)
    if type(found) is not np.ufunc:
        raise RefusedError(f"{home}.{name} is not a function of each number.")
    return found


is_distribution = named(
    "scipy.stats._distn_infrastructure.rv_continuous_frozen",
    "scipy.stats._distn_infrastructure.rv_discrete_frozen",
)


def encode_distribution(writer, frozen, where):
    """Store the name and the numbers of a distribution that a random search draws from."""
    from scipy import stats

    if type(getattr(stats, frozen.dist.name, None)) is not type(frozen.dist) or not _draws_like_others(
        frozen
    ):
        raise TypeError(
            f"Cannot save {where}: this distribution is not one of scipy.stats without a random state."
        )
    return [frozen.dist.name, *writer.items((list(frozen.args), frozen.kwds), where)]


def _draws_like_others(frozen):
    return frozen.random_state is np.random.mtrand._rand


def decode_distribution(reader, spec):
    """Build a distribution of scipy.stats."""
    from scipy import stats

    dist, (args, kwargs) = getattr(stats, str(spec[0]), None), reader.items(spec[1:])
    if not isinstance(dist, stats.rv_continuous | stats.rv_discrete):
        raise RefusedError(f"{spec[0]!r} is not a distribution.")
    if not all(isinstance(value, int | float | np.number) for value in [*args, *kwargs.values()]):
        raise RefusedError(f"the distribution {spec[0]!r} has parameters that are not numbers.")
    return dist(*args, **kwargs)


is_routing = named("sklearn.utils._metadata_requests.MetadataRequest")


def encode_routing(writer, routing, where):
    """Store which metadata each method asks for."""
    # Its owner is the estimator that holds it; the name will do.
    owner = routing.owner if isinstance(routing.owner, str) else type(routing.owner).__name__
    requests = {key: value.requests for key, value in vars(routing).items() if hasattr(value, "requests")}
    return [owner, writer.mapping(requests, where)]


def decode_routing(reader, spec):
    """Build the requests for metadata."""
    from sklearn.utils.metadata_routing import MetadataRequest

    routing = MetadataRequest(owner=str(spec[0]))
    for method, requests in reader.mapping(spec[1]).items():
        target = vars(routing).get(method)
        if not hasattr(target, "add_request"):
            raise RefusedError(f"{method!r} is not a method that takes metadata.")
        for param, alias in requests.items():
            target.add_request(param=param, alias=alias)
    return routing
