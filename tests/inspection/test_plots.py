"""That what is drawn is what the tables say."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from skxfer.datasets import make_domains

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.colors import to_hex, to_rgb  # noqa: E402

from skxfer.inspection import LearningCurveDisplay, PortabilityDisplay  # noqa: E402

SETTINGS = ["source_only: gas", "source_only: water", "target_only", "merge", "auto"]


def study(targets=("Eads", "Eb"), learners=("rf", "svr"), n_tests=3, scale=1.0):
    """Results with a different error in each row."""
    rows = [
        {
            **dict(zip(("learner", "setting", "target"), (learner, setting, target), strict=True)),
            **dict(zip(("test_domain", "fold", "seed"), (f"solvent {test}", 0, 0), strict=True)),
            "mae": scale * (1 + 0.1 * k) + 0.01 * test,
            "r2": 0.5 - 0.1 * k,
            "fit_seconds": 1.0 + k,
        }
        for target in targets
        for learner in learners
        for k, setting in enumerate(SETTINGS)
        for test in range(n_tests)
    ]
    results = pd.DataFrame(rows)
    results.attrs = {"interrupted": False, "test_domains": [f"solvent {test}" for test in range(n_tests)]}
    return results


def curve(n_tests=2):
    rows = [
        {
            **dict(zip(("n_target", "setting", "target"), (n, setting, "Eads"), strict=True)),
            **dict(zip(("test_domain", "fold", "seed"), ("ether", 0, seed), strict=True)),
            "mae": 1.0 / n + 0.01 * seed + k,
        }
        for n in (5, 20, 80)
        for k, setting in enumerate(["source_only", "target_only", "auto"])
        for seed in range(n_tests)
    ]
    results = pd.DataFrame(rows)
    results.attrs = {"interrupted": False, "test_domains": ["ether"]}
    return results


def points(ax):
    """x of each point by setting and row, as drawn."""
    return {
        container.get_label(): dict(zip(np.round(line.get_ydata()), line.get_xdata(), strict=True))
        for container in ax.containers
        for line in [container[0]]
    }


def caption_of(results):
    return " ".join(PortabilityDisplay.from_results(results).figure_.get_supxlabel().split())


def test_points_are_means_over_tests_and_bars_their_range():
    results = study()
    display = PortabilityDisplay.from_results(results)
    means = results.groupby(["target", "learner", "setting"])["mae"].mean()
    for ax, target in zip(display.axes_, ["Eads", "Eb"], strict=True):
        drawn = points(ax)
        assert drawn["auto"] == pytest.approx(
            {0: means[target, "rf", "auto"], 1: means[target, "svr", "auto"]}
        )
        assert drawn["source_only: gas"][0] == pytest.approx(means[target, "rf", "source_only: gas"])
    bars = display.ax_.containers[-1][2][0].get_segments()
    np.testing.assert_allclose(bars[0][:, 0], [1.4, 1.42])


def test_many_tests_show_their_central_eighty_percent():
    display = PortabilityDisplay.from_results(study(n_tests=21))
    bars = display.ax_.containers[-1][2][0].get_segments()
    np.testing.assert_allclose(bars[0][:, 0], [1.4 + 0.01 * 2, 1.4 + 0.01 * 18])
    assert "central 80 % of the 21 tests" in " ".join(display.figure_.get_supxlabel().split())


def test_the_caption_says_what_was_tested():
    results = study()
    caption = caption_of(results)
    assert "solvent 0, solvent 1, solvent 2, held out" in caption and "range of the 3 tests" in caption
    results.attrs["interrupted"] = True
    assert "Interrupted" in caption_of(results)
    results.attrs["test_domains"] = []
    folds = results.assign(fold=results["test_domain"].factorize()[0], test_domain="ether", seed=0)
    folds.attrs = results.attrs
    assert "3 folds over the target rows" in caption_of(folds)
    left_out = folds.assign(test_domain=results["test_domain"])
    left_out.attrs = results.attrs
    assert "left out in turn" in caption_of(left_out)


@pytest.mark.parametrize("units", ["eV", ["eV", "e"], {"Eads": "eV", "Eb": "e"}])
def test_axes_carry_target_and_unit(units):
    display = PortabilityDisplay.from_results(study(), target_units=units)
    second = "eV" if units == "eV" else "e"
    assert [ax.get_xlabel() for ax in display.axes_] == ["MAE of Eads (eV)", f"MAE of Eb ({second})"]


def test_other_metrics_have_their_own_units():
    assert (
        PortabilityDisplay.from_results(study(), metric="fit_seconds").ax_.get_xlabel()
        == "fit time of Eads (s)"
    )
    display = PortabilityDisplay.from_results(study(), target_units="eV", metric="r2")
    assert display.ax_.get_xlabel() == "R² of Eads"
    with pytest.raises(ValueError, match="metric must be one of mae"):
        PortabilityDisplay.from_results(study(), metric="MAE")


def test_the_axis_is_logarithmic_only_where_errors_differ_by_much():
    assert PortabilityDisplay.from_results(study()).ax_.get_xscale() == "linear"
    assert PortabilityDisplay.from_results(study()).ax_.get_xlim()[0] == 0
    results = study()
    results.loc[results["setting"] == "source_only: gas", "mae"] *= 100
    ax = PortabilityDisplay.from_results(results).ax_
    assert ax.get_xscale() == "log"
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert {"1", "2", "5", "10", "100"} <= set(labels)


def test_settings_differ_in_marker_and_in_lightness_or_hue_for_the_colour_blind():
    display = PortabilityDisplay.from_results(study())
    lines = [container[0] for container in display.ax_.containers]
    assert len({line.get_marker() for line in lines}) == len(lines)
    colours = [np.array(to_rgb(line.get_color())) for line in lines]
    # Red-green blindness merges the two channels roughly into their weighted mean (Viénot et al., 1999).
    seen = [np.array([0.11 * c[0] + 0.89 * c[1], c[2]]) for c in colours]
    distances = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.1
    assert to_hex(lines[2].get_markerfacecolor()) == "#ffffff"


def test_a_learner_without_any_number_is_marked_as_failed():
    results = study()
    results.loc[results["learner"] == "svr", "mae"] = np.nan
    texts = [text.get_text() for text in PortabilityDisplay.from_results(results).ax_.texts]
    assert texts == ["failed"]
    results["mae"] = np.nan
    PortabilityDisplay.from_results(results).figure_.canvas.draw()


def test_it_draws_into_given_axes_and_refuses_too_few():
    figure, axes = plt.subplots(1, 2)
    display = PortabilityDisplay.from_results(study(), ax=axes)
    assert display.figure_ is figure and list(display.axes_) == list(axes)
    assert display.ax_.get_legend() is not None
    _, ax = plt.subplots()
    assert PortabilityDisplay.from_results(study(), ax=ax, targets=["Eb"]).ax_ is ax
    with pytest.raises(ValueError, match="2 targets need 2 axes, got 1"):
        PortabilityDisplay.from_results(study(), ax=ax)


@pytest.mark.parametrize("targets", [["Eads"], ["Eads", "Eb"]])
@pytest.mark.parametrize("source", ["gas", "liquid ammonia at its boiling point"])
def test_legend_and_caption_stay_within_the_figure(targets, source):
    results = study(targets=targets)
    attrs = results.attrs
    results = results.replace({"setting": {"source_only: gas": f"source_only: {source}"}})
    results.attrs = attrs
    figure = PortabilityDisplay.from_results(results).figure_
    figure.canvas.draw()
    for artist in (figure.legends[0], figure._supxlabel):
        box = artist.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0 and box.y1 <= figure.bbox.height


@pytest.mark.parametrize("n_targets", [1, 3])
def test_there_is_one_panel_per_target(n_targets):
    display = PortabilityDisplay.from_results(study(targets=[f"y{i}" for i in range(n_targets)]))
    assert len(display.axes_) == n_targets == len(display.figure_.axes)


def test_plotting_again_gives_a_new_figure_and_leaves_the_table_alone():
    results = study()
    before = results.copy()
    display = PortabilityDisplay(results)
    first = display.plot().figure_
    assert display.plot(metric="r2").figure_ is not first
    pd.testing.assert_frame_equal(results, before)


def test_from_estimators_runs_the_study():
    problem = make_domains(40, 20, 15, 3, random_state=0)
    display = PortabilityDisplay.from_estimators(
        {"ridge": Ridge(), "knn": KNeighborsRegressor()},
        *(problem.data, problem.target, problem.domain),
        source_domains=["source_0"],
        test_domains=["test"],
        target_units="eV",
    )
    assert list(display.results["learner"].unique()) == ["ridge", "knn"]
    assert display.ax_.get_xlabel() == "MAE of y (eV)"


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'skxfer\[plot\]'"):
        PortabilityDisplay.from_results(study())


def test_the_learning_curve_shows_means_and_range():
    display = LearningCurveDisplay.from_results(curve(), target_units="eV")
    lines = {line.get_label(): line for line in display.ax_.lines}
    assert set(lines) == {"source_only", "target_only", "auto"}
    np.testing.assert_allclose(lines["auto"].get_xdata(), [5, 20, 80])
    np.testing.assert_allclose(lines["auto"].get_ydata(), [2.205, 2.055, 2.0175])
    band = display.ax_.collections[2].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(2.21) and band[:, 1].min() == pytest.approx(2.0125)
    assert display.ax_.get_xscale() == "log"
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["5", "20", "80"]
    assert display.ax_.get_ylabel() == "MAE of Eads (eV)"


def test_the_learning_curve_of_an_estimator_is_computed():
    problem = make_domains(40, 20, 15, 3, random_state=0)
    display = LearningCurveDisplay.from_estimator(
        Ridge(),
        *(problem.data, problem.target, problem.domain),
        source_domains=["source_0"],
        test_domains=["test"],
        train_sizes=[10, 20],
    )
    assert list(display.results["n_target"].unique()) == [10, 20]
    figure, ax = plt.subplots()
    assert LearningCurveDisplay.from_results(display.results, ax=ax).figure_ is figure
