"""Which elements the cells of a column hold: of formulas, molecules and structures."""

from pathlib import Path

import pandas as pd

from ...formulas import ELEMENTS, parse_formulas
from ...structures import read_structures


def elements_of_cells(kind, column, folder="."):
    """Return the elements of each cell.

    Parameters
    ----------
    kind : {"formula", "smiles", "structure"}
    column : Series
        Missing cells have none, and neither have those that cannot be read.
    folder : path-like, default="."
        Where the paths of structures start.

    Returns
    -------
    list of set of str
    """
    find = {"formula": _of_formula, "smiles": _of_molecule, "structure": _of_structure}[kind]
    known, found = {}, []
    for cell in column:
        if cell is None or (isinstance(cell, float) and pd.isna(cell)):
            found.append(set())
            continue
        key = cell if isinstance(cell, str) else id(cell)
        if key not in known:
            known[key] = find(cell, folder)
        found.append(known[key])
    return found


def _of_formula(formula, folder):
    try:
        return {ELEMENTS[i] for i in parse_formulas([formula]).indices}
    except (TypeError, ValueError):
        return set()


def _of_molecule(smiles, folder):
    from rdkit import Chem, rdBase

    text = str(smiles).strip()
    with rdBase.BlockLogs():
        read = Chem.MolFromInchi if text.startswith("InChI=") else Chem.MolFromSmiles
        molecule = read(text)
    return set() if molecule is None else {atom.GetSymbol() for atom in molecule.GetAtoms()}


def _of_structure(structure, folder):
    given = str(Path(folder, structure.strip())) if isinstance(structure, str) else structure
    try:
        numbers = read_structures([given]).numbers
    except (TypeError, ValueError, OSError):
        return set()
    return {ELEMENTS[number - 1] for number in set(numbers.tolist())}
