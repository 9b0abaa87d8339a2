"""Structures of other packages and files: what is read, what is refused, and the results they carry."""

import os

import numpy as np
import pytest

from skxfer.datasets import read_structure_file, read_structure_table
from skxfer.structures import read_results, read_structures

ase = pytest.importorskip("ase")
from ase.build import bulk, molecule  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.calculators.singlepoint import SinglePointCalculator  # noqa: E402
from ase.io import write  # noqa: E402

OH, HOH = 0.9572, np.deg2rad(104.52)
WATER = ([8, 1, 1], [[0, 0, 0], [OH, 0, 0], [OH * np.cos(HOH), OH * np.sin(HOH), 0]])

CIF = """data_x
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na 0 0 0 1.0
"""


def same(found, other):
    for name in ("numbers", "positions", "cell", "pbc"):
        np.testing.assert_allclose(getattr(found, name), getattr(other, name), atol=1e-12)


# other packages ---------------------------------------------------------------------------------------


def test_structures_of_pymatgen_are_those_of_ase():
    core = pytest.importorskip("pymatgen.core", reason="reads pymatgen objects")
    salt = bulk("NaCl", "rocksalt", a=5.64)
    lattice = core.Lattice(salt.cell[:])
    crystal = core.Structure(lattice, ["Na+", "Cl-"], salt.positions, coords_are_cartesian=True)
    water = core.Molecule(["O", "D", "H"], WATER[1])
    same(read_structures([crystal, water, crystal.copy()]), read_structures([salt, WATER, salt]))
    slab = core.Structure(
        core.Lattice(salt.cell[:], pbc=(True, True, False)), ["Na", "Cl"], [[0, 0, 0], [0.5] * 3]
    )
    assert read_structures([slab]).pbc.tolist() == [[True, True, False]]


def test_a_single_structure_of_pymatgen_is_to_be_put_in_a_list():
    core = pytest.importorskip("pymatgen.core", reason="reads pymatgen objects")
    with pytest.raises(TypeError, match="it is Molecule: put a single one in a list"):
        read_structures(core.Molecule(["O"], [[0, 0, 0]]))


@pytest.mark.parametrize("species", [{"Fe": 0.5}, {"Fe": 0.5, "Ni": 0.5}, {"Na": 0.9}])
def test_disordered_structures_of_pymatgen_are_refused(species):
    core = pytest.importorskip("pymatgen.core", reason="reads pymatgen objects")
    disordered = core.Structure(core.Lattice.cubic(4), ["O", species], [[0, 0, 0], [0.5] * 3])
    with pytest.raises(ValueError, match=r"Structure 1 is disordered: site 1 holds \w+ 0\.[59]"):
        read_structures([WATER, disordered])


def test_molecules_of_rdkit_are_read_with_their_conformer():
    Chem = pytest.importorskip("rdkit.Chem", reason="reads RDKit molecules")
    AllChem = pytest.importorskip("rdkit.Chem.AllChem")
    ethanol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    with pytest.raises(ValueError, match="Structure 0 is an RDKit molecule, .* 0 of them"):
        read_structures([ethanol])
    AllChem.Compute2DCoords(ethanol)
    with pytest.raises(ValueError, match="in two dimensions"):
        read_structures([ethanol])
    AllChem.EmbedMolecule(ethanol, randomSeed=1)
    found = read_structures([ethanol])
    assert found.numbers.tolist() == [6, 6, 8, 1, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(found.positions, ethanol.GetConformer().GetPositions())
    with pytest.raises(ValueError, match="Structure 1 is an RDKit molecule without 6 of its hydrogen atoms"):
        read_structures([ethanol, Chem.RemoveHs(ethanol)])
    AllChem.EmbedMultipleConfs(ethanol, 2, randomSeed=1)
    with pytest.raises(ValueError, match="2 of them"):
        read_structures([ethanol])


@pytest.mark.parametrize("symbols", [["O", "D", "T"], ["8", "1", "1"], np.array(["O", "D", "H"])])
def test_isotopes_and_numbers_are_symbols(symbols):
    same(read_structures([(symbols, WATER[1])]), read_structures([WATER]))


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (np.array(WATER[1]) + 1j, "positions of complex128"),
        ([[0, 0, 0], [1j, 0, 0], [0, 1, 0]], "positions of complex128"),
        (np.array([[0, 0, 0], [1j, 0, 0], [0, 1, 0]], dtype=object), "positions of object"),
        (np.zeros((3, 3), dtype="datetime64[s]"), "positions of datetime64"),
        (np.ma.array(WATER[1], mask=np.eye(3)), "masked positions"),
    ],
)
def test_positions_that_casting_would_change_are_refused(positions, message):
    with pytest.raises(ValueError, match=f"Structure 1 has {message}"):
        read_structures([WATER, (WATER[0], positions)])


