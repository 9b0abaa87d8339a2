"""The picture of y-scrambling."""

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import YScramblingDisplay  # noqa: E402


def results(n_permutations=4):
    """Two folds; true labels 0.1, shuffled ones 0.5, 0.6, ..."""
    rows = [
        {"permutation": p, "fold": fold, "target": target, "mae": mae + 0.02 * fold, "r2": -mae}
        for p, mae in enumerate([0.1, *(0.5 + 0.1 * np.arange(n_permutations))], start=-1)
        for fold in (0, 1)
        for target in ("Eads", "Eb")
    ]
    return pd.DataFrame(rows)


def drawn(ax):
    return {line.get_label(): line.get_xdata() for line in ax.lines if not line.get_label().startswith("_")}


def test_each_permutation_is_a_point_at_its_mean_over_the_folds():
    points = drawn(YScramblingDisplay.from_results(results()).ax_)
    np.testing.assert_allclose(points["shuffled labels"], [0.51, 0.61, 0.71, 0.81])
    np.testing.assert_allclose(points["true labels"], [0.11])


def test_the_title_has_the_p_value():
    ax = YScramblingDisplay.from_results(results()).ax_
    assert ax.get_title(loc="right").startswith("p = 0.2, z = ")


def test_there_is_one_panel_per_target_with_its_unit():
    display = YScramblingDisplay.from_results(results(), target_units=["eV", "meV"])
    assert [ax.get_xlabel() for ax in display.axes_] == ["MAE of Eads (eV)", "MAE of Eb (meV)"]
    display = YScramblingDisplay.from_results(results(), metric="r2", target_units="eV", targets=["Eb"])
    assert [ax.get_xlabel() for ax in display.axes_] == ["R² of Eb"]


def test_it_draws_into_given_axes():
    figure, axes = plt.subplots(1, 2)
    assert YScramblingDisplay.from_results(results(), ax=axes).figure_ is figure


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metric must be one of mae, r2, got 'rmse'"):
        YScramblingDisplay.from_results(results(), metric="rmse")


def test_one_permutation_and_a_single_target_can_be_drawn():
    one = results(1).query("target == 'Eads'")
    YScramblingDisplay.from_results(one).figure_.canvas.draw()
