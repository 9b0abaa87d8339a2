"""Read a table part by part, so that a table of any length needs no more memory than one part."""

import bz2
import gzip
import importlib.util
import io
import lzma
import zipfile
from pathlib import Path

import pandas as pd

from .._paths import check_path
from ._binary import read_excel, read_parquet
from ._names import Reading, column_names
from ._read import convert, found_decimal, kind_of, without_empty
from ._text import Text, TextScan

# How the table is written is found from so many bytes at its start.
HEAD = 1 << 20
BLOCK = 1 << 22
ROWS = 20_000
_OPEN = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class TableParts:
    """The rows of a table in a file, part by part.

    Iterate over it for DataFrames of up to `rows` rows. Cells are converted as in :func:`read_table` with
    ``on_bad_cell="text"``: a column in which a cell of a part is no number is text in this part.

    Parameters
    ----------
    path : str or path-like
    rows : int, default=20000
        Most rows of a part.
    sheet, sep, decimal, encoding, missing, header
        As of :func:`read_table`.
    text : sequence of str, default=()
        Columns to leave as they are; names that the table does not have are no error.
    numbers : sequence of str, default=()
        Columns of numbers: each cell is read by itself, and one that is no number stays text.

    Attributes
    ----------
    reading : Reading
        How the table is read.
    n_rows : int
        Number of rows, or of lines where a row may have several.
    columns : list of str

    Raises
    ------
    FileNotFoundError
    ValueError, ImportError
        As of :func:`read_table`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skxfer.tables import TableParts
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "gaps.csv")
    ...     _ = path.write_text("oxide;gap\\nTiO2;3,2\\nZnO;3,4\\nMgO;7,8\\n")
    ...     [len(part) for part in TableParts(path, rows=2)]
    [2, 1]
    """

    def __init__(
        self,
        path,
        *,
        rows=ROWS,
        sheet=None,
        sep=None,
        decimal=None,
        encoding=None,
        missing=(),
        header=True,
        text=(),
        numbers=(),
    ):
        self.path, self.rows = Path(check_path(path)), rows
        self.text, self.numbers = tuple(text), tuple(numbers)
        if not self.path.is_file():
            is_folder = self.path.is_dir()
            why = ": it is a folder, give the path of a file in it" if is_folder else ": correct the path"
            raise FileNotFoundError(f"there is no file {path}{why}")
        if decimal not in (None, ".", ","):
            raise ValueError(f"The decimal mark must be '.' or ',', got {decimal!r}.")
        self.missing = [missing] if isinstance(missing, str) else [str(mark) for mark in missing]
        self.reading = Reading(self.path.name, folder=str(self.path.parent))
        self.kind, self.decimal = kind_of(self.path), decimal
        if self.kind != "Excel" and sheet is not None:
            raise ValueError(f"{self.path.name} has no sheets: leave out the name of a sheet.")
        if self.kind == "text":
            self._open_text(sep, encoding, header)
        elif self.kind == "Excel":
            self._table = read_excel(self.path, sheet, header, self.reading)
            self.n_rows, self.columns = len(self._table), list(self._table)
        else:
            self.reading.details.append("parquet")
            self._open_parquet()

    def __iter__(self):
        """Yield DataFrames, rows numbered through from 0."""
        start = 0
        for raw in self._raw_parts():
            raw = without_empty(raw, Reading(self.path.name))
            if raw.empty:
                continue
            text = [name for name in self.text if name in raw]
            numbers = [name for name in self.numbers if name in raw]
            part = convert(raw, self.decimal or ".", self.missing, text, Reading(self.path.name), numbers)
            part.index = pd.RangeIndex(start, start + len(part))
            start += len(part)
            yield part

    def _raw_parts(self):
        if self.kind == "text":
            yield from self._parts_of_text()
        elif self.kind == "parquet" and self._batches is not None:
            for batch in self._batches():
                yield _named(batch)
        else:
            for start in range(0, len(self._table), self.rows):
                yield self._table.iloc[start : start + self.rows].reset_index(drop=True)

    # text -------------------------------------------------------------------------------------------------

    def _open_text(self, sep, encoding, header):
        """Find how a text is written, from its start, and its encoding and lines from all of it."""
        scan = _scan(self.path)
        self.encoding, name = scan.finish(self.path, encoding)
        self.reading.details.append(f"encoding {name}")
        with _open_binary(self.path) as file:
            start = io.TextIOWrapper(file, self.encoding, newline="").read(HEAD)
        if scan.n_lines > start.count("\n"):  # the last line may be cut
            start = start[: start.rfind("\n") + 1] or start
        self._dialect = Text(self.path, sep, None, header, self.reading, content=start)
        head = without_empty(self._dialect.table(as_text=self.decimal == ","), Reading(self.path.name))
        self.columns = list(head)
        if self.decimal is None:
            self.decimal = found_decimal(head, self.text)
        if self.decimal == ",":
            self.reading.details.append("decimal comma")
        self.n_rows = max(0, scan.n_lines - self._dialect.skipped - header)

    def _parts_of_text(self):
        dialect = self._dialect
        with _open_binary(self.path) as file:
            stream = io.TextIOWrapper(file, self.encoding, newline="")
            names = dialect.names(stream)
            width = max(dialect.width or 0, len(names or ()))
            columns = column_names(width, names, Reading(self.path.name))
            as_text = {i: str for i, name in enumerate(columns) if name in self.text}
            if self.decimal == ",":  # points are between thousands then, which the C parser misreads
                as_text = True
            with dialect.telling():
                try:
                    parts = dialect.split(stream, width, as_text, chunksize=self.rows)
                except pd.errors.EmptyDataError:
                    return
            with parts:
                while True:
                    with dialect.telling():
                        part = next(parts, None)
                    if part is None:
                        return
                    yield part.set_axis(columns, axis=1).reset_index(drop=True)

    # parquet ----------------------------------------------------------------------------------------------

    def _open_parquet(self):
        """Prepare to read batches of rows, by pyarrow where it is there."""
        self._batches = None
        if importlib.util.find_spec("pyarrow") is None:
            self._table = read_parquet(self.path)
            self.n_rows, self.columns = len(self._table), list(self._table)
            return
        import pyarrow.parquet

        try:
            file = pyarrow.parquet.ParquetFile(self.path)
        except Exception as error:  # each version has its own
            why = " ".join(str(error).split())
            raise ValueError(f"{self.path.name} cannot be read as parquet: {why}") from error
        self._batches = lambda: (batch.to_pandas() for batch in file.iter_batches(self.rows))
        self.n_rows = file.metadata.num_rows
        self.columns = list(_named(file.schema_arrow.empty_table().to_pandas()))


def _named(batch):
    """A batch with its index as a column, if that has a name or labels."""
    if not isinstance(batch.index, pd.RangeIndex):
        batch = batch.reset_index(allow_duplicates=True)
    return batch.set_axis([str(name) for name in batch.columns], axis=1).reset_index(drop=True)


def _open_binary(path):
    """Open a file that may be compressed."""
    suffix = path.suffix.lower()
    if suffix != ".zip":
        return _OPEN.get(suffix, open)(path, "rb")
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
    if len(names) != 1:
        raise ValueError(f"{path} holds {len(names)} files, and one is needed.")
    return archive.open(names[0])


def _scan(path):
    """See all of a text, block by block."""
    scan = TextScan()
    try:
        with _open_binary(path) as file:
            while block := file.read(BLOCK):
                scan.feed(block)
    except (OSError, EOFError, zipfile.BadZipFile, lzma.LZMAError) as error:
        raise ValueError(f"{path} cannot be decompressed: {error}.") from error
    return scan
