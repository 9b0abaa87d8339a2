"""
=============================
Which experiments to run next
=============================

A coupling reaction has hundreds of conditions, a laboratory runs five a day, and yields of related
products are known. :class:`~skxfer.transfer.ActiveTransfer` chooses the next five from what source and
target rows have taught so far. Here the answer is known, so that the choice can be compared with drawing
lots, and with the same loop without the source.
"""

# %%
# A search with a known answer
# ----------------------------
# :func:`~skxfer.datasets.make_domains` draws a target function, and a source function that is
# correlated with it. The largest value among 200 candidates is sought, starting from
# five random ones.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.svm import SVR

from skxfer import ActiveTransfer, HierarchicalTransfer
from skxfer.datasets import make_domains
from skxfer.inspection import ActiveCurveDisplay
from skxfer.model_selection import active_curve, active_curve_summary

data = make_domains(n_source=150, n_target=200, n_test=1, noise=0.1, relation="related", random_state=0)
rows = data.domain != "test"
X, y, domain = data.data[rows], data.target[rows], data.domain[rows]
transfer = HierarchicalTransfer(
    SVR(C=10), source_domains=data.source_domains, strategy="frozen_experts", guard=False
)

# %%
# One round
# ---------
# Each suggestion has a reason. The error bars come from a committee: copies of the learner, each of which
# missed a third of the target rows.

known = domain != "target"
known[np.flatnonzero(~known)[:5]] = True
pool = X[~known]
loop = ActiveTransfer(transfer, goal="maximize", n_per_round=5, committee=6, random_state=0)
loop.fit(X[known], y[known], sample_domain=domain[known])
for row in loop.suggest(pool).itertuples():
    print(f"candidate {row.position}: {row.reason}")

# %%
# Many rounds, many starts
# ------------------------
# :func:`~skxfer.model_selection.active_curve` repeats the loop from other first rows.

curve = active_curve(
    transfer,
    X,
    y,
    domain,
    goal="maximize",
    n_start=5,
    n_per_round=5,
    n_rounds=6,
    committee=6,
    baselines=["random", "target_only", "random, target_only"],
    seeds=6,
)
print(active_curve_summary(curve)[["arm", "labels_to_reach", "found", "gap", "wins"]].round(2).to_string())
ActiveCurveDisplay.from_results(curve)
plt.show()

# %%
# Choosing finds several times as many of the best rows as drawing lots. What transfer adds is largest in
# the first rounds, when there are too few target rows to choose by.
