"""The test of a transfer analysis against formulas and numbers of others."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skxfer.model_selection import transfer_analysis_summary
from skxfer.model_selection._transfer_summary import corrected_t_test, holm


def runs(gains, *, source="a", kind="transfer", n_train=90, n_test=10, n_target=100, alone=2.0):
    """Errors of shape (n_splits, n_seeds) that are below those of target_only by `gains`."""
    gains = np.atleast_2d(np.asarray(gains, dtype=float).T).T
    return pd.DataFrame(
        {
            "kind": kind,
            "source": source,
            "carry": "all",
            "split": split,
            "seed": seed,
            "n_train": n_train,
            "n_test": n_test,
            "n_target": n_target,
            "error": alone - gains[split, seed],
            "target_only_error": alone,
            "source_seconds": 3.0,
            "fit_seconds": 1.0,
            "target_only_seconds": 2.0,
            "failure": "",
        }
        for split, seed in np.ndindex(gains.shape)
    )


def test_the_p_value_is_that_of_the_corrected_resampled_t_test():
    """Nadeau and Bengio: the t of the plain test, shrunk by sqrt((1/n) / (1/n + n_test/n_train))."""
    gains = np.array([0.3, 0.5, 0.1, 0.4, 0.2, 0.35])
    n, ratio = len(gains), 10 / 90
    plain = stats.ttest_1samp(gains, 0.0).statistic
    expected = 2 * stats.t.sf(plain * np.sqrt((1 / n) / (1 / n + ratio)), df=n - 1)
    summary = transfer_analysis_summary(runs(gains)).iloc[0]
    assert summary["p_value"] == pytest.approx(expected)
    assert summary["gain_percent"] == pytest.approx(100 * gains.mean() / 2.0)


def test_the_interval_excludes_zero_exactly_where_the_test_rejects():
    gains = np.array([0.3, 0.5, 0.1, 0.4, 0.2, 0.35])
    p_value, _ = corrected_t_test(gains, 0.2)
    _, half_width = corrected_t_test(gains, 0.2, alpha=p_value)
    assert half_width == pytest.approx(gains.mean())


def test_the_test_ratio_is_that_of_the_tested_to_all_other_rows():
    gains = [0.3, 0.5, 0.1, 0.4]
    part = transfer_analysis_summary(runs(gains, n_train=10, n_test=100, n_target=1100))
    whole = transfer_analysis_summary(runs(gains, n_train=1000, n_test=100, n_target=1100))
    assert part["p_value"].item() == whole["p_value"].item()


def test_the_test_keeps_its_level_where_splits_share_rows():
    """Two learners of which neither is better: least squares on either half of exchangeable features."""
    rng = np.random.default_rng(0)
    n, n_train, n_test, n_splits, rejected = 60, 20, 12, 8, []
    for _ in range(200):
        halves = rng.normal(size=(2, n, 2))
        y = halves.sum(axis=(0, 2)) + 0.5 * rng.normal(size=n)
        gains = []
        for _ in range(n_splits):
            order = rng.permutation(n)
            train, test = order[:n_train], order[n_train : n_train + n_test]
            one, other = (
                np.abs(y[test] - Z[test] @ np.linalg.lstsq(Z[train], y[train])[0]).mean() for Z in halves
            )
            gains.append(one - other)
        ratio = n_test / (n - n_test)
        rejected.append([corrected_t_test(np.array(gains), r)[0] < 0.05 for r in (0.0, ratio)])
    plain, corrected = np.mean(rejected, axis=0)
    assert corrected < 0.09  # 0.05 within 2.5 standard errors of 200 trials
    assert plain > 0.15


def test_seeds_are_averaged_before_the_test():
    gains = np.array([[0.3, 0.5], [0.1, 0.4], [0.2, 0.35]])
    many, means = transfer_analysis_summary(runs(gains)), transfer_analysis_summary(runs(gains.mean(axis=1)))
    assert many["p_value"].item() == pytest.approx(means["p_value"].item())
    assert many["n_splits"].item() == 3
    assert many["n_seeds"].item() == 2


def test_p_values_are_corrected_as_holm_did():
    """The worked example of Holm (1979) in Aickin and Gensler, Am. J. Public Health 1996, 86, 726."""
    p = np.array([0.04, 0.01, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.06, 0.03, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1.0, 1.0])


def test_all_rows_of_the_table_are_corrected_together():
    gains = np.array([0.3, 0.5, 0.1, 0.4, 0.2, 0.35])
    tables = [runs(gains, source=f"s{k}") for k in range(3)]
    summary = transfer_analysis_summary(pd.concat(tables))
    np.testing.assert_allclose(summary["p_holm"], 3 * summary["p_value"])


@pytest.mark.parametrize(
    ("gains", "kind", "verdict"),
    [
        ([0.5, 0.6, 0.5, 0.6], "transfer", "helps"),
        ([-0.5, -0.6, -0.5, -0.6], "transfer", "hurts"),
        ([0.5, 0.6, 0.5, 0.6], "baseline", "better"),
        ([-0.5, -0.6, -0.5, -0.6], "baseline", "worse"),
        ([0.5, -0.6, 0.5, -0.6], "transfer", "no clear gain"),
        ([0.0, 0.0, 0.0, 0.0], "transfer", "no clear gain"),
        ([1e-16, 1e-16, 1e-16, 1e-16], "transfer", "no clear gain"),
        ([0.5], "transfer", "no clear gain"),
        ([np.nan, np.nan], "transfer", "no result"),
        ([0.0, 0.0, 0.0], "target_only", "reference"),
    ],
)
def test_verdicts(gains, kind, verdict):
    assert transfer_analysis_summary(runs(gains, kind=kind))["verdict"].item() == verdict


def test_a_stricter_level_needs_more():
    table = runs([0.5, 0.6, 0.5, 0.6])
    assert transfer_analysis_summary(table, alpha=1e-4)["verdict"].item() == "no clear gain"


def test_the_cost_is_that_of_both_fits_over_that_of_target_only():
    assert transfer_analysis_summary(runs([0.1, 0.2]))["cost_ratio"].item() == (3.0 + 1.0) / 2.0


def test_a_negative_score_error_of_target_only_keeps_the_sign_of_the_gain():
    """As errors are minus scores: from R² 0.5 to 0.6 is a gain."""
    summary = transfer_analysis_summary(runs([0.1, 0.11, 0.1, 0.09], alone=-0.5)).iloc[0]
    assert summary["gain_percent"] == pytest.approx(20.0)
    assert summary["verdict"] == "helps"
    assert summary["gain_low"] < summary["gain_percent"] < summary["gain_high"]


def test_without_runs_there_is_nothing_to_sum_up():
    with pytest.raises(ValueError, match="no run was finished"):
        transfer_analysis_summary(runs([0.1]).iloc[:0])
