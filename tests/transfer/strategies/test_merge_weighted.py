"""merge_weighted: source rows count as far as their inputs look like the target's."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import HierarchicalTransfer
from skxfer.transfer._problem import Problem
from skxfer.transfer.strategies._merge_weighted import MergeWeighted, source_weights
from skxfer.transfer.strategies._weighted import resample, takes_weights


def shifted(sign=1.0, n_source=300, n_target=8, seed=0):
    """A parabola. The target has inputs about 2, the sources everywhere; a straight line fits only nearby."""
    rng = np.random.default_rng(seed)
    X = np.r_[rng.uniform(-4, 4, n_source), rng.normal(2, 0.3, n_target)][:, None]
    X_test = rng.normal(2, 0.3, 200)[:, None]
    domain = np.repeat(["source", "target"], [n_source, n_target])
    y = X[:, 0] ** 2 + 0.6 * rng.normal(size=len(X))
    y[domain == "source"] *= sign
    return X, y, domain, X_test, X_test[:, 0] ** 2


def model(strategy, learner=None, **params):
    params = {"source_domains": ["source"], "random_state": 0, "strategy": strategy} | params
    return HierarchicalTransfer(LinearRegression() if learner is None else learner, **params)


def error(strategy, problem, learner=None):
    X, y, domain, X_test, y_test = problem
    found = model(strategy, learner, guard=False).fit(X, y, sample_domain=domain)
    return np.abs(found.predict(X_test) - y_test).mean()


@pytest.mark.parametrize("learner", [LinearRegression(), MultiOutputRegressor(LinearRegression())])
def test_it_wins_under_a_shift_of_inputs_that_the_learner_cannot_follow(learner):
    errors = {
        name: np.mean([error(name, shifted(n_target=3, seed=seed), learner) for seed in range(8)])
        for name in ("merge_weighted", "merge", "target_only")
    }
    assert errors["merge_weighted"] < 0.75 * errors["target_only"]
    assert errors["merge_weighted"] < 0.4 * errors["merge"]


@pytest.mark.parametrize("ratio", ["logistic", "ulsif"])
def test_either_ratio_finds_the_rows_near_the_target(ratio, monkeypatch):
    monkeypatch.setattr(MergeWeighted.__init__, "__defaults__", (ratio,))
    problem = shifted(n_target=20)
    assert error("merge_weighted", problem) < 0.3 * error("merge", problem)


def test_it_is_not_chosen_where_the_source_says_the_opposite():
    X, y, domain, _, _ = shifted(sign=-1.0, n_target=20)
    found = model(["merge_weighted"], predict_on="similar").fit(X, y, sample_domain=domain)
    assert found.strategy_ == ["target_only"]
    assert found.weights_[0, found.strategies_.index("merge_weighted")] == 0


def test_inputs_to_be_predicted_draw_weight():
    """All target rows lie about -2, what will be predicted about 2: sources there must count."""
    rng = np.random.default_rng(0)
    X = np.r_[rng.uniform(-4, 4, 300), rng.normal(-2, 0.2, 6)][:, None]
    domain = np.repeat(["source", "target"], [300, 6])
    y = X[:, 0] ** 2
    X_deploy = rng.normal(2, 0.3, 200)[:, None]
    errors = []
    for deploy in ({}, {"X_deploy": X_deploy}):
        found = model("merge_weighted", guard=False).fit(X, y, sample_domain=domain, **deploy)
        errors.append(np.abs(found.predict(X_deploy) - X_deploy[:, 0] ** 2).mean())
    assert errors[1] < 0.7 * errors[0]


# how much the sources weigh -------------------------------------------------------------------------


def test_sources_weigh_the_geometric_mean_of_the_numbers_of_rows():
    assert source_weights(np.ones(400), 25).sum() == pytest.approx(100)
    weight = source_weights(np.array([1.0, 3.0] * 200), 25)
    assert weight.sum() == pytest.approx(100)
    assert weight[1] == pytest.approx(3 * weight[0])


def test_sources_weigh_no_more_than_their_effective_number():
    ratio = np.r_[1.0, np.full(399, 1e-9)]  # one row alone looks like the target
    np.testing.assert_allclose(source_weights(ratio, 25)[0], 1, rtol=1e-3)
    assert source_weights(np.ones(4), 400).sum() == pytest.approx(4)


def test_sources_without_any_overlap_count_alike():
    np.testing.assert_allclose(source_weights(np.zeros(100), 4), 0.2)


def test_source_rows_with_a_weight_of_the_user_count_less():
    X, y, domain, _, _ = shifted()
    y = np.where(domain == "source", y + 100, y)
    without = model("merge_weighted", guard=False).fit(X, y, sample_domain=domain)
    weight = np.where(domain == "source", 1e-3, 1.0)
    with_weight = model("merge_weighted", guard=False).fit(X, y, sample_domain=domain, sample_weight=weight)
    at = [[2.0]]
    assert without.predict(at) > 50
    assert with_weight.predict(at) == pytest.approx(4, abs=1.5)


# learners without weights ---------------------------------------------------------------------------


def test_rows_are_drawn_as_often_as_their_weight_says():
    weight = np.random.default_rng(0).uniform(0, 3, 200)
    drawn = np.bincount(resample(weight, 1), minlength=200)
    assert drawn.sum() == round(weight.sum())
    scaled = weight * drawn.sum() / weight.sum()
    assert (drawn >= np.floor(scaled - 1e-9)).all()
    assert (drawn <= np.ceil(scaled + 1e-9)).all()


def test_rows_of_weight_one_are_drawn_once_each():
    np.testing.assert_array_equal(resample(np.ones(50), 3), np.arange(50))


def test_equal_weights_and_seeds_draw_equal_rows():
    weight = np.random.default_rng(0).uniform(size=60)
    np.testing.assert_array_equal(resample(weight, None), resample(weight, None))
    assert not np.array_equal(resample(weight, 1), resample(weight, 2))


@pytest.mark.parametrize(
    ("learner", "takes"),
    [
        (Ridge(), True),
        (KNeighborsRegressor(), False),
        (make_pipeline(StandardScaler(), KernelRidge()), True),
        (TransformedTargetRegressor(make_pipeline(StandardScaler(), KNeighborsRegressor())), False),
        (MultiOutputRegressor(KNeighborsRegressor()), False),
        (MultiOutputRegressor(Ridge()), True),
        (GridSearchCV(Ridge(), {"alpha": [1]}), True),
    ],
)
def test_which_learners_take_weights(learner, takes):
    assert takes_weights(learner) is takes
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    domain = np.repeat(["source", "target"], [40, 20])
    found = model("merge_weighted", learner, guard=False).fit(X, y, sample_domain=domain)
    assert np.isfinite(found.predict(X)).all()


def test_with_routing_on_what_wraps_a_learner_gets_drawn_rows():
    with sklearn.config_context(enable_metadata_routing=True):
        assert not takes_weights(make_pipeline(StandardScaler(), Ridge()))
        assert takes_weights(Ridge())


def test_a_learner_without_weights_wins_too():
    problem = shifted()
    learner = TransformedTargetRegressor(LinearRegression(), func=np.sqrt, inverse_func=np.square)
    problem = (problem[0], np.abs(problem[1]), *problem[2:])
    assert error("merge_weighted", problem, KNeighborsRegressor(3)) < 1.2
    assert error("merge_weighted", problem, learner) < error("merge", problem, learner)


# what it needs --------------------------------------------------------------------------------------


def test_formulas_are_compared_by_their_composition():
    formulas = np.array(["NaCl", "KCl", "NaBr", "Fe2O3", "FeO", "Fe3O4"] * 3, dtype=object)
    domain = np.repeat(["source", "target"], [12, 6])
    problem = Problem(
        formulas, np.zeros((18, 1)), np.arange(12, 18), Ridge(), source_rows={"source": np.arange(12)}
    )
    problem.kind = "formulas"
    strategy = MergeWeighted()
    assert strategy.missing(problem) is None
    strategy.prepare(problem)
    ratio = strategy._ratio_of(problem, np.arange(12), np.array([15, 16, 17]))  # all oxides
    assert ratio.reshape(2, 2, 3)[:, 1].min() > 1.2 * ratio.reshape(2, 2, 3)[:, 0].max()
    assert domain.size == 18


class ReadsObjects(Ridge):
    """Learns from the lengths of texts."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(np.array([[len(x)] for x in X]), y, sample_weight)

    def predict(self, X):
        return super().predict(np.array([[len(x)] for x in X]))


