"""Public energies of doped clusters by size (SchNet_IIA data): boron with selenium, and others."""

import os
import re
import warnings
from io import BytesIO
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._optional import require
from ..energy_units import HARTREE, all_electron_energies, free_atoms, in_all_electron_range, is_bound
from ..structures import NUMBERS, SYMBOLS, read_structures
from .files import DATA, find_home, read_content, registry

# PBE0/3-21G, in Hartree.
FREE_ATOMS = {"B": -24.4739, "Se": -2389.8317}


class _System(NamedTuple):
    host: str  # the element that `size` counts
    others: dict  # further atoms of every cluster
    file: str  # name, by the number that the authors gave it
    charge: int = 0


SYSTEMS = {
    "SeBn": _System("B", {"Se": 1}, "B={}.npz"),
    "SeBn-O": _System("B", {"Se": 1}, "B={}.npz"),
    "Bn": _System("B", {}, "B={}.npz"),
    "AlCn": _System("C", {"Al": 1}, "C={}.npz"),
    "Ta2Nn-": _System("N", {"Ta": 2}, "Ta2N{}-.npz", charge=-1),
}
# Size of what a file holds to the number in its name, where that differs. SeBn-O has no clusters of 21 boron
# atoms: that name is on those of 22. The names 22 and 23 are on the same bytes, clusters of 23.
MISLABELLED = {"SeBn-O": {21: None, 22: 21, 23: 22}}


