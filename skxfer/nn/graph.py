"""Graphs of atoms without padding: those of a batch are one list of atoms and one list of pairs."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass
class Graph:
    """Atoms of one or several structures, and the pairs of neighbours among them."""

    numbers: Tensor  # [n_atoms] atomic numbers
    positions: Tensor  # [n_atoms, 3]
    n_atoms: Tensor  # [n_structures]
    i: Tensor  # [n_pairs] place of an atom in the list
    j: Tensor  # [n_pairs]
    shift: Tensor  # [n_pairs, 3] the pair is apart by positions[j] - positions[i] + shift
    n_pairs: Tensor  # [n_structures]

    @classmethod
    def without_pairs(cls, numbers: Tensor, positions: Tensor, n_atoms: Tensor) -> "Graph":
        """Return a graph of atoms alone."""
        none = numbers.new_zeros(0)
        return cls(
            numbers, positions, n_atoms, none, none, positions.new_zeros(0, 3), torch.zeros_like(n_atoms)
        )

    def __len__(self) -> int:
        return len(self.n_atoms)

    def convert_to_tensors(self, kind: str) -> "Graph":
        """Return itself: with this method, skorch passes an object on to the module as it is."""
        return self

    def to(self, *args) -> "Graph":
        """Move to a device, and floating-point numbers to a dtype."""
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        floating = ("positions", "shift")
        dtypes = [arg for arg in args if isinstance(arg, torch.dtype)]
        devices = [arg for arg in args if not isinstance(arg, torch.dtype)]
        for name, tensor in moved.items():
            moved[name] = tensor.to(*devices, *(dtypes if name in floating else ()))
        return Graph(**moved)

    def total(self, x: Tensor) -> Tensor:
        """Sum ``[n_atoms]`` or ``[n_atoms, size]`` over each structure."""
        structure = torch.arange(len(self), device=x.device).repeat_interleave(self.n_atoms)
        return x.new_zeros(len(self), *x.shape[1:]).index_add(0, structure, x)

    def distances(self) -> Tensor:
        """Return the length of each pair, ``[n_pairs]``."""
        positions = self.positions
        apart = positions.index_select(0, self.j) - positions.index_select(0, self.i) + self.shift
        return apart.norm(dim=1)

    def parts(self, max_pairs: int) -> list["Graph"]:
        """Cut into graphs of whole structures, each with up to so many pairs, or one structure."""
        if len(self.i) <= max_pairs:
            return [self]
        ends = self.n_pairs.cumsum(0)
        rows = torch.arange(len(self), device=ends.device)
        whole = Graphs(self)
        parts, first = [], 0
        while first < len(self):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(torch.searchsorted(ends, before + max_pairs, right=True)))
            parts.append(whole.batch(rows[first:last])[0])
            first = last
        return parts

    def with_gradient(self) -> "Graph":
        """Return the graph with positions of which derivatives can be taken."""
        return replace(self, positions=self.positions.detach().requires_grad_())


class Graphs(torch.utils.data.Dataset):
    """Structures to train on; any of them together make a batch.

    Parameters
    ----------
    graph : Graph
        All structures, on the device of the module.
    labels : dict of str to Tensor
        With a row per structure, or, where there are more rows, per atom.
    """

    def __init__(self, graph: Graph, labels: dict[str, Tensor] | None = None):
        self.graph = graph
        self.labels = labels or {}
        self.first_atom = _starts(graph.n_atoms)
        self.first_pair = _starts(graph.n_pairs)

    def __len__(self) -> int:
        return len(self.graph)

    def part(self, mask) -> "Graphs":
        """Return the structures of a mask, ``(n_structures,)``."""
        return Graphs(*self.batch(torch.as_tensor(mask, device=self.first_atom.device).nonzero().squeeze(1)))

    def batch(self, rows: Tensor) -> tuple[Graph, dict[str, Tensor]]:
        """Return some of the structures in one graph, and their labels."""
        whole = self.graph
        n_atoms, n_pairs = whole.n_atoms[rows], whole.n_pairs[rows]
        atoms, pairs = _places(self.first_atom[rows], n_atoms), _places(self.first_pair[rows], n_pairs)
        moved = (_starts(n_atoms) - self.first_atom[rows]).repeat_interleave(n_pairs)
        graph = Graph(
            whole.numbers[atoms],
            whole.positions[atoms],
            n_atoms,
            whole.i[pairs] + moved,
            whole.j[pairs] + moved,
            whole.shift[pairs],
            n_pairs,
        )
        labels = {
            name: label[atoms if len(label) > len(self) else rows] for name, label in self.labels.items()
        }
        return graph, labels


def _starts(sizes: Tensor) -> Tensor:
    """Where the parts of a list begin, from their sizes."""
    return sizes.cumsum(0) - sizes


def _places(starts: Tensor, sizes: Tensor) -> Tensor:
    """All places of the parts of a list."""
    offset = (starts - _starts(sizes)).repeat_interleave(sizes)
    return torch.arange(len(offset), device=offset.device) + offset
