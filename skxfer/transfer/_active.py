"""ActiveTransfer: choose rows, have them labelled, fit again, and stop when more labels no longer pay."""

from inspect import signature
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._real_numbers import as_numbers
from ..acquisition import GOALS, best_label, check_goal, distance_to_goal, expected_improvement
from ..domains import ScoresTarget
from ..inputs import (
    check_groups,
    check_inputs,
    check_sample_domain,
    check_targets,
    n_rows,
    naming_missing_values,
    take,
)
from ..learners import (
    NoStdError,
    check_regressor,
    default_learner,
    input_tags,
    predict_learner,
    predict_with_std,
)
from ._committee import N_PARTS, Committee, fit_with
from ._routing import RoutesMetadata
from ._rows import join_rows, read_inputs
from ._suggest import find_target, predict_in_chunks, suggest_rows

DEFAULT_MEMBERS = 6


class ActiveTransfer(RoutesMetadata, ScoresTarget, RegressorMixin, BaseEstimator):
    """Choose which rows to label next, learn from them, and say when to stop.

    The loop of active transfer [1]_ around any learner: ``fit`` on the sources and the first target rows,
    ``suggest`` rows to label, ``tell`` their labels, which fits again on all rows, and so on.
    ``stop_`` says whether it is time to stop and ``reason_`` why. In between, it
    predicts like the learner.

    Parameters
    ----------
    estimator : regressor, optional
        Any learner, usually a :class:`HierarchicalTransfer` with `source_domains`. Default: extra trees.
    goal : {"explore", "maximize", "minimize"} or float, default="explore"
        What the labels are for: a better model everywhere, the largest value, the smallest value, or the
        value nearest to a number, in the unit of y.
    target : int or str, optional
        Which column of y the goal is about, by number or name. Needed if there are several.
    n_per_round : int, default=5
        Number of rows that ``suggest`` returns.
    committee : "auto", int or None, default="auto"
        Where the standard deviation comes from. An int, at least 3: that many more fits of the learner, each
        without a third of the target rows; the spread of their predictions is scaled so that it agrees with
        the errors on the rows they missed. None: the learner's own. ``"auto"``: its own if it has one, else
        a committee of six.
    diversity : float, default=0.5
        How different the rows of one round are, see :func:`suggest_rows`.
    stop : float, default=0.1
        Share of the noise, which is the median standard deviation of the labelled target rows. Advise to
        stop when the largest expected improvement is below it. With ``goal="explore"``: advise
        to stop when the mean standard deviation of the candidates has fallen by less than this share of it
        over `patience` rounds.
    patience : int, default=3
        Also advise to stop when this many rounds have brought no better label. Not with ``goal="explore"``.
    random_state : int, RandomState or None, default=None
        Seeds every learner and the committee. None leaves the learners' own seeds.

    Attributes
    ----------
    model_ : fitted estimator
        What predicts: the learner, or the committee.
    stop_ : bool
        Whether the last ``suggest`` advised to stop; False before it.
    reason_ : str
        Why, or why not.
    history_ : dict of str to list
        One entry for each fit, ready for a DataFrame: ``n_labelled`` (number of labelled target rows),
        ``best`` (the best of their labels; NaN with ``"explore"``), ``error`` (mean absolute error of the new
        rows, as predicted before their labels were told; NaN at first), ``noise``, ``mean_std`` and
        ``max_score`` (of the candidates; NaN where nothing was suggested).
    target_names_ : list
        Columns of y if it is a DataFrame, else numbers.
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    TypeError
        ``committee=None`` with a learner without standard deviation.

    See Also
    --------
    suggest_rows : Suggestions of any fitted model.
    skxfer.model_selection.active_curve : What the loop would have gained, on labelled data.

    References
    ----------
    .. [1] Kim, Y. et al., npj Comput. Mater. 2021, 7, 140: a network that searches beyond its training set by
       active transfer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import SVR
    >>> from skxfer import HierarchicalTransfer
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.transfer import ActiveTransfer
    >>> data = make_domains(relation="related", n_target=20, random_state=0)
    >>> known, pool = data.domain != "test", data.domain == "test"
    >>> transfer = HierarchicalTransfer(
    ...     SVR(C=10), source_domains=data.source_domains, strategy="merge", guard=False
    ... )
    >>> active = ActiveTransfer(transfer, goal="maximize", committee=6, random_state=0)
    >>> active = active.fit(data.data[known], data.target[known], sample_domain=data.domain[known])
    >>> rows = active.suggest(data.data[pool])["position"]
    >>> active = active.tell(data.data[pool][rows], data.target[pool][rows])
    >>> active.history_["n_labelled"]
    [20, 25]
    >>> active.history_["best"][1] > active.history_["best"][0]
    True
    """

    __metadata_request__fit = {"sample_domain": True}

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit"), None],
        "goal": [StrOptions(set(GOALS)), Real],
        "target": [Integral, str, None],
        "n_per_round": [Interval(Integral, 1, None, closed="left")],
        "committee": [StrOptions({"auto"}), Interval(Integral, 3, None, closed="left"), None],
        "diversity": [Interval(Real, 0, None, closed="left")],
        "stop": [Interval(Real, 0, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        goal="explore",
        target=None,
        n_per_round=5,
        committee="auto",
        diversity=0.5,
        stop=0.1,
        patience=3,
        random_state=None,
    ):
        self.estimator = estimator
        self.goal = goal
        self.target = target
        self.n_per_round = n_per_round
        self.committee = committee
        self.diversity = diversity
        self.stop = stop
        self.patience = patience
        self.random_state = random_state

    def fit(self, X, y, *, sample_domain=None, **metadata):
        """Start from the rows that have labels now.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), DataFrame or sequence of objects
            Rows of the sources and of the target domain.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row, for learners whose ``fit`` takes it.
        **metadata : array-like of shape (n_samples,)
            With metadata routing enabled: passed to the learner's ``fit``, if it requests them.

        Returns
        -------
        self : ActiveTransfer
        """
        self._validate_params()
        check_goal(self.goal)
        check_regressor(self.estimator, "estimator")
        X = check_inputs(self, X, reset=True, allow_nan=True)
        self._single_target = np.asarray(y).ndim == 1
        Y = check_targets(y, n_rows(X))
        self.target_names_ = list(y.columns if isinstance(y, pd.DataFrame) else range(Y.shape[1]))
        self._column = find_target(self, self.target)
        if self._column is not None and not 0 <= self._column < Y.shape[1]:
            raise ValueError(f"There is no target {self._column}: y has {Y.shape[1]}, numbered from 0.")
        self._seed = None
        if self.random_state is not None:
            self._seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        self.history_ = {
            name: [] for name in ("n_labelled", "best", "error", "noise", "mean_std", "max_score")
        }
        return self._learn(X, Y, sample_domain, metadata, np.nan)

    def suggest(self, candidates, n=None):
        """Suggest which candidates to label next, and judge whether that still pays.

        Parameters
        ----------
        candidates : inputs like X in `fit`
            Rows of the target domain. Those that equal labelled target rows are left out.
        n : int, optional
            Number of rows. Default: `n_per_round`.

        Returns
        -------
        DataFrame
            As :func:`suggest_rows` returns it. ``stop_`` and ``reason_`` say whether to go on.
        """
        check_is_fitted(self)
        if self._column is None and len(self.target_names_) > 1:
            raise ValueError(
                f"y has {len(self.target_names_)} targets: set the parameter target to the one that the goal "
                f"is about, such as target={self.target_names_[0]!r}."
            )
        candidates = check_inputs(self, candidates, reset=False, allow_nan=True)
        with naming_missing_values(candidates):
            value, std = predict_in_chunks(self, candidates, self._column)
            table = suggest_rows(
                self,
                candidates,
                self.n_per_round if n is None else n,
                goal=self.goal,
                target=self._column,
                best=None if self.goal == "explore" else self.history_["best"][-1],
                labelled=take(self._X, self._labelled()),
                diversity=self.diversity,
            )
        score = std
        if self.goal != "explore":
            score, _ = expected_improvement(value, std, self.history_["best"][-1], self.goal)
        self.history_["mean_std"][-1], self.history_["max_score"][-1] = float(std.mean()), float(score.max())
        self.stop_, self.reason_ = self._advice()
        return table

    def tell(self, X, y, *, sample_domain=None, **metadata):
        """Add labelled rows and fit again.

        Parameters
        ----------
        X : inputs like X in `fit`
        y : array-like of shape (n_new,) or (n_new, n_targets)
            Labels of these rows. NaN marks a missing one.
        sample_domain : array-like of shape (n_new,), optional
            Default: the target domain, if there is one alone.
        **metadata : array-like of shape (n_new,)
            What `fit` was given.

        Returns
        -------
        self : ActiveTransfer
        """
        check_is_fitted(self)
        X = check_inputs(self, X, reset=False, allow_nan=True)
        new = as_numbers(y, "y")
        new = new.reshape(len(new), -1)
        if np.isinf(new).any():
            raise ValueError(f"The label in row {np.argwhere(np.isinf(new))[0][0]} of y is infinite.")
        if new.shape != (n_rows(X), self._Y.shape[1]):
            raise ValueError(
                f"y has the shape {np.shape(y)}, but X has {n_rows(X)} rows and `fit` was given "
                f"{self._Y.shape[1]} target(s)."
            )
        c = self._column or 0
        with naming_missing_values(X):
            error = np.abs(self._predicted(X)[:, c] - new[:, c])
        error = float(np.nanmean(error)) if np.isfinite(error).any() else np.nan
        if set(metadata) != set(self._metadata):
            raise TypeError(
                f"fit was given {sorted(self._metadata)}, so tell needs the same, got {sorted(metadata)}."
            )
        metadata = {
            name: np.concatenate([old, check_groups(metadata[name], len(new), name)])
            for name, old in self._metadata.items()
        }
        domain = self._domain
        if domain is not None:
            domain = np.concatenate([domain, self._domain_of_new(sample_domain, len(new))])
        elif sample_domain is not None:
            raise ValueError("fit was given no sample_domain, so the new rows can have none.")
        before = vars(self).copy()
        try:
            return self._learn(join_rows(self._X, X), np.vstack([self._Y, new]), domain, metadata, error)
        except BaseException:  # a fit that fails or is interrupted leaves the loop as it was
            vars(self).update(before)
            raise

    def predict(self, X, return_std=False):
        """Predict the target domain.

        Parameters
        ----------
        X : like X in `fit`
        return_std : bool, default=False
            Also return a standard deviation.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.
        """
        check_is_fitted(self)
        X = check_inputs(self, X, reset=False, allow_nan=True)
        with naming_missing_values(X):
            both = self._predicted_with_std(X) if return_std else (self._predicted(X),)
        both = [part.ravel() if self._single_target else part for part in both]
        return tuple(both) if return_std else both[0]

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; the learner decides about NaN and sparse input."""
        tags = super().__sklearn_tags__()
        inner = input_tags(self._learner())
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.target_tags.multi_output = True
        return tags

    def _learner(self):
        return default_learner() if self.estimator is None else self.estimator

    def _other_domains(self):
        sources = getattr(self._learner(), "source_domains", None)
        return [sources] if isinstance(sources, str) else [] if sources is None else list(sources)

    def _predicted(self, X):
        return predict_learner(self.model_, X, n_targets=len(self.target_names_))

    def _predicted_with_std(self, X):
        try:
            return predict_with_std(self.model_, X)
        except NoStdError as error:
            raise ValueError(
                f"A standard deviation needs a committee, and this at least {N_PARTS} labelled target rows; "
                f"there are {len(self._labelled())}. Label some rows at random first."
            ) from error

    def _labelled(self):
        """Target rows that have the label that counts."""
        is_target = np.ones(len(self._Y), dtype=bool)
        if self._domain is not None:
            is_target = ~np.isin(self._domain, self._other_domains())
        return np.flatnonzero(is_target & ~np.isnan(self._Y[:, self._column or 0]))

    def _domain_of_new(self, sample_domain, n_new):
        if sample_domain is not None:
            return check_sample_domain(sample_domain, n_new)
        present = np.unique(self._domain[~np.isin(self._domain, self._other_domains())])
        if len(present) != 1:
            raise ValueError(
                f"There are {len(present)} target domains, {present.tolist()}: pass sample_domain, the "
                "domain of each new row."
            )
        return np.repeat(present, n_new)

    def _learn(self, X, Y, sample_domain, metadata, error):
        """Fit on all rows, and note what is known now."""
        domain = None if sample_domain is None else check_sample_domain(sample_domain, len(Y))
        self._X, self._Y, self._domain = X, Y, domain
        self._metadata = {name: check_groups(value, len(Y), name) for name, value in metadata.items()}
        handed = self._route(len(Y), self._metadata, sample_domain=domain)
        takes_domain = "sample_domain" in signature(self._learner().fit).parameters
        if domain is not None and not get_config()["enable_metadata_routing"]:
            if not takes_domain:
                raise TypeError(
                    f"{type(self._learner()).__name__}.fit takes no sample_domain: wrap it, "
                    "HierarchicalTransfer(estimator, source_domains=[...]), or leave sample_domain out."
                )
            handed["sample_domain"] = domain
        labelled, c = self._labelled(), self._column or 0
        if not len(labelled):
            raise ValueError(
                "No target row has a label, so there is nothing to start from. Label a few at random, or let "
                "suggest_rows choose the first ones with a model of the sources."
            )
        with naming_missing_values(X):
            self.model_ = self._fit_model(X, Y, labelled, handed)
            noise = np.nan
            if _gives_std(self.model_, take(X, labelled[:1])):
                noise = float(np.median(predict_in_chunks(self, take(X, labelled), c)[1]))
        best = np.nan if self.goal == "explore" else best_label(Y[labelled, c], self.goal)
        found = {"n_labelled": len(labelled), "best": best, "error": error, "noise": noise}
        for name, entries in self.history_.items():
            entries.append(found.get(name, np.nan))
        self.stop_, self.reason_ = False, "Nothing was suggested since the last fit."
        return self

    def _fit_model(self, X, Y, labelled, handed):
        """Fit the learner, and a committee where that is wanted and there are enough rows for it."""
        known = np.flatnonzero(~np.isnan(Y).all(axis=1))
        X, _ = read_inputs(self, take(X, known), reset=False)  # once for all members
        Y, labelled = Y[known], np.searchsorted(known, labelled)
        handed = {name: values[known] for name, values in handed.items()}
        model = fit_with(self._learner(), X, Y, handed, self._seed)
        if self.committee is None:
            predict_with_std(model, take(X, [0]))  # raises, if it gives none
            return model
        if len(labelled) < N_PARTS or (self.committee == "auto" and _gives_std(model, take(X, [0]))):
            return model
        n_members = DEFAULT_MEMBERS if self.committee == "auto" else self.committee
        return Committee(self._learner(), n_members, self._seed).fit(X, Y, labelled, handed, model)

    def _advice(self):
        """Return whether to stop, and why."""
        history = {name: np.array(entries) for name, entries in self.history_.items()}
        noise, share = history["noise"][-1], f"{100 * self.stop:g} % of the noise"
        if self.goal == "explore":
            means = history["mean_std"][-self.patience - 1 :]
            fallen = means[0] - means[-1]
            if len(means) <= self.patience or np.isnan(fallen):
                return False, f"Too early to say: fewer than {self.patience} rounds had suggestions."
            what = f"In {self.patience} rounds the candidates' mean standard deviation fell by {fallen:.3g}"
            if fallen < self.stop * noise:
                return True, f"{what}, less than {share} ({noise:.3g})."
            return False, f"{what}, more than {share} ({noise:.3g})."
        score, best = history["max_score"][-1], history["best"]
        if score < self.stop * noise:
            return True, f"The largest expected improvement, {score:.3g}, is below {share} ({noise:.3g})."
        far = distance_to_goal(best, self.goal)
        if len(far) > self.patience and far[-1] >= far[-self.patience - 1]:
            return True, f"The last {self.patience} rounds brought no better label than {best[-1]:.6g}."
        return False, f"The largest expected improvement, {score:.3g}, is above {share} ({noise:.3g})."


def _gives_std(model, X):
    """Whether a fitted model predicts with a standard deviation; some know it only when fitted for it."""
    try:
        predict_with_std(model, X)
    except (NoStdError, ValueError):
        return False
    return True
