"""QDDTransformer: quantum deep descriptor of molecules, learned on small ones, carried to larger ones."""

import copy
import os
import warnings
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.linear_model import RidgeCV
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..._optional import require
from ...formulas import ELEMENTS
from ...inputs import check_targets, check_weights
from ...structures import NUMBERS, SYMBOLS, Structures, TakesStructures, neighbour_pairs, read_structures
from ..base.calibration import held_out
from ..base.init import StartsFromFitted
from ..base.references import fit_references, robust_scale
from ..base.training import to_tensor, train_net
from ._head import choose_pooling, descriptors, errors, fit_head, outputs, rest
from ._published import PRETRAINED, PUBLISHED_ELEMENTS, load_published

# Fewer steps than this leave a network far from what the same molecules can teach it.
MIN_STEPS = 1000
LEARNING_RATE, LEARNING_RATE_FROM_INIT = 1e-2, 1e-3
# Of corrections of what elements add: from as they are to next to none.
SHRINKAGE = np.logspace(-4, 6, 21)
# How much wider or narrower than those of init properties may be spread, to be taken for the same ones.
SAME_SCALE = 5.0


class QDDTransformer(TakesStructures, StartsFromFitted, RegressorMixin, TransformerMixin, BaseEstimator):
    """Quantum deep descriptor: what a model of orbitals and density learned, as features of any molecule.

    A quantum deep field [1]_ combines learned atomic orbitals into molecular ones on a grid of points round
    each atom, and feeds these to a network whose outputs are added up over the points and give the property
    by a linear layer. A second network has to tell the potential of the nuclei from the density of the
    electrons (Hohenberg and Kohn), which holds the orbitals to physics. What is added up, the input of
    the linear layer, is the descriptor [2]_: of one length for molecules of all sizes, so that what small
    ones teach can be used for larger ones.

    Use a pretrained one, ``QDDTransformer.from_pretrained("qdf-qm9under14-atomization")``, or train it by
    ``fit(X, y)`` on properties of your own. The descriptor learned from atomisation energies predicts
    energies of larger molecules far better than descriptors that are not learned; for other properties it
    may be worse than those: compare, with :class:`skxfer.transfer.FeatureTransfer` and
    :class:`skxfer.featurizers.MBTRFeaturizer`.

    Parameters
    ----------
    pretrained : str or path-like, optional
        ``"qdf-qm9under14-atomization"``, the authors' network, which is downloaded once; or a file that
        :func:`skxfer.io.save` wrote of a fitted QDDTransformer. `fit` then trains nothing: it loads, and
        checks the elements. Its architecture is used instead of the one here. Clones, as in a Pipeline that
        is cross-validated, load it again.
    hidden_dim : int, default=250
        Molecular orbitals, width of the networks, length of the descriptor.
    n_layers : int, default=3
        Layers of each network.
    radius, spacing : float, default=0.75, 0.3
        Of the ball of grid points round each atom, in Å.
    radial : {"gaussian", "slater"}, default="gaussian"
        Shape of the atomic orbitals; Slater-type ones have a cusp at the nucleus, and were less accurate. As
        many of them as a 6-31G basis has, learned exponents, no angular part.
    align : bool, optional
        Turn molecules into the principal axes of their nuclear charges first: the descriptor then does not
        change when a molecule is turned, but for highly symmetric ones (two equal moments). Default: yes in
        training, and as trained with `pretrained` and `init`, which for the authors' network is no: with yes
        it is more accurate for molecules that are not from QM9 (see the notes).
    cutoff : float, optional
        Atomic orbitals end there, in Å: atoms farther apart do not see each other. Default: never, as
        published.
    potential : {"gaussian", "coulomb"}, default="gaussian"
        Potential of the nuclei which the density has to tell: -Z exp(-d²) as published, or -Z/d.
    potential_weight : float, default=1.0
        Of the error of the potential, relative to its mean square, beside that of the properties.
    potential_fraction : float, default=0.25
        Share of the points, drawn anew at each step, on which training asks for the potential.
    pooling : {"auto", "sum", "mean"}, default="auto"
        Whether a property is extensive, a sum over the points of the molecule, or intensive, a mean.
        ``"auto"``: for each property, as it is explained better by the numbers of atoms of each element, or
        by their shares.
    init : fitted QDDTransformer, optional
        Training starts from its weights; its architecture is used instead of the one here. Where all of it
        is carried over and the properties are spread like its own, within a factor of five, its predictions
        are corrected; else its head begins anew. It is never changed. ``clone`` keeps it as it
        is; in a grid of GridSearchCV wrap it in :class:`sklearn.frozen.FrozenEstimator`.
    carry : str or list of str, optional
        Parts that are taken over from `init`, the others begin anew: ``"orbitals"``, ``"functional"``,
        ``"map"`` (from density to potential), ``"head"``. Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is trained after
        all, as in ``{"orbitals": 10}``.
    learning_rate : float, optional
        The largest one of the cycle. Default: 0.01, or 0.001 from `init`.
    max_epochs : int, default=20
        0: random orbitals, or those of `init`, under a fitted head, to compare with. More where that makes
        fewer steps than `extend` asks for.
    extend : bool, default=True
        Train small sets for more epochs, until 1000 steps; not from `init`.
    batch_size : int, default=8
        Molecules.
    weight_decay : float, default=0.01
    averaging : float, default=0.99
        What remains of the averaged weights at each step; training ends with this average.
    validation_fraction : float, default=0.1
        Share of the molecules that is held out, but at least thirty, or a third of few: the weights of the
        epoch with the smallest error on them are kept, and those of the beginning if training did not make
        the descriptor better (few molecules often cannot teach more than random orbitals give). Where
        that is less than ten, none are held out: the last weights are kept, or those of `init`. 0: the last.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the products of matrices in training; the second is faster on processors that have it, and less
        accurate. Prediction is always in single precision.
    on_error : {"raise", "nan"}, default="raise"
        What `transform` and `predict` do with molecules of elements that training did not have: raise an
        error, or return rows of NaN.
    device : str, default="cpu"
        Where torch computes: ``"cpu"`` or ``"cuda"``.
    verbose : int, default=0
        Above 0: a line for each epoch.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    net_ : skorch.NeuralNet
    elements_ : list of str
        Symbols that may be transformed.
    pooling_ : list of str
        "sum" or "mean" for each property. The descriptor is the sum if there is a "sum" among them.
    references_ : ndarray of shape (n_elements, n_targets)
        What each element adds to a property, by number of atoms if it is a sum, by share if it is a mean:
        fitted first, the network learns the rest. In the unit of y.
    center_, scale_ : ndarray of shape (n_targets,)
        Median and deviation of the rest.
    align_ : bool
    improved_ : bool or None
        Whether training lowered the error on the molecules held out by more than its standard error; None
        without these. (They have chosen the epoch too.)
    n_features_in_ : int
        1: the column of molecules.
    n_targets_ : int

    Raises
    ------
    ImportError
        torch or skorch is not installed, or ASE for paths, or matscipy for molecules of more than 100 atoms.
    FileNotFoundError, CorruptedDataError
        The pretrained network is absent, or not the published one.
    TypeError, ValueError
        As :func:`skxfer.structures.read_structures` for X; elements beyond argon; atoms in the same place; no
        y and no pretrained network; at transform, an element that training did not have (all naming the
        molecule).

    Warns
    -----
    UserWarning
        Training did not help, and the weights are as they began, but for the head. A structure is periodic:
        the atoms in its cell are taken as a molecule.

    See Also
    --------
    skxfer.transfer.FeatureTransfer : A safe head on this and other encoders and descriptors.
    skxfer.featurizers.MBTRFeaturizer : Descriptor of molecules that is not learned.

    Notes
    -----
    The grid has the orientation of the axes, so that without `align` the descriptor changes when a molecule
    is turned. The authors' network has learned the orientation that molecules have in QM9: there its mean
    absolute error is 0.058 eV, and 0.097 eV when they are turned at random; with ``align=True`` it is
    0.075 eV either way. Charge and spin are not known to it: the number of electrons is that of the
    neutral molecule.

    Against the published code, networks and head see numbers of the order of one (constant factors, for
    faster training), both losses are added and take one step together, elements are taken off first, and the
    head is at last fitted in closed form. ``pretrained`` computes exactly what was published.

    References
    ----------
    .. [1] Tsubaki, M.; Mizoguchi, T., Phys. Rev. Lett. 2020, 125, 206401,
       doi:10.1103/PhysRevLett.125.206401.
    .. [2] Tsubaki, M.; Mizoguchi, T., J. Chem. Theory Comput. 2021, 17, 7814-7821,
       doi:10.1021/acs.jctc.1c00568.

    Examples
    --------
    >>> from skxfer import QDDTransformer
    >>> from skxfer.datasets import load_g2
    >>> molecules = load_g2()
    >>> small = [len(atoms) < 5 for atoms in molecules.data]
    >>> X = [atoms for atoms, use in zip(molecules.data, small) if use]
    >>> model = QDDTransformer(hidden_dim=16, max_epochs=1, random_state=0)
    >>> model.fit(X, molecules.target[small]).transform(X).shape  # doctest: +ELLIPSIS
    (..., 16)
    """

    _parts = {
        "orbitals": ["orbitals.*"],
        "functional": ["functional.*"],
        "map": ["map.*"],
        "head": ["head.*"],
    }

    _parameter_constraints: dict = {
        "pretrained": [str, os.PathLike, None],
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="neither")],
        "spacing": [Interval(Real, 0, None, closed="neither")],
        "radial": [StrOptions({"gaussian", "slater"})],
        "align": ["boolean", None],
        "cutoff": [Interval(Real, 0, None, closed="neither"), None],
        "potential": [StrOptions({"gaussian", "coulomb"})],
        "potential_weight": [Interval(Real, 0, None, closed="left")],
        "potential_fraction": [Interval(Real, 0, 1, closed="right")],
        "pooling": [StrOptions({"auto", "sum", "mean"})],
        "init": [BaseEstimator, None],
        "carry": [str, list, tuple, None],
        "freeze": [str, list, tuple, dict, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "max_epochs": [Interval(Integral, 0, None, closed="left")],
        "extend": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "averaging": [Interval(Real, 0, 1, closed="left")],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="left")],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "on_error": [StrOptions({"raise", "nan"})],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        pretrained=None,
        hidden_dim=250,
        n_layers=3,
        radius=0.75,
        spacing=0.3,
        radial="gaussian",
        align=None,
        cutoff=None,
        potential="gaussian",
        potential_weight=1.0,
        potential_fraction=0.25,
        pooling="auto",
        init=None,
        carry=None,
        freeze=None,
        learning_rate=None,
        max_epochs=20,
        extend=True,
        batch_size=8,
        weight_decay=0.01,
        averaging=0.99,
        validation_fraction=0.1,
        precision="float32",
        on_error="raise",
        device="cpu",
        verbose=0,
        random_state=None,
    ):
        self.pretrained = pretrained
        self.hidden_dim = hidden_dim
        self.n_layers = n_layers
        self.radius = radius
        self.spacing = spacing
        self.radial = radial
        self.align = align
        self.cutoff = cutoff
        self.potential = potential
        self.potential_weight = potential_weight
        self.potential_fraction = potential_fraction
        self.pooling = pooling
        self.init = init
        self.carry = carry
        self.freeze = freeze
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.extend = extend
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.averaging = averaging
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.on_error = on_error
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @classmethod
    def from_pretrained(cls, source, **params):
        """Return a fitted transformer with the weights of a pretrained network.

        Nothing in the file is run.

        Parameters
        ----------
        source : str or path-like
            As `pretrained`.
        **params
            Other parameters, such as ``on_error="nan"``. Those of architecture and training have no effect.

        Returns
        -------
        QDDTransformer
            Ready to transform and predict. As part of a Pipeline, and cloned, it stays pretrained.

        Examples
        --------
        >>> from skxfer import QDDTransformer
        >>> qdd = QDDTransformer.from_pretrained("qdf-qm9under14-atomization")  # doctest: +SKIP
        >>> water = ([8, 1, 1], [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
        >>> qdd.predict([water]).round(1)  # doctest: +SKIP
        array([-9.3])
        """
        if source is None:
            raise ValueError(f"Name a pretrained network, {', '.join(map(repr, PRETRAINED))}, or a file.")
        model = cls(pretrained=source, **params)
        model._validate_params()
        model.pretrained = os.fspath(source)
        model._load()
        return model

    def fit(self, X, y=None, sample_weight=None):
        """Train on molecules and their properties; with `pretrained`, only check the elements.

        Ctrl-C ends the training and keeps what was learned.

        Parameters
        ----------
        X : sequence of length n_samples
            Molecules: see :func:`skxfer.structures.read_structures`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Properties in any unit; NaN marks a missing label. Not needed with `pretrained`.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : QDDTransformer
        """
        self._validate_params()
        structures = _read(X)
        if self.pretrained is not None:
            self._load()
            self._known(structures)
            return self
        if y is None:
            raise ValueError(
                "There is nothing to learn without y: give properties of the molecules, or take a network "
                "that has learned, QDDTransformer.from_pretrained('qdf-qm9under14-atomization')."
            )
        require("torch")
        require("skorch")
        from ...nn.graph import Graphs
        from ...nn.losses import FieldLoss
        from ...nn.optimizers import MuonAdamW
        from ...nn.qdf import QDF, ball
        from ..base.averaging import Averaging

        Y = check_targets(y, len(structures))
        weight = (
            np.ones(len(Y)) if sample_weight is None else check_weights(sample_weight, structures.n_atoms)
        )
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        kept = np.flatnonzero((weight > 0) & ~np.isnan(Y).all(axis=1))
        structures, Y, weight = structures.take(kept), Y[kept], weight[kept]
        without = np.flatnonzero(np.isnan(Y).all(axis=0))
        if without.size:
            raise ValueError(f"Target {without[0]} has no label where the weight is not zero: leave it out.")
        source = self._check_init()
        if source is None and not len(ball(self.radius, self.spacing)):
            raise ValueError(
                f"There is no point round an atom with the radius {self.radius} and the spacing "
                f"{self.spacing} Å: lower spacing."
            )
        self.n_features_in_ = 1
        architecture = self._architecture() if source is None else source._module_params()
        present = set(SYMBOLS[structures.numbers])
        _check_elements_exist(structures)
        self._check_new_elements(source, present, "orbitals", "orbitals")
        if source is not None and "orbitals" in self._carried():
            present |= set(source.elements_)
        self.elements_ = [symbol for symbol in ELEMENTS if symbol in present]
        self.align_ = self._aligns(source is None or source.align_)
        graph = self._graph(structures)
        known = None if source is None else source._network_outputs(graph.to(source.device))
        continues = self._continues(source, known, structures, Y)
        target = self._take_off(structures, Y, *((source, known) if continues else (None, 0.0)))
        there = ~np.isnan(target)
        weights = weight[:, None] * there
        weights = weights / weights.mean(axis=0)
        rng = check_random_state(self.random_state)
        held = np.zeros(len(structures), dtype=bool)
        if self.validation_fraction:
            held = held_out(np.arange(len(structures)), self.validation_fraction, rng)
        labels = {"target": np.nan_to_num(target), "weight": weights}
        data = Graphs(graph, {name: to_tensor(label, self.device) for name, label in labels.items()})
        training, validation = data.part(~held), data.part(held)
        min_steps = MIN_STEPS if self.extend and source is None and self.max_epochs else 0
        max_epochs = max(self.max_epochs, -(-min_steps // -(-len(training) // self.batch_size)))
        freezers = self._check_freeze(max_epochs, source is not None and not continues)()
        fits_head = "head" not in self._check_parts("freeze")
        validate = (lambda module: errors(module, validation).mean()) if held.any() else None
        begin = {}

        def prepare(module):
            head = copy.deepcopy(module.head.state_dict())
            if fits_head:
                fit_head(module, training)
            begin.update(state=copy.deepcopy(module.state_dict()), errors=errors(module, validation))
            if source is None:
                # Gradients start from a small head.
                module.head.load_state_dict(head)

        learning_rate = self.learning_rate
        if learning_rate is None:
            learning_rate = LEARNING_RATE if source is None else LEARNING_RATE_FROM_INIT
        self.net_ = train_net(
            QDF,
            FieldLoss,
            training,
            learning_rate=learning_rate,
            max_epochs=max_epochs,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            seed=rng.randint(np.iinfo(np.int32).max),
            device=self.device,
            verbose=self.verbose,
            start=None if source is None else source.net_,
            carry=self._patterns([part for part in self._carried() if part != "head" or continues]),
            prepare=prepare,
            callbacks=[*freezers, ("averaging", Averaging(self.averaging, validate))],
            optimizer=MuonAdamW,
            module__extensive=[pooling == "sum" for pooling in self.pooling_],
            module__potential_fraction=self.potential_fraction,
            module__precision=self.precision,
            criterion__potential_weight=self.potential_weight,
            **architecture,
        )
        module = self.net_.module_
        if fits_head:
            fit_head(module, training)
        self.improved_, undone = None, None
        if held.any() and max_epochs:
            gain = begin["errors"] - errors(module, validation)
            self.improved_ = bool(gain.mean() > gain.std() / np.sqrt(len(gain)))
            if not self.improved_:
                undone = f"Training did not lower the error on {held.sum()} molecules held out clearly"
        elif self.validation_fraction and source is not None and max_epochs:
            undone = (
                f"{len(data)} molecules are too few to hold some out and see whether training helps "
                "(validation_fraction=0 trains all the same)"
            )
        if undone:
            module.load_state_dict(begin["state"])
            warnings.warn(
                f"{undone}: weights are as they began, random or those of init, and only the head is fitted. "
                "Give more molecules, or start from a network that has seen more.",
                stacklevel=2,
            )
        if held.any() and fits_head:
            fit_head(module, data)
        module.requires_grad_(False)
        return self

    def transform(self, X):
        """Return the quantum deep descriptors of molecules.

        Parameters
        ----------
        X : sequence of length n_samples
            Molecules.

        Returns
        -------
        ndarray of float64, shape (n_samples, hidden_dim)
            Rows do not depend on each other.
        """
        check_is_fitted(self, "net_")
        structures = _read(X)
        known = self._known(structures)
        features = np.full((len(structures), self.net_.module_.head.in_features), np.nan)
        if known.any():
            graph = self._graph(structures.take(known))
            total = descriptors(self.net_.module_, graph)
            mean = self.net_.module_.pooled(graph, total)[1]
            features[known] = (total if "sum" in self.pooling_ else mean).cpu().numpy()
        return features

    def predict(self, X):
        """Predict the properties that were trained on.

        Parameters
        ----------
        X : sequence of length n_samples
            Molecules.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            In the unit of y; of the authors' network eV, negative where atoms are bound.
        """
        check_is_fitted(self, "net_")
        structures = _read(X)
        known = self._known(structures)
        prediction = np.full((len(structures), self.n_targets_), np.nan)
        if known.any():
            some = structures.take(known)
            prediction[known] = self._elemental(some) + self._network_outputs(self._graph(some))
        return prediction.ravel() if self._single_target else prediction

    def electron_density(self, atoms, points):
        """Return the density of electrons of a molecule, as the network has it.

        It is no density of quantum chemistry: the number of electrons is right on the grid of the
        network, over which it is normalised, and how they are spread is what helps to predict.

        Parameters
        ----------
        atoms : Atoms or (numbers, positions)
            One molecule.
        points : array-like of shape (n_points, 3)
            In Å.

        Returns
        -------
        ndarray of shape (n_points,)
            In electrons per Å³, each point of the grid (spacing ``spacing``) taken as a cube.
        """
        return (self.molecular_orbitals(atoms, points) ** 2).sum(axis=1)

    def molecular_orbitals(self, atoms, points):
        """Return the orbitals of a molecule, of which the density is the sum of squares.

        Parameters
        ----------
        atoms : Atoms or (numbers, positions)
            One molecule.
        points : array-like of shape (n_points, 3)
            In Å.

        Returns
        -------
        ndarray of shape (n_points, hidden_dim)
            In Å^(-3/2).
        """
        check_is_fitted(self, "net_")
        structures = _read([atoms])
        self._check_elements(structures)
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points must have the shape (n_points, 3), theirs is {points.shape}.")
        if not np.isfinite(points).all():
            row = np.flatnonzero(~np.isfinite(points).all(axis=1))[0]
            raise ValueError(f"Point {row} is {points[row]}, which is not finite: leave it out.")
        import torch

        module, graph = self.net_.module_, self._graph(structures)
        points = to_tensor(points @ self._axes(structures)[0], self.device)
        with torch.inference_mode():
            psi = module.orbitals(graph.numbers, graph.positions, module.grid(graph.positions), points)
        return psi.cpu().numpy().astype(float) / self.net_.get_params(deep=False)["module__spacing"] ** 1.5

    def get_feature_names_out(self, input_features=None):
        """Return a name for each column of `transform`.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self, "net_")
        return np.array([f"qdd{k}" for k in range(self.net_.module_.head.in_features)], dtype=object)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; features in double precision."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.required = False
        return tags

    def _architecture(self):
        return {
            "module__size": self.hidden_dim,
            "module__n_layers": self.n_layers,
            "module__radius": self.radius,
            "module__spacing": self.spacing,
            "module__radial": self.radial,
            "module__cutoff": np.inf if self.cutoff is None else self.cutoff,
            "module__potential": self.potential,
        }

    def _module_params(self):
        """Return what `_architecture` made in fit."""
        given = self.net_.get_params(deep=False)
        return {name: given[name] for name in self._architecture()}

    def _compositions(self, structures):
        """Numbers of atoms of each element, to be summed, and their shares, to be averaged.

        Returns
        -------
        dict of str to ndarray of shape (n_samples, n_elements)
            By pooling.
        """
        counts = structures.counts()[:, [NUMBERS[symbol] for symbol in self.elements_]]
        return {"sum": counts, "mean": counts / structures.n_atoms[:, None]}

    def _take_off(self, structures, Y, source, known):
        """Take off what the elements add, and scale what is left: ndarray of shape (n_samples, n_targets)."""
        tables = self._compositions(structures)
        self.references_ = np.zeros((len(self.elements_), Y.shape[1]))
        if source is not None:
            self.pooling_, self.center_, self.scale_ = source.pooling_, source.center_, source.scale_
            self.references_[[self.elements_.index(s) for s in source.elements_]] = source.references_
        elif self.pooling == "auto":
            self.pooling_ = [choose_pooling(tables, y) for y in Y.T]
        else:
            self.pooling_ = [self.pooling] * Y.shape[1]
        left = Y - known - self._elemental(structures)
        for t, y in enumerate(left.T):
            there = ~np.isnan(y)
            table = tables[self.pooling_[t]][there]
            if source is None:
                self.references_[:, t] = fit_references(table, y[there])
            elif len(table) > 2:
                ridge = RidgeCV(SHRINKAGE, fit_intercept=False).fit(table, y[there])
                self.references_[:, t] += ridge.coef_
        left = Y - self._elemental(structures)
        if source is None:
            self.center_ = np.nanmedian(left, axis=0)
            self.scale_ = np.array([robust_scale(y[~np.isnan(y)]) for y in (left - self.center_).T])
        return (left - self.center_) / self.scale_

    def _continues(self, source, known, structures, Y):
        """Whether `init` predicts such properties, as many, pooled and spread alike: its head goes on."""
        whole = source is not None and set(self._carried()) == set(self._parts)
        if not whole or source.n_targets_ != self.n_targets_:
            return False
        tables = self._compositions(structures)
        for y, pooling, predicted in zip(Y.T, source.pooling_, known.T, strict=True):
            there = ~np.isnan(y)
            asked = choose_pooling(tables, y) if self.pooling == "auto" else self.pooling
            spreads = [rest(tables[pooling][there], x[there]).std() for x in (y, predicted)]
            alike = min(spreads) == 0 or 1 / SAME_SCALE < spreads[0] / spreads[1] < SAME_SCALE
            if asked != pooling or not alike:
                return False
        return True

    def _network_outputs(self, graph):
        """What the network adds to the elements, ndarray of shape (n_samples, n_targets)."""
        return self.center_ + self.scale_ * outputs(self.net_.module_, graph)

    def _elemental(self, structures):
        """What the elements add to each property: ndarray of shape (n_samples, n_targets)."""
        tables = self._compositions(structures)
        parts = [tables[pooling] @ self.references_[:, t] for t, pooling in enumerate(self.pooling_)]
        return np.stack(parts, axis=1)

    def _aligns(self, default):
        return default if self.align is None else self.align

    def _axes(self, structures):
        """Axes that each molecule is turned into, in columns: ndarray of shape (n_samples, 3, 3)."""
        if not self.align_:
            return np.tile(np.eye(3), (len(structures), 1, 1))
        first = structures.first[:-1]
        charge = structures.numbers[:, None].astype(float)
        center = np.add.reduceat(charge * structures.positions, first) / np.add.reduceat(charge, first)
        apart = structures.positions - center[structures.row]
        # The grid is the same along each axis and its opposite: neither order nor sign of the axes matters.
        return np.linalg.eigh(
            np.add.reduceat(charge[:, :, None] * apart[:, :, None] * apart[:, None], first)
        )[1]

    def _graph(self, structures):
        from ...nn.graph import Graph

        positions = np.einsum("nx,nxy->ny", structures.positions, self._axes(structures)[structures.row])
        arrays = structures.numbers, positions, structures.n_atoms
        return Graph.without_pairs(*(to_tensor(array, self.device) for array in arrays))

    def _known(self, structures):
        """Which molecules have known elements only; an error if others are to raise one."""
        if self.on_error == "raise":
            self._check_elements(structures)
        counts = structures.counts()
        counts[:, [NUMBERS[symbol] for symbol in self.elements_]] = 0
        return ~counts.any(axis=1)

    def _load(self):
        """Take over the state of a pretrained network."""
        if self.init is not None:
            raise ValueError(
                "pretrained is not trained any further, init is: to start from a pretrained network give "
                "init=QDDTransformer.from_pretrained(...) alone."
            )
        self.n_features_in_ = 1
        if self.pretrained in PRETRAINED:
            self.net_ = load_published(self.pretrained, self.device)
            self.elements_ = list(PUBLISHED_ELEMENTS)
            self.pooling_, self.n_targets_, self._single_target = ["sum"], 1, True
            self.references_ = np.zeros((len(self.elements_), 1))
            self.center_, self.scale_, self.improved_ = np.zeros(1), np.ones(1), None
            self.align_ = self._aligns(False)
            return
        path = Path(self.pretrained)
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no file {os.fspath(self.pretrained)!r}, and no pretrained network of that name: "
                f"they are {', '.join(PRETRAINED)}."
            )
        from ...io import load

        model = load(path)
        if not isinstance(model, QDDTransformer):
            raise TypeError(f"{path} holds a {type(model).__name__}, and a QDDTransformer is needed.")
        check_is_fitted(model, "net_")
        # What it was set to hand out is no part of what it learned.
        other = {*model.get_params(), "_sklearn_output_config"}
        vars(self).update({name: value for name, value in vars(model).items() if name not in other})
        self.align_ = self._aligns(model.align_)
        self.net_.module_.to(self.device)


def _read(X):
    """Molecules, none of whose atoms overlap."""
    structures = read_structures(X)
    periodic = structures.pbc.any(axis=1)
    if periodic.any():
        warnings.warn(
            f"Structure {np.flatnonzero(periodic)[0]} is periodic ({periodic.sum()} such structures): the "
            "atoms in its cell are taken as a molecule.",
            stacklevel=3,
        )
        pbc = np.zeros_like(structures.pbc)
        structures = Structures(*structures[:4], pbc)
    neighbour_pairs(structures, 0.2)
    return structures


def _check_elements_exist(structures):
    from ...nn.qdf import LAST_ELEMENT

    heavy = np.flatnonzero(structures.numbers > LAST_ELEMENT)
    if heavy.size:
        atom = heavy[0]
        raise ValueError(
            f"Structure {structures.row[atom]} has the element {SYMBOLS[structures.numbers[atom]]}: the "
            f"basis ends at {SYMBOLS[LAST_ELEMENT]}. Drop it, or use MBTRFeaturizer or SOAPFeaturizer."
        )
