"""Cross-validation over target rows, with every source row in every training fold."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, validate_parameter_constraints
from sklearn.utils.validation import check_array

from .._real_numbers import check_container, check_size, real_table
from ..domains import split_domains
from ..folds import cluster_rows
from ..inputs import check_sample_domain, n_rows, take


class _TargetSplitter(BaseEstimator):
    """Split target rows; source rows train in every fold and are tested in none."""

    _parameter_constraints: dict = {
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "n_clusters": [Interval(Integral, 2, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "source_domains": ["array-like", str, None],
        "featurizer": [HasMethods("fit_transform"), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    }

    # With metadata routing on, either name reaches `split` without a request call.
    __metadata_request__split = {"groups": True, "sample_domain": True}

    def split(self, X, y=None, groups=None, *, sample_domain=None):
        """Yield training and test rows.

        Parameters
        ----------
        X : array-like or sequence of length n_samples
        y : array-like, optional
            Ignored.
        groups, sample_domain : array-like of shape (n_samples,), optional
            The domain of each row, under either name: scikit-learn hands
            `groups` to a splitter, `sample_domain` is what estimators take.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        ValueError
            An unknown source domain, no target row, too few target rows for the folds.
        """
        self._check_parameters()
        check_container(X, "X")
        labels = sample_domain if sample_domain is not None else groups
        if labels is not None:
            labels = check_sample_domain(labels, n_rows(X))
        sources, target = self._rows(n_rows(X), labels)
        for test in self._test_folds(X, target, labels):
            train = np.setdiff1d(target, test)
            yield np.sort(np.concatenate([sources, train])), np.sort(test)

    def get_n_splits(self, X=None, y=None, groups=None, *, sample_domain=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups, sample_domain : as in `split`

        Returns
        -------
        int
        """
        return self.n_splits

    def _check_parameters(self):
        given = self.get_params(deep=False)
        validate_parameter_constraints(
            {name: self._parameter_constraints[name] for name in given}, given, type(self).__name__
        )

    def _rows(self, n_samples, labels):
        if labels is None:
            if self.source_domains is not None:
                raise ValueError(
                    "source_domains is set, so the domain of each row is needed: "
                    "pass groups= or sample_domain= (GridSearchCV and the like hand on groups= alone, "
                    "unless metadata routing is on)."
                )
            return np.array([], dtype=int), np.arange(n_samples)
        sources, target = split_domains(labels, self.source_domains)
        return np.concatenate([np.array([], dtype=int), *sources.values()]), target


class TargetKFold(_TargetSplitter):
    """K-fold over the target rows: the use is more rows like those at hand.

    Parameters
    ----------
    n_splits : int, default=5
    source_domains : list of labels, optional
        Domains that are never tested. None: all rows are target rows.
    shuffle : bool, default=True
    random_state : int, RandomState or None, default=None

    See Also
    --------
    LeaveOneTargetDomainOut : The use is a new domain (solvent).
    LeaveTargetClusterOut : The use is new inputs (structures, chemistry).

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.model_selection import TargetKFold
    >>> domain = np.array(["gas"] * 3 + ["water"] * 2)
    >>> cv = TargetKFold(n_splits=2, source_domains=["gas"], random_state=0)
    >>> [list(map(int, test)) for _, test in cv.split(np.zeros((5, 1)), groups=domain)]
    [[4], [3]]
    """

    def __init__(self, n_splits=5, *, source_domains=None, shuffle=True, random_state=None):
        self.n_splits = n_splits
        self.source_domains = source_domains
        self.shuffle = shuffle
        self.random_state = random_state

    def _test_folds(self, X, target, labels):
        if len(target) < self.n_splits:
            raise ValueError(
                f"There are {len(target)} target rows for n_splits={self.n_splits} folds: lower n_splits, or "
                "add target rows."
            )
        state = self.random_state if self.shuffle else None
        folds = KFold(self.n_splits, shuffle=self.shuffle, random_state=state)
        return [target[test] for _, test in folds.split(target)]


class LeaveOneTargetDomainOut(_TargetSplitter):
    """Leave each target domain out in turn: the use is a domain with no labels yet.

    Parameters
    ----------
    source_domains : list of labels, optional
        Domains that are never tested.

    Raises
    ------
    ValueError
        Fewer than two target domains.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.model_selection import LeaveOneTargetDomainOut
    >>> domain = np.array(["gas", "hexane", "hexane", "ether"])
    >>> cv = LeaveOneTargetDomainOut(source_domains=["gas"])
    >>> [list(map(int, test)) for _, test in cv.split(np.zeros((4, 1)), groups=domain)]
    [[3], [1, 2]]
    """

    def __init__(self, *, source_domains=None):
        self.source_domains = source_domains

    def get_n_splits(self, X=None, y=None, groups=None, *, sample_domain=None):
        """Return the number of target domains.

        Parameters
        ----------
        X, y : ignored
        groups, sample_domain : array-like of shape (n_samples,)

        Returns
        -------
        int
        """
        labels = sample_domain if sample_domain is not None else groups
        if labels is None:
            raise ValueError("The domain of each row is needed: pass groups= or sample_domain=.")
        labels = check_sample_domain(labels, len(labels))
        _, target = self._rows(len(labels), labels)
        return len(np.unique(labels[target]))

    def _test_folds(self, X, target, labels):
        if labels is None:
            raise ValueError("The domain of each row is needed: pass groups= or sample_domain=.")
        labels = labels[target]
        names = np.unique(labels)
        if len(names) < 2:
            raise ValueError(
                f"There is one target domain only ({str(names[0])!r}): leaving it out leaves no target row. "
                "Use TargetKFold or LeaveTargetClusterOut."
            )
        return [target[labels == name] for name in names]


