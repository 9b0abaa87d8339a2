"""TableTransfer: a table in, and the best learner and strategy for it out."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ...domains import ScoresTarget
from ...featurizers import TableFeaturizer
from ...folds import SPLITS_OF_USE, join_groups
from ...inputs import check_inputs
from ...screening import check
from ._card import make_card
from ._contest import judge, shared
from ._fitting import FitsTables
from ._outside import Surroundings
from ._view import TableView

LEARNERS = ("ridge", "et", "svr")
MAX_SEED = np.iinfo(np.int32).max


class TableTransfer(FitsTables, ScoresTarget, RegressorMixin, BaseEstimator):
    """Predict from a whole table: columns are recognised, learners and strategies compete.

    The columns (numbers, categories, formulas, SMILES, structures, spectra) are turned into numbers once.
    Over each learner all strategies of :class:`HierarchicalTransfer` compete, and all learners are judged by
    the same held-out target rows. For each target the first learner in the list is kept that no other one
    beats by more than half a standard error. Rows with equal inputs, or of one of `groups`, are never
    separated.

    Parameters
    ----------
    learners : list of str or dict of str to regressor, default=("ridge", "et", "svr")
        The learners that compete, in order of preference: short names of
        :func:`~skxfer.learners.default_learners`, or estimators that take a table of numbers.
    source_domains : list of labels, optional
        Labels in `sample_domain` that are sources; all other rows are target rows. Default: no source.
    kinds : dict of str to str, optional
        Kinds of columns by name, where they should not be guessed; see
        :class:`~skxfer.featurizers.TableFeaturizer`.
    featurizer : TableFeaturizer, optional
        What makes numbers of the columns, if the default descriptors will not do.
    low_fidelity : str or list of str, optional
        Columns with a cheap approximation of each target, known for every row to be predicted, such as a
        computed value where an experiment is wanted.
    strategy : str or list of str, default="auto"
        The strategies that compete; see :class:`HierarchicalTransfer`.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}, default="auto"
        What will be predicted; decides what the folds hold out. See :class:`HierarchicalTransfer`.
    guard : bool, default=True
        Fall back to ``"target_only"`` where transfer shows no clear gain.
    cv : int, cross-validation generator or iterable, default=5
        Folds over the target rows. A number is lowered where there are fewer different target rows.
    n_jobs : int, optional
        Jobs for descriptors, folds and strategies, through joblib.
    random_state : int, RandomState or None, default=None
        Seeds folds and every learner.
    verbose : bool or int, default=False
        Whether to show a progress bar for each learner.

    Attributes
    ----------
    learner_ : list of str, length n_targets
        The learner of each target.
    strategy_ : list of str, length n_targets
        The strategy with the largest share in its prediction.
    models_ : dict of str to fitted HierarchicalTransfer
        The learners that were kept.
    reason_ : str
        A sentence or two for each target.
    expected_error_ : list of list of dict, length n_targets
        The mean absolute error on new rows, for each use that the folds imitated: ``use``, ``mae``, and
        ``low`` and ``high``, between which it lies in about 80 of 100 cases. The choice of the learner is
        part of what was judged.
    transfer_gain_ : ndarray of shape (n_targets,)
        Share by which the error is below that of the same learner without transfer; NaN without a source.
    cv_results_ : dict of str to list
        A row for each target and learner: ``target``, ``learner``, ``strategy``, ``mae``, ``mae_error``,
        ``gain`` and ``gain_error`` over the chosen learner, ``chosen``, ``fit_seconds``.
    skipped_ : dict of str to str
        Why a learner could not be fitted.
    card_ : dict
        What the model rests on and what to expect of it: rows, columns, choice, errors, checks, versions,
        licence, citations. :func:`card_in_words` makes it readable; it is saved with the model.
    columns_ : dict of str to :class:`~skxfer.input_kinds.Column`
        What each column was taken for.
    view_ : fitted TableView
        Turns tables into the numbers that the learners see.
    surroundings_ : Surroundings
        For :meth:`outside`.
    error_ratios_ : list of ndarray, length n_targets
        Held-out errors in standard deviations, sorted: the intervals are made of these.
    target_names_ : list of str
    n_targets_ : int
    n_features_in_, feature_names_in_

    Raises
    ------
    ValueError
        No labelled target row, fewer than two different target inputs, a cell that cannot be read (naming
        column and row), or no learner could be fitted.

    See Also
    --------
    HierarchicalTransfer : The competition of strategies, for one learner and any kind of input.
    predict_table : Predict a file of any length, row by row.
    skxfer.read_table : Read a table as you have it.

    Examples
    --------
    >>> from skxfer import TableTransfer
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=20, random_state=0)
    >>> train = data.domain != "test"
    >>> model = TableTransfer(["ridge", "knn"], source_domains=data.source_domains, random_state=0)
    >>> model = model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    >>> model.learner_
    ['knn']
    >>> value, deviation = model.predict(data.data[~train], return_std=True)
    >>> model.outside(data.data[~train] + 9)["is_outside"].all()
    np.True_
    """

    __metadata_request__fit = {"sample_domain": True}

    _parameter_constraints: dict = {
        "learners": [list, tuple, dict, str],
        "source_domains": ["array-like", str, None],
        "kinds": [dict, None],
        "featurizer": [TableFeaturizer, None],
        "low_fidelity": [str, list, tuple, None],
        "strategy": [str, list, tuple],
        "predict_on": [StrOptions({"auto", *SPLITS_OF_USE})],
        "guard": ["boolean"],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        learners=LEARNERS,
        *,
        source_domains=None,
        kinds=None,
        featurizer=None,
        low_fidelity=None,
        strategy="auto",
        predict_on="auto",
        guard=True,
        cv=5,
        n_jobs=None,
        random_state=None,
        verbose=False,
    ):
        self.learners = learners
        self.source_domains = source_domains
        self.kinds = kinds
        self.featurizer = featurizer
        self.low_fidelity = low_fidelity
        self.strategy = strategy
        self.predict_on = predict_on
        self.guard = guard
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, *, sample_domain=None, groups=None, sample_weight=None, X_deploy=None):
        """Let learners and strategies compete, and keep the best for each target.

        Parameters
        ----------
        X : DataFrame of n_samples rows, or array-like of shape (n_samples, n_columns)
            Source and target rows, as they are in the file. An array holds numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label. Rows without any label are left out.
        sample_domain : array-like of shape (n_samples,), optional
            The domain of each row.
        groups : array-like of shape (n_samples,), optional
            Rows that no fold may separate, in addition to those with equal inputs.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the learners; one that takes none is skipped.
        X_deploy : like X, optional
            Unlabelled rows that will be predicted; see :class:`HierarchicalTransfer`.

        Returns
        -------
        self : TableTransfer
        """
        self._validate_params()
        rows = self._read(X, y, sample_domain, groups, sample_weight)
        rng = check_random_state(self.random_state)
        seed = None if self.random_state is None else rng.randint(MAX_SEED)
        needed = [self.low_fidelity] if isinstance(self.low_fidelity, str) else list(self.low_fidelity or ())
        self.view_ = TableView(self.featurizer, self.kinds, needed=needed, n_jobs=self.n_jobs)
        features = self.view_.fit_transform(rows["table"])
        given = {"X_deploy": None} if X_deploy is None else {"X_deploy": self._features(X_deploy)}
        target = self._find_target(rows)
        report = check(self._checked(rows))
        groups = join_groups(report.groups, *([] if rows["groups"] is None else [rows["groups"]]))
        given |= {name: rows[name] for name in ("sample_domain", "sample_weight")} | {"groups": groups}
        with config_context(enable_metadata_routing=False):
            folds = self._fold_sets(features, rows, target, given, seed)
        # Weights are all that learners get, and HierarchicalTransfer hands these on by itself.
        with config_context(enable_metadata_routing=False):
            entrants = self._enter_all(features, rows, target, given, folds, seed)
        self._choose(entrants, folds, ~np.isnan(rows["Y"][target]))
        similar = self._similar_folds(target, groups, seed)
        self.surroundings_ = Surroundings(self.view_).fit(rows["table"], features, target, similar)
        self.card_ = make_card(self, rows, target, report, entrants)
        self._warn_of(report)
        return self

    def predict(self, X, return_std=False):
        """Predict the target domain.

        Parameters
        ----------
        X : DataFrame of n_samples rows, or array-like of shape (n_samples, n_columns)
            Columns of a DataFrame are matched by name; those that are not used may be absent.
        return_std : bool, default=False
            Also return a standard deviation, calibrated on held-out target rows.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.

        Raises
        ------
        ValueError
            A column is missing, or a row cannot be read (naming it). :func:`predict_table` goes on with the
            other rows.
        """
        check_is_fitted(self)
        mean, std = self.predict_features(self._features(X), return_std)
        if self._single_target:
            mean, std = mean.ravel(), None if std is None else std.ravel()
        return (mean, std) if return_std else mean

    def predict_interval(self, X, level=0.8):
        """Predict between which bounds the value of a row lies.

        Parameters
        ----------
        X : like X in `predict`
        level : float, default=0.8
            Share of rows like the target rows whose values are between the bounds. As many standard
            deviations are taken as this share of the held-out target rows needed.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper bounds.
        """
        check_is_fitted(self)
        mean, std = self.predict_features(self._features(X), return_std=True)
        width = std * self.interval_factors(level)
        bounds = np.stack([mean - width, mean + width], axis=2)
        return bounds[:, 0] if self._single_target else bounds

    def outside(self, X):
        """Say how far rows lie outside the target rows of the fit.

        Parameters
        ----------
        X : like X in `predict`

        Returns
        -------
        DataFrame
            ``outside``: the distance from the nearest target rows, in the model's own view, or the excess
            over the range of a number, divided by what at most 5 % of the held-out target rows exceed; 2 or
            more for an element or category that no training row has. ``is_outside``: above 1.
            ``why_outside``: in words.
        """
        check_is_fitted(self)
        table = self._table(X, reset=False)
        return self.surroundings_.measure(table, self._features(X))

    def predict_features(self, features, return_std=False):
        """Predict from numbers that the view has made of a table.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features)
        return_std : bool, default=False

        Returns
        -------
        mean : ndarray of shape (n_samples, n_targets)
        std : ndarray of the same shape or None
        """
        mean = np.empty((len(features), self.n_targets_))
        std = np.empty(mean.shape) if return_std else None
        for name, model in self.models_.items():
            columns = [t for t, learner in enumerate(self.learner_) if learner == name]
            found = model.predict(features, return_std=return_std)
            mean[:, columns] = (found[0] if return_std else found)[:, columns]
            if return_std:
                std[:, columns] = found[1][:, columns]
        return mean, std

    def interval_factors(self, level):
        """Return by how many standard deviations the bounds of an interval lie apart from the value.

        Parameters
        ----------
        level : float
            Above 0 and below 1.

        Returns
        -------
        ndarray of shape (n_targets,)
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, such as 0.8, got {level!r}.")
        factors = []
        for ratios in self.error_ratios_:
            share = min(1.0, level * (1 + 1 / len(ratios)))
            factors.append(np.quantile(ratios, share, method="higher"))
        return np.array(factors)

    def __sklearn_tags__(self):
        """Any table in; several targets, of which labels may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags

    @property
    def columns_(self):
        """What each column was taken for."""
        return self.view_.columns_

    def _table(self, X, reset):
        """Return the inputs as a DataFrame with rows numbered from 0 and columns that have names."""
        if not isinstance(X, pd.DataFrame):
            if sparse.issparse(X):
                raise TypeError(
                    f"X is a sparse {type(X).__name__}, which is not supported: give X.toarray()."
                )
            X = check_inputs(self, X, reset=reset, allow_nan=True)
            if getattr(X, "ndim", 1) != 2:
                raise TypeError(
                    "X must be a table: a DataFrame, or a dense array of numbers of shape (n_samples, "
                    f"n_columns), got {type(X).__name__}. Put a single column into a DataFrame."
                )
            # pandas counts in the order of bytes of this machine.
            return pd.DataFrame(X.astype(X.dtype.newbyteorder("=")), columns=self._names())
        if reset:
            validate_data(self, X, reset=True, skip_check_array=True)
        if not len(X):
            raise ValueError("Found a DataFrame with 0 sample(s) while a minimum of 1 is required.")
        X = X.reset_index(drop=True)
        named = hasattr(self, "feature_names_in_")
        if not named and X.shape[1] == self.n_features_in_:
            X = X.set_axis(self._names(), axis=1)
        return X if reset else X.rename(columns=self.view_.renamed(X))

    def _names(self):
        """Names of the columns of the fit."""
        return getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])

    def _features(self, X):
        """Return the numbers of rows that must all be readable."""
        features, errors = self.view_.transform(self._table(X, reset=False))
        bad = np.flatnonzero(errors != "")
        if bad.size:
            more = f" ({len(bad)} such rows)" if len(bad) > 1 else ""
            raise ValueError(
                f"Row {bad[0]} cannot be read: {errors[bad[0]]}{more}. Correct or drop it, or use "
                "predict_table, which goes on with the other rows."
            )
        return features

    def _choose(self, entrants, folds, labelled):
        """Keep for each target the learner that predicts held-out rows best."""
        verdicts = [judge(entrants, t, folds, known) for t, known in enumerate(labelled.T)]
        self.models_ = shared(verdicts, entrants)
        self.learner_ = [entrants[verdict.chosen].name for verdict in verdicts]
        winners = [self.models_[name] for name in self.learner_]
        self.strategy_ = [model.strategy_[t] for t, model in enumerate(winners)]
        self.transfer_gain_ = np.array(
            [
                model.transfer_gain_[t] if any(model.cv_results_["transfer"]) else np.nan
                for t, model in enumerate(winners)
            ]
        )
        self.expected_error_ = [verdict.expected for verdict in verdicts]
        self.error_ratios_ = [verdict.ratios for verdict in verdicts]
        table = [
            {"target": self.target_names_[t], "learner": entrant.name, "strategy": entrant.model.strategy_[t]}
            | {key: verdict.rows[i][key] for key in ("mae", "mae_error", "gain", "gain_error")}
            | {"chosen": i == verdict.chosen, "fit_seconds": entrant.seconds}
            for t, verdict in enumerate(verdicts)
            for i, entrant in enumerate(entrants)
        ]
        self.cv_results_ = pd.DataFrame(table).to_dict("list")
        self.reason_ = "\n".join(map(self._reason, range(self.n_targets_)))

    def _reason(self, t):
        """Say in words why this learner and these strategies, for one target."""
        table = pd.DataFrame(self.cv_results_)
        table = table[table["target"] == self.target_names_[t]].sort_values("mae")
        errors = [f"{row.learner} {row.mae:.3g} ± {row.mae_error:.2g}" for row in table.itertuples()]
        name = self.learner_[t]
        why = "" if len(errors) == 1 else f" ({', '.join(errors)})"
        within = self.models_[name].reason_.split("\n")[t]
        within = within.removeprefix(f"{self.target_names_[t]}: ")
        return f"{self.target_names_[t]}: {name}{why}; {within}"

    def _warn_of(self, report):
        if report.stops:
            warnings.warn(report.in_short(), stacklevel=3)
