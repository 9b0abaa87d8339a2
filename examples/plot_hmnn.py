"""
=====================================
Two tiers of experts, and their gates
=====================================

The story of the HMNN paper [1]_: networks learn from many structures in gas and in water what a
spectrum says of an adsorbate (tier I), their best experts are frozen, and new ones next to them learn
from a few structures in many solvents what the solvent changes (tier II). Can they predict solvents
that nobody has shown them? And what do the experts look at?

The paper's data are used if they lie on this machine (:ref:`data`), and otherwise the
:ref:`simulated <co_ag_emt_dataset>` ones, which say nothing about silver.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skxfer import ErrorDisplay, GateDisplay, HMNNRegressor, SaliencyDisplay
from skxfer.datasets import fetch_co_ag, load_co_ag_emt

try:
    files = ["gas", "water", "multisolvent", "cyclohexane", "diethyl_ether"]
    co = fetch_co_ag(subset=files, download_if_missing=False, as_frame=True)
except FileNotFoundError:
    co = load_co_ag_emt(as_frame=True)

y = co.target.where(co.label_ok)  # some labels of the published files are known to be wrong
counts = co.domain.value_counts()
for role in ("source", "target", "test"):
    domains = co[f"{role}_domains"]
    print(f"{role:8}{len(domains):3} domains, {counts[list(domains)].sum()} rows")

# %%
# Four ways to train
# ------------------
# The same network each time, with all four targets at once. ``"target_only"`` sees the few rows of the
# target solvents and nothing else: what every transfer has to beat. ``"frozen_experts"`` is the
# paper's way, in two tiers. ``"merge"`` trains one network on all rows together, ``"merge_relevant"`` on
# the target rows and those source rows whose labels lie near theirs.
#
# So that this page builds in a minute, each model is one network (``n_members=1``) instead of
# three, trained briefly, and there is no cross-validation, which by default would choose a strategy
# for each target.

strategies = ["target_only", "frozen_experts", "merge", "merge_relevant"]
train = ~co.domain.isin(co.test_domains)
X_test, y_test = co.data[~train], co.target[~train]

models, errors = {}, {}
for name in strategies:
    model = HMNNRegressor(
        source_domains=co.source_domains,
        n_members=1,
        cv=None,
        random_state=0,
        strategy=name,
    )
    models[name] = model.fit(co.data[train], y[train], sample_domain=co.domain[train])
    errors[name] = (model.predict(X_test) - y_test).abs().mean()

table = pd.DataFrame(errors).T
table.columns = [f"{name} ({unit})" for name, unit in zip(co.target_names, co.target_units, strict=True)]
table.round(4)

# %%
# Mean absolute errors on the unseen solvents, whose structures go beyond those of the target rows. As
# shares of the error of ``target_only``, one group for each target:

relative = pd.DataFrame(errors).div(errors["target_only"], axis=0)
colors = {"frozen_experts": "#1b6ca8", "merge": "#bdbdbd", "merge_relevant": "#d95f02"}
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
relative[list(colors)].plot.bar(ax=ax, color=colors, width=0.75, rot=0)
ax.axhline(1, color="black", linewidth=0.8)
ax.set_ylabel("error / error of target_only")
ax.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Which experts does a target listen to?
# --------------------------------------
# In tier II, each target may use the two experts of gas and the two of water that it had listened to
# most in tier I, and two new ones. Its gate decides for each row how much of each to take; drawn
# are means over the unseen solvents. A dash marks an expert that is closed to that target.

tiers = models["frozen_experts"]
GateDisplay.from_estimator(tiers, X_test, target_names=co.target_names)
plt.show()

# %%
# Summed up by where the experts come from:

GateDisplay.from_estimator(tiers, X_test, target_names=co.target_names, kind="category")
plt.show()

# %%
# What do they look at?
# ---------------------
# The gradient of an output with respect to a feature says how strongly the feature moves it. Experts
# of one solvent cannot have learned what the dielectric constant does, since theirs never changed:
# that is left to the new experts and to the gates.

SaliencyDisplay.from_estimator(tiers, X_test, target_names=co.target_names)
plt.show()

# %%
# Where does it err?
# ------------------
# The errors of the adsorption energy against what is known of the structures. The target rows are
# upright structures at a few distances: look at what happens beyond them.

if "structure" in co:
    structure = co.structure[~train.to_numpy()].rename(
        columns={"distance": "Ag-C (Å)", "bond_length": "C-O (Å)", "tilt": "tilt (°)"}
    )
    structure = structure.drop(columns="site")
else:
    # The published files have no structures; groups of rows can be told, by distance of C and Ag.
    structure = {"group of structures, by distance": np.asarray(co.structure_group)[~train.to_numpy()]}

ErrorDisplay.from_predictions(
    y_test[["Eads"]],
    tiers.predict(X_test)[:, :1],
    structure,
    target_units="eV",
    tolerance=0.043,  # 1 kcal/mol
)
plt.show()

# %%
# To let cross-validation on the target rows choose the strategy for each target, leave `strategy` and
# `cv` as they are; :ref:`hmnn` says how it decides.
#
# .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921.
