"""Run cases in a child process, which may crash, hang or ask for too much memory."""

import contextlib
import csv
import multiprocessing
import os
import resource
import signal
from collections import Counter

from fuzz_cases import CRASH, HANG, OUTCOMES, run_case

# Bytes of address space of the child: what asks for more gets a MemoryError.
MEMORY = 12 << 30


def _serve(cases, pipe):
    """Run cases one by one and send what came of each."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = os.open(os.devnull, os.O_WRONLY)  # libraries write to both
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for case in cases:
        pipe.send(run_case(case))
    pipe.close()


def run_cases(cases, limit=30.0):
    """Run cases and say what came of each.

    Parameters
    ----------
    cases : list of Case
    limit : float, default=30.0
        Seconds for one case.

    Yields
    ------
    case : Case
    outcome : str
    detail : str
    """
    context = multiprocessing.get_context("fork")
    cases = list(cases)
    while cases:
        mine, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(cases, theirs), daemon=True)
        child.start()
        theirs.close()
        done = 0
        try:
            while done < len(cases):
                if not mine.poll(limit):
                    yield cases[done], HANG, f"not done after {limit:g} s"
                    done += 1
                    break
                try:
                    outcome, detail = mine.recv()
                except EOFError:
                    child.join()
                    yield cases[done], CRASH, f"the process ended with {_ending(child.exitcode)}"
                    done += 1
                    break
                yield cases[done], outcome, detail
                done += 1
        finally:
            child.kill()
            child.join()
            mine.close()
        cases = cases[done:]


def _ending(code):
    return signal.Signals(-code).name if code and code < 0 else f"exit code {code}"


def table_of(results):
    """Count outcomes by argument and kind.

    Parameters
    ----------
    results : list of (Case, str, str)

    Returns
    -------
    list of dict
        One for each kind, the sum last.
    """
    counts = {}
    for case, outcome, _ in results:
        if outcome != "skipped":
            counts.setdefault(f"{case.kind.argument}: {case.kind.name}", Counter())[outcome] += 1
    total = sum(counts.values(), Counter())
    return [
        {"kind": name, "cases": sum(count.values())} | {outcome: count[outcome] for outcome in OUTCOMES}
        for name, count in [*sorted(counts.items()), ("all", total)]
    ]


def write_table(rows, path):
    """Write the table of outcomes as CSV."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
