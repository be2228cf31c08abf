"""``python -m helpers course``: release the assignments, grade a class, write feedback, export marks."""

import argparse

from helpers.course import cage, classroom, grading, marks, releases

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Do the action that was chosen."""
    ACTIONS[options.action](options)


def _release(options) -> None:
    folder = options.into or releases.RELEASES
    for path in releases.release(options.assignment, folder):
        print(path)
    if options.zip:
        print(releases.bundle(options.zip, folder))


def _autograde(options) -> None:
    given = {name: getattr(options, name) for name in grading.Limits._fields}
    for name, value in given.items():
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"--{name.replace('_', '-')} must be a positive number, got {value}")
    limits = grading.LIMITS._replace(**{name: value for name, value in given.items() if value is not None})
    print(f"Grading: {cage.isolation()}.")
    course = options.course or classroom.COURSE
    graded = grading.autograde(options.assignment, options.submissions, course, limits, options.force)
    seconds = {one.student: one.seconds for one in graded}
    for row in marks.read(course, options.assignment):
        if row.student in seconds:
            waits = ", written question to be marked" if row.written is None else ""
            flags = " | " + "; ".join(row.flags) if row.flags else ""
            print(f"{row.student:<20} {row.total:g} of {row.most:g}{waits} ({seconds[row.student]:.0f} s){flags}")


def _feedback(options) -> None:
    print(f"feedback lies in {grading.feedback(options.assignment, options.course or classroom.COURSE)}")


def _export(options) -> None:
    course = options.course or classroom.COURSE
    print(marks.export(course, options.to or course / "marks.csv"))


ACTIONS = {"release": _release, "autograde": _autograde, "feedback": _feedback, "export": _export}
