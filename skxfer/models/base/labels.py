"""Labels of the targets, some of which may be missing, and the weights of rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...inputs import check_targets, check_weights


@dataclass
class Labels:
    """Labels and weights of some rows."""

    Y: np.ndarray  # (n_rows, n_targets), NaN where a label is missing
    weight: np.ndarray  # (n_rows, n_targets), zero where a label is missing
    rows: np.ndarray  # (n_rows,) numbers of these rows in X
    names: list | None  # of the targets, where y has them

    def __len__(self):
        return len(self.Y)

    def take(self, rows):
        """Return the labels of some of the rows, given by position."""
        return Labels(self.Y[rows], self.weight[rows], self.rows[rows], self.names)

    def balanced(self):
        """Return weights with the mean one for each target: missing labels do not shrink its loss."""
        share = self.weight.mean(axis=0)
        return self.weight / np.where(share > 0, share, 1.0)

    def check_every_target(self, where):
        """Raise a ValueError for a target without a label.

        Parameters
        ----------
        where : str
            What the rows are, for the message: "in a row with a sample_weight above 0".
        """
        empty = np.flatnonzero(~self.weight.any(axis=0))
        if empty.size:
            name = empty[0] if self.names is None else repr(self.names[empty[0]])
            raise ValueError(
                f"Target {name} has no label {where}: every target needs at least one. Add labels, or leave "
                "this target out of y."
            )


def read_labels(model, y, n_samples, sample_weight=None):
    """Read y and the weights of its rows, and note on a model what its targets are.

    Parameters
    ----------
    model : estimator
        Gets ``n_targets_`` and ``target_names_``.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        NaN marks a missing label.
    n_samples : int
    sample_weight : array-like of shape (n_samples,), optional

    Returns
    -------
    Labels
        Labels of all rows; :func:`labelled` leaves out those that say nothing.
    """
    Y = check_targets(y, n_samples)
    weight = np.ones(len(Y)) if sample_weight is None else check_weights(sample_weight, Y)
    model._single_target, model.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
    model.target_names_ = [str(name) for name in y.columns] if isinstance(y, pd.DataFrame) else None
    return Labels(Y, weight[:, None] * ~np.isnan(Y), np.arange(len(Y)), model.target_names_)


def labelled(labels):
    """Leave out rows without a label or without a weight.

    Parameters
    ----------
    labels : Labels

    Returns
    -------
    Labels

    Raises
    ------
    ValueError
        A target has no label in what is left.
    """
    kept = labels.take(np.flatnonzero(labels.weight.any(axis=1)))
    kept.check_every_target("in a row with a sample_weight above 0")
    return kept


def moments(Y, weight):
    """Weighted mean and deviation of each target.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, ..., n_targets)
        NaN marks a missing label.
    weight : ndarray of shape (n_samples, ..., n_targets)
        Zero where a label is missing.

    Returns
    -------
    center, scale : ndarray of shape (..., n_targets)
        The scale is one where the labels do not differ.
    """
    filled = np.nan_to_num(Y)
    total = np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    center = (weight * filled).sum(axis=0) / total
    scale = np.sqrt((weight * (filled - center) ** 2).sum(axis=0) / total)
    floor = 1e-12 * np.maximum(np.abs(center), np.finfo(float).tiny)
    return center, np.where(scale > floor, scale, 1.0)
