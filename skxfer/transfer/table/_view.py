"""A table as the learners of a fit see it: numbers for each row, or what is wrong with it."""

import re

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ...featurizers import FingerprintFeaturizer, SpectrumFeaturizer, TableFeaturizer
from ...input_kinds import KINDS, OBJECTS, unreadable

# Why a column is a spectrum of frequencies and intensities, and not one of absorbances.
_INFRARED = "frequencies and intensities"
_ONE = {"formula": "formula", "smiles": "SMILES", "structure": "structure"}


class TableView(BaseEstimator):
    """Turns a table into numbers once for all learners, row by row.

    Parameters
    ----------
    featurizer : TableFeaturizer or None
        Descriptors of each kind of column. None: the defaults.
    kinds : dict of str to str or None
        Kinds of columns that are known; None leaves those of the featurizer.
    needed : list of str
        Columns of which no cell may be missing in rows that are predicted.
    n_jobs : int or None

    Attributes
    ----------
    featurizer_ : fitted TableFeaturizer
    spectra_ : fitted SpectrumFeaturizer or None
        For frequencies and intensities of infrared spectra.
    complete_ : list of str
        Columns that are used and had no missing cell in ``fit``.
    known_ : ndarray of bool, shape (n_features_raw,)
        Whether a descriptor was known for all rows of ``fit``.
    text_ : list of str
        Columns that are used and held text in ``fit``.
    names_ : ndarray of str, shape (n_features,)
    origins_ : ndarray of str, shape (n_features,)
        The column that each feature is made of; of spectra, the feature.
    """

    def __init__(self, featurizer=None, kinds=None, needed=(), n_jobs=None):
        self.featurizer = featurizer
        self.kinds = kinds
        self.needed = needed
        self.n_jobs = n_jobs

    def fit(self, table):
        """Recognise the columns and learn their descriptors; see `fit_transform`."""
        self.fit_transform(table)
        return self

    def fit_transform(self, table):
        """Recognise the columns and turn a table into numbers.

        Parameters
        ----------
        table : DataFrame of n_samples rows, numbered from 0

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            NaN where a number is missing, unless the table holds infrared spectra.
        """
        self.featurizer_ = self._make_featurizer().set_output(transform="default")
        given = self.featurizer_.kinds or {}
        numeric = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
        table = with_categories(table, [name for name, kind in given.items() if kind == "category"])
        raw = self.featurizer_.fit_transform(table)
        columns = self.featurizer_.columns_
        used = [name for name, column in columns.items() if column.kind != "ignored"]
        self.complete_ = [name for name in used if table[name].notna().all() or name in self.needed]
        self.text_ = [name for name in used if name not in numeric]
        self.known_ = np.isfinite(raw).all(axis=0)
        self.names_ = self.featurizer_.get_feature_names_out()
        self.origins_ = self._origins()
        self.spectra_ = None
        if any(column.why.startswith(_INFRARED) for column in columns.values()):
            self.spectra_ = SpectrumFeaturizer().fit(self._named(self._filled(raw)))
            self.names_ = self.origins_ = self.spectra_.get_feature_names_out()
        return self._finished(raw)

    def transform(self, table):
        """Turn a table into numbers; rows that cannot be read get none.

        Parameters
        ----------
        table : DataFrame of n_samples rows

        Returns
        -------
        features : ndarray of shape (n_samples, n_features)
            NaN in all columns of rows with an error.
        errors : ndarray of str, shape (n_samples,)
            What is wrong with each row; empty where nothing is.

        Raises
        ------
        ValueError
            A column is missing.
        """
        self._check_columns(table)
        table = with_categories(table.reset_index(drop=True), self.of_kind("category"))
        errors = self._cell_errors(table)
        features = np.full((len(table), len(self.names_)), np.nan)
        good = np.flatnonzero(errors == "")
        if good.size:
            for rows, found in self._in_parts(self._as_numbers(table), good):
                if isinstance(found, str):
                    errors[rows] = found
                else:
                    features[rows] = found
        return features, errors

    @property
    def columns_(self):
        """What each column was taken for, dict of str to Column."""
        return self.featurizer_.columns_

    @property
    def used_(self):
        """Names of the columns that are used."""
        return [name for name, column in self.columns_.items() if column.kind != "ignored"]

    def renamed(self, table):
        """Find columns that are used and that the table spells otherwise, in case or spaces.

        Parameters
        ----------
        table : DataFrame

        Returns
        -------
        dict of str to str
            Names in the table, and as they were in ``fit``.
        """
        spelt = {}
        for name in table.columns:
            spelt.setdefault(_plain(name), []).append(name)
        found = {name: spelt.get(_plain(name), []) for name in self.used_ if name not in table}
        return {names[0]: name for name, names in found.items() if len(names) == 1}

    def of_kind(self, *kinds):
        """Return the names of the columns of some kinds."""
        return [name for name, column in self.columns_.items() if column.kind in kinds]

    def _make_featurizer(self):
        featurizer = TableFeaturizer() if self.featurizer is None else clone(self.featurizer)
        featurizer.set_params(impute=False)
        if self.kinds is not None:
            featurizer.set_params(kinds=self.kinds)
        if featurizer.smiles is None and self.n_jobs not in (None, 1):
            featurizer.set_params(smiles=FingerprintFeaturizer(n_jobs=self.n_jobs))
        return featurizer

    def _origins(self):
        """Find which column each feature of the featurizer is made of: in the order of the columns."""
        ends = {"category": "=", **dict.fromkeys(OBJECTS, ": ")}
        starts = [f"{name}{ends.get(self.columns_[name].kind, '')}" for name in self.used_]
        origins, column = [], 0
        for name in self.names_:
            while not str(name).startswith(starts[column]):
                column += 1
            origins.append(str(self.used_[column]))
        return np.array(origins, dtype=object)

    def _filled(self, raw):
        return np.where(np.isfinite(raw), raw, self.featurizer_.medians_)

    def _named(self, features):
        return pd.DataFrame(features, columns=self.featurizer_.get_feature_names_out())

    def _finished(self, raw):
        if self.spectra_ is not None:
            return self.spectra_.transform(self._named(self._filled(raw)))
        # A descriptor that was always known in fit may be unknown for a new molecule.
        unknown = self.known_ & ~np.isfinite(raw)
        return np.where(unknown, self.featurizer_.medians_, raw) if unknown.any() else raw

    def _check_columns(self, table):
        missing = [name for name in self.used_ if name not in table]
        if missing:
            have = ", ".join(map(str, table.columns[:10])) + (", …" if len(table.columns) > 10 else "")
            raise ValueError(
                f"The model needs {_columns(missing)}, which the table does not have; it has {have}."
            )

    def _cell_errors(self, table):
        """Say what is wrong with cells, by row: missing, no number, no formula."""
        errors = np.full(len(table), "", dtype=object)
        for name in self.used_:
            column, kind = table[name], self.columns_[name].kind
            if name in self.complete_:
                empty = column.isna().to_numpy()
                errors[empty & (errors == "")] = f"{name} is empty"
            if kind in OBJECTS:
                bad = unreadable(kind, column, self.featurizer_.folder)
                what = f"is not a {_ONE[kind]} that can be read"
                if kind == "structure":
                    what = "is not there"
            elif kind in ("number", "spectrum") and not pd.api.types.is_numeric_dtype(column):
                bad = (_numbers(column).isna() & column.notna()).to_numpy()
                what = "is not a number"
            elif kind in ("number", "spectrum"):
                bad, what = np.isinf(column.to_numpy(dtype=float, na_value=np.nan)), "is not finite"
            else:
                continue
            for row in np.flatnonzero(bad & (errors == "")):
                errors[row] = f"{name}: {str(column.iloc[row])!r} {what}"
        return errors

    def _as_numbers(self, table):
        """Convert columns of numbers that came as text; cells that hold none are told elsewhere."""
        text = [
            name
            for name in self.of_kind("number", "spectrum")
            if not pd.api.types.is_numeric_dtype(table[name])
        ]
        return table.assign(**{name: _numbers(table[name]) for name in text}) if text else table

    def _in_parts(self, table, rows):
        """Yield (rows, features, or what is wrong with the one row), halving parts that fail."""
        try:
            found = self._finished(self.featurizer_.transform(table.iloc[rows]))
        except (TypeError, ValueError) as error:
            if len(rows) == 1:
                yield rows, _of_one_row(str(error))
                return
            half = len(rows) // 2
            yield from self._in_parts(table, rows[:half])
            yield from self._in_parts(table, rows[half:])
            return
        yield rows, found


