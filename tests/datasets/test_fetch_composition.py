"""Benchmark sets and element tables: what is read, what is refused, and what the real files hold."""

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import (
    _formulas,
    fetch_composition_benchmark,
    fetch_element_embedding,
    files,
)

PARTS = ("train", "val", "test")
NOWHERE = "http://127.0.0.1:9"

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


def _fetch_or_skip(fetch, name):
    try:
        return fetch(name, download_if_missing=False)
    except FileNotFoundError:
        pytest.skip(f"{name} is not in SKXFER_DATA")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def publish(monkeypatch, home):
    """Return a function that puts a text at a name and registers it as the published one."""
    entries = {}

    def register(name, text):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        content = path.read_bytes()
        entries[name] = {
            "name": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "url": f"{NOWHERE}/{name}",
        }
        return path

    monkeypatch.setattr(_formulas, "registry", lambda prefix: entries)
    return register


def _publish_benchmark(publish, **texts):
    default = "formula,target\nAl2O3,1.5\n"
    return [
        publish(f"composition/benchmark/mp_e_hull/{part}.csv", texts.get(part, default)) for part in PARTS
    ]


def test_parts_hold_formulas_as_strings_and_targets_as_floats(publish, home):
    _publish_benchmark(publish, train="formula,target\nFe2O3,-2\nNaCl,1e-3\n")
    hull = fetch_composition_benchmark("mp_e_hull", data_home=home)
    assert hull.train.data.dtype == object and hull.train.data.tolist() == ["Fe2O3", "NaCl"]
    assert hull.train.target.dtype == np.float64 and hull.train.target.tolist() == [-2.0, 0.001]
    assert (hull.val.data.tolist(), hull.test.target.tolist()) == (["Al2O3"], [1.5])
    assert (hull.target_name, hull.unit) == ("energy_above_hull", "eV/atom")
    assert "MIT licence" in hull.DESCR


@pytest.mark.parametrize("formula", ["NaN", "InF", "None", "NULL", "nan", "NA", "1e5"])
def test_no_formula_is_taken_for_a_missing_value_or_a_number(publish, home, formula):
    _publish_benchmark(publish, test=f"formula,target\n{formula},0.5\n")
    test = fetch_composition_benchmark("mp_e_hull", data_home=home).test
    assert test.data.tolist() == [formula] and test.target.tolist() == [0.5]


@pytest.mark.parametrize("target", ["", "high", "nan", "inf"])
def test_target_that_is_no_number_names_file_row_and_value(publish, home, target):
    _publish_benchmark(publish, val=f"formula,target\nFe,1\nNaCl,{target}\n")
    with pytest.raises(ValueError, match=rf"mp_e_hull/val.csv, row 1 \(NaCl\): target '{target}'"):
        fetch_composition_benchmark("mp_e_hull", data_home=home)


def test_absent_file_names_file_address_and_place(publish, home):
    path = _publish_benchmark(publish)[1]
    path.unlink()
    for options in ({}, {"download_if_missing": False}):
        with pytest.raises(FileNotFoundError) as caught:
            fetch_composition_benchmark("mp_e_hull", data_home=home, **options)
        for part in ("mp_e_hull/val.csv", f"{NOWHERE}/composition", str(path), "SKXFER_DATA"):
            assert part in str(caught.value)


def test_damaged_file_is_refused_and_left_alone(publish, home):
    path = _publish_benchmark(publish)[0]
    path.write_text("formula,target\nAl2O3,2.5\n")
    with pytest.raises(files.CorruptedDataError, match=r"train.csv is corrupted"):
        fetch_composition_benchmark("mp_e_hull", data_home=home)
    assert "2.5" in path.read_text()


def test_file_that_is_no_set_of_formulas_and_targets_is_refused(publish, home):
    _publish_benchmark(publish, train="composition,value\nAl2O3,1\n")
    with pytest.raises(ValueError, match=r"mp_e_hull/train.csv.*'composition', 'value'"):
        fetch_composition_benchmark("mp_e_hull", data_home=home)


@pytest.mark.parametrize("name", ["bulk_modulus", "", "MP_E_HULL"])
def test_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"{name!r}: .*'oqmd_band_gap'"):
        fetch_composition_benchmark(name)


def test_unknown_embedding_lists_the_known_ones():
    with pytest.raises(ValueError, match="'mat2vec'"):
        fetch_element_embedding("word2vec")


def test_embedding_is_by_atomic_number_and_keeps_what_is_missing(publish, home):
    publish("composition/element_properties/jarvis.csv", "element,a,b\nO,1,2\nNa,,4\nH,5,6\n")
    table = fetch_element_embedding("jarvis", data_home=home)
    assert table.index.tolist() == ["H", "O", "Na"] and table.index.name == "element"
    assert (table.dtypes == np.float64).all()
    np.testing.assert_array_equal(table, [[5, 6], [1, 2], [np.nan, 4]])


def test_row_that_is_no_element_is_an_error(publish, home):
    publish("composition/element_properties/jarvis.csv", "element,a\nO,1\nXx,2\n")
    with pytest.raises(ValueError, match=r"jarvis.csv: \['Xx'\]"):
        fetch_element_embedding("jarvis", data_home=home)


