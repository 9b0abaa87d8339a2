"""``skxfer study``: run the portability study, print its result, and write tables, figure and page."""

import importlib.util
import io
import re
import sys
import time

from sklearn.pipeline import Pipeline

from . import report, words
from .check import check_data, say_what_is_read
from .folds import folds_by_group
from .names import InputError, counted, say, split_list
from .tables import from_dataset, from_tables, is_spectrum

# Folds of the guard in a demonstration, so that it takes less than a minute on two cores.
DEMO_FOLDS = 3
LEARNERS = ("rf", "svr", "xgb", "knn", "mlp")


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
        raise InputError("the report needs matplotlib: pip install 'skxfer[cli]'")
    from ..learners import default_learners

    learners = default_learners(split_list(args.learners) or LEARNERS)
    data = from_tables(args) if args.tables else from_dataset(args)
    out = _output_folder(args.out)
    say_what_is_read(data)
    checks = _checked(data)
    spectrum = args.featurizer == "spectrum" or args.featurizer == "auto" and is_spectrum(data.X.columns)
    folds = _folds(args, data)
    cv = folds_by_group(data, checks.groups)
    _say_what_is_studied(data, spectrum, cv)
    start = time.perf_counter()
    results = _study(args, data, learners, spectrum, folds, cv)
    if results.empty:
        print("skxfer: interrupted before the first fit was done; nothing is written", file=sys.stderr)
        return 130
    seconds = time.perf_counter() - start
    study = report.Study(data, results, learners, spectrum, folds, argv, seconds, checks.in_words(1, None))
    summary = _write(study, out)
    _say_what_was_found(study, summary, out)
    if results.attrs["interrupted"]:
        print("skxfer: interrupted; the finished fits are written", file=sys.stderr)
        return 130
    if (summary["verdict"] == "no result").all() and results["mae"].isna().all():
        raise InputError(f"no learner could be fitted: {results['error'].iloc[0]}")
    return 0


def _checked(data):
    """Check the data, print what is found, and stop where a study would be meaningless."""
    checks = check_data(data)
    if checks.stops:
        raise InputError(checks.in_short(first_row=1))
    for line in checks.in_words(first_row=1):
        say(line)
    return checks


def _folds(args, data):
    """Return the number of folds with which transfer judges itself; None for its default."""
    folds = args.folds or (DEMO_FOLDS if not args.tables and args.dataset != "co_ag" else None)
    n_rows = int(data.is_training_target.sum())
    if folds is not None and folds > n_rows:
        raise InputError(f"--folds {folds} needs as many target rows for training, there are {n_rows}")
    return folds


def _study(args, data, learners, spectrum, folds, cv):
    from ..model_selection import portability_study
    from ..transfer import HierarchicalTransfer

    transfer = None if folds is None else HierarchicalTransfer(cv=folds)
    if cv is not None:  # then transfer, too, judges itself by rows that are unlike those it is trained on
        n_folds = folds or max(2, min(5, *(len(train) for train, _ in cv)))
        transfer = HierarchicalTransfer(cv=n_folds, predict_on="new_inputs")
    results = portability_study(
        {name: _behind_features(model, data.X, spectrum) for name, model in learners.items()},
        data.X,
        data.Y,
        data.domain,
        source_domains=data.sources,
        test_domains=data.tests,
        cv=cv,
        transfer=transfer,
        seeds=args.seeds,
        n_jobs=args.n_jobs,
        verbose=1,
    )
    results["error"] = results["error"].map(_without_parameters)
    return results


