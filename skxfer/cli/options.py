"""The options of each command."""

import math
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


def fit(parser):
    """Add the options of ``skxfer fit``."""
    parser.description = (
        "Choose learner and strategy on your target rows, fit them on all rows, and save the model with a "
        "card that says what it rests on and what error to expect."
    )
    parser.epilog = (
        "Example: skxfer fit solvents.csv --target Eads --domain solvent --source gas,water "
        "--out model.skxfer; then: skxfer predict model.skxfer new.csv --out predictions.csv"
    )
    _table(parser)
    roles = _roles(parser)
    roles("--unit", action="append", metavar="UNIT", help="unit(s) of the targets, for the card")
    roles(
        "--low-fidelity",
        action="append",
        metavar="COLUMN",
        help="column(s) with a cheap value of each target, known for each row to be predicted",
    )
    _columns(parser)
    add = parser.add_argument_group("the model").add_argument
    add("--from", dest="study", type=Path, metavar="DIR", help="take over from a study: the folder it wrote")
    add("--learners", action="append", metavar="NAME", help="rf, et, svr, xgb, knn, mlp, ridge, krr, gp")
    add(
        "--predict-on",
        choices=("auto", "similar", "new_domains", "new_inputs"),
        default="auto",
        help="what will be predicted: rows like the target rows, new domains, or new inputs",
    )
    add("--folds", type=_folds, metavar="N", help="folds over the target rows (default: 5)")
    add("--seed", type=int, default=0, metavar="N", help="seed of folds and learners (default: 0)")
    add("--licence", metavar="TEXT", help="licence of the data, for the card")
    add("--n-jobs", type=int, default=-1, metavar="N", help="processes (default: all cores)")
    add("--out", type=Path, required=True, metavar="FILE", help="where to save, such as model.skxfer")


def predict(parser):
    """Add the options of ``skxfer predict``."""
    parser.description = (
        "Predict each row of a table: value, standard deviation, interval, and how far the row lies outside "
        "the rows that the model was fitted on. Rows that cannot be read are named, the others are "
        "predicted. Columns are matched by name."
    )
    parser.epilog = "Example: skxfer predict model.skxfer new.csv --out predictions.csv"
    parser.add_argument("model", type=Path, help="file written by skxfer fit")
    _table(parser, nargs=1)
    add = parser.add_argument_group("the predictions").add_argument
    add("--out", type=Path, metavar="FILE", help=".csv, .csv.gz or .parquet; default: print a table")
    add(
        "--level",
        type=_level,
        default=80,
        metavar="PERCENT",
        help="share of rows like the target rows whose values lie between low and high (default: 80)",
    )
    add("--keep", action="append", metavar="COLUMN", help="columns of the table to repeat; default: all")


def suggest(parser):
    """Add the options of ``skxfer suggest``."""
    parser.description = (
        "Which rows of a table of candidates should be labelled next? Ranks them by expected improvement "
        "over the best label so far, or by uncertainty, so that they do not repeat each other, and gives the "
        "reason for each. Columns are matched by name."
    )
    parser.epilog = "Example: skxfer suggest model.skxfer candidates.csv -n 10 --maximize --out next.csv"
    parser.add_argument("model", type=Path, help="file written by skxfer fit")
    _table(parser, nargs=1)
    group = parser.add_argument_group("what is wanted")
    goal = group.add_mutually_exclusive_group().add_argument
    goal("--maximize", action="store_true", help="the largest value of the target")
    goal("--minimize", action="store_true", help="the smallest value of the target")
    goal("--goal", type=_number, metavar="VALUE", help="the value of the target nearest to this one")
    goal("--explore", action="store_true", help="a better model everywhere (the default)")
    add = group.add_argument
    add("-n", type=_count, default=10, metavar="N", help="number of rows (default: 10)")
    add("--target", metavar="COLUMN", help="which target is meant, if the model has several")
    add(
        "--best",
        type=_number,
        metavar="VALUE",
        help="best label so far; default: of the rows of the fit",
    )
    add(
        "--diversity",
        type=_from_zero,
        default=0.5,
        metavar="SHARE",
        help="how different the rows are; 0: ranked by their score alone (default: 0.5)",
    )
    add("--keep", action="append", metavar="COLUMN", help="columns of the table to print; default: a few")
    add("--out", type=Path, metavar="FILE", help="write a .csv with all columns, too")


def show(parser):
    """Add the options of ``skxfer show``."""
    parser.description = "Show the card of a model: data, choice and reasons, expected error, licence."
    parser.add_argument("model", type=Path, help="file written by skxfer fit")
    parser.add_argument("--json", action="store_true", help="as JSON")


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


def sample(parser):
    """Add the options of ``skxfer sample``."""
    parser.description = (
        "Write solvents.csv, a table with sources and target rows, and new_solvents.csv, rows to predict. "
        "The data are simulated."
    )
    parser.epilog = "Example: skxfer sample --out try"
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where to write (default: this folder)"
    )


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


def _value(read, allowed, name):
    """Return what reads the value of an option; argparse names it in its message, `name`."""

    def value_of(text):
        value = read(text)
        if not allowed(value):
            raise ValueError
        return value

    value_of.__name__ = name
    return value_of


_level = _value(float, lambda value: 0 < value < 100, "percentage")
_count = _value(int, lambda value: value >= 1, "number above 0")
_folds = _value(int, lambda value: value >= 2, "number above 1")
_number = _value(float, math.isfinite, "number")
_from_zero = _value(float, lambda value: 0 <= value < math.inf, "number from 0 on")
_seconds = _value(float, lambda value: 0 < value < math.inf, "time above 0")
_processes = _value(int, lambda value: value >= 1 or value == -1, "number of processes above 0")
