"""Numbers for each element on a periodic table: contributions to a property, errors, counts."""

import numpy as np
import pandas as pd

from ..formulas import ELEMENTS, parse_formulas
from ..inputs import check_targets, n_rows, name_targets
from ._drawing import grid
from ._queries import check_symbols, contributions_of, target_index

# Atomic number of the last element of each period.
_PERIOD_ENDS = (2, 10, 18, 36, 54, 86, 118)
ABSENT_COLOR = "#f0f0f0"


def table_position(number):
    """Return row and column of an element on the table, from 0; the f block stands half a row apart.

    Parameters
    ----------
    number : int
        Atomic number.

    Returns
    -------
    row : float
    column : int
    """
    period = int(np.searchsorted(_PERIOD_ENDS, number))
    first = _PERIOD_ENDS[period - 1] + 1 if period else 1
    step, left = number - first, _PERIOD_ENDS[period] - number
    if step < 2 and number != 2:
        return float(period), step
    if number > 56 and 14 < left < 30:  # lanthanides and actinides
        return period + 2.5, step
    return float(period), 17 - left


class PeriodicTableDisplay:
    """Drawing of a periodic table, coloured by a number for each element.

    Use :meth:`from_estimator`, :meth:`from_predictions` or :meth:`from_values` to
    make one.

    For contributions train LGDCNNRegressor with ``variant="lgdcnn"``. The maximum over
    neighbours that ends its default, ``"v1"``, gives the two elements of a binary
    formula one feature map, so both contribute the same, whatever they are.

    Parameters
    ----------
    values : DataFrame
        One row per element: ``element``, its symbol; ``value``; ``n``, the number of
        formulas behind it (NaN: not known).
    label : str, optional
        What the values are.
    unit : str, optional

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes
    colorbar_ : matplotlib Colorbar

    See Also
    --------
    ElementPairDisplay : Pairs of elements.

    Examples
    --------
    >>> from skxfer.inspection import PeriodicTableDisplay
    >>> display = PeriodicTableDisplay.from_values({"Fe": 2.0, "O": -1.0}, label="oxidation state")
    >>> display.values["element"].tolist()
    ['O', 'Fe']
    """

    def __init__(self, values, *, label=None, unit=None):
        self.values = values
        self.label = label
        self.unit = unit

    @classmethod
    def from_values(cls, values, *, counts=None, label=None, unit=None, ax=None, **options):
        """Draw any numbers.

        Parameters
        ----------
        values : Series indexed by symbol, or dict
            Elements that are absent or NaN are grey.
        counts : Series indexed by symbol, or dict, optional
            How many formulas are behind each value.
        label, unit : str, optional
        ax, **options
            As in :meth:`plot`.

        Returns
        -------
        PeriodicTableDisplay

        Raises
        ------
        ValueError
            A symbol that is no element or occurs twice, an infinite value, no value at all.
        """
        values = pd.Series(values, dtype=np.float64)
        check_symbols(values.index, "values")
        if not values.index.is_unique:
            raise ValueError(f"values has {values.index[values.index.duplicated()][0]!r} more than once.")
        if np.isinf(values).any():
            raise ValueError(f"The value of {values.index[np.isinf(values)][0]} is infinite.")
        values = values.dropna().sort_index(key=lambda symbols: symbols.map(ELEMENTS.index))
        if values.empty:
            raise ValueError("values has no number for any element.")
        counts = pd.Series({} if counts is None else counts, dtype=np.float64).reindex(values.index)
        table = {"element": values.index, "value": values.to_numpy(), "n": counts.to_numpy()}
        return cls(pd.DataFrame(table), label=label, unit=unit).plot(ax, **options)

    @classmethod
    def from_estimator(
        cls, estimator, X, *, reference=None, target=None, label=None, unit=None, ax=None, **options
    ):
        """Draw the mean contribution of each element to the predictions of a model, or how two models differ.

        Parameters
        ----------
        estimator : fitted LGDCNNRegressor
        X : sequence of length n_samples
            Formulas. An element's contribution is averaged over those that contain it.
        reference : fitted LGDCNNRegressor, optional
            The mean contributions in this model are subtracted: with a part of
            a network (``variant="lstm"``, say) as the reference, what the other parts
            change.
        target : str or int, optional
            Needed where there are several.
        label, unit : str, optional
        ax, **options
            As in :meth:`plot`.

        Returns
        -------
        PeriodicTableDisplay

        Raises
        ------
        TypeError
            A model without contributions of elements.
        """
        table = contributions_of(estimator, X, target)
        counts, means = table.notna().sum(), table.mean()
        if reference is not None:
            means = means - contributions_of(reference, X, target).mean()
        if label is None:
            label = "mean contribution" if reference is None else "difference of the mean contributions"
            label += "" if target is None else f" to {target}"
        return cls.from_values(means, counts=counts, label=label, unit=unit, ax=ax, **options)

    @classmethod
    def from_predictions(cls, X, y_true, y_pred, *, target=None, label=None, unit=None, ax=None, **options):
        """Draw the mean absolute error over the formulas that contain each element, for any model.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas.
        y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        y_pred : array-like of the same shape
        target : str or int, optional
            Needed where there are several.
        label, unit : str, optional
        ax, **options
            As in :meth:`plot`.

        Returns
        -------
        PeriodicTableDisplay
        """
        Y, P = check_targets(y_true, n_rows(X)), np.asarray(y_pred, dtype=np.float64)
        P = P[:, None] if P.ndim == 1 else P
        if P.shape != Y.shape:
            raise ValueError(f"y_true has the shape {Y.shape} and y_pred {P.shape}.")
        names = name_targets(y_true, Y.shape[1], None)
        error = np.abs(P - Y)[:, target_index(target, names)]
        present = (parse_formulas(X).toarray() > 0) & ~np.isnan(error)[:, None]
        counts = pd.Series(present.sum(axis=0), index=ELEMENTS)
        sums = pd.Series(np.nan_to_num(error) @ present, index=ELEMENTS)
        if label is None:
            label = "MAE of the formulas with it" + ("" if target is None else f", {target}")
        means = (sums / counts.where(counts > 0)).dropna()
        return cls.from_values(means, counts=counts, label=label, unit=unit, ax=ax, **options)

    def plot(self, ax=None, *, min_count=1, cmap=None, limits=None, log=False, annotate=True):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure, 10 x 5.5 inches.
        min_count : int, default=1
            Elements with fewer formulas are grey.
        cmap : str, optional
            Default: blue for negative and red for positive values where both occur,
            else from yellow to blue.
        limits : (float, float), optional
            Values of the first and last colour, to compare tables. Default: those of
            the values, with zero in the middle where both signs occur.
        log : bool, default=False
            Colours by the logarithm, as for counts.
        annotate : bool, default=True
            Write the values below the symbols.

        Returns
        -------
        self : PeriodicTableDisplay
        """
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import LogNorm, Normalize
        from matplotlib.patches import Rectangle

        shown = self.values[~(self.values["n"] < min_count)].set_index("element")["value"]
        if shown.empty:
            raise ValueError(f"No element has {min_count} formulas: lower min_count.")
        if log and (shown <= 0).any():
            raise ValueError(f"log needs positive values, but that of {shown.idxmin()} is {shown.min():g}.")
        low, high = limits or (shown.min(), shown.max())
        if limits is None and low < 0 < high:
            low, high = -max(-low, high), max(-low, high)
        norm = (LogNorm if log else Normalize)(low, high)
        colors = ScalarMappable(norm, colormaps[cmap or ("RdBu_r" if low < 0 < high else "YlGnBu")])
        self.figure_, axes, _ = grid(ax, 1, 1, (10, 5.5))
        write = _writer(shown)
        self.ax_ = ax = axes[0, 0]
        for number, symbol in enumerate(ELEMENTS, start=1):
            row, column = table_position(number)
            there = symbol in shown.index
            color = colors.to_rgba(shown[symbol]) if there else ABSENT_COLOR
            ax.add_patch(Rectangle((column, row), 0.94, 0.94, color=color, linewidth=0, gid=symbol))
            # Luminance decides between black and white text.
            dark = there and np.dot(color[:3], [0.299, 0.587, 0.114]) < 0.5
            ink = "white" if dark else "#222222" if there else "#aaaaaa"
            text = {"ha": "center", "va": "center", "color": ink}
            ax.text(column + 0.47, row + (0.34 if annotate and there else 0.47), symbol, fontsize=9, **text)
            if annotate and there:
                ax.text(column + 0.47, row + 0.73, write(shown[symbol]), fontsize=6.5, **text)
        for row, words in ((5, "57–71"), (6, "89–103")):
            ax.text(2.47, row + 0.47, words, fontsize=6, color="#aaaaaa", ha="center", va="center")
        ax.set(xlim=(-0.1, 18.1), ylim=(9.6, -0.1), aspect="equal")
        ax.set_axis_off()
        # The table leaves this place free.
        bar = ax.inset_axes([2.4, 1.0, 9.2, 0.35], transform=ax.transData)
        self.colorbar_ = self.figure_.colorbar(colors, cax=bar, orientation="horizontal")
        self.colorbar_.outline.set_visible(False)
        title = (self.label or "") + (f" ({self.unit})" if self.unit else "")
        bar.set_title(title, fontsize="medium", pad=5)
        bar.tick_params(labelsize="small")
        return self


def _writer(values):
    """Return a function that writes numbers with three digits for the largest of them."""
    largest = values.abs().max()
    if largest and not 1e-3 <= largest < 1e5:
        return lambda value: f"{value:.1e}".replace("-", "−")
    decimals = 0 if largest == 0 or (values % 1 == 0).all() else max(0, 2 - int(np.floor(np.log10(largest))))
    return lambda value: f"{value:.{decimals}f}".replace("-", "−")
