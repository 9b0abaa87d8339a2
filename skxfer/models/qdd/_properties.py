"""Properties of molecules: what the elements contribute to them, and what is left for the network."""

import numpy as np
from sklearn.linear_model import RidgeCV

from ..base.references import element_counts, fit_references, robust_scale
from ._head import choose_pooling, rest

# Ridge penalties for the corrections of the elements' contributions, weakest to strongest.
SHRINKAGE = np.logspace(-4, 6, 21)
# Properties spread wider or narrower than those of init by more than this factor are not the same ones.
SAME_SCALE = 5.0


def compositions(model, structures):
    """Return numbers of atoms of each element, to be summed, and their shares, to be averaged.

    Parameters
    ----------
    model : QDDTransformer
    structures : Structures

    Returns
    -------
    dict of str to ndarray of shape (n_samples, n_elements)
        By pooling: "sum" and "mean".
    """
    counts = element_counts(structures, model.elements_)
    return {"sum": counts, "mean": counts / structures.n_atoms[:, None]}


def elemental(model, structures):
    """Return the contributions of the elements to each property: ndarray of shape (n_samples, n_targets).

    Parameters
    ----------
    model : QDDTransformer
    structures : Structures
    """
    tables = compositions(model, structures)
    parts = [tables[pooling] @ model.references_[:, t] for t, pooling in enumerate(model.pooling_)]
    return np.stack(parts, axis=1)


def take_off(model, structures, Y, source, known):
    """Take off the contributions of the elements, and scale what is left.

    Parameters
    ----------
    model : QDDTransformer
        Gets ``pooling_``, ``references_``, ``center_`` and ``scale_``.
    structures : Structures
    Y : ndarray of shape (n_samples, n_targets)
    source : QDDTransformer or None
        The model whose predictions are corrected.
    known : ndarray of shape (n_samples, n_targets) or 0.0
        What its network adds to the elements.

    Returns
    -------
    ndarray of shape (n_samples, n_targets)
    """
    tables = compositions(model, structures)
    model.references_ = np.zeros((len(model.elements_), Y.shape[1]))
    if source is not None:
        model.pooling_, model.center_, model.scale_ = source.pooling_, source.center_, source.scale_
        model.references_[[model.elements_.index(s) for s in source.elements_]] = source.references_
    elif model.pooling == "auto":
        model.pooling_ = [choose_pooling(tables, y) for y in Y.T]
    else:
        model.pooling_ = [model.pooling] * Y.shape[1]
    left = Y - known - elemental(model, structures)
    for t, y in enumerate(left.T):
        there = ~np.isnan(y)
        table = tables[model.pooling_[t]][there]
        if source is None:
            model.references_[:, t] = fit_references(table, y[there])
        elif len(table) > 2:
            ridge = RidgeCV(SHRINKAGE, fit_intercept=False).fit(table, y[there])
            model.references_[:, t] += ridge.coef_
    left = Y - elemental(model, structures)
    if source is None:
        model.center_ = np.nanmedian(left, axis=0)
        model.scale_ = np.array([robust_scale(y[~np.isnan(y)]) for y in (left - model.center_).T])
    return (left - model.center_) / model.scale_


def continues_init(model, source, known, structures, Y):
    """Tell whether `init` predicts such properties, as many, pooled and spread alike: its head goes on.

    Parameters
    ----------
    model : QDDTransformer
    source : QDDTransformer or None
    known : ndarray of shape (n_samples, n_source_targets) or None
        What its network adds to the elements.
    structures : Structures
    Y : ndarray of shape (n_samples, n_targets)

    Returns
    -------
    bool
    """
    whole = source is not None and set(model._carried()) == set(model._parts)
    if not whole or source.n_targets_ != model.n_targets_:
        return False
    tables = compositions(model, structures)
    for y, pooling, predicted in zip(Y.T, source.pooling_, known.T, strict=True):
        there = ~np.isnan(y)
        asked = choose_pooling(tables, y) if model.pooling == "auto" else model.pooling
        spreads = [rest(tables[pooling][there], x[there]).std() for x in (y, predicted)]
        alike = min(spreads) == 0 or 1 / SAME_SCALE < spreads[0] / spreads[1] < SAME_SCALE
        if asked != pooling or not alike:
            return False
    return True
