"""Read a table of any kind of file, and turn its cells into numbers where that is what they are."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from .._paths import check_path
from ._binary import read_excel, read_parquet
from ._cells import MISSING, CellError, decimal_mark, each_number, to_numbers
from ._names import Reading
from ._text import OPEN, Text

# Superfluous spaces are told in columns with no more different texts than this: they may be domains.
MANY = 50
SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".dat"), "text"),
    **dict.fromkeys((".xlsx", ".xlsm"), "Excel"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}


def read_table(
    path,
    *,
    sheet=None,
    sep=None,
    decimal=None,
    encoding=None,
    missing=(),
    text=(),
    header=True,
    on_bad_cell="raise",
):
    """Read a table, finding out how it is written.

    Parameters
    ----------
    path : str or path-like
        ``.csv``, ``.tsv``, ``.txt``, ``.tab``, ``.dat``, ``.xlsx``, ``.xlsm`` or ``.parquet``; text may be
        compressed (``.gz``, ``.bz2``, ``.xz``, ``.zip``).
    sheet : str, int or list of these, optional
        Sheet of a workbook by name or by number from 1. Default: the first that is not empty. Of several, or
        ``"*"`` for all, the rows are joined and a column ``sheet`` names where each comes from.
    sep : str, optional
        What separates cells: ``","``, ``";"``, ``"\\t"``, ``"|"``, or ``" "`` for any number of spaces.
        Default: found from the first lines.
    decimal : {".", ","}, optional
        Decimal mark. Default: found from the cells.
    encoding : str, optional
        Default: UTF-8, with or without byte order mark; UTF-16; else Windows-1252, which includes Latin-1.
    missing : str or sequence of str, default=()
        Cells that stand for a missing value, such as ``"-"`` or ``"n/a"``. Empty cells always do, and in
        columns of numbers ``NaN``, ``NA``, ``#N/A`` and ``null`` as well.
    text : sequence of str, default=()
        Columns to leave as they are, even if most of their cells are numbers.
    header : bool, default=True
        Whether the first line holds the names of columns. If not, they are called ``column_1``,
        ``column_2``, …
    on_bad_cell : {"raise", "text"}, default="raise"
        What becomes of a column of numbers in which a cell is not a number or has another unit: an error, or
        a column of text, with the error in ``attrs["reading"].bad_cells`` by the name of the column.

    Returns
    -------
    DataFrame
        Columns of numbers (float, int) and of text (object; missing cells are NaN), rows numbered from 0.
        ``attrs["reading"]`` says how the file was read: print it.

    Raises
    ------
    FileNotFoundError
    CellError
        A ValueError that names column, row and cell: a cell that is not a number in a column of numbers, or
        that has another unit than the rest. Where all cells have the same unit (``0.005 eV``), the numbers
        are read and the unit is kept in ``attrs["reading"].units``.
    ValueError
        The file cannot be read as a table, has no rows or no header, or decimal marks are mixed.
    ImportError
        The package that reads this kind of file is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skxfer import read_table
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "gaps.csv")
    ...     _ = path.write_bytes("Formel;Bandlücke\\nTiO2;3,2\\nZnO;3,4\\n".encode("latin-1"))
    ...     table = read_table(path)
    >>> table
      Formel  Bandlücke
    0   TiO2        3.2
    1    ZnO        3.4
    >>> print(table.attrs["reading"])
    gaps.csv: encoding Windows-1252 (Latin-1), separator semicolon, decimal comma
    """
    path = Path(check_path(path))
    if not path.is_file():
        why = ": it is a folder, give the path of a file in it" if path.is_dir() else ": correct the path"
        raise FileNotFoundError(f"there is no file {path}{why}")
    kind = kind_of(path)
    reading = Reading(path.name, folder=str(path.parent))
    missing = [missing] if isinstance(missing, str) else [str(mark) for mark in missing]
    if decimal not in (None, ".", ","):
        raise ValueError(f"The decimal mark must be '.' or ',', got {decimal!r}.")
    if kind != "Excel" and sheet is not None:
        raise ValueError(f"{path.name} has no sheets: leave out the name of a sheet.")
    if kind == "parquet":
        table = read_parquet(path)
        reading.details.append("parquet")
    elif kind == "Excel":
        table = read_excel(path, sheet, header, reading)
    else:
        content = Text(path, sep, encoding, header, reading)
        table = content.table(as_text=decimal == ",")
    table = without_empty(table, reading)
    if decimal is None:
        decimal = found_decimal(table, text)
        if (
            decimal == "," and kind == "text"
        ):  # points are between thousands then, which the C parser misreads
            table = without_empty(content.table(as_text=True), Reading(path.name))
    if decimal == ",":
        reading.details.append("decimal comma")
    if table.empty:
        raise ValueError(f"{path.name} has no rows below its header.")
    if on_bad_cell not in ("raise", "text"):
        raise ValueError(f"on_bad_cell must be 'raise' or 'text', got {on_bad_cell!r}.")
    table = convert(table, decimal, missing, text, reading)
    if reading.bad_cells and on_bad_cell == "raise":
        raise next(iter(reading.bad_cells.values()))
    _check_header(table, reading)
    table.attrs["reading"] = reading
    return table


def kind_of(path):
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in OPEN:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        remedy = "use .csv, .tsv, .txt, .xlsx or .parquet"
        if suffix in (".xls", ".ods", ".numbers"):
            remedy = "save it as .xlsx"
        raise ValueError(f"{path}: cannot read {suffix or 'a file without ending'}; {remedy}.")
    return SUFFIXES[suffix]


def without_empty(table, reading):
    """Leave out rows without any cell, and columns that have neither a name nor a cell."""
    unnamed = [name for name in table if name.startswith("Unnamed: ") and table[name].isna().all()]
    table = table.drop(columns=unnamed)
    empty = table.isna().all(axis=1) if table.shape[1] else pd.Series(False, index=table.index)
    if empty.any():
        rows = "empty row is" if empty.sum() == 1 else "empty rows are"
        reading.notes.append(f"{empty.sum()} {rows} left out.")
    return table[~empty].reset_index(drop=True)


def convert(table, decimal, missing, text, reading, numbers=()):
    """Turn columns of text into numbers where that is what they hold.

    Parameters
    ----------
    table : DataFrame
    decimal : {".", ","}
    missing : list of str
    text : sequence of str
        Columns to leave as they are.
    reading : Reading
        Is told what was done.
    numbers : sequence of str, default=()
        Columns of which each cell is read by itself, so that one that is no number does not make text of all.

    Returns
    -------
    DataFrame
    """
    unknown = [name for name in text if name not in table]
    if unknown:
        raise ValueError(f"There is no column {unknown[0]!r}; there are {', '.join(table.columns)}.")
    columns = {}
    for name, column in table.items():
        if _is_numeric(column):
            columns[name] = column if name in text else _plain(column)
            continue
        column, n_spaced, first = _as_text(column, missing)
        found, unit = None, ""
        if name not in text:
            try:
                found, unit = to_numbers(column, decimal, name)
            except CellError as error:
                reading.bad_cells[name] = error
        if found is None and name in numbers:
            column = each_number(column, decimal)
        columns[name] = column if found is None else _plain(found)
        if found is None and n_spaced and column.nunique() <= MANY:
            cells = "1 cell loses" if n_spaced == 1 else f"{n_spaced} cells lose"
            reading.notes.append(f"Column {name!r}: {cells} superfluous spaces (first in row {first + 1}).")
        if unit:
            reading.units[name] = unit
            reading.notes.append(f"Column {name!r}: each cell has the unit {unit}; the numbers are read.")
    return pd.DataFrame(columns)


def _is_numeric(column):
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _as_text(column, missing):
    """Cells as text without superfluous spaces; how many had some, and where the first is."""
    try:
        codes, cells = pd.factorize(column.astype(object))  # equal cells are converted once
    except TypeError:  # lists in a parquet file
        codes, cells = pd.factorize(column.astype(str))
    texts = [_text_of(cell) for cell in cells]
    spaced = np.array([*(isinstance(c, str) and c != t for c, t in zip(cells, texts, strict=True)), False])
    texts = [
        np.nan if text in missing or cell in missing else text
        for cell, text in zip(cells, texts, strict=True)
    ]
    where = np.flatnonzero(spaced[codes])
    values = np.array([*texts, np.nan], dtype=object)[codes]
    return (
        pd.Series(values, index=column.index, name=column.name),
        len(where),
        where[0] if len(where) else None,
    )


def _text_of(cell):
    """A cell as text; numbers of Excel are written out so that they come back as they are."""
    if isinstance(cell, str):
        return " ".join(cell.split()) or np.nan
    return repr(cell) if isinstance(cell, float) else str(cell)


def _plain(column):
    """Numbers as int64 where all are whole, else as float64."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    whole = (
        np.isfinite(values).all() and (np.abs(values) < 2**53).all() and (values == np.round(values)).all()
    )
    return pd.Series(values.astype("int64") if whole else values, index=column.index, name=column.name)


