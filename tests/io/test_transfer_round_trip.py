"""Transfer estimators and searches are loaded as they were saved."""

import numpy as np
import pandas as pd
import pytest
from saved_models import (
    DOMAIN,
    LEARNERS,
    NESTED,
    X,
    Y,
    layers,
    net,
    plain_params,
    roundtrip,
    same,
    transfer,
    y,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

import skxfer
from skxfer import io

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", sorted({*LEARNERS, *NESTED} - {"multi-output"}))
def test_transfer_with_any_learner_comes_back(name, path):
    learner = {**LEARNERS, **NESTED}[name]()
    model = transfer(learner, strategy="frozen_experts", guard=False).fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    assert same(loaded.transform(X.copy()), model.transform(X.copy()))
    assert plain_params(loaded) == plain_params(model)


@pytest.mark.parametrize("name", ["xgboost", "SVR"])
def test_transfer_that_weighed_all_strategies_comes_back(name, path):
    model = transfer(LEARNERS[name]()).fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    for got, expected in zip(
        loaded.predict(X.copy(), return_std=True), model.predict(X.copy(), return_std=True), strict=True
    ):
        assert same(got, expected)
    assert same(loaded.transfer_gain_, model.transfer_gain_)
    assert loaded.strategy_ == model.strategy_


def test_transfer_with_a_net_comes_back(path):
    learner = make_pipeline(StandardScaler(), net())
    model = transfer(learner, strategy="frozen_experts", guard=False)
    model.fit(X.astype(np.float32), y.astype(np.float32), sample_domain=DOMAIN)
    loaded = roundtrip(model, path, trusted=[layers()])
    assert same(loaded.predict(X.astype(np.float32)), model.predict(X.astype(np.float32)))


@pytest.mark.parametrize("name", ["forest", "xgboost", "SVR"])
def test_transfer_to_several_targets_with_missing_labels_comes_back(name, path):
    missing = Y.copy()
    missing[::7, 1] = np.nan
    model = transfer(LEARNERS[name]()).fit(X, missing, sample_domain=DOMAIN)
    assert same(roundtrip(model, path).predict(X.copy()), model.predict(X.copy()))


def test_transfer_from_trained_sources_comes_back(path):
    sources = [(name, FrozenEstimator(LEARNERS[name]().fit(X, y))) for name in ("forest", "xgboost", "SVR")]
    model = transfer(Ridge(), source_domains=None, sources=sources).fit(X[::2], y[::2])
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    assert same(clone(loaded).fit(X[::2], y[::2]).predict(X.copy()), model.predict(X.copy()))


def test_an_unfitted_transfer_keeps_its_trained_sources(path):
    expert = LEARNERS["forest"]().fit(X, y)
    loaded = roundtrip(transfer(SVR(), sources=[("gas", FrozenEstimator(expert))]), path)
    assert same(loaded.sources[0][1].predict(X.copy()), expert.predict(X.copy()))


@pytest.mark.parametrize("name", ["forest", "SVR"])  # the one continues, the other is frozen
def test_transfer_along_a_chain_comes_back(name, path):
    model = skxfer.SequentialTransfer(
        LEARNERS[name](), order=["gas", "water", "target"], strategy="auto", random_state=0
    )
    model.fit(X, y, sample_domain=DOMAIN)
    loaded = roundtrip(model, path)
    assert same(loaded.predict(X.copy()), model.predict(X.copy()))
    for label, stage in model.stages_.items():
        assert same(loaded.stages_[label].predict(X.copy()), stage.predict(X.copy()))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.5, np.nan], "b": [1, 2]}, index=["Fe", "O"]),
        pd.DataFrame({0: ["x", "y"], 1: [True, False]}),
    ],
)
def test_tables_come_back(frame, tmp_path):
    model = FunctionTransformer(kw_args={"table": frame})
    io.save(model, tmp_path / "model.skxfer")
    loaded = io.load(tmp_path / "model.skxfer")
    pd.testing.assert_frame_equal(loaded.kw_args["table"], frame)


def test_tables_with_several_levels_are_refused(tmp_path):
    frame = pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    with pytest.raises(TypeError, match="several levels"):
        io.save(FunctionTransformer(kw_args={"table": frame}), tmp_path / "model.skxfer")


def test_search_over_our_own_estimators_comes_back(tmp_path):
    model = make_pipeline(skxfer.CompositionFeaturizer("fractions"), Ridge())
    search = GridSearchCV(make_pipeline(Ridge()), {"ridge": [model, clone(model)]}, cv=2)
    search.fit(["FeO", "NaCl", "MgO", "Fe"], [1.0, 2.0, 3.0, 4.0])
    io.save(search, tmp_path / "search.skxfer")
    loaded = io.load(tmp_path / "search.skxfer")
    np.testing.assert_array_equal(loaded.predict(["FeO"]), search.predict(["FeO"]))
    assert type(loaded.cv_results_["param_ridge"]) is type(search.cv_results_["param_ridge"])


def test_masked_arrays_come_back(tmp_path):
    array = np.ma.MaskedArray(np.array([1, None, "x"], dtype=object), mask=[False, True, False])
    io.save(FunctionTransformer(kw_args={"a": array}), tmp_path / "model.skxfer")
    loaded = io.load(tmp_path / "model.skxfer").kw_args["a"]
    assert loaded.mask.tolist() == [False, True, False]
    assert loaded.data[[0, 2]].tolist() == [1, "x"]
