"""Descriptors of dscribe as transformers: SOAP and Coulomb matrices."""

import warnings
from functools import partial
from itertools import combinations_with_replacement, product
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_even_slices
from sklearn.utils._param_validation import Interval, StrOptions

from .._optional import require
from .._remember import computed_once
from ..structures import check_images, compact_cells, wrapped_positions
from ._structures import StructureFeaturizer


class DscribeFeaturizer(StructureFeaturizer):
    """Base of transformers that have ``_descriptors`` of dscribe."""

    _parameter_constraints: dict = {"n_jobs": [Integral, None]}
    # Atoms and images of one structure that fit in memory.
    _most_atoms = 1e7

    def _features(self, structures):
        structures = self._compact(structures)
        settings = repr((type(self).__name__, self.get_params(), self.elements_.tolist()))

        def compute(rows):
            return self._compute(structures.take(rows), self._descriptors, rows)

        return np.stack(computed_once(settings, structures.digests(), compute))

    def _compact(self, structures):
        """Structures in cells that dscribe can handle; a ValueError if they take too much memory."""
        check_images(structures, self.r_cut, most=self._most_atoms)
        return compact_cells(structures, self.r_cut)

    def _compute(self, structures, make, numbers=None):
        """Features of each compact structure in a list, by what is made for periodic ones and for others."""
        structures = structures.without_entries()
        # dscribe takes atoms to be in the cell, and loses neighbours of those outside.
        structures.positions = wrapped_positions(structures)
        numbers = list(range(len(structures))) if numbers is None else numbers
        n_jobs = effective_n_jobs(self.n_jobs)
        n_parts = min(len(structures), 4 * n_jobs if n_jobs > 1 else 1)
        # Not dscribe's own pool of processes, which hangs, and which joblib cannot spread over a cluster.
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(self._compute_part)(structures[part], numbers[part], make)
            for part in gen_even_slices(len(structures), n_parts)
        )
        return [features for part in parts for features in part]

    def _of_one(self, atoms, descriptor):
        return descriptor.create_single(atoms)

    def _compute_part(self, structures, numbers, make):
        descriptors = {kind: make(kind) for kind in np.unique(structures.pbc.any(axis=1))}
        found = []
        for row, periodic in enumerate(structures.pbc.any(axis=1)):
            try:
                with warnings.catch_warnings():
                    # dscribe still asks for atoms.get_calculator().
                    warnings.filterwarnings("ignore", "Please use atoms.calc")
                    found.append(self._of_one(_atoms(structures, row), descriptors[periodic]))
            except Exception as error:  # dscribe raises whatever comes up
                raise ValueError(
                    f"Structure {numbers[row]}: {type(self).__name__} failed with {type(error).__name__}: "
                    f"{error}. Leave this structure out, or repair it."
                ) from error
        return found


