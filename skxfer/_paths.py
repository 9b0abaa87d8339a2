"""Names of files, taken literally by everything that reads them."""

import os


def open_path(path):
    """Return the absolute path of an existing file, taking its name literally.

    Libraries read more into names: an index after ``@``, a home after ``~``, a database or a web address
    before ``:``, the standard input for ``-``. None of that is left in an absolute path.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        There is nothing of this name.
    ValueError
        It is a folder or a special file.
    """
    found = os.path.abspath(os.fspath(path))
    if not os.path.exists(found):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}.")
    if not os.path.isfile(found):
        kind = "a folder" if os.path.isdir(found) else "a special file"
        raise ValueError(f"{os.fspath(path)!r} is {kind}, not a file.")
    return found
