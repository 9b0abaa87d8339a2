"""One HMNN: how it is trained on some rows, and all it needs to predict."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone

from ..base.labels import moments
from ..base.torch_state import torch_seed
from ..base.training import choose_epochs, in_chunks, tensors, train_net
from ._columns import silent_about_units

EPOCHS = 80
# Fewer steps than this leave a network far from what the same rows can teach it.
MIN_STEPS = 1500


@dataclass
class Recipe:
    """How every network of an estimator is made."""

    featurizer: BaseEstimator  # unfitted, its groups of columns found
    pairs: list  # [frequency, intensity] columns of the featurizer's output
    context: list  # columns of the dielectric constant
    module: dict
    criterion: dict
    training: dict
    max_epochs: int | None
    n_experts: int
    n_new_experts: int
    n_selected: int

    def train(self, X, Y, seen, *, sources=(), start=None, learning_rate=1.0, max_epochs=None):
        """Train one network, or rather its members, each on rows of its own.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        Y : ndarray of shape (n_samples, n_tasks)
            NaN marks a missing label.
        seen : ndarray of shape (n_samples, n_members)
            Weight of a row for a member, zero where the member may not see it.
        sources : list of Network
            Networks whose frozen experts are used together with `n_new_experts` new ones.
        start : Network, optional
            Continue from this one, with its scales.
        learning_rate : float
            Multiple of the estimator's learning rate.
        max_epochs : int, optional
            Number of epochs. Default: the estimator's.

        Returns
        -------
        Network
        """
        weight = seen[:, :, None] * ~np.isnan(Y)[:, None]
        network = Network(list(sources) if start is None else start.sources)
        if start is None:
            params = self._begin(network, X, Y, weight)
        else:
            network.featurizer, network.center, network.scale = start.featurizer, start.center, start.scale
            given = start.net.get_params(deep=False)
            params = {key: given[key] for key in given if key.startswith(("module__", "criterion__"))}
        target = (Y[:, None] - network.center) / network.scale
        # The mean weight of a label is one, so that rows and labels left out do not shrink a loss.
        share = weight.mean(axis=0)
        weight = weight / np.where(share > 0, share, 1.0)
        training = self.training | {"learning_rate": learning_rate * self.training["learning_rate"]}
        batch_size = training["batch_size"]
        from ...nn.batches import TensorRows
        from ...nn.hmnn import HMNN, HMNNLoss

        labels = {"target": np.nan_to_num(target), "weight": weight}
        network.net = train_net(
            HMNN,
            HMNNLoss,
            TensorRows(tensors(network.inputs(X)), tensors(labels)),
            max_epochs=max_epochs or choose_epochs(self.max_epochs, EPOCHS, MIN_STEPS, len(X), batch_size),
            start=None if start is None else start.net,
            **training,
            **params,
        )
        # What each member's gates say of the experts, for the rows it was trained on.
        gates = network.gates(X)
        network.gate_weights = np.einsum("nmte,nmt->mte", gates, weight) / len(X)
        network.labelled = share > 0
        return network

    def _begin(self, network, X, Y, weight):
        """Fit the scales of a new network, and return the parameters of its net."""
        n_members, n_tasks = weight.shape[1:]
        with silent_about_units():
            network.featurizer = clone(self.featurizer).fit(X)
        network.center, network.scale = moments(Y[:, None], weight)
        module = {
            "n_features": network.featurizer.transform(X[:1]).shape[1],
            "n_tasks": n_tasks,
            "n_members": n_members,
            "n_experts": self.n_new_experts if network.sources else self.n_experts,
            "pairs": self.pairs,
            "context": self.context,
        }
        if network.sources:
            allowed, module["frozen_member"] = self._select(network.sources, n_members, n_tasks)
            module["allowed"] = allowed.tolist()
        criterion = {"n_members": n_members, "n_tasks": n_tasks} | self.criterion
        params = {f"module__{key}": value for key, value in (module | self.module).items()}
        return params | {f"criterion__{key}": value for key, value in criterion.items()}

    def _select(self, sources, n_members, n_tasks):
        """Which frozen and new experts each task of each member may use, and the frozen member of each."""
        frozen_member = np.arange(n_members) % max(len(source.gate_weights) for source in sources)
        parts = []
        for source in sources:
            member = frozen_member % len(source.gate_weights)
            weights = source.gate_weights[member]  # (n_members, n_tasks, n_experts)
            rank = (-weights).argsort(axis=2).argsort(axis=2)
            parts.append((rank < self.n_selected) & source.labelled[member][:, :, None])
        parts.append(np.ones((n_members, n_tasks, self.n_new_experts), dtype=bool))
        allowed = np.concatenate(parts, axis=2)
        if not allowed.any(axis=2).all():
            task = np.flatnonzero(~allowed.any(axis=(0, 2)))[0]
            raise ValueError(
                f"Target {task} has no expert: no source has a label of it and n_new_experts=0. "
                "Raise n_new_experts or n_selected."
            )
        return allowed, frozen_member.tolist()


class Network(BaseEstimator):
    """A trained HMNN.

    Parameters
    ----------
    sources : list of Network
        Networks whose frozen experts it uses.

    Attributes
    ----------
    featurizer : fitted transformer
    net : skorch.NeuralNet
    center, scale : ndarray of shape (n_members, n_tasks)
        Means and standard deviations of the labels.
    gate_weights : ndarray of shape (n_members, n_tasks, n_experts)
        Mean over training rows, frozen experts first.
    labelled : ndarray of bool, shape (n_members, n_tasks)
        Whether there was any label.
    """

    def __init__(self, sources):
        self.sources = sources

    def inputs(self, X):
        """Return the arguments of the module's ``forward``."""
        frozen = None
        if self.sources:
            outputs = [source.experts(X) for source in self.sources]  # (n_samples, members, experts, dim)
            n_members = max(output.shape[1] for output in outputs)
            outputs = [output[:, np.arange(n_members) % output.shape[1]] for output in outputs]
            frozen = np.concatenate(outputs, axis=2)
        return {"x": self.featurizer.transform(X), "frozen": frozen}

    def predict(self, X):
        """Predictions of all members: ndarray of shape (n_samples, n_members, n_tasks)."""
        module = self.net.module_.eval()
        Z = self._run(X, lambda **chunk: module(**chunk)[0].transpose(0, 1))
        return Z * self.scale + self.center

    def experts(self, X):
        """Outputs of frozen and own experts: (n_samples, n_members, n_experts, expert_dim)."""
        module = self.net.module_.eval()
        return self._run(X, lambda **chunk: module.all_experts(**chunk).permute(2, 0, 1, 3))

    def gates(self, X):
        """Weights of the experts: (n_samples, n_members, n_tasks, n_experts)."""
        module = self.net.module_.eval()
        inputs = {"x": self.featurizer.transform(X)}
        return in_chunks(lambda x: module.gates(x).permute(2, 0, 1, 3), inputs, self.net.device)

    def first_members(self, n):
        """Return the network with its first n members alone, without the state of the optimizer."""
        given = self.net.get_params(deep=False)
        kept = {
            "module__n_members": n,
            "criterion__n_members": n,
            **{key: given[key][:n] for key in ("module__allowed", "module__frozen_member") if key in given},
        }
        net = clone(self.net).set_params(**kept)
        with torch_seed(0, net.device):
            net.initialize()
        # Every weight has a row for each group, member by member.
        for part in ("module_", "criterion_"):
            old, new = (getattr(of, part).state_dict() for of in (self.net, net))
            getattr(net, part).load_state_dict({key: old[key][: len(value)] for key, value in new.items()})
        net.module_.eval()
        net.history_ = self.net.history_
        network = Network(self.sources)
        network.featurizer, network.net = self.featurizer, net
        network.center, network.scale = self.center[:n], self.scale[:n]
        network.gate_weights, network.labelled = self.gate_weights[:n], self.labelled[:n]
        return network

    def _run(self, X, function):
        # By parts, since the outputs of frozen experts take much room.
        parts = [X[first : first + 8192] for first in range(0, len(X), 8192)]
        return np.concatenate([in_chunks(function, self.inputs(part), self.net.device) for part in parts])
