"""Forged files: real ones with parts exchanged, and payloads that would leave a trace if they ran.

Run it to load a thousand of them: ``python tests/io/forgery.py --count 1000 --seed 0``. Each is loaded in a
process that reports what it does to the system; a model that loads also predicts, and is fitted again.
"""

import argparse
import copy
import hashlib
import io as stdlib_io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from real_files import make_real_files

# What a file must never make Python do, as its audit hooks report it.
FORBIDDEN = (
    *(
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "subprocess.Popen",
        "pickle.find_class",
    ),
    *(
        "socket.connect",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "shutil.rmtree",
        "webbrowser.open",
    ),
)
LIMIT_S = 30


class Trace:
    """Its pickle makes a file named ``touched`` where it is loaded."""

    def __reduce__(self):
        return os.system, ("touch touched",)


# Files --------------------------------------------------------------------------------------------------


def read(path):
    """The tree and the other members of a file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members.pop("skxfer.json")), members


def write(path, tree, members):
    """A file with right digests."""
    tree["members"] = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("skxfer.json", json.dumps(tree))
        for name, data in members.items():
            archive.writestr(name, data)


def rewrite(path, change):
    """The file again after a change to its tree."""
    tree, members = read(path)
    change(tree)
    write(path, tree, members)


def attributes(tree, name):
    """The attributes of the first object of a class in a tree."""
    number = next(i for i, (_, known) in enumerate(tree["names"]) if known == name)
    return next(
        spec["object"][1]["dict"] for spec in tree["objects"] if spec.get("object", [None])[0] == number
    )


def add_name(tree, module, name):
    tree["names"].append([module, name])
    return {"name": len(tree["names"]) - 1}


# Payloads -------------------------------------------------------------------------------------------------

NAMES = """
    os.system posix.system subprocess.Popen subprocess.check_output builtins.eval builtins.exec
    builtins.compile builtins.getattr builtins.__import__ builtins.open importlib.import_module
    pickle.loads pickle.load joblib.load joblib.numpy_pickle.load joblib.memory.Memory numpy.load
    numpy.fromfile numpy.f2py.compile numpy.testing.rundocs numpy.lib.npyio.load torch.load torch.jit.load
    torch.hub.load torch.serialization.load torch.package.PackageImporter torch.nn.DataParallel
    torch.nn.parallel.DistributedDataParallel torch.fx.graph_module.GraphModule
    torch.utils.data.datapipes.datapipe._IterDataPipeSerializationWrapper torch.nn.modules.lazy.LazyLinear
    torch.utils.data.datapipes.datapipe._MapDataPipeSerializationWrapper torch.utils.data.ConcatDataset
    torch.utils.data.dataset.TensorDataset torch.utils.data.datapipes.iter.callable.MapperIterDataPipe
    torch.optim.lr_scheduler.LambdaLR torch.utils._python_dispatch.TorchDispatchMode
    skorch.callbacks.training.Checkpoint skorch.callbacks.training.TrainEndCheckpoint
    skorch.callbacks.training.LoadInitState skorch.callbacks.logging.TensorBoard skorch.hf.HfHubStorage
    skorch.helper.SliceDataset skorch.helper.predefined_split skorch.utils.params_for
    sklearn.utils._bunch.Bunch sklearn.datasets.load_files sklearn.datasets.fetch_openml
    sklearn.utils._joblib.Memory sklearn.externals.array_api_compat sklearn.metrics.make_scorer
    sklearn.metrics.get_scorer sklearn.cluster.Birch sklearn.base.BaseEstimator sklearn.tree._tree.Tree
    xgboost.callback.TrainingCheckPoint xgboost.sklearn.XGBModel.load_model xgboost.core.Booster
    skxfer.io.save skxfer.io.load skxfer.cli.main skxfer._optional.require skxfer.io.codec.Reader
    pathlib.Path functools.partial operator.methodcaller shutil.rmtree pandas.read_pickle
    pandas.core.frame.DataFrame scipy.io.loadmat matplotlib.pyplot.savefig webbrowser.open
