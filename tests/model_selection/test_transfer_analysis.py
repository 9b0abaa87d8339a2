"""That transfer is compared with target_only on the same rows and seeds, for each kind of learner."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import transfer_analysis
from skxfer.featurizers import CompositionFeaturizer
from skxfer.inputs import as_object_array
from skxfer.model_selection import transfer_analysis_summary

SECONDS = ["source_seconds", "fit_seconds", "target_only_seconds"]
FITS = []


class Line(RegressorMixin, BaseEstimator):
    """A slope and an offset, of which a start from `init` may keep either; one row has no slope."""

    _parts = ("slope", "offset")

    def __init__(self, init=None, carry=None, freeze=None, random_state=None):
        self.init = init
        self.carry = carry
        self.freeze = freeze
        self.random_state = random_state

    def fit(self, X, y):
        x, y = np.asarray(X)[:, 0], np.asarray(y)
        if (x > 1e6).any():
            raise ValueError("x is out of range")
        FITS.append((self.init is None, self.random_state, sorted(x)))
        kept = () if self.init is None else self._parts if self.carry is None else self.carry
        if self.init is None and self.freeze is not None:
            raise ValueError("freeze needs init")
        slope = np.polyfit(x, y, 1)[0] if len(x) > 1 else 0.0
        self.slope_ = self.init.estimator.slope_ if "slope" in kept else slope
        self.offset_ = self.init.estimator.offset_ if "offset" in kept else np.mean(y - self.slope_ * x)
        return self

    def predict(self, X):
        return self.slope_ * np.asarray(X)[:, 0] + self.offset_


class Stopped(Line):
    """As if the user pressed Ctrl-C in the first fit from a source."""

    def fit(self, X, y):
        if self.init is not None:
            raise KeyboardInterrupt
        return super().fit(X, y)


@pytest.fixture(autouse=True)
def _no_fits_yet():
    FITS.clear()


def line(slope, offset, n=12):
    x = np.arange(float(n))
    return x[:, None], slope * x + offset


def law(n, seed, weights=(1.0, -2.0, 0.5, 1.0, 3.0)):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    return X, X @ weights + 0.05 * rng.normal(size=n)


def scrambled(X, y):
    return X, np.random.default_rng(7).permutation(y)


def verdicts(*args, **params):
    summary = transfer_analysis_summary(transfer_analysis(*args, **params))
    return dict(zip(summary["source"], summary["verdict"], strict=True))


def timeless(results):
    return results.drop(columns=SECONDS)


# known answers ----------------------------------------------------------------------------------------


def test_each_part_carries_what_it_says():
    """From 2 x + 1 to 2 x + 5 the slope is all there is to know, and the old offset is wrong by 4."""
    results = transfer_analysis(Line(), {"parallel": line(2, 1)}, line(2, 5), train_size=1)
    error = results.groupby("carry", sort=False)["error"].agg(["min", "max"])
    assert list(error.index) == ["", "slope", "all"]
    np.testing.assert_allclose(error.loc["slope"], 0.0, atol=1e-9)
    np.testing.assert_allclose(error.loc["all"], 4.0)
    few = results[results["carry"] == "slope"]
    np.testing.assert_allclose(few["gain_percent"], 100.0)
    wrong = results[results["carry"] == "all"]
    np.testing.assert_allclose(wrong["gain_percent"], 100 * (1 - 4 / wrong["target_only_error"]))


@pytest.mark.parametrize(
    "learner",
    [
        Ridge(),
        make_pipeline(StandardScaler(), Ridge()),
        SGDRegressor(max_iter=20, tol=None, random_state=0),
        RandomForestRegressor(20, min_samples_leaf=2, max_features=0.5, random_state=0),
    ],
    ids=["frozen", "frozen pipeline", "continued weights", "continued trees"],
)
def test_a_source_with_the_same_law_helps_and_one_without_does_not(learner):
    sources = {"same": law(150, 1), "none": scrambled(*law(150, 1))}
    found = verdicts(learner, sources, law(60, 2), train_size=6)
    assert found["same"] == "helps"
    assert found["none"] != "helps"


def test_a_source_with_the_opposite_law_hurts_a_learner_that_takes_few_steps():
    sgd = SGDRegressor(max_iter=2, tol=None, eta0=0.005, learning_rate="constant", random_state=0)
    opposite = law(300, 1, weights=[-3.0, 6.0, -1.5, -3.0, -9.0])
    assert verdicts(sgd, {"opposite": opposite}, law(60, 2))["opposite"] == "hurts"


def test_a_model_without_a_gain_is_no_clear_gain():
    """The mean of the labels, with and without a source that predicts a constant."""
    assert verdicts(DummyRegressor(), {"a": law(50, 1)}, law(30, 2))["a"] == "no clear gain"


# protocol ---------------------------------------------------------------------------------------------


def test_every_source_and_part_is_fitted_on_the_rows_and_seeds_of_target_only():
    sources = {"a": line(2, 1, 20), "b": line(3, 1, 20)}
    transfer_analysis(Line(), sources, line(2, 5), n_splits=3, train_size=4, seeds=2)
    on_target = [fit for fit in FITS if len(fit[2]) == 4]
    alone = {(seed, tuple(x)) for first, seed, x in on_target if first}
    started = [(seed, tuple(x)) for first, seed, x in on_target if not first]
    assert len(alone) == 3 * 2
    assert {fit: started.count(fit) for fit in alone} == dict.fromkeys(alone, 2 * 2)


def test_a_source_is_fitted_once_for_each_seed():
    transfer_analysis(Line(), {"a": line(2, 1, 20)}, line(2, 5), n_splits=3, seeds=[3, 8])
    assert len([x for _, _, x in FITS if len(x) == 20]) == 2


def test_target_only_is_what_a_plain_fit_on_these_rows_gives():
    X, y = law(40, 0)
    results = transfer_analysis(Ridge(), {"a": law(50, 1)}, (X, y), n_splits=4, test_size=0.25)
    expected = [
        np.abs(Ridge().fit(X[train], y[train]).predict(X[test]) - y[test]).mean()
        for train, test in ShuffleSplit(4, test_size=0.25, random_state=0).split(X)
    ]
    np.testing.assert_allclose(results.loc[results["kind"] == "target_only", "error"], expected)
    transferred = results[results["kind"] == "transfer"]
    np.testing.assert_allclose(transferred["target_only_error"], expected)
    assert (transferred["n_train"] == 30).all()
    assert (transferred["n_test"] == 10).all()
    assert (transferred["n_target"] == 40).all()


@pytest.mark.parametrize(
    "cv", [3, KFold(3), list(KFold(3).split(np.zeros(12)))], ids=["number", "splitter", "list"]
)
def test_splits_can_be_given(cv):
    results = transfer_analysis(Line(), {"a": line(2, 1)}, line(2, 5), cv=cv)
    assert results.groupby("split")["n_test"].first().tolist() == [4, 4, 4]


def test_the_order_of_the_sources_changes_nothing():
    sources = {"a": law(50, 1), "b": scrambled(*law(50, 3))}
    forest = RandomForestRegressor(3)
    one, other = (
        timeless(transfer_analysis(forest, dict(pairs), law(40, 2), n_splits=2, seeds=2))
        .sort_values(["kind", "source", "split", "seed"])
        .reset_index(drop=True)
        for pairs in (sources.items(), reversed(sources.items()))
    )
    pd.testing.assert_frame_equal(one, other)


def test_two_jobs_give_what_one_gives():
    sources = {"a": law(50, 1), "b": law(50, 3)}
    one, two = (
        transfer_analysis(
            RandomForestRegressor(3), sources, law(40, 2), n_splits=2, baselines={"ridge": Ridge()}, n_jobs=n
        )
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(timeless(one), timeless(two))


def test_times_are_of_the_source_fit_and_of_the_target_fit():
    results = transfer_analysis(Line(), {"a": line(2, 1), "b": Line().fit(*line(2, 1))}, line(2, 5))
    assert (results["fit_seconds"] > 0).all()
    positive = (results["source_seconds"] > 0).groupby(results["source"]).all()
    assert positive.to_dict() == {"target_only": False, "a": True, "b": False}
    summary = transfer_analysis_summary(results).iloc[1]
    both = summary["source_seconds"] + summary["fit_seconds"]
    alone = results.loc[results["kind"] == "target_only", "fit_seconds"].mean()
    assert summary["cost_ratio"] == pytest.approx(both / alone)


def test_baselines_are_fitted_on_the_same_target_rows():
    X, y = law(40, 0)
    results = transfer_analysis(
        Line(), {"a": law(50, 1)}, (X, y), n_splits=2, baselines={"linear": LinearRegression()}
    )
    expected = [
        np.abs(LinearRegression().fit(X[train], y[train]).predict(X[test]) - y[test]).mean()
        for train, test in ShuffleSplit(2, test_size=0.2, random_state=0).split(X)
    ]
    np.testing.assert_allclose(results.loc[results["source"] == "linear", "error"], expected)


# sources and parts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda model: model, FrozenEstimator], ids=["bare", "frozen"])
def test_a_fitted_source_is_used_as_it_is(wrap):
    trained = Line().fit(*line(2, 1))
    given = transfer_analysis(Line(), {"a": wrap(trained)}, line(2, 5), n_splits=2)
    fitted = transfer_analysis(Line(), {"a": line(2, 1)}, line(2, 5), n_splits=2)
    np.testing.assert_array_equal(given["error"], fitted["error"])
    assert given["domain_distance"].isna().all()


def test_parts_can_be_named_by_hand():
    carry = {"nothing": [], "offset alone": ["offset"]}
    results = transfer_analysis(Line(), {"a": line(2, 1)}, line(2, 5), carry=carry)
    assert list(results["carry"].unique()) == ["", "nothing", "offset alone"]
    nothing = results[results["carry"] == "nothing"]
    np.testing.assert_array_equal(nothing["error"], nothing["target_only_error"])


def test_what_only_a_start_from_a_model_needs_is_left_out_of_target_only():
    results = transfer_analysis(Line(carry=["slope"], freeze="slope"), {"a": line(2, 1)}, line(2, 5))
    assert (results["failure"] == "").all()
    np.testing.assert_allclose(results.loc[results["carry"] == "all", "error"], 4.0)


def test_a_learner_without_parts_carries_all():
    results = transfer_analysis(SGDRegressor(), {"a": law(50, 1)}, law(40, 2), n_splits=2)
    assert list(results["carry"].unique()) == ["", "all"]


def test_a_network_of_formulas_takes_over_its_parts():
    pytest.importorskip("skorch")
    from skxfer import LGDCNNRegressor

    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, size=(60, 3))
    formulas = as_object_array([f"C{c}H{h}O{o}" for c, h, o in counts])
    energy = counts @ [-1.0, 0.5, 2.0] / counts.sum(axis=1)
    net = LGDCNNRegressor(
        embedding=pd.DataFrame(np.eye(3), index=list("CHO")),
        calibration=None,
        hidden_dim=8,
        n_blocks=1,
        max_epochs=15,
    )
    results = transfer_analysis(
        net,
        {"related": (formulas[20:], energy[20:])},
        (list(formulas[:20]), energy[:20] + 1),
        n_splits=2,
        train_size=5,
        featurizer=CompositionFeaturizer("fractions"),
    )
    assert (results["failure"] == "").all()
    cumulative = ["embedding", "embedding + global", "embedding + global + local", "all"]
    assert list(results["carry"].unique()) == ["", *cumulative]
    assert results[results["kind"] == "transfer"].groupby("carry")["error"].first().nunique() == 4
    assert results["domain_distance"].dropna().between(0, 1).all()


# labels, inputs, scores -------------------------------------------------------------------------------


def test_several_targets_and_missing_labels_are_averaged_over_the_labels_there_are():
    X, y = law(40, 0)
    Y = np.column_stack([y, -2 * y])
    Y[3, 0] = Y[5] = np.nan
    X_source, y_source = law(60, 1)
    source = X_source, np.column_stack([y_source, -2 * y_source])
    results = transfer_analysis(Ridge(), {"a": source}, (X, Y), cv=4, random_state=1)
    assert (results["failure"] == "").all()
    assert (results["n_target"] == 39).all()
    train, test = next(KFold(4, shuffle=True, random_state=1).split(X))
    errors = []
    for t in range(2):
        rows = train[~np.isnan(Y[train, t])]
        prediction = Ridge().fit(X[rows], Y[rows, t]).predict(X[test])
        errors.append(np.nanmean(np.abs(prediction - Y[test, t])))
    assert results["error"].iloc[0] == pytest.approx(np.mean(errors))


def test_rows_without_a_label_are_in_no_fit():
    X, y = law(40, 0)
    y[:4] = np.nan
    X_source, y_source = law(60, 1)
    y_source[:10] = np.nan
    results = transfer_analysis(SGDRegressor(), {"a": (X_source, y_source)}, (X, y), n_splits=2)
    assert (results["failure"] == "").all()


def test_the_error_of_a_score_is_minus_that_score():
    X, y = law(40, 0)
    results = transfer_analysis(Ridge(), {"a": law(50, 1)}, (X, y), cv=KFold(2), scoring="r2")
    train, test = next(KFold(2).split(X))
    score = r2_score(y[test], Ridge().fit(X[train], y[train]).predict(X[test]))
    first = results.iloc[0]
    assert first["error"] == pytest.approx(-score)
    better = results["error"] < results["target_only_error"]
    np.testing.assert_array_equal(results["gain_percent"] > 0, better)


def test_a_negative_error_as_score_gives_the_error_itself():
    params = {"sources": {"a": line(2, 1)}, "target": line(2, 5)}
    plain = transfer_analysis(Line(), **params)
    scored = transfer_analysis(Line(), scoring="neg_mean_absolute_error", **params)
    pd.testing.assert_frame_equal(timeless(scored), timeless(plain))


def test_tables_with_names_are_compared_by_their_numbers():
    X, y = law(30, 0)
    table = pd.DataFrame(X, columns=list("abcde")).assign(solvent="water")
    learner = make_pipeline(_Numbers(), Ridge())
    results = transfer_analysis(learner, {"same": (table, y)}, (table, y), n_splits=2)
    assert results["domain_distance"].dropna().eq(0).all()


class _Numbers(BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = 5
        return self

    def transform(self, X):
        return X.select_dtypes("number")


def test_objects_that_nothing_describes_have_no_distance_and_that_is_said():
    def objects(X, y):
        return as_object_array([{"x": row[0]} for row in X]), y

    learner = make_pipeline(_Unpack(), LinearRegression())
    with pytest.warns(UserWarning, match="no distance between the inputs.*Pass featurizer="):
        results = transfer_analysis(learner, {"a": objects(*line(2, 1))}, objects(*line(2, 5)), n_splits=2)
    assert results["domain_distance"].isna().all()
    assert (results["failure"] == "").all()
    results = transfer_analysis(
        learner, {"a": objects(*line(2, 1))}, objects(*line(2, 5)), n_splits=2, featurizer=_Unpack()
    )
    assert results["domain_distance"].dropna().eq(0).all()


class _Unpack(BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return np.array([[entry["x"]] for entry in X])

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


# failures ---------------------------------------------------------------------------------------------


def test_a_source_that_fails_is_told_and_the_others_go_on():
    bad = line(2, 1)[0] + 1e9, line(2, 1)[1]
    results = transfer_analysis(Line(), {"bad": bad, "good": line(2, 1)}, line(2, 5), train_size=1)
    failed = results[results["failure"] != ""]
    assert set(failed["source"]) == {"bad"}
    assert (failed["failure"] == "source: ValueError: x is out of range").all()
    assert failed["error"].isna().all()
    assert results.loc[results["source"] == "good", "gain_percent"].notna().all()
    summary = transfer_analysis_summary(results).set_index("source")
    assert summary.loc["bad", "verdict"].unique() == ["no result"]
    assert summary.loc["bad", "failure"].iloc[0] == "source: ValueError: x is out of range"


def test_a_split_that_fails_leaves_the_others():
    X, y = line(2, 5)
    X = X.copy()
    X[0] = 1e9
    results = transfer_analysis(Line(), {"a": line(2, 1)}, (X, y), cv=KFold(3))
    assert (results[results["split"] > 0]["failure"] == "ValueError: x is out of range").all()
    assert (results[results["split"] == 0]["failure"] == "").all()


def test_ctrl_c_keeps_what_is_finished():
    results = transfer_analysis(Stopped(), {"a": line(2, 1)}, line(2, 5), n_splits=3)
    assert results.attrs["interrupted"]
    assert list(results["kind"]) == ["target_only"] * 3


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"sources": {}}, TypeError, "sources must be a dict"),
        ({"sources": [line(2, 1)]}, TypeError, "sources must be a dict"),
        ({"sources": {"a": 3}}, TypeError, "source 'a' must be a tuple"),
        ({"sources": {"target_only": line(2, 1)}}, ValueError, "names of their own other than 'target_only'"),
        ({"baselines": {"a": Ridge()}}, ValueError, "names of their own"),
        ({"sources": {"a": (["Fe"], [1.0])}}, ValueError, "inputs of source 'a' are of another kind"),
        ({"sources": {"a": (np.ones((3, 2)), np.ones(3))}}, ValueError, "In the source 'a': .*2 features"),
        ({"sources": {"a": ([[np.inf]], [1.0])}}, ValueError, "In the source 'a': .*infinity"),
        ({"target": ([[1.0], [2.0]], [1.0])}, ValueError, "In the target: .*2 rows, y has 1"),
        ({"sources": {"a": Ridge().fit(*line(2, 1))}}, TypeError, "'a' is a Ridge, from which a Line"),
        ({"sources": {"a": Line()}}, ValueError, "Source 'a' is not fitted"),
        ({"estimator": Line(init=Line().fit(*line(2, 1)))}, ValueError, "target_only would start from it"),
        ({"estimator": Ridge(), "carry": {"x": ["slope"]}}, ValueError, "Ridge has no parts to choose"),
        ({"carry": ["slope"]}, TypeError, "carry must be a dict"),
        ({"cv": 3, "train_size": 4}, ValueError, "leave them out with cv"),
        ({"cv": [([0, 1], [1, 2])]}, ValueError, "Split 0 of cv tests rows that it trains on"),
        ({"seeds": 0}, ValueError, "seeds must be"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(params, error, message):
    params = {"estimator": Line(), "sources": {"a": line(2, 1)}, "target": line(2, 5)} | params
    with pytest.raises(error, match=message):
        transfer_analysis(**params)


def test_the_learner_decides_about_nan():
    X, y = line(2, 5)
    holes = np.where(np.arange(len(X))[:, None] == 3, np.nan, X)
    learner = make_pipeline(SimpleImputer(), Ridge())
    runs = transfer_analysis(learner, {"a": (holes, y)}, (holes, y), n_splits=2)
    assert (runs["failure"] == "").all()
    assert np.isfinite(runs["error"]).all()


def test_a_learner_that_fails_on_nan_is_recorded_with_row_and_column():
    X, y = line(2, 5)
    holes = np.where(np.arange(len(X))[:, None] == 3, np.nan, X)
    runs = transfer_analysis(Ridge(), {"a": (X, y)}, (holes, y), cv=[([2, 3, 4], [0, 1])])
    assert runs["failure"].str.contains("X contains NaN: row 3, column 0").all()
    runs = transfer_analysis(Ridge(), {"a": (holes, y)}, (X, y), cv=[([2, 3, 4], [0, 1])])
    assert runs["failure"].str.contains("X contains NaN: row 3, column 0").tolist() == [False, True]
