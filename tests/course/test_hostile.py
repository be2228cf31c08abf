"""Those who cheat or break: none gets marks that it did not earn, none stops the rest, each is told why."""

import nbformat
import pytest

from helpers.course import cage, grading, marks, sources, submissions

LIMITS = grading.Limits(seconds_per_cell=8, seconds=60, memory_mib=1024)
WALLED = "no network" in cage.isolation()

PATCHES = """
import numpy as np
np.testing.assert_allclose = lambda *a, **k: None
np.isclose = lambda *a, **k: True
class AssertionError(Exception): pass
walk = lambda steps: [0] * 101
msd = lambda steps: 1.0
"""
STRIP = """
import ast
class Pass(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Pass())
"""
DELETE = """
import shutil
shutil.rmtree({folder!r}, ignore_errors=True)
walk = lambda steps: np.append(0.0, np.cumsum(steps))
"""
COPY = """
import pathlib
found = [path.read_text() for path in pathlib.Path({folder!r}).rglob("*.ipynb")]
assert found, "nothing to copy from"
def walk(steps): return np.append(0.0, np.cumsum(steps))
"""
FORGE = """
import json, os, time
records = [{"cell": i, "outputs": []} for i in range(20)] + [{"sound": True}]
with open(f"/proc/{os.getppid()}/fd/1", "a") as pipe:
    pipe.write("".join(json.dumps(record) + chr(10) for record in records))
"""
KILL = """
import signal
os.kill(os.getppid(), signal.SIGKILL)
os.kill(os.getppid(), signal.SIGINT)
time.sleep(60)
"""


def edit_tests(notebook):
    for cell in notebook.cells:
        if sources.role(cell) == "tests":
            cell.source = "pass"


def delete_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if sources.role(cell) not in ("tests", "locked")]


def unlock_tests(notebook):
    for cell in notebook.cells:
        if sources.role(cell) == "tests":
            cell.metadata.nbgrader |= {"locked": False, "solution": True, "points": 100}
            cell.source = "pass"


def turn_round(notebook):
    notebook.cells[2:] = notebook.cells[:1:-1]


STUDENTS = {  # what each writes into cells, what it is to get for walk, msd, mean, and its first flag
    "loop": ({"msd": "def msd(steps):\n    while True: pass"}, "2 0 1", "too long: msd-tests"),
    "stubborn": (
        {"msd": "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"},
        "0 0 0",
        "unchecked: ",
    ),
    "bomb": ({"msd": "all_of_it = []\nwhile True: all_of_it.append(bytearray(10**8))"}, "2 0 1", "memory: msd"),
    "patched": ({"walk": PATCHES, "msd": "", "mean": ""}, "0 0 0", "tampered: AssertionError: this name"),
    "stripped": ({"walk": STRIP, "msd": "", "mean": ""}, "0 0 0", "tampered: "),
    "os-exit": ({"mean": "import os; os._exit(0)"}, "0 0 0", "unchecked: "),
    "sys-exit": ({"mean": "import sys; sys.exit(0)"}, "2 3 0", ""),
    "forges": ({"msd": FORGE}, "0 0 0", "tampered: the outcome of a cell was told twice"),
    "forges-all": ({"msd": FORGE + KILL}, "0 0 0", "unchecked: "),
    "chatty": (
        {"mean": "print('x' * 100_000_000)\nmean_step_um = float(steps_um.mean())"},
        "2 3 1",
        "output cut: mean",
    ),
    "deletes": ({"walk": DELETE}, "2 3 1", ""),
    "copies": ({"walk": COPY}, "0 3 1" if WALLED else "2 3 1", ""),
}
CHANGES = {
    "edits": (edit_tests, "edited: walk-tests"),
    "removes": (delete_tests, "missing cell: setup"),
    "unlocks": (unlock_tests, "edited: walk-tests"),
    "turns": (turn_round, ""),
}
BROKEN = {
    "nothing": (None, "missing: no notebook"),
    "broken": (b'{"cells": [', "not a notebook: "),
    "picture": (b"\x89PNG\r\n\x1a\n\x00", "not a notebook: "),
    "other": (b'{"a": 1}', "not a notebook: "),
}


