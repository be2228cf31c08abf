"""Pages made from what was measured: the scoreboard, the data cards and the table of lessons."""

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from helpers.common import atomic
from helpers.common.places import CHECKPOINTS, DATA, RESULTS

__all__ = ["Lesson", "data_cards", "lesson_table", "read_lessons", "scoreboard", "write"]

VERDICTS = {"pass": "✓ holds", "fail": "✗ fails", "explored": "○ explored, not checked", "skipped": "– skipped"}
NOTHING = "–"
MARK = "<!-- lessons -->"


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
    return [_read_lesson(path.parent, _json(path)) for path in runs]


def _read_lesson(folder: Path, run: dict) -> Lesson:
    return Lesson(folder.name, _json(folder / f"{folder.name}.ipynb"), _json(folder / "claims.json", []), run)


def write(book: Path, lessons: list[Lesson]) -> None:
    """Write the generated pages into the staged ``book`` folder and the table of lessons into those that ask for it."""
    atomic.write_text(book / "scoreboard.md", scoreboard(lessons))
    atomic.write_text(book / "data_cards.md", data_cards())
    for page in sorted(book.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if MARK in text:
            up = "../" * len(page.relative_to(book).parts)
            atomic.write_text(page, text.replace(MARK, lesson_table(lessons, up)))


def lesson_table(lessons: list[Lesson], up: str = "../") -> str:
    """Return the table of lessons; ``up`` leads from the page to the folder that holds notebooks/."""
    rows = [
        (
            f"[{_cell(lesson.title)}]({up}notebooks/{lesson.name}.ipynb)",
            lesson.about.get("question"),
            _seconds(lesson.quick_cpu_s),
            lesson.about.get("full"),
        )
        for lesson in lessons
    ]
    return _table(("Lesson", "The question it opens with", "Quick (CPU time)", "Full"), rows)


# --- the scoreboard -------------------------------------------------------------------------------------------------


def scoreboard(lessons: list[Lesson], results: Path = RESULTS, checkpoints: Path = CHECKPOINTS) -> str:
    """Return the page with every claim, run time, recorded result and checkpoint; no claim at all is an error."""
    claims = [claim for lesson in lessons for claim in lesson.claims]
    if not claims:
        raise ValueError("no claim was recorded in any executed notebook: the scoreboard would be empty")
    parts = [
        "# Scoreboard",
        f"The notebooks were executed to make this book, and each of them stops when one of its claims fails. "
        f"{_count(claims)} Numbers are measured in that run; an interval stands in brackets.",
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
    return text + (f" {skipped} were skipped: they need data that were not there." if skipped else "")


def _claims_of(lesson: Lesson) -> str:
    rows = [
        (
            f"`{_cell(claim.get('name'))}`",
            _verdict(claim),
            _measured(claim),
            _bound(claim),
            _number(claim.get("paper")),
            claim.get("unit") and _unit(claim["unit"]),
            claim.get("source"),
        )
        for claim in lesson.claims
    ]
    head = ("Claim", "Verdict", "Ours", "Must be", "The paper's", "Unit", "Source")
    return f"## {lesson.title}\n\n[Open the lesson](../notebooks/{lesson.name}.ipynb)\n\n{_table(head, rows)}"


def _verdict(claim: dict) -> str:
    """Return the verdict in words; a number read from a record instead of measured in the run is marked so."""
    words = VERDICTS.get(claim.get("verdict"), claim.get("verdict"))
    return f"{words} (recorded)" if str(claim.get("source", "")).startswith("recorded") else words


def _measured(claim: dict) -> str:
    interval = claim.get("interval")
    value = _number(claim.get("measured"))
    return f"{value} [{_number(interval[0])},&nbsp;{_number(interval[1])}]" if interval else value


def _bound(claim: dict) -> str:
    """Return what a claim demands, in words: a value with its tolerance, or a limit."""
    tolerance = f"&nbsp;±&nbsp;{claim['tolerance']:.2g}" if claim.get("tolerance") else ""
    if claim.get("expected") is not None:
        return _number(claim["expected"]) + (tolerance or " exactly")
    limits = [("at least", claim.get("at_least")), ("at most", claim.get("at_most"))]
    return ", ".join(f"{word} {_number(limit)}{tolerance}" for word, limit in limits if limit is not None) or NOTHING


def _run_times(lessons: list[Lesson]) -> str:
    rows = [
        (lesson.title, lesson.run.get("profile"), _seconds(lesson.quick_cpu_s), _seconds(lesson.run.get("wall_s")))
        for lesson in lessons
    ]
    note = "Measured in the run that made this book, one thread per notebook."
    return f"## Run times\n\n{note}\n\n{_table(('Lesson', 'Profile', 'CPU time', 'Wall time'), rows)}"


def _recorded(folder: Path) -> str:
    """Return the section on recorded results, or nothing where none is shipped."""
    records = [(path.stem, _json(path)) for path in sorted(folder.glob("*.json"))]
    if not records:
        return ""
    rows = [
        (
            f"`{name}`",
            f"`{record.get('command', NOTHING)}`",
            _short(record.get("commit")),
            _words(record.get("hardware")),
        )
        for name, record in records
    ]
    note = "These take longer than a quick run. They are *recorded*: written once by the command beside them."
    values = [_values(name, record) for name, record in records]
    table = _table(("Record", "Command", "Commit", "Hardware"), rows)
    return "\n\n".join(["## Recorded results", note, table, *filter(None, values)])


def _values(name: str, record: dict) -> str:
    rows = list(_leaves(record.get("values") or {}))
    table = _table(("Quantity", "Value"), [(f"`{key}`", value) for key, value in rows])
    return f":::{{dropdown}} Values of {name}\n{table}\n:::" if rows else ""


def _shipped(folder: Path) -> str:
    """Return the section on shipped weights, or nothing where there are none."""
    cards = [(path.stem, _json(path)) for path in sorted(folder.glob("*.json"))]
    if not cards:
        return ""
    rows = [
        (
            f"`{name}`",
            card.get("parameters") if not isinstance(card.get("parameters"), dict) else None,
            "; ".join(f"{key} {value}" for key, value in _leaves(card.get("metrics") or {})),
            _short(card.get("sha256")),
        )
        for name, card in cards
    ]
    return f"## Shipped weights\n\n{_table(('Model', 'Parameters', 'Metrics', 'sha256'), rows)}"


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
        rows.append((f"`{dataset}`", len(members), _bytes(sum(int(row["bytes"]) for row in members)), licences, links))
    return _table(("Data set", "Files", "Size", "Licence, as its source states it", "Source"), rows)


def demote(markdown: str) -> str:
    """Return ``markdown`` with every heading one level deeper, code blocks untouched."""
    pieces = re.split(r"(^(?:```|~~~).*?^(?:```|~~~)[ \t]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = [re.sub(r"^(#{1,5}) ", r"#\1 ", piece, flags=re.MULTILINE) for piece in pieces[::2]]
    code = [*pieces[1::2], ""]
    return "".join(part for pair in zip(prose, code, strict=True) for part in pair).strip()


# --- words and tables -----------------------------------------------------------------------------------------------


def _json(path: Path, missing: object = None) -> object:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing


def _table(head: tuple[str, ...], rows: Iterable[tuple]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Return the text of one table cell: a dash for nothing, no line break, no bare bar."""
    if value is None or value == "":
        return NOTHING
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(str(value).split()))


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _bytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.0f} kB"


def _unit(unit: str) -> str:
    """Return a unit as it is printed: um2/s and um^2/s become µm²/s."""
    raised = re.sub(r"(?<=[a-zµ])\^?([23])\b", lambda power: "²³"[int(power[1]) - 2], unit)
    return re.sub(r"\bum(?![a-z])", "µm", raised)


def _code(text: str | None) -> str | None:
    return f"`{text}`" if text else None


def _short(digest: str | None) -> str | None:
    return _code((digest or "")[:12])


def _words(value: object) -> str | None:
    return ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, dict) else value


def _leaves(tree: object, path: str = "") -> Iterable[tuple[str, str]]:
    """Yield (dotted name, text) of every number, text and short list in nested dicts."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        short = len(tree) <= 8 and not any(isinstance(item, dict | list) for item in tree)
        yield path, "[" + ", ".join(map(_number, tree)) + "]" if short else f"{len(tree)} values"
    else:
        yield path, _number(tree)
