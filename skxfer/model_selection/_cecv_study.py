"""Whether clustering vectors guide the choice of a network on the data at hand."""

from itertools import permutations
from math import sqrt
from numbers import Real
from time import perf_counter

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr
from sklearn.base import clone
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from .._optional import require
from ..formulas import as_list, composition_groups
from ..inputs import check_choice, check_targets
from ..metrics import masked_mean_absolute_error
from .clustering_vectors import (
    CROSSOVER,
    LINKAGES,
    THRESHOLDS,
    check_thresholds,
    probe,
    vector_of,
    with_random_weights,
)

# Up to so many candidates all orders are tried for a p-value: 5040.
MOST_EXACT = 7
VALIDATION_SIZE = 0.2


def cecv_region(global_vector, local_vector, *, crossover=CROSSOVER):
    """Return the region of the clustering vectors that the paper aims at.

    It lies between those of a global reference, the LSTM alone, and a local one,
    the convolution of width one alone. Below the `crossover` the global one is said
    to be nearly right, above it the local one [1]_. The paper draws the region by
    eye; here it is the half of the gap, on a logarithmic scale, next to the
    reference that counts, and the whole gap at the crossover.

    Parameters
    ----------
    global_vector, local_vector : Series of int
        From :func:`cecv`, with the same thresholds.
    crossover : float, default=0.15

    Returns
    -------
    DataFrame of shape (n_thresholds, 2)
        Columns ``low`` and ``high``.

    Raises
    ------
    ValueError
        Vectors with different thresholds.

    See Also
    --------
    cecv_distance : How far another vector is from it.

    References
    ----------
    .. [1] Du, H. et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
       Materials Property Predictions", Fig. 3.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.model_selection import cecv_region
    >>> lstm, dcnn_k1 = pd.Series({0.1: 100, 0.15: 50, 0.2: 25}), pd.Series({0.1: 400, 0.15: 200, 0.2: 100})
    >>> cecv_region(lstm, dcnn_k1).to_numpy().tolist()
    [[100.0, 200.0], [50.0, 200.0], [50.0, 100.0]]
    """
    if not global_vector.index.equals(local_vector.index):
        raise ValueError(
            f"The references have different thresholds: {list(global_vector.index)} and "
            f"{list(local_vector.index)}."
        )
    ends = np.stack([global_vector, local_vector]).astype(np.float64)
    middle = np.sqrt(ends.prod(axis=0))
    thresholds = global_vector.index.to_numpy()
    first = np.where(thresholds > crossover, middle, ends[0])
    second = np.where(thresholds < crossover, middle, ends[1])
    return pd.DataFrame(
        {"low": np.minimum(first, second), "high": np.maximum(first, second)}, index=global_vector.index
    )


def cecv_distance(vector, region):
    """Measure how far a clustering vector is from a region.

    Parameters
    ----------
    vector : Series of int
        From :func:`cecv`.
    region : DataFrame
        From :func:`cecv_region`, with the same thresholds.

    Returns
    -------
    float
        Mean over the thresholds, in decades: 0 within the region, 1 where there
        are ten times as many clusters, or a tenth.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.model_selection import cecv_distance
    >>> region = pd.DataFrame({"low": [100.0, 50.0], "high": [200.0, 100.0]}, index=[0.1, 0.2])
    >>> round(cecv_distance(pd.Series({0.1: 150, 0.2: 5}), region), 6)
    0.5
    """
    if not vector.index.equals(region.index):
        raise ValueError(
            f"The vector has the thresholds {list(vector.index)}, the region {list(region.index)}."
        )
    low, high, value = np.log10(region["low"]), np.log10(region["high"]), np.log10(vector)
    return float(np.maximum(np.maximum(low - value, value - high), 0.0).mean())


