"""Bad input to HierarchicalTransfer: the error names the row, the value and the remedy."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skxfer import HierarchicalTransfer
from skxfer.transfer.strategies import STRATEGIES

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
y = X @ [1.0, 2.0, 3.0]
DOMAIN = np.repeat(["gas", "water"], [18, 12])
TARGET = DOMAIN == "water"


def fit(X=X, y=y, sample_domain=DOMAIN, *, sample_weight=None, X_deploy=None, **params):
    params = {"estimator": Ridge(), "source_domains": ["gas"], "cv": 3, "random_state": 0} | params
    return HierarchicalTransfer(**params).fit(
        X, y, sample_domain=sample_domain, sample_weight=sample_weight, X_deploy=X_deploy
    )


def with_value(array, index, value):
    array = array.copy()
    array[index] = value
    return array


# domains ----------------------------------------------------------------------------------------------


def test_unknown_source_domain_is_named_and_the_present_ones_are_listed():
    with pytest.raises(ValueError, match="No row has the source domain 'ether'.*'gas'.*'water'"):
        fit(source_domains=["gas", "ether"])


def test_source_domain_named_twice():
    with pytest.raises(ValueError, match=r"names a domain twice: \['gas', 'gas'\]"):
        fit(source_domains=["gas", "gas"])


def test_no_target_row():
    with pytest.raises(ValueError, match="no target row.*Leave the domain that you want to predict out"):
        fit(source_domains=["gas", "water"])


@pytest.mark.parametrize("source_domains", ["gas", ["gas"]])
def test_sources_without_the_domain_of_each_row(source_domains):
    with pytest.raises(ValueError, match=r"source_domains=.*gas.*pass sample_domain= to fit"):
        fit(sample_domain=None, source_domains=source_domains)


def test_domains_without_a_source():
    with pytest.raises(
        ValueError, match=r"no source is named: set source_domains to some of \['gas', 'water'\]"
    ):
        fit(source_domains=None)


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("kind", [list, pd.Series, lambda v: np.array(v, dtype=object)])
def test_missing_domain(missing, kind):
    labels = kind([*DOMAIN[:5], missing, *DOMAIN[6:]])
    with pytest.raises(ValueError, match=r"sample_domain has no label in row 5 \(1 rows in all\)"):
        fit(sample_domain=labels)


def test_domains_of_another_length():
    with pytest.raises(
        ValueError, match=r"one label per row: X has 30 rows, sample_domain has shape \(29,\)"
    ):
        fit(sample_domain=DOMAIN[1:])


# trained sources --------------------------------------------------------------------------------------


def with_source(source, **params):
    return fit(X[TARGET], y[TARGET], None, sources=[("gas", source)], source_domains=None, **params)


@pytest.mark.parametrize(
    "source", [Ridge(), FrozenEstimator(Ridge()), make_pipeline(StandardScaler(), RandomForestRegressor())]
)
def test_source_that_is_not_fitted(source):
    name = "Pipeline" if hasattr(source, "steps") else "Ridge"
    with pytest.raises(
        NotFittedError, match=f"Source 'gas' is not fitted: fit this {name} on its own rows.*FrozenEstimator"
    ):
        with_source(source)


def test_search_leaves_a_source_fitted():
    source = Ridge().fit(X, y)
    model = HierarchicalTransfer(Ridge(), sources=[("gas", source)], cv=2)
    search = GridSearchCV(model, {"estimator__alpha": [1.0]}, cv=2, error_score="raise")
    assert search.fit(X[TARGET], y[TARGET]).best_estimator_.experts_ == [("gas", source)]


def test_source_with_another_number_of_features():
    with pytest.raises(ValueError, match="Source 'gas' was trained on 2 features, X has 3"):
        with_source(Ridge().fit(X[:, :2], y))


def test_source_with_another_number_of_targets():
    with pytest.raises(
        ValueError, match=r"Source 'gas' predicts 2 target\(s\), y has 1: train it on the targets"
    ):
        with_source(Ridge().fit(X, np.c_[y, y]))


def test_two_trained_sources_with_one_name():
    model = Ridge().fit(X, y)
    with pytest.raises(ValueError, match="Two sources have the same name.*gas"):
        fit(sources=[("gas", model), ("gas", model)], source_domains=None)


def test_trained_source_with_the_name_of_a_source_domain():
    with pytest.raises(ValueError, match="Two sources have the same name.*gas"):
        fit(sources=[("gas", Ridge().fit(X, y))])


@pytest.mark.parametrize("entry", [Ridge().fit(X, y), ("gas",), "gas"])
def test_source_that_is_no_pair_of_name_and_model(entry):
    with pytest.raises(
        TypeError,
        match=r"sources must be a fitted estimator or a list of \(name, fitted estimator\), an entry",
    ):
        fit(sources=[entry], source_domains=None)


def test_source_that_is_no_estimator():
    with pytest.raises(TypeError, match="Source 'gas' must be a fitted estimator, it is 'model'"):
        fit(sources=[("gas", "model")], source_domains=None)


def test_source_that_is_a_classifier():
    with pytest.raises(TypeError, match="Source 'gas' must be a regressor, SVC is a classifier"):
        with_source(SVC().fit(X, y > 0))


# too little -------------------------------------------------------------------------------------------

FEW = np.r_[np.arange(18), 18]  # all source rows and one target row


def test_too_few_target_rows_for_the_folds():
    with pytest.raises(ValueError, match=r"cv=13 folds.*there are n_samples=12. Lower cv, or do without"):
        fit(cv=13)


def test_one_target_row_cannot_be_guarded():
    with pytest.raises(ValueError, match="n_samples=1. Lower cv, or do without.*guard=False"):
        fit(X[FEW], y[FEW], DOMAIN[FEW])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "strategy", ["source_only", "merge", "merge_relevant", "frozen_experts", "target_only"]
)
def test_one_target_row_is_enough_without_the_guard(strategy):
    model = fit(X[FEW], y[FEW], DOMAIN[FEW], strategy=strategy, guard=False)
    assert np.isfinite(model.predict(X)).all()


def test_one_row_of_a_source_has_no_prediction_out_of_fold():
    labels = np.r_[["tiny"], DOMAIN[1:]]
    model = HierarchicalTransfer(Ridge(), source_domains=["gas", "tiny"], cv=3)
    with pytest.raises(ValueError, match="Source 'tiny' has one row.*no out-of-fold prediction.*transform"):
        model.fit_transform(X, y, sample_domain=labels)


def test_one_target_domain_cannot_be_new():
    with pytest.raises(ValueError, match="predict_on='new_domains' needs at least two target domains"):
        fit(predict_on="new_domains")


def test_target_inputs_that_are_all_the_same_cannot_be_new():
    with pytest.raises(ValueError, match="3 folds of clusters.*there are 1.*predict_on='similar'"):
        fit(np.where(TARGET[:, None], 1.0, X))


def test_target_inputs_that_are_all_the_same_can_be_predicted():
    model = fit(np.where(TARGET[:, None], 1.0, X), predict_on="similar")
    assert np.isfinite(model.predict(X)).all()


# numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_inputs_that_are_not_finite(value, word):
    with pytest.raises(ValueError, match=f"X contains {word}: row 4, column 2"):
        fit(with_value(X, (4, 2), value))


def test_inputs_that_are_not_finite_in_a_frame_are_named_by_column():
    frame = pd.DataFrame(with_value(X, (4, 2), np.nan), columns=["f1", "f2", "gap"])
    with pytest.raises(ValueError, match="row 4, column 'gap'"):
        fit(frame)


def test_inputs_that_are_not_finite_are_found_in_predict_and_transform():
    model = fit()
    for method in (model.predict, model.transform):
        with pytest.raises(ValueError, match="NaN: row 4, column 2"):
            method(with_value(X, (4, 2), np.nan))


def test_infinite_label():
    with pytest.raises(ValueError, match="y contains infinity"):
        fit(y=with_value(y, 3, np.inf))


def test_target_without_any_label():
    with pytest.raises(ValueError, match="y contains NaN only in target 1"):
        fit(y=np.c_[y, np.full(30, np.nan)])


def test_target_without_a_label_in_the_target_rows():
    Y = np.c_[y, np.where(TARGET, np.nan, y)]
    with pytest.raises(ValueError, match="Target 1 has no label in the 12 rows of the target domain"):
        fit(y=Y)


def test_labels_of_another_length():
    with pytest.raises(ValueError, match="X has 30 rows, y has 29"):
        fit(y=y[1:])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("strategy", ["auto", "source_only", "merge", "merge_relevant", "frozen_experts"])
def test_constant_target_is_predicted_as_that_constant(strategy):
    prediction = fit(y=np.full(30, 2.5), strategy=strategy).predict(X)
    np.testing.assert_allclose(prediction, 2.5)


@pytest.mark.filterwarnings("error")
def test_target_that_is_constant_in_the_target_rows_alone():
    model = fit(y=np.where(TARGET, 2.5, y), strategy="auto")
    np.testing.assert_allclose(model.predict(X), 2.5, atol=1e-6)
    assert np.isfinite(model.transfer_gain_).all()


@pytest.mark.filterwarnings("error")
def test_source_that_is_constant_teaches_nothing_and_breaks_nothing():
    model = fit(
        y=np.where(TARGET, y, 2.5), strategy="frozen_experts", guard=False, estimator=LinearRegression()
    )
    np.testing.assert_allclose(model.predict(X[TARGET]), y[TARGET], atol=1e-8)


# parameters and methods -------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["source_only", "frozen_experts", "fine_tuned"])
def test_strategy_that_needs_a_source(strategy):
    with pytest.raises(
        ValueError,
        match=f"The strategy '{strategy}' cannot run: there is no source: set sources or source_domai",
    ):
        fit(sample_domain=None, source_domains=None, strategy=strategy)


@pytest.mark.parametrize("strategy", ["merge", "merge_relevant"])
def test_merged_training_without_rows_of_a_source(strategy):
    with pytest.raises(
        ValueError,
        match=f"'{strategy}' cannot run: it needs the rows of the sources: set source_domains and pas",
    ):
        with_source(Ridge().fit(X, y), strategy=strategy)


def test_features_of_a_source_that_makes_none():
    with pytest.raises(ValueError, match="'frozen_features' cannot run: no trained source has transform"):
        with_source(Ridge().fit(X, y), strategy="frozen_features")


def test_fine_tuning_of_what_cannot_go_on():
    with pytest.raises(ValueError, match="'fine_tuned' cannot run: Ridge cannot continue from a fit"):
        fit(strategy="fine_tuned")


def test_fine_tuning_from_another_class():
    with pytest.raises(ValueError, match="'fine_tuned' cannot run: source 'gas' is a Ridge, not a Random"):
        with_source(Ridge().fit(X, y), strategy="fine_tuned", estimator=RandomForestRegressor(2))


@pytest.mark.parametrize("strategy", ["best", ["target_only", "best"], []])
def test_unknown_strategy_is_answered_with_those_that_there_are(strategy):
    names = ", ".join(STRATEGIES)
    with pytest.raises(ValueError, match=f"strategy must be 'auto' or one or more of {names}, got"):
        fit(strategy=strategy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("estimator", "forest"), ("sources", 3), ("source_domains", 3), ("strategy", 3)),
        *(("source_filter", -0.1), ("source_filter", None), ("predict_on", "surfaces"), ("guard", "yes")),
        *(
            ("cv", 1),
            ("cv", "five"),
            ("n_jobs", 1.5),
            ("random_state", "seed"),
            ("residual_estimator", "other"),
        ),
    ],
)
def test_impossible_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=re.escape(f"The '{name}' parameter of HierarchicalTransfer")):
        fit(**{name: value})


def test_learner_without_weights_is_named():
    with pytest.raises(TypeError, match="KNeighborsRegressor does not take sample_weight"):
        fit(estimator=KNeighborsRegressor(2), sample_weight=np.ones(30))


def test_final_estimator_without_weights_is_named():
    with pytest.raises(TypeError, match="KNeighborsRegressor does not take sample_weight"):
        fit(final_estimator=KNeighborsRegressor(2), sample_weight=np.ones(30))


def test_negative_weight_is_reported_with_its_row():
    with pytest.raises(ValueError, match=r"sample_weight is negative in row 7: -0\.5"):
        fit(sample_weight=with_value(np.ones(30), 7, -0.5))


@pytest.mark.parametrize(("domain", "name"), [("gas", "source 'gas'"), ("water", "the target")])
def test_domain_without_any_weight_is_named(domain, name):
    with pytest.raises(ValueError, match=f"Every row of {name} has the sample_weight 0"):
        fit(sample_weight=(domain != DOMAIN).astype(float))


def test_weights_of_another_length():
    with pytest.raises(ValueError, match=r"sample_weight.*\(29,\)"):
        fit(sample_weight=np.ones(29))


@pytest.mark.parametrize("method", ["predict", "transform", "get_feature_names_out"])
def test_methods_before_fit(method):
    arguments = () if method == "get_feature_names_out" else (X,)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(HierarchicalTransfer(Ridge()), method)(*arguments)


def test_another_number_of_features_in_predict():
    with pytest.raises(ValueError, match="X has 2 features, but HierarchicalTransfer is expecting 3"):
        fit().predict(X[:, :2])


def test_another_number_of_features_to_be_deployed_on():
    with pytest.raises(ValueError, match="X has 2 features, but HierarchicalTransfer is expecting 3"):
        fit(X_deploy=X[:, :2])


def test_learner_that_fails_says_why():
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        fit(estimator=KNeighborsRegressor(50))


def test_a_failed_fit_can_be_repeated_with_good_data():
    model = HierarchicalTransfer(Ridge(), source_domains=["gas"], cv=3, random_state=0)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(with_value(X, (0, 0), np.nan), y, sample_domain=DOMAIN)
    np.testing.assert_array_equal(model.fit(X, y, sample_domain=DOMAIN).predict(X), fit().predict(X))
