"""Photon transfer: what the noise of background pixels tells about the camera that recorded them."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from helpers.common import check

__all__ = ["PhotonTransfer", "background_mask", "photon_transfer"]

_GROUPS = 24  # blocks are put into this many groups for the standard errors where there are few movies


class PhotonTransfer(NamedTuple):
    """The line variance = slope (mean - zero_variance_level) of the background, and what follows from it.

    ``gain`` = slope / excess, counts per photoelectron. ``offset`` (counts) and ``read_noise`` (electrons) are None
    unless something closes the system. ``skew_ratio`` = third cumulant / (variance x slope), 1 for Poisson and 3/2
    after EM gain. ``..._se`` are standard errors (jackknife over movies, or over groups of blocks where the stack
    holds fewer than 8 movies).
    """

    slope: float
    slope_se: float
    zero_variance_level: float
    zero_variance_level_se: float
    gain: float
    gain_se: float
    offset: float | None
    offset_se: float | None
    read_noise: float | None
    skew_ratio: float
    skew_ratio_se: float
    n_blocks: int


def background_mask(stack, smooth_px: float = 1.5, threshold: float = 4.5, grow_px: int = 3) -> np.ndarray:
    """Return where no molecule shines in any frame of a movie, (..., T, H, W) -> bool (..., H, W).

    Each frame is smoothed, the movie's smoothed temporal median is taken off, and everything within ``grow_px`` of a
    value above ``threshold`` robust standard deviations is left out.
    """
    stack = _stack(stack, "stack")
    smooth, threshold = check.positive("smooth_px", smooth_px), check.positive("threshold", threshold)
    grow_px = check.whole("grow_px", grow_px, at_least=0)
    movies = stack.reshape(-1, *stack.shape[-3:])
    masks = np.empty((len(movies), *stack.shape[-2:]), dtype=bool)
    for movie, mask in zip(movies, masks, strict=True):
        excess = ndimage.gaussian_filter(movie, (0, smooth, smooth)) - ndimage.gaussian_filter(np.median(movie, 0), 8)
        excess -= np.median(excess)
        spots = (excess > threshold * 1.4826 * np.median(np.abs(excess))).any(axis=0)
        mask[...] = ~ndimage.binary_dilation(spots, iterations=grow_px) if grow_px else ~spots
    return masks.reshape(*stack.shape[:-3], *stack.shape[-2:])


def photon_transfer(stack, dark=None, offset=None, read_noise=None, excess=1.0, mask=None, block=8) -> PhotonTransfer:
    """Fit variance = slope (mean - level) to the background of movies (..., T, H, W) of one recording.

    With counts = offset + gain (electrons + read noise), var = excess gain (mean - offset) + gain^2 read^2. So
    slope = excess gain and level = offset - gain read^2 / excess: two numbers for four unknowns. ``excess`` (1, or 2
    behind EM gain) gives the gain; ``read_noise`` (electrons) or ``dark`` frames (any shape, the molecules' light and
    the background shut off) give the offset; ``offset`` (counts) gives the read noise. With dark frames the line
    runs through their mean and variance, and one brightness of the background is enough.

    ``mask`` (..., H, W) says which pixels to use (default ``background_mask``). Means and variances over time are
    averaged over blocks of pixels. The mean of few frames is itself noisy, and skewed noise makes mean and variance
    of the same frames vary together: both bias a plain fit. Even frames therefore give the mean that the variance of
    odd frames is held against, and the other way round (an instrumental-variable fit, slope = <m1 v2> / <m1 m2>).
    ValueError if fewer than 8 blocks of background are found or if they are all equally bright.
    Source: Janesick 2007; Robbins & Hadwen 2003 for EM gain.
    """
    stack = _stack(stack, "stack")
    excess = float(check.positive("excess", excess))
    offset = None if offset is None else float(check.finite("offset", offset))
    read_noise = None if read_noise is None else float(check.non_negative("read_noise", read_noise))
    dark = None if dark is None else check.finite("dark", dark)
    if dark is not None and (dark.ndim < 1 or dark.size < 100):
        raise ValueError(f"dark must hold at least 100 pixel values, got shape {dark.shape}")
    mask = background_mask(stack) if mask is None else np.asarray(mask, dtype=bool)
    if mask.shape != (*stack.shape[:-3], *stack.shape[-2:]):
        raise ValueError(f"mask must have shape {(*stack.shape[:-3], *stack.shape[-2:])}, got {mask.shape}")
    table, movie = _block_moments(stack, mask, check.whole("block", block))
    if len(table) < 8:
        raise ValueError(f"stack shows only {len(table)} blocks of background without molecules, at least 8 are needed")
    point = None if dark is None else np.array([dark.mean(), dark.var()])
    groups = movie if len(np.unique(movie)) >= 8 else np.arange(len(table)) % min(_GROUPS, len(table))

    def solve(rows, point=point):
        slope, level, skew = _line(rows, point)
        gain = slope / excess
        if point is not None:
            return np.array([slope, level, skew, gain, point[0]])
        zero = level + gain * read_noise**2 / excess if read_noise is not None else np.nan
        return np.array([slope, level, skew, gain, zero])

    value, variance = solve(table), _jackknife(solve, table, groups)
    slope, level, skew, gain, zero = value
    if dark is not None:
        for error in np.diag([dark.std(), dark.var() * np.sqrt(2)]) / np.sqrt(dark.size):
            variance += (solve(table, point + error) - value) ** 2
        read_noise = np.sqrt(point[1]) / gain
    elif read_noise is None and offset is not None:
        zero, read_noise = offset, np.sqrt(max(0.0, offset - level) * excess / gain)
    error = np.sqrt(variance)
    zero, zero_error = (None, None) if np.isnan(zero) else (zero, np.nan_to_num(error[4]))
    numbers = (slope, error[0], level, error[1], gain, error[3], zero, zero_error, read_noise, skew, error[2])
    return PhotonTransfer(*(None if number is None else float(number) for number in numbers), len(table))


def _stack(stack, name):
    stack = check.finite(name, stack)
    if stack.ndim < 3 or stack.shape[-3] < 4:
        raise ValueError(f"{name} must have shape (..., T, H, W) with T >= 4, got {stack.shape}")
    return stack


def _block_moments(stack, mask, block):
    """Return rows (weight, m1, m2, v1, v2, v, k3) of all blocks at least half of which is background; their movie.

    m1, v1 are mean and variance over the even frames, m2, v2 over the odd ones; v and k3 use all frames.
    """
    height, width = stack.shape[-2] // block * block, stack.shape[-1] // block * block
    movies = stack.reshape(-1, *stack.shape[-3:])[..., :height, :width]
    weights = mask.reshape(-1, *mask.shape[-2:])[:, :height, :width].astype(float)

    def blocks(image):
        return image.reshape(len(image), height // block, block, width // block, block).sum(axis=(2, 4))

    n = movies.shape[1]
    even, odd = movies[:, 0::2], movies[:, 1::2]
    third = ((movies - movies.mean(axis=1, keepdims=True)) ** 3).sum(axis=1) * n / ((n - 1) * (n - 2))
    moments = [even.mean(axis=1), odd.mean(axis=1), even.var(axis=1, ddof=1), odd.var(axis=1, ddof=1)]
    moments += [movies.var(axis=1, ddof=1), third]
    count = blocks(weights)
    used = count >= block**2 / 2
    rows = np.stack([count[used]] + [blocks(weights * moment)[used] / count[used] for moment in moments], axis=1)
    return rows, np.nonzero(used)[0]


def _line(rows, point):
    """Return slope, zero-variance level and skew ratio; ``point`` is (mean, variance) in the dark, or None."""
    weight, m1, m2, v1, v2, variance, third = rows.T
    mean_1, mean_2, mean_v1, mean_v2 = (np.average(a, weights=weight) for a in (m1, m2, v1, v2))
    mean, total = (mean_1 + mean_2) / 2, (mean_v1 + mean_v2) / 2
    if point is None:
        m1, m2, v1, v2 = m1 - mean_1, m2 - mean_2, v1 - mean_v1, v2 - mean_v2
        spread = np.average(m1 * m2, weights=weight)
        if spread <= 0:
            raise ValueError("stack must show backgrounds of different brightness (or give dark frames)")
        slope = np.average(m1 * v2 + m2 * v1, weights=weight) / (2 * spread)
        level = mean - total / slope
    else:
        slope = (total - point[1]) / (mean - point[0])
        level = point[0] - point[1] / slope
    skew = np.average(third, weights=weight) / np.average(variance, weights=weight) / slope
    return slope, level, skew


def _jackknife(solve, table, groups):
    """Return the delete-one-group variance of every value."""
    values = np.array([solve(table[groups != group]) for group in np.unique(groups)])
    return values.var(axis=0) * (len(values) - 1)
