"""The marks of a class, read from nbgrader's gradebook, with the flags of the grading beside them."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.common import atomic
from helpers.course import classroom, grading, sources

__all__ = ["Marks", "export", "read"]


class Marks(NamedTuple):
    """The marks of one student in one assignment; ``written`` is None until it is marked by hand."""

    student: str
    assignment: str
    tasks: dict[str, float]
    written: float | None
    most: float
    flags: list[str]

    @property
    def automatic(self) -> float:
        """The sum over the tasks; a mark changed by hand counts as changed."""
        return sum(self.tasks.values())

    @property
    def total(self) -> float:
        """All marks that are given until now."""
        return self.automatic + (self.written or 0.0)


def read(course: Path = classroom.COURSE, assignment: str | None = None) -> list[Marks]:
    """Return the marks of all submissions of a class that were graded, or of one assignment."""
    known = sorted(path.name for path in (Path(course) / "graded").glob("*"))
    chosen = [name for name in known if assignment in (None, name)]
    if not chosen:
        raise ValueError(f"nothing of {assignment or 'any assignment'} is graded in {course}; autograde it first")
    with classroom.gradebook(course) as book:
        return [
            _marks(book, course, graded) for name in chosen for graded in grading.records(Path(course), name).values()
        ]


def _marks(book, course, graded) -> Marks:
    from nbgrader.api import MissingEntry

    name = graded.assignment
    master = nbformat.read(Path(course) / "source" / name / f"{name}.ipynb", as_version=4)
    try:
        if any(flag.startswith("not graded") for flag in graded.flags):
            raise MissingEntry
        grades = {grade.name: grade for grade in book.find_submission_notebook(name, name, graded.student).grades}
    except MissingEntry:
        grades = {}
    scores = {label: grade.score for label, grade in grades.items()}
    tasks = {task: sum(scores.get(test, 0.0) for test in tests) for task, tests in sources.tasks(master).items()}
    (question,) = [sources.identity(cell) for cell in master.cells if sources.role(cell) == "written"]
    open_question = question in grades and grades[question].manual_score is None and grades[question].auto_score is None
    written = None if open_question else scores.get(question, 0.0)
    return Marks(graded.student, name, tasks, written, sum(sources.points(master).values()), graded.flags)


def export(course: Path, path: Path) -> Path:
    """Write the marks of a class as CSV: a row for each student and assignment, a column for each task.

    ``written`` is empty while it is not marked by hand; ``total`` counts it as nothing until then.
    """
    rows = read(course)
    tasks = list(dict.fromkeys(task for row in rows for task in row.tasks))
    page = io.StringIO()
    table = csv.writer(page, lineterminator="\n")
    table.writerow(["student", "assignment", *tasks, "automatic", "written", "total", "most", "flags"])
    for row in rows:
        given = [row.tasks.get(task) for task in tasks]
        numbers = [_number(value) for value in (*given, row.automatic, row.written, row.total, row.most)]
        flags = "; ".join(" ".join(flag.split()) for flag in row.flags)
        table.writerow([row.student, row.assignment, *numbers, flags])
    return atomic.write_text(Path(path), page.getvalue())


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
