"""The simulating script, checked against textbook answers, plain ASE and the embedded data."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skxfer.datasets import load_co_ag_emt

pytest.importorskip("ase", reason="the simulation needs ase")
SCRIPT = Path(__file__).parents[2] / "tools" / "make_co_ag_emt.py"
if not SCRIPT.exists():
    pytest.skip("tools/ is not here", allow_module_level=True)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_co_ag_emt", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def silver(script):
    return script.silver_cluster()[0]


@pytest.fixture(scope="module")
def far_molecule(script, silver):
    """CO 40 Å above the silver, at the bond length of the free molecule."""
    carbon = silver.mean(axis=0) + [0.0, 0.0, 40.0]
    return np.hstack([carbon, carbon + [0.0, 0.0, script.FREE_BOND_LENGTH]])[None]


@pytest.fixture(scope="module")
def adsorbed(script):
    structures = script.sample_structures()
    return script.place(structures.iloc[[3, 700, 1500]], script.silver_cluster()[1])


def test_embedded_rows_come_from_the_script(script):
    co = load_co_ag_emt()
    structures = script.sample_structures()
    np.testing.assert_array_equal(structures["domain"], co.domain)
    rows = [2, 944, 1300, 1900, 2200, 2700, 3044]
    table = script.simulate(structures.iloc[rows].reset_index(drop=True))
    np.testing.assert_allclose(table[co.target_names], co.target[rows], atol=2e-6)
    np.testing.assert_allclose(table[co.feature_names[:6]], co.data[rows, :6], atol=2e-2)
    # Single intensities of two close modes are ill-conditioned, their sum is not.
    for kind in (slice(6, 12), slice(12, 18)):
        names = co.feature_names[kind]
        np.testing.assert_allclose(table[names].sum(axis=1), co.data[rows, kind].sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(
        structures[["distance", "bond_length", "tilt"]], co.structure.iloc[:, 1:], atol=6e-4
    )


def test_adsorption_and_bond_energy_in_gas_are_those_of_plain_ase(script, silver):
    from ase import Atoms
    from ase.calculators.emt import EMT
    from ase.optimize import BFGS

    def energy(symbols, positions):
        atoms = Atoms(symbols, positions)
        atoms.calc = EMT()
        return atoms, atoms.get_potential_energy()

    structures = script.sample_structures().iloc[[100]]
    carbon, oxygen = script.place(structures, script.silver_cluster()[1]).reshape(2, 3)
    _, slab = energy("Ag48", silver)
    _, full = energy("Ag48CO", np.vstack([silver, carbon, oxygen]))
    _, without = energy("Ag48C", np.vstack([silver, carbon]))
    _, atom = energy("O", [[0, 0, 0]])
    free, _ = energy("CO", [[0, 0, 0], [0, 0, 1.1]])
    BFGS(free, logfile=None).run(fmax=1e-4)
    co, row = load_co_ag_emt(), 100
    assert co.domain[row] == "gas"
    assert co.target[row, 0] == pytest.approx(slab + free.get_potential_energy() - full, abs=1e-5)
    assert co.target[row, 2] == pytest.approx(without + atom - full, abs=1e-5)


def test_free_molecule_vibrates_as_a_diatomic(script, silver, far_molecule):
    from ase import Atoms, units
    from ase.calculators.emt import EMT

    def energy(r):
        atoms = Atoms("CO", [[0, 0, 0], [0, 0, r]])
        atoms.calc = EMT()
        return atoms.get_potential_energy()

    r, h = script.FREE_BOND_LENGTH, 1e-3
    stiffness = (energy(r + h) - 2 * energy(r) + energy(r - h)) / h**2
    reduced = 12.011 * 15.999 / (12.011 + 15.999)
    hessian = script.emt(silver, far_molecule)[2]
    frequency, infrared, raman = script.spectra(silver, far_molecule, hessian, [1.0])
    stretch = np.sqrt(stiffness / reduced) * units._hbar * np.sqrt(units._e / units._amu) * 1e10 / units._e
    assert frequency[0, 5] == pytest.approx(stretch / units.invcm, rel=1e-3)
    # At the minimum the others are translations and rotations; 10 cm⁻¹ is 1e-4 of the stretch's stiffness.
    assert np.all(np.abs(frequency[0, :5]) < 10)
    # The slopes of the bond dipole, 3.1 D/Å, and of its polarisability, 2.5 and 0.5 Å², are the input.
    assert infrared[0, 5] == pytest.approx(42.2561 * 3.1**2 / reduced, rel=1e-3)
    assert raman[0, 5] == pytest.approx((45 * (3.5 / 3) ** 2 + 7 * 2.0**2) / reduced, rel=1e-3)


def test_gas_has_no_solvent_effect(script, silver, adsorbed):
    dipole, alpha = script.response(silver, adsorbed)[3:]
    energy, dressed, dressed_alpha, field = script.onsager(dipole, alpha, np.ones(3))
    np.testing.assert_array_equal(energy, 0)
    np.testing.assert_array_equal(field, 0)
    np.testing.assert_allclose(dressed, dipole)
    np.testing.assert_allclose(dressed_alpha, alpha)
    np.testing.assert_array_equal(script.solvent_hessian(silver, adsorbed, np.ones(3)), 0)


def test_onsager_energy_is_that_of_the_textbook_for_an_isotropic_dipole(script):
    mu, alpha, eps, radius = 0.4, 3.0, 7.4257, script.CAVITY_RADIUS
    factor = 2 * (eps - 1) / (2 * eps + 1) / radius**3
    energy, *_ = script.onsager(np.array([0, mu, 0]), alpha * np.eye(3), eps)
    assert energy == pytest.approx(-0.5 * 14.399645 * factor * mu**2 / (1 - factor * alpha), rel=1e-6)


def test_onsager_energy_is_the_minimum_over_the_induced_dipole(script, silver, adsorbed):
    from scipy.optimize import minimize

    dipole, alpha = (term[1] for term in script.response(silver, adsorbed)[3:])
    factor = 2 * (46.8 - 1) / (2 * 46.8 + 1) / script.CAVITY_RADIUS**3

    def cost(induced):
        total = dipole + induced
        return 0.5 * induced @ np.linalg.solve(alpha, induced) - 0.5 * factor * total @ total

    lowest = 14.399645 * minimize(cost, np.zeros(3), tol=1e-12).fun
    assert script.onsager(dipole, alpha, 46.8)[0] == pytest.approx(lowest, rel=1e-5)


def test_turning_silver_and_molecule_together_changes_nothing(script, silver, adsorbed):
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    eps = np.array([2.0, 10.0, 80.0])
    block = np.kron(np.eye(2), turn)
    hessian = script.emt(silver, adsorbed)[2] + script.solvent_hessian(silver, adsorbed, eps)
    before = script.spectra(silver, adsorbed, hessian, eps)
    after = script.spectra(silver @ turn.T, adsorbed @ block.T, block @ hessian @ block.T, eps)
    np.testing.assert_allclose(after[0], before[0], atol=1e-3)
    for kind in (1, 2):
        np.testing.assert_allclose(after[kind], before[kind], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        script.solvent_hessian(silver @ turn.T, adsorbed @ block.T, eps),
        block @ script.solvent_hessian(silver, adsorbed, eps) @ block.T,
        atol=1e-4,  # the step's own error
    )


def test_bulk_atom_has_the_bulk_band_centre(script):
    from ase.build import bulk

    crystal = bulk("Ag", a=4.09, cubic=True).repeat(7).positions
    centre = crystal[np.argmin(np.linalg.norm(crystal - crystal.mean(axis=0), axis=1))]
    # CO too far away to couple; the weights still single out the nearest atom to C.
    carbon = centre + [0.0, 0.0, 0.01]
    oxygen = centre + [0.0, 0.0, 1e3]
    script_hop, script.HOP_DC = script.HOP_DC, 0.0
    try:
        value = script.d_band_centre(crystal, np.hstack([carbon, oxygen])[None], np.zeros(1))
    finally:
        script.HOP_DC = script_hop
    # Shells beyond the second are left out of W_BULK: a few per cent of the second moment.
    assert value[0] == pytest.approx(script.D_BULK, abs=0.06)
