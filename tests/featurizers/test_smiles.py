"""Structures from SMILES: the molecules that they name, repeatable conformers, and failures by row."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skxfer.featurizers import SmilesToAtoms, SOAPFeaturizer
from skxfer.structures import neighbour_pairs, read_structures

pytest.importorskip("rdkit", reason="SMILES need rdkit")
pytest.importorskip("ase", reason="structures need ase")


def _convert(*smiles, **options):
    return SmilesToAtoms(**{"n_conformers": 1} | options).fit_transform(list(smiles))


def _positions(*smiles, **options):
    return np.concatenate([atoms.positions for atoms in _convert(*smiles, **options)])


def test_hydrogen_is_added():
    formulas = [atoms.get_chemical_formula() for atoms in _convert("C", "CCO", "c1ccccc1", "C#N", "[CH3]")]
    assert formulas == ["CH4", "C2H6O", "C6H6", "CHN", "CH3"]


def test_bonds_are_as_long_as_in_experiments():
    methane, acetylene, hydrogen = _convert("C", "C#C", "[H][H]")
    assert methane.get_distances(0, [1, 2, 3, 4]) == pytest.approx(4 * [1.087], abs=0.01)
    assert acetylene.get_distance(0, 1) == pytest.approx(1.203, abs=0.01)
    assert hydrogen.get_distance(0, 1) == pytest.approx(0.741, abs=0.05)


def test_output_is_read_as_structures_without_overlaps():
    structures = read_structures(_convert("CCO", "O=C=O", "CC(=O)N", "[He]"))
    assert structures.n_atoms.tolist() == [9, 3, 9, 1] and not structures.pbc.any()
    pairs = neighbour_pairs(structures, 0.9)
    assert len(pairs.i) == 0


def test_the_same_molecule_gives_the_same_structure_however_it_is_written():
    first, *others = _convert("CCO", "OCC", "C(O)C", "[CH3][CH2][OH]")
    for other in others:
        assert other == first
    benzene, kekule = _convert("c1ccccc1", "C1=CC=CC=C1")
    assert benzene == kekule


def test_a_seed_gives_the_same_conformers_and_another_seed_others():
    chain = "CCCCCCO"
    first = _positions(chain, optimize=False)
    np.testing.assert_array_equal(_positions(chain, optimize=False), first)
    assert np.abs(_positions(chain, optimize=False, random_state=1) - first).max() > 0.1


def test_two_jobs_give_what_one_gives():
    smiles = ["CCO", "CCCC", "c1ccccc1", "CC(=O)O", "CN"]
    np.testing.assert_array_equal(_positions(*smiles, n_jobs=2), _positions(*smiles))


def _force_field_energy(atoms, smiles):
    """MMFF94 energy of our positions, by RDKit, which orders the atoms of this SMILES in the same way."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=0)
    assert [atom.GetSymbol() for atom in molecule.GetAtoms()] == list(atoms.symbols)
    conformer = molecule.GetConformer()
    for place, position in enumerate(atoms.positions):
        conformer.SetAtomPosition(place, position.tolist())
    properties = AllChem.MMFFGetMoleculeProperties(molecule)
    return AllChem.MMFFGetMoleculeForceField(molecule, properties).CalcEnergy()


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_more_conformers_find_a_lower_energy_in_a_flexible_chain(optimize, seed):
    chain, options = "CCCCCCCCO", {"optimize": optimize, "random_state": seed}
    one, many = (_force_field_energy(_convert(chain, n_conformers=n, **options)[0], chain) for n in (1, 20))
    assert many < one - 0.1


def test_optimisation_lowers_the_energy():
    embedded, optimised = (
        _force_field_energy(_convert("CCCCO", optimize=how)[0], "CCCCO") for how in (False, True)
    )
    assert optimised < embedded - 1


@pytest.mark.parametrize("cage", ["O=C1OC2C3C2C2C3N12", "C12C3C4C1C5C2C3C45"])
def test_cages_have_conformers(cage):
    (atoms,) = _convert(cage)
    apart = atoms.get_all_distances()[np.triu_indices(len(atoms), 1)]
    assert apart.min() > 0.9


def test_info_tells_force_field_charge_and_smiles():
    alanine, ammonium, borane, helium = _convert("CC(N)C(=O)O", "[NH4+]", "B1BB1", "[He]")
    assert alanine.info == {"smiles": "CC(N)C(=O)O", "force_field": "MMFF94"}
    assert ammonium.info["charge"] == 1
    assert borane.info["force_field"] == "UFF"
    assert helium.info["force_field"] is None


