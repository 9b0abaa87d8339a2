"""``skxfer predict``: predict each row of a table with a saved model."""

import sys
import time

from .models import load_model
from .names import InputError, counted, say, some
from .tables import reading_options, with_options

# Rows of a table that are printed.
MOST_ROWS = 40


def run(args, argv):
    """Predict the table that the arguments name, and write or print the predictions.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str

    Returns
    -------
    int
        0; 1 if no row could be read.
    """
    model = load_model(args.model)
    (path,) = args.tables
    keep = None if args.keep is None else [name for value in args.keep for name in value.split(",")]
    options = {"level": args.level / 100, "keep": keep, "verbose": True, **reading_options(args)}
    try:
        return (_print if args.out is None else _write)(model, path, args, options)
    except ValueError as error:
        raise InputError(with_options(str(error))) from error


def _write(model, path, args, options):
    from ..transfer import predict_file

    start = time.perf_counter()
    try:
        done = predict_file(model, path, args.out, **options)
    except KeyboardInterrupt:
        print(f"skxfer: interrupted; the rows done so far are in {args.out}.part", file=sys.stderr)
        return 130
    say(str(done.reading))
    for note in done.reading.notes:
        say(note)
    for name, usual in done.renamed.items():
        say(f"Column {name!r} is taken for {usual!r}.")
    if done.unused:
        say(f"Columns that the model does not use: {some(done.unused)}")
    _say_counts(done, args.level, model)
    say(f"Written to {args.out}, after {time.perf_counter() - start:.0f} s")
    return 1 if done.n_unreadable == done.n_rows else 0


def _say_counts(done, level, model):
    say(
        f"{counted(done.n_rows, 'row')}: {done.n_rows - done.n_unreadable} predicted, of these "
        f"{done.n_outside} outside what the model was fitted on; {done.n_unreadable} not readable"
    )
    for row, error in done.errors:
        say(f"- row {row}: {error}")
    if done.n_unreadable > len(done.errors):
        say(f"- and {done.n_unreadable - len(done.errors)} more, see the column 'error'")
    for name, (n, mae) in done.known.items():
        unit = _unit(model, name)
        say(f"The table has {counted(n, 'value')} of {name}: mean absolute error {mae:.3g}{unit}")
    say(f"low and high are the bounds of a {level:g} % interval, for rows that are not outside.")


def _unit(model, name):
    targets = {target["name"]: target.get("unit") for target in model.card_["data"]["targets"]}
    return f" {targets[name]}" if targets.get(name) else ""


def _print(model, path, args, options):
    import pandas as pd

    from ..transfer import predict_table, prediction_columns

    found = predict_table(model, path, **options)
    new = prediction_columns(model)
    old = [name for name in found if name not in new]
    first = found.head(MOST_ROWS)
    shown = first[[*(old if args.keep else old[:3]), *new]].drop(columns=["why_outside", "error"])
    shown.insert(0, "row", first.index + 1)
    with pd.option_context("display.width", None, "display.max_columns", None, "display.max_colwidth", 40):
        say(shown.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}"))
    for row, why, error in zip(first.index + 1, first["why_outside"], first["error"], strict=True):
        if why or error:
            say(f"- row {row}, outside: {why}" if why else f"- row {row}, not readable: {error}")
    if len(found) > MOST_ROWS:
        say(f"… and {len(found) - MOST_ROWS} more rows; --out FILE writes all")
    say(f"low and high are the bounds of a {args.level:g} % interval, for rows that are not outside.")
    return 1 if (found["error"] != "").all() else 0
