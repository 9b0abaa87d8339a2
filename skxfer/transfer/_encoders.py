"""What a frozen encoder is: a fitted transformer, or a layer of a fitted network, and its features."""

import copy
import sys

import numpy as np
from joblib.hashing import NumpyHasher
from scipy import sparse
from sklearn.exceptions import NotFittedError

from ..inputs import n_rows
from ..learners import cast_inputs, is_fitted, package_of, torch_kept


def check_encoders(encoder):
    """Bring the ways to give encoders into one form.

    Parameters
    ----------
    encoder : estimator, (estimator, str) or list of (str, estimator) and (str, estimator, str), or None

    Returns
    -------
    list of (name, fitted estimator, layer or None)

    Raises
    ------
    NotFittedError
        An encoder that is not fitted.
    TypeError
        An entry of another form, or without `transform`.
    ValueError
        Two encoders with one name, or no such layer.
    """
    if encoder is None:
        return []
    if isinstance(encoder, tuple) and len(encoder) == 2 and not isinstance(encoder[0], (str, tuple)):
        entries = [("encoder", *encoder)]
    elif isinstance(encoder, (list, tuple)):
        entries = list(encoder)
    else:
        entries = [("encoder", encoder)]
    checked = []
    for entry in entries:
        if not (isinstance(entry, tuple) and len(entry) in (2, 3) and isinstance(entry[0], str)):
            raise TypeError(
                "encoder must be a fitted transformer, (net, layer), or a list of (name, fitted transformer) "
                f"and (name, net, layer); an entry is {entry!r}."
            )
        name, fitted, layer = (*entry, None)[:3]
        _check_encoder(name, fitted, layer)
        checked.append((name, fitted, layer))
    return checked


def _check_encoder(name, encoder, layer):
    if not hasattr(encoder, "get_params"):
        raise TypeError(f"Encoder {name!r} must be a fitted transformer, it is {encoder!r}.")
    if not is_fitted(encoder):
        raise NotFittedError(
            f"Encoder {name!r} is not fitted: fit this {type(encoder).__name__} on the source first, for "
            "FeatureTransfer trains none. If it was, a clone made it forget, as of what stands in a grid of "
            "GridSearchCV: wrap it in sklearn.frozen.FrozenEstimator there."
        )
    if layer is not None:
        net = getattr(encoder, "estimator", encoder)  # within a FrozenEstimator
        if package_of(net) != "skorch":
            raise TypeError(
                f"Encoder {name!r} names a layer, which a skorch net has and {type(net).__name__} has not."
            )
        layers = [known for known, _ in net.module_.named_modules() if known]
        if layer not in layers:
            raise ValueError(f"Encoder {name!r} has no layer {layer!r}: its layers are {layers}.")
    elif not hasattr(encoder, "transform"):
        raise TypeError(
            f"Encoder {name!r}, a fitted {type(encoder).__name__}, has no transform. Of a Pipeline, give the "
            "steps before the last (model[:-1]); of a skorch net, name a layer, (name, net, layer); what "
            "only predicts is a source of HierarchicalTransfer."
        )


def cached_encode(memory):
    """Return :func:`encode` that keeps what it returns.

    Parameters
    ----------
    memory : joblib.Memory

    Returns
    -------
    callable
        Of an encoder, a layer and X.
    """
    if getattr(memory, "location", "") is None:
        return encode
    kept = memory.cache(encode, ignore=["encoder"])
    return lambda encoder, layer, X: kept(encoder, layer, X, contents=_contents(encoder))


class _Contents(NumpyHasher):
    """joblib's digest, with tensors by their values.

    Their pickles hold addresses, which differ from copy to copy; and the state
    of an optimizer has tensors as keys, on the order of which joblib fails.
    """

    def save(self, obj):
        torch, skorch = (sys.modules.get(name) for name in ("torch", "skorch"))
        if torch is not None and isinstance(obj, torch.Tensor):
            values = obj.detach().cpu().flatten().contiguous().view(torch.uint8).numpy()
            obj = ("tensor", str(obj.dtype), tuple(obj.shape), values)
        elif skorch is not None and isinstance(obj, skorch.NeuralNet):
            state = {name: value for name, value in vars(obj).items() if name != "optimizer_"}
            obj = ("net", type(obj), state)
        super().save(obj)


def _contents(encoder):
    """A digest of a fitted encoder: the same for copies of it, and in other processes."""
    try:
        return _Contents("sha256").hash(encoder)
    except Exception as error:  # of any kind: every class pickles in its own way
        raise TypeError(
            f"memory tells encoders apart by their pickles, and this {type(encoder).__name__} has none: do "
            f"without memory, or name its functions at the top of a module ({error})."
        ) from error


def encode(encoder, layer, X, contents=None):
    """Return the features that a frozen encoder makes of X.

    Parameters
    ----------
    encoder : fitted transformer or skorch net
    layer : str or None
        Of a net.
    X : inputs of any kind
    contents : str, optional
        Stands for the encoder in the memory's key.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
    """
    if layer is None:
        return as_table(encoder.transform(X))
    net = copy.deepcopy(getattr(encoder, "estimator", encoder))
    seen = []
    net.module_.get_submodule(layer).register_forward_hook(lambda module, given, output: seen.append(output))
    with torch_kept(net):
        for _ in net.forward_iter(cast_inputs(net, X), training=False):
            pass
    if not all(hasattr(output, "detach") for output in seen):
        raise TypeError(f"Layer {layer!r} returns {type(seen[0]).__name__}, not a tensor: name another.")
    outputs = [output.detach().cpu().numpy() for output in seen]
    if sum(map(len, outputs)) != n_rows(X):
        raise ValueError(f"Layer {layer!r} does not return one row for each row of X, or is used twice.")
    return np.concatenate([output.reshape(len(output), -1) for output in outputs]).astype(np.float64)


def as_table(features):
    """Turn what a transformer returns into an ndarray of float64, shape (n_samples, n_features)."""
    if sparse.issparse(features):
        features = features.toarray()
    try:
        table = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "Features must be numbers; of a sequence of objects only an encoder makes those, or a "
            f"transformer as passthrough: {error}"
        ) from error
    return table[:, None] if table.ndim == 1 else table
