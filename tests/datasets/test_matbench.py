"""Matbench: the official folds, the de-duplicated ones, and what the real files hold."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from skxfer.datasets import _formulas as _composition
from skxfer.datasets import _matbench, fetch_matbench, files
from skxfer.formulas import composition_groups

PARTS = ("train", "val", "test")

real = pytest.mark.skipif("SKXFER_DATA" not in os.environ, reason="SKXFER_DATA does not name the data folder")


@pytest.fixture
def shelf(shelf, monkeypatch):
    """The reader of composition sets looks the registry up by its own name."""
    monkeypatch.setattr(_composition, "registry", shelf.registry)
    return shelf


def _table(values):
    return "formula,target\n" + "".join(f"Fe{k + 1}O,{value}\n" for k, value in enumerate(values))


def test_official_set_keeps_its_order_and_has_the_official_folds(shelf):
    shelf.put("composition/matbench/jdft2d.csv", _table(np.arange(23) / 2))
    found = fetch_matbench("jdft2d", data_home=shelf.home)
    assert found.data.dtype == object and found.data.tolist() == [f"Fe{k}O" for k in range(1, 24)]
    assert found.target.tolist() == [k / 2 for k in range(23)]
    assert (found.target_name, found.unit, found.task) == ("exfoliation_energy", "meV/atom", "regression")
    expected = list(KFold(5, shuffle=True, random_state=18012019).split(found.data))
    for fold, split, (train, test) in zip(found.folds, found.splits, expected, strict=True):
        np.testing.assert_array_equal(split[0], train)
        np.testing.assert_array_equal(split[1], test)
        assert set(fold) == {"train", "test"}
        assert fold.train.data.tolist() == found.data[train].tolist()
        np.testing.assert_array_equal(fold.test.target, found.target[test])


def test_classes_are_stratified(shelf):
    labels = np.array([0, 0, 1, 0, 0] * 10)
    shelf.put("composition/matbench/glass.csv", _table(labels))
    glass = fetch_matbench("glass", data_home=shelf.home)
    assert glass.task == "classification"
    assert [fold.test.target.mean() for fold in glass.folds] == [0.2] * 5
    expected = StratifiedKFold(5, shuffle=True, random_state=18012019).split(labels, labels)
    for (_, test), (_, wanted) in zip(glass.splits, expected, strict=True):
        np.testing.assert_array_equal(test, wanted)


def test_every_row_is_tested_once_under_the_official_protocol(shelf):
    shelf.put("composition/matbench/jdft2d.csv", _table(np.arange(31)))
    splits = fetch_matbench("jdft2d", data_home=shelf.home).splits
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(31))
    assert all(sorted([*train, *test]) == list(range(31)) for train, test in splits)


def test_deduplicated_folds_are_five_in_their_order(shelf):
    for part in PARTS:
        for k in range(5):
            shelf.put(f"composition/matbench_cv/glass/{part}{k}.csv", f"formula,target\n{part}{k},{k}\n")
    glass = fetch_matbench("glass", protocol="deduplicated", data_home=shelf.home)
    assert [fold.test.data.tolist() for fold in glass.folds] == [[f"test{k}"] for k in range(5)]
    assert [fold.train.target.tolist() for fold in glass.folds] == [[float(k)] for k in range(5)]
    assert "data" not in glass and "splits" not in glass
    assert "not the official Matbench protocol" in glass.DESCR


@pytest.mark.parametrize("name", ["bulk_modulus", "", "STEELS"])
def test_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"{name!r}: .*'steels_yield'"):
        fetch_matbench(name)


def test_unknown_protocol_lists_the_known_ones():
    with pytest.raises(ValueError, match="'deduplicated'"):
        fetch_matbench("glass", protocol="unofficial")


def test_set_without_deduplicated_folds_says_so():
    with pytest.raises(ValueError, match=r"mp_gap has no deduplicated folds: .*'expt_gap'"):
        fetch_matbench("mp_gap", protocol="deduplicated")


def test_registry_has_the_files_of_every_task_and_no_others():
    tasks = _matbench.TASKS.values()
    whole = {f"composition/matbench/{task.folder}.csv" for task in tasks}
    folds = {
        f"composition/matbench_cv/{task.folder}/{part}{k}.csv"
        for task in tasks
        for part in PARTS
        for k in range(5)
        if "deduplicated" in task.protocols
    }
    assert set(files.registry("composition/matbench/")) == whole
    assert set(files.registry("composition/matbench_cv/")) == folds


# Scores of the mean predictor on the official leaderboard.
@real
@pytest.mark.parametrize(
    ("name", "rows", "score"),
    [
        ("steels_yield", 312, 229.7445),
        ("jdft2d", 636, 67.2851),
        ("expt_gap", 4604, 1.1435),
        ("dielectric", 4764, 0.8088),
        ("log_gvrh", 10987, 0.2931),
        ("mp_gap", 106113, 1.3272),
        ("mp_e_form", 132752, 1.0059),
    ],
)
def test_mean_predictor_has_its_official_score(fetch_or_skip, name, rows, score):
    found = fetch_or_skip(fetch_matbench, name)
    assert len(found.data) == rows
    errors = [np.abs(fold.test.target - fold.train.target.mean()).mean() for fold in found.folds]
    assert round(np.mean(errors), 4) == score


@real
@pytest.mark.parametrize(
    ("name", "share"), [("expt_is_metal", 0.498), ("glass", 0.710), ("mp_is_metal", 0.435)]
)
def test_folds_of_classes_have_equal_shares(fetch_or_skip, name, share):
    found = fetch_or_skip(fetch_matbench, name)
    assert set(found.target) == {0.0, 1.0}
    for fold in found.folds:
        assert fold.test.target.mean() == pytest.approx(share, abs=0.001)


@real
def test_values_and_order_are_those_of_the_file(fetch_or_skip):
    found = fetch_or_skip(fetch_matbench, "log_gvrh")
    path = Path(os.environ["SKXFER_DATA"]) / "composition/matbench/elasticity_log10(G_VRH).csv"
    with open(path) as file:
        rows = list(csv.reader(file))[1:]
    assert found.data.tolist() == [row[0] for row in rows]
    np.testing.assert_array_equal(found.target, [float(row[1]) for row in rows])


@real
@pytest.mark.parametrize(("name", "share"), [("dielectric", 0.22), ("jdft2d", 0.15), ("steels_yield", 0)])
def test_share_of_test_compositions_that_are_trained_on(fetch_or_skip, name, share):
    found = fetch_or_skip(fetch_matbench, name)
    groups = composition_groups(found.data)
    seen = [np.isin(groups[test], groups[train]).mean() for train, test in found.splits]
    assert np.mean(seen) == pytest.approx(share, abs=0.005)


@real
@pytest.mark.parametrize("name", ["steels_yield", "jdft2d", "dielectric"])
def test_no_composition_is_in_two_parts_of_a_deduplicated_fold(fetch_or_skip, name):
    for fold in fetch_or_skip(fetch_matbench, name, protocol="deduplicated").folds:
        groups = composition_groups(np.concatenate([fold[part].data for part in PARTS]))
        assert len(set(groups)) == len(groups)


@real
@pytest.mark.parametrize(("name", "tested", "total"), [("steels_yield", 312, 312), ("jdft2d", 528, 568)])
def test_no_formula_is_tested_twice_in_deduplicated_folds_and_polymorphs_never(
    fetch_or_skip, name, tested, total
):
    folds = fetch_or_skip(fetch_matbench, name, protocol="deduplicated").folds
    tests = np.concatenate([fold.test.data for fold in folds])
    assert len(set(tests)) == len(tests) == tested
    assert {sum(len(fold[part].data) for part in PARTS) for fold in folds} == {total}
