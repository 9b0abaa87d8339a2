"""The page that tells a colleague what a study found: its sections, in the order of the questions."""

import shlex
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .._version import __version__
from . import figures, method, sentences, words
from .names import listed
from .page import Cell, escape, figure, fill, items, table, terms
from .plan import Plan
from .tables import Data

VERDICT_CLASS = {"helps": "good", "hurts": "bad", "no clear gain": "even", "no result": "none"}
READING = (
    "Mean absolute errors; the lowest of a row is underlined. Gain: by how much the error with transfer is "
    "below that of the same learner on target rows alone, ± its standard deviation over the tests, or its "
    "standard error over test rows where that is larger. The verdict is 'helps' or 'hurts' only if the gain "
    "is larger than ± and than 1 %. Gain foreseen: what cross-validation on the training rows promised "
    "before any test row was seen. Strategy: the one with the largest share. A click on a heading sorts."
)


@dataclass
class Study:
    """A finished study, and all that the page says about how it was made."""

    data: Data
    plan: Plan
    results: pd.DataFrame
    predictions: pd.DataFrame
    summary: pd.DataFrame
    answers: list
    learners: dict
    spectrum: bool
    argv: list
    seconds: float
    checks: list
    curves: dict = field(default_factory=dict)  # target -> learning curve of its best learner
    out: object = "report"


def page(study):
    """Write the page.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
        HTML without any external resource.
    """
    data = study.data
    tests = f" to predict {', '.join(data.tests)}" if data.tests else ""
    return fill(
        title=escape(f"Does data from {listed(data.sources)} help{tests}?"),
        subtitle=escape(
            f"Study by skxfer {__version__} · {data.name} · {len(data.X)} rows, "
            f"{data.is_training_target.sum()} of them target rows for training"
        ),
        answer=escape(sentences.overall(study.answers, data.sources)),
        targets="".join(_target(study, answer) for answer in study.answers),
        beware=f'<div class="warn">{items(sentences.beware(study))}</div>' + _failures(study.summary),
        model=_use_this_model(study),
        sources=_sources(study),
        summary=_summary(study),
        checks=_checks(study.checks),
        method=terms(method.in_words(study)),
        data=_domains(data)
        + "".join(f'<p class="note">{escape(note)}</p>' for note in data.notes)
        + items(data.in_words()),
        settings=terms(method.settings(study).items()),
        n_results=len(study.results),
        results=_results(study.results),
    )


def _target(study, answer):
    """Answer the questions on one target."""
    name = f"{answer.target} ({answer.unit})" if answer.unit else answer.target
    pairs = [
        ("What to use", sentences.use(answer)),
        ("What error to expect on new rows", sentences.error(answer)),
        ("How much of it transfer brings", sentences.gain(answer)),
        ("What else came close", sentences.close(answer)),
    ]
    curve = study.curves.get(answer.target)
    if curve is not None:
        pairs.append(("How many more rows you would need", sentences.needed(curve, answer)))
    return (
        f'<section class="target"><h3>{escape(name)}</h3><dl class="use">{terms(pairs)}</dl>'
        f"{_side_by_side(answer)}{_figures(study, answer, curve)}</section>"
    )


def _side_by_side(answer):
    """Put the best without transfer, merged and with transfer next to each other."""
    boxes = []
    for setting, title in {
        "target_only": "Best without transfer",
        "merge": "Best merged",
        "auto": "Best with transfer",
    }.items():
        found = answer.families.get(setting)
        if found is None:
            boxes.append(f"<div>{title}<b>–</b>no learner finished</div>")
            continue
        best = ' class="best"' if answer.best is found else ""
        unit = f" {escape(answer.unit)}" if answer.unit else ""
        what = words.learner_name(found.learner)
        what += f"; columns {found.inputs}" if found.inputs else ""
        what += f"; mostly {words.strategy_names(found.strategy)}" if found.strategy else ""
        boxes.append(f"<div{best}>{title}<b>{words.number(found.mae)}{unit}</b>{escape(what)}</div>")
    return f'<div class="three">{"".join(boxes)}</div>'


def _figures(study, answer, curve):
    drawn = []
    if answer.best is not None:
        drawn.append(
            figure(
                figures.parity_figure(study.predictions, answer),
                f"Predicted against actual {answer.target} of the test rows",
                "Test rows, predicted by the recommended model. Error bars: "
                f"{figures.bars_in_words(study, answer)}.",
            )
        )
    drawn.append(
        figure(
            figures.errors_figure(study.results, answer.target, study.data.units),
            f"Mean absolute error of {answer.target} by learner and setting",
            "Errors of all learners: the further left, the better. target_only: target rows alone; merge: "
            "all rows merged; auto: transfer; source_only: a source model as it is.",
        )
    )
    if curve is not None:
        drawn.append(
            figure(
                figures.curve_figure(curve, answer),
                f"Error of {answer.target} against the number of target rows",
                "Error of the recommended learner as target rows are added.",
            )
        )
    return f'<div class="figures">{"".join(drawn)}</div>'


def _use_this_model(study):
    """Return the lines that make the model, in the shell and in Python."""
    out = shlex.quote(str(study.out))
    shell = f"skxfer fit --from {out} --out model.skxfer\n"
    shell += "skxfer predict model.skxfer new.csv --out predictions.csv"
    text = "<p>In the shell: choose among all learners again, train on all rows, and save one file.</p>"
    text += f"<pre>{escape(shell)}</pre><p>The recommended model in Python, without a new choice:</p>"
    done = {}
    for answer in study.answers:
        if answer.best is not None:
            lines = method.python_lines(study, answer.best)
            done.setdefault(lines, []).append(answer.target)
    for lines, targets in done.items():
        text += f"<p class='note'>For {escape(listed(targets))}:</p><pre>{escape(lines)}</pre>"
    return text


