"""The portability study: does data from other domains help, for which learner and which target?"""

from itertools import product

import numpy as np
from sklearn.base import clone

from ..learners import check_learners
from ..transfer import HierarchicalTransfer
from ._alternatives import AS_GIVEN, FEATURIZED, is_numeric_table
from ._runs import Plan, Problem, check_seeds

SETTINGS = ("source_only", "target_only", "merge", "auto")
EACH_SOURCE = "each_source"
COLUMNS = (
    *("learner", "setting", "target", "test_domain", "fold", "seed", "n_train", "n_test"),
    *("mae", "rmse", "r2", "gain", "gain_se", "fit_seconds", "strategy", "transfer_gain", "inputs", "error"),
)


def portability_study(
    estimators,
    X,
    y,
    sample_domain,
    *,
    source_domains,
    test_domains=None,
    cv=None,
    transfer=None,
    featurizer=None,
    seeds=(0,),
    settings=SETTINGS,
    target_names=None,
    n_jobs=None,
    verbose=0,
    fit_timeout=None,
    time_budget=None,
    path=None,
    resume=True,
    max_source_rows=None,
    return_predictions=False,
):
    """Compare what each learner makes of source and target data, on test rows that no fit sees.

    For each learner, up to four settings:

    - ``"source_only: NAME"``: trained on one source, applied to the test rows as it is.
    - ``"target_only"``: trained on the target rows, no transfer. What transfer must beat.
    - ``"merge"``: trained on all sources and the target rows together.
    - ``"auto"``: :class:`~skxfer.transfer.HierarchicalTransfer` over the learner, in which all strategies
      compete on the target rows.

    Parameters
    ----------
    estimators : dict of str to regressor, or list of str
        Learners, or the short names of :func:`default_learners`:
        ``["rf", "svr", "xgb", "knn", "mlp"]``.
    X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    sample_domain : array-like of shape (n_samples,)
        The domain of each row.
    source_domains : list of labels
        Domains with much data. All others are target domains.
    test_domains : list of labels, optional
        Target domains to be predicted: their rows are in no training set.
    cv : int or splitter, optional
        Without `test_domains`: folds over the target rows. Default:
        :class:`LeaveOneTargetDomainOut` where there are several target domains,
        else :class:`TargetKFold` with five folds and the seed of the run.
    transfer : estimator, optional
        A meta-estimator with the parameters `estimator`, `source_domains` and
        `random_state`, which are set here, as is ``predict_on="auto"``, to what
        `cv` stands for. Default: HierarchicalTransfer().
    featurizer : transformer, optional
        Put before each learner (``SpectrumFeaturizer()``), fitted with it. If X is a table of numbers,
        ``"target_only"`` and ``"merge"`` get for each target the better of the columns as given and
        featurized, by cross-validation over the target rows they are trained on, so that what transfer has
        to beat is not handicapped; the column ``inputs`` says which. All runs have the same inputs,
        those with the least error over all of them, unless the featurized columns, which ``"auto"`` has, are
        better on the test rows.
    seeds : int or list of int, default=(0,)
        Seeds of the runs; a number n means ``range(n)``.
    settings : list of {"source_only", "target_only", "merge", "auto", "each_source"}
        ``"each_source"`` is ``"auto"`` with one source at a time, as ``"auto: NAME"``.
    target_names : list of str, optional
        Default: the columns of y.
    n_jobs : int, optional
        Through joblib; ``joblib.parallel_config("dask")`` spreads over a cluster.
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
    max_source_rows : int or dict of str to int, optional
        Train on so many rows of all sources together, drawn at random; small sources are kept whole. A dict
        names learners. For learners whose fits take too long. Default: all.
    return_predictions : bool, default=False
        Whether to return the predictions too.

    Returns
    -------
    results : DataFrame
        One row per learner, setting, target, test domain, fold and seed:

        ``n_train``, ``n_test``
            Rows with a label of this target.
        ``mae``, ``rmse``, ``r2``
            On the test rows; errors in the unit of y.
        ``gain``, ``gain_se``
            By what share the MAE is below that of ``target_only`` with the same
            learner, test rows and seed; standard error over the test rows.
        ``fit_seconds``
            Wall time of the fit, for all targets together.
        ``strategy``, ``transfer_gain``
            The strategy with the largest share in ``auto`` for this target, and the gain that its own
            cross-validation saw.
        ``inputs``
            ``"as given"`` or ``"featurized"`` where both were tried.
        ``error``
            Why there is no number; empty if all went well.

        ``attrs["interrupted"]`` is True if Ctrl-C ended the study: the rows
        are those that were finished.
    predictions : DataFrame
        If `return_predictions`: ``y``, ``prediction`` and ``std`` of each labelled test ``row``.

    Raises
    ------
    ValueError
        An unknown setting, learner or domain, a test domain that is a source,
        no target row left for training, a cv that tests source rows, a `path` with fits of other data.

    See Also
    --------
    learning_curve_transfer : How many target rows make transfer superfluous?
    skxfer.inspection.PortabilityDisplay : Draws the result.

    Notes
    -----
    A fit serves all test rows it can: that on a source is done once for all
    folds, and once for all seeds if the learner is deterministic. A learner that
    raises is recorded in the column ``error`` and the rest goes on.

    References
    ----------
    .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921, Fig. 7.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.model_selection import portability_study
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> results = portability_study(
    ...     ["knn"], data.data, data.target, data.domain,
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ... )
    >>> mae = results.set_index("setting")["mae"]
    >>> bool(mae["auto"] < mae["target_only"])
    True
    """
    if isinstance(settings, str):
        settings = [settings]
    unknown = [name for name in settings if name not in (*SETTINGS, EACH_SOURCE)]
    if unknown:
        raise ValueError(
            f"There is no setting {unknown[0]!r}; choose from {', '.join((*SETTINGS, EACH_SOURCE))}."
        )
    seeds = check_seeds(seeds)
    problem = Problem.check(X, y, sample_domain, source_domains, test_domains, target_names)
    learners, either = check_alternatives(estimators, featurizer, problem.X)
    folds, use = problem.folds(cv, seeds)
    plan = Plan(problem)

    def transferred(name, test, rows, sources, setting="auto"):
        learner = learners[name]
        model = transfer_model(transfer, learner, problem, use, test.seed, len(rows), list(sources))
        train = np.sort(np.concatenate([*sources.values(), rows]))
        plan.add(name, setting, model, train, test, random=True)

    # First what all is compared with, and is quick; then the longest, so that no worker ends alone on one.
    for setting in ("target_only", "auto", EACH_SOURCE, "merge", "source_only"):
        for name, (test, rows) in product(learners, folds) if setting in settings else ():
            sources = problem.source_rows(most_rows(max_source_rows, name))
            if setting == "target_only":
                plan.add(name, setting, either[name], rows, test)
            elif setting == "auto":
                transferred(name, test, rows, sources)
            elif setting == "merge":
                train = np.sort(np.concatenate([*sources.values(), rows]))
                plan.add(name, setting, either[name], train, test)
            for source, source_rows in sources.items():
                if setting == EACH_SOURCE:
                    transferred(name, test, rows, {source: source_rows}, f"auto: {source}")
                elif setting == "source_only":
                    plan.add(name, f"source_only: {source}", learners[name], source_rows, test)
    order = [*(f"source_only: {source}" for source in problem.sources), "target_only", "merge", "auto"]
    order += [f"auto: {source}" for source in problem.sources]
    options = {"n_jobs": n_jobs, "verbose": verbose, "timeout": fit_timeout, "budget": time_budget}
    options |= {"path": path, "resume": resume, "return_predictions": return_predictions}
    return plan.run(list(learners), order, list(COLUMNS), **options)


def check_alternatives(estimators, featurizer, X):
    """Return the learners by name, and for each those that `target_only` and `merge` may choose from."""
    learners = check_learners(estimators, featurizer)
    either = {name: {FEATURIZED: learner} for name, learner in learners.items()}
    if featurizer is not None and is_numeric_table(X):
        raw = check_learners(estimators, None)
        either = {name: {AS_GIVEN: raw[name]} | featurized for name, featurized in either.items()}
    return learners, either


def most_rows(max_source_rows, learner):
    """Return how many source rows a learner is trained on, None for all."""
    return max_source_rows.get(learner) if isinstance(max_source_rows, dict) else max_source_rows


def transfer_model(template, learner, problem, use, seed, n_target, sources=None):
    """Return the unfitted meta-estimator for one learner and seed, with all sources by default."""
    if template is None:
        template = HierarchicalTransfer(cv=max(2, min(5, n_target)))
    given = {"estimator": learner, "source_domains": sources or list(problem.sources), "random_state": seed}
    known = template.get_params(deep=False)
    if known.get("predict_on") == "auto":
        given["predict_on"] = use
    return clone(template).set_params(**{name: value for name, value in given.items() if name in known})
