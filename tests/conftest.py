"""Seeds for every test, failures told as they come, and transfer problems that many tests share."""

import os
import signal
import sys

import numpy as np
import pytest

from skxfer.datasets import make_domains

try:
    from hypothesis import settings
except ImportError:  # tests that need it skip themselves
    pass
else:
    # The same draws in each run; HYPOTHESIS_PROFILE=random is for a job that looks for new failures.
    settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
    settings.register_profile("random", print_blob=True, deadline=None)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure(config):
    # A shell starts what runs in the background with Ctrl-C ignored, and tests press it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # not in the worker processes of pytest-xdist
        config.pluginmanager.register(_FailuresAsTheyCome(config))


class _FailuresAsTheyCome:
    """Prints name and reason of a failure at once, so that they are there if the run is cut off."""

    def __init__(self, config):
        self.config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = str(report.longrepr if crash is None else crash.message).strip().partition("\n")[0]
            terminal.ensure_newline()
            terminal.write_line(f"FAILED {report.nodeid} ({report.when}): {reason[:300]}", red=True)


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def _problem(**params):
    """A problem with its test rows set apart, read-only, so that no test changes it for others."""
    problem = make_domains(**params)
    train = problem.domain != "test"
    for key in ("data", "target", "target_function"):
        problem[f"test_{key}"] = problem[key][~train]
        problem[key] = problem[key][train]
    problem.domain = problem.domain[train]
    for value in problem.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return problem


@pytest.fixture(scope="session")
def related():
    """One source of 150 rows that helps, 25 target rows, 60 test rows, 3 features, one target."""
    return _problem(n_source=150, n_target=25, n_test=60, n_features=3, random_state=0)


@pytest.fixture(scope="session")
def several():
    """Two sources of 80 rows that help, 25 target rows, 60 test rows, 3 features, two targets."""
    return _problem(
        n_source=80, n_target=25, n_test=60, n_features=3, n_targets=2, n_sources=2, random_state=0
    )


@pytest.fixture(scope="session")
def composition_net():
    """A small network for formulas, trained on 150 binary alloys."""
    pytest.importorskip("skorch")
    pytest.importorskip("matminer")
    from skxfer import LGDCNNRegressor
    from skxfer.datasets import load_miedema

    X, y = load_miedema(return_X_y=True)
    size = {"hidden_dim": 16, "n_blocks": 1, "max_epochs": 2, "random_state": 0}
    # The default makes one feature map of the two elements of a binary formula.
    return LGDCNNRegressor(variant="lgdcnn", **size).fit(X[:150], y[:150])
