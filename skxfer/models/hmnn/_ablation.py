"""The variants of the HMNN paper side by side: jury, tiers, inputs, tasks and losses."""

import warnings
from dataclasses import dataclass, field
from numbers import Integral
from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ...domains import split_domains
from ...inputs import check_sample_domain, check_targets, take
from ._columns import find_columns

# Name of all target domains together where the two tiers are swapped.
SWAPPED = "target domains"
MERGING = ("merge", "merge_relevant", "fine_tuned")


@dataclass
class Variant:
    """One variant: parameters, and what it does to the data."""

    group: str
    name: str
    params: dict = field(default_factory=dict)
    loss: dict = field(default_factory=dict)
    sources: list | None = None  # None: all that are named
    keeps: str = "all"  # rows to train on: "all", "sources", "target"
    swaps_tiers: bool = False
    epsilon: str = "true"  # "true", "none", "wrong"
    single_task: bool = False


def ablation_study(
    estimator,
    X,
    y,
    sample_domain,
    *,
    source_domains,
    test_domains,
    variants=None,
    seeds=(0,),
    target_names=None,
    n_jobs=None,
):
    """Compare the variants of the hierarchical multi-expert network.

    Which variants there are depends on the sources. With gas and water:

    =========  =====================================================================
    group      variants
    =========  =====================================================================
    reference  ``"frozen_experts"``: all sources and new experts, as `estimator` is set
    jury       ``"gas + new"``, ``"water + new"``, ``"gas + water"``, ``"only gas"``,
               ``"only water"``, ``"only new"``
    training   ``"source_only"``: all sources together, no target row (only tier I);
               ``"target_only"`` (only tier II); ``"swapped tiers"`` (HMNN-R: tier I
               on the target rows, tier II on the sources); ``"merge"`` (HMNN-M: all
               rows); ``"merge_relevant"``; ``"fine_tuned"``
    input      ``"without dielectric constant"`` (HMNN-W), ``"wrong dielectric
               constant"`` (HMNN-E: those of all domains, shuffled), ``"direct input"``
    tasks      ``"single task"``: a model for each target; ``"shared bottom"``: one
               expert for all targets
    loss       ``"no similarity penalty"``, ``"similarity of tasks"``, ``"equal task
               weights"``
    =========  =====================================================================

    Parameters
    ----------
    estimator : HMNNRegressor
        Its parameters hold for all variants, but for `strategy`, `source_domains`, `cv` and
        `random_state`, which each variant sets.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    sample_domain : array-like of shape (n_samples,)
    source_domains : list of labels
        Domains with much data.
    test_domains : list of labels
        To be predicted; no variant trains on them. All others are the target.
    variants : list of str, optional
        Names of variants. Default: all.
    seeds : int or list of int, default=(0,)
        A number n means ``range(n)``.
    target_names : list of str, optional
        Default: the columns of y.
    n_jobs : int, optional
        Through joblib.

    Returns
    -------
    DataFrame
        One row per variant, seed, test domain and target: ``group``,
        ``variant``, ``seed``, ``test_domain``, ``target``, ``mae`` (in the unit of
        y), ``fit_seconds``.

    Raises
    ------
    ValueError
        An unknown variant or domain.

    See Also
    --------
    skxfer.model_selection.portability_study : Other learners, with and without transfer.

    References
    ----------
    Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921 (Figs. 3, 4 and 6).

    Examples
    --------
    >>> from skxfer import HMNNRegressor, ablation_study
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> results = ablation_study(
    ...     HMNNRegressor(max_epochs=5), data.data, data.target, data.domain,
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ...     variants=["frozen_experts", "target_only", "merge"],
    ... )
    >>> list(results["variant"])
    ['frozen_experts', 'target_only', 'merge']
    """
    Y = check_targets(y, len(X))
    if target_names is None:
        target_names = list(y.columns) if hasattr(y, "columns") else [f"y{t}" for t in range(Y.shape[1])]
    domain = check_sample_domain(sample_domain, len(Y)).astype(str)
    given = [[names] if isinstance(names, str) else names for names in (source_domains, test_domains)]
    sources, tests = ([str(name) for name in names] for names in given)
    variants = [variants] if isinstance(variants, str) else variants
    seeds = range(seeds) if isinstance(seeds, Integral) else seeds
    split_domains(domain, sources + tests)
    chosen = {variant.name: variant for variant in all_variants(sources)}
    unknown = [name for name in variants or () if name not in chosen]
    if unknown:
        raise ValueError(f"There is no variant {unknown[0]!r}; there are {list(chosen)}.")
    runs = [(chosen[name], seed) for name in variants or chosen for seed in seeds]
    results = Parallel(n_jobs=n_jobs)(
        delayed(_run)(variant, seed, estimator, X, Y, domain, sources, tests) for variant, seed in runs
    )
    rows = []
    for (variant, seed), (errors, seconds) in zip(runs, results, strict=True):
        for test, mae in errors.items():
            for name, value in zip(target_names, mae, strict=True):
                rows.append([variant.group, variant.name, seed, test, name, value, seconds])
    columns = ["group", "variant", "seed", "test_domain", "target", "mae", "fit_seconds"]
    return pd.DataFrame(rows, columns=columns)


