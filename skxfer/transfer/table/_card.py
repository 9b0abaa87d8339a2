"""The card of a model: what it rests on, why it was chosen, what to expect of it; as a dict and in words."""

import datetime
import importlib.metadata
import platform
import textwrap

import numpy as np

from ..._version import __version__
from ...domains import split_domains
from ._citations import citations
from ._view import what_columns_hold

LEVEL = 0.8
USES = {
    "similar": "new rows like the target rows",
    "new_inputs": "new rows unlike the target rows (whole clusters held out)",
    "new_domains": "rows of new domains",
    None: "rows like those that cv holds out",
}
PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "xgboost", "rdkit", "matminer", "ase", "dscribe")


def make_card(model, rows, target, report, entrants):
    """Write the card of a fitted model.

    Parameters
    ----------
    model : TableTransfer
        Fitted.
    rows : dict
        ``table``, ``Y`` and ``sample_domain`` of the fit.
    target : ndarray of int
        Target rows.
    report : TableReport
    entrants : list of Entrant

    Returns
    -------
    dict
        Of dicts, lists, text and numbers, as JSON has them; None for numbers that are not known.
    """
    return {
        "model": "TableTransfer",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "data": {
            "files": [],
            "rows": _rows_of_domains(model, rows, target),
            "columns": what_columns_hold(model.view_),
            "targets": _targets(model, rows["Y"][target]),
        },
        "choice": {name: _choice(model, t) for t, name in enumerate(model.target_names_)},
        "skipped": dict(model.skipped_),
        "notes": [note for entrant in entrants for note in entrant.notes],
        "outside": {
            "held_out_share": model.surroundings_.held_out_share_,
            "meaning": "at most 5 % of the held-out target rows are flagged as outside",
        },
        "checks": [
            {"check": one.check, "level": one.level, "message": one.message, "remedy": one.remedy}
            for one in report.findings
        ],
        "versions": _versions(),
        "licence": {"skxfer": "BSD-3-Clause", "data": None},
        "citations": citations(model),
    }


def add_provenance(model, *, files=(), units=None, licence=None, command=None, notes=()):
    """Add to the card of a model what its estimator cannot know.

    Parameters
    ----------
    model : TableTransfer
        Fitted; changed in place.
    files : list of dict
        ``name``, ``sha256`` and ``bytes`` of the files that the table was read from.
    units : dict of str to str, optional
        Units of the targets.
    licence : str, optional
        Licence of the data.
    command : str, optional
        The line in the shell that made the model.
    notes : list of str, default=()
        How the files were read.

    Returns
    -------
    model : TableTransfer
        The same.
    """
    data = model.card_["data"]
    data["files"] = [dict(file) for file in files]
    data["notes"] = list(notes)
    for target in data["targets"]:
        target["unit"] = (units or {}).get(target["name"])
    model.card_["licence"]["data"] = licence
    model.card_["command"] = command
    return model


def _rows_of_domains(model, rows, target):
    """A record for each domain: name, role, rows, labels of each target."""
    if rows["sample_domain"] is None:
        parts = {"(no domain)": ("target", target)}
    else:
        domain = rows["sample_domain"]
        sources, _ = split_domains(domain, model.source_domains)
        parts = {str(name): ("source", of) for name, of in sources.items()}
        for name in np.unique(domain[target]):
            parts[str(name)] = ("target", target[domain[target] == name])
    return [
        {
            "domain": name,
            "role": role,
            "rows": len(of),
            "labels": {
                target_name: int((~np.isnan(rows["Y"][of, t])).sum())
                for t, target_name in enumerate(model.target_names_)
            },
        }
        for name, (role, of) in parts.items()
    ]


def _targets(model, Y):
    """A record for each target: name, unit, and the labels of the target rows in short."""
    return [
        {
            "name": name,
            "unit": None,
            "lowest": float(np.nanmin(y)),
            "highest": float(np.nanmax(y)),
            "mean": float(np.nanmean(y)),
            # What someone would have who always says the median.
            "error_of_median": float(np.nanmean(np.abs(y - np.nanmedian(y)))),
        }
        for name, y in zip(model.target_names_, Y.T, strict=True)
    ]


