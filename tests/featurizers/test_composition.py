import os
import random

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import CompositionFeaturizer
from skxfer.formulas import ELEMENTS

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")
MATMINER = {
    "magpie": "magpie",
    "deml": "deml",
    "matminer": "matminer",
    "matscholar": "matscholar_el",
    "megnet": "megnet_el",
}
TABLE = pd.DataFrame({"a": [1.0, 3.0, 8.0], "b": [0.0, -1.0, np.nan]}, index=["H", "O", "Fe"])


def random_formulas(n, elements=ELEMENTS):
    rng = random.Random(0)
    amounts = [1, 1, 1, 2, 3, 0.5]
    return [
        "".join(
            f"{symbol}{rng.choice([*amounts, round(rng.uniform(0.01, 3), 3)])}"
            for symbol in rng.sample(elements, rng.randint(1, 9))
        )
        for _ in range(n)
    ]


def table_features(formulas, **params):
    return CompositionFeaturizer(TABLE, **params).fit_transform(formulas)


# against matminer -------------------------------------------------------------------------------------


def matminer_features(preset, formulas, impute_nan):
    """Names and features of ElementProperty; NaN for formulas with elements that its source lacks."""
    composite = pytest.importorskip("matminer.featurizers.composition", reason="compares with matminer")
    from pymatgen.core import Composition

    featurizer = composite.ElementProperty.from_preset(MATMINER[preset], impute_nan=impute_nan)
    rows = []
    for formula in formulas:
        try:
            rows.append(featurizer.featurize(Composition(formula)))
        except KeyError:
            rows.append(None)
    return featurizer.feature_labels(), featurizer.stats, rows


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("impute_nan", [True, False])
@pytest.mark.parametrize("preset", MATMINER)
def test_features_are_those_of_matminer(preset, impute_nan):
    # 1000 formulas for the presets that people use most; matminer needs seconds for the others.
    formulas = random_formulas(1000 if preset == "magpie" and impute_nan else 150)
    names, statistics, expected = matminer_features(preset, formulas, impute_nan)
    featurizer = CompositionFeaturizer(preset, impute_nan=impute_nan).fit(formulas)
    assert list(featurizer.get_feature_names_out()) == names
    assert featurizer.statistics_ == statistics
    known = [row is not None for row in expected]
    got = featurizer.transform(formulas)[known]
    expected = np.array([row for row in expected if row is not None], dtype=float)
    # Equal values deviate by rounding errors of their size in matminer, and by nothing here.
    shape = (len(expected), -1, len(statistics))
    size = np.abs(np.nan_to_num(expected)).reshape(shape).max(axis=2).repeat(len(statistics), axis=1)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    assert (
        np.abs(got - expected)[~np.isnan(got)] <= (1e-10 * np.abs(expected) + 1e-14 * size)[~np.isnan(got)]
    ).all()


def test_an_element_that_the_source_lacks_has_features_of_nan():
    pytest.importorskip("matminer", reason="reads matminer's tables")
    features = CompositionFeaturizer("matscholar", impute_nan=False).fit_transform(["FeO", "FeRf"])
    assert np.isfinite(features[0]).all()
    assert np.isnan(features[1]).all()


@pytest.mark.parametrize("package", ["matminer", "pymatgen"])
def test_a_missing_package_is_named_with_its_extra(package, monkeypatch):
    from skxfer import _optional
    from skxfer.featurizers import _composition

    def absent(name):
        error = ModuleNotFoundError(f"No module named {name!r}")
        error.name = package
        if name.startswith(package):
            raise error
        return importlib_import(name)

    importlib_import = _optional.importlib.import_module
    monkeypatch.setattr(_optional.importlib, "import_module", absent)
    _composition._matminer_table.cache_clear()
    if package == "pymatgen":
        pytest.importorskip("matminer.featurizers.composition", reason="pymatgen is asked for after matminer")
    with pytest.raises(ImportError, match=rf"needs {package}.*skxfer\[formulas\]"):
        CompositionFeaturizer("magpie").fit(["FeO"])


