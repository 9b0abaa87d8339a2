"""Gradients against finite differences, and their picture."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from skxfer import HMNNRegressor, SpectrumFeaturizer  # noqa: E402
from skxfer.datasets import load_co_ag_emt  # noqa: E402
from skxfer.inspection import SaliencyDisplay, _saliency, gradient_importance  # noqa: E402

STEP = 2e-2  # of a standard deviation: above the noise of single precision


def differences(model, X, function):
    """Mean absolute central difference for each feature: (n_features, n_members, ...)."""
    scale = model.network_.featurizer.scaler_.scale_
    steps = [STEP * scale[j] * np.eye(X.shape[1])[j] for j in range(X.shape[1])]
    changes = np.array([(function(X + step) - function(X - step)) / (2 * STEP) for step in steps])
    return np.abs(changes).mean(axis=1)


def gradients(importance, kind, n_outputs):
    """The column as an array of shape (n_members, n_outputs, n_features)."""
    part = importance[importance["kind"] == kind]
    return part["gradient"].to_numpy().reshape(part["member"].nunique(), n_outputs, -1)


@pytest.mark.parametrize("which", ["one_tier", "two_tiers"])
def test_gradients_of_predictions_are_finite_differences(which, table, request):
    model = request.getfixturevalue(which)
    X = table.data[:30]
    expected = differences(model, X, model.network_.predict).transpose(1, 2, 0)
    np.testing.assert_allclose(gradients(gradient_importance(model, X), "target", 2), expected, rtol=5e-3)


@pytest.mark.parametrize("which", ["one_tier", "two_tiers"])
def test_gradients_of_experts_are_finite_differences(which, table, request):
    model = request.getfixturevalue(which)
    X = table.data[:30]
    expected = differences(model, X, model.expert_outputs).sum(axis=-1).transpose(1, 2, 0)
    found = gradients(gradient_importance(model, X), "expert", len(model.expert_names_))
    np.testing.assert_allclose(found, expected, rtol=5e-3)


def test_gradients_do_not_depend_on_how_rows_are_divided(table, two_tiers, monkeypatch):
    whole = gradient_importance(two_tiers, table.data)
    monkeypatch.setattr(_saliency, "LARGEST_JACOBIAN", 7 * 4 * (2 * 2 + 2 * 8 * 8))  # seven rows
    parts = gradient_importance(two_tiers, table.data)
    np.testing.assert_allclose(parts["gradient"], whole["gradient"], rtol=1e-5)


def test_shares_sum_to_one(table, two_tiers):
    shares = gradient_importance(two_tiers, table.data).groupby(["kind", "output", "member"])["share"].sum()
    np.testing.assert_allclose(shares, 1.0)


def test_the_feature_that_matters_has_the_largest_share():
    X = np.random.default_rng(0).normal(size=(200, 4))
    model = HMNNRegressor(max_epochs=100, n_members=1, hidden_dim=16, expert_dim=8, cv=None, random_state=0)
    importance = gradient_importance(model.fit(X, np.sin(X[:, 2])), X).query("kind == 'target'")
    shares = importance.set_index("feature")["share"]
    assert shares.idxmax() == "x2" and shares["x2"] > 0.7


def test_gradients_are_in_the_unit_of_the_target(table):
    params = {"max_epochs": 5, "n_members": 1, "cv": None, "random_state": 0}
    X, Y = table.data, table.target
    eV, meV = (
        gradient_importance(HMNNRegressor(**params).fit(X, factor * Y), X).query("kind == 'target'")
        for factor in (1.0, 1000.0)
    )
    np.testing.assert_allclose(meV["gradient"], 1000 * eV["gradient"], rtol=1e-3)


def test_features_have_the_names_of_the_featurizer():
    data = load_co_ag_emt(as_frame=True)
    rows = np.flatnonzero(data.domain == "hexane")
    model = HMNNRegressor(max_epochs=2, n_members=1, cv=None, random_state=0)
    X = data.data.iloc[rows]
    features = gradient_importance(model.fit(X, data.target.iloc[rows]), X)["feature"].unique()
    assert list(features) == list(SpectrumFeaturizer().fit(X).get_feature_names_out())


def test_neither_weights_nor_the_generator_change(table, two_tiers):
    networks = [two_tiers.network_, *two_tiers.network_.sources]
    modules = [network.net.module_ for network in networks]
    before = [{key: value.clone() for key, value in module.state_dict().items()} for module in modules]
    gradients = [[parameter.grad for parameter in module.parameters()] for module in modules]
    state = torch.get_rng_state()
    gradient_importance(two_tiers, table.data[:5])
    assert torch.equal(torch.get_rng_state(), state)
    for module, weights, kept in zip(modules, before, gradients, strict=True):
        assert not module.training
        assert all(torch.equal(value, weights[key]) for key, value in module.state_dict().items())
        assert all(p.grad is grad for p, grad in zip(module.parameters(), kept, strict=True))


def test_gradients_through_a_source_at_its_limit_are_zero(table, two_tiers):
    far = table.data[:3] + 1e6  # beyond every clip
    importance = gradient_importance(two_tiers, far).query("kind == 'expert'")
    frozen = importance[importance["output"].str.startswith("source")]
    assert (frozen["gradient"] == 0).all() and (frozen["share"] == 0).all()


def test_a_source_with_another_featurizer_is_refused(table):
    params = {"max_epochs": 2, "n_members": 1, "cv": None, "random_state": 0}
    X, y = np.abs(table.data) + 1.0, table.target
    columns = {"frequencies": [], "infrared": [0], "raman": [], "dielectric": None}
    featurizers = [SpectrumFeaturizer(intensity=kind, **columns) for kind in ("log", "raw")]
    source = HMNNRegressor(featurizer=featurizers[0], **params).fit(X, y)
    model = HMNNRegressor(
        featurizer=featurizers[1], sources=[("gas", source)], strategy="frozen_experts", **params
    )
    with pytest.raises(ValueError, match=r"another featurizer \(intensity\)"):
        gradient_importance(model.fit(X, y), X)


def test_an_estimator_without_experts_is_refused(table):
    with pytest.raises(TypeError, match="Ridge has no expert_outputs"):
        gradient_importance(Ridge().fit(table.data, table.target), table.data)


def test_a_wrong_number_of_columns_is_refused(table, one_tier):
    with pytest.raises(ValueError, match="3 features, but HMNNRegressor is expecting 4"):
        gradient_importance(one_tier, table.data[:, :3])


def importance(n_features=3):
    """One expert and one target of two members, with shares in proportion to 1, 2, 3, ..."""
    share = np.arange(1, n_features + 1) / np.arange(1, n_features + 1).sum()
    features = {"feature": [f"x{j}" for j in range(n_features)], "gradient": share, "share": share}
    return pd.concat(
        [
            pd.DataFrame({"kind": kind, "output": output, "member": member} | features)
            for kind, output in (("expert", "gas 1"), ("target", "Eads"))
            for member in (0, 1)
        ]
    )


def test_both_maps_show_the_shares():
    display = SaliencyDisplay(importance()).plot()
    for ax, output in zip(display.axes_, ("gas 1", "Eads"), strict=True):
        np.testing.assert_allclose(ax.images[0].get_array()[:, 0], np.array([1, 2, 3]) / 6)
        assert [label.get_text() for label in ax.get_xticklabels()] == [output]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["x0", "x1", "x2"]


def test_of_many_features_the_largest_are_shown_and_the_others_summed_up():
    display = SaliencyDisplay(importance(40)).plot(max_features=5)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["x35", "x36", "x37", "x38", "x39", "35 others"]
    assert display.axes_[1].images[0].get_array().sum() == pytest.approx(1.0)


def test_it_draws_a_fitted_estimator(table, two_tiers):
    display = SaliencyDisplay.from_estimator(two_tiers, table.data[:5], target_names=["Eads", "Eb"])
    assert [label.get_text() for label in display.axes_[0].get_xticklabels()] == two_tiers.expert_names_
    assert [label.get_text() for label in display.axes_[1].get_xticklabels()] == ["Eads", "Eb"]