""".split()  # noqa: SIM905
STRINGS = ["touch touched", "trap", "/dev/zero", "../touched", "__import__('os').system('touch touched')", ""]


def trap(folder):
    """A folder like the caches of joblib, every pickle of which leaves a trace."""
    for name in (
        "joblib",
        "joblib/skxfer/transfer/_encoders/encode",
        "joblib/sklearn/pipeline/_fit_transform_one",
    ):
        place = folder / "trap" / name / ("0" * 32)
        place.mkdir(parents=True, exist_ok=True)
        (place / "output.pkl").write_bytes(pickle.dumps(Trace()))
        (place.parent / "func_code.py").write_text("import os; os.system('touch touched')\n")
    (folder / "trap.pkl").write_bytes(pickle.dumps(Trace()))


def payload(rng, tree):
    """JSON that would act if it were believed."""
    n = len(tree["names"])
    name = {"name": rng.randrange(n)}
    return rng.choice(
        [
            name,
            {
                "object": [
                    rng.randrange(n),
                    {"dict": {key: rng.choice(STRINGS) for key in rng.sample(KEYS, 3)}},
                ]
            },
            {"object": [rng.randrange(n), {"bytes": [pickle.dumps(Trace()).hex()]}]},
            {"object": [rng.randrange(n), {"tuple": [{"bytes": [pickle.dumps(Trace()).hex()]}, False]}]},
            {"module": [rng.randrange(n), {key: name for key in rng.sample(KEYS, 2)}]},
            {"net": {"class": rng.randrange(n), "params": {"module": name, "callbacks": {"list": [name]}}}},
            {"dict": {"memory": "trap", "verbose": False}},
            {"ufunc": ["numpy", rng.choice(["load", "exp", "frompyfunc"])]},
            {"ufunc": ["os", "system"]},
            {"distribution": [rng.choice(["rv_histogram", "norm"]), {"list": [name]}, {"dict": {}}]},
            {"loss": ["os", "system", [1.0]]},
            {"distance": ["PyFuncDistance64", 1.0, name, name]},
            {"random_state": {"dict": {"bit_generator": "test", "state": {"dict": {}}}}},
            {"bytes": [pickle.dumps(Trace()).hex()]},
            rng.choice(STRINGS),
        ]
    )


KEYS = """
    memory func kw_args steps estimator callbacks _skl_callbacks predict transform fit __class__
    __setstate__ __reduce__ __dict__ scoring metric kernel forward _forward_hooks _forward_pre_hooks
    _compiled_call_impl _call_impl iterator_valid dataset device pretrained input encoder module optimizer
    param_grid cv tree_ n_jobs
