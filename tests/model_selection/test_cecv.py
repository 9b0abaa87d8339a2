"""Clustering vectors: what counts as a cluster, and what must not change the count."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import AgglomerativeClustering

from skxfer.model_selection import cecv, with_random_weights
from skxfer.model_selection.clustering_vectors import MOST_MATCHED, THRESHOLDS

WIDTH = 12


def with_correlations(*pairs):
    """Feature map of which the elements have these correlations, in the order 12, 13, ..., 23, ..."""
    k = int(0.5 + np.sqrt(0.25 + 2 * len(pairs)))
    matrix = np.eye(k)
    matrix[np.triu_indices(k, 1)] = pairs
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    # Orthonormal rows of mean zero: the others of an orthogonal matrix whose first row is constant.
    start = np.random.default_rng(0).normal(size=(WIDTH, WIDTH))
    start[:, 0] = 1.0
    basis = np.linalg.qr(start)[0].T[1 : k + 1]
    # Neither scale nor offset of an element's features counts.
    return np.arange(1, k + 1)[:, None] * (np.linalg.cholesky(matrix) @ basis) + 3.0


def random_maps(n, sizes=(3, 4, 5), seed=0, coarse=False):
    rng = np.random.default_rng(seed)
    if coarse:  # few different correlations: many equal distances
        levels = np.array([-0.2, 0.0, 0.2])
        return [with_correlations(*rng.choice(levels, k * (k - 1) // 2)) for k in rng.choice(sizes, n)]
    return [rng.normal(size=(k, 6)) + 2 * rng.normal(size=6) for k in rng.choice(sizes, n)]


@pytest.mark.parametrize("linkage", ["complete", "single"])
def test_compounds_that_differ_by_less_than_the_threshold_share_a_cluster(linkage):
    maps = [with_correlations(0, 0, 0), with_correlations(0.1, 0, 0), with_correlations(0.5, 0.5, 0.5)]
    vector = cecv(maps, thresholds=[0.05, 0.1, 0.11, 0.5, 0.51], linkage=linkage)
    assert vector.tolist() == [3, 3, 2, 2, 1]  # the differences are 0.1, 0.5 and 0.5
    assert vector.index.tolist() == [0.05, 0.1, 0.11, 0.5, 0.51]


def test_only_single_linkage_follows_chains():
    maps = [with_correlations(r, 0, 0) for r in (0.0, 0.1, 0.2, 0.3)]
    assert cecv(maps, thresholds=[0.15, 0.35], linkage="single").tolist() == [1, 1]
    assert cecv(maps, thresholds=[0.15, 0.35]).tolist() == [2, 1]


def test_compounds_with_other_numbers_of_elements_never_share_a_cluster():
    maps = [with_correlations(*[0.1] * (k * (k - 1) // 2)) for k in (3, 4, 5, 4)]
    assert cecv(maps, thresholds=[2.0]).tolist() == [3]


def test_elements_are_matched_and_not_merely_their_correlations():
    # Correlated are 1-2, 2-3, 3-4 in a row, or 1 with each other one: no order of elements makes them equal.
    row, star = with_correlations(0.4, 0, 0, 0.4, 0, 0.4), with_correlations(0.4, 0.4, 0.4, 0, 0, 0)
    assert cecv([row, star], thresholds=[0.39, 0.41]).tolist() == [2, 1]


def brute_force(maps):
    """Differences of compounds with the same number of elements, over all orders of the elements."""
    matrices = [np.corrcoef(values) for values in maps]
    orders = [np.array(order) for order in permutations(range(len(maps[0])))]
    return np.array(
        [[min(np.abs(a - b[np.ix_(o, o)]).max() for o in orders) for b in matrices] for a in matrices]
    )


@pytest.mark.parametrize("k", [3, 4, 5])
def test_counts_are_those_of_all_orders_of_elements_and_an_independent_clustering(k):
    maps = random_maps(24, sizes=[k])
    distance = brute_force(maps)
    thresholds = np.arange(2, 60) / 50
    single = [connected_components(distance < t)[0] for t in thresholds]
    assert cecv(maps, thresholds=thresholds, linkage="single").tolist() == single
    complete = [
        AgglomerativeClustering(None, metric="precomputed", linkage="complete", distance_threshold=t)
        .fit(distance)
        .n_clusters_
        for t in thresholds
    ]
    assert cecv(maps, thresholds=thresholds).tolist() == complete
    assert len(set(complete)) > 10


@pytest.mark.parametrize("linkage", ["complete", "single"])
@pytest.mark.parametrize("coarse", [False, True], ids=["random", "many equal distances"])
def test_the_order_of_rows_and_elements_does_not_count(linkage, coarse):
    maps = random_maps(40, coarse=coarse)
    expected = cecv(maps, linkage=linkage)
    rng = np.random.default_rng(1)
    for _ in range(5):
        shuffled = [rng.permutation(maps[row]) for row in rng.permutation(len(maps))]
        assert cecv(shuffled, linkage=linkage).equals(expected)


def test_the_order_of_elements_does_not_count_where_there_are_too_many_to_match():
    maps = random_maps(20, sizes=[MOST_MATCHED, MOST_MATCHED + 1, 9], seed=2)
    rng = np.random.default_rng(1)
    thresholds = [0.1, 0.3, 0.5, 0.7]
    expected = cecv(maps, thresholds=thresholds)
    assert cecv([rng.permutation(values) for values in maps], thresholds=thresholds).equals(expected)
    assert expected.iloc[0] > expected.iloc[-1]


@pytest.mark.parametrize("linkage", ["complete", "single"])
def test_compounds_that_occur_again_make_no_cluster(linkage):
    maps = random_maps(20)
    again = cecv([*maps, *maps[:7], maps[0]], linkage=linkage)
    assert again.equals(cecv(maps, linkage=linkage))
    assert again.attrs["n_compounds"] == 28


@pytest.mark.parametrize("linkage", ["complete", "single"])
@pytest.mark.parametrize("seed", range(5))
def test_counts_never_rise_with_the_threshold(linkage, seed):
    vector = cecv(random_maps(60, seed=seed), thresholds=np.arange(1, 40) / 20, linkage=linkage)
    assert (np.diff(vector) <= 0).all()
    assert vector.iloc[0] <= 60 and vector.iloc[-1] >= 3


def test_compounds_of_two_elements_are_left_out_and_counted():
    maps = [*random_maps(5, sizes=[3]), *random_maps(3, sizes=[2])]
    with pytest.warns(UserWarning, match="3 of 8 compounds have fewer than 3 elements"):
        vector = cecv(maps)
    assert vector.equals(cecv(maps[:5]))
    assert vector.attrs == {"n_compounds": 5, "n_left_out": 3, "n_by_elements": {3: 5}}


def test_compounds_of_two_elements_are_let_in_when_asked_for():
    maps = [with_correlations(0.0), with_correlations(0.3), with_correlations(0.32)]
    assert cecv(maps, thresholds=[0.1], min_elements=2).tolist() == [2]


def test_an_element_with_a_constant_feature_map_correlates_with_none():
    values = with_correlations(0.3, 0.0, 0.0)
    values[2] = 7.1
    with pytest.warns(UserWarning, match="1 of 2 compounds with 3 elements have one with a constant"):
        vector = cecv([values, with_correlations(0.3, 0.0, 0.0)], thresholds=[1e-3])
    assert vector.tolist() == [1]


@pytest.mark.filterwarnings("ignore:.*constant feature map")
def test_a_network_that_says_nothing_tells_nothing_apart():
    assert cecv([np.zeros((k, 8)) for k in (3, 3, 3, 5)], thresholds=[0.05]).tolist() == [2]


def test_containing_takes_the_compounds_with_an_element():
    symbols = [["Si", "O", "Mg"], ["Fe", "O", "Mg"], ["Al", "O", "Si"]]
    maps = [pd.DataFrame(m, index=s) for m, s in zip(random_maps(3, sizes=[3]), symbols, strict=True)]
    assert cecv(maps, containing="Si").equals(cecv([maps[0], maps[2]]))
    with pytest.raises(TypeError, match="DataFrames"):
        cecv([values.to_numpy() for values in maps], containing="Si")


@pytest.mark.parametrize(
    ("maps", "params", "error", "message"),
    [
        ([np.ones((3, 4)) * np.nan], {}, ValueError, "row 0 is not finite"),
        ([np.eye(3), np.zeros((3, 5))], {}, ValueError, "row 1 has 5 features, others 3"),
        ([np.zeros((3, 1))], {}, ValueError, "row 0 has 1 feature"),
        ([np.eye(3), np.zeros(3)], {}, ValueError, "row 1 has 1 axes"),
        ([np.eye(2)], {}, ValueError, "None of 1 compounds has 3 elements"),
        ([], {}, ValueError, "None of 0 compounds"),
        ("NaCl", {}, TypeError, "str has no element_feature_map"),
        (3.0, {}, TypeError, "float has no element_feature_map"),
        ([np.eye(3)], {"X": ["NaCl"]}, TypeError, "list of feature maps alone"),
        ([np.eye(3)], {"containing": "si"}, ValueError, "symbol of an element"),
        ([np.eye(3)], {"min_elements": 1}, ValueError, "from 2 on, got 1"),
        ([np.eye(3)], {"linkage": "ward"}, ValueError, "complete, single, got 'ward'"),
        ([np.eye(3)], {"thresholds": [0.1, 0.0]}, ValueError, "above 0 .* got 0"),
        ([np.eye(3)], {"thresholds": [0.2, 0.1]}, ValueError, "must rise"),
        ([np.eye(3)], {"thresholds": []}, ValueError, "sequence of numbers"),
    ],
)
def test_what_cannot_be_counted_is_an_error(maps, params, error, message):
    with pytest.raises(error, match=message):
        cecv(maps, **params)


def test_too_many_different_compounds_are_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setattr("skxfer.model_selection.clustering_vectors.MOST_ROWS", 10)
    cecv([np.eye(3)] * 50)  # all alike
    with pytest.raises(ValueError, match="11 different compounds have 3 elements, at most 10 .* draw some"):
        cecv(random_maps(11, sizes=[3]))


def test_rows_compared_a_few_at_a_time_give_the_distances_of_all(monkeypatch):
    monkeypatch.setattr("skxfer.model_selection.clustering_vectors.ROWS_AT_ONCE", 5)
    maps = random_maps(18, sizes=[4])
    distance = brute_force(maps)
    thresholds = np.arange(1, 60) / 50
    single = [connected_components(distance < t)[0] for t in thresholds]
    assert cecv(maps, thresholds=thresholds, linkage="single").tolist() == single
    assert len(set(single)) > 5


def test_the_more_ways_to_match_elements_the_fewer_compounds_are_compared(monkeypatch):
    monkeypatch.setattr("skxfer.model_selection.clustering_vectors.MOST_WORK", 24 * 12**2)
    cecv(random_maps(12, sizes=[4]))
    cecv(random_maps(40, sizes=[3, 7]))  # one way
    with pytest.raises(ValueError, match=r"13 .* 4 elements, at most 12 .* 24 ways .* draw some at random"):
        cecv(random_maps(13, sizes=[4]))
    with pytest.raises(ValueError, match="6 .* 5 elements, at most 5 .* 120 ways"):
        cecv(random_maps(6, sizes=[5]))


def test_too_many_compounds_are_refused_before_the_network_is_asked(monkeypatch):
    monkeypatch.setattr("skxfer.model_selection.clustering_vectors.MOST_ROWS", 2)

    class Silent:
        def element_feature_map(self, X):
            pytest.fail("it was asked")

    with pytest.raises(ValueError, match="3 different compounds have 3 elements, at most 2"):
        cecv(Silent(), ["CuNiZn", "AgAuCu3", "Ti3AlV", "VAlTi3"])


# With a network

WRITTEN = ["CuNiZn", "Cu2NiZn", "AgAuCu3", "Fe2CoNi", "Ti3AlV", "CuNi", "Cu2Fe3"]
OTHERWISE = ["ZnNiCu", "NiZnCu2", "Cu6Ag2Au2", "NiFeCoFe", "Al0.2V0.2Ti0.6", "NiCu", "Fe3Cu2"]


@pytest.mark.filterwarnings("ignore:.*fewer than 3 elements")
def test_rows_and_formulas_in_another_order_give_the_same_vector(composition_net):
    thresholds = [1e-3, 0.01, 0.05, 0.1]
    expected = cecv(composition_net, WRITTEN, thresholds=thresholds)
    assert expected.iloc[0] == 5  # else nothing is tested
    assert cecv(composition_net, OTHERWISE[::-1], thresholds=thresholds).equals(expected)
    assert cecv(composition_net, WRITTEN + OTHERWISE, thresholds=thresholds).equals(expected)
    assert cecv(composition_net.element_feature_map(WRITTEN), thresholds=thresholds).equals(expected)


def test_containing_takes_the_formulas_with_an_element(composition_net):
    with pytest.warns(UserWarning, match="2 of 5 compounds with Cu have fewer than 3"):
        vector = cecv(composition_net, WRITTEN, containing="Cu")
    assert vector.attrs["n_compounds"] == 3 and vector.index.tolist() == list(THRESHOLDS)
    assert vector.equals(cecv(composition_net, WRITTEN[:3]))


def test_a_network_needs_formulas(composition_net):
    with pytest.raises(ValueError, match="X is missing"):
        cecv(composition_net)


def test_random_weights_differ_from_trained_ones_and_leave_them_alone(composition_net):
    torch = pytest.importorskip("torch")
    before = composition_net.transform(WRITTEN)
    state = torch.random.get_rng_state()
    blank = with_random_weights(composition_net, random_state=0)
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(composition_net.transform(WRITTEN), before)
    assert not np.allclose(blank.transform(WRITTEN), before)
    for (name, old), (_, new) in zip(
        composition_net.nets_[0].module_.named_parameters(),
        blank.nets_[0].module_.named_parameters(),
        strict=True,
    ):
        assert old.shape == new.shape
        assert not torch.equal(old, new), name


def test_random_weights_are_those_of_their_seed(composition_net):
    first, again, other = (
        with_random_weights(composition_net, random_state=seed).transform(WRITTEN) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_random_weights_need_a_network():
    from sklearn.linear_model import Ridge

    with pytest.raises(TypeError, match="Ridge has no element_feature_map"):
        with_random_weights(Ridge())
