"""What each column of a table holds, by its cells and its name."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ._kinds import KINDS, OBJECTS, elements_of, named_like_structures, short

# Values that are looked at, per column.
SAMPLE = 300
# A column of text with more values than this, and than a share of the rows, is not a category.
MOST_CATEGORIES = 30
CATEGORY_SHARE = 0.2

_ROW_NUMBER = re.compile(r"unnamed: \d+|index|idx|row|row.?(no|number|id)?|#|no\.?|nr\.?", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(.*[ _.-])?(id|ids|index|identifier|entry|uid|uuid|cas|doi|inchi.?key)", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_NUMBERED = re.compile(r"(.*?)[ _-]?([+-]?\d+(?:\.\d+)?)(?: ?(?:nm|cm-1|cm\^-1|1/cm|eV|Hz|K))?")
_INFRARED = (r"f\d+", r"iz\d+", r"izz\d+")


@dataclass(frozen=True)
class Column:
    """What a column was taken for.

    Attributes
    ----------
    name, kind, why : str
        `kind` is a key of ``KINDS``, or ``"ignored"``.
    """

    name: str
    kind: str
    why: str


def recognise_columns(table, *, given=None, ignore=(), features=None, folder="."):
    """Say what each column of a table holds.

    Parameters
    ----------
    table : DataFrame
        Without targets and domain.
    given : dict of str to str, optional
        Kinds of columns that are known, by name: ``"number"``, ``"category"``, ``"formula"``, ``"smiles"``,
        ``"structure"`` or ``"spectrum"``.
    ignore : sequence of str, default=()
        Columns not to use.
    features : sequence of str, optional
        The only columns to use. Default: all that hold something of use.
    folder : path-like, default="."
        Paths of structures are relative to it.

    Returns
    -------
    dict of str to Column
        In the order of the table.

    Raises
    ------
    ValueError
        A column that is not in the table, an unknown kind, or a column in `features` of no known kind.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.input_kinds import recognise_columns
    >>> table = pd.DataFrame({"compound": ["TiO2", "ZnO", "ZnO"], "T": [300, 310, 320], "run": [1, 2, 3]})
    >>> for column in recognise_columns(table).values():
    ...     print(column.name, column.kind, "-", column.why)
    compound formula - chemical formulas, such as TiO2
    T number - numbers
    run ignored - row numbers
    """
    given = dict(given or {})
    for name in [*given, *ignore, *(features or ())]:
        if name not in table:
            raise ValueError(f"There is no column {name!r}; there are {', '.join(map(str, table.columns))}.")
    unknown = {kind for kind in given.values() if kind not in KINDS}
    if unknown:
        raise ValueError(f"There is no kind of input {min(unknown)!r}; there are {', '.join(KINDS)}.")
    spectra = _spectra(
        [name for name in table if name not in given and pd.api.types.is_numeric_dtype(table[name])]
    )
    columns = {}
    for name in table:
        if name in ignore:
            columns[name] = Column(name, "ignored", "by choice")
        elif features is not None and name not in features:
            columns[name] = Column(name, "ignored", "not among the chosen features")
        elif name in given:
            columns[name] = Column(name, given[name], "by choice")
        elif name in spectra:
            columns[name] = Column(name, "spectrum", spectra[name])
        else:
            columns[name] = _recognise(name, table[name], folder, chosen=features is not None)
    return _without_repeats(columns, given, features or ())


def _recognise(name, column, folder, chosen):
    """Say what one column holds; a chosen one is used if its values allow."""
    present = column.dropna()
    if present.empty:
        return Column(name, "ignored", "empty")
    if pd.api.types.is_numeric_dtype(column):
        return _of_numbers(name, column, chosen)
    if hasattr(present.iloc[0], "positions") or hasattr(present.iloc[0], "frac_coords"):
        return Column(name, "structure", "structures")
    if hasattr(present.iloc[0], "get_el_amt_dict"):
        return Column(name, "formula", "compositions")
    distinct = list(dict.fromkeys(present.astype(str)))
    if len(distinct) == 1 and len(column) > 1 and not chosen and present.size == len(column):
        return Column(name, "ignored", f"the same in every row: {short(distinct[0])}")
    sample = distinct[:: max(1, len(distinct) // SAMPLE)]
    if np.mean([_DATE.fullmatch(value.strip()) is not None for value in sample]) > 0.9:
        return Column(name, "category" if chosen else "ignored", "dates")
    for kind in OBJECTS:
        why = KINDS[kind].recognise(sample, str(name), folder)
        if why:
            return Column(name, kind, why)
    if named_like_structures(sample):
        return Column(
            name, "ignored", f"names of structure files that are not there, such as {short(sample[0])}"
        )
    n = len(distinct)
    prose = n > 10 and np.mean([len(value) for value in sample]) > 40
    if (
        not prose
        and n <= max(MOST_CATEGORIES, CATEGORY_SHARE * len(present))
        and (n < 0.9 * len(present) or len(present) < 10)
    ):
        return Column(
            name, "category", f"{n} different texts: {', '.join(map(short, distinct[:4]))}" + ", …" * (n > 4)
        )
    if chosen:
        return Column(name, "category", f"{n} different texts")
    if sum(elements_of(value) is not None for value in sample) >= 0.9 * len(sample):
        bad = next(value for value in sample if elements_of(value) is None)
        return Column(name, "ignored", f"formulas, but for cells such as {short(bad)}")
    what = "identifiers" if n == len(present) else f"text, {n} different cells"
    return Column(name, "ignored", f"{what}, such as {short(distinct[0])}")


def _of_numbers(name, column, chosen):
    values = column.to_numpy(dtype=float)
    present = values[np.isfinite(values)]
    if present.size and not chosen:
        whole = np.all(present == np.round(present)) and present.size == len(values)
        if whole and len(values) > 2 and np.all(np.diff(values) == 1) and values[0] in (0, 1):
            return Column(name, "ignored", "row numbers")
        unique = np.all(present == np.round(present)) and len(np.unique(present)) == len(present)
        many = np.all(present == np.round(present)) and len(np.unique(present)) > 20
        if (unique and _ROW_NUMBER.fullmatch(str(name))) or (many and _IDENTIFIER.fullmatch(str(name))):
            return Column(name, "ignored", "identifiers: whole numbers, and the name of the column")
        if len(values) > 1 and present.size == len(values) and np.ptp(present) == 0:
            return Column(name, "ignored", f"the same in every row: {present[0]:g}")
    missing = len(values) - present.size
    return Column(name, "number", f"{missing} missing" if missing else "numbers")


def _spectra(names):
    """Return the columns that are points of a spectrum, and why."""
    found = {}
    if all(any(re.fullmatch(form, str(name)) for name in names) for form in _INFRARED):
        for name in names:
            if any(re.fullmatch(form, str(name)) for form in _INFRARED):
                found[name] = "frequencies and intensities of an infrared spectrum (f, iz, izz)"
    groups = {}
    for name in names:
        parts = _NUMBERED.fullmatch(str(name))
        if parts and name not in found:
            groups.setdefault(parts[1], []).append((name, float(parts[2])))
    for stem, members in groups.items():
        grid = np.array([value for _, value in members])
        steps = np.diff(grid)
        # Counted columns (x1, x2, …) are a spectrum only if they are many; a grid of energies has wide steps.
        counted = np.all(steps == 1) and grid[0] in (0, 1)
        if len(grid) >= (50 if counted else 8) and (np.all(steps > 0) or np.all(steps < 0)):
            label = f"{stem}{grid[0]:g} to {stem}{grid[-1]:g}"
            found |= dict.fromkeys([name for name, _ in members], f"a spectrum: {len(grid)} columns {label}")
    return found


def _without_repeats(columns, given, features):
    """Of several columns that name the same molecules, use the SMILES."""
    smiles = [c for c in columns.values() if c.kind == "smiles"]
    others = [
        c for c in smiles if c.why.startswith("InChI") and c.name not in given and c.name not in features
    ]
    if len(others) < len(smiles):
        for column in others:
            columns[column.name] = Column(
                column.name, "ignored", "InChI of molecules that have SMILES as well"
            )
    return columns


def in_words(columns):
    """Return lines that say what was recognised, columns of one kind and reason together.

    Parameters
    ----------
    columns : dict of str to Column

    Returns
    -------
    list of str
    """
    groups = {}
    for column in columns.values():
        groups.setdefault((column.kind, column.why.partition(", such as")[0]), []).append(column)
    order = [*KINDS, "ignored"]
    lines = []
    for (kind, _), members in sorted(groups.items(), key=lambda group: order.index(group[0][0])):
        names = [str(column.name) for column in members]
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        label = "ignored" if kind == "ignored" else KINDS[kind].plural
        why = members[0].why
        lines.append(f"{label}: {shown}" + (f" ({why})" if why != label else ""))
    return lines


def counts_of(columns):
    """Return the number of columns of each kind that is used, in order of ``KINDS``."""
    counts = Counter(column.kind for column in columns.values())
    return {kind: counts[kind] for kind in KINDS if counts[kind]}
