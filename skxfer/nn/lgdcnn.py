"""L-G-DCNN: recurrent (global) and convolutional (local) layers over the elements of a formula."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

# The parts of a variant: recurrent layers, attention after each of them, and the width of the convolutions.
VARIANTS = {
    "lgdcnn": {"recurrent": ("lstm", "gru"), "attention": "soft", "kernel_size": 3, "fusion": "stack"},
    "v1": {"recurrent": ("lstm", "gru"), "attention": "soft", "kernel_size": 3, "fusion": "add"},
    "v2": {"recurrent": ("lstm", "gru"), "attention": "self", "kernel_size": 3, "fusion": "stack"},
    "ldcnn": {"recurrent": ("lstm",), "attention": None, "kernel_size": 3, "fusion": "stack"},
    "lstm": {"recurrent": ("lstm",), "attention": None, "kernel_size": 0, "fusion": "stack"},
    "dcnn": {"recurrent": (), "attention": None, "kernel_size": 3, "fusion": "stack"},
    "dcnn-k1": {"recurrent": (), "attention": None, "kernel_size": 1, "fusion": "stack"},
}
# Of labels with the deviation one.
SMALLEST_LOG_SIGMA = -8.0


class Elements(NamedTuple):
    """The elements of all formulas of a batch in one list, without padding.

    They come in the order of a packed sequence: the first element of every
    formula, then the second of every formula that has one, ...
    """

    batch_sizes: Tensor  # [n_steps] formulas that have an element at this step
    formula: Tensor  # [n_elements] row of the batch
    step: Tensor  # [n_elements] place in the formula
    where: Tensor  # [batch, n_steps] place in the list, n_elements where there is no element
    count: Tensor  # [batch, 1] elements of each formula

    @classmethod
    def of(cls, mask: Tensor) -> "Elements":
        """List the elements where the mask ``[batch, n_steps]``, ones before zeros in each row, is set."""
        count = mask.sum(1)
        steps = torch.arange(int(count.max()), device=mask.device)
        formulas = torch.arange(len(mask), device=mask.device)
        grid = torch.stack([x.expand(len(mask), len(steps)) for x in (formulas[:, None], steps)], dim=-1)
        packed = pack_padded_sequence(grid, count.cpu(), batch_first=True, enforce_sorted=False)
        formula, step = packed.data.unbind(-1)
        where = torch.full((len(mask), len(steps)), len(formula), device=mask.device)
        where[formula, step] = torch.arange(len(formula), device=mask.device)
        return cls(packed.batch_sizes, formula, step, where, count[:, None])

    def pad(self, x: Tensor, fill: float) -> Tensor:
        """Spread a list ``[n_elements, ...]`` to ``[batch, n_steps, ...]``."""
        return torch.cat([x, x.new_full((1, *x.shape[1:]), fill)])[self.where]

    def neighbour(self, x: Tensor, shift: int, fill: float) -> Tensor:
        """For each element, what the list holds for the one `shift` places further in its formula."""
        where = nn.functional.pad(self.where, (1, 1), value=len(x))
        place = where[self.formula, self.step + 1 + shift]
        return torch.cat([x, x.new_full((1, x.shape[1]), fill)])[place]

    def total(self, x: Tensor) -> Tensor:
        """Sum a list ``[n_elements, size]`` over each formula: ``[batch, size]``."""
        return x.new_zeros(len(self.count), x.shape[1]).index_add(0, self.formula, x)


class FractionCode(nn.Module):
    """Sines and cosines of the atomic fraction, and of its logarithm, each with a learned scale.

    Parameters
    ----------
    size : int
        A multiple of four.
    largest : float
        Angle of a whole in the fastest sine. A large one tells close fractions apart
        (5000 in the reference) and makes predictions jagged in between those seen.
    smallest : float
        Fractions below it count as this one.

    References
    ----------
    Wang, A. Y.-T. et al., npj Comput. Mater. 7, 77 (2021).
    """

    def __init__(self, size: int, largest: float = 200.0, smallest: float = 1e-4):
        super().__init__()
        self.register_buffer("frequency", largest * torch.logspace(0, -4, size // 4))
        self.smallest = smallest
        self.log_scale = nn.Parameter(torch.zeros(2))

    def forward(self, fraction: Tensor) -> Tensor:
        """Map ``[n_elements]`` to ``[n_elements, size]``."""
        scaled = 1 - fraction.clamp(min=self.smallest).log() / math.log(self.smallest)
        angle = torch.stack([fraction, scaled], -1)[..., None] * self.frequency
        code = torch.cat([angle.sin(), angle.cos()], -1)  # [n_elements, 2, size / 2]
        return (code * self.log_scale.exp()[:, None]).flatten(1)


class Recurrent(nn.Module):
    """A recurrent layer that reads the elements both ways, and attention over them.

    Parameters
    ----------
    kind : {"lstm", "gru"}
    size : int
    attention : {"soft", "self", None}
        Soft attention multiplies by 1 + α, where the α of a formula sum to one;
        self-attention adds what the elements say of one another.
    n_heads : int
        Heads of the self-attention.
    """

    def __init__(self, kind: str, size: int, attention: str | None, n_heads: int = 4):
        super().__init__()
        layer = {"lstm": nn.LSTM, "gru": nn.GRU}[kind]
        self.layer = layer(size, size // 2, bidirectional=True)
        self.attention = attention
        if attention == "soft":
            self.score = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1))
        elif attention == "self":
            self.heads = nn.MultiheadAttention(size, n_heads, batch_first=True)

    def forward(self, x: Tensor, elements: Elements) -> Tensor:
        """Map ``[n_elements, size]`` to the same shape."""
        x = self.layer(PackedSequence(x, elements.batch_sizes))[0].data
        if self.attention == "soft":
            alpha = elements.pad(self.score(x), -torch.inf).softmax(1)
            x = x * (1 + alpha[elements.formula, elements.step])
        elif self.attention == "self":
            padded, absent = elements.pad(x, 0.0), elements.where == len(x)
            mixed, _ = self.heads(padded, padded, padded, key_padding_mask=absent, need_weights=False)
            x = x + mixed[elements.formula, elements.step]
        return x


class Convolution(nn.Module):
    """A convolution along the elements of each formula, with zeros beyond its ends.

    Parameters
    ----------
    size : int
    kernel_size : {1, 3}
    """

    def __init__(self, size: int, kernel_size: int):
        super().__init__()
        self.shifts = range(-(kernel_size // 2), kernel_size // 2 + 1)
        self.linear = nn.Linear(kernel_size * size, size)

    def forward(self, x: Tensor, elements: Elements) -> Tensor:
        """Map ``[n_elements, size]`` to the same shape."""
        around = [elements.neighbour(x, shift, 0.0) if shift else x for shift in self.shifts]
        return self.linear(torch.cat(around, -1))


class ConvolutionBlock(nn.Module):
    """Two convolutions, each after a ReLU, parallel to a direct connection.

    Parameters
    ----------
    size : int
    kernel_size : {1, 3}
    """

    def __init__(self, size: int, kernel_size: int):
        super().__init__()
        self.convolutions = nn.ModuleList([Convolution(size, kernel_size) for _ in range(2)])

    def forward(self, x: Tensor, elements: Elements) -> Tensor:
        """Map ``[n_elements, size]`` to the same shape."""
        y = x
        for convolution in self.convolutions:
            y = convolution(y.relu(), elements)
        return x + y


class LGDCNN(nn.Module):
    """Targets of a formula, and their uncertainty, as a mean over its elements.

    Parameters
    ----------
    table : ndarray of shape (n_atomic_numbers + 1, n_properties)
        Properties of the elements by atomic number; the row 0 is unused.
    n_targets : int
    size : int
        Width of the feature map, a multiple of four.
    n_blocks : int
        Blocks of two convolutions.
    variant : str
        A key of `VARIANTS`.
    pooling : {"mean", "fraction", "attention"}
        How elements are weighed: alike, by atomic fraction, or as learned.
    dropout : float
        Share of feature map entries set to zero in training.
    jitter : float
        Relative standard deviation of a noise on the fractions in training.

    References
    ----------
    Du, H. et al., J. Chem. Theory Comput. 2024, doi:10.1021/acs.jctc.4c00187.
    """

    def __init__(
        self,
        table,
        n_targets: int,
        size: int = 128,
        n_blocks: int = 2,
        variant: str = "v1",
        pooling: str = "mean",
        dropout: float = 0.0,
        jitter: float = 0.02,
    ):
        super().__init__()
        parts = VARIANTS[variant]
        self.fusion, self.pooling, self.jitter = parts["fusion"], pooling, jitter
        self.n_targets = n_targets
        self.register_buffer("table", torch.as_tensor(table, dtype=torch.float32))
        self.embedding = nn.ModuleDict(
            {"element": nn.Linear(self.table.shape[1], size), "fraction": FractionCode(size)}
        )
        self.global_part = nn.ModuleList([Recurrent(k, size, parts["attention"]) for k in parts["recurrent"]])
        self.local_part = nn.ModuleList()
        if parts["kernel_size"]:
            self.local_part.append(Convolution(size, parts["kernel_size"]))
            self.local_part.extend(ConvolutionBlock(size, parts["kernel_size"]) for _ in range(n_blocks))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(size, 3 * n_targets)
        if pooling == "attention":
            self.weigh = nn.Linear(size, 1)

    def encode(self, number: Tensor, fraction: Tensor) -> tuple[Tensor, Tensor, Elements]:
        """Return the element feature map, the weight of each element, and which element is whose.

        Parameters
        ----------
        number : Tensor of shape [batch, n_steps]
            Atomic numbers, zero after the last element of a formula.
        fraction : Tensor of shape [batch, n_steps]
            Atomic fractions.

        Returns
        -------
        feature_map : Tensor of shape [n_elements, size]
        weight : Tensor of shape [n_elements, 1]
            They sum to one over a formula.
        elements : Elements
        """
        elements = Elements.of(number > 0)
        number, fraction = (x[elements.formula, elements.step] for x in (number.long(), fraction))
        noisy = fraction
        if self.training and self.jitter:
            noisy = fraction * (1 + self.jitter * torch.randn_like(fraction)).clamp(min=0)
        x = self.embedding["element"](self.table[number]) + self.embedding["fraction"](noisy)
        skipped = []
        for layer in self.global_part:
            x = layer(x, elements)
            skipped.append(x)
        for layer in self.local_part:
            x = layer(x, elements)
        if self.fusion == "add":
            x = x + sum(skipped)
            x = torch.stack([elements.neighbour(x, shift, -torch.inf) for shift in (-1, 0, 1)]).amax(0)
        return x, self._weight(x, fraction, elements), elements

    def _weight(self, x, fraction, elements):
        if self.pooling == "fraction":
            return fraction[:, None]
        if self.pooling == "attention":
            weight = elements.pad(self.weigh(x), -torch.inf).softmax(1)
            return weight[elements.formula, elements.step]
        return 1 / elements.count[elements.formula].to(x.dtype)

    def forward(self, number: Tensor, fraction: Tensor) -> Tensor:
        """Predict mean and log σ of each target, ``[batch, n_targets, 2]``, from the inputs of `encode`."""
        x, weight, elements = self.encode(number, fraction)
        pooled = elements.total(weight * self.head(self.dropout(x)))
        mean, log_sigma, logit = pooled.view(len(number), 3, -1).unbind(1)
        # Where labels do not differ at all, the likelihood has no maximum.
        return torch.stack([mean * logit.sigmoid(), log_sigma.clamp(min=SMALLEST_LOG_SIGMA)], -1)

    def pooled(self, number: Tensor, fraction: Tensor) -> Tensor:
        """Average the feature map over the elements of a formula: ``[batch, size]``."""
        x, weight, elements = self.encode(number, fraction)
        return elements.total(weight * x)

    def feature_map(self, number: Tensor, fraction: Tensor) -> Tensor:
        """Return the element feature map ``[batch, n_steps, size]``, zero where there is no element."""
        x, _, elements = self.encode(number, fraction)
        return elements.pad(x, 0.0)

    def contributions(self, number: Tensor, fraction: Tensor) -> Tensor:
        """Split the mean over the elements: ``[batch, n_steps, n_targets]``, zero where there is none."""
        x, weight, elements = self.encode(number, fraction)
        out = weight * self.head(x)
        logit = elements.total(out)[:, 2 * self.n_targets :]
        return elements.pad(out[:, : self.n_targets], 0.0) * logit.sigmoid()[:, None]
