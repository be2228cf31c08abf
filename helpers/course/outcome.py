"""Put what was told of an executed notebook back into it, and an error into every cell that was not run.

nbgrader gives full marks to a silent cell.
"""

import contextlib
import json
from pathlib import Path

import nbformat

from helpers.course import execute

__all__ = ["collect", "fail"]


def collect(notebook, told: Path, ended: str) -> dict:
    """Put what ``run_notebook`` told into a notebook; return what else it told: "died", "words", "sound", "twice".

    A cell that was not run gets an error that says so; ``ended`` is how the cage ended. A cell told "twice" was told
    by someone else, too.
    """
    seen, rest = {}, {"twice": False}
    for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):  # the last line may be cut
            record = json.loads(line)
            if "cell" in record:
                rest["twice"] |= record["cell"] in seen
                seen[record["cell"]] = [nbformat.from_dict(output) for output in record["outputs"]]
            else:
                rest |= {key: record[key] for key in ("died", "words", "sound") if key in record}
    why = {"too long": "the notebook ran too long and was ended"}.get(ended, "the kernel was gone")
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs = seen.get(index, [])
        if index == rest.get("died"):
            cell.outputs = [_error("Died", rest["words"])]
        elif index in seen:
            cell.execution_count = 1 + sum(i < index for i in seen)
        elif cell.source.strip():
            cell.outputs = [_error("NotRun", f"this cell was not run, because {why}")]
    nbformat.validate(notebook)
    return rest


def fail(notebook, name: str, words: str, graded_only: bool = False) -> None:
    """Put an error into every cell of code, or only into those that give points."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (not graded_only or cell.metadata.get("nbgrader", {}).get("grade")):
            cell.outputs = [*cell.outputs, _error(name, words)]


def _error(name: str, words: str):
    return nbformat.from_dict(execute.error(name, words))
