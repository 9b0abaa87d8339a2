"""Tables, labels and domains of every shape that HierarchicalTransfer takes."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer

FROZEN = {"strategy": "frozen_experts", "guard": False}
MERGE = {"strategy": "merge", "guard": False}


def fitted(problem, learner, **params):
    model = HierarchicalTransfer(learner, source_domains=problem.source_domains, **params)
    return model.fit(problem.data, problem.target, sample_domain=problem.domain)


def rows(problem, name):
    chosen = problem.domain == name
    return problem.data[chosen], problem.target[chosen]


# targets and inputs of other shapes -----------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, pd.Series, lambda y: pd.DataFrame({"E": y}), lambda y: y[:, None]])
def test_labels_come_in_any_container(kind, related):
    model = HierarchicalTransfer(Ridge(), source_domains=["source_0"], **FROZEN)
    expected = fitted(related, Ridge(), **FROZEN).predict(related.test_data)
    got = model.fit(related.data, kind(related.target), sample_domain=related.domain).predict(
        related.test_data
    )
    np.testing.assert_array_equal(got.ravel(), expected)


@pytest.mark.parametrize(
    "kind", [list, pd.Series, pd.Categorical, lambda d: d[:, None], lambda d: d == "source_0"]
)
def test_domains_come_in_any_container(kind, related):
    labels = kind(related.domain)
    name = True if np.asarray(labels).dtype == bool else "source_0"
    model = HierarchicalTransfer(SVR(), source_domains=[name], cv=3, random_state=0)
    expected = fitted(related, SVR(), cv=3, random_state=0).predict(related.test_data)
    got = model.fit(related.data, related.target, sample_domain=labels).predict(related.test_data)
    np.testing.assert_array_equal(got, expected)


def test_frame_gives_names_and_the_predictions_of_its_array(related):
    frame, new = (pd.DataFrame(X, columns=["a", "b", "c"]) for X in (related.data, related.test_data))
    model = HierarchicalTransfer(SVR(), source_domains=["source_0"], cv=3, random_state=0)
    model.fit(frame, related.target, sample_domain=related.domain)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    expected = fitted(related, SVR(), cv=3, random_state=0).predict(related.test_data)
    np.testing.assert_array_equal(model.predict(new), expected)


def test_sparse_inputs_are_those_of_the_dense_table(related):
    dense = np.where(np.abs(related.data) < 0.5, 0.0, related.data)
    labels = {"sample_domain": related.domain}
    model = HierarchicalTransfer(Ridge(solver="lsqr", tol=1e-12), source_domains=["source_0"], **FROZEN)
    expected = clone(model).fit(dense, related.target, **labels).predict(dense)
    got = model.fit(sparse.csr_array(dense), related.target, **labels).predict(sparse.csr_array(dense))
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_sparse_inputs_pass_the_guard(related):
    X = sparse.csr_array(np.where(np.abs(related.data) < 0.5, 0.0, related.data))
    model = HierarchicalTransfer(Ridge(), source_domains=["source_0"], cv=3, random_state=0)
    model.fit(X, related.target, sample_domain=related.domain)
    assert np.isfinite(model.predict(X)).all()


def test_learner_that_takes_nan_gets_it(related):
    X = np.where(np.random.default_rng(0).random(related.data.shape) < 0.1, np.nan, related.data)
    learner = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3)
    model = HierarchicalTransfer(learner, source_domains=["source_0"], cv=2, random_state=0)
    model.fit(X, related.target, sample_domain=related.domain)
    assert np.isfinite(model.predict(X)).all()


def test_formulas_reach_a_learner_that_takes_them():
    formulas = ["C" * (i % 6 + 1) + "H" * (i % 4) for i in range(40)]
    lengths = np.array([len(f) for f in formulas], dtype=float)
    labels = np.repeat(["source", "target"], 20)
    model = HierarchicalTransfer(ByLength(), source_domains=["source"], cv=2, random_state=0)
    model.fit(formulas, lengths + (labels == "target"), sample_domain=labels)
    np.testing.assert_allclose(model.predict(formulas), lengths + 1, atol=0.1)
    assert not hasattr(model, "n_features_in_")


def test_folds_of_new_inputs_see_formulas_as_the_pipeline_prepares_them():
    formulas = ["C" * (i % 7 + 1) for i in range(40)]
    labels = np.repeat(["source", "target"], 20)
    y = np.array([len(f) for f in formulas], dtype=float)
    lengths = FunctionTransformer(lambda X: np.array([[len(x)] for x in X], dtype=float))
    options = {"source_domains": ["source"], "strategy": "merge_relevant", "cv": 2, "random_state": 0}
    options["predict_on"] = "new_inputs"
    model = HierarchicalTransfer(make_pipeline(lengths, LinearRegression()), **options)
    model.fit(formulas, y, sample_domain=labels)
    assert model.predict_on_ == "new_inputs"
    np.testing.assert_allclose(model.predict(formulas), y)
    with pytest.raises(ValueError, match="new inputs need numbers.*a Pipeline.*predict_on='similar'"):
        HierarchicalTransfer(ByLength(), **options).fit(formulas, y, sample_domain=labels)


class ByLength(RegressorMixin, BaseEstimator):
    """A line through the length of a formula."""

    def fit(self, X, y):
        self.line_ = LinearRegression().fit([[len(x)] for x in X], y)
        return self

    def predict(self, X):
        return self.line_.predict([[len(x)] for x in X])


# missing labels -------------------------------------------------------------------------------------


def test_rows_without_any_label_change_nothing(several):
    new = np.random.default_rng(0).normal(size=(30, 3))
    X = np.vstack([several.data, new])
    Y = np.vstack([several.target, np.full((30, 2), np.nan)])
    domain = np.r_[several.domain, np.resize(["source_0", "target"], 30)]
    model = HierarchicalTransfer(SVR(), source_domains=several.source_domains, **MERGE)
    model.fit(X, Y, sample_domain=domain)
    expected = fitted(several, SVR(), **MERGE).predict(several.test_data)
    np.testing.assert_allclose(model.predict(several.test_data), expected)


def test_a_target_without_labels_in_a_source_ignores_that_source(several):
    Y = several.target.copy()
    Y[several.domain == "source_0", 1] = np.nan
    X_target, Y_target = rows(several, "target")
    experts = [Ridge().fit(*rows(several, "source_0")), Ridge().fit(*rows(several, "source_1"))]
    model = HierarchicalTransfer(
        Ridge(),
        source_domains=several.source_domains,
        final_estimator=LinearRegression(),
        residual_estimator=None,
        **FROZEN,
    ).fit(several.data, Y, sample_domain=several.domain)

    def known(X):
        return np.column_stack([experts[0].predict(X)[:, 0], experts[1].predict(X)])

    expected = LinearRegression().fit(known(X_target), Y_target).predict(known(several.test_data))
    np.testing.assert_allclose(model.predict(several.test_data), expected, atol=1e-8)
