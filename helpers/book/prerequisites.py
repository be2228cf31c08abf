"""The map of prerequisites: which lesson stands on which, read from the sentence *You need* of each notebook."""

import html
import re
from collections.abc import Mapping

__all__ = ["chart", "needs"]

_ROW, _WIDTH, _EDGE, _DOT = 60, 92, 84, 4  # of the picture: a row, its width, where the dots stand, their radius
_LEAST, _PER_ROW = 14, 11.5  # how far an arc is pulled to the left


def needs(notebook: dict) -> tuple[list[str], list[str]]:
    """Return the names of the lessons that a notebook needs, and of those that help: what follows "Helpful:"."""
    prose = "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    found = re.search(r"\*\*You need\.\*\*(.*?)(?:\n\s*\n|\Z)", prose, re.DOTALL)
    needed, _, helpful = (found[1] if found else "").partition("Helpful:")
    return tuple(sorted(re.findall(r"\{doc\}`(\w+)`", part)) for part in (needed, helpful))


def chart(lessons: Mapping[str, tuple[str, dict]], up: str = "../") -> str:
    """Return the map as HTML: a row with link and words for each lesson, and arcs from the lessons it stands on.

    ``lessons`` maps each name to (title, notebook); lessons that are not among them are left out. ``up`` leads from
    the page to the folder that holds notebooks/.
    """
    order = {name: row for row, name in enumerate(lessons)}
    rows, arcs = [], []
    for name, (title, notebook) in lessons.items():
        needed, helpful = ([other for other in part if other in order] for part in needs(notebook))
        link = f'<a href="{up}notebooks/{name}.html">{_number(name)} {html.escape(title)}</a>'
        rows.append(f"<li>{link}<span>{_words(needed, helpful)}</span></li>")
        arcs += [_arc(order[other], order[name], "") for other in needed]
        arcs += [_arc(order[other], order[name], ' class="lsm-helps"') for other in helpful]
    dots = [f'<circle cx="{_EDGE}" cy="{_middle(row)}" r="{_DOT}"/>' for row in order.values()]
    label = "Arcs lead from each lesson down to those that need it. The lines beside say the same in words."
    size = f'viewBox="0 0 {_WIDTH} {_ROW * len(order)}" style="height: {_ROW * len(order) / 16}rem"'
    picture = f'<svg role="img" aria-label="{label}" {size}>{"".join(arcs + dots)}</svg>'
    return "\n".join(['<div class="lsm-map">', picture, "<ul>", *rows, "</ul>", "</div>"])


def _words(needed: list[str], helpful: list[str]) -> str:
    words = f"needs {_listed(needed)}" if needed else "needs no other lesson"
    return words + (f"; {_listed(helpful)} helps" if helpful else "")


def _listed(names: list[str]) -> str:
    return ", ".join(map(_number, names))


def _number(name: str) -> str:
    return name.partition("_")[0]


def _middle(row: int) -> float:
    return (row + 0.5) * _ROW


def _arc(first: int, last: int, kind: str) -> str:
    """Return an arc from the dot of a row to that of a later one, and the head of its arrow."""
    pull, (start, stop) = _LEAST + _PER_ROW * (last - first), (_middle(first), _middle(last))
    far, end = _EDGE - pull, _EDGE - _DOT - 2
    curve = f"M{_EDGE} {start}C{far:g} {start} {far:g} {stop} {end} {stop}"
    return f'<path{kind} d="{curve}"/><path d="M{end - 6} {stop - 4}L{end} {stop}L{end - 6} {stop + 4}"/>'
