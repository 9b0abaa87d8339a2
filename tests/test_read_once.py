"""Sequences of formulas and structures that were read once: indexing, pickles, and passing on."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

import skxfer.formulas
import skxfer.structures._read
from skxfer.featurizers import ClusterFeaturizer, CompositionFeaturizer
from skxfer.formulas import Formulas, parse_formulas, read_formulas
from skxfer.structures import Structures, read_structures
from skxfer.transfer import HierarchicalTransfer

WATER = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
CHAINS = [([6] * n, [[1.4 * i, 0, 0] for i in range(n)]) for n in range(1, 9)]
FORMULAS = ["Fe2O3", "FeO", "NaCl", "CuO", "[13C]O2", {"Mg": 1, "O": 1}, "MgO", "Al2O3"]


@pytest.fixture(params=["formulas", "structures"])
def read(request):
    return read_formulas(FORMULAS) if request.param == "formulas" else read_structures(CHAINS)


def content(found):
    """Numbers that were read, as an array with one row for each sample."""
    if isinstance(found, Formulas):
        return found.fractions.toarray()
    return np.c_[found.n_atoms, found.counts()]


def test_it_has_as_many_entries_as_its_length_and_they_are_those_given(read):
    given = FORMULAS if isinstance(read, Formulas) else CHAINS
    assert len(read) == len(list(read)) == read.shape[0] == 8
    assert all(one is other for one, other in zip(read, given, strict=True))
    assert read[3] is given[3] and read[-1] is given[-1] and read[np.int64(2)] is given[2]
    array = np.asarray(read)
    assert array.shape == (8,) and array.dtype == object and array[4] is given[4]


@pytest.mark.parametrize(
    "key",
    [
        slice(2, 5),
        slice(None, None, -1),
        [4, 0, 0],
        np.array([7, -1]),
        np.arange(8) % 2 == 0,
        [True] * 8,
        pd.Series([1, 2]),
        [],
        np.zeros(8, dtype=bool),
        (np.array([1, 3]), Ellipsis),
    ],
)
def test_slices_masks_and_arrays_of_indices_take_what_numpy_takes(read, key):
    rows = np.arange(8)[key]
    found = read[key]
    assert type(found) is type(read) and len(found) == len(rows)
    np.testing.assert_array_equal(content(found), content(read)[rows])
    assert [entry is read[row] for entry, row in zip(found, rows, strict=True)] == [True] * len(rows)


@pytest.mark.parametrize("key", [8, -9, [8], [True, False], (0, 1), np.zeros((2, 2), dtype=int)])
def test_places_that_do_not_exist_are_refused(read, key):
    with pytest.raises(IndexError):
        read[key]


def test_a_pickle_holds_what_was_read(read):
    again = pickle.loads(pickle.dumps(read))
    np.testing.assert_array_equal(content(again), content(read))
    assert len(list(again[2:4])) == 2


def test_splits_and_scores_of_scikit_learn_take_it(read):
    y = np.arange(8.0)
    train, test = train_test_split(read, test_size=2, random_state=0)
    assert type(train) is type(test) is type(read) and (len(train), len(test)) == (6, 2)
    featurizer = (
        CompositionFeaturizer("fractions") if isinstance(read, Formulas) else ClusterFeaturizer(n_bins=4)
    )
    given = list(read)
    model = make_pipeline(featurizer, Ridge())
    if isinstance(read, Structures):
        read = read_structures(given)
    scores, same = (
        cross_val_score(model, X, y, cv=4, scoring="r2", error_score="raise") for X in (read, given)
    )
    np.testing.assert_array_equal(scores, same)
    assert len(cross_val_score(DummyRegressor(), read, y, cv=4)) == 4


def test_formulas_are_parsed_once_in_a_search(monkeypatch):
    calls = []
    parse = skxfer.formulas._parse
    monkeypatch.setattr(
        skxfer.formulas, "_parse", lambda formulas: calls.append(len(formulas)) or parse(formulas)
    )
    search = GridSearchCV(
        make_pipeline(CompositionFeaturizer("fractions"), Ridge()), {"ridge__alpha": [1, 2]}, cv=2
    )
    formulas = read_formulas(FORMULAS)
    search.fit(formulas, np.arange(8.0)).predict(formulas)
    assert calls == [8]
    CompositionFeaturizer("fractions").fit_transform(FORMULAS)
    assert calls == [8, 8]


def test_structures_are_read_once_in_a_search(monkeypatch):
    rows = []
    one = skxfer.structures._read._read
    monkeypatch.setattr(
        skxfer.structures._read, "_read", lambda entry, row: rows.append(row) or one(entry, row)
    )
    search = GridSearchCV(make_pipeline(ClusterFeaturizer(n_bins=4), Ridge()), {"ridge__alpha": [1, 2]}, cv=2)
    structures = read_structures([([6, *one[0]], [[-1.5, 0, 0], *one[1]]) for one in CHAINS])
    search.fit(structures, np.arange(8.0)).predict(structures)
    assert rows == list(range(8))
    rows.clear()
    ClusterFeaturizer(n_bins=4).fit_transform(CHAINS)
    assert rows == list(range(8))


def test_meta_estimators_pass_on_what_was_read(monkeypatch):
    calls = []
    parse = skxfer.formulas._parse
    monkeypatch.setattr(skxfer.formulas, "_parse", lambda formulas: calls.append(1) or parse(formulas))
    given = [f"{a}{n}O{m}" for a in ("Fe", "Cu", "Zn", "Mg") for n in (1, 2, 3) for m in (1, 4)]
    y, domain = np.arange(24.0), np.array(["source", "target"] * 12)
    model = HierarchicalTransfer(
        make_pipeline(CompositionFeaturizer("fractions"), Ridge()),
        source_domains=["source"],
        cv=2,
        random_state=0,
    )
    expected = model.fit(given, y, sample_domain=domain).predict(given[:3])
    assert len(calls) == 2  # all rows once in fit, and once in predict
    formulas = read_formulas(given)
    calls.clear()
    np.testing.assert_array_equal(
        model.fit(formulas, y, sample_domain=domain).predict(formulas[:3]), expected
    )
    assert not calls
    with pytest.raises(ValueError, match="Found 0 sample"):
        model.predict(formulas[:0])


def test_what_was_read_is_not_read_again():
    structures, formulas = read_structures([WATER]), read_formulas(["FeO"])
    assert read_structures(structures) is structures
    assert read_formulas(formulas) is formulas and parse_formulas(formulas) is formulas.fractions


def test_no_structures_are_refused():
    with pytest.raises(ValueError, match="Found 0 sample"):
        read_structures(read_structures([WATER])[:0])


def test_shared_fractions_cannot_be_written_to():
    formulas = read_formulas(FORMULAS)
    with pytest.raises(ValueError, match="read-only"):
        parse_formulas(formulas).data[0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        parse_formulas(formulas[1:3]).data[0] = 2.0


def test_parts_without_entries_have_structures_for_them():
    structures = read_structures([WATER, CHAINS[1]]).without_entries()
    assert structures.entries is None
    assert structures[1].numbers.tolist() == [6, 6] and len(structures[0]) == 3
    again = read_structures(list(structures))
    np.testing.assert_array_equal(again.positions, structures.positions)


def test_index_of_a_frame_is_kept_where_it_is_read_once():
    frame = pd.DataFrame({"formula": ["FeO", "NaCl"]}, index=[7, 5])
    found = CompositionFeaturizer("fractions").set_output(transform="pandas").fit_transform(frame)
    assert found.index.tolist() == [7, 5]
    frame = pd.DataFrame({"structure": pd.Series([WATER, WATER], index=[7, 5])})
    found = ClusterFeaturizer().set_output(transform="pandas").fit_transform(frame)
    assert found.index.tolist() == [7, 5]
