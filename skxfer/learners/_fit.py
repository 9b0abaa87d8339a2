"""Fit and predict with any learner: several targets, missing labels, seeds, single precision."""

from contextlib import contextmanager

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils import check_random_state
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from ..inputs import n_rows, take
from ._kinds import (
    cast_inputs,
    inner_learner,
    layers,
    package_of,
    supports_multi_output,
    takes_missing_labels,
    weight_name,
)


def fit_learner(estimator, X, Y, *, sample_weight=None, seed=None, metadata=None):
    """Fit a clone of any learner on labels that may be several and may be missing.

    Parameters
    ----------
    estimator : estimator
        Never changed.
    X : array-like or sequence of length n_samples
    Y : ndarray of shape (n_samples, n_targets)
        NaN marks a missing label.
    sample_weight : ndarray of shape (n_samples,), optional
    seed : int, optional
        Sets every ``random_state`` in the learner, and torch's generator for the duration.
    metadata : dict of str to ndarray of shape (n_samples,), optional
        More arguments of the learner's ``fit``.

    Returns
    -------
    fitted estimator
        One :class:`PerTarget` where the learner takes one target only, or no missing labels and some are.
    """
    model = clone(estimator)
    if seed is not None:
        set_seed(model, seed)
    missing = np.isnan(Y).any() and not takes_missing_labels(model, Y)
    if missing or (Y.shape[1] > 1 and not supports_multi_output(model)):
        model = PerTarget(model)
    with seeded_torch(model, seed):
        return fit_in_place(model, X, Y, sample_weight, **metadata or {})


def predict_learner(model, X, *, n_targets=None, finite=True):
    """Predict with any fitted learner, and check what it returns.

    Parameters
    ----------
    model : fitted estimator
    X : array-like or sequence of length n_samples
    n_targets : int, optional
        Number of columns that the prediction must have. Default: not checked.
    finite : bool, default=True
        Whether NaN and infinity in the prediction are an error.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_targets)

    Raises
    ------
    ValueError
        The learner returned something other than one row of real numbers per row of X.
    """
    with torch_kept(model):
        returned = model.predict(cast_inputs(model, X))
    name, n_samples = type(inner_learner(model)).__name__, n_rows(X)
    try:
        if returned is None:
            raise TypeError("predict returned nothing")
        prediction = np.asarray(returned)
        if prediction.dtype.kind == "c":
            raise TypeError("they are complex")
        prediction = prediction.astype(np.float64)
    except (TypeError, ValueError) as error:
        kind = type(returned).__name__
        raise ValueError(f"The predictions of {name} ({kind}) are not real numbers: {error}.") from error
    shape = prediction.shape
    prediction = prediction[:, None] if prediction.ndim == 1 else prediction
    if prediction.ndim != 2 or len(prediction) != n_samples or n_targets not in (None, prediction.shape[1]):
        expected = f"({n_samples}, {'n_targets' if n_targets is None else n_targets})"
        expected += f" or ({n_samples},)" if n_targets in (None, 1) else ""
        raise ValueError(f"The predictions of {name} have the shape {shape}, expected {expected}.")
    if finite and not np.isfinite(prediction).all():
        row, column = np.argwhere(~np.isfinite(prediction))[0]
        raise ValueError(
            f"{name} predicts {prediction[row, column]} for row {row} of {n_samples}, target {column}: its "
            "training diverged, or it cannot handle this input. Scale the inputs and targets, or choose "
            "another learner."
        )
    return prediction


class PerTarget(RegressorMixin, BaseEstimator):
    """One clone of a learner per target, each fitted on the rows that have its label.

    A target without any label in these rows is predicted as 0: the learner
    knows nothing of it, and a linear model on top ignores the constant.

    Parameters
    ----------
    estimator : estimator

    Attributes
    ----------
    estimators_ : list of fitted estimators
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, Y, sample_weight=None, **metadata):
        """Fit one learner per column of Y, shape (n_samples, n_targets)."""
        from sklearn.dummy import DummyRegressor

        self.estimators_ = []
        for y in Y.T:
            rows = np.flatnonzero(~np.isnan(y))
            if not rows.size:
                model = DummyRegressor(strategy="constant", constant=0.0).fit(np.zeros((1, 1)), [0.0])
            else:
                weight = None if sample_weight is None else sample_weight[rows]
                here = {name: value[rows] for name, value in metadata.items()}
                model = fit_in_place(clone(self.estimator), take(X, rows), y[rows][:, None], weight, **here)
            self.estimators_.append(model)
        return self

    def predict(self, X):
        """Predict all targets, shape (n_samples, n_targets)."""
        check_is_fitted(self)
        return np.hstack([predict_learner(model, X, n_targets=1) for model in self.estimators_])


def fit_in_place(model, X, Y, sample_weight, **fit_params):
    """Fit in place, with X and y in the form that the learner takes, and return the model."""
    if sample_weight is not None:
        fit_params |= {weight_name(model): sample_weight}
    if isinstance(model, PerTarget):
        return model.fit(X, Y, **fit_params)
    inner, n_targets = inner_learner(model), Y.shape[1]
    if package_of(inner) == "skorch":
        transformed = any(isinstance(layer, TransformedTargetRegressor) for layer in layers(model))
        if transformed and Y.shape[1] == 1 and parse_version(sklearn.__version__) < parse_version("1.7.2"):
            raise RuntimeError(
                "A network in a TransformedTargetRegressor needs scikit-learn >= 1.7.2: earlier ones hand it "
                "y without its second axis, and torch then learns the wrong thing in silence."
            )
        model.fit(cast_inputs(model, X), Y.astype(np.float32), **fit_params)
        width = predict_learner(model, take(X, [0]), finite=False).shape[1]
        if width != n_targets:
            raise ValueError(
                f"The network predicts {width} value(s) and is trained on {n_targets} target(s): give its "
                "module as many outputs as there are targets, but one where labels are missing, since then "
                "each target has its own network."
            )
        return model
    if Y.shape[1] == 1 and not isinstance(inner, MultiOutputRegressor):
        Y = Y.ravel()
    model.fit(X, Y, **fit_params)
    if type(inner).__module__.partition(".")[0] not in ("sklearn", "skxfer", "xgboost"):
        # A wrong number of columns would be broadcast later on, or shift those of other targets.
        predict_learner(model, take(X, [0]), n_targets=n_targets, finite=False)
    return model


def set_seed(model, seed):
    rng = check_random_state(seed)
    for name in sorted(model.get_params(deep=True)):
        *path, last = name.split("__")
        if last == "random_state" and "init" not in path:  # what training starts from is the caller's
            model.set_params(**{name: rng.randint(np.iinfo(np.int32).max)})


@contextmanager
def seeded_torch(model, seed):
    """Seed torch for a network and give the caller its generator back."""
    if seed is None or package_of(inner_learner(model)) != "skorch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def torch_kept(model):
    """Give the caller torch's generator back, of which a data loader takes a number even to predict."""
    if package_of(inner_learner(model)) != "skorch":
        yield
        return
    import torch

    with torch.random.fork_rng(devices=[]):
        yield
