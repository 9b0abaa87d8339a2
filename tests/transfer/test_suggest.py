import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skxfer import CompositionFeaturizer, HierarchicalTransfer, suggest_rows
from skxfer.transfer import NothingLeftError


class Told(RegressorMixin, BaseEstimator):
    """Predicts the first column, with the second as standard deviation, or what it was given."""

    def __init__(self, value=None, std=None):
        self.value = value
        self.std = std

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X, return_std=False):
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        value = np.asarray(X)[:, 0] if self.value is None else np.resize(self.value, n)
        std = np.asarray(X)[:, 1] if self.std is None else np.resize(self.std, n)
        return (value, std) if return_std else value


def positions(*args, **options):
    return suggest_rows(*args, **options)["position"].tolist()


LINE = np.linspace(0, 1, 101)[:, None]


def process(X, y, length=0.2):
    return GaussianProcessRegressor(RBF(length, "fixed")).fit(X, y)


def hill(X):
    return -((X[:, 0] - 0.63) ** 2)


# what is chosen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
def test_the_known_optimum_of_a_hill_comes_first(goal, sign):
    X = np.array([[0.0], [0.2], [0.4], [0.8], [1.0]])
    model = process(X, sign * hill(X))
    table = suggest_rows(model, LINE, n=1, goal=goal, labelled=X, best=sign * hill(X)[3])
    assert LINE[table["position"][0], 0] == pytest.approx(0.63, abs=0.03)


def test_a_value_aimed_at_is_approached_from_both_sides():
    X = np.array([[0.0], [0.5], [1.0]])
    model = process(X, X[:, 0], length=1.0)
    first = suggest_rows(model, LINE, n=1, goal=0.25, labelled=X, best=0.5)["position"][0]
    assert LINE[first, 0] == pytest.approx(0.25, abs=0.05)


def test_exploring_goes_where_a_gaussian_process_knows_least():
    X = np.array([[0.0], [0.2], [1.0]])
    assert LINE[positions(process(X, X[:, 0]), LINE, n=1)[0], 0] == pytest.approx(0.6, abs=0.02)


def test_where_the_model_knows_no_difference_labelled_rows_count_as_known():
    model = Told(value=0.0, std=1.0)
    few = LINE[::10]
    assert positions(model, few, n=2) == [0, 10]
    assert positions(model, few, n=2, labelled=few[:1]) == [10, 5]


def test_rows_of_a_batch_do_not_repeat_each_other():
    # Two hills, the left one higher: without diversity all rows are from it.
    value = np.exp(-(((LINE[:, 0] - 0.2) / 0.1) ** 2)) + 0.9 * np.exp(-(((LINE[:, 0] - 0.8) / 0.1) ** 2))
    model = Told(value=value, std=0.3)
    spread = LINE[positions(model, LINE, n=4, goal="maximize", best=0.8), 0]
    alike = LINE[positions(model, LINE, n=4, goal="maximize", best=0.8, diversity=0), 0]
    assert (spread > 0.5).any()
    assert (np.abs(alike - 0.2) < 0.05).all()


def test_equal_candidates_are_suggested_once():
    X = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0], [1.0, 2.0]])
    with pytest.warns(UserWarning, match="only 2 different candidates"):
        assert positions(Told(), X, n=3, goal="maximize", best=0.0) == [0, 2]


def test_candidates_that_have_a_label_are_left_out():
    X = np.array([[5.0, 1.0], [4.0, 1.0], [3.0, 1.0]])
    assert positions(Told(), X, n=2, goal="maximize", labelled=X[:1]) == [1, 2]
    with pytest.raises(NothingLeftError, match="Every candidate equals a row that has a label"):
        suggest_rows(Told(), X, goal="maximize", labelled=X[::-1])


def test_more_rows_than_candidates_are_all_of_them_with_a_warning():
    with pytest.warns(UserWarning, match="n is 10, but only 3 different candidates"):
        assert sorted(positions(Told(), np.eye(3), n=10)) == [0, 1, 2]


def test_without_best_the_improvement_is_over_the_best_prediction():
    X = np.array([[1.0, 0.5], [3.0, 0.5], [2.0, 0.5]])
    table = suggest_rows(Told(), X, n=1, goal="maximize")
    assert table["score"][0] == pytest.approx(0.5 / np.sqrt(2 * np.pi))  # of a value that equals the best
    table = suggest_rows(Told(), X[:2], n=1, goal="maximize", labelled=X[2:])
    assert "above 2." in table["reason"][0]


def test_the_table_gives_value_deviation_score_and_reason():
    table = suggest_rows(Told(), np.array([[1.0, 0.5], [3.0, 0.25]]), n=2, goal="maximize", best=2.5)
    assert list(table) == ["position", "value", "std", "score", "reason"]
    assert table.loc[0, ["position", "value", "std"]].tolist() == [1, 3.0, 0.25]
    assert table["reason"][0].startswith(
        "Expected improvement 0.502: predicted 3 ± 0.25, with a chance of 98 %"
    )
    table = suggest_rows(Told(), np.array([[1.0, 0.5], [3.0, 0.25]]), n=1)
    assert table["reason"][0] == "Most uncertain: its standard deviation, 0.5, is the largest."


