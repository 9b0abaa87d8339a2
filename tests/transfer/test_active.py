import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

import skxfer
from skxfer import ActiveTransfer, CompositionFeaturizer, HierarchicalTransfer
from skxfer.transfer._committee import Committee

rng = np.random.default_rng(0)
X = rng.uniform(size=(40, 2))
Y = X @ [1.0, 2.0]
POOL = rng.uniform(size=(60, 2))


def merge(related, **options):
    options = {"strategy": "merge", "guard": False} | options
    return HierarchicalTransfer(Ridge(0.1), source_domains=related.source_domains, **options)


# the loop ---------------------------------------------------------------------------------------------


def test_telling_labels_is_fitting_on_all_rows(related):
    few = np.r_[0:160]
    model = ActiveTransfer(merge(related), random_state=0)
    model.fit(related.data[few], related.target[few], sample_domain=related.domain[few])
    model.tell(related.data[160:], related.target[160:])
    whole = ActiveTransfer(merge(related), random_state=0)
    whole.fit(related.data, related.target, sample_domain=related.domain)
    np.testing.assert_array_equal(
        model.predict(related.test_data, return_std=True), whole.predict(related.test_data, return_std=True)
    )


def test_history_counts_labels_and_keeps_the_best_and_the_error_before_the_label():
    model = ActiveTransfer(LinearRegression(), goal="maximize", committee=3, random_state=0).fit(
        X[:10], Y[:10]
    )
    before = model.predict(POOL[:4])
    truth = POOL[:4] @ [1.0, 2.0] + 1
    model.tell(POOL[:4], truth)
    assert model.history_["n_labelled"] == [10, 14]
    np.testing.assert_allclose(model.history_["best"], [Y[:10].max(), max(Y[:10].max(), truth.max())])
    np.testing.assert_allclose(model.history_["error"], [np.nan, np.abs(before - truth).mean()])


def test_labelled_target_rows_are_not_suggested_again(related):
    model = ActiveTransfer(merge(related), goal="maximize", random_state=0)
    model.fit(related.data, related.target, sample_domain=related.domain)
    target = related.data[related.domain == "target"]
    candidates = np.vstack([target, related.test_data[:5]])
    assert sorted(model.suggest(candidates, n=5)["position"]) == list(range(25, 30))


def test_rows_of_a_source_are_no_labels_of_the_target(related):
    model = ActiveTransfer(merge(related), goal="maximize", committee=3, random_state=0)
    labels = related.target.copy()
    labels[np.flatnonzero(related.domain != "target")[0]] = 1e3  # far above all labels of the target
    model.fit(related.data, labels, sample_domain=related.domain)
    assert model.history_["n_labelled"] == [25]
    assert model.history_["best"] == [labels[related.domain == "target"].max()]


def test_rows_without_a_label_are_not_labelled():
    y = np.where(np.arange(40) % 2, Y, np.nan)
    model = ActiveTransfer(Ridge(), committee=3, random_state=0).fit(X, y)
    assert model.history_["n_labelled"] == [20]
    alone = ActiveTransfer(Ridge(), committee=3, random_state=0).fit(X[1::2], Y[1::2])
    np.testing.assert_array_equal(model.predict(POOL, return_std=True), alone.predict(POOL, return_std=True))


def test_data_frames_keep_their_columns():
    table, labels = pd.DataFrame(X, columns=["a", "b"]), pd.DataFrame({"gap": Y, "mass": -Y})
    model = ActiveTransfer(Ridge(), goal="maximize", target="mass", committee=3, random_state=0)
    model.fit(table[:20], labels[:20])
    first = model.suggest(table[20:], n=1)
    assert first["value"][0] == pytest.approx(model.predict(table[20:])[first["position"][0], 1])
    swapped = table[20:][["b", "a"]]
    with pytest.raises(ValueError, match="feature names"):
        model.suggest(swapped)
    model.tell(table[20:22], labels[20:22])
    assert model.history_["n_labelled"] == [20, 22]
    np.testing.assert_allclose(
        model.predict(table), ActiveTransfer(Ridge(), committee=3).fit(table[:22], labels[:22]).predict(table)
    )


