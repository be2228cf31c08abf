"""Grade in one plain Python process, without nbgrader: what an answer gets, and what it is told."""

import contextlib
import io
import linecache
import re
from typing import NamedTuple

import matplotlib.pyplot as plt

from helpers.course import sources

__all__ = ["BLANK", "Mark", "Rehearsal"]

BLANK = "raise NotImplementedError()"


class Mark(NamedTuple):
    """What one graded cell gives: points of ``most``, and the words of the error where it fails."""

    points: float
    most: float
    message: str


class Rehearsal:
    """One assignment, executed with the reference solutions, cell by cell; ``reference`` holds its marks.

    ``try_answer`` puts other code in the place of one solution, everything before it being as in the reference.
    """

    def __init__(self, name: str, student_id: str = "reference"):
        self.notebook = sources.read(name)
        first = next(cell for cell in self.notebook.cells if cell.cell_type == "code")
        first.source = re.sub(r'STUDENT_ID = ".*?"', f'STUDENT_ID = "{student_id}"', first.source, count=1)
        self.tasks = sources.tasks(self.notebook)
        self.reference: dict[str, Mark] = {}
        self._before: dict[str, dict] = {}
        space = {"__name__": "__main__"}
        for cell in self.notebook.cells:
            if cell.cell_type != "code":
                continue
            kind, label = sources.role(cell), sources.identity(cell)
            if kind == "solution":
                self._before[label] = dict(space)
            if kind == "tests":
                self.reference[label] = self._mark(cell, space)
            else:
                words = _execute(cell.source, space, label or "free")
                if words:
                    raise RuntimeError(f"{name}: the cell {label or cell.source[:60]!r} fails: {words}")

    def try_answer(self, task: str, code: str) -> dict[str, Mark]:
        """Return the marks of the tests of a task when ``code`` stands in the place of its solution."""
        space = dict(self._before[task])
        went_wrong = _execute(code, space, task)
        marks, inside = {}, False
        for cell in self.notebook.cells:
            kind, label = sources.role(cell), sources.identity(cell)
            inside = label == task if kind == "solution" else inside
            if label in self.tasks[task]:
                marks[label] = self._mark(cell, space)
            elif inside and cell.cell_type == "code" and kind in ("free", "locked"):
                _execute(cell.source, space, label or "free")
        if went_wrong:
            marks = {label: mark._replace(message=f"{went_wrong}; {mark.message}") for label, mark in marks.items()}
        return marks

    def blank(self, task: str) -> dict[str, Mark]:
        """Return the marks of a task whose solution is left as it is released."""
        cell = next(cell for cell in self.notebook.cells if sources.identity(cell) == task)
        begin, end = (re.escape(mark) for mark in sources.SOLUTION)
        return self.try_answer(task, re.sub(rf"([ \t]*){begin}.*?{end}", rf"\1{BLANK}", cell.source, flags=re.DOTALL))

    def _mark(self, cell, space) -> Mark:
        most = float(cell.metadata.nbgrader["points"])
        words = _execute(cell.source, space, sources.identity(cell))
        return Mark(0.0 if words else most, most, words)


def _execute(source: str, space: dict, label: str) -> str:
    """Execute a cell; return "" or the name and words of its error. What it prints and draws is thrown away."""
    name = f"<{label}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, name, "exec"), space)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        plt.close("all")
    return ""
