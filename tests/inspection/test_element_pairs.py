"""Which pairs of elements two models see differently: numbers and picture."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import ElementPairDisplay  # noqa: E402

FORMULAS = ["NaCl", "MgO", "Fe", "FeO", "TiO2", "MgTiO3", "Mg2TiO4", "MgFe2O4"]
LABELS = [5.0, 4.5, 0.0, 0.0, 1.8, 3.7, 3.0, 1.0]


class Maps:
    """A model with random feature maps, and predictions that are off by a given error per formula."""

    def __init__(self, seed, errors=None, size=6):
        self.seed, self.errors, self.size = seed, errors, size

    def element_feature_map(self, X):
        from skxfer.formulas import ELEMENTS, parse_formulas

        maps = []
        for formula, row in zip(X, parse_formulas(X).toarray(), strict=True):
            symbols = [ELEMENTS[k] for k in np.argsort(-row, kind="stable")[: (row > 0).sum()]]
            rng = np.random.default_rng([self.seed, *formula.encode()])
            maps.append(pd.DataFrame(rng.normal(size=(len(symbols), self.size)), index=symbols))
        return maps

    def predict(self, X):
        return np.array([LABELS[FORMULAS.index(x)] + self.errors[FORMULAS.index(x)] for x in X])


def expected(a, b, X):
    """The definition, one pair and formula at a time."""
    found = {}
    for here, there in zip(a.element_feature_map(X), b.element_feature_map(X), strict=True):
        for pair in combinations(sorted(here.index), 2):
            r = [pearsonr(table.loc[pair[0]], table.loc[pair[1]])[0] for table in (here, there)]
            found.setdefault(frozenset(pair), []).append(abs(r[0] - r[1]))
    return found


def test_the_influence_is_the_mean_difference_of_correlations():
    a, b = Maps(0), Maps(1, size=9)
    pairs = ElementPairDisplay.from_estimators(a, b, FORMULAS).pairs
    wanted = expected(a, b, FORMULAS)
    assert len(pairs) == len(wanted)
    for row in pairs.itertuples():
        values = wanted[frozenset([row.first, row.second])]
        assert row.n == len(values)
        assert row.influence == pytest.approx(np.mean(values))
        assert row.std == pytest.approx(np.std(values, ddof=1)) if row.n > 1 else np.isnan(row.std)
    assert pairs["influence"].is_monotonic_decreasing


def test_a_model_does_not_differ_from_itself():
    pairs = ElementPairDisplay.from_estimators(Maps(0), Maps(0), FORMULAS).pairs
    np.testing.assert_allclose(pairs["influence"], 0, atol=1e-12)


def test_bars_and_counts_are_those_of_the_first_pairs():
    display = ElementPairDisplay.from_estimators(Maps(0), Maps(1), FORMULAS, max_pairs=3)
    top = display.pairs.head(3)
    np.testing.assert_allclose([bar.get_width() for bar in display.ax_.patches], top["influence"])
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == list(top["pair"])
    assert [text.get_text() for text in display.ax_.texts] == [str(n) for n in top["n"]]


def test_rare_pairs_can_be_left_out():
    display = ElementPairDisplay.from_estimators(Maps(0), Maps(1), FORMULAS, min_count=3)
    assert {tick.get_text() for tick in display.ax_.get_yticklabels()} == {"O–Mg", "O–Ti"}
    with pytest.raises(ValueError, match="No pair is in 5 formulas; the most frequent one is in 4"):
        display.plot(min_count=5)


def test_only_formulas_with_an_element_are_compared():
    display = ElementPairDisplay.from_estimators(Maps(0), Maps(1), FORMULAS, containing="Ti")
    assert display.rows.tolist() == [4, 5, 6]
    assert set(display.pairs["pair"]) == {"O–Ti", "O–Mg", "Mg–Ti"}


def test_formulas_are_chosen_that_the_reference_predicts_worse():
    good, bad = Maps(0, np.zeros(8)), Maps(1, np.array([0, 1, 9, -3, 0.5, 2, -4, 0]))
    y = np.array(LABELS)
    y[2] = np.nan
    display = ElementPairDisplay.from_estimators(good, bad, FORMULAS, y, n_formulas=2)
    assert display.rows.tolist() == [6, 3]


def test_a_constant_feature_map_has_no_correlation():
    class Constant(Maps):
        def element_feature_map(self, X):
            return [table * 0 + 1 for table in super().element_feature_map(X)]

    pairs = ElementPairDisplay.from_estimators(Maps(0), Constant(0), FORMULAS).pairs
    np.testing.assert_array_equal(pairs["reference_correlation"], 0)


def test_trained_networks_are_compared_whatever_their_size():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    small = {"max_epochs": 2, "n_blocks": 1, "random_state": 0}
    a = LGDCNNRegressor(variant="lgdcnn", hidden_dim=16, **small).fit(FORMULAS, LABELS)
    b = LGDCNNRegressor(variant="lstm", hidden_dim=8, **small).fit(FORMULAS, LABELS)
    pairs = ElementPairDisplay.from_estimators(a, b, pd.Series(FORMULAS)).pairs
    wanted = {pair: np.mean(values) for pair, values in expected(a, b, FORMULAS).items()}
    for row in pairs.itertuples():
        assert row.influence == pytest.approx(wanted[frozenset([row.first, row.second])], abs=1e-6)


def test_it_draws_into_given_axes():
    figure, ax = plt.subplots()
    display = ElementPairDisplay.from_estimators(Maps(0), Maps(1), FORMULAS, ax=ax)
    assert display.figure_ is figure and display.ax_ is ax


def test_bad_input_is_refused():
    a, b = Maps(0), Maps(1)
    with pytest.raises(TypeError, match="str has no element_feature_map"):
        ElementPairDisplay.from_estimators(a, "svr", FORMULAS)
    with pytest.raises(ValueError, match="None of the 2 formulas has two elements"):
        ElementPairDisplay.from_estimators(a, b, ["Fe", "Si"])
    with pytest.raises(ValueError, match="None of the 8 formulas contains Cl and O"):
        ElementPairDisplay.from_estimators(a, b, FORMULAS, containing=["Cl", "O"])
    with pytest.raises(ValueError, match="containing has 'Xx', which is no element"):
        ElementPairDisplay.from_estimators(a, b, FORMULAS, containing="Xx")
    with pytest.raises(ValueError, match="n_formulas chooses formulas by their errors: give y"):
        ElementPairDisplay.from_estimators(a, b, FORMULAS, n_formulas=2)
    with pytest.raises(ValueError, match="n_formulas must be a whole number above 0"):
        ElementPairDisplay.from_estimators(a, b, FORMULAS, LABELS, n_formulas=0)
