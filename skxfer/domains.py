"""Which rows belong to sources and which to the target, and which source rows matter."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .inputs import check_names, check_sample_domain, n_rows, take, weighted_rows

MIN_BOX_LABELS = 5
# Domains that an error lists.
MAX_SHOWN = 20


class ScoresTarget:
    """Mixin for regressors fitted on several domains that predict one: `score` counts its rows alone.

    Folds over all rows hold out source rows too, and how well these are predicted says nothing of the target.
    """

    __metadata_request__score = {"sample_domain": True}

    def score(self, X, y, sample_domain=None, sample_weight=None):
        """Return the coefficient of determination on the target rows.

        Parameters
        ----------
        X : like X in `fit`
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row, needed if the fit had rows of other domains.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            No domains after a fit that had several, or no target row.
        """
        check_is_fitted(self)
        others = self._other_domains()
        if not others:
            return super().score(X, y, sample_weight)
        remedy = (
            "In cross_val_score or GridSearchCV use the splitter skxfer.model_selection.TargetKFold("
            f"source_domains={others}) or one of its kind, which holds out target rows alone, and set "
            "scoring (such as 'r2')"
        )
        if sample_domain is None:
            raise ValueError(
                f"score needs sample_domain=, the domain of each row: rows of {others} took part in the fit, "
                f"and only target rows count. {remedy}; or turn on metadata routing, which hands it on."
            )
        rows = np.flatnonzero(~np.isin(check_sample_domain(sample_domain, n_rows(X)), others))
        if not rows.size:
            raise ValueError(f"There is no target row to score: all rows belong to {others}. {remedy}.")
        weight = None if sample_weight is None else np.asarray(sample_weight)[rows]
        return super().score(take(X, rows), take(y, rows), weight)

    def _other_domains(self):
        """Labels of the domains that are not predicted."""
        sources = self.source_domains
        return [sources] if isinstance(sources, str) else [] if sources is None else list(sources)


def shown_list(names):
    """Return a list as text, cut off after 20 entries."""
    return f"{names}" if len(names) <= MAX_SHOWN else f"{names[:MAX_SHOWN]} and more"


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
    names = np.asarray(source_domains, dtype=object).tolist()
    names = [name.item() if isinstance(name, np.generic) else name for name in names]
    if len(set(names)) < len(names):
        raise ValueError(f"source_domains names a domain twice: {names}.")
    present = np.unique(sample_domain).tolist()
    unknown = [name for name in names if name not in present]
    if unknown:
        raise ValueError(
            f"No row has the source domain {unknown[0]!r}; the domains present are {shown_list(present)}. "
            "Correct source_domains or the labels of the rows."
        )
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
        if source_domains is not None and len(source_domains):
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
