"""What the experts of a fitted HMNNRegressor say, and how its gates weigh them."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..base.torch_state import plain_torch


class HasExperts:
    """Mixin of the estimator whose networks mix experts by gates."""

    def transform(self, X):
        """Return the outputs of the experts, as features for another learner.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_members * n_experts * expert_dim)
            Outputs of the network with the largest share.
        """
        outputs = self.expert_outputs(X)
        return outputs.reshape(len(outputs), -1)

    def get_feature_names_out(self, input_features=None):
        """Return a name for each output of `transform`: member, expert, component.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self, "networks_")
        return np.array(
            [
                f"member{m}_{name.replace(' ', '')}_{d}"
                for m in range(len(self.network_.center))
                for name in self.expert_names_
                for d in range(self.network_.net.module__expert_dim)
            ],
            dtype=object,
        )

    @property
    def network_(self):
        """The network with the largest share over all targets."""
        check_is_fitted(self, "networks_")
        share = dict(zip(self.strategies_, self.weights_.sum(axis=0), strict=True))
        return self.networks_[max(self.networks_, key=share.get)]

    @property
    def expert_names_(self):
        """Names of the experts of :attr:`network_`: those of the sources, then its own."""
        network = self.network_
        frozen = [
            f"{name} {i + 1}"
            for name, source in (self.sources_ if network.sources else ())
            for i in range(source.gate_weights.shape[2])
        ]
        own = "new" if frozen else "expert"
        return frozen + [f"{own} {i + 1}" for i in range(network.gate_weights.shape[2] - len(frozen))]

    @plain_torch()
    def expert_outputs(self, X):
        """Return what each expert of :attr:`network_` makes of the inputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_members, n_experts, expert_dim)
        """
        check_is_fitted(self, "networks_")
        return self.network_.experts(self._check_inputs(X, reset=False))

    @plain_torch()
    def gate_weights(self, X):
        """Return the weight of each expert of :attr:`network_` for each target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_members, n_targets, n_experts)
            They sum to one over the experts, which are in the order of :attr:`expert_names_`.
        """
        check_is_fitted(self, "networks_")
        return self.network_.gates(self._check_inputs(X, reset=False))