# statistics -------------------------------------------------------------------------------------------


def test_statistics_of_two_elements_are_those_done_by_hand():
    # H2O: a is 1 with the weight 2/3 and 3 with the weight 1/3. Reliability weights: 1 - 4/9 - 1/9 = 4/9.
    names = ["minimum", "maximum", "range", "mean", "avg_dev", "std_dev", "mode"]
    mean = 5 / 3
    variance = (2 / 3 * (1 - mean) ** 2 + 1 / 3 * (3 - mean) ** 2) / (4 / 9)
    by_hand = [1, 3, 2, mean, 2 / 3 * (mean - 1) + 1 / 3 * (3 - mean), np.sqrt(variance), 1]
    np.testing.assert_allclose(table_features(["H2O"], statistics=names)[0, :7], by_hand, rtol=1e-14)


def test_an_element_deviates_from_nothing():
    np.testing.assert_array_equal(table_features(["Fe7"])[0, :5], [8, 8, 0, 8, 0])


def test_of_equally_abundant_elements_the_mode_is_the_smallest_value():
    features = table_features(["HOFe", "OFeH", "HO2Fe2", "H0.999999999OFe.5", "H0.999O"], statistics=["mode"])
    np.testing.assert_array_equal(features[:, 0], [1, 1, 3, 1, 3])


def test_equal_values_do_not_deviate():
    table = pd.DataFrame({"a": 1e13 / 3}, index=ELEMENTS)
    features = CompositionFeaturizer(table, statistics=["avg_dev", "std_dev"]).fit_transform(
        random_formulas(50)
    )
    np.testing.assert_array_equal(features, 0)


def test_a_missing_property_is_the_mean_of_the_others_or_nan():
    np.testing.assert_allclose(table_features(["FeCu"])[0, [3, 8]], [(8 + 4) / 2, -0.5])
    features = table_features(["FeCu", "Fe", "HO"], impute_nan=False)
    assert np.isnan(features[0]).all()
    # As in matminer, the deviation of a single element is 0 even if its property is unknown.
    np.testing.assert_array_equal(np.isnan(features[1]), [0, 0, 0, 0, 0, 1, 1, 1, 1, 0])
    assert np.isfinite(features[2]).all()


def test_statistics_come_in_the_order_asked_for():
    featurizer = CompositionFeaturizer(TABLE, statistics=["range", "mean"])
    np.testing.assert_allclose(featurizer.fit_transform(["HO"]), [[2, 2, 1, -0.5]])
    assert list(featurizer.get_feature_names_out()) == ["range a", "mean a", "range b", "mean b"]


def test_features_do_not_depend_on_the_size_of_blocks(monkeypatch):
    from skxfer.featurizers import _element_statistics

    formulas = random_formulas(200)
    whole = table_features(formulas)
    monkeypatch.setattr(_element_statistics, "_BLOCK", 20)
    np.testing.assert_array_equal(table_features(formulas), whole)


def test_equal_compositions_have_equal_features():
    features = table_features(["Fe2(HO)3", "O3Fe2H3", "FeH1.5O1.5"])
    np.testing.assert_array_equal(features[0], features[1])
    np.testing.assert_allclose(features[0], features[2], rtol=1e-14)


# elements ---------------------------------------------------------------------------------------------


def test_fractions_have_a_column_for_each_element():
    featurizer = CompositionFeaturizer("fractions").fit(["FeO"])
    features = featurizer.transform(["Fe2O3", "Og"])
    assert features.shape == (2, 118)
    np.testing.assert_allclose(features[0, [25, 7]], [0.4, 0.6])
    np.testing.assert_allclose(features.sum(axis=1), 1)
    assert list(featurizer.get_feature_names_out()[[25, 117]]) == ["fractions mean Fe", "fractions mean Og"]


