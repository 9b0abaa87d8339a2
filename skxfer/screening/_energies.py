"""Structures and their energies before training: what is wrong, in which rows, and what to do about it."""

import textwrap
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._bonds import BOND_FACTOR, covalent_radii, fragments
from ..energy_units import ENERGY_UNITS, free_atoms, is_bound, unit_factor
from ..inputs import as_numbers
from ..structures import SYMBOLS, neighbour_pairs, read_structures
from ._duplicates import find_duplicates
from ._labels import FEWEST, label_deviation, suspected_units

# What each check finds, and what to do.
CHECKS = {
    "missing_label": (
        "The label is NaN or infinite.",
        "Compute it, or leave the row out.",
    ),
    "suspect_unit": (
        "By its magnitude the label is a total energy of all electrons in another unit, or per atom (column "
        "suspected_unit).",
        "Name the unit in energy_unit, or convert the labels to totals in one unit.",
    ),
    "above_free_atoms": (
        "The label lies above the energy of the free atoms: most likely a calculation that failed, or that "
        "ended in an excited state.",
        "Compute it again, or leave the row out. If this is so for most rows, the reference energies are of "
        "another method or unit than the labels.",
    ),
    "too_strongly_bound": (
        "The label lies more than 12 eV/atom below the energy of the free atoms, more than any bonds bring.",
        "Check the reference energies, their unit, and the method of this row.",
    ),
    "outlying_label": (
        "The label is far from those of its composition, or from what its elements make likely (column "
        "label_deviation).",
        "Look at the structure and its calculation; if both are right, keep it and train with a robust loss.",
    ),
    "overlapping_atoms": (
        "Two atoms are closer than any bond (column min_distance_ratio).",
        "Remove an atom that is there twice, check that positions are in Å, or leave the row out.",
    ),
    "fragmented": (
        "The atoms are in several pieces (column n_fragments).",
        "A right label of something else than one cluster: leave the row out, or pass ignore='fragmented' if "
        "a model shall learn of pieces as well. For ionic or weakly bound clusters raise `bond_factor`.",
    ),
    "duplicate": (
        "An earlier row has the same geometry (column duplicate_of).",
        "Keep one of them, or at least never have one in training and one in a test fold.",
    ),
    "conflicting_label": (
        "The same geometry has different labels in other rows.",
        "Find out which is right (usually the lowest, unless spin or charge differ) and leave out the rest.",
    ),
}
MOST_BINDING = 12.0  # eV/atom; tungsten has 8.9


class ScreenReport(Bunch):
    """What :func:`screen_unbound` found; its text says it in words."""

    def __repr__(self):
        n, kept = len(self.keep), int(self.keep.sum())
        lines = [f"{n} structures: {n - kept} with a finding, {kept} without. Nothing was dropped."]
        found = self.summary[self.summary["n"] > 0]
        for check, row in found.iterrows():
            ignored = ", ignored in keep" if check in self.ignored else ""
            rows = row["first_rows"] + (", ..." if row["n"] > len(row["first_rows"].split(", ")) else "")
            lines += ["", f"{check}: {row['n']} ({100 * row['share']:.1f} %{ignored}), rows {rows}"]
            text = f"{row['meaning']} {row['remedy']}"
            lines += textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="    ")
        clean = [check for check in self.summary.index if check not in {*found.index, *self.skipped}]
        lines += ["", f"No finding: {', '.join(clean) or 'none'}."]
        lines += [f"Not checked: {check}, {why}" for check, why in self.skipped.items()]
        return "\n".join(lines)

    __str__ = __repr__


_POSITIVE = [Interval(Real, 0, None, closed="neither")]


