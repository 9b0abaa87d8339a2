"""How much likelier inputs are under one distribution than under another, from a sample of each.

Source rows weighted by such a ratio stand for the target, where a label depends on the inputs in the same way
in both (covariate shift).
"""

import warnings

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array

from ._real_numbers import as_numbers, check_size

# Ridge penalties of the classifier, and of uLSIF, that cross-validation chooses from.
INVERSE_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
# Widths of uLSIF's kernels, relative to the median distance between points of the numerator.
WIDTHS = (0.2, 0.35, 0.6, 1.0, 1.7, 3.0)
# uLSIF has at most this many kernels, and its median distance is that of at most so many points.
MAX_KERNELS = 100
MAX_COMPARED = 500


def logistic_ratio(X_from, X_to, at=None, *, random_state=None):
    """Estimate the density ratio p_to / p_from by a classifier that tells the two samples apart.

    The odds of a probabilistic classifier between two samples are proportional to the ratio of their
    densities [1]_. It is a logistic regression on the columns and their squares: exact for Gaussians without
    correlations, or with the same, and robust with many columns and few rows. The penalty is the one with the
    best cross-validated likelihood.

    Parameters
    ----------
    X_from : ndarray of shape (n_from, n_features)
        Sample of the denominator, such as source rows. Columns should have similar scales.
    X_to : ndarray of shape (n_to, n_features)
        Sample of the numerator, such as target rows.
    at : ndarray of shape (n_samples, n_features), default=None
        Where the ratio is wanted. None: at `X_from`.
    random_state : int, RandomState or None, default=None
        Seeds the folds.

    Returns
    -------
    ndarray of shape (n_samples,)
        Non-negative.

    See Also
    --------
    ulsif_ratio : Ratios of any smooth shape, for few columns.

    References
    ----------
    .. [1] Bickel, S., Brückner, M. & Scheffer, T., "Discriminative learning for differing training and test
       distributions", ICML 2007, 81. https://doi.org/10.1145/1273496.1273507

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.density_ratio import logistic_ratio
    >>> rng = np.random.default_rng(0)
    >>> X_from, X_to = rng.normal(0, 1, (500, 1)), rng.normal(1, 1, (500, 1))
    >>> ratio = logistic_ratio(X_from, X_to, np.array([[0.5], [1.5]]), random_state=0)
    >>> bool(abs(ratio[1] / ratio[0] - np.e) < 0.5)  # the true ratio is exp(x - 1/2)
    True
    """
    X_from, X_to, at = _samples(X_from, X_to, at)
    X = _with_squares(np.vstack([X_from, X_to]))
    of_to = np.repeat([0, 1], [len(X_from), len(X_to)])
    # Both samples count alike, so that the odds are the ratio, whatever their sizes.
    weight = len(X) / (2 * np.where(of_to, len(X_to), len(X_from)))
    C = _inverse_penalty(X, of_to, weight, random_state)
    at = X[: len(X_from)] if at is None else _with_squares(at)
    return np.exp(np.clip(_classifier(C, X, of_to, weight).decision_function(at), -50, 50))


def _samples(X_from, X_to, at):
    """Check the samples of both distributions, and the points where the ratio is wanted."""
    given = {"X_from": X_from, "X_to": X_to} | ({} if at is None else {"at": at})
    found, columns = {}, getattr(X_from, "columns", None)
    for name, X in given.items():
        if columns is not None and list(getattr(X, "columns", columns)) != list(columns):
            raise ValueError(
                f"X_from has the columns {list(columns)} and {name} {list(X.columns)}: give both the same "
                "columns, in the same order."
            )
        found[name] = check_array(as_numbers(X, name), input_name=name)
        check_size(found[name], name)
        if found[name].shape[1] != found["X_from"].shape[1]:
            raise ValueError(
                f"X_from has {found['X_from'].shape[1]} columns and {name} {found[name].shape[1]}: give both "
                "the same columns."
            )
    return found["X_from"], found["X_to"], found.get("at")


def _with_squares(X):
    return np.hstack([X, X**2])


def _inverse_penalty(X, of_to, weight, random_state):
    """Choose the classifier's penalty by the likelihood of held-out rows."""
    n_splits = min(3, np.bincount(of_to).min())
    if n_splits < 2:
        return INVERSE_PENALTIES[0]
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=random_state)
    loss = np.zeros(len(INVERSE_PENALTIES))
    for train, held in folds.split(X, of_to):
        for j, C in enumerate(INVERSE_PENALTIES):
            odds = _classifier(C, X[train], of_to[train], weight[train]).decision_function(X[held])
            loss[j] += weight[held] @ np.logaddexp(0, np.where(of_to[held], -odds, odds))
    return INVERSE_PENALTIES[loss.argmin()]


def _classifier(C, X, of_to, weight):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a weak penalty on few rows: not the one chosen
        return LogisticRegression(C=C).fit(X, of_to, sample_weight=weight)


