"""Optional packages, and the extra that installs each."""

import importlib

_EXTRAS = {
    "ase": "structures",
    "matscipy": "structures",
    "dscribe": "structures",
    "safetensors": "networks",
    "skorch": "networks",
    "torch": "networks",
    "matminer": "formulas",
    "pymatgen": "formulas",
    "rdkit": "molecules",
    "distributed": "dask",
    "skada": "adaptation",
    "ot": "adaptation",
}


def install_hint(extra):
    """Return the command that installs an extra.

    Parameters
    ----------
    extra : str

    Returns
    -------
    str
    """
    return f"pip install 'skxfer[{extra}]', or '.[{extra}]' from a checkout"


def require(module):
    """Import an optional package, or say which extra brings it.

    Parameters
    ----------
    module : str
        Name of the module, such as ``"torch.nn"``.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        The package is missing; the message names the extra to install.
    """
    root = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != root:
            raise
        hint = install_hint(_EXTRAS.get(root, root))
        raise ImportError(f"this needs {root}. Install it: {hint}.") from error