def test_masked_atoms_are_refused():
    with pytest.raises(ValueError, match="Structure 0 has masked atomic numbers"):
        read_structures([(np.ma.array(WATER[0], mask=[0, 1, 0]), WATER[1])])
    same(read_structures([(np.ma.array(WATER[0]), np.ma.array(WATER[1]))]), read_structures([WATER]))


@pytest.mark.parametrize(
    ("X", "kind"), [({"a": WATER}, "dict"), ({"a.xyz"}, "set"), (frozenset("a"), "frozenset")]
)
def test_dicts_and_sets_are_refused_by_name(X, kind):
    with pytest.raises(TypeError, match=f"X is a {kind}: give a sequence"):
        read_structures(X)


# partly occupied sites --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "site"),
    [
        ("Cl1 Cl 0.5 0.5 0.5 0.7", "site 1 holds Cl 0.7"),
        ("Cl1 Cl 0.5 0.5 0.5 0.7(2)", "site 1 holds Cl 0.7"),
        ("Cl1 Cl 0.5 0.5 0.5 0.7\nBr1 Br 0.5 0.5 0.5 0.3", "site 1 holds Cl 0.7, Br 0.3"),
        ("Cl1 Cl 0.5 0.5 0.5 1.0\nBr1 Br 0.5 0.5 0.5 1.0", "site 1 holds Cl 1, Br 1"),
    ],
)
def test_partly_occupied_sites_of_a_cif_are_refused(tmp_path, line, site):
    (tmp_path / "x.cif").write_text(CIF + line + "\n")
    with pytest.raises(ValueError, match=rf"Structure 1 is disordered: {site}\. .*x\.cif"):
        read_structures([WATER, tmp_path / "x.cif"])
    with pytest.raises(ValueError, match=f"Structure 0 is disordered: {site}"):
        read_structures([ase.io.read(tmp_path / "x.cif")])


def test_full_sites_of_a_cif_are_read(tmp_path):
    (tmp_path / "x.cif").write_text(CIF + "Cl1 Cl 0.5 0.5 0.5 1\n")
    assert read_structures([tmp_path / "x.cif"]).numbers.tolist() == [11, 17]


def test_several_elements_on_a_site_of_a_poscar_are_refused(tmp_path):
    mixed = ase.Atoms("OFeNi", [[2, 2, 2], [0, 0, 0], [4, 0, 0]], cell=[4, 4, 4], pbc=True)
    write(tmp_path / "POSCAR", mixed, format="vasp")
    with pytest.raises(ValueError, match=r"Structure 0 is disordered: site 0 holds (Fe|Ni) 1, (Fe|Ni) 1"):
        read_structures([tmp_path / "POSCAR"])


@pytest.mark.parametrize("key", ["occupancy", "occupancies", "occ"])
def test_occupancies_per_atom_are_seen(key):
    water = ase.Atoms(*WATER)
    for values in (np.ones(3), np.zeros(3)):
        water.arrays[key] = values
        assert len(read_structures([water])) == 1
    water.arrays[key] = np.array([1, 0.5, 1])
    with pytest.raises(ValueError, match="site 0 holds H 0.5"):
        read_structures([water])