def cecv_study(
    variants,
    X,
    y,
    *,
    X_val=None,
    y_val=None,
    X_probe=None,
    references=("lstm", "dcnn-k1"),
    containing=None,
    thresholds=THRESHOLDS,
    min_elements=3,
    linkage="complete",
    crossover=CROSSOVER,
    random_state=None,
    n_jobs=None,
):
    """Compare candidate networks by clustering vector and by validation error.

    The loop of the paper [1]_: train candidates and two references, and look how far
    the vector of each candidate is from the region between the references. The
    paper takes a smaller distance for a better network. Here it is compared
    with the validation error, and their rank correlation says whether that holds
    on your data.

    Parameters
    ----------
    variants : dict of str to estimator, or list of (str, estimator)
        Candidates, such as differently built
        :class:`skxfer.models.LGDCNNRegressor`.
    X : sequence of length n_samples
        Formulas.
    y : array-like of shape (n_samples,)
        NaN marks a missing label.
    X_val, y_val : as X and y, optional
        To measure the errors on. Default: a fifth of the compositions of X is held
        out, with all of their rows.
    X_probe : sequence of formulas, optional
        Whose feature maps are compared; no labels needed. Default: `X_val`.
    references : tuple of two str, default=("lstm", "dcnn-k1")
        The global and the local one: names of `variants`, and otherwise values of
        the parameter ``variant``, set in a copy of the first candidate.
    containing, thresholds, min_elements, linkage :
        As in :func:`cecv`.
    crossover : float, default=0.15
        As in :func:`cecv_region`.
    random_state : int, RandomState or None, default=None
        Of what is held out, of random weights, and of candidates without a
        ``random_state`` of their own.
    n_jobs : int, optional
        Fits in parallel, through joblib.

    Returns
    -------
    study : :class:`~sklearn.utils.Bunch`
        With the attributes

        table : DataFrame
            One row per network: ``name``, ``role`` (``"candidate"``,
            ``"reference"`` or ``"random"``), ``distance`` (decades, from
            :func:`cecv_distance`), ``mae`` (in the unit of y), ``fit_seconds``.
            Each candidate has a row ``"random"``: its architecture with random
            weights.
        vectors : DataFrame of shape (n_thresholds, n_networks)
            One column per network.
        region : DataFrame of shape (n_thresholds, 2)
            From :func:`cecv_region`.
        references : tuple of two str
            The global and the local one.
        correlation, p_value : float
            Spearman's, of distance and error over the candidates; two-sided, from
            all orders of up to seven candidates. NaN for fewer than three, or
            where all distances or errors are equal.
        n_candidates : int
            How many they are.
        summary : str
            What follows, in words.
        estimators : dict of str to fitted estimator
            Candidates and references.

    Raises
    ------
    ValueError
        Two candidates of one name, several targets, a reference that there is not,
        no compound to compare.

    See Also
    --------
    CECVDisplay : Draws it.

    References
    ----------
    .. [1] Du, H. et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
       Materials Property Predictions".

    Examples
    --------
    >>> from skxfer import LGDCNNRegressor
    >>> from skxfer.datasets import load_miedema
    >>> from skxfer.model_selection import cecv_study
    >>> X, y = load_miedema(return_X_y=True)
    >>> small = LGDCNNRegressor(hidden_dim=16, n_blocks=1, max_epochs=1)
    >>> study = cecv_study(
    ...     {"full": small}, X[:200], y[:200], X_probe=["CuNiZn", "Cu2NiZn", "AgAuCu"], random_state=0
    ... )
    >>> list(study.table["name"])
    ['full', 'lstm', 'dcnn-k1', 'full, random weights']
    """
    check_choice(linkage, LINKAGES, "linkage")
    thresholds = check_thresholds(thresholds)
    if not isinstance(crossover, Real):
        raise ValueError(f"crossover must be a threshold, got {crossover!r}.")
    rng = check_random_state(random_state)
    X, y, X_val, y_val = _parts(X, y, X_val, y_val, rng)
    formulas, n_left_out = probe(X_val if X_probe is None else X_probe, containing, min_elements)
    candidates, others = _networks(variants, references)
    seed = rng.randint(np.iinfo(np.int32).max)
    jobs = [_seeded(model, seed) for model in (candidates | others).values()]
    fits = Parallel(n_jobs=n_jobs)(delayed(_fit)(model, X, y) for model in jobs)
    estimators = dict(zip(candidates | others, (model for model, _ in fits), strict=True))
    seconds = dict(zip(estimators, (time for _, time in fits), strict=True))
    networks = {
        name: ("candidate" if name in candidates else "reference", estimators[name]) for name in estimators
    }
    for name in candidates:
        blank = with_random_weights(estimators[name], random_state=seed)
        networks[f"{name}, random weights"] = ("random", blank)
    vectors = pd.DataFrame(
        {name: vector_of(model, formulas, thresholds, linkage) for name, (_, model) in networks.items()}
    )
    vectors.attrs = {"n_compounds": len(formulas), "n_left_out": n_left_out}
    region = cecv_region(*(vectors[name] for name in references), crossover=crossover)
    table = pd.DataFrame(
        {
            "name": list(networks),
            "role": [role for role, _ in networks.values()],
            "distance": [cecv_distance(vectors[name], region) for name in networks],
            "mae": [
                masked_mean_absolute_error(y_val, model.predict(X_val)) for _, model in networks.values()
            ],
            "fit_seconds": [seconds.get(name, 0.0) for name in networks],
        }
    )
    chosen = table[table["role"] == "candidate"]
    correlation, p_value = rank_correlation(chosen["distance"], chosen["mae"])
    return Bunch(
        table=table,
        vectors=vectors,
        region=region,
        references=tuple(references),
        correlation=correlation,
        p_value=p_value,
        n_candidates=len(chosen),
        summary=_summary(table, correlation, p_value, len(formulas)),
        estimators=estimators,
    )


