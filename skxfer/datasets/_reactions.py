"""Yields of C-N couplings after Buchwald and Hartwig."""

import os
import re
from io import BytesIO

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._bunch import check_names, table_bunch
from .files import read_file

PRODUCTS = ("a", "b", "c", "d", "e")
SMILES_COLUMNS = ["aryl_halide", "additive", "base", "ligand"]
FEATURE_NAMES = ["halogen", *SMILES_COLUMNS]
_HALOGEN = re.compile("Cl|Br|I")


@validate_params(
    {
        "products": [str, "array-like"],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_buchwald_hartwig(
    *,
    products=("a", "b", "c"),
    as_frame=False,
    return_X_y=False,
    data_home=None,
    download_if_missing=True,
):
    """Fetch measured yields of Buchwald-Hartwig couplings, by the four compounds of the recipe.

    Every product was made with 3 halides, 22 additives, 3 bases and 4 ligands: 792 yields each, measured by
    high-throughput experiments [1]_. Files of [2]_ are downloaded once and checked against their sha256.

    =======  ==========================  ==============================================
    product  aryl halide                 mean yield
    =======  ==========================  ==============================================
    ``a``    4-halobenzotrifluoride      24 %
    ``b``    4-haloanisole               20 %
    ``c``    1-ethyl-4-halobenzene       33 %
    ``d``    halopyridines               not examined
    ``e``    halopyridines               not examined
    =======  ==========================  ==============================================

    Parameters
    ----------
    products : str or sequence of str, default=("a", "b", "c")
        Products to read, in this order. The last one is the target domain, the others are sources.
    as_frame : bool, default=False
        Give ``target`` and ``domain`` as Series, and fill ``frame``. ``data`` is a DataFrame in any case.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``reactions/buchwald_a.csv`` and the others. Default: the environment
        variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : DataFrame of str of shape (n_samples, 5)
            ``halogen`` (Cl, Br or I, read off the aryl halide), and SMILES of ``aryl_halide``, ``additive``,
            ``base`` and ``ligand``. The aryl halides of two products have nothing in common as categories:
            transfer goes through ``halogen`` and the other three.
        target : ndarray of float or Series of shape (n_samples,)
            ``yield`` in %.
        domain : ndarray of str or Series of shape (n_samples,)
            Product: ``a``, ``b``, ...
        source_domains, target_domains, test_domains : tuple of str
            All products but the last, the last, and ``()``.
        feature_names, feature_units : list of str
            Names and units of the columns of ``data``.
        target_names, target_units : list of str
            ``["yield"]`` and ``["%"]``.
        frame : DataFrame of shape (n_samples, 7) or None
            Features, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with licence, citation and what is odd about the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        For an unknown or repeated product, or a file of another layout than expected.
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.

    See Also
    --------
    fetch_solubility : Another measured property by SMILES.

    References
    ----------
    .. [1] Ahneman, D. T. et al., "Predicting reaction performance in C-N cross-coupling using machine
       learning", Science 360, 186 (2018). https://doi.org/10.1126/science.aar5169
    .. [2] Häse, F. et al., "Olympus: a benchmarking framework for noisy optimization and experiment
       planning", Mach. Learn.: Sci. Technol. 2, 035021 (2021). https://doi.org/10.1088/2632-2153/abedc8

    Examples
    --------
    >>> from skxfer.datasets import fetch_buchwald_hartwig
    >>> couplings = fetch_buchwald_hartwig()  # doctest: +SKIP
    >>> couplings.data.shape, couplings.target_domains  # doctest: +SKIP
    ((2376, 5), ('c',))
    """
    products = check_names(products, PRODUCTS, "products")
    table = pd.concat(
        [
            _read_product(read_file(f"reactions/buchwald_{name}.csv", data_home, download_if_missing), name)
            for name in products
        ],
        ignore_index=True,
    )
    return table_bunch(
        table,
        FEATURE_NAMES,
        "yield",
        as_frame=as_frame,
        return_X_y=return_X_y,
        target_unit="%",
        feature_units=["1"] * len(FEATURE_NAMES),
        descr="buchwald_hartwig.rst",
        source_domains=tuple(products[:-1]),
        target_domains=(products[-1],),
        test_domains=(),
    )


def _read_product(content, product):
    table = pd.read_csv(BytesIO(content), header=None, keep_default_na=False, float_precision="round_trip")
    if table.shape[1] != 5:
        raise ValueError(
            f"buchwald_{product}.csv has {table.shape[1]} columns, and not 4 SMILES and a yield."
        )
    table.columns = [*SMILES_COLUMNS, "yield"]
    table["yield"] = pd.to_numeric(table["yield"], errors="coerce")
    halogens = [_HALOGEN.findall(smiles) for smiles in table["aryl_halide"]]
    for bad, what in (
        (~np.isfinite(table["yield"]), "the yield is not a finite number"),
        (np.array([len(found) != 1 for found in halogens]), "the aryl halide needs one Cl, Br or I"),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"buchwald_{product}.csv, row {row} ({table['aryl_halide'].iloc[row]}): {what}.")
    return table.assign(halogen=[found[0] for found in halogens], domain=product)
