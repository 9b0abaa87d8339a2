"""Which columns of a table are frequencies, intensities and the dielectric constant; which go together."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone

from ...featurizers import SpectrumFeaturizer

# Above it no molecule vibrates.
LARGEST_WAVENUMBER = 10_000.0


def find_columns(featurizer, X, names=None):
    """Say by position which columns are frequencies, intensities and the dielectric constant.

    Parameters
    ----------
    featurizer : SpectrumFeaturizer, "auto" or None
        As in :class:`HMNNRegressor`.
    X : ndarray of shape (n_samples, n_features)
    names : ndarray of str of shape (n_features,), optional

    Returns
    -------
    SpectrumFeaturizer
        Not fitted.
    """
    given = featurizer if isinstance(featurizer, SpectrumFeaturizer) else SpectrumFeaturizer()
    if featurizer is None:
        groups = {}
    elif featurizer == "auto" and names is None:
        groups = _groups_by_position(X)
    else:
        with silent_about_units():
            groups = clone(given).fit(X if names is None else pd.DataFrame(X, columns=names)).columns_
        others = groups["infrared"] + groups["raman"] + groups["dielectric"]
        if featurizer == "auto" and not (groups["frequencies"] and others):
            groups = {}  # columns called f0, f1, ... are not a spectrum without intensities
    columns = {key: groups.get(key, []) for key in ("frequencies", "infrared", "raman", "rigid")}
    dielectric = groups.get("dielectric") or [None]
    return clone(given).set_params(**columns, dielectric=dielectric[0])


def _groups_by_position(X):
    """Take n frequencies, n infrared, n Raman intensities and a dielectric constant, if they can be these.

    Typical values decide, not all, so that one bad value is an error later and no other model.
    """
    n, rest = divmod(X.shape[1], 3)
    if n < 3 or rest > 1:
        return {}
    frequencies, intensities = X[:, :n], X[:, n : 3 * n]
    # The highest mode of a molecule or solid; imaginary modes are negative, a stretching mode is not.
    highest = np.median(frequencies.max(axis=1))
    if (
        not SpectrumFeaturizer.SMALLEST_WAVENUMBER < highest < LARGEST_WAVENUMBER
        or (intensities < 0).mean() > 0.01
    ):
        return {}
    groups = {
        "frequencies": list(range(n)),
        "infrared": list(range(n, 2 * n)),
        "raman": list(range(2 * n, 3 * n)),
        "rigid": [0],
    }
    if rest and np.median(X[:, -1]) >= 1:
        groups["dielectric"] = [3 * n]
    return groups


def find_pairs(featurizer, paired):
    """Say which columns of a featurizer's output are embedded together.

    Parameters
    ----------
    featurizer : SpectrumFeaturizer
        From :func:`find_columns`.
    paired : bool
        Whether frequencies are embedded with their intensities.

    Returns
    -------
    pairs : list of [int, int]
        A frequency and an intensity.
    context : list of int
        The dielectric constant, if there is one.

    Raises
    ------
    ValueError
        Another number of intensities than of frequencies.
    """
    n, pairs, position = len(featurizer.frequencies), [], len(featurizer.frequencies)
    for spectrum in ("infrared", "raman"):
        size = len(getattr(featurizer, spectrum))
        if paired and size and n and size != n:
            raise ValueError(
                f"There are {n} frequencies and {size} {spectrum} intensities: to pair them, name one "
                "intensity for each frequency in featurizer=SpectrumFeaturizer(...), or set paired=False."
            )
        for _ in range(2 if featurizer.intensity == "both" else 1):
            pairs += [[i, position + i] for i in range(size)] if n and paired else []
            position += size
    return pairs, [] if featurizer.dielectric is None else [position]


@contextmanager
def silent_about_units():
    """Keep SpectrumFeaturizer from repeating what it said of the unit of the frequencies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Frequencies are expected")
        yield
