"""The table of lessons in the README: written from the lessons and the recorded times, never by hand."""

import re

from helpers.book.lessons import Lesson, lessons, read
from helpers.common import atomic, results
from helpers.common.places import ROOT

__all__ = ["README", "refresh", "table"]

README = ROOT / "README.md"
FIRST, LAST = "<!-- lessons -->\n\n", "\n<!-- end of lessons -->\n"


def table() -> str:
    """Return the table of lessons as Markdown, one row per lesson in reading order."""
    seconds = results.read("times")["values"]["lessons"]
    rows = ["| Notebook | You learn | Quick time | Full time |", "|---|---|---|---|"]
    for lesson in lessons():
        quick = f"{seconds[lesson.name]:.0f} s" if lesson.name in seconds else "not recorded"
        link = f"[{lesson.name[:2]} {lesson.header['title']}](notebooks/{lesson.name}.ipynb)"
        rows.append(f"| {link} | {_learned(lesson)} | {quick} | {lesson.header['full']} |")
    return "\n".join(rows) + "\n"


def refresh() -> None:
    """Write the table between its two marks in README.md; ValueError where a mark is missing."""
    text = README.read_text(encoding="utf-8")
    if text.count(FIRST) != 1 or text.count(LAST) != 1:
        raise ValueError(f"README.md must hold the lines {FIRST.strip()} and {LAST.strip()} once each")
    before, rest = text.split(FIRST)
    atomic.write_text(README, before + FIRST + table() + LAST + rest.split(LAST)[1])


def _learned(lesson: Lesson) -> str:
    """Return the first sentence of the paragraph *You will learn* of a lesson."""
    text = "\n".join(cell.source for cell in read(lesson.py).cells if cell.cell_type == "markdown")
    found = re.search(r"\*\*You will learn\.\*\*\s+(.+?[.?])(?=\s|$)", text)
    if not found:
        raise ValueError(f"{lesson.name} has no paragraph '**You will learn.** ...'")
    return found[1]
