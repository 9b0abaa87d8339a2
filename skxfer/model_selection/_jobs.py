"""Jobs of a study, run in parallel through joblib or Dask: past failed fits, dead workers and Ctrl-C."""

import importlib.util
import os
import queue
import signal
import threading
import time
import warnings
from collections import defaultdict
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pickle import PicklingError

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.externals.loky import BrokenProcessPool
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from ..learners import inner_learner

# After so many seconds without any worker, the jobs left to a Dask cluster are given up.
NO_WORKER_SECONDS = 300.0
# After so many fits that ended their worker, no more of the same learner and setting are tried.
MAX_DEATHS = 3
# Seconds between two looks at whether a Dask cluster has workers.
_POLL = 1.0


@dataclass
class Outcome:
    """What a job brings back."""

    value: object = None  # what `use` of the job returned
    seconds: float = np.nan  # of the fit
    error: str = ""


@dataclass
class Job:
    """One fit, and what is made of it. Subclasses have `fit(data)` and `use(model, data)`."""

    learner: str
    setting: str
    model: BaseEstimator

    def run(self, data, config, sequential):
        """Fit and use the model; an exception, or an exit of the interpreter, becomes a text."""
        quiet = isinstance(inner_learner(getattr(self.model, "estimator", self.model)), MLPRegressor)
        alone = parallel_config(backend="sequential") if sequential else nullcontext()
        outcome = Outcome()
        try:
            with alone, config_context(**config), _silence(quiet):
                start = time.perf_counter()
                model = self.fit(data)
                outcome.seconds = time.perf_counter() - start
                outcome.value = self.use(model, data)
        except (Exception, SystemExit) as error:
            outcome.error = self.failure(error)
        return outcome

    def failure(self, error):
        """Say in one line why the job failed, or raise if it may not."""
        return one_line(error)


def one_line(error):
    """Write an exception as one line of limited length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:1000]


@contextmanager
def _silence(quiet):
    """Hide that a network stopped at max_iter: meant, and it would be said hundreds of times."""
    with warnings.catch_warnings():
        if quiet:
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
        yield


def run_jobs(jobs, data, n_jobs, verbose):
    """Run jobs in parallel.

    Parameters
    ----------
    jobs : list of Job
    data : object
        What all jobs share; it goes to every worker.
    n_jobs : int or None
        Processes, through joblib; with its Dask backend, the cluster decides.
    verbose : int
        Above 0: a progress bar, if rich is installed.

    Returns
    -------
    outcomes : dict of int to Outcome
        By number of the job; all of them, unless interrupted.
    interrupted : bool
        Whether Ctrl-C ended the run. Jobs that had ended are among the outcomes.
    """
    outcomes, interrupted = {}, False
    finished = _finished(jobs, data, n_jobs)
    with _progress(len(jobs), verbose) as advance, _CtrlC() as ctrl_c:
        try:
            for _ in jobs:
                with ctrl_c.allowed():
                    i, outcome = next(finished)
                if ctrl_c.struck:  # swallowed by the learner, as skorch does: half of this fit is missing
                    raise KeyboardInterrupt
                outcomes[i] = outcome
                advance(jobs[i])
        except KeyboardInterrupt:
            interrupted = True
        finally:
            with warnings.catch_warnings():  # joblib: not all results were used
                warnings.simplefilter("ignore")
                finished.close()
    return outcomes, interrupted


class _CtrlC:
    """Lets Ctrl-C through while a job is waited for, and holds it back while an outcome is stored.

    It also notices a Ctrl-C that a learner has swallowed. SIGTERM is treated alike
    where the caller has a handler for it.
    """

    def __init__(self):
        self.struck = False
        self._open = False
        self._held = None  # number of a signal that is held back
        self._handlers = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._strike)
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @contextmanager
    def allowed(self):
        """Let the signal through within this block, also one that was held back before it."""
        self._open = True
        try:
            if self._held is not None:
                number, self._held = self._held, None
                self._strike(number, None)
            yield
        finally:
            self._open = False

    def _strike(self, number, frame):
        if not self._open:
            self._held = number
            return
        try:
            self._handlers[number](number, frame)
        except KeyboardInterrupt:
            self.struck = True
            raise


def _finished(jobs, data, n_jobs):
    """Yield the number and outcome of each job as it ends."""
    backend, _ = get_active_backend()
    if hasattr(backend, "client"):
        yield from _finished_on_dask(jobs, data, backend.client)
        return
    # A job in a worker process keeps to itself.
    arguments = data, get_config(), effective_n_jobs(n_jobs) > 1, os.getpid()
    left, deaths = dict.fromkeys(range(len(jobs))), _Deaths(jobs)
    while left:
        started = []
        try:
            for i, outcome in _in_pool(jobs, _noted(left, started), n_jobs, arguments):
                del left[i]
                yield i, outcome
        except (BrokenProcessPool, PicklingError):
            pass
        # What is left of those that had started: one of them took the pool with it (out of memory, a
        # crash), and only alone it can be told which. Two processes are the smallest pool.
        for i in [i for i in started if i in left]:
            del left[i]
            outcome = deaths.verdict(i)
            if outcome is None:
                try:
                    ((_, outcome),) = _in_pool(jobs, [i], 2, arguments)
                except (BrokenProcessPool, PicklingError) as error:
                    outcome = deaths.count(i, error)
            yield i, outcome
        for i in list(left):
            if (outcome := deaths.verdict(i)) is not None:
                del left[i]
                yield i, outcome


def _noted(numbers, started):
    """Yield numbers, and note which were asked for: joblib asks shortly before it starts a job."""
    for i in list(numbers):
        started.append(i)
        yield i


def _in_pool(jobs, numbers, n_jobs, arguments):
    """Yield number and outcome of some jobs as they end; raise if a worker dies."""
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)
    with _blocked_sigint():  # the processes that start here inherit that
        results = parallel(delayed(_run_job)(i, jobs[i], *arguments) for i in numbers)
    yield from results


@contextmanager
def _blocked_sigint():
    """Hold Ctrl-C back from this thread, and for good from processes that it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_job(i, job, data, config, sequential, pid):
    """Run a job; in another process than `pid`, leave Ctrl-C to that one, which gets it as well.

    A worker that dies of it would break the pool, or print a traceback.
    """
    if os.getpid() != pid and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return i, job.run(data, config, sequential)


