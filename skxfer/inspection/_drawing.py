"""What all displays share: palette, figures, axes, legend and caption."""

import importlib.util
import textwrap

import numpy as np

# Okabe and Ito's palette: told apart with any colour vision, and the markers in print without colour.
SOURCE_STYLES = [
    {"color": color, "marker": marker}
    for color, marker in zip(("#56B4E9", "#CC79A7", "#009E73", "#E69F00", "#999999"), "^v<>P", strict=True)
]
METRICS = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "fit_seconds": "fit time"}
# Beyond this ratio of the largest to the smallest mean a linear axis hides the small ones.
LOG_ABOVE = 8.0

def check_choice(metric, allowed):
    if metric not in allowed:
        raise ValueError(f"metric must be one of {', '.join(allowed)}, got {metric!r}.")


def unit_of(units, target, targets, metric):
    if metric == "r2":
        return None
    if metric == "fit_seconds":
        return "s"
    if units is None or isinstance(units, str):
        return units
    if isinstance(units, dict):
        return units.get(target)
    return dict(zip(targets, units, strict=True)).get(target)


def axis_label(metric, target, unit):
    return f"{METRICS[metric]} of {target}" + (f" ({unit})" if unit else "")


def panels(ax, n_panels, height):
    """Return figure, flat array of axes, and whether they are ours."""
    if ax is not None:
        axes = np.atleast_1d(ax).ravel()
        if len(axes) != n_panels:
            raise ValueError(f"{n_panels} targets need {n_panels} axes, got {len(axes)}.")
        return axes[0].figure, axes, False
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError("Drawing needs matplotlib: pip install 'skxfer[plot]'")
    import matplotlib.pyplot as plt

    columns = 1 if n_panels == 1 else 2
    rows = -(-n_panels // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(0.6 + 4.2 * columns, 0.9 + height * rows), squeeze=False, layout="constrained"
    )
    for spare in axes.ravel()[n_panels:]:
        spare.remove()
    return figure, axes.ravel()[:n_panels], True


def headline(figure, text, handles, labels):
    """Put the legend above the panels and below them what was measured, both as wide as the figure."""
    width = figure.get_figwidth()
    # At these sizes of type, a legend's entry takes 0.07 inch a letter and 0.55 beside them, a line of the
    # caption 17 letters an inch.
    wanted = [0.55 + 0.07 * len(label) for label in labels]
    columns = next(
        (
            n
            for n in range(len(labels), 1, -1)
            if sum(max(part) for part in np.array_split(wanted, n)) < width
        ),
        1,
    )
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, frameon=False, fontsize="small")
    caption = textwrap.fill(text, int(17 * width))
    figure.supxlabel(caption, x=0.01, ha="left", fontsize="x-small", color="#555555")


def value_axis(axis, table, metric):
    """Choose a linear axis from zero or, where means differ by much, a logarithmic one."""
    means = table["mean"].to_numpy()
    positive = means[np.isfinite(means) & (means > 0)]
    if metric == "r2" or not positive.size:
        return
    if positive.max() <= LOG_ABOVE * positive.min() or (table["low"] <= 0).any():
        axis.axes.set(**{f"{axis.axis_name}lim": (0, 1.05 * table["high"].max())})
        return
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
