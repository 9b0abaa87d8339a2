"""Displays of the portability study and of learning curves."""

import numpy as np
import pandas as pd

from ..inputs import check_choice
from ..model_selection import learning_curve_transfer, portability_study
from ..model_selection.results import MANY_TESTS, count_tests, tests_in_words
from ._drawing import METRICS, SOURCE_STYLES, axis_label, headline, panels, unit_of, value_axis

# Of the palette of Okabe and Ito; the markers tell them apart in print without colour.
SETTING_STYLE = {
    "source_only": {"color": "#009E73", "marker": "^"},
    "target_only": {"color": "#000000", "marker": "o", "markerfacecolor": "white"},
    "merge": {"color": "#0072B2", "marker": "s"},
    "auto": {"color": "#D55E00", "marker": "D"},
}


class PortabilityDisplay:
    """Drawing of a portability study: error by learner and setting, one panel per target.

    Use :meth:`from_results` or :meth:`from_estimators` to make one.

    Parameters
    ----------
    results : DataFrame
        From :func:`~skxfer.model_selection.portability_study`.
    target_units : str, list of str or dict, optional
        Unit of each target, for the axes; one string serves all.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    LearningCurveDisplay : Error against the number of target rows.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import PortabilityDisplay
    >>> from skxfer.model_selection import portability_study
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> results = portability_study(
    ...     ["knn", "ridge"], data.data, data.target, data.domain,
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ... )
    >>> display = PortabilityDisplay.from_results(results, target_units="eV")
    >>> display.ax_.get_xlabel()
    'MAE of y (eV)'
    """

    def __init__(self, results, *, target_units=None):
        self.results = results
        self.target_units = target_units

    @classmethod
    def from_results(cls, results, *, target_units=None, ax=None, metric="mae", targets=None):
        """Draw the result of a study.

        Parameters
        ----------
        results : DataFrame
            From :func:`~skxfer.model_selection.portability_study`.
        target_units : str, list of str or dict, optional
        ax, metric, targets :
            As in :meth:`plot`.

        Returns
        -------
        PortabilityDisplay
        """
        return cls(results, target_units=target_units).plot(ax, metric=metric, targets=targets)

    @classmethod
    def from_estimators(
        cls,
        estimators,
        X,
        y,
        sample_domain,
        *,
        target_units=None,
        ax=None,
        metric="mae",
        targets=None,
        **study,
    ):
        """Run a study and draw it.

        Parameters
        ----------
        estimators, X, y, sample_domain, **study
            As in :func:`~skxfer.model_selection.portability_study`.
        target_units : str, list of str or dict, optional
        ax, metric, targets :
            As in :meth:`plot`.

        Returns
        -------
        PortabilityDisplay
        """
        results = portability_study(estimators, X, y, sample_domain, **study)
        return cls.from_results(results, target_units=target_units, ax=ax, metric=metric, targets=targets)

    def plot(self, ax=None, *, metric="mae", targets=None):
        """Draw.

        Points are means over tests (test domain x fold x seed); bars show their
        range, or the central 80 % of more than ten.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per target, optional
            Default: a new figure.
        metric : {"mae", "rmse", "r2", "fit_seconds"}, default="mae"
        targets : list of str, optional
            Default: all.

        Returns
        -------
        self : PortabilityDisplay
        """
        check_choice(metric, METRICS)
        results = self.results
        targets = list(results["target"].unique()) if targets is None else list(targets)
        learners = list(results["learner"].unique())
        settings = list(results["setting"].unique())
        styles = setting_styles(settings)
        height = 0.7 + 0.105 * len(learners) * (len(settings) + 1)
        self.figure_, self.axes_, own = panels(ax, len(targets), height)
        self.ax_ = self.axes_[0]
        for ax, target in zip(self.axes_, targets, strict=True):
            self._panel(ax, results[results["target"] == target], learners, styles, metric)
            ax.set_xlabel(axis_label(metric, target, unit_of(self.target_units, target, targets, metric)))
            if own and ax.get_subplotspec().colspan.start:
                ax.set_yticklabels([])
        if own:
            handles, labels = self.ax_.get_legend_handles_labels()
            handles = [handle[0] if isinstance(handle, tuple) else handle for handle in handles]
            headline(self.figure_, tests_in_words(results, "bars"), handles, labels)
        else:
            self.ax_.legend(frameon=False, fontsize="small")
        return self

    def _panel(self, ax, results, learners, styles, metric):
        table = _spans(results, ["learner", "setting"], metric)
        offsets = np.linspace(0.36, -0.36, len(styles)) if len(styles) > 1 else [0.0]
        for row in range(0, len(learners), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", zorder=0, linewidth=0)
        for (setting, style), offset in zip(styles.items(), offsets, strict=True):
            part = table.reindex([(learner, setting) for learner in learners])
            mean, low, high = (part[name].to_numpy() for name in ("mean", "low", "high"))
            ax.errorbar(
                mean,
                np.arange(len(learners)) - offset,
                xerr=[mean - low, high - mean],
                label=setting,
                linestyle="none",
                markersize=5.5,
                markeredgewidth=1.2,
                elinewidth=1.2,
                capsize=0,
                zorder=4 if setting == "auto" else 3,
                **style,
            )
        for row, learner in enumerate(learners):
            means = table["mean"].reindex([(learner, setting) for setting in styles])
            if means.isna().all():
                ax.text(0.02, row, "failed", transform=ax.get_yaxis_transform(), va="center", color="#777777")
        ax.set_yticks(range(len(learners)), learners)
        ax.set_ylim(len(learners) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        value_axis(ax.xaxis, table, metric)
        ax.grid(axis="x", which="major", color="#dddddd", linewidth=0.8, zorder=1)
        ax.set_axisbelow(True)
        ax.spines[["top", "right", "left"]].set_visible(False)


class LearningCurveDisplay:
    """Drawing of a learning curve with transfer: error against target rows, one panel per target.

    Use :meth:`from_results` or :meth:`from_estimator` to make one.

    Parameters
    ----------
    results : DataFrame
        From :func:`~skxfer.model_selection.learning_curve_transfer`.
    target_units : str, list of str or dict, optional
        Unit of each target, for the axes; one string serves all.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (n_targets,)
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    PortabilityDisplay : Learners side by side, with all target rows.

    Examples
    --------
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import LearningCurveDisplay
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> display = LearningCurveDisplay.from_estimator(
    ...     "svr", data.data, data.target, data.domain,
    ...     source_domains=data.source_domains, test_domains=data.test_domains,
    ... )
    >>> display.ax_.get_ylabel()
    'MAE of y'
    """

    def __init__(self, results, *, target_units=None):
        self.results = results
        self.target_units = target_units

    @classmethod
    def from_results(cls, results, *, target_units=None, ax=None, metric="mae", targets=None):
        """Draw the result of :func:`~skxfer.model_selection.learning_curve_transfer`.

        Parameters
        ----------
        results : DataFrame
        target_units : str, list of str or dict, optional
        ax, metric, targets :
            As in :meth:`plot`.

        Returns
        -------
        LearningCurveDisplay
        """
        return cls(results, target_units=target_units).plot(ax, metric=metric, targets=targets)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        sample_domain,
        *,
        target_units=None,
        ax=None,
        metric="mae",
        targets=None,
        **curve,
    ):
        """Compute a learning curve and draw it.

        Parameters
        ----------
        estimator, X, y, sample_domain, **curve
            As in :func:`~skxfer.model_selection.learning_curve_transfer`.
        target_units : str, list of str or dict, optional
        ax, metric, targets :
            As in :meth:`plot`.

        Returns
        -------
        LearningCurveDisplay
        """
        results = learning_curve_transfer(estimator, X, y, sample_domain, **curve)
        return cls.from_results(results, target_units=target_units, ax=ax, metric=metric, targets=targets)

    def plot(self, ax=None, *, metric="mae", targets=None):
        """Draw.

        Lines are means over tests (test domain x fold x seed); bands show their
        range, or the central 80 % of more than ten.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, one per target, optional
            Default: a new figure.
        metric : {"mae", "rmse", "r2", "fit_seconds"}, default="mae"
        targets : list of str, optional
            Default: all.

        Returns
        -------
        self : LearningCurveDisplay
        """
        check_choice(metric, METRICS)
        results = self.results
        targets = list(results["target"].unique()) if targets is None else list(targets)
        self.figure_, self.axes_, own = panels(ax, len(targets), 3.0)
        self.ax_ = self.axes_[0]
        for ax, target in zip(self.axes_, targets, strict=True):
            table = _spans(results[results["target"] == target], ["setting", "n_target"], metric)
            for setting in results["setting"].unique():
                part = table.loc[setting].sort_index()
                style = SETTING_STYLE[setting] | {"markersize": 5, "linewidth": 1.6}
                if setting == "source_only":
                    style |= {"marker": "", "linestyle": "--"}
                ax.plot(part.index, part["mean"], label=setting, zorder=3, **style)
                band = {"color": style["color"], "alpha": 0.13, "linewidth": 0, "zorder": 2}
                ax.fill_between(part.index, part["low"], part["high"], **band)
            sizes = np.sort(results["n_target"].unique())
            if sizes[-1] >= 5 * sizes[0]:
                ax.set_xscale("log")
                ax.set_xticks(sizes, [str(size) for size in sizes], minor=False)
                ax.minorticks_off()
            value_axis(ax.yaxis, table, metric)
            ax.set_xlabel("target rows in training")
            ax.set_ylabel(axis_label(metric, target, unit_of(self.target_units, target, targets, metric)))
            ax.grid(color="#e5e5e5", linewidth=0.8)
            ax.set_axisbelow(True)
            ax.spines[["top", "right"]].set_visible(False)
        handles, labels = self.ax_.get_legend_handles_labels()
        if own:
            headline(self.figure_, tests_in_words(results, "bands"), handles, labels)
        else:
            self.ax_.legend(frameon=False, fontsize="small")
        return self


def setting_styles(settings):
    """Return matplotlib keywords for each setting, the sources told apart."""
    sources = [name for name in settings if name.startswith("source_only: ")]
    single = [name for name in settings if name.startswith("auto: ")]
    styles = dict(SETTING_STYLE)
    styles |= {name: SOURCE_STYLES[i % len(SOURCE_STYLES)] for i, name in enumerate(sources)}
    # Transfer from one source: the mark of the source in the colour of transfer.
    styles |= {
        name: SOURCE_STYLES[i % len(SOURCE_STYLES)] | {"color": SETTING_STYLE["auto"]["color"]}
        for i, name in enumerate(single)
    }
    return {name: styles[name] for name in settings}


def _spans(results, by, metric):
    """Mean and span of the tests for each group."""
    groups = results.groupby(by, sort=False)[metric]
    outer = 0.0 if count_tests(results) <= MANY_TESTS else 0.1
    mean, low, high = groups.mean(), groups.quantile(outer), groups.quantile(1 - outer)
    # The mean of equal numbers may differ from them in the last digit.
    return pd.DataFrame({"mean": mean, "low": np.minimum(low, mean), "high": np.maximum(high, mean)})
