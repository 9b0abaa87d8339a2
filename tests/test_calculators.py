import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

ase = pytest.importorskip("ase")

from ase import Atoms, units  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.calculators.calculator import PropertyNotImplementedError  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.constraints import FixAtoms  # noqa: E402
from ase.io import read  # noqa: E402
from ase.md.verlet import VelocityVerlet  # noqa: E402
from ase.optimize import BFGS, FIRE  # noqa: E402
from ase.optimize.basin import BasinHopping  # noqa: E402

from skxfer import SkxferCalculator  # noqa: E402
from skxfer.calculators import ExtrapolationWarning  # noqa: E402
from skxfer.datasets import make_doped_clusters  # noqa: E402


class Springs(BaseEstimator):
    """Between all atoms springs of 1 unit/Å², 2.5 Å long; it counts how often it is asked."""

    def __init__(self, energy_unit="eV", std=np.nan):
        self.energy_unit = energy_unit
        self.std = std

    def fit(self, X=None, y=None):
        self.min_distance_, self.max_gap_, self.n_calls_ = 2.0, 3.0, 0
        self.variance_, self.scale_ = np.array([[1e-4, 1.0]]), 0.2
        return self

    def predict_forces(self, X, return_energy=False):
        self.n_calls_ += 1
        (atoms,) = X
        apart = atoms.positions[:, None] - atoms.positions
        length = np.linalg.norm(apart, axis=2) + np.eye(len(atoms))
        stretch = (length - 2.5) * (1 - np.eye(len(atoms)))
        energy = (stretch**2).sum() / 4
        if self.energy_unit.endswith("/atom"):
            energy /= len(atoms)
        forces = -(stretch[:, :, None] * apart / length[:, :, None]).sum(axis=1)
        return [forces], np.array([energy]), np.array([self.std])


def row(*distances):
    """Copper atoms in a row."""
    return Atoms(f"Cu{len(distances) + 1}", [[x, 0, 0] for x in np.r_[0, np.cumsum(distances)]])


def with_springs(atoms, options=None, **params):
    atoms.calc = SkxferCalculator(Springs(**params).fit(), **options or {})
    return atoms


def tiny(**params):
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    from skxfer import SchNetIIARegressor

    params = {"hidden_dim": 8, "n_interactions": 1, "n_rbf": 12, "cutoff": 4.5} | params
    return SchNetIIARegressor(random_state=0, **params)


@pytest.fixture(scope="module")
def clusters():
    return make_doped_clusters(sizes=(5,), n_per_size=48, random_state=0)


@pytest.fixture(scope="module")
def committee(clusters):
    """Learns EMT well enough to relax a cluster of five atoms."""
    model = tiny(n_members=2, max_epochs=60, batch_size=8, learning_rate=0.02)
    return model.fit(clusters.data, clusters.target, forces=clusters.forces)


@pytest.fixture
def atoms(clusters, committee):
    atoms = clusters.data[0].copy()
    atoms.calc = SkxferCalculator(committee)
    return atoms


def true_energy(atoms):
    atoms = atoms.copy()
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_the_import_does_not_bring_ase():
    code = "import sys, skxfer.calculators as c; assert c.__all__; sys.exit('ase' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# Energies and forces


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("eV", 1.0), ("Hartree", 27.211386245988), ("eV/atom", 5.0), ("kJ/mol/atom", 0.0518213)],
)
def test_energy_is_that_of_predict_in_ev(clusters, unit, factor):
    model = tiny(energy_unit=unit, max_epochs=2).fit(clusters.data, clusters.target / factor)
    atoms = clusters.data[1].copy()
    atoms.calc = SkxferCalculator(model)
    assert atoms.get_potential_energy() == pytest.approx(factor * model.predict([atoms])[0], rel=1e-5)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("eV", 1.0), ("meV", 1e-3), ("Hartree", 27.211386245988), ("Hartree/atom", 27.211386245988)],
)
def test_a_spring_has_the_energy_and_forces_of_its_unit(unit, factor):
    atoms = with_springs(row(2.7), energy_unit=unit)
    assert atoms.get_potential_energy() == pytest.approx(factor * 0.2**2 / 2)
    np.testing.assert_allclose(atoms.get_forces(), factor * np.array([[0.2, 0, 0], [-0.2, 0, 0]]))


