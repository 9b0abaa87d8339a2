"""
=======================================
Relax clusters, and search for the best
=======================================

A network learns energies and forces of metal clusters and then moves their atoms, as calculator of ASE:
it relaxes clusters and searches for the most stable one. It says where it is asked for what it has not
learned. Energies are those of the effective medium theory (EMT) in ASE, so that every step can be
compared with the truth; nobody would replace EMT, but a density functional is used in the same way.
"""

import tempfile
import warnings

import matplotlib.pyplot as plt
import numpy as np
from ase.calculators.emt import EMT
from ase.io import read
from ase.optimize import BFGS
from ase.optimize.basin import BasinHopping
from ase.visualize.plot import plot_atoms
from sklearn.model_selection import train_test_split

from skxfer import ParityDisplay, SchNetIIARegressor, SkxferCalculator
from skxfer.calculators import ExtrapolationWarning
from skxfer.datasets import make_doped_clusters

clusters = make_doped_clusters(sizes=(8,), n_per_size=120, random_state=0)
X_train, X_test, y_train, y_test, forces_train, forces_test = train_test_split(
    clusters.data, clusters.target, clusters.forces, test_size=30, random_state=0
)
print(len(X_train), "clusters such as", X_train[0].get_chemical_formula())

# %%
# Three small networks are trained, from different weights: where this committee disagrees, its energies
# are not to be trusted. They are smaller than by default, to be quick.

model = SchNetIIARegressor(
    hidden_dim=16,
    n_interactions=2,
    n_rbf=16,
    cutoff=4.5,
    n_members=3,
    learning_rate=0.01,
    batch_size=6,
    random_state=0,
).fit(X_train, y_train, forces=forces_train)

errors = np.concatenate(model.predict_forces(X_test)) - np.concatenate(forces_test)
print(f"mean absolute error of forces: {np.abs(errors).mean():.3f} eV/Å")

# %%
# Held-out clusters
# -----------------
# Energies of the clusters that were held out, with the error bars of the committee.

ParityDisplay.from_estimator(model, X_test, y_test, target_names=["energy"], target_units="eV")
plt.show()

# %%
# Relaxations
# -----------
# The three highest of them are relaxed by the network alone. EMT says what the energy really is along
# the paths. Below is the error of the network, and, dotted, two standard deviations by its own account.


def true_energy(atoms):
    atoms = atoms.copy()
    atoms.calc = EMT()
    return atoms.get_potential_energy()


fig, axes = plt.subplots(2, 1, figsize=(7, 6), sharex=True, height_ratios=[2, 1], layout="constrained")
relaxed = []
for place, start in enumerate(np.argsort(y_test)[:-4:-1]):
    atoms = X_test[start].copy()
    atoms.calc = SkxferCalculator(model)
    path = []

    def record(atoms=atoms, path=path):
        path.append([atoms.get_potential_energy(), true_energy(atoms), atoms.calc.results["energy_std"]])

    relaxation = BFGS(atoms, logfile=None)
    relaxation.attach(record)
    relaxation.run(fmax=0.05, steps=300)
    relaxed.append(atoms)
    energy, truth, std = np.transpose(path)
    print(f"cluster {start}: {truth[0]:.3f} -> {truth[-1]:.3f} eV by EMT in {len(path) - 1} steps")
    color = f"C{place}"
    axes[0].plot(truth, "o", color=color, ms=4, mfc="none")
    axes[0].plot(energy, color=color)
    axes[1].plot(energy - truth, color=color)
    axes[1].plot(np.outer(std, [-2, 2]), ":", color=color)
axes[0].plot([], [], "k-", label="network")
axes[0].plot([], [], "ko", ms=4, mfc="none", label="EMT, for the same atoms")
axes[0].legend()
axes[0].set(ylabel="energy (eV)")
axes[1].axhline(0, color="k", lw=0.8)
axes[1].set(xlabel="step of the relaxation", ylabel="network − EMT (eV)")
plt.show()

# %%
# Basin hopping
# -------------
# From the first of them, a search: atoms are moved at random and relaxed, and the move is kept if the
# energy is lower, or with some luck if it is not. Such moves can bring atoms closer together than they
# were in training, where the network knows nothing and may have deep holes: the calculator puts a wall
# there. It warns once of each kind of extrapolation, and counts.


def search(calculator, n_hops=12):
    np.random.seed(0)  # noqa: NPY002, ASE draws from it
    atoms = relaxed[0].copy()
    atoms.calc = calculator
    options = {"temperature": 0.2, "dr": 0.6, "optimizer": BFGS, "fmax": 0.05}
    quiet = {"logfile": None, "optimizer_logfile": None, "trajectory": None}
    with tempfile.TemporaryDirectory() as folder:
        hopping = BasinHopping(atoms, local_minima_trajectory=f"{folder}/minima.traj", **options, **quiet)
        hopping.run(n_hops)
        return hopping.get_minimum()[1], read(f"{folder}/minima.traj", ":")


calculator = SkxferCalculator(model)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always", ExtrapolationWarning)
    best, minima = search(calculator)
for warning in said:
    print(f"{warning.category.__name__}: {warning.message}")
print(calculator.n_warnings_)

# %%
# What the network says of the minima where the relaxations end, with its error bars, and what EMT says.

energy, std = model.predict(minima, return_std=True)
truth = np.array([true_energy(atoms) for atoms in minima])
print(f"within two standard deviations: {np.sum(np.abs(energy - truth) < 2 * std)} of {len(minima)} minima")

fig, axes = plt.subplots(1, 3, figsize=(10, 4), width_ratios=[2, 1, 1], layout="constrained")
hops = np.arange(1, len(minima) + 1)
axes[0].errorbar(hops, energy, 2 * std, fmt="o", ms=4, capsize=2, label="network, ± two standard deviations")
axes[0].plot(hops, truth, "kx", label="EMT, for the same atoms")
axes[0].step(hops, np.minimum.accumulate(energy), where="post", color="C0", lw=0.8, label="lowest so far")
axes[0].set(xlabel="minimum found", ylabel="energy (eV)")
fig.legend(loc="outside lower left", ncols=3)
for ax, atoms, title in zip(axes[1:], (relaxed[0], best), ("start", "best"), strict=True):
    plot_atoms(atoms, ax, radii=0.7, rotation="20x,30y")
    ax.set(title=f"{title}: {true_energy(atoms):.3f} eV by EMT")
    ax.set_axis_off()
plt.show()

# %%
# How far EMT's own relaxation moves the best one is one comparison; the same search by EMT alone, with the
# same random moves, is another.

by_emt = best.copy()
by_emt.calc = EMT()
BFGS(by_emt, logfile=None).run(fmax=0.01)
moved = np.linalg.norm(by_emt.positions - best.positions, axis=1).max()
print(f"EMT's relaxation: {true_energy(best):.3f} -> {true_energy(by_emt):.3f} eV, by up to {moved:.3f} Å")
print(f"best of EMT's own search: {true_energy(search(EMT())[0]):.3f} eV")
