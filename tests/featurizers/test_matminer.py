import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skxfer import CompositionFeaturizer, MatminerFeaturizer
from skxfer.io import load, save

composition = pytest.importorskip("matminer.featurizers.composition", reason="adapts matminer")
structure = pytest.importorskip("matminer.featurizers.structure", reason="adapts matminer")
base = pytest.importorskip("matminer.featurizers.base", reason="adapts matminer")
core = pytest.importorskip("pymatgen.core", reason="adapts matminer")

FORMULAS = ["Fe2O3", "CuSO4", "LiFePO4", "Al"]


class Failing(base.BaseFeaturizer):
    """Number of atoms; no oxides."""

    def __init__(self, text=False):
        self.text = text

    def featurize(self, composition):
        if "O" in composition:
            raise KeyError("oxygen")
        return [composition.num_atoms, "metal" if self.text else 1]

    def feature_labels(self):
        return ["n", "kind"]

    def citations(self):
        return []

    def implementors(self):
        return []


class Stubborn(Failing):
    """One that scikit-learn's clone refuses: its constructor changes its parameter."""

    def __init__(self, text=None):
        self.text = text or []


def salts():
    """Two crystals in the structure of CsCl, of 3.5 Å."""
    lattice = core.Lattice.cubic(3.5)
    return [core.Structure(lattice, pair, [[0] * 3, [0.5] * 3]) for pair in (["Na", "Cl"], ["K", "Br"])]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_features_and_names_are_those_of_the_featurizer(n_jobs):
    inner = composition.ValenceOrbital()
    featurizer = MatminerFeaturizer(inner, n_jobs=n_jobs).fit(FORMULAS)
    expected = [inner.featurize(core.Composition(formula)) for formula in FORMULAS]
    np.testing.assert_array_equal(featurizer.transform(FORMULAS), expected)
    assert list(featurizer.get_feature_names_out()) == inner.feature_labels()


def test_several_featurizers_work_as_one():
    several = base.MultipleFeaturizer([composition.Stoichiometry(), composition.ValenceOrbital()])
    featurizer = MatminerFeaturizer(several).set_output(transform="pandas")
    table = featurizer.fit_transform(pd.DataFrame({"formula": FORMULAS}))
    assert list(table.columns) == several.feature_labels()


def test_element_property_agrees_with_the_fast_featurizer():
    slow = MatminerFeaturizer(composition.ElementProperty.from_preset("magpie")).fit_transform(FORMULAS)
    np.testing.assert_allclose(
        CompositionFeaturizer("magpie").fit_transform(FORMULAS), slow, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("entry", ["CuSO4·5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}, "CuSO9H10"])
def test_amounts_are_handed_on_as_written(entry):
    featurizer = MatminerFeaturizer(Failing())
    same = MatminerFeaturizer(composition.Stoichiometry(p_list=[0, 1], num_atoms=True))
    np.testing.assert_allclose(same.fit_transform([entry]), [[21, 4, 1]])
    assert featurizer.fit(["Al2"]).transform([core.Composition("Al2Cu3")])[0, 0] == 5


def test_structures_are_featurized():
    featurizer = MatminerFeaturizer(structure.DensityFeatures(["density", "vpa"])).fit(salts())
    features = featurizer.transform(salts())
    np.testing.assert_allclose(features[:, 1], 3.5**3 / 2)
    np.testing.assert_allclose(features[:, 0], [structure.density for structure in salts()])


def test_a_featurizer_that_learns_is_fitted_on_the_training_rows():
    bonds = structure.BondFractions()
    featurizer = MatminerFeaturizer(bonds).fit(salts()[:1])
    names = list(featurizer.get_feature_names_out())
    assert "Cl - Na bond frac." in names
    assert not any("Br" in name for name in names)
    assert vars(bonds) == vars(structure.BondFractions()) | {"nn": bonds.nn}


def test_a_featurizer_that_scikit_learn_cannot_clone_is_copied():
    inner = Stubborn()
    with pytest.raises(RuntimeError, match="Cannot clone"):
        clone(inner)
    copy = clone(MatminerFeaturizer(inner, on_error="nan"))
    assert copy.on_error == "nan"
    assert copy.featurizer is not inner


def test_parameters_within_the_featurizer_can_be_set():
    featurizer = MatminerFeaturizer(composition.Stoichiometry()).set_params(featurizer__p_list=[0])
    assert list(featurizer.fit(FORMULAS).get_feature_names_out()) == ["0-norm"]


def test_text_features_make_objects():
    features = MatminerFeaturizer(Failing(text=True)).fit_transform(["Al2", "Cu"])
    assert features.dtype == object
    assert features.tolist() == [[2, "metal"], [1, "metal"]]


def test_a_failure_names_the_row_and_the_formula():
    featurizer = MatminerFeaturizer(Failing()).fit(["Al"])
    with pytest.raises(
        RuntimeError, match="Row 2, 'Fe2O3': Failing failed with KeyError: 'oxygen'.*on_error='nan'"
    ):
        featurizer.transform(["Al", "Cu2", "Fe2O3", "CuO", "Al"])


def test_failures_make_nan_when_asked_to_and_are_counted():
    featurizer = MatminerFeaturizer(Failing(), on_error="nan").fit(["Al"])
    with pytest.warns(UserWarning, match="2 of 4 rows have features of NaN. The first: Row 1, 'Fe2O3'"):
        features = featurizer.transform(["Al", "Fe2O3", "Cu2", "CuO"])
    np.testing.assert_array_equal(features, [[1, 1], [np.nan] * 2, [2, 1], [np.nan] * 2])


def test_a_formula_that_cannot_be_read_is_an_error_even_if_failures_make_nan():
    with pytest.raises(ValueError, match="Row 1, formula 'Xx'"):
        MatminerFeaturizer(Failing(), on_error="nan").fit(["Al", "Xx"])


def test_a_single_structure_is_refused():
    with pytest.raises(TypeError, match="X is a single Structure: put it in a list"):
        MatminerFeaturizer(structure.DensityFeatures()).fit(salts()[0])


def test_what_is_no_featurizer_is_refused():
    with pytest.raises(ValueError, match="'featurizer' parameter"):
        MatminerFeaturizer("magpie").fit(FORMULAS)


def test_a_class_in_place_of_an_instance_is_refused():
    featurizer = MatminerFeaturizer(composition.Stoichiometry)
    with pytest.raises(TypeError, match=r"is the class Stoichiometry, .* pass Stoichiometry\(\.\.\.\)"):
        featurizer.fit(FORMULAS)


def test_a_file_with_a_featurizer_is_loaded_by_those_who_trust_its_class(tmp_path):
    featurizer = MatminerFeaturizer(composition.Stoichiometry(p_list=[0, 2])).fit(FORMULAS)
    save(featurizer, tmp_path / "norms.skxfer")
    with pytest.raises(ValueError, match=r"not trusted: matminer\S*\.Stoichiometry"):
        load(tmp_path / "norms.skxfer")
    loaded = load(tmp_path / "norms.skxfer", trusted=[composition.Stoichiometry])
    np.testing.assert_array_equal(loaded.transform(FORMULAS), featurizer.transform(FORMULAS))


def test_transforming_nothing_gives_no_rows():
    assert MatminerFeaturizer(Failing()).fit(["Al"]).transform([]).shape == (0, 2)
