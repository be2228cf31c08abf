"""Calibration: which settings of the simulator make movies like the recorded ones, and how sure that is."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from helpers.common import check
from helpers.molecules import brownian, camera, detection, movies
from helpers.molecules.transfer import PhotonTransfer, background_mask, photon_transfer

__all__ = [
    "Background",
    "Calibration",
    "ImageStatistics",
    "Motion",
    "SpotWidth",
    "background_level",
    "calibrate",
    "image_statistics",
    "motion",
    "psf_width",
    "simulate_recording",
]

_HALF = 6  # spots are fitted in windows of 12 x 12 pixels


class SpotWidth(NamedTuple):
    """Width of bright, slow spots: median ``sigma_px``, its standard error, and the spread of single spots.

    ``counts`` is the median light of all bright spots in counts, ``counts_spread`` its relative spread; ``n_spots``
    slow ones gave the width. Spreads are half the distance between the 16th and the 84th percentile.
    """

    sigma_px: float
    sigma_px_se: float
    sigma_px_spread: float
    counts: float
    counts_spread: float
    n_spots: int


class Background(NamedTuple):
    """Median background in counts, its standard error, and the relative spread between and within movies."""

    level: float
    level_se: float
    between_movies: float
    within_movies: float


class Calibration(NamedTuple):
    """What one recording says about its microscope; ``settings`` are keywords for ``movies.simulate``."""

    transfer: PhotonTransfer
    spots: SpotWidth
    background: Background
    settings: dict


class Motion(NamedTuple):
    """Spots per frame, the D of each movie (n,) in px^2 per frame (NaN: too few steps), and the number of steps."""

    spots_per_frame: float
    D_px2_frame: np.ndarray
    n_steps: int


class ImageStatistics(NamedTuple):
    """Histogram (density per count over ``edges``), power spectrum (counts^2) over ``frequency`` (cycles per pixel)."""

    edges: np.ndarray
    histogram: np.ndarray
    frequency: np.ndarray
    power: np.ndarray


def psf_width(stack, sigma_px: float = 1.3, threshold: float = 10.0, max_step_px: float = 0.7, max_spots: int = 200):
    """Return the width and the light of bright single spots in movies (..., T, H, W) as a ``SpotWidth``.

    A pixel-integrated Gaussian on a flat background is fitted by least squares to spots with a score above
    ``threshold`` for a filter of width ``sigma_px``, alone in their window. The light is that of all of them. The
    width is that of the slow ones, which moved by less than ``max_step_px`` since the frame before (so motion blur
    adds less than max_step^2 / 12 to sigma^2). ``max_spots`` of each kind are taken, evenly over the movies.
    ValueError if fewer than 5 slow ones are found.
    """
    stack = check.finite("stack", stack)
    if stack.ndim < 3 or min(stack.shape[-2:]) <= 2 * _HALF:
        raise ValueError(f"stack must have shape (..., T, H, W) with H, W > {2 * _HALF}, got {stack.shape}")
    check.positive("max_step_px", max_step_px)
    max_spots = check.whole("max_spots", max_spots, at_least=5)
    windows, slow, movie = [], [], []
    for number, frames in enumerate(stack.reshape(-1, *stack.shape[-3:])):
        for window, step in _single_spots(frames, sigma_px, threshold):
            windows.append(window)
            slow.append(step < max_step_px)
            movie.append(number)
    if sum(slow) < 5:
        raise ValueError(f"stack shows only {sum(slow)} bright, slow, single spots, at least 5 are needed")
    chosen = _evenly(np.flatnonzero(slow), max_spots)
    width = np.array([_fit_spot(windows[k], sigma_px)[0] for k in chosen])
    light = np.array([_fit_spot(windows[k], sigma_px)[1] for k in _evenly(np.arange(len(windows)), max_spots)])
    independent = len(np.unique(np.array(movie)[chosen]))  # spots of one movie are mostly one molecule
    width_spread, light_spread = (np.ptp(np.percentile(values, [16, 84])) / 2 for values in (width, light))
    error = 1.2533 * width_spread / np.sqrt(independent)
    middle = np.median(light)
    return SpotWidth(*map(float, (np.median(width), error, width_spread, middle, light_spread / middle)), len(width))


def _evenly(items, most):
    """Return at most so many of the items, evenly spaced."""
    return items[np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]


def _single_spots(frames, sigma_px, threshold):
    """Yield (window, step since the frame before in px) of bright spots that stand alone."""
    before = np.empty((0, 2))
    for frame in frames:
        everything = detection.detect(frame, sigma_px, threshold / 2)
        bright = everything.positions[everything.score > threshold]
        for spot in bright:
            corner = np.rint(spot).astype(int) - _HALF
            inside = (corner >= 0).all() and (corner + 2 * _HALF <= frame.shape).all()
            distances = np.linalg.norm(everything.positions - spot, axis=1)
            if inside and (distances < 1.5 * _HALF).sum() == 1:
                step = np.linalg.norm(before - spot, axis=1).min(initial=np.inf)
                yield frame[corner[0] : corner[0] + 2 * _HALF, corner[1] : corner[1] + 2 * _HALF], step
        before = bright


def _fit_spot(window, sigma_px):
    """Return sigma (px) and light (counts) of the best pixel-integrated Gaussian on a flat background."""
    edges = np.arange(-_HALF, _HALF + 1.0)
    scale = np.ptp(window)

    def misfit(p):
        y, x, sigma, light, level = p
        in_y, in_x = (np.diff(special.ndtr((edges - centre) / sigma)) for centre in (y, x))
        return (level + light * np.outer(in_y, in_x) - window / scale).ravel()

    level = np.median(window) / scale
    start = [0.0, 0.0, sigma_px, max((window / scale - level).sum(), 0.1), level]
    low, high = [-2, -2, 0.3, 0, -np.inf], [2, 2, _HALF / 1.5, np.inf, np.inf]
    _, _, sigma, light, _ = optimize.least_squares(misfit, start, bounds=(low, high)).x
    return sigma, light * scale


def background_level(stack, mask=None) -> Background:
    """Return level and unevenness of the background of movies (..., T, H, W); ``mask`` as in ``photon_transfer``.

    Between movies: standard deviation of their medians. Within: that of smoothed 8 x 8 block means, less what the
    noise of the mean explains. Both relative to the level, offset included.
    """
    stack = check.finite("stack", stack)
    if stack.ndim < 3:
        raise ValueError(f"stack must have shape (..., T, H, W), got {stack.shape}")
    mask = background_mask(stack) if mask is None else np.asarray(mask, dtype=bool)
    movies, masks = stack.reshape(-1, *stack.shape[-3:]), mask.reshape(-1, *mask.shape[-2:])
    levels = np.array([np.mean(m[:, k]) for m, k in zip(movies, masks, strict=True) if k.any()])
    if len(levels) == 0:
        raise ValueError("mask leaves no background")
    level = np.median(levels)
    inner = []
    for movie, keep in zip(movies, masks, strict=True):
        even, odd = (_blocks(half.mean(axis=0), keep) for half in (movie[0::2], movie[1::2]))
        if len(even) > 1:
            inner.append(np.mean((even - even.mean()) * (odd - odd.mean())))
    within = np.sqrt(max(0.0, np.mean(inner))) if inner else 0.0
    return Background(*map(float, (level, levels.std() / np.sqrt(len(levels)), levels.std() / level, within / level)))


def _blocks(image, keep, size=8):
    """Return the means of the size x size blocks that lie wholly inside ``keep``."""
    height, width = (n // size * size for n in image.shape)
    shape = (height // size, size, width // size, size)
    whole = keep[:height, :width].reshape(shape).all(axis=(1, 3))
    return image[:height, :width].reshape(shape).mean(axis=(1, 3))[whole]


def calibrate(stack, excess: float = 2.0, read_noise: float = 0.0, pixel_um: float = 0.1) -> Calibration:
    """Return the simulator's settings for the movies (n, T, H, W) of one recording.

    Photon transfer gives gain and offset once ``excess`` (2 with EM gain, 1 without) and ``read_noise`` (electrons)
    are assumed; counts over gain give the background and the light of bright spots (the mean of a
    lognormal law with their median and spread, which is what ``photons`` means there). ``pixel_um``
    only sets the unit of length.
    """
    stack = check.finite("stack", stack)
    mask = background_mask(stack)
    transfer = photon_transfer(stack, excess=excess, read_noise=read_noise, mask=mask)
    spots, background = psf_width(stack), background_level(stack, mask)
    settings = {
        "photons": spots.counts / transfer.gain * np.sqrt(1 + spots.counts_spread**2),
        "brightness_spread": spots.counts_spread,
        "background": max(0.0, (background.level - transfer.offset) / transfer.gain),
        "psf_sigma_um": spots.sigma_px * float(check.positive("pixel_um", pixel_um)),
        "pixel_um": pixel_um,
        "gain": transfer.gain,
        "offset": transfer.offset,
        "read_noise": read_noise,
        "em": bool(excess > 1.5),
    }
    return Calibration(transfer, spots, background, settings)


def motion(stack, sigma_px: float = 1.3, threshold: float = 6.0, reach_px: float = 8.0) -> Motion:
    """Return how many spots the frames of movies (n, T, H, W) show, and how fast those of each movie move.

    Spots (score above ``threshold`` for a filter of width ``sigma_px``) of successive frames are linked where each is
    the other's nearest and within ``reach_px``. The mean squared step of a movie is 4 D (1 - 2 R) px^2 with the blur
    coefficient R = 1/6 of an open shutter; localisation errors and wrong links add to it, steps beyond the reach are
    missed. D is NaN for a movie with fewer than 4 steps. ValueError if no movie has more.
    """
    stack = check.finite("stack", stack)
    if stack.ndim != 4:
        raise ValueError(f"stack must have shape (n, T, H, W), got {stack.shape}")
    reach = float(check.positive("reach_px", reach_px))
    n_spots, n_steps, D_px2_frame = 0, 0, np.full(len(stack), np.nan)
    for number, frames in enumerate(stack):
        spots = [detection.detect(frame, sigma_px, threshold).positions for frame in frames]
        squares = np.concatenate([_squared_steps(before, after, reach) for before, after in pairwise(spots)])
        n_spots, n_steps = n_spots + sum(map(len, spots)), n_steps + len(squares)
        if len(squares) >= 4:
            D_px2_frame[number] = squares.mean() / (4 * (1 - 2 / 6))
    if np.isnan(D_px2_frame).all():
        raise ValueError(f"stack shows only {n_steps} steps of spots, one movie with at least 4 is needed")
    return Motion(n_spots / (len(stack) * stack.shape[1]), D_px2_frame, n_steps)


def _squared_steps(before, after, reach):
    """Return the squared distances (px^2) between spots of two frames that are each other's nearest."""
    if not len(before) or not len(after):
        return np.empty(0)
    gap = np.linalg.norm(after[:, None] - before, axis=-1)
    nearest = gap.argmin(axis=1)
    mutual = gap.argmin(axis=0)[nearest] == np.arange(len(after))
    step = gap[np.arange(len(after)), nearest][mutual]
    return step[step < reach] ** 2