def test_the_loop_finds_the_largest_value_of_a_smooth_function_in_few_rounds():
    def height(X):
        return np.sin(5 * X[:, 0]) + np.cos(4 * X[:, 1])

    grid = np.stack(np.meshgrid(*2 * [np.linspace(0, 1, 15)]), -1).reshape(-1, 2)
    start = np.random.default_rng(1).choice(len(grid), 6, replace=False)
    process = GaussianProcessRegressor(RBF(0.3, "fixed"), alpha=1e-6)
    model = ActiveTransfer(process, goal="maximize", n_per_round=2).fit(grid[start], height(grid[start]))
    for _ in range(8):
        rows = model.suggest(grid)["position"]
        model.tell(grid[rows], height(grid[rows]))
    assert model.history_["best"][-1] == height(grid).max()
    model.suggest(grid)
    assert model.stop_


# when to stop -----------------------------------------------------------------------------------------


def test_it_advises_to_stop_when_nothing_can_improve_on_the_best():
    labels = Y + rng.normal(scale=0.1, size=40)
    model = ActiveTransfer(Ridge(1e-3), goal="maximize", committee=6, random_state=0).fit(X, labels)
    assert not model.stop_
    model.suggest(POOL * 0.2)  # values of 0.6 at most; the best label is near 3
    assert model.stop_
    assert "largest expected improvement" in model.reason_
    assert "is below 10 % of the noise" in model.reason_
    model.suggest(POOL + 2.0)  # values far above all labels
    assert not model.stop_
    assert "is above 10 % of the noise" in model.reason_


def test_it_advises_to_stop_after_rounds_without_a_better_label():
    model = ActiveTransfer(Ridge(), goal="maximize", committee=3, patience=2, stop=0.0, random_state=0)
    model.fit(X[:10], Y[:10])
    advice = []
    for _ in range(3):
        model.suggest(POOL)
        advice.append(model.stop_)
        model.tell(np.zeros((2, 2)) + len(advice), [0.0, 0.0])
    assert advice == [False, False, True]
    assert not model.stop_


def test_exploring_stops_when_the_deviation_no_longer_falls():
    model = ActiveTransfer(GaussianProcessRegressor(RBF(0.1, "fixed"), alpha=1e-2), patience=2).fit(
        X[:5], Y[:5]
    )
    far = POOL + 100.0  # nothing is learned of these
    reasons = []
    for _ in range(3):
        model.suggest(far)
        reasons.append(model.reason_)
        stop = model.stop_
        model.tell(X[5:6] + len(reasons), Y[5:6])
    assert reasons[0].startswith("Too early to say")
    assert stop
    assert reasons[-1].startswith("In 2 rounds the candidates' mean standard deviation fell by 0, less than")


# the committee ----------------------------------------------------------------------------------------


def test_the_committee_knows_the_noise():
    draw = np.random.default_rng(1)
    inputs, noise = draw.normal(size=(300, 3)), 0.7
    model = Committee(LinearRegression(), 6, 0)
    labels = inputs @ [1.0, 2.0, 3.0] + noise * draw.normal(size=300)
    model.fit(inputs, labels[:, None], np.arange(300), {})
    _, std = model.predict(draw.normal(size=(50, 3)), return_std=True)
    assert np.median(std) == pytest.approx(noise, rel=0.1)


def test_the_committee_is_less_sure_far_from_its_rows():
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(60, 1))
    model = Committee(LinearRegression(), 6, 0)
    model.fit(inputs, inputs + draw.normal(size=(60, 1)), np.arange(60), {})
    _, std = model.predict(np.array([[0.0], [30.0]]), return_std=True)
    assert std[1] > 1.5 * std[0]


