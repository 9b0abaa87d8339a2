"""A plane in which formulas lie near each other that look alike to a model."""

import importlib.util
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from .._optional import require
from ..inputs import check_choice, check_targets, n_rows, take
from ..learners import predict_learner
from ._drawing import NEW_COLOR, caption, panels
from ._queries import features_of, names_of_targets, rows_containing, target_index

METHODS = ("auto", "umap", "tsne")
# Columns of the points of a display beside its values.
COLUMNS = ("row", "x1", "x2", "circled")


def project(features, *, method="auto", random_state=0):
    """Project features to a plane, neighbours near each other.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Columns are scaled to unit variance first.
    method : {"auto", "umap", "tsne"}, default="auto"
        ``"auto"``: UMAP if umap-learn is installed, else t-SNE.
    random_state : int, default=0

    Returns
    -------
    plane : ndarray of shape (n_samples, 2)
    method : str
        What was used.
    """
    check_choice(method, METHODS, "method")
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 4:
        raise ValueError(f"features must have two dimensions and at least 4 rows, got {features.shape}.")
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if bad.size:
        raise ValueError(f"features is not finite in row {bad[0]}.")
    scaled = StandardScaler().fit_transform(features)
    if method == "auto":
        method = "tsne" if importlib.util.find_spec("umap") is None else "umap"
    if method == "umap":
        # With one job, as a fixed seed wants it; UMAP would warn otherwise.
        size = {"n_neighbors": min(15, len(scaled) - 1), "init": "spectral" if len(scaled) > 20 else "random"}
        reducer = require("umap").UMAP(n_jobs=1, random_state=random_state, **size)
        return reducer.fit_transform(scaled), method
    start = "pca" if scaled.shape[1] > 1 else "random"
    perplexity = min(30.0, (len(scaled) - 1) / 3)
    return TSNE(perplexity=perplexity, init=start, random_state=random_state).fit_transform(scaled), method


