"""The map of experts, also where their outputs are equal."""

import numpy as np
import pytest

pytest.importorskip("skorch")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import ExpertMapDisplay  # noqa: E402
from skxfer.inspection._expert_map import _embed  # noqa: E402


def test_groups_of_points_stay_together():
    rng = np.random.default_rng(0)
    centres = 20 * np.eye(3)
    points = np.repeat(centres, 30, axis=0) + rng.normal(size=(90, 3))
    place = _embed(points, np.random.RandomState(0))
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    group = np.repeat(np.arange(3), 30)
    assert (group[distance.argmin(axis=1)] == group).all()


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((40, 8)),
        np.repeat([[0.0, 1.0], [1.0, 0.0]], 20, axis=0),
        np.arange(10.0)[:, None],
        np.arange(2.0)[:, None],
        1e-30 * np.arange(12.0).reshape(6, 2),
    ],
    ids=["all equal", "two values", "one component", "two points", "tiny"],
)
def test_equal_and_few_points_have_a_place(points):
    place = _embed(points, np.random.RandomState(0))
    assert place.shape == (len(points), 2) and np.isfinite(place).all()


def test_one_point_has_no_map():
    with pytest.raises(ValueError, match="two points at least"):
        _embed(np.zeros((1, 3)), np.random.RandomState(0))


def test_there_is_a_point_for_each_row_and_each_expert_in_use(table, two_tiers):
    display = ExpertMapDisplay.from_estimator(two_tiers, table.data, n_samples=10, random_state=0)
    gates = two_tiers.gate_weights(table.data)[:, 0]
    used = [
        name for name, some in zip(two_tiers.expert_names_, (gates > 0).any(axis=(0, 1)), strict=True) if some
    ]
    assert len(used) < len(two_tiers.expert_names_)  # one expert of a source for each target
    assert list(display.embedding["expert"].unique()) == used
    rows = display.embedding.groupby("expert")["row"].agg(["size", "nunique"])
    assert (rows == 10).all(axis=None)


def test_the_same_seed_makes_the_same_map(table, one_tier):
    first, second = (
        ExpertMapDisplay.from_estimator(one_tier, table.data, n_samples=10, random_state=0).embedding
        for _ in range(2)
    )
    assert first.equals(second)


def test_experts_of_a_category_share_a_colour_and_differ_in_marker(table, two_tiers):
    ax = ExpertMapDisplay.from_estimator(two_tiers, table.data, n_samples=10, random_state=0).ax_
    handles, labels = ax.get_legend_handles_labels()
    of = dict(zip(labels, handles, strict=True))
    first, second = of["new 1"], of["new 2"]
    np.testing.assert_array_equal(first.get_facecolor()[:, :3], second.get_facecolor()[:, :3])
    assert not np.array_equal(first.get_paths()[0].vertices, second.get_paths()[0].vertices)
    sources = [of[label] for label in labels if label.startswith("source_0")]
    assert not np.array_equal(sources[0].get_facecolor(), first.get_facecolor())


def test_it_draws_into_given_axes(table, one_tier):
    figure, ax = plt.subplots()
    display = ExpertMapDisplay.from_estimator(one_tier, table.data[:5], member=1, random_state=0, ax=ax)
    assert display.figure_ is figure and display.ax_ is ax


def test_a_member_that_does_not_exist_is_refused(table, one_tier):
    with pytest.raises(ValueError, match="member must be from 0 to 1, got 2"):
        ExpertMapDisplay.from_estimator(one_tier, table.data, member=2)
