"""Target rows without any label: strategies are judged by leaving out sources, as if each were the target."""

import warnings
from dataclasses import replace

import numpy as np

from ..inputs import take
from ._problem import expert_outputs

# Errors are those of at most so many rows of a source, so that a large one does not decide alone.
MAX_ROWS_OF_SOURCE = 200
# Kept where nothing can be compared: the first of these that can run.
IN_DOUBT = ("merge", "source_only", "merge_weighted", "aligned")


def warn_unlabelled(n_rows, n_sources):
    """Warn that nothing of the target domain could check the choice.

    Parameters
    ----------
    n_rows, n_sources : int
        Numbers of target rows, and of sources that can be left out.
    """
    how = (
        f"by leaving out each of {n_sources} sources in turn"
        if n_sources > 1
        else "without any comparison, since there are no two sources to leave out"
    )
    warnings.warn(
        f"None of the {n_rows} target rows has a label: the strategy is chosen {how}, and nothing of the "
        "target domain could check it. A few labelled target rows would.",
        stacklevel=6,
    )


def in_doubt(strategies):
    """Return the strategy to use where nothing tells them apart.

    Parameters
    ----------
    strategies : list of Strategy

    Returns
    -------
    Strategy
    """
    found = {strategy.name: strategy for strategy in strategies}
    return next((found[name] for name in IN_DOUBT if name in found), strategies[0])


def problems_without(problem):
    """Make a problem for each source, in which it is the target and its labels are hidden.

    Parameters
    ----------
    problem : Problem
        With what strategies prepared for it: experts and numbers are not computed again.

    Returns
    -------
    list of (Problem, ndarray of int)
        Each with the rows of the source whose labels the strategies are judged by.
    """
    rng = np.random.default_rng(problem.seed or 0)
    found = []
    for name, rows in problem.source_rows.items():
        others = {other: of for other, of in problem.source_rows.items() if other != name}
        Y = problem.Y.copy()
        Y[rows] = np.nan
        left = replace(
            problem,
            Y=Y,
            target=rows,
            source_rows=others,
            domain=None,
            groups=None,
            equal=None,
            X_deploy=None,
        )
        left.view, left.numbers = problem.view, problem.numbers
        if problem.experts is not None:
            left.experts = [(other, model) for other, model in problem.experts if other != str(name)]
            left.expert_names = [other for other, _ in left.experts]
            left.outputs = np.full((len(Y), len(left.experts) * left.n_targets), np.nan)
            left.outputs[rows] = expert_outputs(left.experts, take(problem.X, rows))
        judged = np.sort(rng.permutation(rows)[:MAX_ROWS_OF_SOURCE])
        found.append((left, judged))
    return found
