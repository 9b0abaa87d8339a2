import importlib
import importlib.metadata
import subprocess
import sys

import pytest

import skxfer

HEAVY = {"torch", "skorch", "ase", "dscribe", "pymatgen", "matminer", "xgboost", "matplotlib"}


def modules_after(code):
    """Names of the top-level modules that a fresh process has imported after some code."""
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_import_brings_no_optional_package():
    assert not modules_after("import skxfer") & HEAVY


def test_fitting_a_forest_brings_no_optional_package():
    code = (
        "from skxfer import HierarchicalTransfer; "
        "HierarchicalTransfer(source_domains=['s']).fit([[i] for i in range(20)], range(20), ['s', 't'] * 10)"
    )
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize(
    "package", ["", ".datasets", ".featurizers", ".inspection", ".model_selection", ".transfer"]
)
def test_every_advertised_name_can_be_imported(package):
    module = importlib.import_module("skxfer" + package)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NoSuchThing"):
        skxfer.NoSuchThing  # noqa: B018


def test_version_is_that_of_the_metadata():
    assert importlib.metadata.version("skxfer") == skxfer.__version__
