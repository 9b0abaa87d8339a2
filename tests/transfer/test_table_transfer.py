"""TableTransfer: which learner is kept and why, what it says of rows outside, its card and its files."""

import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR

import skxfer
from skxfer import TableTransfer
from skxfer.datasets import load_miedema
from skxfer.folds import FoldSets
from skxfer.transfer import card_in_words
from skxfer.transfer.table import _contest
from skxfer.transfer.table._contest import Entrant, judge

rng = np.random.default_rng(0)
# The targets of these tests are simple.
pytestmark = pytest.mark.filterwarnings("ignore:.*determines the target:UserWarning")


@pytest.fixture(scope="module")
def steps():
    """60 rows: a straight line in a, and a step in b that no straight line follows."""
    table = pd.DataFrame({"a": rng.uniform(-1, 1, 60), "b": rng.uniform(-1, 1, 60)})
    return table, pd.DataFrame({"line": 3 * table["a"], "step": np.sign(table["b"])})


LEARNERS = {"line": LinearRegression(), "neighbour": KNeighborsRegressor(3)}


def transfer_problem(related):
    X, y, domain = related.data, related.target, related.domain
    return pd.DataFrame(X, columns=["x", "y", "z"]), y, domain


# which learner is kept -------------------------------------------------------------------------------


def test_each_target_gets_the_learner_that_predicts_it_best(steps):
    table, Y = steps
    table = table.assign(b=3 * table["b"])  # what is near in b is near
    model = TableTransfer(LEARNERS, random_state=0).fit(table, Y)
    assert model.learner_ == ["line", "neighbour"]
    assert set(model.models_) == {"line", "neighbour"}
    predicted = model.predict(table)
    np.testing.assert_allclose(predicted[:, 0], Y["line"], atol=1e-6)
    alone = TableTransfer({"neighbour": LEARNERS["neighbour"]}, random_state=0).fit(table, Y)
    np.testing.assert_allclose(predicted[:, 1], alone.predict(table)[:, 1])


def test_a_learner_that_is_not_kept_is_not_part_of_the_model(steps):
    table, Y = steps
    model = TableTransfer(LEARNERS, random_state=0).fit(table, Y["line"])
    assert list(model.models_) == ["line"] and model.predict(table).shape == (60,)


def test_errors_are_those_of_cross_validation(steps):
    table, Y = steps
    y = Y["step"] + 0.1 * table["a"]
    folds = list(KFold(4, shuffle=True, random_state=1).split(table))
    model = TableTransfer(LEARNERS, cv=folds).fit(table, y)
    for name, mae in zip(model.cv_results_["learner"], model.cv_results_["mae"], strict=True):
        expected = np.abs(cross_val_predict(LEARNERS[name], table.to_numpy(), y, cv=folds) - y).mean()
        assert mae == pytest.approx(expected)


@pytest.mark.parametrize("order", [["svr", "copy"], ["copy", "svr"]])
def test_in_doubt_the_first_in_the_list_is_kept(steps, order):
    table, Y = steps
    model = TableTransfer(dict.fromkeys(order, SVR()), random_state=0).fit(table, Y["step"])
    assert model.learner_ == order[:1]


@pytest.mark.parametrize("gain, kept", [(0.12, 0), (0.14, 1)])
def test_a_later_learner_must_be_better_by_half_a_standard_error(gain, kept):
    # 16 folds of one row with gains of ± 1 around their mean: the standard error is sqrt(16 / 15 * 16) / 16.
    error = 3 + np.where(np.arange(16) % 2, 1.0, -1.0)
    held_out = [np.column_stack([e, np.ones(16)]) for e in (np.full(16, 3.0) + gain, 6.0 - error)]
    entrants = [
        Entrant(str(i), None, [[(held, np.zeros(16), np.arange(16))]], 0.0) for i, held in enumerate(held_out)
    ]
    assert 0.5 * np.sqrt(16 / 15 * 16) / 16 == pytest.approx(0.1291, abs=1e-4)
    folds = FoldSets("similar", [[(np.delete(np.arange(16), row), np.array([row])) for row in range(16)]])
    assert judge(entrants, 0, folds, np.ones(16, dtype=bool)).chosen == kept


