"""Where jobs run: processes through joblib, or a Dask cluster. Workers may die, and jobs may hang."""

import faulthandler
import math
import multiprocessing.resource_tracker
import os
import queue
import signal
import threading
import time
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Real
from pickle import PicklingError

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky import BrokenProcessPool
from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker
from joblib.parallel import LokyBackend, get_active_backend
from sklearn import get_config

# After so many seconds without any worker, the jobs left to a Dask cluster are given up.
NO_WORKER_SECONDS = 300.0
# After so many fits that ended their worker, no more of the same learner and setting are tried.
MAX_DEATHS = 3
# The error of a fit for which no time was left.
SPENT = "not run: the time budget was spent"
# Seconds between two looks at whether a Dask cluster has workers.
_POLL = 1.0


@dataclass
class Outcome:
    """What a job brings back."""

    value: object = None  # what `use` of the job returned
    seconds: float = np.nan  # of the fit
    error: str = ""


def one_line(error):
    """Write an exception as one line of limited length."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:1000]


@dataclass
class Limits:
    """Time limits of jobs; with any, jobs run in processes that can be ended.

    Parameters
    ----------
    timeout : float, optional
        Seconds for a job; infinity for no limit.
    budget : float, optional
        Seconds for all jobs together, from now on.
    ends : bool, default=True
        Whether the process of a job may be ended; if not, a job that has started goes on to its end.
    """

    timeout: float | None = None
    budget: float | None = None
    ends: bool = True
    deadline: float | None = None  # seconds since the epoch

    def __post_init__(self):
        if self.deadline is None:
            self.deadline = math.inf if self.budget is None else time.time() + self.budget

    def check(self):
        """Raise an error for a limit that cannot be kept."""
        for name, value in {"fit_timeout": self.timeout, "time_budget": self.budget}.items():
            if value is None:
                continue
            if not isinstance(value, Real) or not value > 0:
                raise ValueError(f"{name} must be a number of seconds above 0 or None, got {value!r}.")
            backend, _ = get_active_backend()
            if name == "fit_timeout" and not isinstance(backend, LokyBackend):
                raise ValueError(
                    f"{name} needs joblib's default backend, loky, whose processes can be ended; "
                    f"{type(backend).__name__} is set. Leave {name} out, or the parallel_config."
                )

    @property
    def are_set(self):
        """Whether there is any limit."""
        return self.timeout is not None or self.budget is not None

    @property
    def spent(self):
        """Whether no time is left for any job."""
        return time.time() >= self.deadline

    @property
    def seconds(self):
        """Seconds after which the process of a job that starts now is ended."""
        if not self.ends:
            return math.inf
        return min(math.inf if self.timeout is None else self.timeout, self.deadline - time.time())


def finished(jobs, data, n_jobs, limits, ctrl_c):
    """Yield the number and outcome of each job as it ends.

    Parameters
    ----------
    jobs : list of Job
    data : object
    n_jobs : int or None
    limits : Limits
    ctrl_c : CtrlC
        Holds Ctrl-C back while processes start.
    """
    backend, _ = get_active_backend()
    if hasattr(backend, "client"):
        yield from _finished_on_dask(jobs, data, backend.client, limits)
        return
    # A job in a worker process keeps to itself.
    n_workers = effective_n_jobs(n_jobs)
    arguments = data, get_config(), n_workers > 1 or limits.are_set, os.getpid(), limits
    left, deaths = dict.fromkeys(range(len(jobs))), _Deaths(jobs)
    while left:
        if limits.spent:
            yield from ((i, Outcome(error=SPENT)) for i in left)
            return
        started = []
        try:
            for i, outcome in _in_pool(jobs, _noted(left, started), n_workers, arguments, ctrl_c):
                del left[i]
                yield i, outcome
        except (BrokenProcessPool, PicklingError):
            pass
        # What is left of those that had started: one of them took the pool with it (out of memory, a
        # crash), and only alone it can be told which. Two processes are the smallest pool.
        for i in [i for i in started if i in left]:
            del left[i]
            yield i, deaths.verdict(i) or _alone(jobs, i, arguments, ctrl_c, deaths)
        for i in list(left):
            if (outcome := deaths.verdict(i)) is not None:
                del left[i]
                yield i, outcome


def _alone(jobs, i, arguments, ctrl_c, deaths):
    """Run a job in a pool of its own, and return its outcome, whatever ends its process."""
    *_, limits = arguments
    if limits.spent:
        return Outcome(error=SPENT)
    start = time.monotonic()
    try:
        ((_, outcome),) = _in_pool(jobs, [i], 2, arguments, ctrl_c)
    except (BrokenProcessPool, PicklingError) as died:
        if limits.spent:
            return Outcome(error=SPENT)
        late = limits.timeout is not None and time.monotonic() - start >= limits.timeout
        return deaths.count(
            i, TimeoutError(f"the fit took longer than {limits.timeout:g} s") if late else died
        )
    return outcome


def _noted(numbers, started):
    """Yield numbers, and note which were asked for: joblib asks shortly before it starts a job."""
    for i in list(numbers):
        started.append(i)
        yield i


def _in_pool(jobs, numbers, n_workers, arguments, ctrl_c):
    """Yield number and outcome of some jobs as they end; raise if a worker dies."""
    *_, limits = arguments
    options = {"n_jobs": n_workers}
    if n_workers == 1 and limits.are_set:  # one job at a time, in a process that can be ended
        options = {"n_jobs": 2, "pre_dispatch": 1}
    parallel = Parallel(return_as="generator_unordered", batch_size=1, **options)
    results = None
    try:
        with ctrl_c.held(), _sigint_blocked_in_children():
            results = parallel(delayed(_run_job)(i, jobs[i], *arguments) for i in numbers)
        for result in results:  # noqa: UP028 (`yield from` would pass GeneratorExit on, past the block below)
            yield result
    finally:
        if results is not None:
            with ctrl_c.held(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib: not all results were used
                results.close()  # ends the processes, if it was not exhausted, and waits until they are gone


@contextmanager
def _sigint_blocked_in_children():
    """Keep Ctrl-C from processes that start here: while they import modules, they would die of it, loudly."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # If these started within the block, they would unblock the signal again.
    for tracker in (multiprocessing.resource_tracker, loky_resource_tracker):
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_job(i, job, data, config, sequential, pid, limits):
    """Run a job; in another process than `pid`, leave Ctrl-C to that one, which gets it as well.

    A worker that dies of it would break the pool, or print a traceback.
    """
    apart = os.getpid() != pid
    if apart and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if limits.spent:
        return i, Outcome(error=SPENT)
    with _limited(limits.seconds if apart else math.inf):
        return i, job.run(data, config, sequential)


@contextmanager
def _limited(seconds):
    """End this process, whatever it hangs in, unless the block is left in time."""
    if math.isinf(seconds):
        yield
        return
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(max(seconds, 1e-3), exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


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


def _finished_on_dask(jobs, data, client, limits):
    """Do the same on a Dask cluster, where any worker may die.

    Through joblib, data on a dead worker would be lost, and a job that kills each
    worker it comes to would be waited for without end.
    """
    cluster, deaths, lost = _Cluster(client, jobs, data, limits), _Deaths(jobs), []
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

    def __init__(self, client, jobs, data, limits):
        self._client, self._jobs, self._data = client, jobs, data
        self._arguments = get_config(), True, os.getpid(), replace(limits, ends=False)
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
