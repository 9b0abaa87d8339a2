"""TransferCV: from scratch, fine-tuned or frozen? Cross-validated on the target rows, with the reason."""

import time
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ..choice import CLEAR_GAIN, blend, choose, gain_and_error
from ..folds import target_folds
from ..inputs import check_inputs, check_targets, n_rows, take
from ..learners import KeepsFitted, fit_learner, input_tags, predict_learner
from ._candidates import check_sources, find_candidates, uses_source
from ._rows import read_rows

# One split, such as published validation rows, is judged by its rows in this many parts.
PARTS_OF_ONE_FOLD = 5


class TransferCV(KeepsFitted, RegressorMixin, BaseEstimator):
    """Cross-validate ways to use a trained source on the target rows, and keep the best, saying why.

    Fine-tuning beats frozen features here and loses there, and an unrelated
    source loses to training from scratch. So all of them compete on the same
    folds of the target rows, for each target, beside a plain baseline. Transfer
    must beat the best candidate without it by half a standard error of the
    gain; otherwise that one is kept.

    Parameters
    ----------
    source : fitted estimator or list of (str, fitted estimator), optional
        What was trained elsewhere. It is never changed, and cloning (as in
        GridSearchCV) hands it on. Without any, this is a choice between
        `estimator` and the baseline.
    estimator : regressor, optional
        Trained on the target rows. Default: the parameters of the (first) source
        but those about its one fit: ``learning_rate`` and ``calibration`` are None (the
        learner's own choice, and no error bars, which each fold would pay for),
        ``extend`` is True, each where the source has such a parameter that takes this
        value. Without sources, for a table, :class:`sklearn.ensemble.ExtraTreesRegressor`.
    candidates : list of (str, regressor), optional
        More candidates. One named like a default one replaces it, and
        ``(name, "drop")`` leaves it out. A :class:`sklearn.frozen.FrozenEstimator`
        is used as it is. The default ones:

        - ``"scratch"``: `estimator`;
        - ``"baseline"``: gradient boosting, for formulas on Magpie descriptors. Rows are
          formulas if :func:`skxfer.formulas.parse_formulas` reads all of them (SMILES such
          as ``"CCO"`` do pass: drop the baseline); for other objects there is none;
        - ``"fine-tuned"``, or ``"fine-tuned <name>"`` with several sources: `estimator` with
          the parameter ``init`` set to the source, where it has this parameter
          and the source is of its class;
        - ``"frozen"``: :class:`FeatureTransfer` with the default head on all
          sources that have ``transform``;
        - ``"corrected"``: :class:`HierarchicalTransfer` on all sources that predict as
          many targets as y has. Their predictions are rescaled, and what these leave is
          learned by the baseline if X holds formulas, unless it is dropped, and by `estimator`
          otherwise.
    combine : {"best", "blend"}, default="best"
        Keep the candidate with the lowest error, or blend all with weights fitted
        to the held-out rows.
    cv : int, cross-validation generator or iterable, default=5
        Folds over the target rows. An int shuffles and keeps together what `groups`
        says; by default, rows of one composition (polymorphs, say) or equal rows of a table,
        which in both training and held-out rows make a test of memory. All else is used as it is;
        a single split (``PredefinedSplit``) is judged by its held-out rows in five parts.
    n_jobs : int, optional
        Jobs for candidates and folds, through joblib.
    random_state : int, RandomState or None, default=None
        Seeds folds and every candidate. None leaves the candidates' own seeds.

    Attributes
    ----------
    candidates_ : list of (str, regressor)
        What competed, unfitted; those without a source first, unless given in `candidates`.
    cv_results_ : dict of str to list
        A row for each target and candidate, ready for a DataFrame: ``target``,
        ``candidate``, ``transfer`` (whether it holds something fitted), ``mae`` and
        ``mae_error`` (mean absolute error over all held-out rows and its standard
        error over folds, in the unit of y), ``gain`` and ``gain_error`` (how much lower
        than the best without transfer, on the same rows), ``weight``, ``fit_time``
        (mean seconds per fold, all targets) and ``fold0_mae``, ...
    best_name_ : list of str, length n_targets
        The candidate with the largest weight.
    weights_ : ndarray of shape (n_targets, n_candidates)
    transfer_gain_ : ndarray of shape (n_targets,)
        By what share the cross-validated error is below that of the best
        candidate without transfer: 0 where that one is kept, NaN if there was none.
    reason_ : str
        A sentence for each target.
    estimators_ : dict of str to fitted regressor
        The candidates with a weight, fitted on all target rows.
    variance_ : ndarray of shape (n_targets, 2)
        For ``return_std``: the squared error is the first plus the second times
        the variance over the blended candidates.
    target_names_ : list
        Columns of y if it is a DataFrame, else numbers.
    n_targets_ : int
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    NotFittedError
        A source that is not fitted.
    ValueError
        Too few rows for `cv`, no held-out label of a target, no candidate left.

    See Also
    --------
    FeatureTransfer : Frozen features alone.
    HierarchicalTransfer : Several sources that predict the same properties.

    Notes
    -----
    The winner's error in ``cv_results_`` is that of the lowest of several, so it is a little too low. Where
    the error itself matters, cross-validate TransferCV.

    A source that was trained on compositions (or other inputs) of the target rows knows the answers that
    the folds hold out: whatever uses it wins, and the comparison is worthless, which nothing here can
    notice. Take them, and those of your test rows, out of what the source learns from, as
    :func:`skxfer.formulas.combine_properties` does with `exclude`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxfer import TransferCV
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=30, random_state=0)
    >>> rows = {name: data.domain == name for name in ("source_0", "target", "test")}
    >>> source = make_pipeline(PolynomialFeatures(3), Ridge())
    >>> source = source.fit(data.data[rows["source_0"]], data.target[rows["source_0"]])
    >>> model = TransferCV(source, random_state=0).fit(data.data[rows["target"]], data.target[rows["target"]])
    >>> model.best_name_
    ['corrected']
    """

    _kept = "source"

    _parameter_constraints: dict = {
        "source": [HasMethods("get_params"), list, tuple, None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "candidates": [list, tuple, None],
        "combine": [StrOptions({"best", "blend"})],
        "cv": ["cv_object"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        source=None,
        estimator=None,
        *,
        candidates=None,
        combine="best",
        cv=5,
        n_jobs=None,
        random_state=None,
    ):
        self.source = source
        self.estimator = estimator
        self.candidates = candidates
        self.combine = combine
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, groups=None):
        """Let the candidates compete on the target rows and refit what is kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), sparse matrix, DataFrame or sequence of objects
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        groups : array-like of shape (n_samples,), optional
            Rows that no fold may separate. A `cv` that is no int must heed them itself.

        Returns
        -------
        self : TransferCV
        """
        self._validate_params()
        X = check_inputs(self, X, reset=True)
        Y = check_targets(y, n_rows(X))
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        self.target_names_ = list(y.columns if isinstance(y, pd.DataFrame) else range(Y.shape[1]))
        seed = None
        if self.random_state is not None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        kind, same = read_rows(X)
        self.candidates_ = find_candidates(
            check_sources(self.source), self.estimator, self.candidates, X, kind, self.n_targets_
        )
        groups = same if groups is None and isinstance(self.cv, Integral) else groups
        _, (folds,) = target_folds(
            X,
            Y,
            groups,
            self._splitter(groups, seed),
            "similar",
            lambda X: np.empty((n_rows(X), 0)),
            None,
            seed,
        )
        parallel = Parallel(n_jobs=self.n_jobs)
        outcomes = iter(
            parallel(
                delayed(_held_out)(name, candidate, X, Y, train, held, seed)
                for train, held in folds
                for name, candidate in self.candidates_
            )
        )
        by_fold = [[next(outcomes) for _ in self.candidates_] for _ in folds]
        P = np.concatenate([np.stack([predicted for predicted, _ in of_fold], -1) for of_fold in by_fold])
        seconds = np.mean([[time for _, time in of_fold] for of_fold in by_fold], axis=0)
        labels = Y[np.concatenate([held for _, held in folds])]
        fold = np.repeat(np.arange(len(folds)), [len(held) for _, held in folds])
        if len(folds) == 1:
            fold = np.random.default_rng(seed).permutation(len(fold)) % PARTS_OF_ONE_FOLD
        self._choose(P, labels, fold, seconds, "fold" if len(folds) > 1 else "part")

        used = [entry for entry, share in zip(self.candidates_, self.weights_.T, strict=True) if share.any()]
        fitted = parallel(delayed(_fit)(candidate, X, Y, seed) for _, candidate in used)
        self.estimators_ = {name: model for (name, _), model in zip(used, fitted, strict=True)}
        return self

    def predict(self, X, return_std=False):
        """Predict with the candidates that were kept.

        Parameters
        ----------
        X : like X in `fit`
        return_std : bool, default=False
            Also return a standard deviation, calibrated on the held-out errors:
            for rows like those of the target. With ``combine="best"`` it is the same
            for all rows; a blend's grows where the candidates disagree.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.
        """
        check_is_fitted(self)
        X = check_inputs(self, X, reset=False)
        predictions = np.zeros((n_rows(X), self.n_targets_, len(self.candidates_)))
        for j, (name, _) in enumerate(self.candidates_):
            if name in self.estimators_:
                predictions[:, :, j] = predict_learner(self.estimators_[name], X)
        mean, spread = blend(predictions, self.weights_)
        if not return_std:
            return mean.ravel() if self._single_target else mean
        std = np.sqrt(self.variance_[:, 0] + self.variance_[:, 1] * spread)
        return (mean.ravel(), std.ravel()) if self._single_target else (mean, std)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; sparse tables if the estimator takes them."""
        tags = super().__sklearn_tags__()
        learner = ExtraTreesRegressor() if self.estimator is None else self.estimator
        tags.input_tags.sparse = input_tags(learner).sparse
        tags.target_tags.multi_output = True
        return tags

    def _splitter(self, groups, seed):
        """What makes the folds: `cv`, or where an int would separate rows of a group, one that does not."""
        if not isinstance(self.cv, Integral) or groups is None:
            return self.cv
        n_rows, n_groups = len(groups), len(np.unique(groups))
        if n_groups == n_rows:
            return self.cv
        if n_groups < self.cv:
            raise ValueError(
                f"cv={self.cv} folds need at least as many groups of rows, there are {n_groups} in {n_rows} "
                "rows: rows of one composition, and equal rows of a table, are not separated. Lower cv."
            )
        return GroupKFold(self.cv, shuffle=True, random_state=seed)

    def _choose(self, P, Y, fold, seconds, what):
        """Weigh the candidates for each target.

        Parameters
        ----------
        P : ndarray of shape (n_rows, n_targets, n_candidates)
            Predictions of held-out rows.
        Y : ndarray of shape (n_rows, n_targets)
        fold : ndarray of int, shape (n_rows,)
        seconds : ndarray of shape (n_candidates,)
        what : {"fold", "part"}
            What `fold` numbers: folds, or parts of the rows of one fold.
        """
        names = [name for name, _ in self.candidates_]
        transfer = np.array([uses_source(candidate) for _, candidate in self.candidates_])
        self.weights_ = np.zeros((self.n_targets_, len(names)))
        self.transfer_gain_ = np.full(self.n_targets_, np.nan)
        self.variance_ = np.zeros((self.n_targets_, 2))
        self.best_name_, reasons, rows = [], [], []
        for t, target in enumerate(self.target_names_):
            labelled = ~np.isnan(Y[:, t])
            if not labelled.any():
                raise ValueError(f"No row that cv holds out has a label of target {target!r}.")
            errors, of_fold = np.abs(P[labelled, t] - Y[labelled, t, None]), fold[labelled]
            mae = errors.mean(axis=0)
            alone = np.flatnonzero(~transfer) if not transfer.all() else np.arange(len(names))
            first = alone[mae[alone].argmin()]
            choice = choose(
                [(P[:, t], Y[:, t], fold)],
                self.combine,
                baseline=first,
                guard=None if transfer.all() else CLEAR_GAIN,
            )
            gain, self.weights_[t], self.variance_[t] = choice.gain, choice.weights, choice.variance
            if not transfer.all():
                self.transfer_gain_[t] = gain
            self.best_name_.append(names[self.weights_[t].argmax()])
            here = [
                _row(target, name, transfer[j], errors[:, [first, j]], of_fold)
                | {"weight": self.weights_[t, j], "fit_time": seconds[j]}
                | {f"fold{k}_mae": errors[of_fold == k, j].mean() for k in np.unique(of_fold)}
                for j, name in enumerate(names)
            ]
            rows += here
            n_folds = len(np.unique(of_fold))
            over = f"{n_folds} folds" if what == "fold" else f"one fold in {n_folds} parts"
            sentence = _reason(here, first, over, gain)
            reasons.append(sentence if self.n_targets_ == 1 else f"{target}: {sentence}")
        self.reason_ = "\n".join(reasons)
        self.cv_results_ = pd.DataFrame(rows).to_dict("list")


def _fit(candidate, X, Y, seed):
    """Fit a candidate; a frozen one is what it is."""
    return candidate if isinstance(candidate, FrozenEstimator) else fit_learner(candidate, X, Y, seed=seed)


def _held_out(name, candidate, X, Y, train, held, seed):
    """Fit a candidate on some rows, predict others: (n_held, n_targets), and the seconds it took to fit."""
    start = time.perf_counter()
    try:
        model = _fit(candidate, take(X, train), Y[train], seed)
        seconds = time.perf_counter() - start
        predicted = predict_learner(model, take(X, held))
        if predicted.shape != Y[held].shape:
            raise ValueError(f"It predicts {predicted.shape[1]} target(s), y has {Y.shape[1]}.")
        return predicted, seconds
    except Exception as error:
        error.add_note(f"TransferCV, while it cross-validated the candidate {name!r}.")
        raise


def _row(target, name, transfer, errors, fold):
    """Errors of a candidate, in the second column, beside those of the best without transfer."""
    mae, mae_error = gain_and_error(errors[:, 1], np.zeros(len(errors)), fold)
    gain, gain_error = gain_and_error(errors[:, 0], errors[:, 1], fold)
    return {
        "target": target,
        "candidate": name,
        "transfer": bool(transfer),
        "mae": mae,
        "mae_error": mae_error,
        "gain": gain,
        "gain_error": gain_error,
    }


def _reason(rows, first, folds, gain):
    """Say for one target why these weights."""

    def error_of(row):
        return f"{row['mae']:.3g} ± {row['mae_error']:.2g}"

    kept = [row for row in rows if row["weight"]]
    others = sorted((row for row in rows if not row["weight"]), key=lambda row: row["mae"])
    alone = rows[first]
    if len(kept) > 1:
        kept.sort(key=lambda row: -row["weight"])
        parts = " + ".join(f"{100 * row['weight']:.0f} % {row['candidate']}" for row in kept)
        return (
            f"blend of {parts}: the mean absolute error over {folds} is {100 * gain:.0f} % below "
            f"that of {alone['candidate']} ({error_of(alone)})."
        )
    (best,) = kept
    what = f"{best['candidate']}: mean absolute error {error_of(best)} over {folds}"
    if not others:
        return f"{what}; there was no other candidate."
    transferred = [row for row in others if row["transfer"]]
    if best["transfer"] and not alone["transfer"]:
        return (
            f"{what}, against {error_of(alone)} of {alone['candidate']}, the best without transfer: a gain "
            f"of {best['gain']:.2g} ± {best['gain_error']:.2g}."
        )
    if not best["transfer"] and transferred:
        row = transferred[0]
        return (
            f"{what}. Transfer is not clearly better: {row['candidate']}, the best with it, has "
            f"{error_of(row)}, a gain of {row['gain']:.2g} ± {row['gain_error']:.2g}."
        )
    return f"{what}, the lowest of {len(rows)}; next is {others[0]['candidate']} with {error_of(others[0])}."
