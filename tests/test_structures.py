"""The reader of structures, and pairs of atoms against ASE's neighbour list."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import skxfer.structures._neighbours
from skxfer.structures import looks_like_hartree, neighbour_pairs, read_structures

ase = pytest.importorskip("ase")
pytest.importorskip("matscipy")
from ase.build import bulk, molecule  # noqa: E402
from ase.io import write  # noqa: E402
from ase.neighborlist import neighbor_list  # noqa: E402

WATER = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])


def random_atoms(seed):
    """Atoms in a skewed cell, no thinner than 1.2 Å: in a flat one, images within a radius are countless."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 9)
    left, sizes, right = np.linalg.svd(3 * np.eye(3) + rng.normal(scale=1.0, size=(3, 3)))
    cell = left * np.clip(sizes, 1.2, 6.0) @ right
    positions = rng.normal(scale=4.0, size=(n, 3))
    return ase.Atoms(rng.integers(1, 30, n), positions, cell=cell, pbc=rng.random(3) < 0.5)


def test_atoms_pairs_and_paths_are_read_alike(tmp_path):
    atoms = ase.Atoms(*WATER)
    write(tmp_path / "water.xyz", atoms)
    found = read_structures([atoms, WATER, tmp_path / "water.xyz", str(tmp_path / "water.xyz")])
    assert found.n_atoms.tolist() == [3] * 4
    assert found.numbers.tolist() == [8, 1, 1] * 4
    np.testing.assert_allclose(found.positions, np.tile(WATER[1], (4, 1)))


@pytest.mark.parametrize("container", [tuple, pd.Series, lambda x: pd.DataFrame({"structure": x})])
def test_containers(container):
    atoms = [molecule("H2O"), molecule("CH4")]
    assert read_structures(container(atoms)).n_atoms.tolist() == [3, 5]


@pytest.mark.parametrize("symbols", [["O", "H", "H"], np.array(["O", "H", "H"], dtype=object)])
def test_symbols_do_for_atomic_numbers(symbols):
    found = read_structures([(symbols, WATER[1]), (["He"], [[0, 0, 0]])])
    assert found.numbers.tolist() == [8, 1, 1, 2]


def test_two_pairs_are_two_structures():
    assert read_structures([WATER, WATER]).n_atoms.tolist() == [3, 3]
    assert read_structures((([1], [[0, 0, 0]]), ([2], [[0, 0, 0]]))).n_atoms.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("cell", "pbc", "vectors"),
    [
        (
            [[3, 0, 0], [6, 0, 0], [0, 0, 4]],
            True,
            r"\[\[3.0, 0.0, 0.0\], \[6.0, .* 4.0\]\]",
        ),
        ([[3, 0, 0], [0, 3, 0], [3, 3, 1e-9]], True, "which lie in one plane"),
        ([[3, 0, 0], [6, 0, 0], [0, 0, 4]], [True, True, False], r"\[\[3.0, 0.0, 0.0\], \[6.0, 0.0, 0.0\]\]"),
    ],
)
def test_cells_without_a_volume_are_refused(cell, pbc, vectors):
    atoms = ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], cell=cell, pbc=pbc)
    with pytest.raises(ValueError, match=f"Structure 1 is periodic along the cell vectors .*{vectors}"):
        read_structures([bulk("Cu"), atoms])


def test_flat_cells_are_no_matter_where_they_do_not_repeat():
    flat = [[3, 0, 0], [6, 0, 0], [0, 0, 4]]
    atoms = [ase.Atoms("H", cell=flat, pbc=pbc) for pbc in (False, [True, False, True])]
    assert len(read_structures(atoms)) == 2


def test_some_structures_are_taken():
    atoms = [molecule(name) for name in ("H2O", "CH4", "C6H6")]
    found, same = read_structures(atoms).take(np.array([2, 0])), read_structures([atoms[2], atoms[0]])
    for name in ("numbers", "positions", "first", "cell", "pbc"):
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name))


def test_counts():
    counts = read_structures([molecule("CH3OH")]).counts()
    assert counts.shape == (1, 119)
    assert {number: counts[0, number] for number in counts[0].nonzero()[0]} == {1: 4, 6: 1, 8: 1}


@given(seed=st.integers(0, 10**6), cutoff=st.floats(0.5, 7.0), small=st.booleans())
@settings(max_examples=100)
def test_pairs_are_those_of_ase(seed, cutoff, small):
    atoms = random_atoms(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skxfer.structures._neighbours, "SMALL", 100 if small else 0)
        patch.setattr(skxfer.structures._neighbours, "TOO_CLOSE", 0.0)
        found = read_structures([atoms])
        pairs = neighbour_pairs(found, cutoff)
    apart = found.positions[pairs.j] - found.positions[pairs.i] + pairs.shift
    i, j, vector = neighbor_list("ijD", atoms, cutoff)
    theirs = np.c_[i, j, vector]
    ours = np.r_[np.c_[pairs.i, pairs.j, apart], np.c_[pairs.j, pairs.i, -apart]]
    for table in (ours, theirs):
        table[:] = table[np.lexsort(table.round(6).T)]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_pairs_belong_to_their_structure():
    atoms = [molecule("CH4"), bulk("Cu"), molecule("H2O"), molecule("H")]
    found = read_structures(atoms)
    pairs = neighbour_pairs(found, 3.0)
    for row, one in enumerate(atoms):
        place = slice(pairs.first[row], pairs.first[row + 1])
        assert len(pairs.i[place]) == len(neighbor_list("i", one, 3.0)) / 2
        assert (found.row[pairs.i[place]] == row).all()
        assert (found.row[pairs.j[place]] == row).all()


