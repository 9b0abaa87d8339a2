"""Small files that claim to hold a lot, and the memory that it takes to refuse them.

Run it for a table: ``python tests/io/bombs.py``. Each file is loaded in a process of its own.
"""

import contextlib
import io as stdlib_io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from forgery import write

MiB = 2**20


def tree(objects=(), root=None, names=(("sklearn.linear_model", "Ridge"),)):
    """The JSON of a file."""
    return {
        "format": "skxfer",
        "format_version": 1,
        "versions": {"skxfer": "0.1.0", "scikit-learn": "1.9.1", "numpy": "2.4.6", "python": "3.11.7"},
        "names": [list(name) for name in names],
        "objects": list(objects),
        "root": root,
    }


def ridge(alpha, objects=(), **kwargs):
    """The JSON of a Ridge whose alpha is something else."""
    return tree([*objects, {"object": [0, {"dict": {"alpha": alpha}}]}], {"ref": len(objects)}, **kwargs)


def with_text(path, text):
    """A file with this text for JSON."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("skxfer.json", text)


def with_alpha(path, text):
    """A file with this text within its JSON."""
    with_text(path, json.dumps(ridge("HERE") | {"members": {}}).replace('"HERE"', text))


def npy(shape, dtype="<f8", data=b""):
    """An array in numpy's format, of which the header may claim more than there is."""
    buffer = stdlib_io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + data