def with_categories(table, names):
    """Write numbers that are categories as text, whole ones without a decimal point.

    Parameters
    ----------
    table : DataFrame
    names : list of str
        Columns of categories.

    Returns
    -------
    DataFrame
        The same whether a file holds whole numbers, or a missing cell among them has made floats of them.
    """
    numeric = [name for name in names if name in table and pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].map(_as_text, na_action="ignore") for name in numeric})


def _as_text(number):
    return str(int(number)) if np.isfinite(number) and number == int(number) else str(number)


def _plain(name):
    return "".join(str(name).casefold().split())


def _numbers(column):
    return pd.to_numeric(column, errors="coerce")


def _columns(names):
    names = [repr(name) for name in names]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ("the column " if len(names) == 1 else "the columns ") + ", ".join(names[:6]) + more


def _of_one_row(text):
    """Leave the number of the row out of an error about one row: it is that of a part of the table."""
    text = re.sub(r"^Column '(.*?)', row \d+: ", r"\1: ", " ".join(text.split()))
    return re.sub(r"^Row \d+ has ", "it has ", text)


def what_columns_hold(view):
    """Return a record for each column: name, kind, why.

    Parameters
    ----------
    view : fitted TableView

    Returns
    -------
    list of dict
    """
    return [
        {
            "name": str(column.name),
            "kind": column.kind,
            "plural": "ignored" if column.kind == "ignored" else KINDS[column.kind].plural,
            "why": column.why,
        }
        for column in view.columns_.values()
    ]
