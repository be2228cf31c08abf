"""One set of packages, written down four times: pyproject.toml, constraints.txt, environment.yml, and the imports."""

import ast
import re
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec

from helpers.common.places import NOTEBOOKS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = {canonicalize_name(r.name): r for r in map(Requirement, PROJECT["dependencies"])}
EXTRAS = PROJECT["optional-dependencies"]
DEV, COURSE = ({canonicalize_name(r.name): r for r in map(Requirement, EXTRAS[name])} for name in ("dev", "course"))

CONDA_TEXT = (ROOT / "environment.yml").read_text()
CONDA = yaml.safe_load(CONDA_TEXT)
PIP = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
SPECS = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
CONDA_NAME = {"torch": "pytorch-cpu", "freud-analysis": "freud", "jupyter-client": "jupyter_client"}
ONLY_CONDA = {"python", "pip"}
NOT_ON_CONDA_FORGE = {"lightning-fabric", "playwright", "axe-playwright-python", "zuko"}

CONSTRAINTS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]

IMPORT_NAME = {
    "freud-analysis": "freud",
    "import-linter": "importlinter",
    "py-rattler": "rattler",
    "pytest-xdist": "xdist",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}
# Packages that are called, not imported: where, and by which words.
CALLED = {
    "ipywidgets": ("book/_config.yml", "nb_ipywidgets_js"),
    "jupyter-book": ("helpers/book/site.py", "jupyter_book"),
    "jupyterlab": ("helpers/__main__.py", '"jupyterlab"'),
    "sphinx-exercise": ("book/_config.yml", "sphinx_exercise"),
    "import-linter": ("helpers/gates.py", "importlinter.cli"),
    "nbval": ("helpers/gates.py", "--nbval-lax"),
    "pre-commit": (".pre-commit-config.yaml", "repos:"),
    "pytest-xdist": ("helpers/gates.py", '"-n"'),
    "ruff": ("helpers/gates.py", '"ruff"'),
}


def import_name(name):
    return IMPORT_NAME.get(name, name.replace("-", "_"))


def lower_bound(requirement):
    (bound,) = [s.version for s in requirement.specifier if s.operator == ">="]
    return Version(bound)


BESIDE = {"pymks"}  # the rival of one bench, which needs an environment of its own


def imported():
    """Return the top-level names that the code of the repository imports, each with one file that does."""
    names = {}
    for folder in (ROOT / "helpers", ROOT / "tests", NOTEBOOKS, ROOT / "book" / "extensions"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                modules = []
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    modules = [node.module]
                names |= {module.split(".")[0]: path.relative_to(ROOT).as_posix() for module in modules}
    own = {"helpers"} | {path.stem for path in (ROOT / "tests").rglob("*.py")}
    own |= BESIDE
    return {name: path for name, path in names.items() if name not in sys.stdlib_module_names | own}


# --- imports and pyproject.toml -------------------------------------------------------------------------------------


def test_every_import_is_declared():
    declared = {import_name(name) for name in CORE | DEV | COURSE}
    undeclared = {name: path for name, path in imported().items() if name not in declared}
    assert not undeclared


def test_what_helpers_imports_is_declared_without_dev():
    core = {import_name(name) for name in CORE | COURSE}
    of_helpers = {name: path for name, path in imported().items() if path.startswith(("helpers/", "notebooks/"))}
    assert not {name: path for name, path in of_helpers.items() if name not in core}


@pytest.mark.parametrize("name", sorted(CORE | DEV | COURSE))
def test_every_declared_package_is_used(name):
    if import_name(name) not in imported():
        path, words = CALLED[name]
        assert words in (ROOT / path).read_text(encoding="utf-8")


def test_every_declared_package_has_a_lower_bound():
    assert all(lower_bound(requirement) for requirement in (CORE | DEV | COURSE).values())


# --- constraints.txt ------------------------------------------------------------------------------------------------


def test_constraints_pin_public_versions_only():
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line


@pytest.mark.parametrize("name", sorted(CORE | DEV | COURSE))
def test_constraints_pin_what_pyproject_allows(name):
    pins = {canonicalize_name(pin.name): pin for pin in map(Requirement, CONSTRAINTS)}
    version = next(iter(pins[name].specifier)).version
    assert version in (CORE | DEV | COURSE)[name].specifier


# --- environment.yml ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS)
def test_conda_spec_parses(spec):
    assert MatchSpec(spec, strict=True).name is not None


def test_a_malformed_spec_would_be_found():
    with pytest.raises(Exception, match=r"version|spec"):
        MatchSpec("numpy >=>2", strict=True)


def test_every_entry_says_what_needs_it():
    lines = CONDA_TEXT[CONDA_TEXT.index("dependencies:") :].splitlines()[1:]
    entries = [line.strip() for line in lines if line.strip().startswith("- ") and line.strip() != "- pip:"]
    assert len(entries) == len(SPECS) + len(PIP)
    for entry in entries:
        assert re.search(r"  # \w.{5,}", entry), entry


def test_conda_comes_from_one_channel():
    assert CONDA["channels"] == ["conda-forge"]


def test_conda_and_pyproject_agree():
    conda = {str(MatchSpec(spec, strict=True).name.normalized): spec for spec in SPECS}
    wanted = {
        CONDA_NAME.get(name, name): r for name, r in (CORE | DEV | COURSE).items() if name not in NOT_ON_CONDA_FORGE
    }
    assert conda.keys() - ONLY_CONDA == wanted.keys()
    for name, requirement in wanted.items():
        bounds = dict(re.findall(r"(>=|<)([\w.]+)", conda[name]))
        assert bounds.pop(">=") == lower_bound(requirement).base_version, name
        assert bounds.get("<") == next((s.version for s in requirement.specifier if s.operator == "<"), None), name
    assert conda["python"] == f"python {PROJECT['requires-python']}"


def test_pip_part_holds_what_conda_forge_lacks_and_the_repository():
    assert PIP[-1] == "-e .[dev,course]"
    listed = {canonicalize_name(r.name): r for r in map(Requirement, PIP[:-1])}
    assert listed.keys() == NOT_ON_CONDA_FORGE
    for name, requirement in listed.items():
        assert requirement.specifier == (CORE | DEV | COURSE)[name].specifier
