"""Write a table part by part, as CSV or parquet."""

import gzip
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from .._optional import install_hint

# A cell that starts so is a formula to a spreadsheet, which runs it; a number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


def spreadsheet_safe(table):
    """Put an apostrophe before texts that a spreadsheet would run as a formula.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    DataFrame
        Cells and names that begin with ``=``, ``+``, ``-`` or ``@`` and are no numbers begin with ``'``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.tables import spreadsheet_safe
    >>> spreadsheet_safe(pd.DataFrame({"name": ["=1+2", "-0.5", "CO2"]}))["name"].tolist()
    ["'=1+2", '-0.5', 'CO2']
    """
    safe = {}
    for name, column in table.items():
        if not pd.api.types.is_numeric_dtype(column):
            column = column.map(_safe)
        safe[name] = column
    return pd.DataFrame(safe, index=table.index).rename(columns=_safe)


def _safe(cell):
    harmful = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell.strip())
    return f"'{cell}" if harmful else cell


class TableWriter:
    """Writes a table part by part; a context manager.

    The file has its name once all parts are written; until then it is called ``NAME.part``, which is left
    there if the work is interrupted.

    Parameters
    ----------
    path : str or path-like
        ``.csv``, ``.csv.gz`` or ``.parquet``.

    Raises
    ------
    ValueError
        Another kind of file.
    OSError
        The file cannot be written.
    ImportError
        pyarrow, which writes parquet, is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from skxfer.tables import TableWriter
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "out.csv")
    ...     with TableWriter(path) as writer:
    ...         writer.write(pd.DataFrame({"x": [1, 2]}))
    ...         writer.write(pd.DataFrame({"x": [3]}))
    ...     path.read_text().split()
    ['x', '1', '2', '3']
    """

    def __init__(self, path):
        self.path = Path(path)
        name = self.path.name.lower()
        self.kind = next((kind for kind in (".csv.gz", ".csv", ".parquet") if name.endswith(kind)), None)
        if self.kind is None:
            raise ValueError(f"{self.path}: name a file that ends with .csv, .csv.gz or .parquet.")
        self.part = self.path.with_name(f"{self.path.name}.part")

    def __enter__(self):
        self._file = self._parquet = None
        try:
            if self.kind == ".csv.gz":
                self._file = gzip.open(self.part, "wt", encoding="utf-8", newline="", compresslevel=4)
            elif self.kind == ".csv":
                self._file = open(self.part, "w", encoding="utf-8", newline="")
            else:
                _import_pyarrow()
                self.part.touch()
        except OSError as error:
            raise type(error)(f"cannot write to {self.path}: {error.strerror or error}") from error
        self._is_first = True
        return self

    def write(self, table):
        """Append rows.

        Parameters
        ----------
        table : DataFrame
            With the columns of the first one.
        """
        if self._file is not None:
            spreadsheet_safe(table).to_csv(self._file, index=False, header=self._is_first)
            self._file.flush()
        else:
            self._write_parquet(table)
        self._is_first = False

    def _write_parquet(self, table):
        pyarrow = _import_pyarrow()
        if self._is_first:
            self._kinds = {name: _plain_kind(column) for name, column in table.items()}
        table = pd.DataFrame({name: _as_kind(table[name], kind) for name, kind in self._kinds.items()})
        schema = pyarrow.schema([(str(name), _TYPES[kind](pyarrow)) for name, kind in self._kinds.items()])
        rows = pyarrow.Table.from_pandas(table, schema=schema, preserve_index=False)
        if self._parquet is None:
            self._parquet = pyarrow.parquet.ParquetWriter(self.part, rows.schema)
        self._parquet.write_table(rows)

    def __exit__(self, kind, error, traceback):
        for file in (self._file, self._parquet):
            if file is not None:
                file.close()
        if kind is None:
            os.replace(self.part, self.path)
        elif not issubclass(kind, KeyboardInterrupt):
            self.part.unlink(missing_ok=True)


def _import_pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"parquet files need one more package: {install_hint('parquet')}") from error
    return pyarrow


# Kinds of columns in a parquet file: the same in all parts.
_TYPES = {
    "bool": lambda pyarrow: pyarrow.bool_(),
    "number": lambda pyarrow: pyarrow.float64(),
    "text": lambda pyarrow: pyarrow.string(),
}


def _plain_kind(column):
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"


def _as_kind(column, kind):
    if kind == "bool":
        return column.astype(bool)
    if kind == "number":
        return pd.to_numeric(column, errors="coerce").astype(float)
    return pd.Series(
        [None if pd.isna(cell) else str(cell) for cell in column], index=column.index, dtype=object
    ).replace({np.nan: None})