class _Deaths:
    """Counts the jobs of each learner and setting that ended their worker, or could not be sent to one."""

    def __init__(self, jobs):
        self._jobs, self._errors = jobs, defaultdict(list)

    def _errors_like(self, i):
        return self._errors[self._jobs[i].learner, self._jobs[i].setting]

    def count(self, i, error):
        """Note how the job ended, and return its outcome."""
        self._errors_like(i).append(one_line(error))
        return Outcome(error=one_line(error))

    def verdict(self, i):
        """Return the outcome of a job that is not worth a try, else None."""
        errors = self._errors_like(i)
        if len(errors) < MAX_DEATHS:
            return None
        return Outcome(error=f"not run: {len(errors)} jobs like it failed before; the last one: {errors[-1]}")


def _finished_on_dask(jobs, data, client):
    """Do the same on a Dask cluster, where any worker may die.

    Through joblib, data on a dead worker would be lost, and a job that kills each
    worker it comes to would be waited for without end.
    """
    cluster, deaths, lost = _Cluster(client, jobs, data), _Deaths(jobs), []
    try:
        for i, outcome in cluster.run(range(len(jobs))):
            if isinstance(outcome, Outcome):
                yield i, outcome
            else:
                lost.append((i, outcome))
        for i, result in lost:  # one job takes others with it: only alone it can be told which
            if not isinstance(result, NoWorkerError) and (result := deaths.verdict(i)) is None:
                ((_, result),) = cluster.run([i])
            yield i, result if isinstance(result, Outcome) else deaths.count(i, result)
    finally:
        cluster.cancel()


class NoWorkerError(RuntimeError):
    """A Dask cluster has had no worker for too long."""


class _Cluster:
    """Jobs on a Dask cluster, given up when it has had no worker for `NO_WORKER_SECONDS`."""

    def __init__(self, client, jobs, data):
        self._client, self._jobs, self._data = client, jobs, data
        self._arguments = get_config(), True, os.getpid()
        self._left = {}  # futures that have not ended -> number of the job
        self._seen = time.monotonic()  # when the cluster had a worker last

    def run(self, numbers):
        """Yield number of each job and its outcome, or the exception that kept it from having one."""
        submit, ended = self._client.submit, queue.SimpleQueue()
        try:
            # A task, and no scattered data: the scheduler can make it again on another worker.
            data = submit(_same, self._data, pure=False)
            for i in numbers:
                future = submit(_run_job, i, self._jobs[i], data, *self._arguments, pure=False)
                self._left[future] = i
        except RuntimeError as error:  # the client is closed
            self._left.clear()
            yield from ((i, NoWorkerError(str(error))) for i in numbers)
            return
        for future in self._left:
            future.add_done_callback(ended.put)
        while self._left:
            future = self._patiently(ended.get)
            outcome = NoWorkerError() if future is None else self._outcome(future)
            if isinstance(outcome, NoWorkerError):
                outcome = NoWorkerError(f"the Dask cluster had no worker for {NO_WORKER_SECONDS:g} s")
                # Else they would go on to a worker that comes later, and one may be what ended the others.
                numbers = sorted(self._left.values())
                self.cancel()
                yield from ((i, outcome) for i in numbers)
            else:
                yield self._left.pop(future), outcome

    def cancel(self):
        """Forget the jobs that have not ended."""
        futures = list(self._left)
        self._left.clear()
        if self._client.status == "running":
            self._client.cancel(futures)

    def _outcome(self, future):
        if future.status == "cancelled":
            return RuntimeError("the job is cancelled: the scheduler is gone, or someone cancelled it")
        try:
            outcome = self._patiently(future.result)
        except Exception as error:
            return error
        return NoWorkerError() if outcome is None else outcome[1]

    def _patiently(self, wait):
        """Call `wait(timeout=...)` until it has something, or return None once there is no worker."""
        while True:
            try:
                return wait(timeout=_POLL)
            except (queue.Empty, TimeoutError):
                now = time.monotonic()
                if self._has_workers():
                    self._seen = now
                elif now - self._seen > NO_WORKER_SECONDS:
                    return None

    def _has_workers(self):
        try:
            return bool(self._client.nthreads())
        except OSError:  # the scheduler is gone; the client tries for a while to reach it
            return False


def _same(data):
    return data


@contextmanager
def _progress(total, verbose):
    """Yield a function to call after each job: a rich progress bar if wanted and installed."""
    if not verbose or importlib.util.find_spec("rich") is None:
        yield lambda job: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("fits", total=total)
        yield lambda job: bar.update(task, advance=1, description=f"fits, last: {job.learner}, {job.setting}")
