"""The many-body tensor representation of dscribe as a transformer."""

from itertools import combinations_with_replacement
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._optional import require
from ._dscribe import DscribeFeaturizer

# Pairs and triples of atoms that weigh less than this are left out.
THRESHOLD = 1e-3
# Number of atoms in each function of MBTR, and its range; None stands for what follows from fit.
GEOMETRIES = {
    "atomic_number": (1, None, None),
    "inverse_distance": (2, 0.0, 1.5),
    "distance": (2, 0.0, None),
    "cosine": (3, -1.0, 1.0),
    "angle": (3, 0.0, 180.0),
}


class MBTRFeaturizer(DscribeFeaturizer):
    """Many-body tensor representation: spectra of atoms, distances and angles by their elements.

    Every atom, pair or triple of atoms adds a Gaussian at its atomic number, distance or angle to the
    spectrum of its elements [1]_, as computed by dscribe [2]_. Features change neither with rotation and
    translation nor with the order of the atoms.

    Parameters
    ----------
    geometry : sequence of str, default=("atomic_number", "inverse_distance")
        What the spectra are of: ``"atomic_number"`` of atoms; ``"distance"`` (Å) or ``"inverse_distance"``
        (1/Å) of pairs; ``"cosine"`` or ``"angle"`` (degrees) of triples, which see more and take longer.
    n_grid : int, default=40
        Number of points of each spectrum. They range from one below to one above the atomic numbers in
        ``fit``, from 0 to 1.5 1/Å, from 0 to `r_cut`, from -1 to 1, and from 0 to 180°.
    sigma : float, default=1.0
        Width (standard deviation) of the Gaussians, in steps of the grid.
    r_cut : float, default=8.0
        Distance in Å at which the weight of a pair, which falls exponentially, is 0.001 and becomes 0. That
        of a triple depends on its circumference in the same way, and ends at twice the distance.
    normalization : {"none", "n_atoms", "l2"}, default="none"
        Divide each spectrum by the number of atoms (for properties per atom), or all that belong to one
        function by their Euclidean norm.
    n_jobs : int or None, default=None
        Number of joblib jobs. None: 1, or that of the enclosing ``joblib.parallel_config``.

    Attributes
    ----------
    elements_ : ndarray of str
        Symbols of the elements that occur in ``fit``, in order of atomic number.
    n_features_in_ : int
        1: the column of structures.

    Raises
    ------
    TypeError, ValueError
        For X that is no sequence of structures, see :func:`~skxfer.structures.read_structures`; an element
        that did not occur in ``fit``; a structure that dscribe cannot take (all naming the structure).
    ImportError
        dscribe is not installed.

    See Also
    --------
    SOAPFeaturizer : The surroundings of atoms in detail.
    CoulombMatrixFeaturizer : All pairs of a molecule.

    Notes
    -----
    Images of atoms count in structures that are periodic, along the directions in which they are. Features
    are named by function, elements, and place on the grid: ``cosine H-O-H -0.25``.

    References
    ----------
    .. [1] Huo, H., Rupp, M., Mach. Learn.: Sci. Technol. 2022, 3, 045017, doi:10.1088/2632-2153/aca005.
    .. [2] Himanen, L. et al., Comput. Phys. Commun. 2020, 247, 106949, doi:10.1016/j.cpc.2019.106949.

    Examples
    --------
    >>> from skxfer.featurizers import MBTRFeaturizer
    >>> water = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    >>> MBTRFeaturizer().fit_transform([water]).shape  # doctest: +SKIP
    (1, 200)
    """

    # dscribe makes a full matrix of their distances.
    _most_atoms = 15_000
    _parameter_constraints: dict = {
        **DscribeFeaturizer._parameter_constraints,
        "geometry": ["array-like"],
        "n_grid": [Interval(Integral, 2, None, closed="left")],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "r_cut": [Interval(Real, 0, None, closed="neither")],
        "normalization": [StrOptions({"none", "n_atoms", "l2"})],
    }

    def __init__(
        self,
        *,
        geometry=("atomic_number", "inverse_distance"),
        n_grid=40,
        sigma=1.0,
        r_cut=8.0,
        normalization="none",
        n_jobs=None,
    ):
        self.geometry = geometry
        self.n_grid = n_grid
        self.sigma = sigma
        self.r_cut = r_cut
        self.normalization = normalization
        self.n_jobs = n_jobs

    def _learn(self, structures):
        names = list(self.geometry)
        if not names or len({*names}) < len(names) or not {*names} <= {*GEOMETRIES}:
            raise ValueError(
                f"geometry={self.geometry!r} must be different names out of {', '.join(GEOMETRIES)}."
            )

    def _of_one(self, atoms, descriptors):
        spectra = [descriptor.create_single(atoms) for descriptor in descriptors]
        if self.normalization == "n_atoms":
            spectra = [spectrum / len(atoms) for spectrum in spectra]
        elif self.normalization == "l2":
            # A single atom has no distances: zeros stay zeros.
            spectra = [spectrum / (np.linalg.norm(spectrum) or 1.0) for spectrum in spectra]
        return np.concatenate(spectra)

    def _descriptors(self, periodic):
        return [
            require("dscribe.descriptors").MBTR(
                geometry={"function": function},
                grid=self._grid(function),
                weighting={"function": "exp", "r_cut": self.r_cut, "threshold": THRESHOLD}
                if GEOMETRIES[function][0] > 1
                else None,
                species=self._numbers,
                periodic=periodic,
            )
            for function in self.geometry
        ]

    def _grid(self, function):
        _, low, high = GEOMETRIES[function]
        if function == "atomic_number":
            low, high = self._numbers[0] - 1, self._numbers[-1] + 1
        elif function == "distance":
            high = self.r_cut
        sigma = self.sigma * (high - low) / (self.n_grid - 1)
        return {"min": low, "max": high, "n": self.n_grid, "sigma": sigma}

    def _names(self):
        names = []
        for function in self.geometry:
            grid = self._grid(function)
            points = np.linspace(grid["min"], grid["max"], grid["n"])
            pairs = list(combinations_with_replacement(self.elements_, 2))
            kinds = {
                1: [(a,) for a in self.elements_],
                2: pairs,
                3: [(a, middle, b) for middle in self.elements_ for a, b in pairs],
            }[GEOMETRIES[function][0]]
            names += [f"{function} {'-'.join(kind)} {point:.4g}" for kind in kinds for point in points]
        return names
