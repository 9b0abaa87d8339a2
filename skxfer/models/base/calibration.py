"""Error bars of networks that predict their own: scaled to the errors on compositions held out."""

import numpy as np
from scipy.optimize import minimize

# Compositions, and labels of a target, that error bars are calibrated on, at least; and how many of them are
# enough for a scale that is the same within a fifth from one draw to the next.
MIN_HELD_OUT, ENOUGH = 10, 30


def held_out(group, share, rng):
    """Choose rows to be held out, by whole groups.

    Parameters
    ----------
    group : ndarray of int, shape (n_samples,)
        Numbers from 0 of groups of rows that belong together.
    share : float
        Of the groups.
    rng : RandomState

    Returns
    -------
    ndarray of bool, shape (n_samples,)
        Where there are few groups, up to a third of them, so as to have `ENOUGH`; none
        where that is less than `MIN_HELD_OUT`.
    """
    n_groups = group.max() + 1
    n_held = max(round(share * n_groups), min(ENOUGH, n_groups // 3))
    if n_held < MIN_HELD_OUT:
        return np.zeros(len(group), dtype=bool)
    return np.isin(group, rng.permutation(n_groups)[:n_held])


def laplace_variance(error, expected):
    """Fit how the variance of errors follows from the expected one, as of a Laplace distribution.

    Parameters
    ----------
    error : ndarray of shape (n_samples,)
        Absolute errors; NaN is left out.
    expected : ndarray of shape (n_samples,)
        Variances.

    Returns
    -------
    constant, factor : float
        Of the largest likelihood: the variance is the first plus the second times the expected one.
        NaN where there are fewer than `MIN_HELD_OUT` errors.
    """
    known = ~np.isnan(error)
    if known.sum() < MIN_HELD_OUT:
        return np.nan, np.nan
    error, expected = error[known], expected[known]
    size, width = max(error.mean(), np.finfo(float).tiny), max(expected.mean(), np.finfo(float).tiny)

    def loss(logs):
        constant, factor = np.exp(logs)
        std = np.sqrt(constant + factor * expected / width)
        return np.mean(np.sqrt(2) * error / size / std + np.log(std))

    best = minimize(loss, [0.0, 0.0], method="Nelder-Mead", bounds=[(-20, 20)] * 2)
    constant, factor = np.exp(best.x) * size**2
    return constant, factor / width
