"""Rows computed from equal inputs are computed once, where a competition asks for them many times."""

from contextlib import nullcontext

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer
from skxfer._remember import MAX_BYTES, _Memory, computed_once, remembering
from skxfer.featurizers import FingerprintFeaturizer, SmilesToAtoms, SOAPFeaturizer, _dscribe, _fingerprints


def counting(calls):
    def compute(rows):
        calls.extend(rows)
        return [np.array([10.0 * row]) for row in rows]

    return compute


def test_nothing_is_remembered_unless_asked_for():
    calls = []
    for _ in range(2):
        computed_once("s", ["a", "b", "a"], counting(calls))
    assert calls == 2 * [0, 1, 2]


def test_equal_rows_are_computed_once_and_keep_their_places():
    calls = []
    with remembering():
        first = computed_once("s", ["a", "b", "a"], counting(calls))
        with remembering():  # the inner block has the same memory
            again = computed_once("s", ["c", "b", "a"], counting(calls))
        other = computed_once("t", ["b"], counting(calls))
    assert calls == [0, 1, 0, 0]
    assert np.ravel(first).tolist() == [0, 10, 0]
    assert np.ravel(again).tolist() == [0, 10, 0]
    assert other[0] == 0
    computed_once("s", ["a"], counting(calls))
    assert len(calls) == 5


def test_errors_name_the_row_as_it_was_given():
    def compute(rows):
        raise ValueError(f"row {rows[0]}")

    with remembering():
        computed_once("s", ["a"], counting([]))
        with pytest.raises(ValueError, match="row 2"):
            computed_once("s", ["a", "a", "b"], compute)


def test_memory_is_bounded():
    memory = _Memory()
    memory.keep({"big": np.broadcast_to(0.0, MAX_BYTES // 8)})
    assert not memory.rows


SMILES = ["C" * n for n in range(1, 25)] + ["C" * n + "O" for n in range(1, 17)]
DOMAIN = np.repeat(["source", "target"], [24, 16])


def transfer():
    y = np.array([len(text) + ("O" in text) for text in SMILES], dtype=float)
    learner = make_pipeline(FingerprintFeaturizer("maccs"), Ridge())
    model = HierarchicalTransfer(learner, source_domains=["source"], cv=3, random_state=0)
    return model.fit(np.array(SMILES), y, sample_domain=DOMAIN)


def test_a_molecule_is_described_once_in_a_fit_and_the_result_is_the_same(monkeypatch):
    pytest.importorskip("rdkit")
    seen = []
    original = _fingerprints._molecule

    def noting(text, row):
        seen.append(text)
        return original(text, row)

    monkeypatch.setattr(_fingerprints, "_molecule", noting)
    model = transfer()
    assert len(model.strategies_) > 3
    assert sorted(seen) == sorted(SMILES)
    predicted = model.predict(np.array(SMILES))
    for module in ("_hierarchical", "_competition"):
        monkeypatch.setattr(f"skxfer.transfer.{module}.remembering", nullcontext)
    seen.clear()
    np.testing.assert_array_equal(transfer().predict(np.array(SMILES)), predicted)
    assert len(seen) > 10 * len(SMILES)


def test_a_structure_is_described_once_in_a_fit_and_the_result_is_the_same(monkeypatch):
    pytest.importorskip("rdkit")
    pytest.importorskip("dscribe")
    seen = []
    original = _dscribe.DscribeFeaturizer._of_one
    monkeypatch.setattr(
        _dscribe.DscribeFeaturizer, "_of_one", lambda self, *a: seen.append(1) or original(self, *a)
    )
    atoms = SmilesToAtoms(optimize=False).fit_transform(SMILES[24:])
    featurizer = SOAPFeaturizer(r_cut=3.0, n_max=2, l_max=1).fit(atoms)
    expected = featurizer.transform(atoms)
    seen.clear()
    with remembering():
        found = [featurizer.transform(atoms[rows]) for rows in ([0, 3, 5], [5, 3], list(range(16)))]
    assert len(seen) == 16
    for rows, part in zip(([0, 3, 5], [5, 3], list(range(16))), found, strict=True):
        np.testing.assert_array_equal(part, expected[rows])
