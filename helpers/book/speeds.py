"""How fast and how large: what was recorded beside its baseline and the limit it must keep."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.book import tables
from helpers.common.places import RESULTS

__all__ = ["MEASURED", "Speed", "lacking", "page", "speeds", "text"]

MEASURED = ("movies", "reading-speed", "two-point", "vae-steps", "tracking-speed")  # a few minutes altogether
NEEDS = {"two-point": "pymks"}  # no part of our environment: it wants an older setuptools
HEAD = ("What", "Ours", "Baseline", "Times faster", "Limit", "Verdict", "Record")


class Speed(NamedTuple):
    """One comparison: costs with their unit, how many times less ours is, the limit in words, and whether it holds."""

    what: str
    ours: str
    baseline: str
    ratio: float | None
    limit: str
    holds: bool
    record: str


def speeds(results: Path = RESULTS) -> list[Speed]:
    """Return every recorded comparison of cost, in the order of the lessons."""
    made = (_movies, _reading, _two_point, _steps, _tracking, _memory)
    return [row for rows in made for row in rows(lambda name: tables.read_json(results / f"{name}.json")["values"])]


def lacking(name: str) -> str | None:
    """Return the package that a measurement of ``MEASURED`` needs and that is not installed, or None."""
    package = NEEDS.get(name)
    return package if package and importlib.util.find_spec(package) is None else None


def page(results: Path = RESULTS) -> str:
    """Return the page of speeds in Markdown, with the machines they were recorded on."""
    rows = speeds(results)
    records = {row.record: tables.read_json(results / f"{row.record}.json") for row in rows}
    machines = [
        (f"`{name}`", f"`{record['command']}`", record["date"][:10], tables.words(record["hardware"]))
        for name, record in records.items()
    ]
    note = (
        "CPU times on one thread, ours and the baseline's in the same run. A ratio below 1 says that ours is slower. "
        "`python -m helpers bench` measures the times again, in a few minutes, and prints this table; "
        "the large stack has a command of its own, and the two-point statistics are measured where PyMKS is installed."
    )
    table = tables.table(HEAD, [_texts(row) for row in rows])
    where = tables.table(("Record", "Command", "Date", "Machine"), machines)
    return "\n\n".join(["# Speed", note, table, "## Where it was recorded", where]) + "\n"


def text(results: Path = RESULTS) -> str:
    """Return the table of speeds for a terminal, in columns."""
    lines = [HEAD, *(_texts(row) for row in speeds(results))]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _texts(row: Speed) -> tuple[str, ...]:
    ratio = tables.NOTHING if row.ratio is None else f"{row.ratio:,.0f}" if row.ratio >= 100 else f"{row.ratio:.3g}"
    return row.what, row.ours, row.baseline, ratio, row.limit, "holds" if row.holds else "fails", row.record


def _movies(read) -> Iterator[Speed]:
    for row in read("movies")["rows"]:
        what, limit = f"molecule movie, {row['name']}; the original's loop", row["limit"]
        yield _faster(what, row["ours_ms"], row["baseline_ms"], "ms", row["ratio"], limit, "movies")


def _reading(read) -> Iterator[Speed]:
    for world, costs in read("reading-speed")["rows"].items():
        ms = costs["read, all in all"]["ms"]
        yield _within(f"D read from a movie, world {world!r}", ms, 2, "ms", "reading-speed")


def _two_point(read) -> Iterator[Speed]:
    values = read("two-point")
    cost, ratios = values["cpu_s"], values["ratios"]
    pairs = [
        ("ours float64", "PyMKS, chunked", 1.8),
        ("ours float32", "PyMKS, chunked", 6),
        ("ours float32, not periodic", "PyMKS, chunked, not periodic", 15),
    ]
    for ours, pymks, limit in pairs:
        ratio = ratios[f"PyMKS / {ours}"]
        times = (1000 * cost[name] / values["n_images"] for name in (ours, pymks))
        yield _faster(
            f"two-point statistics of a picture of 224 px, {ours[5:]}; PyMKS in float64",
            *times,
            "ms",
            ratio,
            limit,
            "two-point",
        )


def _steps(read) -> Iterator[Speed]:
    for side, cost in read("vae-steps")["sizes"].items():
        what = f"training step of the rotation-invariant VAE at {side} px; decoder by coordinates"
        yield _faster(what, cost["template"], cost["coordinate"], "s", cost["ratio"], 50, "vae-steps")


def _tracking(read) -> Iterator[Speed]:
    cost = read("tracking-speed")["cpu_s"]
    for way, limit in (("track", 4), ("refine", 30), ("U-Net", 4)):
        what = f"125³ voxels with 2,500 spheres, {way}; trackpy"
        row = _within(what, cost[way], limit, "s", "tracking-speed")
        yield row._replace(baseline=_cost(cost["trackpy"], "s"), ratio=cost["trackpy"] / cost[way])


def _memory(read) -> Iterator[Speed]:
    values = read("large-stack")
    what = f"memory for a stack of {values['size_mib']:,.0f} MiB"
    yield _within(what, values["peak_mib"], 1024, "MiB", "large-stack")


def _faster(what, ours, baseline, unit, ratio, limit, record) -> Speed:
    words = f"at least {limit:g} times faster"
    return Speed(what, _cost(ours, unit), _cost(baseline, unit), ratio, words, ratio >= limit, record)


def _within(what, ours, limit, unit, record) -> Speed:
    return Speed(what, _cost(ours, unit), tables.NOTHING, None, f"at most {limit:g} {unit}", ours <= limit, record)


def _cost(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}"
