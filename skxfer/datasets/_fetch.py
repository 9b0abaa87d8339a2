"""Public data of the papers, by URL and sha256."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._bunch import check_names
from ._co_ag import FEATURE_NAMES, TARGET_NAMES, co_ag_bunch
from .files import CorruptedDataError as CorruptedDataError
from .files import find_home, read_content, read_excel, registry

# The only thing that identifies a solvent in the files is its dielectric constant.
SOLVENTS = {
    "gas": 1.0,
    "water": 78.3553,
    "unidentified_1.6": 1.6,
    "carbon_tetrachloride": 2.228,
    "1_iodobutane": 6.173,
    "1_octanol": 9.8629,
    "1_hexanol": 12.51,
    "2_butanol": 15.944,
    "1_nitropropane": 23.73,
    "trifluoroethanol": 26.726,
    "propanenitrile": 29.324,
    "nitrobenzene": 34.809,
    "dimethylacetamide": 37.781,
    "sulfolane": 43.962,
    "formic_acid": 51.1,
    "formamide": 108.94,
    "n_methylformamide": 181.56,
    "cyclohexane": 2.0165,
    "diethyl_ether": 4.24,
    "tetrahydrofuran": 7.4257,
    "isopropanol": 19.264,
    "dimethyl_sulfoxide": 46.826,
    "ethylene_carbonate": 89.6,
}
SOURCE_FILES, TARGET_FILE = ("gas", "water"), "multisolvent"
# delta_e and d_band of these follow another order than the spectra.
PERMUTED_DOMAINS = ("unidentified_1.6", "carbon_tetrachloride", "ethylene_carbonate")
# The spectrum and labels of a formic-acid row, under the dielectric constant of formamide.
DUPLICATE_ROW = 455
# No mode of CO on silver lies above the C-O stretch, which ends below 2450 cm⁻¹.
MAX_FREQUENCY = 2600.0

HMNN_COLUMNS = {"ε": "dielectric_constant", "d-band": "d_band"}
HMNN_ORDER = [*FEATURE_NAMES, *TARGET_NAMES]


@validate_params(
    {
        "subset": [str, "array-like"],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "raw": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_co_ag(
    *,
    subset=("gas", "water", "multisolvent"),
    as_frame=False,
    return_X_y=False,
    raw=False,
    data_home=None,
    download_if_missing=True,
):
    """Fetch DFT spectra and properties of CO on Ag(111) in gas and 22 solvents (HMNN data).

    The authors' files [1]_ are downloaded once, checked against their sha256, and repaired on the way in (see
    ``raw``). They state no licence, so the package does not ship them.

    ================  ======  =============================================================
    file              rows    what it is for
    ================  ======  =============================================================
    gas               2205    source: three sites, nine C-Ag distances, tilted bonds
    water             2132    source
    multisolvent      525     few-shot target: 15 solvents x 35 upright top-site structures
    cyclohexane       245     unseen solvent, structures beyond those 35
    diethyl_ether     245     the same
    tetrahydrofuran   245     the same
    ec_dmso_ipa       105     three unseen solvents, the same 35 structures
    ================  ======  =============================================================

    Parameters
    ----------
    subset : str or sequence of str, default=("gas", "water", "multisolvent")
        Files to read, by the names above, in this order. ``ec_dmso_ipa`` needs ``openpyxl``.
    as_frame : bool, default=False
        Give ``data`` and ``target`` as DataFrames, ``domain`` as a Series, and fill ``frame``.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    raw : bool, default=False
        Leave the values as published. Otherwise ``f1`` is clipped at 0 (all CSV files are, the xlsx is not)
        and row 455 of ``multisolvent``, a copy of row 452 under a wrong dielectric constant, is dropped.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``hmnn/gas.csv`` and the others. Default: the environment variable
        ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (n_samples, 19)
            ``f1``-``f6``: frequencies in cm⁻¹, ascending, imaginary ones negative (``f1`` clipped). ``iz1``-
            ``iz6``: IR intensities in km/mol. ``izz1``-``izz6``: Raman activities in Å⁴/amu.
            ``dielectric_constant``: 1 for gas. The files name no unit of intensity; these are the ones of the
            program that computed them.
        target : ndarray or DataFrame of shape (n_samples, 4)
            ``Eads`` (eV, positive when bound), ``delta_e`` (e), ``E_bonding`` (eV), ``d_band`` (eV).
        domain : ndarray of str or Series of shape (n_samples,)
            Solvent of each row, or "gas".
        source_domains, target_domains, test_domains : tuple of str
            Which of the fetched domains are gas or water, from ``multisolvent``, and from the other files.
        dielectric_constant : ndarray of shape (n_samples,)
            The last feature again.
        feature_names, feature_units : list of str
            Of the 19 columns of ``data``.
        target_names, target_units : list of str
            Of the 4 columns of ``target``.
        label_ok : ndarray of bool of shape (n_samples, 4)
            False for ``delta_e`` and ``d_band`` of the three solvents (ε = 1.6, 2.228 and ethylene carbonate)
            where they are permuted against the spectra.
        feature_ok : ndarray of bool of shape (n_samples,)
            False for the eight rows of water with ``f6`` above 2600 cm⁻¹, and for row 455 with ``raw=True``.
        structure_group : ndarray of int of shape (n_samples,)
            Number of the (site, C-Ag distance) within the row's domain, read off ``E_bonding - Eads``, which
            is one constant for each. Made from labels: for grouping folds, never a feature. It grows with the
            distance, except in gas and water, where three sites mix.
        frame : DataFrame of shape (n_samples, 24) or None
            Features, targets and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with all that is wrong with the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        For an unknown or repeated name in ``subset``.
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        If ``ec_dmso_ipa`` is asked for without ``openpyxl``.

    See Also
    --------
    load_co_ag_emt : A simulated problem of the same layout that needs no download.

    References
    ----------
    .. [1] Du et al., "Spectroscopy-Guided Deep Learning Predicts Solid-Liquid Surface Adsorbate Properties in
       Unseen Solvents", J. Am. Chem. Soc. 146, 811 (2024). https://doi.org/10.1021/jacs.3c10921

    Examples
    --------
    >>> from skxfer.datasets import fetch_co_ag
    >>> co = fetch_co_ag(subset=["gas", "multisolvent"])  # doctest: +SKIP
    >>> co.data.shape  # doctest: +SKIP
    (2730, 19)
    >>> len(co.target_domains)  # doctest: +SKIP
    15
    """
    entries = _hmnn_registry()
    stems = check_names(subset, entries, "subset")
    home = find_home(data_home)
    tables = {
        stem: _read_hmnn(stem, read_content(entries[stem], home, download_if_missing), raw) for stem in stems
    }
    table = pd.concat(tables.values(), ignore_index=True)

    domains = {stem: tuple(part["domain"].unique()) for stem, part in tables.items()}
    return co_ag_bunch(
        table,
        as_frame=as_frame,
        return_X_y=return_X_y,
        descr="co_ag.rst",
        source_domains=sum((domains[s] for s in stems if s in SOURCE_FILES), ()),
        target_domains=domains.get(TARGET_FILE, ()),
        test_domains=sum((domains[s] for s in stems if s not in (*SOURCE_FILES, TARGET_FILE)), ()),
        label_ok=_label_ok(table),
        feature_ok=table["feature_ok"].to_numpy(),
        structure_group=_structure_group(table),
    )


def _hmnn_registry():
    return {Path(name).stem: entry for name, entry in registry("hmnn/").items()}


def _read_hmnn(stem, content, raw):
    """Return one file with our column names, its domain, and which rows have sound features."""
    if stem == "ec_dmso_ipa":
        table = read_excel(content, "ec_dmso_ipa.xlsx")
    else:
        table = pd.read_csv(BytesIO(content))
    table = _name_columns(table, stem).astype(np.float64)
    table["domain"] = _domain(table["dielectric_constant"], stem)
    table["feature_ok"] = table["f6"] <= MAX_FREQUENCY
    if stem == TARGET_FILE:
        table.loc[DUPLICATE_ROW, "feature_ok"] = False
    if not raw:
        table["f1"] = table["f1"].clip(lower=0.0)
        if stem == TARGET_FILE:
            table = table.drop(index=DUPLICATE_ROW)
    return table


def _name_columns(table, stem):
    """Bring columns into our names and order, by name; a header 0, 1, ..., 22 means the published order."""
    names = [str(name).strip() for name in table.columns]
    table = table.set_axis([HMNN_COLUMNS.get(name, name) for name in names], axis=1).drop(
        columns="name", errors="ignore"
    )
    if list(table.columns) == [str(k) for k in range(len(HMNN_ORDER))]:
        return table.set_axis(HMNN_ORDER, axis=1)
    if sorted(table.columns) != sorted(HMNN_ORDER):
        raise ValueError(f"{stem}: columns {names} are not the expected {HMNN_ORDER}.")
    return table[HMNN_ORDER]


def _domain(dielectric_constant, stem):
    names = dielectric_constant.map({value: name for name, value in SOLVENTS.items()})
    if names.isna().any():
        row = int(np.flatnonzero(names.isna())[0])
        raise ValueError(f"{stem}, row {row}: no solvent with ε = {dielectric_constant.iloc[row]}.")
    return names


def _label_ok(table):
    ok = np.ones((len(table), len(TARGET_NAMES)), dtype=bool)
    permuted = table["domain"].isin(PERMUTED_DOMAINS).to_numpy()
    for name in ("delta_e", "d_band"):
        ok[permuted, TARGET_NAMES.index(name)] = False
    return ok


def _structure_group(table, tolerance=5e-4):
    """Rank E_bonding - Eads within each domain; values closer than `tolerance` eV are one."""
    constant = table["E_bonding"] - table["Eads"]

    def rank(values):
        order = np.sort(values)
        steps = order[1:][np.diff(order) > tolerance]
        return pd.Series(np.searchsorted(steps, values, side="right"), index=values.index)

    return constant.groupby(table["domain"]).transform(rank).to_numpy()
