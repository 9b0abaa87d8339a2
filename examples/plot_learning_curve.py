"""
===============================================
How many rows of my own make transfer needless?
===============================================

Every labelled row in the target domain costs a calculation or an experiment. The learning curve shows what
the next ones would buy: the error on unseen solvents against the number of target rows, with and
without the sources. The data are :ref:`simulated <co_ag_emt_dataset>`.
"""

import matplotlib.pyplot as plt

from skxfer import LearningCurveDisplay, SpectrumFeaturizer, learning_curve_transfer
from skxfer.datasets import load_co_ag_emt

co = load_co_ag_emt(as_frame=True)
curve = learning_curve_transfer(
    "krr",  # kernel ridge regression
    co.data,
    co.target[["Eads"]],
    co.domain,
    train_sizes=[10, 20, 40, 80, 160, 420],
    source_domains=co.source_domains,
    test_domains=co.test_domains,
    featurizer=SpectrumFeaturizer(),
    seeds=3,
)

# %%
# Each size is drawn three times, each draw predicts three solvents: nine tests per point.

display = LearningCurveDisplay.from_results(curve, target_units="eV")
plt.show()

# %%
# Read it sideways: how many rows does ``target_only`` need to reach the error that ``auto`` has
# with a few?

table = curve.pivot_table(index="n_target", columns="setting", values="mae", sort=False)
table.round(3)
