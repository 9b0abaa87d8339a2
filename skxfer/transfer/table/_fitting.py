"""The steps of fitting a table: rows that have a label, folds, and the learners that compete."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from ...domains import find_rows
from ...featurizers import ClippedScaler
from ...folds import FoldSets, folds_like_the_use
from ...inputs import check_groups, check_sample_domain, check_targets, check_weights, name_targets, take
from ...learners import check_learners
from ...screening import CheckedTable
from .._hierarchical import HierarchicalTransfer
from ._contest import behind_imputer, enter, rows_for


class FitsTables:
    """What TableTransfer does before it chooses: it has the parameters, and `view_` once that is fitted."""

    def _read(self, X, y, sample_domain, groups, sample_weight):
        """Check what `fit` is given; return it for the rows that have a label."""
        table = self._table(X, reset=True)
        Y = check_targets(y, len(table))
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        self.target_names_ = name_targets(y, Y.shape[1], None)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, table)
        if sample_domain is not None:
            sample_domain = check_sample_domain(sample_domain, len(table))
        if groups is not None:
            groups = check_groups(groups, len(table))
        kept = np.flatnonzero(~np.isnan(Y).all(axis=1))
        parts = {"sample_domain": sample_domain, "groups": groups, "sample_weight": sample_weight}
        rows = {name: None if part is None else part[kept] for name, part in parts.items()}
        return rows | {"table": take(table, kept).reset_index(drop=True), "Y": Y[kept]}

    def _find_target(self, rows):
        """Return the target rows, each of which has a label of some target."""
        target = find_rows(
            rows["sample_domain"], self.source_domains, None, rows["sample_weight"], len(rows["Y"])
        )[1]
        known = (~np.isnan(rows["Y"][target])).sum(axis=0)
        if known.min() < 2:
            name = self.target_names_[int(known.argmin())]
            raise ValueError(
                f"The target {name!r} has a label in {known.min()} of {len(target)} target rows "
                f"(n_samples={len(target)}): at least two are needed, ten are better. For target rows "
                "without any label use HierarchicalTransfer."
            )
        return target

    def _checked(self, rows):
        """The table with its labels, for the checks."""
        names = [name if name not in rows["table"] else f"{name} (label)" for name in self.target_names_]
        labels = pd.DataFrame(rows["Y"], columns=names)
        domain = rows["sample_domain"]
        return CheckedTable(
            table=pd.concat([rows["table"], labels], axis=1),
            targets=names,
            columns=self.columns_,
            domain=None if domain is None else pd.Series(domain).astype(str),
            domain_column=None,
            sources=[str(name) for name in self._other_domains()],
            tests=[],
            chosen=tuple(self.kinds or ()),
            folder=self.view_.featurizer_.folder,
        )

    def _hierarchical(self, learner, cv, seed):
        names = list(self.view_.names_)
        cheap = [] if self.low_fidelity is None else self.view_.needed
        lost = [name for name in cheap if name not in names or self.view_.spectra_ is not None]
        if lost:
            raise ValueError(
                f"low_fidelity={lost[0]!r} must be a column of numbers in a table without spectra."
            )
        return HierarchicalTransfer(
            learner,
            source_domains=self.source_domains,
            low_fidelity=[names.index(name) for name in cheap] or None,
            strategy=self.strategy,
            predict_on=self.predict_on,
            guard=self.guard,
            cv=cv,
            n_jobs=self.n_jobs,
            random_state=seed,
            verbose=self.verbose,
        )

    def _fold_sets(self, features, rows, target, given, seed):
        """Draw the folds by which all learners are judged."""
        cv = self.cv
        if isinstance(cv, Integral):
            n_groups = len(np.unique(given["groups"][target]))
            if n_groups < 2:
                raise ValueError(
                    f"The {len(target)} target rows are of one group or have equal inputs: there is no other "
                    "row to judge a learner by. Give target rows that differ."
                )
            cv = min(cv, n_groups)
        given = given | {"X_deploy": None if given["X_deploy"] is None else np.nan_to_num(given["X_deploy"])}
        filled = np.where(np.isfinite(features), features, 0.0)
        ruler = self._hierarchical(make_pipeline(ClippedScaler(), Ridge()), cv, seed)
        problem = ruler._read(filled, rows["Y"], metadata={}, **given)
        try:
            return FoldSets(*ruler._folds(problem))
        except ValueError:
            if self.predict_on != "auto":
                raise
        # Too few different rows for clusters of them.
        return FoldSets(*ruler.set_params(predict_on="similar")._folds(problem))

    def _similar_folds(self, target, groups, seed):
        """Draw folds of similar rows, to learn how far apart target rows are."""
        n_folds = min(5, len(np.unique(groups[target])))
        (fold,) = folds_like_the_use(
            np.empty((len(target), 0)), None, "similar", max(2, n_folds), seed, groups[target]
        )
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)]

    def _enter_all(self, features, rows, target, given, folds, seed):
        """Fit all learners; those that fail are left out."""
        self.skipped_, entrants, failure = {}, [], None
        Y = pd.DataFrame(rows["Y"], columns=self.target_names_)
        domain = np.zeros(len(Y)) if rows["sample_domain"] is None else rows["sample_domain"]
        for name, learner in check_learners(self.learners, None).items():
            learner = behind_imputer(learner, features)
            kept, note = rows_for(learner, target, domain, np.random.default_rng(seed))
            parts = {key: part for key, part in given.items() if part is not None}
            parts = {key: part if key == "X_deploy" else part[kept] for key, part in parts.items()}

            def fit(model, kept=kept, parts=parts):
                model.fit(features[kept], Y.iloc[kept].reset_index(drop=True), **parts)

            try:
                entrants.append(enter(name, self._hierarchical(learner, folds, seed), fit))
            except Exception as error:
                self.skipped_[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
                failure = error
            else:
                entrants[-1].notes += [f"{name} {note}"] if note else []
        if not entrants:
            why = "; ".join(f"{name}: {text}" for name, text in self.skipped_.items())
            raise ValueError(f"No learner could be fitted: {why}") from failure
        return entrants
