import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV, SGDRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import SequentialTransfer
from skxfer.learners import inner_learner

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
SIZE = rng.permutation(np.repeat([16, 17, 18], [60, 40, 15]))
X = rng.normal(size=(115, 3))
y = np.sin(2 * X[:, 0]) + X[:, 1] + 0.1 * (SIZE - 16)
NEW = rng.normal(size=(200, 3))
TRUTH = np.sin(2 * NEW[:, 0]) + NEW[:, 1] + 0.2


def fit(learner, y=y, **params):
    return SequentialTransfer(learner, **params).fit(X, y, sample_domain=SIZE)


def rows(size):
    return X[size == SIZE], y[size == SIZE]


# order ------------------------------------------------------------------------------------------------


def test_stages_are_the_sorted_domains():
    model = fit(Ridge())
    assert list(model.stages_) == model.order_ == [16, 17, 18]


def test_stages_follow_the_order_given():
    model = fit(Ridge(), order=[18, 16, 17])
    assert list(model.stages_) == [18, 16, 17]


def test_the_last_domain_is_predicted():
    for last in (16, 17, 18):
        model = fit(LinearRegression(), order=[*({16, 17, 18} - {last}), last])
        np.testing.assert_array_equal(model.predict(NEW), model.stages_[last].predict(NEW))
        # A line with an intercept is corrected to the line of the last domain.
        alone = LinearRegression().fit(*rows(last)).predict(NEW)
        np.testing.assert_allclose(model.predict(NEW), alone, atol=1e-3)


def test_order_of_rows_within_the_table_does_not_matter():
    order = np.argsort(SIZE, kind="stable")
    shuffled = fit(SVR())
    sorted_ = SequentialTransfer(SVR()).fit(X[order], y[order], sample_domain=SIZE[order])
    np.testing.assert_array_equal(shuffled.predict(NEW), sorted_.predict(NEW))


@pytest.mark.parametrize("kind", [list, pd.Series, lambda s: s.astype(str), lambda s: s[:, None]])
def test_domains_come_in_any_container(kind):
    model = SequentialTransfer(SVR()).fit(X, y, sample_domain=kind(SIZE))
    np.testing.assert_array_equal(model.predict(NEW), fit(SVR()).predict(NEW))


@pytest.mark.parametrize("learner", [SVR(), ExtraTreesRegressor(5, random_state=0)])
def test_one_domain_is_the_learner_alone(learner):
    expected = clone(learner).fit(X, y).predict(NEW)
    np.testing.assert_array_equal(SequentialTransfer(learner).fit(X, y).predict(NEW), expected)


def test_default_learner_is_extra_trees():
    assert isinstance(inner_learner(fit(None, random_state=0).stages_[16]), ExtraTreesRegressor)


# what is carried --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learner", "strategy"),
    [
        (RandomForestRegressor(3), "fine_tuned"),
        (GradientBoostingRegressor(n_estimators=3), "fine_tuned"),
        (MLPRegressor(hidden_layer_sizes=(4,), max_iter=20), "fine_tuned"),
        (make_pipeline(StandardScaler(), SGDRegressor()), "fine_tuned"),
        (SVR(), "frozen_experts"),
        (KNeighborsRegressor(3), "frozen_experts"),
        (Ridge(), "frozen_experts"),
    ],
    ids=repr,
)
def test_auto_continues_where_the_learner_can(learner, strategy):
    assert fit(learner, random_state=0).strategy_ == strategy


def test_a_forest_has_the_trees_of_all_stages():
    model = fit(RandomForestRegressor(4), random_state=0)
    assert [len(stage.estimators_) for stage in model.stages_.values()] == [4, 8, 12]


def test_boosting_has_the_rounds_of_all_stages():
    model = fit(GradientBoostingRegressor(n_estimators=5), random_state=0)
    assert [stage.n_estimators_ for stage in model.stages_.values()] == [5, 10, 15]


def test_each_stage_starts_from_the_last_and_not_from_the_first():
    by_hand = SGDRegressor(random_state=0, warm_start=True)
    for size in (16, 17, 18):
        by_hand.fit(*rows(size))
    np.testing.assert_allclose(fit(SGDRegressor(random_state=0)).predict(NEW), by_hand.predict(NEW))


