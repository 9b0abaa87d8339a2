"""Statistics of element properties over the elements of each compound, weighted by atomic fraction."""

import numpy as np

# Numbers in the largest intermediate of a block: it stays in the processor's cache, whatever the number of
# formulas.
_BLOCK = 2**17


def _minimum(values, weights):
    return values.min(axis=1)


def _maximum(values, weights):
    return values.max(axis=1)


def _range(values, weights):
    return values.max(axis=1) - values.min(axis=1)


def _mean(values, weights):
    # From the first value on, so that the mean of equal values is that value and they do not deviate.
    first = values[:, 0]
    return first + (weights * (values - first[:, None])).sum(axis=1)


def _avg_dev(values, weights):
    """Mean absolute deviation from the mean."""
    deviation = values - _mean(values, weights)[:, None]
    return (weights * np.abs(deviation)).sum(axis=1)


def _std_dev(values, weights):
    """Standard deviation with the correction for reliability weights; 0 for an element."""
    if values.shape[1] == 1:
        return np.zeros((len(values), values.shape[2]))
    deviation = values - _mean(values, weights)[:, None]
    norm = 1 - (weights**2).sum(axis=1)
    # Where one element has nearly all, that difference is rounding, and twice the sum over pairs is not.
    pairs = 2 * (weights[:, 1:] * np.cumsum(weights, axis=1)[:, :-1]).sum(axis=1)
    return np.sqrt((weights * deviation**2).sum(axis=1) / np.where(norm < 1e-6, pairs, norm))


def _mode(values, weights):
    """Value of the most abundant element; of those that are equally abundant, the smallest."""
    is_top = np.isclose(weights, weights.max(axis=1, keepdims=True))
    return np.where(is_top, values, np.inf).min(axis=1)


STATISTICS = {
    "minimum": _minimum,
    "maximum": _maximum,
    "range": _range,
    "mean": _mean,
    "avg_dev": _avg_dev,
    "std_dev": _std_dev,
    "mode": _mode,
}


def element_statistics(fractions, table, statistics):
    """Compute statistics of element properties over the elements of each compound.

    Parameters
    ----------
    fractions : csr_array of shape (n_samples, n_elements)
        Atomic fractions, at least one in a row, without explicit zeros.
    table : ndarray of shape (n_elements, n_properties)
        NaN where a property is unknown.
    statistics : list of str
        Keys of ``STATISTICS``.

    Returns
    -------
    ndarray of shape (n_samples, n_properties, n_statistics)
    """
    n_samples, n_properties = fractions.shape[0], table.shape[1]
    out = np.empty((n_samples, n_properties, len(statistics)))
    counts = np.diff(fractions.indptr)
    # Compounds of equally many elements make a dense array, on which numpy is fast.
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        step = max(1, _BLOCK // (int(count) * n_properties))
        for start in range(0, len(rows), step):
            block = rows[start : start + step]
            entries = fractions.indptr[block, None] + np.arange(count)
            values = table[fractions.indices[entries]]  # (n_rows, n_elements of each, n_properties)
            weights = fractions.data[entries][:, :, None]
            for k, name in enumerate(statistics):
                out[block, :, k] = STATISTICS[name](values, weights)
    return out
