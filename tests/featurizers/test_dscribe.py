"""SOAP, MBTR and Coulomb matrices against plain calls of dscribe, algebra by hand, and their symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skxfer import CoulombMatrixFeaturizer, MBTRFeaturizer, SOAPFeaturizer

dscribe = pytest.importorskip("dscribe.descriptors", reason="adapts dscribe")
from ase import Atoms  # noqa: E402
from ase.build import bulk, graphene, molecule  # noqa: E402

# That of dscribe 2.1 about ASE, in plain calls of it.
ignore_calculators = pytest.mark.filterwarnings("ignore:Please use atoms.calc")

MOLECULES = [molecule(name) for name in ("H2O", "CH4", "CH3OH", "CO")]
SMALL = {"r_cut": 4.0, "n_max": 3, "l_max": 2}
ALL = {
    "outer": SOAPFeaturizer(**SMALL),
    "inner": SOAPFeaturizer(**SMALL, average="inner"),
    "mbtr": MBTRFeaturizer(n_grid=12),
    "triples": MBTRFeaturizer(geometry=["cosine"], n_grid=12, normalization="l2"),
    "matrix": CoulombMatrixFeaturizer(n_atoms_max=12),
    "eigenvalues": CoulombMatrixFeaturizer("eigenspectrum", n_atoms_max=12),
}
every = pytest.mark.parametrize("featurizer", ALL.values(), ids=ALL)
every_of_crystals = pytest.mark.parametrize("name", ["outer", "inner", "mbtr", "triples"])


def cluster(seed, n_atoms=8):
    """Atoms near the sites of a cubic lattice of 1.7 Å."""
    rng = np.random.default_rng(seed)
    sites = np.argwhere(np.ones((3, 3, 3)))[rng.permutation(27)[:n_atoms]]
    return rng.choice([1, 6, 8], n_atoms), 1.7 * sites + rng.uniform(-0.4, 0.4, size=sites.shape)


def named(featurizer, X):
    """Features of the first structure, by name."""
    return dict(zip(featurizer.get_feature_names_out(), featurizer.transform(X)[0], strict=True))


# the same as dscribe ----------------------------------------------------------------------------------


def test_summed_soap_is_that_of_all_atoms_together():
    featurizer = SOAPFeaturizer(**SMALL, average="sum").fit(MOLECULES)
    atoms = featurizer.transform_atoms(MOLECULES)
    np.testing.assert_allclose(featurizer.transform(MOLECULES), [one.sum(axis=0) for one in atoms], rtol=1e-9)


@pytest.mark.parametrize("average", ["outer", "inner"])
def test_soap_is_that_of_dscribe(average):
    soap = dscribe.SOAP(r_cut=4.0, n_max=3, l_max=2, sigma=0.7, average=average, species=["H", "C", "O"])
    featurizer = SOAPFeaturizer(**SMALL, sigma=0.7, average=average)
    np.testing.assert_allclose(featurizer.fit_transform(MOLECULES), soap.create(MOLECULES))


def test_soap_of_atoms_is_that_of_dscribe():
    soap = dscribe.SOAP(r_cut=4.0, n_max=3, l_max=2, sigma=0.5, species=["H", "C", "O"])
    featurizer = SOAPFeaturizer(**SMALL).fit(MOLECULES)
    for ours, atoms in zip(featurizer.transform_atoms(MOLECULES), MOLECULES, strict=True):
        np.testing.assert_allclose(ours, soap.create(atoms))


def test_soap_of_a_structure_is_the_mean_of_its_atoms():
    featurizer = SOAPFeaturizer(**SMALL).fit(MOLECULES)
    means = [atoms.mean(axis=0) for atoms in featurizer.transform_atoms(MOLECULES)]
    np.testing.assert_allclose(featurizer.transform(MOLECULES), means)


@pytest.mark.parametrize("normalization", ["none", "n_atoms", "l2"])
@ignore_calculators
def test_mbtr_is_that_of_dscribe(normalization):
    grids = {
        "atomic_number": (0, 9),
        "distance": (0, 6.0),
        "inverse_distance": (0, 1.5),
        "cosine": (-1, 1),
        "angle": (0, 180),
    }
    parts = [
        dscribe.MBTR(
            geometry={"function": function},
            grid={"min": low, "max": high, "n": 21, "sigma": 0.1 * (high - low)},
            weighting=None
            if function == "atomic_number"
            else {"function": "exp", "r_cut": 6.0, "threshold": 1e-3},
            normalization=normalization,
            species=["H", "C", "O"],
        ).create(MOLECULES[:3])
        for function, (low, high) in grids.items()
    ]
    featurizer = MBTRFeaturizer(
        geometry=list(grids), n_grid=21, sigma=2.0, r_cut=6.0, normalization=normalization
    )
    np.testing.assert_allclose(
        featurizer.fit(MOLECULES).transform(MOLECULES[:3]), np.concatenate(parts, axis=1), atol=1e-12
    )


@pytest.mark.parametrize("permutation", ["sorted_l2", "eigenspectrum"])
def test_coulomb_matrix_is_that_of_dscribe(permutation):
    expected = dscribe.CoulombMatrix(6, permutation=permutation).create(MOLECULES)
    np.testing.assert_allclose(CoulombMatrixFeaturizer(permutation).fit_transform(MOLECULES), expected)


def test_crystals_are_periodic_and_molecules_beside_them_are_not():
    salt = bulk("NaCl", "rocksalt", a=5.64)
    alone = molecule("NaCl")
    species = {"species": ["Na", "Cl"]}
    soap = [
        dscribe.SOAP(r_cut=4.0, n_max=3, l_max=2, sigma=0.5, average="outer", periodic=p, **species)
        for p in (1, 0)
    ]
    expected = [descriptor.create(atoms) for descriptor, atoms in zip(soap, (salt, alone), strict=True)]
    np.testing.assert_allclose(SOAPFeaturizer(**SMALL).fit_transform([salt, alone]), expected)


def test_slab_is_periodic_in_two_directions():
    sheet = graphene(vacuum=None)
    assert sheet.pbc.tolist() == [True, True, False]
    apart = graphene(vacuum=20.0)
    apart.pbc = True
    found = SOAPFeaturizer(**SMALL).fit_transform([sheet, apart])
    np.testing.assert_allclose(found[0], found[1])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_jobs_change_nothing(n_jobs):
    featurizer = SOAPFeaturizer(**SMALL).fit(MOLECULES)
    expected = featurizer.transform(MOLECULES * 3)
    np.testing.assert_array_equal(featurizer.set_params(n_jobs=n_jobs).transform(MOLECULES * 3), expected)


@every
@pytest.mark.filterwarnings("error")
def test_nothing_warns(featurizer):
    featurizer.fit_transform(MOLECULES)


# names ------------------------------------------------------------------------------------------------


def test_names_of_soap_say_which_functions_are_multiplied():
    """For l=0 one centre has one number per radial function, and the spectrum is their products."""
    atoms = [Atoms("CO", [[0, 0, 0], [0, 0, 1.6]])]
    featurizer = SOAPFeaturizer(**SMALL).fit(atoms)
    names = list(featurizer.get_feature_names_out())
    spectrum = dict(zip(names, featurizer.transform_atoms(atoms)[0][0], strict=True))
    radial = {1, 2, 3}
    for a, b in (("C", "C"), ("C", "O"), ("O", "O")):
        pairs = [(n, m) for n in radial for m in radial if a != b or n <= m]
        for n, m in pairs:
            product = spectrum[f"SOAP {a}-{a} n={n} n'={n} l=0"] * spectrum[f"SOAP {b}-{b} n={m} n'={m} l=0"]
            assert spectrum[f"SOAP {a}-{b} n={n} n'={m} l=0"] ** 2 == pytest.approx(product, rel=1e-6)


def test_names_of_soap_say_the_degree():
    """Around the centre itself the density is a sphere, in which nothing but l=0 is left."""
    featurizer = SOAPFeaturizer(**SMALL).fit(MOLECULES)
    for name, value in named(featurizer, [Atoms("C")]).items():
        assert (abs(value) > 1e-8) == (name.startswith("SOAP C-C") and name.endswith("l=0"))


def test_names_of_mbtr_say_where_the_peaks_are():
    bent = Atoms("OH2", [[0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    featurizer = MBTRFeaturizer(geometry=["atomic_number", "distance", "cosine"], n_grid=101, r_cut=5.0)
    found = named(featurizer.fit([bent]), [bent])
    peaks = {
        kind: float(max((name for name in found if name.startswith(kind)), key=found.get).split()[-1])
        for kind in ("atomic_number O", "atomic_number H", "distance H-O", "distance H-H", "cosine H-O-H")
    }
    expected = {
        "atomic_number O": 8,
        "atomic_number H": 1,
        "distance H-O": 1,
        "distance H-H": np.sqrt(2),
        "cosine H-O-H": 0,
    }
    for kind, place in expected.items():
        assert peaks[kind] == pytest.approx(place, abs=0.06)
    assert max(value for name, value in found.items() if "O-O" in name) == 0


def test_names_of_a_coulomb_matrix_are_rows_and_columns():
    found = named(
        CoulombMatrixFeaturizer().fit([Atoms("OH", [[0, 0, 0], [0, 0, 2]])]),
        [Atoms("OH", [[0, 0, 0], [0, 0, 2]])],
    )
    assert found == pytest.approx(
        {"Coulomb 1,1": 0.5 * 8**2.4, "Coulomb 1,2": 4, "Coulomb 2,1": 4, "Coulomb 2,2": 0.5}
    )


# symmetries -------------------------------------------------------------------------------------------


@every
@given(seed=st.integers(0, 10**6), n_atoms=st.integers(1, 8))
@settings(max_examples=10)
def test_neither_rotation_nor_translation_nor_order_matters(featurizer, seed, n_atoms):
    rng = np.random.default_rng(seed)
    numbers, positions = cluster(seed, n_atoms)
    order = rng.permutation(n_atoms)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    moved = (positions @ rotation + rng.normal(scale=10, size=3))[order]
    featurizer.fit([cluster(i) for i in range(3)])
    one, other = featurizer.transform([(numbers, positions), (numbers[order], moved)])
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@every_of_crystals
def test_supercell_has_the_same_features_per_atom(name):
    salt = bulk("NaCl", "rocksalt", a=5.64)
    featurizer = ALL[name]
    one, six = featurizer.fit_transform([salt, salt.repeat((2, 1, 3))])
    factor = 6 if name == "mbtr" else 1
    np.testing.assert_allclose(six, factor * one, rtol=1e-6, atol=1e-8)


# edges ------------------------------------------------------------------------------------------------


@every
def test_single_atom(featurizer):
    found = featurizer.fit([*MOLECULES, Atoms("H")]).transform([Atoms("H")])
    assert np.isfinite(found).all()
    assert found.shape == (1, len(featurizer.get_feature_names_out()))


@every
def test_unknown_element_is_named_with_its_structure(featurizer):
    with pytest.raises(ValueError, match="Structure 1 has the element S, which was not in training"):
        featurizer.fit(MOLECULES).transform([molecule("H2O"), molecule("SO2")])


def test_size_of_the_coulomb_matrix_is_that_of_the_largest():
    featurizer = CoulombMatrixFeaturizer().fit(MOLECULES)
    assert featurizer.n_atoms_max_ == 6
    with pytest.raises(
        ValueError, match=r"Structure 1 has 12 atoms, and the matrix is of 6: .*n_atoms_max=12"
    ):
        featurizer.transform([molecule("CO"), Atoms("C12", cluster(0, 12)[1])])


def test_coulomb_matrix_refuses_crystals():
    with pytest.raises(ValueError, match="Structure 0 is periodic"):
        CoulombMatrixFeaturizer().fit([bulk("NaCl", "rocksalt", a=5.64)])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_failure_of_dscribe_is_told_with_the_structure(n_jobs):
    featurizer = Failing(**SMALL, n_jobs=n_jobs).fit(MOLECULES)
    with pytest.raises(ValueError, match=r"Structure 1: Failing failed with RuntimeError: five atoms"):
        featurizer.transform(MOLECULES)


class Failing(SOAPFeaturizer):
    def _of_one(self, atoms, descriptors):
        if len(atoms) == 5:
            raise RuntimeError("five atoms")
        return super()._of_one(atoms, descriptors)


@pytest.mark.parametrize("geometry", [[], ["distance", "distance"], ["dihedral"]])
def test_unknown_geometry_is_refused(geometry):
    with pytest.raises(ValueError, match="geometry"):
        MBTRFeaturizer(geometry=geometry).fit(MOLECULES)


@pytest.mark.parametrize("params", [{"r_cut": 1.0}, {"n_max": 0}, {"l_max": 21}, {"average": "off"}])
def test_bad_parameters_are_refused(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        SOAPFeaturizer(**params).fit(MOLECULES)


# in use -----------------------------------------------------------------------------------------------


def test_grid_search_on_two_jobs_finds_the_radius_that_sees_the_neighbour():
    lengths = np.random.default_rng(0).uniform(2.0, 5.0, size=30)
    X = [Atoms("CO", [[0, 0, 0], [length, 0, 0]]) for length in lengths]
    model = make_pipeline(SOAPFeaturizer(n_max=6, l_max=0), Ridge(1e-3))
    grid = {"soapfeaturizer__r_cut": [1.1, 6.0]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=2, error_score="raise").fit(X, lengths)
    assert search.best_params_ == {"soapfeaturizer__r_cut": 6.0}
    assert search.best_score_ > 0.9