def all_variants(sources):
    """List the variants for these source domains."""
    every = " + ".join(sources)
    variants = [Variant("reference", "frozen_experts")]
    if len(sources) > 1:
        variants += [Variant("jury", f"{name} + new", sources=[name]) for name in sources]
        variants.append(Variant("jury", every, {"n_new_experts": 0}))
    return [
        *variants,
        *(Variant("jury", f"only {name}", {"n_new_experts": 0}, sources=[name]) for name in sources),
        Variant("jury", "only new", {"strategy": "new"}, keeps="target"),
        Variant("training", "source_only", {"strategy": "target_only"}, keeps="sources"),
        Variant("training", "target_only", {"strategy": "target_only"}, keeps="target"),
        Variant("training", "swapped tiers", swaps_tiers=True),
        *(
            Variant("training", name, {"strategy": name})
            for name in ("merge", "merge_relevant", "fine_tuned")
        ),
        Variant("input", "without dielectric constant", epsilon="none"),
        Variant("input", "wrong dielectric constant", epsilon="wrong"),
        Variant("input", "direct input", {"paired": False}),
        Variant("tasks", "single task", single_task=True),
        Variant("tasks", "shared bottom", {"n_experts": 1, "n_selected": 1, "n_new_experts": 1}),
        Variant("loss", "no similarity penalty", loss={"similarity": None}),
        Variant("loss", "similarity of tasks", loss={"similarity": "tasks"}),
        Variant("loss", "equal task weights", loss={"task_weighting": "equal"}),
    ]


def _run(variant, seed, estimator, X, Y, domain, sources, tests):
    """Errors of one variant, {test domain: array of shape (n_targets,)}, and the time of its fit."""
    params = {"strategy": "frozen_experts", "cv": None, "random_state": seed} | variant.params
    if params["strategy"] == "new":  # a jury of new experts alone
        params |= {"strategy": "target_only", "n_experts": estimator.n_new_experts}
    used = sources if variant.sources is None else variant.sources
    train = {"all": np.isin(domain, used) | ~np.isin(domain, sources), "sources": np.isin(domain, used)}
    train["target"] = ~np.isin(domain, sources)
    train = np.flatnonzero(train[variant.keeps] & ~np.isin(domain, tests))
    labels = domain[train]
    if variant.swaps_tiers:
        used, labels = [SWAPPED], np.where(np.isin(labels, sources), labels, SWAPPED)
    two_tiers = variant.keeps == "all"
    model = clone(estimator).set_params(source_domains=used if two_tiers else None, **params)
    X = _with_epsilon(X, variant.epsilon, estimator.featurizer, domain, seed)
    fit_params = {"sample_domain": labels} if two_tiers else {}
    columns = [[t] for t in range(Y.shape[1])] if variant.single_task else [slice(None)]
    start = perf_counter()
    with warnings.catch_warnings():
        if variant.epsilon != "true":
            warnings.filterwarnings("ignore", ".* has the dielectric constant of the source")
        models = [clone(model) for _ in columns]
        for one, column in zip(models, columns, strict=True):
            one._loss = one._loss | variant.loss
            one.fit(take(X, train), Y[train][:, column], **fit_params)
    seconds = perf_counter() - start
    errors = {}
    for test in tests:
        rows = np.flatnonzero(domain == test)
        prediction = np.hstack([model.predict(take(X, rows)) for model in models])
        errors[test] = np.nanmean(np.abs(prediction - Y[rows]), axis=0)
    return errors, seconds


def _with_epsilon(X, epsilon, featurizer, domain, seed):
    """X with the dielectric constant made useless, or exchanged among the domains."""
    if epsilon == "true":
        return X
    names = X.columns if isinstance(X, pd.DataFrame) else None
    table = np.array(X, dtype=float)
    column = find_columns(featurizer, table, names).dielectric
    if column is None:
        return X
    if epsilon == "none":
        table[:, column] = 1.0
    else:
        domains, which = np.unique(domain, return_inverse=True)
        typical = np.array([np.median(table[which == k, column]) for k in range(len(domains))])
        table[:, column] = check_random_state(seed).permutation(typical)[which]
    return table if names is None else pd.DataFrame(table, columns=names)
