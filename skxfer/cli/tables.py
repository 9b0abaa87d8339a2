"""From files or a data set of skxfer to inputs, labels, domains, and the part that each domain plays."""

import re
import shlex
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ..input_kinds import Column, counts_of, in_words, recognise_columns
from ..screening import plain_name
from ..tables import read_table
from .names import InputError, counted, resolve, some, split_list

FILE = "file"
SHEET = "sheet"
# From so many rows on, molecules are described by all cores.
MANY = 2000
# What `--missing -` stands for.
DASHES = ("-", "--", "---", "–", "—")
KIND_OPTIONS = ("formula", "smiles", "structure", "category")


@dataclass
class Data:
    """A table, and the part that each column and domain plays."""

    name: str
    table: pd.DataFrame  # inputs as they are in the file
    columns: dict  # what each column of the table was taken for
    Y: pd.DataFrame
    domain: pd.Series | None
    sources: list
    tests: list | None
    units: dict
    notes: list = field(default_factory=list)
    folder: str = "."
    domain_column: str | None = None
    group: pd.Series | None = None
    chosen: tuple = ()  # columns named by --features
    bad_cells: dict = field(default_factory=dict)
    spelling: str | None = None

    @property
    def is_training_target(self):
        """Whether each row is a target row that models may be trained on, ndarray of bool."""
        if self.domain is None:
            return np.ones(len(self.table), dtype=bool)
        return ~self.domain.isin([*self.sources, *(self.tests or ())]).to_numpy()

    @cached_property
    def X(self):  # noqa: N802
        """The inputs as numbers, DataFrame of shape (n_samples, n_features); NaN where one is missing.

        Descriptors of a row depend on this row alone, so that they can be computed once for all fits.
        """
        from ..featurizers import FingerprintFeaturizer, TableFeaturizer

        kinds = {name: column.kind for name, column in self.columns.items()}
        molecules = FingerprintFeaturizer(n_jobs=-1 if len(self.table) > MANY else None)
        featurizer = TableFeaturizer(kinds, smiles=molecules, impute=False, folder=self.folder)
        try:
            return featurizer.set_output(transform="pandas").fit_transform(self.table)
        except ValueError as error:
            raise InputError(f"{error} Or leave the column out with --ignore.") from error

    def in_words(self):
        """Return lines that say what each column was taken for."""
        return in_words(self.columns)


def from_tables(args, complete=True, alone=False):
    """Read the tables that the arguments name, and the roles of their columns and domains.

    Parameters
    ----------
    args : argparse.Namespace
    complete : bool, default=True
        Whether targets, domain and sources must be named.
    alone : bool, default=False
        Whether a table without domains will do: then each row is a target row.

    Returns
    -------
    Data

    Raises
    ------
    InputError
    """
    if getattr(args, "dataset", None):
        raise InputError("give a table or --dataset, not both")
    table, readings = _read(args)
    columns = list(table.columns)
    notes = [note for reading in readings for note in reading.notes]
    if complete and not args.target:
        raise InputError(f"--target is needed: {args.tables[0]} has the columns {some(columns)}")
    targets = resolve(args.target, columns, "column")
    domain_column = _domain_column(args, columns, complete and not (alone and not args.source))
    domain = None if domain_column is None else _domains(table, domain_column, args.spelling, notes)
    sizes = pd.Series(dtype=int) if domain is None else domain.value_counts()
    if complete and not args.source and not (alone and domain is None):
        counts = some([f"{name} ({counted(count, 'row')})" for name, count in sizes.items()])
        raise InputError(f"--source is needed: the domains in {domain_column!r} are {counts}")
    what = f"domain in column {domain_column!r}"
    bad_cells = {name: error for reading in readings for name, error in reading.bad_cells.items()}
    Y = _labels(table, targets, bad_cells, notes) if complete else table[targets]
    units = {name: unit for reading in readings for name, unit in reading.units.items() if name in targets}
    group = resolve([args.group], columns, "column")[0] if args.group else None
    roles = {*targets, domain_column, group} - {None}
    data = Data(
        name=", ".join(path.name for path in args.tables),
        table=table.drop(columns=list(roles)),
        columns={},
        Y=Y,
        domain=domain,
        sources=resolve(args.source, list(sizes.index), what),
        tests=resolve(getattr(args, "test", None), list(sizes.index), what) or None,
        units=units | _units(args, targets),
        notes=[*map(str, readings), *notes],
        folder=readings[0].folder,
        domain_column=domain_column,
        group=None if group is None else table[group],
        chosen=tuple(resolve(args.features, columns, "column")),
        bad_cells=bad_cells,
        spelling=args.spelling,
    )
    if complete:
        _check_roles(data, domain_column)
    data.columns = _recognise(args, data, columns, roles, bad_cells, complete)
    return data


