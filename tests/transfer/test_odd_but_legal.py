"""Inputs and parameters that are unusual and allowed: each went wrong once."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

import skxfer
from skxfer import CompositionFeaturizer, HierarchicalTransfer, TransferCV
from skxfer.learners import uses_source

RIDGE = Ridge()


def data(n_sources=1, n_source=30, n_target=20):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_sources * n_source + n_target, 3))
    names = [f"s{k}" for k in range(n_sources)]
    domain = np.repeat([*names, "t"], [n_source] * n_sources + [n_target])
    return X, X[:, 0] + np.sin(X[:, 1]), domain, names


def transfer(X, y, domain, names, learner=RIDGE, **params):
    params = {"random_state": 0, "cv": 3} | params
    model = HierarchicalTransfer(learner, source_domains=names, **params)
    return model.fit(X, y, sample_domain=domain)


# inputs ---------------------------------------------------------------------------------------------


def test_columns_of_truth_values_are_numbers():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.random((80, 4)) > 0.5, columns=list("abcd"))
    y = 2.0 * X["a"] + X["b"] + rng.normal(scale=0.01, size=80)
    domain = np.repeat(["s", "t"], [60, 20])
    assert "merge_weighted" in transfer(X, y, domain, ["s"]).strategies_
    wide = X.assign(e=rng.normal(size=80) + 9 * (domain == "s"))
    aligned = transfer(wide, y, domain, ["s"], Ridge(1e-3), strategy="aligned", guard=False)
    assert np.abs(aligned.predict(wide[60:]) - y[60:]).mean() < 1.0  # 0.75 is the error of the mean


def test_sparse_rows_to_be_predicted():
    X, y, domain, names = data()
    X = sparse.csr_matrix(X)
    model = HierarchicalTransfer(Ridge(), source_domains=names, random_state=0)
    assert model.fit(X, y, sample_domain=domain, X_deploy=X[:5]).strategies_


class OnObjects(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.model_ = Ridge().fit([[entry["a"]] for entry in X], y)
        return self

    def predict(self, X):
        return self.model_.predict([[entry["a"]] for entry in X])


def as_objects(X):
    found = np.empty(len(X), dtype=object)
    found[:] = [{"a": float(row[0])} for row in np.asarray(X)]
    return found


@pytest.mark.filterwarnings("ignore:The strategy .* was left out")
def test_a_pipeline_whose_steps_give_objects_is_compared_by_the_rest():
    learner = make_pipeline(FunctionTransformer(as_objects), OnObjects())
    model = transfer(*data(), learner, predict_on="similar")
    assert {"target_only", "merge"} <= set(model.strategies_)
    assert "aligned" in model.skipped_


def test_a_missing_label_does_not_keep_a_forest_from_going_on():
    X, y, domain, names = data()
    y[-1] = np.nan
    model = transfer(X, y, domain, names, RandomForestRegressor(5), strategy=["target_only", "fine_tuned"])
    assert model.strategies_ == ["target_only", "fine_tuned"]


def test_target_rows_without_a_label_do_not_take_part_in_folds():
    X, y, domain, names = data(n_target=92)
    X[-80:] += 20  # far from the labelled ones: clusters of all rows would put these into one fold
    known = y.copy()
    known[-80:] = np.nan
    model = transfer(X, known, domain, names, predict_on="new_inputs")
    alone = transfer(X[:-80], y[:-80], domain[:-80], names, predict_on="new_inputs")
    for column in ("mae", "mae_error"):
        first, second = (m.cv_results_[column][0] for m in (model, alone))
        assert first == pytest.approx(second)


def test_formulas_next_to_a_cheap_value_stay_together_in_folds():
    pytest.importorskip("matminer")
    formulas = ["NaCl", "KCl", "LiF", "MgO", "CaO", "NaF", "KBr", "LiBr", "BaO", "SrO"] * 3
    y = np.arange(30.0) % 10
    table = pd.DataFrame({"formula": formulas, "computed": y + 0.1})
    seen = []

    class Noting(HierarchicalTransfer):
        def _fit(self, problem):
            seen.append((problem.kind, problem.equal))
            super()._fit(problem)

    learner = make_pipeline(CompositionFeaturizer("fractions"), Ridge())
    Noting(learner, low_fidelity="computed", cv=3, random_state=0).fit(table, y)
    kind, equal = seen[0]
    assert kind == "formulas"
    np.testing.assert_array_equal(equal[:10], equal[10:20])


# sources --------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path):
    X, y, *_ = data()
    skxfer.save(Ridge().fit(X, y), tmp_path / "good.skxfer")
    skxfer.save(Ridge().fit(X[:, :2], y), tmp_path / "a_narrow.skxfer")
    skxfer.save(SVC().fit(X, y > 0), tmp_path / "classes.skxfer")
    (tmp_path / "cut.skxfer").write_bytes(b"PK")
    return tmp_path


@pytest.mark.parametrize("kind", [HierarchicalTransfer, TransferCV])
def test_a_folder_may_hold_other_things(shelf, kind):
    X, y, *_ = data()
    model = kind(sources=shelf, random_state=0).fit(X, y)
    assert {"source a_narrow", "source classes", "source cut"} <= set(model.skipped_)
    assert [name for name, _ in model.experts_] == ["good"]


def test_a_folder_without_any_source_that_fits_is_an_error(shelf):
    (shelf / "good.skxfer").unlink()
    X, y, *_ = data()
    with pytest.raises(ValueError, match="No model of the folder in sources can be used.*a_narrow"):
        HierarchicalTransfer(sources=shelf).fit(X, y)


def test_a_model_with_a_folder_saves_without_it_and_uses_sources(shelf, tmp_path):
    X, y, *_ = data()
    model = HierarchicalTransfer(Ridge(), sources=shelf, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="sources"):
        skxfer.save(model, tmp_path / "model")
    loaded = skxfer.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.sources is None
    assert uses_source(HierarchicalTransfer(sources=str(shelf)))
    assert uses_source(make_pipeline(HierarchicalTransfer(sources=shelf)))
    assert not uses_source(HierarchicalTransfer())


def test_the_sources_in_use_are_those_that_are_said_to_be():
    X, y, domain, names = data(n_sources=2)
    trained = [(f"m{k}", RandomForestRegressor(20, random_state=k).fit(X, y)) for k in range(4)]
    model = transfer(X, y, domain, names, sources=trained, max_sources=3, strategy=["target_only", "merge"])
    ranking = pd.DataFrame(model.source_ranking_).set_index("source")
    assert ranking["used"][["s0", "s1"]].sum() == 1  # merge needs one
    assert ranking["used"].sum() == 4


def test_encoders_are_ranked_among_themselves():
    X, y, *_ = data(n_target=40)
    poor = PLSRegression(1).fit(X, np.random.default_rng(1).normal(size=len(y)))
    sources = [("poor", poor), ("good", LinearRegression().fit(X, y))]
    model = TransferCV(sources, Ridge(), max_sources=1, random_state=0).fit(X, y)
    assert "frozen_features" in model.strategies_


def test_the_learner_alone_needs_no_experts():
    X, y, domain, names = data(n_sources=4)
    counted = []

    class Counted(Ridge):
        def fit(self, X, y, sample_weight=None):
            counted.append(len(y))
            return super().fit(X, y, sample_weight)

    transfer(X, y, domain, names, Counted(), strategy="target_only", guard=False, max_sources=2)
    assert counted == [20]


# parameters -----------------------------------------------------------------------------------------


def test_forms_of_a_strategy_are_named_with_a_colon():
    forest = RandomForestRegressor(5, random_state=0)
    model = transfer(*data(n_sources=2), forest, strategy="fine_tuned: s1")
    assert model.strategies_ == ["target_only", "fine_tuned: s1"]


def test_the_baseline_of_transfer_cv_may_be_named():
    X, y, *_ = data()
    model = TransferCV(Ridge().fit(X, y), strategy=["target_only", "baseline"], cv=2).fit(X, y)
    assert model.strategies_ == ["target_only", "baseline"]


def test_a_strategy_named_twice_is_an_error():
    with pytest.raises(ValueError, match="twice"):
        transfer(*data(), strategy=["merge", "merge"])


def test_repeated_folds_promise_as_much_as_single_ones():
    gains = []
    for n_repeats in (1, 12):
        cv = RepeatedKFold(n_splits=5, n_repeats=n_repeats, random_state=0)
        model = transfer(*data(), cv=cv, strategy=["target_only", "merge"], guard=False, combine="best")
        rows = pd.DataFrame(model.cv_results_).set_index("strategy")
        gains.append((model.transfer_gain_[0], 1 - rows["mae"]["merge"] / rows["mae"]["target_only"]))
    for promised, measured in gains:
        if promised:
            assert promised == pytest.approx(1 - (1 - measured) / np.sqrt(0.8), abs=1e-6)


def test_a_budget_that_does_not_suffice_is_said():
    with pytest.warns(UserWarning, match="does not suffice: .* target_only.* cost about"):
        model = transfer(*data(), budget=0.5)
    assert {"target_only", "source_only"} <= set(model.strategies_)  # the second costs nothing
