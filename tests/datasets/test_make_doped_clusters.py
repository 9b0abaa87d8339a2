"""Simulated metal clusters: energies and forces against ASE's calculator, shapes, repeatability."""

import numpy as np
import pytest

from skxfer.datasets import make_doped_clusters

pytest.importorskip("ase")
from ase.calculators.emt import EMT  # noqa: E402


@pytest.fixture(scope="module")
def clusters():
    return make_doped_clusters(sizes=(7, 9), n_per_size=8, random_state=0)


def test_energies_and_forces_are_those_of_ase(clusters):
    for atoms, energy, forces in zip(clusters.data, clusters.target, clusters.forces, strict=True):
        assert atoms.calc is None
        again = atoms.copy()
        again.calc = EMT()
        assert again.get_potential_energy() == pytest.approx(energy, abs=1e-9)
        np.testing.assert_allclose(again.get_forces(), forces, atol=1e-9)


def test_forces_are_the_slope_of_the_energy(clusters):
    atoms, forces = clusters.data[0].copy(), clusters.forces[0]
    atoms.calc = EMT()
    step, energies = 1e-4, []
    for sign in (1, -1):
        atoms.positions[2, 1] += sign * step
        energies.append(atoms.get_potential_energy())
        atoms.positions[2, 1] -= sign * step
    assert -(energies[0] - energies[1]) / (2 * step) == pytest.approx(forces[2, 1], abs=1e-5)


def test_atoms_are_those_asked_for():
    found = make_doped_clusters(sizes=[5, 4], n_per_size=2, host="Pt", dopant="Au", n_dopants=2)
    assert [atoms.get_chemical_formula() for atoms in found.data] == ["Au2Pt3"] * 2 + ["Au2Pt2"] * 2
    assert found.domain.tolist() == [5, 5, 4, 4]
    assert (found.unit, found.force_unit) == ("eV", "eV/Å")


def test_same_seed_gives_the_same_clusters_whatever_other_sizes_and_numbers(clusters):
    other = make_doped_clusters(sizes=(9, 5, 7), n_per_size=3, random_state=0)
    for size in (7, 9):
        np.testing.assert_array_equal(
            other.target[other.domain == size], clusters.target[clusters.domain == size][:3]
        )


def test_another_seed_gives_other_clusters(clusters):
    other = make_doped_clusters(sizes=(7,), n_per_size=8, random_state=1)
    assert not set(other.target) & set(clusters.target)


@pytest.mark.parametrize(("host", "dopant"), [("Cu", "Ag"), ("Al", "Pt"), ("Au", "Ni")])
def test_atoms_are_in_one_piece_and_do_not_overlap(host, dopant):
    radius = {"Cu": 1.28, "Ag": 1.45, "Al": 1.43, "Pt": 1.39, "Au": 1.44, "Ni": 1.24}  # metallic, Å
    for atoms in make_doped_clusters((8, 13), 4, host=host, dopant=dopant, random_state=0).data:
        radii = np.array([radius[symbol] for symbol in atoms.symbols])
        ratio = atoms.get_all_distances() / (radii[:, None] + radii) + 9 * np.eye(len(atoms))
        assert ratio.min() > 0.65
        linked = np.linalg.matrix_power((ratio < 1.35).astype(float) + np.eye(len(atoms)), len(atoms))
        assert (linked > 0).all()


def test_shapes_are_low_and_high_in_energy():
    found = make_doped_clusters((10,), 30, random_state=0)
    assert np.ptp(found.target) > 2
    largest = np.array([np.abs(forces).max() for forces in found.forces])
    assert largest.min() < 0.6 and largest.max() > 1.5


def test_free_atoms_have_their_energies_and_no_cluster_lies_above(clusters):
    # Energies of cohesion of the crystals, which are the zero of EMT, from its publication.
    assert clusters.reference_energies == pytest.approx({"Cu": 3.51, "Ag": 2.96})
    assert clusters.bound.all()


def test_free_atoms_are_bound():
    assert make_doped_clusters(sizes=(1,), n_per_size=3, n_dopants=0).bound.all()


def test_no_dopant_gives_pure_clusters():
    found = make_doped_clusters((4,), 1, host="Ni", n_dopants=0)
    assert found.data[0].get_chemical_formula() == "Ni4" and list(found.reference_energies) == ["Ni"]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"sizes": (5, 1)}, "sizes must be ints above n_dopants=1: .* is 1"),
        ({"sizes": (5, 6.5)}, "is 6.5"),
        ({"sizes": (5, 5)}, "none twice"),
        ({"sizes": ()}, "at least one size"),
        ({"host": "Fe"}, "'host' parameter"),
        ({"n_per_size": 0}, "'n_per_size' parameter"),
    ],
)
def test_parameters_out_of_range_are_refused(params, match):
    with pytest.raises(ValueError, match=match):
        make_doped_clusters(**params)