def test_the_expected_error_counts_that_the_best_of_many_was_chosen_by_chance():
    table, y = pd.DataFrame({"x": rng.normal(size=40)}), rng.normal(size=40)

    class Guess(RegressorMixin, BaseEstimator):
        """Predicts noise that depends on the row and its own number only."""

        def __init__(self, number=0):
            self.number = number

        def fit(self, X, y):
            self.n_features_in_ = 1
            return self

        def predict(self, X):
            return np.sin(1e4 * (self.number + 1) * np.asarray(X)[:, 0])

    learners = {f"guess {i}": Guess(i) for i in range(15)}
    model = TableTransfer(learners, cv=list(KFold(4).split(table))).fit(table, y)
    (expected,) = model.expected_error_[0]
    best = min(model.cv_results_["mae"])
    assert expected["mae"] > best
    assert expected["low"] <= expected["mae"] <= expected["high"]


def test_errors_of_similar_rows_and_of_new_inputs_are_told_apart():
    table = pd.DataFrame(
        {"x": np.linspace(0, 1, 40)}
    )  # neighbours know nothing of a stretch that is left out
    model = TableTransfer({"neighbour": KNeighborsRegressor(2)}, random_state=0).fit(table, table["x"])
    assert [one["use"] for one in model.expected_error_[0]] == ["similar", "new_inputs"]
    similar, new = (one["mae"] for one in model.expected_error_[0])
    assert 2 * similar < new


def test_transfer_competes_over_each_learner(related):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["ridge", "svr"], source_domains=related.source_domains, random_state=0)
    model.fit(table, y, sample_domain=domain)
    assert model.transfer_gain_[0] > 0.2 and model.strategy_ != ["target_only"]
    test = pd.DataFrame(related.test_data, columns=table.columns)
    alone = TableTransfer(["ridge", "svr"], random_state=0).fit(
        table[domain == "target"], y[domain == "target"]
    )
    error = [np.abs(m.predict(test) - related.test_target).mean() for m in (model, alone)]
    assert error[0] < error[1]
    assert f"y: {model.learner_[0]} (" in model.reason_


def test_a_learner_that_fails_costs_itself_alone(steps):
    table, Y = steps
    model = TableTransfer({"bad": SVR(C=-1.0), "good": Ridge()}, random_state=0).fit(table, Y["line"])
    assert model.learner_ == ["good"] and "C" in model.skipped_["bad"]
    with pytest.raises(ValueError, match="No learner could be fitted: bad: InvalidParameterError"):
        TableTransfer({"bad": SVR(C=-1.0)}).fit(table, Y["line"])


def test_slow_learners_see_part_of_many_source_rows_and_it_is_said(monkeypatch):
    monkeypatch.setattr(_contest, "MOST_SOURCE_ROWS", 200)
    domain = np.repeat(["large", "small", "target"], [900, 60, 20])
    x = rng.normal(size=(980, 2))
    y = x[:, 0] + 0.1 * rng.normal(size=980)
    model = TableTransfer(["svr", "ridge"], source_domains=["large", "small"], cv=2, random_state=0)
    card = model.fit(x, y, sample_domain=domain).card_
    assert card["notes"] == [
        "svr saw 238 of 960 source rows, drawn at random, as it is slow on many rows"  # 188 and 50
    ]


# rows that belong together -----------------------------------------------------------------------------


def fold_of_each_row(model):
    for folds in next(iter(model.models_.values())).cv.sets:
        fold = np.empty(sum(len(held) for _, held in folds), dtype=int)
        for k, (_, held) in enumerate(folds):
            fold[held] = k
        yield fold


