import csv
import hashlib
import json
import os
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from skxfer.datasets import _fetch, fetch_co_ag, files

FEATURES = [f"{kind}{k}" for kind in ("f", "iz", "izz") for k in range(1, 7)] + ["ε"]
TARGETS = ["Eads", "delta_e", "E_bonding", "d-band"]
# The discard port: nothing listens there.
NOWHERE = "http://127.0.0.1:9"

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


def _table(dielectric_constants, seed=0):
    """Values without meaning under the published column names."""
    n = len(dielectric_constants)
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.uniform(1, 2, (n, 23)), columns=FEATURES + TARGETS)
    table["f1"] = -5.0 + np.arange(n)
    table["ε"] = dielectric_constants
    return table


@pytest.fixture(autouse=True)
def no_cache_of_the_user(monkeypatch, tmp_path):
    """Keep a forgotten data_home from reading or writing the cache of whoever runs the tests."""
    monkeypatch.setattr(files.pooch, "os_cache", lambda name: tmp_path / "cache")


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Return a function that registers a table as the published file of a name and returns its bytes."""
    entries = {}

    def register(name, table, base_url=NOWHERE):
        path = tmp_path / "published" / name
        path.parent.mkdir(exist_ok=True)
        table.to_excel(path, index=False) if name.endswith("xlsx") else table.to_csv(path, index=False)
        content = path.read_bytes()
        entries[Path(name).stem] = {
            "name": f"hmnn/{name}",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "url": f"{base_url}/{name}",
        }
        return content

    monkeypatch.setattr(_fetch, "_hmnn_registry", lambda: entries)
    return register


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / "hmnn").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def server(tmp_path):
    """Serve what is published, on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    (tmp_path / "published").mkdir()
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "published")) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def _forbid_download(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(files.pooch, "retrieve", fail)


def test_registry_pins_every_file_to_a_hash_and_a_commit():
    registry = _fetch._hmnn_registry()
    assert list(registry) == [
        *("gas", "water", "multisolvent", "cyclohexane", "diethyl_ether", "tetrahydrofuran", "ec_dmso_ipa")
    ]
    for entry in registry.values():
        assert len(bytes.fromhex(entry["sha256"])) == 32
        assert "68e7d480e2e38f48e9e6bfae2346c30b359a23de" in entry["url"]
        assert entry["bytes"] > 0


def test_file_at_hand_is_used_without_network_and_without_writing(publish, home, monkeypatch):
    content = publish("gas.csv", _table([1.0, 1.0]))
    (home / "hmnn" / "gas.csv").write_bytes(content)
    _forbid_download(monkeypatch)
    for folder in (home / "hmnn", home):
        folder.chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    try:
        co = fetch_co_ag(subset="gas", data_home=home)
    finally:
        for folder in (home, home / "hmnn"):
            folder.chmod(0o755)
    assert co.data.shape == (2, 19)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_data_home_goes_before_environment_and_environment_before_cache(publish, tmp_path, monkeypatch):
    content = publish("gas.csv", _table([1.0]))
    for name in ("given", "environment"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("SKXFER_DATA", str(tmp_path / "environment"))
    for kwargs, place in (
        ({"data_home": tmp_path / "given"}, "given"),
        ({"data_home": str(tmp_path / "given")}, "given"),
        ({}, "environment"),
    ):
        with pytest.raises(FileNotFoundError, match=f"not in {tmp_path / place} "):
            fetch_co_ag(subset="gas", download_if_missing=False, **kwargs)
    monkeypatch.delenv("SKXFER_DATA")
    with pytest.raises(FileNotFoundError, match=f"not in {tmp_path / 'cache'} "):
        fetch_co_ag(subset="gas", download_if_missing=False)
    (tmp_path / "environment" / "hmnn").mkdir()
    (tmp_path / "environment" / "hmnn" / "gas.csv").write_bytes(content)
    monkeypatch.setenv("SKXFER_DATA", str(tmp_path / "environment"))
    assert len(fetch_co_ag(subset="gas").data) == 1


def test_absent_file_offline_names_file_address_and_place(publish, home):
    publish("gas.csv", _table([1.0]))
    with pytest.raises(FileNotFoundError) as caught:
        fetch_co_ag(subset="gas", data_home=home)
    for part in ("hmnn/gas.csv", f"{NOWHERE}/gas.csv", str(home / "hmnn" / "gas.csv"), "SKXFER_DATA"):
        assert part in str(caught.value)
    assert not list((home / "hmnn").iterdir())


def test_absent_file_is_not_downloaded_against_the_wish(publish, home, monkeypatch):
    publish("gas.csv", _table([1.0]))
    _forbid_download(monkeypatch)
    with pytest.raises(FileNotFoundError, match="download_if_missing=False"):
        fetch_co_ag(subset="gas", data_home=home, download_if_missing=False)


def test_folder_that_cannot_be_made_is_told(publish, tmp_path, server):
    publish("gas.csv", _table([1.0]), server)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="hmnn/gas.csv"):
        fetch_co_ag(subset="gas", data_home=tmp_path / "file")


@pytest.mark.parametrize("damage", [lambda c: c[:-10], lambda c: c.replace(b"1", b"2", 1), lambda c: b""])
def test_damaged_file_is_refused_and_left_alone(publish, home, damage, monkeypatch):
    content = publish("gas.csv", _table([1.0, 1.0]))
    path, damaged = home / "hmnn" / "gas.csv", damage(content)
    path.write_bytes(damaged)
    _forbid_download(monkeypatch)
    with pytest.raises(_fetch.CorruptedDataError) as caught:
        fetch_co_ag(subset="gas", data_home=home)
    for part in (
        str(path),
        hashlib.sha256(content).hexdigest(),
        hashlib.sha256(damaged).hexdigest(),
        f"{len(damaged)} bytes",
        "Delete it",
    ):
        assert part in str(caught.value)
    assert path.read_bytes() == damaged


def test_download_is_kept_and_serves_the_next_call_offline(publish, tmp_path, server, monkeypatch):
    content = publish("gas.csv", _table([1.0, 1.0]), server)
    home = tmp_path / "new" / "folder"
    first = fetch_co_ag(subset="gas", data_home=home)
    assert (home / "hmnn" / "gas.csv").read_bytes() == content
    _forbid_download(monkeypatch)
    np.testing.assert_array_equal(fetch_co_ag(subset="gas", data_home=home).data, first.data)


def test_download_of_something_else_is_refused_and_not_kept(publish, home, tmp_path, server):
    publish("gas.csv", _table([1.0]), server)
    (tmp_path / "published" / "gas.csv").write_bytes(b"<html>moved</html>")
    with pytest.raises(_fetch.CorruptedDataError, match="hmnn/gas.csv"):
        fetch_co_ag(subset="gas", data_home=home)
    assert not list((home / "hmnn").iterdir())


def test_page_not_found_names_the_address(publish, home, tmp_path, server):
    publish("gas.csv", _table([1.0]), server)
    (tmp_path / "published" / "gas.csv").unlink()
    with pytest.raises(FileNotFoundError, match=f"404.*\n.*{server}/gas.csv"):
        fetch_co_ag(subset="gas", data_home=home)


def _xlsx(publish, home, table):
    (home / "hmnn" / "ec_dmso_ipa.xlsx").write_bytes(publish("ec_dmso_ipa.xlsx", table))


def test_xlsx_columns_are_found_by_name_and_f1_is_clipped(publish, home):
    pytest.importorskip("openpyxl")
    table = _table([89.6, 46.826, 19.264] * 3)
    shuffled = table.assign(name="x")[["name", *reversed(FEATURES + TARGETS)]]
    _xlsx(publish, home, shuffled)
    co = fetch_co_ag(subset="ec_dmso_ipa", data_home=home)
    np.testing.assert_array_equal(co.data[:, 0], [0, 0, 0, 0, 0, 0, 1, 2, 3])
    np.testing.assert_allclose(co.data[:, 1:], table[FEATURES[1:]])
    np.testing.assert_allclose(co.target, table[TARGETS])
    assert list(co.domain[:3]) == ["ethylene_carbonate", "dimethyl_sulfoxide", "isopropanol"]
    assert co.label_ok[:3].tolist() == [[True, False, True, False], [True] * 4, [True] * 4]
    assert co.test_domains == ("ethylene_carbonate", "dimethyl_sulfoxide", "isopropanol")
    raw = fetch_co_ag(subset="ec_dmso_ipa", data_home=home, raw=True)
    np.testing.assert_array_equal(raw.data[:, 0], table["f1"])


def test_missing_column_is_an_error(publish, home):
    pytest.importorskip("openpyxl")
    _xlsx(publish, home, _table([89.6]).drop(columns="iz3"))
    with pytest.raises(ValueError, match="ec_dmso_ipa"):
        fetch_co_ag(subset="ec_dmso_ipa", data_home=home)


def test_missing_openpyxl_names_the_extra(publish, home, monkeypatch):
    content = publish("gas.csv", _table([1.0]))
    (home / "hmnn" / "gas.csv").write_bytes(content)
    (home / "hmnn" / "ec_dmso_ipa.xlsx").write_bytes(publish("ec_dmso_ipa.xlsx", _table([89.6])))
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"skxfer\[excel\]"):
        fetch_co_ag(subset="ec_dmso_ipa", data_home=home)
    assert len(fetch_co_ag(subset="gas", data_home=home).data) == 1


