import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skxfer import HierarchicalTransfer, SpectrumFeaturizer

NAMES = ["f1", "f2", "f3", "iz1", "iz2", "iz3", "izz1", "izz2", "izz3", "dielectric_constant"]
GROUPS = ["frequencies", "infrared", "raman", "dielectric"]
rng = np.random.default_rng(0)
X = np.c_[
    rng.uniform(20, 400, size=(12, 3)) + [0, 200, 1600],  # cm^-1
    10 ** rng.uniform(-3, 4, size=(12, 6)),
    rng.uniform(1, 80, size=12),
]
FRAME = pd.DataFrame(X, columns=NAMES)


def standardise(table):
    return (table - table.mean(axis=0)) / table.std(axis=0)


def by_hand(X):
    """Frequencies, logarithms of intensities and the Born factor, standardised."""
    return standardise(np.c_[X[:, :3], np.log10(X[:, 3:9] + 0.1), 1 - 1 / X[:, 9]])


def features(X, **params):
    return SpectrumFeaturizer(**{"clip": None, **params}).fit_transform(X)


def test_features_are_frequencies_log_intensities_and_the_born_factor():
    np.testing.assert_allclose(features(FRAME), by_hand(X), atol=1e-10)


def test_an_array_in_the_order_of_the_data_needs_no_names():
    np.testing.assert_allclose(features(X), by_hand(X), atol=1e-10)


def test_columns_of_a_frame_are_found_in_any_order():
    shuffled = FRAME.iloc[:, rng.permutation(10)]
    featurizer = SpectrumFeaturizer().set_output(transform="pandas")
    expected = featurizer.fit_transform(FRAME)
    pd.testing.assert_frame_equal(featurizer.fit_transform(shuffled)[expected.columns], expected)


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (FRAME, dict(zip(GROUPS, (NAMES[:3], NAMES[3:6], NAMES[6:9], NAMES[9]), strict=True))),
        (X, dict(zip(GROUPS, ([0, 1, 2], [3, 4, 5], [6, 7, 8], 9), strict=True))),
        (FRAME, dict(zip(GROUPS, ([0, 1, 2], NAMES[3:6], [6, 7, 8], 9), strict=True))),
    ],
    ids=["by name", "by position", "mixed"],
)
def test_columns_may_be_given(frame, columns):
    np.testing.assert_allclose(features(frame, **columns), by_hand(X), atol=1e-10)


@pytest.mark.parametrize(
    "names",
    [
        ["freq_1", "freq_2", "freq_3", "ir1", "ir2", "ir3", "raman_1", "raman_2", "raman_3", "eps"],
        ["Frequency1", "Frequency2", "Frequency3", "I1", "I2", "I3", "R1", "R2", "R3", "ε"],
    ],
)
def test_usual_names_are_understood(names):
    np.testing.assert_allclose(features(pd.DataFrame(X, columns=names)), by_hand(X), atol=1e-10)


def test_array_without_a_dielectric_constant_has_three_groups():
    np.testing.assert_allclose(features(X[:, :9]), by_hand(X)[:, :9], atol=1e-10)


def test_last_column_of_an_array_that_falls_below_one_is_no_dielectric_constant():
    other = X.copy()
    other[0, 9] = 0.5
    expected = by_hand(X)
    expected[:, 9] = standardise(other[:, 9])
    np.testing.assert_allclose(features(other), expected, atol=1e-10)


def test_other_columns_come_last_and_are_only_scaled():
    frame = FRAME.assign(n_atoms=np.arange(12.0))[["n_atoms", *NAMES]]
    got = features(frame)
    np.testing.assert_allclose(got[:, :-1], by_hand(X), atol=1e-10)
    np.testing.assert_allclose(got[:, -1], standardise(np.arange(12.0)), atol=1e-10)


def test_ratio_is_relative_to_the_strongest_mode_of_the_spectrum():
    log = np.log10(X[:, 3:6] + 0.1)
    expected = np.array([[value - max(row) for value in row] for row in log])
    np.testing.assert_allclose(features(X, intensity="ratio")[:, 3:6], standardise(expected), atol=1e-10)


def test_ratio_of_strong_intensities_does_not_depend_on_their_unit():
    strong = X.copy()
    strong[:, 3:9] = 10 ** rng.uniform(4, 6, size=(12, 6))
    scaled = strong.copy()
    scaled[:, 3:9] *= 42.2561  # D²/(Å² amu) to km/mol
    np.testing.assert_allclose(
        features(scaled, intensity="ratio"), features(strong, intensity="ratio"), atol=1e-4
    )


def test_both_gives_logarithms_and_ratios():
    got = features(X, intensity="both")
    np.testing.assert_allclose(got[:, 3:6], features(X, intensity="log")[:, 3:6], atol=1e-12)
    np.testing.assert_allclose(got[:, 6:9], features(X, intensity="ratio")[:, 3:6], atol=1e-12)
    assert got.shape == (12, 16)


