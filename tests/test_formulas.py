import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.formulas import (
    ELEMENTS,
    combine_properties,
    composition_groups,
    parse_formulas,
    sorted_elements,
)

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


def composition(formula):
    """Atomic fractions of one formula as a dict."""
    row = parse_formulas([formula]).toarray()[0]
    return {ELEMENTS[column]: row[column] for column in np.flatnonzero(row)}


def error_of(X, kind=ValueError):
    with pytest.raises(kind) as caught:
        parse_formulas(X)
    return str(caught.value)


# what is understood -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "amounts"),
    [
        ("Fe", {"Fe": 1}),
        ("Fe2O3", {"Fe": 2, "O": 3}),
        ("NaN", {"Na": 1, "N": 1}),
        ("CO", {"C": 1, "O": 1}),
        ("Co", {"Co": 1}),
        ("CH3CH2OH", {"C": 2, "H": 6, "O": 1}),
        ("Fe0.5O.5", {"Fe": 1, "O": 1}),
        ("Nb3Sn1.", {"Nb": 3, "Sn": 1}),
        ("Fe1e-3O", {"Fe": 1, "O": 1000}),
        ("Fe₂O₃", {"Fe": 2, "O": 3}),
        (" Fe 2\tO 3\n", {"Fe": 2, "O": 3}),
        ("D2O", {"H": 2, "O": 1}),
        ("T2", {"H": 1}),
        ("Fe0O", {"O": 1}),
        ("Fe1e-9O", {"O": 1}),
        ("(H2O)0Fe", {"Fe": 1}),
        ("Og2", {"Og": 1}),
    ],
)
def test_plain_formulas(formula, amounts):
    total = sum(amounts.values())
    assert composition(formula) == pytest.approx({key: n / total for key, n in amounts.items()})


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("Ca(OH)2", "CaO2H2"),
        ("(Fe)2.5O", "Fe2.5O"),
        ("(OH).5", "OH"),
        ("{Fe[O(H)2]3}2C", "Fe2O6H12C"),
        ("Al ( O H ) 3", "AlO3H3"),
        ("(Mg(Al(OH)2)3)2", "Mg2Al6O12H12"),
    ],
)
def test_brackets_multiply_what_is_in_them(formula, plain):
    assert composition(formula) == pytest.approx(composition(plain))


@pytest.mark.parametrize("dot", ["·", "•", "∙", "⋅", "*", " · ", " * "])
def test_a_dot_joins_the_parts_of_a_hydrate(dot):
    assert composition(f"CuSO4{dot}5H2O") == pytest.approx(composition("CuSO9H10"))


@pytest.mark.parametrize(
    ("formula", "plain"),
    [
        ("CaSO4·0.5H2O", "CaSO4.5H"),
        ("3CaO·2SiO2·3H2O", "Ca3Si2O10H6"),
        ("K2(UO2)2(VO4)2·3H2O", "K2U2V2O15H6"),
        ("(CaO·2SiO2)3Fe", "Ca3Si6O15Fe"),
        ("NaCl.H2O", "NaClH2O"),
        ("2H2O", "H2O"),
        ("Y3N@C80", "Y3NC80"),
    ],
)
def test_a_coefficient_in_front_multiplies_its_part_alone(formula, plain):
    assert composition(formula) == pytest.approx(composition(plain))


def test_a_dot_between_digits_is_a_decimal_point():
    assert composition("La1.85Sr0.15CuO4") == pytest.approx(
        {"La": 1.85 / 7, "Sr": 0.15 / 7, "Cu": 1 / 7, "O": 4 / 7}
    )


def test_a_decimal_that_may_be_a_hydrate_is_warned_of():
    with pytest.warns(UserWarning, match=r"Row 1: in 'CuSO4.5H2O' .* write 'CuSO4·5H2O'"):
        fractions = parse_formulas(["CuSO4.5", "CuSO4.5H2O"])
    np.testing.assert_allclose(fractions[1, ELEMENTS.index("O")], 5.5 / 9.5)


def test_doubtful_hydrates_are_counted_in_one_warning():
    with pytest.warns(UserWarning) as caught:
        parse_formulas(["FeO", "CuSO4.5H2O", "CuSO4·5H2O", "FeSO4.7H2O"])
    assert len(caught) == 1
    assert "Row 1: in 'CuSO4.5H2O'" in str(caught[0].message) and "in 2 formulas" in str(caught[0].message)


