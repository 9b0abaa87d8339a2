"""active_curve: what choosing rows to label would have gained, on labelled data."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..acquisition import check_goal
from ..domains import split_domains
from ..inputs import check_sample_domain, check_targets, n_rows, name_targets
from ..learners import check_regressor, default_learner
from ..transfer import ActiveTransfer
from ._active_loops import Data, Draw, Loop
from ._jobs import run_jobs
from ._runs import check_seeds

ARM = "active"
BASELINES = ("random", "target_only", "random, target_only")
COLUMNS = (
    *("arm", "seed", "round", "n_labelled", "best", "gap", "rank", "found", "mae", "noise", "max_score"),
    *("stop", "fit_seconds", "error"),
)


def active_curve(
    estimator,
    X,
    y,
    sample_domain=None,
    *,
    goal="maximize",
    target=None,
    n_start=10,
    n_per_round=5,
    n_rounds=10,
    baselines=("random", "target_only"),
    top=0.05,
    test_size=0.2,
    committee="auto",
    diversity=0.5,
    seeds=10,
    n_jobs=None,
    verbose=0,
    fit_timeout=None,
):
    """Repeat the loop of :class:`~skxfer.transfer.ActiveTransfer` on labelled rows, and compare.

    The labels of all but `n_start` random target rows are hidden. In each round the loop chooses
    `n_per_round` rows, sees their labels and fits again. Baselines start from the same rows:

    - ``"active"``: the loop;
    - ``"random"``: the same learner with the same sources, rows chosen at random;
    - ``"target_only"``: the same loop without transfer, on the target rows alone;
    - ``"random, target_only"``: neither.

    Parameters
    ----------
    estimator : regressor
        The learner of the loop, such as a :class:`~skxfer.transfer.HierarchicalTransfer` with
        `source_domains`.
    X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target rows without the label that counts (NaN) are left out.
    sample_domain : array-like of shape (n_samples,), optional
        The domain of each row.
    goal : {"explore", "maximize", "minimize"} or float, default="maximize"
    target : int or str, optional
        Which of several targets the goal is about.
    n_start, n_per_round, n_rounds : int, default=10, 5, 10
        Labelled target rows at first, rows chosen in each round, and number of rounds. The loop ends
        early when no row is left.
    baselines : list of {"random", "target_only", "random, target_only"}
        What the loop is compared with.
    top : float, default=0.05
        Which share of the target rows counts as the best ones, for ``found``.
    test_size : float, default=0.2
        Share of the target rows that is held out to measure ``mae``: no loop can choose them. 0: none,
        and no ``mae``.
    committee, diversity
        As in :class:`~skxfer.transfer.ActiveTransfer`.
    seeds : int or list of int, default=10
        Each draws other test and start rows; a number n means ``range(n)``.
    n_jobs : int, optional
        Through joblib. A job is a whole loop.
    verbose : int, default=0
        Above 0: a progress bar, if rich is installed.
    fit_timeout : float, optional
        Seconds for a whole loop. One that takes longer has its process ended and is recorded as failed.

    Returns
    -------
    DataFrame
        One row per arm, seed and round, the first before anything was chosen:

        ``n_labelled``
            Labelled target rows.
        ``best``, ``gap``
            The best of these labels, and how far it is from that of the best row there is, in the unit of y.
        ``rank``
            Share of the rows that are better than the best labelled one: 0 when the best is found.
        ``found``
            Which share of the `top` rows is labelled.
        ``mae``
            Of the model on the test rows.
        ``noise``, ``max_score``, ``stop``
            What the stopping rule saw, and whether it advised to stop; missing for random choice.
        ``fit_seconds``
            Wall time of the round.
        ``error``
            Why the loop failed; empty if all went well.

        With ``goal="explore"`` there is no best: ``best``, ``gap``, ``rank`` and ``found`` are missing.
        ``attrs`` holds ``goal``, ``target``, ``top``, ``n_pool`` (rows that could be chosen), ``n_start``,
        ``n_per_round``, ``source_domains`` and ``interrupted``.

    Raises
    ------
    ValueError
        An unknown baseline or goal, too few target rows, ``"target_only"`` for a learner without sources.

    See Also
    --------
    active_curve_summary : Labels until the best rows, and comparison with random choice.
    skxfer.inspection.ActiveCurveDisplay : Draws the result.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skxfer import HierarchicalTransfer
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.model_selection import active_curve, active_curve_summary
    >>> data = make_domains(relation="related", n_source=80, n_target=60, random_state=0)
    >>> rows = data.domain != "test"
    >>> model = HierarchicalTransfer(
    ...     Ridge(), source_domains=data.source_domains, strategy="merge", guard=False
    ... )
    >>> curve = active_curve(
    ...     model, data.data[rows], data.target[rows], data.domain[rows], n_start=5, n_rounds=3, seeds=4
    ... )
    >>> active_curve_summary(curve)["arm"].tolist()
    ['active', 'random', 'target_only']
    """
    data = _check_data(X, y, sample_domain, estimator, target)
    seeds = check_seeds(seeds)
    _check_sizes(data, n_start, n_per_round, n_rounds, top, test_size)
    baselines = [baselines] if isinstance(baselines, str) else list(baselines)
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise ValueError(
            f"There is no baseline {unknown[0]!r}; choose from {', '.join(map(repr, BASELINES))}."
        )
    settings = {"goal": goal, "n_per_round": n_per_round, "committee": committee, "diversity": diversity}
    check_goal(goal)
    ActiveTransfer(**settings)._validate_params()
    settings["target"] = None if data.Y.shape[1] == 1 else data.column
    jobs = []
    for seed in seeds:
        draw = Draw.of(data, seed, n_start, test_size)
        for arm in (ARM, *baselines):
            alone = arm.endswith("target_only")
            learner = without_sources(estimator) if alone else estimator
            loop = ActiveTransfer(clone(learner), random_state=seed, **settings)
            jobs.append(
                Loop(arm, str(goal), loop, seed, draw, n_rounds, top, arm.startswith("random"), alone)
            )
    outcomes, interrupted = run_jobs(jobs, data, n_jobs, verbose, fit_timeout)
    rows = [row for i in sorted(outcomes) for row in _rows(jobs[i], outcomes[i])]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = {arm: i for i, arm in enumerate((ARM, *baselines))}
    table = table.sort_values(
        ["arm", "seed", "round"], key=lambda column: column.map(order) if column.name == "arm" else column
    ).reset_index(drop=True)
    table.attrs = {
        "goal": goal,
        "target": data.name,
        "top": top,
        "n_pool": len(jobs[0].draw.pool),
        "n_start": n_start,
        "n_per_round": n_per_round,
        "source_domains": [str(name) for name in data.sources],
        "interrupted": interrupted,
    }
    return table


def _check_data(X, y, sample_domain, estimator, target):
    check_regressor(estimator, "estimator")
    Y = check_targets(y, n_rows(X))
    names = name_targets(y, Y.shape[1], None)
    if target is None and len(names) > 1:
        raise ValueError(f"y has the targets {names}: say with target= which one the goal is about.")
    if isinstance(target, str) and target not in names:
        raise ValueError(f"There is no target {target!r}: the targets are {names}.")
    column = names.index(target) if isinstance(target, str) else target or 0
    labels = None if sample_domain is None else check_sample_domain(sample_domain, len(Y))
    sources = getattr(estimator, "source_domains", None)
    sources = [sources] if isinstance(sources, str) else list(sources or [])
    rows = np.arange(len(Y))
    if sources and labels is None:
        raise ValueError(f"The estimator has source_domains {sources}: pass sample_domain for each row.")
    if labels is not None:
        rows = split_domains(labels, sources or None)[1]
    return Data(X, Y, labels, sources, rows[~np.isnan(Y[rows, column])], column, names[column])


def _check_sizes(data, n_start, n_per_round, n_rounds, top, test_size):
    for name, value in {"n_start": n_start, "n_per_round": n_per_round, "n_rounds": n_rounds}.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number above 0, got {value!r}.")
    for name, value in {"top": top, "test_size": test_size}.items():
        if not isinstance(value, Real) or not 0 <= value < 1 or (name == "top" and not value):
            raise ValueError(f"{name} must be a share below 1, got {value!r}.")
    n_pool = len(data.target) - round(test_size * len(data.target))
    if n_start >= n_pool:
        raise ValueError(
            f"n_start is {n_start}, but without the test rows there are {n_pool} labelled target rows: "
            "nothing would be left to choose from."
        )


def without_sources(estimator):
    """Return the unfitted learner of a transfer estimator for target rows alone.

    Parameters
    ----------
    estimator : HierarchicalTransfer, TransferCV or another one with a learner in the parameter `estimator`

    Returns
    -------
    estimator
    """
    params = estimator.get_params(deep=False)
    if "strategy" in params and ("source_domains" in params or "sources" in params):
        alone = {"strategy": "target_only", "guard": False, "source_domains": None, "sources": None}
        return clone(estimator).set_params(**{name: value for name, value in alone.items() if name in params})
    if "estimator" in params:
        return default_learner() if params["estimator"] is None else clone(params["estimator"])
    raise ValueError(
        f"{type(estimator).__name__} has no sources, so there is no baseline 'target_only': leave it out, "
        "baselines=['random'], or pass a HierarchicalTransfer."
    )


def _rows(job, outcome):
    """Rows of the table for one loop; of one that failed, a single one."""
    common = {"arm": job.learner, "seed": job.seed, "error": outcome.error}
    if outcome.error:
        return [common | {"round": 0, "n_labelled": job.draw.n_start}]
    return [common | record for record in outcome.value]
