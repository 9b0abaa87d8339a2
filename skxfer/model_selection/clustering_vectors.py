"""Chemical-environment clustering vectors: how many surroundings of elements a model tells apart."""

import copy
import warnings
from itertools import permutations
from math import factorial, isqrt
from numbers import Integral

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage as merge
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..formulas import ELEMENTS, as_list, composition_groups, parse_formulas
from ..inputs import check_choice

THRESHOLDS = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40)
LINKAGES = ("complete", "single")
# Up to so many elements all ways to match those of two compounds are tried: 720.
MOST_MATCHED = 6
# Distances of all pairs are held at once: 400 MB for so many rows, and as much again to merge them.
MOST_ROWS = 10_000
# Rows squared, times the ways to match elements: so much takes about half a minute.
MOST_WORK = 10**10
# Rows that are compared with all later ones at a time.
ROWS_AT_ONCE = 128
# Correlations are rounded, so that neither the order of a sum nor a threshold that is met exactly decide.
DIGITS = 6
# A row of a feature map that varies less, as a share of its largest value, is constant but for noise.
SMALLEST_SPREAD = 1e-6
# Below this threshold the global reference is nearly right, above it the local one.
CROSSOVER = 0.15


def cecv(model, X=None, *, thresholds=THRESHOLDS, containing=None, min_elements=3, linkage="complete"):
    """Count the chemical environments that a model tells apart: the clustering vector (CECV).

    For each compound, the feature map of its elements gives the Pearson
    correlation of each element with each other one [1]_. Compounds of which these
    matrices differ by less than a threshold fall into one cluster; the vector
    holds the number of clusters for each threshold. What the paper leaves open is
    settled so that neither the order of the rows nor that of the elements counts:

    - Compounds with the same number of elements are compared, others never share
      a cluster.
    - The difference of two compounds is the largest one between their
      correlations, with the elements matched as fits best. From seven elements on,
      where there are too many ways to match, the correlations are compared in
      order of size, which is never larger.
    - ``linkage="complete"``: any two members of a cluster differ by less than the
      threshold, clusters being merged from the closest on. ``"single"``: clusters
      are linked by chains of such pairs. Among many compounds chains reach from
      one end to the other at once, and at the larger thresholds the vector says no
      more than how many numbers of elements there are.

    A network with random weights has a vector too, often a low one: always look
    at that of :func:`with_random_weights` too.

    Parameters
    ----------
    model : fitted estimator or list of array-like of shape (n_elements, n_features)
        An estimator with ``element_feature_map``, such as
        :class:`skxfer.models.LGDCNNRegressor`; or the feature maps of the
        compounds, DataFrames indexed by symbol if `containing` is given.
    X : sequence of length n_samples, optional
        Formulas, with an estimator.
    thresholds : sequence of float, default=(0.05, 0.1, ..., 0.4)
        Differences of correlations, from above 0 to 2.
    containing : str, optional
        Symbol of an element: take the compounds that have it. The paper takes
        those of ``"Si"``.
    min_elements : int, default=3
        Compounds with fewer elements are left out, with a warning. Those of two
        have one correlation only; 2 lets them in.
    linkage : {"complete", "single"}, default="complete"

    Returns
    -------
    Series of int, shape (n_thresholds,)
        Number of clusters, indexed by threshold, which never rises with it. Its
        ``attrs`` hold ``n_compounds``, ``n_left_out`` (too few elements) and
        ``n_by_elements``, a dict of number of elements to number of compounds.

    Raises
    ------
    TypeError
        Neither a model nor feature maps.
    ValueError
        No compound is left, a feature map that is not finite or has another number
        of features (naming its row), more different compounds with the same number
        of elements than can be compared: see Notes.

    See Also
    --------
    CECVDisplay : Draws the vectors of several models.
    cecv_study : Whether the vectors guide the choice of a model on your data.

    Notes
    -----
    Each compound is compared with each other one that has as many elements, in as many
    ways as there are to match their elements: 24 for four elements, 120 for five, 720
    for six, and one for any other number. So the time grows with the square of the
    number of compounds, and memory, too: 8 bytes per pair, twice. At most 10 000
    different compounds with one number of elements are compared, 9128 of five elements
    and 3726 of six, which takes half a minute. Of more, draw some at random, the same
    ones for all models that are to be compared.

    With LGDCNNRegressor's default ``variant="v1"`` the maximum over neighbours that
    ends the network gives the two elements of a binary formula one feature map: their
    correlation is 1, and with ``min_elements=2`` all binary compounds are one cluster.

    References
    ----------
    .. [1] Du, H. et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
       Materials Property Predictions".

    Examples
    --------
    >>> from skxfer.model_selection import cecv
    >>> alike = [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0], [3.0, 2.0, 1.0]]
    >>> other = [[1.0, 2.0, 3.0], [1.0, 5.0, 1.0], [3.0, 2.0, 1.0]]
    >>> vector = cecv([alike, alike[::-1], other], thresholds=[0.1, 1.5])
    >>> vector.tolist()
    [2, 1]
    """
    thresholds = check_thresholds(thresholds)
    check_choice(linkage, LINKAGES, "linkage")
    if hasattr(model, "element_feature_map"):
        if X is None:
            raise ValueError("X is missing: the formulas for which the model shall tell its feature maps.")
        formulas, n_left_out = probe(X, containing, min_elements)
        return vector_of(model, formulas, thresholds, linkage, n_left_out)
    if X is not None or isinstance(model, str) or not hasattr(model, "__len__"):
        raise TypeError(
            f"{type(model).__name__} has no element_feature_map: pass a fitted LGDCNNRegressor and X, or "
            "a list of feature maps alone."
        )
    maps = list(model)
    rows = np.arange(len(maps))
    for row in rows:
        if (n_axes := np.ndim(maps[row])) != 2:
            raise ValueError(f"The feature map of row {row} has {n_axes} axes, not (n_elements, n_features).")
    if containing is not None:
        _check_symbol(containing)
        if not all(isinstance(values, pd.DataFrame) for values in maps):
            raise TypeError(
                "containing needs feature maps as DataFrames, indexed by the symbols of elements."
            )
        rows = np.array([row for row in rows if containing in maps[row].index], dtype=int)
    kept = _enough(np.array([len(maps[row]) for row in rows]), min_elements, containing)
    return _labelled(_blocks(maps, rows[kept]), thresholds, linkage, len(rows) - len(kept))


