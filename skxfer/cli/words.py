"""Numbers, gains and verdicts of a study in words, for the terminal and the page."""

import numpy as np


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


# Below so many target rows, no study can tell.
FEWEST_TARGET_ROWS = 10


def headline(summary, n_target=FEWEST_TARGET_ROWS):
    """Answer the question in one sentence.

    Parameters
    ----------
    summary : DataFrame
        From ``portability_summary``.
    n_target : int
        Target rows that models are trained on.

    Returns
    -------
    str
    """
    counts = summary["verdict"].value_counts()
    known = int(counts.drop("no result", errors="ignore").sum())
    if not known:
        if summary.reindex(columns=["auto", "target_only"]).notna().any(axis=None):
            return "There is no comparison: no learner finished both auto and target_only."
        return "There is no result: no learner finished."
    helps, hurts = int(counts.get("helps", 0)), int(counts.get("hurts", 0))
    even = known - helps - hurts
    pairs = f"{known} combinations of learner and target" if known > 1 else "one learner and one target"
    if n_target < FEWEST_TARGET_ROWS:
        rows = f"{n_target} target rows are" if n_target != 1 else "1 target row is"
        return f"{rows} too few to tell: transfer seems to help {helps} of {pairs} and to hurt {hurts}."
    if helps == known:
        return f"Yes: transfer lowers the error for {'all ' if known > 1 else ''}{pairs}."
    if not helps and not hurts:
        return f"No clear gain: for {pairs}, the gain by transfer is smaller than the scatter of the tests."
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
        best = known.loc[known["auto"].idxmin()]
        text += f"Best with transfer: {best['learner']}, {number(best['auto'])}{unit}"
        if best["auto"] == best["target_only"]:
            text += ", the same as on target rows alone. "
        else:
            change = _gain_text(best["gain_percent"], best["spread_percent"])
            text += f"; on target rows alone it has {number(best['target_only'])}{unit} ({change}). "
        columns = {"target_only": "on target rows alone", "merge": "on all rows merged"}
        columns |= {"source_only": "trained on a source and applied as it is"}
        others = known.melt("learner", list(columns), "setting", "mae").dropna()
        if len(others) and others["mae"].min() < best["auto"]:
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
