"""Quantum deep field: orbitals of molecules on grids round their atoms, and a functional of them."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .graph import Graph

# Functions of each shell of the elements of a period, as a 6-31G basis counts its Gaussians.
BASIS_631G = (
    {"1s": 4},
    {"1s": 6, "2s": 4, "2p": 4},
    {"1s": 6, "2s": 6, "2p": 6, "3s": 4, "3p": 4},
)
LAST_OF_PERIOD = (2, 10, 18)
LAST_ELEMENT = LAST_OF_PERIOD[-1]
# Atoms of a typical molecule, and electrons of a typical atom: networks see numbers of the order of one.
ATOMS, ELECTRONS = 16, 4
# Where nothing is learned, so many atomic orbitals are computed at a time, so that the memory of a large
# molecule is that of its molecular ones.
CHUNK = 256
TINY = 1e-12
# Least exponent in 1/Å² (or 1/Å): no orbital grows with the distance, whatever training does.
SLOWEST = 0.01


def shells(number: int) -> dict[str, int]:
    """Return the shells of an element up to argon, and how many functions each has."""
    return BASIS_631G[sum(number > last for last in LAST_OF_PERIOD)]


def ball(radius: float, spacing: float) -> Tensor:
    """Return the points of a cubic grid within a ball round the origin, ``[n_points, 3]``."""
    n = int(2 * radius / spacing + 1e-9) + 1
    axis = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * spacing
    points = torch.cartesian_prod(axis, axis, axis)
    return points[points.norm(dim=1) <= radius + 1e-9].float()


class Orbitals(nn.Module):
    r"""Molecular orbitals as linear combinations of atomic ones, at points in space.

    Atomic orbitals depend on the distance d from their atom alone: Gaussian, :math:`d^{q-1} e^{-\zeta d^2}`
    with the principal quantum number q, or Slater-type, :math:`d^{q-1} e^{-\zeta d}`, with a cusp at the
    nucleus. Each has an exponent ζ and a vector of coefficients, learned for its element, up to argon, and
    its place in the basis. Three normalisations keep the number of electrons: of each atomic orbital over the
    points, of the coefficients of each molecular orbital, and of each molecular orbital over the points.

    Parameters
    ----------
    size : int
        Molecular orbitals.
    radial : {"gaussian", "slater"}
    cutoff : float
        Atomic orbitals end there, in Å; inf: never.

    References
    ----------
    Tsubaki, M.; Mizoguchi, T., Phys. Rev. Lett. 125, 206401 (2020); J. Chem. Theory Comput. 17, 7814 (2021),
    Eqs. 1-3 and 9.
    """

    def __init__(self, size: int, radial: str = "gaussian", cutoff: float = math.inf):
        super().__init__()
        basis = [
            (number, int(shell[0]))
            for number in range(1, LAST_ELEMENT + 1)
            for shell, n in shells(number).items()
            for _ in range(n)
        ]
        element, quantum_number = torch.tensor(basis).T
        self.register_buffer("element", element, persistent=False)
        self.register_buffer("power", quantum_number - 1, persistent=False)
        self.zeta = nn.Parameter(torch.ones(len(basis)))
        self.coefficient = nn.Parameter(torch.randn(len(basis), size))
        self.radial = radial
        self.cutoff = cutoff

    def forward(
        self, numbers: Tensor, positions: Tensor, grid: Tensor, points: Tensor | None = None
    ) -> Tensor:
        """Return the molecular orbitals of one molecule.

        Parameters
        ----------
        numbers : Tensor of shape [n_atoms]
        positions : Tensor of shape [n_atoms, 3]
        grid : Tensor of shape [n_grid, 3]
            Over which orbitals are normalised.
        points : Tensor of shape [n_points, 3], optional
            Where they are wanted. Default: on the grid.

        Returns
        -------
        Tensor of shape [n_points, size]
        """
        atom, function = (numbers[:, None] == self.element).nonzero().T
        coefficient = nn.functional.normalize(self.coefficient[function], dim=0)
        chunk = len(atom) if torch.is_grad_enabled() else CHUNK
        on_grid, wanted = 0.0, 0.0
        for part in torch.arange(len(atom), device=atom.device).split(chunk):
            first, last = int(atom[part[0]]), int(atom[part[-1]])
            functions = positions[first : last + 1], atom[part] - first, function[part]
            atomic = self.atomic(grid, *functions)
            mixing = coefficient[part] / atomic.norm(dim=1).clamp_min(TINY)[:, None]
            on_grid = on_grid + atomic.T @ mixing
            if points is not None:
                wanted = wanted + self.atomic(points, *functions).T @ mixing
        scale = (numbers.sum() / on_grid.shape[1]).sqrt() / on_grid.norm(dim=0).clamp_min(TINY)
        return (on_grid if points is None else wanted) * scale

    def atomic(self, points: Tensor, positions: Tensor, atom: Tensor, function: Tensor) -> Tensor:
        """Return functions of the basis on atoms, ``[n_functions, n_points]``, not normalised."""
        square = (positions[:, None] - points).square().sum(-1)  # [n_atoms, n_points]
        distance = square.sqrt()
        decay = square if self.radial == "gaussian" else distance
        rise = torch.stack([torch.ones_like(square), distance, square])
        if self.cutoff < math.inf:
            rise = rise * (square < self.cutoff**2)
        zeta = self.zeta[function].abs().clamp_min(SLOWEST)[:, None]
        return torch.exp(-zeta * decay[atom]) * rise[self.power[function], atom]


class QDF(nn.Module):
    """Properties of molecules from their orbitals, held to physics by a map from density to potential.

    Parameters
    ----------
    extensive : list of bool
        For each property, whether it is a sum over the points, or a mean.
    size : int
        Molecular orbitals, and width of both networks.
    n_layers : int
        Layers of each network.
    radius, spacing : float
        Radius of the ball of points around each atom, and their spacing, in Å.
    radial, cutoff
        As of :class:`Orbitals`.
    potential : {"gaussian", "coulomb"}
        External potential of the nuclei, predicted from the density: -Z exp(-d²) as published, or -Z/d.
    potential_fraction : float
        Share of the points, drawn at random, on which training asks for the potential.
    precision : {"float32", "bfloat16"}
        Precision of matrix products in training.

    References
    ----------
    Tsubaki, M.; Mizoguchi, T., Phys. Rev. Lett. 125, 206401 (2020); J. Chem. Theory Comput. 17, 7814 (2021).
    """

    def __init__(
        self,
        extensive: list[bool],
        size: int = 250,
        n_layers: int = 3,
        radius: float = 0.75,
        spacing: float = 0.3,
        radial: str = "gaussian",
        cutoff: float = math.inf,
        potential: str = "gaussian",
        potential_fraction: float = 1.0,
        precision: str = "float32",
    ):
        super().__init__()
        self.orbitals = Orbitals(size, radial, cutoff)
        self.functional = _layers(size, n_layers)
        self.map = nn.Sequential(nn.Linear(1, size), _layers(size, n_layers), nn.Linear(size, 1))
        self.head = nn.Linear(size, len(extensive))
        self.register_buffer("ball", ball(radius, spacing), persistent=False)
        self.register_buffer("extensive", torch.tensor(extensive), persistent=False)
        n_points = len(self.ball)
        # Constant factors that bring to the order of one what the networks see: orbitals (as published they
        # are about a hundredth), density, and sums over the points.
        self.orbital_gain = (n_points * size / ELECTRONS) ** 0.5
        self.density_gain = n_points / ELECTRONS
        self.sum_gain = 1 / (n_points * ATOMS)
        self.spacing = spacing
        self.potential = potential
        self.potential_fraction = potential_fraction
        self.precision = precision

    def grid(self, positions: Tensor) -> Tensor:
        """Return the points of a molecule, ``[n_atoms * n_points, 3]``: balls round neighbours overlap."""
        return (positions[:, None] + self.ball).flatten(0, 1)

    def psi(self, graph: Graph) -> Iterator[Tensor]:
        """Yield the molecular orbitals on the grid of each molecule, ``[n_points, size]``."""
        for numbers, positions in _molecules(graph):
            yield self.orbitals(numbers, positions, self.grid(positions))

    def descriptors(self, graph: Graph) -> Tensor:
        """Return the functional of the orbitals, summed over the points, ``[n_molecules, size]``.

        Molecules go through one by one: none depends on the others, nor does the memory that they take.
        """
        return torch.stack([self.functional(self.orbital_gain * psi).sum(0) for psi in self.psi(graph)])

    def pooled(self, graph: Graph, descriptors: Tensor) -> tuple[Tensor, Tensor]:
        """Return descriptors as the head sees them: scaled sums, and means over the points."""
        n_points = graph.n_atoms * len(self.ball)
        return self.sum_gain * descriptors, descriptors / n_points[:, None]

    def properties(self, graph: Graph, descriptors: Tensor) -> Tensor:
        """Return the properties, ``[n_molecules, n_properties]``, in the precision of the descriptors."""
        weight, bias = (x.to(descriptors.dtype) for x in (self.head.weight, self.head.bias))
        total, mean = (nn.functional.linear(x, weight, bias) for x in self.pooled(graph, descriptors))
        return torch.where(self.extensive, total, mean)

    def external(self, numbers: Tensor, positions: Tensor) -> Tensor:
        """Return the potential of the nuclei of a molecule on its grid, ``[n_points]``."""
        square = (self.grid(positions)[:, None] - positions).square().sum(-1)
        if self.potential == "gaussian":
            shape = torch.exp(-square)
        else:  # a nucleus on a point counts as half a spacing away
            shape = square.clamp_min((self.spacing / 2) ** 2).rsqrt()
        return -shape @ numbers.to(shape.dtype)

    def forward(self, graph: Graph) -> dict[str, Tensor]:
        """Return ``properties``, and at points drawn the ``potential`` and the ``external`` one."""
        descriptors, potential, external = [], [], []
        # One by one, since the points of one molecule stay in the cache of a processor.
        for (numbers, positions), psi in zip(_molecules(graph), self.psi(graph), strict=True):
            drawn = psi, self.external(numbers, positions)
            if self.potential_fraction < 1:
                n = max(1, round(self.potential_fraction * len(psi)))
                rows = torch.randperm(len(psi), device=psi.device)[:n]
                drawn = psi[rows], drawn[1][rows]
            density = self.density_gain * drawn[0].square().sum(1, keepdim=True)
            with torch.autocast(psi.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
                functional = self.functional(self.orbital_gain * psi)
                potential.append(self.map(density).squeeze(1).to(psi.dtype))
            descriptors.append(functional.sum(0, dtype=psi.dtype))
            external.append(drawn[1])
        return {
            "properties": self.properties(graph, torch.stack(descriptors)),
            "potential": torch.cat(potential),
            "external": torch.cat(external),
        }


def _layers(size: int, n_layers: int) -> nn.Sequential:
    layers = [layer for _ in range(n_layers) for layer in (nn.Linear(size, size), nn.ReLU())]
    return nn.Sequential(*layers)


def _molecules(graph: Graph) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield atomic numbers and positions of each molecule."""
    sizes = graph.n_atoms.tolist()
    return zip(graph.numbers.split(sizes), graph.positions.split(sizes), strict=True)
