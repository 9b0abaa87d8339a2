"""The picture of which source is a good one."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer import HierarchicalTransfer  # noqa: E402
from skxfer.datasets import make_domains  # noqa: E402
from skxfer.inspection import SourceRankingDisplay  # noqa: E402


@pytest.fixture(scope="module")
def model():
    data = make_domains(relation="related", n_sources=4, n_target=20, random_state=0)
    train = data.domain != "test"
    y = np.column_stack([data.target, -data.target])[train]
    model = HierarchicalTransfer(Ridge(), source_domains=data.source_domains, random_state=0)
    return model.fit(data.data[train], y, sample_domain=data.domain[train])


def test_there_is_a_bar_for_each_source_and_a_panel_for_each_target(model):
    display = SourceRankingDisplay.from_estimator(model, target_units="eV")
    assert len(display.axes_) == 2
    for t, axis in enumerate(display.axes_):
        rows = display.ranking[display.ranking["target"] == t]
        widths = [bar.get_width() for bar in axis.patches]
        np.testing.assert_array_equal(widths, rows["mae_rescaled"])
        assert "eV" in axis.get_xlabel()
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == list(display.ranking["source"].unique())
    plt.close(display.figure_)


def test_axes_may_be_given(model):
    figure, axes = plt.subplots(1, 2)
    assert SourceRankingDisplay.from_estimator(model, ax=axes).figure_ is figure
    plt.close(figure)


def test_without_a_ranking_it_says_why():
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20.0)
    with pytest.raises(ValueError, match="ranked no sources"):
        SourceRankingDisplay.from_estimator(HierarchicalTransfer(Ridge()).fit(X, y))
