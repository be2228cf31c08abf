"""Faults: real work is killed at random moments, begun again, and compared with the same work left in peace."""

import itertools
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from helpers import fault_jobs
from helpers.common import check, progress, results
from helpers.fault_jobs import JOBS, Job

__all__ = ["Fault", "run_faults", "strike", "strike_all"]

AGAIN = 0.25  # share of the restarts that are killed, too
LONGEST_S = 900
SLOW_TO_IMPORT = ["helpers.faults", "lightning_fabric", "requests"]


class Fault(RuntimeError):
    """Something half-written could be read, or a restart did not end with the right result."""


def run_faults(kills: int = 50, seed: int = 0) -> None:
    """Kill training, notebook runs, downloads and tracking, record how often, and print what came of it."""
    rows = strike_all(kills, seed)
    sources = [__file__, fault_jobs]
    print(results.record("faults", {"jobs": rows}, command="python -m helpers faults", seeds=[seed], sources=sources))
    print(f"{'job':<10} {'kills':>6} {'restarts':>9} {'redone':>7}")
    for row in rows:
        print(f"{row['job']:<10} {row['kills']:>6} {row['restarts']:>9} {row['redone']:>7.0%}")
    print(f"{kills} kills; every restart ended with the right result, nothing half-written was read")


def strike_all(kills: int, seed: int) -> list[dict]:
    """Spread the kills evenly over the jobs and return a row for each, as from ``strike``."""
    check.whole("kills", kills, at_least=len(JOBS))
    bar, rows = progress.bar("faults", kills, "kill"), []
    try:
        for k, (name, job) in enumerate(JOBS.items()):
            share = kills // len(JOBS) + (k < kills % len(JOBS))
            rows.append({"job": name} | strike(job, share, np.random.default_rng([seed, k]), bar.update))
    except Fault as fault:
        raise Fault(f"{name}: {fault} (seed {seed})") from fault
    finally:
        bar.close()
    return rows


def strike(job: Job, kills: int, rng: np.random.Generator, tick: Callable[[], object] = lambda: None) -> dict:
    """Kill a job ``kills`` times, at moments drawn evenly over the time it takes, and let it end after every few.

    Return the numbers of kills and of restarts that ended, and the median share of the work that a kill destroyed. A
    kill that comes after the end does not count. ``Fault`` if anything differs from the undisturbed job.
    """
    redone, restarts = [], 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folders = _folders(Path(scratch))
        _run(repr, next(folders))  # the first process waits for slow imports
        peaceful = next(folders)
        duration_s = _run(job.work, peaceful)
        truth = job.read(peaceful)
        while len(redone) < kills:
            folder, kept, struck = next(folders), 0.0, False
            while len(redone) < kills and (not struck or rng.random() < AGAIN):
                moment = rng.random()
                if _run(job.work, folder, moment * duration_s) is not None:
                    break
                before, kept, struck = kept, _share(job, folder, truth), True
                redone.append(float(np.clip(before + moment - kept, 0, 1)))
                tick()
            if struck:
                _run(job.work, folder)
                if _share(job, folder, truth) < 1:
                    raise Fault("a restart ended, but not all of the result is there")
                restarts += 1
    return {"kills": kills, "restarts": restarts, "redone": float(np.median(redone)), "undisturbed_s": duration_s}


def _folders(scratch: Path) -> Iterator[Path]:
    for number in itertools.count():
        folder = scratch / str(number)
        folder.mkdir()
        yield folder


def _share(job: Job, folder: Path, truth: dict) -> float:
    """Return the share of the result that can be read; ``Fault`` if any of it is not as in the undisturbed job."""
    try:
        found = job.read(folder)
    except Exception as error:
        raise Fault(f"what a kill has left cannot be read ({type(error).__name__}: {error})") from error
    wrong = [name for name, value in found.items() if name not in truth or truth[name] != value]
    if wrong:
        raise Fault(f"what a kill has left is wrong: {', '.join(wrong)}")
    return len(found) / len(truth)


def _run(work: Callable, folder: Path, kill_after_s: float | None = None) -> float | None:
    """Work in a new process and group, and return the seconds it took, or None where it was killed before its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(SLOW_TO_IMPORT)
    process, begin = context.Process(target=_alone, args=(work, folder)), time.monotonic()
    process.start()
    try:
        process.join(LONGEST_S if kill_after_s is None else kill_after_s)
        seconds = time.monotonic() - begin
    finally:
        if process.is_alive():
            with suppress(ProcessLookupError):  # it has no group of its own yet
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
    if process.exitcode == -signal.SIGKILL and kill_after_s is not None:
        return None
    if process.exitcode:
        words = folder.with_suffix(".log").read_text(encoding="utf-8").splitlines()
        raise Fault(f"it ended with code {process.exitcode}: {words[-1] if words else 'no words'}")
    return seconds


def _alone(work: Callable, folder: Path) -> None:
    os.setsid()
    multiprocessing.set_start_method("fork", force=True)  # locks without names: a killed process leaves none behind
    sys.stdout = sys.stderr = folder.with_suffix(".log").open("w", encoding="utf-8")
    work(folder)
