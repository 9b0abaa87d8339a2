"""Folds over target rows that look like the use, and the numbers in which rows are near or far."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, check_cv
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from .featurizers import ClippedScaler
from .learners import inner_pipeline

# Clusters and distances to neighbours are found on a sample of larger targets.
MAX_CLUSTERED_ROWS = 10_000
MAX_COMPARED_ROWS = 2_000

SPLITS_OF_USE = ("similar", "new_domains", "new_inputs")


def cluster_rows(Z, domain, n_clusters, random_state, *, at_least=None):
    """Cluster inputs by k-means, scaled within each domain.

    Where that leaves too few distinct rows, as with a domain for each row, all
    rows are scaled together.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
    domain : ndarray of shape (n_samples,) or None
    n_clusters : int
    random_state : int, RandomState or None
    at_least : int, optional
        With fewer distinct rows than `n_clusters`, make as many clusters as
        there are, if they are this many. Default: `n_clusters`.

    Returns
    -------
    ndarray of int, shape (n_samples,)
        Cluster numbers from 0, without a gap.

    Raises
    ------
    ValueError
        Fewer distinct rows than clusters.
    """
    scaled = np.empty(Z.shape)
    labels = np.zeros(len(Z)) if domain is None else domain
    for name in np.unique(labels):
        rows = labels == name
        scaled[rows] = ClippedScaler(clip=3.0).fit_transform(Z[rows])
    # The same structure in two domains differs by rounding errors alone.
    scaled = scaled.round(9)
    rng = check_random_state(random_state)
    sample = scaled
    if len(scaled) > MAX_CLUSTERED_ROWS:
        sample = scaled[rng.choice(len(scaled), MAX_CLUSTERED_ROWS, replace=False)]
    kmeans = KMeans(min(n_clusters, len(sample)), n_init=3, random_state=rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        found, clusters = np.unique(kmeans.fit(sample).predict(scaled), return_inverse=True)
    if len(found) >= (at_least or n_clusters):
        return clusters
    if _several(domain):
        return cluster_rows(Z, None, n_clusters, random_state, at_least=at_least)
    raise ValueError(
        f"{at_least or n_clusters} folds of clusters need as many distinct target inputs, there are "
        f"{len(found)}. Use fewer folds, or random ones (predict_on='similar', TargetKFold)."
    )


def folds_like_the_use(Z, domain, use, n_splits, random_state, groups=None):
    """Folds over target rows in which held-out rows are as new as those to be predicted.

    Parameters
    ----------
    Z : ndarray of shape (n_target, n_features)
        Numeric inputs of the target rows.
    domain : ndarray of shape (n_target,) or None
    use : {"similar", "new_domains", "new_inputs"}
        What will be predicted: rows like those at hand, rows of new domains,
        or new inputs. The last gives two sets of folds, of coarse and of fine
        clusters, since how new is unknown; one set where few rows make both the same.
    n_splits : int
    random_state : int, RandomState or None
    groups : ndarray of shape (n_target,), optional
        Rows that no fold separates: the fold of most rows of a group takes all of them.

    Returns
    -------
    list of ndarray of int, each of shape (n_target,)
        The fold that holds each row out, for each set of folds.

    Raises
    ------
    ValueError
        Too few target rows or groups, or for ``"new_domains"`` fewer than two target domains.
    """
    rng = check_random_state(random_state)
    n = len(Z)
    if n < n_splits:
        raise ValueError(
            f"cv={n_splits} folds need at least as many target rows, there are n_samples={n}. Lower cv, "
            "or do without cross-validation (guard=False with one strategy; HMNNRegressor: cv=None)."
        )
    n_groups = n if groups is None else len(np.unique(groups))
    if n_groups < n_splits:
        raise ValueError(
            f"cv={n_splits} folds need at least as many groups of rows, there are {n_groups} in {n} rows: "
            "rows of one group, of one composition or with equal inputs are not separated. Lower cv."
        )
    seed = rng.randint(np.iinfo(np.int32).max)
    if use == "similar":
        if n_groups < n:
            split = GroupKFold(n_splits, shuffle=True, random_state=seed).split(Z, groups=groups)
        else:
            split = KFold(n_splits, shuffle=True, random_state=seed).split(Z)
        return [_fold_numbers(split, n)]
    sets = _folds_of_new(Z, domain, use, n_splits, rng, seed)
    return sets if n_groups == n else [_together(fold, groups) for fold in sets]


def _folds_of_new(Z, domain, use, n_splits, rng, seed):
    """Folds of new domains or inputs."""
    n = len(Z)
    if use == "new_domains":
        names, codes = np.unique(np.zeros(n) if domain is None else domain, return_inverse=True)
        if len(names) < 2:
            raise ValueError(
                "predict_on='new_domains' needs at least two target domains to leave one out; "
                "use 'new_inputs' or 'similar'."
            )
        codes = rng.permutation(len(names))[codes]
        return [_fold_numbers(GroupKFold(min(n_splits, len(names))).split(Z, groups=codes), n)]
    coarse = cluster_rows(Z, domain, n_splits, seed)
    n_fine = min(4 * n_splits, max(n_splits, n // 2))
    if n_fine == n_splits:
        return [coarse]
    fine = cluster_rows(Z, domain, n_fine, seed, at_least=n_splits)
    return [coarse, _fold_numbers(GroupKFold(n_splits).split(Z, groups=fine), n)]


def _together(fold, groups):
    """Give all rows of a group the fold that most of them have."""
    _, groups = np.unique(groups, return_inverse=True)
    counts = np.zeros((groups.max() + 1, fold.max() + 1), dtype=int)
    np.add.at(counts, (groups, fold), 1)
    return np.unique(counts.argmax(axis=1)[groups], return_inverse=True)[1]


def _fold_numbers(split, n):
    fold = np.empty(n, dtype=int)
    for k, (_, test) in enumerate(split):
        fold[test] = k
    return fold


def use_from_deployment(Z, Z_deploy, domain, n_splits, random_state):
    """Say which folds look like the unlabelled inputs that are to be predicted.

    For each kind of fold the distance from a held-out row to its nearest
    training row is compared with the distance from a row to be predicted to its
    nearest target row; the kind with the closest distribution wins.

    Parameters
    ----------
    Z : ndarray of shape (n_target, n_features)
    Z_deploy : ndarray of shape (n_deploy, n_features)
    domain : ndarray of shape (n_target,) or None
    n_splits : int
    random_state : int, RandomState or None

    Returns
    -------
    {"similar", "new_domains", "new_inputs"}
    """
    rng = check_random_state(random_state)
    if len(Z) > MAX_COMPARED_ROWS:
        rows = rng.choice(len(Z), MAX_COMPARED_ROWS, replace=False)
        Z, domain = Z[rows], None if domain is None else domain[rows]
    if len(Z_deploy) > MAX_COMPARED_ROWS:
        Z_deploy = Z_deploy[rng.choice(len(Z_deploy), MAX_COMPARED_ROWS, replace=False)]
    scaler = ClippedScaler().fit(Z)
    Z, Z_deploy = scaler.transform(Z), scaler.transform(Z_deploy)
    levels = np.linspace(0.1, 0.9, 9)

    def quantiles(train, test):
        distance, _ = NearestNeighbors(n_neighbors=1).fit(train).kneighbors(test)
        return np.quantile(distance[:, 0], levels)

    wanted = quantiles(Z, Z_deploy)
    uses = [use for use in SPLITS_OF_USE if use != "new_domains" or _several(domain)]
    mismatch = {}
    for use in uses:
        got = [
            quantiles(Z[folds != k], Z[folds == k])
            for folds in folds_like_the_use(Z, domain, use, n_splits, rng)
            for k in np.unique(folds)
        ]
        mismatch[use] = np.abs(np.mean(got, axis=0) - wanted).mean()
    return min(uses, key=mismatch.get)


def _checked_folds(folds, n_rows):
    """Pairs of row numbers from a splitter of the user's."""
    if not folds:
        raise ValueError(
            "cv gives no folds: give at least one pair of (train, test) rows, or a number of folds."
        )
    found = []
    for k, (train, test) in enumerate(folds):
        pair = [np.asarray(rows) for rows in (train, test)]
        pair = [np.flatnonzero(rows) if rows.dtype == bool else rows for rows in pair]
        for rows, name in zip(pair, ("trains on", "holds out"), strict=True):
            if not rows.size:
                raise ValueError(f"Fold {k} of cv {name} no row: leave it out.")
            if rows.min() < -n_rows or rows.max() >= n_rows:
                raise ValueError(
                    f"Fold {k} of cv {name} row {rows.max()}, but there are {n_rows} target rows: folds are "
                    "row numbers among the target rows."
                )
        found.append(tuple(pair))
    return found