# names of files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a@b.xyz", "a@0.xyz", "a.xyz@1", "~a.xyz", "-", "$HOME.xyz", "a b.xyz", "[a]*.xyz"]
)
def test_names_of_files_are_taken_literally(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a", [molecule("CH4"), molecule("H2")], format="extxyz")
    write(tmp_path / "a.xyz", [molecule("CH4"), molecule("H2")], format="extxyz")
    write(tmp_path / "x", molecule("H2O"), format="extxyz")
    os.rename(tmp_path / "x", name)
    for path in (name, tmp_path / name):
        assert read_structures([path]).n_atoms.tolist() == [3]
        assert len(read_structure_file(path).data) == 1


def test_what_is_no_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.xyz")
    for name, what in (
        ("a@b.xyz", "there is no file"),
        ("pipe.xyz", "is a special file"),
        (".", "is a folder"),
    ):
        with pytest.raises(ValueError, match=f"Structure 1: .*{what}"):
            read_structures([WATER, tmp_path / name])
    with pytest.raises(ValueError, match="If it is a SMILES, put SmilesToAtoms in front"):
        read_structures(["CCO"])


def test_names_of_tables_and_of_their_files_are_taken_literally(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~t.csv").write_text("id,y\na@0,1\n")
    write(tmp_path / "x.xyz", molecule("H2O"))
    os.rename("x.xyz", "a@0.xyz")
    assert read_structure_table("~t.csv", target="y").data[0].get_chemical_formula() == "H2O"


# odd xyz files ----------------------------------------------------------------------------------------

QM9 = """3
gdb 3\t799.58812\t437.90386\t282.94545\t1.8511\t6.31\t-0.2928\t0.0687\t0.3615\t19.0002\t0.021375\t-76.404702
O\t 0.0\t 0.0\t 0.0\t-0.589706
H\t 9.572*^-1\t 0.0\t 0.0\t 2.9*^-1
H\t-2.4*^-1\t 0.9267\t 1.0*^-6\t 0.294853
1671.4222\t3803.6305\t3907.698
O\tO\t
InChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2
"""


def test_raw_files_of_qm9_are_read(tmp_path):
    (tmp_path / "dsgdb9nsd_000003.xyz").write_text(QM9)
    found = read_structures([tmp_path / "dsgdb9nsd_000003.xyz"])
    assert found.numbers.tolist() == [8, 1, 1]
    np.testing.assert_allclose(found.positions[1:], [[0.9572, 0, 0], [-0.24, 0.9267, 1e-6]])
    (atoms,) = read_structure_file(tmp_path / "dsgdb9nsd_000003.xyz").data
    assert atoms.info["comment"].startswith("gdb 3\t799.58812")


@pytest.mark.parametrize("symbols", ["8 1 1", "O D T", "O D H"])
@pytest.mark.parametrize("comment", ["", "a comment", "Properties=pos:R:3:species:S:1 energy=-14.2"])
def test_numbers_and_isotopes_are_symbols_in_xyz_files(tmp_path, symbols, comment):
    behind = comment.startswith("Properties")
    rows = [" ".join(map(str, row)) for row in WATER[1]]
    pairs = zip(symbols.split(), rows, strict=True)
    lines = [f"{row} {symbol}" if behind else f"{symbol} {row}" for symbol, row in pairs]
    (tmp_path / "w.xyz").write_text("\n".join(["3", comment, *lines]) + "\n")
    same(read_structures([tmp_path / "w.xyz"]), read_structures([WATER]))
    if behind:
        assert read_structure_file(tmp_path / "w.xyz").energy.tolist() == [-14.2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\n\nD 0 0 0\nH 1 0 0\n", "it ends after 2 of 3 atoms"),
        ("1\n\nQ 0 0 0\n", "'Q' is no element"),
        ("1\n\nD 0 0 0\nfrequencies\n", "line 4 is 'frequencies', not a number of atoms"),
        ("1\n\nD 0 zero 0\n", "cannot read"),
    ],
)
def test_xyz_files_that_cannot_be_read_say_where(tmp_path, text, message):
    (tmp_path / "bad.xyz").write_text(text)
    with pytest.raises(
        ValueError, match=f"Structure 0: ASE cannot read .*{message}|Structure 0: .*{message}"
    ):
        read_structures([tmp_path / "bad.xyz"])


def test_several_frames_with_isotopes_are_several_structures(tmp_path):
    (tmp_path / "two.xyz").write_text("1\n\nD 0 0 0\n1\n\nT 0 0 0\n\n")
    assert len(read_structure_file(tmp_path / "two.xyz").data) == 2
    with pytest.raises(ValueError, match="holds 2 structures"):
        read_structures([tmp_path / "two.xyz"])


# energies, forces and stresses ------------------------------------------------------------------------


def computed(symbols="Cu", **results):
    atoms = bulk(symbols)
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def test_results_of_extended_xyz_and_calculators_are_read(tmp_path):
    atoms = bulk("Cu").repeat((2, 1, 1))
    atoms.rattle(0.1, seed=0)
    atoms.calc = EMT()
    energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False)
    write(tmp_path / "a.extxyz", [atoms, atoms])
    for found in (read_structure_file(tmp_path / "a.extxyz"), read_results([atoms, atoms])):
        np.testing.assert_allclose(found.energy, [energy] * 2, rtol=1e-7)
        np.testing.assert_allclose(found.forces, [forces] * 2, atol=1e-7)
        np.testing.assert_allclose(found.stress, [stress] * 2, atol=1e-7)


@pytest.mark.parametrize(
    "key", ["energy", "Energy", "REF_energy", "dft_energy", "energy_ref", "total_energy", "TotEnergy"]
)
def test_usual_names_of_energies_are_known(key):
    assert read_results([ase.Atoms("H", info={key: -13.6})]).energy.tolist() == [-13.6]


