"""Stacks larger than memory: tracked piece by piece, with a margin, one set of optics and no statistic of a piece.

Each sphere is kept by the one piece whose half-open core holds its centre, so that none is lost or counted twice.
"""

import hashlib
import itertools
import json
import mmap
import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.colloids import tracking
from helpers.colloids.optics import KERNEL, Optics
from helpers.common import atomic, check, progress

__all__ = ["ChunkFailed", "detect_chunked", "global_optics", "pieces", "track_chunked"]

MARGIN = 4.0  # diameters around a piece in which spheres are fitted, too
AHEAD = 16  # pieces given to a cluster at a time
CROP = 9.0  # diameters: side of the middle of a stack that tells its optics


class ChunkFailed(UserWarning):
    """A piece of a stack could not be tracked; the others were kept."""


def pieces(shape, chunks, margin: int) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yield (core, outer), slices of a stack: cores tile it, outer pieces have a margin in px where there is room."""
    starts = [range(0, n, check.whole("chunks", c)) for n, c in zip(shape, chunks, strict=True)]
    for start in itertools.product(*starts):
        core = tuple(slice(a, min(a + c, n)) for a, c, n in zip(start, chunks, shape, strict=True))
        outer = tuple(
            slice(max(0, s.start - margin), min(n, s.stop + margin)) for s, n in zip(core, shape, strict=True)
        )
        yield core, outer


def global_optics(array, diameter: float | None = None, psf_sigma=None) -> Optics:
    """Return the ``Optics`` of a stack, from the whole fit of its middle: 9 diameters wide, at least 48 px."""
    found = tracking.track(_read(array, _middle(array.shape, 128)), diameter, psf_sigma)
    if not len(found):
        raise ValueError("array must show spheres in its middle, none were found there: give optics")
    side = max(48, int(CROP * found.attrs["optics"].diameter_px))
    return tracking.refine(tracking.track(_read(array, _middle(array.shape, side)), diameter, psf_sigma)).attrs[
        "optics"
    ]


def detect_chunked(array, optics: Optics, chunks=None, client=None, folder=None) -> np.ndarray:
    """Return the candidates (n, 3) px of a stack, as ``tracking.candidates`` of the whole, to the last digit."""
    margin = int(np.ceil(KERNEL * optics.diameter_px)) + 2
    rows = _run(_detect, array, optics, chunks, margin, client, folder)
    return np.concatenate([found for found in rows if found is not None] or [np.zeros((0, 3))])


def track_chunked(
    array,
    diameter: float | None = None,
    chunks=None,
    psf_sigma=None,
    optics: Optics | None = None,
    client=None,
    folder=None,
) -> pd.DataFrame:
    """Return the table of all spheres of a stack (Z, Y, X) that may be larger than memory, as from ``refine``.

    ``array``: numpy, a memory map, zarr or dask; only pieces of it are read. ``chunks``: sides (z, y, x) of a piece in
    px, 12 diameters where None. ``optics``: those of the whole stack, from its middle where None. ``client``: a number
    of threads, anything with ``submit`` (an executor, a dask ``Client``), or the address of a dask scheduler as
    "tcp://host:8786". ``folder``: finished pieces are kept there, and a run that was stopped goes on. A piece that
    fails is named in a warning and counted in ``attrs["failed"]``; the others are kept. ValueError for bad input.
    """
    if getattr(array, "ndim", None) != 3 or min(array.shape) < 8:
        raise ValueError(
            f"array must be a stack (Z, Y, X) of at least 8 voxels a side, got {getattr(array, 'shape', array)!r}"
        )
    optics = optics or global_optics(array, diameter, psf_sigma)
    seeds = detect_chunked(array, optics, chunks, client, folder)
    margin = int(np.ceil(MARGIN * optics.diameter_px))

    def of_piece(outer):
        low, high = (np.array([getattr(s, side) for s in outer]) for side in ("start", "stop"))
        return (seeds[((seeds >= low - 0.5) & (seeds < high - 0.5)).all(1)],)

    rows = _run(_fit, array, optics, chunks, margin, client, folder, of_piece)
    whole = [row for row in rows if row is not None]
    own = np.concatenate([row[:, :5] for row in whole] or [np.zeros((0, 5))])
    errors = np.concatenate([row[:, 5:] for row in whole] or [np.zeros((0, 5))])
    found = tracking.table(own, errors, optics, array.shape)
    found.attrs = {"optics": optics, "failed": sum(row is None for row in rows)}
    return found


def _run(work, array, optics, chunks, margin, client, folder, extra=lambda _: ()):
    """Return what ``work`` makes of every piece, None where it failed; at most a few pieces at a time."""
    chunks = chunks or (int(12 * optics.diameter_px),) * 3
    tasks = list(pieces(array.shape, chunks, margin))
    source, rows, waiting = _source(array), [None] * len(tasks), deque()
    pool, threads = _pool(client)
    bar = progress.bar(work.__name__.strip("_"), len(tasks), "piece")

    def collect():
        index, *job = waiting.popleft()
        rows[index] = _finished(index, *job)
        bar.update(1)

    try:
        for index, (core, outer) in enumerate(tasks):
            kept = _kept(folder, work, optics, chunks, core, array.shape)
            if kept is not None and kept.is_file():
                rows[index] = np.load(kept)
                bar.update(1)
                continue
            waiting.append((index, core, kept, pool.submit(work, source, core, outer, optics, *extra(outer))))
            if len(waiting) >= (2 * threads or AHEAD):
                collect()
        while waiting:
            collect()
    finally:
        bar.close()
        if isinstance(client, str):
            pool.close()
        elif pool is not client:
            pool.shutdown(cancel_futures=True)
    return rows


def _pool(client):
    """Return what pieces are submitted to, and its number of threads, 0 for one that is not ours."""
    if isinstance(client, str):
        from distributed import Client

        return Client(client, timeout=10), 0
    if client is None or isinstance(client, int):
        threads = 1 if client is None else check.whole("client", client)
        return ThreadPoolExecutor(threads), threads
    return client, 0


def _finished(index, core, kept, future):
    """Return the rows of a piece and keep them, or warn that it failed."""
    try:
        rows = future.result()
    except Exception as error:
        at = ", ".join(f"{axis} {s.start}-{s.stop}" for axis, s in zip("zyx", core, strict=True))
        warnings.warn(f"piece {index} ({at}) failed: {error}", ChunkFailed, stacklevel=4)
        return None
    if kept is not None:
        atomic.write(kept, lambda path: _save(path, rows))
    return rows


def _save(path, rows):
    with path.open("wb") as stream:
        np.save(stream, rows)


def _kept(folder, work, optics, chunks, core, shape):
    """Return the file of a piece; its name holds what the result depends on."""
    if folder is None:
        return None
    key = json.dumps([work.__name__, optics, [int(c) for c in chunks], [int(n) for n in shape]])
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return Path(folder) / f"{work.__name__.strip('_')}-{digest}-{'-'.join(str(s.start) for s in core)}.npy"


def _detect(source, core, outer, optics):
    """Return the candidates (n, 3) px in the core of a piece."""
    low = np.array([s.start for s in outer])
    return _within(np.round(tracking.candidates(_read(source, outer), optics) + low, 6), core)


def _fit(source, core, outer, optics, seeds):
    """Return the spheres in the core of a piece and their errors, (n, 10)."""
    low = np.array([s.start for s in outer])
    fit = tracking.joint(_read(source, outer), optics, seeds - low)
    return _within(np.column_stack([fit.own[:, :3] + low, fit.own[:, 3:], fit.errors]), core)


def _within(rows, core):
    """Return the rows whose first three columns lie in a core, half-open; voxel centres are whole numbers."""
    low, high = (np.array([getattr(s, side) for s in core]) - 0.5 for side in ("start", "stop"))
    return rows[((rows[:, :3] >= low) & (rows[:, :3] < high)).all(1)]


def _middle(shape, side):
    return tuple(slice(max(0, (n - side) // 2), min(n, (n - side) // 2 + side) if n > side else n) for n in shape)


def _source(array):
    """Return what a worker needs to read pieces of an array: the place of a whole memory map, else the array."""
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.flags.c_contiguous:
        return Path(array.filename), array.dtype.str, array.shape, array.offset
    return array


def _read(source, part) -> np.ndarray:
    """Return a piece of a stack as float32."""
    if isinstance(source, tuple):
        path, dtype, shape, offset = source
        source = np.memmap(path, dtype, "r", offset, shape)
    piece = source[part]
    if hasattr(piece, "compute"):
        piece = piece.compute(scheduler="synchronous")
    return tracking.stack("array", piece)
