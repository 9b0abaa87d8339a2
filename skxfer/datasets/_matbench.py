"""Matbench tasks by formula: the official protocol, and de-duplicated folds."""

import os
from typing import NamedTuple

from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from ._formulas import PARTS, Reader, find_set
from .files import DATA

N_FOLDS = 5
# The seed of Matbench's own folds.
OFFICIAL_SEED = 18012019
OFFICIAL, DEDUPLICATED = "official", "deduplicated"


class _Task(NamedTuple):
    folder: str
    target_name: str
    unit: str
    kind: str = "regression"
    protocols: tuple = (OFFICIAL, DEDUPLICATED)


TASKS = {
    "dielectric": _Task("dielectric", "refractive_index", "1"),
    "expt_gap": _Task("expt_gap", "band_gap", "eV"),
    "expt_is_metal": _Task("expt_is_metal", "is_metal", "1", "classification"),
    "glass": _Task("glass", "forms_glass", "1", "classification"),
    "jdft2d": _Task("jdft2d", "exfoliation_energy", "meV/atom"),
    "log_gvrh": _Task("elasticity_log10(G_VRH)", "log10_shear_modulus", "log10(GPa)"),
    "log_kvrh": _Task("elasticity_log10(K_VRH)", "log10_bulk_modulus", "log10(GPa)"),
    "mp_e_form": _Task("mp_e_form", "formation_energy", "eV/atom", protocols=(OFFICIAL,)),
    "mp_gap": _Task("mp_gap", "band_gap", "eV", protocols=(OFFICIAL,)),
    "mp_is_metal": _Task("mp_is_metal", "is_metal", "1", "classification", (OFFICIAL,)),
    "perovskites": _Task("castelli", "formation_energy", "eV/cell"),
    "phonons": _Task("phonons", "last_phonon_dos_peak", "cm⁻¹"),
    "steels_yield": _Task("steels_yield", "yield_strength", "MPa"),
}