def with_random_weights(model, *, random_state=None):
    """Return a copy of a fitted network that has forgotten all it learned.

    It has the architecture of `model` and the weights training would have started
    from: what :func:`cecv` says of it says nothing of the data.

    Parameters
    ----------
    model : fitted LGDCNNRegressor
        It is not changed.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    LGDCNNRegressor

    Raises
    ------
    TypeError
        A model without ``nets_``.

    Examples
    --------
    >>> from skxfer import LGDCNNRegressor
    >>> from skxfer.model_selection import with_random_weights
    >>> model = LGDCNNRegressor(hidden_dim=16, max_epochs=5, random_state=0)
    >>> model = model.fit(["NaCl", "MgO", "Cu3Au"], [5.0, 4.5, 0.0])
    >>> with_random_weights(model, random_state=0).transform(["KBr"]).shape
    (1, 16)
    """
    check_method(model, "element_feature_map")
    check_is_fitted(model)
    if not hasattr(model, "nets_"):
        raise TypeError(f"{type(model).__name__} has no nets_ with weights to draw at random.")
    from ..models.base.torch_state import torch_seed

    rng = check_random_state(random_state)
    blank = copy.copy(model)
    blank.nets_ = [clone(net) for net in model.nets_]
    for net in blank.nets_:
        with torch_seed(rng.randint(np.iinfo(np.int32).max), net.device):
            net.initialize()
        net.module_.eval()
    return blank


def check_thresholds(thresholds):
    """Return thresholds as an array, or raise an error."""
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if thresholds.ndim != 1 or not thresholds.size:
        raise ValueError("thresholds must be a sequence of numbers such as [0.05, 0.1].")
    bad = thresholds[~((thresholds > 0) & (thresholds <= 2))]
    if bad.size:
        raise ValueError(
            f"A threshold must be above 0 and at most 2, as correlations differ; got {bad[0]:g}."
        )
    if (np.diff(thresholds) <= 0).any():
        raise ValueError(f"thresholds must rise, got {thresholds.tolist()}.")
    return thresholds


