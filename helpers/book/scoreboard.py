"""The page that lists every claim, run time, recorded result and shipped network of the book."""

import re
from pathlib import Path

from helpers.book import tables
from helpers.book.executed import Lesson, anchor
from helpers.common.claims import from_record, holds
from helpers.common.places import CHECKPOINTS, RESULTS

__all__ = ["scoreboard"]

VERDICTS = {"pass": "✓ holds", "fail": "✗ fails", "explored": "○ explored, not checked", "skipped": "– skipped"}


def scoreboard(lessons: list[Lesson], results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> str:
    """Return the page with every claim, run time, recorded result and checkpoint; no claim at all is an error."""
    claims = [claim for lesson in lessons for claim in lesson.claims]
    if not claims:
        raise ValueError("no claim was recorded in any executed notebook: the scoreboard would be empty")
    parts = [
        "# Scoreboard",
        f"The notebooks were executed to make this book, and each of them stops when one of its claims fails. "
        f"{_count(claims)} Numbers are measured in that run, or read from a record where the verdict says so; "
        "an interval stands in brackets.",
        _against_the_papers(lessons),
        *(_claims_of(lesson) for lesson in lessons if lesson.claims),
        _run_times(lessons),
        _recorded(results),
        _shipped(checkpoints),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _count(claims: list[dict]) -> str:
    verdicts = [claim.get("verdict") for claim in claims]
    text = f"Of {len(claims)} claims, {verdicts.count('pass')} hold and {verdicts.count('fail')} fail."
    explored, skipped = verdicts.count("explored"), verdicts.count("skipped")
    text += f" {explored} were explored with other parameters and not checked." if explored else ""
    known = sum(map(_known, claims))
    text += f" Skipped: {skipped}, for the reason beside each." if skipped else ""
    return text + (
        f" Of these {known} need data that were not there, and are shown as recorded where they were." if known else ""
    )


def _known(claim: dict) -> bool:
    """Return whether a claim was skipped, but its number stands in a record."""
    return claim.get("verdict") == "skipped" and "recorded" in claim


def _link(lesson: Lesson, claim: dict) -> str:
    """Return a claim's name with a link to the cell that makes it."""
    return f'<a href="../notebooks/{lesson.name}.html#{anchor(claim["name"])}"><code>{claim["name"]}</code></a>'


def _against_the_papers(lessons: list[Lesson]) -> str:
    """Return the section with all claims beside which a paper's number stands, or nothing where none does."""
    rows = [
        (
            lesson.title,
            _link(lesson, claim),
            _measured(claim),
            tables.number(claim["paper"]),
            _relation(claim),
            claim.get("unit") and tables.unit(claim["unit"]),
            claim.get("source"),
        )
        for lesson in lessons
        for claim in lesson.claims
        if claim.get("paper") is not None
    ]
    said = [f"### {lesson.title}\n\n{text}" for lesson in lessons if (text := _said(lesson))]
    head = ("Lesson", "Claim", "Ours", "The paper's", "Ours is", "Unit", "What was measured")
    note = (
        "Every number of ours that has a counterpart in the work that a lesson rebuilds. Each name leads to its cell."
    )
    parts = [f"{note}\n\n{tables.table(head, rows)}"] if rows else []
    return "\n\n".join(["## Against the papers", *said, *parts]) if said or parts else ""


def _said(lesson: Lesson) -> str:
    """Return what a lesson says about its original: the section "What the paper said and what we found"."""
    prose = "\n\n".join("".join(c["source"]) for c in lesson.notebook["cells"] if c["cell_type"] == "markdown")
    found = re.search(r"^## What the \w+ said and what we found\n(.*?)(?=^## |\Z)", prose, re.DOTALL | re.MULTILINE)
    return re.sub(r"\{doc\}`(?=\w)", "{doc}`../notebooks/", found[1].strip()) if found else ""


def _relation(claim: dict) -> str:
    """Return how our number compares with the paper's: the same within the claim's tolerance, higher or lower."""
    ours, paper = claim.get("measured"), claim["paper"]
    if ours is None or not isinstance(paper, int | float):
        return tables.NOTHING
    if abs(ours - paper) <= claim["tolerance"]:
        return "the same"
    return "higher" if ours > paper else "lower"


def _claims_of(lesson: Lesson) -> str:
    rows = [
        (
            _link(lesson, claim),
            _verdict(claim),
            _measured(claim),
            _bound(claim),
            tables.number(claim.get("paper")),
            claim.get("unit") and tables.unit(claim["unit"]),
            claim.get("source"),
        )
        for claim in map(_shown, lesson.claims)
    ]
    head = ("Claim", "Verdict", "Ours", "Must be", "The paper's", "Unit", "Source")
    return f"## {lesson.title}\n\n[Open the lesson](../notebooks/{lesson.name}.ipynb)\n\n{tables.table(head, rows)}"


def _shown(claim: dict) -> dict:
    """Return a claim as the table shows it: for one that was skipped, what the record says of it."""
    return claim | claim["recorded"] if _known(claim) else claim


def _verdict(claim: dict) -> str:
    """Return the verdict in words; a number read from a record instead of measured in the run is marked so."""
    if _known(claim):
        return f"{VERDICTS['pass' if holds(claim) else 'fail']} (recorded with the data)"
    words = VERDICTS.get(claim.get("verdict"), claim.get("verdict"))
    return f"{words} (recorded)" if from_record(claim) else words


def _measured(claim: dict) -> str:
    interval = claim.get("interval")
    value = tables.number(claim.get("measured"))
    return f"{value} [{tables.number(interval[0])},&nbsp;{tables.number(interval[1])}]" if interval else value


def _bound(claim: dict) -> str:
    """Return what a claim demands, in words: a value with its tolerance, or a limit."""
    tolerance = f"&nbsp;±&nbsp;{claim['tolerance']:.2g}" if claim.get("tolerance") else ""
    if claim.get("expected") is not None:
        return tables.number(claim["expected"]) + (tolerance or " exactly")
    limits = [("at least", claim.get("at_least")), ("at most", claim.get("at_most"))]
    return (
        ", ".join(f"{word} {tables.number(limit)}{tolerance}" for word, limit in limits if limit is not None)
        or tables.NOTHING
    )


def _run_times(lessons: list[Lesson]) -> str:
    rows = [
        (
            lesson.title,
            lesson.run.get("profile"),
            tables.seconds(lesson.quick_cpu_s),
            tables.seconds(lesson.run.get("wall_s")),
        )
        for lesson in lessons
    ]
    note = "Measured in the run that made this book, one thread per notebook."
    return f"## Run times\n\n{note}\n\n{tables.table(('Lesson', 'Profile', 'CPU time', 'Wall time'), rows)}"


def _recorded(folder: Path) -> str:
    """Return the section on recorded results, or nothing where none is shipped."""
    records = [(path.stem, tables.read_json(path)) for path in sorted(folder.glob("*.json"))]
    if not records:
        return ""
    rows = [
        (
            f"`{name}`",
            f"`{record.get('command', tables.NOTHING)}`",
            tables.short(record.get("commit")),
            tables.words(record.get("hardware")),
        )
        for name, record in records
    ]
    note = "These take longer than a quick run. They are *recorded*: written once by the command beside them. "
    note += "A + behind a commit says that files had been changed since; the record holds the hashes of its sources."
    values = [_values(name, record) for name, record in records]
    table = tables.table(("Record", "Command", "Commit", "Hardware"), rows)
    return "\n\n".join(["## Recorded results", note, table, *filter(None, values)])


def _values(name: str, record: dict) -> str:
    rows = list(tables.leaves(record.get("values") or {}))
    table = tables.table(("Quantity", "Value"), [(f"`{key}`", value) for key, value in rows])
    return f":::{{dropdown}} Values of {name}\n{table}\n:::" if rows else ""


def _shipped(folder: Path) -> str:
    """Return the section on shipped weights, or nothing where there are none."""
    cards = [(path.stem, tables.read_json(path)) for path in sorted(folder.glob("*.json"))]
    if not cards:
        return ""
    rows = [
        (
            f"`{name}`",
            card.get("parameters") if not isinstance(card.get("parameters"), dict) else None,
            "; ".join(f"{key} {value}" for key, value in tables.leaves(card.get("metrics") or {})),
            tables.short(card.get("sha256")),
        )
        for name, card in cards
    ]
    return f"## Shipped weights\n\n{tables.table(('Model', 'Parameters', 'Metrics', 'sha256'), rows)}"
