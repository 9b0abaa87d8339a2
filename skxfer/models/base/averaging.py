"""Averages of the weights over the last steps of a training, the best of them by validation if asked for."""

import copy

from skorch.callbacks import Callback


class Averaging(Callback):
    """End a training with an exponential moving average of the weights.

    Parameters
    ----------
    decay : float
        What remains of the average at each step.
    validate : callable, optional
        Takes a module and returns its error on rows held out, recorded as
        ``valid_error`` after each epoch. The average of the epoch with the smallest is kept.
    """

    def __init__(self, decay, validate=None):
        self.decay = decay
        self.validate = validate

    def on_train_begin(self, net, **kwargs):
        """Start from the weights as they are."""
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

        self.average_ = AveragedModel(net.module_, multi_avg_fn=get_ema_multi_avg_fn(self.decay))
        self.best_ = None

    def on_batch_end(self, net, training, **kwargs):
        """Take in the weights after a step."""
        if training:
            self.average_.update_parameters(net.module_)

    def on_epoch_end(self, net, **kwargs):
        """Validate the average."""
        if self.validate is None:
            return
        error = self.validate(self.average_.module)
        net.history.record("valid_error", error)
        if self.best_ is None or not error >= self.best_[0]:
            self.best_ = error, copy.deepcopy(self.average_.module.state_dict())

    def on_train_end(self, net, **kwargs):
        """Hand the average to the net."""
        state = self.average_.module.state_dict() if self.best_ is None else self.best_[1]
        net.module_.load_state_dict(state)
