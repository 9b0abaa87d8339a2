"""Optional packages, and the extra that installs each."""

import importlib

_EXTRAS = {
    "ase": "atoms",
    "matscipy": "atoms",
    "dscribe": "atoms",
    "safetensors": "torch",
    "skorch": "torch",
    "matminer": "composition",
    "pymatgen": "composition",
    "rdkit": "smiles",
    "dask": "dask",
    "skada": "adaptation",
    "ot": "adaptation",
}


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
        extra = _EXTRAS.get(root, root)
        raise ImportError(f"this needs {root}. Install it: pip install 'skxfer[{extra}]'.") from error
