"""``python -m helpers check``: what a lesson still lacks, as a notebook and in its place in the book."""

import re

import nbformat

from helpers.book import companions, pairs, rules
from helpers.book.lessons import Lesson, find, lessons, read
from helpers.book.template import TEMPLATE
from helpers.common import results
from helpers.common.places import BOOK

__all__ = ["flaws", "report"]

SIZE = 1.5e6


def report(names: list[str] = ()) -> tuple[list[str], bool]:
    """Return the lines that say what the lessons called ``names`` (none: all) lack, and whether they lack nothing."""
    lines, whole = [], True
    known = {lesson.name: rules.labels(read(lesson.py)) for lesson in lessons()}
    for lesson in find(list(names)):
        found = flaws(lesson, known)
        whole = whole and not found
        lines += [f"{lesson.name}: {words}" for words in found] or [f"{lesson.name} keeps the rules"]
    return lines, whole


def flaws(lesson: Lesson, labels: dict[str, set[str]]) -> list[str]:
    """Return what is wrong with a lesson, in sentences; nothing where it keeps all rules.

    ``labels`` are those of all lessons, by name: no two may share one.
    """
    master = read(lesson.py)
    found = rules.flaws(master) + _own(lesson, labels) + _known(master) + _stored(lesson) + _listed(lesson)
    if not lesson.name.startswith("00"):  # the first lesson is about the book
        found += companions.flaws(lesson.name[:2], lesson.py.read_text(encoding="utf-8"))
    return found


def _own(lesson, labels):
    """A lesson asks its own question, and no other has its labels."""
    found = []
    if lesson.header.get("question") == read(TEMPLATE).metadata["lesson"]["question"]:
        found.append("the question in the header is still that of the template")
    for other, theirs in labels.items():
        if other != lesson.name:
            found += [f"{other} has the label {label!r}, too" for label in sorted(labels[lesson.name] & theirs)]
    return found


def _known(master):
    """Words and references of a lesson stand in the glossary and the bibliography."""
    text = rules.prose(master)
    words = {re.sub(r".*<(.+)>$", r"\1", word) for word in re.findall(r"\{term\}`([^`]+)`", text)}
    cited = {key.strip() for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text) for key in keys.split(",")}
    glossary = {line.lower() for line in (BOOK / "glossary.md").read_text(encoding="utf-8").splitlines()}
    bibliography = re.findall(r"^@\w+\{([^,\s]+)", (BOOK / "references.bib").read_text(encoding="utf-8"), re.M)
    found = [f"book/glossary.md does not explain {word!r}" for word in sorted(words) if word.lower() not in glossary]
    return found + [f"book/references.bib has no entry {key!r}" for key in sorted(cited - set(bibliography))]


def _stored(lesson):
    """The committed notebook is the master with its outputs, small, and describes its pictures."""
    found = [words.removeprefix(f"{lesson.name}: ") for words in pairs.differences(lesson)]
    if not lesson.ipynb.exists():
        return found
    size = lesson.ipynb.stat().st_size
    if size > SIZE:
        found.append(f"{lesson.ipynb.name} has {size / 1e6:.1f} MB, {SIZE / 1e6:.1f} are the most")
    notebook = nbformat.read(lesson.ipynb, as_version=4)
    if "widgets" in notebook.metadata:
        found.append(f"{lesson.ipynb.name} holds the state of widgets; run `make notebooks`")
    for number, cell in enumerate(notebook.cells, 1):
        kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
        pictures = any(kind.startswith("image/") for kind in kinds)
        if pictures and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            found.append(f"cell {number} shows a picture without an alt text")
    return found


def _listed(lesson):
    """The contents name a lesson, and its quick time is recorded."""
    found = []
    if f"- file: notebooks/{lesson.name}\n" not in (BOOK / "_toc.yml").read_text(encoding="utf-8"):
        found.append(f"book/_toc.yml has no line `- file: notebooks/{lesson.name}`")
    recorded = results.read("times")["values"]["lessons"].get(lesson.name)
    stated = lesson.header.get("quick_cpu_s")
    if recorded is None:
        found.append("no quick time is recorded: run `python -m helpers bench times`")
    elif isinstance(stated, int | float) and abs(recorded - stated) > max(5, 0.5 * stated):
        found.append(f"quick_cpu_s in the header is {stated}, recorded are {recorded:.0f} s")
    return found
