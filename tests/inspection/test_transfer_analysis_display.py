"""The picture of a transfer analysis."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDRegressor

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

from skxfer.inspection import TransferAnalysisDisplay  # noqa: E402
from skxfer.model_selection import transfer_analysis_summary  # noqa: E402

SOURCES = {"far": (0.8, -0.4), "near": (0.1, 0.9), "middle": (0.3, 0.0)}


def results(parts=("embedding", "all")):
    """Four splits: a clear loss from a far source, a clear gain from a near one, neither from another."""
    wobble = np.array([0.02, -0.02, 0.01, -0.01])
    rows = [("target_only", "target_only", "", np.nan, np.zeros(4))]
    for name, (distance, gain) in SOURCES.items():
        rows += [("transfer", name, part, distance, gain + wobble) for part in parts]
    rows.append(("baseline", "boosting", "", np.nan, 5 * wobble))
    return pd.DataFrame(
        {
            "kind": kind,
            "source": source,
            "carry": carry,
            "split": split,
            "seed": 0,
            "n_train": 80,
            "n_test": 20,
            "n_target": 100,
            "error": 2.0 - gains[split],
            "target_only_error": 2.0,
            "domain_distance": distance,
            "failure": "",
        }
        for kind, source, carry, distance, gains in rows
        for split in range(4)
    )


def marks(ax):
    """Value, height, and whether each mark is filled, by the label of its series in the order drawn."""
    found = []
    for container in ax.containers:
        points = container.lines[0]
        filled = to_hex(points.get_markerfacecolor()) != "#ffffff"
        found += [(x, y, filled) for x, y in zip(points.get_xdata(), points.get_ydata(), strict=True)]
    return sorted(found, key=lambda mark: mark[1])


def test_sources_are_in_order_of_their_distance_and_baselines_last():
    ax = TransferAnalysisDisplay.from_results(results()).ax_
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["near\ndistance 0.10", "middle\ndistance 0.30", "far\ndistance 0.80", "boosting"]


def test_each_mark_is_the_mean_gain_and_filled_where_it_is_significant():
    ax = TransferAnalysisDisplay.from_results(results(["all"])).ax_
    values, heights, filled = zip(*marks(ax), strict=True)
    np.testing.assert_allclose(values, [45.0, 0.0, -20.0, 0.0], atol=1e-9)
    assert heights == (0, 1, 2, 3)
    assert filled == (True, False, True, False)


def test_bars_are_the_limits_of_the_summary():
    ax = TransferAnalysisDisplay.from_results(results(["all"])).ax_
    summary = transfer_analysis_summary(results(["all"])).set_index("source")
    ends = [
        segment[:, 0]
        for bar in ax.collections
        if hasattr(bar, "get_segments")
        for segment in bar.get_segments()
    ]
    expected = summary.loc["near", ["gain_low", "gain_high"]].to_numpy(dtype=float)
    assert any(np.allclose(end, expected) for end in ends)


def test_parts_lie_beside_each_other_and_are_named_in_the_legend():
    display = TransferAnalysisDisplay.from_results(results())
    assert len(marks(display.ax_)) == 3 * 2 + 1
    legend = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert legend == ["embedding", "all", "baseline"]
    display = TransferAnalysisDisplay.from_results(results(["all"]))
    assert display.figure_.legends[0].get_texts()[0].get_text() == "transfer"


def test_sources_without_a_distance_come_as_they_were_given():
    table = results().assign(domain_distance=np.nan)
    ax = TransferAnalysisDisplay.from_results(table).ax_
    assert [label.get_text() for label in ax.get_yticklabels()] == ["far", "near", "middle", "boosting"]


def test_a_source_that_failed_is_said_to_have():
    table = results(["all"])
    failed = table["source"] == "near"
    table.loc[failed, ["error", "failure"]] = [np.nan, "ValueError: no"]
    display = TransferAnalysisDisplay.from_results(table)
    assert [text.get_text() for text in display.ax_.texts] == ["failed"]
    display.figure_.canvas.draw()


def test_one_split_has_points_without_bars():
    TransferAnalysisDisplay.from_results(results().query("split == 0")).figure_.canvas.draw()


def test_the_caption_says_what_was_measured():
    text = TransferAnalysisDisplay.from_results(results()).figure_.get_supxlabel()
    assert "4 splits of the target rows, 80 rows to train and 20 to test" in " ".join(text.split())
    table = results()
    table.attrs["interrupted"] = True
    text = TransferAnalysisDisplay.from_results(table).figure_.get_supxlabel()
    assert "Interrupted" in text


def test_it_draws_into_given_axes():
    figure, ax = plt.subplots()
    assert TransferAnalysisDisplay.from_results(results(), ax=ax).figure_ is figure


def test_it_runs_an_analysis():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = X.sum(axis=1)
    display = TransferAnalysisDisplay.from_estimator(
        SGDRegressor(), {"a": (X[:20], y[:20])}, (X[20:], y[20:]), n_splits=3
    )
    assert list(display.summary_["source"]) == ["target_only", "a"]
