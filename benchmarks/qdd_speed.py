"""What QDDTransformer costs beside a plain transcription of the published maths; one thread, both in turn."""

import multiprocessing
import sys
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import torch
from _common import save_table
from _qdf_published import PublishedQDF, prepare, step
from ase import Atoms

from skxfer import QDDTransformer
from skxfer.datasets import fetch_qm9_subset
from skxfer.models.qdd._head import CHUNK
from skxfer.nn.graph import Graph, Graphs
from skxfer.nn.losses import FieldLoss
from skxfer.nn.optimizers import MuonAdamW
from skxfer.nn.qdf import QDF
from skxfer.structures import read_structures

N, ROUNDS = 200, 7
MODES = {
    "ours, float32": {},
    "ours, float32, potential on a quarter of the points": {"potential_fraction": 0.25},
    "ours, bfloat16, potential on a quarter of the points": {
        "potential_fraction": 0.25,
        "precision": "bfloat16",
    },
}
NAME = "qdf-qm9under14-atomization"


def trainers(atoms, target):
    """Functions that train on all molecules once, by name."""
    torch.manual_seed(0)
    molecules, n_functions = prepare(atoms)
    energies = torch.tensor(target, dtype=torch.float32)
    published = PublishedQDF(n_functions)
    adam = torch.optim.Adam(published.parameters(), lr=1e-6)

    def theirs():
        for rows in torch.arange(len(molecules)).split(4):
            step(published, adam, [molecules[row] for row in rows], energies[rows])

    def ours(params):
        found = read_structures(atoms)
        arrays = found.numbers, found.positions.astype(np.float32), found.n_atoms
        labels = {"target": torch.zeros(len(atoms), 1), "weight": torch.ones(len(atoms), 1)}
        data = Graphs(Graph.without_pairs(*map(torch.as_tensor, arrays)), labels)
        module, criterion = QDF([True], **params), FieldLoss()
        optimizer = MuonAdamW(module.parameters(), lr=1e-6)

        def epoch():
            for rows in torch.arange(len(atoms)).split(8):
                batch, labels = data.batch(rows)
                optimizer.zero_grad()
                criterion(module(batch), labels).backward()
                optimizer.step()

        return epoch

    return {"published, transcribed": theirs} | {name: ours(params) for name, params in MODES.items()}


def predictors(atoms):
    """Functions that predict all molecules from their coordinates, by name."""
    published = PublishedQDF(prepare(atoms)[1])
    model = QDDTransformer.from_pretrained(NAME)

    def theirs():
        with torch.inference_mode():
            return [published.energy(molecule).item() for molecule in prepare(atoms)[0]]

    return {"published, transcribed": theirs, "ours": lambda: model.predict(atoms)}


def rates(functions, n):
    """Molecules per CPU second: medians over rounds, in each of which every function has its turn."""
    seconds = {name: [] for name in functions}
    for one_round in range(ROUNDS + 1):
        for name, function in functions.items():
            start = process_time()
            function()
            if one_round:  # the first warms up
                seconds[name].append(process_time() - start)
    return {name: n / np.median(times) for name, times in seconds.items()}


def polyethylene(n_carbon):
    """A zigzag chain of CH2 groups, which is what the cost of a large molecule depends on."""
    k = np.arange(n_carbon)
    carbon = np.c_[1.27 * k, 0.42 * (-1.0) ** k, np.zeros(n_carbon)]
    out = np.c_[np.zeros(n_carbon), 0.63 * (-1.0) ** k, np.full(n_carbon, 0.89)]
    hydrogen = np.r_[carbon + out, carbon + out * [1, 1, -1]]
    return Atoms(f"C{n_carbon}H{2 * n_carbon}", np.r_[carbon, hydrogen])


def megabytes(what):
    """Memory of this process as Linux counts it: now (VmRSS), or at most so far (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def cost_of(atoms, connection):
    """CPU seconds of a transformation, and by how much it raises the peak of the memory in MB."""
    torch.set_num_threads(1)
    model = QDDTransformer.from_pretrained(NAME)
    model.transform([polyethylene(4)])
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (Linux)
    before = megabytes("VmRSS")
    start = process_time()
    model.transform(atoms)
    seconds = process_time() - start
    connection.send((seconds, megabytes("VmHWM") - before))


def in_a_process(atoms):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=cost_of, args=(atoms, there))
    process.start()
    result = here.recv()
    process.join()
    return result


def speed():
    molecules = fetch_qm9_subset("under14", "val")
    atoms, target = molecules.data[:N], molecules.target[:N]
    size = np.mean([len(one) for one in atoms])
    rows = []
    for what, functions in (("training", trainers(atoms, target)), ("inference", predictors(atoms))):
        found = rates(functions, N)
        first = next(iter(found.values()))
        rows += [
            {"what": what, "how": how, "molecules/s": round(rate), "times faster": round(rate / first, 2)}
            for how, rate in found.items()
        ]
    save_table(
        "qdd_speed",
        pd.DataFrame(rows),
        f"{N} molecules of QM9under14, {size:.1f} atoms on average; one thread, CPU time, medians of "
        f"{ROUNDS} rounds in which all had their turn. The transcription has its distances prepared before "
        "training, and prepares them in inference; ours computes them at each step.",
    )


def memory():
    atoms = fetch_qm9_subset("under14", "val").data
    large = [
        {"molecules": label, "seconds": round(seconds, 2), "MB": round(memory)}
        for label, some in {
            "one of 156 atoms": [polyethylene(52)],
            "one of 600 atoms": [polyethylene(200)],
            f"{CHUNK} of 13 atoms": atoms[:CHUNK],
            f"{4 * CHUNK} of 13 atoms": (atoms * 2)[: 4 * CHUNK],
        }.items()
        for seconds, memory in [in_a_process(some)]
    ]
    save_table(
        "qdd_memory",
        pd.DataFrame(large),
        "CPU seconds of transform, one thread, and how far the memory of a fresh process "
        "rises meanwhile, which has transformed a small molecule before. Polyethylene chains.",
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for part in sys.argv[1:] or ("speed", "memory"):
        {"speed": speed, "memory": memory}[part]()
