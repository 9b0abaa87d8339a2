"""The answers of a study in sentences, in the order in which a chemist asks."""

import numpy as np

from .names import counted, listed
from .words import FEWEST_TARGET_ROWS, learner_name, number, setting_name

BETTER = {"merge": "all rows merged", "auto": "transfer"}


def overall(answers, sources):
    """Answer in one sentence whether other domains help.

    Parameters
    ----------
    answers : list of Answer
    sources : list of str

    Returns
    -------
    str
    """
    found = {answer.target: answer.verdict for answer in answers}
    of = {verdict: [t for t, v in found.items() if v == verdict] for verdict in set(found.values())}
    if "too few" in of:
        n = min(answer.n_target for answer in answers)
        rows = f"{counted(n, 'target row')} {'are' if n != 1 else 'is'}"
        return f"{rows} too few to tell whether transfer helps; at least {FEWEST_TARGET_ROWS} are needed."
    if "unknown" in of and len(of) == 1:
        return "There is no comparison: no learner finished both with and without transfer."
    who = f"data from {listed(sources)} help to predict"
    merged = [a.target for a in answers if a.best and a.best.setting == "merge" and a.verdict == "helps"]
    first = ""
    if merged and len(merged) == len(answers):
        first = "Merging wins: train on the rows of all domains together. "
    elif merged:
        first = f"Merging wins for {listed(merged)}: train on the rows of all domains together. "
    if len(of) == 1:
        start = {
            "helps": f"Yes: {who} {listed(found)}.",
            "hurts": f"No: {who.replace('help', 'do not help')} ",
        }
        start["hurts"] += f"{listed(found)}, they make it worse."
        start["even"] = (
            f"No clear gain: for {listed(found)}, no model that uses other domains is clearly better "
        )
        start["even"] += "than the best on the target rows alone."
        return first + start[next(iter(of))]
    parts = [f"they help for {listed(of['helps'])}"] if "helps" in of else []
    parts += [f"there is no clear gain for {listed(of['even'])}"] if "even" in of else []
    parts += [f"they hurt for {listed(of['hurts'])}"] if "hurts" in of else []
    parts += [f"there is no comparison for {listed(of['unknown'])}"] if "unknown" in of else []
    return f"{first}{'In part' if 'helps' in of else 'No'}: {'; '.join(parts)}."


def use(answer):
    """Say what to use."""
    if answer.best is None:
        return "No model finished."
    text = model(answer.best)
    text = text[0].upper() + text[1:]
    why = ""
    if answer.best.setting == "merge":
        why = " Merging wins here: no further transfer is needed."
    elif answer.best.setting == "target_only":
        why = " No transfer is needed."
    elif answer.best.setting.startswith("source_only"):
        why = " The target rows add nothing that the tests could show."
    return f"{text}.{why}"


def model(found):
    """Name a model: learner, and what it is trained on."""
    text = f"{learner_name(found.learner)}, {setting_name(found.setting)}"
    return text + (f", columns {found.inputs}" if found.inputs else "")


def error(answer):
    """Say what error to expect on new rows."""
    if answer.best is None:
        return "Unknown."
    unit = f" {answer.unit}" if answer.unit else ""
    if not np.isfinite(answer.error):
        return f"About {number(answer.best.mae)}{unit} (mean absolute error on {answer.n_test} test row)."
    text = (
        f"A mean absolute error of about {number(answer.error)}{unit} (90 % interval {number(answer.low)} to "
    )
    text += f"{number(answer.high)}{unit}), from {counted(answer.n_test, 'test row')}."
    if len(answer.by_domain) > 1:
        worst = sorted(answer.by_domain.items(), key=lambda item: -item[1])
        text += f" By domain: {', '.join(f'{name} {number(value)}' for name, value in worst[:6])}."
    return text


