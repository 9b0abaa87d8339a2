"""Which experts each target listens to: the weights of the gates."""

import re

import numpy as np
import pandas as pd

from ..inputs import check_choice, name_targets
from ._drawing import category_styles, grid, heat_map

KINDS = ("expert", "category")


def gate_importance(estimator, X, *, target_names=None):
    """Average the weights that the gates give to each expert.

    Parameters
    ----------
    estimator : fitted HMNNRegressor
        The weights are those of its ``network_``.
    X : array-like of shape (n_samples, n_features)
        The rows to average over, in the units the estimator was fitted on.
    target_names : list of str, optional
        Default: ``y0``, ``y1``, ...

    Returns
    -------
    DataFrame
        One row per target, expert and member:

        ``target``, ``expert``, ``member``
            Members are numbered from 0.
        ``category``
            Where the expert comes from: its name without the number, which is a
            source, ``"new"``, or ``"expert"`` in a network without sources.
        ``weight``
            Mean over the rows of X. The weights of all experts sum to one.

    Raises
    ------
    TypeError
        The estimator has no gates.

    See Also
    --------
    GateDisplay : Draws it.
    gradient_importance : What the experts look at.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import gate_importance
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> model = HMNNRegressor(n_experts=3, max_epochs=5, cv=None, random_state=0)
    >>> weights = gate_importance(model.fit(data.data, data.target), data.data)
    >>> list(weights["expert"].unique())
    ['expert 1', 'expert 2', 'expert 3']
    >>> round(float(weights.query("member == 0")["weight"].sum()), 6)
    1.0
    """
    check_has(estimator, "gate_weights")
    weights = estimator.gate_weights(X).mean(axis=0, dtype=np.float64)  # (n_members, n_targets, n_experts)
    experts = list(estimator.expert_names_)
    levels = [
        range(len(weights)),
        name_targets(None, weights.shape[1], target_names or estimator.target_names_),
        experts,
    ]
    index = pd.MultiIndex.from_product(levels, names=["member", "target", "expert"])
    table = pd.DataFrame({"weight": weights.ravel()}, index=index).reset_index()
    table["category"] = table["expert"].map(category_of)
    return table[["target", "expert", "category", "member", "weight"]]


def category_of(expert):
    """Return the name of an expert without its number."""
    return re.sub(r" \d+$", "", expert)


def check_has(estimator, method):
    """Raise an error for an estimator that is no HMNN."""
    if not hasattr(type(estimator), method):
        raise TypeError(
            f"{type(estimator).__name__} has no {method}: pass a fitted skxfer.HMNNRegressor, of a pipeline "
            "its last step, with inputs as that step sees them."
        )


class GateDisplay:
    """Drawing of the gates: the share of each expert in each target.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    importance : DataFrame
        From :func:`gate_importance`.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (1,)
    ax_ : matplotlib Axes

    See Also
    --------
    SaliencyDisplay : What the experts look at.
    ExpertMapDisplay : How far the experts' outputs differ.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import GateDisplay
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> model = HMNNRegressor(n_experts=3, max_epochs=5, cv=None, random_state=0)
    >>> display = GateDisplay.from_estimator(model.fit(data.data, data.target), data.data)
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['y']
    """

    def __init__(self, importance):
        self.importance = importance

    @classmethod
    def from_estimator(cls, estimator, X, *, target_names=None, kind="expert", ax=None):
        """Average the gates of a fitted estimator and draw them.

        Parameters
        ----------
        estimator, X, target_names
            As in :func:`gate_importance`.
        kind, ax :
            As in :meth:`plot`.

        Returns
        -------
        GateDisplay
        """
        check_choice(kind, KINDS, "kind")
        return cls(gate_importance(estimator, X, target_names=target_names)).plot(ax, kind=kind)

    def plot(self, ax=None, *, kind="expert"):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.
        kind : {"expert", "category"}, default="expert"
            ``"expert"``: a map of targets and experts, means over the members.
            ``"category"``: for each target a bar, divided by where the experts
            come from; ± is the standard deviation over the members.

        Returns
        -------
        self : GateDisplay
        """
        check_choice(kind, KINDS, "kind")
        targets = list(self.importance["target"].unique())
        experts = self.importance["expert"].nunique()
        width = 1.8 + 0.5 * experts if kind == "expert" else 5.6
        height = (1.5 if kind == "expert" else 1.2) + 0.42 * len(targets)
        self.figure_, axes, _ = grid(ax, 1, 1, (max(width, 4.0), height))
        self.axes_, self.ax_ = axes.ravel(), axes[0, 0]
        if kind == "expert":
            self._map(targets)
        else:
            self._bars(targets)
        return self

    def _map(self, targets):
        table = self.importance.pivot_table(
            index="target", columns="expert", values="weight", aggfunc="mean", sort=False
        )
        heat_map(self.ax_, table.loc[targets])
        categories = self.importance.drop_duplicates("expert")["category"].to_numpy()
        for edge in np.flatnonzero(categories[1:] != categories[:-1]):
            self.ax_.axvline(edge + 0.5, color="#333333", linewidth=1.2)
        self.ax_.set_title("gate weight (%)", fontsize="medium", loc="left")

    def _bars(self, targets):
        members = self.importance.groupby(["target", "category", "member"], sort=False)["weight"].sum()
        means = members.groupby(["target", "category"], sort=False).mean().unstack("category")
        spreads = members.groupby(["target", "category"], sort=False).std().unstack("category")
        categories = list(self.importance["category"].unique())
        ax, left = self.ax_, np.zeros(len(targets))
        for name, style in category_styles(categories).items():
            share = 100 * means.loc[targets, name].to_numpy()
            spread = 100 * spreads.loc[targets, name].to_numpy()
            ax.barh(
                range(len(targets)),
                share,
                0.7,
                left=left,
                label=name,
                color=style["color"],
                edgecolor="white",
            )
            for row, (start, size, deviation) in enumerate(zip(left, share, spread, strict=True)):
                text = f"{size:.0f}" if np.isnan(deviation) else f"{size:.0f} ± {deviation:.0f}"
                if size > 2.2 * len(text):
                    ax.text(start + size / 2, row, text, ha="center", va="center", fontsize="small")
            left += share
        ax.set_yticks(range(len(targets)), targets)
        ax.set_ylim(len(targets) - 0.5, -0.5)
        ax.set_xlim(0, 100)
        ax.set_xlabel("gate weight (%)")
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=len(categories),
            frameon=False,
            fontsize="small",
            borderaxespad=0.2,
        )