def reading_options(args):
    """Return how a table is read, as the arguments say.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    dict of str to value
        Parameters of :func:`skxfer.tables.read_table`.
    """
    missing = args.missing or ()
    return {
        "sheet": split_sheets(args.sheet),
        "sep": args.sep,
        "decimal": args.decimal,
        "encoding": args.encoding,
        "missing": [*missing, *(DASHES if "-" in missing else ())],
        "header": not args.no_header,
    }


def _read(args):
    """Read one or several tables; return their rows, and how each was read."""
    tables = []
    for path in args.tables:
        options = reading_options(args)
        if args.sheet is None and args.domain == SHEET and path.suffix.lower() in (".xlsx", ".xlsm"):
            options["sheet"] = split_sheets("*")
        try:
            table = read_table(path, on_bad_cell="text", **options)
        except ValueError as error:
            raise InputError(with_options(str(error))) from error
        tables.append(table)
    readings = [table.attrs.pop("reading") for table in tables]
    if len(tables) == 1:
        return tables[0], readings
    for path, table in zip(args.tables, tables, strict=True):
        table.insert(0, FILE if FILE not in table else f"{FILE}.1", _stem(path))
    for column in tables[0]:
        for path, table in zip(args.tables, tables, strict=True):
            if column not in table:
                readings[0].notes.append(f"Column {column!r} is missing in {path.name}: its cells are empty.")
    return pd.concat(tables, ignore_index=True), readings


def _stem(path):
    return path.name.partition(".")[0]


def split_sheets(values):
    """Return the sheets that are asked for: None, "*" or a list."""
    if values is None or "*" in values:
        return values and "*"
    return [name.strip() for value in values for name in value.split(",")]