def found_decimal(table, text):
    """Find the decimal mark in cells of text; columns of numbers have a point already."""
    marks = {}
    for name, column in table.items():
        if name in text or _is_numeric(column):
            continue
        cells = [cell.strip() for cell in column.dropna().head(5000) if isinstance(cell, str)]
        cells = [cell for cell in cells if cell not in MISSING]
        # A comma within text, such as a name or a list, is no decimal mark.
        numeric = [cell for cell in cells if re.match(r"[+\-\u2212]?[\d.,]", cell)]
        if cells and len(numeric) >= 0.5 * len(cells):
            marks[name] = decimal_mark(numeric)
    commas = [name for name, mark in marks.items() if mark == ","]
    points = [name for name, mark in marks.items() if mark == "."]
    mixed = [name for name, mark in marks.items() if mark == "mixed"]
    if mixed or (commas and points):
        where = (
            f"column {mixed[0]!r}" if mixed else f"columns {commas[0]!r} (comma) and {points[0]!r} (point)"
        )
        raise ValueError(
            f"Decimal marks are mixed in {where}. Say which is the decimal mark, ',' or '.'; cells that are "
            "written otherwise are then named."
        )
    return "," if commas else "."


def _check_header(table, reading):
    """Refuse names of columns that are numbers: the file has no header then."""
    numbers = [name for name in table if _is_number(name)]
    if not numbers or not all(table[name].dtype.kind in "fiu" for name in numbers):
        return
    values = np.array([float(str(name)) for name in numbers])
    is_grid = len(values) >= 5 and (np.all(np.diff(values) > 0) or np.all(np.diff(values) < 0))
    if not is_grid:
        raise ValueError(
            f"{reading.name}: the first line must hold the names of the columns, but it has {numbers[0]!r}. "
            "Add a line with names, or say that there is no header."
        )


def _is_number(name):
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", str(name)) is not None
