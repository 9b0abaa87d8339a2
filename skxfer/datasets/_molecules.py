"""Molecules with computed energies: subsets of QM9, and QM7."""

import gzip
import os
import re
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from .._optional import require
from ..structures import NUMBERS
from .files import DATA, find_home, read_content, registry

KCAL_PER_EV = 23.0605
SPLITS = ("train", "val", "test")


class _Subset(NamedTuple):
    folder: str
    target_names: tuple


QM9_SUBSETS = {
    "under14": _Subset("QM9under14atoms_atomizationenergy_eV", ("atomisation_energy",)),
    "under7": _Subset("QM9under7atoms_atomizationenergy_eV", ("atomisation_energy",)),
    "under7-homolumo": _Subset("QM9under7atoms_homolumo_eV", ("homo", "lumo")),
}
# Rows of QM7 with the geometry of an earlier one, perhaps its mirror image, and the same label.
QM7_DUPLICATES = (
    *("1186", "1556", "2545", "2585", "3061", "3083", "4733", "4734", "4735", "4783", "5608", "6598"),
    *("6925", "6942"),
)

_PLACE = {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]}


class _Block(NamedTuple):
    """What a file says of one molecule, as text."""

    label: str
    atoms: list  # of [symbol, x, y, z]
    values: list


@validate_params(
    {"name": [StrOptions(set(QM9_SUBSETS))], "split": [StrOptions(set(SPLITS)), None], **_PLACE},
    prefer_skip_nested_validation=True,
)
def fetch_qm9_subset(name="under14", split=None, *, data_home=None, download_if_missing=True):
    """Fetch small molecules of QM9 with energies by DFT: the sets of the quantum deep field.

    Files of the authors of [1]_ are downloaded once and checked against their sha256; structures and
    energies are those of QM9 [2]_.

    ===================  ===========================  ==============================================
    name                 molecules                    target
    ===================  ===========================  ==============================================
    ``under14``          val 1479, test 1480          energy with respect to the free atoms at 0 K
    ``under7``           train 34, val 4, test 5      the same
    ``under7-homolumo``  train 34, val 4, test 5      energies of the orbitals HOMO and LUMO
    ===================  ===========================  ==============================================

    Parameters
    ----------
    name : {"under14", "under7", "under7-homolumo"}, default="under14"
        Which set: molecules of up to 14 or up to 7 atoms, hydrogen included.
    split : {"train", "val", "test"} or None, default=None
        Which of the authors' files. None: all there are, in this order. The training molecules of
        ``under14`` are not among the pinned files.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``qm9/QM9under14atoms_atomizationenergy_eV/test.txt`` and the
        others. Default: the environment variable ``SKXFER_DATA``, else the user's cache folder. It may be
        read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_samples
            Of H, C, N, O and F, not periodic; positions in Å.
        target : ndarray of float of shape (n_samples,) or (n_samples, 2)
            In eV. Energies with respect to the free atoms are negative when bound.
        target_names : list of str
            ``["atomisation_energy"]`` or ``["homo", "lumo"]``.
        ids : ndarray of str of shape (n_samples,)
            Names in QM9, such as ``dsgdb9nsd_000014``.
        split : ndarray of str of shape (n_samples,)
            "train", "val" or "test".
        unit : str
            "eV".
        DESCR : str
            Full description.

    Raises
    ------
    ValueError
        For an unknown name or split (scikit-learn's ``InvalidParameterError``), a split that the set lacks,
        or a file of another layout than expected (naming file and molecule).
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        ASE is not installed (extra ``structures``).

    See Also
    --------
    fetch_qm7 : Larger molecules, by another method.
    load_g2 : Experimental energies, no download.

    References
    ----------
    .. [1] Tsubaki, M. & Mizoguchi, T., "Quantum Deep Field: Data-Driven Wave Function, Electron Density
       Generation, and Atomization Energy Prediction and Extrapolation with Machine Learning", Phys. Rev.
       Lett. 125, 206401 (2020). https://doi.org/10.1103/PhysRevLett.125.206401
    .. [2] Ramakrishnan et al., "Quantum chemistry structures and properties of 134 kilo molecules", Sci.
       Data 1, 140022 (2014). https://doi.org/10.1038/sdata.2014.22

    Examples
    --------
    >>> from skxfer.datasets import fetch_qm9_subset
    >>> molecules = fetch_qm9_subset("under14", split="test")  # doctest: +SKIP
    >>> molecules.data[0].get_chemical_formula(), round(float(molecules.target[0]), 2)  # doctest: +SKIP
    ('C2H6O', -33.01)
    """
    subset, prefix = QM9_SUBSETS[name], f"qm9/{QM9_SUBSETS[name].folder}/"
    entries = registry(prefix)
    there = [one for one in SPLITS if f"{prefix}{one}.txt" in entries]
    if split is not None and split not in there:
        raise ValueError(
            f"{name} has no split {split!r} among the pinned files, but {' and '.join(there)}: choose one of "
            "these, or split=None for both."
        )
    home, n_targets = find_home(data_home), len(subset.target_names)
    data, target, ids, splits = [], [], [], []
    for one in there if split is None else [split]:
        entry = entries[f"{prefix}{one}.txt"]
        text = read_content(entry, home, download_if_missing).decode("utf-8")
        blocks = [_qm9_block(block) for block in re.split(r"\n\s*\n", text.strip())]
        atoms, values = _read_blocks(blocks, n_targets, entry["name"])
        data += atoms
        target.append(values)
        ids += [block.label for block in blocks]
        splits += [one] * len(atoms)
    target = np.concatenate(target)
    return Bunch(
        data=data,
        target=target.ravel() if n_targets == 1 else target,
        target_names=list(subset.target_names),
        ids=np.array(ids),
        split=np.array(splits),
        unit="eV",
        DESCR=(DATA / "qm9_subset.rst").read_text(encoding="utf-8"),
    )


