"""Which pairs of elements two models see differently."""

from itertools import combinations
from numbers import Integral

import numpy as np
import pandas as pd

from ..formulas import ELEMENTS
from ..inputs import check_targets, n_rows, take
from ..learners import predict_learner
from ..model_selection.clustering_vectors import check_method
from ._drawing import OWN_COLOR, caption, grid
from ._queries import names_of_targets, rows_containing, target_index


class ElementPairDisplay:
    """Drawing of the element pairs whose relation differs most between two models.

    In the manner of Fig. 12 of [1]_, where the paper leaves the measure open. Here: in
    a formula of k elements, the feature map of a model is a table of k x d numbers,
    and the relation of two elements is the Pearson correlation of their rows, over the
    d features, as in :func:`skxfer.model_selection.cecv`. The influence of a pair is the
    absolute difference of its correlations in the two models, averaged over the
    formulas that contain both elements. It is between 0 and 2, and the feature maps
    need not have the same size.

    Train LGDCNNRegressor with ``variant="lgdcnn"``. The maximum over neighbours that ends
    its default, ``"v1"``, gives the two elements of a binary formula one feature map: their
    correlation is 1, whatever was learned, and says nothing.

    Two networks of one kind differ, too, if they start from different weights. Look at
    that before reading the picture as chemistry: take as the reference the same network,
    trained with another ``random_state``.

    Use :meth:`from_estimators` to make one.

    Parameters
    ----------
    pairs : DataFrame
        One row per pair, the most influential first: ``pair`` and its elements ``first`` and
        ``second``; ``influence``; ``std``, the standard deviation over the formulas (NaN for
        one); ``n``, their number; ``correlation`` and ``reference_correlation``, the mean in
        each model.
    rows : ndarray of int
        The rows of X that were compared.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes

    See Also
    --------
    PeriodicTableDisplay : Contributions of elements, and how they differ between two models.

    References
    ----------
    .. [1] Du, H.; Hui, J.; Zhang, L.; Wang, H., "Rational Design of Deep Learning Networks Based on Fusion
       Strategy for Improved Materials Property Predictions".

    Examples
    --------
    >>> from skxfer import LGDCNNRegressor
    >>> from skxfer.inspection import ElementPairDisplay
    >>> formulas, gap = ["NaCl", "MgO", "Fe", "Cu3Au", "TiO2", "MgTiO3"], [5.0, 4.5, 0.0, 0.0, 1.8, 3.7]
    >>> size = {"hidden_dim": 16, "n_blocks": 1, "max_epochs": 2, "random_state": 0}
    >>> fused = LGDCNNRegressor(variant="lgdcnn", **size).fit(formulas, gap)
    >>> part = LGDCNNRegressor(variant="lstm", **size).fit(formulas, gap)
    >>> display = ElementPairDisplay.from_estimators(fused, part, formulas)
    >>> display.pairs.set_index("pair")["n"].sort_index().to_dict()
    {'Cu–Au': 1, 'Mg–Ti': 1, 'Na–Cl': 1, 'O–Mg': 2, 'O–Ti': 2}
    """

    def __init__(self, pairs, rows):
        self.pairs = pairs
        self.rows = rows

    @classmethod
    def from_estimators(
        cls,
        estimator,
        reference,
        X,
        y=None,
        *,
        containing=None,
        n_formulas=None,
        target=None,
        max_pairs=15,
        min_count=1,
        ax=None,
    ):
        """Compare the feature maps of two models and draw.

        Parameters
        ----------
        estimator : fitted LGDCNNRegressor
            Such as a whole network.
        reference : fitted LGDCNNRegressor
            Such as a part of it, ``variant="lstm"``; of any size.
        X : sequence of length n_samples
            Formulas. Those of a single element have no pairs.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Needed for `n_formulas`.
        containing : str or list of str, optional
            Symbols: only formulas with all of them are compared.
        n_formulas : int, optional
            Compare only so many formulas: those for which `reference` errs most beyond
            what `estimator` does, ``|y - reference| - |y - estimator|``, as the paper does.
        target : str or int, optional
            By whose errors formulas are chosen, where there are several.
        max_pairs, min_count, ax :
            As in :meth:`plot`.

        Returns
        -------
        ElementPairDisplay

        Raises
        ------
        TypeError
            A model without feature maps.
        ValueError
            No formula with two elements is left, or `n_formulas` without `y`.
        """
        for model in (estimator, reference):
            check_method(model, "element_feature_map")
        rows = rows_containing(X, containing)
        if n_formulas is not None:
            if y is None:
                raise ValueError("n_formulas chooses formulas by their errors: give y.")
            if not isinstance(n_formulas, Integral) or n_formulas < 1:
                raise ValueError(f"n_formulas must be a whole number above 0, got {n_formulas!r}.")
            rows = _worse_in_reference(estimator, reference, X, y, rows, target)[:n_formulas]
        X = take(X, rows)
        found = []
        for here, there in zip(
            estimator.element_feature_map(X), reference.element_feature_map(X), strict=True
        ):
            symbols = sorted(here.index, key=ELEMENTS.index)
            if len(symbols) > 1:
                ours, theirs = (_correlate(table.loc[symbols].to_numpy()) for table in (here, there))
                for i, j in combinations(range(len(symbols)), 2):
                    found.append((symbols[i], symbols[j], ours[i, j], theirs[i, j]))
        if not found:
            raise ValueError(f"None of the {len(rows)} formulas has two elements.")
        pairs = pd.DataFrame(found, columns=["first", "second", "correlation", "reference_correlation"])
        pairs["influence"] = (pairs["correlation"] - pairs["reference_correlation"]).abs()
        pairs = pairs.groupby(["first", "second"], as_index=False, sort=False).agg(
            influence=("influence", "mean"),
            std=("influence", "std"),
            n=("influence", "size"),
            correlation=("correlation", "mean"),
            reference_correlation=("reference_correlation", "mean"),
        )
        pairs.insert(0, "pair", pairs["first"] + "–" + pairs["second"])
        pairs = pairs.sort_values("influence", ascending=False, kind="stable", ignore_index=True)
        return cls(pairs, rows).plot(ax, max_pairs=max_pairs, min_count=min_count)

    def plot(self, ax=None, *, max_pairs=15, min_count=1):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.
        max_pairs : int, default=15
            How many are drawn.
        min_count : int, default=1
            Leave out pairs in fewer formulas.

        Returns
        -------
        self : ElementPairDisplay
        """
        often = self.pairs[self.pairs["n"] >= min_count]
        if often.empty:
            raise ValueError(
                f"No pair is in {min_count} formulas; the most frequent one is in {self.pairs['n'].max()}: "
                "lower min_count."
            )
        shown = often.head(max_pairs)
        self.figure_, axes, own = grid(ax, 1, 1, (5.2, 1.1 + 0.24 * len(shown)))
        self.ax_ = ax = axes[0, 0]
        at = np.arange(len(shown))
        ax.barh(at, shown["influence"], height=0.72, color=OWN_COLOR)
        for row, (length, n) in enumerate(zip(shown["influence"], shown["n"], strict=True)):
            ax.annotate(
                str(n),
                (length, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                color="#555555",
            )
        ax.set_yticks(at, shown["pair"], fontsize="small")
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.set_xlim(0, 1.1 * shown["influence"].max() or 1.0)
        ax.set_xlabel("mean |difference of correlations|")
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)
        if own:
            text = f"{len(self.rows)} formulas; at the bars: in how many a pair is"
            if min_count > 1:
                text += f"; {len(self.pairs) - len(often)} pairs in fewer than {min_count} left out"
            if len(often) > len(shown):
                text += f"; the {len(shown)} largest of {len(often)} pairs"
            caption(self.figure_, text)
        return self


def _correlate(feature_map):
    """Correlate the rows; where one is constant, it has no correlation: 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.corrcoef(feature_map))


def _worse_in_reference(estimator, reference, X, y, rows, target):
    """Sort rows with a label by how much more the reference errs."""
    Y = check_targets(y, n_rows(X))
    column = target_index(target, names_of_targets(estimator, y, Y.shape[1]))
    truth, X = Y[rows, column], take(X, rows)
    ours, theirs = (np.abs(predict_learner(model, X)[:, column] - truth) for model in (estimator, reference))
    order = np.argsort(ours - theirs, kind="stable")
    return rows[order[~np.isnan(truth[order])]]
