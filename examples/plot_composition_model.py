"""
===========================================
What a network reads from chemical formulas
===========================================

A network that sees nothing but formulas, and pictures of what it has learned: how good its
predictions and its own error bars are, which elements contribute what, and what its recurrent part
alone would have missed. The data are formation enthalpies of alloys
:ref:`by Miedema's model <miedema_dataset>`, not of an experiment.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import GroupShuffleSplit

from skxfer import (
    CompositionCurveDisplay,
    CompositionFeaturizer,
    ElementPairDisplay,
    FeatureMapDisplay,
    LearningCurveDisplay,
    LGDCNNRegressor,
    ParityDisplay,
    PeriodicTableDisplay,
)
from skxfer.datasets import load_miedema

alloys = load_miedema(as_frame=True)
compounds = alloys.domain == "intermetallic"
formulas, enthalpy = alloys.data[compounds], alloys.target[compounds]
print(formulas["formula"].head(3).tolist(), enthalpy.head(3).round(3).tolist())

# %%
# Three compounds of each pair of metals are in the table. So whole pairs are held out: who has seen NiZr
# knows Ni3Zr2.
#
# The network and its parts are trained, all of them small and briefly, so that this page builds in
# seconds: ``"lstm"`` reads the whole formula, ``"dcnn"`` sees neighbouring elements, and in
# ``"dcnn-k1"`` no element sees the others.

splitter = GroupShuffleSplit(test_size=0.2, random_state=0)
train, test = next(splitter.split(formulas, enthalpy, groups=alloys.element_pair[compounds]))
X_train, y_train = formulas.iloc[train], enthalpy.iloc[train]
X_test, y_test = formulas.iloc[test], enthalpy.iloc[test]

models = {
    variant: LGDCNNRegressor(
        variant=variant,
        hidden_dim=32,
        n_blocks=1,
        max_epochs=25,
        random_state=0,
    ).fit(X_train, y_train)
    for variant in ("lstm", "dcnn-k1", "dcnn", "lgdcnn")
}
network = models["lgdcnn"]

# %%
# Predictions and their error bars
# --------------------------------
# Colours are the standard deviations that the network gives with its predictions, and the legend
# says how many of the errors are within one and two of them. For honest ones that is 68 and 95 %.

ParityDisplay.from_estimator(
    network, X_test, y_test, target_names=["formation enthalpy"], target_units="eV/atom"
)
plt.show()

# %%
# Contributions of the elements
# -----------------------------
# A prediction is the mean of what the elements of a formula say; averaged over all formulas with an
# element, this shows who tends to form stable compounds (blue).

PeriodicTableDisplay.from_estimator(network, formulas, unit="eV/atom")
plt.show()

# %%
# The same with ``dcnn-k1`` subtracted shows for which elements it matters who the partner is.

PeriodicTableDisplay.from_estimator(network, formulas, reference=models["dcnn-k1"], unit="eV/atom")
plt.show()

# %%
# Such a table is drawn of any numbers: here where the errors are, for any model.

PeriodicTableDisplay.from_predictions(X_test, y_test, network.predict(X_test), unit="eV/atom")
plt.show()

# %%
# Along a binary system
# ---------------------
# The network next to its parts, in a system of which no compound was in training. Both metals alone
# have the enthalpy zero, which no row says: at the ends, neither curves nor bands can be trusted. Nor
# are the curves smooth, since all training formulas together have seven different fractions. Without
# a view of the partner, ``"dcnn-k1"`` can only guess, and its band says so.

CompositionCurveDisplay.from_estimators(
    models,
    "Ni-Sc",
    X=formulas,
    y=enthalpy,
    contributions=True,
    target_name="formation enthalpy",
    unit="eV/atom",
)
plt.show()

# %%
# Neighbours
# ----------
# Formulas in the plane, near each other where they look alike to the network (UMAP if umap-learn is
# installed, otherwise t-SNE). Circles mark the largest errors.

FeatureMapDisplay.from_estimator(network, X_test, y_test, label="formation enthalpy", unit="eV/atom")
plt.show()

# %%
# Pairs of elements
# -----------------
# Between which elements does the whole network see another relation than its recurrent part, in the 56
# formulas where that errs more? For each pair in a formula the correlations of the elements' feature
# maps are compared.

ElementPairDisplay.from_estimators(network, models["lstm"], X_test, y_test, n_formulas=56)
plt.show()

# %%
# How many formulas of my own?
# ----------------------------
# The other phase of the data, solid solutions, has fewer rows. The learning curve compares training on
# few of them alone with transfer from the compounds, here with a support vector machine on Magpie's
# descriptors. It takes networks, too.

LearningCurveDisplay.from_estimator(
    "svr",
    alloys.data,
    alloys.target,
    alloys.domain,
    source_domains=alloys.source_domains,
    train_sizes=[10, 40, 160],
    cv=2,
    featurizer=CompositionFeaturizer("magpie"),
    target_units="eV/atom",
)
plt.show()
