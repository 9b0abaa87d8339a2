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
        "model = HierarchicalTransfer(source_domains=['s']); "
        "model.fit([[i] for i in range(20)], range(20), sample_domain=['s', 't'] * 10)"
    )
    assert not modules_after(code) & HEAVY


@pytest.mark.parametrize(
    "package", ["", ".datasets", ".featurizers", ".inspection", ".model_selection", ".transfer"]
)
def test_every_advertised_name_can_be_imported(package):
    module = importlib.import_module("skxfer" + package)
    for name in module.__all__:
        assert getattr(module, name) is not None


# A process in which no optional package can be found.
BARE = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Missing())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *path: None if name in {names} else find(name, *path)
"""


@pytest.mark.parametrize("package", ["skxfer", "skxfer.calculators", "skxfer.models", "skxfer.inspection"])
def test_star_import_works_without_any_optional_package(package):
    names = repr(HEAVY | {"matscipy", "rdkit", "skops", "safetensors"})
    code = f"{BARE.replace('{names}', names)}\nfrom {package} import *\nprint(*dir())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    assert "SkxferCalculator" not in found
    assert package == "skxfer.calculators" or {"HierarchicalTransfer", "HMNNRegressor", "GateDisplay"} & {
        *found
    }


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NoSuchThing"):
        skxfer.NoSuchThing  # noqa: B018


def test_version_is_that_of_the_metadata():
    assert importlib.metadata.version("skxfer") == skxfer.__version__
