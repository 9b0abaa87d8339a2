"""That scrambling tells a relation from chance, and shuffles what it should and nothing else."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import HierarchicalTransfer
from skxfer.model_selection import LeaveOneTargetDomainOut, TargetKFold, y_scrambling, y_scrambling_summary


class Recorder(RegressorMixin, BaseEstimator):
    """Predicts zero and writes down what it was fitted on."""

    fits = []

    def fit(self, X, y, sample_domain=None):
        self.fitted_ = True
        Recorder.fits.append((np.array(X), np.array(y), sample_domain))
        return self

    def predict(self, X):
        return np.zeros((len(X), 2))


@pytest.fixture
def fits():
    Recorder.fits.clear()
    return Recorder.fits


def numbers(n=30, n_targets=2):
    """Features and labels from which a row can be told; label t is 1000 t + 10 times the feature."""
    X = np.arange(float(n))[:, None]
    return X, 10 * X + 1000 * np.arange(n_targets)


def linear(n=40, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + noise * rng.normal(size=n)


def p_value(*args, **params):
    params = {"n_permutations": 19, "random_state": 0} | params
    return y_scrambling_summary(y_scrambling(*args, **params))["p_value"]


# what it says -----------------------------------------------------------------------------------------


def test_a_real_relation_has_the_smallest_p():
    assert p_value(Ridge(), *linear()).item() == 1 / 20


def test_noise_has_no_small_p():
    # Under the null hypothesis p is uniform: its mean over 20 draws is 0.5 ± 0.065.
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
        found.append(p_value(Ridge(), X, y, n_permutations=9, cv=3).item())
    assert 0.3 < np.mean(found) < 0.7 and np.mean(np.array(found) <= 0.1) < 0.35


def test_a_model_that_ignores_the_inputs_is_not_significant():
    X, y = linear()
    assert p_value(DummyRegressor(), X, y).item() == 1.0


def test_only_the_target_with_a_relation_is_significant():
    X, y = linear()
    Y = pd.DataFrame({"Eads": y, "noise": np.random.default_rng(1).normal(size=40)})
    summary = y_scrambling_summary(y_scrambling("ridge", X, Y, n_permutations=19, random_state=0))
    assert list(summary["target"]) == ["Eads", "noise"]
    assert summary["p_value"][0] == 1 / 20 and summary["p_value"][1] > 0.1


def test_differences_between_domains_alone_are_not_significant():
    rng = np.random.default_rng(0)
    domain = np.repeat(["hexane", "water"], 30)
    X = np.column_stack([domain == "water", rng.normal(size=60)]).astype(float)
    y = 5.0 * X[:, 0] + rng.normal(size=60)
    assert p_value(Ridge(), X, y).item() == 1 / 20
    assert p_value(Ridge(), X, y, sample_domain=domain).item() > 0.1


def test_the_true_errors_are_those_of_plain_cross_validation():
    X, y = linear()
    cv = KFold(4)
    results = y_scrambling(LinearRegression(), X, y, cv=cv, n_permutations=1).query("permutation == -1")
    expected = [
        np.abs(LinearRegression().fit(X[train], y[train]).predict(X[test]) - y[test]).mean()
        for train, test in cv.split(X)
    ]
    np.testing.assert_allclose(results["mae"], expected)
    assert list(results["n_test"]) == [10] * 4


# what is shuffled -------------------------------------------------------------------------------------


def test_rows_of_labels_are_shuffled_together_within_the_training_rows(fits):
    X, Y = numbers()
    y_scrambling(Recorder(), X, Y, cv=KFold(3), n_permutations=2, random_state=0)
    assert len(fits) == 9
    for number, (inputs, labels, _) in enumerate(fits):
        np.testing.assert_array_equal(np.diff(labels, axis=1), 1000)
        np.testing.assert_array_equal(np.sort(labels[:, 0]), 10 * inputs[:, 0])
        assert (labels[:, 0] == 10 * inputs[:, 0]).all() == (number < 3)


def test_labels_stay_within_their_domain(fits):
    X, Y = numbers()
    domain = np.repeat(["gas", "ether", "hexane"], 10)
    y_scrambling(Recorder(), X, Y, cv=3, n_permutations=2, sample_domain=domain, random_state=0)
    for inputs, labels, given in fits:
        np.testing.assert_array_equal(given, domain[inputs[:, 0].astype(int)])
        np.testing.assert_array_equal(labels[:, 0] // 100, inputs[:, 0] // 10)


def test_test_rows_keep_their_labels():
    X, Y = numbers()
    results = y_scrambling(Recorder(), X, Y, cv=KFold(3), n_permutations=3)
    by_fold = results.groupby(["target", "fold"])["mae"].nunique()  # the prediction is always zero
    assert (by_fold == 1).all()


def test_missing_labels_are_allowed():
    X, y = linear()
    Y = np.column_stack([y, y])
    Y[::3, 1] = np.nan
    results = y_scrambling(Ridge(), X, Y, n_permutations=19, random_state=0)
    assert results.groupby("target")["n_test"].sum().to_dict() == {"y0": 40 * 20, "y1": 26 * 20}
    assert (y_scrambling_summary(results)["p_value"] == 1 / 20).all()


def test_a_fold_without_labels_of_a_target_has_no_error():
    X, Y = numbers(12)
    Y[:4, 1] = np.nan
    results = y_scrambling(LinearRegression(), X, Y, cv=KFold(3), n_permutations=1)
    empty = results.query("fold == 0 and target == 'y1'")
    assert (empty["n_test"] == 0).all() and empty["mae"].isna().all()
    assert y_scrambling_summary(results)["true"].notna().all()


def test_the_same_seed_gives_the_same_table_on_any_number_of_jobs():
    X, y = linear()
    one, two = (y_scrambling("knn", X, y, n_permutations=3, random_state=0, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(y_scrambling("knn", X, y, n_permutations=3, random_state=1))


# domains, folds, scores -------------------------------------------------------------------------------


def test_sources_of_the_estimator_train_in_every_fold(fits):
    X, Y = numbers()
    domain = np.repeat(["gas", "ether", "hexane"], 10)

    class WithSources(Recorder):
        def __init__(self, source_domains=None):
            self.source_domains = source_domains

    results = y_scrambling(WithSources(["gas"]), X, Y, n_permutations=1, sample_domain=domain)
    assert all((given == "gas").sum() == 10 for _, _, given in fits)
    assert results.query("target == 'y0' and permutation == 0")["n_test"].sum() == 20


def test_domains_reach_the_last_step_of_a_pipeline(fits):
    X, Y = numbers()
    domain = np.repeat(["ether", "hexane"], 15)
    pipeline = make_pipeline(StandardScaler(), Recorder())
    y_scrambling(pipeline, X, Y, cv=3, n_permutations=1, sample_domain=domain)
    assert all(set(given) == {"ether", "hexane"} for _, _, given in fits)


@pytest.mark.parametrize("routing", [False, True])
def test_transfer_in_a_search_is_scrambled(routing, related):
    model = HierarchicalTransfer(
        Ridge(), source_domains=related.source_domains, strategy="merge", guard=False, cv=2, random_state=0
    )
    cv = TargetKFold(2, source_domains=related.source_domains, random_state=0)
    search = GridSearchCV(model, {"estimator__alpha": [0.1, 10.0]}, cv=cv, scoring="r2", error_score="raise")
    with config_context(enable_metadata_routing=routing):
        results = y_scrambling(
            search, related.data, related.target, cv=3, n_permutations=2, sample_domain=related.domain
        )
    summary = y_scrambling_summary(results)
    assert summary["true"].item() < summary["scrambled_best"].item()


@pytest.mark.parametrize("cv", [LeaveOneTargetDomainOut(), LeaveOneGroupOut()])
def test_splitters_get_the_domains(cv):
    X, Y = numbers()
    domain = np.repeat(["ether", "hexane"], [10, 20])
    results = y_scrambling(KNeighborsRegressor(), X, Y, cv=cv, n_permutations=1, sample_domain=domain)
    assert list(results.query("permutation == 0 and target == 'y0'")["n_test"]) == [10, 20]


def test_another_score_is_computed_beside_the_errors():
    X, y = linear()
    results = y_scrambling(Ridge(), X, y, n_permutations=3, scoring="neg_mean_absolute_error", random_state=0)
    np.testing.assert_allclose(results["score"], -results["mae"])
    errors, scores = (y_scrambling_summary(results, metric=metric) for metric in ("mae", "score"))
    np.testing.assert_allclose(scores["z"], errors["z"])
    np.testing.assert_allclose(scores["scrambled_best"], -errors["scrambled_best"])


# the summary ------------------------------------------------------------------------------------------


def table(true, scrambled, **columns):
    return pd.DataFrame(
        {"permutation": range(-1, len(scrambled)), "fold": 0, "target": "y", "mae": [true, *scrambled]}
        | columns
    )


@pytest.mark.parametrize(
    "true, p", [(0.5, 1 / 5), (1.0, 2 / 5), (3.5, 4 / 5), (9.0, 1.0)], ids=["best", "tie", "middle", "worst"]
)
def test_p_counts_the_permutations_that_are_as_good(true, p):
    assert y_scrambling_summary(table(true, [1.0, 2.0, 3.0, 4.0]))["p_value"].item() == pytest.approx(p)


def test_the_summary_describes_the_permutations():
    row = y_scrambling_summary(table(0.5, [1.0, 2.0, 3.0])).iloc[0]
    assert (row["scrambled"], row["scrambled_std"], row["scrambled_best"]) == (2.0, 1.0, 1.0)
    assert (row["z"], row["n_permutations"]) == (1.5, 3)


def test_of_r2_the_larger_is_the_better():
    results = table(0.0, [0.0, 0.0, 0.0], r2=[0.9, 0.1, 0.2, 0.3])
    row = y_scrambling_summary(results, metric="r2").iloc[0]
    assert (row["p_value"], row["scrambled_best"]) == (0.25, 0.3) and row["z"] == pytest.approx(7.0)


def test_a_permutation_that_lacks_a_fold_is_left_out():
    X, y = linear()
    results = y_scrambling(Ridge(), X, y, cv=2, n_permutations=3, random_state=0)
    attrs = results.attrs
    results = results.iloc[:-1]
    results.attrs = attrs
    assert y_scrambling_summary(results)["n_permutations"].item() == 2


# bad input --------------------------------------------------------------------------------------------


def test_domains_of_one_row_cannot_be_shuffled():
    X, y = linear(10)
    with pytest.raises(ValueError, match="Nothing can be shuffled"):
        y_scrambling(Ridge(), X, y, sample_domain=np.arange(10))


@pytest.mark.parametrize("n_permutations", [0, -1, 2.5])
def test_the_number_of_permutations_is_checked(n_permutations):
    with pytest.raises(ValueError, match="n_permutations must be a whole number above 0"):
        y_scrambling(Ridge(), *linear(), n_permutations=n_permutations)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metric must be one of mae, got 'score'"):
        y_scrambling_summary(table(1.0, [2.0]), metric="score")


def test_an_error_of_the_learner_is_raised():
    class Broken(Ridge):
        def fit(self, X, y):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        y_scrambling(Broken(), *linear())
