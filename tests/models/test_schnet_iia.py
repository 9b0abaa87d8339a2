"""SchNetIIARegressor: units, references, forces, transfer by part, committees, and bad input."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")
pytest.importorskip("matscipy")
ase = pytest.importorskip("ase")

from ase.build import bulk  # noqa: E402

from skxfer import SchNetIIARegressor, SequentialTransfer  # noqa: E402
from skxfer.energy_units import UNITS  # noqa: E402
from skxfer.models.base.references import fit_references, robust_scale  # noqa: E402
from skxfer.models.schnet_iia import _committee  # noqa: E402
from skxfer.structures import HARTREE, read_structures  # noqa: E402

TINY = {"hidden_dim": 8, "n_interactions": 1, "n_rbf": 8, "cutoff": 3.0, "batch_size": 10}
D, BOND, REFERENCE = 1.5, 0.9, {"H": -10.0, "He": -20.0}  # a Morse potential in eV and Å


def morse(positions):
    """Energy and forces of all pairs."""
    apart = positions[:, None] - positions
    r = np.linalg.norm(apart, axis=-1) + np.eye(len(positions))
    decay = np.exp(-(r - BOND)) * (1 - np.eye(len(positions)))
    energy = 0.5 * np.sum(D * (decay**2 - 2 * decay))
    slope = D * (2 * decay - 2 * decay**2)  # dE/dr of each pair
    return energy, -np.sum((slope / r)[..., None] * apart, axis=1)


def clusters(n, size, seed=0):
    rng, X, y, forces = np.random.default_rng(seed), [], [], []
    while len(X) < n:
        positions = rng.uniform(0, 1.8, size=(size, 3))
        apart = np.linalg.norm(positions[:, None] - positions, axis=-1)[np.triu_indices(size, 1)]
        if apart.min() < 0.6:
            continue
        numbers = np.array([1] * (size - 1) + [2])
        energy, force = morse(positions)
        X.append((numbers, positions))
        y.append(energy + REFERENCE["H"] * (size - 1) + REFERENCE["He"])
        forces.append(force)
    return X, np.array(y), forces


X, Y, FORCES = clusters(60, 4)
NEW, Y_NEW, FORCES_NEW = clusters(30, 4, seed=1)


def fit(X=X, y=Y, forces=None, **params):
    return SchNetIIARegressor(**TINY | {"max_epochs": 5, "random_state": 0} | params).fit(X, y, forces=forces)


@pytest.fixture(scope="module")
def model():
    return fit(max_epochs=150)


@pytest.fixture(scope="module")
def committee():
    return fit(*clusters(120, 4)[:2], n_members=3, max_epochs=60)


# energies ---------------------------------------------------------------------------------------------


def test_energies_are_learned(model):
    error = np.abs(model.predict(NEW) - Y_NEW).mean()
    assert error < 0.4 * np.abs(Y_NEW - np.median(Y)).mean()


def test_forces_help_to_learn_and_are_learned():
    with_forces = fit(forces=FORCES, max_epochs=150)
    predicted = np.concatenate(with_forces.predict_forces(NEW))
    truth = np.concatenate(FORCES_NEW)
    assert np.abs(predicted - truth).mean() < 0.5 * np.abs(truth).mean()
    without = np.concatenate(fit(max_epochs=150).predict_forces(NEW))
    assert np.abs(predicted - truth).mean() < np.abs(without - truth).mean()


def test_forces_are_derivatives_of_predictions(model):
    numbers, positions = NEW[0]
    forces, energy, std = model.predict_forces([NEW[0]], return_energy=True)
    assert energy[0] == pytest.approx(model.predict([NEW[0]])[0])
    assert np.isnan(std[0])
    step = np.zeros_like(positions)
    step[1, 2] = 1e-4
    plus, minus = model.predict([(numbers, positions + step), (numbers, positions - step)])
    assert forces[0][1, 2] == pytest.approx(-(plus - minus) / 2e-4, rel=1e-5)


@pytest.mark.parametrize("unit", [*UNITS, "eV/atom", "Hartree/atom", "kJ/mol/atom"])
def test_predictions_come_in_the_unit_of_y(model, unit):
    base = unit.removesuffix("/atom")
    factor = 1 / UNITS[base] / (1 if unit == base else 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = fit(X, Y * factor, energy_unit=unit, max_epochs=2)
    same = fit(max_epochs=2)
    np.testing.assert_allclose(other.predict(NEW), same.predict(NEW) * factor, rtol=1e-6)
    np.testing.assert_allclose(
        other.predict_forces(NEW)[0], same.predict_forces(NEW)[0] / UNITS[base], rtol=1e-3, atol=1e-9
    )
    total = [energies.sum() for energies in other.atomic_energies(NEW)]
    np.testing.assert_allclose(total, same.predict(NEW) / UNITS[base], rtol=1e-6)


def test_atomic_energies_add_up(model, committee):
    for one in (model, committee):
        energies = one.atomic_energies(NEW)
        assert [e.shape for e in energies] == [(4,)] * len(NEW)
        np.testing.assert_allclose([e.sum() for e in energies], one.predict(NEW))


def test_labels_that_look_like_hartree_are_warned_of():
    water = [([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59 + 0.01 * k], [0, -0.76, 0.59]]) for k in range(4)]
    y = -76.4 + 0.01 * np.arange(4)
    with pytest.warns(UserWarning, match="look like Hartree.*energy_unit='Hartree'"):
        fit(water, y, max_epochs=1)
    for unit in ("meV", "kcal/mol", "kJ/mol"):
        with pytest.warns(UserWarning, match="look like Hartree"):
            fit(water, y, max_epochs=1, energy_unit=unit)
    with pytest.warns(UserWarning, match="energy_unit='Hartree/atom'"):
        fit(water, y / 3, max_epochs=1, energy_unit="eV/atom")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = fit(water, y, max_epochs=1, energy_unit="Hartree")
        fit(water, y * HARTREE, max_epochs=1)
    assert np.abs(model.predict(water) - y).max() < 0.5


def test_energies_of_the_elements_are_found_where_compositions_tell():
    more, y = [], []
    for size in (2, 3, 4, 5):
        parts = clusters(10, size)
        more += parts[0]
        y.append(parts[1])
    mixed = [(np.array([1] * len(n)), r) for n, r in more[:20]]
    energy = np.r_[np.concatenate(y), np.concatenate(y)[:20] + REFERENCE["H"] - REFERENCE["He"]]
    model = fit(more + mixed, energy)
    found = model.reference_energies_
    assert found["He"] - found["H"] == pytest.approx(REFERENCE["He"] - REFERENCE["H"], abs=0.5)


def test_given_references_predict_other_compositions():
    model = fit(X, Y, reference_energies=REFERENCE, max_epochs=50)
    doped = [(np.array([1, 1, 2, 2]), positions) for _, positions in NEW]
    y = Y_NEW + REFERENCE["He"] - REFERENCE["H"]
    given, fitted = (np.abs(one.predict(doped) - y).mean() for one in (model, fit(max_epochs=50)))
    assert given < 0.2 * fitted
    assert model.reference_energies_ == REFERENCE
    for references, match in (
        ({"H": -10.0}, "no energy of He, only of 'H'"),
        ({"H": -10.0, "He": np.nan}, r"reference_energies\['He'\] must be a number, it is nan"),
        ({"H": "-10", "He": -20.0}, r"reference_energies\['H'\] must be a number, it is '-10'"),
    ):
        with pytest.raises(ValueError, match=match):
            fit(reference_energies=references)


def test_references_are_not_moved_by_labels_that_went_wrong():
    counts = np.array([[3, 1]] * 9 + [[1, 2]] * 9)
    energy = counts @ [-10.0, -20.0]
    energy[[0, 3, 11]] += 1000.0
    np.testing.assert_allclose(fit_references(counts, energy), [-10.0, -20.0])
    # One composition does not tell: the smallest energies that explain it.
    np.testing.assert_allclose(fit_references(counts[:9], energy[:9]), [-15.0, -5.0])


def test_robust_scale_is_that_of_a_normal_distribution_and_never_zero():
    values = np.random.default_rng(0).normal(3.0, 2.0, 10_000)
    values[:100] = 1e6
    assert robust_scale(values) == pytest.approx(2.0, rel=0.05)
    assert robust_scale(np.r_[np.zeros(9), 1.0]) == pytest.approx(0.3)
    assert robust_scale(np.ones(5)) == 1.0


# which structures -------------------------------------------------------------------------------------


def test_sizes_periodic_and_lonely_atoms_go_together():
    mixed = [*X[:10], ([1], [[0.0, 0.0, 0.0]]), ([1, 2], [[0, 0, 0], [0, 0, 9.0]])]
    crystal = ase.Atoms("HHe", [[0, 0, 0], [0.9, 0.9, 0.9]], cell=[1.8, 1.8, 1.8], pbc=True)
    slab = ase.Atoms("HHe", [[0, 0, 0], [0.9, 0.9, 0.9]], cell=[1.8, 1.8, 0], pbc=[True, True, False])
    mixed += [crystal, slab]
    y = np.r_[Y[:10], -10.0, -30.0, -35.0, -33.0]
    model = fit(mixed, y)
    predicted = model.predict(mixed)
    assert np.isfinite(predicted).all()
    assert np.allclose(model.predict_forces(mixed)[10], 0.0)
    assert model.predict([crystal * (2, 1, 1)])[0] == pytest.approx(2 * predicted[12])
    assert model.min_distance_ == pytest.approx(
        min(np.linalg.norm(r[:, None] - r, axis=-1)[np.triu_indices(4, 1)].min() for _, r in X[:10])
    )


def test_atoms_alone_can_be_learned():
    model = fit([([1], [[0.0, 0, 0]]), ([2], [[0.0, 0, 0]])], [-10.0, -20.0], max_epochs=200)
    np.testing.assert_allclose(model.predict([([2], [[1.0, 2.0, 3.0]])]), [-20.0], atol=0.1)
    assert model.min_distance_ == model.max_gap_ == np.inf
    assert fit([*X, ([1], [[0.0, 0, 0]])], np.r_[Y, -10.0], max_epochs=1).max_gap_ < 3.0


def test_distances_of_the_training_structures_are_kept(model):
    nearest = [np.linalg.norm(r[:, None] - r + 99 * np.eye(4)[..., None], axis=-1).min(axis=1) for _, r in X]
    assert model.min_distance_ == pytest.approx(np.min(nearest))
    assert model.max_gap_ == pytest.approx(np.max(nearest))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"y": Y[:-1]}, "inconsistent numbers of samples"),
        ({"y": np.full(60, np.nan)}, "NaN only in target 0"),
        (
            {"forces": [np.ma.masked_less(FORCES[0], 9.0), *FORCES[1:]]},
            "force on atom 0 of structure 0 is .nan",
        ),
        ({"forces": [FORCES[0] + 1j, *FORCES[1:]]}, "forces of structure 0 are not an array"),
        ({"y": np.c_[Y, Y]}, "one energy for each structure"),
        ({"forces": FORCES[:-1]}, "one for each of 60 structures, not 59"),
        ({"forces": [*FORCES[:-1], np.zeros((3, 3))]}, r"forces of structure 59 .*\(4, 3\)"),
        ({"forces": [np.full((4, 3), np.nan), *FORCES[1:]]}, "force on atom 0 .* is .nan"),
        ({"X": [*X[:-1], (X[0][0], np.zeros((4, 3)))]}, "structure 59 are 0 Å"),
        ({"X": [*X[:-1], (X[0][0], X[0][1] * np.nan)]}, "structure 59 .*finite"),
        (
            {"forces": [[[1.0], [2.0, 3.0]], *FORCES[1:]]},
            "forces of structure 0 are not an array",
        ),
        ({"forces": 3}, "one for each of 60 structures, not int"),
        ({"X": X[:20], "y": Y[:20], "early_stopping": True}, "early_stopping needs 30 structures"),
        ({"hidden_dim": 6}, "multiple of four"),
        ({"energy_unit": "Rydberg"}, "energy_unit"),
        ({"freeze": "head"}, "give it as init"),
        ({"carry": "heads"}, "carry has no part 'heads'"),
    ],
)
def test_bad_input_is_named(change, match):
    with pytest.raises(ValueError, match=match):
        fit(**change)


def test_unknown_elements_are_named(model):
    with pytest.raises(
        ValueError, match=r"Structure 1 has the element Li, which was not in training \(H, He\)"
    ):
        model.predict([X[0], ([3, 1], [[0, 0, 0], [0, 0, 1.6]])])


@pytest.mark.parametrize("forces", [False, True])
def test_weights_of_zero_leave_structures_out(forces):
    y, wrong = Y + 0.0, [np.full((4, 3), 1e3)] * 20 + FORCES[20:]
    y[:20] += 500.0
    weight = np.r_[np.zeros(20), np.ones(40)]
    learner = SchNetIIARegressor(**TINY, max_epochs=3, n_members=2, random_state=0)
    weighted = clone(learner).fit(X, y, forces=wrong if forces else None, sample_weight=weight)
    dropped = clone(learner).fit(X[20:], Y[20:], forces=FORCES[20:] if forces else None)
    for one, other in zip(*(m.predict(NEW, return_std=True) for m in (weighted, dropped)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert weighted.min_distance_ == dropped.min_distance_


# transfer ---------------------------------------------------------------------------------------------


def test_training_starts_from_the_weights_of_init(model):
    tuned = fit(init=model, max_epochs=1, learning_rate=1e-9)
    np.testing.assert_allclose(tuned.predict(NEW), model.predict(NEW), atol=0.02)


def test_init_is_corrected_for_another_level_of_theory(model):
    tuned = fit(X, Y + 7.0 * 4, init=model, max_epochs=1, learning_rate=1e-9)
    np.testing.assert_allclose(tuned.predict(NEW), model.predict(NEW) + 28.0, atol=0.05)


@pytest.mark.parametrize("factor", [0.01, 30.0])
def test_training_starts_from_init_whatever_the_spread_of_the_labels(model, factor):
    labels = np.mean(Y) + factor * (Y - np.mean(Y))
    tuned = fit(X, labels, init=model, max_epochs=1, learning_rate=1e-9)
    assert tuned.scale_ == pytest.approx(factor * model.scale_, rel=0.1)
    offset = tuned.predict(NEW) - model.predict(NEW)
    assert np.std(offset) < 0.02 * np.std(model.predict(NEW))


def test_only_elements_that_something_was_learned_of_are_predicted(model):
    hydrogen = [(np.array([1, 1, 1]), positions[:3]) for _, positions in X[:12]]
    y = np.arange(12.0)
    whole, part = (fit(hydrogen, y, init=model, carry=carry, max_epochs=1) for carry in (None, ["embedding"]))
    assert (whole.elements_, part.elements_) == (["H", "He"], ["H"])
    assert whole.reference_energies_["He"] == model.reference_energies_["He"]
    with pytest.raises(ValueError, match="element He"):
        part.predict(X[:1])


def test_features_of_elements_that_init_never_saw_are_not_frozen(model):
    lithium = [(np.array([1, 3]), positions[:2]) for _, positions in X[:12]]
    with pytest.raises(ValueError, match="init has never seen Li.*leave 'embedding' out of freeze"):
        fit(lithium, np.arange(12.0), init=model, freeze=["embedding"])
    assert fit(lithium, np.arange(12.0), init=model, max_epochs=1).elements_ == ["H", "He", "Li"]


def test_a_network_that_is_carried_over_as_a_whole_is_trained_for_fewer_epochs(model, monkeypatch):
    monkeypatch.setattr(_committee, "MIN_STEPS", 0)
    monkeypatch.setattr(_committee, "MIN_STEPS_FROM_INIT", 0)
    starts = ({}, {"init": model, "carry": ["embedding"]}, {"init": model}, {"init": model, "max_epochs": 3})
    epochs = [len(fit(**{"max_epochs": None} | start).nets_[0].history) for start in starts]
    assert epochs == [40, 40, 10, 3]


def test_parts_thaw_within_the_epochs_that_are_trained(model):
    learner = SchNetIIARegressor(**TINY, init=model, freeze={"interactions": 100}, random_state=0)
    learner.fit(X[:10], Y[:10])  # 400 epochs of one batch
    with pytest.raises(ValueError, match="epoch 100 on, which must be an int within 2 and 2"):
        fit(init=model, freeze={"interactions": 100}, max_epochs=2)


@pytest.mark.parametrize("carry", [["embedding"], ["embedding", "interactions"], None])
def test_carried_parts_begin_as_they_were_and_the_others_anew(model, carry):
    tuned = fit(init=model, carry=carry, max_epochs=1, learning_rate=1e-9, weight_decay=0.0)
    new, old = (one.nets_[0].module_.state_dict() for one in (tuned, model))
    carried = carry or ["embedding", "interactions", "head"]
    for name in ("embedding.weight", "interactions.0.before.weight", "head.0.weight"):
        same = torch.allclose(new[name], old[name], atol=1e-5)
        assert same == (name.partition(".")[0] in carried), name


def test_frozen_parts_stay(model):
    before = {k: v.clone() for k, v in model.nets_[0].module_.state_dict().items()}
    tuned = fit(init=model, freeze=["embedding", "interactions"], max_epochs=3)
    after = tuned.nets_[0].module_.state_dict()
    for name, value in before.items():
        assert torch.equal(after[name], value) == (not name.startswith("head")), name
        assert torch.equal(model.nets_[0].module_.state_dict()[name], value)
    assert tuned.score(X, Y) > -1


def test_clone_and_grid_search_keep_init(model):
    learner = SchNetIIARegressor(**TINY, init=FrozenEstimator(model), max_epochs=2, random_state=0)
    assert clone(learner).init is learner.init
    search = GridSearchCV(learner, {"carry": [["embedding"], None]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_ == {"carry": None}


def test_a_chain_of_sizes_carries_weights():
    parts = [clusters(20, size)[:2] for size in (3, 4, 5)]
    all_X = [one for X, _ in parts for one in X]
    size = [len(numbers) for numbers, _ in all_X]
    chain = SequentialTransfer(
        SchNetIIARegressor(**TINY, max_epochs=3, random_state=0, carry=["embedding", "interactions"]),
        order=[3, 4, 5],
    )
    chain.fit(all_X, np.concatenate([y for _, y in parts]), sample_domain=size)
    assert chain.strategy_ == "fine_tuned"
    assert list(chain.stages_) == [3, 4, 5]
    assert chain.stages_[5].init.estimator is chain.stages_[4]
    assert np.isfinite(chain.predict(all_X[-3:])).all()


# committees -------------------------------------------------------------------------------------------


def test_error_bars_of_a_committee_hold(committee):
    mean, std = committee.predict(NEW, return_std=True)
    share = np.mean(np.abs(mean - Y_NEW) < std)
    assert 0.4 < share <= 1.0
    _, energy, same = committee.predict_forces(NEW, return_energy=True)
    np.testing.assert_allclose(energy, mean)
    np.testing.assert_allclose(same, std)


def test_error_bars_need_a_committee(model):
    with pytest.raises(ValueError, match="n_members=4"):
        model.predict(NEW, return_std=True)


def test_committee_is_the_mean_of_its_members(committee):
    outputs = []
    for net in committee.nets_:
        one = clone(committee).set_params(n_members=1)
        vars(one).update({k: v for k, v in vars(committee).items() if k.endswith("_")})
        one.nets_ = [net]
        outputs.append(one.predict(NEW))
    np.testing.assert_allclose(committee.predict(NEW), np.mean(outputs, axis=0))


def test_early_stopping_keeps_the_best_average():
    noise = np.random.default_rng(0).normal(size=len(Y))
    model = fit(y=noise, early_stopping=True, n_iter_no_change=3, max_epochs=400, learning_rate=0.02)
    history = model.nets_[0].history
    assert len(history) < 400
    errors = history[:, "valid_error"]
    assert np.argmin(errors) == len(errors) - 4


# as an estimator --------------------------------------------------------------------------------------


def test_features_have_names_and_go_into_a_pipeline(model):
    features = model.transform(NEW)
    assert features.shape == (30, 8) == (30, len(model.get_feature_names_out()))
    np.testing.assert_allclose(model.transform([NEW[3]])[0], features[3], rtol=1e-9)
    pipeline = make_pipeline(FrozenEstimator(model), Ridge()).fit(X, Y)
    assert pipeline.score(NEW, Y_NEW) > 0
    assert (
        list(clone(model).set_output(transform="pandas").fit(X, Y).transform(NEW).columns)[0] == "schnet0_0"
    )


@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
def test_grid_search_on_two_jobs_over_cutoff_and_features(routing):
    atoms = [ase.Atoms(numbers, positions) for numbers, positions in X]
    grid = {"cutoff": [2.0, 3.0], "hidden_dim": [4, 8]}
    learner = SchNetIIARegressor(**TINY, max_epochs=2, random_state=0)
    with config_context(enable_metadata_routing=routing):
        one, two = (
            GridSearchCV(learner, grid, cv=2, n_jobs=n, error_score="raise").fit(atoms, Y) for n in (1, 2)
        )
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(one.predict(NEW), two.predict(NEW))


def test_cross_validation_hands_on_forces():
    learner = SchNetIIARegressor(**TINY, max_epochs=2, random_state=0)
    assert cross_val_score(learner, X, Y, cv=2).shape == (2,)
    with config_context(enable_metadata_routing=True):
        routed = clone(learner).set_fit_request(forces=True)
        found = cross_validate(
            routed, X, Y, cv=2, params={"forces": FORCES}, return_estimator=True, error_score="raise"
        )
    assert all(one.nets_[0].module_.forces for one in found["estimator"])


def test_pickle_predicts_the_same_in_a_fresh_process(model, tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps((model, NEW)))
    code = (
        "import pickle, sys, numpy as np; "
        "model, X = pickle.load(open(sys.argv[1], 'rb')); np.save(sys.argv[2], model.predict(X))"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "model.pkl", tmp_path / "y.npy"], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(NEW))


def test_caller_s_random_numbers_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fit(max_epochs=1)
    assert torch.rand(1) == expected


def test_unfitted_and_wrong_init():
    with pytest.raises(NotFittedError):
        SchNetIIARegressor().predict_forces(NEW)
    with pytest.raises(NotFittedError, match="init is not fitted"):
        fit(init=SchNetIIARegressor())
    with pytest.raises(TypeError, match="init must be a fitted SchNetIIARegressor, it is Ridge"):
        fit(init=Ridge().fit([[0.0]], [0.0]))


def test_crystals_of_many_atoms_are_predicted():
    atoms = bulk("Cu", cubic=True)
    model = fit([atoms, atoms * (2, 1, 1)], [-14.0, -28.0], max_epochs=2)
    assert len(read_structures([atoms * (4, 4, 4)]).numbers) == 256
    energy = model.predict([atoms, atoms * (4, 4, 4)])
    assert energy[1] == pytest.approx(64 * energy[0])
