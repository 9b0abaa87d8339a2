"""From SMILES to structures: conformers by RDKit, as the first step of a pipeline on molecules."""

import warnings
from collections.abc import Mapping, Set
from numbers import Integral, Real

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_even_slices
from sklearn.utils._param_validation import Interval, StrOptions

from .._optional import require
from .._real_numbers import check_container
from .._remember import computed_once
from ..inputs import as_object_array
from ._conformers import convert
from ._time_limit import StoppedError, calls

# Failures that an error or a warning lists.
SHOWN = 5
_SOURCES = {
    "MMFF94": "that of MMFF94",
    "UFF": "that of UFF",
    "experiment": "that of the experiment",
    None: "the one as embedded",
}


class SmilesToAtoms(TransformerMixin, BaseEstimator):
    """Three-dimensional structures of molecules from their SMILES.

    Each molecule gets its hydrogen atoms and `n_conformers` conformers by distance geometry (ETKDGv3 [1]_),
    optimised with a force field; the one of lowest energy is kept. Bond lengths are checked, as force fields
    guess some that are wrong by .3 Å. What comes out is a sequence of :class:`ase.Atoms`, which every
    descriptor and model of structures here takes: put this first in a pipeline.

    Parameters
    ----------
    n_conformers : int, default=10
        Conformers that are tried. More find a lower energy in flexible molecules, and take longer in
        proportion.
    optimize : bool, default=True
        Optimise the conformers with MMFF94 [2]_, or with UFF where MMFF94 lacks parameters (boron, metals,
        H2, O2). False: as embedded; which is the lowest is still by the force field.
    fragment : {"largest"} or None, default=None
        Which of several molecules in one SMILES, as in salts, is kept: the one with most heavy atoms (of
        equally many the heaviest), with its charge. None: such SMILES are refused, as it is not known where
        the molecules are relative to each other.
    cap : {"H"} or None, default=None
        What takes the place of the attachment points ``*`` of a polymer's repeat unit. None: molecules with
        such are refused.
    atom_order : {"canonical", "smiles"}, default="canonical"
        Order of the atoms: one that does not depend on how the SMILES is written, or that of the SMILES, with
        hydrogen atoms behind all others. The geometry is the same.
    time_limit : float or None, default=60.0
        Seconds after which a molecule counts as failed, such as cages for which RDKit looks for conformers
        without end. Molecules are made in a process of their own, which can be ended. None: no limit, and no
        such process.
    on_error : {"raise", "none"}, default="raise"
        What to do if there is no structure: raise an error that lists the rows, or warn of them and put None
        in their places. A pipeline needs a structure in every row, so find the bad rows with "none" first.
    random_state : int, default=0
        Seed of the conformers. Each molecule starts from it anew, whichever others there are.
    n_jobs : int or None, default=None
        Number of joblib jobs. None: 1, or that of the enclosing ``joblib.parallel_config``.

    Attributes
    ----------
    n_features_in_ : int
        1: the column of SMILES. Nothing is learned in ``fit``.

    Raises
    ------
    TypeError
        For X that is no sequence of SMILES, or an entry that is no str (naming the row).
    ValueError
        For SMILES that cannot be read, that hold no atoms, several molecules or, with ``cap=None``,
        attachment points; molecules that cannot be embedded, are unknown to both force fields, take too long,
        or have impossible bond lengths in every geometry (naming row, SMILES and reason). With
        ``on_error="none"`` a UserWarning.
    ImportError
        RDKit or ASE is not installed (extra ``molecules``).

    Warns
    -----
    UserWarning
        The geometry of the usual force field is impossible, and that of another, or of the experiment, is
        used (naming the row).

    See Also
    --------
    SOAPFeaturizer, MBTRFeaturizer : Numbers from these structures.

    Notes
    -----
    The same molecule gives the same structure however its SMILES is written. Radicals stay radicals: no
    hydrogen is added where the SMILES has none. Stereocentres that the SMILES leaves open get one of their
    configurations. Structures depend on the version of RDKit.

    ``atoms.info`` holds ``smiles``, as given; ``force_field``, "MMFF94", "UFF", None if none was used, or
    "experiment"; ``charge`` where there is one; and ``removed``, SMILES of the molecules that `fragment` left
    out. Isotopes become ordinary atoms.

    Bonds are compared with radii by bond order [3]_. Where MMFF94 gives a bond that is out of range, as in
    isothiocyanates (C=S of 1.80 Å, where 1.56 Å is right), UFF is used. Small molecules that both get wrong,
    such as CO2, N2 and SO2, have the distances of the experiment.

    Geometries of a force field are not those of DFT: bonds differ by some .01 Å. Train on what you will
    predict from.

    References
    ----------
    .. [1] Wang, S. et al., J. Chem. Inf. Model. 2020, 60, 2044, doi:10.1021/acs.jcim.0c00025.
    .. [2] Halgren, T. A., J. Comput. Chem. 1996, 17, 490,
       doi:10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P.
    .. [3] Pyykkö, P., J. Phys. Chem. A 2015, 119, 2326, doi:10.1021/jp5065819.

    Examples
    --------
    >>> from skxfer.featurizers import SmilesToAtoms
    >>> ethanol, styrene_unit = SmilesToAtoms(cap="H").fit_transform(
    ...     ["CCO", "*CC(*)c1ccccc1"]
    ... )  # doctest: +SKIP
    >>> ethanol.get_chemical_formula(), styrene_unit.get_chemical_formula()  # doctest: +SKIP
    ('C2H6O', 'C8H10')

    In front of a descriptor:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from skxfer.featurizers import SOAPFeaturizer
    >>> model = make_pipeline(SmilesToAtoms(), SOAPFeaturizer(), Ridge())
    """

    _parameter_constraints: dict = {
        "n_conformers": [Interval(Integral, 1, None, closed="left")],
        "optimize": ["boolean"],
        "fragment": [StrOptions({"largest"}), None],
        "cap": [StrOptions({"H"}), None],
        "atom_order": [StrOptions({"canonical", "smiles"})],
        "time_limit": [Interval(Real, 0, None, closed="neither"), None],
        "on_error": [StrOptions({"raise", "none"})],
        "random_state": [Interval(Integral, 0, 2**31 - 1, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        n_conformers=10,
        optimize=True,
        fragment=None,
        cap=None,
        atom_order="canonical",
        time_limit=60.0,
        on_error="raise",
        random_state=0,
        n_jobs=None,
    ):
        self.n_conformers = n_conformers
        self.optimize = optimize
        self.fragment = fragment
        self.cap = cap
        self.atom_order = atom_order
        self.time_limit = time_limit
        self.on_error = on_error
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        """Text in, objects out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags

    def fit(self, X, y=None):
        """Check parameters, and that X is text.

        Parameters
        ----------
        X : sequence of length n_samples
            SMILES as str: a list, a tuple, a Series, an array of shape (n_samples,) or (n_samples, 1), or a
            DataFrame of one column.
        y : None

        Returns
        -------
        self : object
        """
        self._validate_params()
        _read_smiles(X)
        self.n_features_in_ = 1
        return self

    def transform(self, X):
        """Make a structure of each SMILES.

        Parameters
        ----------
        X : sequence of length n_samples
            SMILES.

        Returns
        -------
        ndarray of shape (n_samples,) and dtype object
            Of :class:`ase.Atoms`, not periodic; None in place of those that failed, with
            ``on_error="none"``.
        """
        self._validate_params()
        smiles = _read_smiles(X)
        require("ase")
        require("rdkit")
        options = (self.n_conformers, self.optimize, self.cap, self.fragment, self.atom_order)
        options = (*options, int(self.random_state))

        def convert(rows):
            n_jobs = effective_n_jobs(self.n_jobs)
            n_parts = min(len(rows), 4 * n_jobs if n_jobs > 1 else 1)
            parts = Parallel(n_jobs=self.n_jobs)(
                delayed(_convert)([smiles[row] for row in rows[part]], options, self.time_limit)
                for part in gen_even_slices(len(rows), n_parts)
            )
            return [result for part in parts for result in part]

        results = computed_once((type(self).__name__, *options, self.time_limit), smiles, convert)
        failures = {row: result for row, result in enumerate(results) if isinstance(result, str)}
        if failures:
            self._report(failures, smiles)
        _warn_of_geometries(results, smiles)
        return as_object_array([None if isinstance(result, str) else _atoms(*result) for result in results])

    def get_feature_names_out(self, input_features=None):
        """Return the name of the one column.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        return np.array(["atoms"], dtype=object)

    def _report(self, failures, smiles):
        """Raise an error, or warn, of the rows without a structure."""
        rows = list(failures)
        reasons = "; ".join(f"row {row} ({smiles[row]!r:.80}): {failures[row]}" for row in rows[:SHOWN])
        more = f"; and rows {rows[SHOWN:]}" if len(rows) > SHOWN else ""
        message = f"{len(rows)} of {len(smiles)} SMILES have no structure: {reasons}{more}."
        if self.on_error == "raise":
            raise ValueError(f"{message} Correct or drop them; on_error='none' puts None in their places.")
        warnings.warn(f"{message} There is None in their places.", stacklevel=4)


def _read_smiles(X):
    """SMILES of any container in a list."""
    if isinstance(X, (Mapping, Set)):
        check_container(X, "X")
    if isinstance(X, (str, bytes)) or not hasattr(X, "__len__"):
        raise TypeError(f"X is {X!r:.60}, not a sequence of SMILES: put a single one in a list.")
    if isinstance(X, pd.DataFrame) or getattr(X, "ndim", 1) != 1:
        X = np.asarray(X, dtype=object)
        if X.ndim != 2 or X.shape[1] != 1:
            raise TypeError(f"X is a table of shape {X.shape}: SMILES must be in one column. Select it.")
        X = X.ravel()
    smiles = list(X)
    if not smiles:
        raise ValueError("Found 0 sample(s) in X while a minimum of 1 is required: give SMILES.")
    for row, one in enumerate(smiles):
        if not isinstance(one, str):
            raise TypeError(
                f"Row {row} holds {one!r:.60}, of type {type(one).__name__}, not a SMILES (str). Correct or "
                "drop this row."
            )
    return [str(one) for one in smiles]


def _convert(smiles, options, time_limit):
    """Numbers, positions, info and remark of each SMILES, or a str that says why there is no structure."""
    arguments = [(one, *options) for one in smiles]
    if time_limit is None:
        found = [convert(*each) for each in arguments]
    else:
        found = calls(f"{convert.__module__}:convert", arguments, time_limit, "rdkit.Chem.AllChem")
    found = [(None, None, None, str(one)) if isinstance(one, StoppedError) else one for one in found]
    return [one[3] if one[0] is None else one for one in found]


def _atoms(numbers, positions, info, remark):
    return require("ase").Atoms(numbers=numbers, positions=positions, info=info)


def _warn_of_geometries(results, smiles):
    """Warn once of the rows whose geometry is not that of the usual force field."""
    odd = [row for row, result in enumerate(results) if not isinstance(result, str) and result[3]]
    if not odd:
        return
    shown = []
    for row in odd[:SHOWN]:
        *_, info, remark = results[row]
        shown.append(
            f"row {row} ({smiles[row]!r:.80}): {remark}, replaced by {_SOURCES[info['force_field']]}"
        )
    more = f"; and rows {odd[SHOWN:]}" if len(odd) > SHOWN else ""
    warnings.warn(
        f"The force field gives {len(odd)} of {len(smiles)} molecules an impossible geometry: "
        f"{'; '.join(shown)}{more}.",
        stacklevel=4,
    )
