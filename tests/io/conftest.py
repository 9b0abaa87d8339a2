"""The path of a file, and a file to damage."""

import pytest
from saved_models import LEARNERS, X, y
from sklearn.ensemble import StackingRegressor
from sklearn.tree import DecisionTreeRegressor

from skxfer import io


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skxfer"


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    """The bytes of a file with every kind of member but torch's."""
    path = tmp_path_factory.mktemp("good") / "model.skxfer"
    model = StackingRegressor(
        [("gp", LEARNERS["Gaussian process"]()), ("tree", DecisionTreeRegressor(max_depth=2))]
    )
    io.save(model.fit(X, y), path)
    return path.read_bytes(), model.predict(X.copy())


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """A place that a payload would touch."""
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / "touched").exists()
