"""Names of files, taken literally by everything that reads them."""

import os


def check_path(path):
    """Refuse what is no path.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    str or bytes

    Raises
    ------
    TypeError, ValueError
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is {path!r:.60} ({type(path).__name__}): give the path of a file as text.")
    path = os.fspath(path)
    if not path or "\0" in path:
        raise ValueError(f"{path!r:.60} is not the name of a file: give the path of a file.")
    return path


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
    found = os.path.abspath(check_path(path))
    if not os.path.exists(found):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}: correct the path.")
    if not os.path.isfile(found):
        kind = "a folder" if os.path.isdir(found) else "a special file"
        raise ValueError(f"{os.fspath(path)!r} is {kind}, not a file: correct the path.")
    return found
