"""Simulate CO on an Ag(111) cluster in many solvents; writes skxfer/datasets/data/co_ag_emt.csv.gz.

Run ``python tools/make_co_ag_emt.py`` (needs ase, two minutes on one core). Two runs give the same bytes.

The model, in Å, e and eV unless a name says otherwise:

- Atoms: CO over a rigid, finite Ag(111) slab; energy and CO Hessian from ASE's EMT potential.
- Charges: one charge-transfer coordinate from metal to CO, whose size and softness follow the Ag-CO overlap;
  a bond dipole and a bond polarisability on CO.
- Solvent: Onsager's reaction field around a polarisable point dipole. It shifts energies, adds its own
  Hessian to the frequencies, pulls more charge onto CO and amplifies both intensities.
- d band: Friedel's rectangular band, its width from the second moment of Harrison-like hoppings.

EMT binds CO to Ag by about 0.3-0.5 eV but makes the free bond four times too soft, so frequencies are far too
low. The data are a simulation with a realistic structure, not a prediction about silver.
"""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
from ase import Atoms, units
from ase.build import fcc111
from ase.calculators.emt import EMT

OUTPUT = Path(__file__).resolve().parents[1] / "skxfer" / "datasets" / "data" / "co_ag_emt.csv.gz"

SOURCES = {"gas": 1.0, "water": 78.3553}
TARGETS = {
    "hexane": 1.8819,
    "toluene": 2.3741,
    "chloroform": 4.7113,
    "chlorobenzene": 5.6968,
    "aniline": 6.8882,
    "dichloromethane": 8.93,
    "pentanol": 15.13,
    "acetone": 20.493,
    "ethanol": 24.852,
    "methanol": 32.613,
    "acetonitrile": 35.688,
    "formamide": 108.94,
}
TESTS = {"cyclohexane": 2.0165, "diethyl_ether": 4.24, "tetrahydrofuran": 7.4257}

MODES = range(1, 7)
FEATURES = [f"{kind}{k}" for kind in ("f", "iz", "izz") for k in MODES] + ["dielectric_constant"]
TARGET_NAMES = ["Eads", "delta_e", "E_bonding", "d_band"]

# Height of C above the top layer at the EMT minimum of each site, and a bond length between the free (1.06 Å)
# and the adsorbed (1.12-1.16 Å) one.
SITE_HEIGHT = {"ontop": 2.05, "bridge": 1.6, "fcc": 1.5}
BOND_LENGTH = 1.12
FREE_BOND_LENGTH = 1.05597

COULOMB = units._e / (4e-10 * np.pi * units._eps0)  # e²/(4πε0), 14.40 eV Å
DEBYE_PER_E_ANGSTROM = 1 / units.Debye
MASSES = np.repeat([12.011, 15.999], 3)
WAVENUMBER = np.sqrt(units._e / units._amu) * 1e8 / (2 * np.pi * units._c)  # cm⁻¹ per sqrt(eV Å⁻² amu⁻¹)
IR_KM_PER_MOL = 42.2561  # of one (D/Å)² amu⁻¹

CAVITY_RADIUS = 2.4
OVERLAP_RANGE, OVERLAP_DISTANCE, OXYGEN_OVERLAP = 0.45, 2.05, 0.3
MAX_TRANSFER, TRANSFER_PER_STRETCH, TRANSFER_HARDNESS = 0.25, 2.0, 15.0
CHARGE_ON_OXYGEN = 0.35
BOND_DIPOLE, BOND_DIPOLE_SLOPE = 0.112 / DEBYE_PER_E_ANGSTROM, -3.1 / DEBYE_PER_E_ANGSTROM
ALPHA_PARALLEL, ALPHA_PARALLEL_SLOPE = 2.60, 2.5
ALPHA_PERPENDICULAR, ALPHA_PERPENDICULAR_SLOPE = 1.80, 0.5
ALPHA_CARBON = 1.76

D_BULK, W_BULK = -4.30, 3.6
NEIGHBOUR = 4.09 / np.sqrt(2)
HOP_DD = W_BULK**2 / 12 / (12 + 6 / 32)  # second moment W²/12, twelve first and six second neighbours
HOP_DC, HOP_DO = 0.3, 0.15
D_CHARGE_SHIFT = 0.4


