"""How fast movies are made, measured against the original's loop in the same run on one core."""

from collections.abc import Callable
from time import process_time

import numpy as np
import torch

from helpers.common import check
from helpers.molecules import brownian, camera, original
from helpers.molecules import movies as simulator

__all__ = ["SOURCES", "movies"]

SOURCES = [brownian, camera, simulator, original]
_BATCH = 16  # movies per timed call of the fast simulator
_D_UNITS = 20.0  # the original's training value


def movies(repeats: int = 9, seed: int = 0) -> dict:
    """Return CPU times per movie (16 x 64 x 64, 10 sub-positions) and their ratios to the original's loop.

    One movie of the original and batches of ours are timed in turn, ``repeats`` times, on one thread. Each row has
    name, ours_ms, baseline_ms (medians), ratio (median of the ratios within a repeat), low, high (10 and 90 %
    quantiles of these ratios) and limit (the ratio to reach).
    """
    repeats = check.whole("repeats", repeats)
    rng = np.random.default_rng(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        contests = _contests(rng)
        times = {name: (_Clock(ours), _Clock(theirs), limit) for name, (ours, theirs, limit) in contests.items()}
        for _ in range(repeats + 1):  # the first round warms up and is dropped
            for ours, theirs, _ in times.values():
                theirs.measure(1)
                ours.measure(_BATCH)
    finally:
        torch.set_num_threads(threads)
    return {"repeats": repeats, "rows": [_row(name, *entry) for name, entry in times.items()]}


def _contests(rng) -> dict[str, tuple[Callable, Callable, float]]:
    """Return {name: (our call for _BATCH movies, the original's call for one movie, ratio to reach)}."""
    D_um2_s = _D_UNITS * original.UNIT_NM2_S * 1e-6 * (100 / original.PIXEL_NM) ** 2  # same px^2 per frame
    tracks_nm = original.tracks(_D_UNITS, _BATCH, rng)
    pixel_um = original.PIXEL_NM / 1000
    sigma_um = original.PSF_SIGMA_PX * pixel_um

    def simulate(exact):
        return simulator.simulate(D_um2_s, _BATCH, background=9.0, read_noise=1.2, exact=exact, rng=rng)

    def loop():
        return original.generate(original.tracks(_D_UNITS, 1, rng), rng)

    return {
        "end to end, exact noise": (lambda: simulate(True), loop, 25.0),
        "end to end, noise from a table": (lambda: simulate(False), loop, 150.0),
        "rendering alone": (
            lambda: simulator.render(tracks_nm / 1000, 500.0, sigma_um, pixel_um),
            lambda: original.render_on_grid(tracks_nm[:1]),
            1000.0,
        ),
    }


class _Clock:
    """CPU times per movie of one call, in ms."""

    def __init__(self, call: Callable):
        self.call = call
        self.ms: list[float] = []

    def measure(self, n_movies: int) -> None:
        """Call until 20 ms of CPU time are used, and keep the time per movie."""
        calls, start = 0, process_time()
        while process_time() - start < 0.02:
            self.call()
            calls += 1
        self.ms.append(1e3 * (process_time() - start) / (calls * n_movies))


def _row(name: str, ours: _Clock, theirs: _Clock, limit: float) -> dict:
    a, b = np.array(ours.ms[1:]), np.array(theirs.ms[1:])
    low, ratio, high = np.quantile(b / a, [0.1, 0.5, 0.9])
    return {
        "name": name,
        "ours_ms": float(np.median(a)),
        "baseline_ms": float(np.median(b)),
        "ratio": float(ratio),
        "low": float(low),
        "high": float(high),
        "limit": limit,
    }
