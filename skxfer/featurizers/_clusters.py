"""Structures as simple features: radial distributions, bonds, fragments, and shape."""

from itertools import combinations_with_replacement
from numbers import Integral, Real

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils._param_validation import Interval

from .._bonds import BOND_FACTOR, covalent_radii, fragments
from ..structures import neighbour_pairs
from ._structures import StructureFeaturizer

# Pairs whose Gaussians are computed at once: what limits memory.
CHUNK = 200_000
# Gaussians are left out where they are less than 4e-6 of their height: a jump that nothing sees.
WIDTHS = 5.0
# Atoms with more bonds than this are counted with those that have as many.
MAX_BONDS = 12


class ClusterFeaturizer(StructureFeaturizer):
    """Turn clusters, molecules and crystals into simple features of a fixed length.

    Distances, bonds, fragments and shape: what gradient boosting needs to be a baseline that is hard to
    beat, as ``make_pipeline(ClusterFeaturizer(), HistGradientBoostingRegressor(loss="absolute_error"))``.
    Features change neither with rotation and translation nor with the order of the atoms.

    Parameters
    ----------
    r_max : float, default=8.0
        Largest distance of the radial distributions and of nearest neighbours, in Å.
    n_bins : int, default=20
        Number of points of each radial distribution, evenly spaced up to `r_max`.
    sigma : float or None, default=None
        Width (standard deviation) of its Gaussians, in Å. None: ``r_max / n_bins``.
    bond_factor : float, default=1.25
        Two atoms are bonded if they are closer than this factor times the sum of their covalent radii [1]_.
        Elements beyond curium (96) are given its radius.

    Attributes
    ----------
    elements_ : ndarray of str
        Symbols of the elements that occur in ``fit``, in order of atomic number.
    periodic_ : bool
        Whether a structure in ``fit`` is periodic. Then there are no features of shape, which depend on the
        choice of the cell.
    n_features_in_ : int
        1: the column of structures.

    Raises
    ------
    TypeError, ValueError
        For X that is no sequence of structures, see :func:`~skxfer.structures.read_structures`; two atoms
        closer than 0.1 Å; an element that did not occur in ``fit``; a periodic structure if there was none
        in ``fit`` (all naming the structure).
    ImportError
        matscipy is not installed, and a structure is periodic or has more than 100 atoms.

    See Also
    --------
    SOAPFeaturizer : The surroundings of atoms in detail.

    Notes
    -----
    With a and b for elements, in this order:

    ==============================  =========================================================================
    feature                         meaning
    ==============================  =========================================================================
    ``n_atoms``, ``n a``            number of all atoms and of those of an element (in the cell)
    ``rdf a-b r``                   pairs of atoms around the distance r (Å), each a Gaussian of height 1,
                                    divided by the number of atoms
    ``coordination mean a-b``       mean, std, min and max, over the atoms a, of the number of atoms b bonded
                                    to them; b may be ``any``
    ``nearest mean a-b``            the same of the distance to the nearest atom b, in Å; `r_max` where there
                                    is none within `r_max`
    ``coordination a = n``          share of the atoms a that have n bonds, 12 or more counted as 12
    ``bond mean a-b``               mean length of the bonds, in Å; 0 if there are none
    ``shortest``                    shortest distance in the structure, in Å; at most `r_max`
    ``n_fragments``                 number of parts that no bond connects
    ``largest_fragment``            share of the atoms that are in the largest of them
    ``radius_of_gyration``          in Å, of atoms without mass
    ``axis 1``, 2, 3                square roots of the eigenvalues of the gyration tensor, in Å, ascending
    ``radius a``                    mean distance of the atoms a from the centre of all, in Å
    ==============================  =========================================================================

    Their number grows with the square of the number of elements.

    References
    ----------
    .. [1] Cordero, B. et al., Dalton Trans. 2008, 2832, doi:10.1039/b801115j.

    Examples
    --------
    >>> from skxfer.featurizers import ClusterFeaturizer
    >>> water = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    >>> featurizer = ClusterFeaturizer().set_output(transform="pandas")
    >>> features = featurizer.fit_transform([water])
    >>> features[["n H", "coordination mean O-H", "bond mean H-O", "n_fragments"]].round(3)
       n H  coordination mean O-H  bond mean H-O  n_fragments
    0  2.0                    2.0          0.962          1.0
    """

    _parameter_constraints: dict = {
        "r_max": [Interval(Real, 0, None, closed="neither")],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "sigma": [Interval(Real, 0, None, closed="neither"), None],
        "bond_factor": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, r_max=8.0, n_bins=20, sigma=None, bond_factor=BOND_FACTOR):
        self.r_max = r_max
        self.n_bins = n_bins
        self.sigma = sigma
        self.bond_factor = bond_factor

    def _learn(self, structures):
        self.periodic_ = bool(structures.pbc.any())

    def _features(self, structures):
        wrong = structures.pbc.any(axis=1)
        if wrong.any() and not self.periodic_:
            raise ValueError(
                f"Structure {np.flatnonzero(wrong)[0]} is periodic, and no structure in fit was: fit on such "
                "structures too, or set its pbc to False."
            )
        element = np.searchsorted(self._numbers, structures.numbers)
        # A part of the Gaussian of a pair beyond r_max is within: no feature jumps where pairs cross it.
        reach = self.r_max + WIDTHS * self._width()
        longest_bond = self.bond_factor * 2 * covalent_radii(self._numbers).max()
        pairs = neighbour_pairs(structures, float(max(reach, longest_bond)))
        apart = pairs.vectors(structures)
        distance = np.linalg.norm(apart, axis=1)
        radii = covalent_radii(structures.numbers)
        bonded = distance < self.bond_factor * (radii[pairs.i] + radii[pairs.j])

        blocks = [
            structures.n_atoms,
            structures.counts()[:, self._numbers],
            self._of_pairs(structures, pairs, element, distance, bonded),
            self._of_atoms(structures, pairs, element, distance, bonded),
            _sizes_of_fragments(structures, pairs.i[bonded], pairs.j[bonded]),
        ]
        if not self.periodic_:
            blocks.append(_shape(structures, element, len(self.elements_)))
        return np.column_stack(blocks).astype(float)

    def _names(self):
        a = self.elements_
        kinds = [f"{first}-{second}" for first, second in combinations_with_replacement(a, 2)]
        others = [f"{first}-{second}" for first in a for second in (*a, "any")]
        statistics = ("mean", "std", "min", "max")
        names = ["n_atoms", *(f"n {symbol}" for symbol in a)]
        names += [f"rdf {kind} {r:.4g}" for kind in kinds for r in self._grid()]
        names += [f"bond mean {kind}" for kind in kinds] + ["shortest"]
        for what in ("coordination", "nearest"):
            names += [f"{what} {statistic} {other}" for statistic in statistics for other in others]
        names += [f"coordination {symbol} = {n}" for symbol in a for n in range(MAX_BONDS + 1)]
        names += ["n_fragments", "largest_fragment"]
        if not self.periodic_:
            names += [
                "radius_of_gyration",
                "axis 1",
                "axis 2",
                "axis 3",
                *(f"radius {symbol}" for symbol in a),
            ]
        return names

    def _grid(self):
        return self.r_max * np.arange(1, self.n_bins + 1) / self.n_bins

    def _width(self):
        return self.r_max / self.n_bins if self.sigma is None else self.sigma

    def _of_pairs(self, structures, pairs, element, distance, bonded):
        """Radial distributions, mean lengths of bonds, and the shortest distance of each structure."""
        n, n_elements = len(structures), len(self.elements_)
        row = np.repeat(np.arange(n), np.diff(pairs.first))
        a, b = np.triu_indices(n_elements)
        kind = np.zeros((n_elements, n_elements), dtype=int)
        kind[a, b] = kind[b, a] = np.arange(len(a))
        key = row * len(a) + kind[element[pairs.i], element[pairs.j]]

        rdf = np.zeros((n * len(a), self.n_bins))
        for start in range(0, len(key), CHUNK):
            part = slice(start, start + CHUNK)
            gaussians = np.exp(-0.5 * ((distance[part, None] - self._grid()) / self._width()) ** 2)
            # Pairs are ordered by structure.
            low, high = row[part][[0, -1]] * len(a) + [0, len(a)]
            rdf[low:high] += _sums(gaussians, key[part] - low, high - low)
        n_bonds = np.bincount(key[bonded], minlength=len(rdf))
        length = np.bincount(key[bonded], distance[bonded], minlength=len(rdf)) / np.maximum(n_bonds, 1)
        shortest = np.full(n, float(self.r_max))
        np.minimum.at(shortest, row, distance)
        return np.c_[rdf.reshape(n, -1) / structures.n_atoms[:, None], length.reshape(n, -1), shortest]

    def _of_atoms(self, structures, pairs, element, distance, bonded):
        """Statistics of coordination and of the nearest neighbours over the atoms of each element."""
        n, n_elements = len(structures), len(self.elements_)
        # Each pair from both of its ends.
        atom, other = np.r_[pairs.i, pairs.j], element[np.r_[pairs.j, pairs.i]]
        distance, bonded = np.tile(distance, 2), np.tile(bonded, 2)
        bonds = np.zeros((len(element), n_elements + 1))
        np.add.at(bonds, (atom[bonded], other[bonded]), 1)
        bonds[:, -1] = bonds.sum(axis=1)
        nearest = np.full((len(element), n_elements + 1), float(self.r_max))
        np.minimum.at(nearest, (atom, other), distance)
        nearest[:, -1] = nearest.min(axis=1)

        group = structures.row * n_elements + element
        histogram = np.zeros((n * n_elements, MAX_BONDS + 1))
        np.add.at(histogram, (group, np.minimum(bonds[:, -1], MAX_BONDS).astype(int)), 1)
        histogram /= np.maximum(histogram.sum(axis=1, keepdims=True), 1)
        blocks = [
            *_statistics(bonds, group, n * n_elements, 0.0),
            *_statistics(nearest, group, n * n_elements, self.r_max),
            histogram,
        ]
        return np.concatenate([block.reshape(n, -1) for block in blocks], axis=1)