""".split()  # noqa: SIM905


# Mutations ------------------------------------------------------------------------------------------------


def places(node, found=None):
    """Every container of a JSON tree with each of its keys."""
    found = [] if found is None else found
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        found.append((node, key))
        if isinstance(value, dict | list):
            places(value, found)
    return found


def forge(path, rng, real):
    """Write one forged file; what was done is returned."""
    tree, members = read(rng.choice(real))
    kind = rng.choice(
        ["payload", "payload", "payload", "key", "swap", "number", "member", "name", "zip", "skops"]
    )
    wanted = rng.sample(NAMES, rng.choice([0, 0, 0, 1, 2]))
    if kind in ("payload", "key", "name"):
        tree["names"] += [name.rsplit(".", 1) for name in wanted]
        tree["names"] += [list(known) for known in rng.sample(LISTED, 6)]
    parts = {"objects": tree["objects"], "root": tree["root"]}
    node, key = rng.choice(places(parts))
    if kind == "payload":
        node[key] = payload(rng, tree)
    elif kind == "key":
        states = [node for node, key in places(parts) if isinstance(node, dict) and "ref" not in node]
        rng.choice(states)[rng.choice(KEYS)] = payload(rng, tree)
    elif kind == "swap":
        other, place = rng.choice(places(parts))
        node[key] = copy.deepcopy(other[place])
    elif kind == "number":
        node[key] = rng.choice([-1, 0, 1, 2**31, 2**63, 10**30, 1e308, -0.5, True, None, [], {}, "", [[]]])
    elif kind == "name":
        tree["names"][rng.randrange(len(tree["names"]))] = rng.choice(NAMES).rsplit(".", 1)
    elif kind == "skops":
        members["parts.skops"] = skops_file(rng)
    elif kind == "member" and members:
        name = rng.choice([*members])
        members[name] = damaged(rng, members[name])
    tree.update(objects=parts["objects"], root=parts["root"])
    write(path, tree, members)
    if kind == "zip":
        path.write_bytes(damaged(rng, path.read_bytes()))
    return kind


def damaged(rng, data):
    """Bytes with some exchanged, cut off, or replaced by a pickle."""
    if rng.random() < 0.2:
        return rng.choice([pickle.dumps(Trace()), b"", data[: len(data) // 2], data + data])
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 8])):
        data[rng.randrange(len(data))] = rng.choice([0, 255, 127, rng.randrange(256)])
    return bytes(data)


def skops_file(rng):
    """A file of skops that names something it must not."""
    module, name = rng.choice(NAMES).rsplit(".", 1)
    loader = rng.choice(
        [
            "ObjectNode",
            "FunctionNode",
            "MethodNode",
            "PartialNode",
            "TypeNode",
            "ReduceNode",
            "OperatorFuncNode",
        ]
    )
    part = {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1}
    part["content"] = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": '"id"',
    }
    schema = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": [part]}
    buffer = stdlib_io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    return buffer.getvalue()


def _listed():
    from skxfer.io import allowed, registry

    return sorted({*allowed.table(), *(("skxfer", name) for name in registry.OWN)})


LISTED = _listed()


# Loading --------------------------------------------------------------------------------------------------


def load_all(paths):
    """Load each file in this process and print what came of it, and what it did to the system."""
    events = []

    def watch(event, args):
        writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
        if (event.startswith(FORBIDDEN) or writes) and watching:
            events.append(f"{event} {args!r:.100}")

    watching = False
    sys.addaudithook(watch)
    import joblib

    import skxfer

    X = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    signal.signal(signal.SIGALRM, _stop)
    warnings.simplefilter("ignore")
    for path in paths:
        events.clear()
        print("START", path, flush=True)
        signal.alarm(LIMIT_S)
        watching = True
        try:
            model = skxfer.load(path)
            outcome = "loaded"
        except (ValueError, ImportError) as error:
            model, outcome = None, type(error).__name__
        except BaseException as error:
            model, outcome = None, f"WRONG {type(error).__name__}: {error}"[:200]
        print("OUTCOME", outcome, flush=True)
        with joblib.parallel_config("sequential"):
            _use(model, X)
        watching = False
        signal.alarm(0)
        print("EVENTS", json.dumps(events), flush=True)


def _stop(*_):
    raise TimeoutError("it takes too long")


def _use(model, X):
    """Predict, show, clone and fit again: what a user does next. Errors are fine."""
    from sklearn.base import clone

    if model is None:
        return
    for act in (
        lambda: model.predict(X),
        lambda: repr(model),
        lambda: model.transform(X),
        lambda: clone(model).fit(X, X[:, 0]),
        lambda: model.score(X, X[:, 0]),
    ):
        try:
            act()
        except TimeoutError:
            return
        except Exception:
            continue


def run(paths, folder):
    """What came of each file, in processes of their own: a list of (path, outcome, events)."""
    results, left = [], [str(path) for path in paths]
    while left:
        command = [sys.executable, __file__, "--load", *left]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S * len(left) + 120
        )
        path, outcome = None, None
        for line in done.stdout.splitlines():
            what, _, text = line.partition(" ")
            if what == "START":
                path, outcome = text, "crash when loading"
            elif what == "OUTCOME":
                outcome = text
            elif what == "EVENTS":
                results.append((path, outcome, json.loads(text)))
                left.remove(path)
                path = None
        if path is not None:
            results.append((path, outcome if outcome != "loaded" else "crash when predicting", []))
            left.remove(path)
        elif left:
            raise RuntimeError(done.stderr[-2000:])
    return results


def campaign(folder, count, seed):
    """Forge files and load them: a table of outcomes by kind of forgery, and what went wrong."""
    rng = random.Random(seed)
    real = make_real_files(folder)
    trap(folder)
    kinds, paths = {}, []
    for i in range(count):
        path = folder / f"forged_{i}.skxfer"
        kinds[str(path)] = forge(path, rng, real)
        paths.append(path)
    table, wrong = Counter(), []
    for path, outcome, events in run(paths, folder):
        table[kinds[path], outcome.partition(":")[0]] += 1
        if events or outcome not in (
            "loaded",
            "ValueError",
            "ImportError",
            "RefusedError",
            "crash when predicting",
        ):
            wrong.append((kinds[path], path, outcome, events))
    if (folder / "touched").exists():
        wrong.append(("code of a file ran", "", "", []))
    return table, wrong


def main():
    """Load forged files and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", help="folder in which the files are kept")
    parser.add_argument("--load", nargs="+", help="load these files in this process")
    args = parser.parse_args()
    if args.load:
        load_all(args.load)
        return
    start = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.keep or temporary)
        folder.mkdir(exist_ok=True)
        table, wrong = campaign(folder, args.count, args.seed)
    for (kind, outcome), n in sorted(table.items()):
        print(f"{kind:10} {outcome:24} {n:5}")
    print(f"{args.count} files, {len(wrong)} wrong, {time.time() - start:.0f} s")
    for line in wrong:
        print(*line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
