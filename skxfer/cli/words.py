"""Numbers, names of models, gains and verdicts of a study in words, for the terminal and the page."""

import numpy as np

LEARNER_NAMES = {
    "rf": "random forest",
    "et": "extremely randomised trees",
    "svr": "support vector regression",
    "xgb": "gradient boosting (XGBoost)",
    "knn": "nearest neighbours",
    "mlp": "neural network (multilayer perceptron)",
    "ridge": "ridge regression",
    "krr": "kernel ridge regression",
    "gp": "Gaussian process",
    "lgdcnn": "network over the elements of a formula (LGDCNN)",
    "schnet": "network over the atoms of a structure (SchNet)",
}
SETTING_NAMES = {
    "target_only": "target rows alone",
    "merge": "all rows merged",
    "auto": "transfer, all strategies competing",
}
STRATEGY_NAMES = {
    "target_only": "target rows alone",
    "source_only": "the source model as it is",
    "merge": "all rows merged",
    "merge_relevant": "merged with relevant source rows",
    "merge_weighted": "merged with weighted source rows",
    "merge_indicator": "merged, with a column for the domain",
    "aligned": "merged after aligning the inputs",
    "boosted": "boosted on all rows",
    "low_fidelity": "starting from the cheap values",
    "frozen_experts": "frozen source models, corrected",
    "frozen_features": "features of a source model, new head",
    "fine_tuned": "source model trained further",
}


def learner_name(learner):
    """Spell a learner's short name out."""
    return LEARNER_NAMES.get(learner, learner)


def setting_name(setting):
    """Say what a model of a setting is trained on."""
    name, _, source = setting.partition(": ")
    if name == "source_only":
        return f"trained on {source} alone, as it is"
    return SETTING_NAMES[name] + (f", from {source} alone" if source else "")


def strategy_names(strategies):
    """Spell the strategies out that stand in a cell, separated by commas."""
    return ", ".join(STRATEGY_NAMES.get(name, name) for name in strategies.split(", ") if name)


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


def failures(summary):
    """Learners with an error, and the first error of each."""
    failed = summary[summary["error"] != ""].drop_duplicates("learner")
    return dict(zip(failed["learner"], failed["error"], strict=True))
