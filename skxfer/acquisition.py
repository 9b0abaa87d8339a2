"""What a label is worth: expected improvement, and a batch of rows that do not repeat each other."""

from numbers import Real

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import ndtr

GOALS = ("explore", "maximize", "minimize")
# Pairs of rows from which the typical distance is found.
N_PAIRS = 2_000
# Variance of the noise of a label, as a share of the variance of a prediction.
NOISE = 0.1


def check_goal(goal):
    """Refuse a goal that is neither a known word nor a finite number.

    Parameters
    ----------
    goal : object

    Raises
    ------
    ValueError
    """
    is_number = isinstance(goal, Real) and not isinstance(goal, bool) and np.isfinite(goal)
    if not is_number and not (isinstance(goal, str) and goal in GOALS):
        raise ValueError(f"goal must be {', '.join(map(repr, GOALS))} or a finite number, got {goal!r}.")


def expected_improvement(value, std, best, goal):
    """Expected improvement of a normally distributed value over the best label so far.

    Parameters
    ----------
    value, std : ndarray of shape (n_samples,)
        Mean and standard deviation, std ≥ 0.
    best : float
        The best label so far.
    goal : {"maximize", "minimize"} or float
        A number: the value aimed at. The improvement is then the decrease of the distance to it.

    Returns
    -------
    improvement : ndarray of shape (n_samples,)
        In the unit of the value, ≥ 0.
    chance : ndarray of shape (n_samples,)
        Probability of any improvement.

    References
    ----------
    .. [1] Jones, D. R. et al., J. Global Optim. 1998, 13, 455.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.acquisition import expected_improvement
    >>> improvement, chance = expected_improvement(np.array([1.0, 3.0]), np.zeros(2), 2.0, "maximize")
    >>> improvement.tolist(), chance.tolist()
    ([0.0, 1.0], [0.0, 1.0])
    """
    if goal == "minimize":
        value, best, goal = -value, -best, "maximize"
    safe = np.where(std > 0, std, 1.0)
    if goal == "maximize":
        gain = value - best
        z = gain / safe
        improvement = gain * ndtr(z) + safe * _density(z)
        certain, chance = np.maximum(gain, 0.0), ndtr(z)
        sure = (gain > 0).astype(float)
    else:
        reach = abs(best - goal)
        low, middle, high = ((goal + shift - value) / safe for shift in (-reach, 0.0, reach))
        # The integral of reach - |y - goal| over the interval in which this is positive.
        improvement = (value - goal + reach) * (ndtr(middle) - ndtr(low))
        improvement += (goal + reach - value) * (ndtr(high) - ndtr(middle))
        improvement += safe * (_density(low) - 2 * _density(middle) + _density(high))
        chance = ndtr(high) - ndtr(low)
        certain = np.maximum(reach - np.abs(value - goal), 0.0)
        sure = (certain > 0).astype(float)
    improvement = np.where(std > 0, np.maximum(improvement, 0.0), certain)
    return improvement, np.where(std > 0, chance, sure)