def test_objects_that_the_learner_reads_by_itself_are_a_reason():
    X, y = [f"!{'-' * k}" for k in range(12)], np.arange(12.0)
    found = model("auto", ReadsObjects(), predict_on="similar", cv=3)
    found.fit(X, y, sample_domain=["source"] * 6 + ["target"] * 6)
    assert "put a featurizer before it in a Pipeline" in found.skipped_["merge_weighted"]


def test_columns_of_text_do_not_stop_the_comparison_of_numbers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"base": list("ab") * 10, "T": rng.normal(size=20)})
    problem = Problem(X, np.zeros((20, 1)), np.arange(10, 20), Ridge(), kind="other")
    problem.source_rows = {"source": np.arange(10)}
    assert MergeWeighted().missing(problem) is None
    MergeWeighted().prepare(problem)
    assert problem.numbers.shape == (20, 1)


def test_without_source_rows_there_is_a_reason():
    X, y, domain, _, _ = shifted()
    source = LinearRegression().fit(X[domain == "source"], y[domain == "source"])
    found = HierarchicalTransfer(LinearRegression(), sources=[("gas", source)], predict_on="similar", cv=3)
    found.fit(X[domain == "target"], y[domain == "target"])
    assert "set source_domains" in found.skipped_["merge_weighted"]
