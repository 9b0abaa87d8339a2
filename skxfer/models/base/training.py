"""Training of a network through skorch, its epochs and batches, and prediction in chunks."""

from fnmatch import fnmatchcase

import numpy as np

from .torch_state import torch_seed

# What remains of averaged weights at each step: the average then reaches over the last hundred or so.
AVERAGING = 0.99


class TensorBatches:
    """Batches that a dataset cuts at once, and not row by row.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        With a method ``batch`` that takes the numbers of rows and returns their inputs and labels.
    batch_size : int
    shuffle : bool
    """

    def __init__(self, dataset, batch_size, shuffle=False):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __iter__(self):
        import torch

        n = len(self.dataset)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for rows in order.split(self.batch_size):
            yield self.dataset.batch(rows)

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)


def tensors(arrays):
    """Turn a dict of arrays into one of tensors in single precision.

    Parameters
    ----------
    arrays : dict of str to ndarray
        None is left out.

    Returns
    -------
    dict of str to Tensor
    """
    return {name: to_tensor(array) for name, array in arrays.items() if array is not None}


def to_tensor(array, device="cpu", dtype=np.float32):
    """Convert an array to a tensor: int64 for integers, else `dtype`.

    Parameters
    ----------
    array : ndarray
    device : str
    dtype : numpy dtype

    Returns
    -------
    Tensor
    """
    import torch

    dtype = np.int64 if array.dtype.kind in "iu" else dtype
    return torch.as_tensor(np.ascontiguousarray(array, dtype=dtype)).to(device)


def choose_epochs(max_epochs, usual, min_steps, n_samples, batch_size):
    """Return the epochs of a training: those asked for, else the usual ones, and more on small data.

    Parameters
    ----------
    max_epochs : int or None
        Epochs that the user asked for; None leaves the choice to this function.
    usual : int
        Epochs on data that are large enough.
    min_steps : int
        Fewer steps than this leave a network far from what the same rows can teach it.
    n_samples, batch_size : int

    Returns
    -------
    int
    """
    if max_epochs is not None:
        return max_epochs
    return max(usual, -(-min_steps // -(-n_samples // batch_size)))


def train_net(
    module,
    criterion,
    data,
    *,
    learning_rate,
    max_epochs,
    batch_size,
    weight_decay,
    seed,
    device,
    verbose,
    start=None,
    carry=("*",),
    prepare=None,
    callbacks=(),
    optimizer=None,
    **params,
):
    """Train a module with a one-cycle learning rate, through skorch.

    Ctrl-C ends the training and keeps what was learned.

    Parameters
    ----------
    module, criterion : subclass of torch.nn.Module
    data : torch.utils.data.Dataset
        With the method that :class:`TensorBatches` needs.
    learning_rate : float
        The largest one of the cycle.
    max_epochs, batch_size : int
    weight_decay : float
    seed : int
    device : str
    verbose : int
    start : NeuralNet, optional
        A net whose weights training starts from, where they have the same shape.
    carry : list of str, optional
        Patterns of the module's parameters that are taken over from `start`. Default: all.
    prepare : callable, optional
        Takes the module after that, and changes it in place.
    callbacks : list of skorch.callbacks.Callback, optional
        In addition to that of the learning rate.
    optimizer : subclass of torch.optim.Optimizer, optional
        Default: AdamW, whose momentum goes through a cycle too.
    **params
        ``module__*`` and ``criterion__*`` parameters.

    Returns
    -------
    skorch.NeuralNet
    """
    import torch

    batch_size = min(batch_size, len(data))
    params |= {"lr": learning_rate, "max_epochs": max_epochs, "batch_size": batch_size}
    params |= {"optimizer__weight_decay": weight_decay, "device": device, "verbose": verbose}
    steps = -(-len(data) // batch_size) * max_epochs
    net = _make_net(module, criterion, optimizer, steps, callbacks, params)
    with torch_seed(seed, device):
        net.initialize()
        if start is not None:
            take_over(net.module_, start.module_, carry)
            take_over(net.criterion_, start.criterion_)
        if prepare is not None:
            prepare(net.module_)
        if max_epochs:
            net.partial_fit(data)
    # They acted on this training alone, and what they and the optimizer hold is larger than the net.
    net.callbacks, net.callbacks_ = [], []
    net.optimizer_.state.clear()
    net.module_.eval()
    if not all(torch.isfinite(parameter).all() for parameter in net.module_.parameters()):
        raise ValueError(f"Training diverged: lower learning_rate, it is {learning_rate:g}.")
    return net


def _make_net(module, criterion, optimizer, steps, callbacks, params):
    """A net with a one-cycle learning rate over so many steps."""
    import torch
    from skorch import NeuralNet
    from skorch.callbacks import LRScheduler

    if optimizer is None:
        params["optimizer__fused"] = True
    one_cycle = LRScheduler(
        policy=torch.optim.lr_scheduler.OneCycleLR,
        max_lr=params["lr"],
        total_steps=steps,
        cycle_momentum=optimizer is None,
        step_every="batch",
    )
    return NeuralNet(
        module,
        criterion=criterion,
        optimizer=torch.optim.AdamW if optimizer is None else optimizer,
        iterator_train=TensorBatches,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[("one_cycle", one_cycle), *callbacks],
        **params,
    )


def take_over(module, start, patterns=("*",)):
    """Copy the parameters and buffers of one module to another, where they have the same name and shape.

    Parameters
    ----------
    module, start : torch.nn.Module
    patterns : list of str
        Patterns of the names, as in ``"embedding.*"``.
    """
    state = module.state_dict()
    carried = {
        name: value
        for name, value in start.state_dict().items()
        if name in state
        and value.shape == state[name].shape
        and any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    module.load_state_dict(state | carried)


def in_chunks(function, inputs, device, chunk_size=512):
    """Apply a function of tensors to chunks of one fixed size.

    The sums in a product of matrices run in an order that depends on the
    shapes. With one shape for all chunks, the last one padded, the result for a
    row does not depend on the other rows.

    Parameters
    ----------
    function : callable
        Takes the tensors by name, returns one with a row per sample.
    inputs : dict of str to ndarray
    device : str
    chunk_size : int

    Returns
    -------
    ndarray of float32, shape (n_samples, ...)
    """
    import torch

    inputs = tensors(inputs)
    n = len(next(iter(inputs.values())))
    results = []
    with torch.inference_mode():
        for first in range(0, n, chunk_size):
            chunk = {name: tensor[first : first + chunk_size] for name, tensor in inputs.items()}
            size = len(next(iter(chunk.values())))
            if size < chunk_size:
                fill = torch.zeros(chunk_size, dtype=torch.long)
                fill[:size] = torch.arange(size)
                chunk = {name: tensor[fill] for name, tensor in chunk.items()}
            result = function(**{name: tensor.to(device) for name, tensor in chunk.items()})
            results.append(result[:size].cpu().numpy())
    return np.concatenate(results)