def test_forces_are_derivatives_of_the_energy(atoms):
    forces, step = atoms.get_forces(), 1e-4
    for atom, axis in [(0, 0), (2, 1), (4, 2)]:
        energy = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions[atom, axis] += sign * step
            energy.append(moved.get_potential_energy())
        assert forces[atom, axis] == pytest.approx(-(energy[0] - energy[1]) / (2 * step), abs=1e-5)


def test_energies_of_atoms_add_up_to_the_energy(atoms):
    energies = atoms.get_potential_energies()
    assert energies.shape == (5,)
    assert energies.sum() == pytest.approx(atoms.get_potential_energy())


def test_energies_of_atoms_are_in_ev(clusters):
    model = tiny(energy_unit="Hartree/atom", max_epochs=2).fit(clusters.data, clusters.target / 5 / units.Ha)
    atoms = clusters.data[1].copy()
    atoms.calc = SkxferCalculator(model)
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy())


def test_a_periodic_cell_has_the_energy_of_its_repetition(committee):
    pytest.importorskip("matscipy")
    cell = bulk("Cu", a=3.61)
    energy = []
    for crystal in (cell, cell * (2, 1, 1)):
        crystal.calc = SkxferCalculator(committee, warn=False)
        energy.append(crystal.get_potential_energy())
    assert energy[1] == pytest.approx(2 * energy[0])


def test_a_committee_gives_the_standard_deviation_of_predict(atoms, committee):
    atoms.get_forces()
    std = committee.predict([atoms], return_std=True)[1][0]
    assert atoms.calc.results["energy_std"] == pytest.approx(std)


def test_without_error_bars_there_is_no_standard_deviation():
    atoms = with_springs(row(2.7))
    atoms.get_potential_energy()
    assert "energy_std" not in atoms.calc.results


def test_the_standard_deviation_is_in_ev():
    atoms = with_springs(row(2.7), energy_unit="Hartree/atom", std=1e-6)
    atoms.get_potential_energy()
    assert atoms.calc.results["energy_std"] == pytest.approx(2e-6 * 27.211386245988)


def test_stress_is_not_implemented():
    with pytest.raises(PropertyNotImplementedError, match="stress"):
        with_springs(row(2.7)).get_stress()


def test_ase_gets_the_properties_that_it_knows():
    properties = with_springs(row(2.7), std=0.01).get_properties(["energy", "forces"])
    assert properties["energy"] == pytest.approx(0.02)


# What ASE does with it


def test_nothing_is_repeated_for_the_same_atoms():
    atoms = with_springs(row(2.7, 2.4))
    atoms.get_potential_energy(), atoms.get_forces(), atoms.get_potential_energy(force_consistent=True)
    assert atoms.calc.model.n_calls_ == 1


def test_moved_atoms_are_calculated_again():
    atoms = with_springs(row(2.7))
    atoms.get_potential_energy()
    atoms.positions[1, 0] = 2.9
    assert atoms.get_potential_energy() == pytest.approx(0.4**2 / 2)


def test_energies_of_atoms_do_not_repeat_the_forces(atoms, monkeypatch):
    forces = atoms.get_forces()
    monkeypatch.setattr(type(atoms.calc.model), "predict_forces", None)
    atoms.get_potential_energies()
    np.testing.assert_array_equal(atoms.get_forces(), forces)


def test_a_relaxation_lowers_the_true_energy(clusters, committee):
    atoms = max(clusters.data, key=true_energy).copy()
    before = true_energy(atoms)
    atoms.calc = SkxferCalculator(committee, warn=False)
    assert BFGS(atoms, logfile=None).run(fmax=0.05, steps=60)
    assert true_energy(atoms) < before - 0.3


def test_molecular_dynamics_conserves_the_energy(atoms):
    FIRE(atoms, logfile=None).run(fmax=0.05, steps=60)
    rng = np.random.default_rng(0)
    atoms.set_momenta(rng.normal(size=(5, 3)) * np.sqrt(atoms.get_masses() * units.kB * 300)[:, None])
    total = []
    dynamics = VelocityVerlet(atoms, timestep=2 * units.fs)
    dynamics.attach(lambda: total.append(atoms.get_total_energy()))
    dynamics.run(50)
    assert np.ptp(total) < 0.05 * atoms.get_kinetic_energy()