@validate_params(
    {
        "system": [StrOptions(set(SYSTEMS))],
        "size": [Interval(Integral, 1, None, closed="left")],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_boron_clusters(system, size, *, data_home=None, download_if_missing=True):
    """Fetch structures and DFT energies of clusters of one size (SchNet_IIA data).

    The authors' files [1]_ are downloaded once and checked against their sha256. They state no licence, so
    the package does not ship them. Energies are converted from Hartree, which the files hold without saying
    so, to eV; files under a wrong name are put right. **Much of the data is odd**: read ``DESCR``, and use
    ``bound`` before training.

    ==========  =======================  ==============================================================
    system      sizes                    what it is
    ==========  =======================  ==============================================================
    ``SeBn``    16 to 23                 boron with one selenium atom: the target of the paper
    ``SeBn-O``  16 to 20, 22, 23         the same, other shapes ("globally optimised", says the paper)
    ``Bn``      16 to 24                 boron alone
    ``AlCn``    20, 21, 22               carbon with one aluminium atom; **not examined by us**
    ``Ta2Nn-``  3, 5                     anions of two tantalum atoms and nitrogen; **not examined**
    ==========  =======================  ==============================================================

    Parameters
    ----------
    system : {"SeBn", "SeBn-O", "Bn", "AlCn", "Ta2Nn-"}
        Which clusters.
    size : int
        Number n of boron, carbon or nitrogen atoms that the clusters really have.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``clusters/SeBn/B=16.npz`` and the others. Default: the environment
        variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_samples
            Not periodic; ``info["charge"]`` is -1 for the anions.
        target : ndarray of float of shape (n_samples,)
            Total energies of all electrons in eV; 1 Hartree = 27.211386245988 eV (CODATA 2018).
        bound : ndarray of bool of shape (n_samples,)
            False where the label lies above the energy of the free atoms: most likely a calculation that
            failed or ended in an excited state. All True, with a warning, where these are not known
            (``AlCn``, ``Ta2Nn-``).
        domain : ndarray of int of shape (n_samples,)
            ``size`` for each row, for chains of sizes.
        reference_energies : dict of str to float
            Energies of the free atoms in eV at the same level of theory; empty where they are not known.
        unit : str
            "eV".
        system, size : str and int
            As given.
        file : str
            Name of the authors' file.
        DESCR : str
            Full description, with all that is odd about the data.

    Raises
    ------
    ValueError
        For an unknown system (scikit-learn's ``InvalidParameterError``), a size that it lacks, or a file of
        another layout or content than expected.
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        ASE is not installed (extra ``structures``).

    Warns
    -----
    UserWarning
        If ``bound`` says nothing, or if energies look as if they were in eV already; these are not converted.

    See Also
    --------
    skxfer.screening.screen_unbound : The free-atom limit and more checks, for data of your own.
    make_doped_clusters : Simulated clusters with forces, no download.

    References
    ----------
    .. [1] Jiang et al., "SchNet_IIA: Potential Energy Surface Fitting by Interatomic Interactions Attention
       Based on Transfer Learning Analysis", J. Chem. Inf. Model. 65, 92 (2025).
       https://doi.org/10.1021/acs.jcim.4c01473

    Examples
    --------
    >>> from skxfer.datasets import fetch_boron_clusters
    >>> clusters = fetch_boron_clusters("SeBn", 16)  # doctest: +SKIP
    >>> clusters.data[0].get_chemical_formula(), clusters.target.shape  # doctest: +SKIP
    ('B16Se', (500,))
    >>> int(clusters.bound.sum())  # doctest: +SKIP
    473
    """
    Atoms = require("ase").Atoms
    kind = SYSTEMS[system]
    entry = _find(system, size)
    name = entry["name"]
    numbers, positions, energies = _read(read_content(entry, find_home(data_home), download_if_missing), name)
    info = {"charge": kind.charge} if kind.charge else {}
    data = [Atoms(z, r, info=dict(info)) for z, r in zip(numbers, positions, strict=True)]
    symbols = {kind.host: size, **kind.others}
    structures = read_structures(data)
    _check_composition(structures, symbols, name)
    reference = {symbol: FREE_ATOMS[symbol] * HARTREE for symbol in symbols if symbol in FREE_ATOMS}
    target = _in_ev(structures, energies, name)
    return Bunch(
        data=data,
        target=target,
        bound=_bound(structures, target, reference, name),
        domain=np.full(len(data), size),
        reference_energies=reference,
        unit="eV",
        system=system,
        size=size,
        file=name,
        DESCR=(DATA / "boron_clusters.rst").read_text(encoding="utf-8"),
    )


def _find(system, size):
    """Return the registered file that holds clusters of a size, whatever its name says."""
    kind, moved = SYSTEMS[system], MISLABELLED.get(system, {})
    files = registry(f"clusters/{system}/")
    pattern = re.compile(re.escape(kind.file).replace(r"\{\}", r"(\d+)"))
    named = {int(found[1]) for name in files if (found := pattern.fullmatch(name.rpartition("/")[2]))}
    sizes = sorted((named - set(moved)) | {real for real, number in moved.items() if number in named})
    if size not in sizes:
        why = ""
        if size in moved:
            other = next(real for real, number in moved.items() if number == size)
            file = kind.file.format(size)
            why = f" The file {file} holds clusters of {other} {kind.host} atoms: size={other}."
        raise ValueError(f"{system} has no clusters of size {size}, but of {sizes}.{why}")
    return files[f"clusters/{system}/{kind.file.format(moved.get(size, size))}"]


def _read(content, name):
    """Return atomic numbers (n, n_atoms), positions (n, n_atoms, 3) and energies (n,) of a file."""
    with np.load(BytesIO(content)) as file:
        lacking = sorted({"R", "E", "z"} - set(file.files))
        if lacking:
            raise ValueError(f"{name} lacks {lacking}: it holds {sorted(file.files)}.")
        R, E, z = (np.asarray(file[key]) for key in ("R", "E", "z"))
    n, n_atoms = R.shape[:2] if R.ndim == 3 else (-1, -1)
    if R.shape != (n, n_atoms, 3) or E.size != n or z.shape not in ((n_atoms,), (n, n_atoms)):
        raise ValueError(
            f"{name}: positions R, energies E and atomic numbers z of shapes {R.shape}, {E.shape} and "
            f"{z.shape} are not (n, n_atoms, 3), (n, 1) and (n_atoms,)."
        )
    return np.broadcast_to(z.astype(int), (n, n_atoms)), R.astype(float), E.astype(float).ravel()


def _check_composition(structures, symbols, name):
    expected = np.zeros(len(SYMBOLS), dtype=int)
    for symbol, count in symbols.items():
        expected[NUMBERS[symbol]] = count
    counts = structures.counts()
    other = np.flatnonzero((counts != expected).any(axis=1))
    if other.size:
        row = other[0]
        found = {str(SYMBOLS[z]): int(counts[row, z]) for z in np.flatnonzero(counts[row])}
        raise ValueError(f"{name}, row {row}: the atoms are {found}, and {symbols} are expected.")


def _in_ev(structures, energies, name):
    """Convert from Hartree, unless the magnitude says that this was done."""
    electrons = all_electron_energies(structures)
    if np.mean(in_all_electron_range(energies / (electrons * HARTREE))) > 0.5:
        warnings.warn(
            f"{name}: the energies look like eV, not like Hartree as in the other files, and were not "
            "converted.",
            stacklevel=4,
        )
        return energies
    return energies * HARTREE


def _bound(structures, target, reference, name):
    """Tell which labels do not lie above the energy of the free atoms."""
    symbols = SYMBOLS[np.unique(structures.numbers)]
    unknown = [symbol for symbol in symbols if symbol not in reference]
    if unknown:
        warnings.warn(
            f"{name}: the energies of free {' and '.join(unknown)} atoms at its level of theory are not "
            "known, so bound is True for every row. Screen the labels with skxfer.screen_unbound.",
            stacklevel=4,
        )
        return np.ones(len(target), dtype=bool)
    return is_bound(target, free_atoms(structures, reference))
