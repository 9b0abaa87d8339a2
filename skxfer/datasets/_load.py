"""Data that ship with the package."""

import gzip
from io import BytesIO

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from ..inputs import as_object_array
from ._co_ag import TARGET_NAMES, co_ag_bunch
from .files import DATA

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
    table = _read_table("co_ag_emt.csv.gz")
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


@validate_params({"as_frame": ["boolean"], "return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_miedema(*, as_frame=False, return_X_y=False):
    """Load formation enthalpies of binary alloys by Miedema's model: two phases, by chemical formula.

    A transfer problem for composition models that needs no download: much data on intermetallic compounds,
    few on solid solutions of the same metals, half of them in pairs of metals that the source lacks. The
    numbers are those of **a semi-empirical model** [1]_ as matminer [2]_ has it, **not of an experiment**.

    ==================  ======  ==================================================================
    domain              rows    what it is
    ==================  ======  ==================================================================
    intermetallic       1809    source: 603 pairs of 38 metals, three of AB, AB2, AB3, A2B3, ...
    solid_solution      402     target: 134 pairs, half of them new, at three tenths of composition
    ==================  ======  ==================================================================

    Parameters
    ----------
    as_frame : bool, default=False
        Give ``data`` as a DataFrame of one column, ``target`` and ``domain`` as Series, and fill ``frame``.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (2211,) and dtype object, or DataFrame of shape (2211, 1)
            Formulas as str, such as ``"Ni3Zr"`` and ``"Cu0.3Ni0.7"``.
        target : ndarray of float or Series of shape (2211,)
            ``formation_enthalpy`` (eV/atom), negative when the alloy is more stable than its metals.
        domain : ndarray of str or Series of shape (2211,)
            ``intermetallic`` or ``solid_solution``.
        source_domains, target_domains, test_domains : tuple of str
            ``("intermetallic",)``, ``("solid_solution",)`` and ``()``.
        element_pair : ndarray of str of shape (2211,)
            The two metals of each row, such as ``"Ni-Zr"``: groups for folds that hold out pairs.
        feature_names, target_names, target_units : list of str
            ``["formula"]``, ``["formation_enthalpy"]`` and ``["eV/atom"]``.
        frame : DataFrame of shape (2211, 3) or None
            Formula, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    See Also
    --------
    fetch_composition_benchmark : Computed properties of compounds, to be downloaded.

    References
    ----------
    .. [1] de Boer et al., "Cohesion in Metals: Transition Metal Alloys", North-Holland (1988).
    .. [2] Ward et al., "Matminer: An open source toolkit for materials data mining", Comput. Mater. Sci. 152,
       60 (2018). https://doi.org/10.1016/j.commatsci.2018.05.018

    Examples
    --------
    >>> from skxfer.datasets import load_miedema
    >>> alloys = load_miedema()
    >>> str(alloys.data[0]), float(alloys.target[0])
    ('AgBa', -0.445002)
    >>> alloys.source_domains, alloys.target_domains
    (('intermetallic',), ('solid_solution',))
    """
    table = _read_table("miedema.csv.gz")
    formulas, y, domain = table[["formula"]], table["formation_enthalpy"], table["domain"]
    frame = pd.concat([formulas, y, domain], axis=1) if as_frame else None
    X = formulas if as_frame else as_object_array(table["formula"])
    if not as_frame:
        y, domain = y.to_numpy(), domain.to_numpy(dtype=str)
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        domain=domain,
        frame=frame,
        source_domains=("intermetallic",),
        target_domains=("solid_solution",),
        test_domains=(),
        element_pair=table["pair"].to_numpy(dtype=str),
        feature_names=["formula"],
        target_names=["formation_enthalpy"],
        target_units=["eV/atom"],
        DESCR=(DATA / "miedema.rst").read_text(encoding="utf-8"),
    )


def _read_table(file):
    # keep_default_na: no formula is ever taken for a missing value.
    return pd.read_csv(BytesIO(gzip.decompress((DATA / file).read_bytes())), keep_default_na=False)
