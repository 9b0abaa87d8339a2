"""The portability study: does data from other domains help, for which learner and which target?"""

from sklearn.base import clone

from ..learners import check_learners
from ..transfer import HierarchicalTransfer
from ._runs import Plan, Problem, check_seeds

SETTINGS = ("source_only", "target_only", "merge", "auto")
COLUMNS = (
    *("learner", "setting", "target", "test_domain", "fold", "seed", "n_train", "n_test"),
    *("mae", "rmse", "r2", "gain", "gain_se", "fit_seconds", "strategy", "transfer_gain", "error"),
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
        Put before each learner (``SpectrumFeaturizer()``), fitted with it.
    seeds : int or list of int, default=(0,)
        Seeds of the runs; a number n means ``range(n)``.
    settings : list of {"source_only", "target_only", "merge", "auto"}
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

    Returns
    -------
    DataFrame
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
        ``error``
            Why there is no number; empty if all went well.

        ``attrs["interrupted"]`` is True if Ctrl-C ended the study: the rows
        are those that were finished.

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
    unknown = [name for name in settings if name not in SETTINGS]
    if unknown:
        raise ValueError(f"There is no setting {unknown[0]!r}; choose from {', '.join(SETTINGS)}.")
    seeds = check_seeds(seeds)
    problem = Problem.check(X, y, sample_domain, source_domains, test_domains, target_names)
    learners = check_learners(estimators, featurizer)
    folds, use = problem.folds(cv, seeds)

    plan = Plan(problem)
    # First what all is compared with, and is quick; then the longest, so that no worker ends alone on one.
    for setting in ("target_only", "auto", "merge", "source_only"):
        for name, learner in learners.items() if setting in settings else ():
            for test, rows in folds:
                if setting == "auto":
                    model = transfer_model(transfer, learner, problem, use, test.seed, len(rows))
                    plan.add(name, "auto", model, problem.with_sources(rows), test, random=True)
                elif setting == "source_only":
                    for source, source_rows in problem.sources.items():
                        plan.add(name, f"source_only: {source}", learner, source_rows, test)
                else:
                    train = rows if setting == "target_only" else problem.with_sources(rows)
                    plan.add(name, setting, learner, train, test)
    order = [*(f"source_only: {source}" for source in problem.sources), "target_only", "merge", "auto"]
    options = {"n_jobs": n_jobs, "verbose": verbose, "timeout": fit_timeout, "budget": time_budget}
    return plan.run(list(learners), order, list(COLUMNS), path=path, resume=resume, **options)


def transfer_model(template, learner, problem, use, seed, n_target):
    """Return the unfitted meta-estimator for one learner and seed."""
    if template is None:
        template = HierarchicalTransfer(cv=max(2, min(5, n_target)))
    given = {"estimator": learner, "source_domains": list(problem.sources), "random_state": seed}
    known = template.get_params(deep=False)
    if known.get("predict_on") == "auto":
        given["predict_on"] = use
    return clone(template).set_params(**{name: value for name, value in given.items() if name in known})
