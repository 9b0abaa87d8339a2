"""What both doors share: each strategy alone, what was skipped, the table of results and the reason."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge, RidgeCV, SGDRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

from skxfer import FeatureTransfer, HierarchicalTransfer, TransferCV
from skxfer.transfer.strategies import STRATEGIES, Strategy

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
DOMAIN = rng.permutation(np.repeat(["gas", "ether", "water"], [30, 26, 24]))
TARGET = DOMAIN == "water"
y = X @ [1.0, 2.0, 3.0] + np.select([DOMAIN == "gas", DOMAIN == "ether"], [0.5, 2 * X[:, 0]], 0.0)
Y = np.column_stack([y, X @ [0.0, 1.0, 0.0] - (DOMAIN == "gas")])
NEW = rng.normal(size=(30, 3))
SOURCES = ["gas", "ether"]


def rows(*names, labels=y):
    chosen = np.isin(DOMAIN, names)
    return X[chosen], labels[chosen]


def alone(strategy, learner=None, labels=y, **params):
    """HierarchicalTransfer that does nothing but this."""
    model = HierarchicalTransfer(
        Ridge() if learner is None else learner,
        source_domains=SOURCES,
        strategy=strategy,
        guard=False,
        **params,
    )
    return model.fit(X, labels, sample_domain=DOMAIN)


def trained(strategy, learner=None, sources=None, labels=y, **params):
    """TransferCV that does nothing but this."""
    if sources is None:
        sources = [(name, Ridge().fit(*rows(name, labels=labels))) for name in SOURCES]
    model = TransferCV(
        sources, Ridge() if learner is None else learner, strategy=strategy, guard=False, **params
    )
    return model.fit(*rows("water", labels=labels))


# each strategy by hand --------------------------------------------------------------------------------


def test_target_only_ignores_the_sources():
    expected = Ridge().fit(*rows("water")).predict(NEW)
    for model in (alone("target_only"), trained("target_only")):
        np.testing.assert_array_equal(model.predict(NEW), expected)


def test_source_only_is_the_expert_with_the_least_error_for_each_target():
    experts = [Ridge().fit(*rows(name, labels=Y)) for name in SOURCES]
    X_t, Y_t = rows("water", labels=Y)
    best = np.argmin([np.abs(expert.predict(X_t) - Y_t).mean(axis=0) for expert in experts], axis=0)
    assert set(best) == {0, 1}
    expected = np.column_stack([experts[e].predict(NEW)[:, t] for t, e in enumerate(best)])
    for model in (alone("source_only", labels=Y), trained("source_only", labels=Y)):
        np.testing.assert_allclose(model.predict(NEW), expected)


def test_source_only_weighs_rows_and_leaves_missing_labels_out():
    X_t, y_t = rows("water")
    near = {"gas": np.full(24, 1.0), "ether": np.full(24, -1.0)}  # each expert is right on half of the rows
    known = np.where(np.arange(24) % 2, y_t + 1.0, y_t - 1.0)

    class Shifted(RegressorMixin, BaseEstimator):
        def __init__(self, shift=0.0):
            self.shift = shift

        def fit(self, X, y):
            self.fitted_ = True
            return self

        def predict(self, X):
            return X @ [1.0, 2.0, 3.0] + self.shift

    sources = [(name, Shifted(shift[0]).fit(X_t, y_t)) for name, shift in near.items()]
    for weight, shift in [(np.arange(24) % 2 + 0.1, 1.0), (1.1 - np.arange(24) % 2, -1.0)]:
        model = TransferCV(sources, Ridge(), strategy="source_only", guard=False)
        model.fit(X_t, known, sample_weight=weight)
        np.testing.assert_allclose(model.predict(NEW), NEW @ [1.0, 2.0, 3.0] + shift)
        labels = np.where(weight > 0.5, known, np.nan)
        np.testing.assert_allclose(model.fit(X_t, labels).predict(NEW), NEW @ [1.0, 2.0, 3.0] + shift)


def test_merge_is_the_learner_on_all_rows():
    expected = Ridge().fit(*rows("water", "gas", "ether")).predict(NEW)
    np.testing.assert_allclose(alone("merge").predict(NEW), expected)


def test_merge_relevant_leaves_out_source_rows_outside_the_box_of_target_labels():
    X_t, y_t = rows("water")
    width = 0.1 * np.ptp(y_t)
    wide = np.where(TARGET, y, 3 * y)
    kept = (wide >= y_t.min() - width) & (wide <= y_t.max() + width)
    assert 0 < (~kept).sum() < 40
    expected = Ridge().fit(X[kept], wide[kept]).predict(NEW)
    model = alone("merge_relevant", labels=wide, source_filter=0.1)
    np.testing.assert_allclose(model.predict(NEW), expected)


@pytest.mark.parametrize("learner", [Ridge(), KNeighborsRegressor(3)])
def test_frozen_experts_are_a_linear_model_on_experts_and_the_learner_on_the_rest(learner):
    experts = [type(learner)(**learner.get_params()).fit(*rows(name)) for name in SOURCES]
    X_t, y_t = rows("water")
    F, F_new = (np.column_stack([expert.predict(Z) for expert in experts]) for Z in (X_t, NEW))
    scaler = StandardScaler().fit(F)
    head = RidgeCV(np.logspace(-4, 3, 15), alpha_per_target=True).fit(scaler.transform(F), y_t)
    rest = type(learner)(**learner.get_params()).fit(X_t, y_t - head.predict(scaler.transform(F)))
    expected = head.predict(scaler.transform(F_new)) + rest.predict(NEW)
    sources = list(zip(SOURCES, experts, strict=True))
    for model in (alone("frozen_experts", learner), trained("frozen_experts", learner, sources)):
        np.testing.assert_allclose(model.predict(NEW), expected, atol=1e-10)


def test_frozen_features_are_a_new_head_on_all_encoders():
    encoders = [("one", PCA(2).fit(X)), ("other", PCA(1).fit(X**2))]
    expected = FeatureTransfer(encoders).fit(*rows("water")).predict(NEW)
    np.testing.assert_allclose(trained("frozen_features", sources=encoders).predict(NEW), expected)
    model = HierarchicalTransfer(Ridge(), sources=encoders, strategy="frozen_features", guard=False)
    np.testing.assert_allclose(model.fit(*rows("water")).predict(NEW), expected)


def test_fine_tuned_goes_on_from_the_source():
    learner = SGDRegressor(random_state=0, max_iter=20, tol=None)
    source = SGDRegressor(random_state=0, max_iter=20, tol=None, warm_start=True).fit(*rows("gas"))
    given = trained("fine_tuned", learner, source)
    by_rows = HierarchicalTransfer(learner, source_domains=["gas"], strategy="fine_tuned", guard=False)
    by_rows.fit(X[DOMAIN != "ether"], y[DOMAIN != "ether"], sample_domain=DOMAIN[DOMAIN != "ether"])
    before = given.predict(NEW), source.predict(NEW)
    expected = source.fit(*rows("water")).predict(NEW)  # warm_start: it goes on
    np.testing.assert_allclose(before[0], expected)
    np.testing.assert_allclose(by_rows.predict(NEW), expected)
    assert not np.allclose(before[1], expected)


def test_trees_of_each_source_grow_on():
    model = HierarchicalTransfer(RandomForestRegressor(3), source_domains=SOURCES, cv=2, random_state=0)
    model.fit(X, y, sample_domain=DOMAIN)
    assert model.strategies_[-2:] == ["fine_tuned: gas", "fine_tuned: ether"]
    one = alone(["fine_tuned"], RandomForestRegressor(3), random_state=0, cv=2)
    assert one.strategies_ == ["fine_tuned: gas", "fine_tuned: ether"]
    assert {len(forest.estimators_) for forest in one.estimators_.values()} == {6}


def test_every_strategy_says_what_it_is_and_needs():
    for name, kind in STRATEGIES.items():
        assert issubclass(kind, Strategy)
        assert name == getattr(kind, "name", name)
        assert kind.__doc__
        assert kind.uses_source == (name != "target_only")


# skipped ----------------------------------------------------------------------------------------------


def test_each_strategy_either_competes_or_has_a_reason():
    models = [
        HierarchicalTransfer(Ridge()).fit(*rows("water")),
        HierarchicalTransfer(Ridge(), source_domains=SOURCES, cv=2).fit(X, y, sample_domain=DOMAIN),
        HierarchicalTransfer(Ridge(), sources=Ridge().fit(*rows("gas")), cv=2).fit(*rows("water")),
        TransferCV(Ridge().fit(*rows("gas")), cv=2).fit(*rows("water")),
        TransferCV(PCA(2).fit(X), Ridge(), cv=2).fit(*rows("water")),
    ]
    for model in models:
        found = {name.partition(":")[0] for name in (*model.strategies_, *model.skipped_)}
        assert found - {"baseline"} == set(STRATEGIES)
        assert not set(model.strategies_) & set(model.skipped_)
        assert all(len(why) > 10 for why in model.skipped_.values())


def test_reasons_for_skipping():
    skipped = HierarchicalTransfer(Ridge()).fit(*rows("water")).skipped_
    assert skipped["merge"] == "it needs the rows of the sources: set source_domains and pass sample_domain"
    for name in ("source_only", "frozen_experts", "fine_tuned"):
        assert skipped[name] == "there is no source: set sources or source_domains"
    assert skipped["frozen_features"] == "there is no trained source"
    skipped = TransferCV(Ridge().fit(*rows("gas")), SGDRegressor(), cv=2).fit(*rows("water")).skipped_
    assert skipped["fine_tuned"] == "source 'source' is a Ridge, not a SGDRegressor"
    skipped = TransferCV(PCA(2).fit(X), cv=2, candidates=[("mine", Ridge())])
    skipped = skipped.set_params(strategy="auto").fit(*rows("water")).skipped_
    assert skipped["source_only"] == "no source predicts 1 target(s), as y has"


class Fails(Ridge):
    """Cannot learn negative labels."""

    def fit(self, X, y, sample_weight=None):
        if (np.asarray(y) < 0).any():
            raise ArithmeticError("negative labels")
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_strategy_that_fails_is_left_out_with_its_reason(n_jobs):
    model = HierarchicalTransfer(Fails(), source_domains=SOURCES, cv=2, n_jobs=n_jobs, random_state=0)
    with pytest.warns(UserWarning, match="The strategy frozen_experts was left out, as it failed: Arithm"):
        model.fit(X, y - y.min(), sample_domain=DOMAIN)
    assert model.skipped_["frozen_experts"] == "it failed: ArithmeticError: negative labels"
    assert "frozen_experts" not in (*model.strategies_, *model.cv_results_["strategy"])
    assert model.weights_.shape == (1, len(model.strategies_))
    assert {"target_only", "source_only", "merge"} <= set(model.strategies_)


def test_what_fails_without_transfer_or_by_name_is_an_error():
    for params in ({"strategy": "frozen_experts"}, {"strategy": ["target_only", "frozen_experts"]}):
        model = HierarchicalTransfer(Fails(), source_domains=SOURCES, cv=2, **params)
        with pytest.raises(ArithmeticError, match="negative labels") as failure:
            model.fit(X, y - y.min(), sample_domain=DOMAIN)
        assert "the strategy 'frozen_experts' was cross-validated" in failure.value.__notes__[0]
    with pytest.raises(ArithmeticError):
        HierarchicalTransfer(Fails(), source_domains=SOURCES, cv=2).fit(X, y, sample_domain=DOMAIN)


# the table --------------------------------------------------------------------------------------------

COLUMNS = ["target", "strategy", "transfer", "mae", "mae_error", "gain", "gain_error", "weight", "fit_time"]
NAMES = ["target_only", "merge", "frozen_experts"]


def both(labels=y, **params):
    """Both doors, with three strategies each."""
    first = HierarchicalTransfer(
        Ridge(), source_domains=SOURCES, strategy=NAMES, cv=4, random_state=0, **params
    )
    sources = [(name, Ridge().fit(*rows(name, labels=np.asarray(labels)))) for name in SOURCES]
    names = ["target_only", "source_only", "frozen_experts"]
    second = TransferCV(sources, Ridge(), strategy=names, cv=4, random_state=0, **params)
    chosen = labels[TARGET]
    return [first.fit(X, labels, sample_domain=DOMAIN), second.fit(X[TARGET], chosen)]


def test_the_table_has_a_row_for_each_target_and_strategy():
    frame = pd.DataFrame(Y, columns=["energy", "gap"])
    for model in both(frame, predict_on="new_inputs"):
        table = pd.DataFrame(model.cv_results_)
        n_folds = len(table.columns) - len(COLUMNS)
        assert list(table) == [*COLUMNS, *(f"fold{k}_mae" for k in range(n_folds))]
        assert n_folds == 8  # coarse and fine clusters
        assert list(table.target) == ["energy"] * 3 + ["gap"] * 3
        assert list(table.strategy) == 2 * model.strategies_
        assert list(table.transfer) == 2 * [False, True, True]
        np.testing.assert_allclose(np.reshape(table.weight, (2, 3)), model.weights_)
        assert model.target_names_ == ["energy", "gap"]
        assert (table.fit_time > 0).all()
        alone = table.query("strategy == 'target_only'").set_index("target").mae
        np.testing.assert_allclose(table.gain, alone[table.target].to_numpy() - table.mae, atol=1e-12)


# the reason -------------------------------------------------------------------------------------------


def test_both_doors_give_a_sentence_for_each_target():
    for combine in ("best", "blend"):
        for model in both(pd.DataFrame(Y, columns=["energy", "gap"]), combine=combine):
            sentences = model.reason_.splitlines()
            assert [sentence.partition(":")[0] for sentence in sentences] == ["energy", "gap"]
            for sentence, weights in zip(sentences, model.weights_, strict=True):
                for name, share in zip(model.strategies_, weights, strict=True):
                    assert not share or name in sentence
        for model in both(combine=combine):
            assert len(model.reason_.splitlines()) == 1
            assert "mean absolute error" in model.reason_


def test_the_reason_without_a_rival_and_without_transfer():
    lone = "there was no other strategy, so nothing was compared."
    assert alone("merge").reason_ == f"merge: {lone}"
    assert HierarchicalTransfer(Ridge()).fit(*rows("water")).reason_ == f"target_only: {lone}"
    assert TransferCV(estimator=Ridge(), strategy="target_only").fit(*rows("water")).reason_.endswith(lone)
    shuffled = np.where(TARGET, y, rng.permutation(y))
    model = HierarchicalTransfer(Ridge(), source_domains=SOURCES, strategy="merge", cv=4, random_state=0)
    model.fit(X, shuffled, sample_domain=DOMAIN)
    assert model.strategy_ == ["target_only"]
    assert "Transfer is not clearly better: merge, the best with it, has" in model.reason_


# groups -----------------------------------------------------------------------------------------------


class Memory(RegressorMixin, BaseEstimator):
    """Predicts 0 for groups that it has seen, 1 for others; the group is the last column."""

    def fit(self, X, y):
        self.seen_ = set(np.asarray(X)[:, -1])
        return self

    def predict(self, X):
        return np.array([0.0 if group in self.seen_ else 1.0 for group in np.asarray(X)[:, -1]])


@pytest.mark.parametrize("use", ["similar", "new_domains", "new_inputs", "auto"])
@pytest.mark.parametrize("door", ["rows", "trained"])
def test_no_fold_of_any_use_separates_a_group(use, door):
    group = np.random.default_rng(1).permutation(np.repeat(np.arange(24), 3))
    # Members of a group lie apart, and in other domains.
    inputs = np.random.default_rng(2).normal(size=(72, 2)) + 5 * (np.arange(72) % 3)[:, None]
    table = np.column_stack([inputs, group])
    domain = np.array(["a", "b", "c"])[np.arange(72) % 3]
    given = {"sample_domain": domain}
    if door == "trained":
        source = Ridge().fit(table, np.zeros(72))
        model = TransferCV(source, Memory(), strategy=["target_only", "source_only"])
    else:
        model = HierarchicalTransfer(Memory(), source_domains=["s"], strategy=["target_only", "source_only"])
        table, group = np.vstack([table, table[:6] + 100]), np.r_[group, np.arange(100, 106)]
        given = {"sample_domain": np.r_[domain, ["s"] * 6]}
    model.set_params(predict_on=use, cv=3, random_state=0)
    labels = np.ones(len(table))  # the error is the share of held-out rows whose group was in training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        separated = model.fit(table, labels, **given).cv_results_["mae"][0]
        together = model.fit(table, labels, groups=group, **given).cv_results_["mae"][0]
    assert separated > 0.5
    assert together == 0


def test_groups_of_another_length_or_with_a_hole_are_errors():
    for model in (TransferCV(estimator=Ridge()), HierarchicalTransfer(Ridge())):
        with pytest.raises(ValueError, match=r"groups must have one label per row: X has 80 rows"):
            model.fit(X, y, groups=np.arange(79))
        with pytest.raises(ValueError, match="groups has no label in row 3"):
            model.fit(X, y, groups=[None if i == 3 else i for i in range(80)])


# the call ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", [HierarchicalTransfer, TransferCV, FeatureTransfer])
def test_arguments_after_y_have_names(door):
    with pytest.raises(TypeError, match="positional"):
        door(estimator=Ridge()).fit(X, y, DOMAIN)


def test_a_splitter_that_separates_groups_is_used_as_it_is():
    from sklearn.model_selection import GroupKFold, KFold

    class Seen(KFold):
        def split(self, X, y=None, groups=None):
            Seen.groups = groups
            return super().split(X, y, groups)

    group = np.arange(80) // 4
    model = HierarchicalTransfer(Ridge(), source_domains=SOURCES, cv=Seen(3))
    model.fit(X, y, sample_domain=DOMAIN, groups=group)
    np.testing.assert_array_equal(Seen.groups, group[TARGET])
    by_group = HierarchicalTransfer(Ridge(), source_domains=SOURCES, cv=GroupKFold(3)).fit(
        X, y, sample_domain=DOMAIN, groups=group
    )
    assert by_group.predict_on_ is None
