"""Where a model errs: errors against what is known of the structures."""

from numbers import Integral

import numpy as np
import pandas as pd

from ..inputs import check_targets, n_rows, name_targets
from ..learners import predict_learner
from ._drawing import caption, grid, unit_of

POINT_COLOR, TOLERANCE_COLOR = "#0072B2", "#D55E00"


def errors_by_structure(y_true, y_pred, structure, *, n_bins=8, target_names=None):
    """Group the absolute errors by the values of structure variables.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    y_pred : array-like of the same shape
    structure : DataFrame or dict of str to array-like of shape (n_samples,)
        What is known of each row, such as a bond length or an adsorption site.
    n_bins : int, default=8
        A variable with more different numbers than that is cut into so many
        bins with about as many rows each. Text is never binned.
    target_names : list of str, optional
        Default: the columns of `y_true`.

    Returns
    -------
    DataFrame
        One row per target, variable and group of rows:

        ``target``, ``variable``
            Their names.
        ``group``
            In words: the value, or the range of a bin.
        ``kind``
            ``"value"``, ``"bin"`` or ``"text"``.
        ``position``
            The value, or the mean over the bin; for text, the number of the group.
        ``n``
            Rows with a label.
        ``mae``, ``low``, ``high``
            Mean of the absolute error and the range of its central 80 % (10th
            and 90th percentile), in the unit of the target.

        Rows where the variable is missing are in no group.

    Raises
    ------
    ValueError
        Arrays of different length or shape, predictions that are not finite.

    See Also
    --------
    ErrorDisplay : Draws it.

    Examples
    --------
    >>> from skxfer.inspection import errors_by_structure
    >>> table = errors_by_structure([1.0, 2.0, 3.0], [1.1, 2.1, 3.5], {"site": ["top", "top", "hollow"]})
    >>> table[["group", "n", "mae"]].round(2).to_numpy().tolist()
    [['hollow', 1, 0.5], ['top', 2, 0.1]]
    """
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins must be a whole number above 0, got {n_bins!r}.")
    Y = check_targets(y_true, n_rows(y_true))
    P = np.asarray(y_pred, dtype=np.float64)
    P = P[:, None] if P.ndim == 1 else P
    if P.shape != Y.shape:
        raise ValueError(f"y_true has the shape {Y.shape} and y_pred {P.shape}.")
    if not np.isfinite(P).all():
        raise ValueError(f"y_pred is not finite in row {np.flatnonzero(~np.isfinite(P).all(axis=1))[0]}.")
    names = name_targets(y_true, Y.shape[1], target_names)
    errors, rows = np.abs(P - Y), []
    for variable in structure:
        values = pd.Series(np.asarray(structure[variable]))
        if values.shape != (len(Y),):
            raise ValueError(f"structure has {len(values)} values of {variable!r} for {len(Y)} rows.")
        for group, kind, position, member in _groups(values, n_bins):
            for name, error in zip(names, errors[member].T, strict=True):
                error = error[~np.isnan(error)]
                if not error.size:
                    continue
                low, high = np.quantile(error, [0.1, 0.9])
                row = {"target": name, "variable": str(variable), "group": group, "kind": kind}
                rows.append(
                    row
                    | {"position": position, "n": error.size, "mae": error.mean(), "low": low, "high": high}
                )
    columns = ["target", "variable", "group", "kind", "position", "n", "mae", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _groups(values, n_bins):
    """Yield name, kind, position and rows of each group of values."""
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if is_number and values.nunique() > n_bins:
        # Quantiles that coincide, where many rows have one value, make fewer bins.
        for interval, part in values.groupby(pd.qcut(values, n_bins, duplicates="drop"), observed=True):
            name = f"{interval.left:.4g} – {interval.right:.4g}"
            yield name, "bin", float(part.mean()), part.index.to_numpy()
        return
    for number, (value, part) in enumerate(values.groupby(values)):
        if is_number:
            yield f"{value:.4g}", "value", float(value), part.index.to_numpy()
        else:
            yield str(value), "text", float(number), part.index.to_numpy()


class ErrorDisplay:
    """Drawing of errors against structure variables: a row of panels per target, a column per variable.

    Use :meth:`from_predictions` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    errors : DataFrame
        From :func:`errors_by_structure`.
    target_units : str, list of str or dict, optional
        Unit of each target, for the axes; one string serves all.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets, n_variables)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    PortabilityDisplay : Errors of learners with and without transfer.

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.inspection import ErrorDisplay
    >>> distance = np.linspace(1.9, 2.4, 50)
    >>> display = ErrorDisplay.from_predictions(
    ...     distance**2, 4.3 * distance - 4.6, {"d(Ag-C) (Å)": distance},
    ...     target_names=["Eads"], target_units="eV",
    ... )
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('d(Ag-C) (Å)', 'MAE of Eads (eV)')
    """

    def __init__(self, errors, *, target_units=None):
        self.errors = errors
        self.target_units = target_units

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        structure,
        *,
        n_bins=8,
        target_names=None,
        target_units=None,
        tolerance=None,
        ax=None,
    ):
        """Draw the errors of predictions.

        Parameters
        ----------
        y_true, y_pred, structure, n_bins, target_names
            As in :func:`errors_by_structure`.
        target_units : str, list of str or dict, optional
        tolerance, ax :
            As in :meth:`plot`.

        Returns
        -------
        ErrorDisplay
        """
        errors = errors_by_structure(y_true, y_pred, structure, n_bins=n_bins, target_names=target_names)
        return cls(errors, target_units=target_units).plot(ax, tolerance=tolerance)

    @classmethod
    def from_estimator(cls, estimator, X, y, structure, **options):
        """Predict with a fitted estimator and draw the errors.

        Parameters
        ----------
        estimator : fitted regressor
        X : array-like of shape (n_samples, n_features) or sequence of objects
            Rows that the estimator was not trained on.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        structure : DataFrame or dict of str to array-like of shape (n_samples,)
        **options
            As in :meth:`from_predictions`.

        Returns
        -------
        ErrorDisplay
        """
        return cls.from_predictions(y, predict_learner(estimator, X), structure, **options)

    def plot(self, ax=None, *, tolerance=None):
        """Draw means, and bars for the central 80 % of the absolute errors.

        Parameters
        ----------
        ax : array of matplotlib Axes, n_targets x n_variables, optional
            Default: a new figure.
        tolerance : float, list of float or dict, optional
            Of each target, in its unit: the error that is good enough, drawn as
            a dashed line, such as 0.043 eV (1 kcal/mol).

        Returns
        -------
        self : ErrorDisplay
        """
        targets = list(self.errors["target"].unique())
        variables = list(self.errors["variable"].unique())
        words = max(self.errors["group"][self.errors["kind"] == "text"].str.len(), default=0)
        size = max(4.2, 0.8 + 2.6 * len(variables)), 0.9 + 1.9 * len(targets) + 0.06 * words
        self.figure_, self.axes_, own = grid(
            ax, len(targets), len(variables), size, sharex="col" if ax is None else None, sharey="row"
        )
        self.ax_ = self.axes_[0, 0]
        limits = (
            tolerance if isinstance(tolerance, (dict, list, tuple)) else dict.fromkeys(targets, tolerance)
        )
        limits = limits if isinstance(limits, dict) else dict(zip(targets, limits, strict=True))
        for i, target in enumerate(targets):
            of_target = self.errors[self.errors["target"] == target]
            unit = unit_of(self.target_units, target, targets)
            for j, variable in enumerate(variables):
                ax = self.axes_[i, j]
                self._panel(ax, of_target[of_target["variable"] == variable])
                if limits.get(target) is not None:
                    ax.axhline(limits[target], color=TOLERANCE_COLOR, linestyle="--", linewidth=1)
                ax.set_ylim(
                    0, 1.06 * max(of_target["high"].max(), of_target["mae"].max(), limits.get(target) or 0)
                )
                if not own or i == len(targets) - 1:
                    ax.set_xlabel(variable)
                if not own or j == 0:
                    ax.set_ylabel(f"MAE of {target}" + (f" ({unit})" if unit else ""))
        if own:
            text = "Points: mean absolute error; bars: central 80 %"
            if tolerance is not None:
                text += "; dashed: tolerance"
            caption(self.figure_, text)
            self.figure_.align_ylabels(self.axes_[:, 0])
        return self

    def _panel(self, ax, part):
        part = part.sort_values("position")
        x, mean = part["position"].to_numpy(), part["mae"].to_numpy()
        # With few large errors the mean may lie outside of the central 80 %.
        low, high = np.minimum(part["low"], mean), np.maximum(part["high"], mean)
        is_text = (part["kind"] == "text").any()
        ax.errorbar(
            x,
            mean,
            yerr=[mean - low, high - mean],
            color=POINT_COLOR,
            marker="o",
            markersize=4,
            linewidth=0 if is_text else 1.2,
            elinewidth=1.2,
        )
        if is_text:
            turned = part["group"].str.len().max() * len(part) > 28
            ax.set_xticks(x, part["group"], rotation=90 if turned else 0, fontsize="small")
            ax.margins(x=0.5 / max(len(part) - 0.5, 1))
        ax.grid(axis="y", color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
