"""merge_indicator: merged rows that say which domain they are of."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skxfer import HierarchicalTransfer, load, save
from skxfer.transfer.strategies import WithColumns


def offsets(n_target=6, seed=0, slope=1.0):
    """Planes of one slope; sources differ from the target by constants."""
    rng = np.random.default_rng(seed)
    domain = np.repeat(["gas", "water", "target"], [60, 60, n_target])
    X = rng.normal(size=(len(domain) + 100, 6))
    y = X @ np.arange(1, 7) + 0.3 * rng.normal(size=len(X))
    y[:60] += 20
    y[60:120] = slope * y[60:120] - 35
    return X[: len(domain)], y[: len(domain)], domain, X[-100:], y[-100:]


def model(strategy, learner, **params):
    params = {"source_domains": ["gas", "water"], "random_state": 0, "strategy": strategy} | params
    return HierarchicalTransfer(learner, **params)


def error(strategy, learner, problem):
    X, y, domain, X_test, y_test = problem
    found = model(strategy, learner, guard=False).fit(X, y, sample_domain=domain)
    return np.abs(found.predict(X_test) - y_test).mean()


@pytest.mark.parametrize("learner", [LinearRegression(), make_pipeline(StandardScaler(), LinearRegression())])
def test_it_wins_where_domains_differ_by_constants(learner):
    problem = offsets(n_target=4)
    assert error("merge_indicator", learner, problem) < 0.5  # the noise alone gives 0.24
    assert error("merge", learner, problem) > 5
    assert error("target_only", learner, problem) > 1


def test_columns_of_domains_give_the_offsets():
    X, y, domain, _, _ = offsets()
    found = model("merge_indicator", LinearRegression(), guard=False).fit(X, y, sample_domain=domain)
    kept = found.estimators_["merge_indicator"].model_
    gas, water, target = kept.model_.coef_[-3:] * kept.size_
    assert gas - target == pytest.approx(20, abs=0.5)
    assert water - target == pytest.approx(-35, abs=0.5)


def test_it_is_not_chosen_where_slopes_are_opposite():
    X, y, domain, _, _ = offsets(n_target=24)
    y = np.where(domain == "target", y, -y)
    found = model(["merge_indicator"], LinearRegression(), predict_on="similar")
    found.fit(X, y, sample_domain=domain)
    assert found.strategy_ == ["target_only"]
    assert found.weights_[0, found.strategies_.index("merge_indicator")] == 0


def test_no_scaler_in_a_nested_pipeline_makes_much_of_a_rare_domain():
    X, y, domain, _, _ = offsets(n_target=3)
    inner = TransformedTargetRegressor(make_pipeline(StandardScaler(), LinearRegression()))
    found = model("merge_indicator", make_pipeline(StandardScaler(), inner), guard=False)
    found.fit(X, y, sample_domain=domain)
    kept = found.estimators_["merge_indicator"].model_
    assert len(kept.heads_) == 2
    assert kept.model_[-1].regressor_.named_steps["standardscaler"] == "passthrough"
    gas, water, target = kept.model_[-1].regressor_[-1].coef_[-3:] * kept.size_
    assert gas - target == pytest.approx(20, abs=1)
    assert water - target == pytest.approx(-35, abs=1)


def test_columns_of_categories_stay_with_their_transformer():
    X, y, domain, _, _ = offsets()
    table = pd.DataFrame(X, columns=list("abcdef")).assign(base=np.resize(["K", "Na"], len(X)))
    encode = make_column_transformer((OneHotEncoder(), ["base"]), remainder="passthrough")
    learner = TransformedTargetRegressor(make_pipeline(encode, Ridge(1e-6)), transformer=StandardScaler())
    found = model("merge_indicator", learner, guard=False).fit(table, y, sample_domain=domain)
    inner = found.estimators_["merge_indicator"].model_.model_
    assert inner.regressor_[-1].n_features_in_ == 6 + 2 + 3
    target = domain == "target"
    assert np.abs(found.predict(table[target]) - y[target]).mean() < 1


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_columns_join_tables_of_any_kind(kind):
    rng = np.random.default_rng(0)
    X, column = rng.normal(size=(30, 2)) * 5, rng.normal(size=(30, 1))
    Y = (X[:, 0] + 2 * column[:, 0])[:, None]
    X = pd.DataFrame(X, columns=["a", "b"]) if kind is pd.DataFrame else kind(X)
    joined = WithColumns(LinearRegression()).fit(X, column, Y)
    np.testing.assert_allclose(joined.predict(X, column), Y, atol=1e-9)
    dense = X.toarray() if sparse.issparse(X) else np.asarray(X)
    assert joined.size_ == pytest.approx(np.sqrt(dense.var(axis=0).mean()))


def test_several_targets_with_missing_labels(several):
    Y = several.target.copy()
    Y[::7, 0] = np.nan
    found = model("merge_indicator", ExtraTreesRegressor(10), guard=False)
    found.set_params(source_domains=several.source_domains).fit(several.data, Y, sample_domain=several.domain)
    assert np.isfinite(found.predict(several.test_data)).all()


def test_what_was_fitted_can_be_saved(tmp_path):
    X, y, domain, X_test, _ = offsets()
    learner = make_pipeline(StandardScaler(), Ridge())
    found = model("merge_indicator", learner, guard=False).fit(X, y, sample_domain=domain)
    save(found, tmp_path / "model.skxfer")
    np.testing.assert_array_equal(load(tmp_path / "model.skxfer").predict(X_test), found.predict(X_test))
