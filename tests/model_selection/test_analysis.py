"""The verdict of a study, and learning curves with transfer."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains
from skxfer.model_selection import learning_curve_transfer, portability_study, portability_summary


@pytest.fixture(scope="module")
def table():
    """One source of 60 rows, 30 target rows, 20 test rows, one target."""
    problem = make_domains(60, 30, 20, 3, random_state=0)
    return problem.data, problem.target, problem.domain


def curve(table, learner=None, **params):
    params = {"source_domains": ["source_0"], "test_domains": ["test"], "train_sizes": [10, 30]} | params
    return learning_curve_transfer(learner or Ridge(), *table, **params)


def results_with(alone, transfer, gain_se=0.0, **columns):
    """Results of one learner on one target, with these errors in each test."""
    tests = [f"solvent {i}" for i in range(len(alone))]
    rows = {
        "target_only": (alone, np.zeros(len(alone))),
        "auto": (transfer, 1 - np.array(transfer) / alone),
    }
    frames = [
        pd.DataFrame(
            {
                "learner": "svr",
                "setting": setting,
                "target": "Eads",
                "test_domain": tests,
                "fold": 0,
                "seed": 0,
                "mae": mae,
                "gain": gain,
                "gain_se": gain_se,
                "strategy": "",
                "transfer_gain": np.nan,
                "error": "",
            }
            | columns
        )
        for setting, (mae, gain) in rows.items()
    ]
    return pd.concat(frames, ignore_index=True)


# the verdict ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alone, transfer, gain_se, verdict",
    [
        ([1.0, 1.0], [0.6, 0.5], 0.0, "helps"),
        ([1.0, 1.0], [1.4, 1.5], 0.0, "hurts"),
        ([1.0, 1.0], [1.0, 1.0], 0.0, "no clear gain"),  # the guard kept target_only
        ([1.0, 1.0], [0.5, 1.2], 0.0, "no clear gain"),  # 15 % on average, ± 49 %
        ([1.0], [0.9], 0.2, "no clear gain"),  # one test: the spread is that over its rows
        ([1.0], [0.9], 0.02, "helps"),
        ([1.0, 1.0], [0.995, 0.995], 0.0, "no clear gain"),  # nobody needs half a percent
        ([1.0], [0.5], np.nan, "no clear gain"),  # one test of one row: nothing is known of the spread
    ],
)
def test_the_verdict_needs_a_gain_beyond_its_spread(alone, transfer, gain_se, verdict):
    assert portability_summary(results_with(alone, transfer, gain_se))["verdict"].item() == verdict


def test_gain_is_that_of_the_mean_errors_and_spread_the_deviation_over_tests():
    row = portability_summary(results_with([1.0, 3.0], [0.5, 2.0])).iloc[0]
    assert (row["target_only"], row["auto"], row["n_tests"]) == (2.0, 1.25, 2)
    assert row["gain_percent"] == pytest.approx(100 * (1 - 2.5 / 4))
    assert row["spread_percent"] == pytest.approx(100 * np.std([1 / 2, 1 / 3], ddof=1))


def test_the_best_source_is_named():
    results = results_with([1.0], [0.5])
    for name, mae in (("gas", 3.0), ("water", 2.0)):
        results = pd.concat([results, results.iloc[:1].assign(setting=f"source_only: {name}", mae=mae)])
    row = portability_summary(results.assign(strategy="merge", transfer_gain=0.25)).iloc[0]
    assert (row["best_source"], row["source_only"]) == ("water", 2.0)
    assert (row["strategy"], row["cv_gain_percent"]) == ("merge", 25.0)


def test_a_learner_that_failed_has_no_result_and_its_error():
    results = results_with([np.nan], [np.nan], error="RuntimeError: no")
    row = portability_summary(results).iloc[0]
    assert (row["verdict"], row["error"], row["n_tests"]) == ("no result", "RuntimeError: no", 0)


def test_the_summary_of_a_real_study_has_one_row_per_learner_and_target(table):
    results = portability_study(
        ["ridge", "knn"], *table, source_domains=["source_0"], test_domains=["test"], seeds=2
    )
    summary = portability_summary(results)
    assert list(summary["learner"]) == ["ridge", "knn"]
    assert (summary["n_tests"] == 2).all()
    mean = results.groupby(["learner", "setting"], sort=False)["mae"].mean()
    np.testing.assert_allclose(summary["merge"], mean[:, "merge"])


def test_a_study_without_transfer_has_no_verdict(table):
    results = portability_study(
        ["ridge"], *table, source_domains=["source_0"], test_domains=["test"], settings=["source_only"]
    )
    row = portability_summary(results).iloc[0]
    assert row["verdict"] == "no result" and np.isnan(row["auto"]) and row["best_source"] == "source_0"


# the learning curve -----------------------------------------------------------------------------------


def test_the_end_of_the_curve_is_the_portability_study(table):
    ends = curve(table).query("n_target == 30").set_index("setting")["mae"]
    params = {"source_domains": ["source_0"], "test_domains": ["test"]}
    study = portability_study({"ridge": Ridge()}, *table, **params).set_index("setting")["mae"]
    assert ends["target_only"] == pytest.approx(study["target_only"], rel=1e-12)
    assert ends["auto"] == pytest.approx(study["auto"], rel=1e-12)
    assert ends["source_only"] == pytest.approx(study["source_only: source_0"], rel=1e-12)


def test_fewer_rows_are_drawn_with_the_seed_and_are_part_of_more(table, monkeypatch):
    X, y, domain = table
    seen = []
    fit = LinearRegression.fit

    def spy(self, X, y, **kwargs):
        seen.append(set(X[:, 0]))
        return fit(self, X, y, **kwargs)

    monkeypatch.setattr(LinearRegression, "fit", spy)
    transfer = HierarchicalTransfer(strategy="target_only", guard=False)
    curve(table, LinearRegression(), train_sizes=[5, 10, 30], transfer=transfer, seeds=2)
    sets = [rows for rows in seen if len(rows) <= 30]
    for size in (5, 10):
        assert sum(len(rows) == size for rows in sets) == 4  # two seeds; alone and as transfer
    for few in (rows for rows in sets if len(rows) == 5):
        assert any(few < more for more in sets if len(more) == 10)
    assert len({frozenset(rows) for rows in sets if len(rows) == 5}) == 2


def test_the_sources_are_fitted_once_for_all_sizes_and_seeds(table, monkeypatch):
    fits = []
    fit = LinearRegression.fit
    monkeypatch.setattr(
        LinearRegression, "fit", lambda self, X, y, **kw: fits.append(len(X)) or fit(self, X, y, **kw)
    )
    transfer = HierarchicalTransfer(strategy="target_only", guard=False)
    results = curve(table, LinearRegression(), seeds=3, transfer=transfer)
    assert fits.count(60) == 1
    source = results.query("setting == 'source_only'")
    assert list(source["n_target"]) == [10, 10, 10, 30, 30, 30] and source["mae"].nunique() == 1


def test_shares_and_numbers_of_rows_may_be_mixed(table):
    assert list(curve(table, train_sizes=[0.5, 20, 1.0])["n_target"].unique()) == [15, 20, 30]


@pytest.mark.parametrize("size", [0, 31, 1.5, 0.001])
def test_an_impossible_size_is_named(table, size):
    with pytest.raises(ValueError, match=f"train_sizes has {size}, but 30 target rows"):
        curve(table, train_sizes=[10, size])


def test_the_curve_takes_the_name_of_a_learner_and_any_number_of_jobs(table):
    one, two = (curve(table, "knn", seeds=2, n_jobs=n_jobs) for n_jobs in (1, 2))
    pd.testing.assert_frame_equal(one.drop(columns="fit_seconds"), two.drop(columns="fit_seconds"))
    assert "learner" not in one


def test_the_curve_can_be_cross_validated(table):
    X, y, domain = table
    keep = domain != "test"
    arguments = {"test_domains": None, "cv": 3, "train_sizes": [10, 20]}
    results = curve((X[keep], y[keep], domain[keep]), DecisionTreeRegressor(), **arguments)
    assert (results["error"] == "").all()
    assert len(results) == 3 * 3 * 2  # settings, folds, sizes
    assert results["n_test"].eq(10).all()


def test_sizes_too_small_for_the_guard_are_recorded_not_raised(table):
    results = curve(table, train_sizes=[1, 30])
    failed = results[results["error"] != ""]
    assert set(failed["n_target"]) == {1} and set(failed["setting"]) == {"auto"}
