"""Sources that are trained already: the ways to give them, and what is checked."""

import os
from pathlib import Path

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from ..domains import check_source_names
from ..inputs import check_names, take
from ..learners import check_regressor, is_fitted, predict_learner


def check_sources(sources, skipped):
    """Bring the ways to give trained sources into one form.

    Parameters
    ----------
    sources : fitted estimator, list of (str, fitted estimator), path of a folder, or None
    skipped : dict of str to str
        Gets the reason for each file of a folder that is no source.

    Returns
    -------
    list of (name, fitted estimator)
        Without :class:`sklearn.frozen.FrozenEstimator` around them.

    Raises
    ------
    NotADirectoryError, NotFittedError, TypeError, ValueError
        A path that is not a folder with saved models, a source that is not fitted, an entry of another form,
        a classifier without ``transform``, two sources of one name.
    """
    if sources is None:
        return []
    if is_folder(sources):
        return _load_all(Path(sources), skipped)
    checked = []
    for entry in sources if isinstance(sources, (list, tuple)) else [("source", sources)]:
        if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)):
            raise TypeError(
                "sources must be a fitted estimator or a list of (name, fitted estimator), an entry is "
                f"{entry!r}."
            )
        checked.append((entry[0], _checked(*entry)))
    check_names([name for name, _ in checked], "sources")
    return checked


def _checked(name, fitted):
    """Return a source without what keeps it frozen, if it is fitted and may be one."""
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
    return fitted


def is_folder(sources):
    """Whether sources are given as the path of a folder.

    Parameters
    ----------
    sources : as in :func:`check_sources`

    Returns
    -------
    bool
    """
    return isinstance(sources, (str, os.PathLike))


def _load_all(folder, skipped):
    """Load the saved models of a folder that can be sources, named like their files."""
    from ..io import load

    if not folder.is_dir():
        raise NotADirectoryError(
            f"sources must be fitted estimators or the path of a folder, {str(folder)!r} is no folder. "
            "Labels in sample_domain go into source_domains."
        )
    paths = sorted(folder.glob("*.skxfer"))
    if not paths:
        raise ValueError(f"The folder {str(folder)!r} holds no saved model (*.skxfer): see skxfer.save.")
    found = []
    for path in paths:
        try:
            found.append((path.stem, _checked(path.stem, load(path))))
        except Exception as error:  # a shelf may hold other things, or a file that is cut off
            skipped[f"source {path.stem}"] = f"it is no source: {error}"
    return found


def check_sources_fit_problem(problem, skipped, *, may_leave_out=False):
    """Check trained sources against the rows they are to help with.

    Parameters
    ----------
    problem : Problem
    skipped : dict of str to str
        Gets the reason for each source that is left out.
    may_leave_out : bool, default=False
        Whether a source that does not fit is left out, and no error.

    Raises
    ------
    ValueError
        A source has the name of a domain, was trained on another number of features, or can only predict and
        predicts another number of targets.
    """
    check_source_names([name for name, _ in problem.trained], problem.source_rows, problem.domain)
    fitting = []
    for name, model in problem.trained:
        try:
            _check_fits(name, model, problem)
            if may_leave_out and hasattr(model, "predict"):
                predict_learner(model, take(problem.X, [0]))
        except Exception as error:
            if not may_leave_out:
                raise
            skipped[f"source {name}"] = f"it does not fit X and y: {error}"
        else:
            fitting.append((name, model))
    problem.trained = fitting
    if may_leave_out and not fitting:
        reasons = "; ".join(f"{name}: {why}" for name, why in skipped.items())
        raise ValueError(f"No model of the folder in sources can be used here. {reasons}")


def _check_fits(name, model, problem):
    here = getattr(problem.X, "shape", (0, None))[1:]
    there = getattr(model, "n_features_in_", None)
    if there is not None and here not in ((), (there,)):
        raise ValueError(f"Source {name!r} was trained on {there} features, X has {here[0]}.")
    if hasattr(model, "transform"):
        return
    n_targets = predict_learner(model, take(problem.X, [0])).shape[1]
    if n_targets != problem.n_targets:
        raise ValueError(
            f"Source {name!r} predicts {n_targets} target(s), y has {problem.n_targets}: "
            "train it on the targets of y, in their order."
        )
