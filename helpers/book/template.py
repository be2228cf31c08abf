"""The template lesson: the smallest one that keeps every rule. A new lesson begins as its copy."""

import json
import re
from pathlib import Path

from helpers.book.lessons import lessons
from helpers.common import atomic
from helpers.common.places import NOTEBOOKS

__all__ = ["NEXT", "TEMPLATE", "new"]

TEMPLATE = NOTEBOOKS / "template" / "lesson.py"
TITLE = "Count photons"
NEXT = """\
Write your lesson over its words, then
  python -m helpers run {number}       run it
  make notebooks NAME={number}         write the .ipynb with its outputs
  python -m helpers check {number}     see what is still missing
CONTRIBUTING.md leads through the hour."""


def new(name: str, title: str) -> Path:
    """Copy the template to ``notebooks/NAME.py`` under ``title`` and return its path; nothing is ever replaced.

    ValueError for a name unlike ``10_verb_or_subject``, a number that is taken, or a title that is no line of words.
    """
    if not re.fullmatch(r"\d\d(_[a-z0-9]+)+", name):
        raise ValueError(f"name must be two digits and lower-case words, such as 10_count_photons, got {name!r}")
    if not title.strip() or len(title.splitlines()) != 1:
        raise ValueError(f"title must be one line of words, got {title!r}")
    taken = {lesson.name[:2]: lesson.name for lesson in lessons()}
    if name[:2] in taken:
        free = next(number for number in (f"{n:02d}" for n in range(100)) if number not in taken)
        raise ValueError(f"number {name[:2]} is taken by {taken[name[:2]]}; {free} is free")
    text = TEMPLATE.read_text(encoding="utf-8")
    text = text.replace(f"title: {TITLE}\n", f"title: {json.dumps(title.strip(), ensure_ascii=False)}\n", 1)
    text = text.replace(f"# # {TITLE}\n", f"# # {title.strip()}\n", 1)
    return atomic.write_text(NOTEBOOKS / f"{name}.py", text)
