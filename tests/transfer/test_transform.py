"""The frozen experts of HierarchicalTransfer as features."""

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import LeaveOneOut
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains

FROZEN = {"strategy": "frozen_experts", "guard": False}
MERGE = {"strategy": "merge_relevant", "guard": False}


def fitted(problem, learner, **params):
    model = HierarchicalTransfer(learner, source_domains=problem.source_domains, **params)
    return model.fit(problem.data, problem.target, sample_domain=problem.domain)


def rows(problem, name):
    chosen = problem.domain == name
    return problem.data[chosen], problem.target[chosen]


def test_transform_gives_the_predictions_of_the_experts(several):
    model = fitted(several, Ridge(), **FROZEN)
    experts = [Ridge().fit(*rows(several, name)) for name in several.source_domains]
    expected = np.hstack([expert.predict(several.test_data) for expert in experts])
    np.testing.assert_allclose(model.transform(several.test_data), expected)


def test_fit_transform_gives_out_of_fold_predictions_for_source_rows():
    problem = make_domains(12, 8, 0, 3, 2, n_sources=2, random_state=0)
    # As many folds as source rows: leaving each out is the same whatever the shuffling.
    model = HierarchicalTransfer(
        KNeighborsRegressor(1), source_domains=problem.source_domains, cv=12, **FROZEN
    )
    got = model.fit_transform(problem.data, problem.target, sample_domain=problem.domain)
    for e, name in enumerate(problem.source_domains):
        X, Y = rows(problem, name)
        expected = KNeighborsRegressor(1).fit(X, Y).predict(problem.data)
        held_out = np.empty_like(Y)
        for train, held in LeaveOneOut().split(X):
            held_out[held] = KNeighborsRegressor(1).fit(X[train], Y[train]).predict(X[held])
        expected[problem.domain == name] = held_out
        np.testing.assert_allclose(got[:, 2 * e : 2 * e + 2], expected)


def test_fit_transform_gives_trained_sources_as_they_are(related):
    expert = KNeighborsRegressor(1).fit(*rows(related, "source_0"))
    model = HierarchicalTransfer(Ridge(), sources=[("gas", expert)], **FROZEN)
    X, y = rows(related, "target")
    np.testing.assert_array_equal(model.fit_transform(X, y).ravel(), expert.predict(X))


def test_fit_transform_gives_trained_sources_as_they_are_beside_source_domains(several):
    expert = KNeighborsRegressor(1).fit(*rows(several, "source_0"))
    model = HierarchicalTransfer(
        KNeighborsRegressor(1), sources=[("trained", expert)], source_domains=["source_1"], **FROZEN
    )
    rest = several.domain != "source_0"
    X, Y, domain = several.data[rest], several.target[rest], several.domain[rest]
    got = model.fit_transform(X, Y, sample_domain=domain)
    np.testing.assert_array_equal(got[:, :2], expert.predict(X))
    own = domain == "source_1"
    assert not np.isclose(got[own, 2:], Y[own]).any()  # of one neighbour, in-fold, they would be equal


def test_fit_transform_under_merged_training_leaves_trained_sources_alone(related):
    expert = Ridge().fit(*rows(related, "source_0"))
    model = HierarchicalTransfer(Ridge(), sources=[("gas", expert)], source_domains=["source_0"], **MERGE)
    got = model.fit_transform(related.data, related.target, sample_domain=related.domain)
    np.testing.assert_allclose(got.ravel(), expert.predict(related.data))


def test_transform_without_any_source_has_no_column(related):
    model = HierarchicalTransfer(Ridge()).fit(related.data, related.target)
    assert model.transform(related.test_data).shape == (60, 0)


def test_features_are_named_by_expert_and_target(several):
    model = fitted(several, Ridge(), **FROZEN)
    assert list(model.get_feature_names_out()) == [
        *("source_0_target0", "source_0_target1"),
        *("source_1_target0", "source_1_target1"),
    ]


def test_output_may_be_a_frame(several):
    model = fitted(several, Ridge(), **FROZEN).set_output(transform="pandas")
    frame = model.transform(several.test_data)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(model.get_feature_names_out())
    assert list(model.fit_transform(several.data, several.target, sample_domain=several.domain)) == list(
        frame
    )


def test_experts_may_be_features_of_another_learner(several):
    expert = FrozenEstimator(KNeighborsRegressor(3).fit(*rows(several, "source_0")))
    X, Y = rows(several, "target")
    pipeline = make_pipeline(HierarchicalTransfer(sources=[("gas", expert)], **FROZEN), LinearRegression())
    expected = LinearRegression().fit(expert.predict(X), Y).predict(expert.predict(several.test_data))
    np.testing.assert_allclose(pipeline.fit(X, Y).predict(several.test_data), expected)
