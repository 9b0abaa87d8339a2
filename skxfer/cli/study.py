"""``skxfer study``: check the table, run the study, go on after an interruption, and write the report."""

import importlib.util
import sys
import time

from .._optional import install_hint
from . import answers, output, report
from .check import check_data, say_what_is_read
from .fits import Fits
from .folds import folds_by_group
from .names import InputError, counted, say
from .plan import make_plan, n_training_sets
from .tables import from_dataset, from_tables, is_spectrum


def run(args, argv):
    """Run the study that the arguments ask for and write the report.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str
        As typed, for the report.

    Returns
    -------
    int
        Exit code.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError(f"the report needs matplotlib: {install_hint('cli')}")
    _check_names(args)
    start = time.perf_counter()
    data = from_tables(args) if args.tables else from_dataset(args)
    out = output.output_folder(args.out)
    say_what_is_read(data)
    checks = _checked(data)
    spectrum = args.featurizer == "spectrum" or args.featurizer == "auto" and is_spectrum(data.X.columns)
    cv = folds_by_group(data, checks.groups)
    plan = make_plan(args, data, spectrum, n_training_sets(data, cv, 5))
    _say_what_is_studied(data, spectrum, cv, plan)
    fits = Fits(args, data, plan, spectrum, cv, out, start)
    results, predictions, curves = fits.run()
    if results.empty:
        print("skxfer: interrupted before the first fit was done; nothing is written", file=sys.stderr)
        return 130
    study = _studied(data, plan, results, predictions, fits, argv, time.perf_counter() - start)
    study.checks, study.curves, study.out = checks.in_words(1, None), curves, out
    output.write(study, out)
    output.say_what_was_found(study, out)
    if results.attrs["interrupted"]:
        print(
            "skxfer: interrupted; the finished fits are written, and the same command goes on",
            file=sys.stderr,
        )
        return 130
    if (study.summary["verdict"] == "no result").all() and results["mae"].isna().all():
        raise InputError(f"no learner could be fitted: {results['error'].iloc[0]}")
    return 0


def _check_names(args):
    """Refuse what can be refused before the table is read."""
    from ..learners import default_learners
    from .names import split_list

    default_learners([name for name in split_list(args.learners) if name != "auto"])
    if args.dask and args.timeout:
        raise InputError("--timeout needs processes on this machine: leave it out, or --dask")


def _checked(data):
    """Check the data, print what is found, and stop where a study would be meaningless."""
    checks = check_data(data)
    if checks.stops:
        raise InputError(checks.in_short(first_row=1))
    for line in checks.in_words(first_row=1):
        say(line)
    return checks


def _studied(data, plan, results, predictions, fits, argv, seconds):
    """Sum up what was found."""
    from ..model_selection import portability_summary

    return report.Study(
        data=data,
        plan=plan,
        results=results,
        predictions=predictions,
        summary=portability_summary(results),
        answers=answers.find_answers(results, predictions, data),
        learners=fits.learners,
        spectrum=fits.spectrum,
        argv=argv,
        seconds=seconds,
        checks=[],
    )


def _say_what_is_studied(data, spectrum, cv, plan):
    rows, features = counted(len(data.X), "row"), counted(data.X.shape[1], "feature")
    tests = "tests by cross-validation over the target rows"
    if data.tests:
        tests = f"tests on {', '.join(data.tests)}"
    if cv is not None:
        tests += " that keeps equal rows together" + (" and groups" if data.group is not None else "")
    as_spectra = " (read as spectra)" if spectrum else ""
    say(f"{data.name}: {rows}, {features}{as_spectra}; sources {', '.join(data.sources)}; {tests}")
    for line in plan.in_words():
        say(line)
