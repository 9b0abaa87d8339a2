"""
==========================================
Does data from other solvents help my few?
==========================================

The main job of this library, on the embedded data: carbon monoxide on silver, with 945 structures
each in gas and water, 35 structures in each of twelve solvents, and three solvents to be predicted,
with structures unlike those 35. For each learner, four settings are compared on rows that no fit has
seen. The data are :ref:`simulated <co_ag_emt_dataset>`, so these numbers say
nothing about silver.
"""

import matplotlib.pyplot as plt

from skxfer import PortabilityDisplay, SpectrumFeaturizer, portability_study
from skxfer.datasets import load_co_ag_emt

co = load_co_ag_emt(as_frame=True)
print("sources:        ", *co.source_domains)
print("target domains: ", *co.target_domains)
print("to be predicted:", *co.test_domains)

# %%
# The study
# ---------
# Two of the four targets are enough here: the energy of adsorption and the centre of the d band.

results = portability_study(
    ["svr", "xgb", "knn", "ridge"],
    co.data,
    co.target[["Eads", "d_band"]],
    co.domain,
    source_domains=co.source_domains,
    test_domains=co.test_domains,
    featurizer=SpectrumFeaturizer(),
)

display = PortabilityDisplay.from_results(results, target_units="eV")
plt.show()

# %%
# A point is the mean error over the three unseen solvents, its bar runs from the best to the worst
# of them. Read it row by row, and compare *auto* with *target_only*: what the twelve solvents
# teach by themselves. Comparing with a source model alone would make any method that sees the
# twelve solvents look brilliant.
#
# As numbers: the share by which ``auto`` cuts the error of ``target_only``, its standard error over the
# test rows, and the strategy that ``auto`` relied on most.

auto = results[results["setting"] == "auto"]
by_learner = auto.groupby(["target", "learner"], sort=False)
table = by_learner[["gain", "gain_se"]].mean().round(2)
table.assign(strategy=by_learner["strategy"].first())
