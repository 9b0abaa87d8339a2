"""Features do not depend on images, origin, rotation, order of atoms, nor on other rows of X."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skxfer.featurizers import ClusterFeaturizer, CoulombMatrixFeaturizer, MBTRFeaturizer, SOAPFeaturizer
from skxfer.structures import neighbour_pairs, read_structures

ase = pytest.importorskip("ase")
pytest.importorskip("dscribe")
pytest.importorskip("matscipy")

KNOWN = [ase.Atoms("HCO", 2 * np.eye(3), cell=[6, 6, 6], pbc=True)]
SMALL = {"r_cut": 4.0, "n_max": 3, "l_max": 2}
CRYSTALS = {
    "outer": SOAPFeaturizer(**SMALL),
    "inner": SOAPFeaturizer(**SMALL, average="inner"),
    "sum": SOAPFeaturizer(**SMALL, average="sum"),
    "mbtr": MBTRFeaturizer(n_grid=12, r_cut=5.0),
    "distance": MBTRFeaturizer(geometry=["distance"], n_grid=12, r_cut=5.0, normalization="n_atoms"),
    "triples": MBTRFeaturizer(geometry=["cosine", "angle"], n_grid=12, r_cut=8.0),
    "clusters": ClusterFeaturizer(r_max=5.0, n_bins=8),
}
MOLECULES = CRYSTALS | {"matrix": CoulombMatrixFeaturizer("eigenspectrum", n_atoms_max=6)}
# Features that grow with the number of atoms.
EXTENSIVE = {"sum", "mbtr", "triples"}
seeds = given(seed=st.integers(0, 10**6))
few = settings(max_examples=15, deadline=None, derandomize=True)


def structure(seed, periodic):
    """Up to five atoms in a skewed cell of 3 to 6 Å, none closer than 0.8 Å to another or its image."""
    rng = np.random.default_rng(seed)
    while True:
        n = rng.integers(1, 6)
        cell = np.diag(rng.uniform(3.2, 6.0, 3)) + rng.normal(scale=0.6, size=(3, 3)).clip(-1, 1)
        pbc = rng.random(3) < 0.7 if periodic else np.zeros(3, dtype=bool)
        atoms = ase.Atoms(rng.choice([1, 6, 8], n), rng.random((n, 3)) @ cell, cell=cell, pbc=pbc)
        found = read_structures([atoms])
        if pbc.any() == periodic and not len(neighbour_pairs(found, 0.8, allow_overlap=True).i):
            return rng, atoms


def assert_same(featurizer, atoms, others, factor=1):
    # Fitted on a structure that is periodic if these are: shape counts for molecules alone.
    fitted = featurizer.fit(
        [one for one in [*KNOWN, ase.Atoms("HCO", 2 * np.eye(3))] if (one.pbc == atoms.pbc.any()).all()]
    )
    one, *same = fitted.transform([atoms, *others])
    for other in same:
        np.testing.assert_allclose(other, factor * one, rtol=1e-5, atol=1e-7 * max(1, np.abs(one).max()))
    # The same alone, in another order of rows, and beside others.
    np.testing.assert_allclose(fitted.transform([*others, atoms])[-1], one, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(fitted.transform([atoms])[0], one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CRYSTALS)
@seeds
@few
def test_crystals_written_otherwise_have_the_same_features(name, seed):
    rng, atoms = structure(seed, periodic=True)
    cell, n = atoms.cell[:], len(atoms)
    image, moved = atoms.copy(), atoms.copy()
    image.positions += (rng.integers(-4, 5, (n, 3)) * atoms.pbc) @ cell
    moved.positions += rng.normal(scale=20, size=3)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turned = ase.Atoms(atoms.numbers, atoms.positions @ rotation, cell=cell @ rotation, pbc=atoms.pbc)
    assert_same(CRYSTALS[name], atoms, [image, moved, turned, atoms[rng.permutation(n)]])


@pytest.mark.parametrize("name", MOLECULES)
@seeds
@few
def test_molecules_written_otherwise_have_the_same_features(name, seed):
    rng, atoms = structure(seed, periodic=False)
    moved = atoms.copy()
    moved.positions += rng.normal(scale=20, size=3)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turned = ase.Atoms(atoms.numbers, atoms.positions @ rotation)
    assert_same(MOLECULES[name], atoms, [moved, turned, atoms[rng.permutation(len(atoms))]])


@pytest.mark.parametrize("name", [name for name in CRYSTALS if name != "clusters"])
@seeds
@few
def test_supercells_have_the_features_of_the_cell(name, seed):
    rng, atoms = structure(seed, periodic=True)
    repeats = np.where(atoms.pbc, rng.integers(1, 3, 3), 1)
    factor = repeats.prod() if name in EXTENSIVE else 1
    assert_same(CRYSTALS[name], atoms, [atoms.repeat(tuple(int(n) for n in repeats))], factor)


@seeds
@settings(max_examples=60, deadline=None, derandomize=True)
def test_neighbours_do_not_depend_on_the_image_of_an_atom(seed):
    """Nor do the graphs of networks, then, which are made of them."""
    rng, atoms = structure(seed, periodic=True)
    image = atoms.copy()
    image.positions += (rng.integers(-4, 5, (len(atoms), 3)) * atoms.pbc) @ atoms.cell[:]
    found = []
    for one in (atoms, image):
        structures = read_structures([one])
        pairs = neighbour_pairs(structures, 5.0)
        vectors = pairs.vectors(structures)
        ends = np.sort(np.c_[pairs.i, pairs.j], axis=1)
        # Of each pair the vector may point either way.
        found.append(
            sorted(
                map(tuple, np.c_[ends, np.abs(vectors).round(6), np.linalg.norm(vectors, axis=1).round(6)])
            )
        )
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
