"""Whether experts know different things: a map of their outputs."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from ..inputs import take
from ._drawing import category_styles, grid
from ._gates import category_of, check_has

MARKERS = "osD^v<>Ph*Xpd8"
PERPLEXITY = 30.0
INITIAL_SPREAD = 1e-4


class ExpertMapDisplay:
    """Map of the outputs of all experts by t-SNE: experts that know the same lie together [1]_.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    embedding : DataFrame
        One row per point: ``expert``, ``category``, ``row`` (of X), ``x``, ``y``.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (1,)
    ax_ : matplotlib Axes

    See Also
    --------
    GateDisplay : Which experts a target listens to.

    References
    ----------
    .. [1] van der Maaten, Hinton, J. Mach. Learn. Res. 2008, 9, 2579.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import ExpertMapDisplay
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> model = HMNNRegressor(n_experts=3, max_epochs=5, cv=None, random_state=0)
    >>> model = model.fit(data.data, data.target)
    >>> display = ExpertMapDisplay.from_estimator(model, data.data, n_samples=20, random_state=0)
    >>> len(display.embedding)
    60
    """

    def __init__(self, embedding):
        self.embedding = embedding

    @classmethod
    def from_estimator(cls, estimator, X, *, n_samples=500, member=0, random_state=None, ax=None):
        """Map the experts of a fitted estimator.

        Experts that no gate may use are left out.

        Parameters
        ----------
        estimator : fitted HMNNRegressor
        X : array-like of shape (n_samples, n_features)
        n_samples : int, default=500
            Rows that are drawn from X, if it has more.
        member : int, default=0
            Which of the estimator's networks.
        random_state : int, RandomState or None, default=None
            Of the draw and of t-SNE.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        ExpertMapDisplay

        Raises
        ------
        ValueError
            There is no such member, or one point only.
        """
        check_has(estimator, "expert_outputs")
        rng = check_random_state(random_state)
        rows = np.arange(_num_samples(X))
        if len(rows) > n_samples:
            rows = np.sort(rng.choice(rows, n_samples, replace=False))
        X = take(X, rows)
        gates = estimator.gate_weights(X)
        if not 0 <= member < gates.shape[1]:
            raise ValueError(f"member must be from 0 to {gates.shape[1] - 1}, got {member}.")
        used = np.flatnonzero((gates[:, member] > 0).any(axis=(0, 1)))
        outputs = estimator.expert_outputs(X)[:, member, used]  # (n_rows, n_used, expert_dim)
        experts = np.array(estimator.expert_names_, dtype=object)[used]
        points = outputs.transpose(1, 0, 2).reshape(-1, outputs.shape[2])
        place = _embed(points.astype(np.float64), rng)
        names = np.repeat(experts, len(rows))
        embedding = pd.DataFrame(
            {
                "expert": names,
                "category": [category_of(name) for name in names],
                "row": np.tile(rows, len(experts)),
                "x": place[:, 0],
                "y": place[:, 1],
            }
        )
        return cls(embedding).plot(ax)

    def plot(self, ax=None):
        """Draw: colours for categories, markers for the experts of one category.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        self : ExpertMapDisplay
        """
        self.figure_, axes, _ = grid(ax, 1, 1, (6.4, 4.6))
        self.axes_, self.ax_ = axes.ravel(), axes[0, 0]
        styles = category_styles(list(self.embedding["category"].unique()))
        number = dict.fromkeys(styles, 0)
        for expert, part in self.embedding.groupby("expert", sort=False):
            category = part["category"].iloc[0]
            marker = MARKERS[number[category] % len(MARKERS)]
            number[category] += 1
            self.ax_.scatter(
                part["x"],
                part["y"],
                s=16,
                color=styles[category]["color"],
                marker=marker,
                linewidth=0.3,
                edgecolor="white",
                alpha=0.85,
                label=expert,
            )
        self.ax_.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.legend(
            loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small", markerscale=1.5
        )
        return self


def _embed(points, rng):
    """Place points in a plane by t-SNE, also where some or all are equal.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_components)
    rng : RandomState

    Returns
    -------
    ndarray of shape (n_points, 2)
    """
    n = len(points)
    if n < 2:
        raise ValueError("A map needs two points at least: pass more rows.")
    if np.ptp(points, axis=0).max() == 0:
        return np.zeros((n, 2))
    # scikit-learn's own start divides by the deviation of a component, which may be zero, and leaves
    # equal points on top of one another, where their forces are undefined.
    start = np.zeros((n, 2))
    n_components = min(2, *points.shape)
    start[:, :n_components] = PCA(n_components, svd_solver="full").fit_transform(points)
    start *= INITIAL_SPREAD / max(start[:, 0].std(), np.finfo(float).tiny)
    start += 0.01 * INITIAL_SPREAD * rng.normal(size=start.shape)
    perplexity = min(PERPLEXITY, max(1.0, (n - 1) / 3))
    return TSNE(perplexity=perplexity, init=start.astype(np.float32), random_state=rng).fit_transform(points)
