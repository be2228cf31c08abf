"""Two-point statistics: the probability that the two ends of a needle, thrown at random, fall on two states.

Images hold the share of a state in every pixel, 0..1, on their last two axes (row, column); all axes before are a
batch. They must be finite: arrays that are not are refused, tensors give NaN. Arrays (and lists) are answered in
float64; tensors by differentiable tensors of their own precision, half precision by float32.
"""

import math

import numpy as np
import scipy.fft
import torch

from helpers.common import check
from helpers.textures.retrieval import retrieve

__all__ = [
    "amplitude",
    "chord_lengths",
    "count_lines",
    "lineal_path",
    "pair_count",
    "radial_average",
    "retrieve",
    "specific_surface",
    "three_lags",
    "two_point",
    "volume_fraction",
]

_PART_PX = 2**17  # pixels that are transformed at a time: 2-3 times faster than all images of a large batch at once


def two_point(m1, m2=None, periodic: bool = True, mask=None, shift: bool = True):
    """Return f(r) = <m1(x) m2(x + r)>, the mean over all x for which x and x + r lie in the image (and in the mask).

    ``m2=None``: the autocorrelation of ``m1``. Images (..., H, W), batches broadcast. Periodic: lags in px on the grid
    of the images, (..., H, W), every lag once, also for even H (-H / 2, not H / 2); otherwise all lags with pairs,
    (..., 2H - 1, 2W - 1). Lag 0 stands at (H // 2, W // 2), where not periodic at (H - 1, W - 1); with ``shift=False``
    at index 0, negative lags at the end. ``mask`` (H, W) of 0 and 1 says which pixels were seen. Lags that no pair of
    seen pixels has are NaN.

    By FFT: f = IFFT(conj(F1) F2) / S with S pixels; zero-padded where not periodic, and divided by ``pair_count``.
    ValueError for images of other shapes or complex ones. Source: Niezgoda, Fullwood & Kalidindi 2008.
    """
    m1 = _images("m1", m1)
    m2 = m1 if m2 is None else _images("m2", m2)
    size = _fitting(m1, m2)
    if mask is not None:
        seen, same = _like(_mask(mask, size), m1), m2 is m1
        m1 = m1 * seen
        m2 = m1 if same else m2 * seen
    sums = _correlate(m1, m2, periodic, shift)
    if periodic and mask is None:
        return sums / (size[0] * size[1])
    pairs = pair_count(size, periodic, mask, shift)
    f = sums / _like(np.maximum(pairs, 1), m1)
    return f if pairs.all() else f + _like(np.where(pairs > 0, 0.0, np.nan), m1)


def pair_count(size: tuple[int, int], periodic: bool = True, mask=None, shift: bool = True) -> np.ndarray:
    """Return how many pairs of (seen) pixels have each lag, a float array on the grid of ``two_point``.

    ``size`` = (H, W). Without a mask: H W for every lag if periodic, (H - |dy|)(W - |dx|) otherwise; with a mask its
    own autocorrelation. ValueError for a size that is no pair of whole numbers, or a mask of another shape.
    """
    if np.ndim(size) != 1 or len(size) != 2:
        raise ValueError(f"size must be (H, W), got {size!r}")
    height, width = (check.whole("size", side) for side in size)
    if mask is not None:
        seen = _mask(mask, (height, width))
        return np.round(_correlate(seen, seen, periodic, shift))
    if periodic:
        return np.full((height, width), float(height * width))
    row, column = (n - np.abs(np.arange(1 - n, n)) for n in (height, width))
    pairs = np.outer(row, column).astype(float)
    return pairs if shift else np.fft.ifftshift(pairs)


def amplitude(m):
    """Return |F| of images (..., H, W), half of the plane: (..., H, W // 2 + 1), index (0, 0) the frequency 0.

    |F(0)| is the sum of the image. The periodic autocorrelation is the inverse transform of |F|^2 / S, S = H W, so both
    say the same. ValueError as ``two_point``.
    """
    return abs(_fft(m := _images("m", m)).rfft2(m))


def volume_fraction(m):
    """Return the mean over the image, (...,), of images (..., H, W). ValueError as ``two_point``."""
    return _images("m", m).mean((-2, -1))


def specific_surface(f):
    """Return the length of the border of a state per area, 1/px, (...,), from its autocorrelation (..., H, W), centred.

    s = pi [f(0) - (f(e_x) + f(e_y)) / 2]: the slope of f at 0 is -s / pi in an isotropic texture, and f(0) - f(e) is
    half the share of unequal neighbours along e. Holds where the border runs in all directions alike and bends little
    within a pixel. Source: Debye, Anderson & Brumberger 1957; Cauchy-Crofton.
    """
    zero, along_x, along_y = three_lags(f)
    return np.pi * (zero - (along_x + along_y) / 2)


