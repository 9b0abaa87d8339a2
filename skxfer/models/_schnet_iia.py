"""SchNetIIARegressor: energies and forces of clusters, molecules and crystals, with transfer."""

import warnings
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from ..energy_units import ENERGY_UNITS, unit_factor
from ..formulas import ELEMENTS
from ..inputs import check_targets, check_weights
from ..structures import (
    NUMBERS,
    SYMBOLS,
    TakesStructures,
    looks_like_hartree,
    neighbour_pairs,
    read_structures,
)
from .base.calibration import MIN_HELD_OUT, held_out, laplace_variance
from .base.init import StartsFromFitted
from .base.references import fit_references, robust_scale
from .base.training import to_tensor, train_net

# A network that is carried over as a whole needs fewer epochs, and more of them make it worse.
EPOCHS, EPOCHS_FROM_INIT = 40, 10
# Fewer steps than this leave a network far from what the same structures can teach it.
MIN_STEPS, MIN_STEPS_FROM_INIT = 1000, 400
# Pairs of atoms that go through a network at a time, so that memory does not grow with the structures.
MAX_PAIRS = 100_000


class SchNetIIARegressor(TakesStructures, StartsFromFitted, RegressorMixin, TransformerMixin, BaseEstimator):
    """Network over the atoms of structures: SchNet with interatomic interactions attention.

    An energy is a sum over atoms, each described by its neighbours within a cutoff: continuous-filter
    convolutions [1]_, on their output an attention between atoms, and a smooth maximum unit as activation
    [2]_. It does not change when a structure is moved, turned, or its atoms are listed in another order;
    forces are its exact derivatives, and no energy jumps as atoms cross the cutoff. Energies of the
    elements are taken off first, and what is left is scaled by its quartiles and fitted with a Huber
    loss, so that structures whose calculation failed do little harm:
    :func:`skxfer.screening.screen_unbound` finds them.

    Transfer: ``SchNetIIARegressor(init=source)`` starts from a fitted model, and
    :class:`skxfer.transfer.SequentialTransfer` does so along a chain of cluster sizes.

    Parameters
    ----------
    hidden_dim : int, default=64
        Features of an atom, a multiple of four.
    n_interactions : int, default=3
        Blocks, each of which lets atoms see one neighbour further.
    n_rbf : int, default=40
        Gaussians of the distance.
    cutoff : float, default=6.0
        In Å.
    attention : bool, default=True
        Without it, and with ``activation="ssp"``, this is SchNet. (The scores of the attention go through a
        smooth maximum unit whatever the activation.)
    activation : {"smu", "ssp"}, default="smu"
        Smooth maximum unit, or shifted softplus.
    energy_unit : str, default="eV"
        What y is given in and predictions come in: "eV", "meV", "Hartree", "kcal/mol" or "kJ/mol" for
        the whole structure, or any of them per atom, as in ``"eV/atom"``. Forces are in this unit
        (never per atom) per Å.
    reference_energies : dict of str to float, or Series, optional
        Energies of the free atoms by symbol, in `energy_unit`. Default: fitted; where all of `init` is
        carried over, its own are corrected. Clusters of one composition cannot tell the
        energies of their elements apart: to predict other compositions, give them.
    init : fitted SchNetIIARegressor, optional
        Training starts from its weights; its `hidden_dim`, `n_interactions`, `n_rbf`, `cutoff`,
        `attention` and `activation` are used instead of the ones here. It is never changed.
        ``clone`` keeps it as it is; in a grid of GridSearchCV wrap it in
        :class:`sklearn.frozen.FrozenEstimator`.
    carry : str or list of str, optional
        Parts that are taken over from `init`, the others begin anew: ``"embedding"`` (all that was
        carried over in [2]_), ``"interactions"``, ``"head"``. Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is trained
        after all, as in ``{"interactions": 5}``.
    learning_rate : float, default=0.001
        The largest one of the cycle.
    max_epochs : int, optional
        More where that makes fewer steps than `extend` asks for. Default: 40, or 10 where all of `init` is
        carried over.
    extend : bool, default=True
        Train small sets for more epochs, until 1000 steps, or 400 from `init`.
    batch_size : int, default=20
        Structures.
    weight_decay : float, default=0.01
    averaging : float, default=0.99
        What remains of the averaged weights at each step; training ends with this average.
    force_weight : float, default=1.0
        Of the loss of forces, where `fit` gets them, beside that of energies per atom.
    early_stopping : bool, default=False
        End a training when the error of the energies of structures held out does not fall any more, and keep
        the weights that had the smallest. The learning rate falls to zero anyway. Error bars of a
        committee are then a little too narrow: they are calibrated on the same structures.
    n_iter_no_change : int, default=10
        Epochs that `early_stopping` waits.
    validation_fraction : float, default=0.1
        Share of the structures that is held out for `early_stopping` and for the error bars of a
        committee: of few, up to a third, so as to have thirty, and none of fewer than thirty. Without
        either nothing is.
    n_members : int, default=1
        Networks that are trained from different weights and averaged: a committee, which has error bars.
    device : str, default="cpu"
        Where torch computes: ``"cpu"`` or ``"cuda"``.
    verbose : int, default=0
        Above 0: a line for each epoch.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    nets_ : list of skorch.NeuralNet
        One for each member.
    elements_ : list of str
        Symbols that may be predicted.
    reference_energies_ : dict of str to float
        In eV.
    center_, scale_ : float
        Median and deviation of what is left of the energies, in eV/atom.
    min_distance_, max_gap_ : float
        Smallest and largest distance of an atom from its nearest neighbour in the training structures of more
        than one atom, in Å; inf where there is none within the cutoff.
    calibration_ : ndarray of shape (2,) or None
        For ``return_std``: the squared error per atom is the first plus the second times the
        variance among the members.

    Raises
    ------
    ImportError
        torch or skorch is not installed, or ASE for paths, or matscipy for crystals and more than
        100 atoms.
    TypeError, ValueError
        As :func:`skxfer.structures.read_structures` for X; NaN energies; an element without
        reference energy; at predict, an element that training did not have (all naming the structure).

    Warns
    -----
    UserWarning
        The energies look like Hartree and `energy_unit` says otherwise.

    See Also
    --------
    skxfer.featurizers.ClusterFeaturizer : Simple descriptors of clusters for any other learner.
    skxfer.calculators.SkxferCalculator : A fitted model as calculator of ASE.
    skxfer.model_selection.transfer_analysis : What each source and each carried part gains.

    References
    ----------
    .. [1] Schütt, K. T. et al., J. Chem. Phys. 2018, 148, 241722, doi:10.1063/1.5019779.
    .. [2] Jiang, K.-L. et al., J. Chem. Inf. Model. 2025, 65, 92-100, doi:10.1021/acs.jcim.4c01473.

    Examples
    --------
    >>> from skxfer import SchNetIIARegressor
    >>> bond = [0.6, 0.7, 0.8, 0.9, 1.0]
    >>> molecules = [([1, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, r]]) for r in bond]
    >>> energy = [-29.6, -31.3, -31.6, -31.2, -30.6]
    >>> model = SchNetIIARegressor(max_epochs=5, extend=False, random_state=0).fit(molecules, energy)
    >>> model.predict(molecules).shape
    (5,)
    >>> model.predict_forces(molecules)[0].shape
    (2, 3)
    """

    _parts = {"embedding": ["embedding.*"], "interactions": ["interactions.*"], "head": ["head.*"]}

    _parameter_constraints: dict = {
        "hidden_dim": [Interval(Integral, 4, None, closed="left")],
        "n_interactions": [Interval(Integral, 0, None, closed="left")],
        "n_rbf": [Interval(Integral, 2, None, closed="left")],
        "cutoff": [Interval(Real, 0, None, closed="neither")],
        "attention": ["boolean"],
        "activation": [StrOptions({"smu", "ssp"})],
        "energy_unit": [StrOptions(set(ENERGY_UNITS))],
        "reference_energies": [Mapping, pd.Series, None],
        "init": [BaseEstimator, None],
        "carry": [str, list, tuple, None],
        "freeze": [str, list, tuple, dict, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), None],
        "extend": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "averaging": [Interval(Real, 0, 1, closed="left")],
        "force_weight": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="neither")],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        hidden_dim=64,
        n_interactions=3,
        n_rbf=40,
        cutoff=6.0,
        attention=True,
        activation="smu",
        energy_unit="eV",
        reference_energies=None,
        init=None,
        carry=None,
        freeze=None,
        learning_rate=1e-3,
        max_epochs=None,
        extend=True,
        batch_size=20,
        weight_decay=0.01,
        averaging=0.99,
        force_weight=1.0,
        early_stopping=False,
        n_iter_no_change=10,
        validation_fraction=0.1,
        n_members=1,
        device="cpu",
        verbose=0,
        random_state=None,
    ):
        self.hidden_dim = hidden_dim
        self.n_interactions = n_interactions
        self.n_rbf = n_rbf
        self.cutoff = cutoff
        self.attention = attention
        self.activation = activation
        self.energy_unit = energy_unit
        self.reference_energies = reference_energies
        self.init = init
        self.carry = carry
        self.freeze = freeze
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.extend = extend
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.averaging = averaging
        self.force_weight = force_weight
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.n_members = n_members
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y, forces=None, sample_weight=None):
        """Train on structures and their energies.

        Ctrl-C ends the training and keeps what was learned.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures: see :func:`skxfer.structures.read_structures`.
        y : array-like of shape (n_samples,)
            In `energy_unit`.
        forces : sequence of length n_samples, optional
            For each structure an array of shape (n_atoms, 3).
        sample_weight : array-like of shape (n_samples,), optional
            Of energies and forces. Structures with the weight 0 are left out.

        Returns
        -------
        self : SchNetIIARegressor
        """
        self._validate_params()
        torch = require("torch")
        require("skorch")
        structures = read_structures(X)
        energy, weight = self._check_energies(y, sample_weight, structures)
        forces = self._check_forces(forces, structures)
        kept = np.flatnonzero(weight)
        structures, energy, weight = structures.take(kept), energy[kept], weight[kept]
        forces = None if forces is None else np.concatenate([forces[row] for row in kept])
        source = self._check_init()
        architecture = self._architecture() if source is None else source._module_params()
        # A whole network knows energies already; a part of one is a beginning of another.
        continues = source is not None and set(self._carried()) == set(self._parts)
        present = set(SYMBOLS[structures.numbers])
        self._check_new_elements(source, present, "embedding", "features")
        self.elements_ = [s for s in ELEMENTS if s in present or (continues and s in source.elements_)]
        graph = _graph(structures, architecture["module__cutoff"], self.device)
        self.min_distance_, self.max_gap_ = _closest(graph)
        labels, force_scale = self._scaled_labels(
            structures, graph, energy, forces, weight, source if continues else None
        )

        rng = check_random_state(self.random_state)
        held = np.zeros(len(energy), dtype=bool)
        if self.early_stopping or self.n_members > 1:
            held = held_out(np.arange(len(energy)), self.validation_fraction, rng)
        if self.early_stopping and not held.any():
            raise ValueError(
                f"early_stopping needs {3 * MIN_HELD_OUT} structures or more, to hold {MIN_HELD_OUT} of them "
                f"out; there are {len(energy)}. Set early_stopping=False."
            )
        from ..nn.graph import Graphs
        from ..nn.losses import EnergyLoss
        from ..nn.schnet import SchNet

        labels = {name: to_tensor(label, self.device) for name, label in labels.items()}
        data = Graphs(graph.to(torch.float32), labels)
        training, validation = data.part(~held), data.part(held)
        min_steps = (MIN_STEPS if source is None else MIN_STEPS_FROM_INIT) if self.extend else 0
        n_batches = -(-len(training) // self.batch_size)
        max_epochs = self.max_epochs or (EPOCHS_FROM_INIT if continues else EPOCHS)
        max_epochs = max(max_epochs, -(-min_steps // n_batches))
        freezers = self._check_freeze(max_epochs)
        self.nets_, self.calibration_ = [], None
        for member in range(self.n_members):
            callbacks, is_complete = self._callbacks(validation, max_epochs)
            net = train_net(
                SchNet,
                EnergyLoss,
                training,
                learning_rate=self.learning_rate,
                max_epochs=max_epochs,
                batch_size=self.batch_size,
                weight_decay=self.weight_decay,
                seed=rng.randint(np.iinfo(np.int32).max),
                device=self.device,
                verbose=self.verbose,
                start=None if source is None else source.nets_[member % len(source.nets_)],
                carry=self._patterns(self._carried()),
                prepare=lambda module: module.rescale(source.scale_ / self.scale_) if continues else None,
                callbacks=[*freezers(), *callbacks],
                module__forces=forces is not None,
                criterion__force_weight=self.force_weight,
                criterion__force_scale=force_scale,
                **architecture,
            )
            # In double precision forces are smooth and predictions independent of what else is predicted.
            net.module_.double().requires_grad_(False)
            complete = is_complete(net)
            if complete or not self.nets_:
                self.nets_.append(net)
            if not complete:
                return self
        if self.n_members > 1 and held.any():
            outputs = self._run(graph, "energies")[held] / structures.n_atoms[held, None]
            error = np.abs(outputs.mean(axis=1) - validation.labels["energy"].cpu().numpy())
            constant, factor = laplace_variance(error, outputs.var(axis=1))
            self.calibration_ = np.array([constant * self.scale_**2, factor])
        return self

    def predict(self, X, return_std=False):
        """Predict energies.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures.
        return_std : bool, default=False
            Also return a standard deviation: how far the members of a committee disagree, calibrated on
            structures held out.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            In `energy_unit`.
        std : ndarray of shape (n_samples,)
            If `return_std`.

        Raises
        ------
        ValueError
            `return_std` without a committee, or with too few structures to calibrate it.
        """
        check_is_fitted(self, "nets_")
        if return_std:
            self._check_calibrated()
        structures, graph = self._read(X)
        energy, std = self._energies(structures, self._run(graph, "energies"))
        return (energy, std) if return_std else energy

    def predict_forces(self, X, return_energy=False):
        """Predict forces, the exact derivatives of the energies.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures.
        return_energy : bool, default=False
            Also return energies, and standard deviations of them: both together cost less than apart.

        Returns
        -------
        forces : list of ndarray of shape (n_atoms, 3)
            In the unit of energy of `energy_unit` per Å.
        y, std : ndarray of shape (n_samples,)
            If `return_energy`, as `predict` returns them; the second is NaN without a calibrated committee.
        """
        check_is_fitted(self, "nets_")
        structures, graph = self._read(X)
        outputs, slopes = [], []
        for net in self.nets_:
            parts = [net.module_.energies_and_forces(part) for part in graph.parts(MAX_PAIRS)]
            outputs.append(np.concatenate([energy.detach().cpu().numpy() for energy, _ in parts]))
            slopes.append(np.concatenate([forces.detach().cpu().numpy() for _, forces in parts]))
        factor = self.scale_ / unit_factor(self.energy_unit)
        forces = np.split(factor * np.mean(slopes, axis=0, dtype=float), structures.first[1:-1])
        if not return_energy:
            return forces
        return forces, *self._energies(structures, np.stack(outputs, axis=1))

    def transform(self, X):
        """Return the features of the atoms, averaged over each structure, as features for another learner.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures.

        Returns
        -------
        ndarray of shape (n_samples, n_members * hidden_dim)
        """
        check_is_fitted(self, "nets_")
        structures, graph = self._read(X)
        features = self._run(graph, "features")
        total = np.add.reduceat(features, structures.first[:-1], axis=0)
        return total.reshape(len(structures), -1) / structures.n_atoms[:, None]

    def get_feature_names_out(self, input_features=None):
        """Return a name for each column of `transform`: member and component.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self, "nets_")
        size = self.nets_[0].module__size
        return np.array([f"schnet{m}_{k}" for m in range(len(self.nets_)) for k in range(size)], dtype=object)

    def atomic_energies(self, X):
        """Return what each atom contributes to the energy of its structure, of which it is the sum.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures.

        Returns
        -------
        list of ndarray of shape (n_atoms,)
            In the unit of energy of `energy_unit`. Their split among atoms is the network's own: only
            sums are fitted.
        """
        check_is_fitted(self, "nets_")
        structures, graph = self._read(X)
        by_number = np.zeros(len(SYMBOLS))
        for symbol, energy in self.reference_energies_.items():
            by_number[NUMBERS[symbol]] = energy
        output = self._run(graph, "atomic_energies").mean(axis=1, dtype=float)
        energy = by_number[structures.numbers] + self.center_ + self.scale_ * output
        return np.split(energy / unit_factor(self.energy_unit), structures.first[1:-1])

    def _check_energies(self, y, sample_weight, structures):
        """Energies in eV and their weights, both of shape (n_samples,)."""
        Y = check_targets(y, len(structures))
        if Y.shape[1] != 1:
            raise ValueError(f"y must be one energy for each structure, it has the shape {Y.shape}.")
        absent = np.flatnonzero(np.isnan(Y[:, 0]))
        if absent.size:
            raise ValueError(
                f"Structure {absent[0]} has the energy NaN ({absent.size} such structures): drop them, or "
                "give them the sample_weight 0 and any energy."
            )
        weight = np.ones(len(Y)) if sample_weight is None else check_weights(sample_weight, Y)
        if not weight.any():
            raise ValueError("Every sample_weight is 0, so there is nothing to learn from.")
        per_atom = self.energy_unit.endswith("/atom")
        total = Y[:, 0] * (structures.n_atoms if per_atom else 1)
        if not self.energy_unit.startswith("Hartree") and looks_like_hartree(structures, total):
            warnings.warn(
                f"The energies look like Hartree, but energy_unit is {self.energy_unit!r}: if they are, pass "
                f"energy_unit='Hartree{'/atom' if per_atom else ''}'.",
                stacklevel=3,
            )
        return Y[:, 0] * unit_factor(self.energy_unit, structures.n_atoms), weight

    def _check_forces(self, forces, structures):
        """Forces in eV/Å, an array of shape (n_atoms, 3) for each structure, or None."""
        if forces is None:
            return None
        if not hasattr(forces, "__len__") or len(forces) != len(structures):
            found = len(forces) if hasattr(forces, "__len__") else type(forces).__name__
            raise ValueError(
                f"forces must be a sequence of arrays, one for each of {len(structures)} structures, not "
                f"{found}."
            )
        checked = []
        for row, (part, n_atoms) in enumerate(zip(forces, structures.n_atoms, strict=True)):
            try:
                part = np.asarray(part, dtype=float)
            except (TypeError, ValueError):
                raise ValueError(f"The forces of structure {row} are no array of numbers.") from None
            if part.shape != (n_atoms, 3):
                raise ValueError(
                    f"The forces of structure {row} have the shape {part.shape}, but it has {n_atoms} atoms: "
                    f"give an array of shape ({n_atoms}, 3)."
                )
            if not np.isfinite(part).all():
                atom = np.flatnonzero(~np.isfinite(part).all(axis=1))[0]
                raise ValueError(
                    f"The force on atom {atom} of structure {row} is {part[atom].tolist()}: drop this "
                    "structure."
                )
            checked.append(part * unit_factor(self.energy_unit))
        return checked

    def _scaled_labels(self, structures, graph, energy, forces, weight, source):
        """Take off the energies of the elements, and bring what is left to the scale of the network.

        Returns
        -------
        labels : dict of str to ndarray
            Of :class:`skxfer.nn.losses.EnergyLoss`.
        force_scale : float
        """
        n_atoms, old, known = structures.n_atoms, {}, 0.0
        if source is not None:
            members = sorted({member % len(source.nets_) for member in range(self.n_members)})
            outputs = source._run(graph.to(source.device), "energies")[:, members]
            old, known = source.reference_energies_, source.scale_ * outputs.mean(axis=1, dtype=float)
        self.reference_energies_ = self._references(structures, energy - known, old)
        left = (energy - self._elemental(structures)) / n_atoms
        self.center_ = float(np.median(left - known / n_atoms))
        self.scale_ = robust_scale(left - self.center_)
        labels = {
            "energy": (left - self.center_) / self.scale_,
            "weight": weight / weight.mean(),
            "n_atoms": n_atoms,
        }
        if forces is None:
            return labels, 1.0
        labels["forces"] = forces / self.scale_
        return labels, robust_scale(labels["forces"])

    def _architecture(self):
        if self.hidden_dim % 4:
            raise ValueError(f"hidden_dim must be a multiple of four, it is {self.hidden_dim}.")
        return {
            "module__size": self.hidden_dim,
            "module__n_interactions": self.n_interactions,
            "module__n_rbf": self.n_rbf,
            "module__cutoff": self.cutoff,
            "module__attention": self.attention,
            "module__activation": self.activation,
        }

    def _module_params(self):
        """Return what `_architecture` made in fit."""
        given = self.nets_[0].get_params(deep=False)
        names = ("size", "n_interactions", "n_rbf", "cutoff", "attention", "activation")
        return {f"module__{name}": given[f"module__{name}"] for name in names}

    def _references(self, structures, energy, old):
        """Energies of the elements by symbol, in eV; `old` are those of the model to continue."""
        if self.reference_energies is not None:
            return old | self._check_references(SYMBOLS[structures.numbers])
        counts = structures.counts()[:, [NUMBERS[symbol] for symbol in self.elements_]]
        prior = np.array([old.get(symbol, 0.0) for symbol in self.elements_])
        fitted = prior + fit_references(counts, energy - counts @ prior)
        return dict(zip(self.elements_, fitted.tolist(), strict=True))

    def _check_references(self, present):
        """The energies given for the elements that are present, in eV."""
        given = dict(self.reference_energies)
        found = {}
        for symbol in sorted(set(present)):
            if symbol not in given:
                raise ValueError(
                    f"reference_energies has no energy of {symbol}, only of {', '.join(map(repr, given))}: "
                    "add it, or give none."
                )
            if not isinstance(given[symbol], Real) or not np.isfinite(given[symbol]):
                raise ValueError(f"reference_energies[{symbol!r}] must be a number, it is {given[symbol]!r}.")
            found[symbol] = float(given[symbol]) * unit_factor(self.energy_unit)
        return found

    def _elemental(self, structures):
        """Sum of the energies of the elements in each structure, in eV."""
        numbers = [NUMBERS[symbol] for symbol in self.reference_energies_]
        return structures.counts()[:, numbers] @ np.array(list(self.reference_energies_.values()))

    def _callbacks(self, validation, max_epochs):
        """Callbacks of a training, and a function that tells whether it came to its end."""
        from skorch.callbacks import EarlyStopping

        from .base.averaging import Averaging

        if not self.early_stopping:
            return [("averaging", Averaging(self.averaging))], lambda net: len(net.history) == max_epochs
        n_atoms, energy = (validation.labels[name].cpu().numpy() for name in ("n_atoms", "energy"))

        def error(module):
            output = np.concatenate(_outputs(module, validation.graph, "energies"))
            return float(np.abs(output / n_atoms - energy).mean())

        stopping = EarlyStopping("valid_error", patience=self.n_iter_no_change, threshold=0.0)
        return [
            ("averaging", Averaging(self.averaging, error)),
            ("stopping", stopping),
        ], lambda net: len(net.history) == max_epochs or stopping.misses_ == stopping.patience

    def _check_calibrated(self):
        if self.calibration_ is None or np.isnan(self.calibration_).any():
            raise ValueError(
                f"There are no error bars: they take a committee (n_members={self.n_members}) and "
                f"{MIN_HELD_OUT} structures held out. Set n_members=4, and fit on {3 * MIN_HELD_OUT} "
                "structures or more without interruption."
            )

    def _read(self, X):
        """Structures and their graph, for prediction."""
        structures = read_structures(X)
        self._check_elements(structures)
        return structures, _graph(structures, self.nets_[0].module__cutoff, self.device)

    def _run(self, graph, method):
        """Apply a method of every member's module.

        Returns
        -------
        ndarray of shape (n, n_members, ...)
            With a row per structure or per atom.
        """
        return np.stack([np.concatenate(_outputs(net.module_, graph, method)) for net in self.nets_], axis=1)

    def _energies(self, structures, outputs):
        """Energies and their deviations in `energy_unit` from what the members say."""
        factor = unit_factor(self.energy_unit, structures.n_atoms)
        mean = outputs.mean(axis=1, dtype=float)
        energy = self._elemental(structures) + structures.n_atoms * self.center_ + self.scale_ * mean
        constant, slope = (np.nan, np.nan) if self.calibration_ is None else self.calibration_
        spread = (self.scale_ / structures.n_atoms) ** 2 * outputs.var(axis=1, dtype=float)
        std = structures.n_atoms * np.sqrt(constant + slope * spread)
        return energy / factor, std / factor


def _graph(structures, cutoff, device):
    """All structures in one graph, in double precision."""
    from ..nn.graph import Graph

    pairs = neighbour_pairs(structures, cutoff)
    arrays = (structures.numbers, structures.positions, structures.n_atoms)
    arrays += (pairs.i, pairs.j, pairs.shift, np.diff(pairs.first))
    return Graph(*(to_tensor(array, device, np.float64) for array in arrays))


def _closest(graph):
    """Smallest and largest distance of an atom from its nearest neighbour."""
    distance, nearest = graph.distances().cpu().numpy(), np.full(len(graph.numbers), np.inf)
    for atom in (graph.i, graph.j):
        np.minimum.at(nearest, atom.cpu().numpy(), distance)
    n_atoms = graph.n_atoms.cpu().numpy()
    nearest = nearest[np.repeat(n_atoms, n_atoms) > 1]
    return float(nearest.min(initial=np.inf)), float(nearest.max()) if len(nearest) else np.inf


def _outputs(module, graph, method):
    """Outputs of a module for parts of a graph, as a list of arrays."""
    import torch

    with torch.inference_mode():
        return [getattr(module, method)(part).cpu().numpy() for part in graph.parts(MAX_PAIRS)]
