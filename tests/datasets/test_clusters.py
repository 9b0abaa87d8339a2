"""Clusters by size: what is read, put right and refused, and what the real files hold."""

import hashlib
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from skxfer.datasets import _boron_clusters as _clusters
from skxfer.datasets import fetch_boron_clusters, files

pytest.importorskip("ase")

NOWHERE = "http://127.0.0.1:9"
B, SE = -24.4739, -2389.8317  # free atoms, Hartree

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


def _fetch_or_skip(*args):
    try:
        return fetch_boron_clusters(*args, download_if_missing=False)
    except FileNotFoundError:
        pytest.skip(f"{args} is not in SKXFER_DATA")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def publish(monkeypatch, home):
    """Return a function that writes arrays at a name and registers it as the published one."""
    entries = {}

    def register(name, **arrays):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        entries[name] = {"name": name, "sha256": sha256, "bytes": len(content), "url": f"{NOWHERE}/{name}"}

    def registry(prefix):
        return {name: entry for name, entry in entries.items() if name.startswith(prefix)}

    monkeypatch.setattr(_clusters, "registry", registry)
    return register


def _line(n):
    return np.arange(n)[:, None] * [1.7, 0, 0]


def _arrays(numbers, energies):
    n = len(energies)
    return {"R": np.tile(_line(len(numbers)), (n, 1, 1)), "E": np.c_[energies], "z": np.array(numbers)}


def test_energies_in_hartree_become_ev_and_labels_above_the_free_atoms_are_unbound(publish, home):
    free = 3 * B + SE
    publish("clusters/SeBn/B=3.npz", **_arrays([5, 5, 5, 34], [free - 0.1, free, free + 0.1]))
    found = fetch_boron_clusters("SeBn", 3, data_home=home)
    np.testing.assert_allclose(found.target, 27.211386 * np.array([free - 0.1, free, free + 0.1]), rtol=1e-7)
    assert found.bound.tolist() == [True, True, False]
    assert found.unit == "eV" and found.domain.tolist() == [3, 3, 3]
    assert found.reference_energies == pytest.approx({"B": 27.211386 * B, "Se": 27.211386 * SE})
    assert "no licence" in found.DESCR


def test_structures_are_atoms_with_the_positions_of_the_file(publish, home):
    publish("clusters/Bn/B=2.npz", **_arrays([5, 5], [2 * B - 0.1]))
    (atoms,) = fetch_boron_clusters("Bn", 2, data_home=home).data
    assert atoms.get_chemical_formula() == "B2" and not atoms.pbc.any()
    np.testing.assert_array_equal(atoms.positions, _line(2))


def test_atomic_numbers_may_be_given_for_each_structure(publish, home):
    arrays = _arrays([5, 34], [B + SE - 0.1] * 2) | {"z": np.array([[5, 34], [34, 5]])}
    publish("clusters/SeBn/B=1.npz", **arrays)
    data = fetch_boron_clusters("SeBn", 1, data_home=home).data
    assert [str(atoms.symbols) for atoms in data] == ["BSe", "SeB"]


def test_size_is_that_of_the_clusters_where_the_name_of_the_file_is_wrong(publish, home):
    for number, size in ((20, 20), (21, 22), (22, 23), (23, 23)):
        publish(f"clusters/SeBn-O/B={number}.npz", **_arrays([5] * size + [34], [size * B + SE - 1]))
    for number, size in ((20, 20), (21, 22), (22, 23)):
        found = fetch_boron_clusters("SeBn-O", size, data_home=home)
        assert found.file == f"clusters/SeBn-O/B={number}.npz"
        assert len(found.data[0]) == size + 1
    with pytest.raises(ValueError, match=r"of size 21, but of \[20, 22, 23\].*B=21.npz holds .* 22 B atoms"):
        fetch_boron_clusters("SeBn-O", 21, data_home=home)


def test_without_energies_of_free_atoms_no_row_is_called_unbound_but_a_warning_says_so(publish, home):
    publish("clusters/Ta2Nn-/Ta2N3-.npz", **_arrays([73, 73, 7, 7, 7], [-278.0, 5.0]))
    with pytest.warns(UserWarning, match="free N and Ta atoms .* are not known"):
        found = fetch_boron_clusters("Ta2Nn-", 3, data_home=home)
    assert found.bound.tolist() == [True, True] and found.reference_energies == {}
    assert [atoms.info["charge"] for atoms in found.data] == [-1, -1]
    np.testing.assert_allclose(found.target, [-278.0 * 27.211386, 5 * 27.211386], rtol=1e-7)


