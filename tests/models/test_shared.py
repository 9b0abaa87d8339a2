"""What holds for all networks: torch's global state, the unit of y, labels, interruption, parameters."""

import inspect
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from skxfer import HMNNRegressor, LGDCNNRegressor, QDDTransformer, SchNetIIARegressor  # noqa: E402
from skxfer.models.base import members  # noqa: E402
from skxfer.models.base.labels import labelled, moments, read_labels  # noqa: E402
from skxfer.models.base.torch_state import plain_torch  # noqa: E402
from skxfer.models.base.training import choose_epochs  # noqa: E402

METALS = ["Ag", "Al", "Au", "Co", "Cu", "Fe"]
TABLE = pd.DataFrame(np.random.default_rng(0).normal(0, 0.3, (6, 8)), index=METALS)


def table():
    X = np.random.default_rng(1).normal(size=(40, 3))
    return X, X[:, 0] - X[:, 1] ** 2


def formulas():
    rng = np.random.default_rng(2)
    amounts = rng.integers(1, 9, (40, 2))
    pairs = [rng.choice(METALS, 2, replace=False) for _ in amounts]
    X = [f"{a}{m}{b}{n}" for (a, b), (m, n) in zip(pairs, amounts, strict=True)]
    return X, amounts[:, 0] / amounts.sum(axis=1)


def molecules():
    """Chains of hydrogen and carbon, all with one composition."""
    rng, X, y = np.random.default_rng(3), [], []
    for _ in range(40):
        steps = rng.uniform(0.9, 1.4, 3)
        positions = np.c_[np.zeros((4, 2)), np.r_[0, steps.cumsum()]]
        X.append(([1, 6, 6, 1], positions))
        y.append(np.sum(np.exp(1.2 - steps)))
    return X, np.array(y)


NETWORKS = {
    "HMNN": (
        HMNNRegressor(max_epochs=3, hidden_dim=8, expert_dim=8, n_members=2, cv=2, random_state=0),
        table,
    ),
    "LGDCNN": (
        LGDCNNRegressor(
            embedding=TABLE, hidden_dim=8, n_blocks=1, max_epochs=3, calibration=0.3, random_state=0
        ),
        formulas,
    ),
    "SchNetIIA": (
        SchNetIIARegressor(
            hidden_dim=8, n_interactions=1, n_rbf=8, cutoff=3.0, max_epochs=3, n_members=2, random_state=0
        ),
        molecules,
    ),
    "QDD": (
        QDDTransformer(
            hidden_dim=8, n_layers=1, radius=0.5, spacing=0.5, max_epochs=3, validation_fraction=0,
            random_state=0,
        ),
        molecules,
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", NETWORKS)


def outputs(name, change=lambda y: y):
    """All that a network says after a fit: predictions, error bars, features."""
    model, data = NETWORKS[name]
    X, y = data()
    model = clone(model).fit(X, change(y))
    found = {"predict": model.predict(X), "transform": model.transform(X)}
    if name != "QDD":
        found["std"] = model.predict(X, return_std=True)[1]
    if name == "SchNetIIA":
        found["forces"] = np.concatenate(model.predict_forces(X))
    return found


# torch's global state ---------------------------------------------------------------------------------


@contextmanager
def double_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)


@contextmanager
def no_device():
    torch.set_default_device("meta")
    try:
        yield
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


STATES = {
    "float64": double_precision,
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "another device": no_device,
}


@each
@pytest.mark.parametrize("state", STATES)
def test_global_state_of_torch_does_not_reach_a_network(name, state):
    expected = outputs(name)
    with STATES[state]():
        found = outputs(name)
    for what in expected:
        np.testing.assert_array_equal(found[what], expected[what], err_msg=what)


@each
def test_a_network_that_was_trained_in_inference_mode_is_trained_further(name):
    model, data = NETWORKS[name]
    X, y = data()
    with torch.inference_mode():
        first = clone(model).fit(X, y)
    if name == "HMNN":
        domain = np.repeat("target", len(X))
        again = clone(model).set_params(sources=[("one", first)], strategy="frozen_experts")
        again.fit(X, y, sample_domain=domain)
    else:
        again = clone(model).set_params(init=first).fit(X, y)
    assert np.isfinite(again.predict(X)).all()


def test_the_callers_precision_comes_back_when_the_last_user_ends():
    with double_precision():
        one, two = plain_torch(), plain_torch()
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        assert torch.get_default_dtype() == torch.float32
        two.__exit__(None, None, None)


# the unit of y ----------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("factor", [1e-8, 1e-5, 1e-3, 1e3, 1e8])
def test_predictions_scale_with_the_unit_of_y(name, factor):
    expected, found = outputs(name), outputs(name, lambda y: factor * y)
    for what in expected:
        unit = 1.0 if what == "transform" else factor
        scale = np.abs(expected[what]).max()
        np.testing.assert_allclose(found[what] / unit, expected[what], atol=1e-3 * scale, err_msg=what)


@each
def test_predictions_move_with_y(name):
    expected, found = outputs(name), outputs(name, lambda y: y + 1e6)
    for what in expected:
        offset = 1e6 if what == "predict" else 0.0
        scale = np.ptp(expected[what])
        np.testing.assert_allclose(found[what] - offset, expected[what], atol=1e-2 * scale, err_msg=what)


# labels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LGDCNN", "SchNetIIA", "QDD"])
def test_rows_without_a_label_are_left_out(name):
    model, data = NETWORKS[name]
    X, y = data()
    y[::4] = np.nan
    kept = np.flatnonzero(~np.isnan(y))
    found = clone(model).fit(X, y).predict(X)
    expected = clone(model).fit([X[k] for k in kept], y[kept]).predict(X)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.ptp(expected))


