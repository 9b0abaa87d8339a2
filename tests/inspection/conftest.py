"""Small trained networks that the tests of their analysis share."""

import sys

import pytest

from skxfer.datasets import make_domains

SMALL = {
    "max_epochs": 5,
    "n_members": 2,
    "hidden_dim": 16,
    "expert_dim": 8,
    "n_experts": 3,
    "cv": None,
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def _close():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def table():
    """Two sources of 60 rows, 40 target rows, 4 features, two targets."""
    return make_domains(
        n_source=60, n_target=40, n_test=20, n_features=4, n_targets=2, n_sources=2, random_state=0
    )


@pytest.fixture(scope="session")
def one_tier(table):
    """A network without sources: experts 1 to 3, two members."""
    pytest.importorskip("skorch")
    from skxfer import HMNNRegressor

    return HMNNRegressor(**SMALL).fit(table.data, table.target)


@pytest.fixture(scope="session")
def two_tiers(table):
    """A network with frozen experts of two sources and two new ones, two members."""
    pytest.importorskip("skorch")
    from skxfer import HMNNRegressor

    model = HMNNRegressor(
        source_domains=table.source_domains, strategy="frozen_experts", n_selected=1, **SMALL
    )
    return model.fit(table.data, table.target, sample_domain=table.domain)
