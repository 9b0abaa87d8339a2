"""``skxfer check``: say what a table holds, and what is wrong with it, before anything is fitted."""

import shlex
from dataclasses import replace

import pandas as pd

from ..screening import CheckedTable, check
from .names import say
from .tables import cell_options, from_tables


def run(args, argv):
    """Check the tables that the arguments name.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str

    Returns
    -------
    int
        0; 1 if a study of the table would be meaningless.
    """
    data = from_tables(args, complete=False)
    say_what_is_read(data)
    report = check_data(data)
    say("")
    for line in report.in_words(first_row=1):
        say(line)
    if not report.findings:
        say("No finding.")
    known = {"--target": len(data.Y.columns) > 0, "--domain": data.domain is not None}
    if not all(known.values()):
        names = [name for name, there in known.items() if not there]
        say(f"Name {' and '.join(names)} to check more.")
    elif not data.sources:
        counts = ", ".join(f"{name} {n}" for name, n in data.domain.value_counts().items())
        say(f"Name --source to compare sources with the target; rows of the domains: {counts}.")
    return 1 if report.stops else 0


def say_what_is_read(data):
    """Print how a table was read, and what each column was taken for."""
    for note in data.notes:
        say(note)
    for line in data.in_words():
        say(f"- {line}")


def check_data(data):
    """Check data whose columns and domains have their parts.

    Parameters
    ----------
    data : Data

    Returns
    -------
    TableReport
        With the options of the command in its remedies.
    """
    domain = None if data.domain is None else data.domain.reset_index(drop=True)
    report = check(
        CheckedTable(
            table=pd.concat([data.table, data.Y], axis=1).reset_index(drop=True),
            targets=list(data.Y),
            columns=data.columns,
            domain=domain,
            domain_column=data.domain_column,
            sources=data.sources,
            tests=data.tests or [],
            chosen=data.chosen,
            bad_cells=data.bad_cells,
            folder=data.folder,
        )
    )
    report.findings = [
        replace(finding, remedy=_with_option(finding, data))
        for finding in report.findings
        if not (finding.check == "domain_spelling" and data.spelling == "keep")
    ]
    return report


def _with_option(finding, data):
    """Return the remedy of a finding, with the option that does it."""
    ignore = " ".join(f"--ignore {shlex.quote(name)}" for name in finding.columns[:3])
    wrong = data.bad_cells.get(finding.columns[0]) if finding.check == "bad_cells" else None
    option = {
        "bad_cells": ignore if wrong is None else cell_options(wrong),
        "determines_target": ignore,
        "tells_domain": ignore,
        "row_numbers": ignore,
        "domain_spelling": "--spelling join; to keep them apart: --spelling keep",
    }.get(finding.check)
    return f"{finding.remedy} ({option})" if option else finding.remedy
