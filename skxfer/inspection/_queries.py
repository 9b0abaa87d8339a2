"""What displays ask of models: predictions with their uncertainty, one target of several, feature maps."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline

from .. import learners
from ..formulas import ELEMENTS, parse_formulas
from ..inputs import n_rows, name_targets
from ..learners import NoStdError, predict_learner
from ..model_selection.clustering_vectors import check_method


def predict_with_std(estimator, X):
    """Predict, with standard deviations where the model knows them.

    Parameters
    ----------
    estimator : fitted regressor, Pipeline or search
        Its last step is asked for ``predict(X, return_std=True)`` if it has that.
    X : array-like or sequence of length n_samples

    Returns
    -------
    prediction : ndarray of shape (n_samples, n_targets)
    std : ndarray of the same shape, or None
    """
    try:
        return learners.predict_with_std(estimator, X)
    except (NoStdError, ValueError):
        # Some know it only when fitted for it, as HMNNRegressor with cv; other faults show again here.
        return predict_learner(estimator, X), None


def features_of(estimator, X):
    """Return what a model makes of X before its last step, as a dense array.

    Parameters
    ----------
    estimator : fitted estimator with ``transform``, Pipeline or search
        Of a pipeline whose last step has no ``transform``, the steps before it count.
    X : array-like or sequence of length n_samples

    Returns
    -------
    ndarray of shape (n_samples, n_features)
    """
    model = getattr(estimator, "best_estimator_", estimator)
    if not hasattr(model, "transform"):
        if not isinstance(model, Pipeline) or len(model) < 2:
            raise TypeError(
                f"{type(model).__name__} has no transform: pass an LGDCNNRegressor or a pipeline, or give "
                "its features to from_features."
            )
        model = model[:-1]
    features = model.transform(X)
    return features.toarray() if sparse.issparse(features) else np.asarray(features, dtype=np.float64)


def names_of_targets(estimator, y, n_targets):
    """Return the names of a model's targets: those of y, else those it was fitted on, else "prediction"."""
    own = getattr(estimator, "target_names_", None)
    named = list(getattr(y, "columns", [getattr(y, "name", None)]))
    if len(named) == n_targets and named[0] is not None:
        return [str(name) for name in named]
    if own is not None and len(own) == n_targets:
        return [str(name) for name in own]
    return ["prediction"] if y is None and n_targets == 1 else name_targets(None, n_targets, None)


def target_index(target, names):
    """Return the position of a target that is given by name or number; None stands for the only one."""
    names = list(names)
    if target is None and len(names) == 1:
        return 0
    if target is None:
        raise ValueError(f"There are {len(names)} targets: name one, target={names[0]!r} say, of {names}.")
    if target in names:
        return names.index(target)
    if isinstance(target, Integral) and 0 <= target < len(names):
        return int(target)
    raise ValueError(f"There is no target {target!r}: choose from {names}.")


def contributions_of(estimator, X, target=None):
    """Return what each element adds to one target.

    Parameters
    ----------
    estimator : fitted LGDCNNRegressor
    X : sequence of length n_samples
        Formulas.
    target : str or int, optional

    Returns
    -------
    DataFrame of shape (n_samples, n_elements)
        Columns are symbols, NaN where a formula lacks an element.
    """
    check_method(estimator, "element_contributions")
    table = estimator.element_contributions(X)
    if table.columns.nlevels == 1:
        return table
    names = list(table.columns.unique(0))
    return table[names[target_index(target, names)]]


def check_symbols(symbols, name):
    """Raise an error for a symbol that is no element."""
    unknown = [symbol for symbol in symbols if symbol not in ELEMENTS]
    if unknown:
        raise ValueError(f"{name} has {unknown[0]!r}, which is no element.")


def rows_containing(X, containing):
    """Return the rows of formulas that contain all of some elements.

    Parameters
    ----------
    X : sequence of length n_samples
    containing : str, list of str or None
        Symbols. None: all rows, and X need not be formulas.

    Returns
    -------
    ndarray of int
    """
    if containing is None:
        return np.arange(n_rows(X))
    symbols = [containing] if isinstance(containing, str) else list(containing)
    check_symbols(symbols, "containing")
    fractions = parse_formulas(X)[:, [ELEMENTS.index(symbol) for symbol in symbols]]
    rows = np.flatnonzero((fractions.toarray() > 0).all(axis=1))
    if not rows.size:
        raise ValueError(f"None of the {n_rows(X)} formulas contains {' and '.join(symbols)}.")
    return rows
