"""LGDCNNRegressor: properties of a compound from its formula alone, with transfer by fine-tuning."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ...formulas import ELEMENTS, TakesFormulas, composition_groups, parse_formulas, sorted_elements
from ...inputs import n_rows
from ..base.calibration import MIN_HELD_OUT, check_error_bars, held_out, standard_deviation
from ..base.init import StartsFromFitted
from ..base.labels import labelled, moments, read_labels
from ..base.members import train_members
from ..base.parameters import (
    NOT_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    SHARE_BELOW_ONE,
    START,
    TRAINING,
    check_multiple_of_four,
)
from ..base.torch_state import plain_torch
from ._elements import SYMBOLS, check_elements, element_table, warn_of_conflicts
from ._members import calibrate, outputs_by_length, trainer

VARIANTS = ("lgdcnn", "v1", "v2", "ldcnn", "lstm", "dcnn", "dcnn-k1")


class LGDCNNRegressor(TakesFormulas, StartsFromFitted, RegressorMixin, TransformerMixin, BaseEstimator):
    """Network over the elements of a formula: recurrent and convolutional layers, a mean over elements.

    The elements of a formula, in order of falling atomic fraction, become
    vectors: an embedding learned from the literature of the field, plus sines and
    cosines of the fraction. Recurrent layers that read them both ways (global),
    then convolutions (local), let each element see the others; the property is
    the mean of what each element then says [1]_. The elements of a batch are one
    list without any padding: predictions do not depend on the other formulas, on
    the order in which elements are written, or on the length of the longest
    formula. Where the fractions of two elements cross, their order flips and
    the prediction may jump a little; and with ``pooling="mean"`` a trace counts as a full element: for
    dopants, try ``pooling="fraction"``.

    Transfer: train on a large set, then ``LGDCNNRegressor(init=source)`` on a
    small one. :class:`skxfer.transfer.TransferCV` finds out whether that helps.

    Parameters
    ----------
    variant : {"lgdcnn", "v1", "v2", "ldcnn", "lstm", "dcnn", "dcnn-k1"}, default="v1"
        The networks of [1]_. ``"lgdcnn"``: LSTM, GRU, each with soft attention,
        then the convolutions. ``"v1"``: also the sum of their outputs, and a
        maximum over neighbours. ``"v2"``: self-attention instead of soft. ``"ldcnn"``: LSTM and
        convolutions. ``"lstm"``, ``"dcnn"``, ``"dcnn-k1"``: one of the two alone; in
        the last no element sees another.
    embedding : "matscholar" or DataFrame, default="matscholar"
        Properties of the elements. ``"matscholar"``: the word vectors that
        matminer holds, centred and scaled to the spread of mat2vec. A DataFrame is
        indexed by symbol, such as :func:`skxfer.datasets.fetch_element_embedding`
        returns, and used as it is: scale it to a deviation of about 0.3.
    hidden_dim : int, default=128
        Width of the feature map, a multiple of four.
    n_blocks : int, default=2
        Blocks of two convolutions.
    pooling : {"mean", "fraction", "attention"}, default="mean"
        How the elements are weighed: alike, by atomic fraction, or as learned.
    dropout : float, default=0.0
        Share of values that are set to zero in training.
    jitter : float, default=0.02
        Relative standard deviation of the noise that training adds to the fractions.
    init : fitted LGDCNNRegressor, optional
        Training starts from its weights; its `variant`, `embedding`,
        `hidden_dim`, `n_blocks` and `pooling` are used instead of the ones here.
        The head is new where the number of targets differs. It is never changed.
        ``clone`` keeps it as it is; in a grid of GridSearchCV wrap it in
        :class:`sklearn.frozen.FrozenEstimator`.
    carry : str or list of str, optional
        Parts that are taken over from `init`; the others start from random weights. ``"embedding"``,
        ``"global"``, ``"local"``, ``"head"`` (with the weights of attention pooling). Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is
        trained after all, as in ``{"embedding": 20, "global": 10}``.
    learning_rate : float, optional
        The largest one of the cycle. Default: 0.003, and 0.001 from `init`.
    max_epochs : int, optional
        Passes over the training rows. Default: 40, and on small sets more, until 1000 steps, or 400 from
        `init`.
    batch_size : int, optional
        Formulas in a training step. Default: a 25th of the rows, within 32 and 128.
    weight_decay : float, default=0.01
        Weight decay of AdamW.
    n_members : int, default=1
        Networks that are trained from different weights and averaged.
    calibration : float or None, default=0.1
        Share of the compositions (up to a third, where there are few) held out from one more network, on
        which the errors that it expects are compared with those that it makes: error bars without this
        are far too narrow. None: no error bars, and one fit less.
    device : str, default="cpu"
        Where torch computes, such as ``"cuda"``.
    verbose : int, default=0
        Above 0: a line for each epoch, and a bar in long predictions.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    nets_ : list of skorch.NeuralNet
        One for each member.
    elements_ : list of str
        Symbols of the elements in the training formulas.
    variance_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times the
        variance that the networks expect. None without error bars.
    center_, scale_ : ndarray of shape (n_targets,)
        Mean and standard deviation of the labels.
    n_targets_ : int
    target_names_ : list of str or None
        The columns of y, if it is a DataFrame.

    Raises
    ------
    ImportError
        torch or skorch is not installed, or matminer for an embedding by name.
    TypeError, ValueError
        As :func:`skxfer.formulas.parse_formulas` for X; an element that the
        embedding does not have (naming row and symbol); a target without labels.

    See Also
    --------
    skxfer.featurizers.CompositionFeaturizer : Descriptors of formulas for any other learner.
    skxfer.transfer.TransferCV : Cross-validated choice of scratch, fine-tuned and frozen.
    skxfer.metrics.masked_scorer : Scores where labels are missing, which ``score`` refuses.
    skxfer.model_selection.cecv : Chemical environments that a fitted model tells apart.

    References
    ----------
    .. [1] Du, H. et al., J. Chem. Theory Comput. 2024, doi:10.1021/acs.jctc.4c00187.

    Examples
    --------
    >>> from skxfer import LGDCNNRegressor
    >>> formulas, gap = ["NaCl", "MgO", "Fe", "Cu3Au", "TiO2", "KBr"], [5.0, 4.5, 0.0, 0.0, 1.8, 4.3]
    >>> model = LGDCNNRegressor(max_epochs=5, random_state=0).fit(formulas, gap)
    >>> model.predict(["ClNa", "Na2Cl2", "LiF"]).shape
    (3,)
    """

    _parts = {
        "embedding": ["embedding.*"],
        "global": ["global_part.*"],
        "local": ["local_part.*"],
        "head": ["head.*", "weigh.*"],
    }

    _module_params = ("table", "size", "n_blocks", "variant", "pooling")

    _parameter_constraints: dict = {
        "variant": [StrOptions(set(VARIANTS))],
        "embedding": [StrOptions({"matscholar"}), pd.DataFrame],
        "hidden_dim": [Interval(Integral, 4, None, closed="left")],
        "n_blocks": [Interval(Integral, 0, None, closed="left")],
        "pooling": [StrOptions({"mean", "fraction", "attention"})],
        "dropout": [SHARE_BELOW_ONE],
        "jitter": [NOT_NEGATIVE],
        **START,
        **TRAINING,
        "learning_rate": [POSITIVE, None],
        "batch_size": [POSITIVE_INT, None],
        "n_members": [POSITIVE_INT],
        "calibration": [Interval(Real, 0, 0.34, closed="neither"), None],
    }

    def __init__(
        self,
        *,
        variant="v1",
        embedding="matscholar",
        hidden_dim=128,
        n_blocks=2,
        pooling="mean",
        dropout=0.0,
        jitter=0.02,
        init=None,
        carry=None,
        freeze=None,
        learning_rate=None,
        max_epochs=None,
        batch_size=None,
        weight_decay=0.01,
        n_members=1,
        calibration=0.1,
        device="cpu",
        verbose=0,
        random_state=None,
    ):
        self.variant = variant
        self.embedding = embedding
        self.hidden_dim = hidden_dim
        self.n_blocks = n_blocks
        self.pooling = pooling
        self.dropout = dropout
        self.jitter = jitter
        self.init = init
        self.carry = carry
        self.freeze = freeze
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.n_members = n_members
        self.calibration = calibration
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @plain_torch()
    def fit(self, X, y, sample_weight=None):
        """Train on formulas and their properties.

        Ctrl-C ends the training and keeps what was learned, without error bars.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas: see :func:`skxfer.formulas.parse_formulas`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Labels in any unit. NaN marks a missing label.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows in training; rows with the weight 0 are left out. Error bars are calibrated
            without weights.

        Returns
        -------
        self : LGDCNNRegressor
        """
        self._validate_params()
        fractions = parse_formulas(X)
        labels = labelled(read_labels(self, y, fractions.shape[0], sample_weight))
        fractions = fractions[labels.rows]
        source = self._check_init()
        module = self._module_of(source)
        check_elements(fractions, module["module__table"], labels.rows)
        self.elements_ = [ELEMENTS[column] for column in np.unique(fractions.indices)]
        self.center_, self.scale_ = moments(labels.Y, labels.weight)
        composition = composition_groups(fractions)
        warn_of_conflicts(composition, labels, self.scale_)
        rng = check_random_state(self.random_state)
        elements = sorted_elements(fractions)
        train = trainer(self, elements, labels, source, module, rng)
        self.variance_ = None
        self.nets_, complete = train_members(lambda member: train(slice(None), member), self.n_members)
        if complete and self.calibration is not None:
            held = held_out(composition, self.calibration, rng)
            net, complete = train(~held, 0) if held.any() else (None, False)
            if complete:
                self.variance_ = calibrate(self, net, elements, labels.Y, held)
        return self

    @plain_torch()
    def predict(self, X, return_std=False):
        """Predict the targets.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas. They go through the networks in parts of 50 000.
        return_std : bool, default=False
            Also return a standard deviation: what the networks expect of
            their own error, as calibrated on compositions held out, or how far
            they disagree, whichever is larger. The errors follow a Laplace
            distribution rather than a normal one: about 76 % are within one
            standard deviation, 94 % within two.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.

        Raises
        ------
        ValueError
            `return_std` after a fit without calibration, or with too few rows or labels for it; no formulas.
        """
        check_is_fitted(self, "nets_")
        if return_std:
            self._check_error_bars()
        outputs = self._table_of(X, "forward")  # (n_samples, n_members, n_targets, 2)
        mean = outputs[..., 0].mean(axis=1, dtype=float) * self.scale_ + self.center_
        mean = mean.ravel() if self._single_target else mean
        if not return_std:
            return mean
        expected = np.exp(2.0 * outputs[..., 1]).mean(axis=1, dtype=float) * self.scale_**2
        disagreement = outputs[..., 0].var(axis=1, dtype=float) * self.scale_**2
        std = np.maximum(standard_deviation(self.variance_, expected), np.sqrt(disagreement))
        return mean, std.ravel() if self._single_target else std

    @plain_torch()
    def transform(self, X):
        """Return the feature map averaged over the elements, as features for another learner.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas.

        Returns
        -------
        ndarray of shape (n_samples, n_members * hidden_dim)
        """
        pooled = self._table_of(X, "pooled")
        return pooled.reshape(len(pooled), -1)

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
        names = [f"lgdcnn{member}_{k}" for member in range(len(self.nets_)) for k in range(size)]
        return np.array(names, dtype=object)

    @plain_torch()
    def element_feature_map(self, X):
        """Return what the network knows of each element in the surroundings of its formula.

        With ``variant="v1"`` the two elements of a binary have the same features: see
        :meth:`element_contributions`.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas.

        Returns
        -------
        list of DataFrame of shape (n_elements, n_members * hidden_dim)
            For each formula; the index holds the symbols, in order of falling fraction.
        """
        names = self.get_feature_names_out()
        maps = {}
        for rows, number, output in self._run(X, "feature_map"):
            output = output.transpose(0, 2, 1, 3).reshape(*number.shape, -1)
            for row, symbols, values in zip(rows, SYMBOLS[number], output, strict=True):
                maps[row] = pd.DataFrame(values, index=symbols, columns=names)
        return [maps[row] for row in range(len(maps))]

    @plain_torch()
    def element_contributions(self, X):
        """Return what each element says of the targets; a formula's prediction is the mean over its elements.

        With the default ``variant="v1"`` both elements of a binary say the same,
        since each ends up with the larger of their features: there, use another
        variant (such as ``"lgdcnn"``) to tell them apart.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas.

        Returns
        -------
        DataFrame of shape (n_samples, n_elements)
            In the unit of y, NaN where a formula lacks an element; with columns for each
            symbol, or for several targets for each (target, symbol).
        """
        check_is_fitted(self, "nets_")
        n, binary = n_rows(X), False
        table = np.full((n, self.n_targets_, len(SYMBOLS)), np.nan)
        for rows, number, output in self._run(X, "contributions"):
            binary |= number.shape[1] == 2
            values = number.shape[1] * output.mean(axis=1) * self.scale_ + self.center_
            table[rows[:, None], :, number] = values
        if binary and self.nets_[0].module__variant == "v1":
            warnings.warn(
                'With variant="v1" both elements of a binary contribute the same. Train with '
                'variant="lgdcnn" to tell them apart.',
                stacklevel=3,
            )
        present = np.flatnonzero(~np.isnan(table).all(axis=(0, 1)))
        columns = list(SYMBOLS[present])
        if not self._single_target:
            names = self.target_names_ or list(range(self.n_targets_))
            columns = pd.MultiIndex.from_product([names, columns], names=["target", "element"])
        return pd.DataFrame(table[:, :, present].reshape(n, -1), columns=columns)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _architecture(self):
        check_multiple_of_four("hidden_dim", self.hidden_dim)
        return {
            "table": element_table(self.embedding),
            "size": self.hidden_dim,
            "n_blocks": self.n_blocks,
            "variant": self.variant,
            "pooling": self.pooling,
        }

    def _check_error_bars(self):
        check_error_bars(
            self.variance_,
            f"the fit had calibration={self.calibration}, too few compositions, or was interrupted. Set "
            f"calibration=0.1 and fit on {3 * MIN_HELD_OUT} of them or more.",
            f"fewer than {MIN_HELD_OUT} of the compositions held out have a label of it. Raise calibration, "
            "or predict without them.",
        )

    def _table_of(self, X, method):
        """Return outputs that have one row per formula: (n_samples, n_members, ...)."""
        table = None
        for rows, _, output in self._run(X, method):
            if table is None:
                table = np.empty((n_rows(X), *output.shape[1:]), output.dtype)
            table[rows] = output
        return table

    def _run(self, X, method):
        """Yield rows, atomic numbers and outputs of all members, as :func:`outputs_by_length`."""
        check_is_fitted(self, "nets_")
        return outputs_by_length(self.nets_, X, method, self.verbose)
