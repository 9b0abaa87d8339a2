"""Checks of rows and domains: duplicates, spelling, units, too few rows, sources far from the target."""

import re
import unicodedata

import numpy as np
import pandas as pd

from ._table import Finding

FEWEST_TARGET_ROWS = 10
FEWEST_TEST_ROWS = 3
# Share of the numbers of target rows beyond those of a source from which on the source is far.
FAR = 0.5
# Factors between units that are mixed up: what they are, and how many of the smaller make the larger.
UNITS = {
    "meV and eV, or the like": 1000.0,
    "eV and Hartree": 27.211386,
    "kJ/mol and eV": 96.485,
    "kcal/mol and eV": 23.0605,
    "kJ/mol and kcal/mol": 4.184,
    "Å and nm": 10.0,
    "% and shares": 100.0,
    "Bohr and Å": 1.889726,
}
TOLERANCE = 0.02
KELVIN = 273.15


def few_rows(checked):
    """Count target rows, and those of each test domain."""
    if not checked.targets:
        return
    labelled = checked.table[checked.targets].notna().any(axis=1).to_numpy()
    n = int((checked.is_target & ~checked.is_test & labelled).sum())
    if n < FEWEST_TARGET_ROWS:
        yield Finding(
            "few_rows",
            "warning",
            "There is only one labelled target row to train on."
            if n == 1
            else f"There are only {n} labelled target rows to train on.",
            "That is too few to tell whether transfer helps: label more, ten at least, or take the result "
            "for a guess.",
        )
    for name in checked.tests:
        n = int((checked.domain == name).to_numpy()[labelled].sum())
        if n < FEWEST_TEST_ROWS:
            yield Finding(
                "few_rows",
                "warning",
                f"The test domain {name!r} has {n} labelled rows.",
                "An error over so few rows says little.",
            )


def duplicates(checked):
    """Find the same substance or input in several rows."""
    if not checked.used:
        return
    groups = checked.groups
    what = "input" if checked.substance is None else f"{checked.substance!r}"
    target, source, test = checked.is_target, checked.is_source, checked.is_test
    rows = _repeated(groups, target & ~test)
    if rows.size:
        n = len(np.unique(groups[rows]))
        which = "an input" if checked.substance is None else f"a {checked.substance!r}"
        yield Finding(
            "duplicates",
            "warning",
            f"{rows.size} target rows have {which} that occurs several times ({n} different ones).",
            "Keep these together in one fold, or average them: else a test row is known from training.",
            rows=tuple(map(int, rows)),
        )
    rows = np.flatnonzero(test & np.isin(groups, groups[~test]))
    if rows.size:
        of_source = np.isin(groups[rows], groups[source]).sum()
        yield Finding(
            "duplicates",
            "warning",
            f"{rows.size} test rows have the same {what} as a row to train on ({of_source} as a source row).",
            "Their error says nothing about new inputs: drop them from the training or from the test.",
            rows=tuple(map(int, rows)),
        )
    rows = np.flatnonzero(target & ~test & np.isin(groups, groups[source]))
    if rows.size:
        yield Finding(
            "duplicates",
            "note",
            f"{rows.size} target rows have the same {what} as a source row.",
            "That is fine where a source is the same at a cheaper level, and a mistake where source and "
            "target are different samples.",
            rows=tuple(map(int, rows)),
        )


def _repeated(groups, among):
    """Rows, among some, whose group has several of these."""
    counts = np.bincount(groups[among], minlength=groups.max(initial=0) + 1)
    return np.flatnonzero(among & (counts[groups] > 1))


def conflicting_labels(checked):
    """Find rows of a domain with the same input and different labels."""
    if not checked.used:
        return
    domain = pd.Series("", index=checked.table.index) if checked.domain is None else checked.domain
    both = pd.factorize(pd.Series(checked.inputs).astype(str) + "\0" + domain.astype(str))[0]
    for target in checked.targets:
        y = checked.values(target)
        known = np.isfinite(y)
        rows = _repeated(both, known)
        if not rows.size:
            continue
        frame = pd.DataFrame({"group": both[rows], "y": y[rows], "row": rows})
        spread = frame.groupby("group")["y"].transform(np.ptp).to_numpy()
        differ = spread > 1e-6 * max(np.ptp(y[known]), 1e-300)
        if differ.any():
            widest = int(np.argmax(spread))
            same = frame.loc[frame["group"] == frame["group"].iloc[widest], "row"].tolist()
            order = [*same, *(row for row in rows[differ] if row not in set(same))]
            yield Finding(
                "conflicting_labels",
                "note" if np.median(spread[differ]) < 0.1 * np.std(y[known]) else "warning",
                f"{differ.sum()} rows have the same input as another row of their domain and other labels of "
                f"{target!r}, up to {spread.max():.3g} apart.",
                "No model can do better than this scatter: a feature that tells them apart may be missing.",
                (target,),
                tuple(map(int, order)),
            )


def domain_spelling(checked):
    """Find domains whose names differ by what may be an accident."""
    if checked.domain is None:
        return
    sizes = checked.domain.value_counts()
    spellings = {}
    for name in sizes.index:
        spellings.setdefault(plain_name(name), []).append(name)
    for names in spellings.values():
        if len(names) > 1:
            rows = np.flatnonzero(checked.domain.isin(names[1:]))
            counts = ", ".join(f"{n!r} ({sizes[n]} row{'s' if sizes[n] > 1 else ''})" for n in names)
            yield Finding(
                "domain_spelling",
                "stop",
                f"Domains differ in spelling only: {counts}.",
                "Write them alike if they are the same.",
                (checked.domain_column,),
                tuple(map(int, rows)),
            )