class LeaveTargetClusterOut(_TargetSplitter):
    """Leave clusters of target inputs out: the use is new structures or new chemistry.

    Target inputs are scaled, clustered by k-means, and each cluster is tested
    once. Where there are several target domains, columns are scaled within each
    domain, so that a cluster is a kind of structure and not a domain.

    Parameters
    ----------
    n_clusters : int, default=5
    source_domains : list of labels, optional
        Domains that are never tested.
    featurizer : transformer, optional
        Turns X into numbers for the clustering, where X is not numbers or its
        columns are badly scaled (``SpectrumFeaturizer()``).
    random_state : int, RandomState or None, default=None

    See Also
    --------
    RepeatedLeaveTargetClusterOut : Several clusterings.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.model_selection import LeaveTargetClusterOut
    >>> X = np.array([[0.0], [0.1], [5.0], [5.1], [9.0]])
    >>> cv = LeaveTargetClusterOut(n_clusters=3, random_state=0)
    >>> sorted(list(map(int, test)) for _, test in cv.split(X))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, n_clusters=5, *, source_domains=None, featurizer=None, random_state=None):
        self.n_clusters = n_clusters
        self.source_domains = source_domains
        self.featurizer = featurizer
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None, *, sample_domain=None):
        """Return the number of clusters.

        Parameters
        ----------
        X, y, groups, sample_domain : ignored

        Returns
        -------
        int
        """
        return self.n_clusters

    def _test_folds(self, X, target, labels):
        try:
            if self.featurizer is None:
                X = take(real_table(X), target)
                X = X.toarray() if sparse.issparse(X) else X
            else:
                X = clone(self.featurizer).fit_transform(take(X, target))
            Z = check_array(X, dtype=np.float64, ensure_all_finite=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Clusters need numbers without NaN: pass featurizer=, a transformer of your inputs ({error})"
            ) from error
        if not np.isfinite(Z).all():
            row, column = np.argwhere(~np.isfinite(Z))[0]
            raise ValueError(
                f"Clusters need finite numbers: row {target[row]} has {Z[row, column]} in column {column}. "
                "Drop this row, or pass featurizer=, a transformer that ends with an imputer."
            )
        check_size(Z, "X")
        domain = None if labels is None else labels[target]
        groups = cluster_rows(Z, domain, self.n_clusters, self.random_state)
        return [target[groups == k] for k in range(self.n_clusters)]


class _Repeated(_TargetSplitter):
    def split(self, X, y=None, groups=None, *, sample_domain=None):
        """Yield training and test rows, repeat by repeat.

        Parameters
        ----------
        X, y, groups, sample_domain : as in the splitter that is repeated

        Yields
        ------
        train, test : ndarray of int
        """
        self._check_parameters()
        rng = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            once = self._once(rng.randint(np.iinfo(np.int32).max))
            yield from once.split(X, y, groups, sample_domain=sample_domain)

    def get_n_splits(self, X=None, y=None, groups=None, *, sample_domain=None):
        """Return the number of folds over all repeats.

        Parameters
        ----------
        X, y, groups, sample_domain : ignored

        Returns
        -------
        int
        """
        return self.n_repeats * self._once(0).get_n_splits()


class RepeatedTargetKFold(_Repeated):
    """Repeat :class:`TargetKFold` with other shuffles.

    Parameters
    ----------
    n_splits : int, default=5
    n_repeats : int, default=10
    source_domains : list of labels, optional
        Domains that are never tested.
    random_state : int, RandomState or None, default=None

    Examples
    --------
    >>> from skxfer.model_selection import RepeatedTargetKFold
    >>> RepeatedTargetKFold(n_splits=5, n_repeats=3).get_n_splits()
    15
    """

    def __init__(self, n_splits=5, *, n_repeats=10, source_domains=None, random_state=None):
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.source_domains = source_domains
        self.random_state = random_state

    def _once(self, seed):
        return TargetKFold(self.n_splits, source_domains=self.source_domains, random_state=seed)


class RepeatedLeaveTargetClusterOut(_Repeated):
    """Repeat :class:`LeaveTargetClusterOut` with other clusterings.

    Parameters
    ----------
    n_clusters : int, default=5
    n_repeats : int, default=10
    source_domains : list of labels, optional
        Domains that are never tested.
    featurizer : transformer, optional
        Turns X into numbers for the clustering.
    random_state : int, RandomState or None, default=None

    Examples
    --------
    >>> from skxfer.model_selection import RepeatedLeaveTargetClusterOut
    >>> RepeatedLeaveTargetClusterOut(n_clusters=4, n_repeats=2).get_n_splits()
    8
    """

    def __init__(
        self, n_clusters=5, *, n_repeats=10, source_domains=None, featurizer=None, random_state=None
    ):
        self.n_clusters = n_clusters
        self.n_repeats = n_repeats
        self.source_domains = source_domains
        self.featurizer = featurizer
        self.random_state = random_state

    def _once(self, seed):
        return LeaveTargetClusterOut(
            self.n_clusters,
            source_domains=self.source_domains,
            featurizer=self.featurizer,
            random_state=seed,
        )