class SOAPFeaturizer(DscribeFeaturizer):
    """Smooth overlap of atomic positions, averaged or summed over the atoms of each structure.

    Around each atom, the density of its neighbours of each element, smeared by Gaussians, is expanded in
    radial functions and spherical harmonics; features are the power spectrum of that expansion [1]_, as
    computed by dscribe [2]_. They change neither with rotation and translation nor with the order of atoms.

    Parameters
    ----------
    r_cut : float, default=6.0
        Radius of the surroundings, in Å; above 1.
    n_max : int, default=6
        Number of radial functions.
    l_max : int, default=4
        Highest degree of the spherical harmonics, up to 20.
    sigma : float, default=0.5
        Width (standard deviation) of the Gaussians, in Å.
    average : {"outer", "inner", "sum"}, default="outer"
        Average over the atoms of a structure: their power spectra, or their expansions before these are
        squared, which is shorter-sighted but takes the structure as a whole. ``"sum"``: add the power
        spectra up, for properties that grow with the number of atoms, such as energies.
        :meth:`transform_atoms` does neither.
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
    MBTRFeaturizer : Distances and angles of the whole structure.
    ClusterFeaturizer : Simple features that can be understood.

    Notes
    -----
    Images of atoms count in structures that are periodic, along the directions in which they are.

    Features of a pair of elements a and b are named ``SOAP a-b n=1 n'=2 l=0``: the radial function n of the
    density of a, n' of that of b, and the degree l. Their number grows with the square of the number of
    elements: 390 for 2, 2325 for 5.

    References
    ----------
    .. [1] Bartók, A. P., Kondor, R., Csányi, G., Phys. Rev. B 2013, 87, 184115,
       doi:10.1103/PhysRevB.87.184115.
    .. [2] Himanen, L. et al., Comput. Phys. Commun. 2020, 247, 106949, doi:10.1016/j.cpc.2019.106949.

    Examples
    --------
    >>> from skxfer.featurizers import SOAPFeaturizer
    >>> water = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    >>> featurizer = SOAPFeaturizer().fit([water])  # doctest: +SKIP
    >>> featurizer.transform([water]).shape  # doctest: +SKIP
    (1, 390)
    >>> featurizer.transform_atoms([water])[0].shape  # doctest: +SKIP
    (3, 390)
    """

    _parameter_constraints: dict = {
        **DscribeFeaturizer._parameter_constraints,
        "r_cut": [Interval(Real, 1, None, closed="neither")],
        "n_max": [Interval(Integral, 1, None, closed="left")],
        "l_max": [Interval(Integral, 0, 20, closed="both")],
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "average": [StrOptions({"outer", "inner", "sum"})],
    }

    def __init__(self, *, r_cut=6.0, n_max=6, l_max=4, sigma=0.5, average="outer", n_jobs=None):
        self.r_cut = r_cut
        self.n_max = n_max
        self.l_max = l_max
        self.sigma = sigma
        self.average = average
        self.n_jobs = n_jobs

    def transform_atoms(self, X):
        """Compute the descriptor of each atom.

        Parameters
        ----------
        X : sequence of length n_structures

        Returns
        -------
        list of ndarray, each of shape (n_atoms, n_features_out)
            In the order of the atoms.
        """
        return self._compute(self._compact(self._read(X)), partial(self._descriptors, average="off"))

    def _of_one(self, atoms, descriptor):
        features = super()._of_one(atoms, descriptor)
        summed = self.average == "sum" and descriptor.average != "off"
        return features * len(atoms) if summed else features

    def _descriptors(self, periodic, average=None):
        return require("dscribe.descriptors").SOAP(
            r_cut=self.r_cut,
            n_max=self.n_max,
            l_max=self.l_max,
            sigma=self.sigma,
            average=average or ("outer" if self.average == "sum" else self.average),
            species=self._numbers,
            periodic=periodic,
        )

    def _names(self):
        radial = range(1, self.n_max + 1)
        # Of one element with itself, n and n' can change places.
        same, different = list(combinations_with_replacement(radial, 2)), list(product(radial, radial))
        return [
            f"SOAP {a}-{b} n={n} n'={m} l={degree}"
            for a, b in combinations_with_replacement(self.elements_, 2)
            for degree in range(self.l_max + 1)
            for n, m in (same if a == b else different)
        ]


