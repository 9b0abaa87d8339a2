"""Jobs of a study: fit a model, use it, and go on past what fails, up to the last one or to Ctrl-C."""

import signal
import threading
import time
import warnings
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass

from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from ..inputs import find_bad_entry
from ..learners import inner_learner
from ..progress import progress
from ._workers import SPENT, Limits, Outcome, finished, one_line


@dataclass
class Job:
    """One fit, and what is made of it. Subclasses have `fit(data)` and `use(model, data)`.

    Those whose outcomes can be kept on disk also have `identity`, `record(value)` and `restore(record)`.
    """

    learner: str
    setting: str
    model: BaseEstimator

    identity = None  # what its outcome is known by on disk

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
            outcome.error = self.failure(find_bad_entry(self.inputs(data), error) or error)
        return outcome

    def inputs(self, data):
        """Return the X that the job takes its rows from, for errors that name a row."""
        return getattr(data, "X", None)

    def failure(self, error):
        """Say in one line why the job failed, or raise if it may not."""
        return one_line(error)


@contextmanager
def _silence(quiet):
    """Hide that a network stopped at max_iter: meant, and it would be said hundreds of times."""
    with warnings.catch_warnings():
        if quiet:
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
        yield


def run_jobs(jobs, data, n_jobs, verbose, timeout=None, *, budget=None, fits=None):
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
    timeout : float, optional
        Seconds for a job, after which its process is ended and the job has failed. With it, all jobs run
        in processes of their own, even if `n_jobs` is 1. Infinity: no limit, in such processes.
    budget : float, optional
        Seconds for all jobs together: those that have not ended by then have failed.
    fits : FinishedFits, optional
        Where outcomes are kept; jobs whose outcomes it knows are not run.

    Returns
    -------
    outcomes : dict of int to Outcome
        By number of the job; all of them, unless interrupted.
    interrupted : bool
        Whether Ctrl-C ended the run. Jobs that had ended are among the outcomes.
    """
    limits = Limits(timeout, budget)
    limits.check()
    outcomes, interrupted = {} if fits is None else fits.known(jobs, timeout), False
    left = [i for i in range(len(jobs)) if i not in outcomes]
    with progress(len(jobs), verbose, done=len(outcomes)) as advance, CtrlC() as ctrl_c:
        ended = finished([jobs[i] for i in left], data, n_jobs, limits, ctrl_c)
        try:
            with closing(ended):
                for k, outcome in ended:
                    if ctrl_c.struck:  # swallowed by the learner, as skorch does: half of this fit is missing
                        raise KeyboardInterrupt
                    job = jobs[left[k]]
                    with ctrl_c.held():
                        outcomes[left[k]] = outcome
                        if fits is not None and outcome.error != SPENT:
                            fits.add(job, outcome, timeout)
                        advance(f"{job.learner}, {job.setting}")
        except KeyboardInterrupt:
            interrupted = True
    return outcomes, interrupted


class CtrlC:
    """Watches for Ctrl-C: holds it back where it would do harm, and notices one that a learner has swallowed.

    SIGTERM is treated alike where the caller has a handler for it. Only in the
    main thread, to which Python brings signals; elsewhere it does nothing.

    Attributes
    ----------
    struck : bool
        Whether Ctrl-C has come.
    """

    def __init__(self):
        self.struck = False
        self._depth = 0  # of blocks that hold it back
        self._waiting = []  # signals that are held back
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
    def held(self):
        """Hold the signal back until the end of this block."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        while self._waiting and not self._depth:
            self._strike(self._waiting.pop(), None)

    def _strike(self, number, frame):
        if self._depth:
            self._waiting.append(number)
            return
        try:
            self._handlers[number](number, frame)
        except KeyboardInterrupt:
            self.struck = True
            raise
