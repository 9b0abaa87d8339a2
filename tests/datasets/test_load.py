import subprocess
import sys
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from skxfer.datasets import load_co_ag_emt


@pytest.fixture(scope="module")
def co():
    return load_co_ag_emt()


def test_layout_is_that_of_the_real_data(co):
    assert co.feature_names == [
        *("f1", "f2", "f3", "f4", "f5", "f6"),
        *("iz1", "iz2", "iz3", "iz4", "iz5", "iz6"),
        *("izz1", "izz2", "izz3", "izz4", "izz5", "izz6"),
        "dielectric_constant",
    ]
    assert co.target_names == ["Eads", "delta_e", "E_bonding", "d_band"]
    assert co.target_units == ["eV", "e", "eV", "eV"]
    n = len(co.data)
    assert co.data.shape == (n, 19) and co.data.dtype == np.float64
    assert co.target.shape == co.label_ok.shape == (n, 4)
    assert len(co.domain) == len(co.feature_ok) == len(co.structure) == len(co.structure_group) == n
    assert len(co.feature_units) == 19
    assert co.domain.dtype.kind == "U"


def test_two_sources_hold_much_and_twelve_solvents_35_rows_each(co):
    counts = pd.Series(co.domain).value_counts()
    assert co.source_domains == ("gas", "water")
    assert counts[list(co.source_domains)].sum() == 2 * 3 * 9 * 7 * 5
    assert len(co.target_domains) == 12
    assert set(counts[list(co.target_domains)]) == {5 * 7}
    assert set(counts[list(co.test_domains)]) == {7 * 7 * 5}
    assert set(counts.index) == {*co.source_domains, *co.target_domains, *co.test_domains}


def test_values_are_finite_and_chemically_sane(co):
    assert np.isfinite(co.data).all() and np.isfinite(co.target).all()
    assert np.all(co.data[:, 6:18] >= 0)
    table = pd.DataFrame(co.target, columns=co.target_names)
    assert table["Eads"].between(-2, 1).all()
    assert table["delta_e"].between(0, 0.5).all()
    assert table["E_bonding"].between(2, 7).all()
    assert table["d_band"].between(-5, -3.5).all()


def test_frequencies_ascend(co):
    assert np.all(np.diff(co.data[:, :6], axis=1) >= 0)


def test_each_solvent_has_one_dielectric_constant(co):
    np.testing.assert_array_equal(co.dielectric_constant, co.data[:, 18])
    values = pd.Series(co.dielectric_constant).groupby(co.domain)
    assert (values.nunique() == 1).all()
    assert values.first().nunique() == 17
    assert values.first()["gas"] == 1


def _by_solvent(co, domains, values):
    order = sorted(domains, key=lambda name: co.dielectric_constant[co.domain == name][0])
    return np.array([values[co.domain == name] for name in order])


def test_solvents_of_a_kind_share_structures_and_order(co):
    geometry = co.structure[["distance", "bond_length", "tilt"]].to_numpy()
    for domains in (co.target_domains, co.test_domains):
        shared = _by_solvent(co, domains, geometry)
        assert np.all(shared == shared[0])


def test_more_polar_solvent_draws_more_charge_and_strengthens_the_infrared_of_the_stretch(co):
    for domains in (co.target_domains, co.test_domains):
        assert np.all(np.diff(_by_solvent(co, domains, co.target[:, 1]), axis=0) > 0)
        infrared = _by_solvent(co, domains, co.data[:, 6:12].sum(axis=1))
        assert np.all(np.diff(infrared, axis=0) > 0)


def test_held_out_solvents_hold_structures_beyond_the_target(co):
    target = co.structure[np.isin(co.domain, co.target_domains)]
    test = co.structure[np.isin(co.domain, co.test_domains)]
    assert set(target["site"]) == set(test["site"]) == {"ontop"}
    assert test["distance"].max() > target["distance"].max() + 0.15
    assert test["tilt"].max() > 60 > 10 > target["tilt"].max()


def test_structure_groups_number_site_and_distance(co):
    groups = pd.Series(co.structure_group).groupby(co.domain).nunique()
    assert groups["gas"] == groups["water"] == 3 * 9
    assert groups["hexane"] == 5 and groups["cyclohexane"] == 7
    pairs = co.structure.groupby(co.structure_group)[["site", "distance"]].nunique()
    assert (pairs == 1).all(axis=None)


def test_frame_holds_the_same_numbers(co):
    framed = load_co_ag_emt(as_frame=True)
    assert list(framed.data.columns) == co.feature_names
    np.testing.assert_array_equal(framed.data, co.data)
    np.testing.assert_array_equal(framed.target[co.target_names], co.target)
    assert isinstance(framed.domain, pd.Series) and list(framed.domain) == list(co.domain)
    assert list(framed.frame.columns) == [*co.feature_names, *co.target_names, "domain"]
    assert co.frame is None


def test_pair_of_arrays_on_request(co):
    X, y = load_co_ag_emt(return_X_y=True)
    np.testing.assert_array_equal(X, co.data)
    np.testing.assert_array_equal(y, co.target)


def test_a_caller_cannot_change_what_the_next_one_gets(co):
    load_co_ag_emt().data[:] = 0
    np.testing.assert_array_equal(load_co_ag_emt().data, co.data)


def test_wrong_parameter_is_named():
    with pytest.raises(ValueError, match="as_frame"):
        load_co_ag_emt(as_frame="yes")


def test_embedded_files_stay_below_one_megabyte():
    folder = files("skxfer.datasets") / "data"
    assert sum(len(item.read_bytes()) for item in folder.iterdir()) < 1e6


def test_description_says_that_it_is_a_simulation(co):
    assert "simulation" in co.DESCR


def test_source_data_help_and_gas_alone_fails(co):
    test = np.isin(co.domain, co.test_domains)

    def error(rows):
        model = ExtraTreesRegressor(30, random_state=0).fit(co.data[rows], co.target[rows])
        return np.mean(np.abs(model.predict(co.data[test]) - co.target[test]), axis=0)

    gas, target, merged = (
        error(rows) for rows in (co.domain == "gas", np.isin(co.domain, co.target_domains), ~test)
    )
    assert np.all(merged < 0.9 * target) and np.all(target < gas)


def test_loading_imports_no_optional_package():
    code = (
        "import sys, skxfer.datasets as d; d.load_co_ag_emt(); d.make_domains(); d.fetch_co_ag\n"
        "print({'ase', 'matplotlib', 'torch', 'xgboost', 'openpyxl'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