class FeatureMapDisplay:
    """Drawing of features projected to a plane, coloured by predictions and labels, the worst errors circled.

    As in Fig. 10 of [1]_. Distances within a neighbourhood mean something in such
    projections; those between distant groups, and axes, do not. Use
    :meth:`from_estimator` or :meth:`from_features` to make one.

    Parameters
    ----------
    points : DataFrame
        One row per point: ``row`` of X, ``x1``, ``x2``, ``circled``, and a column for each colouring.
    colored_by : list of str
        Those columns; a panel for each.
    method : str
        ``"umap"`` or ``"tsne"``.
    label : str, optional
        What the colours are.
    unit : str, optional
    circled_label : str, optional
        Which points are circled.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_colorings,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    skxfer.models.LGDCNNRegressor.transform : The features of formulas.

    References
    ----------
    .. [1] Du, H.; Hui, J.; Zhang, L.; Wang, H., "Rational Design of Deep Learning Networks Based on Fusion
       Strategy for Improved Materials Property Predictions".

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.inspection import FeatureMapDisplay
    >>> features = np.random.default_rng(0).normal(size=(30, 5))
    >>> display = FeatureMapDisplay.from_features(features, features[:, 0], method="tsne", label="gap")
    >>> display.points.shape, display.method
    ((30, 5), 'tsne')
    """

    def __init__(self, points, *, colored_by, method, label=None, unit=None, circled_label=None):
        self.points = points
        self.colored_by = colored_by
        self.method = method
        self.label = label
        self.unit = unit
        self.circled_label = circled_label

    @classmethod
    def from_features(
        cls,
        features,
        values,
        *,
        circled=(),
        circled_label=None,
        method="auto",
        random_state=0,
        label=None,
        unit=None,
        ax=None,
        **options,
    ):
        """Project any features and draw.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            Their columns are scaled to unit variance first.
        values : array-like of shape (n_samples,), or dict of str to such, or DataFrame
            What the colours are; several make several panels with one scale of colours. NaN: grey.
            They become columns of `points`, so none may be named ``row``, ``x1``, ``x2`` or ``circled``.
        circled : array-like of int, or of bool and shape (n_samples,)
            Rows with a circle: their numbers, or a mask.
        circled_label : str, optional
            Which rows these are, for the caption.
        method : {"auto", "umap", "tsne"}, default="auto"
            ``"auto"``: UMAP if umap-learn is installed, else t-SNE.
        random_state : int, default=0
        label, unit : str, optional
        ax, **options
            As in :meth:`plot`.

        Returns
        -------
        FeatureMapDisplay

        Raises
        ------
        ImportError
            umap-learn is asked for and not installed.
        ValueError
            Features that are not finite, fewer than 4 rows, values of another length, with a name that is
            taken or without any number, rows to circle that there are not.
        """
        values = values if isinstance(values, (dict, pd.DataFrame)) else {"value": values}
        values = {str(name): np.asarray(values[name], dtype=np.float64) for name in values}
        for name, column in values.items():
            if column.shape != (len(features),):
                raise ValueError(
                    f"{name!r} has the shape {column.shape} for {len(features)} rows of features."
                )
            if name in COLUMNS:
                raise ValueError(
                    f"values has {name!r}, which is a column of points of its own: rename it, such as to "
                    f"'{name}_'."
                )
        if all(np.isnan(column).all() for column in values.values()):
            raise ValueError(f"All values of {', '.join(map(repr, values))} are NaN: nothing has a colour.")
        circled = _numbers_of_rows(circled, len(features))
        plane, method = project(features, method=method, random_state=random_state)
        points = {"row": np.arange(len(plane)), "x1": plane[:, 0], "x2": plane[:, 1]}
        points = pd.DataFrame(points | values)
        points["circled"] = points["row"].isin(circled)
        words = {"label": label, "unit": unit, "circled_label": circled_label}
        display = cls(points, colored_by=list(values), method=method, **words)
        return display.plot(ax, **options)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        containing=None,
        n_outliers=10,
        target=None,
        method="auto",
        random_state=0,
        label=None,
        unit=None,
        ax=None,
        **options,
    ):
        """Project what a model makes of X and draw, coloured by prediction and, with y, by the truth.

        Parameters
        ----------
        estimator : fitted regressor
            With ``transform``, such as LGDCNNRegressor; of a pipeline without it, all steps but the
            last.
        X : sequence of length n_samples
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            NaN marks a missing label.
        containing : str or list of str, optional
            Symbols: only formulas with all of them are drawn, and only they are projected.
        n_outliers : int, default=10
            With y: so many points with the largest absolute errors are circled.
        target : str or int, optional
            Needed where there are several.
        method, random_state
            As in :meth:`from_features`.
        label, unit : str, optional
            Default: the name of the target.
        ax, **options
            As in :meth:`plot`.

        Returns
        -------
        FeatureMapDisplay
        """
        if not isinstance(n_outliers, Integral) or n_outliers < 0:
            raise ValueError(f"n_outliers must be a whole number, 0 or more, got {n_outliers!r}.")
        rows = rows_containing(X, containing)
        Y = None if y is None else check_targets(y, n_rows(X))
        X = X if containing is None else take(X, rows)
        prediction = predict_learner(estimator, X)
        names = names_of_targets(estimator, y, prediction.shape[1])
        column = target_index(target, names)
        values, circled = {"predicted": prediction[:, column]}, ()
        if y is not None:
            values["actual"] = Y[rows, column]
            error = np.abs(values["predicted"] - values["actual"])
            worst = np.argsort(-error, kind="stable")  # NaN last
            circled = worst[: min(n_outliers, np.isfinite(error).sum())]
        display = cls.from_features(
            features_of(estimator, X),
            values,
            circled=circled,
            circled_label=f"the {len(circled)} with the largest errors",
            method=method,
            random_state=random_state,
            label=names[column] if label is None else label,
            unit=unit,
            ax=ax,
            **options,
        )
        display.points["row"] = rows
        return display

    def plot(self, ax=None, *, cmap="viridis", limits=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per colouring, optional
            Default: a new figure.
        cmap : str, default="viridis"
        limits : (float, float), optional
            Values of the first and last colour. Default: all but the outer 1 % on each side.

        Returns
        -------
        self : FeatureMapDisplay
        """
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        self.figure_, self.axes_, own = panels(ax, len(self.colored_by), 3.7)
        self.ax_ = self.axes_[0]
        values = self.points[self.colored_by].to_numpy()
        low, high = limits or np.nanquantile(values, [0.01, 0.99])
        colors = ScalarMappable(Normalize(low, high), colormaps[cmap].with_extremes(bad="#cccccc"))
        style = {"s": 18 if len(self.points) <= 1000 else 6, "linewidth": 0, "alpha": 0.9}
        circled = self.points[self.points["circled"]]
        for ax, name in zip(self.axes_, self.colored_by, strict=True):
            color = colors.to_rgba(np.ma.masked_invalid(self.points[name]))
            ax.scatter(self.points["x1"], self.points["x2"], c=color, **style)
            ring = {"s": 70, "facecolor": "none", "edgecolor": NEW_COLOR, "linewidth": 1.2}
            ax.scatter(circled["x1"], circled["x2"], **ring)
            if len(self.colored_by) > 1:
                ax.set_title(name, fontsize="medium", loc="left")
            kind = {"umap": "UMAP", "tsne": "t-SNE"}[self.method]
            ax.set(xticks=[], yticks=[], xlabel=f"{kind} 1", ylabel=f"{kind} 2")
            ax.spines[["top", "right"]].set_visible(False)
        outside = (np.nanmin(values) < low, np.nanmax(values) > high)
        extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(outside, "neither")
        bar = self.figure_.colorbar(colors, ax=list(self.axes_), extend=extend, aspect=30)
        bar.set_label((self.label or "") + (f" ({self.unit})" if self.unit else ""))
        if own:
            text = f"{len(self.points)} rows"
            if len(circled):
                text += f"; circled: {self.circled_label or len(circled)}"
            caption(self.figure_, text)
        return self


def _numbers_of_rows(circled, n):
    """Numbers of the rows that are meant by numbers or a mask."""
    circled = pd.Series(circled).to_numpy()
    if circled.dtype == object and pd.api.types.infer_dtype(circled, skipna=False) == "boolean":
        circled = circled.astype(bool)
    if circled.dtype == bool:
        if len(circled) != n:
            raise ValueError(f"circled is a mask of {len(circled)} rows, but there are {n}.")
        return np.flatnonzero(circled)
    if circled.size and circled.dtype.kind not in "iu":
        raise ValueError("circled must hold numbers of rows, or True and False for each row.")
    outside = circled[(circled < 0) | (circled >= n)] if circled.size else circled
    if outside.size:
        raise ValueError(f"circled names the row {outside[0]}, but rows are 0 to {n - 1}.")
    return circled
