"""Tracking at all scales at once: a sphere is a peak in position and in size (Leocmach and Tanaka 2013).

The image is blurred by Gaussians of growing width; in the difference of two neighbours a ball answers most where the
width fits its radius, so that spheres of different sizes are found together and their radii measured.
"""

import numpy as np
from scipy import ndimage

from helpers.common import check

__all__ = ["SCALES_PER_OCTAVE", "differences", "find", "radius_of"]

SCALES_PER_OCTAVE = 4


def differences(image, sigma_px: float, n: int) -> np.ndarray:
    """Return D_k = G(s_k) * I - G(s_{k + 1}) * I, (n, Z, Y, X), s_k = ``sigma_px`` a^k, a = 2^(1/4)."""
    image = check.finite("image", image)
    widths = check.positive_number("sigma_px", sigma_px) * 2 ** (np.arange(n + 1) / SCALES_PER_OCTAVE)
    blurred = np.stack([ndimage.gaussian_filter(image, s, mode="nearest") for s in widths])
    return blurred[:-1] - blurred[1:]


def radius_of(sigma_px):
    """Return the radius of the solid ball whose middle answers most to G(s) - G(a s): s sqrt(6 ln a / (1 - a^-2)).

    At the middle of a ball of radius R, G(s) gives F(R / s), F' = sqrt(2 / pi) u^2 exp(-u^2 / 2); the difference is
    largest in s where u^3 exp(-u^2 / 2) is equal for u = R / s and R / (a s). For a -> 1 it is s sqrt(3).
    """
    a = 2 ** (1 / SCALES_PER_OCTAVE)
    return check.positive("sigma_px", sigma_px) * np.sqrt(6 * np.log(a) / (1 - a**-2))


def find(image, sigma_px: float, n: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places (m, 3) px and radii (m,) px of the balls in an image: peaks of D over z, y, x and scale.

    A peak is higher than its neighbours in space and scale, and than ``threshold``; those at the first and last of the
    n scales are none. Place and scale by a parabola along each axis. ValueError for fewer than 3 scales.
    """
    if check.whole("n", n) < 3:
        raise ValueError(f"n must be at least 3, got {n}")
    answers = differences(image, sigma_px, n)
    at = np.argwhere((answers == ndimage.maximum_filter(answers, 3, mode="nearest")) & (answers > threshold))
    at = at[(at[:, 0] > 0) & (at[:, 0] < n - 1)]
    places = at.astype(float)
    for axis in range(4):
        inner = (at[:, axis] > 0) & (at[:, axis] < answers.shape[axis] - 1)
        step = np.eye(4, dtype=int)[axis]
        left, middle, right = (answers[tuple((at[inner] + k * step).T)] for k in (-1, 0, 1))
        bend = left - 2 * middle + right
        places[inner, axis] += np.clip((left - right) / 2 / np.where(bend < 0, bend, -np.inf), -0.5, 0.5)
    return places[:, 1:], radius_of(sigma_px * 2 ** (places[:, 0] / SCALES_PER_OCTAVE))
