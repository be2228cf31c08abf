"""One small assignment through the whole cycle: released, answered, graded, marked by hand, fed back, exported."""

import csv
import sys

import pytest

from helpers.course import cage, classroom, grading, marks

LIMITS = grading.Limits(seconds_per_cell=20, seconds=60)


class Stop:
    """A cage in which the second run is broken off from the keyboard."""

    def __init__(self):
        self.runs = 0

    def __call__(self, *_):
        self.runs += 1
        if self.runs == 2:
            raise KeyboardInterrupt
        return cage.Outcome("ok", "")


@pytest.fixture
def course(tmp_path):
    return tmp_path / "class of 2030"


def table(course):
    with marks.export(course, course / "marks.csv").open(newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_the_cycle_of_a_good_a_blank_and_a_wrong_student(small, release, answers, hand_in, course):
    for student, given in answers.items():
        handed_in = hand_in(release, student, given)
    first = grading.autograde(small, handed_in, course, LIMITS)
    assert [(graded.student, graded.flags) for graded in first] == [("blank", []), ("good", []), ("wrong", [])]

    rows = table(course)
    assert list(rows["good"]) == [
        *("student", "assignment", "walk", "msd", "mean", "automatic", "written", "total", "most", "flags")
    ]
    assert list(rows["good"].values()) == ["good", "a90", "2", "3", "1", "6", "", "6", "10", ""]
    assert list(rows["blank"].values()) == ["blank", "a90", "0", "0", "0", "0", "0", "0", "10", ""]
    assert list(rows["wrong"].values())[2:] == ["2", "0", "1", "3", "", "3", "10", ""]

    pages = grading.feedback(small, course)
    assert "the drift counts, too" in (pages / "wrong" / small / "a90.html").read_text()
    assert all((pages / student / small / "a90.html").is_file() for student in answers)

    with classroom.gradebook(course) as book:
        book.find_grade("why", small, small, "good").manual_score = 3.5
        book.db.commit()
    again = grading.autograde(small, handed_in, course, LIMITS)
    assert again == first  # nothing was done: the times are those of the first run
    hand_in(release, "wrong", answers["good"])
    third = {graded.student: graded for graded in grading.autograde(small, handed_in, course, LIMITS)}
    assert third["good"] == first[1]
    assert third["wrong"] != first[2]
    forced = grading.autograde(small, handed_in, course, LIMITS, force=True)
    assert [graded.key for graded in forced] == [third[student].key for student in sorted(answers)]
    rows = table(course)
    assert (rows["good"]["written"], rows["good"]["total"]) == ("3.5", "9.5")
    assert rows["wrong"]["automatic"] == "6"


def test_what_was_graded_before_an_interrupt_is_kept(small, release, answers, hand_in, course, monkeypatch):
    for student in ("anna", "ben", "cleo"):
        handed_in = hand_in(release, student, answers["good"])
    monkeypatch.setattr(cage, "run", Stop())
    with pytest.raises(KeyboardInterrupt):
        grading.autograde(small, handed_in, course, LIMITS)
    assert list(grading.records(course, small)) == ["anna"]
    assert [row.student for row in marks.read(course, small)] == ["anna"]
    grading.autograde(small, handed_in, course, LIMITS)
    assert cage.run.runs == 4
    assert [row.student for row in marks.read(course, small)] == ["anna", "ben", "cleo"]


def test_what_nbgrader_cannot_do_is_one_line_and_a_flag(small, release, answers, hand_in, course, monkeypatch):
    from nbgrader.preprocessors import SaveAutoGrades

    def refuse(*_):
        raise OSError("no space is left")

    handed_in = hand_in(release, "anna", answers["good"])
    monkeypatch.setattr(cage, "run", Stop())
    monkeypatch.setattr(SaveAutoGrades, "preprocess", refuse)
    (graded,) = grading.autograde(small, handed_in, course, LIMITS)
    assert graded.flags[-1] == "not graded: nbgrader: OSError: no space is left"
    (row,) = marks.read(course, small)
    assert (row.automatic, row.total) == (0, 0)


def test_without_nbgrader_there_is_one_clear_line(small, course, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.apps", None)
    with pytest.raises(
        RuntimeError, match=r"^nbgrader is not installed; install the extra: pip install -e '\.\[course\]'$"
    ):
        classroom.prepare(small, course)


def test_nothing_graded_is_said(course):
    with pytest.raises(ValueError, match="nothing of 'a90' is graded in"):
        grading.feedback("a90", course)
    with pytest.raises(ValueError, match="nothing of any assignment is graded in"):
        marks.export(course, course / "marks.csv")
