"""Which source is a good one for the target?"""

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ._drawing import OWN_COLOR, grid, unit_of

UNUSED_COLOR, MEAN_COLOR = "#999999", "#D55E00"
MAX_SHOWN = 25


class SourceRankingDisplay:
    """Errors of all sources on the target rows, the best source on top.

    A dot is the error of a source as it is. A bar is its error after rescaling: each row is predicted by the
    straight line that fits the source's predictions to the labels of the other rows. A source right of the
    dashed line is worse than the mean of the labels. Use
    :meth:`from_estimator` to make one.

    Parameters
    ----------
    ranking : DataFrame
        ``source_ranking_`` of an estimator.
    target_units : str, list or dict, optional
        Unit of each target.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets,)
    ax_ : matplotlib Axes
        The first of them.

    See Also
    --------
    skxfer.HierarchicalTransfer : Ranks sources on the target rows.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skxfer import HierarchicalTransfer
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import SourceRankingDisplay
    >>> data = make_domains(relation="related", n_sources=3, n_target=20, random_state=0)
    >>> train = data.domain != "test"
    >>> model = HierarchicalTransfer(Ridge(), source_domains=data.source_domains, random_state=0)
    >>> model = model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    >>> display = SourceRankingDisplay.from_estimator(model)
    >>> display.ranking["source"].nunique()
    3
    """

    def __init__(self, ranking, *, target_units=None):
        self.ranking = ranking
        self.target_units = target_units

    @classmethod
    def from_estimator(cls, estimator, *, target_units=None, ax=None):
        """Draw the ranking of a fitted estimator.

        Parameters
        ----------
        estimator : fitted HierarchicalTransfer or TransferCV
        target_units : str, list or dict, optional
            Unit of each target.
        ax : matplotlib Axes or sequence of them, optional
            One for each target. Default: a new figure.

        Returns
        -------
        SourceRankingDisplay

        Raises
        ------
        ValueError
            The estimator ranked no sources.
        """
        check_is_fitted(estimator)
        found = getattr(estimator, "source_ranking_", None)
        if found is None:
            raise ValueError(
                f"This {type(estimator).__name__} ranked no sources: none of its strategies needed what they "
                "predict, or no target row has a label."
            )
        return cls(pd.DataFrame(found), target_units=target_units).plot(ax)

    def plot(self, ax=None):
        """Draw a panel for each target.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, optional
            Default: a new figure.

        Returns
        -------
        self : SourceRankingDisplay
        """
        targets = list(self.ranking["target"].unique())
        n_shown = min(MAX_SHOWN, self.ranking["source"].nunique())
        size = (1.6 + 3.2 * len(targets), 1.1 + 0.22 * n_shown)
        self.figure_, axes, _ = grid(ax, 1, len(targets), size, sharey=True)
        self.axes_, self.ax_ = axes.ravel(), axes.ravel()[0]
        for axis, target in zip(self.axes_, targets, strict=True):
            rows = self.ranking[self.ranking["target"] == target].head(MAX_SHOWN)
            unit = unit_of(self.target_units, target, targets)
            what = "mean absolute error" if targets == [0] else f"error of {target}"
            self._draw(axis, rows, what + (f" ({unit})" if unit else ""))
        self.ax_.invert_yaxis()
        handles, labels = self.ax_.get_legend_handles_labels()
        self.figure_.legend(
            handles, labels, loc="outside upper left", ncols=2, frameon=False, fontsize="small"
        )
        return self

    def _draw(self, axis, rows, label):
        places = range(len(rows))
        colors = [OWN_COLOR if used else UNUSED_COLOR for used in rows["used"]]
        axis.barh(places, rows["mae_rescaled"], height=0.6, color=colors, label="rescaled")
        axis.plot(rows["mae"], places, "o", color="black", markersize=4, label="as it is")
        axis.axvline(
            rows["mae_of_mean"].iloc[0], color=MEAN_COLOR, linestyle="--", label="mean of the labels"
        )
        axis.set_yticks(places, rows["source"], fontsize="small")
        # A source far off as it is would squeeze all others into a corner.
        widest = min(1.05 * rows["mae"].max(), 2 * rows["mae_of_mean"].iloc[0])
        if widest > 0:
            axis.set_xlim(0, widest)
        axis.set_xlabel(label, fontsize="small")
        axis.spines[["top", "right"]].set_visible(False)
