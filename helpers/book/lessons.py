"""The lessons as they lie in ``notebooks/``: their names, headers, parameters, and what they depend on."""

import ast
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml

from helpers.common import data
from helpers.common.places import CHECKPOINTS, NOTEBOOKS, RESULTS, ROOT

__all__ = ["Lesson", "cache_key", "code_hash", "find", "lessons", "parameters", "read"]


@dataclass(frozen=True)
class Lesson:
    """One lesson: the name of its files without ending, and the ``lesson`` block of its header."""

    name: str
    header: dict

    @property
    def py(self) -> Path:
        """Return the path of the py:percent master."""
        return NOTEBOOKS / f"{self.name}.py"

    @property
    def ipynb(self) -> Path:
        """Return the path of the paired notebook with outputs."""
        return NOTEBOOKS / f"{self.name}.ipynb"


def read(path: Path) -> nbformat.NotebookNode:
    """Return the notebook stored at ``path``, a ``.py`` or an ``.ipynb``; ValueError where its header is no YAML."""
    try:
        return jupytext.read(path)
    except yaml.YAMLError as error:
        line = error.problem_mark.line + 1 if getattr(error, "problem_mark", None) else 1
        raise ValueError(
            f"{path.name}: the header cannot be read near line {line}; is a text with a colon quoted?"
        ) from error


def lessons() -> list[Lesson]:
    """Return all lessons in reading order."""
    return [Lesson(path.stem, dict(read(path).metadata.get("lesson", {}))) for path in sorted(NOTEBOOKS.glob("*.py"))]


def find(names: list[str]) -> list[Lesson]:
    """Return the lessons called ``names`` (``01``, ``01_physics_of_diffusion`` or its path; none: all of them)."""
    everything = lessons()
    if not names:
        return everything
    found = []
    for name in names:
        stem = Path(name).stem
        match = [lesson for lesson in everything if lesson.name == stem or lesson.name.split("_")[0] == stem]
        if not match:
            raise ValueError(f"there is no notebook {name!r}; the lessons are {', '.join(x.name for x in everything)}")
        found += [lesson for lesson in match if lesson not in found]
    return found


def parameters(notebook: nbformat.NotebookNode) -> dict:
    """Return the names and default values set in the cell tagged ``parameters``."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"a lesson has exactly one cell tagged 'parameters', found {len(cells)}")
    values = {}
    for node in ast.parse(cells[0].source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name):
            values[target.id] = ast.literal_eval(node.value)
    return values


def code_hash(notebook: nbformat.NotebookNode) -> str:
    """Return the sha256 of the code cells: it tells whether stored outputs belong to this code."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def cache_key(lesson: Lesson, profile: str, values: dict) -> str:
    """Return the sha256 of all that an execution of this lesson depends on.

    The master, profile and parameters, the sources of its wings and of the ground floor, the weights and records they
    name, which real data are present, the pinned versions, and the version of Python.
    """
    source = lesson.py.read_text(encoding="utf-8")
    lists = re.findall(r"from helpers import ([\w, ]+|\([^)]+\))", source)
    wings = {"common", *re.findall(r"helpers\.(\w+)", source), *re.findall(r"\w+", " ".join(lists))}
    files = [
        path
        for wing in sorted(wings)
        for path in [ROOT / f"helpers/{wing}.py", *sorted((ROOT / "helpers" / wing).rglob("*"))]
        if path.suffix in (".py", ".js", ".css") and path.is_file()
    ]
    text = source + "".join(path.read_text(encoding="utf-8") for path in files)
    named = [path for folder in (CHECKPOINTS, RESULTS) for path in sorted(folder.glob("*")) if f'"{path.stem}"' in text]
    digest = hashlib.sha256()
    for path in [lesson.py, *files, *named, ROOT / "constraints.txt"]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    present = [name for name in data.datasets() if data.available(name)]
    digest.update(json.dumps([profile, values, present, list(sys.version_info[:3])], sort_keys=True).encode())
    return digest.hexdigest()