def test_unambiguous_formulas_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_formulas(["CuSO4·5H2O", "CaSO4·0.5H2O", "NaCl.H2O", "La1.85Sr0.15CuO4", "H2O0.5H"])


# the result -------------------------------------------------------------------------------------------


def test_elements_are_in_order_of_atomic_number():
    periodic_table = pytest.importorskip("pymatgen.core.periodic_table", reason="compares with pymatgen")
    assert [periodic_table.Element.from_Z(z).symbol for z in range(1, 119)] == list(ELEMENTS)


def test_rows_are_canonical_and_add_up_to_one():
    fractions = parse_formulas(["OFeO", "H2O", "Na0Cl", "CH3CH2OH"])
    assert (fractions.shape, fractions.dtype, fractions.format) == ((4, 118), np.float64, "csr")
    assert fractions.has_canonical_format
    assert (fractions.data > 0).all()
    np.testing.assert_array_equal(np.diff(fractions.indptr), [2, 2, 1, 3])
    np.testing.assert_allclose(fractions.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("other", ["O3Fe2", "Fe4O6", "FeO1.5", "(Fe2O3)7", "Fe2O1O2", "2FeO·O", "Fe.2O.3"])
def test_equal_compositions_give_equal_rows(other):
    np.testing.assert_allclose(
        parse_formulas([other]).toarray(), parse_formulas(["Fe2O3"]).toarray(), rtol=1e-14
    )


def test_no_formulas_give_no_rows():
    assert parse_formulas([]).shape == (0, 118)


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        pd.Index,
        lambda x: np.array(x, dtype=object),
        lambda x: np.array(x, dtype=object)[:, None],
        lambda x: pd.Series(x, index=[7, 7], dtype="category"),
        lambda x: pd.Series(x, dtype="string"),
        lambda x: pd.DataFrame({"formula": x}),
        lambda x: [{"Fe": 2, "O": 3.0}, x[1]],
    ],
)
def test_formulas_come_in_any_container(container):
    formulas = ["Fe2O3", "Ca(OH)2"]
    np.testing.assert_array_equal(
        parse_formulas(container(formulas)).toarray(), parse_formulas(formulas).toarray()
    )


def test_pymatgen_compositions_mix_with_text():
    core = pytest.importorskip("pymatgen.core", reason="reads pymatgen objects")
    ions = core.Composition({core.Species("Fe", 3): 1, core.Species("Fe", 2): 1, core.Species("O", -2): 3})
    mixed = parse_formulas(
        [core.Composition("Ca(OH)2"), "Fe2O3", ions, core.Composition("D2O"), {core.Element("Fe"): 1}]
    )
    same = parse_formulas(["Ca(OH)2", "Fe2O3", "Fe2O3", "H2O", "Fe"])
    np.testing.assert_allclose(mixed.toarray(), same.toarray(), rtol=1e-15)