def test_every_one_of_them_is_graded_as_it_deserves(small, release, answers, hand_in, tmp_path):
    good, wrong, course = answers["good"], answers["wrong"], tmp_path / "class"
    folder = str(tmp_path / "handed_in")
    for student, (cells, *_) in STUDENTS.items():
        hand_in(
            release, student, good | {label: code.replace("{folder!r}", repr(folder)) for label, code in cells.items()}
        )
    for student, (change, _) in CHANGES.items():
        hand_in(release, student, wrong, change=change)
    hand_in(release, "borrowed", good, student_id="zoe")
    hand_in(release, "borrowed-late", good, free="STUDENT_ID = 'zoe'")
    handed_in = hand_in(release, "zoe", good)
    for student, (content, _) in BROKEN.items():
        (handed_in / student).mkdir()
        if content:
            (handed_in / student / "a90.ipynb").write_bytes(content)
    before = {path: path.read_bytes() for path in handed_in.rglob("*.ipynb")}

    grading.autograde(small, handed_in, course, LIMITS)

    if WALLED:
        assert {path: path.read_bytes() for path in handed_in.rglob("*.ipynb")} == before
    rows = {row.student: row for row in marks.read(course, small)}
    got = {student: " ".join(f"{points:g}" for points in row.tasks.values()) for student, row in rows.items()}
    first = {student: (row.flags or [""])[0] for student, row in rows.items()}
    expected = {student: points for student, (_, points, _) in STUDENTS.items()}
    expected |= dict.fromkeys(CHANGES, "2 0 1") | dict.fromkeys(BROKEN, "0 0 0")
    expected |= {"borrowed": "0 0 0", "borrowed-late": "0 0 0", "zoe": "2 3 1"}
    assert got == expected
    said = {student: words for student, (*_, words) in {**STUDENTS, **CHANGES, **BROKEN}.items()}
    said |= {"borrowed": "wrong STUDENT_ID: it is 'zoe'", "borrowed-late": "wrong STUDENT_ID: it is set 2", "zoe": ""}
    fits = {
        student: first[student].startswith(words) if words else not first[student] for student, words in said.items()
    }
    assert {student: first[student] for student, right in fits.items() if not right} == {}
    graded = nbformat.read(course / "autograded" / "borrowed" / small / "a90.ipynb", as_version=4)
    assert "the folder is 'borrowed'" in graded.cells[-1].outputs[0].evalue


@pytest.mark.parametrize("link", ["a90.ipynb", "a90"])
def test_a_link_to_the_work_of_another_is_not_followed(link, small, release, answers, hand_in):
    handed_in = hand_in(release, "zoe", answers["good"])
    (handed_in / "max").mkdir()
    target = handed_in / "zoe" / ("a90.ipynb" if link == "a90.ipynb" else "")
    (handed_in / "max" / link).symlink_to(target)
    assert submissions.find(handed_in, "max", small) is None
    assert submissions.find(handed_in, "zoe", small) == (handed_in / "zoe" / "a90.ipynb").read_bytes()


def test_folders_that_hold_the_checkout_or_nothing_are_refused(small, tmp_path):
    with pytest.raises(ValueError, match="must be a folder with one folder for each student"):
        grading.autograde(small, tmp_path / "empty", tmp_path / "class")
    with pytest.raises(ValueError, match="must not hold this checkout"):
        grading.autograde(small, "/", tmp_path / "class")


def test_a_notebook_of_version_three_is_read(release):
    frame = nbformat.read(release, as_version=4)
    old = nbformat.writes(nbformat.convert(nbformat.read(release, as_version=4), 3), version=3)
    assert submissions.read(old.encode(), "reference", frame).refusal == ""