def test_fixed_atoms_stay(atoms):
    atoms.set_constraint(FixAtoms([0, 1]))
    start = atoms.positions.copy()
    FIRE(atoms, logfile=None).run(steps=3)
    np.testing.assert_array_equal(atoms.positions[:2], start[:2])
    assert (atoms.positions[2:] != start[2:]).any()


def test_basin_hopping_finds_the_minimum_of_springs(tmp_path):
    # Four atoms, each at 2.5 Å from the others: a tetrahedron without any strain.
    atoms = with_springs(row(2.1, 2.1, 2.1), {"warn": False})
    atoms.positions[:, 1:] = np.random.default_rng(0).normal(size=(4, 2))
    search = BasinHopping(
        atoms,
        dr=0.3,
        fmax=1e-3,
        logfile=None,
        optimizer_logfile=None,
        trajectory=str(tmp_path / "lowest.traj"),
        local_minima_trajectory=str(tmp_path / "minima.traj"),
    )
    search.run(2)
    assert search.get_minimum()[0] == pytest.approx(0, abs=1e-5)


def test_a_trajectory_keeps_energy_and_forces(tmp_path):
    atoms = with_springs(row(2.7), std=0.01)
    atoms.get_forces()
    atoms.write(tmp_path / "one.extxyz")
    assert read(tmp_path / "one.extxyz").get_potential_energy() == pytest.approx(0.02)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda calc: pickle.loads(pickle.dumps(calc))])
def test_a_copy_gives_the_same_energy(atoms, copied):
    energy = atoms.get_potential_energy()
    atoms.calc = copied(atoms.calc)
    atoms.calc.reset()
    assert atoms.get_potential_energy() == energy


# Outside the training domain


@pytest.mark.parametrize(
    ("kind", "atoms", "params", "message"),
    [
        ("too close", row(2.5, 1.7), {}, r"Atoms 1 and 2 are 1.70 Å apart, less than min_distance=1.80"),
        ("gap", row(2.5, 3.4), {}, r"Atom 2 has no neighbour within max_gap=3.30"),
        ("gap", row(), {}, r"Atom 0 has no neighbour"),
        # Five times 0.01 eV/atom, which is more than a tenth of 0.2.
        ("uncertain", row(2.5), {"std": 0.11}, r"0.055 eV/atom, more than max_std=0.05"),
    ],
)
def test_each_kind_of_extrapolation_warns(kind, atoms, params, message):
    with_springs(atoms, **params)
    with pytest.warns(ExtrapolationWarning, match=message):
        atoms.get_potential_energy()
    assert atoms.calc.n_warnings_ == {"too close": 0, "gap": 0, "uncertain": 0} | {kind: 1}