def rank_correlation(x, y):
    """Spearman's correlation and its two-sided p-value, exact for few points.

    Parameters
    ----------
    x, y : array-like of shape (n,)

    Returns
    -------
    correlation, p_value : float
        NaN for fewer than three points, or all x or all y equal.
    """
    ranks = [rankdata(values) - (len(x) + 1) / 2 for values in (x, y)]
    if len(x) < 3 or not all(rank.any() for rank in ranks):
        return np.nan, np.nan
    if len(x) > MOST_EXACT:
        result = spearmanr(x, y)
        return float(result.statistic), float(result.pvalue)
    # The usual approximation calls three points in one order certain.
    norm = sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    orders = np.array(list(permutations(ranks[1]))) @ ranks[0] / norm
    found = float(ranks[0] @ ranks[1] / norm)
    return found, float((np.abs(orders) >= abs(found) - 1e-9).mean())


def _parts(X, y, X_val, y_val, rng):
    """Return formulas and labels to train on, and those to validate on."""
    if (X_val is None) != (y_val is None):
        raise ValueError("Give X_val and y_val both, or neither.")
    X, y = as_list(X), _one_target(y, X)
    if X_val is not None:
        return X, y, as_list(X_val), _one_target(y_val, X_val)
    groups = composition_groups(X)
    if not groups.any():
        raise ValueError("All rows have one composition: nothing can be held out. Give X_val and y_val.")
    split = GroupShuffleSplit(1, test_size=VALIDATION_SIZE, random_state=rng)
    train, test = next(split.split(X, y, groups))
    return [X[row] for row in train], y[train], [X[row] for row in test], y[test]


def _one_target(y, X):
    Y = check_targets(y, len(as_list(X)))
    if Y.shape[1] != 1:
        raise ValueError(f"y has {Y.shape[1]} targets, of which errors have no common unit: pass one.")
    return Y[:, 0]


def _networks(variants, references):
    """Return candidates and those references that are none of them, by name."""
    pairs = list(variants.items() if isinstance(variants, dict) else variants)
    candidates = dict(pairs)
    if not candidates or len(candidates) < len(pairs):
        raise ValueError(
            f"variants must be one or more, of different names; got {[name for name, _ in pairs]}."
        )
    for name, model in pairs:
        if not hasattr(model, "element_feature_map"):
            raise TypeError(f"The candidate {name!r}, a {type(model).__name__}, has no element_feature_map.")
    if isinstance(references, str) or len(references) != 2:
        raise ValueError(f"references must be two names, a global and a local one, got {references!r}.")
    first, others = pairs[0][1], {}
    for name in references:
        if name in candidates:
            continue
        if "variant" not in first.get_params(deep=False):
            raise ValueError(
                f"The reference {name!r} is none of the variants, and {type(first).__name__} has no "
                "parameter variant to set to it: add it to variants."
            )
        others[name] = clone(first).set_params(variant=name)
    return candidates, others


def _seeded(model, seed):
    model = clone(model)
    if model.get_params(deep=False).get("random_state", 0) is None:
        model.set_params(random_state=seed)
    return model


def _fit(model, X, y):
    require("skorch")  # the first network should not pay for the import
    start = perf_counter()
    model.fit(X, y)
    return model, perf_counter() - start


def _summary(table, correlation, p_value, n_compounds):
    """Say what the study shows, and no more."""
    candidates = table[table["role"] == "candidate"].set_index("name")
    blank = table[table["role"] == "random"].set_index("name")["distance"]
    n = len(candidates)
    best, nearest = candidates["mae"].idxmin(), candidates["distance"].idxmin()
    same = f"{best!r} has the lowest error" + (
        " and is nearest to the region" if best == nearest else f", {nearest!r} is nearest to the region"
    )
    closer = sum(candidates["distance"][name] < blank[f"{name}, random weights"] for name in candidates.index)
    text = [f"{n} candidate{'s' * (n > 1)}, {n_compounds} compounds: {same}."]
    if np.isnan(correlation):
        text.append("Their rank correlation is undefined" + (": three are needed." if n < 3 else "."))
    else:
        text.append(f"Rank correlation of distance and error: {correlation:+.2f} (p = {p_value:.2g}).")
        if n < 5:
            text.append("No order of so few could reach p < 0.05: this is no evidence either way.")
        elif p_value >= 0.05:
            text.append("It may well be chance: choose by the validation error.")
        elif correlation > 0:
            text.append("On these data a smaller distance went with a smaller error.")
        else:
            text.append("On these data a smaller distance went with a LARGER error: choose by the error.")
    text.append(f"Nearer to the region than with random weights: {closer} of {n}.")
    return " ".join(text)
