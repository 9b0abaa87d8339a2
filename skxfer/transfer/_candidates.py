"""What TransferCV lets compete: the source fine-tuned, frozen or corrected, none of it, a plain baseline."""

from contextlib import suppress

from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from ..featurizers import CompositionFeaturizer
from ..inputs import check_names, n_rows, take
from ..learners import is_fitted, predict_learner, starts_from_fitted
from ._feature import FeatureTransfer
from ._hierarchical import HierarchicalTransfer

# From this many rows on, boosting on histograms is both faster and as good.
MANY_ROWS = 5_000
# Parameters of a source that are about its one fit, and what they are for a learner derived from it.
# Each is set where the class of the source has it and accepts the value.
OF_ONE_FIT = {"calibration": None, "learning_rate": None, "max_epochs": None}


def check_sources(source):
    """Bring the ways to give sources into one form.

    Parameters
    ----------
    source : fitted estimator, list of (str, fitted estimator) or None

    Returns
    -------
    list of (name, fitted estimator)
        Without :class:`sklearn.frozen.FrozenEstimator` around them.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        A source that is not fitted, an entry of another form, two of one name.
    """
    if source is None:
        return []
    sources = []
    for entry in source if isinstance(source, (list, tuple)) else [("source", source)]:
        if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)):
            raise TypeError(
                f"source must be a fitted estimator or a list of (name, one), an entry is {entry!r}."
            )
        name, fitted = entry
        fitted = fitted.estimator if isinstance(fitted, FrozenEstimator) else fitted
        if not (hasattr(fitted, "transform") or hasattr(fitted, "predict")):
            raise TypeError(f"Source {name!r} must be a fitted estimator, it is {fitted!r}.")
        if not is_fitted(fitted):
            raise NotFittedError(
                f"Source {name!r} is not fitted: fit this {type(fitted).__name__} on its own rows first."
            )
        sources.append((name, fitted))
    check_names([name for name, _ in sources], "entries of source")
    return sources


def find_candidates(sources, estimator, extra, X, kind, n_targets):
    """List what competes.

    Parameters
    ----------
    sources : list of (name, fitted estimator)
    estimator : regressor or None
        Trained on the target; None: the first source's kind, or ExtraTreesRegressor.
    extra : list of (name, regressor or "drop") or None
        More of them; one with the name of a default replaces it.
    X : inputs of any kind
    kind : {"table", "formulas", "other"}
    n_targets : int

    Returns
    -------
    list of (name, regressor)

    Raises
    ------
    TypeError, ValueError
    """
    extra = list(extra or [])
    for entry in extra:
        is_pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
        if not is_pair or not (hasattr(entry[1], "fit") or entry[1] == "drop"):
            raise TypeError(f"candidates must be a list of (name, regressor) or (name, 'drop'): {entry!r}.")
    check_names([name for name, _ in extra], "entries of candidate")
    found = _defaults(sources, estimator, dict(extra), X, kind, n_targets)
    unknown = [name for name, given in extra if isinstance(given, str) and name not in found]
    if unknown:
        raise ValueError(f"There is no candidate {unknown[0]!r} to drop, only {list(found)}.")
    found |= dict(extra)
    kept = [(name, given) for name, given in found.items() if not isinstance(given, str)]
    if not kept:
        raise ValueError("No candidate is left: give source, estimator or candidates.")
    return kept


def uses_source(estimator):
    """Whether an estimator holds one that is fitted already, and so knows more than its training rows.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    kept = clone(estimator)  # what a fit forgets does not count
    return isinstance(kept, FrozenEstimator) or any(map(_holds_fit, kept.get_params().values()))


def _holds_fit(value):
    if isinstance(value, (list, tuple)):
        return any(map(_holds_fit, value))
    if isinstance(value, FrozenEstimator):
        return True
    if isinstance(value, type) or not (hasattr(value, "get_params") and hasattr(value, "fit")):
        return False
    return is_fitted(value) and getattr(get_tags(value), "requires_fit", True)


def _defaults(sources, estimator, extra, X, kind, n_targets):
    """Candidates by name, those without transfer first."""
    learner = estimator
    if learner is None and sources and hasattr(sources[0][1], "predict"):
        learner = _derived(sources[0][1])
    if learner is None and kind == "table":
        learner = ExtraTreesRegressor()
    found = {}
    if learner is not None:
        warm = _holds_fit(learner.get_params(deep=False).get("init"))
        found["scratch"] = _without(learner, ["init", "freeze"] if warm else ["freeze"])
    plain = _baseline(X, kind)
    if plain is not None:
        found["baseline"] = plain
    for name, fitted in sources:
        if learner is not None and isinstance(fitted, type(learner)) and starts_from_fitted(learner):
            label = "fine-tuned" if len(sources) == 1 else f"fine-tuned {name}"
            found[label] = clone(learner).set_params(init=FrozenEstimator(fitted))
    encoders = [(name, fitted) for name, fitted in sources if hasattr(fitted, "transform")]
    if encoders:
        found["frozen"] = FeatureTransfer([(name, FrozenEstimator(fitted)) for name, fitted in encoders])
    experts = [
        (name, FrozenEstimator(fitted)) for name, fitted in sources if _is_expert(fitted, X, n_targets)
    ]
    if experts:
        rest = extra.get("baseline", plain) if kind == "formulas" else learner
        if isinstance(rest, str) or rest is not None and uses_source(rest):
            rest = learner
        found["corrected"] = HierarchicalTransfer(
            rest,
            sources=experts,
            residual_estimator=None if rest is None else "same",
            strategy="frozen",
            guard=False,
        )
    return found


def _derived(source):
    """An unfitted learner of the source's kind, for rows and a use that are not those of the source."""
    bare = _without(source, ["init", "freeze", "sources", "source_domains"])
    accepted = getattr(type(bare), "_parameter_constraints", {})
    for name, value in OF_ONE_FIT.items():
        if name in accepted and name in bare.get_params(deep=False):
            with suppress(InvalidParameterError):
                validate_parameter_constraints({name: accepted[name]}, {name: value}, type(bare).__name__)
                bare.set_params(**{name: value})
    return bare


def _is_expert(fitted, X, n_targets):
    """Whether the predictions of a source are for correction; one with features may predict what it likes."""
    if not hasattr(fitted, "transform"):
        return True
    if not (hasattr(fitted, "predict") and is_regressor(fitted)):
        return False
    return predict_learner(fitted, take(X, [0])).shape[1] == n_targets


def _without(learner, names):
    """A clone of the learner, with these parameters, if it has them, set to None."""
    bare = clone(learner)
    params = bare.get_params(deep=False)
    return bare.set_params(**{name: None for name in names if name in params})


def _baseline(X, kind):
    """Gradient boosting, on descriptors of the composition where X holds formulas; None for other objects."""
    if kind == "other":
        return None
    if n_rows(X) > MANY_ROWS and not sparse.issparse(X):
        boosting = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=0)
    else:
        boosting = GradientBoostingRegressor(
            n_estimators=300, learning_rate=0.05, max_depth=4, max_features=0.2, subsample=0.7, random_state=0
        )
    return boosting if kind == "table" else make_pipeline(CompositionFeaturizer("magpie"), boosting)
