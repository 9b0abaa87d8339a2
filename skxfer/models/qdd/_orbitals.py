"""Training of a quantum deep field: orbitals by gradient descent, the head in closed form."""

import copy
import warnings

import numpy as np

from ..base.parameters import training_options
from ..base.training import AVERAGING, choose_epochs, to_tensor, train_net
from ._head import errors, fit_head

EPOCHS = 20
# Fewer steps than this leave a network far from what the same molecules can teach it.
MIN_STEPS = 1000
LEARNING_RATE, LEARNING_RATE_FROM_INIT = 1e-2, 1e-3
# Share of the points, drawn at random in each step, at which training asks for the potential.
POTENTIAL_FRACTION = 0.25


def check_grid(module):
    """Raise a ValueError for a grid without a point, given the parameters of the module."""
    from ...nn.qdf import ball

    radius, spacing = module["module__radius"], module["module__spacing"]
    if not len(ball(radius, spacing)):
        raise ValueError(
            f"No grid point is within the radius {radius} Å of an atom with the spacing {spacing} Å: lower "
            "spacing."
        )


def train_orbitals(model, graph, target, weight, held, source, continues, module, rng):
    """Train a network, and undo it where molecules that were held out say that it did not help.

    Parameters
    ----------
    model : QDDTransformer
        Gets ``net_`` and ``improved_``.
    graph : Graph
    target, weight : ndarray of shape (n_molecules, n_targets)
        The target is NaN where a label is missing, and the weight zero.
    held : ndarray of bool, shape (n_molecules,)
        Molecules that are held out.
    source : QDDTransformer or None
        What training starts from.
    continues : bool
        Whether its head goes on too.
    module : dict
        Architecture.
    rng : RandomState
    """
    from ...nn.graph import Graphs

    labels = {"target": np.nan_to_num(target), "weight": weight}
    data = Graphs(graph, {name: to_tensor(label, model.device) for name, label in labels.items()})
    training, validation = data.part(~held), data.part(held)
    fits_head = "head" not in model._check_parts("freeze")
    begin = {}

    def prepare(module):
        head = copy.deepcopy(module.head.state_dict())
        if fits_head:
            fit_head(module, training)
        begin.update(state=copy.deepcopy(module.state_dict()), errors=errors(module, validation))
        if source is None:
            # Gradients start from a small head.
            module.head.load_state_dict(head)

    model.net_ = _train(model, training, validation, source, continues, module, prepare, rng)
    trained = model.net_.module_
    if fits_head:
        fit_head(trained, training)
    model.improved_, undone = _judge(model, trained, begin["errors"], validation, len(data), source)
    if undone:
        trained.load_state_dict(begin["state"])
        warnings.warn(
            f"{undone}. Kept the initial weights and fitted only the head; use more molecules or a better "
            "pretrained network.",
            stacklevel=4,
        )
    if held.any() and fits_head:
        fit_head(trained, data)
    trained.requires_grad_(False)


def _train(model, training, validation, source, continues, module, prepare, rng):
    """Return the net, trained."""
    from ...nn.losses import FieldLoss
    from ...nn.optimizers import MuonAdamW
    from ...nn.qdf import QDF
    from ..base.averaging import Averaging

    min_steps = MIN_STEPS if source is None else 0
    max_epochs = choose_epochs(model.max_epochs, EPOCHS, min_steps, len(training), model.batch_size)
    freezers = model._check_freeze(max_epochs, source is not None and not continues)()
    validate = (lambda module: errors(module, validation).mean()) if len(validation) else None
    learning_rate = model.learning_rate
    if learning_rate is None:
        learning_rate = LEARNING_RATE if source is None else LEARNING_RATE_FROM_INIT
    return train_net(
        QDF,
        FieldLoss,
        training,
        learning_rate=learning_rate,
        max_epochs=max_epochs,
        batch_size=model.batch_size,
        **training_options(model, rng),
        prepare=prepare,
        callbacks=[*freezers, ("averaging", Averaging(AVERAGING, validate))],
        optimizer=MuonAdamW,
        module__extensive=[pooling == "sum" for pooling in model.pooling_],
        module__potential_fraction=POTENTIAL_FRACTION,
        module__precision=model.precision,
        criterion__potential_weight=model.potential_weight,
        **module,
        **model._start(source, without=() if continues else ("head",)),
    )


def _judge(model, module, before, validation, n, source):
    """Tell whether training lowered the error (None: unknown), and why it is undone, if it is."""
    if model.net_.max_epochs == 0:
        return None, None
    if len(validation):
        gain = before - errors(module, validation)
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            return True, None
        return False, f"Training did not lower the error on {len(validation)} molecules held out clearly"
    if model.validation_fraction and source is not None:
        return None, (
            f"{n} molecules are too few to hold some out and see whether training helps "
            "(validation_fraction=0 trains all the same)"
        )
    return None, None
