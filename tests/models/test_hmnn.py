"""HMNNRegressor: what it freezes, how it chooses, how sure it is, and what it says to bad input."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from sklearn import config_context  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.frozen import FrozenEstimator  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

import skxfer  # noqa: E402
from skxfer import HierarchicalTransfer, HMNNRegressor, SpectrumFeaturizer  # noqa: E402
from skxfer.datasets import load_co_ag_emt  # noqa: E402
from skxfer.model_selection import LeaveOneTargetDomainOut, TargetKFold  # noqa: E402
from skxfer.models.hmnn import _hmnn, _training  # noqa: E402
from skxfer.models.hmnn._evidence import Evidence, order_of_preference  # noqa: E402

SMALL = {
    "max_epochs": 8,
    "hidden_dim": 16,
    "expert_dim": 16,
    "n_members": 2,
    "cv": None,
    "random_state": 0,
}
SOURCES = ["gas", "water"]


@pytest.fixture(scope="module")
def co():
    """Gas and water, thinned, and four solvents; DataFrames."""
    data = load_co_ag_emt(as_frame=True)
    names = [*SOURCES, *data.target_domains[:4]]
    rows = np.flatnonzero(np.isin(data.domain, names))
    thin = np.isin(data.domain.iloc[rows], SOURCES) & (np.arange(len(rows)) % 5 > 0)
    rows = rows[~thin]
    return data.data.iloc[rows], data.target.iloc[rows], data.domain.iloc[rows].to_numpy()


@pytest.fixture(scope="module")
def frozen(co):
    X, Y, domain = co
    model = HMNNRegressor(source_domains=SOURCES, strategy="frozen_experts", **SMALL)
    return model.fit(X, Y, sample_domain=domain)


def transfer(strategy, **params):
    return HMNNRegressor(source_domains=SOURCES, strategy=strategy, **SMALL | params)


def with_source(source):
    return HMNNRegressor(sources=[("one", source)], strategy="frozen_experts", **SMALL)


def target(co):
    X, Y, domain = co
    rows = ~np.isin(domain, SOURCES)
    return X[rows], Y[rows], domain[rows]


# one tier ---------------------------------------------------------------------------------------------


def test_it_learns_several_targets(co):
    X, Y, domain = co
    gas, held = np.flatnonzero(domain == "gas")[::2], np.flatnonzero(domain == "gas")[1::2]
    model = HMNNRegressor(max_epochs=60, cv=None, n_members=1, dropout=0.0, random_state=0)
    model.fit(X.iloc[gas], Y.iloc[gas])
    error = np.abs(model.predict(X.iloc[held]) - Y.iloc[held]).mean()
    assert (error < 0.3 * np.abs(Y.iloc[held] - Y.iloc[gas].mean()).mean()).all()


def test_missing_labels_of_one_target_leave_the_others(co):
    X, Y, _ = target(co)
    Y = Y.to_numpy(copy=True)
    Y[5:, 1] = np.nan
    prediction = HMNNRegressor(**SMALL).fit(X, Y).predict(X)
    assert np.isfinite(prediction).all()


def test_lines_are_paired_by_column_names(co):
    X, Y, _ = target(co)
    shuffled = X[X.columns[np.random.default_rng(0).permutation(X.shape[1])]]
    for table in (X, shuffled):
        model = HMNNRegressor(**SMALL).fit(table, Y)
        module, columns = model.network_.net.module_, model.feature_names_in_
        names = model.network_.featurizer.get_feature_names_out(columns)
        pairs = [tuple(names[pair]) for pair in module.pairs.tolist()]
        assert ("f3", "log_iz3") in pairs and ("f6", "log_izz6") in pairs and len(pairs) == 12
        assert list(names[module.context.tolist()]) == ["born_dielectric_constant"]


def test_columns_are_found_by_position_in_an_array(co):
    X, Y, _ = target(co)
    named, unnamed = (HMNNRegressor(**SMALL).fit(table, Y) for table in (X, X.to_numpy()))
    np.testing.assert_array_equal(named.predict(X), unnamed.predict(X.to_numpy()))


def test_infrared_alone_makes_half_the_pairs(co):
    X, Y, _ = target(co)
    X = X[[name for name in X.columns if not name.startswith("izz")]]
    assert len(HMNNRegressor(**SMALL).fit(X, Y).network_.net.module_.pairs) == 6


def test_groups_are_given_by_a_featurizer(co):
    X, Y, _ = target(co)
    featurizer = SpectrumFeaturizer(frequencies=["f6"], infrared=["iz6"], raman=["izz6"], dielectric=None)
    module = HMNNRegressor(featurizer=featurizer, **SMALL).fit(X, Y).network_.net.module_
    assert len(module.pairs) == 2 and len(module.context) == 0


def test_a_table_that_cannot_be_a_spectrum_is_only_standardised():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 9))
    network = HMNNRegressor(**SMALL).fit(X, X[:, :2]).network_
    assert len(network.net.module_.pairs) == 0
    np.testing.assert_allclose(network.featurizer.transform(X), (X - X.mean(axis=0)) / X.std(axis=0))


def test_unpaired_input_has_no_embeddings_of_lines(co):
    X, Y, _ = target(co)
    assert len(HMNNRegressor(paired=False, **SMALL).fit(X, Y).network_.net.module_.pairs) == 0


def test_frequencies_and_intensities_that_do_not_pair_are_an_error(co):
    X, Y, _ = target(co)
    with pytest.raises(ValueError, match="6 frequencies and 5 raman intensities"):
        HMNNRegressor(**SMALL).fit(X.drop(columns="izz2"), Y)


def test_one_seed_gives_one_model_and_leaves_the_global_generators_alone(co):
    X, Y, _ = target(co)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    expected = (torch.rand(3), np.random.rand(3))  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    first = HMNNRegressor(**SMALL).fit(X, Y).predict(X)
    assert (torch.rand(3) == expected[0]).all()
    assert (np.random.rand(3) == expected[1]).all()  # noqa: NPY002
    np.testing.assert_array_equal(HMNNRegressor(**SMALL).fit(X, Y).predict(X), first)
    other = HMNNRegressor(**SMALL | {"random_state": 1}).fit(X, Y).predict(X)
    assert np.abs(other - first).max() > 0


@pytest.mark.parametrize("size", [1, 7, 600])
def test_a_prediction_does_not_depend_on_its_batch_mates(frozen, co, size):
    X = pd.concat([co[0]] * 2)
    whole = frozen.predict(X)
    np.testing.assert_array_equal(frozen.predict(X.iloc[:size]), whole[:size])
    np.testing.assert_array_equal(frozen.predict(X.iloc[::-1])[::-1], whole)


def test_order_of_the_targets_is_that_of_y(co):
    """The loss treats targets alike, so swapped columns train a model of the same quality."""
    X, Y, _ = target(co)
    params = SMALL | {"max_epochs": 60}
    there = HMNNRegressor(**params).fit(X, Y).predict(X)
    back = HMNNRegressor(**params).fit(X, Y.iloc[:, ::-1]).predict(X)[:, ::-1]
    scale = Y.std().to_numpy()
    assert (np.abs(there - back).mean(axis=0) < 0.3 * scale).all()


# two tiers --------------------------------------------------------------------------------------------


def test_tier_two_leaves_the_frozen_experts_as_they_were(co):
    X, Y, domain = co
    gas = HMNNRegressor(**SMALL).fit(X[domain == "gas"], Y[domain == "gas"])
    before = {key: value.clone() for key, value in gas.network_.net.module_.state_dict().items()}
    outputs = gas.expert_outputs(X)
    X_target, Y_target, _ = target(co)
    model = HMNNRegressor(sources=[("gas", FrozenEstimator(gas))], strategy="frozen_experts", **SMALL)
    model.fit(X_target, Y_target)
    for key, value in gas.network_.net.module_.state_dict().items():
        assert torch.equal(value, before[key])
    np.testing.assert_array_equal(model.expert_outputs(X)[:, :, :5], outputs)


def test_trained_sources_give_what_source_domains_give(frozen, co):
    X, Y, domain = co
    sources = []
    for name in SOURCES:
        rows = domain == name
        sources.append((name, HMNNRegressor(**SMALL).fit(X[rows], Y[rows])))
    X_target, Y_target, _ = target(co)
    model = HMNNRegressor(sources=sources, strategy="frozen_experts", **SMALL).fit(X_target, Y_target)
    np.testing.assert_array_equal(model.predict(X), frozen.predict(X))


def test_each_target_keeps_the_experts_with_the_largest_gate_weight(frozen):
    allowed = frozen.network_.net.module_.allowed.numpy()  # members, targets, 5 gas + 5 water + 2 new
    assert allowed.shape == (2, 4, 12)
    assert (allowed.sum(axis=2) == 2 + 2 + 2).all()
    assert allowed[:, :, 10:].all()
    for block, (_, source) in zip((allowed[:, :, :5], allowed[:, :, 5:10]), frozen.sources_, strict=True):
        weights = source.gate_weights
        assert (
            np.where(block, weights, np.inf).min(axis=2) >= np.where(block, -1, weights).max(axis=2)
        ).all()


def test_gates_of_each_target_sum_to_one(frozen, co):
    gates = frozen.gate_weights(co[0])
    assert gates.shape == (len(co[0]), 2, 4, 12)
    np.testing.assert_allclose(gates.sum(axis=-1), 1, rtol=1e-5)
    assert frozen.expert_names_ == [f"{d} {i}" for d in SOURCES for i in range(1, 6)] + ["new 1", "new 2"]


@pytest.mark.parametrize(
    ("sources", "n_new", "n_experts"), [(SOURCES, 0, 4), (["gas"], 2, 4), (["water"], 0, 2)]
)
def test_every_jury_can_sit(co, sources, n_new, n_experts):
    X, Y, domain = co
    rows = np.isin(domain, sources) | ~np.isin(domain, SOURCES)
    model = HMNNRegressor(source_domains=sources, strategy="frozen_experts", n_new_experts=n_new, **SMALL)
    model.fit(X[rows], Y[rows], sample_domain=domain[rows])
    assert (model.network_.net.module_.allowed.sum(-1) == n_experts).all()
    assert np.isfinite(model.predict(X)).all()


def test_a_target_without_labels_in_a_source_gets_no_expert_of_it(co):
    X, Y, domain = co
    Y = Y.to_numpy(copy=True)
    Y[domain == "gas", 2] = np.nan
    model = HMNNRegressor(source_domains=SOURCES, strategy="frozen_experts", **SMALL)
    allowed = model.fit(X, Y, sample_domain=domain).network_.net.module_.allowed
    assert not allowed[:, 2, :5].any()
    assert allowed[:, [0, 1, 3], :5].any(-1).all()


def test_a_target_without_any_expert_is_an_error(co):
    X, Y, domain = co
    Y = Y.to_numpy(copy=True)
    Y[np.isin(domain, SOURCES), 2] = np.nan
    model = HMNNRegressor(source_domains=SOURCES, strategy="frozen_experts", n_new_experts=0, **SMALL)
    with pytest.raises(ValueError, match="Target 2 has no expert"):
        model.fit(X, Y, sample_domain=domain)


# choice and error bars --------------------------------------------------------------------------------


def test_merging_starts_from_relevant_rows_and_tuning_from_the_merged_network(co):
    X, Y, domain = co
    fits = {
        strategy: HMNNRegressor(source_domains=SOURCES, strategy=strategy, **SMALL).fit(
            X, Y, sample_domain=domain
        )
        for strategy in ("merge_relevant", "fine_tuned")
    }
    merged, tuned = (fit.network_.net.module_.state_dict() for fit in fits.values())
    change = [(merged[key] - tuned[key]).abs().max() for key in merged if merged[key].is_floating_point()]
    assert 0 < max(change) < 0.5


@pytest.mark.parametrize(
    ("use", "order"),
    [
        ("new_inputs", ["merge_relevant", "fine_tuned", "frozen_experts", "target_only"]),
        ("similar", ["target_only", "frozen_experts", "fine_tuned", "merge_relevant"]),
    ],
)
def test_auto_picks_for_each_target_the_first_that_none_clearly_beats(co, use, order):
    X, Y, domain = co
    params = SMALL | {"cv": 2, "n_members": 1, "predict_on": use}
    model = HMNNRegressor(source_domains=SOURCES, **params).fit(X, Y, sample_domain=domain)
    assert sorted(model.strategies_) == sorted(order)
    assert model.predict_on_ == use
    numbers = order_of_preference(model.strategies_, use)
    assert [model.strategies_[j] for j in numbers] == order
    assert np.shape(model.cv_results_["mae"]) == (16,)
    np.testing.assert_allclose(model.weights_.sum(axis=1), 1)
    assert set(model.networks_) == {model.strategies_[j] for j in np.flatnonzero(model.weights_.any(axis=0))}


def test_members_for_cross_validation_are_dropped_afterwards(co):
    X, Y, domain = co
    model = HMNNRegressor(source_domains=SOURCES, **SMALL | {"cv": 2}).fit(X, Y, sample_domain=domain)
    assert model.network_.predict(X.to_numpy()).shape[1] == 2


def test_cross_validation_does_not_change_the_prediction_of_a_strategy(co):
    """Members are independent, so those that leave rows out do not touch the others: only the seed moves."""
    X, Y, _ = target(co)
    params = SMALL | {"max_epochs": 60}
    with_cv = HMNNRegressor(**params | {"cv": 2}).fit(X, Y).predict(X)
    without = HMNNRegressor(**params).fit(X, Y).predict(X)
    assert (np.abs(with_cv - without).mean(axis=0) < 0.3 * Y.std().to_numpy()).all()


def test_error_bars_cover_about_what_they_should():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(400, 2))
    y = np.sin(X[:, 0]) + X[:, 1] ** 2 + rng.normal(0, 0.2, 400)
    params = {"max_epochs": 40, "hidden_dim": 16, "expert_dim": 16, "n_members": 2, "random_state": 0}
    model = HMNNRegressor(cv=4, **params).fit(X[:200], y[:200])
    mean, std = model.predict(X[200:], return_std=True)
    assert mean.shape == std.shape == (200,)
    assert 0.55 < (np.abs(mean - y[200:]) < std).mean() < 0.85


def test_a_single_member_has_constant_error_bars(co):
    X, Y, _ = target(co)
    model = HMNNRegressor(**SMALL | {"cv": 2, "n_members": 1}).fit(X, Y)
    _, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(std, np.sqrt(model.variance_[:, 0])[None].repeat(len(X), axis=0))


def test_error_bars_without_cross_validation_are_an_error(frozen, co):
    with pytest.raises(ValueError, match="no error bars: they need cross-validation. Set cv"):
        frozen.predict(co[0], return_std=True)


def test_sources_that_mislead_are_refused():
    problem = skxfer.datasets.make_domains(200, 40, 100, 2, relation="adversarial", random_state=0)
    train = problem.domain != "test"
    params = {"max_epochs": 30, "hidden_dim": 16, "expert_dim": 16, "n_members": 1}
    params |= {"strategy": "merge_relevant", "random_state": 0}
    model = HMNNRegressor(source_domains=problem.source_domains, **params)
    model.fit(problem.data[train], problem.target[train], sample_domain=problem.domain[train])
    assert model.strategy_ == ["target_only"]
    assert model.transfer_gain_[0] == 0


@pytest.mark.parametrize(
    "strategy", ["target_only", "frozen_experts", "merge", "merge_relevant", "fine_tuned"]
)
def test_a_member_never_learns_from_the_rows_it_leaves_out(co, strategy, monkeypatch):
    """Shifted labels of a held-out fold must not move the prediction that judges this fold."""
    X, Y, domain = (np.asarray(part) for part in co)
    target = np.flatnonzero(~np.isin(domain, SOURCES))
    folds = [(np.arange(40, len(target)), np.arange(40)), (np.arange(40), np.arange(40, len(target)))]
    judged = []
    # All source rows are relevant: other rows would make other batches, for all members.
    monkeypatch.setattr(_training, "RELEVANCE_MARGIN", 1e9)
    monkeypatch.setattr(_hmnn, "Evidence", lambda *args: judged.append(args[3][-1]) or Evidence(*args))
    for shift in (0, 3):
        labels = Y.copy()
        labels[target[:40]] += shift * Y.std(axis=0)
        model = HMNNRegressor(source_domains=SOURCES, strategy=strategy, **SMALL | {"cv": folds})
        model.fit(X, labels, sample_domain=domain)
    before, after = judged
    np.testing.assert_array_equal(before[:40, 2], after[:40, 2])
    assert (before[:40, 3] != after[:40, 3]).any()


def test_results_say_for_each_target_and_strategy_how_it_did(co):
    X, Y, domain = co
    model = HMNNRegressor(source_domains=SOURCES, **SMALL | {"cv": 2, "n_members": 1})
    model.fit(X, Y, sample_domain=domain)
    table = pd.DataFrame(model.cv_results_)
    assert list(table.columns[:9]) == [
        *("target", "strategy", "transfer", "mae", "mae_error", "gain", "gain_error", "weight", "fit_time")
    ]
    assert table["target"].tolist() == np.repeat(Y.columns, 4).tolist()
    assert table["strategy"].tolist() == model.strategies_ * 4
    np.testing.assert_allclose(table["weight"], model.weights_.ravel())
    alone = table[~table["transfer"]]
    assert alone["strategy"].eq("target_only").all() and alone["gain"].eq(0).all()
    folds = [name for name in table if name.startswith("fold")]
    assert len(folds) == 4  # two sets of two
    gain = np.repeat(alone["mae"].to_numpy(), 4) - table["mae"]
    np.testing.assert_allclose(table["gain"], gain, atol=1e-12)
    chosen = table[table["weight"] == 1].reset_index()
    expected = 1 - chosen["mae"] / alone["mae"].to_numpy()
    np.testing.assert_allclose(model.transfer_gain_, expected, rtol=1e-2)
    assert chosen["strategy"].tolist() == model.strategy_
    sentences = model.reason_.split("\n")
    for name, strategy, sentence in zip(Y.columns, model.strategy_, sentences, strict=True):
        assert sentence.startswith(f"{name}: {strategy}: mean absolute error ")
    assert model.skipped_ == {}


def test_a_strategy_without_a_rival_is_not_judged(co):
    X, Y, domain = co
    model = transfer("merge").fit(X, Y, sample_domain=domain)
    assert model.strategies_ == ["merge"]
    assert model.cv_results_ == {"target": list(Y.columns), "strategy": ["merge"] * 4}
    assert np.isnan(model.transfer_gain_).all() and model.variance_ is None
    assert "nothing was compared" in model.reason_


def test_strategies_that_cannot_run_are_skipped_with_a_reason(co):
    X, Y, _ = target(co)
    alone = HMNNRegressor(**SMALL).fit(X, Y)
    assert set(alone.skipped_) == {"frozen_experts", "merge_relevant", "fine_tuned"}
    assert all("needs a source" in why for why in alone.skipped_.values())
    params = SMALL | {"cv": 2, "n_members": 1, "max_epochs": 1}
    trained = HMNNRegressor(sources=[("one", alone)], **params).fit(X, Y)
    assert trained.strategies_ == ["target_only", "frozen_experts"]
    assert set(trained.skipped_) == {"merge_relevant", "fine_tuned"}
    assert all("needs the rows of the sources" in why for why in trained.skipped_.values())


def test_several_named_strategies_compete_with_the_target_rows_alone(co):
    X, Y, domain = co
    params = {"cv": 2, "n_members": 1, "max_epochs": 1}
    model = transfer(["merge_relevant", "merge"], **params).fit(X, Y, sample_domain=domain)
    assert model.strategies_ == ["target_only", "merge_relevant", "merge"]
    model = transfer(["merge_relevant", "merge"], guard=False, **params).fit(X, Y, sample_domain=domain)
    assert model.strategies_ == ["merge_relevant", "merge"]
    assert np.isnan(model.transfer_gain_).all()


def test_merging_all_rows_is_merging_relevant_ones_of_a_wide_range(co, monkeypatch):
    X, Y, domain = co
    merged = transfer("merge").fit(X, Y, sample_domain=domain).predict(X)
    relevant = transfer("merge_relevant").fit(X, Y, sample_domain=domain).predict(X)
    monkeypatch.setattr(_training, "RELEVANCE_MARGIN", 1e9)
    widest = transfer("merge_relevant").fit(X, Y, sample_domain=domain).predict(X)
    np.testing.assert_array_equal(widest, merged)
    assert (relevant != merged).any()


@pytest.mark.parametrize("strategy", ["target_only", "frozen_experts", "merge", "fine_tuned"])
def test_rows_without_weight_are_not_seen(co, strategy):
    X, Y, domain = (np.asarray(part) for part in co)
    weight = np.where(np.arange(len(X)) % 3, 1.0, 0.0)
    wrong = np.where(weight[:, None] > 0, Y, 1e6)
    weighted = transfer(strategy).fit(X, wrong, sample_domain=domain, sample_weight=weight)
    kept = weight > 0
    alone = transfer(strategy).fit(X[kept], Y[kept], sample_domain=domain[kept])
    np.testing.assert_array_equal(weighted.predict(X), alone.predict(X))


def test_weights_draw_predictions_to_the_heavy_rows():
    X = np.random.default_rng(0).normal(size=(80, 3))
    y = np.repeat([0.0, 1.0], 40)
    X[40:] = X[:40]
    weight = np.where(y > 0, 9.0, 1.0)
    params = SMALL | {"max_epochs": 60}
    heavy, light = (
        HMNNRegressor(**params).fit(X, y, sample_weight=w).predict(X) for w in (weight, 10 - weight)
    )
    assert heavy.mean() > 0.7
    assert light.mean() < 0.3


def test_groups_are_not_separated_by_folds(co, monkeypatch):
    X, Y, domain = co
    rows = ~np.isin(domain, SOURCES)
    groups = np.arange(len(X)) // 7
    found = []
    monkeypatch.setattr(_hmnn, "Evidence", lambda *args: found.append(args[1]) or Evidence(*args))
    for use in ("similar", "new_inputs", "new_domains"):
        params = {"cv": 3, "n_members": 1, "max_epochs": 1, "predict_on": use}
        transfer("target_only", **params).fit(X, Y, sample_domain=domain, groups=groups)
    for train, held in (fold for sets in found for folds in sets for fold in folds):
        assert not set(groups[rows][train]) & set(groups[rows][held])


# bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asarray])
def test_a_dielectric_constant_below_one_names_the_row(co, kind):
    X, Y, _ = target(co)
    X = X.reset_index(drop=True)
    X.loc[7, "dielectric_constant"] = 0.0
    with pytest.raises(ValueError, match="Row 7 has the dielectric constant 0"):
        HMNNRegressor(**SMALL).fit(kind(X), Y)


def test_one_odd_intensity_does_not_change_what_the_columns_are(co):
    X, Y, _ = target(co)
    X = X.to_numpy(copy=True)
    X[3, 8] = -1e-9
    assert len(HMNNRegressor(**SMALL).fit(X, Y).network_.net.module_.pairs) == 12


@pytest.mark.parametrize("kind", [np.asarray, lambda X: pd.DataFrame(X, columns=["f0", "f1", "f2"])])
def test_a_plain_table_is_not_taken_for_a_spectrum(kind):
    """Energies below 0 in the first column: as a frequency they would be clipped at 0."""
    rng = np.random.default_rng(0)
    X = rng.uniform([-600, 0, 0], [-100, 50, 50], size=(80, 3))
    model = HMNNRegressor(**SMALL | {"max_epochs": 60}).fit(kind(X), X[:, 0] / 100)
    assert model.featurizer_.columns_["frequencies"] == []
    assert np.corrcoef(model.predict(kind(X)), X[:, 0])[0, 1] > 0.98


def test_training_that_diverges_is_an_error(co):
    X, Y, _ = target(co)
    with pytest.raises(ValueError, match=r"diverged: lower learning_rate, it is 1e\+30"):
        HMNNRegressor(**SMALL | {"learning_rate": 1e30}).fit(X, Y)


def test_sources_with_other_columns_are_refused(co):
    X, Y, _ = target(co)
    source = HMNNRegressor(**SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="Source 'one' was trained on the columns .* of X"):
        with_source(source).fit(X[X.columns[::-1]], Y)


def test_sources_with_other_targets_are_refused(co):
    X, Y, _ = target(co)
    source = HMNNRegressor(**SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="Source 'one' was trained on the columns .* of y"):
        with_source(source).fit(X, Y[Y.columns[::-1]])


def test_sources_whose_labels_are_all_out_of_range_are_warned_of(co):
    X, Y, domain = co
    Y = Y.copy()
    Y[np.isin(domain, SOURCES)] *= 96.485  # kJ/mol
    with pytest.warns(UserWarning, match="None of the .* source rows .* same unit"):
        transfer("merge_relevant").fit(X, Y, sample_domain=domain)


def test_an_unfitted_source_is_named(co):
    X, Y, _ = target(co)
    with pytest.raises(NotFittedError, match="Source 'one' is not fitted.*FrozenEstimator"):
        with_source(HMNNRegressor()).fit(X, Y)


@pytest.mark.parametrize("kind", [np.array, tuple, list])
def test_sources_are_named_in_any_sequence(co, kind):
    X, Y, domain = co
    params = SMALL | {"cv": 2, "max_epochs": 2, "n_members": 1}
    model = HMNNRegressor(source_domains=kind(SOURCES), strategy="frozen_experts", **params)
    assert np.isfinite(model.fit(X, Y, sample_domain=domain).cv_results_["mae"]).all()


def test_too_few_rows_for_the_folds_say_how_to_do_without(co):
    X, Y, _ = target(co)
    with pytest.raises(ValueError, match="HMNNRegressor: cv=None"):
        HMNNRegressor(**SMALL | {"cv": 5}).fit(X[:3], Y[:3])


def test_a_missing_value_names_row_and_column(co):
    X, Y, _ = target(co)
    X = X.reset_index(drop=True)
    X.loc[7, "dielectric_constant"] = np.nan
    with pytest.raises(ValueError, match="NaN: row 7, column 'dielectric_constant'"):
        HMNNRegressor(**SMALL).fit(X, Y)


def test_frequencies_in_another_unit_are_warned_of(co):
    X, Y, _ = target(co)
    in_thz = X.copy()
    in_thz[[f"f{i}" for i in range(1, 7)]] *= 0.0299792458
    with pytest.warns(UserWarning, match=r"cm⁻¹, but the largest is 29\.7") as said:
        HMNNRegressor(**SMALL | {"cv": 2}).fit(in_thz, Y)
    assert len(said) == 1


def test_a_solvent_in_both_tiers_is_warned_of(co):
    X, Y, domain = co
    X = X.copy()
    solvent = domain[-1]
    X.loc[domain == solvent, "dielectric_constant"] = X["dielectric_constant"][domain == "water"].iloc[0]
    with pytest.warns(UserWarning, match=f"'{solvent}' has the dielectric constant of the source 'water'"):
        HMNNRegressor(source_domains=SOURCES, strategy="target_only", **SMALL).fit(X, Y, sample_domain=domain)


def test_good_input_gives_no_warning(co):
    X, Y, domain = co
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transfer("merge_relevant").fit(X, Y, sample_domain=domain)


def test_a_target_without_labels_among_the_target_rows_is_an_error(co):
    X, Y, domain = co
    Y = Y.to_numpy(copy=True)
    Y[~np.isin(domain, SOURCES), 1] = np.nan
    with pytest.raises(ValueError, match="Target 1 has no label among the 140 target rows"):
        HMNNRegressor(source_domains=SOURCES, **SMALL).fit(X, Y, sample_domain=domain)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"strategy": "frozen_experts"}, "'frozen_experts' cannot run: it needs a source"),
        ({"strategy": "merge_relevant", "sources": True}, "cannot run: it needs the rows of the sources"),
        ({"strategy": "auto", "sources": True}, "among target_only, frozen_experts: set cv, or name one"),
        ({"strategy": "tiers"}, "strategy must be 'auto' or one or more of target_only, frozen_experts"),
        ({"strategy": []}, "strategy must be 'auto' or one or more"),
        ({"strategy": "frozen_experts", "sources": True, "expert_dim": 8}, "16 components of an expert"),
    ],
)
def test_impossible_combinations_say_what_to_do(co, params, match):
    X, Y, _ = target(co)
    if "sources" in params:
        params = params | {"sources": [("one", HMNNRegressor(**SMALL).fit(X, Y))]}
    with pytest.raises(ValueError, match=match):
        HMNNRegressor(**SMALL | params).fit(X, Y)


def test_a_source_of_another_kind_is_an_error(co):
    X, Y, _ = target(co)
    with pytest.raises(TypeError, match="must be a fitted HMNNRegressor"):
        with_source(SpectrumFeaturizer()).fit(X, Y)


# with scikit-learn ------------------------------------------------------------------------------------


def test_pickle_and_file_round_trips(frozen, co, tmp_path):
    X = co[0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(frozen)).predict(X), frozen.predict(X))
    skxfer.save(frozen, tmp_path / "model.skxfer")
    np.testing.assert_array_equal(skxfer.load(tmp_path / "model.skxfer").predict(X), frozen.predict(X))


@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_grid_search_leaves_solvents_out_on_two_jobs(co, routing):
    X, Y, domain = co
    model = HMNNRegressor(source_domains=SOURCES, strategy="merge_relevant", **SMALL)
    grid = {"learning_rate": [1e-6, 1e-2], "n_experts": [2]}
    labels = {"sample_domain": domain} | ({} if routing else {"groups": domain})
    with config_context(enable_metadata_routing=routing):
        cv = LeaveOneTargetDomainOut(source_domains=SOURCES)
        search = GridSearchCV(model, grid, cv=cv, scoring="r2", n_jobs=2, error_score="raise").fit(
            X, Y, **labels
        )
    assert search.best_params_["learning_rate"] == 1e-2
    assert search.n_splits_ == 4


def test_trained_sources_survive_cross_validation(co):
    X, Y, domain = co
    gas = HMNNRegressor(**SMALL).fit(X[domain == "gas"], Y[domain == "gas"])
    model = HMNNRegressor(sources=[("gas", FrozenEstimator(gas))], strategy="frozen_experts", **SMALL)
    X, Y, _ = target(co)
    assert np.isfinite(cross_val_score(model, X, Y, cv=2, error_score="raise")).all()


def test_it_is_the_last_step_of_a_pipeline(co):
    X, Y, domain = co
    pipeline = make_pipeline(
        SpectrumFeaturizer(), HMNNRegressor(source_domains=SOURCES, strategy="frozen_experts", **SMALL)
    )
    pipeline.fit(X, Y, hmnnregressor__sample_domain=domain)
    assert np.isfinite(pipeline.predict(X)).all()


def test_it_is_a_learner_for_hierarchical_transfer(co):
    X, Y, domain = co
    model = HierarchicalTransfer(
        HMNNRegressor(**SMALL), source_domains=SOURCES, strategy="frozen_experts", guard=False, random_state=0
    )
    model.fit(X, Y, sample_domain=domain)
    assert not hasattr(model.experts_[0][1], "estimators_")  # one network for all targets
    assert np.isfinite(model.predict(X)).all()


def test_expert_outputs_are_named_features(frozen, co):
    Z = frozen.transform(co[0])
    assert Z.shape == (len(co[0]), 2 * 12 * 16)
    names = frozen.get_feature_names_out()
    assert len(names) == Z.shape[1] and names[0] == "member0_gas1_0" and names[-1] == "member1_new2_15"


def test_folds_may_be_those_of_a_splitter(co):
    X, Y, domain = co
    _, _, solvents = target(co)
    model = HMNNRegressor(
        source_domains=SOURCES, strategy="merge_relevant", **SMALL | {"cv": TargetKFold(2, random_state=0)}
    )
    model.fit(X, Y, sample_domain=domain)
    assert np.isfinite(model.cv_results_["mae"]).all()
