"""FeatureTransfer: a frozen encoder's features, then any regressor."""

import numpy as np
import pandas as pd
from joblib import Memory
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory

from ..inputs import check_names, check_targets, check_weights, n_rows, naming_missing_values
from ..learners import KeepsFitted, check_regressor, fit_learner, predict_learner
from ._encoders import as_table, cached_encode, check_encoders
from ._head import GlobalScaler, SafeHead
from ._routing import RoutesMetadata
from ._rows import read_inputs


class FeatureTransfer(RoutesMetadata, KeepsFitted, TransformerMixin, RegressorMixin, BaseEstimator):
    """Use what a model learned elsewhere as features: a frozen encoder, then any regressor.

    The encoder is used as it is. It is never fitted again and never changed, and
    cloning (as in GridSearchCV) hands it on; among the values of a grid, wrap it in
    :class:`sklearn.frozen.FrozenEstimator`. Beside its features may stand
    the inputs themselves or descriptors of them. Each such block is centred and
    divided by one number, so that the blocks weigh the same and the columns of a
    block keep their relative scales.

    Parameters
    ----------
    encoder : fitted transformer, (net, layer), list or None, default=None
        Anything fitted that has ``transform``: a model of this package, a
        Pipeline, a :class:`sklearn.frozen.FrozenEstimator`. Or a fitted skorch
        net and the name of one of its layers (as in ``net.module_.named_modules()``),
        whose outputs are the features. Or several side by side, as a list of
        ``(name, transformer)`` and ``(name, net, layer)``. None: there is no
        encoder, and without `passthrough` X itself is the features.
    estimator : regressor, optional
        The head, trained on the features of the target rows. Default: kernel
        ridge regression with view and penalty chosen by leaving one out, which
        predicts the mean of the labels unless it is clearly better, and does not
        leave the range of the labels by more than a fifth of it.
    passthrough : {"raw"}, bool, transformer or list of (str, transformer), default=None
        Blocks beside the encoder's. ``"raw"`` or True: the columns of X that
        hold numbers. A transformer, or several with names: their clones are
        fitted on the target rows. ``"raw"`` may stand in the list. None or
        False: no such block.
    memory : str or joblib.Memory, optional
        Keeps the features of the encoders on disk, under the contents of the
        encoder and of X, so that a search over heads computes them once.

    Attributes
    ----------
    encoders_ : list of (str, fitted transformer, str or None)
        Name, encoder as it was given, layer.
    passthrough_ : list of (str, fitted transformer or "raw")
    scalers_ : list of fitted transformers
        Of each block: centre and scale.
    blocks_ : list of (str, int)
        Name and number of features of each block, in order.
    estimator_ : fitted regressor
    n_targets_ : int
    n_features_in_, feature_names_in_
        For tables.

    Raises
    ------
    NotFittedError
        An encoder that is not fitted.
    TypeError
        An encoder without ``transform``, or objects as X without anything that
        makes numbers of them.
    ValueError
        Features that are not finite, or not one row for each row of X.

    See Also
    --------
    HierarchicalTransfer : Sources that predict the target's properties.
    TransferCV : Frozen, fine-tuned or from scratch? Let the target rows decide.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from skxfer import FeatureTransfer
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(relation="related", n_target=20, random_state=0)
    >>> source, target = (data.domain == name for name in ("source_0", "target"))
    >>> encoder = PCA(2).fit(data.data[source])
    >>> model = FeatureTransfer(encoder, passthrough="raw").fit(data.data[target], data.target[target])
    >>> model.blocks_
    [('encoder', 2), ('raw', 5)]
    """

    _kept = "encoder"

    _parameter_constraints: dict = {
        "encoder": [HasMethods("transform"), list, tuple, HasMethods("get_params"), None],
        "estimator": [HasMethods("fit"), None],
        "passthrough": [StrOptions({"raw"}), "boolean", HasMethods(["fit", "transform"]), list, None],
        "memory": [str, Memory, HasMethods("cache"), None],
    }

    def __init__(self, encoder=None, estimator=None, *, passthrough=None, memory=None):
        self.encoder = encoder
        self.estimator = estimator
        self.passthrough = passthrough
        self.memory = memory

    def fit(self, X, y, *, sample_weight=None, **metadata):
        """Train the head on the features of the target rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), sparse matrix, DataFrame or sequence of objects
            What the encoder takes.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_weight : array-like of shape (n_samples,), optional
            Passed to the head.
        **metadata : array-like of shape (n_samples,)
            With metadata routing enabled: passed to the head's ``fit``, if it requests them.

        Returns
        -------
        self : FeatureTransfer
        """
        self._validate_params()
        check_regressor(self.estimator, "estimator")
        X, _ = read_inputs(self, X, reset=True)
        Y = check_targets(y, n_rows(X))
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        with naming_missing_values(X):
            self.open(X, Y, single_target=np.asarray(y).ndim == 1)
            blocks = self.encode_blocks(X)
        return self.fit_blocks(blocks, Y, sample_weight, self._route(len(Y), metadata))

    def open(self, X, Y, *, single_target=False):
        """Check the encoders and fit what stands next to them, but no head yet.

        Parameters
        ----------
        X : inputs of any kind, validated
        Y : ndarray of shape (n_samples, n_targets)
        single_target : bool
            Whether predictions have one dimension.

        Returns
        -------
        self : FeatureTransfer
        """
        self._single_target, self.n_targets_ = single_target, Y.shape[1]
        self.encoders_ = check_encoders(self.encoder)
        self.passthrough_ = self._fit_passthrough(X, Y)
        self._block_names = [name for name, *_ in (*self.encoders_, *self.passthrough_)]
        check_names(self._block_names, "blocks")
        return self

    def keep_encoders(self, names):
        """Leave out all encoders but those of these names, before the head is trained.

        Parameters
        ----------
        names : list of str

        Returns
        -------
        self : FeatureTransfer
        """
        self.encoders_ = [entry for entry in self.encoders_ if entry[0] in names]
        self._block_names = [name for name, *_ in (*self.encoders_, *self.passthrough_)]
        return self

    def fit_blocks(self, blocks, Y, sample_weight=None, metadata=None):
        """Train the head on features that are computed already.

        Parameters
        ----------
        blocks : list of ndarray of shape (n_samples, n_columns)
            From `encode_blocks`.
        Y : ndarray of shape (n_samples, n_targets)
        sample_weight : ndarray of shape (n_samples,) or None
        metadata : dict of str to ndarray of shape (n_samples,), optional
            More arguments of the head's ``fit``.

        Returns
        -------
        self : FeatureTransfer
        """
        self.blocks_ = [(name, block.shape[1]) for name, block in zip(self._block_names, blocks, strict=True)]
        self.scalers_ = [GlobalScaler().fit(block, sample_weight=sample_weight) for block in blocks]
        self.estimator_ = fit_learner(
            self._learner(), self._scaled(blocks), Y, sample_weight=sample_weight, metadata=metadata
        )
        return self

    def predict(self, X):
        """Predict from the features of X.

        Parameters
        ----------
        X : like X in `fit`

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X, _ = read_inputs(self, X, reset=False)
        with naming_missing_values(X):
            blocks = self.encode_blocks(X)
        return self.predict_blocks(blocks)

    def predict_blocks(self, blocks):
        """Predict from features that are computed already.

        Parameters
        ----------
        blocks : list of ndarray of shape (n_samples, n_columns)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        prediction = predict_learner(self.estimator_, self._scaled(blocks))
        return prediction.ravel() if self._single_target else prediction

    def transform(self, X):
        """Return the features that the head sees.

        Parameters
        ----------
        X : like X in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            The scaled blocks side by side.
        """
        check_is_fitted(self)
        X, _ = read_inputs(self, X, reset=False)
        with naming_missing_values(X):
            return self._scaled(self.encode_blocks(X))

    def get_feature_names_out(self, input_features=None):
        """Return a name for each output of `transform`: block, and its own name within.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        sources = [None if layer else fitted for _, fitted, layer in self.encoders_]
        sources += [transformer for _, transformer in self.passthrough_]
        columns = []
        for (name, width), source in zip(self.blocks_, sources, strict=True):
            if source == "raw":
                own = self._raw_names_
            else:
                own = _own_names(source, getattr(self, "feature_names_in_", None))
            if own is None or len(own) != width:
                own = range(width)
            columns += [f"{name}__{column}" for column in own]
        return np.array(columns, dtype=object)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; sparse tables."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _learner(self):
        return SafeHead() if self.estimator is None else self.estimator

    def _fit_passthrough(self, X, Y):
        """Fit clones of the transformers beside the encoders: list of (name, fitted or "raw")."""
        given = self.passthrough
        if given is None or given is False:
            given = [] if self.encoders_ else "raw"
        if given is True or isinstance(given, str):
            given = [("raw", "raw")]
        elif not isinstance(given, list):
            given = [("passthrough", given)]
        y = np.where(np.isnan(Y), np.nanmean(Y, axis=0), Y)
        fitted = []
        for entry in given:
            if not (isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)):
                raise TypeError(f"passthrough must be a list of (name, transformer), an entry is {entry!r}.")
            name, transformer = entry
            if isinstance(transformer, str) and transformer == "raw":
                self._raw_names_ = _raw_names(X)
            elif hasattr(transformer, "transform"):
                transformer = clone(transformer).fit(X, y.ravel() if self._single_target else y)
            else:
                raise TypeError(
                    f"passthrough {name!r} must be a transformer or 'raw', it is {transformer!r}."
                )
            fitted.append((name, transformer))
        return fitted

    def encode_blocks(self, X):
        """Compute the features of each block, unscaled.

        Parameters
        ----------
        X : inputs of any kind, validated

        Returns
        -------
        list of ndarray of shape (n_samples, n_columns)
        """
        cached = cached_encode(check_memory(self.memory))
        blocks = [(name, cached(fitted, layer, X)) for name, fitted, layer in self.encoders_]
        for name, transformer in self.passthrough_:
            raw = isinstance(transformer, str)
            blocks.append((name, as_table(_raw(X) if raw else transformer.transform(X))))
        for name, block in blocks:
            if block.ndim != 2 or len(block) != n_rows(X):
                raise ValueError(f"Block {name!r} has shape {block.shape} for {n_rows(X)} rows of X.")
            width = dict(getattr(self, "blocks_", ())).get(name, block.shape[1])
            if block.shape[1] != width:
                raise ValueError(
                    f"Block {name!r} has {block.shape[1]} features for this X and had {width} in the fit: "
                    "give X the columns, and the types of columns, that it had there."
                )
            if not np.isfinite(block).all():
                empty = np.flatnonzero(np.isnan(block).all(axis=1))
                if empty.size:
                    raise ValueError(
                        f"Block {name!r} has no features at all of row {empty[0]} of X ({len(empty)} such "
                        "rows), as of a molecule with an element that it does not know: drop them."
                    )
                row, column = np.argwhere(~np.isfinite(block))[0]
                raise ValueError(
                    f"Block {name!r} has the feature {column} = {block[row, column]} in row {row} of X: put "
                    "an imputer after this transformer, in a Pipeline, or drop the row."
                )
        return [block for _, block in blocks]

    def _scaled(self, blocks):
        """Put blocks side by side, with equal sums of variances and the variance 1 of a typical entry."""
        width = sum(block.shape[1] for block in blocks)
        balance = [np.sqrt(width / (len(blocks) * max(block.shape[1], 1))) for block in blocks]
        scaled = [s.transform(b) * f for s, b, f in zip(self.scalers_, blocks, balance, strict=True)]
        return np.hstack(scaled)


def _raw(X):
    """The columns of X that hold numbers."""
    if not isinstance(X, pd.DataFrame):
        return X
    return X.select_dtypes(["number", "bool"]).astype(float)


def _raw_names(X):
    """Their names, None if there are none to be had."""
    if isinstance(X, pd.DataFrame):
        columns = _raw(X).columns
        if not len(columns):
            raise TypeError("X has no column of numbers: give an encoder, or a transformer as passthrough.")
        return [str(column) for column in columns]
    return [f"x{j}" for j in range(X.shape[1])] if X.ndim == 2 else None


def _own_names(transformer, input_features):
    """The names a transformer gives its outputs, None if it gives none."""
    if not hasattr(transformer, "get_feature_names_out"):
        return None
    try:
        return transformer.get_feature_names_out(input_features)
    except (AttributeError, ValueError, NotImplementedError):
        return None