def plain_name(name):
    """Return a name without case, spaces and punctuation; numbers and signs stay as they are.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    if re.fullmatch(r"[\s\d.,+-]*", text):
        return text.strip()
    return re.sub(r"[\s_\-–.,;:'\"()]+", "", text)


def tells_domain(checked):
    """Find features by which source and target rows can be told apart."""
    source, target = checked.is_source, checked.is_target
    if not source.any() or not target.any():
        return
    apart, single = [], []
    for name in checked.used:
        kind = checked.columns[name].kind
        if kind == "number":
            x = checked.values(name)
            a, b = x[source & np.isfinite(x)], x[target & np.isfinite(x)]
            if len(a) < 3 or len(b) < 3 or np.ptp(x[np.isfinite(x)]) == 0:
                continue
            if a.max() < b.min() or b.max() < a.min():
                (single if _one_per_domain(checked, x) else apart).append(name)
        elif kind == "category":
            values = checked.table[name]
            if (
                not set(values[source].dropna()) & set(values[target].dropna())
                and values[target].notna().any()
            ):
                (single if _one_per_domain(checked, pd.factorize(values)[0].astype(float)) else apart).append(
                    name
                )
    remedy = (
        "That is right for what describes the domain (a dielectric constant). Leave out what is bookkeeping "
        "(a year, a batch): a model cannot tell its effect from that of the domain."
    )
    if single:
        text = "has one value in each domain" if len(single) == 1 else "have one value in each domain"
        yield Finding("tells_domain", "warning", f"{_names(single)} {text}.", remedy, tuple(single))
    if apart and len(apart) <= max(2, FAR * len(checked.numbers)):
        text = (
            "has no value in common in source and target rows"
            if len(apart) == 1
            else ("have no values in common in source and target rows")
        )
        yield Finding("tells_domain", "warning", f"{_names(apart)} {text}.", remedy, tuple(apart))


def _names(names, limit=6):
    shown = ", ".join(map(repr, names[:limit])) + (
        f" and {len(names) - limit} more" if len(names) > limit else ""
    )
    return f"Feature {shown}" if len(names) == 1 else f"Features {shown}"


def _one_per_domain(checked, x):
    frame = pd.DataFrame({"domain": checked.domain, "x": x}).dropna()
    return bool((frame.groupby("domain")["x"].nunique() == 1).all())


def units(checked):
    """Find domains whose numbers differ from those of the others by the factor between two units."""
    if checked.domain is None:
        return
    for name in [*checked.targets, *checked.numbers]:
        x = checked.values(name)
        centre, spread, domains = [], [], []
        for domain, rows in checked.domain.groupby(checked.domain, sort=False).groups.items():
            part = x[np.asarray(rows)]
            part = part[np.isfinite(part)]
            if len(part) >= FEWEST_TARGET_ROWS and len(np.unique(part)) > 5:
                centre.append(np.median(part))
                spread.append(np.subtract(*np.percentile(part, [75, 25])))
                domains.append(domain)
        for i in range(1, len(domains)):
            unit = _unit_between(centre[0], centre[i], spread[0], spread[i])
            if unit:
                yield Finding(
                    "units",
                    "warning",
                    f"{name!r} in domain {domains[i]!r} (median {centre[i]:.4g}) and in {domains[0]!r} "
                    f"(median {centre[0]:.4g}) differ as {unit} do.",
                    "Convert them to one unit, if that is the reason.",
                    (name,),
                )
                break


def _unit_between(a, b, spread_a, spread_b):
    """Name the units that make the difference between two distributions, or return None."""
    if min(spread_a, spread_b) <= 0:
        return None
    if abs(abs(a - b) - KELVIN) < 0.05 * KELVIN and 0.8 < spread_a / spread_b < 1.25:
        return "K and °C"
    if a * b <= 0:
        return None
    ratios = a / b, spread_a / spread_b
    if ratios[0] < 1:
        ratios = b / a, spread_b / spread_a
    for unit, factor in UNITS.items():
        loose = TOLERANCE if factor < 15 else 5 * TOLERANCE
        if all(abs(ratio / factor - 1) < loose for ratio in ratios):
            return unit
    return None


def far_sources(checked):
    """Find sources whose inputs or labels hardly overlap with those of the target."""
    target = checked.is_target
    if not checked.sources or not target.any():
        return
    for name in checked.sources:
        source = (checked.domain == name).to_numpy()
        if source.sum() < 3:
            continue
        outside, total = 0, 0
        for column in checked.numbers:
            x = checked.values(column)
            a, b = x[source & np.isfinite(x)], x[target & np.isfinite(x)]
            if len(a) and len(b) and np.ptp(a) > 0:
                outside += ((b < a.min()) | (b > a.max())).sum()
                total += len(b)
        if total and outside > FAR * total:
            yield Finding(
                "far_sources",
                "warning",
                f"{outside / total:.0%} of the numbers in target rows lie outside the range of those in the "
                f"source {name!r}.",
                "What it teaches must be extrapolated: check that columns and units mean the same in both.",
            )
        for label in checked.targets:
            y = checked.values(label)
            a, b = y[source & np.isfinite(y)], y[target & np.isfinite(y)]
            if len(a) and len(b) and (a.max() < b.min() or b.max() < a.min()):
                yield Finding(
                    "far_sources",
                    "warning",
                    f"The labels of {label!r} in the source {name!r} ({a.min():.4g} to {a.max():.4g}) and in "
                    f"the target rows ({b.min():.4g} to {b.max():.4g}) do not overlap.",
                    "Check that it is the same property in the same unit. A constant shift can be "
                    "transferred.",
                    (label,),
                )


CHECKS = (few_rows, domain_spelling, duplicates, conflicting_labels, units, tells_domain, far_sources)
