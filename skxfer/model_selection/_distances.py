"""How far the rows and labels of one domain are from those of another."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial.distance import cdist, pdist
from scipy.stats import wasserstein_distance
from sklearn.base import clone

from ..formulas import parse_formulas
from ..inputs import n_rows, take

# More rows of a domain than this add time and no digit that matters.
MAX_ROWS = 1000
COLUMNS = ("domain_distance", "label_distance", "label_shift")


def distances(source, target, featurizer=None):
    """Compare a source with the target rows.

    Parameters
    ----------
    source, target : tuple of (X, Y)
        X of any kind, Y of shape (n_samples, n_targets), NaN where a label is missing.
    featurizer : transformer, optional
        Default: the numbers of a table; descriptors of formulas or structures.

    Returns
    -------
    dict of str to float
        ``domain_distance``: see :func:`energy_coefficient`. ``label_distance``,
        ``label_shift``: see :func:`label_distances`.
    """
    (X, Y), (X_target, Y_target) = source, target
    far = np.nan
    try:
        Z, Z_target = _numbers(X, X_target, featurizer)
        if Z.shape[1]:
            far = energy_coefficient(Z, Z_target)
    except Exception as error:
        if featurizer is not None:
            raise
        warnings.warn(
            f"There is no distance between the inputs of the domains ({type(error).__name__}: {error}). Pass "
            "featurizer=, a transformer that turns X into numbers; errors and gains do not need it.",
            stacklevel=3,
        )
    return dict(zip(COLUMNS, (far, *label_distances(Y, Y_target)), strict=True))


def energy_coefficient(Z, Z_target):
    """Measure how different two samples are: 0 the same distribution, 1 two single points.

    The energy distance as a share of its largest value,
    ``(2 E|x - y| - E|x - x'| - E|y - y'|) / (2 E|x - y|)`` [1]_, with columns
    scaled to the unit variance of both samples together, each counting half.

    Parameters
    ----------
    Z : ndarray of shape (n_source, n_features)
        NaN counts as the mean of its column.
    Z_target : ndarray of shape (n_target, n_features)

    Returns
    -------
    float

    References
    ----------
    .. [1] Székely, G. J., Rizzo, M. L., J. Stat. Plan. Inference 2013, 143, 1249,
       doi:10.1016/j.jspi.2013.03.018.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.model_selection._distances import energy_coefficient
    >>> energy_coefficient(np.zeros((3, 1)), np.ones((3, 1)))
    1.0
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice|Degrees of freedom", RuntimeWarning)
        means = np.stack([np.nanmean(Z, axis=0), np.nanmean(Z_target, axis=0)])
        variances = np.stack([np.nanvar(Z, axis=0), np.nanvar(Z_target, axis=0)])
        center = np.nanmean(means, axis=0)
        scale = np.sqrt(np.nanmean(variances, axis=0) + np.nanvar(means, axis=0))
    # A column that hardly varies but for rounding says nothing.
    varies = scale > 1e-9 * np.abs(center)
    Z, Z_target = (
        np.nan_to_num((part[:, varies] - center[varies]) / scale[varies]) for part in (Z, Z_target)
    )
    between = cdist(Z, Z_target).mean()
    if not between:
        return 0.0
    # Pairs of different rows, for a row paired with itself makes a small sample look narrow.
    within = sum(pdist(part).mean() if len(part) > 1 else 0.0 for part in (Z, Z_target))
    return float(max(0.0, 1 - within / (2 * between)))


def label_distances(Y, Y_target):
    """Compare labels: the shape of their distribution, and its place.

    Parameters
    ----------
    Y : ndarray of shape (n_source, n_targets)
    Y_target : ndarray of shape (n_target, n_targets)

    Returns
    -------
    distance : float
        Wasserstein distance after each has been scaled to mean 0 and variance 1.
    shift : float
        Between the means, in standard deviations of the labels of the target rows.

    Both are averaged over the targets, and NaN where their number differs.
    """
    if Y.shape[1] != Y_target.shape[1]:
        return np.nan, np.nan
    both = []
    for y, z in zip(Y.T, Y_target.T, strict=True):
        y, z = y[~np.isnan(y)], z[~np.isnan(z)]
        apart = y.mean() - z.mean()
        shift = abs(apart) / z.std() if z.std() else (np.inf if apart else 0.0)
        both.append((wasserstein_distance(_standard(y), _standard(z)), shift))
    distance, shift = np.mean(both, axis=0)
    return float(distance), float(shift)


def _standard(y):
    return (y - y.mean()) / (y.std() or 1.0)


def _numbers(X, X_target, featurizer):
    """Return both as arrays of numbers, of few rows."""
    rng = np.random.RandomState(0)
    parts = [
        take(part, rng.choice(n_rows(part), MAX_ROWS, replace=False)) if n_rows(part) > MAX_ROWS else part
        for part in (X, X_target)
    ]
    objects = getattr(X_target, "ndim", 2) == 1
    if featurizer is None and objects:
        featurizer = _descriptors(X_target[0])
    if featurizer is not None:
        Z = clone(featurizer).fit_transform(_concatenate(parts))
        Z = Z.toarray() if sparse.issparse(Z) else np.asarray(Z, dtype=float)
        first = n_rows(parts[0])
        return Z[:first], Z[first:]
    if isinstance(X_target, pd.DataFrame):
        columns = X_target.select_dtypes("number").columns
        parts = [part[columns].to_numpy(dtype=float) for part in parts]
    return [part.toarray() if sparse.issparse(part) else np.asarray(part, dtype=float) for part in parts]


def _descriptors(entry):
    """Return what describes a formula or a structure by numbers."""
    from .. import featurizers

    try:
        parse_formulas([entry])
    except (TypeError, ValueError):
        return featurizers.ClusterFeaturizer()
    return featurizers.CompositionFeaturizer()


def _concatenate(parts):
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    return sparse.vstack(parts) if sparse.issparse(parts[0]) else np.concatenate(parts)