def simulate_recording(
    calibration, D_um2_s, n_movies: int, *, n_molecules: int = 1, start_spread_px=None, n_pixels: int = 64, rng=None
):
    """Return movies (n, 16, H, W) of a calibrated microscope, float32 counts, with its uneven background.

    ``D_um2_s`` is one number or one per movie. Each movie has ``n_molecules`` (0 or more) of lognormal brightness
    that start within ``start_spread_px`` of its centre along each axis (default: anywhere), and a background of its
    own level and linear slope, Gaussian with the spreads found between and within the recorded movies.
    """
    n_movies, n_pixels = check.whole("n_movies", n_movies), check.whole("n_pixels", n_pixels)
    n_molecules = check.whole("n_molecules", n_molecules, at_least=0)
    D = check.positive("D_um2_s", D_um2_s)
    if D.shape not in [(), (n_movies,)]:
        raise ValueError(f"D_um2_s must be one number or one per movie ({n_movies}), got shape {D.shape}")
    spread_px = (
        n_pixels / 2 if start_spread_px is None else float(check.non_negative("start_spread_px", start_spread_px))
    )
    rng = np.random.default_rng() if rng is None else rng
    settings, found = dict(calibration.settings), calibration.background
    width = np.sqrt(np.log1p(settings.pop("brightness_spread") ** 2))
    photons, typical = settings.pop("photons"), settings.pop("background")
    psf_sigma_um, pixel_um = settings.pop("psf_sigma_um"), settings.pop("pixel_um")
    across = np.linspace(-np.sqrt(3), np.sqrt(3), n_pixels)
    images = np.empty((n_movies, 16, n_pixels, n_pixels), dtype=np.float32)
    for movie, D_movie in zip(images, np.broadcast_to(D, n_movies), strict=True):
        angle = rng.uniform(0, 2 * np.pi)
        slope = found.within_movies * (np.cos(angle) * across[:, None] + np.sin(angle) * across)
        uneven = found.level * (found.between_movies * rng.standard_normal() + slope) / settings["gain"]
        expected = np.broadcast_to(np.maximum(typical + uneven, 0), movie.shape).copy()
        if n_molecules:
            light = photons * np.exp(width * rng.standard_normal(n_molecules) - width**2 / 2)
            start = spread_px * pixel_um * rng.uniform(-1, 1, (n_molecules, 2))
            walks = brownian.simulate_tracks(D_movie, n_molecules, rng=rng)
            expected += movies.render(walks, light, psf_sigma_um, pixel_um, n_pixels, start).sum(axis=0)
        movie[...] = camera.add_noise(expected, rng=rng, **settings)
    return images


