import numpy as np
import pytest

from skxfer import folds
from skxfer.folds import cluster_rows, folds_like_the_use, use_from_deployment

DOMAIN = np.array(["gas", "water", "gas", "hexane", "surface"])


def blobs(n_blobs=4, per_blob=6, distance=100.0, seed=0):
    """Well separated groups of inputs, shuffled: the inputs and the group of each."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(n_blobs), per_blob))
    return distance * np.c_[group, group % 2] + rng.normal(size=(len(group), 2)), group


def same_partition(a, b):
    return len(np.unique(a)) == len(np.unique(b)) == len(np.unique(np.c_[a, b], axis=0))


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


def test_few_rows_make_one_set_of_clusters():
    Z = np.random.default_rng(0).normal(size=(10, 2))
    assert len(folds_like_the_use(Z, None, "new_inputs", 5, 0)) == 1
    assert len(folds_like_the_use(np.repeat(Z, 2, axis=0), None, "new_inputs", 5, 0)) == 2


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
    monkeypatch.setattr(folds, "MAX_COMPARED_ROWS", 50)
    rng = np.random.default_rng(0)
    Z, deploy = rng.normal(size=(300, 2)), rng.normal(size=(400, 2))
    assert use_from_deployment(Z, deploy, rng.integers(2, size=300), 5, 0) == "similar"


def test_many_rows_are_clustered_by_the_centres_of_a_sample(monkeypatch):
    monkeypatch.setattr(folds, "MAX_CLUSTERED_ROWS", 60)
    Z, group = blobs(4, 50)
    assert same_partition(cluster_rows(Z, None, 4, 0), group)
