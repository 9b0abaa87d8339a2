"""What a study says: the verdict on transfer, and how many target rows make it superfluous."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ._portability import COLUMNS, check_alternatives, most_rows, transfer_model
from ._runs import Plan, Problem, check_seeds

TESTS = ["test_domain", "fold", "seed"]


def portability_summary(results):
    """Answer, for each learner and target: does transfer help?

    Parameters
    ----------
    results : DataFrame
        From :func:`portability_study`.

    Returns
    -------
    DataFrame
        One row per learner and target:

        ``target_only``, ``merge``, ``auto``
            Mean absolute error, averaged over the tests (test domain x fold x seed).
        ``best_source``, ``source_only``
            The source whose model does best as it is, and its error.
        ``gain_percent``
            By how much the error of ``auto`` is below that of ``target_only``.
        ``spread_percent``
            Standard deviation of the gain over the tests, or, where that is
            larger, its mean standard error over the rows of a test.
        ``n_tests``
            Tests that both settings finished.
        ``cv_gain_percent``
            The gain that the cross-validation inside ``auto`` saw beforehand.
        ``strategy``
            The strategies with the largest share in ``auto``, most frequent first.
        ``verdict``
            ``"helps"`` or ``"hurts"`` if the gain is larger than its spread and
            than 1 %, else ``"no clear gain"``; ``"no result"`` without any number.
        ``error``
            The first error of that learner.

    See Also
    --------
    portability_study : Where the results come from.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.model_selection import portability_study
    >>> from skxfer.model_selection._analysis import portability_summary
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> results = portability_study(
    ...     ["knn"], data.data, data.target, data.domain,
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ... )
    >>> portability_summary(results)["verdict"].item()
    'helps'
    """
    groups = results.groupby(["learner", "target"], sort=False)
    return pd.DataFrame([_verdict(*names, group) for names, group in groups])


def _verdict(learner, target, group):
    mean = group.groupby("setting", sort=False)["mae"].mean()
    direct = mean[mean.index.str.startswith("source_only: ")].dropna()
    by_test = group.pivot_table(index=TESTS, columns="setting", values="mae")
    both = by_test.reindex(columns=["target_only", "auto"]).dropna()
    transfer = group[group["setting"] == "auto"]
    gains = transfer["gain"].dropna()
    alone, transferred = both["target_only"].sum(), both["auto"].sum()
    gain = spread = np.nan
    if len(gains):
        gain = 1 - transferred / alone if alone else float(gains.mean())
        over_tests = gains.std(ddof=1) if len(gains) > 1 else 0.0
        over_rows = transfer["gain_se"].mean()
        spread = max(over_tests, 0.0 if np.isnan(over_rows) else over_rows)
        if len(gains) == 1 and np.isnan(over_rows):
            spread = np.inf
    verdict = "no clear gain"
    if np.isnan(gain):
        verdict = "no result"
    elif abs(gain) > max(spread, 0.01):
        verdict = "helps" if gain > 0 else "hurts"
    strategies = transfer["strategy"][transfer["strategy"] != ""]
    errors = group["error"][group["error"] != ""]
    return {
        "learner": learner,
        "target": target,
        "target_only": mean.get("target_only", np.nan),
        "best_source": direct.idxmin().removeprefix("source_only: ") if len(direct) else "",
        "source_only": direct.min() if len(direct) else np.nan,
        "merge": mean.get("merge", np.nan),
        "auto": mean.get("auto", np.nan),
        "gain_percent": 100 * gain,
        "spread_percent": 100 * spread,
        "n_tests": len(gains),
        "cv_gain_percent": 100 * transfer["transfer_gain"].mean(),
        "strategy": ", ".join(strategies.value_counts().index),
        "verdict": verdict,
        "error": errors.iloc[0] if len(errors) else "",
    }


def learning_curve_transfer(
    estimator,
    X,
    y,
    sample_domain,
    *,
    source_domains,
    train_sizes=(0.1, 0.2, 0.4, 0.7, 1.0),
    test_domains=None,
    cv=None,
    transfer=None,
    featurizer=None,
    seeds=(0,),
    target_names=None,
    n_jobs=None,
    verbose=0,
    fit_timeout=None,
    time_budget=None,
    path=None,
    resume=True,
    max_source_rows=None,
):
    """Follow the error as the number of target rows grows, without and with transfer.

    - ``"target_only"``: the learner trained on n target rows.
    - ``"source_only"``: the learner trained on all sources together, no target row.
    - ``"auto"``: :class:`~skxfer.transfer.HierarchicalTransfer` on both, in which all strategies compete.

    Parameters
    ----------
    estimator : regressor, str or dict of one name to regressor
        The learner, or the short name of a default one, such as ``"svr"``.
    X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    sample_domain : array-like of shape (n_samples,)
        The domain of each row.
    source_domains : list of labels
        Domains with much data. All others are target domains.
    train_sizes : list of int or float
        Numbers of target rows, or shares of those there are. Each seed
        draws other rows, and a smaller set is part of the larger ones.
    test_domains : list of labels, optional
        Target domains to be predicted: their rows are in no training set.
    cv : int or splitter, optional
        Without `test_domains`: as in :func:`portability_study`.
    transfer : estimator, optional
        As in :func:`portability_study`.
    featurizer : transformer, optional
        Put before the learner, as in :func:`portability_study`.
    seeds : int or list of int, default=(0,)
        Seeds of the runs; a number n means ``range(n)``.
    target_names : list of str, optional
        Default: the columns of y.
    n_jobs : int, optional
        Through joblib.
    verbose : int, default=0
        Above 0: a progress bar, if rich is installed.
    fit_timeout : float, optional
        Seconds for a fit and its predictions. A fit that takes longer has its process ended and is
        recorded as failed. Needs joblib's default backend; fits then run in processes even if `n_jobs`
        is 1. Infinity: no limit, but fits run in processes that Ctrl-C and SIGTERM can end. Default: no
        limit.
    time_budget : float, optional
        Seconds for all fits together. Fits that have not ended by then are recorded as failed. Default: no
        limit.
    path : str or path-like, optional
        File to which each finished fit is appended. The same call with the same file goes on after a crash
        or Ctrl-C; fits with other learners or seeds are added to it. What failed is tried again, unless it
        took longer than the same `fit_timeout`.
    resume : bool, default=True
        Whether to use the fits in `path`; if False, the file is started afresh.
    max_source_rows : int, optional
        As in :func:`portability_study`.

    Returns
    -------
    DataFrame
        The columns of :func:`portability_study` without ``learner``, and
        ``n_target``, the number of target rows that training could use.

    Raises
    ------
    ValueError
        As :func:`portability_study`, or a size that is not between 1 and the
        number of target rows for training.

    See Also
    --------
    skxfer.inspection.LearningCurveDisplay : Draws the result.

    Examples
    --------
    >>> from sklearn.svm import SVR
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.model_selection import learning_curve_transfer
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> curve = learning_curve_transfer(
    ...     SVR(C=10), data.data, data.target, data.domain, train_sizes=[10, 40],
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ... )
    >>> table = curve.pivot(index="n_target", columns="setting", values="mae")
    >>> list(table.columns)
    ['auto', 'source_only', 'target_only']
    >>> bool((table["auto"] < table["target_only"]).all())
    True
    """
    seeds = check_seeds(seeds)
    problem = Problem.check(X, y, sample_domain, source_domains, test_domains, target_names)
    estimator = estimator if isinstance(estimator, (str, dict)) else {"learner": estimator}
    learners, either = check_alternatives(estimator, featurizer, X)
    ((name, learner),) = learners.items()
    folds, use = problem.folds(cv, seeds)

    plan = Plan(problem)
    most = most_rows(max_source_rows, name)
    everything = problem.with_sources(np.array([], dtype=int), most)
    for test, rows in folds:
        order = check_random_state(test.seed).permutation(rows)
        for size in _check_sizes(train_sizes, len(rows)):
            few = np.sort(order[:size])
            here = test.with_size(size)
            model = transfer_model(transfer, learner, problem, use, test.seed, size)
            plan.add(name, "auto", model, problem.with_sources(few, most), here, random=True)
            plan.add(name, "target_only", either[name], few, here)
            plan.add(name, "source_only", learner, everything, here)
    columns = ["n_target", *COLUMNS[1:]]
    options = {"n_jobs": n_jobs, "verbose": verbose, "timeout": fit_timeout, "budget": time_budget}
    return plan.run(
        [name], ["source_only", "target_only", "auto"], columns, path=path, resume=resume, **options
    )


def _check_sizes(train_sizes, n_rows):
    sizes = []
    for size in train_sizes:
        count = size if isinstance(size, (Integral, np.integer)) else int(round(size * n_rows))
        if not 1 <= count <= n_rows:
            raise ValueError(
                f"train_sizes has {size}, but {n_rows} target rows are there for training: "
                "give whole numbers up to that, or shares in (0, 1]."
            )
        sizes.append(int(count))
    return sorted(set(sizes))
