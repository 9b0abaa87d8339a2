"""What all displays share: palette, figures, axes, legend and caption."""

import importlib.util
import textwrap

import numpy as np

from .._optional import install_hint

# Okabe and Ito's palette: told apart with any colour vision, and the markers in print without colour.
SOURCE_STYLES = [
    {"color": color, "marker": marker}
    for color, marker in zip(("#56B4E9", "#CC79A7", "#009E73", "#E69F00", "#999999"), "^v<>P", strict=True)
]
METRICS = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "fit_seconds": "fit time"}
# Beyond this ratio of the largest to the smallest mean a linear axis hides the small ones.
LOG_ABOVE = 8.0
NEW_COLOR, OWN_COLOR = "#D55E00", "#0072B2"


def unit_of(units, target, targets, metric="mae"):
    """Return the unit of one target, or None."""
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
    """Return the words on an axis of errors."""
    return f"{METRICS[metric]} of {target}" + (f" ({unit})" if unit else "")


def panels(ax, n_panels, height):
    """Return figure, flat array of axes, and whether they are ours."""
    columns = 1 if n_panels == 1 else 2
    rows = -(-n_panels // columns)
    if ax is not None:
        return _given(ax, n_panels, "targets")
    figure, axes = _new_figure(rows, columns, (0.6 + 4.2 * columns, 0.9 + height * rows))
    for spare in axes.ravel()[n_panels:]:
        spare.remove()
    return figure, axes.ravel()[:n_panels], True


def grid(ax, n_rows, n_columns, size, **options):
    """Return figure, array of axes of shape (n_rows, n_columns), and whether they are ours.

    `size` is that of a new figure, in inches; `options` are those of ``subplots``.
    """
    if ax is None:
        return *_new_figure(n_rows, n_columns, size, **options), True
    figure, axes, own = _given(ax, n_rows * n_columns, "panels")
    return figure, axes.reshape(n_rows, n_columns), own


def _given(ax, n_panels, what):
    axes = np.atleast_1d(ax).ravel()
    if len(axes) != n_panels:
        raise ValueError(f"{n_panels} {what} need {n_panels} axes, got {len(axes)}.")
    return axes[0].figure, axes, False


def _new_figure(n_rows, n_columns, size, **options):
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(f"Drawing needs matplotlib: {install_hint('plot')}")
    import matplotlib.pyplot as plt

    return plt.subplots(n_rows, n_columns, figsize=size, squeeze=False, layout="constrained", **options)


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
    caption(figure, text)


def caption(figure, text):
    """Put a text below the panels, as wide as the figure."""
    lines = textwrap.fill(text, int(17 * figure.get_figwidth()))
    figure.supxlabel(lines, x=0.01, ha="left", fontsize="x-small", color="#555555")


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


def category_styles(categories):
    """Return color and marker for each category of experts; those of sources are told apart."""
    own = {"new": {"color": NEW_COLOR, "marker": "D"}, "expert": {"color": OWN_COLOR, "marker": "s"}}
    sources = [name for name in categories if name not in own]
    return {
        name: own[name] if name in own else SOURCE_STYLES[sources.index(name) % len(SOURCE_STYLES)]
        for name in categories
    }


def heat_map(ax, table, *, highest=None):
    """Draw shares between 0 and 1 as colours, with their numbers in percent.

    Parameters
    ----------
    ax : matplotlib Axes
    table : DataFrame
        Its index and columns name rows and columns of the map.
    highest : float, optional
        The share of the darkest colour. Default: the largest one.
    """
    values = table.to_numpy(dtype=float)
    highest = highest or np.nanmax(values, initial=0.0) or 1.0
    ax.imshow(values, cmap="Blues", vmin=0.0, vmax=highest, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = f"{100 * value:.0f}" if value > 0 else "–"
        color = "white" if value > 0.6 * highest else "#333333"
        ax.text(column, row, text, ha="center", va="center", fontsize="x-small", color=color)
    long = max(len(str(name)) for name in table.columns) > 4
    ax.set_xticks(range(len(table.columns)), table.columns, rotation=90 if long else 0, fontsize="small")
    ax.set_yticks(range(len(table.index)), table.index, fontsize="small")
    ax.set_xticks(np.arange(len(table.columns) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(table.index) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
