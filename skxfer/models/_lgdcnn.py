"""LGDCNNRegressor: properties of a compound from its formula alone, with transfer by fine-tuning."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._optional import require
from ..featurizers._composition import load_elements
from ..formulas import ELEMENTS, TakesFormulas, composition_groups, parse_formulas, sorted_elements
from ..inputs import check_targets, check_weights, n_rows
from .base.calibration import MIN_HELD_OUT, held_out, laplace_variance
from .base.init import StartsFromFitted
from .base.training import in_chunks, moments, tensors, train_net

VARIANTS = ("lgdcnn", "v1", "v2", "ldcnn", "lstm", "dcnn", "dcnn-k1")
# Fewer steps than this leave a network far from what the same rows can teach it; from a trained one it takes
# fewer, and more of them overwrite what it knew of a related property.
MIN_STEPS, MIN_STEPS_FROM_INIT = 1000, 400
# Formulas go through the networks in parts of this size, so that memory hardly grows with their number.
PART_SIZE = 50_000
MAT2VEC_DEVIATION = 0.306
SYMBOLS = np.array(["", *ELEMENTS], dtype=object)


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
    jitter : float, default=0.02
        Relative standard deviation of a noise on the fractions in training.
    init : fitted LGDCNNRegressor, optional
        Training starts from its weights; its `variant`, `embedding`,
        `hidden_dim`, `n_blocks` and `pooling` are used instead of the ones here.
        The head is new where the number of targets differs. It is never changed.
        ``clone`` keeps it as it is; in a grid of GridSearchCV wrap it in
        :class:`sklearn.frozen.FrozenEstimator`.
    carry : str or list of str, optional
        Parts that are taken over from `init`, the others begin anew: ``"embedding"``, ``"global"``,
        ``"local"``, ``"head"`` (with the weights of attention pooling). Default: all.
    freeze : str, list of str or dict of str to int, optional
        Parts that keep the weights of `init`. A dict says from which epoch on a part is
        trained after all, as in ``{"embedding": 20, "global": 10}``.
    learning_rate : float, optional
        The largest one of the cycle. Default: 0.003, and 0.001 from `init`.
    max_epochs : int, default=40
        More where that makes fewer steps than `extend` asks for.
    extend : bool, default=True
        Train small sets for more epochs, until 1000 steps, or 400 from `init`.
    batch_size : int, optional
        Default: a 25th of the rows, within 32 and 128.
    weight_decay : float, default=0.01
    n_members : int, default=1
        Networks that are trained from different weights and averaged.
    calibration : float or None, default=0.1
        Error bars: the share of the compositions (of few, up to a third) that one
        further network does not see, and on which the errors it expects are
        compared with those it makes. Uncalibrated ones are far too narrow. None: no error bars, and a
        fit less.
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
    calibration_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times the
        variance that the networks expect.
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
    >>> model = LGDCNNRegressor(max_epochs=5, extend=False, random_state=0).fit(formulas, gap)
    >>> model.predict(["ClNa", "Na2Cl2", "LiF"]).shape
    (3,)
    """

    _parts = {
        "embedding": ["embedding.*"],
        "global": ["global_part.*"],
        "local": ["local_part.*"],
        "head": ["head.*", "weigh.*"],
    }

    _parameter_constraints: dict = {
        "variant": [StrOptions(set(VARIANTS))],
        "embedding": [StrOptions({"matscholar"}), pd.DataFrame],
        "hidden_dim": [Interval(Integral, 4, None, closed="left")],
        "n_blocks": [Interval(Integral, 0, None, closed="left")],
        "pooling": [StrOptions({"mean", "fraction", "attention"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "jitter": [Interval(Real, 0, None, closed="left")],
        "init": [BaseEstimator, None],
        "carry": [str, list, tuple, None],
        "freeze": [str, list, tuple, dict, None],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "extend": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "calibration": [Interval(Real, 0, 0.34, closed="neither"), None],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
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
        max_epochs=40,
        extend=True,
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
        self.extend = extend
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.n_members = n_members
        self.calibration = calibration
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Train on formulas and their properties.

        Ctrl-C ends the training and keeps what was learned, without error bars.

        Parameters
        ----------
        X : sequence of length n_samples
            Formulas: see :func:`skxfer.formulas.parse_formulas`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            In any unit. NaN marks a missing label.
        sample_weight : array-like of shape (n_samples,), optional
            Of the rows in training; error bars are calibrated without weights.

        Returns
        -------
        self : LGDCNNRegressor
        """
        self._validate_params()
        require("torch")
        require("skorch")
        from ..nn.batches import TensorRows
        from ..nn.lgdcnn import LGDCNN
        from ..nn.losses import RobustL1

        fractions = parse_formulas(X)
        Y = check_targets(y, fractions.shape[0])
        self._single_target, self.n_targets_ = np.asarray(y).ndim == 1, Y.shape[1]
        self.target_names_ = [str(name) for name in y.columns] if isinstance(y, pd.DataFrame) else None
        weight = np.ones(len(Y)) if sample_weight is None else check_weights(sample_weight, Y)
        weight = weight[:, None] * ~np.isnan(Y)
        kept = np.flatnonzero(weight.any(axis=1))
        fractions, Y, weight = fractions[kept], Y[kept], weight[kept]
        if not weight.any(axis=0).all():
            raise ValueError(
                f"Target {np.flatnonzero(~weight.any(axis=0))[0]} has no label with a sample_weight above 0."
            )
        source = self._check_init()
        architecture = self._architecture() if source is None else source._module_params()
        _check_elements(fractions, architecture["module__table"], kept)
        self.elements_ = [ELEMENTS[column] for column in np.unique(fractions.indices)]
        self.center_, self.scale_ = moments(Y, weight)
        composition = composition_groups(fractions)
        _warn_of_conflicts(composition, Y, self.scale_, kept)
        min_steps = (MIN_STEPS if source is None else MIN_STEPS_FROM_INIT) if self.extend else 0

        def plan(n):
            batch_size = self.batch_size or min(max(n // 25, 32), 128)
            n_batches = -(-n // batch_size)
            return batch_size, max(self.max_epochs, -(-min_steps // n_batches))

        head_is_new = source is not None and source.n_targets_ != self.n_targets_
        freezers = self._check_freeze(plan(len(Y))[1], head_is_new)

        def train(rows, member):
            batch_size, max_epochs = plan(len(Y[rows]))
            inputs = {"number": number[rows], "fraction": fraction[rows]}
            labels = {
                "target": np.nan_to_num((Y[rows] - self.center_) / self.scale_),
                "weight": weight[rows] / weight.mean(axis=0),
            }
            net = train_net(
                LGDCNN,
                RobustL1,
                TensorRows(tensors(inputs), tensors(labels)),
                learning_rate=self.learning_rate or (3e-3 if source is None else 1e-3),
                max_epochs=max_epochs,
                batch_size=batch_size,
                weight_decay=self.weight_decay,
                seed=rng.randint(np.iinfo(np.int32).max),
                device=self.device,
                verbose=self.verbose,
                start=None if source is None else source.nets_[member % len(source.nets_)],
                carry=self._patterns(self._carried()),
                callbacks=freezers(),
                module__n_targets=self.n_targets_,
                module__dropout=self.dropout,
                module__jitter=self.jitter,
                **architecture,
            )
            return net, len(net.history) == max_epochs

        rng = check_random_state(self.random_state)
        number, fraction = sorted_elements(fractions)
        self.nets_, self.calibration_ = [], None
        for member in range(self.n_members):
            net, complete = train(slice(None), member)
            if complete or not self.nets_:
                self.nets_.append(net)
            if not complete:
                return self
        if self.calibration is not None:
            held = held_out(composition, self.calibration, rng)
            if held.any():
                net, complete = train(~held, 0)
                if complete:
                    self.calibration_ = self._calibrate(net, number[held], fraction[held], Y[held])
        return self

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
            self._check_calibrated()
        outputs = self._table_of(X, "forward")  # (n_samples, n_members, n_targets, 2)
        mean = outputs[..., 0].mean(axis=1, dtype=float) * self.scale_ + self.center_
        mean = mean.ravel() if self._single_target else mean
        if not return_std:
            return mean
        constant, factor = self.calibration_.T
        expected = np.exp(2.0 * outputs[..., 1]).mean(axis=1, dtype=float) * self.scale_**2
        disagreement = outputs[..., 0].var(axis=1, dtype=float) * self.scale_**2
        std = np.sqrt(np.maximum(constant + factor * expected, disagreement))
        return mean, std.ravel() if self._single_target else std

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
                stacklevel=2,
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
        if self.hidden_dim % 4:
            raise ValueError(f"hidden_dim must be a multiple of four, it is {self.hidden_dim}.")
        return {
            "module__table": element_table(self.embedding),
            "module__size": self.hidden_dim,
            "module__n_blocks": self.n_blocks,
            "module__variant": self.variant,
            "module__pooling": self.pooling,
        }

    def _module_params(self):
        """Return what `_architecture` made in fit."""
        given = self.nets_[0].get_params(deep=False)
        names = ("table", "size", "n_blocks", "variant", "pooling")
        return {f"module__{name}": given[f"module__{name}"] for name in names}

    def _check_calibrated(self):
        if self.calibration_ is None:
            raise ValueError(
                f"There are no error bars: the fit had calibration={self.calibration}, too few compositions, "
                f"or was interrupted. Set calibration=0.1 and fit on {3 * MIN_HELD_OUT} of them or more."
            )
        few = np.isnan(self.calibration_).any(axis=1)
        if few.any():
            raise ValueError(
                f"There are no error bars for target {np.flatnonzero(few)[0]}: of the compositions held out, "
                f"fewer than {MIN_HELD_OUT} have a label of it. Raise calibration, or predict without them."
            )

    def _calibrate(self, net, number, fraction, Y):
        """Fit the error bars to the errors of a network on rows it did not see.

        Returns
        -------
        ndarray of shape (n_targets, 2)
            The squared error is the first plus the second times the variance that the network expects.
        """
        outputs = in_chunks(net.module_, {"number": number, "fraction": fraction}, net.device)
        error = np.abs(outputs[..., 0] * self.scale_ + self.center_ - Y)
        expected = np.exp(2.0 * outputs[..., 1]) * self.scale_**2
        return np.array([laplace_variance(e, v) for e, v in zip(error.T, expected.T, strict=True)])

    def _table_of(self, X, method):
        """Return outputs that have one row per formula: (n_samples, n_members, ...)."""
        table = None
        for rows, _, output in self._run(X, method):
            if table is None:
                table = np.empty((n_rows(X), *output.shape[1:]), output.dtype)
            table[rows] = output
        return table

    def _run(self, X, method):
        """Apply a method of every member's module to formulas with the same number of elements at a time.

        Yields
        ------
        rows : ndarray of int, shape (n_rows,)
        number : ndarray of int, shape (n_rows, n_elements)
            Atomic numbers.
        output : ndarray of shape (n_rows, n_members, ...)
        """
        check_is_fitted(self, "nets_")
        fractions = parse_formulas(X)
        n = fractions.shape[0]
        if not n:
            raise ValueError("Found 0 formulas while a minimum of 1 is required.")
        _check_elements(fractions, self.nets_[0].module__table, np.arange(n))
        firsts = range(0, n, PART_SIZE)
        if self.verbose:
            from tqdm import tqdm

            firsts = tqdm(firsts, unit_scale=PART_SIZE, unit="formula")
        for first in firsts:
            number, fraction = sorted_elements(fractions[first : first + PART_SIZE])
            count = (number > 0).sum(axis=1)
            for length in np.unique(count):
                rows = np.flatnonzero(count == length)
                inputs = {"number": number[rows, :length], "fraction": fraction[rows, :length]}
                outputs = [
                    in_chunks(getattr(net.module_.eval(), method), inputs, net.device) for net in self.nets_
                ]
                yield first + rows, inputs["number"], np.stack(outputs, axis=1)


def element_table(embedding):
    """Return properties of the elements by atomic number.

    Parameters
    ----------
    embedding : "matscholar" or DataFrame indexed by symbol

    Returns
    -------
    ndarray of shape (119, n_properties)
        NaN where an element is absent. The row 0 stands for none.
    """
    table = load_elements(embedding, impute_nan=False)[2]
    if isinstance(embedding, str):
        table = table - np.nanmean(table, axis=0)
        table *= MAT2VEC_DEVIATION / np.nanstd(table)
    return np.vstack([np.full(table.shape[1], np.nan), table])


def _check_elements(fractions, table, rows):
    """Raise an error for an element that the embedding does not have; `rows` are the row numbers."""
    absent = np.isnan(table[1:]).any(axis=1)
    bad = absent[fractions.indices]
    if bad.any():
        places = np.repeat(np.arange(fractions.shape[0]), np.diff(fractions.indptr))[bad]
        symbol = ELEMENTS[fractions.indices[bad][0]]
        raise ValueError(
            f"Row {rows[places[0]]} has the element {symbol}, which the embedding does not have "
            f"({len(np.unique(places))} such rows). Drop them, or give an embedding that has it."
        )


def _warn_of_conflicts(composition, Y, scale, rows):
    """Warn of compositions that occur more than once with different labels; `rows` are the row numbers."""
    if composition.max() + 1 == len(Y):
        return
    of_formula = pd.DataFrame(Y / scale).groupby(composition)
    spread = of_formula.max() - of_formula.min()
    differ = (spread > 0).any(axis=1)
    if differ.any():
        widest = spread.max(axis=1).idxmax()
        target = spread.loc[widest].idxmax()
        warnings.warn(
            f"{differ.sum()} composition(s) have several rows with different labels "
            f"({differ.to_numpy()[composition].sum()} rows; widest apart: the one of row "
            f"{rows[composition == widest][0]}, by {spread.loc[widest, target] * scale[target]:.4g}). A "
            "formula alone cannot tell them apart: keep the phase that matters, or their mean.",
            stacklevel=3,
        )
