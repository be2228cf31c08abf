"""Find every sphere in a confocal stack: three lines, ``data = preprocess(image); result = track(data);
refined = refine(result)``.

Stacks have the axes (z, y, x); tables the columns of trackpy, so that its linking works on them unchanged.
"""

import numpy as np
import pandas as pd

from helpers.colloids.fit import OPTICS, JointFit, calibrate, step
from helpers.colloids.optics import Optics, deconvolve, estimate, peaks
from helpers.common import check

__all__ = ["COLUMNS", "preprocess", "refine", "table", "track"]

AXES = ("z", "y", "x")
COLUMNS = (*AXES, "mass", "signal", *(f"size_{a}" for a in AXES), "diameter", *(f"ep_{a}" for a in AXES), "frame")
FAINTEST = 0.35  # height of a candidate in the deconvolved image; one sphere has 1
CLOSEST = 0.8  # diameters between two spheres of the final table, at least
UNIFORM = 0.012  # relative spread of diameters below which all are taken to be alike


class _Kept:
    """An image that a table carries along; tables copy and compare what they carry, which it must survive."""

    def __init__(self, image):
        self.image = image

    def __deepcopy__(self, memo):
        return self


def stack(name: str, image) -> np.ndarray:
    """Return an image as (Z, Y, X) float32; ValueError unless it is a finite stack of at least 8 voxels a side."""
    image = np.asarray(image)
    if image.ndim != 3 or min(image.shape) < 8:
        raise ValueError(f"{name} must be a stack (Z, Y, X) of at least 8 voxels a side, got shape {image.shape}")
    if image.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold real numbers, got {image.dtype}")
    image = image.astype(np.float32)
    if not np.isfinite(image).all():
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return image


def preprocess(image, bleaching: bool = True) -> np.ndarray:
    """Return a stack (Z, Y, X) of any type as float32, dark 0 and bright 1 (quantiles .01 and .999), evenly lit in z.

    ``bleaching``: divide by the exponential that fits the means of the slices, above the darkest grey value. A stack
    of one grey value becomes 0. ValueError for anything that is no finite stack.
    """
    image = stack("image", image)
    dark, bright = np.quantile(image, (0.01, 0.999))
    if bright <= dark:
        return np.zeros_like(image)
    image = (image - dark) / (bright - dark)
    if bleaching:
        level = image.mean((1, 2))
        z = np.arange(len(level)) - (len(level) - 1) / 2
        if (level > 0).all():
            slope = np.polyfit(z, np.log(level), 1)[0]
            image = image * np.exp(-slope * z)[:, None, None]
    return image.astype(np.float32)


def track(image, diameter: float | None = None, psf_sigma=None) -> pd.DataFrame:
    """Return a table of the spheres in a stack (Z, Y, X): positions in voxels, one row each, ``COLUMNS``.

    ``diameter`` in px and ``psf_sigma`` (z, y, x) in px are estimated from the image where they are None. The image
    is deconvolved (``optics.deconvolve``), more candidates are taken than spheres are expected, and two sweeps of the
    joint fit tell which are needed. The table carries the image and its ``Optics`` in ``attrs``. A stack without
    spheres gives a table without rows. ValueError for bad input.
    """
    image = stack("image", image)
    if diameter is not None and not 2 <= check.positive_number("diameter", diameter) <= min(image.shape):
        raise ValueError(f"diameter must be from 2 px to the smallest side of the stack, got {diameter}")
    if image.min() == image.max():
        return carry(table(np.zeros((0, 5)), np.zeros((0, 5)), None), image, None)
    optics = estimate(image, diameter, psf_sigma)
    if not optics.gain:
        return carry(table(np.zeros((0, 5)), np.zeros((0, 5)), None), image, optics)
    fit = JointFit(image, optics._replace(brightness_spread=0.3), candidates(image, optics))
    fit.sweep(2)
    fit.prune(0.35, 0.45)
    return carry(table(fit.own, fit.errors, optics, image.shape), image, optics)


def candidates(image, optics: Optics) -> np.ndarray:
    """Return the places (n, 3) px of the peaks of the deconvolved image above 0.35 of what one sphere gives."""
    return np.round(peaks(deconvolve(image, optics), FAINTEST)[0], 6)


