"""Baselines get the better of raw and featurized columns, and source rows may be fewer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import FunctionTransformer

from skxfer.model_selection import TargetKFold, portability_study


def table(n_source=60, n_target=30, n_test=20, seed=0):
    """One target is linear in x, the other in x²; both hold in all domains."""
    rng = np.random.default_rng(seed)
    n = n_source + n_target + n_test
    x = rng.uniform(-2, 2, n)
    Y = np.column_stack([x, x**2]) + 0.01 * rng.normal(size=(n, 2))
    domain = np.repeat(["source", "target", "test"], [n_source, n_target, n_test])
    return x[:, None], Y, domain


ROLES = {"source_domains": ["source"], "test_domains": ["test"]}


def test_each_target_gets_the_inputs_that_suit_it():
    results = portability_study(
        {"line": LinearRegression()}, *table(), **ROLES, featurizer=FunctionTransformer(np.square)
    )
    chosen = results.set_index(["setting", "target"])["inputs"]
    for setting in ("target_only", "merge"):
        assert chosen[setting, "y0"] == "as given"
        assert chosen[setting, "y1"] == "featurized"
        assert (results.loc[results["setting"] == setting, "mae"] < 0.02).all()
    assert set(chosen["auto"]) == set(chosen["source_only: source"]) == {""}
    source = results.set_index(["setting", "target"])["mae"]["source_only: source"]
    assert source["y0"] > 0.5 > 0.02 > source["y1"]  # the source model is featurized, as it was asked for


def test_the_choice_does_not_see_the_test_rows():
    X, Y, domain = table()
    Y_test = np.where((domain == "test")[:, None], 100 * Y, Y)
    first, second = (
        portability_study(
            {"line": LinearRegression()},
            X,
            labels,
            domain,
            **ROLES,
            featurizer=FunctionTransformer(np.square),
        )
        for labels in (Y, Y_test)
    )
    assert list(first["inputs"]) == list(second["inputs"])


def test_inputs_are_chosen_for_new_domains_where_these_are_tested():
    """Neighbours of the same domain tell its level; for a new domain, the mean of many is better."""
    rng = np.random.default_rng(0)
    names = ["source", *"abcdefghijkl", "test"]
    domain, code = np.repeat(names, 20), np.repeat(np.arange(14.0), 20)
    x, level = rng.normal(size=len(domain)), np.repeat(rng.normal(scale=3, size=14), 20)
    X, y = np.column_stack([x, 100 * code]), x + level
    neighbours = {"knn": KNeighborsRegressor(15)}
    params = {"source_domains": ["source"], "featurizer": FunctionTransformer(lambda X: X[:, :1])}
    params |= {"settings": ["target_only"]}
    new = portability_study(neighbours, X, y, domain, test_domains=["test"], **params)
    assert set(new["inputs"]) == {"featurized"}
    folds = TargetKFold(3, source_domains=["source"], random_state=0)
    similar = portability_study(neighbours, X, y, domain, cv=folds, **params)
    assert set(similar["inputs"]) == {"as given"}


def test_what_fails_on_the_test_rows_is_no_baseline():
    """Where rows are unlike all that cross-validation saw, transfer would beat what it has no choice of."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(0, 1, 60), rng.uniform(5, 6, 20)])
    y = np.where(x < 1, x, np.square(x))
    domain = np.repeat(["source", "target", "test"], [30, 30, 20])
    featurizer = FunctionTransformer(np.square)
    results = portability_study(
        {"line": LinearRegression()}, x[:, None], y, domain, **ROLES, featurizer=featurizer
    )
    assert set(results["inputs"]) == {"", "featurized"}