def test_unknown_dielectric_constant_names_row_and_value(publish, home):
    (home / "hmnn" / "gas.csv").write_bytes(publish("gas.csv", _table([1.0, 3.14])))
    with pytest.raises(ValueError, match=r"gas, row 1: .*3\.14"):
        fetch_co_ag(subset="gas", data_home=home)


@pytest.mark.parametrize("subset", ["benzene", ["gas", "benzene"], []])
def test_unknown_subset_lists_the_valid_ones(subset):
    with pytest.raises(ValueError, match=r"'gas', 'water', 'multisolvent', .*'ec_dmso_ipa'"):
        fetch_co_ag(subset=subset)


def test_repeated_subset_is_an_error():
    with pytest.raises(ValueError, match="twice"):
        fetch_co_ag(subset=["gas", "gas"])


@pytest.fixture(scope="module")
def here():
    """Names of the published files in SKXFER_DATA."""
    folder = Path(os.environ["SKXFER_DATA"]) / "hmnn"
    return [
        stem
        for stem, entry in _fetch._hmnn_registry().items()
        if (folder / Path(entry["name"]).name).exists()
    ]


@pytest.fixture(scope="module")
def co():
    return fetch_co_ag(download_if_missing=False)


@real
def test_registry_agrees_with_the_manifest():
    manifest = Path(os.environ["SKXFER_DATA"]) / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("no MANIFEST.json")
    stated = {entry["name"]: entry for entry in json.loads(manifest.read_text())}
    for entry in _fetch._hmnn_registry().values():
        assert entry.items() <= stated[entry["name"]].items()