def refine(particles: pd.DataFrame, image=None, optics: Optics | None = None) -> pd.DataFrame:
    """Return a better table: all spheres fitted together to the image, the needless dropped, the missing added.

    ``image=None``: the one that ``track`` kept. ``optics=None``: calibrated on the image; given ones are taken as they
    are. Diameters are fitted one by one if they differ. ValueError for a table without positions or image.
    """
    missing = [a for a in AXES if a not in particles]
    if missing:
        raise ValueError(f"particles must have the columns z, y and x, {', '.join(missing)} is missing")
    kept = particles.attrs.get("image")
    if image is None and kept is None:
        raise ValueError("image must be given: these particles carry none, or they did not come from track")
    image = kept.image if image is None else stack("image", image)
    seeds = check.finite("particles", particles[list(AXES)].to_numpy()).reshape(-1, 3)
    known = particles.attrs.get("optics")
    if not len(seeds) or image.min() == image.max():
        return carry(table(np.zeros((0, 5)), np.zeros((0, 5)), None), image, known)
    free = OPTICS if optics is None else ()
    if optics is None:
        optics = calibrate(image, known or estimate(image), seeds)
    fit = joint(image, optics, seeds, free)
    return carry(table(fit.own, fit.errors, fit.optics, image.shape), image, fit.optics)


def joint(image, optics: Optics, seeds, free=()) -> JointFit:
    """Return the joint fit of an image (Z, Y, X), from seeds (n, 3) px to the end.

    ``free`` optics are fitted, too, and with them the spreads of brightness and diameter; none: all are as given.
    """
    fit = JointFit(image, optics._replace(brightness_spread=0.3, diameter_spread=0.0), seeds)
    fit.sweep(2)
    fit.prune(0.5, 0.65)
    fit.add()
    fit.take(fit.optics._replace(brightness_spread=0.1))
    fit.sweep(3, 0.01)
    fit.prune(0.5, 0.7)
    fit.take(fit.optics._replace(diameter_spread=0.05) if free else optics)
    for _ in range(3):
        fit.add()
        fit.moved[:] = np.inf
        fit.sweep(2)
        fit.sweep(2, 0.01)
        fit.prune(0.5, 0.7)
        if free:
            fit.take(_spreads(fit))
            fit.take(step(fit, free))
    fit.moved[:] = np.inf
    fit.sweep(1)
    fit.sweep(3, 0.003)
    fit.prune(0.5, CLOSEST)
    return fit


def _spreads(fit):
    """Return the optics with the spreads that the inner spheres show: variance = mean of (value - mean)^2 + error^2."""
    o = fit.optics
    inner = ((fit.own[:, :3] > o.diameter_px) & (fit.own[:, :3] < np.array(fit.image.shape) - o.diameter_px)).all(1)
    inner &= fit.own[:, 3] > 0.5 * o.gain
    if inner.sum() < 20:
        return o
    value, error = fit.own[inner, 3:] / [o.gain, o.diameter_px], fit.errors[inner, 3:] / [o.gain, o.diameter_px]
    light, width = np.sqrt(((value - value.mean(0)) ** 2 + error**2).mean(0))
    return o._replace(brightness_spread=float(light), diameter_spread=float(width) if width > UNIFORM else 0.0)


def table(own, errors, optics: Optics | None, shape=None) -> pd.DataFrame:
    """Return fitted spheres (n, 5) with errors (n, 5) as a table, those with their centre inside the stack only."""
    if len(own):
        inside = ((own[:, :3] >= -0.5) & (own[:, :3] <= np.array(shape) - 0.5)).all(1)
        order = np.lexsort(own[inside, 2::-1].T)
        own, errors = own[inside][order], errors[inside][order]
        width = np.sqrt(own[:, 4:] ** 2 / 20 + np.square(optics.psf_sigma_px))
    else:
        width = np.zeros((0, 3))
    mass = own[:, 3] * np.pi / 6 * own[:, 4] ** 3
    columns = [*own[:, :3].T, mass, own[:, 3], *width.T, own[:, 4], *errors[:, :3].T, np.zeros(len(own), dtype=int)]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def carry(particles, image, optics):
    particles.attrs = {"image": _Kept(image), "optics": optics}
    return particles
