"""Learning curves of models that take chemical formulas."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from skxfer import CompositionFeaturizer, learning_curve_transfer
from skxfer.datasets import load_miedema

SIZES = [10, 40]


def problem():
    """200 source rows, 40 target rows, 60 to be predicted."""
    alloys = load_miedema(as_frame=True)
    rng = np.random.default_rng(0)
    source = rng.choice(np.flatnonzero(alloys.domain == "intermetallic"), 200, replace=False)
    target = rng.choice(np.flatnonzero(alloys.domain == "solid_solution"), 100, replace=False)
    rows = np.r_[source, target]
    domain = np.r_[["source"] * 200, ["target"] * 40, ["test"] * 60]
    return alloys.data["formula"].iloc[rows].reset_index(drop=True), alloys.target.to_numpy()[rows], domain


def curve_of(model, X, y, domain):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*have several rows with different labels")
        return learning_curve_transfer(
            model, X, y, domain, source_domains=["source"], test_domains=["test"], train_sizes=SIZES
        )


@pytest.mark.parametrize("kind", [pd.Series, list, pd.DataFrame])
def test_errors_are_those_of_a_fit_by_hand(kind):
    model = make_pipeline(CompositionFeaturizer("fractions"), KNeighborsRegressor(3))
    X, y, domain = problem()
    curve = curve_of(model, kind(X), y, domain)
    assert (curve["error"] == "").all()
    errors = curve.set_index(["setting", "n_target"])["mae"]
    test = domain == "test"
    for setting, rows in {"target_only": domain == "target", "source_only": domain == "source"}.items():
        prediction = clone(model).fit(X[rows], y[rows]).predict(X[test])
        assert errors[(setting, 40)] == pytest.approx(mean_absolute_error(y[test], prediction))


def test_a_network_of_formulas_has_all_settings_at_all_sizes():
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor

    small = {"max_epochs": 1, "hidden_dim": 8, "n_blocks": 0, "random_state": 0}
    curve = curve_of(LGDCNNRegressor(**small), *problem())
    assert (curve["error"] == "").all() and curve["mae"].notna().all()
    settings = curve.groupby("setting")["n_target"].apply(sorted).to_dict()
    assert settings == dict.fromkeys(["source_only", "target_only", "auto"], SIZES)
