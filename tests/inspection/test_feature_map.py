"""Feature maps in a plane: projection, colours, circles."""

import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.manifold import trustworthiness
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import FeatureMapDisplay  # noqa: E402


def features(n=40):
    return np.random.default_rng(0).normal(size=(n, 3))


def draw(F, values, **options):
    return FeatureMapDisplay.from_features(F, values, method="tsne", **options)


def test_neighbours_stay_neighbours_whatever_the_units_of_the_columns():
    F = features()
    plane = draw(F * [1, 1e6, 1e-6], F[:, 0]).points[["x1", "x2"]]
    assert trustworthiness(F, plane) > 0.9


def test_the_picture_is_the_same_for_the_same_seed():
    F = features()
    one, two = (draw(F, F[:, 0]).points[["x1", "x2"]] for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_points_have_the_colour_of_their_value_and_missing_ones_are_grey():
    values = np.linspace(0, 1, 40)
    values[3] = np.nan
    display = draw(features(), values, limits=(0, 1), label="gap", unit="eV")
    colors = display.ax_.collections[0].get_facecolor()
    expected = matplotlib.colormaps["viridis"](values)
    np.testing.assert_allclose(np.delete(colors[:, :3], 3, 0), np.delete(expected[:, :3], 3, 0))
    np.testing.assert_allclose(colors[3, :3], 0.8)
    assert display.figure_.axes[-1].get_ylabel() == "gap (eV)"


def test_several_values_are_panels_of_one_plane():
    F = features()
    display = draw(F, {"gap": F[:, 0], "bulk": F[:, 1]}, circled=[2, 5])
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["gap", "bulk"]
    for ax in display.axes_:
        np.testing.assert_allclose(ax.collections[0].get_offsets(), display.points[["x1", "x2"]])
        np.testing.assert_allclose(ax.collections[1].get_offsets(), display.points.loc[[2, 5], ["x1", "x2"]])


@pytest.mark.parametrize("container", [list, np.array, lambda x: pd.Series(x, index=x), pd.array])
@pytest.mark.parametrize("mask", [False, True])
def test_circles_are_given_by_numbers_of_rows_or_by_a_mask(container, mask):
    rows = [row in (0, 5) for row in range(8)] if mask else [0, 5]
    display = draw(features(8), np.arange(8.0), circled=container(rows))
    assert np.flatnonzero(display.points["circled"]).tolist() == [0, 5]


def test_one_colouring_may_have_no_numbers():
    display = draw(features(8), {"known": np.arange(8.0), "unknown": np.full(8, np.nan)})
    np.testing.assert_allclose(display.axes_[1].collections[0].get_facecolor()[:, :3], 0.8)


def test_the_largest_errors_are_circled():
    X = features()
    model = make_pipeline(StandardScaler(), DummyRegressor(strategy="constant", constant=0.0)).fit(X, X[:, 0])
    y = np.zeros(40)
    y[[4, 9, 30]] = [3.0, -5.0, np.nan]
    display = FeatureMapDisplay.from_estimator(model, X, y, n_outliers=2, method="tsne")
    assert np.flatnonzero(display.points["circled"]).tolist() == [4, 9]
    np.testing.assert_allclose(display.points["actual"], y)
    assert display.colored_by == ["predicted", "actual"]


def test_what_a_pipeline_projects_is_what_its_last_step_sees():
    X = features()
    model = make_pipeline(StandardScaler(), Ridge()).fit(X, X[:, 0])
    display = FeatureMapDisplay.from_estimator(model, X, method="tsne")
    expected = draw(model[0].transform(X), X[:, 0])
    np.testing.assert_allclose(display.points[["x1", "x2"]], expected.points[["x1", "x2"]])
    np.testing.assert_allclose(display.points["predicted"], model.predict(X))


def test_only_formulas_with_an_element_are_projected():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    X = ["SiO2", "MgO", "Mg2SiO4", "CaSiO3", "SiC", "NaCl", "Si", "SiN"]
    y = np.arange(8.0)
    small = {"max_epochs": 2, "hidden_dim": 16, "n_blocks": 1, "random_state": 0}
    model = LGDCNNRegressor(**small).fit(X, y)
    display = FeatureMapDisplay.from_estimator(
        model, X, y, containing="Si", n_outliers=0, method="tsne", label="gap"
    )
    rows = [0, 2, 3, 4, 6, 7]
    assert display.points["row"].tolist() == rows and not display.points["circled"].any()
    np.testing.assert_allclose(display.points["actual"], y[rows])
    with_si = draw(model.transform([X[row] for row in rows]), y[rows])
    np.testing.assert_allclose(display.points[["x1", "x2"]], with_si.points[["x1", "x2"]], atol=1e-3)


def test_umap_is_used_with_the_seed_if_it_is_installed(monkeypatch):
    seen = {}

    class UMAP:
        def __init__(self, **params):
            seen.update(params)

        def fit_transform(self, X):
            return X[:, :2]

    umap = ModuleType("umap")
    umap.UMAP = UMAP
    umap.__spec__ = ModuleType("spec")
    monkeypatch.setitem(sys.modules, "umap", umap)
    F = features()
    display = FeatureMapDisplay.from_features(F, F[:, 0], random_state=7)
    assert display.method == "umap" and display.ax_.get_xlabel() == "UMAP 1"
    assert (seen["random_state"], seen["n_neighbors"]) == (7, 15)
    np.testing.assert_allclose(display.points[["x1", "x2"]], StandardScaler().fit_transform(F)[:, :2])


def test_without_umap_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match=r"pip install 'skxfer\[umap\]'"):
        FeatureMapDisplay.from_features(features(), features()[:, 0], method="umap")


