"""How far rows lie outside the target rows of a fit, compared with target rows that were held out."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.neighbors import NearestNeighbors

from ...featurizers import ClippedScaler
from ...input_kinds import OBJECTS
from ._substances import elements_of_cells
from ._view import with_categories

# Share of the held-out target rows that may count as outside.
SHARE = 0.05
# A number within so much of the range, as a share of its width, is never outside by itself.
TOLERANCE = 0.1
# Score of a row with an element or category that no training row has.
UNSEEN = 2.0
# Distances are measured to at most so many target rows; in up to so many columns by a tree.
MAX_REFERENCES = 5000
MAX_COLUMNS_OF_TREE = 15
CLIP = 20.0
# Share of a squared distance from which on a column is named for it.
LARGE = 0.2


class Surroundings(BaseEstimator):
    """The target rows of a fit, and how far from the others each of them is.

    A row is outside if it is farther from all target rows, or beyond the range of a number by more, than 95 %
    of the target rows are from those of other folds; or if it has an element or a category that no training
    row has, unless that is common among the target rows.

    Parameters
    ----------
    view : fitted TableView

    Attributes
    ----------
    scaler_ : ClippedScaler
    references_ : ndarray of shape (n_references, n_features)
        Target rows, scaled.
    ranges_ : dict of str to (float, float)
        Of the numbers of the target rows.
    seen_ : dict of str to list of str
        Elements of the formulas, SMILES or structures in a column, or categories, in all training rows.
    limits_ : dict of str to float
        Distance and excess that count as 1.
    counts_unseen_ : bool
        Whether an unseen element or category puts a row outside.
    held_out_share_ : float
        Share of the held-out target rows that are outside.
    """

    def __init__(self, view):
        self.view = view

    def fit(self, table, features, target, folds):
        """Learn what is usual.

        Parameters
        ----------
        table : DataFrame of n_samples rows
        features : ndarray of shape (n_samples, n_features)
            From the view.
        target : ndarray of int
            The target rows.
        folds : list of (train, held out)
            Positions among the target rows.

        Returns
        -------
        self : Surroundings
        """
        self.fill_ = _medians(features[target])
        known = self._filled(features[target])
        self.scaler_ = ClippedScaler(clip=CLIP).fit(known)
        Z = self.scaler_.transform(known)
        numbers = self._numbers(table.iloc[target])
        self.ranges_ = {name: _range(values) for name, values in numbers.items()}
        things = self._things(table)
        self.seen_ = {name: sorted(set().union(*cells)) for name, cells in things.items()}
        source = np.setdiff1d(np.arange(len(table)), target)
        held = [
            self._measure_held(Z, numbers, things, target, source, train, out)
            for train, out in folds
            if len(train) and len(out)
        ]
        distance, excess, unseen = (np.concatenate(parts) for parts in zip(*held, strict=True))
        self._set_limits(distance, excess, unseen)
        # One of each, so that copies cost nothing; a sample of very many.
        Z = np.unique(Z, axis=0)
        if len(Z) > MAX_REFERENCES:
            Z = Z[np.random.default_rng(0).choice(len(Z), MAX_REFERENCES, replace=False)]
        self.references_ = Z
        return self

    def measure(self, table, features):
        """Say how far outside each row is, and why.

        Parameters
        ----------
        table : DataFrame of n_samples rows
        features : ndarray of shape (n_samples, n_features)
            From the view.

        Returns
        -------
        DataFrame
            ``outside``: above 1 the row is outside; ``is_outside``; ``why_outside``: in words, empty for the
            others. Index of the table.
        """
        Z = self.scaler_.transform(self._filled(features))
        nearest, distance = _nearest(self.references_, Z)
        numbers = self._numbers(table)
        excess, widest = self._excess(numbers, len(table))
        unseen = self._unseen(table)
        by_distance = distance / self.limits_["distance"]
        score = np.maximum(by_distance, excess / self.limits_["excess"])
        if self.counts_unseen_:
            strange = list(unseen)
            score[strange] = np.maximum(score[strange], UNSEEN)
        is_outside = score > 1
        why = np.full(len(table), "", dtype=object)
        far = np.flatnonzero(by_distance > 1)
        texts = self._far(by_distance[far], Z[far] - self.references_[nearest[far]])
        texts = dict(zip(far, texts, strict=True))
        for row in np.flatnonzero(is_outside):
            parts = unseen.get(row, []) + self._beyond(numbers, row, widest[row], excess[row])
            why[row] = "; ".join(parts + ([texts[row]] if row in texts else []))
        columns = {"outside": score, "is_outside": is_outside, "why_outside": why}
        return pd.DataFrame(columns, index=table.index)

    def _measure_held(self, Z, numbers, things, target, source, train, out):
        """Distance, excess and whether something is unseen, of held-out target rows."""
        distance = _nearest(Z[train], Z[out])[1]
        ranges = {name: _range(values[train]) for name, values in numbers.items()}
        excess, _ = _excess({name: values[out] for name, values in numbers.items()}, ranges, len(out))
        unseen = np.zeros(len(out), dtype=bool)
        for cells in things.values():
            seen = set().union(*(cells[row] for row in (*target[train], *source)))
            unseen |= np.array([not cells[row] <= seen for row in target[out]])
        return distance, excess, unseen

    def _set_limits(self, distance, excess, unseen):
        """Set limits that at most 5 % of the held-out rows exceed."""
        self.counts_unseen_ = bool(unseen.mean() <= SHARE)
        unseen = unseen if self.counts_unseen_ else np.zeros(len(unseen), dtype=bool)
        limit = {"distance": _upper(distance) or 1e-9, "excess": max(_upper(excess), TOLERANCE)}
        score = np.maximum(distance / limit["distance"], excess / limit["excess"])
        # Each by itself lets 5 % through, all together may let more.
        spare = int(np.floor(SHARE * len(score))) - int(unseen.sum())
        usual = np.sort(score[~unseen])
        wider = max(1.0, usual[-1 - spare]) if spare < len(usual) else 1.0
        self.limits_ = {name: float(value * wider) for name, value in limit.items()}
        self.held_out_share_ = float(np.mean((score > wider) | unseen))

    def _filled(self, features):
        return np.where(np.isfinite(features), features, self.fill_)

    def _numbers(self, table):
        """Columns of numbers that are used, dict of str to ndarray."""
        names = self.view.of_kind("number", "spectrum")
        return {
            name: pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            for name in names
        }

    def _things(self, table):
        """Elements or categories of each cell, dict of str to list of set."""
        names = self.view.of_kind("category")
        table = with_categories(table, names)
        found = {name: _categories(table[name]) for name in names}
        for name in self.view.of_kind(*OBJECTS):
            kind, folder = self.view.columns_[name].kind, self.view.featurizer_.folder
            found[name] = elements_of_cells(kind, table[name], folder)
        return found

    def _unseen(self, table):
        """Say what no training row has, a list of texts for each row that has such."""
        texts = {}
        for name, cells in self._things(table).items():
            seen = set(self.seen_[name])
            one, many = ("element", "elements") if self._is_object(name) else ("category", "categories")
            for row, cell in enumerate(cells):
                new = sorted(cell - seen)
                if new:
                    what = f"{one if len(new) == 1 else many} {', '.join(new)} of {name}"
                    texts.setdefault(row, []).append(f"{what}: in no training row")
        return texts

    def _is_object(self, name):
        return self.view.columns_[name].kind in OBJECTS

    def _excess(self, numbers, n_rows):
        return _excess(numbers, self.ranges_, n_rows)

    def _beyond(self, numbers, row, column, excess):
        if not excess > self.limits_["excess"]:
            return []
        low, high = self.ranges_[column]
        return [f"{column} = {numbers[column][row]:.6g}, target rows: {low:.6g} to {high:.6g}"]

    def _far(self, scores, differences):
        """Say of each row how far it is, and in which columns most of all; a list of texts."""
        columns, codes = np.unique(self.view.origins_.astype(str), return_inverse=True)
        squares = differences**2 @ np.eye(len(columns))[codes]
        large = squares > LARGE * squares.sum(axis=1, keepdims=True)
        order = np.argsort(-squares, axis=1, kind="stable")[:, :2]
        texts = []
        for row, score in enumerate(scores):
            where = " and ".join(columns[column] for column in order[row] if large[row, column])
            where = f", most of all in {where}" if where else ""
            texts.append(f"{score:.2f} times as far from the nearest target row as is usual{where}")
        return texts


def _medians(features):
    known = np.isfinite(features).any(axis=0)
    fill = np.zeros(features.shape[1])
    fill[known] = np.nanmedian(np.where(np.isfinite(features), features, np.nan)[:, known], axis=0)
    return fill


def _range(values):
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)


def _excess(numbers, ranges, n_rows):
    """By which share of its range a number lies beyond it: the largest of each row, and its column."""
    if not numbers:
        return np.zeros(n_rows), np.full(n_rows, None)
    names = list(numbers)
    low, high = (np.array([ranges[name][end] for name in names]) for end in (0, 1))
    width = np.where(high > low, high - low, np.maximum(np.abs(low), 1e-9))
    values = np.column_stack([numbers[name] for name in names])
    with np.errstate(invalid="ignore"):
        beyond = np.nan_to_num(np.maximum(low - values, values - high).clip(0) / width)
    widest = beyond.argmax(axis=1)
    return beyond[np.arange(len(values)), widest], np.array(names, dtype=object)[widest]


def _nearest(references, Z):
    """Position of and distance to the nearest reference."""
    if Z.shape[1] <= MAX_COLUMNS_OF_TREE:
        distance, nearest = NearestNeighbors(n_neighbors=1).fit(references).kneighbors(Z)
        return nearest[:, 0], distance[:, 0]
    nearest, distance = pairwise_distances_argmin_min(Z, references)
    return nearest, distance


def _upper(values):
    """The smallest of some values that at most 5 % of them exceed."""
    return float(np.quantile(values, 1 - SHARE, method="higher"))


def _categories(column):
    return [set() if pd.isna(cell) else {str(cell).strip()} for cell in column]
