"""Sequences of inputs that were read and checked once, and that travel with what the user gave."""

from numbers import Integral

import numpy as np


class ReadOnce:
    """Base of sequences of inputs that are read once and passed on as often as needed.

    Such a sequence stands in for the X it was read from. Its entries are those of the user; iterating, an
    int as index and ``np.asarray`` return them. A slice, a mask or an array of indices returns a sequence of
    the same class, so that scikit-learn's splitters and searches keep what was read.

    Subclasses set ``entries``, an object array of shape (n_samples,) or None, and define ``__len__``,
    ``take`` and ``_entry``, which makes an entry where there are none.
    """

    entries = None
    ndim = 1
    dtype = np.dtype(object)

    @property
    def shape(self):
        """Number of samples in a tuple, as of a one-dimensional array."""
        return (len(self),)

    def __getitem__(self, key):
        if isinstance(key, tuple):  # scikit-learn asks for X[rows, ...]
            key = [part for part in key if part is not Ellipsis]
            if len(key) != 1:
                raise IndexError(
                    f"{type(self).__name__} has one dimension, but {len(key)} indices were given."
                )
            key = key[0]
        if not isinstance(key, Integral) or isinstance(key, (bool, np.bool_)):
            return self.take(key)
        if not -len(self) <= key < len(self):
            raise IndexError(f"Index {key} is out of range: there are {len(self)} samples.")
        row = int(key) % len(self)
        return self._entry(row) if self.entries is None else self.entries[row]

    def __iter__(self):
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if dtype is not None and np.dtype(dtype) != object:
            raise TypeError(f"{type(self).__name__} holds objects: it cannot become an array of {dtype}.")
        return as_objects(list(self))

    def _rows(self, key):
        """Row numbers that a slice, a mask or an array of indices stands for."""
        if not isinstance(key, slice):
            key = np.asarray(key)
            key = key.astype(int) if key.size == 0 and key.dtype != bool else key
        rows = np.arange(len(self))[key]
        if rows.ndim != 1:
            raise IndexError(f"Indices must be a slice or a one-dimensional array, got shape {rows.shape}.")
        return rows

    def _entries_at(self, rows):
        return None if self.entries is None else self.entries[rows]


def as_objects(items):
    """Put a list into an object array of one dimension, whatever its entries are."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
