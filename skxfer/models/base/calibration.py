"""Error bars of networks: what they expect of their own errors, scaled to the errors on rows held out."""

import numpy as np
from scipy.optimize import minimize

# Error bars are calibrated on at least this many groups of rows, and labels of a target; the second number is
# enough for a scale that is the same within a fifth from one draw to the next.
MIN_HELD_OUT, ENOUGH = 10, 30


def held_out(group, share, rng):
    """Choose rows to be held out, by whole groups.

    Parameters
    ----------
    group : ndarray of int, shape (n_samples,)
        Numbers from 0 of groups of rows that belong together.
    share : float
        Share of the groups.
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
    """Fit how the variance of errors that follow a Laplace distribution depends on the expected one.

    Parameters
    ----------
    error : ndarray of shape (n_samples,)
        Absolute errors; NaN is left out.
    expected : ndarray of shape (n_samples,)
        Variances.

    Returns
    -------
    constant, factor : float
        Those with the largest likelihood: the variance is the first plus the second times the expected one.
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


def standard_deviation(variance, expected):
    """Return error bars from an expected variance, such as that over members.

    Parameters
    ----------
    variance : ndarray of shape (n_targets, 2)
        The squared error is the first plus the second times the expected variance.
    expected : ndarray of shape (n_samples, n_targets)

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
    """
    return np.sqrt(variance[:, 0] + variance[:, 1] * expected)


def check_error_bars(variance, why_none, why_few=""):
    """Raise a ValueError if there are no error bars.

    Parameters
    ----------
    variance : ndarray of shape (n_targets, 2) or None
        NaN where a target has none.
    why_none, why_few : str
        What the fit lacked, and what to do: for all targets, and for the one that is named.
    """
    if variance is None:
        raise ValueError(f"There are no error bars: {why_none}")
    few = np.flatnonzero(np.isnan(variance).any(axis=1))
    if few.size:
        raise ValueError(f"There are no error bars for target {few[0]}: {why_few or why_none}")
