"""Tables in workbooks of Excel and in parquet files."""

import numpy as np
import pandas as pd

from .._optional import install_hint
from ._names import column_names

SHEET = "sheet"


def read_parquet(path):
    """Read a parquet file; an index with a name or labels becomes a column."""
    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise ImportError(f"{path.name} needs one more package: {install_hint('parquet')}") from error
    except Exception as error:  # each engine has its own
        raise ValueError(f"{path.name} cannot be read as parquet: {' '.join(str(error).split())}") from error
    if not isinstance(table.index, pd.RangeIndex):
        table = table.reset_index(allow_duplicates=True)
    table.columns = [str(name) for name in table.columns]
    return table.reset_index(drop=True)


def read_excel(path, sheet, header, reading):
    """Read a sheet of a workbook, or join several."""
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except ImportError as error:
        raise ImportError(f"{path.name} needs one more package: {install_hint('excel')}") from error
    except Exception as error:  # whatever openpyxl and zipfile raise
        raise ValueError(f"{path.name} cannot be read as Excel: {' '.join(str(error).split())}") from error
    with book:
        chosen = _sheets(book.sheet_names, sheet, path.name)
        tables = {}
        for name in chosen:
            grid = book.parse(name, header=None, dtype=object, keep_default_na=False, na_values=[""])
            grid = grid.dropna(how="all").dropna(how="all", axis=1)
            if grid.empty and (sheet is None or sheet == "*"):
                continue
            tables[name] = _from_grid(grid, header, reading, name)
            if sheet is None:
                break
    if not tables:
        raise ValueError(f"{path.name} has no sheet with rows.")
    first = next(iter(tables))
    if sheet is None and len(book.sheet_names) > 1:
        others = ", ".join(name for name in book.sheet_names if name != first)
        reading.notes.append(f"Sheet {first!r} is read; the workbook has {others} as well.")
    reading.details.append(f"Excel, sheet{'s' if len(tables) > 1 else ''} {', '.join(tables)}")
    if len(tables) == 1:
        return tables[first]
    for name, table in tables.items():
        table.insert(0, SHEET if SHEET not in table else f"{SHEET}.1", name)
    _join_spellings(tables, reading)
    _say_what_only_some_have(tables, reading)
    return pd.concat(tables.values(), ignore_index=True)


def _sheets(names, sheet, file):
    """Return the names of the sheets that are asked for."""
    if sheet is None or sheet == "*":
        return names
    chosen = []
    for one in sheet if isinstance(sheet, (list, tuple)) else [sheet]:
        if one in names:
            chosen.append(one)
        elif str(one).isdigit() and 1 <= int(one) <= len(names):
            chosen.append(names[int(one) - 1])
        else:
            raise ValueError(f"{file} has no sheet {one!r}: there are {', '.join(names)}.")
    return list(dict.fromkeys(chosen))


def _from_grid(grid, header, reading, name):
    """Find the header in a sheet: the first row that is as full as the table."""
    if not header:
        return grid.reset_index(drop=True).set_axis([f"column_{i + 1}" for i in range(grid.shape[1])], axis=1)
    filled = grid.notna().sum(axis=1).to_numpy()
    usual = max(2, int(0.8 * np.median(filled))) if grid.shape[1] > 1 else 1
    top = int(np.flatnonzero(filled >= usual)[0]) if (filled >= usual).any() else 0
    if top:
        reading.notes.append(
            f"Sheet {name!r}: the first {top} rows are not part of the table and are skipped."
        )
    titles = ["" if pd.isna(cell) else str(cell) for cell in grid.iloc[top]]
    body = grid.iloc[top + 1 :].reset_index(drop=True)
    body.columns = column_names(len(body.columns), titles, reading)
    return body.infer_objects()


def _join_spellings(tables, reading):
    """Give columns of different sheets one name where names differ in case or spaces only."""
    first = {}
    for sheet, table in tables.items():
        for name in list(table.columns):
            known = first.setdefault("".join(name.casefold().split()), name)
            if known != name and known not in table:
                tables[sheet] = tables[sheet].rename(columns={name: known})
                reading.notes.append(f"Column {name!r} of sheet {sheet} is taken for {known!r}.")


def _say_what_only_some_have(tables, reading):
    columns = list(dict.fromkeys(column for table in tables.values() for column in table))
    for column in columns:
        without = [name for name, table in tables.items() if column not in table]
        if without:
            reading.notes.append(
                f"Column {column!r} is missing in the sheet {', '.join(without)}: its cells are empty."
            )
