"""Descriptors of molecules and formulas for the benchmarks, computed once and kept in benchmarks/cache."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Memory
from rdkit import Chem, RDLogger
from rdkit.Chem import Descriptors, rdFingerprintGenerator

from skxfer import CompositionFeaturizer

MEMORY = Memory(Path(__file__).parent / "cache", verbose=0)


def parse(smiles):
    RDLogger.DisableLog("rdApp.*")
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    unreadable = [text for text, molecule in zip(smiles, molecules, strict=True) if molecule is None]
    if unreadable:
        raise ValueError(f"RDKit cannot read these SMILES: {unreadable}")
    return molecules


def readable(smiles):
    """Whether RDKit can read each SMILES."""
    RDLogger.DisableLog("rdApp.*")
    return np.array([Chem.MolFromSmiles(text) is not None for text in smiles])


def fingerprints(smiles, size):
    """Counts of Morgan fragments of radius 2, (n_molecules, size); at most 10 each."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=size)
    counts = [generator.GetCountFingerprintAsNumPy(molecule) for molecule in parse(smiles)]
    return np.minimum(np.array(counts, dtype=np.float64), 10)


@cache
def _one_fingerprint(smiles, size):
    return fingerprints([smiles], size)[0]


def fingerprint_columns(table, size=128):
    """Fingerprints of every SMILES column of a table, side by side, for a FunctionTransformer."""
    columns = np.asarray(table, dtype=object).T
    return np.hstack([np.array([_one_fingerprint(text, size) for text in column]) for column in columns])


@MEMORY.cache
def _unique_molecules(smiles, size):
    rows = [Descriptors.CalcMolDescriptors(molecule, missingVal=np.nan) for molecule in parse(smiles)]
    # Ipc grows exponentially with the molecule; AvgIpc says the same on a scale of its own.
    descriptors = pd.DataFrame(rows, dtype=np.float64).drop(columns="Ipc")
    descriptors = descriptors.replace([np.inf, -np.inf], np.nan).fillna(0.0)
    counts = pd.DataFrame(fingerprints(smiles, size), columns=[f"fragment {k}" for k in range(size)])
    return pd.concat([descriptors, counts], axis=1)


def molecule_table(smiles, size=256):
    """RDKit's descriptors (missing ones 0) and fingerprints of molecules, one row each."""
    unique, place = np.unique(np.asarray(smiles, dtype=str), return_inverse=True)
    return _unique_molecules(unique.tolist(), size).iloc[place].reset_index(drop=True)


@MEMORY.cache
def formula_table(formulas):
    """Magpie's statistics of formulas, one row each; `formulas` is a list."""
    featurizer = CompositionFeaturizer("magpie").set_output(transform="pandas")
    return featurizer.fit_transform(formulas).reset_index(drop=True)
