"""Ready-made learners for the studies, with settings that are sensible for small tables."""

import difflib
import importlib.util

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from .._optional import install_hint
from ..featurizers import ClippedScaler
from ._kinds import check_regressor

LEARNERS = ("rf", "et", "svr", "xgb", "knn", "mlp", "ridge", "krr", "gp")


def default_learners(names=("rf", "svr", "xgb", "knn", "mlp"), random_state=None):
    """Make regressors with settings that are sensible for tables of 10 to 10 000 rows.

    Those that need it scale inputs with
    :class:`~skxfer.featurizers.ClippedScaler` and targets to unit variance.

    Parameters
    ----------
    names : list of str
        Of ``"rf"`` (random forest), ``"et"`` (extremely randomised trees),
        ``"svr"``, ``"xgb"`` (XGBoost), ``"knn"``, ``"mlp"``, ``"ridge"``,
        ``"krr"`` (kernel ridge, Laplacian) and ``"gp"`` (Gaussian process).
    random_state : int or None, default=None

    Returns
    -------
    dict of str to regressor
        Without xgboost installed, ``"xgb"`` is a stand-in whose ``fit`` says what to install.

    Raises
    ------
    ValueError
        An unknown name.

    Examples
    --------
    >>> from skxfer.learners import default_learners
    >>> list(default_learners(["svr", "knn"]))
    ['svr', 'knn']
    """
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in LEARNERS:
            close = difflib.get_close_matches(str(name).lower(), LEARNERS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"There is no learner {name!r}; choose from {', '.join(LEARNERS)}.{hint}")
    return {name: _make_learner(name, random_state) for name in names}


class BinaryScaler(TransformerMixin, BaseEstimator):
    """Divide each column by the power of two next to its standard deviation.

    Nothing is rounded, so trees split as they would without it, except that numbers are neither too small nor
    too large for them.

    Attributes
    ----------
    scale_ : ndarray of shape (n_columns,)
    """

    def fit(self, y, _=None):
        """Find the scale of labels, shape (n_samples, n_columns)."""
        deviation = np.std(y, axis=0)
        self.scale_ = np.exp2(np.round(np.log2(np.where(deviation > 0, deviation, 1.0))))
        return self

    def transform(self, y):
        """Divide labels by their scale."""
        return y / self.scale_

    def inverse_transform(self, y):
        """Multiply by the scale."""
        return y * self.scale_


def default_learner():
    """Make the learner of estimators that are given none: extra trees, on labels of about unit variance.

    Trees of scikit-learn stop splitting below a variance of 2e-16 in the unit of y.

    Returns
    -------
    regressor
    """
    return TransformedTargetRegressor(ExtraTreesRegressor(), transformer=BinaryScaler())


def _make_learner(name, seed):
    if name in ("rf", "et"):
        # A third of the features per split is the classic choice for regression forests.
        forest, share = (RandomForestRegressor, 1 / 3) if name == "rf" else (ExtraTreesRegressor, 1.0)
        # One tree serves all targets: unscaled, the one with the largest numbers would choose the splits.
        return TransformedTargetRegressor(
            forest(100, max_features=share, random_state=seed, n_jobs=1), transformer=StandardScaler()
        )
    if name == "xgb":
        if importlib.util.find_spec("xgboost") is None:
            return MissingLearner(f"xgb needs xgboost: {install_hint('xgboost')}")
        from xgboost import XGBRegressor

        boosting = XGBRegressor(
            n_estimators=200,
            learning_rate=0.1,
            max_depth=4,
            subsample=0.8,
            colsample_bytree=0.8,
            max_bin=64,  # tables this small have no more to tell; twice as fast
            n_jobs=1,
            random_state=seed,
        )
        # It stops splitting below a fixed loss, 1e-6, and counts in single precision.
        return TransformedTargetRegressor(boosting, transformer=StandardScaler())
    learner = {
        "svr": SVR(C=10, epsilon=0.01, tol=1e-2),
        "knn": KNeighborsRegressor(5, weights="distance"),
        # On few rows L-BFGS beats Adam, in time and error.
        "mlp": MLPRegressor(
            hidden_layer_sizes=(48, 48), solver="lbfgs", alpha=1.0, max_iter=100, random_state=seed
        ),
        "ridge": RidgeCV(alphas=np.logspace(-4, 3, 15)),
        "krr": KernelRidge(kernel="laplacian", gamma=0.05, alpha=1e-3),
        "gp": GaussianProcessRegressor(
            ConstantKernel() * Matern(5.0, nu=2.5) + WhiteKernel(1e-3),
            optimizer=_few_steps,
            random_state=seed,
        ),
    }[name]
    return TransformedTargetRegressor(make_pipeline(ClippedScaler(), learner), transformer=StandardScaler())


def _few_steps(objective, theta, bounds):
    """Optimise a kernel in few evaluations, each of which costs n³."""
    found = minimize(objective, theta, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxfun": 15})
    return found.x, found.fun


class MissingLearner(RegressorMixin, BaseEstimator):
    """Stand-in for a learner whose package is not installed: fit raises ImportError(message)."""

    def __init__(self, message=""):
        self.message = message

    def fit(self, X, y, sample_weight=None):
        """Raise."""
        raise ImportError(self.message)

    def predict(self, X):
        """Raise."""
        raise ImportError(self.message)


def check_learners(estimators, featurizer):
    """Return a dict of learners by name, each behind the featurizer if there is one."""
    if isinstance(estimators, dict):
        learners = dict(estimators)
    elif isinstance(estimators, str) or all(isinstance(name, str) for name in estimators):
        learners = default_learners(estimators)
    else:
        raise TypeError("estimators must be a dict of name to regressor or a list of short names.")
    for name, learner in learners.items():
        check_regressor(learner, f"The learner {name!r}")
    if not learners:
        raise ValueError("estimators is empty: name at least one learner.")
    if featurizer is not None:
        learners = {
            name: Pipeline([("featurizer", clone(featurizer)), ("learner", model)])
            for name, model in learners.items()
        }
    return learners
