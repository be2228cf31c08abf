"""Measure the quick time of every lesson on this machine, for the tables and for predictions elsewhere."""

from helpers.book import pairs, readme, runner
from helpers.book.lessons import lessons
from helpers.common import results, speed

__all__ = ["record"]


def record() -> None:
    """Run every lesson in quick, without real data, and the calibration loop; record both, and write the README."""
    pairs.run_without_data(force=True)
    seconds = {lesson.name: runner.executed(lesson, pairs.COMMITTED)["cpu_s"] for lesson in lessons()}
    values = {"calibration_s": round(speed.calibrate(), 4), "lessons": {k: round(v, 1) for k, v in seconds.items()}}
    path = results.record("times", values, command="python -m helpers bench times", seeds=[0], sources=[speed])
    readme.refresh()
    print(path)
