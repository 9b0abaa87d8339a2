"""
=========================================
Which source helps, and which part of it?
=========================================

Energies of eight copper atoms with one of silver are wanted, and thirty are known. There are many of two
other kinds: seven atoms of the same, and eight of the opposite, silver with one of copper. Which of them
helps a network, and is it enough to take over what it learned of the elements?
:func:`~skxfer.model_selection.transfer_analysis` trains the network on the same draws of thirty, with the
same seeds, alone and from each source, and tests the differences in pairs.
"""

# %%
# The energies are simulated, by effective medium theory.
from skxfer import SchNetIIARegressor, TransferAnalysisDisplay, transfer_analysis
from skxfer.datasets import make_doped_clusters
from skxfer.model_selection import transfer_analysis_summary


def clusters(host, dopant, size, n):
    data = make_doped_clusters(sizes=(size,), n_per_size=n, host=host, dopant=dopant, random_state=0)
    return data.data, data.target


target = clusters("Cu", "Ag", 8, 130)
sources = {"one atom less": clusters("Cu", "Ag", 7, 130), "elements swapped": clusters("Ag", "Cu", 8, 130)}

# %%
# A small network, so that this page is made in a minute. What is carried over: nothing but the embedding
# of the elements, as was published, or all weights.
network = SchNetIIARegressor(
    hidden_dim=16, n_interactions=2, learning_rate=0.005, max_epochs=60, random_state=0
)
results = transfer_analysis(
    network,
    sources,
    target,
    carry={"embedding": ["embedding"], "all": None},
    n_splits=5,
    train_size=30,
    test_size=60,
    random_state=0,
)
summary = transfer_analysis_summary(results)
summary[["source", "carry", "error", "target_only_error", "gain_percent", "p_value", "verdict"]].round(3)

# %%
# The sources stand in the order of their distance from the target domain, as simple descriptors of the
# structures see it.
display = TransferAnalysisDisplay.from_results(results)
