"""Cells of a table as people type them: numbers with decimal marks, units and missing values."""

import re
from collections import Counter

import numpy as np
import pandas as pd

# What programs write for a missing number. Marks that people type (-, n/a, ?) are errors until declared.
MISSING = frozenset({"", "nan", "NaN", "NAN", "NA", "<NA>", "#N/A", "NULL", "null", "None"})
# A text column in which so large a share of the cells are numbers is one of numbers with wrong cells.
MOSTLY = 0.8

# What people type where a number is missing.
_MARK = re.compile(r"[-–—.?*x/]+|n\.?\s?/?\s?[ad]\.?|none|missing|unknown|tbd|not available", re.IGNORECASE)

_SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2212": "-", "\ufeff": ""})
_NUMBER = r"[+-]?(?:\d[\d ]*(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?"
# A unit starts with a letter or sign; a single letter must be set apart by a space or be a common one.
_UNIT = (
    r"(?:[%‰KVJÅ]|°\s?[CF]|(?<=\s)[A-Za-zµμΩ]|[A-Za-zµμΩÅ°][^\s,;]{1,15})"
    r"(?:\s?\(?[A-Za-z%/^·*-][^,;]{0,15})?"
)
_CELL = re.compile(rf"({_NUMBER})\s*({_UNIT})?")
MOST_UNITS = 3
# Decimal commas and points that can be nothing else than decimal marks or thousands.
_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?(?:\s*[^\d\s.,;+-].*)?")
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?(?:\s*[^\d\s.,;+-].*)?")
_THOUSANDS = {
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?"),
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"),
}
_WORDS = {"true": 1.0, "false": 0.0}


class CellError(ValueError):
    """A cell that is no number in a column of numbers.

    Attributes
    ----------
    column, cell : str
    row : int
        Row of the data, from 1.
    problem : str
        Without what can be done about it.
    marks : list of str
        Short cells that may stand for a missing value.
    """

    def __init__(self, column, row, cell, problem, marks=()):
        self.column, self.row, self.cell, self.problem, self.marks = column, row, cell, problem, list(marks)
        missing = f" If it stands for a missing value, pass missing={self.marks!r}." if self.marks else ""
        super().__init__(f"{problem} Correct it, or read the column as text: text=[{column!r}].{missing}")

    def __reduce__(self):
        """Copy and pickle with all that it says."""
        return type(self), (self.column, self.row, self.cell, self.problem, self.marks)


def decimal_mark(cells):
    """Return the decimal mark of cells of text, "," or ".", or None where no cell tells.

    Parameters
    ----------
    cells : iterable of str

    Returns
    -------
    str or None
        ``"mixed"`` where some cells have a decimal comma and others a decimal point.
    """
    commas = points = 0
    for cell in cells:
        cell = cell.strip()
        if _COMMA.fullmatch(cell) or (_THOUSANDS[","].fullmatch(cell) and "," in cell):
            commas += 1
        elif _POINT.fullmatch(cell) and not re.fullmatch(r"\d{1,2}\.\d{1,2}\.\d{2,4}", cell):
            points += 1
    if commas and points:
        return "mixed"
    return "," if commas else "." if points else None


def to_numbers(column, decimal, name):
    """Read a column of text as numbers, if that is what most of its cells are.

    Parameters
    ----------
    column : Series of str or None
        Missing cells are NaN or None.
    decimal : {".", ","}
    name : str
        Of the column, for the error.

    Returns
    -------
    numbers : Series of float or None
        None for a column of text.
    unit : str
        What follows each of the numbers; empty if nothing does.

    Raises
    ------
    CellError
        Most cells are numbers and one is not, or has another unit than the first.
    """
    present = column[column.notna()].map(lambda cell: str(cell).translate(_SPACES).strip())
    present = present[~present.isin(MISSING)]
    if (numbers := _all_numbers(present, decimal)) is not None:
        return numbers.reindex(column.index), ""
    parsed = present.map(lambda cell: _parse(cell, decimal))
    good = parsed.notna()
    marks = present[~good].map(lambda cell: _MARK.fullmatch(cell) is not None)
    if good.sum() < 2 or (good.mean() < MOSTLY and not marks.all()):
        return None, ""
    if not good.all():
        raise _wrong_cell(name, present[~good], column.index)
    units = parsed.map(lambda pair: pair[1])
    if units.nunique() > MOST_UNITS:
        return None, ""  # labels such as 12ab
    if units.nunique() > 1:
        raise _other_unit(name, present, units, column.index)
    numbers = pd.Series(np.nan, index=column.index, name=column.name)
    numbers[present.index] = parsed.map(lambda pair: pair[0]).astype(float)
    return numbers, units.iloc[0]


