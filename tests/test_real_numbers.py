"""Numbers from any container: what they are, and which entry is none."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skxfer import FeatureTransfer, HierarchicalTransfer, TransferCV
from skxfer._paths import check_path
from skxfer._real_numbers import as_numbers, check_size, real_table
from skxfer.density_ratio import logistic_ratio
from skxfer.featurizers import ClippedScaler, SpectrumFeaturizer, TableFeaturizer
from skxfer.folds import target_folds
from skxfer.inputs import check_groups, check_sample_domain, check_targets, check_weights
from skxfer.metrics import masked_mean_absolute_error
from skxfer.model_selection import LeaveTargetClusterOut, TargetKFold, portability_study, y_scrambling

VALUES = [1.5, -2.25, 3.0]


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        tuple(VALUES),
        np.array(VALUES, dtype=">f4"),
        np.array(VALUES, dtype=np.longdouble),
        np.array(VALUES, dtype=object),
        np.array(["1.5", " -2.25", "3e0"]),
        np.array([b"1.5", b"-2.25", b"3.0"]),
        np.array(["1.5", "-2.25", "3.0"], dtype=np.dtypes.StringDType()),
        [Decimal("1.5"), Fraction(-9, 4), np.float16(3)],
        pd.Series(VALUES, dtype="Float64", index=[5, 6, 7]),
        pd.Series(["1.5", "-2.25", "3"], dtype="string"),
        pd.Series(VALUES, dtype="category"),
        np.ma.array(VALUES, mask=False),
    ],
    ids=lambda values: f"{type(values).__name__} {getattr(values, 'dtype', '')}",
)
def test_numbers_of_any_container(values):
    found = as_numbers(values, "y")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, VALUES)


@pytest.mark.parametrize(
    "values",
    [
        [1.5, None, 3.0],
        [1.5, pd.NA, 3.0],
        np.array([1.5, np.nan, 3.0]),
        ["1.5", "nan", "3"],
        pd.Series([1.5, None, 3.0], dtype="Float64"),
        np.ma.array([1.5, 1e6, 3.0], mask=[False, True, False]),
        np.ma.array([1, 999, 3], mask=[False, True, False]) * Fraction(3, 2),
    ],
)
def test_missing_and_hidden_entries_are_nan(values):
    assert np.isnan(as_numbers(values, "y")).tolist() == [False, True, False]


def test_numbers_of_a_torch_tensor_that_tracks_gradients():
    torch = pytest.importorskip("torch", reason="makes a tensor")
    np.testing.assert_array_equal(as_numbers(torch.tensor(VALUES, requires_grad=True), "y"), VALUES)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"a": 1.0}, TypeError, "y is a dict, which maps names to values: give a list"),
        ({1.0, 2.0}, TypeError, "y is a set, which has no order of rows: give a list"),
        (iter(VALUES), TypeError, r"which can be read only once: give list\(y\)"),
        ("gap", TypeError, r"y is 'gap' \(str\): give an array-like"),
        (3.0, TypeError, r"y is one value, 3\.0|y is the single value 3\.0"),
        (np.array(3.0), TypeError, "y is .* value"),
        (None, TypeError, "y is None: give an array-like"),
        (np.mean, TypeError, "y is <function mean"),
        (np.ones((2, 2, 2)), ValueError, r"Found array with dim 3: y has the shape \(2, 2, 2\)"),
        (
            [[1.0], [1.0, 2.0]],
            ValueError,
            r"Row 1 of y is \[1\.0, 2\.0\], which has another length than row 0",
        ),
        ([1.0, 2j], ValueError, r"Complex data not supported: y holds complex numbers, 2j in row 1\."),
        (["a", 1.0], ValueError, "Row 0 of y is 'a', which is no number. Correct or drop it"),
        ([1.0, "1,5"], ValueError, "Row 1 of y is '1,5', which is no number"),
        ([1.0, 10**400], ValueError, "Row 1 of y is 1000.*, which is too large for double precision"),
        ([1.0, {"a": 1}], TypeError, r"Row 1 of y is \{'a': 1\}, which is no number.* It is a dict"),
        ([1.0, pd.Timestamp("2024-01-01")], TypeError, "Row 1 of y is Timestamp.*which is no number"),
        (np.array(["2024"], dtype="M8[Y]"), TypeError, "y holds dates or spans of time .* days since"),
        (sparse.csr_array(np.eye(2)), TypeError, r"y is a sparse csr_array: give y\.toarray\(\)"),
        (np.zeros(2, dtype=[("a", float)]), TypeError, r"array of records with the fields \('a',\)"),
        (
            pd.DataFrame({"gap": [1.0, 2.0], "site": ["top", "hollow"]}),
            ValueError,
            "Row 0 of column 'site' of y is 'top', which is no number",
        ),
    ],
)
def test_what_is_no_number_is_named(values, error, message):
    with pytest.raises(error, match=message):
        as_numbers(values, "y")


def test_frames_keep_text_for_the_learner_and_lose_objects_that_are_numbers():
    frame = pd.DataFrame({"a": np.array([1, 2.5, None], dtype=object), "site": ["top", "hollow", "top"]})
    found = real_table(frame, mixed=True)
    assert found["a"].dtype == float
    assert list(found["site"]) == ["top", "hollow", "top"]
    with pytest.raises(ValueError, match="Row 0 of column 'site' of X is 'top'"):
        real_table(frame)
    plain = pd.DataFrame({"a": [1.0, 2.0]})
    assert real_table(plain) is plain
    with pytest.raises(TypeError, match="column 'day' of X holds dates"):
        real_table(pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"])}), mixed=True)


def test_numbers_whose_squares_overflow_are_named():
    with pytest.raises(ValueError, match=r"y is 1e\+200 in row 1: at most 1e\+150 is possible"):
        check_targets([1.0, 1e200, 2.0], 3)
    check_size(np.array([1e150, -1e150, np.nan, np.inf]), "y")
    assert check_size(np.ones(2, dtype=np.float16), "y") is None


# where they are used ----------------------------------------------------------------------------------

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X @ [1.0, 2.0, 3.0]
DOMAIN = np.repeat(["gas", "water"], [20, 20])
SITE = np.ones(40, dtype=object)
SITE[30] = "top"


def hierarchical(learner, **params):
    return HierarchicalTransfer(learner, source_domains=["gas"], cv=2, random_state=0, **params)


def test_a_hidden_label_is_a_missing_label():
    hidden = np.ma.array(np.where(np.arange(40) == 30, 1e6, y), mask=np.arange(40) == 30)
    missing = np.where(np.arange(40) == 30, np.nan, y)
    found = hierarchical(Ridge()).fit(X, hidden, sample_domain=DOMAIN).predict(X)
    np.testing.assert_array_equal(
        found, hierarchical(Ridge()).fit(X, missing, sample_domain=DOMAIN).predict(X)
    )


@pytest.mark.parametrize("door", ["hierarchical", "choice", "features"])
def test_a_hidden_input_is_a_missing_input(door):
    hidden = np.ma.array(X, mask=np.arange(120).reshape(40, 3) == 91)
    model = {
        "hierarchical": HierarchicalTransfer(Ridge()),
        "choice": TransferCV(estimator=Ridge(), strategy="target_only"),
        "features": FeatureTransfer(estimator=Ridge()),
    }[door]
    with pytest.raises(ValueError, match="row 30|NaN"):
        model.fit(hidden, y)


@pytest.mark.parametrize("make", [ClippedScaler, SpectrumFeaturizer])
def test_own_transformers_name_the_row_and_the_column(make):
    frame = pd.DataFrame(X, columns=["f1", "f2", "gap"]).astype(object)
    for value, message in (
        ("high", "Row 4 of column 'gap'"),
        (np.inf, "row 4, column 'gap'"),
        (1e200, "row 4"),
    ):
        frame.loc[4, "gap"] = value
        with pytest.raises(ValueError, match=message):
            make().fit(frame)


def test_a_learner_that_fails_on_text_or_on_huge_numbers_is_answered_with_the_row():
    frame = pd.DataFrame({"a": X[:, 0], "site": SITE})
    with pytest.raises(ValueError, match="Row 30 of column 'site' of X is 'top'"):
        hierarchical(Ridge(), strategy="target_only").fit(frame, y, sample_domain=DOMAIN)
    huge = np.where(np.arange(120).reshape(40, 3) == 91, 1e200, X)
    with pytest.raises(ValueError, match=r"X is 1e\+200 in row 30, column 1"):
        hierarchical(Ridge(), strategy="target_only").fit(huge, y, sample_domain=DOMAIN)


def test_text_that_the_pipeline_encodes_is_let_through():
    frame = pd.DataFrame({"site": np.resize(["top", "hollow"], 40)})
    model = hierarchical(make_pipeline(OneHotEncoder(), Ridge()), strategy="target_only")
    prediction = model.fit(frame, (frame["site"] == "top") * 1.0, sample_domain=DOMAIN).predict(frame)
    assert prediction[0] > 0.9 > 0.1 > prediction[1]


@pytest.mark.parametrize("as_frame", [False, True])
def test_rows_to_be_deployed_on_may_come_in_another_form(as_frame):
    frame = pd.DataFrame(X, columns=list("abc"))
    given, deployed = (X, frame[:6]) if as_frame else (frame, X[:6])
    expected = hierarchical(Ridge()).fit(X, y, sample_domain=DOMAIN, X_deploy=X[:6]).predict(X)
    with pytest.warns(UserWarning) if as_frame else pytest.warns(UserWarning, match="feature names"):
        found = hierarchical(Ridge()).fit(given, y, sample_domain=DOMAIN, X_deploy=deployed)
    np.testing.assert_allclose(found.predict(given), expected)
    dense = hierarchical(Ridge()).fit(X, y, sample_domain=DOMAIN, X_deploy=sparse.csr_array(X[:6]))
    np.testing.assert_allclose(dense.predict(X), expected)


def test_labels_weights_and_groups_that_are_hidden_or_mixed_are_refused():
    hidden = np.arange(3) == 1
    with pytest.raises(ValueError, match="sample_domain has no label in row 1"):
        check_sample_domain(np.ma.array(["a", "b", "c"], mask=hidden), 3)
    with pytest.raises(ValueError, match="sample_weight contains NaN in row 1: give 0"):
        check_weights(np.ma.array([1.0, 2.0, 3.0], mask=hidden), X[:3])
    with pytest.raises(ValueError, match="Every sample_weight is zero"):
        check_weights(np.zeros(3), X[:3])
    with pytest.raises(ValueError, match="groups mixes text and other labels: row 0 has 1, row 2 has 'a'"):
        check_groups([1, 2, "a"], 3)
    with pytest.raises(ValueError, match=r"Row 2 of sample_domain is \['a'\]"):
        check_sample_domain(["a", "b", ["a"]], 3)


def test_errors_of_metrics_say_how_many_rows_there_are():
    with pytest.raises(ValueError, match="y_true has 3 rows and 1 targets, y_pred has 2 and 1"):
        masked_mean_absolute_error([1.0, 2.0, 3.0], [1.0, 2.0])
    assert masked_mean_absolute_error([1.0, None, 3.0], ["1", "2", "5"]) == 1.0


def test_density_ratios_compare_columns_by_name():
    frame = pd.DataFrame(X, columns=list("abc"))
    with pytest.raises(ValueError, match="give both the same columns, in the same order"):
        logistic_ratio(frame, frame[["b", "a", "c"]])
    with pytest.raises(ValueError, match="X_from has 3 columns and X_to 2"):
        logistic_ratio(X, X[:, :2])


def test_clusters_need_finite_rows_of_the_target_and_are_those_of_a_dense_table():
    holes = np.where(np.arange(120).reshape(40, 3) == 91, np.inf, X)
    cv = LeaveTargetClusterOut(3, source_domains=["gas"], random_state=0)
    with pytest.raises(ValueError, match="row 30 has inf in column 1"):
        list(cv.split(holes, groups=DOMAIN))
    dense = [list(test) for _, test in cv.split(X, groups=DOMAIN)]
    assert [list(test) for _, test in cv.split(sparse.csr_array(X), groups=DOMAIN)] == dense


@pytest.mark.parametrize(
    ("splitter", "message"),
    [
        (TargetKFold("five"), "The 'n_splits' parameter of TargetKFold must be an int"),
        (TargetKFold(1), "The 'n_splits' parameter of TargetKFold"),
        (TargetKFold(shuffle="yes"), "The 'shuffle' parameter of TargetKFold"),
        (TargetKFold(source_domains=3), "The 'source_domains' parameter of TargetKFold"),
        (LeaveTargetClusterOut(2, featurizer="pca"), "The 'featurizer' parameter of LeaveTargetClusterOut"),
    ],
)
def test_parameters_of_splitters_are_named(splitter, message):
    with pytest.raises(ValueError, match=message):
        list(splitter.split(X))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        ([], "cv gives no folds"),
        ([([0, 1], [])], "Fold 0 of cv holds out no row"),
        ([([0, 1], [2]), ([0], [40])], "Fold 1 of cv holds out row 40, but there are 40 target rows"),
    ],
)
def test_folds_that_are_none_are_named(cv, message):
    with pytest.raises(ValueError, match=message):
        target_folds(X, y[:, None], None, cv, "similar", None, None, 0)


def test_studies_check_their_table_before_they_start():
    bad = X.astype(object)
    bad[30, 1] = "high"
    for study in (
        lambda: portability_study({"ridge": Ridge()}, bad, y, DOMAIN, source_domains=["gas"]),
        lambda: y_scrambling(Ridge(), bad, y, n_permutations=2),
    ):
        with pytest.raises(ValueError, match="Row 30, column 1 of X is 'high'"):
            study()


def test_a_study_names_the_row_on_which_a_learner_failed():
    frame = pd.DataFrame({"a": X[:, 0], "site": SITE})
    results = portability_study(
        {"ridge": Ridge()}, frame, y, DOMAIN, source_domains=["gas"], cv=2, settings=["target_only"]
    )
    failed = results["error"][results["error"] != ""]
    assert len(failed)
    assert failed.str.contains("Row 30 of column 'site' of X is 'top'").all()


# tables of any columns --------------------------------------------------------------------------------


def test_numbers_that_an_array_of_text_holds_are_numbers():
    table = np.array([["MgO", "1.5"], ["CuO", "2.5"], ["ZnO", "-3"]])
    model = TableFeaturizer().fit(table)
    assert {name: column.kind for name, column in model.columns_.items()} == {"x0": "formula", "x1": "number"}
    np.testing.assert_array_equal(model.transform(table)[:, -1], [1.5, 2.5, -3.0])
    assert TableFeaturizer().fit(X.astype("S25")).columns_["x1"].kind == "number"


def test_an_array_after_a_fit_on_a_frame_is_read_by_position():
    frame = pd.DataFrame(X, columns=["f1", "f2", "gap"])
    with pytest.warns(UserWarning, match="feature names"):
        found = TableFeaturizer().fit(frame).transform(X)
    np.testing.assert_array_equal(found, X)


# files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (None, TypeError, r"path is None \(NoneType\): give the path of a file"),
        (3, TypeError, r"path is 3 \(int\)"),
        (["a"], TypeError, r"path is \['a'\] \(list\)"),
        ("", ValueError, "'' is not the name of a file"),
        ("a\0b", ValueError, "is not the name of a file"),
    ],
)
def test_what_is_no_path_is_named(path, error, message):
    with pytest.raises(error, match=message):
        check_path(path)


def test_a_single_structure_as_table_is_to_be_put_in_a_list():
    ase = pytest.importorskip("ase", reason="makes a structure")
    with pytest.raises(TypeError, match=r"X is one structure, of type Atoms: put it in a list, \[X\]"):
        HierarchicalTransfer(Ridge()).fit(ase.Atoms("CO", [[0, 0, 0], [0, 0, 1.1]]), [1.0])
