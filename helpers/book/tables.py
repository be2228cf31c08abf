"""Words, numbers and tables of the generated pages, in Markdown."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "NOTHING",
    "cell",
    "code",
    "leaves",
    "number",
    "read_json",
    "seconds",
    "short",
    "size",
    "table",
    "unit",
    "words",
]

NOTHING = "–"


def read_json(path: Path, missing: object = None) -> object:
    """Return what a JSON file holds, or ``missing`` where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing


def table(head: tuple[str, ...], rows: Iterable[tuple]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value: object) -> str:
    """Return the text of one table cell: a dash for nothing, no line break, no bare bar."""
    if value is None or value == "":
        return NOTHING
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(str(value).split()))


def number(value: object) -> str:
    """Return a number with four digits, a text as it is, a dash for nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def seconds(value: float | None) -> str:
    """Return a time in seconds; a dash for none."""
    return NOTHING if value is None else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def size(size: int) -> str:
    """Return a number of bytes in kB or MB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.0f} kB"


def unit(unit: str) -> str:
    """Return a unit as it is printed: um2/s and um^2/s become µm²/s."""
    raised = re.sub(r"(?<=[a-zµ])\^?([23])\b", lambda power: "²³"[int(power[1]) - 2], unit)
    return re.sub(r"\bum(?![a-z])", "µm", raised)


def code(text: str | None) -> str | None:
    """Return a text as code; nothing for nothing."""
    return f"`{text}`" if text else None


def short(digest: str | None) -> str | None:
    """Return the first characters of a hash as code, with a + where files had been changed since that commit."""
    digest, _, dirty = (digest or "").partition("+")
    return code(digest[:12] + ("+" if dirty else ""))


def words(value: object) -> str | None:
    """Return the entries of a dict in one line; anything else as it is."""
    return ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, dict) else value


def leaves(tree: object, path: str = "") -> Iterable[tuple[str, str]]:
    """Yield (dotted name, text) of every number, text and short list in nested dicts."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        short = len(tree) <= 8 and not any(isinstance(item, dict | list) for item in tree)
        yield path, "[" + ", ".join(map(number, tree)) + "]" if short else f"{len(tree)} values"
    else:
        yield path, number(tree)