def _sources(study):
    """Return a table of the sources: size, error as it is, error of transfer from it alone."""
    head = [
        "target",
        "source",
        "rows",
        "as it is: best error",
        "by",
        "transfer from it alone",
        "transfer from all",
    ]
    rows, by_source = [], study.results["setting"].str.startswith("auto: ")
    sizes = study.data.domain.value_counts()
    alone = study.results[by_source].groupby(["target", "setting", "learner"])["mae"].mean()
    every = study.results[study.results["setting"] == "auto"].groupby(["target", "learner"])["mae"].mean()
    for answer in study.answers:
        for name in study.data.sources:
            found = answer.sources.get(name)
            here = _at(alone, answer.target, f"auto: {name}")
            learner = here.index[0] if len(here) else None
            both = every.get((answer.target, learner), np.nan)
            rows.append(
                [
                    answer.target,
                    name,
                    int(sizes.get(name, 0)),
                    words.number(None if found is None else found.mae),
                    "" if found is None else words.learner_name(found.learner),
                    words.number(here.iloc[0] if len(here) else None),
                    words.number(both),
                ]
            )
    note = "Transfer from one source alone was tried with the learner whose transfer is best."
    note = f'<p class="note">{note}</p>' if len(alone) else ""
    if not len(alone):
        head, rows = head[:5], [row[:5] for row in rows]
    return table(head, rows, text_columns=(0, 1, 4)) + note


def _at(series, target, setting):
    """Return the part of a series by target, setting and learner, by learner."""
    keys = [key for key in series.index if key[:2] == (target, setting)]
    return pd.Series([series[key] for key in keys], [key[2] for key in keys], dtype=float)


def _summary(study):
    head = ["target", "learner", "target rows alone", "transfer", "gain", "verdict", "all rows merged"]
    head += ["source as it is", "best source", "gain foreseen", "strategy"]
    rows, order = [], {target: i for i, target in enumerate(study.data.Y)}
    for record in sorted(study.summary.itertuples(), key=lambda record: order[record.target]):
        errors = [record.target_only, record.auto, record.merge, record.source_only]
        known = [error for error in errors if np.isfinite(error)]
        alone, auto, merge, source = (_error(error, known) for error in errors)
        tag = f'<span class="tag {VERDICT_CLASS[record.verdict]}">{record.verdict}</span>'
        gain = Cell(words.gain(record.gain_percent, record.spread_percent), record.gain_percent)
        foreseen = Cell(words.percent(record.cv_gain_percent), record.cv_gain_percent)
        unit = study.data.units.get(record.target)
        target = f"{record.target} ({unit})" if unit else record.target
        row = [
            target,
            words.learner_name(record.learner),
            alone,
            auto,
            gain,
            Cell(tag, record.verdict),
            merge,
        ]
        rows.append([*row, source, record.best_source, foreseen, words.strategy_names(record.strategy)])
    text = table(head, rows, text_columns=(0, 1, 5, 8, 10), wrapped=(1, 10))
    n_target = int(study.data.is_training_target.sum())
    headline = escape(words.headline(study.summary, n_target))
    return f'<p>{headline}</p>{text}<p class="note">{escape(READING)}</p>'


def _error(error, known):
    """Write an error, underlined if it is the lowest of the known ones."""
    text = words.number(error)
    return Cell(f'<b class="low">{text}</b>' if known and error == min(known) else text, error)


def _failures(summary):
    failed = words.failures(summary)
    if not failed:
        return ""
    texts = [f"{words.learner_name(name)} ({name}): {error}" for name, error in failed.items()]
    return f'<div class="warn">Not everything could be fitted:{items(texts)}</div>'


def _checks(findings):
    if not findings:
        return (
            "<p>Leaks, duplicates, spelling of domains, units, outliers, number of rows: nothing found.</p>"
        )
    rows = [[word.strip("[]:").lower(), text] for word, _, text in (line.partition(" ") for line in findings)]
    return table(["weight", "finding, and what to do"], rows, text_columns=(0, 1), wrapped=(1,))


def _domains(data):
    """Return a table of the domains: role, rows and labels; sources first."""
    role = dict.fromkeys(data.sources, "source") | dict.fromkeys(data.tests or (), "test, never trained on")
    labelled = data.Y.notna().groupby(data.domain, sort=False).sum()
    sizes = data.domain.value_counts(sort=False)
    order = [*data.sources, *sorted(set(sizes.index) - set(role)), *(data.tests or ())]
    head = ["domain", "role", "rows", *(f"{target} labels" for target in data.Y)]
    rows = [
        [name, role.get(name, "target"), sizes[name], *(labelled.loc[name, target] for target in data.Y)]
        for name in order
    ]
    return table(head, rows, text_columns=(0, 1))


def _results(results):
    columns = ["learner", "setting", "target", "test_domain", "fold", "seed", "n_train", "n_test"]
    columns += ["mae", "rmse", "r2", "fit_seconds", "strategy", "inputs", "error"]
    names = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "fit_seconds": "fit, s", "test_domain": "test domain"}
    head = [names.get(name, name.replace("_", " ")) for name in columns]
    rows = [
        [Cell(words.number(value), value) if isinstance(value, float) else value for value in record]
        for record in results[columns].itertuples(index=False)
    ]
    return table(head, rows, text_columns=(0, 1, 2, 3, 12, 13, 14), wrapped=(14,))
