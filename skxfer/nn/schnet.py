"""SchNet for the energies of structures, with attention between atoms and a smooth maximum unit."""

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .graph import Graph

N_ELEMENTS = 119
# Pairs of a graph above which blocks are computed again for derivatives, and not kept in memory.
LARGE = 50_000


class ShiftedSoftplus(nn.Module):
    """ln(½ eˣ + ½), the activation of SchNet."""

    def forward(self, x: Tensor) -> Tensor:
        """Map a tensor of any shape."""
        return nn.functional.softplus(x) - math.log(2.0)


class SmoothMaximumUnit(nn.Module):
    r"""Smooth maximum of x and αx: ½ [(1 + α) x + (1 − α) x erf(μ (1 − α) x)], with a learned μ.

    In its exact form αx + (1 − α) GELU(kx) / k, k = √2 μ (1 − α). The larger μ, the sharper the bend at zero.

    Parameters
    ----------
    alpha : float
        Slope for negative x.
    mu : float
        What μ begins with.

    References
    ----------
    Biswas, K. et al., CVPR 2022, 784-793.
    """

    def __init__(self, alpha: float = 0.01, mu: float = 1.0):
        super().__init__()
        self.alpha = alpha
        self.mu = nn.Parameter(torch.tensor(mu))

    def forward(self, x: Tensor) -> Tensor:
        """Map a tensor of any shape."""
        # Below zero the unit would be a smooth minimum, and zero is a limit.
        mu = self.mu.abs().clamp(min=1e-6)
        k = math.sqrt(2.0) * (1.0 - self.alpha) * (mu if mu.requires_grad else mu.item())
        return torch.add(nn.functional.gelu(k * x) * ((1.0 - self.alpha) / k), x, alpha=self.alpha)


ACTIVATIONS = {"ssp": ShiftedSoftplus, "smu": SmoothMaximumUnit}


class RadialBasis(nn.Module):
    """Gaussians of the distance, evenly spaced from zero to the cutoff, as wide as they are apart."""

    def __init__(self, n_rbf: int, cutoff: float):
        super().__init__()
        self.register_buffer("center", torch.linspace(0.0, cutoff, n_rbf))
        self.width = cutoff / (n_rbf - 1)

    def forward(self, distance: Tensor) -> Tensor:
        """Map ``[n_pairs]`` to ``[n_pairs, n_rbf]``."""
        return torch.exp(-0.5 * ((distance[:, None] - self.center) / self.width) ** 2)


def cosine_cutoff(distance: Tensor, cutoff: float) -> Tensor:
    """Fall from one to zero, with a slope of zero at both ends."""
    return 0.5 * (torch.cos(distance * (math.pi / cutoff)) + 1.0) * (distance < cutoff)


