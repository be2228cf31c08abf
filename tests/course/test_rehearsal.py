"""The graders of every assignment are tested: right answers get all points, blank ones none, wrong ones their words."""

import ast
import functools
import importlib
import time
import tomllib

import pytest

from helpers.common.places import ROOT
from helpers.common.widgets import Widget
from helpers.course import sources
from helpers.course.rehearsal import Rehearsal

for path in sorted((ROOT / "helpers").glob("*/widgets.py")):
    importlib.import_module(f"helpers.{path.parent.name}.widgets")
NAMES = sources.assignments()
WRONG = ROOT / "tests" / "course" / "wrong"
CPU_S = 20


def listed(kind):
    """Return all answers of a kind, "wrong" or "right", with the name of their assignment."""
    found = []
    for path in sorted(WRONG.glob("*.toml")):
        found += [(path.stem, answer) for answer in tomllib.loads(path.read_text(encoding="utf-8")).get(kind, [])]
    return found


def grouped(pairs):
    """Return parameters of which those of one assignment run in one process, where it is rehearsed once."""
    return [
        pytest.param(
            name, answer, id=f"{name} {answer['task']}: {answer['mistake']}", marks=pytest.mark.xdist_group(name)
        )
        for name, answer in pairs
    ]


@functools.cache
def timed(name):
    start = time.process_time()
    rehearsal = Rehearsal(name, "student-1")
    return rehearsal, time.process_time() - start


@pytest.fixture(scope="module", autouse=True)
def _once():
    """Keep one rehearsal of each assignment for all tests of this module."""
    yield
    timed.cache_clear()


def test_there_are_assignments_and_answers():
    assert NAMES
    assert [name for name, _ in listed("wrong")]


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES])
class TestAssignment:
    def test_it_keeps_the_rules(self, name):
        assert sources.flaws(name) == []
        assert (WRONG / f"{name}.toml").is_file()

    def test_a_live_figure_is_part_of_it(self, name):
        code = "\n".join(cell.source for cell in sources.read(name).cells if cell.cell_type == "code")
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        called = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
        assert called & {kind.__name__ for kind in Widget.__subclasses__()}

    def test_it_is_quick(self, name):
        assert timed(name)[1] < CPU_S

    @pytest.mark.parametrize("student", ["student-1", "anna.b"])
    def test_the_reference_gets_all_points(self, name, student):
        rehearsal = timed(name)[0] if student == "student-1" else Rehearsal(name, student)
        assert {label: mark for label, mark in rehearsal.reference.items() if mark.message} == {}
        assert {mark.points == mark.most for mark in rehearsal.reference.values()} == {True}

    def test_a_blank_gets_none(self, name):
        rehearsal = timed(name)[0]
        for task in rehearsal.tasks:
            marks = rehearsal.blank(task)
            assert marks
            assert all(mark.points == 0 < mark.most for mark in marks.values()), task

    def test_every_task_has_three_wrong_answers_and_a_right_one(self, name):
        for task in timed(name)[0].tasks:
            count = {kind: sum((name, task) == (n, a["task"]) for n, a in listed(kind)) for kind in ("wrong", "right")}
            assert count["wrong"] >= 3, task
            assert count["right"] >= 1, task


@pytest.mark.parametrize(("name", "wrong"), grouped(listed("wrong")))
def test_a_wrong_answer_loses_points_with_the_words_meant_for_it(name, wrong):
    marks = timed(name)[0].try_answer(wrong["task"], wrong["code"])
    lost = [mark.message for mark in marks.values() if mark.points < mark.most]
    assert any(wrong["says"] in message for message in lost), lost


@pytest.mark.parametrize(("name", "right"), grouped(listed("right")))
def test_a_right_but_unusual_answer_gets_all_points(name, right):
    marks = timed(name)[0].try_answer(right["task"], right["code"])
    assert all(mark.points == mark.most for mark in marks.values()), marks
