"""Odd inputs of every kind: the right result or an error that says what to do, a seeded share of them.

``make fuzz`` runs all of them and writes the table of outcomes.
"""

import importlib
import inspect
import os
import pkgutil
import sys
from collections import Counter

import numpy as np
import pytest
from sklearn.base import BaseEstimator

pytest.importorskip("hypothesis", reason="part of the extra test")
for package in ("torch", "skorch", "rdkit", "ase", "dscribe", "matminer", "pymatgen"):
    pytest.importorskip(package, reason="the fuzz covers every public estimator")
if not hasattr(os, "fork"):
    pytest.skip("cases run in a process that is forked", allow_module_level=True)

import fuzz_all  # noqa: E402
from fuzz_cases import CLEAR, CRASH, HANG, RIGHT, SILENT, UNCLEAR, Case, Kind, Subject, is_clear  # noqa: E402
from fuzz_runner import run_cases, table_of, write_table  # noqa: E402

import skxfer  # noqa: E402

# Cases of the share that runs with all tests: it takes less than a minute on one core.
SHARE = 600
# Seconds of a case.
LIMIT = 60.0
FINE = {RIGHT, CLEAR, "skipped"}


def chosen():
    """A seeded share of the cases, of every kind at least one; all of them with SKXFER_FUZZ=all."""
    if os.environ.get("SKXFER_FUZZ") == "all":
        return fuzz_all.CASES
    order = np.random.default_rng(int(os.environ.get("SKXFER_FUZZ_SEED", "0"))).permutation(
        len(fuzz_all.CASES)
    )
    cases = [fuzz_all.CASES[i] for i in order]
    light = [case for case in cases if not fuzz_all.is_heavy(case)]
    first = {(case.kind.argument, case.kind.name): case for case in reversed(light)}
    rest = [case for case in light if case is not first[case.kind.argument, case.kind.name]]
    return [*first.values(), *rest][: max(SHARE, 0)]


def test_there_are_five_hundred_kinds_of_odd_input():
    kinds = {(case.subject.name, case.kind.argument, case.kind.name) for case in fuzz_all.CASES}
    assert len(kinds) == len(fuzz_all.CASES)  # no case twice
    assert len({case.subject.name for case in fuzz_all.CASES}) == len(
        {id(case.subject) for case in fuzz_all.CASES}
    )
    assert len({(case.kind.argument, case.kind.name) for case in fuzz_all.CASES}) >= 500


def test_every_public_estimator_is_fuzzed():
    public = set()
    for module in pkgutil.iter_modules(skxfer.__path__):
        package = importlib.import_module(f"skxfer.{module.name}")
        for name in getattr(package, "__all__", []):
            value = getattr(package, name)
            if inspect.isclass(value) and issubclass(value, BaseEstimator) and hasattr(value, "fit"):
                public.add(name)
    fuzzed = " ".join({case.subject.name for case in fuzz_all.CASES})
    # PerTarget is made inside, of inputs that are validated.
    assert {name for name in public if name not in fuzzed} <= {"PerTarget"}


@pytest.mark.timeout(3600 if os.environ.get("SKXFER_FUZZ") == "all" else 600)
def test_odd_inputs_give_the_right_result_or_a_clear_error():
    results = []
    for case, outcome, detail in run_cases(chosen(), LIMIT):
        results.append((case, outcome, detail))
    if path := os.environ.get("SKXFER_FUZZ_TABLE"):
        write_table(table_of(results), path)
    total = Counter(outcome for _, outcome, _ in results)
    sys.stderr.write("\n" + ", ".join(f"{outcome}: {n}" for outcome, n in sorted(total.items())) + "\n")
    wrong = [f"{outcome}: {case.name}: {detail}" for case, outcome, detail in results if outcome not in FINE]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(results)} cases", *wrong[:40]])
    assert total[RIGHT] > len(results) / 5  # the fuzz would mean little if errors were all there is


# the fuzz itself --------------------------------------------------------------------------------------

PLAIN = "Row 3 of X is 'a', which is no number. Drop it."


def _run(run, expect, value=1.0, expected=None):
    subject = Subject(f"{run} {expect} {value}", {"X": np.ones(3)}, run)
    kind = Kind("odd", "X", lambda X, given: X * value, expect, expected=expected)
    ((_, outcome, _),) = run_cases([Case(subject, kind)], LIMIT)
    return outcome


def _raise(error):
    def run(X):
        if X[0] != 1:
            raise error
        return X

    return run


def test_outcomes_are_told_apart():
    assert _run(lambda X: X, "right") == RIGHT
    assert _run(lambda X: X, "right", 2.0) == SILENT
    assert _run(lambda X: X, "right", 2.0, lambda plain: 2 * plain) == RIGHT
    assert _run(lambda X: X, "error", 2.0) == SILENT
    assert _run(lambda X: X / (X - 2), "finite", 2.0) == SILENT
    assert _run(_raise(ValueError(PLAIN)), "error", 2.0) == CLEAR
    assert _run(_raise(ValueError("could not convert string to float: 'a'")), "error", 2.0) == UNCLEAR
    assert _run(_raise(KeyError("Row 3 of X is 'a', which is no number. Drop it.")), "error", 2.0) == UNCLEAR
    assert (
        _run(_raise(ValueError("Row 3 of X is 'a', which is no number. Drop it.")), "right", 2.0) == UNCLEAR
    )


def test_a_case_that_ends_its_process_or_never_ends_is_found_and_the_next_one_runs():
    def run(X):
        if X[0] == 2:
            os._exit(3)
        while X[0] == 3:
            pass
        return X

    subject = Subject("ends", {"X": np.ones(2)}, run)
    kinds = [Kind(f"{k}", "X", lambda X, given, k=k: k * X, "finite") for k in (2.0, 3.0, 1.0)]
    outcomes = [outcome for _, outcome, _ in run_cases([Case(subject, kind) for kind in kinds], 5.0)]
    assert outcomes == [CRASH, HANG, RIGHT]


@pytest.mark.parametrize(
    "text",
    [
        "'NoneType' object has no attribute 'shape' in row 3 of X: drop it",
        "operands could not be broadcast together with shapes (3,) (4,): give X",
        "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6): row 3, drop it",
        "short",
        "Something is wrong here, and nobody says with what it is or where it is.",
    ],
)
def test_texts_of_other_packages_are_not_clear(text):
    assert not is_clear(ValueError(text))
