"""The tables that come of the runs of a study: errors of each test, and predictions of each row."""

import numpy as np
import pandas as pd

from ..metrics import masked_mean_absolute_error, masked_r2_score, masked_root_mean_squared_error


def results_table(finished, problem, rank, columns):
    """Return a row for each learner, setting, target and test, in an order that does not depend on theirs.

    Parameters
    ----------
    finished : list of (Run, Outcome)
    problem : Problem
    rank : dict of str to list
        Columns by which rows are sorted, and their values in order.
    columns : list of str

    Returns
    -------
    DataFrame
    """
    alone = {
        (job.learner, test.key): prediction
        for job, outcome in finished
        if job.setting == "target_only" and not outcome.error
        for test, prediction in zip(job.tests, outcome.value.predictions, strict=True)
    }
    rows = [row for job, outcome in finished for row in _rows(job, outcome, problem, alone)]
    table = pd.DataFrame(rows, columns=columns)
    by = [name for name in (*rank, "n_target", "fold", "seed") if name in table]
    return table.sort_values(
        by, key=lambda column: column.map(rank[column.name].index) if column.name in rank else column
    ).reset_index(drop=True)


def predictions_table(finished, problem):
    """Return a row for each learner, setting, target, test and labelled test row.

    Parameters
    ----------
    finished : list of (Run, Outcome)
    problem : Problem

    Returns
    -------
    DataFrame
        ``std`` is NaN where the model has no calibrated error bar.
    """
    parts = []
    for job, outcome in finished:
        for k, test in enumerate(job.tests) if not outcome.error else ():
            predicted, std = outcome.value.predictions[k], outcome.value.std[k]
            for t, target in enumerate(problem.target_names):
                known = ~np.isnan(problem.Y[test.rows, t])
                which = {"learner": job.learner, "setting": job.setting, "target": target}
                which |= {"test_domain": test.domain, "fold": test.fold, "seed": test.seed}
                values = {
                    "row": test.rows[known],
                    "y": problem.Y[test.rows, t][known],
                    "prediction": predicted[known, t],
                    "std": std[known, t] if len(std) else np.nan,
                }
                parts.append(pd.DataFrame(which | values))
    names = ("learner", "setting", "target", "test_domain", "fold", "seed", "row", "y", "prediction", "std")
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def _rows(job, outcome, problem, alone):
    """One row of the table per test and target."""
    strategy = [] if outcome.error else outcome.value.strategy
    transfer_gain = [] if outcome.error else outcome.value.transfer_gain
    inputs = [] if outcome.error else outcome.value.inputs
    for k, test in enumerate(job.tests):
        for t, target in enumerate(problem.target_names):
            truth = problem.Y[test.rows, t]
            known = ~np.isnan(truth)
            row = {
                "learner": job.learner,
                "setting": job.setting,
                "target": target,
                "test_domain": test.domain,
                "fold": test.fold,
                "seed": test.seed,
                "n_target": test.n_target,
                "n_train": int((~np.isnan(problem.Y[job.train, t])).sum()),
                "n_test": int(known.sum()),
                **dict.fromkeys(("mae", "rmse", "r2", "gain", "gain_se"), np.nan),
                "fit_seconds": outcome.seconds,
                "strategy": strategy[t] if t < len(strategy) else "",
                "transfer_gain": transfer_gain[t] if t < len(transfer_gain) else np.nan,
                "inputs": inputs[t] if t < len(inputs) else "",
                "error": outcome.error,
            }
            if not outcome.error:
                prediction = outcome.value.predictions[k][known, t]
                if not row["n_train"]:
                    row["error"] = "no training row has a label of this target"
                elif not row["n_test"]:
                    row["error"] = "no test row has a label of this target"
                elif not np.isfinite(prediction).all():
                    row["error"] = "the prediction is not finite"
                else:
                    row |= _scores(truth[known], prediction)
                    reference = alone.get((job.learner, test.key))
                    if reference is not None and np.isfinite(reference[known, t]).all():
                        row["gain"], row["gain_se"] = _gain(truth[known], prediction, reference[known, t])
            yield row


def _scores(truth, prediction):
    return {
        "mae": masked_mean_absolute_error(truth, prediction),
        "rmse": masked_root_mean_squared_error(truth, prediction),
        "r2": masked_r2_score(truth, prediction),
    }


def _gain(truth, prediction, reference):
    """1 - MAE / MAE of the reference, and its standard error over the rows (delta method, rows paired)."""
    error, alone = np.abs(prediction - truth), np.abs(reference - truth)
    if not alone.any():
        return (0.0, 0.0) if not error.any() else (-np.inf, np.nan)
    ratio = error.mean() / alone.mean()
    if len(truth) < 2:
        return 1 - ratio, np.nan
    return 1 - ratio, (error - ratio * alone).std(ddof=1) / np.sqrt(len(truth)) / alone.mean()