def _choice(model, t):
    """What was chosen for a target, and what to expect."""
    inner = model.models_[model.learner_[t]]
    shares = {name: float(w) for name, w in zip(inner.strategies_, inner.weights_[t], strict=True) if w}
    table = model.cv_results_
    mine = [i for i, name in enumerate(table["target"]) if name == model.target_names_[t]]
    return {
        "learner": model.learner_[t],
        "shares": shares,
        "reason": model.reason_.split("\n")[t],
        "transfer_gain": _number(model.transfer_gain_[t]),
        "transfer_gain_interval": [_number(bound) for bound in inner.transfer_gain_interval_[t]],
        "expected_error": [
            one | {key: _number(one[key]) for key in ("mae", "low", "high")}
            for one in model.expected_error_[t]
        ],
        "interval_factor": {"level": LEVEL, "deviations": _number(model.interval_factors(LEVEL)[t])},
        "learners": [
            {key: _plain(table[key][i]) for key in ("learner", "strategy", "mae", "mae_error", "chosen")}
            for i in mine
        ],
    }


def _number(value):
    return float(value) if np.isfinite(value) else None


def _plain(value):
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    return _number(value) if isinstance(value, (float, np.floating)) else value


def _versions():
    found = {"skxfer": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


# in words ---------------------------------------------------------------------------------------------


def choices_in_words(card, width=100):
    """Say what was chosen and what error to expect, a part of :func:`card_in_words`.

    Parameters
    ----------
    card : dict
    width : int, default=100

    Returns
    -------
    list of str
    """
    lines = []
    for text in _say_choices(card):
        lines += textwrap.wrap(text, width, subsequent_indent="  ")
    return lines


def card_in_words(card, width=100):
    """Make a card readable.

    Parameters
    ----------
    card : dict
        ``card_`` of a :class:`TableTransfer`.
    width : int, default=100
        Number of characters in a line.

    Returns
    -------
    list of str
        Lines.
    """
    lines = []
    for title, texts in (
        ("What it predicts", _say_choices(card)),
        ("Data", _say_data(card)),
        ("Columns", _say_columns(card)),
        ("Beware", _say_findings(card)),
        ("Made with", _say_origin(card)),
        ("Please cite", card["citations"]),
    ):
        texts = list(texts)
        if texts:
            lines += ["", title] if lines else [title]
            for text in texts:
                lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
    return lines


def _say_choices(card):
    units = {target["name"]: target.get("unit") for target in card["data"]["targets"]}
    medians = {target["name"]: target["error_of_median"] for target in card["data"]["targets"]}
    for name, choice in card["choice"].items():
        unit = f" {units[name]}" if units[name] else ""
        yield choice["reason"]
        for one in choice["expected_error"]:
            bounds = (
                "" if one["low"] is None else f" ({one['low']:.3g} to {one['high']:.3g} in 80 of 100 cases)"
            )
            yield f"expected error of {name}, {USES[one['use']]}: {one['mae']:.3g}{unit}{bounds}"
        yield f"always saying the median of the target rows: {medians[name]:.3g}{unit}"
        if choice["transfer_gain"] is not None:
            low, high = choice["transfer_gain_interval"]
            yield (
                f"transfer lowers the error of {name} by {choice['transfer_gain']:.0%} "
                f"({low:.0%} to {high:.0%} in 80 of 100 cases)"
                if choice["transfer_gain"]
                else f"transfer brings nothing clear for {name}: it is learned from the target rows alone"
            )


def _say_data(card):
    for file in card["data"]["files"]:
        yield f"{file['name']}: {file['bytes']} bytes, sha256 {file['sha256']}"
    for part in card["data"]["rows"]:
        labels = ", ".join(f"{name} {n}" for name, n in part["labels"].items())
        yield f"{part['role']} {part['domain']}: {part['rows']} rows; labels: {labels}"
    for target in card["data"]["targets"]:
        unit = f" {target['unit']}" if target.get("unit") else ""
        yield f"{target['name']} of the target rows: {target['lowest']:.4g} to {target['highest']:.4g}{unit}"
    yield f"licence of the data: {card['licence']['data'] or 'not stated'}"


def _say_columns(card):
    groups = {}
    for column in card["data"]["columns"]:
        groups.setdefault(column["plural"], []).append(column["name"])
    for plural, names in groups.items():
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        yield f"{plural}: {', '.join(names[:12])}{more}"


def _say_findings(card):
    for one in card["checks"]:
        if one["level"] != "note":
            yield f"{one['message']} {one['remedy']}"
    for name, why in card["skipped"].items():
        yield f"the learner {name} was left out: {why}"
    yield from card["notes"]


def _say_origin(card):
    versions = ", ".join(f"{name} {version}" for name, version in card["versions"].items())
    yield f"{versions}, on {card['created']}; skxfer is under the licence {card['licence']['skxfer']}"
    if card.get("command"):
        yield card["command"]
