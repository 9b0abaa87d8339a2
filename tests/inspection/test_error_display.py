"""Errors grouped by structure, and their picture."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import ErrorDisplay, errors_by_structure  # noqa: E402


def problem():
    """Two targets; the error of the first is 0.1 times the distance, that of the second 0.2."""
    distance = np.repeat([1.0, 2.0, 3.0], 10)
    Y = pd.DataFrame({"Eads": np.zeros(30), "Eb": np.ones(30)})
    P = Y + np.outer(distance, [0.1, -0.2])
    return Y, P, pd.DataFrame({"distance": distance, "site": np.tile(["top", "hollow"], 15)})


def test_each_value_of_a_variable_is_a_group():
    table = errors_by_structure(*problem()).query("target == 'Eb' and variable == 'distance'")
    assert list(table["group"]) == ["1", "2", "3"]
    np.testing.assert_allclose(table["mae"], [0.2, 0.4, 0.6])
    np.testing.assert_allclose(table[["position", "n"]], [[1, 10], [2, 10], [3, 10]])


def test_text_is_grouped_by_word():
    table = errors_by_structure(*problem()).query("target == 'Eads' and variable == 'site'")
    assert list(table["group"]) == ["hollow", "top"] and list(table["n"]) == [15, 15]
    np.testing.assert_allclose(table["mae"], [0.2, 0.2])


def test_facets_written_as_text_are_words_on_the_axis():
    display = ErrorDisplay.from_predictions([1.0, 2.0], [1.5, 2.1], {"facet": ["111", "100"]})
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == ["100", "111"]
    assert list(display.errors["kind"]) == ["text", "text"]


def test_many_values_are_cut_into_bins_of_as_many_rows():
    angle = np.random.default_rng(0).permutation(100) / 10
    table = errors_by_structure(angle, np.zeros(100), {"angle": angle}, n_bins=4)
    assert list(table["n"]) == [25] * 4
    np.testing.assert_allclose(table["position"], [1.2, 3.7, 6.2, 8.7])
    np.testing.assert_allclose(table["mae"], table["position"])


def test_values_that_are_mostly_equal_make_fewer_bins():
    angle = np.r_[np.zeros(80), np.arange(1, 21)]
    table = errors_by_structure(np.zeros(100), np.ones(100), {"angle": angle}, n_bins=5)
    assert table["n"].sum() == 100 and len(table) < 5


def test_the_range_is_the_central_eighty_percent():
    error = np.arange(101) / 100
    row = errors_by_structure(error, np.zeros(101), {"all": np.zeros(101)}).iloc[0]
    assert (row["low"], row["mae"], row["high"]) == pytest.approx((0.1, 0.5, 0.9))


def test_missing_labels_and_values_are_left_out():
    Y, P, structure = problem()
    Y.iloc[:10, 0] = np.nan
    structure.loc[10, "distance"] = np.nan
    table = errors_by_structure(Y, P, structure).query("variable == 'distance'")
    assert table.set_index(["target", "group"])["n"].to_dict() == {
        ("Eads", "2"): 9,
        ("Eads", "3"): 10,
        ("Eb", "1"): 10,
        ("Eb", "2"): 9,
        ("Eb", "3"): 10,
    }


def test_arrays_that_do_not_fit_are_refused():
    Y, P, structure = problem()
    with pytest.raises(ValueError, match=r"y_true has the shape \(30, 2\) and y_pred \(30, 1\)"):
        errors_by_structure(Y, P["Eads"], structure)
    with pytest.raises(ValueError, match="structure has 3 values of 'site' for 30 rows"):
        errors_by_structure(Y, P, {"site": ["top"] * 3})
    P.iloc[4, 1] = np.inf
    with pytest.raises(ValueError, match="y_pred is not finite in row 4"):
        errors_by_structure(Y, P, structure)


def test_there_is_a_row_of_panels_per_target_and_a_column_per_variable():
    display = ErrorDisplay.from_predictions(*problem(), target_units={"Eads": "eV", "Eb": "meV"})
    assert display.axes_.shape == (2, 2)
    assert [ax.get_ylabel() for ax in display.axes_[:, 0]] == ["MAE of Eads (eV)", "MAE of Eb (meV)"]
    assert [ax.get_xlabel() for ax in display.axes_[1]] == ["distance", "site"]


def test_points_are_the_means_and_words_are_on_the_axis():
    display = ErrorDisplay.from_predictions(*problem())
    line = display.axes_[1, 0].containers[0][0]
    np.testing.assert_allclose(line.get_xydata(), [[1, 0.2], [2, 0.4], [3, 0.6]])
    assert [tick.get_text() for tick in display.axes_[1, 1].get_xticklabels()] == ["hollow", "top"]


@pytest.mark.parametrize("tolerance", [0.05, [0.05, 0.1], {"Eads": 0.05}])
def test_the_tolerance_is_a_line(tolerance):
    display = ErrorDisplay.from_predictions(*problem(), tolerance=tolerance)
    lines = [line for line in display.axes_[0, 0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in lines] == [0.05]
    dashed = [line for line in display.axes_[1, 0].lines if line.get_linestyle() == "--"]
    assert len(dashed) == (0 if isinstance(tolerance, dict) else 1)


def test_any_estimator_can_be_drawn():
    Y, _, structure = problem()
    model = DummyRegressor(strategy="constant", constant=[0.5, 0.5]).fit(structure[["distance"]], Y)
    display = ErrorDisplay.from_estimator(model, structure[["distance"]], Y, structure)
    np.testing.assert_allclose(display.errors["mae"], 0.5)


def test_it_draws_into_given_axes_and_refuses_too_few():
    figure, axes = plt.subplots(2, 2)
    display = ErrorDisplay.from_predictions(*problem(), ax=axes)
    assert display.figure_ is figure and (display.axes_ == axes).all()
    with pytest.raises(ValueError, match="4 panels need 4 axes, got 1"):
        ErrorDisplay.from_predictions(*problem(), ax=plt.subplots()[1])
