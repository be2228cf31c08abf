"""Grade a class: every submission by nbgrader, its code in the cage, one bad one never stopping the rest."""

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nbformat

from helpers.common import atomic
from helpers.common.places import ROOT
from helpers.common.progress import track
from helpers.course import cage, classroom, execute, outcome, sources, submissions

__all__ = ["LIMITS", "Graded", "Limits", "autograde", "feedback", "records"]


class Limits(NamedTuple):
    """What the code of one submission may use: seconds of the clock, and MiB of memory for each process."""

    seconds_per_cell: float = 60
    seconds: float = 300
    memory_mib: int = cage.MEMORY_MIB


LIMITS = Limits()


class Graded(NamedTuple):
    """One submission that was graded: what there is to say about it, how long it took, and what it depended on."""

    student: str
    assignment: str
    flags: list[str]
    seconds: float
    key: str


def autograde(
    assignment: str,
    handed_in: Path,
    course: Path = classroom.COURSE,
    limits: Limits = LIMITS,
    force: bool = False,
) -> list[Graded]:
    """Grade what lies in ``handed_in``, one folder for each student, into the gradebook of the class ``course``.

    What is unchanged since it was graded is left as it is, unless forced; marks given by hand are kept in any case.
    A submission that cannot be graded, or was tampered with, gets no automatic marks and a flag that says why.
    """
    handed_in, course = Path(handed_in).resolve(), Path(course).resolve()
    if ROOT.is_relative_to(handed_in) or ROOT.is_relative_to(course):
        raise ValueError("the folders of submissions and of the class must not hold this checkout")
    names = submissions.student_ids(handed_in)
    release = nbformat.read(classroom.prepare(assignment, course), as_version=4)
    master = (course / "source" / assignment / f"{assignment}.ipynb").read_bytes()
    hide = (handed_in, course, sources.MASTERS, ROOT / "tests", ROOT / ".git")
    done, graded = records(course, assignment), []
    for student in track(names, assignment):
        content = submissions.find(handed_in, student, assignment)
        key = hashlib.sha256(repr((content, master, limits)).encode()).hexdigest()
        if force or student not in done or done[student].key != key:
            submission = submissions.read(content, student, release)
            graded.append(_grade(submission, student, assignment, course, limits, hide, key))
        else:
            graded.append(done[student])
    return graded


def records(course: Path, assignment: str) -> dict[str, Graded]:
    """Return what was graded until now in one assignment of a class, by student."""
    paths = sorted((Path(course) / "graded" / assignment).glob("*.json"))
    found = [Graded(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return {graded.student: graded for graded in found}


def _grade(submission, student, assignment, course, limits, hide, key) -> Graded:
    """Grade one submission; whatever goes wrong becomes a flag, and the record is written last."""
    note = course / "graded" / assignment / f"{student}.json"
    note.unlink(missing_ok=True)
    start, flags = time.monotonic(), list(submission.flags)

    def run(notebook, resources):
        flags.extend(_run(notebook, submission.refusal, limits, hide))
        return notebook, resources

    try:
        place = course / "submitted" / student / assignment / f"{assignment}.ipynb"
        atomic.write_text(place, nbformat.writes(submission.notebook))
        with classroom.quiet():
            from nbgrader.converters import Autograde
            from nbgrader.preprocessors import Execute

            steps = [run if step is Execute else step for step in Autograde.autograde_preprocessors.default_args[0]]
            where = classroom.folder(course, assignment, student)
            Autograde(coursedir=where, force=True, autograde_preprocessors=steps).start()
    except (classroom.Refused, OSError) as error:
        flags.append(f"not graded: {error}")
    graded = Graded(student, assignment, flags, round(time.monotonic() - start, 1), key)
    atomic.write_json(note, graded._asdict())
    return graded


def _run(notebook, refusal: str, limits: Limits, hide) -> list[str]:
    """Execute a notebook in the cage; put what came out into it and return flags. Its sources stay as they are."""
    if refusal:
        outcome.fail(notebook, "NotGraded", refusal)
        return []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        scratch = place / "scratch"
        scratch.mkdir()
        given, told = place / "given.ipynb", place / "told.jsonl"
        given.write_text(nbformat.writes(notebook), encoding="utf-8")
        command = [sys.executable, "-m", execute.__name__, f"--seconds-per-cell={limits.seconds_per_cell}"]
        with given.open("rb") as question, told.open("ab") as answer:
            end = cage.run(command, scratch, limits.seconds, limits.memory_mib, hide, question, answer)
        rest = outcome.collect(notebook, told, end.ended)
    distrust = _distrust(notebook, rest, end)
    if distrust:
        outcome.fail(notebook, "NotGraded", distrust, graded_only=True)
    return [distrust, *_limits_met(notebook, end)] if distrust else _limits_met(notebook, end)


def _distrust(notebook, rest: dict, end: cage.Outcome) -> str:
    """Return why what came out of a notebook earns no automatic marks; "" where nothing speaks against it."""
    asked = [cell for cell in notebook.cells if sources.identity(cell) == "integrity"]
    wrong = [output for cell in asked for output in cell.outputs if output.output_type == "error"]
    if end.ended == "failed":
        return f"unchecked: grading broke off, {(end.words.splitlines() or ['without words'])[-1]}"
    if wrong and wrong[0].ename in ("NotRun", "Died"):
        return f"unchecked: the cell that looks after the graders did not answer; {wrong[0].evalue}"
    if wrong:
        return f"tampered: {wrong[0].evalue}"
    if rest["twice"]:
        return "tampered: the outcome of a cell was told twice"
    return "" if rest.get("sound") else "tampered: an assertion that must fail passed"


def _limits_met(notebook, end: cage.Outcome) -> list[str]:
    """Return which limits an executed notebook met, and in which cells."""
    flags = ["too long: the notebook"] if end.ended == "too long" else []
    for cell in notebook.cells:
        where = sources.identity(cell) or "a free cell"
        for output in cell.get("outputs", []):
            name = output.get("ename")
            if name in ("TooLong", "MemoryError", "Died"):
                words = {"TooLong": "too long", "MemoryError": "memory", "Died": f"died ({output.evalue})"}[name]
                flags.append(f"{words}: {where}")
            if execute.CUT in output.get("text", ""):
                flags.append(f"output cut: {where}")
    return flags


def feedback(assignment: str, course: Path = classroom.COURSE) -> Path:
    """Write ``feedback/STUDENT/aNN/aNN.html`` for every graded submission of an assignment; return that folder.

    Raises Refused, after all others are written, for those that could not be.
    """
    course, bad = Path(course).resolve(), []
    done = records(course, assignment)
    if not done:
        raise ValueError(f"nothing of {assignment!r} is graded in {course}; autograde it first")
    for student in track(done, f"{assignment} feedback"):
        try:
            with classroom.quiet():
                from nbgrader.converters import GenerateFeedback

                where = classroom.folder(course, assignment, student)
                GenerateFeedback(coursedir=where, force=True).start()
        except classroom.Refused as error:
            bad.append(f"{student}: {error}")
    if bad:
        raise classroom.Refused("; ".join(bad))
    return course / "feedback"
