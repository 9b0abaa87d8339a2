"""`score` counts target rows alone, whoever asks for it."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skxfer import HierarchicalTransfer, SequentialTransfer
from skxfer.model_selection import TargetKFold

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3))
DOMAIN = rng.permutation(np.repeat(["gas", "water"], [60, 30]))
TARGET = DOMAIN == "water"
# The source is a line, the target has noise: a score over all rows would flatter.
y = X @ [1.0, 2.0, 3.0] + TARGET * rng.normal(size=90) * 3

MODELS = [
    HierarchicalTransfer(Ridge(), source_domains=["gas"], strategy="merge", guard=False),
    HierarchicalTransfer(Ridge(), source_domains="gas", strategy="merge", guard=False),
    SequentialTransfer(Ridge(), order=["gas", "water"]),
]
both_doors = pytest.mark.parametrize("model", MODELS, ids=["list", "one name", "chain"])


@both_doors
def test_score_is_that_of_the_target_rows(model):
    model.fit(X, y, sample_domain=DOMAIN)
    expected = r2_score(y[TARGET], model.predict(X[TARGET]))
    assert model.score(X, y, sample_domain=DOMAIN) == expected
    assert model.score(X.tolist(), list(y), sample_domain=list(DOMAIN)) == expected
    weight = rng.random(90)
    expected = r2_score(y[TARGET], model.predict(X[TARGET]), sample_weight=weight[TARGET])
    assert model.score(X, y, sample_domain=DOMAIN, sample_weight=weight) == expected


@both_doors
def test_score_without_domains_is_refused_with_the_splitter_to_use(model):
    model.fit(X, y, sample_domain=DOMAIN)
    with pytest.raises(
        ValueError, match=r"score needs sample_domain=.*TargetKFold\(source_domains=\['gas'\]\)"
    ):
        model.score(X, y)
    with pytest.raises(ValueError, match="no target row to score: all rows belong to.*gas.*TargetKFold"):
        model.score(X[~TARGET], y[~TARGET], sample_domain=DOMAIN[~TARGET])


def test_without_other_domains_no_domain_is_needed():
    X_t, y_t = X[TARGET], y[TARGET]
    for model in (
        HierarchicalTransfer(Ridge()),
        HierarchicalTransfer(Ridge(), sources=Ridge().fit(X[~TARGET], y[~TARGET]), cv=3),
        SequentialTransfer(Ridge()),
    ):
        model.fit(X_t, y_t)
        assert model.score(X_t, y_t) == r2_score(y_t, model.predict(X_t))
        assert np.isfinite(cross_val_score(model, X_t, y_t, cv=3, error_score="raise")).all()


@both_doors
def test_the_plain_call_of_cross_val_score_is_refused(model):
    with pytest.raises(ValueError, match="score needs sample_domain=.*TargetKFold.*set scoring"):
        cross_val_score(model, X, y, params={"sample_domain": DOMAIN}, error_score="raise")


@both_doors
@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: make_pipeline(StandardScaler(), model)])
def test_with_routing_the_plain_call_scores_target_rows(model, wrap):
    cv = KFold(3, shuffle=True, random_state=0)
    with config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            wrap(model), X, y, cv=cv, params={"sample_domain": DOMAIN}, error_score="raise"
        )
        search = GridSearchCV(wrap(model), {}, cv=cv, error_score="raise").fit(X, y, sample_domain=DOMAIN)
    expected = []
    for train, test in cv.split(X):
        test = test[TARGET[test]]
        scaler = (
            StandardScaler().fit(X[train]) if isinstance(wrap(model), Pipeline) else FunctionTransformer()
        )
        fitted = model.fit(scaler.transform(X[train]), y[train], sample_domain=DOMAIN[train])
        expected.append(r2_score(y[test], fitted.predict(scaler.transform(X[test]))))
    np.testing.assert_allclose(scores, expected)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], [np.mean(expected)])


@both_doors
def test_the_splitter_with_a_metric_needs_no_routing(model):
    cv = TargetKFold(3, source_domains=["gas"], random_state=0)
    given = {"groups": DOMAIN, "cv": cv, "scoring": "r2", "params": {"sample_domain": DOMAIN}}
    scores = cross_val_score(model, X, y, error_score="raise", **given)
    with config_context(enable_metadata_routing=True):
        routed = cross_val_score(model, X, y, cv=cv, params={"sample_domain": DOMAIN}, error_score="raise")
    np.testing.assert_array_equal(scores, routed)


@both_doors
@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_metric_over_rows_of_the_sources_is_refused_with_the_splitter_to_use(model, routing, n_jobs):
    given = {"cv": KFold(3, shuffle=True, random_state=0), "scoring": "r2", "n_jobs": n_jobs}
    refused = pytest.raises(
        ValueError, match=r"of the 30 rows that this fold holds out .*TargetKFold\(source_domains=\['gas'\]\)"
    )
    with config_context(enable_metadata_routing=routing):
        with refused:
            cross_val_score(model, X, y, params={"sample_domain": DOMAIN}, error_score="raise", **given)
        with refused:
            GridSearchCV(model, {}, error_score="raise", **given).fit(X, y, sample_domain=DOMAIN)


def test_a_metric_over_rows_of_the_sources_is_refused_inside_a_pipeline():
    model = make_pipeline(StandardScaler(), MODELS[0])
    labels = {"hierarchicaltransfer__sample_domain": list(DOMAIN)}
    with pytest.raises(ValueError, match="TargetKFold"):
        cross_val_score(model, X, y, params=labels, scoring="r2", error_score="raise")


def test_a_scorer_that_looks_at_the_rows_itself_is_left_alone():
    def of_target(model, X_held, y_held):
        held = (X_held[:, None] == X[TARGET]).all(axis=2).any(axis=1)
        return r2_score(y_held[held], model.predict(X_held[held]))

    cv = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(
        MODELS[0], X, y, cv=cv, params={"sample_domain": DOMAIN}, scoring=of_target, error_score="raise"
    )
    assert np.isfinite(scores).all()


def test_predictions_of_all_rows_out_of_fold_are_no_scores():
    cv = KFold(3, shuffle=True, random_state=0)
    predictions = cross_val_predict(MODELS[0], X, y, cv=cv, params={"sample_domain": DOMAIN})
    assert predictions.shape == (90,)
