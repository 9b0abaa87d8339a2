"""What experts and predictions look at: gradients with respect to the features."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from ..inputs import name_targets, validate_numbers
from ._drawing import caption, grid, heat_map
from ._gates import check_has

# Numbers of a Jacobian held at once: 32 MiB in single precision.
LARGEST_JACOBIAN = 2**23


def gradient_importance(estimator, X, *, target_names=None):
    """Measure how strongly each feature moves the experts and the predictions.

    The gradients are exact (by automatic differentiation, as in the analysis of
    [1]_) and averaged over the rows of X as absolute values. One step of a
    feature is one standard deviation of the rows that the network was trained
    on. A prediction is followed back through everything it depends on: gates,
    own experts, and the frozen experts of sources through their own networks.

    Parameters
    ----------
    estimator : fitted HMNNRegressor
        What is followed is its ``network_``, the one with the largest share.
    X : array-like of shape (n_samples, n_features)
        The rows to average over, in the units the estimator was fitted on.
    target_names : list of str, optional
        Default: ``y0``, ``y1``, ...

    Returns
    -------
    DataFrame
        One row per output, feature and member:

        ``kind``
            ``"expert"`` or ``"target"``.
        ``output``
            The name of the expert or target.
        ``feature``
            As the featurizer names it: ``log_iz1``, ``born_eps``, or ``x0`` where
            columns have no names.
        ``member``
            From 0 on.
        ``gradient``
            Mean of the absolute gradient, in the unit of the target per standard
            deviation of the feature. For an expert: summed over the components
            of its output, which have no unit.
        ``share``
            The same, so that the features of an output sum to one.

    Raises
    ------
    TypeError
        The estimator has no experts.
    ValueError
        A source was trained on other features than the estimator.

    See Also
    --------
    SaliencyDisplay : Draws it.
    gate_importance : Which experts a target listens to.

    References
    ----------
    .. [1] Du et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import gradient_importance
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> model = HMNNRegressor(max_epochs=5, cv=None, random_state=0)
    >>> importance = gradient_importance(model.fit(data.data, data.target), data.data)
    >>> of_targets = importance.query("kind == 'target' and member == 0")
    >>> round(float(of_targets["share"].sum()), 6)
    1.0
    """
    check_has(estimator, "expert_outputs")
    check_is_fitted(estimator)
    X = validate_numbers(estimator, X, reset=False)
    network = estimator.network_
    given = getattr(estimator, "feature_names_in_", None)
    features = network.featurizer.get_feature_names_out(given)
    targets, experts = _mean_gradients(network, X)
    names = {
        "expert": (list(estimator.expert_names_), experts),
        "target": (name_targets(None, targets.shape[1], target_names or estimator.target_names_), targets),
    }
    tables = []
    for kind, (outputs, gradients) in names.items():
        index = pd.MultiIndex.from_product(
            [range(len(gradients)), outputs, features], names=["member", "output", "feature"]
        )
        total = gradients.sum(axis=2, keepdims=True)
        # An output that depends on nothing has no shares, rather than NaN.
        shares = gradients / np.where(total > 0, total, 1.0)
        columns = {"kind": kind, "gradient": gradients.ravel(), "share": shares.ravel()}
        tables.append(pd.DataFrame(columns, index=index).reset_index())
    columns = ["kind", "output", "feature", "member", "gradient", "share"]
    return pd.concat(tables, ignore_index=True)[columns]


def _mean_gradients(network, X):
    """Mean absolute gradients.

    Returns
    -------
    targets : ndarray of shape (n_members, n_targets, n_features)
    experts : ndarray of shape (n_members, n_experts, n_features)
    """
    import torch

    module = network.net.module_
    n_features = network.featurizer.transform(X[:1]).shape[1]
    outputs = network.experts(X[:1]).size + network.center.size
    size = max(1, LARGEST_JACOBIAN // (n_features * outputs))
    totals = 0.0, 0.0
    for first in range(0, len(X), size):
        inputs = _inputs(network, X[first : first + size], network)

        def outputs_after(shift, inputs=inputs):
            prediction, experts, _ = module(*_shifted(inputs, shift))
            return prediction, experts

        # All rows are shifted by one vector: its Jacobian holds the gradient of each row.
        shift = torch.zeros(n_features, device=inputs[1].device)
        with torch.no_grad():
            prediction, experts = torch.func.jacfwd(outputs_after)(shift)
        # [members, rows, targets, features] and [members, experts, rows, components, features]
        parts = prediction.abs().sum(dim=1), experts.abs().sum(dim=(2, 3))
        totals = [
            total + part.cpu().numpy().astype(np.float64) for total, part in zip(totals, parts, strict=True)
        ]
    targets, experts = (total / len(X) for total in totals)
    return targets * network.scale[:, :, None], experts


def _inputs(network, X, reference):
    """Return a network, its features, how far a shift moves them, and the same of each source."""
    import torch

    featurizer, scaler = network.featurizer, network.featurizer.scaler_
    ours, theirs = (
        {key: value for key, value in of.featurizer.get_params().items() if key != "clip"}
        for of in (reference, network)
    )
    if ours != theirs:
        changed = [key for key in ours if ours[key] != theirs[key]]
        raise ValueError(
            f"A source was trained with another featurizer ({', '.join(changed)}): its features are not "
            "those of the estimator, so that gradients cannot pass through its experts."
        )
    x = featurizer.transform(X)
    # A source has a scale of its own, and values at its limit do not move.
    step = np.broadcast_to(reference.featurizer.scaler_.scale_ / scaler.scale_, x.shape)
    if network is not reference and scaler.clip is not None:
        step = np.where(np.abs(x) < scaler.clip, step, 0.0)
    x, step = (
        torch.as_tensor(np.array(values, dtype=np.float32), device=network.net.device) for values in (x, step)
    )
    return network, x, step, [_inputs(source, X, reference) for source in network.sources]


def _shifted(inputs, shift):
    """Arguments of a network's module after a shift of the features, which moves its sources too."""
    import torch

    network, x, step, sources = inputs
    x = x + step * shift
    if not sources:
        return x, None
    outputs = [source[0].net.module_.all_experts(*_shifted(source, shift)) for source in sources]
    n_members = max(len(output) for output in outputs)
    members = torch.arange(n_members, device=x.device)
    frozen = torch.cat([output[members % len(output)] for output in outputs], dim=1)
    return x, frozen.permute(2, 0, 1, 3)


