"""low_fidelity: a cheap value of the target is known for every row."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, load, save
from skxfer.transfer.strategies._low_fidelity import FORMS

NAMES = [f"low_fidelity: {form}" for form in FORMS]


def problem(relation, n=40, seed=0):
    """Inputs, cheap value, target; the first n rows are for training."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n + 200, 4))
    hard = np.sin(4 * X[:, 0]) * np.cos(3 * X[:, 1]) + np.abs(X[:, 2])
    y = hard + 0.02 * rng.normal(size=len(X))
    cheap = {
        "value": hard,
        "scaled": (hard - 3) / 2,
        "delta": hard - 3 * X[:, 0],
        "noise": 5 * rng.normal(size=len(X)),
    }[relation]
    return pd.DataFrame(X, columns=list("abcd")).assign(cheap=cheap), y


def model(strategy="auto", learner=None, **params):
    params = {"low_fidelity": "cheap", "predict_on": "similar", "random_state": 0} | params
    return HierarchicalTransfer(Ridge(1e-3) if learner is None else learner, strategy=strategy, **params)


def error(found, X, y):
    return np.abs(found.predict(X[40:]) - y[40:]).mean()


def errors_of_forms(X, y, learner=None):
    return {
        form: error(model(name, learner, guard=False).fit(X[:40], y[:40]), X, y)
        for form, name in zip(FORMS, NAMES, strict=True)
    }


@pytest.mark.parametrize("relation", ["value", "scaled", "delta"])
def test_each_form_wins_where_the_cheap_value_is_related_in_its_way(relation):
    X, y = problem(relation)
    errors = errors_of_forms(X, y)
    assert errors[relation] < 0.03
    assert errors[relation] <= 1.1 * min(errors.values())
    alone = error(model("target_only", guard=False).fit(X[:40], y[:40]), X, y)
    assert errors[relation] < 0.1 * alone


def test_a_feature_wins_where_the_target_is_a_curve_of_the_cheap_value():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-2, 2, size=(240, 2)), columns=["a", "cheap"])
    y = np.sin(3 * X["cheap"].to_numpy()) + 0.3 * X["a"].to_numpy()
    learner = make_pipeline(StandardScaler(), SVR(C=100, epsilon=0.01, gamma=1.0))
    errors = errors_of_forms(X, y, learner)
    assert errors["feature"] < 0.3 * min(errors["value"], errors["scaled"], errors["delta"])


@pytest.mark.parametrize("relation", ["value", "scaled", "delta"])
def test_auto_is_not_above_the_best_form_by_more_than_five_percent(relation):
    found, best = [], []
    for seed in range(3):
        X, y = problem(relation, seed=seed)
        chosen = model().fit(X[:40], y[:40])
        assert chosen.strategies_ == ["target_only", *NAMES]
        assert chosen.transfer_gain_[0] > 0.5
        found.append(error(chosen, X, y))
        best.append(min(errors_of_forms(X, y).values()))
    assert np.mean(found) <= 1.05 * np.mean(best)


def test_noise_is_not_chosen():
    X, y = problem("noise")
    found = model().fit(X[:40], y[:40])
    alone = error(model("target_only", guard=False).fit(X[:40], y[:40]), X, y)
    assert error(found, X, y) < 1.05 * alone
    for name in ("value", "delta", "delta_feature"):
        assert found.weights_[0, found.strategies_.index(f"low_fidelity: {name}")] < 0.05


# who sees what --------------------------------------------------------------------------------------


class Seen(Ridge):
    """Keeps the columns that it was fitted on."""

    columns: list = []

    def fit(self, X, y, sample_weight=None):
        Seen.columns.append(list(X.columns))
        return super().fit(X, y)


