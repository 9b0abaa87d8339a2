"""Parameters that hold fitted estimators: cloning and tuning leave them as they are."""

import copy
import os

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted


class KeepsFitted:
    """Mixin for estimators with a parameter that holds what was fitted elsewhere.

    ``clone`` (as in GridSearchCV) would forget that fit, and ``set_params`` or
    a seed would reach into an object that belongs to the caller. The parameter
    named by ``_kept`` is handed on as it is and is no way to its inside.
    """

    _kept: str

    def __sklearn_clone__(self):
        """Return an unfitted copy that shares the fitted parameter."""
        bare = copy.copy(self)
        setattr(bare, self._kept, None)
        clone = super(KeepsFitted, bare).__sklearn_clone__()
        return clone.set_params(**{self._kept: getattr(self, self._kept)})

    def get_params(self, deep=True):
        """Return the parameters, without those inside the fitted one.

        Parameters
        ----------
        deep : bool, default=True
            Also those of unfitted estimators inside.

        Returns
        -------
        dict of str to value
        """
        inside = f"{self._kept}__"
        params = super().get_params(deep=deep)
        return {name: value for name, value in params.items() if not name.startswith(inside)}

    def set_params(self, **params):
        """Set parameters, but none inside the fitted one.

        Parameters
        ----------
        **params : name and value

        Returns
        -------
        self

        Raises
        ------
        ValueError
            A parameter inside the fitted estimator.
        """
        inside = [name for name in params if name.startswith(f"{self._kept}__")]
        if inside:
            raise ValueError(
                f"{inside[0]!r} lies inside a fitted estimator, which {type(self).__name__} leaves as it is: "
                f"fit another one with it and set {self._kept}."
            )
        return super().set_params(**params)


def is_fitted(estimator):
    """Whether an estimator of any package is fitted."""
    try:
        check_is_fitted(estimator)
    except Exception:  # skorch raises one of its own
        return False
    return True


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
    values = [kept, *kept.get_params().values()]
    return isinstance(kept, FrozenEstimator) or any(holds_fit(v) or _names_folder(v) for v in values)


def _names_folder(value):
    """Whether an estimator will load what was fitted from a folder."""
    return isinstance(value, KeepsFitted) and isinstance(getattr(value, value._kept), (str, os.PathLike))


def holds_fit(value):
    """Whether a value of a parameter is a fitted estimator, or a list that holds one."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_fit, value))
    if isinstance(value, FrozenEstimator):
        return True
    if isinstance(value, type) or not (hasattr(value, "get_params") and hasattr(value, "fit")):
        return False
    return is_fitted(value) and getattr(get_tags(value), "requires_fit", True)


def without_start(learner, also=()):
    """Return a clone of a learner that starts from nothing.

    Parameters
    ----------
    learner : estimator
    also : list of str
        More parameters that are set to None, where there are such.

    Returns
    -------
    estimator
        Its parameters ``init``, if it is fitted, and ``freeze`` are None.
    """
    bare = clone(learner)
    params = bare.get_params(deep=False)
    names = ["freeze", *also] + (["init"] if holds_fit(params.get("init")) else [])
    return bare.set_params(**{name: None for name in names if name in params})
