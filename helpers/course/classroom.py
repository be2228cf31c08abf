"""One class in the folders and the gradebook of nbgrader, which is started quietly and fails in one line."""

import contextlib
import logging
import os
import sysconfig
import warnings
from pathlib import Path

import nbformat

from helpers.common import atomic
from helpers.common.places import BUILD
from helpers.course import sources

__all__ = ["COURSE", "Refused", "folder", "gradebook", "prepare", "quiet"]

COURSE = BUILD / "course"


class Refused(RuntimeError):
    """What nbgrader could not do, in its last words."""


@contextlib.contextmanager
def quiet():
    """Silence nbgrader inside of this; what goes wrong there is a Refused with the last line of its log.

    Raises Refused where nbgrader is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import nbgrader.apps  # the converters need it first
            import nbgrader.utils
            import traitlets.log
        except ImportError:
            raise Refused("nbgrader is not installed; install the extra: pip install -e '.[course]'") from None
        path = [sysconfig.get_path("scripts"), *os.get_exec_path()]  # nbgrader calls `alembic` by its name
        log, words = traitlets.log.get_logger(), _Words()
        before = log.level, log.propagate, log.handlers
        log.handlers, log.propagate = [words], False
        log.setLevel(logging.ERROR)
        try:
            with nbgrader.utils.setenv(PATH=os.pathsep.join(path)):
                yield
        except (Exception, SystemExit) as error:
            reason = words.reason or str(error) or type(error).__name__
            raise Refused(f"nbgrader: {reason.strip().splitlines()[-1]}") from error
        finally:
            log.setLevel(before[0])
            log.propagate, log.handlers = before[1:]


class _Words(logging.Handler):
    """Keeps the last traceback of a log."""

    reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if "Traceback" in message:
            self.reason = message


def folder(course: Path, assignment: str, student: str = "*"):
    """Return nbgrader's view of a class, one assignment of it, and all students or one. To be called in quiet()."""
    from nbgrader.coursedir import CourseDirectory

    return CourseDirectory(root=str(Path(course).resolve()), assignment_id=assignment, student_id=student)


@contextlib.contextmanager
def gradebook(course: Path):
    """Open the gradebook of a class; ValueError where there is none."""
    path = Path(course).resolve() / "gradebook.db"
    if not path.is_file():
        raise ValueError(f"{course} holds no gradebook; autograde an assignment first")
    with quiet():
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{path}") as book:
            yield book


def prepare(name: str, course: Path) -> Path:
    """Enter an assignment into a class, again if its master changed; return its release.

    Raises ValueError with one line for each flaw of the master, Refused if tasks came or went after students handed in.
    """
    flaws = sources.flaws(name)
    if flaws:
        raise ValueError("\n".join(flaws))
    source, release = (Path(course) / step / name / f"{name}.ipynb" for step in ("source", "release"))
    text = nbformat.writes(sources.read(name)) + "\n"
    if not (release.is_file() and source.is_file() and source.read_text(encoding="utf-8") == text):
        release.unlink(missing_ok=True)
        atomic.write_text(source, text)
        with quiet():
            from nbgrader.converters import GenerateAssignment

            GenerateAssignment(coursedir=folder(course, name), force=True).start()
    return release
