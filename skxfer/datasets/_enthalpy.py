"""Formation enthalpies of compounds: measured, and by two databases of calculations."""

import os

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.utils._param_validation import StrOptions, validate_params

from ..formulas import parse_formulas
from ._bunch import table_bunch
from .files import read_excel, read_file

FILE = "enthalpy/formation_enthalpy.xlsx"
TARGET = "formation_enthalpy"
# Our names, and those of the file.
LOW_FIDELITY = {"materials_project": "form_eng_mp", "oqmd": "form_eng_oqmd"}
EXPERIMENT = "experiment"
# Fractions are written with two to four digits, so that one compound has several formulas.
ROUNDING = 0.01
COLUMNS = {"composition": "formula", "form_eng_exp": EXPERIMENT} | {
    old: name for name, old in LOW_FIDELITY.items()
}


@validate_params(
    {
        "fidelity": [StrOptions({"column", "domain"})],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_formation_enthalpy(
    *,
    fidelity="column",
    as_frame=False,
    return_X_y=False,
    data_home=None,
    download_if_missing=True,
):
    """Fetch formation enthalpies by formula: measured ones, with those of Materials Project and OQMD.

    A problem of vertical transfer: computed values are cheap and known for most compounds. The file is
    downloaded once and checked against its sha256; the measured values are those of [1]_. It needs
    ``openpyxl`` (extra ``excel``).

    =====================  ======  ======================================
    value                  rows    mean absolute difference to experiment
    =====================  ======  ======================================
    ``experiment``         1196
    ``materials_project``  643     .075 eV/atom
    ``oqmd``               685     .084 eV/atom
    =====================  ======  ======================================

    Parameters
    ----------
    fidelity : {"column", "domain"}, default="column"
        How the computed values are given.

        - ``"column"``: as columns of ``data``, NaN where missing; one row per measured value.
        - ``"domain"``: as rows of their own, under the domains ``materials_project`` and ``oqmd``, before
          those of the domain ``experiment``; ``data`` holds the formula alone. A computed value that the file
          repeats for several measurements of one compound stands once.
    as_frame : bool, default=False
        Give ``data`` as a DataFrame also with ``fidelity="domain"``, ``target`` and ``domain`` as Series, and
        fill ``frame``.
    return_X_y : bool, default=False
        Return ``(data, target)`` alone.
    data_home : str or path-like, default=None
        Folder that holds, or will hold, ``enthalpy/formation_enthalpy.xlsx``. Default: the environment
        variable ``SKXFER_DATA``, else the user's cache folder. It may be read-only when the file is there.
    download_if_missing : bool, default=True
        Download the file if it is absent.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : DataFrame of shape (1196, 3), or ndarray of str objects of shape (n_samples,)
            ``formula``, and the computed enthalpies ``materials_project`` and ``oqmd`` (eV/atom); for
            ``fidelity="domain"`` formulas alone.
        target : ndarray of float or Series of shape (n_samples,)
            ``formation_enthalpy`` (eV/atom), negative when the compound is more stable than its elements.
        domain : ndarray of str or Series of shape (n_samples,)
            ``experiment``, or the source of the row's value.
        source_domains, target_domains, test_domains : tuple of str
            ``()``, or ``("materials_project", "oqmd")`` for ``fidelity="domain"``; ``("experiment",)``; and
            ``()``.
        low_fidelity : list of str
            ``["materials_project", "oqmd"]``: columns of ``data``, or domains, that approximate the target.
        composition_group : ndarray of int of shape (n_samples,)
            One number per composition, for folds that hold out groups. The file rounds fractions in several
            ways: compositions whose fractions differ by at most .01 (``Ir0.66Nd0.33``, ``Ir0.67Nd0.33``) are
            one group.
        feature_names, feature_units : list of str
            Names and units of the columns of ``data``.
        target_names, target_units : list of str
            ``["formation_enthalpy"]`` and ``["eV/atom"]``.
        frame : DataFrame or None
            Features, target and domain in one table, with ``as_frame=True``.
        DESCR : str
            Full description, with licence, citation and what is odd about the data.
    (data, target) : tuple
        Instead, with ``return_X_y=True``.

    Raises
    ------
    ValueError
        For a file of another layout than expected, or a value that is neither a number nor "-" (naming it).
    FileNotFoundError
        If the file is absent and cannot be, or must not be, downloaded.
    CorruptedDataError
        If the file does not have its published sha256 (an OSError). It is left where it is and not used.
    ImportError
        If ``openpyxl`` is absent.

    See Also
    --------
    fetch_freesolv : Another problem with a cheap value for each row.
    load_miedema : Enthalpies of alloys by a semi-empirical model, embedded.

    References
    ----------
    .. [1] Kim, G. et al., "Experimental formation enthalpies for intermetallic phases and other inorganic
       compounds", Sci. Data 4, 170162 (2017). https://doi.org/10.1038/sdata.2017.162

    Examples
    --------
    >>> from skxfer.datasets import fetch_formation_enthalpy
    >>> enthalpies = fetch_formation_enthalpy()  # doctest: +SKIP
    >>> enthalpies.data.shape, enthalpies.low_fidelity  # doctest: +SKIP
    ((1196, 3), ['materials_project', 'oqmd'])
    """
    table = _read(read_excel(read_file(FILE, data_home, download_if_missing), FILE))
    table["group"] = _composition_groups(table["formula"])
    features, units, sources = ["formula", *LOW_FIDELITY], ["1", "eV/atom", "eV/atom"], ()
    if fidelity == "column":
        table = table.rename(columns={EXPERIMENT: TARGET}).assign(domain=EXPERIMENT)
    else:
        table = _stack(table)
        features, units, sources = features[:1], units[:1], tuple(LOW_FIDELITY)
    return table_bunch(
        table,
        features,
        TARGET,
        as_frame=as_frame,
        return_X_y=return_X_y,
        target_unit="eV/atom",
        feature_units=units,
        descr="formation_enthalpy.rst",
        source_domains=sources,
        target_domains=(EXPERIMENT,),
        test_domains=(),
        low_fidelity=list(LOW_FIDELITY),
        composition_group=table["group"].to_numpy(),
    )


def _read(table):
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"{FILE}: no column {missing} among {list(table.columns)}.")
    table = table[list(COLUMNS)].rename(columns=COLUMNS)
    for name in (EXPERIMENT, *LOW_FIDELITY):
        values = pd.to_numeric(table[name], errors="coerce").astype(np.float64)
        may_miss = (table[name] == "-") & (name != EXPERIMENT)
        bad = ~np.isfinite(values) & ~may_miss
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(
                f"{FILE}, row {row + 2} ({table['formula'].iloc[row]}): {name} "
                f"{table[name].iloc[row]!r} is not a finite number."
            )
        table[name] = values
    return table


def _stack(table):
    """Give every value a row of its own; a computed one once per compound."""
    parts = []
    for name in (*LOW_FIDELITY, EXPERIMENT):
        part = table[["formula", "group", name]].rename(columns={name: TARGET}).assign(domain=name)
        parts.append(part if name == EXPERIMENT else part.dropna().drop_duplicates(["group", TARGET]))
    return pd.concat(parts, ignore_index=True)


def _composition_groups(formulas):
    """Number compounds; chains of compositions that rounding may have made different are one."""
    unique, place = np.unique(formulas.to_numpy(dtype=str), return_inverse=True)
    fractions = parse_formulas(unique.tolist()).toarray()
    near = cdist(fractions, fractions, "chebyshev") <= ROUNDING + 1e-9
    return connected_components(near, directed=False)[1][place]
