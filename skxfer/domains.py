"""Source and target rows: who is who, which source rows matter, which folds look like the use.

Shared by the meta-estimators, the models and the splitters.
"""

import warnings
from numbers import Integral

import numpy as np
from scipy.optimize import nnls
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, check_cv
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .featurizers import ClippedScaler
from .inputs import check_names, check_sample_domain, weighted_rows

# Clusters and distances to neighbours are found on a sample of larger targets.
MAX_CLUSTERED_ROWS = 10_000
MAX_COMPARED_ROWS = 2_000
MIN_BOX_LABELS = 5

SPLITS_OF_USE = ("similar", "new_domains", "new_inputs")


def split_domains(sample_domain, source_domains):
    """Separate the rows of the sources from those of the target.

    Parameters
    ----------
    sample_domain : ndarray of shape (n_samples,)
    source_domains : list of labels or None
        None: every row belongs to the target.

    Returns
    -------
    sources : dict of label to ndarray of int
        Rows of each source, in the order of `source_domains`.
    target : ndarray of int
        The other rows.

    Raises
    ------
    ValueError
        A source that no row belongs to, one named twice, or no target row.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.domains import split_domains
    >>> sources, target = split_domains(np.array(["gas", "water", "gas"]), ["gas"])
    >>> sources["gas"], target
    (array([0, 2]), array([1]))
    """
    if source_domains is None:
        return {}, np.arange(len(sample_domain))
    if isinstance(source_domains, str):
        source_domains = [source_domains]
    names = list(source_domains)
    if len(set(names)) < len(names):
        raise ValueError(f"source_domains names a domain twice: {names}.")
    present = np.unique(sample_domain).tolist()
    unknown = [name for name in names if name not in present]
    if unknown:
        raise ValueError(f"No row has the source domain {unknown[0]!r}; the domains present are {present}.")
    sources = {name: np.flatnonzero(sample_domain == name) for name in names}
    target = np.flatnonzero(~np.isin(sample_domain, names))
    if not target.size:
        raise ValueError(
            f"There is no target row: every row belongs to one of the source domains {names}. "
            "Leave the domain that you want to predict out of source_domains."
        )
    return sources, target


def find_rows(sample_domain, source_domains, sources, sample_weight, n_samples):
    """Find the rows of each source and of the target, without those that have no weight.

    Parameters
    ----------
    sample_domain : array-like of shape (n_samples,) or None
    source_domains : list of labels or None
    sources : list or None
        Experts that are trained already.
    sample_weight : ndarray of shape (n_samples,) or None
    n_samples : int

    Returns
    -------
    sources : dict of label to ndarray of int
    target : ndarray of int

    Raises
    ------
    ValueError
        Sources without domains or the other way round, or as :func:`split_domains`.
    """
    if sample_domain is None:
        if source_domains is not None:
            raise ValueError(
                f"source_domains={source_domains!r} needs the domain of each row: pass sample_domain= to fit."
            )
        return {}, weighted_rows(np.arange(n_samples), sample_weight, "X")
    sample_domain = check_sample_domain(sample_domain, n_samples)
    if source_domains is None and sources is None:
        raise ValueError(
            "sample_domain was passed but no source is named: set source_domains to some of "
            f"{[str(name) for name in np.unique(sample_domain)]}, or leave sample_domain out."
        )
    rows, target = split_domains(sample_domain, source_domains)
    rows = {name: weighted_rows(of, sample_weight, f"source {name!r}") for name, of in rows.items()}
    return rows, weighted_rows(target, sample_weight, "the target")


def check_source_is_fitted(name, source):
    """Check a source that is trained already.

    Parameters
    ----------
    name : str
    source : estimator

    Raises
    ------
    NotFittedError
        Naming the source and the remedy.
    """
    try:
        check_is_fitted(source)
    except Exception as error:
        raise type(error)(
            f"Source {name!r} is not fitted. Fit it, then pass ({name!r}, FrozenEstimator(model)): "
            "without sklearn.frozen.FrozenEstimator, clone() (as in GridSearchCV) forgets the fit."
        ) from error


def check_source_names(trained, source_rows, target_domain):
    """Check that every source has a name of its own, and that no target row has the name of a trained one.

    Parameters
    ----------
    trained : list of str
        Names of the sources that are trained already.
    source_rows : dict of label to ndarray of int
        Those to be trained.
    target_domain : ndarray of shape (n_target,) or None

    Raises
    ------
    ValueError
    """
    check_names([*trained, *map(str, source_rows)], "sources")
    for name in trained:
        if target_domain is not None and name in target_domain:
            raise ValueError(
                f"Source {name!r} is trained already, and rows of this domain would count as target "
                "rows: leave them out, or train on them too, by source_domains and another name here."
            )


def relevant_rows(Y_source, Y_target, margin):
    """Find the source rows whose labels lie near those of the target.

    Merged training treats a source label as if it were a target label; that
    goes wrong first where the source reaches values the target never has.

    Parameters
    ----------
    Y_source : ndarray of shape (n_source, n_targets)
    Y_target : ndarray of shape (n_target, n_targets)
        NaN (missing) never excludes a row, nor does a target with fewer than
        five target labels or with equal ones.
    margin : float
        The box of target labels is widened by this share of its range on each side.

    Returns
    -------
    ndarray of bool, shape (n_source,)
    """
    known = ~np.isnan(Y_target).all(axis=0)
    Y_source, Y_target = Y_source[:, known], Y_target[:, known]
    low, high = np.nanmin(Y_target, axis=0), np.nanmax(Y_target, axis=0)
    width = margin * (high - low)
    outside = (Y_source < low - width) | (Y_source > high + width)
    # A box of few or equal labels says nothing about which values matter.
    outside[:, ((~np.isnan(Y_target)).sum(axis=0) < MIN_BOX_LABELS) | (high == low)] = False
    return ~outside.any(axis=1)


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