def image_statistics(stack, edges=None, n_bins: int = 64) -> ImageStatistics:
    """Return histogram and radial power spectrum of images (..., H, W), to compare simulated with recorded ones.

    ``edges`` of the histogram default to ``n_bins`` bins between the 0.01 and 99.99 % quantiles. The spectrum is
    |FFT(image - mean)|^2 / (H W), averaged over images and over rings one frequency step wide, up to 0.5 cycles
    per pixel: white noise of variance v has the value v everywhere.
    """
    stack = check.finite("stack", stack)
    if stack.ndim < 2 or min(stack.shape[-2:]) < 4:
        raise ValueError(f"stack must have shape (..., H, W) with H, W >= 4, got {stack.shape}")
    if edges is None:
        edges = np.linspace(*np.quantile(stack, [1e-4, 1 - 1e-4]), check.whole("n_bins", n_bins) + 1)
    edges = check.finite("edges", edges)
    if edges.ndim != 1 or not (np.diff(edges) > 0).all():
        raise ValueError("edges must increase (and the images must not all be equal)")
    histogram = np.histogram(stack, edges)[0] / (stack.size * np.diff(edges))
    height, width = stack.shape[-2:]
    spectrum = np.abs(np.fft.fft2(stack - stack.mean(axis=(-2, -1), keepdims=True))) ** 2 / (height * width)
    spectrum = spectrum.reshape(-1, height, width).mean(axis=0)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    steps = min(height, width)
    ring = np.rint(radius * steps).astype(int).ravel()
    total = np.bincount(ring, spectrum.ravel())[1 : steps // 2 + 1]
    return ImageStatistics(
        edges, histogram, np.arange(1, steps // 2 + 1) / steps, total / np.bincount(ring)[1 : steps // 2 + 1]
    )
