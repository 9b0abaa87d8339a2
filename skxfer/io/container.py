"""Save an estimator to one file, and load it without ever running code from that file.

The file is a zip. ``skxfer.json`` holds versions, a SHA-256 of every other member, the table of every class
and function that the file names, and the tree of parameters and fitted attributes. Beside it lie
``arrays.npy`` (arrays, one after the other), ``tensors.safetensors`` (torch), ``boosters/*.ubj`` (XGBoost)
and ``parts.skops`` (scikit-learn objects other than estimators: kernels, losses, splitters, random states).

Here is the container; ``codec`` turns objects into its tree and back, ``kinds`` and ``nets`` know
the kinds of objects, and ``names`` says what a file may name.
"""

import hashlib
import io
import json
import os
import platform
import re
import secrets
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from .._version import __version__
from .codec import Reader, Writer
from .names import RefusedError, resolve_names

__all__ = ["load", "save"]

FORMAT_VERSION = 1
_TREE = "skxfer.json"
_MEMBERS = re.compile(r"arrays\.npy|parts\.skops|tensors\.safetensors|boosters/\d+\.ubj")


def save(estimator, path):
    """Save a fitted or unfitted estimator to one file.

    The file is first written beside `path` and then moved over it, so an older file stays whole if anything
    fails on the way.

    Parameters
    ----------
    estimator : estimator
        Any estimator of skxfer, scikit-learn, XGBoost or skorch, alone or nested (pipelines, ensembles,
        searches, frozen experts), or one of your own that keeps its state in plain attributes. Of a skorch
        net the weights, parameters, history and those callbacks are kept that touch no files or services; the
        optimizer's state is not.
    path : str or path-like
        Where to write. Any extension will do; `.skxfer` is customary.

    Raises
    ------
    TypeError
        If `estimator` is not an estimator, or holds something that cannot be stored without running code on
        loading (a lambda, a Series, a DataFrame with a MultiIndex, an open file). The message says where it
        was found.
    ValueError
        If `estimator` contains itself.
    ImportError
        If an optional package is needed and missing; the message names the extra to install.

    See Also
    --------
    load : The way back.

    Examples
    --------
    >>> import skxfer, tempfile
    >>> from pathlib import Path
    >>> from sklearn.linear_model import Ridge
    >>> model = Ridge().fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skxfer.save(model, Path(folder) / "model.skxfer")
    ...     loaded = skxfer.load(Path(folder) / "model.skxfer")
    >>> bool(loaded.predict([[3.0]]) == model.predict([[3.0]]))
    True
    """
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        raise TypeError(f"save takes an estimator instance, got {estimator!r}.")
    writer = Writer()
    try:
        root = writer(estimator, type(estimator).__name__)
        members = writer.members()
    except RecursionError as error:
        raise ValueError(f"{type(estimator).__name__} contains itself, or is nested too deeply.") from error
    tree = {
        "format": "skxfer",
        "format_version": FORMAT_VERSION,
        "versions": {
            "skxfer": __version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "members": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        "names": writer.names,
        "objects": writer.objects,
        "root": root,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {_TREE: json.dumps(tree, allow_nan=False).encode(), **members}.items():
            # ZipInfo has a fixed date, so the same content gives the same file.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    _replace_file(path, buffer.getvalue())


def load(path, *, trusted=()):
    """Load an estimator saved by :func:`save`.

    Nothing in the file is run. It can only name classes of skxfer, estimators of scikit-learn, XGBoost and
    skorch, layers, losses and optimizers of torch, and what you list in `trusted`.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : iterable of classes and functions, default=()
        Your own classes and functions that the file may use: a torch module inside a skorch net, an
        estimator, the function of a ``FunctionTransformer``. One that has moved to another module since is
        found by its name.

    Returns
    -------
    estimator : estimator
        Its predictions are those of the estimator that was saved. A net that was saved on a GPU is put on
        the CPU where there is none.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by :func:`save`, has a newer format, or names something that
        is not trusted. The message says what was found and what to do.
    ImportError
        If an optional package is needed and missing; the message names the extra to install.

    Warns
    -----
    InconsistentVersionWarning
        If the file was saved with another version of scikit-learn.

    Notes
    -----
    A file cannot run code, but compiled learners trust their own numbers: a file forged with care may still
    crash the process when the model predicts. Load files from strangers in a process of their own.

    See Also
    --------
    save : The way there, with an example of both.

    Examples
    --------
    >>> import skxfer, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.pkl"
    ...     _ = path.write_bytes(bytes([0x80, 4]) + b"some pickle")
    ...     skxfer.load(path)
    Traceback (most recent call last):
    ...
    ValueError: ...model.pkl is a pickle, not a file written by skxfer.save...
    """
    trusted = [trusted] if isinstance(trusted, str) else list(trusted)
    if not all(hasattr(t, "__qualname__") for t in trusted):
        raise TypeError(f"trusted takes classes and functions themselves, got {trusted!r}.")
    tree, members = _read_members(Path(path))
    try:
        versions = tree["versions"]
        names = resolve_names(tree["names"], trusted)
        with warnings.catch_warnings():
            # One warning for the file, below, in place of one for each estimator in it.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            reader = Reader(names, members, trusted)
            for spec in tree["objects"]:
                reader.objects.append(reader(spec))
            estimator = reader(tree["root"])
    except (RefusedError, ImportError) as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:
        raise ValueError(
            f"{path} cannot be rebuilt ({type(error).__name__}: {error}). It was saved with "
            f"{tree.get('versions')}; this is skxfer {__version__} with scikit-learn {sklearn.__version__}. "
            "Load it with those versions, or fit and save the model again."
        ) from error
    if versions["scikit-learn"] != sklearn.__version__:
        warning = InconsistentVersionWarning(
            estimator_name=type(estimator).__name__,
            current_sklearn_version=sklearn.__version__,
            original_sklearn_version=versions["scikit-learn"],
        )
        warnings.warn(warning, stacklevel=2)
    return estimator


# The container ------------------------------------------------------------------------------------------


def _replace_file(path, data):
    """Write `data` to `path`, whole or not at all."""
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to save {path.name} in: make it first.")
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_members(path):
    """The JSON tree and the other members of a file, each checked against its SHA-256."""
    data = path.read_bytes()
    remedy = "Copy the file again from where it came, or save the model again with skxfer.save."
    if not data.startswith(b"PK\x03\x04"):
        found = "empty" if not data else "a pickle" if data[0] == 0x80 else "damaged, or of another kind"
        raise ValueError(f"{path} is {found}, not a file written by skxfer.save. {remedy}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = archive.namelist()
            members = {name: archive.read(name) for name in found}
        tree = json.loads(members.pop(_TREE)) if _TREE in members else None
    except Exception as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}). {remedy}") from error
    if not isinstance(tree, dict) or tree.get("format") != "skxfer":
        raise ValueError(
            f"{path} is a zip of another kind, with {', '.join(found[:5])}: skxfer.save did not write it."
        )
    version = tree.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format {version}; this skxfer {__version__} reads up to format {FORMAT_VERSION}. "
            "Upgrade it: pip install -U skxfer."
        )
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    known = len(found) == len(members) + 1 and all(_MEMBERS.fullmatch(name) for name in members)
    if version != FORMAT_VERSION or not known or tree.get("members") != digests:
        raise ValueError(f"{path} is damaged: its members are not those that were saved. {remedy}")
    return tree, members
