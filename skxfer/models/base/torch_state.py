"""Torch's global state: the settings that a network needs, and the caller's back afterwards."""

import threading
from contextlib import ExitStack, contextmanager

from ..._optional import require


class _SinglePrecision:
    """Make float32 torch's default type while anyone asks for it, in however many threads."""

    def __init__(self):
        self.lock, self.users, self.callers = threading.Lock(), 0, None

    def __enter__(self):
        import torch

        with self.lock:
            if not self.users:
                self.callers = torch.get_default_dtype()
                torch.set_default_dtype(torch.float32)
            self.users += 1

    def __exit__(self, *error):
        import torch

        with self.lock:
            self.users -= 1
            if not self.users:
                torch.set_default_dtype(self.callers)


_GENERATOR, _SINGLE_PRECISION = threading.RLock(), _SinglePrecision()


@contextmanager
def plain_torch():
    """Work with torch's usual settings, and restore the caller's afterwards.

    Within it the default type is float32, gradients are recorded, new tensors are on the CPU, and there is
    no autocast, whatever the caller set by ``torch.set_default_dtype``, ``torch.inference_mode``,
    ``torch.no_grad``, ``torch.set_default_device`` or ``torch.autocast``. It also decorates methods.

    Raises
    ------
    ImportError
        torch or skorch is not installed.
    """
    torch = require("torch")
    require("skorch")
    with ExitStack() as settings:
        settings.enter_context(_SINGLE_PRECISION)
        settings.enter_context(torch.inference_mode(False))
        settings.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            settings.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                settings.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def torch_seed(seed, device):
    """Seed torch, and give the caller its generators back afterwards.

    Threads wait for one another, since they share torch's generator.

    Parameters
    ----------
    seed : int
    device : str
    """
    import torch

    with _GENERATOR, torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(seed)
        yield
