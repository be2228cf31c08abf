"""What a student handed in: found, read, and set into the frame of the release.

Only answers, written or coded, and free cells are taken from it. Every cell that the release locks comes from the
release, in its order and with its metadata, so nothing that grades can be edited, moved, copied or deleted.
"""

import ast
import copy
import re
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.course import sources, students

__all__ = ["Submission", "find", "read", "student_ids"]

MOST_BYTES = 20_000_000


class Submission(NamedTuple):
    """A notebook to be graded, what there is to say about it, and why it gets no automatic marks ("" if it does)."""

    notebook: nbformat.NotebookNode
    flags: list[str]
    refusal: str


def student_ids(submissions: Path) -> list[str]:
    """Return the names of the students' folders; ValueError if there is none."""
    submissions = Path(submissions)
    found = sorted(path.name for path in submissions.glob("*") if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise ValueError(f"{submissions} must be a folder with one folder for each student")
    return found


def find(submissions: Path, student: str, assignment: str) -> bytes | None:
    """Return the file ``STUDENT/aNN.ipynb`` or ``STUDENT/aNN/aNN.ipynb``, None if neither is a plain file."""
    home = (Path(submissions) / student).resolve()
    for path in (home / f"{assignment}.ipynb", home / assignment / f"{assignment}.ipynb"):
        if path.is_file() and path.resolve().is_relative_to(home) and path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
    return None


def read(content: bytes | None, student: str, release) -> Submission:
    """Return what there is to grade; the blank release where there is nothing, or nothing that can be read."""
    if content is None:
        return _nothing(release, f"missing: no notebook of at most {MOST_BYTES // 1_000_000} MB was handed in")
    try:
        handed_in = nbformat.reads(content.decode(), as_version=4)
        nbformat.validate(handed_in)
    except Exception as error:  # whatever a student's file does to a reader
        words = (str(error).splitlines() or [""])[0][:80]
        return _nothing(release, f"not a notebook: {words or type(error).__name__}")
    notebook, flags = _frame(handed_in, release)
    refusal = _wrong_id(notebook, student)
    return Submission(notebook, [*([refusal] if refusal else []), *flags], refusal)


def _nothing(release, refusal: str) -> Submission:
    return Submission(copy.deepcopy(release), [refusal], refusal)


def _frame(handed_in, release) -> tuple[nbformat.NotebookNode, list[str]]:
    """Return the release with a student's answers and free cells in it, and what was changed that is locked."""
    locked = {sources.identity(cell): cell for cell in release.cells if sources.role(cell) != "free"}
    theirs, free, place = {}, {"": []}, ""
    for cell in handed_in.cells:
        label = sources.identity(cell)
        if label in locked:
            theirs[label], place = cell, label  # of two copies the last counts, as in nbgrader
            free.setdefault(label, [])
        elif cell.cell_type in ("code", "markdown"):
            free[place].append(_fresh(cell, cell.source))
    flags = [f"missing cell: {label}" for label in locked if label not in theirs]
    cells = [*free[""]]
    for label, cell in locked.items():
        answer = sources.role(cell) in ("solution", "written")
        if label in theirs and not answer and theirs[label].source.strip() != cell.source.strip():
            flags.append(f"edited: {label}")
        cells.append(_fresh(theirs[label] if answer and label in theirs else cell, like=cell))
        cells += free.get(label, [])
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(release.metadata))
    return notebook, flags


def _fresh(cell, source: str | None = None, like=None):
    """Return a cell with the source of one, and the kind and metadata of another, and nothing else."""
    like = like if like is not None else nbformat.from_dict({"cell_type": cell.cell_type, "metadata": {}})
    new = nbformat.v4.new_code_cell if like.cell_type == "code" else nbformat.v4.new_markdown_cell
    made = new(cell.source if source is None else source, metadata=copy.deepcopy(like.metadata))
    if like.cell_type == "markdown" and cell.get("attachments"):
        made["attachments"] = cell["attachments"]
    return made


def _wrong_id(notebook, student: str) -> str:
    """Return what is wrong with STUDENT_ID, which one cell must set, once, to the name of the folder."""
    values = [value for cell in notebook.cells if cell.cell_type == "code" for value in _ids(cell.source)]
    if values != [student]:
        said = repr(values[0]) if len(values) == 1 and values[0] else f"set {len(values)} times or not to a plain name"
        return f"wrong STUDENT_ID: it is {said}, the folder is {student!r}"
    try:
        students.check_id(student)
    except ValueError as error:
        return f"wrong STUDENT_ID: {error}"
    return ""


def _ids(source: str) -> list[str | None]:
    """Return what a cell sets STUDENT_ID to, read without running it; None for what is not simply a text."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [None] * len(re.findall(r"\bSTUDENT_ID\s*=(?!=)", source))
    plain = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)]
    values = {id(node.targets[0]): node.value.value for node in plain if isinstance(node.value.value, str)}
    bound = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    return [values.get(id(node)) for node in bound if node.id == "STUDENT_ID"]
