import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator

from skxfer.inputs import as_object_array, check_inputs, check_sample_domain, check_targets


class Any(BaseEstimator):
    pass


def check(X, *, reset=True, estimator=None, **options):
    return check_inputs(estimator or Any(), X, reset=reset, **options)


def test_sequences_in_a_list_stay_one_object_each():
    array = as_object_array([[1, 2], [3, 4]])
    assert array.shape == (2,)
    assert list(array) == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "formulas",
    [
        ["H2O", "CO", "Ag"],
        ("H2O", "CO", "Ag"),
        np.array(["H2O", "CO", "Ag"]),
        np.array(["H2O", "CO", "Ag"], dtype=object),
        pd.Series(["H2O", "CO", "Ag"], index=[7, 8, 9]),
        np.array([["H2O"], ["CO"], ["Ag"]]),
        pd.DataFrame({"formula": ["H2O", "CO", "Ag"]}).to_numpy(),
    ],
    ids=["list", "tuple", "str array", "object array", "Series", "column of str", "column of a frame"],
)
def test_formulas_of_any_container_become_an_object_array(formulas):
    array = check(formulas)
    assert array.dtype == object
    assert list(array) == ["H2O", "CO", "Ag"]


def test_objects_of_any_class_become_an_object_array():
    objects = [object(), object()]
    assert list(check(objects)) == objects


def test_objects_of_any_class_in_a_column_become_an_object_array():
    objects = np.array([{"Fe": 1}, object()], dtype=object)
    assert list(check(objects[:, None])) == list(objects)


def test_nitride_of_sodium_in_a_column_is_a_formula():
    assert list(check(np.array([["NaN"]]))) == ["NaN"]


@pytest.mark.parametrize("column", [[1, 2.5], [True, 3], ["1", "2.5"]], ids=["numbers", "mixed", "as text"])
def test_column_of_objects_that_are_numbers_is_a_table(column):
    table = check(np.array(column, dtype=object)[:, None])
    np.testing.assert_array_equal(table, np.array(column, dtype=float)[:, None])


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA], ids=["None", "nan", "numpy", "NA"])
@pytest.mark.parametrize("row", [0, 1])
@pytest.mark.parametrize(
    "kind",
    [list, pd.Series, lambda x: np.array(x, dtype=object), lambda x: np.array(x, dtype=object)[:, None]],
)
def test_missing_formula_is_reported_with_its_row(kind, row, missing):
    formulas = ["FeO", "NaCl", "MgO"]
    formulas[row] = missing
    with pytest.raises(ValueError, match=f"in row {row} in place of an object. Drop this row"):
        check(kind(formulas))


def test_missing_number_in_a_column_of_objects_is_reported_as_one():
    with pytest.raises(ValueError, match="contains NaN: row 1, column 0"):
        check(np.array([[1.0], [None]], dtype=object))


def test_pairs_of_arrays_are_one_object_each():
    pairs = [([8, 1], np.zeros((2, 3))), ([1], np.zeros((1, 3)))]
    objects = check(pairs)
    assert objects.shape == (2,)
    assert objects[0] is pairs[0]


def test_list_of_lists_of_numbers_is_a_table():
    np.testing.assert_array_equal(check([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]))


def test_one_dimensional_numbers_are_refused():
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        check(np.arange(3.0))


def test_frame_stays_the_frame_it_is():
    frame = pd.DataFrame({"a": [1.0, 2.0], "formula": ["H2O", "CO"]})
    estimator = Any()
    assert check(frame, estimator=estimator) is frame
    assert list(estimator.feature_names_in_) == ["a", "formula"]


def test_number_of_features_must_stay_the_same():
    estimator = Any()
    check(np.zeros((2, 3)), estimator=estimator)
    with pytest.raises(ValueError, match="X has 2 features, but Any is expecting 3 features"):
        check(np.zeros((2, 2)), estimator=estimator, reset=False)


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_bad_number_is_reported_with_row_and_column(bad, word):
    X = np.zeros((4, 3))
    X[2, 1] = X[3, 0] = X[3, 2] = bad
    with pytest.raises(ValueError, match=rf"contains {word}: row 2, column 1 \(3 such values in 2 rows\)"):
        check(X)


def test_bad_number_in_a_frame_is_reported_with_the_column_name():
    frame = pd.DataFrame({"formula": ["H2O", "CO"], "mass": [18.0, np.nan]})
    with pytest.raises(ValueError, match="NaN: row 1, column 'mass'.*HistGradientBoostingRegressor"):
        check(frame)


