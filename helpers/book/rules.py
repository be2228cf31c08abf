"""The rules that the notebook of a lesson keeps. Each returns sentences on what is wrong, none where it is kept."""

import ast
import re
from collections.abc import Iterator

import nbformat

from helpers.book.lessons import parameters

__all__ = ["flaws", "labels", "prose"]

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
HEADER = ("title", "question", "quick_cpu_s", "full")
OPENING = ("The question", "You will do", "You will learn", "You need", "Time")
QUICK_S, LINES, EXERCISES, ALT = 90, 25, 3, 30
DRAWS = r"\bplt\.show\(|plotting\.figure\(|plt\.subplots\("
EXERCISE = r"^`{3,}\{exercise\}.*\n:label: (\S+)"
SOLUTION = r"^`{3,}\{solution(?:-start)?\} (\S+)\n:class: dropdown"


def flaws(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what is wrong with the master of a lesson, in sentences; nothing where it keeps all rules."""
    rules = (_header, _opening, _parameters, _code, _summary, _exercises, _figures)
    return [sentence for rule in rules for sentence in rule(notebook)]


def prose(notebook: nbformat.NotebookNode) -> str:
    """Return the text cells of a notebook as one text."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def labels(notebook: nbformat.NotebookNode) -> set[str]:
    """Return the names by which pages refer to the formulas, exercises and figures of a lesson."""
    figures = {_about(cell).get("figure", {}).get("name") for _, cell in _cells(notebook)}
    return (set(re.findall(r"^:(?:label|name): (\S+)", prose(notebook), re.M)) | figures) - {None}


def _cells(notebook) -> Iterator[tuple[int, nbformat.NotebookNode]]:
    """Yield the cells of code with their numbers among all cells, counted from 1."""
    return ((number, cell) for number, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code")


def _about(cell):
    return cell.metadata.get("mystnb", {})


def _header(notebook):
    lesson = notebook.metadata.get("lesson", {})
    found = [f"the lesson block of the header lacks {key!r}" for key in HEADER if not lesson.get(key)]
    if dict(notebook.metadata.get("kernelspec", {})) != KERNEL:
        found.append("the kernel in the header is not that of the template")
    seconds = lesson.get("quick_cpu_s")
    if seconds and not (isinstance(seconds, int | float) and 0 < seconds <= QUICK_S):
        found.append(f"quick_cpu_s in the header must be above 0 and at most {QUICK_S}, it is {seconds!r}")
    return found


def _opening(notebook):
    first = notebook.cells[0].source if notebook.cells else ""
    places = {mark: first.find(f"**{mark}.**") for mark in OPENING}
    found = [] if re.match(r"# \S", first) else ["the first cell does not begin with a title, `# ...`"]
    found += [f"the first cell lacks **{mark}.**" for mark, place in places.items() if place < 0]
    if -1 not in places.values() and list(places.values()) != sorted(places.values()):
        found.append(f"the first cell does not keep the order {', '.join(OPENING)}")
    return found


def _parameters(notebook):
    try:
        values = list(parameters(notebook).items())
    except (ValueError, SyntaxError) as error:
        return [f"the cell of parameters cannot be read: {error}"]
    if values[:2] != [("PROFILE", "quick"), ("SEED", 0)]:
        return ['the cell of parameters does not begin with PROFILE = "quick" and SEED = 0']
    return []


def _code(notebook):
    found, called, live = [], set(), set()
    for number, cell in _cells(notebook):
        n_lines = len(cell.source.splitlines())
        if n_lines > LINES:
            found.append(f"cell {number} has {n_lines} lines of code, {LINES} are the most")
        try:
            nodes = list(ast.walk(ast.parse(cell.source)))
        except SyntaxError as error:
            found.append(f"cell {number} is no Python: {error.msg}")
            continue
        called |= {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".widgets"):
                live |= {alias.name for alias in node.names if alias.name[0].isupper()}
    found += [] if "claim" in called else ["no number is compared with a bound: there is no claim(...)"]
    found += [] if called & live else ["no live figure of a module `widgets` is shown"]
    return found


def _summary(notebook):
    return [] if re.search(r"^## Summary$", prose(notebook), re.M) else ["there is no section `## Summary`"]


def _exercises(notebook):
    text = prose(notebook)
    asked, solved = re.findall(EXERCISE, text, re.M), re.findall(SOLUTION, text, re.M)
    found = []
    if len(set(asked)) < EXERCISES:
        found.append(f"at least {EXERCISES} exercises are wanted, found {len(set(asked))}")
    found += [f"two exercises are called {name!r}" for name in sorted(set(asked)) if asked.count(name) > 1]
    found += [f"the exercise {name!r} has no folded solution" for name in sorted(set(asked) - set(solved))]
    found += [f"the solution of {name!r} belongs to no exercise" for name in sorted(set(solved) - set(asked))]
    found += [f"the exercise {name!r} has two solutions" for name in sorted(set(solved)) if solved.count(name) > 1]
    return found


def _figures(notebook):
    found, names = [], []
    for number, cell in _cells(notebook):
        if not re.search(DRAWS, cell.source):
            continue
        image, figure = (_about(cell).get(key, {}) for key in ("image", "figure"))
        names.append(figure.get("name", ""))
        if len(image.get("alt", "")) < ALT:
            found.append(f"the figure of cell {number} has no alt text of at least {ALT} characters")
        if not figure.get("caption"):
            found.append(f"the figure of cell {number} has no caption")
        if not re.fullmatch(r"fig-[a-z0-9-]+", names[-1]):
            found.append(f"the figure of cell {number} has no name such as fig-photon-mean")
    found += [f"two figures are called {name!r}" for name in sorted(set(names) - {""}) if names.count(name) > 1]
    return found if names else ["there is no figure"]
