"""Releases: the masters without solutions and hidden tests, made by nbgrader, checked for leaks."""

import re
import tempfile
import zipfile
from pathlib import Path

import nbformat

from helpers.common import atomic
from helpers.common.places import NOTEBOOKS
from helpers.course import sources
from helpers.course.classroom import prepare
from helpers.course.rehearsal import BLANK

__all__ = ["RELEASES", "bundle", "leaks", "release"]

RELEASES = NOTEBOOKS / "assignments" / "release"
ANSWER = "YOUR ANSWER HERE"
SHORT = 12  # a stripped line up to this length betrays nothing
MARKS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")


def release(names: list[str] | None = None, into: Path = RELEASES) -> list[Path]:
    """Make the releases of assignments, of all by default, as ``into/NAME/NAME.ipynb``; return their paths.

    Raises ValueError with one line for each flaw of a master or leak of a release, and then writes nothing.
    """
    names = list(names or sources.assignments())
    if not names:
        raise ValueError(f"there are no assignments in {sources.MASTERS}")
    flaws = [flaw for name in names for flaw in sources.flaws(name)]
    if flaws:
        raise ValueError("\n".join(flaws))
    made = {}
    with tempfile.TemporaryDirectory() as course:
        for name in names:
            notebook = nbformat.read(prepare(name, Path(course)), as_version=4)
            flaws += [f"{name}: {leak}" for leak in leaks(sources.read(name), notebook)]
            made[name] = nbformat.writes(notebook) + "\n"
    if flaws:
        raise ValueError("\n".join(flaws))
    return [atomic.write_text(Path(into) / name / f"{name}.ipynb", text) for name, text in made.items()]


def leaks(master, released) -> list[str]:
    """Return what a released notebook tells that it should not, or lacks, in words; nothing where it is clean."""
    cells = {sources.identity(cell): cell for cell in released.cells}
    text = "\n".join(cell.source for cell in released.cells)
    found = [f"the mark {mark[0]!r} is left" for mark in MARKS.finditer(text)]
    found += [f"a secret line is left: {line!r}" for line in _secrets(master) if line in text]
    for cell in master.cells:
        kind, label = sources.role(cell), sources.identity(cell)
        if label and label not in cells:
            found.append(f"the cell {label!r} is missing")
        elif kind == "solution" and BLANK not in cells[label].source:
            found.append(f"{label!r} has no stub")
        elif kind == "written" and cells[label].source != ANSWER:
            found.append(f"the written question {label!r} is not blank")
    if any(cell.get("outputs") or cell.get("execution_count") for cell in released.cells):
        found.append("outputs are left")
    return found


def _secrets(master) -> list[str]:
    """Return the lines that stand only between marks, or only in the model answer."""
    hidden, plain = [], []
    for cell in master.cells:
        if sources.role(cell) == "written":
            hidden += cell.source.splitlines()
            continue
        inside = False
        for line in cell.source.splitlines():
            mark = MARKS.search(line)
            inside = mark[1] == "BEGIN" if mark else inside
            (hidden if inside else plain).append("" if mark else line)
    known = "\n".join(plain)
    lines = dict.fromkeys(line.strip() for line in hidden)
    return [line for line in lines if len(line) > SHORT and line not in known]


def bundle(path: Path, folder: Path = RELEASES) -> Path:
    """Pack the releases that lie in a folder into one zip, with the same bytes every time.

    Raises ValueError if one is missing.
    """
    names = sources.assignments()
    missing = [name for name in names if not (Path(folder) / name / f"{name}.ipynb").is_file()]
    if missing or not names:
        raise ValueError(f"no release of {', '.join(missing) or 'anything'} in {folder}; release the assignments first")

    def fill(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
            for name in names:
                inside = zipfile.ZipInfo(f"assignments/{name}/{name}.ipynb", (1980, 1, 1, 0, 0, 0))
                inside.external_attr = 0o644 << 16
                inside.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(inside, (Path(folder) / name / f"{name}.ipynb").read_bytes())

    return atomic.write(Path(path), fill)
