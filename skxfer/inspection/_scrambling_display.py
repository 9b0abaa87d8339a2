"""Display of y-scrambling."""

import numpy as np

from ..model_selection import y_scrambling_summary
from ..model_selection.results import TRUE_LABELS, scrambled_means
from ._drawing import METRICS, NEW_COLOR, axis_label, caption, panels, unit_of

SCRAMBLED_COLOR = "#999999"


class YScramblingDisplay:
    """Drawing of y-scrambling: errors with true and with shuffled labels, one panel per target.

    Use :meth:`from_results` to make one.

    Parameters
    ----------
    results : DataFrame
        From :func:`~skxfer.model_selection.y_scrambling`.
    target_units : str, list of str or dict, optional
        Unit of each target, for the axes; one string serves all.

    Attributes
    ----------
    summary_ : DataFrame
        Of :func:`~skxfer.model_selection.y_scrambling_summary`, by target.
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    ErrorDisplay : Errors against the structure.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import YScramblingDisplay
    >>> from skxfer.model_selection import y_scrambling
    >>> data = make_domains(n_target=40, random_state=0)
    >>> results = y_scrambling("ridge", data.data, data.target, n_permutations=5, random_state=0)
    >>> display = YScramblingDisplay.from_results(results, target_units="eV")
    >>> display.ax_.get_xlabel()
    'MAE of y (eV)'
    """

    def __init__(self, results, *, target_units=None):
        self.results = results
        self.target_units = target_units

    @classmethod
    def from_results(cls, results, *, target_units=None, ax=None, metric="mae", targets=None):
        """Draw the result of :func:`~skxfer.model_selection.y_scrambling`.

        Parameters
        ----------
        results : DataFrame
        target_units : str, list of str or dict, optional
        ax, metric, targets :
            As in :meth:`plot`.

        Returns
        -------
        YScramblingDisplay
        """
        return cls(results, target_units=target_units).plot(ax, metric=metric, targets=targets)

    def plot(self, ax=None, *, metric="mae", targets=None):
        """Draw a point for each permutation: its mean over the folds.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per target, optional
            Default: a new figure.
        metric : {"mae", "rmse", "r2", "score"}, default="mae"
        targets : list of str, optional
            Default: all.

        Returns
        -------
        self : YScramblingDisplay
        """
        means = scrambled_means(self.results, metric)
        targets = list(means) if targets is None else list(targets)
        self.summary_ = y_scrambling_summary(self.results, metric=metric).set_index("target")
        self.figure_, self.axes_, own = panels(ax, len(targets), 1.5)
        self.ax_ = self.axes_[0]
        for ax, target in zip(self.axes_, targets, strict=True):
            self._panel(ax, means[target], self.summary_.loc[target], metric)
            unit = unit_of(self.target_units, target, targets, "r2" if metric == "score" else metric)
            ax.set_xlabel(axis_label(metric, target, unit) if metric in METRICS else f"{metric} of {target}")
            if own and ax.get_subplotspec().colspan.start:
                ax.set_yticklabels([])
        if own:
            text = f"Points: mean over {self.results['fold'].nunique()} folds, each tested on its true labels"
            if self.results.attrs.get("interrupted"):
                text += ". Interrupted: part of the study is missing"
            caption(self.figure_, text)
        return self

    def _panel(self, ax, means, summary, metric):
        scrambled = means.drop(TRUE_LABELS, errors="ignore").to_numpy()
        # Spread in height by the golden ratio: neighbours differ, and the picture is always the same.
        height = 1 + 0.6 * ((np.arange(len(scrambled)) * 0.618034) % 1 - 0.5)
        ax.plot(
            scrambled,
            height,
            linestyle="none",
            marker="o",
            markersize=4.5,
            alpha=0.7,
            color=SCRAMBLED_COLOR,
            label="shuffled labels",
        )
        ax.plot(
            [summary["true"]],
            [0],
            linestyle="none",
            marker="D",
            color=NEW_COLOR,
            label="true labels",
            zorder=3,
        )
        ax.axvline(summary["true"], color=NEW_COLOR, linewidth=1, zorder=1)
        ax.set_yticks([0, 1], ["true", "shuffled"])
        ax.set_ylim(1.6, -0.6)
        if metric in ("mae", "rmse"):
            ax.set_xlim(0, 1.06 * np.nanmax(means, initial=0.0) or 1.0)
        ax.set_title(f"p = {summary['p_value']:.2g}, z = {summary['z']:.1f}", fontsize="small", loc="right")
        ax.grid(axis="x", color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
