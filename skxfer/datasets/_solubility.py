"""Solubility in water of molecules from nine collections."""

import os
import re
from io import BytesIO

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._bunch import check_names, table_bunch
from .files import read_file

COLLECTIONS = ("A", "B", "C", "D", "E", "F", "G", "H", "I")
TARGET = "log_solubility"
COLUMNS = ["ID", "Name", "InChI", "InChIKey", "SMILES", "Solubility"]
# Several components: ".", or a number before the formula of equal ones. Ions: a layer of charge or protons.
_SEVERAL = re.compile(r"^InChI=1S?/(?:[2-9]|1[0-9])|^InChI=1S?/[^/]*\.")
_ION = re.compile("/[qp]")


@validate_params(
    {
        "collections": [str, "array-like"],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_solubility(
    *,
    collections=("A", "B", "C", "D", "E", "F", "G"),
    as_frame=False,
    return_X_y=False,
    data_home=None,
    download_if_missing=True,
):
    """Fetch measured solubilities in water by SMILES, from the collections behind AqSolDB.

    Files of the authors of AqSolDB [1]_, before they merged and curated them, are downloaded once and checked
    against their sha256.

    ==========  =====  =========  ==============================  ===============================
    collection  rows   molecules  of these in another one of A-G  rows of salts, ions or mixtures
    ==========  =====  =========  ==============================  ===============================
    ``A``       6110   3918       21 %                            1821
    ``B``       4650   4538       64 %                            128
    ``C``       2603   2603       63 %                            1
    ``D``       2115   2090       96 %                            11
    ``E``       1291   1282       93 %                            1
    ``F``       1210   1206       40 %                            20
    ``G``       1144   1117       93 %                            0
    ==========  =====  =========  ==============================  ===============================

    Parameters
    ----------
    collections : str or sequence of str, default=("A", "B", "C", "D", "E", "F", "G")
        Collections to read, in this order: the seven with more than 1000 rows, or ``"H"`` and ``"I"`` as
        well. The last one is the target domain, the others are sources.
    as_frame : bool, default=False
        Give ``data`` as a DataFrame of one column, ``target`` and ``domain`` as Series, and fill ``frame``.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``solubility/aqsol_A.csv`` and the others. Default: the environment
        variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_samples,) and dtype object, or DataFrame of shape (n_samples, 1)
            SMILES.
        target : ndarray of float or Series of shape (n_samples,)
            ``log_solubility``: decadic logarithm of the solubility in water in mol/L.
        domain : ndarray of str or Series of shape (n_samples,)
            Collection: ``A``, ``B``, ...
        source_domains, target_domains, test_domains : tuple of str
            All collections but the last, the last, and ``()``.
        inchikey : ndarray of str of shape (n_samples,)
            Key of the molecule. **The same molecule stands in several collections**, often with the same
            measurement: use it as groups, and take test molecules out of the sources too.
        repeated : ndarray of bool of shape (n_samples,)
            Whether an earlier row, of any fetched collection, has the same ``inchikey``.
        salt_or_mixture : ndarray of bool of shape (n_samples,)
            Whether the row has several components or a net charge by its SMILES or InChI, which descriptors
            of one neutral molecule do not describe.
        ids, names : ndarray of str of shape (n_samples,)
            Row names of the collection (``A-1``), and names of the compounds.
        feature_names, feature_units : list of str
            ``["smiles"]`` and ``["1"]``.
        target_names, target_units : list of str
            ``["log_solubility"]`` and ``["log10(mol/L)"]``.
        frame : DataFrame of shape (n_samples, 3) or None
            SMILES, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with licence, citation and what is odd about the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        For an unknown or repeated collection, a file of another layout than expected, or a row without
        SMILES, key or number (naming it).
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.

    See Also
    --------
    fetch_freesolv : Hydration free energies, measured and computed.

    Notes
    -----
    The files have a column ``Prediction``: the answer of another model that was trained on such data. It is
    left out, because as a feature it would leak the labels.

    References
    ----------
    .. [1] Sorkun, M. C., Khetan, A. & Er, S., "AqSolDB, a curated reference set of aqueous solubility and 2D
       descriptors for a diverse set of compounds", Sci. Data 6, 143 (2019).
       https://doi.org/10.1038/s41597-019-0151-1

    Examples
    --------
    >>> from skxfer.datasets import fetch_solubility
    >>> solubility = fetch_solubility(collections=["F", "G"])  # doctest: +SKIP
    >>> solubility.data.shape, solubility.target_domains  # doctest: +SKIP
    ((2354,), ('G',))
    """
    collections = check_names(collections, COLLECTIONS, "collections")
    table = pd.concat(
        [
            _read_collection(read_file(f"solubility/aqsol_{name}.csv", data_home, download_if_missing), name)
            for name in collections
        ],
        ignore_index=True,
    )
    return table_bunch(
        table,
        ["smiles"],
        TARGET,
        as_frame=as_frame,
        return_X_y=return_X_y,
        target_unit="log10(mol/L)",
        feature_units=["1"],
        descr="solubility.rst",
        source_domains=tuple(collections[:-1]),
        target_domains=(collections[-1],),
        test_domains=(),
        inchikey=table["InChIKey"].to_numpy(dtype=str),
        repeated=table["InChIKey"].duplicated().to_numpy(),
        salt_or_mixture=np.array(
            [_is_salt_or_mixture(*row) for row in zip(table["smiles"], table["InChI"], strict=True)]
        ),
        ids=table["ID"].to_numpy(dtype=str),
        names=table["Name"].to_numpy(dtype=str),
    )


def _read_collection(content, collection):
    # keep_default_na: no name and no SMILES ("N" is ammonia, "NaN" may be a name) is taken for a missing one.
    table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"aqsol_{collection}.csv: no column {missing} among {list(table.columns)}.")
    values = pd.to_numeric(table["Solubility"], errors="coerce")
    bad = ~np.isfinite(values) | (table["SMILES"] == "") | (table["InChIKey"] == "")
    if bad.any():
        row = table[bad].iloc[0]
        raise ValueError(
            f"aqsol_{collection}.csv, row {row['ID']!r}: solubility {row['Solubility']!r}, SMILES "
            f"{row['SMILES']!r} and InChIKey {row['InChIKey']!r} must all be there, and the first a number."
        )
    table[TARGET] = table["Solubility"].astype(np.float64)
    return table.rename(columns={"SMILES": "smiles"}).assign(domain=collection)


def _is_salt_or_mixture(smiles, inchi):
    return "." in smiles or bool(_SEVERAL.search(inchi) or _ION.search(inchi))
