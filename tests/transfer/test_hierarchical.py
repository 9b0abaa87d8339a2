"""What HierarchicalTransfer computes, against the same steps by hand."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains
from skxfer.learners import inner_learner

FROZEN = {"strategy": "frozen_experts", "guard": False}
MERGE = {"strategy": "merge_relevant", "guard": False}


def fitted(problem, learner, **params):
    model = HierarchicalTransfer(learner, source_domains=problem.source_domains, **params)
    return model.fit(problem.data, problem.target, sample_domain=problem.domain)


def rows(problem, name):
    chosen = problem.domain == name
    return problem.data[chosen], problem.target[chosen]


# without sources ------------------------------------------------------------------------------------


def test_without_any_source_it_is_the_learner(related):
    model = HierarchicalTransfer(SVR(C=3)).fit(related.data, related.target)
    expected = SVR(C=3).fit(related.data, related.target)
    np.testing.assert_array_equal(model.predict(related.test_data), expected.predict(related.test_data))
    assert model.strategy_ == ["target_only"]
    assert np.isnan(model.transfer_gain_).all()


def test_default_learner_is_extra_trees(related):
    model = HierarchicalTransfer(random_state=0).fit(related.data, related.target)
    assert isinstance(inner_learner(model.estimators_["target_only"]), ExtraTreesRegressor)


# the strategies by hand -----------------------------------------------------------------------------


def frozen_by_hand(experts, learner, X, y, X_new):
    """Ridge regression on the experts' standardised predictions, then the learner on what it leaves."""
    F, F_new = (np.column_stack([expert.predict(Z) for expert in experts]) for Z in (X, X_new))
    scaler = StandardScaler().fit(F)
    head = RidgeCV(np.logspace(-4, 3, 15), alpha_per_target=True).fit(scaler.transform(F), y)
    rest = clone(learner).fit(X, y - head.predict(scaler.transform(F)))
    return head.predict(scaler.transform(F_new)) + rest.predict(X_new)


@pytest.mark.parametrize("learner", [Ridge(), KNeighborsRegressor(3)])
def test_frozen_is_a_linear_model_of_the_experts_and_the_learner_on_the_rest(learner, several):
    experts = [clone(learner).fit(*rows(several, name)) for name in several.source_domains]
    expected = frozen_by_hand(experts, learner, *rows(several, "target"), several.test_data)
    model = fitted(several, learner, **FROZEN)
    np.testing.assert_allclose(model.predict(several.test_data), expected, atol=1e-10)


def test_trained_sources_are_the_experts(related):
    expert = SVR(C=10).fit(*rows(related, "source_0"))
    model = HierarchicalTransfer(SVR(), sources=[("gas", FrozenEstimator(expert))], **FROZEN)
    X, y = rows(related, "target")
    expected = frozen_by_hand([expert], SVR(), X, y, related.test_data)
    np.testing.assert_allclose(model.fit(X, y).predict(related.test_data), expected, atol=1e-10)


def test_trained_sources_come_before_source_domains(several):
    expert = Ridge().fit(*rows(several, "source_0"))
    rest = several.domain != "source_0"
    model = HierarchicalTransfer(
        KNeighborsRegressor(), sources=[("trained", expert)], source_domains=["source_1"], **FROZEN
    ).fit(several.data[rest], several.target[rest], sample_domain=several.domain[rest])
    experts = [expert, KNeighborsRegressor().fit(*rows(several, "source_1"))]
    expected = frozen_by_hand(experts, KNeighborsRegressor(), *rows(several, "target"), several.test_data)
    np.testing.assert_allclose(model.predict(several.test_data), expected, atol=1e-10)
    assert [name for name, _ in model.experts_] == ["trained", "source_1"]


def test_all_rows_are_target_rows_beside_trained_sources_whatever_their_domain(related):
    expert = FrozenEstimator(Ridge().fit(*rows(related, "source_0")))
    X, y = rows(related, "target")
    model = HierarchicalTransfer(Ridge(), sources=[("gas", expert)], **FROZEN)
    plain = clone(model).fit(X, y).predict(X)
    np.testing.assert_array_equal(model.fit(X, y, sample_domain=["water"] * len(X)).predict(X), plain)