def test_a_perceptron_of_one_step_keeps_what_the_first_stage_taught():
    learner = MLPRegressor(hidden_layer_sizes=(30,), max_iter=150, random_state=0)
    chain = fit(learner)
    alone = clone(learner).fit(*rows(18))
    assert np.abs(chain.predict(NEW) - TRUTH).mean() < np.abs(alone.predict(NEW) - TRUTH).mean()


def corrected(previous, learner, X, y):
    """A function that corrects a previous one by ridge regression, and by the learner on what that leaves."""
    F = previous(X)[:, None]
    scaler = StandardScaler().fit(F)
    head = RidgeCV(np.logspace(-4, 3, 15), alpha_per_target=True).fit(scaler.transform(F), y)
    rest = clone(learner).fit(X, y - head.predict(scaler.transform(F)))
    return lambda Z: head.predict(scaler.transform(previous(Z)[:, None])) + rest.predict(Z)


def test_frozen_corrects_the_previous_stage():
    learner = KNeighborsRegressor(3)
    second = corrected(clone(learner).fit(*rows(16)).predict, learner, *rows(17))
    expected = corrected(second, learner, *rows(18))(NEW)
    np.testing.assert_allclose(fit(learner, strategy="frozen_experts").predict(NEW), expected, atol=1e-10)


@pytest.mark.parametrize("learner", [SVR(C=10), KNeighborsRegressor(3), ExtraTreesRegressor(20)])
def test_a_chain_of_related_domains_beats_the_last_alone(learner):
    chain = fit(learner, strategy="frozen_experts", random_state=0)
    alone = clone(learner).fit(*rows(18))
    assert np.abs(chain.predict(NEW) - TRUTH).mean() < 0.9 * np.abs(alone.predict(NEW) - TRUTH).mean()


def test_the_guard_starts_afresh_where_the_stage_before_misleads():
    misleading = np.where(SIZE == 18, y, rng.permutation(y))
    model = SequentialTransfer(KNeighborsRegressor(3), guard=True, random_state=0)
    model.fit(X, misleading, sample_domain=SIZE)
    np.testing.assert_array_equal(model.predict(NEW), KNeighborsRegressor(3).fit(*rows(18)).predict(NEW))


@pytest.mark.parametrize("strategy", ["fine_tuned", "frozen_experts"])
def test_later_stages_change_nothing_in_earlier_ones(strategy):
    learner = RandomForestRegressor(4, random_state=0)
    first = SequentialTransfer(learner, strategy=strategy).fit(
        X[SIZE == 16], y[SIZE == 16], sample_domain=SIZE[SIZE == 16]
    )
    chain = fit(learner, strategy=strategy)
    assert pickle.dumps(chain.stages_[16]) == pickle.dumps(first.stages_[16])
    short = SIZE < 18
    two = SequentialTransfer(learner, strategy=strategy).fit(X[short], y[short], sample_domain=SIZE[short])
    np.testing.assert_array_equal(chain.stages_[17].predict(NEW), two.stages_[17].predict(NEW))


# labels, weights, seeds -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["fine_tuned", "frozen_experts"])
@pytest.mark.parametrize("learner", [SGDRegressor(), MultiOutputRegressor(MLPRegressor(max_iter=5))])
def test_several_targets_with_missing_labels(strategy, learner):
    Y = np.c_[y, X[:, 2]]
    Y[::4, 0] = Y[1::4, 1] = np.nan
    prediction = fit(learner, Y, strategy=strategy, random_state=0).predict(NEW)
    assert prediction.shape == (200, 2)
    assert np.isfinite(prediction).all()


def test_a_column_of_labels_gives_a_column_of_predictions():
    column = fit(SVR(), y[:, None]).predict(NEW)
    assert column.shape == (200, 1)
    np.testing.assert_array_equal(column.ravel(), fit(SVR()).predict(NEW))


