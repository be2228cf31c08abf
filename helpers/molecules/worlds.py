"""The noise worlds in which networks learn to read D, and the D that each of them shows.

"original" is the generator of the original, "physical" photons as a camera sees them, "recordings" what the
calibrated microscopes of lesson 02 deliver: electron-multiplying noise, several widths of the PSF, much or little
background. D is in px^2 per frame, which is um^2/s for pixels of 100 nm and frames of 10 ms. One unit of the
original is 0.403 px^2 per frame.
"""

from typing import NamedTuple

import numpy as np

from helpers.common import check
from helpers.molecules import movies, original
from helpers.molecules.estimators import Prior

__all__ = [
    "GRID",
    "HIGH",
    "LOW",
    "PHYSICAL",
    "TASKS",
    "UNIT",
    "WORLDS",
    "Task",
    "comparison_prior",
    "effective_D",
    "effective_training_D",
    "film",
    "training_D",
    "training_prior",
]

UNIT = original.UNIT_NM2_S * original.FRAME_S / original.PIXEL_NM**2  # px^2 per frame in one unit of the original
LOW, HIGH = UNIT * 1.0, UNIT * 50.0  # the range in which everybody is compared
GRID = np.geomspace(0.02, 25.0, 520)
PHYSICAL = {"photons": 500.0, "brightness_spread": 0.3, "background": 9.0, "read_noise": 1.2, "start_spread_um": 0.05}
WORLDS = {  # the unit of light in which a network sees each
    "original": "background",
    "physical": "noise",
    "recordings": "noise",
}
_AT_ONCE = 64  # movies simulated at a time; recordings share a microscope


class Task(NamedTuple):
    """What a network is trained on: a world, the number that it shall read, and the range of movie lengths."""

    world: str
    target: str = "D"
    n_frames: tuple[int, int] = (16, 16)


TASKS = {
    "original": Task("original"),
    "physical": Task("physical"),
    "effective": Task("original", target="effective D"),
    "frames": Task("physical", n_frames=(4, 64)),
    "recordings": Task("recordings"),
}


def film(world: str, D_px2_frame, rng: np.random.Generator, exact: bool = True, n_frames: int = 16):
    """Return movies (n, T, 64, 64) of molecules of these D (n,), and their paths (n, T, 10, 2) in px of the field.

    "original": its generator as it was, from the field centre. "physical": 500 photons per frame with 30 % spread
    between molecules, 9 photons per pixel of background, read noise 1.2 electrons, a start within half a pixel of the
    centre. "recordings": see ``_microscope``, one drawn for every 32 movies. ``exact`` as in the simulators.
    """
    check.choice("world", world, WORLDS)
    D = check.positive("D_px2_frame", D_px2_frame)
    if world == "original" and n_frames != original.N_FRAMES:
        raise ValueError(f"n_frames must be {original.N_FRAMES} in the original's world, got {n_frames}")
    parts = np.split(D, range(_AT_ONCE, len(D), _AT_ONCE))
    images, paths_px = zip(*(_film(world, part, rng, exact, n_frames) for part in parts), strict=True)
    return np.concatenate(images), np.concatenate(paths_px)


def _film(world, D, rng, exact, n_frames):
    """Return a few movies, so few that the work space stays in the processor's cache, and their paths."""
    if world == "original":
        paths_nm = original.tracks(D / UNIT, len(D), rng)
        return original.emulate(paths_nm, rng, exact).astype(np.float32), paths_nm / original.PIXEL_NM + 32
    settings = PHYSICAL if world == "physical" else _microscope(rng)
    batch = movies.simulate(D, len(D), n_frames=n_frames, exact=exact, rng=rng, **settings)
    return batch.images, batch.tracks_um / 0.1 + 32


def _microscope(rng):
    """Return the settings of a microscope like those of the recordings: ranges around their three calibrations.

    Of these, the ones with more background have brighter molecules, so light is drawn together with background.
    """
    background = np.exp(rng.uniform(np.log(8), np.log(220)))
    return {
        "photons": np.exp(rng.uniform(np.log(350), np.log(1200))) * (background / 11) ** 0.3,
        "brightness_spread": 0.5,
        "background": background,
        "psf_sigma_um": rng.uniform(0.09, 0.15),
        "start_spread_um": 0.2,
        "em": True,
    }


def training_D(n: int, rng: np.random.Generator, world: str = "physical") -> np.ndarray:
    """Return D (n,) from the training prior of a world, px^2 per frame.

    70 % uniform in 0.3..22, 30 % log-uniform in 0.1..25. "recordings": log-uniform in 0.02..25, for most are slow.
    """
    if world == "recordings":
        return np.exp(rng.uniform(np.log(0.02), np.log(25), n))
    uniform = rng.uniform(0.3, 22, n)
    return np.where(rng.random(n) < 0.7, uniform, np.exp(rng.uniform(np.log(0.1), np.log(25), n)))


def effective_training_D(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return D (n,) for networks that learn the label of the original: 70 % its one training value of 20 units.

    The others are log-uniform in 0.3..60 units, because its validation set holds labels from molecules of other D.
    """
    return UNIT * np.where(rng.random(n) < 0.7, 20.0, np.exp(rng.uniform(np.log(0.3), np.log(60), n)))


def effective_D(paths_px) -> np.ndarray:
    """Return the label of the original (n,), in px^2 per frame, of paths (n, 16, 10, 2) in px of the field."""
    return UNIT * original.effective_D((check.finite("paths_px", paths_px) - 32) * original.PIXEL_NM)


def training_prior(world: str = "physical", target: str = "D") -> Prior:
    """Return the law of the training movies' D on ``GRID``; for effective D, whose law has no formula, a flat one."""
    if target == "effective D":
        return _on_grid(np.ones(GRID.size))
    if world == "recordings":
        return _on_grid(1 / GRID)
    return _on_grid(0.7 * ((GRID > 0.3) & (GRID < 22)) / 21.7 + 0.3 * (GRID > 0.1) / np.log(250) / GRID)


def comparison_prior(low: float = LOW, high: float = HIGH) -> Prior:
    """Return the prior of the comparison on ``GRID``: uniform between 1 and 50 of the original's units."""
    return _on_grid(((low <= GRID) & (high >= GRID)).astype(float))


def _on_grid(density):
    weight = density * np.gradient(GRID)
    return Prior(GRID, weight / weight.sum())
