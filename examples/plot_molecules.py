"""
===================================
From small molecules to larger ones
===================================

A model learns the energies of molecules with one or two atoms other than hydrogen, and predicts those of
larger ones. The energies are experimental, those of the G2 set in ASE. Descriptors that are not learned
compete with the orbitals of a quantum deep field, :class:`~skxfer.models.QDDTransformer`, random ones and
ones trained on the small molecules; all with the same head, ridge regression. At the end there is a picture
of the density of electrons that such a network makes up.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import FunctionTransformer

from skxfer import FeatureTransfer, QDDTransformer
from skxfer.datasets import load_g2
from skxfer.featurizers import MBTRFeaturizer
from skxfer.structures import read_structures

g2 = load_g2(elements=["H", "C", "N", "O", "F"])


def take(domain):
    rows = np.flatnonzero(g2.domain == domain)
    return [g2.data[row] for row in rows], g2.target[rows]


(X, y), (X_large, y_large) = take("small"), take("large")
print(f"{len(X)} small molecules, {y.min():.0f} to {y.max():.0f} eV")
print(f"{len(X_large)} larger ones, {y_large.min():.0f} to {y_large.max():.0f} eV")
print(f"{np.sum(y_large < y.min())} of these below all of the small ones")

# %%
# A model has to leave the range of the labels.
#
# Descriptors
# -----------
# Two are not learned: the numbers of atoms of each element, and MBTR, which sees distances. Then three
# kinds of quantum deep descriptors, with five seeds each. The first has random orbitals, and nothing but
# its head is fitted. The second is trained, and holds molecules out: where
# training did not help with these, it warns and goes back to where it began. The third holds out none.
# Networks are smaller than by default, and training is shorter, to be quick.


def count_atoms(molecules):
    return read_structures(molecules).counts()[:, [1, 6, 7, 8, 9]].astype(float)


settings = {
    "random": {"max_epochs": 0},
    "trained": {"max_epochs": 30},
    "trained, none held out": {"max_epochs": 30, "validation_fraction": 0.0},
}
networks = {}
for kind, params in settings.items():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        networks[kind] = [
            QDDTransformer(hidden_dim=100, random_state=seed, **params).fit(X, y) for seed in range(5)
        ]
    if kind == "trained":
        print(sum(network.improved_ for network in networks[kind]), "of 5 were improved by training")
        print(*{str(warning.message) for warning in said})

# %%
# Ridge regression on each, and on several side by side. :class:`~skxfer.transfer.FeatureTransfer` scales
# each block as a whole, so that they weigh the same.

counts, mbtr = ("composition", FunctionTransformer(count_atoms)), ("MBTR", MBTRFeaturizer())
head = RidgeCV(np.logspace(-4, 4, 17))


def predict(encoder=None, blocks=None):
    return FeatureTransfer(encoder, head, passthrough=blocks).fit(X, y).predict(X_large)


predictions = {
    "composition": [predict(blocks=[counts])],
    "MBTR": [predict(blocks=[mbtr])],
    "composition + MBTR": [predict(blocks=[counts, mbtr])],
}
for kind, fitted in networks.items():
    predictions[f"QDD, {kind}"] = [predict(network) for network in fitted]
    predictions[f"QDD, {kind}, + MBTR"] = [predict(network, [mbtr]) for network in fitted]

errors = {name: np.abs(np.array(found) - y_large).mean(axis=1) for name, found in predictions.items()}
table = pd.DataFrame(
    {name: [error.mean(), error.min(), error.max()] for name, error in errors.items()},
    index=["mean", "smallest", "largest"],
)
print(table.T.round(2).to_string())

# %%
# The table has mean absolute errors on the larger molecules in eV, over the seeds; in the picture each
# dot is a seed.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for place, (name, error) in enumerate(errors.items()):
    color = "C1" if "random" in name else "C0" if "QDD" in name else "0.6"
    ax.barh(place, error.mean(), color=color, alpha=0.5)
    ax.plot(error, np.full(len(error), place), "o", color=color, ms=5, mec="white", mew=0.5)
ax.set_yticks(range(len(errors)), errors)
ax.invert_yaxis()
ax.set_xlim(left=0)
ax.set(xlabel="mean absolute error on the larger molecules (eV)")
plt.show()

# %%
# What won is MBTR with a quantum deep descriptor, whether its orbitals are trained or random: from so few
# molecules there is hardly anything to learn that carries to others. The descriptor alone depends on the
# seed more than on the training. Most of what it adds to MBTR the mere numbers of atoms add as well. Had we
# compared trained networks with MBTR alone, we would have praised the training: always compare with random
# orbitals. A network that has seen thousands of molecules is another matter: :ref:`molecules`.
#
# What the errors look like, with the first seed:

shown = ["composition", "MBTR", "QDD, random, + MBTR"]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharex=True, sharey=True, layout="constrained")
ends = [-65, 0]
for ax, name in zip(axes, shown, strict=True):
    ax.plot(ends, ends, color="0.6", lw=1)
    ax.axvline(y.min(), color="0.6", ls=":", lw=1)
    ax.plot(y_large, predictions[name][0], "o", ms=5, mec="white", mew=0.5)
    ax.set(title=name, xlabel="experiment (eV)", xlim=ends, ylim=ends)
axes[0].set(ylabel="predicted (eV)")
axes[0].annotate("small molecules\nend here", (y.min(), -62), (4, 0), textcoords="offset points", fontsize=8)
plt.show()

# %%
# The default head of FeatureTransfer is safe within what it has seen, and wrong here: it keeps
# predictions near the range of the labels. It says so.

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    safe = FeatureTransfer(networks["random"][0], passthrough=[mbtr]).fit(X, y).predict(X_large)
print(f"default head: {np.abs(safe - y_large).mean():.1f} eV")
print(*{str(warning.message) for warning in said})

# %%
# Density of electrons
# --------------------
# Orbitals can be asked for at any point, and the sum of their squares is a density. It is what helps the
# network to predict, no quantum chemistry: the number of electrons is right on the grid of the network, their
# places are its own. Here in the plane of the atoms, before training and after. Furan is larger than anything
# the network was trained on; the density of the real one has a hollow in the middle of the ring, this one
# has not.


def draw_density(ax, network, atoms, size=3.2):
    center = atoms.positions.mean(axis=0)
    axes = np.linalg.svd(atoms.positions - center)[2][:2]  # two in the plane of a flat molecule
    u, v = np.meshgrid(np.linspace(-size, size, 120), np.linspace(-size, size, 120))
    points = center + np.stack([u, v], axis=-1).reshape(-1, 2) @ axes
    density = network.electron_density(atoms, points).reshape(u.shape)
    drawn = ax.contourf(u, v, density, levels=np.geomspace(0.01, 10, 13), norm=LogNorm(), extend="both")
    for symbol, place in zip(atoms.symbols, (atoms.positions - center) @ axes.T, strict=True):
        ax.plot(*place, "o", ms=12, color="white", mec="0.2", mew=0.8)
        ax.text(*place, symbol, ha="center", va="center_baseline", fontsize=8)
    ax.set(aspect="equal", xlabel="Å", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    return drawn


formaldehyde, furan = (g2.data[list(g2.ids).index(name)] for name in ("H2CO", "C4H4O"))
before, after = networks["random"][0], networks["trained, none held out"][0]
panels = {
    "formaldehyde, random": (before, formaldehyde),
    "formaldehyde, trained": (after, formaldehyde),
    "furan, trained": (after, furan),
}
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for ax, (title, (network, atoms)) in zip(axes, panels.items(), strict=True):
    drawn = draw_density(ax, network, atoms)
    ax.set(title=title)
axes[0].set(ylabel="Å")
fig.colorbar(drawn, ax=axes, label="electrons per Å³", ticks=[0.01, 0.1, 1, 10], format="%g")
plt.show()
