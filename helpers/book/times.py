"""Measure the quick time of every lesson on this machine, for the tables and for predictions elsewhere."""

from helpers.book import runner
from helpers.book.lessons import lessons
from helpers.common import results, speed

__all__ = ["record"]


def record() -> None:
    """Run every lesson in quick, measure the calibration loop beside it, and record both as ``times``."""
    runner.run()
    seconds = {lesson.name: runner.executed(lesson)["cpu_s"] for lesson in lessons()}
    values = {"calibration_s": round(speed.calibrate(), 4), "lessons": {k: round(v, 1) for k, v in seconds.items()}}
    path = results.record("times", values, command="python -m helpers bench times", seeds=[0], sources=[speed])
    print(path)
