"""One self-contained HTML page that tells a colleague what a portability study found."""

import base64
import html
from string import Template

import numpy as np

VERDICT_CLASS = {"helps": "good", "hurts": "bad", "no clear gain": "even", "no result": "none"}

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
<h2>How each number was obtained</h2>
$method
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


def number(value, digits=3):
    """Write a number with significant digits and without an exponent where that is short."""
    if value is None or not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if not 1e-5 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{decimals}f}"


def percent(value):
    """Write a percentage as a whole number with its sign."""
    return "–" if not np.isfinite(value) else f"{round(value):+d} %"


def gain(value, spread):
    """Write a gain in percent with its spread, if that is known."""
    if not np.isfinite(value) or not np.isfinite(spread):
        return percent(value)
    return f"{round(value):+d} ± {spread:.0f} %"


def headline(summary):
    """Answer the question in one sentence."""
    counts = summary["verdict"].value_counts()
    known = int(counts.drop("no result", errors="ignore").sum())
    if not known:
        if summary["transfer"].notna().any():
            return "There is no comparison: of no learner have transfer and target only both finished."
        return "There is no result: no learner finished."
    helps, hurts = int(counts.get("helps", 0)), int(counts.get("hurts", 0))
    even = known - helps - hurts
    pairs = f"{known} combinations of learner and target" if known > 1 else "one learner and one target"
    if helps == known:
        return f"Yes: transfer lowers the error for {'all ' if known > 1 else ''}{pairs}."
    if not helps and not hurts:
        return f"No clear gain: for {pairs}, transfer does as well as the target rows alone."
    parts = [f"helps {helps} of {pairs}"]
    parts += [f"brings no clear gain for {even}"] if even else []
    parts += [f"hurts {hurts}"] if hurts else []
    start = "No" if not helps else "Mostly yes" if helps >= 0.8 * known and not hurts else "In part"
    return f"{start}: transfer {', '.join(parts)}."


def findings(summary, units):
    """One sentence or two per target: how many learners gain, which model is best."""
    for target, group in summary.groupby("target", sort=False):
        unit = f" {units[target]}" if units.get(target) else ""
        known = group[group["verdict"] != "no result"]
        if known.empty:
            yield target, "nothing to compare."
            continue
        helps = int((known["verdict"] == "helps").sum())
        hurts = int((known["verdict"] == "hurts").sum())
        text = f"transfer helps {helps} of {len(known)} learners"
        text += f" and hurts {hurts}. " if hurts else ". "
        best = known.loc[known["transfer"].idxmin()]
        text += f"Best with transfer: {best['learner']}, {number(best['transfer'])}{unit}"
        if best["transfer"] == best["target_only"]:
            text += ", the same as on target rows alone. "
        else:
            change = _gain_text(best["gain_percent"], best["spread_percent"])
            text += f"; on target rows alone it has {number(best['target_only'])}{unit} ({change}). "
        columns = {"target_only": "on target rows alone", "merged": "with everything merged"}
        columns |= {"source": "trained on a source and applied directly"}
        others = known.melt("learner", list(columns), "setting", "mae").dropna()
        if len(others) and others["mae"].min() < best["transfer"]:
            lowest = others.loc[others["mae"].idxmin()]
            how = columns[lowest["setting"]]
            text += f"Lower still: {lowest['learner']} {how}, {number(lowest['mae'])}{unit}."
        yield target, text.strip()


def _gain_text(gain, spread):
    if not np.isfinite(gain):
        return "gain unknown"
    direction = "lower" if gain >= 0 else "higher"
    if not np.isfinite(spread):
        return f"{abs(gain):.0f} % {direction}"
    return f"{abs(gain):.0f} ± {spread:.0f} % {direction}"


def failures(summary):
    """Learners with an error, and the first error of each."""
    failed = summary[summary["error"] != ""].drop_duplicates("learner")
    return dict(zip(failed["learner"], failed["error"], strict=True))