@pytest.mark.parametrize(
    ("unit", "formula"),
    [
        ("*CC*", "C2H6"),
        ("[*]CC[*]", "C2H6"),
        ("[1*]CC([2*])c1ccccc1", "C8H10"),
        ("*c1ccc(*)cc1", "C6H6"),
        ("*OC(=O)C", "C2H4O2"),
    ],
)
def test_ends_of_a_repeat_unit_become_hydrogen(unit, formula):
    assert _convert(unit, cap="H")[0].get_chemical_formula() == formula


def test_a_capped_unit_is_the_molecule_that_it_stands_for():
    capped, ethane = _convert("*CC*", "CC", cap="H")
    assert capped == ethane


BAD = [
    ("C(C", "no SMILES"),
    ("C(C)(C)(C)(C)C", "valence"),
    ("", "no atoms"),
    ("[Na+].[Cl-]", "2 molecules"),
    ("*CC*", "2 attachment points .*cap='H'"),
    ("F[Pt](F)F", "neither MMFF94 nor UFF"),
    ("CCO ethanol", "text after a space"),
]


@pytest.mark.parametrize(("smiles", "reason"), BAD)
def test_errors_name_row_smiles_and_reason(smiles, reason):
    with pytest.raises(ValueError, match=rf"row 1 \(.*\): .*{reason}.*on_error='none'"):
        _convert("C", smiles)


@pytest.mark.parametrize("unit", ["*=C", "*", "*1CCC1", "*[H]"])
def test_ends_that_are_no_single_bond_are_refused(unit):
    with pytest.raises(ValueError, match="hydrogen cannot replace it"):
        _convert(unit, cap="H")


def test_all_failures_are_listed():
    with pytest.raises(ValueError, match=r"7 of 9 SMILES .*row 2 .*and rows \[7, 8\]"):
        _convert("C", "C", *["xx"] * 7)


def test_failures_can_be_none_with_a_warning():
    with pytest.warns(UserWarning, match="2 of 4 SMILES have no structure: row 1"):
        found = _convert("C", "C(C", "CC", "", on_error="none")
    assert [atoms is None for atoms in found] == [False, True, False, True]


def test_rdkit_says_nothing_on_its_own(capfd):
    with pytest.raises(ValueError, match="no structure"):
        _convert("C(C", "F[Pt](F)F")
    assert capfd.readouterr().err == ""


def test_without_a_force_field_nothing_needs_its_parameters():
    (atoms,) = _convert("F[Pt](F)F", optimize=False)
    assert atoms.get_chemical_formula() == "F3Pt"


@pytest.mark.parametrize("X", ["CCO", b"CCO", 3.0, None, np.eye(3), [1.0], ["CCO", None], ["CCO", np.nan]])
def test_what_is_no_text_is_refused(X):
    for method in (SmilesToAtoms().fit, SmilesToAtoms().transform):
        with pytest.raises(TypeError, match="SMILES"):
            method(X)


@pytest.mark.parametrize(
    "options",
    [{"n_conformers": 0}, {"cap": "C"}, {"on_error": "nan"}, {"random_state": None}, {"random_state": -1}],
)
def test_invalid_parameters_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SmilesToAtoms(**options).fit(["C"])


def test_nothing_is_learned():
    new = SmilesToAtoms(n_conformers=1)
    np.testing.assert_array_equal(new.transform(["CCO"])[0].positions, _positions("CCO"))
    assert clone(new).get_feature_names_out().tolist() == ["atoms"]


def test_output_is_one_column_of_objects():
    atoms = _convert("C", "CC")
    assert atoms.shape == (2,) and atoms.dtype == object
    table = SmilesToAtoms(n_conformers=1).set_output(transform="pandas").fit_transform(pd.Series(["C", "CC"]))
    assert list(table.columns) == ["atoms"] and table["atoms"].tolist() == list(atoms)


def test_it_is_the_first_step_of_a_pipeline():
    pytest.importorskip("dscribe", reason="SOAP needs dscribe")
    smiles = ["C" * n for n in range(1, 9)] + ["O" + "C" * n for n in range(1, 9)]
    y = np.array([len(one) for one in smiles], dtype=float) + np.array(["O" in one for one in smiles])
    model = make_pipeline(SmilesToAtoms(n_conformers=1), SOAPFeaturizer(n_max=3, l_max=2), Ridge(1e-6))
    predicted = model.fit(smiles[::2], y[::2]).predict(smiles[1::2])
    assert np.abs(predicted - y[1::2]).mean() < 0.5 * np.abs(y[1::2] - y[::2].mean()).mean()
