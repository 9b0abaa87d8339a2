"""HMNNRegressor: experts of source domains, frozen or trained with the target rows, mixed by gates."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ...domains import ScoresTarget
from ...featurizers import SpectrumFeaturizer
from ...folds import SPLITS_OF_USE, target_folds
from ...inputs import validate_numbers
from ..base.calibration import check_error_bars, standard_deviation
from ..base.parameters import POSITIVE_INT, SHARE_BELOW_ONE, TRAINING, training_options
from ..base.torch_state import plain_torch
from ._columns import find_columns, find_pairs
from ._evidence import Evidence, judge, unjudged, variance_over_members
from ._experts import HasExperts
from ._network import Recipe
from ._sources import check_sources, competitors, read_rows, warn_of_shared_solvents
from ._training import seen_by_members, train_sources, train_strategies


class HMNNRegressor(ScoresTarget, HasExperts, TransformerMixin, RegressorMixin, BaseEstimator):
    """Hierarchical multi-expert network: several targets from spectra, across solvents.

    A network embeds each spectral line (a frequency with its infrared, and with
    its Raman intensity) and the dielectric constant; experts that share this
    input are mixed, for each target, by a gate, and a tower turns the mixture
    into the target [1]_. Knowledge of sources with much data reaches a target domain
    with little by one of these strategies:

    - ``"frozen_experts"``, the paper's two tiers: networks are trained on each source (tier I),
      their experts with the largest gate weight are frozen, and new experts,
      gates and towers are trained on the target rows (tier II).
    - ``"merge"``: one network is trained on all source rows and the target rows together.
    - ``"merge_relevant"``: the same, with only those source rows whose labels lie in the range of the target
      rows' labels, widened on both sides by half of it.
    - ``"fine_tuned"``: the latter, then gently trained on the target rows alone.

    ``"auto"`` lets all but ``"merge"`` compete with ``"target_only"``, for each target, in
    cross-validation on the target rows. Where no strategy clearly (by a
    standard error) beats another, it depends on the use: for new inputs the one
    that sees most of the sources is kept, since held-out target rows are less new
    than those; for new domains and similar rows the one that sees least. Without sources this is an ordinary
    regressor for several targets, of which some labels may be missing.

    Parameters
    ----------
    featurizer : SpectrumFeaturizer, "auto" or None, default="auto"
        Transformer that knows which columns are frequencies, intensities and the dielectric
        constant, and how they are scaled. ``"auto"`` goes by column names, and
        for arrays by position, if the values can be a spectrum. None: a plain
        table, whose columns are only standardised. Pass a SpectrumFeaturizer
        here, not before this estimator in a Pipeline: scaled columns can no
        longer be told apart.
    paired : bool, default=True
        Embed each frequency together with its intensities. False: direct input.
    source_domains : list of labels, optional
        Labels in `sample_domain` that are sources; all other rows are target rows.
    sources : list of (str, fitted HMNNRegressor), optional
        Sources that are trained already, each wrapped in :class:`sklearn.frozen.FrozenEstimator`
        where GridSearchCV clones this estimator. Their rows are not needed, but
        only ``"frozen_experts"`` can use them.
    strategy : str or list of str, default="auto"
        One or several of the strategies above, which then compete, or ``"auto"``.
    predict_on : {"auto", "similar", "new_domains", "new_inputs"}, default="auto"
        What will be predicted, and so what the folds hold out: see
        :class:`~skxfer.transfer.HierarchicalTransfer`. Without sources
        ``"auto"`` is ``"similar"``, and error bars then hold for rows like those
        at hand, not for new domains or inputs.
    guard : bool, default=True
        Let ``"target_only"`` compete, even with a single strategy.
    cv : int, cross-validation generator, iterable or None, default=5
        Folds over the target rows, for the choice, the guard and the error
        bars. None: none of these, and much less time, as inside of another
        cross-validation.
    n_experts : int, default=5
        Number of experts of a network.
    n_selected : int, default=2
        Number of frozen experts of each source that each target keeps with ``"frozen_experts"``.
    n_new_experts : int, default=2
        Number of experts that ``"frozen_experts"`` trains on the target rows.
    expert_dim, hidden_dim, embedding_dim : int, default=64, 64, 8
        Sizes of an expert's output, of hidden layers, of the embedding of a line.
    dropout : float, default=0.0
        Share of values that are set to zero in training.
    activation : {"silu", "leaky_relu", "relu", "tanh"}, default="silu"
        Activation function. The paper's is ``"leaky_relu"``.
    learning_rate : float, default=0.003
        The largest one of the cycle.
    max_epochs : int, optional
        Passes over the training rows. Default: 80, and on small tables more, until 1500 steps.
    batch_size : int, default=32
        Rows in a training step.
    weight_decay : float, default=0.01
        Weight decay of AdamW.
    n_members : int, default=3
        Networks that are trained at once from different weights and averaged.
    device : str, default="cpu"
        Where torch computes, such as ``"cuda"``.
    verbose : int, default=0
        Above 0: a line for each epoch.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    strategies_ : list of str
        The strategies that competed.
    skipped_ : dict of str to str
        Why each of the others that ``"auto"`` stands for could not run.
    weights_ : ndarray of shape (n_targets, n_strategies)
        Shares of the strategies in the prediction.
    strategy_ : list of str, length n_targets
        The strategy with the largest share, for each target.
    cv_results_ : dict of str to list
        A row for each target and strategy, ready for a DataFrame: ``target``, ``strategy``, ``transfer``
        (whether it uses a source), ``mae`` and ``mae_error`` (mean absolute error over held-out rows and its
        standard error over folds, in the unit of y), ``gain`` and ``gain_error`` (how much lower than that of
        ``"target_only"``, or of the best strategy where that did not compete), ``weight``, ``fit_time``
        (seconds for each network) and ``fold0_mae``, ... Errors are missing without `cv`.
    transfer_gain_ : ndarray of shape (n_targets,)
        Share by which the cross-validated error is below that of ``"target_only"``; NaN where that did not
        compete, 0 without sources.
    reason_ : str
        A sentence for each target: what was chosen and why.
    predict_on_ : str or None
        The use that the folds imitated.
    featurizer_ : SpectrumFeaturizer
        Its ``columns_`` says which columns were taken for what.
    networks_ : dict of str to fitted network
        By strategy, for those with a share.
    sources_ : list of (str, fitted network)
        The networks with the frozen experts: `sources`, then one for each of `source_domains`.
    variance_ : ndarray of shape (n_targets, 2) or None
        For ``return_std``: the squared error is the first plus the second times
        the variance over members. None without `cv`.
    n_targets_ : int
    target_names_ : list of str or None
        The columns of y, if it is a DataFrame.
    n_features_in_, feature_names_in_

    Raises
    ------
    ImportError
        torch or skorch is not installed.
    ValueError
        NaN or inf in X (naming row and column), a dielectric constant below 1,
        an unknown source domain, a target without labels, a source of another
        shape, a named strategy that cannot run.

    See Also
    --------
    skxfer.metrics.masked_scorer : Scores where labels are missing.
    skxfer.models.ablation_study : The paper's variants side by side.
    skxfer.transfer.HierarchicalTransfer : The same idea for any learner.

    References
    ----------
    .. [1] Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921.
    .. [2] Kendall, A.; Gal, Y.; Cipolla, R., CVPR 2018, 7482-7491.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> data = make_domains(n_source=100, n_target=20, relation="related", random_state=0)
    >>> train = data.domain != "test"
    >>> model = HMNNRegressor(source_domains=data.source_domains, max_epochs=2, cv=2, random_state=0)
    >>> model = model.fit(data.data[train], data.target[train], sample_domain=data.domain[train])
    >>> model.predict(data.data[~train]).shape == data.target[~train].shape
    True
    """

    __metadata_request__fit = {"sample_domain": True}

    _parameter_constraints: dict = {
        "featurizer": [SpectrumFeaturizer, StrOptions({"auto"}), None],
        "paired": ["boolean"],
        "source_domains": ["array-like", str, None],
        "sources": [list, tuple, None],
        "strategy": [str, list, tuple],
        "predict_on": [StrOptions({"auto", *SPLITS_OF_USE})],
        "guard": ["boolean"],
        "cv": ["cv_object", None],
        "n_experts": [POSITIVE_INT],
        "n_selected": [Interval(Integral, 0, None, closed="left")],
        "n_new_experts": [Interval(Integral, 0, None, closed="left")],
        "expert_dim": [POSITIVE_INT],
        "hidden_dim": [POSITIVE_INT],
        "embedding_dim": [POSITIVE_INT],
        "dropout": [SHARE_BELOW_ONE],
        "activation": [StrOptions({"silu", "leaky_relu", "relu", "tanh"})],
        **TRAINING,
        "n_members": [POSITIVE_INT],
    }
    # Parameters of the loss. Errors above beta, in standard deviations of a target, count linearly; targets
    # have learned weights [2]_; a penalty keeps the experts from saying the same, as in the paper's text.
    _loss = {
        "task_weighting": "uncertainty",
        "similarity": "experts",
        "similarity_weight": 0.01,
        "beta": 0.1,
    }

    def __init__(
        self,
        *,
        featurizer="auto",
        paired=True,
        source_domains=None,
        sources=None,
        strategy="auto",
        predict_on="auto",
        guard=True,
        cv=5,
        n_experts=5,
        n_selected=2,
        n_new_experts=2,
        expert_dim=64,
        hidden_dim=64,
        embedding_dim=8,
        dropout=0.0,
        activation="silu",
        learning_rate=3e-3,
        max_epochs=None,
        batch_size=32,
        weight_decay=0.01,
        n_members=3,
        device="cpu",
        verbose=0,
        random_state=None,
    ):
        self.featurizer = featurizer
        self.paired = paired
        self.source_domains = source_domains
        self.sources = sources
        self.strategy = strategy
        self.predict_on = predict_on
        self.guard = guard
        self.cv = cv
        self.n_experts = n_experts
        self.n_selected = n_selected
        self.n_new_experts = n_new_experts
        self.expert_dim = expert_dim
        self.hidden_dim = hidden_dim
        self.embedding_dim = embedding_dim
        self.dropout = dropout
        self.activation = activation
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.n_members = n_members
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    @plain_torch()
    def fit(self, X, y, *, sample_domain=None, groups=None, sample_weight=None, X_deploy=None):
        """Train all strategies, let them compete on the target rows, and keep the best for each target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Frequencies in cm⁻¹, intensities in any one unit, dielectric
            constant, or any numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            NaN marks a missing label.
        sample_domain : array-like of shape (n_samples,), optional
            The domain (solvent) of each row.
        groups : array-like of shape (n_samples,), optional
            Target rows that no fold may separate, such as the same structure.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows in training; rows with the weight 0 are left out. Strategies are judged
            without weights.
        X_deploy : array-like of shape (n_deploy, n_features), optional
            Unlabelled inputs that will be predicted: with ``predict_on="auto"``
            the folds are chosen to look like them.

        Returns
        -------
        self : HMNNRegressor
        """
        self._validate_params()
        X = self._check_inputs(X, reset=True)
        rows = read_rows(self, X, y, sample_domain, groups, sample_weight)
        self._seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        recipe = self._recipe(X)
        warn_of_shared_solvents(rows, recipe.featurizer.dielectric)
        self.strategies_, self.skipped_ = competitors(self, rows)
        self.sources_ = check_sources(self, rows)
        sets = self._folds(rows, X_deploy)
        if "frozen_experts" in self.strategies_:
            self.sources_ += train_sources(recipe, rows, self.n_members)
        seen = seen_by_members(sets, len(rows.target), self.n_members)
        sources = [network for _, network in self.sources_]
        networks, seconds = train_strategies(self.strategies_, recipe, rows, seen, sources)
        if sets:
            X, Y = X[rows.target], rows.Y[rows.target]
            predictions = [networks[name].predict(X) for name in self.strategies_]
            judge(self, Evidence(self.strategies_, sets, Y, predictions, self.n_members), seconds)
        else:
            unjudged(self)
        self.strategy_ = [self.strategies_[j] for j in self.weights_.argmax(axis=1)]
        self.networks_ = {
            name: networks[name].first_members(self.n_members)
            for name, share in zip(self.strategies_, self.weights_.T, strict=True)
            if share.any()
        }
        return self

    @plain_torch()
    def predict(self, X, return_std=False):
        """Predict the target domain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Also return a standard deviation, calibrated on the out-of-fold
            errors of the target rows: it grows where the members disagree
            (of which there must be two). It holds for rows as new as those that
            the folds held out, and is too small further out.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        std : ndarray of the same shape
            If `return_std`. In the unit of y.

        Raises
        ------
        ValueError
            `return_std` after a fit with ``cv=None``.
        """
        check_is_fitted(self, "networks_")
        if return_std:
            check_error_bars(self.variance_, "they need cross-validation. Set cv and fit again.")
        X = self._check_inputs(X, reset=False)
        shares = dict(zip(self.strategies_, self.weights_.T, strict=True))
        members = sum(shares[name] * network.predict(X) for name, network in self.networks_.items())
        mean = members.mean(axis=1)
        if not return_std:
            return mean.ravel() if self._single_target else mean
        std = standard_deviation(self.variance_, variance_over_members(members))
        return (mean.ravel(), std.ravel()) if self._single_target else (mean, std)

    def fit_transform(self, X, y, *, sample_domain=None, groups=None, sample_weight=None, X_deploy=None):
        """Fit, and return the outputs of the experts.

        Parameters
        ----------
        X, y, sample_domain, groups, sample_weight, X_deploy : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_members * n_experts * expert_dim)
        """
        options = {"sample_domain": sample_domain, "groups": groups, "sample_weight": sample_weight}
        return self.fit(X, y, X_deploy=X_deploy, **options).transform(X)

    def __sklearn_tags__(self):
        """Several targets, of which labels may be missing; single precision features."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _check_inputs(self, X, *, reset):
        return validate_numbers(self, X, reset=reset)

    def _recipe(self, X):
        """Find the groups of columns and collect the parameters of the networks."""
        featurizer = find_columns(self.featurizer, X, getattr(self, "feature_names_in_", None))
        self.featurizer_ = clone(featurizer).fit(X)  # says for all rows what is wrong with the spectra
        pairs, context = find_pairs(featurizer, self.paired)
        return Recipe(
            featurizer=featurizer,
            pairs=pairs,
            context=context,
            module={
                "expert_dim": self.expert_dim,
                "hidden_dim": self.hidden_dim,
                "embedding_dim": self.embedding_dim,
                "activation": self.activation,
                "dropout": self.dropout,
            },
            criterion=dict(self._loss),
            training={
                "learning_rate": self.learning_rate,
                "batch_size": self.batch_size,
                **training_options(self, self._seed),
            },
            max_epochs=self.max_epochs,
            n_experts=self.n_experts,
            n_new_experts=self.n_new_experts,
            n_selected=self.n_selected,
        )

    def _folds(self, rows, X_deploy):
        """Two sets of folds over the target rows where they can be made, so that spreads are seen."""
        self.predict_on_ = None
        if self.cv is None:
            return []
        predict_on = self.predict_on
        if predict_on == "auto" and X_deploy is None and not (self.sources_ or rows.sources):
            predict_on = "similar"
        if X_deploy is not None:
            X_deploy = self._check_inputs(X_deploy, reset=False)
        arguments = (rows.X[rows.target], rows.Y[rows.target], rows.domain, self.cv)
        numbers, groups = self.featurizer_.transform, {"groups": rows.groups}
        use, sets = target_folds(*arguments, predict_on, numbers, X_deploy, self._seed, **groups)
        if use is not None and len(sets) == 1:
            sets += target_folds(*arguments, use, numbers, None, self._seed // 2, **groups)[1]
        self.predict_on_ = use or (None if predict_on == "auto" else predict_on)
        return sets
