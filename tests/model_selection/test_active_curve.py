import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from skxfer import HierarchicalTransfer
from skxfer.model_selection import active_curve, active_curve_summary

rng = np.random.default_rng(0)
X = rng.permutation(np.arange(100.0))[:, None]
Y = X[:, 0] / 10  # the best rows are the last numbers


class Oracle(RegressorMixin, BaseEstimator):
    """Knows the labels; `sign` -1 takes the worst for the best."""

    def __init__(self, sign=1.0, source_domains=None):
        self.sign = sign
        self.source_domains = source_domains

    def fit(self, X, y, sample_domain=None):
        self.fitted_ = True
        return self

    def predict(self, X, return_std=False):
        value = self.sign * X[:, 0] / 10
        return (value, np.full(len(X), 1e-3)) if return_std else value


def curve(estimator=None, *args, **options):
    options = {"n_start": 4, "n_per_round": 3, "n_rounds": 2, "seeds": 3, "baselines": []} | options
    return active_curve(Oracle() if estimator is None else estimator, X, Y, *args, **options)


def merge(related):
    return HierarchicalTransfer(Ridge(), source_domains=related.source_domains, strategy="merge", guard=False)


# what the numbers are ---------------------------------------------------------------------------------


def test_a_model_that_knows_the_labels_finds_the_best_rows_first():
    table = curve(test_size=0.0, diversity=0.0)
    assert table["round"].tolist() == [0, 1, 2] * 3
    assert table["n_labelled"].tolist() == [4, 7, 10] * 3
    after = table[table["round"] == 1]
    np.testing.assert_array_equal(after[["best", "gap", "rank"]], [[9.9, 0.0, 0.0]] * 3)
    assert (after["found"] >= 3 / 5).all()
    assert (table[table["round"] == 2]["found"] == 1.0).all()


def test_a_model_that_is_wrong_about_the_goal_finds_none():
    table = curve(Oracle(-1.0), test_size=0.0, diversity=0.0, seeds=[0])
    start = table[table["round"] == 0].iloc[0]
    assert (table["best"] == start["best"]).all()
    assert (table["found"] == start["found"]).all()


def test_rank_and_gap_are_counted_among_the_rows_that_could_be_chosen():
    table = curve(test_size=0.0, seeds=[5], n_rounds=1)
    start = table.iloc[0]
    assert start["gap"] == pytest.approx(9.9 - start["best"])
    assert start["rank"] == pytest.approx((9.9 - start["best"]) * 10 / 100)


def test_a_number_as_goal_is_approached():
    table = curve(goal=4.2, test_size=0.0, diversity=0.0)
    assert (table[table["round"] == 1]["best"] == 4.2).all()


def test_the_error_is_that_of_the_rows_held_out():
    table = curve(DummyRegressor(), test_size=0.5, seeds=[0], committee=3, n_rounds=1)
    few = np.random.RandomState(0).permutation(100)
    test, start = few[:50], few[50:54]
    assert table["mae"][0] == pytest.approx(np.abs(Y[test] - Y[start].mean()).mean())


def test_without_test_rows_there_is_no_error_of_the_model():
    assert curve(test_size=0.0)["mae"].isna().all()


def test_exploring_has_no_best_row():
    table = curve(goal="explore")
    assert table[["best", "gap", "rank", "found"]].isna().all(axis=None)
    assert table["mae"].notna().all()


def test_all_arms_start_from_the_same_rows(related):
    table = active_curve(
        merge(related),
        related.data,
        related.target,
        related.domain,
        n_start=6,
        n_rounds=1,
        seeds=3,
        baselines=["random", "target_only", "random, target_only"],
        committee=3,
    )
    start = table[table["round"] == 0].pivot_table(index="seed", columns="arm", values="best")
    assert start.shape == (3, 4)
    assert (start.nunique(axis=1) == 1).all()
    error = table[table["round"] == 0].pivot_table(index="seed", columns="arm", values="mae")
    np.testing.assert_allclose(error["active"], error["random"])
    np.testing.assert_allclose(error["target_only"], error["random, target_only"])
    assert (error["active"] < error["target_only"]).all()
    assert table.attrs["n_pool"] == 20
    assert table.attrs["source_domains"] == ["source_0"]


def test_target_only_is_the_learner_on_the_target_rows(related):
    table = active_curve(
        merge(related),
        related.data,
        related.target,
        related.domain,
        n_start=6,
        n_rounds=1,
        seeds=[3],
        baselines="random, target_only",
    )
    few = np.random.RandomState(3).permutation(np.flatnonzero(related.domain == "target"))
    test, start = few[:5], few[5:11]
    plain = Ridge().fit(related.data[start], related.target[start])
    error = np.abs(plain.predict(related.data[test]) - related.target[test]).mean()
    found = table[(table["arm"] == "random, target_only") & (table["round"] == 0)]["mae"].item()
    assert found == pytest.approx(error)


def test_random_rows_are_drawn_without_replacement_until_none_is_left():
    table = curve(n_rounds=50, baselines="random", test_size=0.2)
    table = table[(table["arm"] == "random") & (table["seed"] == 0)]
    assert table["n_labelled"].tolist() == [*range(4, 80, 3), 80]
    assert table["found"].iloc[-1] == 1.0


def test_the_loop_ends_when_the_rows_left_equal_labelled_ones():
    copies = np.repeat(np.arange(10.0), 10)[:, None]
    table = active_curve(
        Oracle(),
        copies,
        copies[:, 0],
        n_start=4,
        n_per_round=4,
        n_rounds=9,
        seeds=1,
        baselines=[],
        test_size=0,
    )
    assert table["error"].eq("").all()
    assert table["n_labelled"].iloc[-1] <= 4 + 10