# what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("Xx", "'Xx' at position 0 is no element"),
        ("La2Qu", "'Qu' at position 3 is no element"),
        ("FE2O3", "'E' at position 1 is no element"),
        ("CaUue2", "'Uue' at position 2 is no element"),
        ("Ca(Zz2)3", "'Zz' at position 3 is no element"),
        ("fe2o3", "'f' at position 0 is no element: symbols start with a capital"),
        ("Fe(OH)2x", "'x' at position 7 is no element"),
        ("", "it is empty"),
        (" \t", "it is empty"),
        ("2", "there is no element before the end"),
        ("Fe0", "all amounts are 0"),
        ("(FeO)0", "all amounts are 0"),
        ("Fe1e999", "too large"),
        ("Fe-1O2", "the amount at position 2 is negative"),
        ("(FeO)-2", "the amount at position 5 is negative"),
        ("Fe(OH", "'(' at position 2 is not closed"),
        ("Fe{O[H]", "'{' at position 2 is not closed"),
        ("FeOH)2", "')' at position 4 closes no such bracket"),
        ("Fe(OH]2", "']' at position 5 closes no such bracket"),
        ("Fe()2", "there is no element before ')' at position 3"),
        ("Fe(2)O", "there is no element before ')' at position 4"),
        ("CuSO4·", "there is no element before the end"),
        ("·5H2O", "there is no element before '·' at position 0"),
        ("CuSO4··5H2O", "there is no element before '·' at position 6"),
        ("Fe3+", "the charge '+' at position 3"),
        ("SO4^2-", "the charge '^2-' at position 3"),
        ("SO4 2-", "the charge '2-' at position 4"),
        ("NH4+", "the charge '+' at position 3"),
        ("Fe³⁺", "the charge '³⁺' at position 2"),
        ("Cl-", "the charge '-' at position 2"),
        ("[Fe(CN)6]4-", "the charge '-' at position 10"),
        ("(SO4 2-)Fe", "the charge '2-' at position 5"),
        ("Fe^{3+}", "the charge '^{3+}' at position 2"),
        ("SO4-2", "the charge '-2' at position 3"),
        ("Ni-Zr", "'-' at position 2 is not understood: write elements without hyphens"),
        ("Fe–O", "'–' at position 2 is not understood: write elements without hyphens"),
        ("YBa2Cu3O7-x", "'-' at position 9 is not understood"),
        ("La1-xSrxO3", "amounts as numbers, not as variables"),
        ("Ca2+O", "'+' at position 3 is not understood"),
        ("⁵⁷Fe", "'⁵' at position 0 is not understood: leave out the mass numbers"),
        ("Fe2 3", "the number at position 4 follows another one"),
        ("CaSO4.0.5H2O", "the number at position 7 follows another one"),
        ("Fe,O", "',' at position 2 is not understood"),
        ("Fe_2", "'_' at position 2 is not understood"),
        ("Fe2O3/SiO2", "'/' at position 5 is not understood"),
        ("Fe2/0O", "the fraction at position 2 divides by 0"),
        ("Fe2O3 (hematite)", "'h' at position 7 is no element"),
    ],
)
def test_a_formula_that_cannot_be_read_is_named_with_its_row_and_position(formula, says):
    message = error_of(["Fe2O3", "CuO", formula])
    assert message.startswith(f"Row 2, formula {formula!r}: ")
    assert says in message


@pytest.mark.parametrize(
    ("amounts", "says"),
    [
        ({"Xx": 1}, "'Xx' is no element"),
        ({"Fe": -1}, "the amount of Fe is -1"),
        ({"Fe": float("nan")}, "the amount of Fe is nan"),
        ({"Fe": "2"}, "the amount of Fe is '2'"),
        ({}, "all amounts are 0"),
    ],
)
def test_a_dict_that_is_no_composition_is_named_with_its_row(amounts, says):
    message = error_of(["Fe2O3", amounts])
    assert message.startswith(f"Row 1, formula {amounts!r}: ")
    assert says in message


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA])
def test_a_missing_formula_is_named_and_may_be_sodium_nitride(missing):
    message = error_of(["Fe2O3", missing], TypeError)
    assert message.startswith(f"Row 1 of X is {missing!r}")
    assert "converters={'formula': str}" in message


@pytest.mark.parametrize("entry", [2, 1.5, b"Fe", ["Fe"], ("Fe", 2), np.array([1, 2])])
def test_an_entry_that_is_no_formula_is_named(entry):
    message = error_of(["Fe2O3", entry], TypeError)
    assert message.startswith(f"Row 1 of X is {entry!r} ({type(entry).__name__}), not a formula")


def test_bytes_in_a_list_are_to_be_decoded():
    assert error_of(["FeO", b"Fe"], TypeError).endswith("Decode it, entry.decode().")


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ("Fe2O3", "put it in a list"),
        ({"Fe": 2}, "put it in a list"),
        (None, "must be a sequence of formulas"),
        (3, "must be a sequence of formulas"),
        (iter(["Fe"]), "must be a sequence of formulas"),
        (np.array([1.0, 2.0]), "holds float64 numbers"),
        (pd.Series([26, 8]), "holds int64 numbers"),
        (np.array([b"FeO", b"Fe"]), r"holds bytes, not text: decode them, X.astype(str)"),
        ({"FeO", "Fe"}, "is a set, which has no order"),
        (frozenset(["FeO"]), "is a set, which has no order"),
        (parse_formulas(["Fe"]), "sparse matrix of numbers"),
    ],
)
def test_what_is_no_sequence_of_formulas_is_a_type_error(X, says):
    assert says in error_of(X, TypeError)


