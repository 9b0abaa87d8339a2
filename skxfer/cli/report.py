"""One self-contained HTML page that tells a colleague what a portability study found."""

import base64
import contextlib
import html
import importlib.metadata
import platform
import shlex
import time
from dataclasses import dataclass
from string import Template

import numpy as np
import pandas as pd
from sklearn import config_context

from .._version import __version__
from . import words
from .names import listed, some
from .tables import Data

VERDICT_CLASS = {"helps": "good", "hurts": "bad", "no clear gain": "even", "no result": "none"}
READING = (
    "Mean absolute errors; the lowest of a row is underlined. Gain: by how much the error of auto, the "
    "competition of all strategies, is below that of target_only, the same learner on target rows alone, "
    "± its standard deviation over the tests, or its standard error over test rows where that is larger. "
    "The verdict is 'helps' or 'hurts' only if the gain is larger than ± and than 1 %. Gain foreseen: "
    "what cross-validation on the training rows promised before any test row was seen; it speaks of the "
    "folds used there, not of these test rows. Largest share: the strategy with the largest weight in auto."
)

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: #1d1d1f;
       max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: .2rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p.sub, figcaption, .note { color: #5a5a60; font-size: .9rem; }
.answer { background: #f3f5f8; border-left: 4px solid #0072B2; padding: .8rem 1.1rem; border-radius: 4px; }
.answer p { margin: .2rem 0 .5rem; font-size: 1.1rem; font-weight: 600; }
.answer ul { margin: .3rem 0; padding-left: 1.2rem; }
.warn { background: #fdf3e7; border-left: 4px solid #D55E00; padding: .5rem 1.1rem; border-radius: 4px; }
figure { margin: 0; } img { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e3e3e8; white-space: nowrap; }
th { border-bottom: 2px solid #b9b9c0; font-weight: 600; vertical-align: bottom; white-space: normal; }
td.text, th.text { text-align: left; } td.wrap { white-space: normal; }
tr.target td { font-weight: 600; padding-top: .8rem; border-bottom: 1px solid #b9b9c0; }
.tag { padding: .05rem .5rem; border-radius: .8rem; font-weight: 600; }
.good { background: #d9f0e6; color: #00553d; } .bad { background: #fbe0d2; color: #8c3300; }
.even { background: #ececf0; color: #444; } .none { color: #777; }
b.low { text-decoration: underline; text-underline-offset: 3px; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
td.wrap { overflow-wrap: anywhere; }
dt { font-weight: 600; margin-top: .5rem; } dd { margin-left: 1rem; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="sub">$subtitle</p>
$warning
<div class="answer"><p>$headline</p><ul>$findings</ul></div>
<h2>Errors by learner</h2>
<figure><img alt="Mean absolute error by learner, setting and target" src="data:image/png;base64,$png">
<figcaption>The further left, the better; axes are logarithmic where errors differ by much.</figcaption>
</figure>
<h2>Does transfer help?</h2>
<div class="scroll">$summary</div>
<p class="note">$reading</p>
$failures
<h2>Checks of the data</h2>
$checks
<h2>How each number was obtained</h2>
<dl>$method</dl>
<h2>The data</h2>
<div class="scroll">$data</div>
$data_notes
<h2>Settings and versions</h2>
<div class="scroll">$settings</div>
<details><summary>Every result ($n_results rows, the same as portability.csv)</summary>
<div class="scroll">$results</div></details>
</body>
</html>
""")


@dataclass
class Study:
    """A finished study, and all that the page says about how it was made."""

    data: Data
    results: pd.DataFrame
    learners: dict
    spectrum: bool
    folds: int | None
    argv: list
    seconds: float
    checks: list


def page(study, summary, png):
    """Write the page.

    Parameters
    ----------
    study : Study
    summary : DataFrame
        From ``portability_summary``.
    png : bytes
        The figure.

    Returns
    -------
    str
        HTML without any external resource.
    """
    data = study.data
    tests = f" to predict {', '.join(data.tests)}" if data.tests else ""
    found = words.findings(summary, data.units)
    settings = [{"": name, " ": value} for name, value in _settings(study).items()]
    return PAGE.substitute(
        title=_e(f"Does data from {listed(data.sources)} help{tests}?"),
        subtitle=_e(
            f"Portability study by skxfer {__version__} · {data.name} · {len(data.X)} rows, "
            f"{data.is_training_target.sum()} of them target rows for training"
        ),
        warning=_warning(study.results) + _beware(study.checks),
        headline=_e(words.headline(summary, int(data.is_training_target.sum()))),
        findings="".join(f"<li><b>{_e(target)}</b>: {_e(text)}</li>" for target, text in found),
        png=base64.b64encode(png).decode("ascii"),
        summary=_summary_table(summary, data.units),
        reading=_e(READING),
        failures=_failures(summary),
        checks=_checks(study.checks),
        method="".join(f"<dt>{_e(term)}</dt><dd>{_e(text)}</dd>" for term, text in _method(study)),
        data=_plain_table(_domains(data)),
        data_notes="".join(f'<p class="note">{_e(note)}</p>' for note in data.notes)
        + "<ul>"
        + "".join(f"<li>{_e(line)}</li>" for line in data.in_words())
        + "</ul>",
        settings=_plain_table(settings, code=True),
        n_results=len(study.results),
        results=_results_table(study.results),
    )


def _warning(results):
    if not results.attrs.get("interrupted"):
        return ""
    text = "The study was interrupted. What follows rests on the fits finished until then."
    return f'<p class="warn">{text}</p>'


def _beware(findings):
    """Put what can make a result wrong above it."""
    found = [_e(line.partition(" ")[2]) for line in findings if line.startswith("WARNING")]
    items = "".join(f"<li>{line}</li>" for line in found)
    return f'<div class="warn">Beware:<ul>{items}</ul></div>' if found else ""


def _failures(summary):
    failed = words.failures(summary)
    if not failed:
        return ""
    items = "".join(f"<li><b>{_e(name)}</b>: {_e(error)}</li>" for name, error in failed.items())
    return f'<div class="warn">Not everything could be fitted:<ul>{items}</ul></div>'


def _checks(findings):
    if not findings:
        return (
            "<p>Leaks, duplicates, spelling of domains, units, outliers, number of rows: nothing found.</p>"
        )
    return f"<ul>{''.join(f'<li>{_e(finding)}</li>' for finding in findings)}</ul>"


def _domains(data):
    """One record per domain: its role, rows and labels; sources first."""
    role = dict.fromkeys(data.sources, "source") | dict.fromkeys(data.tests or (), "test, never trained on")
    labelled = data.Y.notna().groupby(data.domain, sort=False).sum()
    sizes = data.domain.value_counts(sort=False)
    order = [*data.sources, *sorted(set(sizes.index) - set(role)), *(data.tests or ())]
    return [
        {"domain": name, "role": role.get(name, "target"), "rows": sizes[name]}
        | {f"{target} labels": labelled.loc[name, target] for target in data.Y}
        for name in order
    ]


def _method(study):
    """Return (term, explanation) of all that the page compares."""
    from ..model_selection.results import tests_in_words

    data = study.data
    tested = (
        f"All rows of {', '.join(data.tests)}: they are in no training set."
        if data.tests
        else tests_in_words(study.results, "bars").partition(".")[0].removeprefix("Test rows: ")
        + "; sources stay in every training set."
    )
    alone = f"The learner is trained on the {data.is_training_target.sum()} target rows alone"
    inputs = (
        "are spectra: clipped, intensities as logarithms, ε as 1 − 1/ε, scaled"
        if study.spectrum
        else "as given"
    )
    return [
        ("Test rows", tested),
        (
            "source_only",
            "The learner is trained on all rows of one source and applied to the test rows as it is. The "
            "table shows the best source.",
        ),
        ("target_only", alone + ("." if data.tests else ", less those that are tested.")),
        (
            "merge",
            "The learner is trained on all rows of all sources and the target rows together.",
        ),
        (
            "auto",
            "skxfer's HierarchicalTransfer over the same learner. All strategies that can run compete for "
            "each target: target_only; source_only; merge; merge_relevant (the target rows, with source rows "
            "whose labels lie near theirs); frozen_experts (frozen models of the sources, combined linearly "
            "and corrected by the learner); and fine_tuned, where the learner can continue from a source "
            "model. They are blended by cross-validation on the training rows, and where the blend does not "
            "clearly beat target_only there, target_only is kept. The test rows take no part in this.",
        ),
        (
            "Learners",
            f"The same learner with the same settings in all four. Inputs {inputs}; nothing was tuned.",
        ),
        ("Error", "Mean absolute error per test domain, fold and seed, then the mean of these."),
    ]


def _settings(study):
    data, results = study.data, study.results
    seeds = sorted(results["seed"].unique())
    fitted = results.drop_duplicates(["learner", "setting", "fit_seconds"])["fit_seconds"].sum()
    return {
        "command": shlex.join(["skxfer", *study.argv]),
        "targets": ", ".join(f"{t} ({data.units[t]})" if data.units.get(t) else t for t in data.Y),
        "features": f"{data.X.shape[1]}: {some(data.X.columns, limit=30)}",
        "featurizer": "SpectrumFeaturizer()" if study.spectrum else "none",
        "seeds": f"0 to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}",
        "folds of the cross-validation inside auto": str(study.folds or 5),
        **{f"learner {name}": _describe(model) for name, model in study.learners.items()},
        "time": f"{study.seconds:.0f} s; the fits alone, added up, {fitted:.0f} s",
        "made": time.strftime("%Y-%m-%d %H:%M"),
        "versions": _versions(study.learners),
    }


def _describe(model):
    """Write a learner with the parameters that are set: XGBoost lists all of them."""
    with config_context(print_changed_only=True):
        text = " ".join(repr(model).split())
    if type(model).__module__.startswith("xgboost"):
        given = {k: v for k, v in model.get_params().items() if v is not None and v == v}
        text = f"{type(model).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"
    return text


def _versions(learners):
    packages = ["scikit-learn", "numpy", "scipy", "pandas"] + (["xgboost"] if "xgb" in learners else [])
    found = [f"skxfer {__version__}", f"Python {platform.python_version()}"]
    for package in packages:
        for name in (package, f"{package}-cpu"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found.append(f"{package} {importlib.metadata.version(name)}")
                break
    return ", ".join([*found, platform.platform(terse=True)])


def _e(value):
    return html.escape(str(value))


def _summary_table(summary, units):
    head = ["learner", "target_only", "auto", "gain", "verdict", "merge"]
    head += ["source_only (best source)", "gain foreseen", "largest share"]
    left = {0, 4, 8}
    rows = [_row("th", head, left)]
    for target, group in summary.groupby("target", sort=False):
        unit = f" ({_e(units[target])})" if units.get(target) else ""
        rows.append(f'<tr class="target"><td class="text" colspan="{len(head)}">{_e(target)}{unit}</td></tr>')
        for record in group.itertuples():
            errors = [record.target_only, record.auto, record.merge, record.source_only]
            known = [error for error in errors if np.isfinite(error)]
            alone, auto, merge, source = (_error(error, known) for error in errors)
            tag = f'<span class="tag {VERDICT_CLASS[record.verdict]}">{record.verdict}</span>'
            source += f" ({_e(record.best_source)})" if record.best_source else ""
            cells = [
                _e(record.learner),
                alone,
                auto,
                words.gain(record.gain_percent, record.spread_percent),
            ]
            cells += [tag, merge, source]
            cells += [words.percent(record.cv_gain_percent), _e(record.strategy)]
            rows.append(_row("td", cells, left))
    return f"<table>{''.join(rows)}</table>"


def _error(error, known):
    """Write an error, underlined if it is the lowest of the known ones."""
    text = words.number(error)
    return f'<b class="low">{text}</b>' if known and error == min(known) else text


def _row(tag, cells, left):
    inside = "".join(
        f'<{tag} class="text">{cell}</{tag}>' if i in left else f"<{tag}>{cell}</{tag}>"
        for i, cell in enumerate(cells)
    )
    return f"<tr>{inside}</tr>"


def _plain_table(records, code=False):
    if not records:
        return ""
    rows = [] if code else [_row("th", [_e(name) for name in records[0]], {0, 1})]
    for record in records:
        values = [_e(value) for value in record.values()]
        if code:
            rows.append(f'<tr><td class="text">{values[0]}</td><td class="text wrap">{values[1]}</td></tr>')
        else:
            rows.append(_row("td", values, {0, 1}))
    return f"<table>{''.join(rows)}</table>"


def _results_table(results):
    columns = ["learner", "setting", "target", "test_domain", "fold", "seed", "n_train", "n_test"]
    columns += ["mae", "rmse", "r2", "fit_seconds", "strategy", "error"]
    names = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "fit_seconds": "fit, s", "test_domain": "test domain"}
    left = {0, 1, 2, 3, 12, 13}
    rows = [_row("th", [names.get(name, name.replace("_", " ")) for name in columns], left)]
    for record in results[columns].itertuples(index=False):
        cells = [words.number(value) if isinstance(value, float) else _e(value) for value in record]
        rows.append(_row("td", cells, left))
    return f"<table>{''.join(rows)}</table>"
