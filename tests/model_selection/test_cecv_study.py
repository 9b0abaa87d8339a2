"""The study of clustering vectors: target region, rank correlation, candidates, and its drawing."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, spearmanr

from skxfer.model_selection import cecv, cecv_distance, cecv_region, cecv_study, with_random_weights
from skxfer.model_selection._cecv_study import rank_correlation

THRESHOLDS = [0.1, 0.15, 0.2]
PROBE = ["CuNiZn", "Cu2NiZn", "AgAuCu3", "Fe2CoNi", "Ti3AlV", "CuNi"]
TINY = {"hidden_dim": 8, "n_blocks": 1, "max_epochs": 1}


def vector(*counts):
    return pd.Series(counts, index=THRESHOLDS)


def test_the_region_is_the_half_of_the_gap_next_to_the_reference_that_counts():
    region = cecv_region(vector(100, 90, 10), vector(400, 160, 40))
    assert region["low"].tolist() == pytest.approx([100, 90, 20])  # 20: the geometric mean
    assert region["high"].tolist() == pytest.approx([200, 160, 40])


def test_the_region_holds_where_the_references_cross():
    region = cecv_region(vector(400, 90, 40), vector(100, 160, 10), crossover=0.15)
    assert region["low"].tolist() == pytest.approx([200, 90, 10])
    assert region["high"].tolist() == pytest.approx([400, 160, 20])


def test_the_crossover_can_be_moved():
    region = cecv_region(vector(100, 100, 100), vector(400, 400, 400), crossover=0.3)
    assert region["high"].tolist() == pytest.approx([200, 200, 200])


def test_the_distance_is_in_decades_beyond_the_edges():
    region = pd.DataFrame({"low": [100.0, 90, 20], "high": [200.0, 160, 40]}, index=THRESHOLDS)
    assert cecv_distance(vector(100, 100, 40), region) == 0
    assert cecv_distance(vector(2000, 100, 2), region) == pytest.approx((1 + 0 + 1) / 3)


def test_vectors_of_other_thresholds_are_refused():
    other = vector(3, 2, 1).rename({0.1: 0.05})
    with pytest.raises(ValueError, match="different thresholds"):
        cecv_region(vector(3, 2, 1), other)
    with pytest.raises(ValueError, match="the region"):
        cecv_distance(other, cecv_region(vector(3, 2, 1), vector(5, 4, 3)))


def test_three_points_in_one_order_are_no_evidence():
    # Two of the six orders are as extreme.
    assert rank_correlation([1.0, 2.0, 3.0], [10.0, 20.0, 40.0]) == pytest.approx((1.0, 1 / 3))


@pytest.mark.parametrize("n", [4, 6, 9])
def test_the_rank_correlation_is_scipys(n):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.integers(0, 4, n)  # with ties
    correlation, p_value = rank_correlation(x, y)
    assert correlation == pytest.approx(spearmanr(x, y).statistic)
    if n > 7:
        assert p_value == pytest.approx(spearmanr(x, y).pvalue)
    else:
        exact = permutation_test(
            (x,), lambda x: spearmanr(x, y).statistic, permutation_type="pairings", n_resamples=np.inf
        )
        centred = np.abs(exact.null_distribution) >= abs(correlation) - 1e-9
        assert p_value == pytest.approx(centred.mean())


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [5, 5, 5])])
def test_no_correlation_is_claimed_without_differences(x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(rank_correlation(x, y)).all()


@pytest.fixture(scope="module")
def alloys():
    from skxfer.datasets import load_miedema

    X, y = load_miedema(return_X_y=True)
    return X[:120], y[:120]


@pytest.fixture(scope="module")
def candidates():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    return {name: LGDCNNRegressor(variant=name, **TINY) for name in ("ldcnn", "dcnn", "lstm")}


@pytest.fixture(scope="module")
def study(alloys, candidates):
    """Three candidates, of which one is the global reference."""
    with pytest.warns(UserWarning, match="1 of 6 compounds have fewer than 3"):
        return cecv_study(
            candidates, *alloys, X_probe=PROBE, thresholds=[0.01, 0.05, 0.1], crossover=0.05, random_state=0
        )


def test_a_study_has_a_row_for_each_network_and_one_for_each_with_random_weights(study):
    assert dict(study.table[["name", "role"]].to_numpy()) == {
        "ldcnn": "candidate",
        "dcnn": "candidate",
        "lstm": "candidate",
        "dcnn-k1": "reference",
        "ldcnn, random weights": "random",
        "dcnn, random weights": "random",
        "lstm, random weights": "random",
    }
    assert list(study.vectors) == list(study.table["name"])
    assert (study.table["fit_seconds"].iloc[:4] > 0).all() and (study.table["mae"] > 0).all()
    assert study.estimators["dcnn-k1"].variant == "dcnn-k1"


@pytest.mark.filterwarnings("ignore:.*fewer than 3")
def test_a_study_says_what_its_parts_say(study):
    vectors = study.vectors
    for name, model in study.estimators.items():
        assert vectors[name].tolist() == cecv(model, PROBE, thresholds=[0.01, 0.05, 0.1]).tolist()
    pd.testing.assert_frame_equal(
        study.region, cecv_region(vectors["lstm"], vectors["dcnn-k1"], crossover=0.05)
    )
    table = study.table.set_index("name")
    for name in vectors:
        assert table["distance"][name] == cecv_distance(vectors[name], study.region)
    chosen = table[table["role"] == "candidate"]
    np.testing.assert_equal(
        (study.correlation, study.p_value), rank_correlation(chosen["distance"], chosen["mae"])
    )
    assert study.n_candidates == 3


def test_candidates_are_not_changed(study, candidates):
    assert all(model.random_state is None and not hasattr(model, "nets_") for model in candidates.values())
    assert len({model.random_state for model in study.estimators.values()}) == 1


def test_few_candidates_are_called_no_evidence(study):
    assert study.summary.startswith("3 candidates, 5 compounds: ")
    assert "no evidence either way" in study.summary or "undefined" in study.summary


@pytest.mark.filterwarnings("ignore:.*fewer than 3")
def test_the_error_is_that_of_the_rows_given_for_validation(alloys, candidates):
    X, y = alloys
    study = cecv_study(
        {"net": candidates["lstm"]},
        X[:90],
        y[:90],
        X_val=X[90:],
        y_val=y[90:],
        X_probe=PROBE,
        references=("net", "dcnn-k1"),
        random_state=0,
    )
    mae = study.table.set_index("name")["mae"]
    for name in ("net", "dcnn-k1"):
        assert mae[name] == pytest.approx(np.abs(study.estimators[name].predict(X[90:]) - y[90:]).mean())
    assert np.isnan(study.correlation) and "three are needed" in study.summary


def test_all_rows_of_a_composition_are_held_out_together():
    from skxfer.model_selection._cecv_study import _parts

    X = [f"Fe{n}Ni{m}" for n in range(1, 6) for m in range(1, 6)] + [
        f"Ni{m}Fe{n}" for n, m in ((1, 2), (5, 4))
    ]
    X += [f"Fe{2 * n}Ni{2 * m}" for n in range(1, 6) for m in range(1, 6)]
    train, y, test, y_val = _parts(X, np.arange(52.0), None, None, np.random.RandomState(0))
    amounts = {formula: dict(re.findall("(Fe|Ni)([0-9]+)", formula)) for formula in X}
    share = {formula: Fraction(int(n["Fe"]), int(n["Ni"])) for formula, n in amounts.items()}
    assert not {share[formula] for formula in train} & {share[formula] for formula in test}
    assert sorted([*y, *y_val]) == list(range(52)) and len(test) > 5


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"X_val": ["NaCl"]}, ValueError, "both, or neither"),
        ({"references": ("lstm",)}, ValueError, "two names"),
        ({"references": "lstm"}, ValueError, "two names"),
        ({"references": ("lstm", "cnn")}, ValueError, "'variant' parameter"),
        ({"linkage": "ward"}, ValueError, "linkage"),
        ({"crossover": None}, ValueError, "crossover"),
        ({"variants": {}}, ValueError, "one or more"),
        ({"variants": [("a", None), ("a", None)]}, ValueError, "of different names"),
        ({"variants": {"a": None}}, TypeError, "'a', a NoneType, has no element_feature_map"),
        ({"y": np.zeros((120, 2))}, ValueError, "2 targets"),
        ({"X_probe": ["NaCl"]}, ValueError, "None of 1 compounds"),
        ({"X": ["NaCl"] * 120}, ValueError, "All rows have one composition"),
    ],
)
def test_what_cannot_be_studied_is_an_error(alloys, candidates, params, error, message):
    given = {"variants": {"a": candidates["lstm"]}, "X": alloys[0], "y": alloys[1], "X_probe": PROBE[:5]}
    with pytest.raises(error, match=message):
        cecv_study(**given | params)


class Constant:
    """A model without a parameter `variant`."""

    def element_feature_map(self, X):
        return [np.eye(3) for _ in X]

    def get_params(self, deep=True):
        return {}


def test_references_of_models_without_variants_must_be_among_them(alloys):
    with pytest.raises(ValueError, match="'lstm' is none of the variants, and Constant has no parameter"):
        cecv_study({"a": Constant()}, *alloys, X_probe=PROBE[:5])


def test_the_same_seed_gives_the_same_study(alloys, candidates):
    first, second = (
        cecv_study({"a": candidates["dcnn"]}, *alloys, X_probe=PROBE[:5], random_state=3) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.vectors, second.vectors)
    columns = ["name", "role", "distance", "mae"]
    pd.testing.assert_frame_equal(first.table[columns], second.table[columns])


# The display


@pytest.fixture
def plt():
    pytest.importorskip("matplotlib").use("Agg")
    return pytest.importorskip("matplotlib.pyplot")


def lines_of(display):
    return {line.get_label(): line for line in display.ax_.get_lines()}


def test_a_study_is_drawn_with_references_dashed_and_random_weights_dotted(study, plt):
    from skxfer import CECVDisplay

    display = CECVDisplay.from_study(study)
    lines = lines_of(display)
    styles = {label: line.get_linestyle() for label, line in lines.items()}
    assert styles == {
        "lstm (reference)": "--",
        "dcnn-k1 (reference)": "--",
        "ldcnn": "-",
        "dcnn": "-",
        "ldcnn, random weights": ":",
        "dcnn, random weights": ":",
        "the same, random weights": ":",
    }
    for name in ("ldcnn", "dcnn", "ldcnn, random weights"):
        np.testing.assert_array_equal(lines[name].get_xdata(), [0.01, 0.05, 0.1])
        np.testing.assert_array_equal(lines[name].get_ydata(), study.vectors[name])
    assert lines["dcnn"].get_color() == lines["dcnn, random weights"].get_color()
    assert lines["dcnn"].get_color() != lines["ldcnn"].get_color()
    assert display.ax_.get_yscale() == "log" and display.ax_.get_ylabel() == "clusters of 5 compounds"


def test_the_target_region_is_shaded(study, plt):
    from skxfer import CECVDisplay

    (shade,) = CECVDisplay.from_study(study).ax_.collections
    corners = {(round(x, 9), round(y, 9)) for x, y in shade.get_paths()[0].vertices}
    for threshold, (low, high) in study.region.iterrows():
        assert {(threshold, round(low, 9)), (threshold, round(high, 9))} <= corners


@pytest.mark.filterwarnings("ignore:.*fewer than 3")
def test_fitted_networks_are_drawn_beside_random_weights(study, plt):
    from skxfer import CECVDisplay

    figure, ax = plt.subplots()
    display = CECVDisplay.from_estimators(
        {"mine": study.estimators["ldcnn"]}, PROBE, thresholds=[0.01, 0.1], random_state=0, ax=ax
    )
    assert display.ax_ is ax and display.figure_ is figure and display.region is None
    blank = with_random_weights(study.estimators["ldcnn"], random_state=0)
    assert display.random["mine"].tolist() == cecv(blank, PROBE, thresholds=[0.01, 0.1]).tolist()
    assert not ax.collections
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["mine", "the same, random weights"]


def test_vectors_are_drawn_as_they_are(plt):
    from skxfer import CECVDisplay

    maps = list(np.random.default_rng(0).normal(size=(9, 3, 5)))
    display = CECVDisplay.from_vectors({"one": cecv(maps), "two": cecv(maps[::-1])})
    assert list(lines_of(display)) == ["one", "two"]
    assert display.ax_.get_ylabel() == "clusters of 9 compounds"


@pytest.mark.parametrize("references", [("one", "three"), ("one",), "one"])
def test_references_that_are_not_drawn_are_an_error(references, plt):
    from skxfer import CECVDisplay

    vectors = pd.DataFrame({"one": [3, 2], "two": [5, 4]}, index=[0.1, 0.2])
    with pytest.raises(ValueError, match="two names|'three' is none of one, two"):
        CECVDisplay.from_vectors(vectors, references=references)


def test_fitted_networks_come_by_name(study, plt):
    from skxfer import CECVDisplay

    with pytest.raises(TypeError, match="dict of name to fitted model, got list"):
        CECVDisplay.from_estimators([study.estimators["ldcnn"]], PROBE)
