"""HMNN: embeddings of spectral lines, experts that share their input, a gate and a tower for each task."""

import torch
from torch import Tensor, nn

from .layers import GroupedLinear, GroupedMLP
from .losses import masked_smooth_l1, similarity_penalty, uncertainty_weighted

CONTEXT_DIM = 20
TOWER_DEPTH = 3


class HMNN(nn.Module):
    """Multi-expert network for several tasks, as several independent members at once.

    All members, pairs, experts, gates and towers are batched: one product each.
    Frozen experts are not part of the module: `forward` takes their outputs.

    Parameters
    ----------
    n_features, n_tasks : int
    pairs : list of (int, int)
        Columns embedded together: a frequency and an intensity.
    context : list of int
        Columns embedded together: the dielectric constant.
    n_members : int
        Independent networks.
    n_experts : int
        Experts to be trained, for each member.
    allowed : list of shape [n_members, n_tasks, n_frozen + n_experts], optional
        Whether a task may use an expert, the frozen ones first. Default: all, no frozen ones.
    frozen_member : list of int, length n_members, optional
        Which member of the frozen experts each member uses.
    expert_dim, hidden_dim, embedding_dim : int
        Sizes of an expert's output, of hidden layers, of the embedding of a pair.
    activation : str
    dropout : float

    References
    ----------
    Du, W. et al., J. Am. Chem. Soc. 2024, 146, 811, doi:10.1021/jacs.3c10921 (Materials and Methods).
    """

    def __init__(
        self,
        n_features: int,
        n_tasks: int,
        *,
        pairs: list = (),
        context: list = (),
        n_members: int = 1,
        n_experts: int = 5,
        allowed: list | None = None,
        frozen_member: list | None = None,
        expert_dim: int = 64,
        hidden_dim: int = 64,
        embedding_dim: int = 8,
        activation: str = "silu",
        dropout: float = 0.0,
    ):
        super().__init__()
        self.n_members, self.n_tasks, self.n_experts = n_members, n_tasks, n_experts
        if allowed is None:
            allowed = torch.ones(n_members, n_tasks, n_experts)
        self.register_buffer("pairs", torch.as_tensor(pairs, dtype=torch.long).reshape(-1, 2))
        self.register_buffer("context", torch.as_tensor(context, dtype=torch.long))
        self.register_buffer("allowed", torch.as_tensor(allowed, dtype=torch.bool))
        self.register_buffer("frozen_member", torch.as_tensor(frozen_member or [0] * n_members))
        size = n_features
        if n_experts and len(self.pairs):
            sizes = [2, 2 * embedding_dim, embedding_dim]
            self.pair_embedding = GroupedMLP(n_members * len(self.pairs), sizes, activation)
            size += len(self.pairs) * embedding_dim
        if n_experts and len(self.context):
            sizes = [len(self.context), CONTEXT_DIM, CONTEXT_DIM]
            self.context_embedding = GroupedMLP(n_members, sizes, activation)
            size += CONTEXT_DIM
        block = {"normalise": True, "dropout": dropout}
        if n_experts:
            sizes = [size, hidden_dim, expert_dim]
            self.experts = GroupedMLP(n_members * n_experts, sizes, activation, **block)
        n_groups = n_members * n_tasks
        self.gate_hidden = GroupedMLP(n_groups, [n_features, hidden_dim // 2 or 1], activation)
        # In narrow products the order of a sum depends on where a row stands: spare columns avoid that.
        width = -(-self.allowed.shape[2] // 16) * 16
        self.gate_logits = GroupedLinear(n_groups, hidden_dim // 2 or 1, width)
        self.towers = GroupedMLP(n_groups, [expert_dim] + [hidden_dim] * TOWER_DEPTH, activation, **block)
        self.heads = GroupedLinear(n_groups, hidden_dim, 1)

    def embed(self, x: Tensor) -> Tensor:
        """Join features ``[n_rows, n_features]`` and embeddings: ``[n_members, n_rows, size]``."""
        parts = [x.expand(self.n_members, -1, -1)]
        if len(self.pairs):
            pairs = x[:, self.pairs].transpose(0, 1).repeat(self.n_members, 1, 1)
            embedded = self.pair_embedding(pairs).unflatten(0, (self.n_members, -1))
            parts.append(embedded.transpose(1, 2).flatten(2))
        if len(self.context):
            parts.append(self.context_embedding(x[None, :, self.context]))
        return torch.cat(parts, dim=-1)

    def run_experts(self, x: Tensor) -> Tensor:
        """Outputs of the module's own experts: ``[n_members, n_experts, n_rows, expert_dim]``."""
        shared = self.embed(x)[:, None].expand(-1, self.n_experts, -1, -1)
        return self.experts(shared.flatten(0, 1)).unflatten(0, (self.n_members, self.n_experts))

    def all_experts(self, x: Tensor, frozen: Tensor | None = None) -> Tensor:
        """Outputs of frozen and own experts: ``[n_members, n_all, n_rows, expert_dim]``."""
        parts = [] if frozen is None else [frozen[:, self.frozen_member].permute(1, 2, 0, 3)]
        if self.n_experts:
            parts.append(self.run_experts(x))
        return torch.cat(parts, dim=1)

    def gates(self, x: Tensor) -> Tensor:
        """Weights of the experts for each row and task: ``[n_members, n_tasks, n_rows, n_all]``."""
        logits = self.gate_logits(self.gate_hidden(x[None]))[..., : self.allowed.shape[2]]
        logits = logits.unflatten(0, (self.n_members, self.n_tasks))
        return logits.masked_fill(~self.allowed[:, :, None], -torch.inf).softmax(-1)

    def forward(self, x: Tensor, frozen: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Predict all tasks.

        Parameters
        ----------
        x : Tensor of shape [n_rows, n_features]
        frozen : Tensor of shape [n_rows, n_frozen_members, n_frozen, expert_dim], optional
            Outputs of the frozen experts.

        Returns
        -------
        prediction : Tensor of shape [n_members, n_rows, n_tasks]
        experts : Tensor of shape [n_members, n_all, n_rows, expert_dim]
        tasks : Tensor of shape [n_members, n_tasks, n_rows, expert_dim]
            For each task, the sum of the experts by gate weight.
        """
        experts = self.all_experts(x, frozen)
        mixed = self.gates(x).transpose(1, 2) @ experts.transpose(1, 2)  # [members, rows, tasks, size]
        tasks = mixed.transpose(1, 2)
        output = self.heads(self.towers(tasks.flatten(0, 1)))  # [members * tasks, rows, 1]
        return output.view(self.n_members, self.n_tasks, -1).transpose(1, 2), experts, tasks


class HMNNLoss(nn.Module):
    """Loss of all members: tasks by learned or equal weights, and a penalty on similarity.

    Parameters
    ----------
    n_members, n_tasks : int
    task_weighting : {"uncertainty", "equal"}
    similarity : {"experts", "tasks"} or None
        Which representations shall differ from one another.
    similarity_weight : float
    beta : float
        See :func:`masked_smooth_l1`.
    """

    def __init__(
        self,
        n_members: int,
        n_tasks: int,
        *,
        task_weighting: str = "uncertainty",
        similarity: str | None = "experts",
        similarity_weight: float = 0.01,
        beta: float = 1.0,
    ):
        super().__init__()
        self.similarity, self.similarity_weight, self.beta = similarity, similarity_weight, beta
        self.learned = task_weighting == "uncertainty"
        self.log_variance = nn.Parameter(torch.zeros(n_members, n_tasks), requires_grad=self.learned)

    def forward(self, output: tuple[Tensor, Tensor, Tensor], labels: dict[str, Tensor]) -> Tensor:
        """Sum over members, which therefore do not influence one another.

        Parameters
        ----------
        output : tuple
            Output of :class:`HMNN`.
        labels : dict
            ``target`` and ``weight``, Tensors of shape [n_rows, n_members, n_tasks].

        Returns
        -------
        Tensor of shape []
        """
        prediction, experts, tasks = output
        target, weight = labels["target"].transpose(0, 1), labels["weight"].transpose(0, 1)
        losses = masked_smooth_l1(prediction, target, weight, self.beta)
        # Without a label in the batch nothing holds the weight of a task, which would grow for ever.
        labelled = (weight > 0).any(1)
        total = torch.where(labelled, uncertainty_weighted(losses, self.log_variance), 0.0).sum()
        if self.similarity is not None:
            alike = similarity_penalty(experts if self.similarity == "experts" else tasks)
            total = total + self.similarity_weight * alike.sum()
        return total