class SaliencyDisplay:
    """Drawing of the gradients: what experts and targets look at.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    importance : DataFrame
        From :func:`gradient_importance`.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes, shape (2,)
        Experts, then targets.
    ax_ : matplotlib Axes
        The first of `axes_`.

    See Also
    --------
    GateDisplay : Which experts a target listens to.

    Examples
    --------
    >>> from skxfer import HMNNRegressor
    >>> from skxfer.datasets import make_domains
    >>> from skxfer.inspection import SaliencyDisplay
    >>> data = make_domains(relation="related", n_target=40, random_state=0)
    >>> model = HMNNRegressor(max_epochs=5, cv=None, random_state=0)
    >>> display = SaliencyDisplay.from_estimator(model.fit(data.data, data.target), data.data)
    >>> [ax.get_title(loc="left") for ax in display.axes_]
    ['experts', 'targets']
    """

    def __init__(self, importance):
        self.importance = importance

    @classmethod
    def from_estimator(cls, estimator, X, *, target_names=None, max_features=30, ax=None):
        """Compute the gradients of a fitted estimator and draw them.

        Parameters
        ----------
        estimator, X, target_names
            As in :func:`gradient_importance`.
        max_features, ax :
            As in :meth:`plot`.

        Returns
        -------
        SaliencyDisplay
        """
        importance = gradient_importance(estimator, X, target_names=target_names)
        return cls(importance).plot(ax, max_features=max_features)

    def plot(self, ax=None, *, max_features=30):
        """Draw the shares, as means over the members; each column sums to 100 %.

        Parameters
        ----------
        ax : array of two matplotlib Axes, optional
            Default: a new figure.
        max_features : int, default=30
            With more features only those with the largest share in any output
            are drawn, in their order; the others are summed up in the last row.

        Returns
        -------
        self : SaliencyDisplay
        """
        tables = [
            self.importance[self.importance["kind"] == kind].pivot_table(
                index="feature", columns="output", values="share", aggfunc="mean", sort=False
            )
            for kind in ("expert", "target")
        ]
        largest = pd.concat(tables, axis=1).max(axis=1)
        if len(largest) > max_features:
            shown = largest.index.isin(largest.nlargest(max_features).index)
            rest = f"{(~shown).sum()} others"
            tables = [pd.concat([table[shown], table[~shown].sum().to_frame(rest).T]) for table in tables]
        sizes = [table.shape[1] for table in tables]
        height = 1.4 + 0.23 * len(tables[0])
        self.figure_, axes, own = grid(
            ax, 1, 2, (2.2 + 0.42 * sum(sizes), height), width_ratios=np.maximum(sizes, 2)
        )
        self.axes_, self.ax_ = axes.ravel(), axes[0, 0]
        for ax, table, title in zip(self.axes_, tables, ("experts", "targets"), strict=True):
            heat_map(ax, table)
            ax.set_title(title, fontsize="medium", loc="left")
        if own:
            self.axes_[1].set_yticklabels([])
            caption(self.figure_, "Share of each feature in the gradient of an output (%)")
        return self
