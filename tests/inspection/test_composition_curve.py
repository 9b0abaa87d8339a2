"""Property against composition: curves, bands, contributions and known compounds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import BayesianRidge
from sklearn.pipeline import make_pipeline

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer import CompositionFeaturizer  # noqa: E402
from skxfer.inspection import CompositionCurveDisplay  # noqa: E402

FORMULAS = ["SiO2", "Si", "O2", "MgO", "Si3O5", "Mg2SiO4"]
LABELS = [6.0, 1.1, 2.0, 4.5, np.nan, 5.0]
SMALL = {"max_epochs": 2, "hidden_dim": 16, "n_blocks": 1, "random_state": 0}


class Sloped:
    """Predicts 3 x(Si) - 1, and a second target that is twice that."""

    def predict(self, X):
        from skxfer.formulas import ELEMENTS, parse_formulas

        y = 3 * parse_formulas(X).toarray()[:, ELEMENTS.index("Si")] - 1
        return np.c_[y, 2 * y]


@pytest.fixture(scope="module")
def networks():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    known = ~np.isnan(LABELS)
    # Error bars take 30 compositions.
    X = [*np.array(FORMULAS)[known], *(f"Mg{k}Si" for k in range(2, 32))]
    y = [*np.array(LABELS)[known], *(np.arange(30) / 10)]
    return {name: LGDCNNRegressor(variant=name, **SMALL).fit(X, y) for name in ("lstm", "lgdcnn")}


def test_x_is_the_share_of_the_first_element():
    display = CompositionCurveDisplay.from_estimators(Sloped(), "Si-O", target=0, n_points=7)
    np.testing.assert_allclose(display.curves["prediction"], 3 * display.curves["x"] - 1, atol=1e-5)
    np.testing.assert_allclose(display.curves["x"], np.arange(7) / 6)
    np.testing.assert_allclose(
        display.ax_.lines[0].get_xydata(), display.curves[["x", "prediction"]].to_numpy()
    )
    assert display.ax_.get_xlabel() == "x in Si$_x$O$_{1-x}$"


def test_a_system_is_a_pair_or_a_text():
    one, two = (
        CompositionCurveDisplay.from_estimators(Sloped(), system, target=1, n_points=5).curves
        for system in ("O-Si", ("O", "Si"))
    )
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_allclose(one["prediction"], 6 * (1 - one["x"]) - 2, atol=1e-5)


def test_the_band_is_one_standard_deviation_to_both_sides():
    model = make_pipeline(CompositionFeaturizer("fractions"), BayesianRidge())
    model.fit(FORMULAS[:4], LABELS[:4])
    display = CompositionCurveDisplay.from_estimators(model, "Si-O", n_points=5)
    mean, std = model[-1].predict(model[0].transform([f"Si{k}O{4 - k}" for k in range(5)]), return_std=True)
    np.testing.assert_allclose(display.curves[["prediction", "std"]], np.c_[mean, std], rtol=1e-5)
    corners = display.ax_.collections[0].get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx((mean + std).max())
    assert corners[:, 1].min() == pytest.approx((mean - std).min())


def test_models_without_standard_deviation_have_no_band():
    model = make_pipeline(CompositionFeaturizer("fractions"), ExtraTreesRegressor(3, random_state=0))
    display = CompositionCurveDisplay.from_estimators(model.fit(FORMULAS[:4], LABELS[:4]), "Si-O")
    assert display.curves["std"].isna().all() and not display.ax_.collections


def test_each_model_has_a_panel_on_one_scale(networks):
    display = CompositionCurveDisplay.from_estimators(networks, "Si-O", n_points=11, unit="eV")
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["lstm", "lgdcnn"]
    assert len({ax.get_ylim() for ax in display.axes_}) == 1
    for name, model in networks.items():
        part = display.curves[display.curves["model"] == name]
        mean, std = model.predict([f"Si{k}O{10 - k}" for k in range(11)], return_std=True)
        np.testing.assert_allclose(part[["prediction", "std"]], np.c_[mean, std], atol=1e-5)


def test_the_prediction_is_the_mean_of_the_contributions(networks):
    display = CompositionCurveDisplay.from_estimators(networks, "Si-O", n_points=9, contributions=True)
    of_elements = display.curves[["contribution_A", "contribution_B"]]
    np.testing.assert_allclose(of_elements.mean(axis=1), display.curves["prediction"], atol=1e-5)
    first = display.curves[display.curves["model"] == "lstm"]
    assert first["contribution_A"].isna().tolist() == [True] + [False] * 8
    assert first["contribution_B"].isna().tolist() == [False] * 8 + [True]
    assert len(display.ax_.lines) == 3


def test_known_compounds_are_those_of_the_two_elements_alone():
    display = CompositionCurveDisplay.from_estimators(
        Sloped(), "Si-O", X=FORMULAS, y=np.c_[np.zeros(6), LABELS], target=1
    )
    expected = [[0, 1 / 3, 6.0], [1, 1.0, 1.1], [2, 0.0, 2.0]]
    np.testing.assert_allclose(display.points, expected)
    np.testing.assert_allclose(display.ax_.collections[-1].get_offsets(), np.array(expected)[:, 1:])


def test_labels_of_the_target_that_is_drawn_are_enough():
    model = Sloped()
    model.target_names_ = ["gap", "bulk"]
    display = CompositionCurveDisplay.from_estimators(
        model, "Si-O", X=FORMULAS, y=pd.Series(LABELS, name="bulk"), target="bulk"
    )
    np.testing.assert_allclose(display.points["y"], [6.0, 1.1, 2.0])
    assert display.ax_.get_ylabel() == "bulk"


def test_a_system_without_known_compounds_is_drawn_without_points():
    display = CompositionCurveDisplay.from_estimators(
        Sloped(), "Si-N", X=["MgO"], y=pd.DataFrame({"a": [1.0], "b": [2.0]}), target="b"
    )
    assert display.points.empty and not display.ax_.collections


def test_the_axis_has_name_and_unit():
    display = CompositionCurveDisplay.from_estimators(
        Sloped(), "Si-O", target=0, target_name="gap", unit="eV"
    )
    assert display.ax_.get_ylabel() == "gap (eV)"


def test_it_draws_into_given_axes_and_refuses_too_few(networks):
    figure, axes = plt.subplots(2)
    display = CompositionCurveDisplay.from_estimators(networks, "Si-O", n_points=3, ax=axes)
    assert display.figure_ is figure and (display.axes_ == axes).all()
    with pytest.raises(ValueError, match="2 targets need 2 axes, got 1"):
        display.plot(plt.subplots()[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"system": "Si-Si"}, "two different elements, such as 'Si-O', got 'Si-Si'"),
        ({"system": "Si"}, "two different elements"),
        ({"system": ("Si", "Xx")}, "system has 'Xx', which is no element"),
        ({"X": FORMULAS}, "need both X and y"),
        ({"n_points": 1}, "n_points must be a whole number above 1"),
        ({"estimators": {}}, "estimators is empty"),
        ({"target": None}, "There are 2 targets"),
    ],
)
def test_bad_input_is_refused(change, message):
    given = {"estimators": Sloped(), "system": "Si-O", "target": 0} | change
    with pytest.raises(ValueError, match=message):
        CompositionCurveDisplay.from_estimators(**given)


def test_contributions_of_a_model_that_has_none_are_refused():
    with pytest.raises(TypeError, match="Sloped has no element_contributions"):
        CompositionCurveDisplay.from_estimators(Sloped(), "Si-O", target=0, contributions=True)
