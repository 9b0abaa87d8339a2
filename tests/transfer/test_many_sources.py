"""Many sources: ranked on the target rows, and only the best compete. A limit to what a fit may cost."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVR

from skxfer import HierarchicalTransfer, TransferCV, save
from skxfer.datasets import make_domains
from skxfer.transfer._ranking import best_sources, rank_sources, source_errors

N_NOISE = 14


@pytest.fixture(scope="module")
def crowd():
    """Two sources that help and fourteen of noise: X, y, domain, names of sources, and test rows."""
    data = make_domains(relation="related", n_sources=2, n_target=25, n_source=100, random_state=0)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(40 * N_NOISE, data.data.shape[1]))
    X = np.concatenate([data.data, noise])
    y = np.concatenate([data.target, rng.normal(scale=data.target.std(), size=len(noise))])
    domain = np.concatenate([data.domain, np.repeat([f"noise_{k}" for k in range(N_NOISE)], 40)])
    names = [name for name in np.unique(domain) if name not in ("target", "test")]
    test = domain == "test"
    return X[~test], y[~test], domain[~test], names, (X[test], y[test])


def fitted(crowd, **params):
    X, y, domain, names, _ = crowd
    params = {"random_state": 0, "max_sources": 5} | params
    learner = params.pop("estimator", SVR(C=10))
    return HierarchicalTransfer(learner, source_domains=names, **params).fit(X, y, sample_domain=domain)


def error(model, crowd):
    X, y = crowd[-1]
    return np.abs(model.predict(X) - y).mean()


# the ranking ----------------------------------------------------------------------------------------


def test_errors_are_those_of_lines_that_never_saw_the_row():
    rng = np.random.default_rng(1)
    F, y = rng.normal(size=(9, 2)), rng.normal(size=9)
    weight = rng.uniform(0.5, 2, size=9)
    as_is, on_a_line, mean = source_errors(F, y[:, None], weight)
    for e in range(2):
        residuals, alone = [], []
        for row in range(9):
            rest = np.arange(9) != row
            line = LinearRegression().fit(F[rest, e : e + 1], y[rest], sample_weight=weight[rest])
            residuals.append(y[row] - line.predict(F[[row], e : e + 1])[0])
            alone.append(y[row] - np.average(y[rest], weights=weight[rest]))
        np.testing.assert_allclose(on_a_line[e, 0], np.average(np.abs(residuals), weights=weight))
        np.testing.assert_allclose(mean[0], np.average(np.abs(alone), weights=weight))
        np.testing.assert_allclose(as_is[e, 0], np.average(np.abs(F[:, e] - y), weights=weight))


def test_missing_labels_do_not_count_and_constant_sources_are_as_good_as_the_mean():
    y = np.array([[1.0, np.nan], [2.0, np.nan], [4.0, np.nan], [np.nan, np.nan]])
    F = np.column_stack([np.full((4, 2), 3.0), np.array([1.0, 2.0, 4.0, 9.0]), np.zeros(4)])
    as_is, on_a_line, mean = source_errors(F, y)
    np.testing.assert_allclose(on_a_line[0, 0], mean[0])
    np.testing.assert_allclose([as_is[1, 0], on_a_line[1, 0]], 0, atol=1e-12)
    assert np.isnan(mean[1]) and np.isnan(as_is[:, 1]).all()
    order, score = rank_sources(F, y)
    assert order.tolist() == [1, 0] and score[0] == pytest.approx(0.8)  # 4/3 as it is, 5/3 of the mean


def test_hopeless_sources_are_dropped_only_where_a_good_one_shows_it():
    y = np.linspace(0, 1, 20)[:, None]
    noise = np.random.default_rng(0).normal(size=(20, 6))
    assert best_sources(np.column_stack([noise, y]), y, None, 5).tolist() == [6]
    assert len(best_sources(noise, y, None, 5)) == 5


@pytest.mark.parametrize("scale, shift", [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6)])
def test_the_order_does_not_depend_on_the_unit(scale, shift):
    rng = np.random.default_rng(2)
    F, y = rng.normal(size=(15, 6)), rng.normal(size=(15, 1))
    F[:, 3] = y[:, 0] + 0.1 * F[:, 3]
    expected = rank_sources(F, y)
    found = rank_sources(scale * F + shift, scale * y + shift)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-4)


# in the competition ---------------------------------------------------------------------------------


def test_of_many_sources_the_good_ones_are_found_and_help(crowd):
    model, alone = fitted(crowd), fitted(crowd, strategy="target_only")
    everything = fitted(crowd, max_sources=100)
    ranking = pd.DataFrame(model.source_ranking_)
    assert set(ranking["source"][:2]) == {"source_0", "source_1"}
    assert ranking.set_index("source")["used"].sum() == 2
    assert len(ranking) == 2 + N_NOISE and (ranking["score"].diff().dropna() >= 0).all()
    assert error(model, crowd) < 0.5 * error(alone, crowd)
    assert error(model, crowd) <= 1.02 * error(everything, crowd)


def test_sources_are_ranked_by_the_rows_of_training_alone():
    """Sources and labels of pure noise: were they chosen by all labels, held-out errors would be too low."""
    gains = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(920, 3)), rng.normal(size=920)
        domain = np.repeat([*map(str, range(30)), "target"], [30] * 30 + [20])
        model = HierarchicalTransfer(
            Ridge(),
            source_domains=[*map(str, range(30))],
            strategy=["target_only", "frozen_experts"],
            combine="best",
            guard=False,
            max_sources=3,
            predict_on="similar",
            random_state=0,
        ).fit(X, y, sample_domain=domain)
        results = pd.DataFrame(model.cv_results_).set_index("strategy")
        gains.append(results["gain"]["frozen_experts"] / results["mae"]["target_only"])
    assert np.mean(gains) < 0.02


def test_no_source_is_left_out_where_they_are_few(crowd):
    ranking = pd.DataFrame(fitted(crowd, max_sources=16).source_ranking_)
    assert ranking["used"].all()


def test_a_network_goes_on_from_the_best_source(crowd):
    learner = MLPRegressor(hidden_layer_sizes=(8,), max_iter=150)
    with pytest.warns(Warning):  # it has not converged
        model = fitted(crowd, estimator=learner, strategy="fine_tuned", cv=2, max_sources=2)
    assert model.strategies_ == ["target_only", "fine_tuned"]


def test_a_folder_of_models_is_a_list_of_sources(crowd, tmp_path):
    X, y, domain, names, _ = crowd
    sources = [(name, SVR(C=10).fit(X[domain == name], y[domain == name])) for name in names]
    for name, source in sources:
        save(source, tmp_path / f"{name}.skxfer")
    save(SVR().fit(X[:30, :2], y[:30]), tmp_path / "narrow.skxfer")
    (tmp_path / "notes.txt").write_text("not a model")
    target = domain == "target"
    for kind in (HierarchicalTransfer, TransferCV):
        params = {"estimator": SVR(C=10), "max_sources": 3, "random_state": 0}
        model = clone(kind(sources=tmp_path, **params)).fit(X[target], y[target])
        expected = kind(sources=sources, **params).fit(X[target], y[target])
        np.testing.assert_array_equal(model.predict(X[:9]), expected.predict(X[:9]))
        assert "trained on 2 features" in model.skipped_["source narrow"]
        assert model.source_ranking_ == expected.source_ranking_


def test_a_folder_must_hold_models(tmp_path):
    X, y = np.ones((5, 2)), np.arange(5.0)
    with pytest.raises(ValueError, match="holds no saved model"):
        HierarchicalTransfer(sources=tmp_path).fit(X, y)
    with pytest.raises(NotADirectoryError, match="'gas' is no folder.*go into source_domains"):
        HierarchicalTransfer(sources="gas").fit(X, y)


# budget ---------------------------------------------------------------------------------------------


def test_a_budget_leaves_out_what_costs_most_and_says_so(crowd):
    everything, cheap = fitted(crowd, max_sources=100), fitted(crowd, max_sources=100, budget=100)
    assert "merge" in everything.strategies_ and "merge" not in cheap.strategies_
    assert "the budget of 100" in cheap.skipped_["merge"]
    assert {"target_only", "source_only", "frozen_experts"} <= set(cheap.strategies_)


def test_a_budget_never_leaves_out_the_learner_itself_or_what_is_named(crowd):
    assert fitted(crowd, budget=1e-3).strategies_[0] == "target_only"
    assert fitted(crowd, budget=1e-3, strategy=["merge"]).strategies_ == ["target_only", "merge"]


def test_a_budget_must_be_positive(crowd):
    with pytest.raises(ValueError, match="budget"):
        fitted(crowd, budget=0)


# few rows -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [5, 9, 10])
def test_the_reason_says_how_little_it_rests_on(n_rows):
    data = make_domains(relation="related", n_target=n_rows, random_state=0)
    train = data.domain != "test"
    model = HierarchicalTransfer(Ridge(), source_domains=data.source_domains, random_state=0)
    model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    assert (f"rests on {n_rows} target rows only" in model.reason_) == (n_rows < 10)
