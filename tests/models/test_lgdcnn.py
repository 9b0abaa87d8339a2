"""LGDCNNRegressor through its public interface."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("skorch", reason="needs skorch")

from skxfer import LGDCNNRegressor  # noqa: E402
from skxfer.formulas import ELEMENTS  # noqa: E402
from skxfer.models.base.calibration import held_out, laplace_variance
from skxfer.models.lgdcnn._lgdcnn import VARIANTS  # noqa: E402

# Word vectors in miniature, so that nothing here needs matminer.
TABLE = pd.DataFrame(np.random.default_rng(0).normal(0, 0.3, (86, 12)), index=ELEMENTS[:86])
SMALL = {
    "embedding": TABLE,
    "variant": "lgdcnn",
    "hidden_dim": 16,
    "n_blocks": 1,
    "batch_size": 32,
    "calibration": None,
}
TUNED = {"max_epochs": 2, "calibration": None, "random_state": 0}
METALS = ["Ag", "Al", "Au", "Co", "Cu", "Fe", "Ni", "Pd", "Pt", "Ti", "Zn", "Zr"]


def alloys(n, seed=0, shift=0.0):
    """Formulas of two or three metals, and a property that is a quadratic form in the fractions."""
    rng = np.random.default_rng(seed)
    property_of = dict(zip(METALS, np.random.default_rng(1).normal(size=len(METALS)), strict=True))
    formulas, y = [], []
    for _ in range(n):
        symbols = rng.choice(METALS, rng.integers(2, 4), replace=False)
        amounts = rng.integers(1, 6, len(symbols))
        fraction = amounts / amounts.sum()
        own = np.array([property_of[symbol] for symbol in symbols])
        formulas.append("".join(f"{s}{a}" for s, a in zip(symbols, amounts, strict=True)))
        y.append(fraction @ own + np.ptp(own) * np.prod(fraction) + shift)
    return formulas, 10 * np.array(y)


FORMULAS, Y = alloys(150)
NEW = ["AgAl", "Cu2FeZr", "Ti3Pt", "NiPd", "Au"]


@pytest.fixture(scope="module")
def model():
    return LGDCNNRegressor(**SMALL, max_epochs=40, random_state=0).fit(FORMULAS, Y)


# learning ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_learns_a_mixing_law(variant):
    model = LGDCNNRegressor(**(SMALL | {"variant": variant}), max_epochs=120, random_state=0).fit(FORMULAS, Y)
    new, expected = alloys(60, seed=2)
    assert np.abs(model.predict(new) - expected).mean() < 0.5 * np.abs(expected - Y.mean()).mean()


@pytest.mark.parametrize("pooling", ["mean", "fraction", "attention"])
def test_every_pooling_learns_a_mixing_law(pooling):
    model = LGDCNNRegressor(**SMALL, pooling=pooling, max_epochs=120, random_state=0).fit(FORMULAS, Y)
    new, expected = alloys(60, seed=2)
    assert np.abs(model.predict(new) - expected).mean() < 0.5 * np.abs(expected - Y.mean()).mean()


def test_two_targets_with_missing_labels_are_learned_together():
    both = np.column_stack([Y, -3 * Y + 100])
    both[::2, 1] = np.nan
    model = LGDCNNRegressor(**SMALL, max_epochs=40, random_state=0).fit(
        FORMULAS, pd.DataFrame(both, columns=["energy", "volume"])
    )
    new, expected = alloys(60, seed=2)
    assert model.target_names_ == ["energy", "volume"]
    error = np.abs(model.predict(new) - np.column_stack([expected, -3 * expected + 100])).mean(axis=0)
    assert (error < 0.5 * np.nanstd(both, axis=0)).all()


def test_rows_without_weight_are_not_seen():
    weight = np.ones(len(Y))
    weight[100:] = 0
    y = np.where(weight > 0, Y, 1e6 + np.arange(len(Y)))
    params = {**SMALL, "max_epochs": 2, "random_state": 0}
    weighted = LGDCNNRegressor(**params).fit(FORMULAS, y, sample_weight=weight)
    alone = LGDCNNRegressor(**params).fit(FORMULAS[:100], y[:100])
    np.testing.assert_array_equal(weighted.predict(NEW), alone.predict(NEW))


def test_weights_draw_predictions_to_the_heavy_rows():
    y = np.repeat([0.0, 1.0], 40)
    formulas = ["NaCl", "KBr"] * 40  # the formulas say nothing of the labels
    weight = np.where(y > 0, 9.0, 1.0)
    params = {**SMALL, "max_epochs": 60, "random_state": 0}
    with pytest.warns(UserWarning, match="different labels"):
        heavy = LGDCNNRegressor(**params).fit(formulas, y, sample_weight=weight).predict(["NaCl"])
    with pytest.warns(UserWarning, match="different labels"):
        light = LGDCNNRegressor(**params).fit(formulas, y, sample_weight=10 - weight).predict(["NaCl"])
    assert heavy > 0.7
    assert light < 0.3


def scattered(n=300):
    """Formulas that say how far the labels scatter, which follow a Laplace distribution."""
    rng = np.random.default_rng(0)
    formulas, _ = alloys(n, seed=5)
    width = np.array([1.0 if "Fe" in formula or "Cu" in formula else 0.1 for formula in formulas])
    return np.array(formulas), rng.laplace(0, width), np.sqrt(2) * width


@pytest.mark.filterwarnings("ignore:.*have several rows with different labels")
def test_uncertainty_is_larger_where_labels_scatter():
    formulas, y, expected = scattered()
    params = SMALL | {"max_epochs": 60, "calibration": 0.3, "random_state": 0}
    model = LGDCNNRegressor(**params).fit(formulas, y)
    _, std = model.predict(formulas, return_std=True)
    assert np.corrcoef(np.log(std), np.log(expected))[0, 1] > 0.8


@pytest.mark.filterwarnings("ignore:.*have several rows with different labels")
def test_error_bars_hold_on_rows_not_seen():
    new, expected = alloys(200, seed=2)
    noise = np.random.default_rng(3).normal(0, 2, len(Y))
    params = SMALL | {"max_epochs": 120, "calibration": 0.2, "random_state": 0}
    model = LGDCNNRegressor(**params).fit(FORMULAS, Y + noise)
    mean, std = model.predict(new, return_std=True)
    error = np.abs(mean - expected - np.random.default_rng(4).normal(0, 2, len(new)))
    assert (error < 1.96 * std).mean() >= 0.85
    assert std.mean() < 2 * np.sqrt((error**2).mean())


def test_calibration_finds_the_variance_of_laplace_errors():
    rng = np.random.default_rng(0)
    expected = rng.gamma(2, 1, 5000)
    error = np.abs(rng.laplace(0, np.sqrt((0.5 + 3 * expected) / 2)))
    error[::7] = np.nan
    np.testing.assert_allclose(laplace_variance(error, expected), (0.5, 3), rtol=0.15)
    small = laplace_variance(1e-6 * error, expected)
    np.testing.assert_allclose(small, 1e-12 * np.array(laplace_variance(error, expected)), rtol=1e-6)


@pytest.mark.parametrize(("n_groups", "expected"), [(400, 100), (100, 30), (60, 20), (20, 0)])
def test_whole_compositions_are_held_out(n_groups, expected):
    group = np.repeat(np.arange(n_groups), 3)
    held = held_out(group, 0.25, np.random.RandomState(0))
    assert len(np.unique(group[held])) == expected
    assert held.sum() == 3 * expected


@pytest.mark.parametrize("params", [{"calibration": None}, {"calibration": 0.1}])
def test_no_error_bars_without_calibration(params):
    model = LGDCNNRegressor(**(SMALL | params), max_epochs=1).fit(FORMULAS[:12], Y[:12])
    assert np.isfinite(model.predict(NEW)).all()
    with pytest.raises(ValueError, match="fit on 30 of them"):
        model.predict(NEW, return_std=True)


def test_calibration_does_not_change_predictions(model):
    calibrated = clone(model).set_params(calibration=0.1).fit(FORMULAS, Y)
    np.testing.assert_array_equal(calibrated.predict(NEW), model.predict(NEW))


def test_members_are_averaged_and_their_disagreement_is_uncertainty():
    params = SMALL | {"n_members": 3, "max_epochs": 5, "calibration": 0.1, "random_state": 0}
    model = LGDCNNRegressor(**params).fit(FORMULAS, Y)
    mean, std = model.predict(NEW, return_std=True)
    nets, alone = model.nets_, []
    for net in nets:
        model.nets_ = [net]
        alone.append(model.predict(NEW, return_std=True))
    means, stds = np.array(alone).transpose(1, 0, 2)
    np.testing.assert_allclose(mean, means.mean(axis=0))
    np.testing.assert_allclose(std**2, np.maximum((stds**2).mean(axis=0), means.var(axis=0)))


def test_target_with_few_labels_has_no_error_bars():
    both = np.column_stack([Y, np.full(len(Y), np.nan)])
    both[:4, 1] = [1.0, 2.0, 3.0, 4.0]
    model = LGDCNNRegressor(**(SMALL | {"calibration": 0.2}), max_epochs=1).fit(FORMULAS, both)
    assert model.predict(NEW).shape == (5, 2)
    with pytest.raises(ValueError, match="no error bars for target 1"):
        model.predict(NEW, return_std=True)


@pytest.mark.parametrize("y", [np.zeros(30), np.column_stack([Y[:30], np.full(30, 2.0)])])
def test_target_that_never_changes_is_learned(y):
    model = LGDCNNRegressor(**SMALL, max_epochs=300, random_state=0).fit(FORMULAS[:30], y)
    prediction = model.predict(FORMULAS[:30]).reshape(30, -1)
    np.testing.assert_allclose(prediction[:, -1], y.reshape(30, -1)[:, -1], atol=0.05)


def test_one_row_is_enough():
    model = LGDCNNRegressor(**SMALL, max_epochs=300, random_state=0).fit(["NaCl"], [3.0])
    np.testing.assert_allclose(model.predict(["NaCl"]), [3.0], atol=0.05)


def test_interrupted_training_keeps_complete_members_and_ends(monkeypatch):
    started = []

    def train_net(*args, **params):
        net = train(*args, **params)
        started.append(net)
        if len(started) == 2:  # as after Ctrl-C in the second member
            del net.history[-1]
        return net

    from skxfer.models.lgdcnn import _members

    train = _members.train_net
    monkeypatch.setattr(_members, "train_net", train_net)
    params = SMALL | {"n_members": 3, "calibration": 0.1, "max_epochs": 2}
    model = LGDCNNRegressor(**params).fit(FORMULAS, Y)
    assert len(started) == 2
    assert model.nets_ == started[:1]
    assert np.isfinite(model.predict(NEW)).all()


# formulas ---------------------------------------------------------------------------------------------


def test_ways_to_write_a_composition_do_not_matter(model):
    np.testing.assert_allclose(
        model.predict(["Cu2FeZr", "ZrCu2Fe", "Cu4Fe2Zr2", "Cu0.5Fe0.25Zr0.25", "(Cu)2(FeZr)"]),
        model.predict(["Cu2FeZr"] * 5),
        rtol=1e-6,
    )


def test_thirds_that_are_rounded_differently_keep_one_order(model):
    amounts = [0.1 + 0.2, 0.3, 0.3]
    written = "".join(f"{s}{a:.17f}" for s, a in zip(["Zr", "Al", "Fe"], amounts, strict=True))
    np.testing.assert_allclose(model.predict([written]), model.predict(["ZrAlFe"]), rtol=1e-6)


def test_prediction_does_not_depend_on_batch_mates(model):
    np.testing.assert_array_equal(model.predict(NEW), [model.predict([formula])[0] for formula in NEW])


@pytest.mark.parametrize("kind", [tuple, np.array, pd.Series, lambda x: pd.DataFrame({"formula": x})])
def test_formulas_come_in_any_container(kind, model):
    np.testing.assert_array_equal(model.predict(kind(NEW)), model.predict(NEW))


def test_element_without_an_embedding_is_named(model):
    with pytest.raises(ValueError, match="Row 1 has the element Pu, which the embedding does not have"):
        model.predict(["AgAl", "PuO2"])
    with pytest.raises(ValueError, match="Row 0 has the element Np"):
        LGDCNNRegressor(**SMALL).fit(["NpO2", "AgAl"], [1.0, 2.0])
    with pytest.raises(ValueError, match="Row 2 has the element Np"):
        LGDCNNRegressor(**SMALL).fit(["AgAl", "Au", "NpO2"], [np.nan, 1.0, 2.0])


@pytest.mark.parametrize(
    ("formulas", "error", "message"),
    [
        (["AgAl", ""], ValueError, "Row 1"),
        (["AgAl", "Xx2"], ValueError, "Row 1.*Xx"),
        (["AgAl", None], TypeError, "Row 1"),
        (["AgAl", float("nan")], TypeError, "Row 1"),
        ([1.0, 2.0], TypeError, "1.0"),
        ("AgAl", TypeError, "AgAl"),
    ],
)
def test_what_is_no_formula_is_refused(formulas, error, message, model):
    with pytest.raises(error, match=message):
        model.predict(formulas)
    with pytest.raises(error, match=message):
        LGDCNNRegressor(**SMALL).fit(formulas, [1.0, 2.0])


@pytest.mark.parametrize("method", ["predict", "transform", "element_contributions", "element_feature_map"])
def test_no_formulas_are_refused(method, model):
    with pytest.raises(ValueError, match="Found 0 formulas"):
        getattr(model, method)([])


def test_sodium_nitride_is_a_formula(model):
    assert np.isfinite(model.predict(["NaN"])).all()


def test_conflicting_labels_are_counted_and_the_widest_is_named():
    formulas = ["NaCl", "TiO2", "Ti2O4", "ZnO", "ZnO"]
    with pytest.warns(
        UserWarning, match=r"1 composition.s. .*\(2 rows; widest apart: the one of row 1, by 1.5"
    ):
        LGDCNNRegressor(**SMALL, max_epochs=1).fit(formulas, [1.0, 2.0, 3.5, 4.0, 4.0])


# what it learned --------------------------------------------------------------------------------------


def test_element_contributions_average_to_the_prediction(model):
    table = model.element_contributions(NEW)
    assert list(table.columns) == sorted(table.columns, key=ELEMENTS.index)
    np.testing.assert_allclose(table.mean(axis=1), model.predict(NEW), rtol=1e-5)
    assert table.notna().sum(axis=1).tolist() == [2, 3, 2, 2, 1]
    assert table.loc[1].dropna().index.tolist() == ["Fe", "Cu", "Zr"]


def test_contributions_to_several_targets_have_two_levels():
    y = pd.DataFrame({"a": Y, "b": -Y})
    model = LGDCNNRegressor(**SMALL, max_epochs=1, random_state=0).fit(FORMULAS, y)
    table = model.element_contributions(NEW)
    np.testing.assert_allclose(table["b"].mean(axis=1), model.predict(NEW)[:, 1], rtol=1e-5)


def test_feature_maps_have_a_row_for_each_element(model):
    maps = model.element_feature_map(["Cu2FeZr", "Au"])
    assert [list(m.index) for m in maps] == [["Cu", "Fe", "Zr"], ["Au"]]
    np.testing.assert_allclose(
        np.array([m.mean(axis=0) for m in maps]), model.transform(["Cu2FeZr", "Au"]), rtol=1e-5, atol=1e-6
    )


def test_pooled_features_have_names(model):
    frame = clone(model).set_output(transform="pandas").fit(FORMULAS, Y).transform(NEW)
    assert list(frame.columns) == list(model.get_feature_names_out())
    np.testing.assert_array_equal(frame, model.transform(NEW))


def test_binaries_of_the_default_variant_are_warned_of():
    model = LGDCNNRegressor(**(SMALL | {"variant": "v1"}), max_epochs=1).fit(FORMULAS, Y)
    with pytest.warns(UserWarning, match="both elements of a binary contribute the same"):
        table = model.element_contributions(["AgAl", "Cu2FeZr"])
    assert table.loc[0, "Ag"] == table.loc[0, "Al"]
    assert table.loc[1].dropna().nunique() > 1


# starting from another one ----------------------------------------------------------------------------


def weights(model, part):
    state = model.nets_[0].module_.state_dict()
    return {
        key: value
        for key, value in state.items()
        if key.startswith(LGDCNNRegressor._parts[part][0].rstrip("*"))
    }


@pytest.mark.parametrize("part", LGDCNNRegressor._parts)
def test_frozen_parts_keep_the_weights_of_the_source(part, model):
    tuned = LGDCNNRegressor(init=model, freeze=part, **TUNED)
    tuned.fit(FORMULAS[:40], Y[:40] + 1)
    for other in LGDCNNRegressor._parts:
        source, now = weights(model, other), weights(tuned, other)
        same = all((source[key] == now[key]).all() for key in source)
        assert same == (other == part)


def test_parts_are_trained_from_their_epoch_on(model):
    def moved(freeze):
        tuned = LGDCNNRegressor(init=model, freeze=freeze, **(TUNED | {"max_epochs": 4}))
        now = weights(tuned.fit(FORMULAS[:40], Y[:40] + 1), "global")
        return sum(((now[key] - value) ** 2).sum().item() for key, value in weights(model, "global").items())

    distances = [moved(freeze) for freeze in ("global", {"global": 4}, {"global": 3}, {"global": 2})]
    assert distances[0] == 0
    assert all(np.diff(distances) > 0)


def test_source_is_not_changed(model):
    before = pickle.dumps(model)
    LGDCNNRegressor(init=model, **TUNED).fit(FORMULAS[:40], Y[:40])
    assert pickle.dumps(model) == before


def test_fine_tuning_beats_scratch_on_few_rows_of_a_related_property(model):
    few, y = alloys(12, seed=3, shift=0.5)
    new, expected = alloys(60, seed=4, shift=0.5)
    params = TUNED | {"max_epochs": 20}
    tuned = LGDCNNRegressor(init=model, **params).fit(few, y)
    scratch = LGDCNNRegressor(**(SMALL | params)).fit(few, y)
    errors = [np.abs(m.predict(new) - expected).mean() for m in (tuned, scratch)]
    assert errors[0] < 0.6 * errors[1]


def test_source_of_another_size_and_number_of_targets_serves(model):
    tuned = LGDCNNRegressor(init=model, freeze=["embedding", "global", "local"], **TUNED)
    tuned.fit(FORMULAS[:40], np.column_stack([Y[:40], Y[:40] ** 2]))
    assert tuned.predict(NEW).shape == (5, 2)
    np.testing.assert_array_equal(tuned.transform(NEW), model.transform(NEW))


def test_members_start_from_those_of_the_source(model):
    tuned = LGDCNNRegressor(init=model, n_members=2, freeze="local", **TUNED)
    tuned.fit(FORMULAS[:40], Y[:40])
    first, second = (net.module_.local_part.state_dict() for net in tuned.nets_)
    assert all((first[key] == second[key]).all() for key in first)


def test_clone_keeps_the_source_and_forgets_the_fit(model):
    tuned = LGDCNNRegressor(init=model, **TUNED)
    copied = clone(tuned.fit(FORMULAS[:40], Y[:40]))
    assert copied.init is model
    with pytest.raises(NotFittedError):
        copied.predict(NEW)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"freeze": "local"}, ValueError, "give it as init"),
        ({"init": LGDCNNRegressor()}, NotFittedError, "FrozenEstimator"),
        ({"init": Ridge()}, TypeError, "Ridge"),
    ],
)
def test_source_that_cannot_serve_is_refused(params, error, message):
    with pytest.raises(error, match=message):
        LGDCNNRegressor(**(SMALL | params)).fit(FORMULAS, Y)


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (["tail"], "no part 'tail'.*embedding"),
        ({"local": "x"}, "'local' from epoch 'x'"),
        ({"local": 99}, "within 2 and 2, the epochs of this fit"),
        (list(LGDCNNRegressor._parts), "nothing to train"),
    ],
)
def test_freezing_that_makes_no_sense_is_refused(freeze, message, model):
    with pytest.raises(ValueError, match=message):
        LGDCNNRegressor(init=model, freeze=freeze, **TUNED).fit(FORMULAS, Y)


@pytest.mark.parametrize("carry", [["embedding"], ("embedding", "global", "local"), "head", None])
def test_only_parts_that_are_carried_over_are_those_of_init(carry, model):
    tuned = LGDCNNRegressor(init=model, carry=carry, **TUNED | {"learning_rate": 1e-9, "weight_decay": 0.0})
    new, old = (one.nets_[0].module_.state_dict() for one in (tuned.fit(FORMULAS, Y), model))
    parts = [carry] if isinstance(carry, str) else carry or list(LGDCNNRegressor._parts)
    for part in ("embedding", "local", "head"):
        name = next(key for key in new if key.startswith(part) and key.endswith("weight"))
        assert new[name].allclose(old[name], atol=1e-5) == (part in parts), name


def test_parts_that_are_not_carried_over_cannot_be_frozen(model):
    with pytest.raises(ValueError, match="'global' cannot be frozen: carry does not take it over"):
        LGDCNNRegressor(init=model, carry="embedding", freeze="global", **TUNED).fit(FORMULAS, Y)


def test_new_head_cannot_be_frozen(model):
    with pytest.raises(ValueError, match="head cannot be frozen"):
        LGDCNNRegressor(init=model, freeze="head", **TUNED).fit(FORMULAS, np.column_stack([Y, Y]))


def test_width_of_the_network_is_a_multiple_of_four():
    with pytest.raises(ValueError, match="hidden_dim must be a multiple of four, it is 10"):
        LGDCNNRegressor(**(SMALL | {"hidden_dim": 10})).fit(FORMULAS, Y)


def test_variants_are_those_of_the_module():
    from skxfer.nn import lgdcnn

    assert set(VARIANTS) == set(lgdcnn.VARIANTS)


# scikit-learn -----------------------------------------------------------------------------------------


def test_two_fits_and_a_pickle_are_equal(model):
    again = clone(model).fit(FORMULAS, Y)
    np.testing.assert_array_equal(again.predict(NEW), model.predict(NEW))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(NEW), model.predict(NEW))


def test_torch_generator_of_the_caller_is_left_alone(model):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    clone(model).set_params(max_epochs=1).fit(FORMULAS, Y)
    assert (torch.rand(3) == expected).all()


@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_grid_search_over_sources_and_parts_on_two_jobs(routing, model):
    grid = {"init": [None, FrozenEstimator(model)], "max_epochs": [1]}
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(
            LGDCNNRegressor(**SMALL, random_state=0), grid, cv=2, n_jobs=2, error_score="raise"
        )
        search.fit(FORMULAS[:60], Y[:60])
    assert search.best_params_["init"] is not None


def test_sample_weight_is_routed():
    weight = np.r_[np.ones(50), np.zeros(50)]
    estimator = LGDCNNRegressor(**SMALL, max_epochs=1, random_state=0)
    with config_context(enable_metadata_routing=True), pytest.warns(FitFailedWarning):
        estimator = estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        scores = cross_val_score(
            estimator, FORMULAS[:100], Y[:100], params={"sample_weight": weight}, cv=2, error_score=np.nan
        )
    # The second half is never seen; the fold that has nothing else cannot be fitted.
    assert np.isnan(scores).sum() == 1


def test_pooled_features_feed_any_regressor(model):
    pipeline = make_pipeline(FrozenEstimator(model), Ridge(1e-3)).fit(FORMULAS, Y)
    assert pipeline.score(FORMULAS, Y) > model.score(FORMULAS, Y)


def test_save_and_load_round_trip(model, tmp_path):
    import skxfer

    tuned = LGDCNNRegressor(init=model, freeze={"local": 2}, max_epochs=2).fit(FORMULAS[:40], Y[:40])
    skxfer.save(tuned, tmp_path / "model.skxfer")
    loaded = skxfer.load(tmp_path / "model.skxfer")
    np.testing.assert_array_equal(loaded.predict(NEW), tuned.predict(NEW))
    np.testing.assert_array_equal(loaded.init.predict(NEW), model.predict(NEW))


def test_labels_that_are_all_missing_are_an_error():
    with pytest.raises(ValueError, match="target 1"):
        LGDCNNRegressor(**SMALL).fit(FORMULAS, np.column_stack([Y, np.full(len(Y), np.nan)]))


def test_embedding_of_matminer_has_the_spread_of_mat2vec():
    pytest.importorskip("matminer", reason="the default embedding comes from matminer")
    from skxfer.models.lgdcnn._elements import element_table

    table = element_table("matscholar")
    assert table.shape == (119, 200)
    known = table[~np.isnan(table).any(axis=1)]
    assert len(known) == 103
    np.testing.assert_allclose([known.mean(), known.std()], [0, 0.306], atol=1e-12)