def test_bad_number_in_a_sparse_matrix_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        check(sparse.csr_array([[0.0, np.nan], [1.0, 0.0]]))


def test_nan_passes_where_the_learner_accepts_it_and_infinity_does_not():
    X = np.array([[0.0, np.nan], [1.0, 2.0]])
    np.testing.assert_array_equal(check(X, allow_nan=True), X)
    with pytest.raises(ValueError, match="infinity: row 1, column 0"):
        check(np.array([[np.nan], [np.inf]]), allow_nan=True)


def test_empty_frame_is_refused():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        check(pd.DataFrame({"a": []}))


@pytest.mark.parametrize(
    "y", [[1, 2, 3], [[1], [2], [3]], pd.Series([1, 2, 3]), pd.DataFrame({"E": [1, 2, 3]})]
)
def test_labels_of_one_target_become_a_column(y):
    np.testing.assert_array_equal(check_targets(y, 3), [[1.0], [2.0], [3.0]])


def test_missing_labels_pass():
    assert np.isnan(check_targets([[1.0, np.nan], [np.nan, 2.0]], 2)).sum() == 2


def test_target_without_labels_is_refused_by_its_name():
    with pytest.raises(ValueError, match="NaN only in target gap"):
        check_targets(pd.DataFrame({"E": [1.0, 2.0], "gap": [np.nan, np.nan]}), 2)


def test_infinite_label_is_refused():
    with pytest.raises(ValueError, match="y contains infinity"):
        check_targets([1.0, np.inf], 2)


def test_wrong_number_of_labels_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="X has 3 rows, y has 2"):
        check_targets([1.0, 2.0], 3)


def test_no_labels_at_all_are_refused():
    with pytest.raises(ValueError, match="requires y"):
        check_targets(None, 3)


@pytest.mark.parametrize(
    "labels",
    [
        ["gas", "water"],
        np.array(["gas", "water"], dtype=object),
        pd.Series(["gas", "water"], index=[5, 6]),
        pd.Categorical(["gas", "water"]),
        [["gas"], ["water"]],
    ],
    ids=["list", "object array", "Series", "Categorical", "column"],
)
def test_domain_labels_of_any_container_become_an_array_of_str(labels):
    array = check_sample_domain(labels, 2)
    assert array.dtype.kind == "U"
    assert list(array) == ["gas", "water"]


def test_integer_domains_stay_integers():
    assert check_sample_domain([16, 17], 2).dtype.kind == "i"


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA])
@pytest.mark.parametrize("container", [list, lambda v: np.array(v, dtype=object), pd.Series])
def test_missing_domain_label_is_reported_with_its_row(missing, container):
    with pytest.raises(ValueError, match=r"no label in row 1 \(1 rows in all\)"):
        check_sample_domain(container(["gas", missing, "water"]), 3)


def test_missing_label_among_numbers_is_reported_with_its_row():
    with pytest.raises(ValueError, match="no label in row 2"):
        check_sample_domain([16, 17, np.nan], 3)


@pytest.mark.parametrize("labels", [["gas", 1], np.array([1, "gas"], dtype=object)])
def test_mixed_domain_labels_are_refused(labels):
    with pytest.raises(ValueError, match="mixes text and other labels: row 0 has .*, row 1 has"):
        check_sample_domain(labels, 2)


@pytest.mark.parametrize("labels", [["gas"], [["gas", "gas"], ["gas", "gas"]]])
def test_domain_labels_of_another_length_are_refused(labels):
    with pytest.raises(ValueError, match="one label per row: X has 2 rows"):
        check_sample_domain(labels, 2)


def test_one_label_for_all_rows_is_refused():
    with pytest.raises(TypeError, match="sample_domain is 'gas' .*give an array-like with one entry per row"):
        check_sample_domain("gas", 2)


@pytest.mark.parametrize(
    "y", [["1.5", "", "2"], np.array([1.5, "none"], dtype=object), pd.Series(["1", "x"])]
)
def test_text_among_labels_is_named(y):
    with pytest.raises(ValueError, match=r"Row 1 of y is '(|none|x)', which is no number"):
        check_targets(y, len(y))


def test_numbers_as_text_are_labels():
    np.testing.assert_array_equal(check_targets(["1.5", "nan", "2"], 3).ravel(), [1.5, np.nan, 2])
