"""Where benchmark tables go, and what they say of the machine they were measured on."""

import json
import platform
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn

import skxfer

RESULTS = Path(__file__).parent / "results"


def save_table(name, table, protocol, *, update=None):
    """Write NAME.csv (read by the docs) and NAME.json (with protocol and versions).

    With `update`, a column, the rows of the table replace those of an earlier run that have the same entry.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    if update and path.exists():
        earlier = pd.read_csv(path, dtype=str)
        table = pd.concat([earlier[~earlier[update].isin(table[update])], table], ignore_index=True)
    table.to_csv(path, index=False)
    record = {
        "protocol": protocol,
        "versions": {
            "skxfer": skxfer.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "machine": platform.machine(),
        "rows": table.to_dict(orient="records"),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1, default=str) + "\n")
    print(table.to_string(index=False))


def spread(values, digits=4):
    """Mean and standard deviation over splits or seeds."""
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"
