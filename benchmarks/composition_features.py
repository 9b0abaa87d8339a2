"""Formulas parsed and featurized per second, against pymatgen and matminer in the same process."""

import os
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from _common import save_table
from matminer.featurizers.composition import ElementProperty
from pymatgen.core import Composition

from skxfer.featurizers import CompositionFeaturizer
from skxfer.formulas import parse_formulas

REPEATS = 5
# Different formulas in each repeat: pymatgen keeps those it has read in a cache.
N_OURS, N_THEIRS = 20_000, {"parse": 5_000, "featurize": 300}
PRESETS = {"magpie": "magpie", "deml": "deml", "matminer": "matminer", "matscholar": "matscholar_el"}


def seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def row(name, other, theirs, ours, n_theirs):
    """Medians over the repeats of formulas per CPU second."""
    return {
        "task": name,
        "other": other,
        "other_per_s": round(n_theirs / np.median(theirs)),
        "skxfer_per_s": round(N_OURS / np.median(ours)),
        "ratio": round(np.median(np.array(theirs) / n_theirs / (np.array(ours) / N_OURS)), 1),
    }


def main():
    warnings.simplefilter("ignore")
    folder = Path(os.environ["SKXFER_DATA"]) / "composition" / "benchmark"
    tables = [pd.read_csv(path, keep_default_na=False) for path in sorted(folder.glob("*/*.csv"))]
    formulas = pd.concat(tables)["formula"].drop_duplicates().sample(frac=1, random_state=0).tolist()
    parts = [formulas[i * N_OURS : (i + 1) * N_OURS] for i in range(REPEATS)]

    rows = []
    theirs, ours = [], []
    for part in parts:
        theirs.append(seconds(lambda p: [Composition(f) for f in p], part[: N_THEIRS["parse"]]))
        ours.append(seconds(parse_formulas, part))
    rows.append(row("parse", "pymatgen", theirs, ours, N_THEIRS["parse"]))

    for preset, name in PRESETS.items():
        featurizer = CompositionFeaturizer(preset).fit(["FeO"])
        other = ElementProperty.from_preset(name)
        theirs, ours = [], []
        for part in parts:
            few = part[: N_THEIRS["featurize"]]
            theirs.append(seconds(lambda p, o=other: [o.featurize(Composition(f)) for f in p], few))
            ours.append(seconds(featurizer.transform, part))
        rows.append(row(f"{preset}, from formulas", "matminer", theirs, ours, N_THEIRS["featurize"]))

    protocol = (
        f"{REPEATS} interleaved repeats on {N_OURS} different formulas of the benchmark sets each "
        f"(pymatgen: the first {N_THEIRS['parse']}, matminer: the first {N_THEIRS['featurize']} of them). "
        "Formulas per CPU second of one process, medians; ratio: the median of the repeats' ratios. "
        "Featurizing includes parsing."
    )
    save_table("composition_features", pd.DataFrame(rows), protocol)


if __name__ == "__main__":
    main()
