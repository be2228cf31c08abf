"""How fast is this machine: one fixed piece of work, timed in CPU seconds, so that run times can be predicted."""

import time

import numpy as np
from threadpoolctl import threadpool_limits

__all__ = ["calibrate", "predict"]


def _work() -> float:
    """Do a fixed mix of what the lessons do: interpreted loops, random numbers, element-wise maths, matrix products."""
    rng = np.random.default_rng(0)
    total = sum(i * i % 7 for i in range(400_000))
    values = rng.standard_normal((400, 4000))
    total += np.exp(-(values**2)).sum() + np.cumsum(values, axis=1)[:, -1].sum()
    matrix = values[:, :400]
    for _ in range(6):
        total += np.trace(matrix @ matrix.T)
    return float(total)


def calibrate(repeats: int = 3) -> float:
    """Return the CPU seconds of the fixed piece of work on one thread: the least of ``repeats`` runs."""
    times = []
    with threadpool_limits(1):
        for _ in range(repeats):
            start = time.process_time()
            _work()
            times.append(time.process_time() - start)
    return min(times)


def predict(reference: dict, here_s: float) -> dict[str, float]:
    """Return the expected CPU seconds of each lesson here, from a recorded run of ``python -m helpers bench times``.

    ``reference`` holds ``calibration_s`` and ``lessons`` ({name: CPU seconds}) of the machine that recorded them.
    """
    ratio = here_s / reference["calibration_s"]
    return {name: seconds * ratio for name, seconds in reference["lessons"].items()}
