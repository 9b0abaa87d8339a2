"""SkxferCalculator: energies and forces of a fitted model for all that ASE does with atoms."""

import warnings
from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from ..energy_units import ENERGY_UNITS, unit_factor
from ..structures import neighbour_pairs, read_structures

_calculator = require("ase.calculators.calculator")
# Distances may be so much smaller or larger than all of training, by default.
CLOSER, FARTHER = 0.9, 1.1
# Error bars per atom are large from so many times the error where the members of the committee agree, but not
# below this share of the spread of the training energies, which a good committee may have everywhere.
LARGE, SHARE = 5.0, 0.1


class ExtrapolationWarning(UserWarning):
    """A structure is unlike those that the model of a calculator was trained on."""


class SkxferCalculator(_calculator.Calculator):
    """Calculator of ASE with the energies and forces of a fitted model.

    For relaxations, molecular dynamics and global searches. In all of them atoms come to places that the
    training structures did not show, where a network answers with confidence whatever it has: the
    calculator warns there with an :class:`ExtrapolationWarning`.

    Results are ``energy`` and ``free_energy`` (the same, eV), ``forces`` (eV/Å) and, asked for,
    ``energies`` of the atoms (eV, of which only the sum is fitted). There is no stress, so cells cannot be
    relaxed. ``results["energy_std"]`` (eV) is there if the model has error bars, as a committee has.

    Parameters
    ----------
    model : fitted SchNetIIARegressor
        Or any fitted estimator with an `energy_unit` and with ``predict_forces(X, return_energy=True)``
        that returns forces, energies and standard deviations.
    min_distance : float, optional
        Warn where two atoms are closer, in Å, whatever their elements: a model that knows H-H bonds is
        silent about metal atoms as close as these. Default: 0.9 times ``model.min_distance_``.
    max_gap : float, optional
        Warn where an atom is farther from its nearest neighbour, in Å; inf: never. Default: 1.1 times
        ``model.max_gap_``.
    wall : float, default=50.0
        Spring constant in eV/Å² of a wall that pushes atoms closer than `min_distance` apart. A network that
        has seen no such atoms may find deep minima there, in which they would fall upon each other. It is
        part of energies and forces; 0: none.
    max_std : float, optional
        Warn where the standard deviation of the energy is larger, in eV/atom; inf: never. Default: five
        times that where the members of the committee agree (the square root of the first of
        ``model.variance_``), or a tenth of ``model.scale_`` if that is more.
    warn : bool, default=True
        False only counts, in `n_warnings_`.

    Attributes
    ----------
    n_warnings_ : dict of str to int
        For how many structures each applied: ``"too close"``, ``"gap"``, ``"uncertain"``. Of each
        kind the first alone is a warning: a search would give thousands.
    results : dict
        Of the last structure.

    Raises
    ------
    ImportError
        ASE is not installed.
    TypeError
        `model` is no such estimator.
    NotFittedError
        `model` is not fitted.
    ValueError
        A parameter out of range; when calculating, an element that training did not have, or atoms on
        top of each other.

    Warns
    -----
    ExtrapolationWarning
        See `min_distance`, `max_gap` and `max_std`; a default is left out where the model
        does not have the attributes.
        ``warnings.simplefilter("error", ExtrapolationWarning)`` makes them stop a run.

    See Also
    --------
    skxfer.models.SchNetIIARegressor : A model for it.

    Examples
    --------
    >>> from ase import Atoms
    >>> from ase.optimize import BFGS
    >>> from skxfer import SchNetIIARegressor, SkxferCalculator
    >>> molecules = [Atoms("H2", [[0, 0, 0], [0, 0, r]]) for r in (0.6, 0.7, 0.8, 0.9, 1.0)]
    >>> energy = [-29.6, -31.3, -31.6, -31.2, -30.6]
    >>> model = SchNetIIARegressor(max_epochs=5, random_state=0).fit(molecules, energy)
    >>> atoms = molecules[-1].copy()
    >>> atoms.calc = SkxferCalculator(model)
    >>> atoms.get_forces().shape
    (2, 3)
    >>> relaxed = BFGS(atoms, logfile=None).run(steps=3)
    """

    implemented_properties = ["energy", "free_energy", "forces", "energies"]
    ignored_changes = {"initial_charges", "initial_magmoms"}

    @validate_params(
        {
            "min_distance": [Interval(Real, 0, None, closed="left"), None],
            "wall": [Interval(Real, 0, None, closed="left")],
            "max_gap": [Interval(Real, 0, None, closed="both"), None],
            "max_std": [Interval(Real, 0, None, closed="both"), None],
            "warn": ["boolean"],
        },
        prefer_skip_nested_validation=True,
    )
    def __init__(self, model, *, min_distance=None, max_gap=None, wall=50.0, max_std=None, warn=True):
        _check_model(model)
        super().__init__()
        self.model = model
        self.wall = wall
        self.warn = warn
        self.min_distance, self.max_gap, self.max_std = (
            default if given is None else given
            for given, default in zip((min_distance, max_gap, max_std), _default_limits(model), strict=True)
        )
        self.reset_warnings()

    def reset_warnings(self):
        """Count from zero again, and warn again."""
        self.n_warnings_ = {"too close": 0, "gap": 0, "uncertain": 0}
        self._warned = set()

    def calculate(self, atoms=None, properties=("energy",), system_changes=_calculator.all_changes):
        """Fill `results`; ASE calls this where it needs to.

        Parameters
        ----------
        atoms : ase.Atoms, optional
            Default: the last ones.
        properties : list of str
            Energy and forces are always calculated.
        system_changes : list of str
            What is new since the last calculation; of nothing, nothing is repeated.
        """
        super().calculate(atoms, properties, system_changes)
        if system_changes or "energy" not in self.results:
            self.results = {}
            self._predict()
        if "energies" in properties:
            (energies,) = self.model.atomic_energies([self.atoms])
            self.results["energies"] = energies * unit_factor(self.model.energy_unit) + self._raised

    def export_properties(self):
        """Return the results that ASE has a name for.

        Returns
        -------
        ase.outputs.Properties
        """
        known = require("ase.outputs")
        return known.Properties({k: v for k, v in self.results.items() if k in known.all_outputs})

    def _predict(self):
        forces, energy, std = self.model.predict_forces([self.atoms], return_energy=True)
        unit = self.model.energy_unit
        factor = unit_factor(unit, len(self.atoms))
        energy, std = float(energy[0] * factor), float(std[0] * factor)
        forces = forces[0] * unit_factor(unit) + self._check_distances()
        energy += float(self._raised.sum())
        if std / len(self.atoms) > self.max_std:
            self._report(
                "uncertain",
                f"The energy has a standard deviation of {std / len(self.atoms):.3g} eV/atom, more than "
                f"max_std={self.max_std:.3g}.",
            )
        # Last, so that nothing is cached where a filter makes errors of the warnings.
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        if np.isfinite(std):
            self.results["energy_std"] = std

    def _check_distances(self):
        """Return the forces of the wall, and keep its energies."""
        gap = self.max_gap if np.isfinite(self.max_gap) else 0.0
        structures = read_structures([self.atoms])
        pairs = neighbour_pairs(structures, max(self.min_distance, gap, 1e-9))
        apart = pairs.vectors(structures)
        distance = np.linalg.norm(apart, axis=1)
        if (distance < self.min_distance).any():
            k = np.argmin(distance)
            self._report(
                "too close",
                f"Atoms {pairs.i[k]} and {pairs.j[k]} are {distance[k]:.2f} Å apart, less than "
                f"min_distance={self.min_distance:.2f}.",
            )
        within = distance <= gap
        alone = np.setdiff1d(np.arange(len(self.atoms)), np.r_[pairs.i[within], pairs.j[within]])
        if gap and alone.size:
            self._report("gap", f"Atom {alone[0]} has no neighbour within max_gap={gap:.2f} Å.")
        depth = np.maximum(self.min_distance - distance, 0.0)
        push = (self.wall * depth / distance)[:, None] * apart
        self._raised, forces = np.zeros(len(self.atoms)), np.zeros((len(self.atoms), 3))
        for atom, sign in ((pairs.i, -1.0), (pairs.j, 1.0)):
            np.add.at(self._raised, atom, 0.25 * self.wall * depth**2)
            np.add.at(forces, atom, sign * push)
        return forces

    def _report(self, kind, message):
        self.n_warnings_[kind] += 1
        if self.warn and kind not in self._warned:
            warnings.warn(
                f"{message} This is outside what the model was trained on: do not trust it there. (This is "
                "said once; n_warnings_ counts.)",
                ExtrapolationWarning,
                stacklevel=2,
            )
            # Not before, so that a filter that makes errors of warnings stops each time.
            self._warned.add(kind)


def _check_model(model):
    if not hasattr(model, "predict_forces") or not hasattr(model, "energy_unit"):
        raise TypeError(
            f"model must be a fitted estimator with predict_forces and energy_unit, as a SchNetIIARegressor; "
            f"it is {model!r:.60}. If it holds one, pass that, as best_estimator_ of a "
            "search, or stages_[...] of a SequentialTransfer."
        )
    check_is_fitted(model, msg="This %(name)s is not fitted: call fit(structures, energies, forces) first.")
    if model.energy_unit not in ENERGY_UNITS:
        raise ValueError(f"model.energy_unit is {model.energy_unit!r}: it must be one of {[*ENERGY_UNITS]}.")


def _default_limits(model):
    """Limits of distances and of error bars from what the model knows of its training structures."""
    closest, gap = getattr(model, "min_distance_", 0.0), getattr(model, "max_gap_", np.inf)
    std, variance = np.inf, getattr(model, "variance_", None)
    if variance is not None and np.isfinite(variance).all():
        std = max(LARGE * np.sqrt(variance[0, 0]), SHARE * model.scale_)
    # Without any pair in training there is nothing to compare with.
    return CLOSER * closest if np.isfinite(closest) else 0.0, FARTHER * gap, float(std)
