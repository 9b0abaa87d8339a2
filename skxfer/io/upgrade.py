"""Files of the first format: attributes and strategies of the package's own classes had other names."""

# Per class: names of attributes then and now.
_ATTRIBUTES = {
    "HierarchicalTransfer": {"strategy_weights_": "weights_", "models_": "estimators_"},
    "SequentialTransfer": {"carry": "strategy", "carry_": "strategy_"},
}
_STRATEGIES = {
    "HierarchicalTransfer": {"frozen": "frozen_experts", "merge": "merge_relevant"},
    "SequentialTransfer": {"frozen": "frozen_experts", "continue": "fine_tuned"},
}


def upgrade(name, state):
    """Return the attributes of an own object under the names of today.

    Parameters
    ----------
    name : str
        Of the class.
    state : dict
        As it is in the file.

    Returns
    -------
    dict
    """
    if name not in _ATTRIBUTES or not state.keys() & {"strategy_weights_", "carry", "cv_errors_"}:
        return state
    renamed = _STRATEGIES[name]
    state = {_ATTRIBUTES[name].get(key, key): value for key, value in state.items()}
    for key in ("strategy", "strategy_", "strategies_"):
        value = state.get(key)
        if isinstance(value, list):
            state[key] = [renamed.get(one, one) for one in value]
        elif isinstance(value, str):
            state[key] = renamed.get(value, value)
    if name == "HierarchicalTransfer":
        _complete(state, renamed)
    return state


def _complete(state, renamed):
    """Add what HierarchicalTransfer has since."""
    state["estimators_"] = {renamed.get(key, key): model for key, model in state["estimators_"].items()}
    if state.get("source_filter") in ("relevance", None):
        state["source_filter"] = 0.2
    for key in ("target_only_", "cv_errors_"):
        state.pop(key, None)
    state |= {"combine": "blend", "low_fidelity": None, "verbose": False}
    state |= {"skipped_": {}, "reason_": "", "cv_results_": {}, "_cheap": None}
    state["target_names_"] = list(range(state["n_targets_"]))