def gain(answer):
    """Say how much of it transfer brings."""
    alone = answer.families.get("target_only")
    if alone is None:
        return "Unknown: no learner finished on target rows alone."
    unit = f" {answer.unit}" if answer.unit else ""
    text = f"The best on target rows alone ({learner_name(alone.learner)}) has {number(alone.mae)}{unit}."
    for setting, name in BETTER.items():
        found, bounds = answer.families.get(setting), answer.gains.get(setting)
        if found is None or bounds is None:
            continue
        value, low, high = (100 * bound for bound in bounds)
        less = "lower" if value >= 0 else "higher"
        span = f"gain {low:+.0f} to {high:+.0f} %"
        text += f" With {name} ({learner_name(found.learner)}) it is {abs(value):.0f} % {less} ({span})."
    if answer.verdict == "too few":
        text += f" With {counted(answer.n_target, 'target row')}, none of this is certain."
    return text


def close(answer):
    """Say what else came close."""
    if answer.best is None:
        return "Nothing."
    if not answer.close:
        return "Nothing: the tests tell all other models from it."
    unit = f" {answer.unit}" if answer.unit else ""
    return "; ".join(f"{model(found)} ({number(found.mae)}{unit})" for found in answer.close) + "."


def needed(curve, answer):
    """Say how many more target rows would be needed, from a learning curve.

    Parameters
    ----------
    curve : DataFrame
        From ``learning_curve_transfer``.
    answer : Answer

    Returns
    -------
    str
    """
    rows = curve[(curve["target"] == answer.target) & curve["mae"].notna()]
    table = rows.pivot_table(index="n_target", columns="setting", values="mae").sort_index()
    if len(table) < 3 or not {"auto", "target_only"} <= set(table):
        return "The learning curve has too few points to say."
    n = int(table.index[-1])
    texts = []
    alone = slope_of(table["target_only"].dropna())
    ratio = table["target_only"].iloc[-1] / table["auto"].iloc[-1]
    if ratio > 1 and alone is not None:
        rows_alone = n * ratio ** (1 / alone)
        many = f"more than {100 * n}" if rows_alone > 100 * n else f"about {_round(rows_alone)}"
        texts.append(f"Without transfer the same learner would need {many} target rows, in place of {n}")
    slope = slope_of(table["auto"].dropna())
    if slope is None:
        texts.append("With transfer the curve is flat: more target rows hardly lower the error")
    else:
        more = _round(n * 2 ** (1 / slope) - n)
        many = f"more than {100 * n}" if more > 100 * n else f"about {more}"
        texts.append(f"To halve the error with transfer, {many} more target rows are needed")
    return ". ".join(texts) + ", if the curve goes on as it does."


def slope_of(errors):
    """Return b of error ~ n⁻ᵇ, None for a curve that does not fall."""
    if len(errors) < 3 or (errors <= 0).any():
        return None
    b = -np.polyfit(np.log(errors.index.to_numpy(dtype=float)), np.log(errors.to_numpy()), 1)[0]
    return float(b) if b > 0.05 else None


def _round(value):
    digits = max(0, int(np.floor(np.log10(max(value, 1)))) - 1)
    return int(round(value / 10**digits) * 10**digits)


def beware(study):
    """Say what can make the result wrong.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of str
    """
    data, results = study.data, study.results
    found = [line.partition(" ")[2] for line in study.checks if line.startswith("WARNING")]
    if results.attrs.get("interrupted"):
        found.insert(0, "The study was interrupted: what follows rests on the fits finished until then.")
    if data.domain_column is None:  # data that come with the package
        found += data.notes
    n_target = int(data.is_training_target.sum())
    if n_target < FEWEST_TARGET_ROWS:
        found.append(f"{counted(n_target, 'target row')} cannot tell what holds for others.")
    n_test = min(answer.n_test for answer in study.answers)
    if n_test < 30:
        found.append(f"All errors rest on {counted(n_test, 'test row')}.")
    if data.tests and len(data.tests) < 3:
        found.append(
            f"Tests are on {listed(data.tests)} alone: how errors differ between domains is hardly known."
        )
    found += [note for note in study.plan.notes if "to save time" in note or "--budget" in note]
    found.append(
        "The errors hold for rows like the test rows; rows outside what was trained on may be much worse."
    )
    return found
