import os

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import fetch_adsorption

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

FILE = "adsorption/transition_metals.xlsx"
SHEETS = ["TM_Reduced", "SAA", "Bimetallics"]
NUMBERS = ["GCN", "CN", "n_metal", "Adsorbate_valency", "Adsorbate_mass", "chi_metal", "IP_eV", "n_d"]


@pytest.fixture
def sheets():
    """Two rows a sheet in the layout of the authors, all descriptors different."""
    pytest.importorskip("openpyxl")
    found = {}
    for k, sheet in enumerate(SHEETS):
        rows = np.arange(2) + 2 * k
        table = pd.DataFrame({"Structure": [f"H_X_{r}.traj" for r in rows], "Metal": "X", "Surface": 211})
        table = table.assign(Site="top", Ads=["H", "CO"])
        for place, name in enumerate(NUMBERS):
            table[name] = rows + place / 8
        table["EA_ev" if sheet == "TM_Reduced" else "EA_eV"] = 0.5
        found[sheet] = table.assign(mass_metal=100.0, Ead=-1.0 - rows)
    return found


def test_sheets_become_domains_under_one_set_of_names(shelf, sheets):
    shelf.put(FILE, sheets)
    metals = fetch_adsorption(data_home=shelf.home)
    assert metals.domain.tolist() == (
        ["transition_metals"] * 2 + ["single_atom_alloys"] * 2 + ["bimetallics"] * 2
    )
    assert metals.target.tolist() == [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0]
    assert metals.data.shape == (6, 11) and metals.data["adsorbate"].dtype == "category"
    assert metals.data["adsorbate"].tolist() == ["H", "CO"] * 3
    assert metals.data["electron_affinity"].tolist() == [0.5] * 6
    numbers = metals.data.drop(columns="adsorbate")
    assert (numbers.dtypes == np.float64).all()
    np.testing.assert_array_equal(numbers.iloc[3, :8], 3 + np.arange(8) / 8)
    assert metals.structure["structure"].tolist() == [f"H_X_{r}.traj" for r in range(6)]


def test_repeated_descriptors_are_dropped_within_and_across_sheets_or_marked(shelf, sheets):
    numbers = [*NUMBERS, "Ads"]
    # Within a sheet, and from the first one to the last; the energies differ.
    sheets["SAA"].loc[1, numbers] = sheets["SAA"].loc[0, numbers]
    sheets["Bimetallics"].loc[0, numbers] = sheets["TM_Reduced"].loc[1, numbers]
    shelf.put(FILE, sheets)
    kept = fetch_adsorption(duplicates="keep", data_home=shelf.home)
    assert kept.duplicate.tolist() == [False, False, False, True, True, False]
    assert kept.descriptor_group.tolist() == [0, 1, 2, 2, 1, 3]
    dropped = fetch_adsorption(data_home=shelf.home)
    assert dropped.target.tolist() == [-1.0, -2.0, -3.0, -6.0]
    assert not dropped.duplicate.any() and dropped.descriptor_group.tolist() == [0, 1, 2, 3]
    assert dropped.data.index.tolist() == dropped.structure.index.tolist() == [0, 1, 2, 3]


def test_another_adsorbate_is_no_duplicate(shelf, sheets):
    sheets["SAA"].loc[1, NUMBERS] = sheets["SAA"].loc[0, NUMBERS]
    shelf.put(FILE, sheets)
    assert len(fetch_adsorption(data_home=shelf.home).target) == 6


def test_empty_row_is_left_out_and_a_row_without_adsorbate_is_an_error(shelf, sheets):
    sheets["SAA"].loc[2] = np.nan
    # pandas leaves a row of blanks out of what it writes only at the end of a sheet: put one in between.
    sheets["SAA"] = sheets["SAA"].iloc[[0, 2, 1]]
    shelf.put(FILE, sheets)
    assert len(fetch_adsorption(data_home=shelf.home).target) == 6
    sheets["Bimetallics"].loc[1, "Ads"] = np.nan
    shelf.put(FILE, sheets)
    with pytest.raises(ValueError, match=r"sheet Bimetallics, row 3 \(H_X_5.traj\): adsorbate is missing"):
        fetch_adsorption(data_home=shelf.home)


def test_missing_column_is_an_error(shelf, sheets):
    sheets["SAA"] = sheets["SAA"].drop(columns="EA_eV")
    shelf.put(FILE, sheets)
    with pytest.raises(ValueError, match=r"sheet SAA: no column for \['electron_affinity'\]"):
        fetch_adsorption(data_home=shelf.home)


@real
@pytest.mark.parametrize(("duplicates", "rows"), [("keep", (423, 281, 259)), ("drop", (385, 166, 185))])
def test_rows_of_the_real_file(fetch_or_skip, duplicates, rows):
    metals = fetch_or_skip(fetch_adsorption, duplicates=duplicates)
    counts = [(metals.domain == name).sum() for name in metals.source_domains + metals.target_domains]
    assert counts == list(rows)
    # Counted without the loader: one string for each row.
    keys = metals.data.astype(str).agg("|".join, axis=1)
    assert keys.nunique() == metals.descriptor_group.max() + 1 == 385 + 166 + 185
    np.testing.assert_array_equal(keys.duplicated(), metals.duplicate)
    assert set(metals.data["adsorbate"]) == {"C", "CH", "CO", "H", "O", "OH"}


@real
def test_mass_of_the_adsorbate_is_that_of_its_atoms(fetch_or_skip):
    metals = fetch_or_skip(fetch_adsorption)
    masses = {"C": 12.011, "CH": 13.019, "CO": 28.010, "H": 1.008, "O": 15.999, "OH": 17.007}
    expected = metals.data["adsorbate"].map(masses).astype(float)
    np.testing.assert_allclose(metals.data["adsorbate_mass"], expected, atol=1e-9)


@real
def test_reactive_metals_bind_more_strongly_than_noble_ones(fetch_or_skip):
    metals = fetch_or_skip(fetch_adsorption)
    mean = pd.Series(metals.target).groupby(metals.structure["metal"]).mean()
    assert mean[["Ru", "Rh", "Ni"]].max() < mean[["Pd", "Pt"]].min() < mean[["Cu", "Ag", "Au"]].min()
