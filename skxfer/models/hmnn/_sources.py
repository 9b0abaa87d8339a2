"""Rows of sources and target for an HMNNRegressor, trained sources, and the strategies that they allow."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.frozen import FrozenEstimator

from ..._scored_rows import check_scored_rows
from ...domains import check_source_is_fitted, check_source_names, find_rows
from ...inputs import check_groups, check_sample_domain, check_weights
from ..base.labels import read_labels
from ._training import AUTO, FROM_TRAINED, STRATEGIES


@dataclass
class Rows:
    """What a fit reads: inputs and labels of all rows, and which of them are sources and target."""

    X: np.ndarray  # (n_samples, n_features)
    Y: np.ndarray  # (n_samples, n_targets), NaN where a label is missing
    weight: np.ndarray  # (n_samples,)
    sources: dict  # label of a source: its rows
    target: np.ndarray  # (n_target,) target rows
    domain: np.ndarray | None  # (n_target,) their domains
    groups: np.ndarray | None  # (n_target,) their groups


def read_rows(model, X, y, sample_domain, groups, sample_weight):
    """Read labels, weights and domains.

    Parameters
    ----------
    model : HMNNRegressor
        Gets ``n_targets_`` and ``target_names_``.
    X : ndarray of shape (n_samples, n_features)
    y, sample_domain, groups, sample_weight : as in ``fit``

    Returns
    -------
    Rows

    Raises
    ------
    ValueError
        A target has no label among the target rows.
    """
    labels = read_labels(model, y, len(X), sample_weight)
    weight = np.ones(len(X)) if sample_weight is None else check_weights(sample_weight, X)
    domain = None
    if sample_domain is not None:
        domain = check_sample_domain(sample_domain, len(X))
        check_scored_rows(model._other_domains())
    sources, target = find_rows(
        domain, model.source_domains, model.sources, None if sample_weight is None else weight, len(X)
    )
    labels.take(target).check_every_target(f"among the {len(target)} target rows")
    groups = None if groups is None else check_groups(groups, len(X))[target]
    return Rows(X, labels.Y, weight, sources, target, None if domain is None else domain[target], groups)


def warn_of_shared_solvents(rows, column):
    """Warn of a target domain with the dielectric constant of a source.

    Parameters
    ----------
    rows : Rows
    column : int or None
        The dielectric constant.
    """
    if rows.domain is None or column is None:
        return
    epsilon = rows.X[:, column]
    if not np.ptp(epsilon):
        return
    for name, of_source in rows.sources.items():
        if np.ptp(epsilon[of_source]):
            continue
        same = np.isclose(epsilon[rows.target], epsilon[of_source[0]], rtol=1e-6)
        if same.any():
            warnings.warn(
                f"The target domain {str(rows.domain[same][0])!r} has the dielectric constant of the source "
                f"{str(name)!r} ({epsilon[of_source[0]]:g}; {same.sum()} rows): is it the same solvent, both "
                "source and target? That says little about unseen solvents.",
                stacklevel=4,
            )


def competitors(model, rows):
    """Find the strategies that compete.

    Parameters
    ----------
    model : HMNNRegressor
    rows : Rows

    Returns
    -------
    names : list of str
    skipped : dict of str to str
        Why each of the others that ``"auto"`` stands for could not run.

    Raises
    ------
    ValueError
        An unknown strategy, one that was named and cannot run, or a choice without cross-validation.
    """
    given = model.strategy
    wanted = list(AUTO) if given == "auto" else [given] if isinstance(given, str) else list(given)
    unknown = [name for name in wanted if name not in STRATEGIES]
    if unknown or not wanted:
        raise ValueError(f"strategy must be 'auto' or one or more of {', '.join(STRATEGIES)}, got {given!r}.")
    missing = {name: why for name in wanted if (why := _missing(name, model, rows))}
    if missing and given != "auto":
        name, why = next(iter(missing.items()))
        raise ValueError(f"The strategy {name!r} cannot run: {why}.")
    names = [name for name in wanted if name not in missing]
    if len(names) > 1 and model.cv is None:
        raise ValueError(
            f"strategy={given!r} chooses by cross-validation among {', '.join(names)}: set cv, or name one."
        )
    if model.guard and model.cv is not None and "target_only" not in names:
        names.insert(0, "target_only")
    return [name for name in STRATEGIES if name in names], missing


def _missing(name, model, rows):
    """Why a strategy cannot run here, or None."""
    if name == "target_only" or rows.sources or (name in FROM_TRAINED and model.sources):
        return None
    if not model.sources:
        return "it needs a source: set sources, or name source_domains and pass sample_domain"
    return (
        "it needs the rows of the sources: name source_domains and pass sample_domain (trained sources allow "
        f"{', '.join(FROM_TRAINED)})"
    )


def check_sources(model, rows):
    """Return the networks of the trained sources.

    Parameters
    ----------
    model : HMNNRegressor
    rows : Rows

    Returns
    -------
    list of (str, Network)

    Raises
    ------
    TypeError, ValueError, NotFittedError
        Something else than a fitted HMNNRegressor, or one with other columns or another size (all naming
        the source).
    """
    sources = []
    for entry in model.sources or ():
        if not (isinstance(entry, tuple) and len(entry) == 2):
            raise TypeError(f"sources must be a list of (name, fitted HMNNRegressor), an entry is {entry!r}.")
        name, source = entry
        sources.append((name, _check_source(model, name, source)))
    check_source_names([name for name, _ in sources], rows.sources, rows.domain)
    return sources


def _check_source(model, name, source):
    """Return the network of one trained source."""
    source = source.estimator if isinstance(source, FrozenEstimator) else source
    if not hasattr(source, "gate_weights"):
        raise TypeError(
            f"Source {name!r} must be a fitted HMNNRegressor, it is {type(source).__name__}: for other "
            "learners there is skxfer.HierarchicalTransfer."
        )
    check_source_is_fitted(name, source)
    for what, attribute in (("X", "feature_names_in_"), ("y", "target_names_")):
        there, here = (getattr(m, attribute, None) for m in (source, model))
        if there is not None and here is not None and list(there) != list(here):
            raise ValueError(
                f"Source {name!r} was trained on the columns {list(there)} of {what}, here they are "
                f"{list(here)}: give the same ones in the same order."
            )
    sizes = {
        "features": (model.n_features_in_, source.n_features_in_),
        "targets": (model.n_targets_, source.n_targets_),
        "components of an expert (expert_dim)": (model.expert_dim, source.expert_dim),
    }
    for what, (wanted, got) in sizes.items():
        if got != wanted:
            raise ValueError(f"Source {name!r} has {got} {what}, {wanted} are needed here.")
    return source.network_