def probe(X, containing, min_elements):
    """Choose the formulas of which the feature maps are compared.

    Returns
    -------
    formulas : list
    n_left_out : int
        Those with too few elements, which are warned of.
    """
    formulas, fractions = as_list(X), parse_formulas(X)
    rows = np.arange(len(formulas))
    if containing is not None:
        column = ELEMENTS.index(_check_symbol(containing))
        rows = np.unique(fractions[:, [column]].nonzero()[0])
    kept = _enough(np.diff(fractions.indptr)[rows], min_elements, containing)
    rows, n_left_out = rows[kept], len(rows) - len(kept)
    # Before any network is trained or asked.
    _, first = np.unique(composition_groups(fractions[rows]), return_index=True)
    for n_elements, n in enumerate(np.bincount(np.diff(fractions.indptr)[rows[first]])):
        _check_size(n, n_elements)
    return [formulas[row] for row in rows], n_left_out


def _check_symbol(symbol):
    if symbol not in ELEMENTS:
        raise ValueError(f"containing must be the symbol of an element, such as 'Si', got {symbol!r}.")
    return symbol


def _enough(n_elements, min_elements, containing):
    """Return the places of compounds with enough elements, and warn of the others."""
    if not isinstance(min_elements, Integral) or min_elements < 2:
        raise ValueError(f"min_elements must be a whole number from 2 on, got {min_elements!r}.")
    kept = np.flatnonzero(n_elements >= min_elements)
    of = "" if containing is None else f" with {containing}"
    if not kept.size:
        raise ValueError(
            f"None of {len(n_elements)} compounds{of} has {min_elements} elements or more: there is nothing "
            "to correlate. Pass other compounds."
        )
    if len(kept) < len(n_elements):
        warnings.warn(
            f"{len(n_elements) - len(kept)} of {len(n_elements)} compounds{of} have fewer than "
            f"{min_elements} elements and are left out.",
            stacklevel=3,
        )
    return kept


def _blocks(maps, rows=None):
    """Stack feature maps by number of elements: a dict of (n_compounds, n_elements, n_features)."""
    blocks, width = {}, None
    for row in range(len(maps)) if rows is None else rows:
        values = np.asarray(maps[row], dtype=np.float64)
        if values.shape[1] < 2:
            raise ValueError(
                f"The feature map of row {row} has {values.shape[1]} feature: nothing to correlate."
            )
        width = width or values.shape[1]
        if values.shape[1] != width:
            raise ValueError(f"The feature map of row {row} has {values.shape[1]} features, others {width}.")
        if not np.isfinite(values).all():
            raise ValueError(f"The feature map of row {row} is not finite.")
        blocks.setdefault(len(values), []).append(values)
    return {n_elements: np.stack(blocks[n_elements]) for n_elements in sorted(blocks)}


def _labelled(blocks, thresholds, linkage, n_left_out):
    counts = sum(_count(block, thresholds, linkage) for block in blocks.values())
    vector = pd.Series(counts, index=pd.Index(thresholds, name="threshold"), name="n_clusters")
    by_elements = {n_elements: len(block) for n_elements, block in blocks.items()}
    vector.attrs = {
        "n_compounds": sum(by_elements.values()),
        "n_left_out": n_left_out,
        "n_by_elements": by_elements,
    }
    return vector


def vector_of(model, formulas, thresholds, linkage, n_left_out=0):
    """Return the vector of a model for formulas that `probe` chose."""
    return _labelled(_blocks(model.element_feature_map(formulas)), thresholds, linkage, n_left_out)


