"""The embedded alloys, checked against matminer and the formula of the book."""

import importlib.resources
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import load_miedema

SCRIPT = Path(__file__).parents[2] / "tools" / "make_miedema.py"


@pytest.fixture(scope="module")
def alloys():
    return load_miedema()


@pytest.fixture(scope="module")
def script():
    pytest.importorskip("matminer", reason="the model is matminer's")
    if not SCRIPT.exists():
        pytest.skip("tools/ is not here")
    spec = importlib.util.spec_from_file_location("make_miedema", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_layout_is_that_of_the_other_transfer_data(alloys):
    n = len(alloys.data)
    assert (
        alloys.data.shape == alloys.target.shape == alloys.domain.shape == alloys.element_pair.shape == (n,)
    )
    assert alloys.data.dtype == object and {type(formula) for formula in alloys.data} == {str}
    assert alloys.target.dtype == np.float64 and np.isfinite(alloys.target).all()
    assert alloys.domain.dtype.kind == alloys.element_pair.dtype.kind == "U"
    assert (alloys.target_names, alloys.target_units) == (["formation_enthalpy"], ["eV/atom"])
    assert alloys.frame is None


def test_description_says_that_it_is_a_model(alloys):
    assert "semi-empirical model, not" in alloys.DESCR


def test_source_has_many_rows_and_the_target_few(alloys):
    counts = pd.Series(alloys.domain).value_counts()
    assert counts.to_dict() == {"intermetallic": 1809, "solid_solution": 402}
    assert (alloys.source_domains, alloys.target_domains, alloys.test_domains) == (
        ("intermetallic",),
        ("solid_solution",),
        (),
    )


def test_source_lacks_half_of_the_pairs_of_the_target(alloys):
    pairs = {name: set(alloys.element_pair[alloys.domain == name]) for name in np.unique(alloys.domain)}
    assert len(pairs["intermetallic"]) == 603
    assert len(pairs["solid_solution"]) == 134
    assert len(pairs["solid_solution"] & pairs["intermetallic"]) == 67


def test_pair_names_the_elements_of_the_formula(alloys):
    pytest.importorskip("pymatgen")
    from pymatgen.core import Composition

    for formula, pair in zip(alloys.data[::25], alloys.element_pair[::25], strict=True):
        assert sorted(Composition(formula).get_el_amt_dict()) == pair.split("-")


def test_no_alloy_occurs_twice_in_a_domain(alloys):
    assert not pd.DataFrame({"domain": alloys.domain, "formula": alloys.data}).duplicated().any()


def test_frame_holds_the_same_rows(alloys):
    framed = load_miedema(as_frame=True)
    assert list(framed.data.columns) == alloys.feature_names == ["formula"]
    assert list(framed.data["formula"]) == list(alloys.data)
    np.testing.assert_array_equal(framed.target, alloys.target)
    assert framed.target.name == "formation_enthalpy"
    assert list(framed.frame.columns) == ["formula", "formation_enthalpy", "domain"]


def test_pair_of_arrays_on_request(alloys):
    X, y = load_miedema(return_X_y=True)
    np.testing.assert_array_equal(X, alloys.data)
    np.testing.assert_array_equal(y, alloys.target)


def test_a_caller_cannot_change_what_the_next_one_gets(alloys):
    load_miedema().target[:] = 0
    np.testing.assert_array_equal(load_miedema().target, alloys.target)


def test_embedded_file_is_small():
    folder = importlib.resources.files("skxfer.datasets") / "data"
    assert len((folder / "miedema.csv.gz").read_bytes()) < 100_000


def test_embedded_values_are_those_of_matminer(alloys):
    alloy = pytest.importorskip("matminer.featurizers.composition.alloy")
    from pymatgen.core import Composition

    rows = np.random.default_rng(0).choice(len(alloys.data), 150, replace=False)
    model = alloy.Miedema(struct_types=["inter", "ss"])
    values = np.array([model.featurize(Composition(formula)) for formula in alloys.data[rows]])
    column = (alloys.domain[rows] == "solid_solution").astype(int)
    np.testing.assert_allclose(alloys.target[rows], values[np.arange(150), column], atol=6e-7)


def test_embedded_rows_come_from_the_script(alloys, script):
    table = script.sample_alloys()
    assert list(table["formula"]) == list(alloys.data)
    assert list(table["domain"]) == list(alloys.domain)
    assert list(table["pair"]) == list(alloys.element_pair)


def test_pure_metals_have_no_formation_enthalpy(script):
    np.testing.assert_array_equal(script.enthalpy(["Mg", "Ni", "Zr"], "intermetallic"), 0)
    # Next to none at the dilute end, too.
    assert abs(script.enthalpy(["Mg0.0001Ni0.9999"], "intermetallic")[0]) < 1e-3


@pytest.mark.parametrize("domain", ["intermetallic", "solid_solution"])
def test_order_and_scale_of_writing_do_not_matter(script, domain):
    values = script.enthalpy(["CuTc2", "Tc2Cu", "Cu2Tc4", "Pd3Os", "OsPd3"], domain)
    np.testing.assert_allclose(values[:3], values[0], rtol=1e-12)
    np.testing.assert_allclose(values[3], values[4], rtol=1e-12)


# Electronegativity (V), cube root of the electron density (d.u.), surface (cm²/mol) and coefficient a.
TITANIUM, NICKEL, MAGNESIUM = (3.80, 1.52, 4.8, 0.04), (5.20, 1.75, 3.5, 0.04), (3.45, 1.17, 5.8, 0.10)


# Two transition metals; a simple one with a transition metal, where bonds of d and p electrons add R.
@pytest.mark.parametrize(
    ("metals", "constants", "p", "r"),
    [("Ti Ni", (TITANIUM, NICKEL), 14.1, 0.0), ("Mg Ni", (MAGNESIUM, NICKEL), 12.35, 0.4 * 12.35)],
)
def test_intermetallic_is_the_formula_of_the_book(script, metals, constants, p, r):
    (phi_a, n_a, area_a, a), (phi_b, n_b, area_b, b) = constants
    density, charge = (n_a - n_b) ** 2, phi_a - phi_b
    interface = 2 * (-p * charge**2 + 9.4 * p * density - r) / (1 / n_a + 1 / n_b)  # kJ per area

    def surface(x, grown_a, grown_b):
        share = x * grown_a / (x * grown_a + (1 - x) * grown_b)
        return share, 1 + 8 * (share * (1 - share)) ** 2

    def enthalpy(x):
        share, order = surface(x, area_a, area_b)
        grown_a = area_a * (1 + a * (1 - share) * order * charge)
        grown_b = area_b * (1 - b * share * order * charge)
        share, order = surface(x, grown_a, grown_b)
        return x * grown_a * (1 - share) * order * interface / 96.485

    first, second = metals.split()
    values = script.enthalpy([f"{first}3{second}", f"{first}{second}", f"{first}{second}3"], "intermetallic")
    # The constants above are rounded.
    np.testing.assert_allclose(values, [enthalpy(x) for x in (0.75, 0.5, 0.25)], rtol=0.02, atol=0.003)


def test_source_and_target_are_related_but_not_equal(alloys, script):
    target = alloys.domain == "solid_solution"
    other = script.enthalpy(alloys.data[target], "intermetallic")
    assert 0.85 < np.corrcoef(other, alloys.target[target])[0, 1] < 0.98
    assert 0.05 < np.mean(np.abs(other - alloys.target[target])) < 0.15
