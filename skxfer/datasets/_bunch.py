"""What the fetchers of tables share: the names of parts that a user asks for, and the Bunch they return."""

from sklearn.utils import Bunch

from ..inputs import as_object_array
from .files import DATA


def table_bunch(
    table, features, target, *, as_frame, return_X_y, target_unit, feature_units, descr, **extras
):
    """Build the Bunch from a table with the columns `features`, `target` and ``domain``.

    Columns of several kinds stay a DataFrame; a single one becomes a 1-D object array unless `as_frame`.
    """
    table = table.reset_index(drop=True)
    X, y, domain, frame = table[features], table[target], table["domain"], None
    if as_frame:
        frame = table[[*features, target, "domain"]]
    else:
        y, domain = y.to_numpy(), domain.to_numpy(dtype=str)
        if len(features) == 1:
            X = as_object_array(X[features[0]])
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        domain=domain,
        frame=frame,
        feature_names=list(features),
        feature_units=list(feature_units),
        target_names=[target],
        target_units=[target_unit],
        DESCR=(DATA / descr).read_text(encoding="utf-8"),
        **extras,
    )


def check_names(names, known, parameter):
    """Return a list of distinct known names from one name or several."""
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"Unknown {parameter} {unknown}: choose one or more of {list(known)}.")
    if len(set(names)) < len(names):
        raise ValueError(f"A name occurs twice in {parameter} {names}: its rows would be doubled.")
    return names
