"""
===================================
What happens when sources are wrong
===================================

Data from elsewhere can hurt: a model that trusts a source which says something else is worse than
one that never saw it. :class:`~skxfer.transfer.HierarchicalTransfer` cross-validates transfer
against ``target_only``, training on the target rows alone, and keeps that where transfer shows no clear
gain. Here the truth is known, so that this can be checked.

The problems
------------
:func:`~skxfer.datasets.make_domains` draws a target function with mean 0
and variance 1, and a source function with a chosen correlation to it. A correlation of 1 makes the
source function a copy of the target's, 0 makes it unrelated. The adversarial source is a special case: right
where the first feature exceeds 0.2, and the exact opposite elsewhere. The source has 300 rows, the
target domain 30, and 200 more rows of it serve as test.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains

relations = [1.0, 0.98, 0.9, 0.7, 0.4, 0.0, "adversarial"]
seeds = range(5)

# %%
# Three ways to use the source
# ----------------------------
# Not at all (``target_only``); all rows merged into one table, as one would without a second thought
# (``merge``); and the guarded competition of all strategies (``auto``). The test rows are drawn like
# the target rows, so we say so with ``predict_on="similar"``. The first model need not be fitted:
# guarded transfer keeps it in ``estimators_``.

learner = SVR(C=10, epsilon=0.02)
rows, shares = [], []
for relation in relations:
    for seed in seeds:
        problem = make_domains(300, 30, 200, relation=relation, random_state=seed)
        train = problem.domain != "test"
        X, y = problem.data[train], problem.target[train]
        X_test, truth = problem.data[~train], problem.target_function[~train]

        merge = clone(learner).fit(X, y)
        auto = HierarchicalTransfer(
            learner,
            source_domains=problem.source_domains,
            predict_on="similar",
            random_state=0,
        ).fit(X, y, sample_domain=problem.domain[train])

        models = {"target_only": auto.estimators_["target_only"], "merge": merge, "auto": auto}
        errors = {name: mean_absolute_error(truth, model.predict(X_test)) for name, model in models.items()}
        gains = {
            "gain": 1 - errors["auto"] / errors["target_only"],
            "promised": auto.transfer_gain_[0],
        }
        rows.append({"relation": str(relation), **errors, **gains})
        shares.append(dict(zip(auto.strategies_, auto.weights_[0], strict=True)))

results = pd.DataFrame(rows)
print(results.groupby("relation", sort=False).median().round(2).to_string())

# %%
# Merging is best while the source is a copy, and worst once it is not. Guarded transfer gains while
# there is something to gain, and falls back to ``target_only`` when there is not.

order = [str(relation) for relation in relations]
position = np.arange(len(order))
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.6), layout="constrained")

for name, color in {"target_only": "#7f7f7f", "merge": "#d95f02", "auto": "#1b6ca8"}.items():
    by_relation = results.groupby("relation")[name]
    low, high = by_relation.min()[order], by_relation.max()[order]
    left.fill_between(position, low, high, color=color, alpha=0.15, linewidth=0)
    left.plot(position, by_relation.median()[order], "o-", color=color, label=name)
left.set(ylabel="mean absolute error on the test rows", ylim=(0, None))
left.legend(frameon=False)

place = results["relation"].map(order.index)
middle.axhline(0, color="black", linewidth=0.8)
middle.plot(place - 0.1, results["promised"], "o", color="#1b6ca8", label="transfer_gain_")
middle.plot(place + 0.1, results["gain"], "D", color="#e6ab02", label="gain on the test rows")
middle.set(ylabel="error saved by transfer")
middle.yaxis.set_major_formatter("{x:.0%}")
middle.legend(frameon=False)

mean_shares = pd.DataFrame(shares).groupby(results["relation"]).mean().loc[order]
bottom = np.zeros(len(order))
colors = plt.get_cmap("viridis")(np.linspace(0.9, 0.1, mean_shares.shape[1] - 1))
for strategy, color in zip(mean_shares, ["#bdbdbd", *colors], strict=True):  # target_only is grey
    right.bar(position, mean_shares[strategy], 0.7, bottom, color=color, label=strategy)
    bottom += mean_shares[strategy]
right.set(ylabel="share in the prediction", ylim=(0, 1))
right.legend(
    frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.45, 1.0), columnspacing=1, fontsize="small"
)

for panel in (left, middle, right):
    panel.set_xticks(position, ["adver-\nsarial" if name == "adversarial" else name for name in order])
    panel.set_xlabel("correlation of source and target")
    panel.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Lines are medians over five problems, bands run from the best to the worst of them.
#
# Two things to take along. ``transfer_gain_`` comes from folds over 30 rows: it is an estimate, and
# scatters around the gain on the test rows. And the guard can only say *does this source help on
# the target rows I have*: where 30 rows are unlike what will be predicted, say what the use is
# (``predict_on``, or ``X_deploy`` in ``fit``).
