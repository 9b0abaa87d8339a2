"""What a file may name: the classes and functions that :func:`skxfer.load` takes from it, and no others."""

import importlib
import sys

from .._optional import require
from .allowed import HOMES, entry, table
from .registry import FORMER, OWN, own, own_name


class RefusedError(ValueError):
    """The file names or holds something that is not allowed."""


def untrusted(names):
    """The error for names that a file may not use."""
    return RefusedError(
        f"the file names what is not trusted: {', '.join(names)}. If these are yours, import them and pass "
        "them: skxfer.load(path, trusted=[...]). If not, do not load this file."
    )


def is_torch_dtype(obj):
    """Dtypes of torch have a name like classes but no ``__name__``."""
    return f"{type(obj).__module__}.{type(obj).__qualname__}" == "torch.dtype"


def name_of(obj):
    """The entry for a class or function in a file's table of names.

    Parameters
    ----------
    obj : class or function

    Returns
    -------
    [module, name] or None
        For scikit-learn the public module, which moves less. For what is skxfer's own ["skxfer", name], with
        a name that says nothing of where it lives; None if the registry has none.
    """
    if is_torch_dtype(obj):
        return str(obj).split(".")
    if obj.__module__.partition(".")[0] == "skxfer":
        name = own_name(obj)
        return None if name is None else ["skxfer", name]
    return [_public_module(obj), obj.__qualname__]


def role_of(obj):
    """What an allowed class or function is for: a role of ``allowed.table``, or "own".

    Parameters
    ----------
    obj : class or function

    Returns
    -------
    str or None
        None if the user has to trust it.
    """
    name = name_of(obj)
    if name is None:
        return None
    return "own" if name[0] == "skxfer" else table().get(entry(*name))


def _public_module(obj):
    public = obj.__module__.partition("._")[0]
    is_there = getattr(sys.modules.get(public), obj.__qualname__, None) is obj
    return public if is_there else obj.__module__


def resolve_names(names, trusted):
    """The classes and functions of the file's name table, or an error that lists all that are not trusted."""
    found = [_resolve(module, name, trusted) for module, name in names]
    refused = sorted(".".join(name) for name, obj in zip(names, found, strict=True) if obj is None)
    if refused:
        raise untrusted(refused)
    return found


def _resolve(module, name, trusted):
    """One class or function, or None if it is not trusted. Nothing is called here, whatever the file says."""
    named = [obj for obj in trusted if obj.__qualname__ == name]
    exact = [obj for obj in named if module in (obj.__module__, _public_module(obj))]
    if exact:
        return exact[0]
    allowed = _allowed(module, name)
    return named[0] if allowed is None and len(named) == 1 else allowed


def _allowed(module, name):
    """The same, without the user's own."""
    if module.partition(".")[0] == "skxfer":
        name = FORMER.get((module, name), name if module == "skxfer" else "")
        if name not in OWN:
            raise RefusedError(f"there is no {module}:{name} in this skxfer, or it is not trusted in a file.")
        return own(name)
    known = entry(module, name)
    if known is None:
        return None
    home = HOMES.get(known, known[0])
    root = home.partition(".")[0]
    package = require(root)
    try:
        return getattr(importlib.import_module(home), name)
    except (ModuleNotFoundError, AttributeError):
        version = getattr(package, "__version__", "")
        raise RefusedError(f"there is no {home}.{name} in the installed {root} {version}.") from None
