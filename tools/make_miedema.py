"""Tabulate Miedema's formation enthalpies of binary alloys; writes skxfer/datasets/data/miedema.csv.gz.

Run ``python tools/make_miedema.py`` (needs matminer, seconds on one core). Two runs give the same bytes.

The source is the model for ordered intermetallic compounds, at small whole-number stoichiometries and for
many pairs of metals. The target is the one for solid solutions, at any tenth of composition, in few pairs,
part of which the source lacks. Both have the chemical term, in two shapes; the solid solution adds an elastic
term (atoms of two sizes on one lattice) and a structural one (the lattice that the valence electrons prefer).
"""

import gzip
import io
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matminer.featurizers.composition.alloy import Miedema
from pymatgen.core import Composition

OUTPUT = Path(__file__).resolve().parents[1] / "skxfer" / "datasets" / "data" / "miedema.csv.gz"
# Left out: alkali metals, whose elastic term reaches 3 eV/atom, and those that matminer takes for another
# kind of metal by their number of valence electrons: Al, Ga, In, Sn, Tl, Pb, Sb, Bi for transition metals
# (AlNi comes out at +0.07 eV/atom, where the book's formula gives -0.5), most lanthanides for simple ones.
METALS = [
    *(
        "Be",
        "Mg",
        "Ca",
        "Sr",
        "Ba",
        "Zn",
        "Cd",
        "Hg",
        "Sc",
        "Y",
        "La",
        "Lu",
        "Ce",
        "Th",
        "Ti",
        "Zr",
        "Hf",
        "V",
    ),
    *(
        "Nb",
        "Ta",
        "Cr",
        "Mo",
        "W",
        "Mn",
        "Tc",
        "Re",
        "Fe",
        "Ru",
        "Os",
        "Co",
        "Rh",
        "Ir",
        "Ni",
        "Pd",
        "Pt",
        "Cu",
    ),
    *("Ag", "Au"),
]
MODELS = {"intermetallic": "inter", "solid_solution": "ss"}
STOICHIOMETRIES = ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2))
N_PAIRS_LEFT_OUT = 100
N_ROWS_PER_PAIR = 3
N_TARGET_PAIRS_SHARED, N_TARGET_PAIRS_NEW = 67, 67


def enthalpy(formulas, domain):
    """Return the formation enthalpies of `formulas` in eV/atom, by the model of `domain`."""
    model = Miedema(struct_types=MODELS[domain], impute_nan=False)
    return np.array([model.featurize(Composition(formula))[0] for formula in formulas])


def formula(elements, amounts):
    """Write a formula; an amount of 1 is not written."""
    return "".join(f"{element}{'' if n == 1 else n}" for element, n in zip(elements, amounts, strict=True))


def sample_alloys(seed=0):
    """Return a table with domain, pair and formula of each row."""
    rng = np.random.default_rng(seed)
    pairs = [tuple(sorted(pair)) for pair in combinations(METALS, 2)]
    rng.shuffle(pairs)
    new, shared = pairs[:N_PAIRS_LEFT_OUT], pairs[N_PAIRS_LEFT_OUT:]
    rows = []
    for pair in sorted(map(tuple, shared)):
        for k in rng.permutation(len(STOICHIOMETRIES))[:N_ROWS_PER_PAIR]:
            rows.append(("intermetallic", "-".join(pair), formula(pair, STOICHIOMETRIES[k])))
    target_pairs = [*shared[:N_TARGET_PAIRS_SHARED], *new[:N_TARGET_PAIRS_NEW]]
    for pair in sorted(map(tuple, target_pairs)):
        for tenth in np.sort(rng.permutation(np.arange(1, 10))[:N_ROWS_PER_PAIR]):
            rows.append(("solid_solution", "-".join(pair), formula(pair, (tenth / 10, (10 - tenth) / 10))))
    return pd.DataFrame(rows, columns=["domain", "pair", "formula"])


def tabulate():
    """Return the alloys with their formation enthalpies in eV/atom."""
    table = sample_alloys()
    parts = [
        pd.Series(enthalpy(part["formula"], domain), index=part.index)
        for domain, part in table.groupby("domain")
    ]
    table["formation_enthalpy"] = pd.concat(parts).round(6)
    return table


def main():
    """Write the table; no time stamp goes into the file."""
    text = io.StringIO()
    tabulate().to_csv(text, index=False, lineterminator="\n")
    OUTPUT.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main()
