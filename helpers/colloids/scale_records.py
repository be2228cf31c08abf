"""Recorded run on a stack of 1 GB (``python -m helpers bench large-stack``): time, spheres and the peak of memory."""

import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from helpers.colloids import confocal, fit, optics, scale, scoring, suspension, tracking, trials
from helpers.colloids.optics import Optics
from helpers.common import results

__all__ = ["measure_large_stack"]

SHAPE = (512, 736, 736)
BLOCK_PX = 168
PHI, SNR = 0.05, 10
PSF_SIGMA_PX = (2.2, 0.9, 0.9)
PIECE_PX = (64, 96, 96)  # a chunk of the array; larger than by default, so that less is fitted twice
MIB = 2**20


def measure_large_stack() -> None:
    """Record the run of ``scale.track_chunked`` on a zarr of 1.03 GiB of float32; needs the extra ``scale``."""
    import zarr

    known = trials.configuration(PHI, 0.0, 7_800)
    d = BLOCK_PX / known.box[0]
    truth = Optics(d, PSF_SIGMA_PX, 0.1, 1.0, 1 / SNR, PHI)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stack.zarr"
        with ProcessPoolExecutor(1, get_context("spawn")) as another:  # whose memory does not count
            another.submit(_fill, path, SHAPE).result()
        array = zarr.open_array(path, mode="r")
        before = _peak_mib()
        start, cpu = time.perf_counter(), time.process_time()
        found = scale.track_chunked(array, chunks=PIECE_PX, optics=truth, folder=Path(folder) / "pieces")
        wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
        size_mib = array.nbytes / MIB
    centres = suspension.images_within(known.positions * d, known.box * d, np.zeros(3), np.array(SHAPE) - 1)[1]
    values = {
        "size_mib": size_mib,
        "shape": SHAPE,
        "piece_px": PIECE_PX,
        "spheres": len(centres),
        "score": scoring.score(found[["z", "y", "x"]], centres, d, SHAPE)._asdict(),
        "peak_mib": _peak_mib(),
        "peak_before_mib": before,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
    }
    print(values)
    sources = [confocal, fit, optics, scale, scoring, suspension, tracking, trials, __file__]
    command = "python -m helpers bench large-stack"
    print(results.record("large-stack", values, command=command, seeds=[7_800], sources=sources))


def _fill(path, shape):
    """Write a periodic image, slab after slab, each with its own noise."""
    import zarr

    known = trials.configuration(PHI, 0.0, 7_800)
    d, margin = BLOCK_PX / known.box[0], 20
    where = suspension.images_within(
        known.positions * d, known.box * d, np.full(3, -margin), np.full(3, BLOCK_PX - 1 + margin)
    )
    block = confocal.image(where[1], d, PSF_SIGMA_PX, (BLOCK_PX,) * 3, None)
    array = zarr.create_array(path, shape=shape, chunks=PIECE_PX, dtype="float32")
    rng = np.random.default_rng(7_800)
    for z in range(0, shape[0], 64):
        slab = np.tile(block[np.arange(z, z + 64) % BLOCK_PX], (1, 5, 5))[:, : shape[1], : shape[2]]
        array[z : z + 64] = slab + rng.standard_normal(slab.shape, dtype=np.float32) / SNR


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
