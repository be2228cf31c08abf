"""Calibration: which settings of the simulator make movies like the recorded ones, and how sure that is."""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from helpers.common import check
from helpers.molecules import detection
from helpers.molecules.transfer import PhotonTransfer, background_mask, photon_transfer

__all__ = [
    "Background",
    "Calibration",
    "ImageStatistics",
    "SpotWidth",
    "background_level",
    "calibrate",
    "image_statistics",
    "psf_width",
    "simulate_recording",
]

_HALF = 6  # spots are fitted in windows of 12 x 12 pixels


class SpotWidth(NamedTuple):
    """Width of bright, slow spots: median ``sigma_px``, its standard error, and the spread of single spots.

    ``counts`` is the median light of a spot in counts, ``counts_spread`` its relative spread, over ``n_spots`` spots;
    spreads are half the distance between the 16th and the 84th percentile.
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


class ImageStatistics(NamedTuple):
    """Histogram (density per count over ``edges``), power spectrum (counts^2) over ``frequency`` (cycles per pixel)."""

    edges: np.ndarray
    histogram: np.ndarray
    frequency: np.ndarray
    power: np.ndarray


def psf_width(stack, sigma_px: float = 1.3, threshold: float = 10.0, max_step_px: float = 0.7, max_spots: int = 200):
    """Return the width of bright, slow spots in movies (..., T, H, W) as a ``SpotWidth``.

    A pixel-integrated Gaussian on a flat background is fitted by least squares to spots with a score above
    ``threshold`` for a filter of width ``sigma_px``, alone in their window, that moved by less than ``max_step_px``
    since the frame before (so motion blur adds less than max_step^2 / 12 to sigma^2). ``max_spots`` are taken,
    evenly over the movies. ValueError if fewer than 5 are found.
    """
    stack = check.finite("stack", stack)
    if stack.ndim < 3 or min(stack.shape[-2:]) <= 2 * _HALF:
        raise ValueError(f"stack must have shape (..., T, H, W) with H, W > {2 * _HALF}, got {stack.shape}")
    check.positive("max_step_px", max_step_px)
    max_spots = check.whole("max_spots", max_spots, at_least=5)
    windows, movie = [], []
    for number, frames in enumerate(stack.reshape(-1, *stack.shape[-3:])):
        found = list(_slow_windows(frames, sigma_px, threshold, max_step_px))
        windows += found
        movie += [number] * len(found)
    if len(windows) < 5:
        raise ValueError(f"stack shows only {len(windows)} bright, slow, single spots, at least 5 are needed")
    chosen = np.unique(np.linspace(0, len(windows) - 1, max_spots).round().astype(int))
    fits = np.array([_fit_spot(windows[k], sigma_px) for k in chosen])
    independent = len(np.unique(np.array(movie)[chosen]))  # spots of one movie are mostly one molecule
    width, light = np.median(fits, axis=0)
    width_spread, light_spread = np.ptp(np.percentile(fits, [16, 84], axis=0), axis=0) / 2
    error = 1.2533 * width_spread / np.sqrt(independent)
    return SpotWidth(*map(float, (width, error, width_spread, light, light_spread / light)), len(fits))


def _slow_windows(frames, sigma_px, threshold, max_step_px):
    """Yield the windows of spots that stand alone and have hardly moved since the frame before."""
    before = None
    for frame in frames:
        everything = detection.detect(frame, sigma_px, threshold / 2)
        bright = everything.positions[everything.score > threshold]
        for spot in bright if before is not None else ():
            corner = np.rint(spot).astype(int) - _HALF
            inside = (corner >= 0).all() and (corner + 2 * _HALF <= frame.shape).all()
            distances = np.linalg.norm(everything.positions - spot, axis=1)
            steps = np.linalg.norm(before - spot, axis=1)
            if inside and (distances < 1.5 * _HALF).sum() == 1 and len(steps) and steps.min() < max_step_px:
                yield frame[corner[0] : corner[0] + 2 * _HALF, corner[1] : corner[1] + 2 * _HALF]
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
    are assumed; counts over gain give the background and the light of bright, slow spots (the mean of a
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


def simulate_recording(calibration, D_um2_s, n_movies: int, *, n_molecules: int = 1, n_pixels: int = 64, rng=None):
    """Return movies (n, 16, H, W) of a calibrated microscope, float32 counts, with its uneven background.

    Each movie has ``n_molecules`` of lognormal brightness that start anywhere, and a background of its own level
    and linear slope, Gaussian with the spreads found between and within the recorded movies.
    """
    n_movies, n_molecules = check.whole("n_movies", n_movies), check.whole("n_molecules", n_molecules)
    rng = np.random.default_rng() if rng is None else rng
    settings, found = dict(calibration.settings), calibration.background
    width = np.sqrt(np.log1p(settings.pop("brightness_spread") ** 2))
    photons, typical = settings.pop("photons"), settings.pop("background")
    across = np.linspace(-np.sqrt(3), np.sqrt(3), check.whole("n_pixels", n_pixels))
    images = []
    for _ in range(n_movies):
        angle = rng.uniform(0, 2 * np.pi)
        slope = found.within_movies * (np.cos(angle) * across[:, None] + np.sin(angle) * across)
        uneven = found.level * (found.between_movies * rng.standard_normal() + slope) / settings["gain"]
        light = photons * np.exp(width * rng.standard_normal(n_molecules) - width**2 / 2)
        field = detection.simulate_field(
            D_um2_s,
            n_molecules,
            n_pixels=n_pixels,
            photons=light,
            background=np.maximum(typical + uneven, 0),
            rng=rng,
            **settings,
        )
        images.append(field.images)
    return np.stack(images)


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
