"""Finished fits on disk: a study that was killed goes on where it was."""

import base64
import contextlib
import hashlib
import importlib.metadata
import json
import os
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from .._version import __version__
from ._workers import Outcome

FORMAT = 1
PACKAGES = ("numpy", "scipy", "scikit-learn")


class OtherStudyError(ValueError):
    """The file holds fits of other data, or of another version of the code."""


class FinishedFits:
    """A file to which each finished fit is appended, one line of JSON each.

    A fit is known by its learner with all parameters, the rows it was trained on, the rows it predicted and
    its seed, so that the fits of a study with one learner more, or one seed more, are those of the study
    before. The first line says which data and which code they belong to.

    Parameters
    ----------
    path : str or path-like
    data : object
        What all jobs share; it has ``digest()``.
    resume : bool
        Whether to use what the file holds; if False, it is started afresh.

    Raises
    ------
    OtherStudyError
        With `resume`, if the file holds fits of other data or of another version of the code.
    ValueError
        Another process writes to the file.
    """

    def __init__(self, path, data, resume):
        self.path = Path(path)
        self._head = {"skxfer fits": FORMAT, "data": data.digest(), "code": code_digest()}
        self._known = {}
        self._file = open(self.path, "a+b")  # noqa: SIM115 (closed by close)
        try:
            self._lock()
            if resume:
                self._read()
            else:
                self._file.truncate(0)
            if not self._file.seek(0, os.SEEK_END):
                self._append(self._head)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Close the file, so that another process may write to it."""
        self._file.close()

    def known(self, jobs, timeout):
        """Return the outcomes of those jobs that need not run again, by number of the job.

        What failed is tried again, unless it took longer than the same limit.
        """
        found = {}
        for i, job in enumerate(jobs):
            record = self._known.get(job.identity)
            if record is None or record["error"] and not _too_slow_again(record, timeout):
                continue
            value = None if record["error"] else job.restore(record["value"])
            found[i] = Outcome(value, record["seconds"], record["error"])
        return found

    def add(self, job, outcome, timeout):
        """Append the outcome of a job, so that it outlives this process and a power cut."""
        if job.identity is None:
            return
        record = {"job": job.identity, "learner": job.learner, "setting": job.setting}
        record |= {"seconds": outcome.seconds, "error": outcome.error, "timeout": timeout}
        record["value"] = None if outcome.error else job.record(outcome.value)
        self._append(record)
        self._known[job.identity] = record

    def _append(self, record):
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self):
        self._file.seek(0)
        end = 0
        for number, line in enumerate(self._file):
            if not line.endswith(b"\n"):
                break
            end += len(line)
            try:
                record = json.loads(line)
            except ValueError:  # a disk that was full, or a power cut, left half of it
                record = None
            if number == 0:
                self._check(record)
            elif isinstance(record, dict) and "job" in record:
                self._known[record["job"]] = record
        self._file.truncate(end)

    def _check(self, head):
        if not isinstance(head, dict) or "skxfer fits" not in head:
            raise OtherStudyError(f"{self.path} is not a file of finished fits: name another file.")
        differing = [name for name, value in self._head.items() if head.get(name) != value]
        if differing:
            what = (
                "other data or roles" if "data" in differing else "another version of skxfer or its packages"
            )
            raise OtherStudyError(
                f"{self.path} holds fits of {what}: start afresh (resume=False), or name another file."
            )

    def _lock(self):
        with contextlib.suppress(ImportError):  # not on Windows
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"Another study is writing to {self.path}: wait for its end, or name another file."
                ) from error


def _too_slow_again(record, timeout):
    before = record["timeout"]
    return before is not None and before == timeout and record["error"].startswith("TimeoutError")


def identity(*parts):
    """Return what a job is known by in the file; None if a part of it cannot be written.

    Parameters
    ----------
    *parts : objects
        All that decides on the outcome of the job.

    Returns
    -------
    str or None
    """
    try:
        return joblib.hash(parts)
    except Exception:  # whatever a learner raises that holds a lock, a file or a function without a name
        return None


def digest(*parts):
    """Return a digest of inputs, labels and names, which does not depend on how they are laid out in memory.

    Parameters
    ----------
    *parts : DataFrame, ndarray, list or any object that joblib can hash

    Returns
    -------
    str
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            for name in part:
                found.update(f"{name}\0{part[name].dtype}\0".encode())
                found.update(pd.util.hash_pandas_object(part[name], index=False).to_numpy().tobytes())
        elif isinstance(part, np.ndarray) and part.dtype != object:
            found.update(f"{part.dtype} {part.shape}\0".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(joblib.hash(part).encode())
        found.update(b"\1")
    return found.hexdigest()


@cache
def code_digest():
    """Return a digest of the code that makes the fits: this package, and the versions of those below it."""
    found = hashlib.sha256(__version__.encode())
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in ("cli", "inspection"):
            found.update(path.read_bytes())
    for package in PACKAGES:
        found.update(f"{package} {importlib.metadata.version(package)}".encode())
    return found.hexdigest()


def to_text(array):
    """Write an array of floats as text, to the last bit."""
    array = np.asarray(array, dtype="<f8")
    return {"shape": array.shape, "base64": base64.b64encode(array.tobytes()).decode("ascii")}


def from_text(record):
    """Read what `to_text` wrote."""
    values = np.frombuffer(base64.b64decode(record["base64"]), dtype="<f8")
    return values.reshape(record["shape"]).astype(float)
