"""Transfer analysis: what each source, and each carried part of a model, gains over the target rows alone."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import check_scoring
from sklearn.model_selection import KFold, ShuffleSplit

from ..domains import check_source_is_fitted
from ..inputs import check_inputs, check_targets, n_rows
from ..learners import can_continue, goes_on, innermost
from ._distances import COLUMNS as DISTANCES
from ._distances import distances
from ._jobs import Outcome, run_jobs
from ._runs import check_seeds
from ._transfer_runs import Data, Run, SourceFit

ALONE = "target_only"
COLUMNS = (
    *("kind", "source", "carry", "split", "seed", "n_train", "n_test", "n_target"),
    *("error", "target_only_error", "gain_percent"),
    *("source_seconds", "fit_seconds", "target_only_seconds", *DISTANCES, "failure"),
)


def transfer_analysis(
    estimator,
    sources,
    target,
    *,
    carry=None,
    baselines=None,
    cv=None,
    n_splits=10,
    train_size=None,
    test_size=None,
    seeds=(0,),
    scoring=None,
    featurizer=None,
    random_state=0,
    n_jobs=None,
    verbose=0,
    fit_timeout=None,
):
    """Compare starts from several sources with training on the target rows alone, on the same rows and seeds.

    What a model gains from sources that differ in one respect says what that
    respect is worth to it, and what it gains from a part of the source model
    alone says where in the model this knowledge sits [1]_. Each split of the
    target rows is used by ``target_only`` and by every source and part, with the same
    seed; so differences are paired. The source models are fitted once for each seed.

    What is done depends on the learner. One with a parameter `init`, such as
    :class:`~skxfer.models.LGDCNNRegressor`, starts from the source model, and its parameter
    `carry` says which parts are taken over; forests, boosting and networks go on training;
    any other one corrects the frozen source model
    (:class:`~skxfer.transfer.HierarchicalTransfer`). The last two only know ``"all"``.

    Parameters
    ----------
    estimator : regressor
        Any learner. Sources, and ``target_only``, are fitted without its `freeze`.
    sources : dict of str to (X, y) or fitted regressor
        The domains to start from. One that is fitted already is used as it is, with every seed.
    target : tuple of (X, y)
        X is array-like of shape (n_samples, n_features), a DataFrame or a
        sequence of objects (formulas, structures), y of shape (n_samples,) or
        (n_samples, n_targets). NaN marks a missing label.
    carry : dict of str to value, optional
        Names, and what the parameter `carry` of the learner is set to: ``{"first":
        ["embedding"], "all": None}``. Default: everything, and before it, where the
        learner says which parts it has, the first part, the first two, and so on.
    baselines : dict of str to regressor, optional
        Fitted on the target rows of the same splits, for comparison.
    cv : int, cross-validation generator or iterable, optional
        Splits of the target rows. An int: shuffled folds. Default: `n_splits`
        times random rows for training and test.
    n_splits : int, default=10
    train_size, test_size : int or float, optional
        Rows, or shares of them, as in :class:`~sklearn.model_selection.ShuffleSplit`. A
        small `train_size` asks what transfer is worth with few rows. Default: a fifth
        is tested, and the others, or `train_size` of them, are trained on.
    seeds : int or list of int, default=(0,)
        Seeds of the learners, in sources and target; a number n means ``range(n)``.
    scoring : str or callable ``scorer(estimator, X, y)``, optional
        Default: the mean absolute error, averaged over the targets.
    featurizer : transformer, optional
        Turns X into the numbers between which ``domain_distance`` is measured.
        Default: the columns of a table,
        :class:`~skxfer.featurizers.CompositionFeaturizer` for formulas, and
        ``ClusterFeaturizer`` for structures.
    random_state : int, RandomState or None, default=0
        Of the splits.
    n_jobs : int, optional
        Through joblib.
    verbose : int, default=0
        Above 0: a progress bar, if rich is installed.
    fit_timeout : float, optional
        Seconds for a fit and its predictions. A fit that takes longer has its process ended and is
        recorded as failed. Needs joblib's default backend; fits then run in processes even if `n_jobs`
        is 1. Default: no limit.

    Returns
    -------
    DataFrame
        One row per source (``target_only`` first, baselines last), carried part, split and seed:

        ``kind``
            ``"target_only"``, ``"transfer"`` or ``"baseline"``.
        ``source``, ``carry``, ``split``, ``seed``
            Which run it is; ``target_only`` and baselines carry nothing (``""``).
        ``n_train``, ``n_test``, ``n_target``
            Target rows with a label: in training, tested, and in all.
        ``error``, ``target_only_error``
            On the test rows, in the unit of y, and that of training on the target rows alone, in the same
            split with the same seed.
            With `scoring` minus the score, so that less is better.
        ``gain_percent``
            By how much the error is below that of ``target_only``.
        ``source_seconds``, ``fit_seconds``, ``target_only_seconds``
            Wall time of the source fit (0 if it was fitted already), of the
            fit on the target rows, and of that of ``target_only``.
        ``domain_distance``
            Between the inputs of source and target: 0 for the same distribution, at most 1 (the
            energy coefficient of their standardised features).
        ``label_distance``
            Wasserstein distance between the labels, each scaled to mean 0 and variance 1.
        ``label_shift``
            Between their means, in standard deviations of the labels of the target rows.
        ``failure``
            Why there is no error; empty if all went well.

        ``attrs["interrupted"]`` is True if Ctrl-C ended the analysis: the rows are those that were
        finished.

    Raises
    ------
    TypeError
        A source that is neither (X, y) nor a fitted regressor, or one of another kind than `estimator`.
    ValueError
        `carry` for a learner without that parameter, an `estimator` that has
        `init` already, sources whose inputs are of another kind than the target rows.

    Warns
    -----
    UserWarning
        There is no default featurizer for these inputs: no ``domain_distance``.

    See Also
    --------
    transfer_analysis_summary : Mean gains and whether they are significant.
    skxfer.inspection.TransferAnalysisDisplay : Draws them.
    portability_study : The strategies ``source_only``, ``target_only`` and ``merge``, and their
        competition, for several learners.

    Notes
    -----
    A fit that raises is recorded in the column ``failure``, and the rest goes on.

    Some learners train in another way where they start from a model: LGDCNNRegressor takes
    fewer and smaller steps by default, and SchNetIIARegressor fewer: of small sets 400 in place of 1000,
    and where all is carried over 10 epochs in place of 40. ``carry={"nothing": [], ...}`` shows what that
    alone does, if `max_epochs` is set, so that all train for the same number.

    References
    ----------
    .. [1] Jiang, Z. et al., J. Chem. Inf. Model. 2025, 65, 92, doi:10.1021/acs.jcim.4c01473.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skxfer.model_selection import transfer_analysis, transfer_analysis_summary
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(260, 5))
    >>> y = X @ [1.0, -2.0, 0.5, 1.0, 3.0] + 0.1 * rng.normal(size=260)
    >>> sources = {"same law": (X[60:160], y[60:160]), "no law": (X[160:], rng.permutation(y[160:]))}
    >>> runs = transfer_analysis(Ridge(), sources, (X[:60], y[:60]), train_size=6)
    >>> transfer_analysis_summary(runs)[["source", "verdict"]].to_numpy().tolist()
    [['target_only', 'reference'], ['same law', 'helps'], ['no law', 'no clear gain']]
    """
    _check_fresh(estimator)
    seeds = check_seeds(seeds)
    carry = _check_carry(carry, estimator)
    baselines = dict(baselines or {})
    data, fitted = _check_data(estimator, sources, target)
    names = [ALONE, *data.sources, *baselines]
    if len(set(names)) < len(names):
        raise ValueError(f"Sources and baselines need names of their own other than {ALONE!r}: {names}.")
    if scoring is not None:
        data.scorer = check_scoring(estimator, scoring)
    splits = _splits(data, cv, n_splits, train_size, test_size, random_state)
    # Before the long part, so that a featurizer that fails does so at once.
    far = {}
    for name, source in data.sources.items():
        unknown = dict.fromkeys(DISTANCES, np.nan)
        far[name] = unknown if name in fitted else distances(source, (data.X, data.Y), featurizer)

    plain = _without(estimator, "freeze", "carry")
    first = [
        SourceFit(name, "source", plain, seed)
        for name in data.sources
        if name not in fitted
        for seed in seeds
    ]
    outcomes, interrupted = run_jobs(first, data, n_jobs, verbose, fit_timeout)
    done = {(first[i].learner, first[i].seed): outcomes[i] for i in outcomes}
    done |= {(name, seed): Outcome(fitted[name], seconds=0.0) for name in fitted for seed in seeds}

    runs = [Run(ALONE, "", plain, seed, "target_only", *split) for seed in seeds for split in splits]
    for name in data.sources:
        for label, parts in carry.items():
            learner = _with(estimator, carry=parts) if _carries(estimator) else estimator
            runs += [
                Run(name, label, learner, seed, "transfer", *split, start=done[name, seed])
                for seed in seeds
                for split in splits
                if (name, seed) in done
            ]
    for name, learner in baselines.items():
        runs += [Run(name, "", learner, seed, "baseline", *split) for seed in seeds for split in splits]
    data.sources = {}  # the models are there: no need to send the rows to every worker
    outcomes = {}
    if not interrupted:
        outcomes, interrupted = run_jobs(runs, data, n_jobs, verbose, fit_timeout)
    finished = [(runs[i], outcomes[i]) for i in sorted(outcomes)]
    return _table(finished, data, far, interrupted)


def _table(finished, data, far, interrupted):
    errors = [np.nan if outcome.error else outcome.value for _, outcome in finished]
    alone = {
        (run.split, run.seed): (error, outcome.seconds)
        for (run, outcome), error in zip(finished, errors, strict=True)
        if run.kind == "target_only"
    }
    n_target = len(data.labelled(np.arange(len(data.Y))))
    rows = []
    for (run, outcome), error in zip(finished, errors, strict=True):
        alone_error, alone_seconds = alone.get((run.split, run.seed), (np.nan, np.nan))
        gain = np.nan
        if alone_error:
            gain = 100 * (alone_error - error) / abs(alone_error)
        rows.append(
            {
                "kind": run.kind,
                "source": run.learner,
                "carry": run.setting,
                "split": run.split,
                "seed": run.seed,
                "n_train": len(data.labelled(run.train)),
                "n_test": len(data.labelled(run.test)),
                "n_target": n_target,
                "error": error,
                "target_only_error": alone_error,
                "gain_percent": gain,
                "source_seconds": 0.0 if run.start is None else run.start.seconds,
                "fit_seconds": outcome.seconds,
                "target_only_seconds": alone_seconds,
                **(far[run.learner] if run.kind == "transfer" else dict.fromkeys(DISTANCES, np.nan)),
                "failure": outcome.error,
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.attrs = {"interrupted": interrupted}
    return table


def _check_fresh(estimator):
    """Refuse a learner that starts from something already: then nothing would be without transfer."""
    inner = innermost(estimator)
    if can_continue(inner) and not goes_on(inner) and inner.get_params(deep=False)["init"] is not None:
        raise ValueError(
            f"{type(inner).__name__} has init set, so that target_only would start from it too: leave init "
            "out, and pass the model as a source."
        )


def _check_carry(carry, estimator):
    inner, can_carry = innermost(estimator), _carries(estimator)
    if carry is None:
        parts = list(getattr(inner, "_parts", ())) if can_carry else []
        return {" + ".join(parts[:n]): parts[:n] for n in range(1, len(parts))} | {"all": None}
    if not isinstance(carry, Mapping) or not carry:
        raise TypeError(f"carry must be a dict such as {{'all': None}}, got {carry!r}.")
    if not can_carry and any(value is not None for value in carry.values()):
        raise ValueError(
            f"{type(inner).__name__} has no parts to choose from (no parameter carry): leave carry out, and "
            "it takes over all it can."
        )
    return {str(label): parts for label, parts in carry.items()}


def _carries(estimator):
    """Whether the learner can take over parts of the model it starts from."""
    return _starts_from_init(estimator) and "carry" in innermost(estimator).get_params(deep=False)


def _starts_from_init(estimator):
    return can_continue(estimator) and not goes_on(innermost(estimator))


def _check_data(estimator, sources, target):
    """Validate all inputs; return the data and the sources that are fitted already."""
    if not isinstance(sources, Mapping) or not sources:
        raise TypeError("sources must be a dict of name to (X, y) or fitted regressor, with at least one.")
    columns = _Columns()
    X, Y = _check_pair("target", target, columns, reset=True)
    checked, fitted = {}, {}
    for name, source in sources.items():
        name = str(name)
        if hasattr(source, "predict"):
            fitted[name] = _check_fitted(name, source, estimator)
            checked[name] = None
            continue
        checked[name] = _check_pair(f"source {name!r}", source, columns, reset=False)
        if (getattr(checked[name][0], "ndim", 2) == 1) != (getattr(X, "ndim", 2) == 1):
            raise ValueError(
                f"The inputs of source {name!r} are of another kind than the target rows: either all are "
                "tables or all are sequences of objects."
            )
    return Data(X, Y, checked), fitted


class _Columns(BaseEstimator):
    """Remembers the columns of the target rows, with which those of the sources are compared."""


def _check_pair(what, pair, columns, *, reset):
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"The {what} must be a tuple (X, y), got {type(pair).__name__}.")
    try:
        X = check_inputs(columns, pair[0], reset=reset, allow_nan=True)  # the learner decides
        return X, check_targets(pair[1], n_rows(X))
    except (TypeError, ValueError) as error:
        raise type(error)(f"In the {what}: {error}") from error


def _check_fitted(name, source, estimator):
    check_source_is_fitted(name, source)
    source = source.estimator if isinstance(source, FrozenEstimator) else source
    own, other = type(innermost(estimator)), type(innermost(source))
    if can_continue(estimator) and own is not other:
        raise TypeError(
            f"Source {name!r} is a {other.__name__}, from which a {own.__name__} cannot start: fit the same "
            "kind of model, or pass (X, y)."
        )
    return source


def _splits(data, cv, n_splits, train_size, test_size, random_state):
    """Return number, training rows and test rows of each split."""
    if cv is not None and (train_size is not None or test_size is not None):
        raise ValueError("train_size and test_size are for random splits: leave them out with cv.")
    if cv is None:
        test_size = 0.2 if test_size is None else test_size
        cv = ShuffleSplit(n_splits, train_size=train_size, test_size=test_size, random_state=random_state)
    elif isinstance(cv, Integral):
        cv = KFold(cv, shuffle=True, random_state=random_state)
    splits = cv.split(data.X, data.Y) if hasattr(cv, "split") else cv
    splits = [(k, np.asarray(train), np.asarray(test)) for k, (train, test) in enumerate(splits)]
    for k, train, test in splits:
        if np.isin(test, train).any():
            raise ValueError(f"Split {k} of cv tests rows that it trains on.")
    return splits


def _with(estimator, **params):
    """Return a clone whose learner, inside pipelines and the like, has these parameters."""
    estimator = clone(estimator)
    innermost(estimator).set_params(**params)
    return estimator


def _without(estimator, *names):
    """Return a clone without what only makes sense where there is a model to start from."""
    params = innermost(estimator).get_params(deep=False)
    own = _starts_from_init(estimator)
    return _with(estimator, **{name: None for name in names if own and name in params})
