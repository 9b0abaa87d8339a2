"""A data folder of the test's own, with files that count as published."""

import hashlib
from types import SimpleNamespace

import pandas as pd
import pytest

from skxfer.datasets import files

# The discard port: nothing listens there.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """A data folder `home`, and `put(name, content)`, which registers what it writes there as published.

    Content is a text, bytes, or a dict of DataFrames: the sheets of an Excel workbook.
    """
    entries, home = {}, tmp_path / "home"

    def put(name, content):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            with pd.ExcelWriter(path, engine="openpyxl") as writer:
                for sheet, table in content.items():
                    table.to_excel(writer, sheet_name=sheet, index=False)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        content = path.read_bytes()
        entries[name] = {
            "name": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "url": f"{NOWHERE}/{name}",
        }
        return path

    def registry(prefix):
        return {name: entry for name, entry in entries.items() if name.startswith(prefix)}

    monkeypatch.setattr(files, "registry", registry)
    return SimpleNamespace(home=home, put=put, registry=registry)


@pytest.fixture
def fetch_or_skip():
    """Return a function that fetches from SKXFER_DATA without network, or skips."""

    def run(fetch, *args, **kwargs):
        try:
            return fetch(*args, download_if_missing=False, **kwargs)
        except FileNotFoundError as error:
            pytest.skip(f"not in SKXFER_DATA: {str(error).splitlines()[0]}")
        except ImportError as error:
            if "openpyxl" not in str(error):
                raise
            pytest.skip("openpyxl is not installed")

    return run
