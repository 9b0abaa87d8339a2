"""A table of many kinds of columns as numbers: each column by the descriptors of its kind."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skxfer
from skxfer import HierarchicalTransfer
from skxfer.featurizers import (
    ClusterFeaturizer,
    CompositionFeaturizer,
    FingerprintFeaturizer,
    TableFeaturizer,
)

N = 24
FORMULAS = ["TiO2", "ZnO", "Fe2O3", "NaCl"] * 6
SMILES = ["CCO", "c1ccccc1", "CC(=O)O"] * 8


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "oxide": FORMULAS,
            "T": rng.normal(300, 10, N),
            "solvent": ["water", "oil"] * 12,
            "run": range(N),
            "molecule": SMILES,
        }
    )


def small(**options):
    return TableFeaturizer(
        formula=CompositionFeaturizer("fractions"), smiles=FingerprintFeaturizer("maccs"), **options
    )


@pytest.fixture
def without_molecules(table):
    return table.drop(columns="molecule")


def test_each_column_gets_the_descriptors_of_its_kind_in_the_order_of_the_table(table):
    pytest.importorskip("rdkit")
    model = small(drop_constant=False).set_output(transform="pandas")
    found = model.fit_transform(table)
    formulas = CompositionFeaturizer("fractions").fit_transform(FORMULAS)
    molecules = FingerprintFeaturizer("maccs").fit_transform(SMILES)
    categories = np.c_[table["solvent"] == "oil", table["solvent"] == "water"]
    np.testing.assert_allclose(found, np.c_[formulas, table["T"], categories, molecules])
    names = list(found.columns)
    assert names[25] == "oxide: fractions mean Fe"
    assert names[118:121] == ["T", "solvent=oil", "solvent=water"]
    assert names[-1] == "molecule: maccs 166"
    assert len(set(names)) == len(names)
    assert model.columns_["run"].kind == "ignored"


def test_descriptors_that_are_constant_are_left_out(without_molecules):
    model = small().fit(without_molecules)
    names = list(model.get_feature_names_out())
    assert names == [
        *(f"oxide: fractions mean {symbol}" for symbol in ("O", "Na", "Cl", "Ti", "Fe", "Zn")),
        *("T", "solvent=oil", "solvent=water"),
    ]
    assert model.transform(without_molecules).shape == (N, 9)


def test_structures_are_read_relative_to_the_folder(tmp_path):
    write, molecule = pytest.importorskip("ase.io").write, pytest.importorskip("ase.build").molecule
    molecules = [molecule(name) for name in ("H2O", "NH3", "CH4")]
    for i, atoms in enumerate(molecules):
        write(tmp_path / f"m{i}.xyz", atoms)
    table = pd.DataFrame({"file": [f"m{i % 3}.xyz" for i in range(9)]})
    found = TableFeaturizer(folder=tmp_path, drop_constant=False).fit_transform(table)
    np.testing.assert_allclose(found, ClusterFeaturizer().fit_transform(molecules * 3), atol=1e-6)
    direct = TableFeaturizer(drop_constant=False).fit(pd.DataFrame({"atoms": molecules * 3}))
    np.testing.assert_allclose(direct.transform(pd.DataFrame({"atoms": molecules})), found[:3], atol=1e-6)


def test_missing_values_are_medians_of_fit_or_stay_missing(without_molecules):
    holes = without_molecules.copy()
    holes.loc[[0, 5], "T"] = np.nan
    holes.loc[3, "oxide"] = None
    holes.loc[4, "solvent"] = None
    filled = small().set_output(transform="pandas").fit(holes)
    found = filled.transform(holes)
    np.testing.assert_allclose(found.loc[[0, 5], "T"], holes["T"].median())
    zinc = "oxide: fractions mean Zn"
    assert found.loc[3, zinc] == found[zinc].drop(3).median()
    assert found.loc[4, "solvent=oil"] == found.loc[4, "solvent=water"] == 0
    raw = small(impute=False).set_output(transform="pandas").fit_transform(holes)
    assert raw.loc[[0, 5], "T"].isna().all() and raw.loc[3, zinc] != raw.loc[3, zinc]
    assert raw.isna().sum().sum() == 2 + 6


def test_a_column_without_any_value_later_is_filled_in(without_molecules):
    model = small().fit(without_molecules)
    later = without_molecules.assign(oxide=None, solvent=None)
    found = model.transform(later)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, :6], np.tile(model.medians_[:6], (N, 1)))


def test_new_categories_are_none_of_the_known_ones(without_molecules):
    model = small().fit(without_molecules)
    found = model.transform(without_molecules.assign(solvent="hexane"))
    np.testing.assert_array_equal(found[:, -2:], 0)


def test_columns_are_matched_by_name_and_a_missing_one_is_named(without_molecules):
    model = small().fit(without_molecules)
    shuffled = without_molecules[["solvent", "T", "oxide"]].assign(more=1)
    np.testing.assert_array_equal(model.transform(shuffled), model.transform(without_molecules))
    with pytest.raises(ValueError, match="Column 'oxide' is missing, and 1 more columns; the table has T"):
        model.transform(without_molecules[["T"]])


def test_kinds_can_be_given(without_molecules):
    model = small(kinds={"run": "category", "oxide": "category", "T": "ignored"}).fit(without_molecules)
    assert list(model.get_feature_names_out())[:5] == [
        "oxide=Fe2O3",
        "oxide=NaCl",
        "oxide=TiO2",
        "oxide=ZnO",
        "solvent=oil",
    ]  # noqa: E501
    assert model.transform(without_molecules).shape == (N, 4 + 2 + N)


@pytest.mark.parametrize("formula", [CompositionFeaturizer("fractions"), CompositionFeaturizer("onehot")])
def test_a_cell_that_cannot_be_read_is_named_by_column_and_row(without_molecules, formula):
    model = TableFeaturizer({"oxide": "formula"}, formula=formula)
    bad = without_molecules.copy()
    bad.loc[2, "oxide"] = None
    bad.loc[7, "oxide"] = "Xy2O3"
    with pytest.raises(ValueError, match="Column 'oxide', row 7: formula 'Xy2O3'"):
        clone(model).fit(bad)
    with pytest.raises(ValueError, match="Column 'oxide', row 7: "):
        model.fit(without_molecules).transform(bad)
    words = without_molecules.astype({"T": object})
    words.loc[3, "T"] = "hot"
    with pytest.raises(ValueError, match="Column 'T' must hold numbers, but row 3 has 'hot'"):
        model.transform(words)


def test_a_smiles_that_cannot_be_read_is_named(table):
    pytest.importorskip("rdkit")
    bad = table[["molecule"]].assign(molecule=["C1CC", *SMILES[1:]])
    with pytest.raises(ValueError, match="Column 'molecule', row 0: SMILES 'C1CC'"):
        TableFeaturizer({"molecule": "smiles"}, smiles=FingerprintFeaturizer("maccs")).fit(bad)


def test_a_table_without_use_says_why():
    with pytest.raises(
        ValueError, match=r"No column can be used \(run: row numbers; who: the same in every row"
    ):
        TableFeaturizer().fit(pd.DataFrame({"run": range(30), "who": "me"}))


def test_arrays_are_tables_without_names():
    X = np.random.default_rng(0).normal(size=(20, 3))
    X[4, 1] = np.nan
    model = TableFeaturizer().fit(X)
    assert list(model.get_feature_names_out()) == ["x0", "x1", "x2"]
    assert model.transform(X)[4, 1] == np.nanmedian(X[:, 1])
    np.testing.assert_array_equal(model.transform(X)[:, 0], X[:, 0])


def test_a_fitted_one_survives_pickle_and_saving(table, tmp_path):
    pytest.importorskip("rdkit")
    model = small().fit(table)
    expected = model.transform(table)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(table), expected)
    skxfer.save(make_pipeline(model, Ridge()).fit(table, np.arange(N)), tmp_path / "m.skxfer")
    loaded = skxfer.load(tmp_path / "m.skxfer")
    np.testing.assert_array_equal(loaded[0].transform(table), expected)
    assert loaded[0].columns_ == model.columns_


def test_clone_has_the_same_parameters_and_no_fit(without_molecules):
    model = small(impute=False).fit(without_molecules)
    copy = clone(model)
    assert repr(copy) == repr(model)
    assert not hasattr(copy, "columns_")


def test_grid_search_reaches_the_descriptors(without_molecules):
    y = (without_molecules["oxide"] == "ZnO").astype(float)
    grid = {
        "tablefeaturizer__formula": [CompositionFeaturizer("onehot"), CompositionFeaturizer("fractions")],
        "tablefeaturizer__formula__statistics": [None],
        "ridge__alpha": [1e6, 1e-6],
    }
    search = GridSearchCV(make_pipeline(small(), Ridge()), grid, cv=3, error_score="raise")
    search.fit(without_molecules, y)
    assert search.best_params_["ridge__alpha"] == 1e-6
    np.testing.assert_allclose(search.predict(without_molecules), y, atol=1e-3)


def test_transfer_takes_a_mixed_table(without_molecules):
    domain = np.repeat(["gas", "water"], N // 2)
    y = without_molecules["oxide"].map({"TiO2": 0, "ZnO": 1, "Fe2O3": 2, "NaCl": 3}) + 0.5 * (domain == "gas")
    model = HierarchicalTransfer(
        make_pipeline(small(), Ridge(1e-3)), source_domains=["gas"], cv=3, random_state=0
    )
    model.fit(without_molecules, y, sample_domain=domain)
    assert np.abs(model.predict(without_molecules)[N // 2 :] - y[N // 2 :]).max() < 0.2