@real
def test_every_file_has_its_rows(here):
    rows = {"gas": 2205, "water": 2132, "multisolvent": 525, "ec_dmso_ipa": 105}
    for stem in here:
        co = fetch_co_ag(subset=stem, download_if_missing=False)
        assert co.data.shape == (rows.get(stem, 245), 19)
        assert co.target.shape == (len(co.data), 4)
        assert co.data.dtype == co.target.dtype == np.float64
        assert np.isfinite(co.data).all() and np.isfinite(co.target).all()
        assert np.all(co.data[:, 0] >= 0)


@real
def test_values_are_those_of_the_files():
    home = Path(os.environ["SKXFER_DATA"]) / "hmnn"
    for stem in ("gas", "multisolvent"):
        with open(home / f"{stem}.csv", encoding="utf-8") as file:
            rows = np.array(list(csv.reader(file))[1:], dtype=float)
        co = fetch_co_ag(subset=stem, raw=True, download_if_missing=False)
        np.testing.assert_allclose(co.data, rows[:, :19], rtol=1e-12)
        np.testing.assert_allclose(co.target, rows[:, 19:], rtol=1e-12)


@real
def test_default_is_two_sources_and_fifteen_solvents_of_35_rows(co):
    assert co.source_domains == ("gas", "water")
    assert co.test_domains == ()
    assert len(co.target_domains) == 15
    counts = pd.Series(co.domain).value_counts()
    assert set(counts[list(co.target_domains)]) == {35}
    assert co.domain.dtype.kind == "U"


