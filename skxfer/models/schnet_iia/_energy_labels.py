"""Energies and forces as labels: read, checked, without the energies of the elements, scaled."""

import warnings
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ...energy_units import looks_like_hartree, unit_factor
from ...structures import SYMBOLS, Structures
from ..base.labels import labelled, read_labels
from ..base.references import element_counts, fit_references, robust_scale


@dataclass
class Targets:
    """What a network learns from."""

    structures: Structures
    energy: np.ndarray  # (n_structures,) in eV
    forces: np.ndarray | None  # (n_atoms, 3) in eV/Å
    weight: np.ndarray  # (n_structures,)


def read_targets(model, structures, y, forces, sample_weight):
    """Read energies, forces and weights, and leave out structures without energy or weight.

    Parameters
    ----------
    model : SchNetIIARegressor
    structures : Structures
    y : array-like of shape (n_structures,)
    forces : sequence of array-like, or None
    sample_weight : array-like of shape (n_structures,) or None

    Returns
    -------
    Targets

    Warns
    -----
    UserWarning
        The energies look like Hartree and ``energy_unit`` says otherwise.
    """
    labels = read_labels(model, y, len(structures), sample_weight)
    if labels.Y.shape[1] != 1:
        raise ValueError(f"y must be one energy for each structure, it has the shape {labels.Y.shape}.")
    checked = None if forces is None else check_forces(forces, structures, model.energy_unit)
    labels = labelled(labels)
    structures, energy = structures.take(labels.rows), labels.Y[:, 0]
    per_atom = model.energy_unit.endswith("/atom")
    total = energy * (structures.n_atoms if per_atom else 1)
    if not model.energy_unit.startswith("Hartree") and looks_like_hartree(structures, total):
        warnings.warn(
            f"The energies look like Hartree, but energy_unit is {model.energy_unit!r}: if they are, pass "
            f"energy_unit='Hartree{'/atom' if per_atom else ''}'.",
            stacklevel=4,
        )
    if checked is not None:
        checked = np.concatenate([checked[row] for row in labels.rows])
    energy = energy * unit_factor(model.energy_unit, structures.n_atoms)
    return Targets(structures, energy, checked, labels.weight[:, 0])


def check_forces(forces, structures, energy_unit):
    """Read forces.

    Parameters
    ----------
    forces : sequence of array-like
        For each structure an array of shape (n_atoms, 3).
    structures : Structures
    energy_unit : str

    Returns
    -------
    list of ndarray of shape (n_atoms, 3)
        In eV/Å.

    Raises
    ------
    ValueError
        Naming the structure: another shape, no real numbers, or a force that is not finite or is masked.
    """
    if not hasattr(forces, "__len__") or len(forces) != len(structures):
        found = len(forces) if hasattr(forces, "__len__") else type(forces).__name__
        raise ValueError(
            f"forces must be a sequence of arrays, one for each of {len(structures)} structures, not {found}."
        )
    checked = []
    for row, (part, n_atoms) in enumerate(zip(forces, structures.n_atoms, strict=True)):
        part = _as_numbers(part, row)
        if part.shape != (n_atoms, 3):
            raise ValueError(
                f"The forces of structure {row} have the shape {part.shape}, but it has {n_atoms} atoms: "
                f"give an array of shape ({n_atoms}, 3)."
            )
        if not np.isfinite(part).all():
            atom = np.flatnonzero(~np.isfinite(part).all(axis=1))[0]
            raise ValueError(
                f"The force on atom {atom} of structure {row} is {part[atom].tolist()}: drop this structure."
            )
        checked.append(part * unit_factor(energy_unit))
    return checked


def _as_numbers(part, row):
    """Forces of one structure as real numbers; masked ones are NaN."""
    try:
        numbers = np.ma.asarray(part) if isinstance(part, np.ma.MaskedArray) else np.asarray(part)
        if numbers.dtype.kind in "cmM":
            raise TypeError
        numbers = numbers.astype(float)
    except (TypeError, ValueError):
        raise ValueError(
            f"The forces of structure {row} are not an array of real numbers: give one of shape (n_atoms, 3)."
        ) from None
    return numbers.filled(np.nan) if isinstance(numbers, np.ma.MaskedArray) else numbers


def scale_targets(model, targets, graph, source):
    """Take off the energies of the elements, and bring what is left to the scale of the network.

    Parameters
    ----------
    model : SchNetIIARegressor
        Gets ``reference_energies_``, ``center_`` and ``scale_``.
    targets : Targets
    graph : Graph
        The same structures.
    source : SchNetIIARegressor or None
        The model that is continued, whose predictions are corrected.

    Returns
    -------
    dict of str to ndarray
        Labels of :class:`skxfer.nn.losses.EnergyLoss`.
    """
    structures, energy, n_atoms = targets.structures, targets.energy, targets.structures.n_atoms
    old, known = {}, 0.0
    if source is not None:
        members = sorted({member % len(source.nets_) for member in range(model.n_members)})
        outputs = source._run(graph.to(source.device), "energies")[:, members]
        old, known = source.reference_energies_, source.scale_ * outputs.mean(axis=1, dtype=float)
    model.reference_energies_ = _references(model, structures, energy - known, old)
    left = (energy - elemental_energies(model.reference_energies_, structures)) / n_atoms
    model.center_ = float(np.median(left - known / n_atoms))
    model.scale_ = robust_scale(left - model.center_)
    labels = {
        "energy": (left - model.center_) / model.scale_,
        "weight": targets.weight / targets.weight.mean(),
        "n_atoms": n_atoms,
    }
    if targets.forces is not None:
        labels["forces"] = targets.forces / model.scale_
    return labels


def elemental_energies(references, structures):
    """Sum the energies of the elements in each structure.

    Parameters
    ----------
    references : dict of str to float
        In eV, by symbol.
    structures : Structures

    Returns
    -------
    ndarray of shape (n_structures,)
        In eV.
    """
    return element_counts(structures, references) @ np.array(list(references.values()))


def _references(model, structures, energy, old):
    """Energies of the elements by symbol, in eV; `old` are those of the model to continue."""
    if model.reference_energies is not None:
        return old | _given_references(model, SYMBOLS[structures.numbers])
    counts = element_counts(structures, model.elements_)
    prior = np.array([old.get(symbol, 0.0) for symbol in model.elements_])
    fitted = prior + fit_references(counts, energy - counts @ prior)
    return dict(zip(model.elements_, fitted.tolist(), strict=True))


def _given_references(model, present):
    """The energies given for the elements that are present, in eV."""
    given = dict(model.reference_energies)
    found = {}
    for symbol in sorted(set(present)):
        if symbol not in given:
            raise ValueError(
                f"reference_energies has no energy of {symbol}, only of {', '.join(map(repr, given))}: "
                "add it, or give none."
            )
        if not isinstance(given[symbol], Real) or not np.isfinite(given[symbol]):
            raise ValueError(f"reference_energies[{symbol!r}] must be a number, it is {given[symbol]!r}.")
        found[symbol] = float(given[symbol]) * unit_factor(model.energy_unit)
    return found
