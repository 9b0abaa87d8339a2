"""
================================================
Chemical environments that a network tells apart
================================================

Two networks with the same error may see compounds differently. The clustering vector (CECV) [1]_ looks
at the feature map of the elements, how they correlate within each compound, and counts the clusters of
compounds for which that is the same within a threshold. The paper builds its network by this vector: it
should lie between that of a recurrent network, which reads a formula as a whole, and that of
convolutions of width one, in which no element sees another.

Does that guide the choice of a network on other data? This page asks the question for a small problem.
"""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

from skxfer import CECVDisplay, LGDCNNRegressor
from skxfer.datasets import load_miedema
from skxfer.model_selection import cecv, cecv_study, with_random_weights

# %%
# Networks learn formation enthalpies of binary alloys, :ref:`by Miedema's model <miedema_dataset>`. A
# vector needs compounds of three elements or more, and no labels: any formulas will do. Here they are
# alloys of nickel with two other metals of the data, in three proportions. They show what the networks make
# of the metals, not how well they would predict such alloys.

alloys = load_miedema()
compounds = alloys.domain == "intermetallic"
X, y = alloys.data[compounds], alloys.target[compounds]
metals = sorted({metal for pair in alloys.element_pair for metal in pair.split("-")} - {"Ni"})
probes = [
    f"Ni{n}{first}{m}{second}"
    for first, second in combinations(metals, 2)
    for n, m in ((1, 1), (2, 1), (1, 2))
]
probes = list(np.random.default_rng(0).choice(probes, 800, replace=False))
print(len(probes), "ternary alloys:", *probes[:4], "...")

# %%
# The design loop
# ---------------
# Five candidates, the two references, and for each candidate its own architecture with random weights:
# whatever that shows was not learned. For this page to build in half a minute they are small and
# briefly trained.

small = {"hidden_dim": 32, "n_blocks": 1, "max_epochs": 12}
candidates = {
    name: LGDCNNRegressor(variant=name, **small) for name in ("lgdcnn", "v1", "v2", "ldcnn", "dcnn")
}
study = cecv_study(candidates, X, y, X_probe=probes, random_state=0)
study.table.round(3)

# %%
# The distance to the target region is in decades, the error of the validation rows in eV/atom.

CECVDisplay.from_study(study)
plt.show()

# %%
# In words:

print(study.summary)

# %%
# Distance and error of each network, the references too. If the vector guided the choice, the candidates
# would lie along a rising line.

fig, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
styles = {"candidate": ("o", "#0072B2"), "reference": ("s", "#D55E00")}
for role, (marker, color) in styles.items():
    part = study.table[study.table["role"] == role]
    ax.scatter(part["distance"], part["mae"], marker=marker, color=color, label=role)
    for _, row in part.iterrows():
        ax.annotate(
            row["name"], (row["distance"], row["mae"]), (5, 3), textcoords="offset points", fontsize="small"
        )
ax.set(xlabel="distance to the target region (decades)", ylabel="validation MAE (eV/atom)")
ax.margins(0.12)
ax.legend(frameon=False, fontsize="small")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# A vector by itself
# ------------------
# Of one network, and of the same one when it had learned nothing yet:

model = study.estimators["lgdcnn"]
print("trained", cecv(model, probes).tolist())
print("random ", cecv(with_random_weights(model, random_state=0), probes).tolist())

# %%
# .. [1] Du, H. et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
#    Materials Property Predictions".
