"""A property against composition in a binary system, as one or several models see it."""

from numbers import Integral

import numpy as np
import pandas as pd

from ..formulas import ELEMENTS, parse_formulas
from ..inputs import check_targets, n_rows
from ..model_selection.clustering_vectors import check_method
from ._drawing import NEW_COLOR, OWN_COLOR, headline, panels
from ._queries import check_symbols, contributions_of, names_of_targets, predict_with_std, target_index

ELEMENT_COLORS = "#009E73", "#CC79A7"


class CompositionCurveDisplay:
    """Drawing of a property against x in A\\ :sub:`x`\\ B\\ :sub:`1-x`, one panel per model.

    As in Fig. 8 of [1]_: the whole network beside its parts. Use
    :meth:`from_estimators` to make one.

    Parameters
    ----------
    system : (str, str)
        The symbols A and B.
    curves : DataFrame
        One row per model and composition: ``model``, ``x``, ``prediction``, ``std`` (NaN: not
        known), and what the elements contribute, ``contribution_A`` and
        ``contribution_B`` (NaN: not asked for, or the element is absent).
    points : DataFrame
        The known compounds: ``row`` of X, ``x``, ``y``.
    target_name, unit : str, optional

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_models,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    PeriodicTableDisplay : Contributions of the elements over many formulas.

    References
    ----------
    .. [1] Du, H.; Hui, J.; Zhang, L.; Wang, H., "Rational Design of Deep Learning Networks Based on Fusion
       Strategy for Improved Materials Property Predictions".

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxfer import CompositionFeaturizer
    >>> from skxfer.inspection import CompositionCurveDisplay
    >>> formulas, volume = ["Cu", "Au", "Ag"], [7.1, 10.2, 10.3]
    >>> model = make_pipeline(CompositionFeaturizer("fractions"), LinearRegression())
    >>> display = CompositionCurveDisplay.from_estimators(
    ...     model.fit(formulas, volume), "Au-Cu", X=formulas, y=volume, n_points=3,
    ...     target_name="volume", unit="cm³/mol",
    ... )
    >>> display.curves["prediction"].round(2).tolist()
    [7.1, 8.65, 10.2]
    >>> display.points.to_numpy().tolist()
    [[0.0, 0.0, 7.1], [1.0, 1.0, 10.2]]
    """

    def __init__(self, system, curves, points, *, target_name=None, unit=None):
        self.system = system
        self.curves = curves
        self.points = points
        self.target_name = target_name
        self.unit = unit

    @classmethod
    def from_estimators(
        cls,
        estimators,
        system,
        *,
        X=None,
        y=None,
        n_points=101,
        contributions=False,
        target=None,
        target_name=None,
        unit=None,
        ax=None,
    ):
        """Predict a binary system with fitted models and draw.

        Parameters
        ----------
        estimators : dict of str to fitted regressor, or one of them
            Any that take formulas as strings. Where ``predict`` knows ``return_std`` there is a
            band.
        system : (str, str) or str
            The elements A and B, as ``("Si", "O")`` or ``"Si-O"``.
        X : sequence of length n_samples, optional
            Formulas, of which those made of A and B alone are drawn as points.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            Their property. NaN marks a missing label.
        n_points : int, default=101
            Compositions from x = 0 to x = 1.
        contributions : bool, default=False
            Also what each element contributes, for models with
            ``element_contributions``: the prediction is the mean of the two. Train
            LGDCNNRegressor with ``variant="lgdcnn"`` for them: the maximum over neighbours
            that ends its default, ``"v1"``, gives the two elements of a binary formula one
            feature map, and both curves are that of the prediction.
        target : str or int, optional
            Needed where there are several.
        target_name : str, optional
            What the axis says. Default: the name of the target.
        unit : str, optional
        ax : matplotlib Axes or array of Axes, one per model, optional
            Default: a new figure.

        Returns
        -------
        CompositionCurveDisplay

        Raises
        ------
        TypeError
            `contributions` of a model that has none.
        ValueError
            A system that is not two different elements, only one of X and y, or fewer than
            two points.
        """
        A, B = _check_system(system)
        if not isinstance(n_points, Integral) or n_points < 2:
            raise ValueError(f"n_points must be a whole number above 1, got {n_points!r}.")
        if (X is None) != (y is None):
            raise ValueError("Known compounds need both X and y.")
        models = estimators if isinstance(estimators, dict) else {type(estimators).__name__: estimators}
        if not models:
            raise ValueError("estimators is empty: give at least one fitted model.")
        x = np.linspace(0, 1, n_points)
        # As strings, which every featurizer reads, and without exponents.
        formulas = [B, *(f"{A}{share:.6f}{B}{1 - share:.6f}" for share in x[1:-1]), A]
        tables = []
        for name, model in models.items():
            prediction, std = predict_with_std(model, formulas)
            column = target_index(target, names_of_targets(model, y, prediction.shape[1]))
            table = {"model": name, "x": x, "prediction": prediction[:, column]}
            table["std"] = np.nan if std is None else std[:, column]
            if contributions:
                check_method(model, "element_contributions")
                of_elements = contributions_of(model, formulas, target).reindex(columns=[A, B])
            for which, symbol in zip("AB", (A, B), strict=True):
                table[f"contribution_{which}"] = of_elements[symbol].to_numpy() if contributions else np.nan
            tables.append(pd.DataFrame(table))
        points = _known(A, B, X, y, column)
        if target_name is None:
            names = names_of_targets(next(iter(models.values())), y, prediction.shape[1])
            target_name = names[target_index(target, names)]
        curves = pd.concat(tables, ignore_index=True)
        return cls((A, B), curves, points, target_name=target_name, unit=unit).plot(ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per model, optional
            Default: a new figure.

        Returns
        -------
        self : CompositionCurveDisplay
        """
        A, B = self.system
        models = list(self.curves["model"].unique())
        self.figure_, self.axes_, own = panels(ax, len(models), 2.8)
        self.ax_ = self.axes_[0]
        for ax, name in zip(self.axes_, models, strict=True):
            part = self.curves[self.curves["model"] == name]
            ax.plot(
                part["x"], part["prediction"], color=OWN_COLOR, linewidth=1.8, label="prediction", zorder=3
            )
            if part["std"].notna().any():
                ends = part["prediction"] - part["std"], part["prediction"] + part["std"]
                style = {"color": OWN_COLOR, "alpha": 0.18, "linewidth": 0}
                ax.fill_between(part["x"], *ends, label="one standard deviation", **style)
            for which, symbol, color in zip("AB", self.system, ELEMENT_COLORS, strict=True):
                values = part[f"contribution_{which}"]
                if values.notna().any():
                    style = {"color": color, "linewidth": 1, "linestyle": "--" if which == "A" else "-."}
                    ax.plot(part["x"], values, label=f"contribution of {symbol}", **style)
            if len(self.points):
                style = {"color": NEW_COLOR, "edgecolor": "white", "linewidth": 0.6, "s": 30, "zorder": 4}
                ax.scatter(self.points["x"], self.points["y"], label="known compounds", **style)
            if len(models) > 1 or isinstance(models[0], str) and own:
                ax.set_title(name, fontsize="medium", loc="left")
            ax.set_xlabel(f"x in {A}$_x${B}$_{{1-x}}$")
            ax.set_ylabel(f"{self.target_name}" + (f" ({self.unit})" if self.unit else ""))
            ax.set_xlim(-0.02, 1.02)
            ax.grid(color="#e5e5e5", linewidth=0.8)
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
        # On one scale, so that models can be compared at a glance.
        low, high = zip(*(ax.get_ylim() for ax in self.axes_), strict=True)
        for ax in self.axes_:
            ax.set_ylim(min(low), max(high))
        entries = {}
        for ax in self.axes_:
            handles, labels = ax.get_legend_handles_labels()
            entries |= dict(zip(labels, handles, strict=True))
        if own:
            n = len(self.points)
            text = f"{A}-{B}: " + (f"{n} known compounds" if n else "no known compounds")
            headline(self.figure_, text, list(entries.values()), list(entries))
        else:
            self.ax_.legend(entries.values(), entries, frameon=False, fontsize="small")
        return self


def _check_system(system):
    """Return the two symbols of a system."""
    symbols = tuple(system.split("-")) if isinstance(system, str) else tuple(system)
    check_symbols(symbols, "system")
    if len(symbols) != 2 or symbols[0] == symbols[1]:
        raise ValueError(f"system must be two different elements, such as 'Si-O', got {system!r}.")
    return symbols


def _known(A, B, X, y, column):
    """Return row, x and property of the formulas that are made of A and B alone."""
    if X is None:
        return pd.DataFrame({"row": [], "x": [], "y": []})
    Y = check_targets(y, n_rows(X))
    # Labels of the one target that is drawn are enough, whatever else the models predict.
    y = Y[:, column if Y.shape[1] > 1 else 0]
    shares = parse_formulas(X)[:, [ELEMENTS.index(A), ELEMENTS.index(B)]].toarray()
    rows = np.flatnonzero((shares.sum(axis=1) > 1 - 1e-9) & ~np.isnan(y))
    return pd.DataFrame({"row": rows, "x": shares[rows, 0], "y": y[rows]})
