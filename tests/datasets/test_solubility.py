import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import fetch_solubility

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

HEADER = "ID,Name,InChI,InChIKey,SMILES,Solubility,Prediction\n"
METHANE = "methane,InChI=1S/CH4/h1H4,VNWKTOKETHGBQD-UHFFFAOYSA-N,C,-2.8,-9"
AMMONIA = "NaN,InChI=1S/H3N/h1H3,QGZKDVFQNNGYKY-UHFFFAOYSA-N,N,1.5,"
SALT = "salt,InChI=1S/ClH.Na/h1H;/q;+1/p-1,FAPWRFPIFSIZLT-UHFFFAOYSA-M,[Na+].[Cl-],0.5,0"


def _put(shelf, collection, *rows):
    lines = "".join(f"{collection}-{k},{row}\n" for k, row in enumerate(rows, start=1))
    shelf.put(f"solubility/aqsol_{collection}.csv", HEADER + lines)


def test_collections_become_domains_and_the_last_is_the_target(shelf):
    _put(shelf, "A", METHANE, SALT)
    _put(shelf, "B", AMMONIA)
    found = fetch_solubility(collections=["A", "B"], data_home=shelf.home)
    assert found.data.dtype == object and found.data.tolist() == ["C", "[Na+].[Cl-]", "N"]
    assert found.target.tolist() == [-2.8, 0.5, 1.5]
    assert found.domain.tolist() == ["A", "A", "B"]
    assert (found.source_domains, found.target_domains) == (("A",), ("B",))
    assert found.ids.tolist() == ["A-1", "A-2", "B-1"]
    assert found.names.tolist() == ["methane", "salt", "NaN"]


def test_prediction_of_another_model_is_nowhere(shelf):
    _put(shelf, "A", METHANE)
    framed = fetch_solubility(collections="A", as_frame=True, data_home=shelf.home)
    assert list(framed.frame.columns) == ["smiles", "log_solubility", "domain"]
    assert not any(np.any(np.asarray(value) == -9) for value in framed.values() if not isinstance(value, str))


def test_molecule_of_several_rows_is_marked_after_the_first(shelf):
    _put(shelf, "A", METHANE, METHANE)
    _put(shelf, "B", AMMONIA, METHANE)
    found = fetch_solubility(collections=["A", "B"], data_home=shelf.home)
    assert found.repeated.tolist() == [False, True, False, True]
    assert found.inchikey[0] == found.inchikey[1] == found.inchikey[3] == "VNWKTOKETHGBQD-UHFFFAOYSA-N"


@pytest.mark.parametrize(
    ("smiles", "inchi", "expected"),
    [
        ("CCO", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3", False),
        ("[Na+].[Cl-]", "InChI=1S/ClH.Na/h1H;/q;+1/p-1", True),
        ("O=[V]=O", "InChI=1S/2O.V", True),  # bonded in one of the two notations
        ("C.C", "InChI=1S/2CH4/h2*1H4", True),
        ("CC(=O)[O-]", "InChI=1S/C2H4O2/c1-2(3)4/h1H3,(H,3,4)/p-1", True),
        ("C[N+](=O)[O-]", "InChI=1S/CH3NO2/c1-2(3)4/h1H3", False),  # neutral as a whole
    ],
)
def test_salts_ions_and_mixtures_are_flagged(shelf, smiles, inchi, expected):
    _put(shelf, "A", f'x,"{inchi}",KEY,{smiles},0,0')
    assert fetch_solubility(collections="A", data_home=shelf.home).salt_or_mixture.tolist() == [expected]


@pytest.mark.parametrize("row", ["x,InChI=1S/CH4/h1H4,KEY,C,low,0", "x,InChI=1S/CH4/h1H4,,C,1,0"])
def test_row_without_number_or_key_is_named(shelf, row):
    _put(shelf, "A", METHANE, row)
    with pytest.raises(ValueError, match=r"aqsol_A.csv, row 'A-2'"):
        fetch_solubility(collections="A", data_home=shelf.home)


def test_file_of_another_layout_is_refused(shelf):
    shelf.put("solubility/aqsol_A.csv", "ID,SMILES,Solubility\nA-1,C,1\n")
    with pytest.raises(ValueError, match=r"aqsol_A.csv: no column \['Name', 'InChI', 'InChIKey'\]"):
        fetch_solubility(collections="A", data_home=shelf.home)


def test_unknown_collection_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"\['J'\]: choose one or more of \['A', .*'I'\]"):
        fetch_solubility(collections=["A", "J"])


@pytest.fixture(scope="module")
def solubility():
    try:
        return fetch_solubility(download_if_missing=False)
    except FileNotFoundError:
        pytest.skip("solubility is not in SKXFER_DATA")


@real
def test_values_are_those_of_the_files(solubility):
    rows = []
    for name in "ABCDEFG":
        path = Path(os.environ["SKXFER_DATA"]) / f"solubility/aqsol_{name}.csv"
        with open(path, encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    assert solubility.ids.tolist() == [row["ID"] for row in rows]
    assert solubility.data.tolist() == [row["SMILES"] for row in rows]
    np.testing.assert_array_equal(solubility.target, [float(row["Solubility"]) for row in rows])
    assert [(solubility.domain == name).sum() for name in "ABCDEFG"] == [
        sum(row["ID"].startswith(f"{name}-") for row in rows) for name in "ABCDEFG"
    ]


@real
def test_most_molecules_of_the_target_stand_in_a_source(solubility):
    keys = pd.Series(solubility.inchikey)
    target = solubility.domain == "G"
    own = keys[target].unique()
    assert np.isin(own, keys[~target]).mean() == pytest.approx(0.93, abs=0.005)
    assert solubility.repeated.sum() == len(keys) - keys.nunique()


@real
def test_flags_agree_with_the_charges_and_fragments_of_rdkit(solubility):
    chem = pytest.importorskip("rdkit.Chem")
    pytest.importorskip("rdkit").RDLogger.DisableLog("rdApp.*")
    for row in np.flatnonzero(solubility.domain == "F"):
        molecule = chem.MolFromSmiles(solubility.data[row])
        flagged = chem.GetFormalCharge(molecule) != 0 or len(chem.GetMolFrags(molecule)) > 1
        assert flagged == solubility.salt_or_mixture[row]
