"""NaN in X, and learners of every make: the learner decides what it takes, and errors name row and column."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import GammaRegressor, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skxfer import FeatureTransfer, HierarchicalTransfer, SequentialTransfer, TransferCV

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X @ [1.0, 2.0, 3.0]
DOMAIN = np.repeat(["gas", "water"], [36, 24])
TARGET = DOMAIN == "water"
HOLES = X.copy()
HOLES[40, 1] = HOLES[52, 0] = np.nan


class Imputing(RegressorMixin, BaseEstimator):
    """Takes NaN, and has no tag that says so."""

    def fit(self, X, y):
        self.model_ = make_pipeline(SimpleImputer(), LinearRegression()).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


def boosting():
    return HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=3)


TAKES_NAN = {
    "imputer": make_pipeline(SimpleImputer(), Ridge()),
    "imputer behind a scaler": make_pipeline(StandardScaler(), SimpleImputer(), Ridge()),
    "boosting behind a scaler": make_pipeline(StandardScaler(), boosting()),
    "search": GridSearchCV(make_pipeline(SimpleImputer(), Ridge()), {"ridge__alpha": [0.1, 1.0]}, cv=2),
    "transformed target": TransformedTargetRegressor(boosting(), transformer=StandardScaler()),
    "multi-output": MultiOutputRegressor(boosting()),
    "untagged": Imputing(),
}
takes_nan = pytest.mark.parametrize("learner", TAKES_NAN.values(), ids=TAKES_NAN)


def hierarchical(learner, **params):
    return HierarchicalTransfer(learner, source_domains=["gas"], **{"cv": 2, "random_state": 0, **params})


@takes_nan
def test_a_learner_that_takes_nan_gets_it(learner):
    for X in (HOLES, pd.DataFrame(HOLES, columns=list("abc"))):
        model = hierarchical(learner).fit(X, y, sample_domain=DOMAIN)
        assert not {"merge", "frozen_experts"} & set(model.skipped_)
        assert np.isfinite(model.predict(X)).all()
        assert np.isfinite(model.transform(X)).all()


@takes_nan
def test_a_chain_of_a_learner_that_takes_nan(learner):
    model = SequentialTransfer(learner, strategy="frozen_experts").fit(HOLES, y, sample_domain=DOMAIN)
    assert np.isfinite(model.predict(HOLES)).all()


@takes_nan
def test_transfer_cv_with_a_learner_that_takes_nan(learner):
    source = make_pipeline(SimpleImputer(), Ridge()).fit(X[~TARGET], y[~TARGET])
    model = TransferCV(source, learner, cv=2, random_state=0).fit(HOLES[TARGET], y[TARGET])
    assert model.strategies_[:4] == ["target_only", "baseline", "source_only", "frozen_experts"]
    assert np.isfinite(model.predict(HOLES)).all()


def test_features_of_an_encoder_that_takes_nan():
    encoder = make_pipeline(SimpleImputer(), PCA(2)).fit(X[~TARGET])
    model = FeatureTransfer(encoder, Ridge()).fit(HOLES[TARGET], y[TARGET])
    assert np.isfinite(model.predict(HOLES)).all()
    source = make_pipeline(SimpleImputer(), PCA(3))
    chosen = TransferCV(source.fit(X), TAKES_NAN["imputer"], cv=2).fit(HOLES[TARGET], y[TARGET])
    assert chosen.strategies_ == ["target_only", "baseline", "frozen_features"]


def test_equal_rows_with_holes_are_equal():
    copies = np.repeat([[np.nan, 1.0], [0.0, np.nan], [2.0, 3.0], [3.0, 3.0]], 5, axis=0)
    with pytest.raises(
        ValueError, match="cv=5 folds need at least as many groups of rows, there are 4 in 20"
    ):
        TransferCV(estimator=boosting(), cv=5).fit(copies, np.arange(20.0))


# a learner that fails on it ---------------------------------------------------------------------------

REFUSES_NAN = {
    "ridge": Ridge(),
    "search": GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2, error_score="raise"),
    "pipeline": make_pipeline(PCA(2), Ridge()),
    "neighbours": KNeighborsRegressor(2),
}


@pytest.mark.parametrize("learner", REFUSES_NAN.values(), ids=REFUSES_NAN)
@pytest.mark.parametrize("strategy", ["auto", "target_only", "merge", "frozen_experts"])
def test_a_learner_that_fails_on_nan_is_answered_with_row_and_column(learner, strategy):
    with pytest.raises(
        ValueError, match=r"X contains NaN: row 40, column 1 \(2 such values in 2 rows\)"
    ) as e:
        hierarchical(learner, strategy=strategy).fit(HOLES, y, sample_domain=DOMAIN)
    assert "NaN" in str(e.value.__cause__)  # what the learner said
    assert e.value.__cause__ is not e.value


def test_columns_of_frames_are_named():
    frame = pd.DataFrame(HOLES, columns=["f1", "gap", "f3"])
    with pytest.raises(ValueError, match="row 40, column 'gap'"):
        hierarchical(Ridge()).fit(frame, y, sample_domain=DOMAIN)


def test_nan_in_a_sparse_table_is_named():
    with pytest.raises(ValueError, match="X contains NaN: row 40, column 1"):
        hierarchical(Ridge(), strategy="merge").fit(sparse.csr_array(HOLES), y, sample_domain=DOMAIN)


@pytest.mark.parametrize("strategy", ["fine_tuned", "frozen_experts"])
def test_rows_of_a_chain_are_those_of_the_whole_table(strategy):
    learner = ExtraTreesRegressor(2) if strategy == "fine_tuned" else Ridge()
    model = SequentialTransfer(learner, strategy=strategy)
    if strategy == "frozen_experts":
        with pytest.raises(ValueError, match="X contains NaN: row 40, column 1"):
            model.fit(HOLES, y, sample_domain=DOMAIN)
    model.fit(X, y, sample_domain=DOMAIN)
    if strategy == "frozen_experts":
        with pytest.raises(ValueError, match="X contains NaN: row 40, column 1"):
            model.predict(HOLES)


def test_an_encoder_that_fails_on_nan_is_answered_with_row_and_column():
    model = FeatureTransfer(PCA(2).fit(X), Ridge())
    with pytest.raises(ValueError, match="X contains NaN: row 40, column 1"):
        model.fit(HOLES, y)
    model.fit(X, y)
    for method in (model.predict, model.transform):
        with pytest.raises(ValueError, match="X contains NaN: row 40, column 1"):
            method(HOLES)


def test_a_source_that_fails_on_nan_is_left_out_where_the_learner_takes_it():
    encoder = PCA(2).fit(X[~TARGET])
    model = TransferCV(encoder, TAKES_NAN["imputer"], cv=2)
    with pytest.warns(UserWarning, match="frozen_features was left out, as it failed: ValueError"):
        model.fit(HOLES[TARGET], y[TARGET])
    assert model.strategies_ == ["target_only", "baseline"]
    assert "NaN" in model.skipped_["frozen_features"]


def test_another_error_keeps_its_text_and_tells_of_nan_in_a_note():
    class Broken(Imputing):
        def fit(self, X, y):
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck") as failure:
        hierarchical(Broken(), strategy="target_only").fit(HOLES, y, sample_domain=DOMAIN)
    assert "row 40, column 1" in failure.value.__notes__[-1]


def test_infinity_is_refused_whatever_the_learner_takes():
    with pytest.raises(ValueError, match="X contains infinity: row 2, column 0"):
        hierarchical(TAKES_NAN["imputer"]).fit(np.where(X[2, 0] == X, np.inf, X), y, sample_domain=DOMAIN)


# kinds of learners ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "learner",
    [
        StackingRegressor([("ridge", Ridge()), ("trees", ExtraTreesRegressor(3))]),
        VotingRegressor([("ridge", Ridge()), ("trees", ExtraTreesRegressor(3))]),
        make_pipeline(StandardScaler(), StackingRegressor([("ridge", Ridge())])),
    ],
)
def test_learners_whose_predict_appears_after_fit(learner):
    source = Ridge().fit(X[~TARGET], y[~TARGET])
    for model in (
        hierarchical(learner),
        hierarchical(Ridge(), final_estimator=learner, residual_estimator=learner),
        SequentialTransfer(learner),
    ):
        assert np.isfinite(model.fit(X, y, sample_domain=DOMAIN).predict(X)).all()
    assert TransferCV(source, learner, cv=2).fit(X[TARGET], y[TARGET]).predict(X).shape == (60,)
    assert FeatureTransfer(PCA(2).fit(X), learner).fit(X, y).predict(X).shape == (60,)


@pytest.mark.parametrize(
    "learner",
    [
        RandomForestClassifier(3),
        make_pipeline(StandardScaler(), SVC()),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}),
        TransformedTargetRegressor(SVC()),
        MultiOutputRegressor(SVC()),
    ],
)
def test_classifiers_are_refused(learner):
    for model in (
        hierarchical(learner),
        TransferCV(estimator=learner),
        SequentialTransfer(learner),
        FeatureTransfer(estimator=learner),
    ):
        with pytest.raises(TypeError, match="estimator must be a regressor, .* is a classifier"):
            model.fit(X, (y > 0).astype(float))
    for name in ("final_estimator", "residual_estimator"):
        with pytest.raises(TypeError, match=f"{name} must be a regressor"):
            hierarchical(Ridge(), **{name: learner}).fit(X, y, sample_domain=DOMAIN)


# labels that a learner cannot have --------------------------------------------------------------------

RESTRICTED = {
    "Poisson": PoissonRegressor(),
    "gamma": GammaRegressor(),
    "logarithm": TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp, check_inverse=False),
}


@pytest.mark.parametrize("learner", RESTRICTED.values(), ids=RESTRICTED)
def test_a_strategy_that_fits_what_is_negative_is_left_out(learner):
    counts = np.exp(0.3 * y) + 0.1
    model = hierarchical(learner)
    with pytest.warns(
        UserWarning, match="The strategy frozen_experts was left out, as it failed: ValueError"
    ):
        model.fit(X, counts, sample_domain=DOMAIN)
    assert model.skipped_["frozen_experts"].startswith("it failed: ValueError: ")
    assert {"target_only", "source_only", "merge", "merge_relevant"} <= set(model.strategies_)
    assert (model.predict(X) > 0).all()
    with pytest.raises(ValueError) as failure:  # whoever names the strategy is told what went wrong
        hierarchical(learner, strategy="frozen_experts").fit(X, counts, sample_domain=DOMAIN)
    assert "This was raised while the strategy 'frozen_experts' was" in failure.value.__notes__[0]


@pytest.mark.parametrize("learner", RESTRICTED.values(), ids=RESTRICTED)
def test_a_source_that_the_learner_cannot_learn_leaves_the_target_alone(learner):
    mixed = np.where(TARGET, np.exp(0.3 * y) + 0.1, y - 1)
    with pytest.warns(UserWarning, match="was left out, as it failed"):
        model = hierarchical(learner).fit(X, mixed, sample_domain=DOMAIN)
    assert {"source_only", "merge", "frozen_experts"} <= set(model.skipped_)
    assert "target_only" in model.strategies_


# no source --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("none", [[], (), np.array([]), None])
def test_an_empty_list_names_no_source(none):
    model = HierarchicalTransfer(Ridge(), source_domains=none).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, y).predict(X))
    assert model.strategies_ == ["target_only"]
    source = FrozenEstimator(Ridge().fit(X, y))
    model = HierarchicalTransfer(Ridge(), sources=source, source_domains=none, cv=2).fit(X, y)
    assert "source_only" in model.strategies_
