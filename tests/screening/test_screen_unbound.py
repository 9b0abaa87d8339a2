"""What is wrong with structures and labels is found in its row, and nowhere else."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from skxfer import ClusterFeaturizer, screen_unbound
from skxfer.datasets import fetch_boron_clusters, make_doped_clusters

ase = pytest.importorskip("ase")
pytest.importorskip("matscipy")
from ase import units  # noqa: E402
from ase.build import bulk, molecule  # noqa: E402

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")
HARTREE = 27.211386
# Total energies of all electrons at about the level of Hartree-Fock, Hartree.
MOLECULES = {"H2": -1.13, "CH4": -40.2, "H2O": -76.0, "CO2": -187.6, "C6H6": -230.7, "SiH4": -291.2}


@pytest.fixture(scope="module")
def clusters():
    return make_doped_clusters(sizes=(9, 10), n_per_size=12, random_state=0)


def _screen(clusters, data=None, y=None, **params):
    params = {"reference_energies": clusters.reference_energies} | params
    return screen_unbound(
        clusters.data if data is None else data, clusters.target if y is None else y, **params
    )


def _flagged(found, check):
    return np.flatnonzero(found.report[check]).tolist()


def _findings(found):
    return {check: _flagged(found, check) for check in found.summary.index if found.report[check].any()}


def _moved(atoms, rng):
    """The same atoms mirrored, turned, shifted and in another order."""
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned[:, 0] *= -np.sign(np.linalg.det(turned))
    moved = atoms[rng.permutation(len(atoms))]
    moved.positions = moved.positions @ turned + rng.normal(scale=5, size=3)
    return moved


def test_nothing_is_found_in_sound_data(clusters):
    found = _screen(clusters)
    assert found.keep.all() and found.bound.all() and not _findings(found) and not found.skipped
    assert "24 structures: 0 with a finding" in str(found)


def test_labels_above_the_free_atoms_are_flagged(clusters):
    y = clusters.target.copy()
    limit = 9 * 3.51 + 2.96  # Cu9Ag
    y[[13, 20]] = limit - 0.01, limit + 0.01
    found = _screen(clusters, y=y)
    assert _flagged(found, "above_free_atoms") == [20]
    assert np.flatnonzero(~found.bound).tolist() == [20]
    assert found.report["energy_above_atoms"][13] == pytest.approx(-0.001)
    assert not found.keep[20]


def test_free_atom_with_its_reference_energy_is_bound():
    found = screen_unbound([ase.Atoms("Se")], [-65030.633], reference_energies={"Se": -65030.633})
    assert found.bound.all()


def test_labels_below_what_bonds_bring_are_flagged(clusters):
    y = clusters.target.copy()
    y[4] = 8 * 3.51 + 2.96 - 9 * 12.1
    assert _flagged(_screen(clusters, y=y), "too_strongly_bound") == [4]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_labels_are_flagged_and_disturb_no_other_row(clusters, value):
    y = clusters.target.copy()
    y[7] = value
    found = _screen(clusters, y=y)
    assert _findings(found) == {"missing_label": [7]}


def test_outlying_label_of_a_composition_is_flagged(clusters):
    y = clusters.target.copy()
    of_its_kind = y[12:]
    centre = np.median(np.delete(of_its_kind, 3))
    spread = 1.4826 * np.median(np.abs(np.delete(of_its_kind, 3) - centre))
    y[15] = centre - 12 * spread
    found = _screen(clusters, y=y)
    assert _findings(found) == {"outlying_label": [15]}


def test_outlying_label_is_found_where_every_composition_is_there_once():
    rng = np.random.default_rng(0)
    numbers = [[8] * a + [6] * b for a in range(5) for b in range(1, 5)]
    data = [(z, np.arange(len(z))[:, None] * [1.4, 0, 0]) for z in numbers]
    y = np.array([-5.0 * z.count(8) - 9.0 * z.count(6) for z in numbers])
    y += np.array([len(z) for z in numbers]) * rng.uniform(-0.1, 0.1, len(y))
    y[11] += 2.0 * len(numbers[11])
    assert _flagged(screen_unbound(data, y), "outlying_label") == [11]


@pytest.mark.parametrize("distance", [0.0, 1e-9, 0.05, 0.8])
def test_overlapping_atoms_are_reported_and_no_error(clusters, distance):
    data = [atoms.copy() for atoms in clusters.data]
    data[2].positions[4] = data[2].positions[5] + [distance, 0, 0]
    found = _screen(clusters, data=data)
    assert _flagged(found, "overlapping_atoms") == [2]
    radii = ase.data.covalent_radii[data[2].numbers]
    assert found.report["min_distance_ratio"][2] == pytest.approx(distance / (radii[4] + radii[5]))


def test_pieces_are_counted():
    water = molecule("H2O")
    two, three = water.copy(), water.copy()
    two.extend(ase.Atoms(water.numbers, water.positions + [5, 0, 0]))
    three.extend(ase.Atoms("ArAr", [[9, 0, 0], [0, 9, 0]]))
    found = screen_unbound([water, two, three])
    assert found.report["n_fragments"].tolist() == [1, 2, 3]
    assert found.keep.tolist() == [True, False, False]


def test_longer_bonds_make_one_piece_of_two():
    hydrogen = ase.Atoms("H2", [[0, 0, 0], [0, 0, 1.0]])  # radii 0.31 Å
    assert _flagged(screen_unbound([hydrogen]), "fragmented") == [0]
    assert screen_unbound([hydrogen], bond_factor=1.7).keep.all()


def test_crystals_are_one_piece_through_their_boundary_and_never_fragmented():
    crystals = [bulk("Cu", cubic=True), ase.Atoms("Ar", cell=[9, 9, 9], pbc=True)]
    found = screen_unbound(crystals)
    assert found.keep.all() and found.report["n_fragments"].tolist() == [1, 1]
    assert "periodic structures are not compared (2 rows)" in found.skipped["duplicate"]
    assert found.skipped["conflicting_label"] == "as y was not given."


def test_crystals_are_not_compared_and_the_report_says_so_of_both_checks():
    found = screen_unbound([bulk("Cu"), bulk("Cu"), molecule("H2")], [1.0, 2.0, 3.0])
    for check in ("duplicate", "conflicting_label"):
        assert found.skipped[check] == "as geometries of periodic structures are not compared (2 rows)."


def test_atoms_are_bonded_where_the_features_of_clusters_say_so():
    lengths = np.linspace(1.2, 1.35, 16) * 1.52  # carbon
    data = [([6, 6], [[0, 0, 0], [0, 0, length]]) for length in lengths]
    found = screen_unbound(data).report["n_fragments"]
    features = ClusterFeaturizer().set_output(transform="pandas").fit_transform(data)
    assert found.tolist() == features["n_fragments"].tolist() == [1] * 5 + [2] * 11


@pytest.mark.parametrize("seed", range(5))
def test_moved_mirrored_and_reordered_atoms_are_a_duplicate(clusters, seed):
    rng = np.random.default_rng(seed)
    row = rng.integers(len(clusters.data))
    found = _screen(
        clusters, [*clusters.data, _moved(clusters.data[row], rng)], [*clusters.target, clusters.target[row]]
    )
    assert _findings(found) == {"duplicate": [24]}
    assert found.report["duplicate_of"][24] == row and found.report["duplicate_of"].isna().sum() == 24


def test_copies_refer_to_the_first_of_them(clusters):
    data = [clusters.data[k] for k in (3, 3, 5, 3, 5)]
    found = _screen(clusters, data, [1.0, 1.0, 2.0, 1.0, 2.0])
    assert found.report["duplicate_of"].fillna(-1).tolist() == [-1, 0, -1, 0, 2]


def test_dopant_in_another_place_is_no_duplicate(clusters):
    other = clusters.data[0].copy()
    silver, copper = np.flatnonzero(other.symbols == "Ag")[0], np.flatnonzero(other.symbols == "Cu")[0]
    other.numbers[[silver, copper]] = other.numbers[[copper, silver]]
    assert not screen_unbound([clusters.data[0], other]).report["duplicate"].any()


def test_atoms_moved_by_more_than_the_tolerance_are_no_duplicate(clusters):
    other = clusters.data[0].copy()
    other.positions[0] += [0.05, 0, 0]
    pair = [clusters.data[0], other]
    assert not screen_unbound(pair).report["duplicate"].any()
    assert screen_unbound(pair, tolerance=0.06).report["duplicate"].tolist() == [False, True]


def test_shapes_that_have_all_distances_in_common_are_told_apart():
    # Two rulers with the same 15 distances, found by Bloom (1977).
    rulers = [[0, 1, 4, 10, 12, 17], [0, 1, 8, 11, 13, 17]]
    data = [ase.Atoms("C6", [[x, 0, 0] for x in ruler]) for ruler in rulers]
    assert not screen_unbound(data).report["duplicate"].any()


def test_different_labels_of_one_geometry_are_in_conflict(clusters):
    rng = np.random.default_rng(0)
    data = [*clusters.data[:5], *(_moved(clusters.data[k], rng) for k in (1, 3))]
    y = [*clusters.target[:5], clusters.target[1] + 9 * 0.02, clusters.target[3] + 9 * 0.005]
    found = _screen(clusters, data, y)
    assert _findings(found) == {"duplicate": [5, 6], "conflicting_label": [1, 5]}
    assert not _flagged(_screen(clusters, data, y, label_tolerance=0.03), "conflicting_label")


@pytest.mark.parametrize(
    ("size", "unit"), [(1.0, "Hartree"), (627.5, "kcal/mol"), (2625.5, "kJ/mol"), (HARTREE, "eV")]
)
def test_unit_of_total_energies_is_known_by_their_magnitude(size, unit):
    data, y = [molecule(name) for name in MOLECULES], size * np.array(list(MOLECULES.values()))
    found = screen_unbound(data, y)
    assert found.report["suspected_unit"].tolist() == [unit if unit != "eV" else ""] * len(y)
    assert found.keep.all() == (unit == "eV")
    assert screen_unbound(data, y, energy_unit=unit).keep.all()


def test_energies_per_atom_are_known_by_their_magnitude():
    data = [molecule(name) for name in MOLECULES]
    y = HARTREE * np.array(list(MOLECULES.values())) / [len(atoms) for atoms in data]
    assert set(screen_unbound(data, y).report["suspected_unit"]) == {"eV/atom"}


MOL = units.mol


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("eV", 1),
        ("meV", 1e-3),
        ("Hartree", HARTREE),
        ("kcal/mol", units.kcal / MOL),
        ("kJ/mol", units.kJ / MOL),
    ],
)
@pytest.mark.parametrize("per_atom", [False, True])
def test_units_change_nothing_but_the_unit_of_what_is_reported(clusters, unit, factor, per_atom):
    y = clusters.target.copy()
    y[[2, 15]] += 40, -300
    expected = _screen(clusters, y=y)
    divisor = np.array([len(atoms) for atoms in clusters.data]) if per_atom else 1
    references = {symbol: energy / factor for symbol, energy in clusters.reference_energies.items()}
    found = _screen(
        clusters,
        y=y / factor / divisor,
        reference_energies=references,
        energy_unit=f"{unit}/atom" if per_atom else unit,
    )
    assert _findings(found) == _findings(expected)
    above = ["energy_above_atoms", "label_deviation"]
    np.testing.assert_allclose(
        found.report[above], expected.report[above] / [factor, 1], rtol=1e-6, atol=1e-9 / factor
    )


def test_totals_that_are_called_per_atom_are_known_by_their_magnitude():
    data, y = [molecule(name) for name in MOLECULES], HARTREE * np.array(list(MOLECULES.values()))
    found = screen_unbound(data, y, energy_unit="eV/atom")
    assert found.report["suspected_unit"].tolist() == ["eV"] * len(y)
    per_atom = y / [len(atoms) for atoms in data]
    assert screen_unbound(data, per_atom, energy_unit="eV/atom").keep.all()
    found = screen_unbound(data, per_atom / HARTREE, energy_unit="eV/atom")
    assert set(found.report["suspected_unit"]) == {"Hartree/atom"}


def test_a_cell_without_a_volume_is_named():
    flat = ase.Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], cell=[[3, 0, 0], [6, 0, 0], [0, 0, 4]], pbc=True)
    with pytest.raises(ValueError, match="Structure 1 is periodic along the cell vectors"):
        screen_unbound([bulk("Cu"), flat])


def test_single_row_in_another_unit_is_found():
    data = [molecule(name) for name in MOLECULES]
    y = HARTREE * np.array(list(MOLECULES.values()))
    y[2] /= HARTREE
    assert _findings(screen_unbound(data, y)) == {"suspect_unit": [2]}


def test_checks_that_are_not_made_are_named(clusters):
    found = screen_unbound(clusters.data, clusters.target)
    assert set(found.skipped) == {"above_free_atoms", "too_strongly_bound"}
    assert "Not checked: above_free_atoms, as reference_energies was not given" in str(found)
    without = screen_unbound(clusters.data)
    assert "missing_label" in without.skipped and "duplicate" not in without.skipped


def test_text_says_what_was_found_where_and_what_to_do(clusters):
    y = clusters.target.copy()
    y[[6, 17]] += 60
    text = repr(_screen(clusters, y=y))
    assert "24 structures: 2 with a finding, 22 without. Nothing was dropped." in text
    assert "above_free_atoms: 2 (8.3 %), rows 6, 17\n" in text
    assert "leave the row out" in text


def test_ignored_checks_are_reported_but_keep_their_rows():
    pieces = ase.Atoms("H2", [[0, 0, 0], [0, 0, 3.0]])
    found = screen_unbound([pieces, molecule("H2")], ignore="fragmented")
    assert found.keep.all() and _flagged(found, "fragmented") == [0]
    assert "ignored in keep" in str(found)


def test_input_is_left_alone(clusters):
    before = [(atoms.numbers.copy(), atoms.positions.copy()) for atoms in clusters.data]
    y = clusters.target.copy()
    found = _screen(clusters, y=y[:, None])
    np.testing.assert_array_equal(y, clusters.target)
    for atoms, (numbers, positions) in zip(clusters.data, before, strict=True):
        assert (atoms.numbers == numbers).all() and (atoms.positions == positions).all()
    assert len(found.report) == len(found.keep) == len(y)


def test_pairs_and_reference_energies_in_a_series_do_as_well(clusters):
    pairs = [(atoms.numbers, atoms.positions) for atoms in clusters.data]
    found = _screen(clusters, pairs, reference_energies=pd.Series(clusters.reference_energies))
    pd.testing.assert_frame_equal(found.report, _screen(clusters).report)


def test_report_survives_pickling(clusters):
    found = _screen(clusters)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)


@pytest.mark.parametrize(
    ("y", "params", "match"),
    [
        ([1.0], {}, r"one energy for each of 24 structures: its shape is \(1,\)"),
        (np.zeros((24, 2)), {}, r"its shape is \(24, 2\)"),
        (None, {"reference_energies": {"Cu": 3.5}}, "no number for Ag, which structure 0 has"),
        (None, {"reference_energies": {"Cu": 3.5, "Ag": np.nan}}, "no number for Ag"),
        (None, {"ignore": ["pieces"]}, "Unknown check 'pieces' in ignore: choose from"),
        (None, {"energy_unit": "Ry"}, "'energy_unit' parameter"),
        (None, {"bond_factor": 0.0}, "'bond_factor' parameter"),
    ],
)
def test_what_cannot_be_screened_is_refused(clusters, y, params, match):
    with pytest.raises(ValueError, match=match):
        _screen(clusters, y=y, **params)


@real
def test_screen_of_real_clusters_finds_the_copy_and_the_unbound():
    try:
        found = fetch_boron_clusters("SeBn", 19, download_if_missing=False)
    except FileNotFoundError:
        pytest.skip("SeBn is not in SKXFER_DATA")
    screened = screen_unbound(found.data, found.target, reference_energies=found.reference_energies)
    np.testing.assert_array_equal(screened.bound, found.bound)
    assert _flagged(screened, "duplicate") == [51] and screened.report["duplicate_of"][51] == 2
    assert not _flagged(screened, "overlapping_atoms") and not _flagged(screened, "suspect_unit")
