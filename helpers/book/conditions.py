"""Do the claims depend on a lucky seed? Run all lessons with others."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from helpers.book import lessons, runner, tables
from helpers.common import atomic, claims, progress, results
from helpers.common.places import BUILD, ROOT

__all__ = ["CONDITIONS", "record"]

RUNS = BUILD / "conditions"
CONDITIONS = {"seed 1": {"SEED": 1}, "seed 2": {"SEED": 2}}  # parameters of the lessons


def record() -> None:
    """Run every lesson in quick under each condition, two at a time, and record how many claims hold and which fail.

    The claims are those of the lessons with their own bounds; none is asserted. A lesson that was run under a condition
    and has not changed since is not run again.
    """
    tasks = [(name, lesson) for name in CONDITIONS for lesson in lessons.lessons()]
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda task: _run(*task), tasks)
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
            "conditions", values, command="python -m helpers bench conditions", seeds=[1, 2], sources=[__file__]
        )
    )


def _run(name: str, lesson: lessons.Lesson) -> list[dict]:
    """Return the claims of a lesson run under a condition; one that fails where it did not come to its end."""
    folder = RUNS / name.replace(" ", "-") / lesson.name
    values = {
        key: value for key, value in CONDITIONS[name].items() if key in lessons.parameters(lessons.read(lesson.py))
    }
    values["PROFILE"] = "quick"
    key = lessons.cache_key(lesson, "quick", values)
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
    environment = runner.environment(folder, explore=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = (done.stdout + done.stderr).strip().splitlines()[-1]
        return [{"name": f"the lesson stopped: {words}", "measured": None, "verdict": "fail"}]
    atomic.write_json(folder / "key.json", key)
    return tables.read_json(folder / "claims.json")


def _failure(lesson: lessons.Lesson, claim: dict) -> dict:
    kinds = ("name", "measured", "expected", "at_most", "at_least", "tolerance")
    return {"lesson": lesson.name[:2]} | {kind: claim[kind] for kind in kinds if claim.get(kind) is not None}
