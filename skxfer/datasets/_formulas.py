"""Public data on chemical formulas: pre-split benchmark sets and element tables."""

import os
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from ..formulas import ELEMENTS
from ..inputs import as_object_array
from .files import DATA, find_home, read_content, registry

PARTS = ("train", "val", "test")


class _Set(NamedTuple):
    folder: str
    target_name: str
    unit: str


BENCHMARKS = {
    "aflow_band_gap": _Set("aflow__Egap", "band_gap", "eV"),
    "aflow_bulk_modulus": _Set("aflow__ael_bulk_modulus_vrh", "bulk_modulus", "GPa"),
    "aflow_debye_temperature": _Set("aflow__ael_debye_temperature", "debye_temperature", "K"),
    "aflow_energy_per_atom": _Set("aflow__energy_atom", "energy_per_atom", "eV/atom"),
    "aflow_shear_modulus": _Set("aflow__ael_shear_modulus_vrh", "shear_modulus", "GPa"),
    "aflow_thermal_conductivity": _Set(
        "aflow__agl_thermal_conductivity_300K", "thermal_conductivity", "W/(m K)"
    ),
    "aflow_thermal_expansion": _Set("aflow__agl_thermal_expansion_300K", "thermal_expansion", "1/K"),
    "critexam_decomposition_energy": _Set("CritExam__Ed", "decomposition_energy", "eV/atom"),
    "critexam_formation_energy": _Set("CritExam__Ef", "formation_energy", "eV/atom"),
    "mp_bulk_modulus": _Set("mp_bulk_modulus", "bulk_modulus", "GPa"),
    "mp_e_hull": _Set("mp_e_hull", "energy_above_hull", "eV/atom"),
    "mp_elastic_anisotropy": _Set("mp_elastic_anisotropy", "elastic_anisotropy", "1"),
    "mp_magnetization": _Set("mp_mu_b", "magnetization", "μB/cell"),
    "mp_shear_modulus": _Set("mp_shear_modulus", "shear_modulus", "GPa"),
    "oqmd_band_gap": _Set("OQMD_Bandgap", "band_gap", "eV"),
}

EMBEDDINGS = ("mat2vec", "magpie", "oliynyk", "jarvis", "onehot")

_PLACE = {"data_home": [str, os.PathLike, None], "download_if_missing": ["boolean"]}


@validate_params({"name": [str], **_PLACE}, prefer_skip_nested_validation=True)
def fetch_composition_benchmark(name, *, data_home=None, download_if_missing=True):
    """Fetch one property of many compounds, by formula, split into train, validation and test rows.

    These are the sets on which CrabNet [1]_ and L-G-DCNN [2]_ were compared. Files are downloaded once and
    checked against their sha256.

    =================================  =======  ===========  ====================================
    name                               rows     unit         folder, accepted as a name as well
    =================================  =======  ===========  ====================================
    ``aflow_band_gap``                 27577    eV           ``aflow__Egap``
    ``aflow_bulk_modulus``             4896     GPa          ``aflow__ael_bulk_modulus_vrh``
    ``aflow_debye_temperature``        4896     K            ``aflow__ael_debye_temperature``
    ``aflow_energy_per_atom``          27579    eV/atom      ``aflow__energy_atom``
    ``aflow_shear_modulus``                     GPa          ``aflow__ael_shear_modulus_vrh``
    ``aflow_thermal_conductivity``     4887     W/(m K)      ``aflow__agl_thermal_conductivity_300K``
    ``aflow_thermal_expansion``                 1/K          ``aflow__agl_thermal_expansion_300K``
    ``critexam_decomposition_energy``           eV/atom      ``CritExam__Ed``
    ``critexam_formation_energy``      85014    eV/atom      ``CritExam__Ef``
    ``mp_bulk_modulus``                6307     GPa          ``mp_bulk_modulus``
    ``mp_e_hull``                      56662    eV/atom      ``mp_e_hull``
    ``mp_elastic_anisotropy``          6331     1            ``mp_elastic_anisotropy``
    ``mp_magnetization``               56662    μB/cell      ``mp_mu_b``
    ``mp_shear_modulus``               6184     GPa          ``mp_shear_modulus``
    ``oqmd_band_gap``                  341608   eV           ``OQMD_Bandgap``
    =================================  =======  ===========  ====================================

    Parameters
    ----------
    name : str
        Of the table above.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``composition/benchmark/mp_e_hull/train.csv`` and the others.
        Default: the environment variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only
        when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        train, val, test : :class:`~sklearn.utils.Bunch`
            Each with ``data``, an ndarray of shape (n_samples,) and dtype object that holds formulas as str,
            and ``target``, an ndarray of float of shape (n_samples,).
        target_name, unit : str
            Of ``target``.
        DESCR : str
            Full description, with what is odd about the data.

    Raises
    ------
    ValueError
        For an unknown name.
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.

    See Also
    --------
    fetch_matbench : Thirteen more sets, in five folds.
    fetch_element_embedding : Numbers for each element.

    References
    ----------
    .. [1] Wang et al., "Compositionally restricted attention-based network for materials property
       predictions", npj Comput. Mater. 7, 77 (2021). https://doi.org/10.1038/s41524-021-00545-1
    .. [2] Du et al., "Rational Design of Deep Learning Networks Based on Fusion Strategy for Improved
       Materials Property Predictions", J. Chem. Theory Comput. (2024). https://doi.org/10.1021/acs.jctc.4c00187

    Examples
    --------
    >>> from skxfer.datasets import fetch_composition_benchmark
    >>> bulk = fetch_composition_benchmark("aflow_bulk_modulus")  # doctest: +SKIP
    >>> bulk.train.data[:2], bulk.train.target[:2], bulk.unit  # doctest: +SKIP
    (array(['Zr1', 'K2Mg5Sn3'], dtype=object), array([94.658 , 21.9928]), 'GPa')
    """
    found = find_set(name, BENCHMARKS)
    read = Reader(f"composition/benchmark/{found.folder}/", data_home, download_if_missing)
    return Bunch(
        **{part: read.table(f"{part}.csv") for part in PARTS},
        target_name=found.target_name,
        unit=found.unit,
        DESCR=(DATA / "composition_benchmark.rst").read_text(encoding="utf-8"),
    )


