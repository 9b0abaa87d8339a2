"""How the benchmarks' cases draw rows: nothing of the test rows is in training."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

pytest.importorskip("rdkit")
BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def cases(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _cases

    yield _cases
    for name in ("_cases", "_features"):
        sys.modules.pop(name, None)


def _case(cases, **options):
    """Two sources of 20 rows, and 40 target rows; groups of two rows, the target's also in source b."""
    domain = np.repeat(["a", "b", "few"], [20, 20, 40])
    groups = np.concatenate([np.arange(100, 120), np.arange(20), np.arange(40) // 2])
    settings = dict.fromkeys(["name", "unit"], "made") | {"sizes": (5,), "featurizer": StandardScaler()}
    settings |= {"X": np.arange(80.0)[:, None], "y": np.arange(80.0), "domain": domain, "groups": groups}
    settings |= {"source_domains": ("a", "b"), "target_domains": ("few",)}
    return cases.Case(**settings | options)


@pytest.mark.parametrize("n", [1, 5, 12])
@pytest.mark.parametrize("seed", range(3))
def test_groups_of_drawn_target_rows_are_not_tested(cases, n, seed):
    case = _case(cases)
    train, test = case.draw(n, seed)
    few = train[case.domain[train] == "few"]
    assert len(few) == len(set(few)) == n
    assert set(case.domain[test]) == {"few"} and not set(few) & set(test)
    assert not set(case.groups[few]) & set(case.groups[test])
    # Of the 40 rows only the partner of a row whose group was cut in two is lost.
    assert len(test) == 40 - n - n % 2
    assert sorted(train[: -len(few)]) == list(range(40))


def test_molecules_of_the_test_rows_leave_the_sources_where_groups_mean_the_same(cases):
    case = _case(cases, same_in_sources=True)
    train, test = case.draw(10, 0)
    assert not set(case.groups[train]) & set(case.groups[test])
    sources = train[case.domain[train] != "few"]
    assert (case.domain[sources] == "a").sum() == 20
    assert (case.domain[sources] == "b").sum() == 5


def test_sources_are_limited_each(cases):
    case = _case(cases, max_source_rows=7)
    domain = case.domain[case.draw(5, 0).train]
    assert [(domain == name).sum() for name in ("a", "b", "few")] == [7, 7, 5]


def test_seed_decides_the_draw(cases):
    case = _case(cases, max_source_rows=7)
    first, same, other = (case.draw(5, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first.train, other.train)


def test_domain_that_is_only_tested_is_tested_whole(cases):
    case = _case(cases, source_domains=("a",), test_domains=("b",))
    for n, expected in ((8, 8), (None, 40)):
        train, test = case.draw(n, 0)
        assert (case.domain[train] == "few").sum() == expected
        assert test.tolist() == list(range(20, 40))


def test_draw_that_leaves_nothing_to_test_is_an_error(cases):
    for n in (None, 40, 41):
        with pytest.raises(ValueError, match="made"):
            _case(cases).draw(n, 0)


@pytest.mark.parametrize("relation", ["identical", "adversarial"])
def test_artificial_case_has_what_a_benchmark_needs(cases, relation):
    case = cases.CASES[f"artificial_{relation}"]()
    train, test = case.draw(30, 0)
    assert len(train) == 530 and set(case.domain[test]) == {"test"}
    assert case.featurizer.fit_transform(case.X[train]).shape == (530, 5)


def test_embedded_case_of_co_on_silver_predicts_unseen_solvents(cases):
    case = cases.CASES["co_ag_emt_Eads"]()
    train, test = case.draw(None, 0)
    assert set(case.domain[test]) == {"cyclohexane", "diethyl_ether", "tetrahydrofuran"}
    assert not set(case.groups[train]) & set(case.groups[test])
    assert (case.domain[train] == "gas").sum() == 945


def test_pairs_of_metals_are_held_out(cases):
    pytest.importorskip("matminer")
    case = cases.CASES["miedema"]()
    train, test = case.draw(50, 0)
    few = train[case.domain[train] == "solid_solution"]
    assert len(few) == 50 and len(set(case.groups[few])) == 17
    assert not set(case.groups[few]) & set(case.groups[test])
