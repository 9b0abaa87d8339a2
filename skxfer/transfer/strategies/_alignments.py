"""Maps from source inputs to target inputs, as plain functions of two samples."""

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import sklearn

from ..._optional import require
from ...featurizers import ClippedScaler

# Subspaces have at most this many dimensions.
MAX_DIMENSIONS = 20
# Optimal transport: the entropic penalty, relative to the median squared distance, and the most target rows.
ENTROPY = 0.05
MAX_TARGET_ROWS = 1000


class Alignment(NamedTuple):
    """Source rows in the place of target rows.

    Parameters
    ----------
    sources : ndarray of shape (n_source, n_dimensions)
        Mapped source rows.
    mean, basis : ndarray of shape (n_features,) and (n_features, n_dimensions), or None
        A target row X stands at ``(X - mean) @ basis``; None: where it is.
    """

    sources: np.ndarray
    mean: np.ndarray | None = None
    basis: np.ndarray | None = None


def coral(S, T, penalty=1.0):
    """Give source rows the mean, variances and correlations of target rows (CORAL).

    Columns are standardised in each sample, then source rows are whitened and coloured by
    ``Cs^(-1/2) Ct^(1/2)``, where Cs and Ct are both correlation matrices plus `penalty` times the identity
    [1]_.

    Parameters
    ----------
    S : ndarray of shape (n_source, n_features)
    T : ndarray of shape (n_target, n_features)
    penalty : float, default=1.0
        That of the paper. Large values map means and variances alone.

    Returns
    -------
    Alignment

    References
    ----------
    .. [1] Sun, B., Feng, J. & Saenko, K., "Return of frustratingly easy domain adaptation", AAAI 2016, 2058.
       https://doi.org/10.1609/aaai.v30i1.10306
    """
    Z_source, Z_target = _standardised(S), _standardised(T)
    mapped = _times_power(_times_power(Z_source, Z_source, penalty, -0.5), Z_target, penalty, 0.5)
    # A column that is constant in the target becomes so in the sources.
    return Alignment(T.mean(axis=0) + T.std(axis=0) * mapped)


def _times_power(Z, sample, penalty, power):
    """Z (C + penalty · 1)^power, with C the covariance of a sample, by its singular values."""
    _, s, V = np.linalg.svd(sample, full_matrices=False)
    values = (s**2 / len(sample) + penalty) ** power - penalty**power
    return penalty**power * Z + (Z @ V.T * values) @ V


def subspace(S, T):
    """Turn the principal directions of source rows to those of target rows (subspace alignment).

    Source rows are projected on their own principal components, and these components on those of the target
    [1]_. Columns are standardised in each sample.

    Parameters
    ----------
    S : ndarray of shape (n_source, n_features)
    T : ndarray of shape (n_target, n_features)

    Returns
    -------
    Alignment

    References
    ----------
    .. [1] Fernando, B., Habrard, A., Sebban, M. & Tuytelaars, T., "Unsupervised visual domain adaptation
       using subspace alignment", ICCV 2013, 2960. https://doi.org/10.1109/ICCV.2013.368
    """
    Z_source, Z_target = _standardised(S), _standardised(T)
    (s, P_source), (t, P_target) = (np.linalg.svd(Z, full_matrices=False)[1:] for Z in (Z_source, Z_target))
    rank = min((values > 1e-9 * max(values[0], 1e-300)).sum() for values in (s, t))
    k = max(1, min(rank, MAX_DIMENSIONS))
    P_source, P_target = P_source[:k].T, P_target[:k].T
    basis = P_target / _scale(T)[:, None]
    return Alignment(Z_source @ P_source @ (P_source.T @ P_target), T.mean(axis=0), basis)


def transport(S, T):
    """Move source rows to target rows at the least total distance (optimal transport).

    Each source row goes to the mean of the target rows that its mass is moved to, under an entropic penalty
    [1]_. Columns are standardised in each sample. It needs skada and POT (extra ``adaptation``).

    Parameters
    ----------
    S : ndarray of shape (n_source, n_features)
    T : ndarray of shape (n_target, n_features)

    Returns
    -------
    Alignment

    References
    ----------
    .. [1] Courty, N., Flamary, R., Tuia, D. & Rakotomamonjy, A., "Optimal transport for domain adaptation",
       IEEE Trans. Pattern Anal. Mach. Intell. 39, 1853 (2017). https://doi.org/10.1109/TPAMI.2016.2615921
    """
    if len(T) > MAX_TARGET_ROWS:
        T = T[np.linspace(0, len(T) - 1, MAX_TARGET_ROWS).astype(int)]
    both = np.concatenate([_standardised(S), _standardised(T)])
    domain = np.repeat([1, -2], [len(S), len(T)])  # skada's signs of source and target
    with skada() as package:
        adapter = package.EntropicOTMappingAdapter(reg_e=ENTROPY, norm="median")
        moved = adapter.fit_transform(both, sample_domain=domain)[: len(S)]
    return Alignment(T.mean(axis=0) + T.std(axis=0) * moved)


@contextmanager
def skada():
    """Import skada, which sets scikit-learn's options at import, and restore them."""
    with sklearn.config_context():
        yield require("skada")


def _scale(X):
    return ClippedScaler(clip=None).fit(X).scale_


def _standardised(X):
    return ClippedScaler(clip=None).fit_transform(X)


ALIGNMENTS = {"coral": coral, "subspace": subspace, "transport": transport}