def test_one_of_several_targets_is_meant():
    class Both(Told):
        target_names_ = ("gap", "energy")

        def predict(self, X, return_std=False):
            return np.c_[X[:, 0], -X[:, 0]], np.ones((len(X), 2))

    X = np.array([[1.0], [2.0], [3.0]])
    assert positions(Both(), X, n=1, goal="maximize", target="gap") == [2]
    assert positions(Both(), X, n=1, goal="maximize", target=1) == [0]
    with pytest.raises(ValueError, match="predicts 2 targets: say which"):
        suggest_rows(Both(), X, n=1)
    with pytest.raises(ValueError, match=r"no target 'mass'; the model predicts \['gap', 'energy'\]"):
        suggest_rows(Both(), X, n=1, target="mass")
    with pytest.raises(ValueError, match="no target 2: the model predicts 2"):
        suggest_rows(Both(), X, n=1, target=2)


def test_targets_may_have_no_names():
    class Nameless(Told):
        target_names_ = None

    assert positions(Nameless(0.0, 1.0), np.eye(2), n=1, target=0) == [0]
    with pytest.raises(ValueError, match="no target 'gap'; the model predicts targets without names"):
        suggest_rows(Nameless(0.0, 1.0), np.eye(2), target="gap")


def test_many_candidates_are_predicted_in_parts(monkeypatch):
    sizes = []

    class Counted(Told):
        def predict(self, X, return_std=False):
            sizes.append(len(X))
            return super().predict(X, return_std)

    X = np.c_[np.arange(120_000.0), np.ones(120_000)]
    assert positions(Counted(), X, n=2, goal="maximize", diversity=0.1)[0] == 119_999
    assert max(sizes) <= 50_000
    assert sum(sizes) == 120_000


# inputs of all kinds ----------------------------------------------------------------------------------


def test_rows_that_differ_in_a_category_alone_are_different():
    table = pd.DataFrame({"metal": ["Cu", "Ag", "Au"], "T": [300.0, 300.0, 300.0]})
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["metal"])), BayesianRidge())
    model.fit(table, [1.0, 2.0, 3.0])
    assert len(suggest_rows(model, table, n=3)) == 3
    assert len(suggest_rows(Told(0.0, 1.0), table, n=3)) == 3  # no pipeline shows how to compare them


def test_formulas_and_sparse_tables_have_distances():
    formulas = ["NaCl", "ClNa", "KCl", "MgO"]
    model = make_pipeline(CompositionFeaturizer("fractions"), BayesianRidge()).fit(
        formulas, [1.0, 1.0, 2.0, 3.0]
    )
    for fitted in (model, Told(0.0, 1.0)):
        with pytest.warns(UserWarning, match="only 3 different"):
            assert set(positions(fitted, formulas, n=4)) == {0, 2, 3}
    with pytest.warns(UserWarning, match="only 2 different"):
        assert positions(Told(0.0, 1.0), sparse.csr_array([[1.0, 0], [1.0, 0], [0, 2.0]]), n=3) == [0, 2]


def test_a_transfer_model_is_asked_through_its_pipeline(related):
    learner = make_pipeline(StandardScaler(), Ridge())
    model = HierarchicalTransfer(learner, source_domains=related.source_domains, random_state=0, cv=3)
    model.fit(related.data, related.target, sample_domain=related.domain)
    table = suggest_rows(model, related.test_data, n=5, goal="minimize")
    value, std = model.predict(related.test_data[table["position"]], return_std=True)
    np.testing.assert_allclose(table["value"], value)
    np.testing.assert_allclose(table["std"], std)


def test_features_may_be_given():
    X = np.c_[np.arange(4.0), np.ones(4)]
    same = np.array([[0.0], [0.0], [1.0], [1.0]])
    with pytest.warns(UserWarning, match="only 2 different"):
        assert positions(Told(), X, n=4, goal="maximize", best=0.0, features=same) == [3, 1]
    assert len(suggest_rows(Told(), X, n=4, features=StandardScaler())) == 4
    with pytest.raises(ValueError, match="features must have one row for each of the 4 candidates"):
        suggest_rows(Told(), X, features=same[:2])
    with pytest.raises(ValueError, match="pass a transformer"):
        suggest_rows(Told(), X, features=same, labelled=X)


def test_missing_values_do_not_hide_a_candidate():
    X = np.array([[1.0, 1.0, np.nan], [2.0, 1.0, 0.0], [3.0, 1.0, 5.0]])
    assert len(suggest_rows(Told(), X, n=3)) == 3


# errors -----------------------------------------------------------------------------------------------


def test_a_model_without_standard_deviation_is_a_clear_error():
    model = Ridge().fit(LINE, LINE[:, 0])
    with pytest.raises(TypeError, match="Ridge predicts values without a standard deviation"):
        suggest_rows(model, LINE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal": "most"}, "goal must be 'explore', 'maximize', 'minimize' or a finite number, got 'most'"),
        ({"goal": np.nan}, "goal must be"),
        ({"goal": True}, "goal must be"),
        ({"n": 0}, "n must be a whole number"),
        ({"diversity": -1}, "diversity must be a number from 0 on"),
        ({"goal": "maximize", "best": np.inf}, "best must be a finite number"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        suggest_rows(Told(), np.eye(3), **options)


def test_no_candidate_is_an_error():
    with pytest.raises(ValueError, match="0 candidates"):
        suggest_rows(Told(), np.empty((0, 2)))
