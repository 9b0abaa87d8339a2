"""Which bond lengths are possible, and geometries of small molecules that force fields do not know."""

import numpy as np

from .._bonds import covalent_radii

# In Å, by bond order: Pyykkö, P., Atsumi, M., Chem. Eur. J. 2009, 15, 186 and 12770; Pyykkö, P., Riedel, S.,
# Patzschke, M., Chem. Eur. J. 2005, 11, 3511. Elements of organic and main-group chemistry.
# fmt: off
_SINGLE = {
    "H": 0.32, "Li": 1.33, "Be": 1.02, "B": 0.85, "C": 0.75, "N": 0.71, "O": 0.63, "F": 0.64, "Na": 1.55,
    "Mg": 1.39, "Al": 1.26, "Si": 1.16, "P": 1.11, "S": 1.03, "Cl": 0.99, "Zn": 1.18, "Ga": 1.24, "Ge": 1.21,
    "As": 1.21, "Se": 1.16, "Br": 1.14, "Sn": 1.40, "Sb": 1.40, "Te": 1.36, "I": 1.33,
}
_DOUBLE = {
    "B": 0.78, "C": 0.67, "N": 0.60, "O": 0.57, "Al": 1.13, "Si": 1.07, "P": 1.02, "S": 0.94, "Cl": 0.95,
    "Ge": 1.11, "As": 1.14, "Se": 1.07, "Br": 1.09, "Sn": 1.30, "Sb": 1.33, "Te": 1.28, "I": 1.29,
}
_TRIPLE = {"B": 0.73, "C": 0.60, "N": 0.54, "O": 0.53, "Si": 1.02, "P": 0.94, "S": 0.95, "As": 1.06}
# fmt: on
# Shortest and longest length of a bond as shares of the sum of radii, by bond order. Polar single bonds are
# up to a fifth shorter (LiF), those between atoms with lone pairs up to a sixth longer (HO-OH).
_RANGES = {1.0: (0.75, 1.20), 1.5: (0.86, 1.15), 2.0: (0.85, 1.09), 3.0: (0.85, 1.09)}
# Of a single bond from a cation to an anion at its end, which resonance makes shorter, as in N-oxides.
_ZWITTERION = (0.75, 1.05)
# Of a single bond between two atoms with triple or cumulated double bonds, as in N#C-C#N.
_BETWEEN_SP = (0.75, 1.0)
# Of bonds to other elements, as shares of the sum of covalent radii of single bonds.
_OTHERS = (0.65, 1.35)
# Atoms that are not bonded are farther apart than this share of it.
_CLASH = 0.7
# Lengths of known molecules may deviate by this share.
_KNOWN_TOLERANCE = 0.04


def odd_geometry(molecule, positions):
    """Say what is impossible about a geometry.

    Parameters
    ----------
    molecule : RDKit Mol
        With hydrogen atoms.
    positions : ndarray of shape (n_atoms, 3)
        In Å.

    Returns
    -------
    str or None
        The bond or clash that is most out of range, in words; None if there is none.
    """
    if not np.isfinite(positions).all():
        return "its coordinates are not finite"
    symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
    bonded = np.zeros((len(symbols),) * 2, dtype=bool)
    worst, what = 0.0, None
    for bond in molecule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        bonded[i, j] = bonded[j, i] = True
        usual, low, high = _usual_length(bond)
        length = np.linalg.norm(positions[i] - positions[j])
        excess = max(low - length / usual, length / usual - high)
        if excess > worst:
            mark = {1.5: ":", 2.0: "=", 3.0: "#"}.get(bond.GetBondTypeAsDouble(), "-")
            name = f"{symbols[i]}{mark}{symbols[j]}"
            worst, what = excess, f"its bond {name} is {length:.2f} Å long, where {usual:.2f} Å is usual"
    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    radii = covalent_radii(np.maximum(numbers, 1))
    apart = np.linalg.norm(positions[:, None] - positions, axis=2) / (radii[:, None] + radii)
    apart[bonded | np.eye(len(symbols), dtype=bool)] = np.inf
    i, j = np.unravel_index(np.argmin(apart), apart.shape)
    if what is None and apart[i, j] < _CLASH:
        length = np.linalg.norm(positions[i] - positions[j])
        what = f"{symbols[i]} and {symbols[j]}, which are not bonded, are {length:.2f} Å apart"
    return what