def silver_cluster():
    """Return positions of the Ag atoms (n_silver, 3) and where each site lies on the top layer."""
    slab = fcc111("Ag", size=(4, 4, 3), a=4.09)
    top = slab.positions[:, 2].max()
    cell, info = slab.info["adsorbate_info"]["cell"], slab.info["adsorbate_info"]["sites"]
    sites = {name: np.append((np.array(info[name]) + 1) @ cell, top) for name in SITE_HEIGHT}
    return slab.positions, sites


def sample_structures(random_state=0):
    """Return one row per (structure, solvent): a grid in site, distance, bond length, tilt, slightly shaken.

    The shake (off the site, tilt, azimuth) lifts the symmetry that would give two modes one frequency and so
    leave their single intensities undefined.
    """
    rng = np.random.default_rng(random_state)
    source = {
        "site": list(SITE_HEIGHT),
        "shift": np.r_[-0.2, -0.15, np.arange(-0.1, 0.51, 0.1)],
        "stretch": np.arange(-3, 4) * 0.02,
        "tilt": [0.0, 15.0, 30.0, 45.0, 60.0],
    }
    target = {**source, "site": ["ontop"], "shift": np.arange(-0.1, 0.31, 0.1), "tilt": [0.0]}
    test = {**source, "site": ["ontop"], "shift": np.arange(-0.1, 0.51, 0.1)}
    tables = [_shake(_grid(source), rng).assign(domain=name) for name in SOURCES]
    for solvents, grid in ((TARGETS, target), (TESTS, test)):
        shared = _shake(_grid(grid), rng)
        tables += [shared.assign(domain=name) for name in solvents]
    table = pd.concat(tables, ignore_index=True)
    table["dielectric_constant"] = table["domain"].map({**SOURCES, **TARGETS, **TESTS})
    return table


def _grid(axes):
    return pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)


def _shake(grid, rng):
    n = len(grid)
    radius, angle = rng.uniform(0.1, 0.3, n), 2 * np.pi * rng.random(n)
    return pd.DataFrame(
        {
            "site": grid["site"],
            "distance": grid["site"].map(SITE_HEIGHT) + grid["shift"],
            "bond_length": BOND_LENGTH + grid["stretch"],
            "tilt": grid["tilt"] + rng.uniform(2, 8, n),
            "azimuth": 360 * rng.random(n),
            "dx": radius * np.cos(angle),
            "dy": radius * np.sin(angle),
        }
    )


def place(structures, sites):
    """Return positions of C and O, (n, 6): C above its site, O along the tilted bond."""
    carbon = np.array([sites[s] for s in structures["site"]])
    carbon = carbon + structures[["dx", "dy", "distance"]].to_numpy()
    tilt, azimuth = np.deg2rad(structures[["tilt", "azimuth"]].to_numpy()).T
    bond = np.stack([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)], axis=1)
    return np.hstack([carbon, carbon + structures[["bond_length"]].to_numpy() * bond])


def emt(silver, positions, step=0.01):
    """Return EMT energies with CO and with C alone, (n,) each, and the Hessian of CO, (n, 6, 6)."""
    full, carbon = Atoms(f"Ag{len(silver)}CO"), Atoms(f"Ag{len(silver)}C")
    full.calc, carbon.calc = EMT(), EMT()

    def forces(x):
        full.positions = np.vstack([silver, x.reshape(2, 3)])
        return full.get_forces()[-2:].ravel()

    energy, energy_carbon, hessian = [], [], []
    for x in positions:
        forces(x)
        energy.append(full.get_potential_energy())
        carbon.positions = np.vstack([silver, x[:3]])
        energy_carbon.append(carbon.get_potential_energy())
        h = -np.array([forces(x + d) - forces(x - d) for d in step * np.eye(6)]) / (2 * step)
        hessian.append((h + h.T) / 2)
    return np.array(energy), np.array(energy_carbon), np.array(hessian)


def emt_references(silver):
    """Return EMT energies of the bare cluster, of CO at its own minimum and of an O atom."""
    parts = Atoms(f"Ag{len(silver)}", silver), Atoms("CO", [[0, 0, 0], [0, 0, FREE_BOND_LENGTH]]), Atoms("O")
    for part in parts:
        part.calc = EMT()
    return [part.get_potential_energy() for part in parts]


def _overlap(silver, x):
    """Return exp(-(d - d0) / range) of every Ag with a point, and the distances d, both (..., n_silver)."""
    d = np.linalg.norm(x[..., None, :] - silver, axis=-1)
    return np.exp(-(d - OVERLAP_DISTANCE) / OVERLAP_RANGE), d


