"""Layers for many small networks of the same shape at once: one batched product in place of a loop."""

import torch
from torch import Tensor, nn

ACTIVATIONS = {"leaky_relu": nn.LeakyReLU, "relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh}


class GroupedLinear(nn.Module):
    """One linear layer for each of several groups.

    Parameters
    ----------
    n_groups, n_in, n_out : int
    """

    def __init__(self, n_groups: int, n_in: int, n_out: int):
        super().__init__()
        bound = max(n_in, 1) ** -0.5
        self.weight = nn.Parameter(torch.empty(n_groups, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_groups, 1, n_out).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[n_groups or 1, n_rows, n_in]`` to ``[n_groups, n_rows, n_out]``."""
        return torch.baddbmm(self.bias, x.expand(len(self.weight), -1, -1), self.weight)


class GroupedLayerNorm(nn.Module):
    """Layer normalisation with a scale and a shift for each group.

    Parameters
    ----------
    n_groups, size : int

    References
    ----------
    Ba, J. L.; Kiros, J. R.; Hinton, G. E., arXiv:1607.06450.
    """

    def __init__(self, n_groups: int, size: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(n_groups, 1, size))
        self.shift = nn.Parameter(torch.zeros(n_groups, 1, size))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``[n_groups, n_rows, size]`` over the last axis."""
        return torch.addcmul(self.shift, nn.functional.layer_norm(x, x.shape[-1:]), self.scale)


class GroupedDropout(nn.Module):
    """Dropout with one mask for all groups: to draw one for each takes a quarter of the training time.

    Parameters
    ----------
    p : float
        Share of values set to zero in training.
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop values of ``[n_groups, n_rows, size]``."""
        if not self.training:
            return x
        return x * nn.functional.dropout(torch.ones_like(x[:1]), self.p)


class GroupedMLP(nn.Sequential):
    """A small network for each group: linear layers, each with an activation and, if asked, more.

    Parameters
    ----------
    n_groups : int
    sizes : list of int
        Input, hidden and output sizes.
    activation : str
        A key of `ACTIVATIONS`.
    normalise : bool
        Whether each layer has a layer normalisation before its activation.
    dropout : float
        Share of values set to zero in training, after each activation.
    """

    def __init__(
        self,
        n_groups: int,
        sizes: list[int],
        activation: str,
        *,
        normalise: bool = False,
        dropout: float = 0.0,
    ):
        layers: list[nn.Module] = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
            layers.append(GroupedLinear(n_groups, n_in, n_out))
            if normalise:
                layers.append(GroupedLayerNorm(n_groups, n_out))
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(GroupedDropout(dropout))
        super().__init__(*layers)