def test_a_table_of_many_columns_is_refused():
    table = pd.DataFrame({"formula": ["FeO"], "name": ["wüstite"]})
    assert "2 columns (formula, name)" in error_of(table)
    assert "(1, 2)" in error_of(table.to_numpy())


# against pymatgen -------------------------------------------------------------------------------------


def pymatgen_row(formula):
    core = pytest.importorskip("pymatgen.core", reason="compares with pymatgen")
    row = np.zeros(len(ELEMENTS))
    amounts = core.Composition(formula).get_el_amt_dict()
    for symbol, amount in amounts.items():
        row[ELEMENTS.index(symbol)] += amount / sum(amounts.values())
    return row


def test_random_formulas_mean_what_they_mean_to_pymatgen():
    pytest.importorskip("pymatgen.core", reason="compares with pymatgen")
    hypothesis = pytest.importorskip("hypothesis", reason="random formulas are drawn by hypothesis")
    st = hypothesis.strategies
    amount = st.one_of(
        st.just(""),
        st.integers(1, 99).map(str),
        st.decimals("0.001", 99, places=3).map(str),
        st.sampled_from([".5", "3."]),
    )
    atom = st.tuples(st.sampled_from(ELEMENTS), amount).map("".join)
    group = st.recursive(
        atom,
        lambda part: st.tuples(
            st.sampled_from(["()", "[]", "{}"]), st.lists(part, min_size=1, max_size=3).map("".join), amount
        ).map(lambda t: f"{t[0][0]}{t[1]}{t[0][1]}{t[2]}"),
        max_leaves=6,
    )

    @hypothesis.settings(max_examples=300)
    @hypothesis.given(st.lists(group, min_size=1, max_size=6).map("".join))
    def check(formula):
        # Old versions of pymatgen do not read curly brackets.
        expected = pymatgen_row(formula.replace("{", "(").replace("}", ")"))
        if not expected.any():  # all amounts are below 1e-8, which count as absent
            with pytest.raises(ValueError, match="all amounts are 0"):
                parse_formulas([formula])
            return
        np.testing.assert_allclose(parse_formulas([formula]).toarray()[0], expected, rtol=1e-9, atol=1e-12)

    check()


def test_random_text_is_never_read_in_another_way_than_by_pymatgen():
    pytest.importorskip("pymatgen.core", reason="compares with pymatgen")
    hypothesis = pytest.importorskip("hypothesis", reason="random text is drawn by hypothesis")
    st = hypothesis.strategies

    def outcome(parse, formula):
        try:
            return parse(formula)
        except ValueError:
            return None

    @hypothesis.settings(max_examples=500, deadline=None, derandomize=True)
    @hypothesis.given(st.text("FeOCaNH()0123. +", min_size=1, max_size=9))
    @hypothesis.example("Fe1.5.5")
    @hypothesis.example("Fe(O")
    def check(formula):
        ours = outcome(lambda text: parse_formulas([text]).toarray()[0], formula)
        theirs = outcome(pymatgen_row, formula)
        if theirs is not None and theirs.sum() > 0:
            assert ours is not None
        if ours is not None and theirs is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)

    check()


@real
@pytest.mark.filterwarnings("ignore:Row .* decimal point")
def test_published_formulas_mean_what_they_mean_to_pymatgen():
    folder = Path(os.environ["SKXFER_DATA"]) / "composition"
    paths = sorted([*folder.glob("benchmark/*/*.csv"), *folder.glob("matbench/*.csv")])
    assert len(paths) > 30
    formulas = []
    for path in paths:
        table = pd.read_csv(path, keep_default_na=False).iloc[:, 0]
        parse_formulas(table)
        formulas += list(table.sample(min(60, len(table)), random_state=0))
    expected = [pymatgen_row(formula) for formula in formulas]
    np.testing.assert_allclose(parse_formulas(formulas).toarray(), expected, rtol=1e-12, atol=1e-15)


def test_elements_come_by_falling_fraction_then_atomic_number():
    number, fraction = sorted_elements(parse_formulas(["CuFeO2", "H2O", "Au"]))
    np.testing.assert_array_equal(number, [[8, 26, 29], [1, 8, 0], [79, 0, 0]])
    np.testing.assert_allclose(fraction, [[0.5, 0.25, 0.25], [2 / 3, 1 / 3, 0], [1, 0, 0]])