def test_only_forms_with_a_feature_see_the_cheap_value():
    X, y = problem("value")
    Seen.columns = []
    model(["target_only", "low_fidelity: delta"], Seen()).fit(X[:40], y[:40])
    assert Seen.columns
    assert all(columns == list("abcd") for columns in Seen.columns)
    Seen.columns = []
    model("low_fidelity: feature", Seen(), guard=False).fit(X[:40], y[:40])
    assert [len(columns) for columns in Seen.columns] == [5]


def test_target_only_is_the_learner_without_the_column():
    X, y = problem("value")
    found = model("target_only", guard=False).fit(X[:40], y[:40])
    expected = Ridge(1e-3).fit(X[:40].drop(columns="cheap"), y[:40]).predict(X.drop(columns="cheap"))
    np.testing.assert_allclose(found.predict(X), expected)


def test_few_rows_draw_the_linear_function_to_the_value_itself():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(30):
        V = rng.normal(size=(206, 1))
        y = V[:, 0] + 0.5 * rng.standard_t(3, size=206)
        X = pd.DataFrame({"a": np.zeros(206), "cheap": V[:, 0]})
        found = model("low_fidelity: scaled", guard=False).fit(X[:6], y[:6])
        plain = LinearRegression().fit(V[:6], y[:6])
        errors.append([np.abs(P[6:] - V[6:, 0]).mean() for P in (found.predict(X), plain.predict(V))])
    found, plain = np.mean(errors, axis=0)
    assert found < 0.8 * plain


def test_delta_by_hand():
    X, y = problem("delta")
    found = model("low_fidelity: delta", guard=False).fit(X[:40], y[:40])
    rest = X.drop(columns="cheap")
    expected = X["cheap"] + Ridge(1e-3).fit(rest[:40], y[:40] - X["cheap"][:40]).predict(rest)
    np.testing.assert_allclose(found.predict(X), expected)


def test_sources_do_without_the_cheap_value():
    X, y = problem("delta", n=90)
    domain = np.repeat(["source", "target"], [50, 40])
    X.loc[:49, "cheap"] = np.nan  # never computed for source rows
    found = model(source_domains=["source"]).fit(X[:90], y[:90], sample_domain=domain)
    assert {"merge", *NAMES} <= set(found.strategies_)
    assert found.transform(X[90:]).shape == (200, 1)


# ways to give it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "at"), [(np.asarray, 4), (np.asarray, -1), (sparse.csr_array, 4)])
def test_a_column_of_an_array_goes_by_its_number(kind, at):
    X, y = problem("delta")
    expected = model("low_fidelity: delta", guard=False).fit(X[:40], y[:40]).predict(X)
    table = kind(X.to_numpy())
    found = model("low_fidelity: delta", guard=False, low_fidelity=at).fit(table[:40], y[:40])
    np.testing.assert_allclose(found.predict(table), expected, atol=1e-6)


def test_a_fitted_model_supplies_the_value():
    X, y = problem("delta")
    rest = X.drop(columns="cheap")
    cheap = FrozenEstimator(KNeighborsRegressor(1).fit(rest, X["cheap"]))
    expected = model("low_fidelity: delta", guard=False).fit(X[:40], y[:40]).predict(X)
    found = clone(model("low_fidelity: delta", guard=False, low_fidelity=cheap)).fit(rest[:40], y[:40])
    np.testing.assert_allclose(found.predict(rest), expected)


def test_of_several_columns_the_best_one_is_taken_as_it_is():
    X, y = problem("value")
    X = X.assign(worse=X["cheap"] + 0.5)
    found = model("low_fidelity: value", guard=False, low_fidelity=["worse", "cheap"]).fit(X[:40], y[:40])
    np.testing.assert_array_equal(found.predict(X), X["cheap"])


def test_several_targets_have_a_value_each():
    X, y = problem("delta")
    Y = np.column_stack([y, -2 * y])
    X = X.assign(second=-2 * y)
    found = model("low_fidelity: value", guard=False, low_fidelity=["cheap", "second"]).fit(X[:40], Y[:40])
    np.testing.assert_array_equal(found.predict(X), X[["cheap", "second"]])


