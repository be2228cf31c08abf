"""A class of three, good, blank and wrong, goes through the whole cycle of every assignment."""

import csv
import tomllib

import pytest

from helpers.common.places import ROOT
from helpers.course import classroom, grading, marks, sources

NAMES = sources.assignments()


def answers(name):
    """Return what three students write: the reference, nothing, and the first mistake listed for each task."""
    kinds = ("solution", "written")
    good = {sources.identity(c): c.source for c in sources.read(name).cells if sources.role(c) in kinds}
    listed = tomllib.loads((ROOT / "tests" / "course" / "wrong" / f"{name}.toml").read_text(encoding="utf-8"))["wrong"]
    wrong = {answer["task"]: answer for answer in reversed(listed)}
    return {"good": good, "blank": {}, "wrong": {task: a["code"] for task, a in wrong.items()}}, wrong


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xdist_group(f"class {name}")) for name in NAMES])
def test_a_class_of_three(name, hand_in, tmp_path):
    given, mistakes = answers(name)
    course = tmp_path / "class"
    release = classroom.prepare(name, course)
    for student, written in given.items():
        handed_in = hand_in(release, student, written)
    graded = grading.autograde(name, handed_in, course)
    assert {one.student: one.flags for one in graded} == {"blank": [], "good": [], "wrong": []}

    most = sum(points for test, points in sources.points(sources.read(name)).items() if test != "why")
    with marks.export(course, course / "marks.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert float(rows["good"]["automatic"]) == most
    assert float(rows["blank"]["automatic"]) == 0
    full = {task: float(rows["good"][task]) for task in mistakes}
    assert all(float(rows["wrong"][task]) < full[task] for task in mistakes)

    pages = grading.feedback(name, course)
    page = (pages / "wrong" / name / f"{name}.html").read_text(encoding="utf-8")
    assert [a["mistake"] for a in mistakes.values() if a["says"][:25] not in page.replace("&#39;", "'")] == []
