"""The console command: ``skxfer portability table.csv --target ... --domain ... --source ...``."""

import argparse
import contextlib
import difflib
import importlib.metadata
import importlib.util
import io
import platform
import re
import shlex
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import config_context

from .._version import __version__
from . import report as _report

DATASETS = ("co_ag_emt", "co_ag")
# Folds of the guard in a demonstration, so that it takes less than a minute on two cores.
DEMO_FOLDS = 3
READERS = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".xlsx": "excel", ".parquet": "parquet"}


class InputError(Exception):
    """Something the user can put right; shown in one line."""


def main(argv=None):
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        Default: those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 2 bad usage or input, 130 interrupted (finished rows are written).
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse has printed help, version or the error
        return stop.code or 0
    try:
        with _terminate_like_ctrl_c():
            return portability(args, argv)
    except KeyboardInterrupt:
        print("skxfer: interrupted", file=sys.stderr)
        return 130
    except (InputError, ValueError, OSError, ImportError) as error:
        print("skxfer: error: " + " ".join(str(error).split()), file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"skxfer: error: {message} (see {self.prog} --help)\n")


def _parser():
    parser = _Parser(prog="skxfer", description="Transfer learning for molecules and materials.")
    parser.add_argument("--version", action="version", version=f"skxfer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    study = commands.add_parser(
        "portability",
        help="does data from other domains help to predict yours?",
        description="Does data from other domains help to predict yours, and for which learner? "
        "Compares each source applied directly, target rows alone, everything merged, and guarded transfer, "
        "on test rows that no fit sees. Writes a page to send to a colleague. Lists may be comma-separated "
        "or options repeated. Without a table it runs on data that come with skxfer.",
        epilog="Example: skxfer portability solvents.csv --target Eads --domain solvent --source gas,water "
        "--test cyclohexane --out report",
    )
    add = study.add_argument
    add("table", nargs="?", type=Path, help=".csv, .tsv, .xlsx or .parquet; one row per sample")
    add("--dataset", choices=DATASETS, help="data of skxfer in place of a table (default: co_ag_emt)")
    add("--target", action="append", metavar="COLUMN", help="column(s) to predict; empty cells are allowed")
    add("--domain", metavar="COLUMN", help="column that names the domain of each row")
    add("--source", action="append", metavar="NAME", help="domain(s) to transfer from")
    add("--test", action="append", metavar="NAME", help="domain(s) to test on; default: cross-validation")
    add("--features", action="append", metavar="COLUMN", help="input columns; default: all other numbers")
    add("--learners", action="append", metavar="NAME", help="rf, et, svr, xgb, knn, mlp, ridge, krr, gp")
    add("--featurizer", choices=("auto", "spectrum", "none"), default="auto", help="auto: by column names")
    add("--unit", action="append", metavar="UNIT", help="unit(s) of the targets, for the axes")
    add("--seeds", type=_count, default=1, metavar="N", help="runs with different seeds (default: 1)")
    add("--folds", type=_folds, metavar="N", help="folds with which transfer judges itself (default: 5)")
    add("--n-jobs", type=int, default=-1, metavar="N", help="processes (default: all cores)")
    add("--out", type=Path, default=Path("report"), metavar="DIR", help="where to write (default: report)")
    return parser


def _count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _folds(text):
    value = int(text)
    if value < 2:
        raise ValueError
    return value


# argparse names the type in its message.
_count.__name__, _folds.__name__ = "number above 0", "number above 1"


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


