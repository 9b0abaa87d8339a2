"""The layout shared by the two CO-on-silver tables: spectra and a dielectric constant to four targets."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .files import DATA

MODES = range(1, 7)
FREQUENCIES = [f"f{k}" for k in MODES]
FEATURE_NAMES = [
    *FREQUENCIES,
    *(f"iz{k}" for k in MODES),
    *(f"izz{k}" for k in MODES),
    "dielectric_constant",
]
FEATURE_UNITS = ["cm⁻¹"] * 6 + ["km/mol"] * 6 + ["Å⁴/amu"] * 6 + ["1"]
TARGET_NAMES = ["Eads", "delta_e", "E_bonding", "d_band"]
TARGET_UNITS = ["eV", "e", "eV", "eV"]


def co_ag_bunch(table, *, as_frame, return_X_y, descr, **extras):
    """Build what the loaders return from a table with a `domain` column, the features and the targets."""
    X, y = table[FEATURE_NAMES].astype(np.float64), table[TARGET_NAMES].astype(np.float64)
    domain = table["domain"]
    frame = pd.concat([X, y, domain], axis=1) if as_frame else None
    if not as_frame:
        X, y, domain = X.to_numpy(), y.to_numpy(), domain.to_numpy(dtype=str)
    if return_X_y:
        return X, y
    return Bunch(
        data=X,
        target=y,
        domain=domain,
        frame=frame,
        feature_names=list(FEATURE_NAMES),
        feature_units=list(FEATURE_UNITS),
        target_names=list(TARGET_NAMES),
        target_units=list(TARGET_UNITS),
        dielectric_constant=table["dielectric_constant"].to_numpy(dtype=np.float64),
        DESCR=(DATA / descr).read_text(encoding="utf-8"),
        **extras,
    )
