import os

import pandas as pd
import pytest

from skxfer.datasets import fetch_buchwald_hartwig

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


def _put(shelf, product, *rows):
    shelf.put(f"reactions/buchwald_{product}.csv", "".join(f"{row}\n" for row in rows))


def test_last_product_is_the_target_and_halogens_are_read_off(shelf):
    _put(shelf, "a", "FC(F)(F)c1ccc(Cl)cc1,o1nccc1,CN,CP,12.5", "CCc1ccc(I)cc1,o1nccc1,CN,CP,0.0")
    _put(shelf, "b", "Brc1ccncc1,NA,CN,CP,33.25")
    found = fetch_buchwald_hartwig(products=["b", "a"], data_home=shelf.home)
    assert found.feature_names == ["halogen", "aryl_halide", "additive", "base", "ligand"]
    assert found.data["halogen"].tolist() == ["Br", "Cl", "I"]
    assert found.data.iloc[0].tolist() == ["Br", "Brc1ccncc1", "NA", "CN", "CP"]
    assert found.target.tolist() == [33.25, 12.5, 0.0]
    assert found.domain.tolist() == ["b", "a", "a"]
    assert (found.source_domains, found.target_domains) == (("b",), ("a",))


def test_single_product_has_no_source(shelf):
    _put(shelf, "c", "Brc1ccncc1,C,CN,CP,1")
    found = fetch_buchwald_hartwig(products="c", data_home=shelf.home)
    assert (found.source_domains, found.target_domains) == ((), ("c",))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Brc1ccncc1,C,CN,CP,high", r"row 1 \(Brc1ccncc1\): the yield"),
        ("Fc1ccncc1,C,CN,CP,5", r"row 1 \(Fc1ccncc1\): the aryl halide needs one"),
        ("Brc1cc(Cl)ncc1,C,CN,CP,5", "the aryl halide needs one"),
    ],
)
def test_row_that_is_no_coupling_is_named(shelf, row, message):
    _put(shelf, "a", "Brc1ccncc1,C,CN,CP,1", row)
    with pytest.raises(ValueError, match=message):
        fetch_buchwald_hartwig(products="a", data_home=shelf.home)


def test_file_of_another_layout_is_refused(shelf):
    _put(shelf, "a", "Brc1ccncc1,C,CN,1")
    with pytest.raises(ValueError, match="buchwald_a.csv has 4 columns"):
        fetch_buchwald_hartwig(products="a", data_home=shelf.home)


def test_unknown_and_repeated_products_are_errors():
    with pytest.raises(ValueError, match=r"\['f'\]: choose one or more of \['a', 'b', 'c', 'd', 'e'\]"):
        fetch_buchwald_hartwig(products=["a", "f"])
    with pytest.raises(ValueError, match="twice in products"):
        fetch_buchwald_hartwig(products=["a", "a"])


@real
def test_every_product_has_all_792_combinations_once(fetch_or_skip):
    found = fetch_or_skip(fetch_buchwald_hartwig)
    recipes = {}
    for product in "abc":
        rows = found.data[found.domain == product]
        assert len(rows) == 792 and not rows.duplicated().any()
        assert rows.nunique().to_dict() == {
            "halogen": 3,
            "aryl_halide": 3,
            "additive": 22,
            "base": 3,
            "ligand": 4,
        }
        recipes[product] = set(map(tuple, rows.drop(columns="aryl_halide").to_numpy()))
    assert recipes["a"] == recipes["b"] == recipes["c"]
    assert ((found.target >= 0) & (found.target <= 100)).all()


@real
def test_products_share_no_aryl_halide(fetch_or_skip):
    found = fetch_or_skip(fetch_buchwald_hartwig)
    assert (pd.Series(found.domain).groupby(found.data["aryl_halide"].to_numpy()).nunique() == 1).all()


@real
def test_halogen_is_that_of_the_parsed_molecule(fetch_or_skip):
    chem = pytest.importorskip("rdkit.Chem")
    found = fetch_or_skip(fetch_buchwald_hartwig)
    for smiles, halogen in found.data[["aryl_halide", "halogen"]].drop_duplicates().to_numpy():
        symbols = {atom.GetSymbol() for atom in chem.MolFromSmiles(smiles).GetAtoms()}
        assert symbols & {"Cl", "Br", "I"} == {halogen}
