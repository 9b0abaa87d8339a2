"""Members of a model: networks trained from different weights, one after the other, until Ctrl-C."""


def is_complete(net, stopping=None):
    """Tell whether a training came to its end, and was not interrupted.

    Parameters
    ----------
    net : skorch.NeuralNet
    stopping : skorch.callbacks.EarlyStopping, optional
        A callback that may have ended it before the last epoch.

    Returns
    -------
    bool
    """
    stopped = stopping is not None and stopping.misses_ == stopping.patience
    return stopped or len(net.history) == net.max_epochs


def train_members(train, n_members):
    """Train members one after the other.

    Parameters
    ----------
    train : callable
        Takes the number of a member; returns its net, and whether training came to its end.
    n_members : int

    Returns
    -------
    nets : list of skorch.NeuralNet
        Those that came to their end; the first one in any case.
    complete : bool
        False after Ctrl-C, which also ends what would follow.
    """
    nets = []
    for member in range(n_members):
        net, complete = train(member)
        if complete or not nets:
            nets.append(net)
        if not complete:
            return nets, False
    return nets, True