@pytest.mark.parametrize("key", ["formation_energy", "energy_per_atom", "zero_point_energy", "energies"])
def test_other_energies_are_not_taken_for_totals(key):
    atoms = ase.Atoms("H", info={key: -13.6})
    assert read_results([atoms]).energy is None
    assert read_results([atoms], energy_key=key).energy.tolist() == [-13.6]
    with pytest.raises(ValueError, match=rf"No structure has 'U': the first has \[.*'{key}'"):
        read_results([atoms], energy_key="U")


def test_missing_results_are_nan():
    found = read_results([computed(energy=-3.5), bulk("Cu"), computed(forces=[[0.1, 0, 0]])])
    np.testing.assert_array_equal(found.energy, [-3.5, np.nan, np.nan])
    np.testing.assert_array_equal(found.forces, [[[np.nan] * 3], [[np.nan] * 3], [[0.1, 0, 0]]])
    assert found.stress is None


def test_calculators_are_never_run_and_results_of_other_atoms_are_not_used():
    fresh, moved = bulk("Cu"), computed(energy=-3.5)
    fresh.calc = EMT()
    moved.positions += 0.1
    assert read_results([fresh, moved]).energy is None


def test_a_virial_is_a_stress_times_minus_the_volume():
    virial = np.array([[1.0, 0.1, 0.2], [0.1, 2.0, 0.3], [0.2, 0.3, 3.0]])
    atoms = ase.Atoms("Cu", cell=[2, 3, 4], pbc=True, info={"REF_virial": virial.ravel()})
    np.testing.assert_allclose(read_results([atoms]).stress[0], -virial / 24)
    atoms.info = {"stress": [1, 2, 3, 4, 5, 6]}
    np.testing.assert_array_equal(read_results([atoms]).stress[0], [[1, 6, 5], [6, 2, 4], [5, 4, 3]])


def test_names_that_disagree_are_refused_and_equal_ones_are_not():
    atoms = computed(energy=-3.5)
    atoms.info["REF_energy"] = -3.5
    assert read_results([atoms]).energy.tolist() == [-3.5]
    atoms.info["REF_energy"] = -4.0
    with pytest.raises(
        ValueError, match="Structure 1 has different values in 'REF_energy' and 'energy of the"
    ):
        read_results([bulk("Cu"), atoms])
    assert read_results([atoms], energy_key="REF_energy").energy.tolist() == [-4.0]
    assert read_results([atoms], energy_key="energy").energy.tolist() == [-3.5]


@pytest.mark.parametrize(
    ("info", "message"), [({"energy": [1, 2]}, "an energy of shape"), ({"energy": "low"}, "no number")]
)
def test_results_of_a_wrong_shape_are_refused(info, message):
    with pytest.raises(ValueError, match=f"Structure 0 has an energy.*{message}|Structure 0 has {message}"):
        read_results([ase.Atoms("H", info=info)])


def test_energies_of_the_files_are_the_target_of_a_table_without_one(tmp_path):
    for row, energy in enumerate([-3.5, -3.6]):
        write(tmp_path / f"{row}.extxyz", computed(energy=energy, forces=[[0, 0, 0.5]]))
    (tmp_path / "t.csv").write_text("id,gap\n0,1\n1,2\n")
    found = read_structure_table(tmp_path / "t.csv")
    assert found.target.tolist() == found.energy.tolist() == [-3.5, -3.6] and found.target_names == ["energy"]
    assert found.forces[1].tolist() == [[0, 0, 0.5]] and found.stress is None
    assert read_structure_table(tmp_path / "t.csv", target="gap").target.tolist() == [1, 2]
    write(tmp_path / "0.extxyz", bulk("Cu"))
    write(tmp_path / "1.extxyz", bulk("Cu"))
    with pytest.raises(
        ValueError, match="t.csv: the files hold no energies. Name the column to learn in `target`"
    ):
        read_structure_table(tmp_path / "t.csv")


def test_a_byte_order_mark_before_an_xyz_file_is_no_part_of_it(tmp_path):
    (tmp_path / "water.xyz").write_text("\ufeff1\n\nO 0 0 0.5\n", encoding="utf-8")
    np.testing.assert_array_equal(read_structures([str(tmp_path / "water.xyz")]).positions, [[0, 0, 0.5]])


@pytest.mark.parametrize("value", ["left", "0,5"])
def test_a_coordinate_that_is_no_number_is_named(value, tmp_path):
    (tmp_path / "water.xyz").write_text(f"1\n\nO 0 0 {value}\n")
    with pytest.raises(ValueError, match=f"'{value}' in the line 'O 0 0 {value}' is not a coordinate"):
        read_structures([str(tmp_path / "water.xyz")])