@pytest.mark.parametrize(
    ("X", "error", "match"),
    [
        (molecule("H2O"), TypeError, "a single one in a list"),
        ("water.xyz", TypeError, "read_structure_file"),
        (np.zeros((3, 2)), TypeError, "a table of numbers"),
        ([], ValueError, "Found 0 sample"),
        ([WATER, "no.xyz"], ValueError, "Structure 1: there is no file 'no.xyz'"),
        ([WATER, 3.0], TypeError, "Structure 1 is 3.0, of type float"),
        ([None], TypeError, "Structure 0 is None"),
        ([("H", [[0, 0, 0]])], ValueError, "Structure 0 must be atomic numbers"),
        ([([1.5], [[0, 0, 0]])], ValueError, "Structure 0 must be atomic numbers"),
        ([([1, 1], [[0, 0, 0]])], ValueError, r"the shapes are \(2,\) and \(1, 3\)"),
        ([([1], [["a", 0, 0]])], TypeError, "Structure 0 is a pair, but not of numbers"),
        ([WATER, ([], np.zeros((0, 3)))], ValueError, "Structure 1 has no atoms"),
        ([WATER, ase.Atoms("HX", [[0, 0, 0], [0, 0, 1]])], ValueError, "Atom 1 of structure 1 .*ghost"),
        ([WATER, ([1], [[0, np.nan, 0]])], ValueError, "Atom 0 of structure 1 .*must be finite"),
        (([1, 1], [[0, 0, 0], [0, 0, 0.7]]), TypeError, "one pair .*a single one in a list"),
        ((["H", "H"], np.eye(3)[:2]), TypeError, "one pair .*a single one in a list"),
        ((WATER for _ in range(2)), TypeError, r"it is a generator: give list\(X\)"),
        (pd.DataFrame({"id": [1], "structure": [WATER]}), TypeError, r"shape is \(1, 2\): select the column"),
        (pd.DataFrame({"size": [1, 2]}), TypeError, "a table of numbers"),
        ([WATER, (["H", "Hh"], np.eye(3)[:2])], ValueError, "Structure 1 has the symbol 'Hh'"),
        ([ase.Atoms("H", pbc=True)], ValueError, "Structure 0 is periodic along its cell vector 0"),
    ],
)
def test_what_is_no_structure_is_named(X, error, match):
    with pytest.raises(error, match=match):
        read_structures(X)


def test_files_of_none_or_many_structures_are_refused(tmp_path):
    (tmp_path / "empty.xyz").write_text("")
    write(tmp_path / "two.extxyz", [molecule("H2O"), molecule("CH4")])
    with pytest.raises(ValueError, match="holds 2 structures"):
        read_structures([tmp_path / "two.extxyz"])
    with pytest.raises(ValueError, match="Structure 1"):
        read_structures([WATER, tmp_path / "empty.xyz"])


@pytest.mark.parametrize("pbc", [False, True])
def test_atoms_that_are_there_twice_are_refused(pbc):
    twice = ase.Atoms("OHHH", [*WATER[1], [0, -0.76, 0.60]], cell=[9, 9, 9], pbc=pbc)
    found = read_structures([WATER, twice])
    with pytest.raises(ValueError, match="Atoms 2 and 3 of structure 1 are 0.01 Å apart"):
        neighbour_pairs(found, 5.0)


def test_overlapping_atoms_are_returned_when_asked_for():
    twice = ase.Atoms("HHO", [[0, 0, 0], [0, 0, 0], [0, 0, 1]])
    pairs = neighbour_pairs(read_structures([twice]), 0.5, allow_overlap=True)
    assert (pairs.i.tolist(), pairs.j.tolist()) == ([0], [1])


# Total energies at the level of Hartree-Fock or better, in Hartree, from the literature.
TOTAL_ENERGIES = {"H": -0.5, "H2": -1.1745, "LiH": -8.07, "CH4": -40.21, "H2O": -76.4, "SiH4": -291.2}


@pytest.mark.parametrize("name", TOTAL_ENERGIES)
def test_total_energies_in_hartree_are_known_by_their_magnitude(name):
    found, energy = read_structures([molecule(name)]), TOTAL_ENERGIES[name]
    assert looks_like_hartree(found, [energy]) is True
    assert looks_like_hartree(found, [[energy]]) is True
    assert looks_like_hartree(found, [27.2114 * energy]) is False
    assert looks_like_hartree(found, [np.nan]) is False


def test_most_energies_decide_whether_they_look_like_hartree():
    found = read_structures([molecule("H2O")] * 5)
    assert looks_like_hartree(found, [-76.4, np.nan, -76.3, -76.4, -2078.0])
    assert not looks_like_hartree(found, [-76.4, np.nan, -76.3, -2078.0, -2078.0])


@pytest.mark.parametrize(("name", "energy"), [("CH4", -24.0), ("H2", -6.77), ("LiH", -6.2), ("CH4", -18.2)])
def test_valence_and_atomisation_energies_in_ev_do_not_look_like_hartree(name, energy):
    assert not looks_like_hartree(read_structures([molecule(name)]), [energy])
