"""The quantum deep field as published, molecule by molecule, step by step: what ours is measured by."""

from math import ceil

import numpy as np
import torch
from torch import nn

# Functions of each shell: 6-31G.
SHELLS = {1: {"1s": 4}} | {z: {"1s": 6, "2s": 4, "2p": 4} for z in (6, 7, 8, 9)}
AXIS = np.arange(-0.75, 0.76, 0.3)
BALL = np.array([(x, y, z) for x in AXIS for y in AXIS for z in AXIS])
BALL = BALL[np.linalg.norm(BALL, axis=1) <= 0.75]


class Molecule:
    """What is prepared once: distances of points from the centres of atomic orbitals, external potential."""

    def __init__(self, numbers, positions, first):
        """first: place of each element in the list of all functions."""
        points = (positions[:, None] + BALL).reshape(-1, 3)
        centres, functions, powers = [], [], []
        for atom, z in enumerate(numbers):
            k = first[z]
            for shell, n in SHELLS[z].items():
                centres += [atom] * n
                powers += [int(shell[0]) - 1] * n
                functions += range(k, k + n)
                k += n
        distance = np.linalg.norm(points[:, None] - positions[centres], axis=-1)
        to_nuclei = np.linalg.norm(points[:, None] - positions, axis=-1)
        self.distance = torch.tensor(distance, dtype=torch.float32)
        self.power = torch.tensor(powers, dtype=torch.float32)
        self.functions = torch.tensor(functions)
        self.external = torch.tensor(-np.exp(-(to_nuclei**2)) @ numbers, dtype=torch.float32)
        self.n_electrons = float(np.sum(numbers))


class PublishedQDF(nn.Module):
    """Orbitals, functional and Hohenberg-Kohn map, for one molecule at a time."""

    def __init__(self, n_functions, dim=250, n_layers=3):
        super().__init__()
        self.zeta = nn.Parameter(torch.ones(n_functions))
        self.coefficient = nn.Parameter(torch.randn(n_functions, dim))
        self.functional = nn.ModuleList(nn.Linear(dim, dim) for _ in range(n_layers))
        self.property = nn.Linear(dim, 1)
        self.density = nn.Linear(1, dim)
        self.map = nn.ModuleList(nn.Linear(dim, dim) for _ in range(n_layers))
        self.potential = nn.Linear(dim, 1)

    def psi(self, molecule):
        phi = molecule.distance**molecule.power * torch.exp(
            -self.zeta[molecule.functions] * molecule.distance**2
        )
        phi = nn.functional.normalize(phi, dim=0)
        coefficient = nn.functional.normalize(self.coefficient[molecule.functions], dim=0)
        psi = nn.functional.normalize(phi @ coefficient, dim=0)
        return psi * (molecule.n_electrons / psi.shape[1]) ** 0.5

    def energy(self, molecule):
        x = self.psi(molecule)
        for layer in self.functional:
            x = torch.relu(layer(x))
        return self.property(x.sum(0)).squeeze()

    def potential_error(self, molecule):
        x = self.density(self.psi(molecule).square().sum(1, keepdim=True))
        for layer in self.map:
            x = torch.relu(layer(x))
        return (self.potential(x).squeeze(1) - molecule.external).square()


def prepare(atoms):
    """List of Molecule, and the number of functions of all elements."""
    elements, first, n = sorted({z for one in atoms for z in one.numbers}), {}, 0
    for z in elements:
        first[z], n = n, n + sum(SHELLS[z].values())
    return [Molecule(one.numbers, one.positions, first) for one in atoms], n


def step(module, optimizer, molecules, energies):
    """A step for the energy, then one for the potential."""
    optimizer.zero_grad()
    predicted = torch.stack([module.energy(molecule) for molecule in molecules])
    (predicted - energies).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()
    torch.cat([module.potential_error(molecule) for molecule in molecules]).mean().backward()
    optimizer.step()


def train(atoms, energies, *, epochs, seed, batch_size=4, learning_rate=1e-4):
    """Train as published; its learning rate is halved after 200 epochs only."""
    torch.manual_seed(seed)
    molecules, n_functions = prepare(atoms)
    energies = torch.tensor(energies, dtype=torch.float32)
    module = PublishedQDF(n_functions)
    optimizer = torch.optim.Adam(module.parameters(), lr=learning_rate)
    for _ in range(epochs):
        order = torch.randperm(len(molecules))
        for rows in order.tensor_split(ceil(len(order) / batch_size)):
            step(module, optimizer, [molecules[row] for row in rows], energies[rows])
    return module
