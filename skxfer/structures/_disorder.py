"""Sites that are partly occupied, or shared by several elements: no structure of whole atoms."""

import numpy as np

# Occupancies are written with few digits: three sites of .333 each count as full.
TOLERANCE = 0.01
# Atoms of different elements closer than this, in Å, share a site.
SAME_SITE = 0.01
# In lower case.
_KEYS = {"occ", "occupancy", "occupancies"}


def check_ordered_sites(sites, row):
    """Raise a ValueError unless each site holds one whole atom.

    Parameters
    ----------
    sites : list of dict of element to float
        What occupies each site.
    row : int
        Structure, for the message.
    """
    for place, site in enumerate(sites):
        site = {str(symbol): float(amount) for symbol, amount in site.items() if amount}
        if len(site) != 1 or not abs(sum(site.values()) - 1) < TOLERANCE:
            shown = ", ".join(f"{symbol} {amount:g}" for symbol, amount in site.items()) or "nothing"
            raise ValueError(
                f"Structure {row} is disordered: site {place} holds {shown}. Atoms must be whole: make an "
                "ordered cell of it (pymatgen's OrderDisorderedStructureTransformation), or put one element "
                "on each site yourself and delete atoms.info['occupancy']; or use its formula "
                "(CompositionFeaturizer)."
            )


def check_ordered_atoms(atoms, row):
    """Raise a ValueError for occupancies that come with ase.Atoms, from files of crystals or proteins.

    Parameters
    ----------
    atoms : ase.Atoms, or any object with or without ``info`` and ``arrays``
    row : int
        Structure, for the message.
    """
    for key, value in (getattr(atoms, "info", None) or {}).items():
        if str(key).lower() not in _KEYS:
            continue
        if isinstance(value, dict) and all(isinstance(site, dict) for site in value.values()):
            check_ordered_sites([_numbers(site) for site in value.values()], row)
        else:
            _check_amounts(value, atoms, row)
    for key, value in (getattr(atoms, "arrays", None) or {}).items():
        if str(key).lower() in _KEYS:
            _check_amounts(value, atoms, row)


def _numbers(site):
    """Amounts of a CIF: "?" and "." stand for its default, a whole atom."""
    return {symbol: 1.0 if amount in ("?", ".") else amount for symbol, amount in site.items()}


def _check_amounts(values, atoms, row):
    try:
        values = np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError):
        return
    # Programs that know no occupancies write 0 for all atoms.
    if values.any() and values.size in (1, len(atoms.numbers)):
        wrong = np.flatnonzero(~(np.abs(values - 1) < TOLERANCE))
        if wrong.size:
            symbols = getattr(atoms, "symbols", atoms.numbers)
            check_ordered_sites([{symbols[wrong[0]]: values[wrong[0]]}], row)
