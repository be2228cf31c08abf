"""The configurations of hard spheres in ``data/samples``: what they are, and how each is made again from its seed."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.colloids import suspension
from helpers.common import atomic, check, places

__all__ = ["SAMPLES", "Sample", "make"]


class Sample(NamedTuple):
    """The arguments of ``suspension.hard_spheres``, and the seed of its generator."""

    n: int
    phi: float
    polydispersity: float
    seed: int


SAMPLES = {
    "phi30": Sample(2048, 0.30, 0.0, 30),
    "phi45": Sample(2048, 0.45, 0.0, 45),
    "phi52": Sample(2048, 0.52, 0.0, 52),
    "phi55": Sample(2048, 0.55, 0.06, 55),
}


def make(name: str, folder: str | Path = places.SAMPLES) -> Path:
    """Make one of ``SAMPLES`` again, write it to ``folder``, and return the file. It depends on nothing but the seed.

    Positions and diameters are float32, of which each is rounded by 5e-7 diameters at most: if that makes two spheres
    overlap, ten more sweeps follow. ValueError for an unknown name. phi55 takes a minute, the others less.
    """
    n, phi, polydispersity, seed = SAMPLES[check.choice("name", name, SAMPLES)]
    rng = np.random.default_rng(seed)
    sizes = suspension.diameters(n, polydispersity).astype(np.float32)
    positions, box = suspension.hard_spheres(n, phi, polydispersity, rng)
    while suspension.overlaps(rounded := positions.astype(np.float32), box, sizes):
        positions = suspension.settle(positions, box, sizes, 10, rng=rng)
    return atomic.write(
        Path(folder) / f"{name}.npz", lambda path: _save(path, positions=rounded, box=box, diameters=sizes)
    )


def _save(path, **arrays):
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
