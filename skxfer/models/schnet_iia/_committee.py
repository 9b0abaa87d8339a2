"""Members of a SchNetIIARegressor: how each is trained, and how far their disagreement tells the error."""

import numpy as np

from ..base.calibration import laplace_variance
from ..base.members import is_complete
from ..base.parameters import training_options
from ..base.references import robust_scale
from ..base.training import AVERAGING, choose_epochs, to_tensor, train_net
from ._graphs import run, run_members

# A network that is carried over as a whole needs fewer epochs, and more of them make it worse.
EPOCHS, EPOCHS_FROM_INIT = 40, 10
# Fewer steps than this leave a network far from what the same structures can teach it.
MIN_STEPS, MIN_STEPS_FROM_INIT = 1000, 400


def trainer(model, graph, labels, held, source, continues, module, rng):
    """Return a function that trains a member.

    Parameters
    ----------
    model : SchNetIIARegressor
    graph : Graph
        All structures.
    labels : dict of str to ndarray
        Labels of :class:`skxfer.nn.losses.EnergyLoss`.
    held : ndarray of bool, shape (n_structures,)
        Structures that members do not see.
    source : SchNetIIARegressor or None
        What training starts from.
    continues : bool
        Whether all of it is carried over.
    module : dict
        Architecture.
    rng : RandomState

    Returns
    -------
    callable
        Takes the number of a member; returns a net, and whether training came to its end.
    """
    import torch

    from ...nn.graph import Graphs
    from ...nn.losses import EnergyLoss
    from ...nn.schnet import SchNet

    data = Graphs(graph.to(torch.float32), {name: to_tensor(x, model.device) for name, x in labels.items()})
    training, validation = data.part(~held), data.part(held)
    max_epochs = choose_epochs(
        model.max_epochs,
        EPOCHS_FROM_INIT if continues else EPOCHS,
        MIN_STEPS if source is None else MIN_STEPS_FROM_INIT,
        len(training),
        model.batch_size,
    )
    freezers = model._check_freeze(max_epochs)
    force_scale = robust_scale(labels["forces"]) if "forces" in labels else 1.0

    def train(member):
        callbacks, stopping = _callbacks(model, validation)
        net = train_net(
            SchNet,
            EnergyLoss,
            training,
            learning_rate=model.learning_rate,
            max_epochs=max_epochs,
            batch_size=model.batch_size,
            **training_options(model, rng),
            prepare=(lambda net: net.rescale(source.scale_ / model.scale_)) if continues else None,
            callbacks=[*freezers(), *callbacks],
            module__forces="forces" in labels,
            criterion__force_weight=model.force_weight,
            criterion__force_scale=force_scale,
            **module,
            **model._start(source, member),
        )
        # In double precision forces are smooth and predictions independent of what else is predicted.
        net.module_.double().requires_grad_(False)
        return net, is_complete(net, stopping)

    return train


def _callbacks(model, validation):
    """Callbacks of a training, and the one among them that may stop it early."""
    from skorch.callbacks import EarlyStopping

    from ..base.averaging import Averaging

    if not model.early_stopping:
        return [("averaging", Averaging(AVERAGING))], None
    n_atoms, energy = (validation.labels[name].cpu().numpy() for name in ("n_atoms", "energy"))

    def error(module):
        return float(np.abs(run(module, validation.graph, "energies") / n_atoms - energy).mean())

    stopping = EarlyStopping("valid_error", patience=model.n_iter_no_change, threshold=0.0)
    return [("averaging", Averaging(AVERAGING, error)), ("stopping", stopping)], stopping


def calibrate(model, graph, labels, held):
    """Fit error bars to the errors of the committee on structures that it did not see.

    Parameters
    ----------
    model : SchNetIIARegressor
    graph : Graph
    labels : dict of str to ndarray
    held : ndarray of bool, shape (n_structures,)

    Returns
    -------
    ndarray of shape (1, 2)
        The squared error per atom is the first, in eV², plus the second times the variance over members.
    """
    outputs = run_members(model.nets_, graph, "energies")[held] / labels["n_atoms"][held, None]
    # Labels in the precision that the networks were trained in.
    error = np.abs(outputs.mean(axis=1) - labels["energy"][held].astype(np.float32))
    constant, factor = laplace_variance(error, outputs.var(axis=1))
    return np.array([[constant * model.scale_**2, factor]])
