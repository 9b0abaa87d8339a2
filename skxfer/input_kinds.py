"""What a column of a table holds: numbers, categories, formulas, SMILES, structures or spectra.

``KINDS`` is the registry. A kind of input says how it is recognised, when two of its values are the same, and
which transformer makes numbers of it by default.
"""

import importlib
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .formulas import ELEMENTS, composition_groups, parse_formulas

# Values that are looked at, per column.
SAMPLE = 300
# A column of text with more values than this, and than a share of the rows, is not a category.
MOST_CATEGORIES = 30
CATEGORY_SHARE = 0.2
STRUCTURE_SUFFIXES = (
    ".cif",
    ".xyz",
    ".extxyz",
    ".vasp",
    ".poscar",
    ".contcar",
    ".pdb",
    ".mol",
    ".sdf",
    ".traj",
)

_ROW_NUMBER = re.compile(r"unnamed: \d+|index|idx|row|row.?(no|number|id)?|#|no\.?|nr\.?", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(.*[ _.-])?(id|ids|index|identifier|entry|uid|uuid|cas|doi|inchi.?key)", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
_SMILES_NAME = re.compile(r".*smi(les)?\b.*|.*smiles.*", re.IGNORECASE)
_FORMULA_NAME = re.compile(
    r".*(formula|composition|compound|material|alloy|element|metal|dopant|cation|anion|ion)s?\b.*",
    re.IGNORECASE,
)
# What only SMILES have: bonds, brackets, aromatic atoms.
_SMILES_ONLY = re.compile(r"[=#@\\/]|\[[^\]]*[A-Za-z][^\]]*\]|[cnops]\d|(?<![A-Z])[cnos](?![a-z])")
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


@dataclass(frozen=True)
class InputKind:
    """A kind of input.

    Attributes
    ----------
    plural : str
        For messages.
    recognise : callable or None
        Called with the values of a column of text that are present and differ, its name and a folder; returns
        why they are of this kind, or None.
    keys : callable
        Turns values into keys that are equal where the values mean the same.
    transformer : str
        Where the class of its default transformer is found, "module:name"; empty for numbers.
    """

    plural: str
    recognise: Callable | None
    keys: Callable
    transformer: str = ""

    def make_transformer(self):
        """Return an unfitted default transformer."""
        module, name = self.transformer.split(":")
        return getattr(importlib.import_module(module), name)()


# how each kind is recognised --------------------------------------------------------------------------


def _structure(values, name, folder):
    paths = [str(value) for value in values]
    named = [path.lower().endswith(STRUCTURE_SUFFIXES) or _is_vasp(path) for path in paths]
    if np.mean(named) < 0.9:
        return None
    if not all(Path(folder, path).exists() for path in paths[:20]):
        return None
    return f"names of structure files, such as {paths[0]}"


def _is_vasp(path):
    return re.match(r"(poscar|contcar)", os.path.basename(path), re.IGNORECASE) is not None


def _smiles(values, name, folder):
    texts = [str(value).strip() for value in values]
    if all(text.startswith("InChI=") for text in texts):
        return "InChI of molecules"
    hinted = _SMILES_NAME.fullmatch(name) is not None
    share = np.mean([_is_smiles(text) for text in texts])
    typical = any(_SMILES_ONLY.search(text) or re.search(r"([CNO])\1", text) for text in texts)
    if hinted and share >= 0.5:
        return "SMILES, by the name of the column"
    return f"SMILES of molecules, such as {_short(texts[0])}" if typical and _enough(share, texts) else None


def _enough(share, texts):
    """Whether so many values are of a kind that the others are taken for mistakes, which are told later."""
    return share == 1 or (share >= 0.97 and len(texts) > 30)


def _is_smiles(text):
    """Whether a text is a molecule; without RDKit, whether it looks like one."""
    if not re.fullmatch(r"[A-Za-z0-9@+\-\[\]()=#$:.%\\/*~{}]+", text):
        return False
    if importlib.util.find_spec("rdkit") is None:
        return re.match(r"[BCNOPSFIbcnops*\[(]", text) is not None and _SMILES_ONLY.search(text) is not None
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text) is not None


def _formula(values, name, folder):
    texts = [str(value).strip() for value in values]
    parsed = [_elements_of(text) for text in texts]
    share = np.mean([found is not None for found in parsed])
    hinted = _FORMULA_NAME.fullmatch(name) is not None
    if not (_enough(share, texts) or (hinted and share >= 0.9)):
        return None
    compounds = any(
        found is not None and (found > 1 or re.search(r"\d", text))
        for found, text in zip(parsed, texts, strict=True)
    )
    symbols = sum(text in ELEMENTS and len(text) == 2 for text in texts)
    if compounds or (symbols and (hinted or len(texts) > 2)) or (hinted and len(texts) > 1):
        return f"chemical formulas, such as {texts[0]}"
    return None