@pytest.mark.parametrize("pbc", [False, True])
def test_a_wall_pushes_close_atoms_apart(pbc):
    atoms = row(1.5, 2.5)
    atoms.positions += [[0.0, 0.0, 0.0], [0.0, 0.3, 0.1], [0.0, 0.0, 0.2]]
    atoms.set_cell([7.0, 7.0, 7.0])
    atoms.pbc = pbc
    inside = np.linalg.norm(atoms.positions[1] - atoms.positions[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        free, walled = (
            with_springs(atoms.copy(), {"wall": wall, "max_gap": np.inf, "min_distance": 1.8})
            for wall in (0.0, 40.0)
        )
        raised = walled.get_potential_energy() - free.get_potential_energy()
        assert raised == pytest.approx(20.0 * (1.8 - inside) ** 2)
        extra = walled.get_forces() - free.get_forces()
        step = 1e-5
        for atom, axis in ((0, 0), (1, 1), (2, 2)):
            energies = []
            for sign in (1, -1):
                pair = [one.copy() for one in (walled, free)]
                for one, original in zip(pair, (walled, free), strict=True):
                    one.positions[atom, axis] += sign * step
                    one.calc = original.calc
                energies.append(pair[0].get_potential_energy() - pair[1].get_potential_energy())
            assert extra[atom, axis] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=1e-6)


def test_within_the_limits_nothing_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_springs(row(1.85, 3.25), std=0.14).get_potential_energy()


def test_limits_can_be_given():
    options = {"min_distance": 2.3, "max_gap": np.inf, "max_std": 0.001}
    atoms = with_springs(row(2.2, 9.0), options, std=0.1)
    with pytest.warns(ExtrapolationWarning):
        atoms.get_potential_energy()
    assert atoms.calc.n_warnings_ == {"too close": 1, "gap": 0, "uncertain": 1}


def test_a_kind_warns_once_and_is_counted_each_time():
    atoms = with_springs(row(1.7))
    with pytest.warns(ExtrapolationWarning) as said:
        for x in (1.7, 1.6, 1.5):
            atoms.positions[1, 0] = x
            atoms.get_forces()
    assert len(said) == 1
    assert atoms.calc.n_warnings_["too close"] == 3


def test_after_a_reset_it_warns_again():
    atoms = with_springs(row(1.7))
    with pytest.warns(ExtrapolationWarning) as said:
        atoms.get_forces()
        atoms.calc.reset_warnings()
        assert atoms.calc.n_warnings_["too close"] == 0
        atoms.positions[1, 0] = 1.6
        atoms.get_forces()
    assert len(said) == 2


def test_without_warn_it_only_counts():
    atoms = with_springs(row(1.7), {"warn": False})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_forces()
    assert atoms.calc.n_warnings_["too close"] == 1


def test_warnings_as_errors_stop_each_time():
    atoms = with_springs(row(1.7))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExtrapolationWarning)
        for x in (1.7, 1.6, 1.6):
            atoms.positions[1, 0] = x
            with pytest.raises(ExtrapolationWarning, match="apart"):
                atoms.get_forces()


def test_images_of_a_periodic_cell_count_as_neighbours():
    pytest.importorskip("matscipy")
    chain = Atoms("Cu", cell=[2.5, 20, 20], pbc=[True, False, False])
    with_springs(chain).get_potential_energy()
    assert chain.calc.n_warnings_["gap"] == 0


def test_a_compressed_cluster_is_outside_the_domain_of_a_committee(atoms):
    atoms.positions *= 0.6
    with pytest.warns(ExtrapolationWarning) as said:
        atoms.get_potential_energy()
    assert len(said) == 2
    assert atoms.calc.n_warnings_ == {"too close": 1, "gap": 0, "uncertain": 1}


def test_an_atom_that_leaves_is_outside_the_domain(atoms):
    atoms.positions[2] += 6 * atoms.positions[2] / np.linalg.norm(atoms.positions[2])
    with pytest.warns(ExtrapolationWarning, match="Atom 2 has no neighbour"):
        atoms.get_potential_energy()


def test_training_structures_are_inside(clusters, committee):
    calc = SkxferCalculator(committee)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cluster in clusters.data[:10]:
            calc.get_potential_energy(cluster)


# Errors


def test_an_element_that_training_did_not_have_is_an_error(atoms):
    atoms.symbols[2] = "Au"
    with pytest.raises(ValueError, match="Au, which was not in training"):
        atoms.get_potential_energy()


def test_a_model_that_is_not_fitted_is_an_error():
    with pytest.raises(NotFittedError, match="Springs is not fitted: call fit"):
        SkxferCalculator(Springs())


@pytest.mark.parametrize("model", [Springs, "model.skxfer", GridSearchCV(Springs(), {})])
def test_what_is_no_model_of_forces_is_an_error(model):
    with pytest.raises(TypeError, match="predict_forces and energy_unit.*best_estimator_ .*stages_"):
        SkxferCalculator(model)


def test_an_unknown_unit_is_an_error():
    with pytest.raises(ValueError, match="energy_unit is 'Ry'"):
        SkxferCalculator(Springs("Ry").fit())


@pytest.mark.parametrize(
    ("name", "value"), [("min_distance", -1.0), ("min_distance", np.inf), ("max_gap", -1.0), ("max_std", "1")]
)
def test_a_limit_out_of_range_is_an_error(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        SkxferCalculator(Springs().fit(), **{name: value})