# compositions -----------------------------------------------------------------------------------------


def test_groups_are_compositions():
    formulas = ["Fe2O3", "O3Fe2", "FeO", "Fe0.4O0.6", "O2Fe2", "Fe3O4"]
    assert composition_groups(formulas).tolist() == [0, 0, 1, 0, 1, 2]


def test_rounding_does_not_split_a_composition():
    assert len(set(composition_groups(["Fe0.3O0.1", "Fe3O", "Fe0.30000000000000004O0.1"]))) == 1


@pytest.mark.filterwarnings("ignore:Compositions with different labels")
def test_properties_are_averaged_within_and_joined_across():
    first, second = (["NaCl", "ClNa", "MgO"], [1.0, 3.0, 5.0]), (["KBr", "OMg"], [7.0, 9.0])
    formulas, labels = combine_properties({"a": first, "b": second})
    assert list(formulas) == ["NaCl", "MgO", "KBr"]
    np.testing.assert_array_equal(labels["a"], [2, 5, np.nan])
    np.testing.assert_array_equal(labels["b"], [np.nan, 9, 7])


def test_excluded_compositions_do_not_occur():
    formulas, labels = combine_properties({"a": (["NaCl", "MgO"], [1.0, 2.0])}, exclude=["O2Mg2", "Cu"])
    assert list(formulas) == ["NaCl"]
    assert labels["a"].tolist() == [1.0]


def test_excluded_compositions_may_be_a_set():
    formulas, _ = combine_properties({"a": (["NaCl", "MgO"], [1.0, 2.0])}, exclude={"O2Mg2"})
    assert list(formulas) == ["NaCl"]


def test_averaged_polymorphs_are_counted_for_each_property():
    properties = {
        "gap": (["C", "TiO2", "Ti2O4", "C", "C", "NaCl", "KBr"], [5.5, 3.0, 3.2, 0.0, 1.0, 8.0, np.nan]),
        "bulk": (["NaCl", "NaCl"], [24.0, 24.0]),  # equal: nothing to choose from
        "shear": (["MgO", "OMg"], [130.0, 128.0]),
    }
    with pytest.warns(UserWarning) as caught:
        _, labels = combine_properties(properties)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "2 of 'gap' (5 rows; widest apart: C, by 5.5)" in message
    assert "1 of 'shear' (2 rows; widest apart: MgO, by 2)" in message
    assert "bulk" not in message
    assert caught[0].filename == __file__
    np.testing.assert_allclose(labels["gap"], [6.5 / 3, 3.1, 8.0, np.nan, np.nan])


def test_excluded_polymorphs_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        combine_properties({"gap": (["C", "C", "NaCl"], [5.5, 0.0, 8.0])}, exclude=["C"])


@pytest.mark.parametrize(
    ("properties", "kind", "says"),
    [
        ({}, ValueError, "properties is empty"),
        (
            {"gap": (["NaCl"], [1.0]), "bulk": (["MgO", "O2Mg2"], [2.0, 3.0])},
            ValueError,
            "All formulas of property 'bulk' are excluded",
        ),
        (
            {"bulk": (["MgO", "FeO"], [2.0])},
            ValueError,
            r"'bulk' has 2 formulas and labels of the shape \(1,\)",
        ),
        ({"bulk": (["MgO"], [[2.0]])}, ValueError, r"'bulk' has 1 formulas and labels of the shape \(1, 1\)"),
        ({"bulk": ([], [])}, ValueError, "'bulk' has 0 formulas"),
        (
            {"gap": (["NaCl"], [1.0]), "bulk": (["FeO", "Xx"], [2.0, 3.0])},
            ValueError,
            "Property 'bulk': Row 1, formula 'Xx'",
        ),
        ({"bulk": ("FeO", [2.0])}, TypeError, "Property 'bulk': X is the single formula"),
    ],
)
def test_properties_that_cannot_be_joined_are_named(properties, kind, says):
    with pytest.raises(kind, match=says):
        combine_properties(properties, exclude=["MgO"] if "gap" in properties else None)


def test_an_excluded_formula_that_cannot_be_read_is_said_to_be_one():
    with pytest.raises(ValueError, match="exclude: Row 0, formula 'Xx'"):
        combine_properties({"a": (["NaCl"], [1.0])}, exclude=["Xx"])
