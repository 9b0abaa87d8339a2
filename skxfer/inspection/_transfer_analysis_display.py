"""Display of a transfer analysis."""

import numpy as np

from ..model_selection import transfer_analysis, transfer_analysis_summary
from ._drawing import OWN_COLOR, SOURCE_STYLES, headline, panels

BASELINE_STYLE = {"color": "#555555", "marker": "o"}
# Full transfer has the colour that "auto" has in the other studies.
ALL_STYLE = {"color": "#D55E00", "marker": "D"}


class TransferAnalysisDisplay:
    """Drawing of a transfer analysis: the gain over ``target_only`` by source and carried part.

    Use :meth:`from_results` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    results : DataFrame
        From :func:`~skxfer.model_selection.transfer_analysis`.

    Attributes
    ----------
    summary_ : DataFrame
        Of :func:`~skxfer.model_selection.transfer_analysis_summary`.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes

    See Also
    --------
    PortabilityDisplay : Several strategies and their competition side by side.

    Examples
    --------
    >>> from sklearn.linear_model import SGDRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import TransferAnalysisDisplay
    >>> data = make_domains(relation="related", n_target=40, n_sources=2, random_state=0)
    >>> rows = {name: data.domain == name for name in [*data.source_domains, "target"]}
    >>> pairs = {name: (data.data[row], data.target[row]) for name, row in rows.items()}
    >>> target = pairs.pop("target")
    >>> display = TransferAnalysisDisplay.from_estimator(SGDRegressor(), pairs, target, n_splits=5)
    >>> display.ax_.get_xlabel()
    'gain over target_only (%)'
    """

    def __init__(self, results):
        self.results = results

    @classmethod
    def from_results(cls, results, *, ax=None, alpha=0.05):
        """Draw the result of :func:`~skxfer.model_selection.transfer_analysis`.

        Parameters
        ----------
        results : DataFrame
        ax, alpha :
            As in :meth:`plot`.

        Returns
        -------
        TransferAnalysisDisplay
        """
        return cls(results).plot(ax, alpha=alpha)

    @classmethod
    def from_estimator(cls, estimator, sources, target, *, ax=None, alpha=0.05, **analysis):
        """Run an analysis and draw it.

        Parameters
        ----------
        estimator, sources, target, **analysis
            As in :func:`~skxfer.model_selection.transfer_analysis`.
        ax, alpha :
            As in :meth:`plot`.

        Returns
        -------
        TransferAnalysisDisplay
        """
        results = transfer_analysis(estimator, sources, target, **analysis)
        return cls.from_results(results, ax=ax, alpha=alpha)

    def plot(self, ax=None, *, alpha=0.05):
        """Draw.

        Sources are in order of their distance from the target domain, the nearest on
        top; baselines are below them. A filled mark is a gain or loss that is significant after
        correction for the number of comparisons.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.
        alpha : float, default=0.05
            Significance level; bars are confidence intervals of ``1 - alpha``.

        Returns
        -------
        self : TransferAnalysisDisplay
        """
        self.summary_ = transfer_analysis_summary(self.results, alpha=alpha)
        table = self.summary_[self.summary_["kind"] != "target_only"]
        transfers, baselines = table[table["kind"] == "transfer"], table[table["kind"] == "baseline"]
        by_distance = transfers.drop_duplicates("source").sort_values("domain_distance", kind="stable")
        order = [*by_distance["source"], *baselines["source"]]
        parts = list(transfers["carry"].unique())
        height = 0.7 + 0.3 * len(order) + 0.16 * len(transfers)
        self.figure_, axes, own = panels(ax, 1, height)
        self.ax_ = ax = axes[0]
        for row in range(0, len(order), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", zorder=0, linewidth=0)
        ax.axvline(0, color="#333333", linewidth=1, zorder=2)
        offsets = np.linspace(-0.3, 0.3, len(parts)) if len(parts) > 1 else [0.0]
        for part, offset in zip(parts, offsets, strict=True):
            label = "transfer" if parts == ["all"] else part
            self._marks(transfers[transfers["carry"] == part], order, offset, label, _style(part, parts))
        self._marks(baselines, order, 0.0, "baseline", BASELINE_STYLE)
        far = dict(zip(by_distance["source"], by_distance["domain_distance"], strict=True))
        known = {name: distance for name, distance in far.items() if np.isfinite(distance)}
        names = [f"{name}\ndistance {known[name]:.2f}" if name in known else name for name in order]
        ax.set_yticks(range(len(order)), names)
        ax.set_ylim(len(order) - 0.5, -0.5)
        ax.set_xlabel("gain over target_only (%)")
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#dddddd", linewidth=0.8, zorder=1)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        handles, labels = ax.get_legend_handles_labels()
        if own:
            handles = [handle[0] if isinstance(handle, tuple) else handle for handle in handles]
            headline(self.figure_, self._in_words(alpha), handles, labels)
        else:
            ax.legend(frameon=False, fontsize="small")
        return self

    def _marks(self, table, order, offset, label, style):
        """Draw some rows of the summary: filled where significant, else hollow."""
        if not len(table):
            return
        where = np.array([order.index(name) for name in table["source"]]) + offset
        clear = table["verdict"].isin(["helps", "hurts", "better", "worse"]).to_numpy()
        gain = table["gain_percent"].to_numpy(dtype=float)
        half_width = np.nan_to_num(table["gain_high"].to_numpy(dtype=float) - gain)
        common = style | {"linestyle": "none", "elinewidth": 1.2, "markersize": 5.5, "zorder": 3}
        # One entry in the legend for both kinds of marks, and filled there.
        self.ax_.errorbar([], [], xerr=[], label=label, **common)
        for chosen, fill in ((clear, style["color"]), (~clear, "white")):
            self.ax_.errorbar(
                gain[chosen], where[chosen], xerr=half_width[chosen], markerfacecolor=fill, **common
            )
        for place in where[np.isnan(gain)]:
            self.ax_.text(
                0.02, place, "failed", transform=self.ax_.get_yaxis_transform(), va="center", color="#777777"
            )

    def _in_words(self, alpha):
        n_splits, n_seeds = self.results["split"].nunique(), self.results["seed"].nunique()
        sizes = self.results[["n_train", "n_test"]].mean().round().astype(int)
        text = (
            f"{n_splits} splits of the target rows, {sizes['n_train']} rows to train and "
            f"{sizes['n_test']} to test"
            + (f"; {n_seeds} seeds" if n_seeds > 1 else "")
            + f". Points: mean paired gain; bars: {100 * (1 - alpha):g} % confidence interval. "
            "Filled: significant after Holm's correction; hollow: not"
        )
        if self.results.attrs.get("interrupted"):
            text += ". Interrupted: part of the analysis is missing"
        return text


def _style(part, parts):
    if part == parts[-1]:
        return ALL_STYLE
    styles = [{"color": OWN_COLOR, "marker": "s"}, *SOURCE_STYLES]
    return styles[parts.index(part) % len(styles)]