def test_raw_intensities_are_only_scaled():
    np.testing.assert_allclose(features(X, intensity="raw")[:, 3:9], standardise(X[:, 3:9]), atol=1e-10)


@pytest.mark.parametrize(
    ("form", "function"),
    [("born", lambda e: 1 - 1 / e), ("onsager", lambda e: 2 * (e - 1) / (2 * e + 1)), ("raw", lambda e: e)],
)
def test_dielectric_constant_takes_the_form_asked_for(form, function):
    got = features(X, dielectric_form=form)[:, -1]
    np.testing.assert_allclose(got, standardise(function(X[:, 9])), atol=1e-10)


def test_imaginary_rigid_frequency_becomes_zero_and_others_stay():
    soft = X.copy()
    soft[0, 0], soft[1, 1] = -50.0, -60.0
    expected = soft[:, :3].copy()
    expected[0, 0] = 0.0
    np.testing.assert_allclose(features(soft)[:, :3], standardise(expected), atol=1e-10)


def test_rigid_frequencies_may_be_named():
    soft = FRAME.copy()
    soft.loc[1, "f2"] = -60.0
    expected = soft["f2"].clip(lower=0).to_numpy()
    np.testing.assert_allclose(features(soft, rigid=["f2"])[:, 1], standardise(expected), atol=1e-10)


def test_intensity_of_zero_is_finite():
    dark = X.copy()
    dark[:, 3:9] = 0.0
    assert np.isfinite(features(dark, intensity="both")).all()


def test_features_are_limited():
    wild = X.copy()
    wild[0, 1] = 1e12
    assert np.abs(SpectrumFeaturizer(clip=2.0).fit(X).transform(wild)).max() == 2.0


def test_names_say_what_was_done():
    names = SpectrumFeaturizer(intensity="both").fit(FRAME).get_feature_names_out()
    assert list(names) == [
        *("f1", "f2", "f3"),
        *("log_iz1", "log_iz2", "log_iz3", "ratio_iz1", "ratio_iz2", "ratio_iz3"),
        *("log_izz1", "log_izz2", "log_izz3", "ratio_izz1", "ratio_izz2", "ratio_izz3"),
        "born_dielectric_constant",
    ]


def test_raw_names_are_those_of_the_input():
    featurizer = SpectrumFeaturizer(intensity="raw", dielectric_form="raw").fit(FRAME)
    assert list(featurizer.get_feature_names_out()) == NAMES


@pytest.mark.parametrize("intensity", ["log", "ratio", "both", "raw"])
def test_there_is_one_name_per_feature(intensity):
    frame = FRAME.assign(n_atoms=1.0)
    featurizer = SpectrumFeaturizer(intensity=intensity).set_output(transform="pandas")
    out = featurizer.fit_transform(frame)
    assert list(out.columns) == list(featurizer.get_feature_names_out())


@pytest.mark.parametrize("frame", [FRAME, X], ids=["frame", "array"])
def test_dielectric_constant_below_that_of_vacuum_is_an_error_that_names_the_row(frame):
    featurizer = SpectrumFeaturizer().fit(frame)
    low = frame.copy()
    if isinstance(low, pd.DataFrame):
        low.loc[7, "dielectric_constant"] = 0.5
    else:
        low[7, 9] = 0.5
    with pytest.raises(ValueError, match=r"Row 7 has the dielectric constant 0\.5.*dielectric=None"):
        featurizer.transform(low)


def test_without_a_dielectric_constant_the_column_may_be_anything():
    other = FRAME.assign(dielectric_constant=-3.0)
    assert features(other, dielectric=None).shape == (12, 10)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"frequencies": ["f1", "f9"]}, "no column 'f9'; its columns are .*'f1'"),
        ({"dielectric": "eps"}, "no column 'eps'"),
        ({"infrared": [3, 12]}, "X has 10 columns, there is no column 12"),
        ({"rigid": [-1]}, "there is no column -1"),
    ],
)
def test_unknown_columns_are_errors(params, text):
    with pytest.raises(ValueError, match=text):
        SpectrumFeaturizer(**params).fit(FRAME)


def test_a_name_cannot_be_found_in_an_array():
    with pytest.raises(ValueError, match="its columns are unnamed"):
        SpectrumFeaturizer(frequencies=["f1"]).fit(X)


def test_it_makes_transfer_work_on_raw_spectra():
    y = np.log10(X[:, 3]) + (1 - 1 / X[:, 9])
    model = HierarchicalTransfer(
        make_pipeline(SpectrumFeaturizer(), Ridge(1e-6)), source_domains=["gas"], cv=3, random_state=0
    ).fit(np.vstack([X, X]), np.tile(y, 2), sample_domain=np.repeat(["gas", "water"], 12))
    raw = Ridge(1e-6).fit(X, y).predict(X)
    assert np.abs(model.predict(X) - y).mean() < 0.3 * np.abs(raw - y).mean()