def test_registry_has_the_files_of_every_benchmark_and_no_others():
    folders = [one.folder for one in _formulas.BENCHMARKS.values()]
    wanted = {f"composition/benchmark/{folder}/{part}.csv" for folder in folders for part in PARTS}
    assert set(files.registry("composition/benchmark/")) == wanted


def test_registry_has_the_element_tables():
    wanted = {f"composition/element_properties/{name}.csv" for name in _formulas.EMBEDDINGS}
    assert set(files.registry("composition/element_properties/")) == wanted


def test_registry_pins_every_file_to_a_hash_and_a_commit():
    for entry in files.registry("composition/").values():
        assert len(bytes.fromhex(entry["sha256"])) == 32
        assert "457b4d4835737ecbe4dd33e53174bd818bd82143" in entry["url"]
        assert entry["bytes"] > 0


@real
def test_registry_of_compositions_agrees_with_the_manifest():
    manifest = Path(os.environ["SKXFER_DATA"]) / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("no MANIFEST.json")
    stated = {entry["name"]: entry for entry in json.loads(manifest.read_text())}
    for entry in files.registry("composition/").values():
        assert entry.items() <= stated[entry["name"]].items()


@real
@pytest.mark.parametrize(
    ("name", "folder", "sizes"),
    [
        ("aflow_bulk_modulus", "aflow__ael_bulk_modulus_vrh", (3428, 732, 736)),
        ("mp_magnetization", "mp_mu_b", (39663, 8499, 8500)),
    ],
)
def test_values_are_those_of_the_files_by_either_name(name, folder, sizes):
    found = _fetch_or_skip(fetch_composition_benchmark, name)
    again = fetch_composition_benchmark(folder, download_if_missing=False)
    for part, size in zip(PARTS, sizes, strict=True):
        with open(Path(os.environ["SKXFER_DATA"]) / f"composition/benchmark/{folder}/{part}.csv") as file:
            rows = list(csv.reader(file))[1:]
        assert found[part].data.tolist() == again[part].data.tolist() == [row[0] for row in rows]
        np.testing.assert_array_equal(found[part].target, [float(row[1]) for row in rows])
        assert len(rows) == size


@real
def test_sodium_nitride_is_in_the_real_data():
    train = _fetch_or_skip(fetch_composition_benchmark, "mp_e_hull").train
    assert np.flatnonzero(train.data == "NaN").tolist() == [14747]


def _compositions(formulas):
    """Formulas that differ in writing only give equal tuples."""
    formulas_module = pytest.importorskip("pymatgen.core")
    fractions = (formulas_module.Composition(f).fractional_composition for f in formulas)
    return [tuple(sorted((str(e), round(x, 6)) for e, x in f.items())) for f in fractions]


@real
@pytest.mark.parametrize("name", ["aflow_bulk_modulus", "aflow_thermal_conductivity", "mp_shear_modulus"])
def test_no_composition_is_in_two_parts_of_a_benchmark(name):
    found = _fetch_or_skip(fetch_composition_benchmark, name)
    rows = sum((_compositions(found[part].data) for part in PARTS), [])
    assert len(set(rows)) == len(rows)


@real
def test_band_gaps_hold_four_compositions_twice_but_none_in_train_and_test():
    gap = _fetch_or_skip(fetch_composition_benchmark, "aflow_band_gap")
    tables = [pd.DataFrame({"composition": _compositions(gap[p].data), "part": p}) for p in PARTS]
    table = pd.concat(tables)
    twice = table[table["composition"].duplicated(keep=False)].groupby("composition")["part"].agg("-".join)
    assert sorted(twice) == ["train-train", "train-train", "train-val", "val-test"]


@real
@pytest.mark.parametrize(
    ("name", "shape", "n_missing"),
    [
        ("mat2vec", (118, 200), 0),
        ("magpie", (97, 22), 0),
        ("oliynyk", (85, 44), 14),
        ("jarvis", (82, 438), 0),
        ("onehot", (118, 118), 0),
    ],
)
def test_element_tables_have_their_shapes(name, shape, n_missing):
    table = _fetch_or_skip(fetch_element_embedding, name)
    assert table.shape == shape and table.isna().to_numpy().sum() == n_missing
    assert not table.index.has_duplicates and not table.columns.has_duplicates


@real
def test_numbers_of_the_tables_belong_to_their_elements():
    magpie, onehot = (_fetch_or_skip(fetch_element_embedding, name) for name in ("magpie", "onehot"))
    np.testing.assert_array_equal(magpie["Number"], np.arange(1, 98))
    assert magpie.loc["Fe", "AtomicWeight"] == pytest.approx(55.845)
    assert onehot.columns.tolist() == onehot.index.tolist()
    np.testing.assert_array_equal(onehot, np.eye(118))


@real
def test_similar_elements_are_close_in_mat2vec():
    table = _fetch_or_skip(fetch_element_embedding, "mat2vec")
    unit = table.div(np.linalg.norm(table, axis=1), axis=0)
    assert unit.loc["Cl"] @ unit.loc["Br"] > unit.loc["Cl"] @ unit.loc["Fe"]
