"""What competes in TransferCV next to the strategies: a plain baseline and regressors of the user's own."""

from contextlib import suppress

from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from ..inputs import check_names, find_missing_value, n_rows
from ..learners import check_regressor, default_learner, uses_source, without_start
from ._problem import predicts_numbers
from .strategies import Candidate

# From this many rows on, boosting on histograms is both faster and as good.
MANY_ROWS = 5_000
# Parameters of a source that are about its one fit. A learner derived from it has None for each, where the
# class of the source accepts that.
OF_ONE_FIT = ("calibration", "learning_rate", "max_epochs")


def check_candidates(candidates):
    """Bring the user's regressors into one form.

    Parameters
    ----------
    candidates : list of (str, regressor or "drop") or None

    Returns
    -------
    dict of str to regressor or "drop"

    Raises
    ------
    TypeError, ValueError
        An entry of another form, two of one name.
    """
    for entry in candidates or []:
        is_pair = isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)
        if not is_pair or not (hasattr(entry[1], "fit") or isinstance(entry[1], str) and entry[1] == "drop"):
            raise TypeError(f"candidates must be a list of (name, regressor) or (name, 'drop'): {entry!r}.")
        check_regressor(entry[1], f"The candidate {entry[0]!r}")
    check_names([name for name, _ in candidates or []], "entries of candidates")
    return dict(candidates or [])


def with_candidates(strategies, extra):
    """Add the user's regressors to the strategies, in place of those with the same names.

    Parameters
    ----------
    strategies : list of Strategy
    extra : dict of str to regressor or "drop"

    Returns
    -------
    list of Strategy

    Raises
    ------
    ValueError
        There is nothing of this name to drop, or nothing is left.
    """
    found = {strategy.name: strategy for strategy in strategies}
    for name, given in extra.items():
        if isinstance(given, str):
            if name not in found:
                raise ValueError(f"There is no strategy {name!r} to drop, only {list(found)}.")
            del found[name]
        else:
            found[name] = Candidate(name, given)
    if not found:
        raise ValueError("No strategy is left: give sources, estimator or candidates.")
    return list(found.values())


def target_learner(estimator, trained, kind):
    """Return what is trained on the target rows.

    Parameters
    ----------
    estimator : regressor or None
        The user's; None: the first source's kind, for a table without sources extra trees.
    trained : list of (str, fitted estimator)
    kind : {"table", "formulas", "structures", "other"}

    Returns
    -------
    regressor or None
    """
    if estimator is not None:
        return estimator
    if trained and predicts_numbers(trained[0][1]):
        return _derived(trained[0][1])
    return default_learner() if kind == "table" else None


def residual_learner(learner, baseline, kind):
    """Return what learns the rest that frozen experts leave: the baseline for formulas, else the learner.

    Parameters
    ----------
    learner : regressor or None
    baseline : regressor, "drop" or None
    kind : {"table", "formulas", "structures", "other"}

    Returns
    -------
    regressor or None
    """
    if kind == "formulas" and hasattr(baseline, "fit") and not uses_source(baseline):
        return baseline
    return None if learner is None else without_start(learner)


def _derived(source):
    """An unfitted learner of the source's kind, for rows and a use that are not those of the source."""
    bare = without_start(source, also=("sources", "source_domains"))
    accepted = getattr(type(bare), "_parameter_constraints", {})
    for name in OF_ONE_FIT:
        if name in accepted and name in bare.get_params(deep=False):
            with suppress(InvalidParameterError):
                validate_parameter_constraints({name: accepted[name]}, {name: None}, type(bare).__name__)
                bare.set_params(**{name: None})
    return bare


def plain_baseline(X, kind):
    """Return gradient boosting, on descriptors of the composition where X holds formulas.

    Parameters
    ----------
    X : inputs of any kind
    kind : {"table", "formulas", "structures", "other"}

    Returns
    -------
    regressor or None
        None for other objects.
    """
    if kind not in ("table", "formulas"):
        return None
    from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor

    from ..featurizers import CompositionFeaturizer

    many = n_rows(X) > MANY_ROWS or find_missing_value(X) is not None  # which other boosting refuses
    if many and not sparse.issparse(X):
        boosting = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=0)
    else:
        boosting = GradientBoostingRegressor(
            n_estimators=300, learning_rate=0.05, max_depth=4, max_features=0.2, subsample=0.7, random_state=0
        )
    boosting = TransformedTargetRegressor(boosting, transformer=StandardScaler())  # trees stop at small y
    return boosting if kind == "table" else make_pipeline(CompositionFeaturizer("magpie"), boosting)
