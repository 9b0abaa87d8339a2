"""Geometries from SMILES against experiments and ab initio ones, and what else must survive on the way."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from skxfer.featurizers import SmilesToAtoms, _time_limit
from skxfer.structures import check_apart, read_structures

Chem = pytest.importorskip("rdkit.Chem", reason="SMILES need rdkit")
pytest.importorskip("ase", reason="structures need ase")
from ase.build import molecule as g2  # noqa: E402
from rdkit.Chem import AllChem  # noqa: E402

from skxfer.featurizers._bond_lengths import odd_geometry  # noqa: E402

odd_allowed = pytest.mark.filterwarnings("ignore:The force field gives")


def convert(*smiles, **options):
    return SmilesToAtoms(**{"n_conformers": 1} | options).fit_transform(list(smiles))


# lengths ----------------------------------------------------------------------------------------------


@odd_allowed
@pytest.mark.parametrize(
    ("smiles", "lengths"),
    [
        ("N#N", [1.098]),
        ("[N]=O", [1.151]),
        ("O=O", [1.208]),
        ("[C-]#[O+]", [1.128]),
        ("FF", [1.412]),
        ("O=C=O", [1.160, 1.160, 2.320]),
        ("S=C=S", [1.553, 1.553, 3.105]),
        ("S=C=O", [1.157, 1.561, 2.718]),
        ("O=[N+]=[N-]", [1.128, 1.184, 2.312]),
        ("[O-][N+]#N", [1.128, 1.184, 2.312]),
        ("O=S=O", [1.431, 1.431, 2.470]),
        ("[O-][O+]=O", [1.272, 1.272, 2.165]),
        ("O=S(=O)=O", [1.42, 1.42, 1.42, 2.46, 2.46, 2.46]),
    ],
)
def test_small_molecules_have_the_distances_of_the_experiment(smiles, lengths):
    """Distances in Å of all pairs, from the CRC Handbook and the NIST CCCBDB."""
    for optimize in (True, False):
        (atoms,) = convert(smiles, optimize=optimize)
        found = np.sort(atoms.get_all_distances()[np.triu_indices(len(atoms), 1)])
        # Force fields that are right within 4 % are left alone.
        np.testing.assert_allclose(found, lengths, rtol=0.04)


@odd_allowed
@pytest.mark.parametrize("smiles", ["CN=C=S", "c1ccccc1N=C=S", "S=C=NCCCS(C)=O", "S=C=NC1CC1"])
def test_isothiocyanates_have_the_lengths_of_methyl_isothiocyanate(smiles):
    """N=C 1.19 to 1.22 Å and C=S 1.56 to 1.60 Å by microwave spectroscopy and electron diffraction."""
    (atoms,) = convert(smiles, atom_order="smiles")
    mol = Chem.MolFromSmiles(smiles)
    ((n, c, s),) = mol.GetSubstructMatches(Chem.MolFromSmarts("N=C=S"))
    assert atoms.get_distance(n, c) == pytest.approx(1.22, abs=0.06)
    assert atoms.get_distance(c, s) == pytest.approx(1.58, abs=0.06)
    assert atoms.info["force_field"] == "UFF"


# SMILES, and names in the G2 set of ASE, whose structures are optimised by MP2(full)/6-31G*.
_PAIRS = """
C  CH4 | N  NH3 | O  H2O | S  SH2 | P  PH3 | [SiH4]  SiH4 | C#C  C2H2 | C=C  C2H4 | CC  C2H6 |
C#N  HCN | C=O  H2CO | CO  CH3OH | NN  N2H4 | OO  H2O2 | CCl  CH3Cl | CS  CH3SH | OCl  HOCl |
FC(F)(F)F  CF4 | ClC(Cl)(Cl)Cl  CCl4 | COC  CH3OCH3 | CC#N  CH3CN | C[N+](=O)[O-]  CH3NO2 |
C1CC1  C3H6_D3h | C=C=C  C3H4_D2d | CC#C  C3H4_C3v | C=C=O  H2CCO | c1ccccc1  C6H6 | c1ccoc1  C4H4O |
c1ccsc1  C4H4S | c1cc[nH]c1  C4H4NH | c1ccncc1  C5H5N | CS(C)=O  C2H6SO | N#CC#N  NCCN | FN(F)F  NF3 |
OC=O  HCOOH | CC(N)=O  CH3CONH2 | [H][H]  H2 | ClCl  Cl2 | F  HF | Cl  HCl | [CH3]  CH3 | [OH]  OH |
[NH2]  NH2 | O=C=O  CO2 | N#N  N2 | O=S=O  SO2 | S=C=S  CS2 | [N]=O  NO | [N-]=[N+]=O  N2O |
O=C=S  OCS | FF  F2 | O=[O+][O-]  O3 | [O]N=O  NO2 | [C]#N  CN | [C-]#[O+]  CO
"""
G2 = dict(pair.split() for pair in _PAIRS.split("|"))


@odd_allowed
@pytest.mark.parametrize("smiles", G2)
def test_bonds_are_as_long_as_ab_initio(smiles):
    (atoms,), theirs = convert(smiles), g2(G2[smiles])
    assert sorted(atoms.numbers) == sorted(theirs.numbers)
    bonds = []
    for one in (atoms, theirs):
        distances, radii = one.get_all_distances(), np.array([0.45 if z == 1 else 0.8 for z in one.numbers])
        radii[one.numbers > 10] = 1.15
        near = np.triu(distances < radii[:, None] + radii, 1)
        kinds = [sorted(pair) for pair in one.numbers[np.argwhere(near)].tolist()]
        bonds.append(sorted([*kind, length] for kind, length in zip(kinds, distances[near], strict=True)))
    assert len(bonds[0]) == len(bonds[1])
    np.testing.assert_allclose(bonds[0], bonds[1], rtol=0.08)


def test_other_geometries_are_warned_of_once_with_rows_and_lengths():
    with pytest.warns(UserWarning, match="impossible geometry") as caught:
        found = convert("CCO", "O=C=O", "CN=C=S")
    (message,) = [str(one.message) for one in caught]
    assert "gives 2 of 3 molecules" in message
    assert "row 1 ('O=C=O'): its bond O=C is 1.4" in message and "that of the experiment" in message
    assert (
        "row 2 ('CN=C=S'): its bond C=S is 1.80 Å long, where 1.61 Å is usual, replaced by that of UFF"
        in message
    )
    assert [atoms.info["force_field"] for atoms in found] == ["MMFF94", "experiment", "UFF"]


@odd_allowed
@pytest.mark.parametrize(("smiles", "length"), [("C#CC#C", 1.379), ("N#CC#N", 1.389)])
def test_single_bonds_between_triple_ones_are_short(smiles, length):
    """By microwave spectroscopy and electron diffraction."""
    (atoms,) = convert(smiles, atom_order="smiles")
    assert atoms.get_distance(1, 2) == pytest.approx(length, abs=0.04)


def test_usual_molecules_are_not_warned_of():
    usual = [
        "CCO",
        "c1ccccc1C(=O)O",
        "OO",
        "NN",
        "C[N+](=O)[O-]",
        "CS(C)(=O)=O",
        "OP(O)(O)=O",
        "C[N+](C)(C)[O-]",
    ]
    usual += [
        "FC(F)F",
        "C1CC1",
        "CC#N",
        "CC(=O)[O-]",
        "NC(N)=[NH2+]",
        "c1ccc2ccccc2c1",
        "OB(O)O",
        "CN=[N+]=[N-]",
    ]
    usual += [
        "CSSC",
        "O=Cl(=O)(=O)O",
        "NC(N)=S",
        "C[Si](C)(C)Cl",
        "IC",
        "BrBr",
        "CC[Mg]Br",
        "[Li]C",
        "C[Se]C",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(read_structures(convert(*usual)).n_atoms > 1)


def test_a_molecule_without_a_possible_geometry_fails_by_its_row(monkeypatch):
    monkeypatch.setattr("skxfer.featurizers._conformers.odd_geometry", lambda *_: "its bond X-Y is odd")
    with pytest.raises(
        ValueError, match=r"row 0 \('CCO'\): no geometry that RDKit makes is possible: its bond X-Y"
    ):
        convert("CCO", time_limit=None)


@pytest.mark.parametrize(
    ("factor", "message"),
    [(1.3, "its bond .* is .* Å long, where"), (0.7, "its bond"), (1.0, None), (np.nan, "not finite")],
)
def test_stretched_and_compressed_molecules_are_impossible(factor, message):
    ethanol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(ethanol, randomSeed=1)
    AllChem.MMFFOptimizeMolecule(ethanol)
    found = odd_geometry(ethanol, factor * ethanol.GetConformer().GetPositions())
    assert (found is None) == (message is None)
    if message:
        assert re.search(message, found)


def test_atoms_that_clash_are_impossible():
    ethanol = Chem.AddHs(Chem.MolFromSmiles("CCCCO"))
    AllChem.EmbedMolecule(ethanol, randomSeed=1)
    AllChem.MMFFOptimizeMolecule(ethanol)
    positions = ethanol.GetConformer().GetPositions()
    carbon, oxygen = 0, 4
    hydrogen = ethanol.GetAtomWithIdx(oxygen).GetNeighbors()[1].GetIdx()
    offset = positions[hydrogen] - positions[oxygen]
    positions[oxygen] = positions[carbon] + [0.9, 0, 0]
    positions[hydrogen] = positions[oxygen] + offset
    assert odd_geometry(ethanol, positions) is not None


# salts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smiles", "formula", "charge", "removed"),
    [
        ("CC(=O)[O-].[Na+]", "C2H3O2", -1, ["[Na+]"]),
        ("[Na+].CC(=O)[O-]", "C2H3O2", -1, ["[Na+]"]),
        ("Cl.CCN", "C2H7N", None, ["Cl"]),
        ("O.O.CCO", "C2H6O", None, ["O", "O"]),
        ("CC.CO", "CH4O", None, ["CC"]),  # the heavier of two heavy atoms each
        ("CCO", "C2H6O", None, None),
    ],
)
def test_the_largest_molecule_of_a_salt_is_kept_when_asked_for(smiles, formula, charge, removed):
    (atoms,) = convert(smiles, fragment="largest")
    assert atoms.get_chemical_formula() == g2("CH4").__class__(formula).get_chemical_formula()
    assert atoms.info.get("charge") == charge and atoms.info.get("removed") == removed
    if removed:
        with pytest.raises(
            ValueError, match="whose relative positions are undefined; fragment='largest' keeps"
        ):
            convert(smiles)


def test_the_molecule_of_a_salt_is_that_alone_whatever_the_order():
    first, second, alone = convert("CCC(=O)[O-].[K+]", "[K+].[O-]C(=O)CC", "CCC(=O)[O-]", fragment="largest")
    assert first == second == alone


# order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "smiles", ["OCC", "CCO", "N#CC(Br)CO", "c1cc(F)ccc1Cl", "C(O)([2H])C", "FC(=O)N", "[H]OC"]
)
def test_atoms_are_in_the_order_of_the_smiles_when_asked_for(smiles):
    written, canonical = (convert(smiles, atom_order=order)[0] for order in ("smiles", "canonical"))
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert written.numbers.tolist() == [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    for bond in molecule.GetBonds():
        assert written.get_distance(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) < 2.0
    np.testing.assert_array_equal(np.sort(written.positions, axis=0), np.sort(canonical.positions, axis=0))
    is_canonical = smiles in ("CCO", "N#CC(Br)CO")
    assert np.array_equal(written.positions, canonical.positions) == is_canonical


# radicals ---------------------------------------------------------------------------------------------


@odd_allowed
@pytest.mark.parametrize(
    ("smiles", "formula"),
    [
        ("[CH3]", "CH3"), ("[CH2]", "CH2"), ("[OH]", "HO"), ("C[O]", "CH3O"), ("[NH2]", "H2N"),
        ("CC(C)(C)[CH2]", "C5H11"), ("[CH2]C=C", "C3H5"), ("[O]", "O"), ("C[C]=O", "C2H3O"), ("[N]=O", "NO"),
        ("CN(C)[O]", "C2H6NO"), ("[O]c1ccccc1", "C6H5O"), ("[H]", "H"), ("[Cl]", "Cl"), ("CO[O]", "CH3O2"),
        ("[CH2][CH2]", "C2H4"),
    ],
)  # fmt: skip
def test_radicals_get_no_hydrogen(smiles, formula):
    (atoms,) = convert(smiles)
    assert atoms.get_chemical_formula() == g2("CH4").__class__(formula).get_chemical_formula()


# time -------------------------------------------------------------------------------------------------

LONG = "C" * 60


def test_a_molecule_that_takes_too_long_is_ended_and_the_others_are_made():
    start = time.monotonic()
    with pytest.warns(UserWarning, match=r"1 of 3 SMILES .*row 1 .*it took more than 3 s \(time_limit\)"):
        found = convert("CCO", LONG, "CC", n_conformers=300, time_limit=3.0, on_error="none")
    assert [atoms is None for atoms in found] == [False, True, False]
    assert time.monotonic() - start < 60


def test_the_limit_is_for_one_molecule_and_changes_no_result():
    smiles = ["CCCCO", "c1ccccc1", "CC(N)C(=O)O"]
    for one, other in zip(convert(*smiles, time_limit=None), convert(*smiles), strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)


def test_a_process_that_was_killed_is_replaced():
    convert("CC")
    (worker,) = _time_limit._waiting
    worker._process.kill()
    worker._process.wait()
    assert convert("CCO")[0].get_chemical_formula() == "C2H6O"


def test_a_process_that_ended_for_want_of_work_is_replaced():
    worker = _time_limit.Worker("math")
    assert worker.call("math:sqrt", (4.0,), 5.0) == 2.0
    time.sleep(0.5)
    os.kill(worker._process.pid, signal.SIGALRM)  # as after IDLE seconds
    with pytest.raises(_time_limit._IdleError):
        for _ in range(100):
            worker.call("math:sqrt", (4.0,), 5.0)
            time.sleep(0.05)
    _time_limit._waiting[:] = [worker]
    assert _time_limit.calls("math:sqrt", [(9.0,)], 5.0, "math") == [3.0]


@pytest.mark.parametrize("how", ["os:abort", "time:sleep"])
def test_calls_that_crash_or_hang_say_so_and_the_next_is_made(how):
    arguments = [()] if how == "os:abort" else [(30,)]
    (stopped,) = _time_limit.calls(how, arguments, 0.5, "math")
    assert isinstance(stopped, _time_limit.StoppedError)
    assert ("ended its process" if how == "os:abort" else "more than 0.5 s") in str(stopped)
    assert _time_limit.calls("math:sqrt", [(4.0,), (9.0,)], 5.0, "math") == [2.0, 3.0]


def test_errors_of_calls_are_raised():
    with pytest.raises(ValueError, match="math domain error|expected a nonnegative"):
        _time_limit.calls("math:sqrt", [(-1.0,)], 5.0, "math")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_process_ends_with_its_parent_even_at_work():
    code = (
        "from skxfer.featurizers import _time_limit as t; import os\n"
        "w = t.Worker('math'); print(w._process.pid, flush=True)\n"
        "import threading as h\n"
        "h.Thread(target=w.call, args=('time:sleep', (60,), 1.0), daemon=True).start()\n"
        "import time; time.sleep(0.5); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    child = int(done.stdout.split()[0])
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the child goes on")


@odd_allowed
def test_what_comes_out_has_no_overlaps():
    check_apart(read_structures(convert("O=C=O", "N#N", "CN=C=S", "[O-][O+]=O", "O=S=O")))


@pytest.mark.parametrize("options", [{"time_limit": 0}, {"fragment": "first"}, {"atom_order": "input"}])
def test_invalid_parameters_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SmilesToAtoms(**options).fit(["C"])


def test_atom_map_numbers_change_neither_order_nor_geometry():
    plain, mapped = SmilesToAtoms(n_conformers=1).fit_transform(["CC(=O)O", "[CH3:7]C(=O)[OH:2]"])
    np.testing.assert_array_equal(mapped.numbers, plain.numbers)
    np.testing.assert_allclose(mapped.positions, plain.positions)


def test_characters_beyond_ascii_are_refused():
    with pytest.raises(ValueError, match="the character 'Ô' at position 6"):
        SmilesToAtoms(n_conformers=1).fit_transform(["CC(=O)Ô"])
