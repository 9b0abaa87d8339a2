"""What the fetchers of tables with one target have in common."""

import inspect
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import (
    fetch_adsorption,
    fetch_buchwald_hartwig,
    fetch_formation_enthalpy,
    fetch_freesolv,
    fetch_solubility,
    files,
)

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

FILES = {
    fetch_adsorption: ["adsorption/transition_metals.xlsx"],
    fetch_buchwald_hartwig: [f"reactions/buchwald_{name}.csv" for name in "abcde"],
    fetch_formation_enthalpy: ["enthalpy/formation_enthalpy.xlsx"],
    fetch_freesolv: ["hydration/freesolv.txt"],
    fetch_solubility: [f"solubility/aqsol_{name}.csv" for name in "ABCDEFGHI"],
}
LICENCE = {
    fetch_adsorption: "**Licence**: MIT",
    fetch_buchwald_hartwig: "**Licence**: MIT",
    fetch_formation_enthalpy: "**Licence**: none is stated",
    fetch_freesolv: "**Licence**: none is stated",
    fetch_solubility: "**Licence**: CC0",
}
every = pytest.mark.parametrize("fetch", FILES, ids=lambda fetch: fetch.__name__)


@every
def test_registry_has_the_files_and_no_others(fetch):
    folder = FILES[fetch][0].partition("/")[0]
    entries = files.registry(f"{folder}/")
    assert list(entries) == FILES[fetch]
    for entry in entries.values():
        assert len(bytes.fromhex(entry["sha256"])) == 32 and entry["bytes"] > 0
        assert entry["url"].startswith("https://raw.githubusercontent.com/")


@every
def test_absent_file_names_file_address_and_place(fetch, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        fetch(data_home=tmp_path, download_if_missing=False)
    name = FILES[fetch][0]
    for part in (name, files.registry(name)[name]["url"], str(tmp_path / name), "SKXFER_DATA"):
        assert part in str(caught.value)


@every
def test_damaged_file_is_refused_and_left_alone(fetch, shelf):
    path = shelf.put(FILES[fetch][0], "as published")
    path.write_text("changed")
    with pytest.raises(files.CorruptedDataError, match="is corrupted"):
        fetch(data_home=shelf.home)
    assert path.read_text() == "changed"


@every
def test_wrong_option_is_named(fetch):
    for option in ("as_frame", "return_X_y", "download_if_missing"):
        assert option in inspect.signature(fetch).parameters
        with pytest.raises(ValueError, match=option):
            fetch(**{option: "maybe"})


@real
@every
def test_registry_agrees_with_the_manifest(fetch):
    manifest = Path(os.environ["SKXFER_DATA"]) / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("no MANIFEST.json")
    stated = {entry["name"]: entry for entry in json.loads(manifest.read_text())}
    for name in FILES[fetch]:
        assert files.registry(name)[name].items() <= stated[name].items()


@real
@every
def test_names_units_and_description_are_there(fetch, fetch_or_skip):
    found = fetch_or_skip(fetch)
    assert isinstance(found.target, np.ndarray) and found.target.dtype == np.float64
    assert np.isfinite(found.target).all()
    assert isinstance(found.domain, np.ndarray) and len(found.domain) == len(found.target) == len(found.data)
    assert len(found.feature_names) == len(found.feature_units)
    assert len(found.target_names) == len(found.target_units) == 1
    assert {*found.source_domains, *found.target_domains, *found.test_domains} == set(found.domain)
    assert found.frame is None
    for part in (LICENCE[fetch], "sha256", "not\npart of this package", "doi 10."):
        assert part.replace("\n", " ") in " ".join(found.DESCR.split())
    if isinstance(found.data, pd.DataFrame):
        assert list(found.data.columns) == found.feature_names


@real
@every
def test_frame_and_pair_hold_the_same_values(fetch, fetch_or_skip):
    found = fetch_or_skip(fetch)
    framed = fetch(as_frame=True)
    assert isinstance(framed.data, pd.DataFrame) and isinstance(framed.target, pd.Series)
    assert list(framed.frame.columns) == [*found.feature_names, *found.target_names, "domain"]
    values = found.data if isinstance(found.data, pd.DataFrame) else pd.DataFrame({"smiles": found.data})
    pd.testing.assert_frame_equal(framed.data, values)
    np.testing.assert_array_equal(framed.target, found.target)
    assert framed.domain.tolist() == found.domain.tolist()
    X, y = fetch(return_X_y=True)
    assert type(X) is type(found.data) and len(X) == len(found.data)
    np.testing.assert_array_equal(y, found.target)
