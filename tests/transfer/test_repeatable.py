"""What HierarchicalTransfer costs, repeats and leaves alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer
from skxfer.datasets import make_domains

FROZEN = {"strategy": "frozen_experts", "guard": False}
MERGE = {"strategy": "merge", "guard": False}


def fitted(problem, learner, **params):
    model = HierarchicalTransfer(learner, source_domains=problem.source_domains, **params)
    return model.fit(problem.data, problem.target, sample_domain=problem.domain)


def rows(problem, name):
    chosen = problem.domain == name
    return problem.data[chosen], problem.target[chosen]


class Counted(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A ridge that counts its fits, and the rows of each, over all clones."""

    fits = []

    def fit(self, X, y):
        Counted.fits.append(len(X))
        self.model_ = Ridge().fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


@pytest.fixture
def counted():
    Counted.fits.clear()
    return Counted()


# what it costs --------------------------------------------------------------------------------------


def test_frozen_without_a_guard_fits_each_expert_once_and_the_rest_once(several, counted):
    fitted(several, counted, **FROZEN)
    assert sorted(Counted.fits) == [25, 80, 80]


def test_cross_validation_fits_no_expert_again(several, counted):
    fitted(several, counted, strategy="frozen_experts", cv=5, predict_on="similar")
    assert Counted.fits.count(80) == 2  # the experts
    # In each of five folds, drawn twice, the target alone, and what experts leave.
    assert Counted.fits.count(20) == 20
    assert Counted.fits.count(25) == len(Counted.fits) - 22 <= 2


def test_merged_training_without_a_guard_is_one_fit(several, counted):
    fitted(several, counted, **MERGE)
    assert Counted.fits == [185]


def test_trained_sources_are_not_fitted_again(several, counted):
    X, Y = rows(several, "target")
    sources = [
        (name, FrozenEstimator(Counted().fit(*rows(several, name)))) for name in several.source_domains
    ]
    Counted.fits.clear()
    HierarchicalTransfer(counted, sources=sources, **FROZEN).fit(X, Y)
    assert Counted.fits == [25]


def test_strategies_without_a_share_are_not_fitted_on_all_rows(counted):
    problem = make_domains(100, 20, 0, 3, relation="identical", noise=0, random_state=0)
    model = HierarchicalTransfer(counted, source_domains=["source_0"], guard=False, cv=2, random_state=0)
    model.fit(problem.data, problem.target, sample_domain=problem.domain)
    used = {name for name, share in zip(model.strategies_, model.weights_[0], strict=True) if share}
    assert set(model.estimators_) == {"target_only"} | used
    assert len(model.estimators_) < len(model.strategies_)


# the same again, and nothing else changed -----------------------------------------------------------


def test_random_state_makes_two_fits_identical(several):
    first, again, other = (
        fitted(several, ExtraTreesRegressor(5), cv=2, random_state=s).predict(several.test_data)
        for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_state_leaves_the_global_generator_of_numpy_alone(several):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = HierarchicalTransfer(
        ExtraTreesRegressor(2), source_domains=several.source_domains, cv=2, random_state=0
    )
    model.fit_transform(
        several.data, several.target, sample_domain=several.domain, X_deploy=several.test_data
    )
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_experts_do_not_depend_on_the_order_of_the_sources(several):
    names = list(several.source_domains)
    one, other = (
        HierarchicalTransfer(ExtraTreesRegressor(3), source_domains=order, random_state=0, **FROZEN)
        .fit(several.data, several.target, sample_domain=several.domain)
        .experts_
        for order in (names, names[::-1])
    )
    np.testing.assert_array_equal(
        dict(one)["source_1"].predict(several.test_data), dict(other)["source_1"].predict(several.test_data)
    )


def test_clone_keeps_frozen_sources_fitted_and_their_very_object(related):
    expert = Ridge().fit(*rows(related, "source_0"))
    model = clone(HierarchicalTransfer(Ridge(), sources=[("gas", FrozenEstimator(expert))], **FROZEN))
    assert model.fit(*rows(related, "target")).experts_[0][1] is expert


def test_refitting_forgets_the_first_fit(related, several):
    model = HierarchicalTransfer(SVR(), source_domains=["source_0"], cv=3, random_state=0)
    model.fit(
        several.data,
        several.target,
        sample_domain=np.where(several.domain == "source_1", "t", several.domain),
    )
    model.fit(related.data, related.target, sample_domain=related.domain)
    expected = fitted(related, SVR(), cv=3, random_state=0)
    np.testing.assert_array_equal(model.predict(related.test_data), expected.predict(related.test_data))


def test_target_only_model_is_kept_where_the_guard_compared_with_it(related):
    model = fitted(related, SVR(C=10), cv=3, random_state=0)
    expected = SVR(C=10).fit(*rows(related, "target")).predict(related.test_data)
    np.testing.assert_array_equal(model.estimators_["target_only"].predict(related.test_data), expected)
    assert list(fitted(related, SVR(C=10), **FROZEN).estimators_) == ["frozen_experts"]


def test_workers_see_the_configuration_of_the_caller(related):
    frame = pd.DataFrame(related.data, columns=list("abc"))
    by_name = ColumnTransformer([("keep", "passthrough", ["a", "b"])], verbose_feature_names_out=False)
    learner = make_pipeline(StandardScaler(), by_name, Ridge())
    model = HierarchicalTransfer(learner, source_domains=["source_0"], n_jobs=2, **FROZEN)
    with config_context(transform_output="pandas"):
        model.fit(frame, related.target, sample_domain=related.domain)
        assert np.isfinite(model.predict(frame)).all()


def test_pipeline_that_returns_frames_passes_the_guard(related):
    frame = pd.DataFrame(related.data, columns=list("abc"))
    learner = make_pipeline(StandardScaler().set_output(transform="pandas"), Ridge())
    model = HierarchicalTransfer(learner, source_domains=["source_0"], cv=3, random_state=0)
    plain = HierarchicalTransfer(
        make_pipeline(StandardScaler(), Ridge()), source_domains=["source_0"], cv=3, random_state=0
    )
    got, expected = (m.fit(frame, related.target, sample_domain=related.domain) for m in (model, plain))
    np.testing.assert_allclose(got.predict(frame), expected.predict(frame))
