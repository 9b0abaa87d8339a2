import numpy as np
import pandas as pd
import pytest

pytest.importorskip("matplotlib")
from skxfer.inspection import ActiveCurveDisplay


@pytest.fixture
def results():
    table = pd.DataFrame(
        [
            {
                "arm": arm,
                "seed": seed,
                "round": i,
                "n_labelled": 10 + 5 * i,
                "best": 10.0 * i + seed,
                "gap": 30.0 - 10 * i,
                "rank": 0.3 - 0.1 * i,
                "found": (0.2 if arm == "active" else 0.1) * i,
                "mae": 1.0 / (1 + i),
                "stop": None,
                "error": "",
            }
            for arm in ("active", "random", "target_only", "random, target_only")
            for seed in range(4)
            for i in range(3)
        ]
    )
    table.attrs = {"goal": "maximize", "target": "yield", "top": 0.05, "n_pool": 200, "n_per_round": 5}
    return table


def lines(display):
    return {line.get_label(): line for line in display.ax_.get_lines()}


def test_lines_are_means_over_the_seeds(results):
    display = ActiveCurveDisplay.from_results(results, metric="best", target_units="%")
    line = lines(display)["chosen, with transfer"]
    np.testing.assert_allclose(line.get_xdata(), [10, 15, 20])
    np.testing.assert_allclose(line.get_ydata(), [1.5, 11.5, 21.5])
    assert display.ax_.get_ylabel() == "best yield found (%)"


def test_the_share_of_the_best_rows_is_drawn_by_default(results):
    display = ActiveCurveDisplay.from_results(results)
    assert display.ax_.get_ylabel() == "found of the best 5 %"
    np.testing.assert_allclose(lines(display)["random"].get_ydata(), [0.0, 0.1, 0.2])


def test_random_rows_are_drawn_once_where_no_model_counts(results):
    names = ["chosen, with transfer", "random", "chosen, target_only"]
    assert [*lines(ActiveCurveDisplay.from_results(results))] == names
    assert len(lines(ActiveCurveDisplay.from_results(results, metric="mae"))) == 4


def test_bands_show_the_standard_error_over_the_seeds(results):
    display = ActiveCurveDisplay.from_results(results, metric="best")
    assert len(display.ax_.collections) == 3
    edge = display.ax_.collections[0].get_paths()[0].vertices[:, 1]
    error = np.std([0, 1, 2, 3], ddof=1) / 2
    assert edge.min() == pytest.approx(1.5 - error)
    assert edge.max() == pytest.approx(21.5 + error)


def test_exploring_draws_the_error(results):
    results[["best", "gap", "rank", "found"]] = np.nan
    results.attrs["goal"] = "explore"
    display = ActiveCurveDisplay.from_results(results)
    assert display.ax_.get_ylabel() == "MAE of yield"
    with pytest.raises(ValueError, match="no 'found'"):
        ActiveCurveDisplay.from_results(results, metric="found")


def test_the_caption_says_what_was_done_and_how_it_ended(results):
    display = ActiveCurveDisplay.from_results(results)
    text = " ".join(display.figure_._supxlabel.get_text().split())
    assert text.startswith("goal: maximize; 5 rows a round out of 200 target rows")
    assert "mean over 4 seeds" in text
    assert "Better than random choice in 100 % of the seeds" in text
    results.attrs |= {"goal": 4.2, "interrupted": True}
    text = " ".join(ActiveCurveDisplay.from_results(results).figure_._supxlabel.get_text().split())
    assert text.startswith("goal: nearest to 4.2")
    assert text.endswith("Interrupted: part of the study is missing")


def test_arms_are_told_apart_without_colour(results):
    drawn = lines(ActiveCurveDisplay.from_results(results, metric="mae")).values()
    assert len({(line.get_linestyle(), line.get_marker()) for line in drawn}) == 4


def test_given_axes_are_used(results):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert ActiveCurveDisplay.from_results(results, ax=ax).ax_ is ax


def test_an_unknown_metric_is_an_error(results):
    with pytest.raises(ValueError, match="metric must be one of found, rank"):
        ActiveCurveDisplay.from_results(results, metric="rmse")
