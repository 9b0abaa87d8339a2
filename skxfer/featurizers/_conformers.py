"""One molecule by RDKit: from a SMILES to the positions of its atoms, or the reason why there are none."""

from collections.abc import Iterator

import numpy as np

from .._optional import require
from ._bond_lengths import is_near, known_geometry, odd_geometry

MAX_STEPS = 2000


class _NoStructureError(Exception):
    """Why there is none, in words."""


def convert(smiles, n_conformers, optimize, cap, fragment, atom_order, seed):
    """Make a structure of a SMILES.

    Parameters
    ----------
    smiles : str
    n_conformers, optimize, cap, fragment, atom_order
        As of :class:`SmilesToAtoms`.
    seed : int

    Returns
    -------
    numbers : list of int, or None where there is no structure
    positions : ndarray of shape (n_atoms, 3), or None
    info : dict, or None
    remark : str or None
        Why there is no structure; or what was odd about the usual force field, if another geometry is used.
    """
    # RDKit prints on stderr what the errors here say.
    with require("rdkit.rdBase").BlockLogs():
        try:
            return _convert(smiles, n_conformers, optimize, cap, fragment, atom_order, seed)
        except _NoStructureError as reason:
            return None, None, None, str(reason)


def _convert(smiles, n_conformers, optimize, cap, fragment, atom_order, seed):
    Chem = require("rdkit.Chem")
    written, removed = _parse(smiles, cap, fragment, Chem)
    canonical, order = _canonical(written, Chem)
    molecule = Chem.AddHs(canonical)
    name, positions, remark = _geometry(molecule, n_conformers, optimize, seed)
    info = {"smiles": smiles, "force_field": name}
    if charge := Chem.GetFormalCharge(molecule):
        info["charge"] = charge
    if removed:
        info["removed"] = removed
    rows = np.arange(molecule.GetNumAtoms())
    if atom_order == "smiles":
        rows = _as_written(molecule, np.argsort(order))
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    return numbers[rows].tolist(), positions[rows], info, remark


def odd_text(smiles):
    """Say why a text is no SMILES that RDKit would read to its end, None if it is.

    Parameters
    ----------
    smiles : str

    Returns
    -------
    str or None
        RDKit leaves out a character beyond ASCII at either end, and what comes after a space.
    """
    text = smiles.strip(" \t\r\n")
    for position, character in enumerate(text):
        if character in " \t\r\n":
            return None if text[position:].lstrip().startswith("|") else "there is more text after a space"
        if not character.isascii() or not character.isprintable():
            return f"the character {character!r} at position {position} has no meaning in a SMILES"
    return None


def _parse(smiles, cap, fragment, Chem):
    """Molecule of a SMILES in the order in which it is written, and the SMILES of what is left out."""
    if (odd := odd_text(smiles)) is not None:
        raise _NoStructureError(odd)
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
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(0)  # a mark of the writer, by which the canonical order would differ
    except Chem.MolSanitizeException as error:
        raise _NoStructureError(str(error)) from None
    parts = Chem.GetMolFrags(molecule, asMols=True)
    if len(parts) == 1:
        return molecule, None
    if fragment is None:
        raise _NoStructureError(
            f"it holds {len(parts)} molecules, whose relative positions are undefined; fragment='largest' "
            "keeps the largest of them"
        )
    masses = require("rdkit.Chem.Descriptors").ExactMolWt
    largest = min(parts, key=lambda part: (-part.GetNumHeavyAtoms(), -masses(part), Chem.MolToSmiles(part)))
    return largest, [Chem.MolToSmiles(part) for part in parts if part is not largest]


def _canonical(molecule, Chem):
    """The molecule with its atoms in an order that does not depend on how it is written, and that order."""
    smiles = Chem.MolToSmiles(molecule)
    order = list(molecule.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    try:
        canonical = Chem.MolFromSmiles(smiles)
    except Chem.MolSanitizeException:
        canonical = None
    if (
        canonical is None
        or canonical.GetNumAtoms() != len(order)
        or _electrons(canonical) != _electrons(molecule)
    ):
        raise _NoStructureError("RDKit cannot read its canonical SMILES")
    return canonical, order


def _electrons(molecule):
    """Hydrogen atoms, charges and unpaired electrons, which must survive."""
    atoms = list(molecule.GetAtoms())
    return (
        sum(atom.GetTotalNumHs() for atom in atoms),
        sum(atom.GetFormalCharge() for atom in atoms),
        sum(atom.GetNumRadicalElectrons() for atom in atoms),
    )


def _as_written(molecule, place):
    """Rows of the atoms as the SMILES has them, and then of the hydrogen added, atom by atom."""
    added = [[] for _ in place]
    for row in range(len(place), molecule.GetNumAtoms()):
        added[molecule.GetAtomWithIdx(row).GetNeighbors()[0].GetIdx()].append(row)
    return np.array([*place, *(row for heavy in place for row in added[heavy])], dtype=int)


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


def _geometry(molecule, n_conformers, optimize, seed):
    """Force field, positions, and a remark if they are not those of the first choice."""
    conformers = _embed(molecule, n_conformers, seed)
    embedded = molecule.GetConformer(conformers[0]).GetPositions()
    if molecule.GetNumAtoms() == 1:
        return None, embedded, None
    first = None
    for name, positions in _candidates(molecule, embedded, len(conformers), optimize):
        odd = odd_geometry(molecule, positions)
        known = known_geometry(molecule, require("rdkit.Chem"))
        if known is not None and not is_near(positions, known):
            return "experiment", known, odd or "its distances are not those of the experiment"
        if odd is None:
            return name, positions, first
        first = first or odd
    raise _NoStructureError(f"no geometry that RDKit makes is possible: {first}")


def _candidates(molecule, embedded, n_conformers, optimize) -> Iterator[tuple]:
    """Force fields, and positions of the conformer with the lowest energy, in order of preference."""
    if not optimize and n_conformers == 1:
        yield None, embedded
    fields = _force_fields(molecule)
    if not fields and (optimize or n_conformers > 1):
        raise _NoStructureError(
            "neither MMFF94 nor UFF has parameters for it; optimize=False and n_conformers=1 need none"
        )
    for steps in (MAX_STEPS,) if optimize else (0, MAX_STEPS):
        for name, run in fields:
            if steps == 0 and n_conformers == 1:
                continue
            copy = require("rdkit.Chem").Mol(molecule)
            energies = [energy for _, energy in run(copy, maxIters=steps)]
            best = [conformer.GetId() for conformer in copy.GetConformers()][int(np.argmin(energies))]
            yield name, copy.GetConformer(best).GetPositions()
    if optimize:
        yield None, embedded


def _force_fields(molecule):
    """Names and optimisers of the force fields that have parameters for a molecule."""
    AllChem = require("rdkit.Chem.AllChem")
    found = []
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        found.append(("MMFF94", AllChem.MMFFOptimizeMoleculeConfs))
    if AllChem.UFFHasAllMoleculeParams(molecule):
        found.append(("UFF", AllChem.UFFOptimizeMoleculeConfs))
    return found


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
