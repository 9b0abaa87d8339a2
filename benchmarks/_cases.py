"""Transfer problems to judge strategies on: each draws source rows, a few target rows, and test rows."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from _features import fingerprint_columns, formula_table, molecule_table, readable
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skxfer import SpectrumFeaturizer
from skxfer.datasets import (
    fetch_adsorption,
    fetch_buchwald_hartwig,
    fetch_co_ag,
    fetch_formation_enthalpy,
    fetch_freesolv,
    fetch_solubility,
    load_co_ag_emt,
    load_miedema,
    make_domains,
)
from skxfer.featurizers import ClippedScaler

CO_AG_TARGETS = ("Eads", "E_bonding", "d_band")
# Solvents that are predicted; tetrahydrofuran is kept apart.
CO_AG_TESTS = ("cyclohexane", "diethyl_ether")
RELATIONS = ("identical", "scaled", "related", "unrelated", "adversarial")


class Draw(NamedTuple):
    """Numbers of rows."""

    train: np.ndarray  # sources first, then the few target rows
    test: np.ndarray


@dataclass(frozen=True)
class Case:
    """A table with domains, and how to draw training and test rows from it.

    Parameters
    ----------
    name : str
    X : DataFrame or ndarray of shape (n_samples, n_features)
    y : ndarray of float of shape (n_samples,)
    domain : ndarray of str of shape (n_samples,)
    source_domains, target_domains : tuple of str
    featurizer : transformer
        Goes before any learner in a Pipeline.
    unit : str
        Of y.
    sizes : tuple of int or None
        Numbers of target rows worth drawing; None means all of them.
    groups : ndarray of shape (n_samples,) or None
        Rows that belong together. Training and test rows of the target never share one.
    test_domains : tuple of str
        Domains to predict. Empty: the target rows that were not drawn.
    same_in_sources : bool
        Whether a group says "the same thing" across domains, so that source rows with a group of the
        test rows must go too.
    low_fidelity : tuple of str
        Columns of X that approximate y.
    max_source_rows : int or None
        At most so many rows of each source are drawn.
    """

    name: str
    X: pd.DataFrame | np.ndarray
    y: np.ndarray
    domain: np.ndarray
    source_domains: tuple
    target_domains: tuple
    featurizer: BaseEstimator
    unit: str
    sizes: tuple
    groups: np.ndarray | None = None
    test_domains: tuple = ()
    same_in_sources: bool = False
    low_fidelity: tuple = ()
    max_source_rows: int | None = None

    def draw(self, n, seed):
        """Draw all or some source rows, n target rows, and the test rows.

        Parameters
        ----------
        n : int or None
            Number of target rows. None: all, where the test rows are of other domains.
        seed : int

        Returns
        -------
        Draw
        """
        rng = np.random.default_rng(seed)
        pool = np.flatnonzero(np.isin(self.domain, self.target_domains))
        if n is None and not self.test_domains:
            raise ValueError(f"{self.name}: without test domains, n must leave some of {len(pool)} rows.")
        if self.test_domains:
            few = rng.permutation(pool)[:n]
            test = np.flatnonzero(np.isin(self.domain, self.test_domains))
        else:
            few, test = self._split(pool, n, rng)
        if len(few) < (n or 1) or not len(test):
            raise ValueError(f"{self.name} has {len(pool)} target rows, too few to draw {n} and test.")
        return Draw(np.concatenate([self._source_rows(test, rng), np.sort(few)]), np.sort(test))

    def _split(self, pool, n, rng):
        """Take groups in random order until there are n rows; test on the groups that are left."""
        if self.groups is None:
            rows = rng.permutation(pool)
            return rows[:n], rows[n:]
        _, group = np.unique(self.groups[pool], return_inverse=True)
        order = rng.permutation(group.max() + 1)[group]
        rows = pool[np.lexsort([rng.permutation(len(pool)), order])]
        few = rows[:n]
        return few, rows[n:][~np.isin(self.groups[rows[n:]], self.groups[few])]

    def _source_rows(self, test, rng):
        rows = [np.flatnonzero(self.domain == name) for name in self.source_domains]
        if self.same_in_sources:
            rows = [some[~np.isin(self.groups[some], self.groups[test])] for some in rows]
        rows = [np.sort(rng.permutation(some)[: self.max_source_rows]) for some in rows]
        return np.concatenate([np.array([], dtype=int), *rows])


def co_ag(target):
    """CO on Ag by DFT: gas and water, 15 solvents with 35 rows, to two solvents with new structures."""
    subset = ["gas", "water", "multisolvent", *CO_AG_TESTS]
    return _co_ag("CO on Ag, DFT", fetch_co_ag(subset=subset), target)


def co_ag_emt(target):
    """CO on Ag, the embedded simulation: gas and water, twelve solvents, to three others."""
    return _co_ag("CO on Ag, simulated", load_co_ag_emt(), target)


def _co_ag(name, data, target):
    column = data.target_names.index(target)
    ok = data.feature_ok & data.label_ok[:, column]
    # Groups are numbered within each kind of domain: only the target's solvents share their structures.
    shared = np.isin(data.domain, data.target_domains)
    place = np.where(shared, "target", data.domain)
    groups = np.array([f"{where} {group}" for where, group in zip(place, data.structure_group, strict=True)])
    return Case(
        name=f"{name}, {target}",
        X=data.data[ok],
        y=data.target[ok, column],
        domain=data.domain[ok],
        source_domains=data.source_domains,
        target_domains=data.target_domains,
        featurizer=SpectrumFeaturizer(),
        unit=data.target_units[column],
        sizes=(35, 100, None),
        groups=groups[ok],
        test_domains=data.test_domains,
    )


def adsorption(target):
    """Adsorption energies: metals to single-atom alloys, or both to bimetallics."""
    data = fetch_adsorption()
    order = ("transition_metals", "single_atom_alloys", "bimetallics")
    return Case(
        name=f"adsorption on {target.replace('_', ' ')}",
        X=data.data,
        y=data.target,
        domain=data.domain,
        source_domains=order[: order.index(target)],
        target_domains=(target,),
        featurizer=make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["adsorbate"]),
            remainder=StandardScaler(),
        ),
        unit="eV",
        sizes=(10, 20, 60),
        groups=data.descriptor_group,
    )


def buchwald(features="onehot"):
    """Yields of products a and b to c: categories with the halogen, or fingerprints of the compounds."""
    data = fetch_buchwald_hartwig()
    onehot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    shared = ["additive", "base", "ligand"]
    if features == "onehot":
        featurizer = make_column_transformer((onehot, ["halogen", *shared]))
    else:
        fragments = FunctionTransformer(fingerprint_columns)
        featurizer = make_column_transformer((onehot, ["halogen"]), (fragments, ["aryl_halide", *shared]))
    return Case(
        name=f"coupling yields, {features}",
        X=data.data,
        y=data.target,
        domain=data.domain,
        source_domains=data.source_domains,
        target_domains=data.target_domains,
        featurizer=featurizer,
        unit="%",
        sizes=(20, 50, 100),
    )


def solubility(target):
    """Solubility: all earlier collections to F or G; a molecule once in each, without salts."""
    data = fetch_solubility()
    repeated = pd.DataFrame({"domain": data.domain, "key": data.inchikey}).duplicated().to_numpy()
    ok = np.flatnonzero(~data.salt_or_mixture & ~repeated)
    ok = ok[readable(data.data[ok])]
    X = molecule_table(data.data[ok])  # of all collections, so that it is computed once
    used = data.domain[ok] <= target
    X, ok = X[used].reset_index(drop=True), ok[used]
    return Case(
        name=f"solubility in collection {target}",
        X=X,
        y=data.target[ok],
        domain=data.domain[ok],
        source_domains=tuple(name for name in data.source_domains if name < target),
        target_domains=(target,),
        featurizer=_molecules_featurizer(X),
        unit="log10(mol/L)",
        sizes=(20, 100),
        groups=data.inchikey[ok],
        same_in_sources=True,
        max_source_rows=300,
    )


def freesolv():
    """Hydration energies, with those of a force field known throughout."""
    data = fetch_freesolv()
    X = molecule_table(data.data["smiles"])
    X["force_field"] = data.data["force_field"]
    return Case(
        name="hydration energies",
        X=X,
        y=data.target,
        domain=data.domain,
        source_domains=(),
        target_domains=("experiment",),
        featurizer=_molecules_featurizer(X),
        unit="kcal/mol",
        sizes=(25, 50, 100, 200, 400),
        low_fidelity=("force_field",),
    )


def _molecules_featurizer(X):
    """Scale descriptors, and leave counts of fragments as they are."""
    fragments = [name for name in X if name.startswith("fragment ")]
    return make_column_transformer(("passthrough", fragments), remainder=ClippedScaler())


def enthalpy():
    """Measured formation enthalpies, with those of the Materials Project known throughout."""
    data = fetch_formation_enthalpy()
    ok = np.flatnonzero(data.data["materials_project"].notna())
    X = formula_table(data.data["formula"].iloc[ok].tolist())
    X["materials_project"] = data.data["materials_project"].to_numpy()[ok]
    return Case(
        name="formation enthalpies",
        X=X,
        y=data.target[ok],
        domain=data.domain[ok],
        source_domains=(),
        target_domains=("experiment",),
        featurizer=ClippedScaler(),
        unit="eV/atom",
        sizes=(25, 50, 100, 200, 400),
        groups=data.composition_group[ok],
        low_fidelity=("materials_project",),
    )


def enthalpy_domains():
    """Measured formation enthalpies, with two databases as sources that know the test compounds."""
    data = fetch_formation_enthalpy(fidelity="domain")
    return Case(
        name="formation enthalpies, databases as sources",
        X=formula_table(data.data.tolist()),
        y=data.target,
        domain=data.domain,
        source_domains=data.source_domains,
        target_domains=data.target_domains,
        featurizer=ClippedScaler(),
        unit="eV/atom",
        sizes=(25, 50, 100, 200),
        groups=data.composition_group,
    )


def miedema():
    """Intermetallics to solid solutions, in a semi-empirical model; whole pairs of metals are held out."""
    data = load_miedema()
    return Case(
        name="alloys by Miedema's model",
        X=formula_table(data.data.tolist()),
        y=data.target,
        domain=data.domain,
        source_domains=data.source_domains,
        target_domains=data.target_domains,
        featurizer=ClippedScaler(),
        unit="eV/atom",
        sizes=(20, 50, 100),
        groups=data.element_pair,
    )


def artificial(relation, random_state=0):
    """A generated problem whose source relates to the target as told."""
    data = make_domains(n_source=500, n_target=200, n_test=500, relation=relation, random_state=random_state)
    return Case(
        name=f"artificial, {relation}",
        X=data.data,
        y=data.target,
        domain=data.domain,
        source_domains=data.source_domains,
        target_domains=data.target_domains,
        featurizer=StandardScaler(),
        unit="1",
        sizes=(10, 30, 100),
        test_domains=data.test_domains,
    )


# What a benchmark loops over; a case is built when it is called.
CASES = {
    **{f"co_ag_{target}": partial(co_ag, target) for target in CO_AG_TARGETS},
    **{f"co_ag_emt_{target}": partial(co_ag_emt, target) for target in CO_AG_TARGETS},
    "single_atom_alloys": partial(adsorption, "single_atom_alloys"),
    "bimetallics": partial(adsorption, "bimetallics"),
    "yields_onehot": buchwald,
    "yields_fingerprints": partial(buchwald, "fingerprints"),
    "solubility_G": partial(solubility, "G"),
    "solubility_F": partial(solubility, "F"),
    "enthalpy": enthalpy,
    "enthalpy_domains": enthalpy_domains,
    "freesolv": freesolv,
    "miedema": miedema,
    **{f"artificial_{relation}": partial(artificial, relation) for relation in RELATIONS},
}
