"""Isotopes, fractions, hydrates and amounts of formulas that would be misread in silence."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from skxfer.featurizers import CompositionFeaturizer, MatminerFeaturizer
from skxfer.formulas import ELEMENTS, parse_formulas


def same(formula, plain):
    np.testing.assert_allclose(
        parse_formulas([formula]).toarray(), parse_formulas([plain]).toarray(), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("[13C]O2", "CO2"),
        ("[2H]2O", "H2O"),
        ("D2O", "H2O"),
        ("[18O]", "O"),
        ("H2[18O]", "H2O"),
        ("[ 13 C ]O2", "CO2"),
        ("(13C)O2", "CO2"),
        ("(2H)2O", "H2O"),
        ("[13C6]H6", "C6H6"),
        ("[2H6]C2O[32S]", "C2H6OS"),
        ("[13C]H3[12C]H2OH", "C2H6O"),
        ("[57Fe]2O3", "Fe2O3"),
        ("[235U]O2", "UO2"),
        ("([13C]O2)2Fe", "C2O4Fe"),
        ("Fe[13C]1/2", "Fe2C"),
        ("(3InAs)0.95(In2Te3)0.05", "In2.95As2.85Te0.15"),
        ("(3In)0.95As", "In2.85As"),
        ("[3InAs]2Fe", "In6As6Fe"),
        ("(10CaO)Fe", "Ca10O10Fe"),
        ("(70Li2S)(30P2S5)", "Li140P60S220"),
        ("(0.5C)Fe", "C0.5Fe"),
        ("CaSO4[2H2O]", "CaSO6H4"),
        ("CaSO4(2H2O)", "CaSO6H4"),
    ],
)
def test_a_mass_number_is_no_factor_and_a_factor_is_no_mass_number(formula, plain):
    same(formula, plain)


@pytest.mark.parametrize("formula", ["[13CH3]CH2OH", "(13CH3)CH2OH", "[13C16O]", "(12C16O)2Fe", "[7Li2O]Fe"])
def test_a_number_that_may_be_either_is_refused(formula):
    with pytest.raises(
        ValueError, match=r"Row 0, .* at position 1 may be the mass number of (C|Li) or a factor"
    ):
        parse_formulas([formula])


def test_amounts_in_isotopes_are_amounts_for_matminer():
    pytest.importorskip("matminer", reason="adapts matminer")
    from matminer.featurizers.composition import Stoichiometry

    labelled, plain = MatminerFeaturizer(Stoichiometry()).fit_transform(["[13C]O2", "CO2"])
    np.testing.assert_array_equal(labelled, plain)


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("Mg1/3Ta2/3O3", "MgTa2O9"),
        ("Ba(Mg1/3Ta2/3)O3", "Ba3MgTa2O9"),
        ("LiNi1/3Co1/3Mn1/3O2", "Li3NiCoMnO6"),
        ("Pb(Zr0.52Ti0.48)O3", "Pb25Zr13Ti12O75"),
        ("CaSO4·1/2H2O", "Ca2S2O9H2"),
        ("CaSO4·½H2O", "Ca2S2O9H2"),
        ("CaSO4·1½H2O", "Ca2S2O11H6"),
        ("Fe⅔O", "Fe2O3"),
        ("Fe2⁄3O", "Fe2O3"),
        ("(FeO)1/2Cu", "FeOCu2"),
        ("1/2H2O·Fe", "HO0.5Fe"),
        ("PO5/2", "P2O5"),
    ],
)
def test_fractions_are_amounts(formula, plain):
    same(formula, plain)


@pytest.mark.parametrize("amount", [Fraction(2, 3), Decimal(2) / 3, 2 / 3, np.float32(2 / 3)])
def test_amounts_of_a_dict_are_real_numbers_of_any_type(amount):
    np.testing.assert_allclose(parse_formulas([{"Fe": amount, "O": 1}])[0, 25], 0.4, rtol=1e-7)


@pytest.mark.parametrize(
    "formula",
    ["Fe1e308O1e308", "(Fe0)1e999O", "Fe1e999", {"Fe": 1e308, "O": 1e308}, {"Fe": 10**400}, "(Fe1e200)1e200"],
)
def test_amounts_too_large_for_a_number_are_refused(formula):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=r"Row 1, .*(too large|finite)"):
        parse_formulas(["FeO", formula])


def test_amounts_too_large_for_a_number_are_refused_for_matminer_too():
    pytest.importorskip("matminer", reason="adapts matminer")
    from matminer.featurizers.composition import Stoichiometry

    for formula in ("Fe1e999O", "Fe0"):
        with pytest.raises(ValueError, match="Row 0, formula"):
            MatminerFeaturizer(Stoichiometry()).fit([formula])


def test_traces_give_finite_statistics():
    """As the share x of the second element vanishes, the corrected deviation becomes |difference|/sqrt(2)."""
    import pandas as pd

    table = pd.DataFrame({"a": [1.0, 3.0]}, index=["Fe", "O"])
    featurizer = CompositionFeaturizer(table, statistics=["std_dev", "mean"])
    found = featurizer.fit_transform([f"Fe{amount}O" for amount in ("1e3", "1e6", "1e9", "1e11")])
    np.testing.assert_allclose(found[:, 0], np.sqrt(2), rtol=1e-3)
    traces = featurizer.transform(["Fe1e20O", "Fe1e300O", "Fe"])
    np.testing.assert_array_equal(traces, [[0, 1]] * 3)


@pytest.mark.parametrize(
    "formula",
    ["NaBr.2H2O", "MgCl2.6H2O", "Na2CO3.10H2O", "CuSO4.5(H2O)", "CuSO4.5D2O", "K2O.3Al2O3", "2CaO.2SiO2"],
)
def test_dots_that_may_be_those_of_hydrates_are_warned_of(formula):
    with pytest.warns(UserWarning, match="read as a decimal point"):
        parse_formulas([formula])


@pytest.mark.parametrize(
    "formula", ["CaSO4·0.5H2O", "CaSO4.0.5H2O", "K0.5H2O", "NaBr·2H2O", "Fe.5Ni.5", "H2O"]
)
def test_other_dots_are_not(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            parse_formulas([formula])
        except ValueError as error:
            assert "follows another one" in str(error)  # noqa: PT017


def test_isotopes_of_every_element_are_read_in_their_brackets():
    """Heaviest stable or longest-lived isotopes, by mass number."""
    masses = {"H": 3, "He": 4, "Li": 7, "B": 11, "N": 15, "Ne": 22, "Cl": 37, "Ca": 48, "Sn": 124, "Pb": 208}
    masses |= {"Be": 10, "Pu": 244, "Og": 294, "Xe": 136, "Kr": 86, "Si": 32}
    for symbol, mass in masses.items():
        row = parse_formulas([f"[{mass}{symbol}]Fe"]).toarray()[0]
        assert row[ELEMENTS.index(symbol)] == 0.5
