"""Checks of features and labels: leaks, row numbers, constants, outliers, missing values."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..input_kinds import KINDS, unreadable
from ._table import Finding

# Correlation from which on a feature determines the target, or nearly does.
DETERMINES, NEARLY = 0.9999, 0.99
# Robust standard deviations from which on a value may be an outlier; the largest share that outliers have.
OUTLIER = 8.0
OUTLIER_SHARE = 0.02
APART = 3.0
FEWEST = 8
SHOWN = 6


def determines_target(checked):
    """Find features with which the target is known."""
    for target in checked.targets:
        y = checked.values(target)
        for where, rows in _scopes(checked):
            found = {}
            for name in checked.numbers:
                x = checked.values(name)
                both = rows & np.isfinite(x) & np.isfinite(y)
                if both.sum() >= FEWEST:
                    found[name] = _correlation(x[both], y[both])
            known = {name: r for name, r in found.items() if r >= NEARLY}
            if known:
                yield _leak(checked, target, y, known, where)
                break  # of several scopes the first tells all
        for name in checked.used:
            if checked.columns[name].kind == "category":
                yield from _category_leak(checked, target, y, name)


def _scopes(checked):
    """Rows in which a leak is looked for: of the target, of all, of the sources."""
    yield "", checked.is_target
    if checked.is_source.any():
        yield " in the source rows", checked.is_source


def _correlation(x, y):
    """Larger of the correlations of values and of ranks."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        r = [abs(np.corrcoef(a, b)[0, 1]) for a, b in ((x, y), (rankdata(x), rankdata(y)))]
    return float(np.nan_to_num(max(r)))


def _leak(checked, target, y, known, where):
    names = sorted(known, key=known.get, reverse=True)
    worst = names[0]
    x = checked.values(worst)
    both = np.isfinite(x) & np.isfinite(y) & (checked.is_target if not where else checked.is_source)
    verb = "determines" if known[worst] >= DETERMINES else "nearly determines"
    size = np.abs(x[both]).max()  # tiny numbers have no square
    slope, intercept = np.polyfit(x[both] / size, y[both], 1) / [size, 1.0]
    exact = np.abs(slope * x[both] + intercept - y[both]).max() <= 1e-6 * np.ptp(y[both])
    how = f"correlation {known[worst]:.4f}".rstrip("0").rstrip(".")
    if exact:
        how = f"{target} = {slope:.4g} × {worst}" + (
            f" {intercept:+.3g}" if abs(intercept) > 1e-6 * np.ptp(y[both]) else ""
        )
    others = f"; so do {', '.join(names[1:SHOWN])}" if len(names) > 1 else ""
    return Finding(
        "determines_target",
        "stop" if exact and not where and worst not in checked.chosen else "warning",
        f"Feature {worst!r} {verb} the target {target!r}{where} ({how}){others}.",
        "If it is computed from the target, or known only once the target is, leave it out: each error in a "
        "study with it is too small.",
        tuple(names),
    )


