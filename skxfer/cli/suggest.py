"""``skxfer suggest``: which rows of a table of candidates to label next, and why."""

import textwrap
import warnings

from .models import load_model
from .names import InputError, counted, resolve, say
from .tables import reading_options, with_options

# Columns of the candidates that are printed, and characters of a cell.
MOST_COLUMNS, WIDEST = 3, 40


def run(args, argv):
    """Suggest rows of the table that the arguments name, print them, and write them if wanted.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str

    Returns
    -------
    int
        0.
    """
    _check_out(args)
    model = load_model(args.model)
    (path,) = args.tables
    goal = _goal(args)
    found, notes = _suggest(model, path, args, goal, reading_options(args))
    names = _names(model, found.table, args.keep)
    _say_what_is_asked(found, goal, model)
    _say_rows(found.table, names, _unit(model, found.target))
    for note in notes:
        say(f"! {note}")
    if args.out is not None:
        found.save(args.out)
        say(f"Written to {args.out}")
    return 0


def _check_out(args):
    if args.out is None:
        return
    if args.out.suffix != ".csv":
        raise InputError(f"--out {args.out}: name a file that ends in .csv")
    if not args.out.parent.is_dir():
        raise InputError(f"there is no folder {args.out.parent} to write {args.out.name} in: make it first")
    if args.out.resolve() == args.tables[0].resolve():
        raise InputError(f"{args.out} is the table itself: name another file for the suggestions")


def _goal(args):
    if args.goal is not None:
        return args.goal
    return "maximize" if args.maximize else "minimize" if args.minimize else "explore"


def _suggest(model, path, args, goal, reading):
    """Return what was found, and what was warned of."""
    from ..transfer import suggest_table

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = suggest_table(
                model,
                path,
                args.n,
                goal=goal,
                target=args.target,
                best=args.best,
                diversity=args.diversity,
                verbose=True,
                **reading,
            )
        except ValueError as error:
            raise InputError(with_options(str(error))) from error
    return found, [str(one.message) for one in caught if str(one.message).startswith("n is ")]


def _names(model, table, keep):
    """Return the columns that name the rows: those asked for, or identifiers, then what the model uses."""
    after = list(table).index("value")
    columns = list(table)[2:after]
    if keep is not None:
        return resolve(keep, columns, "column")
    used = [name for name in columns if name in model.view_.used_]
    others = [name for name in columns if name not in used and table[name].nunique() == len(table)]
    objects = [name for name in used if table[name].dtype.kind != "f"]
    return (others + objects + [name for name in used if name not in objects])[:MOST_COLUMNS]


def _unit(model, name):
    units = {target["name"]: target.get("unit") for target in model.card_["data"]["targets"]}
    return f" {units[name]}" if units.get(name) else ""


def _say_what_is_asked(found, goal, model):
    unit = _unit(model, found.target)
    what = {
        "explore": f"to know {found.target} better everywhere",
        "maximize": f"for the largest {found.target}",
        "minimize": f"for the smallest {found.target}",
    }.get(goal, f"for {found.target} near {goal}{unit}")
    say(f"{counted(found.n_rows, 'candidate')}; {counted(len(found.table), 'row')} to label next, {what}")
    if found.best is not None:
        say(f"Best so far: {found.best:.6g}{unit} ({found.best_is})")
    if found.n_labelled:
        say(f"Left out, as they have a value of {found.target}: {counted(found.n_labelled, 'row')}")
    if found.n_unreadable:
        say(f"Left out, as they cannot be read: {counted(found.n_unreadable, 'row')}")
        for row, error in found.errors:
            say(f"- row {row}: {error}")


def _say_rows(table, names, unit):
    say("")
    shown = table[["rank", "row", *names, "value", "std", "score"]].copy()
    for name in names:
        shown[name] = [_short(cell) for cell in shown[name]]
    say(shown.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    say("")
    for row in table.to_dict("records"):
        warning = (
            f" Outside what the model was fitted on: {row['why_outside']}." if row["why_outside"] else ""
        )
        text = f"{row['rank']:>3}. row {row['row']}: {row['reason']}{warning}"
        say(textwrap.fill(text, 100, subsequent_indent="     "))
    if unit:
        say(f"\nvalue, std and score are in{unit}.")


def _short(cell):
    if isinstance(cell, float):
        return f"{cell:.4g}"
    text = str(cell)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
