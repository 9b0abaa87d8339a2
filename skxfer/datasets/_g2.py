"""Molecules of the G2 set that ASE ships, with experimental energies."""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from .._optional import require
from ..formulas import ELEMENTS
from .files import DATA

# Molecules with more atoms than these, hydrogen aside, are "large".
SMALL = 2


@validate_params({"elements": ["array-like", str, None]}, prefer_skip_nested_validation=True)
def load_g2(*, elements=None):
    """Load the 148 molecules of the G2/97 set with experimental atomisation energies, small and large.

    A transfer problem for models of molecules that needs no download: from molecules of up to 2 atoms other
    than hydrogen to larger ones. Geometries and heats of formation are those that ASE ships [1]_, [2]_.

    ======  =========  ==================================================================
    domain  molecules  what it is
    ======  =========  ==================================================================
    small   63         source: up to 2 atoms other than hydrogen
    large   85         target: 3 to 6 of them (CO2 to benzene)
    ======  =========  ==================================================================

    Parameters
    ----------
    elements : list of str or None, default=None
        Keep the molecules of these elements alone, such as ``["H", "C", "N", "O", "F"]``. None: all; then
        aluminium and boron occur in large molecules only, and some models and descriptors refuse elements
        that they did not see in ``fit``.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : list of :class:`ase.Atoms` of length n_samples
            Geometries of MP2(full)/6-31G(d), positions in Å, with the magnetic moments of radicals as
            initial ones.
        target : ndarray of float of shape (n_samples,)
            Energy with respect to the free atoms in eV, negative when bound, **the negative of the
            experimental atomisation energy**, without zero-point energy: as in :func:`fetch_qm7`.
        domain : ndarray of str of shape (n_samples,)
            "small" or "large".
        source_domains, target_domains, test_domains : tuple of str
            ``("small",)``, ``("large",)`` and ``()``.
        n_heavy_atoms : ndarray of int of shape (n_samples,)
            Atoms other than hydrogen, for a border of your own.
        zero_point_energy : ndarray of float of shape (n_samples,)
            In eV, positive, computed (B3LYP). Added to ``target`` it gives the energy at 0 K, as in
            :func:`fetch_qm9_subset`.
        target_names : list of str
            ``["atomisation_energy"]``.
        ids : ndarray of str of shape (n_samples,)
            Names in ASE, such as ``CH3CH2OH``.
        unit : str
            "eV".
        DESCR : str
            Full description, with the formula.

    Raises
    ------
    ValueError
        For `elements` that are none, or of which no molecule is made.
    ImportError
        ASE is not installed (extra ``structures``).

    See Also
    --------
    fetch_qm7 : Many more molecules, computed.

    References
    ----------
    .. [1] Raghavachari, K., Redfern, P. C. & Pople, J. A., "Assessment of Gaussian-2 and density functional
       theories for the computation of enthalpies of formation", J. Chem. Phys. 106, 1063 (1997).
       https://doi.org/10.1063/1.473182
    .. [2] Staroverov et al., "Comparative assessment of a new nonempirical density functional: Molecules and
       hydrogen-bonded complexes", J. Chem. Phys. 119, 12129 (2003). https://doi.org/10.1063/1.1626543

    Examples
    --------
    >>> from skxfer.datasets import load_g2
    >>> g2 = load_g2(elements=["H", "C", "O"])
    >>> water = g2.ids.tolist().index("H2O")
    >>> g2.data[water].get_chemical_formula(), str(g2.domain[water]), round(float(g2.target[water]), 3)
    ('H2O', 'small', -10.086)
    """
    Atoms = require("ase").Atoms
    g2 = require("ase.data.g2")
    kcal_per_mol = require("ase.units").kcal / require("ase.units").mol
    chosen = set(ELEMENTS) if elements is None else set(elements)
    if chosen - set(ELEMENTS):
        raise ValueError(f"elements={elements!r}: {sorted(chosen - set(ELEMENTS))} are no chemical elements.")
    rows = []
    for name in g2.molecule_names:
        entry = g2.data[name]
        atoms = Atoms(entry["symbols"], positions=entry["positions"], magmoms=entry["magmoms"])
        if chosen.issuperset(atoms.symbols):
            rows.append((name, atoms, _energy(entry, atoms.symbols, g2.data), entry["ZPE"]))
    if not rows:
        raise ValueError(f"No molecule of G2 is made of {sorted(chosen)} alone.")
    names, data, energies, zero_point = (list(column) for column in zip(*rows, strict=True))
    heavy = np.array([(atoms.numbers > 1).sum() for atoms in data])
    return Bunch(
        data=data,
        target=np.array(energies) * kcal_per_mol,
        domain=np.where(heavy <= SMALL, "small", "large"),
        source_domains=("small",),
        target_domains=("large",),
        test_domains=(),
        n_heavy_atoms=heavy,
        zero_point_energy=np.array(zero_point) * kcal_per_mol,
        target_names=["atomisation_energy"],
        ids=np.array(names),
        unit="eV",
        DESCR=(DATA / "g2.rst").read_text(encoding="utf-8"),
    )


def _energy(molecule, symbols, data):
    """Energy of a molecule with respect to its free atoms in kcal/mol, without zero-point energy.

    Heats of formation are at 298 K for molecules, and at 0 K for atoms; a thermal correction is
    H(298 K) - H(0 K), for atoms that of the element as it is found.
    """
    at_0_kelvin = molecule["enthalpy"] - molecule["thermal correction"]
    at_0_kelvin += sum(data[symbol]["thermal correction"] for symbol in symbols)
    return at_0_kelvin - molecule["ZPE"] - sum(data[symbol]["enthalpy"] for symbol in symbols)
