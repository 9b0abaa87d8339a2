"""Whatever comes in: a clear error or finite predictions of the right shape."""

import re

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from skxfer import HierarchicalTransfer, SequentialTransfer
from skxfer.transfer.strategies import STRATEGIES

hypothesis = pytest.importorskip("hypothesis", reason="fuzzing needs hypothesis")
st = pytest.importorskip("hypothesis.strategies")

quick = hypothesis.settings(
    max_examples=40,
    suppress_health_check=list(hypothesis.HealthCheck),
)
LEARNERS = [Ridge(), KNeighborsRegressor(1), SVR(), DecisionTreeRegressor(max_depth=2)]


SOUND = "sound"
FLAWS = [
    "few rows",
    "NaN in X",
    "most labels missing",
    "mixed domains",
    "no weight",
    "negative weight",
    "a source only",
]


@st.composite
def tables(draw):
    """Inputs, labels, domains, weights and a source: often sound, sometimes with one flaw."""
    flaw = draw(st.sampled_from([*5 * [SOUND], *FLAWS]))
    n_rows = draw(st.integers(1, 4)) if flaw == "few rows" else draw(st.integers(12, 30))
    n_features, n_targets = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 100)))

    X = rng.normal(size=(n_rows, n_features)) * 10.0 ** draw(st.integers(-8, 8))
    kind = draw(st.sampled_from([SOUND, "rounded", "constant"]))
    if kind == "rounded":
        X = np.sign(X)
    elif kind == "constant":
        X[:, 0] = 3.0
    X = X.astype(draw(st.sampled_from([np.float64, np.float32, np.int64])))
    if flaw == "NaN in X":
        X = X.astype(float)
        X[rng.integers(n_rows), 0] = np.nan

    Y = rng.normal(size=(n_rows, n_targets)) * 10.0 ** draw(st.integers(-6, 6))
    missing = 0.9 if flaw == "most labels missing" else draw(st.sampled_from([0.0, 0.3]))
    Y[rng.random(Y.shape) < missing] = np.nan
    if n_targets == 1 and draw(st.booleans()):
        Y = Y.ravel()

    names = [["a", "b", "c"], [16, 17, 18]][draw(st.integers(0, 1))]
    if flaw == "mixed domains":
        names = ["a", 17, draw(st.sampled_from([None, "c"]))]
    n_domains = 1 if flaw == "a source only" else draw(st.integers(2, 3))
    domain = [names[i] for i in rng.integers(n_domains, size=n_rows)]

    weight = draw(st.sampled_from([None, rng.random(n_rows) + 0.1, np.maximum(rng.random(n_rows) - 0.5, 0)]))
    if flaw in ("no weight", "negative weight"):
        weight = np.full(n_rows, 0.0 if flaw == "no weight" else -1.0)
    return X, Y, domain, weight, names[0]


def check(model, X, Y, **given):
    try:
        model.fit(X, Y, **given)
    except (TypeError, ValueError) as error:
        assert len(str(error)) > 20
        return
    try:
        prediction = model.predict(X)
    except ValueError as error:  # the fit had left that row out
        assert re.search("X contains NaN: row .*, column 0", str(error))
        return
    assert prediction.shape == Y.shape
    assert np.isfinite(prediction).all()


@quick
@hypothesis.given(
    table=tables(),
    learner=st.sampled_from(LEARNERS),
    strategy=st.sampled_from(["auto", *STRATEGIES]),
    guard=st.booleans(),
    predict_on=st.sampled_from(["auto", "similar", "new_domains", "new_inputs"]),
    cv=st.integers(2, 4),
    source_filter=st.sampled_from([0.2, 3.0, 0.0]),
)
@pytest.mark.filterwarnings("ignore")
def test_hierarchical_transfer_predicts_or_says_why_not(table, learner, **params):
    X, Y, domain, weight, source = table
    model = HierarchicalTransfer(learner, source_domains=[source], random_state=0, **params)
    check(model, X, Y, sample_domain=domain, sample_weight=weight)


@quick
@hypothesis.given(
    table=tables(), learner=st.sampled_from(LEARNERS), guard=st.booleans(), deploy=st.booleans()
)
@pytest.mark.filterwarnings("ignore")
def test_transfer_from_a_trained_source_predicts_or_says_why_not(table, learner, guard, deploy):
    X, Y, _, _, _ = table
    rng = np.random.default_rng(0)
    expert = Ridge().fit(rng.normal(size=(5, X.shape[1])), rng.normal(size=(5, *Y.shape[1:])))
    model = HierarchicalTransfer(learner, sources=[("s", expert)], guard=guard, cv=2, random_state=0)
    check(model, X, Y, X_deploy=X[::-1] if deploy else None)


@quick
@hypothesis.given(
    table=tables(),
    learner=st.sampled_from(LEARNERS),
    strategy=st.sampled_from(["auto", "fine_tuned", "frozen_experts"]),
    guard=st.booleans(),
)
@pytest.mark.filterwarnings("ignore")
def test_sequential_transfer_predicts_or_says_why_not(table, learner, strategy, guard):
    X, Y, domain, weight, _ = table
    model = SequentialTransfer(learner, strategy=strategy, guard=guard, random_state=0)
    check(model, X, Y, sample_domain=domain, sample_weight=weight)


@pytest.mark.filterwarnings("ignore")
def test_most_tables_of_the_fuzz_are_learned_from():
    """The tests above would mean little if errors were all there is."""
    outcomes = []

    @quick
    @hypothesis.given(table=tables())
    def count(table):
        X, Y, domain, weight, source = table
        model = HierarchicalTransfer(Ridge(), source_domains=[source], strategy="frozen_experts", guard=False)
        try:
            model.fit(X, Y, sample_domain=domain, sample_weight=weight)
            outcomes.append(True)
        except (TypeError, ValueError):
            outcomes.append(False)

    count()
    assert np.mean(outcomes) > 0.25
