"""What an active curve says: labels until the best rows, and whether that beats choosing at random."""

import numpy as np
import pandas as pd


def active_curve_summary(results, *, reach=None):
    """Say, for each arm of an active curve, how many labels it needed, and compare it with random choice.

    Parameters
    ----------
    results : DataFrame
        From :func:`active_curve`.
    reach : float, optional
        Which share of the target rows counts as the best ones. Default: the `top` of the results.

    Returns
    -------
    DataFrame
        One row per arm:

        ``arm``, ``n_seeds``
            Seeds whose loop ended without an error.
        ``labels_to_reach``, ``labels_low``, ``labels_high``
            Labelled target rows, those at the start included, when the first one of the best was found:
            median and quartiles over the seeds. Infinite where it was not found.
        ``reached``
            Share of the seeds that found one.
        ``found``, ``gap``, ``mae``
            Means over the seeds after the last round, see :func:`active_curve`.
        ``wins``
            Share of the seeds in which more of the best rows were found than by the arm ``"random"``, on
            average over the rounds; equal counts half. With ``goal="explore"``: in which the mean
            of ``mae`` over the rounds was lower.
        ``labels_at_stop``
            Median number of labels when the loop first advised to stop; infinite where it did not.

    Examples
    --------
    >>> import pandas as pd
    >>> from skxfer.model_selection import active_curve_summary
    >>> curve = pd.DataFrame({
    ...     "arm": ["active"] * 2 + ["random"] * 2, "seed": 0, "round": [0, 1] * 2,
    ...     "n_labelled": [5, 10] * 2, "rank": [0.2, 0.0, 0.2, 0.2], "found": [0.0, 0.5, 0.0, 0.0],
    ...     "gap": [1.0, 0.0, 1.0, 1.0], "mae": [0.3, 0.2, 0.3, 0.2], "stop": [False, True, None, None],
    ...     "error": "",
    ... })
    >>> active_curve_summary(curve, reach=0.05)[["arm", "labels_to_reach", "wins", "labels_at_stop"]]
          arm  labels_to_reach  wins  labels_at_stop
    0  active             10.0   1.0            10.0
    1  random              inf   0.5             inf
    """
    reach = results.attrs.get("top", 0.05) if reach is None else reach
    results = results[results["error"] == ""]
    measure, sign = ("found", 1) if results["found"].notna().any() else ("mae", -1)
    means = results.pivot_table(index="seed", columns="arm", values=measure, aggfunc="mean")
    rows = []
    for arm, part in results.groupby("arm", sort=False):
        labels = _first(part, part["rank"] < reach)
        last = part.sort_values("round").groupby("seed").last()
        wins = np.nan
        if "random" in means and arm in means:
            difference = (sign * (means[arm] - means["random"])).dropna()
            wins = float(((difference > 0) + 0.5 * (difference == 0)).mean())
        low, median, high = np.quantile(labels, [0.25, 0.5, 0.75], method="inverted_cdf")
        explores = measure == "mae"
        rows.append(
            {
                "arm": arm,
                "n_seeds": len(labels),
                "labels_to_reach": np.nan if explores else median,
                "labels_low": np.nan if explores else low,
                "labels_high": np.nan if explores else high,
                "reached": np.nan if explores else float(np.isfinite(labels).mean()),
                "found": last["found"].mean(),
                "gap": last["gap"].mean(),
                "mae": last["mae"].mean(),
                "wins": wins,
                "labels_at_stop": float(np.median(_first(part, part["stop"] == True))),  # noqa: E712
            }
        )
    return pd.DataFrame(rows)


def _first(part, condition):
    """Labels at which a condition held for the first time, for each seed; infinity where it never did."""
    labels = part["n_labelled"].where(condition).groupby(part["seed"]).min()
    return labels.fillna(np.inf).to_numpy(dtype=float)