def test_onehot_says_which_elements_are_there():
    features = CompositionFeaturizer("onehot").fit_transform(["Fe2O3", "Og"])
    np.testing.assert_array_equal(np.argwhere(features), [[0, 7], [0, 25], [1, 117]])
    assert set(np.unique(features)) == {0, 1}


@real
@pytest.mark.parametrize(
    ("preset", "n_features"), [("oliynyk", 44 * 6), ("jarvis", 438 * 5), ("mat2vec", 200 * 5)]
)
def test_fetched_tables_make_features(preset, n_features):
    from skxfer.datasets import fetch_element_embedding

    featurizer = CompositionFeaturizer(preset).fit(["FeO"])
    features = featurizer.transform(["FeO", "Og2Rf"])
    assert features.shape == (2, n_features)
    assert np.isfinite(features).all()
    table = fetch_element_embedding(preset)
    name = table.columns[5]
    mean = list(featurizer.get_feature_names_out()).index(f"{preset} mean {name}")
    np.testing.assert_allclose(features[0, mean], table.loc[["Fe", "O"], name].mean(), rtol=1e-12)


# in pipelines -----------------------------------------------------------------------------------------


def test_a_forest_learns_from_formulas():
    formulas = random_formulas(120, elements=["H", "O", "Fe"] * 4)
    target = CompositionFeaturizer(TABLE, statistics=["mean"]).fit_transform(formulas)[:, 0]
    model = make_pipeline(CompositionFeaturizer("fractions"), RandomForestRegressor(20, random_state=0))
    assert cross_val_score(model, formulas, target, error_score="raise").min() > 0.8


@pytest.mark.parametrize("columns", ["formula", ["formula"]])
def test_formulas_are_one_column_of_a_table(columns):
    X = pd.DataFrame({"T": [300.0, 400.0], "formula": ["Fe2O3", "H2O"]})
    union = make_column_transformer(
        (CompositionFeaturizer(TABLE, statistics=["mean"]), columns), (StandardScaler(), ["T"])
    )
    out = union.set_output(transform="pandas").fit_transform(X)
    assert [name.split("__")[1] for name in out] == ["mean a", "mean b", "T"]
    np.testing.assert_allclose(out.iloc[:, 0], [0.4 * 8 + 0.6 * 3, 5 / 3])


def test_transforming_no_formulas_gives_no_rows():
    assert CompositionFeaturizer(TABLE).fit(["H2O"]).transform([]).shape == (0, 10)


# bad input --------------------------------------------------------------------------------------------


def test_a_bad_formula_is_named_with_its_row():
    with pytest.raises(ValueError, match="Row 1, formula 'La2Qu': 'Qu' at position 3"):
        CompositionFeaturizer(TABLE).fit(["H2O", "La2Qu"])


@pytest.mark.parametrize("statistics", [["median"], [], ["mean", "mean"]])
def test_unknown_statistics_are_refused(statistics):
    with pytest.raises(ValueError, match="must be different names out of minimum, maximum"):
        CompositionFeaturizer(TABLE, statistics=statistics).fit(["H2O"])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (TABLE.rename({"Fe": "Xx"}), "'Xx' is no element"),
        (TABLE.rename({"Fe": "H"}), "an element twice"),
        (TABLE.iloc[:0], "empty"),
        (TABLE.assign(c=["x", "y", "z"]), "Column 'c' .* not numbers"),
        (TABLE.assign(c=np.inf), "Column 'c' .* infinity"),
        (TABLE.assign(c=np.nan), "Column 'c' .* no number at all"),
    ],
)
def test_a_bad_table_is_named(table, says):
    with pytest.raises(ValueError, match=says):
        CompositionFeaturizer(table).fit(["H2O"])


@pytest.mark.parametrize("preset", ["Magpie", None, {"H": [1.0]}])
def test_an_unknown_preset_is_refused(preset):
    with pytest.raises(ValueError, match="The 'preset' parameter"):
        CompositionFeaturizer(preset).fit(["H2O"])