@validate_params(
    {
        "reference_energies": [dict, pd.Series, None],
        "energy_unit": [StrOptions(set(ENERGY_UNITS))],
        "ignore": [str, list, tuple, set],
        "overlap": _POSITIVE,
        "bond_factor": _POSITIVE,
        "tolerance": _POSITIVE,
        "label_tolerance": [Interval(Real, 0, None, closed="left")],
        "outlier": _POSITIVE,
    },
    prefer_skip_nested_validation=True,
)
def screen_unbound(
    atoms,
    y=None,
    *,
    reference_energies=None,
    energy_unit="eV",
    ignore=(),
    overlap=0.5,
    bond_factor=BOND_FACTOR,
    tolerance=0.01,
    label_tolerance=0.01,
    outlier=8.0,
):
    """Screen structures and their energies for what is wrong with them; drop nothing.

    ======================  ==================================================================================
    check                   what it finds
    ======================  ==================================================================================
    ``missing_label``       NaN or infinite
    ``suspect_unit``        labels that look like total energies of all electrons in another unit, or per atom
    ``above_free_atoms``    labels above the sum of the energies of the free atoms
    ``too_strongly_bound``  labels more than 12 eV/atom below that sum
    ``outlying_label``      labels far from those of the same composition
    ``overlapping_atoms``   two atoms at less than ``overlap`` of the sum of their covalent radii
    ``fragmented``          molecules and clusters that are not one piece
    ``duplicate``           the geometry of an earlier row; moved, rotated, mirrored, or its atoms reordered
    ``conflicting_label``   rows of one geometry with different labels
    ======================  ==================================================================================

    Parameters
    ----------
    atoms : sequence of length n_structures
        :class:`ase.Atoms`, pairs (atomic numbers, positions in Å), or paths; see
        :func:`skxfer.structures.read_structures`.
    y : array-like of shape (n_structures,) or (n_structures, 1), default=None
        Total energies, or these per atom. Without them the geometries alone are checked.
    reference_energies : dict of str to float, default=None
        Energy of the free atom of each element, by symbol, in the unit of `y` and by the same method (the
        ``reference_energies`` of our data sets). Without it the labels are not compared with free atoms; the
        report says so.
    energy_unit : str, default="eV"
        Unit of `y`: "eV", "meV", "Hartree", "kcal/mol" or "kJ/mol", or one of these per atom, as "eV/atom".
    ignore : str or sequence of str, default=()
        Checks that are reported but leave ``keep`` alone, such as ``"fragmented"``.
    overlap : float, default=0.5
        Share of the sum of covalent radii below which two atoms overlap. The shortest of all bonds, Cr2, has
        0.6.
    bond_factor : float, default=1.25
        Multiple of the sum of covalent radii up to which two atoms are bonded.
    tolerance : float, default=0.01
        Geometries are the same if none of their sorted distances that are compared differ by more, in Å: of
        each pair of elements all, or 256 evenly spaced ones if there are more.
    label_tolerance : float, default=0.01
        Labels of one geometry that differ by more, in eV/atom, are in conflict.
    outlier : float, default=8.0
        Distance from the median, in robust standard deviations (1.4826 times the median absolute deviation),
        from which on a label is outlying. Compositions with fewer than 10 rows are judged together, as
        energies per atom beyond the sum of fitted energies of their elements.

    Returns
    -------
    found : :class:`~sklearn.utils.Bunch`
        Print it to read what was found and what to do. With the attributes

        keep : ndarray of bool of shape (n_structures,)
            True where no check that counts found anything.
        bound : ndarray of bool of shape (n_structures,)
            False for ``above_free_atoms``.
        report : DataFrame of n_structures rows
            ``formula``, ``n_atoms``, ``label``, ``energy_above_atoms`` (per atom, unit of `y`; if bound
            negative), ``suspected_unit`` (empty if none), ``label_deviation`` (robust standard deviations),
            ``min_distance_ratio`` (smallest distance as share of the sum of covalent radii; NaN if no two
            atoms are bonded), ``n_fragments``, ``duplicate_of`` (an earlier row, or missing), and a column of
            bool for each check.
        summary : DataFrame of one row for each check
            ``n``, ``share``, ``first_rows``, ``meaning`` and ``remedy``.
        skipped : dict of str to str
            Checks that were not made, and why.
        ignored : tuple of str
            As given.

    Raises
    ------
    TypeError, ValueError
        A structure that cannot be read (naming the row); labels of another length; an element without a
        reference energy; an unknown name in `ignore`.
    ImportError
        A path was given, and ASE is not installed; or a structure is periodic or has more than 100 atoms,
        and matscipy is not.

    Notes
    -----
    Total energies of all electrons are known by their magnitude, from the atomic numbers alone, to 10 %.
    Units of valence energies (pseudopotentials, tight binding) cannot be told. Whether labels are per atom is
    told from all rows together. Periodic structures are not compared for duplicates, and never called
    fragmented.

    Examples
    --------
    >>> from skxfer import screen_unbound
    >>> from skxfer.datasets import make_doped_clusters
    >>> clusters = make_doped_clusters(sizes=(6,), n_per_size=12, random_state=0)
    >>> y = clusters.target.copy()
    >>> y[3] += 40  # a calculation that failed
    >>> found = screen_unbound(clusters.data, y, reference_energies=clusters.reference_energies)
    >>> found.keep.nonzero()[0].tolist()
    [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    >>> found.summary.loc["above_free_atoms", "first_rows"]
    '3'
    """
    structures = read_structures(atoms)
    ignored = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    unknown = [check for check in ignored if check not in CHECKS]
    if unknown:
        raise ValueError(f"Unknown check {unknown[0]!r} in ignore: choose from {list(CHECKS)}.")
    table = _describe(structures)
    skipped = {}
    if y is None:
        skipped |= dict.fromkeys(list(CHECKS)[:5] + ["conflicting_label"], "as y was not given.")
    else:
        table["label"] = y = _check_labels(y, len(structures))
        energies = y * unit_factor(energy_unit, structures.n_atoms)
        _screen_labels(table, structures, energies, reference_energies, energy_unit, outlier, skipped)
    _screen_distances(table, structures, overlap, bond_factor)
    _screen_duplicates(table, structures, tolerance)
    if y is not None:
        _screen_conflicts(table, energies / structures.n_atoms, label_tolerance)
    if structures.pbc.any():
        n = int(structures.pbc.any(axis=1).sum())
        why = f"as geometries of periodic structures are not compared ({n} rows)."
        skipped |= {"duplicate": why, "conflicting_label": skipped.get("conflicting_label", why)}
    for check in set(CHECKS) - set(table):
        table[check] = False
    table = table[[*(column for column in table if column not in CHECKS), *CHECKS]]
    keep = ~table[[check for check in CHECKS if check not in ignored]].any(axis=1).to_numpy()
    return ScreenReport(
        keep=keep,
        bound=~table["above_free_atoms"].to_numpy(),
        report=table,
        summary=_summarise(table),
        skipped=skipped,
        ignored=ignored,
    )


