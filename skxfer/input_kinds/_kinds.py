"""The registry of input kinds: how each is recognised, when values are the same, whether they can be read."""

import importlib
import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..formulas import ELEMENTS, composition_groups, parse_formulas

STRUCTURE_SUFFIXES = (
    *(".cif", ".xyz", ".extxyz", ".vasp", ".poscar", ".contcar"),
    *(".pdb", ".mol", ".sdf", ".traj"),
)

_SMILES_NAME = re.compile(r".*smi(les)?\b.*|.*smiles.*", re.IGNORECASE)
_FORMULA_NAME = re.compile(
    r".*(formula|composition|compound|material|alloy|element|metal|dopant|cation|anion|ion)s?\b.*",
    re.IGNORECASE,
)
# What only SMILES have: bonds, brackets, aromatic atoms.
_SMILES_ONLY = re.compile(r"[=#@\\/]|\[[^\]]*[A-Za-z][^\]]*\]|[cnops]\d|(?<![A-Z])[cnos](?![a-z])")


@dataclass(frozen=True)
class InputKind:
    """A kind of input.

    Attributes
    ----------
    plural : str
        For messages.
    recognise : callable or None
        Called with the values of a column of text that are present and differ, its name and a folder; returns
        why they are of this kind, or None.
    keys : callable
        Turns values into keys that are equal where the values mean the same.
    readable : callable
        Called with a value and a folder; whether the value can be read.
    transformer : str
        Where the class of its default transformer is found, "module:name"; empty for numbers.
    """

    plural: str
    recognise: Callable | None
    keys: Callable
    readable: Callable = lambda value, folder: True
    transformer: str = ""

    def make_transformer(self):
        """Return an unfitted default transformer."""
        module, name = self.transformer.split(":")
        return getattr(importlib.import_module(module), name)()


# how each kind is recognised --------------------------------------------------------------------------


def _structure(values, name, folder):
    if not named_like_structures(values) or not any(Path(folder, path).exists() for path in values[:20]):
        return None
    return f"names of structure files, such as {values[0]}"


def named_like_structures(values):
    """Whether nearly all values look like names of structure files."""
    return np.mean([v.lower().endswith(STRUCTURE_SUFFIXES) or _is_vasp(v) for v in values]) >= 0.9


def _is_vasp(path):
    return re.match(r"(poscar|contcar)", os.path.basename(path), re.IGNORECASE) is not None


def _smiles(values, name, folder):
    texts = [str(value).strip() for value in values]
    if all(text.startswith("InChI=") for text in texts):
        return "InChI of molecules"
    hinted = _SMILES_NAME.fullmatch(name) is not None
    share = np.mean([_is_smiles(text) for text in texts])
    typical = any(_SMILES_ONLY.search(text) or re.search(r"([CNO])\1", text) for text in texts)
    if hinted and share >= 0.5:
        return "SMILES, by the name of the column"
    return f"SMILES of molecules, such as {short(texts[0])}" if typical and _enough(share, texts) else None


def _enough(share, texts):
    """Whether so many values are of a kind that the others are taken for mistakes, which are told later."""
    return share == 1 or (share >= 0.97 and len(texts) > 30)


def _is_smiles(text):
    """Whether a text is a molecule; without RDKit, whether it looks like one."""
    if not re.fullmatch(r"[A-Za-z0-9@+\-\[\]()=#$:.%\\/*~{}]+", text):
        return False
    if importlib.util.find_spec("rdkit") is None:
        return re.match(r"[BCNOPSFIbcnops*\[(]", text) is not None and _SMILES_ONLY.search(text) is not None
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(text) is not None


def _formula(values, name, folder):
    texts = [str(value).strip() for value in values]
    parsed = [elements_of(text) for text in texts]
    share = np.mean([found is not None for found in parsed])
    hinted = _FORMULA_NAME.fullmatch(name) is not None
    if not (_enough(share, texts) or (hinted and share >= 0.9)):
        return None
    compounds = any(
        found is not None and (found > 1 or re.search(r"\d", text))
        for found, text in zip(parsed, texts, strict=True)
    )
    symbols = sum(text in ELEMENTS and len(text) == 2 for text in texts)
    if compounds or (symbols and (hinted or len(texts) > 2)) or (hinted and len(texts) > 1):
        return f"chemical formulas, such as {texts[0]}"
    return None


