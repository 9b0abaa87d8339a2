import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer, SpectrumFeaturizer
from skxfer.model_selection import (
    LeaveOneTargetDomainOut,
    LeaveTargetClusterOut,
    RepeatedLeaveTargetClusterOut,
    RepeatedTargetKFold,
    TargetKFold,
)

rng = np.random.default_rng(0)
# Two sources of ten rows each and three target domains of eight, six and four rows, shuffled.
DOMAIN = rng.permutation(np.repeat(["gas", "pbe", "water", "hexane", "ether"], [10, 10, 8, 6, 4]))
SOURCES = ["gas", "pbe"]
IS_SOURCE = np.isin(DOMAIN, SOURCES)
X = rng.normal(size=(len(DOMAIN), 3))
y = X @ [1.0, 2.0, 3.0] + (DOMAIN == "water")

SPLITTERS = [
    TargetKFold(3, source_domains=SOURCES, random_state=0),
    TargetKFold(3, source_domains=SOURCES, shuffle=False),
    LeaveOneTargetDomainOut(source_domains=SOURCES),
    LeaveTargetClusterOut(4, source_domains=SOURCES, random_state=0),
    RepeatedTargetKFold(3, n_repeats=2, source_domains=SOURCES, random_state=0),
    RepeatedLeaveTargetClusterOut(3, n_repeats=2, source_domains=SOURCES, random_state=0),
]
every_splitter = pytest.mark.parametrize("cv", SPLITTERS, ids=lambda cv: repr(cv).partition("(")[0])


def folds(cv, X=X, **labels):
    return [(list(train), list(test)) for train, test in cv.split(X, **(labels or {"groups": DOMAIN}))]