def test_energies_that_are_in_ev_already_are_not_converted(publish, home):
    carbon, aluminium = -37.8 * 27.2114, -242.0 * 27.2114
    publish("clusters/AlCn/C=2.npz", **_arrays([6, 6, 13], [2 * carbon + aluminium]))
    with pytest.warns(UserWarning, match="look like eV"), pytest.warns(UserWarning, match="are not known"):
        found = fetch_boron_clusters("AlCn", 2, data_home=home)
    np.testing.assert_array_equal(found.target, [2 * carbon + aluminium])


def test_file_of_other_clusters_is_refused(publish, home):
    publish("clusters/SeBn/B=2.npz", **_arrays([5, 5, 16], [-450.0]))
    with pytest.raises(ValueError, match=r"B=2.npz, row 0: the atoms are \{'B': 2, 'S': 1\}"):
        fetch_boron_clusters("SeBn", 2, data_home=home)


def test_file_without_atomic_numbers_says_what_it_lacks(publish, home):
    publish("clusters/Bn/B=2.npz", R=np.zeros((1, 2, 3)), E=np.zeros((1, 1)))
    with pytest.raises(ValueError, match=r"B=2.npz lacks \['z'\]: it holds \['E', 'R'\]"):
        fetch_boron_clusters("Bn", 2, data_home=home)


def test_arrays_that_do_not_fit_each_other_are_refused(publish, home):
    publish("clusters/Bn/B=2.npz", R=np.zeros((3, 2, 3)), E=np.zeros((2, 1)), z=np.array([5, 5]))
    with pytest.raises(ValueError, match=r"shapes \(3, 2, 3\), \(2, 1\) and \(2,\)"):
        fetch_boron_clusters("Bn", 2, data_home=home)


@pytest.mark.parametrize("args", [("SeB", 20), ("Bn", 0), ("Bn", "16")])
def test_unknown_system_or_size_is_refused(args):
    with pytest.raises(ValueError, match="parameter of fetch_boron_clusters must be"):
        fetch_boron_clusters(*args)


def test_size_that_is_not_there_lists_those_that_are():
    with pytest.raises(ValueError, match=r"Ta2Nn- has no clusters of size 4, but of \[3, 5\]"):
        fetch_boron_clusters("Ta2Nn-", 4)


def test_absent_file_names_file_and_address(tmp_path):
    with pytest.raises(FileNotFoundError, match="clusters/AlCn/C=20.npz is not in") as caught:
        fetch_boron_clusters("AlCn", 20, data_home=tmp_path, download_if_missing=False)
    assert "https://raw.githubusercontent.com/Kailejiang" in str(caught.value)


def test_registry_pins_every_cluster_file_to_a_hash_and_a_commit():
    entries = files.registry("clusters/")
    assert {name.split("/")[1] for name in entries} == set(_clusters.SYSTEMS)
    for entry in entries.values():
        assert len(bytes.fromhex(entry["sha256"])) == 32
        assert "0830e104ffe30c70ef0bf0d378cdbf366b3c6844" in entry["url"]


@real
def test_registry_of_clusters_agrees_with_the_manifest():
    manifest = Path(os.environ["SKXFER_DATA"]) / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("no MANIFEST.json")
    stated = {entry["name"]: entry for entry in json.loads(manifest.read_text())}
    for entry in files.registry("clusters/").values():
        assert entry.items() <= stated[entry["name"]].items()


# Shares of labels above the free-atom limit, in percent, as others counted them.
UNBOUND = {16: 5, 17: 2, 20: 31, 21: 26, 22: 36, 23: 33}


@real
@pytest.mark.parametrize("size", UNBOUND)
def test_shares_of_unbound_labels_of_selenium_doped_boron(size):
    found = _fetch_or_skip("SeBn", size)
    assert round(100 * np.mean(~found.bound)) == UNBOUND[size]


@real
@pytest.mark.parametrize("system", ["SeBn-O", "Bn"])
def test_every_size_of_the_real_data_holds_clusters_of_that_size(system):
    for size in (16, 17, 18, 19, 20, 22, 23):
        found = _fetch_or_skip(system, size)
        assert {atoms.numbers.tolist().count(5) for atoms in found.data} == {size}


@real
@pytest.mark.parametrize(("system", "size"), [("AlCn", 20), ("Ta2Nn-", 3)])
def test_systems_that_were_never_seen_are_read_if_they_are_there(system, size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = _fetch_or_skip(system, size)
    assert len(found.data) == len(found.target) == len(found.bound)
