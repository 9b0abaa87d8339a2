"""Data that ship with the package."""

import gzip
from io import BytesIO

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import validate_params

from ._co_ag import TARGET_NAMES, co_ag_bunch
from ._files import DATA

SOURCE_DOMAINS = ("gas", "water")
TEST_DOMAINS = ("cyclohexane", "diethyl_ether", "tetrahydrofuran")


@validate_params({"as_frame": ["boolean"], "return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_co_ag_emt(*, as_frame=False, return_X_y=False):
    """Load simulated spectra and properties of CO on a silver cluster in 17 media.

    A transfer problem of the shape of the HMNN data [1]_ that needs no download: much data in gas and water,
    35 structures in each of twelve solvents, and three solvents to be predicted, with structures not seen
    there. It is **a simulation, not science**: EMT for the atoms, an Onsager reaction field for the solvent,
    simple charge and polarisability models for the intensities. ``DESCR`` gives every formula.

    ================  =====================================================
    rows              3045 (gas 945, water 945, 12 x 35, 3 x 245)
    features          19: 6 frequencies, 6 IR, 6 Raman, dielectric constant
    targets           4: ``Eads``, ``delta_e``, ``E_bonding``, ``d_band``
    ================  =====================================================

    Parameters
    ----------
    as_frame : bool, default=False
        Give ``data`` and ``target`` as DataFrames, ``domain`` as a Series, and fill ``frame``.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (3045, 19)
            ``f1``-``f6``: frequencies in cm⁻¹, ascending, imaginary ones negative. ``iz1``-``iz6``: IR
            intensities in km/mol. ``izz1``-``izz6``: Raman activities in Å⁴/amu. ``dielectric_constant``.
        target : ndarray or DataFrame of shape (3045, 4)
            ``Eads`` (eV, positive when bound), ``delta_e`` (e, electrons moved from silver to CO),
            ``E_bonding`` (eV, energy to take the O atom away), ``d_band`` (eV, centre of the d band).
        domain : ndarray of str or Series of shape (3045,)
            Solvent of each row, or "gas".
        source_domains, target_domains, test_domains : tuple of str
            Domains with much data, the few-shot target, and the held-out solvents.
        dielectric_constant : ndarray of shape (3045,)
            The last feature again.
        feature_names, feature_units : list of str
            Of the 19 columns of ``data``.
        target_names, target_units : list of str
            Of the 4 columns of ``target``.
        label_ok : ndarray of bool of shape (3045, 4)
            True throughout; there for symmetry with :func:`fetch_co_ag`.
        feature_ok : ndarray of bool of shape (3045,)
            True throughout, likewise.
        structure : DataFrame of shape (3045, 4)
            ``site``, ``distance`` of C from the top silver layer (Å), ``bond_length`` (Å), ``tilt`` (degree).
        structure_group : ndarray of int of shape (3045,)
            One number per (site, distance): groups for folds that hold out structures.
        frame : DataFrame of shape (3045, 24) or None
            Features, targets and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    See Also
    --------
    fetch_co_ag : The DFT data that this one imitates.

    References
    ----------
    .. [1] Du et al., "Spectroscopy-Guided Deep Learning Predicts Solid-Liquid Surface Adsorbate Properties in
       Unseen Solvents", J. Am. Chem. Soc. 146, 811 (2024). https://doi.org/10.1021/jacs.3c10921

    Examples
    --------
    >>> from skxfer.datasets import load_co_ag_emt
    >>> co = load_co_ag_emt()
    >>> co.data.shape, co.target.shape
    ((3045, 19), (3045, 4))
    >>> co.target_names
    ['Eads', 'delta_e', 'E_bonding', 'd_band']
    >>> len(co.source_domains), len(co.target_domains), len(co.test_domains)
    (2, 12, 3)
    """
    content = gzip.decompress((DATA / "co_ag_emt.csv.gz").read_bytes())
    table = pd.read_csv(BytesIO(content))
    held = {*SOURCE_DOMAINS, *TEST_DOMAINS}
    structure = table[["site", "distance", "bond_length", "tilt"]]
    return co_ag_bunch(
        table,
        as_frame=as_frame,
        return_X_y=return_X_y,
        descr="co_ag_emt.rst",
        source_domains=SOURCE_DOMAINS,
        target_domains=tuple(name for name in table["domain"].unique() if name not in held),
        test_domains=TEST_DOMAINS,
        label_ok=np.ones((len(table), len(TARGET_NAMES)), dtype=bool),
        feature_ok=np.ones(len(table), dtype=bool),
        structure=structure,
        structure_group=structure.groupby(["site", "distance"]).ngroup().to_numpy(),
    )
