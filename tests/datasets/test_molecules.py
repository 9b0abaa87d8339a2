"""Molecules: what is read and refused, energies in one unit and sign, and what the real files hold."""

import gzip
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skxfer.datasets import _molecules, fetch_qm7, fetch_qm9_subset, files, load_g2, read_structure_table
from skxfer.structures import read_structures

ase = pytest.importorskip("ase")

NOWHERE = "http://127.0.0.1:9"
UNDER7 = "qm9/QM9under7atoms_atomizationenergy_eV"

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")

WATER = "dsgdb9nsd_000003\nO 0. 0. 0.12\nH 0. 0.76 -0.48\nH 0. -0.76 -0.48\n{}\n"
NITROGEN = "dsgdb9nsd_000007\nN 0. 0. 0.\nN 1.1 0. 0.\n{}\n"


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Return a function that writes a file and registers it as the published one."""
    entries = {}

    def register(name, content, url=NOWHERE):
        content = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        entries[name] = {"name": name, "sha256": sha256, "bytes": len(content), "url": url}

    def registry(prefix):
        return {name: entry for name, entry in entries.items() if name.startswith(prefix)}

    monkeypatch.setattr(_molecules, "registry", registry)
    return register


# QM9 --------------------------------------------------------------------------------------------------


def test_blocks_become_atoms_energies_and_ids(publish, tmp_path):
    publish(f"{UNDER7}/test.txt", WATER.format("-9.5") + "\n" + NITROGEN.format("-9.25"))
    found = fetch_qm9_subset("under7", "test", data_home=tmp_path)
    assert [str(atoms.symbols) for atoms in found.data] == ["OH2", "N2"]
    np.testing.assert_array_equal(
        found.data[0].positions, [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]]
    )
    assert found.target.tolist() == [-9.5, -9.25] and found.target_names == ["atomisation_energy"]
    assert found.ids.tolist() == ["dsgdb9nsd_000003", "dsgdb9nsd_000007"]
    assert found.unit == "eV" and "QM9" in found.DESCR


def test_orbital_energies_are_two_targets(publish, tmp_path):
    publish("qm9/QM9under7atoms_homolumo_eV/val.txt", NITROGEN.format("-9 2.5"))
    found = fetch_qm9_subset("under7-homolumo", "val", data_home=tmp_path)
    assert found.target.tolist() == [[-9, 2.5]] and found.target_names == ["homo", "lumo"]


def test_without_a_split_all_files_are_read_in_order(publish, tmp_path):
    for split, energy in (("val", -2), ("test", -3), ("train", -1)):
        publish(f"{UNDER7}/{split}.txt", NITROGEN.format(energy))
    found = fetch_qm9_subset("under7", data_home=tmp_path)
    assert found.split.tolist() == ["train", "val", "test"] and found.target.tolist() == [-1, -2, -3]


def test_a_split_that_is_not_public_is_named():
    with pytest.raises(ValueError, match="under14 has no split 'train' .* but val and test"):
        fetch_qm9_subset("under14", "train")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("N 1.1 0. 0.", "N 1.1 0.", "'N 1.1 0.' is no element with three coordinates"),
        ("N 1.1 0. 0.", "Q 1.1 0. 0.", "'Q 1.1 0. 0.' is no element"),
        ("N 1.1 0. 0.", "N 1.1 0. zero", "could not convert"),
        ("N 1.1 0. 0.", "N nan 0. 0.", "not finite"),
        ("-7.5", "-7.5 1.0", "1 energies are expected"),
        ("-7.5", "inf", "not finite"),
        ("\n-7.5", "", "1 energies are expected"),
        ("N 0. 0. 0.\nN 1.1 0. 0.\n", "", "no atoms"),
    ],
)
def test_a_broken_block_is_named(publish, tmp_path, old, new, reason):
    text = WATER.format("-9.5") + "\n" + NITROGEN.format("-7.5").replace(old, new)
    publish(f"{UNDER7}/test.txt", text)
    with pytest.raises(ValueError, match=rf"test.txt, block 1 \('dsgdb9nsd_000007'\): .*{reason}"):
        fetch_qm9_subset("under7", "test", data_home=tmp_path)


def test_a_changed_file_is_not_used(publish, tmp_path):
    publish(f"{UNDER7}/test.txt", NITROGEN.format("-9.25"))
    (tmp_path / UNDER7 / "test.txt").write_text(NITROGEN.format("-9.26"))
    with pytest.raises(files.CorruptedDataError, match="sha256"):
        fetch_qm9_subset("under7", "test", data_home=tmp_path)


# QM7 --------------------------------------------------------------------------------------------------

QM7_BLOCK = (
    '2\nProperties=species:S:1:pos:R:3 id={} pbe0_atomization_energy_kcal_mol={} pbc="F F F"\n'
    "C 0.0 0.0 0.0\nO 1.1 0.0 0.0\n"
)


def _publish_qm7(publish, text, url=None):
    publish("qm7/qm7.extxyz.gz", gzip.compress(text.encode()), url)


def test_kcal_per_mol_become_ev(publish, tmp_path):
    _publish_qm7(publish, QM7_BLOCK.format("0001", "-230.605") + QM7_BLOCK.format("1186", "-461.21"))
    found = fetch_qm7(data_home=tmp_path)
    np.testing.assert_allclose(found.target, [-10, -20], rtol=1e-12)
    assert found.ids.tolist() == ["0001", "1186"] and found.duplicate.tolist() == [False, True]
    assert found.unit == "eV" and found.data[1].get_distance(0, 1) == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("O 1.1 0.0 0.0\n", "", r"line 5 \(block 1\)"),
        ("2\n", "two\n", r"line 5 \(block 1\)"),
        ("id=0002", "", r"line 5 \(block 1\)"),
        ("-230", "E", r"block 1 \('0002'\): could not convert"),
        ("O 1.1", "O2 1.1", r"block 1 \('0002'\): 'O2 1.1"),
    ],
)
def test_a_broken_block_of_qm7_is_named(publish, tmp_path, old, new, reason):
    broken = QM7_BLOCK.format("0002", "-230").replace(old, new, 1)
    _publish_qm7(publish, QM7_BLOCK.format("0001", "-230.605") + broken)
    with pytest.raises(ValueError, match=reason):
        fetch_qm7(data_home=tmp_path)


def test_a_file_without_an_address_is_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"qm7.extxyz.gz is not in .*no address of its own"):
        fetch_qm7(data_home=tmp_path)


# the real files ---------------------------------------------------------------------------------------


def _or_skip(fetch, *args):
    try:
        return fetch(*args, download_if_missing=False)
    except FileNotFoundError:
        pytest.skip(f"{fetch.__name__}{args} is not in SKXFER_DATA")


@real
def test_registry_of_molecules_agrees_with_the_manifest():
    manifest = Path(os.environ["SKXFER_DATA"]) / "MANIFEST.json"
    if not manifest.exists():
        pytest.skip("no MANIFEST.json")
    stated = {entry["name"]: entry for entry in json.loads(manifest.read_text())}
    for entry in [*files.registry("qm9/").values(), *files.registry("qm7/").values()]:
        assert entry.items() <= stated[entry["name"]].items()


@real
@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("under14", {"val": 1479, "test": 1480}),
        ("under7", {"train": 34, "val": 4, "test": 5}),
        ("under7-homolumo", {"train": 34, "val": 4, "test": 5}),
    ],
)
def test_sets_of_qm9_have_the_stated_sizes(name, splits):
    found = _or_skip(fetch_qm9_subset, name)
    assert {split: int((found.split == split).sum()) for split in splits} == splits
    structures = read_structures(found.data)
    assert structures.n_atoms.max() <= int(name[5:7].rstrip("-"))
    assert set(np.unique(structures.numbers)) <= {1, 6, 7, 8, 9}
    assert len(set(found.ids)) == len(found.data) == len(found.target)


@real
def test_energies_of_qm9_are_those_of_experiments_at_0_k_but_for_the_method():
    """Of acetylene, by B3LYP with zero-point energy, and from heats of formation."""
    found, g2 = _or_skip(fetch_qm9_subset, "under7"), load_g2()
    acetylene = g2.ids.tolist().index("C2H2")
    experiment = g2.target[acetylene] + g2.zero_point_energy[acetylene]
    assert found.target[found.ids.tolist().index("dsgdb9nsd_000004")] == pytest.approx(experiment, abs=0.2)


@real
def test_energies_of_qm7_are_those_of_experiments_but_for_the_method():
    found, g2 = _or_skip(fetch_qm7), load_g2()
    assert found.data[0].get_chemical_formula() == "CH4"
    assert found.target[0] == pytest.approx(g2.target[g2.ids.tolist().index("CH4")], abs=0.2)
    structures = read_structures(found.data)
    few_elements = ~np.any(structures.counts()[:, 16:17], axis=1)
    assert len(found.data) == 7101 and ((structures.n_atoms >= 15) & few_elements).sum() == 4560


def _distances(atoms):
    """Distances by pair of elements, sorted: the same for a mirror image."""
    a, b = np.triu_indices(len(atoms), 1)
    d = np.linalg.norm(atoms.positions[a] - atoms.positions[b], axis=1)
    kind = np.sort(atoms.numbers[np.stack([a, b])], axis=0) * [[100], [1]]
    order = np.lexsort((d, kind.sum(axis=0)))
    return d[order]


@real
def test_duplicates_of_qm7_have_the_distances_and_label_of_an_earlier_row():
    found = _or_skip(fetch_qm7)
    groups, duplicate = {}, np.zeros(len(found.data), dtype=bool)
    for row, atoms in enumerate(found.data):
        earlier = groups.setdefault(atoms.get_chemical_formula(), [])
        distances = _distances(atoms)
        if earlier:
            closest = np.abs(np.array([one[0] for one in earlier]) - distances).max(axis=1)
            duplicate[row] = closest.min() < 0.005
            if duplicate[row]:
                assert found.target[earlier[closest.argmin()][1]] == found.target[row]
        earlier.append((distances, row))
    np.testing.assert_array_equal(duplicate, found.duplicate)
    assert duplicate.sum() == 14


# G2 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kcal_per_mol"),
    # D_e in the literature of G2, experiment (Staroverov et al.).
    [("H2", 109.5), ("H2O", 232.6), ("CH4", 420.1), ("N2", 228.5), ("C6H6", 1367.6), ("CO", 259.3)],
)
def test_energies_of_g2_are_the_negative_of_experimental_atomisation_energies(name, kcal_per_mol):
    g2 = load_g2()
    energy = g2.target[g2.ids.tolist().index(name)]
    assert energy == pytest.approx(-kcal_per_mol / 23.0605, abs=0.2 / 23.06)


def test_energies_of_g2_are_those_of_ase_where_ase_gives_them():
    from ase.data.g2_1 import get_atomization_energy, molecule_names

    g2 = load_g2()
    energy = dict(zip(g2.ids, g2.target, strict=True))
    for name in molecule_names:
        assert energy[name] == pytest.approx(-get_atomization_energy(name) / 23.0605, rel=1e-5)


def test_small_and_large_molecules_of_g2_are_domains():
    g2 = load_g2()
    assert {domain: int((g2.domain == domain).sum()) for domain in ("small", "large")} == {
        "small": 63,
        "large": 85,
    }
    assert g2.n_heavy_atoms[g2.domain == "small"].max() == 2
    assert g2.n_heavy_atoms[g2.domain == "large"].min() == 3
    by_name = dict(zip(g2.ids, g2.domain, strict=True))
    assert (by_name["C2H6"], by_name["C6H6"], by_name["H2"]) == ("small", "large", "small")
    assert (g2.zero_point_energy > 0).all() and (g2.target < 0).all()


def test_g2_can_be_limited_to_elements():
    g2 = load_g2(elements=["H", "C", "N", "O", "F"])
    assert set(np.unique(read_structures(g2.data).numbers)) == {1, 6, 7, 8, 9}
    assert len(load_g2().data) == 148
    with pytest.raises(ValueError, match="'Q'"):
        load_g2(elements=["H", "Q"])
    with pytest.raises(ValueError, match="No molecule"):
        load_g2(elements=["U"])


# one's own archive ------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    """Three crystals as CIF in a folder beside their table."""
    for row, a in enumerate([4.0, 4.2, 4.4]):
        ase.Atoms("NaCl", [[0, 0, 0], [2, 2, 2]], cell=[a, a, a], pbc=True).write(tmp_path / f"000{row}.cif")
    (tmp_path / "properties.csv").write_text("id,gap,eps,kind\n0000,5.5,2.1,a\n0001,5.0,,b\n0002,4.5,2.3,a\n")
    return tmp_path


def test_files_and_table_are_read_together(archive):
    found = read_structure_table(archive / "properties.csv", target="gap")
    assert [atoms.cell.lengths()[0] for atoms in found.data] == pytest.approx([4.0, 4.2, 4.4])
    assert all(atoms.pbc.all() for atoms in found.data)
    assert found.target.tolist() == [5.5, 5.0, 4.5] and found.ids.tolist() == ["0000", "0001", "0002"]
    assert [Path(path).name for path in found.files] == ["0000.cif", "0001.cif", "0002.cif"]
    assert found.frame["kind"].tolist() == ["a", "b", "a"]


def test_several_targets_may_lack_labels(archive):
    found = read_structure_table(archive / "properties.csv", target=["gap", "eps"])
    np.testing.assert_array_equal(found.target, [[5.5, 2.1], [5.0, np.nan], [4.5, 2.3]])
    assert found.target_names == ["gap", "eps"]


def test_a_table_may_be_a_frame_with_names_of_files_of_any_kind(archive):
    ase.Atoms("OH2", [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]]).write(archive / "water.xyz")
    (archive / "sub").mkdir()
    ase.Atoms("Cu", cell=[2, 2, 2], pbc=True).write(archive / "sub" / "POSCAR", format="vasp")
    table = pd.DataFrame({"gap": [1, 2, 3], "file": ["water.xyz", "sub/POSCAR", "0002.cif"]})
    with pytest.warns(UserWarning, match=r"2 files .* were not read: 0000.cif, 0001.cif"):
        found = read_structure_table(table, archive, target="gap", id_column="file")
    assert [atoms.get_chemical_formula() for atoms in found.data] == ["H2O", "Cu", "ClNa"]


def test_a_pattern_makes_names_of_ids(archive):
    table = pd.DataFrame({"id": [2, 0, 1], "gap": [4.5, 5.5, 5.0]})
    found = read_structure_table(table, archive, target="gap", pattern="{:0>4}.cif")
    assert [atoms.cell.lengths()[0] for atoms in found.data] == pytest.approx([4.4, 4.0, 4.2])


def test_ids_that_look_like_missing_values_are_names(tmp_path):
    for name in ("NA", "NaN"):
        ase.Atoms("He").write(tmp_path / f"{name}.xyz")
    (tmp_path / "table.csv").write_text("id,y\nNA,1\nNaN,2\n")
    assert read_structure_table(tmp_path / "table.csv", target="y").ids.tolist() == ["NA", "NaN"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0001,5.0", "0001,5 eV", r"properties.csv, row 1 \(id '0001'\): gap is '5 eV'"),
        ("0001,5.0", "0001,inf", r"row 1 \(id '0001'\): gap is .*inf"),
        ("0001,", "0000,", "rows 0 and 1 have the same id '0000'"),
        ("0001,", ",", "row 1: the id in column 'id' is empty"),
        ("id,gap", "id,GAP", r"\['gap'\] is needed"),
    ],
)
def test_errors_of_a_table_name_the_row(archive, old, new, message):
    table = archive / "properties.csv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_structure_table(table, target="gap")


def test_rows_without_a_file_are_listed(archive):
    (archive / "0001.cif").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no file in .* for row 1 \(id '0001'\), .* such as 0000.cif"
    ):
        read_structure_table(archive / "properties.csv", target="gap")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        read_structure_table(archive / "properties.csv", archive / "cif", target="gap")


def test_an_id_of_several_files_is_refused(archive):
    ase.Atoms("He").write(archive / "0002.xyz")
    with pytest.raises(ValueError, match=r"row 2: id '0002' could mean 0002.cif or 0002.xyz"):
        read_structure_table(archive / "properties.csv", target="gap")


def test_a_file_that_is_no_structure_is_named(archive):
    (archive / "0001.cif").write_text("nothing of the kind")
    with pytest.raises(ValueError, match=r"Structure 1: .*0001.cif"):
        read_structure_table(archive / "properties.csv", target="gap")