@validate_params(_PLACE, prefer_skip_nested_validation=True)
def fetch_qm7(*, data_home=None, download_if_missing=True):
    """Fetch 7101 molecules of up to 7 atoms other than hydrogen, with energies by PBE0: QM7.

    The file is a repacked one without a home of its own on the web: it is not downloaded, but read from
    your data folder, and checked against its sha256.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder that holds ``qm7/qm7.extxyz.gz``. Default: the environment variable ``SKXFER_DATA``, else the
        user's cache folder.
    download_if_missing : bool, default=True
        As for the other data sets; there is nothing to download from.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length 7101
            Of H, C, N, O and S, 4 to 23 atoms, not periodic; positions in Å.
        target : ndarray of float of shape (7101,)
            Energy with respect to the free atoms in eV, PBE0, negative when bound, without zero-point energy;
            converted from kcal/mol with 23.0605 kcal/mol per eV.
        target_names : list of str
            ``["atomisation_energy"]``.
        ids : ndarray of str of shape (7101,)
            Of the file: "0001" to "7172", with gaps.
        duplicate : ndarray of bool of shape (7101,)
            True for the 14 molecules that have the geometry of an earlier one, or its mirror image.
        unit : str
            "eV".
        DESCR : str
            Full description.

    Raises
    ------
    ValueError
        For a file of another layout than expected (naming the molecule).
    FileNotFoundError
        If the file is absent.
    CorruptedDataError
        If it does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        ASE is not installed (extra ``structures``).

    See Also
    --------
    fetch_qm9_subset : Smaller molecules, by another method.
    load_g2 : Experimental energies, no download.

    References
    ----------
    .. [1] Rupp et al., "Fast and Accurate Modeling of Molecular Atomization Energies with Machine Learning",
       Phys. Rev. Lett. 108, 058301 (2012). https://doi.org/10.1103/PhysRevLett.108.058301

    Examples
    --------
    >>> from skxfer.datasets import fetch_qm7
    >>> molecules = fetch_qm7()  # doctest: +SKIP
    >>> molecules.data[0].get_chemical_formula(), round(float(molecules.target[0]), 2)  # doctest: +SKIP
    ('CH4', -18.08)
    """
    entry = registry("qm7/")["qm7/qm7.extxyz.gz"]
    content = read_content(entry, find_home(data_home), download_if_missing)
    blocks = _extxyz_blocks(gzip.decompress(content).decode("utf-8"), entry["name"])
    data, target = _read_blocks(blocks, 1, entry["name"])
    ids = np.array([block.label for block in blocks])
    return Bunch(
        data=data,
        target=target.ravel() / KCAL_PER_EV,
        target_names=["atomisation_energy"],
        ids=ids,
        duplicate=np.isin(ids, QM7_DUPLICATES),
        unit="eV",
        DESCR=(DATA / "qm7.rst").read_text(encoding="utf-8"),
    )


def _qm9_block(text):
    lines = text.splitlines()
    return _Block(lines[0].strip(), [line.split() for line in lines[1:-1]], lines[-1].split())


_QM7_COMMENT = re.compile(r"\bid=(\S+).*\bpbe0_atomization_energy_kcal_mol=(\S+)")


def _extxyz_blocks(text, file):
    lines, at, blocks = text.splitlines(), 0, []
    while at < len(lines):
        comment = _QM7_COMMENT.search(lines[at + 1]) if at + 1 < len(lines) else None
        size = int(lines[at]) if lines[at].strip().isdecimal() else 0
        if not size or not comment or at + 2 + size > len(lines):
            raise ValueError(
                f"{file}, line {at + 1} (block {len(blocks)}): no number of atoms, a comment with id and "
                "pbe0_atomization_energy_kcal_mol, and as many lines of atoms."
            )
        atoms = [line.split() for line in lines[at + 2 : at + 2 + size]]
        blocks.append(_Block(comment[1], atoms, [comment[2]]))
        at += 2 + size
    return blocks


def _read_blocks(blocks, n_targets, file):
    """Return a list of ase.Atoms, and the values of shape (n_samples, n_targets)."""
    try:
        numbers, positions, values = _as_arrays(blocks, n_targets)
    except ValueError:
        # All at once is fast, one by one tells which.
        for place, block in enumerate(blocks):
            try:
                _as_arrays([block], n_targets)
            except ValueError as error:
                raise ValueError(f"{file}, block {place} ({block.label!r}): {error}.") from None
        raise
    Atoms = require("ase").Atoms
    last = np.cumsum([len(block.atoms) for block in blocks])
    parts = zip(np.split(numbers, last[:-1]), np.split(positions, last[:-1]), strict=True)
    return [Atoms(numbers=z, positions=r) for z, r in parts], values


def _as_arrays(blocks, n_targets):
    rows = [row for block in blocks for row in block.atoms]
    values = [block.values for block in blocks]
    odd = [row for row in rows if len(row) != 4 or row[0] not in NUMBERS]
    if odd:
        raise ValueError(f"{' '.join(odd[0])!r} is no element with three coordinates")
    if not all(block.atoms for block in blocks):
        raise ValueError("no atoms")
    if any(len(row) != n_targets for row in values):
        raise ValueError(f"{n_targets} energies are expected, and they are {values[0]}")
    positions = np.array([row[1:] for row in rows], dtype=float)
    values = np.array(values, dtype=float)
    if not (np.isfinite(positions).all() and np.isfinite(values).all()):
        raise ValueError("a number is not finite")
    return np.array([NUMBERS[row[0]] for row in rows]), positions, values
