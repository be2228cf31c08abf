"""Recorded comparison of lesson 07: the cost of two-point statistics (``python -m helpers bench two-point``)."""

import time

import numpy as np
import torch

from helpers.common import results
from helpers.textures import statistics

__all__ = ["measure_two_point"]

N_IMAGES, SIZE = 64, 224
REPEATS = 7
INSTALL = "pip install pymks 'setuptools<81' pandas pyarrow"


def measure_two_point() -> None:
    """Record CPU times of two-point statistics, medians of interleaved repeats: the bare FFT, ours, and PyMKS.

    64 random images of 224 x 224, one thread; PyMKS as its manual calls it, with arrays in float64, and in ``chunked``
    with the dask chunks and the scheduler that were fastest here. RuntimeError where PyMKS is not installed.
    """
    pymks, dask = _pymks()
    torch.set_num_threads(1)  # two threads beside another busy process wait for each other
    images = (np.random.default_rng(0).random((N_IMAGES, SIZE, SIZE)) < 0.3).astype(float)
    single, double = torch.from_numpy(images).float(), torch.from_numpy(images)

    def chunked(periodic):
        lazy = dask.array.from_array(images, chunks=(8, SIZE, SIZE))
        with dask.config.set(scheduler="synchronous"):
            return np.asarray(pymks.two_point_stats(lazy, lazy, periodic_boundary=periodic))

    ways = {
        "bare float32": lambda: torch.fft.irfft2(torch.fft.rfft2(single)),
        "bare float64": lambda: torch.fft.irfft2(torch.fft.rfft2(double)),
        "ours float32": lambda: statistics.two_point(single),
        "ours float64": lambda: statistics.two_point(double),
        "ours float64, arrays": lambda: statistics.two_point(images),
        "ours float32, not periodic": lambda: statistics.two_point(single, periodic=False),
        "PyMKS": lambda: np.asarray(pymks.two_point_stats(images, images)),
        "PyMKS, chunked": lambda: chunked(True),
        "PyMKS, not periodic": lambda: np.asarray(pymks.two_point_stats(images, images, periodic_boundary=False)),
        "PyMKS, chunked, not periodic": lambda: chunked(False),
    }
    difference = _difference(ways["ours float64, arrays"](), ways["PyMKS"]())
    times = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    cpu_s = {name: float(np.median(each)) for name, each in times.items()}
    for name, median in cpu_s.items():
        print(f"{name:<30} {1e3 * median:7.0f} ms", flush=True)
    values = {
        "n_images": N_IMAGES,
        "size": SIZE,
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "pymks": pymks.__version__,
        "cpu_s": cpu_s,
        "lowest_s": {name: min(each) for name, each in times.items()},
        "ratios": _ratios(cpu_s),
        "largest_difference": difference,
    }
    command = "python -m helpers bench two-point"
    print(results.record("two-point", values, command=command, seeds=[0], sources=[statistics, __file__]))


def _pymks():
    """Return the modules pymks and dask."""
    try:
        import dask
        import dask.array
        import pymks
    except ImportError as error:
        raise RuntimeError(
            f"PyMKS cannot be imported ({error}); it wants old packages, so in an environment of its own: {INSTALL}"
        ) from error
    return pymks, dask


def _difference(ours, theirs):
    """Return the largest difference on the lags that both have: of even grids PyMKS leaves the farthest lag out."""
    height, width = theirs.shape[-2:]
    row, column = SIZE // 2 - height // 2, SIZE // 2 - width // 2
    return float(np.abs(ours[:, row : row + height, column : column + width] - theirs).max())


def _ratios(cpu_s):
    """Return ours over the bare FFT, and PyMKS over ours, the faster of the two ways to call it."""
    theirs = min(cpu_s["PyMKS"], cpu_s["PyMKS, chunked"])
    padded = min(cpu_s["PyMKS, not periodic"], cpu_s["PyMKS, chunked, not periodic"])
    return {
        "ours / bare, float32": cpu_s["ours float32"] / cpu_s["bare float32"],
        "ours / bare, float64": cpu_s["ours float64"] / cpu_s["bare float64"],
        "PyMKS / ours float64": theirs / cpu_s["ours float64"],
        "PyMKS / ours float64, arrays": theirs / cpu_s["ours float64, arrays"],
        "PyMKS / ours float32": theirs / cpu_s["ours float32"],
        "PyMKS / ours float32, not periodic": padded / cpu_s["ours float32, not periodic"],
        "PyMKS as called / ours float64": cpu_s["PyMKS"] / cpu_s["ours float64"],
        "PyMKS as called / ours float32": cpu_s["PyMKS"] / cpu_s["ours float32"],
        "PyMKS as called / ours float32, not periodic": cpu_s["PyMKS, not periodic"]
        / cpu_s["ours float32, not periodic"],
    }