def ulsif_ratio(X_from, X_to, at=None, *, random_state=None):
    """Estimate the density ratio p_to / p_from by unconstrained least-squares importance fitting (uLSIF).

    The ratio is a sum of Gaussian kernels at points of `X_to`, fitted by least squares [1]_. Width and
    penalty are those with the least leave-one-out error, which has a closed form. It finds ratios of any
    smooth shape, but distances say little in many columns.

    Parameters
    ----------
    X_from : ndarray of shape (n_from, n_features)
        Sample of the denominator, such as source rows. Columns should have similar scales.
    X_to : ndarray of shape (n_to, n_features)
        Sample of the numerator, such as target rows.
    at : ndarray of shape (n_samples, n_features), default=None
        Where the ratio is wanted. None: at `X_from`.
    random_state : int, RandomState or None, default=None
        Draws the kernels' centres among more than 100 points.

    Returns
    -------
    ndarray of shape (n_samples,)
        Non-negative.

    See Also
    --------
    logistic_ratio : More robust in many columns.

    References
    ----------
    .. [1] Kanamori, T., Hido, S. & Sugiyama, M., "A least-squares approach to direct importance estimation",
       J. Mach. Learn. Res. 10, 1391 (2009). https://www.jmlr.org/papers/v10/kanamori09a.html

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.density_ratio import ulsif_ratio
    >>> rng = np.random.default_rng(0)
    >>> X_from, X_to = rng.normal(0, 1, (500, 1)), rng.normal(0, 0.5, (500, 1))
    >>> ratio = ulsif_ratio(X_from, X_to, np.array([[0.0], [1.0]]), random_state=0)
    >>> bool(ratio[0] > 3 * ratio[1])  # 2 and 0.4
    True
    """
    X_from, X_to, at = _samples(X_from, X_to, at)
    rng = check_random_state(random_state)
    centres = X_to[_some(len(X_to), MAX_KERNELS, rng)]
    distances = [cdist(X, centres, "sqeuclidean") for X in (X_from, X_to)]
    unit = _median_distance(X_to, rng)
    best = (np.inf, None, None)
    for width in WIDTHS:
        kernels = [np.exp(-d / (2 * (width * unit) ** 2)) for d in distances]
        for penalty in PENALTIES:
            error = leave_one_out_error(*kernels, penalty)
            if error < best[0]:
                best = (error, width, penalty)
    _, width, penalty = best
    K_from, K_to = (np.exp(-d / (2 * (width * unit) ** 2)) for d in distances)
    weights = _fit_ulsif(K_from, K_to, penalty)
    K = K_from if at is None else np.exp(-cdist(at, centres, "sqeuclidean") / (2 * (width * unit) ** 2))
    return K @ weights


def _some(n_rows, at_most, rng):
    """Draw rows, in their order: where all are taken, the seed changes nothing, not even rounding."""
    return np.sort(rng.permutation(n_rows)[:at_most])


def _median_distance(X, rng):
    """Median distance between points, the unit of the kernels' widths."""
    distances = pdist(X[_some(len(X), MAX_COMPARED, rng)])
    distances = distances[distances > 0]
    return np.median(distances) if len(distances) else 1.0


def _fit_ulsif(K_from, K_to, penalty):
    """Weights of the kernels, none below 0."""
    H = K_from.T @ K_from / len(K_from) + penalty * np.eye(K_from.shape[1])
    return np.maximum(0, cho_solve(cho_factor(H), K_to.mean(axis=0)))


def leave_one_out_error(K_from, K_to, penalty):
    """Return uLSIF's squared error over pairs of points, one of each sample, that were left out in turn.

    Leaving a pair out changes the matrix to be inverted by a term of rank one, so that one inverse serves all
    pairs (Kanamori et al. 2009, section 3.3).

    Parameters
    ----------
    K_from, K_to : ndarray of shape (n_from, n_kernels) and (n_to, n_kernels)
        Kernels at both samples.
    penalty : float

    Returns
    -------
    float
        Up to a constant; lower is better.
    """
    n_from, n_to = len(K_from), len(K_to)
    n = min(n_from, n_to)
    if n < 2:
        return penalty  # nothing can be left out: the flattest ratio is preferred
    # The penalty is scaled so that the solution for each pair is that of `_fit_ulsif` on the other rows.
    B = K_from.T @ K_from / n_from + penalty * (n_from - 1) / n_from * np.eye(K_from.shape[1])
    factor = cho_factor(B)
    A_from, A_to = K_from[:n].T, K_to[:n].T  # (n_kernels, n)
    h = K_to.mean(axis=0)
    B_h, B_from, B_to = cho_solve(factor, h), cho_solve(factor, A_from), cho_solve(factor, A_to)
    leverage = n_from - (A_from * B_from).sum(axis=0)
    whole = B_h[:, None] + B_from * ((h @ B_from) / leverage)
    left = B_to + B_from * ((A_to * B_from).sum(axis=0) / leverage)
    weights = (n_from - 1) / (n_from * (n_to - 1)) * (n_to * whole - left)
    weights = np.maximum(0, weights)
    ratio_from, ratio_to = (A_from * weights).sum(axis=0), (A_to * weights).sum(axis=0)
    return ratio_from @ ratio_from / (2 * n) - ratio_to.sum() / n
