"""Periodic tables: places, colours and numbers."""

import numpy as np
import pandas as pd
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.formulas import ELEMENTS  # noqa: E402
from skxfer.inspection import PeriodicTableDisplay  # noqa: E402
from skxfer.inspection._periodic_table import ABSENT_COLOR, table_position  # noqa: E402

SMALL = {"max_epochs": 2, "hidden_dim": 16, "n_blocks": 1, "random_state": 0}
FORMULAS = ["NaCl", "MgO", "Fe", "Cu3Au", "TiO2", "MgTiO3", "FeO"]
LABELS = [5.0, 4.5, 0.0, 0.0, 1.8, 3.7, 0.2]


@pytest.fixture(scope="module")
def models():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    return [LGDCNNRegressor(variant=name, **SMALL).fit(FORMULAS, LABELS) for name in ("lgdcnn", "lstm")]


def cells(display):
    return {patch.get_gid(): patch for patch in display.ax_.patches}


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def test_elements_have_the_period_and_group_of_pymatgen():
    Element = pytest.importorskip("pymatgen.core").Element
    for number, symbol in enumerate(ELEMENTS, start=1):
        place = Element(symbol).row - 1, Element(symbol).group - 1
        if 57 <= number <= 71 or 89 <= number <= 103:
            first = 57 if number <= 71 else 89
            place = (7.5 if number <= 71 else 8.5), 2 + number - first
        assert table_position(number) == place, symbol


def test_no_two_elements_share_a_place():
    assert len({table_position(number) for number in range(1, 119)}) == 118


def test_each_element_has_the_colour_of_its_value_and_absent_ones_are_grey():
    display = PeriodicTableDisplay.from_values({"Fe": 1.0, "O": 3.0, "Si": 2.0})
    cmap = matplotlib.colormaps["YlGnBu"]
    for symbol, share in {"Fe": 0.0, "Si": 0.5, "O": 1.0}.items():
        np.testing.assert_allclose(cells(display)[symbol].get_facecolor(), cmap(share))
    assert cells(display)["Al"].get_facecolor() == matplotlib.colors.to_rgba(ABSENT_COLOR)
    assert len(cells(display)) == 118


def test_both_signs_have_zero_in_the_middle():
    display = PeriodicTableDisplay.from_values({"Fe": -1.0, "O": 4.0})
    assert (display.colorbar_.norm.vmin, display.colorbar_.norm.vmax) == (-4.0, 4.0)
    assert display.colorbar_.cmap.name == "RdBu_r"


def test_limits_are_those_given():
    display = PeriodicTableDisplay.from_values({"Fe": -1.0, "O": 4.0}, limits=(-5, 5))
    assert (display.colorbar_.norm.vmin, display.colorbar_.norm.vmax) == (-5, 5)


def test_values_are_written_with_as_many_digits_as_the_largest_needs():
    assert {"12.3", "−0.1"} <= set(texts(PeriodicTableDisplay.from_values({"Fe": 12.345, "O": -0.06})))
    assert {"1200", "7"} <= set(texts(PeriodicTableDisplay.from_values({"Fe": 1200, "O": 7}, log=True)))
    assert "2.0e−06" in texts(PeriodicTableDisplay.from_values({"Fe": 2e-6}))
    assert "12.3" not in texts(PeriodicTableDisplay.from_values({"Fe": 12.345}, annotate=False))


def test_the_bar_says_what_is_drawn_and_the_unit():
    display = PeriodicTableDisplay.from_values(pd.Series({"Fe": 1.0, "O": 3.0}), label="radius", unit="Å")
    assert display.colorbar_.ax.get_title() == "radius (Å)"


def test_contributions_are_means_over_the_formulas_with_the_element(models):
    values = PeriodicTableDisplay.from_estimator(models[0], FORMULAS).values.set_index("element")
    table = models[0].element_contributions(FORMULAS)
    assert values.loc["O", "value"] == pytest.approx(table["O"][[1, 4, 5, 6]].mean())
    assert values["n"].to_dict() == {
        "O": 4,
        "Na": 1,
        "Mg": 2,
        "Cl": 1,
        "Ti": 2,
        "Fe": 2,
        "Cu": 1,
        "Au": 1,
    }


def test_the_reference_is_subtracted(models):
    display = PeriodicTableDisplay.from_estimator(models[0], FORMULAS, reference=models[1])
    ours, theirs = (model.element_contributions(FORMULAS).mean() for model in models)
    values = display.values.set_index("element")["value"]
    pd.testing.assert_series_equal(
        values.sort_index(), (ours - theirs).sort_index(), check_names=False, check_index_type=False
    )
    assert "difference" in display.label


def test_one_of_several_targets_is_named():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    Y = pd.DataFrame({"gap": LABELS, "bulk": LABELS[::-1]})
    model = LGDCNNRegressor(variant="lgdcnn", **SMALL).fit(FORMULAS, Y)
    display = PeriodicTableDisplay.from_estimator(model, FORMULAS, target="bulk")
    expected = model.element_contributions(FORMULAS)["bulk"].mean()
    assert display.values.set_index("element").loc["Fe", "value"] == pytest.approx(expected["Fe"])
    assert display.label.endswith("to bulk")
    with pytest.raises(ValueError, match="There are 2 targets: name one, target='gap' say"):
        PeriodicTableDisplay.from_estimator(model, FORMULAS)
    with pytest.raises(ValueError, match="There is no target 'density'"):
        PeriodicTableDisplay.from_estimator(model, FORMULAS, target="density")


def test_errors_are_averaged_by_element_without_missing_labels():
    X, y, p = ["FeO", "Fe2O3", "MgO", "Si"], [1.0, 1.0, np.nan, 2.0], [1.5, 0.0, 9.0, 2.0]
    values = PeriodicTableDisplay.from_predictions(X, y, p).values.set_index("element")
    assert values["value"].to_dict() == {"O": 0.75, "Si": 0.0, "Fe": 0.75}
    assert values["n"].to_dict() == {"O": 2, "Si": 1, "Fe": 2}


def test_rare_elements_can_be_left_grey():
    display = PeriodicTableDisplay.from_values({"Fe": 1.0, "O": 3.0}, counts={"Fe": 2, "O": 9}, min_count=5)
    assert cells(display)["Fe"].get_facecolor() == matplotlib.colors.to_rgba(ABSENT_COLOR)
    with pytest.raises(ValueError, match="No element has 10 formulas"):
        display.plot(min_count=10)


def test_it_draws_into_given_axes():
    figure, ax = plt.subplots()
    display = PeriodicTableDisplay.from_values({"Fe": 1.0}, ax=ax)
    assert display.figure_ is figure and display.ax_ is ax


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Fe": 1.0, "Xx": 2.0}, "values has 'Xx', which is no element"),
        ({"Fe": np.inf}, "The value of Fe is infinite"),
        ({"Fe": np.nan}, "no number for any element"),
        (pd.Series([1.0, 2.0], index=["Fe", "Fe"]), "'Fe' more than once"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        PeriodicTableDisplay.from_values(values)


def test_a_logarithm_needs_positive_values():
    with pytest.raises(ValueError, match="that of O is 0"):
        PeriodicTableDisplay.from_values({"Fe": 1.0, "O": 0.0}, log=True)


def test_models_without_contributions_are_refused():
    with pytest.raises(TypeError, match=r"str has no element_contributions.*LGDCNNRegressor"):
        PeriodicTableDisplay.from_estimator("svr", FORMULAS)
