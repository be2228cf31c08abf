"""Measure the quick time of every lesson on this machine, for the tables and for predictions elsewhere."""

from helpers.book import readme, runner
from helpers.book.lessons import lessons
from helpers.common import results, speed

__all__ = ["record"]


def record() -> None:
    """Run every lesson in quick and the calibration loop beside it; record both as ``times`` and in the README."""
    runner.run()
    seconds = {lesson.name: runner.executed(lesson)["cpu_s"] for lesson in lessons()}
    values = {"calibration_s": round(speed.calibrate(), 4), "lessons": {k: round(v, 1) for k, v in seconds.items()}}
    path = results.record("times", values, command="python -m helpers bench times", seeds=[0], sources=[speed])
    readme.refresh()
    print(path)
