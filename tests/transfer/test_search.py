"""HierarchicalTransfer inside GridSearchCV and cross_val_score, with metadata routing off and on."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, SpectrumFeaturizer
from skxfer.datasets import load_co_ag_emt
from skxfer.model_selection import LeaveOneTargetDomainOut, TargetKFold

GRID = {
    "estimator__C": [0.01, 10.0],
    "final_estimator__alpha": [1e-3, 1e3],
    "source_filter": [0.0, 0.2],
}
both_ways = pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])


def transfer(problem, **params):
    return HierarchicalTransfer(
        SVR(C=10),
        source_domains=problem.source_domains,
        final_estimator=Ridge(),
        **{"cv": 3, "random_state": 0, **params},
    )


def search(problem, model, grid, cv, routing, **params):
    options = {"scoring": "neg_mean_absolute_error", "error_score": "raise", **params}
    domains = {"sample_domain": problem.domain} | ({} if routing else {"groups": problem.domain})
    with config_context(enable_metadata_routing=routing):
        return GridSearchCV(model, grid, cv=cv, **options).fit(problem.data, problem.target, **domains)


@both_ways
def test_learner_head_and_filter_are_searched_together_on_two_jobs(routing, related):
    cv = TargetKFold(3, source_domains=related.source_domains, random_state=0)
    model = transfer(related, strategy="frozen_experts", guard=False)
    found = search(related, model, GRID, cv, routing, n_jobs=2)
    assert len(found.cv_results_["params"]) == 8
    assert found.best_params_["estimator__C"] == 10.0
    assert found.best_params_["final_estimator__alpha"] == 1e-3
    assert found.best_estimator_.predict(related.test_data).shape == (60,)


@both_ways
def test_scores_of_a_search_are_those_of_a_loop(routing, related):
    cv = TargetKFold(3, source_domains=related.source_domains, random_state=0)
    grid = [{"strategy": ["merge"]}, {"strategy": ["merge_relevant"], "source_filter": [0.0]}]
    found = search(related, transfer(related, guard=False), grid, cv, routing)
    expected = []
    for source_filter in (None, 0.0):
        scores = []
        for train, test in cv.split(related.data, groups=related.domain):
            source, target = (
                train[np.isin(related.domain[train], names)] for names in (["source_0"], ["target"])
            )
            if source_filter is not None:
                low, high = related.target[target].min(), related.target[target].max()
                source = source[(related.target[source] >= low) & (related.target[source] <= high)]
            rows = np.r_[source, target]
            fitted = SVR(C=10).fit(related.data[rows], related.target[rows])
            scores.append(-mean_absolute_error(related.target[test], fitted.predict(related.data[test])))
        expected.append(np.mean(scores))
    assert expected[0] != expected[1]
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected, rtol=1e-6)


def test_routing_does_not_change_the_search(related):
    cv = TargetKFold(2, source_domains=related.source_domains, random_state=0)
    off, on = (search(related, transfer(related), {"estimator__C": [1, 10]}, cv, r) for r in (False, True))
    np.testing.assert_array_equal(off.cv_results_["mean_test_score"], on.cv_results_["mean_test_score"])


def test_trained_sources_stay_fitted_in_a_search_with_any_folds(related):
    source, target = related.domain == "source_0", related.domain == "target"
    expert = SVR(C=10).fit(related.data[source], related.target[source])
    before = expert.predict(related.test_data)
    model = HierarchicalTransfer(SVR(), sources=[("gas", FrozenEstimator(expert))], cv=3, random_state=0)
    found = GridSearchCV(model, {"estimator__C": [1, 10]}, cv=KFold(3), n_jobs=2, error_score="raise")
    found.fit(related.data[target], related.target[target])
    assert found.best_estimator_.experts_[0][1] is expert
    np.testing.assert_array_equal(expert.predict(related.test_data), before)


@both_ways
def test_strategies_may_be_searched(routing, related):
    cv = TargetKFold(3, source_domains=related.source_domains, random_state=0)
    grid = {"strategy": ["target_only", "frozen_experts"]}
    found = search(related, transfer(related, guard=False), grid, cv, routing)
    assert found.best_params_ == {"strategy": "frozen_experts"}


def test_weights_reach_the_estimator_with_routing_when_they_are_asked_for(related):
    model = transfer(related, strategy="merge_relevant", guard=False)
    data = {"sample_domain": related.domain, "sample_weight": np.ones(len(related.data))}
    cv = TargetKFold(2, source_domains=related.source_domains)
    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            cross_val_score(model, related.data, related.target, cv=cv, params=data, error_score="raise")
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        scores = cross_val_score(model, related.data, related.target, cv=cv, params=data, error_score="raise")
    assert np.isfinite(scores).all()


@pytest.fixture(scope="module")
def spectra():
    """Twenty gas-phase structures and eight each of two solvents, with raw spectra."""
    data = load_co_ag_emt(as_frame=True)
    names = ["gas", *sorted(set(data.domain) - {"gas", "multisolvent"})[:2]]
    rows = np.concatenate([np.flatnonzero(data.domain == name)[:40] for name in names])
    return data.data.iloc[rows], np.asarray(data.target)[rows, 0], np.asarray(data.domain)[rows], names


def pipeline():
    learner = Pipeline([("scale", StandardScaler()), ("svr", SVR(C=10))])
    return Pipeline(
        [
            ("spectrum", SpectrumFeaturizer()),
            ("transfer", HierarchicalTransfer(learner, source_domains=["gas"], cv=3, random_state=0)),
        ]
    )


def test_a_pipeline_of_featurizer_and_transfer_takes_the_domain_by_step_name(spectra):
    X, y, domain, _ = spectra
    model = pipeline().fit(X, y, transfer__sample_domain=domain)
    assert model.predict(X).shape == (len(X),)
    alone = HierarchicalTransfer(
        clone(model[-1].estimator), source_domains=["gas"], cv=3, random_state=0
    ).fit(SpectrumFeaturizer().fit_transform(X), y, sample_domain=domain)
    np.testing.assert_allclose(model.predict(X), alone.predict(SpectrumFeaturizer().fit_transform(X)))


@both_ways
def test_a_pipeline_of_featurizer_and_transfer_is_searched(routing, spectra):
    X, y, domain, _ = spectra
    cv = LeaveOneTargetDomainOut(source_domains=["gas"])
    grid = {"spectrum__intensity": ["log", "both"], "transfer__estimator__svr__C": [1, 10]}
    found = GridSearchCV(pipeline(), grid, cv=cv, scoring="r2", error_score="raise")
    with config_context(enable_metadata_routing=routing):
        if routing:
            found.fit(X, y, sample_domain=domain)
        else:
            found.fit(X, y, groups=domain, transfer__sample_domain=domain)
    assert found.n_splits_ == 2
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
