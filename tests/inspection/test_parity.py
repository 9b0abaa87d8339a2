"""Parity plots: what is drawn, and what is counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import BayesianRidge, LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from skxfer.inspection import ParityDisplay  # noqa: E402
from skxfer.inspection._queries import predict_with_std  # noqa: E402


def problem(n=40):
    rng = np.random.default_rng(0)
    y = rng.normal(size=n)
    return y, y + 0.1 * rng.normal(size=n), rng.uniform(0.05, 0.2, size=n)


def points(ax):
    """The offsets of the one scatter that is drawn."""
    (scatter,) = [c for c in ax.collections if hasattr(c, "get_sizes") and len(c.get_sizes())]
    return scatter


def test_the_points_are_the_predictions_and_scores_those_of_scikit_learn():
    y, p, _ = problem()
    display = ParityDisplay.from_predictions(y, p)
    np.testing.assert_allclose(points(display.ax_).get_offsets(), np.c_[y, p])
    scores = display.scores_.loc["y"]
    expected = mean_absolute_error(y, p), root_mean_squared_error(y, p), r2_score(y, p), len(y)
    np.testing.assert_allclose(scores[["mae", "rmse", "r2", "n"]].astype(float), expected)


def test_the_legend_has_scores_with_the_unit():
    display = ParityDisplay.from_predictions([1.0, 3.0], [1.5, 3.0], target_units="eV")
    lines = display.ax_.get_legend().get_texts()[0].get_text().splitlines()
    assert lines == ["MAE 0.25 eV", "RMSE 0.354 eV", "R² 0.875", "2 rows"]


def test_rows_without_a_label_are_counted_and_not_drawn():
    y, p, s = problem()
    y[:3] = np.nan
    display = ParityDisplay.from_predictions(y, p, y_std=s)
    assert display.scores_.loc["y", ["n", "n_missing"]].tolist() == [37, 3]
    np.testing.assert_allclose(points(display.ax_).get_offsets(), np.c_[y, p][3:])
    assert "37 rows, 3 without label" in display.ax_.get_legend().get_texts()[0].get_text()


def test_bars_are_one_standard_deviation_to_both_sides():
    y, p, s = problem()
    display = ParityDisplay.from_predictions(y, p, y_std=s)
    segments = np.array(display.ax_.containers[0][2][0].get_segments())
    np.testing.assert_allclose(segments[:, :, 1], np.c_[p - s, p + s])


def test_many_rows_are_coloured_by_their_standard_deviation():
    y, p, s = problem(400)
    display = ParityDisplay.from_predictions(y, p, y_std=s)
    assert not display.ax_.containers
    np.testing.assert_allclose(points(display.ax_).get_array(), np.sort(s))
    np.testing.assert_allclose(points(display.ax_).get_offsets(), np.c_[y, p][np.argsort(s)])


def test_coverage_is_the_share_of_errors_within_the_standard_deviations():
    display = ParityDisplay.from_predictions(np.zeros(4), [0.5, 1.5, 2.5, 0.1], y_std=np.ones(4))
    np.testing.assert_allclose(display.scores_.loc["y", ["within_1std", "within_2std"]], [0.5, 0.75])


def test_without_standard_deviations_there_is_neither_bar_nor_coverage():
    display = ParityDisplay.from_predictions(*problem()[:2], uncertainty="bars")
    assert not display.ax_.containers and display.scores_["within_1std"].isna().all()


def test_histograms_count_all_rows():
    y, p, _ = problem()
    display = ParityDisplay.from_predictions(y, p)
    above, beside = display.ax_.child_axes
    assert sum(bar.get_height() for bar in above.patches) == len(y)
    assert sum(bar.get_width() for bar in beside.patches) == len(y)
    assert not ParityDisplay.from_predictions(y, p, marginals=False).ax_.child_axes


def test_several_targets_have_a_panel_each_or_one_is_chosen():
    y, p, s = problem()
    Y, P = pd.DataFrame({"gap": y, "bulk": 10 * y}), np.c_[p, 10 * p]
    units = {"gap": "eV", "bulk": "GPa"}
    display = ParityDisplay.from_predictions(Y, P, y_std=np.c_[s, s], target_units=units)
    assert [ax.get_ylabel() for ax in display.axes_] == ["predicted gap (eV)", "predicted bulk (GPa)"]
    one = ParityDisplay.from_predictions(Y, P, target_units=units, targets="bulk")
    assert len(one.axes_) == 1 and one.ax_.get_xlabel() == "actual bulk (GPa)"
    np.testing.assert_allclose(points(one.ax_).get_offsets(), 10 * np.c_[y, p])


def fitted(model):
    X = np.random.default_rng(1).normal(size=(30, 2))
    return model.fit(X, X[:, 0]), X


@pytest.mark.parametrize(
    "model",
    [
        BayesianRidge(),
        make_pipeline(StandardScaler(), BayesianRidge()),
        make_pipeline(make_pipeline(StandardScaler(), GaussianProcessRegressor(alpha=0.1))),
        GridSearchCV(make_pipeline(StandardScaler(), BayesianRidge()), {"bayesianridge__tol": [1e-3]}, cv=2),
    ],
)
@pytest.mark.parametrize("routing", [False, True])
def test_standard_deviations_come_from_the_last_step_of_any_model(model, routing):
    with config_context(enable_metadata_routing=routing):
        model, X = fitted(model)
        prediction, std = predict_with_std(model, X)
    inner, inputs = getattr(model, "best_estimator_", model), X
    while hasattr(inner, "steps"):
        inputs, inner = inner[:-1].transform(inputs) if len(inner) > 1 else inputs, inner[-1]
    expected = inner.predict(inputs, return_std=True)
    np.testing.assert_allclose(prediction[:, 0], expected[0])
    np.testing.assert_allclose(std[:, 0], expected[1])


def test_models_without_standard_deviations_are_drawn_without():
    model, X = fitted(LinearRegression())
    display = ParityDisplay.from_estimator(model, X, pd.Series(X[:, 0], name="gap"))
    assert display.predictions["y_std"].isna().all() and list(display.scores_.index) == ["gap"]


def test_models_that_were_not_fitted_for_standard_deviations_are_drawn_without():
    class Unready:
        def predict(self, X, return_std=False):
            if return_std:
                raise ValueError("set cv and fit again")
            return X[:, 0]

    X = np.arange(6.0).reshape(3, 2)
    display = ParityDisplay.from_estimator(Unready(), X, [0.0, 2.0, 5.0])
    assert display.predictions["y_std"].isna().all()
    np.testing.assert_allclose(display.predictions["y_pred"], X[:, 0])


def test_a_composition_model_brings_its_own():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    # Error bars take 30 compositions.
    X, y = [f"Mg{k}Si" for k in range(2, 37)], np.arange(35.0)
    small = {"max_epochs": 2, "hidden_dim": 16, "n_blocks": 1, "random_state": 0}
    model = LGDCNNRegressor(**small).fit(X, y)
    display = ParityDisplay.from_estimator(model, X, y)
    np.testing.assert_allclose(display.predictions[["y_pred", "y_std"]].T, model.predict(X, return_std=True))


def test_it_draws_into_given_axes():
    figure, ax = plt.subplots()
    display = ParityDisplay.from_predictions(*problem()[:2], ax=ax)
    assert display.figure_ is figure and display.ax_ is ax


def test_a_constant_truth_has_no_r2():
    display = ParityDisplay.from_predictions([1.0, 1.0], [1.0, 1.5])
    assert np.isnan(display.scores_.loc["y", "r2"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_pred": [1.0]}, r"y_true has the shape \(2, 1\) and y_pred \(1, 1\)"),
        ({"y_pred": [1.0, np.nan]}, "y_pred is not finite in row 1"),
        ({"y_std": [0.1, -0.1]}, "y_std is negative in row 1"),
        ({"y_std": [np.inf, 0.1]}, "y_std is not finite in row 0"),
        ({"uncertainty": "shade"}, "uncertainty must be one of"),
        ({"targets": ["gap"]}, "targets must be one of y, got 'gap'"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ParityDisplay.from_predictions(**({"y_true": [1.0, 2.0], "y_pred": [1.0, 2.0]} | change))


def test_what_cannot_predict_is_refused():
    with pytest.raises(TypeError, match="StandardScaler has no predict"):
        ParityDisplay.from_estimator(StandardScaler(), [[1.0]], [1.0])
