"""Predictions against the truth, with what the model says of its own uncertainty."""

import numpy as np
import pandas as pd

from ..inputs import check_choice, check_targets, n_rows, name_targets
from ..metrics import masked_mean_absolute_error, masked_r2_score, masked_root_mean_squared_error
from ._drawing import NEW_COLOR, OWN_COLOR, caption, panels, unit_of
from ._queries import names_of_targets, predict_with_std

UNCERTAINTY = ("auto", "bars", "color", None)
# Beyond it, bars hide each other and a colour says more.
MANY_BARS = 300
N_BINS = 30


class ParityDisplay:
    """Drawing of predicted against actual values, one panel per target, with histograms at the sides.

    Use :meth:`from_predictions` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    predictions : DataFrame
        One row per row of X and target: ``row``, ``target``, ``y_true`` (NaN: no
        label), ``y_pred`` and ``y_std`` (NaN: not known).
    target_units : str, list of str or dict, optional
        Unit of each target, for the axes; one string serves all.

    Attributes
    ----------
    scores_ : DataFrame
        Of each target that is drawn: ``n`` rows with a label, ``n_missing`` without, ``mae``,
        ``rmse``, ``r2``, and the shares ``within_1std`` and ``within_2std`` of rows whose error is
        within one and two standard deviations (NaN if not known). Of normally
        distributed errors these are 0.68 and 0.95.
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    ErrorDisplay : Errors against what is known of the rows.
    PeriodicTableDisplay : Errors by element.

    Examples
    --------
    >>> from skxfer.inspection import ParityDisplay
    >>> display = ParityDisplay.from_predictions(
    ...     [1.0, 2.0, 3.0, float("nan")], [1.1, 1.8, 3.0, 0.0], y_std=[0.15, 0.15, 0.2, 0.1],
    ...     target_names=["gap"], target_units="eV",
    ... )
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('actual gap (eV)', 'predicted gap (eV)')
    >>> display.scores_.round(2)[["n", "n_missing", "mae", "within_1std"]].to_numpy().tolist()
    [[3.0, 1.0, 0.1, 0.67]]
    """

    def __init__(self, predictions, *, target_units=None):
        self.predictions = predictions
        self.target_units = target_units

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_pred,
        *,
        y_std=None,
        target_names=None,
        target_units=None,
        targets=None,
        uncertainty="auto",
        marginals=True,
        ax=None,
    ):
        """Draw predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label: that row is left out and counted.
        y_pred : array-like of the same shape
        y_std : array-like of the same shape, optional
            Standard deviations of the predictions, in the unit of y.
        target_names : list of str, optional
            Default: the columns of `y_true`.
        target_units : str, list of str or dict, optional
        targets, uncertainty, marginals, ax :
            As in :meth:`plot`.

        Returns
        -------
        ParityDisplay

        Raises
        ------
        ValueError
            Arrays of different shape, predictions or standard deviations that are
            not finite, negative standard deviations.
        """
        Y = check_targets(y_true, n_rows(y_true))
        names = name_targets(y_true, Y.shape[1], target_names)
        P = _like(Y, y_pred, "y_pred")
        S = np.full(Y.shape, np.nan) if y_std is None else _like(Y, y_std, "y_std")
        if (S < 0).any():
            raise ValueError(f"y_std is negative in row {np.flatnonzero((S < 0).any(axis=1))[0]}.")
        tables = [
            pd.DataFrame(
                {
                    "row": np.arange(len(Y)),
                    "target": name,
                    "y_true": Y[:, t],
                    "y_pred": P[:, t],
                    "y_std": S[:, t],
                }
            )
            for t, name in enumerate(names)
        ]
        display = cls(pd.concat(tables, ignore_index=True), target_units=target_units)
        return display.plot(ax, targets=targets, uncertainty=uncertainty, marginals=marginals)

    @classmethod
    def from_estimator(cls, estimator, X, y, **options):
        """Predict with a fitted estimator and draw.

        Parameters
        ----------
        estimator : fitted regressor
            Any; if its ``predict`` (in a pipeline or search: that of the last step)
            knows ``return_std``, the standard deviations are drawn.
        X : array-like of shape (n_samples, n_features) or sequence of objects
            Rows that the estimator was not trained on.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        **options
            As in :meth:`from_predictions`.

        Returns
        -------
        ParityDisplay
        """
        prediction, std = predict_with_std(estimator, X)
        if "target_names" not in options:
            options["target_names"] = names_of_targets(estimator, y, prediction.shape[1])
        return cls.from_predictions(y, prediction, y_std=std, **options)

    def plot(self, ax=None, *, targets=None, uncertainty="auto", marginals=True):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per target, optional
            Default: a new figure.
        targets : str or list of str, optional
            Default: all.
        uncertainty : {"auto", "bars", "color"} or None, default="auto"
            How standard deviations are shown, if there are any: as bars one standard
            deviation to both sides, or as the colour of the points. ``"auto"``: bars
            up to 300 rows.
        marginals : bool, default=True
            Histograms of actual values at the top and of predicted ones at the right.

        Returns
        -------
        self : ParityDisplay
        """
        check_choice(uncertainty, UNCERTAINTY, "uncertainty")
        known = list(self.predictions["target"].unique())
        targets = known if targets is None else [targets] if isinstance(targets, str) else list(targets)
        for target in targets:
            check_choice(target, known, "targets")
        self.figure_, self.axes_, own = panels(ax, len(targets), 4.2)
        self.ax_, rows, shown = self.axes_[0], [], set()
        if uncertainty == "auto":
            n = self.predictions.dropna(subset="y_true").groupby("target").size()[targets].max()
            uncertainty = "bars" if n <= MANY_BARS else "color"
        for ax, target in zip(self.axes_, targets, strict=True):
            part = self.predictions[self.predictions["target"] == target]
            there = part.dropna(subset="y_true")
            scores = _scores(there) | {"n_missing": len(part) - len(there)}
            rows.append({"target": target} | scores)
            unit = unit_of(self.target_units, target, targets)
            shown.add(self._panel(ax, there, scores, uncertainty, unit, marginals))
            words = f"{target} ({unit})" if unit else target
            ax.set(xlabel=f"actual {words}", ylabel=f"predicted {words}")
        columns = ["n", "n_missing", "mae", "rmse", "r2", "within_1std", "within_2std"]
        self.scores_ = pd.DataFrame(rows).set_index("target")[columns]
        if own:
            text = ["Dashed: perfect prediction"] + ["sides: histograms"] * marginals
            text += ["bars: one standard deviation σ"] * ("bars" in shown)
            text += ["colour: standard deviation σ"] * ("color" in shown)
            caption(self.figure_, "; ".join(text))
        return self

    def _panel(self, ax, part, scores, uncertainty, unit, marginals):
        """Draw one target and return how its uncertainty is shown."""
        x, y, std = (part[name].to_numpy() for name in ("y_true", "y_pred", "y_std"))
        ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
        ends = ends + np.array([-0.05, 0.05]) * (np.ptp(ends) or 1.0)
        if np.isnan(std).any():
            uncertainty = None
        points = {"s": 16 if len(x) <= 1000 else 6, "linewidth": 0.3, "rasterized": len(x) > 2000}
        if uncertainty == "color":
            # The uncertain ones last, so that they are not hidden by the many others.
            order = np.argsort(std, kind="stable")
            drawn = ax.scatter(
                x[order], y[order], c=std[order], cmap="viridis", edgecolor="#555555", **points
            )
            bar = ax.inset_axes([0.55, 0.11, 0.4, 0.025])
            ax.figure.colorbar(drawn, cax=bar, orientation="horizontal")
            bar.set_title("σ" + (f" ({unit})" if unit else ""), fontsize="x-small", pad=3)
            bar.tick_params(labelsize="x-small", length=2)
            bar.locator_params(nbins=4)
        else:
            if uncertainty == "bars":
                ax.errorbar(x, y, yerr=std, fmt="none", ecolor=OWN_COLOR, elinewidth=0.8, alpha=0.4)
            alpha = 0.8 if len(x) <= 1000 else 0.3
            ax.scatter(x, y, color=OWN_COLOR, edgecolor="white", alpha=alpha, **points)
        ax.plot(ends, ends, color="#555555", linestyle="--", linewidth=1, zorder=0)
        ax.set(xlim=ends, ylim=ends, box_aspect=1)
        ax.grid(color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        (empty,) = ax.plot([], [], linestyle="none")
        style = {"handlelength": 0, "handletextpad": 0, "fontsize": "small", "framealpha": 0.8}
        ax.legend([empty], [_in_words(scores, unit)], loc="upper left", edgecolor="none", **style)
        if marginals:
            _histograms(ax, x, y, ends)
        return uncertainty


def _like(Y, values, name):
    """Return values as an array of the shape of Y, all finite."""
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.shape != Y.shape:
        raise ValueError(f"y_true has the shape {Y.shape} and {name} {values.shape}.")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise ValueError(f"{name} is not finite in row {bad[0]}.")
    return values


def _scores(part):
    """Errors of one target's rows, and how many are within the standard deviations."""
    y, prediction, std = (part[name].to_numpy() for name in ("y_true", "y_pred", "y_std"))
    error = np.abs(prediction - y)
    known = not np.isnan(std).any()
    return {
        "n": len(y),
        "mae": masked_mean_absolute_error(y, prediction),
        "rmse": masked_root_mean_squared_error(y, prediction),
        "r2": masked_r2_score(y, prediction) if np.ptp(y) > 0 else np.nan,
        "within_1std": (error <= std).mean() if known else np.nan,
        "within_2std": (error <= 2 * std).mean() if known else np.nan,
    }


