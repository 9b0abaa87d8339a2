"""Inputs as the learner sees them, for strategies that compare, map or widen inputs."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from ...folds import NumericView
from ...formulas import parse_formulas
from ...inputs import take
from ...learners import fit_learner, inner_learner, inner_pipeline, innermost, predict_learner

SEARCHES = (GridSearchCV, RandomizedSearchCV)


def no_numbers(problem, *, whole=False):
    """Return why inputs cannot be compared as numbers, None if they can.

    Parameters
    ----------
    problem : Problem
    whole : bool, default=False
        Whether the numbers must be all that the learner sees, so that it can be trained on them.

    Returns
    -------
    str or None
    """
    learner = problem.learner
    if learner is None:
        return "there is no learner: set estimator"
    if whole and _searches_the_head(learner):
        return "the search varies steps before the learner, which this strategy fits on its own"
    if problem.kind == "table" or inner_pipeline(learner) is not None:
        return None
    if problem.kind == "formulas" and not whole:
        return None
    name = type(inner_learner(learner)).__name__
    if isinstance(problem.X, pd.DataFrame) and problem.X.shape[1] > 1:
        if not whole and len(problem.X.select_dtypes(["number", "bool"]).columns):
            return None
        return f"X has columns that hold no numbers: put a transformer before {name} in a Pipeline"
    return f"{name} reads the rows, which are no numbers, by itself: put a featurizer before it in a Pipeline"


def no_further_columns(problem):
    """Return why the learner cannot see columns next to its own, None if it can.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    str or None
    """
    why = no_numbers(problem, whole=True)
    if why is None:
        roots = {base.__module__.partition(".")[0] for base in type(innermost(problem.learner)).__mro__}
        if "skorch" in roots and "skxfer" not in roots:
            return "the network's module has a fixed number of inputs"
    return why


def fit_numbers(problem):
    """Set ``view``, ``numbers`` and ``numbers_deploy`` of a problem, unless that is done.

    What comes before the learner in its Pipeline is fitted on all rows, with the labels of the sources alone,
    so that no label of a held-out row has a part in it.

    Parameters
    ----------
    problem : Problem
    """
    if problem.view is not None:
        return
    Y = problem.Y.copy()
    Y[problem.target] = np.nan
    if np.isnan(Y).all(axis=0).any():
        Y = np.zeros(Y.shape)
    view = NumericView(problem.learner, _fractions if problem.kind == "formulas" else _refuse)
    rows = np.concatenate([problem.source_row_numbers, problem.target])
    problem.view = view.fit(take(problem.X, rows), Y[rows])
    problem.numbers = problem.view(problem.X)
    if problem.X_deploy is not None:
        problem.numbers_deploy = problem.view(problem.X_deploy)


def target_numbers(problem, rows):
    """Return the inputs of some target rows and of the rows to be predicted, as numbers.

    Parameters
    ----------
    problem : Problem
    rows : ndarray of int

    Returns
    -------
    ndarray of shape (n_rows + n_deploy, n_columns)
    """
    parts = [problem.numbers[rows]]
    if problem.numbers_deploy is not None:
        parts.append(problem.numbers_deploy)
    return np.concatenate(parts)


def _fractions(X):
    """Atomic fractions of formulas."""
    return parse_formulas(X).toarray()


def _refuse(X):
    raise ValueError(
        "What the learner sees is no table of numbers: put a transformer that makes numbers before it, in a "
        "Pipeline."
    )


def heads(learner):
    """Return the steps before a learner: of its Pipeline, then of a Pipeline inside that one, and so on.

    Parameters
    ----------
    learner : regressor

    Returns
    -------
    list of Pipeline
    """
    pipeline = inner_pipeline(learner)
    return [] if pipeline is None else [pipeline[:-1], *heads(pipeline[-1])]


def without_head(learner, *, deep=False):
    """Return a clone of a learner that takes what the steps before it in its Pipeline would give.

    Parameters
    ----------
    learner : regressor
    deep : bool, default=False
        Also without the steps of a Pipeline inside that one.

    Returns
    -------
    regressor
        With the same nesting; steps before the last one pass their input on.
    """
    model = clone(learner)
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        steps = [(name, "passthrough") for name, _ in model.steps[:-1]]
        name, last = model.steps[-1]
        last = without_head(last, deep=True) if deep else last
        return Pipeline([*steps, (name, last)], memory=model.memory)
    if isinstance(model, Pipeline):
        return model.set_params(**{model.steps[-1][0]: without_head(model.steps[-1][1], deep=deep)})
    if isinstance(model, TransformedTargetRegressor) and model.regressor is not None:
        return model.set_params(regressor=without_head(model.regressor, deep=deep))
    if isinstance(model, SEARCHES):
        return model.set_params(estimator=without_head(model.estimator, deep=deep))
    return model


def _searches_the_head(learner):
    """Whether a search around the learner tries values for steps before it."""
    while learner is not None:
        if isinstance(learner, SEARCHES):
            pipeline = inner_pipeline(learner)
            if pipeline is None:
                return False
            spaces = learner.param_grid if isinstance(learner, GridSearchCV) else learner.param_distributions
            names = {name for space in ([spaces] if isinstance(spaces, dict) else spaces) for name in space}
            head = {name for part in heads(pipeline) for name, _ in part.steps}
            return any(head & set(name.split("__")) for name in names)
        learner = getattr(learner, "regressor", None)
    return False


class WithColumns(BaseEstimator):
    """A learner that sees columns of its own next to what comes out of the steps before it.

    Parameters
    ----------
    learner : regressor
        If it is a Pipeline, the columns join before its last step, so that no scaler makes much of a rare
        domain. They are multiplied by the root mean square deviation of the columns they join, so that they
        are of the same size.
    """

    def __init__(self, learner):
        self.learner = learner

    def fit(self, X, columns, Y, sample_weight=None, seed=None, metadata=None):
        """Fit on inputs X of any kind, columns of shape (n_samples, n_columns) and labels Y."""
        y = np.where(np.isnan(Y), np.nanmean(Y, axis=0), Y)[:, 0]
        self.heads_ = []
        for head in heads(self.learner):
            self.heads_.append(clone(head).fit(X, y))
            X = self.heads_[-1].transform(X)
        self.size_ = _deviation(X)
        learner = without_head(self.learner, deep=True)
        joined = self._join(X, columns)
        self.model_ = fit_learner(
            learner, joined, Y, sample_weight=sample_weight, seed=seed, metadata=metadata
        )
        return self

    def predict(self, X, columns):
        """Predict all targets, shape (n_samples, n_targets)."""
        for head in self.heads_:
            X = head.transform(X)
        return predict_learner(self.model_, self._join(X, columns))

    def _join(self, Z, columns):
        columns = columns * self.size_
        if sparse.issparse(Z):
            return sparse.hstack([Z, sparse.csr_array(columns)], format="csr")
        if isinstance(Z, pd.DataFrame):
            names = [f"skxfer {k}" for k in range(columns.shape[1])]
            return pd.concat([Z, pd.DataFrame(columns, columns=names, index=Z.index)], axis=1)
        return np.hstack([Z, columns])


def _deviation(Z):
    """Root mean square of the standard deviations of columns of numbers, 1 if nothing varies."""
    if isinstance(Z, pd.DataFrame):
        Z = Z.select_dtypes(["number", "bool"]).to_numpy(dtype=float)
    if sparse.issparse(Z):
        variance = Z.multiply(Z).mean(axis=0) - np.square(Z.mean(axis=0))
    else:
        variance = np.nanvar(np.asarray(Z, dtype=float), axis=0) if Z.shape[1] else np.zeros(1)
    return float(np.sqrt(np.mean(variance))) or 1.0