def _elements_of(text):
    """Return the number of elements of a formula, or None if it cannot be read."""
    try:
        return parse_formulas([text]).nnz
    except (TypeError, ValueError):
        return None


# when two values mean the same ------------------------------------------------------------------------


def _number_keys(values):
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 9 - np.ceil(np.log10(np.abs(values)))
    digits = np.where(np.isfinite(digits), digits, 0).clip(-300, 300)
    return np.where(np.isfinite(values), np.round(values * 10.0**digits) / 10.0**digits, values)


def category_keys(values):
    """Return categories without what may differ by accident: case, and spaces at the ends and in between."""
    return [" ".join(str(value).casefold().split()) for value in values]


def _formula_keys(values):
    return composition_groups(list(values))


def _smiles_keys(values):
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        found = [
            (Chem.MolFromInchi if str(v).startswith("InChI=") else Chem.MolFromSmiles)(str(v)) for v in values
        ]
    return [str(v) if m is None else Chem.MolToSmiles(m) for v, m in zip(values, found, strict=True)]


def _structure_keys(values):
    return [os.path.normpath(str(value)) for value in values]


KINDS = {
    "number": InputKind("numbers", None, _number_keys),
    "spectrum": InputKind("spectra", None, _number_keys),
    "structure": InputKind("structures", _structure, _structure_keys, "skxfer.featurizers:ClusterFeaturizer"),
    "smiles": InputKind("SMILES", _smiles, _smiles_keys, "skxfer.featurizers:FingerprintFeaturizer"),
    "formula": InputKind("formulas", _formula, _formula_keys, "skxfer.featurizers:CompositionFeaturizer"),
    "category": InputKind("categories", None, category_keys, "sklearn.preprocessing:OneHotEncoder"),
}
OBJECTS = ("structure", "smiles", "formula")


def keys_of(kind, values):
    """Return keys that are equal where values of a kind mean the same; missing values are equal.

    Parameters
    ----------
    kind : str
        Key of ``KINDS``.
    values : Series or sequence

    Returns
    -------
    ndarray of int, shape (n_values,)
    """
    values = pd.Series(values).reset_index(drop=True)
    present = values.notna().to_numpy()
    keys = np.full(len(values), -1)
    if present.any():
        distinct, inverse = np.unique(
            values[present].astype(str if kind not in ("number", "spectrum") else float), return_inverse=True
        )
        keys[present] = pd.factorize(np.asarray(KINDS[kind].keys(distinct)))[0][inverse]
    return keys


# a whole table ----------------------------------------------------------------------------------------


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
    distinct = list(dict.fromkeys(present.astype(str)))
    if len(distinct) == 1 and len(column) > 1 and not chosen and present.size == len(column):
        return Column(name, "ignored", f"the same in every row: {_short(distinct[0])}")
    sample = distinct[:: max(1, len(distinct) // SAMPLE)]
    if np.mean([_DATE.fullmatch(value.strip()) is not None for value in sample]) > 0.9:
        return Column(name, "category" if chosen else "ignored", "dates")
    for kind in OBJECTS:
        why = KINDS[kind].recognise(sample, str(name), folder)
        if why:
            return Column(name, kind, why)
    n = len(distinct)
    prose = n > 10 and np.mean([len(value) for value in sample]) > 40
    if (
        not prose
        and n <= max(MOST_CATEGORIES, CATEGORY_SHARE * len(present))
        and (n < 0.9 * len(present) or len(present) < 10)
    ):
        return Column(
            name, "category", f"{n} different texts: {', '.join(map(_short, distinct[:4]))}" + ", …" * (n > 4)
        )
    if chosen:
        return Column(name, "category", f"{n} different texts")
    if sum(_elements_of(value) is not None for value in sample) >= 0.9 * len(sample):
        bad = next(value for value in sample if _elements_of(value) is None)
        return Column(name, "ignored", f"formulas, but for cells such as {_short(bad)}")
    what = "identifiers" if n == len(present) else f"text, {n} different cells"
    return Column(name, "ignored", f"{what}, such as {_short(distinct[0])}")


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


def _short(text):
    text = str(text)
    return text if len(text) <= 24 else text[:23] + "…"


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
        groups.setdefault((column.kind, column.why), []).append(str(column.name))
    order = [*KINDS, "ignored"]
    lines = []
    for (kind, why), names in sorted(groups.items(), key=lambda group: order.index(group[0][0])):
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        label = "ignored" if kind == "ignored" else KINDS[kind].plural
        reason = "" if why == label else f" ({why})"
        lines.append(f"{label}: {shown}{reason}")
    return lines


def counts_of(columns):
    """Return the number of columns of each kind that is used, in order of ``KINDS``."""
    counts = Counter(column.kind for column in columns.values())
    return {kind: counts[kind] for kind in KINDS if counts[kind]}
