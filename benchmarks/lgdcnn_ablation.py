"""The ablations of the L-G-DCNN paper (its Table 2) and the variants, on two of the benchmark sets."""

import sys
from time import process_time
from unittest import mock

import numpy as np
import pandas as pd
from _common import save_table
from joblib import Parallel, delayed
from torch import nn

import skxfer.nn.lgdcnn as lgdcnn
from skxfer import LGDCNNRegressor
from skxfer.datasets import fetch_composition_benchmark, fetch_element_embedding
from skxfer.formulas import ELEMENTS

SETS = ("aflow_bulk_modulus", "mp_shear_modulus")
SEEDS = range(3)


class PostProcessing(nn.Module):
    """Four linear layers with residual connections before the last one."""

    def __init__(self, size, n_out):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(size, size) for _ in range(4)])
        self.last = nn.Linear(size, n_out)

    def forward(self, x):
        for layer in self.layers:
            x = x + nn.functional.leaky_relu(layer(x))
        return self.last(x)


class WithPostProcessing(lgdcnn.LGDCNN):
    def __init__(self, *args, **params):
        super().__init__(*args, **params)
        self.head = PostProcessing(self.head.in_features, self.head.out_features)


class PlainBlock(lgdcnn.ConvolutionBlock):
    """Without the direct connection."""

    def forward(self, x, elements):
        return super().forward(x, elements) - x


class PlainRecurrent(lgdcnn.Recurrent):
    """Attention multiplies by α in place of 1 + α."""

    def forward(self, x, elements):
        h = self.layer(nn.utils.rnn.PackedSequence(x, elements.batch_sizes))[0].data
        return super().forward(x, elements) - h


class NoResidual(lgdcnn.LGDCNN):
    def __init__(self, *args, **params):
        with mock.patch.multiple(lgdcnn, ConvolutionBlock=PlainBlock, Recurrent=PlainRecurrent):
            super().__init__(*args, **params)


class NoRegionResidual(lgdcnn.LGDCNN):
    """Only the connection from the first convolution around the first block is cut."""

    def __init__(self, *args, **params):
        super().__init__(*args, **params)
        self.local_part[1].__class__ = PlainBlock


class FastSines(lgdcnn.LGDCNN):
    """Fractions coded so that those 1/5000 apart are told apart, as in CrabNet."""

    def __init__(self, table, n_targets, size, **params):
        super().__init__(table, n_targets, size, **params)
        self.embedding["fraction"] = lgdcnn.FractionCode(size, largest=5000.0, smallest=1 / 5000)


def ablations():
    """Name: parameters, and the module if it is another one."""
    onehot = pd.DataFrame(np.eye(len(ELEMENTS)), index=ELEMENTS)
    mat2vec = fetch_element_embedding("mat2vec")
    return {
        "v1 (default)": ({}, None),
        "lgdcnn": ({"variant": "lgdcnn"}, None),
        "v2: self-attention (model 5)": ({"variant": "v2"}, None),
        "ldcnn (model 6)": ({"variant": "ldcnn"}, None),
        "lstm": ({"variant": "lstm"}, None),
        "dcnn": ({"variant": "dcnn"}, None),
        "dcnn-k1": ({"variant": "dcnn-k1"}, None),
        "lgdcnn, one-hot (model 1)": ({"variant": "lgdcnn", "embedding": onehot}, None),
        "lgdcnn, mat2vec": ({"variant": "lgdcnn", "embedding": mat2vec}, None),
        "lgdcnn, post-processing (model 2)": ({"variant": "lgdcnn"}, WithPostProcessing),
        "lgdcnn, no residual (model 3)": ({"variant": "lgdcnn"}, NoResidual),
        "lgdcnn, no region residual (model 4)": ({"variant": "lgdcnn"}, NoRegionResidual),
        "lgdcnn, 1 block": ({"variant": "lgdcnn", "n_blocks": 1}, None),
        "lgdcnn, 3 blocks": ({"variant": "lgdcnn", "n_blocks": 3}, None),
        "v1, pooled by fraction": ({"pooling": "fraction"}, None),
        "v1, pooled by attention": ({"pooling": "attention"}, None),
        "v1, fast sines of the fraction": ({}, FastSines),
        "v1, no jitter": ({"jitter": 0.0}, None),
    }


def run(name, ablation, seed):
    data = fetch_composition_benchmark(name)
    params, module = ablations()[ablation]
    model = LGDCNNRegressor(**params, calibration=None, random_state=seed)
    start = process_time()
    with mock.patch.object(lgdcnn, "LGDCNN", module or lgdcnn.LGDCNN):
        model.fit(data.train.data, data.train.target)
    return model.predict(data.test.data) - data.test.target, process_time() - start


def main():
    names = sys.argv[1:] or SETS
    jobs = [(name, ablation, seed) for name in names for ablation in ablations() for seed in SEEDS]
    done = dict(zip(jobs, Parallel(n_jobs=2, verbose=5)(delayed(run)(*job) for job in jobs), strict=True))
    rows = []
    for ablation in ablations():
        row = {"network": ablation}
        for name in names:
            errors = np.array([done[name, ablation, seed][0] for seed in SEEDS])
            mae = np.abs(errors).mean(axis=1)
            row[name] = f"{mae.mean():.2f} ± {mae.std(ddof=1):.2f}"
            row[f"{name}, mean of 3"] = f"{np.abs(errors.mean(axis=0)).mean():.2f}"
        row["cpu_s"] = round(np.mean([done[name, ablation, seed][1] for name in names for seed in SEEDS]), 1)
        rows.append(row)
    save_table(
        "lgdcnn_ablation",
        pd.DataFrame(rows),
        "Trained on train, test MAE in GPa: mean ± standard deviation over seeds 0 to 2, and the mean of the "
        "three networks. Other parameters as by default (width 128, two blocks, 40 epochs), none tuned for a "
        "row. Model numbers are those of the paper's Table 2. CPU seconds of a fit without calibration, two "
        "at a time on two shared cores.",
    )


if __name__ == "__main__":
    main()
