"""Molecules by SMILES as fingerprints and descriptors of RDKit."""

from numbers import Integral

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_even_slices
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from .._remember import computed_once
from ._conformers import odd_text
from ._smiles import _read_smiles

# Values that RDKit gives beyond this are overflows.
LARGEST = 1e30
# Ipc grows exponentially with the size of the molecule; AvgIpc says the same.
LEFT_OUT = ("Ipc",)
HASHED = ("ecfp", "fcfp", "atom_pairs", "torsions")
KINDS = (*HASHED, "maccs", "descriptors")
FEWEST_PER_JOB = 200


class FingerprintFeaturizer(TransformerMixin, BaseEstimator):
    """Turn SMILES into fingerprints and descriptors.

    The usual features of molecules for any learner: RDKit's descriptors such as logP, polar surface area and
    numbers of rings, counts of the surroundings of atoms [1]_, and structural keys.

    Parameters
    ----------
    kinds : str or sequence of str, default="descriptors"
        What to compute, in this order. On a few hundred molecules the descriptors alone serve most learners
        best; hashed fingerprints are many columns with little in each, which nearest neighbours and kernels
        suffer from.

        ==================  ==================================================================================
        kind                features
        ==================  ==================================================================================
        ``"ecfp"``          surroundings of each atom up to `radius` bonds (Morgan fingerprint)
        ``"fcfp"``          the same, of atoms by their role: donor, acceptor, aromatic, halogen, acid, base
        ``"atom_pairs"``    pairs of atoms and the number of bonds between them
        ``"torsions"``      chains of four atoms
        ``"maccs"``         166 structural keys, 0 or 1
        ``"descriptors"``   about 215 numbers: size, charge, polarity, rings, functional groups
        ==================  ==================================================================================
    radius : int, default=2
        Radius of ``"ecfp"`` and ``"fcfp"`` in bonds. 2 makes what is called ECFP4.
    n_bits : int, default=1024
        Number of features of each hashed kind, the first four. More bits mean fewer collisions.
    counts : bool, default=True
        Count how often each surrounding occurs. False: 1 if it does, else 0.
    impute_nan : bool, default=True
        Replace descriptors that RDKit cannot compute for a molecule (partial charges of metals and of
        polymers) by their median in ``fit``. If False they are NaN.
    n_jobs : int or None, default=None
        Number of parallel processes, through joblib.

    Attributes
    ----------
    descriptor_names_ : list of str
        Descriptors of the RDKit that was installed in ``fit``; empty unless they are in `kinds`.
    medians_ : ndarray of shape (n_descriptors,)
    n_features_in_ : int
        1: the column of SMILES.

    Raises
    ------
    TypeError, ValueError
        X is not a sequence of SMILES, or one cannot be read (naming the row).
    ImportError
        RDKit is not installed.

    See Also
    --------
    SmilesToAtoms : Structures in three dimensions, for descriptors of structures.

    Notes
    -----
    InChI is read as well. Repeat units of polymers keep their attachment points ``*`` as atoms of their own
    kind. Salts and mixtures count as one molecule. Stereochemistry is not seen.

    References
    ----------
    .. [1] Rogers, D.; Hahn, M. J. Chem. Inf. Model. 2010, 50, 742, doi:10.1021/ci100050t.

    Examples
    --------
    >>> from skxfer.featurizers import FingerprintFeaturizer
    >>> featurizer = FingerprintFeaturizer().set_output(transform="pandas")
    >>> features = featurizer.fit_transform(["CCO", "c1ccccc1"])
    >>> features[["MolWt", "NumHDonors", "RingCount"]].round(2)
       MolWt  NumHDonors  RingCount
    0  46.07         1.0        0.0
    1  78.11         0.0        1.0
    """

    _parameter_constraints: dict = {
        "kinds": ["array-like", str],
        "radius": [Interval(Integral, 0, None, closed="left")],
        "n_bits": [Interval(Integral, 16, None, closed="left")],
        "counts": ["boolean"],
        "impute_nan": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        kinds="descriptors",
        *,
        radius=2,
        n_bits=1024,
        counts=True,
        impute_nan=True,
        n_jobs=None,
    ):
        self.kinds = kinds
        self.radius = radius
        self.n_bits = n_bits
        self.counts = counts
        self.impute_nan = impute_nan
        self.n_jobs = n_jobs

    def __sklearn_tags__(self):
        """Text in one column in, and numbers out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X, y=None):
        """Learn the medians of the descriptors.

        Parameters
        ----------
        X : sequence of length n_samples
            SMILES as str: a list, a tuple, a Series, an array of shape (n_samples,) or (n_samples, 1), or a
            DataFrame of one column.
        y : None

        Returns
        -------
        self : FingerprintFeaturizer
        """
        self._learn(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and compute the features of the same molecules.

        Parameters
        ----------
        X : sequence of length n_samples
        y : None

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        return self._imputed(self._learn(X))

    def transform(self, X):
        """Compute the features.

        Parameters
        ----------
        X : sequence of length n_samples

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
        """
        check_is_fitted(self)
        return self._imputed(self._compute(_read_smiles(X)))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, such as ``ecfp 17`` and ``MolLogP``.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        names = []
        for kind in self._kinds():
            if kind == "descriptors":
                names += self.descriptor_names_
            else:
                start, stop = (1, 167) if kind == "maccs" else (0, self.n_bits)
                names += [f"{kind} {bit}" for bit in range(start, stop)]
        return np.array(names, dtype=object)

    def _kinds(self):
        return [self.kinds] if isinstance(self.kinds, str) else list(self.kinds)

    def _learn(self, X):
        """Check parameters and molecules, learn the medians, and return the features."""
        self._validate_params()
        kinds = self._kinds()
        if not kinds or not set(kinds) <= set(KINDS) or len(set(kinds)) < len(kinds):
            raise ValueError(f"kinds={self.kinds!r} must be different names out of {', '.join(KINDS)}.")
        smiles = _read_smiles(X)
        require("rdkit")
        self.descriptor_names_ = _descriptor_names() if "descriptors" in kinds else []
        features = self._compute(smiles)
        descriptors = features[:, self._places_of_descriptors()]
        known = np.isfinite(descriptors).any(axis=0)
        self.medians_ = np.zeros(descriptors.shape[1])
        self.medians_[known] = np.nanmedian(descriptors[:, known], axis=0)
        self.n_features_in_ = 1
        return features

    def _compute(self, smiles):
        """Features of molecules, NaN for descriptors that cannot be computed."""
        options = (tuple(self._kinds()), self.radius, self.n_bits, self.counts, tuple(self.descriptor_names_))

        def compute(rows):
            # Processes cost seconds to start: a few molecules are described at once.
            n_jobs = min(effective_n_jobs(self.n_jobs), 1 + len(rows) // FEWEST_PER_JOB)
            n_parts = min(len(rows), 4 * n_jobs if n_jobs > 1 else 1)
            parts = Parallel(n_jobs=n_jobs)(
                delayed(_features)([smiles[row] for row in rows[part]], rows[part], *options)
                for part in gen_even_slices(len(rows), n_parts)
            )
            return np.concatenate(parts)

        return np.array(computed_once((type(self).__name__, *options), smiles, compute))

    def _places_of_descriptors(self):
        kinds = self._kinds()
        sizes = {"maccs": 166, "descriptors": len(self.descriptor_names_)}
        start = 0
        for kind in kinds:
            size = sizes.get(kind, self.n_bits)
            if kind == "descriptors":
                return slice(start, start + size)
            start += size
        return slice(0, 0)

    def _imputed(self, features):
        if self.impute_nan:
            part = features[:, self._places_of_descriptors()]
            row, column = np.nonzero(np.isnan(part))
            part[row, column] = self.medians_[column]
        return features


def _descriptor_names():
    return [name for name, _ in require("rdkit.Chem.Descriptors").descList if name not in LEFT_OUT]


def _features(smiles, rows, kinds, radius, n_bits, counts, names):
    """Features of some molecules, ndarray of shape (n_molecules, n_features)."""
    compute = [_computation(kind, radius, n_bits, counts, names) for kind in kinds]
    found = []
    with require("rdkit.rdBase").BlockLogs():
        for row, one in zip(rows, smiles, strict=True):
            molecule = _molecule(one, row)
            found.append(np.concatenate([of(molecule) for of in compute]))
    return np.array(found, dtype=np.float64)


def _molecule(text, row):
    Chem = require("rdkit.Chem")
    what = "InChI" if text.startswith("InChI=") else "SMILES"
    odd = odd_text(text)
    molecule = None if odd else (Chem.MolFromInchi if what == "InChI" else Chem.MolFromSmiles)(text)
    if molecule is None or not molecule.GetNumAtoms():
        reason = odd or "it holds no atoms"
        if molecule is None and not odd:
            problems = Chem.MolFromSmiles(text, sanitize=False) if what == "SMILES" else None
            found = Chem.DetectChemistryProblems(problems) if problems is not None else ()
            reason = found[0].Message().strip() if found else "RDKit cannot read it"
        raise ValueError(f"Row {row}, {what} {text!r:.200}: {reason}. Correct or drop this row.")
    return molecule


def _computation(kind, radius, n_bits, counts, names):
    """Return the function that turns a molecule into features of one kind."""
    if kind == "descriptors":
        return _descriptors(names)
    if kind == "maccs":
        keys = require("rdkit.Chem.MACCSkeys").GenMACCSKeys
        return lambda molecule: np.array(keys(molecule))[1:]  # the first is not used
    make = require("rdkit.Chem.rdFingerprintGenerator")
    generator = {
        "ecfp": lambda: make.GetMorganGenerator(radius=radius, fpSize=n_bits),
        "fcfp": lambda: make.GetMorganGenerator(
            radius=radius, fpSize=n_bits, atomInvariantsGenerator=make.GetMorganFeatureAtomInvGen()
        ),
        "atom_pairs": lambda: make.GetAtomPairGenerator(fpSize=n_bits),
        "torsions": lambda: make.GetTopologicalTorsionGenerator(fpSize=n_bits),
    }[kind]()
    return generator.GetCountFingerprintAsNumPy if counts else generator.GetFingerprintAsNumPy


def _descriptors(names):
    known = dict(require("rdkit.Chem.Descriptors").descList)
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"The installed RDKit has no descriptor {missing[0]!r}, unlike the one that this featurizer was "
            "fitted with. Fit it again, or install that version."
        )

    def compute(molecule):
        values = np.array([_value(known[name], molecule) for name in names], dtype=float)
        values[~(np.abs(values) < LARGEST)] = np.nan
        return values

    return compute


def _value(function, molecule):
    try:
        return function(molecule)
    except (ValueError, RuntimeError, ZeroDivisionError, OverflowError):
        return np.nan  # a descriptor that this molecule does not have
