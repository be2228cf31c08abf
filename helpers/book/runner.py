"""Run lessons through papermill: two at a time, one thread each, never twice for the same input."""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from helpers.book.lessons import Lesson, cache_key, find, parameters, read
from helpers.common import atomic, profiles
from helpers.common.places import BUILD, ROOT

__all__ = ["EXECUTED", "NotebookFailed", "environment", "executed", "run"]

EXECUTED = BUILD / "executed"
EXPLORED = BUILD / "explored"


class NotebookFailed(RuntimeError):
    """A lesson stopped: the message names the cell, the error, and where the executed copy lies."""


@dataclass
class _Job:
    lesson: Lesson
    folder: Path
    values: dict
    key: str
    profile: str
    explore: bool


def environment(run_dir: Path, explore: bool = False) -> dict:
    """Return the environment of a recorded run: one thread, no progress bars, claims kept in ``run_dir``."""
    return {
        **os.environ,
        "HELPERS_RUN_DIR": str(run_dir),
        "HELPERS_CLAIMS": "explore" if explore else "assert",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def executed(lesson: Lesson, folder: Path = EXECUTED) -> dict | None:
    """Return the ``run.json`` of the last finished run of a lesson, or None."""
    path = folder / lesson.name / "run.json"
    return json.loads(path.read_text()) if path.exists() else None


def run(
    names: list[str] = (),
    profile: str = "quick",
    changes: dict | None = None,
    force: bool = False,
    into: Path = EXECUTED,
) -> int:
    """Run the lessons called ``names`` (none: all) and return how many stand ready, re-used ones included.

    ``changes`` sets parameters; an unknown name is a ValueError. Changed runs go to ``build/explored`` and their
    claims are recorded without being asserted. Raises NotebookFailed after all others have finished.
    """
    profiles.get(profile)
    jobs = [_job(lesson, profile, changes or {}, into) for lesson in find(list(names))]
    if not jobs:
        raise ValueError("there is no notebook to run")
    waiting = []
    for job in jobs:
        last = executed(job.lesson, job.folder.parent)
        if last and last["key"] == job.key and not force and (job.folder / f"{job.lesson.name}.ipynb").exists():
            print(f"{job.lesson.name}: unchanged, re-used ({last['cpu_s']:.0f} CPU s when it ran)", flush=True)
        else:
            waiting.append(job)
    failures = _run_all(waiting)
    if failures:
        raise NotebookFailed("\n".join(failures))
    return len(jobs)


def _job(lesson: Lesson, profile: str, changes: dict, into: Path) -> _Job:
    known = parameters(read(lesson.py))
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise ValueError(f"{lesson.name} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    if "PROFILE" in changes:
        raise ValueError("set the profile with --profile, not with --param")
    for name, value in changes.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be a number, a word or a list, got {value!r}") from error
    values = {**changes, "PROFILE": profile}
    explore = bool(changes)
    folder = (EXPLORED if explore or profile != "quick" else into) / lesson.name
    return _Job(lesson, folder, values, cache_key(lesson, profile, values), profile, explore)


def _run_all(jobs: list[_Job]) -> list[str]:
    """Run the jobs two at a time; return a message for each that failed. Ctrl-C keeps the finished ones."""
    processes: list[subprocess.Popen] = []
    failures = []
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        pending = {pool.submit(_run_one, job, processes) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                failures += [message for future in done if (message := future.result())]
        except KeyboardInterrupt:
            for future in pending:
                future.cancel()
            for process in processes:
                process.terminate()
            raise
    return failures


def _run_one(job: _Job, processes: list) -> str | None:
    """Run one job in its own process; return None, or what went wrong."""
    name, expected = job.lesson.name, job.lesson.header.get("quick_cpu_s")
    job.folder.mkdir(parents=True, exist_ok=True)
    for stale in ("run.json", "claims.json"):
        (job.folder / stale).unlink(missing_ok=True)
    output, start = job.folder / f"{name}.ipynb", time.monotonic()
    command = [sys.executable, "-m", "helpers.book.execute", str(job.lesson.py), str(output), json.dumps(job.values)]
    with tempfile.TemporaryFile("w+") as stderr:  # a pipe that is read last would fill up and stop the lesson
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(job.folder, job.explore),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        processes.append(process)
        cpu_s, error, shown = None, None, 0.0
        for line in process.stdout:
            kind, _, rest = line.partition(" ")
            elapsed = time.monotonic() - start
            if kind == "cell" and (elapsed - shown > 5 or shown == 0):
                about = f", about {expected} CPU s expected" if expected and job.profile == "quick" else ""
                _say(f"{name}: cell {rest.strip().replace(' ', '/')}, {elapsed:.0f} s{about}")
                shown = elapsed + 1e-9
            elif kind == "cpu":
                cpu_s = float(rest)
            elif kind == "error":
                error = json.loads(rest)
        code = process.wait()
        stderr.seek(0)
        words = stderr.read().strip()
    wall_s = time.monotonic() - start
    if error:
        return f"{name}: cell {error['cell']} raised {error['name']}: {error['value']}\n  see {_relative(output)}"
    if code or cpu_s is None:
        tail = words.splitlines()[-1] if words else f"exit code {code}"
        return f"{name}: stopped: {tail}"
    limit = profiles.get(job.profile).cpu_limit_s
    if limit and cpu_s > limit:
        return f"{name}: took {cpu_s:.0f} CPU s; the profile {job.profile!r} allows {limit:.0f}"
    facts = {
        "notebook": name,
        "profile": job.profile,
        "cpu_s": cpu_s,
        "wall_s": round(wall_s, 2),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "values": job.values,
        "key": job.key,
    }
    atomic.write_json(job.folder / "run.json", facts)
    _say(f"{name}: done in {wall_s:.0f} s ({cpu_s:.0f} CPU s)")
    return None


def _say(line: str) -> None:
    """Write one whole line: two lessons run, and report, at a time."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
