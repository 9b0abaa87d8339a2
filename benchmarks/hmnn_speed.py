"""What batching brings: against a plain PyTorch loop with one module per expert, and rows per second."""

from time import perf_counter

import numpy as np
import pandas as pd
import torch
from _common import save_table
from torch import nn

from skxfer import HMNNRegressor
from skxfer.datasets import load_co_ag_emt
from skxfer.nn.hmnn import CONTEXT_DIM, TOWER_DEPTH

EPOCHS, BATCH, REPEATS = 10, 32, 5
N_EXPERTS, EXPERT, HIDDEN, EMBEDDING = 5, 64, 64, 8


def dense(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.SiLU())


class OneModulePerExpert(nn.Module):
    """The same network, of the same sizes, as it is written most simply."""

    def __init__(self, n_features, n_tasks, pairs, context):
        super().__init__()
        self.pairs, self.context = pairs, context

        def embedding(n_in, *sizes):
            sizes = [n_in, *sizes]
            layers = [(nn.Linear(a, b), nn.SiLU()) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
            return nn.Sequential(*(layer for both in layers for layer in both))

        self.pair_embeddings = nn.ModuleList(embedding(2, 2 * EMBEDDING, EMBEDDING) for _ in pairs)
        self.context_embedding = embedding(1, CONTEXT_DIM, CONTEXT_DIM)
        size = n_features + len(pairs) * EMBEDDING + CONTEXT_DIM
        self.experts = nn.ModuleList(
            nn.Sequential(dense(size, HIDDEN), dense(HIDDEN, EXPERT)) for _ in range(N_EXPERTS)
        )
        self.gates = nn.ModuleList(
            nn.Sequential(nn.Linear(n_features, HIDDEN // 2), nn.SiLU(), nn.Linear(HIDDEN // 2, N_EXPERTS))
            for _ in range(n_tasks)
        )
        self.towers = nn.ModuleList(
            nn.Sequential(
                *(dense(EXPERT if depth == 0 else HIDDEN, HIDDEN) for depth in range(TOWER_DEPTH)),
                nn.Linear(HIDDEN, 1),
            )
            for _ in range(n_tasks)
        )
        self.log_variance = nn.Parameter(torch.zeros(n_tasks))

    def forward(self, x):
        embedded = [embed(x[:, pair]) for embed, pair in zip(self.pair_embeddings, self.pairs, strict=True)]
        m = torch.cat([x, *embedded, self.context_embedding(x[:, self.context])], dim=1)
        outputs = [expert(m) for expert in self.experts]
        predictions = []
        for gate, tower in zip(self.gates, self.towers, strict=True):
            weights = gate(x).softmax(dim=1)
            mixed = sum(weights[:, [e]] * output for e, output in enumerate(outputs))
            predictions.append(tower(mixed))
        return torch.cat(predictions, dim=1), outputs

    def loss(self, x, y):
        prediction, outputs = self(x)
        each = nn.functional.smooth_l1_loss(prediction, y, beta=0.1, reduction="none").mean(dim=0)
        total = ((-self.log_variance).exp() * each + 0.5 * self.log_variance).sum()
        cosine = nn.functional.cosine_similarity
        pairs = [
            (cosine(outputs[i], outputs[j], dim=1) ** 2).mean() for i in range(N_EXPERTS) for j in range(i)
        ]
        return total + 0.01 * sum(pairs) / len(pairs)


def plain_loop(Z, Y, n_members):
    """Seconds to train the members one after the other."""
    x, y = (torch.as_tensor(a, dtype=torch.float32) for a in (Z, Y))
    pairs = [[i, 6 + i] for i in range(6)] + [[i, 12 + i] for i in range(6)]
    start = perf_counter()
    for _ in range(n_members):
        net = OneModulePerExpert(Z.shape[1], Y.shape[1], pairs, [18])
        optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, EPOCHS * -(-len(x) // BATCH))
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                net.loss(x[rows], y[rows]).backward()
                optimizer.step()
                cycle.step()
    return perf_counter() - start


def ours(X, Y, n_members):
    """Seconds of a fit with everything around it, and the model."""
    model = HMNNRegressor(cv=None, max_epochs=EPOCHS, n_members=n_members, random_state=0)
    start = perf_counter()
    model.fit(X, Y)
    return perf_counter() - start, model


if __name__ == "__main__":
    torch.set_num_threads(1)
    data = load_co_ag_emt()
    rows = data.domain == "gas"
    X, Y = data.data[rows], data.target[rows]
    Z = HMNNRegressor(cv=None, max_epochs=1).fit(X, Y).network_.featurizer.transform(X)
    Y_scaled = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    many = np.tile(data.data, (66, 1))  # 200 970 rows
    table = []
    for n_members in (1, 3):
        loops, fits, speeds = [], [], []
        for _ in range(REPEATS):  # interleaved, so that both sides see the same machine
            loops.append(plain_loop(Z, Y_scaled, n_members))
            seconds, model = ours(X, Y, n_members)
            fits.append(seconds)
            start = perf_counter()
            model.predict(many)
            speeds.append(len(many) / (perf_counter() - start))
        trained = len(X) * EPOCHS * n_members
        table.append(
            {
                "members": n_members,
                "plain_loop_rows_per_s": int(trained / np.median(loops)),
                "skxfer_rows_per_s": int(trained / np.median(fits)),
                "ratio": round(float(np.median(np.array(loops) / np.array(fits))), 1),
                "predicted_rows_per_s": int(np.median(speeds)),
            }
        )
    save_table(
        "hmnn_speed",
        pd.DataFrame(table),
        f"load_co_ag_emt, gas: {len(X)} rows, {EPOCHS} epochs, batches of {BATCH}, default sizes, one "
        "thread. Rows x members x epochs per second of the whole fit, against a plain loop with one module "
        "per pair, "
        f"expert, gate and tower and one network after the other; median of {REPEATS} interleaved ratios. "
        f"Prediction of {len(many)} rows, spectra in cm-1 and all.",
    )
