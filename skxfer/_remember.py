"""Rows computed from equal inputs are computed once, within a block that asks for it.

A competition fits and asks a Pipeline dozens of times on parts of the same rows. Where its first step turns a
molecule or a structure into numbers, row by row, these are the same each time, and may take longer than
all else.
"""

from contextlib import contextmanager

import numpy as np

# Bytes of numbers that are kept; beyond, rows are computed as often as they are asked for.
MAX_BYTES = 1 << 29

_memory = None  # of all blocks that are open in this process, in any thread
_n_open = 0


@contextmanager
def remembering():
    """Remember rows until the end of this block; jobs in other processes compute their own."""
    global _memory, _n_open
    if _memory is None:
        _memory = _Memory()
    _n_open += 1
    try:
        yield
    finally:
        _n_open -= 1
        if not _n_open:
            _memory = None


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
    memory = _memory
    if memory is None:
        return list(compute(list(range(len(keys)))))
    first = {}
    for row, key in enumerate(keys):
        first.setdefault((settings, key), row)
    found = {place: memory.rows[place] for place in first if place in memory.rows}
    new = {place: row for place, row in first.items() if place not in found}
    if new:
        computed = dict(zip(new, compute(list(new.values())), strict=True))
        memory.keep(computed)
        found |= computed
    return [found[settings, key] for key in keys]


class _Memory:
    def __init__(self):
        self.rows = {}
        self.size = 0

    def keep(self, found):
        for place, result in found.items():
            self.size += result.nbytes if isinstance(result, np.ndarray) else 1000
            if self.size < MAX_BYTES:
                self.rows[place] = result
