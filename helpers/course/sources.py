"""The masters of the assignments, ``notebooks/assignments/source/aNN/aNN.py``, and the rules that they keep.

A master is a py:percent script with solutions and hidden tests, in nbgrader's marks. Its cells carry only the keys of
nbgrader's metadata that differ from the usual.
"""

import re
from pathlib import Path

import jupytext
import nbformat

from helpers.common.places import NOTEBOOKS

__all__ = ["MASTERS", "assignments", "flaws", "master", "points", "read", "role", "tasks"]

MASTERS = NOTEBOOKS / "assignments" / "source"
USUAL = {"grade": False, "locked": False, "points": None, "schema_version": 3, "solution": False, "task": False}
SOLUTION = ("### BEGIN SOLUTION", "### END SOLUTION")
HIDDEN = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS")


def assignments() -> list[str]:
    """Return the names of all assignments, in order."""
    return sorted(path.stem for path in MASTERS.glob("a*/a*.py"))


def master(name: str) -> Path:
    """Return the path of a master; ValueError for one that is not there."""
    if name not in assignments():
        raise ValueError(f"there is no assignment {name!r}; there are {', '.join(assignments())}")
    return MASTERS / name / f"{name}.py"


def read(name: str) -> nbformat.NotebookNode:
    """Return a master as a notebook with the whole metadata of nbgrader in every cell that has any."""
    notebook = jupytext.read(master(name))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": kernel}
    )  # what jupytext notes keeps JupyterLab from opening it
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"{name}-{i:02d}"
        own = cell.metadata.pop("nbgrader", None)
        cell.metadata.clear()
        if own:
            whole = {**USUAL, "cell_type": cell.cell_type, **own}
            if not whole["grade"]:
                del whole["points"]
            cell.metadata["nbgrader"] = nbformat.from_dict(whole)
    return notebook


def role(cell) -> str:
    """Return what a cell is: "solution", "tests", "written", "locked", or "free" for the rest."""
    own = cell.metadata.get("nbgrader")
    if not own:
        return "free"
    if own["grade"]:
        return "written" if own["solution"] else "tests"
    return "solution" if own["solution"] else "locked"


def identity(cell) -> str:
    """Return the ``grade_id`` of a cell, "" where it has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def tasks(notebook) -> dict[str, list[str]]:
    """Return the names of the tasks, each with those of its cells of tests: ``NAME-tests`` belong to ``NAME``."""
    names = [identity(cell) for cell in notebook.cells if role(cell) == "solution"]
    tests = [identity(cell) for cell in notebook.cells if role(cell) == "tests"]
    return {name: [t for t in tests if re.fullmatch(rf"{re.escape(name)}-tests(-\d)?", t)] for name in names}


def points(notebook) -> dict[str, float]:
    """Return the points of every graded cell."""
    return {identity(c): c.metadata.nbgrader["points"] for c in notebook.cells if role(c) in ("tests", "written")}


def flaws(name: str) -> list[str]:
    """Return what is wrong with a master, in words; nothing where it keeps all rules."""
    notebook, found = read(name), []
    cells, parts = notebook.cells, tasks(notebook)
    code = [cell for cell in cells if cell.cell_type == "code"]
    ids = [identity(cell) for cell in cells if identity(cell)]
    found += [f"two cells are called {i!r}" for i in sorted({i for i in ids if ids.count(i) > 1})]
    if not code or not re.match(r'STUDENT_ID = "[\w.-]+"', code[0].source) or role(code[0]) != "free":
        found.append('the first cell of code must be free and begin with STUDENT_ID = "..."')
    found += [f"task {task!r} has no cell of tests" for task, tests in parts.items() if not tests]
    n_written = sum(role(cell) == "written" for cell in cells)
    if not 4 <= len(parts) + n_written <= 6:
        found.append(f"4 to 6 tasks are wanted, found {len(parts) + n_written}")
    if n_written != 1:
        found.append(f"one written question is wanted, found {n_written}")
    owned = [test for tests in parts.values() for test in tests]
    for cell in cells:
        kind, label = role(cell), identity(cell)
        if kind == "tests" and label not in [*owned, "integrity"]:
            found.append(f"tests {label!r} belong to no task")
        if kind == "tests" and not cell.metadata.nbgrader["locked"]:
            found.append(f"tests {label!r} are not locked")
        if label in owned and not all(mark in cell.source for mark in HIDDEN):
            found.append(f"tests {label!r} hide nothing")
        if label in owned and not cell.metadata.nbgrader["points"] > 0:
            found.append(f"tests {label!r} give no points")
        if kind == "solution" and not all(mark in cell.source for mark in SOLUTION):
            found.append(f"solution {label!r} is not between its marks")
        if kind in ("solution", "free") and HIDDEN[0] in cell.source:
            found.append(f"hidden tests stand outside of a cell of tests, {label!r}")
    if role(cells[-1]) != "tests" or identity(cells[-1]) != "integrity":
        found.append("the last cell must be the locked tests called 'integrity'")
    return [f"{name}: {words}" for words in found]
