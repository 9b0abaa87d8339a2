"""Checks of a table before anything is fitted: leaks, duplicates, domains, units, outliers, few rows."""

import textwrap
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ..input_kinds import OBJECTS, keys_of, recognise_columns

LEVELS = ("stop", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something in a table that its owner should know before a model is fitted.

    Attributes
    ----------
    check : str
        Name of the check.
    level : {"stop", "warning", "note"}
        ``"stop"``: a result would be meaningless; ``"warning"``: it may be; ``"note"``: good to know.
    message, remedy : str
        What is wrong, and what to do about it.
    columns : tuple of str
    rows : tuple of int
        Positions in the table, from 0.
    """

    check: str
    level: str
    message: str
    remedy: str
    columns: tuple = ()
    rows: tuple = ()


@dataclass
class TableReport:
    """What :func:`check_table` found; print it to read it.

    Attributes
    ----------
    findings : list of Finding
        The gravest first.
    groups : ndarray of int, shape (n_rows,)
        Rows with the same number have the same substance or input: never split them into training and test.
    columns : dict of str to :class:`~skxfer.input_kinds.Column`
        What each input column was taken for.
    """

    findings: list
    groups: np.ndarray = field(repr=False, default=None)
    columns: dict = field(repr=False, default_factory=dict)

    def __getitem__(self, check):
        """Return the findings of a check."""
        return [finding for finding in self.findings if finding.check == check]

    @property
    def stops(self):
        """Findings with which a result would be meaningless."""
        return [finding for finding in self.findings if finding.level == "stop"]

    def to_frame(self):
        """Return the findings as a DataFrame, one per row."""
        names = ("check", "level", "message", "remedy", "columns", "rows")
        return pd.DataFrame(
            [[getattr(finding, name) for name in names] for finding in self.findings], columns=list(names)
        )

    def in_short(self, first_row=0):
        """Return the gravest finding and how many there are like it, in one line."""
        first = self.findings[0]
        more = f" ({len(self.stops) - 1} more like this)" if len(self.stops) > 1 else ""
        return f"{first.message}{_shown_rows(first.rows, first_row)} {first.remedy}{more}"

    def in_words(self, first_row=0, width=100):
        """Return lines that say what was found.

        Parameters
        ----------
        first_row : int, default=0
            Number of the first row of the table, for its owner.
        width : int or None, default=100
            Number of characters in a line. None: one line for each finding.

        Returns
        -------
        list of str
        """
        lines = []
        marks = {"stop": "STOP   ", "warning": "WARNING", "note": "note   "}
        for finding in self.findings:
            rows = _shown_rows(finding.rows, first_row)
            text = f"{marks[finding.level]} {finding.message}{rows} {finding.remedy}".rstrip()
            if width is None:
                lines.append(" ".join(text.split()))
            else:
                lines += textwrap.wrap(text, width, subsequent_indent=" " * 8)
        return lines

    def __str__(self):
        return "\n".join(self.in_words()) or "No finding."

    __repr__ = __str__


def _shown_rows(rows, first_row, limit=6):
    if not rows:
        return ""
    shown = ", ".join(str(row + first_row) for row in rows[:limit])
    more = f" and {len(rows) - limit} more" if len(rows) > limit else ""
    return f" Row{'s' if len(rows) > 1 else ''} {shown}{more}."


@dataclass
class CheckedTable:
    """A table and the part of each column and row, for the checks."""

    table: pd.DataFrame
    targets: list
    columns: dict  # inputs
    domain: pd.Series | None
    domain_column: str | None
    sources: list
    tests: list
    chosen: tuple = ()  # columns that their owner has named as features
    bad_cells: dict = field(default_factory=dict)  # errors of cells that are not numbers, by column
    folder: str = "."

    @property
    def is_source(self):
        """Whether each row is one of a source, ndarray of bool."""
        return self._among(self.sources)

    @property
    def is_target(self):
        """Whether each row is a target row, ndarray of bool."""
        return ~self.is_source

    @property
    def is_test(self):
        """Whether each row is one of a test domain, ndarray of bool."""
        return self._among(self.tests)

    def _among(self, names):
        if self.domain is None:
            return np.zeros(len(self.table), dtype=bool)
        return self.domain.isin(names).to_numpy()

    @cached_property
    def used(self):
        """Names of the input columns that are used."""
        return [name for name, column in self.columns.items() if column.kind != "ignored"]

    @cached_property
    def numbers(self):
        """Names of the input columns of numbers."""
        return [name for name in self.used if self.columns[name].kind in ("number", "spectrum")]

    def values(self, name):
        """Return a column as float, NaN where it holds no finite number."""
        values = pd.to_numeric(self.table[name], errors="coerce").to_numpy(dtype=float)
        return np.where(np.isfinite(values), values, np.nan)

    @cached_property
    def inputs(self):
        """Numbers of the inputs: rows with the same input have the same one."""
        if not self.used:
            return np.arange(len(self.table))
        keys = np.column_stack([self._keys(name) for name in self.used])
        return np.unique(keys, axis=0, return_inverse=True)[1].ravel()

    @cached_property
    def substance(self):
        """The column of formulas, SMILES or structures that says what a row is about, or None.

        It is the only such column, and most target rows differ in it: what else is in the table (a
        temperature) are conditions. A column with few values is more like a category.
        """
        objects = [name for name in self.used if self.columns[name].kind in OBJECTS]
        if len(objects) != 1:
            return None
        keys = self._keys(objects[0])[self.is_target]
        return objects[0] if len(np.unique(keys)) >= max(10, len(keys) / 2) else None

    @cached_property
    def groups(self):
        """Numbers of what must not be split into training and test: equal substances, else equal inputs."""
        if self.substance is None:
            return self.inputs
        keys = self._keys(self.substance)
        unknown = keys < 0
        return np.where(unknown, keys.max() + 1 + self.inputs, keys)

    def _keys(self, name):
        return keys_of(self.columns[name].kind, self.table[name])


def check_table(
    table, target=None, domain=None, *, source_domains=(), test_domains=(), kinds=None, ignore=(), folder="."
):
    """Check a table before a model is fitted; change nothing.

    The names of domains that differ in spelling only, and a feature from which the target is computed in all
    target rows (unless `kinds` names it), are grave: a result would be meaningless.

    =========================  ===============================================================================
    check                      what it finds
    =========================  ===============================================================================
    ``"determines_target"``    a feature that equals the target, or nearly determines it
    ``"tells_domain"``         a feature by which source and target rows can be told apart
    ``"row_numbers"``          a feature that counts the rows
    ``"duplicates"``           the same substance or input in several target rows, in training and test, …
    ``"conflicting_labels"``   rows with the same input and different labels
    ``"domain_spelling"``      domains whose names differ in case, spaces or punctuation only
    ``"bad_cells"``            cells that are not what their column holds: numbers, formulas, SMILES, files
    ``"constant"``             columns with the same value in every row
    ``"units"``                domains whose numbers differ by the factor between two units
    ``"outliers"``             labels and features far from the rest, in robust standard deviations
    ``"few_rows"``             fewer than ten target rows, or fewer than three rows of a test domain
    ``"far_sources"``          sources whose inputs or labels hardly overlap with those of the target
    ``"missing"``              missing labels and features
    =========================  ===============================================================================

    Parameters
    ----------
    table : DataFrame
        Inputs, targets and domain; see :func:`~skxfer.read_table`.
    target : str or list of str, optional
        Columns to predict.
    domain : str, optional
        Column that names the domain of each row.
    source_domains : sequence, default=()
        Domains to transfer from; the others are the target.
    test_domains : sequence, default=()
        Target domains that are in no training set.
    kinds : dict of str to str, optional
        Kinds of columns that are known, as of :func:`~skxfer.input_kinds.recognise_columns`.
    ignore : sequence of str, default=()
        Columns that are not used.
    folder : path-like, default="."
        Where the paths of structures start.

    Returns
    -------
    TableReport
        Print it. It has the rows of each finding and what to do about it.

    Raises
    ------
    ValueError
        A column that is not in the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.screening import check_table
    >>> k = [1.0, 1.2, 1.5, 1.4, 1.1, 1.3, 1.7, 1.6]
    >>> table = pd.DataFrame({"T": [300, 340, 320, 310, 330, 305, 315, 345], "k": k})
    >>> table["log k"] = 3 * table["k"] + 1
    >>> report = check_table(table, "k")
    >>> [finding.check for finding in report.findings]
    ['determines_target', 'few_rows']
    """
    targets = [] if target is None else [target] if isinstance(target, str) else list(target)
    for name in [*targets, *([domain] if domain is not None else [])]:
        if name not in table:
            raise ValueError(f"There is no column {name!r}; there are {', '.join(map(str, table.columns))}.")
    table = table.reset_index(drop=True)
    inputs = table.drop(columns=[*targets, *([domain] if domain is not None else [])])
    checked = CheckedTable(
        table=table,
        targets=targets,
        columns=recognise_columns(inputs, given=kinds, ignore=ignore, folder=folder),
        domain=None if domain is None else table[domain].astype(str),
        domain_column=domain,
        sources=[str(name) for name in source_domains],
        tests=[str(name) for name in test_domains],
        chosen=tuple(kinds or ()),
        bad_cells=getattr(table.attrs.get("reading"), "bad_cells", {}),
        folder=folder,
    )
    return check(checked)


def check(checked):
    """Make all checks of a table whose columns and rows have their parts.

    Parameters
    ----------
    checked : CheckedTable

    Returns
    -------
    TableReport
    """
    from . import _table_domains, _table_features  # which make findings, and so need this module

    findings = [
        finding for make in (*_table_features.CHECKS, *_table_domains.CHECKS) for finding in make(checked)
    ]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    return TableReport(findings, checked.groups, checked.columns)