def test_equal_inputs_and_groups_are_never_separated():
    cells = [
        f"{metal}{oxide}" for metal in ("Ti", "Zr", "Hf", "V", "Nb", "Ta", "Cr", "Mo") for oxide in "OSN"
    ]
    table = pd.DataFrame({"compound": np.repeat(cells, 2)})
    y, groups = rng.normal(size=48), np.repeat(np.arange(8), 6)
    model = TableTransfer({"mean": DummyRegressor()}, random_state=0)
    for fold in fold_of_each_row(model.fit(table, y)):
        assert (fold[::2] == fold[1::2]).all()
    for fold in fold_of_each_row(model.fit(table, y, groups=groups)):
        assert all(len(set(fold[groups == g])) == 1 for g in range(8))


def test_copies_of_a_row_do_not_make_the_error_small():
    x = rng.normal(size=15)
    table, y = pd.DataFrame({"x": np.repeat(x, 4)}), np.repeat(rng.normal(size=15), 4)
    model = TableTransfer({"nearest": KNeighborsRegressor(1)}, random_state=0).fit(table, y)
    # A row whose copies are seen would be predicted without any error.
    assert min(one["mae"] for one in model.expected_error_[0]) > 0.5


def test_one_different_input_is_refused():
    table = pd.DataFrame({"c": list("abbbbbb")})
    model = TableTransfer(["ridge"], source_domains=["s"])
    with pytest.raises(ValueError, match="The 6 target rows are of one group or have equal inputs"):
        model.fit(table, np.arange(7.0), sample_domain=list("stttttt"))


# what is read, and what is not --------------------------------------------------------------------------


def test_missing_numbers_reach_learners_that_take_them_and_are_imputed_for_others():
    table = pd.DataFrame({"x": rng.normal(size=40), "z": rng.normal(size=40)})
    table.loc[::5, "z"] = np.nan
    y = table["x"].to_numpy()
    model = TableTransfer(["ridge"], random_state=0).fit(table, y)
    assert np.isfinite(model.predict(table)).all()
    assert not model.skipped_


def test_an_unreadable_row_is_named_in_predict():
    table = pd.DataFrame({"x": rng.normal(size=20), "oxide": [f"Ti{i % 7 + 1}O2" for i in range(20)]})
    model = TableTransfer(["ridge"], random_state=0).fit(table, table["x"])
    bad = pd.DataFrame({"x": [0.1, np.nan], "oxide": ["TiO2", "TiO2"]})
    with pytest.raises(ValueError, match="Row 1 cannot be read: x is empty"):
        model.predict(bad)
    with pytest.raises(ValueError, match="Row 0 cannot be read: oxide: 'TiQ2' is not a formula"):
        model.predict(pd.DataFrame({"x": [0.1], "oxide": ["TiQ2"]}))
    with pytest.raises(ValueError, match="needs the column 'oxide', which the table does not have; it has x"):
        model.predict(bad[["x"]])


def test_columns_are_matched_by_name_whatever_their_order_case_and_company():
    table = pd.DataFrame({"EA_ev": rng.normal(size=30), "B": rng.normal(size=30)})
    model = TableTransfer(["ridge"], random_state=0).fit(table, table["EA_ev"] - table["B"])
    other = table[["B", "EA_ev"]].rename(columns={"EA_ev": "EA_eV"}).assign(more="text")
    np.testing.assert_array_equal(model.predict(other), model.predict(table))


def test_a_cheap_value_is_a_column():
    table = pd.DataFrame({"x": rng.normal(size=60), "cheap": 5 * rng.normal(size=60)})
    y = table["cheap"] + 0.1 * table["x"]
    model = TableTransfer({"neighbour": KNeighborsRegressor(3)}, low_fidelity="cheap", random_state=0)
    model.fit(table, y)
    assert model.strategy_[0].startswith("low_fidelity")
    assert np.abs(model.predict(table) - y).max() < 0.3