def _outer(u):
    return u[..., :, None] * u[..., None, :]


def response(silver, positions, oxygen=True):
    """Return what the adsorbate shows to a field: charge (...), arm (..., 3), softness (...), dipole, alpha.

    ``charge`` electrons sit on CO and their hole on the metal, ``arm`` away; ``softness`` (e²/eV) says how
    many more flow per volt. ``dipole`` (..., 3) is in e Å, ``alpha`` (..., 3, 3) in Å³. Without ``oxygen``,
    the adsorbate is a bare C atom.
    """
    carbon, oxygen_position = positions[..., :3], positions[..., 3:]
    weight, _ = _overlap(silver, carbon)
    metal = (weight @ silver) / weight.sum(axis=-1, keepdims=True)
    overlap = weight.sum(axis=-1)
    eye = np.eye(3)
    if oxygen:
        overlap = overlap + OXYGEN_OVERLAP * _overlap(silver, oxygen_position)[0].sum(axis=-1)
        bond = oxygen_position - carbon
        length = np.linalg.norm(bond, axis=-1)
        unit, stretch = bond / length[..., None], length - FREE_BOND_LENGTH
        centre = carbon + CHARGE_ON_OXYGEN * bond
        dipole = (BOND_DIPOLE + BOND_DIPOLE_SLOPE * stretch)[..., None] * unit
        across = (ALPHA_PERPENDICULAR + ALPHA_PERPENDICULAR_SLOPE * stretch)[..., None, None]
        along = (ALPHA_PARALLEL + ALPHA_PARALLEL_SLOPE * stretch)[..., None, None]
        alpha = across * eye + (along - across) * _outer(unit)
    else:
        centre, dipole, alpha, stretch = carbon, 0.0, ALPHA_CARBON * eye, 0.0
    filled = overlap / (1 + overlap)
    charge = MAX_TRANSFER * filled * (1 + TRANSFER_PER_STRETCH * stretch)
    arm, softness = metal - centre, filled / TRANSFER_HARDNESS
    dipole = dipole + charge[..., None] * arm
    alpha = alpha + COULOMB * softness[..., None, None] * _outer(arm)
    return charge, arm, softness, dipole, alpha


def onsager(dipole, alpha, dielectric_constant):
    """Return energy, dipole (..., 3), polarisability (..., 3, 3) and reaction field (..., 3) in a solvent.

    With F = 2(ε-1)/(2ε+1)/a³ the dipole grows to μ* = (1 - Fα)⁻¹ μ and the energy is -F μ·μ*/2.
    """
    factor = 2 * (dielectric_constant - 1) / (2 * dielectric_constant + 1) / CAVITY_RADIUS**3
    factor = np.asarray(factor)[..., None, None]
    gain = np.linalg.inv(np.eye(3) - factor * alpha)
    dressed = (gain @ dipole[..., None])[..., 0]
    field = COULOMB * factor[..., 0] * dressed  # V/Å
    return -0.5 * np.sum(field * dipole, axis=-1), dressed, gain @ alpha, field


def solvent_hessian(silver, positions, dielectric_constant, step=0.005):
    """Return the Hessian (n, 6, 6) of the solvation energy with respect to C and O."""
    eps = np.asarray(dielectric_constant)

    def energy(x):
        return onsager(*response(silver, x)[3:], eps)[0]

    shifts, hessian = step * np.eye(6), np.empty((len(positions), 6, 6))
    for i in range(6):
        for j in range(i + 1):
            plus, minus = shifts[i] + shifts[j], shifts[i] - shifts[j]
            value = energy(positions + plus) - energy(positions + minus)
            value -= energy(positions - minus) - energy(positions - plus)
            hessian[:, i, j] = hessian[:, j, i] = value / (4 * step**2)
    return hessian