def test_formulas_in_a_column_next_to_the_value():
    pytest.importorskip("matminer")
    from skxfer import CompositionFeaturizer

    formulas = [f"Na{i}Cl{j}" for i in range(1, 6) for j in range(1, 9)]
    X = pd.DataFrame({"formula": formulas, "cheap": np.arange(40.0)})
    learner = make_pipeline(CompositionFeaturizer("fractions"), KNeighborsRegressor(2))
    found = model(learner=learner, cv=3).fit(X, 2 * np.arange(40.0))
    assert found.strategies_ == ["target_only", *NAMES]
    assert np.abs(found.predict(X) - 2 * np.arange(40.0)).mean() < 0.1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("chaep", "'chaep' is not among the columns of X"),
        (["cheap", "cheap"], "none twice"),
        ([], "at least one column"),
        (list("abcd") + ["cheap"], "names all columns"),
        (["cheap", "a", "b"], None),
    ],
)
def test_what_is_wrong_with_the_parameter_is_said(given, message):
    X, y = problem("value")
    if message is None:
        with pytest.raises(ValueError, match="3 value.s. for each row and y has 2 targets"):
            model(low_fidelity=given).fit(X[:40], np.column_stack([y, y])[:40])
        return
    with pytest.raises(ValueError, match=message):
        model(low_fidelity=given).fit(X[:40], y[:40])


def test_a_name_is_not_a_column_of_an_array():
    X, y = problem("value")
    with pytest.raises(ValueError, match="name columns of a DataFrame, number those of an array"):
        model().fit(X.to_numpy()[:40], y[:40])
    with pytest.raises(ValueError, match="X has 5 columns"):
        model(low_fidelity=5).fit(X.to_numpy()[:40], y[:40])


def test_a_model_that_is_not_fitted_is_an_error():
    X, y = problem("value")
    with pytest.raises(NotFittedError, match="wrap it in sklearn.frozen.FrozenEstimator"):
        model(low_fidelity=LinearRegression()).fit(X[:40], y[:40])


def test_a_missing_value_names_its_row():
    X, y = problem("value")
    found = model("low_fidelity: value", guard=False).fit(X[:40], y[:40])
    X.loc[7, "cheap"] = np.nan
    with pytest.raises(ValueError, match="'cheap' of low_fidelity is missing in row 7"):
        model().fit(X[:40], y[:40])
    with pytest.raises(ValueError, match="'cheap' of low_fidelity is missing in row 7"):
        found.predict(X)


def test_without_a_cheap_value_there_is_a_reason():
    X, y = problem("value")
    found = model(low_fidelity=None).fit(X[:40], y[:40])
    assert "set low_fidelity" in found.skipped_["low_fidelity"]
    with pytest.raises(ValueError, match="set low_fidelity"):
        model("low_fidelity", low_fidelity=None).fit(X[:40], y[:40])


def test_an_unknown_form_is_an_error():
    X, y = problem("value")
    with pytest.raises(ValueError, match="no strategy 'low_fidelity: detla'"):
        model("low_fidelity: detla").fit(X[:40], y[:40])


def test_return_std_and_saving(tmp_path):
    pytest.importorskip("skops")
    X, y = problem("delta")
    found = model(combine="blend").fit(X[:40], y[:40])
    mean, std = found.predict(X, return_std=True)
    assert (std > 0).all()
    save(found, tmp_path / "model.skxfer")
    np.testing.assert_allclose(load(tmp_path / "model.skxfer").predict(X), mean)


def test_a_learner_of_constants_leaves_the_offset_to_the_difference():
    X, y = problem("value")
    X["cheap"] += 7
    found = model("low_fidelity: delta", make_pipeline(StandardScaler(), DummyRegressor()), guard=False)
    assert error(found.fit(X[:40], y[:40]), X, y) < 0.05
