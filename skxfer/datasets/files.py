"""Data files: the embedded ones, and public ones by URL and sha256."""

import hashlib
import importlib.util
import json
import os
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pandas as pd
import pooch

from .._optional import install_hint

DATA = files(__package__) / "data"


class CorruptedDataError(OSError):
    """A data file whose sha256 is not the published one."""


def registry(prefix):
    """Return the registered files whose name begins with `prefix`: name to name, sha256, bytes and url."""
    entries = json.loads((DATA / "registry.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in entries if entry["name"].startswith(prefix)}


def find_home(data_home):
    """Return the folder that holds, or will hold, the files; a place given goes before the environment."""
    return Path(data_home or os.environ.get("SKXFER_DATA") or pooch.os_cache("skxfer")).expanduser()


def read_content(entry, home, download_if_missing):
    """Return the bytes of a registered file, which are the published ones or an error is raised."""
    path = home / entry["name"]
    if not path.exists():
        reason = "download_if_missing=False"
        if entry["url"] is None:
            reason = "it has no address of its own"
        elif download_if_missing:
            reason = _download(entry, path)
        if reason:
            source = entry["url"] or "whoever gave you the other files"
            raise FileNotFoundError(
                f"{entry['name']} is not in {home} and was not downloaded ({reason}).\n"
                f"Get it from {source}\nand put it at {path}, or point the environment variable "
                f"SKXFER_DATA (or data_home) to a folder that holds {entry['name']}."
            )
    # What is hashed is what is parsed: the file is read once.
    content = path.read_bytes()
    actual = hashlib.sha256(content).hexdigest()
    if actual != entry["sha256"]:
        raise CorruptedDataError(
            f"{path} is corrupted, truncated or another version, and is not used.\n"
            f"sha256 expected {entry['sha256']} ({entry['bytes']} bytes)\n"
            f"         actual {actual} ({len(content)} bytes).\n"
            f"Delete it to have it downloaded again, or put the file of {entry['url'] or 'that hash'} there."
        )
    return content


def read_file(name, data_home, download_if_missing):
    """Return the bytes of the registered file of that name, from where the caller or the environment says."""
    return read_content(registry(name)[name], find_home(data_home), download_if_missing)


def read_excel(content, file, sheet_name=0):
    """Return sheets of an Excel workbook as a DataFrame, or as a dict of them; `file` is for the message."""
    if importlib.util.find_spec("openpyxl") is None:
        raise ImportError(f"{file} needs openpyxl: {install_hint('excel')}")
    return pd.read_excel(BytesIO(content), sheet_name=sheet_name, engine="openpyxl")


def _download(entry, path):
    """Download a file to `path`; return why that failed, or None."""
    try:
        pooch.retrieve(
            entry["url"],
            known_hash=f"sha256:{entry['sha256']}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=30),
        )
    except OSError as error:  # no network, no such page, folder not writable
        return f"{type(error).__name__}: {error}"
    except ValueError as error:  # pooch's word for a wrong hash; it keeps nothing
        raise CorruptedDataError(
            f"What {entry['url']} sends is not {entry['name']} as published, and is not kept: {error}"
        ) from error
    return None
