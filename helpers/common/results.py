"""Recorded results: numbers that take longer than a lesson, with everything needed to trust or to repeat them.

A record names the command, seeds, commit and machine it was made with, and the sha256 of the code and weights behind
it, so that a record which no longer belongs to the code can be told from one which does.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from helpers.common import atomic, checkpoints, places, ranks

__all__ = ["NoRecord", "hardware", "names", "read", "record", "stale"]


class NoRecord(RuntimeError):
    """A record is missing or cannot be read."""


def record(
    name: str,
    values: dict,
    *,
    command: str,
    seeds: Iterable[int],
    sources: Iterable[ModuleType | str | Path],
    weights: Iterable[str] = (),
    note: str = "",
) -> Path:
    """Write data/results/NAME.json in one step and return its path.

    ``values`` is a dict that JSON can hold (arrays are turned into lists). ``command`` makes the record again.
    ``sources`` are the modules, or the paths of files in the checkout, whose code the values depend on; ``weights`` the
    names of the checkpoints. ValueError for anything else, before anything is written. Of several processes only the
    first writes.
    """
    path = _path(name)
    if not isinstance(values, dict) or not values:
        raise ValueError(f"values must be a dict with at least one entry, got {values!r}")
    if not command:
        raise ValueError("command must say how the record is made")
    content = {
        "values": checkpoints.plain("values", values),
        "command": command,
        "seeds": checkpoints.plain("seeds", list(seeds)),
        "note": note,
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "sources": _hashes("sources", [_file_of(source) for source in sources]),
        "weights": _hashes("weights", [checkpoints.weights_file(checkpoint) for checkpoint in weights]),
    }
    if not content["sources"]:
        raise ValueError("sources must name at least one module or file")
    return atomic.write_json(path, content) if ranks.first() else path


def read(name: str) -> dict:
    """Return the record called ``name`` as it was written: its numbers stand under "values".

    ``NoRecord`` if it is missing or damaged, with the command that makes it.
    """
    try:
        content = json.loads(_path(name).read_text(encoding="utf-8"))
        content["values"], content["sources"], content["weights"]
    except FileNotFoundError as error:
        raise NoRecord(f"there is no record {name}: `python -m helpers bench {name}` makes it") from error
    except (ValueError, TypeError, KeyError) as error:
        raise NoRecord(f"the record {name} is damaged: `python -m helpers bench {name}` makes it again") from error
    return content


def stale(name: str) -> list[str]:
    """Return the files whose content is no longer that behind the record ``name``; empty for a record that holds."""
    content = read(name)
    expected = content["sources"] | content["weights"]
    return [path for path, sha256 in expected.items() if _sha256(places.ROOT / path) != sha256]


def names() -> list[str]:
    """Return the names of all records."""
    return sorted(path.stem for path in places.RESULTS.glob("[!.]*.json"))


def hardware() -> dict:
    """Return the processor, its cores, the GPU if torch uses one, and the versions that decide about numbers."""
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": gpu,
        "python": platform.python_version(),
        **{package: version(package) for package in ("torch", "numpy")},
    }


def _path(name: str) -> Path:
    return places.RESULTS / checkpoints.weights_file(name).with_suffix(".json").name


def _file_of(source: ModuleType | str | Path) -> Path:
    """Return the file of a module, or a path counted from the root of the checkout; a package is refused."""
    path = places.ROOT / (source.__file__ if isinstance(source, ModuleType) else source)
    if path.name == "__init__.py":
        raise ValueError(f"sources must name modules, but {path.parent.name} is a package: name those it needs")
    return path


def _hashes(argument: str, paths: list[Path]) -> dict[str, str]:
    """Return sha256 by path relative to the checkout, sorted; ValueError naming a file that is not there."""
    hashes = {}
    for path in paths:
        if not path.resolve().is_relative_to(places.ROOT) or not path.is_file():
            raise ValueError(f"{argument} must be files in the checkout, got {path}")
        hashes[path.resolve().relative_to(places.ROOT).as_posix()] = _sha256(path)
    return dict(sorted(hashes.items()))


def _sha256(path: Path) -> str | None:
    """Return the sha256 of a file, with the same line ends for code on every system; None if it is not there."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    return hashlib.sha256(content.replace(b"\r\n", b"\n") if path.suffix == ".py" else content).hexdigest()


def _commit() -> str:
    """Return the commit of the checkout, "+dirty" behind it if anything but results and weights differs from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(places.ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changes = git("status", "--porcelain", "--", ".", ":!data/results", ":!data/checkpoints")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}+dirty" if changes else commit


def _cpu() -> str:
    """Return the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
