"""Optimizers."""

import torch
from torch.optim import AdamW, Muon, Optimizer


class MuonAdamW(Optimizer):
    """Muon for matrices, AdamW for all other parameters, at one learning rate.

    Muon makes the singular values of a step equal [1]_: directions in which the inputs of a layer hardly vary
    are learned as fast as the others. Its steps are scaled to the size of AdamW's [2]_.

    Parameters
    ----------
    params : iterable of Parameter, or of dict
    lr, weight_decay : float

    References
    ----------
    .. [1] Jordan, K. et al., "Muon: An optimizer for hidden layers in neural networks" (2024),
       https://kellerjordan.github.io/posts/muon/.
    .. [2] Liu, J. et al., "Muon is scalable for LLM training" (2025), arXiv:2502.16982.
    """

    def __init__(self, params, lr: float = 1e-3, weight_decay: float = 0.01):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        given = [parameter for group in self.param_groups for parameter in group["params"]]
        matrices = [parameter for parameter in given if parameter.ndim == 2 and min(parameter.shape) > 1]
        others = [parameter for parameter in given if all(parameter is not matrix for matrix in matrices)]
        self._parts = [
            Muon(matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
            AdamW(others, lr=lr, weight_decay=weight_decay, fused=True),
        ]
        # Schedulers act on the groups, and what is stored has one home.
        self.param_groups = [group for part in self._parts for group in part.param_groups]
        for part in self._parts:
            part.state = self.state

    def step(self, closure=None):
        """Take a step, and return the loss of the closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss
