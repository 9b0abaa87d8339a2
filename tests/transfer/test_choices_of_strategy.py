"""How HierarchicalTransfer chooses: guard, blend, folds like the use, and how sure it is."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, Ridge, RidgeCV
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, PredefinedSplit, ShuffleSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, folds
from skxfer.choice import N_BAGS, SMALLEST_SHARE
from skxfer.datasets import make_domains
from skxfer.model_selection import TargetKFold

SEEDS = range(6)
# Strategies that `ridge_folds` computes by hand.
THREE = ["target_only", "frozen_experts", "merge"]


def split(problem):
    test = problem.domain == "test"
    train = (problem.data[~test], problem.target[~test], problem.domain[~test])
    return train, problem.data[test], problem.target[test]


def fitted(problem, learner, **params):
    (X, y, domain), _, _ = split(problem)
    params = {"source_domains": problem.source_domains, "random_state": 0} | params
    return HierarchicalTransfer(learner, **params).fit(X, y, sample_domain=domain)


def errors(relation, learner, seed, **params):
    """Test errors with transfer and of the learner on target rows alone, and the model."""
    problem = make_domains(200, 25, 300, 3, relation=relation, random_state=seed)
    (X, y, domain), X_test, y_test = split(problem)
    model = fitted(problem, learner, **params)
    alone = learner.fit(X[domain == "target"], y[domain == "target"])
    return *(np.abs(m.predict(X_test) - y_test).mean() for m in (model, alone)), model


# the guard ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relation", ["unrelated", "adversarial"])
@pytest.mark.parametrize("learner", [SVR(C=10), KNeighborsRegressor(3)], ids=["SVR", "KNN"])
def test_a_source_that_misleads_does_no_harm(relation, learner):
    ratios = []
    for seed in SEEDS:
        transfer, alone, _ = errors(relation, learner, seed)
        ratios.append(transfer / alone)
    assert np.median(ratios) <= 1.02
    assert np.mean(ratios) <= 1.1


@pytest.mark.parametrize("learner", [SVR(C=10), KNeighborsRegressor(3)], ids=["SVR", "KNN"])
def test_a_source_of_the_same_function_is_used(learner):
    for seed in SEEDS:
        transfer, alone, model = errors("identical", learner, seed)
        assert model.strategy_ != ["target_only"]
        assert model.transfer_gain_[0] > 0.2
        assert transfer < 0.8 * alone


def test_without_the_guard_a_misleading_source_may_do_harm():
    ratios = []
    for seed in SEEDS:
        transfer, alone, _ = errors("adversarial", SVR(C=10), seed, strategy="merge", guard=False)
        ratios.append(transfer / alone)
    assert np.median(ratios) > 1.25


@pytest.mark.parametrize("strategy", ["source_only", "frozen_experts", "merge"])
def test_the_guard_replaces_a_fixed_strategy_that_misleads(strategy):
    problem = make_domains(200, 25, 100, 3, relation=-1.0, random_state=0)
    (X, y, domain), X_test, _ = split(problem)
    domain, y = domain.copy(), y.copy()
    y[domain == "source_0"] = np.random.default_rng(0).permutation(y[domain == "source_0"])
    model = HierarchicalTransfer(KNeighborsRegressor(3), source_domains=["source_0"], strategy=strategy, cv=3)
    model.set_params(random_state=0).fit(X, y, sample_domain=domain)
    assert model.strategy_ == ["target_only"]
    assert model.transfer_gain_ == [0.0]
    expected = KNeighborsRegressor(3).fit(X[domain == "target"], y[domain == "target"]).predict(X_test)
    np.testing.assert_array_equal(model.predict(X_test), expected)


def test_each_target_has_its_own_choice():
    """The source knows the first target and has nothing but noise for the second."""
    ratios, gains = [], []
    for seed in SEEDS:
        problem = make_domains(300, 30, 300, 3, 2, relation="identical", random_state=seed)
        (X, Y, domain), X_test, Y_test = split(problem)
        source = domain == "source_0"
        Y = Y.copy()
        Y[source, 1] = np.random.default_rng(0).permutation(Y[source, 1])
        names = ["target_only", "frozen_experts", "merge_relevant"]
        model = HierarchicalTransfer(SVR(C=10), source_domains=["source_0"], strategy=names, random_state=0)
        model.fit(X, Y, sample_domain=domain)
        alone = np.column_stack([SVR(C=10).fit(X[~source], y).predict(X_test) for y in Y[~source].T])
        errors = [np.abs(P - Y_test).mean(axis=0) for P in (model.predict(X_test), alone)]
        ratios.append(errors[0] / errors[1])
        gains.append(model.transfer_gain_)
        assert model.strategy_[0] != "target_only"
    assert np.median(ratios, axis=0)[0] < 0.6
    assert np.median(ratios, axis=0)[1] < 1.02
    assert np.median(gains, axis=0)[0] > 0.4
    assert np.median(gains, axis=0)[1] < 0.05


# what is measured in cross-validation, by hand ------------------------------------------------------


def ridge_folds(problem, cv):
    """Out-of-fold predictions of the target rows by the three strategies, and their labels."""
    (X, y, domain), _, _ = split(problem)
    S, y_S = X[domain == "source_0"], y[domain == "source_0"]
    T, y_T = X[domain == "target"], y[domain == "target"]
    expert = Ridge().fit(S, y_S)
    P = []
    for train, held in cv.split(T):
        scaler = StandardScaler().fit(expert.predict(T[train])[:, None])
        F, F_held = (scaler.transform(expert.predict(Z)[:, None]) for Z in (T[train], T[held]))
        head = RidgeCV(np.logspace(-4, 3, 15), alpha_per_target=True).fit(F, y_T[train])
        rest = Ridge().fit(T[train], y_T[train] - head.predict(F))
        merged = Ridge().fit(np.vstack([S, T[train]]), np.r_[y_S, y_T[train]])
        P.append(
            np.column_stack(
                [
                    Ridge().fit(T[train], y_T[train]).predict(T[held]),
                    head.predict(F_held) + rest.predict(T[held]),
                    merged.predict(T[held]),
                ]
            )
        )
    return np.vstack(P), np.concatenate([y_T[held] for _, held in cv.split(T)])


PROBLEM = make_domains(100, 24, 50, 3, relation=0.9, random_state=0)
FOLDS = KFold(4)


def test_cross_validated_errors_are_those_of_a_loop():
    P, y = ridge_folds(PROBLEM, FOLDS)
    model = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy=THREE)
    assert model.strategies_ == model.cv_results_["strategy"] == THREE
    np.testing.assert_allclose(model.cv_results_["mae"], np.abs(P - y[:, None]).mean(axis=0))


def least_squares(P, y):
    """Shares with the least squared error, by a solver of another kind."""
    found = minimize(
        lambda w: ((P @ w - y) ** 2).mean(),
        np.full(P.shape[1], 1 / P.shape[1]),
        bounds=[(0, 1)] * P.shape[1],
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    return found.x


def steady_blend(sets):
    """Half the least squares, half the best strategy: means over draws of the folds, without small shares."""
    rng = np.random.default_rng(0)
    total = 0
    for _ in range(N_BAGS):
        drawn = []
        for P, y, fold in sets:
            numbers = rng.choice(np.unique(fold), len(np.unique(fold)))
            rows = np.concatenate([np.flatnonzero(fold == k) for k in numbers])
            drawn.append((P[rows], y[rows]))
        errors = np.concatenate([np.abs(P - y[:, None]) for P, y in drawn]).mean(axis=0)
        total = total + np.mean([least_squares(*each) for each in drawn], axis=0)
        total[errors.argmin()] += 1
    shares = total / total.sum()
    shares = np.where(shares < min(SMALLEST_SHARE, shares.max()), 0, shares)
    return shares / shares.sum()


def fold_numbers(P):
    return np.repeat(np.arange(FOLDS.get_n_splits()), [len(held) for _, held in FOLDS.split(P)])


def blend_by_other_folds(P, y):
    """Shares for each row from the folds without it, and the blend."""
    fold, shares = fold_numbers(P), np.empty(P.shape)
    for k in np.unique(fold):
        others = fold != k
        shares[~others] = steady_blend([(P[others], y[others], fold[others])])
    return shares, (P * shares).sum(axis=1)


def test_gain_is_judged_on_rows_that_did_not_choose_the_blend():
    P, y = ridge_folds(PROBLEM, FOLDS)
    model = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy=THREE, guard=False)
    _, blend = blend_by_other_folds(P, y)
    training = 1 - np.bincount(fold_numbers(P))[fold_numbers(P)] / len(y)
    expected = 1 - np.abs(blend - y).mean() / (np.abs(P[:, 0] - y) * np.sqrt(training)).mean()
    assert abs(expected) > 0.01
    np.testing.assert_allclose(model.transfer_gain_, expected, rtol=1e-3)


def test_the_blend_is_half_least_squares_half_the_best_over_draws_of_the_folds():
    P, y = ridge_folds(PROBLEM, FOLDS)
    weights = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy=THREE, guard=False).weights_[0]
    np.testing.assert_allclose(weights, steady_blend([(P, y, fold_numbers(P))]), atol=1e-4)
    assert (weights > 0).sum() > 1


@pytest.mark.parametrize(("strategy", "column"), [("frozen_experts", 1), ("merge", 2)])
def test_a_fixed_strategy_is_compared_with_the_target_alone(strategy, column):
    P, y = ridge_folds(PROBLEM, FOLDS)
    model = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy=strategy)
    assert model.strategies_ == ["target_only", strategy]
    np.testing.assert_allclose(model.cv_results_["mae"], np.abs(P[:, [0, column]] - y[:, None]).mean(axis=0))
    gain = np.abs(P[:, 0] - y) - np.abs(P[:, column] - y)
    by_fold = gain.reshape(4, 6).mean(axis=1)
    clear = gain.mean() > by_fold.std(ddof=1) / 2
    assert model.strategy_ == [strategy if clear else "target_only"]


def test_sets_of_folds_count_alike(monkeypatch):
    """New inputs may be more or less new: coarse and fine clusters."""
    sets = [np.arange(24) % 3, np.arange(24) // 6]
    monkeypatch.setattr(folds, "folds_like_the_use", lambda *args: sets)
    options = {"strategy": THREE, "guard": False}
    weights = fitted(PROBLEM, Ridge(), predict_on="new_inputs", **options).weights_[0]
    evidence = []
    for fold in sets:
        P, y = ridge_folds(PROBLEM, PredefinedSplit(fold))
        evidence.append((P, y, np.sort(fold)))
    np.testing.assert_allclose(weights, steady_blend(evidence), atol=1e-4)
    alone = [fitted(PROBLEM, Ridge(), cv=PredefinedSplit(fold), **options).weights_[0] for fold in sets]
    assert not np.allclose(*alone, atol=0.01)


def test_a_fixed_strategy_without_a_guard_has_all_weight_and_no_gain_to_tell():
    model = fitted(PROBLEM, Ridge(), strategy="frozen_experts", guard=False)
    np.testing.assert_array_equal(model.weights_, [[1.0]])
    assert np.isnan(model.transfer_gain_).all()
    assert "mae" not in model.cv_results_
    assert model.reason_ == "frozen_experts: there was no other strategy, so nothing was compared."


def test_without_source_rows_merged_training_does_not_compete():
    (X, y, domain), _, _ = split(PROBLEM)
    source = domain == "source_0"
    model = HierarchicalTransfer(Ridge(), sources=[("gas", Ridge().fit(X[source], y[source]))], cv=3)
    assert model.fit(X[~source], y[~source]).strategies_ == ["target_only", "source_only", "frozen_experts"]
    for name in ("merge", "merge_relevant"):
        assert model.skipped_[name].startswith("it needs the rows of the sources")


@pytest.mark.filterwarnings("error")
def test_a_target_with_one_label_proves_no_gain():
    (X, y, domain), _, _ = split(PROBLEM)
    Y = np.column_stack([y, y])
    Y[np.flatnonzero(domain == "target")[1:], 1] = np.nan
    model = HierarchicalTransfer(Ridge(), source_domains=["source_0"], cv=3, random_state=0)
    model.fit(X, Y, sample_domain=domain)
    assert model.strategy_[1] == "target_only"
    assert np.isfinite(model.predict(X)).all()


def test_a_target_that_no_held_out_row_has_is_an_error():
    (X, y, domain), _, _ = split(PROBLEM)
    Y = np.column_stack([y, y])
    target = np.flatnonzero(domain == "target")
    Y[target[12:], 1] = np.nan
    model = HierarchicalTransfer(Ridge(), source_domains=["source_0"], cv=[(range(12), range(12, 24))])
    with pytest.raises(ValueError, match="No row that cv holds out has a label of target 1"):
        model.fit(X, Y, sample_domain=domain)


# folds ----------------------------------------------------------------------------------------------


def several_target_domains(n_domains=4, per_domain=10, seed=0):
    rng = np.random.default_rng(seed)
    structures = rng.normal(size=(per_domain, 2))
    X = np.vstack([np.c_[structures, np.full(per_domain, float(d))] for d in range(n_domains + 1)])
    domain = np.repeat([f"solvent {d}" for d in range(n_domains + 1)], per_domain)
    return X, X.sum(axis=1) + 0.1 * rng.normal(size=len(X)), domain


class Recording(KFold):
    """Folds that keep what they were asked for."""

    def split(self, X, y=None, groups=None):
        Recording.seen = (X, y, groups)
        return super().split(X, y, groups)


def test_similar_rows_and_new_inputs_count_alike_by_default():
    assert fitted(PROBLEM, Ridge()).predict_on_ == "similar or new_inputs"


@pytest.mark.parametrize("use", ["similar", "new_domains", "new_inputs"])
def test_the_use_may_be_named(use):
    X, y, domain = several_target_domains()
    model = HierarchicalTransfer(
        Ridge(), source_domains=["solvent 0"], predict_on=use, cv=3, random_state=0
    ).fit(X, y, sample_domain=domain)
    assert model.predict_on_ == use


def test_folds_of_new_domains_are_those_of_leaving_each_domain_out():
    X, y, domain = several_target_domains()
    model = HierarchicalTransfer(
        KNeighborsRegressor(2), source_domains=["solvent 0"], strategy="merge"
    ).set_params(predict_on="new_domains", cv=4, random_state=0)
    model.fit(X, y, sample_domain=domain)
    source, target = np.flatnonzero(domain == "solvent 0"), np.flatnonzero(domain != "solvent 0")
    alone, merged = [], []
    for train, held in LeaveOneGroupOut().split(target, groups=domain[target]):
        train, held = target[train], target[held]
        for found, known in ((alone, train), (merged, np.r_[source, train])):
            found.append(np.abs(KNeighborsRegressor(2).fit(X[known], y[known]).predict(X[held]) - y[held]))
    np.testing.assert_allclose(model.cv_results_["mae"], [np.mean(alone), np.mean(merged)])


@pytest.mark.parametrize(
    ("deploy", "use"),
    [
        (lambda X, rng: X[rng.integers(len(X), size=60)] + 0.02 * rng.normal(size=(60, 3)), "similar"),
        (lambda X, rng: X[:10] + [0, 0, 5.0], "new_domains"),
        (lambda X, rng: rng.normal(size=(60, 3)) + [40, -40, 0], "new_inputs"),
    ],
    ids=["the same again", "a further solvent", "far away"],
)
def test_inputs_to_be_predicted_say_what_the_use_is(deploy, use):
    X, y, domain = several_target_domains(5, 12)
    model = HierarchicalTransfer(Ridge(), source_domains=["solvent 0"], cv=5, random_state=0)
    model.fit(X, y, sample_domain=domain, X_deploy=deploy(X[12:], np.random.default_rng(0)))
    assert model.predict_on_ == use


@pytest.mark.filterwarnings("error")
def test_structures_repeated_in_every_domain_make_no_noise():
    X, y, domain = several_target_domains(5, 12)
    HierarchicalTransfer(Ridge(), source_domains=["solvent 0"], cv=KFold(3)).fit(X, y, sample_domain=domain)
    HierarchicalTransfer(Ridge(), source_domains=["solvent 0"], cv=5).fit(X, y, sample_domain=domain)


def test_interpolation_is_never_taken_for_new_inputs():
    rng = np.random.default_rng(0)
    X, domain = rng.normal(size=(120, 3)), np.repeat(["source", "target"], 60)
    model = HierarchicalTransfer(Ridge(), source_domains=["source"], random_state=0)
    model.fit(X, X[:, 0], sample_domain=domain, X_deploy=rng.normal(size=(200, 3)))
    assert model.predict_on_ == "similar"


def test_a_named_use_is_not_overruled_by_the_inputs():
    X, y, domain = several_target_domains()
    model = HierarchicalTransfer(Ridge(), source_domains=["solvent 0"], predict_on="similar", random_state=0)
    assert model.fit(X, y, sample_domain=domain, X_deploy=X + 100).predict_on_ == "similar"


@pytest.mark.parametrize(
    "cv",
    [KFold(3), ShuffleSplit(3, random_state=0), TargetKFold(3), [(np.arange(12), np.arange(12, 24))], None],
)
def test_a_splitter_is_used_in_place_of_the_use(cv):
    model = fitted(PROBLEM, Ridge(), cv=cv)
    assert model.predict_on_ is None
    assert np.isfinite(model.cv_results_["mae"]).all()


def test_a_splitter_sees_target_rows_and_their_domains():
    X, y, domain = several_target_domains()
    HierarchicalTransfer(Ridge(), source_domains=["solvent 0"], cv=Recording(3)).fit(
        X, y, sample_domain=domain
    )
    target = domain != "solvent 0"
    np.testing.assert_array_equal(Recording.seen[0], X[target])
    np.testing.assert_array_equal(Recording.seen[2], domain[target])


def test_a_splitter_of_groups_leaves_target_domains_out():
    X, y, domain = several_target_domains()
    options = {"source_domains": ["solvent 0"], "random_state": 0}
    by_group = HierarchicalTransfer(Ridge(), cv=GroupKFold(4), **options).fit(X, y, sample_domain=domain)
    by_use = HierarchicalTransfer(Ridge(), cv=4, predict_on="new_domains", **options)
    by_use.fit(X, y, sample_domain=domain)
    np.testing.assert_allclose(by_group.cv_results_["mae"], by_use.cv_results_["mae"])


# how sure it is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_targets", [1, 2])
def test_deviations_have_the_shape_of_predictions_and_are_positive(n_targets):
    problem = make_domains(80, 25, 30, 3, n_targets, random_state=0)
    mean, std = fitted(problem, SVR(C=10), cv=3).predict(split(problem)[1], return_std=True)
    assert mean.shape == std.shape == ((30,) if n_targets == 1 else (30, 2))
    assert (std > 0).all()


def test_predictions_are_the_same_with_deviations():
    model = fitted(PROBLEM, SVR(C=10), cv=3)
    X = split(PROBLEM)[1]
    np.testing.assert_array_equal(model.predict(X, return_std=True)[0], model.predict(X))


@pytest.mark.parametrize("relation", ["identical", "related", "unrelated"])
def test_deviations_cover_the_errors(relation):
    """Of normal errors 68 % lie within one deviation and 95 % within two; folds of new inputs are harder."""
    within_one, within_two = [], []
    for seed in SEEDS:
        problem = make_domains(200, 40, 300, 3, relation=relation, random_state=seed)
        _, X, y = split(problem)
        mean, std = fitted(problem, SVR(C=10), predict_on="similar").predict(X, return_std=True)
        within_one.append((np.abs(mean - y) < std).mean())
        within_two.append((np.abs(mean - y) < 2 * std).mean())
    assert 0.5 < np.mean(within_one) < 0.9
    assert 0.85 < np.mean(within_two) <= 1.0


def test_deviation_of_one_strategy_is_its_root_mean_squared_error():
    model = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy="merge")
    P, y = ridge_folds(PROBLEM, FOLDS)
    chosen = {"target_only": 0, "merge": 2}[model.strategy_[0]]
    _, std = model.predict(split(PROBLEM)[1], return_std=True)
    np.testing.assert_allclose(std, np.sqrt(((P[:, chosen] - y) ** 2).mean()))


def test_deviation_is_fitted_to_the_squared_errors_by_the_disagreement_of_the_strategies():
    P, y = ridge_folds(PROBLEM, FOLDS)
    model = fitted(PROBLEM, Ridge(), cv=FOLDS, strategy=THREE, guard=False)
    shares, blend = blend_by_other_folds(P, y)
    weights = model.weights_[0]
    _, X, _ = split(PROBLEM)
    parts = np.column_stack(
        [fitted(PROBLEM, Ridge(), strategy=name, guard=False).predict(X) for name in model.strategies_]
    )
    spread = (shares * (P - blend[:, None]) ** 2).sum(axis=1)
    spread_new = ((parts - (parts @ weights)[:, None]) ** 2) @ weights
    line = LinearRegression(positive=True).fit(spread[:, None], (blend - y) ** 2)
    assert line.intercept_ > 0
    _, std = model.predict(X, return_std=True)
    np.testing.assert_allclose(std, np.sqrt(line.predict(spread_new[:, None])), rtol=1e-3)


def test_deviation_is_larger_where_the_strategies_disagree():
    ranges = []
    for seed in SEEDS:
        problem = make_domains(200, 40, 300, 3, relation=0.9, random_state=seed)
        model = fitted(problem, SVR(C=10), strategy=THREE, guard=False)
        _, X, _ = split(problem)
        parts = [
            fitted(problem, SVR(C=10), strategy=name, guard=False).predict(X) for name in model.strategies_
        ]
        weights = model.weights_[0]
        spread = np.einsum("s,sn->n", weights, (np.array(parts) - weights @ parts) ** 2)
        _, std = model.predict(X, return_std=True)
        assert (np.diff(std[np.argsort(spread)]) >= -1e-12).all()
        ranges.append(std.max() / std.min())
    assert max(ranges) > 1.5


@pytest.mark.parametrize(
    "params",
    [{"strategy": "frozen_experts", "guard": False}, {"strategy": "target_only"}, {"source_domains": None}],
)
def test_deviations_need_cross_validation(params):
    (X, y, domain), _, _ = split(PROBLEM)
    model = HierarchicalTransfer(Ridge(), **{"source_domains": ["source_0"], **params})
    model.fit(X, y, sample_domain=None if params.get("source_domains", 0) is None else domain)
    with pytest.raises(
        ValueError, match="return_std needs a fit with cross-validation: guard=True or more than one strategy"
    ):
        model.predict(X, return_std=True)
