"""The figures of the page: one panel each, so that they can be read on a phone."""

import io

import numpy as np

from .words import learner_name

# Bars of more points than this hide one another.
MANY_BARS = 300


def errors_figure(results, target, units):
    """Draw the error of each learner and setting for one target; return a PNG."""
    from ..inspection import PortabilityDisplay

    display = PortabilityDisplay.from_results(_drawn(results), target_units=units, targets=[target])
    return _png(display.figure_)


def parity_figure(predictions, answer):
    """Draw predictions of the recommended model against labels of the test rows; return a PNG.

    Parameters
    ----------
    predictions : DataFrame
        From ``portability_study`` with ``return_predictions``.
    answer : Answer

    Returns
    -------
    bytes
    """
    plt = _pyplot()
    from ..inspection import ParityDisplay

    rows = _of_best(predictions, answer)
    std = rows["std"].to_numpy()
    if not _has_std(rows):
        std = np.full(len(rows), np.sqrt(((rows["prediction"] - rows["y"]) ** 2).mean()))
    figure, ax = plt.subplots(figsize=(4.8, 4.6), layout="constrained")
    ParityDisplay.from_predictions(
        rows["y"].to_numpy(),
        rows["prediction"].to_numpy(),
        y_std=std,
        target_names=[answer.target],
        target_units=answer.unit or None,
        uncertainty="bars" if len(rows) <= MANY_BARS or not _has_std(rows) else "color",
        marginals=False,
        ax=ax,
    )
    return _png(figure)


def bars_in_words(study, answer):
    """Say what the error bars of the parity plot are."""
    rows = _of_best(study.predictions, answer)
    if not _has_std(rows):
        return "the root mean squared error of these rows, as this model has no error bars of its own"
    mark = "standard deviation that the model itself states"
    return f"one {mark}" if len(rows) <= MANY_BARS else f"none; the colour is the {mark}"


def _of_best(predictions, answer):
    rows = predictions[predictions["target"] == answer.target]
    rows = rows[(rows["learner"] == answer.best.learner) & (rows["setting"] == answer.best.setting)]
    return rows.groupby("row")[["y", "prediction", "std"]].mean()


def _has_std(rows):
    return bool(rows["std"].notna().all())


def curve_figure(curve, answer):
    """Draw the learning curve of one target; return a PNG."""
    from ..inspection import LearningCurveDisplay

    display = LearningCurveDisplay.from_results(
        curve, target_units={answer.target: answer.unit}, targets=[answer.target]
    )
    return _png(display.figure_)


def overview_figure(results, units):
    """Draw all targets side by side, for slides; return a PNG."""
    _pyplot()
    from ..inspection import PortabilityDisplay

    return _png(PortabilityDisplay.from_results(_drawn(results), target_units=units).figure_)


def _drawn(results):
    """Return what the figure of errors shows, with learners spelled out."""
    rows = results[~results["setting"].str.startswith("auto: ")]
    rows = rows.assign(learner=rows["learner"].map(lambda name: learner_name(name).partition(" (")[0]))
    rows.attrs = results.attrs
    return rows


def _pyplot():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    _pyplot().close(figure)
    return buffer.getvalue()
