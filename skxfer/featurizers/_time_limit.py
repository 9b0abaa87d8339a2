"""Calls that end in time, in a process of their own: compiled code cannot be interrupted in any other way."""

import atexit
import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from importlib import import_module

# Seconds after which a process without work ends by itself; and those that one may take to start.
IDLE, START = 120.0, 120.0
_SERVE = "import sys; from skxfer.featurizers._time_limit import serve; serve(sys.argv[1])"


class StoppedError(Exception):
    """Why a call has no result, in words."""


class _IdleError(Exception):
    """The process had ended before the call, for want of work."""


class Worker:
    """A process that makes calls one after the other, and is ended if one takes too long.

    Parameters
    ----------
    module : str
        Module to be imported before the time of the first call begins.
    """

    def __init__(self, module):
        paths = [os.path.abspath(path or ".") for path in sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.owner = os.getpid()
        self._replies = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            started = self._replies.get(timeout=START)
        except BaseException:
            self.end()
            raise
        if started is None:
            self.end()
            raise RuntimeError(
                f"The process for RDKit does not start (code {self._process.returncode}): see what it "
                "printed, or set time_limit=None to do without it."
            )

    def _listen(self):
        with contextlib.suppress(Exception):  # of a process that was ended
            while True:
                self._replies.put(pickle.load(self._process.stdout))
        self._replies.put(None)

    def is_alive(self):
        """Whether it can take a call; not in a fork, which shares its pipes."""
        return self.owner == os.getpid() and self._process.poll() is None

    def call(self, function, arguments, seconds):
        """Call a function, and wait for it no longer than this.

        Parameters
        ----------
        function : str
            As ``"package.module:name"``.
        arguments : tuple
        seconds : float

        Returns
        -------
        object
            What the function returns.

        Raises
        ------
        StoppedError
            It took too long, or ended the process. The worker is no longer alive.
        """
        try:
            pickle.dump((function, arguments, seconds), self._process.stdin)
            self._process.stdin.flush()
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            self.end()
            raise StoppedError(f"it took more than {seconds:g} s (time_limit)") from None
        except OSError:
            reply = None
        except BaseException:  # Ctrl-C: a reply that comes later belongs to no call
            self.end()
            raise
        if reply is None:
            self._process.wait()
            self.end()
            if self._process.returncode == 0:
                raise _IdleError
            if self._process.returncode == -getattr(signal, "SIGALRM", 0):
                raise StoppedError(f"it took more than {seconds:g} s (time_limit)")
            raise StoppedError(f"RDKit ended its process (code {self._process.returncode})")
        kind, value = reply
        if kind == "error":
            raise value
        return value

    def end(self):
        """End the process at once."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()


# One worker waits for the next calls, as starting one takes half a second.
_waiting = []


def calls(function, arguments, seconds, module):
    """Make calls one after the other, each within a time.

    Parameters
    ----------
    function : str
        As ``"package.module:name"``.
    arguments : sequence of tuple
    seconds : float
    module : str
        Module that takes long to import; its time does not count.

    Returns
    -------
    list
        What the function returns, or a :class:`StoppedError`.
    """
    worker = _waiting.pop() if _waiting else Worker(module)
    results = []
    try:
        for each in arguments:
            while True:
                if not worker.is_alive():
                    worker.end()
                    worker = Worker(module)
                try:
                    results.append(worker.call(function, each, seconds))
                except _IdleError:
                    continue
                except StoppedError as reason:
                    results.append(reason)
                break
    finally:
        if worker.is_alive() and not _waiting:
            _waiting.append(worker)
        else:
            worker.end()
    return results


@atexit.register
def _end_all():
    while _waiting:
        _waiting.pop().end()


def serve(module):
    """Answer calls that come on the standard input, until it is closed or nothing comes.

    Parameters
    ----------
    module : str
        Module to import first.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    import_module(module)
    _answer(answers, "ready")
    while True:
        _limit(IDLE, lambda *_: os._exit(0))
        try:
            function, arguments, seconds = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        # The system ends this process whatever it is doing, in case the parent is gone, too.
        _limit(seconds + 1.0, getattr(signal, "SIG_DFL", None))
        try:
            name = function.partition(":")
            answer = "value", getattr(import_module(name[0]), name[2])(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again by the parent
            answer = "error", error
        _answer(answers, answer)


def _answer(file, answer):
    pickle.dump(answer, file)
    file.flush()


def _limit(seconds, handler):
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, seconds)
