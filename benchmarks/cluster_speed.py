"""What SchNetIIARegressor costs: training, epochs, forces, neighbour lists, large crystals; one thread."""

import resource
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import torch
from _clusters import clusters
from _common import save_table
from ase.build import bulk

from skxfer import SchNetIIARegressor
from skxfer.models.schnet_iia._graphs import make_graph
from skxfer.nn.graph import Graphs
from skxfer.nn.schnet import SchNet
from skxfer.structures import neighbour_pairs, read_structures

REPEATS = 15


def median(function, repeats=REPEATS):
    """Median CPU seconds of a call, after one that is not counted."""
    function()
    seconds = []
    for _ in range(repeats):
        start = process_time()
        function()
        seconds.append(process_time() - start)
    return np.median(seconds)


def batch_seconds(X, **params):
    """Of one optimizer step on twenty structures."""
    torch.manual_seed(0)
    net = SchNet(**params)
    graph = make_graph(read_structures(X[:200]), 6.0, "cpu").to(torch.float32)
    data = Graphs(graph, {"energy": torch.zeros(200)})
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-5, fused=True)
    batches = iter(torch.arange(200).split(20) * 10)

    def step():
        batch, labels = data.batch(next(batches))
        loss = ((net.energies(batch) / batch.n_atoms - labels["energy"]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return median(step)


def main():
    torch.set_num_threads(1)
    X, y = clusters(20, screened=False)
    rows = []
    plain = {"size": 128, "n_interactions": 6, "activation": "ssp", "attention": False}
    for what, params in {
        "SchNet, 128 features, 6 blocks": plain,
        "the same with attention and SMU": plain | {"activation": "smu", "attention": True},
        "default: 64 features, 3 blocks, attention, SMU": {},
        "default size, plain SchNet": {"activation": "ssp", "attention": False},
    }.items():
        seconds = batch_seconds(X, **params)
        rows.append((f"forward, backward and step of 20 SeB20, {what}", f"{1e3 * seconds:.1f} ms"))
    structures = read_structures(X[:1600])
    rows.append(
        (
            "neighbour lists of 1600 SeB20, 6 Å",
            f"{1e3 * median(lambda: neighbour_pairs(structures, 6.0)):.0f} ms",
        )
    )
    model = SchNetIIARegressor(energy_unit="eV/atom", random_state=0, max_epochs=1)
    start = process_time()
    model.fit(X[:1600], y[:1600])
    rows.append(("one epoch of 1600 SeB20, default, with set-up", f"{process_time() - start:.2f} s"))
    calls = iter(range(10_000))
    seconds = median(lambda: model.predict_forces([X[next(calls)]], return_energy=True), 50)
    rows.append(("energy and forces of one SeB20, default", f"{1e3 * seconds:.1f} ms"))
    rows.append(
        ("energies of 500 SeB20, default", f"{500 / median(lambda: model.predict(X[:500]), 5):.0f} / s")
    )
    small = bulk("Cu", cubic=True) * 2
    crystal = SchNetIIARegressor(max_epochs=1, random_state=0).fit([small, small], [-1.0, -1.0])
    for repeat in (6, 9, 14):
        atoms = bulk("Cu", cubic=True) * repeat
        start = perf_counter()
        crystal.predict_forces([atoms])
        seconds = perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append(
            (
                f"energy and forces of a periodic cell of {len(atoms)} atoms",
                f"{seconds:.2f} s, {peak:.1f} GB in all",
            )
        )
    save_table(
        "cluster_speed",
        pd.DataFrame(rows, columns=["what", "measured"]),
        "One thread, CPU seconds of the process, medians of repeats after a first one; 40 Gaussians, cutoff "
        "6 Å. Training in single precision, predictions in double. Periodic cells of copper (78 neighbours "
        "within 6 Å): wall time of one call, and the largest memory of the process so far.",
    )


if __name__ == "__main__":
    main()