class Prepared(Pipeline):
    """Pipeline that says that it takes missing numbers, as its first step fills them in."""

    def __sklearn_tags__(self):
        """Tags of the pipeline, with missing numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _behind_features(learner, X, spectrum):
    """Put before a learner what it needs: numbers in place of missing ones, and features of spectra."""
    from sklearn.impute import SimpleImputer

    from ..featurizers import SpectrumFeaturizer
    from ..learners import input_tags

    imputed = X.isna().to_numpy().any() and (spectrum or not input_tags(learner).allow_nan)
    steps = [("featurizer", SpectrumFeaturizer())] if spectrum else []
    if imputed:
        imputer = SimpleImputer(strategy="median", keep_empty_features=True).set_output(transform="pandas")
        steps.insert(0, ("imputer", imputer))
    if not steps:
        return learner
    return (Prepared if imputed else Pipeline)([*steps, ("learner", learner)])


def _without_parameters(error):
    """Say in words of the command what an estimator says in words of Python."""
    text = re.sub(r"cv=(\d+) folds", r"\1 folds", error).replace("n_samples=", "")
    neighbours = r"Expected n_neighbors <= n_samples_fit, but n_neighbors = (\d+), n_samples_fit = (\d+),.*"
    text = re.sub(neighbours, r"\1 neighbours need as many training rows, there are \2.", text)
    return re.sub(r" Lower cv, or do without .*", " Give more target rows, or lower --folds.", text)


def _output_folder(out):
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".skxfer-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    return out


def _write(study, out):
    """Write the numbers, the figure and the page; return the summary."""
    from ..model_selection import portability_summary

    # The numbers first: whatever goes wrong with the figure, they are there.
    study.results.to_csv(out / "portability.csv", index=False)
    summary = portability_summary(study.results)
    summary.to_csv(out / "summary.csv", index=False)
    png = _figure(study.results, study.data.units)
    (out / "portability.png").write_bytes(png)
    (out / "index.html").write_text(report.page(study, summary, png), encoding="utf-8")
    return summary


def _figure(results, units):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from ..inspection import PortabilityDisplay

    display = PortabilityDisplay.from_results(results, target_units=units)
    buffer = io.BytesIO()
    display.figure_.savefig(buffer, format="png", dpi=150)
    plt.close(display.figure_)
    return buffer.getvalue()


def _say_what_is_studied(data, spectrum, cv):
    rows, features = counted(len(data.X), "row"), counted(data.X.shape[1], "feature")
    tests = "tests by cross-validation over the target rows"
    if data.tests:
        tests = f"tests on {', '.join(data.tests)}"
    if cv is not None:
        tests += " that keeps equal rows together" + (" and groups" if data.group is not None else "")
    as_spectra = " (read as spectra)" if spectrum else ""
    say(f"{data.name}: {rows}, {features}{as_spectra}; sources {', '.join(data.sources)}; {tests}")


def _say_what_was_found(study, summary, out):
    units = study.data.units
    _print_summary(summary, units)
    say(f"\n{words.headline(summary, int(study.data.is_training_target.sum()))}")
    for target, text in words.findings(summary, units):
        say(f"- {target}: {text}")
    for name, error in words.failures(summary).items():
        say(f"! {name}: {error}")
    say(f"\nStudy: {study.seconds:.0f} s. To read and to send: {out / 'index.html'}")
    say("In the same folder: portability.csv, summary.csv, portability.png")


def _print_summary(summary, units):
    head = ["learner", "source_only", "target_only", "merge", "auto", "gain", "verdict"]
    rows = {}
    for record in summary.itertuples():
        rows.setdefault(record.target, []).append(
            [
                record.learner,
                f"{words.number(record.source_only)} {record.best_source}".strip(),
                *(words.number(value) for value in (record.target_only, record.merge, record.auto)),
                words.gain(record.gain_percent, record.spread_percent),
                record.verdict,
            ]
        )
    everything = [head, *(row for group in rows.values() for row in group)]
    widths = [max(len(row[i]) for row in everything) for i in range(len(head))]

    def line(row):
        text_columns = (0, len(head) - 1)
        pairs = enumerate(zip(row, widths, strict=True))
        return "  ".join(c.ljust(w) if i in text_columns else c.rjust(w) for i, (c, w) in pairs).rstrip()

    say("\nMean absolute error on the test rows")
    say(line(head))
    for target, group in rows.items():
        unit = f" ({units[target]})" if units.get(target) else ""
        say(f"{target}{unit} ".ljust(sum(widths) + 2 * len(widths) - 2, "-"))
        for row in group:
            say(line(row))