def zeros(path, n=2**30):
    """A megabyte of packed zeros for each gigabyte that they claim."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("skxfer.json", json.dumps(ridge({"ref": 0}, [{"array": ""}])))
        with archive.open("arrays.npy", "w", force_zip64=True) as member:
            member.write(npy((n // 8,)))
            for _ in range(n // 2**26):
                member.write(bytes(2**26))


def lies(path):
    """A member that holds more than the zip says."""
    zeros_of = stdlib_io.BytesIO()
    with zipfile.ZipFile(zeros_of, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("skxfer.json", b" " * (512 * MiB))
    data = zeros_of.getvalue()
    path.write_bytes(data.replace((512 * MiB).to_bytes(4, "little"), (1000).to_bytes(4, "little")))


def members(path):
    """A hundred thousand members."""
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(100_000):
            archive.writestr(f"boosters/{i}.ubj", b"")


def frames(path):
    """A table with one column a hundred thousand times."""
    column = np.zeros(4 * MiB // 8)
    spec = {
        "list": [{"range": [0, len(column), 1]}, {"range": [0, 100_000, 1]}, {"list": [{"ref": 0}] * 100_000}]
    }
    objects = [{"array": ""}, {"frame": spec}]
    write(path, ridge({"ref": 1}, objects), {"arrays.npy": npy(column.shape, data=column.tobytes())})


def many(kind, spec, data):
    """Ten thousand objects that are all built from one large array."""

    def make(path):
        objects = [{"array": ""}, {"array": ""}, *[{kind: spec}] * 10_000]
        write(path, ridge({"ref": 2}, objects), {"arrays.npy": b"".join(data)})

    return make


def net(n, **params):
    """A net whose layer is larger than its weights."""

    def make(path):
        names = [["skorch.regressor", "NeuralNetRegressor"], ["torch.nn", "Linear"], ["torch.nn", "MSELoss"]]
        names += [["torch.optim", "SGD"], ["torch.utils.data", "DataLoader"], ["skorch.dataset", "Dataset"]]
        given = {"module": {"name": 1}, "criterion": {"name": 2}, "optimizer": {"name": 3}, "device": "cpu"}
        given |= {"iterator_train": {"name": 4}, "iterator_valid": {"name": 4}, "dataset": {"name": 5}}
        given |= {"callbacks": None, "train_split": None, "module__in_features": n, "module__out_features": n}
        spec = {"class": 0, "params": given | params, "weights": {"module_": {}}, "history": [], "fitted": {}}
        write(path, tree([{"net": spec}], {"ref": 0}, names), {})

    return make


def skops(path):
    """A zip within the zip."""
    inner = stdlib_io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("schema.json", b" " * (1024 * MiB))
    write(path, ridge(1.0), {"parts.skops": inner.getvalue()})


def booster(path):
    """A booster whose array claims a terabyte."""
    long = (2**40).to_bytes(8, "big")
    data = b"{L" + (7).to_bytes(8, "big") + b"learner[$d#L" + long
    write(path, ridge({"ref": 0}, [{"booster": [0, 1]}]), {"boosters/0.ubj": data})


def doubling(path):
    """Tuples of twice the tuple before, which take for ever to hash."""
    objects = [{"tuple": [1, 2]}, *({"tuple": [{"ref": i}, {"ref": i}]} for i in range(60))]
    write(path, ridge({"dict": [[{"ref": 60}, 1]]}, objects), {})


_ARRAY = np.zeros(2 * MiB)
_ROWS = npy((len(_ARRAY) // 2, 2), data=_ARRAY.tobytes())
_WIDE = npy((1, len(_ARRAY)), data=_ARRAY.tobytes())
_FLAT = npy((1,), "<i4", bytes(4))
BOMBS = {
    "zeros, 1 GB": zeros,
    "zeros, 9 GB": lambda path: zeros(path, 9 * 2**30),
    "more than it says": lies,
    "100 000 members": members,
    "array of 8 TB": lambda path: write(
        path, ridge({"ref": 0}, [{"array": ""}]), {"arrays.npy": npy((2**40,))}
    ),
    "zip in a zip": skops,
    "brackets, 20 million": lambda path: with_alpha(path, "[" + "[]," * 20_000_000 + "[]]"),
    "objects, 10 million": lambda path: with_alpha(path, "[" + '{"a":0},' * 10_000_000 + "0]"),
    "numbers, 30 million": lambda path: with_alpha(path, "[" + "0," * 30_000_000 + "0]"),
    "nested 10 million deep": lambda path: with_alpha(path, "[" * 10_000_000 + "]" * 10_000_000),
    "a text of 1 GB": lambda path: with_alpha(path, '"' + " " * (1024 * MiB) + '"'),
    "a number of 10 million digits": lambda path: with_alpha(path, "1" * 10_000_000),
    "objects, as many as allowed": lambda path: with_alpha(path, "[" + '{"abcdefgh":0},' * 490_000 + "0]"),
    "numbers, as many as allowed": lambda path: with_alpha(path, "[" + "1.5," * 3_900_000 + "0]"),
    "text, as much as allowed": lambda path: with_alpha(path, '"' + " " * (60 * MiB) + '"'),
    "one column, 100 000 times": frames,
    "one mask, 10 000 times": many("masked", [{"ref": 0}, None], [_ROWS, _FLAT]),
    "one tree of neighbors, 10 000 times": many(
        "neighbors",
        ["KDTree", {"ref": 0}, 1, {"distance": ["EuclideanDistance64", 2.0, 0, 0]}, None],
        [_ROWS, _FLAT],
    ),
    "one sparse matrix, 10 000 times": many(
        "sparse", ["dia_matrix", [2**31, 2**31], {"ref": 0}, {"ref": 1}], [_WIDE, _FLAT]
    ),
    "a layer of 40 GB": net(100_000),
    "a booster of 4 TB": booster,
    "tuples that double": doubling,
}


def load(path):
    """Load a file and print what came of it, with the memory before and at its peak, in MiB."""
    import skxfer.io

    with zipfile.ZipFile(path) as archive:
        text, names, first = b"", archive.namelist(), archive.infolist()[0]
        with archive.open(first) as member, contextlib.suppress(zipfile.BadZipFile):
            text = member.read(1000)
    # What a file needs is imported before, so that it does not count.
    if names[1:] == ["boosters/0.ubj"]:
        import xgboost  # noqa: F401
    if b"skorch" in text:
        import skorch  # noqa: F401

    before = _peak(reset=True)
    start = time.time()
    try:
        skxfer.io.load(path)
        outcome = "loaded"
    except ValueError as error:
        outcome = f"{type(error).__name__}: {error}".replace(str(path), "...")
    print(json.dumps([outcome, _peak() - before, time.time() - start]))


def _peak(reset=False):
    """The most memory that this process has held, in MiB."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MiB
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def measure(name, folder):
    """Size in bytes, outcome, memory in MiB and time in seconds of one bomb."""
    path = Path(folder) / "bomb.skxfer"
    BOMBS[name](path)
    command = [sys.executable, __file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    if done.returncode:
        return path.stat().st_size, f"exit {done.returncode}: {done.stderr[-300:]}", np.inf, np.inf
    return path.stat().st_size, *json.loads(done.stdout)


def main():
    """Print the table."""
    if len(sys.argv) > 1:
        load(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in BOMBS:
            size, outcome, memory, seconds = measure(name, folder)
            print(f"{name:36} {size / MiB:7.2f} MiB  peak {memory:5} MiB  {seconds:5.1f} s  {outcome[:150]}")


if __name__ == "__main__":
    main()
