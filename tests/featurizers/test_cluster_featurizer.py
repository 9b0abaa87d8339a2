"""Features of clusters against geometry by hand, and their symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skxfer import ClusterFeaturizer
from skxfer._bonds import COVALENT_RADII

WATER = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
OH = np.hypot(0.76, 0.59)


def features(X, fit=None, **params):
    """Features of the first structure, by name."""
    featurizer = ClusterFeaturizer(**params).fit(X if fit is None else fit)
    return dict(zip(featurizer.get_feature_names_out(), featurizer.transform(X)[0], strict=True))


def cluster(seed, n_atoms=8):
    """Atoms near the sites of a cubic lattice of 1.7 Å."""
    rng = np.random.default_rng(seed)
    sites = np.argwhere(np.ones((3, 3, 3)))[rng.permutation(27)[:n_atoms]]
    return rng.choice([1, 6, 8], n_atoms), 1.7 * sites + rng.uniform(-0.5, 0.5, size=sites.shape)


ALL = [cluster(seed) for seed in range(6)]


def rotation(rng):
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


# what they are ----------------------------------------------------------------------------------------


def test_counts():
    found = features([WATER])
    assert (found["n_atoms"], found["n H"], found["n O"]) == (3, 2, 1)


def test_bonds_of_water():
    found = features([WATER])
    assert found["coordination mean O-H"] == found["coordination max O-any"] == 2
    assert found["coordination mean H-O"] == found["coordination mean H-any"] == 1
    assert found["coordination mean H-H"] == found["coordination std H-any"] == 0
    assert found["bond mean H-O"] == pytest.approx(OH)
    assert found["bond mean H-H"] == 0
    assert (found["coordination O = 2"], found["coordination O = 1"], found["coordination H = 1"]) == (
        1,
        0,
        1,
    )


def test_nearest_neighbours_of_water():
    found = features([WATER])
    assert found["nearest mean O-H"] == found["nearest min H-any"] == found["shortest"] == pytest.approx(OH)
    assert found["nearest max H-H"] == pytest.approx(1.52)
    assert found["nearest mean O-O"] == 8.0


def test_statistics_are_over_the_atoms_of_an_element():
    chain = ([6, 6, 6], [[0, 0, 0], [1.4, 0, 0], [3.0, 0, 0]])
    found = features([chain])
    bonds, nearest = np.array([1, 2, 1]), np.array([1.4, 1.4, 1.6])
    for what, values in (("coordination", bonds), ("nearest", nearest)):
        for statistic in ("mean", "std", "min", "max"):
            assert found[f"{what} {statistic} C-C"] == pytest.approx(getattr(values, statistic)())


def test_radial_distribution_is_a_sum_of_gaussians():
    found = features([WATER], r_max=4.0, n_bins=8, sigma=0.3)
    grid = 0.5 * np.arange(1, 9)
    for pair, distances in {"H-H": [1.52], "H-O": [OH, OH], "O-O": []}.items():
        expected = sum((np.exp(-((grid - d) ** 2) / 0.18) for d in distances), np.zeros(8)) / 3
        got = [found[f"rdf {pair} {r:.4g}"] for r in grid]
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_radial_distribution_goes_on_where_a_pair_crosses_r_max():
    pairs = [([6, 6], [[0, 0, 0], [d, 0, 0]]) for d in (2.9999, 3.0001, 5.0)]
    table = ClusterFeaturizer(r_max=3.0, sigma=1.0).set_output(transform="pandas").fit_transform(pairs)
    np.testing.assert_allclose(table.iloc[0], table.iloc[1], atol=2e-4)
    np.testing.assert_allclose(table["rdf C-C 3"], np.exp([0, 0, -2]) / 2, atol=1e-6)


def test_radial_distribution_does_not_jump_where_pairs_are_left_out():
    distances = np.arange(2.9, 4.5, 1e-3)
    rdf = ClusterFeaturizer(r_max=3.0, n_bins=10).fit_transform(
        [([6, 6], [[0, 0, 0], [d, 0, 0]]) for d in distances]
    )
    assert np.abs(np.diff(rdf, axis=0)).max() < 3e-3  # the slope of a Gaussian of 0.3 Å is 2 per Å


def test_nearest_neighbours_and_the_shortest_distance_are_within_r_max():
    found = features([([6, 6], [[0, 0, 0], [3.1, 0, 0]])], r_max=3.0)
    assert found["nearest mean C-C"] == found["shortest"] == 3.0


def test_bonds_may_be_longer_than_r_max():
    found = features([([55, 55], [[0, 0, 0], [5.0, 0, 0]])], r_max=3.0, sigma=0.1)
    assert found["n_fragments"] == 1 and found["bond mean Cs-Cs"] == 5.0


def test_fragments():
    pair = np.array([[0, 0, 0], [1.4, 0, 0]])
    apart = ([6] * 5, np.concatenate([pair, pair + 10, [[1.4, 1.4, 0]]]))
    found = features([apart])
    assert found["n_fragments"] == 2
    assert found["largest_fragment"] == pytest.approx(3 / 5)


def test_longer_bonds_count_with_a_larger_factor():
    pair = [([6, 6], [[0, 0, 0], [2.0, 0, 0]])]
    assert features(pair)["n_fragments"] == 2  # 1.52 Å times 1.25
    assert features(pair, bond_factor=1.35)["n_fragments"] == 1


def test_shape_of_a_rod():
    rod = ([6, 6, 8], [[-1.0, 0, 0], [0, 0, 0], [1.0, 0, 0]])
    found = features([rod])
    assert found["radius_of_gyration"] == found["axis 3"] == pytest.approx(np.sqrt(2 / 3))
    assert found["axis 1"] == found["axis 2"] == pytest.approx(0)
    assert (found["radius C"], found["radius O"]) == pytest.approx((0.5, 1.0))


def test_covalent_radii_are_those_of_ase():
    data = pytest.importorskip("ase.data")
    np.testing.assert_allclose(COVALENT_RADII, data.covalent_radii[1:97])


def test_coordination_in_a_crystal():
    build = pytest.importorskip("ase.build")
    pytest.importorskip("matscipy")
    found = features([build.bulk("NaCl", "rocksalt", a=5.64)], r_max=5)
    assert found["coordination mean Na-Cl"] == found["coordination mean Cl-Na"] == 6
    assert found["nearest mean Na-Na"] == pytest.approx(5.64 / np.sqrt(2))
    assert "radius_of_gyration" not in found


def test_supercell_has_the_same_features_but_for_the_size():
    build = pytest.importorskip("ase.build")
    pytest.importorskip("matscipy")
    crystal = build.bulk("NaCl", "rocksalt", a=5.64)
    X = [crystal, crystal.repeat((2, 1, 3))]
    table = ClusterFeaturizer(r_max=5.0).set_output(transform="pandas").fit_transform(X)
    sizes = ["n_atoms", "n Na", "n Cl"]
    assert table.loc[1, sizes].tolist() == [12, 6, 6]
    rest = table.drop(columns=sizes).to_numpy()
    np.testing.assert_allclose(rest[0], rest[1], atol=1e-10)


# symmetries -------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n_atoms=st.integers(1, 12))
@settings(max_examples=50)
def test_neither_rotation_nor_translation_nor_order_matters(seed, n_atoms):
    rng = np.random.default_rng(seed)
    numbers, positions = cluster(seed, n_atoms)
    order = rng.permutation(n_atoms)
    moved = (positions @ rotation(rng) + rng.normal(scale=10, size=3))[order]
    featurizer = ClusterFeaturizer().fit(ALL)
    one, other = featurizer.transform([(numbers, positions), (numbers[order], moved)])
    np.testing.assert_allclose(one, other, atol=1e-7)


def test_crystal_can_be_described_by_any_cell():
    build = pytest.importorskip("ase.build")
    pytest.importorskip("matscipy")
    crystal = build.bulk("NaCl", "rocksalt", a=5.64)
    other = crystal.copy()
    other.set_cell(np.array([[1, 0, 0], [1, 1, 0], [0, 2, 1]]) @ crystal.cell)
    other.positions += [0.3, 0.2, 0.1]
    other.positions[0] += other.cell[1]
    one, two = ClusterFeaturizer(r_max=5.0).fit_transform([crystal, other])
    np.testing.assert_allclose(one, two, atol=1e-10)


def test_many_pairs_are_computed_in_parts(monkeypatch):
    expected = ClusterFeaturizer().fit_transform(ALL)
    monkeypatch.setattr("skxfer.featurizers._clusters.CHUNK", 5)
    np.testing.assert_allclose(ClusterFeaturizer().fit_transform(ALL), expected)


# edges ------------------------------------------------------------------------------------------------


def test_single_atom():
    found = features([([6], [[1.0, 2.0, 3.0]])], fit=ALL)
    assert np.isfinite(list(found.values())).all()
    assert (found["n C"], found["n_fragments"], found["radius_of_gyration"]) == (1, 1, 0)
    assert found["nearest mean C-any"] == found["shortest"] == 8.0


def test_element_that_a_structure_lacks():
    found = features([([6], [[0, 0, 0]])], fit=[WATER, ([6], [[0, 0, 0]])])
    assert found["coordination mean O-H"] == found["coordination O = 0"] == found["radius O"] == 0
    assert found["nearest min O-any"] == found["nearest mean O-any"] == 8.0


def test_elements_are_learned_in_order_of_atomic_number():
    assert list(ClusterFeaturizer().fit([WATER, ([3], [[0, 0, 0]])]).elements_) == ["H", "Li", "O"]


def test_unknown_element_is_named_with_its_structure():
    with pytest.raises(
        ValueError, match=r"Structure 1 has the element S, which was not in training \(H, O\): drop it \(1 "
    ):
        ClusterFeaturizer().fit([WATER]).transform([WATER, ([1, 16], [[0, 0, 0], [0, 0, 1.3]])])


def test_crystal_after_clusters_is_refused():
    ase = pytest.importorskip("ase")
    crystal = ase.Atoms("H", cell=[3, 3, 3], pbc=True)
    with pytest.raises(ValueError, match="Structure 1 is periodic"):
        ClusterFeaturizer().fit([WATER]).transform([WATER, crystal])


@pytest.mark.parametrize("params", [{"r_max": 0}, {"n_bins": 0}, {"sigma": -1.0}, {"bond_factor": "long"}])
def test_bad_parameters_are_refused(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        ClusterFeaturizer(**params).fit([WATER])


# in use -----------------------------------------------------------------------------------------------


def test_grid_search_in_a_pipeline_on_two_jobs():
    lengths = np.random.default_rng(0).uniform(1.3, 1.7, size=30)
    X = [([6, 8], [[0, 0, 0], [length, 0, 0]]) for length in lengths]
    model = make_pipeline(ClusterFeaturizer(n_bins=5), Ridge(1e-3))
    grid = {"clusterfeaturizer__bond_factor": [0.5, 1.25], "ridge__alpha": [1e-3, 1e9]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=2, error_score="raise").fit(X, lengths)
    assert search.best_params_["ridge__alpha"] == 1e-3
    assert search.best_score_ > 0.99
