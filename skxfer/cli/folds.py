"""Folds of a study that keep together what belongs together."""

import numpy as np
from sklearn.model_selection import GroupKFold

from ..folds import join_groups
from .names import InputError

N_FOLDS = 5


def folds_by_group(data, same_input):
    """Return folds over the target rows that never split a group, or None where any folds do.

    Parameters
    ----------
    data : Data
        Its `group`, if it has one, names rows that belong together.
    same_input : ndarray of int, shape (n_rows,)
        Rows with the same number have the same input.

    Returns
    -------
    list of (train, test) or None
        Positions of target rows. None if test domains are named, or if there is nothing to keep together.

    Raises
    ------
    InputError
        All target rows are in one group.
    """
    if data.tests:
        return None
    target = np.flatnonzero(data.is_training_target)
    domains = data.domain.to_numpy()[target]
    several = len(np.unique(domains)) > 1
    if several and data.group is None:  # each domain is left out in turn
        return None
    known = [] if data.group is None else [data.group.iloc[target].astype(str)]
    groups = join_groups(same_input[target], *known)
    n_groups = len(np.unique(groups))
    if n_groups == len(target):
        return None
    if n_groups < 2:
        raise InputError("all target rows belong together: there is no other row to test on")
    if several:
        tests = [np.flatnonzero(domains == name) for name in np.unique(domains)]
        folds = [(np.flatnonzero(~np.isin(groups, groups[test])), test) for test in tests]
        if min(len(train) for train, _ in folds) < 2:
            raise InputError("without the groups of a target domain no other target row is left for training")
    else:
        splitter = GroupKFold(min(N_FOLDS, n_groups), shuffle=True, random_state=0)
        folds = list(splitter.split(target, groups=groups))
    return [(target[train], target[test]) for train, test in folds]
