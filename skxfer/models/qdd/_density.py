"""Density and orbitals of a fitted quantum deep field at given points."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..base.torch_state import plain_torch
from ..base.training import to_tensor
from ._molecules import read_molecules


class HasOrbitals:
    """Mixin of the estimator whose network makes orbitals and a density."""

    def electron_density(self, atoms, points):
        """Return the electron density of a molecule in the network.

        This is not a density from quantum chemistry. The number of electrons is right on the grid of the
        network, over which the density is normalised; how they are spread is what helps to predict.

        Parameters
        ----------
        atoms : Atoms or (numbers, positions)
            One molecule.
        points : array-like of shape (n_points, 3)
            In Å.

        Returns
        -------
        ndarray of shape (n_points,)
            In electrons per Å³, each point of the grid (spacing ``spacing``) taken as a cube.
        """
        return (self.molecular_orbitals(atoms, points) ** 2).sum(axis=1)

    @plain_torch()
    def molecular_orbitals(self, atoms, points):
        """Return the orbitals of a molecule, whose squares add up to the density.

        Parameters
        ----------
        atoms : Atoms or (numbers, positions)
            One molecule.
        points : array-like of shape (n_points, 3)
            In Å.

        Returns
        -------
        ndarray of shape (n_points, hidden_dim)
            In Å^(-3/2).
        """
        check_is_fitted(self, "net_")
        structures = read_molecules([atoms])
        self._check_elements(structures)
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have the shape (n_points, 3), theirs is {points.shape}.")
        if not np.isfinite(points).all():
            row = np.flatnonzero(~np.isfinite(points).all(axis=1))[0]
            raise ValueError(f"Point {row} is {points[row]}, which is not finite: leave it out.")
        import torch

        module, graph = self.net_.module_, self._graph(structures)
        points = to_tensor(points @ self._axes(structures)[0], self.device)
        with torch.inference_mode():
            psi = module.orbitals(graph.numbers, graph.positions, module.grid(graph.positions), points)
        return psi.cpu().numpy().astype(float) / self.net_.get_params(deep=False)["module__spacing"] ** 1.5
