"""Executed lessons: their notebooks with what they measured, and each as the book shows it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from helpers.book import real_data, tables
from helpers.common.places import RESULTS

__all__ = ["Lesson", "anchor", "page", "read_lessons"]


@dataclass(frozen=True)
class Lesson:
    """One executed notebook with what it measured."""

    name: str
    notebook: dict
    claims: list[dict] = field(default_factory=list)
    run: dict = field(default_factory=dict)

    @property
    def about(self) -> dict:
        """The ``lesson`` entry of the notebook's metadata: title, question, quick_cpu_s, full, ..."""
        return self.notebook["metadata"].get("lesson") or {}

    @property
    def title(self) -> str:
        """The lesson's title, or its file name where it has none."""
        return self.about.get("title") or self.name

    @property
    def quick_cpu_s(self) -> float | None:
        """CPU seconds of the run that made these pages, or what the notebook states."""
        return self.run.get("cpu_s") or self.about.get("quick_cpu_s")


def read_lessons(executed: Path) -> list[Lesson]:
    """Return the executed lessons below ``executed``, in the order of their names; none at all is an error.

    A run that failed or broke off leaves a notebook but no run.json: it does not count.
    """
    runs = sorted(Path(executed).glob("*/run.json"))
    if not runs:
        raise ValueError("no executed notebook: run `python -m helpers book`, which executes them first")
    return [_read_lesson(path.parent, tables.read_json(path)) for path in runs]


def _read_lesson(folder: Path, run: dict) -> Lesson:
    return Lesson(
        folder.name,
        tables.read_json(folder / f"{folder.name}.ipynb"),
        tables.read_json(folder / "claims.json", []),
        run,
    )


def anchor(claim: str) -> str:
    """Return the id of the place on a lesson's page where a claim is made."""
    return f"claim-{claim}"


def page(lesson: Lesson) -> dict:
    """Return the notebook as the book shows it: without traces of the run, with a place to link to at every claim.

    The last cell says which commands make the page again.
    """
    cells, names = [], [claim["name"] for claim in lesson.claims]
    for cell in lesson.notebook["cells"]:
        if "injected-parameters" in cell["metadata"].get("tags", []):
            continue
        made = [name for name in _told(cell) if name in names]
        if made:
            places = "".join(f'<div id="{anchor(name)}"></div>' for name in made)
            cells.append(_text(f"claims-{len(cells)}", places))
        cells.append({**cell, "metadata": _without(cell["metadata"], "papermill", "execution")})
    cells.append(_text("again", _again(lesson)))
    return {**lesson.notebook, "cells": cells, "metadata": _without(lesson.notebook["metadata"], "papermill")}


def _told(cell: dict) -> list[str]:
    """Return the names of the claims that the outputs of a cell tell of."""
    texts = ["".join(output.get("text", "")) for output in cell.get("outputs", [])]
    return re.findall(r"^claim ([a-z0-9-]+) (?:holds|explored|skipped)", "\n".join(texts), re.MULTILINE)


def _again(lesson: Lesson) -> str:
    """Return the note on how every figure and number of a page is made again."""
    code = "".join("".join(cell["source"]) + "\n" for cell in lesson.notebook["cells"] if cell["cell_type"] == "code")
    wanted = [re.sub(r"{.*?}", "*", name) for name in re.findall(r'results\.read\(f?"([^"]+)"', code)]
    wanted += [real_data.NAME] if any("recorded" in claim for claim in lesson.claims) else []
    paths = dict.fromkeys(path for name in wanted for path in sorted(RESULTS.glob(f"{name}.json")))
    commands = dict.fromkeys(tables.read_json(path)["command"] for path in paths)
    note = f"Every figure and number on it: `python -m helpers run {lesson.name[:2]} --force`."
    if commands:
        note += f" The results called *recorded* take longer: {', '.join(f'`{command}`' for command in commands)}."
    return f":::{{admonition}} Make this page again\n:class: tip\n{note}\n:::"


def _text(name: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}


def _without(mapping: dict, *keys: str) -> dict:
    return {key: value for key, value in mapping.items() if key not in keys}