def elements_of(text):
    """Return the number of elements of a formula, or None if it cannot be read."""
    try:
        return parse_formulas([text]).nnz
    except (TypeError, ValueError):
        return None


# when two values mean the same ------------------------------------------------------------------------


def _number_keys(values):
    values = np.asarray(values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 9 - np.ceil(np.log10(np.abs(values)))
    digits = np.where(np.isfinite(digits), digits, 0).clip(-300, 300)
    return np.where(np.isfinite(values), np.round(values * 10.0**digits) / 10.0**digits, values)


def category_keys(values):
    """Return categories without what may differ by accident: case, and spaces at the ends and in between."""
    return [" ".join(str(value).casefold().split()) for value in values]


def _formula_keys(values):
    readable = np.array([_is_formula(value) for value in values])
    keys = np.array([str(value) for value in values], dtype=object)
    if readable.any():
        keys[readable] = composition_groups([v for v, good in zip(values, readable, strict=True) if good])
    return keys


def _smiles_keys(values):
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        found = [
            (Chem.MolFromInchi if str(v).startswith("InChI=") else Chem.MolFromSmiles)(str(v)) for v in values
        ]
    return [str(v) if m is None else Chem.MolToSmiles(m) for v, m in zip(values, found, strict=True)]


def _structure_keys(values):
    return [os.path.normpath(str(value)) for value in values]


# whether a value can be read ---------------------------------------------------------------------------


def _is_there(value, folder="."):
    return not isinstance(value, str) or Path(folder, value.strip()).exists()


def _is_molecule(value, folder="."):
    return str(value).startswith("InChI=") or _is_smiles(str(value).strip())


def _is_formula(value, folder="."):
    return not isinstance(value, str) or elements_of(value) is not None


KINDS = {
    "number": InputKind("numbers", None, _number_keys),
    "spectrum": InputKind("spectra", None, _number_keys),
    "structure": InputKind(
        "structures", _structure, _structure_keys, _is_there, "skxfer.featurizers:ClusterFeaturizer"
    ),
    "smiles": InputKind(
        "SMILES", _smiles, _smiles_keys, _is_molecule, "skxfer.featurizers:FingerprintFeaturizer"
    ),
    "formula": InputKind(
        "formulas", _formula, _formula_keys, _is_formula, "skxfer.featurizers:CompositionFeaturizer"
    ),
    "category": InputKind(
        "categories", None, category_keys, transformer="sklearn.preprocessing:OneHotEncoder"
    ),
}
OBJECTS = ("structure", "smiles", "formula")


def keys_of(kind, values):
    """Return keys that are equal where values of a kind mean the same; missing values are equal.

    Parameters
    ----------
    kind : str
        Key of ``KINDS``.
    values : Series or sequence

    Returns
    -------
    ndarray of int, shape (n_values,)
    """
    values = pd.Series(values).reset_index(drop=True)
    present = values.notna().to_numpy()
    keys = np.full(len(values), -1)
    if present.any():
        distinct, inverse = np.unique(
            values[present].astype(str if kind not in ("number", "spectrum") else float), return_inverse=True
        )
        keys[present] = pd.factorize(np.asarray(KINDS[kind].keys(distinct)))[0][inverse]
    return keys


def unreadable(kind, values, folder="."):
    """Return whether each value is one that its kind cannot read; missing ones are not.

    Parameters
    ----------
    kind : str
        Key of ``KINDS``.
    values : Series
    folder : path-like, default="."

    Returns
    -------
    ndarray of bool, shape (n_values,)
    """
    known = {}
    for value in values.dropna():
        if isinstance(value, str) and value not in known:
            known[value] = not KINDS[kind].readable(value, folder)
    return np.array([isinstance(value, str) and known.get(value, False) for value in values], dtype=bool)


def short(text):
    """Cut a long text for a message."""
    text = str(text)
    return text if len(text) <= 24 else text[:23] + "…"
