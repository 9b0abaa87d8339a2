"""Models in files, for the commands that use them."""

from .names import InputError


def load_model(path):
    """Load a model that ``skxfer fit`` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    TableTransfer

    Raises
    ------
    InputError
        There is no such file, it is no file of a model, or the model does not predict tables.
    """
    from ..io import load
    from ..transfer import TableTransfer

    if not path.is_file():
        raise InputError(f"there is no file {path}" + (": it is a folder" if path.is_dir() else ""))
    try:
        model = load(path)
    except ValueError as error:
        raise InputError(str(error)) from error
    if not isinstance(model, TableTransfer) or not hasattr(model, "card_"):
        name = type(model).__name__
        if isinstance(model, TableTransfer):
            name = "TableTransfer that is not fitted"
        raise InputError(
            f"{path} holds a {name}, not a model that skxfer fit has made: use it in Python, skxfer.load(...)"
        )
    return model
