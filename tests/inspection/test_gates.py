"""Gate weights as a table and as pictures."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

from skxfer.inspection import GateDisplay, gate_importance  # noqa: E402


def importance():
    """Two targets, two members; the shares of gas, water and new add up to one."""
    shares = {"gas 1": (0.1, 0.3), "gas 2": (0.2, 0.2), "water 1": (0.3, 0.1), "new 1": (0.4, 0.4)}
    rows = [
        {
            "target": target,
            "expert": expert,
            "category": expert[:-2],
            "member": member,
            "weight": weights[member],
        }
        for target in ("Eads", "Eb")
        for expert, weights in shares.items()
        for member in (0, 1)
    ]
    return pd.DataFrame(rows)


def widths(ax):
    return {bars.get_label(): [patch.get_width() for patch in bars] for bars in ax.containers}


def test_weights_are_means_of_the_gates_over_the_rows(table, two_tiers):
    result = gate_importance(two_tiers, table.data, target_names=["Eads", "Eb"])
    gates = two_tiers.gate_weights(table.data)
    row = result[(result["expert"] == two_tiers.expert_names_[2]) & (result["member"] == 1)]
    assert row.query("target == 'Eb'")["weight"].item() == pytest.approx(gates[:, 1, 1, 2].mean(), rel=1e-5)


def test_weights_of_all_experts_sum_to_one(table, two_tiers):
    total = gate_importance(two_tiers, table.data).groupby(["target", "member"])["weight"].sum()
    np.testing.assert_allclose(total, 1.0, rtol=1e-6)
    assert list(total.index) == [("y0", 0), ("y0", 1), ("y1", 0), ("y1", 1)]


def test_a_category_is_the_source_of_an_expert(table, one_tier, two_tiers):
    categories = gate_importance(two_tiers, table.data).set_index("expert")["category"]
    assert categories["source_1 2"].unique() == ["source_1"] and categories["new 1"].unique() == ["new"]
    assert set(gate_importance(one_tier, table.data)["category"]) == {"expert"}


def test_an_estimator_without_gates_is_refused(table):
    with pytest.raises(TypeError, match="Ridge has no gate_weights: pass a fitted skxfer.HMNNRegressor"):
        gate_importance(Ridge().fit(table.data, table.target), table.data)


def test_wrong_target_names_are_refused(table, one_tier):
    with pytest.raises(ValueError, match="3 target_names for 2 targets"):
        gate_importance(one_tier, table.data, target_names=["a", "b", "c"])


def test_the_map_shows_means_over_members_in_percent():
    ax = GateDisplay(importance()).plot().ax_
    np.testing.assert_allclose(ax.images[0].get_array()[0], [0.2, 0.2, 0.2, 0.4])
    assert [text.get_text() for text in ax.texts[:4]] == ["20", "20", "20", "40"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Eads", "Eb"]


def test_bars_add_the_experts_of_a_category_and_fill_the_axis():
    drawn = widths(GateDisplay(importance()).plot(kind="category").ax_)
    assert list(drawn) == ["gas", "water", "new"]
    np.testing.assert_allclose(list(drawn.values()), [[40, 40], [20, 20], [40, 40]])


def test_bars_tell_the_spread_over_members():
    ax = GateDisplay(importance()).plot(kind="category").ax_
    # gas: 0.3 and 0.5, of standard deviation 0.1 * sqrt(2)
    assert ax.texts[0].get_text() == "40 ± 14"
    single = importance().query("member == 0")
    assert GateDisplay(single).plot(kind="category").ax_.texts[0].get_text() == "30"


def test_new_experts_have_a_colour_of_their_own():
    ax = GateDisplay(importance()).plot(kind="category").ax_
    colours = [to_hex(bars.patches[0].get_facecolor()) for bars in ax.containers]
    assert len(set(colours)) == 3 and colours[2] == "#d55e00"


def test_it_draws_a_fitted_estimator_into_given_axes(table, two_tiers):
    figure, ax = plt.subplots()
    display = GateDisplay.from_estimator(two_tiers, table.data, kind="category", ax=ax)
    assert display.figure_ is figure and display.ax_ is ax and ax.get_legend() is not None


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of expert, category, got 'pie'"):
        GateDisplay(importance()).plot(kind="pie")
