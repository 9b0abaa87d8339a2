"""Atoms and cells that would crash or hang a library, or give meaningless numbers, are refused first."""

import numpy as np
import pytest

from skxfer.featurizers import ClusterFeaturizer, CoulombMatrixFeaturizer, MBTRFeaturizer, SOAPFeaturizer
from skxfer.structures import check_apart, neighbour_pairs, read_structures, wrapped_positions

ase = pytest.importorskip("ase")
pytest.importorskip("matscipy")
pytest.importorskip("dscribe")
from ase.build import bulk, graphene, molecule  # noqa: E402

WATER = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
ALL = {
    "soap": SOAPFeaturizer(r_cut=4.0, n_max=2, l_max=1),
    "mbtr": MBTRFeaturizer(n_grid=5),
    "matrix": CoulombMatrixFeaturizer(n_atoms_max=4),
    "clusters": ClusterFeaturizer(n_bins=4),
}
every = pytest.mark.parametrize("featurizer", ALL.values(), ids=ALL)


@pytest.mark.parametrize("far", [1e20, 1e200, 1e7, np.inf, np.nan, -1e300])
@every
def test_coordinates_that_are_no_distances_are_refused(featurizer, far):
    positions = np.array(WATER[1])
    positions[2, 1] = far
    with pytest.raises(
        ValueError, match="Atom 2 of structure 1 is at .*must be finite, and at most 1e\\+06 Å"
    ):
        featurizer.fit([WATER, (WATER[0], positions)])


@every
def test_atoms_far_apart_are_refused_and_far_from_the_origin_are_not(featurizer):
    apart = ([1, 8], [[0, 0, 0], [0, 0, 2000.0]])
    with pytest.raises(ValueError, match="atoms of structure 1 are spread over 2000 Å"):
        featurizer.fit([WATER, apart])
    near, far = featurizer.fit_transform([WATER, (WATER[0], np.array(WATER[1]) + 5e5)])
    np.testing.assert_allclose(far, near, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("cell", "pbc", "message"),
    [
        ([[np.nan, 0, 0], [0, 3, 0], [0, 0, 3]], False, "cell of structure 1 is .*must be finite"),
        (
            [[3, 0, 0], [0, np.inf, 0], [0, 0, 3]],
            [True, False, True],
            "cell of structure 1 is .*must be finite",
        ),
        ([1e20, 3, 3], True, "cell vector 0 of structure 1 is 1e\\+20 Å long"),
        ([3, 3, 2000], True, "cell vector 2 of structure 1 is 2000 Å long"),
        ([3, 3, 0.05], True, "cell of structure 1 is nearly flat: it is 0.05 Å high along its vector 2"),
        ([[3, 0, 0], [0, 3, 0], [50, 50, 0.01]], True, "nearly flat: it is 0.0006 Å high"),
        ([[3, 0, 0], [300, 0.02, 0], [0, 0, 1]], [1, 1, 0], "nearly flat: it is 0.0002 Å high"),
    ],
)
@every
def test_cells_that_hang_a_library_are_refused(featurizer, cell, pbc, message):
    with pytest.raises(ValueError, match=message):
        featurizer.fit([WATER, ase.Atoms("H", cell=cell, pbc=pbc)])


def test_long_and_flat_cells_do_not_matter_where_they_do_not_repeat():
    atoms = [ase.Atoms("H", cell=[3, 3, 1e9], pbc=[True, True, False]), ase.Atoms("H", cell=[3, 3, 1e-3])]
    assert len(read_structures(atoms)) == 2


def skewed(turns=4):
    """One atom in a cell of copper that is skewed by adding other vectors to it: the same crystal."""
    cell = bulk("Cu").cell[:].copy()
    for turn in range(turns):
        cell[turn % 3] += 2 * cell[(turn + 1) % 3] + cell[(turn + 2) % 3]
    return ase.Atoms("Cu", cell=cell, pbc=True)


@pytest.mark.parametrize(
    "featurizer", [MBTRFeaturizer(r_cut=50.0), SOAPFeaturizer(r_cut=400.0), ClusterFeaturizer(r_max=900.0)]
)
def test_cells_that_repeat_too_often_within_the_cutoff_are_refused(featurizer):
    dilute = ase.Atoms("Cu", cell=[90, 90, 90], pbc=True)
    with pytest.raises(
        ValueError, match="Structure 1 has 1 atoms, and within .* too many. Reduce the cutoff"
    ):
        featurizer.fit([WATER, dilute]).transform([dilute, bulk("Cu")])


