"""Tables in text files: encoding, separator, and where the header is."""

import bz2
import codecs
import contextlib
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
from collections import Counter

import pandas as pd

from ._names import column_names

# The first that splits header and lines into equally many cells is taken.
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "spaces"}
SAMPLE = 200
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Text:
    """The content of a text file, and how it is split into cells.

    Parameters
    ----------
    path : Path
    sep, encoding : str or None
        None: to be found.
    header : bool
    reading : Reading
        Is told what was found.
    content : str, optional
        The text, or the start of it. Default: that of the file.
    """

    def __init__(self, path, sep, encoding, header, reading, content=None):
        self.path, self.header, self.reading = path, header, reading
        self.content = _decode(path, _bytes(path), encoding, reading) if content is None else content
        lines = [line for line in self.content[: 1 << 20].splitlines()[: 2 * SAMPLE] if line.strip()][:SAMPLE]
        if not lines:
            raise ValueError(f"{path.name} cannot be read: it is empty.")
        self.skipped = 0
        if declared := re.fullmatch(r"sep=(.)", lines[0].strip()):  # a line that Excel understands
            sep, self.skipped, lines = sep or declared[1], 1, lines[1:]
        self.sep = _separator(lines) if sep is None else {"\\t": "\t", "tab": "\t"}.get(sep, sep)
        if len(self.sep) != 1:
            raise ValueError(f"The separator must be one character or 'tab', got {sep!r}.")
        counts = [len(cells) for cells in _cells(lines, self.sep)]
        top = _preamble(counts) if header else 0
        if top:
            reading.notes.append(f"The first {_lines(top)} above the header and skipped.")
        self.skipped += top
        self.width = _usual(counts[top + 1 :] if header else counts)
        reading.details.append(f"separator {SEPARATORS.get(self.sep, repr(self.sep))}")

    def table(self, *, as_text=False):
        """Split into columns: of numbers where the C parser sees such, else of text."""
        stream = io.StringIO(self.content, newline="")
        names = self.names(stream)
        width = max(self.width or 0, len(names or ()))
        with self.telling():
            try:
                table = self.split(stream, width, as_text)
            except pd.errors.EmptyDataError:
                table = pd.DataFrame(columns=range(width))
        table.columns = column_names(len(table.columns), names, self.reading)
        return table

    def names(self, stream):
        """Pass over what stands above the rows, and return the names of the columns, None without any."""
        passed = 0
        while passed < self.skipped:
            passed += bool(stream.readline().strip())
        return self._header(stream) if self.header else None

    @contextlib.contextmanager
    def telling(self):
        """Tell errors of splitting in words of the file."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # cells would be lost
                yield
        except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as error:
            what = SEPARATORS.get(self.sep, self.sep)
            raise ValueError(
                f"{self.path.name} cannot be split into columns at each {what}: {_in_short(error)}"
            ) from error

    def split(self, stream, width, as_text, **options):
        """Split a stream into columns numbered from 0.

        Parameters
        ----------
        stream : file
        width : int
        as_text : bool or dict of int to type
            All columns, or those that are left as text.
        **options
            Of pandas.
        """
        return pd.read_csv(
            stream,
            sep=r"\s+" if self.sep == " " else self.sep,
            header=None,
            names=range(width),
            index_col=False,
            dtype=str if as_text is True else as_text or None,
            keep_default_na=False,
            na_values=[""],
            skipinitialspace=True,
            float_precision="round_trip",
            low_memory=False,
            **options,
        )

    def _header(self, stream):
        while True:
            start = stream.tell()
            line = stream.readline()
            if line.strip() or not line:
                break
        if self.sep == " ":
            return line.split()
        stream.seek(start)  # names in quotes may hold line breaks
        return next(csv.reader(stream, delimiter=self.sep, skipinitialspace=True), [])


def _lines(n):
    return "line is" if n == 1 else f"{n} lines are"


def _bytes(path):
    data = path.read_bytes()
    if path.suffix.lower() not in OPEN:
        return data
    try:
        return OPEN[path.suffix.lower()](data)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, lzma.LZMAError) as error:
        raise ValueError(f"{path} cannot be decompressed: {error}.") from error


def _unzip(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
        if len(names) != 1:
            raise ValueError(f"the archive holds {len(names)} files, and one is needed")
        return archive.read(names[0])


OPEN = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress, ".zip": _unzip}


def _decode(path, data, encoding, reading):
    """Return the text of a file, and tell in which encoding it is."""
    if encoding is not None:
        try:
            content = data.decode(encoding)
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"{path.name} cannot be read in the encoding {encoding!r}: {error}.") from error
        reading.details.append(f"encoding {encoding}")
        return content.removeprefix("\ufeff")
    for codec in (*_marked(data), "utf-8", "cp1252", "latin-1"):
        try:
            content = data.decode(codec)
        except UnicodeError:
            continue
        if "\0" in content:
            break
        reading.details.append(f"encoding {_name_of(codec)}")
        return content
    raise ValueError(f"{path.name} cannot be read as text: it holds zero bytes.")


def _marked(data):
    """Codecs that the start of a text speaks for."""
    codecs = [codec for mark, codec in _MARKS.items() if data.startswith(mark)]
    if not codecs and b"\0" in data[:1000]:
        codecs = ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    return codecs


def _name_of(codec):
    return {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252 (Latin-1)"}.get(codec, codec.upper())


# Bytes that Windows-1252 has no character for.
_NOT_CP1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])


class TextScan:
    """Finds the encoding of a text that is seen block by block, and counts its lines.

    Attributes
    ----------
    n_lines : int
    """

    def __init__(self):
        self.n_lines = 0
        self._start = self._end = b""
        self._is_utf8 = self._is_cp1252 = True
        self._has_zero = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, block):
        """See the next bytes."""
        self._start = self._start or block[:1000]
        self.n_lines += block.count(b"\n")
        self._end = block[-1:] or self._end
        self._has_zero |= b"\0" in block
        self._is_cp1252 &= not any(byte in block for byte in _NOT_CP1252)
        if self._is_utf8:
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError:
                self._is_utf8 = False

    def finish(self, path, encoding):
        """Return the codec and its name, once all is seen.

        Parameters
        ----------
        path : Path
        encoding : str or None
            As the user says.

        Returns
        -------
        codec, name : str
        """
        self.n_lines += self._end not in (b"", b"\n", b"\0")
        if encoding is not None:
            try:
                codecs.lookup(encoding)
            except LookupError as error:
                raise ValueError(f"{path.name}: there is no encoding {encoding!r}.") from error
            is_utf8 = codecs.lookup(encoding).name == "utf-8"
            return "utf-8-sig" if is_utf8 else encoding, encoding
        marked = _marked(self._start)
        if self._has_zero and not any("16" in codec for codec in marked):
            raise ValueError(f"{path.name} cannot be read as text: it holds zero bytes.")
        codec = "utf-8" if self._is_utf8 else "cp1252" if self._is_cp1252 else "latin-1"
        codec = marked[0] if marked else codec
        return codec, _name_of(codec)


def _cells(lines, sep):
    if sep == " ":
        return [line.split() for line in lines]
    return list(csv.reader(lines, delimiter=sep, skipinitialspace=True))


def _separator(lines):
    """Find what splits the header and most lines into the same number of cells."""
    best, best_score = ",", 0.0
    for sep in SEPARATORS:
        try:
            counts = [len(cells) for cells in _cells(lines, sep)]
        except csv.Error:
            continue
        usual = _usual(counts[1:] or counts)
        score = counts[1:].count(usual) / len(counts[1:]) if counts[1:] else 1.0
        # A header that is shorter by one stands above names of rows; above the header may stand comments.
        top = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
        score += 0.5 * any(1 < count in (usual, usual - 1) for count in counts[: top + 1])
        if usual > 1 and score > best_score + 0.1:
            best, best_score = sep, score
    return best


def _usual(counts):
    return Counter(counts).most_common(1)[0][0] if counts else None


def _preamble(counts):
    """Count the lines above the header: titles, comments, and whatever has fewer cells than the table."""
    usual = _usual(counts[1:] or counts)
    names_of_rows = counts[0] == usual - 1 > 1 and counts[1] == usual  # as R writes them
    if usual == 1 or names_of_rows:
        return 0
    return next((top for top, count in enumerate(counts[:-1] or counts) if count == usual), 0)


def _in_short(error):
    """Write what a reader of pandas says in words of the file."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if found:
        return (
            f"line {found[2]} below the header has {found[3]} cells, those above have {found[1]}. Put cells "
            "that hold the separator in quotes, or name another separator."
        )
    if isinstance(error, pd.errors.ParserWarning):
        return "the first line below the header has more cells than most others."
    return " ".join(str(error).split())
