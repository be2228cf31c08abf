"""Do the claims depend on a lucky seed, or on the machine? Run all lessons under other conditions."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from helpers.book import lessons, runner, tables
from helpers.common import atomic, claims, progress, results
from helpers.common.places import BUILD, ROOT

__all__ = ["CONDITIONS", "record"]

RUNS = BUILD / "conditions"
SEEDS = (1, 2)
THREADS = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
CONDITIONS = {  # name: (parameters of the lessons, variables of the environment)
    **{f"seed {seed}": ({"SEED": seed}, {}) for seed in SEEDS},
    "two threads": ({}, THREADS),
    "no vector instructions in PyTorch": ({}, {"ATEN_CPU_CAPABILITY": "default"}),
}


def record() -> None:
    """Run every lesson in quick under each condition and record how many claims hold and which fail.

    The claims are those of the lessons with their own bounds; none is asserted. A lesson that was run under a condition
    and has not changed since is not run again.
    """
    values = {name: _count(name) for name in CONDITIONS}
    for name, value in values.items():
        print(f"{name}: {value['claims'] - len(value['fail'])} of {value['claims']} claims hold")
        print("\n".join(f"  {' '.join(map(str, claim.values()))}" for claim in value["fail"]))
    print(
        results.record(
            "conditions", values, command="python -m helpers bench conditions", seeds=list(SEEDS), sources=[__file__]
        )
    )


def _count(name: str) -> dict:
    """Return how many claims were measured under a condition, and those that fail; what is read from records is not."""
    every, at_once = lessons.lessons(), 1 if CONDITIONS[name][1] == THREADS else 2
    with ThreadPoolExecutor(at_once) as pool:
        runs = list(progress.track(pool.map(partial(_run, name), every), name, len(every)))
    checked = [(lesson, claim) for lesson, run in zip(every, runs, strict=True) for claim in run]
    checked = [pair for pair in checked if pair[1]["verdict"] != "skipped" and not claims.from_record(pair[1])]
    return {"claims": len(checked), "fail": [_failure(*pair) for pair in checked if not claims.holds(pair[1])]}


def _run(name: str, lesson: lessons.Lesson) -> list[dict]:
    """Return the claims of a lesson run under a condition; one that fails where it did not come to its end."""
    folder = RUNS / name.replace(" ", "-") / lesson.name
    changes, variables = CONDITIONS[name]
    known = lessons.parameters(lessons.read(lesson.py))
    values = {"PROFILE": "quick"} | {key: value for key, value in changes.items() if key in known}
    key = [lessons.cache_key(lesson, "quick", values), variables]
    if tables.read_json(folder / "key.json") == key:
        return tables.read_json(folder / "claims.json")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.json").unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "helpers.book.execute",
        str(lesson.py),
        str(folder / "out.ipynb"),
        json.dumps(values),
    ]
    environment = runner.environment(folder, explore=True) | variables
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if line.startswith("error ")] or done.stderr.splitlines()
        words = said[-1] if said else f"code {done.returncode}"
        return [{"name": f"the lesson stopped: {words}", "measured": None, "verdict": "fail"}]
    atomic.write_json(folder / "key.json", key)
    return tables.read_json(folder / "claims.json")


def _failure(lesson: lessons.Lesson, claim: dict) -> dict:
    kinds = ("name", "measured", "expected", "at_most", "at_least", "tolerance")
    return {"lesson": lesson.name[:2]} | {kind: claim[kind] for kind in kinds if claim.get(kind) is not None}