def test_all_runs_of_a_learner_have_the_same_inputs():
    """One fold that chooses by chance what fails would make transfer, which has no choice, look good."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, 80)
    y = x + 0.3 * x**2 + 0.1 * rng.normal(size=80)
    domain = np.repeat(["source", "target"], 40)
    folds = TargetKFold(8, source_domains=["source"], random_state=0)
    results = portability_study(
        {"line": LinearRegression()},
        x[:, None],
        y,
        domain,
        source_domains=["source"],
        featurizer=FunctionTransformer(np.square),
        cv=folds,
        settings=["target_only"],
    )
    assert results["inputs"].nunique() == 1 and len(results) == 8


class Fails(TransformerMixin, BaseEstimator):
    """Cannot transform anything."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        raise ValueError("it cannot")


def test_a_featurizer_that_fails_leaves_the_columns_as_given():
    results = portability_study({"line": LinearRegression()}, *table(), **ROLES, featurizer=Fails())
    results = results.set_index(["setting", "target"])
    assert results.loc[("target_only", "y0"), "inputs"] == "as given"
    assert results.loc[("target_only", "y0"), "error"] == ""
    assert "it cannot" in results.loc[("source_only: source", "y0"), "error"]


def test_objects_have_no_columns_to_choose_from():
    X, Y, domain = table()
    frame = pd.DataFrame({"x": X[:, 0], "name": "a"})
    lengths = FunctionTransformer(lambda table: table[["x"]])
    results = portability_study({"line": LinearRegression()}, frame, Y, domain, **ROLES, featurizer=lengths)
    assert set(results["inputs"]) <= {"", "featurized"} and set(results["error"]) == {""}


# fewer source rows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "most, expected", [(None, [5, 30, 60]), (95, [5, 30, 60]), (45, [5, 20, 20]), (3, [1, 1, 1])]
)
def test_small_sources_are_kept_whole(most, expected):
    rng = np.random.default_rng(0)
    domain = np.repeat(["a", "b", "c", "target", "test"], [5, 30, 60, 12, 9])
    X = rng.normal(size=(len(domain), 2))
    results = portability_study(
        {"line": LinearRegression()},
        X,
        X.sum(axis=1),
        domain,
        source_domains=["a", "b", "c"],
        test_domains=["test"],
        settings=["source_only", "merge"],
        max_source_rows=most,
    ).set_index("setting")["n_train"]
    assert [results[f"source_only: {name}"] for name in "abc"] == expected
    assert results["merge"] == 12 + sum(expected)


def test_learners_may_have_limits_of_their_own():
    results = portability_study(
        {"line": LinearRegression(), "other": LinearRegression()},
        *table(),
        **ROLES,
        settings=["merge"],
        max_source_rows={"line": 10},
    )
    n_train = results.groupby("learner")["n_train"].first()
    assert (n_train["line"], n_train["other"]) == (30 + 10, 30 + 60)


# single sources and predictions -----------------------------------------------------------------------


def test_each_source_is_transferred_from_alone():
    X, Y, domain = table()
    domain = domain.astype("U8")
    domain[:30] = "other"
    roles = {"source_domains": ["source", "other"], "test_domains": ["test"]}
    results = portability_study(
        {"line": LinearRegression()}, X, Y, domain, **roles, settings=["target_only", "each_source"]
    )
    assert list(results["setting"].unique()) == ["target_only", "auto: source", "auto: other"]
    assert set(results.loc[results["setting"] == "auto: other", "n_train"]) == {30 + 30}
    assert set(results["error"]) == {""}


def test_predictions_give_the_errors_of_the_table():
    results, predictions = portability_study(
        {"line": LinearRegression()}, *table(), **ROLES, return_predictions=True
    )
    error = (predictions["prediction"] - predictions["y"]).abs()
    mae = error.groupby([predictions["setting"], predictions["target"]]).mean()
    expected = results.set_index(["setting", "target"])["mae"].sort_index()
    np.testing.assert_allclose(mae.sort_index(), expected)
    has_std = predictions.groupby("setting")["std"].apply(lambda std: std.notna().all())
    assert has_std["auto"] and not has_std["target_only"]
    assert (predictions.loc[predictions["setting"] == "auto", "std"] > 0).all()
