"""The width of the relevance box of merged training, judged by held-out structures of the target."""

import numpy as np
import pandas as pd
from _common import save_table

from skxfer import HMNNRegressor
from skxfer.datasets import fetch_co_ag
from skxfer.models.hmnn import _training

SOURCES = ["gas", "water"]

if __name__ == "__main__":
    data = fetch_co_ag(subset=[*SOURCES, "multisolvent"])
    Y = np.where(data.label_ok, data.target, np.nan)
    rows = []
    for margin in (0.2, 0.5, 1.0, None):
        _training.RELEVANCE_MARGIN = margin
        model = HMNNRegressor(
            source_domains=SOURCES,
            strategy="merge" if margin is None else "merge_relevant",
            guard=False,
            n_members=1,
            random_state=0,
        )
        model.fit(data.data, Y, sample_domain=data.domain)
        rows.append(["all rows" if margin is None else margin, *np.round(model.cv_results_["mae"], 4)])
    save_table(
        "hmnn_settings",
        pd.DataFrame(rows, columns=["margin", *data.target_names]),
        "HMNN data; sources gas and water, target 15 solvents with 35 rows each, strategies "
        "merge_relevant and, for all rows, merge; "
        "cross-validated MAE on the target rows (coarse and fine clusters of structures held out), in eV "
        "(delta_e: e); seed 0.",
    )
