"""SchNetIIARegressor: energies and forces of clusters, molecules and crystals, with transfer."""

from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ...energy_units import ENERGY_UNITS, unit_factor
from ...formulas import ELEMENTS
from ...structures import NUMBERS, SYMBOLS, TakesStructures, read_structures
from ..base.calibration import MIN_HELD_OUT, check_error_bars, held_out, standard_deviation
from ..base.init import StartsFromFitted
from ..base.members import train_members
from ..base.parameters import NOT_NEGATIVE, POSITIVE, POSITIVE_INT, START, TRAINING, check_multiple_of_four
from ..base.torch_state import plain_torch
from ._committee import calibrate, trainer
from ._energy_labels import elemental_energies, read_targets, scale_targets
from ._graphs import MAX_PAIRS, closest, make_graph, run_members


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
        Number of features of an atom, a multiple of four.
    n_interactions : int, default=3
        Number of blocks, each of which lets atoms see one neighbour further.
    n_rbf : int, default=40
        Number of Gaussians that describe a distance.
    cutoff : float, default=6.0
        Largest distance, in Å, at which two atoms see each other.
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
        Parts that are taken over from `init`; the others start from random weights. ``"embedding"`` (all
        that was carried over in [2]_), ``"interactions"``, ``"head"``. Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is trained
        after all, as in ``{"interactions": 5}``.
    learning_rate : float, default=0.001
        The largest one of the cycle.
    max_epochs : int, optional
        Passes over the training structures. Default: 40, or 10 where all of `init` is carried over, and on
        small sets more, until 1000 steps, or 400 from `init`.
    batch_size : int, default=20
        Structures in a training step.
    weight_decay : float, default=0.01
        Weight decay of AdamW.
    force_weight : float, default=1.0
        Weight of the loss of forces, where `fit` gets them, relative to that of energies per atom.
    early_stopping : bool, default=False
        End a training when the error of the energies of structures held out does not fall any more, and keep
        the weights that had the smallest. The learning rate falls to zero anyway. Error bars of a
        committee are then a little too narrow: they are calibrated on the same structures.
    n_iter_no_change : int, default=10
        Epochs that `early_stopping` waits.
    validation_fraction : float, default=0.1
        Share of the structures held out for `early_stopping` and for the error bars of a committee; more
        where this makes fewer than thirty, up to a third, and none where there are fewer than thirty
        structures. Nothing is held out without either.
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
    variance_ : ndarray of shape (1, 2) or None
        For ``return_std``: the squared error per atom is the first plus the second times the
        variance over members, in eV². None without error bars.

    Raises
    ------
    ImportError
        torch or skorch is not installed, or ASE for paths, or matscipy for crystals and more than
        100 atoms.
    TypeError, ValueError
        As :func:`skxfer.structures.read_structures` for X; no energy at all; an element without
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
    >>> model = SchNetIIARegressor(max_epochs=5, random_state=0).fit(molecules, energy)
    >>> model.predict(molecules).shape
    (5,)
    >>> model.predict_forces(molecules)[0].shape
    (2, 3)
    """

    _parts = {"embedding": ["embedding.*"], "interactions": ["interactions.*"], "head": ["head.*"]}

    _module_params = ("size", "n_interactions", "n_rbf", "cutoff", "attention", "activation")

    _parameter_constraints: dict = {
        "hidden_dim": [Interval(Integral, 4, None, closed="left")],
        "n_interactions": [Interval(Integral, 0, None, closed="left")],
        "n_rbf": [Interval(Integral, 2, None, closed="left")],
        "cutoff": [POSITIVE],
        "attention": ["boolean"],
        "activation": [StrOptions({"smu", "ssp"})],
        "energy_unit": [StrOptions(set(ENERGY_UNITS))],
        "reference_energies": [Mapping, pd.Series, None],
        **START,
        **TRAINING,
        "force_weight": [NOT_NEGATIVE],
        "early_stopping": ["boolean"],
        "n_iter_no_change": [POSITIVE_INT],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="neither")],
        "n_members": [POSITIVE_INT],
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
        batch_size=20,
        weight_decay=0.01,
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
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.force_weight = force_weight
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.n_members = n_members
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @plain_torch()
    def fit(self, X, y, *, forces=None, sample_weight=None):
        """Train on structures and their energies.

        Ctrl-C ends the training and keeps what was learned.

        Parameters
        ----------
        X : sequence of length n_samples
            Structures: see :func:`skxfer.structures.read_structures`.
        y : array-like of shape (n_samples,)
            Energies in `energy_unit`. A structure whose energy is NaN is left out, with its forces.
        forces : sequence of length n_samples, optional
            For each structure an array of shape (n_atoms, 3).
        sample_weight : array-like of shape (n_samples,), optional
            Weights of energies and forces. Structures with the weight 0 are left out.

        Returns
        -------
        self : SchNetIIARegressor
        """
        self._validate_params()
        targets = read_targets(self, read_structures(X), y, forces, sample_weight)
        source = self._check_init()
        module = self._module_of(source)
        # A whole network knows energies already; a part of one is the beginning of another.
        continues = source is not None and set(self._carried()) == set(self._parts)
        self._find_elements(targets.structures, source, continues)
        graph = make_graph(targets.structures, module["module__cutoff"], self.device)
        self.min_distance_, self.max_gap_ = closest(graph)
        labels = scale_targets(self, targets, graph, source if continues else None)
        rng = check_random_state(self.random_state)
        held = self._held_out(len(graph), rng)
        train = trainer(self, graph, labels, held, source, continues, module, rng)
        self.variance_ = None
        self.nets_, complete = train_members(train, self.n_members)
        if complete and self.n_members > 1 and held.any():
            self.variance_ = calibrate(self, graph, labels, held)
        return self

    @plain_torch()
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
            self._check_error_bars()
        structures, graph = self._read(X)
        energy, std = self._energies(structures, self._run(graph, "energies"))
        return (energy, std) if return_std else energy

    @plain_torch()
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

    @plain_torch()
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

    @plain_torch()
    def atomic_energies(self, X):
        """Return what each atom contributes to the energy of its structure, which is their sum.

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

    def _architecture(self):
        check_multiple_of_four("hidden_dim", self.hidden_dim)
        return {
            "size": self.hidden_dim,
            "n_interactions": self.n_interactions,
            "n_rbf": self.n_rbf,
            "cutoff": self.cutoff,
            "attention": self.attention,
            "activation": self.activation,
        }

    def _find_elements(self, structures, source, continues):
        """Set the elements that may be predicted."""
        present = set(SYMBOLS[structures.numbers])
        self._check_new_elements(source, present, "embedding", "features")
        known = source.elements_ if continues else ()
        self.elements_ = [symbol for symbol in ELEMENTS if symbol in present or symbol in known]

    def _held_out(self, n, rng):
        """Choose structures for early stopping and error bars: ndarray of bool, shape (n,)."""
        held = np.zeros(n, dtype=bool)
        if self.early_stopping or self.n_members > 1:
            held = held_out(np.arange(n), self.validation_fraction, rng)
        if self.early_stopping and not held.any():
            raise ValueError(
                f"early_stopping needs {3 * MIN_HELD_OUT} structures or more, to hold {MIN_HELD_OUT} of them "
                f"out; there are {n}. Set early_stopping=False."
            )
        return held

    def _check_error_bars(self):
        check_error_bars(
            self.variance_,
            f"they take a committee (n_members={self.n_members}) and {MIN_HELD_OUT} structures held out. Set "
            f"n_members=4, and fit on {3 * MIN_HELD_OUT} structures or more without interruption.",
        )

    def _read(self, X):
        """Return structures and their graph, for prediction."""
        structures = read_structures(X)
        self._check_elements(structures)
        return structures, make_graph(structures, self.nets_[0].module__cutoff, self.device)

    def _run(self, graph, method):
        """Return outputs of all members, with a row per structure or per atom."""
        return run_members(self.nets_, graph, method)

    def _energies(self, structures, outputs):
        """Energies and their deviations in `energy_unit` from the outputs of the members."""
        factor = unit_factor(self.energy_unit, structures.n_atoms)
        mean = outputs.mean(axis=1, dtype=float)
        elemental = elemental_energies(self.reference_energies_, structures)
        energy = elemental + structures.n_atoms * self.center_ + self.scale_ * mean
        variance = np.full((1, 2), np.nan) if self.variance_ is None else self.variance_
        spread = (self.scale_ / structures.n_atoms) ** 2 * outputs.var(axis=1, dtype=float)
        std = structures.n_atoms * standard_deviation(variance, spread[:, None])[:, 0]
        return energy / factor, std / factor
