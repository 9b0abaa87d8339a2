"""The head of a quantum deep field, fitted in closed form, and what is left of properties for it."""

import numpy as np
from sklearn.linear_model import RidgeCV

from ..base.training import to_tensor

# Penalties, relative to the sum of the squared singular values of the descriptors.
PENALTIES = np.logspace(-9, 2, 34)
# Molecules that descriptors are computed of at a time.
CHUNK = 64


def descriptors(module, graph):
    """Compute descriptors of molecules, summed over their points.

    Parameters
    ----------
    module : skxfer.nn.qdf.QDF
    graph : skxfer.nn.graph.Graph

    Returns
    -------
    Tensor of shape [n_molecules, size]
    """
    import torch

    from ...nn.graph import Graphs

    whole = Graphs(graph)
    rows = torch.arange(len(graph), device=graph.n_atoms.device)
    with torch.inference_mode():
        return torch.cat([module.descriptors(whole.batch(part)[0]) for part in rows.split(CHUNK)])


def outputs(module, graph):
    """Compute the outputs of a network, ndarray of shape (n_molecules, n_properties)."""
    # In double precision, for what a product rounds to depends on how many molecules there are.
    return module.properties(graph, descriptors(module, graph).double()).detach().cpu().numpy()


def errors(module, data):
    """Compute the mean absolute error of each molecule, by weight, in units of the scale.

    Parameters
    ----------
    module : skxfer.nn.qdf.QDF
    data : skxfer.nn.graph.Graphs
        With labels ``target`` and ``weight``.

    Returns
    -------
    ndarray of shape (n_molecules,)
    """
    if not len(data):
        return np.zeros(0)
    target, weight = (data.labels[name].cpu().numpy() for name in ("target", "weight"))
    return (np.abs(outputs(module, data.graph) - target) * weight).mean(axis=1)


def fit_head(module, data):
    """Correct the head by what ridge regression finds in its errors, with a penalty by leaving one out.

    Parameters
    ----------
    module : skxfer.nn.qdf.QDF
        Changed in place.
    data : skxfer.nn.graph.Graphs
        With labels ``target`` and ``weight``.
    """
    import torch

    target, weight = (data.labels[name].cpu().numpy() for name in ("target", "weight"))
    with torch.no_grad():
        total = descriptors(module, data.graph)
        error = target - module.properties(data.graph, total).cpu().numpy()
        pooled = [x.cpu().numpy().astype(float) for x in module.pooled(data.graph, total)]
        for t, extensive in enumerate(module.extensive.tolist()):
            there = weight[:, t] > 0
            features = pooled[0 if extensive else 1][there]
            size = np.sum((features - features.mean(axis=0)) ** 2)
            if not size > 0 or len(features) < 3:
                continue
            ridge = RidgeCV(PENALTIES * size).fit(features, error[there, t], weight[there, t])
            module.head.weight[t] += to_tensor(ridge.coef_, total.device)
            module.head.bias[t] += float(ridge.intercept_)


def rest(table, y):
    """Return what a linear function of the composition leaves of a property.

    Parameters
    ----------
    table : ndarray of shape (n_molecules, n_elements)
    y : ndarray of shape (n_molecules,)

    Returns
    -------
    ndarray of shape (n_molecules,)
    """
    return y - table @ np.linalg.lstsq(table, y, rcond=1e-9)[0]


def choose_pooling(tables, y):
    """Return "sum" if numbers of atoms explain a property better than their shares do, else "mean".

    Parameters
    ----------
    tables : dict
        ``sum``, numbers of atoms of each element, and ``mean``, their shares.
    y : ndarray of shape (n_molecules,)
        NaN marks a missing label.

    Returns
    -------
    str
    """
    known = ~np.isnan(y)
    error = {name: np.abs(rest(table[known], y[known])).mean() for name, table in tables.items()}
    return "sum" if error["sum"] <= error["mean"] else "mean"
