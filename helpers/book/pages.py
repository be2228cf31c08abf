"""Pages made from what was measured: the scoreboard, the speeds, the data cards, the tables of lessons and of bugs."""

import csv
import re
from itertools import groupby
from pathlib import Path

from helpers.book import prerequisites, speeds, tables, word_index
from helpers.book.executed import Lesson
from helpers.book.scoreboard import scoreboard
from helpers.common import atomic
from helpers.common.places import DATA, RESULTS

__all__ = ["bug_table", "condition_table", "data_cards", "lesson_table", "write"]

MARK = "<!-- lessons -->"
BUGS = "<!-- planted bugs -->"
MAP = "<!-- prerequisites -->"
CONDITIONS = "<!-- conditions -->"


def write(book: Path, lessons: list[Lesson]) -> None:
    """Write the generated pages into the staged ``book`` folder and tables and map into those that ask for them."""
    atomic.write_text(book / "scoreboard.md", scoreboard(lessons))
    atomic.write_text(book / "speed.md", speeds.page())
    atomic.write_text(book / "data_cards.md", data_cards())
    glossary = (book / "glossary.md").read_text(encoding="utf-8")
    atomic.write_text(book / "word_index.md", word_index.page(lessons, glossary))
    for page in sorted(book.rglob("*.md")):
        text, up = page.read_text(encoding="utf-8"), "../" * len(page.relative_to(book).parts)
        marks = {
            BUGS: bug_table,
            CONDITIONS: condition_table,
            MARK: lambda up=up: lesson_table(lessons, up),
            MAP: lambda up=up: _map(lessons, up),
        }
        if found := [mark for mark in marks if mark in text]:
            for mark in found:
                text = text.replace(mark, marks[mark]())
            atomic.write_text(page, text)


def _map(lessons: list[Lesson], up: str) -> str:
    return prerequisites.chart({lesson.name: (lesson.title, lesson.notebook) for lesson in lessons}, up)


def bug_table(results: Path = RESULTS) -> str:
    """Return the table of planted bugs as recorded: what is wrong, where, and who finds it."""
    rows = tables.read_json(results / "mutants.json")["values"]["mutants"]
    found = sum(row["found_by"] != "nobody" for row in rows)
    table = tables.table(
        ("Bug", "Where", "Found by"), [(row["bug"], f"`{row['file']}`", row["found_by"]) for row in rows]
    )
    return f"{found} of {len(rows)} are found.\n\n:::{{dropdown}} All planted bugs\n{table}\n:::"


def condition_table(results: Path = RESULTS) -> str:
    """Return the table of claims under other conditions, with the names of those that fail."""
    conditions = tables.read_json(results / "conditions.json")["values"]
    rows = [
        (name, value["claims"], value["claims"] - len(value["fail"]), _failing(value["fail"]))
        for name, value in conditions.items()
    ]
    return tables.table(("Condition", "Claims", "Hold", "Fail"), rows)


def _failing(claims: list[dict]) -> str:
    return ", ".join(f"{claim['lesson']} `{claim['name']}`" for claim in claims)


def lesson_table(lessons: list[Lesson], up: str = "../") -> str:
    """Return the table of lessons; ``up`` leads from the page to the folder that holds notebooks/."""
    rows = [
        (
            f"[{tables.cell(lesson.title)}]({up}notebooks/{lesson.name}.ipynb)",
            lesson.about.get("question"),
            tables.seconds(lesson.quick_cpu_s),
            lesson.about.get("full"),
        )
        for lesson in lessons
    ]
    return tables.table(("Lesson", "The question it opens with", "Quick (CPU time)", "Full"), rows)


# --- the data cards -------------------------------------------------------------------------------------------------


def data_cards(data: Path = DATA) -> str:
    """Return the page on real data: the table of data sets, then one card per data set."""
    intro = (
        "The lessons run on simulated data by default. Real data comes from public repositories at a fixed commit; "
        "none of it is part of this repository. `python -m helpers data fetch` downloads it and compares its sha256."
    )
    cards = [demote(path.read_text(encoding="utf-8")) for path in sorted((data / "cards").glob("*.md"))]
    return "\n\n".join(["# Data cards", intro, _data_sets(data / "registry.csv"), *cards]) + "\n"


def _data_sets(registry: Path) -> str:
    if not registry.is_file():
        return "No real data set is registered."
    with registry.open(encoding="utf-8", newline="") as stream:
        files = sorted(csv.DictReader(stream), key=lambda row: row["dataset"])
    rows = []
    for dataset, group in groupby(files, key=lambda row: row["dataset"]):
        members = list(group)
        homes = dict.fromkeys((row["repository"], row["commit"]) for row in members)
        links = ", ".join(f"[{home}](https://github.com/{home}/tree/{commit})" for home, commit in homes)
        licences = ", ".join(dict.fromkeys(row["licence"] for row in members))
        rows.append(
            (f"`{dataset}`", len(members), tables.size(sum(int(row["bytes"]) for row in members)), licences, links)
        )
    return tables.table(("Data set", "Files", "Size", "Licence, as its source states it", "Source"), rows)


def demote(markdown: str) -> str:
    """Return ``markdown`` with every heading one level deeper, code blocks untouched."""
    pieces = re.split(r"(^(?:```|~~~).*?^(?:```|~~~)[ \t]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = [re.sub(r"^(#{1,5}) ", r"#\1 ", piece, flags=re.MULTILINE) for piece in pieces[::2]]
    code = [*pieces[1::2], ""]
    return "".join(part for pair in zip(prose, code, strict=True) for part in pair).strip()
