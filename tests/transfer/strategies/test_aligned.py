"""aligned: source inputs are mapped to those of the target, then merged."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.linalg import fractional_matrix_power
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, load, save
from skxfer.transfer.strategies._aligned import Aligned, together
from skxfer.transfer.strategies._alignments import coral, subspace, transport

CUBIC = make_pipeline(PolynomialFeatures(3), StandardScaler(), Ridge(1e-3))


def other_units(n_source=200, n_target=30, seed=0, sign=1.0):
    """The target measures the same inputs in other units: x' = scale · x + offset."""
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(n_source + n_target + 200, 3))
    y = np.sin(U[:, 0]) + U[:, 1] * U[:, 2] + 0.05 * rng.normal(size=len(U))
    X = np.where(np.arange(len(U))[:, None] < n_source, U, U * [30, 0.2, 2] + [100, -5, 3])
    domain = np.repeat(["source", "target", "test"], [n_source, n_target, 200])
    y[domain == "source"] *= sign
    return X, y, domain


def model(strategy, learner, **params):
    params = {"source_domains": ["source"], "random_state": 0, "strategy": strategy} | params
    return HierarchicalTransfer(learner, **params)


def error(strategy, learner, deploy=False, **params):
    X, y, domain = other_units(**params)
    train, test = domain != "test", domain == "test"
    X_deploy = {"X_deploy": X[test]} if deploy else {}
    found = model(strategy, learner, guard=False)
    found.fit(X[train], y[train], sample_domain=domain[train], **X_deploy)
    return np.abs(found.predict(X[test]) - y[test]).mean()


@pytest.mark.parametrize("learner", [KNeighborsRegressor(4), SVR(C=10)])
def test_it_wins_where_the_same_is_measured_in_other_units(learner):
    learner = make_pipeline(StandardScaler(), learner)
    names = ("aligned", "merge", "target_only")
    errors = {name: error(name, learner, deploy=True, n_target=15) for name in names}
    assert errors["aligned"] < 0.7 * errors["target_only"]
    assert errors["aligned"] < 0.5 * errors["merge"]


def test_inputs_to_be_predicted_make_a_better_map():
    learner = make_pipeline(StandardScaler(), SVR(C=10))
    errors = [error("aligned", learner, deploy, n_target=8) for deploy in (False, True)]
    assert errors[1] < 0.6 * errors[0]


def test_it_is_not_chosen_where_rows_would_be_moved_to_wrong_places():
    """One function holds everywhere; the target has other inputs, and a map to them spoils the labels."""
    rng = np.random.default_rng(0)
    X = np.r_[rng.uniform(-3, 3, (200, 1)), rng.uniform(1, 2.5, (20, 1))]
    y = np.sin(3 * X[:, 0])
    domain = np.repeat(["source", "target"], [200, 20])
    found = model(["merge", "aligned"], KNeighborsRegressor(3), predict_on="similar")
    found.fit(X, y, sample_domain=domain)
    assert found.strategy_ == ["merge"]
    assert found.weights_[0, found.strategies_.index("aligned")] < 0.05


# the maps -------------------------------------------------------------------------------------------


def samples(n_source=300, n_target=40, n_features=4, seed=0):
    rng = np.random.default_rng(seed)
    S = rng.normal(size=(n_source, n_features)) @ rng.normal(size=(n_features, n_features)) + 5
    T = rng.normal(size=(n_target, n_features)) @ rng.normal(size=(n_features, n_features)) * 10
    return S, T


def test_coral_is_whitening_and_colouring():
    S, T = samples()
    Z_source, Z_target = ((X - X.mean(axis=0)) / X.std(axis=0) for X in (S, T))
    C_source, C_target = (Z.T @ Z / len(Z) + np.eye(4) for Z in (Z_source, Z_target))
    expected = Z_source @ fractional_matrix_power(C_source, -0.5) @ fractional_matrix_power(C_target, 0.5)
    np.testing.assert_allclose(coral(S, T).sources, T.mean(axis=0) + T.std(axis=0) * expected)


