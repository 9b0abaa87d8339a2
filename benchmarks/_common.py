"""Where benchmark tables go, and what they say of the machine they were measured on."""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn

import skxfer

RESULTS = Path(__file__).parent / "results"


def save_table(name, table, protocol):
    """Write NAME.csv (read by the docs) and NAME.json (with protocol and versions)."""
    RESULTS.mkdir(exist_ok=True)
    table.to_csv(RESULTS / f"{name}.csv", index=False)
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