def _density(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


class Correlation:
    """How much the label of one row tells about another: a Gaussian process whose kernel is a Gaussian.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Scaled numbers of the rows.
    length : float
        Length of the correlation as a share of the median distance of two rows. 0: only equal rows.

    Attributes
    ----------
    left : ndarray of shape (n_samples,)
        Share of each variance that is left once the conditioned rows have noisy labels.
    """

    def __init__(self, Z, length):
        self.Z = Z
        self.left = np.ones(len(Z))
        rng = np.random.default_rng(0)
        one, other = rng.integers(len(Z), size=(2, N_PAIRS))
        distance = np.linalg.norm(Z[one] - Z[other], axis=1)
        distance = distance[distance > 0]
        self.scale = length * np.median(distance) if len(distance) else 0.0
        self._factors = np.empty((16, len(Z)))  # of a pivoted Cholesky decomposition
        self._rank = 0

    def equal(self, row):
        """Return which rows equal one of them, but for rounding."""
        return self._distance(row) <= 1e-9 * (1 + np.abs(self.Z[row]).max(initial=0.0))

    def condition(self, row):
        """Note that a row will have a label.

        Parameters
        ----------
        row : int

        Returns
        -------
        ndarray of shape (n_samples,)
            By how many standard deviations each prediction rises where the label is one above its prediction.
            The standard deviations are those before any row was labelled.
        """
        column = self.equal(row) * 1.0
        if self.scale:
            column = np.exp(-0.5 * (self._distance(row) / self.scale) ** 2)
        known = self._factors[: self._rank]
        column = column - known[:, row] @ known
        width = np.sqrt(column[row] + NOISE)
        column /= width
        self.left = np.clip(self.left - column**2, 0.0, 1.0)
        if self._rank == len(self._factors):
            self._factors = np.vstack([self._factors, np.empty_like(self._factors)])
        self._factors[self._rank] = column
        self._rank += 1
        return column / width

    def _distance(self, row):
        return cdist(self.Z, self.Z[[row]])[:, 0]


def choose_batch(value, std, correlation, n, goal, best, free):
    """Choose rows one after the other, each as if those before had labels.

    A row counts as labelled with its predicted value (the Kriging believer [1]_) or, where that is better,
    with the best label so far (the constant liar [1]_): one prediction that is too good
    must not make all others look useless. Rows like it become less uncertain, and no better than that.

    Parameters
    ----------
    value, std : ndarray of shape (n_samples,)
    correlation : Correlation
        Between these rows, and perhaps more after them; it is changed.
    n : int
        Number of rows wanted.
    goal : {"explore", "maximize", "minimize"} or float
    best : float or None
        The best label so far; None for ``"explore"``.
    free : ndarray of bool, shape (n_samples,)
        Which rows may be chosen.

    Returns
    -------
    list of dict
        ``row``, ``score``, ``value`` and ``std`` (as they are with the rows before) and ``chance`` for each;
        fewer than `n` where no different row is left.

    References
    ----------
    .. [1] Ginsbourger, D. et al., in Computational Intelligence in Expensive Optimization Problems,
       Springer 2010, 131, doi:10.1007/978-3-642-10701-6_6.
    """
    n_samples, chosen = len(value), []
    free, value = free.copy(), value.copy()
    while len(chosen) < n and free.any():
        left = std * np.sqrt(correlation.left[:n_samples])
        if goal == "explore":
            score, chance, tie = left, np.full(n_samples, np.nan), std
        else:
            score, chance = expected_improvement(value, left, best, goal)
            tie = -distance_to_goal(value, goal)  # far from the best, all scores are 0
        rows = np.flatnonzero(free)
        row = int(rows[np.lexsort([-rows, tie[rows], score[rows]])[-1]])  # the first of equal ones
        now = {"score": score[row], "value": value[row], "std": left[row], "chance": chance[row]}
        chosen.append({"row": row} | now)
        free &= ~correlation.equal(row)[:n_samples]
        rise = correlation.condition(row)[:n_samples]
        if goal != "explore" and std[row] > 0:
            value += std * rise * (_believed(value[row], best, goal) - value[row]) / std[row]
    return chosen


def _believed(value, best, goal):
    """Return a predicted value, made no better than the best label so far."""
    if distance_to_goal(value, goal) >= distance_to_goal(best, goal):
        return value
    return best if isinstance(goal, str) else goal + np.copysign(best - goal, value - goal)


def distance_to_goal(value, goal):
    """Return what should be small: minus the value (maximize), the value, or its distance to a number."""
    if goal == "maximize":
        return -value
    return value if goal == "minimize" else np.abs(value - goal)


def best_label(labels, goal):
    """Return the label nearest to the goal; NaN if there is none."""
    labels = labels[~np.isnan(labels)]
    return float(labels[np.argmin(distance_to_goal(labels, goal))]) if len(labels) else np.nan
