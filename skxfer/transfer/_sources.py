"""Sources that are trained already: the ways to give them, and what is checked."""

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from ..domains import check_source_names
from ..inputs import check_names, take
from ..learners import check_regressor, is_fitted, predict_learner


def check_sources(sources):
    """Bring the ways to give trained sources into one form.

    Parameters
    ----------
    sources : fitted estimator, list of (str, fitted estimator) or None

    Returns
    -------
    list of (name, fitted estimator)
        Without :class:`sklearn.frozen.FrozenEstimator` around them.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        A source that is not fitted, an entry of another form, a classifier without ``transform``, two of one
        name.
    """
    if sources is None:
        return []
    checked = []
    for entry in sources if isinstance(sources, (list, tuple)) else [("source", sources)]:
        if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)):
            raise TypeError(
                "sources must be a fitted estimator or a list of (name, fitted estimator), an entry is "
                f"{entry!r}."
            )
        name, fitted = entry
        fitted = fitted.estimator if isinstance(fitted, FrozenEstimator) else fitted
        if not (hasattr(fitted, "transform") or hasattr(fitted, "predict")):
            raise TypeError(f"Source {name!r} must be a fitted estimator, it is {fitted!r}.")
        if not is_fitted(fitted):
            raise NotFittedError(
                f"Source {name!r} is not fitted: fit this {type(fitted).__name__} on its own rows first. If "
                "it was fitted, `clone` reset it: wrap it in sklearn.frozen.FrozenEstimator."
            )
        if not hasattr(fitted, "transform"):
            check_regressor(fitted, f"Source {name!r}")
        checked.append((name, fitted))
    check_names([name for name, _ in checked], "sources")
    return checked


def check_sources_fit_problem(problem):
    """Check trained sources against the rows they are to help with.

    Parameters
    ----------
    problem : Problem

    Raises
    ------
    ValueError
        A source has the name of a domain, was trained on another number of features, or can only predict and
        predicts another number of targets.
    """
    check_source_names([name for name, _ in problem.trained], problem.source_rows, problem.domain)
    here = getattr(problem.X, "shape", (0, None))[1:]
    for name, model in problem.trained:
        there = getattr(model, "n_features_in_", None)
        if there is not None and here not in ((), (there,)):
            raise ValueError(f"Source {name!r} was trained on {there} features, X has {here[0]}.")
        if hasattr(model, "transform"):
            continue
        n_targets = predict_learner(model, take(problem.X, [0])).shape[1]
        if n_targets != problem.n_targets:
            raise ValueError(
                f"Source {name!r} predicts {n_targets} target(s), y has {problem.n_targets}: "
                "train it on the targets of y, in their order."
            )
