"""TransferCV: what competes, who wins and why, and that sources stay as they are."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

import skxfer
from skxfer import CompositionFeaturizer, FeatureTransfer, HierarchicalTransfer, TransferCV
from skxfer.formulas import composition_groups
from skxfer.learners import inner_learner
from skxfer.transfer._rows import read_inputs
from skxfer.transfer.strategies import FrozenStack


class Linear(TransformerMixin, RegressorMixin, BaseEstimator):
    """Ridge regression towards the coefficients of `init`; `transform` is what it predicts."""

    def __init__(self, alpha=1.0, init=None, random_state=None):
        self.alpha = alpha
        self.init = init
        self.random_state = random_state

    def fit(self, X, y):
        X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        init = self.init.estimator if isinstance(self.init, FrozenEstimator) else self.init
        start = np.zeros(X.shape[1:] + y.shape[1:]) if init is None else init.coef_
        step = np.linalg.solve(X.T @ X + self.alpha * np.eye(X.shape[1]), X.T @ (y - X @ start))
        self.coef_ = start + step
        return self

    def predict(self, X):
        return np.asarray(X, dtype=float) @ self.coef_

    def transform(self, X):
        return self.predict(X).reshape(len(X), -1)

    def __sklearn_clone__(self):
        return Linear(self.alpha, self.init, self.random_state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class Towards(Linear):
    """Of another class."""


rng = np.random.default_rng(0)
LAW = rng.standard_normal(20)
OTHER = 3 * rng.standard_normal(20)  # that of a source that has nothing to do with the target
SOURCE_X = rng.standard_normal((200, 20))
X = rng.standard_normal((25, 20))
y = X @ LAW + 0.1 * rng.standard_normal(25)
NEW = rng.standard_normal((200, 20))
RELATED = Linear().fit(SOURCE_X, SOURCE_X @ (LAW + 0.1))
UNRELATED = Linear().fit(SOURCE_X, SOURCE_X @ OTHER)
WITHOUT_TREES = [("baseline", Ridge(10.0))]
FOLDS = list(KFold(5, shuffle=True, random_state=3).split(X))


def fitted(source=RELATED, y=y, **params):
    return TransferCV(source, **{"candidates": WITHOUT_TREES, "random_state": 0, **params}).fit(X, y)


def results(model):
    return pd.DataFrame(model.cv_results_).set_index("strategy")


# what competes ----------------------------------------------------------------------------------------


OF_SOURCES = ["source_only", "frozen_experts", "frozen_features"]


def alone(strategy, *args, **params):
    """What a strategy fits."""
    return fitted(*args, strategy=strategy, guard=False, candidates=None, **params).estimators_[strategy]


def test_with_a_source_that_can_do_all_it_competes_in_all_ways():
    model = fitted(candidates=None, cv=2)
    assert model.strategies_ == ["target_only", "baseline", *OF_SOURCES, "fine_tuned"]
    assert {"merge", "merge_relevant"} <= set(model.skipped_)
    assert alone("target_only").init is None
    assert alone("fine_tuned").init.estimator is RELATED
    assert isinstance(alone("frozen_features"), FeatureTransfer)
    assert isinstance(alone("frozen_experts"), FrozenStack)
    baseline = fitted(candidates=None, cv=2, source=None, estimator=DummyRegressor()).estimators_["baseline"]
    assert isinstance(inner_learner(baseline), GradientBoostingRegressor)


def test_with_several_sources_each_is_fine_tuned_and_all_are_frozen_together():
    sources = [("near", RELATED), ("far", FrozenEstimator(UNRELATED))]
    model = fitted(sources, cv=2)
    tuned = ["fine_tuned: near", "fine_tuned: far"]
    assert model.strategies_ == ["target_only", "baseline", *OF_SOURCES, *tuned]
    assert model.experts_ == [("near", RELATED), ("far", UNRELATED)]
    assert [name for name, _ in alone("frozen_features", sources).encoder] == ["near", "far"]
    assert alone("frozen_experts", sources).coefficients(2).shape == (1, 2)


def test_a_source_that_only_predicts_is_used_as_an_expert():
    model = fitted(Ridge().fit(SOURCE_X, SOURCE_X @ LAW), cv=2)
    assert model.strategies_ == ["target_only", "baseline", "source_only", "frozen_experts"]
    assert model.skipped_["frozen_features"] == "no trained source has transform"
    assert model.skipped_["fine_tuned"] == "Ridge cannot continue from a fit"
    assert model.strategy_ == ["source_only"]


def test_a_source_of_other_targets_gives_features_but_is_no_expert():
    both = Linear().fit(SOURCE_X, np.column_stack([SOURCE_X @ LAW, SOURCE_X @ OTHER]))
    sources = [("both", both), ("near", RELATED)]
    assert [name for name, _ in alone("frozen_features", sources).encoder] == ["both", "near"]
    assert fitted(sources, candidates=[("fine_tuned: both", "drop")], cv=2).experts_ == [("near", RELATED)]
    only = fitted(both, candidates=[*WITHOUT_TREES, ("fine_tuned", "drop")], cv=2)
    assert only.skipped_["frozen_experts"] == "no source predicts 1 target(s), as y has"


def test_what_has_features_but_predicts_no_numbers_is_no_expert():
    clusters = KMeans(3, n_init=1, random_state=0).fit(SOURCE_X)
    classes = LinearDiscriminantAnalysis().fit(SOURCE_X, SOURCE_X @ LAW > 0)
    for source in (clusters, classes):
        model = fitted(source, estimator=Ridge(), cv=2)
        assert model.strategies_ == ["target_only", "baseline", "frozen_features"]
        # Nor is it what the target's learner is derived from.
        assert fitted(source, cv=2, combine="blend").estimators_.keys() <= set(model.strategies_)


def test_parameters_of_the_one_fit_of_a_source_are_not_handed_on():
    class OneFit(Linear):
        _parameter_constraints = {
            "calibration": [float, None],
            "learning_rate": [float, None],
            "max_epochs": [int, None],
        }

        def __init__(self, alpha=1.0, init=None, calibration=0.1, learning_rate=None, max_epochs=None):
            super().__init__(alpha, init)
            self.calibration, self.learning_rate, self.max_epochs = calibration, learning_rate, max_epochs

        def __sklearn_clone__(self):
            return OneFit(self.alpha, self.init, self.calibration, self.learning_rate, self.max_epochs)

    names = ("alpha", "calibration", "learning_rate", "max_epochs")
    source = OneFit(alpha=3.0, learning_rate=0.02, max_epochs=3).fit(SOURCE_X, SOURCE_X @ LAW)
    for strategy in ("target_only", "fine_tuned"):
        params = alone(strategy, source).get_params()
        assert [params[name] for name in names] == [3, None, None, None]
    assert (source.calibration, source.learning_rate, source.max_epochs) == (0.1, 0.02, 3)
    given = OneFit(learning_rate=0.02, max_epochs=3)
    for strategy in ("target_only", "fine_tuned"):  # one that is given is used as it is
        params = alone(strategy, source, estimator=given).get_params()
        assert [params[name] for name in names] == [1, 0.1, 0.02, 3]


def test_a_learning_rate_that_must_be_a_number_stays():
    source = GradientBoostingRegressor(n_estimators=3, learning_rate=0.3).fit(SOURCE_X, SOURCE_X @ LAW)
    assert alone("target_only", source).learning_rate == 0.3


def test_an_estimator_of_another_class_is_not_fine_tuned():
    model = fitted(estimator=Ridge(), cv=2)
    assert model.strategies_ == ["target_only", "baseline", *OF_SOURCES]
    other = fitted(estimator=Towards(), cv=2)
    assert other.skipped_["fine_tuned"] == "source 'source' is a Linear, not a Towards"


def test_an_estimator_of_its_own_parameters_is_fine_tuned_with_them():
    estimator = Linear(alpha=7.0, init=UNRELATED)
    plain, tuned = (alone(name, estimator=estimator) for name in ("target_only", "fine_tuned"))
    assert (plain.alpha, plain.init) == (7.0, None)
    assert (tuned.alpha, tuned.init.estimator) == (7.0, RELATED)


def test_without_a_source_the_target_alone_competes_with_the_baseline():
    model = TransferCV(cv=2, random_state=0).fit(X, y)
    assert model.strategies_ == ["target_only", "baseline"]
    assert isinstance(inner_learner(alone("target_only", None)), ExtraTreesRegressor)


def test_candidates_replace_extend_and_drop():
    more = [("baseline", DummyRegressor()), ("frozen_features", "drop"), ("mine", Ridge())]
    model = fitted(candidates=more, cv=2)
    assert model.strategies_ == [
        *("target_only", "baseline", "source_only", "frozen_experts", "fine_tuned", "mine")
    ]
    mean = np.abs(cross_val_predict(DummyRegressor(), X, y, cv=FOLDS) - y).mean()
    assert results(fitted(candidates=more, cv=FOLDS)).loc["baseline", "mae"] == pytest.approx(mean)


def test_dropping_what_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="no strategy 'frosen' to drop, only"):
        fitted(candidates=[("frosen", "drop")])


def test_dropping_everything_is_an_error():
    with pytest.raises(ValueError, match="No strategy is left: give sources, estimator or candidates"):
        TransferCV(candidates=[("target_only", "drop"), ("baseline", "drop")]).fit(X, y)


def test_a_classifier_as_candidate_is_an_error():
    with pytest.raises(TypeError, match="The candidate 'yes or no' must be a regressor, SVC is a classifier"):
        fitted(candidates=[("yes or no", SVC())])


@pytest.mark.parametrize("entry", [Ridge(), ("a", 3), ("a",), (1, Ridge())])
def test_a_candidate_of_another_form_is_an_error(entry):
    with pytest.raises(TypeError, match="candidates must be a list of"):
        fitted(candidates=[entry])


def test_objects_that_are_no_formulas_have_no_baseline():
    objects = [frozenset(enumerate(row)) for row in X]
    back = FunctionTransformer(lambda X: np.array([[dict(item)[j] for j in range(20)] for item in X]))
    encoder = make_pipeline(back, Linear()).fit(
        [frozenset(enumerate(row)) for row in SOURCE_X], SOURCE_X @ LAW
    )
    model = TransferCV(encoder, random_state=0).fit(objects, y)
    assert model.strategies_ == ["target_only", *OF_SOURCES, "fine_tuned"]
    assert model.strategy_[0] in (*OF_SOURCES, "fine_tuned")


def test_formulas_have_magpie_descriptors_as_a_baseline():
    pytest.importorskip("matminer", reason="Magpie descriptors need matminer")
    formulas = [a + b for a in ("Na", "K", "Li", "Mg", "Ca") for b in ("F", "Cl", "Br", "I", "O", "S")]
    fractions = [{part: 1.0 for part in re.findall("[A-Z][a-z]?", formula)} for formula in formulas]

    def frame(rows):
        return pd.DataFrame({"formula": rows})

    def column(rows):
        return frame(rows).to_numpy()

    for kind in (list, pd.Series, frame, column, lambda rows: fractions[: len(rows)]):
        model = TransferCV(cv=2, random_state=0).fit(kind(formulas), np.arange(30.0))
        assert model.strategies_ == ["baseline"]
        assert list(model.estimators_["baseline"].named_steps)[0] == "compositionfeaturizer"
        assert model.predict(kind(formulas)).shape == (30,)


def test_compositions_of_pymatgen_have_the_baseline_of_formulas():
    pytest.importorskip("matminer", reason="Magpie descriptors need matminer")
    core = pytest.importorskip("pymatgen.core", reason="for its Composition")
    compositions = [core.Composition(f"Fe{n}O{m}") for n, m in [(1, 1), (2, 3), (3, 4), (1, 2)]]
    model = TransferCV(cv=2, random_state=0).fit(compositions, [1.0, 2.0, 3.0, 4.0])
    assert model.strategies_ == ["baseline"]


def test_text_that_is_no_formula_has_no_baseline():
    smiles = ["CCO", "c1ccccc1", "CC(=O)O", "C#N", "CCCC", "CN"]
    count = FunctionTransformer(lambda X: np.array([[len(text), text.count("C")] for text in X]))
    model = TransferCV(estimator=make_pipeline(count, Ridge()), cv=2).fit(smiles, np.arange(6.0))
    assert model.strategies_ == ["target_only"]


def test_a_doubtful_hydrate_is_no_warning_of_the_choice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, kind = read_inputs(Ridge(), ["CuSO4.5H2O", "NaCl"], reset=True)
    assert kind == "formulas"


def test_predictions_for_formulas_are_corrected_by_the_baseline_that_there_is():
    formulas = np.array([f"Na{n}Cl{10 - n}" for n in range(1, 10)])
    learner = make_pipeline(CompositionFeaturizer("fractions"), Ridge())
    source = clone(learner).fit(formulas, np.arange(9.0))
    forest = make_pipeline(CompositionFeaturizer("fractions"), RandomForestRegressor(3, random_state=0))
    frozen = FrozenEstimator(source)
    drop = [(name, "drop") for name in ("target_only", "source_only")]
    for given, expected in [(forest, RandomForestRegressor), ("drop", Ridge), (frozen, Ridge)]:
        model = TransferCV(source, candidates=[*drop, ("baseline", given)], cv=2, random_state=0)
        model.set_params(combine="blend").fit(formulas, np.arange(9.0) ** 2)
        assert type(model.estimators_["frozen_experts"].residual_[-1]) is expected


# folds ------------------------------------------------------------------------------------------------


class Remembers(RegressorMixin, BaseEstimator):
    """Predicts 1 for rows that it was trained on, 0 for others."""

    def __init__(self, key=None):
        self.key = key

    def fit(self, X, y):
        self.seen_ = {self.key(row) for row in np.asarray(X)}
        return self

    def predict(self, X):
        return np.array([float(self.key(row) in self.seen_) for row in np.asarray(X)])


def share_of_known_rows(X, key, **params):
    """Of the held-out rows, how many were in training: the error of Remembers where all labels are 0."""
    candidates = [("baseline", "drop"), ("memory", Remembers(key))]
    model = TransferCV(estimator=DummyRegressor(), candidates=candidates, random_state=0, **params)
    n = len(X) if isinstance(X, list) else X.shape[0]
    return results(model.fit(X, np.zeros(n))).loc["memory", "mae"]


def composition(formula):
    return int(composition_groups(["NaCl", *POLYMORPHS, formula])[-1])


POLYMORPHS = [f"{m}{n}Cl{n * k}" for m in ("Na", "K", "Mg", "Ca", "Al") for k in (1, 2) for n in (1, 2, 3)]


def test_no_composition_is_in_both_training_and_held_out_rows():
    assert share_of_known_rows(POLYMORPHS, composition) == 0
    assert share_of_known_rows(pd.DataFrame({"formula": POLYMORPHS}), lambda row: composition(row[0])) == 0


def test_equal_rows_of_a_table_stay_together():
    table = np.repeat(X[:10], 3, axis=0)
    for kind in (np.asarray, pd.DataFrame):
        assert share_of_known_rows(kind(table), lambda row: float(row[0])) == 0


def test_a_splitter_that_is_given_is_used_as_it_is():
    cv = KFold(5, shuffle=True, random_state=0)
    assert share_of_known_rows(POLYMORPHS, composition, cv=cv) > 0.5


def test_folds_hold_about_as_many_compositions_each_and_depend_on_the_seed():
    def folds(seed):
        other = [("baseline", DummyRegressor(strategy="median"))]
        model = TransferCV(estimator=DummyRegressor(), candidates=other, random_state=seed)
        return model.fit(POLYMORPHS, np.arange(30.0)).cv_results_

    assert folds(0)["mae"] == folds(0)["mae"]
    assert folds(0)["mae"] != folds(1)["mae"]
    assert [name for name in folds(0) if name.startswith("fold")] == [f"fold{k}_mae" for k in range(10)]


def test_fewer_compositions_than_folds_are_an_error():
    with pytest.raises(ValueError, match="cv=5 folds need at least as many groups of rows, there are 2 in 9"):
        TransferCV(estimator=DummyRegressor()).fit(POLYMORPHS[:3] * 2 + POLYMORPHS[3:6], np.arange(9.0))


def test_groups_are_heeded_by_a_number_of_folds():
    groups = np.repeat(np.arange(5), 5)
    candidates = [("baseline", "drop"), ("memory", Remembers(lambda row: int(row[0])))]
    model = TransferCV(estimator=DummyRegressor(), candidates=candidates, cv=3, random_state=0)
    table = np.column_stack([groups, np.arange(25)])
    assert results(model.fit(table, np.zeros(25), groups=groups)).loc["memory", "mae"] == 0
    assert results(model.fit(table, np.zeros(25))).loc["memory", "mae"] > 0.5


# The strategies of `fitted()`, each as an estimator of its own.
BY_HAND = {
    "target_only": Linear(),
    "baseline": Ridge(10.0),
    "source_only": FrozenEstimator(RELATED),
    "frozen_experts": HierarchicalTransfer(Linear(), sources=RELATED, strategy="frozen_experts", guard=False),
    "frozen_features": FeatureTransfer(RELATED),
    "fine_tuned": Linear(init=RELATED),
}


# who wins ---------------------------------------------------------------------------------------------


def test_a_related_source_is_used_and_helps():
    model = fitted()
    assert model.strategy_[0] in ("fine_tuned", "source_only", "frozen_features")
    assert model.transfer_gain_[0] > 0.5
    error, alone = (np.abs(m.predict(NEW) - NEW @ LAW).mean() for m in (model, Linear().fit(X, y)))
    assert error < 0.5 * alone


def test_an_unrelated_source_is_refused():
    model = fitted(UNRELATED)
    assert model.strategy_[0] in ("target_only", "baseline")
    assert list(model.estimators_) == model.strategy_
    assert model.transfer_gain_ == [0]
    table = results(model)
    assert table.loc["fine_tuned", "mae"] > table.loc["target_only", "mae"]


def test_no_gain_at_all_is_refused():
    twin = FeatureTransfer(RELATED, DummyRegressor())  # predicts the mean as the other one does
    dropped = [(name, "drop") for name in ("baseline", "source_only", "frozen_experts")]
    model = fitted(estimator=DummyRegressor(), candidates=[*dropped, ("frozen_features", twin)])
    assert results(model).loc["frozen_features", "gain"] == pytest.approx(0)
    assert model.strategy_ == ["target_only"]


def test_a_guarded_choice_never_has_an_unclear_gain():
    rng = np.random.default_rng(1)
    for strength in np.linspace(0, 2, 12):
        source = Linear().fit(SOURCE_X, SOURCE_X @ (LAW + strength * rng.standard_normal(20)))
        table = results(fitted(source))
        kept = table[table.weight > 0].iloc[0]
        assert not kept.transfer or kept.gain > 0.5 * kept.gain_error
        alone = table[~table.transfer]
        assert kept.transfer or kept.mae == alone.mae.min()


def test_errors_are_those_of_an_ordinary_cross_validation():
    model = fitted(cv=FOLDS)
    for name, candidate in BY_HAND.items():
        errors = np.abs(cross_val_predict(candidate, X, y, cv=FOLDS) - y)
        row = results(model).loc[name]
        assert row.mae == pytest.approx(errors.mean())
        assert row.fold1_mae == pytest.approx(errors[FOLDS[1][1]].mean())
    # Five folds of equal size: the standard error of the mean of their means.
    folds = results(model).loc["target_only", [f"fold{k}_mae" for k in range(5)]].astype(float)
    assert results(model).loc["target_only", "mae_error"] == pytest.approx(folds.std(ddof=1) / np.sqrt(5))


def test_gains_are_over_the_best_candidate_without_a_source():
    table = results(fitted())
    alone = table[~table.transfer].mae.min()
    np.testing.assert_allclose(table.gain, alone - table.mae)
    assert list(table.transfer) == [False, False, True, True, True, True]


def test_the_winner_is_fitted_on_all_rows():
    model = fitted(candidates=[*WITHOUT_TREES, *((name, "drop") for name in OF_SOURCES)])
    assert model.strategy_ == ["fine_tuned"]
    assert list(model.estimators_) == ["fine_tuned"]
    np.testing.assert_allclose(model.predict(NEW), Linear(init=RELATED).fit(X, y).predict(NEW))


def test_a_blend_is_the_weighted_sum_of_its_parts():
    model = fitted(combine="blend")
    assert model.weights_.sum() == pytest.approx(1)
    assert (model.weights_ >= 0).all()
    assert model.strategies_ == list(BY_HAND)
    parts = [clone(candidate).fit(X, y).predict(NEW) for candidate in BY_HAND.values()]
    np.testing.assert_allclose(model.predict(NEW), model.weights_[0] @ parts, rtol=1e-6)


def test_each_target_has_its_own_winner_and_its_own_missing_labels():
    Y = np.column_stack([y, X @ -LAW])
    both = Linear().fit(SOURCE_X, np.column_stack([SOURCE_X @ LAW, SOURCE_X @ OTHER]))
    Y[:5, 0], Y[5:8, 1] = np.nan, np.nan
    model = fitted(
        both,
        Y,
        candidates=[
            *WITHOUT_TREES,
            *((name, "drop") for name in (*OF_SOURCES, "fine_tuned")),
            ("as is", FrozenEstimator(both)),
        ],
    )
    assert model.strategy_[0] == "as is"
    assert model.strategy_[1] in ("target_only", "baseline")
    assert model.predict(NEW).shape == (200, 2)
    np.testing.assert_allclose(model.predict(NEW)[:, 0], both.predict(NEW)[:, 0])
    assert len(model.reason_.splitlines()) == 2


def test_without_a_candidate_of_its_own_the_lowest_error_wins():
    model = fitted(candidates=[("target_only", "drop"), ("baseline", "drop")])
    assert model.strategy_[0] == results(model).mae.idxmin()
    assert np.isnan(model.transfer_gain_).all()


def test_what_a_clone_forgets_does_not_count_as_a_source():
    pipeline = make_pipeline(StandardScaler(), Ridge()).fit(X, y)
    table = results(fitted(candidates=[*WITHOUT_TREES, ("pipeline", pipeline)]))
    assert not table.loc["pipeline", "transfer"]


# why --------------------------------------------------------------------------------------------------


def shown(row):
    return f"{row.mae:.3g} ± {row.mae_error:.2g}"


def test_the_reason_for_transfer_holds_both_errors_and_the_gain():
    model = fitted()
    table = results(model)
    best, alone = table.loc[model.strategy_[0]], table[~table.transfer].sort_values("mae").iloc[0]
    assert model.reason_ == (
        f"{best.name}: mean absolute error {shown(best)} over 10 folds, against {shown(alone)} of "
        f"{alone.name}, the best without transfer: a gain of {best.gain:.2g} ± {best.gain_error:.2g}."
    )


def test_the_reason_against_transfer_names_its_best():
    model = fitted(UNRELATED)
    table = results(model)
    best = table[table.transfer].sort_values("mae").iloc[0]
    assert "Transfer is not clearly better" in model.reason_
    assert f"{best.name}, the best with it, has {shown(best)}" in model.reason_


def test_the_reason_without_sources_names_the_next():
    model = TransferCV(estimator=Linear(), candidates=[("baseline", DummyRegressor())]).fit(X, y)
    assert model.reason_.startswith("target_only: mean absolute error")
    assert "the lowest of 2; next is baseline with" in model.reason_


def test_the_reason_for_a_blend_holds_its_parts():
    drop = [(name, "drop") for name in ("fine_tuned", "frozen_features", "baseline")]
    model = fitted(combine="blend", candidates=drop, guard=False)
    assert (model.weights_ > 0).sum() > 1
    assert model.reason_.startswith("blend of ")
    for share, name in zip(model.weights_[0], model.strategies_, strict=True):
        assert (f"{100 * share:.0f} % {name}" in model.reason_) == (share > 0)


# sources ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("combine", ["best", "blend"])
def test_sources_are_never_changed(combine):
    source = Linear(random_state=1).fit(SOURCE_X, SOURCE_X @ LAW)
    before = pickle.dumps(source)
    bare = ("bare", Linear(init=source))
    TransferCV(source, candidates=[bare], combine=combine, random_state=0).fit(X, y).predict(NEW)
    clone(TransferCV(source, random_state=1)).fit(X, y)
    assert pickle.dumps(source) == before


def test_cloning_keeps_the_source():
    copy = clone(fitted())
    assert copy.sources is RELATED
    with pytest.raises(NotFittedError):
        copy.predict(X)


def test_a_source_that_is_not_fitted_is_an_error():
    with pytest.raises(NotFittedError, match="Source 'gas' is not fitted: fit this Linear"):
        fitted([("gas", Linear())])


@pytest.mark.parametrize("source", [[RELATED], [("a", 3)], [("a", RELATED, 1)]])
def test_a_source_of_another_form_is_an_error(source):
    with pytest.raises(TypeError, match="sources must be a fitted estimator|Source 'a' must be"):
        fitted(source)


def test_two_sources_of_one_name_are_an_error():
    with pytest.raises(ValueError, match="sources have the same name: \\['a'\\]"):
        fitted([("a", RELATED), ("a", UNRELATED)])


# the rest ---------------------------------------------------------------------------------------------


def test_the_standard_deviation_is_the_root_mean_square_of_held_out_errors():
    model = fitted(cv=FOLDS)
    errors = cross_val_predict(BY_HAND[model.strategy_[0]], X, y, cv=FOLDS) - y
    mean, std = model.predict(NEW, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(NEW))
    np.testing.assert_allclose(std, np.sqrt((errors**2).mean()))


def test_a_failing_candidate_is_named():
    bad = Ridge(solver="cholesky", alpha=-1.0)
    with pytest.raises(ValueError, match="alpha") as failure:
        fitted(candidates=[("bad", bad)])
    assert "This was raised while the strategy 'bad' was cross-validated." in failure.value.__notes__


def test_a_candidate_for_another_number_of_targets_is_an_error():
    with pytest.raises(ValueError, match=r"predicts 1 target\(s\), y has 2") as failure:
        TransferCV(candidates=[("as is", FrozenEstimator(RELATED))], cv=2).fit(X, np.column_stack([y, y]))
    assert "'as is'" in failure.value.__notes__[0]


def test_too_few_rows_for_the_folds_are_an_error():
    with pytest.raises(ValueError, match="cv=5 folds need at least as many"):
        TransferCV(RELATED).fit(X[:4], y[:4])


def test_a_target_without_held_out_labels_is_an_error():
    Y = np.column_stack([y, y])
    Y[5:, 1] = np.nan
    with pytest.raises(ValueError, match="No row that cv holds out has a label of target 'gap'"):
        fitted(y=pd.DataFrame(Y, columns=["energy", "gap"]), cv=[(np.arange(10), np.arange(10, 25))])


def test_groups_reach_the_splitter():
    groups = np.repeat(np.arange(5), 5)
    model = TransferCV(RELATED, candidates=WITHOUT_TREES, cv=GroupKFold(5)).fit(X, y, groups=groups)
    splits = list(GroupKFold(5).split(X, groups=groups))
    errors = np.abs(cross_val_predict(Ridge(10.0), X, y, cv=splits) - y)
    assert results(model).loc["baseline", "mae"] == pytest.approx(errors.mean())


@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_two_jobs_give_what_one_gives(routing):
    model = TransferCV(RELATED, candidates=[("baseline", RandomForestRegressor(3))], random_state=0)
    with config_context(enable_metadata_routing=routing):
        one, two = (
            cross_val_score(clone(model).set_params(n_jobs=n), X, y, cv=3, error_score="raise")
            for n in (1, 2)
        )
        search = GridSearchCV(model, {"combine": ["best", "blend"]}, cv=2, error_score="raise").fit(X, y)
    np.testing.assert_array_equal(one, two)
    assert (one > 0.8).all()
    assert search.best_estimator_.sources is RELATED


@pytest.mark.parametrize("combine", ["best", "blend"])
def test_a_single_split_can_choose_transfer_too(combine):
    split = PredefinedSplit(np.arange(len(y)) % 2 - 1)
    model = fitted(cv=split, combine=combine)
    assert results(model).query("transfer").weight.sum() > 0.5
    assert "one fold in 5 parts" in model.reason_


def test_random_state_makes_two_fits_identical():
    params = {"candidates": [("baseline", RandomForestRegressor(3))], "combine": "blend"}
    first, again, other = (fitted(random_state=seed, **params) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.predict(NEW), again.predict(NEW))
    assert first.cv_results_["mae"] != other.cv_results_["mae"]


def test_pickle_and_file_round_trips(tmp_path):
    model = fitted(combine="blend")
    skxfer.save(model, tmp_path / "model.skxfer")
    for copy in (pickle.loads(pickle.dumps(model)), skxfer.load(tmp_path / "model.skxfer", trusted=[Linear])):
        np.testing.assert_array_equal(copy.predict(NEW), model.predict(NEW))
        assert copy.reason_ == model.reason_


def test_predictions_do_not_depend_on_batch_mates():
    model = fitted(combine="blend")
    alone = [model.predict(row[None])[0] for row in NEW[:5]]
    np.testing.assert_allclose(model.predict(NEW)[:5], alone, rtol=1e-9)
