"""Parameters that the networks have in common, and what they may be."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions


class TorchDevice(StrOptions):
    """Constraint of a parameter that names a device of torch."""

    def __init__(self):
        super().__init__({"cpu", "cuda", "mps"})

    def is_satisfied_by(self, val):
        """Whether torch knows a device of this name."""
        if not isinstance(val, str):
            return False
        import torch

        try:
            torch.device(val)
        except RuntimeError:
            return False
        return True

    def __str__(self):
        return "a device of torch as a str, such as 'cpu' or 'cuda:0'"


POSITIVE_INT = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
SHARE_BELOW_ONE = Interval(Real, 0, 1, closed="left")

# Of every network.
TRAINING = {
    "learning_rate": [POSITIVE],
    "max_epochs": [POSITIVE_INT, None],
    "batch_size": [POSITIVE_INT],
    "weight_decay": [NOT_NEGATIVE],
    "device": [TorchDevice()],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}
# Of those that may start from a fitted model: see :class:`skxfer.models.base.init.StartsFromFitted`.
START = {
    "init": [BaseEstimator, None],
    "carry": [str, list, tuple, None],
    "freeze": [str, list, tuple, dict, None],
}


def check_multiple_of_four(name, value):
    """Raise a ValueError for a width that does not divide by four."""
    if value % 4:
        raise ValueError(f"{name} must be a multiple of four, it is {value}.")


def training_options(model, seed):
    """Return the parameters of a model that :func:`train_net` takes as they are, and a seed for one training.

    Parameters
    ----------
    model : estimator
    seed : int or RandomState
        A RandomState is asked for the next seed.

    Returns
    -------
    dict of str to value
    """
    if not isinstance(seed, Integral):
        seed = seed.randint(np.iinfo(np.int32).max)
    same = {name: getattr(model, name) for name in ("weight_decay", "device", "verbose")}
    return same | {"seed": seed}