@pytest.mark.parametrize(
    ("params", "margin"),
    [
        ({"strategy": "merge_relevant"}, 0.2),
        ({"strategy": "merge_relevant", "source_filter": 0.0}, 0.0),
        ({"strategy": "merge_relevant", "source_filter": 0.5}, 0.5),
        ({"strategy": "merge"}, None),
    ],
)
def test_merge_is_the_learner_on_target_rows_and_relevant_source_rows(params, margin, several):
    X, Y = rows(several, "target")
    sources = np.isin(several.domain, several.source_domains)
    wide = np.where(sources[:, None], 3 * several.target, several.target)
    if margin is not None:
        width = margin * (Y.max(axis=0) - Y.min(axis=0))
        sources &= ((wide >= Y.min(axis=0) - width) & (wide <= Y.max(axis=0) + width)).all(axis=1)
        assert 0 < sources.sum() < 160
    expected = Ridge().fit(np.vstack([several.data[sources], X]), np.vstack([wide[sources], Y]))
    model = HierarchicalTransfer(Ridge(), source_domains=several.source_domains, guard=False, **params)
    model.fit(several.data, wide, sample_domain=several.domain)
    np.testing.assert_allclose(model.predict(several.test_data), expected.predict(several.test_data))


def test_target_only_is_the_learner_on_target_rows(related):
    model = fitted(related, SVR(), strategy="target_only")
    expected = SVR().fit(*rows(related, "target")).predict(related.test_data)
    np.testing.assert_array_equal(model.predict(related.test_data), expected)


def test_the_blend_is_the_weighted_mean_of_the_strategies(several):
    model = fitted(several, SVR(C=10), cv=3, random_state=0, guard=False)
    parts = [
        fitted(several, SVR(C=10), strategy=name, guard=False, random_state=0).predict(several.test_data)
        for name in model.strategies_
    ]
    expected = sum(w * part for w, part in zip(model.weights_.T, parts, strict=True))
    assert ((model.weights_ > 0.01).sum(axis=1) > 1).any()
    np.testing.assert_allclose(model.predict(several.test_data), expected, atol=1e-10)


# what combines the experts, and what learns the rest ------------------------------------------------


def test_final_estimator_recovers_the_scale_of_an_affine_source():
    problem = make_domains(300, 10, 50, relation="scaled", noise=0, random_state=0)
    learner = make_pipeline(StandardScaler(), SVR(C=1000, epsilon=1e-3))
    X, y = problem.data, problem.target
    train = problem.domain != "test"
    model = HierarchicalTransfer(
        learner,
        source_domains=problem.source_domains,
        final_estimator=LinearRegression(),
        residual_estimator=None,
        **FROZEN,
    ).fit(X[train], y[train], sample_domain=problem.domain[train])
    errors = [np.abs(m.predict(X[~train]) - y[~train]).mean() for m in (model, model.experts_[0][1])]
    assert errors[0] < 0.2 < 0.5 < errors[1]


def test_without_a_residual_estimator_only_the_experts_are_combined(several):
    model = fitted(several, Ridge(), final_estimator=LinearRegression(), residual_estimator=None, **FROZEN)
    X, Y = rows(several, "target")
    experts = [Ridge().fit(*rows(several, name)) for name in several.source_domains]
    F, F_new = (np.hstack([e.predict(Z) for e in experts]) for Z in (X, several.test_data))
    expected = LinearRegression().fit(F, Y).predict(F_new)
    np.testing.assert_allclose(model.predict(several.test_data), expected, atol=1e-8)


def test_residual_estimator_of_another_kind_learns_what_is_left(related):
    options = {"final_estimator": LinearRegression(), **FROZEN}
    X, y = rows(related, "target")
    plain = fitted(related, Ridge(), residual_estimator=None, **options)
    rest = KNeighborsRegressor(2).fit(X, y - plain.predict(X))
    model = fitted(related, Ridge(), residual_estimator=KNeighborsRegressor(2), **options)
    expected = plain.predict(related.test_data) + rest.predict(related.test_data)
    np.testing.assert_allclose(model.predict(related.test_data), expected, atol=1e-10)


def test_final_estimator_of_one_target_serves_several(several):
    model = fitted(several, Ridge(), final_estimator=SVR(kernel="linear"), **FROZEN)
    assert np.isfinite(model.predict(several.test_data)).all()


# how much each source counts ------------------------------------------------------------------------


