"""Planted bugs: each list entry is one wrong line. Its tests must find it, or else the claims of its lesson."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from helpers.common import progress, results
from helpers.common.places import ROOT

__all__ = ["LIST", "Mutant", "listed", "plant", "run_mutants"]

LIST = ROOT / "tests" / "mutants.toml"
LEAST_CAUGHT = 0.95
LONGEST_S = 900
PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider")


class Mutant(NamedTuple):
    """One wrong line: what is wrong in words, where, and which tests and which lesson should notice."""

    bug: str
    file: str
    line: str
    becomes: str
    tests: str
    lesson: str


def listed() -> list[Mutant]:
    """Return all planted bugs."""
    return [Mutant(**entry) for entry in tomllib.loads(LIST.read_text(encoding="utf-8"))["mutant"]]


def plant(mutant: Mutant, root: Path = ROOT) -> str:
    """Return the source with the bug in it; ValueError unless its line stands there exactly once."""
    source = (root / mutant.file).read_text(encoding="utf-8")
    if source.count(mutant.line) != 1:
        raise ValueError(f"{mutant.file}: the line of {mutant.bug!r} stands there {source.count(mutant.line)} times")
    return source.replace(mutant.line, mutant.becomes)


def run_mutants() -> None:
    """Plant every bug in a copy of the checkout, two at a time, record who finds it, and print the survivors.

    RuntimeError when fewer than 95 % are found, or when tests fail without any bug.
    """
    mutants = listed()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        copies = SimpleQueue()
        for k in range(2):
            copies.put(_copy(Path(folder) / str(k)))
        chosen = sorted({mutant.tests for mutant in mutants})
        sound = progress.track(pool.map(lambda tests: _pass(tests, copies), chosen), "without a bug", len(chosen))
        broken = [tests for tests, passed in zip(chosen, sound, strict=True) if not passed]
        if broken:
            raise RuntimeError(f"these tests fail without any bug: {', '.join(broken)}")
        found = list(progress.track(pool.map(lambda mutant: _try(mutant, copies), mutants), "mutants", len(mutants)))
    rows = [mutant._asdict() | {"found_by": by} for mutant, by in zip(mutants, found, strict=True)]
    share = sum(by != "nobody" for by in found) / len(found)
    values = {"mutants": rows, "share_found": share}
    print(results.record("mutants", values, command="python -m helpers mutants", seeds=[], sources=[__file__, LIST]))
    print(f"{share:.0%} of {len(rows)} planted bugs are found")
    print("\n".join(f"not found: {row['bug']} ({row['file']})" for row in rows if row["found_by"] == "nobody"))
    if share < LEAST_CAUGHT:
        raise RuntimeError(f"fewer than {LEAST_CAUGHT:.0%} of the planted bugs are found")


def _copy(to: Path) -> Path:
    """Copy what git knows of, or would take, to a new folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    return to


def _pass(tests: str, copies: SimpleQueue) -> bool:
    """Return whether tests pass in a copy as it is."""
    copy = copies.get()
    try:
        return not _fails(copy, *PYTEST, tests)
    finally:
        copies.put(copy)


def _try(mutant: Mutant, copies: SimpleQueue) -> str:
    """Return who finds a bug: "tests", "claims" or "nobody"."""
    copy = copies.get()
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text(plant(mutant, copy), encoding="utf-8")
        if _fails(copy, *PYTEST, mutant.tests):
            return "tests"
        return "claims" if _fails(copy, "-m", "helpers", "run", mutant.lesson, "--force") else "nobody"
    finally:
        file.write_text(whole, encoding="utf-8")
        copies.put(copy)


def _fails(copy: Path, *arguments: str) -> bool:
    """Return whether a command ends with an error in a copy; one that hangs does, too."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    environment = {**os.environ, **threads, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return True
    if ended.returncode in (4, 5):
        raise RuntimeError(f"{' '.join(arguments)}: there are no such tests")
    return ended.returncode != 0