class Lengths(TransformerMixin, BaseEstimator):
    """The length of each formula."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(formula)] for formula in X], dtype=float)


# what every splitter promises -----------------------------------------------------------------------


@every_splitter
def test_every_source_row_is_in_every_training_fold(cv):
    for train, _ in folds(cv):
        assert set(np.flatnonzero(IS_SOURCE)) <= set(train)


@every_splitter
def test_training_and_test_rows_are_all_rows(cv):
    for train, test in folds(cv):
        assert sorted(train + test) == list(range(len(X)))


@every_splitter
def test_each_target_row_is_tested_once_per_repeat(cv):
    times = np.bincount(np.concatenate([test for _, test in folds(cv)]), minlength=len(X))
    np.testing.assert_array_equal(times, np.where(IS_SOURCE, 0, getattr(cv, "n_repeats", 1)))


@every_splitter
def test_announced_number_of_folds_is_that_of_split(cv):
    assert cv.get_n_splits(X, y, groups=DOMAIN) == len(folds(cv))
    assert cv.get_n_splits(X, y, sample_domain=DOMAIN) == len(folds(cv))


@every_splitter
def test_groups_and_sample_domain_mean_the_same(cv):
    assert folds(cv, sample_domain=DOMAIN) == folds(cv, groups=DOMAIN)


@every_splitter
@pytest.mark.parametrize("container", [list, pd.Series, pd.Categorical, lambda d: d[:, None]])
def test_domains_come_in_any_container(cv, container):
    assert folds(cv, groups=container(DOMAIN)) == folds(cv)


@every_splitter
def test_frame_splits_like_its_array(cv):
    frame = pd.DataFrame(X, index=np.arange(len(X))[::-1], columns=list("abc"))
    assert folds(cv, frame, groups=DOMAIN) == folds(cv)


@every_splitter
def test_splitting_twice_gives_the_same_folds(cv):
    assert folds(cv) == folds(cv) == folds(clone(cv))


@every_splitter
def test_domains_that_are_numbers_split_like_their_names(cv):
    names = np.array(sorted(set(DOMAIN)))
    numbered = clone(cv).set_params(source_domains=np.searchsorted(names, SOURCES))
    assert folds(numbered, groups=np.searchsorted(names, DOMAIN)) == folds(cv)


@every_splitter
def test_sources_need_the_domain_of_each_row(cv):
    with pytest.raises(ValueError, match="pass groups= or sample_domain="):
        list(cv.split(X))


@every_splitter
def test_unknown_source_is_an_error(cv):
    with pytest.raises(ValueError, match="No row has the source domain 'pbe'"):
        list(cv.split(X, groups=np.where(DOMAIN == "pbe", "gas", DOMAIN)))


@every_splitter
def test_missing_domain_is_an_error_that_names_the_row(cv):
    with pytest.raises(ValueError, match="no label in row 2"):
        list(cv.split(X, groups=[*DOMAIN[:2], None, *DOMAIN[3:]]))


@every_splitter
def test_another_number_of_domains_than_rows_is_an_error(cv):
    with pytest.raises(ValueError, match="one label per row: X has 38 rows"):
        list(cv.split(X, groups=DOMAIN[1:]))


@pytest.mark.parametrize("cv", [cv for cv in SPLITTERS if getattr(cv, "random_state", None) == 0])
def test_without_a_random_state_the_folds_differ(cv):
    cv = clone(cv).set_params(random_state=None)
    assert any(folds(cv) != folds(cv) for _ in range(5))


# each splitter ----------------------------------------------------------------------------------------


def test_target_folds_differ_in_size_by_one_at_most():
    sizes = [len(test) for _, test in folds(TargetKFold(4, source_domains=SOURCES, random_state=0))]
    assert sorted(sizes) == [4, 4, 5, 5]


def test_without_shuffling_folds_are_consecutive_target_rows():
    cv = TargetKFold(3, source_domains=SOURCES, shuffle=False)
    tests = np.concatenate([test for _, test in folds(cv)])
    np.testing.assert_array_equal(tests, np.flatnonzero(~IS_SOURCE))


def test_shuffling_mixes_the_rows():
    tests = [test for _, test in folds(TargetKFold(3, source_domains=SOURCES, random_state=0))]
    assert any(np.diff(np.searchsorted(np.flatnonzero(~IS_SOURCE), test)).max() > 1 for test in tests)


def test_without_sources_all_rows_are_target():
    tests = [test for _, test in folds(TargetKFold(2, random_state=0), groups=None)]
    assert sorted(np.concatenate(tests)) == list(range(len(X)))


def test_more_folds_than_target_rows_are_an_error():
    with pytest.raises(ValueError, match="There are 18 target rows for n_splits=19 folds: lower n_splits"):
        folds(TargetKFold(19, source_domains=SOURCES))


def test_leave_one_domain_out_tests_each_target_domain_whole():
    tests = [set(test) for _, test in folds(LeaveOneTargetDomainOut(source_domains=SOURCES))]
    assert tests == [set(np.flatnonzero(name == DOMAIN)) for name in ("ether", "hexane", "water")]


def test_leave_one_domain_out_without_sources_needs_domains():
    with pytest.raises(ValueError, match="pass groups= or sample_domain="):
        list(LeaveOneTargetDomainOut().split(X))
    with pytest.raises(ValueError, match="pass groups= or sample_domain="):
        LeaveOneTargetDomainOut().get_n_splits(X)


def test_one_target_domain_cannot_be_left_out():
    labels = np.where(IS_SOURCE, DOMAIN, "water")
    with pytest.raises(ValueError, match="one target domain only.*'water'.*TargetKFold"):
        folds(LeaveOneTargetDomainOut(source_domains=SOURCES), groups=labels)


def test_folds_of_clusters_are_the_separated_groups():
    group = rng.permutation(np.arange(40) % 4)
    blobs = 100.0 * np.c_[group, group**2] + rng.normal(size=(40, 2))
    cv = LeaveTargetClusterOut(4, random_state=0)
    tests = {frozenset(test) for _, test in folds(cv, blobs, groups=None)}
    assert tests == {frozenset(np.flatnonzero(group == k)) for k in range(4)}


def test_a_structure_is_left_out_in_all_its_domains_at_once():
    structures = rng.normal(size=(12, 3))
    X = np.vstack([structures, 1000 + 7 * structures, structures])
    labels = np.repeat(["hexane", "water", "gas"], 12)
    for _, test in folds(LeaveTargetClusterOut(3, source_domains=["gas"], random_state=0), X, groups=labels):
        assert {row % 12 for row in test if row < 12} == {row % 12 for row in test if row >= 12}


def test_clusters_of_formulas_need_a_featurizer():
    formulas = ["C", "O", "CCCCCC", "OOOOOO"]
    with pytest.raises(ValueError, match="Clusters need numbers without NaN: pass featurizer="):
        folds(LeaveTargetClusterOut(2), formulas, groups=None)
    tests = folds(LeaveTargetClusterOut(2, featurizer=Lengths(), random_state=0), formulas, groups=None)
    assert sorted(test for _, test in tests) == [[0, 1], [2, 3]]


def test_featurizer_sees_target_rows_alone_and_stays_unfitted():
    spectra = np.abs(rng.normal(size=(20, 10))) + 1.0
    spectra[:5, 9] = 0.1  # a source without a dielectric constant
    featurizer = SpectrumFeaturizer(dielectric=9)
    cv = LeaveTargetClusterOut(3, source_domains=["s"], featurizer=featurizer, random_state=0)
    assert len(folds(cv, spectra, groups=np.repeat(["s", "t"], [5, 15]))) == 3
    assert not hasattr(featurizer, "scaler_")


def test_too_few_distinct_inputs_for_the_clusters_are_an_error():
    with pytest.raises(ValueError, match="3 folds of clusters need as many distinct .*, there are 2"):
        folds(LeaveTargetClusterOut(3), np.arange(8)[:, None] % 2, groups=None)


@pytest.mark.parametrize("repeated", [RepeatedTargetKFold, RepeatedLeaveTargetClusterOut])
def test_repeats_differ(repeated):
    tests = folds(repeated(3, n_repeats=3, source_domains=SOURCES, random_state=0))
    repeats = [{frozenset(test) for _, test in tests[i : i + 3]} for i in (0, 3, 6)]
    assert len({frozenset(repeat) for repeat in repeats}) == 3


# with scikit-learn's tools ----------------------------------------------------------------------------

MODEL = HierarchicalTransfer(Ridge(), source_domains=SOURCES, strategy="merge", guard=False)


def merged_errors(cv):
    """Scores of a ridge trained on source and target rows together, by a plain loop."""
    errors = []
    for train, test in folds(cv):
        errors.append(-mean_absolute_error(y[test], Ridge().fit(X[train], y[train]).predict(X[test])))
    return errors


@every_splitter
def test_cross_validate_without_routing_takes_groups(cv):
    scores = cross_validate(
        MODEL, X, y, groups=DOMAIN, cv=cv, params={"sample_domain": DOMAIN}, scoring="neg_mean_absolute_error"
    )
    np.testing.assert_allclose(scores["test_score"], merged_errors(cv))


@every_splitter
def test_cross_validate_with_routing_takes_sample_domain_once(cv):
    with config_context(enable_metadata_routing=True):
        scores = cross_validate(
            MODEL, X, y, cv=cv, params={"sample_domain": DOMAIN}, scoring="neg_mean_absolute_error"
        )
    np.testing.assert_allclose(scores["test_score"], merged_errors(cv))


@pytest.mark.parametrize("routing", [False, True])
def test_grid_search_keeps_sources_in_training(routing):
    cv = SPLITTERS[0]
    grid = {"estimator__alpha": [0.1, 1000.0]}
    search = GridSearchCV(clone(MODEL), grid, cv=cv, scoring="neg_mean_absolute_error")
    with config_context(enable_metadata_routing=routing):
        if routing:
            search.fit(X, y, sample_domain=DOMAIN)
        else:
            search.fit(X, y, groups=DOMAIN, sample_domain=DOMAIN)
    expected = []
    for alpha in (0.1, 1000.0):
        errors = [np.abs(Ridge(alpha).fit(X[a], y[a]).predict(X[b]) - y[b]).mean() for a, b in folds(cv)]
        expected.append(-np.mean(errors))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected)


def test_a_pipeline_around_the_transfer_takes_the_domain_with_routing():
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            make_pipeline(MODEL), X, y, cv=SPLITTERS[0], params={"sample_domain": DOMAIN}, scoring="r2"
        )
    assert len(scores) == 3
    assert np.isfinite(scores).all()


def test_groups_alone_do_not_reach_the_estimator():
    with pytest.raises(ValueError, match="pass sample_domain= to fit"):
        cross_val_score(MODEL, X, y, groups=DOMAIN, cv=SPLITTERS[0], error_score="raise")
