"""From a field of many molecules to one movie each: find the spots, then cut them out."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from helpers.common import check
from helpers.molecules import brownian, movies

__all__ = ["Crops", "Detections", "Field", "crop", "detect", "match", "simulate_field"]


class Detections(NamedTuple):
    """Spots of one image: ``positions`` (m, 2) px (y, x) in edge coordinates, ``score`` (m,) in noise sigmas."""

    positions: np.ndarray
    score: np.ndarray


class Crops(NamedTuple):
    """Movies (m, T, size, size), the ``corners`` (m, 2) of their windows, and which positions were ``kept`` (bool)."""

    images: np.ndarray
    corners: np.ndarray
    kept: np.ndarray


class Field(NamedTuple):
    """A movie (T, H, W) of many molecules, and their paths (n, T, n_sub, 2) in px (y, x), edge coordinates."""

    images: np.ndarray
    tracks_px: np.ndarray


def detect(image, psf_sigma_px: float, threshold: float = 5.0, min_distance_px: float | None = None) -> Detections:
    """Return the spots of an image (H, W), brightest first.

    The image is correlated with a Gaussian of the spot's width from which a twice as wide one is taken off (the
    matched filter for a spot on a slowly varying background). The robust noise of the result (1.4826 median
    absolute deviation) is the unit of ``score``. Spots are local maxima above ``threshold`` within
    ``min_distance_px`` (default 3 sigma), moved to the top of a parabola through their neighbours.
    Pixel i covers i..i + 1. Source: North 1963 (matched filter).
    """
    image = check.finite("image", image)
    if image.ndim != 2:
        raise ValueError(f"image must have shape (H, W), got {image.shape}")
    sigma = float(check.positive("psf_sigma_px", psf_sigma_px))
    threshold = float(check.positive("threshold", threshold))
    distance = 3 * sigma if min_distance_px is None else float(check.positive("min_distance_px", min_distance_px))
    response = ndimage.gaussian_filter(image, sigma) - ndimage.gaussian_filter(image, 2 * sigma)
    response -= np.median(response)
    noise = 1.4826 * np.median(np.abs(response))
    score = response / noise if noise > 0 else np.zeros_like(response)
    reach = int(np.ceil(distance))
    y, x = np.indices((2 * reach + 1, 2 * reach + 1)) - reach
    top = score == ndimage.maximum_filter(score, footprint=y**2 + x**2 <= distance**2)
    spots = np.argwhere(top & (score > threshold))
    spots = spots[np.argsort(-score[tuple(spots.T)], kind="stable")]
    return Detections(spots + 0.5 + _parabola(score, spots), score[tuple(spots.T)])


def _parabola(score, spots):
    """Return the shift (m, 2), within half a pixel, from a maximum to the top of the parabola through it per axis."""
    shift = np.zeros(spots.shape)
    padded = np.pad(score, 1, mode="edge")
    y, x = spots.T + 1
    for axis, (dy, dx) in enumerate(((1, 0), (0, 1))):
        low, mid, high = padded[y - dy, x - dx], padded[y, x], padded[y + dy, x + dx]
        curve = low - 2 * mid + high
        shift[:, axis] = np.divide(low - high, 2 * curve, out=np.zeros(len(spots)), where=curve < 0)
    return shift.clip(-0.5, 0.5)


def crop(stack, positions, size: int = 64) -> Crops:
    """Return windows of ``size`` pixels of a movie (T, H, W) about positions (m, 2) px, edge coordinates.

    The middle of a window is the pixel edge nearest to the position. Windows that do not lie fully inside the field
    are not cut; ``kept`` (m,) says which were.
    """
    stack = check.finite("stack", stack)
    if stack.ndim != 3:
        raise ValueError(f"stack must have shape (T, H, W), got {stack.shape}")
    positions, size = check.finite("positions", positions), check.whole("size", size)
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise ValueError(f"positions must have shape (m, 2), got {positions.shape}")
    corners = np.rint(positions).astype(int) - size // 2
    kept = ((corners >= 0) & (corners + size <= stack.shape[1:])).all(axis=1)
    images = np.empty((int(kept.sum()), len(stack), size, size), dtype=np.float32)
    for window, (y, x) in zip(images, corners[kept], strict=True):
        window[...] = stack[:, y : y + size, x : x + size]
    return Crops(images, corners[kept], kept)


def match(found, truth, distance_px: float = 2.0) -> np.ndarray:
    """Return pairs (k, 2) of indices into found (m, 2) and truth (n, 2), nearest first, each used once."""
    found, truth = (check.finite(name, a).reshape(-1, 2) for name, a in (("found", found), ("truth", truth)))
    gap = np.linalg.norm(found[:, None] - truth[None], axis=-1)
    pairs = []
    for flat in np.argsort(gap, axis=None):
        i, j = np.unravel_index(flat, gap.shape)
        if gap[i, j] > distance_px:
            break
        if all(i != a and j != b for a, b in pairs):
            pairs.append((int(i), int(j)))
    return np.array(pairs, dtype=int).reshape(-1, 2)


def simulate_field(
    D_um2_s,
    n_molecules: int,
    *,
    n_pixels: int = 256,
    n_frames: int = 16,
    dt_s: float = 0.01,
    n_sub: int = 10,
    photons=500.0,
    psf_sigma_um: float = 0.1,
    pixel_um: float = 0.1,
    background=9.0,
    gain: float = 1.0,
    offset: float = 0.0,
    read_noise: float = 0.0,
    em: bool = False,
    rng: np.random.Generator | None = None,
) -> Field:
    """Return a movie of ``n_molecules`` that start anywhere in the field and diffuse independently.

    ``D_um2_s`` and ``photons`` are one number or one per molecule; the rest as in ``movies.Settings``.
    """
    rng = np.random.default_rng() if rng is None else rng
    n_molecules, n_pixels = check.whole("n_molecules", n_molecules), check.whole("n_pixels", n_pixels)
    pixel = float(check.positive("pixel_um", pixel_um))
    tracks = brownian.simulate_tracks(D_um2_s, n_molecules, n_frames, dt_s, n_sub, rng=rng)
    photons = np.broadcast_to(check.non_negative("photons", photons), n_molecules)
    start = rng.uniform(-0.5, 0.5, (n_molecules, 2)) * n_pixels * pixel
    expected = np.zeros((n_frames, n_pixels, n_pixels), dtype=np.float32)
    for track, light, origin in zip(tracks, photons, start, strict=True):
        expected += movies.render(track, light, psf_sigma_um, pixel_um, n_pixels, origin)
    images = movies.add_noise(expected, background, gain, offset, read_noise, rng, em=em)
    return Field(images, (tracks + start[:, None, None]) / pixel + n_pixels / 2)
