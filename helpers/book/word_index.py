"""The index of the book: for each word of the glossary, the sections of the lessons that speak of it."""

import html
import re
import unicodedata
from collections.abc import Iterable

from helpers.book.executed import Lesson

__all__ = ["page", "words"]


def words(glossary: str) -> list[str]:
    """Return the words of a glossary page, in the order of the alphabet."""
    inside = re.search(r"```{glossary}\n(.*?)\n```", glossary, re.DOTALL)[1]
    found = [line for line in inside.splitlines() if line and not line.startswith((" ", ":"))]
    return sorted(found, key=str.casefold)


def page(lessons: Iterable[Lesson], glossary: str) -> str:
    """Return the page: each word, which leads to the glossary, with links to the sections where it occurs."""
    texts = [(lesson.name, *section) for lesson in lessons for section in _sections(lesson.notebook)]
    lines = []
    for word in words(glossary):
        whole = re.compile(rf"(?<![\w-]){re.escape(word)}(?:e?s)?(?![\w-])", re.IGNORECASE)
        places = [place[:3] for place in texts if whole.search(place[3])]
        numbered = {name for name, number, _ in places if number}
        links = dict.fromkeys(_link(*place) for place in places if place[1] or place[0] not in numbered)
        lines.append(f"- {{term}}`{word}`: {', '.join(links) or 'only in the glossary'}")
    note = "Every word of the [glossary](glossary.md), with the lessons and sections that speak of it."
    return "\n\n".join(["# Index", note, "\n".join(lines)]) + "\n"


def _sections(notebook: dict) -> Iterable[tuple[str, str, str]]:
    """Yield (number, title, text) of the sections of a notebook; number and title are "" where there is no number."""
    prose = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    for part in re.split(r"^## ", prose, flags=re.MULTILINE):
        title, _, text = part.partition("\n")
        number = re.match(r"(\d+)\. ", title)
        yield (number[1], title, " ".join(text.split())) if number else ("", "", " ".join(text.split()))


def _link(name: str, number: str, title: str) -> str:
    if not number:
        return f'<a href="../notebooks/{name}.html">{name[:2]}</a>'
    shown = html.escape(re.sub(r"^\d+\. ", "", title), quote=True)
    where = f"../notebooks/{name}.html#{_place(title)}"
    return f'<a href="{where}" title="{shown}">{name[:2]}&nbsp;§{number}</a>'


def _place(title: str) -> str:
    """Return the id that a heading gets on its page: its letters and digits with hyphens between, no number first."""
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-").lstrip("-0123456789")
