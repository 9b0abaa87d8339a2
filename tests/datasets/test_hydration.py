import os

import numpy as np
import pytest

from skxfer.datasets import fetch_freesolv

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

FILE = "hydration/freesolv.txt"
ROW = "mobley_1; CO; methanol; -5.10; 0.60; -3.49; 0.03; 10.1; 10.2; a note"


def test_fields_are_split_and_comments_left_out(shelf):
    shelf.put(FILE, f"# a comment; with; semicolons\n{ROW}\n\nmobley_2; N; NaN; 1; .1; 2; .2; a; b; \n")
    found = fetch_freesolv(data_home=shelf.home)
    assert found.data.columns.tolist() == ["smiles", "force_field"]
    assert found.data["smiles"].tolist() == ["CO", "N"]
    assert found.data["force_field"].tolist() == [-3.49, 2.0] and found.target.tolist() == [-5.1, 1.0]
    assert found.target_uncertainty.tolist() == [0.6, 0.1]
    assert found.force_field_uncertainty.tolist() == [0.03, 0.2]
    assert found.ids.tolist() == ["mobley_1", "mobley_2"] and found.names.tolist() == ["methanol", "NaN"]
    assert found.low_fidelity == ["force_field"] and set(found.low_fidelity) < set(found.feature_names)
    assert found.feature_units == ["1", "kcal/mol"] and found.target_units == ["kcal/mol"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("mobley_2; N; ammonia; 1; .1", r"line 3 \(mobley_2\): 5 fields, expected 10"),
        (
            "mobley_2; N; ammonia; 1; .1; none; .2; a; b; ",
            "mobley_2: force_field 'none' is not a finite number",
        ),
    ],
)
def test_line_of_another_layout_is_named(shelf, row, message):
    shelf.put(FILE, f"# a comment\n{ROW}\n{row}\n")
    with pytest.raises(ValueError, match=message):
        fetch_freesolv(data_home=shelf.home)


@real
def test_error_and_bias_of_the_force_field(fetch_or_skip):
    found = fetch_or_skip(fetch_freesolv)
    assert len(found.target) == len(set(found.data["smiles"])) == 642
    difference = found.data["force_field"] - found.target
    assert difference.abs().mean() == pytest.approx(1.11, abs=0.005)
    assert difference.mean() == pytest.approx(0.32, abs=0.005)
    assert (found.target_uncertainty > 0).all() and (found.force_field_uncertainty > 0).all()


@real
def test_every_molecule_can_be_read_and_stands_once(fetch_or_skip):
    chem = pytest.importorskip("rdkit.Chem")
    found = fetch_or_skip(fetch_freesolv)
    canonical = {chem.MolToSmiles(chem.MolFromSmiles(smiles)) for smiles in found.data["smiles"]}
    assert len(canonical) == 642


@real
def test_methanol_has_its_known_value(fetch_or_skip):
    found = fetch_or_skip(fetch_freesolv)
    row = np.flatnonzero(found.data["smiles"] == "CO")
    # Any table of hydration free energies has -5.1 kcal/mol.
    assert found.target[row] == pytest.approx([-5.1], abs=0.05)