def test_rows_without_any_label_are_left_out(related):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["knn"], source_domains=related.source_domains, random_state=0)
    expected = clone(model).fit(table, y, sample_domain=domain).predict(table)
    more = pd.concat([table, table.iloc[-3:] + 7])
    labels, domains = np.append(y, [np.nan] * 3), np.append(domain, domain[-3:])
    found = model.fit(more, labels, sample_domain=domains).predict(table)
    np.testing.assert_array_equal(found, expected)


def test_a_target_without_label_in_the_target_rows_is_named(related):
    table, y, domain = transfer_problem(related)
    Y = pd.DataFrame({"known": y, "unknown": np.where(domain == "target", np.nan, y)})
    with pytest.raises(ValueError, match="'unknown' has a label in 0 of 25 target rows"):
        TableTransfer(["ridge"], source_domains=related.source_domains).fit(table, Y, sample_domain=domain)


def test_weights_and_rows_to_be_predicted_reach_the_learners(related):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["ridge", "knn"], source_domains=related.source_domains, random_state=0)
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing):
            model.fit(table, y, sample_domain=domain, sample_weight=np.ones(len(y)), X_deploy=table[-9:] + 4)
        assert model.learner_ == ["ridge"] and "sample_weight" in model.skipped_["knn"]
        assert [one["use"] for one in model.expected_error_[0]] == ["new_inputs"]


# intervals ------------------------------------------------------------------------------------------------


def test_intervals_hold_on_new_rows():
    levels, inside = (0.5, 0.8, 0.9), []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(400, 2))
        y = x[:, 0] + rng.standard_t(3, size=400)  # with outliers
        model = TableTransfer({"line": LinearRegression()}, random_state=0).fit(x[:100], y[:100])
        bounds = [model.predict_interval(x[100:], level).T for level in levels]
        inside.append([np.mean((low <= y[100:]) & (y[100:] <= high)) for low, high in bounds])
    np.testing.assert_allclose(np.mean(inside, axis=0), levels, atol=0.04)
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        model.predict_interval(x, 80)


# how far outside ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed():
    oxides = ["TiO2", "ZrO2", "HfO2", "V2O5", "Nb2O5", "Ta2O5", "CrO3", "MoO3", "WO3", "MnO2"]
    table = pd.DataFrame(
        {
            "oxide": [oxides[i % 10] for i in range(80)],
            "form": [("film", "bulk")[i % 2] for i in range(80)],
            "T": rng.uniform(300, 400, 80),
        }
    )
    return TableTransfer(["ridge"], random_state=0).fit(table, table["T"] + rng.normal(size=80)), table


def test_rows_of_the_fit_are_inside(mixed):
    model, table = mixed
    found = model.outside(table)
    assert found["is_outside"].mean() == 0 and found["outside"].max() <= 1


def test_few_held_out_target_rows_are_outside(related, mixed):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["knn"], source_domains=related.source_domains, random_state=0)
    model.fit(table, y, sample_domain=domain)
    for one in (model, mixed[0]):
        assert one.surroundings_.held_out_share_ <= 0.05
    new = model.outside(pd.DataFrame(related.test_data, columns=table.columns))
    assert new["is_outside"].mean() < 0.25  # test rows are drawn like the target rows


@pytest.mark.parametrize(
    "change, why",
    [
        ({"T": 900.0}, "T = 900, target rows: 3"),
        ({"oxide": "XeO3"}, "element Xe of oxide: in no training row"),
        ({"form": "foam"}, "category foam of form: in no training row"),
    ],
)
def test_a_row_outside_says_why(mixed, change, why):
    model, table = mixed
    found = model.outside(table.head(2).assign(**change))
    assert found["is_outside"].all() and (found["outside"] > 1).all()
    assert why in found["why_outside"].iloc[0]


def test_a_row_far_from_all_target_rows_is_outside_though_each_number_is_in_range():
    corner = np.array([[i, -i] for i in np.linspace(-1, 1, 60)]) + 0.01 * rng.normal(size=(60, 2))
    model = TableTransfer(["ridge"], random_state=0).fit(
        pd.DataFrame(corner, columns=["p", "q"]), corner[:, 0]
    )
    found = model.outside(pd.DataFrame({"p": [0.5, 0.0], "q": [0.5, 0.0]}))
    assert found["is_outside"].tolist() == [True, False]
    assert (
        found["why_outside"][0].endswith("as is usual, most of all in q and p")
        or "in p" in found["why_outside"][0]
    )


