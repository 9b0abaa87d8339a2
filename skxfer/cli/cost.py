"""How long a study takes, estimated before it starts from the size of the table.

The estimate depends on nothing but the table and the options, so that the same command makes the same choices
on any machine and after any interruption.
"""

import numpy as np

# Strategies that are fitted on all rows, and on target rows alone, in each fold of a transfer fit.
FITS_ON_ALL, FITS_ON_TARGET = 5.5, 2
# Networks: three strategies alone compete, in two sets of three folds.
NETWORKS, NETWORK_FOLDS = ("lgdcnn", "schnet"), 3
# Seconds of a fold that no learner is to blame for.
OVERHEAD = 0.15
# Learners that fit one target at a time.
ONE_BY_ONE = ("svr", "xgb", "gp")


def fit_seconds(learner, n_rows, n_features, n_targets=1):
    """Estimate the time of one fit on one core, from measurements at 50 to 4000 rows.

    Parameters
    ----------
    learner : str
        Short name.
    n_rows, n_features, n_targets : int

    Returns
    -------
    float
    """
    n, d = float(max(n_rows, 1)), float(max(n_features, 1))
    seconds = {
        "rf": 0.05 + 1.3e-5 * n * d,
        "et": 0.04 + 1.3e-5 * n * d,
        "svr": 0.005 + 1.2e-7 * n**2,
        "xgb": 0.02 + 8e-4 * d * np.log10(1 + n / 10) + 5e-6 * n,
        "knn": 0.004 + 1e-7 * n * d,
        "mlp": 0.03 + 1.2e-4 * n + 3e-7 * n * d,
        "ridge": 0.004 + 2e-7 * n * d,
        "krr": 0.004 + 2e-8 * n**2 + 1.5e-11 * n**3,
        "gp": 0.012 + 1.6e-9 * n**3,
        "lgdcnn": 15 + 0.01 * n,
        "schnet": 60 + 0.5 * n,
    }.get(learner, 1.0)
    return seconds * (n_targets if learner in ONE_BY_ONE else 1)


def transfer_seconds(learner, n_source, n_target, n_features, n_targets, n_folds):
    """Estimate the time of one fit in which all strategies compete.

    Parameters
    ----------
    learner : str
    n_source, n_target, n_features, n_targets : int
    n_folds : int
        Folds over the target rows; two sets of them are used.

    Returns
    -------
    float
    """
    on_all = fit_seconds(learner, n_source + n_target, n_features, n_targets)
    on_target = fit_seconds(learner, n_target, n_features, n_targets)
    if learner in NETWORKS:
        return (2 * NETWORK_FOLDS + 1) * (on_all + 2 * on_target)
    return (2 * n_folds + 1) * (FITS_ON_ALL * on_all + FITS_ON_TARGET * on_target + OVERHEAD)


def study_seconds(learner, n_source, n_target, n_features, n_targets, *, n_folds, n_tests, n_choices=0):
    """Estimate the time of all fits of a learner with one seed, on one core.

    Parameters
    ----------
    learner : str
    n_source, n_target, n_features, n_targets : int
    n_folds : int
        Folds in which transfer judges itself.
    n_tests : int
        Different sets of training rows: 1 with test domains, else the folds of the study.
    n_choices : int, default=0
        Fits with which `merge` chooses its inputs.

    Returns
    -------
    float
    """
    size = n_features, n_targets
    transfer = transfer_seconds(learner, n_source, n_target, *size, n_folds)
    merged = (1 + n_choices) * fit_seconds(learner, n_source + n_target, *size)
    alone = fit_seconds(learner, n_target, *size)
    return n_tests * (transfer + merged + alone) + fit_seconds(learner, n_source, *size)


def in_words(seconds):
    """Write a time as a person says it: 40 s, 3 min, 2 h.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    if seconds < 90:
        return f"{max(10 * round(seconds / 10), 10)} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{round(minutes) if minutes < 20 else 5 * round(minutes / 5)} min"
    return f"{minutes / 60:.1f} h" if minutes < 600 else f"{round(minutes / 60)} h"
