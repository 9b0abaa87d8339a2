"""Hydration free energies of small molecules, measured and by a force field."""

import os

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._bunch import table_bunch
from .files import read_file

FILE = "hydration/freesolv.txt"
COLUMNS = [
    *("id", "smiles", "name", "hydration_free_energy", "uncertainty", "force_field"),
    *("force_field_uncertainty", "reference", "force_field_reference", "notes"),
]
NUMBERS = ["hydration_free_energy", "uncertainty", "force_field", "force_field_uncertainty"]
TARGET, LOW_FIDELITY = "hydration_free_energy", "force_field"


@validate_params(
    {
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_freesolv(*, as_frame=False, return_X_y=False, data_home=None, download_if_missing=True):
    """Fetch hydration free energies of 642 small neutral molecules: measured, and by a force field.

    A problem of vertical transfer: the cheap value, from alchemical simulations with the force field GAFF, is
    known for every molecule, also when predicting. The file of FreeSolv [1]_ [2]_ is downloaded once and
    checked against its sha256. The force field has a mean absolute error of 1.11 and a bias of +.32 kcal/mol.

    Parameters
    ----------
    as_frame : bool, default=False
        Give ``target`` and ``domain`` as Series, and fill ``frame``. ``data`` is a DataFrame in any case.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``hydration/freesolv.txt``. Default: the environment variable
        ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the file is there.
    download_if_missing : bool, default=True
        Download the file if it is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : DataFrame of shape (642, 2)
            ``smiles`` (str), and ``force_field``: the computed hydration free energy (kcal/mol).
        target : ndarray of float or Series of shape (642,)
            ``hydration_free_energy`` (kcal/mol), measured.
        domain : ndarray of str or Series of shape (642,)
            ``experiment`` throughout: the low fidelity is a column, not a domain.
        source_domains, target_domains, test_domains : tuple of str
            ``()``, ``("experiment",)`` and ``()``.
        low_fidelity : list of str
            ``["force_field"]``: columns of ``data`` that approximate the target at a lower cost.
        target_uncertainty, force_field_uncertainty : ndarray of float of shape (642,)
            Standard uncertainties (kcal/mol) of the measured and of the computed values.
        ids, names : ndarray of str of shape (642,)
            Names in the database (``mobley_1017962``), and names of the compounds.
        feature_names, feature_units : list of str
            Names and units of the columns of ``data``.
        target_names, target_units : list of str
            ``["hydration_free_energy"]`` and ``["kcal/mol"]``.
        frame : DataFrame of shape (642, 4) or None
            Features, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with licence, citation and what is odd about the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        For a line of another layout than expected (naming it).
    FileNotFoundError
        If the file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If the file does not have its published sha256 (an OSError). It is left where it is and not used.

    See Also
    --------
    fetch_formation_enthalpy : Another problem with a cheap value for each row.
    fetch_solubility : Solubilities in water.

    References
    ----------
    .. [1] Mobley, D. L. & Guthrie, J. P., "FreeSolv: a database of experimental and calculated hydration free
       energies, with input files", J. Comput. Aided Mol. Des. 28, 711 (2014).
       https://doi.org/10.1007/s10822-014-9747-x
    .. [2] Duarte Ramos Matos, G. et al., "Approaches for Calculating Solvation Free Energies and Enthalpies
       Demonstrated with an Update of the FreeSolv Database", J. Chem. Eng. Data 62, 1559 (2017).
       https://doi.org/10.1021/acs.jced.7b00104

    Examples
    --------
    >>> from skxfer.datasets import fetch_freesolv
    >>> hydration = fetch_freesolv()  # doctest: +SKIP
    >>> hydration.data.shape, hydration.low_fidelity  # doctest: +SKIP
    ((642, 2), ['force_field'])
    """
    table = _read(read_file(FILE, data_home, download_if_missing).decode("utf-8"))
    return table_bunch(
        table,
        ["smiles", LOW_FIDELITY],
        TARGET,
        as_frame=as_frame,
        return_X_y=return_X_y,
        target_unit="kcal/mol",
        feature_units=["1", "kcal/mol"],
        descr="freesolv.rst",
        source_domains=(),
        target_domains=("experiment",),
        test_domains=(),
        low_fidelity=[LOW_FIDELITY],
        target_uncertainty=table["uncertainty"].to_numpy(),
        force_field_uncertainty=table["force_field_uncertainty"].to_numpy(),
        ids=table["id"].to_numpy(dtype=str),
        names=table["name"].to_numpy(dtype=str),
    )


def _read(text):
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        row = [cell.strip() for cell in line.split(";")]
        if len(row) != len(COLUMNS):
            raise ValueError(f"{FILE}, line {number} ({row[0]}): {len(row)} fields, expected {len(COLUMNS)}.")
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    values = table[NUMBERS].apply(pd.to_numeric, errors="coerce")
    bad = ~np.isfinite(values.to_numpy())
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{FILE}, {table['id'][row]}: {NUMBERS[column]} {table[NUMBERS[column]][row]!r} is not a finite "
            "number."
        )
    # By Python's own parser: correctly rounded.
    table[NUMBERS] = table[NUMBERS].astype(np.float64)
    return table.assign(domain="experiment")