def count_lines(f):
    """Return S (f(0) - f(e_x)) (f(0) - f(e_y)) / f(0), the number of lines, (...,), from f (..., H, W) as of 0 and 1.

    f is the periodic autocorrelation, centred, S = H W. For n separate rectangles h x w that do not go round the grid
    S f(0) = sum h w, S (f(0) - f(e_x)) = sum h, S (f(0) - f(e_y)) = sum w, so that the result is sum h sum w / sum h w
    = n (1 - cov(h, w) / mean(h w)): exactly n if all have the same thickness, or all the same length, or whenever the
    two do not correlate within the image; too small if the longer are the thicker, too large if the thinner. 0 for an
    empty image.
    """
    zero, along_x, along_y = three_lags(f)
    pixels = f.shape[-2] * f.shape[-1]
    return pixels * (zero - along_x) * (zero - along_y) / (zero + (zero == 0))


def three_lags(f):
    """Return f(0), f(e_x) and f(e_y), each (...,), of a centred statistic (..., H, W): one column, one row apart."""
    if not hasattr(f, "shape") or len(f.shape) < 2 or 0 in f.shape[-2:]:
        raise ValueError(f"f must have shape (..., H, W), got {getattr(f, 'shape', f)}")
    (height, width), row, column = f.shape[-2:], f.shape[-2] // 2, f.shape[-1] // 2
    return f[..., row, column], f[..., row, (column + 1) % width], f[..., (row + 1) % height, column]


