"""The options of each command."""

from pathlib import Path

DATASETS = ("co_ag_emt", "co_ag")


def study(parser):
    """Add the options of ``skxfer study``."""
    parser.description = (
        "Does data from other domains help to predict yours, and for which learner? "
        "Compares each source applied directly, target rows alone, everything merged, and guarded transfer, "
        "on test rows that no fit sees. Writes a page to send to a colleague. Lists may be comma-separated "
        "or options repeated. Without a table it runs on data that come with skxfer."
    )
    parser.epilog = (
        "Example: skxfer study solvents.csv --target Eads --domain solvent --source gas,water "
        "--test cyclohexane --out report"
    )
    add = parser.add_argument
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
