"""What a study has left in its folder, for the commands that go on from there."""

import json
from pathlib import Path

from .names import InputError, listed, say

FILE = "study.json"
# What the options of `fit` say goes before what the study was told.
OWN = ("out", "licence", "n_jobs", "seed", "predict_on", "low_fidelity", "study", "module", "command")

# Options that may differ from those of the study.
CHANGED = ("learners", "folds", "target", "unit")


def from_study(args):
    """Complete the arguments of ``skxfer fit --from DIR`` by those of the study.

    Parameters
    ----------
    args : argparse.Namespace
        With `study`, the folder.

    Returns
    -------
    argparse.Namespace
        The table, the roles and the columns of the study, and the learners that it found best, unless others
        are named.

    Raises
    ------
    InputError
        There is no study in the folder, or its table is gone.
    """
    from .main import make_parser

    if args.tables:
        raise InputError("give a table or --from, not both: the study names its table itself")
    record = _read(args.study)
    try:
        told = make_parser().parse_args(record["argv"])
    except SystemExit as stop:
        raise InputError(f"{args.study / FILE} names options that are not known: {record['argv']}") from stop
    for name, value in vars(args).items():
        if name in OWN or not hasattr(told, name) or (value is not None and name in CHANGED):
            setattr(told, name, value)
        elif value and value != getattr(told, name):
            option = "--" + name.replace("_", "-")
            raise InputError(
                f"{option} goes with a table: with --from it is that of the study. Leave it out."
            )
    told.tables = [Path(record["cwd"], table) for table in told.tables]
    gone = [table for table in told.tables if not table.is_file()]
    if gone:
        raise InputError(f"the table of the study is gone: there is no file {gone[0]}")
    if args.learners is None:
        told.learners = _best(record)
    folds = (record.get("options") or {}).get("folds")
    if told.folds is None and isinstance(folds, int) and folds > 1:
        told.folds = folds
    return told


def _read(folder):
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"there is no {FILE} in {folder}: name the folder that skxfer study has written to")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        argv, cwd = record["argv"], record["cwd"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: it was not written by skxfer study") from error
    if not (isinstance(cwd, str) and isinstance(argv, list) and all(isinstance(part, str) for part in argv)):
        raise InputError(f"{path} cannot be read: it was not written by skxfer study")
    if not argv or argv[0] not in ("study", "portability"):
        raise InputError(f"{path} tells of another command: {' '.join(argv[:2])}")
    return record


def _best(record):
    """Return the learners that the study found best, None where fit does not know them."""
    from ..learners import LEARNERS

    found = [answer.get("learner") for answer in record.get("answers") or ()]
    known = [name for name in dict.fromkeys(found) if name in LEARNERS]
    others = [name for name in dict.fromkeys(found) if name and name not in LEARNERS]
    if others:
        say(f"The study found {listed(others)} best, which fit does not train: the default learners compete.")
        return None
    if known:
        say(f"Best in the study: {listed(known)}.")
    return known or None