class CoulombMatrixFeaturizer(DscribeFeaturizer):
    """Coulomb matrix of molecules and clusters.

    Its entries are the repulsion of each two nuclei, :math:`Z_i Z_j / R_{ij}` (R in Å), and
    :math:`Z_i^{2.4} / 2` on the diagonal [1]_, as computed by dscribe [2]_; zeros fill it up to the size of
    the largest structure.

    Parameters
    ----------
    permutation : {"sorted_l2", "eigenspectrum"}, default="sorted_l2"
        What makes the features independent of the order of the atoms: rows and columns sorted by norm, or
        eigenvalues in place of the matrix, sorted by magnitude. The first jumps where two norms are equal,
        and in symmetric molecules, where many are, still depends on the order.
    n_atoms_max : int or None, default=None
        Number of atoms of the largest structure that can be transformed. None: of the largest in ``fit``.
    n_jobs : int or None, default=None
        Number of joblib jobs. None: 1, or that of the enclosing ``joblib.parallel_config``.

    Attributes
    ----------
    n_atoms_max_ : int
    elements_ : ndarray of str
        Symbols of the elements that occur in ``fit``, in order of atomic number.
    n_features_in_ : int
        1: the column of structures.

    Raises
    ------
    TypeError, ValueError
        For X that is no sequence of structures, see :func:`~skxfer.structures.read_structures`; an element
        that did not occur in ``fit``; a structure that is periodic, or has more atoms than `n_atoms_max_`
        (all naming the structure).
    ImportError
        dscribe is not installed.

    See Also
    --------
    MBTRFeaturizer : Distances by element, of a length that does not depend on the size of structures.

    References
    ----------
    .. [1] Rupp, M. et al., Phys. Rev. Lett. 2012, 108, 058301, doi:10.1103/PhysRevLett.108.058301.
    .. [2] Himanen, L. et al., Comput. Phys. Commun. 2020, 247, 106949, doi:10.1016/j.cpc.2019.106949.

    Examples
    --------
    >>> from skxfer.featurizers import CoulombMatrixFeaturizer
    >>> water = ([8, 1, 1], [[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.59]])
    >>> CoulombMatrixFeaturizer("eigenspectrum").fit_transform([water]).round(2)  # doctest: +SKIP
    array([[75.38, -0.71, -0.16]])
    """

    _parameter_constraints: dict = {
        **DscribeFeaturizer._parameter_constraints,
        "permutation": [StrOptions({"sorted_l2", "eigenspectrum"})],
        "n_atoms_max": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, permutation="sorted_l2", *, n_atoms_max=None, n_jobs=None):
        self.permutation = permutation
        self.n_atoms_max = n_atoms_max
        self.n_jobs = n_jobs

    def _learn(self, structures):
        largest = int(structures.n_atoms.max())
        self.n_atoms_max_ = largest if self.n_atoms_max is None else self.n_atoms_max
        self._check(structures)

    def _read(self, X):
        structures = super()._read(X)
        self._check(structures)
        return structures

    def _check(self, structures):
        large = np.flatnonzero(structures.n_atoms > self.n_atoms_max_)
        if large.size:
            raise ValueError(
                f"Structure {large[0]} has {structures.n_atoms[large[0]]} atoms, and the matrix is of "
                f"{self.n_atoms_max_}: fit with n_atoms_max={structures.n_atoms.max()}."
            )
        periodic = np.flatnonzero(structures.pbc.any(axis=1))
        if periodic.size:
            raise ValueError(
                f"Structure {periodic[0]} is periodic, and Coulomb matrices are of molecules: set its pbc to "
                "False if it is one, or use SOAPFeaturizer or MBTRFeaturizer."
            )

    def _compact(self, structures):
        return structures

    def _descriptors(self, periodic):
        return require("dscribe.descriptors").CoulombMatrix(self.n_atoms_max_, permutation=self.permutation)

    def _names(self):
        places = range(1, self.n_atoms_max_ + 1)
        if self.permutation == "eigenspectrum":
            return [f"Coulomb eigenvalue {place}" for place in places]
        return [f"Coulomb {row},{column}" for row in places for column in places]


def _atoms(structures, row):
    """One of the structures as ase.Atoms, with a cell of three vectors if it is periodic."""
    place = slice(structures.first[row], structures.first[row + 1])
    return require("ase").Atoms(
        structures.numbers[place],
        structures.positions[place],
        cell=require("ase.geometry").complete_cell(structures.cell[row]),
        pbc=structures.pbc[row],
    )