def test_members_miss_a_third_of_the_target_rows_and_no_source_row():
    seen = []

    class Recorder(LinearRegression):
        def fit(self, X, y):
            seen.append(set(X[:, 0].astype(int)))
            return super().fit(X, y)

    rows = np.arange(20.0)[:, None]
    Committee(Recorder(), 6, 0).fit(rows, rows, np.arange(8, 20), {})
    assert seen[0] == set(range(20))
    missed = [set(range(20)) - member for member in seen[1:]]
    assert [len(part) for part in missed] == [4] * 6
    assert not set(range(8)) & set.union(*missed)
    assert all(sum(row in part for part in missed) == 2 for row in range(8, 20))


def test_the_prediction_is_that_of_the_learner_on_all_rows():
    model = ActiveTransfer(KNeighborsRegressor(3), committee=3).fit(X, Y)
    np.testing.assert_array_equal(model.predict(POOL), KNeighborsRegressor(3).fit(X, Y).predict(POOL))


def test_a_learner_with_a_deviation_of_its_own_keeps_it():
    process = GaussianProcessRegressor(RBF(0.5, "fixed"))
    model = ActiveTransfer(process).fit(X, Y)
    np.testing.assert_array_equal(
        model.predict(POOL, return_std=True), process.fit(X, Y).predict(POOL, return_std=True)
    )


def test_without_committee_a_learner_needs_a_deviation_of_its_own():
    with pytest.raises(TypeError, match="Ridge predicts values without a standard deviation"):
        ActiveTransfer(Ridge(), committee=None).fit(X, Y)


def test_too_few_labels_for_a_committee_are_an_error_when_it_is_needed():
    model = ActiveTransfer(Ridge()).fit(X[:2], Y[:2])
    assert model.predict(POOL).shape == (60,)
    with pytest.raises(ValueError, match="at least 3 labelled target rows; there are 2"):
        model.suggest(POOL)
    model.tell(X[2:6], Y[2:6])
    assert len(model.suggest(POOL)) == 5


# errors and other ways in -----------------------------------------------------------------------------


def test_several_target_domains_need_the_domain_of_new_rows(related):
    domain = np.where(
        np.arange(len(related.domain)) % 2 & (related.domain == "target"), "other", related.domain
    )
    model = ActiveTransfer(merge(related), random_state=0)
    model.fit(related.data, related.target, sample_domain=domain)
    new = related.test_data[:2], related.test_target[:2]
    with pytest.raises(ValueError, match="2 target domains.*sample_domain"):
        model.tell(*new)
    assert model.tell(*new, sample_domain=["other", "other"]).history_["n_labelled"] == [25, 27]


def test_a_learner_without_domains_is_told_so():
    with pytest.raises(TypeError, match="Ridge.fit takes no sample_domain: wrap it"):
        ActiveTransfer(Ridge()).fit(X, Y, sample_domain=["a"] * 40)


def test_no_labelled_target_row_is_an_error(related):
    labels = np.where(related.domain == "target", np.nan, related.target)
    with pytest.raises(ValueError, match="No target row has a label"):
        ActiveTransfer(merge(related)).fit(related.data, labels, sample_domain=related.domain)


@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_labels_of_another_shape_are_refused(shape):
    model = ActiveTransfer(Ridge(), committee=3).fit(X, Y)
    with pytest.raises(ValueError, match="y has the shape"):
        model.tell(POOL[:2], np.zeros(shape))


@pytest.mark.parametrize(("label", "message"), [(np.inf, "row 1 of y is inf"), ("high", "Row 1 of y is")])
def test_labels_that_are_no_numbers_are_refused(label, message):
    model = ActiveTransfer(Ridge(), committee=3).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.tell(POOL[:2], [1.0, label])


