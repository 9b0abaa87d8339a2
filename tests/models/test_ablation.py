"""The ablation study: every variant runs, and does what its name says."""

import numpy as np
import pytest

pytest.importorskip("torch")

from skxfer import HMNNRegressor, ablation_study  # noqa: E402
from skxfer.datasets import load_co_ag_emt  # noqa: E402
from skxfer.models.hmnn import _ablation

SOURCES = ["gas", "water"]
SMALL = HMNNRegressor(max_epochs=2, hidden_dim=8, expert_dim=8, n_members=1)


@pytest.fixture(scope="module")
def co():
    data = load_co_ag_emt(as_frame=True)
    names = [*SOURCES, *data.target_domains[:3], "cyclohexane"]
    rows = np.flatnonzero(np.isin(data.domain, names))[::4]
    return data.data.iloc[rows], data.target.iloc[rows], data.domain.iloc[rows].to_numpy()


def study(co, **params):
    params = {"source_domains": SOURCES, "test_domains": ["cyclohexane"]} | params
    return ablation_study(SMALL, *co, **params)


@pytest.fixture
def fits(monkeypatch):
    """What every model was fitted on."""
    calls = []
    fit = HMNNRegressor.fit

    def spy(self, X, y, **params):
        calls.append((self.get_params(), np.asarray(X), np.asarray(y), params.get("sample_domain")))
        return fit(self, X, y, **params)

    monkeypatch.setattr(HMNNRegressor, "fit", spy)
    return calls


def test_every_variant_gives_an_error_for_every_target(co):
    results = study(co)
    assert np.isfinite(results["mae"]).all()
    assert (results["target"].unique() == co[1].columns).all()
    names = [variant.name for variant in _ablation.all_variants(SOURCES)]
    assert list(results["variant"].unique()) == names and len(set(names)) == len(names) == 21


def test_no_variant_trains_on_test_rows(co, fits):
    study(co)
    tested = co[0][co[2] == "cyclohexane"].to_numpy()[:, :18]
    for _, X, _, _ in fits:
        assert not (X[:, None, :18] == tested[None]).all(axis=2).any()


@pytest.mark.parametrize(
    ("variant", "domains"),
    [
        ("source_only", set(SOURCES)),
        ("target_only", {"others"}),
        ("only new", {"others"}),
        ("only gas", {"gas", "others"}),
        ("merge", {*SOURCES, "others"}),
    ],
)
def test_variants_train_on_the_rows_of_their_name(co, fits, variant, domains):
    study(co, variants=[variant])
    X, _, domain = co
    kind = np.where(np.isin(domain, SOURCES), domain, "others").astype(object)
    kind[domain == "cyclohexane"] = "test"
    ((_, got, _, _),) = fits
    assert len(got) == np.isin(kind, list(domains)).sum()


def test_swapped_tiers_learn_the_target_first(co, fits):
    study(co, variants=["swapped tiers"])
    ((params, _, _, domain),) = fits
    assert params["source_domains"] == [_ablation.SWAPPED]
    assert set(domain) == {*SOURCES, _ablation.SWAPPED}


def test_wrong_dielectric_constants_are_those_of_other_domains(co, fits):
    study(co, variants=["frozen_experts", "wrong dielectric constant", "without dielectric constant"])
    true, wrong, none = (X[:, 18] for _, X, _, _ in fits)
    assert (none == 1).all()
    assert np.isin(wrong, co[0]["dielectric_constant"]).all()
    assert (wrong != true).any()


def test_single_task_fits_one_model_for_each_target(co, fits):
    study(co, variants=["single task"])
    assert [y.shape[1] for _, _, y, _ in fits] == [1, 1, 1, 1]


def test_an_unknown_variant_is_an_error(co):
    with pytest.raises(ValueError, match="no variant 'everything'"):
        study(co, variants=["everything"])


def test_a_variant_of_the_loss_is_trained_with_it(co, monkeypatch):
    losses = []
    fit = HMNNRegressor.fit

    def spy(self, *args, **params):
        model = fit(self, *args, **params)
        losses.append(model.network_.net.criterion_)
        return model

    monkeypatch.setattr(HMNNRegressor, "fit", spy)
    names = ["frozen_experts", "no similarity penalty", "similarity of tasks", "equal task weights"]
    study(co, variants=names)
    assert [loss.similarity for loss in losses] == ["experts", None, "tasks", "experts"]
    assert [loss.learned for loss in losses] == [True, True, True, False]
