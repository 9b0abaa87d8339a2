"""Fingerprints and descriptors of molecules against RDKit and arithmetic."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("rdkit")
from rdkit import Chem
from rdkit.Chem import AllChem, Descriptors

from skxfer.featurizers import FingerprintFeaturizer
from skxfer.featurizers._fingerprints import FEWEST_PER_JOB

MOLECULES = ["CCO", "c1ccccc1", "CC(=O)O", "[Na+].[Cl-]", "*CC*", "CN1CCCC1"]


def test_descriptors_are_those_of_rdkit():
    found = FingerprintFeaturizer(["descriptors"]).set_output(transform="pandas").fit_transform(MOLECULES)
    for name in ("MolWt", "TPSA", "MolLogP", "RingCount", "NumHDonors"):
        expected = [getattr(Descriptors, name)(Chem.MolFromSmiles(one)) for one in MOLECULES]
        np.testing.assert_allclose(found[name], expected)
    assert found.loc[0, "MolWt"] == pytest.approx(2 * 12.011 + 6 * 1.008 + 15.999)
    assert "Ipc" not in found
    assert np.isfinite(found.to_numpy()).all()


def test_counts_of_surroundings_are_those_of_rdkit():
    found = FingerprintFeaturizer(["ecfp"], radius=2, n_bits=512).fit_transform(MOLECULES)
    for row, one in zip(found, MOLECULES, strict=True):
        expected = AllChem.GetHashedMorganFingerprint(Chem.MolFromSmiles(one), 2, nBits=512)
        assert dict(enumerate(row)) == dict.fromkeys(range(512), 0.0) | expected.GetNonzeroElements()


def test_the_counts_of_radius_0_are_the_numbers_of_atoms():
    found = FingerprintFeaturizer("ecfp", radius=0).fit_transform(MOLECULES)
    np.testing.assert_array_equal(found.sum(axis=1), [3, 6, 4, 2, 4, 6])
    binary = FingerprintFeaturizer("ecfp", radius=0, counts=False).fit_transform(MOLECULES)
    np.testing.assert_array_equal(binary, found > 0)


@pytest.mark.parametrize(
    "kinds, size",
    [
        (["ecfp"], 64),
        (["fcfp"], 64),
        (["atom_pairs"], 64),
        (["torsions"], 64),
        (["maccs"], 166),
        (["maccs", "ecfp", "atom_pairs"], 166 + 128),
    ],
)
def test_kinds_stand_side_by_side_and_have_names(kinds, size):
    model = FingerprintFeaturizer(kinds, n_bits=64)
    found = model.fit_transform(MOLECULES)
    names = model.get_feature_names_out()
    assert found.shape == (6, size) == (6, len(set(names)))
    parts = [FingerprintFeaturizer([kind], n_bits=64).fit_transform(MOLECULES) for kind in kinds]
    np.testing.assert_array_equal(found, np.hstack(parts))


def test_how_a_molecule_is_written_does_not_matter():
    model = FingerprintFeaturizer(["ecfp", "maccs", "descriptors"]).fit(MOLECULES)
    np.testing.assert_allclose(
        model.transform(["CC(=O)Oc1ccccc1C(=O)O"]), model.transform(["O=C(O)c1ccccc1OC(C)=O"]), atol=1e-9
    )
    np.testing.assert_allclose(
        model.transform(["InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"]), model.transform(["CCO"])
    )


def test_what_cannot_be_computed_is_the_median_of_the_others():
    names = FingerprintFeaturizer("descriptors").fit(MOLECULES).get_feature_names_out()
    charge = list(names).index("MaxPartialCharge")
    raw = FingerprintFeaturizer("descriptors", impute_nan=False).fit_transform(MOLECULES)
    missing = np.isnan(raw[:, charge])
    assert missing[4] and not missing[0]
    filled = FingerprintFeaturizer("descriptors").fit_transform(MOLECULES)
    np.testing.assert_allclose(filled[missing, charge], np.median(raw[~missing, charge]))


def test_processes_share_the_work_and_name_the_right_row():
    many = MOLECULES * (1 + 2 * FEWEST_PER_JOB // len(MOLECULES))
    one = FingerprintFeaturizer(n_bits=64).fit_transform(many)
    two = FingerprintFeaturizer(n_bits=64, n_jobs=2).fit_transform(many)
    np.testing.assert_array_equal(one, two)
    many[93] = "C1CC"
    with pytest.raises(ValueError, match="Row 93, SMILES 'C1CC'"):
        FingerprintFeaturizer(n_bits=64, n_jobs=2).fit(many)


@pytest.mark.parametrize(
    "text, message",
    [
        ("C(C)(C)(C)(C)C", "valence"),
        ("c1cccc1", "kekulize"),
        ("ethanol", "cannot read"),
        ("", "no atoms"),
        ("InChI=1S/nonsense", "InChI 'InChI=1S/nonsense': RDKit cannot read it"),
    ],
)
def test_a_molecule_that_cannot_be_read_is_named_with_the_reason(text, message):
    with pytest.raises(ValueError, match=rf"(?i)Row 1, .*{message}"):
        FingerprintFeaturizer().fit(["CCO", text])


@pytest.mark.parametrize("kinds", [[], ["ecfp", "ecfp"], ["ECFP"], "morgan"])
def test_unknown_kinds_are_refused(kinds):
    with pytest.raises(ValueError, match="must be different names out of ecfp"):
        FingerprintFeaturizer(kinds).fit(["C"])


def test_it_learns_solubility_of_alcohols_by_chain_length():
    smiles = ["C" * n + "O" for n in range(1, 15)]
    found = (
        FingerprintFeaturizer("descriptors").set_output(transform="pandas").fit_transform(pd.Series(smiles))
    )
    assert (np.diff(found["MolLogP"]) > 0).all()


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CC(=O)Ô", "the character 'Ô' at position 6 has no meaning"),
        ("ÔC", "the character 'Ô' at position 0"),
        ("CC\u200b", "has no meaning in a SMILES"),
        ("[Na+] [Cl-]", "there is more text after a space"),
    ],
)
def test_what_rdkit_would_leave_out_in_silence_is_refused(smiles, reason):
    with pytest.raises(ValueError, match=f"Row 1, SMILES .*{reason}"):
        FingerprintFeaturizer("ecfp").fit(["C", smiles])
