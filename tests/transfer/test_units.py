"""The unit of y is the user's choice: predictions scale and shift with it."""

import numpy as np
import pytest

from skxfer import HierarchicalTransfer, TransferCV
from skxfer.choice import residual_variance
from skxfer.datasets import make_domains
from skxfer.learners import LEARNERS, can_continue, default_learners
from skxfer.transfer.strategies import STRATEGIES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DATA = make_domains(60, 20, 40, 3, relation="related", random_state=0)
TRAIN = DATA.domain != "test"
X, y, DOMAIN = DATA.data[TRAIN], DATA.target[TRAIN], DATA.domain[TRAIN]
NEW, TRUTH = DATA.data[~TRAIN], DATA.target[~TRAIN]
# What needs more than source rows: a trained encoder, a column of cheap values.
ELSEWHERE = {"frozen_features", "low_fidelity"}


def make_learner(name):
    if name == "xgb":
        pytest.importorskip("xgboost", reason="this learner needs xgboost")
    return default_learners([name], random_state=0)[name]


def predicted(learner, strategy, y):
    model = HierarchicalTransfer(
        learner, source_domains=["source_0"], strategy=strategy, guard=False, random_state=0
    )
    return model.fit(X, y, sample_domain=DOMAIN).predict(NEW)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in ELSEWHERE])
def test_predictions_have_the_unit_of_y(name, strategy):
    learner = make_learner(name)
    if strategy == "fine_tuned" and not can_continue(learner):
        pytest.skip("this learner cannot go on")
    plain = predicted(learner, strategy, y)
    # By a power of two nothing but the exponent changes, so nothing may depend on the unit at all.
    for power in (-27, 27):
        np.testing.assert_allclose(
            predicted(learner, strategy, y * 2.0**power) * 2.0**-power, plain, rtol=1e-9
        )
    # Others round differently, and so does a shift, on which trees may split elsewhere.
    error = np.abs(plain - TRUTH).mean()
    for factor, shift in [(1e-8, 0), (1e8, 0), (1, 1e6)]:
        other = (predicted(learner, strategy, y * factor + shift) - shift) / factor
        assert np.abs(other - TRUTH).mean() < 1.1 * error


@pytest.mark.parametrize("name", ["ridge", "xgb"])
@pytest.mark.parametrize("power", [-27, 27])
def test_the_choice_does_not_depend_on_the_unit(name, power):
    learner, factor = make_learner(name), 2.0**power
    target = DOMAIN == "target"
    found = []
    for unit in (1.0, factor):
        source = make_learner(name).fit(X[~target], y[~target] * unit)
        first = HierarchicalTransfer(learner, source_domains=["source_0"], cv=3, random_state=0)
        first.fit(X, y * unit, sample_domain=DOMAIN)
        second = TransferCV(source, combine="blend", cv=3, random_state=0).fit(X[target], y[target] * unit)
        found.append([first, second])
    for plain, scaled in zip(*found, strict=True):
        np.testing.assert_allclose(scaled.weights_, plain.weights_, atol=1e-6)
        np.testing.assert_allclose(scaled.transfer_gain_, plain.transfer_gain_, atol=1e-6)
        one, other = (model.predict(NEW, return_std=True) for model in (plain, scaled))
        np.testing.assert_allclose(np.divide(other, factor), one, rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-12, 1e-8, 1.0, 1e8])
def test_variance_is_fitted_in_any_unit(unit):
    spread = np.linspace(0, 1, 50)
    found = residual_variance(np.sqrt(0.5 + 2 * spread) * unit, spread * unit**2)
    np.testing.assert_allclose(found, [0.5 * unit**2, 2], rtol=1e-6)