def test_molecules_too_large_for_a_full_matrix_are_refused():
    large = ([1] * 15_001, np.c_[np.arange(15_001) % 500, np.arange(15_001) // 500, np.zeros(15_001)])
    with pytest.raises(ValueError, match="Structure 1 has 15001 atoms, and at most 15000 fit in memory"):
        ALL["mbtr"].fit([WATER]).transform([WATER, large])


@pytest.mark.parametrize("name", ["soap", "mbtr", "clusters"])
def test_skewed_cells_of_one_crystal_have_its_features(name):
    featurizer = ALL[name].fit([bulk("Cu")])
    plain, other = featurizer.transform([bulk("Cu"), skewed()])
    np.testing.assert_allclose(other, plain, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("apart", [0.0, 1e-9, 0.05])
@every
def test_atoms_in_one_place_are_refused_by_every_featurizer(featurizer, apart):
    twice = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, 0.76, 0.59 + apart]])
    message = f"Atoms 1 and 2 of structure 1 are {apart:.3g} Å apart"
    with pytest.raises(ValueError, match=message):
        featurizer.fit([WATER, twice])
    with pytest.raises(ValueError, match=message):
        featurizer.fit([WATER]).transform([WATER, twice])


def test_atoms_in_one_place_by_their_images_are_refused():
    twice = ase.Atoms("CuCu", [[0, 0, 0], [8, 4, 0.02]], cell=[4, 4, 4], pbc=True)
    for name in ("soap", "mbtr", "clusters"):
        with pytest.raises(ValueError, match="Atoms 0 and 1 of structure 0 are 0.02 Å apart"):
            ALL[name].fit([twice])


def test_what_was_found_apart_is_not_looked_at_again(monkeypatch):
    structures = read_structures([WATER, molecule("CH4")])
    check_apart(structures)
    monkeypatch.setattr("skxfer.structures._neighbours.neighbour_pairs", None)
    check_apart(structures)
    check_apart(structures[1:])
    with pytest.raises(TypeError):
        check_apart(read_structures([WATER]))


@pytest.mark.parametrize("pbc", [[True, True, True], [True, False, True], [False, True, False]])
def test_atoms_beyond_one_cell_are_moved_into_it_by_whole_vectors_and_others_not_at_all(pbc):
    rng = np.random.default_rng(0)
    cell = 4 * np.eye(3) + rng.normal(scale=0.5, size=(3, 3)) * np.outer(pbc, pbc)
    inside = rng.random((20, 3))
    inside[0], inside[1] = [0, 0, 0], [-1e-12, 1 - 1e-12, 0.5]
    shift = rng.integers(-3, 4, size=(20, 3)) * pbc
    home, away = (ase.Atoms("H20", one @ cell, cell=cell, pbc=pbc) for one in (inside, inside + shift))
    for origin in ([0, 0, 0], [7, 8, 9]):
        moved = ase.Atoms("H20", home.positions + origin, cell=cell, pbc=pbc)
        np.testing.assert_array_equal(wrapped_positions(read_structures([moved])), moved.positions)
    found = wrapped_positions(read_structures([molecule("H2O"), away]))[3:]
    fraction = found @ np.linalg.inv(cell)
    np.testing.assert_allclose(found[2:], home.positions[2:], atol=1e-9)
    # The first two are on a face, and may come back on the other side.
    whole = (fraction - inside)[:2]
    np.testing.assert_allclose(whole, np.round(whole) * pbc, atol=1e-9)
    assert (fraction > -1e-6).all() and (fraction < 1 + 1e-6).all()


def test_pairs_do_not_depend_on_the_image_of_an_atom():
    sheet = graphene(vacuum=None).repeat((2, 2, 1))
    sheet.rattle(0.05, seed=0)
    moved = sheet.copy()
    moved.positions += np.array([[5, -7, 0]] * 4 + [[0, 0, 0]] * 4) @ sheet.cell[:]
    lengths = []
    for atoms in (sheet, moved):
        structures = read_structures([atoms])
        vectors = neighbour_pairs(structures, 4.0).vectors(structures)
        lengths.append(np.sort(np.linalg.norm(vectors, axis=1)))
    np.testing.assert_allclose(lengths[0], lengths[1], atol=1e-9)


def test_short_cutoffs_in_large_cells_take_no_time_and_find_the_same():
    rng = np.random.default_rng(0)
    positions = np.r_[rng.uniform(0, 900, (60, 3)), rng.uniform(0, 900, (60, 3))]
    positions[60:70] = positions[:10] + [0, 0, 0.3]
    positions[70] = positions[20] + [0, 900, 0.2]
    crystal = ase.Atoms("H120", positions, cell=[900, 900, 900], pbc=True)
    pairs = neighbour_pairs(read_structures([crystal]), 0.5)
    assert sorted(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True)) == sorted(
        [(k, 60 + k) for k in range(10)] + [(20, 70)]
    )