def _sums(values, group, n_groups):
    """Sums of the rows of each group, ndarray of shape (n_groups, n_columns)."""
    member = csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(n_groups, len(group)))
    return member @ values


def _statistics(values, group, n_groups, empty):
    """Mean, standard deviation, minimum and maximum of each group; `empty` for one without rows."""
    size = np.bincount(group, minlength=n_groups)[:, None]
    mean = _sums(values, group, n_groups) / np.maximum(size, 1)
    std = np.sqrt(_sums((values - mean[group]) ** 2, group, n_groups) / np.maximum(size, 1))
    low, high = np.full(mean.shape, np.inf), np.full(mean.shape, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    return np.where(size, mean, empty), std, np.where(size, low, empty), np.where(size, high, empty)


def _sizes_of_fragments(structures, i, j):
    """Number of fragments, and share of atoms in the largest, ndarray of shape (n_structures, 2)."""
    label = fragments(len(structures.numbers), i, j)
    row = np.empty(label.max() + 1, dtype=int)
    row[label] = structures.row
    largest = np.zeros(len(structures))
    np.maximum.at(largest, row, np.bincount(label))
    return np.c_[np.bincount(row, minlength=len(structures)), largest / structures.n_atoms]


def _shape(structures, element, n_elements):
    """Radius of gyration, principal axes, and mean distance of each element from the centre."""
    row, n = structures.row, len(structures)
    sizes = structures.n_atoms[:, None]
    centred = structures.positions - (_sums(structures.positions, row, n) / sizes)[row]
    products = (centred[:, :, None] * centred[:, None, :]).reshape(-1, 9)
    squares = np.linalg.eigvalsh((_sums(products, row, n) / sizes).reshape(n, 3, 3)).clip(min=0)
    radius = _statistics(
        np.linalg.norm(centred, axis=1)[:, None], row * n_elements + element, n * n_elements, 0.0
    )[0]
    return np.c_[np.sqrt(squares.sum(axis=1)), np.sqrt(squares), radius.reshape(n, n_elements)]