def with_options(text):
    """Name the options of the command in an error of the reader.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    remedies = {
        "say that there is no header": "use --no-header",
        "or name another separator": "or name another separator with --sep",
        "Say which is the decimal mark, ',' or '.';": "Say which one it is, --decimal , or --decimal .;",
    }
    for python, option in remedies.items():
        text = text.replace(python, option)
    return text


def _cell_error(error, remedy=None):
    """Write what is wrong with a cell, with the options that help."""
    remedy = remedy or f"Correct it, or leave the column out with --ignore {shlex.quote(error.column)}."
    if error.marks:
        remedy += f" If it stands for a missing value: {cell_options(error)}"
    return InputError(f"{error.problem} {remedy}")


def cell_options(error):
    """Return the options that declare what stands for a missing value in a column."""
    # argparse takes '--' for itself: a single hyphen stands for all dashes.
    marks = dict.fromkeys("-" if mark in DASHES else mark for mark in error.marks)
    return " ".join(f"--missing {shlex.quote(mark)}" for mark in marks)


def _domain_column(args, columns, needed):
    several = next((name for name in (FILE, SHEET) if name in columns), None)
    if args.domain:
        return resolve([args.domain], columns, "column")[0]
    if several == FILE and len(args.tables) > 1 or several == SHEET and args.sheet:
        return several
    if not needed:
        return None
    raise InputError(f"--domain is needed: {args.tables[0]} has the columns {some(columns)}")


def _domains(table, column, spelling, notes):
    domain = table[column]
    if domain.isna().any():
        where = _rows(domain.isna())
        raise InputError(f"column {column!r} has no domain in {where}: name it, or drop the row")
    domain = domain.astype(str)
    if spelling == "join":
        usual = domain.value_counts()
        plain = pd.Series({name: plain_name(name) for name in usual.index})
        joined = {name: plain[plain == plain[name]].index[0] for name in usual.index}
        changed = [f"{name!r} as {to!r}" for name, to in joined.items() if name != to]
        if changed:
            notes.append(f"Domains are joined: {', '.join(changed)}.")
        domain = domain.map(joined)
    elif spelling == "keep":
        notes.append("Domains that differ in spelling only are kept apart.")
    return domain


def _units(args, targets):
    units = split_list(getattr(args, "unit", None))
    if len(units) not in (0, 1, len(targets)):
        raise InputError(f"--unit names {len(units)} units for {counted(len(targets), 'target')}")
    units = units * len(targets) if len(units) == 1 else units
    return dict(zip(targets, units, strict=False))


def _labels(table, targets, bad_cells, notes):
    for column in targets:
        if column in bad_cells:
            raise _cell_error(bad_cells[column], "Correct it, or drop the row.")
        if not pd.api.types.is_numeric_dtype(table[column]):
            present = table[column].dropna()
            cell = f": {present.iloc[0]!r} in row {present.index[0] + 1}" if len(present) else ", it is empty"
            raise InputError(f"target {column!r} does not hold numbers{cell}")
    Y = table[targets].astype(float).replace([np.inf, -np.inf], np.nan)
    missing = Y.isna().sum()
    if missing.any():
        notes.append(f"Labels missing: {', '.join(f'{t} {n}' for t, n in missing.items() if n)}.")
    return Y


def _check_roles(data, domain_column):
    """Refuse roles of domains with which there is nothing to learn from or to test on."""
    both = [name for name in data.tests or () if name in data.sources]
    if both:
        raise InputError(f"domain {both[0]!r} is a source and tested: test rows must be in no training set")
    target = data.is_training_target
    if not target.any():
        names = [name for name in data.domain.unique() if name not in data.sources]
        if not names:
            raise InputError(f"every domain in {domain_column!r} is a source: leave out the one to predict")
        raise InputError(
            f"no target row is left for training, as each target domain ({some(names)}) is tested: leave out "
            "--test to cross-validate over the target rows"
        )
    if target.sum() < 2:
        raise InputError("there is only one target row for training: at least two are needed, ten are better")
    for name in data.Y:
        labelled = data.Y[name].notna()
        for who, rows in (("target", target), *((f"source {s}", data.domain == s) for s in data.sources)):
            if not (labelled & rows).any():
                raise InputError(f"{name!r} has no label in the rows of the {who}: choose other roles")


def _recognise(args, data, columns, roles, bad_cells, complete):
    """Say what each input column holds."""
    kinds = {}
    for kind in KIND_OPTIONS:
        kinds |= dict.fromkeys(resolve(getattr(args, kind), columns, "column"), kind)
    features = resolve(args.features, columns, "column") or None
    ignore = [name for name in resolve(args.ignore, columns, "column") if name in data.table]
    clash = (set(features or ()) | set(kinds)) & roles
    if clash:
        raise InputError(f"{min(clash)!r} cannot be a feature: it is a target, the domain or the group")
    found = recognise_columns(data.table, given=kinds, ignore=ignore, features=features, folder=data.folder)
    for name, column in found.items():
        chosen = column.kind == "ignored" and column.why in ("by choice", "not among the chosen features")
        if complete and name in bad_cells and name not in kinds and not chosen:
            raise _cell_error(bad_cells[name])
        if name in bad_cells and not chosen:
            found[name] = Column(name, "ignored", "numbers, but for cells named below")
    if complete and not counts_of(found):
        raise InputError(f"no column is left for features: {'; '.join(in_words(found))}")
    return found


def _rows(bad):
    rows = np.flatnonzero(np.asarray(bad))
    return f"row {rows[0] + 1}" + (f" and {rows.size - 1} more" if rows.size > 1 else "")


def from_dataset(args):
    """Load a data set of skxfer, with the roles that it comes with unless the arguments name others."""
    from ..datasets import fetch_co_ag, load_co_ag_emt

    if args.domain or args.features or args.ignore:
        raise InputError("--domain, --features and --ignore describe a table: name its file first")
    if args.dataset == "co_ag":
        subset = ["gas", "water", "multisolvent", "cyclohexane", "diethyl_ether"]
        data = fetch_co_ag(subset=subset, as_frame=True)
        name = "CO on Ag(111) in solvents (DFT, HMNN data)"
        note = (
            "delta_e and d_band of two target solvents are permuted against their spectra (by about 0.008 e "
            "and 0.002 eV); they are used as published."
        )
    else:
        data = load_co_ag_emt(as_frame=True)
        name = "Simulated CO on Ag in solvents (co_ag_emt)"
        note = "Simulated data (EMT and an Onsager solvent): a demonstration, not chemistry."
    targets = resolve(args.target, list(data.target_names), "target") or list(data.target_names)
    names = list(data.domain.unique())
    units = dict(zip(data.target_names, data.target_units, strict=True))
    units |= dict(zip(targets, split_list(args.unit), strict=False))
    return Data(
        name=name,
        table=data.data,
        columns=recognise_columns(data.data),
        Y=data.target[targets],
        domain=data.domain.astype(str),
        sources=resolve(args.source, names, "domain") or list(data.source_domains),
        tests=resolve(args.test, names, "domain") or list(data.test_domains),
        units=units,
        notes=[note],
    )


def is_spectrum(columns):
    """Whether the columns are those of an infrared spectrum with frequencies and intensities."""
    return all(
        any(re.fullmatch(form, str(name)) for name in columns) for form in (r"f\d+", r"iz\d+", r"izz\d+")
    )