def test_shares_of_sources_sum_to_one_and_favour_the_source_that_knows():
    good = make_domains(150, 25, 0, 3, relation="identical", random_state=0)
    source = good.domain == "source_0"
    nonsense = np.random.default_rng(0).permutation(good.target[source])
    model = HierarchicalTransfer(SVR(), source_domains=["source_0", "nonsense"], **FROZEN).fit(
        np.vstack([good.data, good.data[source]]),
        np.r_[good.target, nonsense],
        sample_domain=np.r_[good.domain, np.full(150, "nonsense")],
    )
    assert model.source_weights_.shape == (1, 2)
    assert model.source_weights_.sum() == pytest.approx(1)
    assert model.source_weights_[0, 0] > 0.8


def test_shares_are_those_of_each_target():
    """The first source has nothing but noise for the second target, and the other way round."""
    problem = make_domains(200, 40, 0, 3, 2, n_sources=2, relation="identical", random_state=0)
    Y = problem.target.copy()
    for name, t in (("source_0", 1), ("source_1", 0)):
        Y[problem.domain == name, t] = np.random.default_rng(0).normal(size=200)
    model = HierarchicalTransfer(SVR(), source_domains=problem.source_domains, **FROZEN)
    shares = model.fit(problem.data, Y, sample_domain=problem.domain).source_weights_
    assert shares.shape == (2, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert min(shares[0, 0], shares[1, 1]) > 0.7


def test_shares_by_hand(several):
    model = fitted(several, Ridge(), final_estimator=Ridge(0.1), **FROZEN)
    X, Y = rows(several, "target")
    F = np.hstack([Ridge().fit(*rows(several, name)).predict(X) for name in several.source_domains])
    size = np.abs(Ridge(0.1).fit(StandardScaler().fit_transform(F), Y).coef_)  # columns: expert, target
    expected = np.column_stack([size[:, :2].sum(axis=1), size[:, 2:].sum(axis=1)])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.source_weights_, expected, rtol=1e-8)


@pytest.mark.parametrize(
    "params", [MERGE, {"strategy": "target_only"}, {"final_estimator": KNeighborsRegressor(), **FROZEN}]
)
def test_shares_are_unknown_without_a_linear_combination(params, related):
    assert np.isnan(fitted(related, Ridge(), **params).source_weights_).all()


# weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "strategy", ["auto", "source_only", "merge", "merge_relevant", "frozen_experts", "target_only"]
)
def test_rows_without_weight_count_as_dropped(strategy, several):
    weight = (np.random.default_rng(0).random(len(several.data)) < 0.7).astype(float)
    kept = weight > 0
    Y = np.where(kept[:, None], several.target, several.target + 7)
    model = HierarchicalTransfer(
        Ridge(), source_domains=several.source_domains, strategy=strategy, guard=strategy == "auto"
    ).set_params(cv=3, random_state=0)
    weighted = clone(model).fit(several.data, Y, sample_domain=several.domain, sample_weight=weight)
    dropped = clone(model).fit(several.data[kept], Y[kept], sample_domain=several.domain[kept])
    np.testing.assert_allclose(
        weighted.predict(several.test_data), dropped.predict(several.test_data), atol=1e-10
    )


@pytest.mark.parametrize("strategy", ["merge", "merge_relevant", "frozen_experts", "target_only"])
def test_equal_weights_are_no_weights(strategy, several):
    model = HierarchicalTransfer(
        LinearRegression(), source_domains=several.source_domains, strategy=strategy, guard=False
    ).set_params(final_estimator=LinearRegression())
    weighted = clone(model).fit(
        several.data, several.target, sample_domain=several.domain, sample_weight=np.full(185, 3.0)
    )
    plain = model.fit(several.data, several.target, sample_domain=several.domain)
    np.testing.assert_allclose(
        weighted.predict(several.test_data), plain.predict(several.test_data), atol=1e-8
    )


def test_weights_shape_the_out_of_fold_experts(several):
    X, Y, weight = several.data, several.target, np.linspace(0, 1, 185)
    model = HierarchicalTransfer(Ridge(), source_domains=several.source_domains, random_state=0, **FROZEN)
    plain = clone(model).fit_transform(X, Y, sample_domain=several.domain)
    weighted = clone(model).fit_transform(X, Y, sample_domain=several.domain, sample_weight=weight)
    assert not np.allclose(weighted[several.domain == "source_0"], plain[several.domain == "source_0"])