def portability_page(results, summary, png, *, title, subtitle, units, method, data, notes, settings):
    """Write the page.

    Parameters
    ----------
    results, summary : DataFrame
        From ``portability_study`` and ``portability_summary``.
    png : bytes
        The figure.
    title, subtitle : str
    units : dict of target to str
    method : list of (term, explanation)
    data : list of dict
        One per domain, for the table of rows.
    notes : list of str
        About the data: what was left out or masked.
    settings : dict of str to str

    Returns
    -------
    str
        HTML without any external resource.
    """
    warning = ""
    if results.attrs.get("interrupted"):
        text = "The study was interrupted. What follows rests on the fits finished until then."
        warning = f'<p class="warn">{text}</p>'
    failed = failures(summary)
    failed_html = ""
    if failed:
        items = "".join(f"<li><b>{_e(name)}</b>: {_e(error)}</li>" for name, error in failed.items())
        failed_html = f'<div class="warn">Not everything could be fitted:<ul>{items}</ul></div>'
    found = "".join(f"<li><b>{_e(target)}</b>: {_e(text)}</li>" for target, text in findings(summary, units))
    terms = "".join(f"<dt>{_e(term)}</dt><dd>{_e(text)}</dd>" for term, text in method)
    return PAGE.substitute(
        title=_e(title),
        subtitle=_e(subtitle),
        warning=warning,
        headline=_e(headline(summary)),
        findings=found,
        png=base64.b64encode(png).decode("ascii"),
        summary=_summary_table(summary, units),
        reading=_e(
            "Mean absolute errors; the lowest of a row is underlined. Gain: by how much the error of "
            "transfer is below that of the same learner on target rows alone, ± its standard deviation over "
            "the tests, or its standard error over test rows where that is larger. The verdict is 'helps' or "
            "'hurts' only if the gain is larger than ± and than 1 %. Gain foreseen: what cross-validation on "
            "the training rows promised before any test row was seen; it speaks of the folds used there, not "
            "of these test rows. Largest share: what transfer, a blend, rests on most."
        ),
        failures=failed_html,
        method=f"<dl>{terms}</dl>",
        data=_plain_table(data),
        data_notes="".join(f'<p class="note">{_e(note)}</p>' for note in notes),
        settings=_plain_table([{"": name, " ": value} for name, value in settings.items()], code=True),
        n_results=len(results),
        results=_results_table(results),
    )


def _e(value):
    return html.escape(str(value))


def _summary_table(summary, units):
    head = ["learner", "target only", "transfer", "gain", "verdict", "everything merged"]
    head += ["best source, directly", "gain foreseen", "largest share"]
    left = {0, 4, 8}
    rows = [_row("th", head, left)]
    for target, group in summary.groupby("target", sort=False):
        unit = f" ({_e(units[target])})" if units.get(target) else ""
        rows.append(f'<tr class="target"><td class="text" colspan="{len(head)}">{_e(target)}{unit}</td></tr>')
        for record in group.itertuples():
            errors = [record.target_only, record.transfer, record.merged, record.source]
            known = [error for error in errors if np.isfinite(error)]
            alone, transfer, merged, source = (
                f'<b class="low">{number(error)}</b>' if known and error == min(known) else number(error)
                for error in errors
            )
            tag = f'<span class="tag {VERDICT_CLASS[record.verdict]}">{record.verdict}</span>'
            source += f" ({_e(record.best_source)})" if record.best_source else ""
            cells = [_e(record.learner), alone, transfer, gain(record.gain_percent, record.spread_percent)]
            cells += [tag, merged, source]
            cells += [percent(record.cv_gain_percent), _e(record.strategy.replace("_", " "))]
            rows.append(_row("td", cells, left))
    return f"<table>{''.join(rows)}</table>"


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
        cells = [number(value) if isinstance(value, float) else _e(value) for value in record]
        rows.append(_row("td", cells, left))
    return f"<table>{''.join(rows)}</table>"
