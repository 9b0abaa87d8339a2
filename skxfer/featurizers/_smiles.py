"""From SMILES to structures: conformers by RDKit, as the first step of a pipeline on molecules."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_even_slices
from sklearn.utils._param_validation import Interval, StrOptions

from .._optional import require
from ..inputs import as_object_array

# Failures that an error or a warning lists.
SHOWN = 5
MAX_STEPS = 2000


class SmilesToAtoms(TransformerMixin, BaseEstimator):
    """Three-dimensional structures of molecules from their SMILES.

    Each molecule gets its hydrogen atoms and `n_conformers` conformers by distance geometry (ETKDGv3 [1]_),
    optimised with a force field; the one of lowest energy is kept. What comes out is a sequence of
    :class:`ase.Atoms`, which every descriptor and model of structures here takes: put this first in a
    pipeline.

    Parameters
    ----------
    n_conformers : int, default=10
        Conformers that are tried. More find a lower energy in flexible molecules, and take longer in
        proportion.
    optimize : bool, default=True
        Optimise the conformers with MMFF94 [2]_, or with UFF where MMFF94 lacks parameters (boron, metals,
        H2, O2). False: as embedded; which is the lowest is still by the force field.
    cap : {"H"} or None, default=None
        What takes the place of the attachment points ``*`` of a polymer's repeat unit. None: molecules with
        such are refused.
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
        attachment points; molecules that cannot be embedded, or are unknown to both force fields (naming
        row, SMILES and reason). With ``on_error="none"`` a UserWarning.
    ImportError
        RDKit or ASE is not installed (extra ``smiles``).

    See Also
    --------
    SOAPFeaturizer, MBTRFeaturizer : Numbers from these structures.

    Notes
    -----
    The same molecule gives the same structure however its SMILES is written, so atoms are in RDKit's
    canonical order. Stereocentres that the SMILES leaves open get one of their configurations.
    Structures depend on the version of RDKit.

    ``atoms.info`` holds ``smiles``, as given; ``force_field``, "MMFF94", "UFF" or None if none was needed;
    and ``charge`` where there is one. Isotopes become ordinary atoms.

    Geometries of a force field are not those of DFT: bonds differ by some .01 Å. Train on what you will
    predict from.

    References
    ----------
    .. [1] Wang, S. et al., J. Chem. Inf. Model. 2020, 60, 2044, doi:10.1021/acs.jcim.0c00025.
    .. [2] Halgren, T. A., J. Comput. Chem. 1996, 17, 490,
       doi:10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P.

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
        "cap": [StrOptions({"H"}), None],
        "on_error": [StrOptions({"raise", "none"})],
        "random_state": [Interval(Integral, 0, 2**31 - 1, closed="left")],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, *, n_conformers=10, optimize=True, cap=None, on_error="raise", random_state=0, n_jobs=None
    ):
        self.n_conformers = n_conformers
        self.optimize = optimize
        self.cap = cap
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
        n_jobs = effective_n_jobs(self.n_jobs)
        n_parts = min(len(smiles), 4 * n_jobs if n_jobs > 1 else 1)
        options = (self.n_conformers, self.optimize, self.cap, int(self.random_state))
        parts = Parallel(n_jobs=self.n_jobs)(
            delayed(_convert)(smiles[part], *options) for part in gen_even_slices(len(smiles), n_parts)
        )
        results = [result for part in parts for result in part]
        failures = {row: result for row, result in enumerate(results) if isinstance(result, str)}
        if failures:
            self._report(failures, smiles)
        return as_object_array([None if isinstance(result, str) else result for result in results])

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
        reasons = "; ".join(f"row {row} ({smiles[row]!r}): {failures[row]}" for row in rows[:SHOWN])
        more = f"; and rows {rows[SHOWN:]}" if len(rows) > SHOWN else ""
        message = f"{len(rows)} of {len(smiles)} SMILES have no structure: {reasons}{more}."
        if self.on_error == "raise":
            raise ValueError(f"{message} Correct or drop them; on_error='none' puts None in their places.")
        warnings.warn(f"{message} There is None in their places.", stacklevel=4)


class _NoStructureError(Exception):
    """Why there is none, in words."""


def _read_smiles(X):
    """SMILES of any container in a list."""
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
            raise TypeError(f"Row {row} holds {one!r:.60}, of type {type(one).__name__}, not a SMILES (str).")
    return [str(one) for one in smiles]


