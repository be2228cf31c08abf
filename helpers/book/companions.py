"""The three pages beside a lesson, and the form of each: the cheat-sheet, the quiz, the page for teachers."""

import re
from collections.abc import Callable

from helpers.common.places import BOOK

__all__ = ["PAGES", "flaws", "questions"]

HEADINGS = ["Prerequisites", "Minutes", "Misconceptions", "Discussion", "Marking"]


def flaws(number: str, master: str) -> list[str]:
    """Return what is wrong with the pages beside lesson ``number``, whose master reads ``master``, in sentences."""
    contents = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    found = []
    for kind, rule in PAGES.items():
        page = f"book/{kind}/{number}"
        if f"- file: {page}\n" not in contents:
            found.append(f"book/_toc.yml has no line `- file: {page}`")
        path = BOOK / kind / f"{number}.md"
        if not path.is_file():
            found.append(f"there is no page {page}.md")
            continue
        found += [f"{page}.md: {words}" for words in rule(number, path.read_text(encoding="utf-8"), master)]
    return found


def questions(quiz: str) -> list[list[tuple[str, str]]]:
    """Return the questions of a quiz, each a list of answers: their words and what is said to them."""
    parts = re.split(r"^## ", quiz, flags=re.M)[1:]
    return [re.findall(r"^:::\{dropdown\} (.+?)\n(.+?)^:::$", part, re.M | re.S) for part in parts]


def _title(text, start):
    return [] if text.startswith(start) else [f"the title does not begin with `{start}`"]


def _cheatsheet(number, text, _master):
    found = _title(text, f"# Cheat-sheet {number}: ")
    n_formulas = len(re.findall(r"(?<!\$)\$(?!\$)[^$]+\$|\$\$.+?\$\$", text, re.S))
    if n_formulas < 6:
        found.append(f"at least 6 formulas are wanted, found {n_formulas}")
    return found if "`" in text else [*found, "no name of helpers stands in it"]


def _quiz(number, text, _master):
    found, asked = _title(text, f"# Quiz {number}: "), questions(text)
    if len(asked) < 3:
        found.append(f"at least 3 questions are wanted, found {len(asked)}")
    for at, answers in enumerate(asked, 1):
        words = [answer for answer, _ in answers]
        n_right = sum(said.lstrip().startswith("Right.") for _, said in answers)
        if len(answers) < 3:
            found.append(f"question {at} has {len(answers)} answers, at least 3 are wanted")
        if len(set(words)) < len(words):
            found.append(f"question {at} has the same answer twice")
        if n_right != 1:
            found.append(f"question {at} has {n_right} answers that begin with `Right.`, one is wanted")
        if not all(re.search(r"\w", re.sub(r"\$[^$]*\$", "", answer)) for answer in words):
            found.append(f"question {at} has an answer that is only a formula: add a word, it is the name of a button")
        if not all(len(said.split()) >= 8 for _, said in answers):
            found.append(f"question {at} has an answer that is explained in less than 8 words")
    return found


def _teaching(number, text, master):
    found = _title(text, f"# Teaching lesson {number}: ")
    if re.findall(r"^## (.+)$", text, re.M) != HEADINGS:
        found.append(f"the headings are not {', '.join(HEADINGS)}")
    figures = set(re.findall(r"\{numref\}`(?:[^`<]*<)?(fig-[\w-]+)>?`", text))
    if len(figures) < 3:
        found.append(f"at least 3 misconceptions, each with the figure that cures it, are wanted, found {len(figures)}")
    found += [f"the lesson has no figure {name}" for name in sorted(figures) if f'"name": "{name}"' not in master]
    cell = r"\s*(\d*)[^|\d]*\|"
    rows = re.findall(rf"^\|[^|]*\|{cell}{cell}{cell}\s*$", text, re.M)
    minutes = sum(int(x) for row in rows for x in row if x)
    if not 40 <= minutes <= 190:  # the parts, and perhaps their sum
        found.append(f"the table of minutes adds up to {minutes}, 40 to 95 are wanted")
    return found


PAGES: dict[str, Callable[[str, str, str], list[str]]] = {
    "cheatsheets": _cheatsheet,
    "quizzes": _quiz,
    "instructor": _teaching,
}