def test_a_fit_that_fails_leaves_the_loop_as_it_was():
    class Fails(Ridge):
        def fit(self, X, y):
            if len(X) > 40:
                raise RuntimeError("no memory")
            return super().fit(X, y)

    model = ActiveTransfer(Fails(), goal="maximize", committee=3, random_state=0).fit(X, Y)
    before = model.predict(POOL)
    with pytest.raises(RuntimeError, match="no memory"):
        model.tell(POOL[:2], [9.0, 9.0])
    assert model.history_["n_labelled"] == [40]
    np.testing.assert_array_equal(model.predict(POOL), before)
    assert 0 in model.suggest(POOL[:2], n=2)["position"].tolist()  # it has no label


def test_several_targets_need_one_to_be_named_for_a_suggestion():
    model = ActiveTransfer(Ridge(), goal="maximize", committee=3).fit(X, np.c_[Y, -Y])
    with pytest.raises(ValueError, match="y has 2 targets: set the parameter target"):
        model.suggest(POOL)


class Weighted(Ridge):
    """A learner whose weights can be asked for."""

    seen: list = []

    def fit(self, X, y, sample_weight=None):
        Weighted.seen.append(None if sample_weight is None else sample_weight.copy())
        return super().fit(X, y, sample_weight=sample_weight)


def test_metadata_reach_the_learner_with_routing_on():
    Weighted.seen = []
    weight = np.arange(1.0, 41)
    with config_context(enable_metadata_routing=True):
        model = ActiveTransfer(Weighted().set_fit_request(sample_weight=True), committee=3)
        model.fit(X, Y, sample_weight=weight)
        with pytest.raises(TypeError, match="tell needs the same"):
            model.tell(POOL[:2], [0.0, 0.0])
        model.tell(POOL[:2], [0.0, 0.0], sample_weight=[5.0, 6.0])
    np.testing.assert_array_equal(Weighted.seen[0], weight)
    np.testing.assert_array_equal(Weighted.seen[4], [*weight, 5.0, 6.0])
    assert sorted(map(len, Weighted.seen)) == [26, 27, 27, 28, 28, 28, 40, 42]


def test_metadata_are_refused_with_routing_off():
    with pytest.raises(TypeError, match="unknown argument 'sample_weight'"):
        ActiveTransfer(Ridge()).fit(X, Y, sample_weight=np.ones(40))


@pytest.mark.parametrize("routing", [False, True])
def test_domains_reach_the_transfer_estimator(related, routing):
    with config_context(enable_metadata_routing=routing):
        model = ActiveTransfer(merge(related), committee=3, random_state=0)
        model.fit(related.data, related.target, sample_domain=related.domain)
        plain = merge(related, random_state=0)
        plain.fit(related.data, related.target, sample_domain=related.domain)
    np.testing.assert_allclose(model.predict(related.test_data), plain.predict(related.test_data))


def test_the_loop_goes_on_after_saving_and_loading(related, tmp_path):
    model = ActiveTransfer(merge(related), goal="maximize", random_state=0)
    model.fit(related.data, related.target, sample_domain=related.domain)
    skxfer.save(model, tmp_path / "loop.skxfer")
    again = skxfer.load(tmp_path / "loop.skxfer")
    pd.testing.assert_frame_equal(again.suggest(related.test_data), model.suggest(related.test_data))
    new = related.test_data[:3], related.test_target[:3]
    np.testing.assert_array_equal(
        again.tell(*new).predict(related.test_data), model.tell(*new).predict(related.test_data)
    )


def test_formulas_are_read_and_joined():
    formulas = ["NaCl", "KCl", "MgO", "CaO", "LiF", "NaF", "KF", "BaO"]
    learner = make_pipeline(CompositionFeaturizer("fractions"), Ridge())
    model = ActiveTransfer(learner, goal="maximize", committee=3, random_state=0).fit(
        formulas[:6], np.arange(6.0)
    )
    rows = model.suggest(["SrO", "KF", "NaCl"], n=2)["position"]
    assert sorted(rows) == [0, 1]
    model.tell(["KF"], [7.0])
    whole = ActiveTransfer(learner, committee=3, random_state=0).fit([*formulas[:6], "KF"], [*range(6), 7.0])
    np.testing.assert_allclose(model.predict(["BaO"]), whole.predict(["BaO"]))
