"""Add files of this version to tests/archive, with inputs and predictions that later versions must reproduce.

Run it from the repository root when the file format changes, with a word for what is new in it:
python -m tools.make_archive names. Files that are there stay as they are.
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from skorch import NeuralNetRegressor
from xgboost import XGBRegressor

import skxfer

ARCHIVE = Path(__file__).parents[1] / "tests" / "archive"
# The packages that read each member of a file.
NEEDS = {
    "boosters/0.ubj": ["xgboost"],
    "tensors.safetensors": ["torch", "skorch", "safetensors"],
}


class Layers(torch.nn.Module):
    """The module of the archived net; the test brings its own of the same name."""

    def __init__(self, n_hidden=4):
        super().__init__()
        self.hidden, self.out = torch.nn.Linear(3, n_hidden), torch.nn.Linear(n_hidden, 1)

    def forward(self, X):
        return self.out(torch.relu(self.hidden(X)))


def main(word):
    """Fit, predict, save."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X[:, 0] + np.sin(2 * X[:, 1])
    Y = np.c_[y, X[:, 2] ** 2]
    Y[::7, 1] = np.nan
    torch.manual_seed(0)
    net = NeuralNetRegressor(Layers, max_epochs=5, optimizer=torch.optim.Adam, lr=0.05, verbose=0)
    models = {
        "forest": RandomForestRegressor(5, max_depth=4, random_state=0),
        "svr": make_pipeline(StandardScaler(), SVR(C=10)),
        "xgboost": XGBRegressor(n_estimators=5, max_depth=3, n_jobs=1),
        "mlp": MLPRegressor(hidden_layer_sizes=(6,), max_iter=50, random_state=0),
        "knn": KNeighborsRegressor(3, weights="distance"),
        "gaussian_process": GaussianProcessRegressor(
            1.0 * RBF() + WhiteKernel(0.1), normalize_y=True, random_state=0
        ),
        "net": net,
        "transfer": skxfer.HierarchicalTransfer(
            RandomForestRegressor(4, max_depth=3), source_domains=["gas", "water"], cv=3, random_state=0
        ),
        "transfer_to_two_targets": skxfer.HierarchicalTransfer(
            SVR(C=10), source_domains=["gas", "water"], cv=3, random_state=0
        ),
        "transfer_from_trained": skxfer.HierarchicalTransfer(
            SVR(C=10),
            sources=[("gas", FrozenEstimator(XGBRegressor(n_estimators=3, n_jobs=1).fit(X, y)))],
            cv=3,
            random_state=0,
        ),
        "sequential": skxfer.SequentialTransfer(
            RandomForestRegressor(3, max_depth=3), order=["gas", "water", "target"], random_state=0
        ),
    }
    of_domains = ("transfer", "transfer_to_two_targets", "sequential")
    domain = np.repeat(["gas", "water", "target"], 10)
    records = json.loads((ARCHIVE / "expected.json").read_text())
    ARCHIVE.mkdir(exist_ok=True)
    for name, model in models.items():
        dtype = "float32" if name == "net" else "float64"
        inputs = rng.normal(size=(6, 3)).astype(dtype)
        options = {"sample_domain": domain} if name in of_domains else {}
        labels = {"net": y[:, None].astype(dtype), "transfer_to_two_targets": Y}.get(name, y)
        model.fit(X.astype(dtype), labels, **options)
        path = ARCHIVE / f"{name}_{word}.skxfer"
        if path.exists():
            raise SystemExit(f"{path} exists: choose another word.")
        skxfer.save(model, path)
        members = zipfile.ZipFile(path).namelist()
        records.append(
            {
                "file": path.name,
                "needs": [package for member in members for package in NEEDS.get(member, [])],
                "skxfer": skxfer.__version__,
                "scikit-learn": sklearn.__version__,
                "dtype": dtype,
                "X": inputs.tolist(),
                "expected": model.predict(inputs).tolist(),
            }
        )
    (ARCHIVE / "expected.json").write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
