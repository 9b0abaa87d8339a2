"""``skxfer sample``: write tables to try the other commands on."""

import numpy as np

from .names import InputError, say

SAMPLE, NEW = "solvents.csv", "new_solvents.csv"
# Rows of each source, so that every command takes seconds, and of each solvent, as few as people have.
N_SOURCE_ROWS, N_TARGET_ROWS = 300, 4


def run(args, argv):
    """Write a table with sources and target rows, and one of rows to predict.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str

    Returns
    -------
    int
        Exit code.
    """
    from ..datasets import load_co_ag_emt

    data = load_co_ag_emt(as_frame=True)
    table = data.data.assign(solvent=data.domain, Eads=data.target["Eads"])
    new = data.domain.isin(data.test_domains).to_numpy()
    rng = np.random.default_rng(0)
    sources = [np.flatnonzero(data.domain == name) for name in data.source_domains]
    rows = [rng.permutation(of)[:N_SOURCE_ROWS] for of in sources]
    few = [np.flatnonzero(data.domain == name) for name in data.target_domains]
    rows.append(np.concatenate([rng.permutation(of)[:N_TARGET_ROWS] for of in few]))
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        table.iloc[np.sort(np.concatenate(rows))].to_csv(args.out / SAMPLE, index=False)
        table[new].drop(columns="Eads").to_csv(args.out / NEW, index=False)
    except OSError as error:
        raise InputError(f"cannot write to {args.out}: {error.strerror or error}") from error
    path = args.out / SAMPLE
    say("Simulated adsorption energies (Eads, eV) of carbon monoxide on silver, with infrared spectra:")
    say(f"- {path}: {N_SOURCE_ROWS} rows each of gas and water, {len(rows[-1])} of twelve solvents")
    say(f"- {args.out / NEW}: {new.sum()} rows of three other solvents, to predict")
    say("They are for trying commands on; no chemistry is to be learned from them.")
    say(f"Next: skxfer study {path} --target Eads --domain solvent --source gas,water --quick")
    return 0