def test_results_do_not_depend_on_the_number_of_jobs(related):
    options = {"n_start": 6, "n_rounds": 1, "seeds": 2, "committee": 3}
    one, two = (
        active_curve(merge(related), related.data, related.target, related.domain, n_jobs=n, **options)
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(one.drop(columns="fit_seconds"), two.drop(columns="fit_seconds"))


def test_rows_without_a_label_are_never_chosen():
    labels = np.where(np.arange(100) % 4, Y, np.nan)
    table = active_curve(Oracle(), X, labels, n_start=4, n_rounds=30, seeds=1, baselines=[], test_size=0.0)
    assert table["n_labelled"].iloc[-1] == 75
    assert table["best"].notna().all()


def test_one_of_several_targets_is_the_goal():
    labels = pd.DataFrame({"gap": Y, "mass": -Y})
    options = {"n_start": 6, "n_rounds": 3, "seeds": 2, "baselines": [], "committee": 3, "test_size": 0}
    table = active_curve(Ridge(), X, labels, target="mass", **options)
    assert table.attrs["target"] == "mass"
    assert (table.groupby("seed")["best"].last() == 0.0).all()
    with pytest.raises(ValueError, match="y has the targets"):
        active_curve(Ridge(), X, labels, **options)


def test_a_loop_that_fails_costs_its_own_rows_only():
    class Fails(Oracle):
        def predict(self, X, return_std=False):
            if self.sign < 0:
                raise RuntimeError("no convergence")
            return super().predict(X, return_std)

    table = active_curve(Fails(-1.0), X, Y, n_start=4, n_rounds=1, seeds=2, baselines=["random"], test_size=0)
    failed = table[table["arm"] == "active"]
    assert failed["error"].str.contains("no convergence").all()
    assert failed["seed"].tolist() == [0, 1]
    assert (table[table["arm"] == "random"]["error"] == "").all()


# the summary ------------------------------------------------------------------------------------------


def made(arm, seed, rank, found, stop=None):
    n = len(rank)
    return pd.DataFrame(
        {
            "arm": arm,
            "seed": seed,
            "round": range(n),
            "n_labelled": 5 + 5 * np.arange(n),
            "rank": rank,
            "found": found,
            "gap": rank,
            "mae": 1.0,
            "stop": [None] * n if stop is None else stop,
            "error": "",
        }
    )


def test_the_summary_counts_labels_until_the_first_of_the_best_rows():
    results = pd.concat(
        [
            made("active", 0, [0.3, 0.04, 0.0], [0.0, 0.2, 0.6], [False, False, True]),
            made("active", 1, [0.3, 0.06, 0.01], [0.0, 0.0, 0.2], [False, True, True]),
            made("active", 2, [0.3, 0.3, 0.3], [0.0, 0.0, 0.0], [False, False, False]),
            made("random", 0, [0.3, 0.3, 0.02], [0.0, 0.0, 0.2]),
            made("random", 1, [0.3, 0.3, 0.3], [0.0, 0.0, 0.2]),
            made("random", 2, [0.3, 0.3, 0.3], [0.0, 0.2, 0.2]),
        ]
    )
    summary = active_curve_summary(results, reach=0.05).set_index("arm")
    assert summary["labels_to_reach"].tolist() == [15, np.inf]
    assert summary["reached"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert summary["found"].tolist() == pytest.approx([0.8 / 3, 0.2])
    assert summary["wins"].tolist() == pytest.approx([1.5 / 3, 0.5])  # one more, one equal, one less
    assert summary["labels_at_stop"].tolist() == [15, np.inf]


def test_a_failed_seed_is_left_out_of_the_summary():
    results = pd.concat([made("active", 0, [0.0], [1.0]), made("active", 1, [0.5], [0.0])])
    results.loc[results["seed"] == 1, "error"] = "it failed"
    assert active_curve_summary(results)["n_seeds"].tolist() == [1]


def test_exploring_is_judged_by_the_error_of_the_model():
    results = pd.concat([made("active", 0, [np.nan], [np.nan]), made("random", 0, [np.nan], [np.nan])])
    results.loc[results["arm"] == "active", "mae"] = 0.5
    summary = active_curve_summary(results).set_index("arm")
    assert summary.loc["active", "wins"] == 1.0
    assert np.isnan(summary.loc["active", "labels_to_reach"])


# errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baselines": ["greedy"]}, "no baseline 'greedy'"),
        ({"baselines": ["target_only"]}, "Oracle has no sources"),
        ({"n_start": 80}, "n_start is 80, but without the test rows there are 80"),
        ({"n_rounds": 0}, "n_rounds must be a whole number above 0"),
        ({"top": 0.0}, "top must be a share"),
        ({"test_size": 1.0}, "test_size must be a share below 1"),
        ({"goal": "best"}, "goal must be"),
        ({"committee": 1}, "The 'committee' parameter of ActiveTransfer"),
        ({"target": "mass"}, "no target 'mass'"),
    ],
)
def test_wrong_options_are_named(options, message):
    estimator = Ridge() if "target" in str(options.get("baselines")) else Oracle()
    with pytest.raises(ValueError, match=message.replace("Oracle", type(estimator).__name__)):
        curve(estimator, **options)


def test_sources_need_domains(related):
    with pytest.raises(ValueError, match="pass sample_domain"):
        active_curve(merge(related), related.data, related.target)
