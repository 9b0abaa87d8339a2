"""Display of clustering vectors: thresholds, clusters, references and the region between them."""

import pandas as pd

from ..inputs import check_choice
from ..model_selection import cecv_region
from ..model_selection.clustering_vectors import (
    CROSSOVER,
    LINKAGES,
    THRESHOLDS,
    check_thresholds,
    probe,
    vector_of,
    with_random_weights,
)
from ._drawing import NEW_COLOR, OWN_COLOR, SOURCE_STYLES, caption, grid

# Pale: none of the lines has this colour.
REGION_COLOR = "#F7F3B2"
MARKERS = "o^v<>P"


class CECVDisplay:
    """Drawing of clustering vectors, a line for each model, as in Fig. 3 of the paper [1]_.

    Use :meth:`from_estimators`, :meth:`from_vectors` or :meth:`from_study` to make one.

    Parameters
    ----------
    vectors : DataFrame of shape (n_thresholds, n_models)
        Numbers of clusters: thresholds in the index, names in the columns.
    random : DataFrame, optional
        Those of models with random weights, under the name of the model.
    references : tuple of two str, optional
        Names of the global and of the local reference among the vectors.
    region : DataFrame, optional
        From :func:`cecv_region`.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (1,)
    ax_ : matplotlib Axes

    See Also
    --------
    cecv : The numbers.
    cecv_study : Whether they guide the choice of a model.

    References
    ----------
    .. [1] Du, H. et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
       Materials Property Predictions".

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.inspection import CECVDisplay
    >>> vectors = pd.DataFrame(
    ...     {"lstm": [90, 40], "dcnn-k1": [300, 120], "mine": [110, 90]}, index=[0.1, 0.2]
    ... )
    >>> display = CECVDisplay.from_vectors(vectors, references=("lstm", "dcnn-k1"))
    >>> display.ax_.get_yscale()
    'log'
    """

    def __init__(self, vectors, *, random=None, references=None, region=None):
        self.vectors = vectors
        self.random = random
        self.references = references
        self.region = region

    @classmethod
    def from_estimators(
        cls,
        estimators,
        X,
        *,
        references=None,
        containing=None,
        thresholds=THRESHOLDS,
        min_elements=3,
        linkage="complete",
        crossover=CROSSOVER,
        random_state=None,
        ax=None,
    ):
        """Compute the vectors of fitted networks, and of the same with random weights, and draw them.

        Parameters
        ----------
        estimators : dict of str to fitted LGDCNNRegressor
        X : sequence of length n_samples
            Formulas.
        references : tuple of two str, optional
            Names of the global and of the local reference among the estimators.
            Default: no region is drawn.
        containing, thresholds, min_elements, linkage :
            As in :func:`cecv`.
        crossover : float, default=0.15
            As in :func:`cecv_region`.
        random_state : int, RandomState or None, default=None
            Of the random weights.
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        CECVDisplay
        """
        if not isinstance(estimators, dict):
            raise TypeError(
                f"estimators must be a dict of name to fitted model, got {type(estimators).__name__}."
            )
        check_choice(linkage, LINKAGES, "linkage")
        thresholds = check_thresholds(thresholds)
        _check_references(references, estimators)
        formulas, n_left_out = probe(X, containing, min_elements)
        blank = {
            name: with_random_weights(model, random_state=random_state)
            for name, model in estimators.items()
            if name not in (references or ())
        }
        vectors, random = (
            pd.DataFrame(
                {name: vector_of(model, formulas, thresholds, linkage) for name, model in models.items()}
            )
            for models in (estimators, blank)
        )
        vectors.attrs = {"n_compounds": len(formulas), "n_left_out": n_left_out}
        return cls.from_vectors(vectors, random=random, references=references, crossover=crossover, ax=ax)

    @classmethod
    def from_vectors(cls, vectors, *, random=None, references=None, crossover=CROSSOVER, ax=None):
        """Draw vectors.

        Parameters
        ----------
        vectors : DataFrame of shape (n_thresholds, n_models), or dict of str to Series
            From :func:`cecv`.
        random : as vectors, optional
            Those of :func:`with_random_weights`, under the same names.
        references : tuple of two str, optional
        crossover : float, default=0.15
        ax : matplotlib Axes, optional

        Returns
        -------
        CECVDisplay
        """
        vectors, random = _table(vectors), None if random is None else _table(random)
        _check_references(references, vectors)
        region = None
        if references is not None:
            region = cecv_region(*(vectors[name] for name in references), crossover=crossover)
        return cls(vectors, random=random, references=references, region=region).plot(ax)

    @classmethod
    def from_study(cls, study, *, ax=None):
        """Draw the result of :func:`cecv_study`.

        Parameters
        ----------
        study : Bunch
        ax : matplotlib Axes, optional

        Returns
        -------
        CECVDisplay
        """
        role = study.table.set_index("name")["role"]
        names = {f"{name}, random weights": name for name in role.index[role == "candidate"]}
        random = study.vectors[list(names)].rename(columns=names)
        vectors = study.vectors.drop(columns=list(names))
        return cls(vectors, random=random, references=study.references, region=study.region).plot(ax)

    def plot(self, ax=None):
        """Draw: models as lines, references dashed, random weights dotted, the region shaded.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Default: a new figure.

        Returns
        -------
        self : CECVDisplay
        """
        self.figure_, axes, own = grid(ax, 1, 1, (6.4, 4.2))
        self.axes_, self.ax_ = axes.ravel(), axes[0, 0]
        ax, thresholds = self.ax_, self.vectors.index.to_numpy()
        if self.region is not None:
            ax.fill_between(
                thresholds,
                self.region["low"],
                self.region["high"],
                color=REGION_COLOR,
                linewidth=0,
                label="target region",
            )
        dashed = dict(zip(self.references or (), (NEW_COLOR, OWN_COLOR), strict=False))
        models = [name for name in self.vectors if name not in dashed]
        for name, color in dashed.items():
            ax.plot(thresholds, self.vectors[name], color=color, linestyle="--", label=f"{name} (reference)")
        for k, name in enumerate(models):
            color, marker = SOURCE_STYLES[k % len(SOURCE_STYLES)]["color"], MARKERS[k % len(MARKERS)]
            ax.plot(thresholds, self.vectors[name], color=color, marker=marker, markersize=4.5, label=name)
        handles, _ = ax.get_legend_handles_labels()
        blank = [name for name in models if self.random is not None and name in self.random]
        for name in blank:
            color = SOURCE_STYLES[models.index(name) % len(SOURCE_STYLES)]["color"]
            ax.plot(
                thresholds, self.random[name], color=color, linestyle=":", label=f"{name}, random weights"
            )
        if blank:  # one entry says what dots mean
            handles += ax.plot([], [], color="#555555", linestyle=":", label="the same, random weights")
        ax.set_yscale("log")
        _plain_numbers(ax.yaxis)
        n = self.vectors.attrs.get("n_compounds")
        ax.set(xlabel="threshold", ylabel="clusters" if n is None else f"clusters of {n} compounds")
        ax.spines[["top", "right"]].set_visible(False)
        options = {"frameon": False, "fontsize": "small", "loc": "upper left"}
        ax.legend(handles=handles, bbox_to_anchor=(1.0, 1.0), **options)
        if own and self.region is not None:
            first, second = self.references
            text = f"Target region: next to {first} at small thresholds, next to {second} at large ones"
            caption(self.figure_, text)
        return self


def _check_references(references, models):
    """Raise an error unless references are none, or two names among the models."""
    if references is None:
        return
    if isinstance(references, str) or len(references) != 2:
        raise ValueError(f"references must be two names, a global and a local one, got {references!r}.")
    for name in references:
        if name not in models:
            raise ValueError(f"The reference {name!r} is none of {', '.join(map(str, models))}.")


def _table(vectors):
    """Put vectors into a DataFrame that knows the number of compounds, if they all had the same."""
    table = pd.DataFrame(vectors)
    table.attrs = dict(getattr(vectors, "attrs", {}))
    if isinstance(vectors, dict):
        numbers = {getattr(vector, "attrs", {}).get("n_compounds") for vector in vectors.values()}
        if len(numbers) == 1:
            table.attrs["n_compounds"] = numbers.pop()
    return table


def _plain_numbers(axis):
    """Label a logarithmic axis 1, 2, 5, 10, ..."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
