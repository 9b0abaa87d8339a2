"""What a study leaves behind: tables, figure, page and study.json in a folder, and lines on the terminal."""

import json
import os

import numpy as np

from ..tables import spreadsheet_safe
from . import figures, method, report, sentences, words
from .names import InputError, say

FITS = "fits.jsonl"
FORMER_FITS = "fits.former.jsonl"


def output_folder(out):
    """Make the folder, and find out before the study whether it can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".skxfer-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    return out


def write(study, out):
    """Write the numbers, the figure, the page and what repeats the study."""
    # The numbers first: whatever goes wrong with the figure, they are there.
    spreadsheet_safe(study.results).to_csv(out / "portability.csv", index=False)
    spreadsheet_safe(study.summary).to_csv(out / "summary.csv", index=False)
    text = json.dumps(record(study), indent=1, ensure_ascii=False)
    (out / "study.json").write_text(text + "\n", encoding="utf-8")
    (out / "portability.png").write_bytes(figures.overview_figure(study.results, study.data.units))
    (out / "index.html").write_text(report.page(study), encoding="utf-8")


def record(study):
    """Return what repeats the study, and its answers, in types that JSON has.

    Parameters
    ----------
    study : Study

    Returns
    -------
    dict
        ``argv``: as typed, without the program; ``cwd``: the folder it was typed in.
    """
    plan = study.plan
    answers = [
        {
            "target": answer.target,
            "unit": answer.unit,
            "verdict": answer.verdict,
            "learner": None if answer.best is None else answer.best.learner,
            "setting": None if answer.best is None else answer.best.setting,
            "inputs": "" if answer.best is None else answer.best.inputs,
            "error": answer.error,
            "interval": [answer.low, answer.high],
            "gains": {name: list(bounds) for name, bounds in answer.gains.items()},
        }
        for answer in study.answers
    ]
    found = {
        "skxfer study": 1,
        "argv": list(study.argv),
        "cwd": os.getcwd(),
        "options": {
            "targets": list(study.data.Y),
            "sources": list(study.data.sources),
            "tests": list(study.data.tests or ()),
            "units": dict(study.data.units),
            "learners": list(study.learners),
            "seeds": plan.seeds,
            "folds": plan.folds,
            "spectrum": study.spectrum,
            "source_rows": dict(plan.most_rows),
        },
        "answers": answers,
        "summary": study.summary.to_dict("records"),
        "interrupted": bool(study.results.attrs.get("interrupted")),
        "versions": method.versions(study.learners),
    }
    return _plain(found)


def _plain(value):
    """Turn numbers of numpy into those of Python, and what is not finite into null."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def say_what_was_found(study, out):
    """Print the table of errors, the answers, and where the page is."""
    units = study.data.units
    _print_summary(study.summary, units)
    say(f"\n{sentences.overall(study.answers, study.data.sources)}")
    for answer in study.answers:
        say(f"- {answer.target}: {sentences.use(answer)}")
        say(f"  Error to expect: {_lower(sentences.error(answer))}")
        say(f"  {sentences.gain(answer)}")
        if answer.close:
            say(f"  Came close: {sentences.close(answer)}")
    for name, error in words.failures(study.summary).items():
        say(f"! {name}: {error}")
    say(f"\nStudy: {study.seconds:.0f} s. To read and to send: {out / 'index.html'}")
    say(f"To train the best model on all rows: skxfer fit --from {out} --out model.skxfer")


def _lower(text):
    return text[:1].lower() + text[1:]


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
