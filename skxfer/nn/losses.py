"""Losses: of tasks with missing labels, with a width that is predicted, of energies and forces, of fields."""

import torch
from torch import Tensor, nn


def masked_smooth_l1(prediction: Tensor, target: Tensor, weight: Tensor, beta: float) -> Tensor:
    """Smooth L1 loss of each task, summed over rows by weight and divided by their number.

    Parameters
    ----------
    prediction, target, weight : Tensor of shape [n_members, n_rows, n_tasks]
        The target may be NaN where the weight is zero.
    beta : float
        Errors below it count quadratically, larger ones linearly.

    Returns
    -------
    Tensor of shape [n_members, n_tasks]
    """
    target = torch.where(weight > 0, target, 0.0)
    loss = nn.functional.smooth_l1_loss(prediction, target, beta=beta, reduction="none")
    return (loss * weight).mean(1)


def uncertainty_weighted(losses: Tensor, log_variance: Tensor) -> Tensor:
    r"""Weigh the loss of each task: :math:`e^{-s_t} L_t + s_t / 2`.

    Parameters
    ----------
    losses : Tensor of shape [n_members, n_tasks]
    log_variance : Tensor of shape [n_members, n_tasks]
        The learned :math:`s_t`, the logarithm of the homoscedastic variance of a task.

    Returns
    -------
    Tensor of shape [n_members, n_tasks]

    References
    ----------
    Kendall, A.; Gal, Y.; Cipolla, R., CVPR 2018, 7482-7491.
    """
    return (-log_variance).exp() * losses + 0.5 * log_variance


def similarity_penalty(representations: Tensor) -> Tensor:
    """Mean squared cosine between two representations of a row, over all pairs and rows.

    Parameters
    ----------
    representations : Tensor of shape [n_members, n_representations, n_rows, size]

    Returns
    -------
    Tensor of shape [n_members]
        Zero where there is only one representation.
    """
    n_members, n, n_rows, _ = representations.shape
    if n < 2:
        return representations.new_zeros(n_members)
    unit = nn.functional.normalize(representations, dim=-1).transpose(1, 2)  # [members, rows, n, size]
    squares = (unit @ unit.transpose(-1, -2)) ** 2
    diagonal = squares.diagonal(dim1=-2, dim2=-1).sum((-1, -2))
    return (squares.sum((-1, -2, -3)) - diagonal) / (n_rows * n * (n - 1))


class RobustL1(nn.Module):
    r"""Negative log likelihood of a Laplace distribution whose width is predicted too.

    :math:`\sqrt{2}\,|\hat y - y|\,e^{-s} + s` with the logarithm s of the standard deviation.

    References
    ----------
    Kendall, A.; Gal, Y., NeurIPS 2017, 5574-5584.
    """

    def forward(self, prediction: Tensor, labels: dict[str, Tensor]) -> Tensor:
        """Average the loss over rows and targets, by weight.

        Parameters
        ----------
        prediction : Tensor of shape [n_rows, n_targets, 2]
            Means and s.
        labels : dict
            ``target`` and ``weight``, of shape [n_rows, n_targets]. The weights of a
            target have the mean one over all rows, and are zero where its label is missing.

        Returns
        -------
        Tensor of shape []
        """
        mean, log_sigma = prediction.unbind(-1)
        loss = 2**0.5 * (mean - labels["target"]).abs() * (-log_sigma).exp() + log_sigma
        return (loss * labels["weight"]).mean()


class EnergyLoss(nn.Module):
    """Huber loss of energies per atom and, where they are known, of forces.

    Parameters
    ----------
    force_weight : float
        Weight of the loss of the forces, relative to that of the energies.
    force_scale : float
        Deviation of the forces, as the energies have the deviation one per atom.
    """

    def __init__(self, force_weight: float = 1.0, force_scale: float = 1.0):
        super().__init__()
        self.force_weight = force_weight
        self.force_scale = force_scale

    def forward(self, prediction: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
        """Average the loss over structures and over the components of the forces, both by weight.

        Parameters
        ----------
        prediction : dict
            ``energy``, ``[n_structures]``, of whole structures, and perhaps ``forces``, ``[n_atoms, 3]``.
        labels : dict
            ``energy``, per atom, ``weight`` and ``n_atoms``, ``[n_structures]``, and perhaps ``forces``.

        Returns
        -------
        Tensor of shape []
        """
        error = prediction["energy"] / labels["n_atoms"] - labels["energy"]
        loss = (_huber(error) * labels["weight"]).mean()
        if "forces" in prediction:
            error = (prediction["forces"] - labels["forces"]) / self.force_scale
            weight = labels["weight"].repeat_interleave(labels["n_atoms"])[:, None]
            loss = loss + self.force_weight * (_huber(error) * weight).mean()
        return loss


class FieldLoss(nn.Module):
    """Huber loss of properties, and how far the density is from telling the potential of the nuclei.

    Parameters
    ----------
    potential_weight : float
        Weight of the squared error of the potential, which is relative to the mean square of the potential.
    """

    def __init__(self, potential_weight: float = 1.0):
        super().__init__()
        self.potential_weight = potential_weight

    def forward(self, prediction: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
        """Average over molecules and properties, by weight, and over points.

        Parameters
        ----------
        prediction : dict
            ``properties``, ``[n_molecules, n_properties]``, ``potential`` and ``external``, ``[n_points]``.
        labels : dict
            ``target`` and ``weight``, ``[n_molecules, n_properties]``; the weight is zero where a label is
            missing.

        Returns
        -------
        Tensor of shape []
        """
        error = _huber(prediction["properties"] - labels["target"])
        miss = (prediction["potential"] - prediction["external"]).square().mean()
        miss = miss / prediction["external"].square().mean()
        return (error * labels["weight"]).mean() + self.potential_weight * miss


def _huber(error: Tensor) -> Tensor:
    """Quadratic below a fifth of a deviation, linear above with the slope one."""
    return nn.functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=0.2)
