"""Localisation: where the molecule is in every frame, and whether it can be seen at all."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from helpers.common import check

__all__ = ["Localizations", "as_float32", "background", "localize"]

_REACH = 6  # the centroid is taken in a window of 13 x 13 pixels
_ROUNDS = 2  # the window is moved to its own centroid this many times
_CHUNK_FRAMES = 512  # the work space of so many frames stays in the processor's cache


class Localizations(NamedTuple):
    """``positions`` (n, T, 2) px (y, x) in edge coordinates, NaN where lost, and ``score`` (n, T) in noise sigmas."""

    positions: np.ndarray
    score: np.ndarray


def localize(images, psf_sigma_px: float = 2.0, threshold: float = 6.0) -> Localizations:
    """Return the position of the brightest spot of every frame of movies (n, T, H, W).

    Matched filter: each frame is correlated with a Gaussian of width ``psf_sigma_px`` minus one 2.5 times as wide.
    The highest response, in units of its robust noise, is the score; below ``threshold`` the frame is lost. Centroid:
    the light above the background in a window of 13 x 13 pixels, moved to its own centroid. Pixel i covers
    i..i + 1, so the middle of a 64 x 64 field is (32, 32). The width suits spots blurred by motion, too.
    A movie without any contrast has a score below 1. Source: North 1963 (matched filter).
    """
    images = as_float32("images", images)
    if images.ndim != 4 or min(images.shape[2:]) <= 2 * _REACH + 1 or 0 in images.shape:
        raise ValueError(f"images must have shape (n, T, H, W) with H, W > {2 * _REACH + 1}, got {images.shape}")
    sigma, threshold = (
        check.positive_number("psf_sigma_px", psf_sigma_px),
        check.positive_number("threshold", threshold),
    )
    level, noise = background(images)
    frames = images.reshape(-1, *images.shape[2:])
    per_frame = np.repeat(level, images.shape[1]), np.repeat(noise, images.shape[1])
    positions, score = np.empty((len(frames), 2)), np.empty(len(frames))
    for first in range(0, len(frames), _CHUNK_FRAMES):
        part = slice(first, first + _CHUNK_FRAMES)
        block, score[part] = _strongest(frames[part], sigma)
        positions[part] = _centroid(frames[part], block, per_frame[0][part], per_frame[1][part])
    positions[score < threshold] = np.nan
    return Localizations(positions.reshape(*images.shape[:2], 2), score.reshape(images.shape[:2]))


def as_float32(name: str, images) -> np.ndarray:
    """Return images as float32 without a detour over float64; ValueError unless they are finite numbers."""
    if not (isinstance(images, np.ndarray) and images.dtype == np.float32):
        images = check.numbers(name, images).astype(np.float32)
    if not np.isfinite(images.sum(dtype=np.float64)):
        raise ValueError(f"{name} must be finite, but it holds NaN or infinity")
    return images


def background(images) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of each movie (n, T, H, W) and its robust noise (1.4826 median absolute deviation), (n,)."""
    images = np.asarray(images)
    rows, columns = (_sparse(size, 4) for size in images.shape[2:])
    coarse = images[:, :, rows[:, None], columns].reshape(len(images), -1)
    level = np.median(coarse, axis=1)
    return level, 1.4826 * np.median(np.abs(coarse - level[:, None]), axis=1)


@lru_cache(maxsize=16)
def _sparse(size: int, step: int) -> np.ndarray:
    """Return every so-manieth row or column for robust statistics, a set that mirrors into itself."""
    half = np.arange(step // 2, size // 2, step)
    return np.concatenate([half, size - 1 - half[::-1]])


@lru_cache(maxsize=16)
def _smoothing(size: int, sigma: float) -> torch.Tensor:
    """Return the matrix (size, size) that smooths a column with a Gaussian whose weights in the field sum to 1."""
    place = np.arange(size)
    weight = np.exp(-((place[:, None] - place) ** 2) / (2 * sigma**2))
    return torch.as_tensor(weight / weight.sum(axis=1, keepdims=True), dtype=torch.float32)


def _strongest(frames, sigma):
    """Return the 2 x 2 block (m, 2) of the highest response of the matched filter, and its score (m,).

    Blocks of four pixels are one eighth of the work, and a spot is wider than a block; the centroid does the rest.
    """
    images = functional.avg_pool2d(torch.from_numpy(np.ascontiguousarray(frames))[:, None], 2, ceil_mode=True)[:, 0]
    height, width = images.shape[1:]
    response = _smoothing(height, sigma / 2) @ images @ _smoothing(width, sigma / 2).T
    response -= _smoothing(height, 1.25 * sigma) @ images @ _smoothing(width, 1.25 * sigma).T
    highest, flat = response.reshape(len(images), -1).max(dim=1)
    rows, columns = (torch.from_numpy(_sparse(size, 2)) for size in (height, width))
    coarse = response[:, rows[:, None], columns].flatten(1)
    middle = coarse.median(dim=1, keepdim=True).values
    noise = 1.4826 * (coarse - middle).abs().median(dim=1).values
    rounding = 1e-5 * images.abs().amax().clamp(min=1e-20)
    score = (highest - middle[:, 0]) / torch.maximum(noise, rounding)
    return np.stack(np.unravel_index(flat.numpy(), (height, width)), axis=1), score.numpy()


def _centroid(frames, block, level, noise):
    """Return the centroid (m, 2) of the light in a window that follows it; a floor of one sigma keeps noise out."""
    floor = (level + noise)[:, None, None].astype(np.float32)
    at = _centre_of_light(frames, 2 * block - _REACH, 2 * _REACH + 2, floor)  # an even window about a block of 2 x 2
    for _ in range(_ROUNDS):
        at = _centre_of_light(frames, np.floor(at).astype(int) - _REACH, 2 * _REACH + 1, floor)
    return at


def _centre_of_light(frames, corner, size, floor):
    """Return the centroid (m, 2) of the light above ``floor`` in windows, their middle where there is none."""
    corner = np.clip(corner, 0, np.array(frames.shape[1:]) - size)
    y, x = (corner[:, k, None] + np.arange(size) for k in (0, 1))
    light = np.maximum(frames[np.arange(len(frames))[:, None, None], y[:, :, None], x[:, None, :]] - floor, 0)
    total = light.sum(axis=(1, 2))[:, None]
    moved = np.stack([(light.sum(axis=2) * y).sum(axis=1), (light.sum(axis=1) * x).sum(axis=1)], axis=1)
    return np.where(total > 0, moved / np.maximum(total, 1e-30) + 0.5, corner + size / 2)
