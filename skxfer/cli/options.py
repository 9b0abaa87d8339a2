"""The options of each command."""

from pathlib import Path

DATASETS = ("co_ag_emt", "co_ag")


def study(parser):
    """Add the options of ``skxfer study``."""
    parser.description = (
        "Does data from other domains help to predict yours, and for which learner? "
        "Compares each source model as it is (source_only), target rows alone (target_only), all rows "
        "(merge) and the competition of all strategies (auto), on test rows that no fit sees. Writes a page "
        "to send to a colleague. Lists may be comma-separated or options repeated. Without a "
        "table it runs on data that come with skxfer."
    )
    parser.epilog = (
        "Example: skxfer study solvents.csv --target Eads --domain solvent --source gas,water "
        "--test cyclohexane --out report"
    )
    _table(parser)
    roles = _roles(parser)
    roles("--test", action="append", metavar="NAME", help="domain(s) to test on; default: cross-validation")
    roles("--unit", action="append", metavar="UNIT", help="unit(s) of the targets, for the axes")
    _columns(parser)
    add = parser.add_argument_group("the study").add_argument
    add("--dataset", choices=DATASETS, help="data of skxfer in place of a table (default: co_ag_emt)")
    add(
        "--learners",
        action="append",
        metavar="NAME",
        help="rf, et, svr, xgb, knn, mlp, ridge, krr, gp; auto: the default ones, and a network where "
        "the table has a single column of formulas or structures",
    )
    add("--featurizer", choices=("auto", "spectrum", "none"), default="auto", help="auto: by column names")
    add("--seeds", type=_count, metavar="N", help="runs with different seeds (default: 3 if cheap, else 1)")
    add("--folds", type=_folds, metavar="N", help="folds with which transfer judges itself (default: 5)")
    add("--out", type=Path, default=Path("report"), metavar="DIR", help="where to write (default: report)")
    add("--fresh", action="store_true", help="repeat fits that an earlier run has left in --out")
    add = parser.add_argument_group("time").add_argument
    add("--quick", action="store_true", help="svr, xgb and ridge, few folds, part of the source rows")
    add(
        "--budget", type=_seconds, metavar="MIN", help="minutes for the study; the most expensive is left out"
    )
    add("--timeout", type=_seconds, metavar="SECONDS", help="limit of each fit; slower ones are ended")
    add("--n-jobs", type=_processes, default=-1, metavar="N", help="processes (default: all cores)")
    add("--dask", metavar="ADDRESS", help="run the fits on a Dask cluster, such as tcp://10.0.0.1:8786")


def check(parser):
    """Add the options of ``skxfer check``."""
    parser.description = (
        "Say what each column of a table was taken for, and look for what spoils a result: features that "
        "give the target or the domain away, duplicates, domains spelt in two ways, mixed units, outliers, "
        "too few rows. Nothing is fitted. Rows are counted from 1, without the header."
    )
    parser.epilog = "Example: skxfer check solvents.csv --target Eads --domain solvent --source gas,water"
    _table(parser, nargs="+")
    roles = _roles(parser)
    roles("--test", action="append", metavar="NAME", help="domain(s) to test on")
    _columns(parser)


def _table(parser, nargs="*"):
    """Add what says how a table is read."""
    parser.add_argument(
        "tables",
        nargs=nargs,
        type=Path,
        metavar="table",
        help=".csv, .tsv, .txt, .xlsx or .parquet, one row per sample; several tables are joined, and their "
        "names are the domains (column 'file')",
    )
    add = parser.add_argument_group("how the table is read (by itself, unless you say)").add_argument
    add(
        "--sheet",
        action="append",
        metavar="NAME",
        help="sheet(s) of a workbook, '*' for all; adds a column 'sheet'",
    )
    add("--sep", metavar="CHAR", help="what separates cells, such as ';' or 'tab'")
    add("--decimal", choices=(".", ","), metavar="MARK", help="decimal mark: '.' or ','")
    add("--encoding", metavar="NAME", help="such as utf-8, latin-1, utf-16")
    add(
        "--missing", action="append", metavar="TEXT", help="cells that stand for a missing value, such as '-'"
    )
    add("--no-header", action="store_true", help="the first line holds data; columns are column_1, …")


def _roles(parser):
    """Add what says which column is the target and which the domain; return the function that adds more."""
    add = parser.add_argument_group("what is predicted, and from what").add_argument
    add("--target", action="append", metavar="COLUMN", help="column(s) to predict; empty cells are allowed")
    add("--domain", metavar="COLUMN", help="column that names the domain of each row")
    add("--source", action="append", metavar="NAME", help="domain(s) to transfer from")
    add(
        "--spelling",
        choices=("join", "keep"),
        help="domains that differ in case, spaces or punctuation only: are they the same?",
    )
    add("--group", metavar="COLUMN", help="rows that belong together: never split into training and test")
    return add


def _columns(parser):
    """Add what says what columns hold."""
    add = parser.add_argument_group("what the columns hold (recognised, unless you say)").add_argument
    add("--features", action="append", metavar="COLUMN", help="the only columns to use; default: all of use")
    add("--ignore", action="append", metavar="COLUMN", help="columns not to use")
    add("--formula", action="append", metavar="COLUMN", help="columns of chemical formulas")
    add("--smiles", action="append", metavar="COLUMN", help="columns of molecules as SMILES")
    add("--structure", action="append", metavar="COLUMN", help="columns of names of structure files")
    add("--category", action="append", metavar="COLUMN", help="columns of categories, numbers or not")


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


def _seconds(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _processes(text):
    value = int(text)
    if value < 1 and value != -1:
        raise ValueError
    return value


# argparse names the type in its message.
_count.__name__, _folds.__name__, _seconds.__name__ = "number above 0", "number above 1", "time above 0"
_processes.__name__ = "number of processes above 0"
