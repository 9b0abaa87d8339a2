"""QDDTransformer: quantum deep descriptor of molecules, learned on small ones, carried to larger ones."""

import os
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ...formulas import ELEMENTS
from ...structures import NUMBERS, SYMBOLS, TakesStructures
from ..base.calibration import held_out
from ..base.init import StartsFromFitted
from ..base.labels import labelled, read_labels
from ..base.parameters import NOT_NEGATIVE, POSITIVE, POSITIVE_INT, START, TRAINING
from ..base.torch_state import plain_torch
from ._density import HasOrbitals
from ._head import descriptors, outputs
from ._molecules import check_basis, make_graph, principal_axes, read_molecules
from ._orbitals import check_grid, train_orbitals
from ._pretrained import ComesPretrained, load_pretrained
from ._properties import continues_init, elemental, take_off


class QDDTransformer(
    HasOrbitals,
    ComesPretrained,
    TakesStructures,
    StartsFromFitted,
    RegressorMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Quantum deep descriptor: what a model of orbitals and density learned, as features of any molecule.

    A quantum deep field [1]_ combines learned atomic orbitals into molecular ones on a grid of points around
    each atom, and feeds these to a network whose outputs are added up over the points and give the property
    by a linear layer. A second network predicts the potential of the nuclei from the electron density
    (Hohenberg and Kohn), which constrains the orbitals physically. The input of the linear layer, the sum
    over the points, is the descriptor [2]_. It has one length for molecules of all sizes, so that what is
    learned from small ones can be used for larger ones.

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
        Number of molecular orbitals, width of the networks, and length of the descriptor.
    n_layers : int, default=3
        Number of layers of each network.
    radius, spacing : float, default=0.75, 0.3
        Radius of the ball of grid points around each atom, and spacing of the grid, in Å.
    radial : {"gaussian", "slater"}, default="gaussian"
        Shape of the atomic orbitals. Slater-type ones have a cusp at the nucleus, and were less accurate.
        There are as many as in a 6-31G basis, with learned exponents and no angular part.
    align : bool, optional
        Turn molecules into the principal axes of their nuclear charges first. The descriptor then does not
        change when a molecule is turned, except for highly symmetric ones (two equal moments). Default: True
        in training; with `pretrained` and `init` as they were trained, which is False for the authors'
        network. Set True for molecules that are not from QM9 (see the notes).
    cutoff : float, optional
        Distance, in Å, where atomic orbitals end: atoms farther apart do not see each other. Default: no
        end, as published.
    potential : {"gaussian", "coulomb"}, default="gaussian"
        Potential of the nuclei that is predicted from the density: -Z exp(-d²) as published, or -Z/d.
    potential_weight : float, default=1.0
        Weight of the potential term, which is relative to the mean square of the potential, compared with
        the property term of the loss.
    pooling : {"auto", "sum", "mean"}, default="auto"
        Whether a property is extensive, a sum over the points of the molecule, or intensive, a mean.
        ``"auto"`` decides for each property: by the numbers of atoms of each element, or by their shares,
        whichever explains it better.
    init : fitted QDDTransformer, optional
        Training starts from its weights; its architecture is used instead of the one here. Where all of it
        is carried over and the properties are spread like its own, within a factor of five, its predictions
        are corrected; otherwise the head starts from random weights. It is never changed. ``clone`` keeps it
        as it is; in a grid of GridSearchCV wrap it in :class:`sklearn.frozen.FrozenEstimator`.
    carry : str or list of str, optional
        Parts that are taken over from `init`; the others start from random weights. ``"orbitals"``,
        ``"functional"``, ``"map"`` (from density to potential), ``"head"``. Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is trained after
        all, as in ``{"orbitals": 10}``.
    learning_rate : float, optional
        The largest one of the cycle. Default: 0.01, or 0.001 from `init`.
    max_epochs : int, optional
        Passes over the training molecules. Default: 20, and on small sets more, until 1000 steps, but not
        from `init`. 0 gives random orbitals, or those of `init`, with a fitted head, to compare with.
    batch_size : int, default=8
        Molecules in a training step.
    weight_decay : float, default=0.01
        Weight decay of Muon and AdamW.
    validation_fraction : float, default=0.1
        Share of the molecules that is held out, but at least thirty, or a third where there are few. The
        weights of the epoch with the smallest error on them are kept, and the initial ones if training did
        not lower it (few molecules often cannot teach more than random orbitals give). Where fewer than
        ten would be held out, none are: the last weights are kept, or those of `init`. 0: the last.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of matrix products during training. The second is faster on processors that have it, and
        less accurate. Prediction is always in single precision.
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
        Contribution of each element to a property, in the unit of y: per atom if the property is a sum, per
        share of the atoms if it is a mean. It is fitted first, and the network learns the rest.
    center_, scale_ : ndarray of shape (n_targets,)
        Median and deviation of the rest.
    align_ : bool
    improved_ : bool or None
        Whether training lowered the error on the molecules held out by more than its standard error; None
        without these. (They have chosen the epoch too.)
    n_features_in_ : int
        1: the column of molecules.
    n_targets_ : int
    target_names_ : list of str or None
        The columns of y, if it is a DataFrame.

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
        Training did not help: the initial weights were kept, and only the head was fitted. A structure is
        periodic: the atoms in its cell are taken as a molecule.

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

    _module_params = ("size", "n_layers", "radius", "spacing", "radial", "cutoff", "potential")

    _parameter_constraints: dict = {
        "pretrained": [str, os.PathLike, None],
        "hidden_dim": [POSITIVE_INT],
        "n_layers": [POSITIVE_INT],
        "radius": [POSITIVE],
        "spacing": [POSITIVE],
        "radial": [StrOptions({"gaussian", "slater"})],
        "align": ["boolean", None],
        "cutoff": [POSITIVE, None],
        "potential": [StrOptions({"gaussian", "coulomb"})],
        "potential_weight": [NOT_NEGATIVE],
        "pooling": [StrOptions({"auto", "sum", "mean"})],
        **START,
        **TRAINING,
        "learning_rate": [POSITIVE, None],
        "max_epochs": [Interval(Integral, 0, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 0.5, closed="left")],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "on_error": [StrOptions({"raise", "nan"})],
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
        pooling="auto",
        init=None,
        carry=None,
        freeze=None,
        learning_rate=None,
        max_epochs=None,
        batch_size=8,
        weight_decay=0.01,
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
        self.pooling = pooling
        self.init = init
        self.carry = carry
        self.freeze = freeze
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.precision = precision
        self.on_error = on_error
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @plain_torch()
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
            Weights of the molecules in training. Those with the weight 0 are left out.

        Returns
        -------
        self : QDDTransformer
        """
        self._validate_params()
        structures = read_molecules(X)
        self.n_features_in_ = 1
        if self.pretrained is not None:
            load_pretrained(self)
            self._known(structures)
            return self
        if y is None:
            raise ValueError(
                "`fit` needs y unless `pretrained` is set: give properties of the molecules, or use "
                "QDDTransformer.from_pretrained('qdf-qm9under14-atomization')."
            )
        labels = labelled(read_labels(self, y, len(structures), sample_weight))
        structures = structures.take(labels.rows)
        source = self._check_init()
        module = self._module_of(source)
        check_grid(module)
        self._find_elements(structures, source)
        self.align_ = self._aligns(source is None or source.align_)
        graph = self._graph(structures)
        known = None if source is None else source._network_outputs(graph.to(source.device))
        continues = continues_init(self, source, known, structures, labels.Y)
        target = take_off(self, structures, labels.Y, *((source, known) if continues else (None, 0.0)))
        rng = check_random_state(self.random_state)
        held = np.zeros(len(labels), dtype=bool)
        if self.validation_fraction:
            held = held_out(np.arange(len(labels)), self.validation_fraction, rng)
        train_orbitals(self, graph, target, labels.balanced(), held, source, continues, module, rng)
        return self

    @plain_torch()
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
        structures = read_molecules(X)
        known = self._known(structures)
        features = np.full((len(structures), self.net_.module_.head.in_features), np.nan)
        if known.any():
            graph = self._graph(structures.take(known))
            total = descriptors(self.net_.module_, graph)
            mean = self.net_.module_.pooled(graph, total)[1]
            features[known] = (total if "sum" in self.pooling_ else mean).cpu().numpy()
        return features

    @plain_torch()
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
        structures = read_molecules(X)
        known = self._known(structures)
        prediction = np.full((len(structures), self.n_targets_), np.nan)
        if known.any():
            some = structures.take(known)
            prediction[known] = elemental(self, some) + self._network_outputs(self._graph(some))
        return prediction.ravel() if self._single_target else prediction

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
            "size": self.hidden_dim,
            "n_layers": self.n_layers,
            "radius": self.radius,
            "spacing": self.spacing,
            "radial": self.radial,
            "cutoff": np.inf if self.cutoff is None else self.cutoff,
            "potential": self.potential,
        }

    def _nets(self):
        return [self.net_]

    def _find_elements(self, structures, source):
        """Set the elements that may be transformed."""
        present = set(SYMBOLS[structures.numbers])
        check_basis(structures)
        self._check_new_elements(source, present, "orbitals", "orbitals")
        if source is not None and "orbitals" in self._carried():
            present |= set(source.elements_)
        self.elements_ = [symbol for symbol in ELEMENTS if symbol in present]

    def _network_outputs(self, graph):
        """Return what the network adds to the elements, ndarray of shape (n_samples, n_targets)."""
        return self.center_ + self.scale_ * outputs(self.net_.module_, graph)

    def _aligns(self, default):
        return default if self.align is None else self.align

    def _axes(self, structures):
        """Axes that each molecule is turned into, in columns: ndarray of shape (n_samples, 3, 3)."""
        return principal_axes(structures) if self.align_ else np.tile(np.eye(3), (len(structures), 1, 1))

    def _graph(self, structures):
        return make_graph(structures, self._axes(structures), self.device)

    def _known(self, structures):
        """Which molecules have known elements only; an error if others are to raise one."""
        if self.on_error == "raise":
            self._check_elements(structures)
        counts = structures.counts()
        counts[:, [NUMBERS[symbol] for symbol in self.elements_]] = 0
        return ~counts.any(axis=1)
