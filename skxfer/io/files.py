"""Write a file whole or not at all, and open one that may be anything: what the disk has to do with it."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from pathlib import Path

from .._paths import check_path

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted by another process anyway
    fcntl = None

_TEMPORARY = re.compile(r"\.skxfer-[0-9a-f]{16}\.tmp")


def replace_file(path, data):
    """Write data to a file, whole or not at all.

    It is first written to a temporary file in the same folder. Temporary files of processes that were killed
    on the way are deleted.

    Parameters
    ----------
    path : str or path-like
        A link is followed.
    data : bytes

    Raises
    ------
    OSError
        There is no such folder, the path is a folder, a device or a pipe, the file is read-only, the disk is
        full. The error names the path.
    """
    path = Path(os.path.realpath(check_path(path)))
    try:
        _check_target(path)
        _sweep(path.parent)
        _write(path, data)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) in (path, path.parent):
            raise
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, f"{reason}, while saving", str(path)) from error


def open_file(path):
    """Open a file to read, if it is a regular one.

    Parameters
    ----------
    path : Path

    Returns
    -------
    file

    Raises
    ------
    OSError
        The file is missing, or is a folder, a device or a pipe, which could be read for ever.
    """
    _check_regular(path, os.stat(path))
    file = open(path, "rb")  # noqa: SIM115
    try:
        _check_regular(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


def _check_regular(path, status):
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "This is a folder, name a file in it", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "This is a device, a pipe or a socket, not a regular file", str(path))


def _check_target(path):
    if not path.parent.is_dir():
        message = f"There is no folder {path.parent} to save {path.name} in: make it first"
        raise FileNotFoundError(errno.ENOENT, message, str(path))
    if not path.exists():
        return
    status = path.stat()
    _check_regular(path, status)
    # The superuser may write to any file; one that is marked as read-only is kept all the same.
    if not status.st_mode & 0o222 or not os.access(path, os.W_OK):
        message = "This file is read-only: change its permissions, or save under another name"
        raise PermissionError(errno.EACCES, message, str(path))


def _write(path, data):
    with _temporary(path.parent) as (file, temporary):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        if fcntl is None:
            file.close()
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)


@contextlib.contextmanager
def _temporary(folder):
    """A new file in a folder, locked while it is written; it is deleted if anything fails."""
    while True:
        temporary = folder / f".skxfer-{secrets.token_hex(8)}.tmp"
        file = open(temporary, "xb")  # noqa: SIM115
        try:
            if fcntl is not None:
                with contextlib.suppress(OSError):  # not every file system has locks
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process that sweeps may have come between, before the lock.
            if not temporary.exists():
                continue
            yield file, temporary
            return
        except BaseException:
            file.close()
            temporary.unlink(missing_ok=True)
            raise
        finally:
            file.close()


def _sweep(folder):
    """Delete temporary files that no process holds any more."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        left = [Path(entry.path) for entry in entries if _TEMPORARY.fullmatch(entry.name)]
        for path in left:
            with contextlib.suppress(OSError):
                _delete_unless_locked(path)


def _delete_unless_locked(path):
    if fcntl is None:
        path.unlink()
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
