"""Write skxfer/datasets/data/registry.json from a manifest of public files.

Run ``python tools/make_registry.py MANIFEST.json``. A manifest is a JSON list with name, url, sha256 and
bytes of each file; kept are the folders that a fetcher reads.
"""

import json
import sys
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[1] / "skxfer" / "datasets" / "data" / "registry.json"
FOLDERS = (
    "hmnn/",
    "clusters/",
    "composition/benchmark/",
    "composition/matbench/",
    "composition/matbench_cv/",
    "composition/element_properties/",
    "qm7/",
    "qm9/",
    "adsorption/",
    "enthalpy/formation_enthalpy.xlsx",
    "hydration/",
    "reactions/",
    "solubility/",
)
KEYS = ("name", "sha256", "bytes", "url")


def main(manifest):
    """Keep what is fetched, one line per file."""
    entries = json.loads(Path(manifest).read_text(encoding="utf-8"))
    kept = [{key: entry[key] for key in KEYS} for entry in entries if entry["name"].startswith(FOLDERS)]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in kept)
    OUTPUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
