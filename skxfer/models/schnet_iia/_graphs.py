"""Graphs of structures, and the outputs of networks for them."""

import numpy as np

from ...structures import neighbour_pairs
from ..base.training import to_tensor

# Pairs of atoms that go through a network at a time, so that memory does not grow with the structures.
MAX_PAIRS = 100_000


def make_graph(structures, cutoff, device):
    """Put all structures into one graph, in double precision.

    Parameters
    ----------
    structures : Structures
    cutoff : float
        Largest distance of neighbours, in Å.
    device : str

    Returns
    -------
    skxfer.nn.graph.Graph
    """
    from ...nn.graph import Graph

    pairs = neighbour_pairs(structures, cutoff)
    arrays = (structures.numbers, structures.positions, structures.n_atoms)
    arrays += (pairs.i, pairs.j, pairs.shift, np.diff(pairs.first))
    return Graph(*(to_tensor(array, device, np.float64) for array in arrays))


def closest(graph):
    """Return the smallest and the largest distance of an atom from its nearest neighbour.

    Parameters
    ----------
    graph : skxfer.nn.graph.Graph

    Returns
    -------
    smallest, largest : float
        In Å; inf where no atom has a neighbour. Atoms alone in their structure do not count.
    """
    distance, nearest = graph.distances().cpu().numpy(), np.full(len(graph.numbers), np.inf)
    for atom in (graph.i, graph.j):
        np.minimum.at(nearest, atom.cpu().numpy(), distance)
    n_atoms = graph.n_atoms.cpu().numpy()
    nearest = nearest[np.repeat(n_atoms, n_atoms) > 1]
    return float(nearest.min(initial=np.inf)), float(nearest.max()) if len(nearest) else np.inf


def run(module, graph, method):
    """Apply a method of a module to parts of a graph.

    Parameters
    ----------
    module : skxfer.nn.schnet.SchNet
    graph : skxfer.nn.graph.Graph
    method : str

    Returns
    -------
    ndarray
        With a row per structure or per atom.
    """
    import torch

    with torch.inference_mode():
        parts = [getattr(module, method)(part).cpu().numpy() for part in graph.parts(MAX_PAIRS)]
    return np.concatenate(parts)


def run_members(nets, graph, method):
    """Apply a method of every member's module: ndarray of shape (n, n_members, ...).

    Parameters
    ----------
    nets : list of skorch.NeuralNet
    graph : skxfer.nn.graph.Graph
    method : str
    """
    return np.stack([run(net.module_, graph, method) for net in nets], axis=1)