def radial_average(f, pairs=None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean lags (K,) in px and means of f (H, W), centred, over rings |r| in [k - 1/2, k + 1/2), k = 0, 1, ...

    Each lag counts by its ``pairs`` (H, W), as from ``pair_count`` (default: all alike); lags that are NaN do not
    count, and a ring without any is NaN. Lag 0 is the first ring, alone. The last ring is the last that lies in the
    grid as a whole. ValueError for other shapes, or pairs < 0.
    """
    f = check.numbers("f", _detached(f))
    if f.ndim != 2 or not f.size:
        raise ValueError(f"f must have shape (H, W), got {f.shape}")
    weight = np.ones(f.shape) if pairs is None else check.non_negative("pairs", _detached(pairs))
    if weight.shape != f.shape:
        raise ValueError(f"pairs must have the shape of f, {f.shape}, got {weight.shape}")
    row, column = (np.arange(n) - n // 2 for n in f.shape)
    lag = np.hypot(row[:, None], column)
    ring, known = np.floor(lag + 0.5).astype(int), ~np.isnan(f)
    n_rings = (min(f.shape) - 1) // 2 + 1
    kept = known & (ring < n_rings) & (weight > 0)
    total = np.bincount(ring[kept], weight[kept], n_rings)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(ring[kept], (weight * value)[kept], n_rings) / total for value in (lag, f)]
    return means[0], means[1]


def chord_lengths(m, axis: int = -1) -> np.ndarray:
    """Return the lengths in px of all runs of ones along an axis of a binary image, without those cut by the border.

    ``m`` of any shape; ValueError unless it holds only 0 and 1.
    """
    lengths, whole = _runs(_binary_rows(m, axis))
    return lengths[whole]


def lineal_path(m, axis: int = -1) -> np.ndarray:
    """Return L(z), z = 0, 1, ... W - 1 px, the probability that a straight path of length z lies in the state, (W,).

    Such a path joins the centres of z + 1 pixels in a row. Mean over all places where it fits into the W pixels along
    the axis, and over all other axes. L(0) is the volume fraction. ValueError unless ``m`` holds only 0 and 1.
    Source: Lu & Torquato 1992.
    """
    rows = _binary_rows(m, axis)
    lengths, _ = _runs(rows)
    z = np.arange(rows.shape[1])
    inside = np.array([np.maximum(lengths - step, 0).sum() for step in z])
    return inside / (len(rows) * (len(z) - z))


def _binary_rows(m, axis):
    """Return a binary image as rows (n, W) along an axis."""
    m = check.finite("m", _detached(m))
    if m.ndim < 1 or not m.size or not ((m == 0) | (m == 1)).all():
        raise ValueError(f"m must be an image that holds only 0 and 1, got an array of shape {m.shape}")
    if not -m.ndim <= check.whole("axis", axis, at_least=-m.ndim) < m.ndim:
        raise ValueError(f"axis must be one of the {m.ndim} axes of m, got {axis}")
    return np.moveaxis(m, axis, -1).reshape(-1, m.shape[axis])


def _runs(rows):
    """Return the lengths of the runs of ones along rows (n, W), and whether they end before the border."""
    step = np.diff(rows, axis=1, prepend=0, append=0)
    start, stop = np.nonzero(step == 1)[1], np.nonzero(step == -1)[1]
    return stop - start, (start > 0) & (stop < rows.shape[1])


def _correlate(m1, m2, periodic, shift):
    """Return sum_x m1(x) m2(x + r) for the lags of ``two_point``, large batches in parts that fit into a cache."""
    batch, size, same = m1.shape[:-2], m1.shape[-2:], m2 is m1
    n = max(1, _PART_PX // math.prod(size))
    if m1.shape != m2.shape or math.prod(batch) <= n or (isinstance(m1, torch.Tensor) and m1.device.type != "cpu"):
        return _correlate_part(m1, m2, periodic, shift)
    m1, m2 = (m.reshape(-1, *size) for m in (m1, m2))
    parts = []
    for first in range(0, len(m1), n):
        part = m1[first : first + n]
        parts.append(_correlate_part(part, part if same else m2[first : first + n], periodic, shift))
    sums = _join(parts, 0)
    return sums.reshape(*batch, *sums.shape[-2:])


def _correlate_part(m1, m2, periodic, shift):
    fft, size = _fft(m1), tuple(m1.shape[-2:])
    grid = size if periodic else tuple(scipy.fft.next_fast_len(2 * n - 1) for n in size)
    F1 = fft.rfft2(m1, s=grid)
    F2 = F1 if m2 is m1 else fft.rfft2(m2, s=grid)
    spectrum = F1.real**2 + F1.imag**2 if m2 is m1 else F1.conj() * F2
    sums = fft.irfft2(spectrum, s=grid)
    if not periodic:
        rows, columns = ([slice(n), slice(full - n + 1, full)] for n, full in zip(size, grid, strict=True))
        rows, columns = (part[::-1] if shift else part for part in (rows, columns))  # lags 0..n-1 and 1-n..-1
        return _join([_join([sums[..., row, column] for column in columns], -1) for row in rows], -2)
    if not shift:
        return sums
    return torch.fft.fftshift(sums, (-2, -1)) if isinstance(sums, torch.Tensor) else np.fft.fftshift(sums, (-2, -1))


def _join(parts, axis):
    return torch.cat(parts, axis) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts, axis)


def _fft(m):
    return torch.fft if isinstance(m, torch.Tensor) else scipy.fft


def _like(array, m):
    """Return a numpy array as what m is."""
    return torch.as_tensor(array).to(m) if isinstance(m, torch.Tensor) else array


def _detached(m):
    return m.detach().cpu() if isinstance(m, torch.Tensor) else m


def _images(name, m):
    """Return images as float64 arrays, or as tensors that the FFT takes."""
    if isinstance(m, torch.Tensor):
        if m.is_complex():
            raise ValueError(f"{name} must be real, got {m.dtype}")
        if not m.is_floating_point():
            m = m.to(torch.get_default_dtype())
        m = m.float() if m.dtype.itemsize < 4 else m
    else:
        m = check.finite(name, m)
    if m.ndim < 2 or 0 in m.shape[-2:]:
        raise ValueError(f"{name} must have shape (..., H, W), got {tuple(m.shape)}")
    return m


def _fitting(m1, m2):
    """Return (H, W) of two batches of images that go together."""
    if isinstance(m1, torch.Tensor) is not isinstance(m2, torch.Tensor):
        raise ValueError("m1 and m2 must both be arrays or both be tensors")
    if m1.shape[-2:] != m2.shape[-2:]:
        raise ValueError(f"m1 and m2 must have the same rows and columns, got {tuple(m1.shape)} and {tuple(m2.shape)}")
    try:
        np.broadcast_shapes(tuple(m1.shape), tuple(m2.shape))
    except ValueError as error:
        shapes = f"{tuple(m1.shape)} and {tuple(m2.shape)}"
        raise ValueError(f"m1 and m2 must have batches that broadcast, got {shapes}") from error
    return tuple(m1.shape[-2:])


def _mask(mask, size):
    """Return a mask as floats, checked."""
    seen = check.finite("mask", _detached(mask))
    if seen.shape != size or not ((seen == 0) | (seen == 1)).all():
        raise ValueError(f"mask must have shape {size} and hold only 0 and 1, got shape {seen.shape}")
    return seen