class Attention(nn.Module):
    r"""Interatomic interactions attention: an atom hears its neighbours, weighed by learned scores.

    .. math::

        x_i + W' \sigma\Big(\sum_j p_{ij} W x_j / \big(\epsilon + \sum_j p_{ij}\big)\Big), \quad
        p_{ij} = f(r_{ij}) \exp\big(5 \tanh(e_{ij} / 5)\big), \quad
        e_{ij} = \text{SMU}(a_1 \cdot W x_i + a_2 \cdot W x_j)

    with scores e of its own in each head. Beyond the paper's Eqs. 1-4, the cutoff f and ε let an atom leave
    without a jump of the energy, the exponents are bounded, and a last layer W' begins with zeros: without
    training this is the identity. The unit in the scores, a leaky ReLU in the paper, is smooth whatever the
    activation σ.

    Parameters
    ----------
    size : int
        A multiple of `n_heads`.
    activation : callable
        Makes σ and the one of the scores.
    n_heads : int

    References
    ----------
    Jiang, K.-L. et al., J. Chem. Inf. Model. 2025, 65, 92-100, Eqs. 1-4.
    """

    # Of the scores, whose exponentials then stay within e⁻⁵ and e⁵.
    LARGEST = 5.0
    # A neighbour just within the cutoff weighs little compared with it.
    EPSILON = 1e-2

    def __init__(self, size: int, activation, n_heads: int = 4):
        super().__init__()
        self.n_heads = n_heads
        self.value = nn.Linear(size, size, bias=False)
        self.score = nn.Parameter(torch.randn(2, n_heads, size // n_heads) * (n_heads / size) ** 0.5)
        self.bend = SmoothMaximumUnit(alpha=0.2)
        self.out = nn.Sequential(activation(), nn.Linear(size, size))
        nn.init.zeros_(self.out[1].weight)
        nn.init.zeros_(self.out[1].bias)

    def forward(self, x: Tensor, i: Tensor, j: Tensor, fade: Tensor) -> Tensor:
        """Update ``[n_atoms, size]``; `i`, `j` and `fade`, the cutoff, are ``[2 * n_pairs]``, both ways."""
        value = self.value(x)
        heads = value.view(len(x), self.n_heads, -1)
        to, by = torch.einsum("nhd,shd->snh", heads, self.score)
        score = self.bend(to.index_select(0, i) + by.index_select(0, j))
        weight = torch.exp(self.LARGEST * torch.tanh(score / self.LARGEST)) * fade[:, None]
        heard = heads.index_select(0, j) * weight[..., None]
        total = value.new_zeros(heads.shape).index_add(0, i, heard)
        norm = weight.new_zeros(len(x), self.n_heads).index_add(0, i, weight)
        return x + self.out((total / (norm[..., None] + self.EPSILON)).flatten(1))


class Interaction(nn.Module):
    """An interaction block: a convolution whose filter depends on the distance, attention, dense layers."""

    def __init__(self, size: int, n_rbf: int, activation, attention: bool):
        super().__init__()
        self.filter = nn.Sequential(nn.Linear(n_rbf, size), activation(), nn.Linear(size, size))
        self.before = nn.Linear(size, size, bias=False)
        self.attention = Attention(size, activation) if attention else None
        self.after = nn.Sequential(nn.Linear(size, size), activation(), nn.Linear(size, size))

    def forward(self, x: Tensor, graph: Graph, basis: Tensor, fade: Tensor, both: tuple) -> Tensor:
        """Update ``[n_atoms, size]``; ``[n_pairs, n_rbf]`` and ``[n_pairs]`` hold each pair once, `both` its
        atoms and `fade` both ways."""
        weight = self.filter(basis) * fade[:, None]
        y = self.before(x)
        heard = torch.zeros_like(y)
        heard = heard.index_add(0, graph.i, y.index_select(0, graph.j) * weight)
        heard = heard.index_add(0, graph.j, y.index_select(0, graph.i) * weight)
        if self.attention is not None:
            heard = self.attention(heard, *both)
        return x + self.after(heard)


class SchNet(nn.Module):
    """Energies of structures as sums over their atoms.

    Parameters
    ----------
    size : int
        Features of an atom, a multiple of four.
    n_interactions : int
    n_rbf : int
        Gaussians of the distance, at least two.
    cutoff : float
        In Å.
    activation : {"smu", "ssp"}
    attention : bool
        Whether the blocks have interatomic interactions attention. Without it, and
        with ``"ssp"``, this is SchNet.
    forces : bool
        Whether `forward` returns forces too.

    References
    ----------
    Schütt, K. T. et al., J. Chem. Phys. 148, 241722 (2018); Jiang, K.-L. et al., J. Chem. Inf. Model.
    2025, 65, 92-100.
    """

    def __init__(
        self,
        size: int = 64,
        n_interactions: int = 3,
        n_rbf: int = 40,
        cutoff: float = 6.0,
        activation: str = "smu",
        attention: bool = True,
        forces: bool = False,
    ):
        super().__init__()
        make = ACTIVATIONS[activation]
        self.cutoff = cutoff
        self.forces = forces
        self.embedding = nn.Embedding(N_ELEMENTS, size)
        self.basis = RadialBasis(n_rbf, cutoff)
        self.interactions = nn.ModuleList(
            [Interaction(size, n_rbf, make, attention) for _ in range(n_interactions)]
        )
        self.head = nn.Sequential(nn.Linear(size, size // 2), make(), nn.Linear(size // 2, 1))
        # Training begins at the center of the labels, whatever the surroundings of an atom.
        nn.init.zeros_(self.head[2].weight)
        nn.init.zeros_(self.head[2].bias)

    def rescale(self, factor: float) -> None:
        """Multiply all energies, by the weights of the last layer."""
        with torch.no_grad():
            for parameter in self.head[2].parameters():
                parameter.mul_(factor)

    def features(self, graph: Graph) -> Tensor:
        """Describe each atom in its surroundings: ``[n_atoms, size]``."""
        distance = graph.distances()
        basis, fade = self.basis(distance), cosine_cutoff(distance, self.cutoff)
        i, j = torch.cat([graph.i, graph.j]), torch.cat([graph.j, graph.i])
        both = i, j, torch.cat([fade, fade])
        x = self.embedding(graph.numbers)
        large = torch.is_grad_enabled() and len(graph.i) > LARGE
        for interaction in self.interactions:
            arguments = x, graph, basis, fade, both
            x = checkpoint(interaction, *arguments, use_reentrant=False) if large else interaction(*arguments)
        return x

    def atomic_energies(self, graph: Graph) -> Tensor:
        """Return what each atom contributes, ``[n_atoms]``."""
        return self.head(self.features(graph)).squeeze(-1)

    def energies(self, graph: Graph) -> Tensor:
        """Return the energy of each structure, ``[n_structures]``."""
        return graph.total(self.atomic_energies(graph))

    def energies_and_forces(self, graph: Graph, train: bool = False) -> tuple[Tensor, Tensor]:
        """Return energies, ``[n_structures]``, and forces, ``[n_atoms, 3]``, to train on or not."""
        graph = graph.with_gradient()
        with torch.enable_grad():
            energy = self.energies(graph)
            # Without any neighbour the energy does not depend on the positions.
            (slope,) = torch.autograd.grad(
                energy.sum() + 0.0 * graph.positions.sum(), graph.positions, create_graph=train
            )
        return energy, -slope

    def forward(self, graph: Graph) -> dict[str, Tensor]:
        """Return ``energy``, and ``forces`` if the module was made for them."""
        if not self.forces:
            return {"energy": self.energies(graph)}
        energy, forces = self.energies_and_forces(graph, train=True)
        return {"energy": energy, "forces": forces}
