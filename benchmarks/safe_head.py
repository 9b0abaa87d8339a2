"""Error of FeatureTransfer's default head over that of the mean, on features with and without a signal."""

import numpy as np
import pandas as pd
from _common import save_table
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skxfer import FeatureTransfer

ROWS, COLUMNS, N_TEST, DRAWS = (10, 20, 50, 100), (3, 20, 200), 200, 50


def noise(rng, n, p):
    """Features and labels that have nothing to do with each other."""
    return rng.standard_normal((n, p)), rng.standard_normal(n)


def heavy_noise(rng, n, p):
    """The same with Cauchy features and labels of Student's t with two degrees of freedom."""
    return rng.standard_cauchy((n, p)), rng.standard_t(2, n)


def heavy_columns(rng, n, p):
    """Cauchy features, one of which matters."""
    X = rng.standard_cauchy((n, p))
    return X, np.tanh(X[:, 0]) + 0.5 * rng.standard_normal(n)


def weak(rng, n, p):
    """One feature explains a seventh of the variance."""
    X = rng.standard_normal((n, p))
    return X, 0.4 * X[:, 0] + rng.standard_normal(n)


def scales(rng, n, p):
    """Two features matter, in units that differ by up to six orders of magnitude."""
    X = rng.standard_normal((n, p))
    return X * 10.0 ** rng.uniform(-3, 3, p), X[:, 0] + X[:, 1] + 0.3 * rng.standard_normal(n)


def linear(rng, n, p):
    """All features matter."""
    X = rng.standard_normal((n, p))
    return X, X @ rng.standard_normal(p) / np.sqrt(p) + 0.3 * rng.standard_normal(n)


def encoded(rng, n, p):
    """Three hidden variables in all features, as from an encoder, and a curved law of two."""
    hidden = rng.standard_normal((n, 3))
    X = hidden @ rng.standard_normal((3, p)) + 0.1 * rng.standard_normal((n, p))
    return X, np.sin(hidden[:, 0]) + hidden[:, 1] + 0.1 * rng.standard_normal(n)


def curved(rng, n, p):
    """The square of one feature."""
    X = rng.standard_normal((n, p))
    return X, X[:, 0] ** 2


def ratios(law, n):
    """Errors of the default head and of RidgeCV over that of the mean, shape (n_draws, 2)."""
    rng = np.random.default_rng(0)
    found = []
    for p in COLUMNS:
        for _ in range(DRAWS):
            X, y = law(rng, n + N_TEST, p)
            heads = FeatureTransfer(), make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17)))
            predicted = [head.fit(X[:n], y[:n]).predict(X[n:]) for head in heads]
            error = [np.abs(values - y[n:]).mean() for values in (*predicted, y[:n].mean())]
            found.append(np.array(error[:2]) / error[2])
    return np.array(found)


def main():
    rows = []
    for n in ROWS:
        for law in (noise, heavy_noise, heavy_columns, weak, scales, linear, encoded, curved):
            both = ratios(law, n)
            rows.append({"n": n, "features": law.__name__.replace("_", " ")})
            for name, values in zip(("default", "RidgeCV"), both.T, strict=True):
                rows[-1] |= {
                    f"{name}: mean": round(values.mean(), 3),
                    f"{name}: p95": round(np.quantile(values, 0.95), 2),
                    f"{name}: max": round(values.max(), 2),
                    f"{name}: over 1.1": round((values > 1.1).mean(), 3),
                }
    protocol = (
        f"Mean absolute error on {N_TEST} test rows over that of the mean of the n training labels; {DRAWS} "
        f"draws for each of {COLUMNS} columns. Default: FeatureTransfer() on the features. RidgeCV: on "
        "standardised columns, penalties 1e-4 to 1e4. over 1.1: share of draws worse than the mean by more "
        "than 10 %."
    )
    save_table("safe_head", pd.DataFrame(rows), protocol)


if __name__ == "__main__":
    main()
