"""What scikit-learn demands of stacking and other meta-estimators, as contracts of ours.

Learners inside are neither fitted nor changed; they get weights and metadata, of the right rows, if they can
take or request them; nested parameters are read, set and searched; sources stay what they are.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor, StackingRegressor
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from skxfer import FeatureTransfer, HierarchicalTransfer, SequentialTransfer, TransferCV
from skxfer.transfer.strategies import STRATEGIES

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.normal(size=60)
DOMAIN = np.repeat(["gas", "water"], [36, 24])
TARGET = DOMAIN == "water"
SOURCE = Ridge().fit(X[~TARGET], y[~TARGET])
ENCODER = PCA(2).fit(X[~TARGET])
MERGE = {"source_domains": ["gas"], "strategy": "merge", "guard": False}
COMPETE = {"source_domains": ["gas"], "cv": 2, "random_state": 0}


def hierarchical(learner, **params):
    return HierarchicalTransfer(learner, **COMPETE | params)


# Each door: what makes it around a learner, and what its `fit` takes beyond X and y.
DOORS = {
    "hierarchical": (hierarchical, {"sample_domain": DOMAIN}),
    "hierarchical, trained": (
        lambda learner: HierarchicalTransfer(learner, sources=SOURCE, cv=2, random_state=0),
        {},
    ),
    "choice": (lambda learner: TransferCV(SOURCE, learner, cv=2, random_state=0), {}),
    "features": (lambda learner: FeatureTransfer(ENCODER, learner), {}),
    "chain": (lambda learner: SequentialTransfer(learner, order=["gas", "water"]), {"sample_domain": DOMAIN}),
}
every_door = pytest.mark.parametrize("door", DOORS)


def made(door, learner=None):
    return DOORS[door][0](Ridge() if learner is None else learner)


def fitted(door, learner=None, X=X, y=y, **given):
    return made(door, learner).fit(X, y, **DOORS[door][1], **given)


class Recording(RegressorMixin, BaseEstimator):
    """Ridge that writes down, in a list that clones share, what each fit was given."""

    def __init__(self, log=None, alpha=1.0):
        self.log = log
        self.alpha = alpha

    def __sklearn_clone__(self):
        return Recording(self.log, self.alpha)  # the same list

    def fit(self, X, y, sample_weight=None, temperature=None):
        self.log.append({"X": np.asarray(X), "sample_weight": sample_weight, "temperature": temperature})
        self.model_ = Ridge(self.alpha).fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X):
        return self.model_.predict(X)


class Continuing(SGDRegressor):
    """Goes on training, and takes metadata."""

    def fit(self, X, y, sample_weight=None, temperature=None):
        return super().fit(X, y, sample_weight=sample_weight)


def row_numbers(part, whole=X):
    """Numbers of rows in the whole table."""
    same = (part[:, None] == whole).all(axis=2)
    assert same.any(axis=1).all()
    return same.argmax(axis=1)


# parts are left alone ---------------------------------------------------------------------------------


@every_door
def test_the_learner_is_cloned_and_never_fitted_in_place(door):
    learner = make_pipeline(StandardScaler(), RandomForestRegressor(3, random_state=0))
    before = {name: repr(value) for name, value in learner.get_params().items()}
    model = fitted(door, learner)
    assert model.estimator is learner
    with pytest.raises(NotFittedError):
        check_is_fitted(learner[-1])
    assert {name: repr(value) for name, value in learner.get_params().items()} == before


def test_heads_and_candidates_are_cloned_too():
    head, residual, candidate = Ridge(), RandomForestRegressor(3), Ridge(3.0)
    hierarchical(
        Ridge(), strategy="frozen_experts", final_estimator=head, residual_estimator=residual, guard=False
    ).fit(X, y, sample_domain=DOMAIN)
    TransferCV(SOURCE, Ridge(), candidates=[("mine", candidate)], cv=2).fit(X, y)
    beside = StandardScaler()
    FeatureTransfer(ENCODER, Ridge(), passthrough=beside).fit(X, y)
    for part in (head, residual, candidate, beside):
        with pytest.raises(NotFittedError):
            check_is_fitted(part)


@every_door
def test_a_clone_has_no_fit_and_clones_of_the_parts(door):
    model = fitted(door, Ridge(2.0))
    copy = clone(model)
    assert copy.estimator is not model.estimator
    assert copy.estimator.alpha == 2.0
    with pytest.raises(NotFittedError):
        copy.predict(X)
    assert not {name for name in vars(copy) if name.endswith("_")}


@every_door
def test_nested_parameters_are_read_set_and_kept_apart(door):
    learner = make_pipeline(StandardScaler(), Ridge(2.0))
    model = made(door, learner)
    params = model.get_params()
    assert params["estimator__ridge__alpha"] == 2.0
    assert params["estimator__ridge"] is learner[-1]
    copy = clone(model).set_params(estimator__ridge__alpha=5.0)
    assert (copy.estimator[-1].alpha, learner[-1].alpha) == (5.0, 2.0)
    assert "estimator__ridge__alpha" not in model.get_params(deep=False)
    replaced = clone(model).set_params(estimator=Ridge(7.0))
    assert replaced.get_params()["estimator__alpha"] == 7.0
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        clone(model).set_params(nothing=1)
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        clone(model).set_params(estimator__nothing=1)


@every_door
def test_a_search_over_nested_parameters_changes_the_fit(door):
    grid = {"estimator__alpha": [1e-3, 1e6]}
    model = made(door)
    if "sample_domain" in DOORS[door][1]:
        model = made(door).set_params(**({"order": None} if door == "chain" else {"source_domains": None}))
    search = GridSearchCV(model, grid, cv=3, scoring="r2", error_score="raise").fit(X, y)
    assert search.best_params_ == {"estimator__alpha": 1e-3}
    assert search.cv_results_["mean_test_score"][0] > search.cv_results_["mean_test_score"][1]


# sources that are fitted ------------------------------------------------------------------------------

PREFIT = {
    "hierarchical, trained": lambda source: HierarchicalTransfer(
        Ridge(), sources=source, cv=2, random_state=0
    ),
    "choice": lambda source: TransferCV(source, Ridge(), cv=2, random_state=0),
}


@pytest.mark.parametrize("door", PREFIT)
@pytest.mark.parametrize("wrap", [lambda m: m, FrozenEstimator, lambda m: [("gas", m)]])
def test_a_fitted_source_is_used_as_it_is_and_stays_so(door, wrap):
    source = Ridge().fit(X[~TARGET], y[~TARGET])
    before = source.coef_.copy()
    model = PREFIT[door](wrap(source))
    first = model.fit(X[TARGET], y[TARGET]).predict(X)
    np.testing.assert_array_equal(source.coef_, before)
    again = clone(model).fit(X[TARGET], y[TARGET])  # clone hands it on, fitted
    np.testing.assert_array_equal(again.predict(X), first)
    assert again.experts_[0][1] is source


@pytest.mark.parametrize("door", PREFIT)
def test_a_source_that_is_not_fitted_is_named(door):
    with pytest.raises(NotFittedError, match="Source 'gas' is not fitted: fit this Ridge"):
        PREFIT[door]([("gas", Ridge())]).fit(X, y)


@pytest.mark.parametrize("door", PREFIT)
@pytest.mark.parametrize("sources", [[], [("a", SOURCE), ("a", SOURCE)], [SOURCE], [("a", SOURCE, 1)], "gas"])
def test_lists_of_sources_that_make_no_sense_are_refused(door, sources):
    model = PREFIT[door](sources)
    if sources == []:
        assert model.fit(X, y).strategies_[0] == "target_only"
        return
    with pytest.raises((TypeError, ValueError, NotADirectoryError), match="[Ss]ources"):
        model.fit(X, y)


def test_frozen_encoders_keep_their_fit_through_clone_and_search():
    model = FeatureTransfer(ENCODER, Ridge())
    components = ENCODER.components_.copy()
    assert clone(model).encoder is ENCODER
    GridSearchCV(model, {"estimator__alpha": [0.1, 1.0]}, cv=2).fit(X, y)
    np.testing.assert_array_equal(ENCODER.components_, components)
    with pytest.raises(ValueError, match="lies inside a fitted estimator"):
        model.set_params(encoder__n_components=1)


# weights ----------------------------------------------------------------------------------------------


@every_door
def test_weights_reach_the_learner_row_by_row(door):
    log, weight = [], rng.random(60) + 0.5
    model = made(door, Recording(log))
    if door == "hierarchical":  # others multiply the weights by their own
        model.set_params(strategy=["target_only", "merge", "frozen_experts"])
    model.fit(X, y, sample_weight=weight, **DOORS[door][1])
    known = 0
    for fit in log:
        assert fit["sample_weight"] is not None
        if fit["X"].shape[1] == 3:  # others are fitted on features of these rows
            np.testing.assert_array_equal(fit["sample_weight"], weight[row_numbers(fit["X"])])
            known += 1
    assert known or door == "features"


@every_door
def test_equal_weights_change_nothing_and_large_ones_count(door):
    plain = fitted(door).predict(X)
    np.testing.assert_allclose(fitted(door, sample_weight=np.ones(60)).predict(X), plain)
    uneven = np.where(np.arange(60) % 2, 100.0, 1.0)
    assert not np.allclose(fitted(door, sample_weight=uneven).predict(X), plain, rtol=1e-9, atol=0)


@every_door
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: TransformedTargetRegressor(model, transformer=StandardScaler()),
        lambda model: GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2),
    ],
    ids=["pipeline", "transformed target", "search"],
)
def test_weights_reach_a_learner_that_is_wrapped(door, wrap):
    log = []
    fitted(door, wrap(Recording(log)), sample_weight=rng.random(60) + 0.5)
    assert log and all(fit["sample_weight"] is not None for fit in log)


# metadata ---------------------------------------------------------------------------------------------


@every_door
def test_without_routing_unknown_arguments_are_refused_by_name(door):
    with pytest.raises(TypeError, match="fit got the unknown argument 'temperature'.*metadata routing"):
        fitted(door, Recording([]), temperature=np.arange(60.0))


@every_door
def test_requested_metadata_reach_the_learner_for_its_rows(door):
    log, temperature = [], np.arange(60.0)
    with config_context(enable_metadata_routing=True):
        learner = Recording(log).set_fit_request(temperature=True)
        fitted(door, learner, temperature=temperature)
    assert log
    for fit in log:
        assert fit["temperature"] is not None
        if fit["X"].shape[1] == 3:
            np.testing.assert_array_equal(fit["temperature"], row_numbers(fit["X"]))


@every_door
def test_metadata_that_the_learner_refuses_are_an_error(door):
    with config_context(enable_metadata_routing=True):
        learner = Recording([]).set_fit_request(temperature=False)
    refused = pytest.raises(TypeError, match="temperature.*not routed")
    with config_context(enable_metadata_routing=True), refused:
        fitted(door, learner, temperature=np.arange(60.0))
    assert not learner.log


@every_door
def test_metadata_of_which_nothing_is_said_are_an_error(door):
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(UnsetMetadataPassedError, match="temper"),
    ):
        fitted(door, Recording([]), temperature=np.arange(60.0))


@every_door
def test_metadata_may_have_another_name_outside(door):
    log = []
    with config_context(enable_metadata_routing=True):
        fitted(door, Recording(log).set_fit_request(temperature="kelvin"), kelvin=np.arange(60.0))
    assert log and all(fit["temperature"] is not None for fit in log)


@every_door
def test_metadata_that_nobody_knows_are_an_error_with_routing_too(door):
    with config_context(enable_metadata_routing=True), pytest.raises(TypeError, match="colour"):
        fitted(door, Recording([]).set_fit_request(temperature=True), colour=np.arange(60.0))


@every_door
def test_metadata_of_another_length_are_named(door):
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match="temperature must have"),
    ):
        fitted(door, Recording([]).set_fit_request(temperature=True), temperature=np.arange(59.0))


@every_door
def test_the_router_is_serialisable_and_names_its_learner(door):
    with config_context(enable_metadata_routing=True):
        learner = Recording([]).set_fit_request(temperature=True)
        routing = get_routing_for_object(made(door, learner))
        assert str(routing._serialize())
        inner = routing._route_mappings["estimator"].router
        assert inner.fit.requests["temperature"] is True
        assert [(m.caller, m.callee) for m in routing._route_mappings["estimator"].mapping] == [
            ("fit", "fit")
        ]


@every_door
def test_metadata_pass_through_a_pipeline_and_a_search(door):
    log, given = [], dict(DOORS[door][1])
    with config_context(enable_metadata_routing=True):
        learner = Recording(log).set_fit_request(temperature=True)
        model = make_pipeline(FunctionTransformer(), made(door, learner))
        model.fit(X, y, temperature=np.arange(60.0), **given)
    assert log
    for fit in log:
        if fit["X"].shape[1] == 3:
            np.testing.assert_array_equal(fit["temperature"], row_numbers(fit["X"]))


# inputs and outputs -----------------------------------------------------------------------------------


@every_door
def test_names_and_numbers_of_features_are_kept(door):
    frame = pd.DataFrame(X, columns=["f1", "f2", "gap"])
    model = fitted(door, X=frame)
    assert list(model.feature_names_in_) == ["f1", "f2", "gap"]
    assert model.n_features_in_ == 3
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"gap": "other"}))
    with pytest.raises(ValueError, match="2 features, but .* expecting 3"):
        fitted(door).predict(X[:, :2])
    assert not hasattr(fitted(door), "feature_names_in_")
    assert not hasattr(made(door), "n_features_in_")


@every_door
def test_sparse_tables_give_what_dense_ones_give(door):
    if door == "features":
        pytest.skip("PCA centres sparse tables in another way")
    dense = np.where(np.abs(X) < 0.5, 0.0, X)
    learner = Ridge(solver="lsqr", tol=1e-12)
    if door in ("hierarchical", "hierarchical, trained", "choice"):
        params = {"strategy": "target_only"}
        expected = made(door, learner).set_params(**params).fit(dense, y, **DOORS[door][1]).predict(dense)
        model = made(door, learner).set_params(**params).fit(sparse.csr_array(dense), y, **DOORS[door][1])
    else:
        expected = fitted(door, learner, X=dense).predict(dense)
        model = fitted(door, learner, X=sparse.csr_array(dense))
    np.testing.assert_allclose(model.predict(sparse.csr_array(dense)), expected, atol=1e-5)


@every_door
def test_two_targets_keep_their_columns(door):
    Y = np.c_[y, -10 * y]
    if door in ("hierarchical, trained", "choice"):
        two = Ridge().fit(X[~TARGET], Y[~TARGET])
        model = made(door).set_params(sources=two).fit(X, Y)
    else:
        model = fitted(door, y=Y)
    prediction = model.predict(X)
    assert prediction.shape == (60, 2)
    np.testing.assert_allclose(prediction[:, 1], -10 * prediction[:, 0], rtol=0.2, atol=2.0)
    column = fitted(door, y=y[:, None]).predict(X)
    assert column.shape == (60, 1)  # as in, so out
    np.testing.assert_allclose(column.ravel(), fitted(door).predict(X))


def test_transformers_give_frames_if_they_are_asked_to():
    for model in (
        hierarchical(Ridge()).set_output(transform="pandas").fit(X, y, sample_domain=DOMAIN),
        FeatureTransfer(ENCODER, Ridge()).set_output(transform="pandas").fit(X, y),
    ):
        table = model.transform(X)
        assert isinstance(table, pd.DataFrame)
        assert list(table.columns) == list(model.get_feature_names_out())
        np.testing.assert_array_equal(table.to_numpy(), model.set_output(transform="default").transform(X))


@pytest.mark.parametrize(
    "cv",
    [2, KFold(3), KFold(3, shuffle=True, random_state=0), ShuffleSplit(2, random_state=0), "pairs"],
    ids=["number", "folds", "shuffled", "random", "pairs"],
)
@pytest.mark.parametrize("door", ["hierarchical", "hierarchical, trained", "choice"])
def test_any_splitter_judges_the_strategies(door, cv):
    n_target = 24 if door == "hierarchical" else 60
    if cv == "pairs":
        cv = [(np.arange(n_target // 2), np.arange(n_target // 2, n_target))]
    model = made(door).set_params(cv=cv)
    model.fit(X, y, **DOORS[door][1])
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.cv_results_["mae"]).all()


@pytest.mark.parametrize("door", ["hierarchical", "hierarchical, trained", "choice"])
@pytest.mark.parametrize("cv", [1, 0, "three", [], [([0, 1], [500])]])
def test_splitters_that_make_no_sense_are_refused(door, cv):
    with pytest.raises((TypeError, ValueError), match="cv"):
        made(door).set_params(cv=cv).fit(X, y, **DOORS[door][1])


@every_door
def test_meta_estimators_are_parts_of_other_meta_estimators(door):
    if DOORS[door][1]:
        inner = made(door).set_params(**({"order": None} if door == "chain" else {"source_domains": None}))
    else:
        inner = made(door)
    stack = StackingRegressor([("transfer", inner), ("ridge", Ridge())], cv=2).fit(X, y)
    assert stack.score(X, y) > 0.9
    assert cross_val_predict(inner, X, y, cv=3).shape == (60,)


@every_door
def test_fitting_twice_is_fitting_once(door):
    model = fitted(door)
    first, attributes = model.predict(X), {name for name in vars(model) if name.endswith("_")}
    model.fit(X[::-1], -y[::-1], **{name: value[::-1] for name, value in DOORS[door][1].items()})
    model.fit(X, y, **DOORS[door][1])
    np.testing.assert_array_equal(model.predict(X), first)
    assert {name for name in vars(model) if name.endswith("_")} == attributes


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "low_fidelity"])
def test_every_strategy_hands_metadata_on(strategy):
    log, temperature = [], np.arange(60.0)
    with config_context(enable_metadata_routing=True):
        learner = Recording(log).set_fit_request(temperature=True)
        model = hierarchical(learner, strategy=strategy, guard=False)
        try:
            model.fit(X, y, sample_domain=DOMAIN, temperature=temperature)
        except ValueError as error:
            assert "cannot run" in str(error)  # it needs more than rows of a source
            return
    assert log and all(fit["temperature"] is not None for fit in log)
    assert all(len(fit["temperature"]) == len(fit["X"]) for fit in log)


@pytest.mark.parametrize("form", ["feature", "delta", "delta_feature"])
def test_learners_on_cheap_values_get_metadata(form):
    log, frame = [], pd.DataFrame(X, columns=["a", "b", "cheap"])
    with config_context(enable_metadata_routing=True):
        learner = Recording(log).set_fit_request(temperature=True)
        model = HierarchicalTransfer(
            learner, low_fidelity="cheap", strategy=f"low_fidelity: {form}", guard=False
        )
        model.fit(frame, y, temperature=np.arange(60.0))
    assert log and all(len(fit["temperature"]) == 60 for fit in log)


def test_a_chain_that_goes_on_training_refuses_metadata_it_would_drop():
    with config_context(enable_metadata_routing=True):
        learner = Continuing().set_fit_request(temperature=True)
    model = SequentialTransfer(learner, strategy="fine_tuned")
    refused = pytest.raises(ValueError, match="'temperature'.*goes on")
    with config_context(enable_metadata_routing=True), refused:
        model.fit(X, y, sample_domain=DOMAIN, temperature=np.arange(60.0))