def portability(args, argv):
    """Run the study that the arguments ask for and write the report; return the exit code."""
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("the report needs matplotlib: pip install 'skxfer[cli]'")
    from ..featurizers import SpectrumFeaturizer
    from ..learners import default_learners
    from ..model_selection import portability_study, portability_summary
    from ..transfer import HierarchicalTransfer

    learners = default_learners(_split_list(args.learners) or ["rf", "svr", "xgb", "knn", "mlp"])
    data = _from_table(args) if args.table else _from_dataset(args)
    spectrum = args.featurizer == "spectrum" or args.featurizer == "auto" and _is_spectrum(data.X.columns)
    folds = args.folds or (DEMO_FOLDS if args.table is None and args.dataset != "co_ag" else None)
    out = _output_folder(args.out)
    _say(
        f"{data.name}: {len(data.X)} rows, {data.X.shape[1]} features"
        f"{' (read as spectra)' if spectrum else ''}; sources {', '.join(data.sources)}; "
        + (f"tests on {', '.join(data.tests)}" if data.tests else "tests by cross-validation over the target")
    )
    for note in data.notes:
        _say(note)

    start = time.perf_counter()
    results = portability_study(
        learners,
        data.X,
        data.Y,
        data.domain,
        source_domains=data.sources,
        test_domains=data.tests,
        featurizer=SpectrumFeaturizer() if spectrum else None,
        transfer=None if folds is None else HierarchicalTransfer(cv=folds),
        seeds=args.seeds,
        n_jobs=args.n_jobs,
        verbose=1,
    )
    seconds = time.perf_counter() - start
    interrupted = results.attrs["interrupted"]
    if results.empty:
        print("skxfer: interrupted before the first fit was done; nothing is written", file=sys.stderr)
        return 130
    # Written first: whatever goes wrong with the figure, the numbers are there.
    results.to_csv(out / "portability.csv", index=False)
    summary = portability_summary(results)
    summary.to_csv(out / "summary.csv", index=False)
    png, caption = _figure(results, data.units)
    (out / "portability.png").write_bytes(png)
    page = _page(args, argv, data, results, summary, png, caption, learners, spectrum, folds, seconds)
    (out / "index.html").write_text(page, encoding="utf-8")

    _print_summary(summary, data.units)
    _say(f"\n{_report.headline(summary)}")
    for target, text in _report.findings(summary, data.units):
        _say(f"- {target}: {text}")
    for name, error in _report.failures(summary).items():
        _say(f"! {name}: {error}")
    _say(f"\nStudy: {seconds:.0f} s. To read and to send: {out / 'index.html'}")
    _say("Beside it: portability.csv, summary.csv, portability.png")
    if interrupted:
        print("skxfer: interrupted; the finished fits are written", file=sys.stderr)
        return 130
    if (summary["verdict"] == "no result").all() and results["mae"].isna().all():
        raise InputError(f"no learner could be fitted: {results['error'].iloc[0]}")
    return 0


# ---------------------------------------------------------------- input


def _from_table(args):
    if args.dataset:
        raise InputError("give a table or --dataset, not both")
    table = _read(args.table)
    columns = [str(column) for column in table.columns]
    table.columns = columns
    for option in ("target", "domain"):
        if not getattr(args, option):
            raise InputError(f"--{option} is needed: {args.table} has the columns {_some(columns)}")
    (domain_column,) = _resolve([args.domain], columns, "column")
    targets = _resolve(args.target, columns, "column")
    domain = table[domain_column]
    if domain.isna().any():
        raise InputError(
            f"column {domain_column!r} has no domain in {_row(domain.isna())}: name it, or drop the row"
        )
    domain = domain.astype(str)
    sizes = domain.value_counts()
    if not args.source:
        listed = _some([f"{name} ({count} rows)" for name, count in sizes.items()])
        raise InputError(f"--source is needed: the domains in {domain_column!r} are {listed}")
    notes = []
    if args.features:
        features = _resolve(args.features, columns, "column")
        clash = set(features) & {domain_column, *targets}
        if clash:
            raise InputError(f"{sorted(clash)[0]!r} cannot be a feature: it is a target or the domain")
        for column in [*features, *targets]:
            _check_numeric(table, column)
    else:
        for column in targets:
            _check_numeric(table, column)
        rest = [column for column in columns if column not in (domain_column, *targets)]
        numbers = [column for column in rest if pd.api.types.is_numeric_dtype(table[column])]
        # A row number that pandas wrote into the file.
        features = [column for column in numbers if not column.startswith("Unnamed: ")]
        notes.append(
            f"Features, all numbers but the targets: {_some(features, limit=30)}. Other: --features."
        )
        ignored = [column for column in rest if column not in features]
        if ignored:
            notes.append(f"Not used, as no numbers or mere row numbers: {_some(ignored)}.")
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
    Y = table[targets].astype(float).replace([np.inf, -np.inf], np.nan)
    missing = Y.isna().sum()
    if missing.any():
        notes.append(f"Labels missing: {', '.join(f'{t} {n}' for t, n in missing.items() if n)}.")
    units = _split_list(args.unit) or []
    if len(units) not in (0, 1, len(targets)):
        raise InputError(f"--unit names {len(units)} units for {len(targets)} targets")
    units = units * len(targets) if len(units) == 1 else units
    return Data(
        name=args.table.name,
        X=X,
        Y=Y,
        domain=domain,
        sources=_resolve(args.source, list(sizes.index), f"domain in column {domain_column!r}"),
        tests=_resolve(args.test, list(sizes.index), f"domain in column {domain_column!r}") or None,
        units=dict(zip(targets, units, strict=False)),
        notes=notes,
    )


