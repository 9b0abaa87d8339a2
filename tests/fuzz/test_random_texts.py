"""Any text, bytes or numbers at all: a result that is right, or an error that is clear."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

hypothesis = pytest.importorskip("hypothesis", reason="draws texts")
st = pytest.importorskip("hypothesis.strategies")

from fuzz_cases import is_clear  # noqa: E402

import skxfer  # noqa: E402
from skxfer._real_numbers import as_numbers  # noqa: E402
from skxfer.formulas import parse_formulas  # noqa: E402
from skxfer.inputs import check_sample_domain, check_weights  # noqa: E402
from skxfer.structures import read_structures  # noqa: E402
from skxfer.tables import read_table  # noqa: E402

quick = hypothesis.settings(max_examples=150, suppress_health_check=list(hypothesis.HealthCheck))
# Texts that look like formulas, and any others.
FORMULAS = st.text("CHONaClFe0123456789.,()[]{}·*/½₂ eE+-xδ@", max_size=12) | st.text(max_size=8)
SMILES = st.text("CNOcno()[]=#123+-@/\\.%HClBr* ", max_size=12) | st.text(max_size=8)
ENTRIES = st.one_of(
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.text(max_size=6),
    st.binary(max_size=4),
    st.complex_numbers(),
    st.dates(),
    st.lists(st.floats(), max_size=2),
    st.decimals(allow_nan=False),
    st.fractions(),
)


def outcome(function, *arguments):
    """What a function returns, None after a clear error."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*arguments)
    except Exception as error:
        assert is_clear(error), f"{type(error).__name__}: {error}"
        return None


@quick
@hypothesis.given(FORMULAS)
def test_any_text_is_a_formula_or_is_refused(text):
    fractions = outcome(parse_formulas, ["Fe2O3", text])
    if fractions is not None:
        np.testing.assert_allclose(np.asarray(fractions.sum(axis=1)).ravel(), 1.0)


@quick
@hypothesis.given(SMILES)
def test_any_text_is_a_smiles_or_is_refused(text):
    pytest.importorskip("rdkit", reason="reads SMILES")
    from skxfer.featurizers import FingerprintFeaturizer

    features = outcome(FingerprintFeaturizer("ecfp", n_bits=16).fit_transform, ["C", text])
    assert features is None or (np.isfinite(features).all() and len(features) == 2)


@quick
@hypothesis.given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_any_entries_are_the_numbers_they_are_or_are_refused(entries):
    found = outcome(as_numbers, entries, "y")
    if found is None:
        return
    for entry, number in zip(entries, found.ravel(), strict=found.size == len(entries)):
        if entry is None or (isinstance(entry, float) and math.isnan(entry)):
            assert np.isnan(number)
        elif not isinstance(entry, list):
            np.testing.assert_equal(number, float(entry))


@quick
@hypothesis.given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_any_labels_of_domains_and_any_weights_pass_or_are_refused(entries):
    labels = outcome(check_sample_domain, entries, len(entries))
    assert labels is None or len(labels) == len(entries)
    weights = outcome(check_weights, entries, np.ones((len(entries), 1)))
    assert weights is None or ((weights >= 0).all() and np.isfinite(weights).all())


@quick
@hypothesis.given(
    st.lists(st.integers(-2, 130), max_size=3),
    st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), max_size=3),
)
def test_any_atoms_are_read_as_they_are_or_refused(numbers, positions):
    found = outcome(read_structures, [(numbers, positions)])
    if found is not None:
        np.testing.assert_array_equal(found.numbers, numbers)
        np.testing.assert_array_equal(found.positions, positions)


@quick
@hypothesis.given(st.binary(max_size=200) | st.text(max_size=100))
def test_any_file_is_a_table_or_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    table = outcome(read_table, path)
    assert table is None or isinstance(table, pd.DataFrame)


@quick
@hypothesis.given(st.binary(max_size=300))
def test_any_file_is_refused_as_a_model(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "model.skxfer"
    path.write_bytes(data)
    assert outcome(skxfer.load, path) is None