@pytest.mark.parametrize("strategy", ["fine_tuned", "frozen_experts"])
def test_rows_without_weight_count_as_dropped(strategy):
    learner = {"fine_tuned": SGDRegressor(shuffle=False, tol=None, max_iter=50), "frozen_experts": Ridge()}[
        strategy
    ]
    weight = (rng.random(115) < 0.7).astype(float)
    kept = weight > 0
    model = SequentialTransfer(learner, strategy=strategy)
    weighted = clone(model).fit(X, y + 9 * ~kept, sample_domain=SIZE, sample_weight=weight)
    dropped = clone(model).fit(X[kept], y[kept], sample_domain=SIZE[kept])
    np.testing.assert_allclose(weighted.predict(NEW), dropped.predict(NEW), atol=1e-10)


@pytest.mark.parametrize("strategy", ["fine_tuned", "frozen_experts"])
def test_random_state_makes_two_fits_identical(strategy):
    first, again, other = (
        fit(ExtraTreesRegressor(3), strategy=strategy, random_state=s).predict(NEW) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_frame_goes_through_a_pipeline():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = SequentialTransfer(make_pipeline(StandardScaler(), SVR())).fit(frame, y, sample_domain=SIZE)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    expected = fit(make_pipeline(StandardScaler(), SVR())).predict(NEW)
    prediction = model.predict(pd.DataFrame(NEW, columns=["a", "b", "c"]))
    np.testing.assert_allclose(prediction, expected, atol=0.01)  # SVR stops early, and not at the same place


# errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ([16, 17, 18, 19], r"No row has the domain 19 of order; the domains present are \[16, 17, 18\]"),
        ([16, 18], r"Domain 17 is not in order=\[16, 18\]: name its place in the chain or drop its rows"),
        ([16, 17, 18, 17], "order names a domain twice"),
    ],
)
def test_impossible_order(order, text):
    with pytest.raises(ValueError, match=text):
        fit(Ridge(), order=order)


@pytest.mark.parametrize("learner", [SVR(), make_pipeline(StandardScaler(), KNeighborsRegressor())])
def test_learner_that_cannot_continue(learner):
    with pytest.raises(TypeError, match="cannot continue from a fit: use the strategy 'frozen_experts'"):
        fit(learner, strategy="fine_tuned")


def test_order_without_domains():
    with pytest.raises(ValueError, match="No row has the domain 16 of order; the domains present are"):
        SequentialTransfer(Ridge(), order=[16, 17]).fit(X, y)


def test_missing_domain_is_named_by_its_row():
    with pytest.raises(ValueError, match="no label in row 1"):
        SequentialTransfer(Ridge()).fit(X, y, sample_domain=["a", None, *["b"] * 113])


def test_domain_without_any_weight_is_named():
    with pytest.raises(ValueError, match="Every row of domain 17 has the sample_weight 0"):
        SequentialTransfer(Ridge()).fit(X, y, sample_domain=SIZE, sample_weight=(SIZE != 17).astype(float))


def test_too_few_rows_for_the_guard_name_the_domain():
    few = np.r_[np.flatnonzero(SIZE != 18), np.flatnonzero(SIZE == 18)[:3]]
    with pytest.raises(ValueError, match="At domain 18 of the chain: .*guard=False"):
        SequentialTransfer(Ridge(), guard=True).fit(X[few], y[few], sample_domain=SIZE[few])


def test_inputs_that_are_not_finite_are_named():
    bad = X.copy()
    bad[7, 1] = np.nan
    with pytest.raises(ValueError, match="NaN: row 7, column 1"):
        SequentialTransfer(Ridge()).fit(bad, y, sample_domain=SIZE)


def test_predict_before_fit():
    with pytest.raises(NotFittedError):
        SequentialTransfer(Ridge()).predict(X)


@pytest.mark.parametrize(
    ("name", "value"), [("strategy", "all"), ("guard", 2), ("order", 16), ("estimator", 1)]
)
def test_impossible_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SequentialTransfer"):
        fit(**{"learner": Ridge(), name: value} if name != "estimator" else {"learner": 1})


def test_what_each_stage_costs_is_kept():
    X, y, size = np.arange(12.0)[:, None], np.arange(12.0), np.repeat([16, 17, 18], 4)
    model = SequentialTransfer(Ridge(), order=[16, 17, 18]).fit(X, y, sample_domain=size)
    assert list(model.stage_seconds_) == [16, 17, 18]
    assert all(seconds > 0 for seconds in model.stage_seconds_.values())
