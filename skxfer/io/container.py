"""Save an estimator to one file, and load it without ever running code from that file.

The file is a zip. ``skxfer.json`` holds versions, a SHA-256 of every other member, the table of every class
and function that the file names, and the tree of parameters and fitted attributes. Beside it lie
``arrays.npy`` (arrays, one after the other), ``tensors.safetensors`` (torch), ``boosters/*.ubj`` (XGBoost)
and ``parts.skops`` (scikit-learn objects other than estimators: kernels, losses, splitters, random states).

Here is the container; ``codec`` turns objects into its tree and back, ``kinds`` and ``nets`` know
the kinds of objects, and ``names`` says what a file may name.
"""

import hashlib
import json
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from .._paths import check_path
from .._version import __version__
from .codec import Reader, Writer
from .files import open_file, replace_file
from .names import RefusedError, resolve_names
from .zips import FORMAT_VERSION, TREE, LimitError, check_digests, check_json, pack, unpack

__all__ = ["load", "save"]


def save(estimator, path):
    """Save a fitted or unfitted estimator to one file.

    The file is first written next to `path` and then moved over it, so an older file stays whole if anything
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
        If `estimator` is not an estimator, or holds something that would not come back as it was (a lambda, a
        Series, a namedtuple, a DataFrame with categories, an open file). The message says where it was found.
    ValueError
        If `estimator` contains itself.
    ImportError
        If an optional package is needed and missing; the message names the extra to install.
    OSError
        If the folder is missing, the path is a folder or a device, the file is read-only or the disk is full.
        The message names the path.

    Warns
    -----
    UserWarning
        If something is not saved because it would act when the model is loaded or used: a cache, a path, a
        callback, a hook.

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
    text = json.dumps(tree, allow_nan=False).encode()
    data = pack({TREE: text, **members})
    try:
        check_json(text, len(data))
    except LimitError as error:
        raise ValueError(f"{type(estimator).__name__} cannot be saved: a file of it {error}") from None
    replace_file(path, data)
    for message in writer.left_out:
        warnings.warn(message, stacklevel=2)


def load(path, *, trusted=()):
    """Load an estimator saved by :func:`save`.

    Nothing in the file is run. It can only name the classes and functions on an explicit list (of skxfer,
    scikit-learn, XGBoost, skorch and torch), and what you list in `trusted`. :ref:`persistence` says what
    this promises, and what it does not.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : iterable of classes and functions, default=()
        Your own classes and functions that the file may use: a torch module inside a skorch net, an
        estimator, the function of a ``FunctionTransformer``. The file decides what they are called with, so
        list only what you know. One that has moved to another module since is found by its name.

    Returns
    -------
    estimator : estimator
        Its predictions are those of the estimator that was saved. A net that was saved on a GPU is put on
        the CPU where there is none.

    Raises
    ------
    ValueError
        If the file is damaged, was not written by :func:`save`, has a newer format, names something that is
        not trusted, or claims to hold more than a file of its size can. The message says what was found and
        what to do.
    OSError
        If the file is missing, or is a folder, a device or a pipe.
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
    path = Path(check_path(path))
    with open_file(path) as file:
        tree, members = unpack(file, path)
    check_digests(path, tree, members)
    try:
        saved_with = str(tree["versions"]["scikit-learn"])
        names = resolve_names(tree["names"], trusted)
        with warnings.catch_warnings():
            # One warning for the file, below, in place of one for each estimator in it.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            reader = Reader(names, members, trusted)
            for spec in tree["objects"]:
                reader.add(spec)
            estimator = reader(tree["root"])
            if not hasattr(type(estimator), "get_params"):
                raise RefusedError(f"the file holds a {type(estimator).__name__}, not an estimator.")
    except (RefusedError, ImportError) as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:
        raise ValueError(
            f"{path} cannot be rebuilt ({type(error).__name__}: {error}). It was saved with "
            f"{tree.get('versions')}; this is skxfer {__version__} with scikit-learn {sklearn.__version__}. "
            "Load it with those versions, or fit and save the model again."
        ) from error
    if saved_with != sklearn.__version__:
        warning = InconsistentVersionWarning(
            estimator_name=type(estimator).__name__,
            current_sklearn_version=sklearn.__version__,
            original_sklearn_version=saved_with,
        )
        warnings.warn(warning, stacklevel=2)
    return estimator
