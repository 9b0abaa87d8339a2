"""Optimizers."""

from functools import partial

import torch
from torch.optim import AdamW, Muon, Optimizer

_OPTIMIZERS = {
    "muon": partial(Muon, adjust_lr_fn="match_rms_adamw"),
    "adamw": partial(AdamW, fused=True),
}


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

    def add_param_group(self, param_group):
        """Add parameters with options of their own."""
        options = {**self.defaults, **{key: param_group[key] for key in param_group if key != "params"}}
        given = param_group["params"]
        given = [given] if isinstance(given, torch.Tensor) else list(given)
        is_matrix = [parameter.ndim == 2 and min(parameter.shape) > 1 for parameter in given]
        for kind, optimizer in _OPTIMIZERS.items():
            own = [x for x, matrix in zip(given, is_matrix, strict=True) if matrix == (kind == "muon")]
            if own:
                (group,) = optimizer([{**options, "params": own}]).param_groups
                self.param_groups.append({**group, "kind": kind})
        self._share()

    def _share(self):
        """Let Muon and AdamW act on these groups, and store here what they store."""
        self._parts = []
        for group in self.param_groups:
            part = _OPTIMIZERS[group["kind"]]([dict(group)])
            part.param_groups, part.state = [group], self.state
            self._parts.append(part)

    def __setstate__(self, state):
        """Go on from a state that was stored."""
        super().__setstate__(state)
        self._share()

    def step(self, closure=None):
        """Take a step, and return the loss of the closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss
