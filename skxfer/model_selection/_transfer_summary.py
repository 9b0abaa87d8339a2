"""What a transfer analysis says: which sources and parts help, and how sure that is."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ._distances import COLUMNS as DISTANCES

# Gains below this share of the error are rounding.
ROUNDING = 1e-12


def transfer_analysis_summary(results, *, alpha=0.05):
    """Answer, for each source and carried part: does starting from it beat the target rows alone?

    The gain is tested over the splits, in pairs with the same rows and seed.
    Errors are first averaged over the seeds of a split, since seeds are no new
    data. Splits share rows, so that a plain t-test finds far too much; the
    corrected resampled t-test [1]_ adds what the splits have in common to the
    variance: ``t = mean / sqrt((1 / n_splits + ratio) * variance)`` with
    ``n_splits - 1`` degrees of freedom. The ratio is that of the test rows to all
    other target rows. Where a split uses all rows that is ``n_test / n_train``, as published;
    where it trains on few of many rows the published ratio would hide almost any gain. P-values of all rows
    of the table are then corrected together by Holm's method.

    Two splits are the least, ten or more make a claim. The source models are
    those of the seeds that were run; one seed says nothing about others.

    Parameters
    ----------
    results : DataFrame
        From :func:`transfer_analysis`.
    alpha : float, default=0.05
        Significance level of the verdicts; the limits have confidence ``1 - alpha``.

    Returns
    -------
    DataFrame
        One row for ``target_only``, each source and carried part, and each baseline:

        ``kind``, ``source``, ``carry``
            As in `results`.
        ``error``, ``error_std``
            Mean over the splits, and standard deviation over them.
        ``target_only_error``
            The mean error of ``target_only`` in the same runs.
        ``gain_percent``, ``gain_low``, ``gain_high``
            By how much the mean error is below that of ``target_only``, and the limits
            of its confidence interval by the same test, not corrected for the number of rows.
        ``p_value``, ``p_holm``
            Two-sided; NaN with fewer than two splits.
        ``verdict``
            ``"helps"`` or ``"hurts"`` (a baseline: ``"better"`` or ``"worse"``) if
            ``p_holm < alpha``, else ``"no clear gain"``; ``"reference"`` for ``target_only``;
            ``"no result"`` without any number.
        ``n_splits``, ``n_seeds``
            That were finished.
        ``source_seconds``, ``fit_seconds``, ``cost_ratio``
            Mean time of the source fit and of the fit on the target rows, and both
            together as a multiple of the fit of ``target_only``.
        ``domain_distance``, ``label_distance``, ``label_shift``
            As in `results`.
        ``n_failed``, ``failure``
            Runs without a number, and why the first of them failed.

    Raises
    ------
    ValueError
        No row in `results`.

    See Also
    --------
    transfer_analysis : Where the results come from.
    skxfer.inspection.TransferAnalysisDisplay : Draws them.

    References
    ----------
    .. [1] Nadeau, C., Bengio, Y., Mach. Learn. 2003, 52, 239, doi:10.1023/A:1024068626366.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.model_selection import transfer_analysis_summary
    >>> runs = pd.DataFrame({"kind": "transfer", "source": "gas", "carry": "all", "split": range(4),
    ...     "seed": 0, "n_train": 90, "n_test": 10, "error": [0.5, 0.6, 0.5, 0.6],
    ...     "target_only_error": [1.0, 1.1, 1.1, 1.0]})
    >>> summary = transfer_analysis_summary(runs)
    >>> summary[["gain_percent", "p_value", "verdict"]].round(4).to_numpy().tolist()
    [[47.619, 0.002, 'helps']]
    """
    if not len(results):
        raise ValueError("There is nothing to sum up: no run was finished.")
    groups = results.groupby(["kind", "source", "carry"], sort=False)
    table = pd.DataFrame([_row(*names, group, alpha) for names, group in groups])
    table["p_holm"] = holm(table["p_value"].to_numpy(dtype=float))
    table["verdict"] = [_verdict(row, alpha) for row in table.to_dict("records")]
    return table.drop(columns="gain")


def corrected_t_test(gains, test_ratio, *, alpha=0.05):
    """Test whether paired gains over splits that share rows have a mean of 0.

    Parameters
    ----------
    gains : ndarray of shape (n_splits,)
    test_ratio : float
        Test rows as a share of all other rows.
    alpha : float, default=0.05

    Returns
    -------
    p_value : float
        Of the corrected resampled t-test; NaN with fewer than two splits.
    half_width : float
        Of the confidence interval of the mean.
    """
    n = len(gains)
    if n < 2:
        return np.nan, np.nan
    error = np.sqrt((1 / n + test_ratio) * np.var(gains, ddof=1))
    half_width = float(student.ppf(1 - alpha / 2, n - 1) * error)
    if not error:
        return float(np.mean(gains) == 0), half_width
    return float(2 * student.sf(abs(np.mean(gains)) / error, n - 1)), half_width


def holm(p_values):
    """Correct p-values for their number by Holm's step-down method, leaving NaN out.

    Parameters
    ----------
    p_values : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skxfer.model_selection._transfer_summary import holm
    >>> holm(np.array([0.01, np.nan, 0.04, 0.03]))
    array([0.03,  nan, 0.06, 0.06])
    """
    corrected = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p_values[order]
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def _row(kind, source, carry, group, alpha):
    paired = group.dropna(subset=["error", "target_only_error"])
    by_split = paired.groupby("split")[["error", "target_only_error"]].mean()
    errors = group.dropna(subset=["error"]).groupby("split")["error"].mean()
    difference = (by_split["target_only_error"] - by_split["error"]).to_numpy()
    alone = by_split["target_only_error"].mean()
    difference[np.abs(difference) <= ROUNDING * np.abs(by_split["target_only_error"])] = 0.0
    p_value = half_width = np.nan
    if kind != "target_only" and len(difference):
        others = paired["n_target"] - paired["n_test"] if "n_target" in paired else paired["n_train"]
        p_value, half_width = corrected_t_test(
            difference, paired["n_test"].mean() / others.mean(), alpha=alpha
        )
    percent = 100 / abs(alone) if alone else np.nan
    gain = difference.mean() if len(difference) else np.nan
    failures = group.get("failure", pd.Series(dtype=str))
    failures = failures[failures != ""]
    seconds = {
        name: group[name].mean() if name in group else np.nan
        for name in ("source_seconds", "fit_seconds", "target_only_seconds")
    }
    return {
        "kind": kind,
        "source": source,
        "carry": carry,
        "error": errors.mean(),
        "error_std": errors.std(ddof=1),
        "target_only_error": alone,
        "gain": gain,
        "gain_percent": percent * gain,
        "gain_low": percent * (gain - half_width),
        "gain_high": percent * (gain + half_width),
        "p_value": p_value,
        "p_holm": np.nan,
        "verdict": "",
        "n_splits": len(by_split),
        "n_seeds": paired["seed"].nunique(),
        "source_seconds": seconds["source_seconds"],
        "fit_seconds": seconds["fit_seconds"],
        "cost_ratio": (seconds["source_seconds"] + seconds["fit_seconds"]) / seconds["target_only_seconds"],
        **{name: group[name].iloc[0] if name in group else np.nan for name in DISTANCES},
        "n_failed": len(failures),
        "failure": failures.iloc[0] if len(failures) else "",
    }


def _verdict(row, alpha):
    if row["kind"] == "target_only":
        return "no result" if np.isnan(row["error"]) else "reference"
    if np.isnan(row["gain"]):
        return "no result"
    if not row["p_holm"] < alpha:
        return "no clear gain"
    good, bad = ("better", "worse") if row["kind"] == "baseline" else ("helps", "hurts")
    return good if row["gain"] > 0 else bad
