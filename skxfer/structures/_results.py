"""Energies, forces and stresses that come with structures, computed elsewhere."""

import numpy as np
from sklearn.utils import Bunch

_PREFIXES = ("", "ref_", "dft_", "qm_")
_SUFFIXES = ("_ref", "_dft", "_qm")


def _names(*words):
    return {f"{prefix}{word}" for word in words for prefix in _PREFIXES} | {
        f"{word}{suffix}" for word in words for suffix in _SUFFIXES
    }


# In lower case.
ENERGY = _names("energy", "total_energy", "tot_energy", "totenergy", "potential_energy") | {"etot", "e_tot"}
FORCES = _names("forces", "force")
STRESS, VIRIAL = _names("stress"), _names("virial", "virials")
# Voigt's order, in which ASE writes the six components of a stress: xx, yy, zz, yz, xz, xy.
VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


def read_results(atoms, *, energy_key=None, forces_key=None, stress_key=None):
    """Collect energies, forces and stresses that come with structures.

    They are read from attached calculators, which are never run, and from ``atoms.info`` and
    ``atoms.arrays``, where files in extended xyz keep them. Usual names are known, in small or capital
    letters: ``energy``, ``total_energy``, ``forces``, ``stress``, ``virial`` and their like, also with
    ``REF_``, ``DFT_`` or ``QM_`` in front or behind.

    Parameters
    ----------
    atoms : sequence of :class:`ase.Atoms` of length n_structures
    energy_key, forces_key, stress_key : str or None, default=None
        Name to read them by, if not a usual one, or if there are several.

    Returns
    -------
    results : :class:`~sklearn.utils.Bunch`
        With the attributes

        energy : ndarray of shape (n_structures,) or None
            Total energies, in eV as ASE has it. NaN where there is none; None if there is none at all.
        forces : list of ndarray, each of shape (n_atoms, 3), or None
            In eV/Å. NaN where there are none.
        stress : ndarray of shape (n_structures, 3, 3) or None
            In eV/Å\\ :sup:`3`, positive under tension, as ASE has it: minus the virial divided by the volume.

    Raises
    ------
    ValueError
        A name that no structure has; two names with different values; a wrong shape (all naming the
        structure).

    Examples
    --------
    >>> from ase import Atoms  # doctest: +SKIP
    >>> from skxfer.structures import read_results
    >>> read_results([Atoms("H2", info={"REF_energy": -31.7})]).energy  # doctest: +SKIP
    array([-31.7])
    """
    found = [_of_one(one, row, energy_key, forces_key, stress_key) for row, one in enumerate(atoms)]
    for key, part in ((energy_key, 0), (forces_key, 1), (stress_key, 2)):
        if key is not None and all(one[part] is None for one in found):
            raise ValueError(f"No structure has {key!r}: the first has {_keys(atoms[0])}.")
    energy, forces, stress = zip(*found, strict=True)
    has = [any(value is not None for value in part) for part in (energy, forces, stress)]
    nothing = np.full((3, 3), np.nan)
    return Bunch(
        energy=np.array([np.nan if e is None else e for e in energy]) if has[0] else None,
        forces=[
            np.full((len(one), 3), np.nan) if f is None else f for one, f in zip(atoms, forces, strict=True)
        ]
        if has[1]
        else None,
        stress=np.array([nothing if s is None else s for s in stress]) if has[2] else None,
    )


def _of_one(atoms, row, energy_key, forces_key, stress_key):
    """Energy, forces and stress of one structure, None for what it lacks."""
    computed = _computed(atoms)
    energy = _pick(atoms.info, computed, "energy", ENERGY, energy_key, row)
    if energy is None and energy_key is None:
        energy = _pick(atoms.info, computed, "free_energy", {"free_energy"}, None, row)
    if energy is not None:
        energy = _shaped(energy, (), "an energy", row)
    forces = _pick(atoms.arrays, computed, "forces", FORCES, forces_key, row)
    if forces is not None:
        forces = _shaped(forces, (len(atoms), 3), "forces", row)
    stress = _pick(atoms.info, computed, "stress", STRESS, stress_key, row)
    if stress is not None:
        stress = _tensor(stress, "a stress", row)
    elif stress_key is None and (virial := _pick(atoms.info, {}, "", VIRIAL, None, row)) is not None:
        stress = -_tensor(virial, "a virial", row) / atoms.get_volume()
    return energy, forces, stress


def _computed(atoms):
    """Results of the calculator that belong to these very atoms; nothing is computed."""
    if atoms.calc is None:
        return {}
    found = {}
    for name in ("energy", "free_energy", "forces", "stress"):
        try:
            found[name] = atoms.calc.get_property(name, atoms, allow_calculation=False)
        except Exception:  # noqa: BLE001, S112 - calculators raise whatever comes up for what they lack
            continue
    return {name: value for name, value in found.items() if value is not None}


def _pick(holder, computed, name, usual, key, row):
    """Value of a name; if none is given, of the usual ones, which must agree."""
    if key is not None:
        return holder.get(key, computed.get(key))
    found = {key: value for key, value in holder.items() if str(key).lower() in usual}
    if name in computed:
        found[f"{name} of the calculator"] = computed[name]
    values = list(found.values())
    for other, value in list(found.items())[1:]:
        if np.shape(value) != np.shape(values[0]) or not np.allclose(value, values[0], rtol=1e-9, atol=1e-9):
            raise ValueError(
                f"Structure {row} has different values in {next(iter(found))!r} and {other!r}: say which "
                f"counts, by {'energy' if 'energy' in name else name or 'stress'}_key, or delete one."
            )
    return values[0] if values else None


def _shaped(value, shape, what, row):
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"Structure {row} has {what} that is no number: {value!r:.60}.") from None
    if value.shape != shape:
        raise ValueError(f"Structure {row} has {what} of shape {value.shape}, and {shape} is needed.")
    return float(value) if shape == () else value


def _tensor(value, what, row):
    """Symmetric matrix of 6 components in Voigt's order, of 9, or of a matrix."""
    size = np.size(value)
    if size == 6:
        return _shaped(np.ravel(value), (6,), what, row)[VOIGT]
    return _shaped(np.reshape(value, (3, 3)) if size == 9 else value, (3, 3), what, row)


def _keys(atoms):
    return sorted(map(str, [*atoms.info, *atoms.arrays, *_computed(atoms)]))