def folds_like_the_use(Z, domain, use, n_splits, random_state):
    """Folds over target rows in which held-out rows are as new as those to be predicted.

    Parameters
    ----------
    Z : ndarray of shape (n_target, n_features)
        Numeric inputs of the target rows.
    domain : ndarray of shape (n_target,) or None
    use : {"similar", "new_domains", "new_inputs"}
        What will be predicted: rows like those at hand, rows of new domains,
        or new inputs. The last gives two sets of folds, of coarse and of fine
        clusters, since how new is unknown.
    n_splits : int
    random_state : int, RandomState or None

    Returns
    -------
    list of ndarray of int, each of shape (n_target,)
        The fold that holds each row out, for each set of folds.

    Raises
    ------
    ValueError
        Too few target rows, or for ``"new_domains"`` fewer than two target domains.
    """
    rng = check_random_state(random_state)
    n = len(Z)
    if n < n_splits:
        raise ValueError(
            f"cv={n_splits} folds need at least as many target rows, there are n_samples={n}. Lower cv, "
            "or do without cross-validation (HierarchicalTransfer: guard=False with strategy='frozen' or "
            "'merge'; HMNNRegressor: cv=None)."
        )
    seed = rng.randint(np.iinfo(np.int32).max)
    if use == "similar":
        return [_fold_numbers(KFold(n_splits, shuffle=True, random_state=seed).split(Z), n)]
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
    fine = cluster_rows(Z, domain, n_fine, seed, at_least=n_splits)
    return [coarse, _fold_numbers(GroupKFold(n_splits).split(Z, groups=fine), n)]


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


def target_folds(X, Y, domain, cv, predict_on, numbers, X_deploy, random_state):
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
    numbers : callable
        Turns inputs into an array of numbers.
    X_deploy : inputs to be predicted, or None
    random_state : int, RandomState or None

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
    if not isinstance(cv, Integral):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            return None, [list(check_cv(cv).split(X, Y, domain))]
    Z = numbers(X)
    if predict_on == "auto" and X_deploy is None:
        predict_on = "new_inputs"
    elif predict_on == "auto":
        # Few folds leave so much out that any rows look new: how new is judged by five.
        n_splits = max(cv, min(5, len(Z)))
        predict_on = use_from_deployment(Z, numbers(X_deploy), domain, n_splits, random_state)
    if predict_on == "new_inputs" and not Z.shape[1]:
        raise ValueError(
            "Folds of new inputs need numbers, and X holds none: use a Pipeline that turns X into "
            "numbers before the learner, or predict_on='similar'."
        )
    sets = folds_like_the_use(Z, domain, predict_on, cv, random_state)
    return predict_on, [
        [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)] for fold in sets
    ]


def _several(domain):
    return domain is not None and len(np.unique(domain)) > 1


def convex_weights(P, y):
    """Weights ≥ 0 with sum 1 that blend predictions with the least squared error.

    Parameters
    ----------
    P : ndarray of shape (n_samples, n_models)
        Out-of-fold predictions.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    ndarray of shape (n_models,)
    """
    residual = P - y[:, None]
    scale = np.abs(residual).max() or 1.0
    # The weights sum to one, so the blend's error is residual @ w; a heavy row enforces the sum.
    heavy = 1e3 * np.sqrt(len(y))
    A = np.vstack([residual / scale, np.full((1, P.shape[1]), heavy)])
    weights, _ = nnls(A, np.append(np.zeros(len(y)), heavy))
    return weights / weights.sum()


def gain_and_error(error_alone, error_transfer, folds):
    """Mean gain over rows, and its standard error where the rows of a fold err together.

    Parameters
    ----------
    error_alone, error_transfer : ndarray of shape (n_rows,)
        Absolute out-of-fold errors.
    folds : ndarray of int, shape (n_rows,)

    Returns
    -------
    gain, standard_error : float
        In the unit of the errors. The error is infinite with one fold only.
    """
    gain = error_alone - error_transfer
    _, folds = np.unique(folds, return_inverse=True)
    n_folds = folds.max() + 1
    if n_folds < 2:
        return gain.mean(), np.inf
    deviation = np.bincount(folds, weights=gain - gain.mean())
    return gain.mean(), np.sqrt(n_folds / (n_folds - 1) * (deviation**2).sum()) / len(gain)


def preferred(sets, order):
    """Weight 1 for the first model, in an order of preference, that no other one clearly beats.

    The one-standard-error rule: clear is a gain above its standard error.

    Parameters
    ----------
    sets : list of (P, y, fold)
        Out-of-fold predictions of shape (n_rows, n_models), labels and folds of shape (n_rows,).
    order : list of int
        Models, the one to keep in doubt first.

    Returns
    -------
    ndarray of shape (n_models,)
    """
    n_models = sets[0][0].shape[1]
    errors = [(np.abs(P - y[:, None]), fold) for P, y, fold in sets]
    for model in order:
        beaten = False
        for other in range(n_models):
            gains = [gain_and_error(error[:, model], error[:, other], fold) for error, fold in errors]
            gain, error = np.mean(gains, axis=0)
            beaten |= gain > error
        if not beaten:
            break
    return np.eye(n_models)[model]