def _usual_length(bond):
    """Sum of the radii of a bond in Å, and the smallest and largest share of it that is possible."""
    ends = bond.GetBeginAtom(), bond.GetEndAtom()
    symbols, order = [atom.GetSymbol() for atom in ends], bond.GetBondTypeAsDouble()
    tables = {1.0: [_SINGLE], 1.5: [_SINGLE, _DOUBLE], 2.0: [_DOUBLE], 3.0: [_TRIPLE]}.get(order, [])
    if not tables or not all(symbol in table for table in tables for symbol in symbols):
        return float(covalent_radii(np.array([atom.GetAtomicNum() for atom in ends])).sum()), *_OTHERS
    usual = sum(table[symbol] for table in tables for symbol in symbols) / len(tables)
    charges = sorted(atom.GetFormalCharge() for atom in ends)
    at_end = any(atom.GetFormalCharge() < 0 and atom.GetDegree() == 1 for atom in ends)
    if order == 1.0 and charges[0] < 0 < charges[1] and at_end:
        return usual, *_ZWITTERION
    if order == 1.0 and all(str(atom.GetHybridization()) == "SP" and atom.GetDegree() > 1 for atom in ends):
        return usual, *_BETWEEN_SP
    return usual, *_RANGES[order]


def _bent(first, second, degrees):
    """Three atoms, by two lengths in Å and the angle between them."""
    angle = np.deg2rad(degrees)
    return [[first, 0, 0], [0, 0, 0], [second * np.cos(angle), second * np.sin(angle), 0]]


def _pair(length):
    return [[0, 0, 0], [length, 0, 0]]


_SO3 = [[0, 0, 0], *(1.4198 * np.array([np.cos(a), np.sin(a), 0]) for a in np.deg2rad([0, 120, 240]))]
# Equilibrium or average structures by experiment, in Å, atoms in the order of the SMILES: Herzberg, G.,
# Electronic Spectra of Polyatomic Molecules, 1966; Huber, K. P., Herzberg, G., Constants of Diatomic
# Molecules, 1979.
_KNOWN = {
    "N#N": _pair(1.0977),
    "[N]=O": _pair(1.1508),
    "FF": _pair(1.4119),
    "O=O": _pair(1.2075),
    "[O][O]": _pair(1.2075),
    "[C-]#[O+]": _pair(1.1283),
    "[C]#N": _pair(1.1718),
    "O=C=O": _bent(1.1600, 1.1600, 180),
    "S=C=S": _bent(1.5526, 1.5526, 180),
    "O=C=S": _bent(1.1561, 1.5606, 180),
    "N#[N+][O-]": _bent(1.1282, 1.1843, 180),
    "[N-]=[N+]=O": _bent(1.1282, 1.1843, 180),
    "O=S=O": _bent(1.4308, 1.4308, 119.33),
    "O=[O+][O-]": _bent(1.2717, 1.2717, 116.78),
    "[O]N=O": _bent(1.1934, 1.1934, 134.1),
    "O=[N+][O-]": _bent(1.1934, 1.1934, 134.1),
    "S(=O)(=O)=O": _SO3,
}


def known_geometry(molecule, Chem):
    """Return the positions of a small molecule by experiment.

    Parameters
    ----------
    molecule : RDKit Mol
    Chem : module
        ``rdkit.Chem``.

    Returns
    -------
    ndarray of shape (n_atoms, 3) or None
        In Å. None if it is not one of a few.
    """
    if molecule.GetNumAtoms() > 4:
        return None
    name = Chem.MolToSmiles(molecule)
    for smiles, positions in _KNOWN.items():
        pattern = Chem.MolFromSmiles(smiles)
        if Chem.MolToSmiles(pattern) == name:
            found = np.empty((len(positions), 3))
            found[list(molecule.GetSubstructMatch(pattern))] = positions
            return found
    return None


def is_near(positions, known):
    """Tell whether all distances of a geometry are those of another.

    Parameters
    ----------
    positions, known : ndarray of shape (n_atoms, 3)
        In Å.

    Returns
    -------
    bool
    """
    ours, theirs = (np.linalg.norm(x[:, None] - x, axis=2) for x in (positions, known))
    return bool((np.abs(ours - theirs) <= _KNOWN_TOLERANCE * theirs).all())