@validate_params(
    {
        "name": [str],
        "protocol": [StrOptions({OFFICIAL, DEDUPLICATED})],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_matbench(name, *, protocol="official", data_home=None, download_if_missing=True):
    """Fetch a Matbench task by formula, in the five official folds or in five de-duplicated ones.

    Matbench [1]_ compares models of materials on fixed sets and folds. Files are downloaded once and checked
    against their sha256. The structures that some tasks have are not part of them.

    =================  ========  ============  =============  ============================================
    name               official  deduplicated  unit           folder, accepted as a name as well
    =================  ========  ============  =============  ============================================
    ``dielectric``     4764      3992          1              ``dielectric``
    ``expt_gap``       4604      4601          eV             ``expt_gap``
    ``expt_is_metal``  4921      4917          1 (0 or 1)     ``expt_is_metal``
    ``glass``          5680      5680          1 (0 or 1)     ``glass``
    ``jdft2d``         636       568           meV/atom       ``jdft2d``
    ``log_gvrh``       10987     9723          log10(GPa)     ``elasticity_log10(G_VRH)``
    ``log_kvrh``                               log10(GPa)     ``elasticity_log10(K_VRH)``
    ``mp_e_form``      132752    --            eV/atom        ``mp_e_form``
    ``mp_gap``         106113    --            eV             ``mp_gap``
    ``mp_is_metal``    106113    --            1 (0 or 1)     ``mp_is_metal``
    ``perovskites``                            eV/cell        ``castelli``
    ``phonons``                                cm⁻¹           ``phonons``
    ``steels_yield``   312       312           MPa            ``steels_yield``
    =================  ========  ============  =============  ============================================

    The numbers are rows of a set under each protocol, where they were examined; ``--`` means that the set has
    no de-duplicated folds.

    Parameters
    ----------
    name : str
        Name of the task, from the table above.
    protocol : {"official", "deduplicated"}, default="official"
        Which folds.

        - ``"official"``: the whole set in its official order, split by
          ``KFold(5, shuffle=True, random_state=18012019)``, for classes by ``StratifiedKFold`` with the same
          arguments. Errors, averaged over the five folds, compare with the Matbench leaderboard. A formula
          may stand in several rows (polymorphs), and then in training and test rows of one fold.
        - ``"deduplicated"``: the folds of the authors of CrabNet [2]_, with validation rows. Each formula
          stands once in a fold. **Never compare an error on these with the leaderboard.**
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``composition/matbench/expt_gap.csv`` and the others, or
        ``composition/matbench_cv/expt_gap/train0.csv`` and the others. Default: the environment variable
        ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        folds : list of 5 :class:`~sklearn.utils.Bunch`
            Each with ``train`` and ``test`` (``"deduplicated"``: ``val`` as well), which hold ``data``, an
            ndarray of shape (n_samples,) and dtype object with formulas as str, and ``target``, an ndarray of
            float of shape (n_samples,).
        data : ndarray of str objects of shape (n_samples,), only for ``"official"``
            Formulas of the whole set in the official order.
        target : ndarray of float of shape (n_samples,), only for ``"official"``
            Values of the whole set; 0 or 1 for classes.
        splits : list of 5 pairs of ndarray of int, only for ``"official"``
            Numbers of the training and test rows of each fold, for ``cross_validate(cv=splits)``.
        target_name, unit : str
            Name and unit of the target.
        task : {"regression", "classification"}
            Kind of target. Matbench reports the mean absolute error, and for classes the ROC-AUC.
        protocol : str
            As given.
        DESCR : str
            Full description, with what is odd about the data.

    Raises
    ------
    ValueError
        For an unknown name, or a set without folds of that protocol.
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.

    See Also
    --------
    fetch_composition_benchmark : Sets with one split each.

    References
    ----------
    .. [1] Dunn et al., "Benchmarking materials property prediction methods: the Matbench test set and
       Automatminer reference algorithm", npj Comput. Mater. 6, 138 (2020). https://doi.org/10.1038/s41524-020-00406-3
    .. [2] Wang et al., "Compositionally restricted attention-based network for materials property
       predictions", npj Comput. Mater. 7, 77 (2021). https://doi.org/10.1038/s41524-021-00545-1

    Examples
    --------
    >>> from skxfer.datasets import fetch_matbench
    >>> steels = fetch_matbench("steels_yield")  # doctest: +SKIP
    >>> [len(fold.test.data) for fold in steels.folds]  # doctest: +SKIP
    [63, 63, 62, 62, 62]
    """
    task = find_set(name, TASKS)
    if protocol not in task.protocols:
        known = [other for other, one in TASKS.items() if protocol in one.protocols]
        raise ValueError(f"{name} has no {protocol} folds: take protocol='official', or one of {known}.")
    if protocol == OFFICIAL:
        read = Reader("composition/matbench/", data_home, download_if_missing)
        content = _official(read.table(f"{task.folder}.csv"), task.kind)
    else:
        read = Reader(f"composition/matbench_cv/{task.folder}/", data_home, download_if_missing)
        content = {
            "folds": [Bunch(**{part: read.table(f"{part}{k}.csv") for part in PARTS}) for k in range(N_FOLDS)]
        }
    return Bunch(
        **content,
        target_name=task.target_name,
        unit=task.unit,
        task=task.kind,
        protocol=protocol,
        DESCR=(DATA / "matbench.rst").read_text(encoding="utf-8"),
    )


def _official(table, kind):
    """Return the whole set, the row numbers of the official folds, and the folds themselves."""
    splitter = StratifiedKFold if kind == "classification" else KFold
    cv = splitter(N_FOLDS, shuffle=True, random_state=OFFICIAL_SEED)
    splits = list(cv.split(table.data, table.target))
    folds = [Bunch(train=_rows(table, train), test=_rows(table, test)) for train, test in splits]
    return {"data": table.data, "target": table.target, "splits": splits, "folds": folds}


def _rows(table, rows):
    return Bunch(data=table.data[rows], target=table.target[rows])
