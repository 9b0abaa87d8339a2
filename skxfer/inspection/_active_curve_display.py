"""Display of active curves: what choosing rows found, against choosing at random."""

import numpy as np

from ..inputs import check_choice
from ..model_selection import active_curve, active_curve_summary
from ._drawing import SOURCE_STYLES, headline, panels

MEASURES = {
    "found": "found of the best {top:g} %",
    "rank": "share of better rows",
    "best": "best {target} found",
    "gap": "distance to the best {target}",
    "mae": "MAE of {target}",
}
# Of the palette of Okabe and Ito; with the markers and dashes told apart in print without colour.
ARM_STYLE = {
    "active": {"color": "#D55E00", "marker": "D"},
    "target_only": {"color": "#000000", "marker": "o"},
    "random": {"color": "#777777", "marker": "D", "markerfacecolor": "white", "linestyle": "--"},
    "random, target_only": {"color": "#777777", "marker": "o", "markerfacecolor": "white", "linestyle": ":"},
}
ARM_LABEL = {
    "active": "chosen, with transfer",
    "target_only": "chosen, target_only",
    "random": "random, with transfer",
}


class ActiveCurveDisplay:
    """Drawing of an active curve: what the labels so far have found, for the loop and its baselines.

    Use :meth:`from_results` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    results : DataFrame
        From :func:`~skxfer.model_selection.active_curve`.
    target_units : str, optional
        Unit of y.

    Attributes
    ----------
    summary_ : DataFrame
        Of :func:`~skxfer.model_selection.active_curve_summary`.
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes

    See Also
    --------
    LearningCurveDisplay : Error against the number of target rows that were drawn at random.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skxfer import HierarchicalTransfer
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import ActiveCurveDisplay
    >>> data = make_domains(relation="related", n_source=80, n_target=60, random_state=0)
    >>> rows = data.domain != "test"
    >>> model = HierarchicalTransfer(
    ...     Ridge(), source_domains=data.source_domains, strategy="merge", guard=False
    ... )
    >>> display = ActiveCurveDisplay.from_estimator(
    ...     model, data.data[rows], data.target[rows], data.domain[rows], n_start=5, n_rounds=3, seeds=3
    ... )
    >>> display.ax_.get_ylabel()
    'found of the best 5 %'
    """

    def __init__(self, results, *, target_units=None):
        self.results = results
        self.target_units = target_units

    @classmethod
    def from_results(cls, results, *, target_units=None, ax=None, metric=None):
        """Draw the result of :func:`~skxfer.model_selection.active_curve`.

        Parameters
        ----------
        results : DataFrame
        target_units : str, optional
            Unit of y.
        ax, metric :
            As in :meth:`plot`.

        Returns
        -------
        ActiveCurveDisplay
        """
        return cls(results, target_units=target_units).plot(ax, metric=metric)

    @classmethod
    def from_estimator(
        cls, estimator, X, y, sample_domain=None, *, target_units=None, ax=None, metric=None, **curve
    ):
        """Compute an active curve and draw it.

        Parameters
        ----------
        estimator, X, y, sample_domain, **curve
            As in :func:`~skxfer.model_selection.active_curve`.
        target_units : str, optional
            Unit of y.
        ax, metric :
            As in :meth:`plot`.

        Returns
        -------
        ActiveCurveDisplay
        """
        results = active_curve(estimator, X, y, sample_domain, **curve)
        return cls.from_results(results, target_units=target_units, ax=ax, metric=metric)

    def plot(self, ax=None, *, metric=None):
        """Draw.

        Lines are means over the seeds, bands their standard error.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.
        metric : {"found", "rank", "best", "gap", "mae"}, optional
            A column of the results. Default: ``"found"``, and ``"mae"`` if the goal was to explore.

        Returns
        -------
        self : ActiveCurveDisplay
        """
        results = self.results[self.results["error"] == ""]
        if metric is None:
            metric = "found" if results["found"].notna().any() else "mae"
        check_choice(metric, MEASURES)
        if not results[metric].notna().any():
            raise ValueError(f"The results hold no {metric!r}: draw another metric, such as 'mae'.")
        self.summary_ = active_curve_summary(self.results)
        arms, labels = list(results["arm"].unique()), ARM_LABEL
        if metric != "mae" and "random" in arms:  # both draw the same rows
            arms, labels = (
                [arm for arm in arms if arm != "random, target_only"],
                labels | {"random": "random"},
            )
        self.figure_, axes, own = panels(ax, 1, 3.0)
        self.ax_ = ax = axes[0]
        n_seeds = results["seed"].nunique()
        for i, arm in enumerate(arms):
            by_labels = results[results["arm"] == arm].groupby("n_labelled")[metric]
            mean, error = by_labels.mean(), by_labels.sem()
            style = ARM_STYLE.get(arm, SOURCE_STYLES[i % len(SOURCE_STYLES)])
            style = {"zorder": 3, "markersize": 4.5, "linewidth": 1.6} | style
            ax.plot(mean.index, mean, label=labels.get(arm, arm), **style)
            band = {"color": style["color"], "alpha": 0.13, "linewidth": 0, "zorder": 2}
            ax.fill_between(mean.index, mean - error, mean + error, **band)
        self._axes(metric)
        handles, labels = ax.get_legend_handles_labels()
        if own:
            headline(self.figure_, self._in_words(n_seeds), handles, labels)
        else:
            ax.legend(frameon=False, fontsize="small")
        return self

    def _axes(self, metric):
        attrs, ax = self.results.attrs, self.ax_
        label = MEASURES[metric].format(top=100 * attrs.get("top", 0.05), target=attrs.get("target", "y"))
        if self.target_units and metric in ("best", "gap", "mae"):
            label += f" ({self.target_units})"
        ax.set_ylabel(label)
        ax.set_xlabel("labelled target rows")
        ax.xaxis.get_major_locator().set_params(integer=True)
        if metric in ("found", "rank"):
            ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        if metric != "best":
            ax.set_ylim(bottom=0)
        ax.grid(color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)

    def _in_words(self, n_seeds):
        attrs = self.results.attrs
        goal = attrs.get("goal", "?")
        goal = goal if isinstance(goal, str) else f"nearest to {goal:g}"
        text = f"goal: {goal}; {attrs.get('n_per_round', '?')} rows a round"
        if "n_pool" in attrs:
            text += f" out of {attrs['n_pool']} target rows"
        text += ". Lines: mean" + (f" over {n_seeds} seeds" if n_seeds > 1 else "")
        if n_seeds > 1:
            text += "; bands: its standard error"
        wins = self.summary_.set_index("arm")["wins"].get("active", np.nan)
        if np.isfinite(wins):
            text += f". Better than random choice in {100 * wins:.0f} % of the seeds"
        if attrs.get("interrupted"):
            text += ". Interrupted: part of the study is missing"
        return text
