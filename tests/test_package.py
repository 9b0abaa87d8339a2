import ast
import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

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


# layers -----------------------------------------------------------------------------------------------

ROOT = Path(skxfer.__file__).parent
MODULES = {
    ".".join(("skxfer", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
# Imports run downwards: what stands in a row may import what stands in the rows below, and its own package.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"inspection"},
    {"model_selection"},
    {"calculators", "transfer", "models"},
    {"screening", "io"},
    {"folds", "density_ratio"},
    {"learners"},
    {"featurizers"},
    {"datasets", "input_kinds"},
    {"structures", "tables"},
    {"energy_units"},
    {"formulas", "domains", "metrics"},
    {"acquisition", "inputs", "choice", "nn", "progress"},
]
MAX_FILE, MAX_FUNCTION = 450, 60


def imports(module, path):
    """Yield (module or attribute imported, within the package; whether at import time) of a module's code."""
    tree = ast.parse(path.read_text())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = (
                ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            )
            source = ".".join(part for part in (base, node.module) if part)
            if source.split(".")[0] == "skxfer":
                yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "skxfer")


def module_of(name):
    """The longest part of a dotted name that is a module."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_a_private_module_of_another_package(module):
    for name in imports(module, MODULES[module]):
        parts = module_of(name).split(".")
        private = [i for i, part in enumerate(parts) if part.startswith("_") and part != "__main__"]
        if private:
            owner = ".".join(parts[: private[0]])
            assert f"{module}.".startswith(f"{owner}."), f"{module} imports {name}"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "skxfer"])
def test_imports_run_downwards(module):
    level = {part: i for i, row in enumerate(LAYERS) for part in row}
    here = module.split(".")[1]
    for name in imports(module, MODULES[module]):
        parts = module_of(name).split(".")
        there = parts[1] if len(parts) > 1 else "skxfer"
        if there == here or there.startswith("_") and there != "__main__":
            continue  # its own package, and what belongs to the whole house
        assert level[there] > level.get(here, len(LAYERS)), f"{module} imports {name}"


def code_lines(node, lines):
    """Lines of a function that are neither its documentation, nor empty, nor a comment."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    code = (line.strip() for line in lines[body[0].lineno - 1 : node.end_lineno])
    return sum(bool(line) and not line.startswith("#") for line in code)


@pytest.mark.parametrize("module", MODULES)
def test_files_and_functions_are_short(module):
    lines = MODULES[module].read_text().splitlines()
    assert len(lines) <= MAX_FILE
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert code_lines(node, lines) <= MAX_FUNCTION, node.name