def each_number(column, decimal):
    """Read the cells of a column of text that are numbers, and leave the others as they are.

    Parameters
    ----------
    column : Series of str or None
    decimal : {".", ","}

    Returns
    -------
    Series of object
        Floats, and the text of cells that are no number or have another unit than most.
    """
    texts = column.map(lambda cell: str(cell).translate(_SPACES).strip(), na_action="ignore")
    present = texts[texts.notna() & ~texts.isin(MISSING)]
    parsed = present.map(lambda cell: _parse(cell, decimal)).dropna()
    units = parsed.map(lambda pair: pair[1])
    found = column.astype(object).where(texts.notna() & ~texts.isin(MISSING), np.nan)
    if len(units):
        usual = units.mode().iloc[0]
        for row in units.index[units == usual]:
            found[row] = parsed[row][0]
    return found


def _all_numbers(present, decimal):
    """Read cells that are nothing but numbers; None if one is not, or if thousands are set apart."""
    if not len(present) or present.str.contains("_", regex=False).any():
        return None
    if decimal == ",":
        if present.str.contains(".", regex=False).any():
            return None
        present = present.str.replace(",", ".", regex=False)
    try:
        return pd.Series(present.to_numpy(dtype=float), index=present.index, name=present.name)
    except ValueError:
        return None


def _parse(cell, decimal):
    """Return (number, unit) of a cell, or None."""
    if cell.lower() in _WORDS:
        return _WORDS[cell.lower()], ""
    if _THOUSANDS[decimal].fullmatch(cell):
        cell = cell.replace("." if decimal == "," else ",", "")
    if decimal == ",":
        if re.match(r"[+-]?\d+\.\d", cell):  # a decimal point, where the mark is a comma
            return None
        cell = cell.replace(",", ".", 1)
    found = _CELL.fullmatch(cell)
    if found is None:
        return (float(cell), "") if re.fullmatch(r"[+-]?inf(inity)?", cell, re.IGNORECASE) else None
    digits = found[1].strip()
    if " " in digits and not re.fullmatch(r"[+-]?\d{1,3}( \d{3})+(\.\d*)?", digits):
        return None
    number = float(re.sub("[dD]", "e", digits.replace(" ", "")))
    return number, (found[2] or "").strip()


def _wrong_cell(name, wrong, index):
    row, cell = index.get_loc(wrong.index[0]) + 1, wrong.iloc[0]
    counts = Counter(wrong)
    more = ""
    if len(wrong) > 1:
        shown = ", ".join(_shown(text) + f" ({n} times)" * (n > 1) for text, n in counts.most_common(4))
        more = f"; {len(wrong)} cells in all: {shown}" + (", …" if len(counts) > 4 else "")
    marks = [text for text, _ in counts.most_common() if _MARK.fullmatch(text)]
    problem = f"Column {name!r} holds numbers, but the cell in row {row} is {_shown(cell)}{more}."
    return CellError(name, row, cell, problem, marks)


def _other_unit(name, present, units, index):
    usual = units.mode().iloc[0]
    odd = units[units != usual]
    row, cell = index.get_loc(odd.index[0]) + 1, present[odd.index[0]]
    like = present[units == usual].iloc[0]
    problem = (
        f"Column {name!r} mixes units: the cell in row {row} is {cell!r}, and {(units == usual).sum()} cells "
        f"are like {like!r}."
    )
    return CellError(name, row, cell, problem)


def _shown(cell):
    return repr(cell if len(cell) <= 40 else cell[:39] + "…")
