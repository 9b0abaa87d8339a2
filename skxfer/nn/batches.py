"""Rows of tensors to train on."""

import torch
from torch import Tensor


class TensorRows(torch.utils.data.Dataset):
    """Rows of several tensors; a batch is cut at once.

    Parameters
    ----------
    inputs, labels : dict of str to Tensor
        Each with a row per sample.
    """

    def __init__(self, inputs: dict[str, Tensor], labels: dict[str, Tensor]):
        self.inputs = inputs
        self.labels = labels

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def batch(self, rows: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return some of the rows."""
        return tuple({name: x[rows] for name, x in part.items()} for part in (self.inputs, self.labels))
