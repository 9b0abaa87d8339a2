import itertools

import numpy as np
import pytest

from skxfer import domains
from skxfer.domains import (
    cluster_rows,
    convex_weights,
    folds_like_the_use,
    gain_and_error,
    preferred,
    relevant_rows,
    split_domains,
    use_from_deployment,
)

DOMAIN = np.array(["gas", "water", "gas", "hexane", "surface"])


def blobs(n_blobs=4, per_blob=6, distance=100.0, seed=0):
    """Well separated groups of inputs, shuffled: the inputs and the group of each."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(n_blobs), per_blob))
    return distance * np.c_[group, group % 2] + rng.normal(size=(len(group), 2)), group


def same_partition(a, b):
    return len(np.unique(a)) == len(np.unique(b)) == len(np.unique(np.c_[a, b], axis=0))


# who is source, who is target ------------------------------------------------------------------


def test_sources_come_in_the_order_named_and_all_other_rows_are_target():
    sources, target = split_domains(DOMAIN, ["surface", "gas"])
    assert {name: list(rows) for name, rows in sources.items()} == {"surface": [4], "gas": [0, 2]}
    assert list(sources) == ["surface", "gas"]
    assert list(target) == [1, 3]


def test_one_source_may_be_named_by_itself():
    sources, _ = split_domains(DOMAIN, "gas")
    assert list(sources) == ["gas"]


def test_without_sources_every_row_is_target():
    sources, target = split_domains(DOMAIN, None)
    assert sources == {}
    assert list(target) == [0, 1, 2, 3, 4]


def test_integer_domains_work():
    sources, target = split_domains(np.array([16, 17, 16]), [16])
    assert list(sources[16]) == [0, 2]
    assert list(target) == [1]


def test_unknown_source_is_an_error_that_lists_the_domains():
    with pytest.raises(ValueError, match=r"No row has the source domain 'ether'.*'gas'.*'hexane'"):
        split_domains(DOMAIN, ["gas", "ether"])


def test_source_named_twice_is_an_error():
    with pytest.raises(ValueError, match="names a domain twice"):
        split_domains(DOMAIN, ["gas", "gas"])


def test_sources_that_leave_no_target_row_are_an_error():
    with pytest.raises(ValueError, match="no target row.*Leave the domain that you want to predict out"):
        split_domains(np.array(["a", "b"]), ["a", "b"])


# relevance --------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0.0, 0.1, 1.0])
def test_relevant_rows_lie_in_the_widened_label_range_of_the_target(margin):
    rng = np.random.default_rng(0)
    source, target = rng.normal(scale=3, size=(50, 2)), rng.normal(size=(8, 2))
    target[0, 1] = np.nan
    expected = []
    for row in source:
        inside = True
        for t in range(2):
            known = [v for v in target[:, t] if not np.isnan(v)]
            width = margin * (max(known) - min(known))
            inside &= min(known) - width <= row[t] <= max(known) + width
        expected.append(inside)
    assert 0 < sum(expected) < 50
    np.testing.assert_array_equal(relevant_rows(source, target, margin), expected)


@pytest.mark.filterwarnings("error")
def test_target_without_any_label_makes_no_row_irrelevant():
    target = np.column_stack([np.full(5, np.nan), np.linspace(0, 1, 5)])
    assert list(relevant_rows(np.array([[5.0, 0.5], [0.0, 9.0]]), target, 0.1)) == [True, False]


def test_missing_source_label_never_makes_a_row_irrelevant():
    source = np.array([[np.nan, 0.5], [np.nan, 9.0], [np.nan, np.nan]])
    assert list(relevant_rows(source, np.linspace([0, 0], [1, 1], 5), 0.1)) == [True, False, True]


# clusters and folds -----------------------------------------------------------------------------


def test_clusters_are_the_separated_groups():
    Z, group = blobs()
    assert same_partition(cluster_rows(Z, None, 4, 0), group)


def test_same_structures_in_several_domains_fall_in_the_same_clusters():
    structures, group = blobs(3, 5)
    Z = np.vstack([structures, 1e4 + 50 * structures])  # as if measured in other units
    domain = np.repeat(["hexane", "water"], len(structures))
    clusters = cluster_rows(Z, domain, 3, 0)
    assert same_partition(clusters[: len(structures)], group)
    np.testing.assert_array_equal(clusters[: len(structures)], clusters[len(structures) :])


def test_same_structures_stay_together_in_more_clusters_than_there_are_structures():
    """Scaling in other units leaves rounding errors, which must not tell them apart."""
    structures = np.random.default_rng(0).normal(size=(12, 3))
    Z = np.vstack([structures, *(a + b * structures for a, b in ((1e3, 7.0), (0.3, 1e-3), (-5.0, 11.0)))])
    clusters = cluster_rows(Z, np.repeat(list("abcd"), 12), 20, 0, at_least=5)
    assert same_partition(clusters, np.tile(np.arange(12), 4))


def test_without_domains_the_units_would_make_the_clusters():
    structures, group = blobs(3, 5)
    Z = np.vstack([structures, 1e4 + 50 * structures])
    clusters = cluster_rows(Z, None, 3, 0)
    assert not np.array_equal(clusters[: len(structures)], clusters[len(structures) :])


@pytest.mark.parametrize("n", [6, 200])
def test_fewer_distinct_inputs_than_clusters_are_an_error_with_a_remedy(n):
    with pytest.raises(ValueError, match="5 folds of clusters.*there are 3.*predict_on='similar'"):
        cluster_rows(np.arange(n)[:, None] % 3.0, None, 5, 0)


def test_a_domain_for_each_row_is_no_reason_to_forget_the_inputs():
    Z, group = blobs()
    assert same_partition(cluster_rows(Z, np.arange(len(Z)), 4, 0), group)


@pytest.mark.parametrize("n", [16, 200])
def test_repeated_inputs_give_as_many_clusters_as_there_are_inputs_where_that_suffices(n):
    Z = np.arange(n)[:, None] % 8.0
    assert same_partition(cluster_rows(Z, None, 12, 0, at_least=5), Z[:, 0])


@pytest.mark.parametrize("use", ["similar", "new_domains", "new_inputs"])
def test_every_fold_of_every_set_holds_rows_out(use):
    Z, group = blobs(6, 5)
    for fold in folds_like_the_use(Z, group.astype(str), use, 5, 0):
        assert fold.shape == (30,)
        assert set(fold) == set(range(5))


def test_folds_of_similar_rows_have_equal_size():
    (fold,) = folds_like_the_use(np.zeros((20, 1)), None, "similar", 4, 0)
    assert list(np.bincount(fold)) == [5, 5, 5, 5]


def test_folds_of_new_domains_never_cut_a_domain():
    domain = np.repeat(list("abcdefg"), 4)
    (fold,) = folds_like_the_use(np.zeros((28, 1)), domain, "new_domains", 3, 0)
    for name in "abcdefg":
        assert len(set(fold[domain == name])) == 1


def test_two_domains_give_two_folds_whatever_cv_says():
    (fold,) = folds_like_the_use(np.zeros((8, 1)), np.repeat(["a", "b"], 4), "new_domains", 5, 0)
    assert len(set(fold)) == 2


def test_folds_of_new_inputs_never_cut_a_group_of_like_inputs():
    Z, group = blobs(5, 6)
    coarse, fine = folds_like_the_use(Z, None, "new_inputs", 5, 0)
    assert same_partition(coarse, group)
    assert set(fine) == set(range(5))


def test_repeated_inputs_are_held_out_together():
    Z = np.repeat(np.random.default_rng(0).normal(size=(8, 2)), 3, axis=0)
    for fold in folds_like_the_use(Z, None, "new_inputs", 5, 0):
        assert all(len(set(fold[i : i + 3])) == 1 for i in range(0, 24, 3))


@pytest.mark.parametrize("use", ["similar", "new_domains", "new_inputs"])
def test_folds_depend_on_the_seed_alone(use):
    Z, group = blobs(8, 4, distance=1.0)
    first, again, other = (folds_like_the_use(Z, group, use, 3, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_rows_are_an_error_with_a_remedy():
    with pytest.raises(ValueError, match="cv=5 folds need.*n_samples=3.*Lower cv.*guard=False"):
        folds_like_the_use(np.zeros((3, 1)), None, "similar", 5, 0)


@pytest.mark.parametrize("domain", [None, np.array(["a"] * 6)])
def test_one_target_domain_cannot_be_left_out(domain):
    with pytest.raises(ValueError, match="'new_domains' needs at least two target domains"):
        folds_like_the_use(np.zeros((6, 1)), domain, "new_domains", 3, 0)


# what the deployment looks like -------------------------------------------------------------------


def test_more_of_the_same_rows_look_similar():
    rng = np.random.default_rng(0)
    assert use_from_deployment(rng.normal(size=(60, 3)), rng.normal(size=(300, 3)), None, 5, 0) == "similar"


def test_rows_far_from_all_others_look_like_new_inputs():
    Z, _ = blobs(6, 8, distance=20.0)
    far = Z + np.array([10.0, 300.0])
    assert use_from_deployment(Z, far, None, 5, 0) == "new_inputs"


def test_a_column_shifted_like_that_of_another_domain_looks_like_new_domains():
    rng = np.random.default_rng(0)
    structures = rng.normal(size=(20, 2))
    shift = np.arange(4.0)  # one solvent each
    Z = np.vstack([np.c_[structures, np.full(20, s)] for s in shift])
    deploy = np.c_[structures, np.full(20, 4.0)]
    assert use_from_deployment(Z, deploy, np.repeat(list("abcd"), 20), 4, 0) == "new_domains"


def test_many_rows_are_sampled_together_with_their_domains(monkeypatch):
    monkeypatch.setattr(domains, "MAX_COMPARED_ROWS", 50)
    rng = np.random.default_rng(0)
    Z, deploy = rng.normal(size=(300, 2)), rng.normal(size=(400, 2))
    assert use_from_deployment(Z, deploy, rng.integers(2, size=300), 5, 0) == "similar"


def test_many_rows_are_clustered_by_the_centres_of_a_sample(monkeypatch):
    monkeypatch.setattr(domains, "MAX_CLUSTERED_ROWS", 60)
    Z, group = blobs(4, 50)
    assert same_partition(cluster_rows(Z, None, 4, 0), group)


# blending -----------------------------------------------------------------------------------------


def test_convex_weights_have_the_least_error_of_all_blends():
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    P = y[:, None] + rng.normal(scale=[0.5, 0.7, 2.0], size=(40, 3)) + [0.3, -0.4, 0.0]
    weights = convex_weights(P, y)
    grid = [w for w in itertools.product(np.linspace(0, 1, 101), repeat=3) if abs(sum(w) - 1) < 1e-9]
    best = min(((P @ w - y) ** 2).mean() for w in grid)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert ((P @ weights - y) ** 2).mean() <= best + 1e-9


def test_a_perfect_model_gets_all_weight():
    y = np.random.default_rng(0).normal(size=20)
    np.testing.assert_allclose(convex_weights(np.c_[y + 1, y, -y], y), [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_convex_weights_do_not_depend_on_the_unit(scale):
    rng = np.random.default_rng(0)
    y = rng.normal(size=20)
    P = y[:, None] + rng.normal(size=(20, 2))
    np.testing.assert_allclose(convex_weights(scale * P, scale * y), convex_weights(P, y), atol=1e-6)


def test_equal_models_that_are_right_still_have_weights_of_sum_one():
    y = np.arange(5.0)
    assert convex_weights(np.c_[y, y], y).sum() == pytest.approx(1)


FIVE_FOLDS = np.repeat(np.arange(5), 4)


def test_error_of_a_gain_that_is_the_same_in_all_folds_is_zero():
    gain, error = gain_and_error(np.full(20, 1.0), np.full(20, 0.9), FIVE_FOLDS)
    assert gain == pytest.approx(0.1)
    assert error == pytest.approx(0)


@pytest.mark.parametrize("n_better", [1, 2, 3])
def test_error_of_the_gain_is_that_of_the_mean_of_equal_folds(n_better):
    transfer = np.where(n_better > FIVE_FOLDS, 0.5, 1.0)
    gain, error = gain_and_error(np.ones(20), transfer, FIVE_FOLDS)
    by_fold = np.repeat([0.5, 0.0], [n_better, 5 - n_better])
    assert gain == pytest.approx(by_fold.mean())
    assert error == pytest.approx(by_fold.std(ddof=1) / np.sqrt(5))


def test_gain_in_one_large_fold_of_five_is_uncertain():
    fold = np.repeat(np.arange(5), [90, 2, 2, 2, 2])
    gain, error = gain_and_error(1 + np.where(fold == 0, 1.0, -0.5), np.ones(98), fold)
    assert gain > 0.8
    assert error > 0.1  # the plain mean of the folds is -0.2: four of five get worse


@pytest.mark.filterwarnings("error")
def test_gain_in_the_only_fold_is_of_unknown_error():
    assert gain_and_error(np.ones(4), np.zeros(4), np.zeros(4)) == (1.0, np.inf)


def test_loss_is_negative_gain():
    gain, _ = gain_and_error(np.ones(20), np.full(20, 1.1), FIVE_FOLDS)
    assert gain == pytest.approx(-0.1)


def test_target_with_few_labels_excludes_no_source_row():
    Y_source = np.column_stack([np.linspace(0, 1, 50), np.linspace(0, 100, 50)])
    Y_target = np.column_stack([np.linspace(0, 1, 20), np.full(20, np.nan)])
    Y_target[:2, 1] = 3, 4
    assert relevant_rows(Y_source, Y_target, 0.2).all()


# preference -------------------------------------------------------------------------------------------


def predictions(*errors):
    """Predictions of several models with errors of this size, alternating in sign, in 6 folds of 10 rows."""
    sign = np.where(np.arange(60) % 2, 1.0, -1.0)
    return np.column_stack([np.asarray(error) * sign for error in errors]), np.zeros(60), np.arange(60) // 10


def test_the_first_in_order_is_kept_where_none_clearly_beats_it():
    noise = np.random.default_rng(0).normal(0, 0.3, 60)
    data = predictions(np.full(60, 1.0), 1.0 + noise - noise.mean())
    assert preferred([data], order=[0, 1]).tolist() == [1, 0]
    assert preferred([data], order=[1, 0]).tolist() == [0, 1]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [0, 2, 1]])
def test_one_that_is_clearly_beaten_is_not_kept(order):
    data = predictions(np.full(60, 1.0), np.full(60, 0.5), np.full(60, 2.0))
    assert preferred([data], order=order).tolist() == [0, 1, 0]
