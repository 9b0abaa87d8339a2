"""Adsorption energies on transition metals, single-atom alloys and bimetallics."""

import os

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import StrOptions, validate_params

from ._bunch import table_bunch
from .files import read_excel, read_file

FILE = "adsorption/transition_metals.xlsx"
SHEETS = {
    "TM_Reduced": "transition_metals",
    "SAA": "single_atom_alloys",
    "Bimetallics": "bimetallics",
}
# Our names, units, and the names in the file; the electron affinity is spelt in two ways there.
COLUMNS = {
    "generalised_coordination_number": ("1", ("GCN",)),
    "coordination_number": ("1", ("CN",)),
    "n_metal": ("1", ("n_metal",)),
    "adsorbate_valency": ("1", ("Adsorbate_valency",)),
    "adsorbate_mass": ("u", ("Adsorbate_mass",)),
    "electronegativity": ("1", ("chi_metal",)),
    "ionisation_potential": ("eV", ("IP_eV",)),
    "n_d": ("1", ("n_d",)),
    "electron_affinity": ("eV", ("EA_eV", "EA_ev")),
    "metal_mass": ("u", ("mass_metal",)),
}
TARGET = "adsorption_energy"
LABELS = {"Structure": "structure", "Metal": "metal", "Surface": "surface", "Site": "site"}


@validate_params(
    {
        "duplicates": [StrOptions({"drop", "keep"})],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_adsorption(
    *, duplicates="drop", as_frame=False, return_X_y=False, data_home=None, download_if_missing=True
):
    """Fetch adsorption energies by DFT of six small species on metals and alloys.

    The file of [1]_ is downloaded once and checked against its sha256. It needs ``openpyxl`` (extra
    ``excel``).

    ======================  =====  ======  ===============================================================
    domain                  rows   unique  what it is
    ======================  =====  ======  ===============================================================
    ``transition_metals``   423    385     source: Ag, Au, Cu, Ir, Ni, Pd, Pt, Rh, Ru; 4 surfaces
    ``single_atom_alloys``  281    166     target: Ag@Cu, Au@Ni, Pd@Ir, Pt@Rh; stepped surface (211)
    ``bimetallics``         259    185     target: AgAu, AgPd, IrRu, PtRh; stepped surface (211)
    ======================  =====  ======  ===============================================================

    Parameters
    ----------
    duplicates : {"drop", "keep"}, default="drop"
        What to do with rows whose descriptors and adsorbate are those of an earlier row, of the same or of an
        earlier domain: drop them, or keep all and mark them in ``duplicate``. The energies of such rows span
        .08 eV on average, because the descriptors do not see everything. Keep them only with folds that hold
        out whole ``descriptor_group``.
    as_frame : bool, default=False
        Give ``target`` and ``domain`` as Series, and fill ``frame``. ``data`` is a DataFrame in any case.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``adsorption/transition_metals.xlsx``. Default: the environment
        variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the file is there.
    download_if_missing : bool, default=True
        Download the file if it is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : DataFrame of shape (n_samples, 11)
            ``adsorbate`` (category: C, CH, CO, H, O or OH) and ten numbers: coordination numbers of the site,
            generalised and plain, and number of its metal atoms; valency and mass (u) of the adsorbate;
            Pauling electronegativity, ionisation potential (eV), number of d electrons, electron affinity
            (eV) and mass (u) of the metal, averaged over the site in alloys.
        target : ndarray of float or Series of shape (n_samples,)
            ``adsorption_energy`` (eV); the more negative, the more strongly bound.
        domain : ndarray of str or Series of shape (n_samples,)
            ``transition_metals``, ``single_atom_alloys`` or ``bimetallics``.
        source_domains, target_domains, test_domains : tuple of str
            ``("transition_metals",)``, ``("single_atom_alloys", "bimetallics")`` and ``()``.
        duplicate : ndarray of bool of shape (n_samples,)
            Whether an earlier row has the same descriptors and adsorbate; all False after dropping.
        descriptor_group : ndarray of int of shape (n_samples,)
            One number per set of descriptors and adsorbate, for folds that hold out groups.
        structure : DataFrame of shape (n_samples, 4)
            ``structure`` (name of the authors' file), ``metal``, ``surface`` and ``site``. Not features.
        feature_names, feature_units : list of str
            Names and units of the columns of ``data``.
        target_names, target_units : list of str
            ``["adsorption_energy"]`` and ``["eV"]``.
        frame : DataFrame of shape (n_samples, 13) or None
            Features, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with licence, citation and what is odd about the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        If the file has another layout than expected, or a row lacks a value (naming sheet and row).
    FileNotFoundError
        If the file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If the file does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        If ``openpyxl`` is absent.

    See Also
    --------
    fetch_co_ag : CO on silver in solvents, by its spectrum.

    References
    ----------
    .. [1] Zong, X. & Vlachos, D. G., "Exploring Structure-Sensitive Relations for Small Species Adsorption
       Using Machine Learning", J. Chem. Inf. Model. 62, 4361 (2022). https://doi.org/10.1021/acs.jcim.2c00872

    Examples
    --------
    >>> from skxfer.datasets import fetch_adsorption
    >>> metals = fetch_adsorption()  # doctest: +SKIP
    >>> metals.data.shape, metals.source_domains  # doctest: +SKIP
    ((736, 11), ('transition_metals',))
    """
    sheets = read_excel(read_file(FILE, data_home, download_if_missing), FILE, list(SHEETS))
    table = pd.concat([_read_sheet(sheets[name], name) for name in SHEETS], ignore_index=True)
    features = ["adsorbate", *COLUMNS]
    table["adsorbate"] = table["adsorbate"].astype("category")
    table["group"] = table.groupby(features, sort=False, observed=True).ngroup()
    table["duplicate"] = table["group"].duplicated()
    if duplicates == "drop":
        table = table[~table["duplicate"]].reset_index(drop=True)
    return table_bunch(
        table,
        features,
        TARGET,
        as_frame=as_frame,
        return_X_y=return_X_y,
        target_unit="eV",
        feature_units=["1", *(unit for unit, _ in COLUMNS.values())],
        descr="adsorption.rst",
        source_domains=("transition_metals",),
        target_domains=("single_atom_alloys", "bimetallics"),
        test_domains=(),
        duplicate=table["duplicate"].to_numpy(),
        descriptor_group=table["group"].to_numpy(),
        structure=table[list(LABELS.values())],
    )


def _read_sheet(table, sheet):
    """Return a sheet under our names, without its empty rows, and with its domain."""
    names = {old: name for name, (_, known) in COLUMNS.items() for old in known}
    names |= {"Ads": "adsorbate", "Ead": TARGET} | LABELS
    table = table.rename(columns=names)
    wanted = [*LABELS.values(), "adsorbate", *COLUMNS, TARGET]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise ValueError(f"{FILE}, sheet {sheet}: no column for {missing} among {list(table.columns)}.")
    # The sheet SAA ends in a row without adsorbate or anything else.
    table = table[wanted].dropna(how="all")
    bad = table.isna()
    if bad.to_numpy().any():
        row, column = np.argwhere(bad.to_numpy())[0]
        raise ValueError(
            f"{FILE}, sheet {sheet}, row {table.index[row] + 2} ({table['structure'].iloc[row]}): "
            f"{wanted[column]} is missing."
        )
    numbers = [*COLUMNS, TARGET]
    table[numbers] = table[numbers].astype(np.float64)
    return table.assign(domain=SHEETS[sheet])