def _convert(smiles, *options):
    """Atoms of each SMILES, or a str that says why there are none."""
    block_logs = require("rdkit.rdBase").BlockLogs
    found = []
    # RDKit prints on stderr what the errors here say.
    with block_logs():
        for one in smiles:
            try:
                found.append(_atoms(one, *options))
            except _NoStructureError as reason:
                found.append(str(reason))
    return found


def _atoms(smiles, n_conformers, optimize, cap, seed):
    Chem = require("rdkit.Chem")
    molecule = _parse(smiles, cap, Chem)
    molecule = Chem.AddHs(molecule)
    conformers = _embed(molecule, n_conformers, seed)
    force_field = None
    if molecule.GetNumAtoms() > 1 and (optimize or len(conformers) > 1):
        force_field, energies = _energies(molecule, optimize)
        conformers = [conformers[int(np.argmin(energies))]]
    charge = Chem.GetFormalCharge(molecule)
    info = {"smiles": smiles, "force_field": force_field} | ({"charge": charge} if charge else {})
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    positions = molecule.GetConformer(conformers[0]).GetPositions()
    return require("ase").Atoms(numbers=numbers, positions=positions, info=info)


def _parse(smiles, cap, Chem):
    """Molecule of a SMILES, its atoms in an order that does not depend on how it is written."""
    if len(smiles.split()) > 1:
        raise _NoStructureError("there is more text after a space")
    molecule = Chem.MolFromSmiles(smiles, sanitize=False)
    if molecule is None:
        raise _NoStructureError("this is no SMILES")
    if not molecule.GetNumAtoms():
        raise _NoStructureError("it holds no atoms")
    try:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            Chem.SanitizeMol(Chem.MolFromSmiles(smiles, sanitize=False))
            raise _NoStructureError("RDKit refuses it")
        molecule = _capped(molecule, cap, Chem)
        molecule = Chem.MolFromSmiles(Chem.MolToSmiles(molecule))
    except Chem.MolSanitizeException as error:
        raise _NoStructureError(str(error)) from None
    if molecule is None:
        raise _NoStructureError("RDKit cannot read its canonical SMILES")
    n_parts = len(Chem.GetMolFrags(molecule))
    if n_parts > 1:
        raise _NoStructureError(f"it holds {n_parts} molecules, and where they are to each other is unknown")
    return molecule


def _capped(molecule, cap, Chem):
    """Put hydrogen in the places of attachment points."""
    ends = [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0]
    if not ends:
        return molecule
    if cap is None:
        raise _NoStructureError(f"it has {len(ends)} attachment points (*), which cap='H' would replace")
    molecule = Chem.RWMol(molecule)
    for end in ends:
        atom = molecule.GetAtomWithIdx(end)
        bonds = [str(bond.GetBondType()) for bond in atom.GetBonds()]
        if bonds != ["SINGLE"] or atom.GetNeighbors()[0].GetAtomicNum() < 2 or atom.GetFormalCharge():
            raise _NoStructureError(
                "an attachment point (*) is charged or not at the end of a single bond: hydrogen cannot "
                "replace it"
            )
        atom.SetAtomicNum(1)
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    Chem.SanitizeMol(molecule)
    return Chem.RemoveHs(molecule)


def _embed(molecule, n_conformers, seed):
    """Ids of conformers."""
    AllChem = require("rdkit.Chem.AllChem")
    options = AllChem.ETKDGv3()
    # RDKit seeds conformer k with (k + 1) times this number: with 0 all would be the same, and with small
    # ones two seeds would share many.
    options.randomSeed = int(np.random.RandomState(seed).randint(1, 2**24))
    # Flat rings and linear triple bonds, which are the knowledge, do not fit small cages.
    for knowledge, random_coordinates in ((True, False), (False, False), (False, True)):
        options.useBasicKnowledge, options.useRandomCoords = knowledge, random_coordinates
        conformers = list(AllChem.EmbedMultipleConfs(molecule, n_conformers, options))
        if conformers:
            return conformers
    raise _NoStructureError("RDKit finds no conformer: is its stereochemistry possible?")


def _energies(molecule, optimize):
    """Force field, and the energies of all conformers, which are optimised if asked for."""
    AllChem = require("rdkit.Chem.AllChem")
    steps = MAX_STEPS if optimize else 0
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        name, results = "MMFF94", AllChem.MMFFOptimizeMoleculeConfs(molecule, maxIters=steps)
    elif AllChem.UFFHasAllMoleculeParams(molecule):
        name, results = "UFF", AllChem.UFFOptimizeMoleculeConfs(molecule, maxIters=steps)
    else:
        raise _NoStructureError(
            "neither MMFF94 nor UFF has parameters for it; optimize=False and n_conformers=1 need none"
        )
    return name, [energy for _, energy in results]
