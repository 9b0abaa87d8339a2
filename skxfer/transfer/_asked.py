"""Which strategies compete: those that are asked for and can run."""

from .strategies import STRATEGIES


def check_strategies(given, problem, skipped, guard, extra=None):
    """Make the strategies that are asked for.

    Parameters
    ----------
    given : str or list of str
        ``"auto"``: all that can run.
    problem : Problem
    skipped : dict of str to str
        Gets the reason for each that cannot run.
    extra : dict of str to Strategy
        More that may be named.
    guard : bool
        Whether ``"target_only"`` competes in any case.

    Returns
    -------
    list of Strategy

    Raises
    ------
    ValueError
        An unknown name, or a strategy that was named and cannot run.
    """
    extra = extra or {}
    wanted = list(STRATEGIES) if given == "auto" else [given] if isinstance(given, str) else list(given)
    unknown = [name for name in wanted if str(name).partition(":")[0] not in {*STRATEGIES, *extra}]
    if unknown or not wanted:
        known = ", ".join([*STRATEGIES, *extra])
        raise ValueError(f"strategy must be 'auto' or one or more of {known}, got {given!r}.")
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"strategy names one of them twice: {given!r}.")
    if guard and "target_only" not in wanted and not problem.unlabelled:
        wanted.insert(0, "target_only")
    found = []
    for name in wanted:
        if name in extra:
            found.append(extra[name])
            continue
        kind = str(name).partition(":")[0]
        forms = STRATEGIES[kind].for_problem(problem)
        named = [s for s in forms if s.name == name] if name != kind and len(forms) > 1 else forms
        if not named:
            raise ValueError(f"There is no strategy {name!r}, only {[s.name for s in forms]}.")
        for strategy in named:
            why = strategy.missing(problem)
            if why is None and problem.unlabelled and strategy.needs_labels:
                why = "it needs labels of target rows, and there are none"
            if why is None:
                found.append(strategy)
            elif given == "auto":
                skipped[strategy.name] = why
            else:
                raise ValueError(f"The strategy {name!r} cannot run: {why}.")
    return found