def _check_labels(y, n_structures):
    y = as_numbers(y, "y")
    if y.shape not in ((n_structures,), (n_structures, 1)):
        raise ValueError(
            f"y must have one energy for each of {n_structures} structures: its shape is {y.shape}."
        )
    return y.ravel()


def _describe(structures):
    counts, kind = np.unique(structures.counts(), axis=0, return_inverse=True)
    formulas = [
        "".join(f"{SYMBOLS[z]}{row[z] if row[z] > 1 else ''}" for z in np.flatnonzero(row)) for row in counts
    ]
    return pd.DataFrame({"formula": np.array(formulas)[kind.ravel()], "n_atoms": structures.n_atoms})


def _screen_labels(table, structures, energies, reference_energies, energy_unit, outlier, skipped):
    """Check energies of whole structures in eV, and the labels in `energy_unit` in the table."""
    finite = np.isfinite(energies)
    table["missing_label"] = ~finite
    table["suspected_unit"] = suspected_units(structures, table["label"].to_numpy(), energy_unit)
    table["suspect_unit"] = table["suspected_unit"] != ""
    if reference_energies is None:
        why = "as reference_energies was not given (energies of the free atoms, {symbol: energy})."
        skipped |= dict.fromkeys(["above_free_atoms", "too_strongly_bound"], why)
        wrong = np.zeros(len(energies), dtype=bool)
    else:
        factor = unit_factor(energy_unit)
        limit = free_atoms(structures, reference_energies) * factor
        above = (energies - limit) / structures.n_atoms
        table["energy_above_atoms"] = above / factor
        table["above_free_atoms"] = finite & ~is_bound(energies, limit)
        table["too_strongly_bound"] = finite & (above < -MOST_BINDING)
        wrong = (table["above_free_atoms"] | table["too_strongly_bound"]).to_numpy()
    right = ~(wrong | table["missing_label"] | table["suspect_unit"]).to_numpy()
    deviation = label_deviation(structures, energies, right)
    if np.isnan(deviation).all():
        skipped["outlying_label"] = f"as fewer than {FEWEST} labels without another finding are comparable."
    table["label_deviation"] = deviation
    table["outlying_label"] = np.abs(deviation) > outlier


def _screen_distances(table, structures, overlap, bond_factor):
    radii, largest = covalent_radii(structures.numbers), max(overlap, bond_factor)
    pairs = neighbour_pairs(structures, largest * 2 * radii.max(), allow_overlap=True)
    apart = pairs.vectors(structures)
    ratio = np.linalg.norm(apart, axis=1) / (radii[pairs.i] + radii[pairs.j])
    row = structures.row
    smallest = np.full(len(structures), np.inf)
    np.minimum.at(smallest, row[pairs.i], ratio)
    bonded = ratio < bond_factor
    _, atom = np.unique(fragments(len(row), pairs.i[bonded], pairs.j[bonded]), return_index=True)
    n_fragments = np.bincount(row[atom], minlength=len(structures))
    table["min_distance_ratio"] = np.where(smallest < largest, smallest, np.nan)
    table["n_fragments"] = n_fragments
    table["overlapping_atoms"] = smallest < overlap
    table["fragmented"] = (n_fragments > 1) & ~structures.pbc.any(axis=1)


def _screen_duplicates(table, structures, tolerance):
    first = find_duplicates(structures, tolerance)
    again = first != np.arange(len(first))
    table["duplicate_of"] = pd.array(np.where(again, first, 0), dtype="Int64")
    table.loc[~again, "duplicate_of"] = pd.NA
    table["duplicate"] = again


def _screen_conflicts(table, energies, label_tolerance):
    """Compare energies per atom, in eV, of rows that have one geometry."""
    first = table["duplicate_of"].fillna(pd.Series(table.index, dtype="Int64")).to_numpy()
    labels = pd.Series(np.where(np.isfinite(energies), energies, np.nan)).groupby(first)
    span = labels.transform("max") - labels.transform("min")
    table["conflicting_label"] = span.to_numpy() > label_tolerance


def _summarise(table):
    rows = {}
    for check, (meaning, remedy) in CHECKS.items():
        found = np.flatnonzero(table[check])
        rows[check] = {
            "n": len(found),
            "share": len(found) / len(table),
            "first_rows": ", ".join(str(row) for row in found[:5]),
            "meaning": meaning,
            "remedy": remedy,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("check")
