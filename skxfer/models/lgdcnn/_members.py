"""Members of an LGDCNNRegressor: how each is trained, what it outputs, how far its error bars hold."""

import numpy as np

from ...formulas import parse_formulas, sorted_elements
from ..base.calibration import laplace_variance
from ..base.members import is_complete
from ..base.parameters import training_options
from ..base.training import choose_epochs, in_chunks, tensors, train_net
from ._elements import check_elements

EPOCHS = 40
# Fewer steps than this leave a network far from what the same rows can teach it; from a trained one it takes
# fewer, and more of them overwrite what it knew of a related property.
MIN_STEPS, MIN_STEPS_FROM_INIT = 1000, 400
LEARNING_RATE, LEARNING_RATE_FROM_INIT = 3e-3, 1e-3
# Formulas go through the networks in parts of this size, so that memory hardly grows with their number.
PART_SIZE = 50_000


def trainer(model, elements, labels, source, module, rng):
    """Return a function that trains a member on some of the rows.

    Parameters
    ----------
    model : LGDCNNRegressor
    elements : (number, fraction), each an ndarray of shape (n_rows, n_elements)
    labels : Labels
    source : LGDCNNRegressor or None
        What training starts from.
    module : dict
        Architecture.
    rng : RandomState

    Returns
    -------
    callable
        Takes rows and the number of a member; returns a net, and whether training came to its end.
    """
    from ...nn.batches import TensorRows
    from ...nn.lgdcnn import LGDCNN
    from ...nn.losses import RobustL1

    number, fraction = elements
    target = np.nan_to_num((labels.Y - model.center_) / model.scale_)
    weight = labels.balanced()
    head_is_new = source is not None and source.n_targets_ != model.n_targets_
    freezers = model._check_freeze(_plan(model, len(labels), source)[1], head_is_new)
    usual_rate = LEARNING_RATE if source is None else LEARNING_RATE_FROM_INIT

    def train(rows, member):
        inputs = tensors({"number": number[rows], "fraction": fraction[rows]})
        data = TensorRows(inputs, tensors({"target": target[rows], "weight": weight[rows]}))
        batch_size, max_epochs = _plan(model, len(data), source)
        net = train_net(
            LGDCNN,
            RobustL1,
            data,
            learning_rate=model.learning_rate or usual_rate,
            max_epochs=max_epochs,
            batch_size=batch_size,
            **training_options(model, rng),
            callbacks=freezers(),
            module__n_targets=model.n_targets_,
            module__dropout=model.dropout,
            module__jitter=model.jitter,
            **module,
            **model._start(source, member),
        )
        return net, is_complete(net)

    return train


def _plan(model, n, source):
    """Return batch size and number of epochs for n rows."""
    batch_size = model.batch_size or min(max(n // 25, 32), 128)
    min_steps = MIN_STEPS if source is None else MIN_STEPS_FROM_INIT
    return batch_size, choose_epochs(model.max_epochs, EPOCHS, min_steps, n, batch_size)


def calibrate(model, net, elements, Y, held):
    """Fit error bars to the errors of a network on rows that it did not see.

    Parameters
    ----------
    model : LGDCNNRegressor
    net : skorch.NeuralNet
    elements : (number, fraction), each an ndarray of shape (n_rows, n_elements)
    Y : ndarray of shape (n_rows, n_targets)
    held : ndarray of bool, shape (n_rows,)

    Returns
    -------
    ndarray of shape (n_targets, 2)
        The squared error is the first plus the second times the variance that the network expects.
    """
    inputs = dict(zip(("number", "fraction"), (part[held] for part in elements), strict=True))
    outputs = in_chunks(net.module_, inputs, net.device)
    error = np.abs(outputs[..., 0] * model.scale_ + model.center_ - Y[held])
    expected = np.exp(2.0 * outputs[..., 1]) * model.scale_**2
    return np.array([laplace_variance(e, v) for e, v in zip(error.T, expected.T, strict=True)])


def outputs_by_length(nets, X, method, verbose):
    """Apply a method of every member's module to formulas with the same number of elements at a time.

    Parameters
    ----------
    nets : list of skorch.NeuralNet
    X : sequence of formulas
    method : str
    verbose : int
        Above 0: show a bar.

    Yields
    ------
    rows : ndarray of int, shape (n_rows,)
    number : ndarray of int, shape (n_rows, n_elements)
        Atomic numbers.
    output : ndarray of shape (n_rows, n_members, ...)
    """
    fractions = parse_formulas(X)
    n = fractions.shape[0]
    if not n:
        raise ValueError("Found 0 formulas while a minimum of 1 is required.")
    check_elements(fractions, nets[0].module__table, np.arange(n))
    firsts = range(0, n, PART_SIZE)
    if verbose:
        from tqdm import tqdm

        firsts = tqdm(firsts, unit_scale=PART_SIZE, unit="formula")
    for first in firsts:
        number, fraction = sorted_elements(fractions[first : first + PART_SIZE])
        count = (number > 0).sum(axis=1)
        for length in np.unique(count):
            rows = np.flatnonzero(count == length)
            inputs = {"number": number[rows, :length], "fraction": fraction[rows, :length]}
            outputs = [in_chunks(getattr(net.module_.eval(), method), inputs, net.device) for net in nets]
            yield first + rows, inputs["number"], np.stack(outputs, axis=1)
