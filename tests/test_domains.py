import numpy as np
import pytest

from skxfer.domains import relevant_rows, split_domains

DOMAIN = np.array(["gas", "water", "gas", "hexane", "surface"])


def test_sources_come_in_the_order_named_and_all_other_rows_are_target():
    sources, target = split_domains(DOMAIN, ["surface", "gas"])
    assert {name: list(rows) for name, rows in sources.items()} == {"surface": [4], "gas": [0, 2]}
    assert list(sources) == ["surface", "gas"]
    assert list(target) == [1, 3]


def test_one_source_may_be_named_by_itself():
    sources, _ = split_domains(DOMAIN, "gas")
    assert list(sources) == ["gas"]


def test_without_sources_every_row_is_target():
    sources, target = split_domains(DOMAIN, None)
    assert sources == {}
    assert list(target) == [0, 1, 2, 3, 4]


def test_integer_domains_work():
    sources, target = split_domains(np.array([16, 17, 16]), [16])
    assert list(sources[16]) == [0, 2]
    assert list(target) == [1]


def test_unknown_source_is_an_error_that_lists_the_domains():
    with pytest.raises(ValueError, match=r"No row has the source domain 'ether'.*'gas'.*'hexane'"):
        split_domains(DOMAIN, ["gas", "ether"])


def test_source_named_twice_is_an_error():
    with pytest.raises(ValueError, match="names a domain twice"):
        split_domains(DOMAIN, ["gas", "gas"])


def test_sources_that_leave_no_target_row_are_an_error():
    with pytest.raises(ValueError, match="no target row.*Leave the domain that you want to predict out"):
        split_domains(np.array(["a", "b"]), ["a", "b"])


@pytest.mark.parametrize("margin", [0.0, 0.1, 1.0])
def test_relevant_rows_lie_in_the_widened_label_range_of_the_target(margin):
    rng = np.random.default_rng(0)
    source, target = rng.normal(scale=3, size=(50, 2)), rng.normal(size=(8, 2))
    target[0, 1] = np.nan
    expected = []
    for row in source:
        inside = True
        for t in range(2):
            known = [v for v in target[:, t] if not np.isnan(v)]
            width = margin * (max(known) - min(known))
            inside &= min(known) - width <= row[t] <= max(known) + width
        expected.append(inside)
    assert 0 < sum(expected) < 50
    np.testing.assert_array_equal(relevant_rows(source, target, margin), expected)


@pytest.mark.filterwarnings("error")
def test_target_without_any_label_makes_no_row_irrelevant():
    target = np.column_stack([np.full(5, np.nan), np.linspace(0, 1, 5)])
    assert list(relevant_rows(np.array([[5.0, 0.5], [0.0, 9.0]]), target, 0.1)) == [True, False]


def test_missing_source_label_never_makes_a_row_irrelevant():
    source = np.array([[np.nan, 0.5], [np.nan, 9.0], [np.nan, np.nan]])
    assert list(relevant_rows(source, np.linspace([0, 0], [1, 1], 5), 0.1)) == [True, False, True]


def test_target_with_few_labels_excludes_no_source_row():
    Y_source = np.column_stack([np.linspace(0, 1, 50), np.linspace(0, 100, 50)])
    Y_target = np.column_stack([np.linspace(0, 1, 20), np.full(20, np.nan)])
    Y_target[:2, 1] = 3, 4
    assert relevant_rows(Y_source, Y_target, 0.2).all()