def test_it_draws_into_given_axes():
    figure, ax = plt.subplots()
    display = draw(features(), features()[:, 0], ax=ax)
    assert display.figure_ is figure and display.ax_ is ax


@pytest.mark.parametrize(
    ("F", "values", "options", "message"),
    [
        (features(3), np.zeros(3), {}, r"at least 4 rows, got \(3, 3\)"),
        (features(5), np.zeros(4), {}, r"'value' has the shape \(4,\) for 5 rows"),
        (
            features(5) / [[1.0]] * 3 + [[np.nan] * 3, *[[0.0] * 3] * 4],
            np.zeros(5),
            {},
            "not finite in row 0",
        ),
        (features(5), {"gap": np.zeros(5), "row": np.ones(5)}, {}, "values has 'row'.*rename it"),
        (features(5), {"x1": np.zeros(5)}, {}, "values has 'x1'"),
        (features(5), np.full(5, np.nan), {}, "All values of 'value' are NaN"),
        (features(5), np.zeros(5), {"circled": [True, False]}, "a mask of 2 rows, but there are 5"),
        (features(5), np.zeros(5), {"circled": [1, 5]}, "names the row 5, but rows are 0 to 4"),
        (features(5), np.zeros(5), {"circled": [-1]}, "names the row -1"),
        (features(5), np.zeros(5), {"circled": [0.5]}, "must hold numbers of rows, or True and False"),
        (features(5), np.zeros(5), {"circled": ["1"]}, "must hold numbers of rows, or True and False"),
        (features(5), np.zeros(5), {"method": "pca"}, "method must be one of auto, umap, tsne"),
    ],
)
def test_bad_input_is_refused(F, values, options, message):
    with pytest.raises(ValueError, match=message):
        FeatureMapDisplay.from_features(F, values, **options)


def test_models_without_features_are_refused():
    X = features()
    with pytest.raises(TypeError, match=r"Ridge has no transform.*from_features"):
        FeatureMapDisplay.from_estimator(Ridge().fit(X, X[:, 0]), X)
    with pytest.raises(ValueError, match="n_outliers must be a whole number, 0 or more"):
        FeatureMapDisplay.from_estimator(Ridge().fit(X, X[:, 0]), X, n_outliers=-1)
