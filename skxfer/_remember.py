"""Rows computed from equal inputs are computed once, within a block that asks for it.

A competition fits and asks a Pipeline dozens of times on parts of the same rows. Where its first step turns a
molecule or a structure into numbers, row by row, these are the same each time, and may take longer than
all else.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

# Bytes of numbers that are kept; beyond, rows are computed as often as they are asked for.
MAX_BYTES = 1 << 29

_memory = ContextVar("remembered_rows", default=None)


@contextmanager
def remembering():
    """Remember rows within this block, in this process."""
    if _memory.get() is not None:
        yield
        return
    token = _memory.set(_Memory())
    try:
        yield
    finally:
        _memory.reset(token)


def computed_once(settings, keys, compute):
    """Compute something for each row, or recall it.

    Parameters
    ----------
    settings : hashable
        All that the result depends on besides the row itself.
    keys : list of hashable
        What tells rows apart; equal keys have equal results.
    compute : callable
        Takes a list of row numbers, and returns a sequence with a result for each. What it raises may name
        rows by these numbers.

    Returns
    -------
    list
        Results in the order of `keys`. Those of equal rows may be one object: it must not be changed.
    """
    memory = _memory.get()
    if memory is None:
        return list(compute(list(range(len(keys)))))
    first = {}
    for row, key in enumerate(keys):
        first.setdefault((settings, key), row)
    new = {key: row for key, row in first.items() if key not in memory.rows}
    found = dict(zip(new, compute(list(new.values())), strict=True)) if new else {}
    memory.keep(found)
    return [
        found[place] if place in found else memory.rows[place] for place in ((settings, key) for key in keys)
    ]


class _Memory:
    def __init__(self):
        self.rows = {}
        self.size = 0

    def keep(self, found):
        for place, result in found.items():
            self.size += result.nbytes if isinstance(result, np.ndarray) else 1000
            if self.size < MAX_BYTES:
                self.rows[place] = result