@each
@pytest.mark.parametrize("weighted", [False, True])
def test_a_target_without_a_label_is_named(name, weighted):
    model, data = NETWORKS[name]
    X, y = data()
    if weighted:
        y[10:] = np.nan
        options = {"sample_weight": np.r_[np.zeros(10), np.ones(30)]}
        match = "no label"
    else:
        y[:] = np.nan
        options, match = {}, "every target needs at least one label"
    with pytest.raises(ValueError, match=match):
        clone(model).fit(X, y, **options)


def test_an_empty_target_is_named_as_y_names_it():
    y = pd.DataFrame({"gap": [1.0, 2.0, np.nan], "volume": [np.nan, np.nan, 3.0]})
    labels = read_labels(HMNNRegressor(), y, 3, np.array([1.0, 1.0, 0.0]))
    with pytest.raises(
        ValueError, match="Target 'volume' has no label in a row with a sample_weight above 0"
    ):
        labelled(labels)
    kept = labelled(read_labels(HMNNRegressor(), y, 3))
    assert kept.rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(kept.balanced(), [[1.5, 0], [1.5, 0], [0, 3.0]])


def test_moments_are_those_of_numpy_and_a_constant_has_the_scale_one():
    Y = np.random.default_rng(0).normal(5, 2, (30, 2))
    weight = np.ones((30, 2))
    weight[:10, 1] = 0
    center, scale = moments(np.where(weight > 0, Y, np.nan), weight)
    np.testing.assert_allclose(center, [Y[:, 0].mean(), Y[10:, 1].mean()])
    np.testing.assert_allclose(scale, [Y[:, 0].std(), Y[10:, 1].std()])
    assert moments(np.full((3, 1), 7.0), np.ones((3, 1)))[1] == [1.0]


# epochs and members -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "n_samples", "expected"), [(3, 10, 3), (0, 10, 0), (None, 10, 100), (None, 1000, 40)]
)
def test_small_data_are_trained_for_more_epochs_unless_their_number_is_given(asked, n_samples, expected):
    assert choose_epochs(asked, 40, 100, n_samples, 10) == expected


@pytest.mark.parametrize(("ends", "kept"), [([1, 1, 1], [0, 1, 2]), ([1, 0, 1], [0]), ([0, 1, 1], [0])])
def test_members_that_were_interrupted_are_dropped_but_for_the_first(ends, kept):
    nets, complete = members.train_members(lambda member: (member, bool(ends[member])), 3)
    assert (nets, complete) == (kept, all(ends))


# parameters -------------------------------------------------------------------------------------------


@each
def test_a_network_has_no_more_parameters_than_scikit_learns_largest(name):
    estimator = type(NETWORKS[name][0])
    parameters = [p for p in inspect.signature(estimator.__init__).parameters if p != "self"]
    assert len(parameters) <= 24
    assert set(parameters) == set(estimator._parameter_constraints)
