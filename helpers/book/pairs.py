"""The two faces of a lesson: the ``.py`` is the master, the ``.ipynb`` carries its outputs. Keep them one."""

import os

import nbformat

from helpers.book.lessons import Lesson, code_hash, find, lessons, read
from helpers.book.runner import run
from helpers.common import atomic
from helpers.common.places import BUILD, NOTEBOOKS

__all__ = ["COMMITTED", "check", "differences", "refresh", "run_without_data"]

COMMITTED = BUILD / "committed"


def differences(lesson: Lesson) -> list[str]:
    """Return what keeps the pair of a lesson from agreeing, in words; an empty list where it agrees."""
    if not lesson.ipynb.exists():
        return [f"{lesson.name}: there is no {lesson.ipynb.name}; run `make notebooks`"]
    master, paired = read(lesson.py), nbformat.read(lesson.ipynb, as_version=4)
    found = []
    ours, theirs = [[_face(cell) for cell in notebook.cells] for notebook in (master, paired)]
    if ours != theirs:
        place = next(
            (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
        )
        found.append(f"{lesson.name}: cell {place + 1} differs between .py and .ipynb; run `make notebooks`")
    if paired.metadata.get("code_sha256") != code_hash(master):
        found.append(f"{lesson.name}: the outputs belong to other code; run `make notebooks`")
    return found


def _face(cell: nbformat.NotebookNode) -> tuple:
    """Return what a cell must have in common with its other face: type, source, tags, and caption and alt text."""
    return cell.cell_type, cell.source.strip(), cell.metadata.get("tags", []), cell.metadata.get("mystnb", {})


def check() -> int:
    """Return how many pairs agree; RuntimeError with one line per disagreement, also for a face without its other."""
    everything = lessons()
    wrong = [message for lesson in everything for message in differences(lesson)]
    masters = {lesson.name for lesson in everything}
    wrong += [f"{path.name} has no .py" for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem not in masters]
    if wrong:
        raise RuntimeError("\n".join(wrong))
    return len(everything)


def run_without_data(names: list[str] = (), force: bool = False) -> None:
    """Run lessons into ``COMMITTED`` as on a machine without the real data sets.

    What a recording shows is its owner's and not ours to commit, and the times are those of a fresh clone.
    """
    os.environ.pop("HELPERS_DATA_MIRROR", None)
    os.environ["HELPERS_DATA_CACHE"] = str(BUILD / "no-data")
    run(list(names), force=force, into=COMMITTED)


def refresh(names: list[str] = ()) -> int:
    """Run lessons without real data and write their committed notebooks: outputs in, widget state and metadata out."""
    run_without_data(names)
    chosen = find(list(names))
    for lesson in chosen:
        notebook = nbformat.read(COMMITTED / lesson.name / f"{lesson.name}.ipynb", as_version=4)
        nbformat_text = nbformat.writes(_clean(notebook, read(lesson.py)))
        atomic.write_text(lesson.ipynb, nbformat_text.rstrip("\n") + "\n")
        print(f"{lesson.name}.ipynb: {lesson.ipynb.stat().st_size / 1024:.0f} kB")
    return len(chosen)


def _clean(executed: nbformat.NotebookNode, master: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the master's cells with the outputs of the executed copy and nothing of the run itself."""
    cells = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    if len(cells) != len(master.cells):
        raise RuntimeError("the executed copy has other cells than the master; run again with --force")
    for index, (cell, done) in enumerate(zip(master.cells, cells, strict=True)):
        cell["id"] = f"cell-{index:03d}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
    master.metadata["code_sha256"] = code_hash(master)
    master.metadata["language_info"] = {"name": "python"}
    master.nbformat, master.nbformat_minor = 4, 5
    return master