def spectra(silver, positions, hessian, dielectric_constant, step=0.005):
    """Return frequencies (cm⁻¹, imaginary ones negative), IR (km/mol) and Raman (Å⁴/amu), (n, 6) each."""
    eps = np.asarray(dielectric_constant)
    root = np.sqrt(MASSES)
    eigenvalues, vectors = np.linalg.eigh(hessian / np.outer(root, root))
    frequency = WAVENUMBER * np.sign(eigenvalues) * np.sqrt(np.abs(eigenvalues))
    slopes_dipole, slopes_alpha = [], []
    for shift in step * np.eye(6):
        ahead, behind = (onsager(*response(silver, positions + s)[3:], eps) for s in (shift, -shift))
        slopes_dipole.append((ahead[1] - behind[1]) / (2 * step))
        slopes_alpha.append((ahead[2] - behind[2]) / (2 * step))
    modes = vectors / root[:, None]  # (n, 6 coordinates, 6 modes)
    cavity_field = 3 * eps / (2 * eps + 1)
    d_dipole = np.einsum("cna,ncm->nma", slopes_dipole, modes) * cavity_field[:, None, None]
    d_alpha = np.einsum("cnab,ncm->nmab", slopes_alpha, modes) * cavity_field[:, None, None, None] ** 2
    d_alpha = (d_alpha + np.swapaxes(d_alpha, -1, -2)) / 2
    infrared = IR_KM_PER_MOL * DEBYE_PER_E_ANGSTROM**2 * np.sum(d_dipole**2, axis=-1)
    mean = np.trace(d_alpha, axis1=-2, axis2=-1) / 3
    anisotropy = 1.5 * (np.sum(d_alpha**2, axis=(-2, -1)) - 3 * mean**2)
    return frequency, infrared, 45 * mean**2 + 7 * anisotropy


def d_band_centre(silver, positions, charge):
    """Return the d-band centre (n,) in eV from the Fermi level, averaged over the Ag atoms that bind C.

    A full rectangular band hangs from a fixed top: its centre falls by half of what the band widens. The
    positive charge left on the metal lowers it further.
    """
    weight, d_carbon = _overlap(silver, positions[:, :3])
    _, d_oxygen = _overlap(silver, positions[:, 3:])
    metal = np.linalg.norm(silver[:, None] - silver, axis=-1)
    np.fill_diagonal(metal, np.inf)
    moment = HOP_DD * np.sum((NEIGHBOUR / metal) ** 10, axis=1)
    moment = (
        moment + HOP_DC * (OVERLAP_DISTANCE / d_carbon) ** 7 + HOP_DO * (OVERLAP_DISTANCE / d_oxygen) ** 7
    )
    centre = D_BULK + (W_BULK - np.sqrt(12 * moment)) / 2
    return np.sum(weight * centre, axis=1) / weight.sum(axis=1) - D_CHARGE_SHIFT * charge


def simulate(structures):
    """Return the 19 features and the 4 targets of every row of `sample_structures`."""
    silver, sites = silver_cluster()
    positions = place(structures, sites)
    eps = structures["dielectric_constant"].to_numpy()
    # Solvents share structures, and EMT knows nothing of solvents.
    _, first, row = np.unique(positions, axis=0, return_index=True, return_inverse=True)
    energy, energy_carbon, hessian = (term[row.ravel()] for term in emt(silver, positions[first]))
    slab, molecule, oxygen = emt_references(silver)

    charge, arm, softness, dipole, alpha = response(silver, positions)
    solvation, _, _, field = onsager(dipole, alpha, eps)
    solvation_carbon = onsager(*response(silver, positions, oxygen=False)[3:], eps)[0]
    lone = np.array([0, 0, 30.0, 0, 0, 30.0 + FREE_BOND_LENGTH])
    solvation_molecule = onsager(*response(silver, lone)[3:], eps)[0]
    charge = charge + softness * np.sum(field * arm, axis=-1)

    frequency, infrared, raman = spectra(
        silver, positions, hessian + solvent_hessian(silver, positions, eps), eps
    )
    out = pd.DataFrame(np.column_stack([frequency, infrared, raman, eps]), columns=FEATURES)
    out["Eads"] = slab + molecule + solvation_molecule - energy - solvation
    out["delta_e"] = charge
    out["E_bonding"] = energy_carbon + solvation_carbon + oxygen - energy - solvation
    out["d_band"] = d_band_centre(silver, positions, charge)
    return out


def main():
    structures = sample_structures()
    table = simulate(structures)
    table[FEATURES[:6]] = table[FEATURES[:6]].round(3)
    for name in FEATURES[6:18]:
        table[name] = [float(f"{value:.5g}") for value in table[name]]
    table[TARGET_NAMES] = table[TARGET_NAMES].round(6)
    table = pd.concat(
        [structures["domain"], table, structures[["site", "distance", "bond_length", "tilt"]].round(3)],
        axis=1,
    )
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
