"""Claims: what a lesson says it measured, checked where it is said and collected for the scoreboard."""

import math
import os
import re
import warnings
from pathlib import Path

from helpers.common import atomic

__all__ = ["ClaimFailed", "ClaimWarning", "claim", "from_record", "holds", "recorded", "skip"]


class ClaimFailed(AssertionError):
    """A measured value lies outside the bound that the lesson states."""


class ClaimWarning(UserWarning):
    """The same, where ``HELPERS_CLAIMS=warn`` lets a reader go on."""


_KINDS = {"expected": "expected", "at_most": "at most", "at_least": "at least"}
_SAID = {"pass": "holds", "fail": "FAILS", "explored": "explored"}
_recorded: dict[str, dict] = {}


def recorded() -> list[dict]:
    """Return the claims of this session, in order."""
    return list(_recorded.values())


def claim(
    name: str,
    *,
    measured: float,
    expected: float | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
    tolerance: float = 0,
    paper: float | str | None = None,
    interval: tuple[float, float] | None = None,
    unit: str = "",
    source: str = "",
) -> None:
    """Check one measured number against one bound, print one line, and record it for the scoreboard.

    Exactly one of ``expected`` (|measured - expected| <= tolerance), ``at_most`` (measured <= at_most + tolerance) and
    ``at_least`` (measured >= at_least - tolerance); the tolerance is absolute. NaN and infinity
    fail. ``paper`` is the original's number, ``interval`` the statistical interval of ours. Raises ClaimFailed, or
    warns under ``HELPERS_CLAIMS=warn``; under ``HELPERS_CLAIMS=explore`` (changed parameters) it records without
    asserting. A name used twice is an error.
    """
    mode = os.environ.get("HELPERS_CLAIMS", "assert")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"name must be lower-case words joined by hyphens, got {name!r}")
    if name in _recorded and mode != "warn":
        raise ValueError(f"name: the claim {name!r} was made already in this notebook")
    bounds = {"expected": expected, "at_most": at_most, "at_least": at_least}
    given = {key: float(value) for key, value in bounds.items() if value is not None}
    if len(given) != 1:
        raise ValueError(f"give exactly one of expected, at_most, at_least to claim {name!r}, got {sorted(given)}")
    measured, tolerance, (bound,) = float(measured), float(tolerance), given.values()
    if not math.isfinite(bound) or not math.isfinite(tolerance) or tolerance < 0:
        raise ValueError(f"the bound and the tolerance of claim {name!r} must be finite, the tolerance >= 0")
    if interval is not None:
        interval = [float(value) for value in interval]
        if len(interval) != 2 or not -math.inf < interval[0] <= interval[1] < math.inf:
            raise ValueError(f"interval of claim {name!r} must be two finite numbers in order, got {interval}")
    record = {
        "name": name,
        "measured": measured if math.isfinite(measured) else None,
        **{key: given.get(key) for key in bounds},
        "tolerance": tolerance,
        "paper": paper.item() if hasattr(paper, "item") else paper,  # a NumPy number is none for JSON
        "interval": interval,
        "unit": unit,
        "source": source,
    }
    verdict = "explored" if mode == "explore" else "pass" if holds(record) else "fail"
    record["verdict"] = verdict
    _recorded[name] = record
    _store()
    line = f"claim {name} {_SAID[verdict]}: {_sentence(record)}"
    print(line)
    if verdict == "fail":
        if mode == "warn":
            warnings.warn(line, ClaimWarning, stacklevel=2)
        else:
            raise ClaimFailed(line)


def holds(record: dict) -> bool:
    """Return whether the measured number of a recorded claim keeps its bound; one that is missing does not."""
    measured, tolerance = record.get("measured"), record.get("tolerance", 0)
    if measured is None:
        return False
    if record.get("expected") is not None:
        return abs(measured - record["expected"]) <= tolerance
    if record.get("at_most") is not None:
        return measured <= record["at_most"] + tolerance
    return measured >= record["at_least"] - tolerance


def from_record(record: dict) -> bool:
    """Return whether a claim's number was read from a stored record: its source begins with the word record."""
    return str(record.get("source", "")).startswith("record")


def skip(name: str, why: str) -> None:
    """Put a claim on the scoreboard that cannot be measured here, and say why: real data are not on this machine.

    Where the record ``real-data`` knows the claim, its number stands beside.
    """
    if not why:
        raise ValueError(f"why must say why the claim {name!r} is skipped")
    from helpers.common import results  # brings PyTorch, which claims do without

    try:
        known = results.read("real-data")["values"].get(name)
    except results.NoRecord:
        known = None
    _recorded[name] = {"name": name, "measured": None, "verdict": "skipped", "source": why}
    _recorded[name] |= {"recorded": known} if known else {}
    _store()
    print(f"claim {name} skipped: {why}" + (f"; recorded with them: {_sentence(known)}" if known else ""))


def _sentence(record: dict) -> str:
    """Return number, interval and bound of a claim in words; what the record lacks is left out."""
    kind = next(key for key in _KINDS if record.get(key) is not None)
    measured = math.nan if record["measured"] is None else record["measured"]
    unit = f" {record['unit']}" if record.get("unit") else ""
    interval = " [{:.3g}, {:.3g}]".format(*record["interval"]) if record.get("interval") else ""
    tolerance = f" within {record['tolerance']:.3g}" if record.get("tolerance") else ""
    paper = f"; the original: {record['paper']}" if record.get("paper") is not None else ""
    return f"{measured:.3g}{interval}{unit}, {_KINDS[kind]} {record[kind]:.4g}{tolerance}{paper}"


def _store() -> None:
    """Write the claims so far into the folder of a recorded run."""
    folder = os.environ.get("HELPERS_RUN_DIR")
    if folder:
        atomic.write_json(Path(folder) / "claims.json", recorded())