def correlations(maps):
    """Correlate each element with each other one.

    Parameters
    ----------
    maps : ndarray of shape (n_compounds, n_elements, n_features)

    Returns
    -------
    ndarray of shape (n_compounds, n_elements * (n_elements - 1) / 2)
        Zero for an element with a constant row, of which they are undefined.
    """
    constant = np.ptp(maps, axis=2) <= SMALLEST_SPREAD * np.abs(maps).max(axis=2)
    if constant.any():
        warnings.warn(
            f"{constant.any(axis=1).sum()} of {len(maps)} compounds with {maps.shape[1]} elements have one "
            "with a constant feature map: its correlations are undefined and count as 0.",
            stacklevel=4,
        )
    centred = maps - maps.mean(axis=2, keepdims=True)
    length = np.linalg.norm(centred, axis=2, keepdims=True)
    unit = np.where(constant[..., None], 0.0, centred / np.where(length > 0, length, 1.0))
    first, second = np.triu_indices(maps.shape[1], 1)
    matrix = unit @ unit.transpose(0, 2, 1)
    # Adding zero turns -0.0 into 0.0: they are equal, but would sort as different bytes.
    return matrix[:, first, second].round(DIGITS) + 0.0


def _count(maps, thresholds, linkage):
    """Count the clusters of compounds with one number of elements, at each threshold."""
    values, matchings = _ordered(correlations(maps), maps.shape[1])
    # Sorted and without repetitions, they no longer know the order of the rows, however ties are broken.
    values = np.unique(values, axis=0)
    n = len(values)
    _check_size(n, maps.shape[1])
    if n == 1:
        return np.ones(len(thresholds), dtype=int)
    heights = merge(_distances(values, matchings), linkage)[:, 2].round(DIGITS)
    return n - (heights[:, None] < thresholds.round(DIGITS)).sum(axis=0)


def _check_size(n, n_elements):
    """Raise an error if there are too many different compounds with one number of elements."""
    ways = factorial(n_elements) if 3 < n_elements <= MOST_MATCHED else 1
    most = min(MOST_ROWS, isqrt(MOST_WORK // ways))
    if n > most:
        raise ValueError(
            f"{n} different compounds have {n_elements} elements, at most {most} can be compared"
            + (f", as there are {ways} ways to match their elements" if ways > 1 else "")
            + ": choose those with one element by containing, or draw some at random, "
            "np.random.default_rng(0).choice(X, size, replace=False), the same ones for all models."
        )


def _distances(values, matchings):
    """Return the differences of all pairs of rows, elements matched as fits best, in scipy's condensed form.

    Parameters
    ----------
    values : ndarray of shape (n_compounds, n_pairs)
    matchings : ndarray of int, shape (n_matchings, n_pairs)
    """
    n = len(values)
    condensed = np.empty(n * (n - 1) // 2)
    end = 0
    for start in range(0, n, ROWS_AT_ONCE):
        rows, later = values[start : start + ROWS_AT_ONCE], values[start:]
        best = np.full((len(rows), len(later)), np.inf)
        for edges in matchings:
            np.minimum(best, cdist(rows, later[:, edges], "chebyshev"), out=best)
        for i, row in enumerate(best):
            begin, end = end, end + len(later) - i - 1
            condensed[begin:end] = row[i + 1 :]
    return condensed


def _ordered(values, n_elements):
    """Bring correlations into an order that does not depend on that of the elements.

    Returns
    -------
    values : ndarray of shape (n_compounds, n_pairs)
    matchings : ndarray of int, shape (n_matchings, n_pairs)
        Orders of the pairs to compare with.
    """
    # Any order of the three pairs of three elements is one of the elements: sorting finds the best match.
    if n_elements <= 3 or n_elements > MOST_MATCHED:
        return np.sort(values, axis=1), np.arange(values.shape[1])[None]
    first, second = np.triu_indices(n_elements, 1)
    place = np.zeros((n_elements, n_elements), dtype=int)
    place[first, second] = place[second, first] = np.arange(len(first))
    orders = np.array(list(permutations(range(n_elements))))
    edges = place[orders[:, first], orders[:, second]]  # (n_orders, n_pairs)
    best = values
    for order in edges:
        other = values[:, order]
        at = (other != best).argmax(axis=1)[:, None]
        smaller = np.take_along_axis(other, at, 1) < np.take_along_axis(best, at, 1)
        best = np.where(smaller, other, best)
    return best, edges


def check_method(estimator, method):
    """Raise an error for a model that does not look at elements."""
    if not hasattr(estimator, method):
        raise TypeError(
            f"{type(estimator).__name__} has no {method}: pass a fitted skxfer.LGDCNNRegressor (of a "
            "pipeline, its last step)."
        )