@real
def test_solvent_has_the_dielectric_constant_of_its_name(co):
    eps = pd.Series(co.dielectric_constant).groupby(co.domain).unique()
    for name, value in {
        "gas": 1,
        "water": 78.3553,
        "unidentified_1.6": 1.6,
        "carbon_tetrachloride": 2.228,
        "nitrobenzene": 34.809,
        "sulfolane": 43.962,
        "n_methylformamide": 181.56,
    }.items():
        assert list(eps[name]) == [value]


@real
def test_dropped_row_repeats_a_row_of_formic_acid():
    raw = fetch_co_ag(subset="multisolvent", raw=True, download_if_missing=False)
    assert len(raw.data) == 526
    np.testing.assert_array_equal(raw.data[455, :18], raw.data[452, :18])
    np.testing.assert_array_equal(raw.target[455], raw.target[452])
    assert (raw.dielectric_constant[452], raw.dielectric_constant[455]) == (51.1, 108.94)
    assert np.flatnonzero(~raw.feature_ok).tolist() == [455]


@real
def test_bond_and_adsorption_energy_differ_by_one_constant_per_group(here):
    groups = {"gas": 27, "water": 27, "multisolvent": 5, "ec_dmso_ipa": 5}
    for stem in here:
        co = fetch_co_ag(subset=stem, download_if_missing=False)
        table = pd.DataFrame({"domain": co.domain, "group": co.structure_group})
        table["constant"] = co.target[:, 2] - co.target[:, 0]
        assert set(table.groupby("domain")["group"].nunique()) == {groups.get(stem, 7)}
        assert table.groupby(["domain", "group"])["constant"].agg(np.ptp).max() < 1e-4


@real
def test_target_groups_hold_seven_rows_and_rise_with_distance(co):
    rows = np.isin(co.domain, co.target_domains)
    table = pd.DataFrame({"domain": co.domain, "group": co.structure_group})[rows]
    assert set(table.value_counts()) == {7}
    # Silver's d band recovers as CO leaves; masked where its rows are permuted.
    table["d_band"] = co.target[rows, 3]
    mean = table[co.label_ok[rows, 3]].groupby(["domain", "group"])["d_band"].mean().unstack()
    assert np.all(np.diff(mean, axis=1) > 0)


@real
def test_eight_rows_of_water_have_impossible_frequencies(co):
    bad = ~co.feature_ok
    assert set(co.domain[bad]) == {"water"} and bad.sum() == 8
    np.testing.assert_array_equal(bad, co.data[:, 5] > 2600)
    assert co.data[bad, 5].max() == pytest.approx(6095, abs=1)
    assert co.data[bad, 12:18].max() == pytest.approx(6e6, rel=0.02)


@real
def test_masked_labels_are_those_out_of_order_with_the_spectra(co):
    for name in co.target_domains:
        rows = co.domain == name
        order = spearmanr(co.target[rows, 1], co.data[rows, 5]).statistic
        permuted = name in ("unidentified_1.6", "carbon_tetrachloride")
        assert (order < 0.65) if permuted else (order > 0.9)
        np.testing.assert_array_equal(co.label_ok[rows], [[True, not permuted, True, not permuted]] * 35)


@real
def test_frame_holds_the_same_numbers(co):
    framed = fetch_co_ag(as_frame=True, download_if_missing=False)
    assert list(framed.data.columns) == co.feature_names
    assert list(framed.target.columns) == co.target_names == ["Eads", "delta_e", "E_bonding", "d_band"]
    np.testing.assert_array_equal(framed.data, co.data)
    np.testing.assert_array_equal(framed.target, co.target)
    assert isinstance(framed.domain, pd.Series) and list(framed.domain) == list(co.domain)
    assert list(framed.frame.columns) == [*co.feature_names, *co.target_names, "domain"]


@real
def test_pair_of_arrays_on_request(co):
    X, y = fetch_co_ag(return_X_y=True, download_if_missing=False)
    np.testing.assert_array_equal(X, co.data)
    np.testing.assert_array_equal(y, co.target)


@real
def test_subset_keeps_the_order_asked_for():
    co = fetch_co_ag(subset=("water", "gas"), download_if_missing=False)
    assert (co.domain[0], co.domain[-1]) == ("water", "gas")
    assert co.source_domains == ("water", "gas")