def _category_leak(checked, target, y, name):
    """A category in which all labels are the same, though they are few compared with the rows."""
    rows = checked.is_target & np.isfinite(y) & checked.table[name].notna().to_numpy()
    codes, values = pd.factorize(checked.table[name][rows])
    y = y[rows]
    if len(y) < 20 or len(values) > len(y) / 3 or np.ptp(y) == 0:
        return
    mean = np.bincount(codes, y) / np.bincount(codes)
    unexplained = ((y - mean[codes]) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    if unexplained < 1 - NEARLY**2:
        yield Finding(
            "determines_target",
            "warning",
            f"The {len(values)} categories of {name!r} explain {1 - unexplained:.1%} of {target!r}.",
            "If they are made from the target, leave the column out.",
            (name,),
        )


def row_numbers(checked):
    """Find features that count the rows."""
    for name in checked.numbers:
        x = checked.values(name)
        if len(x) >= FEWEST and np.isfinite(x).all() and np.all(np.diff(x) == 1):
            yield Finding(
                "row_numbers",
                "warning",
                f"Feature {name!r} counts the rows.",
                "Leave it out: where rows are sorted it gives domain or target away.",
                (name,),
            )


def constant(checked):
    """Name the columns that have one value only."""
    names = [
        name for name, column in checked.columns.items() if column.why.startswith("the same in every row")
    ]
    names += [name for name in checked.numbers if _is_constant(checked.values(name))]
    if names:
        yield Finding(
            "constant",
            "note",
            f"{_columns(names)} the same in every row.",
            "Nothing can be learned from that.",
            tuple(names),
        )


def _is_constant(values):
    return len(values) > 1 and np.isfinite(values).all() and np.ptp(values) == 0


def _columns(names):
    names = [repr(name) for name in names]
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return f"Column {shown} is" if len(names) == 1 else f"Columns {shown} are"


def outliers(checked):
    """Find labels far from those of their domain, and features far from all."""
    names = pd.Series("", index=checked.table.index) if checked.domain is None else checked.domain
    for target in checked.targets:
        y, rows = checked.values(target), []
        for _, members in names.groupby(names, sort=False).groups.items():
            members = np.asarray(members)
            rows += list(members[far_from_rest(y[members])])
        if rows:
            yield _outlying(f"target {target!r}", target, y, sorted(rows))
    for name in checked.numbers:
        if checked.columns[name].kind == "number":
            x = checked.values(name)
            rows = np.flatnonzero(far_from_rest(x))
            if rows.size:
                yield _outlying(f"feature {name!r}", name, x, list(rows))


def far_from_rest(values):
    """Find values far from the median, and several times as far as any that is not.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        NaN is ignored.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True for at most 2 % of the values: in the tail of a broad distribution, values follow one another.
    """
    known = values[np.isfinite(values)]
    if len(known) < 20 or len(np.unique(known)) < 10:
        return np.zeros(len(values), dtype=bool)
    distance = np.abs(values - np.median(known))
    ordered = np.sort(distance[np.isfinite(distance)])
    spread = 1.4826 * np.median(ordered)
    most = max(1, int(OUTLIER_SHARE * len(known)))
    tail, before = ordered[-most:], ordered[-most - 1 : -1]
    alone = tail[(tail > OUTLIER * spread) & (tail > APART * before)]
    return distance >= (alone[0] if alone.size else np.inf)


def _outlying(what, name, values, rows):
    usual = np.nanpercentile(values, [2.5, 97.5])
    first = values[rows[0]]
    ratio = _common_factor(first, np.nanmedian(values))
    hint = f" It is about {ratio:g} times the usual: another unit, or a decimal mark?" if ratio else ""
    n = (
        f"{len(rows)} values of the {what} are outliers"
        if len(rows) > 1
        else f"A value of the {what} is an outlier"
    )
    return Finding(
        "outliers",
        "warning",
        f"{n}, such as {first:.6g}, where 95 % are between {usual[0]:.4g} and {usual[1]:.4g}.{hint}",
        "Look at them: correct or drop what is wrong; keep what is right.",
        (name,),
        tuple(int(row) for row in rows),
    )


def _common_factor(value, median):
    """Return 1000, 100, … or their inverse if a value is about so many times the median."""
    if not median or not value or value * median < 0:
        return None
    return next((f for f in (1e3, 1e-3, 1e2, 1e-2, 1e6, 1e-6) if 0.5 < value / median / f < 2), None)


def missing(checked):
    """Count missing labels and features."""
    for target in checked.targets:
        absent = np.flatnonzero(~np.isfinite(checked.values(target)))
        if absent.size:
            yield Finding(
                "missing",
                "note",
                f"The target {target!r} has no label in {absent.size} of {len(checked.table)} rows.",
                "These rows are not used for it.",
                (target,),
                tuple(map(int, absent)),
            )
    holes = {name: int(checked.table[name].isna().sum()) for name in checked.used}
    holes = {name: n for name, n in holes.items() if n}
    if holes:
        shown = ", ".join(f"{name!r} {n}" for name, n in list(holes.items())[:SHOWN])
        more = f" and {len(holes) - SHOWN} more columns" if len(holes) > SHOWN else ""
        rows = np.flatnonzero(checked.table[list(holes)].isna().any(axis=1))
        yield Finding(
            "missing",
            "note",
            f"Features are missing: {shown}{more}.",
            "Learners that take missing values get them; for others they are filled in with the median.",
            tuple(holes),
            tuple(map(int, rows)),
        )


def bad_cells(checked):
    """Name the cells that are not what their column holds."""
    for name, error in checked.bad_cells.items():
        if name in checked.targets or checked.columns.get(name) is not None:
            marks = (
                f" What stands for a missing value ({', '.join(map(repr, error.marks))}) can be declared so."
            )
            yield Finding(
                "bad_cells",
                "stop" if name in checked.targets else "warning",
                error.problem,
                "Correct it: the column is not used as it is." + marks * bool(error.marks),
                (name,),
                (error.row - 1,),
            )
    for name in checked.used:
        column = checked.table[name]
        rows = np.flatnonzero(unreadable(checked.columns[name].kind, column, checked.folder))
        if rows.size:
            kind = checked.columns[name].kind
            one = {"formula": "formula", "smiles": "SMILES", "structure": "file"}[kind]
            yield Finding(
                "bad_cells",
                "stop",
                f"Column {name!r} holds {KINDS[kind].plural}, but there is no such {one} as "
                f"{column.iloc[rows[0]]!r}.",
                "Correct or drop these rows, or leave the column out.",
                (name,),
                tuple(map(int, rows)),
            )


CHECKS = (bad_cells, determines_target, row_numbers, outliers, constant, missing)
