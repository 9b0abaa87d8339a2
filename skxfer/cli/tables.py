"""From a file or a data set of skxfer to inputs, labels, domains, and the part that each domain plays."""

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .names import InputError, resolve, some, split_list

READERS = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".xlsx": "excel", ".parquet": "parquet"}


@dataclass
class Data:
    """A table, and the part that each column and domain plays."""

    name: str
    X: pd.DataFrame
    Y: pd.DataFrame
    domain: pd.Series
    sources: list
    tests: list | None
    units: dict
    notes: list = field(default_factory=list)

    @property
    def is_training_target(self):
        """Whether each row is a target row that models may be trained on, ndarray of bool."""
        return ~self.domain.isin([*self.sources, *(self.tests or ())]).to_numpy()


def from_table(args):
    """Read the table that the arguments name, and the roles of its columns and domains."""
    if args.dataset:
        raise InputError("give a table or --dataset, not both")
    table = _read(args.table)
    columns = [str(column) for column in table.columns]
    table.columns = columns
    for option in ("target", "domain"):
        if not getattr(args, option):
            raise InputError(f"--{option} is needed: {args.table} has the columns {some(columns)}")
    (domain_column,) = resolve([args.domain], columns, "column")
    targets = resolve(args.target, columns, "column")
    domain = _domains(table, domain_column)
    sizes = domain.value_counts()
    if not args.source:
        counts = some([f"{name} ({count} rows)" for name, count in sizes.items()])
        raise InputError(f"--source is needed: the domains in {domain_column!r} are {counts}")
    X, notes = _inputs(args, table, columns, domain_column, targets)
    for column in targets:
        _check_numeric(table, column)
    Y = table[targets].astype(float).replace([np.inf, -np.inf], np.nan)
    missing = Y.isna().sum()
    if missing.any():
        notes.append(f"Labels missing: {', '.join(f'{t} {n}' for t, n in missing.items() if n)}.")
    what = f"domain in column {domain_column!r}"
    return Data(
        name=args.table.name,
        X=X,
        Y=Y,
        domain=domain,
        sources=resolve(args.source, list(sizes.index), what),
        tests=resolve(args.test, list(sizes.index), what) or None,
        units=_units(args, targets),
        notes=notes,
    )


def _domains(table, column):
    domain = table[column]
    if domain.isna().any():
        raise InputError(
            f"column {column!r} has no domain in {_row(domain.isna())}: name it, or drop the row"
        )
    return domain.astype(str)


def _units(args, targets):
    units = split_list(args.unit)
    if len(units) not in (0, 1, len(targets)):
        raise InputError(f"--unit names {len(units)} units for {len(targets)} targets")
    units = units * len(targets) if len(units) == 1 else units
    return dict(zip(targets, units, strict=False))


def _inputs(args, table, columns, domain_column, targets):
    """Return the features and what is to be said about them."""
    notes = []
    if args.features:
        features = resolve(args.features, columns, "column")
        clash = set(features) & {domain_column, *targets}
        if clash:
            raise InputError(f"{sorted(clash)[0]!r} cannot be a feature: it is a target or the domain")
        for column in features:
            _check_numeric(table, column)
    else:
        rest = [column for column in columns if column not in (domain_column, *targets)]
        numbers = [column for column in rest if pd.api.types.is_numeric_dtype(table[column])]
        # A row number that pandas wrote into the file.
        features = [column for column in numbers if not column.startswith("Unnamed: ")]
        notes.append(f"Features, all numbers but the targets: {some(features, limit=30)}. Other: --features.")
        ignored = [column for column in rest if column not in features]
        if ignored:
            notes.append(f"Ignored (non-numeric, or row numbers): {some(ignored)}.")
        if not features:
            raise InputError(
                f"{args.table} has no numeric column left for features besides targets and domain"
            )
    X = table[features].astype(float)
    finite = np.isfinite(X.to_numpy())
    if not finite.all():
        column = features[int(np.flatnonzero(~finite.all(axis=0))[0])]
        bad = ~np.isfinite(X[column])
        raise InputError(
            f"feature {column!r} has no number in {_row(bad)}: fill in or drop these rows, or leave the "
            "column out with --features"
        )
    return X, notes


def from_dataset(args):
    """Load a data set of skxfer, with the roles that it comes with unless the arguments name others."""
    from ..datasets import fetch_co_ag, load_co_ag_emt

    if args.domain or args.features:
        raise InputError("--domain and --features describe a table: name its file first")
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
        X=data.data,
        Y=data.target[targets],
        domain=data.domain.astype(str),
        sources=resolve(args.source, names, "domain") or list(data.source_domains),
        tests=resolve(args.test, names, "domain") or list(data.test_domains),
        units=units,
        notes=[note],
    )


def _read(path):
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    suffix = next((end for end in reversed(path.suffixes) if end not in (".gz", ".bz2", ".xz", ".zip")), "")
    kind = READERS.get(suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: cannot read {suffix or 'a file without ending'}; use .csv, .tsv, .xlsx or .parquet"
        )
    try:
        if kind == "excel":
            table = pd.read_excel(path)
        elif kind == "parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(
                path,
                sep="," if kind == "csv" else "\t",
                encoding="utf-8-sig",
                float_precision="round_trip",
            )
    except ImportError as error:
        package = "'skxfer[excel]'" if kind == "excel" else "pyarrow"
        raise InputError(f"{path} needs one more package: pip install {package}") from error
    except Exception as error:  # each reader has its own
        raise InputError(f"{path} cannot be read as {kind}: {error}") from error
    if table.empty:
        raise InputError(f"{path} has no rows")
    return table


def _check_numeric(table, column):
    if pd.api.types.is_numeric_dtype(table[column]):
        return
    as_number = pd.to_numeric(table[column], errors="coerce")
    bad = as_number.isna() & table[column].notna()
    example = table[column][bad].iloc[0] if bad.any() else table[column].iloc[0]
    raise InputError(f"column {column!r} is not numeric: {example!r} in {_row(bad)}")


def _row(bad):
    rows = np.flatnonzero(np.asarray(bad))
    first = f"row {rows[0] + 1}" if rows.size else "row 1"
    return first + (f" and {rows.size - 1} more" if rows.size > 1 else "")


def is_spectrum(columns):
    """Whether the columns are those of an infrared spectrum with frequencies and intensities."""
    return all(
        any(re.fullmatch(form, str(name)) for name in columns) for form in (r"f\d+", r"iz\d+", r"izz\d+")
    )
