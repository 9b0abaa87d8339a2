"""Which columns of a table are frequencies, intensities and the dielectric constant; which go together."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..featurizers import SpectrumFeaturizer
from ..featurizers._spectra import SMALLEST_WAVENUMBER


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
    groups = {}
    if featurizer is not None:
        with silent_about_units():
            groups = clone(given).fit(X if names is None else pd.DataFrame(X, columns=names)).columns_
        if featurizer == "auto" and names is None and not _is_spectrum(X, groups):
            groups = {}
    columns = {key: groups.get(key, []) for key in ("frequencies", "infrared", "raman", "rigid")}
    dielectric = groups.get("dielectric") or [None]
    return clone(given).set_params(**columns, dielectric=dielectric[0])


def find_pairs(featurizer, paired):
    """Say which columns of a featurizer's output are embedded together.

    Parameters
    ----------
    featurizer : SpectrumFeaturizer
        Of :func:`find_columns`.
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


def _is_spectrum(X, groups):
    """Whether columns guessed by position can be wavenumbers and intensities."""
    frequencies, intensities = groups["frequencies"], groups["infrared"] + groups["raman"]
    return (
        len(frequencies) > 0
        and np.abs(X[:, frequencies]).max() > SMALLEST_WAVENUMBER
        and X[:, intensities].min() >= 0
    )


@contextmanager
def silent_about_units():
    """Keep SpectrumFeaturizer from repeating what it said of the unit of the frequencies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Frequencies are expected")
        yield
