"""Generator of doped metal clusters with energies and forces, from a force field that comes with ASE."""

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._optional import require
from ..energy_units import free_atoms, is_bound
from ..structures import read_structures

# Metals of ASE's effective medium theory, and lattice constants of their face-centred cubic crystals in Å.
LATTICE = {"Al": 4.05, "Ag": 4.09, "Au": 4.08, "Cu": 3.61, "Ni": 3.52, "Pd": 3.89, "Pt": 3.92}
# Shaking brings no two atoms closer than this share of the distance in the crystal.
CLOSEST = 0.75
# Steps of relaxation at most, and the force at which it ends, in eV/Å.
MOST_STEPS, SMALL_FORCE = 30, 0.02
# Standard deviation of the thermal displacement along each axis at most, as share of that distance.
MOST_NOISE = 0.03


@validate_params(
    {
        "sizes": ["array-like"],
        "n_per_size": [Interval(Integral, 1, None, closed="left")],
        "host": [StrOptions(set(LATTICE))],
        "dopant": [StrOptions(set(LATTICE))],
        "n_dopants": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_doped_clusters(
    sizes=(10, 11, 12), n_per_size=40, *, host="Cu", dopant="Ag", n_dopants=1, random_state=None
):
    """Make clusters of two metals, with energies and forces by the effective medium theory (EMT).

    A chain of domains, by size, on which models of structures and their transfer can be tried without a
    download. Atoms are dropped onto a growing cluster from random directions, two kinds in random order;
    the cluster is relaxed for a random number of steps, then shaken by a random amount: low minima and
    shapes some eV above, as a global search meets them. EMT [1]_ as in ASE describes metals qualitatively;
    **these are no first-principles data**.

    Parameters
    ----------
    sizes : sequence of int, default=(10, 11, 12)
        Numbers of atoms, dopants included.
    n_per_size : int, default=40
        Clusters of each size. A longer run begins with those of a shorter one.
    host, dopant : {"Ag", "Al", "Au", "Cu", "Ni", "Pd", "Pt"}, default="Cu" and "Ag"
        Elements.
    n_dopants : int, default=1
        Atoms of the dopant in each cluster; 0 gives clusters of the host alone.
    random_state : int, RandomState instance or None, default=None
        Makes two calls identical, size by size, whichever other sizes are asked for.

    Returns
    -------
    problem : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_samples
            Size by size in the order given; not periodic, without calculators.
        target : ndarray of float of shape (n_samples,)
            Total energies in eV, relative to the crystals of the metals.
        forces : list of ndarray of shape (n_atoms, 3)
            In eV/Å.
        domain : ndarray of int of shape (n_samples,)
            The size.
        reference_energies : dict of str to float
            Energies of the free atoms in eV.
        bound : ndarray of bool of shape (n_samples,)
            Whether the energy is not above that of the free atoms: True for all.
        unit, force_unit : str
            "eV" and "eV/Å".
        DESCR : str
            A few sentences.

    Raises
    ------
    ValueError
        For a parameter out of range (scikit-learn's ``InvalidParameterError``), a size that is no int, occurs
        twice or does not exceed `n_dopants`.
    ImportError
        ASE is not installed (extra ``structures``).

    See Also
    --------
    fetch_boron_clusters : Clusters with energies by density functional theory, downloaded.

    References
    ----------
    .. [1] Jacobsen et al., "A semi-empirical effective medium theory for metals and alloys", Surf. Sci. 366,
       394 (1996). https://doi.org/10.1016/0039-6028(96)00816-3

    Examples
    --------
    >>> from skxfer.datasets import make_doped_clusters
    >>> clusters = make_doped_clusters(sizes=(6, 7), n_per_size=3, random_state=0)
    >>> [atoms.get_chemical_formula() for atoms in clusters.data]
    ['AgCu5', 'AgCu5', 'AgCu5', 'AgCu6', 'AgCu6', 'AgCu6']
    >>> clusters.target.shape, clusters.forces[0].shape, clusters.domain.tolist()
    ((6,), (6, 3), [6, 6, 6, 7, 7, 7])
    """
    sizes = _check_sizes(sizes, n_dopants)
    Atoms, EMT, _ = _ase()
    seed = check_random_state(random_state).randint(2**31)
    data, energies, forces = [], [], []
    for size in sizes:
        symbols = [host] * (size - n_dopants) + [dopant] * n_dopants
        for k in range(n_per_size):
            atoms = _make_one(symbols, np.random.default_rng([seed, size, k]))
            energies.append(atoms.get_potential_energy())
            forces.append(atoms.get_forces())
            atoms.calc = None
            data.append(atoms)
    domain, target = np.repeat(sizes, n_per_size), np.array(energies)
    reference = {
        symbol: float(Atoms(symbol, calculator=EMT()).get_potential_energy())
        for symbol in dict.fromkeys([host, dopant] if n_dopants else [host])
    }
    limit = free_atoms(read_structures(data), reference)
    return Bunch(
        data=data,
        target=target,
        forces=forces,
        domain=domain,
        reference_energies=reference,
        bound=is_bound(target, limit),
        unit="eV",
        force_unit="eV/Å",
        DESCR=(
            f"{len(data)} clusters of {host} with {n_dopants} {dopant}, {n_per_size} of each of the sizes "
            f"{sizes}: random compact shapes, relaxed for up to {MOST_STEPS} steps and shaken. Energies (eV, "
            "relative to the crystals) and forces (eV/Å) are those of the effective medium theory in ASE, a "
            "simulation."
        ),
    )


def _ase():
    names = {"ase": "Atoms", "ase.calculators.emt": "EMT", "ase.optimize": "BFGS"}
    return [getattr(require(module), name) for module, name in names.items()]


def _check_sizes(sizes, n_dopants):
    sizes = list(sizes)
    for size in sizes:
        if not isinstance(size, Integral) or size <= n_dopants:
            raise ValueError(f"sizes must be ints above n_dopants={n_dopants}: one of {sizes} is {size!r}.")
    if not sizes or len(set(sizes)) < len(sizes):
        raise ValueError(f"sizes must name at least one size, and none twice: they are {sizes}.")
    return [int(size) for size in sizes]


def _make_one(symbols, rng):
    Atoms, EMT, BFGS = _ase()
    symbols = rng.permutation(symbols)
    radii = np.array([LATTICE[symbol] for symbol in symbols]) / np.sqrt(8)
    touching = radii[:, None] + radii
    atoms = Atoms(symbols, _drop(touching, rng))
    atoms.calc = EMT()
    BFGS(atoms, logfile=None).run(fmax=SMALL_FORCE, steps=int(rng.integers(MOST_STEPS + 1)))
    noise = MOST_NOISE * rng.random() ** 2 * 2 * radii.mean() * rng.normal(size=(len(atoms), 3))
    relaxed = atoms.positions.copy()
    while (_distances(relaxed + noise) < CLOSEST * touching).any() and np.abs(noise).max() > 1e-3:
        noise /= 2
    atoms.positions = relaxed + noise
    atoms.positions -= atoms.positions.mean(axis=0)
    return atoms


def _drop(touching, rng):
    """Positions of atoms that fall one by one towards the first, until they touch another."""
    positions = np.zeros((len(touching), 3))
    for n in range(1, len(touching)):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        # On the way in, the first touch is at the largest t with |t direction - position| = touching.
        along = positions[:n] @ direction
        square = touching[n, :n] ** 2 - (positions[:n] ** 2).sum(axis=1) + along**2
        hit = square >= 0
        positions[n] = direction * (along[hit] + np.sqrt(square[hit])).max()
    return positions


def _distances(positions):
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    np.fill_diagonal(apart, np.inf)
    return apart