def target_folds(X, Y, domain, cv, predict_on, numbers, X_deploy, random_state, groups=None, equal=None):
    """Find sets of folds over the target rows that look like the use.

    Parameters
    ----------
    X : inputs of the target rows, of any kind
    Y : ndarray of shape (n_target, n_targets)
    domain : ndarray of shape (n_target,) or None
    cv : int, cross-validation generator or iterable
        All but an int is used as it is.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}
        ``"auto"``: what `X_deploy` looks like, ``"new_inputs"`` without it.
    numbers : callable or None
        Turns inputs into an array of numbers, for ``"auto"`` and ``"new_inputs"``.
    X_deploy : inputs to be predicted, or None
    random_state : int, RandomState or None
    groups : ndarray of shape (n_target,), optional
        Rows that no fold separates.
    equal : ndarray of shape (n_target,), optional
        Number of each different input: without `groups`, folds of similar rows do not separate equal ones.

    Returns
    -------
    use : str or None
        What the folds imitate; None if `cv` is no int.
    sets : list of list of (train, held out)
        Positions among the target rows, for each set of folds.

    Raises
    ------
    ValueError
        As :func:`folds_like_the_use`, or X holds no numbers.
    """
    if isinstance(cv, (str, bytes)):
        raise TypeError(f"cv is {cv!r}: give a number of folds, a splitter, or pairs of (train, test) rows.")
    if not isinstance(cv, Integral):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            folds = list(check_cv(cv).split(X, Y, domain if groups is None else groups))
        return None, [_checked_folds(folds, len(Y))]
    if predict_on == "auto" and X_deploy is None:
        predict_on = "new_inputs"
    Z = numbers(X) if predict_on in ("auto", "new_inputs") else np.empty((len(Y), 0))
    if predict_on == "auto" and not Z.shape[1]:
        predict_on = "similar"
    elif predict_on == "auto":
        # Few folds leave so much out that any rows look new: how new is judged by five.
        n_splits = max(cv, min(5, len(Z)))
        predict_on = use_from_deployment(Z, numbers(X_deploy), domain, n_splits, random_state)
    if predict_on == "new_inputs" and not Z.shape[1]:
        raise ValueError(
            "Folds of new inputs need numbers, and X holds none: use a Pipeline that turns X into "
            "numbers before the learner, or predict_on='similar'."
        )
    if groups is None and predict_on == "similar" and _several(equal):
        groups = equal  # rows that are all the same tell nothing apart, so there is nothing to remember
    sets = folds_like_the_use(Z, domain, predict_on, cv, random_state, groups)
    return predict_on, [
        [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)] for fold in sets
    ]