def test_coral_with_a_small_penalty_gives_the_covariance_of_the_target():
    S, T = samples()
    mapped = coral(S, T, penalty=1e-9).sources
    np.testing.assert_allclose(np.cov(mapped.T, bias=True), np.cov(T.T, bias=True), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(mapped.mean(axis=0), T.mean(axis=0))


def test_coral_undoes_other_units():
    rng = np.random.default_rng(0)
    S = rng.normal(size=(4000, 3))
    T = S[:2000] * [30, 0.2, 2] + [100, -5, 3]
    np.testing.assert_allclose(coral(S, T).sources, S * [30, 0.2, 2] + [100, -5, 3], atol=3)


def test_coral_takes_more_columns_than_rows_and_constant_ones():
    S, T = samples(50, 6, 20)
    T[:, 3] = 7.0
    mapped = coral(S, T).sources
    assert np.isfinite(mapped).all()
    np.testing.assert_allclose(mapped[:, 3], 7.0)


def test_subspace_alignment_by_hand():
    S, T = samples()
    found = subspace(S, T)
    Z_source, Z_target = ((X - X.mean(axis=0)) / X.std(axis=0) for X in (S, T))
    P_source, P_target = (np.linalg.eigh(Z.T @ Z)[1][:, ::-1] for Z in (Z_source, Z_target))
    at_target = (T - found.mean) @ found.basis
    np.testing.assert_allclose(np.abs(at_target), np.abs(Z_target @ P_target), atol=1e-9)
    mapped = Z_source @ P_source @ (P_source.T @ P_target)
    np.testing.assert_allclose(np.abs(found.sources), np.abs(mapped), atol=1e-9)


@pytest.mark.parametrize("align", [coral, subspace])
def test_each_source_has_a_map_of_its_own(align):
    S, T = samples()
    other, _ = samples(seed=1)
    parts = [align(S, T), align(other[:, :4] * 100, T)]
    joined = together(parts)
    k = parts[1].sources.shape[1]
    np.testing.assert_array_equal(joined.sources[:300], parts[0].sources[:, :k])
    np.testing.assert_array_equal(joined.sources[300:], parts[1].sources[:, :k])


def test_the_smallest_subspace_serves_all_sources():
    S, T = samples(50, 12, 6)
    joined = together([subspace(S, T), subspace(S[:3], T)])
    assert joined.sources.shape == (53, 2)
    assert joined.basis.shape == (6, 2)


def test_subspaces_have_no_more_dimensions_than_the_target_has():
    S, T = samples(50, 6, 20)
    assert subspace(S, T).sources.shape == (50, 5)


@pytest.fixture
def adaptation():
    pytest.importorskip("ot", reason="optimal transport needs POT")
    with sklearn.config_context():
        pytest.importorskip("skada", reason="optimal transport needs skada")


def test_transport_moves_rows_to_the_shifted_ones(adaptation):
    rng = np.random.default_rng(0)
    S = rng.normal(size=(150, 2))
    T = S + [20.0, -3.0]
    moved = transport(S, T[::-1]).sources
    assert np.median(np.linalg.norm(moved - T, axis=1)) < 0.35  # the penalty draws rows inwards


def test_importing_skada_leaves_the_options_of_scikit_learn(adaptation):
    code = (
        "import sys, sklearn; before = sklearn.get_config();"
        "from skxfer.transfer.strategies._alignments import skada\n"
        "assert 'skada' not in sys.modules\n"
        "with skada() as package: assert package.__name__ == 'skada'\n"
        "assert sklearn.get_config() == before, sklearn.get_config()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_without_skada_transport_is_missing_with_a_reason(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(Aligned.__init__, "__defaults__", ("transport",))
    X, y, domain = other_units()
    found = model("auto", Ridge(), predict_on="similar").fit(X, y, sample_domain=domain)
    assert "skxfer[adaptation]" in found.skipped_["aligned"]


@pytest.mark.parametrize("method", ["coral", "subspace", "transport"])
def test_every_map_serves_in_a_strategy(method, monkeypatch, request):
    if method == "transport":
        request.getfixturevalue("adaptation")
    monkeypatch.setattr(Aligned.__init__, "__defaults__", (method,))
    learner = make_pipeline(StandardScaler(), KNeighborsRegressor(4))
    assert error("aligned", learner, deploy=True) < error("merge", learner, deploy=True)


# learners and inputs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "learner",
    [
        CUBIC,
        TransformedTargetRegressor(CUBIC, transformer=StandardScaler()),
        GridSearchCV(CUBIC, {"ridge__alpha": [1e-3, 1.0]}, cv=3),
        make_pipeline(Ridge()),
    ],
)
def test_the_map_acts_after_the_steps_before_the_learner(learner):
    X, y, domain = other_units()
    found = model("aligned", learner, guard=False).fit(X, y, sample_domain=domain)
    n_columns = X.shape[1] if learner.__class__.__name__ == "Pipeline" and len(learner.steps) == 1 else 20
    assert found.estimators_["aligned"].view(X).shape == (len(X), n_columns)
    assert np.isfinite(found.predict(X)).all()


def test_a_search_over_steps_before_the_learner_is_a_reason():
    X, y, domain = other_units()
    learner = GridSearchCV(CUBIC, {"polynomialfeatures__degree": [1, 2]}, cv=3)
    rows = slice(150, 280)
    found = model("auto", learner, predict_on="similar", cv=3)
    found.fit(X[rows], y[rows], sample_domain=domain[rows])
    assert "varies steps before the learner" in found.skipped_["aligned"]


def test_columns_of_text_are_a_reason():
    class FirstColumn(LinearRegression):
        def fit(self, X, y):
            return super().fit(X[["T"]], y)

        def predict(self, X):
            return super().predict(X[["T"]])

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"base": list("ab") * 20, "T": rng.normal(size=40)})
    found = model("auto", FirstColumn(), predict_on="similar", cv=3)
    found.fit(X, X["T"], sample_domain=["source"] * 20 + ["target"] * 20)
    assert "columns that hold no numbers" in found.skipped_["aligned"]


def test_it_does_not_compete_unasked_where_inputs_are_alike():
    rng = np.random.default_rng(0)
    X, domain = rng.normal(size=(120, 5)), np.repeat(["source", "target"], [90, 30])
    found = model("auto", Ridge(), predict_on="similar").fit(X, X[:, 0], sample_domain=domain)
    assert "like means and deviations" in found.skipped_["aligned"]
    for change in (lambda x: x + 3, lambda x: 4 * x):
        moved = X.copy()
        moved[:90, 2] = change(X[:90, 2])
        found = model("auto", Ridge(), predict_on="similar").fit(moved, X[:, 0], sample_domain=domain)
        assert "aligned" in found.strategies_


def test_few_target_rows_are_a_reason():
    X, y, domain = other_units(n_target=3)
    found = model("auto", Ridge(), predict_on="similar", cv=3)
    found.fit(X[:203], y[:203], sample_domain=domain[:203])
    assert "at least 4 rows" in found.skipped_["aligned"]


def test_what_was_aligned_can_be_saved(tmp_path):
    X, y, domain = other_units()
    found = model("aligned", CUBIC, guard=False).fit(X, y, sample_domain=domain)
    save(found, tmp_path / "model.skxfer")
    np.testing.assert_allclose(load(tmp_path / "model.skxfer").predict(X), found.predict(X))
