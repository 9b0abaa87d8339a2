"""The meta-estimators on chemical formulas, with networks and with descriptors as learners."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline

from skxfer import HierarchicalTransfer, SequentialTransfer
from skxfer.datasets import load_miedema
from skxfer.featurizers import CompositionFeaturizer
from skxfer.models import LGDCNNRegressor

LETTERS = pd.DataFrame(np.eye(4), index=["Na", "K", "F", "Cl"])  # an embedding of elements

rng = np.random.default_rng(0)
COUNTS = rng.integers(1, 9, size=(60, 4))
FORMULAS = np.array([f"Na{a}K{b}F{c}Cl{d}" for a, b, c, d in COUNTS])
SHARES = COUNTS / COUNTS.sum(axis=1, keepdims=True)
ENERGY = SHARES @ [1.0, -1.0, 3.0, -2.0]


def network(**params):
    pytest.importorskip("torch", reason="LGDCNNRegressor needs torch")
    pytest.importorskip("skorch", reason="LGDCNNRegressor needs skorch")
    tiny = {"hidden_dim": 16, "n_blocks": 1, "batch_size": 16, "max_epochs": 30}
    return LGDCNNRegressor(embedding=LETTERS, calibration=None, random_state=0, **{**tiny, **params})


# chains -----------------------------------------------------------------------------------------------


def test_a_network_of_formulas_goes_on_along_a_chain():
    stage = np.repeat([0, 1], [50, 10])
    learner = network()
    model = SequentialTransfer(learner).fit(FORMULAS, ENERGY, sample_domain=stage)
    assert model.strategy_ == "fine_tuned"
    first = network().fit(FORMULAS[:50], ENERGY[:50])
    by_hand = network(init=FrozenEstimator(first)).fit(FORMULAS[50:], ENERGY[50:])
    np.testing.assert_array_equal(model.predict(FORMULAS), by_hand.predict(FORMULAS))


def test_a_network_goes_on_where_labels_of_some_targets_are_missing():
    stage = np.repeat([0, 1], [50, 10])
    Y = np.column_stack([ENERGY, -ENERGY])
    Y[::7, 0] = np.nan
    model = SequentialTransfer(network(), random_state=0).fit(FORMULAS, Y, sample_domain=stage)
    assert type(model.stages_[1]) is LGDCNNRegressor
    assert model.predict(FORMULAS).shape == Y.shape


# several properties as sources ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alloys():
    """Formulas and enthalpies of compounds, of few solid solutions and of others; no pair is in both."""
    pytest.importorskip("matminer", reason="Magpie descriptors need matminer")
    data = load_miedema()
    source = data.domain == "intermetallic"
    pairs = np.unique(data.element_pair[~source])
    new = ~source & np.isin(data.element_pair, np.random.default_rng(0).choice(pairs, len(pairs) // 2))
    few = np.random.default_rng(1).permutation(np.flatnonzero(~source & ~new))[:25]
    return [(data.data[rows], data.target[rows]) for rows in (source, few, new)]


def test_three_other_properties_help_a_pipeline_on_descriptors(alloys):
    (X_source, y_source), (X, y), (X_new, y_new) = alloys
    columns = CompositionFeaturizer("magpie").set_output(transform="pandas").fit_transform(X_source)
    (volume,) = [name for name in columns if "mean" in name and "GSvolume" in name]
    properties = {
        "enthalpy": y_source,
        "stable": (y_source < 0).astype(float),
        "volume": columns[volume].to_numpy(),  # Å³/atom
    }
    learner = make_pipeline(CompositionFeaturizer("magpie"), ExtraTreesRegressor(30, random_state=0))
    sources = [
        (name, FrozenEstimator(clone(learner).fit(X_source, values))) for name, values in properties.items()
    ]
    model = HierarchicalTransfer(learner, sources=sources, random_state=0).fit(X, y)
    assert [name for name, _ in model.experts_] == [*properties]
    assert model.transform(X_new).shape == (len(X_new), 3)
    alone = clone(learner).fit(X, y)
    errors = [mean_absolute_error(y_new, fitted.predict(X_new)) for fitted in (model, alone)]
    assert errors[0] < 0.7 * errors[1]
    assert model.transfer_gain_[0] > 0.3


# searches ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_one_search_on_two_jobs_compares_a_forest_on_descriptors_with_a_network(routing):
    source = network(max_epochs=150).fit(FORMULAS[:40], ENERGY[:40])
    forest = make_pipeline(CompositionFeaturizer("fractions"), RandomForestRegressor(5, random_state=0))
    tuned = network(init=FrozenEstimator(source), max_epochs=5)
    grid = [{"model": [forest]}, {"model": [tuned], "model__freeze": [None, "embedding"]}]
    groups = np.arange(20) % 5
    X, y = FORMULAS[40:], ENERGY[40:]
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(
            Pipeline([("model", forest)]), grid, cv=GroupKFold(2), n_jobs=2, error_score="raise"
        ).fit(X, y, groups=groups)
    assert len(search.cv_results_["params"]) == 3
    assert type(search.best_estimator_["model"]) is LGDCNNRegressor
    assert search.best_estimator_["model"].init.estimator is source
    best = network(init=source, max_epochs=5, freeze=search.best_params_["model__freeze"])
    np.testing.assert_allclose(search.predict(FORMULAS), best.fit(X, y).predict(FORMULAS), rtol=1e-5)