@validate_params({"name": [StrOptions(set(EMBEDDINGS))], **_PLACE}, prefer_skip_nested_validation=True)
def fetch_element_embedding(name="mat2vec", *, data_home=None, download_if_missing=True):
    """Fetch a table of numbers for each chemical element.

    =============  =====================  ===================================================================
    name           elements x numbers     what they are
    =============  =====================  ===================================================================
    ``mat2vec``    118 x 200              word vectors of abstracts in materials science [1]_
    ``magpie``     97 x 22                properties (H to Bk; no missing value, though some are stand-ins)
    ``oliynyk``    85 x 44                properties (H to U, without Po to Pa but Th); 14 are missing: NaN
    ``jarvis``     82 x 438               properties of JARVIS-ML, of very different magnitudes
    ``onehot``     118 x 118              one 1 in each row
    =============  =====================  ===================================================================

    Parameters
    ----------
    name : {"mat2vec", "magpie", "oliynyk", "jarvis", "onehot"}, default="mat2vec"
        Which table.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``composition/element_properties/mat2vec.csv`` and the others.
        Default: the environment variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only
        when the files are there.
    download_if_missing : bool, default=True
        Download a file that is absent.

    Returns
    -------
    embedding : DataFrame of float64 of shape (n_elements, n_properties)
        Rows by atomic number, with the symbol as index. Columns are named as in the file, but for ``onehot``,
        whose header is garbled: there they are the symbols. Missing values of ``oliynyk`` stay NaN.

    Raises
    ------
    InvalidParameterError
        For an unknown name (a ValueError).
    FileNotFoundError
        If a file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If a file does not have its published sha256 (an OSError). It is left where it is and not used.

    Notes
    -----
    The files are those of CrabNet's repository, which is under the MIT licence. They are not part of this
    package. They name no units.

    References
    ----------
    .. [1] Tshitoyan et al., "Unsupervised word embeddings capture latent knowledge from materials science
       literature", Nature 571, 95 (2019). https://doi.org/10.1038/s41586-019-1335-8

    Examples
    --------
    >>> from skxfer.datasets import fetch_element_embedding
    >>> fetch_element_embedding("mat2vec").loc[["Fe", "O"]].shape  # doctest: +SKIP
    (2, 200)
    """
    read = Reader("composition/element_properties/", data_home, download_if_missing)
    table = read.csv(f"{name}.csv", keep_default_na=False, na_values=[""], index_col=0)
    # keep_default_na: no symbol is ever taken for a missing value.
    unknown = sorted(set(table.index) - set(ELEMENTS))
    if unknown:
        raise ValueError(f"{name}.csv: {unknown} in its first column are no chemical elements.")
    if name == "onehot":
        table.columns = table.index
    order = [symbol for symbol in ELEMENTS if symbol in table.index]
    table = table.loc[order].astype(np.float64).rename_axis(index="element", columns=None)
    return table


def find_set(name, sets):
    """Return the set of that name, or of that folder."""
    found = sets.get(name) or next((one for one in sets.values() if one.folder == name), None)
    if found is None:
        raise ValueError(f"Unknown name {name!r}: choose one of {list(sets)}.")
    return found


class Reader:
    """Reads the registered files of one folder."""

    def __init__(self, prefix, data_home, download_if_missing):
        self.prefix, self.home, self.download = prefix, find_home(data_home), download_if_missing
        self.entries = registry(prefix)

    def csv(self, file, **options):
        content = read_content(self.entries[self.prefix + file], self.home, self.download)
        return pd.read_csv(BytesIO(content), float_precision="round_trip", **options)

    def table(self, file):
        """Formulas and numbers of a file with these two columns."""
        # "NaN" is a compound, sodium nitride, and no missing value.
        table = self.csv(file, dtype=str, keep_default_na=False)
        if list(table.columns) != ["formula", "target"]:
            raise ValueError(
                f"{self.prefix}{file}: columns {list(table.columns)} are not formula and target."
            )
        target = np.array([_as_number(text) for text in table["target"]])
        bad = np.flatnonzero(~np.isfinite(target))
        if len(bad):
            row = bad[0]
            raise ValueError(
                f"{self.prefix}{file}, row {row} ({table['formula'][row]}): target "
                f"{table['target'][row]!r} is not a finite number."
            )
        return Bunch(data=as_object_array(table["formula"]), target=target)


def _as_number(text):
    try:
        return float(text)
    except ValueError:
        return np.nan