def _in_words(scores, unit):
    """Write scores for a legend."""
    unit = f" {unit}" if unit else ""
    lines = [f"{name.upper()} {scores[name]:.3g}{unit}" for name in ("mae", "rmse")]
    lines += [f"R² {scores['r2']:.3f}"] * (not np.isnan(scores["r2"]))
    if not np.isnan(scores["within_1std"]):
        lines.append(f"within 1σ, 2σ: {100 * scores['within_1std']:.0f}, {100 * scores['within_2std']:.0f} %")
    missing = f", {scores['n_missing']} without label" if scores["n_missing"] else ""
    return "\n".join([*lines, f"{scores['n']} rows{missing}"])


def _histograms(ax, x, y, ends):
    """Draw the distributions of x above and of y beside the axes, with the same bins."""
    bins = np.linspace(*ends, N_BINS + 1)
    above = ax.inset_axes([0, 1.02, 1, 0.14], sharex=ax)
    beside = ax.inset_axes([1.02, 0, 0.14, 1], sharey=ax)
    above.hist(x, bins=bins, color="#999999")
    beside.hist(y, bins=bins, color=NEW_COLOR, alpha=0.6, orientation="horizontal")
    for side in (above, beside):
        side.set_axis_off()
    ax.set(xlim=ends, ylim=ends)