def _from_dataset(args):
    from ..datasets import fetch_co_ag, load_co_ag_emt

    if args.domain or args.features:
        raise InputError("--domain and --features describe a table: name its file first")
    notes = []
    if args.dataset == "co_ag":
        subset = ["gas", "water", "multisolvent", "cyclohexane", "diethyl_ether"]
        data = fetch_co_ag(subset=subset, as_frame=True)
        name = "CO on Ag(111) in solvents (DFT, HMNN data)"
        notes.append(
            "delta_e and d_band of two target solvents are permuted against their spectra (by about 0.008 e "
            "and 0.002 eV); they are used as published."
        )
    else:
        data = load_co_ag_emt(as_frame=True)
        name = "Simulated CO on Ag in solvents (co_ag_emt)"
        notes.append("Simulated data (EMT and an Onsager solvent): a demonstration, not chemistry.")
    targets = _resolve(args.target, data.target_names, "target") or list(data.target_names)
    names = list(data.domain.unique())
    units = dict(zip(data.target_names, data.target_units, strict=True))
    units |= dict(zip(targets, _split_list(args.unit) or [], strict=False))
    return Data(
        name=name,
        X=data.data,
        Y=data.target[targets],
        domain=data.domain.astype(str),
        sources=_resolve(args.source, names, "domain") or list(data.source_domains),
        tests=_resolve(args.test, names, "domain") or list(data.test_domains),
        units=units,
        notes=notes,
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


def _split_list(values):
    """Flatten repeated and comma-separated values."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def _resolve(values, known, what):
    """Find names among those there are; a name may itself hold commas (1,2-dichloroethane)."""
    found = []
    for value in values or ():
        parts = [part.strip() for part in value.split(",")]
        while parts:
            size = next((n for n in range(len(parts), 0, -1) if _joined(parts[:n], known)), None)
            if size is None:
                close = difflib.get_close_matches(parts[0], known, n=3, cutoff=0.5)
                close += [name for name in known if parts[0].lower() in name.lower() and name not in close]
                hint = f"did you mean {_some(close[:3], ' or ')}?" if close else f"there are {_some(known)}"
                raise InputError(f"no {what} is called {parts[0]!r}; {hint}")
            found.append(_joined(parts[:size], known))
            parts = parts[size:]
    return list(dict.fromkeys(found))


def _joined(parts, known):
    return next((name for name in (",".join(parts), ", ".join(parts)) if name in known), None)


def _some(names, last=", ", limit=12):
    names = [str(name) for name in names]
    text = last.join(names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _is_spectrum(columns):
    return all(
        any(re.fullmatch(form, str(name)) for name in columns) for form in (r"f\d+", r"iz\d+", r"izz\d+")
    )


# ---------------------------------------------------------------- output


def _output_folder(out):
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".skxfer-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    return out


def _figure(results, units):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from ..inspection import PortabilityDisplay
    from ..model_selection.results import tests_in_words

    display = PortabilityDisplay.from_results(results, target_units=units)
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=150)
    plt.close(display.figure_)
    return buffer.getvalue(), tests_in_words(results, "bars")


def _page(args, argv, data, results, summary, png, caption, learners, spectrum, folds, seconds):
    role = dict.fromkeys(data.sources, "source") | dict.fromkeys(data.tests or (), "test, never trained on")
    labelled = data.Y.notna().groupby(data.domain, sort=False).sum()
    sizes = data.domain.value_counts(sort=False)
    table = [
        {"domain": name, "role": role.get(name, "target"), "rows": sizes[name]}
        | {f"{target} labels": labelled.loc[name, target] for target in data.Y}
        for name in sorted(
            sizes.index, key=lambda name: (list(role).index(name) if name in role else -1, name)
        )
    ]
    table.sort(key=lambda record: ("source", "target", "test, never trained on").index(record["role"]))
    n_target = sum(record["rows"] for record in table if record["role"] == "target")
    tested = (
        f"All rows of {', '.join(data.tests)}: they are in no training set."
        if data.tests
        else f"{caption.partition('.')[0].removeprefix('Test rows: ')}; sources stay in every training set."
    )
    method = [
        ("Test rows", tested),
        (
            "Source, directly",
            "The learner is trained on all rows of one source and applied to the test rows as it is.",
        ),
        (
            "Target only",
            f"The learner is trained on the {n_target} target rows alone"
            + ("." if data.tests else ", less those that are tested."),
        ),
        (
            "Everything merged",
            "The learner is trained on all sources and the target rows together, unfiltered.",
        ),
        (
            "Transfer",
            "skxfer's HierarchicalTransfer over the same learner. Three ways compete for each target: target "
            "rows alone; target rows with those source rows whose labels lie in the target's range; frozen "
            "models of the sources, combined linearly and corrected by the learner. They are blended by "
            "cross-validation on the training rows, and where the blend does not beat target only there, "
            "target only is kept. The test rows take no part in this.",
        ),
        (
            "Learners",
            "The same learner with the same settings in all four. Inputs "
            + (
                "are spectra: clipped, intensities as logarithms, ε as 1 − 1/ε, scaled"
                if spectrum
                else "as given"
            )
            + "; nothing was tuned.",
        ),
        ("Error", "Mean absolute error per test domain, fold and seed, then the mean of these."),
    ]
    fitted = results.drop_duplicates(["learner", "setting", "fit_seconds"])["fit_seconds"].sum()
    settings = {
        "command": shlex.join(["skxfer", *argv]),
        "targets": ", ".join(f"{t} ({data.units[t]})" if data.units.get(t) else t for t in data.Y),
        "features": f"{data.X.shape[1]}: {_some(data.X.columns, limit=30)}",
        "featurizer": "SpectrumFeaturizer()" if spectrum else "none",
        "seeds": f"0 to {args.seeds - 1}" if args.seeds > 1 else "0",
        "folds of transfer's own cross-validation": str(folds or 5),
        **{f"learner {name}": _describe(model) for name, model in learners.items()},
        "time": f"{seconds:.0f} s; the fits alone, added up, {fitted:.0f} s",
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "versions": _versions(learners),
    }
    tests = f" to predict {', '.join(data.tests)}" if data.tests else ""
    return _report.portability_page(
        results,
        summary,
        png,
        title=f"Does data from {_and(data.sources)} help{tests}?",
        subtitle=f"Portability study by skxfer {__version__} · {data.name} · {len(data.X)} rows, "
        f"{n_target} of them target rows for training",
        units=data.units,
        method=method,
        data=table,
        notes=data.notes,
        settings=settings,
    )


def _describe(model):
    """Write a learner with the parameters that are set: XGBoost lists all of them."""
    with config_context(print_changed_only=True):
        text = " ".join(repr(model).split())
    if type(model).__module__.startswith("xgboost"):
        given = {k: v for k, v in model.get_params().items() if v is not None and v == v}
        text = f"{type(model).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"
    return text


def _and(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _versions(learners):
    packages = ["scikit-learn", "numpy", "scipy", "pandas"] + (["xgboost"] if "xgb" in learners else [])
    found = [f"skxfer {__version__}", f"Python {platform.python_version()}"]
    for package in packages:
        for name in (package, f"{package}-cpu"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found.append(f"{package} {importlib.metadata.version(name)}")
                break
    return ", ".join([*found, platform.platform(terse=True)])


def _print_summary(summary, units):
    head = ["learner", "best source", "target only", "merged", "transfer", "gain", "verdict"]
    rows = {}
    for record in summary.itertuples():
        rows.setdefault(record.target, []).append(
            [
                record.learner,
                f"{_report.number(record.source)} {record.best_source}".strip(),
                *(_report.number(value) for value in (record.target_only, record.merged, record.transfer)),
                _report.gain(record.gain_percent, record.spread_percent),
                record.verdict,
            ]
        )
    everything = [head, *(row for group in rows.values() for row in group)]
    widths = [max(len(row[i]) for row in everything) for i in range(len(head))]

    def line(row):
        text_columns = (0, len(head) - 1)
        pairs = enumerate(zip(row, widths, strict=True))
        return "  ".join(c.ljust(w) if i in text_columns else c.rjust(w) for i, (c, w) in pairs).rstrip()

    _say("\nMean absolute error on the test rows")
    _say(line(head))
    for target, group in rows.items():
        unit = f" ({units[target]})" if units.get(target) else ""
        _say(f"{target}{unit} ".ljust(sum(widths) + 2 * len(widths) - 2, "-"))
        for row in group:
            _say(line(row))


def _say(text):
    print(text, flush=True)


@contextlib.contextmanager
def _terminate_like_ctrl_c():
    """Let a batch system's SIGTERM end the study as Ctrl-C does: with what is finished written."""

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