class FoldSets:
    """Sets of folds that were drawn before, so that several estimators are judged by the same rows.

    Given as `cv`, they are used as they are.

    Parameters
    ----------
    use : str or None
        What the folds imitate.
    sets : list of list of (train, held out)
        Positions among the target rows, for each set of folds.
    """

    def __init__(self, use, sets):
        self.use = use
        self.sets = sets

    @property
    def uses(self):
        """What each set imitates: of similar rows and new inputs, the first set is the former."""
        if self.use == "similar or new_inputs":
            return ["similar", *["new_inputs"] * (len(self.sets) - 1)]
        return [self.use] * len(self.sets)

    def split(self, X=None, y=None, groups=None):
        """Yield the folds of all sets."""
        for folds in self.sets:
            yield from folds

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds."""
        return sum(map(len, self.sets))

    def __repr__(self):
        return f"FoldSets({self.use!r}, {self.get_n_splits()} folds)"


def join_groups(*groups):
    """Number the rows so that those that any of the groupings puts together have the same number.

    Parameters
    ----------
    *groups : array-like of shape (n_samples,)
        Labels of groups.

    Returns
    -------
    ndarray of int, shape (n_samples,)

    Examples
    --------
    >>> from skxfer.folds import join_groups
    >>> join_groups(["a", "a", "b", "c"], [0, 1, 1, 2])
    array([0, 0, 0, 1])
    """
    n = len(groups[0])
    ends, size = [], n
    for labels in groups:  # rows and groups are nodes: a row is linked to each of its groups
        codes = pd.factorize(np.asarray(labels))[0]
        ends.append(size + codes)
        size += codes.max(initial=0) + 1
    rows = np.tile(np.arange(n), len(groups))
    links = sparse.coo_array((np.ones(len(rows)), (rows, np.concatenate(ends))), shape=(size, size))
    return pd.factorize(connected_components(links, directed=False)[1][:n])[0]


def _several(domain):
    return domain is not None and len(np.unique(domain)) > 1


class NumericView:
    """Inputs as numbers, the way a learner sees them: distances and clusters are found in these.

    Parameters
    ----------
    learner : estimator
        The steps of its pipeline before the last, if it has any, are fitted and applied.
    fallback : callable
        Turns inputs that are still no dense table of numbers into one.
    """

    def __init__(self, learner, fallback):
        self.learner = learner
        self.fallback = fallback

    def fit(self, X, Y):
        """Learn from inputs X of any kind and labels Y of shape (n_samples, n_targets)."""
        self.head, self.columns, self.use_fallback = None, None, False
        pipeline = inner_pipeline(self.learner)
        if pipeline is not None:
            y = np.where(np.isnan(Y), np.nanmean(Y, axis=0), Y)[:, 0]
            self.head = clone(pipeline[:-1]).fit(X, y)
        prepared = self._prepare(X)
        if isinstance(prepared, pd.DataFrame):
            self.columns = prepared.select_dtypes(["number", "bool"]).columns
        Z = self._table(prepared)
        self.use_fallback = Z.ndim != 2 or not Z.shape[1] or Z.dtype.kind not in "biuf"
        if self.use_fallback:
            Z = self.fallback(X)
        self.fill = np.nan_to_num(np.nanmean(np.where(np.isfinite(Z), Z, np.nan), axis=0))
        return self

    def __call__(self, X):
        """Return a finite array of shape (n_samples, n_columns)."""
        Z = self.fallback(X) if self.use_fallback else self._table(self._prepare(X))
        return np.where(np.isfinite(Z), Z, self.fill).astype(float)

    def _prepare(self, X):
        return X if self.head is None else self.head.transform(X)

    def _table(self, prepared):
        if sparse.issparse(prepared):
            return prepared.toarray()
        return np.asarray(prepared if self.columns is None else prepared[self.columns].to_numpy(dtype=float))