def test_a_new_element_is_no_sign_where_each_target_row_has_its_own():
    metals = re.findall("[A-Z][a-z]?", "LiNaKRbCsBeMgCaSrBaTiZrHfVNbTaCrMoWMnFeCoNiCuZn")
    table = pd.DataFrame({"compound": [f"{metal}O" for metal in metals]})
    model = TableTransfer(["ridge"], random_state=0).fit(table, rng.normal(size=25))
    assert not model.surroundings_.counts_unseen_


# card and files -------------------------------------------------------------------------------------------


def test_the_card_says_what_the_model_rests_on(related):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["ridge", "knn"], source_domains=related.source_domains, random_state=0)
    card = model.fit(table, pd.Series(y, name="gap"), sample_domain=domain).card_
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    assert card["data"]["rows"] == [
        {"domain": "source_0", "role": "source", "rows": 150, "labels": {"gap": 150}},
        {"domain": "target", "role": "target", "rows": 25, "labels": {"gap": 25}},
    ]
    assert [column["kind"] for column in card["data"]["columns"]] == ["number"] * 3
    assert card["choice"]["gap"]["learner"] == model.learner_[0]
    assert sum(card["choice"]["gap"]["shares"].values()) == pytest.approx(1)
    assert card["data"]["targets"][0]["error_of_median"] == pytest.approx(
        np.abs(y[domain == "target"] - np.median(y[domain == "target"])).mean()
    )
    text = "\n".join(card_in_words(card))
    assert all(len(line) <= 100 for line in text.split("\n"))
    for part in ("expected error of gap", "source source_0: 150 rows", "Please cite", "BSD-3-Clause"):
        assert part in text


def test_leaks_are_in_the_card_and_warned_of(steps):
    table, Y = steps
    with pytest.warns(UserWarning, match="determines the target"):
        model = TableTransfer(["ridge"], random_state=0).fit(table, Y["line"])
    assert "determines_target" in [one["check"] for one in model.card_["checks"]]


@pytest.mark.filterwarnings("ignore")
def test_files_and_pickles_bring_back_the_same_model(mixed, tmp_path):
    model, table = mixed
    new = table.head(5).assign(T=[310.0, 320.0, 900.0, 330.0, 340.0])
    skxfer.save(model, tmp_path / "model.skxfer")
    for other in (skxfer.load(tmp_path / "model.skxfer"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(
            other.predict(new, return_std=True), model.predict(new, return_std=True)
        )
        pd.testing.assert_frame_equal(other.outside(new), model.outside(new))
        assert other.card_ == model.card_
        np.testing.assert_array_equal(other.predict_interval(new), model.predict_interval(new))


def test_it_is_cloned_and_searched():
    data = load_miedema(as_frame=True)
    rows = np.arange(0, len(data.target), 12)
    search = GridSearchCV(
        TableTransfer(["ridge"], cv=2, random_state=0), {"learners": [["knn"], ["ridge"]]}, cv=2
    )
    search.fit(data.data.iloc[rows], data.target.iloc[rows])
    assert search.best_params_["learners"] in (["knn"], ["ridge"])
    assert list(search.best_estimator_.feature_names_in_) == ["formula"]


def test_fits_with_one_seed_are_the_same(related):
    table, y, domain = transfer_problem(related)
    model = TableTransfer(["et", "ridge"], source_domains=related.source_domains, cv=2, random_state=3)
    first, second = (clone(model).fit(table, y, sample_domain=domain) for _ in range(2))
    np.testing.assert_array_equal(
        first.predict(table, return_std=True), second.predict(table, return_std=True)
    )
    assert first.cv_results_["mae"] == second.cv_results_["mae"]
