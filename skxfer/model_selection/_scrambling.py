"""y-scrambling: whether a model beats itself trained on shuffled labels."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._split import GroupsConsumerMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from ..inputs import check_inputs, check_sample_domain, check_targets, n_rows, name_targets, take
from ..learners import check_learners, fit_learner, predict_learner
from ..metrics import masked_mean_absolute_error, masked_r2_score, masked_root_mean_squared_error
from ._jobs import Job, run_jobs
from ._split import TargetKFold, _TargetSplitter
from .results import TRUE_LABELS, scrambled_means

METRICS = {
    "mae": masked_mean_absolute_error,
    "rmse": masked_root_mean_squared_error,
    "r2": masked_r2_score,
}
GREATER_IS_BETTER = ("r2", "score")


def y_scrambling(
    estimator,
    X,
    y,
    *,
    n_permutations=10,
    cv=5,
    scoring=None,
    sample_domain=None,
    target_names=None,
    random_state=None,
    n_jobs=None,
    verbose=0,
    fit_timeout=None,
):
    """Compare a model with the same model trained on shuffled labels.

    If a model with scrambled labels predicts as well, what it learned is chance.
    In each fold the labels of the training rows are shuffled, all targets of a
    row together, and the whole estimator is fitted again: put every selection of
    features or parameters into it, as a pipeline or a search, since what is
    decided beforehand has seen the true labels [1]_. Test rows keep theirs.

    With domains, labels are shuffled within each domain, sources included, for
    else the differences between domains would be lost too and anything would
    look significant. Sources that were trained beforehand stay as they are.

    Parameters
    ----------
    estimator : regressor or str
        Any one, or the short name of a default one, such as ``"svr"``.
    X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    n_permutations : int, default=10
        The smallest p-value is 1 / (1 + n_permutations): 10 show what is going
        on, 99 or more make a claim.
    cv : int, cross-validation generator or iterable, default=5
        An int: shuffled folds; with `sample_domain` those of
        :class:`TargetKFold` with the estimator's ``source_domains``.
    scoring : str or callable ``scorer(estimator, X, y)``, optional
        Also compute this score, greater is better, of all targets together.
    sample_domain : array-like of shape (n_samples,), optional
        The domain of each row, for the shuffling, the folds and the estimator's
        ``fit`` (in pipelines and searches that of the last step), if it takes it.
    target_names : list of str, optional
        Default: the columns of y.
    random_state : int, RandomState or None, default=None
        Of shuffles and folds.
    n_jobs : int, optional
        Through joblib.
    verbose : int, default=0
        Above 0: a progress bar, if rich is installed.
    fit_timeout : float, optional
        Seconds for a fit and its predictions. A fit that takes longer has its process ended, which
        is an error. Needs joblib's default backend; fits then run in processes even if `n_jobs`
        is 1. Default: no limit.

    Returns
    -------
    DataFrame
        One row per permutation, fold and target:

        ``permutation``
            -1 for the true labels, then from 0 on.
        ``fold``, ``target``, ``n_test``
            Number of the fold, name of the target, test rows with its label.
        ``mae``, ``rmse``, ``r2``
            On the test rows, with their true labels; NaN without labels.
        ``score``
            With `scoring`: the same for all targets.

        Ctrl-C ends it with what is finished.

    Raises
    ------
    ValueError
        There is nothing to shuffle: every training domain has one row.

    See Also
    --------
    y_scrambling_summary : The p-values.
    skxfer.inspection.YScramblingDisplay : Draws the result.
    sklearn.model_selection.permutation_test_score : One score, one target, no missing labels.

    References
    ----------
    .. [1] Rücker, Rücker, Meringer, J. Chem. Inf. Model. 2007, 47, 2345,
       doi:10.1021/ci700157b.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.model_selection import y_scrambling, y_scrambling_summary
    >>> data = make_domains(n_target=40, random_state=0)
    >>> results = y_scrambling("ridge", data.data, data.target, n_permutations=19, random_state=0)
    >>> y_scrambling_summary(results)["p_value"].item()
    0.05
    """
    if not isinstance(n_permutations, Integral) or n_permutations < 1:
        raise ValueError(f"n_permutations must be a whole number above 0, got {n_permutations!r}.")
    if isinstance(estimator, str):
        (estimator,) = check_learners(estimator, None).values()
    X = check_inputs(BaseEstimator(), X, reset=True, allow_nan=True)
    Y = check_targets(y, n_rows(X))
    names = name_targets(y, Y.shape[1], target_names)
    labels = None if sample_domain is None else check_sample_domain(sample_domain, len(Y))
    if scoring is not None:
        scoring = check_scoring(estimator, scoring)
    rng = check_random_state(random_state)
    table = _Table(X, Y, labels, scoring)
    folds = _folds(cv, estimator, table, rng)
    for train, _ in folds:
        if not _is_shuffled(labels, train):
            raise ValueError(
                "Nothing can be shuffled: every training row is the only one of its domain. "
                "Leave sample_domain out, or pass coarser domains."
            )
    seeds = rng.randint(np.iinfo(np.int32).max, size=(n_permutations, len(folds)))
    jobs = [
        _Fit(
            "y-scrambling",
            f"{'true labels' if permutation < 0 else f'permutation {permutation}'}, fold {fold}",
            estimator,
            permutation,
            fold,
            train,
            test,
            None if permutation < 0 else seeds[permutation, fold],
        )
        for permutation in range(TRUE_LABELS, n_permutations)
        for fold, (train, test) in enumerate(folds)
    ]
    outcomes, interrupted = run_jobs(jobs, table, n_jobs, verbose, fit_timeout)
    rows = []
    for number in sorted(outcomes):
        if outcomes[number].error:  # its worker process died
            raise RuntimeError(f"{jobs[number].setting}: {outcomes[number].error}")
        for name, values in zip(names, outcomes[number].value, strict=True):
            rows.append(
                {"permutation": jobs[number].permutation, "fold": jobs[number].fold, "target": name} | values
            )
    columns = ["permutation", "fold", "target", "n_test", *METRICS, *(["score"] if scoring else [])]
    results = pd.DataFrame(rows, columns=columns)
    results.attrs = {"interrupted": interrupted, "n_folds": len(folds)}
    return results


def y_scrambling_summary(results, *, metric="mae"):
    """Say for each target how likely shuffled labels are to do as well.

    Parameters
    ----------
    results : DataFrame
        From :func:`y_scrambling`.
    metric : {"mae", "rmse", "r2", "score"}, default="mae"

    Returns
    -------
    DataFrame
        One row per target, values averaged over the folds:

        ``true``
            With the true labels.
        ``scrambled``, ``scrambled_std``, ``scrambled_best``
            Mean, standard deviation and best one of the permutations.
        ``z``
            By how many standard deviations the true one is better than their mean.
        ``p_value``
            (1 + number of permutations that are as good or better) / (1 + their number).
        ``n_permutations``
            That were finished.

    See Also
    --------
    y_scrambling : Where the results come from.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.model_selection import y_scrambling_summary
    >>> results = pd.DataFrame({"permutation": [-1, 0, 1, 2], "fold": 0, "target": "Eads"})
    >>> summary = y_scrambling_summary(results.assign(mae=[0.1, 0.3, 0.4, 0.5]))
    >>> summary[["true", "scrambled", "z", "p_value"]].round(2).to_numpy().tolist()
    [[0.1, 0.4, 3.0, 0.25]]
    """
    rows = []
    for target, means in scrambled_means(results, metric).items():
        true, scrambled = means.get(TRUE_LABELS, np.nan), means.drop(TRUE_LABELS, errors="ignore").to_numpy()
        n = len(scrambled)
        sign = -1.0 if metric in GREATER_IS_BETTER else 1.0
        spread = scrambled.std(ddof=1) if n > 1 else np.nan
        gap = sign * (scrambled.mean() - true) if n else np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.divide(gap, spread)
        known = n and np.isfinite(true)
        rows.append(
            {
                "target": target,
                "true": true,
                "scrambled": scrambled.mean() if n else np.nan,
                "scrambled_std": spread,
                "scrambled_best": sign * (sign * scrambled).min() if n else np.nan,
                "z": z,
                "p_value": (1 + (sign * scrambled <= sign * true).sum()) / (1 + n) if known else np.nan,
                "n_permutations": n,
            }
        )
    return pd.DataFrame(rows)


@dataclass
class _Table:
    X: object
    Y: np.ndarray  # (n_samples, n_targets)
    labels: np.ndarray | None  # (n_samples,)
    scorer: object


@dataclass
class _Fit(Job):
    """One fit, on the true labels or on shuffled ones; its outcome is a dict of errors for each target."""

    permutation: int
    fold: int
    train: np.ndarray
    test: np.ndarray
    seed: int | None

    def fit(self, table):
        labels = None if table.labels is None else table.labels[self.train]
        rows = self.train
        if self.seed is not None:
            rows = self.train[shuffle_within(labels, len(rows), np.random.RandomState(self.seed))]
        return _fit(self.model, take(table.X, self.train), table.Y[rows], labels)

    def use(self, model, table):
        X, Y = take(table.X, self.test), table.Y[self.test]
        prediction = predict_learner(model, X, n_targets=Y.shape[1])
        score = {}
        if table.scorer is not None:
            score["score"] = table.scorer(model, X, Y[:, 0] if Y.shape[1] == 1 else Y)
        return [_errors(Y[:, t], prediction[:, t]) | score for t in range(Y.shape[1])]

    def failure(self, error):
        """With one model, the first error ends the study."""
        if isinstance(error, SystemExit):
            raise RuntimeError(f"{self.setting}: the estimator called sys.exit({error})") from error
        raise error


def shuffle_within(labels, n_samples, rng):
    """Return an order of rows in which each stays within its domain.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,) or None
        None: one domain.
    n_samples : int
    rng : RandomState

    Returns
    -------
    ndarray of int, shape (n_samples,)
    """
    if labels is None:
        return rng.permutation(n_samples)
    order = np.arange(n_samples)
    for name in np.unique(labels):
        rows = np.flatnonzero(labels == name)
        order[rows] = rng.permutation(rows)
    return order


def _is_shuffled(labels, train):
    if labels is None:
        return len(train) > 1
    return np.unique(labels[train], return_counts=True)[1].max() > 1


def _errors(truth, prediction):
    known = ~np.isnan(truth)
    values = {name: np.nan for name in METRICS}
    if known.any():
        values = {name: metric(truth[known], prediction[known]) for name, metric in METRICS.items()}
    return {"n_test": int(known.sum())} | values


def _folds(cv, estimator, table, rng):
    if isinstance(cv, Integral):
        seed = rng.randint(np.iinfo(np.int32).max)
        if table.labels is None:
            cv = KFold(cv, shuffle=True, random_state=seed)
        else:
            cv = TargetKFold(cv, source_domains=_source_domains(estimator), random_state=seed)
    if not hasattr(cv, "split"):
        folds = cv
    elif table.labels is None or isinstance(cv, KFold):  # KFold warns that it ignores groups
        folds = cv.split(table.X, table.Y)
    else:
        folds = cv.split(table.X, table.Y, groups=table.labels)
    return [(np.asarray(train), np.asarray(test)) for train, test in folds]


def _source_domains(estimator):
    """Return what an estimator, or a part of it, calls its sources."""
    for name, value in estimator.get_params().items():
        if name.rpartition("__")[2] == "source_domains" and value is not None:
            return [value] if isinstance(value, str) else list(value)
    return None


def _fit(estimator, X, Y, labels):
    """Fit a clone, with the domains if it takes them."""
    domains = _domain_arguments(estimator, labels)
    if domains is None:
        return fit_learner(estimator, X, Y)
    # Who knows domains knows missing labels and several targets too.
    y = Y[:, 0] if Y.shape[1] == 1 else Y
    return clone(estimator).fit(X, y, **({} if labels is None else domains))


def _domain_arguments(estimator, labels):
    """Arguments of ``fit`` that carry the domains to where they are understood; None: nowhere."""
    if has_fit_parameter(estimator, "sample_domain"):
        return {"sample_domain": labels}
    routing = get_config()["enable_metadata_routing"]
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = _domain_arguments(last, labels)
        if inner is None or routing:
            return inner
        return {f"{name}__{key}": value for key, value in inner.items()}
    if isinstance(estimator, BaseSearchCV):
        inner = _domain_arguments(estimator.estimator, labels)
        by_domain = isinstance(estimator.cv, (_TargetSplitter, GroupsConsumerMixin))
        return inner | {"groups": labels} if inner and by_domain and not routing else inner
    return None
