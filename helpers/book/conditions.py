"""Do the claims depend on a lucky seed, on the number of threads, or on the processor? Run all lessons otherwise."""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpers.book import lessons, runner
from helpers.common import claims, progress, results
from helpers.common.places import ROOT

__all__ = ["CONDITIONS", "record"]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
CONDITIONS = {  # parameters of the lessons, and the environment they run in
    "seed 1": ({"SEED": 1}, {}),
    "seed 2": ({"SEED": 2}, {}),
    "two threads, without vector instructions": ({}, dict.fromkeys(THREADS, "2") | {"ATEN_CPU_CAPABILITY": "default"}),
}


def record() -> None:
    """Run every lesson in quick under each condition, two at a time, and record how many claims hold and which fail.

    The claims are those of the lessons with their own bounds; none is asserted.
    """
    tasks = [(name, lesson) for name in CONDITIONS for lesson in lessons.lessons()]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda task: _run(*task, Path(folder) / task[0].replace(" ", "-") / task[1].name), tasks)
        made = list(progress.track(runs, "conditions", len(tasks)))
    values = {name: {"claims": 0, "fail": []} for name in CONDITIONS}
    for (name, lesson), found in zip(tasks, made, strict=True):
        checked = [claim for claim in found if claim["verdict"] != "skipped"]
        values[name]["claims"] += len(checked)
        values[name]["fail"] += [_failure(lesson, claim) for claim in checked if not claims.holds(claim)]
    for name, value in values.items():
        print(f"{name}: {value['claims'] - len(value['fail'])} of {value['claims']} claims hold")
        print("\n".join(f"  {' '.join(map(str, claim.values()))}" for claim in value["fail"]))
    print(
        results.record(
            "conditions", values, command="python -m helpers bench conditions", seeds=[1, 2, 0], sources=[__file__]
        )
    )


def _run(name: str, lesson, folder: Path) -> list[dict]:
    """Return the claims of a lesson run under a condition; one that fails where it did not come to its end."""
    folder.mkdir(parents=True)
    changes, extra = CONDITIONS[name]
    values = {key: value for key, value in changes.items() if key in lessons.parameters(lessons.read(lesson.py))}
    command = [sys.executable, "-m", "helpers.book.execute", str(lesson.py), str(folder / "out.ipynb")]
    environment = runner.environment(folder, explore=True) | extra
    done = subprocess.run(
        [*command, json.dumps({**values, "PROFILE": "quick"})],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        words = (done.stdout + done.stderr).strip().splitlines()[-1]
        return [{"name": f"the lesson stopped: {words}", "measured": None, "verdict": "fail"}]
    return json.loads((folder / "claims.json").read_text(encoding="utf-8"))


def _failure(lesson, claim: dict) -> dict:
    kinds = ("name", "measured", "expected", "at_most", "at_least", "tolerance")
    return {"lesson": lesson.name[:2]} | {kind: claim[kind] for kind in kinds if claim.get(kind) is not None}
