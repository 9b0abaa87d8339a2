"""``skxfer fit``: choose learner and strategy, fit them on all rows, save the model with its card."""

import hashlib
import shlex
import time
import warnings

import pandas as pd

from .check import check_data, say_what_is_read
from .names import InputError, counted, listed, resolve, say, split_list
from .studies import from_study
from .tables import from_dataset, from_tables

BLOCK = 1 << 20


def run(args, argv):
    """Fit the model that the arguments ask for and save it.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str
        As typed, for the card.

    Returns
    -------
    int
        Exit code.
    """
    _check_out(args.out)
    if args.study is not None:
        args = from_study(args)
    elif not args.tables:
        raise InputError("name a table, or the folder of a study with --from")
    data = from_tables(args, alone=True) if args.tables else from_dataset(args)
    if data.tests:  # once it is known which way is best, rows to test it on are rows to learn from
        say(f"Rows of {listed(data.tests)}, on which the study was tested, are learned from as well.")
        data.tests = None
    say_what_is_read(data)
    checks = check_data(data)
    if checks.stops:
        raise InputError(checks.in_short(first_row=1))
    for line in checks.in_words(first_row=1):
        say(line)
    model = _model(args, data)
    n_target = int(data.is_training_target.sum())
    rows = f"{counted(len(data.table), 'row')}, {n_target} of them target rows"
    say(f"\n{data.name}: {rows}; learners {', '.join(model.learners)}")
    start = time.perf_counter()
    _fit(model, data)
    _complete_card(model, data, args, argv)
    _save(model, args.out)
    _say_what_was_found(model)
    say(f"\nSaved as {args.out}, after {time.perf_counter() - start:.0f} s. Its card: skxfer show {args.out}")
    say(f"To predict: skxfer predict {args.out} new.csv --out predictions.csv")
    return 0


def _check_out(out):
    """Find out before the work whether the model can be saved."""
    if not out.parent.is_dir():
        raise InputError(f"there is no folder {out.parent} to save {out.name} in: make it first")
    if out.is_dir():
        raise InputError(f"{out} is a folder: name a file, such as {out / 'model.skxfer'}")


def _model(args, data):
    """Make the estimator that the arguments ask for."""
    from ..featurizers import TableFeaturizer
    from ..learners import default_learners
    from ..transfer import TableTransfer

    learners = split_list(args.learners) or list(TableTransfer().learners)
    default_learners(learners)  # names an unknown one
    kinds = {name: column.kind for name, column in data.columns.items()}
    cheap = resolve(args.low_fidelity, list(data.table), "column")
    for name in cheap:
        if kinds[name] == "ignored":
            raise InputError(f"the column {name!r} of --low-fidelity is not used: {data.columns[name].why}")
    if cheap and len(cheap) % data.Y.shape[1]:
        targets = counted(data.Y.shape[1], "target")
        raise InputError(f"--low-fidelity names {counted(len(cheap), 'column')} for {targets}: one for each")
    return TableTransfer(
        learners,
        source_domains=data.sources or None,
        kinds=kinds,
        featurizer=TableFeaturizer(folder=str(data.folder)),
        low_fidelity=cheap or None,
        predict_on=args.predict_on,
        cv=args.folds or 5,
        n_jobs=args.n_jobs,
        random_state=args.seed,
        verbose=True,
    )


def _fit(model, data):
    if model.low_fidelity is not None:
        _leave_out_unknown(data, model.low_fidelity)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is in the card
        try:
            model.fit(
                data.table,
                data.Y,
                sample_domain=None if data.domain is None else data.domain.to_numpy(),
                groups=None if data.group is None else data.group.astype(str).to_numpy(),
            )
        except ValueError as error:
            raise InputError(str(error)) from error


def _leave_out_unknown(data, cheap):
    """Leave out target rows without the cheap value: rows to be predicted will have it."""
    lost = data.table[cheap].isna().any(axis=1).to_numpy() & data.is_training_target
    if lost.any():
        data.Y = data.Y.mask(pd.Series(lost, index=data.Y.index))
        say(f"{counted(int(lost.sum()), 'target row')} without {', '.join(cheap)}: left out")
    if data.Y[data.is_training_target].notna().sum().min() < 2:
        raise InputError(f"no two target rows have a label and {', '.join(cheap)}")


def _complete_card(model, data, args, argv):
    from ..transfer import add_provenance

    add_provenance(
        model,
        files=[_file(path) for path in args.tables],
        units=data.units,
        licence=args.licence,
        command=shlex.join(["skxfer", *argv]),
        notes=data.notes,
    )


def _file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return {"name": path.name, "sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def _save(model, out):
    from ..io import save

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save(model, out)


def _say_what_was_found(model):
    from ..transfer import choices_in_words

    say("")
    for line in choices_in_words(model.card_):
        say(line)
    for name, why in model.skipped_.items():
        say(f"! {name}: {why}")
