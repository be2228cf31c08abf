"""Killed work ends right; ``make faults`` kills it more often. The killer itself finds work that does not."""

import importlib
import os

import numpy as np
import pytest

from helpers import faults
from helpers.common import results
from helpers.fault_jobs import JOBS, Job

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

PLANTED = """
import time

def half(folder):
    with (folder / "table").open("w") as stream:
        for part in ("one half, ", "the other"):
            stream.write(part)
            stream.flush()
            time.sleep(0.3)

def twice(folder):
    for k in range(10):
        with (folder / "lines").open("a") as stream:
            stream.write(f"{k} ")
        time.sleep(0.06)
    (folder / "lines").rename(folder / "table")

def locked(folder):
    (folder / "lock").mkdir()
    time.sleep(0.6)
    (folder / "table").write_text("whole")
    (folder / "lock").rmdir()

def forgotten(folder):
    if not (folder / "begun").exists():
        (folder / "begun").touch()
        time.sleep(0.6)
        (folder / "table").write_text("whole")
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted_jobs.py").write_text(PLANTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("planted_jobs")


def table(folder):
    return {path.name: path.read_text() for path in folder.glob("table")}


def test_five_kills_over_all_jobs_change_nothing():
    rows = faults.strike_all(5, seed=0)
    assert [row["job"] for row in rows] == ["training", "notebook", "download", "tracking"] == list(JOBS)
    assert [row["kills"] for row in rows] == [2, 1, 1, 1]
    assert all(row["restarts"] >= 1 and 0 <= row["redone"] <= 1 for row in rows)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("half", "what a kill has left is wrong: table"),
        ("twice", "what a kill has left is wrong: table"),
        ("locked", r"it ended with code 1: FileExistsError: .*lock"),
        ("forgotten", "a restart ended, but not all of the result is there"),
    ],
)
def test_work_that_cannot_be_killed_is_found(planted, name, words):
    with pytest.raises(faults.Fault, match=words):
        faults.strike(Job(getattr(planted, name), table), 30, np.random.default_rng(0))


def test_what_cannot_be_read_is_a_fault(planted):
    def read(folder):
        return {"table": int((folder / "table").read_text() == "one half, the other") or 1 // 0}

    with pytest.raises(faults.Fault, match=r"what a kill has left cannot be read \((ZeroDivision|FileNotFound)Error"):
        faults.strike(Job(planted.half, read), 30, np.random.default_rng(0))


def test_a_kill_after_the_end_does_not_count(monkeypatch):
    asked, counted = [], []

    def run(_work, folder, kill_after_s=None):
        asked.append((folder.name, kill_after_s))
        return 2.0 if kill_after_s is None or kill_after_s > 1 else None

    monkeypatch.setattr(faults, "_run", run)
    row = faults.strike(Job(len, lambda _: {"table": 1}), 40, np.random.default_rng(0), lambda: counted.append(1))
    moments = [moment for _, moment in asked if moment is not None]
    assert row["kills"] == len(counted) == sum(moment <= 1 for moment in moments) == 40
    assert len(moments) > 60
    assert max(moments) < 2
    killed = {folder for folder, moment in asked if moment is not None and moment <= 1}
    ended = [folder for folder, moment in asked[2:] if moment is None]
    assert sorted(ended) == sorted(killed), "every folder with a kill is worked on to the end, once"
    assert 1 < row["restarts"] == len(ended) < 40, "some restarts are killed, too"


def test_too_few_kills_are_refused():
    with pytest.raises(ValueError, match="kills"):
        faults.strike_all(3, seed=0)


def test_the_record_holds_fifty_kills_and_all_jobs():
    rows = results.read("faults")["values"]["jobs"]
    assert sum(row["kills"] for row in rows) >= 50
    assert {row["job"] for row in rows} == set(JOBS)
